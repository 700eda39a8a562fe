"""The label of a signal: chunks of 128 bytes, the first a fixed header that its publisher has signed.

Handles: encoding and reading what leaves of a signal. The header holds everything of a fixed length, a digest
of the rest, and the signature; a reply, a contest and a native grade follow in as many further chunks as they
need. Refuses, with `SignalError` (`signal.label`): bytes that no encoder writes, a digest that does not hold,
chunks that are missing, too many or out of order; and, with `signal.value`, what a `ReleasedSignal` refuses.
The signature does not say under which match key a label stands: the exchange binds each entry to its key, so
a label proves to its receiver what was said about whom, and to nobody else about whom.

Header, numbers big-endian: 1 format (1), 1 chunks in all, 16 signal id, 2 revision, 2 indicators (bit i: the
i-th of the vocabulary), 2 severity and likelihood (four bits each: scale, scope, irremediability,
likelihood), 1 confidence (255: not stated), 1 reliability and evidence (four bits each), 3 first and last
month (twelve bits each, months since 1900; 4095: none), 1 TLP (3 bits), state (2), kind of subject (3),
1 dispute and reason of recall (four bits each), 1 flags (1 urgent, 2 narrative, 4 reply, 8 no onward,
16 native), 2 withheld fields (bit i: the i-th of `WITHHOLDABLE`), 2 issued, 2 expires, 2 review (days since
2020-01-01), 2 days to retain (0: no such term), 1 contributors, 1 shown as, 20 first bytes of the SHA-256 of
the attachments (0 where there are none), 64 signature. Further chunks: 1 format (2), 1 number from 1, 126
bytes of the attachments, zeros behind their end. The attachments are JSON in UTF-8, keys in order, no white
space.

Specification: docs/PROTOCOL.md, Signals.
"""

import json
import struct
from collections.abc import Callable, Iterable, Sequence
from datetime import date, timedelta
from functools import lru_cache
from hashlib import sha256
from typing import Any, Final, TypeVar

from symbolon.errors import PolicyError, SignalError
from symbolon.policy.canonical_json import read_object, read_text
from symbolon.signals.released import WITHHOLDABLE, ReleasedSignal
from symbolon.signals.signal import (
    FIRST_DAY,
    ID_BYTES,
    NO_DISPUTE,
    Dispute,
    Month,
    Native,
    Period,
    Reply,
    Severity,
)
from symbolon.signals.vocabulary import (
    DisputeState,
    Evidence,
    Indicator,
    Level,
    RecallReason,
    Reliability,
    ShownAs,
    State,
    SubjectKind,
    Tlp,
)

CHUNK_BYTES: Final = 128
"""Length of every chunk."""

HEADER_FORMAT: Final = 1
FURTHER_FORMAT: Final = 2
"""The first byte of a label's first chunk, and of those that follow it."""

HEADER_BYTES: Final = 64
"""What is signed."""

SIGNATURE_BYTES: Final = 64
"""Of Ed25519."""

DIGEST_BYTES: Final = 20
"""What of the attachments' digest is kept: finding two of one digest takes a contributor 2^80 work."""

MAX_CHUNKS: Final = 64
"""A header and sixty-three chunks: a reply, a statement and a grade of full length take that in the worst
case, where JSON writes each of their characters as two."""

_HEADER: Final = struct.Struct(f">BB{ID_BYTES}sHHHBB3sBBBHHHHHBB{DIGEST_BYTES}s")
"""The fields in the order of the head of this file."""

_PAYLOAD_BYTES: Final = CHUNK_BYTES - 2
_NO_MONTH: Final = 0xFFF
_NO_CONFIDENCE: Final = 255
_URGENT, _NARRATIVE, _REPLY, _NO_ONWARD, _NATIVE = 1, 2, 4, 8, 16
_FLAGS: Final = _URGENT | _NARRATIVE | _REPLY | _NO_ONWARD | _NATIVE
_CONTEXT: Final = b"symbolon-signal-label-1"

_WORDS: Final[dict[Any, list[Any]]] = {
    words: list(words)
    for words in (DisputeState, Evidence, RecallReason, Reliability, ShownAs, State, SubjectKind, Tlp)
}
"""By their numbers."""

