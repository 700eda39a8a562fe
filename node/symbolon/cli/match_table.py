"""Matches as people see them: own supplier, band, reason, decision; as a table, CSV or JSON."""

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.table import Table

from symbolon.errors import InputError
from symbolon.matching.evidence import Match
from symbolon.membership.atomic_file import write_atomically
from symbolon.rpc.node import Node

_SHOWN_ROWS: Final = 50
_HEADER: Final = ("supplier_id", "name", "address", "country", "band", "reason", "peer_record", "decision")


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
        """The kinds of key that hit."""
        return ", ".join(self.match.reasons)

    @property
    def peer_record(self) -> str:
        """See the class."""
        return f"{self.match.handle:012x}"

    def as_json(self) -> dict[str, str]:
        """By the names of the CSV header."""
        return {name: getattr(self, name) for name in _HEADER}


def match_rows(node: Node, peer: str, found: list[Match]) -> list[MatchRow]:
    """Joins matches with own records and remembered decisions; suppliers that left the list are passed over."""
    records = node.suppliers.get_many({match.supplier_no for match in found})
    decisions = node.matches.decisions(peer)
    rows = []
    for match in found:
        record = records.get(match.supplier_no)
        if record is None:
            continue
        decided = decisions.get((match.supplier_no, node.matches.evidence_digest(match)))
        needed = "certain" if match.tier.band == "certain" else "open"
        place = ", ".join(part for part in (record.address, record.postal_code, record.city, record.region) if part)
        rows.append(
            MatchRow(match, record.supplier_id, record.name, place, record.country, decided or needed)
        )
    return rows


def print_table(rows: Sequence[MatchRow], *, limit: int = _SHOWN_ROWS) -> None:
    """Prints matches on stdout; the first rows of each band where there are many."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("band", "own id", "name", "address", "reason", "decision"):
        table.add_column(name, overflow="fold" if name in ("own id",) else "ellipsis", no_wrap=True)
    counts: dict[str, int] = {}
    for row in rows:
        counts[row.band] = counts.get(row.band, 0) + 1
        if counts[row.band] <= max(1, limit // 3):
            table.add_row(row.band, row.supplier_id, row.name, row.address, row.reason, row.decision)
    console = Console(width=None if Console().is_terminal else 150, highlight=False, markup=False)
    if rows:
        console.print(table)
    total = ", ".join(f"{count} {band}" for band, count in counts.items()) or "none"
    hidden = len(rows) - table.row_count
    more = f" ({hidden} rows not shown; --out FILE writes all)" if hidden else ""
    console.print(f"Matches: {total}{more}.")


def write_rows(path: Path, rows: Sequence[MatchRow]) -> None:
    """Writes all matches to a CSV file, or JSON when the name ends so; replaces the file as a whole.

    Raises:
        InputError: the folder does not exist.
        StorageError: it cannot be written; an older file is as it was.
    """
    if not path.parent.is_dir():
        raise InputError(f"there is no folder {path.parent}", hint="Make it, or name another file.")
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
