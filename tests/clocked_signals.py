"""Signals between nodes of this process, by a clock that a test moves: what is said, what is held after it.

The contributor is served, and others ask it, in one event loop that runs while a test waits for something.
Every message is taken down before it is encoded, beside its length on the wire.
"""

import asyncio
import contextlib
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from node_clocks import Clock, serving
from real_nodes import PURPOSES, Nodes
from signal_makers import make_draft
from signal_nodes import signature
from symbolon.cli.local_coalition import PURPOSE, local_coalition
from symbolon.exchange.labels import SIGNAL_CHUNKS
from symbolon.exchange.messages import Accept, Entries, Hello
from symbolon.rpc.figures import Figures
from symbolon.rpc.node import Node
from symbolon.rpc.peer import connect
from symbolon.rpc.receiver_lookup import Publishers
from symbolon.rpc.receiver_role import Ask, Outcome
from symbolon.rpc.wire import Wire
from symbolon.signals import revisions
from symbolon.signals.signal import Signal, Subject
from symbolon.signals.vocabulary import RecallReason, SubjectKind
from symbolon.storage.received_signal_view import ReceivedView, Tombstone
from symbolon.storage.signal_store import NewSignal
from symbolon.suppliers.record import Supplier


@dataclass(frozen=True)
class Said:
    """One message: its kind, its length on the wire, and itself."""

    kind: str
    length: int
    message: Any


@dataclass(frozen=True)
class Talk:
    """One lookup, or several that a stale epoch made of it: how it ended and everything that was said."""

    outcome: Outcome
    said: tuple[Said, ...]

    def each(self, kind: type[Any]) -> list[Any]:
        """The messages of a kind."""
        return [each.message for each in self.said if isinstance(each.message, kind)]

    @property
    def hello(self) -> Hello:
        """The first message."""
        found: Hello = self.each(Hello)[0]
        return found

    def offer(self, tier: str = "A") -> tuple[list[tuple[int, int]], int]:
        """What the last Accept offers of a tier: numbers and lengths of deltas, and withdrawn tags."""
        (found,) = [each for each in self.each(Accept)[-1].tiers if each.tier == tier]
        return [(delta.number, delta.entries) for delta in found.deltas], found.withdrawn

    def shape(self) -> list[tuple[str, int]]:
        """Kinds and lengths in an order that is always the same, without what counts the log and the time."""
        left_out = ("Hello", "Finish", "Receipt", "Working")
        return sorted((each.kind, each.length) for each in self.said if each.kind not in left_out)

    def rows(self, tier: str = "A") -> dict[int, list[bytes]]:
        """The entries of a tier by the number of their delta, in the order in which they came."""
        (width,) = {each.tag_bytes for each in self.each(Accept)[-1].tiers if each.tier == tier}
        size = SIGNAL_CHUNKS.entry_bytes(width)
        found: dict[int, list[bytes]] = {}
        for each in self.each(Entries):
            if each.tier == tier:
                cut = [each.data[at : at + size] for at in range(0, len(each.data), size)]
                found.setdefault(each.delta, []).extend(cut)
        return found


@contextlib.contextmanager
def overheard() -> Iterator[list[Said]]:
    """Everything that any exchange of this process says meanwhile."""
    said: list[Said] = []
    send = Wire.send

    async def sending(self: Any, message: Any) -> None:
        said.append(Said(type(message).__name__, self._encode(message).ByteSize(), message))
        await send(self, message)

    Wire.send = sending  # type: ignore[method-assign]
    try:
        yield said
    finally:
        Wire.send = send  # type: ignore[method-assign]


