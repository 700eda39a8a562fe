"""Which column of a file is which field (docs/matching.md, Reading a list).

Handles: the canonical header in any case and with blanks or hyphens for underscores, and the operator's own
map (`--map name="Vendor Name"`), which wins over names that fit by themselves. Columns that nobody asked for
are ignored and listed.
Refuses with `InputError`: a needed column that is missing, a used column that stands twice, and a map that
names an unknown field or a column the file does not have. The hint names the close matches and what to type.
"""

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from symbolon.errors import InputError
from symbolon.suppliers.record import CANONICAL_HEADER, OPTIONAL_HEADER

NEEDED: Final[tuple[str, ...]] = ("supplier_id", "name", "country")
"""Without these no row can be told apart, named or keyed; all other columns may be missing."""

_FIELDS: Final = (*CANONICAL_HEADER, *OPTIONAL_HEADER)

_USUAL_NAMES: Final[dict[str, tuple[str, ...]]] = {
    "supplier_id": (
        "id",
        "vendor id",
        "vendor number",
        "supplier number",
        "supplier no",
        "facility id",
        "code",
    ),
    "name": (
        "vendor name",
        "supplier name",
        "facility name",
        "company",
        "company name",
        "factory name",
        "employer",
    ),
    "country": ("country code", "country name", "nation", "iso country"),
}
"""Headers that people often use; they are suggested in the hint, never taken silently."""


@dataclass(frozen=True, slots=True)
class ColumnPlan:
    """Where each field stands.

    Attributes:
        columns: field to place of its column, counted from 0.
        width: number of columns in the header.
        missing: canonical fields without a column.
        ignored: headers of columns that no field uses.
        headers: field to the header as the file spells it.
    """

    columns: Mapping[str, int]
    width: int
    missing: tuple[str, ...]
    ignored: tuple[str, ...]
    headers: Mapping[str, str]


def fold_header(text: str) -> str:
    """Header text for comparison: lower case, blanks and hyphens as underscores."""
    return "_".join(text.replace("-", " ").replace("_", " ").lower().split())


def check_map(header_map: Mapping[str, str]) -> None:
    """Refuse a map that names a field that does not exist, or one column for two fields."""
    for field in header_map:
        if field not in _FIELDS:
            close = difflib.get_close_matches(field, _FIELDS, 1)
            raise InputError(
                f"--map names the field {field!r}, which does not exist",
                hint=f"did you mean {close[0]}?" if close else f"fields are: {', '.join(_FIELDS)}",
                code="input.map",
            )
    sources = list(header_map.values())
    for source in sources:
        if sources.count(source) > 1:
            raise InputError(
                f"--map takes the column {source!r} for two fields",
                hint="give each field a column of its own",
                code="input.map",
            )


def plan_columns(header: Sequence[str], header_map: Mapping[str, str]) -> ColumnPlan:
    """Find every field's column.

    Args:
        header: the cells of the header row.
        header_map: field to the file's own header, as given with `--map`.

    Returns:
        The plan.

    Raises:
        InputError: `input.header.missing`, `input.header.doubled` or `input.map`.
    """
    check_map(header_map)
    headers = [cell.strip() for cell in header]
    folded = [fold_header(cell) for cell in headers]
    columns: dict[str, int] = {}
    for field, source in header_map.items():
        places = [place for place, cell in enumerate(headers) if cell == source.strip()]
        places = places or [place for place, cell in enumerate(folded) if cell == fold_header(source)]
        if not places:
            close = difflib.get_close_matches(source, headers, 1, 0.5)
            raise InputError(
                f"the file has no column {source!r}, which --map names for {field}",
                hint=f'did you mean --map {field}="{close[0]}"?'
                if close
                else f"its columns are: {_listed(headers)}",
                code="input.header.missing",
            )
        _refuse_doubled(headers[places[0]], places)
        columns[field] = places[0]
    taken = set(columns.values())
    for field in _FIELDS:
        if field in columns:
            continue
        places = [place for place, cell in enumerate(folded) if cell == field and place not in taken]
        if places:
            _refuse_doubled(headers[places[0]], places)
            columns[field] = places[0]
    _refuse_missing([field for field in NEEDED if field not in columns], headers)
    used = set(columns.values())
    return ColumnPlan(
        columns=columns,
        width=len(headers),
        missing=tuple(field for field in CANONICAL_HEADER if field not in columns),
        ignored=tuple(cell for place, cell in enumerate(headers) if place not in used and cell),
        headers={field: headers[place] for field, place in columns.items()},
    )


def recognised(header: Sequence[str], header_map: Mapping[str, str]) -> int:
    """How many fields a header row would fill; what decides between delimiters."""
    folded = {fold_header(cell) for cell in header}
    wanted = {fold_header(header_map.get(field, field)) for field in _FIELDS}
    return len(folded & wanted)


def _refuse_doubled(name: str, places: Sequence[int]) -> None:
    if len(places) > 1:
        columns = " and ".join(str(place + 1) for place in places)
        raise InputError(
            f"the column {name!r} stands twice in the header, as columns {columns}",
            hint="rename or remove one of them",
            code="input.header.doubled",
        )


def _refuse_missing(missing: Sequence[str], headers: Sequence[str]) -> None:
    if not missing:
        return
    suggestions = [f'--map {field}="{close}"' for field in missing if (close := _closest(field, headers))]
    hint = f"if the file has it under another name, add {' '.join(suggestions)}" if suggestions else ""
    if not hint:
        hint = (
            f'name the column that holds it, for example --map {missing[0]}="…"; columns: {_listed(headers)}'
        )
    plural = "columns" if len(missing) > 1 else "column"
    raise InputError(
        f"the header has no {plural} {', '.join(missing)}",
        hint=hint,
        code="input.header.missing",
    )


def _closest(field: str, headers: Sequence[str]) -> str | None:
    by_fold = {fold_header(cell): cell for cell in headers if cell}
    for usual in _USUAL_NAMES[field]:
        if fold_header(usual) in by_fold:
            return by_fold[fold_header(usual)]
    close = difflib.get_close_matches(field, list(by_fold), 1, 0.6)
    return by_fold[close[0]] if close else None


def _listed(headers: Sequence[str]) -> str:
    shown = [cell[:40] for cell in headers if cell][:12]
    return ", ".join(shown) + (" …" if len(headers) > len(shown) else "")