_T = TypeVar("_T")


def signed_message(coalition: str, publisher: str, header: bytes) -> bytes:
    """What the signature of a label is over.

    Args:
        coalition: its id.
        publisher: member id of who signs.
        header: 64 bytes.
    """
    names = b"".join(len(each.encode()).to_bytes(2) + each.encode() for each in (coalition, publisher))
    return _CONTEXT + b"\0" + names + header


def encode_bundle(signal: ReleasedSignal, sign: Callable[[bytes], bytes]) -> tuple[bytes, ...]:
    """The chunks of a signal.

    Args:
        signal: as it leaves.
        sign: gives the signature, 64 bytes, over a header; see `signed_message`.

    Raises:
        SignalError: `signal.label`, its texts take more than `MAX_CHUNKS`.
    """
    attached = _attachments(signal)
    pieces = _pieces(attached)
    _require_fits(1 + len(pieces))
    header = _header(signal, 1 + len(pieces), attached)
    further = (
        bytes((FURTHER_FORMAT, number)) + piece.ljust(_PAYLOAD_BYTES, b"\0")
        for number, piece in enumerate(pieces, 1)
    )
    return (header + sign(header), *further)


def chunks_needed(signal: ReleasedSignal) -> int:
    """How many chunks `encode_bundle` would make.

    Raises:
        SignalError: `signal.label`, more than there may be.
    """
    count = 1 + len(_pieces(_attachments(signal)))
    _require_fits(count)
    return count


def _require_fits(chunks: int) -> None:
    if chunks > MAX_CHUNKS:
        raise _refuse("its reply, statement and grade are too long together")


def chunk_count(header: bytes) -> int:
    """How many chunks the signal of a first chunk has, as that says.

    Args:
        header: the first chunk, or the header in it.
    """
    return header[1]


def group_chunks(labels: Iterable[bytes]) -> list[tuple[bytes, ...]]:
    """Puts labels found under one key together again.

    Args:
        labels: in the order of their slots; others than of 128 bytes are left out.

    Returns:
        The chunks of each signal that is whole. What belongs to no header, or lacks a chunk, is left out: the
        rest of a signal that was withdrawn, or something spoilt.
    """
    groups: list[list[bytes]] = []
    for label in labels:
        if len(label) != CHUNK_BYTES:
            continue
        if label[0] == HEADER_FORMAT:
            groups.append([label])
        elif groups and _belongs(label, groups[-1]):
            groups[-1].append(label)
    return [tuple(each) for each in groups if len(each) == chunk_count(each[0])]


def _belongs(label: bytes, group: list[bytes]) -> bool:
    """Whether it is the next chunk of a signal that is not whole yet."""
    return len(group) < chunk_count(group[0]) and label[:2] == bytes((FURTHER_FORMAT, len(group)))


def label_id(label: bytes) -> bytes:
    """The id that a label in one piece, or its first chunk, names, whether that is true or not."""
    return label[2 : 2 + ID_BYTES]


def split_chunks(joined: bytes) -> tuple[bytes, ...]:
    """The chunks of a label that is in one piece."""
    return tuple(joined[at : at + CHUNK_BYTES] for at in range(0, len(joined), CHUNK_BYTES))


def decode_bundle(chunks: Sequence[bytes], verify: Callable[[bytes, bytes], None]) -> ReleasedSignal:
    """Reads the chunks of one signal.

    Args:
        chunks: from `group_chunks`, or from anywhere.
        verify: told header and signature; raises where it does not hold.

    Raises:
        SignalError: `signal.label`, `signal.value`; or what `verify` raises.
    """
    if not is_whole(chunks):
        raise _refuse("it does not have whole chunks, or its first one is no header")
    verify(*signed_part(chunks))
    return read_bundle(chunks)


def is_whole(chunks: Sequence[bytes]) -> bool:
    """Whether these are as many whole chunks as the first one says; what is not has no signature either."""
    if not 1 <= len(chunks) <= MAX_CHUNKS or any(len(each) != CHUNK_BYTES for each in chunks):
        return False
    return chunks[0][0] == HEADER_FORMAT and chunk_count(chunks[0]) == len(chunks)


