"""Answering with labels: the set of one peer is brought up to date, and what is new of it is sent.

Handles: both areas alike; where the labels come from is for a `LabelSource`. A delta is recorded before its
first entry leaves. While it is being made the receiver is told so: entries leave sorted, so the first waits
for the last.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from symbolon.exchange.key_table import KeyTable
from symbolon.exchange.labels import LabelKind
from symbolon.exchange.messages import DeltaHeader, TierOffer
from symbolon.exchange.padding import padded_count
from symbolon.exchange.sender import Sender
from symbolon.exchange.sender_set import Delta, DeltaPlan, LiveKeys, build_delta, plan_delta
from symbolon.rpc.concurrent import to_the_end, together
from symbolon.rpc.sender_session import Ending, SenderSession, evaluate_all, sign_off
from symbolon.rpc.set_making import Made, in_parts, while_working
from symbolon.storage.database import Transaction
from symbolon.storage.exchange_sender_store import SetState


@dataclass(frozen=True, slots=True)
class Offered:
    """What of the own set a peer may have of one tier in this session.

    Attributes:
        table: the keys, and by what they are linked to: whatever has a label of its own.
        live: the keys and links that take part.
        additions: whether a delta is made.
        batch: whether it is the one that is due, and not of what is told at once alone.
        full: labels left out until the next epoch since the slots under their keys are used up.
        waiting: labels left out until the next batch.
    """

    table: KeyTable
    live: LiveKeys
    additions: bool
    batch: bool
    full: int = 0
    waiting: int = 0


@dataclass(frozen=True, slots=True)
class Labels:
    """Labels of planned entries, and what has to be written down with their delta.

    Attributes:
        rows: uint8 `[n, bytes of a label]`, in the order of the plan.
        record: writes it, in the transaction of the delta.
    """

    rows: npt.NDArray[np.uint8]
    record: Callable[[Transaction], None]


class LabelSource(Protocol):
    """Where the labels of a session come from."""

    kind: LabelKind

    def whole(self, tier: str) -> int:
        """How many entries the node's whole set of a tier would have, whatever is withheld from the peer."""
        ...

    def offered(self, tier: str, state: SetState) -> Offered:
        """What the peer may have.

        Raises:
            StaleEpochError: what was released before may not be kept open; the epoch was erased.
        """
        ...

    def labels(self, tier: str, plan: DeltaPlan) -> Labels:
        """The labels of what a plan adds."""
        ...

    def acknowledged(self, connection: Transaction) -> None:
        """Notes what a receiver that signed for the session has by it, in the transaction of its end."""
        ...


