"""Calling a peer: one channel, both directions of an exchange."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import grpc

from symbolon.api.exchange.v1 import exchange_pb2 as pb
from symbolon.api.exchange.v1 import exchange_pb2_grpc as stubs
from symbolon.errors import (
    RemoteProtocolError,
    StaleEpochError,
    SymbolonError,
    UnavailableError,
)
from symbolon.exchange.messages import Failure, Hello, Invitation
from symbolon.rpc import codec
from symbolon.rpc.channel import listed_certificate, pinned_channel
from symbolon.rpc.figures import Figures
from symbolon.rpc.node import Node
from symbolon.rpc.reach import reached
from symbolon.rpc.receiver_role import Ask, Asking, Outcome, Progress
from symbolon.rpc.sender_role import run_sender
from symbolon.rpc.status import CODE_KEY, from_failure, from_status, public_code, public_message
from symbolon.rpc.wire import Wire


class Peer:
    """An open channel to one member."""

    def __init__(self, node: Node, member_id: str, channel: grpc.aio.Channel) -> None:
        self._node = node
        self._member_id = member_id
        self._stub = stubs.ExchangeServiceStub(channel)
        self._idle_s = float(node.config.exchange.idle_timeout_s)
        self._session_s = float(node.config.exchange.session_timeout_s)

    async def ask(self, ask: Ask, figures: Figures, progress: Progress = lambda *_: None) -> Outcome:
        """Runs one exchange as receiver, whole.

        Raises:
            SymbolonError: what the peer or this node refused, or `UnavailableError`.
        """
        async with self.asking(ask, figures, progress) as asking:
            return await asking.conclude()

    @asynccontextmanager
    async def asking(
        self, ask: Ask, figures: Figures, progress: Progress = lambda *_: None
    ) -> AsyncIterator[Asking]:
        """Holds the conversation of one exchange as receiver; the block concludes it.

        What the peer is to see next (an offer in turn) belongs before the conclusion, since the time that
        takes tells of hits. A stale epoch is answered by one full session.

        Raises:
            SymbolonError: as `ask`.
        """
        async with Asking(self._node, ask, figures, progress) as asking:
            try:
                await self._converse(asking, figures)
            except StaleEpochError:
                await asyncio.to_thread(self._node.receiving.forget, self._member_id, ask.area)
                await self._converse(asking, figures)
            yield asking

    async def _converse(self, asking: Asking, figures: Figures) -> None:
        call = self._stub.Ask(timeout=self._session_s)
        wire: Wire[Any, Any] = Wire(
            call.__aiter__(),
            call.write,
            lambda message: pb.AskRequest(message=codec.encode_receiver(message)),
            lambda response: codec.decode_sender(response.message),
            idle_s=self._idle_s,
            figures=figures,
        )
        async with self._ended(call):
            await asking.converse(wire)
            # Everything came, up to the sender's finish: how the call itself ends takes nothing from that.
            with contextlib.suppress(grpc.aio.AioRpcError, grpc.aio.UsageError, asyncio.InvalidStateError):
                await call.done_writing()
                await self._status(call)

    async def offer(self, invitation: Invitation, figures: Figures) -> str:
        """Runs one exchange as sender: the peer is invited to ask; a stale epoch is offered once more.

        Returns:
            One sentence: what this node revealed and learned.
        """
        try:
            return await self._offer(invitation, figures)
        except StaleEpochError:
            return await self._offer(invitation, figures)

    async def _offer(self, invitation: Invitation, figures: Figures) -> str:
        start = time.perf_counter()
        call = self._stub.Offer(timeout=self._session_s)

        def encode(message: Any) -> pb.OfferRequest:
            if isinstance(message, Invitation):
                return pb.OfferRequest(invitation=codec.encode_invitation(message))
            return pb.OfferRequest(message=codec.encode_sender(message))

        wire: Wire[Any, Any] = Wire(
            call.__aiter__(),
            call.write,
            encode,
            lambda response: codec.decode_receiver(response.message),
            idle_s=self._idle_s,
            figures=figures,
        )
        async with self._ended(call):
            try:
                await wire.send(invitation)
                hello = await wire.expect()
                _check_invited(hello, invitation)
                answered = await run_sender(self._node, self._member_id, "answer", hello, wire, figures)
            except SymbolonError as error:
                if not call.done():
                    await wire.send(Failure(public_code(error), public_message(error)))
                    if isinstance(error, StaleEpochError):
                        # The peer drops what it held before it ends the call; then it can be invited again.
                        with contextlib.suppress(grpc.aio.AioRpcError, SymbolonError):
                            while await wire.receive() is not None:
                                pass
                raise
            await call.done_writing()
            status = await self._status(call)
            if status is not grpc.StatusCode.OK:
                raise UnavailableError(
                    f"{self._member_id} reported {status.name.lower()} at the end",
                    hint="Try again; the peer's operator finds the reason in its log.",
                )
        figures.total_s = time.perf_counter() - start
        return answered.sentence

    async def _status(self, call: Any) -> grpc.StatusCode:
        """How the peer ends the call, if it does so in time."""
        try:
            async with asyncio.timeout(self._idle_s):
                status: grpc.StatusCode = await call.code()
                return status
        except TimeoutError:
            return grpc.StatusCode.DEADLINE_EXCEEDED

    def _stopped(self) -> UnavailableError:
        return UnavailableError(f"{self._member_id} stopped half-way", hint="Try again; nothing was lost.")

    @asynccontextmanager
    async def _ended(self, call: Any) -> AsyncIterator[None]:
        """Turns the end of a call into an error of this node, and leaves no call behind."""
        try:
            yield
        except grpc.aio.AioRpcError as error:
            if error.code() is grpc.StatusCode.INTERNAL and CODE_KEY not in (error.trailing_metadata() or ()):
                # Not from the peer, which never leaves its code out: a write met a broken connection.
                raise self._stopped() from error
            raise from_status(self._member_id, error) from error
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise
            # Not this node was told to stop: gRPC says so of a call that one of its own waits gave up.
            raise self._stopped() from None
        except (asyncio.InvalidStateError, grpc.aio.UsageError):
            # Writing to a call that the peer has ended: its status is the reason.
            raise from_status(self._member_id, await _as_error(call)) from None
        except RemoteProtocolError as error:
            if error.full_code.startswith("peer."):
                raise from_failure(self._member_id, error.full_code.removeprefix("peer.")) from error
            if error.full_code == "protocol.short" and call.done():
                raise from_status(self._member_id, await _as_error(call)) from error
            raise
        finally:
            call.cancel()


async def _as_error(call: Any) -> grpc.aio.AioRpcError:
    return grpc.aio.AioRpcError(
        await call.code(), await call.initial_metadata(), await call.trailing_metadata(), await call.details()
    )


def _check_invited(hello: object, invitation: Invitation) -> None:
    if not isinstance(hello, Hello):
        raise RemoteProtocolError("the first message is not a hello", code="protocol.state")
    tiers = "".join(ask.tier for ask in hello.tiers)
    if (hello.mode, hello.purpose, tiers) != (invitation.mode, invitation.purpose, "".join(invitation.tiers)):
        raise RemoteProtocolError("the peer asks for something else than offered", code="protocol.context")


@asynccontextmanager
async def connect(node: Node, member_id: str, through: str = "") -> AsyncIterator[Peer]:
    """Opens a channel to a member and closes it at the end.

    Args:
        node: this node.
        member_id: whom to reach.
        through: where to dial instead of the member's own place, as `pinned_channel` takes it; whoever
            answers there has to prove to be the member all the same.

    Raises:
        MembershipError: it is not a member in good standing, cannot be dialled at all, or shows another
            certificate than the one listed.
        UnavailableError: it cannot be reached now.
    """
    way = (
        pinned_channel(node, member_id, through, listed_certificate(node))
        if through
        else reached(node, member_id)
    )
    async with way as channel:
        yield Peer(node, member_id, channel)
