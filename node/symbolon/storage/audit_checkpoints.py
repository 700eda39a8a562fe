"""Checkpoints: where the own log stood when it was last shown, and where others' logs stood.

A checkpoint is signed over what is on the disk, kept in the database and, the newest one, in a file beside
it: so a database that was put back, or cut short, shows at the next start. Of every other member the latest
checkpoint that it has shown is kept; of two that contradict each other both are kept, as evidence, and the
one that came later is refused. docs/adr/0015.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Connection, insert, select, update

from symbolon.audit.checkpoint import Checkpoint, parse_checkpoint, sign_checkpoint, verify_checkpoint
from symbolon.audit.entry import Entry
from symbolon.audit.merkle import root_at
from symbolon.audit.signed_note import NoteKey, SignedNote, decode_note, encode_note
from symbolon.errors import AuditError
from symbolon.membership.atomic_file import read_bounded, write_atomically
from symbolon.storage.audit_log import AuditLog, read_frontier, read_nodes
from symbolon.storage.audit_schema import audit_checkpoint, audit_evidence, audit_shown
from symbolon.storage.database import Database

CHECKPOINT_FILE: Final = "audit.checkpoint"

_MAX_FILE_BYTES: Final = 256 * 1024
"""More than any note has."""


class Checkpoints:
    """The checkpoints of one node.

    Args:
        database: the node's.
        log: its audit log.
        origin: of that log.
        key: gives the key that signs for this member.
        file: where the newest one is kept beside the database.
        clock: seconds since 1970-01-01 UTC.
    """

    def __init__(
        self,
        database: Database,
        log: AuditLog,
        origin: str,
        key: Callable[[], Ed25519PrivateKey],
        file: Path,
        clock: Callable[[], float],
    ) -> None:
        self._database = database
        self._log = log
        self._origin = origin
        self._key = key
        self._file = file
        self._clock = clock

    def latest(self) -> SignedNote:
        """The newest checkpoint that was signed; one is signed where there is none."""
        with self._database.read("look for the latest checkpoint") as connection:
            note = _latest(connection)
        return note if note is not None else self.sign()

    def sign(self) -> SignedNote:
        """Signs a checkpoint over all that is on the disk; the latest one where nothing came since.

        Raises:
            AuditError: `audit.truncated`, the log is not the one that was signed before.
            StorageError: it could not be kept.
        """
        with self._database.transaction("sign a checkpoint") as connection:
            frontier, held = read_frontier(connection), _latest(connection)
            checkpoint = Checkpoint(self._origin, frontier.size, frontier.root())
            if held is not None:
                earlier = parse_checkpoint(held.text)
                if earlier == checkpoint:
                    return held
                self._require_begins_with(connection, earlier)
            note = sign_checkpoint(checkpoint, self._key())
            values = {"at_s": int(self._clock()), "note": encode_note(note).decode()}
            connection.execute(insert(audit_checkpoint).values(size=checkpoint.size, **values))
        write_atomically(self._file, encode_note(note))
        return note

    def require_whole(self) -> None:
        """Checks that the log is the one whose checkpoints were signed, as far as this node can tell alone.

        Raises:
            AuditError: `audit.truncated`, entries are missing, or others stand in their place;
                `audit.checkpoint…`, the file beside the database holds something else.
        """
        with self._database.read("compare the log with its checkpoints") as connection:
            found = [note for note in (_latest(connection), self._filed()) if note is not None]
            for note in found:
                self._require_begins_with(connection, parse_checkpoint(note.text))

    def require_covers(self, note: SignedNote) -> None:
        """Checks that a checkpoint of this log, which another member holds, is one of this log's past.

        Raises:
            AuditError: `audit.truncated`, or the note does not bear this member's signature.
        """
        with self._database.read("compare the log with a checkpoint") as connection:
            public_key = self._key().public_key().public_bytes_raw()
            checkpoint = verify_checkpoint(note, NoteKey(self._origin, public_key))
            self._require_begins_with(connection, checkpoint)

    def add_cosigned(self, note: SignedNote) -> None:
        """Keeps a checkpoint of this log with the cosignatures that it has gained."""
        size = parse_checkpoint(note.text).size
        with self._database.transaction("keep cosignatures") as connection:
            connection.execute(
                update(audit_checkpoint)
                .where(audit_checkpoint.c.size == size)
                .values(note=encode_note(note).decode())
            )

    def all(self) -> list[SignedNote]:
        """Every checkpoint that was signed, oldest first."""
        query = select(audit_checkpoint.c.note).order_by(audit_checkpoint.c.size)
        with self._database.read("read the checkpoints") as connection:
            return [decode_note(row.encode()) for row in connection.execute(query).scalars()]

    def take(self, note: SignedNote, key: NoteKey, member: str) -> Checkpoint:
        """Takes a checkpoint that another member shows of its log.

        Args:
            note: from that member.
            key: of its log.
            member: its id.

        Returns:
            The checkpoint.

        Raises:
            AuditError: `audit.contradiction`, it is not the root that the member has shown for this size;
                both are kept; or what `verify_checkpoint` says.
        """
        shown = verify_checkpoint(note, key)
        with self._database.transaction("keep a checkpoint of another member") as connection:
            held = read_shown(connection, key.name, "seen")
            earlier = parse_checkpoint(held.text) if held is not None else None
            contradicts = earlier is not None and earlier.size == shown.size and earlier.root != shown.root
            if held is not None and contradicts:
                self.keep_evidence_in(connection, member, key.name, held, note)
            elif earlier is None or shown.size > earlier.size:
                write_shown(connection, key.name, "seen", shown.size, note, self._clock())
        if contradicts:
            raise AuditError(
                f"{member} signed two different logs of {shown.size} entries",
                hint="Both are kept as evidence: `symbolon audit witness` shows them. Tell the founders.",
                code="audit.contradiction",
            )
        return shown

    def keep_evidence_in(
        self, connection: Connection, member: str, origin: str, earlier: SignedNote, later: SignedNote
    ) -> None:
        """Keeps two checkpoints that contradict each other, and says so in the log; each pair once."""
        values = {"earlier": encode_note(earlier).decode(), "later": encode_note(later).decode()}
        same = [audit_evidence.c[name] == value for name, value in values.items()]
        if connection.execute(select(audit_evidence.c.id).where(*same)).first() is not None:
            return
        connection.execute(insert(audit_evidence).values(origin=origin, at_s=int(self._clock()), **values))
        self._log.append_in(connection, Entry("contradicted", member))

    def evidence(self) -> list[tuple[str, SignedNote, SignedNote]]:
        """Origin and both notes of every contradiction, oldest first."""
        query = select(audit_evidence).order_by(audit_evidence.c.id)
        with self._database.read("read the evidence") as connection:
            rows = connection.execute(query).all()
        return [
            (row.origin, decode_note(row.earlier.encode()), decode_note(row.later.encode())) for row in rows
        ]

    def _filed(self) -> SignedNote | None:
        if not self._file.exists():
            return None
        return decode_note(read_bounded(self._file, _MAX_FILE_BYTES))

    def _require_begins_with(self, connection: Connection, earlier: Checkpoint) -> None:
        size = read_frontier(connection).size
        if size < earlier.size:
            raise _truncated(f"the audit log has {size} entries; it had {earlier.size}")
        try:
            root = root_at(earlier.size, lambda wanted: read_nodes(connection, wanted))
        except AuditError as error:
            raise _truncated(f"the tree of the audit log is not whole: {error.detail}") from error
        if root != earlier.root:
            raise _truncated(f"the first {earlier.size} entries of the audit log are not what they were")


def read_shown(connection: Connection, origin: str, kind: str) -> SignedNote | None:
    """The latest checkpoint that another member has shown, or that this node cosigned; None without one."""
    here = (audit_shown.c.origin == origin, audit_shown.c.kind == kind)
    text = connection.execute(select(audit_shown.c.note).where(*here)).scalar()
    return None if text is None else decode_note(text.encode())


def write_shown(
    connection: Connection, origin: str, kind: str, size: int, note: SignedNote, now_s: float
) -> None:
    """Replaces it."""
    here = (audit_shown.c.origin == origin, audit_shown.c.kind == kind)
    values = {"size": size, "at_s": int(now_s), "note": encode_note(note).decode()}
    if not connection.execute(update(audit_shown).where(*here).values(**values)).rowcount:
        connection.execute(insert(audit_shown).values(origin=origin, kind=kind, **values))


def _latest(connection: Connection) -> SignedNote | None:
    query = select(audit_checkpoint.c.note).order_by(audit_checkpoint.c.size.desc()).limit(1)
    text = connection.execute(query).scalar()
    return None if text is None else decode_note(text.encode())


def _truncated(detail: str) -> AuditError:
    return AuditError(
        detail,
        hint="The database was put back from a backup, cut short or altered: nothing may leave until the "
        "newest copy is back. `symbolon audit verify` says more; tell the founders.",
        code="audit.truncated",
    )
