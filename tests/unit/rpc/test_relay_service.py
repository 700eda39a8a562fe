"""A relay's calls, played without gRPC; whole connections are in tests/adversary and tests/integration."""

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any

import pytest

from coalition_members import member as listed
from symbolon.api.relay.v1 import relay_pb2 as pb
from symbolon.errors import MembershipError
from symbolon.rpc import relay_service
from symbolon.rpc.identity import caller
from symbolon.rpc.relay_frames import encode_piece
from symbolon.rpc.relay_limits import RelayLimits
from symbolon.rpc.relay_service import RelayService
from symbolon.rpc.status import CODE_KEY

import grpc  # isort: skip - after symbolon.rpc, which sets the cipher list


class Call:
    """One call of a member, with what the relay said to it."""

    def __init__(self, member: str) -> None:
        self.member = member
        self.says: asyncio.Queue[Any] = asyncio.Queue()
        self.heard: asyncio.Queue[Any] = asyncio.Queue()
        self.metadata: dict[str, str] = {}
        self.over: asyncio.Task[None] | None = None

    def begin(self, method: Callable[[Any, Any], Awaitable[None]]) -> "Call":
        async def run() -> None:
            caller.set(listed(self.member))
            await method(self._requests(), self)

        self.over = asyncio.create_task(run())
        return self

    async def _requests(self) -> AsyncIterator[Any]:
        while (said := await self.says.get()) is not None:
            yield said

    def auth_context(self) -> Mapping[str, Any]:
        return {"x509_pem_cert": [self.member.encode()]}

    async def write(self, message: Any) -> None:
        self.heard.put_nowait(message)

    def set_trailing_metadata(self, pairs: Any) -> None:
        self.metadata = dict(pairs)

    async def abort(self, status: grpc.StatusCode, message: str) -> None:
        raise grpc.aio.AbortError(f"{status.name} {self.metadata[CODE_KEY]} {message}")

    async def refusal(self) -> str:
        """Status and code with which the relay ended it."""
        assert self.over is not None
        with pytest.raises(grpc.aio.AbortError) as caught:
            await self.over
        return " ".join(str(caught.value).split()[:2])


class Relay(RelayService):
    """A relay whose members are those not in `expelled`."""

    def __init__(self, **limits: Any) -> None:
        self.expelled: set[bytes] = set()
        self.fault: Exception | None = None
        self.judging = threading.Event()
        self.judging.set()
        self.now_s = 0.0
        super().__init__(self._judge_caller, RelayLimits(**limits), clock=lambda: self.now_s)

    def _judge_caller(self, auth: Mapping[str, Any]) -> None:
        assert self.judging.wait(5)
        if self.fault is not None:
            raise self.fault
        if auth["x509_pem_cert"][0] in self.expelled:
            raise MembershipError("not a member")

    async def attach(self, member: str) -> Call:
        call = Call(member).begin(self.Attach)
        assert (await call.heard.get()).WhichOneof("body") == "heartbeat"
        return call

    async def joined(self, one: str, other: str, line: Call) -> tuple[Call, Call]:
        asking = Call(one).begin(self.Connect)
        asking.says.put_nowait(pb.ConnectRequest(target=pb.Target(member=other)))
        incoming = (await line.heard.get()).incoming
        accepting = Call(other).begin(self.Accept)
        accepting.says.put_nowait(pb.AcceptRequest(ticket=pb.Ticket(connection_id=incoming.connection_id)))
        assert (await asking.heard.get()).WhichOneof("body") == "connected"
        return asking, accepting


def play(scene: Callable[[Relay], Awaitable[None]], **limits: Any) -> None:
    asyncio.run(asyncio.wait_for(scene(Relay(**limits)), 20))


def test_relay_member_that_attaches_anew_replaces_its_older_call() -> None:
    async def scene(relay: Relay) -> None:
        older = await relay.attach("beta-co")
        newer = await relay.attach("beta-co")
        assert await older.refusal() == "UNAVAILABLE unavailable.replaced"
        assert relay.attached == 1, "the end of the older one detaches nobody"
        await relay.joined("alpha-co", "beta-co", newer)

    play(scene)


def test_relay_attaches_no_more_members_than_its_limit() -> None:
    async def scene(relay: Relay) -> None:
        await relay.attach("beta-co")
        assert await Call("gamma-co").begin(relay.Attach).refusal() == "UNAVAILABLE unavailable.busy"
        await relay.attach("beta-co")

    play(scene, attached=1)


def test_relay_sweep_ends_the_calls_of_one_who_is_no_member_and_no_others() -> None:
    async def scene(relay: Relay) -> None:
        beta, gamma = await relay.attach("beta-co"), await relay.attach("gamma-co")
        asking, accepting = await relay.joined("alpha-co", "beta-co", beta)
        await relay.sweep_once()
        relay.expelled.add(b"alpha-co")
        await relay.sweep_once()
        assert await asking.refusal() == "UNAUTHENTICATED membership"
        assert await accepting.refusal() == "UNAVAILABLE unavailable"
        relay.expelled.add(b"beta-co")
        await relay.sweep_once()
        assert await beta.refusal() == "UNAUTHENTICATED membership"
        assert gamma.over is not None
        assert not gamma.over.done()
        assert (relay.attached, relay.connections) == (1, 0)

    play(scene)


