"""A relay between requester and contributor that drops, changes, doubles, reorders or replays what passes.

It carries the TLS of the two ends. Whatever it does, the requester holds what it held, or what the
contributor says now: never a lower revision, never a signal that was recalled. What such a relay can do to
bytes at all is in test_relay_attacks.
"""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import AsyncExitStack

import pytest

from adversary.test_relay_attacks import Lie, LyingRelay, flipped, from_byte, swapping
from clocked_signals import few_purposes
from real_nodes import Nodes
from relays import RELAY, attached, relay_address, relay_here
from signal_nodes import change, contribute, held, look_up, recall, records, tombstones
from symbolon.cli.local_coalition import PURPOSE
from symbolon.cli.made_up_suppliers import MadeUpList
from symbolon.errors import SymbolonError
from symbolon.membership.member import MemberId
from symbolon.rpc import channel, dial
from symbolon.rpc.figures import Figures
from symbolon.rpc.node import Node
from symbolon.rpc.peer import connect
from symbolon.rpc.receiver_role import Ask
from symbolon.rpc.relay_dialler import dialled_through
from symbolon.signals.revisions import revise

WATCH, ALDER = "watch-ngo", "alder-co"
_IDLE_S, _HANDSHAKE_S = 1, 2.0

LIES: dict[str, Callable[[int], Lie]] = {
    "drops": lambda first: from_byte(first, lambda _: []),
    "tampers": lambda first: from_byte(first, flipped),
    "doubles": lambda first: from_byte(first, lambda piece: [piece, piece]),
    "reorders": lambda _: swapping(),
}
"""From a byte on."""


@pytest.fixture(autouse=True)
def short_handshakes(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (channel, dial):
        monkeypatch.setattr(module, "CONNECT_S", _HANDSHAKE_S)


@pytest.fixture(scope="module")
def nodes() -> Iterator[Nodes]:
    exchange = {"idle_timeout_s": _IDLE_S, "additions_interval_s": 0}
    with few_purposes(1) as made:
        for member, kind in ((WATCH, "ngo"), (ALDER, "company"), (RELAY, "company")):
            made.coalition.add(member, kind=kind)
        made.configure(WATCH, allow=({"peer": ALDER, "signals": True},), exchange=exchange)
        made.configure(ALDER, allow=({"peer": WATCH, "signals": True},), exchange=exchange)
        made.take_in(ALDER, MadeUpList(40, 0, 0, ALDER))
        made.start(WATCH)
        yield made


def through(nodes: Nodes, lie: Lie, to: str) -> int:
    """A lookup through a relay of this process that lies to one end; the exit code."""

    async def work() -> None:
        async with AsyncExitStack() as stack:
            _, relay = await stack.enter_async_context(relay_here(nodes, LyingRelay(nodes, lie, to)))
            server = nodes.endpoint(WATCH)
            await stack.enter_async_context(attached(nodes, WATCH, [(RELAY, relay)], server))
            node = stack.enter_context(Node(nodes.home(ALDER)))
            way = dialled_through(node, [relay_address(node, relay)], MemberId(WATCH))
            target = await stack.enter_async_context(way)
            peer = await stack.enter_async_context(connect(node, WATCH, through=target))
            await peer.ask(Ask(WATCH, "lookup", PURPOSE, ("A",)), Figures())

    try:
        asyncio.run(work())
    except SymbolonError as error:
        return error.exit_code
    return 0


@pytest.fixture(scope="module")
def inside(nodes: Nodes) -> int:
    """A byte in the middle of a lookup, whichever end it goes to."""
    return min(_moved(nodes, to) for to in ("asker", "answerer")) // 2


def _moved(nodes: Nodes, to: str) -> int:
    # A machine with much else to do may let one of them go silent for too long.
    for _ in range(5):
        ends = [0]

        async def honest(end: int, piece: bytes, ends: list[int] = ends) -> list[bytes]:
            ends.append(end)
            return [piece]

        if through(nodes, honest, to) == 0:
            return ends[-1]
    raise AssertionError("no lookup through a relay that does not lie came to an end")


class Tape:
    """Passes everything on and keeps it; afterwards it plays that in place of what comes."""

    def __init__(self) -> None:
        self.pieces: list[bytes] = []
        self.playing = False
        self._played = 0

    async def __call__(self, end: int, piece: bytes) -> Sequence[bytes]:
        if not self.playing:
            self.pieces.append(piece)
            return [piece]
        self._played += 1
        return self.pieces[self._played - 1 : self._played]


@pytest.mark.parametrize("lie", LIES)
def test_relay_that_spoils_what_passes_brings_about_no_lower_revision_and_undoes_no_recall(
    nodes: Nodes, inside: int, lie: str
) -> None:
    (hex_id,) = contribute(nodes, WATCH, records(nodes, ALDER, 1))
    look_up(nodes, ALDER, WATCH, tiers="A")
    change(nodes, WATCH, hex_id, lambda one, today: revise(one, today, confidence=2))
    assert through(nodes, LIES[lie](inside), "both") in (75, 77)
    assert held(nodes, ALDER)[hex_id].signal.revision == 1
    look_up(nodes, ALDER, WATCH, tiers="A")
    assert held(nodes, ALDER)[hex_id].signal.revision == 2
    recall(nodes, WATCH, hex_id)
    assert through(nodes, LIES[lie](inside), "both") in (75, 77)
    assert held(nodes, ALDER)[hex_id].signal.revision == 2
    look_up(nodes, ALDER, WATCH, tiers="A")
    assert (hex_id in held(nodes, ALDER), hex_id in tombstones(nodes, ALDER)) == (False, True)


def test_relay_that_replays_the_session_before_the_recall_undoes_nothing(nodes: Nodes, inside: int) -> None:
    (hex_id,) = contribute(nodes, WATCH, records(nodes, ALDER, 1))
    tape = Tape()
    assert through(nodes, tape, "asker") == 0
    assert hex_id in held(nodes, ALDER)
    assert sum(map(len, tape.pieces)) > inside
    recall(nodes, WATCH, hex_id)
    look_up(nodes, ALDER, WATCH, tiers="A")
    assert hex_id in tombstones(nodes, ALDER)
    tape.playing = True
    assert through(nodes, tape, "asker") in (75, 77)
    assert (hex_id in held(nodes, ALDER), hex_id in tombstones(nodes, ALDER)) == (False, True)
    look_up(nodes, ALDER, WATCH, tiers="A")
    assert (hex_id in held(nodes, ALDER), hex_id in tombstones(nodes, ALDER)) == (False, True)
