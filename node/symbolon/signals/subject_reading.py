"""Whom a signal from a file is about: its texts to a `Subject`, read as a row of a supplier list is.

Handles: cleaning of every text, the country's normal form, identifiers that do not hold. Refuses by a fatal
`RowProblem` what a supplier list refuses (neither a name nor a valid identifier), and what `Subject` refuses.
Specification: docs/signals-import.md; docs/matching.md, Reading a list.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Final

from symbolon.errors import SignalError
from symbolon.signals.free_text import clean
from symbolon.signals.record_codec import SUBJECT_FIELDS
from symbolon.signals.signal import Subject
from symbolon.signals.vocabulary import SubjectKind
from symbolon.suppliers.header import ColumnPlan
from symbolon.suppliers.row_problem import RowProblem
from symbolon.suppliers.row_reading import RowReader

_COLUMNS: Final = {name: place for place, name in enumerate(("supplier_id", *SUBJECT_FIELDS))}
_PLAN: Final = ColumnPlan(
    columns=_COLUMNS, width=len(_COLUMNS), missing=(), ignored=(), headers={name: name for name in _COLUMNS}
)
_NO_ID: Final = "-"
"""A row of a list needs an id; a subject has none."""


def read_subject(row: int, kind: SubjectKind, texts: Mapping[str, str]) -> Iterator[Subject | RowProblem]:
    """Yields the problems of a subject and then, unless one is fatal, the subject.

    Args:
        row: its row or line.
        kind: what it is.
        texts: by the names in `SUBJECT_FIELDS`, as they were typed.
    """
    cells = [_NO_ID, *(texts.get(name, "") for name in SUBJECT_FIELDS)]
    for item in RowReader(_PLAN).read(row, cells):
        if isinstance(item, RowProblem):
            yield item
        else:
            # The row's reader has mended blanks and control characters; the rest of ASCII is plain.
            odd = {name: text for name in SUBJECT_FIELDS if not (text := getattr(item, name)).isascii()}
            mended = {name: clean(text) for name, text in odd.items()}
            try:
                yield Subject(kind, replace(item, supplier_id="", **mended))
            except SignalError as error:
                yield RowProblem(row, None, error.detail, error.hint or "Write it again.", fatal=True)
