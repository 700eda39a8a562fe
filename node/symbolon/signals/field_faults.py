"""What is wrong with a signal in an outside file, said to its author.

Handles: every fault that the model of a signal finds, as a `RowProblem` with the path of the field, what is
wrong and what mends it. The words are this module's own: a library's message may hold the value, and a value
may be a source. Refuses nothing. Specification: docs/signals-import.md.
"""

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from symbolon.signals.vocabulary import Level
from symbolon.suppliers.row_problem import RowProblem

MAX_FAULTS: Final = 20
"""Of one signal; whoever mends these finds the rest."""

LEVEL_WORDS: Final = {each.words: each for each in Level}
"""Levels by the words that stand for their numbers."""

_FIELD_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,39}")
_WORDS: Final[Mapping[str, tuple[str, str]]] = {
    "missing": ("it is missing", "add it"),
    "string_type": ("it is no text", "write it between quotation marks"),
    "half": ("it holds half of a character", "write the text again"),
    "string_unicode": ("it holds half of a character", "write the text again"),
    "bool_type": ("it is neither true nor false", "write true or false, without quotation marks"),
    "int_type": ("it is no whole number", "write digits, without quotation marks"),
    "int_from_float": ("it is no whole number", "leave out what stands behind the point"),
    "list_type": ("it is no list", "write the words between brackets, separated by commas"),
    "model_type": ("it is no object", "write its fields between braces"),
    "level": ("it is no level", f"use 0 to 4, or one of: {', '.join(LEVEL_WORDS)}"),
    "month": ("it is no month from 1900 to 2240", "write it as 2026-03; no finer time is kept"),
    "day": ("it is no day", "write it as 2026-03-31"),
    "string_too_short": ("it is empty", "fill it"),
    "too_short": ("it is empty", "fill it"),
    "string_pattern_mismatch": (
        "it is no plain word",
        "use letters, digits, points and hyphens, 64 at most, for example due-diligence",
    ),
}


def faults(row: int, error: ValidationError, fields: Mapping[str, Sequence[str]]) -> Iterator[RowProblem]:
    """Yields the faults of one signal, all fatal, at most `MAX_FAULTS`.

    Args:
        row: its row or line.
        error: what the model said.
        fields: the names of the fields of every object, by its path.
    """
    for fault in error.errors(include_url=False, include_input=False)[:MAX_FAULTS]:
        message, remedy = _in_words(fault, fields)
        yield RowProblem(row, _path(fault["loc"]) or None, message, remedy, fatal=True)


def _in_words(fault: ErrorDetails, fields: Mapping[str, Sequence[str]]) -> tuple[str, str]:
    kind, context = fault["type"], fault.get("ctx", {})
    if kind in _WORDS:
        return _WORDS[kind]
    match kind:
        case "extra_forbidden":
            names = fields[_path(fault["loc"][:-1])]
            close = difflib.get_close_matches(str(fault["loc"][-1])[:40], names, 1)
            remedy = f"did you mean {close[0]}?" if close else f"leave it out; fields are: {', '.join(names)}"
            return "there is no such field", remedy
        case "enum":
            return "it is no word of the vocabulary", f"use one of: {context['expected']}".replace("'", "")
        case "string_too_long":
            return f"it has more than {context['max_length']:,} characters", "shorten it"
        case "too_long":
            return f"it has more than {context['max_length']} entries", "leave some out"
        case "greater_than_equal":
            return f"it is less than {context['ge']:,}", "correct the number"
        case "less_than_equal":
            return f"it is more than {context['le']:,}", "correct the number"
        case _:
            return "it cannot be used", "see the field in signal.schema.json"


def _path(place: tuple[int | str, ...]) -> str:
    """As `subject.name` or `indicators[2]`; what is no plain name is not repeated."""
    path = ""
    for part in place:
        if isinstance(part, int):
            path += f"[{part}]"
        else:
            name = part if _FIELD_NAME.fullmatch(part) else "(a name that is no field)"
            path += f".{name}" if path else name
    return path