def signed_part(chunks: Sequence[bytes]) -> tuple[bytes, bytes]:
    """Header and signature of whole chunks."""
    return chunks[0][:HEADER_BYTES], chunks[0][HEADER_BYTES:]


def read_bundle(chunks: Sequence[bytes]) -> ReleasedSignal:
    """Reads the chunks of a signal whose signature is known to hold.

    Raises:
        SignalError: `signal.label`, `signal.value`.
    """
    if not is_whole(chunks):
        raise _refuse("it does not have whole chunks, or its first one is no header")
    header = chunks[0][:HEADER_BYTES]
    for number, chunk in enumerate(chunks[1:], 1):
        if chunk[:2] != bytes((FURTHER_FORMAT, number)):
            raise _refuse("its chunks are out of order")
    attached = b"".join(chunk[2:] for chunk in chunks[1:]).rstrip(b"\0")
    try:
        signal = _read(header, attached)
    except (PolicyError, ValueError, OverflowError, RecursionError) as error:
        raise _refuse("a field of it cannot be read") from error
    again = _attachments(signal)
    if (
        again != attached
        or len(chunks) != 1 + len(_pieces(again))
        or _header(signal, len(chunks), again) != header
    ):
        raise _refuse("it is not as an encoder writes it")
    return signal


def _pieces(attached: bytes) -> list[bytes]:
    return [attached[at : at + _PAYLOAD_BYTES] for at in range(0, len(attached), _PAYLOAD_BYTES)]


