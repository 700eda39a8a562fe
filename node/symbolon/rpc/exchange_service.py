"""The served side of `ExchangeService`: Ask (this node sends) and Offer (this node receives)."""

import asyncio
import contextlib
import json
import logging
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from typing import Any, Final

import grpc

from symbolon.api.exchange.v1 import exchange_pb2 as pb
from symbolon.api.exchange.v1 import exchange_pb2_grpc as stubs
from symbolon.errors import RemoteProtocolError, SymbolonError, UnavailableError
from symbolon.exchange.messages import Hello
from symbolon.exchange.rules_agreement import REMEDY, Agreement, with_caution
from symbolon.rpc import codec
from symbolon.rpc.figures import Figures
from symbolon.rpc.identity import caller
from symbolon.rpc.node import Node
from symbolon.rpc.permission_question import is_question, is_yes
from symbolon.rpc.receiver_role import Ask, Asking
from symbolon.rpc.sender_role import SenderWire, run_sender
from symbolon.rpc.status import CODE_KEY, public_message, refused_code, to_status
from symbolon.rpc.wire import Wire

log = logging.getLogger(__name__)

MAX_SESSIONS_OF_ONE: Final = 2
"""Sessions of one member at a time, of all that `node.max_sessions` allows: nobody can take every place."""

MAX_WAITING: Final = 64
"""Sessions that wait for a place: when something is told at once, all who follow come in the same second."""

WAIT_S: Final = 5.0
"""For a place; never more than a third of `exchange.idle_timeout_s`, after which the caller would give up."""


