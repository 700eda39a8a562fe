"""Which column of a table of signals is which field.

Handles: the fields of a signal by their names in any case and with blanks, hyphens or underscores; a column
for each indicator beside or instead of one column for all; the operator's own map (`--map name="Factory"`),
which wins over names that fit by themselves. Columns that nobody asked for are listed and never read.
Refuses with `InputError`: a needed column that is missing (`input.header.missing`), a used column that stands
twice (`input.header.doubled`), a map that names an unknown field or column (`input.map`), and the whole file
where a column looks like what a signal must not hold (`input.signal.column`).
Specification: docs/signals-import.md, Tables.
"""

import difflib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from symbolon.errors import InputError
from symbolon.signals import author_words
from symbolon.signals.free_text import shown
from symbolon.signals.record_codec import SUBJECT_FIELDS
from symbolon.suppliers.header import fold_header

FIELDS: Final = (
    "subject_kind",
    *SUBJECT_FIELDS,
    "indicators",
    "scale",
    "scope",
    "irremediability",
    "likelihood",
    "confidence",
    "reliability",
    "evidence",
    "scheme",
    "grade",
    "period_from",
    "period_to",
    "narrative",
    "tlp",
    "purposes",
    "recipients",
    "embargo",
    "expires",
    "review",
    "urgent",
    "source",
    "reference",
    "workers",
)
"""The columns that a table may have."""

NAMING: Final = ("name", "os_id", "lei", "gln", "duns", "vat", "registration_number", "imo")
"""One of these has to be there, or no row is about anybody."""

_SHOWN_HEADERS: Final = 12
_SHOWN_CHARS: Final = 40


class ColumnFinding(Protocol):
    """What the screening says of a column."""

    @property
    def suspicion(self) -> str:
        """What it seems to hold."""

    @property
    def remedy(self) -> str:
        """What to do about it."""


ScreenColumn = Callable[[str], ColumnFinding | None]
"""Looks at a column's name; None where nothing is wrong with it."""


@dataclass(frozen=True, slots=True)
class ColumnMeaning:
    """What a column holds.

    Attributes:
        field: one of `FIELDS`.
        word: where the column only says yes or no to one word of that field, the word; else ''.
    """

    field: str
    word: str = ""


Recognise = Callable[[str], ColumnMeaning | None]
"""What a header means by itself; None where it is no field."""

NeverRead = Callable[[str], bool]
"""Whether a column is of the kind of file, not of its author, so that its name tells nothing."""


@dataclass(frozen=True, slots=True)
class SignalColumns:
    """Where each field stands.

    Attributes:
        places: field to place of its column, counted from 0.
        choices: place of a column that says yes or no to a word, to its field and word.
        ignored: headers of columns that no field uses, fit to be printed.
        headers: field to the header as the file spells it, fit to be printed.
    """

    places: Mapping[str, int]
    choices: Mapping[int, tuple[str, str]]
    ignored: tuple[str, ...]
    headers: Mapping[str, str]


def recognise(header: str) -> ColumnMeaning | None:
    """What a header of a plain table means: a field, or an indicator with or without that word before it."""
    folded = fold_header(header)
    if folded in FIELDS:
        return ColumnMeaning(folded)
    bare = folded.removeprefix("indicators").removeprefix("indicator").lstrip("_/:. ")
    found = author_words.indicator(bare)
    return None if found is None else ColumnMeaning("indicators", found.value)


def known_columns(
    header: Sequence[str], header_map: Mapping[str, str], recognised: Recognise = recognise
) -> int:
    """How many columns of a header row mean something."""
    mapped = {fold_header(each) for each in header_map.values()}
    return sum(1 for cell in header if fold_header(cell) in mapped or recognised(cell) is not None)


def none_by_kind(_header: str) -> bool:
    """A plain table has no columns that are its own."""
    return False