class SignalScene:
    """A contributor that is served, and whoever asks it, by one clock.

    Args:
        nodes: their coalition.
        contributor: its member id.
        runner: of the event loop that everything runs in.
    """

    def __init__(self, nodes: Nodes, contributor: str, runner: asyncio.Runner) -> None:
        self.nodes, self.contributor = nodes, contributor
        self.clock = Clock()
        self._runner = runner
        self._stack = AsyncExitStack()
        self._open: dict[str, Node] = {}

    def open(self) -> None:
        """Serves the contributor."""

        async def enter() -> str:
            home = self.nodes.home(self.contributor)
            return (await self._stack.enter_async_context(serving(self.nodes, home, self.clock))).address

        self.nodes.move(self.contributor, self._runner.run(enter()))

    def close(self) -> None:
        """Ends its service."""
        for node in self._open.values():
            node.close()
        self._runner.run(self._stack.aclose())

    @contextlib.contextmanager
    def node(self, member: str = "") -> Iterator[Node]:
        """A member's node, by the clock of the scene: the same one each time, as a served one is."""
        name = member or self.contributor
        if name not in self._open:
            self._open[name] = Node(self.nodes.home(name), clock=self.clock)
        yield self._open[name]

    def contribute(self, records: Iterable[Supplier], **changes: Any) -> list[str]:
        """Adds a signal about each supplier; `changes` are fields of `Draft`. Their ids, hexadecimal."""
        with self.node() as node:
            new = []
            source = changes.pop("source", "")
            for record in records:
                subject = Subject(SubjectKind.SITE, replace(record, supplier_id="", sector=""))
                fields = {"purposes": (PURPOSE,), "period": None, "expires": None, "review": None, **changes}
                draft = make_draft(subject=subject, **fields)
                signal = draft.first_revision(os.urandom(16), node.now.date())
                new.append(NewSignal(signal, signature(node, signal), source, ""))
            node.signals.add_many(new, workers=0)
        return [each.signal.hex_id for each in new]

    def change(self, hex_id: str, how: Callable[[Signal, date], Signal]) -> Signal:
        """Stores the next revision of a signal."""
        with self.node() as node:
            new = how(node.signals.get(hex_id).signal, node.now.date())
            return node.signals.add_revision(new, signature(node, new), "revised").signal

    def recall(self, hex_id: str, reason: RecallReason = RecallReason.ERROR) -> None:
        """Recalls a signal."""
        with self.node() as node:
            new = revisions.recall(node.signals.get(hex_id).signal, node.now.date(), reason)
            node.signals.recall(new, signature(node, new))

    def look_up(self, member: str, purpose: str = PURPOSE, tiers: str = "AB") -> Talk:
        """One lookup of the contributor's signals.

        Raises:
            SymbolonError: it was refused.
        """

        async def ask(node: Node) -> Outcome:
            async with connect(node, self.contributor) as channel:
                return await channel.ask(Ask(self.contributor, "lookup", purpose, tuple(tiers)), Figures())

        with overheard() as said, self.node(member) as node:
            outcome = self._runner.run(ask(node))
        return Talk(outcome, tuple(said))

    def held(self, member: str, purpose: str = "") -> dict[str, ReceivedView]:
        """What a member holds of others' signals, by id."""
        with self.node(member) as node:
            views = node.received.views(Publishers(node), peer=self.contributor)
            return {each.signal.hex_id: each for each in views if purpose in ("", each.purpose)}

    def tombstones(self, member: str) -> dict[str, Tombstone]:
        """What was recalled, by id."""
        with self.node(member) as node:
            return {each.hex_id: each for each in node.received.tombstones()}

    def suppliers(self, member: str, count: int, offset: int = 0) -> list[Supplier]:
        """Some suppliers of a member's list."""
        with self.node(member) as node:
            return [each.record for each in node.suppliers.list(offset, count)]


@contextlib.contextmanager
def few_purposes(count: int) -> Iterator[Nodes]:
    """An empty coalition with `PURPOSE` and `purpose-0` to `purpose-…`, so many in all.

    A node decides about every purpose of its coalition once an hour, and these tests move the clock.
    """
    with local_coalition(purposes=PURPOSES[:count]) as coalition:
        yield Nodes(coalition)


@contextlib.contextmanager
def signal_scene(nodes: Nodes, contributor: str) -> Iterator[SignalScene]:
    """Serves a contributor of `few_purposes` to the end of the block."""
    with asyncio.Runner() as runner:
        scene = SignalScene(nodes, contributor, runner)
        scene.open()
        try:
            yield scene
        finally:
            scene.close()
