"""A file of signals with one JSON object on each line, to drafts and problems, in bounded memory.

Handles: lines of any end, empty lines, a byte order mark. Refuses line by line, with a fatal `RowProblem`,
and goes on: what is no UTF-8, no JSON object, too long, too deep, has a field twice or a number that JSON
does not know, and every signal that does not hold. Refuses the whole file with `InputError`:
`input.not_found`, `input.empty`, `input.binary` (archives, spreadsheets), `input.encoding` (UTF-16, UTF-32).
Specification: docs/signals-import.md, JSON Lines; RFC 8259.
"""

import codecs
import json
import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any, BinaryIO, Final, Self

from symbolon.errors import InputError
from symbolon.signals.draft import Draft
from symbolon.signals.signal_file import read_signal_object
from symbolon.suppliers.encoding import find_encoding
from symbolon.suppliers.row_problem import RowProblem

MAX_LINE_BYTES: Final = 256 * 1024
"""Narrative and notes at their longest take 240,000 bytes where each character is one JSON escape."""

MAX_LINES: Final = 1_000_000
"""As many as the largest set of signals that a node is measured with."""

MAX_DEPTH: Final = 8
"""A signal nests three deep; JSON readers run out of stack at some thousands."""

MAX_DIGITS: Final = 20
"""Of a whole number; the largest that a signal has is a number of workers."""

_TOKENS: Final = re.compile(rb'"(?:[^"\\]++|\\.)*+"?|[\[\]{}]', re.DOTALL)


class _NoSignalError(ValueError):
    """What a line is instead of JSON; carries message and remedy."""

    def __init__(self, message: str, remedy: str) -> None:
        super().__init__(message)
        self.problem = (message, remedy)


class JsonLines(Iterator[Draft | RowProblem]):
    """Drafts and problems of a stream; it is read once.

    A line may give several warnings and then its draft.

    Attributes:
        row: number of the line that the last item came from, counted from 1.
    """

    def __init__(self, stream: BinaryIO, today: date) -> None:
        self.row = 0
        self._stream = stream
        self._today = today
        self._items = self._read()

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Draft | RowProblem:
        return next(self._items)

    def close(self) -> None:
        """Closes the stream."""
        self._stream.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _read(self) -> Iterator[Draft | RowProblem]:
        while line := self._stream.readline(MAX_LINE_BYTES + 1):
            self.row += 1
            if self.row > MAX_LINES:
                message = f"the file has more than {MAX_LINES:,} lines; nothing behind them was read"
                yield RowProblem(self.row, None, message, "split the file", fatal=True)
                return
            if len(line) > MAX_LINE_BYTES and not line.endswith(b"\n"):
                self._skip_line()
                message = f"the line has more than {MAX_LINE_BYTES:,} bytes"
                yield RowProblem(self.row, None, message, "shorten the narrative or the notes", fatal=True)
                continue
            if self.row == 1:
                line = line.removeprefix(codecs.BOM_UTF8)
            if line.strip(b" \t\r\n"):
                yield from self._read_line(line)

    def _skip_line(self) -> None:
        while (piece := self._stream.readline(MAX_LINE_BYTES)) and not piece.endswith(b"\n"):
            pass

    def _read_line(self, line: bytes) -> Iterator[Draft | RowProblem]:
        try:
            value = _parsed(line.rstrip(b"\r\n"))
        except _NoSignalError as error:
            message, remedy = error.problem
            yield RowProblem(self.row, None, message, remedy, fatal=True)
        else:
            yield from read_signal_object(self.row, value, self._today)


def read_json_lines(stream: BinaryIO, *, today: date) -> JsonLines:
    """Reads signals, one JSON object a line.

    Args:
        stream: bytes; `open_json_lines` looks at a file first.
        today: by this node's clock.
    """
    return JsonLines(stream, today)


def open_json_lines(path: str | Path, *, today: date) -> JsonLines:
    """Opens a file of signals.

    Raises:
        InputError: the file as a whole cannot be used; the hint says what to do.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"there is no file {path.name!r}", hint="check the path", code="input.not_found")
    try:
        codec = find_encoding(path).codec
        stream = path.open("rb")
    except OSError as error:
        raise InputError(
            f"{path.name} cannot be read: {error.strerror}",
            hint="check its permissions",
            code="input.unreadable",
        ) from error
    except InputError as error:
        if error.full_code != "input.encoding":
            raise
        # Text in another encoding is reported line by line.
        codec, stream = "", path.open("rb")
    if codec.startswith(("utf-16", "utf-32")):
        stream.close()
        raise InputError(
            f"{path.name} is in {codec.upper()}, and JSON is in UTF-8",
            hint="save it as UTF-8",
            code="input.encoding",
        )
    return JsonLines(stream, today)


def _parsed(line: bytes) -> object:
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError as error:
        raise _NoSignalError(
            f"it is no UTF-8: byte {error.start + 1} does not decode", "save the file as UTF-8"
        ) from None
    if _depth_exceeds(line):
        raise _NoSignalError(
            f"it nests deeper than {MAX_DEPTH} levels", "write one signal, as docs/signals-import.md shows"
        )
    try:
        value: object = json.loads(
            text, object_pairs_hook=_fields, parse_constant=_no_constant, parse_int=_integer
        )
    except json.JSONDecodeError as error:
        raise _NoSignalError(
            f"it is no JSON: {error.msg} (character {error.pos + 1})", "write one JSON object on one line"
        ) from None
    return value


def _depth_exceeds(line: bytes) -> bool:
    if line.count(b"{") + line.count(b"[") <= MAX_DEPTH:
        return False
    depth = 0
    for token in _TOKENS.finditer(line):
        if token[0] in b"{[":
            depth += 1
            if depth > MAX_DEPTH:
                return True
        elif token[0] in b"}]":
            depth -= 1
    return False


def _fields(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise _NoSignalError("a field stands in it twice", "keep the one that is right")
    return fields


def _no_constant(_text: str) -> object:
    raise _NoSignalError("NaN and Infinity are no JSON", "leave the field out")


def _integer(text: str) -> int:
    if len(text) > MAX_DIGITS:
        raise _NoSignalError(f"it has a number of more than {MAX_DIGITS} digits", "correct the number")
    return int(text)
