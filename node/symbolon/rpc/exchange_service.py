"""The served side of `ExchangeService`: Ask (this node sends) and Offer (this node receives)."""

import asyncio
import json
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import grpc
from google.protobuf.message import DecodeError

from symbolon.api.exchange.v1 import exchange_pb2 as pb
from symbolon.api.exchange.v1 import exchange_pb2_grpc as stubs
from symbolon.errors import RemoteProtocolError, SymbolonError, UnavailableError
from symbolon.exchange.messages import Hello
from symbolon.rpc import codec
from symbolon.rpc.figures import Figures
from symbolon.rpc.identity import caller
from symbolon.rpc.node import Node
from symbolon.rpc.receiver_role import Ask, run_receiver
from symbolon.rpc.sender_role import SenderWire, run_sender
from symbolon.rpc.status import CODE_KEY, public_code, public_message, to_status
from symbolon.rpc.wire import Wire

log = logging.getLogger(__name__)


class ExchangeService(stubs.ExchangeServiceServicer):
    """Answers exchanges, at most `node.max_sessions` at a time."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._free = node.config.node.max_sessions
        self._idle_s = float(node.config.exchange.idle_timeout_s)
        self._session_s = float(node.config.exchange.session_timeout_s)
        self.running: set[asyncio.Task[None]] = set()

    async def Ask(  # noqa: N802 - named by the proto
        self, request_iterator: AsyncIterator[pb.AskRequest], context: grpc.aio.ServicerContext
    ) -> None:
        """The caller receives; this node sends."""
        figures = Figures()
        wire: SenderWire = Wire(
            _readable(request_iterator),
            context.write,
            lambda message: pb.AskResponse(message=codec.encode_sender(message)),
            lambda request: codec.decode_receiver(request.message),
            idle_s=self._idle_s,
            figures=figures,
        )

        async def work(peer: str) -> str:
            hello = await wire.expect()
            if not isinstance(hello, Hello):
                raise RemoteProtocolError("the first message is not a hello", code="protocol.state")
            return await run_sender(self._node, peer, "answer", hello, wire, figures)

        await self._serve(context, work, figures, "sender")

    async def Offer(  # noqa: N802 - named by the proto
        self, request_iterator: AsyncIterator[pb.OfferRequest], context: grpc.aio.ServicerContext
    ) -> None:
        """The caller sends; this node receives, if its operator allows to be invited."""
        figures = Figures()

        def decode(request: pb.OfferRequest) -> object:
            if request.WhichOneof("body") == "invitation":
                return codec.decode_invitation(request.invitation)
            return codec.decode_sender(request.message)

        wire: Wire[Any, Any] = Wire(
            _readable(request_iterator),
            context.write,
            lambda message: pb.OfferResponse(message=codec.encode_receiver(message)),
            decode,
            idle_s=self._idle_s,
            figures=figures,
        )

        async def work(peer: str) -> str:
            invitation = await wire.expect()
            ask = Ask.invited_by(peer, invitation)
            outcome = await run_receiver(self._node, ask, wire, figures, lambda *_: None)
            return outcome.sentence

        await self._serve(context, work, figures, "receiver")

    async def _serve(
        self,
        context: grpc.aio.ServicerContext,
        work: Callable[[str], Awaitable[str]],
        figures: Figures,
        role: str,
    ) -> None:
        peer = caller.get().member_id
        start = time.perf_counter()
        task = asyncio.current_task()
        if task is not None:
            self.running.add(task)
        self._free -= 1
        try:
            if self._free < 0:
                raise UnavailableError("all sessions are in use", code="unavailable.busy")
            async with asyncio.timeout(self._session_s):
                sentence = await work(peer)
            figures.total_s = time.perf_counter() - start
            log.info("%s of %s: %s", role, peer, sentence)
            log.info("figures %s", json.dumps({"role": role, "peer": peer, **figures.as_json()}))
        except TimeoutError:
            await self._abort(context, UnavailableError("the session took too long"), role, peer)
        except SymbolonError as error:
            await self._abort(context, error, role, peer)
        except asyncio.CancelledError:
            log.info("%s of %s: the call was cancelled", role, peer)
            raise
        except Exception as error:  # noqa: BLE001 - nothing unexpected leaves as more than INTERNAL
            await self._abort(context, error, role, peer)
        finally:
            self._free += 1
            if task is not None:
                self.running.discard(task)

    async def _abort(self, context: grpc.aio.ServicerContext, error: Exception, role: str, peer: str) -> None:
        if isinstance(error, SymbolonError):
            log.warning("%s of %s: %s (%s)", role, peer, error.detail, error.full_code)
            if error.hint:
                log.warning("hint: %s", error.hint)
        else:
            log.error("%s of %s: unexpected %s", role, peer, type(error).__name__, exc_info=error)
        context.set_trailing_metadata(((CODE_KEY, public_code(error)),))
        await context.abort(to_status(error), public_message(error))


async def _readable(requests: AsyncIterator[Any]) -> AsyncIterator[Any]:
    """The requests; bytes that are no message are the peer's fault, not this node's."""
    try:
        async for request in requests:
            yield request
    except DecodeError:
        raise RemoteProtocolError("bytes that are no message", code="protocol.malformed") from None
