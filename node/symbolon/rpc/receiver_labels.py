"""Asking for labels, in both areas: keys not asked yet are asked, what comes is joined with what is held."""

import asyncio
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from symbolon.errors import RemoteProtocolError
from symbolon.exchange.id_sets import among
from symbolon.exchange.key_table import KeyTable
from symbolon.exchange.labels import LABEL_KINDS, LabelKind
from symbolon.exchange.messages import SESSION_ID_BYTES, SIGNAL, Hello, TierAsk
from symbolon.exchange.receiver import AskedKeys, Receiver
from symbolon.exchange.receiver_set import NO_OUTPUTS, join, no_hits
from symbolon.exchange.rules_agreement import with_caution
from symbolon.exchange.sender_set import live_keys
from symbolon.oprf.key_schedule import KeyContext
from symbolon.oprf.suite import Suite
from symbolon.rpc.concurrent import to_the_end
from symbolon.rpc.figures import Figures
from symbolon.rpc.node import Node
from symbolon.rpc.receiver_conclusion import TierHits, conclude_match
from symbolon.rpc.receiver_lookup import conclude_lookup
from symbolon.rpc.receiver_session import Ask, Held, Outcome, Prepared, Signed, check_length
from symbolon.storage.audit_log import session_entry
from symbolon.storage.exchange_receiver_store import HeldSet, Update
from symbolon.storage.supplier_store import ListKeys
from symbolon.suppliers.tier import Tier


@dataclass(frozen=True, slots=True)
class _Tier:
    """One tier before the session.

    Attributes:
        table: the keys now in the list.
        current: uint64, ids of those of them that may match, ascending.
        held: what is held of the peer's set.
        asked: keys not asked yet in the epoch.
    """

    table: KeyTable
    current: npt.NDArray[np.uint64]
    held: HeldSet | None
    asked: AskedKeys


async def prepare_labelled(node: Node, ask: Ask, suite: Suite) -> Prepared:
    """Reads the list and what is held of the peer's sets, and makes the session that asks for the rest.

    Raises:
        UsageError: the list makes more elements than a session takes.
    """
    # Side by side: both read and open megabytes, and neither needs the other.
    keys, held = await asyncio.gather(
        to_the_end(node.suppliers.load_list, map(Tier, ask.tiers)), to_the_end(_held_sets, node, ask, suite)
    )
    return await to_the_end(_prepare_tiers, node, ask, suite, keys, held)


def _prepare_tiers(
    node: Node, ask: Ask, suite: Suite, keys: ListKeys, held: dict[str, HeldSet | None]
) -> Prepared:
    kind = LABEL_KINDS[ask.area]
    tiers = {name: _tier(table, held[name], kind) for name, table in keys.tables.items()}
    epoch = max((tier.held.epoch for tier in tiers.values() if tier.held), default=0)
    asks = []
    for name, tier in tiers.items():
        check_length(tier.asked.declared)
        asks.append(TierAsk(name, tier.asked.declared, tier.held.last_delta if tier.held else 0))
    hello = Hello(
        node.rng(SESSION_ID_BYTES),
        suite.name,
        node.config.node.coalition,
        ask.area,
        ask.mode,
        ask.purpose,
        epoch,
        tuple(asks),
        key_rules=keys.rules,
    )
    hello, request = node.receipts.sign_hello(hello, ask.peer)
    session = Receiver(hello, {name: tier.asked for name, tier in tiers.items()}, suite, node.rng)
    return Prepared(
        session,
        request,
        lambda: _open_states(node, tiers),
        lambda states, signed, figures: _conclude(node, ask, session, tiers, states, signed, figures),
    )


def _held_sets(node: Node, ask: Ask, suite: Suite) -> dict[str, HeldSet | None]:
    """What is held of the peer's sets, by tier; of the newest epoch alone."""
    sets = {
        name: node.receiving.held(ask.peer, ask.area, ask.purpose, suite.name, name) for name in ask.tiers
    }
    newest = max((each.epoch for each in sets.values() if each), default=0)
    return {name: each if each and each.epoch == newest else None for name, each in sets.items()}


