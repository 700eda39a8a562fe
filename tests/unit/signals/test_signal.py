"""What a signal refuses to be."""

import dataclasses
from datetime import date, timedelta
from typing import Any

import pytest

from signal_makers import TODAY, make_signal, make_subject
from symbolon.errors import SignalError
from symbolon.signals.signal import (
    FIRST_DAY,
    LAST_DAY,
    MAX_NARRATIVE_CHARS,
    MAX_NATIVE_CHARS,
    MAX_REPLY_BYTES,
    MAX_REVISION,
    MAX_STATEMENT_BYTES,
    MAX_SUBJECT_CHARS,
    MAX_WORDS,
    NO_DISPUTE,
    Dispute,
    Month,
    Native,
    Period,
    Reply,
    Subject,
)
from symbolon.signals.vocabulary import (
    DisputeState,
    Evidence,
    Indicator,
    Level,
    RecallReason,
    Reliability,
    State,
    SubjectKind,
    Tlp,
)
from symbolon.suppliers.record import Supplier

DAY = timedelta(days=1)
RECALLED: dict[str, Any] = {
    "state": State.RECALLED,
    "recall_reason": RecallReason.WITHDRAWN,
    "indicators": frozenset(),
    "severity": type(make_signal().severity)(),
    "likelihood": Level.NOT_STATED,
    "confidence": None,
    "reliability": None,
    "evidence": None,
    "period": None,
    "narrative": "",
}


def refused(**changes: Any) -> str:
    with pytest.raises(SignalError) as caught:
        make_signal(**changes)
    assert caught.value.full_code == "signal.value"
    return caught.value.detail


# ------------------------------------------------------------------------------------------------ months


@pytest.mark.parametrize(("text", "number"), [("1900-01", 0), ("2026-03", 1514), ("2240-12", 4091)])
def test_month_parse_reads_back_what_str_writes(text: str, number: int) -> None:
    month = Month.parse(text)
    assert (str(month), month.number, Month.numbered(number)) == (text, number, month)


@pytest.mark.parametrize(
    "text",
    ["", "2026", "2026-00", "2026-13", "2026-3", "2026-03-31", "26-03", " 2026-03", "2026-03\n", "٢٠٢٦-03",
     "1899-12", "2241-01", "0000-01", "9999-12"],
)  # fmt: skip
def test_month_parse_of_anything_else_is_refused(text: str) -> None:
    with pytest.raises(SignalError):
        Month.parse(text)


@pytest.mark.parametrize("number", [-1, 4092, 4095, 10**6])
def test_month_numbered_outside_its_range_is_refused(number: int) -> None:
    with pytest.raises(SignalError):
        Month.numbered(number)


def test_month_of_a_day_forgets_the_day() -> None:
    assert Month.of(date(2026, 2, 1)) == Month.of(date(2026, 2, 28)) == Month(2026, 2)


def test_month_last_of_a_signal_fits_twelve_bits_and_leaves_room_for_none() -> None:
    assert Month(2240, 12).number < 0xFFF
    assert LAST_DAY.year < 2240


def test_period_that_ends_before_it_begins_is_refused() -> None:
    with pytest.raises(SignalError, match="before it begins"):
        Period(Month(2026, 5), Month(2026, 4))
    assert Period(Month(2026, 5), Month(2026, 5)).first == Month(2026, 5)


def test_signal_whose_period_ends_in_the_month_of_issue_stands() -> None:
    assert make_signal(period=Period(Month(2026, 6), Month.of(TODAY)))


def test_signal_whose_period_lies_in_the_future_is_refused() -> None:
    assert "future" in refused(period=Period(Month(2026, 6), Month(2026, 8)))


# ----------------------------------------------------------------------------------------------- numbers


@pytest.mark.parametrize("size", [0, 15, 17, 32])
def test_signal_with_an_id_of_another_length_is_refused(size: int) -> None:
    refused(signal_id=bytes(size))


@pytest.mark.parametrize("revision", [-1, 0, MAX_REVISION + 1])
def test_signal_revision_outside_two_bytes_is_refused(revision: int) -> None:
    refused(revision=revision)


@pytest.mark.parametrize("confidence", [-1, 101, 255])
def test_signal_confidence_outside_the_scale_is_refused(confidence: int) -> None:
    refused(confidence=confidence)


@pytest.mark.parametrize("confidence", [None, 0, 100])
def test_signal_confidence_at_the_ends_of_the_scale_stands(confidence: int | None) -> None:
    assert make_signal(confidence=confidence).confidence == confidence


# -------------------------------------------------------------------------------------------------- days


