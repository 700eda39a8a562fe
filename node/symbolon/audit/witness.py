"""The witness of other members' logs, and how a log asks one.

Handles: the body of an add-checkpoint request, what a witness decides about it, and reading its answer. A
witness cosigns a checkpoint only when the log signed it and it was proven to continue the one that this
witness cosigned last. Refuses: a body that is too large or in another form than its one, more than 63 hashes,
and all that the statuses of `decide` name.

`decide` is a pure function over what is held for one log. The caller reads the state and writes the new one
in one transaction, and the answer leaves only after the commit: else two requests at once could take the log
back, or a crash could make this witness sign two histories.

Two checkpoints of one size with different roots, both signed by the log, convict it. A proof that does not
hold convicts nobody, since a log does not sign proofs: it is kept as a reason to ask the log for the right
one. Specification: C2SP tlog-witness, add-checkpoint; docs/adr/0015.
"""

from dataclasses import dataclass
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from symbolon.audit.checkpoint import Checkpoint, parse_checkpoint, parse_size, verify_checkpoint
from symbolon.audit.cosignature import WitnessKey, cosign, cosigned_at_s
from symbolon.audit.merkle import EMPTY_ROOT, HASH_BYTES, verify_consistency
from symbolon.audit.signed_note import (
    MAX_NOTE_BYTES,
    NoteKey,
    NoteSignature,
    SignedNote,
    add_signatures,
    decode_base64,
    decode_note,
    decode_signatures,
    encode_base64,
    encode_note,
    encode_signatures,
    verify_note,
)
from symbolon.errors import AuditError

MAX_PROOF_HASHES: Final = 63
"""The longest proof of consistency between sizes below 2^63."""

MAX_REQUEST_BYTES: Final = MAX_NOTE_BYTES + 4 * 1024
"""A note, 63 lines of 45 bytes, and the line of the old size."""

MAX_ANSWER_BYTES: Final = MAX_NOTE_BYTES
"""Signature lines that still fit beneath a note."""

SIZE_CONTENT_TYPE: Final = "text/x.tlog.size"

OK: Final = 200
BAD_REQUEST: Final = 400
FORBIDDEN: Final = 403
NOT_FOUND: Final = 404
CONFLICT: Final = 409
UNPROCESSABLE: Final = 422

_OLD: Final = "old "


@dataclass(frozen=True, slots=True)
class AddCheckpoint:
    """A request to cosign, of which nothing was verified.

    Attributes:
        old: the size that the log believes this witness cosigned last; 0 for none.
        proof: of consistency, 32 bytes each, at most `MAX_PROOF_HASHES`.
        note: the new checkpoint.

    Raises:
        AuditError: `audit.request`, or what `parse_checkpoint` says, at construction.
    """

    old: int
    proof: tuple[bytes, ...]
    note: SignedNote

    def __post_init__(self) -> None:
        parse_size(str(self.old))
        if len(self.proof) > MAX_PROOF_HASHES or any(len(each) != HASH_BYTES for each in self.proof):
            raise _malformed_request(f"a proof has at most {MAX_PROOF_HASHES} hashes of 32 bytes")
        parse_checkpoint(self.note.text)

    @property
    def checkpoint(self) -> Checkpoint:
        """The new checkpoint; its origin says which log's key and state to read."""
        return parse_checkpoint(self.note.text)


@dataclass(frozen=True, slots=True)
class WitnessState:
    """What a witness holds of one log.

    Attributes:
        size: of the checkpoint that it cosigned last.
        root: 32 bytes, of the same.
        note: the same as a note, with the log's signature and this witness's own.
    """

    size: int
    root: bytes
    note: bytes


@dataclass(frozen=True, slots=True)
class Contradiction:
    """Two checkpoints, both signed by one log, that do not go together.

    Attributes:
        held: the note that this witness cosigned last; empty where the other one contradicts itself.
        shown: the note that was shown now, with the log's signature only.
        conclusive: they have one size and two roots, which convicts the log. Else the proof that came with
            them did not hold, which anybody may have spoilt.
    """

    held: bytes
    shown: bytes
    conclusive: bool


