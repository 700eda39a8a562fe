"""The set of signals that one member is offered, session by session: what is due, at once, withheld, over.

The stores are real and the keys are not; see `offered_signals`.
"""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from chosen_signals import PEER
from offered_signals import TAG_BYTES, Contributor, OneSet, planned, revisions, send, session
from signal_makers import TODAY
from symbolon.errors import StaleEpochError, UnavailableError
from symbolon.exchange.limits import SIGNAL_SLOTS
from symbolon.exchange.padding import padded_count
from symbolon.policy.obligations import Obligations, parse_obligations
from symbolon.policy.request import PolicyRequest
from symbolon.rpc.signal_fitting import NEW_SIGNAL_SLOTS
from symbolon.signals.bundle import CHUNK_BYTES, group_chunks
from symbolon.signals.revisions import reply
from symbolon.signals.vocabulary import Indicator, RecallReason
from symbolon.storage.database import Database

URGENT = {"indicators": frozenset({Indicator.CHILD_LABOUR}), "urgent": True}


@pytest.fixture
def owner(tmp_path: Path) -> Iterator[Contributor]:
    with Database.open(f"sqlite:///{tmp_path}/node.db", create=True) as database:
        yield Contributor(database=database)


# ------------------------------------------------------------------------------------------------ the first


def test_first_session_offers_everything_that_leaves_padded_to_the_class_of_the_whole_set(
    owner: Contributor,
) -> None:
    owner.add(60)
    owner.add(20, recipients=("birch-co",))
    held = OneSet()
    plan = send(owner, held)
    assert session(owner).whole("A") == 80
    assert (len(plan.key_index), plan.entries) == (60, padded_count(80))
    assert padded_count(80) > padded_count(60)
    assert revisions(owner, held) == dict.fromkeys(range(1, 61), 1)
    assert owner.disclosures.numbers(PEER).tolist() == list(range(1, 61))
    assert owner.disclosures.numbers("birch-co").tolist() == []


@pytest.mark.parametrize("withheld", [0, 1, 7, 40])
def test_length_of_a_first_set_is_the_same_whatever_of_it_is_withheld(
    owner: Contributor, withheld: int
) -> None:
    if withheld:
        owner.add(withheld, recipients=("birch-co",))
    owner.add(45 - withheld)
    # The one that is withheld first is the longest of them.
    owner.change(1, reply(owner.newest(1), owner.clock.today, "x" * 2900))
    assert session(owner).whole("A") == 44 + 25
    assert send(owner, OneSet()).entries == padded_count(69) == 72


def test_labels_go_into_slots_that_follow_each_other_with_their_header_first(owner: Contributor) -> None:
    owner.add(3)
    owner.change(2, reply(owner.newest(2), owner.clock.today, "x" * 700))
    held = OneSet()
    plan = send(owner, held)
    assert plan.slots.tolist() == list(range(len(plan.slots)))
    assert [len(each) for each in group_chunks(held.chunks)].count(1) == 2
    assert {len(each) for each in held.chunks} == {CHUNK_BYTES}
    assert revisions(owner, held) == {1: 1, 2: 2, 3: 1}


def test_audit_log_says_how_many_signals_left_by_which_decision(owner: Contributor) -> None:
    owner.add(3)
    owner.add(**URGENT)
    owner.add(recipients=("birch-co",))
    send(owner, OneSet())
    written = [each.values for each in owner.audit.entries() if each.values["event"] == "permitted"]
    assert sorted((each["counts"], each["note"]) for each in written) == [
        ('{"signals":1}', "tier A"),
        ('{"signals":3}', "tier A"),
    ]
    assert {each["decision"] for each in written} == {"record of amber worker-interview"}
    assert {each["peer"] for each in written} == {PEER}


# ------------------------------------------------------------------------------------------ the day between


