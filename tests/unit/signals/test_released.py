"""What leaves of a signal under obligations, field by field."""

import dataclasses
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from signal_makers import TODAY, make_signal
from symbolon.errors import SignalError
from symbolon.policy.obligations import NOTHING, Obligations, parse_obligations
from symbolon.signals.released import (
    MAX_CONTRIBUTORS_SHOWN,
    WITHHOLDABLE,
    ReleasedSignal,
    release,
)
from symbolon.signals.revisions import recall
from symbolon.signals.signal import (
    NO_DISPUTE,
    NOT_RATED,
    Dispute,
    Month,
    Native,
    Period,
    Reply,
    Severity,
    Signal,
)
from symbolon.signals.vocabulary import (
    DisputeState,
    Evidence,
    Indicator,
    Level,
    RecallReason,
    Reliability,
    ShownAs,
    State,
    SubjectKind,
    Tlp,
)

FULL = make_signal(
    native=Native("SMETA", "critical"),
    indicators=frozenset({Indicator.CHILD_LABOUR, Indicator.DEBT_BONDAGE}),
    urgent=True,
    dispute=Dispute(DisputeState.OPEN, TODAY, "We pay."),
    reply=Reply("See the wage slips.", TODAY),
    recipients=("mill",),
    embargo=date(2026, 6, 1),
)
EMPTY: dict[str, object] = {
    "subject_kind": None,
    "indicators": frozenset(),
    "severity": NOT_RATED,
    "likelihood": Level.NOT_STATED,
    "confidence": None,
    "reliability": None,
    "evidence": None,
    "native": None,
    "period": None,
}


def released(obligations: str = "", signal: Signal = FULL, **named: Any) -> ReleasedSignal:
    return release(signal, parse_obligations(obligations) if obligations else NOTHING, **named)


def refused(**changes: Any) -> str:
    with pytest.raises(SignalError) as caught:
        dataclasses.replace(released(), **changes)
    assert caught.value.full_code == "signal.value"
    return caught.value.detail


def test_release_without_obligations_shows_everything_but_the_contributors_own_affair() -> None:
    shown = {each.name for each in dataclasses.fields(ReleasedSignal)}
    kept_back = {each.name for each in dataclasses.fields(Signal)} - shown
    assert kept_back == {"subject", "purposes", "recipients", "embargo", "narrative"}
    assert released() == ReleasedSignal(
        signal_id=FULL.signal_id,
        revision=1,
        state=State.ACTIVE,
        issued=FULL.issued,
        expires=FULL.expires,
        review=FULL.review,
        tlp=Tlp.AMBER,
        subject_kind=SubjectKind.SITE,
        indicators=FULL.indicators,
        severity=Severity(Level.HIGH, Level.MODERATE, Level.LOW),
        likelihood=Level.HIGH,
        confidence=70,
        reliability=Reliability.B,
        evidence=Evidence.WORKER_INTERVIEW,
        native=Native("SMETA", "critical"),
        period=Period(Month(2026, 2), Month(2026, 5)),
        has_narrative=True,
        urgent=True,
        dispute=FULL.dispute,
        reply=FULL.reply,
    )


@pytest.mark.parametrize("field", WITHHOLDABLE)
def test_release_withholds_the_field_that_redact_names_and_no_other(field: str) -> None:
    shown, whole = released(f"redact({field})"), released()
    assert shown.withheld == {field}
    differing = {
        each.name
        for each in dataclasses.fields(ReleasedSignal)
        if getattr(shown, each.name) != getattr(whole, each.name)
    }
    also = {"narrative": {"has_narrative"}, "indicators": {"indicators", "urgent"}}.get(field, {field})
    assert differing == {"withheld"} | also
    if field != "narrative":
        assert getattr(shown, field) == EMPTY[field]


def test_release_that_withholds_indicators_does_not_tell_them_by_the_urgent_mark() -> None:
    wages = make_signal(indicators=frozenset({Indicator.WITHHOLDING_OF_WAGES}))
    children = make_signal(indicators=frozenset({Indicator.CHILD_LABOUR}), urgent=True)
    assert released("redact(indicators)", wages) == released("redact(indicators)", children)


def test_release_never_withholds_dispute_reply_state_and_terms() -> None:
    names = "dispute, reply, state, tlp, urgent, revision, signal_id, recall_reason, contributors"
    shown = released(f"redact({names})")
    assert shown == released()
    assert shown.withheld == frozenset()


def test_release_says_a_field_is_withheld_whether_or_not_there_is_something() -> None:
    # Else the answer to "is there a narrative?" would be in the list of what is withheld.
    silent = make_signal(narrative="", native=None, confidence=None)
    for field in ("narrative", "native", "confidence"):
        assert released(f"redact({field})", silent).withheld == {field}


@pytest.mark.parametrize(
    ("step", "period", "wide"),
    [
        ("month", ("2026-02", "2026-05"), ("2026-02", "2026-05")),
        ("quarter", ("2026-02", "2026-05"), ("2026-01", "2026-06")),
        ("year", ("2026-02", "2026-05"), ("2026-01", "2026-12")),
        ("year", ("2025-12", "2026-01"), ("2025-01", "2026-12")),
        ("year", ("1900-01", "1900-01"), ("1900-01", "1900-12")),
    ],
)
def test_release_widens_the_period(step: str, period: tuple[str, str], wide: tuple[str, str]) -> None:
    signal = make_signal(period=Period(*map(Month.parse, period)))
    assert released(f"coarsen({step})", signal).period == Period(*map(Month.parse, wide))


