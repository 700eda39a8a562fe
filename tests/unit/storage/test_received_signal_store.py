"""The store of signals that other members released; see also tests/property/test_signals_intake.py."""

import contextlib
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import delete, func, insert, select, text, update

from received_labels import (
    PURPOSE,
    Contributor,
    alone,
    found,
    in_columns,
    judged,
    signal_id,
    some_signal,
    trusting,
)
from signal_makers import TODAY
from stored_signals import SEALER, Clock, new_signal
from symbolon.errors import SignalError, StorageError
from symbolon.signals.facts import day_number
from symbolon.signals.intake import Found, HeldSignal, HeldState, Intake, Refusal, take_in
from symbolon.signals.revisions import dispute, recall, reply, revise
from symbolon.signals.vocabulary import RecallReason
from symbolon.storage import received_signal_store as module
from symbolon.storage.database import Database
from symbolon.storage.delegation_columns import Delegation
from symbolon.storage.delegation_store import DelegationStore
from symbolon.storage.exchange_columns import pack, unpack
from symbolon.storage.match_store import MatchStore
from symbolon.storage.received_signal_columns import KeptRecall, open_links, open_recall, seal_recall
from symbolon.storage.received_signal_schema import (
    received_form,
    received_hold,
    received_hold_content,
    received_narrative,
    received_signal,
    received_signal_link,
)
from symbolon.storage.received_signal_store import Erased, ReceivedSignalStore
from symbolon.storage.received_signal_view import Feed, ReceivedCounts, ReceivedView, Tombstone
from symbolon.storage.received_signal_writer import MAX_KEY_ID_BYTES, FeedPosition
from symbolon.suppliers.tier import Tier

NGO, MILL = Contributor(), Contributor("mill", 3)
PUBLISHERS = trusting(NGO, MILL)
FIRST = some_signal(1)
ID = FIRST.signal_id
_DAY_S = 86400
_CONTENT = (received_form, received_narrative, received_hold_content)


@dataclass
class Member:
    """A member that asks others, on a clock that the test moves."""

    database: Database
    clock: Clock = field(default_factory=Clock)

    def __post_init__(self) -> None:
        self.store = ReceivedSignalStore(self.database, SEALER, lambda: self.clock())
        self.matches = MatchStore(self.database, SEALER, lambda: self.clock())

    def looks(
        self,
        *labels: Found,
        who: Contributor = NGO,
        purpose: str = PURPOSE,
        tiers: str = "ABC",
        epoch: int = 1,
        key_id: bytes | None = None,
    ) -> Intake:
        """One lookup: what is held, the rules, the store."""
        intake = judged(self.store, labels, self.clock.today, who=who, purpose=purpose, tiers=tiers)
        self.saves(intake, who=who, purpose=purpose, tiers=tiers, epoch=epoch, key_id=key_id)
        return intake

    def saves(
        self,
        intake: Intake,
        *,
        who: Contributor = NGO,
        purpose: str = PURPOSE,
        tiers: Iterable[str] = "ABC",
        epoch: int = 1,
        key_id: bytes | None = None,
    ) -> None:
        positions = [FeedPosition(each, epoch, 2) for each in tiers]
        with self.database.transaction("a lookup") as connection:
            self.store.save(
                connection,
                who.name,
                purpose,
                intake,
                key_id=who.key_id if key_id is None else key_id,
                positions=positions,
            )

    def tells(self, words: str, *, purpose: str = PURPOSE, revision: int = 1, signal_id: bytes = ID) -> None:
        """The narrative arrives."""
        with self.database.transaction("a narrative") as connection:
            self.store.save_narrative(connection, "ngo", purpose, signal_id, revision, words)

    def view(self, **chosen: str) -> ReceivedView:
        """The only one that stands."""
        (view,) = self.store.views(PUBLISHERS, **chosen)
        return view

    def rows(self, table: Any) -> list[Any]:
        with self.database.read("look") as connection:
            return list(connection.execute(select(table)).all())

    def linked(self) -> set[bytes]:
        """Signals that any link names, for whatever purpose and tier."""
        return {
            each
            for row in self.rows(received_signal_link)
            for each in open_links(SEALER, row.peer, row.purpose, row.tier, row.payload).ids
        }

    def content_rows(self) -> int:
        return sum(len(self.rows(table)) for table in _CONTENT)


@pytest.fixture
def member(database: Database) -> Member:
    return Member(database)


def refused(code: str) -> "pytest.RaisesExc[SignalError]":
    return pytest.raises(SignalError, check=lambda error: error.full_code == code)


# ------------------------------------------------------------------------------------------ taking in


def test_save_then_views_show_what_was_released(member: Member) -> None:
    label = NGO.label(FIRST, "redact(native); retain(20)")
    member.looks(found(label, 7, tier="B", scheme="name-postal.1", key_id=70), found(label, 7, 3, key_id=11))
    view = member.view()
    assert (view.peer, view.purpose, view.verified, view.key_id) == ("ngo", PURPOSE, True, NGO.key_id)
    assert NGO.encode(view.signal) == label
    assert [(each.link.supplier_no, each.link.tier, each.link.reasons) for each in view.links] == [
        (3, Tier.A, ("lei.1",)),
        (7, Tier.A, ("lei.1", "name-postal.1")),
    ]
    assert view.links[1].link.key_ids == (11, 70)
    assert view.first_received_at_s == view.received_at_s == member.clock()
    assert view.erase_at_s == member.clock() + 20 * _DAY_S
    assert (view.newest_revision, view.also_under, view.has_text) == (1, (), False)


