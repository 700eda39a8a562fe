"""Hashing to the curve and to outputs, against the numbers of RFC 9380 and RFC 9497."""

import hashlib
import tomllib
from pathlib import Path

import pytest

from symbolon.oprf import hashing
from symbolon.oprf.curve25519 import FIELD_PRIME, MONTGOMERY_A
from symbolon.oprf.sha512 import fastest_sha512

VECTORS = Path(__file__).parents[2] / "vectors"
ELLIGATOR = tomllib.loads((VECTORS / "rfc9380_curve25519_ell2_nu.toml").read_text())
EXPANSION = tomllib.loads((VECTORS / "rfc9380_expand_message_xmd_sha512.toml").read_text())


def little_endian(hexadecimal: str) -> bytes:
    return bytes.fromhex(hexadecimal)[::-1]


@pytest.mark.parametrize("vector", ELLIGATOR["hash"])
def test_hash_to_curve_rfc9380_vector_gives_x_of_q(vector):
    point = hashing.hash_to_curve([vector["msg"].encode()], ELLIGATOR["dst"].encode())
    assert point == little_endian(vector["x"])


def test_hash_to_curve_all_vectors_in_one_batch_keeps_their_order():
    messages = [vector["msg"].encode() for vector in ELLIGATOR["hash"]]
    points = hashing.hash_to_curve(messages, ELLIGATOR["dst"].encode())
    assert points == b"".join(little_endian(vector["x"]) for vector in ELLIGATOR["hash"])


@pytest.mark.parametrize("vector", ELLIGATOR["hash"])
def test_expand_message_for_field_rfc9380_vector_gives_u(vector):
    uniform = hashing.expand_message_xmd(vector["msg"].encode(), ELLIGATOR["dst"].encode(), 48)
    assert int.from_bytes(uniform, "big") % FIELD_PRIME == int(vector["u"], 16)


@pytest.mark.parametrize("vector", EXPANSION["expansion"])
def test_expand_message_xmd_rfc9380_vector_gives_uniform_bytes(vector):
    uniform = hashing.expand_message_xmd(
        vector["msg"].encode(), EXPANSION["dst"].encode(), vector["length_bytes"]
    )
    assert uniform.hex() == vector["uniform"]


@pytest.mark.parametrize("length_bytes", [0, -1, 255 * 64 + 1])
def test_expand_message_xmd_length_out_of_range_refused(length_bytes):
    with pytest.raises(ValueError, match="1 to 16,320"):
        hashing.expand_message_xmd(b"", b"dst", length_bytes)


@pytest.mark.parametrize("count", [0, 1, 2, 3, 4095, 4096, 4097])
def test_hash_to_curve_batch_of_any_length_equals_single_hashes(count):
    inputs = [b"%d" % number for number in range(count)]
    points = hashing.hash_to_curve(inputs, b"dst")
    assert len(points) == 32 * count
    for number in {0, count // 2, count - 1} & set(range(count)):
        assert points[32 * number : 32 * number + 32] == hashing.hash_to_curve([inputs[number]], b"dst")


def test_hash_to_curve_points_lie_on_the_curve_and_are_canonical():
    points = hashing.hash_to_curve([b"%d" % number for number in range(200)], b"dst")
    for at in range(0, len(points), 32):
        x = int.from_bytes(points[at : at + 32], "little")
        square = (x**3 + MONTGOMERY_A * x**2 + x) % int(FIELD_PRIME)
        assert x < FIELD_PRIME
        assert pow(square, (int(FIELD_PRIME) - 1) // 2, int(FIELD_PRIME)) in (0, 1)


@pytest.mark.parametrize("dst", [b"", bytes(256)])
def test_hash_to_curve_tag_of_forbidden_length_refused(dst):
    with pytest.raises(ValueError, match="domain separation tag"):
        hashing.hash_to_curve([b"a"], dst)


def test_hash_to_curve_longest_input_accepted_one_byte_more_refused():
    assert len(hashing.hash_to_curve([bytes(65_535)], b"dst")) == 32
    with pytest.raises(ValueError, match="65535"):
        hashing.hash_to_curve([b"", bytes(65_536)], b"dst")


@pytest.mark.parametrize("data", [b"", b"a", bytes(255), bytes(256), bytes(65_535)])
def test_outputs_any_input_length_equals_the_formula(data):
    element = bytes(range(32))
    expected = hashlib.sha512(
        len(data).to_bytes(2, "big") + data + b"\x00\x20" + element + b"Finalize"
    ).digest()
    assert hashing.outputs([b"before", data], element + element)[64:] == expected


def test_outputs_no_inputs_gives_nothing():
    assert hashing.outputs([], b"") == b""


def test_outputs_counts_that_differ_refused():
    with pytest.raises(ValueError, match="2 inputs"):
        hashing.outputs([b"a", b"b"], bytes(32))


def test_outputs_input_too_long_refused():
    with pytest.raises(ValueError, match="65535"):
        hashing.outputs([bytes(65_536)], bytes(32))


@pytest.mark.parametrize("length", [0, 1, 111, 112, 127, 128, 129, 5000])
def test_fastest_sha512_any_length_equals_hashlib(length):
    assert fastest_sha512()(bytes(length)).digest() == hashlib.sha512(bytes(length)).digest()


def test_fastest_sha512_interpreter_without_its_own_uses_hashlib(monkeypatch):
    def no_module(name):
        raise ImportError(name)

    monkeypatch.setattr("symbolon.oprf.sha512.import_module", no_module)
    assert fastest_sha512() is hashlib.sha512
