"""Two ends joined, each played by a test."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from symbolon.api.relay.v1 import relay_pb2 as pb
from symbolon.errors import RemoteProtocolError, UnavailableError
from symbolon.membership.member import MemberId
from symbolon.rpc.relay_frames import decode_piece, encode_piece
from symbolon.rpc.relay_joint import End, Joint

GREETING = pb.ConnectResponse(connected=pb.Connected())


class Actor:
    """One end: says what a test puts in `says`, keeps what it heard; takes nothing while `stuck`."""

    def __init__(self, name: str) -> None:
        self.says: asyncio.Queue[Any] = asyncio.Queue()
        self.heard: list[Any] = []
        self.room = asyncio.Event()
        self.room.set()
        self.asked_for = 0
        self.end = End(
            MemberId(name), self._requests(), self._write, lambda piece: encode_piece(piece), lambda: None
        )

    async def _requests(self) -> AsyncIterator[Any]:
        while True:
            self.asked_for += 1
            said = await self.says.get()
            if said is StopAsyncIteration:
                return
            yield (
                pb.ConnectRequest(frame=encode_piece(said))
                if said is None or isinstance(said, bytes)
                else said
            )

    async def _write(self, message: Any) -> None:
        await self.room.wait()
        self.heard.append(message)

    @property
    def bytes_heard(self) -> bytes:
        return b"".join(each.data for each in self.heard if isinstance(each, pb.Frame))

    @property
    def heard_end(self) -> bool:
        return any(isinstance(each, pb.Frame) and each.WhichOneof("body") == "end" for each in self.heard)


async def free(member: MemberId, size: int) -> None:
    """Nothing costs anything."""


def play(work: Callable[[Actor, Actor, Joint], Awaitable[None]], pay: Any = free) -> None:
    async def run() -> None:
        one, other = Actor("one-co"), Actor("other-co")
        await work(one, other, Joint(one.end, other.end, pay, GREETING))

    asyncio.run(asyncio.wait_for(run(), 30))


async def settle() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


def test_joint_carries_both_ways_and_ends_when_both_have() -> None:
    async def work(one: Actor, other: Actor, joint: Joint) -> None:
        for actor, said in ((one, b"to other"), (other, b"to one")):
            actor.says.put_nowait(said)
            actor.says.put_nowait(None)
        await asyncio.gather(joint.hold(one.end), joint.hold(other.end))
        assert one.heard[0] == GREETING, "before anything else"
        assert (one.bytes_heard, other.bytes_heard) == (b"to one", b"to other")
        assert joint.bytes_carried == len(b"to other" + b"to one")

    play(work)


def test_joint_whose_one_direction_ended_still_carries_the_other() -> None:
    async def work(one: Actor, other: Actor, joint: Joint) -> None:
        one.says.put_nowait(None)
        await settle()
        assert other.heard_end
        other.says.put_nowait(b"late")
        other.says.put_nowait(None)
        await joint.hold(one.end)
        assert one.bytes_heard == b"late"

    play(work)


@pytest.mark.parametrize(
    "said", [StopAsyncIteration, pb.ConnectRequest(), pb.ConnectRequest(target=pb.Target())]
)
def test_joint_that_one_end_breaks_off_is_cut_for_the_other_and_no_end_is_told(said: Any) -> None:
    async def work(one: Actor, other: Actor, joint: Joint) -> None:
        one.says.put_nowait(b"half of it")
        one.says.put_nowait(said)
        results = await asyncio.gather(joint.hold(one.end), joint.hold(other.end), return_exceptions=True)
        own = UnavailableError if said is StopAsyncIteration else RemoteProtocolError
        assert isinstance(results[0], own)
        assert isinstance(results[1], UnavailableError), "not its doing"
        assert other.bytes_heard == b"half of it"
        assert not other.heard_end

    play(work)


def test_joint_whose_holder_is_cancelled_is_cut_for_the_other() -> None:
    async def work(one: Actor, other: Actor, joint: Joint) -> None:
        holding = asyncio.create_task(joint.hold(one.end))
        await settle()
        holding.cancel()
        with pytest.raises(UnavailableError):
            await joint.hold(other.end)
        with pytest.raises(asyncio.CancelledError):
            await holding

    play(work)


def test_joint_says_nothing_to_an_end_that_let_go() -> None:
    async def work(one: Actor, other: Actor, joint: Joint) -> None:
        other.room.clear()
        one.says.put_nowait(b"stuck on its way to other")
        await settle()
        holding = asyncio.create_task(joint.hold(other.end))
        await settle()
        holding.cancel()
        await asyncio.gather(holding, return_exceptions=True)
        other.room.set()
        await settle()
        assert other.heard == []

    play(work)


def test_joint_with_a_slow_reader_reads_no_further_than_one_piece() -> None:
    async def work(one: Actor, other: Actor, joint: Joint) -> None:
        other.room.clear()
        for _ in range(50):
            one.says.put_nowait(b"x")
        await settle()
        assert one.asked_for == 1
        assert one.says.qsize() == 49
        await joint.cut()

    play(work)


def test_joint_charges_each_member_for_what_it_sends_and_waits_for_it() -> None:
    paid: list[tuple[str, int]] = []
    broke = asyncio.Event()

    async def pay(member: MemberId, size: int) -> None:
        paid.append((member, size))
        if member == "one-co":
            await broke.wait()

    async def work(one: Actor, other: Actor, joint: Joint) -> None:
        one.says.put_nowait(b"four")
        other.says.put_nowait(b"seven77")
        await settle()
        assert sorted(paid) == [("one-co", 4), ("other-co", 7)]
        assert other.heard == [], "not before it is paid for"
        assert decode_piece(pb.AcceptResponse(frame=one.heard[1])) == b"seven77"
        await joint.cut()

    play(work, pay)
