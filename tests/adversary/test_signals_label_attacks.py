"""Attacks on the label of a signal: forged, swapped, replayed, flipped, look-alike, garbage, deceiving texts.

What stands under a key is put together again by `group_chunks` and read by `decode_bundle` with a callable
that verifies the publisher's signature. Some attacks are by a stranger, who cannot sign; the look-alikes are
by the publisher itself, who can: it must not get two forms of one signal, nor a form that no signal has.
"""

import dataclasses
import random
import time
from collections.abc import Callable, Sequence
from hashlib import sha256

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from signal_makers import TODAY, make_signal
from symbolon.errors import SignalError
from symbolon.policy.obligations import NOTHING
from symbolon.signals.bundle import (
    CHUNK_BYTES,
    HEADER_BYTES,
    MAX_CHUNKS,
    decode_bundle,
    encode_bundle,
    group_chunks,
    signed_message,
)
from symbolon.signals.free_text import is_plain, shown
from symbolon.signals.record_codec import decode_signal, encode_signal
from symbolon.signals.released import ReleasedSignal, release
from symbolon.signals.revisions import check_follows, recall, revise
from symbolon.signals.signal import Dispute, Native, Reply
from symbolon.signals.vocabulary import DisputeState, RecallReason, State, Tlp

COALITION, PUBLISHER = "north", "mill"
PAYLOAD_BYTES = CHUNK_BYTES - 2


class ForgedError(Exception):
    """What these tests' verifying callable raises."""


class Key:
    """A publisher's key, bound to its coalition and its name."""

    def __init__(self, seed: int, coalition: str = COALITION, publisher: str = PUBLISHER) -> None:
        self._key = Ed25519PrivateKey.from_private_bytes(bytes((seed,)) * 32)
        self._names = (coalition, publisher)

    def sign(self, header: bytes) -> bytes:
        return self._key.sign(signed_message(*self._names, header))

    def verify(self, header: bytes, signature: bytes) -> None:
        try:
            self._key.public_key().verify(signature, signed_message(*self._names, header))
        except InvalidSignature:
            raise ForgedError from None


MILL = Key(1)
SIGNAL = make_signal(
    native=Native("SMETA", "critical"),
    dispute=Dispute(DisputeState.OPEN, TODAY, "We pay everybody on the tenth."),
    reply=Reply("The wage slips of May show it. " * 9, TODAY),
)
OTHER = dataclasses.replace(
    SIGNAL,
    signal_id=b"\x07" * 16,
    native=Native("SA8000", "major"),
    reply=Reply("Another supplier's answer, word by word. " * 7, TODAY),
)
CHUNKS = encode_bundle(release(SIGNAL, NOTHING), MILL.sign)
OTHER_CHUNKS = encode_bundle(release(OTHER, NOTHING), MILL.sign)


def read(chunks: Sequence[bytes], key: Key = MILL) -> ReleasedSignal:
    return decode_bundle(chunks, key.verify)


def refused(chunks: Sequence[bytes], *errors: type[Exception]) -> None:
    with pytest.raises(errors or (SignalError, ForgedError)):
        read(chunks)


def spoilt(chunk: bytes, at: int, bit: int) -> bytes:
    return chunk[:at] + bytes((chunk[at] ^ 1 << bit,)) + chunk[at + 1 :]


