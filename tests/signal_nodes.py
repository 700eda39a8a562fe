"""Signals between real nodes, for tests: one contributes, another looks up, each from within this process."""

import asyncio
import os
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import date
from typing import Any

from real_nodes import Nodes
from signal_makers import make_draft
from symbolon.cli.local_coalition import PURPOSE
from symbolon.rpc.figures import Figures
from symbolon.rpc.node import Node
from symbolon.rpc.peer import connect
from symbolon.rpc.receiver_lookup import Publishers
from symbolon.rpc.receiver_role import Ask, Outcome
from symbolon.signals import revisions
from symbolon.signals.record_codec import encode_signal
from symbolon.signals.signal import Signal, Subject
from symbolon.signals.vocabulary import RecallReason, SubjectKind
from symbolon.storage.received_signal_view import ReceivedView, Tombstone
from symbolon.storage.signal_store import NewSignal
from symbolon.suppliers.record import Supplier

RECORD_CONTEXT = b"symbolon-signal-record-1\0"


def signature(node: Node, signal: Signal) -> bytes:
    """A member's signature over its record."""
    return node.signing_key.sign(RECORD_CONTEXT + encode_signal(signal))


def contribute(
    nodes: Nodes, member: str, records: Iterable[Supplier], *, source: str = "", **changes: Any
) -> list[str]:
    """Adds a signal about each supplier; `changes` are fields of `Draft`.

    Returns:
        Their ids, hexadecimal.
    """
    with Node(nodes.home(member)) as node:
        new = []
        for record in records:
            subject = Subject(SubjectKind.SITE, replace(record, supplier_id="", sector=""))
            fields = {"purposes": (PURPOSE,), "period": None, "expires": None, "review": None, **changes}
            signal = make_draft(subject=subject, **fields).first_revision(os.urandom(16), node.now.date())
            new.append(NewSignal(signal, signature(node, signal), source, ""))
        node.signals.add_many(new, workers=0)
    return [each.signal.hex_id for each in new]


def change(nodes: Nodes, member: str, hex_id: str, how: Callable[[Signal, date], Signal]) -> Signal:
    """Stores the next revision of a signal."""
    with Node(nodes.home(member)) as node:
        new = how(node.signals.get(hex_id).signal, node.now.date())
        return node.signals.add_revision(new, signature(node, new), "revised").signal


def recall(nodes: Nodes, member: str, hex_id: str, reason: RecallReason = RecallReason.ERROR) -> None:
    """Recalls a signal."""
    with Node(nodes.home(member)) as node:
        new = revisions.recall(node.signals.get(hex_id).signal, node.now.date(), reason)
        node.signals.recall(new, signature(node, new))


def look_up(
    nodes: Nodes, member: str, peer: str, purpose: str = PURPOSE, tiers: str = "AB", **more: Any
) -> Outcome:
    """One lookup, from within this process."""

    async def ask(node: Node) -> Outcome:
        async with connect(node, peer, **more) as channel:
            return await channel.ask(Ask(peer, "lookup", purpose, tuple(tiers)), Figures())

    with Node(nodes.home(member)) as node:
        return asyncio.run(ask(node))


def held(nodes: Nodes, member: str, peer: str | None = None) -> dict[str, ReceivedView]:
    """What a member holds of others' signals, by id."""
    with Node(nodes.home(member)) as node:
        return {view.signal.hex_id: view for view in node.received.views(Publishers(node), peer=peer)}


def tombstones(nodes: Nodes, member: str) -> dict[str, Tombstone]:
    """What was recalled, by id."""
    with Node(nodes.home(member)) as node:
        return {each.hex_id: each for each in node.received.tombstones()}


def records(nodes: Nodes, member: str, count: int, offset: int = 0) -> list[Supplier]:
    """Some suppliers of a member's list."""
    with Node(nodes.home(member)) as node:
        return [each.record for each in node.suppliers.list(offset, count)]
