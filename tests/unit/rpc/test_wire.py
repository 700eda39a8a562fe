import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from symbolon.api.exchange.v1 import exchange_pb2 as pb
from symbolon.errors import RemoteProtocolError, UnavailableError
from symbolon.exchange.messages import Elements, Failure, Finish
from symbolon.rpc import codec
from symbolon.rpc.figures import Figures
from symbolon.rpc.wire import Wire


async def messages(*given: pb.SenderMessage) -> AsyncIterator[pb.SenderMessage]:
    for each in given:
        yield each


async def silence() -> AsyncIterator[pb.SenderMessage]:
    await asyncio.Event().wait()
    yield pb.SenderMessage()


def wire(
    incoming: AsyncIterator[Any], write: Callable[[Any], Any], figures: Figures, idle_s: float = 60
) -> Wire[Any, Any]:
    return Wire(incoming, write, codec.encode_receiver, codec.decode_sender, idle_s=idle_s, figures=figures)


FINISH = pb.SenderMessage(finish=pb.Finish(result=b"{}", signature=bytes(64)))


async def nowhere(message: Any) -> None:
    await asyncio.Event().wait()


def test_wire_counts_the_bytes_of_both_ways_with_their_prefix() -> None:
    figures, sent = Figures(), list[Any]()

    async def write(message: Any) -> None:
        sent.append(message)

    async def run() -> None:
        line = wire(messages(FINISH), write, figures)
        await line.send(Elements("A", 0, b"x" * 64))
        assert await line.receive() == Finish(b"{}", bytes(64))

    asyncio.run(run())
    assert figures.bytes_sent == len(sent[0].SerializeToString()) + 5
    assert figures.bytes_received == len(FINISH.SerializeToString()) + 5


def test_wire_whose_peer_closed_gives_none_and_refuses_to_expect() -> None:
    async def run() -> None:
        line = wire(messages(), nowhere, Figures())
        assert await line.receive() is None
        with pytest.raises(RemoteProtocolError) as caught:
            await line.expect()
        assert caught.value.full_code == "protocol.short"

    asyncio.run(run())


def test_wire_whose_peer_is_silent_gives_up_with_a_hint() -> None:
    async def run() -> None:
        with pytest.raises(UnavailableError, match="sent nothing") as caught:
            await wire(silence(), nowhere, Figures(), idle_s=0).receive()
        assert caught.value.exit_code == 75
        assert caught.value.hint

    asyncio.run(run())


def test_wire_whose_peer_takes_nothing_gives_up_and_counts_nothing() -> None:
    figures = Figures()

    async def run() -> None:
        with pytest.raises(UnavailableError, match="took nothing"):
            await wire(messages(), nowhere, figures, idle_s=0).send(Failure("internal", "internal error"))

    asyncio.run(run())
    assert figures.bytes_sent == 0


def test_wire_writes_one_message_at_a_time() -> None:
    """gRPC refuses a second write before the first is done."""
    running = most = 0

    async def write(message: Any) -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0)
        running -= 1

    async def run() -> None:
        line = wire(messages(), write, Figures())
        await asyncio.gather(*(line.send(Failure("internal", "internal error")) for _ in range(5)))

    asyncio.run(run())
    assert most == 1


def test_wire_that_receives_nonsense_refuses_it() -> None:
    async def run() -> None:
        with pytest.raises(RemoteProtocolError):
            await wire(messages(pb.SenderMessage()), nowhere, Figures()).receive()

    asyncio.run(run())
