"""What members say about signals on the wire, both ways; everything that comes in is bounded first.

Handles: form alone, and what the publisher of a narrative signs. Messages that carry a text are filled up to
a few lengths: a relay sees lengths, and its operator may have been shown the same signal. Refuses, with
`protocol.malformed`: ids, purposes, days and texts of another form. Specification: docs/PROTOCOL.md, Signal
service.
"""

import re
from dataclasses import dataclass, field
from datetime import date
from hashlib import sha256
from typing import Any, Final

from symbolon.api.signal.v1 import signal_pb2 as pb
from symbolon.errors import RemoteProtocolError
from symbolon.signals.free_text import is_plain
from symbolon.signals.signal import (
    ID_BYTES,
    MAX_NARRATIVE_CHARS,
    MAX_REPLY_BYTES,
    MAX_REVISION,
)
from symbolon.storage.signal_response_columns import Relayed, ResponseKind, ResponseState
from symbolon.storage.signal_response_store import MAX_REASON_BYTES, Standing

MAX_RELAYED_BYTES: Final = MAX_REPLY_BYTES
"""Of a text that is relayed: a longer reply could not be published, and of a contest two sentences are."""

MAX_NARRATIVE_BYTES: Final = 4 * MAX_NARRATIVE_CHARS
"""Of a narrative in UTF-8."""

LEAST_NARRATIVE_BYTES: Final = 4_096
"""Of a narrative with its padding; longer ones are brought to the next power of two."""

MAX_PADDING_BYTES: Final = 131_072
"""The longest narrative is brought to that."""

SIGNATURE_BYTES: Final = 64

LEAST_COUNT: Final = 3
"""The least number of signals that is told as such: a lower one would speak of single signals. A number that
was told changes by as many at least."""

_CONTEXT: Final = b"symbolon-signal-narrative-1"
_PURPOSE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]{0,63}")
_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


@dataclass(frozen=True, slots=True)
class About:
    """What every question is about.

    Attributes:
        signal_id: 16 bytes.
        purpose: of the lookup that brought it.
    """

    signal_id: bytes
    purpose: str


@dataclass(frozen=True, slots=True)
class Narrative:
    """A narrative as it travels.

    Attributes:
        text: plain.
        revision: of the signal that it belongs to.
        signature: the publisher's, 64 bytes, over `narrative_message`.
    """

    text: str = field(repr=False)
    revision: int
    signature: bytes


def narrative_message(coalition: str, publisher: str, signal_id: bytes, revision: int, text: str) -> bytes:
    """What the publisher of a narrative signs."""
    named = (each.encode() for each in (coalition, publisher))
    return b"".join(
        (
            _CONTEXT + b"\0",
            *(len(each).to_bytes(2) + each for each in named),
            signal_id,
            revision.to_bytes(2),
            sha256(text.encode()).digest(),
        )
    )


# -------------------------------------------------------------------------------------------- questions


def decode_purpose(message: pb.WatchRequest | pb.CountRequest) -> str:
    """For what a caller watches, or counts.

    Raises:
        RemoteProtocolError: it has another shape.
    """
    return _purpose(message.purpose)


def decode_about(message: Any) -> About:
    """What a question is about.

    Raises:
        RemoteProtocolError: it has another shape.
    """
    if len(message.signal_id) != ID_BYTES:
        raise malformed("the id of a signal has another length")
    return About(message.signal_id, _purpose(message.purpose))


def encode_get_narrative(about: About, revision: int) -> pb.GetNarrativeRequest:
    """A question for a narrative, as a message."""
    return pb.GetNarrativeRequest(signal_id=about.signal_id, purpose=about.purpose, revision=revision)


def decode_get_narrative(message: pb.GetNarrativeRequest) -> tuple[About, int]:
    """Which narrative a caller asks for, and of which revision.

    Raises:
        RemoteProtocolError: it has another shape.
    """
    if not 1 <= message.revision <= MAX_REVISION:
        raise malformed("there is no such revision")
    return decode_about(message), message.revision


