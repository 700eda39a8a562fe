"""Taking in, for every order of entries and every way in which deliveries go wrong."""

import shutil
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from sqlalchemy import select

from received_labels import (
    Chunks,
    Contributor,
    alone,
    everything,
    flipped,
    found,
    held_after,
    judged,
    some_signal,
    trusting,
)
from signal_makers import TODAY, signals
from symbolon.policy.obligations import Coarsen, Obligations, Period, Redact, Retain
from symbolon.signals.bundle import decode_bundle
from symbolon.signals.intake import Found, HeldSignal, Intake, take_in
from symbolon.signals.one_statement import one_statement
from symbolon.signals.released import WITHHOLDABLE, release
from symbolon.signals.revisions import dispute, recall, reply, revise
from symbolon.signals.signal import MAX_REVISION, Signal
from symbolon.signals.supplier_link import Hit, supplier_links
from symbolon.signals.vocabulary import RecallReason, State
from symbolon.storage.database import Database
from symbolon.storage.received_signal_columns import LinkTable
from symbolon.storage.received_signal_schema import received_signal
from symbolon.storage.received_signal_store import ReceivedSignalStore
from symbolon.storage.received_signal_writer import FeedPosition
from symbolon.storage.seal import Sealer
from symbolon.suppliers.tier import Tier

NGO, MILL = Contributor(), Contributor("mill", 3)
TIERS = ("A", "B", "C")
_DAY_S = 86400

# ------------------------------------------------------------------------------------------- any order


def _history() -> list[Chunks]:
    """Labels of two signals: revisions, forms, a recall, contradictions, junk."""
    labels = []
    for number in (1, 2):
        first = some_signal(number)
        second = dispute(first, TODAY, "No.")
        third = reply(second, TODAY, "We paid.")
        for each in (first, second, third):
            labels += [NGO.label(each), NGO.label(each, "redact(indicators)"), NGO.label(each, "retain(3)")]
        labels += [
            NGO.label(recall(second, TODAY, RecallReason.ERROR)),
            NGO.label(recall(third, TODAY, RecallReason.LEGAL)),
            NGO.label(replace(first, confidence=1)),
            NGO.label(replace(third, confidence=1)),
            NGO.label(replace(third, revision=9, reply=None)),
            MILL.label(third),
            flipped(NGO.label(first), 300),
        ]
    return labels


HISTORY = _history()
_hits = st.builds(
    found,
    st.sampled_from(HISTORY),
    st.integers(1, 4),
    tier=st.sampled_from(TIERS),
    scheme=st.sampled_from(("lei.1", "name-postal.1")),
    key_id=st.integers(1, 3),
)


def _taken_in(labels: list[Found], held: dict[bytes, HeldSignal]) -> Intake:
    return take_in(labels, held, verify=NGO.verify, today=TODAY)


@given(st.lists(_hits, max_size=12), st.lists(_hits, max_size=12), st.randoms(use_true_random=False))
def test_take_in_order_and_number_of_entries_make_no_difference(
    before: list[Found], now: list[Found], random: Random
) -> None:
    held = held_after(_taken_in(before, {}))
    straight = everything(_taken_in(now, held))
    mixed = [*now, *random.choices(now, k=3)] if now else []
    random.shuffle(mixed)
    assert everything(_taken_in(mixed, held)) == straight


@given(st.lists(st.lists(_hits, max_size=6), max_size=5))
def test_take_in_what_was_recalled_never_comes_back(sessions: list[list[Found]]) -> None:
    held: dict[bytes, HeldSignal] = {}
    recalled: set[bytes] = set()
    floor: dict[bytes, int] = {}
    for labels in sessions:
        intake = _taken_in(labels, held)
        assert not recalled & (intake.taken.keys() | intake.stands.keys() | intake.recalls.keys())
        for each, taken in intake.taken.items():
            assert taken.signal.state is State.ACTIVE
            assert taken.signal.revision >= floor.get(each, 0)
            floor[each] = taken.signal.revision
        recalled |= intake.recalls.keys()
        held = held_after(intake, held)