class ExchangeService(stubs.ExchangeServiceServicer):
    """Answers exchanges, at most `node.max_sessions` at a time; further ones wait a little for their turn."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._most = node.config.node.max_sessions
        self._sessions: Counter[str] = Counter()
        self._idle_s = float(node.config.exchange.idle_timeout_s)
        self._session_s = float(node.config.exchange.session_timeout_s)
        self._places = asyncio.Semaphore(self._most)
        self._running: set[asyncio.Task[None]] = set()

    async def Ask(  # noqa: N802 - named by the proto
        self, request_iterator: AsyncIterator[pb.AskRequest], context: grpc.aio.ServicerContext
    ) -> None:
        """The caller receives; this node sends."""
        figures = Figures()
        wire: SenderWire = Wire(
            request_iterator,
            context.write,
            lambda message: pb.AskResponse(message=codec.encode_sender(message)),
            lambda request: codec.decode_receiver(request.message),
            idle_s=self._idle_s,
            figures=figures,
        )
        question = False

        async def work(peer: str) -> str:
            nonlocal question
            hello = await wire.expect()
            if not isinstance(hello, Hello):
                raise RemoteProtocolError("the first message is not a hello", code="protocol.state")
            question = is_question(hello)
            answered = await run_sender(self._node, peer, "answer", hello, wire, figures)
            _log_rules("sender", peer, answered.key_rules)
            return answered.sentence

        await self._serve(context, work, figures, "sender", lambda: question)

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
            request_iterator,
            context.write,
            lambda message: pb.OfferResponse(message=codec.encode_receiver(message)),
            decode,
            idle_s=self._idle_s,
            figures=figures,
        )

        async def work(peer: str) -> str:
            ask = Ask.invited_by(peer, await wire.expect())
            asking = Asking(self._node, ask, figures, lambda *_: None)
            await asking.open()
            try:
                await asking.converse(wire)
            except BaseException:
                await asking.close()
                raise
            # After the call: how long the join takes depends on hits, and the caller must not see it.
            self._later(self._conclude(asking, peer, figures))
            return "the exchange was held; its result is being stored"

        await self._serve(context, work, figures, "receiver")

    async def _conclude(self, asking: Asking, peer: str, figures: Figures) -> None:
        try:
            outcome = await asking.conclude()
        except SymbolonError as error:
            _log_error(error, "receiver", peer)
        except Exception as error:  # noqa: BLE001 - it must not pass unseen
            _log_error(error, "receiver", peer)
        else:
            _log_rules("receiver", peer, outcome.key_rules)
            _log_outcome("receiver", peer, outcome.sentence, figures)
        finally:
            await asking.close()

    def _later(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    @property
    def open_sessions(self) -> int:
        """Exchanges being served now, and those that wait for a place."""
        return self._sessions.total()

    async def finish(self) -> None:
        """Waits for what goes on after calls have ended."""
        await asyncio.gather(*self._running, return_exceptions=True)

    async def _serve(
        self,
        context: grpc.aio.ServicerContext,
        work: Callable[[str], Awaitable[str]],
        figures: Figures,
        role: str,
        only_asked: Callable[[], bool] = lambda: False,
    ) -> None:
        peer = caller.get().member_id
        start = time.perf_counter()
        self._sessions[peer] += 1
        try:
            if self._sessions[peer] > MAX_SESSIONS_OF_ONE:
                raise UnavailableError("all sessions are in use", code="unavailable.busy")
            async with self._place():
                async with asyncio.timeout(self._session_s):
                    sentence = await work(peer)
                figures.total_s = figures.total_s or time.perf_counter() - start
                _log_outcome(role, peer, sentence, figures)
        except TimeoutError:
            await self._abort(context, UnavailableError("the session took too long"), role, peer)
        except asyncio.CancelledError:
            log.info("%s of %s: the call was cancelled", role, peer)
            raise
        except Exception as error:  # noqa: BLE001 - nothing unexpected leaves as more than INTERNAL
            await self._abort(context, error, role, peer, only_asked())
        finally:
            self._sessions[peer] -= 1

    @contextlib.asynccontextmanager
    async def _place(self) -> AsyncIterator[None]:
        """Holds a place, in the order in which calls came.

        Raises:
            UnavailableError: `unavailable.busy`, none became free, or too many wait.
        """
        try:
            if self._sessions.total() > self._most + MAX_WAITING:
                raise TimeoutError
            async with asyncio.timeout(min(WAIT_S, self._idle_s / 3)):
                await self._places.acquire()
        except TimeoutError:
            raise UnavailableError("all sessions are in use", code="unavailable.busy") from None
        try:
            yield
        finally:
            self._places.release()

    async def _abort(
        self,
        context: grpc.aio.ServicerContext,
        error: Exception,
        role: str,
        peer: str,
        only_asked: bool = False,
    ) -> None:
        if only_asked and isinstance(error, SymbolonError) and is_yes(error.full_code):
            # Nobody was refused anything: what the error says would read like an attack.
            log.info("%s of %s: permitted; it only asked whether, as `symbolon doctor` does", role, peer)
        else:
            _log_error(error, role, peer)
        context.set_trailing_metadata(((CODE_KEY, refused_code(error)),))
        await context.abort(to_status(error), public_message(error))


def _log_outcome(role: str, peer: str, sentence: str, figures: Figures) -> None:
    log.info("%s of %s: %s", role, peer, sentence)
    log.info("figures %s", json.dumps({"role": role, "peer": peer, **figures.as_json()}))


def _log_rules(role: str, peer: str, agreement: Agreement) -> None:
    """Warns of a result that misses suppliers because the lists were keyed by different rules."""
    if agreement != "same":
        log.warning("%s", with_caution(f"{role} of {peer}:", agreement))
        log.warning("hint: %s", REMEDY)


def _log_error(error: Exception, role: str, peer: str) -> None:
    if not isinstance(error, SymbolonError):
        log.error("%s of %s: unexpected %s", role, peer, type(error).__name__, exc_info=error)
        return
    log.warning("%s of %s: %s (%s)", role, peer, error.detail, error.full_code)
    if error.hint:
        log.warning("hint: %s", error.hint)
