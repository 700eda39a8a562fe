"""A relay that lies, between two real nodes.

Whatever it does to the bytes or to the pairing, the asker gets the right answer or an error that says "try
again" (75) or "not this member" (77), and never another answer. Members that abuse an honest relay are in
test_relay_abuse.
"""

import asyncio
import itertools
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import AsyncExitStack
from typing import Any

import pytest

from raw_peer import fair_answer, rogue_server
from real_nodes import ALPHA, BETA, MALLORY, PURPOSES, SHARED, Nodes, two_nodes
from relays import RELAY, SPARE, attached, relay_here, relayed_match, until
from symbolon.api.relay.v1 import relay_pb2 as pb
from symbolon.errors import SymbolonError
from symbolon.rpc import channel, dial, relay_listener
from symbolon.rpc.node import Node
from symbolon.rpc.relay_frames import Piece, encode_piece
from symbolon.rpc.relay_service import RelayService

import grpc  # isort: skip - after symbolon.rpc, which sets the cipher list

_IDLE_S = 2
"""`exchange.idle_timeout_s` of the nodes: what a relay swallows is given up after that."""

_FRESH = iter(PURPOSES[1:])

_HANDSHAKE_S = 2.0
"""How long peers get for a handshake here, instead of 10 s."""

Lie = Callable[[int, bytes], Awaitable[Sequence[Piece]]]
"""What a lying relay passes on in place of a piece: the bytes up to its end that way, and the piece."""


@pytest.fixture(autouse=True)
def short_handshakes(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (channel, dial):
        monkeypatch.setattr(module, "CONNECT_S", _HANDSHAKE_S)


@pytest.fixture(scope="module")
def nodes() -> Iterator[Nodes]:
    with two_nodes(exchange={"idle_timeout_s": _IDLE_S}) as both:
        both.add(RELAY)
        both.add(SPARE)
        yield both


class LyingContext:
    """A call to which every piece is told as the relay likes."""

    def __init__(self, context: grpc.aio.ServicerContext, lie: Lie) -> None:
        self._context = context
        self._lie = lie
        self._count = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._context, name)

    async def write(self, response: Any) -> None:
        # What is no frame has an empty one.
        if response.frame.WhichOneof("body") != "data":
            await self._context.write(response)
            return
        self._count += len(response.frame.data)
        for piece in await self._lie(self._count, response.frame.data):
            await self._context.write(type(response)(frame=encode_piece(piece)))


class LyingRelay(RelayService):
    """Passes on to whoever asked, to whoever answers, or to both, what `lie` makes of it."""

    def __init__(self, nodes: Nodes, lie: Lie, to: str) -> None:
        self._node = Node(nodes.home(RELAY))
        node = self._node
        super().__init__(lambda auth: node.callers.identify(dict(auth), ""))
        self._lie = lie
        self._to = to

    async def Connect(self, request_iterator: Any, context: Any) -> None:  # noqa: N802
        lying = LyingContext(context, self._lie) if self._to in ("asker", "both") else context
        await super().Connect(request_iterator, lying)

    async def Accept(self, request_iterator: Any, context: Any) -> None:  # noqa: N802
        lying = LyingContext(context, self._lie) if self._to in ("answerer", "both") else context
        await super().Accept(request_iterator, lying)


def endpoint(nodes: Nodes, member: str) -> str:
    found = nodes.founder.members.find(member)
    assert found is not None
    return found.endpoint


def outcome_through(nodes: Nodes, service: RelayService | None, purpose: str) -> tuple[set[str], int]:
    """The certain matches of a match through a relay of this process, and the exit code."""

    async def work() -> set[str]:
        async with AsyncExitStack() as stack:
            _, relay = await stack.enter_async_context(relay_here(nodes, service))
            await stack.enter_async_context(attached(nodes, BETA, [(RELAY, relay)], endpoint(nodes, BETA)))
            rows = await relayed_match(nodes, ALPHA, BETA, [(RELAY, relay)], purpose)
            return {row["supplier_id"] for row in rows if row["band"] == "certain"}

    try:
        return asyncio.run(work()), 0
    except SymbolonError as error:
        return set(), error.exit_code


