"""One revision after another: what may change, what never does, and that a recall gets through."""

import dataclasses
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest

from signal_makers import TODAY, make_signal, make_subject
from symbolon.errors import SignalError
from symbolon.signals.record_codec import decode_signal, encode_signal
from symbolon.signals.revisions import check_follows, dispute, recall, reply, revise, settle
from symbolon.signals.signal import MAX_REVISION, NO_DISPUTE, Dispute, Month, Native, Period, Reply, Signal
from symbolon.signals.vocabulary import DisputeState, Indicator, RecallReason, State, Tlp

DAY = timedelta(days=1)
LATER = TODAY + 30 * DAY


def code_of(call: Callable[[], object]) -> str:
    with pytest.raises(SignalError) as caught:
        call()
    return caught.value.full_code


# ---------------------------------------------------------------------------------------------- revising


def test_revise_gives_the_next_number_and_the_day() -> None:
    revised = revise(make_signal(), LATER, confidence=90)
    assert revised == make_signal(revision=2, issued=LATER, confidence=90)


def test_revise_on_the_same_day_is_allowed() -> None:
    assert revise(make_signal(), TODAY, confidence=90).revision == 2


@pytest.mark.parametrize("changes", [{}, {"confidence": 70}, {"confidence": 70, "tlp": Tlp.AMBER}])
def test_revise_that_changes_nothing_is_refused(changes: dict[str, Any]) -> None:
    assert code_of(lambda: revise(make_signal(), LATER, **changes)) == "signal.unchanged"


@pytest.mark.parametrize(
    "changes",
    [
        {"signal_id": bytes(16)},
        {"revision": 7},
        {"issued": LATER},
        {"subject": make_subject(name="Another")},
        {"state": State.RECALLED},
        {"recall_reason": RecallReason.ERROR},
        {"dispute": NO_DISPUTE},
        {"dispute": Dispute(DisputeState.MAINTAINED, TODAY)},
        {"reply": None},
        {"reply": Reply("Words in the supplier's mouth", TODAY)},
    ],
)
def test_revise_of_what_is_not_the_contributors_to_change_is_refused(changes: dict[str, Any]) -> None:
    assert code_of(lambda: revise(make_signal(), LATER, confidence=1, **changes)) == "signal.value"


@pytest.mark.parametrize(
    "changes",
    [
        {"tlp": Tlp.RED},
        {"indicators": frozenset()},
        {"evidence": None},
        {"purposes": ()},
        {"urgent": True},
        {"expires": TODAY},
        {"expires": TODAY + 3_000 * DAY},  # more than five years
        {"expires": TODAY + 40 * DAY},  # before the review that stands
        {"period": Period(Month(2026, 1), Month(2031, 1))},
        {"confidence": 101},
        {"narrative": "\x1b[2J"},
    ],
)
def test_revise_to_what_no_signal_may_be_is_refused(changes: dict[str, Any]) -> None:
    assert code_of(lambda: revise(make_signal(), LATER, **changes)) == "signal.value"


def test_revise_may_drop_an_urgent_kind_only_with_its_mark() -> None:
    urgent = make_signal(indicators=frozenset({Indicator.CHILD_LABOUR}), urgent=True)
    wages = frozenset({Indicator.WITHHOLDING_OF_WAGES})
    assert code_of(lambda: revise(urgent, LATER, indicators=wages)) == "signal.value"
    assert not revise(urgent, LATER, indicators=wages, urgent=False).urgent


def test_revise_before_the_day_of_the_last_revision_is_refused() -> None:
    assert code_of(lambda: revise(make_signal(), TODAY - DAY, confidence=1)) == "signal.clock"


def test_revise_keeps_the_last_number_for_a_recall() -> None:
    at_end = make_signal(revision=MAX_REVISION - 1)
    assert code_of(lambda: revise(at_end, LATER, confidence=1)) == "signal.order"
    assert recall(at_end, LATER, RecallReason.ERROR).revision == MAX_REVISION


@pytest.mark.parametrize(
    ("has", "gets"),
    [
        (None, LATER + DAY),
        (TODAY, LATER + DAY),
        (LATER, LATER + DAY),
    ],
)
def test_revise_puts_no_embargo_on_what_may_have_gone_out(has: date | None, gets: date) -> None:
    # Its contest, its reply and its recall would wait for that day, while its content is out.
    signal = make_signal(embargo=has)
    assert code_of(lambda: revise(signal, LATER, embargo=gets)) == "signal.value"