def encode_contest(about: About, relayed: Relayed) -> pb.ContestRequest:
    """What a supplier said, as a message."""
    text = relayed.text.encode()
    return pb.ContestRequest(
        signal_id=about.signal_id,
        purpose=about.purpose,
        kind=relayed.kind.value,
        text=relayed.text,
        relayed_on=relayed.on.isoformat(),
        padding=bytes(MAX_RELAYED_BYTES - len(text)),
    )


def decode_contest(message: pb.ContestRequest) -> tuple[About, Relayed]:
    """What a caller relays.

    Raises:
        RemoteProtocolError: it has another shape.
    """
    about = decode_about(message)
    if len(message.padding) > MAX_RELAYED_BYTES:
        raise malformed("a text has too much padding")
    if message.kind not in list(ResponseKind):
        raise malformed("what is relayed is neither a contest nor a reply")
    text = message.text
    if not text.strip() or len(text.encode()) > MAX_RELAYED_BYTES or not is_plain(text):
        raise malformed(f"what is relayed is no plain text of at most {MAX_RELAYED_BYTES} bytes")
    return about, Relayed(ResponseKind(message.kind), text, read_day(message.relayed_on), about.purpose)


# ---------------------------------------------------------------------------------------------- answers


def encode_narrative(narrative: Narrative) -> pb.GetNarrativeResponse:
    """A narrative, as a message."""
    size = len(narrative.text.encode())
    class_bytes = max(LEAST_NARRATIVE_BYTES, 1 << (size - 1).bit_length())
    return pb.GetNarrativeResponse(
        narrative=narrative.text,
        revision=narrative.revision,
        signature=narrative.signature,
        padding=bytes(class_bytes - size),
    )


def decode_narrative(message: pb.GetNarrativeResponse, revision: int) -> Narrative:
    """What the publisher answers to a question for a narrative.

    Args:
        message: the answer.
        revision: that was asked for.

    Raises:
        RemoteProtocolError: it has another shape, or is of another revision.
    """
    text = message.narrative
    if not text.strip() or len(text) > MAX_NARRATIVE_CHARS or not is_plain(text):
        raise malformed("what came is no narrative")
    if len(message.padding) > MAX_PADDING_BYTES or len(message.signature) != SIGNATURE_BYTES:
        raise malformed("the signature of a narrative, or its padding, has another length")
    if message.revision != revision:
        raise malformed("the narrative is of another revision than was asked for")
    return Narrative(text, revision, message.signature)


def encode_count(count: int) -> pb.CountResponse:
    """A number of signals, as a message; those below `LEAST_COUNT` are told alike."""
    return pb.CountResponse(signals=max(count, LEAST_COUNT - 1))


def decode_count(message: pb.CountResponse) -> int:
    """How many signals a publisher lets this member count, as it says; 0: fewer than `LEAST_COUNT`.

    Raises:
        RemoteProtocolError: it tells a number that is never told.
    """
    if message.signals < LEAST_COUNT - 1:
        raise malformed(f"a number of signals below {LEAST_COUNT} was told")
    return message.signals if message.signals >= LEAST_COUNT else 0


def encode_standing(standing: Standing) -> pb.ContestResponse:
    """How it stands with a text, as a message."""
    return pb.ContestResponse(state=standing.state.value, reason=standing.reason)


def decode_standing(message: pb.ContestResponse) -> Standing:
    """How it stands with a text at the publisher, as that says.

    Raises:
        RemoteProtocolError: it has another shape.
    """
    if message.state not in list(ResponseState):
        raise malformed("the answer to what a supplier says has another shape")
    if len(message.reason.encode()) > MAX_REASON_BYTES:
        raise malformed("the reason of a refusal is too long")
    return Standing(ResponseState(message.state), message.reason)


def _purpose(word: str) -> str:
    if not _PURPOSE.fullmatch(word):
        raise malformed("a purpose is one plain word")
    return word


def read_day(text: str) -> date:
    """A day as messages write it.

    Raises:
        RemoteProtocolError: it is none.
    """
    try:
        if not _DAY.fullmatch(text):
            raise ValueError
        return date.fromisoformat(text)
    except ValueError:
        raise malformed("a day is written as 2026-12-31") from None


def malformed(detail: str) -> RemoteProtocolError:
    """What is said of a message of another form."""
    return RemoteProtocolError(detail, code="protocol.malformed")
