"""The served side of `RelayService`: joins calls of members that only dial out.

Every call is made by a member, as `MemberInterceptor` has checked; and since these calls are long, a sweep
asks again every second and ends those of whoever is no member any more, and those that went silent. What is
carried is never looked at and never logged, nor is who talks to whom. Refuses: whatever `Switchboard` and
`relay_frames` refuse. Specification: docs/PROTOCOL.md, relay.
"""

import asyncio
import logging
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any, Final

import grpc

from symbolon.api.relay.v1 import relay_pb2 as pb
from symbolon.api.relay.v1 import relay_pb2_grpc as stubs
from symbolon.errors import RemoteProtocolError, SymbolonError, UnavailableError
from symbolon.membership.member import MemberId
from symbolon.rpc.concurrent import together
from symbolon.rpc.identity import caller
from symbolon.rpc.relay_frames import decode_target, decode_ticket, encode_piece
from symbolon.rpc.relay_joint import End, Joint
from symbolon.rpc.relay_limits import HEARTBEAT_S, SILENCE_S, RelayLimits
from symbolon.rpc.relay_rate import TokenBucket
from symbolon.rpc.relay_switchboard import BUSY, REPLACED, Connection, Switchboard
from symbolon.rpc.status import CODE_KEY, public_message, refused_code, to_status

log = logging.getLogger(__name__)

StillMember = Callable[[Mapping[str, Any]], object]
"""Judges what gRPC tells of a connection; raises `MembershipError`. May read files."""


class _Call:
    """One open call: who made it, when it last moved, and a way to end it."""

    def __init__(self, context: grpc.aio.ServicerContext, patience_s: float, now_s: float) -> None:
        self.member: Final[MemberId] = caller.get().member_id
        self.auth: Final[Mapping[str, Any]] = context.auth_context()
        self.certificate: Final = tuple(self.auth.get("x509_pem_cert", ()))
        self.scope: Final = asyncio.timeout(None)
        self.moved_s = now_s
        self.patience_s = patience_s
        self.granted = False
        self.over = False
        self.reason: Exception | None = None

    def end(self, reason: Exception) -> None:
        """Ends the call from outside, at once and for this reason; does nothing once it is over."""
        if self.reason is None and not self.over:
            self.reason = reason
            self.scope.reschedule(asyncio.get_running_loop().time())


class _Line:
    """An attached member's call, and what is to be pushed to it."""

    def __init__(self, call: _Call, most: int) -> None:
        self.call = call
        self.incoming: asyncio.Queue[pb.Incoming] = asyncio.Queue(most)


