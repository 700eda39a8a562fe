"""A supplier list on disk to suppliers and problems, in bounded memory (docs/matching.md, Reading a list).

Handles: CSV with comma, semicolon, tab or bar between the cells, in UTF-8, UTF-16, Windows-1252 or a named
encoding, and Parquet; the kind is told by the first bytes, not by the file's name. Rows stream: of all rows
only an 8-byte digest of the supplier id is kept.
Refuses with `InputError` what makes the whole file useless (`input.not_found`, `input.empty`, `input.binary`,
`input.encoding`, `input.header.missing`, `input.header.doubled`, `input.map`, `input.parquet`). A bad row is
a `RowProblem` and never stops the others.
"""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Final, Self

from symbolon.errors import InputError
from symbolon.suppliers.csv_records import MAX_RECORD_CHARS, Damage, records
from symbolon.suppliers.encoding import TextEncoding, find_encoding
from symbolon.suppliers.header import ColumnPlan, plan_columns, recognised
from symbolon.suppliers.parquet_rows import MAGIC, ParquetRows
from symbolon.suppliers.record import Supplier
from symbolon.suppliers.row_problem import RowProblem
from symbolon.suppliers.row_reading import RowReader

__all__ = ["DELIMITERS", "ListReader", "RowProblem", "open_list"]

DELIMITERS: Final = (",", ";", "\t", "|")
"""Tried in this order; the one under which the header row shows most fields wins."""

_NO_MAP: Final[Mapping[str, str]] = MappingProxyType({})


class ListReader:
    """An open list; iterate over it once.

    An iteration may yield several warnings about a row and then its supplier.

    Attributes:
        encoding: what the text is in, for people ("UTF-8 with BOM"), or "Parquet".
        encoding_detected: False when the operator named the encoding.
        total_bytes: size of the file.
        delimiter: the character between cells, '' for Parquet.
        plan: which column is which field; `plan.missing` and `plan.ignored` are worth a note.
    """

    def __init__(self, path: Path, source: "_CsvSource | _ParquetSource", total_bytes: int) -> None:
        self.path = path
        self.total_bytes = total_bytes
        self.encoding = source.encoding
        self.encoding_detected = source.encoding_detected
        self.delimiter = source.delimiter
        self.plan = source.plan
        self._source = source
        self._begun = False

    @property
    def bytes_read(self) -> int:
        """Bytes read so far, for a progress bar against `total_bytes`."""
        return min(self._source.bytes_read(), self.total_bytes)

    def __iter__(self) -> Iterator[Supplier | RowProblem]:
        if self._begun:
            raise RuntimeError("a ListReader is read once; open the list again")
        self._begun = True
        try:
            yield from self._source.read(RowReader(self.plan))
        finally:
            self.close()

    def close(self) -> None:
        """Close the file; reading to the end closes it too."""
        self._source.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def open_list(
    path: str | Path, *, header_map: Mapping[str, str] = _NO_MAP, encoding: str | None = None
) -> ListReader:
    """Open a supplier list and read its header.

    Args:
        path: CSV or Parquet file.
        header_map: field to the file's own header, for columns with other names.
        encoding: name of the text encoding, or None to detect it.

    Returns:
        A reader positioned behind the header.

    Raises:
        InputError: the file as a whole cannot be used; the hint says what to do.
    """
    path = Path(path)
    size = _size_of_regular_file(path)
    try:
        with path.open("rb") as stream:
            start = stream.read(len(MAGIC))
        source = (
            _ParquetSource(path, header_map) if start == MAGIC else _CsvSource(path, header_map, encoding)
        )
    except OSError as error:
        raise InputError(
            f"{path.name} cannot be read: {error.strerror}",
            hint="check its permissions",
            code="input.unreadable",
        ) from error
    return ListReader(path, source, size)


def _size_of_regular_file(path: Path) -> int:
    if not path.exists():
        raise InputError(f"there is no file {path.name!r}", hint="check the path", code="input.not_found")
    if not path.is_file():
        raise InputError(
            f"{path.name!r} is not a regular file",
            hint="give the path of a CSV or Parquet file",
            code="input.not_file",
        )
    return path.stat().st_size


