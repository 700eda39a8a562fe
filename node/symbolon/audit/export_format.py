"""The lines of an exported audit log: one canonical JSON object each, two ways.

Handles: the header, roots of the coalition, documents, checkpoints, entries that are open in full or in some
fields, entries that are closed (their leaf hash alone), the proof of one entry, and the last line. Refuses:
every other form, whatever is longer than its kind ever is, fields that no entry has, a number out of range.
Nothing here says that a line is true: `export_check` does. Which line may follow which, `export_file` knows.
Specification: docs/adr/0015, Export.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal, get_args

from symbolon.audit.checkpoint import log_origin
from symbolon.audit.document import DocumentKind
from symbolon.audit.entry import FIELDS, SALT_BYTES
from symbolon.audit.merkle import HASH_BYTES
from symbolon.audit.signed_note import MAX_NOTE_BYTES, decode_base64, decode_note, encode_base64
from symbolon.audit.witness import MAX_PROOF_HASHES
from symbolon.errors import AuditError, MembershipError, PolicyError
from symbolon.membership.coalition_document import MAX_DOCUMENT_BYTES
from symbolon.membership.coalition_parts import MAX_ROOT_BYTES
from symbolon.membership.member import CoalitionId, MemberId, parse_coalition_id, parse_member_id
from symbolon.policy.canonical_json import decode_canonical, encode_canonical, read_object, read_text

Format = Literal["symbolon-audit-export-v1", "symbolon-audit-proof-v1"]
EXPORT: Final = "symbolon-audit-export-v1"
PROOF: Final = "symbolon-audit-proof-v1"

MAX_ENTRIES: Final = 1 << 24
"""Entries of one file: those of a node that exchanges a thousand times a day, for ten years. A verifier keeps
32 bytes of each."""

MAX_HOUR: Final = 1 << 32
"""Whole hours since 1970: half a million years, so no date is computed from nonsense."""

MAX_SIGNATURES: Final = 8
"""Of one document: two members sign, and nobody else."""

MAX_VALUE_CHARS: Final = 512 * 1024
"""One field of an entry; a decision has at most 320 KiB, every other field far less."""

_SHORT_LINE: Final = 4 * 1024
_LINE_BYTES: Final[Mapping[str, int]] = {
    "header": _SHORT_LINE,
    "root": 2 * MAX_ROOT_BYTES,
    "document": 2 * MAX_DOCUMENT_BYTES,
    "checkpoint": 2 * MAX_NOTE_BYTES,
    # A decision is JSON within JSON, whose quotes are escaped once more.
    "entry": 2 * MAX_VALUE_CHARS,
    "leaf": _SHORT_LINE,
    "proof": 2 * _SHORT_LINE,
    "end": _SHORT_LINE,
}
"""What each kind may have: its longest content in base64, or with what JSON escapes."""

MAX_LINE_BYTES: Final = max(_LINE_BYTES.values())
"""The longest line of any kind, a coalition document: nothing longer is read into memory."""

_SHA256_HEX: Final = re.compile(r"[0-9a-f]{64}")
_DOCUMENT_KINDS: Final[tuple[DocumentKind, ...]] = get_args(DocumentKind)


@dataclass(frozen=True, slots=True)
class Header:
    """The first line.

    Attributes:
        format: of the file.
        coalition: whose members are spoken of.
        member: whose log it is.
        size: entries that the file accounts for, all from the first on; of a proof, those of the log.
        hour: whole hours since 1970, UTC, in which it was written, as the writer says.
        recipient: member id of whom it was written for, or ''.
    """

    format: Format
    coalition: CoalitionId
    member: MemberId
    size: int
    hour: int
    recipient: str = ""

    @property
    def origin(self) -> str:
        """Name of the log, and of the key that signs its checkpoints."""
        return log_origin(self.coalition, self.member)


@dataclass(frozen=True, slots=True)
class RootLine:
    """One root of the coalition's metadata, as signed."""

    content: bytes


@dataclass(frozen=True, slots=True)
class DocumentLine:
    """A document that entries refer to; see `Document`."""

    kind: DocumentKind
    content: bytes
    signatures: Mapping[str, bytes]


@dataclass(frozen=True, slots=True)
class CheckpointLine:
    """A checkpoint of the log with its cosignatures, a signed note."""

    note: str


