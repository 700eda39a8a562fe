"""Two calls of a relay joined into one connection: what one end says the other hears, both ways at once.

Each direction has one piece in hand at a time and reads the next only when the last was taken, so a slow
reader makes the sender wait and nothing piles up. A direction ends with its end piece, and the connection
when both have; a call that stops without one cuts the connection, and so does whoever holds it.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import grpc

from symbolon.errors import SymbolonError, UnavailableError
from symbolon.membership.member import MemberId
from symbolon.rpc.concurrent import ended, together
from symbolon.rpc.relay_frames import Piece, decode_piece


class End:
    """One of the two calls.

    Args:
        member: whose call it is.
        requests: what it says.
        write: says something to it, a response of its RPC.
        wrap: makes a response of a piece.
        moved: told whenever a piece came from it or was taken by it.
    """

    def __init__(
        self,
        member: MemberId,
        requests: AsyncIterator[Any],
        write: Callable[[Any], Awaitable[None]],
        wrap: Callable[[Piece], Any],
        moved: Callable[[], None],
    ) -> None:
        self.member = member
        self.write = write
        self.moved = moved
        self._requests = requests
        self._wrap = wrap

    async def hear(self) -> Piece:
        """The next piece.

        Raises:
            _BrokenOffError: it stopped, or said something else.
        """
        try:
            request = await anext(self._requests, None)
            if request is None:
                raise UnavailableError("the call stopped in the middle of a connection")
            return decode_piece(request)
        except SymbolonError as error:
            raise _BrokenOffError(self, error) from error
        except (grpc.aio.BaseError, grpc.aio.AioRpcError) as error:
            raise _BrokenOffError(self, UnavailableError("the call broke")) from error

    async def say(self, piece: Piece) -> None:
        """Passes a piece on; waits until there is room for it.

        Raises:
            _BrokenOffError: the call is over.
        """
        try:
            await self.write(self._wrap(piece))
        except (grpc.aio.BaseError, grpc.aio.AioRpcError) as error:
            raise _BrokenOffError(self, UnavailableError("the call broke")) from error


class Joint:
    """A connection being carried. Made where both ends are at hand; both hold it.

    Args:
        one: an end.
        other: the other.
        pay: waits until a member may send that many bytes.
        greeting: said to `one` before anything else.
    """

    def __init__(
        self, one: End, other: End, pay: Callable[[MemberId, int], Awaitable[None]], greeting: Any
    ) -> None:
        self._pay = pay
        self.bytes_carried = 0
        self._carrying = asyncio.ensure_future(self._carry(one, other, greeting))

    async def hold(self, end: End) -> None:
        """Waits until the connection is over. Who is cancelled meanwhile cuts it.

        Raises:
            SymbolonError: it was cut; this end's own error if it was this end's doing.
        """
        try:
            await asyncio.shield(self._carrying)
        except _BrokenOffError as broken:
            if broken.end is end:
                raise broken.error from None
            raise _cut() from None
        except asyncio.CancelledError:
            if self._carrying.cancelled():
                raise _cut() from None
            await self.cut()
            raise

    async def cut(self) -> None:
        """Ends the connection, if it is not over. After that nothing is said to either end any more."""
        self._carrying.cancel()
        await ended(self._carrying)

    async def _carry(self, one: End, other: End, greeting: Any) -> None:
        try:
            await one.write(greeting)
        except (grpc.aio.BaseError, grpc.aio.AioRpcError) as error:
            raise _BrokenOffError(one, UnavailableError("the call broke")) from error
        await together(self._pass(one, other), self._pass(other, one))

    async def _pass(self, source: End, sink: End) -> None:
        piece: Piece = b""
        while piece is not None:
            piece = await source.hear()
            source.moved()
            size = len(piece or b"")
            await self._pay(source.member, size)
            await sink.say(piece)
            sink.moved()
            self.bytes_carried += size


class _BrokenOffError(Exception):
    """An end is gone, or has to go; each end then makes an error of its own of it."""

    def __init__(self, end: End, error: SymbolonError) -> None:
        super().__init__(error.detail)
        self.end = end
        self.error = error


def _cut() -> UnavailableError:
    return UnavailableError("the other end of the connection was cut off")