@pytest.mark.parametrize(
    ("step", "issued", "review", "expires"),
    [
        ("month", "2026-07-01", "2027-02-01", "2028-08-01"),
        ("quarter", "2026-07-01", "2027-01-01", "2028-07-01"),
        ("year", "2026-01-01", "2027-01-01", "2028-01-01"),
    ],
)
def test_release_that_widens_the_period_widens_the_days_of_the_record(
    step: str, issued: str, review: str, expires: str
) -> None:
    # A signal is written days after something was seen; its own days would tell the time that is widened.
    signal = make_signal(issued=date(2026, 7, 17), review=date(2027, 2, 9), expires=date(2028, 8, 31))
    shown = released(f"coarsen({step})", signal)
    assert [shown.issued, shown.review, shown.expires] == [
        date.fromisoformat(each) for each in (issued, review, expires)
    ]


@pytest.mark.parametrize(
    ("expires", "shown"),
    [("2026-07-30", "2026-07-30"), ("2026-08-15", "2026-08-01"), ("2026-11-15", "2026-10-01")],
)
def test_release_of_a_short_lived_signal_leaves_it_some_time(expires: str, shown: str) -> None:
    end = date.fromisoformat(expires)
    signal = make_signal(issued=date(2026, 7, 17), expires=end, review=end)
    assert released("coarsen(year)", signal).expires == date.fromisoformat(shown)


def test_release_never_outlives_the_day_that_the_contributor_named() -> None:
    for step in ("month", "quarter", "year"):
        assert released(f"coarsen({step})").expires <= FULL.expires


def test_release_carries_the_terms_that_bind_the_receiver() -> None:
    shown = released("no_onward; retain(90)", contributors=4, shown_as=ShownAs.NGO)
    assert (shown.no_onward, shown.retain_days, shown.contributors, shown.shown_as) == (
        True,
        90,
        4,
        ShownAs.NGO,
    )


def test_release_shows_no_more_voices_than_a_byte_holds() -> None:
    assert released(contributors=1_000).contributors == MAX_CONTRIBUTORS_SHOWN


def test_release_of_a_recalled_signal_tells_that_and_why() -> None:
    shown = released(signal=recall(FULL, TODAY, RecallReason.WITHDRAWN))
    assert shown == ReleasedSignal(
        signal_id=FULL.signal_id,
        revision=2,
        state=State.RECALLED,
        issued=TODAY,
        expires=date(FULL.expires.year, 1, 1),
        review=date(FULL.expires.year, 1, 1),
        tlp=Tlp.AMBER,
        subject_kind=SubjectKind.SITE,
        recall_reason=RecallReason.WITHDRAWN,
    )


def test_release_of_a_recalled_signal_shows_a_finer_day_only_where_the_year_has_begun() -> None:
    soon = replace(FULL, expires=date(TODAY.year, 12, 30), review=TODAY)
    shown = released(signal=recall(soon, TODAY, RecallReason.ERROR))
    assert shown.issued < shown.expires == shown.review
    assert shown.expires in {date(TODAY.year, 10, 1), date(TODAY.year, 12, 1)}


@pytest.mark.parametrize(
    "changes",
    [
        {"signal_id": bytes(15)},
        {"revision": 0},
        {"revision": 65_536},
        {"contributors": 0},
        {"contributors": 256},
        {"retain_days": 0},
        {"retain_days": 65_536},
        {"confidence": 101},
        {"expires": TODAY, "review": TODAY},
        {"review": FULL.expires + timedelta(days=1)},
        {"withheld": frozenset({"reply"})},
        {"withheld": frozenset({"confidence"})},
        {"withheld": frozenset({"narrative"})},
        {"withheld": frozenset({"subject_kind"})},
        {"subject_kind": None},
        {"indicators": frozenset(), "urgent": False},
        {"evidence": None},
        {"indicators": frozenset({Indicator.DECEPTION})},
        {"recall_reason": RecallReason.ERROR},
        {"state": State.RECALLED},
        {"state": State.RECALLED, "recall_reason": RecallReason.ERROR},
    ],
)
def test_released_signal_that_release_makes_of_no_signal_is_refused(changes: dict[str, Any]) -> None:
    refused(**changes)


@pytest.mark.parametrize(
    "changes",
    [
        {"severity": Severity(scale=Level.LOW)},
        {"likelihood": Level.LOW},
        {"confidence": 0},
        {"reliability": Reliability.F},
        {"evidence": Evidence.MEDIA},
        {"native": Native("a", "b")},
        {"period": Period(Month(2026, 1), Month(2026, 1))},
        {"has_narrative": True},
        {"indicators": frozenset({Indicator.COERCION})},
        {"reply": Reply("a", TODAY)},
        {"dispute": Dispute(DisputeState.OPEN, TODAY)},
        {"recall_reason": None},
        {"subject_kind": None},
    ],
)
def test_released_recall_with_content_or_without_a_reason_is_refused(changes: dict[str, Any]) -> None:
    tombstone = released(signal=recall(FULL, TODAY, RecallReason.ERROR))
    with pytest.raises(SignalError):
        dataclasses.replace(tombstone, **changes)


def test_release_under_every_obligation_at_once_still_shows_the_suppliers_side() -> None:
    everything = Obligations(
        **{
            each.name: getattr(
                parse_obligations(
                    f"redact({', '.join(WITHHOLDABLE)}); coarsen(year); delay(9); no_onward; retain(1);"
                    " human_review; count_only; min_corroboration(2); notify_supplier(supplier, 9)"
                ),
                each.name,
            )
            for each in dataclasses.fields(Obligations)
        }
    )
    shown = release(FULL, everything)
    assert shown.withheld == set(WITHHOLDABLE)
    assert (shown.dispute, shown.reply) == (FULL.dispute, FULL.reply)
    assert shown.dispute != NO_DISPUTE
