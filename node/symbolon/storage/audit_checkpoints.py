"""Checkpoints: where the own log stood when it was last shown, and where others' logs stood.

A checkpoint is signed over what is on the disk, kept in the database and, the newest one, in a file beside
it: so a database that was put back, or cut short, shows at the next start. Of every other member the latest
checkpoint that it has shown is kept; of two that contradict each other both are kept, as evidence, and the
one that came later is refused. A member that was admitted again has another key, and with it another log of
the same name: what the former key signed binds nobody any more. docs/adr/0015.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Connection, delete, insert, select, update

from symbolon.audit.checkpoint import Checkpoint, parse_checkpoint, sign_checkpoint, verify_checkpoint
from symbolon.audit.entry import Entry
from symbolon.audit.merkle import EMPTY_ROOT, root_at
from symbolon.audit.signed_note import (
    MAX_SIGNATURES,
    NoteKey,
    NoteSignature,
    SignedNote,
    decode_note,
    encode_note,
    verify_note,
)
from symbolon.errors import AuditError
from symbolon.membership.atomic_file import read_bounded, write_atomically
from symbolon.storage.audit_log import AuditLog, read_frontier, read_nodes
from symbolon.storage.audit_schema import audit_checkpoint, audit_evidence, audit_shown
from symbolon.storage.database import Database

CHECKPOINT_FILE: Final = "audit.checkpoint"

_MAX_FILE_BYTES: Final = 256 * 1024
"""More than any note has."""

MAX_EVIDENCE: Final = 16
"""Contradictions kept of one log: one convicts it, and who signs a thousand must not fill this database."""


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
            note = self._latest(connection)
        return note if note is not None else self.sign()

    def newest(self, limit: int) -> list[SignedNote]:
        """The newest checkpoints that were signed, newest first."""
        with self._database.read("look for the latest checkpoints") as connection:
            return [note for note in _newest(connection, limit) if self._is_own(note)]

    def sign(self) -> SignedNote:
        """Signs a checkpoint over all that is on the disk; the latest one where nothing came since.

        The file is written before the commit, in this node's turn to write: two processes never leave the
        older one in it, and what stands in it alone is of entries that are on the disk.

        Raises:
            AuditError: `audit.truncated`, the log is not the one that was signed before.
            StorageError: it could not be kept; the one before stays.
        """
        with self._database.transaction("sign a checkpoint") as connection:
            frontier, held, filed = read_frontier(connection), self._latest(connection), self._filed()
            checkpoint = Checkpoint(self._origin, frontier.size, frontier.root())
            self._require_whole(connection, held, filed)
            note = held
            if note is None or parse_checkpoint(note.text) != checkpoint:
                note = sign_checkpoint(checkpoint, self._key())
                values = {"at_s": int(self._clock()), "note": encode_note(note).decode()}
                # One of this size that a former key signed.
                connection.execute(delete(audit_checkpoint).where(audit_checkpoint.c.size == checkpoint.size))
                connection.execute(insert(audit_checkpoint).values(size=checkpoint.size, **values))
            if filed is None or (filed != note and (filed.text != note.text or not self._is_own(filed))):
                write_atomically(self._file, encode_note(note))
        return note

    def require_whole(self) -> None:
        """Checks that the log is the one whose checkpoints were signed, as far as this node can tell alone.

        Raises:
            AuditError: `audit.truncated`, entries are missing, or others stand in their place;
                `audit.checkpoint…`, the file beside the database holds something else.
        """
        # Before the database: another process may sign in between, and then its entries are seen too.
        filed = self._filed()
        with self._database.read("compare the log with its checkpoints") as connection:
            self._require_whole(connection, self._latest(connection), filed)

    def require_covers(self, note: SignedNote) -> None:
        """Checks that a checkpoint of this log, which another member holds, is one of this log's past.

        Raises:
            AuditError: `audit.truncated`, or the note does not bear this member's signature.
        """
        with self._database.read("compare the log with a checkpoint") as connection:
            self._require_begins_with(connection, verify_checkpoint(note, self.public))

    def add_cosigned(self, note: SignedNote) -> None:
        """Keeps the cosignatures that a checkpoint of this log has gained, beside those that it has.

        Of one witness the one that came last is kept; of more witnesses than a note has room for, the first.
        """
        here = audit_checkpoint.c.size == parse_checkpoint(note.text).size
        with self._database.transaction("keep cosignatures") as connection:
            text = connection.execute(select(audit_checkpoint.c.note).where(here)).scalar()
            held = None if text is None else decode_note(text.encode())
            if held is None or held.text != note.text:
                return
            kept: dict[tuple[str, bytes], NoteSignature] = {}
            for each in (*held.signatures, *note.signatures):
                kept[each.name, each.key_id] = each
            gained = SignedNote(held.text, tuple(kept.values())[:MAX_SIGNATURES])
            connection.execute(update(audit_checkpoint).where(here).values(note=encode_note(gained).decode()))

    @property
    def public(self) -> NoteKey:
        """The key under which the checkpoints of this log are verified."""
        return NoteKey(self._origin, self._key().public_key().public_bytes_raw())

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
            held = read_shown(connection, key, "seen")
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
        self,
        connection: Connection,
        member: str,
        origin: str,
        earlier: SignedNote,
        later: SignedNote,
        note: str = "",
    ) -> None:
        """Keeps two checkpoints that contradict each other, and says so in the log.

        Each pair once, whatever witnesses have written beneath it, and `MAX_EVIDENCE` of one log.

        Args:
            connection: of the transaction.
            member: whose log it is.
            origin: of the log.
            earlier: what it has shown before.
            later: what it showed now.
            note: fixed phrase for the entry.
        """
        here = audit_evidence.c.origin == origin
        held = connection.execute(select(audit_evidence.c.earlier, audit_evidence.c.later).where(here)).all()
        pairs = {tuple(decode_note(each.encode()).text for each in row) for row in held}
        if (earlier.text, later.text) in pairs or len(held) >= MAX_EVIDENCE:
            return
        values = {"earlier": encode_note(earlier).decode(), "later": encode_note(later).decode()}
        connection.execute(insert(audit_evidence).values(origin=origin, at_s=int(self._clock()), **values))
        self._log.append_in(connection, Entry("contradicted", member, note=note))

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

    def _latest(self, connection: Connection) -> SignedNote | None:
        """The newest; None where a former key signed it, since the present one has signed none then."""
        return next((note for note in _newest(connection, 1) if self._is_own(note)), None)

    def _is_own(self, note: SignedNote) -> bool:
        return _is_signed(note, self.public)

    def _require_whole(
        self, connection: Connection, held: SignedNote | None, filed: SignedNote | None
    ) -> None:
        # Most often they are one; what is held was seen to be this node's own.
        own = [] if held is None else [held]
        if filed is not None and filed != held and self._is_own(filed):
            own.append(filed)
        for each in own:
            self._require_begins_with(connection, parse_checkpoint(each.text))

    def _require_begins_with(self, connection: Connection, earlier: Checkpoint) -> None:
        size = read_frontier(connection).size
        if size < earlier.size:
            missing = earlier.size - size
            said = f"it has {size} entries and had {earlier.size}: at least {missing} are missing"
            raise self._truncated(f"the audit log is not whole: {said}")
        try:
            root = root_at(earlier.size, lambda wanted: read_nodes(connection, wanted))
        except AuditError as error:
            raise self._truncated(f"the tree of the audit log is not whole: {error.detail}") from error
        if root != earlier.root:
            said = f"its first {earlier.size} entries are not what they were: at least 1 is missing"
            raise self._truncated(f"the audit log is not whole: {said}")

    def _truncated(self, detail: str) -> AuditError:
        member = self._origin.rpartition("/")[2]
        return AuditError(
            detail,
            hint="Put back the newest copy of node.db: nothing may leave before. If there is none, this key "
            "has signed a log that is lost, and cannot sign another: tell the founders what is lost, ask for "
            f"`symbolon coalition invite {member} --again`, and join by its code in a new folder.",
            code="audit.truncated",
        )


def is_conclusive(earlier: SignedNote, later: SignedNote) -> bool:
    """Whether two notes alone convict the log that signed both: one size, two roots.

    A log of no entries has only one root, so there one note convicts, and stands in both places. Where the
    sizes differ, the log could not prove that one continues the other; anybody else has to ask it again.
    """
    first, second = parse_checkpoint(earlier.text), parse_checkpoint(later.text)
    if first == second:
        return first.size == 0 and first.root != EMPTY_ROOT
    return first.size == second.size


def read_shown(connection: Connection, key: NoteKey, kind: str) -> SignedNote | None:
    """The latest checkpoint that a log has shown, or that this node cosigned; None without one.

    Args:
        connection: of a transaction.
        key: of the log, as the coalition lists it now; what another key signed is of another log.
        kind: `cosigned` or `seen`.
    """
    here = (audit_shown.c.origin == key.name, audit_shown.c.kind == kind)
    text = connection.execute(select(audit_shown.c.note).where(*here)).scalar()
    note = None if text is None else decode_note(text.encode())
    return note if note is not None and _is_signed(note, key) else None


def write_shown(
    connection: Connection, origin: str, kind: str, size: int, note: SignedNote, now_s: float
) -> None:
    """Replaces it."""
    here = (audit_shown.c.origin == origin, audit_shown.c.kind == kind)
    values = {"size": size, "at_s": int(now_s), "note": encode_note(note).decode()}
    if not connection.execute(update(audit_shown).where(*here).values(**values)).rowcount:
        connection.execute(insert(audit_shown).values(origin=origin, kind=kind, **values))


def _newest(connection: Connection, limit: int) -> list[SignedNote]:
    query = select(audit_checkpoint.c.note).order_by(audit_checkpoint.c.size.desc()).limit(limit)
    return [decode_note(each.encode()) for each in connection.execute(query).scalars()]


def _is_signed(note: SignedNote, key: NoteKey) -> bool:
    try:
        verify_note(note, [key])
    except AuditError:
        return False
    return True
