"""What a contributor keeps of signals that others publish, and a delegate of those that it publishes."""

from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from entrusting_pair import CLEAR, DELTA, Pair, Side, offered
from signal_makers import TODAY
from stored_signals import Clock, key_pairs, new_signal, signed, some_signal
from symbolon.audit.entry import Entry
from symbolon.errors import PermissionDeniedError, SealError, SignalError
from symbolon.signals import revisions
from symbolon.signals.signal import Signal
from symbolon.signals.vocabulary import DisputeState, RecallReason, ShownAs, State
from symbolon.storage import entrusted_store
from symbolon.storage.audit_log import AuditLog
from symbolon.storage.delegation_columns import Delegation, open_delegation, open_entrusted
from symbolon.storage.delegation_schema import signal_delegation, signal_entrusted
from symbolon.storage.entrusted_store import Taken
from symbolon.suppliers.tier import Tier

OTHER = "birch-ngo"


@pytest.fixture
def pair(database_url: str, tmp_path: Path) -> Any:
    """The contributor is on whatever database is tested, the delegate on a file."""
    clock = Clock()
    with ExitStack() as stack:
        sides = Side(database_url, 1, clock, stack), Side(f"sqlite:///{tmp_path}/delta.db", 2, clock, stack)
        yield Pair(*sides)


@pytest.fixture
def there(database_url: str, tmp_path: Path) -> Any:
    """The same, the other way round."""
    clock = Clock()
    with ExitStack() as stack:
        sides = Side(f"sqlite:///{tmp_path}/clear.db", 1, clock, stack), Side(database_url, 2, clock, stack)
        yield Pair(*sides)


def entries(side: Side) -> list[Entry]:
    return [each.entry for each in AuditLog(side.database, side.sealer, side.clock).entries()]


# ------------------------------------------------------------------------------------- the contributor's


def test_delegated_signal_is_held_and_nobody_can_be_given_it_here(pair: Pair) -> None:
    pair.begin(narrative="They repay.")
    side = pair.clear
    assert side.signals.get(pair.own.hex_id).signal == pair.own
    assert len(side.signals.facts(TODAY)) == 0
    assert all(key_pairs(side.signals, tier) == set() for tier in Tier)
    assert side.delegations.numbers() == {pair.number}
    assert side.signals.news() == 0
    (entry,) = entries(side)
    assert (entry.event, entry.peer, entry.note) == ("contributed", "", "delegated")


def test_its_revisions_and_its_recall_make_no_facts_and_no_news_either(pair: Pair) -> None:
    pair.begin()
    side = pair.clear
    side.change(pair.number, revisions.revise(pair.own, TODAY, confidence=3), "revised")
    side.change(pair.number, revisions.reply(pair.own, TODAY, "Not us."), "replied")
    side.recall(pair.number, RecallReason.WITHDRAWN)
    assert pair.own.state is State.RECALLED
    assert (len(side.signals.facts(TODAY)), side.signals.news()) == (0, 0)
    assert [each.note for each in entries(side)] == ["delegated", "revised", "replied", "recalled"]


def test_revision_waits_until_it_is_noted_as_delivered_and_the_next_one_again(pair: Pair) -> None:
    pair.begin()
    store = pair.clear.delegations
    assert store.pending() == [pair.number]
    store.note_problem(pair.number, "unavailable")
    found = store.find(pair.number)
    assert found is not None
    assert (found.is_pending, found.problem, found.delivered) == (True, "unavailable", 0)
    pair.hand_over()
    found = store.find(pair.number)
    assert found is not None
    assert (found.is_pending, found.problem, found.delivered) == (False, "", 1)
    assert store.pending() == []
    pair.clear.change(pair.number, revisions.revise(pair.own, TODAY, confidence=3), "revised")
    assert store.pending() == [pair.number]
    # An answer to an earlier revision that comes late does not go back.
    store.note_delivered(pair.number, 2)
    store.note_delivered(pair.number, 1)
    assert store.pending() == []


def test_what_the_delegate_says_is_kept_and_finds_the_signal_by_its_id_there(pair: Pair) -> None:
    pair.begin()
    taken = pair.hand_over()
    store = pair.clear.delegations
    store.note_said(pair.number, disclosed=7, shown_as=ShownAs.NGO)
    found = store.find(pair.number)
    assert found is not None
    kept = found.kept
    assert (kept.delegate, kept.their_id, kept.disclosed) == (DELTA, taken.signal_id, 7)
    assert kept.shown_as is ShownAs.NGO
    assert store.own_of(DELTA, taken.signal_id) == pair.number
    assert store.own_of(OTHER, taken.signal_id) is None
    assert store.own_of(DELTA, pair.own.signal_id) is None


