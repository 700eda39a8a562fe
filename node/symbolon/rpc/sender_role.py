"""Answering one exchange: from a hello to the last entry, whichever side called.

Order of things, none of which may be swapped: the hello is checked, found signed by the receiver, and
permitted; the budget is debited and the audit entry written; only then is anything evaluated. A delta is
recorded before its first entry leaves. While a set is being made the receiver is told so: entries leave
sorted, so the first waits for the last. At the end both sign what the session came to.
"""

import asyncio
import functools
import logging
from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import Final

import numpy as np
import numpy.typing as npt

from symbolon.audit.document import Document
from symbolon.audit.entry import Entry
from symbolon.errors import BudgetError, PermissionDeniedError, RemoteProtocolError
from symbolon.exchange.id_sets import distinct
from symbolon.exchange.key_table import KeyTable
from symbolon.exchange.limits import SIZE_MIN_RECORDS, SIZE_TOKEN_BYTES
from symbolon.exchange.messages import MATCH, MODES, SIGNAL, DeltaHeader, Hello, TierOffer
from symbolon.exchange.padding import padded_count
from symbolon.exchange.rules_agreement import compare, with_caution
from symbolon.exchange.sender import Sender
from symbolon.exchange.sender_set import live_keys
from symbolon.exchange.size_mode import distinct_points, sender_tokens
from symbolon.oprf.suite import Suite
from symbolon.policy.permission import Direction, ExchangeRequest, Grant, Usage
from symbolon.rpc.concurrent import ended, exclusive, to_the_end, together
from symbolon.rpc.early_end import Reason, reason
from symbolon.rpc.figures import Figures
from symbolon.rpc.node import Node
from symbolon.rpc.permission_question import is_question
from symbolon.rpc.sender_handles import HandleSource
from symbolon.rpc.sender_labels import LabelSource, run_labelled
from symbolon.rpc.sender_session import (
    Answered,
    Ending,
    SenderSession,
    SenderWire,
    evaluate_all,
    sign_off,
)
from symbolon.rpc.sender_signals import SignalSource
from symbolon.rpc.set_making import Made, in_parts, while_working
from symbolon.rpc.set_preparation import permitted_suppliers
from symbolon.storage.audit_log import session_entry
from symbolon.storage.exchange_sender_store import SEED_BYTES, Epoch
from symbolon.storage.exchange_session_store import UNSIGNED
from symbolon.storage.supplier_store import ListKeys
from symbolon.suppliers.tier import Tier

log = logging.getLogger(__name__)

SOURCES: Final[dict[str, Callable[[SenderSession], LabelSource]]] = {
    MATCH: HandleSource,
    SIGNAL: SignalSource,
}
"""Where the labels of an area come from."""

__all__ = ["Answered", "SenderWire", "run_sender"]


async def run_sender(
    node: Node, peer: str, direction: Direction, hello: Hello, wire: SenderWire, figures: Figures
) -> Answered:
    """Runs one exchange as sender.

    Args:
        node: this node.
        peer: the receiver, proven by its certificate.
        direction: `answer`, also where this node made the call and offers its set.
        hello: already received.
        wire: the rest of the exchange.
        figures: filled on the way.

    Raises:
        SymbolonError: the exchange ended in error; the session and the audit log say so.
    """
    opening: asyncio.Future[Epoch] | None = None
    request: Document | None = None
    # Until the session's end is written: one that is open and not locked was left by a dead process.
    async with AsyncExitStack() as lock:
        try:
            if hello.request is not None:
                request = await asyncio.to_thread(node.receipts.take_hello, hello, peer)
            usage = await asyncio.to_thread(_usage, node, peer, hello)
            suite, grant = await asyncio.to_thread(_permit, node, peer, direction, hello, usage)
            if request is None:
                # Last of all: `symbolon doctor` asks whether it would be permitted by a hello without one.
                request = await asyncio.to_thread(node.receipts.take_hello, hello, peer)
            # Before the budget is touched: a second session of the same peer pays nothing.
            await lock.enter_async_context(exclusive(node.answering_lock(peer)))
            # What a session of this peer asked that ended in between counts too.
            usage, before = await asyncio.to_thread(_usage, node, peer, hello), usage
            if usage != before:
                suite, grant = await asyncio.to_thread(_permit, node, peer, direction, hello, usage)
            size = hello.mode == "size"
            loading = asyncio.ensure_future(asyncio.to_thread(_load_keys, node, hello))
            try:
                if size:
                    tables = (await asyncio.shield(loading)).tables
                    await to_the_end(_require_records, hello, tables)
                opening = asyncio.ensure_future(asyncio.to_thread(_open, node, peer, hello, grant, request))
                epoch = await asyncio.shield(opening)
                with figures.phase("load"):
                    keys = await asyncio.shield(loading)
            finally:
                # Also of a peer that is refused or hangs up: lists loaded for nobody would fill the memory.
                await ended(loading)
            session = SenderSession(node, peer, hello, grant, request, epoch, suite, keys, wire, figures)
            if size:
                ending = await _run_size(session)
            else:
                ending = await run_labelled(session, SOURCES[hello.area])
        except BaseException as error:
            # A thread does not end with a cancelled call.
            opened = opening is not None and await ended(opening)
            why = reason(peer, error)
            await to_the_end(_note_failure, node, peer, hello, why, error, opened, request)
            raise
        rules = compare(keys.rules, hello.key_rules)
        result, sentence = ending.result, with_caution(ending.sentence, rules)
        unsigned = peer not in result.signatures
        if unsigned:
            sentence += f" {peer} {UNSIGNED}"
        about = {"request": request.sha256, "receipt": result.sha256}
        entry = session_entry("ended", peer, hello, {}, "no receipt" if unsigned else "", **about)
        beside = None if unsigned else ending.acknowledged
        end = functools.partial(node.sessions.end, "sender", entry, done=True, beside=beside)
        await to_the_end(end, sentence=sentence, documents=(result,))
        await to_the_end(node.receipts.sign_over_session)
    return Answered(sentence, rules)


