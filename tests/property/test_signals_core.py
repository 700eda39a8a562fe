"""Signals, for every input: codecs both ways, what obligations keep back, texts shown."""

import dataclasses
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any, TypeVar

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from signal_makers import prose, signals
from symbolon.errors import SignalError
from symbolon.policy.enforcement import widened
from symbolon.policy.obligations import (
    Coarsen,
    Obligations,
    Period,
    Redact,
    Retain,
    strictest,
)
from symbolon.signals.bundle import (
    CHUNK_BYTES,
    SIGNATURE_BYTES,
    chunk_count,
    chunks_needed,
    decode_bundle,
    encode_bundle,
    group_chunks,
)
from symbolon.signals.facts import Facts, facts_row, facts_table
from symbolon.signals.free_text import clean, is_plain, shown
from symbolon.signals.record_codec import decode_signal, decode_stored_signal, encode_signal
from symbolon.signals.released import WITHHOLDABLE, ReleasedSignal, release
from symbolon.signals.signal import LAST_DAY, NOT_RATED, Signal
from symbolon.signals.vocabulary import (
    Level,
    ShownAs,
    State,
    Tlp,
)

DAY = timedelta(days=1)
T = TypeVar("T")
FEWER = settings(max_examples=50)
NAMES = st.sampled_from([*WITHHOLDABLE, "reply", "dispute", "tlp", "state", "city", "urgent"])
OBLIGATIONS = st.builds(
    Obligations,
    redact=st.none() | st.frozensets(NAMES, min_size=1).map(Redact),
    coarsen=st.none() | st.sampled_from(Period).map(Coarsen),
    no_onward=st.booleans(),
    retain=st.none() | st.integers(1, 3_650).map(Retain),
    human_review=st.booleans(),
    count_only=st.booleans(),
)
# What the texts of Python hold: also halves of pairs, controls, and whatever Unicode has not assigned.
ANY_TEXT = st.text(st.characters(), max_size=60)
DECEIVING = st.text(
    st.one_of(
        st.characters(categories=["Cc", "Cf", "Mn", "Me", "Zs", "Zl", "Zp", "Cs", "Cn"]),
        st.sampled_from("a \n\t\u200c\u200d\u0301\u0336\u0995\u09cd\u06cc\ufe0f\u3164\u2800\u202e\x1b"),
    ),
    max_size=40,
)


def sign(header: bytes) -> bytes:
    return bytes(SIGNATURE_BYTES)


def accept(header: bytes, signature: bytes) -> None:
    return


def bytes_of(signal: ReleasedSignal) -> bytes:
    return b"".join(encode_bundle(signal, sign))


def attempt(call: Callable[[], T], codes: set[str]) -> T | None:
    """What a call gives, or None where it refuses by one of some codes; every other error is a failure."""
    try:
        return call()
    except SignalError as error:
        if error.full_code not in codes:
            raise
        return None


def changed(signal: Signal, **changes: Any) -> Signal:
    """The signal with some fields changed, where that is still a signal."""
    try:
        return dataclasses.replace(signal, **changes)
    except SignalError:
        assume(False)
        raise


# ------------------------------------------------------------------------------------------------ codecs


@given(signals())
@FEWER
def test_record_codec_reads_back_every_signal(signal: Signal) -> None:
    document = encode_signal(signal)
    assert decode_signal(document) == signal
    assert decode_stored_signal(document) == signal


@given(signals(), st.data())
@FEWER
def test_record_codec_refuses_every_document_with_a_byte_changed_or_reads_another_signal(
    signal: Signal, data: st.DataObject
) -> None:
    document = bytearray(encode_signal(signal))
    at = data.draw(st.integers(0, len(document) - 1))
    document[at] ^= 1 << data.draw(st.integers(0, 7))
    try:
        read = decode_signal(bytes(document))
    except SignalError:
        return
    assert read != signal
    assert encode_signal(read) == document


@given(st.binary(max_size=400))
def test_record_codec_refuses_every_other_bytes_with_its_own_error(document: bytes) -> None:
    with pytest.raises(SignalError):
        decode_signal(document)


@given(signals(), OBLIGATIONS, st.integers(1, 10_000), st.sampled_from(ShownAs))
@FEWER
def test_bundle_reads_back_every_released_signal(
    signal: Signal, obligations: Obligations, contributors: int, shown_as: ShownAs
) -> None:
    released = release(signal, obligations, contributors=contributors, shown_as=shown_as)
    chunks = encode_bundle(released, sign)
    assert {len(each) for each in chunks} == {CHUNK_BYTES}
    assert len(chunks) == chunk_count(chunks[0]) == chunks_needed(released)
    assert group_chunks(chunks) == [chunks]
    assert decode_bundle(chunks, accept) == released


