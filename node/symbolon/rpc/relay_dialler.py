"""Dialling a member through relays: a socket of this machine whose other end is that member's server.

The socket lies in a folder that only this user may enter. Whoever connects to it talks to the member through
the first relay that has it attached; the next relay takes its place when it is lost. What comes through is
believed no more than what comes from any address: the TLS inside has to show the member's own certificate.
Specification: docs/PROTOCOL.md, relay.
"""

import asyncio
import contextlib
import logging
import shutil
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, Final

import grpc

from symbolon.api.relay.v1 import relay_pb2 as pb
from symbolon.errors import (
    ConfigError,
    MembershipError,
    RemoteProtocolError,
    SymbolonError,
    UnavailableError,
)
from symbolon.membership.member import MemberId
from symbolon.rpc.dial import UNIX
from symbolon.rpc.node import Node
from symbolon.rpc.relay_address import RelayAddress, open_relay, why_ended
from symbolon.rpc.relay_frames import encode_piece
from symbolon.rpc.relay_limits import CONNECT_S
from symbolon.rpc.relay_pipe import pipe
from symbolon.rpc.relay_switchboard import BUSY
from symbolon.rpc.status import CODE_KEY

log = logging.getLogger(__name__)

_WHEN_BUSY: Final = (
    "Try again in a minute; if it stays so, whoever runs the relay can allow more: [relay] in symbolon.toml."
)


@asynccontextmanager
async def dialled_through(node: Node, relays: Sequence[RelayAddress], target: MemberId) -> AsyncIterator[str]:
    """Opens a way to a member through its relays and takes it down at the end of the block.

    Args:
        node: this node.
        relays: those the member names, the preferred one first.
        target: the member.

    Returns:
        What to dial in place of the member's endpoint: `unix:` and the path of a socket.

    Raises:
        ConfigError: the temporary folder's path is too long for a socket.
        MembershipError: every relay refuses this node: it is no member in good standing.
        UnavailableError: the member cannot be reached through any of the relays.
    """
    dialler = _Dialler(node, relays, target)
    folder = Path(await asyncio.to_thread(tempfile.mkdtemp, prefix="symbolon-"))
    try:
        await dialler.prepare()
        server = await _listen(dialler, folder / "peer")
        try:
            yield f"{UNIX}{folder / 'peer'}"
        finally:
            server.close()
    finally:
        await dialler.close()
        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)


async def _listen(dialler: "_Dialler", path: Path) -> asyncio.Server:
    try:
        return await asyncio.start_unix_server(dialler.take, path)
    except OSError as error:
        raise ConfigError(
            f"no socket can be made in {path.parent}: {error.strerror or error}",
            hint="Let TMPDIR name a folder with a short path, below 80 characters.",
        ) from None


class _LostError(UnavailableError):
    """A call to a relay ended, and nothing says why."""


