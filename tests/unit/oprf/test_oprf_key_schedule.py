"""Key contexts and the keys derived from them."""

import hashlib
import hmac
from dataclasses import replace

import pytest

from symbolon.oprf.key_schedule import KeyContext, expand_seed
from symbolon.oprf.suite import get_suite

CONTEXT = KeyContext("suite", "c", "alice", "bob", "match", "size", "A", "due diligence", 7)


def test_encode_gives_every_field_behind_its_length_in_order():
    assert CONTEXT.encode() == (
        b"\x00\x05suite\x00\x01c\x00\x05alice\x00\x03bob\x00\x05match\x00\x04size\x00\x01A"
        b"\x00\x0ddue diligence\x00\x08\x00\x00\x00\x00\x00\x00\x00\x07"
    )


def test_encode_bytes_moved_between_fields_differ():
    moved = replace(CONTEXT, sender="aliceb", receiver="ob")
    assert moved.encode() != CONTEXT.encode()


def test_encode_counts_bytes_not_characters():
    assert b"\x00\x04\xc3\xa4\xc3\xb6" in replace(CONTEXT, coalition="äö").encode()


@pytest.mark.parametrize("change", [{"purpose": "x" * 65_536}, {"epoch": -1}, {"epoch": 2**64}])
def test_key_context_field_out_of_range_refused(change):
    with pytest.raises(ValueError, match=r"key context|epoch"):
        replace(CONTEXT, **change)


def test_key_context_lone_surrogate_refused():
    with pytest.raises(ValueError, match="surrogates"):
        replace(CONTEXT, sender="\ud800")


def test_parse_every_truncation_and_every_addition_refused():
    encoded = CONTEXT.encode()
    for length in range(len(encoded)):
        with pytest.raises(ValueError, match="ends early"):
            KeyContext.parse(encoded[:length])
    with pytest.raises(ValueError, match="follow"):
        KeyContext.parse(encoded + b"\0")


def test_parse_epoch_of_another_width_refused():
    encoded = CONTEXT.encode()[:-10] + b"\x00\x04\x00\x00\x00\x07"
    with pytest.raises(ValueError, match="epoch"):
        KeyContext.parse(encoded)


def test_parse_text_that_is_not_utf8_refused():
    with pytest.raises(ValueError, match="utf-8"):
        KeyContext.parse(CONTEXT.encode().replace(b"alice", b"\xff\xff\xff\xff\xff"))


def test_expand_seed_equals_hkdf_expand_written_out():
    seed = bytes(range(64))
    expected = hmac.digest(seed, b"context\x01", hashlib.sha512)
    assert expand_seed(seed, b"context", 64) == expected
    assert expand_seed(seed, b"context", 32) == expected[:32]


def test_expand_seed_short_seed_refused():
    with pytest.raises(ValueError, match="at least 32"):
        expand_seed(bytes(31), b"", 32)


def test_derive_key_default_suite_is_clamped():
    suite = get_suite("X25519-ELL2-SHA512", "openssl")
    for number in range(20):
        key = int.from_bytes(suite.derive_key(bytes(64), bytes([number])), "little")
        assert key % 8 == 0
        assert 2**254 <= key < 2**255


def test_derive_key_ristretto255_is_below_the_order_and_not_zero():
    suite = get_suite("ristretto255-SHA512")
    for number in range(20):
        key = int.from_bytes(suite.derive_key(bytes(64), bytes([number])), "little")
        assert 0 < key < 2**252 + 27742317777372353535851937790883648493


@pytest.mark.parametrize(
    "field", ["suite", "coalition", "sender", "receiver", "area", "mode", "tier", "purpose"]
)
def test_derive_key_any_field_changed_gives_another_key(field):
    suite = get_suite("X25519-ELL2-SHA512", "openssl")
    other = replace(CONTEXT, **{field: "other"})
    assert suite.derive_key(bytes(64), CONTEXT.encode()) != suite.derive_key(bytes(64), other.encode())


def test_derive_key_epoch_or_seed_changed_gives_another_key():
    suite = get_suite("X25519-ELL2-SHA512", "openssl")
    keys = {
        suite.derive_key(bytes(64), CONTEXT.encode()),
        suite.derive_key(bytes(64), replace(CONTEXT, epoch=8).encode()),
        suite.derive_key(bytes(63) + b"\x01", CONTEXT.encode()),
    }
    assert len(keys) == 3
