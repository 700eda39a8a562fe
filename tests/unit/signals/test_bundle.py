"""The label of a signal: bytes written down by hand, chunks, and what they are put together to."""

import dataclasses
from datetime import date, timedelta
from hashlib import sha256

import pytest

from signal_makers import TODAY, make_signal
from symbolon.errors import SignalError
from symbolon.policy.obligations import NOTHING
from symbolon.signals.bundle import (
    CHUNK_BYTES,
    HEADER_BYTES,
    MAX_CHUNKS,
    SIGNATURE_BYTES,
    chunk_count,
    chunks_needed,
    decode_bundle,
    encode_bundle,
    group_chunks,
    signed_message,
)
from symbolon.signals.released import ReleasedSignal, release
from symbolon.signals.signal import (
    MAX_NATIVE_CHARS,
    MAX_REPLY_BYTES,
    MAX_STATEMENT_BYTES,
    Dispute,
    Month,
    Native,
    Period,
    Reply,
    Severity,
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

SIGNATURE = bytes(range(0xC0, 0x100))

# ------------------------------------------------------------------------------------ written by hand

SHOWN = ReleasedSignal(
    signal_id=bytes(range(16)),
    revision=3,
    state=State.ACTIVE,
    issued=date(2026, 7, 1),
    expires=date(2028, 7, 1),
    review=date(2027, 1, 1),
    tlp=Tlp.AMBER_STRICT,
    subject_kind=SubjectKind.VESSEL,
    indicators=frozenset({Indicator.WITHHOLDING_OF_WAGES, Indicator.DEBT_BONDAGE, Indicator.CHILD_LABOUR}),
    severity=Severity(Level.HIGH, Level.MODERATE, Level.LOW),
    likelihood=Level.EXTREME,
    confidence=70,
    reliability=Reliability.B,
    evidence=Evidence.GRIEVANCE,
    period=Period(Month(2026, 2), Month(2026, 5)),
    has_narrative=True,
    urgent=True,
    dispute=Dispute(DisputeState.OPEN, date(2026, 8, 2), "We pay."),
    reply=Reply("See the wage slips.", date(2026, 8, 3)),
    withheld=frozenset({"native"}),
    no_onward=True,
    retain_days=400,
    contributors=2,
    shown_as=ShownAs.NGO,
)
ATTACHED = (
    b'{"dispute":{"since":"2026-08-02","statement":"We pay."},'
    b'"reply":{"received":"2026-08-03","text":"See the wage slips."}}'
)
HEADER = (
    bytes.fromhex(
        "01"  # format
        "02"  # 119 bytes of attachments fit one chunk of 126: two in all
        "000102030405060708090a0b0c0d0e0f"  # id
        "0003"  # revision
        "4180"  # child labour is bit 14, debt bondage bit 8, withholding of wages bit 7
        "3214"  # high, moderate, low; extreme
        "46"  # 70
        "23"  # B is 2, grievance 3
        "5e95ec"  # 2026-02: 126 * 12 + 1 = 1513 = 5e9; 2026-05: 5ec
        "4c"  # amber+strict 2 in three bits, active 1 in two, vessel 4 in three: 010 01 100
        "10"  # a contest is open 1, no recall 0
        "0f"  # urgent 1, narrative 2, reply 4, no onward 8
        "0080"  # withheld: native is bit 7
        "0945"  # 2026-07-01: 366 + 365 * 3 + 366 + 365 = 2192 days to 2026, and 181: 2373
        "0c20"  # 2028-07-01: 2192 + 730 to 2028, and 182: 3104
        "09fd"  # 2027-01-01: 2192 + 365 = 2557
        "0190"  # 400 days to retain it
        "02"  # contributors
        "02"  # an NGO
    )
    + sha256(ATTACHED).digest()[:20]
)

RECALLED = ReleasedSignal(
    signal_id=b"\xff" * 16,
    revision=65_535,
    state=State.RECALLED,
    issued=date(2020, 1, 1),
    expires=date(2199, 6, 6),
    review=date(2020, 1, 2),
    tlp=Tlp.CLEAR,
    subject_kind=SubjectKind.SITE,
    recall_reason=RecallReason.WITHDRAWN,
)
RECALLED_HEADER = bytes.fromhex(
    "0101"
    "ffffffffffffffffffffffffffffffff"
    "ffff"
    "0000"
    "0000"
    "ff"  # confidence not stated
    "00"
    "ffffff"  # no months
    "b1"  # clear 5, recalled 2, site 1: 101 10 001
    "06"  # withdrawn
    "00"
    "0000"
    "0000"
    "ffff"
    "0001"
    "0000"
    "01"
    "00"
    "0000000000000000000000000000000000000000"
)


def sign(header: bytes) -> bytes:
    assert len(header) == HEADER_BYTES
    return SIGNATURE


def verify(header: bytes, signature: bytes) -> None:
    assert (len(header), signature) == (HEADER_BYTES, SIGNATURE)


def test_vectors_have_the_length_that_is_signed() -> None:
    assert len(HEADER) == len(RECALLED_HEADER) == HEADER_BYTES == 64
    assert HEADER_BYTES + SIGNATURE_BYTES == CHUNK_BYTES
    assert len(ATTACHED) == 119


def test_encode_bundle_writes_the_bytes_of_the_vector() -> None:
    first, further = encode_bundle(SHOWN, sign)
    assert first[:HEADER_BYTES].hex(" ") == HEADER.hex(" ")
    assert first[HEADER_BYTES:] == SIGNATURE
    assert further == b"\x02\x01" + ATTACHED + bytes(7)


def test_encode_bundle_of_a_recall_writes_the_bytes_of_the_vector() -> None:
    (only,) = encode_bundle(RECALLED, sign)
    assert only == RECALLED_HEADER + SIGNATURE


def test_decode_bundle_reads_the_bytes_of_the_vectors() -> None:
    chunks = [HEADER + SIGNATURE, b"\x02\x01" + ATTACHED + bytes(7)]
    assert decode_bundle(chunks, verify) == SHOWN
    assert decode_bundle([RECALLED_HEADER + SIGNATURE], verify) == RECALLED


def test_signed_message_is_the_context_both_names_and_the_header() -> None:
    assert signed_message("north", "mill", HEADER) == (
        b"symbolon-signal-label-1\x00\x00\x05north\x00\x04mill" + HEADER
    )


def test_signed_message_of_other_names_differs() -> None:
    names = [("ab", "c"), ("a", "bc"), ("", "abc"), ("abc", ""), ("c", "ab")]
    assert len({signed_message(*each, HEADER) for each in names}) == len(names)


# ------------------------------------------------------------------------------------------- chunks


def bundle(**changes: object) -> tuple[bytes, ...]:
    return encode_bundle(release(make_signal(**changes), NOTHING), sign)


def test_encode_bundle_without_texts_takes_one_chunk() -> None:
    assert len(bundle()) == 1


def test_encode_bundle_native_grade_is_attached_in_order_and_as_given() -> None:
    _, further = bundle(native=Native("SMETA", 'sehr "schwer" ü'))
    assert further.rstrip(b"\0") == (
        b'\x02\x01{"native":{"grade":"sehr \\"schwer\\" ' + "ü".encode() + b'","scheme":"SMETA"}}'
    )


def test_encode_bundle_of_the_longest_texts_fits_the_most_chunks() -> None:
    # Quotation marks and line breaks take two bytes each in JSON; a wide character four.
    chunks = bundle(
        native=Native('"' * MAX_NATIVE_CHARS, "\U00020000" * MAX_NATIVE_CHARS),
        dispute=Dispute(DisputeState.OPEN, TODAY, '"' * MAX_STATEMENT_BYTES),
        reply=Reply("\\" * MAX_REPLY_BYTES, TODAY),
    )
    assert all(len(each) == CHUNK_BYTES for each in chunks)
    assert 30 < len(chunks) <= MAX_CHUNKS
    assert decode_bundle(chunks, verify).reply == Reply("\\" * MAX_REPLY_BYTES, TODAY)


def test_chunks_needed_is_what_encode_bundle_makes() -> None:
    for size in (1, 60, 61, 62, 63, 64, 125, 126, 127, 500, MAX_REPLY_BYTES):
        shown = release(make_signal(reply=Reply("x" * size, TODAY)), NOTHING)
        assert chunks_needed(shown) == len(encode_bundle(shown, sign))


@pytest.mark.parametrize("text", ["x" * 81, "x" * 82, "x" * 83])
def test_attachments_that_just_fill_a_chunk_are_read_back(text: str) -> None:
    # {"reply":{"received":"2026-07-01","text":"…"}} has 45 bytes around the text: 126, 127 and 128.
    chunks = bundle(reply=Reply(text, TODAY))
    assert len(chunks) == (2 if len(text) == 81 else 3)
    assert decode_bundle(chunks, verify).reply == Reply(text, TODAY)


def test_decode_bundle_verifies_before_it_reads() -> None:
    class NotSignedError(Exception):
        pass

    def refuse(header: bytes, signature: bytes) -> None:
        raise NotSignedError

    spoilt = bytes((1, 1)) + b"\xff" * 126
    with pytest.raises(NotSignedError):
        decode_bundle([spoilt], refuse)


@pytest.mark.parametrize("chunks", [[], [b""], [b"\x01\x01"], [bytes(128)], [bytes(128)] * (MAX_CHUNKS + 1)])
def test_decode_bundle_of_no_whole_chunks_is_refused(chunks: list[bytes]) -> None:
    with pytest.raises(SignalError) as caught:
        decode_bundle(chunks, verify)
    assert caught.value.full_code == "signal.label"


@pytest.mark.parametrize(
    ("at", "value"),
    [
        (18, b"\0\0"),  # revision 0
        (22, b"\x50\x00"),  # scale 5
        (22, b"\x00\x0f"),  # likelihood 15
        (24, b"\x65"),  # confidence 101
        (24, b"\xfe"),
        (25, b"\x73"),  # a seventh reliability
        (25, b"\x29"),  # a ninth kind of evidence
        (26, b"\xff\xf5\xec"),  # only one of the months
        (26, b"\x5e\x9f\xff"),
        (26, b"\x5e\xc5\xe9"),  # ends before it begins
        (26, b"\x00\x0f\xfd"),  # 2241
        (29, b"\x0c"),  # TLP 0
        (29, b"\xcc"),  # TLP 6
        (29, b"\xec"),  # TLP 7
        (29, b"\x44"),  # state 0
        (29, b"\x5c"),  # state 3
        (29, b"\x4d"),  # a fifth kind of subject
        (29, b"\x48"),  # no kind of subject, and not withheld
        (30, b"\x00"),  # no contest, and one attached
        (30, b"\x60"),  # a sixth state of a contest
        (30, b"\x11"),  # stands, with a reason for a recall
        (30, b"\x18"),
        (31, b"\x2f"),  # a flag that has no meaning
        (31, b"\x8f"),
        (31, b"\x1f"),  # a native grade, and none attached
        (31, b"\x0b"),  # no reply, and one attached
        (32, b"\x04\x80"),  # an eleventh withheld field
        (32, b"\x80\x80"),
        (32, b"\x00\x81"),  # withheld, and there
        (34, b"\x0c\x20"),  # issued on the day it expires
        (38, b"\x0c\x21"),  # reviewed after it expires
        (42, b"\x00"),  # nobody contributed
        (43, b"\x05"),  # shown as a sixth kind
        (44, bytes(20)),  # no digest
    ],
)
def test_decode_bundle_of_a_signed_header_that_no_encoder_writes_is_refused(at: int, value: bytes) -> None:
    header = HEADER[:at] + value + HEADER[at + len(value) :]
    assert header != HEADER
    assert len(header) == HEADER_BYTES
    with pytest.raises(SignalError) as caught:
        decode_bundle([header + SIGNATURE, b"\x02\x01" + ATTACHED + bytes(7)], verify)
    assert caught.value.full_code in ("signal.label", "signal.value")


def test_refusal_of_a_label_says_nothing_of_what_was_in_it() -> None:
    attached = ATTACHED.replace(b"We pay.", b"canary\x1b")
    header = HEADER[:44] + sha256(attached).digest()[:20]
    with pytest.raises(SignalError) as caught:
        decode_bundle([header + SIGNATURE, (b"\x02\x01" + attached).ljust(128, b"\0")], verify)
    assert "canary" not in f"{caught.value.detail}{caught.value.hint}"


# ---------------------------------------------------------------------------------------- grouping

LONG = bundle(reply=Reply("x" * 300, TODAY))
SHORT = bundle(signal_id=b"\x01" * 16)


def test_group_chunks_puts_each_signal_together() -> None:
    assert group_chunks([*LONG, *SHORT, *LONG]) == [LONG, SHORT, LONG]
    assert group_chunks(iter(LONG)) == [LONG]
    assert group_chunks([]) == []


def test_group_chunks_leaves_out_what_lacks_a_chunk() -> None:
    for missing in range(1, len(LONG)):
        labels = [each for number, each in enumerate(LONG) if number != missing]
        assert group_chunks([*labels, *SHORT]) == [SHORT]


def test_group_chunks_leaves_out_what_belongs_to_no_header() -> None:
    assert group_chunks([*LONG[1:], *SHORT, *LONG]) == [SHORT, LONG]


def test_group_chunks_leaves_out_labels_of_another_length() -> None:
    assert group_chunks([b"", b"\x01", b"\x01\x01", LONG[0][:-1], *SHORT, LONG[0] + b"\0"]) == [SHORT]


def test_chunk_count_is_what_a_header_says() -> None:
    assert chunk_count(LONG[0]) == chunk_count(LONG[0][:HEADER_BYTES]) == len(LONG)


def test_decode_bundle_reads_a_group() -> None:
    shown = release(make_signal(reply=Reply("x" * 300, TODAY)), NOTHING)
    assert [decode_bundle(each, verify) for each in group_chunks(LONG)] == [shown]


def test_days_at_the_end_of_the_calendar_are_read_back() -> None:
    last = dataclasses.replace(SHOWN, expires=date(2199, 6, 6), review=date(2199, 6, 6))
    assert decode_bundle(encode_bundle(last, sign), verify) == last
    first = dataclasses.replace(SHOWN, issued=date(2020, 1, 1), review=date(2020, 1, 1))
    assert decode_bundle(encode_bundle(first, sign), verify) == first
    with pytest.raises(SignalError):
        dataclasses.replace(SHOWN, expires=date(2199, 6, 6) + timedelta(days=1))
    with pytest.raises(SignalError):
        dataclasses.replace(SHOWN, review=date(2019, 12, 31))
