"""Writing this node's audit log for somebody outside: which entries are opened, and how far.

Handles: the lines of an export and of the proof of one entry, read from the node as they are written, so that
a long log is never held; the entry that says an export is about to be written, before it is; the file, whole
or not at all. Refuses: to write over a file, and, for a member, what policy does not allow it to read.
Specification: docs/adr/0015, Export; docs/audit.md.
"""

import os
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from symbolon.audit.checkpoint import parse_checkpoint
from symbolon.audit.decision_record import parse_record
from symbolon.audit.document import Document, DocumentKind
from symbolon.audit.entry import FIELDS, HOUR_S, SALT_BYTES, Entry, commit
from symbolon.audit.export_entry import PRIVATE_FIELDS
from symbolon.audit.export_file import DOCUMENT_ORDER, write_lines
from symbolon.audit.export_format import (
    EXPORT,
    MAX_ENTRIES,
    PROOF,
    CheckpointLine,
    DocumentLine,
    EntryLine,
    Format,
    Header,
    LeafLine,
    Line,
    ProofLine,
    RootLine,
)
from symbolon.audit.merkle import prove_inclusion
from symbolon.audit.signed_note import SignedNote, encode_note
from symbolon.errors import AuditError, PermissionDeniedError, UsageError
from symbolon.membership.atomic_file import storage_error
from symbolon.membership.coalition_document import coalition_document
from symbolon.membership.member import CoalitionId, MemberId
from symbolon.policy.request import PlainContext, PolicyRequest
from symbolon.storage.audit_log import StoredEntry

if TYPE_CHECKING:
    from symbolon.rpc.node import Node

Fields = Literal["all", "public"]
OPENED: Final[dict[Fields, frozenset[str]]] = {
    "all": frozenset(FIELDS),
    "public": frozenset(FIELDS) - PRIVATE_FIELDS,
}
"""What is opened of an entry: everything, or all but who sat at the keyboard and the node's own phrases."""

Progress = Callable[[str, int, int], None]
"""Told: what is done, entries done, entries in all."""

_TOLD_EVERY: Final = 500


@dataclass(frozen=True, slots=True)
class Selection:
    """Which entries are opened; the others are there with the hash of their leaf alone.

    Attributes:
        peer: only those about this member; '' for all.
        since_s: only those from then on, seconds since 1970-01-01 UTC.
        fields: of each that is opened.
        recipient: member id of whom the export is for, or ''.
        purpose: what for, or ''.
    """

    peer: str = ""
    since_s: int = 0
    fields: Fields = "all"
    recipient: str = ""
    purpose: str = ""

    def opens(self, entry: StoredEntry) -> bool:
        """Whether an entry is opened; one that expired never is."""
        if entry.salts is None or entry.at_s < self.since_s:
            return False
        return not self.peer or entry.values["peer"] == self.peer

    def words(self) -> str:
        """The selection as the log keeps it: a fixed phrase."""
        parts = [f"fields {self.fields}"]
        if self.peer:
            parts.append(f"about {self.peer}")
        if self.since_s:
            parts.append(f"since hour {self.since_s // HOUR_S}")
        return ", ".join(parts)


@dataclass(frozen=True, slots=True)
class Written:
    """An export that was written.

    Attributes:
        entries: that it accounts for.
        opened: of these.
    """

    entries: int
    opened: int


def permit_reader(node: "Node", member: MemberId, purpose: str) -> str:
    """Asks this node's policies whether a member may read its audit log.

    Args:
        node: this node.
        member: the reader.
        purpose: what for, one of the coalition's.

    Returns:
        The decision for the log, see `announce_export`.

    Raises:
        PermissionDeniedError: it may not; the log says so.
    """
    own = node.member_id
    request = PolicyRequest(member, "read_audit", "AuditLog", own, PlainContext(purpose, node.now).values())
    decision, record = node.policy.decide(request)
    if not decision.allowed:
        node.audit.append(Entry("denied", member, purpose=purpose, note="read_audit", decision=record))
        raise PermissionDeniedError(
            f"the policies do not let {member} read the audit log for {purpose}",
            hint="`symbolon policy explain` says which policy forbids it, or that none permits it.",
        )
    return record


