"""Answering one exchange: from a hello to the last entry, whichever side called.

Order of things, none of which may be swapped: the hello is checked, found signed by the receiver, and
permitted; the budget is debited and the audit entry written; only then is anything evaluated. A delta is
recorded before its first entry leaves. While a set is being made the receiver is told so: entries leave
sorted, so the first waits for the last. At the end both sign what the session came to.
"""

import asyncio
import logging
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Final

import grpc
import numpy as np
import numpy.typing as npt

from symbolon.audit.document import Document
from symbolon.audit.entry import Entry
from symbolon.errors import (
    BudgetError,
    PermissionDeniedError,
    RemoteProtocolError,
    SymbolonError,
    UnavailableError,
)
from symbolon.exchange.id_sets import distinct
from symbolon.exchange.key_table import KeyTable
from symbolon.exchange.limits import SIZE_MIN_RECORDS, SIZE_TOKEN_BYTES, WORKING_EVERY_S
from symbolon.exchange.messages import AREA, DeltaHeader, Hello, ReceiverMessage, SenderMessage, TierOffer
from symbolon.exchange.padding import padded_count
from symbolon.exchange.rules_agreement import Agreement, compare, with_caution
from symbolon.exchange.sender import Sender
from symbolon.exchange.sender_set import Delta, DeltaPlan, build_delta, entry_bytes, live_keys, plan_delta
from symbolon.exchange.size_mode import distinct_points, sender_tokens
from symbolon.oprf.key_schedule import KeyContext
from symbolon.oprf.suite import Suite
from symbolon.policy.permission import Direction, ExchangeRequest, Grant, Usage
from symbolon.rpc.concurrent import ended, exclusive, to_the_end, together
from symbolon.rpc.early_end import CALL_IS_OVER, Reason, reason
from symbolon.rpc.figures import Figures
from symbolon.rpc.node import Node
from symbolon.rpc.permission_question import is_question
from symbolon.rpc.set_making import Made, in_parts, while_working
from symbolon.rpc.set_preparation import permitted_suppliers
from symbolon.rpc.wire import Wire
from symbolon.storage.audit_log import session_entry
from symbolon.storage.exchange_sender_store import SEED_BYTES, Epoch, Handles, SetState
from symbolon.storage.supplier_store import ListKeys
from symbolon.suppliers.tier import Tier

log = logging.getLogger(__name__)

SenderWire = Wire[SenderMessage, ReceiverMessage]
RECEIPT_S: Final = 10.0
"""How long a receiver may take to sign the result: it has nothing else to do."""


@dataclass(frozen=True, slots=True)
class Answered:
    """How an exchange ended.

    Attributes:
        sentence: what this node revealed and learned.
        key_rules: whether both lists were keyed by the same rules; if not, the sentence says so.
    """

    sentence: str
    key_rules: Agreement


@dataclass(frozen=True, slots=True)
class _Session:
    """One exchange as sender once it is permitted and debited.

    Attributes:
        peer: the receiver.
        epoch: of the keys that this peer's sets are made with.
        keys: own keys by tier.
        grant: by which it is allowed.
        request: as the receiver signed it.
    """

    node: Node
    peer: str
    hello: Hello
    grant: Grant
    request: Document
    epoch: Epoch
    suite: Suite
    keys: ListKeys
    wire: SenderWire
    figures: Figures

    def derive_key(self, seed: bytes, tier: str) -> bytes:
        """The key of one tier, bound to everything that it must not serve twice."""
        own, hello, epoch = self.node.config.node, self.hello, self.epoch.number
        context = KeyContext(
            hello.suite,
            own.coalition,
            own.member,
            self.peer,
            hello.area,
            hello.mode,
            tier,
            hello.purpose,
            epoch,
        )
        return self.suite.derive_key(seed, context.encode())


