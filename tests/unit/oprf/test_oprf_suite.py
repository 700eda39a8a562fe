"""What every suite promises, on every backend that runs here, and the functions of `symbolon.oprf`."""

import os

import pytest

import symbolon.oprf
from symbolon.errors import BackendError, InvalidElementError, UnknownSuiteError
from symbolon.oprf.backend.openssl import OpensslBackend
from symbolon.oprf.suite import SUITE_NAMES, get_suite
from symbolon.oprf.x25519_ell2 import X25519Ell2

INPUTS = [b"", b"a", b"lei.1\x1f5493001KJTIIGC8Y1R12", bytes(1000), *(b"%d" % number for number in range(30))]
COUNT = len(INPUTS)


@pytest.fixture(params=["X25519 openssl", "X25519 multibuffer", "ristretto255"])
def suite(request):
    if request.param == "ristretto255":
        return get_suite("ristretto255-SHA512")
    try:
        return get_suite("X25519-ELL2-SHA512", request.param.split()[1])
    except BackendError as error:
        pytest.skip(f"the multi-buffer backend cannot run here: {error.detail}")


def key_of(suite):
    return suite.derive_key(os.urandom(64), b"context")


def test_finalize_of_blind_equals_evaluate(suite):
    points, key = suite.hash_to_curve(INPUTS), key_of(suite)
    blinds = suite.prepare_blinds(COUNT, os.urandom)
    evaluated = suite.blind_evaluate(key, suite.blind(points, blinds))
    outputs = suite.finalize(INPUTS, evaluated, blinds)
    assert outputs == suite.evaluate(key, INPUTS, points)
    assert len(outputs) == 64 * COUNT
    assert len({outputs[at : at + 64] for at in range(0, len(outputs), 64)}) == COUNT


def test_finalize_streamed_in_slices_equals_evaluate(suite):
    points, key = suite.hash_to_curve(INPUTS), key_of(suite)
    blinds = suite.prepare_blinds(COUNT, os.urandom)
    outputs = b""
    for start in range(0, COUNT, 5):
        chunk = slice(start, start + 5)
        blinded = suite.blind(points[32 * start : 32 * (start + 5)], blinds[chunk])
        outputs += suite.finalize(INPUTS[chunk], suite.blind_evaluate(key, blinded), blinds[chunk])
    assert outputs == suite.evaluate(key, INPUTS, points)


def test_unblind_equals_multiply_of_own_points(suite):
    points, key = suite.hash_to_curve(INPUTS), key_of(suite)
    blinds = suite.prepare_blinds(COUNT, os.urandom)
    evaluated = suite.blind_evaluate(key, suite.blind(points, blinds))
    assert suite.unblind(evaluated, blinds) == suite.multiply(key, points)


def test_size_mode_one_pair_equals_multiply_of_own_points(suite):
    points, key = suite.hash_to_curve(INPUTS), key_of(suite)
    pair = suite.session_blind(os.urandom)
    blinded = suite.blind_with_one(points, pair)
    assert blinded != points
    assert suite.unblind_with_one(suite.blind_evaluate(key, blinded), pair) == suite.multiply(key, points)


def test_blind_same_element_twice_looks_different(suite):
    points = suite.hash_to_curve([b"same", b"same"])
    blinded = suite.blind(points, suite.prepare_blinds(2, os.urandom))
    assert points[:32] == points[32:]
    assert blinded[:32] != blinded[32:]


def test_padding_gives_distinct_elements_that_pass_the_check_and_evaluate(suite):
    dummies = suite.padding(33, os.urandom)
    suite.check_elements(dummies)
    assert len({dummies[at : at + 32] for at in range(0, len(dummies), 32)}) == 33
    assert len(suite.blind_evaluate(key_of(suite), dummies)) == 33 * 32


def test_every_method_no_elements_gives_nothing(suite):
    blinds = suite.prepare_blinds(0, os.urandom)
    assert len(blinds) == 0
    assert suite.hash_to_curve([]) == b""
    assert suite.padding(0, os.urandom) == b""
    assert suite.blind(b"", blinds) == suite.unblind(b"", blinds) == b""
    assert suite.finalize([], b"", blinds) == b""
    assert suite.evaluate(key_of(suite), [], b"") == b""
    suite.check_elements(b"")


def test_blind_and_unblind_counts_that_differ_refused(suite):
    points = suite.hash_to_curve(INPUTS)
    blinds = suite.prepare_blinds(COUNT - 1, os.urandom)
    with pytest.raises(ValueError, match="do not go with"):
        suite.blind(points, blinds)
    with pytest.raises(ValueError, match="do not go with"):
        suite.unblind(points, blinds)


