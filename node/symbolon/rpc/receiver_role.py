"""Asking in one exchange: from the hello to the matches, whichever side called.

What the session brought is stored in one transaction at its end; until then nothing of it is kept.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from symbolon.audit.journal import JournalLine
from symbolon.errors import (
    LocalProtocolError,
    PermissionDeniedError,
    RemoteProtocolError,
    StaleEpochError,
    SymbolonError,
    UsageError,
)
from symbolon.exchange.id_sets import among
from symbolon.exchange.key_table import KeyTable
from symbolon.exchange.limits import MAX_ELEMENTS, SIZE_GROUP, SIZE_MIN_RECORDS
from symbolon.exchange.messages import (
    AREA,
    SESSION_ID_BYTES,
    Elements,
    Evaluated,
    Hello,
    Invitation,
    ReceiverMessage,
    SenderMessage,
    TierAsk,
    Working,
)
from symbolon.exchange.receiver import AskedKeys, Receiver, State
from symbolon.exchange.receiver_set import NO_HITS, NO_OUTPUTS, join
from symbolon.exchange.rules_agreement import Agreement, with_caution
from symbolon.exchange.sender_set import live_keys
from symbolon.exchange.size_mode import (
    SizeReceiver,
    declared_elements,
    distinct_points,
    record_groups,
    shown,
)
from symbolon.matching.evidence import Evidence, count_by_band, evidence
from symbolon.oprf.suite import Suite
from symbolon.policy.permission import Direction, ExchangeRequest
from symbolon.rpc.concurrent import ended, exclusive, to_the_end, together
from symbolon.rpc.figures import Figures
from symbolon.rpc.node import Node
from symbolon.rpc.wire import Wire
from symbolon.storage.exchange_receiver_store import HeldSet, ReceivedState, Update
from symbolon.storage.journal_store import session_line
from symbolon.storage.supplier_store import ListKeys
from symbolon.suppliers.tier import Tier

ReceiverWire = Wire[ReceiverMessage, SenderMessage]

_Held = dict[str, ReceivedState]
"""What is held of the peer's sets, by tier, but for the hits."""

ELEMENT_BYTES = 32
BLINDED_AHEAD = 16
"""Chunks blinded before they can be sent: work for the time that the peer takes to accept."""

Progress = Callable[[str, int, int], None]
"""Told a phase in words, the items done and the items to do."""


