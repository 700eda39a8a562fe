"""One exchange's two-way stream of messages, the same whichever side called.

Counts bytes, bounds every wait, and serialises writes, which gRPC wants one at a time.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, Generic, TypeVar

from symbolon.errors import RemoteProtocolError, UnavailableError
from symbolon.rpc.figures import Figures

_PREFIX_BYTES = 5
"""gRPC writes a flag and a length before every message."""


Out = TypeVar("Out")
In = TypeVar("In")


class Wire(Generic[Out, In]):
    """Sends `Out`, receives `In`; both already wrapped for their RPC.

    Args:
        incoming: messages of the peer, as the generated code gives them.
        write: sends one message; may wait for flow control.
        encode: from a message to its wire form.
        decode: from the wire form to a message.
        idle_s: longest wait for a message or for room to send one.
        figures: where bytes are counted.
    """

    def __init__(
        self,
        incoming: AsyncIterator[Any],
        write: Callable[[Any], Awaitable[None]],
        encode: Callable[[Out], Any],
        decode: Callable[[Any], In],
        *,
        idle_s: float,
        figures: Figures,
    ) -> None:
        self._incoming = incoming
        self._write = write
        self._encode = encode
        self._decode = decode
        self._idle_s = idle_s
        self._figures = figures
        self._turn = asyncio.Lock()

    async def send(self, message: Out) -> None:
        """Sends one message.

        Raises:
            UnavailableError: the peer took nothing for `idle_s`.
        """
        encoded = self._encode(message)
        async with self._turn:
            try:
                async with asyncio.timeout(self._idle_s):
                    await self._write(encoded)
            except TimeoutError:
                raise UnavailableError(
                    f"the peer took nothing for {self._idle_s:g} s", hint="Try again; nothing was lost."
                ) from None
        self._figures.bytes_sent += encoded.ByteSize() + _PREFIX_BYTES

    async def receive(self) -> In | None:
        """The next message; None when the peer has closed its side.

        Raises:
            UnavailableError: nothing came for `idle_s`.
        """
        try:
            async with asyncio.timeout(self._idle_s):
                encoded = await anext(self._incoming, None)
        except TimeoutError:
            raise UnavailableError(
                f"the peer sent nothing for {self._idle_s:g} s", hint="Try again; nothing was lost."
            ) from None
        if encoded is None:
            return None
        self._figures.bytes_received += encoded.ByteSize() + _PREFIX_BYTES
        return self._decode(encoded)

    async def expect(self) -> In:
        """The next message; its absence is an error.

        Raises:
            RemoteProtocolError: the peer closed its side.
        """
        message = await self.receive()
        if message is None:
            raise RemoteProtocolError("the peer stopped before the end", code="protocol.short")
        return message