def test_signal_of_this_members_own_is_no_delegated_one(pair: Pair) -> None:
    (number,) = pair.clear.signals.add_many([new_signal(3)])
    store = pair.clear.delegations
    assert store.find(number) is None
    store.note_said(number, reviewed=True)
    store.note_problem(number, "unavailable")
    assert (list(store.all()), store.add_many([]), store.forget_expired()) == ([], [], 0)


def test_delegation_is_added_with_all_its_signals_or_not_at_all(pair: Pair) -> None:
    pair.begin()
    kept = Delegation(DELTA, as_kind=False, reviewed=False)
    with pytest.raises(SignalError) as caught:
        pair.clear.delegations.add_many([(new_signal(1), kept), (new_signal(0), kept)])
    assert caught.value.full_code == "signal.exists"
    assert pair.clear.delegations.numbers() == {pair.number}
    assert pair.clear.signals.count() == 1


def test_who_publishes_it_is_erased_with_the_signal(pair: Pair) -> None:
    pair.begin(expires=TODAY + timedelta(days=10), review=TODAY + timedelta(days=5))
    pair.clear.clock.pass_days(11)
    assert pair.clear.delegations.pending() == []
    assert pair.clear.signals.expire(pair.clear.clock.today) == 1
    assert pair.clear.delegations.forget_expired() == 1
    assert pair.clear.delegations.forget_expired() == 0
    assert list(pair.clear.delegations.all()) == []
    with pair.clear.database.read("look") as connection:
        (row,) = connection.execute(select(signal_delegation)).all()
    assert row.payload is None


def test_database_without_its_key_names_neither_of_the_two(pair: Pair) -> None:
    pair.begin()
    taken = pair.hand_over()
    words = (CLEAR, DELTA, pair.own.hex_id, taken.signal_id.hex())
    for side, table in ((pair.clear, signal_delegation), (pair.delta, signal_entrusted)):
        with side.database.read("look") as connection:
            (row,) = connection.execute(select(table)).all()
        said = b" ".join(each if isinstance(each, bytes) else str(each).encode() for each in row)
        assert [word for word in words if word.encode() in said] == []
        assert pair.own.signal_id not in said
    with pair.clear.database.read("look") as connection:
        sealed = connection.execute(select(signal_delegation.c.payload)).scalar_one()
    # It opens in its own place alone, and by its own key.
    with pytest.raises(SealError):
        open_delegation(pair.clear.sealer, pair.number + 1, sealed)
    with pytest.raises(SealError):
        open_entrusted(pair.clear.sealer, pair.number, sealed)
    with pytest.raises(SealError):
        open_delegation(pair.delta.sealer, pair.number, sealed)


def test_own_signals_beside_delegated_ones_keep_their_keys_and_are_keyed_anew(pair: Pair) -> None:
    side = pair.clear
    side.signals.add_many([new_signal(1)])
    pair.begin()
    side.signals.add_many([new_signal(2)])
    before = {tier: key_pairs(side.signals, tier) for tier in Tier}
    assert {number for _, number in before[Tier.B]} == {1, 3}
    with side.database.transaction("older rules") as connection:
        connection.exec_driver_sql("UPDATE signal_key_segment SET key_rules = 'older'")
    assert side.signals.is_outdated()
    assert side.signals.rekey(workers=0) == 2
    assert {tier: key_pairs(side.signals, tier) for tier in Tier} == before


# ---------------------------------------------------------------------------------------- the delegate's


def test_first_revision_becomes_an_own_signal_with_an_id_of_its_own(there: Pair) -> None:
    there.begin(narrative="They repay.")
    taken = there.hand_over()
    own = there.there
    assert own is not None
    assert own.signal_id == taken.signal_id != there.own.signal_id
    assert (own.revision, own.narrative, own.subject) == (1, "They repay.", there.own.subject)
    side = there.delta
    assert len(side.signals.facts(TODAY)) == 1
    assert key_pairs(side.signals, Tier.B)
    (entry,) = entries(side)
    assert (entry.event, entry.peer, entry.session, entry.note) == ("contributed", "", own.hex_id, "added")
    assert side.entrusted.contributor(1) == CLEAR
    assert {each.contributor for each in side.entrusted.contributors().values()} == {CLEAR}


def test_same_revision_again_changes_nothing_and_has_the_same_answer(there: Pair) -> None:
    there.begin()
    answers = {there.hand_over(answered=False) for _ in range(3)}
    assert len(answers) == 1
    assert there.delta.signals.count() == 1
    assert len(entries(there.delta)) == 1