@given(st.lists(st.binary(min_size=CHUNK_BYTES, max_size=CHUNK_BYTES), max_size=4))
def test_bundle_refuses_every_other_chunks_with_its_own_error(chunks: list[bytes]) -> None:
    with pytest.raises(SignalError):
        decode_bundle(chunks, accept)


@given(signals(), OBLIGATIONS, st.data())
@FEWER
def test_bundle_of_a_changed_header_is_refused_or_says_just_those_bytes(
    signal: Signal, obligations: Obligations, data: st.DataObject
) -> None:
    # Without a signature to stop it: what is read must have no second form.
    chunks = list(encode_bundle(release(signal, obligations), sign))
    at = data.draw(st.integers(0, len(chunks) - 1))
    spoilt = bytearray(chunks[at])
    limit = CHUNK_BYTES - SIGNATURE_BYTES if at == 0 else CHUNK_BYTES
    spoilt[data.draw(st.integers(0, limit - 1))] ^= 1 << data.draw(st.integers(0, 7))
    chunks[at] = bytes(spoilt)
    try:
        read = decode_bundle(chunks, accept)
    except SignalError:
        return
    assert encode_bundle(read, sign) == tuple(chunks)


@given(signals(), st.integers(0, 2**32 - 1), st.integers(1, 9_999), st.data())
@FEWER
def test_facts_read_back_what_decides(
    signal: Signal, audience: int, voices: int, data: st.DataObject
) -> None:
    first_issued = data.draw(st.dates(date(2020, 1, 1), signal.issued))
    row = facts_row(signal, first_issued=first_issued, audience=audience, contributors=voices)
    facts = Facts.of(facts_table(row)[0])
    assert facts == Facts(
        tlp=signal.tlp,
        state=signal.state,
        evidence=signal.evidence,
        subject_kind=signal.subject.kind,
        indicators=signal.indicators,
        dispute=signal.dispute.state,
        urgent=signal.urgent,
        first_issued=first_issued,
        issued=signal.issued,
        expires=signal.expires,
        embargo=None if signal.embargo == date(2020, 1, 1) else signal.embargo,
        contributors=min(voices, 255),
        audience=audience,
    )


@given(st.binary(max_size=400))
def test_facts_of_every_bytes_are_read_or_refused_with_their_own_error(rows: bytes) -> None:
    attempt(lambda: [Facts.of(row) for row in facts_table(rows)], {"signal.facts"})


# --------------------------------------------------------------------------------------------- grouping


@given(
    st.lists(
        st.one_of(
            st.binary(max_size=130),
            st.tuples(st.integers(0, 3), st.integers(0, 4), st.binary(min_size=126, max_size=126)).map(
                lambda each: bytes(each[:2]) + each[2]
            ),
        ),
        max_size=40,
    )
)
def test_group_chunks_of_anything_gives_whole_groups_in_order(labels: list[bytes]) -> None:
    groups = group_chunks(labels)
    rest = iter(labels)
    for group in groups:
        assert len(group) == chunk_count(group[0])
        assert [each[:2] for each in group[1:]] == [bytes((2, n)) for n in range(1, len(group))]
        # A subsequence of what came in: nothing is made up, doubled or turned round.
        assert all(any(each is label for label in rest) for each in group)


# ------------------------------------------------------------------------------------- what leaves, what not


@given(signals(State.ACTIVE), signals(State.ACTIVE), OBLIGATIONS)
@FEWER
def test_release_withheld_fields_are_absent_from_every_byte(
    one: Signal, other: Signal, obligations: Obligations
) -> None:
    hidden = obligations.redact.fields if obligations.redact else frozenset()
    changes: dict[str, Any] = {
        name: getattr(other, name) for name in WITHHOLDABLE if name in hidden and name != "subject_kind"
    }
    if "subject_kind" in hidden:
        changes["subject"] = other.subject
    if "indicators" in hidden:
        changes["urgent"] = other.urgent
    if changes.get("period") is not None:
        assume(changes["period"].last.number <= (one.issued.year - 1900) * 12 + one.issued.month - 1)
    twin = changed(one, **changes)
    assert bytes_of(release(one, obligations)) == bytes_of(release(twin, obligations))


@given(signals(), signals(State.ACTIVE), OBLIGATIONS, st.text("xyz ", min_size=1, max_size=9))
@FEWER
def test_release_contributors_own_affair_is_in_no_byte(
    one: Signal, other: Signal, obligations: Obligations, narrative: str
) -> None:
    changes: dict[str, Any] = {
        "purposes": other.purposes,
        "subject": dataclasses.replace(other.subject, kind=one.subject.kind),
        "embargo": None,
        "narrative": narrative if one.narrative else "",
    }
    if one.tlp is not Tlp.RED or other.recipients:
        changes["recipients"] = other.recipients
    twin = changed(one, **changes)
    assert bytes_of(release(one, obligations)) == bytes_of(release(twin, obligations))


def _first_day(day: date, step: Period) -> date:
    return widened((day, day), step)[0]