def _usage(node: Node, peer: str, hello: Hello) -> Usage:
    return node.sending.usage(peer, hello.area, hello, node.budget)


def _permit(node: Node, peer: str, direction: Direction, hello: Hello, usage: Usage) -> tuple[Suite, Grant]:
    """Everything that can refuse a hello before the budget is touched."""
    if hello.coalition != node.config.node.coalition or hello.area not in MODES:
        raise RemoteProtocolError("the hello is for another coalition or area", code="protocol.context")
    suite = node.suite(hello.suite, answering=True)
    tiers = tuple(letter for ask in hello.tiers for letter in ask.tier)
    asked = ExchangeRequest(direction, peer, hello.area, hello.mode, hello.purpose, tiers, hello.suite, usage)
    grant = node.permission.require(asked)
    return suite, grant


def _load_keys(node: Node, hello: Hello) -> ListKeys:
    """Own keys by tier. The tiers of size mode come as one, `AB`."""
    if hello.area == SIGNAL:
        return node.signals.keys(Tier(letter) for ask in hello.tiers for letter in ask.tier)
    return node.suppliers.load_list(Tier(letter) for ask in hello.tiers for letter in ask.tier)


def _require_records(hello: Hello, tables: dict[str, KeyTable]) -> None:
    """Refuses a count over so few records on either side that it would speak of single ones."""
    asked = hello.tiers[0].elements // hello.group_size
    owners = [table.link_supplier[live_keys(table).links] for table in tables.values()]
    if min(asked, len(distinct(np.concatenate(owners)))) < SIZE_MIN_RECORDS:
        raise PermissionDeniedError(
            f"size mode needs {SIZE_MIN_RECORDS} records with a key of the tiers on each side",
            hint="A count over fewer would speak of single suppliers; agree on intersection mode.",
            code="permission.small",
        )


def _open(node: Node, peer: str, hello: Hello, grant: Grant, request: Document) -> Epoch:
    exchange = node.config.exchange
    days = exchange.signal_epoch_days if hello.area == SIGNAL else exchange.epoch_days
    epoch = node.sending.current_epoch(peer, hello.area, grant, epoch_days=days)
    node.sending.open_session(hello, peer, grant, epoch, node.budget, request)
    return epoch


def _note_failure(
    node: Node,
    peer: str,
    hello: Hello,
    why: Reason,
    error: BaseException,
    opened: bool,
    request: Document | None,
) -> None:
    denied = isinstance(error, (PermissionDeniedError, BudgetError))
    about = {} if request is None else {"request": request.sha256}
    if isinstance(error, PermissionDeniedError):
        about["decision"] = error.decision
    if request is None and is_question(hello):
        # Nobody signs a question, and it opens no session.
        decision = about.get("decision", "")
        question = Entry("probed", peer, "", hello.mode, hello.purpose, note=why.code, decision=decision)
        node.audit.append(question)
        return
    entry = session_entry("denied" if denied else "failed", peer, hello, {}, why.code, **about)
    if opened:
        sentence = f"The session with {peer} ended early ({why.words}); what was evaluated stays debited."
        node.sessions.end("sender", entry, done=False, sentence=sentence)
    else:
        node.audit.append(entry, documents=() if request is None else (request,))


def _points(session: SenderSession) -> tuple[npt.NDArray[np.uint8], int]:
    """The points that the peer may count, and how many tokens are declared: as many as the whole list has."""
    node, suite, tables = session.node, session.suite, list(session.keys.tables.values())
    permitted = permitted_suppliers(node, session.grant.obligations, session.peer, session.hello.mode)
    whole = sum(len(live_keys(table).keys) for table in tables)
    return distinct_points(tables, suite, permitted), padded_count(whole)


async def _run_size(session: SenderSession) -> Ending:
    node, hello, suite, keys = session.node, session.hello, session.suite, session.keys
    wire, figures = session.wire, session.figures
    ask = hello.tiers[0]
    key = session.derive_key(node.rng(SEED_BYTES), ask.tier)
    with figures.phase("load"):
        points, declared = await to_the_end(_points, session)
    offer = TierOffer(ask.tier, SIZE_TOKEN_BYTES, (DeltaHeader(1, declared),))
    sender = Sender(hello, 0, (offer,), {ask.tier: key}, suite, node.rng, keys.rules)
    await wire.send(sender.accept())

    def make(made: Made) -> bytes:
        return sender_tokens(suite, key, points, declared, node.rng, made)

    async def send_tokens() -> None:
        with figures.phase("set"):
            making = in_parts(make, lambda made: sender.made(ask.tier, made))
            tokens = await while_working(sender, wire, ask.tier, making)
        await asyncio.to_thread(node.sending.record_size_set, hello, session.peer, declared)
        for entries in sender.entries(ask.tier, 1, tokens):
            await wire.send(entries)

    await together(evaluate_all(sender, wire, figures), send_tokens())
    result = await sign_off(session, sender)
    figures.counts = {"elements": ask.elements, "entries": declared}
    sentence = (
        f"Revealed to {session.peer}: how many shared records were found, in tens, out of up to {declared} "
        "tokens; "
        f"learned: that it holds about {ask.elements // hello.group_size} records (padded), not which."
    )
    return Ending(sentence, result)