def test_what_the_publisher_publishes_for_this_member_is_known_as_its_own(member: Member) -> None:
    label = NGO.label(FIRST)
    delegations = DelegationStore(member.database, SEALER, lambda: member.clock())
    (number,) = delegations.add_many([(new_signal(5), Delegation("ngo", as_kind=False, reviewed=False))])
    member.looks(found(label, 7))
    assert not member.view().is_own
    delegations.note_delivered(number, 1, their_id=ID)
    assert member.view().is_own
    member.looks(found(MILL.label(FIRST), 7), who=MILL)
    assert not member.view(peer="mill").is_own


def test_held_of_nothing_is_nothing(member: Member) -> None:
    assert member.store.held("ngo", PURPOSE, "ABC", [found(NGO.label(FIRST))]) == {}
    assert member.store.views(PUBLISHERS) == []
    assert (member.store.counts(), member.store.feeds(), member.store.tombstones()) == ({}, [], [])


def test_held_gives_what_the_rules_judge_by(member: Member) -> None:
    label, other = NGO.label(FIRST), NGO.label(FIRST, "no_onward")
    member.looks(found(label, tier="B"))
    member.looks(found(other, tier="A"), purpose="training")
    member.clock.pass_days(2)
    about = 1, HeldState.ACTIVE, FIRST.expires, 2 * _DAY_S
    newer = found(NGO.label(revise(FIRST, TODAY, confidence=1)))

    def held(purpose: str, tiers: str, *labels: Found) -> HeldSignal:
        return member.store.held("ngo", purpose, tiers, labels)[ID]

    assert held(PURPOSE, "AB") == HeldSignal(*about, shown=True, here=True)
    assert held(PURPOSE, "AC", found(label)) == HeldSignal(*about, shown=True, here=False, chunks=label)
    assert held(PURPOSE, "B", found(label)) == HeldSignal(*about, shown=True, here=True, chunks=label)
    whole = HeldSignal(*about, shown=True, here=True, chunks=label, others=(other,))
    assert held(PURPOSE, "B", newer) == held(PURPOSE, "B", found(label), newer) == whole
    unseen = held("third", "ABC", newer)
    assert sorted(unseen.others) == sorted((label, other))
    assert replace(unseen, others=()) == HeldSignal(*about)
    assert member.store.held("mill", PURPOSE, "ABC", [found(label)]) == {}


def test_held_leaves_out_labels_whose_time_is_over(member: Member) -> None:
    label = NGO.label(FIRST, "retain(3)")
    member.looks(found(label))
    member.clock.pass_days(3)
    held = member.store.held("ngo", PURPOSE, "ABC", [found(label)])
    assert held == {ID: HeldSignal(1, HeldState.ACTIVE, FIRST.expires, 3 * _DAY_S, here=True)}


def test_held_opens_no_label_that_stands_as_it_did(member: Member, monkeypatch: pytest.MonkeyPatch) -> None:
    labels = [found(NGO.label(some_signal(number))) for number in range(1, 5)]
    member.looks(*labels)

    def label(self: Any, row: Any) -> Any:
        raise AssertionError("opened")

    monkeypatch.setattr(module.Reader, "label", label)
    intake = member.looks(*labels)
    assert len(intake.unchanged) == 4
    assert member.looks(*labels[:2]).vanished == {signal_id(3), signal_id(4)}


def test_what_one_tier_noted_before_another_was_asked_is_judged_again(member: Member) -> None:
    old, new = NGO.label(FIRST), NGO.label(revise(FIRST, TODAY, confidence=1))
    member.looks(found(old, tier="A"), found(old, tier="B"))
    member.looks(found(new, tier="A"), tiers="A")
    assert member.looks(found(old, tier="B"), tiers="B").refused == {Refusal.LOWER: 1}
    assert member.looks(found(new, tier="A"), found(new, tier="B")).unchanged == {ID}
    assert member.view().signal.revision == 2


def test_links_of_before_labels_were_noted_are_read_and_judged_once(member: Member) -> None:
    label = found(NGO.label(FIRST))
    member.looks(label)
    (row,) = (each for each in member.rows(received_signal_link) if each.tier == "A")
    table = open_links(SEALER, "ngo", PURPOSE, "A", row.payload)
    earlier = pack(*unpack(table.encode(), 7)[:-1])
    payload = SEALER.seal("received_signal_link", "payload", f"ngo/{PURPOSE}/A", earlier)
    with member.database.transaction("an earlier release") as connection:
        here = received_signal_link.c.tier == "A"
        connection.execute(update(received_signal_link).where(here).values(payload=payload))
    columns = [in_columns(Tier.A, [label])]
    assert member.store.same("ngo", PURPOSE, columns) == frozenset()
    assert [each.link.supplier_no for each in member.view().links] == [1]
    assert member.looks(label).unchanged == {ID}
    assert member.store.same("ngo", PURPOSE, columns) == {ID}


def test_save_again_of_what_stands_changes_nothing(member: Member) -> None:
    label = NGO.label(FIRST)
    member.looks(found(label))
    tables = received_signal, received_form, received_signal_link
    before = [member.rows(each) for each in tables]
    member.clock.pass_days(1)
    assert member.looks(found(label)).unchanged == {ID}
    assert [member.rows(each) for each in tables] == before


