"""What keeps a draft from becoming a signal, field by field.

Handles: naming every field of a draft that `Signal` refuses, with what would mend it. The rules themselves
stand in `Signal` alone: a field is at fault when the signal can be made, or fails for another reason, once
the field has its default. Refuses nothing: problems are values. Specification: docs/signals-import.md.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date
from types import MappingProxyType
from typing import Any, Final

from symbolon.errors import SignalError
from symbolon.signals.draft import Draft
from symbolon.signals.signal import ID_BYTES
from symbolon.signals.vocabulary import Tlp
from symbolon.suppliers.row_problem import RowProblem

ANY_PURPOSE: Final = "due-diligence"
"""Stands in a trial for the purposes that the importer adds where a draft names none."""

_DEFAULTS: Final[Mapping[str, Any]] = MappingProxyType(
    {
        "narrative": "",
        "confidence": None,
        "period": None,
        "urgent": False,
        "purposes": (ANY_PURPOSE,),
        "recipients": (),
        "tlp": Tlp.AMBER,
        "embargo": None,
        "review": None,
        "expires": None,
    }
)
"""In the order in which they are tried: a day is at fault before the day that it is measured against."""


def draft_problems(draft: Draft, row: int, today: date) -> Iterator[RowProblem]:
    """Yields a fatal problem for each field that has to change; none if the draft can be issued today.

    Args:
        draft: purposes may still be missing.
        row: its row or line.
        today: by this node's clock.
    """
    if not draft.purposes:
        draft = replace(draft, purposes=(ANY_PURPOSE,))
    error = _refusal(draft, today)
    while error is not None:
        field, mended, rest = _at_fault(draft, error, today)
        yield RowProblem(row, field, error.detail, error.hint or "Change it or leave it out.", fatal=True)
        draft, error = mended, rest


def _refusal(draft: Draft, today: date) -> SignalError | None:
    try:
        draft.first_revision(bytes(ID_BYTES), today)
    except SignalError as error:
        return error
    return None


def _at_fault(draft: Draft, error: SignalError, today: date) -> tuple[str | None, Draft, SignalError | None]:
    """The field, the draft with its default there, and what is still refused of that."""
    for field, default in _DEFAULTS.items():
        if getattr(draft, field) == default:
            continue
        mended = replace(draft, **{field: default})
        rest = _refusal(mended, today)
        if rest is None or rest.detail != error.detail:
            return field, mended, rest
    return None, draft, None