def announce_export(node: "Node", selection: Selection, decision: str = "") -> SignedNote:
    """Writes into the log that an export is about to leave, and signs a checkpoint over it.

    Args:
        node: this node.
        selection: what will be opened.
        decision: from `permit_reader`; '' where it is for no member.

    Returns:
        The checkpoint that the export ends with.
    """
    node.checkpoints.require_whole()
    entry = Entry(
        "exported",
        selection.recipient,
        purpose=selection.purpose,
        note=selection.words(),
        decision=decision,
    )
    node.audit.append(entry)
    return node.checkpoints.sign()


def write_export(
    node: "Node",
    out: Path,
    selection: Selection,
    decision: str = "",
    progress: Progress = lambda *_: None,
) -> Written:
    """Writes an export.

    Args:
        node: this node.
        out: a file that does not exist yet.
        selection: what is opened.
        decision: see `announce_export`.
        progress: told how far it has come.

    Returns:
        What is in it.

    Raises:
        UsageError: the file is there already.
        StorageError: it cannot be written; nothing of it is left.
    """
    _require_absent(out)
    if not out.parent.is_dir():
        raise UsageError(f"there is no folder {out.parent}", hint="Make it, or name another file.")
    checkpoint = announce_export(node, selection, decision)
    header = _header(node, EXPORT, checkpoint, selection.recipient)
    opened = 0

    def counted() -> Iterator[Line]:
        nonlocal opened
        for line in export_lines(node, header, selection, progress):
            opened += isinstance(line, EntryLine)
            yield line

    temporary = out.with_name(f".{out.name}.{secrets.token_hex(8)}.tmp")
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as stream:
                write_lines(stream, counted())
                stream.flush()
                os.fsync(stream.fileno())
            _require_absent(out)
            temporary.rename(out)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        raise storage_error(f"cannot write {out}", error) from error
    return Written(header.size, opened)


def _require_absent(out: Path) -> None:
    if os.path.lexists(out):
        raise UsageError(
            f"{out} is there already", hint="Name another file; what was sent to somebody is not replaced."
        )


def export_lines(
    node: "Node", header: Header, selection: Selection, progress: Progress = lambda *_: None
) -> Iterator[Line]:
    """The lines of an export, but for the last one.

    Args:
        node: this node.
        header: whose size is that of a checkpoint which was signed.
        selection: what is opened.
        progress: told how far it has come.
    """
    yield header
    yield from map(RootLine, node.coalition.roots())
    named = _Named(node)
    for entry in node.audit.entries(0, header.size):
        if selection.opens(entry):
            named.add(entry)
        _tell(progress, "looking for documents", entry.number, header.size)
    yield from named.lines()
    for note in node.checkpoints.all():
        if parse_checkpoint(note.text).size <= header.size:
            yield CheckpointLine(encode_note(note).decode())
    for entry in node.audit.entries(0, header.size):
        if selection.opens(entry):
            yield entry_line(entry, OPENED[selection.fields])
        else:
            yield LeafLine(entry.number, entry.leaf)
        _tell(progress, "writing", entry.number, header.size)
    progress("writing", header.size, header.size)