def test_save_of_a_revision_takes_the_place_of_the_one_before(member: Member) -> None:
    member.looks(found(NGO.label(FIRST), 1))
    start_s = member.clock()
    member.clock.pass_days(3)
    second = dispute(FIRST, TODAY, "Not so.")
    member.looks(found(NGO.label(second), 2))
    view = member.view()
    assert (view.signal.revision, view.signal.dispute.statement) == (2, "Not so.")
    assert (view.first_received_at_s, view.received_at_s) == (start_s, member.clock())
    assert [each.link.supplier_no for each in view.links] == [2]
    assert len(member.rows(received_form)) == 1


def test_save_of_a_new_form_keeps_when_the_revision_came(member: Member) -> None:
    member.looks(found(NGO.label(FIRST)))
    changed_s = member.clock()
    member.clock.pass_days(1)
    member.looks(found(NGO.label(FIRST, "redact(indicators)")))
    assert member.view().signal.indicators == frozenset()
    assert member.rows(received_signal)[0].changed_at_s == changed_s


def test_save_of_what_vanished_leaves_its_number_and_no_content(member: Member) -> None:
    member.looks(found(NGO.label(revise(FIRST, TODAY, confidence=1))))
    assert member.looks().vanished == {ID}
    assert (member.store.views(PUBLISHERS), member.content_rows()) == ([], 0)
    (row,) = member.rows(received_signal)
    assert (row.state, row.revision, row.recall) == ("gone", 2, None)
    assert member.store.counts() == {"ngo": ReceivedCounts(gone=1)}
    with refused("signal.unknown"):
        member.store.get(FIRST.hex_id, PUBLISHERS)
    member.looks(found(NGO.label(FIRST)))
    assert member.store.views(PUBLISHERS) == []
    member.looks(found(NGO.label(revise(FIRST, TODAY, confidence=1))))
    assert member.view().signal.revision == 2


def test_save_of_some_tiers_leaves_what_others_led_to(member: Member) -> None:
    two = some_signal(2)
    member.looks(found(NGO.label(FIRST), 1, tier="A"), found(NGO.label(two), 2, tier="C"))
    member.looks(found(NGO.label(FIRST), 5, tier="A"), tiers="A")
    links = {view.signal.signal_id: view.links[0].link.supplier_no for view in member.store.views(PUBLISHERS)}
    assert links == {ID: 5, two.signal_id: 2}
    assert member.looks(tiers="A").vanished == {ID}
    assert member.view().signal.signal_id == two.signal_id


def test_save_of_what_vanished_from_one_tier_drops_it_from_all(member: Member) -> None:
    """Its publisher took it out of the set: what another tier led to would be found no more either."""
    label = NGO.label(FIRST)
    member.looks(found(label, 1, tier="A"), found(label, 2, tier="C"))
    member.looks(found(label, 2, tier="C"), purpose="training")
    member.looks(tiers="A")
    assert member.view().purpose == "training"
    member.looks(tiers="C", purpose="training")
    assert member.store.views(PUBLISHERS) == []
    assert member.store.by_supplier([1, 2], PUBLISHERS) == {1: [], 2: []}
    assert member.linked() == set()


def test_save_of_what_is_refused_keeps_the_held_one_with_its_links(member: Member) -> None:
    member.looks(found(NGO.label(FIRST), 4))
    member.looks(found(NGO.label(replace(FIRST, confidence=1)), 9))
    view = member.view()
    assert (view.signal.confidence, [each.link.supplier_no for each in view.links]) == (70, [4])


def test_save_that_does_not_fit_its_session_is_refused(member: Member) -> None:
    intake = take_in([found(NGO.label(FIRST))], {}, verify=NGO.verify, today=TODAY)
    for wrong in ({"tiers": "B"}, {"key_id": bytes(MAX_KEY_ID_BYTES + 1)}):
        with pytest.raises(StorageError, check=lambda error: error.full_code == "storage.received"):
            member.saves(intake, **wrong)  # type: ignore[arg-type]
    assert member.rows(received_signal) == []


def test_save_in_a_transaction_that_is_undone_leaves_what_was_there(member: Member) -> None:
    member.looks(found(NGO.label(FIRST)))
    gone = found(NGO.label(recall(FIRST, TODAY, RecallReason.ERROR)))
    held = member.store.held("ngo", PURPOSE, "ABC", [gone])
    intake = take_in([gone], held, verify=NGO.verify, today=TODAY)
    with contextlib.suppress(RuntimeError), member.database.transaction("torn") as connection:
        positions = [FeedPosition("A", 9, 9)]
        member.store.save(connection, "ngo", PURPOSE, intake, key_id=b"k", positions=positions)
        raise RuntimeError("killed")
    assert member.view().signal.signal_id == ID
    assert member.store.feeds()[0].epoch == 1


def test_save_passes_over_what_was_recalled_or_revised_meanwhile(member: Member) -> None:
    """Two processes judged against the same state; the later writer must not bring back what is gone."""
    two = some_signal(2)
    slow = take_in(
        [found(NGO.label(replace(FIRST, revision=5)), 1), found(NGO.label(two), 2)],
        {},
        verify=NGO.verify,
        today=TODAY,
    )
    member.looks(
        found(NGO.label(recall(FIRST, TODAY, RecallReason.ERROR))),
        found(NGO.label(revise(two, TODAY, confidence=3)), 3),
    )
    member.saves(slow, tiers="A")
    assert [each.signal_id for each in member.store.tombstones()] == [ID]
    view = member.view()
    assert (view.signal.signal_id, view.signal.revision) == (two.signal_id, 2)
    assert member.linked() == {two.signal_id}


