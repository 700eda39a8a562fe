"""A socket and a call piped together; the socket is real, the call is played by the test."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from symbolon.api.relay.v1 import relay_pb2 as pb
from symbolon.errors import RemoteProtocolError, UnavailableError
from symbolon.membership.member import MemberId
from symbolon.rpc.relay_frames import Piece, encode_piece
from symbolon.rpc.relay_limits import MAX_CHUNK_BYTES
from symbolon.rpc.relay_pipe import pipe
from symbolon.rpc.status import CODE_KEY

import grpc  # isort: skip - after symbolon.rpc, which sets the cipher list

RELAY = MemberId("relay-co")


class Call:
    """A Connect as gRPC gives it to a client: the test puts responses in `says`."""

    def __init__(self) -> None:
        self.says: asyncio.Queue[Any] = asyncio.Queue()
        self.heard: list[Piece] = []
        self.room = asyncio.Event()
        self.room.set()
        self.status = grpc.StatusCode.OK
        self.metadata: dict[str, str] = {}
        self.cancelled = self.closed = False

    def frame(self, piece: Piece) -> None:
        self.says.put_nowait(pb.ConnectResponse(frame=encode_piece(piece)))

    def end(self, status: grpc.StatusCode, code: str = "") -> None:
        self.status, self.metadata = status, {CODE_KEY: code} if code else {}
        self.says.put_nowait(grpc.aio.EOF)

    async def read(self) -> Any:
        return await self.says.get()

    async def write(self, request: pb.ConnectRequest) -> None:
        await self.room.wait()
        body = request.frame.WhichOneof("body")
        self.heard.append(request.frame.data if body == "data" else None)

    async def done_writing(self) -> None:
        self.closed = True

    async def code(self) -> grpc.StatusCode:
        return self.status

    async def initial_metadata(self) -> None:
        return None

    async def trailing_metadata(self) -> dict[str, str]:
        return self.metadata

    async def details(self) -> str:
        return ""

    def cancel(self) -> None:
        self.cancelled = True


Local = tuple[asyncio.StreamReader, asyncio.StreamWriter]
Scene = Callable[[Call, Local, "asyncio.Task[None]"], Awaitable[None]]


@pytest.fixture
def play(tmp_path: Path) -> Callable[[Scene], None]:
    """Runs a scene with a call, the local program's end of the socket, and the running pipe."""

    async def run(scene: Scene) -> None:
        call = Call()
        piping: asyncio.Future[asyncio.Task[None]] = asyncio.get_running_loop().create_future()

        def begin(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            work = pipe(
                RELAY, call, reader, writer, lambda piece: pb.ConnectRequest(frame=encode_piece(piece))
            )
            piping.set_result(asyncio.create_task(work))

        server = await asyncio.start_unix_server(begin, tmp_path / "s")
        local = await asyncio.open_unix_connection(tmp_path / "s")
        task = await piping
        try:
            await scene(call, local, task)
        finally:
            task.cancel()
            with contextlib.suppress(BaseException):
                await task
            local[1].close()
            server.close()

    return lambda scene: asyncio.run(asyncio.wait_for(run(scene), 20))


async def until(holds: Callable[[], object]) -> None:
    while not holds():  # noqa: ASYNC110 - what is waited for has no event
        await asyncio.sleep(0.005)


def test_pipe_carries_both_ways_and_ends_in_order(play: Callable[[Scene], None]) -> None:
    async def scene(call: Call, local: Local, task: "asyncio.Task[None]") -> None:
        reader, writer = local
        writer.write(b"question")
        writer.write_eof()
        for piece in (b"ans", b"wer", None):
            call.frame(piece)
        assert await reader.read(-1) == b"answer"
        await task
        assert b"".join(each or b"" for each in call.heard) == b"question"
        assert call.heard[-1] is None
        assert call.closed

    play(scene)


def test_pipe_delivers_everything_before_an_orderly_end(play: Callable[[Scene], None]) -> None:
    async def scene(call: Call, local: Local, task: "asyncio.Task[None]") -> None:
        reader, writer = local
        writer.write_eof()
        whole = bytes(range(256)) * 256
        for _ in range(32):
            call.frame(whole)
        call.frame(None)
        await asyncio.sleep(0.2)
        assert await reader.read(-1) == whole * 32
        await task

    play(scene)


def test_pipe_whose_one_direction_ended_carries_the_other(play: Callable[[Scene], None]) -> None:
    async def scene(call: Call, local: Local, task: "asyncio.Task[None]") -> None:
        reader, writer = local
        call.frame(None)
        assert await reader.read(-1) == b""
        writer.write(b"late")
        await until(lambda: b"late" in call.heard)
        assert not task.done()

    play(scene)


def test_pipe_cuts_large_writes_into_chunks(play: Callable[[Scene], None]) -> None:
    async def scene(call: Call, local: Local, task: "asyncio.Task[None]") -> None:
        local[1].write(b"x" * (5 * MAX_CHUNK_BYTES))
        await until(lambda: sum(len(each or b"") for each in call.heard) == 5 * MAX_CHUNK_BYTES)
        assert all(0 < len(each or b"") <= MAX_CHUNK_BYTES for each in call.heard)

    play(scene)


def test_pipe_whose_call_stops_early_cuts_the_socket_and_says_why(play: Callable[[Scene], None]) -> None:
    async def scene(call: Call, local: Local, task: "asyncio.Task[None]") -> None:
        call.frame(b"half")
        call.end(grpc.StatusCode.UNAVAILABLE, "unavailable")
        with pytest.raises(UnavailableError, match=RELAY):
            await task
        assert call.cancelled
        # What is read, if anything, is followed by the end of the socket.
        with contextlib.suppress(ConnectionError):
            assert await local[0].read(-1) in (b"", b"half")

    play(scene)


def test_pipe_whose_call_ends_without_an_end_piece_is_cut_even_with_a_good_status(
    play: Callable[[Scene], None],
) -> None:
    async def scene(call: Call, local: Local, task: "asyncio.Task[None]") -> None:
        call.end(grpc.StatusCode.OK)
        with pytest.raises(UnavailableError, match="ended the call"):
            await task

    play(scene)


def test_pipe_whose_socket_breaks_cancels_the_call(play: Callable[[Scene], None]) -> None:
    async def scene(call: Call, local: Local, task: "asyncio.Task[None]") -> None:
        call.frame(b"unread")
        await asyncio.sleep(0.05)
        local[1].transport.abort()
        while not task.done():
            call.frame(b"x" * 1000)
            await asyncio.sleep(0.01)
        with pytest.raises(UnavailableError, match="local connection broke"):
            await task
        assert call.cancelled

    play(scene)


def test_pipe_whose_call_takes_nothing_stops_reading_the_socket(play: Callable[[Scene], None]) -> None:
    async def scene(call: Call, local: Local, task: "asyncio.Task[None]") -> None:
        call.room.clear()
        writer = local[1]
        writer.transport.set_write_buffer_limits(high=0)
        sent = 0
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(1):
                while True:
                    writer.write(b"x" * MAX_CHUNK_BYTES)
                    sent += MAX_CHUNK_BYTES
                    await writer.drain()
        assert sent < 4 << 20, "the socket's own buffer and a few chunks"

    play(scene)


def test_pipe_whose_socket_takes_nothing_stops_reading_the_call(play: Callable[[Scene], None]) -> None:
    async def scene(call: Call, local: Local, task: "asyncio.Task[None]") -> None:
        local[1].transport.pause_reading()  # type: ignore[attr-defined]
        for _ in range(200):
            call.frame(b"x" * MAX_CHUNK_BYTES)
        await asyncio.sleep(0.5)
        assert call.says.qsize() > 100

    play(scene)


@pytest.mark.parametrize(
    "said",
    [
        pb.ConnectResponse(connected=pb.Connected()),
        pb.ConnectResponse(),
        pb.ConnectResponse(frame=pb.Frame(data=bytes(MAX_CHUNK_BYTES + 1))),
    ],
)
def test_pipe_refuses_what_is_no_frame_from_the_relay(play: Callable[[Scene], None], said: Any) -> None:
    async def scene(call: Call, local: Local, task: "asyncio.Task[None]") -> None:
        call.says.put_nowait(said)
        with pytest.raises(RemoteProtocolError):
            await task
        assert call.cancelled

    play(scene)