class _CsvSource:
    """Rows of a CSV file."""

    def __init__(self, path: Path, header_map: Mapping[str, str], encoding: str | None) -> None:
        found: TextEncoding = find_encoding(path, encoding)
        self.encoding = found.label
        self.encoding_detected = found.detected
        self._raw = path.open("rb", buffering=0)
        try:
            self._text = io.TextIOWrapper(
                io.BufferedReader(self._raw, 1 << 16), found.codec, errors="replace"
            )
            header_line = self._header_line(path)
            self.delimiter = _delimiter(header_line, header_map)
            header = next(csv.reader([header_line], delimiter=self.delimiter), [])
            self.plan: ColumnPlan = plan_columns(header, header_map)
        except BaseException:
            self._raw.close()
            raise

    def _header_line(self, path: Path) -> str:
        """The first line with text; a spreadsheet's `sep=;` line before it is skipped."""
        self._lines_before = 0
        while line := self._text.readline(MAX_RECORD_CHARS + 1):
            self._lines_before += 1
            if len(line) > MAX_RECORD_CHARS:
                break
            bare = line.strip("\ufeff\r\n \t\x00,;|")
            if bare and not (bare.lower().startswith("sep=") and len(bare) <= 5):
                header = line.lstrip("\ufeff").rstrip("\n")
                return header + self._rest_of_header(header)
        raise InputError(
            f"{path.name} has no header row",
            hint="the first row must name the columns",
            code="input.header.missing",
        )

    def _rest_of_header(self, header: str) -> str:
        """Further lines while a quoted header cell is open, for spreadsheets that break lines in headers."""
        rest = ""
        while (header + rest).count('"') % 2 and len(rest) < MAX_RECORD_CHARS:
            line = self._text.readline(MAX_RECORD_CHARS)
            if not line:
                break
            rest += "\n" + line.rstrip("\n")
        return rest

    def read(self, rows: RowReader) -> Iterator[Supplier | RowProblem]:
        row = self._lines_before
        width = self.plan.width
        place_to_field = {place: field for field, place in self.plan.columns.items()}
        for record in records(self._text, self.delimiter):
            row += 1
            if isinstance(record, Damage):
                column = place_to_field.get(record.cell) if record.cell is not None else None
                yield RowProblem(row, column, record.message, record.remedy, fatal=True)
                continue
            try:
                cells = next(csv.reader((record,), delimiter=self.delimiter), [])
            except (csv.Error, StopIteration):
                yield RowProblem(row, None, "the row is not CSV", "check its quotation marks", fatal=True)
                continue
            if len(cells) != width:
                if not any(cell.strip() for cell in cells):
                    continue
                if len(cells) < width or any(cell.strip() for cell in cells[width:]):
                    yield _wrong_width(row, len(cells), width)
                    continue
            elif not any(cells):
                continue
            yield from rows.read(row, cells)

    def bytes_read(self) -> int:
        return self._raw.tell() if not self._raw.closed else 1 << 62

    def close(self) -> None:
        self._text.close()


class _ParquetSource:
    """Rows of a Parquet file."""

    encoding = "Parquet"
    encoding_detected = True
    delimiter = ""

    def __init__(self, path: Path, header_map: Mapping[str, str]) -> None:
        self._file = ParquetRows(path)
        self._size = path.stat().st_size
        self._done = 0
        try:
            self.plan: ColumnPlan = plan_columns(self._file.header, header_map)
        except BaseException:
            self._file.close()
            raise

    def read(self, rows: RowReader) -> Iterator[Supplier | RowProblem]:
        places: Sequence[int] = sorted(self.plan.columns.values())
        for batch in self._file.batches(places):
            for cells in batch:
                self._done += 1
                if any(cells):
                    yield from rows.read(self._done, cells)

    def bytes_read(self) -> int:
        """Parquet is read in blocks; the share of rows done stands for the share of bytes."""
        return self._size * self._done // max(1, self._file.rows)

    def close(self) -> None:
        self._file.close()


def _delimiter(header_line: str, header_map: Mapping[str, str]) -> str:
    """The delimiter under which most fields are recognised, then the one that makes most columns."""
    best = DELIMITERS[0]
    best_score = (-1, -1)
    for delimiter in DELIMITERS:
        try:
            cells = next(csv.reader([header_line], delimiter=delimiter), [])
        except (csv.Error, StopIteration):
            continue
        score = (recognised(cells, header_map), len(cells))
        if score > best_score:
            best, best_score = delimiter, score
    return best


def _wrong_width(row: int, found: int, width: int) -> RowProblem:
    more = found > width
    return RowProblem(
        row,
        None,
        f"the row has {found} cells, the header has {width}",
        "put cells that hold the delimiter between quotation marks" if more else "add the missing cells",
        fatal=True,
    )
