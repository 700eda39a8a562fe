"""The kinds of values that an object of a signal file holds, for its models.

Handles: texts that are whole Unicode, levels by number or by word, months, days, numbers as JSON has them; of
each its JSON Schema. Refuses with `PydanticCustomError`, which `field_faults` puts into words.
Specification: docs/signals-import.md, JSON Lines.
"""

import re
from datetime import date
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, PlainValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from symbolon.errors import SignalError
from symbolon.signals.field_faults import LEVEL_WORDS
from symbolon.signals.signal import Month
from symbolon.signals.vocabulary import Level

MONTH_PATTERN: Final = "^(19[0-9]{2}|2[01][0-9]{2}|22[0-3][0-9]|2240)-(0[1-9]|1[0-2])$"
DAY_PATTERN: Final = "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"
WORD_PATTERN: Final = "^[A-Za-z0-9][A-Za-z0-9.-]{0,63}$"


class FileModel(BaseModel):
    """An object of a signal file: every field is known, and of its own type."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


def unicode_text(text: str) -> str:
    """A text without halves of characters, as it is."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise PydanticCustomError("half", "it holds half of a character") from None
    return text


def json_number(value: object) -> object:
    """JSON has one kind of number: 70.0 is 70."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _level(value: object) -> Level:
    value = json_number(value)
    if isinstance(value, str) and value in LEVEL_WORDS:
        return LEVEL_WORDS[value]
    if isinstance(value, int) and not isinstance(value, bool) and min(Level) <= value <= max(Level):
        return Level(value)
    raise PydanticCustomError("level", "it is no level")


def _month(value: object) -> Month:
    try:
        if isinstance(value, str) and value.isascii():
            return Month.parse(value)
    except SignalError:
        pass
    raise PydanticCustomError("month", "it is no month")


def _day(value: object) -> date:
    if isinstance(value, str) and re.fullmatch(DAY_PATTERN.strip("^$"), value):
        try:
            return date.fromisoformat(value)
        except ValueError:
            pass
    raise PydanticCustomError("day", "it is no day")


LevelField = Annotated[
    Level,
    PlainValidator(_level),
    WithJsonSchema({"enum": [*(int(each) for each in Level), *LEVEL_WORDS]}),
]
MonthField = Annotated[
    Month, PlainValidator(_month), WithJsonSchema({"type": "string", "pattern": MONTH_PATTERN})
]
DayField = Annotated[
    date,
    PlainValidator(_day),
    WithJsonSchema({"type": "string", "format": "date", "pattern": DAY_PATTERN}),
]