class RelayService(stubs.RelayServiceServicer):
    """Joins members' calls. `sweep` has to run beside it.

    Args:
        still_member: asked again and again about every open call.
        limits: what is granted.
        clock: seconds that never go back.
        rng: random bytes.
    """

    def __init__(
        self,
        still_member: StillMember,
        limits: RelayLimits | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
        rng: Callable[[int], bytes] = os.urandom,
    ) -> None:
        self._still_member = still_member
        self._limits = limits or RelayLimits()
        self._clock = clock
        self._switchboard: Switchboard[_Line] = Switchboard(self._limits, rng)
        # One for each member that ever called: no more than the coalition has had.
        self._buckets: dict[MemberId, TokenBucket] = {}
        self._calls: set[_Call] = set()
        self._asked: dict[Connection, tuple[End, asyncio.Future[Joint]]] = {}

    @property
    def attached(self) -> int:
        """How many members are attached."""
        return self._switchboard.attached

    @property
    def connections(self) -> int:
        """How many connections are open or waited for."""
        return self._switchboard.connections

    async def Attach(  # noqa: N802 - named by the proto
        self, request_iterator: AsyncIterator[pb.AttachRequest], context: grpc.aio.ServicerContext
    ) -> None:
        """Holds a member reachable."""

        async def work(call: _Call) -> None:
            line = _Line(call, self._limits.pending_for_one)
            before = self._switchboard.attach(call.member, line)
            if before is not None:
                before.call.end(UnavailableError("the member has attached anew", code=REPLACED))
            self._grant(call, SILENCE_S)
            log.info("%s is attached; %d members are", call.member, self.attached)
            try:
                await together(self._hear_beats(call, request_iterator), self._push(line, context))
            finally:
                self._switchboard.detach(call.member, line)
                log.info("%s is not attached any more; %d members are", call.member, self.attached)

        await self._serve(context, "attach", work)

    async def Connect(  # noqa: N802 - named by the proto
        self, request_iterator: AsyncIterator[pb.ConnectRequest], context: grpc.aio.ServicerContext
    ) -> None:
        """Asks for a connection to an attached member, and is one end of it."""

        async def work(call: _Call) -> None:
            target = decode_target(await _first(request_iterator))
            connection, line = self._switchboard.ask(call.member, target)
            end = self._end(
                call, request_iterator, context, lambda piece: pb.ConnectResponse(frame=encode_piece(piece))
            )
            joined: asyncio.Future[Joint] = asyncio.get_running_loop().create_future()
            self._asked[connection] = end, joined
            try:
                self._announce(line, connection)
                self._grant(call, self._limits.idle_s)
                async with asyncio.timeout(self._limits.accept_s):
                    joint = await joined
                await joint.hold(end)
            except TimeoutError:
                raise UnavailableError("the member it asks for did not accept in time") from None
            finally:
                del self._asked[connection]
                self._switchboard.close(connection)
                if joined.done() and not joined.cancelled():
                    # It may have been joined just when this call gave up.
                    await joined.result().cut()

        await self._serve(context, "connect", work)

    async def Accept(  # noqa: N802 - named by the proto
        self, request_iterator: AsyncIterator[pb.AcceptRequest], context: grpc.aio.ServicerContext
    ) -> None:
        """Takes up an announced connection, and is the other end of it."""

        async def work(call: _Call) -> None:
            connection = self._switchboard.claim(call.member, decode_ticket(await _first(request_iterator)))
            asking, joined = self._asked[connection]
            if joined.done():
                raise UnavailableError("who asked has given up")
            end = self._end(
                call, request_iterator, context, lambda piece: pb.AcceptResponse(frame=encode_piece(piece))
            )
            self._grant(call, self._limits.idle_s)
            joint = Joint(asking, end, self._pay, pb.ConnectResponse(connected=pb.Connected()))
            joined.set_result(joint)
            await joint.hold(end)

        await self._serve(context, "accept", work)

    async def sweep(self) -> None:
        """Ends, until cancelled, the calls of those who are no members any more, and the silent ones."""
        while True:
            await asyncio.sleep(self._limits.sweep_s)
            await self.sweep_once()

    async def sweep_once(self) -> None:
        """One round of `sweep`."""
        calls = tuple(self._calls)
        refused = await asyncio.to_thread(self._judge, calls)
        for call in calls:
            if call.certificate in refused:
                call.end(refused[call.certificate])
            elif self._clock() - call.moved_s > call.patience_s:
                call.end(UnavailableError(f"silent for more than {call.patience_s:g} s"))

    def end_attached(self) -> None:
        """Sends attached members elsewhere; connections that are joined go on."""
        for line in self._switchboard.lines:
            line.call.end(UnavailableError("the relay is stopping"))

    def _judge(self, calls: tuple[_Call, ...]) -> dict[tuple[bytes, ...], Exception]:
        """The certificates of `calls` that are no member's now, and why."""
        refused: dict[tuple[bytes, ...], Exception] = {}
        for certificate, auth in {call.certificate: call.auth for call in calls}.items():
            try:
                self._still_member(auth)
            except Exception as error:  # noqa: BLE001 - where nobody can tell, nobody is a member
                refused[certificate] = error
        return refused

    def _end(
        self,
        call: _Call,
        requests: AsyncIterator[Any],
        context: grpc.aio.ServicerContext,
        wrap: Callable[[bytes | None], Any],
    ) -> End:
        def moved() -> None:
            call.moved_s = self._clock()

        return End(call.member, requests, context.write, wrap, moved)

    def _announce(self, line: _Line, connection: Connection) -> None:
        incoming = pb.Incoming(connection_id=connection.connection_id, from_member=connection.dialler)
        try:
            line.incoming.put_nowait(incoming)
        except asyncio.QueueFull:
            raise UnavailableError("that member does not take what is announced to it", code=BUSY) from None

    async def _hear_beats(self, call: _Call, requests: AsyncIterator[pb.AttachRequest]) -> None:
        async for _ in requests:
            await self._pay(call.member, 0)
            call.moved_s = self._clock()
        raise UnavailableError("the member has detached")

    async def _push(self, line: _Line, context: grpc.aio.ServicerContext) -> None:
        response = pb.AttachResponse(heartbeat=pb.Heartbeat())
        while True:
            await context.write(response)
            try:
                async with asyncio.timeout(HEARTBEAT_S):
                    response = pb.AttachResponse(incoming=await line.incoming.get())
            except TimeoutError:
                response = pb.AttachResponse(heartbeat=pb.Heartbeat())

    async def _pay(self, member: MemberId, size_bytes: int) -> None:
        """Waits until a member may send a frame of this size."""
        await self._spend(member, max(size_bytes, self._limits.frame_bytes))

    async def _spend(self, member: MemberId, amount_bytes: int) -> None:
        now_s = self._clock()
        bucket = self._buckets.get(member)
        if bucket is None:
            bucket = TokenBucket(self._limits.rate_bytes_s, self._limits.burst_bytes, now_s)
            self._buckets[member] = bucket
        wait_s = bucket.take(amount_bytes, now_s)
        if wait_s:
            await asyncio.sleep(wait_s)

    def _grant(self, call: _Call, patience_s: float) -> None:
        if not call.granted:
            call.granted = True
            self._switchboard.granted(call.member)
        call.moved_s = self._clock()
        call.patience_s = patience_s

    async def _serve(
        self, context: grpc.aio.ServicerContext, what: str, work: Callable[[_Call], Awaitable[None]]
    ) -> None:
        call = _Call(context, self._limits.first_s, self._clock())
        try:
            self._switchboard.enter(call.member)
        except UnavailableError as error:
            await _abort(context, error, what, call)
        self._calls.add(call)
        try:
            async with call.scope:
                try:
                    await self._spend(call.member, self._limits.call_bytes)
                    await work(call)
                finally:
                    call.over = True
        except TimeoutError:
            await _abort(context, call.reason or UnavailableError("the call took too long"), what, call)
        except Exception as error:  # noqa: BLE001 - nothing unexpected leaves as more than INTERNAL
            await _abort(context, error, what, call)
        finally:
            self._calls.discard(call)
            if not call.granted:
                self._switchboard.granted(call.member)


async def _first(requests: AsyncIterator[Any]) -> Any:
    """The first message of a call."""
    request = await anext(requests, None)
    if request is None:
        raise RemoteProtocolError("the call stopped before it said anything", code="protocol.short")
    return request


async def _abort(context: grpc.aio.ServicerContext, error: Exception, what: str, call: _Call) -> None:
    if isinstance(error, UnavailableError):
        log.debug("%s of %s: %s", what, call.member, error.detail)
    elif isinstance(error, SymbolonError):
        log.warning("%s of %s: %s (%s)", what, call.member, error.detail, error.full_code)
    elif not isinstance(error, grpc.aio.BaseError):
        # gRPC's own errors are calls that broke while something was said to them.
        log.error("%s of %s: unexpected %s", what, call.member, type(error).__name__, exc_info=error)
    # That the relay is full is no secret, and who asks has to know whose operator to talk to; nor is it one
    # for a member that it attached a second time.
    code = error.full_code if isinstance(error, UnavailableError) else ""
    context.set_trailing_metadata(((CODE_KEY, code if code in (BUSY, REPLACED) else refused_code(error)),))
    await context.abort(to_status(error), public_message(error))