class _Dialler:
    """The way to one member: a channel to a relay, and a call for each connection."""

    def __init__(self, node: Node, relays: Sequence[RelayAddress], target: MemberId) -> None:
        self._node = node
        self._relays: Final = tuple(relays)
        self._target = target
        self._turn = asyncio.Lock()
        self._at = 0
        self._channels: dict[MemberId, tuple[Any, AsyncExitStack]] = {}
        self._prepared: tuple[MemberId, Any] | None = None
        self._carrying: set[asyncio.Task[None]] = set()

    async def prepare(self) -> None:
        """Connects ahead, for whoever comes first: what is wrong shows before anybody has dialled.

        Raises:
            MembershipError: every relay refuses this node.
            UnavailableError: no relay reaches the member.
        """
        self._prepared = await self._connect()

    def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Takes a connection that was made to the socket, and carries it from its beginning to its end."""
        task = asyncio.create_task(self._carry(reader, writer))
        self._carrying.add(task)
        task.add_done_callback(self._carrying.discard)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        prepared, self._prepared = self._prepared, None
        try:
            # The relay may have been lost since it was prepared.
            relay, call = (
                prepared if prepared is not None and not prepared[1].done() else await self._connect()
            )
            await pipe(
                relay, call, reader, writer, lambda piece: pb.ConnectRequest(frame=encode_piece(piece))
            )
        except SymbolonError as error:
            log.debug("a connection to %s: %s", self._target, error.detail)
        finally:
            writer.transport.abort()

    async def close(self) -> None:
        """Ends every connection and the channel."""
        for each in self._carrying:
            each.cancel()
        await asyncio.gather(*self._carrying, return_exceptions=True)
        if self._prepared is not None:
            self._prepared[1].cancel()
        for relay in tuple(self._channels):
            await self._forget(relay)

    async def _connect(self) -> tuple[MemberId, Any]:
        """A call that is connected to the member, through the relay that worked last or the next that does.

        Raises:
            MembershipError: all refuse this node; trying again helps nobody.
            UnavailableError: none does, for other reasons.
        """
        failures: list[SymbolonError] = []
        async with self._turn:
            for _ in self._relays:
                relay = self._relays[self._at]
                try:
                    return relay.member_id, await self._connect_through(relay)
                except SymbolonError as error:
                    log.info("relay %s: %s (%s)", relay.member_id, error.detail, error.full_code)
                    failures.append(error)
                self._at = (self._at + 1) % len(self._relays)
        if failures and all(isinstance(each, MembershipError) for each in failures):
            raise failures[0]
        said = "; ".join(each.detail for each in failures) or "it names none"
        busy = any(each.full_code == BUSY for each in failures)
        raise UnavailableError(
            f"{self._target} cannot be reached through a relay: {said}",
            hint=_WHEN_BUSY
            if busy
            else "Try again; perhaps its node is not running. Its operator sees there which relays it holds.",
            code=BUSY if busy else None,
        )

    async def _connect_through(self, relay: RelayAddress) -> Any:
        try:
            return await self._connected(relay)
        except _LostError:
            # The relay started anew since the channel was opened, or it refused while something was said to
            # it: gRPC then loses its words. The next call hears them, on a new channel.
            return await self._connected(relay)

    async def _connected(self, relay: RelayAddress) -> Any:
        call = (await self._stub(relay)).Connect()
        try:
            response = await self._answer(call)
            if response is grpc.aio.EOF:
                raise await self._refusal(relay.member_id, call)
            if response.WhichOneof("body") != "connected":
                raise RemoteProtocolError(
                    f"{relay.member_id} sent a frame before it connected", code="protocol.malformed"
                )
        except BaseException:
            call.cancel()
            raise
        return call

    async def _answer(self, call: Any) -> Any:
        """The first message of a Connect; EOF when there is none, or none in time."""
        try:
            async with asyncio.timeout(CONNECT_S):
                await call.write(pb.ConnectRequest(target=pb.Target(member=self._target)))
                return await call.read()
        except (asyncio.InvalidStateError, grpc.aio.UsageError, grpc.aio.AioRpcError, TimeoutError):
            return grpc.aio.EOF

    async def _refusal(self, relay: MemberId, call: Any) -> SymbolonError:
        ended = call.done()
        call.cancel()
        told = await call.trailing_metadata() or grpc.aio.Metadata()
        if CODE_KEY not in told:
            await self._forget(relay)
            return (_LostError if ended else UnavailableError)(f"{relay} cannot be reached any more")
        # It answered: the channel is good, and other connections may be using it.
        if told[CODE_KEY] == BUSY:
            return UnavailableError(f"the relay of {relay} carries as much as it may now", code=BUSY)
        error = await why_ended(relay, call)
        return (
            UnavailableError(f"{relay} does not reach {self._target} now")
            if isinstance(error, UnavailableError)
            else error
        )

    async def _stub(self, relay: RelayAddress) -> Any:
        if relay.member_id not in self._channels:
            channel = AsyncExitStack()
            try:
                opened = await channel.enter_async_context(open_relay(self._node, relay))
            except MembershipError as error:
                # The relay is not who it should be; a refusal of this node comes from one that is.
                raise UnavailableError(error.detail, code=error.full_code) from None
            self._channels[relay.member_id] = opened.stub, channel
        return self._channels[relay.member_id][0]

    async def _forget(self, relay: MemberId) -> None:
        """Closes the channel to a relay, and with it what goes through it."""
        _, channel = self._channels.pop(relay)
        with contextlib.suppress(SymbolonError):
            await channel.aclose()