@dataclass(frozen=True, slots=True)
class Ask:
    """What to ask a peer.

    Attributes:
        tiers: letters of the tiers, strongest first.
    """

    peer: str
    mode: str
    purpose: str
    tiers: tuple[str, ...]
    direction: Direction = "ask"

    @classmethod
    def invited_by(cls, peer: str, invitation: object) -> "Ask":
        """What a peer invites this node to ask.

        Raises:
            RemoteProtocolError: the peer's first message is not an invitation.
        """
        if not isinstance(invitation, Invitation):
            raise RemoteProtocolError("the first message is not an invitation", code="protocol.state")
        tiers = tuple("".join(invitation.tiers))
        return cls(peer, invitation.mode, invitation.purpose, tiers, "invited")


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an exchange ended.

    Attributes:
        by_band: own suppliers matched, by band; empty in size mode.
        evidence: all evidence by tier; empty in size mode.
        shared: in words, size mode only.
        sentence: what this node revealed and learned.
        key_rules: whether both lists were keyed by the same rules; if not, the sentence says so.
    """

    by_band: dict[str, int]
    evidence: list[Evidence]
    shared: str
    sentence: str
    key_rules: Agreement


@dataclass(frozen=True, slots=True)
class _Tier:
    """One tier before the session.

    Attributes:
        table: the keys now in the list.
        current: uint64, ids of those of them that may match, ascending.
        held: what is held of the peer's set.
        asked: keys not asked yet in the epoch.
    """

    table: KeyTable
    current: npt.NDArray[np.uint64]
    held: HeldSet | None
    asked: AskedKeys


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
        self._prepared: _Prepared | None = None
        self._reading: asyncio.Future[_Held] | None = None

    async def __aenter__(self) -> "Asking":
        await self.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def open(self) -> None:
        """Asks this node's own permission and makes sure that nobody else asks the peer.

        Raises:
            PermissionDeniedError: the operator has not allowed it.
            UsageError: there is nothing to ask.
            StorageBusyError: another exchange is asking this peer.
        """
        try:
            await asyncio.to_thread(_permit, self._node, self._ask)
        except PermissionDeniedError as error:
            if self._ask.direction == "invited":
                line = JournalLine(
                    "denied", self._ask.peer, "", self._ask.mode, self._ask.purpose, {}, error.full_code
                )
                await asyncio.to_thread(self._node.journal.write, line)
            raise
        await self._lock.enter_async_context(exclusive(self._node.database, f"ask-{self._ask.peer}"))

    async def close(self) -> None:
        """Lets others ask the peer."""
        if self._reading is not None:
            await ended(self._reading)
        await self._lock.aclose()

    async def converse(self, wire: ReceiverWire) -> None:
        """Says everything there is to say and takes everything that comes; writes down a failure.

        Raises:
            StaleEpochError: what was held of the peer's set is dropped; converse again, in a new call.
            SymbolonError: the exchange ended in error; the session and journal say so.
        """
        started = time.perf_counter()
        suite = await asyncio.to_thread(self._node.suite, self._node.config.exchange.suite, answering=False)
        with self._figures.phase("load"):
            if self._ask.mode == "size":
                self._prepared = await to_the_end(_prepare_size, self._node, self._ask, suite)
            else:
                self._prepared = await _prepare_intersection(self._node, self._ask, suite)
        self._reading = await _converse(
            self._node, self._ask, self._prepared, wire, self._figures, self._progress
        )
        self._figures.total_s += time.perf_counter() - started

    async def conclude(self) -> Outcome:
        """Joins and stores what the session brought.

        Raises:
            SymbolonError: it does not fit what is held, or cannot be stored; the session says so.
        """
        prepared, reading = self._prepared, self._reading
        if prepared is None or reading is None:
            raise LocalProtocolError("concluded before it was held")
        started = time.perf_counter()
        concluding: asyncio.Future[Outcome] | None = None
        try:
            with self._figures.phase("load"):
                held = await asyncio.shield(reading)
            concluding = asyncio.ensure_future(asyncio.to_thread(prepared.conclude, held, self._figures))
            outcome = await asyncio.shield(concluding)
        except BaseException as error:
            # A thread does not end with a cancelled call: what it has stored is not taken back.
            if concluding is None or not await ended(concluding):
                hello = prepared.session.hello
                await to_the_end(_note_failure, self._node, self._ask, hello, error)
            raise
        self._figures.total_s += time.perf_counter() - started
        return outcome


@dataclass(frozen=True, slots=True)
class _Prepared:
    """A session ready to be held, and what to do with what it brings.

    Attributes:
        read: reads what is held of the peer's sets, but for the hits. Nothing that is said depends on it, so
            it is read while the peer works.
        conclude: joins and stores, with what was read.
    """

    session: Receiver | SizeReceiver
    read: Callable[[], _Held]
    conclude: Callable[[_Held, Figures], Outcome]


def _permit(node: Node, ask: Ask) -> None:
    node.permission.require(ExchangeRequest(ask.direction, ask.peer, AREA, ask.mode, ask.purpose, ask.tiers))
    if not node.suppliers.count():
        raise UsageError(
            "this node holds no suppliers yet", hint="Run `symbolon suppliers import FILE` first."
        )


async def _converse(
    node: Node,
    ask: Ask,
    prepared: _Prepared,
    wire: ReceiverWire,
    figures: Figures,
    progress: Progress,
) -> "asyncio.Future[_Held]":
    """Says everything there is to say and takes everything that comes; writes down a failure.

    Returns:
        What `prepared.read` gives, once it has.
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
    beginning = asyncio.ensure_future(asyncio.to_thread(node.receiving.begin_session, hello, ask.peer, basis))
    try:
        await asyncio.shield(beginning)
        await wire.send(session.start())
        reading = asyncio.ensure_future(asyncio.to_thread(prepared.read))
        try:
            await together(blind(), say(), hear())
        except BaseException:
            await ended(reading)
            raise
        return reading
    except BaseException as error:
        # A thread does not end with a cancelled call: only once it is done can the session be ended.
        await ended(beginning)
        await to_the_end(_note_failure, node, ask, hello, error)
        raise