@pytest.mark.parametrize("gets", [None, LATER, LATER + DAY, LATER + 9 * DAY])
def test_revise_may_move_an_embargo_that_still_holds(gets: date | None) -> None:
    signal = make_signal(embargo=LATER + 2 * DAY)
    assert revise(signal, LATER, embargo=gets).embargo == gets


def test_revise_may_lift_an_embargo_that_is_over_and_leave_it_as_it_is() -> None:
    signal = make_signal(embargo=TODAY + DAY)
    assert revise(signal, LATER, embargo=None).embargo is None
    assert revise(signal, LATER, embargo=TODAY + DAY, confidence=1).embargo == TODAY + DAY
    assert revise(signal, LATER, embargo=TODAY).embargo == TODAY


# ---------------------------------------------------------------------------------------------- recalling


def test_recall_leaves_id_subject_days_marks_and_reason_alone() -> None:
    full = make_signal(
        native=Native("SMETA", "critical"),
        reply=Reply("canary", TODAY),
        dispute=Dispute(DisputeState.OPEN, TODAY, "canary"),
        narrative="canary",
        indicators=frozenset({Indicator.CHILD_LABOUR}),
        urgent=True,
    )
    tombstone = recall(full, LATER, RecallReason.WITHDRAWN)
    assert tombstone == Signal(
        signal_id=full.signal_id,
        revision=2,
        issued=LATER,
        subject=full.subject,
        expires=full.expires,
        review=full.review,
        tlp=full.tlp,
        purposes=full.purposes,
        state=State.RECALLED,
        recall_reason=RecallReason.WITHDRAWN,
    )
    assert b"canary" not in encode_signal(tombstone)


@pytest.mark.parametrize("reason", RecallReason)
def test_recall_takes_every_reason(reason: RecallReason) -> None:
    assert recall(make_signal(), LATER, reason).recall_reason is reason


def test_recall_is_not_held_up_by_a_clock_that_went_wrong() -> None:
    ahead = make_signal(issued=TODAY + 300 * DAY)
    tombstone = recall(ahead, TODAY, RecallReason.WRONG_SUBJECT)
    assert (tombstone.state, tombstone.issued) == (State.RECALLED, ahead.issued)


def test_recall_of_what_has_expired_says_that_it_is_gone() -> None:
    signal = make_signal()
    assert recall(signal, signal.expires - DAY, RecallReason.ERROR)
    assert code_of(lambda: recall(signal, signal.expires, RecallReason.ERROR)) == "signal.expired"


def test_recall_of_a_red_signal_goes_to_those_who_were_named() -> None:
    tombstone = recall(make_signal(tlp=Tlp.RED, recipients=("mill",)), LATER, RecallReason.ERROR)
    assert (tombstone.tlp, tombstone.recipients) == (Tlp.RED, ("mill",))


@pytest.mark.parametrize(
    "act",
    [
        lambda s: revise(s, LATER, expires=s.expires + DAY),
        lambda s: revise(s, LATER, tlp=Tlp.CLEAR),
        lambda s: recall(s, LATER, RecallReason.LEGAL),
        lambda s: dispute(s, LATER, "x"),
        lambda s: settle(s, LATER, DisputeState.MAINTAINED),
        lambda s: reply(s, LATER, "x"),
    ],
)
def test_recalled_signal_refuses_every_change(act: Callable[[Signal], Signal]) -> None:
    tombstone = recall(make_signal(), TODAY, RecallReason.ERROR)
    assert code_of(lambda: act(tombstone)) == "signal.recalled"


# --------------------------------------------------------------------------------------- supplier's side


def test_dispute_opens_a_contest_on_the_day_it_came() -> None:
    assert dispute(make_signal(), LATER, "We pay.").dispute == Dispute(DisputeState.OPEN, LATER, "We pay.")


def test_dispute_that_is_open_gets_new_words_and_keeps_its_day() -> None:
    first = dispute(make_signal(), LATER, "We pay.")
    assert dispute(first, LATER + DAY, "We pay all.").dispute == Dispute(
        DisputeState.OPEN, LATER, "We pay all."
    )
    assert code_of(lambda: dispute(first, LATER + DAY, "We pay.")) == "signal.unchanged"


