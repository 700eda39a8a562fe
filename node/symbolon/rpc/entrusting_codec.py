"""What a contributor and its delegate say to each other, both ways; all that comes in is bounded first.

Handles: form alone. A revision is brought to a power of two, an answer to one length: a relay sees lengths,
and its operator may be shown the same signal. Refuses, with `protocol.malformed`: documents, ids, days, words
and texts of another form. Specification: docs/PROTOCOL.md, Signal service.
"""

from dataclasses import dataclass, field
from typing import Final

from symbolon.api.signal.v1 import signal_pb2 as pb
from symbolon.errors import SignalError
from symbolon.rpc.signal_codec import malformed, read_day
from symbolon.signals.record_codec import MAX_RECORD_BYTES, decode_signal
from symbolon.signals.signal import (
    ID_BYTES,
    MAX_REPLY_BYTES,
    MAX_REVISION,
    MAX_STATEMENT_BYTES,
    Dispute,
    Reply,
    Signal,
)
from symbolon.signals.vocabulary import DisputeState, ShownAs, State
from symbolon.storage.entrusted_store import Taken

LEAST_DOCUMENT_BYTES: Final = 4_096
"""Of a revision with its padding; longer ones are brought to the next power of two."""

MAX_PADDING_BYTES: Final = 262_144
"""The longest document is brought to 524,288 bytes."""

SIDE_BYTES: Final = MAX_STATEMENT_BYTES + MAX_REPLY_BYTES
"""Statement, reply and padding together."""

MAX_DISCLOSED: Final = 100_000
"""More members than a coalition has, former ones included."""

SIGNATURE_BYTES: Final = 64


@dataclass(frozen=True, slots=True)
class Entrusting:
    """A contributor's revision on its way to a delegate.

    Attributes:
        theirs: the revision.
        document: as `record_codec` has it.
        signature: the contributor's over it, 64 bytes.
        shown_as: by what its contributor is to be named.
        reviewed: a person there has looked at what the screening finds.
    """

    theirs: Signal = field(repr=False)
    document: bytes = field(repr=False)
    signature: bytes = field(repr=False)
    shown_as: ShownAs
    reviewed: bool


@dataclass(frozen=True, slots=True)
class AtDelegate:
    """How it stands with a signal at its delegate.

    Attributes:
        taken: its id there, its newest revision there, and how it is shown.
        state: whether it stands there.
        revision: the contributor's newest that the delegate has.
        dispute, reply: the supplier's side, as the delegate shows it.
        disclosed: how many members were given it.
    """

    taken: Taken
    state: State
    revision: int
    dispute: Dispute
    reply: Reply | None
    disclosed: int


def encode_entrust(entrusting: Entrusting) -> pb.EntrustRequest:
    """A revision, as a message."""
    size = len(entrusting.document)
    class_bytes = max(LEAST_DOCUMENT_BYTES, 1 << (size - 1).bit_length())
    return pb.EntrustRequest(
        document=entrusting.document,
        signature=entrusting.signature,
        shown_as=entrusting.shown_as.value,
        reviewed=entrusting.reviewed,
        padding=bytes(class_bytes - size),
    )


def decode_entrust(message: pb.EntrustRequest) -> Entrusting:
    """What a contributor has published here.

    Raises:
        RemoteProtocolError: it has another shape.
    """
    if not 0 < len(message.document) <= MAX_RECORD_BYTES or len(message.padding) > MAX_PADDING_BYTES:
        raise malformed("a revision, or its padding, has another length")
    if len(message.signature) != SIGNATURE_BYTES:
        raise malformed("the signature of a revision has another length")
    shown_as = _shown_as(message.shown_as)
    try:
        theirs = decode_signal(message.document)
    except SignalError as error:
        # Not its words, which may hold what the caller sent.
        raise malformed(f"a revision cannot be read ({error.full_code})") from None
    return Entrusting(theirs, message.document, message.signature, shown_as, message.reviewed)


def encode_taken(taken: Taken) -> pb.EntrustResponse:
    """What a revision came to, as a message."""
    return pb.EntrustResponse(
        signal_id=taken.signal_id, revision=taken.revision, shown_as=taken.shown_as.value
    )


def decode_taken(message: pb.EntrustResponse) -> Taken:
    """What a revision came to at the delegate, as that says.

    Raises:
        RemoteProtocolError: it has another shape.
    """
    return _taken(message)


def decode_entrusted(message: pb.EntrustedRequest) -> bytes:
    """The id of the signal that a contributor asks about.

    Raises:
        RemoteProtocolError: it has another shape.
    """
    if len(message.signal_id) != ID_BYTES:
        raise malformed("the id of a signal has another length")
    return message.signal_id


def encode_at_delegate(found: AtDelegate) -> pb.EntrustedResponse:
    """How it stands with a signal, as a message."""
    dispute, reply = found.dispute, found.reply
    text = "" if reply is None else reply.text
    size = len(dispute.statement.encode()) + len(text.encode())
    return pb.EntrustedResponse(
        signal_id=found.taken.signal_id,
        revision=found.taken.revision,
        shown_as=found.taken.shown_as.value,
        state=found.state.value,
        taken=found.revision,
        dispute=dispute.state.value,
        dispute_since="" if dispute.since is None else dispute.since.isoformat(),
        statement=dispute.statement,
        reply=text,
        reply_received="" if reply is None else reply.received.isoformat(),
        disclosed=found.disclosed,
        padding=bytes(SIDE_BYTES - size),
    )


def decode_at_delegate(message: pb.EntrustedResponse) -> AtDelegate:
    """How it stands with a signal at the delegate, as that says.

    Raises:
        RemoteProtocolError: it has another shape.
    """
    if len(message.padding) > SIDE_BYTES or message.disclosed > MAX_DISCLOSED:
        raise malformed("a number is out of range, or there is too much padding")
    if message.state not in list(State) or message.dispute not in list(DisputeState):
        raise malformed("a word is in no vocabulary")
    if not 1 <= message.taken <= MAX_REVISION:
        raise malformed("there is no such revision")
    since = read_day(message.dispute_since) if message.dispute_since else None
    try:
        dispute = Dispute(DisputeState(message.dispute), since, message.statement)
        reply = Reply(message.reply, read_day(message.reply_received)) if message.reply else None
    except SignalError as error:
        raise malformed(f"the supplier's side cannot be read ({error.full_code})") from None
    return AtDelegate(_taken(message), State(message.state), message.taken, dispute, reply, message.disclosed)


def _taken(message: pb.EntrustResponse | pb.EntrustedResponse) -> Taken:
    if bool(message.revision) != bool(message.signal_id):
        raise malformed("a revision without an id, or an id without one")
    if message.signal_id and len(message.signal_id) != ID_BYTES:
        raise malformed("the id of a signal has another length")
    if message.revision > MAX_REVISION:
        raise malformed("there is no such revision")
    return Taken(message.signal_id, message.revision, _shown_as(message.shown_as))


def _shown_as(word: str) -> ShownAs:
    if word not in list(ShownAs):
        raise malformed("a signal names its publisher, or a kind of member")
    return ShownAs(word)