def test_feeds_tell_how_far_each_peer_was_followed(member: Member) -> None:
    member.looks(tiers="AB", epoch=3)
    early_s = int(member.clock())
    member.clock.pass_days(1)
    member.looks(tiers="B", epoch=4)
    now_s = int(member.clock())
    assert member.store.feeds() == [
        Feed("ngo", PURPOSE, "A", 3, 2, early_s),
        Feed("ngo", PURPOSE, "B", 4, 2, now_s),
    ]


# --------------------------------------------------------------------------------------- two purposes


def test_purposes_are_shown_and_withdrawn_apart(member: Member) -> None:
    member.looks(found(NGO.label(FIRST), 1))
    member.looks(found(NGO.label(FIRST, "redact(indicators)"), 2), purpose="training")
    assert member.view(purpose="training").signal.indicators == frozenset()
    assert member.view(purpose=PURPOSE).signal.indicators == FIRST.indicators
    assert [view.purpose for view in member.store.by_supplier([2], PUBLISHERS)[2]] == ["training"]
    member.looks(purpose="training")
    assert member.view().purpose == PURPOSE
    assert member.store.counts() == {"ngo": ReceivedCounts(active=1)}


def test_newer_revision_of_another_purpose_is_told(member: Member) -> None:
    member.looks(found(NGO.label(FIRST)))
    member.looks(found(NGO.label(revise(FIRST, TODAY, confidence=1))), purpose="training")
    assert [(each.signal.revision, each.newest_revision) for each in member.store.views(PUBLISHERS)] == [
        (1, 2),
        (2, 2),
    ]


def test_recall_under_one_purpose_ends_the_signal_for_all(member: Member) -> None:
    member.looks(found(NGO.label(FIRST)))
    member.looks(found(NGO.label(FIRST)), purpose="training")
    member.looks(found(NGO.label(recall(FIRST, TODAY, RecallReason.ERROR))), purpose="training")
    assert (member.store.views(PUBLISHERS), member.content_rows()) == ([], 0)
    assert member.looks(found(NGO.label(FIRST))).taken == {}
    assert member.store.by_supplier([1], PUBLISHERS) == {1: []}


# ---------------------------------------------------------------------------------------------- recalls


def test_recall_leaves_a_tombstone_and_no_content(member: Member) -> None:
    member.looks(found(NGO.label(FIRST)))
    member.tells("Workers repay debts.")
    member.clock.pass_days(1)
    gone = recall(FIRST, TODAY, RecallReason.DISPUTE_UPHELD)
    member.looks(found(NGO.label(gone)))
    came_s = int(member.clock())
    stone = Tombstone("ngo", ID, 2, RecallReason.DISPUTE_UPHELD, TODAY, came_s, FIRST.expires, (1,))
    assert member.store.tombstones() == member.store.tombstones("ngo") == [stone]
    assert member.store.get(FIRST.hex_id[:6], PUBLISHERS) == [stone]
    assert (member.store.views(PUBLISHERS), member.store.export(PUBLISHERS), member.content_rows()) == (
        [],
        [],
        0,
    )
    assert member.store.counts() == {"ngo": ReceivedCounts(recalled=1)}
    assert member.store.tombstones("mill") == []


def test_tombstone_names_the_suppliers_of_all_purposes_and_tiers_and_no_others(member: Member) -> None:
    other, first = some_signal(2), NGO.label(FIRST)
    member.looks(found(first, 7, 3), found(first, 5, tier="B"), found(NGO.label(other), 9))
    member.looks(found(first, 3, 4), purpose="training")
    member.looks(found(MILL.label(FIRST), 8), who=MILL)
    gone = NGO.label(recall(FIRST, TODAY, RecallReason.WRONG_SUBJECT))
    member.looks(found(gone, 3), found(NGO.label(other), 9), tiers="A")
    assert [each.suppliers for each in member.store.tombstones()] == [(3, 4, 5, 7)]
    assert member.linked() == {ID, other.signal_id}  # MILL's signal of the same id stands.
    # A second lookup that brings the recall again, under other keys, changes nothing of it.
    member.looks(found(gone, 6))
    assert [each.suppliers for each in member.store.tombstones("ngo")] == [(3, 4, 5, 7)]


def test_tombstone_of_what_was_withdrawn_names_no_supplier(member: Member) -> None:
    """That reason says no more on purpose, and not by its length either."""
    other = some_signal(2)
    member.looks(found(NGO.label(FIRST), 3), found(NGO.label(other), 4))
    member.looks(
        found(NGO.label(recall(FIRST, TODAY, RecallReason.WITHDRAWN)), 3),
        found(NGO.label(recall(other, TODAY, RecallReason.ERROR)), 4),
    )
    stones = {each.reason: each.suppliers for each in member.store.tombstones()}
    assert stones == {RecallReason.WITHDRAWN: (), RecallReason.ERROR: (4,)}
    assert len({len(row.recall) for row in member.rows(received_signal)}) == 1
    assert member.linked() == set()


def test_recall_of_what_was_not_held_names_no_supplier(member: Member) -> None:
    member.looks(found(NGO.label(recall(FIRST, TODAY, RecallReason.ERROR)), 3))
    assert [each.suppliers for each in member.store.tombstones()] == [()]