def test_later_revision_becomes_the_next_one_and_a_recall_takes_it_back_with_news(there: Pair) -> None:
    there.begin()
    first = there.hand_over()
    there.clear.change(there.number, revisions.revise(there.own, TODAY, confidence=3), "revised")
    second = there.hand_over()
    assert (second.signal_id, second.revision) == (first.signal_id, 2)
    assert there.there is not None
    assert there.there.confidence == 3
    there.clear.recall(there.number, RecallReason.WITHDRAWN)
    third = there.hand_over()
    assert third.revision == 3
    assert (there.there.state, there.there.recall_reason) == (State.RECALLED, RecallReason.WITHDRAWN)
    assert there.delta.signals.news() == 1
    assert [each.note for each in entries(there.delta)] == ["added", "revised", "recalled"]


def test_recall_of_what_never_came_is_kept_and_an_earlier_revision_makes_nothing(there: Pair) -> None:
    there.begin()
    first = there.own
    there.clear.recall(there.number)
    assert there.hand_over() == Taken(b"", 0, ShownAs.PUBLISHER) == there.hand_over()
    with pytest.raises(SignalError) as caught:
        there.delta.entrusted.take(offered(first), signed)
    assert caught.value.full_code == "signal.order"
    assert there.delta.signals.count(include_expired=True) == 0
    found = there.delta.entrusted.find(CLEAR, first.signal_id)
    assert found is not None
    assert found[0] is None
    there.delta.clock.today = first.expires
    assert there.delta.entrusted.forget_expired() == 1
    assert there.delta.entrusted.find(CLEAR, first.signal_id) is None


@pytest.mark.parametrize(
    ("spoil", "code"),
    [
        (lambda own: replace(own, revision=1), "signal.order"),
        (lambda own: replace(own, confidence=99), "signal.order"),
        (lambda own: replace(own, revision=9, subject=some_signal(5).subject), "signal.subject"),
        (lambda own: replace(own, revision=9, reply=None), "signal.supplier_side"),
        (lambda own: replace(own, revision=9, issued=TODAY + timedelta(days=1)), "signal.clock"),
    ],
    ids=["lower", "other-content", "other-subject", "reply-left-out", "tomorrow"],
)
def test_revision_that_does_not_follow_is_refused_and_changes_nothing(
    there: Pair, spoil: Any, code: str
) -> None:
    there.begin()
    there.hand_over()
    there.clear.change(there.number, revisions.reply(there.own, TODAY, "Not us."), "replied")
    there.hand_over()
    before = there.there
    with pytest.raises(SignalError) as caught:
        there.delta.entrusted.take(offered(spoil(there.own)), signed)
    assert caught.value.full_code == code
    assert there.there == before
    assert len(entries(there.delta)) == 2


def test_id_that_somebody_else_uses_is_refused(there: Pair) -> None:
    there.begin()
    there.hand_over()
    there.delta.signals.add_many([new_signal(7)])
    for theirs in (there.own, some_signal(7)):
        with pytest.raises(SignalError) as caught:
            there.delta.entrusted.take(offered(theirs, contributor=OTHER), signed)
        assert caught.value.full_code == "signal.exists"
    assert there.delta.signals.count() == 2