@given(st.lists(_hits, max_size=12))
def test_take_in_every_label_is_believed_refused_or_superseded(labels: list[Found]) -> None:
    intake = _taken_in(labels, {})
    distinct = {each.chunks for each in labels}
    believed = {each.chunks for each in intake.taken.values()}
    assert believed <= distinct
    assert sum(intake.refused.values()) <= len(distinct) - len(believed)
    for each in believed:
        decode_bundle(each, NGO.verify)
    assert intake.stands.keys() == intake.taken.keys()
    assert not intake.taken.keys() & intake.recalls.keys()


# ------------------------------------------------------------------------------------------------ forms

_obligations = st.builds(
    Obligations,
    redact=st.none() | st.builds(Redact, st.frozensets(st.sampled_from(WITHHOLDABLE), min_size=1)),
    coarsen=st.none() | st.builds(Coarsen, st.sampled_from(Period)),
    no_onward=st.booleans(),
    retain=st.none() | st.builds(Retain, st.integers(1, 3650)),
)


@given(signals(), st.lists(st.tuples(_obligations, st.integers(1, 300)), min_size=1, max_size=5))
@settings(max_examples=40)
def test_one_statement_holds_for_all_forms_that_policy_makes(
    signal: Signal, ways: list[tuple[Obligations, int]]
) -> None:
    assert one_statement([release(signal, bound, contributors=count) for bound, count in ways])


@given(signals(), signals(), st.tuples(_obligations, _obligations))
@settings(max_examples=40)
def test_one_statement_of_two_records_is_made_of_what_both_tell(
    one: Signal, other: Signal, ways: tuple[Obligations, Obligations]
) -> None:
    """Whatever passes for one statement tells nothing that the other form contradicts."""
    other = replace(other, signal_id=one.signal_id, revision=one.revision)
    first, second = release(one, ways[0]), release(other, ways[1])
    if not one_statement([first, second]):
        return
    assert (first.state, first.tlp, first.dispute, first.reply) == (
        second.state,
        second.tlp,
        second.dispute,
        second.reply,
    )
    for name in WITHHOLDABLE:
        attribute = {"narrative": "has_narrative"}.get(name, name)
        if name != "period" and name not in first.withheld | second.withheld:
            assert getattr(first, attribute) == getattr(second, attribute)


# ---------------------------------------------------------------------------------------------- links

_some_hits = st.lists(
    st.builds(
        Hit,
        st.integers(0, 2**63 - 1),
        st.just(Tier.B),
        st.sampled_from(("name-postal.1", "name-locality.1", "x")),
        st.integers(0, 2**64 - 1),
    ),
    max_size=6,
)


@given(st.dictionaries(st.binary(min_size=16, max_size=16), _some_hits, max_size=5))
def test_link_table_reads_back_as_it_was_written(hits: dict[bytes, list[Hit]]) -> None:
    table = LinkTable.of(hits)
    again = LinkTable.decode(table.encode())
    assert again.encode() == table.encode()
    assert {each: set(some) for each, some in again.hits(Tier.B).items()} == {
        each: set(some) for each, some in hits.items() if some
    }
    for each in hits:
        assert again.hits(Tier.B, {each}).keys() <= {each}


@given(_some_hits, st.randoms(use_true_random=False))
def test_supplier_links_order_of_hits_makes_no_difference(hits: list[Hit], random: Random) -> None:
    mixed = [*hits, *hits[:2]]
    random.shuffle(mixed)
    assert supplier_links(mixed) == supplier_links(hits)
    assert {each.supplier_no for each in supplier_links(hits)} == {hit.supplier_no for hit in hits}


# ------------------------------------------------------------------------------- sender, relay and store


@dataclass
class Snapshot:
    """What stood in the sender's set for a purpose at one time.

    Attributes:
        labels: by signal; with the tier in which it stands, and the own supplier.
    """

    purpose: str
    labels: dict[bytes, tuple[Signal, Chunks, str]] = field(default_factory=dict)