@pytest.mark.parametrize("count", [0, 1, 8, 9, 40])
def test_recall_holds_any_number_of_suppliers_in_steps_of_length(count: int) -> None:
    numbers = tuple(range(1, count)) + ((2**63,) if count else ())
    kept = KeptRecall(RecallReason.ERROR, TODAY, numbers)
    sealed = seal_recall(SEALER, "ngo", ID, kept)
    assert open_recall(SEALER, "ngo", ID, sealed) == kept
    none = seal_recall(SEALER, "ngo", ID, KeptRecall(RecallReason.ERROR, TODAY))
    assert len(sealed) - len(none) == (max(1, -(-count // 8)) - 1) * 64


def test_recall_written_before_suppliers_were_kept_notes_none(member: Member) -> None:
    member.looks(found(NGO.label(FIRST)))
    member.looks(found(NGO.label(recall(FIRST, TODAY, RecallReason.LEGAL))))
    earlier = RecallReason.LEGAL.number.to_bytes(1) + day_number(TODAY).to_bytes(2)
    sealed = SEALER.seal("received_signal", "recall", f"ngo/{FIRST.hex_id}", earlier)
    with member.database.transaction("an earlier release") as connection:
        connection.execute(update(received_signal).values(recall=sealed))
    (stone,) = member.store.tombstones()
    assert (stone.reason, stone.issued, stone.suppliers) == (RecallReason.LEGAL, TODAY, ())


def test_recall_whose_suppliers_do_not_add_up_is_refused() -> None:
    value = bytes([1, 0, 9]) + (2).to_bytes(4) + bytes(8)
    sealed = SEALER.seal("received_signal", "recall", f"ngo/{ID.hex()}", value)
    with pytest.raises(StorageError, check=lambda error: error.full_code == "storage.columns"):
        open_recall(SEALER, "ngo", ID, sealed)


def test_tombstone_lasts_to_the_day_on_which_any_revision_would_have_expired(member: Member) -> None:
    member.looks(found(NGO.label(FIRST)))
    short = recall(revise(FIRST, TODAY, expires=TODAY + timedelta(days=200)), TODAY, RecallReason.ERROR)
    member.looks(found(NGO.label(short)))
    member.clock.pass_days(729)
    assert member.store.erase_due(member.clock(), alone) == Erased()
    assert len(member.store.tombstones()) == 1
    assert member.looks(found(NGO.label(FIRST))).taken == {}
    member.clock.pass_days(1)
    assert member.store.tombstones() == []
    assert member.store.erase_due(member.clock(), alone) == Erased(rows=1)
    assert member.rows(received_signal) == []


def test_row_lasts_as_long_as_any_revision_would_have_stood(member: Member) -> None:
    """Else the first one could come back once the second, which ended sooner, is forgotten."""
    member.looks(found(NGO.label(FIRST)))
    member.looks(found(NGO.label(revise(FIRST, TODAY, expires=TODAY + timedelta(days=200)))))
    member.clock.pass_days(200)
    assert member.store.erase_due(member.clock(), alone) == Erased(forms=1)
    assert member.looks(found(NGO.label(FIRST))).taken == {}
    member.clock.pass_days(530)
    assert member.store.erase_due(member.clock(), alone) == Erased(rows=1)


def test_recall_judged_before_a_longer_revision_came_is_remembered_as_long_as_that(member: Member) -> None:
    member.looks(found(NGO.label(FIRST)))
    gone = found(NGO.label(recall(FIRST, TODAY, RecallReason.ERROR)))
    held = member.store.held("ngo", PURPOSE, "ABC", [gone])
    slow = take_in([gone], held, verify=NGO.verify, today=TODAY)
    longer = TODAY + timedelta(days=900)
    member.looks(found(NGO.label(revise(FIRST, TODAY, expires=longer))))
    member.saves(slow)
    assert [each.until for each in member.store.tombstones()] == [longer]
    assert member.store.views(PUBLISHERS) == []


def test_recall_by_another_member_of_the_same_id_does_nothing(member: Member) -> None:
    member.looks(found(NGO.label(FIRST)))
    member.looks(found(MILL.label(recall(FIRST, TODAY, RecallReason.ERROR))), who=MILL)
    assert member.view().peer == "ngo"
    assert [each.peer for each in member.store.tombstones()] == ["mill"]
    member.looks(found(NGO.label(revise(FIRST, TODAY, confidence=1))))
    assert member.view().signal.revision == 2


# ---------------------------------------------------------------------------------------------- showing


def test_views_of_one_id_under_two_members_say_so(member: Member) -> None:
    member.looks(found(NGO.label(FIRST)))
    member.looks(found(MILL.label(FIRST)), who=MILL)
    assert {view.peer: view.also_under for view in member.store.views(PUBLISHERS)} == {
        "ngo": ("mill",),
        "mill": ("ngo",),
    }
    with refused("signal.ambiguous"):
        member.store.get(FIRST.hex_id, PUBLISHERS)
    (one,) = member.store.get(FIRST.hex_id, PUBLISHERS, peer="mill")
    assert one.peer == "mill"


@pytest.mark.parametrize("who", [None, Contributor(seed=9)])
def test_view_whose_publisher_has_another_key_or_left_is_not_verified_and_not_dropped(
    member: Member, who: Contributor | None
) -> None:
    member.looks(found(NGO.label(FIRST)))
    (view,) = member.store.views(trusting(*([who] if who else [])))
    assert (view.verified, view.key_id) == (False, NGO.key_id)
    assert view.signal.signal_id == ID


def test_label_signed_again_with_a_new_key_is_verified_by_that(member: Member) -> None:
    member.looks(found(NGO.label(FIRST)))
    renewed = Contributor(seed=9)
    intake = member.looks(found(renewed.label(FIRST)), who=renewed)
    assert intake.counts()["reshaped"] == 1
    (view,) = member.store.views(trusting(renewed))
    assert (view.verified, view.key_id) == (True, renewed.key_id)


def test_view_that_this_release_cannot_read_is_left_out_and_the_log_says_so(
    member: Member, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    member.looks(found(NGO.label(FIRST)), found(NGO.label(some_signal(2))))

    real = module.Reader.label

    def label(self: Any, row: Any) -> Any:
        opened = real(self, row)
        return replace(opened, chunks=(b"?" * 128,)) if row.signal_id == FIRST.hex_id else opened

    monkeypatch.setattr(module.Reader, "label", label)
    assert member.view().signal.signal_id == some_signal(2).signal_id
    assert "1 received signals cannot be read" in caplog.text


def test_by_supplier_lists_the_signals_of_each(member: Member) -> None:
    two = some_signal(2)
    member.looks(found(NGO.label(FIRST), 1, 2), found(NGO.label(two), 2, tier="C", key_id=5))
    member.looks(found(MILL.label(some_signal(3)), 2**40), who=MILL)
    listed = member.store.by_supplier([1, 2, 3, 2**40], PUBLISHERS)
    assert {number: [view.signal.signal_id for view in views] for number, views in listed.items()} == {
        1: [ID],
        2: [ID, two.signal_id],
        3: [],
        2**40: [some_signal(3).signal_id],
    }
    assert [each.link.supplier_no for each in listed[1][0].links] == [1, 2]
    assert member.store.by_supplier([], PUBLISHERS) == {}


def test_get_finds_by_a_beginning_and_refuses_what_is_none_or_names_several(member: Member) -> None:
    near = some_signal(256 + 1)
    member.looks(found(NGO.label(FIRST)), found(NGO.label(near)))
    (view,) = member.store.get(FIRST.hex_id[:8].upper(), PUBLISHERS)
    assert isinstance(view, ReceivedView)
    assert view.signal.signal_id == ID
    for wrong in ("", "abc", "xyzw", "f" * 33, "ffff", "0001%"):
        with refused("signal.unknown"):
            member.store.get(wrong, PUBLISHERS)
    two = some_signal(3, review=TODAY)
    close = replace(two, signal_id=two.signal_id[:15] + b"\xff")
    member.looks(found(NGO.label(two)), found(NGO.label(close)))
    with refused("signal.ambiguous"):
        member.store.get(two.hex_id[:30], PUBLISHERS)


def test_view_shows_what_a_person_decided_about_the_keys_that_hit(member: Member) -> None:
    member.looks(found(NGO.label(FIRST), 4, tier="C", key_id=8))
    (link,) = member.view().links
    assert link.decision is None
    member.matches.decide("ngo", link.match, "rejected")
    assert member.view().links[0].decision == "rejected"
    second = revise(FIRST, TODAY, confidence=1)
    member.looks(found(NGO.label(second), 4, tier="C", key_id=8))
    assert member.view().links[0].decision == "rejected"
    member.looks(found(NGO.label(second), 4, tier="C", key_id=9))
    assert member.view().links[0].decision is None


def test_rows_tell_no_supplier_and_nothing_of_what_a_signal_says(member: Member) -> None:
    """A member's list in its order, and this file, must not show who is suspected."""
    supplier, key = 0x1122334455667788, 0x0102030405060708
    told = reply(FIRST, TODAY, "the canary of the reply")
    label = NGO.label(told)
    member.looks(found(label, supplier, scheme="name-canary.1", key_id=key))
    member.tells("the canary of the narrative", revision=2)
    member.store.hold("ngo", ID, "the canary of the court", TODAY + timedelta(days=9))
    member.looks(found(NGO.label(recall(told, TODAY, RecallReason.DISPUTE_UPHELD))))
    with member.database.read("everything") as connection:
        rows = [
            str(tuple(row)).encode() + b"".join(each for each in row if isinstance(each, bytes))
            for table in (
                "received_signal",
                "received_form",
                "received_signal_link",
                "received_narrative",
                "received_hold",
                "received_hold_content",
                "received_feed",
            )
            for row in connection.execute(text(f"SELECT * FROM {table}"))
        ]
    joined = b"\n".join(rows)
    assert FIRST.hex_id.encode() in joined
    for secret in (
        *label,
        b"canary",
        b"dispute-upheld",
        str(supplier).encode(),
        supplier.to_bytes(8, "little"),
        key.to_bytes(8, "little"),
    ):
        assert secret not in joined


# ----------------------------------------------------------------------------------------- narratives


def test_narrative_is_kept_beside_the_revision_it_belongs_to(member: Member) -> None:
    member.looks(found(NGO.label(FIRST)))
    assert member.store.narrative(member.view()) is None
    member.tells("Debts.")
    member.tells("Debts, and passports.")
    view = member.view()
    assert (view.has_text, member.store.narrative(view)) == (True, "Debts, and passports.")
    assert member.store.export(PUBLISHERS) == [(view, "Debts, and passports.")]
    member.looks(found(NGO.label(FIRST, "no_onward")))
    assert member.view().has_text
    for changed in (NGO.label(FIRST, "redact(narrative)"), NGO.label(revise(FIRST, TODAY, confidence=1))):
        member.looks(found(NGO.label(FIRST)))
        member.looks(found(changed))
        assert (member.view().has_text, member.rows(received_narrative)) == (False, [])
    assert member.store.narrative(view) is None
    assert member.store.export(PUBLISHERS) == [(member.view(), "")]


def test_narrative_of_what_does_not_stand_or_shows_none_is_refused(member: Member) -> None:
    with refused("signal.unknown"):
        member.tells("words")
    member.looks(found(NGO.label(FIRST)))
    with refused("signal.order"):
        member.tells("words", revision=2)
    with refused("signal.unknown"):
        member.tells("words", purpose="training")
    for wrong in ("", " \n", "x" * 20_001, "\x1b[2J", "left \u202e right", "\ud800"):
        with refused("signal.value"):
            member.tells(wrong)
    bare = some_signal(2, narrative="")
    member.looks(found(NGO.label(FIRST)), found(NGO.label(bare)))
    with refused("signal.value"):
        member.tells("words", signal_id=bare.signal_id)
    member.clock.pass_days(730)
    with refused("signal.unknown"):
        member.tells("words")
    assert member.rows(received_narrative) == []


# ------------------------------------------------------------------------------------ expiry and terms


def test_erase_due_at_the_day_of_expiry(member: Member) -> None:
    member.looks(found(NGO.label(FIRST)))
    member.tells("Debts.")
    member.clock.pass_days(729)
    assert member.store.erase_due(member.clock(), alone) == Erased()
    assert len(member.store.views(PUBLISHERS)) == 1
    member.clock.pass_days(1)
    assert member.store.views(PUBLISHERS) == []
    assert member.store.erase_due(member.clock(), alone) == Erased(forms=1, rows=1)
    assert (member.content_rows(), member.rows(received_signal)) == (0, [])
    assert member.store.erase_due(member.clock(), alone) == Erased()


def test_erase_due_at_the_second_at_which_terms_end_remembers_the_first_receipt(member: Member) -> None:
    label = found(NGO.label(FIRST, "retain(5)"))
    member.looks(label)
    ends_s = member.clock() + 5 * _DAY_S
    assert member.store.erase_due(ends_s - 1, alone) == Erased()
    assert member.store.erase_due(ends_s, alone) == Erased(forms=1)
    assert member.rows(received_signal)[0].state == "gone"
    member.clock.pass_days(5)
    assert member.looks(label).taken == {}
    assert member.store.views(PUBLISHERS) == []
    longer = member.looks(found(NGO.label(FIRST, "retain(9)")))
    assert list(longer.taken) == [ID]
    assert member.view().erase_at_s == member.clock() + 4 * _DAY_S


def test_save_of_what_ends_before_it_is_written_keeps_none_of_it(member: Member) -> None:
    """Terms can end between the look at what is held and the transaction."""
    member.looks(found(NGO.label(FIRST)))
    member.clock.pass_days(4)
    late = found(NGO.label(FIRST, "retain(5)"))
    held = member.store.held("ngo", PURPOSE, "ABC", [late])
    intake = take_in([late], held, verify=NGO.verify, today=member.clock.today)
    member.clock.pass_days(1)
    member.saves(intake)
    assert (member.store.views(PUBLISHERS), member.content_rows()) == ([], 0)
    assert member.linked() == set()
    assert member.rows(received_signal)[0].state == "gone"


def test_terms_of_one_purpose_leave_the_other(member: Member) -> None:
    member.looks(found(NGO.label(FIRST, "retain(5)"), 1))
    member.looks(found(NGO.label(FIRST), 2), purpose="training")
    member.clock.pass_days(5)
    assert member.store.erase_due(member.clock(), alone) == Erased(forms=1)
    view = member.view()
    assert (view.purpose, [each.link.supplier_no for each in view.links]) == ("training", [2])
    assert member.rows(received_signal)[0].state == "active"


def test_erase_due_goes_on_in_pieces(member: Member, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "ERASED_AT_ONCE", 3)
    member.looks(*(found(NGO.label(some_signal(number))) for number in range(1, 9)))
    member.clock.pass_days(730)
    assert member.store.erase_due(member.clock(), alone) == Erased(forms=8, rows=8)


def test_erase_due_leaves_a_peer_that_is_being_asked_for_the_next_call(member: Member) -> None:
    """A session that ends later would write back what it read before."""
    member.looks(found(NGO.label(FIRST)))
    member.looks(found(MILL.label(some_signal(2))), who=MILL)
    member.clock.pass_days(730)

    def lock(peer: str) -> contextlib.AbstractContextManager[None]:
        return member.database.exclusive(f"ask-{peer}")

    with lock("ngo"):
        assert member.store.erase_due(member.clock(), lock) == Erased(forms=1, rows=1)
        assert [row.peer for row in member.rows(received_form)] == ["ngo"]
        assert member.store.views(PUBLISHERS) == []
    assert member.store.erase_due(member.clock(), lock) == Erased(forms=1, rows=1)


# ---------------------------------------------------------------------------------------------- holds


def _until(days: int) -> date:
    return TODAY + timedelta(days=days)


def test_hold_keeps_what_a_recalled_signal_said_out_of_every_view(member: Member) -> None:
    label = NGO.label(FIRST)
    member.looks(found(label))
    member.tells("Debts.")
    member.store.hold("ngo", ID, "Court of Gazipur, 17/26", _until(30))
    assert member.store.open_hold("ngo", ID) == []
    member.clock.pass_days(1)
    member.looks(found(NGO.label(recall(FIRST, TODAY, RecallReason.LEGAL))))
    assert (member.store.views(PUBLISHERS), member.store.export(PUBLISHERS)) == ([], [])
    assert isinstance(member.store.get(FIRST.hex_id, PUBLISHERS)[0], Tombstone)
    assert member.store.by_supplier([1], PUBLISHERS) == {1: []}
    held = member.store.held("ngo", PURPOSE, "ABC", [found(label)])[ID]
    assert (held.state, held.shown, held.chunks) == (HeldState.RECALLED, False, ())
    kept, told = member.store.open_hold("ngo", ID)
    assert (kept.purpose, kept.revision, kept.kept_at_s) == (PURPOSE, 1, int(member.clock()))
    assert kept.label is not None
    assert (kept.label.chunks, kept.label.key_id, kept.text) == (label, NGO.key_id, None)
    assert (told.label, told.text) == (None, "Debts.")
    (hold,) = member.store.holds()
    assert (hold.holder, hold.until, hold.pieces) == ("Court of Gazipur, 17/26", _until(30), 2)
    assert "Debts" not in repr(told)


def test_hold_ends_on_its_day_and_what_it_kept_is_erased(member: Member) -> None:
    member.looks(found(NGO.label(FIRST)))
    member.store.hold("ngo", ID, "a court", _until(30))
    member.looks(found(NGO.label(recall(FIRST, TODAY, RecallReason.LEGAL))))
    member.clock.pass_days(29)
    assert member.store.erase_due(member.clock(), alone) == Erased()
    assert len(member.store.open_hold("ngo", ID)) == 1
    member.clock.pass_days(1)
    assert member.store.holds() == []
    with refused("signal.unknown"):
        member.store.open_hold("ngo", ID)
    assert member.store.erase_due(member.clock(), alone) == Erased(holds=1)
    assert (member.content_rows(), member.rows(received_hold)) == (0, [])
    assert len(member.store.tombstones()) == 1


def test_hold_outlives_the_expiry_of_its_signal(member: Member) -> None:
    member.looks(found(NGO.label(FIRST)))
    member.store.hold("ngo", ID, "a court", _until(1000))
    member.clock.pass_days(730)
    assert member.store.erase_due(member.clock(), alone) == Erased(forms=1, rows=1)
    assert len(member.store.open_hold("ngo", ID)) == 1
    member.clock.pass_days(270)
    assert member.store.erase_due(member.clock(), alone) == Erased(holds=1)
    assert member.content_rows() == 0


def test_hold_keeps_every_form_that_is_replaced_or_withdrawn(member: Member) -> None:
    labels = [NGO.label(FIRST), NGO.label(FIRST, "no_onward"), NGO.label(revise(FIRST, TODAY, confidence=1))]
    member.looks(found(labels[0]))
    member.store.hold("ngo", ID, "a court", _until(9))
    for label in labels[1:]:
        member.looks(found(label))
    member.looks()
    kept = [each.label.chunks for each in member.store.open_hold("ngo", ID) if each.label]
    assert kept == labels


def test_hold_given_anew_or_released(member: Member) -> None:
    member.looks(found(NGO.label(FIRST)))
    member.store.hold("ngo", ID, "a court", _until(9))
    member.looks()
    member.store.hold("ngo", ID, "another court", _until(20))
    (hold,) = member.store.holds()
    assert (hold.holder, hold.until, hold.pieces) == ("another court", _until(20), 1)
    member.store.release_hold("ngo", ID)
    member.store.release_hold("ngo", ID)
    assert (member.store.holds(), member.content_rows()) == ([], 0)


def test_hold_that_says_too_little_or_comes_too_late_is_refused(member: Member) -> None:
    with refused("signal.unknown"):
        member.store.hold("ngo", ID, "a court", _until(9))
    member.looks(found(NGO.label(FIRST)))
    for holder, until in (
        ("", 9),
        (" ", 9),
        ("x" * 201, 9),
        ("a\nb", 9),
        ("a court", 0),
        ("a court", 99_999),
    ):
        with refused("signal.value"):
            member.store.hold("ngo", ID, holder, _until(until))
    member.looks(found(NGO.label(recall(FIRST, TODAY, RecallReason.LEGAL))))
    with refused("signal.unknown"):
        member.store.hold("ngo", ID, "a court", _until(9))
    assert member.store.holds() == []


def test_hold_of_one_signal_keeps_no_other(member: Member) -> None:
    two = some_signal(2)
    member.looks(found(NGO.label(FIRST)), found(NGO.label(two)))
    member.looks(found(MILL.label(FIRST)), who=MILL)
    member.store.hold("ngo", ID, "a court", _until(9))
    member.looks()
    member.looks(who=MILL)
    assert [(row.peer, row.signal_id) for row in member.rows(received_hold_content)] == [
        ("ngo", FIRST.hex_id)
    ]


# ------------------------------------------------------------------------------------------ the database


def test_rows_of_another_row_do_not_open(member: Member) -> None:
    two = some_signal(2)
    member.looks(found(NGO.label(FIRST)), found(NGO.label(two)))
    rows = {row.signal_id: row.content for row in member.rows(received_form)}
    with member.database.transaction("move a label") as connection:
        here = received_form.c.signal_id == FIRST.hex_id
        connection.execute(received_form.update().where(here).values(content=rows[two.hex_id]))
    with pytest.raises(StorageError):
        member.store.views(PUBLISHERS)


def test_states_of_the_table_are_those_of_the_rules(member: Member) -> None:
    row = {"peer": "ngo", "revision": 1, "first_received_at_s": 1, "changed_at_s": 1, "expires_day": 1}
    with member.database.transaction("every state") as connection:
        for number, state in enumerate(HeldState):
            connection.execute(insert(received_signal).values(signal_id=f"{number:032x}", state=state, **row))
    for wrong in ("expired", ""):
        with pytest.raises(StorageError), member.database.transaction("no state") as connection:
            connection.execute(insert(received_signal).values(signal_id="f" * 32, state=wrong, **row))
    with member.database.transaction("clear") as connection:
        connection.execute(delete(received_signal))
        assert connection.execute(select(func.count()).select_from(received_signal)).scalar_one() == 0
