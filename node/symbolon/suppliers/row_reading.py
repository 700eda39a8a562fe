"""One row of cells to a `Supplier` and its problems (docs/matching.md, Reading a list).

Handles: cleaning of white space and control characters, the country's normal form, identifiers that do not
hold, duplicate supplier ids, cells over the limit.
Refuses by a fatal `RowProblem`: a row without supplier id, one whose id was seen before, one with neither
name nor identifier, one with an oversize cell. All else is a warning, and the row counts.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from hashlib import blake2b
from typing import Final

from symbolon.suppliers.country import normalise_country
from symbolon.suppliers.header import ColumnPlan
from symbolon.suppliers.identifiers import (
    Identifier,
    Rejection,
    absent,
    check_duns,
    check_gln,
    check_imo,
    check_lei,
    check_os_id,
    check_registration,
    check_vat,
)
from symbolon.suppliers.record import Supplier
from symbolon.suppliers.row_problem import RowProblem

MAX_CELL_CHARS: Final = 8_192
"""One cell. The longest real address in public facility lists is below 500; a key never needs more."""

_CONTROLS: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ufeff]")
_IDENTIFIER_CHECKS: Final[Mapping[str, Callable[[str, str], Identifier | Rejection]]] = {
    "os_id": lambda text, _: check_os_id(text),
    "lei": lambda text, _: check_lei(text),
    "gln": lambda text, _: check_gln(text),
    "imo": lambda text, _: check_imo(text),
    "duns": lambda text, _: check_duns(text),
    "vat": check_vat,
    "registration_number": check_registration,
}


class RowReader:
    """Turns the rows of one file into suppliers; remembers the ids seen, as 8-byte digests.

    Args:
        plan: where each field stands.
    """

    def __init__(self, plan: ColumnPlan) -> None:
        self._plan = plan
        self._columns = tuple(plan.columns.items())
        self._identifiers = tuple(field for field in _IDENTIFIER_CHECKS if field in plan.columns)
        self._row_of_id: dict[bytes, int] = {}

    def read(self, row: int, cells: Sequence[str]) -> Iterator[Supplier | RowProblem]:
        """Yield the problems of one row and then, unless one is fatal, its supplier.

        Args:
            row: its number.
            cells: one text a column of the header.
        """
        fields: dict[str, str] = {}
        problems: list[RowProblem] = []
        for field, place in self._columns:
            if cells[place] and (cell := _cleaned(row, field, cells[place], problems)):
                fields[field] = cell
        yield from problems
        if any(problem.fatal for problem in problems):
            return
        supplier_id = fields.get("supplier_id")
        if supplier_id is None:
            yield RowProblem(row, "supplier_id", "the supplier id is empty", "give the row an id", fatal=True)
            return
        digest = blake2b(supplier_id.encode("utf-8", "surrogatepass"), digest_size=8).digest()
        first = self._row_of_id.get(digest)
        if first is not None:
            yield RowProblem(
                row,
                "supplier_id",
                f"rows {first} and {row} have the same supplier id; row {first} stays",
                "give each row an id of its own",
                fatal=True,
            )
            return
        yield from self._country(row, fields)
        has_identifier = False
        for field in self._identifiers:
            if (text := fields.get(field)) is None:
                continue
            if absent(text):
                del fields[field]
                continue
            verdict = _IDENTIFIER_CHECKS[field](text, fields.get("country", ""))
            if isinstance(verdict, Rejection):
                yield RowProblem(
                    row, field, f"{verdict.reason}; it makes no key", verdict.remedy, fatal=False
                )
            else:
                has_identifier = True
        if "name" not in fields:
            if not has_identifier:
                yield RowProblem(
                    row,
                    "name",
                    "the row has neither a name nor a valid identifier",
                    "fill the name",
                    fatal=True,
                )
                return
            yield RowProblem(
                row, "name", "the name is empty; only identifiers match", "fill the name", fatal=False
            )
            fields["name"] = ""
        self._row_of_id[digest] = row
        yield Supplier(**fields)

    def _country(self, row: int, fields: dict[str, str]) -> Iterator[RowProblem]:
        typed = fields.pop("country", "")
        code = normalise_country(typed)
        if code:
            fields["country"] = code
        elif not typed or absent(typed):
            yield RowProblem(
                row,
                "country",
                "the country is empty; name and address make no key",
                "fill in an ISO code or a country name",
                fatal=False,
            )
        else:
            yield RowProblem(
                row,
                "country",
                "the country is not known; name and address make no key",
                "use the two-letter ISO code",
                fatal=False,
            )


def _cleaned(row: int, field: str, cell: str, problems: list[RowProblem]) -> str:
    """The cell without control characters and surplus blanks; what is wrong with it goes to `problems`."""
    if len(cell) > MAX_CELL_CHARS:
        message = f"the cell has {len(cell):,} characters, more than {MAX_CELL_CHARS:,}"
        problems.append(RowProblem(row, field, message, "shorten the cell", fatal=True))
        return ""
    if not cell.isprintable():
        if "\x00" in cell:
            message = "the cell holds NUL characters; they were left out"
            problems.append(RowProblem(row, field, message, "clean the cell", fatal=False))
        cell = _CONTROLS.sub(_blank, cell)
    if "\ufffd" in cell:
        message = "the cell holds characters that did not decode"
        remedy = "save the list again as CSV UTF-8, or name its encoding with --encoding"
        problems.append(RowProblem(row, field, message, remedy, fatal=False))
    return " ".join(cell.split())


def _blank(match: re.Match[str]) -> str:
    return "" if match[0] in "\x00\ufeff" else " "
