from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from signal_makers import TODAY, make_draft
from symbolon.signals.draft_problems import draft_problems
from symbolon.signals.signal import LAST_DAY, Month, Period
from symbolon.signals.vocabulary import Tlp


def _fields(**changes: Any) -> list[str | None]:
    return [problem.column for problem in draft_problems(make_draft(**changes), 3, TODAY)]


def test_draft_problems_draft_that_can_be_issued_has_none() -> None:
    assert _fields() == []
    assert _fields(purposes=()) == []


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"narrative": "\u202e"}, "narrative"),
        ({"narrative": "x" * 20_001}, "narrative"),
        ({"confidence": 101}, "confidence"),
        ({"period": Period(Month(2026, 8), Month(2026, 8))}, "period"),
        ({"urgent": True}, "urgent"),
        ({"purposes": ("b", "a")}, "purposes"),
        ({"recipients": ("a b",)}, "recipients"),
        ({"tlp": Tlp.RED}, "tlp"),
        ({"embargo": date(2029, 1, 1)}, "embargo"),
        ({"review": date(2029, 1, 1)}, "review"),
        ({"expires": TODAY}, "expires"),
        ({"expires": date(2200, 1, 1)}, "expires"),
        ({"expires": TODAY + timedelta(days=1_827)}, "expires"),
    ],
)
def test_draft_problems_one_wrong_field_is_the_one_named(changes: dict[str, Any], field: str) -> None:
    assert _fields(**changes) == [field]


def test_draft_problems_all_wrong_fields_are_named() -> None:
    named = _fields(urgent=True, tlp=Tlp.RED, confidence=-1, embargo=date(2019, 1, 1), expires=TODAY)
    assert sorted(map(str, named)) == ["confidence", "embargo", "expires", "tlp", "urgent"]


def test_draft_problems_what_no_default_mends_is_reported_without_a_field() -> None:
    draft = replace(make_draft(), indicators=frozenset())
    (problem,) = draft_problems(draft, 3, TODAY)
    assert (problem.row, problem.column, problem.fatal) == (3, None, True)
    assert "indicator" in problem.message


def test_draft_problems_clock_beyond_all_days_ends() -> None:
    assert list(draft_problems(make_draft(), 1, LAST_DAY + timedelta(days=1)))
