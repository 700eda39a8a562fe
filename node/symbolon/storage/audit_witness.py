"""What this node witnesses: the latest checkpoint that it cosigned for every other member's log.

What is held is read, decided upon and replaced in one transaction, and the answer exists only after the
commit: neither two requests at once nor a crash make this node cosign two histories. Contradictions are kept
in the same transaction.

Two checkpoints of one size convict their log, whoever brings them. A proof that does not hold is kept as
evidence only where the log's own member brought it: anybody else could spoil one, and have an honest log
stand accused. docs/adr/0015; C2SP tlog-witness.
"""

from collections.abc import Callable
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from symbolon.audit.checkpoint import parse_checkpoint
from symbolon.audit.signed_note import NoteKey, SignedNote, decode_note, encode_note
from symbolon.audit.witness import AddCheckpoint, Contradiction, Decision, WitnessState, decide
from symbolon.storage.audit_checkpoints import Checkpoints, read_shown, write_shown
from symbolon.storage.database import Database

UNPROVEN: Final = "unproven"
"""Of an entry about a log whose member could not prove that it goes on from what it had shown."""


class Witness:
    """The witness that one node is.

    Args:
        database: the node's.
        checkpoints: of the node.
        key: gives the key that cosigns.
        clock: seconds since 1970-01-01 UTC.
    """

    def __init__(
        self,
        database: Database,
        checkpoints: Checkpoints,
        key: Callable[[], Ed25519PrivateKey],
        clock: Callable[[], float],
    ) -> None:
        self._database = database
        self._checkpoints = checkpoints
        self._key = key
        self._clock = clock

    def decide(self, request: AddCheckpoint, log: NoteKey | None, member: str, *, own: bool) -> Decision:
        """Decides about a request and keeps what follows from it.

        Args:
            request: from anywhere.
            log: the key of the log that it names; None where that is no log of a current member.
            member: whose log it is.
            own: that member itself brought the request.

        Returns:
            What to answer; all that it rests on is on the disk.

        Raises:
            StorageError: it is not; nothing may be answered.
        """
        with self._database.transaction("witness a checkpoint") as connection:
            held = None if log is None else read_shown(connection, log, "cosigned")
            decision = decide(
                request,
                log=log,
                state=None if held is None else _state(held),
                name=self._checkpoints.public.name,
                key=self._key(),
                now_s=int(self._clock()),
            )
            if log is not None and decision.state is not None:
                note = decode_note(decision.state.note)
                write_shown(connection, log.name, "cosigned", decision.state.size, note, self._clock())
            found = decision.contradiction
            if log is not None and found is not None and (found.conclusive or own):
                why = "" if found.conclusive else UNPROVEN
                keep = self._checkpoints.keep_evidence_in
                keep(connection, member, log.name, *_notes(found), note=why)
        return decision

    def latest(self, log: NoteKey) -> SignedNote | None:
        """The latest checkpoint that a log has shown this node, cosigned here or seen in a session."""
        with self._database.read("look for the checkpoint of another member") as connection:
            found = [read_shown(connection, log, kind) for kind in ("cosigned", "seen")]
        notes = [note for note in found if note is not None]
        return max(notes, key=lambda note: parse_checkpoint(note.text).size, default=None)


def _state(held: SignedNote) -> WitnessState:
    checkpoint = parse_checkpoint(held.text)
    return WitnessState(checkpoint.size, checkpoint.root, encode_note(held))


def _notes(found: Contradiction) -> tuple[SignedNote, SignedNote]:
    """Both; a note that contradicts itself stands in both places."""
    shown = decode_note(found.shown)
    return (decode_note(found.held) if found.held else shown), shown