@given(signals(), st.sampled_from(Period), st.data())
@FEWER
def test_release_under_coarsen_tells_no_day_within_a_step(
    signal: Signal, step: Period, data: st.DataObject
) -> None:
    def elsewhere(day: date) -> date:
        first = _first_day(day, step)
        last = min(LAST_DAY, first + timedelta(days={"month": 27, "quarter": 88, "year": 363}[step]))
        return data.draw(st.dates(first, last))

    # A life of two steps or more: a shorter one has to keep some days to stand at all.
    assume(_first_day(signal.expires, step) > _first_day(signal.issued + timedelta(days=367), step))
    issued, expires = elsewhere(signal.issued), elsewhere(signal.expires)
    review = min(elsewhere(signal.review), expires)
    assume(_first_day(review, step) == _first_day(signal.review, step))
    twin = changed(signal, issued=issued, expires=expires, review=review)
    obligations = Obligations(coarsen=Coarsen(step))
    assert bytes_of(release(signal, obligations)) == bytes_of(release(twin, obligations))


EMPTY = {
    "subject_kind": None,
    "indicators": frozenset(),
    "severity": NOT_RATED,
    "likelihood": Level.NOT_STATED,
    "confidence": None,
    "reliability": None,
    "evidence": None,
    "native": None,
    "has_narrative": False,
    "urgent": False,
}


def assert_shows_no_more(strict: ReleasedSignal, loose: ReleasedSignal) -> None:
    for name, empty in EMPTY.items():
        assert getattr(strict, name) in (getattr(loose, name), empty)
    if strict.period is not None:
        assert loose.period is not None
        assert strict.period.first <= loose.period.first
        assert loose.period.last <= strict.period.last
    assert strict.issued <= loose.issued
    assert strict.review <= loose.review
    assert strict.expires <= loose.expires
    assert strict.withheld >= loose.withheld
    assert strict.no_onward >= loose.no_onward
    if loose.retain_days is not None:
        assert strict.retain_days is not None
        assert strict.retain_days <= loose.retain_days
    same = ("signal_id", "revision", "state", "tlp", "dispute", "reply", "recall_reason", "contributors")
    for name in (*same, "shown_as"):
        assert getattr(strict, name) == getattr(loose, name)


@given(signals(), OBLIGATIONS, OBLIGATIONS)
@FEWER
def test_release_under_more_obligations_never_shows_more(
    signal: Signal, one: Obligations, other: Obligations
) -> None:
    both = release(signal, strictest(one, other))
    for single in (one, other):
        assert_shows_no_more(both, release(signal, single))
    assert_shows_no_more(release(signal, one), release(signal, Obligations()))


@given(signals(State.ACTIVE), st.sampled_from(Period), st.sampled_from(Period), st.data())
@FEWER
def test_release_under_a_wider_step_of_coarsen_tells_nothing_that_a_finer_one_does_not(
    signal: Signal, one: Period, other: Period, data: st.DataObject
) -> None:
    finer, wider = sorted((one, other), key=list(Period).index)
    first = _first_day(signal.issued, finer)
    last = min(first + timedelta(days={"month": 27, "quarter": 88, "year": 363}[finer]), signal.expires - DAY)
    twin = changed(signal, issued=data.draw(st.dates(first, last)), period=None)
    signal = changed(signal, period=None)
    alike = [release(each, Obligations(coarsen=Coarsen(finer))) for each in (signal, twin)]
    assume(alike[0] == alike[1])
    wide = [release(each, Obligations(coarsen=Coarsen(wider))) for each in (signal, twin)]
    assert wide[0] == wide[1]


@given(signals(), OBLIGATIONS)
@FEWER
def test_release_always_lets_dispute_and_reply_through(signal: Signal, obligations: Obligations) -> None:
    shown_signal = decode_bundle(encode_bundle(release(signal, obligations), sign), accept)
    assert shown_signal.dispute == signal.dispute
    assert shown_signal.reply == signal.reply
    assert shown_signal.state is signal.state
    assert shown_signal.tlp is signal.tlp


# ----------------------------------------------------------------------------------------------- free text


@given(ANY_TEXT | DECEIVING | prose())
@example("e\u200b\u0301")
@example("\u0995\u200d\u200b\u09cd")
def test_clean_text_is_plain_and_cleaning_it_again_changes_nothing(text: str) -> None:
    cleaned = clean(text)
    assert is_plain(cleaned)
    assert clean(cleaned) == cleaned


@given(ANY_TEXT | DECEIVING | prose(), st.booleans())
def test_shown_text_is_plain_and_plain_text_is_shown_as_it_is(text: str, one_line: bool) -> None:
    printed = shown(text, one_line=one_line)
    assert is_plain(printed)
    assert not any(ord(each) < 32 and each not in "\n\t" for each in printed)
    printed.encode()
    if one_line:
        assert "\n" not in printed
        assert "\t" not in printed
    elif is_plain(text):
        assert printed == text
