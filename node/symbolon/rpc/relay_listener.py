"""A node that only dials out is reachable: it holds a call to each of its relays and takes up connections.

What comes through a relay is handed to the node's own gRPC server, whose TLS says who it is; what the relay
says about it is not believed. Refuses: more connections of a relay at a time than `MAX_INCOMING`. A relay
that is lost is tried again after a while, for ever; connections it still carries go on meanwhile.
Specification: docs/PROTOCOL.md, relay.
"""

import asyncio
import logging
import random
import time
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, Final

import grpc

from symbolon.api.relay.v1 import relay_pb2 as pb
from symbolon.errors import SymbolonError, UnavailableError
from symbolon.membership.member import MemberId
from symbolon.rpc.concurrent import together
from symbolon.rpc.dial import UNIX
from symbolon.rpc.node import Node
from symbolon.rpc.relay_address import OpenRelay, RelayAddress, open_relay, why_ended
from symbolon.rpc.relay_backoff import Backoff
from symbolon.rpc.relay_frames import decode_incoming, encode_piece
from symbolon.rpc.relay_limits import HEARTBEAT_S, MAX_INCOMING, SILENCE_S
from symbolon.rpc.relay_pipe import pipe
from symbolon.rpc.relay_switchboard import REPLACED
from symbolon.rpc.status import CODE_KEY

log = logging.getLogger(__name__)


class RelayListener:
    """Keeps a node attached to its relays while `run` runs.

    Args:
        node: this node.
        relays: where to be reachable.
        server: the node's own gRPC server: `host:port`, or `unix:` and the path of a socket.
        clock: seconds that never go back.
        uniform: a random number between two.
    """

    def __init__(
        self,
        node: Node,
        relays: Sequence[RelayAddress],
        server: str,
        *,
        clock: Callable[[], float] = time.monotonic,
        uniform: Callable[[float, float], float] = random.uniform,
    ) -> None:
        self._node = node
        self._relays: Final = tuple(relays)
        self._server = server
        self._clock = clock
        self._uniform = uniform
        self._attached: set[MemberId] = set()
        self._generations: set[asyncio.Task[None]] = set()
        self._taken: Counter[MemberId] = Counter()

    @property
    def attached(self) -> frozenset[MemberId]:
        """The relays through which this node can be reached now."""
        return frozenset(self._attached)

    async def run(self) -> None:
        """Runs until cancelled; then everything that came through a relay is cut."""
        try:
            await together(*(self._keep(relay) for relay in self._relays))
        finally:
            for each in self._generations:
                each.cancel()
            await asyncio.gather(*self._generations, return_exceptions=True)

    async def _keep(self, relay: RelayAddress) -> None:
        backoff = Backoff(self._uniform)
        while True:
            begin_s = self._clock()
            lost: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            generation = asyncio.create_task(self._generation(relay, lost))
            self._generations.add(generation)
            generation.add_done_callback(self._generations.discard)
            try:
                await lost
            except SymbolonError as error:
                log.warning("relay %s: %s (%s)", relay.member_id, error.detail, error.full_code)
            except Exception as error:
                # The other relays must not be lost with this one.
                log.error("relay %s: unexpected %s", relay.member_id, type(error).__name__, exc_info=error)
            await asyncio.sleep(backoff.wait_s(self._clock() - begin_s))

    async def _generation(self, relay: RelayAddress, lost: "asyncio.Future[None]") -> None:
        """One channel to a relay: attached until `lost` says why not, open until its connections are over."""
        pipes: set[asyncio.Task[None]] = set()
        try:
            async with open_relay(self._node, relay) as opened:
                try:
                    await self._attach(relay.member_id, opened, pipes)
                except Exception as error:  # noqa: BLE001 - told to whoever waits for it
                    lost.set_exception(error)
                finally:
                    self._attached.discard(relay.member_id)
                if pipes:
                    await asyncio.wait(pipes)
        except Exception as error:  # noqa: BLE001 - told to whoever waits for it
            if not lost.done():
                lost.set_exception(error)
        finally:
            for each in pipes:
                each.cancel()
            await asyncio.gather(*pipes, return_exceptions=True)

    async def _attach(self, relay: MemberId, opened: OpenRelay, pipes: set["asyncio.Task[None]"]) -> None:
        call = opened.stub.Attach()
        try:
            await together(_beat(call), self._hear(relay, opened, call, pipes))
        except TimeoutError:
            raise UnavailableError(f"it said nothing for {SILENCE_S:g} s") from None
        except (asyncio.InvalidStateError, grpc.aio.UsageError, grpc.aio.AioRpcError):
            raise await _why_detached(relay, call) from None
        finally:
            call.cancel()

    async def _hear(
        self, relay: MemberId, opened: OpenRelay, call: Any, pipes: set["asyncio.Task[None]"]
    ) -> None:
        while True:
            async with asyncio.timeout(SILENCE_S):
                response = await call.read()
            if response is grpc.aio.EOF:
                raise await _why_detached(relay, call)
            incoming = decode_incoming(response)
            # As long as it is attached, at every heartbeat: a relay that was expelled is left.
            await asyncio.to_thread(opened.judge)
            if relay not in self._attached:
                self._attached.add(relay)
                log.info("reachable through the relay of %s", relay)
            if incoming is None:
                continue
            connection_id, asking = incoming
            if self._taken[relay] >= MAX_INCOMING:
                log.warning("a connection through the relay of %s was one too many", relay)
                continue
            log.debug("the relay of %s announces %s", relay, asking)
            self._taken[relay] += 1
            taken = asyncio.create_task(self._take(relay, opened.stub, connection_id))
            pipes.add(taken)
            taken.add_done_callback(pipes.discard)

    async def _take(self, relay: MemberId, stub: Any, connection_id: bytes) -> None:
        try:
            reader, writer = await _open(self._server)
            call = stub.Accept()
            try:
                await call.write(pb.AcceptRequest(ticket=pb.Ticket(connection_id=connection_id)))
            except (asyncio.InvalidStateError, grpc.aio.UsageError, grpc.aio.AioRpcError):
                writer.transport.abort()
                raise await why_ended(relay, call) from None
            await pipe(relay, call, reader, writer, lambda piece: pb.AcceptRequest(frame=encode_piece(piece)))
        except SymbolonError as error:
            log.debug("a connection through the relay of %s: %s", relay, error.detail)
        except OSError as error:
            log.error("this node's own server %s: %s", self._server, error.strerror or error)
        finally:
            self._taken[relay] -= 1


async def _why_detached(relay: MemberId, call: Any) -> SymbolonError:
    """As `why_ended`, and in its own words where another call of this member's took the place."""
    told = await call.trailing_metadata() or grpc.aio.Metadata()
    if told.get(CODE_KEY) != REPLACED:
        return await why_ended(relay, call)
    return UnavailableError(
        "a second node with this one's certificate took its place there: does `symbolon serve` run in a copy "
        "of this folder? Stop one of them; if it is not yours, tell a founder at once",
        code=REPLACED,
    )


async def _open(server: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    if server.startswith(UNIX):
        return await asyncio.open_unix_connection(server.removeprefix(UNIX))
    host, _, port = server.rpartition(":")
    return await asyncio.open_connection(host.strip("[]"), int(port))


async def _beat(call: Any) -> None:
    while True:
        await call.write(pb.AttachRequest(heartbeat=pb.Heartbeat()))
        await asyncio.sleep(HEARTBEAT_S)
