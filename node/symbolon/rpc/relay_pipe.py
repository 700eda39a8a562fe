"""Between a socket and a call to a relay: what one end of a relayed connection does.

Bytes are never looked at: they are TLS of the two ends. Neither side is read from while the other does not
take what was read. The end of one direction of the socket becomes an end piece and the other way round;
a socket or call that breaks breaks the other, so neither end takes a connection that was cut for one that was
ended. Specification: docs/PROTOCOL.md, relay.
"""

import asyncio
import contextlib
from asyncio import StreamReader, StreamWriter
from collections.abc import Callable
from typing import Any

import grpc

from symbolon.errors import UnavailableError
from symbolon.membership.member import MemberId
from symbolon.rpc.concurrent import together
from symbolon.rpc.relay_address import why_ended
from symbolon.rpc.relay_frames import Piece, decode_piece
from symbolon.rpc.relay_limits import END_S, MAX_CHUNK_BYTES


async def pipe(
    relay: MemberId, call: Any, reader: StreamReader, writer: StreamWriter, wrap: Callable[[Piece], Any]
) -> None:
    """Carries bytes both ways until both directions are over; leaves neither call nor socket open.

    Args:
        relay: whose call it is, for messages.
        call: a Connect or Accept on which everything before the first frame was said.
        reader: what the socket says.
        writer: says something to it.
        wrap: makes a request of a piece.

    Raises:
        RemoteProtocolError: the relay says what it must not.
        SymbolonError: why the relay ended the call early.
        UnavailableError: the socket broke.
    """
    try:
        await together(_outward(call, reader, wrap), _inward(relay, call, writer))
        async with asyncio.timeout(END_S):
            # An end piece that is still on its way would be lost with the call.
            await call.done_writing()
            await call.code()
            writer.close()
            await writer.wait_closed()
    except (asyncio.InvalidStateError, grpc.aio.UsageError, grpc.aio.AioRpcError):
        # Something was said to a call that the relay has ended: its status is the reason.
        raise await why_ended(relay, call) from None
    except TimeoutError:
        raise UnavailableError(f"{relay} did not close the connection") from None
    except OSError as error:
        raise UnavailableError(f"the local connection broke: {error.strerror or error}") from None
    except asyncio.CancelledError:
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise
        # gRPC says so of a call that is over.
        raise UnavailableError(f"{relay} cannot be reached any more") from None
    finally:
        call.cancel()
        # Does nothing after an orderly end; else what is left to write must not arrive as if all had come.
        writer.transport.abort()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


async def _outward(call: Any, reader: StreamReader, wrap: Callable[[Piece], Any]) -> None:
    while data := await reader.read(MAX_CHUNK_BYTES):
        await call.write(wrap(data))
    await call.write(wrap(None))


async def _inward(relay: MemberId, call: Any, writer: StreamWriter) -> None:
    while True:
        response = await call.read()
        if response is grpc.aio.EOF:
            raise await why_ended(relay, call)
        piece = decode_piece(response)
        if piece is None:
            break
        writer.write(piece)
        await writer.drain()
    writer.write_eof()