def published(attached: bytes, header: bytes = CHUNKS[0], *, more_chunks: int = 0) -> list[bytes]:
    """What a publisher signs with attachments of its own making: count and digest are right."""
    count = -(-len(attached) // PAYLOAD_BYTES) + more_chunks
    padded = attached.ljust(count * PAYLOAD_BYTES, b"\0")
    digest = sha256(attached).digest()[:20] if attached else bytes(20)
    header = header[:1] + bytes((1 + count,)) + header[2:44] + digest
    return [
        header + MILL.sign(header),
        *(
            bytes((2, 1 + number)) + padded[number * PAYLOAD_BYTES : (number + 1) * PAYLOAD_BYTES]
            for number in range(count)
        ),
    ]


ATTACHED = b"".join(each[2:] for each in CHUNKS[1:]).rstrip(b"\0")


def test_the_true_label_is_read() -> None:
    # What follows refuses spoilt ones; so this one has to hold, and so has what `published` makes.
    assert len(CHUNKS) == len(OTHER_CHUNKS) == 5
    assert read(CHUNKS) == release(SIGNAL, NOTHING)
    assert published(ATTACHED) == list(CHUNKS)


# --------------------------------------------------------------------------------- strangers and signatures


@pytest.mark.parametrize(
    "key", [Key(2), Key(1, publisher="weaver"), Key(1, coalition="south"), Key(1, "northm", "ill")]
)
def test_forged_signature_of_another_key_name_or_coalition_is_refused(key: Key) -> None:
    refused(encode_bundle(release(SIGNAL, NOTHING), key.sign), ForgedError)


@pytest.mark.parametrize("signature", [bytes(64), b"\xff" * 64, OTHER_CHUNKS[0][HEADER_BYTES:]])
def test_forged_signature_of_nobody_or_of_another_header_is_refused(signature: bytes) -> None:
    refused([CHUNKS[0][:HEADER_BYTES] + signature, *CHUNKS[1:]], ForgedError)


def test_every_bit_flipped_of_a_signed_header_and_its_signature_is_refused() -> None:
    for at in range(CHUNK_BYTES):
        for bit in range(8):
            refused([spoilt(CHUNKS[0], at, bit), *CHUNKS[1:]])


def test_every_bit_flipped_of_a_recall_is_refused() -> None:
    (only,) = encode_bundle(release(recall(SIGNAL, TODAY, RecallReason.WITHDRAWN), NOTHING), MILL.sign)
    assert read([only]).state is State.RECALLED
    for at in range(CHUNK_BYTES):
        for bit in range(8):
            refused([spoilt(only, at, bit)])


def test_every_bit_flipped_of_the_attachments_and_their_frame_is_refused() -> None:
    # Without any signature: the digest in the header holds them, and the zeros behind them too.
    for number in range(1, len(CHUNKS)):
        for at in range(CHUNK_BYTES):
            for bit in range(8):
                chunks = list(CHUNKS)
                chunks[number] = spoilt(chunks[number], at, bit)
                with pytest.raises(SignalError):
                    decode_bundle(chunks, lambda header, signature: None)


def test_looser_terms_than_were_signed_are_refused() -> None:
    strict = dataclasses.replace(release(SIGNAL, NOTHING), tlp=Tlp.RED, no_onward=True, retain_days=30)
    loose = dataclasses.replace(strict, tlp=Tlp.CLEAR, no_onward=False, retain_days=None)
    signed = encode_bundle(strict, MILL.sign)
    wanted = encode_bundle(loose, MILL.sign)
    refused([wanted[0][:HEADER_BYTES] + signed[0][HEADER_BYTES:], *signed[1:]], ForgedError)


# ------------------------------------------------------------------------------------- chunks moved about


@pytest.mark.parametrize("number", range(len(CHUNKS)))
def test_chunk_swapped_between_two_signals_is_refused(number: int) -> None:
    chunks = list(CHUNKS)
    chunks[number] = OTHER_CHUNKS[number]
    assert chunks[number] != CHUNKS[number]
    refused(chunks)


def test_reply_of_another_signal_is_refused_whole() -> None:
    refused([CHUNKS[0], *OTHER_CHUNKS[1:]], SignalError)


@pytest.mark.parametrize("number", range(len(CHUNKS)))
def test_chunk_dropped_is_refused_and_not_grouped(number: int) -> None:
    chunks = [each for at, each in enumerate(CHUNKS) if at != number]
    refused(chunks, SignalError)
    assert group_chunks(chunks) == []


@pytest.mark.parametrize("number", range(len(CHUNKS)))
def test_chunk_doubled_is_refused_and_grouping_takes_it_once(number: int) -> None:
    chunks = [*CHUNKS[: number + 1], *CHUNKS[number:]]
    refused(chunks, SignalError)
    assert group_chunks(chunks) == [CHUNKS]


def test_chunks_reordered_are_refused_in_every_order_but_one() -> None:
    seen = 0
    for seed in range(60):
        chunks = list(CHUNKS)
        random.Random(seed).shuffle(chunks)
        if tuple(chunks) != CHUNKS:
            refused(chunks, SignalError)
            seen += 1
    assert seen > 50


def test_chunk_beyond_the_end_is_refused_and_grouping_leaves_it_out() -> None:
    refused([*CHUNKS, b"\x02\x05" + bytes(126)], SignalError)
    assert group_chunks([*CHUNKS, b"\x02\x05" + bytes(126)]) == [CHUNKS]


def test_chunks_of_two_signals_interleaved_give_neither() -> None:
    mixed = [each for pair in zip(CHUNKS, OTHER_CHUNKS, strict=True) for each in pair]
    for group in group_chunks(mixed):
        refused(group, SignalError)


# -------------------------------------------------------------------------------------- replays and numbers


def test_recall_replayed_as_a_signal_is_refused() -> None:
    (only,) = encode_bundle(release(recall(SIGNAL, TODAY, RecallReason.ERROR), NOTHING), MILL.sign)
    # The state is in bits 3 and 4 of byte 29: 10 for recalled, 01 for active.
    assert only[29] >> 3 & 3 == 2
    standing = only[:29] + bytes((only[29] ^ 0b11000,)) + only[30:]
    refused([standing], ForgedError)
    # Its old content under the header of the recall, and the recall's state over the old content.
    refused([only, *CHUNKS[1:]], SignalError)
    refused([CHUNKS[0][:29] + only[29:30] + CHUNKS[0][30:], *CHUNKS[1:]], ForgedError)


def test_recall_that_its_publisher_signs_with_content_is_refused() -> None:
    # What a publisher could sign to have a recall counted as a signal by whoever looks at indicators alone.
    (only,) = encode_bundle(release(recall(SIGNAL, TODAY, RecallReason.ERROR), NOTHING), MILL.sign)
    for at, value in ((20, b"\x01\x80"), (22, b"\x32\x14"), (24, b"\x46"), (25, b"\x22"), (31, b"\x02")):
        header = only[:at] + value + only[at + len(value) : HEADER_BYTES]
        refused([header + MILL.sign(header)], SignalError)
    # And a signal that stands with nothing in it, neither shown nor withheld.
    header = only[:29] + bytes((only[29] ^ 0b11000, 0)) + only[31:HEADER_BYTES]
    refused([header + MILL.sign(header)], SignalError)


def test_tombstone_is_not_undone_by_a_later_document_of_its_contributor() -> None:
    tombstone = recall(SIGNAL, TODAY, RecallReason.WITHDRAWN)
    assert decode_signal(encode_signal(tombstone)) == tombstone
    for number in (1, 2, 3, 65_535):
        back = decode_signal(encode_signal(dataclasses.replace(SIGNAL, revision=number)))
        with pytest.raises(SignalError):
            check_follows(tombstone, back)


def test_lower_and_equal_revisions_are_refused() -> None:
    second = revise(SIGNAL, TODAY, confidence=10)
    third = revise(second, TODAY, confidence=20)
    for old in (SIGNAL, second, third, dataclasses.replace(third, confidence=99)):
        with pytest.raises(SignalError) as caught:
            check_follows(third, old)
        assert caught.value.full_code == "signal.order"


# ----------------------------------------------------------------------------------------- look-alikes


def test_chunks_of_zeros_behind_the_attachments_are_refused() -> None:
    # A second form of one signal, as long as its publisher likes: padding that costs the receiver.
    for more in (1, 2, MAX_CHUNKS - len(CHUNKS)):
        refused(published(ATTACHED, more_chunks=more), SignalError)
    plain = encode_bundle(release(make_signal(), NOTHING), MILL.sign)
    refused(published(b"", plain[0], more_chunks=1), SignalError)


@pytest.mark.parametrize("count", [0, 1, 4, 6, MAX_CHUNKS, MAX_CHUNKS + 1, 255])
def test_chunk_count_that_lies_is_refused(count: int) -> None:
    header = CHUNKS[0][:1] + bytes((count,)) + CHUNKS[0][2:HEADER_BYTES]
    chunks = [header + MILL.sign(header), *CHUNKS[1:]]
    refused(chunks, SignalError)
    for group in group_chunks([*chunks, *CHUNKS]):
        if group != CHUNKS:
            refused(group, SignalError)
    assert CHUNKS in group_chunks([*chunks, *CHUNKS])


@pytest.mark.parametrize(
    "change",
    [
        lambda a: a + b" ",
        lambda a: a + b"\n",
        lambda a: b" " + a,
        lambda a: b"\xef\xbb\xbf" + a,
        lambda a: a.replace(b'"statement":', b'"statement": '),
        lambda a: a.replace(b'"since":', b'"since":"2026-07-01","since":'),
        lambda a: a.replace(b'{"dispute"', b'{"dispute":{"since":"2026-07-01","statement":""},"dispute"'),
        lambda a: a.replace(b"critical", b"critica\\u006c"),
        lambda a: a.replace(b"critical", b"critical\\u0000"),
        lambda a: a.replace(b"critical", b"cri\\/tical"),
        lambda a: a.replace(b"critical", b"\\ud83d\\ude00"),
        lambda a: a.replace(b"critical", b"\\ud800"),
        lambda a: a.replace(b"critical", b"\xed\xa0\x80"),
        lambda a: a.replace(b"critical", b"\xc0\xaf"),
        lambda a: a.replace(b"critical", b"\xff"),
        lambda a: a.replace(b'"critical"', b"NaN"),
        lambda a: a.replace(b'"critical"', b"Infinity"),
        lambda a: a.replace(b'"critical"', b"7"),
        lambda a: a.replace(b'"critical"', b"null"),
        lambda a: a.replace(b'"critical"', b'""'),
        lambda a: a.replace(b'"critical"', b'["critical"]'),
        lambda a: a.replace(b'"critical"', b'"critical","score":"7"'),
        lambda a: a.replace(b"critical", b"a\\nb"),
        lambda a: a.replace(b"critical", "\u202e".encode()),
        lambda a: a.replace(b"critical", "\u3164".encode()),
        lambda a: a.replace(b"critical", b"x" * 81),
        lambda a: a.replace(b"2026-07-01", b"20260701"),
        lambda a: a.replace(b"2026-07-01", b"2026-W27-3"),
        lambda a: a.replace(b"2026-07-01", b"2026-07-1"),
        lambda a: a.replace(b"2026-07-01", b"0001-01-01"),
        lambda a: a.replace(b"2026-07-01", b"9999-12-31"),
        lambda a: a.replace(b"2026-07-01", "٢٠٢٦-٠٧-٠١".encode()),
        lambda a: a.replace(b"2026-07-01", b""),
        lambda a: a.replace(b'"native"', b'"Native"'),
        lambda a: a.replace(b'"native"', b'"price"'),
        lambda a: a.replace(b"We pay", b"We \x00pay"),
        lambda a: a.replace(b"We pay", b"We \\u001b[31mpay"),
        lambda a: a.replace(b"We pay", b"x" * 601),
        lambda a: a.replace(b"The wage", b"x" * 3_001),
        lambda a: b"[]",
        lambda a: b"{}",
        lambda a: b"null",
        lambda a: b'"' + a.replace(b'"', b"'") + b'"',
        lambda a: a[:-1],
        lambda a: b"[" * 4_900,
        lambda a: b'{"reply":' * 500,
        lambda a: b'{"native":' + b"[" * 2_400 + b"]" * 2_400 + b"}",
        lambda a: b"7" * 4_800,
        lambda a: a.decode().encode("utf-16-le"),
        lambda a: a.decode().encode("utf-32-be"),
    ],
)
def test_attachments_that_only_look_canonical_are_refused(change: Callable[[bytes], bytes]) -> None:
    attached = change(ATTACHED)
    assert attached != ATTACHED
    refused(published(attached), SignalError)


@pytest.mark.parametrize("depth", [100, 990, 2_400, 5_000, 15_000])
def test_attachments_nested_too_deep_are_refused_by_length_or_depth(depth: int) -> None:
    refused(published(b"[" * depth + b"]" * depth), SignalError)
    refused(published(b'{"reply":{"received":"2026-07-01","text":' + b"[" * depth + b"}}"), SignalError)


def test_document_nested_too_deep_is_refused() -> None:
    for depth in (100, 5_000, 100_000):
        with pytest.raises(SignalError):
            decode_signal(b"[" * depth + b"]" * depth + b"\n")
        with pytest.raises(SignalError):
            decode_signal(b'{"confidence":' * depth + b"1" + b"}" * depth + b"\n")


# ---------------------------------------------------------------------------------------------- garbage


def garbage(rng: random.Random, count: int) -> list[bytes]:
    kinds: list[Callable[[], bytes]] = [
        lambda: rng.randbytes(CHUNK_BYTES),
        lambda: bytes((1, rng.randrange(0, 6))) + rng.randbytes(126),
        lambda: bytes((2, rng.randrange(0, 6))) + rng.randbytes(126),
        lambda: rng.choice(CHUNKS),
        lambda: rng.choice(OTHER_CHUNKS),
        lambda: spoilt(rng.choice(CHUNKS), rng.randrange(CHUNK_BYTES), rng.randrange(8)),
        lambda: rng.randbytes(rng.randrange(0, 300)),
        lambda: b"",
    ]
    return [rng.choice(kinds)() for _ in range(count)]


def test_group_chunks_fed_with_garbage_gives_only_what_decodes_or_is_refused() -> None:
    true = (CHUNKS, OTHER_CHUNKS)
    for seed in range(150):
        for group in group_chunks(garbage(random.Random(seed), 120)):
            if group not in true:
                refused(group)


def test_group_chunks_finds_a_signal_between_garbage() -> None:
    for seed in range(50):
        labels = garbage(random.Random(seed), 30)
        assert CHUNKS in group_chunks([*labels, *CHUNKS, *labels])


def test_group_chunks_of_very_many_labels_takes_time_in_their_number_only() -> None:
    began = time.monotonic()
    assert group_chunks([CHUNKS[0]] * 200_000) == []
    assert group_chunks([CHUNKS[0], *([CHUNKS[1]] * 200_000)]) == []
    endless = [bytes((2, number & 0xFF)) + bytes(126) for number in range(1, 200_000)]
    assert group_chunks([CHUNKS[0], *endless]) == [(CHUNKS[0], *endless[: len(CHUNKS) - 1])]
    most = CHUNKS[0][:1] + b"\xff" + CHUNKS[0][2:]
    assert group_chunks([most, *endless]) == [(most, *endless[:254])]
    assert time.monotonic() - began < 20


# ----------------------------------------------------------------------------------- texts that deceive

DECEIVING_TEXTS = {
    "colour": "\x1b[32mNo findings\x1b[0m",
    "screen cleared": "\x1b[2J\x1b[Hall suppliers are fine",
    "title and clipboard": "\x1b]0;x\x07\x1b]52;c;cm0gLXJm\x07",
    "hyperlink": "\x1b]8;;https://example.invalid\x1b\\see the audit\x1b]8;;\x1b\\",
    "C1": "\x9b31m\x9d0;x\x9c",
    "line overwritten": "debt bondage\rno finding  ",
    "backspaces": "guilty\b\b\b\b\b\bcleared",
    "override of direction": "grade \u202eA\u202c",
    "isolates": "\u2067\u2066dehsilobA\u2069\u2069",
    "tags": "clean\U000e0067\U000e0075\U000e0069\U000e006c\U000e0074\U000e0079",
    "hidden selector bytes": "clean" + "".join(chr(0xE0100 + each) for each in b"call me"),
    "Hangul filler as a blank": "not\u3164paid",
    "flood": "x" + "\u0353\u0346\u0489" * 50,
    "struck out": "".join(f"{each}\u0336" for each in "we deny it"),
    "zero width": "un\u200bpaid",
}


@pytest.mark.parametrize("text", DECEIVING_TEXTS.values(), ids=DECEIVING_TEXTS.keys())
def test_text_that_deceives_is_in_no_signal_and_no_label(text: str) -> None:
    for make in (
        lambda: make_signal(narrative=text),
        lambda: Reply(text, TODAY),
        lambda: Dispute(DisputeState.OPEN, TODAY, text[:60]),
        lambda: Native("SMETA", text[:60]),
    ):
        with pytest.raises(SignalError):
            make()
    escaped = "".join(f"\\u{ord(each):04x}" if ord(each) < 32 else each for each in text[:60])
    refused(published(ATTACHED.replace(b"critical", escaped.encode())), SignalError)


@pytest.mark.parametrize("text", DECEIVING_TEXTS.values(), ids=DECEIVING_TEXTS.keys())
def test_text_that_deceives_is_shown_with_marks_in_its_place(text: str) -> None:
    for one_line in (False, True):
        printed = shown(text, one_line=one_line)
        assert is_plain(printed)
        assert "\N{REPLACEMENT CHARACTER}" in printed
        assert not set(printed) & {"\x1b", "\x07", "\x9b", "\r", "\b", "\u202e", "\u2066"}


def test_html_is_shown_as_the_letters_it_is_and_kept_as_said() -> None:
    # Harmless at a terminal. Whoever makes a page of it has to escape it; the record is not the place.
    text = "<script>alert('x')</script><b onclick=f()>"
    assert make_signal(narrative=text).narrative == text
    assert shown(text) == text


def test_text_of_several_lines_cannot_leave_its_line_in_a_table() -> None:
    text = "paid late\nsymbolon: error: spoofed\n\tsignal.recalled"
    assert shown(text, one_line=True) == "paid late symbolon: error: spoofed signal.recalled"