def _note_failure(node: Node, ask: Ask, hello: Hello, error: BaseException) -> None:
    code = error.full_code if isinstance(error, SymbolonError) else type(error).__name__
    # A peer that answers says so by a status, one that called by a failure.
    if isinstance(error, StaleEpochError) or code == f"peer.{StaleEpochError.code}":
        node.receiving.forget(ask.peer, AREA)
    line = session_line("failed", ask.peer, hello, {}, code)
    sentence = f"The session with {ask.peer} ended early ({code}); nothing was learned from it."
    node.sessions.end("receiver", line, done=False, sentence=sentence)


async def _prepare_intersection(node: Node, ask: Ask, suite: Suite) -> _Prepared:
    # Side by side: both read and open megabytes, and neither needs the other.
    keys, held = await asyncio.gather(
        to_the_end(_load_keys, node, ask.tiers), to_the_end(_held_sets, node, ask, suite)
    )
    return await to_the_end(_prepare_tiers, node, ask, suite, keys, held)


def _prepare_tiers(
    node: Node, ask: Ask, suite: Suite, keys: ListKeys, held: dict[str, HeldSet | None]
) -> _Prepared:
    tiers = {name: _tier(table, held[name]) for name, table in keys.tables.items()}
    epoch = max((tier.held.epoch for tier in tiers.values() if tier.held), default=0)
    asks = []
    for name, tier in tiers.items():
        _check_length(tier.asked.declared)
        asks.append(TierAsk(name, tier.asked.declared, tier.held.last_delta if tier.held else 0))
    hello = Hello(
        node.rng(SESSION_ID_BYTES),
        suite.name,
        node.config.node.coalition,
        AREA,
        ask.mode,
        ask.purpose,
        epoch,
        tuple(asks),
        key_rules=keys.rules,
    )
    session = Receiver(hello, {name: tier.asked for name, tier in tiers.items()}, suite, node.rng)
    return _Prepared(
        session,
        lambda: _open_states(node, tiers),
        lambda states, figures: _conclude(node, ask, hello, session, tiers, states, figures),
    )


def _check_length(elements: int) -> None:
    if elements > MAX_ELEMENTS:
        raise UsageError(
            f"the list makes {elements} elements in one tier; a session takes {MAX_ELEMENTS}",
            hint="Ask for fewer tiers, or split the list over two nodes.",
        )


def _load_keys(node: Node, tiers: Sequence[str]) -> ListKeys:
    return node.suppliers.load_list(map(Tier, tiers))


def _held_sets(node: Node, ask: Ask, suite: Suite) -> dict[str, HeldSet | None]:
    """What is held of the peer's sets, by tier; of the newest epoch alone."""
    sets = {name: node.receiving.held(ask.peer, AREA, ask.purpose, suite.name, name) for name in ask.tiers}
    newest = max((each.epoch for each in sets.values() if each), default=0)
    return {name: each if each and each.epoch == newest else None for name, each in sets.items()}


def _tier(table: KeyTable, held: HeldSet | None) -> _Tier:
    keys = live_keys(table).keys
    current = table.key_ids[keys]
    if held is None:
        return _Tier(table, current, None, AskedKeys(table, keys))
    unasked = keys[~among(current, held.key_ids)]
    return _Tier(table, current, held, AskedKeys(table, unasked, held.entries))


def _open_states(node: Node, tiers: dict[str, _Tier]) -> _Held:
    return {name: node.receiving.open(tier.held) for name, tier in tiers.items() if tier.held}


