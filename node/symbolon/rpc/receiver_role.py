"""Asking in one exchange: from the hello to the matches, whichever side called.

What the session brought is stored in one transaction at its end; until then nothing of it is kept.
"""

import asyncio
import contextlib
import time
from contextlib import AsyncExitStack

import grpc

from symbolon.audit.entry import Entry
from symbolon.errors import (
    LocalProtocolError,
    PermissionDeniedError,
    StaleEpochError,
    SymbolonError,
    UsageError,
)
from symbolon.exchange.messages import (
    Elements,
    Evaluated,
    Hello,
    ReceiverMessage,
    SenderMessage,
    Working,
)
from symbolon.exchange.receiver import State
from symbolon.policy.permission import ExchangeRequest, Grant
from symbolon.rpc.concurrent import ended, exclusive, to_the_end, together
from symbolon.rpc.early_end import CALL_IS_OVER, Reason, reason
from symbolon.rpc.figures import Figures
from symbolon.rpc.node import Node
from symbolon.rpc.receiver_labels import prepare_labelled
from symbolon.rpc.receiver_session import Ask, Held, Outcome, Prepared, Progress, Signed
from symbolon.rpc.receiver_size import prepare_size
from symbolon.rpc.wire import Wire
from symbolon.storage.audit_log import session_entry

__all__ = ["Ask", "Asking", "Outcome", "Progress", "ReceiverWire"]

ReceiverWire = Wire[ReceiverMessage, SenderMessage]

ELEMENT_BYTES = 32
BLINDED_AHEAD = 16
"""Chunks blinded before they can be sent: work for the time that the peer takes to accept."""


class Asking:
    """One exchange as receiver: `open`, `converse`, and, once the call has ended, `conclude`; then `close`.

    Between `open` and `close` no other exchange of this node asks the same peer: two that load the same
    state would both add to it. What the session brought is worked out after the call: how long that takes
    depends on hits, and the peer must not see it.

    Args:
        node: this node.
        ask: what to ask.
        figures: filled on the way.
        progress: told how far it has come.
    """

    def __init__(self, node: Node, ask: Ask, figures: Figures, progress: Progress) -> None:
        self._node = node
        self._ask = ask
        self._figures = figures
        self._progress = progress
        self._lock = AsyncExitStack()
        self._prepared: Prepared | None = None
        self._reading: asyncio.Future[Held] | None = None
        self._grant: Grant | None = None
        self._signed: Signed | None = None

    async def __aenter__(self) -> "Asking":
        await self.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def open(self) -> None:
        """Asks this node's own permission and makes sure that nobody else asks the peer.

        Raises:
            AuditError: `audit.truncated`, this node's audit log is not the one that it signed before.
            PermissionDeniedError: the operator has not allowed it.
            UsageError: there is nothing to ask.
            StorageBusyError: another exchange is asking this peer.
        """
        await asyncio.to_thread(self._node.checkpoints.require_whole)
        try:
            self._grant = await asyncio.to_thread(_permit, self._node, self._ask)
        except PermissionDeniedError as error:
            if self._ask.direction == "invited":
                about = ("", self._ask.mode, self._ask.purpose)
                entry = Entry("denied", self._ask.peer, *about, note=error.full_code, decision=error.decision)
                await asyncio.to_thread(self._node.audit.append, entry)
            raise
        await self._lock.enter_async_context(
            exclusive(self._node.asking_lock(self._ask.peer, self._ask.area))
        )

    async def close(self) -> None:
        """Lets others ask the peer."""
        if self._reading is not None:
            await ended(self._reading)
        await self._lock.aclose()

    async def converse(self, wire: ReceiverWire) -> None:
        """Says everything there is to say and takes everything that comes; writes down a failure.

        Raises:
            StaleEpochError: what was held of the peer's set is dropped; converse again, in a new call.
            SymbolonError: the exchange ended in error; the session and the audit log say so.
        """
        started = time.perf_counter()
        suite = await asyncio.to_thread(self._node.suite, self._node.config.exchange.suite, answering=False)
        with self._figures.phase("load"):
            if self._ask.mode == "size":
                self._prepared = await to_the_end(prepare_size, self._node, self._ask, suite)
            else:
                self._prepared = await prepare_labelled(self._node, self._ask, suite)
        if self._grant is None:
            raise LocalProtocolError("not permitted before it is held")
        self._reading, self._signed = await _converse(
            self._node, self._ask, self._grant, self._prepared, wire, self._figures, self._progress
        )
        self._figures.total_s += time.perf_counter() - started

    async def conclude(self) -> Outcome:
        """Joins and stores what the session brought.

        Raises:
            SymbolonError: it does not fit what is held, or cannot be stored; the session says so.
        """
        prepared, reading, signed = self._prepared, self._reading, self._signed
        if prepared is None or reading is None or signed is None:
            raise LocalProtocolError("concluded before it was held")
        started = time.perf_counter()
        concluding: asyncio.Future[Outcome] | None = None
        try:
            with self._figures.phase("load"):
                held = await asyncio.shield(reading)
            concluding = asyncio.ensure_future(
                asyncio.to_thread(prepared.conclude, held, signed, self._figures)
            )
            outcome = await asyncio.shield(concluding)
        except BaseException as error:
            # A thread does not end with a cancelled call: what it has stored is not taken back.
            if concluding is None or not await ended(concluding):
                hello = prepared.session.hello
                why = _reason(self._ask, error)
                await to_the_end(_note_failure, self._node, self._ask, hello, why, error)
            raise
        self._figures.total_s += time.perf_counter() - started
        await to_the_end(self._node.receipts.sign_over_session)
        return outcome