@dataclass(frozen=True, slots=True)
class _TierPlan:
    """One tier of a session: its keys, its set as released so far, and what comes next."""

    tier: str
    table: KeyTable
    key: bytes
    state: SetState
    plan: DeltaPlan

    @property
    def offer(self) -> TierOffer:
        """What is announced for the tier."""
        width = self.state.released.tag_bytes
        entry_width = entry_bytes(width)
        headers = [DeltaHeader(n, len(data) // entry_width) for n, data in self.state.deltas.items()]
        if self.plan.entries:
            headers.append(DeltaHeader(self.state.next_number, self.plan.entries))
        return TierOffer(self.tier, width, tuple(headers), len(self.plan.withdrawn) // width)


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
            run = _run_size if size else _run_intersection
            session = _Session(node, peer, hello, grant, request, epoch, suite, keys, wire, figures)
            sentence, result = await run(session)
        except BaseException as error:
            # A thread does not end with a cancelled call.
            opened = opening is not None and await ended(opening)
            why = reason(peer, error)
            await to_the_end(_note_failure, node, peer, hello, why, error, opened, request)
            raise
        rules = compare(keys.rules, hello.key_rules)
        sentence = with_caution(sentence, rules)
        unsigned = peer not in result.signatures
        if unsigned:
            sentence += f" {peer} did not sign a receipt."
        about = {"request": request.sha256, "receipt": result.sha256}
        entry = session_entry("ended", peer, hello, {}, "no receipt" if unsigned else "", **about)
        end = node.sessions.end
        await to_the_end(end, "sender", entry, done=True, sentence=sentence, documents=(result,))
        await to_the_end(node.receipts.sign_over_session)
    return Answered(sentence, rules)


def _usage(node: Node, peer: str, hello: Hello) -> Usage:
    return node.sending.usage(peer, hello.area, hello, node.budget)


def _permit(node: Node, peer: str, direction: Direction, hello: Hello, usage: Usage) -> tuple[Suite, Grant]:
    """Everything that can refuse a hello before the budget is touched."""
    if hello.coalition != node.config.node.coalition or hello.area != AREA:
        raise RemoteProtocolError("the hello is for another coalition or area", code="protocol.context")
    suite = node.suite(hello.suite, answering=True)
    tiers = tuple(letter for ask in hello.tiers for letter in ask.tier)
    asked = ExchangeRequest(direction, peer, hello.area, hello.mode, hello.purpose, tiers, hello.suite, usage)
    grant = node.permission.require(asked)
    return suite, grant


def _load_keys(node: Node, hello: Hello) -> ListKeys:
    """Own keys by tier. The tiers of size mode come as one, `AB`."""
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
    epoch = node.sending.current_epoch(peer, hello.area, grant, epoch_days=node.config.exchange.epoch_days)
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


async def _run_intersection(session: _Session) -> tuple[str, Document]:
    node, hello, epoch = session.node, session.hello, session.epoch
    wire, figures = session.wire, session.figures
    with figures.phase("load"):
        plans = await to_the_end(_plan_tiers, session)
    offers = tuple(plan.offer for plan in plans)
    secrets = {plan.tier: plan.key for plan in plans}
    sender = Sender(hello, epoch.number, offers, secrets, session.suite, node.rng, session.keys.rules)
    await wire.send(sender.accept())

    async def send_sets() -> None:
        for plan in plans:
            await _send_tier(session, sender, plan)

    await together(_evaluate_all(sender, wire, figures), send_sets())
    result = await _sign_off(session, sender)
    asked = sum(ask.elements for ask in hello.tiers)
    entries = sum(header.entries for offer in offers for header in offer.deltas)
    figures.counts = {"elements": asked, "entries": entries}
    postponed = sum(plan.plan.postponed for plan in plans)
    waiting = sum(plan.plan.waiting for plan in plans)
    later = f" {postponed} further entries wait for the next key epoch." if postponed else ""
    if waiting:
        later += f" {waiting} new entries wait until additions are due (exchange.additions_interval_s)."
    sentence = (
        f"Revealed to {session.peer}: up to {entries} masked entries, of which it can open at most those of "
        "suppliers it holds too; "
        f"learned: that it asked {asked} blinded keys (padded), not which.{later}"
    )
    return sentence, result


async def _sign_off(session: _Session, sender: Sender) -> Document:
    """Signs what the session came to, and takes the receiver's signature over it, if it gives one.

    Returns:
        The result with the signatures that there are: all has been sent, so it stands without the receiver's.
    """
    node, peer, hello = session.node, session.peer, session.hello
    sign = node.receipts.sign_finish
    finish = await asyncio.to_thread(sign, session.request, hello, sender.sent, session.grant)
    await session.wire.send(sender.finish(finish.result, finish.signature))
    try:
        async with asyncio.timeout(RECEIPT_S):
            receipt = await session.wire.expect()
        return await asyncio.to_thread(node.receipts.take_receipt, finish, receipt, peer)
    except (
        TimeoutError,
        RemoteProtocolError,
        UnavailableError,
        grpc.aio.AioRpcError,
        *CALL_IS_OVER,
    ) as error:
        why = error.full_code if isinstance(error, SymbolonError) else "unavailable"
        log.warning("%s did not sign a receipt (%s)", peer, why)
    return Document("result", finish.result, {node.member_id: finish.signature})


def _plan_tiers(session: _Session) -> list[_TierPlan]:
    node, hello, epoch, keys = session.node, session.hello, session.epoch, session.keys
    plans = []
    interval = node.config.exchange.additions_interval_s
    permitted = permitted_suppliers(node, session.grant.obligations, session.peer, hello.mode)
    for ask in hello.tiers:
        table = keys.tables[ask.tier]
        live = live_keys(table)
        if permitted is not None:
            live = live.only(table, permitted)
        state = node.sending.load_set(
            epoch,
            purpose=hello.purpose,
            tier=ask.tier,
            suite=session.suite.name,
            have_delta=ask.have_delta,
            elements=ask.elements,
            entries=padded_count(live.whole),
            least_epoch_s=interval,
        )
        due = _additions_due(state.last_added_s, keys.rules_since_s, now_s=node.clock(), interval_s=interval)
        plan = plan_delta(table, live, state.released, additions=due, rng=node.rng)
        key = session.derive_key(epoch.seed, ask.tier)
        plans.append(_TierPlan(ask.tier, table, key, state, plan))
    return plans


def _additions_due(added_s: int | None, rules_since_s: int, *, now_s: float, interval_s: float) -> bool:
    """Whether a set gets a delta in this session.

    Times ahead of the clock were noted while it was wrong: they hold nothing back, and once it is right again
    they do not let additions go in every session.

    Args:
        added_s: when its newest delta was recorded; None when it has none.
        rules_since_s: see `ListKeys`.
        now_s: the clock.
        interval_s: between two deltas.
    """
    if added_s is None or added_s > now_s or now_s - added_s >= interval_s:
        return True
    # Keys of the older rules are withdrawn at once: were the new ones to wait, nothing would be shared.
    return added_s <= rules_since_s <= now_s


async def _evaluate_all(sender: Sender, wire: SenderWire, figures: Figures) -> None:
    told_s = time.monotonic()
    while not sender.all_evaluated:
        message = await wire.expect()
        with figures.phase("evaluate"):
            answers = await asyncio.to_thread(sender.receive, message)
        for answer in answers:
            await wire.send(answer)
        # Size mode keeps all answers until the last, to shuffle them.
        if not answers and time.monotonic() - told_s >= WORKING_EVERY_S:
            await wire.send(sender.working(sender.hello.tiers[0].tier))
            told_s = time.monotonic()


async def _send_tier(session: _Session, sender: Sender, plan: _TierPlan) -> None:
    sending, wire = session.node.sending, session.wire
    hello, peer = session.hello, session.peer
    deltas = dict(plan.state.deltas)
    if plan.plan.entries:
        number = plan.state.next_number
        ready = sum(header.entries for header in plan.offer.deltas) - plan.plan.entries

        sender.made(plan.tier, ready)

        async def release() -> Delta:
            delta, handles = await in_parts(
                lambda made: _make_delta(session, plan, made),
                lambda made: sender.made(plan.tier, ready + made),
            )
            # Not by the thread that makes it, which a session that ends leaves behind: the next one begins
            # where the records stand.
            record = sending.record_delta
            await to_the_end(record, hello, peer, session.epoch, plan.state, plan.tier, delta, handles)
            return delta

        with session.figures.phase("set"):
            delta = await while_working(sender, wire, plan.tier, release())
        deltas[number] = delta.entries
    for number, data in deltas.items():
        for entries in sender.entries(plan.tier, number, data):
            await wire.send(entries)
    if plan.plan.withdrawn:
        count = len(plan.plan.withdrawn) // plan.state.released.tag_bytes
        await asyncio.to_thread(sending.record_withdrawal, hello, peer, plan.tier, count)
        for withdrawn in sender.withdrawn(plan.tier, plan.plan.withdrawn):
            await wire.send(withdrawn)


def _make_delta(session: _Session, plan: _TierPlan, made: Made) -> tuple[Delta, Handles]:
    node = session.node
    handles = node.sending.handles(session.epoch, plan.plan.suppliers)
    delta = build_delta(
        session.suite,
        plan.key,
        plan.table,
        plan.plan,
        number=plan.state.next_number,
        tag_bytes=plan.state.released.tag_bytes,
        handles=handles.rows,
        rng=node.rng,
        made=made,
    )
    return delta, handles


def _points(session: _Session) -> tuple[npt.NDArray[np.uint8], int]:
    """The points that the peer may count, and how many tokens are declared: as many as the whole list has."""
    node, suite, tables = session.node, session.suite, list(session.keys.tables.values())
    permitted = permitted_suppliers(node, session.grant.obligations, session.peer, session.hello.mode)
    whole = sum(len(live_keys(table).keys) for table in tables)
    return distinct_points(tables, suite, permitted), padded_count(whole)


async def _run_size(session: _Session) -> tuple[str, Document]:
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

    await together(_evaluate_all(sender, wire, figures), send_tokens())
    result = await _sign_off(session, sender)
    figures.counts = {"elements": ask.elements, "entries": declared}
    sentence = (
        f"Revealed to {session.peer}: how many shared records were found, in tens, out of up to {declared} "
        "tokens; "
        f"learned: that it holds about {ask.elements // hello.group_size} records (padded), not which."
    )
    return sentence, result
