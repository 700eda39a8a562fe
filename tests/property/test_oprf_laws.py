"""Laws of the OPRF that hold for all inputs: equal backends, blinding that cancels, encodings both ways."""

import os
import random

import gmpy2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import symbolon.oprf
from symbolon.errors import BackendError, InvalidElementError
from symbolon.oprf.backend.multibuffer import MultibufferBackend
from symbolon.oprf.backend.openssl import OpensslBackend
from symbolon.oprf.blinding import prepare
from symbolon.oprf.curve25519 import FIELD_PRIME, GROUP_ORDER, MONTGOMERY_A
from symbolon.oprf.element import LOW_ORDER, check_elements
from symbolon.oprf.integers import integers_from_rows, inverses, rows_from_integers
from symbolon.oprf.key_schedule import KeyContext
from symbolon.oprf.suite import SUITE_NAMES, get_suite

P = int(FIELD_PRIME)
BAND = (2**63 - 1) << 192

OPENSSL = OpensslBackend()
try:
    MULTIBUFFER = MultibufferBackend()
except BackendError as error:
    MULTIBUFFER = None
    WHY = error.detail
else:
    WHY = ""
needs_multibuffer = pytest.mark.skipif(
    MULTIBUFFER is None, reason=f"the multi-buffer backend cannot run here: {WHY}"
)