def plan_signal_columns(
    header: Sequence[str],
    header_map: Mapping[str, str],
    screen_column: ScreenColumn | None,
    recognised: Recognise = recognise,
    never_read: NeverRead = none_by_kind,
) -> SignalColumns:
    """Finds every field's column.

    Args:
        header: the cells of the header row.
        header_map: field, or indicator, to the file's own header, as given with `--map`.
        screen_column: looks at every header that is no field by its own name, and not `never_read`.
        recognised: what a header means by itself.
        never_read: which columns are of the kind of file.

    Raises:
        InputError: see above.
    """
    wanted = _checked_map(header_map)
    found = {place: recognised(cell) for place, cell in enumerate(header)}
    _refuse_row_of_data(header, header_map, recognised)
    meanings: dict[int, ColumnMeaning] = {}
    for source, meaning in wanted.items():
        place = _place_of(source, header, meaning)
        if place in meanings:
            raise _twice(source)
        meanings[place] = meaning
    mapped = set(meanings.values())
    if screen_column is not None:
        unknown = [cell for place, cell in enumerate(header) if found[place] is None and not never_read(cell)]
        _refuse_suspicious(unknown, screen_column)
    for place, own in found.items():
        if own is not None and place not in meanings and own not in mapped:
            meanings[place] = own
    places: dict[str, int] = {}
    choices: dict[int, tuple[str, str]] = {}
    for place in sorted(meanings):
        field, word = meanings[place].field, meanings[place].word
        if word:
            choices[place] = (field, word)
        elif field in places:
            raise InputError(
                f"two columns of the file are {field}: columns {places[field] + 1} and {place + 1}",
                hint=f'take one out, or choose with --map {field}="…"',
                code="input.header.doubled",
            )
        else:
            places[field] = place
    _refuse_missing(places, choices, header)
    return SignalColumns(
        places=places,
        choices=choices,
        ignored=tuple(_plain(cell) for place, cell in enumerate(header) if place not in meanings and cell),
        headers={field: _plain(header[place]) for field, place in places.items()},
    )


def _checked_map(header_map: Mapping[str, str]) -> dict[str, ColumnMeaning]:
    """The file's own header to what it holds."""
    meanings: dict[str, ColumnMeaning] = {}
    for name, source in header_map.items():
        meaning = recognise(name)
        if meaning is None:
            close = difflib.get_close_matches(fold_header(name), FIELDS, 1)
            raise InputError(
                f"--map names the field {name!r}, which does not exist",
                hint=f"did you mean {close[0]}?" if close else f"fields are: {', '.join(FIELDS)}",
                code="input.map",
            )
        if source in meanings:
            raise _twice(source)
        meanings[source] = meaning
    return meanings


def _twice(source: str) -> InputError:
    return InputError(
        f"--map takes the column {source!r} for two fields",
        hint="give each field a column of its own",
        code="input.map",
    )


def _refuse_row_of_data(header: Sequence[str], header_map: Mapping[str, str], recognised: Recognise) -> None:
    """A first row without any known name may hold a signal, and a source: nothing of it is repeated."""
    if not known_columns(header, header_map, recognised):
        raise InputError(
            "no column of the first row has a name that is known",
            hint=f"the first row must name the columns, for example {', '.join(FIELDS[:3])}; or use --map",
            code="input.header.missing",
        )


def _place_of(source: str, header: Sequence[str], meaning: ColumnMeaning) -> int:
    places = [place for place, cell in enumerate(header) if cell == source.strip()]
    folded = fold_header(source)
    places = places or [place for place, cell in enumerate(header) if fold_header(cell) == folded]
    field = meaning.word or meaning.field
    if not places:
        close = difflib.get_close_matches(source, header, 1, 0.5)
        raise InputError(
            f"the file has no column {source!r}, which --map names for {field}",
            hint=f'did you mean --map {field}="{_plain(close[0])}"?' if close else _listed(header),
            code="input.map",
        )
    if len(places) > 1:
        raise InputError(
            f"the column {source!r} stands twice in the header, as columns"
            f" {places[0] + 1} and {places[1] + 1}",
            hint="rename or remove one of them",
            code="input.header.doubled",
        )
    return places[0]


def _refuse_suspicious(header: Sequence[str], screen_column: ScreenColumn) -> None:
    for cell in header:
        finding = screen_column(cell)
        if finding is not None:
            raise InputError(
                f"the column {_plain(cell)!r} looks like {finding.suspicion.replace('-', ' ')},"
                " which no signal may hold",
                hint=f"{finding.remedy} Take the column out, or rename it if it is something else.",
                code="input.signal.column",
            )


def _refuse_missing(
    places: Mapping[str, int], choices: Mapping[int, tuple[str, str]], header: Sequence[str]
) -> None:
    missing = [field for field in ("subject_kind", "evidence") if field not in places]
    if "indicators" not in places and not any(field == "indicators" for field, _ in choices.values()):
        missing.append("indicators")
    if not any(field in places for field in NAMING):
        missing.append("name")
    if missing:
        raise InputError(
            f"the header has no column for {', '.join(missing)}",
            hint=f'if the file has it under another name, add --map {missing[0]}="…"; {_listed(header)}',
            code="input.header.missing",
        )


def _plain(header: str) -> str:
    return shown(header[:_SHOWN_CHARS], one_line=True)


def _listed(header: Sequence[str]) -> str:
    filled = [cell for cell in header if cell]
    more = " …" if len(filled) > _SHOWN_HEADERS else ""
    return f"its columns are: {', '.join(_plain(cell) for cell in filled[:_SHOWN_HEADERS])}{more}"
