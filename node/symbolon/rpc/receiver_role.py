"""Asking in one exchange: from the hello to the matches, whichever side called.

What the session brought is stored in one transaction at its end; until then nothing of it is kept.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from symbolon.audit.journal import JournalLine
from symbolon.errors import (
    PermissionDeniedError,
    RemoteProtocolError,
    StaleEpochError,
    SymbolonError,
    UsageError,
)
from symbolon.exchange.id_sets import among
from symbolon.exchange.key_table import KeyTable
from symbolon.exchange.limits import SIZE_GROUP, SIZE_MIN_RECORDS
from symbolon.exchange.messages import (
    SESSION_ID_BYTES,
    Evaluated,
    Hello,
    Invitation,
    ReceiverMessage,
    SenderMessage,
    TierAsk,
)
from symbolon.exchange.receiver import AskedKeys, Receiver, State
from symbolon.exchange.receiver_set import NO_HITS, NO_OUTPUTS, join
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
from symbolon.rpc.concurrent import together
from symbolon.rpc.figures import Figures
from symbolon.rpc.node import Node
from symbolon.rpc.wire import Wire
from symbolon.storage.exchange_receiver_store import ReceivedState, Update
from symbolon.suppliers.tier import Tier

ReceiverWire = Wire[ReceiverMessage, SenderMessage]

AREA = "match"
ELEMENT_BYTES = 32

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
    """

    by_band: dict[str, int]
    evidence: list[Evidence]
    shared: str
    sentence: str


@dataclass(frozen=True, slots=True)
class _Tier:
    """One tier before the session.

    Attributes:
        table: the keys now in the list.
        current: uint64, ids of those of them that may match, ascending.
        state: what is held of the peer's set.
        asked: keys not asked yet in the epoch.
    """

    table: KeyTable
    current: npt.NDArray[np.uint64]
    state: ReceivedState | None
    asked: AskedKeys


async def run_receiver(
    node: Node, ask: Ask, wire: ReceiverWire, figures: Figures, progress: Progress
) -> Outcome:
    """Runs one exchange as receiver.

    Raises:
        StaleEpochError: what was held of the peer's set is dropped; run it again.
        SymbolonError: the exchange ended in error; the session and journal say so.
    """
    try:
        await asyncio.to_thread(_permit, node, ask)
    except PermissionDeniedError as error:
        if ask.direction == "invited":
            line = JournalLine("denied", ask.peer, "", ask.mode, ask.purpose, {}, error.full_code)
            await asyncio.to_thread(node.journal.write, line)
        raise
    suite = await asyncio.to_thread(node.suite, node.config.exchange.suite, answering=False)
    run = _run_size if ask.mode == "size" else _run_intersection
    return await run(node, ask, suite, wire, figures, progress)


def _permit(node: Node, ask: Ask) -> None:
    node.permission.require(ExchangeRequest(ask.direction, ask.peer, AREA, ask.mode, ask.purpose, ask.tiers))
    records = node.suppliers.count()
    if not records:
        raise UsageError(
            "this node holds no suppliers yet", hint="Run `symbolon suppliers import FILE` first."
        )
    if ask.mode == "size" and records < SIZE_MIN_RECORDS:
        raise UsageError(
            f"size mode needs at least {SIZE_MIN_RECORDS} suppliers on each side; this list has {records}",
            hint="A count over fewer records would speak of single suppliers; use --mode intersection.",
        )


async def _converse(
    node: Node,
    ask: Ask,
    session: Receiver | SizeReceiver,
    wire: ReceiverWire,
    figures: Figures,
    progress: Progress,
) -> None:
    """Says everything there is to say and takes everything that comes; writes down a failure."""
    hello = session.hello
    total = sum(each.elements for each in hello.tiers)

    async def say() -> None:
        elements = session.elements()
        sent = 0
        while True:
            with figures.phase("blind"):
                message = await asyncio.to_thread(next, elements, None)
            if message is None:
                return
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
            if isinstance(message, Evaluated):
                heard += len(message.data) // ELEMENT_BYTES
                progress("hearing", heard, total)

    basis = "the peer invited this node" if ask.direction == "invited" else "this node's operator asked"
    beginning = asyncio.ensure_future(asyncio.to_thread(node.receiving.begin_session, hello, ask.peer, basis))
    try:
        await asyncio.shield(beginning)
        await wire.send(session.start())
        await together(say(), hear())
    except BaseException as error:
        # A thread does not end with a cancelled call: only once it is done can the session be ended.
        await asyncio.wait((beginning,))
        await asyncio.shield(asyncio.to_thread(_note_failure, node, ask, hello, error))
        raise


def _note_failure(node: Node, ask: Ask, hello: Hello, error: BaseException) -> None:
    code = error.full_code if isinstance(error, SymbolonError) else type(error).__name__
    # A peer that answers says so by a status, one that called by a failure.
    if isinstance(error, StaleEpochError) or code == f"peer.{StaleEpochError.code}":
        node.receiving.forget(ask.peer, AREA)
    line = _line("failed", ask, hello, {}, code)
    sentence = f"The session with {ask.peer} ended early ({code}); nothing was learned from it."
    node.sessions.end("receiver", line, done=False, sentence=sentence)


def _line(event: str, ask: Ask, hello: Hello, counts: dict[str, int], note: str) -> JournalLine:
    return JournalLine(event, ask.peer, hello.session_id.hex(), ask.mode, ask.purpose, counts, note)  # type: ignore[arg-type]


