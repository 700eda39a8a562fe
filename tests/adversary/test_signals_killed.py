"""kill -9 of the contributor or of the requester at every step of a lookup, and between entry and send.

Nothing is lost and nothing is half-kept: the next lookup is whole. Nothing leaves that was not written down
before, so that a recall reaches whoever may have been given the signal; and no slot of a key is used twice.
"""

import json
import signal
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from clocked_signals import few_purposes
from forked_commands import ForkedCommand
from logged_disclosures import said
from processes import wait_until
from real_nodes import Nodes
from signal_nodes import change, contribute, held, look_up, recall, records, tombstones
from symbolon.cli.local_coalition import PURPOSE
from symbolon.cli.made_up_suppliers import MadeUpList
from symbolon.errors import SymbolonError
from symbolon.oprf.suite import DEFAULT_SUITE
from symbolon.rpc.node import Node
from symbolon.signals.revisions import reply

WATCH, ALDER = "watch-ngo", "alder-co"
LIST = 60
_KEYS = 64
"""Elements of a first lookup: as many keys as suppliers, in their class."""

_EXCHANGE = {"idle_timeout_s": 3, "additions_interval_s": 0}
_BEFORE_DEBIT = ("received Hello", "committing open a session")
_BEFORE_ENTRY = (
    *_BEFORE_DEBIT,
    "committed open a session",
    "sending Accept",
    "committing record a delta",
)
_BESIDE_IT = ("sending Evaluated",)
"""Evaluations and the set are made side by side."""

_AFTER_ENTRY = ("committed record a delta", "sending Entries", "sending Finish")
_BEFORE_HELLO = ("committing begin a session", "sending Hello")
_STORED = "committed store what a session brought"
_ASKING = (
    *_BEFORE_HELLO,
    "sending Elements",
    "received Entries",
    "received Finish",
    "committing store what a session brought",
    _STORED,
)


class Contributor:
    """The contributor's process: it obeys orders, and what it says is taken down before it leaves."""

    def __init__(self, nodes: Nodes) -> None:
        self._nodes = nodes
        self.record = nodes.coalition.folder / "said"
        self.process = self._begin()

    def _begin(self) -> ForkedCommand:
        options = (self._nodes.orders(WATCH), f"record={self.record}")
        serve = ("--home", str(self._nodes.home(WATCH)), "serve", "--grace", "1")
        process = ForkedCommand(serve, options, self._nodes.coalition.folder)
        self._nodes.move(WATCH, process.address())
        return process

    def die_at(self, point: str) -> None:
        """Lets a lookup begin that is to end by kill -9 at a point."""
        self._nodes.order(WATCH, "kill", point)

    def again(self) -> None:
        """Starts it anew, once it is dead."""
        assert self.process.ended() == -signal.SIGKILL
        self.process = self._begin()


@pytest.fixture(scope="module")
def nodes() -> Iterator[Nodes]:
    with few_purposes(1) as made:
        made.coalition.add(WATCH, kind="ngo")
        made.coalition.add(ALDER, kind="company")
        made.configure(WATCH, allow=({"peer": ALDER, "signals": True},), exchange=_EXCHANGE)
        made.configure(ALDER, allow=({"peer": WATCH, "signals": True},), exchange=_EXCHANGE)
        made.take_in(ALDER, MadeUpList(LIST, 0, 0, ALDER))
        yield made


@pytest.fixture(scope="module")
def contributor(nodes: Nodes) -> Iterator[Contributor]:
    serving = Contributor(nodes)
    yield serving
    serving.process.end()


@pytest.fixture
def fresh(nodes: Nodes, contributor: Contributor) -> Iterator[None]:
    """The next lookup is the first of a key epoch."""
    with Node(nodes.home(WATCH)) as node:
        node.sending.rotate(ALDER)
    with Node(nodes.home(ALDER)) as node:
        node.receiving.forget(WATCH, "signal")
    yield
    if contributor.process.process.poll() is not None:
        # A test that failed half-way leaves the next one a node that works.
        contributor.again()


def spent(nodes: Nodes) -> int:
    sql = "SELECT sum(spent) AS n FROM budget_spent WHERE area = 'signal' AND period LIKE 'window%'"
    return int(nodes.query(WATCH, f"{sql} AND peer = :peer", peer=ALDER)[0].n or 0)


def disclosed(nodes: Nodes, hex_id: str) -> bool:
    """Whether the contributor has noted that the requester was given a signal."""
    with Node(nodes.home(WATCH)) as node:
        return ALDER in node.disclosures.peers(node.signals.get(hex_id).number)


def kept(nodes: Nodes) -> int:
    """Sets that the requester holds something of."""
    return int(nodes.query(ALDER, "SELECT count(*) AS n FROM received_set")[0].n)


def shown(nodes: Nodes, ids: list[str]) -> set[str]:
    """Which of some signals the requester shows."""
    return held(nodes, ALDER).keys() & set(ids)


def assert_no_slot_was_used_twice(nodes: Nodes) -> None:
    """The tag follows from key and slot: what is used twice shows as a tag that is there twice."""
    with Node(nodes.home(ALDER)) as node:
        found = node.receiving.held(WATCH, "signal", PURPOSE, DEFAULT_SUITE, "A")
        assert found is not None
        deltas = node.receiving.open(found).deltas
    width = found.tag_bytes + 156
    tags = Counter(
        data[at : at + found.tag_bytes] for data in deltas.values() for at in range(0, len(data), width)
    )
    assert set(tags.values()) == {1}
    assert sorted(deltas) == list(range(1, len(deltas) + 1))


