"""Checkpoints: the size and root of a log, signed by it.

Handles: the text of a checkpoint, its one reading, its signature by the log and the verification of that.
Refuses: a size with leading zeroes or above what a log can have, a root that has not 32 bytes in the one form
of base64, extension lines (nobody could audit them), an origin that is no key name, and a checkpoint of
another log than was asked for. That the root of an empty log is that of the empty tree is for who compares
two checkpoints to say: one that says otherwise is evidence, and has to be readable.

The key has the name of the log. Specification: C2SP tlog-checkpoint v1.0.0; docs/adr/0015.
"""

import re
from dataclasses import dataclass
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from symbolon.audit.merkle import HASH_BYTES, MAX_SIZE
from symbolon.audit.signed_note import (
    NoteKey,
    SignedNote,
    decode_base64,
    encode_base64,
    require_key_name,
    sign_note,
    verify_note,
)
from symbolon.errors import AuditError
from symbolon.membership.member import CoalitionId, MemberId, parse_coalition_id, parse_member_id

_DECIMAL: Final = re.compile(r"0|[1-9][0-9]{0,18}")
"""Nineteen digits hold `MAX_SIZE`; a longer number is refused before it is computed."""

_LINES: Final = 3


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a log says of itself.

    Attributes:
        origin: the name of the log, and of its key.
        size: its leaves, 0 to `MAX_SIZE`.
        root: 32 bytes.

    Raises:
        AuditError: `audit.note` for an origin that is no key name, `audit.checkpoint`, at construction.
    """

    origin: str
    size: int
    root: bytes

    def __post_init__(self) -> None:
        require_key_name(self.origin)
        if not 0 <= self.size <= MAX_SIZE:
            raise malformed_checkpoint("the size of a checkpoint is out of range")
        if len(self.root) != HASH_BYTES:
            raise malformed_checkpoint(f"the root of a checkpoint has {len(self.root)} bytes instead of 32")

    def text(self) -> str:
        """Returns the text that is signed."""
        return f"{self.origin}\n{self.size}\n{encode_base64(self.root)}\n"


def log_origin(coalition: CoalitionId, member: MemberId) -> str:
    """Returns the name of a member's log, of the key that signs it, and of the key that cosigns others.

    Args:
        coalition: see `parse_coalition_id`.
        member: see `parse_member_id`.

    Raises:
        MembershipError: `membership.malformed`.
    """
    return f"symbolon/{parse_coalition_id(coalition)}/{parse_member_id(member)}"


def parse_checkpoint(text: str) -> Checkpoint:
    """Parses the text of a checkpoint; for each checkpoint there is one text.

    Args:
        text: of a note, from anywhere.

    Raises:
        AuditError: `audit.checkpoint`, or `audit.note` for an origin that is no key name or a root that is
            not base64.
    """
    *lines, rest = text.split("\n", _LINES + 1)
    if len(lines) != _LINES or rest:
        raise malformed_checkpoint("a checkpoint is three lines: origin, size, root")
    origin, size, root = lines
    return Checkpoint(origin, parse_size(size), decode_base64(root))


def parse_size(text: str) -> int:
    """Parses the size of a log: decimal, without leading zeroes, at most `MAX_SIZE`.

    Raises:
        AuditError: `audit.checkpoint`.
    """
    if not _DECIMAL.fullmatch(text) or int(text) > MAX_SIZE:
        raise malformed_checkpoint("the size of a log is not a decimal in range without leading zeroes")
    return int(text)


def sign_checkpoint(checkpoint: Checkpoint, key: Ed25519PrivateKey) -> SignedNote:
    """Makes the note of a checkpoint, signed by its log.

    Args:
        checkpoint: one that every checkpoint which this key signed before leads to.
        key: of the log.
    """
    return sign_note(checkpoint.text(), checkpoint.origin, key)


def verify_checkpoint(note: SignedNote, log: NoteKey) -> Checkpoint:
    """Verifies that a log signed a checkpoint.

    Args:
        note: from anywhere.
        log: the log that it should be of.

    Returns:
        The checkpoint. That it fits others of the log is for `verify_consistency` to say.

    Raises:
        AuditError: what `parse_checkpoint` and `verify_note` say, or `audit.checkpoint.origin`.
    """
    checkpoint = parse_checkpoint(note.text)
    if checkpoint.origin != log.name:
        raise AuditError(f"the checkpoint is not of {log.name}", code="audit.checkpoint.origin")
    verify_note(note, [log])
    return checkpoint


def malformed_checkpoint(detail: str) -> AuditError:
    """The error for a checkpoint whose form is wrong."""
    return AuditError(detail, code="audit.checkpoint")
