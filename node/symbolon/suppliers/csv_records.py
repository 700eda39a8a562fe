"""CSV text to records, with every record's size bounded (docs/matching.md, Reading a list).

Handles: lines of any length and end, quoted cells with line breaks, doubled quotes, quotes in the middle of
an unquoted cell. A record that is too long is dropped while it streams by and reported; a quote that never
closes costs its own line only, since reading starts again behind it.
Refuses nothing by raising: what is no record comes out as a `Damage`.

Source: RFC 4180, read as leniently as the csv module reads it.
"""

import io
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

MAX_RECORD_CHARS: Final = 100_000
"""One record, all cells together. Excel allows 32,767 characters in a cell; csv's own default limit is
131,072."""

MAX_BUFFERED_CHARS: Final = 16 << 20
"""How far a quoted cell is followed to its closing quote before the quote is taken for a stray one."""

MAX_RESTARTS: Final = 8
"""Restarts behind a stray quote in one file; each costs up to MAX_BUFFERED_CHARS of reading twice."""

_PIECE_CHARS: Final = 1 << 16


@dataclass(frozen=True, slots=True)
class Damage:
    """A stretch of the file that is no record.

    Attributes:
        message: what is wrong.
        remedy: what would mend it.
        cell: place of the cell at fault, counted from 0, or None.
    """

    message: str
    remedy: str
    cell: int | None


@dataclass(slots=True)
class _Lines:
    """Physical lines of a text stream, none longer than MAX_BUFFERED_CHARS, with room to push lines back."""

    stream: io.TextIOBase
    pushed: deque[str]
    cut: bool = False

    def take(self) -> str:
        """The next line with its end, or '' at the end of the file; `cut` says that its rest was dropped."""
        self.cut = False
        if self.pushed:
            return self.pushed.popleft()
        line = self.stream.readline(_PIECE_CHARS)
        if len(line) < _PIECE_CHARS or line.endswith("\n"):
            return line
        pieces = [line]
        held = len(line)
        while not line.endswith("\n"):
            line = self.stream.readline(_PIECE_CHARS)
            if not line:
                break
            if held < MAX_BUFFERED_CHARS:
                pieces.append(line)
                held += len(line)
            else:
                self.cut = True
        return "".join(pieces)


def open_quote_after(line: str, delimiter: str, inside: bool) -> bool:
    """Is a quoted cell still open behind this line?

    Args:
        line: one physical line.
        delimiter: one character.
        inside: whether a quoted cell was open before it.
    """
    place = 0
    at_cell_start = not inside
    while True:
        if inside:
            quote = line.find('"', place)
            if quote < 0:
                return True
            if line.startswith('"', quote + 1):
                place = quote + 2
                continue
            inside = False
            place = quote + 1
            at_cell_start = False
        elif at_cell_start and line.startswith('"', place):
            inside = True
            place += 1
        else:
            opening = line.find(f'{delimiter}"', place)
            if opening < 0:
                return False
            place = opening + 1
            at_cell_start = True


def records(stream: io.TextIOBase, delimiter: str) -> Iterator[str | Damage]:
    """Split a text stream into records, each as text that holds exactly one.

    Args:
        stream: text with universal line ends.
        delimiter: one character.

    Yields:
        The text of one record, without its last line end, or a `Damage` in its place.
    """
    lines = _Lines(stream, deque())
    restarts = 0
    while line := lines.take():
        if '"' not in line:
            yield _checked(line, delimiter, lines.cut)
            continue
        if not open_quote_after(line, delimiter, inside=False):
            yield _checked(line, delimiter, lines.cut)
            continue
        held = [line]
        size = len(line)
        cut = lines.cut
        inside = True
        while inside and (line := lines.take()):
            if '"' in line:
                inside = open_quote_after(line, delimiter, inside=True)
            cut = cut or lines.cut
            size += len(line)
            if size <= MAX_BUFFERED_CHARS or restarts < MAX_RESTARTS:
                held.append(line)
            if inside and size > MAX_BUFFERED_CHARS and restarts < MAX_RESTARTS:
                break
        if not inside:
            yield _checked("".join(held), delimiter, cut or size > MAX_BUFFERED_CHARS)
            continue
        yield Damage(
            "a quotation mark opens a cell and none closes it",
            'remove the mark, or double it ("") where it belongs to the text',
            sum(1 for _ in _cells(held[0], delimiter)) - 1,
        )
        if restarts < MAX_RESTARTS:
            restarts += 1
            lines.pushed.extendleft(reversed(held[1:]))


def _checked(text: str, delimiter: str, cut: bool) -> str | Damage:
    if len(text) <= MAX_RECORD_CHARS and not cut:
        return text.removesuffix("\n")
    place, size = _longest_cell(text, delimiter)
    more = "more than " if cut else ""
    return Damage(
        f"a cell of {more}{size:,} characters makes the row longer than {MAX_RECORD_CHARS:,}",
        "shorten the cell",
        place,
    )


def _longest_cell(text: str, delimiter: str) -> tuple[int, int]:
    """Place and length of the longest cell."""
    lengths = [end - start for start, end in _cells(text, delimiter)]
    longest = max(lengths)
    return lengths.index(longest), longest


def _cells(text: str, delimiter: str) -> Iterator[tuple[int, int]]:
    """Start and end of every cell; delimiters inside a quoted cell do not end it."""
    start = 0
    while True:
        behind = start
        if text.startswith('"', start):
            behind = start + 1
            while (quote := text.find('"', behind)) >= 0 and text.startswith('"', quote + 1):
                behind = quote + 2
            behind = len(text) if quote < 0 else quote + 1
        end = text.find(delimiter, behind)
        if end < 0:
            yield start, len(text)
            return
        yield start, end
        start = end + 1