def test_nothing_is_added_or_withdrawn_between_two_batches_whatever_changed(owner: Contributor) -> None:
    owner.add(3)
    held = OneSet()
    send(owner, held)
    owner.add(2)
    owner.revise(1, confidence=1)
    owner.change(2, reply(owner.newest(2), owner.clock.today, "We pay." * 40))
    plan = send(owner, held)
    assert (plan.entries, plan.withdrawn) == (0, b"")
    assert revisions(owner, held) == {1: 1, 2: 1, 3: 1}
    owner.clock.pass_days(1)
    plan = send(owner, held)
    assert (plan.entries, len(plan.withdrawn) // TAG_BYTES) == (64, 2)
    assert revisions(owner, held) == {1: 2, 2: 2, 3: 1, 4: 1, 5: 1}


def test_batch_of_a_day_without_changes_is_as_long_as_any(owner: Contributor) -> None:
    owner.add()
    held = OneSet()
    send(owner, held)
    owner.clock.pass_days(1)
    plan = send(owner, held)
    assert (len(plan.key_index), plan.entries) == (0, 64)
    assert held.deltas == [64, 64]


def test_urgent_signal_goes_at_once_and_leaves_the_others_waiting(owner: Contributor) -> None:
    owner.add(2)
    held = OneSet()
    send(owner, held)
    owner.add()
    owner.revise(1, confidence=1)
    owner.add(**URGENT)
    plan = send(owner, held)
    assert (len(plan.key_index), plan.entries, plan.withdrawn) == (1, 64, b"")
    assert revisions(owner, held) == {1: 1, 2: 1, 4: 1}
    # Nothing of it is left to be told: the next look is a quiet one.
    assert send(owner, held).entries == 0
    owner.clock.pass_days(1)
    send(owner, held)
    assert revisions(owner, held) == {1: 2, 2: 1, 3: 1, 4: 1}


def test_recall_goes_at_once_takes_everything_back_and_stays_taken_back(owner: Contributor) -> None:
    owner.add(2)
    held = OneSet()
    send(owner, held)
    owner.revise(1, confidence=1)
    owner.recall(1)
    plan = send(owner, held)
    assert (plan.entries, len(plan.withdrawn)) == (64, TAG_BYTES)
    stone = held.standing(owner)[owner.newest(1).signal_id]
    assert (stone.revision, stone.recall_reason) == (3, RecallReason.ERROR)
    for _ in range(2):
        owner.clock.pass_days(1)
        plan = send(owner, held)
        assert len(plan.withdrawn) == TAG_BYTES
        assert revisions(owner, held) == {1: 3, 2: 1}


def test_recall_of_what_the_member_was_never_given_is_not_in_its_set(owner: Contributor) -> None:
    owner.add(2, recipients=("birch-co",))
    owner.add()
    held = OneSet()
    send(owner, held)
    owner.recall(1)
    owner.clock.pass_days(1)
    assert len(send(owner, held).key_index) == 0
    assert revisions(owner, held) == {3: 1}


def test_recall_reaches_a_member_in_its_next_epoch_and_for_another_purpose(owner: Contributor) -> None:
    owner.add()
    send(owner, OneSet())
    owner.recall(1)
    for asked in ({}, {"purpose": "remediation"}, {"bound": "delay(100); human_review"}):
        held = OneSet()
        send(owner, held, **asked)
        assert revisions(owner, held) == {1: 2}
    other = OneSet()
    send(owner, other, peer="birch-co")
    assert revisions(owner, other) == {}


def test_expired_signal_is_withdrawn_and_the_epoch_goes_on(owner: Contributor) -> None:
    owner.add(expires=TODAY + timedelta(days=1), review=TODAY)
    owner.add()
    held = OneSet()
    send(owner, held)
    owner.clock.pass_days(1)
    for _ in range(2):
        plan = send(owner, held)
        assert len(plan.withdrawn) == TAG_BYTES
        assert held.standing(owner).keys() == {owner.newest(2).signal_id}
        owner.signals.expire(owner.clock.today)
    assert owner.ended == []


# ----------------------------------------------------------------------------------------- less than before


def forbid_all(_: PolicyRequest) -> Obligations | None:
    return None


def less(owner: Contributor) -> None:
    owner.policy_rule = lambda _: parse_obligations("redact(evidence)")


def none(owner: Contributor) -> None:
    owner.policy_rule = forbid_all


def late(owner: Contributor) -> None:
    owner.policy_rule = lambda _: parse_obligations("delay(30)")


def counted(owner: Contributor) -> None:
    owner.policy_rule = lambda _: parse_obligations("count_only")


def for_others(owner: Contributor) -> None:
    owner.revise(1, recipients=("birch-co",))


def for_another_purpose(owner: Contributor) -> None:
    owner.revise(1, purposes=("remediation",))


NARROWINGS = (less, none, late, counted, for_others, for_another_purpose)


@pytest.mark.parametrize("narrow", NARROWINGS)
@pytest.mark.parametrize("days", [0, 1])
def test_narrowing_ends_the_epoch_before_anything_is_offered(
    owner: Contributor, narrow: Any, days: int
) -> None:
    owner.add(2)
    held = OneSet()
    send(owner, held)
    narrow(owner)
    owner.clock.pass_days(days)
    with pytest.raises(StaleEpochError):
        send(owner, held)
    assert owner.ended == [1]
    # In the next epoch the set is what may leave now.
    held = OneSet()
    send(owner, held)
    narrowed = held.standing(owner).get(owner.newest(1).signal_id)
    assert narrowed is None or narrowed.withheld == {"evidence"}
    assert owner.ended == [1]


def test_obligations_of_the_lookup_that_grow_end_the_epoch_too(owner: Contributor) -> None:
    owner.add()
    held = OneSet()
    send(owner, held, bound="redact(native)")
    send(owner, held, bound="redact(native)")
    with pytest.raises(StaleEpochError):
        send(owner, held, bound="redact(native, evidence)")
    assert owner.ended == [1]


@pytest.mark.parametrize("narrow", NARROWINGS)
def test_narrowing_of_what_the_member_was_not_given_ends_nothing(owner: Contributor, narrow: Any) -> None:
    owner.add(1, purposes=("remediation",))
    held = OneSet()
    send(owner, held)
    if narrow is not for_another_purpose:
        narrow(owner)
    send(owner, held)
    assert owner.ended == []


def test_embargo_that_a_clock_moved_back_brings_about_withholds_and_ends_nothing(owner: Contributor) -> None:
    owner.add(embargo=TODAY + timedelta(days=2))
    owner.add()
    owner.clock.pass_days(2)
    held = OneSet()
    send(owner, held)
    assert revisions(owner, held) == {1: 1, 2: 1}
    owner.clock.pass_days(-1)
    send(owner, held)
    assert revisions(owner, held) == {2: 1}
    owner.clock.pass_days(1)
    send(owner, held)
    assert (revisions(owner, held), owner.ended) == ({1: 1, 2: 1}, [])


def test_signal_added_while_the_session_began_makes_it_try_again(owner: Contributor) -> None:
    owner.add()
    before = owner.signals.facts(owner.clock.today)
    owner.add()
    facts = owner.signals.facts
    try:
        owner.signals.facts = lambda _: before  # type: ignore[method-assign]
        with pytest.raises(UnavailableError):
            session(owner)
    finally:
        owner.signals.facts = facts  # type: ignore[method-assign]


def test_label_erased_while_it_is_read_makes_the_session_try_again(owner: Contributor) -> None:
    owner.add()
    source, held = session(owner), OneSet()
    _, plan = planned(owner, held, source)
    owner.revise(1, confidence=3)
    with pytest.raises(UnavailableError):
        source.labels("A", plan)
    assert owner.disclosures.numbers(PEER).tolist() == []


# -------------------------------------------------------------------------------------------- room under keys


def send_anew(owner: Contributor, held: OneSet) -> OneSet:
    """Holds a session, and a second one with a new set where the first ends the key epoch."""
    try:
        send(owner, held)
    except StaleEpochError:
        held = OneSet()
        send(owner, held)
    return held


def test_what_was_withdrawn_stays_withdrawn_between_two_batches(owner: Contributor) -> None:
    owner.add()
    held = OneSet()
    send(owner, held)
    owner.revise(1, confidence=1)
    owner.clock.pass_days(1)
    assert len(send(owner, held).withdrawn) == TAG_BYTES
    assert len(send(owner, held).withdrawn) == TAG_BYTES
    owner.revise(1, confidence=2)
    assert len(send(owner, held).withdrawn) == TAG_BYTES
    assert revisions(owner, held) == {1: 2}
    owner.clock.pass_days(1)
    assert len(send(owner, held).withdrawn) == 2 * TAG_BYTES
    assert revisions(owner, held) == {1: 3}


def test_what_is_told_at_once_does_not_put_off_the_daily_batch(owner: Contributor) -> None:
    owner.config.exchange.additions_interval_s = 2 * 86400
    owner.add()
    held = OneSet()
    send(owner, held)
    owner.change(1, reply(owner.newest(1), owner.clock.today, "We paid."))
    for day in range(1, 4):
        owner.clock.pass_days(1)
        owner.add(**URGENT)
        send(owner, held)
        assert revisions(owner, held)[1] == (1 if day < 2 else 2)


def test_signal_that_is_answered_at_length_every_day_stands_and_its_recall_arrives(
    owner: Contributor,
) -> None:
    owner.add()
    held = OneSet()
    send(owner, held)
    for number in range(12):
        owner.clock.pass_days(1)
        owner.change(1, reply(owner.newest(1), owner.clock.today, "x" * 2950 + f"{number:02}"))
        held = send_anew(owner, held)
        assert revisions(owner, held) == {1: number + 2}
    assert len(owner.ended) == 1
    owner.recall(1)
    held = send_anew(owner, held)
    assert revisions(owner, held) == {1: 14}


def test_new_signals_about_a_supplier_of_whom_much_is_said_leave_room_for_what_presses(
    owner: Contributor,
) -> None:
    owner.add(260)
    held = OneSet()
    send(owner, held)
    # The newest of them, and not all the slots that there are.
    assert list(revisions(owner, held)) == list(range(260 - NEW_SIGNAL_SLOTS + 1, 261))
    owner.add(**URGENT)
    owner.recall(200)
    send(owner, held)
    assert (owner.ended, 261 in revisions(owner, held)) == ([], True)
    assert revisions(owner, held)[200] == 2
    # Day by day nothing changes for those that find no room: they end no epoch.
    for _ in range(3):
        owner.clock.pass_days(1)
        send(owner, held)
    assert (owner.ended, len(revisions(owner, held))) == ([], NEW_SIGNAL_SLOTS + 1)


def test_urgent_signals_beyond_the_room_that_is_left_end_the_epoch_and_go_before_the_others(
    owner: Contributor,
) -> None:
    owner.add(NEW_SIGNAL_SLOTS)
    held = OneSet()
    send(owner, held)
    owner.add(SIGNAL_SLOTS - NEW_SIGNAL_SLOTS, **URGENT)
    send(owner, held)
    assert (owner.ended, len(revisions(owner, held))) == ([], SIGNAL_SLOTS)
    owner.add(**URGENT)
    held = send_anew(owner, held)
    assert len(owner.ended) == 1
    urgent = set(range(NEW_SIGNAL_SLOTS + 1, SIGNAL_SLOTS + 2))
    assert urgent <= revisions(owner, held).keys()
    # More urgent ones than a key has slots: what finds no room in a new epoch either does not end this one.
    owner.add(SIGNAL_SLOTS, **URGENT)
    held = send_anew(owner, held)
    ended = len(owner.ended)
    assert len(revisions(owner, held)) == SIGNAL_SLOTS
    send(owner, held)
    assert len(owner.ended) == ended


def test_recall_shows_no_day_that_the_permit_of_the_signal_widened(owner: Contributor) -> None:
    owner.policy_rule = lambda _: parse_obligations("redact(subject_kind); coarsen(year); no_onward")
    owner.add()
    held = OneSet()
    send(owner, held)
    (told,) = held.standing(owner).values()
    owner.recall(1)
    send(owner, held)
    (stone,) = held.standing(owner).values()
    assert (stone.subject_kind, stone.expires, stone.review) == (None, told.expires, told.expires)
