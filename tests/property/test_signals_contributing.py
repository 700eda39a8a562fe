"""What NGOs contribute, for every input: drop files and reply forms both ways, what a revision lets out."""

import json
from dataclasses import replace
from datetime import date, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from signal_makers import TODAY, drafts, prose, signals
from symbolon.errors import SignalError
from symbolon.signals.draft import Draft
from symbolon.signals.drop_file import MAX_CONTENT_BYTES, SIZES, DropKey, open_drop, seal_drop
from symbolon.signals.json_tree import read_tree
from symbolon.signals.loosening import loosened
from symbolon.signals.reply_form import (
    CODE_BYTES,
    ReplyForm,
    case_code,
    read_form,
    same_code,
    told_by_default,
    write_form,
)
from symbolon.signals.signal import Signal
from symbolon.signals.signal_file import draft_object, read_signal_object
from symbolon.signals.vocabulary import State, Tlp

PRIVATE = X25519PrivateKey.from_private_bytes(bytes(range(32)))
KEY = DropKey("harbour", "watch", PRIVATE.public_key().public_bytes_raw())
_NAMES = st.from_regex(r"[a-z0-9][a-z0-9-]{1,20}[a-z0-9]", fullmatch=True)


@given(st.binary(max_size=2_000))
def test_drop_file_opens_as_what_was_sealed(content: bytes) -> None:
    assert open_drop(seal_drop(KEY, content), PRIVATE, KEY) == content


@settings(max_examples=30)
@given(st.integers(0, MAX_CONTENT_BYTES))
def test_drop_file_of_every_length_has_one_of_three_sizes(length: int) -> None:
    assert len(seal_drop(KEY, bytes(length))) - 97 in SIZES


@given(_NAMES, _NAMES, st.binary(min_size=32, max_size=32))
def test_drop_key_reads_back(coalition: str, member: str, public: bytes) -> None:
    key = DropKey(coalition, member, public)
    assert DropKey.parse(key.text()) == key


@settings(max_examples=60)
@given(drafts())
def test_drop_file_carries_any_draft_with_its_source(draft: Draft) -> None:
    content = json.dumps(draft_object(draft), ensure_ascii=False).encode()
    assume(len(content) <= MAX_CONTENT_BYTES)
    tree = read_tree(open_drop(seal_drop(KEY, content), PRIVATE, KEY))
    found = [each for each in read_signal_object(0, tree, TODAY) if isinstance(each, Draft)]
    assert found == [draft]


@settings(max_examples=200)
@given(st.data())
def test_drop_file_with_one_changed_byte_does_not_open(data: st.DataObject) -> None:
    sealed = bytearray(seal_drop(KEY, b"two interviews outside the gate"))
    at = data.draw(st.integers(0, len(sealed) - 1))
    sealed[at] ^= data.draw(st.integers(1, 255))
    with pytest.raises(SignalError):
        open_drop(bytes(sealed), PRIVATE, KEY)


# ----------------------------------------------------------------------------------------------- forms


@given(st.binary(min_size=CODE_BYTES, max_size=40))
def test_case_code_is_read_however_it_was_copied(secret: bytes) -> None:
    code = case_code(secret)
    bare = code.replace("-", "")
    for typed in (
        code,
        code.lower(),
        code.replace("-", " "),
        bare,
        bare.removeprefix("RR"),
        code.replace("0", "o").replace("1", "l"),
    ):
        assert same_code(typed) == code


@given(
    st.binary(min_size=CODE_BYTES, max_size=CODE_BYTES), st.binary(min_size=CODE_BYTES, max_size=CODE_BYTES)
)
def test_case_codes_of_two_secrets_differ(one: bytes, other: bytes) -> None:
    assert (case_code(one) == case_code(other)) == (one == other)


@given(
    prose(), prose(), st.lists(prose(), max_size=3), st.binary(min_size=10, max_size=10), st.integers(0, 3)
)
def test_reply_form_gives_back_code_and_answer(
    answer: str, about: str, told: list[str], secret: bytes, quoted: int
) -> None:
    assume(answer)
    assume("[[ANSWER]]" not in answer + about + "".join(told))
    assume("[[END]]" not in answer + about + "".join(told))
    code = case_code(secret)
    blank = write_form(ReplyForm(code, about, tuple(told), "watch", "by mail", TODAY))
    assume(blank.count("RR-") == 1)
    filled = blank.replace("\n\n\n\n-----", f"\n{answer}\n-----")
    # A mail program quotes what is answered; an answer may itself begin with marks of quotation.
    assume(not (quoted and any(line.startswith((">", " ")) for line in answer.split("\n"))))
    mail = "\n".join("> " * quoted + line for line in filled.split("\n"))
    assert read_form(mail) == (code, answer)


@settings(max_examples=40)
@given(signals(State.ACTIVE))
def test_reply_form_tells_indicators_and_months_alone(signal: Signal) -> None:
    told = " ".join(told_by_default(signal.indicators, signal.period))
    bare = replace(
        signal, narrative="", evidence=signal.evidence, confidence=None, reliability=None, native=None
    )
    assert told == " ".join(told_by_default(bare.indicators, bare.period))
    assert all(each.words in told for each in signal.indicators)
    if signal.period is not None:
        assert str(signal.period.first) in told


@given(st.text(max_size=400))
def test_reply_form_of_anything_is_read_or_refused(text: str) -> None:
    try:
        code, answer = read_form(text)
    except SignalError as error:
        assert error.full_code == "signal.form"  # noqa: PT017 - either is right
    else:
        assert answer
        assert same_code(code) == code


# ------------------------------------------------------------------------------------------- loosening


def _next(signal: Signal, **changes: object) -> Signal:
    return replace(signal, revision=min(signal.revision + 1, 65_535), **changes)  # type: ignore[arg-type]


@settings(max_examples=40)
@given(signals(State.ACTIVE))
def test_loosened_of_the_same_is_nothing(signal: Signal) -> None:
    assert loosened(signal, _next(signal)) == ()


@settings(max_examples=40)
@given(signals(State.ACTIVE), st.sampled_from(Tlp))
def test_loosened_names_a_mark_exactly_where_it_lets_share_more(signal: Signal, mark: Tlp) -> None:
    assume(mark is not Tlp.RED or signal.recipients)
    said = loosened(signal, _next(signal, tlp=mark))
    assert bool(said) == (mark.number > signal.tlp.number)


@settings(max_examples=40)
@given(signals(State.ACTIVE), st.sets(_NAMES, max_size=4))
def test_loosened_names_every_recipient_that_is_new(signal: Signal, named: set[str]) -> None:
    assume(named or signal.tlp is not Tlp.RED)
    said = loosened(signal, _next(signal, recipients=tuple(sorted(named))))
    wider = bool(signal.recipients) and (not named or not named <= set(signal.recipients))
    assert bool(said) == wider
    if wider:
        assert all(each in " ".join(said) for each in named - set(signal.recipients))


@settings(max_examples=40)
@given(signals(State.ACTIVE), st.dates(date(2020, 1, 2), date(2100, 1, 1)) | st.none())
def test_loosened_names_an_embargo_exactly_where_it_ends_sooner(signal: Signal, embargo: date | None) -> None:
    assume(embargo is None or embargo < signal.expires)
    said = loosened(signal, _next(signal, embargo=embargo))
    runs = signal.embargo is not None and signal.embargo > signal.issued
    sooner = runs and (embargo is None or embargo < (signal.embargo or embargo))
    assert bool(said) == sooner
    assert timedelta(0) <= signal.expires - signal.issued