@dataclass(frozen=True, slots=True)
class Decision:
    """What a witness answers.

    Attributes:
        status: an HTTP status code.
        body: of the answer; empty where the status says all.
        state: what to hold from now on, written before the answer leaves; None where nothing changes.
        contradiction: what to keep, whatever the status is.
    """

    status: int
    body: bytes = b""
    state: WitnessState | None = None
    contradiction: Contradiction | None = None

    @property
    def content_type(self) -> str:
        """Of the body."""
        return SIZE_CONTENT_TYPE if self.status == CONFLICT and self.body else "text/plain; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Cosigned:
    """The witness cosigned.

    Attributes:
        signature: verified, for `add_signatures`.
        timestamp_s: seconds since 1970-01-01 UTC, as the witness says.
    """

    signature: NoteSignature
    timestamp_s: int


@dataclass(frozen=True, slots=True)
class HoldsOtherSize:
    """The witness says that it cosigned this size last: ask again from there.

    Attributes:
        size: when it is above what the log has, the log went back or the witness lies.
    """

    size: int


@dataclass(frozen=True, slots=True)
class Refused:
    """The witness did not cosign, and asking again changes nothing."""

    status: int


Answer = Cosigned | HoldsOtherSize | Refused


def add_checkpoint_body(old: int, proof: tuple[bytes, ...], note: SignedNote) -> bytes:
    """Returns the body of a request.

    Args:
        old: the size that the witness cosigned last, 0 where that is not known.
        proof: see `prove_consistency`.
        note: the checkpoint, signed by the log.

    Raises:
        AuditError: `audit.request`, or what `parse_checkpoint` says.
    """
    request = AddCheckpoint(old, proof, note)
    hashes = "".join(f"{encode_base64(each)}\n" for each in request.proof)
    return f"{_OLD}{request.old}\n{hashes}\n".encode() + encode_note(request.note)


def parse_add_checkpoint(body: bytes) -> AddCheckpoint:
    """Parses the body of a request; for each request there is one body.

    Args:
        body: from anywhere.

    Raises:
        AuditError: with any code; the answer is `BAD_REQUEST`.
    """
    if len(body) > MAX_REQUEST_BYTES:
        raise _malformed_request(f"a request has {len(body)} bytes, more than {MAX_REQUEST_BYTES}")
    head, separator, note = body.partition(b"\n\n")
    if not separator or not head.isascii():
        raise _malformed_request("a request has no empty line before its checkpoint")
    first, *hashes = head.decode("ascii").split("\n")
    if not first.startswith(_OLD) or len(hashes) > MAX_PROOF_HASHES:
        raise _malformed_request(f"a request is an old size and at most {MAX_PROOF_HASHES} hashes")
    proof = tuple(decode_base64(each) for each in hashes)
    return AddCheckpoint(parse_size(first.removeprefix(_OLD)), proof, decode_note(note))


def decide(
    request: AddCheckpoint,
    *,
    log: NoteKey | None,
    state: WitnessState | None,
    name: str,
    key: Ed25519PrivateKey,
    now_s: int,
) -> Decision:
    """Decides about a request.

    Args:
        request: from anywhere.
        log: the key of the log that the request names, or None when there is no such log.
        state: what this witness holds of it, or None when it never cosigned it.
        name: of this witness.
        key: of this witness.
        now_s: seconds since 1970-01-01 UTC.

    Returns:
        Status 404 where the log is unknown; 403 without a signature of the log; 400 where the old size is
        above the new one; 409 with the size that is held where the old size is another; 409 without a body
        for the size that is held with another root; 422 where the proof does not hold, one is there that has
        no place, or the empty tree has another root than its own; 200 with the cosignature.
    """
    checkpoint = request.checkpoint
    # Step 1: the log is known.
    if log is None or log.name != checkpoint.origin:
        return Decision(NOT_FOUND)
    # Step 2: it signed the checkpoint.
    try:
        verify_checkpoint(request.note, log)
    except AuditError:
        return Decision(FORBIDDEN)
    signed = _signed_by(request.note, log)
    fork = _fork(state, checkpoint, signed)
    # Step 3: the request starts from what is held.
    held = state.size if state else 0
    if request.old > checkpoint.size:
        return Decision(BAD_REQUEST, contradiction=fork)
    if request.old != held:
        return Decision(CONFLICT, f"{held}\n".encode(), contradiction=fork)
    # Step 4: the new tree begins with the one that is held.
    if fork:
        return Decision(CONFLICT if state and checkpoint.size == held else UNPROCESSABLE, contradiction=fork)
    try:
        _verify_continues(state, checkpoint, request.proof)
    except AuditError:
        return Decision(UNPROCESSABLE, contradiction=_doubt(state, checkpoint, signed))
    # Step 5: cosign.
    signature = cosign(checkpoint, name, key, now_s=now_s)
    note = encode_note(add_signatures(signed, [signature]))
    return Decision(
        OK,
        encode_signatures([signature]).encode(),
        state=WitnessState(checkpoint.size, checkpoint.root, note),
    )