def _tier(table: KeyTable, held: HeldSet | None, kind: LabelKind) -> _Tier:
    keys = live_keys(table, kind.crowded_above).keys
    current = table.key_ids[keys]
    if held is None:
        return _Tier(table, current, None, AskedKeys(table, keys))
    unasked = keys[~among(current, held.key_ids)]
    return _Tier(table, current, held, AskedKeys(table, unasked, held.entries))


def _open_states(node: Node, tiers: dict[str, _Tier]) -> Held:
    return {name: node.receiving.open(tier.held) for name, tier in tiers.items() if tier.held}


def _conclude(
    node: Node,
    ask: Ask,
    session: Receiver,
    tiers: dict[str, _Tier],
    states: Held,
    signed: Signed,
    figures: Figures,
) -> Outcome:
    """Joins what came with what is held, and stores it together with what it comes to."""
    hello = session.hello
    kind = LABEL_KINDS[ask.area]
    updates, standing = [], dict[str, TierHits]()
    with figures.phase("join"):
        for name, result in session.results().items():
            tier = tiers[name]
            if tier.held is not None and tier.held.tag_bytes != result.tag_bytes:
                raise RemoteProtocolError("the tag length changed within an epoch", code="protocol.tag")
            old = states.get(name)
            moved, asked, opened = join(
                old.own if old else NO_OUTPUTS,
                result.own,
                old.deltas if old else {},
                result.deltas,
                tag_bytes=result.tag_bytes,
                kind=kind,
                context=_key_context(node, ask, hello, name, session.epoch),
            )
            # Read only now that the call has ended: their number must not show.
            before = node.receiving.hits(tier.held) if tier.held else no_hits(kind)
            hits = before.plus(opened)
            stands = hits.standing(tier.current, result.withdrawn, result.tag_bytes)
            before_delta = tier.held.last_delta if tier.held else 0
            standing[name] = TierHits(tier.table, stands, max(result.deltas, default=before_delta))
            # What was withdrawn of signals is not kept to be opened again; a handle says nothing by itself.
            gone = result.withdrawn if ask.area == SIGNAL else b""
            updates.append(Update(name, result.tag_bytes, moved, asked, hits, result.deltas, gone))
        conclude = conclude_lookup if ask.area == SIGNAL else conclude_match
        conclusion = conclude(node, ask, session.epoch, standing)
    elements = sum(each.elements for each in hello.tiers)
    entry_total = sum(len(data) for update in updates for data in update.deltas.values())
    figures.counts = {"elements": elements, **conclusion.counts}
    sentence = with_caution(
        f"Revealed to {ask.peer}: that {elements} blinded keys (padded) were asked, not which, "
        f"and not what matched; learned: {conclusion.learned}, and nothing of its other entries.",
        session.key_rules,
    )
    sentence += signed.terms_words
    with figures.phase("store"), node.database.transaction("store what a session brought") as connection:
        node.receiving.save(connection, hello, ask.peer, session.epoch, updates)
        conclusion.store(connection, signed.terms)
        about = {"request": signed.request.sha256, "receipt": signed.document.sha256}
        entry = session_entry("learned", ask.peer, hello, {"entry_bytes": entry_total}, **about)
        node.sessions.end_in(
            connection, "receiver", entry, done=True, sentence=sentence, documents=(signed.document,)
        )
    return Outcome(conclusion.counts, conclusion.evidence, "", sentence, session.key_rules, conclusion.intake)


def _key_context(node: Node, ask: Ask, hello: Hello, tier: str, epoch: int) -> bytes:
    """What the sender's key of a tier is bound to."""
    own = node.config.node
    return KeyContext(
        hello.suite, own.coalition, ask.peer, own.member, hello.area, hello.mode, tier, hello.purpose, epoch
    ).encode()