def test_contributor_has_no_more_signals_than_the_limit_and_recalls_beyond_it(
    there: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(entrusted_store, "MAX_OF_ONE", 1)
    there.begin()
    there.hand_over()
    more = some_signal(1)
    with pytest.raises(PermissionDeniedError) as caught:
        there.delta.entrusted.take(offered(more), signed)
    assert caught.value.full_code == "permission.many"
    assert there.delta.entrusted.take(offered(more, contributor=OTHER), signed).revision == 1
    gone = revisions.recall(some_signal(2), TODAY, RecallReason.ERROR)
    assert there.delta.entrusted.take(offered(gone), signed) == Taken()


def test_kind_is_shown_until_too_few_are_left_and_never_again(there: Pair) -> None:
    there.begin()
    taken = there.delta.entrusted.take(offered(there.own, ShownAs.NGO), signed)
    number = there.delta.signals.get(taken.signal_id.hex()).number
    assert there.delta.signals.shown_as([number]) == {number: ShownAs.NGO}
    assert there.delta.entrusted.show_as_publisher(number, signed)
    assert not there.delta.entrusted.show_as_publisher(number, signed)
    assert there.delta.signals.shown_as([number]) == {number: ShownAs.PUBLISHER}
    assert there.delta.newest(number).revision == 2
    there.clear.change(there.number, revisions.revise(there.own, TODAY, confidence=3), "revised")
    taken = there.delta.entrusted.take(offered(there.own, ShownAs.NGO), signed)
    assert (taken.revision, taken.shown_as) == (3, ShownAs.PUBLISHER)


def test_later_revision_of_which_too_few_are_left_is_shown_as_the_publishers(there: Pair) -> None:
    there.begin()
    there.delta.entrusted.take(offered(there.own, ShownAs.NGO), signed)
    # Nothing else changes: what others hold has to be told anew all the same.
    again: Signal = replace(there.own, revision=2)
    taken = there.delta.entrusted.take(offered(again), signed)
    assert (taken.revision, taken.shown_as) == (2, ShownAs.PUBLISHER)
    assert there.delta.signals.shown_as([1]) == {1: ShownAs.PUBLISHER}


def test_what_the_delegates_people_took_back_stays_so(there: Pair) -> None:
    there.begin()
    there.hand_over()
    there.delta.recall(1)
    there.clear.change(there.number, revisions.revise(there.own, TODAY, confidence=3), "revised")
    with pytest.raises(SignalError) as caught:
        there.hand_over()
    assert caught.value.full_code == "signal.recalled"
    there.clear.recall(there.number)
    assert there.hand_over().revision == 2
    assert not there.delta.entrusted.show_as_publisher(1, signed)


def test_contest_that_is_open_at_the_delegate_is_not_ended_by_an_answer_to_an_earlier_one(
    there: Pair,
) -> None:
    there.begin()
    there.clear.change(there.number, revisions.dispute(there.own, TODAY, "Not us."), "disputed")
    there.hand_over()
    assert there.there is not None
    there.delta.change(1, revisions.dispute(there.there, TODAY, "That was a neighbour."), "disputed")
    there.clear.change(there.number, revisions.settle(there.own, TODAY, DisputeState.MAINTAINED), "settled")
    there.hand_over()
    assert there.there.dispute.statement == "That was a neighbour."
    assert there.there.dispute.state is DisputeState.OPEN
    there.ask()
    assert there.own.dispute == there.there.dispute


def test_answer_to_the_contest_that_is_open_at_the_delegate_ends_it(there: Pair) -> None:
    there.begin()
    there.hand_over()
    assert there.there is not None
    there.delta.change(1, revisions.dispute(there.there, TODAY, "Not us."), "disputed")
    there.ask()
    there.hand_over()
    there.clear.change(there.number, revisions.settle(there.own, TODAY, DisputeState.CORRECTED), "settled")
    there.hand_over()
    assert (there.there.dispute.state, there.there.dispute.statement) == (DisputeState.CORRECTED, "Not us.")


def test_reply_that_came_in_at_both_stays_the_contributors(there: Pair) -> None:
    there.begin()
    there.hand_over()
    assert there.there is not None
    there.delta.change(1, revisions.reply(there.there, TODAY, "We repaid it."), "replied")
    there.clear.change(there.number, revisions.reply(there.own, TODAY, "Not us."), "replied")
    there.ask()
    assert there.own.reply is not None
    assert there.own.reply.text == "Not us."
    there.hand_over()
    assert there.there.reply == there.own.reply


def test_embargo_that_comes_too_late_at_the_delegate_is_left_out_and_the_rest_is_not(there: Pair) -> None:
    day = TODAY + timedelta(days=3)
    there.begin(embargo=day)
    there.hand_over()
    there.clear.change(
        there.number,
        revisions.revise(there.own, TODAY, embargo=day + timedelta(days=9), confidence=3),
        "revised",
    )
    there.delta.clock.pass_days(5)
    there.hand_over()
    assert there.there is not None
    assert (there.there.embargo, there.there.confidence) == (day, 3)


def test_for_whom_it_was_published_is_erased_with_the_signal(there: Pair) -> None:
    there.begin(expires=TODAY + timedelta(days=10), review=TODAY + timedelta(days=5))
    there.hand_over()
    there.delta.clock.pass_days(11)
    there.delta.signals.expire(there.delta.clock.today)
    assert there.delta.entrusted.forget_expired() == 1
    assert there.delta.entrusted.forget_expired() == 0
    assert there.delta.entrusted.contributor(1) == ""
    assert there.delta.entrusted.contributors() == {}
    theirs = replace(there.own, revision=2)
    with pytest.raises(SignalError) as caught:
        there.delta.entrusted.take(offered(theirs), signed)
    assert caught.value.full_code == "signal.expired"