async def _run_intersection(
    node: Node, ask: Ask, suite: Suite, wire: ReceiverWire, figures: Figures, progress: Progress
) -> Outcome:
    with figures.phase("load"):
        tiers = await asyncio.to_thread(_load_tiers, node, ask, suite)
    epoch = max((tier.state.epoch for tier in tiers.values() if tier.state), default=0)
    hello = Hello(
        node.rng(SESSION_ID_BYTES),
        suite.name,
        node.config.node.coalition,
        AREA,
        ask.mode,
        ask.purpose,
        epoch,
        tuple(
            TierAsk(name, tier.asked.declared, tier.state.last_delta if tier.state else 0)
            for name, tier in tiers.items()
        ),
    )
    session = Receiver(hello, {name: tier.asked for name, tier in tiers.items()}, suite, node.rng)
    await _converse(node, ask, session, wire, figures, progress)
    return await asyncio.to_thread(_conclude, node, ask, hello, session, tiers, figures)


def _load_tiers(node: Node, ask: Ask, suite: Suite) -> dict[str, _Tier]:
    tables = {name: node.suppliers.load_keys(Tier(name)) for name in ask.tiers}
    states = {name: node.receiving.load(ask.peer, AREA, ask.purpose, suite.name, name) for name in ask.tiers}
    newest = max((state.epoch for state in states.values() if state), default=0)
    tiers = {}
    for name, table in tables.items():
        state = states[name]
        if state is not None and state.epoch != newest:
            state = None
        keys = live_keys(table).keys
        current = table.key_ids[keys]
        if state is not None:
            keys = keys[~among(current, state.own.key_ids)]
        tiers[name] = _Tier(table, current, state, AskedKeys(table, keys))
    return tiers


def _conclude(
    node: Node, ask: Ask, hello: Hello, session: Receiver, tiers: dict[str, _Tier], figures: Figures
) -> Outcome:
    found, updates = [], []
    with figures.phase("join"):
        for name, result in session.results().items():
            tier = tiers[name]
            old = tier.state
            if old is not None and old.tag_bytes != result.tag_bytes:
                raise RemoteProtocolError("the tag length changed within an epoch", code="protocol.tag")
            own, opened = join(
                old.own if old else NO_OUTPUTS,
                result.own,
                old.deltas if old else {},
                result.deltas,
                tag_bytes=result.tag_bytes,
            )
            hits = (old.hits if old else NO_HITS).plus(opened)
            standing = hits.standing(tier.current, result.withdrawn, result.tag_bytes)
            found.append(evidence(standing, tier.table))
            updates.append(Update(name, result.tag_bytes, len(result.own.key_ids), own, hits, result.deltas))
    asked = sum(each.elements for each in hello.tiers)
    entry_total = sum(len(data) for update in updates for data in update.deltas.values())
    by_band = count_by_band(found)
    figures.counts = {"elements": asked, **{f"matched_{band}": count for band, count in by_band.items()}}
    words = ", ".join(f"{count} {band}" for band, count in by_band.items())
    sentence = (
        f"Revealed to {ask.peer}: that {asked} blinded keys (padded) were asked, not which, "
        "and not what matched; "
        f"learned: which own suppliers it has too ({words}), and nothing of its other entries."
    )
    with figures.phase("store"), node.database.transaction("store what a session brought") as connection:
        node.receiving.save(connection, hello, ask.peer, session.epoch, updates)
        node.matches.save(connection, ask.peer, ask.purpose, found)
        line = _line("learned", ask, hello, {"entry_bytes": entry_total}, "")
        node.sessions.end_in(connection, "receiver", line, done=True, sentence=sentence)
    return Outcome(by_band, found, "", sentence)


async def _run_size(
    node: Node, ask: Ask, suite: Suite, wire: ReceiverWire, figures: Figures, progress: Progress
) -> Outcome:
    tiers = "".join(ask.tiers)
    if tiers not in SIZE_GROUP:
        raise UsageError(f"size mode cannot count tiers {tiers}", hint="Use --tiers A, B or AB.")
    group = SIZE_GROUP[tiers]
    with figures.phase("load"):
        tables = [await asyncio.to_thread(node.suppliers.load_keys, Tier(letter)) for letter in tiers]
        points = await asyncio.to_thread(distinct_points, tables, suite)
        groups = await asyncio.to_thread(record_groups, tables, group)
    hello = Hello(
        node.rng(SESSION_ID_BYTES),
        suite.name,
        node.config.node.coalition,
        AREA,
        ask.mode,
        ask.purpose,
        0,
        (TierAsk(tiers, declared_elements(len(groups), group)),),
        group,
    )
    session = SizeReceiver(hello, points, groups, suite, node.rng)
    await _converse(node, ask, session, wire, figures, progress)
    with figures.phase("join"):
        count = await asyncio.to_thread(session.count)
    shared = shown(count)
    sentence = (
        f"Revealed to {ask.peer}: that this node holds about {hello.tiers[0].elements // group} records "
        "(padded); "
        f"learned: that {shared} suppliers are shared, not which."
    )
    figures.counts = {"elements": hello.tiers[0].elements}
    line = _line("learned", ask, hello, {}, shared)
    await asyncio.to_thread(node.sessions.end, "receiver", line, done=True, sentence=sentence)
    return Outcome({}, [], shared, sentence)
