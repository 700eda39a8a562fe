"""What a revision lets out that the one before did not, in words."""

from datetime import date
from typing import Any

import pytest

from signal_makers import TODAY, make_signal
from symbolon.signals.loosening import loosened
from symbolon.signals.vocabulary import Indicator, Tlp

CHILD = frozenset({Indicator.CHILD_LABOUR})


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ({"tlp": Tlp.AMBER}, {"tlp": Tlp.CLEAR}, "TLP:AMBER to TLP:CLEAR"),
        ({"recipients": ("birch",)}, {"recipients": ("birch", "cedar")}, "to cedar as well"),
        ({"recipients": ("birch",)}, {"recipients": ()}, "every member that policy permits"),
        ({}, {"purposes": ("due-diligence", "remediation")}, "for remediation as well"),
        ({"embargo": date(2026, 12, 1)}, {"embargo": None}, "until 2026-12-01 ends now"),
        ({"embargo": date(2026, 12, 1)}, {"embargo": date(2026, 11, 1)}, "ends on 2026-11-01"),
        ({"indicators": CHILD}, {"indicators": CHILD, "urgent": True}, "told at once"),
        ({"indicators": CHILD, "urgent": True}, {"indicators": CHILD}, "urgent mark is withdrawn"),
    ],
)
def test_loosened_says_what_is_let_out(before: dict[str, Any], after: dict[str, Any], said: str) -> None:
    (found,) = loosened(make_signal(**before), make_signal(revision=2, **after))
    assert said in found


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"tlp": Tlp.CLEAR}, {"tlp": Tlp.AMBER}),
        ({"recipients": ("birch", "cedar")}, {"recipients": ("birch",)}),
        ({"recipients": ()}, {"recipients": ("birch",)}),
        ({"purposes": ("a", "b")}, {"purposes": ("a",)}),
        ({"embargo": date(2026, 8, 1)}, {"embargo": date(2026, 9, 1)}),
        ({"embargo": TODAY}, {"embargo": None}),
        ({"confidence": 10}, {"confidence": 90, "narrative": "More is known."}),
    ],
)
def test_loosened_of_what_is_tightened_or_told_is_nothing(
    before: dict[str, Any], after: dict[str, Any]
) -> None:
    assert loosened(make_signal(**before), make_signal(revision=2, **after)) == ()