def test_signal_days_at_both_ends_of_two_bytes_stand() -> None:
    first = make_signal(issued=FIRST_DAY, review=FIRST_DAY, expires=FIRST_DAY + DAY, period=None)
    last = make_signal(issued=LAST_DAY - DAY, review=LAST_DAY, expires=LAST_DAY, embargo=LAST_DAY - DAY)
    assert (last.expires - first.issued).days == 0xFFFF


def test_signal_of_more_than_five_years_is_refused_with_the_last_day() -> None:
    last = TODAY + timedelta(days=1_826)
    assert make_signal(expires=last).expires == last
    for longer in (last + DAY, LAST_DAY):
        with pytest.raises(SignalError) as caught:
            make_signal(expires=longer)
        assert "more than five years (1,826 days)" in caught.value.detail
        assert str(last) in str(caught.value.hint)


@pytest.mark.parametrize("field", ["issued", "expires", "review", "embargo"])
@pytest.mark.parametrize("day", [FIRST_DAY - DAY, LAST_DAY + DAY, date.min, date.max])
def test_signal_day_outside_two_bytes_is_refused(field: str, day: date) -> None:
    refused(**{field: day})


def test_signal_that_expires_on_the_day_of_issue_is_refused() -> None:
    assert "expires before" in refused(expires=TODAY, review=TODAY)


def test_signal_whose_review_comes_after_its_end_is_refused() -> None:
    assert "review" in refused(review=make_signal().expires + DAY)
    assert make_signal(review=make_signal().expires)


def test_signal_whose_embargo_ends_with_it_is_refused() -> None:
    assert "embargo" in refused(embargo=make_signal().expires)


def test_signal_is_expired_from_the_day_it_names() -> None:
    signal = make_signal()
    assert not signal.is_expired(signal.expires - DAY)
    assert signal.is_expired(signal.expires)


# ------------------------------------------------------------------------------------- who it may go to


@pytest.mark.parametrize("field", ["purposes", "recipients"])
@pytest.mark.parametrize(
    "words",
    [("b", "a"), ("a", "a"), ("",), ("a b",), ("-a",), ("a" * 65,), ("mіll",), ("a\n",), ("a\u200b",)],
)
def test_signal_words_out_of_order_or_form_are_refused(field: str, words: tuple[str, ...]) -> None:
    refused(**{field: words})


def test_signal_with_too_many_words_is_refused() -> None:
    words = tuple(sorted(f"m{number}" for number in range(MAX_WORDS + 1)))
    refused(recipients=words)
    assert make_signal(recipients=words[:-1])


def test_signal_without_a_purpose_is_refused() -> None:
    assert "purpose" in refused(purposes=())


def test_signal_tlp_red_that_names_nobody_is_refused() -> None:
    assert "TLP:RED" in refused(tlp=Tlp.RED)
    assert make_signal(tlp=Tlp.RED, recipients=("mill",))


# ----------------------------------------------------------------------------------------------- content


def test_signal_that_stands_needs_an_indicator_and_evidence() -> None:
    assert "indicator" in refused(indicators=frozenset())
    assert "evidence" in refused(evidence=None)


def test_signal_that_stands_has_no_reason_for_a_recall() -> None:
    refused(recall_reason=RecallReason.ERROR)


def test_signal_urgent_without_an_urgent_kind_is_refused() -> None:
    assert "child labour and hazardous work" in refused(urgent=True)
    assert make_signal(urgent=True, indicators=frozenset({Indicator.HAZARDOUS_WORK}))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("indicators", frozenset({Indicator.DECEPTION})),
        ("severity", make_signal().severity),
        ("likelihood", Level.LOW),
        ("confidence", 0),
        ("reliability", Reliability.F),
        ("evidence", Evidence.MEDIA),
        ("native", Native("SMETA", "critical")),
        ("period", Period(Month(2026, 1), Month(2026, 1))),
        ("narrative", "x"),
        ("reply", Reply("x", TODAY)),
        ("dispute", Dispute(DisputeState.OPEN, TODAY)),
    ],
)
def test_signal_recalled_with_any_content_is_refused(field: str, value: object) -> None:
    assert "still has content" in refused(**{**RECALLED, field: value})


def test_signal_recalled_without_a_reason_is_refused() -> None:
    assert "no reason" in refused(**{**RECALLED, "recall_reason": None})
    assert make_signal(**RECALLED).hex_id == "000102030405060708090a0b0c0d0e0f"


def test_signal_narrative_is_measured_in_characters() -> None:
    assert make_signal(narrative="ক" * MAX_NARRATIVE_CHARS)
    assert "20001 characters" in refused(narrative="a" * (MAX_NARRATIVE_CHARS + 1))


