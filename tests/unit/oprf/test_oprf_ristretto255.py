"""The suite ristretto255-SHA512 against the numbers of RFC 9497."""

import os
import tomllib
from pathlib import Path

import numpy as np
import pytest

from symbolon.errors import BackendError, InvalidElementError
from symbolon.oprf import ristretto255
from symbolon.oprf.blinding import Blinds
from symbolon.oprf.curve25519 import GROUP_ORDER

VECTORS = tomllib.loads(
    (Path(__file__).parents[2] / "vectors" / "rfc9497_ristretto255_sha512_oprf.toml").read_text()
)
KEY = bytes.fromhex(VECTORS["secret_key"])
SUITE = ristretto255.Ristretto255()


def field(vector, name):
    return bytes.fromhex(vector[name])


def blinds_of(scalars: bytes) -> Blinds:
    inverses = b"".join(
        pow(int.from_bytes(scalars[at : at + 32], "little"), -1, int(GROUP_ORDER)).to_bytes(32, "little")
        for at in range(0, len(scalars), 32)
    )
    rows = [np.frombuffer(data, np.uint8).reshape(-1, 32) for data in (scalars, inverses)]
    return Blinds(rows[0], rows[1], os.urandom)


def test_dst_equals_rfc9497():
    assert SUITE.dst.hex() == VECTORS["dst"]


@pytest.mark.parametrize("vector", VECTORS["evaluation"])
def test_blind_rfc9497_vector_gives_blinded_element(vector):
    element = SUITE.hash_to_curve([field(vector, "input")])
    assert SUITE.blind(element, blinds_of(field(vector, "blind"))) == field(vector, "blinded")


@pytest.mark.parametrize("vector", VECTORS["evaluation"])
def test_blind_evaluate_rfc9497_vector_gives_evaluation_element(vector):
    assert SUITE.blind_evaluate(KEY, field(vector, "blinded")) == field(vector, "evaluated")


@pytest.mark.parametrize("vector", VECTORS["evaluation"])
def test_finalize_rfc9497_vector_gives_output(vector):
    blinds = blinds_of(field(vector, "blind"))
    assert SUITE.finalize([field(vector, "input")], field(vector, "evaluated"), blinds) == field(
        vector, "output"
    )


def test_evaluate_all_rfc9497_vectors_in_one_batch_gives_outputs():
    inputs = [field(vector, "input") for vector in VECTORS["evaluation"]]
    expected = b"".join(field(vector, "output") for vector in VECTORS["evaluation"])
    assert SUITE.evaluate(KEY, inputs, SUITE.hash_to_curve(inputs)) == expected


def test_prepare_blinds_gives_scalars_below_the_order_and_their_inverses():
    blinds = SUITE.prepare_blinds(4100, os.urandom)
    for at in (0, 1, 4095, 4096, 4099):
        r, r_inverse = (
            int.from_bytes(rows[at].tobytes(), "little") for rows in (blinds.scalars, blinds.inverses)
        )
        assert 0 < r < GROUP_ORDER
        assert r * r_inverse % GROUP_ORDER == 1


def test_prepare_blinds_zero_scalar_is_drawn_again():
    draws = iter([bytes(64), bytes([5, *bytes(63)])])
    blinds = SUITE.prepare_blinds(1, lambda _count: next(draws))
    assert blinds.scalars[0].tobytes() == (5).to_bytes(32, "little")


def test_derive_key_zero_refused(monkeypatch):
    monkeypatch.setattr(ristretto255, "expand_seed", lambda _seed, _context, length: bytes(length))
    with pytest.raises(BackendError, match="zero"):
        SUITE.derive_key(bytes(32), b"")


@pytest.mark.parametrize("length", [1, 31, 33, 63])
def test_blind_evaluate_length_not_whole_refused(length):
    with pytest.raises(InvalidElementError):
        SUITE.blind_evaluate(KEY, bytes(length))