class Deliveries(RuleBasedStateMachine):
    """A contributor that revises, recalls, withdraws and changes its policy; a way on which snapshots are
    reordered, doubled, replayed and lost; and the store of a member that asks."""

    purposes = ("due-diligence", "training")

    def __init__(self) -> None:
        super().__init__()
        self.today = TODAY
        self.newest: dict[bytes, Signal] = {}
        self.withheld: dict[str, set[bytes]] = {each: set() for each in self.purposes}
        self.policy: dict[str, str] = dict.fromkeys(self.purposes, "")
        self.given: set[bytes] = set()
        self.old: list[Snapshot] = []
        self.fresh: dict[str, bool] = dict.fromkeys(self.purposes, False)
        self.first_s: dict[bytes, float] = {}
        self.recalled: set[bytes] = set()
        self.floor: dict[str, int] = {}

    @initialize()
    def open(self) -> None:
        self.resources = ExitStack()
        folder = tempfile.mkdtemp()
        self.resources.callback(shutil.rmtree, folder)
        url = f"sqlite:///{Path(folder) / 'node.db'}"
        self.database = self.resources.enter_context(Database.open(url, create=True))
        self.store = ReceivedSignalStore(self.database, Sealer(bytes(32)), self.now_s)

    def teardown(self) -> None:
        if hasattr(self, "resources"):
            self.resources.close()

    def now_s(self) -> float:
        return datetime.combine(self.today, time(12), UTC).timestamp()

    # -------------------------------------------------------------------------------- the contributor

    def _change(self, number: int, make: Callable[[Signal], Signal]) -> None:
        standing = [each for each in self.newest.values() if self._stands(each) and each.revision < 99]
        if standing:
            new = make(standing[number % len(standing)])
            self.newest[new.signal_id] = new
            self.fresh = dict.fromkeys(self.purposes, False)

    def _stands(self, signal: Signal) -> bool:
        return signal.state is State.ACTIVE and not signal.is_expired(self.today)

    @rule(days=st.sampled_from((3, 20, 700)))
    def add(self, days: int) -> None:
        number = len(self.newest) + 1
        if number < 9:
            ends = self.today + timedelta(days=days)
            new = some_signal(number, issued=self.today, expires=ends, review=ends, period=None)
            self.newest[new.signal_id] = new
            self.fresh = dict.fromkeys(self.purposes, False)

    @rule(number=st.integers(0, 7), confidence=st.integers(0, 9))
    def revise(self, number: int, confidence: int) -> None:
        self._change(
            number, lambda old: revise(old, self.today, confidence=(10 * old.revision + confidence) % 100)
        )

    @rule(number=st.integers(0, 7))
    def dispute(self, number: int) -> None:
        self._change(number, lambda old: dispute(old, self.today, f"Not so, {old.revision}."))

    @rule(number=st.integers(0, 7))
    def reply(self, number: int) -> None:
        self._change(number, lambda old: reply(old, self.today, f"We paid, {old.revision}."))

    @rule(number=st.integers(0, 7))
    def recall(self, number: int) -> None:
        self._change(number, lambda old: recall(old, self.today, RecallReason.DISPUTE_UPHELD))

    @precondition(lambda self: self.newest)
    @rule(number=st.integers(0, 7), purpose=st.sampled_from(purposes))
    def withdraw_or_permit_again(self, number: int, purpose: str) -> None:
        self.withheld[purpose] ^= {sorted(self.newest)[number % len(self.newest)]}
        self.fresh[purpose] = False

    @rule(
        purpose=st.sampled_from(purposes),
        bound=st.sampled_from(
            ("", "redact(indicators, severity)", "coarsen(year)", "no_onward", "retain(4)")
        ),
    )
    def change_policy(self, purpose: str, bound: str) -> None:
        self.policy[purpose] = bound
        self.fresh[purpose] = False

    @rule(days=st.sampled_from((1, 3, 30)))
    def pass_days(self, days: int) -> None:
        self.today += timedelta(days=days)
        self.fresh = dict.fromkeys(self.purposes, False)

    # -------------------------------------------------------------------------------- the way and the store

    def _snapshot(self, purpose: str) -> Snapshot:
        now = Snapshot(purpose)
        for number, (each, signal) in enumerate(sorted(self.newest.items())):
            if signal.is_expired(self.today) or each in self.withheld[purpose]:
                continue
            if signal.state is State.RECALLED and each not in self.given:
                continue
            tier = TIERS[number % 3]
            now.labels[each] = (signal, NGO.label(signal, self.policy[purpose]), tier)
        return now

    def _arrives(self, snapshot: Snapshot, random: Random) -> None:
        labels = [
            # Now and then it is another supplier's.
            found(chunks, random.choices((100, 200), (5, 1))[0] + each[1], tier=tier)
            for each, (_, chunks, tier) in snapshot.labels.items()
        ]
        labels += random.choices(labels, k=2) if labels else []
        labels += [
            found(flipped(each.chunks, random.randrange(900))) for each in labels[: random.randrange(2)]
        ]
        labels += [found(MILL.label(some_signal(random.randrange(1, 9), revision=50)))]
        random.shuffle(labels)
        about = self.store, labels, self.today
        intake = judged(*about, who=NGO, purpose=snapshot.purpose, tiers=TIERS)
        held = self.store.held("ngo", snapshot.purpose, TIERS, labels)
        everything = take_in(labels, held, verify=NGO.verify, today=self.today)
        self._is_the_same(intake, everything, snapshot.purpose)
        # Either is stored, so that what one leaves behind is judged by the other.
        intake = random.choice((intake, everything))
        positions = [FeedPosition(each, 1, 1) for each in TIERS]
        with self.database.transaction("arrive") as connection:
            self.store.save(
                connection, "ngo", snapshot.purpose, intake, key_id=NGO.key_id, positions=positions
            )
        for each in intake.taken.keys() | intake.recalls.keys():
            self.first_s.setdefault(each, self.now_s())
        self.recalled |= {each for each, (signal, _, _) in snapshot.labels.items() if self._recalls(signal)}

    def _is_the_same(self, quick: Intake, whole: Intake, purpose: str) -> None:
        """Judging only what something has happened to comes to the same as judging everything."""
        for each in ("taken", "recalls", "vanished", "over", "refused", "unchanged"):
            assert getattr(quick, each) == getattr(whole, each), each
        left = quick.kept - whole.kept
        hits: dict[bytes, set[Hit]] = {}
        with self.database.read("look") as connection:
            for place, table in self.store._reader.link_tables(connection, "ngo", purpose):
                for each, some in table.hits(Tier(place.tier), left).items():
                    hits.setdefault(each, set()).update(some)
        assert {**quick.stands, **{each: frozenset(some) for each, some in hits.items()}} == whole.stands

    def _recalls(self, signal: Signal) -> bool:
        return signal.state is State.RECALLED and not signal.is_expired(self.today)

    @rule(purpose=st.sampled_from(purposes), random=st.randoms(use_true_random=False))
    def deliver(self, purpose: str, random: Random) -> None:
        snapshot = self._snapshot(purpose)
        self._arrives(snapshot, random)
        self.given |= snapshot.labels.keys()
        self.old.append(snapshot)
        self.fresh[purpose] = True

    @rule(purpose=st.sampled_from(purposes))
    def lose(self, purpose: str) -> None:
        """The sender noted that it gave these, and nothing arrived."""
        snapshot = self._snapshot(purpose)
        self.given |= snapshot.labels.keys()
        self.old.append(snapshot)

    @precondition(lambda self: self.old)
    @rule(number=st.integers(0, 50), random=st.randoms(use_true_random=False))
    def replay(self, number: int, random: Random) -> None:
        snapshot = self.old[number % len(self.old)]
        self._arrives(snapshot, random)
        self.fresh[snapshot.purpose] = False

    @rule()
    def clean_up(self) -> None:
        self.store.erase_due(self.now_s(), alone)

    # ------------------------------------------------------------------------------------------ what holds

    def _shown(self, purpose: str) -> dict[bytes, tuple[int, Chunks]]:
        views = self.store.export(trusting(NGO), purpose=purpose)
        assert all(view.verified and view.peer == "ngo" for view, _ in views)
        assert all(len(view.links) == 1 for view, _ in views)
        return {view.signal.signal_id: (view.signal.revision, NGO.encode(view.signal)) for view, _ in views}

    def _may_be_kept(self, signal: Signal, purpose: str) -> bool:
        if "retain" not in self.policy[purpose]:
            return True
        return self.now_s() < self.first_s[signal.signal_id] + 4 * _DAY_S

    @invariant()
    def store_shows_what_the_contributor_releases(self) -> None:
        for purpose in self.purposes:
            if self.fresh[purpose]:
                truth = {
                    each: (signal.revision, chunks)
                    for each, (signal, chunks, _) in self._snapshot(purpose).labels.items()
                    if signal.state is State.ACTIVE and self._may_be_kept(signal, purpose)
                }
                assert self._shown(purpose) == truth

    @invariant()
    def what_was_recalled_is_a_tombstone_and_nothing_else(self) -> None:
        if hasattr(self, "store"):
            tombstones = {each.signal_id for each in self.store.tombstones()}
            for each in self.recalled:
                assert (each in tombstones) or self.newest[each].is_expired(self.today)
            for purpose in self.purposes:
                assert not self._shown(purpose).keys() & self.recalled

    @invariant()
    def what_is_shown_never_goes_back_and_never_outstays_its_time(self) -> None:
        if hasattr(self, "store"):
            for purpose in self.purposes:
                for each, (revision, _) in self._shown(purpose).items():
                    assert revision <= self.newest[each].revision <= MAX_REVISION
                    assert not self.newest[each].is_expired(self.today)
            with self.database.read("look") as connection:
                rows = connection.execute(select(received_signal)).all()
            for row in rows:
                assert row.revision >= self.floor.get(row.signal_id, 0), f"{row.signal_id} went back"
                self.floor[row.signal_id] = row.revision


