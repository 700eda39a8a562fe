"""Blinding pairs: clamped, inverse to each other up to sign, redrawn where no clamped inverse exists."""

import os

import numpy as np
import pytest

from symbolon.oprf import blinding
from symbolon.oprf.curve25519 import GROUP_ORDER

ORDER = int(GROUP_ORDER)


def row(value: int) -> np.ndarray:
    return np.frombuffer(value.to_bytes(32, "little"), np.uint8).reshape(1, 32)


def number(one_row: np.ndarray) -> int:
    return int.from_bytes(one_row.tobytes(), "little")


def is_clamped(value: int) -> bool:
    return value % 8 == 0 and 2**254 <= value < 2**255


def clamped_representative(residue: int) -> int | None:
    """The clamped integer congruent to a residue mod ℓ, if there is one."""
    lifted = [residue + j * ORDER for j in range(9)]
    return next(filter(is_clamped, lifted), None)


@pytest.mark.parametrize("count", [0, 1, 2, 3, 4095, 4096, 4097, 9000])
def test_prepare_any_count_gives_clamped_pairs_inverse_up_to_sign(count):
    blinds = blinding.prepare(count, os.urandom)
    assert len(blinds) == count
    for scalar, inverse in zip(blinds.scalars[:300], blinds.inverses[:300], strict=True):
        r, r_prime = number(scalar), number(inverse)
        assert is_clamped(r)
        assert is_clamped(r_prime)
        assert r * r_prime % ORDER in (1, ORDER - 1)


def test_prepare_pairs_of_later_batches_are_right_too():
    blinds = blinding.prepare(4099, os.urandom)
    for at in (4095, 4096, 4097, 4098):
        assert number(blinds.scalars[at]) * number(blinds.inverses[at]) % ORDER in (1, ORDER - 1)


def test_prepare_same_randomness_gives_same_pairs_and_other_randomness_others():
    first = blinding.prepare(8, lambda count: bytes(range(8)) * (count // 8))
    again = blinding.prepare(8, lambda count: bytes(range(8)) * (count // 8))
    other = blinding.prepare(8, os.urandom)
    assert (first.scalars == again.scalars).all()
    assert (first.inverses == again.inverses).all()
    assert len({pair.tobytes() for pair in other.scalars}) == 8


@pytest.mark.parametrize("residue", [8, 16, 2**100 * 8, ORDER - 1, ORDER - 9, ORDER - 2**100 * 8 - 1])
def test_clamped_inverses_residue_at_an_edge_is_flagged_exactly_when_none_exists(residue):
    inverse = pow(residue, -1, ORDER)
    scalar = clamped_representative(inverse) or clamped_representative(ORDER - inverse)
    assert scalar is not None
    result, good = blinding.clamped_inverses(row(scalar))
    wanted = pow(scalar, -1, ORDER)
    exists = clamped_representative(wanted) or clamped_representative(ORDER - wanted)
    assert bool(good[0]) is (exists is not None)
    if exists:
        assert number(result) == exists


def scalar_without_clamped_inverse() -> bytes:
    """A clamped r whose inverse is ±8: its representatives 8 and 8ℓ − 8 are below 2^254 and above 2^255."""
    inverse = pow(8, -1, ORDER)
    scalar = clamped_representative(inverse) or clamped_representative(ORDER - inverse)
    assert scalar is not None
    return scalar.to_bytes(32, "little")


def test_prepare_scalar_without_clamped_inverse_is_drawn_again():
    good = bytes([8]) * 32
    draws = [good + scalar_without_clamped_inverse() + good, bytes([16]) * 32]
    asked = []

    def rng(count):
        asked.append(count)
        return draws[len(asked) - 1]

    blinds = blinding.prepare(3, rng)
    assert asked == [96, 32]
    assert blinds.scalars[1].tobytes() == blinding.clamp(draws[1]).tobytes()
    for scalar, inverse in zip(blinds.scalars, blinds.inverses, strict=True):
        assert number(scalar) * number(inverse) % ORDER in (1, ORDER - 1)


def test_carry_and_borrow_long_chains_equal_integer_arithmetic():
    values = [0, 1, 2**64 - 1, 2**64, 2**128 - 1, 2**192 - 1, 2**192, 2**252, ORDER - 1, ORDER, 2**254]
    rows = np.frombuffer(b"".join(value.to_bytes(32, "little") for value in values), "<u8").reshape(-1, 4)
    for other in values:
        fixed = np.frombuffer(other.to_bytes(32, "little"), "<u8")
        sums = blinding._add(rows, np.broadcast_to(fixed, rows.shape))
        assert [number(total) for total in sums] == [value + other for value in values]
        smaller = [value for value in values if value <= other]
        differences = blinding._subtract(fixed, rows[: len(values)])
        for value, difference in zip(values, differences, strict=True):
            if value in smaller:
                assert number(difference) == other - value


def test_slice_shares_memory_so_that_a_redraw_reaches_the_whole():
    blinds = blinding.prepare(10, os.urandom)
    part = blinds[4:7]
    before = blinds.scalars.copy()
    blinding.redraw(part, np.array([1]))
    assert len(part) == 3
    changed = (blinds.scalars != before).any(axis=1)
    assert list(np.flatnonzero(changed)) == [5]
    assert number(blinds.scalars[5]) * number(blinds.inverses[5]) % ORDER in (1, ORDER - 1)


def test_repr_of_blinds_shows_a_count_and_nothing_else():
    blinds = blinding.prepare(3, os.urandom)
    assert repr(blinds) == str(blinds) == f"{blinds}" == "Blinds(3 pairs, redacted)"
    assert repr(blinds[1:]) == "Blinds(2 pairs, redacted)"


def test_blinds_for_unblinding_cannot_be_redrawn():
    blinds = blinding.Blinds.for_unblinding(bytes(64))
    assert len(blinds) == 2
    with pytest.raises(ValueError, match="unblind only"):
        blinding.redraw(blinds, np.array([0]))


def test_clamp_any_bytes_sets_and_clears_the_bits_of_rfc7748():
    rows = blinding.clamp(bytes([255]) * 32 + bytes(32))
    assert number(rows[0]) == 2**255 - 8
    assert number(rows[1]) == 2**254
