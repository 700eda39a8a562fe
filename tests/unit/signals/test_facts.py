"""Facts: a fixed width, both ways, and no row that reads as more open than it is."""

import dataclasses
from datetime import date

import numpy as np
import pytest

from signal_makers import TODAY, make_signal
from symbolon.errors import SignalError
from symbolon.signals.facts import (
    ROW,
    ROW_BYTES,
    Audience,
    Facts,
    day_number,
    facts_row,
    facts_table,
    numbered_day,
)
from symbolon.signals.revisions import dispute, recall
from symbolon.signals.signal import FIRST_DAY, LAST_DAY
from symbolon.signals.vocabulary import (
    DisputeState,
    Evidence,
    Indicator,
    RecallReason,
    ShownAs,
    State,
    SubjectKind,
    Tlp,
)


def test_facts_row_has_the_bytes_that_the_table_of_fields_says() -> None:
    signal = make_signal(revision=3, embargo=date(2020, 1, 3), tlp=Tlp.GREEN)
    row = facts_row(
        signal,
        first_issued=date(2020, 2, 1),
        audience=0x01020304,
        contributors=2,
        shown_as=ShownAs.NGO.number,
    )
    # By hand, little-endian: revision 3; 31 days; 2026-07-01 is day 2373; 2028-06-30 is day 3103; 2 days;
    # bits 7 and 8; the audience; green 4, worker interview 2, active 1, dispute 0, site 1, urgent 0, two
    # voices, ngo 2, one chunk.
    assert row.hex(" ") == ("03 00 1f 00 45 09 1f 0c 02 00 80 01 04 03 02 01 04 02 01 00 01 00 02 02 01")
    assert len(row) == ROW_BYTES == 25


def test_facts_of_reads_back_what_decides() -> None:
    signal = dispute(
        make_signal(embargo=date(2026, 8, 1), indicators=frozenset({Indicator.CHILD_LABOUR}), urgent=True),
        TODAY,
        "We pay.",
    )
    row = facts_table(facts_row(signal, first_issued=date(2026, 6, 1), audience=7, contributors=3))[0]
    assert Facts.of(row) == Facts(
        tlp=Tlp.AMBER,
        state=State.ACTIVE,
        evidence=Evidence.WORKER_INTERVIEW,
        subject_kind=SubjectKind.SITE,
        indicators=frozenset({Indicator.CHILD_LABOUR}),
        dispute=DisputeState.OPEN,
        urgent=True,
        first_issued=date(2026, 6, 1),
        issued=TODAY,
        expires=signal.expires,
        embargo=date(2026, 8, 1),
        contributors=3,
        audience=7,
    )


def test_facts_of_a_recalled_signal_tell_no_content() -> None:
    facts = Facts.of(
        facts_table(
            facts_row(recall(make_signal(), TODAY, RecallReason.ERROR), first_issued=TODAY, audience=0)
        )[0]
    )
    assert (facts.state, facts.indicators, facts.evidence) == (State.RECALLED, frozenset(), None)


def test_facts_row_holds_no_text_of_the_signal() -> None:
    named = {"revision", "first_issued", "issued", "expires", "embargo", "indicators", "audience", "tlp"}
    named |= {"evidence", "state", "dispute", "subject_kind", "urgent", "contributors", "shown_as", "chunks"}
    assert set(ROW.names or ()) == named
    assert all(ROW[name].kind == "u" for name in named)


@pytest.mark.parametrize("size", [1, ROW_BYTES - 1, ROW_BYTES + 1])
def test_facts_table_of_a_torn_row_is_refused(size: int) -> None:
    with pytest.raises(SignalError) as caught:
        facts_table(bytes(size))
    assert caught.value.full_code == "signal.facts"


def test_facts_table_of_nothing_is_empty() -> None:
    assert len(facts_table(b"")) == 0


@pytest.mark.parametrize(
    ("field", "value"),
    [("tlp", 0), ("tlp", 6), ("state", 0), ("state", 3), ("subject_kind", 0), ("subject_kind", 5),
     ("evidence", 9), ("dispute", 5), ("tlp", 255)],
)  # fmt: skip
def test_facts_of_a_number_without_a_word_are_refused(field: str, value: int) -> None:
    # Counted from the end of a list, a zero would read as TLP:CLEAR.
    row = facts_table(facts_row(make_signal(), first_issued=TODAY, audience=0)).copy()
    row[field] = value
    with pytest.raises(SignalError) as caught:
        Facts.of(row[0])
    assert caught.value.full_code == "signal.facts"


def test_facts_of_zeros_are_refused() -> None:
    with pytest.raises(SignalError):
        Facts.of(facts_table(bytes(ROW_BYTES))[0])


def test_facts_row_shows_no_more_voices_than_a_byte_holds() -> None:
    row = facts_table(facts_row(make_signal(), first_issued=TODAY, audience=0, contributors=9_999))[0]
    assert Facts.of(row).contributors == 255


def test_facts_row_of_an_audience_that_does_not_fit_is_not_cut() -> None:
    with pytest.raises(OverflowError):
        facts_row(make_signal(), first_issued=TODAY, audience=2**32)
    with pytest.raises(OverflowError):
        facts_row(make_signal(), first_issued=date(2019, 12, 31), audience=0)


def test_facts_rows_that_are_equal_are_decided_once() -> None:
    rows = facts_row(make_signal(), first_issued=TODAY, audience=0) * 3
    rows += facts_row(make_signal(tlp=Tlp.CLEAR), first_issued=TODAY, audience=0)
    assert len(np.unique(facts_table(rows))) == 2


@pytest.mark.parametrize(("day", "number"), [(FIRST_DAY, 0), (date(2026, 7, 1), 2373), (LAST_DAY, 65_535)])
def test_day_number_is_read_back(day: date, number: int) -> None:
    assert day_number(day) == number
    assert numbered_day(number) == day


def test_audience_admits_a_named_member_for_a_named_purpose() -> None:
    audience = Audience(("due-diligence", "remedy"), ("mill",))
    assert audience.admits("mill", "remedy")
    assert not audience.admits("mill", "research")
    assert not audience.admits("weaver", "remedy")
    assert not audience.admits("", "remedy")


def test_audience_without_recipients_admits_every_member_for_its_purposes() -> None:
    audience = Audience(("due-diligence",), ())
    assert audience.admits("anyone", "due-diligence")
    assert not audience.admits("anyone", "research")


def test_audience_without_a_purpose_admits_nobody() -> None:
    assert not Audience((), ()).admits("mill", "due-diligence")


def test_facts_cannot_be_changed() -> None:
    facts = Facts.of(facts_table(facts_row(make_signal(), first_issued=TODAY, audience=0))[0])
    with pytest.raises(dataclasses.FrozenInstanceError):
        facts.tlp = Tlp.CLEAR  # type: ignore[misc]
    assert not facts_table(facts_row(make_signal(), first_issued=TODAY, audience=0)).flags.writeable