def read_answer(status: int, body: bytes, note: SignedNote, witness: WitnessKey) -> Answer:
    """Reads what a witness answered.

    Args:
        status: from the witness.
        body: from the witness.
        note: the checkpoint that it was asked to cosign.
        witness: its key.

    Returns:
        What it did. Of several cosignatures, the one with the latest time.

    Raises:
        AuditError: `audit.answer` when the answer is too large or in another form than its one, or what
            `decode_signatures` and `verify_note` say when the cosignature does not hold.
    """
    if len(body) > MAX_ANSWER_BYTES:
        raise _malformed_answer(f"an answer has {len(body)} bytes, more than {MAX_ANSWER_BYTES}")
    try:
        text = body.decode()
    except UnicodeDecodeError as error:
        raise _malformed_answer("an answer is not UTF-8") from error
    if status == CONFLICT and text:
        if not text.endswith("\n"):
            raise _malformed_answer("a size has no newline")
        return HoldsOtherSize(parse_size(text[:-1]))
    if status != OK:
        return Refused(status)
    verified = verify_note(SignedNote(note.text, decode_signatures(text)), [witness])
    signatures = [signature for _, signature in verified]
    latest = max(signatures, key=lambda each: cosigned_at_s(each.signature))
    return Cosigned(latest, cosigned_at_s(latest.signature))


def _signed_by(note: SignedNote, log: NoteKey) -> SignedNote:
    """The note with one signature, the log's: what else stands beneath it, anybody could have made long."""
    return SignedNote(note.text, (verify_note(note, [log])[0][1],))


def _fork(state: WitnessState | None, checkpoint: Checkpoint, signed: SignedNote) -> Contradiction | None:
    """The conviction of a log that signed two roots of one size; an empty log has only one by definition."""
    if state and checkpoint.size == state.size and checkpoint.root != state.root:
        return Contradiction(state.note, encode_note(signed), conclusive=True)
    if checkpoint.size == 0 and checkpoint.root != EMPTY_ROOT:
        return Contradiction(b"", encode_note(signed), conclusive=True)
    return None


def _doubt(state: WitnessState | None, checkpoint: Checkpoint, signed: SignedNote) -> Contradiction | None:
    """What a proof that does not hold leaves open; between equal trees, and from the empty one, nothing."""
    if state and 0 < state.size < checkpoint.size:
        return Contradiction(state.note, encode_note(signed), conclusive=False)
    return None


def _verify_continues(state: WitnessState | None, checkpoint: Checkpoint, proof: tuple[bytes, ...]) -> None:
    if state and state.size:
        verify_consistency(state.size, checkpoint.size, state.root, checkpoint.root, proof)
    elif proof:
        raise AuditError("from the empty log there is nothing to prove", code="audit.proof")


def _malformed_request(detail: str) -> AuditError:
    return AuditError(detail, code="audit.request")


def _malformed_answer(detail: str) -> AuditError:
    return AuditError(detail, code="audit.answer")
