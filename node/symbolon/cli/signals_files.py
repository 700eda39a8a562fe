"""A file of signals, whatever its form: which one it is, and its drafts and problems one by one.

Handles: CSV tables and exports of KoboToolbox, JSON Lines, MISP, STIX; columns that a table lacks, filled
with one word for all rows. A drop file is told apart here and opened elsewhere. Refuses with `InputError`
folders, what cannot be read, and a file whose form nobody can tell.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, Literal, Protocol, Self, get_args

from symbolon.errors import InputError, UsageError
from symbolon.membership.atomic_file import read_bounded
from symbolon.signals import json_tree
from symbolon.signals.csv_table import CsvTable
from symbolon.signals.draft import Draft
from symbolon.signals.drop_file import is_drop
from symbolon.signals.json_lines import open_json_lines
from symbolon.signals.kobo import KoboTable, is_kobo_export
from symbolon.signals.misp_reader import read_misp
from symbolon.signals.signal_columns import ScreenColumn
from symbolon.signals.signal_table import SignalTable
from symbolon.signals.stix_reader import read_stix
from symbolon.suppliers.row_problem import RowProblem

Form = Literal["csv", "kobo", "jsonl", "misp", "stix", "drop"]
FORMS: Final[tuple[Form, ...]] = get_args(Form)

FILLED: Final = ("subject_kind", "evidence", "tlp", "reliability", "confidence")
"""Columns of a table that an option can stand for."""

SNIFFED_BYTES: Final = 64 * 1024
"""Of a file, to see what it is: a MISP event or a STIX bundle says so at its beginning, or nearly."""

_NOTHING: Final[Mapping[str, str]] = MappingProxyType({})


class Reader(Protocol):
    """Drafts and problems, read once.

    Attributes:
        row: number of the row that the last item came from; 0 where the form has none.
    """

    @property
    def row(self) -> int:
        """See the class."""

    def __iter__(self) -> Iterator[Draft | RowProblem]:
        """The items."""


class _Unnumbered:
    """Items of a form whose drafts have no row."""

    row = 0

    def __init__(self, items: Iterator[Draft | RowProblem]) -> None:
        self._items = items

    def __iter__(self) -> Iterator[Draft | RowProblem]:
        return self._items


def find_form(path: Path, typed: str = "") -> Form:
    """The form of a file: the one that was typed, or what its name and its content say.

    Raises:
        UsageError: the typed form is none.
        InputError: the file cannot be read, or nobody can tell.
    """
    chosen = typed.strip().lower()
    if chosen and chosen not in FORMS:
        raise UsageError(f"unknown format {typed[:32]}", hint=f"Use one of: {', '.join(FORMS)}.")
    if path.is_dir():
        raise InputError(f"{path} is a folder", hint="Name a file in it.")
    if not path.is_file():
        raise InputError(f"there is no file {path.name!r}", hint="Check the path.", code="input.not_found")
    for each in FORMS:
        if each == chosen:
            return each
    head = read_bounded(path, SNIFFED_BYTES)
    if is_drop(head):
        return "drop"
    begin = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if begin[:1] in (b"{", b"["):
        return _json_form(path, begin)
    if path.suffix.lower() in (".json", ".jsonl", ".ndjson"):
        return "jsonl"
    return "kobo" if is_kobo_export(path) else "csv"


def _json_form(path: Path, begin: bytes) -> Form:
    if path.suffix.lower() in (".jsonl", ".ndjson"):
        return "jsonl"
    line = begin.partition(b"\n")[0]
    try:
        first: Any = json.loads(line)
    except (ValueError, RecursionError):
        first = None
    if isinstance(first, dict) and "subject" in first:
        return "jsonl"
    if b'"Event"' in begin or b'"Attribute"' in begin or b'"Orgc"' in begin:
        return "misp"
    if b'"spec_version"' in begin or b'"bundle"' in begin or b'"bundle--' in begin:
        return "stix"
    raise InputError(
        f"nobody can tell what kind of JSON {path.name} is",
        hint=f"Say it with --format, one of: {', '.join(FORMS)}.",
        code="input.form",
    )


@contextmanager
def open_signals(
    path: Path,
    form: Form,
    *,
    today: date,
    header_map: Mapping[str, str] = _NOTHING,
    encoding: str | None = None,
    filled: Mapping[str, str] = _NOTHING,
) -> Iterator[Reader]:
    """Opens a file of any form but `drop`.

    Args:
        path: the file.
        form: what it is.
        today: by this node's clock.
        header_map: of a table; see `open_signal_table`.
        encoding: of a table; None to detect it.
        filled: of a table: words, as a cell holds them, for columns of `FILLED` that it lacks.

    Raises:
        UsageError: an option is for tables, and this is none.
        InputError: the file as a whole cannot be used.
    """
    if form in ("csv", "kobo"):
        # It takes half a second to prepare.
        from symbolon.signals.screening import screen_column

        table = (_FilledTable if form == "csv" else _FilledKobo)(
            path, today, header_map, encoding, screen_column, filled=filled
        )
        with table:
            yield table
        return
    if header_map or encoding or filled:
        raise UsageError(
            "--map, --encoding, --kind, --evidence, --tlp, --reliability and --confidence are for tables",
            hint="A JSON file names these in each signal.",
        )
    if form == "jsonl":
        with open_json_lines(path, today=today) as lines:
            yield lines
        return
    data = read_bounded(path, json_tree.MAX_FILE_BYTES)
    yield _Unnumbered((read_misp if form == "misp" else read_stix)(data, today=today))


class _PaddedTable(CsvTable):
    """A table with columns that it lacks, each with one word in all rows."""

    def __init__(self, table: CsvTable, more: Mapping[str, str]) -> None:
        vars(self).update(vars(table))
        self._rows: Callable[[], Iterator[tuple[int, list[str] | RowProblem]]] = table.rows
        self._more = list(more.values())
        self.header = [*table.header, *more]

    def rows(self) -> Iterator[tuple[int, list[str] | RowProblem]]:
        """See `CsvTable.rows`."""
        for row, cells in self._rows():
            yield row, cells if isinstance(cells, RowProblem) else [*cells, *self._more]


class _FilledTable(SignalTable):
    """A table of signals whose missing columns are filled."""

    def __init__(
        self,
        path: Path,
        today: date,
        header_map: Mapping[str, str],
        encoding: str | None,
        screen_column: ScreenColumn | None,
        *,
        filled: Mapping[str, str],
    ) -> None:
        self._filled = filled
        super().__init__(path, today, header_map, encoding, screen_column)

    def __enter__(self) -> Self:
        return self

    def _look_at(self, header: Sequence[str], header_map: Mapping[str, str]) -> None:
        super()._look_at(header, header_map)
        there = {found.field for cell in header if (found := self.recognised(cell)) is not None}
        there |= {found.field for name in header_map if (found := self.recognised(name)) is not None}
        absent = {name: word for name, word in self._filled.items() if name not in there}
        self._table = _PaddedTable(self._table, absent)


class _FilledKobo(_FilledTable, KoboTable):
    """An export of KoboToolbox whose missing questions are filled."""