def _conclude(
    node: Node,
    ask: Ask,
    hello: Hello,
    session: Receiver,
    tiers: dict[str, _Tier],
    states: _Held,
    figures: Figures,
) -> Outcome:
    found, updates = [], []
    with figures.phase("join"):
        for name, result in session.results().items():
            tier = tiers[name]
            if tier.held is not None and tier.held.tag_bytes != result.tag_bytes:
                raise RemoteProtocolError("the tag length changed within an epoch", code="protocol.tag")
            old = states.get(name)
            moved, asked, opened = join(
                old.own if old else NO_OUTPUTS,
                result.own,
                old.deltas if old else {},
                result.deltas,
                tag_bytes=result.tag_bytes,
            )
            # Read only now that the call has ended: their number must not show.
            before = node.receiving.hits(tier.held) if tier.held else NO_HITS
            hits = before.plus(opened)
            standing = hits.standing(tier.current, result.withdrawn, result.tag_bytes)
            found.append(evidence(standing, tier.table))
            updates.append(Update(name, result.tag_bytes, moved, asked, hits, result.deltas))
    elements = sum(each.elements for each in hello.tiers)
    entry_total = sum(len(data) for update in updates for data in update.deltas.values())
    by_band = count_by_band(found)
    figures.counts = {"elements": elements, **{f"matched_{band}": count for band, count in by_band.items()}}
    words = ", ".join(f"{count} {band}" for band, count in by_band.items())
    sentence = with_caution(
        f"Revealed to {ask.peer}: that {elements} blinded keys (padded) were asked, not which, "
        "and not what matched; "
        f"learned: which own suppliers it has too ({words}), and nothing of its other entries.",
        session.key_rules,
    )
    with figures.phase("store"), node.database.transaction("store what a session brought") as connection:
        node.receiving.save(connection, hello, ask.peer, session.epoch, updates)
        node.matches.save(connection, ask.peer, ask.purpose, found)
        line = session_line("learned", ask.peer, hello, {"entry_bytes": entry_total}, "")
        node.sessions.end_in(connection, "receiver", line, done=True, sentence=sentence)
    return Outcome(by_band, found, "", sentence, session.key_rules)


def _prepare_size(node: Node, ask: Ask, suite: Suite) -> _Prepared:
    tiers = "".join(ask.tiers)
    if tiers not in SIZE_GROUP:
        raise UsageError(f"size mode cannot count tiers {tiers}", hint="Use --tiers A, B or AB.")
    group = SIZE_GROUP[tiers]
    keys = _load_keys(node, tiers)
    tables = list(keys.tables.values())
    groups = record_groups(tables, group)
    records = int((groups >= 0).any(axis=1).sum())
    if records < SIZE_MIN_RECORDS:
        raise UsageError(
            f"size mode needs {SIZE_MIN_RECORDS} suppliers with a key of tiers {tiers}, "
            f"this list has {records}",
            hint="A count over fewer would speak of single suppliers; use --mode intersection.",
        )
    elements = declared_elements(len(groups), group)
    _check_length(elements)
    hello = Hello(
        node.rng(SESSION_ID_BYTES),
        suite.name,
        node.config.node.coalition,
        AREA,
        ask.mode,
        ask.purpose,
        0,
        (TierAsk(tiers, elements),),
        group,
        keys.rules,
    )
    session = SizeReceiver(hello, distinct_points(tables, suite), groups, suite, node.rng)
    return _Prepared(session, dict, lambda _, figures: _conclude_size(node, ask, hello, session, figures))


def _conclude_size(node: Node, ask: Ask, hello: Hello, session: SizeReceiver, figures: Figures) -> Outcome:
    with figures.phase("join"):
        shared = shown(session.count())
    declared = hello.tiers[0].elements
    figures.counts = {"elements": declared}
    sentence = with_caution(
        f"Revealed to {ask.peer}: that this node holds about {declared // hello.group_size} records "
        f"(padded); learned: that {shared} shared suppliers were found, not which.",
        session.key_rules,
    )
    line = session_line("learned", ask.peer, hello, {}, shared)
    node.sessions.end("receiver", line, done=True, sentence=sentence)
    return Outcome({}, [], shared, sentence, session.key_rules)
