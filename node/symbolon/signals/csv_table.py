"""A CSV file as its header and its rows of cells, before anybody asks what the columns mean.

Handles: the encodings, delimiters, line ends and spreadsheet habits that supplier lists have; every record's
size is bounded. Refuses with `InputError` what makes the whole file useless: `input.not_found`,
`input.unreadable`, `input.empty`, `input.binary`, `input.encoding`, `input.header.missing`,
`input.header.wide`. A bad row is a `RowProblem` and never stops the others.
Specification: docs/signals-import.md, Tables; docs/matching.md, Reading a list.
"""

import csv
import io
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final

from symbolon.errors import InputError
from symbolon.signals.free_text import shown
from symbolon.suppliers.csv_records import MAX_RECORD_CHARS, Damage, records
from symbolon.suppliers.encoding import find_encoding
from symbolon.suppliers.reader import DELIMITERS
from symbolon.suppliers.row_problem import RowProblem

MAX_COLUMNS: Final = 5_000
"""A form of 400 questions with a column for each choice has some thousands."""

_SHOWN_CHARS: Final = 40


class CsvTable:
    """An open table; its rows are read once.

    Args:
        path: a CSV file.
        encoding: name of the text encoding, or None to detect it.
        known: how many cells of a header row mean something; it decides between delimiters.

    Attributes:
        header: the cells of the header row, without blanks around them.
        delimiter: the character between cells.
        encoding: what the text is in, for people.
        encoding_detected: False when the operator named the encoding.
        total_bytes: size of the file.

    Raises:
        InputError: the file as a whole cannot be used; the hint says what to do.
    """

    def __init__(self, path: Path, encoding: str | None, known: Callable[[Sequence[str]], int]) -> None:
        self.path = path
        if not path.is_file():
            raise InputError(f"there is no file {path.name!r}", hint="check the path", code="input.not_found")
        try:
            found = find_encoding(path, encoding)
            self.total_bytes = path.stat().st_size
            self._raw = path.open("rb", buffering=0)
        except OSError as error:
            raise InputError(
                f"{path.name} cannot be read: {error.strerror}",
                hint="check its permissions",
                code="input.unreadable",
            ) from error
        self.encoding = found.label
        self.encoding_detected = found.detected
        self._text = io.TextIOWrapper(io.BufferedReader(self._raw, 1 << 16), found.codec, errors="replace")
        self._lines_before = 0
        try:
            line = self._header_line()
            self.delimiter = max(DELIMITERS, key=lambda each: _score(line, each, known))
            self.header = [cell.strip() for cell in _header_cells(line, self.delimiter)]
            if len(self.header) > MAX_COLUMNS:
                raise InputError(
                    f"{path.name} has {len(self.header):,} columns, more than {MAX_COLUMNS:,}",
                    hint="export only the columns that a signal needs",
                    code="input.header.wide",
                )
        except BaseException:
            self.close()
            raise

    def _header_line(self) -> str:
        """The first line with text, with what belongs to it; a spreadsheet's `sep=;` before it is skipped."""
        while line := self._text.readline(MAX_RECORD_CHARS + 1):
            self._lines_before += 1
            if len(line) > MAX_RECORD_CHARS:
                raise InputError(
                    f"the first row of {self.path.name} has more than {MAX_RECORD_CHARS:,} characters",
                    hint="the first row must name the columns, and no more",
                    code="input.header.wide",
                )
            bare = line.strip("\ufeff\r\n \t\x00,;|")
            if bare and not (bare.lower().startswith("sep=") and len(bare) <= 5):
                line = line.lstrip("\ufeff")
                while line.count('"') % 2 and len(line) < MAX_RECORD_CHARS:
                    more = self._text.readline(MAX_RECORD_CHARS)
                    if not more:
                        break
                    line += more
                return line.rstrip("\n")
        raise InputError(
            f"{self.path.name} has no header row",
            hint="the first row must name the columns",
            code="input.header.missing",
        )

    def rows(self) -> Iterator[tuple[int, list[str] | RowProblem]]:
        """Yields the number of every row, as a spreadsheet counts, and its cells or why it has none."""
        row, width = self._lines_before, len(self.header)
        for record in records(self._text, self.delimiter):
            row += 1
            if isinstance(record, Damage):
                place = record.cell if record.cell is not None and record.cell < width else None
                column = (
                    shown(self.header[place][:_SHOWN_CHARS], one_line=True) if place is not None else None
                )
                yield row, RowProblem(row, column, record.message, record.remedy, fatal=True)
                continue
            try:
                cells = next(csv.reader((record,), delimiter=self.delimiter), [])
            except csv.Error:
                yield row, RowProblem(row, None, "the row is no CSV", "check its quotation marks", fatal=True)
                continue
            if not any(cell.strip() for cell in cells):
                continue
            if len(cells) < width or any(cell.strip() for cell in cells[width:]):
                yield row, _wrong_width(row, len(cells), width)
            else:
                yield row, cells[:width]

    @property
    def bytes_read(self) -> int:
        """Bytes read so far, for a progress bar against `total_bytes`."""
        return self.total_bytes if self._raw.closed else min(self._raw.tell(), self.total_bytes)

    def close(self) -> None:
        """Closes the file."""
        self._text.close()


def _header_cells(line: str, delimiter: str) -> list[str]:
    try:
        return next(csv.reader((line,), delimiter=delimiter), [])
    except csv.Error:
        return []


def _score(line: str, delimiter: str, known: Callable[[Sequence[str]], int]) -> tuple[int, int]:
    """How many columns the header has under a delimiter, those that mean something before all."""
    cells = _header_cells(line, delimiter)
    return known(cells[:MAX_COLUMNS]), len(cells)


def _wrong_width(row: int, found: int, width: int) -> RowProblem:
    remedy = (
        "put cells that hold the delimiter between quotation marks"
        if found > width
        else "add the missing cells"
    )
    return RowProblem(row, None, f"the row has {found} cells, the header has {width}", remedy, fatal=True)
