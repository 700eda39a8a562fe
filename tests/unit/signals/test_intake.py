"""What a lookup brought, judged against what is held."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from received_labels import (
    Contributor,
    everything,
    found,
    held_after,
    signal_id,
    some_signal,
)
from signal_makers import TODAY
from symbolon.policy.obligations import NOTHING
from symbolon.signals import intake as rules
from symbolon.signals.intake import Change, Found, HeldSignal, HeldState, Intake, Recall, Refusal, take_in
from symbolon.signals.released import release
from symbolon.signals.revisions import dispute, recall, reply, revise, settle
from symbolon.signals.signal import LAST_DAY, NO_DISPUTE, NOT_RATED, Dispute, Month, Native, Period, Reply
from symbolon.signals.supplier_link import Hit, SupplierLink
from symbolon.signals.vocabulary import (
    DisputeState,
    Evidence,
    Indicator,
    Level,
    RecallReason,
    SubjectKind,
    Tlp,
)
from symbolon.suppliers.tier import Tier

NGO = Contributor()
FIRST = some_signal()
ID = FIRST.signal_id
_DAY_S = 86400


def intake_of(
    *labels: Found, held: dict[bytes, HeldSignal] | None = None, today: date = TODAY, who: Contributor = NGO
) -> Intake:
    return take_in(labels, held or {}, verify=who.verify, today=today)


def held_first(**changes: Any) -> dict[bytes, HeldSignal]:
    """What is held once the first revision was taken in."""
    held = held_after(intake_of(found(NGO.label(FIRST))))
    return {each: replace(one, **changes) for each, one in held.items()}


# ------------------------------------------------------------------------------------------------ finding


def test_take_in_of_nothing_is_nothing() -> None:
    assert everything(intake_of()) == ({}, {}, {}, frozenset(), frozenset(), frozenset(), {})
    assert set(intake_of().counts().values()) == {0}


def test_take_in_new_signal_is_added_with_its_label() -> None:
    label = NGO.label(FIRST)
    intake = intake_of(found(label, 7, tier="B", scheme="name-postal.1", key_id=99))
    taken = intake.taken[ID]
    assert (taken.change, taken.chunks, taken.signal.revision) == (Change.ADDED, label, 1)
    assert taken.signal.indicators == FIRST.indicators
    assert intake.links(ID) == (SupplierLink(7, Tier.B, ("name-postal.1",), (99,)),)
    assert intake.counts()["added"] == 1


def test_take_in_one_signal_under_several_keys_is_one_with_all_suppliers() -> None:
    label = NGO.label(FIRST)
    intake = intake_of(
        found(label, 4, tier="C", scheme="street.1", key_id=31),
        found(label, 3, 4, tier="A", scheme="lei.1", key_id=11),
        found(label, 4, tier="B", scheme="name-postal.1", key_id=22),
        found(label, 4, tier="B", scheme="name-locality.1", key_id=21),
        found(label, 4, tier="B", scheme="name-locality.1", key_id=21),
    )
    assert list(intake.taken) == [ID]
    assert intake.links(ID) == (
        SupplierLink(3, Tier.A, ("lei.1",), (11,)),
        SupplierLink(4, Tier.A, ("lei.1", "name-locality.1", "name-postal.1", "street.1"), (11, 21, 22, 31)),
    )


def test_take_in_label_under_a_key_that_no_supplier_has_is_nobodys() -> None:
    nobody = Found(NGO.label(FIRST), (), "A", "lei.1", 1)
    assert everything(intake_of(nobody)) == everything(intake_of())


def test_take_in_again_finds_it_unchanged_without_a_look_at_its_signature() -> None:
    def verify(header: bytes, signature: bytes) -> None:
        raise AssertionError("looked at")

    label = NGO.label(FIRST)
    intake = take_in([found(label, 5)], held_first(), verify=verify, today=TODAY)
    assert (intake.taken, intake.unchanged, intake.refused) == ({}, frozenset({ID}), {})
    assert intake.stands == {ID: frozenset({Hit(5, Tier.A, "lei.1", 1005)})}


# ------------------------------------------------------------------------------------------- revisions


def test_take_in_higher_revision_takes_the_place_of_the_held_one() -> None:
    second = revise(FIRST, TODAY, confidence=5)
    intake = intake_of(found(NGO.label(second)), held=held_first())
    assert intake.taken[ID].change is Change.REVISED
    assert intake.taken[ID].signal.confidence == 5
    assert (intake.disputed, intake.replied) == (frozenset(), frozenset())


def test_take_in_revisions_together_believes_the_newest_and_refuses_none() -> None:
    second = revise(FIRST, TODAY, confidence=5)
    third = revise(second, TODAY, confidence=6)
    labels = [found(NGO.label(each), number) for number, each in enumerate((second, FIRST, third), 1)]
    for held in ({}, held_first()):
        intake = intake_of(*labels, held=held)
        assert intake.taken[ID].signal.revision == 3
        assert intake.refused == {}
        # A signal is about one subject: the keys of its older entries lead to it as well.
        assert [each.supplier_no for each in intake.links(ID)] == [1, 2, 3]


def test_take_in_lower_revision_is_ignored_and_the_held_one_stays() -> None:
    second = revise(FIRST, TODAY, confidence=5)
    held = held_after(intake_of(found(NGO.label(second))))
    intake = intake_of(found(NGO.label(FIRST), 8), held=held)
    assert (intake.taken, intake.vanished) == ({}, frozenset())
    assert intake.unchanged == {ID}
    assert intake.refused == {Refusal.LOWER: 1}


def test_take_in_lower_revision_of_what_is_gone_does_not_bring_it_back() -> None:
    held = {ID: HeldSignal(2, HeldState.GONE, FIRST.expires, 100)}
    intake = intake_of(found(NGO.label(FIRST)), held=held)
    assert (intake.taken, intake.stands) == ({}, {})
    assert intake.refused == {Refusal.LOWER: 1}


def test_take_in_lower_revision_than_another_purpose_brought_keeps_what_is_held_for_this_one() -> None:
    held = held_first(revision=2)
    intake = intake_of(found(NGO.label(FIRST), 9), held=held)
    assert (intake.unchanged, intake.refused) == (frozenset({ID}), {})
    assert [each.supplier_no for each in intake.links(ID)] == [9]


def test_take_in_contest_and_answer_are_told_apart_from_other_revisions() -> None:
    contested = dispute(FIRST, TODAY, "The wages were paid.")
    answered = reply(contested, TODAY, "All was paid in May.")
    settled = settle(answered, TODAY, DisputeState.CORRECTED)
    again = revise(settled, TODAY, confidence=1)
    held = held_first()
    told = []
    for each in (contested, answered, settled, again):
        intake = intake_of(found(NGO.label(each)), held=held)
        assert intake.taken[ID].change is Change.REVISED
        told.append((bool(intake.disputed), bool(intake.replied)))
        held = held_after(intake, held)
    assert told == [(True, False), (False, True), (True, False), (False, False)]


@pytest.mark.parametrize("left_out", ["reply", "dispute"])
def test_take_in_revision_without_the_suppliers_side_is_refused_and_the_held_one_stays(left_out: str) -> None:
    spoken = reply(dispute(FIRST, TODAY, "Not so."), TODAY, "We paid.")
    held = held_after(intake_of(found(NGO.label(spoken))))
    silenced = replace(spoken, revision=9, **{left_out: {"reply": None, "dispute": NO_DISPUTE}[left_out]})
    intake = intake_of(found(NGO.label(silenced)), held=held)
    assert (intake.taken, intake.kept, intake.vanished) == ({}, frozenset({ID}), frozenset())
    assert intake.refused == {Refusal.SUPPLIER_SIDE: 1}


# ------------------------------------------------------------------------------- forms of one revision


@pytest.mark.parametrize(
    "obligations",
    [
        "redact(indicators, native)",
        "coarsen(year)",
        "no_onward",
        "retain(9)",
        "redact(period); coarsen(quarter)",
    ],
)
def test_take_in_other_form_of_the_same_revision_takes_its_place(obligations: str) -> None:
    other = NGO.label(FIRST, obligations)
    intake = intake_of(found(other), held=held_first())
    assert (intake.taken[ID].change, intake.taken[ID].chunks) == (Change.RESHAPED, other)
    assert intake.refused == {}
    back = intake_of(found(NGO.label(FIRST)), held=held_after(intake, held_first()))
    assert back.taken[ID].change is Change.RESHAPED


def test_take_in_of_several_forms_believes_the_one_that_binds_most() -> None:
    narrow = NGO.label(FIRST, "redact(indicators); no_onward; retain(5)")
    labels = [
        found(NGO.label(FIRST), 1),
        found(narrow, 2),
        found(NGO.label(FIRST, "retain(5)"), 3),
        found(NGO.label(FIRST, contributors=4), 4),
    ]
    intake = intake_of(*labels)
    assert intake.taken[ID].chunks == narrow
    assert [each.supplier_no for each in intake.links(ID)] == [1, 2, 3, 4]
    assert intake.refused == {}


@pytest.mark.parametrize(
    "changes",
    [
        {"confidence": 1},
        {"confidence": None},
        {"indicators": frozenset({Indicator.CHILD_LABOUR})},
        {"severity": NOT_RATED},
        {"likelihood": Level.EXTREME},
        {"reliability": None},
        {"evidence": Evidence.MEDIA},
        {"native": Native("SMETA", "major")},
        {"narrative": ""},
        {"tlp": Tlp.GREEN},
        {"urgent": True},
        {"period": None},
        {"period": Period(Month(2026, 3), Month(2026, 6))},
        {"period": Period(Month(2025, 2), Month(2025, 5))},
        {"issued": TODAY - timedelta(days=3)},
        {"review": TODAY + timedelta(days=179)},
        {"expires": TODAY + timedelta(days=731)},
        {"subject": replace(FIRST.subject, kind=SubjectKind.VESSEL)},
        {"dispute": Dispute(DisputeState.OPEN, TODAY, "No.")},
        {"reply": Reply("We paid.", TODAY)},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_take_in_other_content_under_the_held_number_is_refused_and_the_held_one_stays(
    changes: dict[str, Any],
) -> None:
    both = frozenset({Indicator.CHILD_LABOUR, Indicator.DEBT_BONDAGE})
    first = replace(FIRST, indicators=both, native=Native("SMETA", "minor"))
    held = held_after(intake_of(found(NGO.label(first))))
    other = replace(first, **changes)
    assert other != first
    intake = intake_of(found(NGO.label(other)), held=held)
    assert (intake.taken, intake.kept) == ({}, frozenset({ID}))
    assert intake.refused == {Refusal.CONTRADICTORY: 1}


def test_take_in_two_forms_of_a_period_that_is_told_and_one_that_is_not_agree() -> None:
    told, withheld = NGO.label(FIRST, "coarsen(year)"), NGO.label(FIRST, "redact(period)")
    assert intake_of(found(told), found(withheld), found(NGO.label(FIRST))).refused == {}
    timeless = NGO.label(replace(FIRST, period=None))
    assert intake_of(found(told), found(timeless)).refused == {Refusal.CONTRADICTORY: 2}


def test_take_in_other_content_than_another_purpose_brought_is_refused() -> None:
    held = held_first()
    held = {ID: replace(held[ID], shown=False, here=False, chunks=(), others=(held[ID].chunks,))}
    assert intake_of(found(NGO.label(FIRST)), held=held).taken[ID].change is Change.ADDED
    other = intake_of(found(NGO.label(replace(FIRST, confidence=1))), held=held)
    assert (other.taken, other.kept, other.refused) == ({}, frozenset(), {Refusal.CONTRADICTORY: 1})


def test_take_in_two_contents_of_one_number_in_one_session_believes_neither() -> None:
    other = replace(FIRST, confidence=1)
    intake = intake_of(found(NGO.label(FIRST), 1), found(NGO.label(other), 2))
    assert (intake.taken, intake.stands) == ({}, {})
    assert intake.refused == {Refusal.CONTRADICTORY: 2}


# ---------------------------------------------------------------------------------------------- recalls


def test_take_in_recall_takes_the_signal_back() -> None:
    gone = recall(FIRST, TODAY, RecallReason.ERROR)
    intake = intake_of(found(NGO.label(gone)), held=held_first())
    assert intake.recalls == {ID: Recall(2, RecallReason.ERROR, TODAY, FIRST.expires)}
    assert (intake.taken, intake.stands, intake.vanished) == ({}, {}, frozenset())
    assert intake.over == {ID}
    assert intake.counts()["recalled"] == 1


def test_take_in_recall_of_an_unknown_signal_is_remembered() -> None:
    gone = recall(FIRST, TODAY, RecallReason.LEGAL)
    assert intake_of(found(NGO.label(gone))).recalls[ID].reason is RecallReason.LEGAL


def test_take_in_recall_beside_entries_of_before_wins_and_refuses_none() -> None:
    gone = NGO.label(recall(FIRST, TODAY, RecallReason.ERROR))
    intake = intake_of(found(NGO.label(FIRST), 1), found(gone, 2))
    assert (list(intake.recalls), intake.taken, intake.refused) == ([ID], {}, {})


def test_take_in_revision_above_a_recall_does_not_undo_it() -> None:
    gone = NGO.label(recall(FIRST, TODAY, RecallReason.ERROR))
    undone = NGO.label(replace(FIRST, revision=3))
    together = intake_of(found(undone), found(gone))
    assert (list(together.recalls), together.taken) == ([ID], {})
    assert together.refused == {Refusal.RECALL_UNDONE: 1}
    later = intake_of(found(undone), held=held_after(intake_of(found(gone))))
    assert (later.taken, later.recalls, later.refused) == ({}, {}, {Refusal.RECALL_UNDONE: 1})
    before = intake_of(found(gone), held=held_after(intake_of(found(undone))))
    assert list(before.recalls) == [ID]


def test_take_in_recall_again_changes_nothing() -> None:
    gone = found(NGO.label(recall(FIRST, TODAY, RecallReason.ERROR)))
    again = intake_of(gone, held=held_after(intake_of(gone)))
    assert (again.recalls, again.stands, again.refused) == ({}, {}, {})
    assert again.over == {ID}


def test_take_in_recall_is_remembered_as_long_as_any_revision_would_have_stood() -> None:
    shorter = recall(revise(FIRST, TODAY, expires=TODAY + timedelta(days=200)), TODAY, RecallReason.ERROR)
    intake = intake_of(found(NGO.label(shorter)), held=held_first())
    assert intake.recalls[ID].until == FIRST.expires


def test_take_in_recall_that_has_expired_still_ends_what_is_held() -> None:
    short = recall(
        revise(FIRST, TODAY, expires=TODAY + timedelta(days=2), review=TODAY), TODAY, RecallReason.ERROR
    )
    label = found(NGO.label(short))
    later = TODAY + timedelta(days=3)
    assert list(intake_of(label, held=held_first(), today=later).recalls) == [ID]
    unknown = intake_of(label, today=later)
    assert (unknown.recalls, unknown.refused) == ({}, {Refusal.EXPIRED: 1})


# ------------------------------------------------------------------------------------ vanishing and time


def test_take_in_signal_that_is_not_found_any_more_vanishes() -> None:
    intake = intake_of(held=held_first())
    assert (intake.vanished, intake.counts()["vanished"]) == (frozenset({ID}), 1)


def test_take_in_signal_that_other_tiers_led_to_does_not_vanish() -> None:
    assert intake_of(held=held_first(here=False)).vanished == frozenset()


@pytest.mark.parametrize("state", [HeldState.GONE, HeldState.RECALLED])
def test_take_in_signal_of_which_nothing_is_left_does_not_vanish_again(state: HeldState) -> None:
    held = {ID: HeldSignal(1, state, FIRST.expires, 9, here=True)}
    assert intake_of(held=held).vanished == frozenset()


def test_take_in_signal_that_was_gone_returns() -> None:
    held = {ID: HeldSignal(1, HeldState.GONE, FIRST.expires, 9)}
    assert intake_of(found(NGO.label(FIRST)), held=held).taken[ID].change is Change.RETURNED
    second = revise(FIRST, TODAY, confidence=2)
    assert intake_of(found(NGO.label(second)), held=held).taken[ID].change is Change.REVISED


def test_take_in_signal_stands_to_the_day_before_its_expiry_and_no_longer() -> None:
    label = found(NGO.label(FIRST))
    assert list(intake_of(label, today=FIRST.expires - timedelta(days=1)).taken) == [ID]
    over = intake_of(label, today=FIRST.expires)
    assert (over.taken, over.refused, over.over) == ({}, {Refusal.EXPIRED: 1}, frozenset({ID}))
    for here in (True, False):
        held = intake_of(label, held=held_first(here=here), today=FIRST.expires)
        assert held.vanished == {ID}


@pytest.mark.parametrize("ahead_days", [0, 1, 4_000])
def test_take_in_what_would_stand_for_more_than_five_years_is_refused(ahead_days: int) -> None:
    """Also where it says that it was issued in a time to come, by a day more than clocks may differ."""
    issued = TODAY + timedelta(days=ahead_days)
    signal = release(replace(FIRST, issued=issued, expires=issued + timedelta(days=1_826)), NOTHING)
    longest = TODAY + timedelta(days=1_827)
    stands = signal.expires <= longest
    intake = intake_of(found(NGO.encode(signal)))
    assert (list(intake.taken), intake.refused) == (([ID], {}) if stands else ([], {Refusal.TOO_LONG: 1}))
    over = max(signal.expires, longest) + timedelta(days=1)
    later = replace(signal, revision=2, expires=over)
    assert intake_of(found(NGO.encode(later))).refused == {Refusal.TOO_LONG: 1}
    kept = intake_of(found(NGO.encode(later)), held=held_first())
    assert (kept.refused, kept.kept) == ({Refusal.TOO_LONG: 1}, frozenset({ID}))


def test_take_in_recall_that_names_a_far_day_is_believed_and_forgotten_in_time() -> None:
    gone = release(recall(FIRST, TODAY, RecallReason.ERROR), NOTHING)
    far = replace(gone, expires=LAST_DAY, review=gone.issued)
    intake = intake_of(found(NGO.encode(far)), held=held_first())
    assert intake.recalls[ID].until == TODAY + timedelta(days=1_827)


def test_take_in_newest_revision_that_has_expired_ends_the_older_ones_too() -> None:
    short = revise(FIRST, TODAY, expires=TODAY + timedelta(days=2), review=TODAY)
    later = TODAY + timedelta(days=2)
    labels = found(NGO.label(FIRST)), found(NGO.label(short))
    intake = intake_of(*labels, held=held_first(here=False), today=later)
    assert (intake.taken, intake.vanished) == ({}, frozenset({ID}))
    assert intake.refused == {Refusal.EXPIRED: 1}


@pytest.mark.parametrize("state", [HeldState.GONE, HeldState.ACTIVE])
def test_take_in_retention_counts_from_the_first_receipt(state: HeldState) -> None:
    label = found(NGO.label(FIRST, "retain(10)"))
    for age_s, stands in ((10 * _DAY_S - 1, True), (10 * _DAY_S, False)):
        held = {ID: HeldSignal(1, state, FIRST.expires, age_s)}
        intake = intake_of(label, held=held)
        assert (ID in intake.taken) is stands
        assert intake.refused == ({} if stands else {Refusal.RETENTION_OVER: 1})
        assert intake.over == (frozenset() if stands else {ID})


def test_take_in_new_terms_end_what_was_held_longer_than_they_allow() -> None:
    held = held_first(age_s=11 * _DAY_S)
    intake = intake_of(found(NGO.label(FIRST, "retain(10)")), held=held)
    assert (intake.vanished, intake.refused) == (frozenset({ID}), {Refusal.RETENTION_OVER: 1})


# ---------------------------------------------------------------------------------------------- refused


def test_take_in_label_of_another_signer_is_counted_once_whatever_its_keys() -> None:
    forged = Contributor(seed=2).label(FIRST)
    intake = intake_of(found(forged, 1), found(forged, 2), found(forged, 3, tier="B"))
    assert (intake.taken, intake.refused) == ({}, {Refusal.FORGED: 1})


def test_take_in_malformed_labels_are_counted() -> None:
    label = NGO.label(reply(FIRST, TODAY, "We paid." * 40))
    spoilt = [(), (b"",), (b"x" * 128,), label[:-1], (*label, label[-1]), label[::-1], (label[0][:-1],)]
    intake = intake_of(*(found(each) for each in spoilt))
    assert (intake.taken, intake.refused) == ({}, {Refusal.MALFORMED: len(spoilt)})


def test_take_in_forged_label_of_a_held_signal_does_not_keep_it() -> None:
    forged = Contributor(seed=2).label(revise(FIRST, TODAY, confidence=1))
    intake = intake_of(found(forged), held=held_first())
    assert (intake.vanished, intake.refused) == (frozenset({ID}), {Refusal.FORGED: 1})


def test_take_in_more_new_labels_than_are_judged_leaves_the_rest_for_the_next_session(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(rules, "MAX_JUDGED", 3)
    labels = [found(NGO.label(some_signal(number)), number) for number in range(1, 6)]
    first = intake_of(*labels)
    assert len(first.taken) == 3
    assert first.refused == {Refusal.TOO_MANY: 2}
    held = held_after(first)
    second = intake_of(*labels, held=held)
    assert (len(second.taken), second.refused, second.vanished) == (2, {}, frozenset())


def test_take_in_flood_does_not_hide_a_recall_nor_end_what_it_left_unjudged(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(rules, "MAX_JUDGED", 2)
    two = some_signal(65_535)
    held = held_after(intake_of(found(NGO.label(two), 2), found(NGO.label(FIRST), 1)))
    flood = [found(NGO.label(some_signal(number))) for number in range(1, 9)]
    gone = found(NGO.label(recall(two, TODAY, RecallReason.ERROR)))
    intake = intake_of(*flood, gone, found(NGO.label(FIRST)), held=held)
    assert list(intake.recalls) == [two.signal_id]
    assert intake.unchanged == {ID}
    one = held_first()
    monkeypatch.setattr(rules, "MAX_JUDGED", 0)
    unjudged = intake_of(found(NGO.label(revise(FIRST, TODAY, confidence=3))), held=one)
    assert (unjudged.kept, unjudged.vanished) == (frozenset({ID}), frozenset())


def test_take_in_of_more_signals_than_are_remembered_takes_the_known_ones_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(rules, "MAX_HELD", 3)
    old = [some_signal(number) for number in (1, 9)]
    held = held_after(intake_of(*(found(NGO.label(each)) for each in old)))
    labels = [found(NGO.label(some_signal(number))) for number in range(2, 6)]
    labels += [found(NGO.label(revise(old[0], TODAY, confidence=4)))]
    labels += [found(NGO.label(recall(old[1], TODAY, RecallReason.ERROR)))]
    for order in (labels, labels[::-1]):
        intake = intake_of(*order, held=held)
        assert intake.taken.keys() == {signal_id(1), signal_id(2)}
        assert (list(intake.recalls), intake.refused) == ([signal_id(9)], {Refusal.TOO_MANY: 3})


def test_take_in_held_label_that_this_release_cannot_read_is_replaced() -> None:
    held = held_first(chunks=(b"of another release",))
    assert list(intake_of(found(NGO.label(FIRST)), held=held).taken) == [ID]


def test_intake_shows_no_label_in_its_representation() -> None:
    secret = "the guard at the gate"
    label = NGO.label(reply(FIRST, TODAY, secret))
    intake = intake_of(found(label))
    told = f"{intake!r}{found(label)!r}{held_after(intake)!r}"
    assert secret not in told
    assert repr(label[1])[2:40] not in told


def test_refusals_all_have_words() -> None:
    assert all(each.words for each in Refusal)


def test_signal_ids_of_the_makers_differ() -> None:
    assert len({signal_id(number) for number in range(1000)}) == 1000
