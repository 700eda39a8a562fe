"""Members that abuse an honest relay: strangers, floods, stolen ids, readers that stall.

None gets more than its own share, none keeps another from being served, and nothing grows without bound.
"""

import asyncio
import contextlib
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from real_nodes import ALPHA, BETA, MALLORY, Nodes, real_nodes
from relays import RELAY, relay_here, until
from symbolon.api.relay.v1 import relay_pb2 as pb
from symbolon.api.relay.v1 import relay_pb2_grpc as stubs
from symbolon.cli.local_coalition import COALITION
from symbolon.membership.certificates import tls_target_name
from symbolon.rpc.relay_frames import encode_piece
from symbolon.rpc.relay_limits import MAX_CHUNK_BYTES, WINDOW_BYTES, RelayLimits
from symbolon.rpc.relay_service import RelayService
from symbolon.rpc.status import CODE_KEY

import grpc  # isort: skip - after symbolon.rpc, which sets the cipher list


@pytest.fixture(scope="module")
def nodes() -> Iterator[Nodes]:
    with real_nodes() as some:
        for member in (ALPHA, BETA, MALLORY, RELAY):
            some.add(member)
        yield some


class Member:
    """A member with no manners: calls to a relay, spoken by hand."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self.stub = stubs.RelayServiceStub(channel)

    async def attach(self) -> Any:
        call = self.stub.Attach()
        await call.write(pb.AttachRequest(heartbeat=pb.Heartbeat()))
        assert (await call.read()).WhichOneof("body") == "heartbeat"
        return call

    async def ask(self, target: str) -> Any:
        call = self.stub.Connect()
        await call.write(pb.ConnectRequest(target=pb.Target(member=target)))
        return call

    async def accept(self, connection_id: bytes) -> Any:
        call = self.stub.Accept()
        await call.write(pb.AcceptRequest(ticket=pb.Ticket(connection_id=connection_id)))
        return call


async def announced(attaching: Any) -> pb.Incoming:
    """The next connection that is announced on an Attach."""
    while True:
        response = await attaching.read()
        assert response is not grpc.aio.EOF
        if response.WhichOneof("body") == "incoming":
            return response.incoming


async def connected(one: Member, other: Member, line: Any, name: str) -> tuple[Any, Any]:
    """A connection from `one` to `other`, who is attached by `line`: both calls."""
    asking = await one.ask(name)
    accepting = await other.accept((await announced(line)).connection_id)
    assert (await asking.read()).WhichOneof("body") == "connected"
    return asking, accepting


async def refusal(call: Any) -> tuple[str, str]:
    """How a call ends: status and stable code."""
    async with asyncio.timeout(30):
        status = await call.code()
    return status.name, dict(await call.trailing_metadata() or ()).get(CODE_KEY, "")


@asynccontextmanager
async def as_member(
    nodes: Nodes, relay: str, member: str, credentials: tuple[bytes | None, bytes | None] | None = None
) -> AsyncIterator[Member]:
    """A channel of a member to a relay; with other credentials, (None, None) for none."""
    key, certificate = credentials or nodes.credentials(member)
    options = (
        ("grpc.ssl_target_name_override", tls_target_name(RELAY, COALITION)),
        ("grpc.max_send_message_length", 64 << 20),
        ("grpc.use_local_subchannel_pool", 1),
        ("grpc.enable_retries", 0),
        # What a slow reader leaves lying is then at the relay and not here.
        ("grpc.http2.bdp_probe", 0),
        ("grpc.http2.lookahead_bytes", MAX_CHUNK_BYTES),
    )
    tls = grpc.ssl_channel_credentials(nodes.founder.node.coalition.state().authorities_pem, key, certificate)
    async with grpc.aio.secure_channel(relay, tls, options) as channel:
        yield Member(channel)


Scene = Callable[[RelayService, dict[str, Member]], Awaitable[None]]


def play(nodes: Nodes, scene: Scene, limits: RelayLimits | None = None) -> None:
    """Lets members, each with a channel of its own, act on an honest relay."""

    async def run() -> None:
        async with AsyncExitStack() as stack:
            service, relay = await stack.enter_async_context(relay_here(nodes, limits=limits))
            names = (ALPHA, BETA, MALLORY)
            members = {name: await stack.enter_async_context(as_member(nodes, relay, name)) for name in names}
            await scene(service, members)

    asyncio.run(asyncio.wait_for(run(), 60))


async def echo(asking: Any, accepting: Any, data: bytes) -> None:
    """Bytes that one says come out at the other, and the other way round."""
    await asking.write(pb.ConnectRequest(frame=encode_piece(data)))
    assert (await accepting.read()).frame.data == data
    await accepting.write(pb.AcceptRequest(frame=encode_piece(data[::-1])))
    assert (await asking.read()).frame.data == data[::-1]


@pytest.mark.parametrize("caller", ["no certificate", "a former member"])
def test_relay_stranger_is_refused_every_call(nodes: Nodes, caller: str) -> None:
    async def work() -> None:
        async with AsyncExitStack() as stack:
            _, relay = await stack.enter_async_context(relay_here(nodes))
            credentials: tuple[bytes | None, bytes | None] = (None, None)
            expected = ("UNAVAILABLE", "")
            if caller == "a former member":
                nodes.add("former-co")
                credentials = nodes.credentials("former-co")
                nodes.founder.expel("former-co")
                nodes.coalition.publish()
                expected = ("UNAUTHENTICATED", "membership.expelled")
            stranger = await stack.enter_async_context(as_member(nodes, relay, MALLORY, credentials))
            for method in ("Attach", "Connect", "Accept"):
                assert await refusal(getattr(stranger.stub, method)()) == expected

    asyncio.run(work())


def test_relay_member_expelled_while_attached_and_connected_loses_both(nodes: Nodes) -> None:
    outcast = "outcast-co"
    nodes.add(outcast)

    async def work() -> None:
        async with AsyncExitStack() as stack:
            service, relay = await stack.enter_async_context(relay_here(nodes))
            out = await stack.enter_async_context(as_member(nodes, relay, outcast))
            alpha = await stack.enter_async_context(as_member(nodes, relay, ALPHA))
            beta = await stack.enter_async_context(as_member(nodes, relay, BETA))
            lines = {name: await each.attach() for name, each in ((outcast, out), (BETA, beta))}
            calls = [
                *await connected(alpha, out, lines[outcast], outcast),
                *await connected(out, beta, lines[BETA], BETA),
            ]
            stays = await connected(alpha, beta, lines[BETA], BETA)
            await asyncio.sleep(1.5)
            await echo(calls[0], calls[1], b"still a member")
            nodes.founder.expel(outcast)
            nodes.coalition.publish()
            begin = time.monotonic()
            for call in (lines[outcast], calls[1], calls[2]):
                assert await refusal(call) == ("UNAUTHENTICATED", "membership.expelled")
            for call in (calls[0], calls[3]):
                assert await refusal(call) == ("UNAVAILABLE", "unavailable")
            assert time.monotonic() - begin < 10
            await echo(*stays, b"these two are members")
            assert service.attached == 1
            assert service.connections == 1

    asyncio.run(asyncio.wait_for(work(), 60))


def test_relay_connection_id_guessed_reused_stolen_or_late_is_worthless(nodes: Nodes) -> None:
    async def scene(service: RelayService, members: dict[str, Member]) -> None:
        alpha, beta, mallory = members[ALPHA], members[BETA], members[MALLORY]
        line = await beta.attach()
        await mallory.attach()
        useless = ("INVALID_ARGUMENT", "protocol.connection")
        asking = await alpha.ask(BETA)
        incoming = await announced(line)
        assert incoming.from_member == ALPHA
        stolen, guessed = incoming.connection_id, os.urandom(16)
        for connection_id in (stolen, guessed):
            assert await refusal(await mallory.accept(connection_id)) == useless
        # The theft has not spoiled it for its owner, and nobody can take it up beside or after it.
        accepting = await beta.accept(stolen)
        assert (await asking.read()).WhichOneof("body") == "connected"
        for member in (beta, mallory):
            assert await refusal(await member.accept(stolen)) == useless
        await echo(asking, accepting, b"undisturbed")
        # One that nobody took up in time is good for nothing, and who asked is told.
        late = await alpha.ask(BETA)
        late_id = (await announced(line)).connection_id
        assert await refusal(late) == ("UNAVAILABLE", "unavailable")
        assert await refusal(await beta.accept(late_id)) == useless
        assert service.connections == 1

    play(nodes, scene, RelayLimits(accept_s=0.5))


def test_relay_member_that_attaches_again_and_again_holds_one_place_and_disturbs_no_other(
    nodes: Nodes,
) -> None:
    async def scene(service: RelayService, members: dict[str, Member]) -> None:
        line = await members[BETA].attach()
        lines = [await members[MALLORY].attach() for _ in range(40)]
        assert service.attached == 2
        for each in lines[:-1]:
            assert await refusal(each) == ("UNAVAILABLE", "unavailable.replaced")
        await echo(*await connected(members[ALPHA], members[BETA], line, BETA), b"undisturbed")
        # It is reached by the last of its calls, once.
        await echo(*await connected(members[ALPHA], members[MALLORY], lines[-1], MALLORY), b"the newest")
        lines[-1].cancel()
        await until(lambda: service.attached == 1, "its one place to be free")

    play(nodes, scene)


def test_relay_member_that_attaches_in_anothers_name_is_attached_in_its_own(nodes: Nodes) -> None:
    """Who is attached is whose certificate it is; nothing that is said can name another."""

    async def scene(service: RelayService, members: dict[str, Member]) -> None:
        channel_stub = members[MALLORY].stub
        call = channel_stub.Attach()
        # A heartbeat, and the name of `BETA` in fields that the message does not have.
        claimed = pb.AttachRequest(heartbeat=pb.Heartbeat())
        target = pb.ConnectRequest(target=pb.Target(member=BETA)).SerializeToString()
        claimed.MergeFromString(b"\x7a" + bytes([len(target)]) + target)
        await call.write(claimed)
        assert (await call.read()).WhichOneof("body") == "heartbeat"
        assert await refusal(await members[ALPHA].ask(BETA)) == ("UNAVAILABLE", "unavailable")
        # With both attached, each is announced what is its own.
        line = await members[BETA].attach()
        await echo(*await connected(members[ALPHA], members[BETA], line, BETA), b"for beta")
        await echo(*await connected(members[ALPHA], members[MALLORY], call, MALLORY), b"for mallory")
        assert service.attached == 2

    play(nodes, scene)


def test_relay_pair_that_is_kept_half_open_is_ended_and_gives_its_place_back(nodes: Nodes) -> None:
    """One end has said that it is done, the other says neither that nor anything else."""

    async def scene(service: RelayService, members: dict[str, Member]) -> None:
        line = await members[BETA].attach()
        pairs = [await connected(members[MALLORY], members[BETA], line, BETA) for _ in range(2)]
        over = await members[MALLORY].ask(BETA)
        assert await refusal(over) == ("UNAVAILABLE", "unavailable.busy")
        for asking, _ in pairs:
            await asking.write(pb.ConnectRequest(frame=encode_piece(None)))
            await asking.done_writing()
        assert service.connections == 2
        for asking, accepting in pairs:
            # What was said before comes first.
            assert (await accepting.read()).frame.WhichOneof("body") == "end"
            for call in (asking, accepting):
                assert await refusal(call) == ("UNAVAILABLE", "unavailable")
        await until(lambda: service.connections == 0, "the places")
        await echo(*await connected(members[MALLORY], members[BETA], line, BETA), b"again")

    play(nodes, scene, RelayLimits(connections_of_one=2, idle_s=1, sweep_s=0.1))


def test_relay_flooded_with_bytes_by_one_member_makes_that_one_wait_and_no_other(nodes: Nodes) -> None:
    # If all shared one allowance, each of the honest member's turns would wait a second for the flood's.
    rate = 256 << 10
    sent: dict[str, int] = {}

    async def scene(service: RelayService, members: dict[str, Member]) -> None:
        line = await members[BETA].attach()
        floods = [await connected(members[MALLORY], members[BETA], line, BETA) for _ in range(4)]
        quiet = await connected(members[ALPHA], members[BETA], line, BETA)

        async def flood(asking: Any) -> None:
            while True:
                await asking.write(pb.ConnectRequest(frame=encode_piece(bytes(MAX_CHUNK_BYTES))))

        async def drain(accepting: Any) -> None:
            while (response := await accepting.read()) is not grpc.aio.EOF:
                sent[MALLORY] = sent.get(MALLORY, 0) + len(response.frame.data)

        tasks = [asyncio.create_task(flood(asking)) for asking, _ in floods]
        tasks += [asyncio.create_task(drain(accepting)) for _, accepting in floods]
        begin = time.monotonic()
        slowest = 0.0
        while time.monotonic() - begin < 4:
            round_s = time.monotonic()
            await echo(*quiet, b"x" * 1000)
            slowest = max(slowest, time.monotonic() - round_s)
        took_s = time.monotonic() - begin
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        # What a member may send at once, the rate since, and what is on its way in windows.
        assert sent[MALLORY] <= rate + rate * took_s + (1 << 20)
        assert sent[MALLORY] > rate, "the flood did flow"
        assert slowest < 0.7, "an honest member waits for nobody"

    play(nodes, scene, RelayLimits(rate_bytes_s=rate, burst_bytes=rate))


def test_relay_flooded_with_tiny_frames_counts_each_as_a_page(nodes: Nodes) -> None:
    limits = RelayLimits(rate_bytes_s=400 * 4096, burst_bytes=64 * 4096, call_bytes=0)

    async def scene(service: RelayService, members: dict[str, Member]) -> None:
        line = await members[BETA].attach()
        asking, accepting = await connected(members[MALLORY], members[BETA], line, BETA)
        begin = time.monotonic()

        async def flood() -> None:
            for _ in range(1000):
                await asking.write(pb.ConnectRequest(frame=encode_piece(b"x")))

        flooding = asyncio.create_task(flood())
        for _ in range(1000):
            await accepting.read()
        await flooding
        assert time.monotonic() - begin > (1000 - 64) / 400 * 0.9

    play(nodes, scene, limits)


def test_relay_flooded_with_calls_by_one_member_still_serves_the_others(nodes: Nodes) -> None:
    limits = RelayLimits(rate_bytes_s=1 << 20, burst_bytes=1 << 20)

    async def scene(service: RelayService, members: dict[str, Member]) -> None:
        line = await members[BETA].attach()
        held = [await connected(members[MALLORY], members[BETA], line, BETA) for _ in range(8)]
        # Its places are taken: the ninth is told so, whoever it asks for.
        assert await refusal(await members[MALLORY].ask(BETA)) == ("UNAVAILABLE", "unavailable.busy")
        calls = [members[MALLORY].stub.Accept() for _ in range(50)]
        for call in calls:
            await call.write(pb.AcceptRequest(ticket=pb.Ticket(connection_id=os.urandom(16))))
        asking, accepting = await connected(members[ALPHA], members[BETA], line, BETA)
        await echo(asking, accepting, b"others get through")
        answers = {await refusal(call) for call in calls}
        # 32 at a time wait for their turn, the others are sent away at once.
        assert answers == {("INVALID_ARGUMENT", "protocol.connection"), ("UNAVAILABLE", "unavailable.busy")}
        # The places are free again when their holder hangs up.
        for call, _ in held:
            call.cancel()
        await until(lambda: service.connections == 1, "its places")
        await connected(members[MALLORY], members[BETA], line, BETA)

    play(nodes, scene, limits)


def test_relay_with_a_slow_reader_holds_a_bounded_part_and_makes_the_sender_wait(nodes: Nodes) -> None:
    async def scene(service: RelayService, members: dict[str, Member]) -> None:
        line = await members[BETA].attach()
        asking, accepting = await connected(members[MALLORY], members[BETA], line, BETA)
        before = resident_bytes()
        taken = 0

        async def flood() -> None:
            nonlocal taken
            while True:
                await asking.write(pb.ConnectRequest(frame=encode_piece(bytes(MAX_CHUNK_BYTES))))
                taken += MAX_CHUNK_BYTES

        flooding = asyncio.create_task(flood())
        await until(lambda: taken > MAX_CHUNK_BYTES, "the flood to begin")
        seen = -1
        while seen != taken:
            seen = taken
            await asyncio.sleep(1)
        # The window, a piece in hand, and what the sockets and both ends hold.
        assert taken <= WINDOW_BYTES + (1 << 20)
        assert resident_bytes() - before < 16 << 20
        # Nothing was lost: what was taken comes as soon as somebody reads.
        came = 0
        while came < seen:
            came += len((await accepting.read()).frame.data)
        await until(lambda: taken > seen, "the sender to go on")
        flooding.cancel()
        await asyncio.gather(flooding, return_exceptions=True)

    play(nodes, scene, RelayLimits(rate_bytes_s=1 << 30, burst_bytes=1 << 30))


def resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def test_relay_reader_that_takes_nothing_at_all_loses_its_place(nodes: Nodes) -> None:
    async def scene(service: RelayService, members: dict[str, Member]) -> None:
        line = await members[BETA].attach()
        asking, accepting = await connected(members[MALLORY], members[BETA], line, BETA)
        for call in (asking, accepting):
            assert await refusal(call) == ("UNAVAILABLE", "unavailable")
        await until(lambda: service.connections == 0, "the place")
        assert service.attached == 1

    play(nodes, scene, RelayLimits(idle_s=1, sweep_s=0.1))


@pytest.mark.parametrize(
    "said",
    [
        pb.ConnectRequest(frame=pb.Frame(data=bytes(MAX_CHUNK_BYTES + 1))),
        pb.ConnectRequest(frame=pb.Frame(data=bytes(8 << 20))),
        pb.ConnectRequest(frame=pb.Frame(data=b"")),
        pb.ConnectRequest(frame=pb.Frame()),
        pb.ConnectRequest(),
        pb.ConnectRequest(target=pb.Target(member=BETA)),
    ],
    ids=["one byte too many", "eight megabytes", "no byte", "no body", "empty", "a second target"],
)
def test_relay_chunk_that_is_oversized_or_no_chunk_ends_the_connection(
    nodes: Nodes, said: pb.ConnectRequest
) -> None:
    async def scene(service: RelayService, members: dict[str, Member]) -> None:
        line = await members[BETA].attach()
        asking, accepting = await connected(members[MALLORY], members[BETA], line, BETA)
        with contextlib.suppress(asyncio.InvalidStateError, grpc.aio.AioRpcError):
            await asking.write(said)
        too_large_for_grpc = said.ByteSize() > 1 << 20
        expected = "RESOURCE_EXHAUSTED" if too_large_for_grpc else "INVALID_ARGUMENT"
        assert (await refusal(asking))[0] == expected
        assert await refusal(accepting) == ("UNAVAILABLE", "unavailable"), "not its doing"
        await until(lambda: service.connections == 0, "the place")
        await echo(*await connected(members[ALPHA], members[BETA], line, BETA), b"the relay is well")

    play(nodes, scene)


@pytest.mark.parametrize("method", ["Connect", "Accept"])
def test_relay_call_that_says_nothing_or_nonsense_first_is_ended(nodes: Nodes, method: str) -> None:
    async def scene(service: RelayService, members: dict[str, Member]) -> None:
        make = getattr(members[MALLORY].stub, method)
        assert await refusal(make()) == ("UNAVAILABLE", "unavailable")
        request = {"Connect": pb.ConnectRequest, "Accept": pb.AcceptRequest}[method]
        for said in (request(), request(frame=encode_piece(b"bytes first"))):
            call = make()
            await call.write(said)
            assert await refusal(call) == ("INVALID_ARGUMENT", "protocol.malformed")
        call = make()
        await call.done_writing()
        assert await refusal(call) == ("INVALID_ARGUMENT", "protocol.short")

    play(nodes, scene, RelayLimits(first_s=1, sweep_s=0.1))


def test_relay_target_that_takes_no_announcement_costs_only_those_who_ask_for_it(nodes: Nodes) -> None:
    async def scene(service: RelayService, members: dict[str, Member]) -> None:
        await members[MALLORY].attach()
        line = await members[BETA].attach()
        # One after the other: of calls made at once, any may come first.
        waiting = [await members[ALPHA].ask(MALLORY)]
        await until(lambda: service.connections == 1, "one to wait")
        waiting.append(await members[ALPHA].ask(MALLORY))
        await until(lambda: service.connections == 2, "two to wait")
        assert await refusal(await members[ALPHA].ask(MALLORY)) == ("UNAVAILABLE", "unavailable.busy")
        asking, accepting = await connected(members[ALPHA], members[BETA], line, BETA)
        await echo(asking, accepting, b"others are reached")

    play(nodes, scene, RelayLimits(pending_for_one=2))
