"""What the two ends of an exchange say, as plain values; `rpc.codec` alone knows their wire form.

Field meanings stand in docs/PROTOCOL.md. Checks of a single field (length, range, known word) happen here,
in `__post_init__`, so that no state machine ever sees a malformed message; checks that need the session's
state happen in `receiver` and `sender`.
"""

import re
from dataclasses import dataclass, field
from typing import Final

from symbolon.errors import RemoteProtocolError, StaleEpochError
from symbolon.exchange.limits import (
    KEY_RULES_BYTES,
    MAX_CHECKPOINT_CHARS,
    MAX_CHUNK_BYTES,
    MAX_DELTAS,
    MAX_ELEMENTS,
    MAX_ENTRIES,
    MAX_NAME_BYTES,
    MAX_RESULT_BYTES,
    MAX_TAG_BYTES,
    MIN_PADDED,
    MIN_TAG_BYTES,
    SIGNATURE_BYTES,
    SIZE_GROUP,
)

MATCH: Final = "match"
SIGNAL: Final = "signal"
"""The areas: sets whose labels are handles of suppliers, and sets whose labels are signals."""

MODES: Final = {MATCH: ("size", "intersection"), SIGNAL: ("lookup",)}
"""By area; a mode belongs to one area alone."""


def area_of(mode: str) -> str:
    """The area that a mode belongs to; '' of an unknown one."""
    return next((area for area, modes in MODES.items() if mode in modes), "")


SESSION_ID_BYTES = 16
MAX_EPOCH = 1 << 48
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]*")
_LABELLED = ("A", "B", "C")
_TIERS = {"size": ("A", "B", "AB"), "intersection": _LABELLED, "lookup": _LABELLED}


def _refuse(what: str) -> RemoteProtocolError:
    return RemoteProtocolError(f"malformed message: {what}", code="protocol.malformed")


def check_name(what: str, value: str) -> None:
    """Refuses a suite, coalition, area, mode or purpose that is empty, too long or not a plain word."""
    if len(value.encode()) > MAX_NAME_BYTES or not _NAME.fullmatch(value):
        raise _refuse(f"{what} is not a plain word of at most {MAX_NAME_BYTES} bytes")


def check_tiers(mode: str, tiers: tuple[str, ...]) -> None:
    """Refuses an unknown mode, no tiers, a tier asked twice, and tiers the mode does not have."""
    if mode not in _TIERS:
        raise _refuse("unknown mode")
    if not tiers or len(set(tiers)) != len(tiers) or not set(tiers) <= set(_TIERS[mode]):
        raise _refuse("tiers do not fit the mode")
    if mode == "size" and len(tiers) != 1:
        raise _refuse("size mode takes all tiers in one ask")


def _check_rules(key_rules: bytes) -> None:
    if len(key_rules) not in (0, KEY_RULES_BYTES):
        raise _refuse(f"key_rules is neither empty nor {KEY_RULES_BYTES} bytes")


@dataclass(frozen=True, slots=True)
class TierAsk:
    """One tier of a hello: how many elements follow (padding included) and what is held already."""

    tier: str
    elements: int
    have_delta: int = 0

    def __post_init__(self) -> None:
        if not MIN_PADDED <= self.elements <= MAX_ELEMENTS:
            raise _refuse(f"declared elements outside {MIN_PADDED}..{MAX_ELEMENTS}")
        if not 0 <= self.have_delta <= MAX_DELTAS:
            raise _refuse("have_delta out of range")


def _check_signature(signature: bytes) -> None:
    if len(signature) != SIGNATURE_BYTES:
        raise _refuse(f"a signature is not {SIGNATURE_BYTES} bytes")


@dataclass(frozen=True, slots=True)
class SignedRequest:
    """What makes a hello a request that the receiver has signed; see `audit.receipt`.

    Attributes:
        hour: whole hours since 1970, UTC, at the receiver.
        checkpoint: of the receiver's audit log, a signed note.
        signature: 64 bytes.
    """

    hour: int
    checkpoint: str
    signature: bytes

    def __post_init__(self) -> None:
        if not 0 <= self.hour <= MAX_EPOCH or len(self.checkpoint) > MAX_CHECKPOINT_CHARS:
            raise _refuse("a signed request is out of range")
        _check_signature(self.signature)


@dataclass(frozen=True, slots=True)
class Hello:
    """Opens an exchange.

    `epoch` 0: the receiver holds no state of the sender's epoch. `key_rules`: see `rules_agreement`.
    `request`: None until the receiver has signed it; no node answers a hello without.
    """

    session_id: bytes
    suite: str
    coalition: str
    area: str
    mode: str
    purpose: str
    epoch: int
    tiers: tuple[TierAsk, ...]
    group_size: int = 0
    key_rules: bytes = b""
    request: SignedRequest | None = None

    def __post_init__(self) -> None:
        if len(self.session_id) != SESSION_ID_BYTES:
            raise _refuse("session id is not 16 bytes")
        for what in ("suite", "coalition", "area", "mode", "purpose"):
            check_name(what, getattr(self, what))
        check_tiers(self.mode, tuple(ask.tier for ask in self.tiers))
        if self.area in MODES and self.mode not in MODES[self.area]:
            raise _refuse("the area has no such mode")
        if not 0 <= self.epoch <= MAX_EPOCH:
            raise _refuse("epoch out of range")
        if self.epoch == 0 and any(ask.have_delta for ask in self.tiers):
            raise _refuse("have_delta without an epoch")
        if self.mode == "size":
            if self.epoch or self.group_size != SIZE_GROUP[self.tiers[0].tier]:
                raise _refuse("size mode has no epoch and a fixed group size")
            if self.tiers[0].elements % self.group_size:
                raise _refuse("size mode takes whole groups")
        elif self.group_size:
            raise _refuse("group_size belongs to size mode")
        _check_rules(self.key_rules)