Deliveries.TestCase.settings = settings(max_examples=30, stateful_step_count=20)
TestDeliveries = pytest.mark.filterwarnings("ignore::pytest.PytestCollectionWarning")(Deliveries.TestCase)


@pytest.mark.parametrize("seed", range(3))
def test_long_runs_of_deliveries(seed: int) -> None:
    """What the machine's short runs reach seldom: many deliveries of what mostly stands as it did."""
    random = Random(seed)
    run = Deliveries()
    run.open()
    try:
        for _ in range(80):
            number, purpose = random.randrange(8), random.choice(run.purposes)
            changes: list[Callable[[], None]] = [
                lambda: run.add(random.choice((3, 20, 700))),
                lambda number=number: run.revise(number, random.randrange(10)),
                lambda number=number: run.dispute(number),
                lambda number=number: run.reply(number),
                lambda number=number: run.recall(number) if random.random() < 0.3 else None,
                lambda number=number, purpose=purpose: (
                    run.newest and run.withdraw_or_permit_again(number, purpose)
                ),
                lambda purpose=purpose: run.change_policy(purpose, random.choice(("", "retain(4)"))),
                lambda: run.pass_days(1),
                run.clean_up,
                lambda number=number: run.replay(number, random) if run.old else None,
            ]
            random.choices(changes, (4, 1, 1, 1, 1, 1, 1, 1, 1, 1))[0]()
            if random.random() < 0.6:
                run.deliver(purpose, random)
            run.store_shows_what_the_contributor_releases()
            run.what_was_recalled_is_a_tombstone_and_nothing_else()
            run.what_is_shown_never_goes_back_and_never_outstays_its_time()
    finally:
        run.teardown()


@given(st.dates(date(2021, 2, 1), date(2190, 1, 1)), st.sampled_from(Period), st.integers(1, 300))
def test_one_statement_lets_a_day_be_the_first_of_its_own_step_alone(
    day: date, step: Period, off: int
) -> None:
    """Any other day is another record's."""
    ends = day + timedelta(days=500)
    plain = release(some_signal(1, issued=day, expires=ends, review=ends, period=None), Obligations())
    wide = release(
        some_signal(1, issued=day, expires=ends, review=ends, period=None), Obligations(coarsen=Coarsen(step))
    )
    assert one_statement([plain, wide])
    starts = {
        date(day.year, 1, 1),
        date(day.year, 3 * ((day.month - 1) // 3) + 1, 1),
        day.replace(day=1),
        day,
    }
    moved = day - timedelta(days=off)
    assert one_statement([plain, replace(plain, issued=moved)]) == (moved in starts)
