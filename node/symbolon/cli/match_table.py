"""Matches as people see them: own supplier, band, reason, decision; as a table, CSV or JSON."""

import csv
import io
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from symbolon.errors import InputError, UsageError
from symbolon.matching.evidence import Match
from symbolon.matching.reasons import in_words
from symbolon.membership.atomic_file import write_atomically
from symbolon.rpc.node import Node

_SHOWN_PER_BAND: Final = 15
_PLAIN_WIDTH: Final = 160
_MEANING: Final = {
    "certain": "a valid identifier is the same",
    "probable": "same name and place after normalising",
    "candidate": "similar name at the same address; a person decides",
}
_HEADER: Final = (
    "supplier_id",
    "name",
    "address",
    "country",
    "band",
    "reason",
    "keys",
    "peer_record",
    "decision",
)


@dataclass(frozen=True, slots=True)
class MatchRow:
    """One match with the own supplier's record.

    Attributes:
        peer_record: the peer's record handle, 12 hexadecimal digits; the same within a key epoch.
        decision: `accepted`, `rejected`, `open`; `certain` matches need none.
    """

    match: Match
    supplier_id: str
    name: str
    address: str
    country: str
    decision: str

    @property
    def band(self) -> str:
        """certain, probable or candidate."""
        return self.match.tier.band

    @property
    def reason(self) -> str:
        """Why it matches, in words."""
        return in_words(self.match.reasons)

    @property
    def keys(self) -> str:
        """The kinds of key that hit, by their schemes."""
        return " ".join(self.match.reasons)

    @property
    def peer_record(self) -> str:
        """See the class."""
        return f"{self.match.handle:012x}"

    def as_json(self) -> dict[str, str]:
        """By the names of the CSV header."""
        return {name: getattr(self, name) for name in _HEADER}


def match_rows(node: Node, peer: str, found: list[Match]) -> list[MatchRow]:
    """Joins matches with own records and decisions; suppliers that left the list are passed over."""
    records = node.suppliers.get_many({match.supplier_no for match in found})
    decisions = node.matches.decisions(peer)
    rows = []
    for match in found:
        record = records.get(match.supplier_no)
        if record is None:
            continue
        decided = decisions.get((match.supplier_no, node.matches.evidence_digest(match)))
        needed = "certain" if match.tier.band == "certain" else "open"
        place = record.address
        for part in (record.postal_code, record.city, record.region):
            if part and part.casefold() not in place.casefold():
                place = f"{place}, {part}" if place else part
        rows.append(
            MatchRow(match, record.supplier_id, record.name, place, record.country, decided or needed)
        )
    return rows


def print_table(rows: Sequence[MatchRow]) -> None:
    """Prints matches on stdout, band by band: one line per own supplier, the first ones of each band."""
    console = Console(highlight=False, markup=False)
    if not console.is_terminal:
        console = Console(width=_PLAIN_WIDTH, highlight=False, markup=False)
    hidden = 0
    totals = []
    for band, of_band in _by_band(rows).items():
        suppliers: dict[str, list[MatchRow]] = {}
        for row in of_band:
            suppliers.setdefault(row.supplier_id, []).append(row)
        totals.append(f"{len(suppliers)} {band}")
        table = Table(title=f"{band}: {_MEANING[band]}", title_justify="left", box=None, pad_edge=False)
        table.add_column("own id", no_wrap=True, min_width=8)
        table.add_column("name", no_wrap=True, overflow="ellipsis", max_width=32)
        table.add_column("address", no_wrap=True, overflow="ellipsis", max_width=44)
        table.add_column("why", max_width=36)
        table.add_column("theirs", justify="right")
        table.add_column("decision", no_wrap=True)
        for supplier_id, mine in list(suppliers.items())[:_SHOWN_PER_BAND]:
            first = mine[0]
            decided = "/".join(sorted({row.decision for row in mine}))
            cells = (supplier_id, first.name, first.address, first.reason, str(len(mine)), decided)
            table.add_row(*(Text(cell) for cell in cells))
        hidden += max(0, len(suppliers) - _SHOWN_PER_BAND)
        console.print(table)
        console.print()
    more = f" {hidden} of them are not shown; --out FILE writes all." if hidden else ""
    console.print(f"Own suppliers matched: {', '.join(totals) or 'none'}.{more}")


def _by_band(rows: Sequence[MatchRow]) -> dict[str, list[MatchRow]]:
    """Rows by the band in which their supplier's strongest match stands, strongest band first."""
    bands: dict[str, list[MatchRow]] = {}
    placed: dict[str, str] = {}
    for row in rows:
        band = placed.setdefault(row.supplier_id, row.band)
        if band == row.band:
            bands.setdefault(band, []).append(row)
    return bands


def check_out(mode: str, path: Path | None) -> None:
    """Refuses an --out that a session of this mode would not fill, before the session is spent.

    Raises:
        UsageError: the mode names no supplier.
        InputError: see `check_target`.
    """
    if path is None:
        return
    if mode == "size":
        raise UsageError(
            "size mode names no supplier: there is nothing for --out",
            hint="Leave --out away, or use --mode intersection.",
        )
    check_target(path)


def check_target(path: Path) -> None:
    """Refuses a file that `write_rows` could not write.

    Raises:
        InputError: the folder does not exist or is not this user's to write in, or the name is a folder's.
    """
    if not path.parent.is_dir():
        raise InputError(f"there is no folder {path.parent}", hint="Make it, or name another file.")
    if path.is_dir():
        raise InputError(f"{path} is a folder", hint="Name a file in it.")
    if not os.access(path.parent, os.W_OK):
        raise InputError(
            f"this user may not write in {path.parent.absolute()}", hint="Name a file in another folder."
        )


def write_rows(path: Path, rows: Sequence[MatchRow]) -> None:
    """Writes all matches to a CSV file, or JSON when the name ends so; replaces the file as a whole.

    Raises:
        InputError: see `check_target`.
        StorageError: it cannot be written; an older file is as it was.
    """
    check_target(path)
    if path.suffix.lower() == ".json":
        text = json.dumps([row.as_json() for row in rows], indent=1, ensure_ascii=False) + "\n"
    else:
        buffer = io.StringIO()
        writer = csv.writer(buffer, lineterminator="\n")
        writer.writerow(_HEADER)
        writer.writerows([_harmless(getattr(row, name)) for name in _HEADER] for row in rows)
        text = buffer.getvalue()
    write_atomically(path, text.encode())


def _harmless(cell: str) -> str:
    """Keeps a spreadsheet from running a cell as a formula."""
    return f"'{cell}" if cell[:1] in ("=", "+", "-", "@", "\t", "\r") else cell