def assert_all_that_left_is_logged(nodes: Nodes, record: Path) -> set[str]:
    """Holds what the contributor handed out against its log; the kinds of messages that it said."""
    logged: set[tuple[str, ...]] = set()
    for row in nodes.query(WATCH, "SELECT event, session, purpose, note, counts FROM audit_entry"):
        number = str(json.loads(row.counts).get("delta", "")) if row.counts else ""
        logged |= {(row.event, row.session), (row.event, row.purpose, row.note, number)}
    kinds, session, purpose = set(), "", ""
    for ours, message in said(record, "sender"):
        kind = message.WhichOneof("body")
        if kind == "hello":
            session, purpose = message.hello.session_id.hex(), message.hello.purpose
        if not ours:
            continue
        kinds.add(kind)
        assert ("answered", session) in logged, kind
        if kind == "entries":
            body = message.entries
            assert ("released", purpose, f"tier {body.tier}", str(body.delta)) in logged
        elif kind == "withdrawn":
            assert ("withdrawn", session) in logged
    return kinds


@pytest.mark.usefixtures("fresh")
@pytest.mark.parametrize("point", [*_BEFORE_ENTRY, *_BESIDE_IT, *_AFTER_ENTRY])
def test_contributor_killed_during_a_lookup_loses_nothing_and_its_recall_reaches_who_may_know(
    nodes: Nodes, contributor: Contributor, point: str
) -> None:
    before, sessions, logged = spent(nodes), nodes.states(ALDER, PURPOSE), nodes.events(WATCH, PURPOSE)
    stands, taken_back = contribute(nodes, WATCH, records(nodes, ALDER, 2))
    contributor.die_at(point)
    with pytest.raises(SymbolonError) as failed:
        look_up(nodes, ALDER, WATCH, tiers="A")
    assert failed.value.exit_code == 75
    contributor.again()
    debited = 0 if point in _BEFORE_DEBIT else _KEYS
    assert spent(nodes) - before == debited
    assert kept(nodes) == 0
    assert Counter(nodes.states(ALDER, PURPOSE)) - Counter(sessions) == Counter(["failed"])
    # Written down before anything leaves, and all of it together: who was given what, by which decision.
    events = nodes.events(WATCH, PURPOSE)[len(logged) :]
    written = disclosed(nodes, stands)
    assert written or point not in _AFTER_ENTRY
    assert not written or point not in _BEFORE_ENTRY
    assert disclosed(nodes, taken_back) == ("released" in events) == ("permitted" in events) == written
    recall(nodes, WATCH, taken_back)
    look_up(nodes, ALDER, WATCH, tiers="A")
    assert shown(nodes, [stands, taken_back]) == {stands}
    assert (taken_back in tombstones(nodes, ALDER)) == written
    assert spent(nodes) - before == debited + _KEYS
    assert_no_slot_was_used_twice(nodes)
    assert_all_that_left_is_logged(nodes, contributor.record)


@pytest.mark.usefixtures("fresh")
def test_contributor_killed_with_a_revision_on_its_way_sends_it_whole_the_next_time(
    nodes: Nodes, contributor: Contributor
) -> None:
    (hex_id,) = contribute(nodes, WATCH, records(nodes, ALDER, 1))
    look_up(nodes, ALDER, WATCH, tiers="A")
    for number, point in enumerate(("committing record a delta", "committed record a delta"), 1):
        text = f"Our side, {number}. " * 20
        change(nodes, WATCH, hex_id, lambda one, today, text=text: reply(one, today, text))
        contributor.die_at(point)
        with pytest.raises(SymbolonError):
            look_up(nodes, ALDER, WATCH, tiers="A")
        contributor.again()
        # Until then the requester shows what it had.
        assert held(nodes, ALDER)[hex_id].signal.revision == number
        outcome = look_up(nodes, ALDER, WATCH, tiers="A")
        assert (outcome.counts["revised"], outcome.counts["refused"]) == (1, 0)
        assert held(nodes, ALDER)[hex_id].signal.revision == number + 1
    assert_no_slot_was_used_twice(nodes)
    kinds = assert_all_that_left_is_logged(nodes, contributor.record)
    assert kinds == {"accept", "evaluated", "entries", "withdrawn", "finish"}


@pytest.mark.usefixtures("fresh")
@pytest.mark.parametrize("point", _ASKING)
def test_requester_killed_during_a_lookup_has_all_of_it_or_nothing_and_the_next_is_whole(
    nodes: Nodes, point: str
) -> None:
    before, sessions = spent(nodes), nodes.states(WATCH, PURPOSE)
    ids = contribute(nodes, WATCH, records(nodes, ALDER, 3))
    order = nodes.order(ALDER, "kill", point)
    command = ("signals", "lookup", WATCH, "--purpose", PURPOSE, "--tiers", "A")
    nodes.run(ALDER, *command, faulty=order, code=-signal.SIGKILL)
    reached, stored = point not in _BEFORE_HELLO, point == _STORED
    done = [each for each in sessions if each != "open"]

    def ended() -> bool:
        now = [each for each in nodes.states(WATCH, PURPOSE) if each != "open"]
        return len(now) == len(done) + reached

    wait_until(ended, "the contributor to end the session by itself")
    assert spent(nodes) - before == _KEYS * reached
    assert (kept(nodes), shown(nodes, ids)) == ((1, set(ids)) if stored else (0, set()))
    # For all that the contributor knows it may have it all: a recall has to reach it.
    recall(nodes, WATCH, ids[0])
    was_sent = disclosed(nodes, ids[0])
    assert was_sent or point in (*_BEFORE_HELLO, "sending Elements")
    outcome = look_up(nodes, ALDER, WATCH, tiers="A")
    assert shown(nodes, ids) == set(ids[1:])
    assert (ids[0] in tombstones(nodes, ALDER)) == was_sent
    assert outcome.counts["refused"] == 0
    assert_no_slot_was_used_twice(nodes)