def from_byte(first: int, change: Callable[[bytes], Sequence[Piece]]) -> Lie:
    """Lies from the piece on that holds a byte; how many pieces come before it depends on the machine."""

    async def lie(end: int, piece: bytes) -> Sequence[Piece]:
        return change(piece) if end >= first else [piece]

    return lie


def flipped(piece: bytes) -> list[bytes]:
    middle = len(piece) // 2
    return [piece[:middle] + bytes([piece[middle] ^ 1]) + piece[middle + 1 :]]


def swapping() -> Lie:
    """Every second piece comes before the first."""
    held: list[bytes] = []

    async def lie(end: int, piece: bytes) -> list[bytes]:
        if not held:
            held.append(piece)
            return []
        return [piece, held.pop()]

    return lie


def delaying(first: int, seconds: float) -> Lie:
    async def lie(end: int, piece: bytes) -> list[bytes]:
        if end - len(piece) < first <= end:
            await asyncio.sleep(seconds)
        return [piece]

    return lie


_LIES: dict[str, Callable[[int], Lie]] = {
    "drops": lambda first: from_byte(first, lambda _: []),
    "tampers": lambda first: from_byte(first, flipped),
    "replays": lambda first: from_byte(first, lambda piece: [piece, piece]),
    "shortens": lambda first: from_byte(first, lambda piece: [piece[:-1]] if len(piece) > 1 else [piece]),
    "makes up": lambda first: from_byte(first, lambda piece: [os.urandom(len(piece))]),
    "ends early": lambda first: from_byte(first, lambda _: [None]),
    "reorders": lambda _: swapping(),
    "delays": lambda first: delaying(first, 2 * _IDLE_S + 3),
}


def test_relay_that_does_not_lie_is_the_control_of_those_that_do(nodes: Nodes) -> None:
    purpose = next(_FRESH)

    async def honest(end: int, piece: bytes) -> list[bytes]:
        return [piece]

    assert outcome_through(nodes, LyingRelay(nodes, honest, "both"), purpose) == (SHARED, 0)


@pytest.fixture(scope="module")
def moved(nodes: Nodes) -> dict[str, int]:
    """Bytes of a whole match, to the asker and to the answerer."""
    return {to: _moved(nodes, to) for to in ("asker", "answerer")}


def _moved(nodes: Nodes, to: str) -> int:
    # A machine with much else to do may let one of them go silent for too long.
    for purpose in itertools.islice(_FRESH, 5):
        ends = [0]

        async def honest(end: int, piece: bytes, ends: list[int] = ends) -> list[bytes]:
            ends.append(end)
            return [piece]

        if outcome_through(nodes, LyingRelay(nodes, honest, to), purpose) == (SHARED, 0):
            return ends[-1]
    raise AssertionError("no match through a relay that does not lie came to an end")


@pytest.mark.parametrize("to", ["asker", "answerer"])
@pytest.mark.parametrize(
    ("lie", "inside"),
    # From the handshake on, or in the middle of the session inside.
    [(lie, inside) for lie in _LIES for inside in (False, True) if (lie, inside) != ("reorders", True)],
)
def test_relay_that_lies_about_bytes_ends_the_session_and_changes_no_answer(
    nodes: Nodes, moved: dict[str, int], lie: str, to: str, inside: bool
) -> None:
    purpose = next(_FRESH)
    first = moved[to] // 2 if inside else 1
    found, code = outcome_through(nodes, LyingRelay(nodes, _LIES[lie](first), to), purpose)
    assert (found, code) in ((set(), 75), (set(), 77))
    # The nodes are unharmed, and nothing wrong was kept.
    assert nodes.quick_match(ALPHA, BETA, purpose).ids() == SHARED


