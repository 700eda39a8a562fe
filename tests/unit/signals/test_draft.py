"""Drafts: defaults, and what stands beside the record and never in it."""

import dataclasses
from datetime import date, timedelta

import pytest

from signal_makers import SIGNAL_ID, TODAY, make_draft, make_signal
from symbolon.errors import SignalError
from symbolon.signals.draft import (
    MAX_REFERENCE_CHARS,
    MAX_SOURCE_CHARS,
    REVIEW_DAYS,
    STANDS_DAYS,
    Draft,
)
from symbolon.signals.record_codec import encode_signal
from symbolon.signals.signal import LAST_DAY, Signal
from symbolon.signals.vocabulary import Tlp


def test_first_revision_is_the_signal_that_the_draft_describes() -> None:
    assert make_draft().first_revision(SIGNAL_ID, TODAY) == make_signal()


def test_first_revision_of_a_draft_without_days_stands_two_years_and_is_reviewed_in_half_a_year() -> None:
    signal = make_draft().first_revision(SIGNAL_ID, TODAY)
    assert signal.expires - TODAY == timedelta(days=STANDS_DAYS)
    assert signal.review - TODAY == timedelta(days=REVIEW_DAYS)
    assert signal.revision == 1


def test_first_revision_that_expires_soon_is_reviewed_by_then() -> None:
    expires = TODAY + timedelta(days=10)
    signal = make_draft(expires=expires).first_revision(SIGNAL_ID, TODAY)
    assert signal.review == signal.expires == expires


def test_first_revision_keeps_the_days_that_the_draft_names() -> None:
    expires, review = TODAY + timedelta(days=100), TODAY + timedelta(days=50)
    signal = make_draft(expires=expires, review=review).first_revision(SIGNAL_ID, TODAY)
    assert (signal.expires, signal.review) == (expires, review)


def test_draft_has_every_field_of_a_first_revision_and_three_more() -> None:
    of_signal = {each.name for each in dataclasses.fields(Signal)}
    given = {"signal_id", "revision", "issued", "state", "recall_reason", "dispute", "reply"}
    of_draft = {each.name for each in dataclasses.fields(Draft)}
    assert of_draft - of_signal == {"source", "reference", "workers"}
    assert of_signal - of_draft == given


def test_draft_marks_are_amber_unless_it_says_otherwise() -> None:
    assert make_draft().tlp is Tlp.AMBER


@pytest.mark.parametrize(
    "changes",
    [
        {"source": "a" * (MAX_SOURCE_CHARS + 1)},
        {"reference": "a" * (MAX_REFERENCE_CHARS + 1)},
        {"source": "\udcff from a terminal that is not UTF-8"},
        {"reference": "\ud800"},
        {"workers": -1},
    ],
)
def test_draft_out_of_range_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(SignalError) as caught:
        make_draft(**changes)
    assert caught.value.full_code == "signal.value"


def test_draft_refusal_does_not_say_what_the_source_was() -> None:
    with pytest.raises(SignalError) as caught:
        make_draft(source="canary\udcff")
    assert "canary" not in f"{caught.value!r} {caught.value} {caught.value.detail} {caught.value.hint}"
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


def test_repr_of_a_draft_shows_no_source_no_reference_and_no_narrative() -> None:
    said = repr(make_draft(source="canary-1", reference="canary-2", narrative="canary-3"))
    assert "canary" not in said
    assert "Blue River" not in said


def test_source_reference_and_workers_are_in_no_document_of_the_signal() -> None:
    draft = make_draft(source="canary-source", reference="canary-reference", workers=31_337)
    document = encode_signal(draft.first_revision(SIGNAL_ID, TODAY))
    assert b"canary" not in document
    assert b"31337" not in document


def test_first_revision_on_the_last_days_of_the_calendar_is_refused_in_words() -> None:
    with pytest.raises(SignalError):
        make_draft().first_revision(SIGNAL_ID, LAST_DAY)
    with pytest.raises(SignalError):
        make_draft(period=None).first_revision(SIGNAL_ID, date(2019, 12, 31))