def proof_lines(node: "Node", number: int, fields: frozenset[str]) -> Iterator[Line]:
    """The proof that one entry is in this node's log, and nothing of the others.

    Args:
        node: this node.
        number: of the entry.
        fields: those that are opened, at least one.

    Raises:
        UsageError: there is no such entry, or it expired.
    """
    node.checkpoints.require_whole()
    checkpoint = node.checkpoints.sign()
    header = _header(node, PROOF, checkpoint)
    entry = next(node.audit.entries(number, number + 1), None) if 0 <= number < header.size else None
    if entry is None:
        raise UsageError(
            f"there is no entry {number}", hint=f"The log has the entries 0 to {header.size - 1}."
        )
    if entry.salts is None:
        raise UsageError(f"entry {number} expired: nobody can open it any more")
    yield header
    yield from map(RootLine, node.coalition.roots())
    yield from _Named(node).lines()
    yield CheckpointLine(encode_note(checkpoint).decode())
    yield entry_line(entry, fields)
    yield ProofLine(prove_inclusion(number, header.size, node.audit.nodes))


def own_header(node: "Node") -> Header:
    """A header for all of this node's log up to a checkpoint that is signed now.

    Raises:
        AuditError: `audit.truncated`, the log is not the one that was signed before.
    """
    node.checkpoints.require_whole()
    return _header(node, EXPORT, node.checkpoints.sign())


def entry_line(entry: StoredEntry, fields: frozenset[str]) -> EntryLine:
    """An entry with some fields open.

    Args:
        entry: one that did not expire.
        fields: those that are opened.

    Raises:
        AuditError: `audit.entry`, it expired.
    """
    if entry.salts is None:
        raise AuditError(f"entry {entry.number} expired", code="audit.entry")
    salts = {name: entry.salts[SALT_BYTES * at : SALT_BYTES * (at + 1)] for at, name in enumerate(FIELDS)}
    return EntryLine(
        entry.number,
        {name: entry.values[name] for name in FIELDS if name in fields},
        {name: salts[name] for name in FIELDS if name in fields},
        {name: commit(name, entry.values[name], salts[name]) for name in FIELDS if name not in fields},
    )


class _Named:
    """The documents that opened entries name, by their hashes alone; each is read when its line is made."""

    def __init__(self, node: "Node") -> None:
        self._node = node
        self._present = Document("coalition", coalition_document(node.coalition.state()))
        self._hashes: dict[DocumentKind, set[bytes]] = {kind: set() for kind in DOCUMENT_ORDER}
        # Whose key signed what stands there, whatever the entries name.
        for sha256 in (self._present.sha256, *node.audit.hashes_of("coalition")):
            self._add("coalition", sha256)

    def add(self, entry: StoredEntry) -> None:
        """Notes what an entry names."""
        values = entry.values
        self._add("request", values["request"])
        self._add("policy" if values["event"] == "policy" else "result", values["receipt"])
        if values["decision"]:
            record = parse_record(values["decision"])
            self._add("policy", record.decision.bundle_sha256.hex())
            self._add("coalition", record.coalition)
            self._add("agreement", record.agreement)

    def lines(self) -> Iterator[DocumentLine]:
        """The documents, in the order of a file; one that is gone is left out, which the verifier says."""
        for kind in DOCUMENT_ORDER:
            for digest in sorted(self._hashes[kind]):
                document = self._read(digest.hex())
                if document is not None and document.kind == kind:
                    yield DocumentLine(kind, document.content, document.signatures)

    def _read(self, sha256: str) -> Document | None:
        return self._present if sha256 == self._present.sha256 else self._node.audit.document(sha256)

    def _add(self, kind: DocumentKind, sha256: str) -> None:
        if sha256:
            self._hashes[kind].add(bytes.fromhex(sha256))


def _header(node: "Node", form: Format, checkpoint: SignedNote, recipient: str = "") -> Header:
    size = parse_checkpoint(checkpoint.text).size
    if size > MAX_ENTRIES:
        raise UsageError(
            f"the log has {size} entries, more than one file holds",
            hint="`symbolon audit prove` shows single ones.",
        )
    own = node.config.node
    hour = int(node.clock() // HOUR_S)
    return Header(form, CoalitionId(own.coalition), MemberId(own.member), size, hour, recipient)


def _tell(progress: Progress, what: str, number: int, total: int) -> None:
    if number % _TOLD_EVERY == 0:
        progress(what, number, total)
