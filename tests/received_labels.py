"""Labels of signals as a peer releases them, and how a test finds them under own keys."""

from collections.abc import Collection, Iterable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import numpy as np
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from signal_makers import make_signal
from symbolon.errors import SignalError
from symbolon.policy.obligations import NOTHING, parse_obligations
from symbolon.signals.bundle import encode_bundle, signed_message
from symbolon.signals.found_labels import FoundLabels
from symbolon.signals.intake import Found, HeldSignal, HeldState, Intake, claimed_id, take_in
from symbolon.signals.released import ReleasedSignal, release
from symbolon.signals.signal import Signal
from symbolon.storage.received_signal_store import ReceivedSignalStore
from symbolon.storage.received_signal_view import Publisher
from symbolon.suppliers.tier import Tier

COALITION = "grove"
PURPOSE = "due-diligence"
Chunks = tuple[bytes, ...]


def signal_id(number: int) -> bytes:
    """An id that is known again in a failure."""
    return number.to_bytes(2) * 8


def some_signal(number: int = 0, **changes: Any) -> Signal:
    """A signal with an id of its own."""
    return make_signal(signal_id=signal_id(number), **changes)


@dataclass
class Contributor:
    """A member that publishes signals: its name and its key."""

    name: str = "ngo"
    seed: int = 1
    key: Ed25519PrivateKey = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self.key = Ed25519PrivateKey.from_private_bytes(bytes([self.seed]) * 32)

    @property
    def key_id(self) -> bytes:
        """Its public key."""
        return self.key.public_key().public_bytes_raw()

    def sign(self, header: bytes) -> bytes:
        """Its signature of a label's header."""
        return self.key.sign(signed_message(COALITION, self.name, header))

    def label(self, signal: Signal, obligations: str = "", contributors: int = 1) -> Chunks:
        """What it releases of a signal under some obligations."""
        bound = parse_obligations(obligations) if obligations else NOTHING
        return self.encode(release(signal, bound, contributors=contributors))

    def encode(self, released: ReleasedSignal) -> Chunks:
        """The label of a form."""
        return encode_bundle(released, self.sign)

    def verify(self, header: bytes, signature: bytes) -> None:
        """Checks its signature."""
        try:
            self.key.public_key().verify(signature, signed_message(COALITION, self.name, header))
        except InvalidSignature:
            raise SignalError("not signed", code="signal.signature") from None

    @property
    def publisher(self) -> Publisher:
        """How its labels are checked."""
        return Publisher(self.key_id, self.verify)


def alone(peer: str) -> AbstractContextManager[None]:
    """What the one exchange that asks a peer holds: nobody else is there."""
    return nullcontext()


def trusting(*contributors: Contributor) -> Any:
    """The publishers of a coalition of these members."""
    known = {each.name: each.publisher for each in contributors}
    return known.get


def found(
    chunks: Chunks, *suppliers: int, tier: str = "A", scheme: str = "lei.1", key_id: int | None = None
) -> Found:
    """A label under one own key of some suppliers."""
    numbers = suppliers or (1,)
    return Found(chunks, numbers, tier, scheme, 1000 + numbers[0] if key_id is None else key_id)


def in_columns(tier: Tier, found: Iterable[Found]) -> FoundLabels:
    """Labels found one by one, as a lookup holds them; those without a supplier are left out."""
    some = [each for each in found if each.suppliers]
    names = sorted({each.scheme for each in some})
    ends = np.cumsum([len(each.suppliers) for each in some], dtype=np.int64)
    return FoundLabels(
        tier,
        [b"".join(each.chunks) for each in some],
        [claimed_id(each.chunks) for each in some],
        np.array([each.key_id for each in some], np.uint64),
        np.array([names.index(each.scheme) for each in some], np.uint8),
        names,
        np.append(np.zeros(min(len(some), 1), np.int64), ends[:-1]),
        ends,
        np.array([number for each in some for number in each.suppliers], np.uint64),
    )


def judged(
    store: ReceivedSignalStore,
    labels: Collection[Found],
    today: date,
    *,
    who: Contributor,
    purpose: str = PURPOSE,
    tiers: str = "ABC",
) -> Intake:
    """What a lookup judges of labels, by what the store holds."""
    about = who.name, purpose
    columns = [in_columns(Tier(tier), (each for each in labels if each.tier == tier)) for tier in tiers]
    same = store.same(*about, columns)
    some = [each for each in labels if claimed_id(each.chunks) not in same]
    held = store.held(*about, tiers, some, same)
    remembered = store.remembered(who.name)
    return take_in(some, held, verify=who.verify, today=today, same=same, remembered=remembered)


def held_after(
    intake: Intake, before: dict[bytes, HeldSignal] | None = None, *, age_s: int = 0
) -> dict[bytes, HeldSignal]:
    """What is held once an intake was stored, by the rules of the store in short: for one purpose."""
    held = dict(before or {})
    for each, taken in intake.taken.items():
        expires = taken.signal.expires
        if each in held:
            expires = max(expires, held[each].expires)
        about = taken.signal.revision, HeldState.ACTIVE, expires, age_s
        held[each] = HeldSignal(*about, shown=True, here=True, chunks=taken.chunks)
    for each in intake.vanished:
        old = held[each]
        held[each] = HeldSignal(old.revision, HeldState.GONE, old.expires, old.age_s)
    for each, recall in intake.recalls.items():
        held[each] = HeldSignal(recall.revision, HeldState.RECALLED, recall.until, age_s)
    return held


def flipped(chunks: Chunks, at: int) -> Chunks:
    """A label with one bit of its bytes turned over."""
    joined = bytearray(b"".join(chunks))
    joined[at % len(joined)] ^= 1
    return tuple(bytes(joined[start : start + 128]) for start in range(0, len(joined), 128))


def everything(intake: Intake) -> tuple[Any, ...]:
    """An intake in a form that compares."""
    return (
        dict(intake.taken),
        dict(intake.recalls),
        dict(intake.stands),
        intake.kept,
        intake.vanished,
        intake.over,
        dict(intake.refused),
    )


def shown(signals: Iterable[Signal]) -> dict[bytes, int]:
    """Ids and revisions."""
    return {each.signal_id: each.revision for each in signals}