def _attachments(signal: ReleasedSignal) -> bytes:
    found: dict[str, object] = {}
    if signal.dispute != NO_DISPUTE:
        since = signal.dispute.since
        found["dispute"] = {
            "since": since.isoformat() if since else "",
            "statement": signal.dispute.statement,
        }
    if signal.native is not None:
        found["native"] = {"grade": signal.native.grade, "scheme": signal.native.scheme}
    if signal.reply is not None:
        found["reply"] = {"received": signal.reply.received.isoformat(), "text": signal.reply.text}
    if not found:
        return b""
    return json.dumps(found, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def _header(signal: ReleasedSignal, chunks: int, attached: bytes) -> bytes:
    severity = signal.severity
    flags = (
        _URGENT * signal.urgent
        | _NARRATIVE * signal.has_narrative
        | _REPLY * (signal.reply is not None)
        | _NO_ONWARD * signal.no_onward
        | _NATIVE * (signal.native is not None)
    )
    first = signal.period.first.number if signal.period else _NO_MONTH
    last = signal.period.last.number if signal.period else _NO_MONTH
    indicators = sum(1 << each.bit for each in signal.indicators)
    levels = severity.scale << 12 | severity.scope << 8 | severity.irremediability << 4 | signal.likelihood
    reliability, evidence = _number(signal.reliability), _number(signal.evidence)
    withheld = sum(1 << bit for bit, name in enumerate(WITHHOLDABLE) if name in signal.withheld)
    return _HEADER.pack(
        HEADER_FORMAT,
        chunks,
        signal.signal_id,
        signal.revision,
        indicators,
        levels,
        _NO_CONFIDENCE if signal.confidence is None else signal.confidence,
        reliability << 4 | evidence,
        (first << 12 | last).to_bytes(3),
        signal.tlp.number << 5 | signal.state.number << 3 | _number(signal.subject_kind),
        signal.dispute.state.number << 4 | _number(signal.recall_reason),
        flags,
        withheld,
        *(_days(day) for day in (signal.issued, signal.expires, signal.review)),
        signal.retain_days or 0,
        signal.contributors,
        signal.shown_as.number,
        sha256(attached).digest()[:DIGEST_BYTES] if attached else bytes(DIGEST_BYTES),
    )


def _read(header: bytes, attached: bytes) -> ReleasedSignal:
    _, _, signal_id, revision, *words = _HEADER.unpack(header)
    indicators, levels, confidence, graded, months, marks, ends, flags, withheld = words[:9]
    issued, expires, review, retain, contributors, shown_as, _ = words[9:]
    if flags & ~_FLAGS or withheld >> len(WITHHOLDABLE) or not contributors or not revision:
        raise _refuse("a field of it is out of range")
    fields = _read_attachments(attached)
    if (fields.get("reply") is not None) != bool(flags & _REPLY) or (
        fields.get("native") is not None
    ) != bool(flags & _NATIVE):
        raise _refuse("its flags and its attachments differ")
    first, last = divmod(int.from_bytes(months), _NO_MONTH + 1)
    dispute_state = _numbered(_WORDS[DisputeState], ends >> 4)
    contest = fields.get("dispute")
    if (contest is None) != (dispute_state is DisputeState.NONE):
        raise _refuse("its dispute is told half")
    return ReleasedSignal(
        signal_id=signal_id,
        revision=revision,
        state=_numbered(_WORDS[State], (marks >> 3 & 3) - 1),
        issued=_day(issued),
        expires=_day(expires),
        review=_day(review),
        tlp=_numbered(_WORDS[Tlp], (marks >> 5) - 1),
        subject_kind=_optional(_WORDS[SubjectKind], marks & 7),
        indicators=_indicators(indicators),
        severity=_severity(levels >> 4),
        likelihood=Level(levels & 15),
        confidence=None if confidence == _NO_CONFIDENCE else _up_to_hundred(confidence),
        reliability=_optional(_WORDS[Reliability], graded >> 4),
        evidence=_optional(_WORDS[Evidence], graded & 15),
        native=fields.get("native"),
        period=None
        if (first, last) == (_NO_MONTH, _NO_MONTH)
        else Period(*map(Month.numbered, (first, last))),
        has_narrative=bool(flags & _NARRATIVE),
        urgent=bool(flags & _URGENT),
        dispute=NO_DISPUTE if contest is None else Dispute(dispute_state, *contest),
        reply=fields.get("reply"),
        recall_reason=_optional(_WORDS[RecallReason], ends & 15),
        withheld=_withheld(withheld),
        no_onward=bool(flags & _NO_ONWARD),
        retain_days=retain or None,
        contributors=contributors,
        shown_as=_numbered(_WORDS[ShownAs], shown_as),
    )


def _read_attachments(attached: bytes) -> dict[str, Any]:
    if not attached:
        return {}
    content = json.loads(attached)
    if not isinstance(content, dict) or not content or not content.keys() <= {"dispute", "native", "reply"}:
        raise _refuse("its attachments have an unknown field")
    found: dict[str, Any] = {}
    if "dispute" in content:
        fields = read_object(content["dispute"], frozenset({"since", "statement"}))
        found["dispute"] = (date.fromisoformat(read_text(fields["since"])), read_text(fields["statement"]))
    if "native" in content:
        fields = read_object(content["native"], frozenset({"grade", "scheme"}))
        found["native"] = Native(read_text(fields["scheme"]), read_text(fields["grade"]))
    if "reply" in content:
        fields = read_object(content["reply"], frozenset({"received", "text"}))
        found["reply"] = Reply(read_text(fields["text"]), date.fromisoformat(read_text(fields["received"])))
    return found


# Many labels are alike in these; what is kept of them cannot change.
@lru_cache(4096)
def _indicators(bits: int) -> frozenset[Indicator]:
    return frozenset(each for each in Indicator if bits >> each.bit & 1)


@lru_cache(1024)
def _severity(levels: int) -> Severity:
    return Severity(Level(levels >> 8), Level(levels >> 4 & 15), Level(levels & 15))


@lru_cache(1024)
def _withheld(bits: int) -> frozenset[str]:
    return frozenset(name for bit, name in enumerate(WITHHOLDABLE) if bits >> bit & 1)


def _number(word: Any) -> int:
    return 0 if word is None else int(word.number)


def _numbered(words: list[_T], position: int) -> _T:
    if not 0 <= position < len(words):
        raise _refuse("a word of it is not in the vocabulary")
    return words[position]


def _optional(words: list[_T], number: int) -> _T | None:
    return None if number == 0 else _numbered(words, number - 1)


def _up_to_hundred(confidence: int) -> int:
    if confidence > 100:
        raise _refuse("a confidence above 100")
    return confidence


def _days(day: date) -> int:
    return (day - FIRST_DAY).days


def _day(days: int) -> date:
    return FIRST_DAY + timedelta(days=days)


def _refuse(what: str) -> SignalError:
    return SignalError(f"a label cannot be read: {what}", code="signal.label")