class MispairingRelay(LyingRelay):
    """Connects whoever asks to `MALLORY`, whomever they asked for."""

    async def Connect(self, request_iterator: Any, context: Any) -> None:  # noqa: N802
        async def requests() -> AsyncIterator[Any]:
            async for request in request_iterator:
                if request.WhichOneof("body") == "target":
                    request.target.member = MALLORY
                yield request

        await super().Connect(requests(), context)


def test_relay_that_pairs_with_another_member_is_refused_by_the_certificate(nodes: Nodes) -> None:
    purpose = next(_FRESH)

    async def honest(end: int, piece: bytes) -> list[bytes]:
        return [piece]

    async def work(mallory: str) -> str:
        async with AsyncExitStack() as stack:
            service = MispairingRelay(nodes, honest, "nobody")
            _, relay = await stack.enter_async_context(relay_here(nodes, service))
            await stack.enter_async_context(attached(nodes, MALLORY, [(RELAY, relay)], mallory))
            with pytest.raises(SymbolonError) as caught:
                await relayed_match(nodes, ALPHA, BETA, [(RELAY, relay)], purpose)
            assert caught.value.exit_code == 75
            # The control: asked for by its own name, that member is reached and answers.
            await relayed_match(nodes, ALPHA, MALLORY, [(RELAY, relay)], purpose, "A")
            return caught.value.detail

    before = endpoint(nodes, MALLORY)
    with rogue_server(nodes, MALLORY, fair_answer) as mallory:
        try:
            assert "shows a wrong certificate" in asyncio.run(work(mallory))
        finally:
            nodes.move(MALLORY, before)
    assert nodes.states(ALPHA, purpose).count("done") <= 1


class Announcing(RelayService):
    """Announces a hundred connections, and holds every Accept."""

    most = running = 0

    async def Attach(self, request_iterator: Any, context: Any) -> None:  # noqa: N802
        await context.write(pb.AttachResponse(heartbeat=pb.Heartbeat()))
        for number in range(100):
            incoming = pb.Incoming(connection_id=number.to_bytes(16), from_member=ALPHA)
            await context.write(pb.AttachResponse(incoming=incoming))
        await asyncio.Event().wait()

    async def Accept(self, request_iterator: Any, context: Any) -> None:  # noqa: N802
        self.running += 1
        self.most = max(self.most, self.running)
        await asyncio.Event().wait()


def test_relay_that_announces_without_end_makes_a_node_take_up_no_more_than_its_limit(
    nodes: Nodes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relay_listener, "MAX_INCOMING", 3)

    async def work() -> None:
        service = Announcing(lambda _: None)
        async with AsyncExitStack() as stack:
            _, relay = await stack.enter_async_context(relay_here(nodes, service))
            await stack.enter_async_context(attached(nodes, BETA, [(RELAY, relay)], endpoint(nodes, BETA)))
            await until(lambda: service.running == 3, "three to be taken up")
            await asyncio.sleep(0.5)
            assert service.most == 3

    asyncio.run(work())


def test_relay_that_announces_without_end_takes_no_place_of_another_relay(
    nodes: Nodes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relay_listener, "MAX_INCOMING", 3)

    async def work() -> None:
        service = Announcing(lambda _: None)
        async with AsyncExitStack() as stack:
            _, lying = await stack.enter_async_context(relay_here(nodes, service))
            _, honest = await stack.enter_async_context(relay_here(nodes, member=SPARE))
            relays = [(RELAY, lying), (SPARE, honest)]
            await stack.enter_async_context(attached(nodes, BETA, relays, endpoint(nodes, BETA)))
            await until(lambda: service.running == 3, "three to be taken up")
            assert await relayed_match(nodes, ALPHA, BETA, [(SPARE, honest)], next(_FRESH))

    asyncio.run(work())