def test_one_pair_methods_more_than_one_pair_refused(suite):
    points, pairs = suite.hash_to_curve(INPUTS), suite.prepare_blinds(2, os.urandom)
    with pytest.raises(ValueError, match=r"one blinding pair|32 bytes"):
        suite.blind_with_one(points, pairs)
    with pytest.raises(ValueError, match=r"one blinding pair|32 bytes"):
        suite.unblind_with_one(points, pairs)


@pytest.mark.parametrize("length", [0, 31, 33, 64])
def test_key_of_wrong_length_refused_without_showing_it(suite, length):
    points = suite.hash_to_curve(INPUTS)
    key = b"\xab" * length
    for call in (
        lambda: suite.blind_evaluate(key, points),
        lambda: suite.multiply(key, points),
        lambda: suite.evaluate(key, INPUTS, points),
    ):
        with pytest.raises(ValueError, match=f"not {length}") as caught:
            call()
        assert "ab" * 4 not in str(caught.value)
        assert "\\xab" not in str(caught.value)


def test_attributes_are_what_the_exchange_expects(suite):
    assert suite.name in SUITE_NAMES
    assert suite.element_bytes == 32
    assert suite.name.encode() in suite.dst
    assert suite.backend_name in ("openssl", "multibuffer", "libsodium")


def test_default_suite_dst_is_the_design_s():
    assert get_suite("X25519-ELL2-SHA512", "openssl").dst == b"symbolon-v1-X25519-ELL2-SHA512"


@pytest.mark.parametrize(
    "name", ["", "x25519-ell2-sha512", "P256-SHA256", "X25519-ELL2-SHA512\0", "x" * 10_000]
)
def test_get_suite_unknown_name_refused_with_a_short_message(name):
    with pytest.raises(UnknownSuiteError) as caught:
        get_suite(name)
    assert len(caught.value.detail) < 300


def test_get_suite_unknown_backend_refused():
    with pytest.raises(BackendError):
        get_suite("X25519-ELL2-SHA512", "abacus")


class BandBackend(OpensslBackend):
    """Lets one product of the first call fall into the refused band."""

    def __init__(self):
        self.calls = 0

    def into_band(self, products):
        self.calls += 1
        return products[:32] + b"\xff" * 31 + b"\x7f" + products[64:] if self.calls == 1 else products

    def multiply(self, scalar, elements):
        return self.into_band(super().multiply(scalar, elements))

    def multiply_each(self, scalars, elements):
        return self.into_band(super().multiply_each(scalars, elements))

    def multiply_base(self, scalars):
        return self.into_band(super().multiply_base(scalars))


def test_blind_element_that_lands_in_the_band_is_blinded_anew_and_still_finalizes():
    suite, plain = X25519Ell2(BandBackend()), get_suite("X25519-ELL2-SHA512", "openssl")
    points, key = plain.hash_to_curve(INPUTS), key_of(plain)
    blinds = plain.prepare_blinds(COUNT, os.urandom)
    before = blinds.scalars.copy()
    blinded = suite.blind(points, blinds)
    changed = (blinds.scalars != before).any(axis=1)
    assert list(changed.nonzero()[0]) == [1]
    plain.check_elements(blinded)
    evaluated = plain.blind_evaluate(key, blinded)
    assert plain.finalize(INPUTS, evaluated, blinds) == plain.evaluate(key, INPUTS, points)


def test_padding_dummy_that_lands_in_the_band_is_drawn_anew():
    backend = BandBackend()
    dummies = X25519Ell2(backend).padding(4, os.urandom)
    assert backend.calls == 2
    get_suite("X25519-ELL2-SHA512", "openssl").check_elements(dummies)


def test_blind_with_one_element_that_lands_in_the_band_ends_the_session():
    suite = X25519Ell2(BandBackend())
    points = suite.hash_to_curve(INPUTS)
    with pytest.raises(BackendError, match="another pair"):
        suite.blind_with_one(points, suite.session_blind(os.urandom))


def test_package_functions_finalize_of_blind_equals_evaluate():
    key, dst = os.urandom(32), b"some-dst"
    points = symbolon.oprf.hash_to_curve(INPUTS, dst)
    blinded, blinds = symbolon.oprf.blind(points, os.urandom)
    assert len(points) == len(blinded) == len(blinds) == 32 * COUNT
    outputs = symbolon.oprf.finalize(INPUTS, symbolon.oprf.blind_evaluate(key, blinded), blinds)
    assert outputs == symbolon.oprf.evaluate(key, INPUTS, dst)
    assert outputs != symbolon.oprf.evaluate(key, INPUTS, b"other-dst")


def test_package_functions_wrong_lengths_refused():
    with pytest.raises(InvalidElementError):
        symbolon.oprf.blind(bytes(33), os.urandom)
    with pytest.raises(ValueError, match="inputs"):
        symbolon.oprf.finalize([b"a"], bytes(32), bytes(31))
    with pytest.raises(ValueError, match="32 bytes"):
        symbolon.oprf.blind_evaluate(bytes(31), b"")