@dataclass(frozen=True, slots=True)
class Chunk:
    """A run of equally long items of one tier, from index `offset` on."""

    tier: str
    offset: int
    data: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if not 0 < len(self.data) <= MAX_CHUNK_BYTES:
            raise _refuse(f"chunk is empty or above {MAX_CHUNK_BYTES} bytes")
        if not 0 <= self.offset < MAX_ELEMENTS:
            raise _refuse("offset out of range")


@dataclass(frozen=True, slots=True)
class Elements(Chunk):
    """Receiver to sender: blinded elements, n × 32 bytes."""


@dataclass(frozen=True, slots=True)
class Evaluated(Chunk):
    """Sender to receiver: the evaluation of each element, in the order of the elements."""


@dataclass(frozen=True, slots=True)
class Withdrawn(Chunk):
    """Sender to receiver: tags of entries that no longer count, n × tag bytes."""


@dataclass(frozen=True, slots=True)
class Entries(Chunk):
    """Sender to receiver: entries of one delta, sorted by tag, n × entry bytes."""

    delta: int = 0

    def __post_init__(self) -> None:
        Chunk.__post_init__(self)
        if not 1 <= self.delta <= MAX_DELTAS:
            raise _refuse("delta number out of range")


@dataclass(frozen=True, slots=True)
class DeltaHeader:
    """Announces a delta: its number and how many entries it has, dummies included."""

    number: int
    entries: int

    def __post_init__(self) -> None:
        if not 1 <= self.number <= MAX_DELTAS:
            raise _refuse("delta number out of range")
        if not 1 <= self.entries <= MAX_ENTRIES:
            raise _refuse("delta size out of range")


@dataclass(frozen=True, slots=True)
class TierOffer:
    """What the sender will send for one tier, besides the evaluations."""

    tier: str
    tag_bytes: int
    deltas: tuple[DeltaHeader, ...]
    withdrawn: int = 0

    def __post_init__(self) -> None:
        if not MIN_TAG_BYTES <= self.tag_bytes <= MAX_TAG_BYTES:
            raise _refuse("tag length out of range")
        numbers = [header.number for header in self.deltas]
        if numbers != sorted(set(numbers)):
            raise _refuse("deltas are not in ascending order")
        if sum(header.entries for header in self.deltas) > MAX_ENTRIES:
            raise _refuse("more entries than a receiver holds")
        if not 0 <= self.withdrawn <= MAX_ENTRIES:
            raise _refuse("withdrawn count out of range")


@dataclass(frozen=True, slots=True)
class Accept:
    """The sender's answer to a hello: the epoch of its key, an offer for every tier asked, its key rules."""

    epoch: int
    tiers: tuple[TierOffer, ...]
    key_rules: bytes = b""

    def __post_init__(self) -> None:
        if not 0 <= self.epoch <= MAX_EPOCH:
            raise _refuse("epoch out of range")
        if not self.tiers or len({offer.tier for offer in self.tiers}) != len(self.tiers):
            raise _refuse("offers do not name distinct tiers")
        _check_rules(self.key_rules)


@dataclass(frozen=True, slots=True)
class Working:
    """The sender is at work and has nothing to send yet; `done` of `total` entries of a tier are made.

    Both count dummies and say nothing of how many entries are true ones; see `padding.padded_parts`.
    """

    tier: str
    done: int
    total: int

    def __post_init__(self) -> None:
        if not 0 <= self.done <= self.total <= MAX_ENTRIES:
            raise _refuse("more done than there is, or than a receiver holds")


@dataclass(frozen=True, slots=True)
class Finish:
    """The sender's last message.

    Attributes:
        result: what the session came to, see `audit.receipt`.
        signature: 64 bytes over it, by the sender.
    """

    result: bytes
    signature: bytes

    def __post_init__(self) -> None:
        if len(self.result) > MAX_RESULT_BYTES:
            raise _refuse("a result is too long")
        _check_signature(self.signature)


@dataclass(frozen=True, slots=True)
class Receipt:
    """The receiver's last message: its signature over the result, 64 bytes."""

    signature: bytes

    def __post_init__(self) -> None:
        _check_signature(self.signature)


@dataclass(frozen=True, slots=True)
class Failure:
    """Ends the exchange in error, from the calling end: a stable code and its fixed public message."""

    code: str
    message: str

    def error(self, who: str) -> RemoteProtocolError:
        """The error that it means at the other end; `who` names the peer's role."""
        detail = f"the {who} ended the session: {self.message}"
        if self.code == StaleEpochError.code:
            return StaleEpochError(detail, hint="Run the same command again.")
        return RemoteProtocolError(detail, code=f"peer.{self.code}")


@dataclass(frozen=True, slots=True)
class Invitation:
    """Asks the called node to be the receiver of one exchange."""

    mode: str
    purpose: str
    tiers: tuple[str, ...]

    def __post_init__(self) -> None:
        check_name("purpose", self.purpose)
        check_tiers(self.mode, self.tiers)


ReceiverMessage = Hello | Elements | Receipt | Failure
SenderMessage = Accept | Evaluated | Entries | Withdrawn | Working | Finish | Failure
