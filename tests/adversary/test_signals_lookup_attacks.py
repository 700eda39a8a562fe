"""A requester that compares: lookup with lookup, set with set, day with day; one that was away for a week.

What it sees of suppliers that it does not have are lengths, numbers, orders and dates. Two lookups that
differ by one supplier, or by one signal, look alike; what policy withholds looks like what is released; what
changed between two daily batches does not show, but for what is told at once. docs/THREAT_MODEL.md, Signals.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from clocked_signals import SignalScene, Talk, few_purposes, signal_scene
from node_clocks import DAY_S, HOUR_S
from symbolon.cli.made_up_suppliers import MadeUpList
from symbolon.exchange.limits import MIN_PADDED
from symbolon.exchange.messages import Accept, Entries, Hello, Withdrawn
from symbolon.exchange.padding import padded_count
from symbolon.membership.member_statement import Place
from symbolon.rpc import codec
from symbolon.signals.revisions import dispute, reply, revise
from symbolon.signals.vocabulary import Indicator

WATCH, ALDER, BIRCH = "watch-ngo", "alder-co", "birch-co"
LIST, SIGNALS = 99, 66
"""Suppliers of the one company; signals that stand from the beginning, more than fill the smallest batch."""

CHUNKS = {"": 1, "x" * 60: 2, "x" * 200: 3, "x" * 580: 6, "x" * 1460: 13}
"""Replies, and how many chunks the label of a signal has that has one."""

NEVER = "purpose-0"
"""Nobody asks for it: what is for this purpose alone is withheld."""


@pytest.fixture(scope="module")
def scene() -> Iterator[SignalScene]:
    """An organisation with a set of its own; two companies, the second with one supplier more."""
    with few_purposes(20) as nodes:
        for member, kind in ((WATCH, "ngo"), (ALDER, "company"), (BIRCH, "company")):
            nodes.coalition.add(member, kind=kind)
        nodes.configure(WATCH, allow=tuple({"peer": each, "signals": True} for each in (ALDER, BIRCH)))
        for member, size in ((ALDER, LIST), (BIRCH, LIST + 1)):
            nodes.configure(member, allow=({"peer": WATCH, "signals": True},))
            nodes.take_in(member, MadeUpList(size, 0, 0, member))
        with signal_scene(nodes, WATCH) as made:
            made.contribute(MadeUpList(SIGNALS, 0, 0, WATCH), purposes=(NEVER,))
            yield made


@pytest.fixture(scope="module")
def purposes() -> Iterator[str]:
    """Each was asked for by nobody yet, so that the next lookup is the first."""
    return (f"purpose-{number}" for number in range(1, 19))


@pytest.fixture(autouse=True)
def _today(scene: SignalScene) -> None:
    scene.clock.ahead_s = 0


def whole(scene: SignalScene) -> int:
    """The chunks of tier A that the whole set has: each of these suppliers has one key there."""
    with scene.node() as node:
        return int(node.signals.facts(node.now.date()).rows["chunks"].sum())


def unsigned(hello: Hello) -> bytes:
    """A hello as it is encoded, without what differs each time."""
    plain = replace(hello, session_id=bytes(16), purpose="purpose", request=None)
    return codec.encode_receiver(plain).SerializeToString()


def next_day(scene: SignalScene) -> None:
    scene.clock.ahead_s += DAY_S + 60


# ------------------------------------------------------------------------------------- n against n - 1


def test_lookups_that_differ_by_one_asked_supplier_are_the_same_on_the_wire(
    scene: SignalScene, purposes: Iterator[str]
) -> None:
    purpose = next(purposes)
    one, other = scene.look_up(ALDER, purpose), scene.look_up(BIRCH, purpose)
    assert one.shape() == other.shape()
    assert unsigned(one.hello) == unsigned(other.hello)
    # One key a supplier in tier A; the control is that another class would show.
    assert one.hello.tiers[0].elements == padded_count(LIST) == padded_count(LIST + 1)
    assert padded_count(LIST + 6) > padded_count(LIST + 1)


def test_sets_that_differ_by_a_signal_of_any_length_are_the_same_on_the_wire_on_every_day(
    scene: SignalScene, purposes: Iterator[str]
) -> None:
    everything, all_but_one, nothing = (next(purposes) for _ in range(3))
    some = scene.suppliers(ALDER, len(CHUNKS))
    ids = scene.contribute(some[:-1], purposes=(everything, all_but_one))
    ids += scene.contribute(some[-1:], purposes=(everything,))
    for hex_id, text in zip(ids, CHUNKS, strict=True):
        if text:
            scene.change(hex_id, lambda signal, today, text=text: reply(signal, today, text))
    with scene.node() as node:
        table = node.signals.facts(node.now.date())
        assert table.rows["chunks"][-len(ids) :].tolist() == list(CHUNKS.values())
    for step_s in (0.0, HOUR_S, DAY_S):
        scene.clock.ahead_s += step_s
        talks = [scene.look_up(ALDER, each) for each in (everything, all_but_one, nothing)]
        assert talks[0].shape() == talks[1].shape() == talks[2].shape()
        assert len({unsigned(each.hello) for each in talks}) == 1
        held = [set(scene.held(ALDER, each)) for each in (everything, all_but_one, nothing)]
        assert held == [set(ids), set(ids[:-1]), set()]


def test_withheld_signal_leaves_the_same_lengths_as_one_that_never_was(
    scene: SignalScene, purposes: Iterator[str]
) -> None:
    # Far enough from the next class, which is what the whole set may show.
    while padded_count(whole(scene)) != padded_count(whole(scene) + 2):
        scene.contribute(scene.suppliers(ALDER, 1), purposes=(NEVER,))
    earlier, later = next(purposes), next(purposes)
    never_was = scene.look_up(ALDER, earlier)
    scene.contribute(scene.suppliers(ALDER, 2), purposes=(NEVER,))
    # To somebody who asks for the first time; then to somebody who has asked before, on the next day.
    assert scene.look_up(ALDER, later).shape() == never_was.shape()
    next_day(scene)
    assert scene.look_up(ALDER, earlier, "A").offer("A") == ([(2, MIN_PADDED)], 0)


def test_first_delta_tells_the_class_of_the_whole_set_and_nothing_of_what_is_given(
    scene: SignalScene, purposes: Iterator[str]
) -> None:
    purpose = next(purposes)
    given = scene.contribute(scene.suppliers(ALDER, 3), purposes=(purpose,))
    talk = scene.look_up(ALDER, purpose, "A")
    assert set(scene.held(ALDER, purpose)) == set(given)
    assert talk.offer("A") == ([(1, padded_count(whole(scene)))], 0)


def test_entries_come_in_the_order_of_random_tags_and_two_sets_share_nothing(
    scene: SignalScene, purposes: Iterator[str]
) -> None:
    one, other = next(purposes), next(purposes)
    scene.contribute(scene.suppliers(ALDER, 12), purposes=(one, other))
    sets = [scene.look_up(ALDER, each, "A").rows()[1] for each in (one, other)]
    assert all(rows == sorted(rows) for rows in sets)
    # The same is said in both, under the same match keys: no tag, nonce or sealed chunk shows it.
    for start, end in ((0, 8), (10, 22), (22, 30), (-16, None)):
        pieces = [row[start:end] for rows in sets for row in rows]
        assert len(set(pieces)) == len(pieces)


# --------------------------------------------------------------------------------------- dates of change


def test_additions_of_a_day_come_in_one_batch_of_64_whatever_their_number(
    scene: SignalScene, purposes: Iterator[str]
) -> None:
    purpose = next(purposes)
    scene.look_up(ALDER, purpose, "A")
    some = scene.suppliers(ALDER, 5, 20)
    shapes = []
    for count in (0, 1, 5):
        scene.contribute(some[:count], purposes=(purpose,))
        assert scene.look_up(ALDER, purpose, "A").offer("A") == ([], 0)
        next_day(scene)
        talk = scene.look_up(ALDER, purpose, "A")
        assert [entries for _, entries in talk.offer("A")[0]] == [MIN_PADDED]
        assert talk.outcome.counts["added"] == count
        shapes.append(talk.shape())
    assert shapes[0] == shapes[1] == shapes[2]


def test_revision_contest_reply_and_addition_do_not_show_before_the_daily_batch(
    scene: SignalScene, purposes: Iterator[str]
) -> None:
    purpose = next(purposes)
    one, two, three = scene.contribute(scene.suppliers(ALDER, 3, 40), purposes=(purpose,))
    scene.look_up(ALDER, purpose, "A")
    quiet = scene.look_up(ALDER, purpose, "A")
    scene.change(one, lambda signal, today: revise(signal, today, confidence=1))
    scene.change(two, lambda signal, today: dispute(signal, today, "We pay on the tenth."))
    scene.change(three, lambda signal, today: reply(signal, today, "The wage slips show it. " * 20))
    scene.contribute(scene.suppliers(ALDER, 1, 50), purposes=(purpose,))
    scene.clock.ahead_s += HOUR_S
    after = scene.look_up(ALDER, purpose, "A")
    assert after.shape() == quiet.shape()
    assert after.offer("A") == ([], 0)
    assert after.outcome.counts["unchanged"] == 3
    next_day(scene)
    told = scene.look_up(ALDER, purpose, "A")
    counts = told.outcome.counts
    assert (counts["revised"], counts["disputed"], counts["replied"], counts["added"]) == (3, 1, 1, 1)
    assert told.offer("A") == ([(2, MIN_PADDED)], 3)


def test_signal_marked_urgent_shows_at_once_and_takes_nothing_else_along(
    scene: SignalScene, purposes: Iterator[str]
) -> None:
    purpose = next(purposes)
    scene.look_up(ALDER, purpose, "A")
    some = scene.suppliers(ALDER, 2, 60)
    (waits,) = scene.contribute(some[:1], purposes=(purpose,))
    child_labour = frozenset({Indicator.CHILD_LABOUR})
    (urgent,) = scene.contribute(some[1:], purposes=(purpose,), indicators=child_labour, urgent=True)
    scene.clock.ahead_s += HOUR_S
    assert scene.look_up(ALDER, purpose, "A").offer("A") == ([(2, MIN_PADDED)], 0)
    assert set(scene.held(ALDER, purpose)) == {urgent}
    # Told once, it shows no more.
    assert scene.look_up(ALDER, purpose, "A").offer("A") == ([], 0)
    next_day(scene)
    scene.look_up(ALDER, purpose, "A")
    assert set(scene.held(ALDER, purpose)) == {urgent, waits}


# --------------------------------------------------------------------------------------- away for a week


def sent(talk: Talk) -> int:
    """Bytes of the set, with what announces it."""
    return sum(each.length for each in talk.said if isinstance(each.message, (Accept, Entries, Withdrawn)))


def test_requester_that_was_off_for_a_week_gets_one_difference_and_the_recalls(
    scene: SignalScene, purposes: Iterator[str]
) -> None:
    purpose = next(purposes)
    some = scene.suppliers(ALDER, 8, 70)
    ids = scene.contribute(some[:4], purposes=(purpose,))
    with scene.node() as node:
        tomorrow = node.now.date() + timedelta(days=1)
    (short,) = scene.contribute(some[4:5], purposes=(purpose,), expires=tomorrow, review=tomorrow)
    first = scene.look_up(ALDER, purpose)
    assert set(scene.held(ALDER, purpose)) == {*ids, short}
    added = []
    for day in (2, 4, 6):
        scene.clock.ahead_s = day * DAY_S
        # Somebody else looks meanwhile; a set is one member's own.
        scene.look_up(BIRCH, purpose, "A")
        added += scene.contribute(some[5:6], purposes=(purpose,))
        scene.change(ids[0], lambda signal, today: revise(signal, today, confidence=signal.confidence - 1))
    scene.recall(ids[1])
    # Founders sign every few days. Here it is one, when somebody moves.
    scene.nodes.founder.node.clock = scene.clock
    scene.nodes.place(BIRCH, Place("127.0.0.1:1", (), ""))
    scene.clock.ahead_s = 7 * DAY_S + HOUR_S
    talk = scene.look_up(ALDER, purpose)
    assert [(each.epoch, [ask.elements for ask in each.tiers]) for each in talk.each(Hello)] == [
        (1, [MIN_PADDED] * 2)
    ]
    assert [talk.offer(tier)[0] for tier in "AB"] == [[(2, MIN_PADDED)]] * 2
    assert sent(talk) < sent(first) / 2
    counts = talk.outcome.counts
    assert (counts["added"], counts["revised"], counts["recalled"]) == (3, 1, 1)
    assert set(scene.held(ALDER, purpose)) == {ids[0], *ids[2:], *added}
    assert scene.held(ALDER, purpose)[ids[0]].signal.revision == 4
    # What was taken back leaves a stone, and what expired no word.
    assert set(scene.tombstones(ALDER)) == {ids[1]}
