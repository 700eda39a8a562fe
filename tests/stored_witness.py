"""Members with a real database each, without a network: their logs, their checkpoints, what they witness."""

import os
from collections.abc import Callable
from pathlib import Path

from memory_log import COALITION, NOW_S, private_key
from symbolon.audit.checkpoint import log_origin, parse_checkpoint
from symbolon.audit.cosignature import WitnessKey
from symbolon.audit.entry import Entry
from symbolon.audit.merkle import prove_consistency
from symbolon.audit.signed_note import NoteKey, SignedNote
from symbolon.audit.witness import AddCheckpoint, Decision
from symbolon.membership.member import MemberId
from symbolon.storage.audit_checkpoints import CHECKPOINT_FILE, Checkpoints
from symbolon.storage.audit_log import AuditLog
from symbolon.storage.audit_witness import Witness
from symbolon.storage.database import Database
from symbolon.storage.seal import Sealer


class StoredMember:
    """A member's log and what it witnesses, in one folder.

    Args:
        folder: of the database and the file beside it; made where it is not there.
        member: its id.
        key: seed of its signing key; the member's id where it never had another one.
        clock: seconds since 1970-01-01 UTC.
    """

    def __init__(
        self, folder: Path, member: str, key: str = "", clock: Callable[[], float] = lambda: NOW_S
    ) -> None:
        folder.mkdir(exist_ok=True)
        self.folder = folder
        self.member = member
        self.key = private_key(key or member)
        self.origin = log_origin(COALITION, MemberId(member))
        self._clock = clock
        self.open()

    def open(self) -> None:
        """As a process does that starts."""
        self.database = Database.open(f"sqlite:///{self.folder}/node.db", create=True)
        self.log = AuditLog(self.database, Sealer(bytes(32)), self._clock, rng=os.urandom)
        self.checkpoints = Checkpoints(
            self.database,
            self.log,
            self.origin,
            lambda: self.key,
            self.folder / CHECKPOINT_FILE,
            self._clock,
        )
        self.witness = Witness(self.database, self.checkpoints, lambda: self.key, self._clock)

    def restart(self) -> None:
        self.database.close()
        self.open()

    @property
    def public(self) -> NoteKey:
        return NoteKey(self.origin, self.key.public_key().public_bytes_raw())

    @property
    def as_witness(self) -> WitnessKey:
        return WitnessKey(self.origin, self.key.public_key().public_bytes_raw())

    def write(self, count: int = 1) -> None:
        self.log.append(*[Entry("failed", "nobody-co", note="a test")] * count)

    def asks(self, old: int, note: SignedNote | None = None) -> AddCheckpoint:
        """A request about the newest checkpoint, with the proof from a size."""
        note = note or self.checkpoints.sign()
        size = parse_checkpoint(note.text).size
        proof = prove_consistency(old, size, self.log.nodes) if old <= size else ()
        return AddCheckpoint(old, proof, note)

    def witnesses(
        self, other: "StoredMember", request: AddCheckpoint, *, own: bool = True, known: bool = True
    ) -> Decision:
        """Decides about a request that the other member, or somebody else, brought."""
        return self.witness.decide(request, other.public if known else None, other.member, own=own)

    def events(self) -> list[tuple[str, str, str]]:
        """Event, peer and note of every entry."""
        return [
            (each.values["event"], each.values["peer"], each.values["note"]) for each in self.log.entries()
        ]