near_the_band = st.integers(1, 2**70).map(lambda below: BAND - below)
powers = st.tuples(st.integers(1, 254), st.integers(-19, 19)).map(lambda pair: (1 << pair[0]) + pair[1])
sparse_limbs = st.lists(
    st.sampled_from([0, 1, 2**52 - 1, 2**52, 2**63, 2**64 - 1]), min_size=4, max_size=4
).map(lambda limbs: sum(limb << 64 * place for place, limb in enumerate(limbs)))
# libcrypto_mb computes with limbs of 52 bits, and with small fractions whose numerators may be negative.
limb52 = st.one_of(
    st.sampled_from([0, 1, 2**47 - 1, 2**51, 2**52 - 1]),
    st.integers(2**52 - 3000, 2**52 - 1),
    st.integers(0, 3000),
)
sparse_limbs52 = st.lists(limb52, min_size=5, max_size=5).map(
    lambda limbs: sum(limb << 52 * place for place, limb in enumerate(limbs)) % 2**255
)
small_fractions = st.tuples(st.integers(-(2**20), 2**20), st.integers(1, 64), st.integers(0, 254)).map(
    lambda parts: (parts[0] - (1 << parts[2]) * (parts[2] > 0)) * pow(parts[1], -1, P) % P
)
around_quarters = st.tuples(
    st.integers(0, 4), st.integers(0, 253), st.integers(-40, 40), st.sampled_from([-1, 1])
).map(lambda parts: (parts[0] * P // 4 + parts[3] * (1 << parts[1]) + parts[2]) % P)
coordinates = st.one_of(
    around_quarters,
    st.integers(2, BAND - 1),
    near_the_band,
    powers,
    sparse_limbs,
    sparse_limbs52,
    small_fractions,
).filter(lambda u: 0 <= u < BAND and u not in LOW_ORDER)
scalars = st.one_of(st.binary(min_size=32, max_size=32), st.sampled_from([bytes(32), b"\xff" * 32]))
inputs = st.lists(st.binary(max_size=300), max_size=20)
texts = st.text(max_size=40)


def rows(values):
    return b"".join(value.to_bytes(32, "little") for value in values)


def is_on_twist(u):
    return gmpy2.jacobi((u**3 + MONTGOMERY_A * u**2 + u) % P, P) == -1


@needs_multibuffer
@given(st.data(), st.lists(coordinates, min_size=1, max_size=24), scalars)
@settings(max_examples=200, deadline=None)
def test_backends_any_allowed_elements_give_the_same_bytes(data, us, key):
    keys = data.draw(st.lists(scalars, min_size=len(us), max_size=len(us)).map(b"".join))
    elements = rows(us)
    check_elements(elements)
    assert MULTIBUFFER.multiply(key, elements) == OPENSSL.multiply(key, elements)
    assert MULTIBUFFER.multiply_each(keys, elements) == OPENSSL.multiply_each(keys, elements)
    assert MULTIBUFFER.multiply_base(keys) == OPENSSL.multiply_base(keys)


@needs_multibuffer
def test_backends_many_random_elements_on_curve_and_twist_give_the_same_bytes():
    generator = random.Random(20)
    us = [generator.randrange(2, BAND) for _ in range(3000)]
    twist = sum(map(is_on_twist, us))
    assert 1300 < twist < 1700
    keys = generator.randbytes(32 * len(us))
    assert MULTIBUFFER.multiply_each(keys, rows(us)) == OPENSSL.multiply_each(keys, rows(us))


@needs_multibuffer
@pytest.mark.parametrize("denominator", [1, 2, 3, 4, 8, 16])
@pytest.mark.parametrize("key", [bytes([0] * 31 + [0x40]), bytes([0] * 31 + [0x60]), bytes([0x5B]) * 32])
def test_backends_small_negative_fractions_give_the_same_bytes(denominator, key):
    inverse = pow(denominator, -1, P)
    us = [-s * inverse % P for s in range(1, 3000)] + [
        (-(1 << k) - s) * inverse % P for k in range(253) for s in (0, 1)
    ]
    elements = rows(u for u in us if u not in (*LOW_ORDER, P - 1))
    assert MULTIBUFFER.multiply(key, elements) == OPENSSL.multiply(key, elements)


@needs_multibuffer
def test_backends_element_in_any_lane_is_multiplied_by_the_key_of_its_own_lane():
    generator = random.Random(21)
    us = rows(generator.randrange(2, BAND) for _ in range(8))
    keys = generator.randbytes(32 * 8)
    expected = b"".join(
        OPENSSL.multiply(keys[at : at + 32], us[at : at + 32]) for at in range(0, len(us), 32)
    )
    assert MULTIBUFFER.multiply_each(keys, us) == expected


@given(inputs, scalars, st.binary(min_size=1, max_size=255))
@settings(max_examples=60, deadline=None)
def test_package_functions_any_input_key_and_tag_finalize_equals_evaluate(data, key, dst):
    blinded, blinds = symbolon.oprf.blind(symbolon.oprf.hash_to_curve(data, dst), os.urandom)
    evaluated = symbolon.oprf.blind_evaluate(key, blinded)
    assert symbolon.oprf.finalize(data, evaluated, blinds) == symbolon.oprf.evaluate(key, data, dst)


@pytest.mark.parametrize("name", SUITE_NAMES)
@given(inputs, st.binary(min_size=32, max_size=64), st.binary(max_size=64))
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_suite_any_input_finalize_equals_evaluate_and_one_pair_equals_many(name, data, seed, context):
    suite = get_suite(name)
    key, points = suite.derive_key(seed, context), suite.hash_to_curve(data)
    blinds, pair = suite.prepare_blinds(len(data), os.urandom), suite.session_blind(os.urandom)
    evaluated = suite.blind_evaluate(key, suite.blind(points, blinds))
    assert suite.unblind(evaluated, blinds) == suite.multiply(key, points)
    assert suite.finalize(data, evaluated, blinds) == suite.evaluate(key, data, points)
    with_one = suite.blind_evaluate(key, suite.blind_with_one(points, pair))
    assert suite.unblind_with_one(with_one, pair) == suite.multiply(key, points)


@given(coordinates.filter(lambda u: not is_on_twist(u)), st.randoms(use_true_random=False))
@settings(max_examples=60, deadline=None)
def test_blind_then_unblind_of_an_element_of_prime_order_gives_it_back(u, generator):
    blinds = prepare(1, generator.randbytes)
    suite = get_suite("X25519-ELL2-SHA512", "openssl")
    inverse_of_8 = pow(8, -1, int(GROUP_ORDER))
    # 8 · (8⁻¹ mod ℓ) fixes the prime-order part; as a clamped scalar it exists up to sign.
    candidates = [8 * inverse_of_8 % int(GROUP_ORDER) + j * int(GROUP_ORDER) for j in range(9)]
    candidates += [j * int(GROUP_ORDER) - 1 for j in range(1, 9)]
    one = next(c for c in candidates if c % 8 == 0 and 2**254 <= c < 2**255)
    element = OPENSSL.multiply(one.to_bytes(32, "little"), rows([u]))
    assert suite.unblind(suite.blind(element, blinds), blinds) == element


@given(st.one_of(st.integers(0, 2**256 - 1), st.integers(BAND - 3, BAND + 3), st.sampled_from(LOW_ORDER)))
@settings(max_examples=300, deadline=None)
def test_check_elements_any_32_bytes_refused_exactly_in_the_band_and_at_low_order(u):
    element = rows([u])
    if u >= BAND or u in LOW_ORDER:
        with pytest.raises(InvalidElementError):
            check_elements(element)
    else:
        check_elements(element)
        OPENSSL.multiply(bytes(32), element)


@given(
    st.builds(KeyContext, texts, texts, texts, texts, texts, texts, texts, texts, st.integers(0, 2**64 - 1))
)
@settings(deadline=None)
def test_key_context_any_fields_parse_reverses_encode(context):
    assert KeyContext.parse(context.encode()) == context


@given(st.binary(max_size=200))
@settings(deadline=None)
def test_key_context_any_bytes_either_refused_or_encoded_the_same_again(data):
    try:
        context = KeyContext.parse(data)
    except ValueError:
        return
    assert context.encode() == data


@given(st.lists(st.integers(0, 2**256 - 1), max_size=40))
@settings(deadline=None)
def test_rows_any_integers_read_back_the_same(values):
    buffer = b"".join(value.to_bytes(32, "little") for value in values)
    assert [int(value) for value in integers_from_rows(buffer, 32)] == values
    assert rows_from_integers([gmpy2.mpz(value) for value in values], 32) == buffer


@given(st.lists(st.integers(1, P - 1), max_size=40))
@settings(deadline=None)
def test_inverses_any_batch_equals_single_inversions(values):
    batch = [gmpy2.mpz(value) for value in values]
    assert inverses(batch, FIELD_PRIME) == [pow(value, -1, P) for value in values]
    assert batch == values
