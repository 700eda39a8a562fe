"""Cosignatures: a witness says that a checkpoint is the largest it has seen of a log, and when.

Handles: making a cosignature of type 0x04 (Ed25519), verifying it, and reading from the note of a checkpoint
which known witnesses cosigned it and when. How many are enough is for others to decide. Refuses: a time above
2^63 - 1, a note without a signature of the log, and one in which a known key signed something else.

What is signed does not hold the name of the witness, so one key under two names would count twice. Here a key
counts once, whatever names it has, and the key of the log never counts as a witness of that log.
Specification: C2SP tlog-cosignature, the Ed25519 kind.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from symbolon.audit.checkpoint import Checkpoint, verify_checkpoint
from symbolon.audit.signed_note import (
    ED25519_SIGNATURE_BYTES,
    NoteKey,
    NoteSignature,
    SignedNote,
    key_id,
    require_key,
    verify_ed25519,
    verify_note,
)
from symbolon.errors import AuditError

COSIGNATURE_TYPE: Final = 0x04

MAX_TIMESTAMP_S: Final = 2**63 - 1

_TIMESTAMP_BYTES: Final = 8


@dataclass(frozen=True, slots=True)
class WitnessKey:
    """A known key of type 0x04.

    Attributes:
        name: of the witness.
        public_key: 32 bytes, Ed25519.

    Raises:
        AuditError: `audit.note`, at construction.
    """

    name: str
    public_key: bytes

    def __post_init__(self) -> None:
        require_key(self.name, self.public_key)

    @property
    def key_id(self) -> bytes:
        """4 bytes."""
        return key_id(self.name, COSIGNATURE_TYPE, self.public_key)

    def verify(self, text: str, signature: bytes) -> None:
        """Verifies a cosignature on the text of a checkpoint.

        Raises:
            AuditError: `audit.note.signature`.
        """
        message = _message(text, cosigned_at_s(signature))
        verify_ed25519(self.name, self.public_key, signature[_TIMESTAMP_BYTES:], message)


@dataclass(frozen=True, slots=True)
class Cosignature:
    """A fact that was verified.

    Attributes:
        witness: its name.
        timestamp_s: seconds since 1970-01-01 UTC, as the witness says. It may lie in the future.
    """

    witness: str
    timestamp_s: int


@dataclass(frozen=True, slots=True)
class CosignedCheckpoint:
    """A checkpoint that its log signed, and who cosigned it.

    Attributes:
        cosignatures: by name of the witness, ascending; each name and each key once, with the latest time.
    """

    checkpoint: Checkpoint
    cosignatures: tuple[Cosignature, ...]


def cosign(checkpoint: Checkpoint, name: str, key: Ed25519PrivateKey, *, now_s: int) -> NoteSignature:
    """Makes a cosignature.

    Args:
        checkpoint: the largest that this witness has seen of its log, and has verified.
        name: of the witness.
        key: its private half.
        now_s: seconds since 1970-01-01 UTC.

    Raises:
        AuditError: `audit.cosignature` when the time is out of range, `audit.note` when the name is none.
    """
    if not 0 <= now_s <= MAX_TIMESTAMP_S:
        raise AuditError("the time of a cosignature is out of range", code="audit.cosignature")
    witness = WitnessKey(name, key.public_key().public_bytes_raw())
    signature = key.sign(_message(checkpoint.text(), now_s))
    return NoteSignature(name, witness.key_id, now_s.to_bytes(_TIMESTAMP_BYTES, "big") + signature)


def cosigned_at_s(signature: bytes) -> int:
    """Returns the time within a cosignature, seconds since 1970-01-01 UTC.

    Args:
        signature: of a signature line, without the key id.

    Raises:
        AuditError: `audit.note.signature` when it has another length or the time is out of range.
    """
    timestamp_s = int.from_bytes(signature[:_TIMESTAMP_BYTES], "big")
    if len(signature) != _TIMESTAMP_BYTES + ED25519_SIGNATURE_BYTES or timestamp_s > MAX_TIMESTAMP_S:
        raise AuditError("a cosignature is not a time and 64 bytes", code="audit.note.signature")
    return timestamp_s


def verify_cosigned(note: SignedNote, log: NoteKey, witnesses: Iterable[WitnessKey]) -> CosignedCheckpoint:
    """Verifies a checkpoint and its cosignatures.

    Args:
        note: from anywhere.
        log: the log that it should be of.
        witnesses: those that are known; that of the log itself may be among them, and is left out.

    Raises:
        AuditError: what `verify_checkpoint` and `verify_note` say.
    """
    # Step 1: it is a checkpoint of this log, which signed it.
    checkpoint = verify_checkpoint(note, log)
    # Step 2: every signature of a known witness on it holds; each key counts once.
    keys: list[NoteKey | WitnessKey] = [log]
    keys += [witness for witness in witnesses if witness.public_key != log.public_key]
    latest: dict[bytes, Cosignature] = {}
    for key, signature in verify_note(note, keys):
        if isinstance(key, WitnessKey):
            found = Cosignature(key.name, cosigned_at_s(signature.signature))
            counted = latest.setdefault(key.public_key, found)
            if found.timestamp_s > counted.timestamp_s:
                latest[key.public_key] = found
    by_name: dict[str, Cosignature] = {}
    for each in sorted(latest.values(), key=lambda found: (found.witness, found.timestamp_s)):
        by_name[each.witness] = each
    return CosignedCheckpoint(checkpoint, tuple(by_name.values()))


def _message(text: str, timestamp_s: int) -> bytes:
    return f"cosignature/v1\ntime {timestamp_s}\n{text}".encode()