def test_dispute_after_a_settled_one_is_a_new_contest() -> None:
    settled = settle(dispute(make_signal(), LATER, "a"), LATER, DisputeState.MAINTAINED)
    again = dispute(settled, LATER + DAY, "b")
    assert again.dispute == Dispute(DisputeState.OPEN, LATER + DAY, "b")


@pytest.mark.parametrize("state", [DisputeState.MAINTAINED, DisputeState.CORRECTED, DisputeState.REMEDIED])
def test_settle_keeps_the_suppliers_words_and_day(state: DisputeState) -> None:
    settled = settle(dispute(make_signal(), LATER, "We pay."), LATER + DAY, state)
    assert settled.dispute == Dispute(state, LATER, "We pay.")


@pytest.mark.parametrize("state", [DisputeState.NONE, DisputeState.OPEN])
def test_settle_as_never_contested_is_refused(state: DisputeState) -> None:
    contested = dispute(make_signal(), LATER, "We pay.")
    assert code_of(lambda: settle(contested, LATER, state)) == "signal.dispute"


def test_settle_of_what_nobody_contests_is_refused() -> None:
    assert code_of(lambda: settle(make_signal(), LATER, DisputeState.MAINTAINED)) == "signal.dispute"


def test_settle_twice_with_the_same_answer_changes_nothing() -> None:
    settled = settle(dispute(make_signal(), LATER, "a"), LATER, DisputeState.MAINTAINED)
    assert code_of(lambda: settle(settled, LATER, DisputeState.MAINTAINED)) == "signal.unchanged"
    assert settle(settled, LATER, DisputeState.REMEDIED).dispute.state is DisputeState.REMEDIED


def test_reply_takes_the_place_of_an_earlier_one() -> None:
    replied = reply(reply(make_signal(), LATER, "first"), LATER + DAY, "second")
    assert (replied.reply, replied.revision) == (Reply("second", LATER + DAY), 3)


def test_reply_and_dispute_outlast_a_revision() -> None:
    signal = reply(dispute(make_signal(), LATER, "We pay."), LATER, "See.")
    revised = revise(signal, LATER, confidence=1, narrative="", tlp=Tlp.GREEN)
    assert (revised.dispute, revised.reply) == (signal.dispute, signal.reply)


# ---------------------------------------------------------------------------------------------- following


def test_check_follows_takes_the_first_and_the_next() -> None:
    first = make_signal()
    check_follows(None, first)
    check_follows(first, revise(first, LATER, confidence=1))


def test_check_follows_takes_a_later_one_where_some_were_missed() -> None:
    check_follows(make_signal(), make_signal(revision=9))


@pytest.mark.parametrize("number", [1, 2, 3])
def test_check_follows_refuses_a_number_that_is_not_higher(number: int) -> None:
    held = make_signal(revision=3)
    new = make_signal(revision=number, confidence=1)
    assert code_of(lambda: check_follows(held, new)) == "signal.order"


def test_check_follows_refuses_another_signal_and_another_subject() -> None:
    held = make_signal()
    assert (
        code_of(lambda: check_follows(held, make_signal(revision=2, signal_id=bytes(16)))) == "signal.order"
    )
    other = make_signal(revision=2, subject=make_subject(city="Dhaka"))
    assert code_of(lambda: check_follows(held, other)) == "signal.subject"


def test_check_follows_refuses_to_bring_back_what_was_recalled() -> None:
    tombstone = recall(make_signal(), LATER, RecallReason.ERROR)
    document = encode_signal(make_signal(revision=3))
    assert code_of(lambda: check_follows(tombstone, decode_signal(document))) == "signal.recalled"
    again = dataclasses.replace(tombstone, revision=3, recall_reason=RecallReason.LEGAL)
    assert code_of(lambda: check_follows(tombstone, again)) == "signal.recalled"


def test_check_follows_refuses_to_leave_out_what_the_supplier_said() -> None:
    held = reply(dispute(make_signal(), LATER, "We pay."), LATER, "See.")
    for gone in ({"reply": None}, {"dispute": NO_DISPUTE}):
        new = dataclasses.replace(held, revision=9, **gone)  # type: ignore[arg-type]
        assert code_of(lambda new=new: check_follows(held, new)) == "signal.supplier_side"
    check_follows(held, recall(held, LATER, RecallReason.DISPUTE_UPHELD))
    check_follows(held, reply(held, LATER + DAY, "See this instead."))