@pytest.mark.parametrize("text", ["\x1b[31m", "\u202e", "\u3164", "\ud800", "\ue000"])
def test_signal_narrative_that_is_not_plain_is_refused(text: str) -> None:
    refused(narrative=text)


# --------------------------------------------------------------------------------------- supplier's side


def test_reply_is_measured_in_bytes() -> None:
    assert Reply("ক" * (MAX_REPLY_BYTES // 3), TODAY)
    with pytest.raises(SignalError, match="3003 bytes"):
        Reply("ক" * (MAX_REPLY_BYTES // 3 + 1), TODAY)


@pytest.mark.parametrize("text", ["", " \n", "\u3164", "\u2800", "\u202e"])
def test_reply_that_shows_nothing_is_refused(text: str) -> None:
    with pytest.raises(SignalError):
        Reply(text, TODAY)


@pytest.mark.parametrize("day", [FIRST_DAY - DAY, LAST_DAY + DAY])
def test_reply_and_dispute_days_outside_two_bytes_are_refused(day: date) -> None:
    with pytest.raises(SignalError):
        Reply("We pay.", day)
    with pytest.raises(SignalError):
        Dispute(DisputeState.OPEN, day)


def test_dispute_statement_is_measured_in_bytes() -> None:
    assert Dispute(DisputeState.OPEN, TODAY, "a" * MAX_STATEMENT_BYTES)
    with pytest.raises(SignalError):
        Dispute(DisputeState.OPEN, TODAY, "a" * (MAX_STATEMENT_BYTES + 1))


def test_dispute_without_a_day_or_a_day_without_a_dispute_is_refused() -> None:
    for wrong in (
        (DisputeState.OPEN, None, ""),
        (DisputeState.NONE, TODAY, ""),
        (DisputeState.NONE, None, "x"),
    ):
        with pytest.raises(SignalError):
            Dispute(*wrong)
    assert Dispute() == NO_DISPUTE


@pytest.mark.parametrize(
    "text", ["", "  ", "a\nb", "a\tb", "a" * (MAX_NATIVE_CHARS + 1), "\u3164", "a\u202eb"]
)
def test_native_that_is_not_one_plain_line_is_refused(text: str) -> None:
    with pytest.raises(SignalError):
        Native(text, "critical")
    with pytest.raises(SignalError):
        Native("SMETA", text)


def test_native_keeps_a_grade_in_another_script_as_given() -> None:
    assert Native("র‍্যাব", "गंभीर").grade == "गंभीर"


# ----------------------------------------------------------------------------------------------- subject


def test_subject_needs_a_name_or_an_identifier() -> None:
    with pytest.raises(SignalError, match="neither a name"):
        Subject(SubjectKind.SITE, Supplier("", "", address="12 Canal Road"))
    assert Subject(SubjectKind.VESSEL, Supplier("", "", registration_number="IMO 9074729"))


@pytest.mark.parametrize("field", ["supplier_id", "sector"])
def test_subject_with_the_members_own_words_is_refused(field: str) -> None:
    with pytest.raises(SignalError, match=field):
        make_subject(**{field: "x"})


@pytest.mark.parametrize("text", ["a\nb", "a\x1b[31m", "a\x00", "\ud800", "a\u2028b"])
def test_subject_field_that_is_not_one_line_is_refused(text: str) -> None:
    with pytest.raises(SignalError, match="one line"):
        make_subject(address=text)


def test_subject_that_is_longer_than_a_record_can_hold_is_refused() -> None:
    free = MAX_SUBJECT_CHARS - sum(
        len(getattr(make_subject(address="").record, each)) for each in Supplier.__slots__
    )
    assert make_subject(address="x" * free)
    with pytest.raises(SignalError, match="more than 4000"):
        make_subject(address="x" * (free + 1))


def test_repr_of_a_signal_shows_neither_subject_nor_texts() -> None:
    signal = make_signal(
        narrative="canary-1",
        subject=make_subject(name="canary-2"),
        reply=Reply("canary-3", TODAY),
        dispute=Dispute(DisputeState.OPEN, TODAY, "canary-4"),
    )
    assert "canary" not in repr(signal)


def test_signal_has_no_field_for_trade_or_for_a_persons_name() -> None:
    names = {each.name for each in dataclasses.fields(make_signal())} | set(Supplier.__slots__)
    assert not names & {
        "price",
        "volume",
        "cost",
        "contract",
        "worker",
        "person",
        "contact",
        "phone",
        "email",
    }
    assert "source" not in names