def test_relay_sweep_outlives_a_call_that_ends_while_it_is_judged() -> None:
    async def scene(relay: Relay) -> None:
        leaving, other = await relay.attach("beta-co"), await relay.attach("gamma-co")
        relay.expelled.add(b"beta-co")
        relay.judging.clear()
        sweep = asyncio.create_task(relay.sweep_once())
        leaving.says.put_nowait(None)
        assert await leaving.refusal() == "UNAVAILABLE unavailable"
        relay.judging.set()
        await sweep
        assert other.over is not None
        assert not other.over.done()

    play(scene)


def test_relay_that_cannot_tell_who_is_a_member_takes_everybody_for_none() -> None:
    async def scene(relay: Relay) -> None:
        line = await relay.attach("beta-co")
        relay.fault = OSError("the list cannot be read")
        await relay.sweep_once()
        assert await line.refusal() == "INTERNAL internal"
        assert relay.attached == 0

    play(scene)


def test_relay_sweep_ends_an_attached_member_that_sends_no_heartbeats() -> None:
    async def scene(relay: Relay) -> None:
        silent, beating = await relay.attach("beta-co"), await relay.attach("gamma-co")
        relay.now_s = relay_service.SILENCE_S
        beating.says.put_nowait(pb.AttachRequest(heartbeat=pb.Heartbeat()))
        await asyncio.sleep(0.01)
        relay.now_s += 1
        await relay.sweep_once()
        assert await silent.refusal() == "UNAVAILABLE unavailable"
        assert relay.attached == 1

    play(scene)


def test_relay_pushes_heartbeats_between_announcements(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relay_service, "HEARTBEAT_S", 0.01)

    async def scene(relay: Relay) -> None:
        line = await relay.attach("beta-co")
        for _ in range(3):
            assert (await line.heard.get()).WhichOneof("body") == "heartbeat"

    play(scene)


def test_relay_connection_that_moves_only_one_way_is_not_idle() -> None:
    async def scene(relay: Relay) -> None:
        line = await relay.attach("beta-co")
        asking, accepting = await relay.joined("alpha-co", "beta-co", line)
        for _ in range(5):
            relay.now_s += 8
            line.says.put_nowait(pb.AttachRequest(heartbeat=pb.Heartbeat()))
            asking.says.put_nowait(pb.ConnectRequest(frame=encode_piece(b"one way")))
            await accepting.heard.get()
            await asyncio.sleep(0.01)
            await relay.sweep_once()
            assert relay.connections == 1
        relay.now_s += 11
        await relay.sweep_once()
        assert await asking.refusal() == "UNAVAILABLE unavailable"
        assert await accepting.refusal() == "UNAVAILABLE unavailable"

    play(scene, idle_s=10.0)


def test_relay_that_stops_ends_attached_calls_and_lets_connections_be() -> None:
    async def scene(relay: Relay) -> None:
        line = await relay.attach("beta-co")
        asking, accepting = await relay.joined("alpha-co", "beta-co", line)
        relay.end_attached()
        assert await line.refusal() == "UNAVAILABLE unavailable"
        asking.says.put_nowait(pb.ConnectRequest(frame=encode_piece(b"still")))
        assert (await accepting.heard.get()).frame.data == b"still"
        for call, message in ((asking, pb.ConnectRequest), (accepting, pb.AcceptRequest)):
            call.says.put_nowait(message(frame=encode_piece(None)))
        for call in (asking, accepting):
            assert call.over is not None
            await call.over
        assert relay.connections == 0

    play(scene)


def test_relay_asked_for_a_member_that_is_not_attached_says_so_without_a_wait() -> None:
    async def scene(relay: Relay) -> None:
        asking = Call("alpha-co").begin(relay.Connect)
        asking.says.put_nowait(pb.ConnectRequest(target=pb.Target(member="beta-co")))
        assert await asking.refusal() == "UNAVAILABLE unavailable"
        assert relay.connections == 0

    play(scene)


def test_relay_accept_that_comes_just_when_its_asker_gives_up_joins_nothing() -> None:
    async def scene(relay: Relay) -> None:
        line = await relay.attach("beta-co")
        for delay_s in (0.018, 0.019, 0.02, 0.021, 0.022) * 4:
            asking = Call("alpha-co").begin(relay.Connect)
            asking.says.put_nowait(pb.ConnectRequest(target=pb.Target(member="beta-co")))
            incoming = (await line.heard.get()).incoming
            accepting = Call("beta-co").begin(relay.Accept)
            await asyncio.sleep(delay_s)
            ticket = pb.Ticket(connection_id=incoming.connection_id)
            accepting.says.put_nowait(pb.AcceptRequest(ticket=ticket))
            await asyncio.sleep(0.01)
            assert asking.over is not None
            if asking.over.done():
                assert await asking.refusal() == "UNAVAILABLE unavailable"
                heard = asking.heard.qsize()
                assert (await accepting.refusal()).split()[0] in ("INVALID_ARGUMENT", "UNAVAILABLE")
                assert asking.heard.qsize() == heard, "nothing is said to a call that is over"
            else:
                asking.over.cancel()
                assert await accepting.refusal() == "UNAVAILABLE unavailable"
        await asyncio.sleep(0.01)
        assert relay.connections == 0

    play(scene, accept_s=0.02)
