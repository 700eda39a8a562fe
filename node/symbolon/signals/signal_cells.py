"""The cells of one row to the object that `signal_file` reads.

Handles: words, levels, months, days, yes and no as people type them; words that stand in one cell or in
columns of their own. A day in a period is cut to its month, with a note. Refuses by a fatal `RowProblem` a
cell that is no word of its list; it never quotes the cell. Specification: docs/signals-import.md, Words.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from symbolon.signals import author_words
from symbolon.signals.record_codec import SUBJECT_FIELDS
from symbolon.signals.signal_columns import SignalColumns
from symbolon.signals.vocabulary import Evidence, Level, Reliability, SubjectKind, Tlp
from symbolon.suppliers.row_problem import RowProblem

_LEVEL_WORDS: Final = f"use 0 to 4, or one of: {', '.join(each.words for each in Level)}"
_DAY_WORDS: Final = "write it as 2026-03-31"
_MONTH_WORDS: Final = "write it as 2026-03, 03/2026 or March 2026"

_READ: Final[Mapping[str, tuple[Callable[[str], Any], str, str]]] = {
    "subject_kind": (author_words.subject_kind, "it is no kind of subject", ", ".join(SubjectKind)),
    "scale": (author_words.level, "it is no level", _LEVEL_WORDS),
    "scope": (author_words.level, "it is no level", _LEVEL_WORDS),
    "irremediability": (author_words.level, "it is no level", _LEVEL_WORDS),
    "likelihood": (author_words.level, "it is no level", _LEVEL_WORDS),
    "confidence": (author_words.confidence, "it is no confidence", "write 0 to 100, or low, medium or high"),
    "reliability": (
        author_words.reliability,
        "it is no grade of a source",
        ", ".join(f"{each.value} ({each.words})" for each in Reliability),
    ),
    "evidence": (
        author_words.evidence,
        "it is no kind of evidence",
        ", ".join(each.words for each in Evidence),
    ),
    "tlp": (author_words.tlp, "it is no TLP 2.0 mark", ", ".join(Tlp)),
    "urgent": (author_words.truth, "it is neither yes nor no", "write yes or no"),
    "embargo": (author_words.iso_day, "it is no day", _DAY_WORDS),
    "expires": (author_words.iso_day, "it is no day", _DAY_WORDS),
    "review": (author_words.iso_day, "it is no day", _DAY_WORDS),
    "workers": (author_words.whole_number, "it is no whole number", "write digits, without a decimal point"),
    "period_from": (author_words.month, "it is no month", _MONTH_WORDS),
    "period_to": (author_words.month, "it is no month", _MONTH_WORDS),
    "indicators": (
        author_words.indicators,
        "a part of it is no indicator",
        "separate the names with semicolons; `symbolon signals words` lists them",
    ),
}
_INSIDE: Final[Mapping[str, tuple[str, str]]] = {
    "subject_kind": ("subject", "kind"),
    **{name: ("subject", name) for name in SUBJECT_FIELDS},
    **{name: ("severity", name) for name in ("scale", "scope", "irremediability")},
    "scheme": ("native", "scheme"),
    "grade": ("native", "grade"),
    "period_from": ("period", "from"),
    "period_to": ("period", "to"),
}
"""Columns that are parts of one object of the file."""

_COLUMN_OF: Final[Mapping[str, str]] = {
    **{f"{outer}.{inner}": name for name, (outer, inner) in _INSIDE.items()},
    "subject": "name",
    "native": "grade",
    "period": "period_from",
}
_NOTHING: Final = "n/a"
"""What spreadsheets and survey tools write into a cell that has no answer."""

_LISTS: Final = ("purposes", "recipients")
_ONE_LINE: Final = frozenset(SUBJECT_FIELDS) - {"address"}
"""A signal about two rows at once would be about nobody, or about the wrong one."""

_INDEX: Final = re.compile(r"\[[0-9]+\]")


def row_object(
    row: int, cells: Sequence[str], columns: SignalColumns
) -> Iterator[dict[str, Any] | RowProblem]:
    """Yields the problems of a row's cells and then, unless one is fatal, the object that they make.

    Args:
        row: its number.
        cells: one text a column of the header.
        columns: where each field stands.
    """
    fatal = False
    value: dict[str, Any] = {"subject": {}}
    for field, place in columns.places.items():
        text = cells[place].strip()
        if not text or text.lower() == _NOTHING:
            continue
        read, problem = _read_cell(row, field, text)
        if problem is not None:
            yield problem
            fatal = fatal or problem.fatal
        if problem is None or not problem.fatal:
            outer, inner = _INSIDE.get(field, ("", field))
            (value.setdefault(outer, {}) if outer else value)[inner] = read
    for place, (field, word) in columns.choices.items():
        said = author_words.truth(cells[place])
        if said is None:
            fatal = True
            name = word if field == "indicators" else f"{field}/{word}"
            yield RowProblem(row, name, "it is neither yes nor no", "write yes or no", fatal=True)
        elif said:
            value[field] = [*value.get(field, ()), word]
    if not fatal:
        yield value


def column_of(path: str | None) -> str | None:
    """The column that a path in the object comes from."""
    if path is None:
        return None
    bare = _INDEX.sub("", path)
    return _COLUMN_OF.get(bare, bare)


def _read_cell(row: int, field: str, text: str) -> tuple[Any, RowProblem | None]:
    """What a cell says, in the form of the file's object, and what is wrong with it."""
    if field in _LISTS:
        words = author_words.separate_words(text.replace("_", "-"))
        return (words if field == "recipients" else [word.lower() for word in words]), None
    if field in _ONE_LINE and "\n" in text:
        return None, RowProblem(
            row,
            field,
            "it holds a line break: a stray quotation mark may have joined two rows",
            "write it on one line, and look for a quotation mark that none closes",
            fatal=True,
        )
    if field not in _READ:
        return text, None
    reader, message, remedy = _READ[field]
    said = reader(text)
    if said is None:
        return None, RowProblem(row, field, message, remedy, fatal=True)
    if field in ("period_from", "period_to"):
        month, cut = said
        note = "the day was left out: no finer time than a month is kept"
        problem = RowProblem(row, field, note, "write the month alone, as 2026-03", fatal=False)
        return str(month), problem if cut else None
    if field in ("embargo", "expires", "review"):
        return said.isoformat(), None
    if field == "indicators":
        return sorted(each.value for each in said), None
    return getattr(said, "value", said), None
