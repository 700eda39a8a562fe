"""An exported audit log as a file: its lines in their one order, written and read one at a time.

Handles: writing lines to a stream, and reading them from one, with a count and a hash over all at the end.
Refuses: lines in another order, twice or with a gap, more of a kind than a log can have, a file that ends
before its last line or goes on after it, and any whose bytes are not those that were written.

The order: header; roots from the oldest on; documents by kind (coalition, agreement, policy, request, result)
and within it by SHA-256; checkpoints by size; entries by number, all of them; end. So whoever reads has, at
each line, what the line rests on. A proof of one entry has one checkpoint, one entry and the proof.
Specification: docs/adr/0015, Export.
"""

import hashlib
from collections.abc import Iterable, Iterator
from typing import BinaryIO, Final

from symbolon.audit.checkpoint import parse_checkpoint
from symbolon.audit.document import DocumentKind
from symbolon.audit.export_format import (
    EXPORT,
    MAX_LINE_BYTES,
    CheckpointLine,
    DocumentLine,
    EndLine,
    EntryLine,
    Header,
    LeafLine,
    Line,
    ProofLine,
    RootLine,
    decode_line,
    encode_line,
    malformed,
    too_large,
)
from symbolon.audit.signed_note import decode_note
from symbolon.errors import AuditError
from symbolon.membership.coalition_parts import MAX_ROOTS

DOCUMENT_ORDER: Final[tuple[DocumentKind, ...]] = ("coalition", "agreement", "policy", "request", "result")

MAX_COALITION_DOCUMENTS: Final = 4_096
"""A verifier keeps the members of each: founders change them a few times a day at most."""

_PLACES: Final = {RootLine: 1, DocumentLine: 2, CheckpointLine: 3, EntryLine: 4, LeafLine: 4, ProofLine: 5}


class LineOrder:
    """Checks that lines stand in their order. It is told of every line but the last."""

    def __init__(self) -> None:
        self._header: Header | None = None
        self._place = 0
        self._roots = 0
        self._documents = 0
        self._coalitions = 0
        self._entries = 0
        self._last_document: tuple[int, bytes] = (0, b"")
        self._last_size = -1

    def take(self, line: Line) -> None:
        """Takes the next line.

        Raises:
            AuditError: `audit.export.order`, or `audit.export.size` for too many of a kind.
        """
        if self._header is None:
            if not isinstance(line, Header):
                raise _disordered("a file begins with its header")
            self._header = line
            return
        place = _PLACES.get(type(line))
        if place is None or place < self._place:
            raise _disordered("a line stands where none of its kind belongs")
        self._place = place
        if not self._roots and not isinstance(line, RootLine):
            raise _disordered("a file has no root")
        match line:
            case RootLine():
                self._roots += 1
                if self._roots > MAX_ROOTS:
                    raise too_large(f"a file has more than {MAX_ROOTS} roots")
            case DocumentLine():
                self._take_document(line, self._header.size)
            case CheckpointLine():
                size = parse_checkpoint(decode_note(line.note.encode()).text).size
                if size <= self._last_size:
                    raise _disordered("checkpoints do not ascend")
                self._last_size = size
            case EntryLine() | LeafLine():
                self._take_entry(line, self._header)
            case _:
                if self._header.format == EXPORT:
                    raise _disordered("an export has no proof")

    def finish(self) -> None:
        """Checks that nothing is missing before the last line.

        Raises:
            AuditError: `audit.export.truncated`.
        """
        header = self._header
        if header is None or self._last_size < 0:
            raise _truncated("it has no header or no checkpoint")
        wanted = header.size if header.format == EXPORT else 1
        if self._entries != wanted:
            raise _truncated(f"it holds {self._entries} entries where {wanted} belong")
        if header.format != EXPORT and self._place != _PLACES[ProofLine]:
            raise _truncated("it holds no proof")

    def _take_document(self, line: DocumentLine, size: int) -> None:
        at = (DOCUMENT_ORDER.index(line.kind), hashlib.sha256(line.content).digest())
        if self._documents and at <= self._last_document:
            raise _disordered("documents do not stand in their order, or one stands twice")
        self._last_document = at
        self._documents += 1
        self._coalitions += line.kind == "coalition"
        # Each entry names at most a request, a result, policies, an agreement.
        if self._coalitions > MAX_COALITION_DOCUMENTS or self._documents - self._coalitions > 4 * size:
            raise too_large("a file has more documents than its entries can name")

    def _take_entry(self, line: EntryLine | LeafLine, header: Header) -> None:
        if header.format == EXPORT and line.number != self._entries:
            raise _disordered(f"entry {line.number} stands where entry {self._entries} belongs")
        if line.number >= header.size or (header.format != EXPORT and self._entries):
            raise _disordered("there are more entries than the header says")
        self._entries += 1


def write_lines(stream: BinaryIO, lines: Iterable[Line]) -> None:
    """Writes a file, one line at a time.

    Args:
        stream: open for writing.
        lines: in their order, without the last one.

    Raises:
        AuditError: `audit.export.order` or `.truncated`: they would not be read again.
    """
    order, digest, count = LineOrder(), hashlib.sha256(), 0
    for line in lines:
        order.take(line)
        data = encode_line(line)
        digest.update(data)
        stream.write(data)
        count += 1
    order.finish()
    stream.write(encode_line(EndLine(count, digest.hexdigest())))


def read_lines(stream: BinaryIO) -> Iterator[Line]:
    """Reads a file, one line at a time; only once it is at its end, all of it was what was written.

    Args:
        stream: open for reading, from anywhere.

    Yields:
        Its lines in their order, without the last one.

    Raises:
        AuditError: `audit.export.line`, `.size`, `.order`, `.truncated`, `.damaged`.
    """
    order, digest, count = LineOrder(), hashlib.sha256(), 0
    while True:
        data = stream.readline(MAX_LINE_BYTES + 1)
        if len(data) > MAX_LINE_BYTES:
            raise too_large(f"line {count + 1} has more than {MAX_LINE_BYTES} bytes")
        if not data.endswith(b"\n"):
            raise _truncated(f"it ends after {count} whole lines, without its last one")
        try:
            line = decode_line(data)
            if isinstance(line, EndLine):
                break
            order.take(line)
        except AuditError as error:
            raise AuditError(
                f"line {count + 1}: {error.detail}", hint=error.hint, code=error.full_code
            ) from error
        digest.update(data)
        count += 1
        yield line
    order.finish()
    if (line.lines, line.sha256) != (count, digest.hexdigest()):
        raise AuditError(
            "the bytes of the file are not those that were written",
            hint="It was damaged or altered on the way; ask for it again.",
            code="audit.export.damaged",
        )
    if stream.read(1):
        raise malformed("the file goes on after its last line")


def _disordered(detail: str) -> AuditError:
    return AuditError(
        detail,
        hint="Lines were moved, repeated or cut out; ask again for it.",
        code="audit.export.order",
    )


def _truncated(detail: str) -> AuditError:
    return AuditError(
        f"the file is not whole: {detail}", hint="Ask for it again.", code="audit.export.truncated"
    )
