"""One member's set of signals, session by session: what a sender offers, plans and takes for sent.

The stores are real. Keys are not evaluated and nothing is sealed: an entry is its slot, a random tag and the
chunk in clear, so that a test sees what a receiver would have that has every key.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, Final

import numpy as np
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from chosen_signals import OWNER, PEER, PURPOSE, Deciding
from stored_signals import SEALER, Clock, new_signal, signal_store, signed
from symbolon.exchange.labels import SIGNAL_CHUNKS
from symbolon.exchange.sender_set import DeltaPlan, Released, plan_delta
from symbolon.policy.obligations import NOTHING, parse_obligations
from symbolon.rpc.sender_labels import Offered
from symbolon.rpc.sender_signals import SignalSource
from symbolon.signals.bundle import decode_bundle, group_chunks, signed_message
from symbolon.signals.released import ReleasedSignal
from symbolon.signals.revisions import recall, revise
from symbolon.signals.signal import Signal
from symbolon.signals.vocabulary import RecallReason
from symbolon.storage.audit_log import AuditLog
from symbolon.storage.disclosure_store import DisclosureStore
from symbolon.storage.exchange_sender_store import Epoch, SetState
from symbolon.suppliers.tier import Tier
from unit.exchange.harness import rng_of

_DAY_S: Final = 86400
_SUBJECT: Final = new_signal(0).signal.subject
TAG_BYTES: Final = 12


@dataclass
class Contributor(Deciding):
    """A node as far as it offers signals: its stores are real, its clock is set, its policy is a function."""

    database: Any = None
    clock: Clock = field(default_factory=Clock)
    ended: list[int] = field(default_factory=list)
    added: int = 0

    def __post_init__(self) -> None:
        self.signals = signal_store(self.database, self.clock)
        self.disclosures = DisclosureStore(self.database, SEALER)
        self.audit = AuditLog(self.database, SEALER, self.clock)
        self.signing_key = Ed25519PrivateKey.from_private_bytes(bytes(32))
        self.config = SimpleNamespace(
            exchange=SimpleNamespace(additions_interval_s=_DAY_S),
            node=SimpleNamespace(coalition="grove", member=OWNER),
        )

    @property
    def now(self) -> datetime:
        return datetime.fromtimestamp(self.clock(), UTC)

    @property
    def sending(self) -> "Contributor":
        return self

    def end_epoch(self, epoch: Epoch) -> None:
        self.ended.append(epoch.number)

    def add(self, count: int = 1, **changes: Any) -> None:
        """Signals of today; numbers go on from 1. They are about one subject, under its one certain key."""
        fields = {"issued": self.clock.today, "period": None, "subject": _SUBJECT, **changes}
        numbers = range(self.added + 1, self.added + 1 + count)
        self.signals.add_many([new_signal(each, **fields) for each in numbers])
        self.added += count

    def change(self, number: int, new: Signal) -> None:
        note: Any = "recalled" if new.recall_reason else "revised"
        if note == "recalled":
            self.signals.recall(new, signed(new))
        else:
            self.signals.add_revision(new, signed(new), note)

    def newest(self, number: int) -> Signal:
        ((_, signal),) = self.signals.newest([number])
        return signal

    def revise(self, number: int, **changes: Any) -> None:
        self.change(number, revise(self.newest(number), self.clock.today, **changes))

    def recall(self, number: int) -> None:
        self.change(number, recall(self.newest(number), self.clock.today, RecallReason.ERROR))


@dataclass
class OneSet:
    """The set of one tier as its receiver has it: everything that was ever sent in this epoch."""

    released: Released = field(default_factory=lambda: Released.nothing(TAG_BYTES))
    chunks: list[bytes] = field(default_factory=list)
    deltas: list[int] = field(default_factory=list)
    added_s: int | None = None
    withdrawn: bytes = b""

    def standing(self, owner: Contributor) -> dict[bytes, ReleasedSignal]:
        """What a receiver reads that has every key: by id the highest revision that is not withdrawn."""
        width = TAG_BYTES
        gone = {self.withdrawn[at : at + width] for at in range(0, len(self.withdrawn), width)}
        by_key: dict[int, list[tuple[int, bytes]]] = {}
        for at, chunk in enumerate(self.chunks):
            if self.released.tags[at * width : (at + 1) * width] not in gone:
                slot = int(self.released.slots[at])
                by_key.setdefault(int(self.released.key_ids[at]), []).append((slot, chunk))
        found: dict[bytes, ReleasedSignal] = {}

        def verify(header: bytes, signature: bytes) -> None:
            owner.signing_key.public_key().verify(signature, signed_message("grove", OWNER, header))

        for pairs in by_key.values():
            for label in group_chunks(chunk for _, chunk in sorted(pairs)):
                signal = decode_bundle(label, verify)
                if signal.signal_id not in found or found[signal.signal_id].revision < signal.revision:
                    found[signal.signal_id] = signal
        return found


def session(
    owner: Contributor, tiers: str = "A", peer: str = PEER, purpose: str = PURPOSE, bound: str = ""
) -> SignalSource:
    """What the sender makes once a lookup is permitted and debited."""
    hello = SimpleNamespace(purpose=purpose, session_id=b"s" * 16, mode="lookup")
    grant = SimpleNamespace(obligations=parse_obligations(bound) if bound else NOTHING)
    keys = owner.signals.keys(map(Tier, tiers))
    about = {"hello": hello, "grant": grant, "keys": keys, "epoch": Epoch(1, 1, b"", 0)}
    return SignalSource(SimpleNamespace(node=owner, peer=peer, **about))  # type: ignore[arg-type]


def planned(
    owner: Contributor, held: OneSet, source: SignalSource, tier: str = "A"
) -> tuple[Offered, DeltaPlan]:
    state = SetState(1, held.released, {}, len(held.deltas) + 1, held.added_s)
    offered = source.offered(tier, state)
    plan = plan_delta(
        offered.table,
        offered.live,
        held.released,
        additions=offered.additions,
        rng=rng_of(len(held.deltas)),
        slots_per_key=SIGNAL_CHUNKS.slots,
    )
    return offered, plan


def send(owner: Contributor, held: OneSet, **asked: Any) -> DeltaPlan:
    """Holds a session: what it planned is recorded, and is from then on what the receiver has."""
    source = session(owner, **asked)
    offered, plan = planned(owner, held, source)
    held.withdrawn = plan.withdrawn
    if not plan.entries:
        return plan
    labels = source.labels("A", plan)
    with owner.database.transaction("record") as connection:
        labels.record(connection)
    before, count = held.released, len(plan.key_index)
    tags = rng_of(("tags", len(held.deltas)))(count * TAG_BYTES)
    key_ids = offered.table.key_ids[plan.key_index]
    held.released = Released(
        TAG_BYTES,
        np.concatenate([before.key_ids, key_ids]),
        np.concatenate([before.suppliers, plan.suppliers]),
        np.concatenate([before.slots, plan.slots]),
        before.tags + tags,
        before.entries + plan.entries,
    )
    held.chunks += [row.tobytes() for row in labels.rows]
    held.deltas.append(plan.entries)
    if offered.batch:
        held.added_s = int(owner.clock())
    slots = list(zip(held.released.key_ids.tolist(), held.released.slots.tolist(), strict=True))
    assert len(slots) == len(set(slots))
    return plan


def revisions(owner: Contributor, held: OneSet) -> dict[int, int]:
    """Numbers and revisions of what stands, in the order of the numbers."""
    by_id = {each.signal.signal_id: each.number for each in owner.signals.list(include_expired=True)}
    found = {by_id[each]: signal.revision for each, signal in held.standing(owner).items()}
    return dict(sorted(found.items()))