@dataclass(frozen=True, slots=True)
class EntryLine:
    """An entry that is open, wholly or in some fields; each field of an entry is in exactly one of the two.

    Attributes:
        number: place in the log, from 0.
        values: of the open fields.
        salts: of the same, 32 bytes each.
        commitments: to the other fields, 32 bytes each.
    """

    number: int
    values: Mapping[str, str]
    salts: Mapping[str, bytes]
    commitments: Mapping[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class LeafLine:
    """An entry that is closed: it expired, or is not for this reader.

    Attributes:
        number: place in the log, from 0.
        leaf: 32 bytes, hash of its leaf.
    """

    number: int
    leaf: bytes


@dataclass(frozen=True, slots=True)
class ProofLine:
    """That the entry before it is in the tree of the checkpoint before that; 32 bytes each."""

    hashes: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class EndLine:
    """The last line.

    Attributes:
        lines: how many came before it.
        sha256: 64 hexadecimal digits, of all bytes before it. It shows what was damaged on the way, nothing
            more: who alters a file on purpose can compute it anew.
    """

    lines: int
    sha256: str


Line = Header | RootLine | DocumentLine | CheckpointLine | EntryLine | LeafLine | ProofLine | EndLine


def encode_line(line: Line) -> bytes:
    """A line as it stands in the file, with its newline."""
    return encode_canonical(_content(line))


def decode_line(data: bytes) -> Line:
    """Reads a line; for each line there are no other bytes.

    Args:
        data: from anywhere, with its newline.

    Raises:
        AuditError: `audit.export.line`, another form; `audit.export.size`, longer than its kind ever is.
    """
    try:
        content = decode_canonical(data, MAX_LINE_BYTES)
        kind = content.get("kind") if isinstance(content, dict) else None
        if not isinstance(kind, str) or kind not in _DECODERS:
            raise malformed("a line is of no known kind")
        if len(data) > _LINE_BYTES[kind]:
            raise too_large(f"a line of kind {kind} has {len(data)} bytes, more than {_LINE_BYTES[kind]}")
        names, decode = _DECODERS[kind]
        return decode(read_object(content, names))
    except PolicyError as error:
        raise malformed(f"a line cannot be read: {error.detail}") from error


def malformed(detail: str) -> AuditError:
    """The error for a file whose form is wrong."""
    return AuditError(detail, hint=_ASK_AGAIN, code="audit.export.line")


def too_large(detail: str) -> AuditError:
    """The error for what is more than any honest file has."""
    return AuditError(detail, hint=_ASK_AGAIN, code="audit.export.size")


_ASK_AGAIN: Final = "Ask whoever sent the file to export it anew with `symbolon audit export`."


def _header(fields: dict[str, Any]) -> Header:
    formats: dict[str, Format] = {EXPORT: EXPORT, PROOF: PROOF}
    found = formats.get(read_text(fields["format"]))
    if found is None:
        raise malformed("the file is of another format, or of a later release")
    recipient = read_text(fields["recipient"])
    try:
        if recipient:
            parse_member_id(recipient)
        return Header(
            found,
            parse_coalition_id(read_text(fields["coalition"])),
            parse_member_id(read_text(fields["member"])),
            _number(fields["size"], MAX_ENTRIES),
            _number(fields["hour"], MAX_HOUR),
            recipient,
        )
    except MembershipError as error:
        raise malformed(f"the header: {error.detail}") from error


def _root(fields: dict[str, Any]) -> RootLine:
    return RootLine(_bytes(fields["content"], None))


def _document(fields: dict[str, Any]) -> DocumentLine:
    kind = next((each for each in _DOCUMENT_KINDS if each == fields["type"]), None)
    if kind is None:
        raise malformed("there is no such kind of document")
    signatures = _bytes_by_name(fields["signatures"], None)
    if len(signatures) > MAX_SIGNATURES:
        raise too_large(f"a document has {len(signatures)} signatures, more than {MAX_SIGNATURES}")
    return DocumentLine(kind, _bytes(fields["content"], None), signatures)


def _checkpoint(fields: dict[str, Any]) -> CheckpointLine:
    note = read_text(fields["note"])
    try:
        decode_note(note.encode())
    except (AuditError, UnicodeEncodeError) as error:
        raise malformed("a checkpoint is no signed note") from error
    return CheckpointLine(note)


def _entry(fields: dict[str, Any]) -> EntryLine:
    values, salts = fields["values"], _bytes_by_name(fields["salts"], SALT_BYTES)
    commitments = _bytes_by_name(fields["commitments"], SALT_BYTES)
    if not isinstance(values, dict) or not values or values.keys() != salts.keys():
        raise malformed("an open entry has a salt for each value, and at least one of them")
    if sorted([*values, *commitments]) != list(FIELDS):
        raise malformed("an entry does not have exactly its fields")
    if any(len(read_text(each)) > MAX_VALUE_CHARS for each in values.values()):
        raise too_large(f"a field of an entry has more than {MAX_VALUE_CHARS} characters")
    try:
        "".join(values.values()).encode()
    except UnicodeEncodeError:
        raise malformed("a field of an entry has no UTF-8") from None
    return EntryLine(_number(fields["number"], MAX_ENTRIES), values, salts, commitments)


def _leaf(fields: dict[str, Any]) -> LeafLine:
    return LeafLine(_number(fields["number"], MAX_ENTRIES), _bytes(fields["leaf"], HASH_BYTES))


def _proof(fields: dict[str, Any]) -> ProofLine:
    hashes = fields["hashes"]
    if not isinstance(hashes, list) or len(hashes) > MAX_PROOF_HASHES:
        raise malformed(f"a proof is a list of at most {MAX_PROOF_HASHES} hashes")
    return ProofLine(tuple(_bytes(each, HASH_BYTES) for each in hashes))


def _end(fields: dict[str, Any]) -> EndLine:
    sha256 = read_text(fields["sha256"])
    if not _SHA256_HEX.fullmatch(sha256):
        raise malformed("the last line has no SHA-256")
    return EndLine(_number(fields["lines"], 8 * MAX_ENTRIES), sha256)


_DECODERS: Final[Mapping[str, tuple[frozenset[str], Callable[[dict[str, Any]], Line]]]] = {
    "header": (
        frozenset({"kind", "coalition", "format", "hour", "member", "recipient", "size"}),
        _header,
    ),
    "root": (frozenset({"kind", "content"}), _root),
    "document": (frozenset({"kind", "content", "signatures", "type"}), _document),
    "checkpoint": (frozenset({"kind", "note"}), _checkpoint),
    "entry": (frozenset({"kind", "commitments", "number", "salts", "values"}), _entry),
    "leaf": (frozenset({"kind", "leaf", "number"}), _leaf),
    "proof": (frozenset({"kind", "hashes"}), _proof),
    "end": (frozenset({"kind", "lines", "sha256"}), _end),
}


def _content(line: Line) -> dict[str, object]:
    match line:
        case Header():
            return {
                "kind": "header",
                "coalition": line.coalition,
                "format": line.format,
                "hour": line.hour,
                "member": line.member,
                "recipient": line.recipient,
                "size": line.size,
            }
        case RootLine():
            return {"kind": "root", "content": encode_base64(line.content)}
        case DocumentLine():
            return {
                "kind": "document",
                "content": encode_base64(line.content),
                "signatures": _encode_each(line.signatures),
                "type": line.kind,
            }
        case CheckpointLine():
            return {"kind": "checkpoint", "note": line.note}
        case EntryLine():
            return {
                "kind": "entry",
                "commitments": _encode_each(line.commitments),
                "number": line.number,
                "salts": _encode_each(line.salts),
                "values": dict(line.values),
            }
        case LeafLine():
            return {"kind": "leaf", "leaf": encode_base64(line.leaf), "number": line.number}
        case ProofLine():
            return {"kind": "proof", "hashes": [encode_base64(each) for each in line.hashes]}
        case EndLine():
            return {"kind": "end", "lines": line.lines, "sha256": line.sha256}


def _encode_each(values: Mapping[str, bytes]) -> dict[str, str]:
    return {name: encode_base64(value) for name, value in values.items()}


def _number(value: object, limit: int) -> int:
    if type(value) is not int or not 0 <= value <= limit:
        raise malformed(f"a number is missing, or not in 0 to {limit}")
    return value


def _bytes(value: object, length: int | None) -> bytes:
    try:
        data = decode_base64(read_text(value))
    except AuditError as error:
        raise malformed(error.detail) from error
    if length is not None and len(data) != length:
        raise malformed(f"{len(data)} bytes stand where {length} belong")
    return data


def _bytes_by_name(value: object, length: int | None) -> dict[str, bytes]:
    if not isinstance(value, dict):
        raise malformed("an object is missing")
    return {name: _bytes(each, length) for name, each in value.items()}