@dataclass(frozen=True, slots=True)
class _TierPlan:
    """One tier of a session: its keys, its set as released so far, and what comes next."""

    tier: str
    offered: Offered
    key: bytes
    state: SetState
    plan: DeltaPlan
    kind: LabelKind

    @property
    def offer(self) -> TierOffer:
        """What is announced for the tier."""
        width = self.state.released.tag_bytes
        entry_width = self.kind.entry_bytes(width)
        headers = [DeltaHeader(n, len(data) // entry_width) for n, data in self.state.deltas.items()]
        if self.plan.entries:
            headers.append(DeltaHeader(self.state.next_number, self.plan.entries))
        return TierOffer(self.tier, width, tuple(headers), len(self.plan.withdrawn) // width)


async def run_labelled(session: SenderSession, make_source: Callable[[SenderSession], LabelSource]) -> Ending:
    """Runs the session to its end."""
    node, hello, epoch = session.node, session.hello, session.epoch
    wire, figures = session.wire, session.figures
    with figures.phase("load"):
        source = await to_the_end(make_source, session)
        plans = await to_the_end(_plan_tiers, session, source)
    offers = tuple(plan.offer for plan in plans)
    secrets = {plan.tier: plan.key for plan in plans}
    sender = Sender(hello, epoch.number, offers, secrets, session.suite, node.rng, session.keys.rules)
    await wire.send(sender.accept())

    async def send_sets() -> None:
        for plan in plans:
            await _send_tier(session, source, sender, plan)

    await together(evaluate_all(sender, wire, figures), send_sets())
    result = await sign_off(session, sender)
    asked = sum(ask.elements for ask in hello.tiers)
    entries = sum(header.entries for offer in offers for header in offer.deltas)
    figures.counts = {"elements": asked, "entries": entries}
    postponed = sum(plan.plan.postponed + plan.offered.full for plan in plans)
    waiting = sum(plan.plan.waiting + plan.offered.waiting for plan in plans)
    later = f" {postponed} further entries wait for the next key epoch." if postponed else ""
    if waiting:
        later += f" {waiting} new entries wait until additions are due (exchange.additions_interval_s)."
    sentence = (
        f"Revealed to {session.peer}: up to {entries} masked entries, of which it can open at most those of "
        "suppliers it holds too; "
        f"learned: that it asked {asked} blinded keys (padded), not which.{later}"
    )
    return Ending(sentence, result, source.acknowledged)


def _plan_tiers(session: SenderSession, source: LabelSource) -> list[_TierPlan]:
    node, hello, epoch = session.node, session.hello, session.epoch
    plans = []
    for ask in hello.tiers:
        state = node.sending.load_set(
            epoch,
            purpose=hello.purpose,
            tier=ask.tier,
            suite=session.suite.name,
            have_delta=ask.have_delta,
            elements=ask.elements,
            entries=padded_count(source.whole(ask.tier)),
            least_epoch_s=node.config.exchange.additions_interval_s,
        )
        offered = source.offered(ask.tier, state)
        plan = plan_delta(
            offered.table,
            offered.live,
            state.released,
            additions=offered.additions,
            rng=node.rng,
            slots_per_key=source.kind.slots,
        )
        key = session.derive_key(epoch.seed, ask.tier)
        plans.append(_TierPlan(ask.tier, offered, key, state, plan, source.kind))
    return plans


def additions_due(added_s: int | None, rules_since_s: int, *, now_s: float, interval_s: float) -> bool:
    """Whether a set gets a delta in this session.

    Times ahead of the clock were noted while it was wrong: they hold nothing back, and once it is right again
    they do not let additions go in every session.

    Args:
        added_s: when its newest delta was recorded; None when it has none.
        rules_since_s: see `ListKeys`.
        now_s: the clock.
        interval_s: between two deltas.
    """
    if added_s is None or added_s > now_s or now_s - added_s >= interval_s:
        return True
    # Keys of the older rules are withdrawn at once: were the new ones to wait, nothing would be shared.
    return added_s <= rules_since_s <= now_s


async def _send_tier(session: SenderSession, source: LabelSource, sender: Sender, plan: _TierPlan) -> None:
    sending, wire = session.node.sending, session.wire
    hello, peer = session.hello, session.peer
    deltas = dict(plan.state.deltas)
    if plan.plan.entries:
        number = plan.state.next_number
        ready = sum(header.entries for header in plan.offer.deltas) - plan.plan.entries

        sender.made(plan.tier, ready)

        async def release() -> Delta:
            delta, labels = await in_parts(
                lambda made: _make_delta(session, source, plan, made),
                lambda made: sender.made(plan.tier, ready + made),
            )
            # Not by the thread that makes it, which a session that ends leaves behind: the next one begins
            # where the records stand.
            where = hello, peer, session.epoch, plan.state, plan.tier
            batch = plan.offered.batch
            await to_the_end(sending.record_delta, *where, delta, labels.record, batch=batch)
            return delta

        with session.figures.phase("set"):
            delta = await while_working(sender, wire, plan.tier, release())
        deltas[number] = delta.entries
    for number, data in deltas.items():
        for entries in sender.entries(plan.tier, number, data):
            await wire.send(entries)
    if plan.plan.withdrawn:
        count = len(plan.plan.withdrawn) // plan.state.released.tag_bytes
        await asyncio.to_thread(sending.record_withdrawal, hello, peer, plan.tier, count)
        for withdrawn in sender.withdrawn(plan.tier, plan.plan.withdrawn):
            await wire.send(withdrawn)


def _make_delta(
    session: SenderSession, source: LabelSource, plan: _TierPlan, made: Made
) -> tuple[Delta, Labels]:
    labels = source.labels(plan.tier, plan.plan)
    delta = build_delta(
        session.suite,
        plan.key,
        plan.offered.table,
        plan.plan,
        number=plan.state.next_number,
        tag_bytes=plan.state.released.tag_bytes,
        labels=labels.rows,
        rng=session.node.rng,
        kind=source.kind,
        context=session.key_context(plan.tier),
        made=made,
    )
    return delta, labels
