"""A table of signals on disk, as CSV, to drafts and problems, in bounded memory.

Handles: one row for each signal, in the columns of `signal_columns`, in the encodings and dialects that
supplier lists have. Refuses with `InputError` what makes the whole file useless, and a file with a column for
what no signal may hold. A bad row is a `RowProblem` and never stops the others.
Specification: docs/signals-import.md, Tables.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, Self

from symbolon.signals.csv_table import CsvTable
from symbolon.signals.draft import Draft
from symbolon.signals.signal_cells import column_of, row_object
from symbolon.signals.signal_columns import (
    NeverRead,
    Recognise,
    ScreenColumn,
    known_columns,
    none_by_kind,
    plan_signal_columns,
    recognise,
)
from symbolon.signals.signal_file import read_signal_object
from symbolon.suppliers.row_problem import RowProblem

MAX_ROWS: Final = 1_000_000
"""As many as a file of JSON lines may have."""

_NO_MAP: Final[Mapping[str, str]] = MappingProxyType({})


class SignalTable(Iterator[Draft | RowProblem]):
    """Drafts and problems of a table; it is read once.

    A row may give several warnings and then its draft.

    Attributes:
        row: number of the row that the last item came from, as a spreadsheet counts: the header is row 1.
        columns: which column is which field; `columns.ignored` is worth a note.
        encoding: what the text is in, for people.
        encoding_detected: False when the operator named the encoding.
        delimiter: the character between cells.
        total_bytes: size of the file.
    """

    recognised: Recognise = staticmethod(recognise)
    never_read: NeverRead = staticmethod(none_by_kind)

    def __init__(
        self,
        path: Path,
        today: date,
        header_map: Mapping[str, str],
        encoding: str | None,
        screen_column: ScreenColumn | None,
    ) -> None:
        self.row = 0
        self._today = today
        self._table = CsvTable(
            path, encoding, lambda header: known_columns(header, header_map, self.recognised)
        )
        self.encoding = self._table.encoding
        self.encoding_detected = self._table.encoding_detected
        self.delimiter = self._table.delimiter
        self.total_bytes = self._table.total_bytes
        try:
            self._look_at(self._table.header, header_map)
            self.columns = plan_signal_columns(
                self._table.header, header_map, screen_column, self.recognised, self.never_read
            )
        except BaseException:
            self.close()
            raise
        self._items = self._read()

    @property
    def bytes_read(self) -> int:
        """Bytes read so far, for a progress bar against `total_bytes`."""
        return self._table.bytes_read

    def close(self) -> None:
        """Closes the file; reading to the end closes it too."""
        self._table.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Draft | RowProblem:
        return next(self._items)

    def _look_at(self, header: Sequence[str], header_map: Mapping[str, str]) -> None:
        """For kinds of tables that know more of their header."""

    def _left_out(self, row: int, cells: Sequence[str]) -> bool | RowProblem:
        """For kinds of tables that have rows which are no signals."""
        return False

    def _completed(self, value: dict[str, Any], cells: Sequence[str]) -> dict[str, Any]:
        """For kinds of tables that know more of a signal."""
        return value

    def _read(self) -> Iterator[Draft | RowProblem]:
        try:
            for count, (row, cells) in enumerate(self._table.rows()):
                self.row = row
                if count == MAX_ROWS:
                    message = f"the table has more than {MAX_ROWS:,} rows; nothing behind them was read"
                    yield RowProblem(row, None, message, "split the file", fatal=True)
                    return
                if isinstance(cells, RowProblem):
                    yield cells
                elif left_out := self._left_out(row, cells):
                    if isinstance(left_out, RowProblem):
                        yield left_out
                else:
                    yield from self._read_row(cells)
        finally:
            self.close()

    def _read_row(self, cells: Sequence[str]) -> Iterator[Draft | RowProblem]:
        for item in row_object(self.row, cells, self.columns):
            if isinstance(item, RowProblem):
                yield item
                continue
            for read in read_signal_object(self.row, self._completed(item, cells), self._today):
                if isinstance(read, RowProblem):
                    yield replace(read, column=column_of(read.column))
                else:
                    yield read


def open_signal_table(
    path: str | Path,
    *,
    today: date,
    header_map: Mapping[str, str] = _NO_MAP,
    encoding: str | None = None,
    screen_column: ScreenColumn | None = None,
) -> SignalTable:
    """Opens a table and reads its header.

    Args:
        path: CSV file.
        today: by this node's clock; it decides which days are past.
        header_map: field, or indicator, to the file's own header, for columns with other names.
        encoding: name of the text encoding, or None to detect it.
        screen_column: what the screening says of a column's name.

    Raises:
        InputError: the file as a whole cannot be used; the hint says what to do.
    """
    return SignalTable(Path(path), today, header_map, encoding, screen_column)