def _permit(node: Node, ask: Ask) -> Grant:
    grant = node.permission.require(
        ExchangeRequest(
            ask.direction, ask.peer, ask.area, ask.mode, ask.purpose, ask.tiers, node.config.exchange.suite
        )
    )
    if not node.suppliers.count():
        raise UsageError(
            "this node holds no suppliers yet", hint="Run `symbolon suppliers import FILE` first."
        )
    return grant


async def _converse(
    node: Node,
    ask: Ask,
    grant: Grant,
    prepared: Prepared,
    wire: ReceiverWire,
    figures: Figures,
    progress: Progress,
) -> "tuple[asyncio.Future[Held], Signed]":
    """Says everything there is to say and takes everything that comes; writes down a failure.

    Returns:
        What `prepared.read` gives, once it has, and what both ends signed.
    """
    session = prepared.session
    hello = session.hello
    total = sum(each.elements for each in hello.tiers)

    accepted = asyncio.Event()
    blinded: asyncio.Queue[Elements | None] = asyncio.Queue(BLINDED_AHEAD)

    async def blind() -> None:
        elements = session.elements()
        message: Elements | None = None
        while True:
            with figures.phase("blind"):
                message = await asyncio.to_thread(next, elements, None)
            await blinded.put(message)
            if message is None:
                return

    async def say() -> None:
        # While this end writes, gRPC tells a refusal as a write that failed, and its reason is lost.
        await accepted.wait()
        sent = 0
        while (message := await blinded.get()) is not None:
            await wire.send(message)
            sent += len(message.data) // ELEMENT_BYTES
            progress("asking", sent, total)

    async def hear() -> None:
        heard = 0
        while session.state is not State.DONE:
            with figures.phase("wait"):
                message = await wire.expect()
            with figures.phase("finalize"):
                await asyncio.to_thread(session.receive, message)
            accepted.set()
            if isinstance(message, Evaluated):
                heard += len(message.data) // ELEMENT_BYTES
                progress("hearing", heard, total)
            elif isinstance(message, Working):
                progress(f"the peer prepares its set, tier {message.tier}", message.done, message.total)

    basis = "the peer invited this node" if ask.direction == "invited" else "this node's operator asked"
    begin = node.receiving.begin_session
    about = (hello, ask.peer, basis, prepared.request, grant.decision)
    beginning = asyncio.ensure_future(asyncio.to_thread(begin, *about))
    try:
        await asyncio.shield(beginning)
        await wire.send(session.start())
        reading = asyncio.ensure_future(asyncio.to_thread(prepared.read))
        try:
            await together(blind(), say(), hear())
            take = node.receipts.take_finish
            document, result, receipt = await asyncio.to_thread(take, prepared.request, session, ask.peer)
        except BaseException:
            await ended(reading)
            raise
        # Everything came: whether the peer still hears this takes nothing from that.
        with contextlib.suppress(SymbolonError, grpc.aio.AioRpcError, *CALL_IS_OVER):
            await wire.send(receipt)
        return reading, Signed(prepared.request, document, result)
    except BaseException as error:
        why = _reason(ask, error)
        # A thread does not end with a cancelled call: only once it is done can the session be ended.
        await ended(beginning)
        await to_the_end(_note_failure, node, ask, hello, why, error)
        raise


def _reason(ask: Ask, error: BaseException) -> Reason:
    return reason(ask.peer, error, own_command=ask.direction == "ask")


def _note_failure(node: Node, ask: Ask, hello: Hello, why: Reason, error: BaseException) -> None:
    # A peer that answers says so by a status, one that called by a failure.
    if isinstance(error, StaleEpochError) or why.code == f"peer.{StaleEpochError.code}":
        node.receiving.forget(ask.peer, ask.area)
    entry = session_entry("failed", ask.peer, hello, {}, why.code)
    sentence = f"The session with {ask.peer} ended early ({why.words}); nothing was learned from it."
    node.sessions.end("receiver", entry, done=False, sentence=sentence)
