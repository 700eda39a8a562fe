"""Attacks on the multiplication: elements that a malicious peer sends to learn a key or break a node.

A backend that only counts its calls proves that a refused element never reached one.
"""

import ctypes
import os

import pytest

from symbolon.errors import BackendError, InvalidElementError
from symbolon.oprf.backend.libcrypto_mb import MultibufferLibrary
from symbolon.oprf.backend.multibuffer import MultibufferBackend
from symbolon.oprf.backend.openssl import OpensslBackend
from symbolon.oprf.element import LOW_ORDER
from symbolon.oprf.ristretto255 import Ristretto255
from symbolon.oprf.suite import get_suite
from symbolon.oprf.x25519_ell2 import X25519Ell2

P = 2**255 - 19
GOOD = (9).to_bytes(32, "little")
KEY = bytes([0xC4]) * 32


class Spy(OpensslBackend):
    """Counts the batches that reach it."""

    def __init__(self):
        self.calls = 0

    def multiply(self, scalar, elements):
        self.calls += 1
        return super().multiply(scalar, elements)

    def multiply_each(self, scalars, elements):
        self.calls += 1
        return super().multiply_each(scalars, elements)


def row(u):
    return u.to_bytes(32, "little")


def refuse_everywhere(elements):
    """Every way by which a peer's element reaches a multiplication refuses it, and no backend is called."""
    spy = Spy()
    suite = X25519Ell2(spy)
    count = len(elements) // 32
    blinds, pair = suite.prepare_blinds(count, os.urandom), suite.session_blind(os.urandom)
    messages = []
    for attempt in (
        lambda: suite.check_elements(elements),
        lambda: suite.blind_evaluate(KEY, elements),
        lambda: suite.unblind(elements, blinds),
        lambda: suite.finalize([b"input"] * count, elements, blinds),
        lambda: suite.unblind_with_one(elements, pair),
        lambda: suite.multiply(KEY, elements),
        lambda: suite.evaluate(KEY, [b"input"] * count, elements),
        lambda: suite.blind(elements, blinds),
        lambda: suite.blind_with_one(elements, pair),
    ):
        with pytest.raises(InvalidElementError) as caught:
            attempt()
        messages.append(str(caught.value) + repr(caught.value))
    assert spy.calls == 0
    return messages


def refuse_alone_and_among_good_ones(element):
    refuse_everywhere(element)
    for place in (0, 7, 8, 16):
        messages = refuse_everywhere(GOOD * place + element + GOOD * (16 - place))
        assert all(f"element {place} " in message for message in messages)


@pytest.mark.parametrize("below", [2, 9, 1 + 2**130])
def test_near_p_lane_error_attack_key_bit_leak_refused_before_any_backend(below):
    """libcrypto_mb multiplies these wrongly, and for p − 2 the error shows a bit of the key."""
    refuse_alone_and_among_good_ones(row(P - below))


@pytest.mark.parametrize(
    ("name", "u"),
    [
        ("first value of the band", (2**63 - 1) * 2**192),
        ("last value of the band below p", P - 1),
        ("middle of the band", (2**63 - 1) * 2**192 + 2**191),
        ("p - 2^100", P - 2**100),
        ("p - 2^191", P - 2**191),
    ],
)
def test_near_p_lane_error_attack_any_of_the_band_refused_before_any_backend(name, u):
    assert name
    refuse_alone_and_among_good_ones(row(u))


def test_near_p_band_value_just_below_is_let_through_and_right():
    element = row((2**63 - 1) * 2**192 - 1)
    spy = Spy()
    assert X25519Ell2(spy).blind_evaluate(KEY, element) == OpensslBackend().multiply(KEY, element)
    assert spy.calls == 1


CUBE_ROOT = 0x381CBA36AA6565B5D9872FCCC55BD5291A1AADA8413A4550AA86D89D8618E538
HALF_P_WEAK = [2**254 - below for below in (9, 12, 13, 700, 1402, 2**86, 2**130, 2**134, 2**170)]
ROOTS_OF_UNITY = [CUBE_ROOT, CUBE_ROOT + 1, P - CUBE_ROOT, P - CUBE_ROOT - 1]


JUST_BELOW_THE_BAND = [P - 2**192 - 6, P - 2**192 - 7]


@pytest.mark.parametrize("u", HALF_P_WEAK + ROOTS_OF_UNITY + JUST_BELOW_THE_BAND)
@pytest.mark.parametrize("leading_bits", range(4))
def test_weak_element_lane_error_attack_key_bit_leak_multiplied_rightly(u, leading_bits):
    """libcrypto_mb alone is wrong here for some leading bits of the key: a peer would read them."""
    key = bytes([0x11] * 31 + [0x40 | leading_bits << 4])
    elements = row(9) + row(u) * 9
    expected = OpensslBackend().multiply(key, elements)
    try:
        backend = MultibufferBackend()
    except BackendError as error:
        pytest.skip(f"the multi-buffer backend cannot run here: {error.detail}")
    assert X25519Ell2(backend).blind_evaluate(key, elements) == expected
    assert backend.multiply_each(key * 10, elements) == expected


def test_lane_error_attack_elements_of_weak_places_never_reach_the_library():
    weak = [
        P - 2,
        P - 9,
        P - 1 - 2**130,
        2**254 - 12,
        2**254 - 1402,
        2**254 - 2**130,
        CUBE_ROOT,
        P + 7,
        2**256 - 1,
    ]
    seen = []

    def multiply(out, scalars, elements):
        for table in (out, elements):
            assert table % 8 == 0
        for lane in range(8):
            seen.append(ctypes.string_at(ctypes.c_uint64.from_address(elements + 8 * lane).value, 32))
            target = ctypes.c_uint64.from_address(out + 8 * lane).value
            scalar = ctypes.string_at(ctypes.c_uint64.from_address(scalars + 8 * lane).value, 32)
            ctypes.memmove(target, OpensslBackend().multiply(scalar, seen[-1]), 32)
        return 0

    backend = MultibufferBackend(MultibufferLibrary(multiply, lambda _out, _scalars: 0, "0", ()))
    elements = b"".join(GOOD + row(u) for u in weak)
    expected = OpensslBackend().multiply(KEY, elements)
    assert backend.multiply(KEY, elements) == expected
    assert backend.multiply_each(KEY * 2 * len(weak), elements) == expected
    assert set(seen) == {GOOD}
    assert len(seen) == 48


@pytest.mark.parametrize(
    ("name", "u"),
    [
        ("p stands for 0", P),
        ("p + 1 stands for 1", P + 1),
        ("p + 9 stands for the base point", P + 9),
        ("2^255 - 1 stands for 18", 2**255 - 1),
        ("the unused top bit set", 2**255 + 9),
        ("2^256 - 1", 2**256 - 1),
    ],
)
def test_non_canonical_encoding_attack_second_name_of_an_element_refused_before_any_backend(name, u):
    """A second encoding of one element would pass a check for doubles, or mark a session."""
    assert name
    refuse_alone_and_among_good_ones(row(u))


@pytest.mark.parametrize("u", [*LOW_ORDER, P - 1, P, P + 1])
def test_small_subgroup_attack_point_of_low_order_refused_before_any_backend(u):
    """The product is zero for every key: a peer would force the value of the function."""
    refuse_alone_and_among_good_ones(row(u))


@pytest.mark.parametrize("u", LOW_ORDER)
def test_small_subgroup_attack_list_holds_exactly_points_whose_product_is_zero(u):
    for key in (bytes(32), b"\xff" * 32, os.urandom(32)):
        with pytest.raises(InvalidElementError, match="all-zero"):
            OpensslBackend().multiply(key, row(u))


def test_small_subgroup_attack_list_is_complete_below_the_band():
    """The points of low order are the roots of u, u ± 1 and (u² − 1)² + 4u(u² + Au + 1) − …, by doubling."""
    a = 486662

    def doubled(u):
        denominator = 4 * u * (u * u + a * u + 1) % P
        return None if denominator == 0 else (u * u - 1) ** 2 * pow(denominator, -1, P) % P

    orders = {u: [u] for u in [*LOW_ORDER, P - 1]}
    for u, chain in orders.items():
        while (following := doubled(chain[-1])) is not None:
            chain.append(following)
        assert chain[-1] == 0, u
    assert sorted(len(chain) for chain in orders.values()) == [1, 2, 2, 3, 3]


class ZeroBackend(OpensslBackend):
    """A backend that gives zero without an error."""

    def multiply(self, scalar, elements):
        return elements[:-32] + bytes(32)

    def multiply_each(self, scalars, elements):
        return elements[:-32] + bytes(32)


def test_small_subgroup_attack_zero_product_that_a_backend_passes_on_is_refused():
    suite = X25519Ell2(ZeroBackend())
    blinds, pair = suite.prepare_blinds(2, os.urandom), suite.session_blind(os.urandom)
    for attempt in (
        lambda: suite.blind_evaluate(KEY, GOOD * 2),
        lambda: suite.unblind(GOOD * 2, blinds),
        lambda: suite.blind(GOOD * 2, blinds),
        lambda: suite.unblind_with_one(GOOD * 2, pair),
    ):
        with pytest.raises(InvalidElementError, match="all-zero"):
            attempt()


@pytest.mark.parametrize("length", [1, 8, 31, 33, 63, 65, 32 * 100 - 1])
def test_truncated_and_oversized_buffer_attack_refused_before_any_backend(length):
    spy = Spy()
    suite = X25519Ell2(spy)
    for attempt in (
        lambda: suite.check_elements(bytes([9]) * length),
        lambda: suite.blind_evaluate(KEY, bytes([9]) * length),
        lambda: suite.unblind(bytes([9]) * length, suite.prepare_blinds(1, os.urandom)),
        lambda: suite.finalize([b"input"], bytes([9]) * length, suite.prepare_blinds(1, os.urandom)),
    ):
        with pytest.raises(InvalidElementError, match="not whole"):
            attempt()
    assert spy.calls == 0


def test_twist_attack_points_on_the_twist_pass_and_backends_agree():
    """X25519 is safe on the twist; refusing its points would cost a square test for each element."""
    elements = b"".join(row(u) for u in range(2, 200))
    expected = OpensslBackend().multiply(KEY, elements)
    assert X25519Ell2(OpensslBackend()).blind_evaluate(KEY, elements) == expected
    try:
        assert X25519Ell2(MultibufferBackend()).blind_evaluate(KEY, elements) == expected
    except BackendError as error:
        pytest.skip(f"the multi-buffer backend cannot run here: {error.detail}")


def test_secret_leak_through_messages_no_key_scalar_or_element_in_any_error_or_repr():
    suite = X25519Ell2(Spy())
    blinds = suite.prepare_blinds(1, os.urandom)
    element = row(P - 2)
    secrets = [KEY, element, blinds.scalars.tobytes(), blinds.inverses.tobytes()]
    shown = [
        repr(blinds),
        str(blinds),
        f"{blinds!r}",
        repr(suite),
        repr(vars(suite)),
        *refuse_everywhere(element),
    ]
    for attempt in (
        lambda: suite.blind_evaluate(KEY[:-1], GOOD),
        lambda: suite.multiply(KEY * 2, GOOD),
        lambda: suite.blind(GOOD * 2, blinds),
        lambda: suite.derive_key(KEY[:31], b""),
        lambda: OpensslBackend().multiply(KEY, bytes(32)),
        lambda: OpensslBackend().multiply_each(KEY, bytes(64)),
    ):
        with pytest.raises((ValueError, InvalidElementError)) as caught:
            attempt()
        shown += [str(caught.value), repr(caught.value), repr(caught.value.__cause__)]
    for text in shown:
        for secret in secrets:
            assert secret.hex()[:16] not in text
            assert secret.hex()[-16:] not in text
            assert repr(secret)[2:20] not in text
            assert str(int.from_bytes(secret, "little"))[:16] not in text


RISTRETTO_REFUSED = {
    "identity": bytes(32),
    "non-canonical field element p": row(P),
    "non-canonical field element 2^255 - 1": row(2**255 - 1),
    "non-canonical field element with the top bit": row(2**255 + 2),
    "negative field element 1": row(1),
    "negative field element p - 2": row(P - 2),
    "field element p - 1": row(P - 1),
    "all bits set": b"\xff" * 32,
}


@pytest.mark.parametrize("name", RISTRETTO_REFUSED)
def test_ristretto_non_canonical_and_identity_attack_refused(name):
    suite, element = Ristretto255(), RISTRETTO_REFUSED[name]
    good = suite.hash_to_curve([b"good"])
    key = suite.derive_key(bytes(32), b"")
    for elements in (element, good + element, element + good):
        count = len(elements) // 32
        blinds = suite.prepare_blinds(count, os.urandom)
        for attempt in (
            lambda elements=elements: suite.check_elements(elements),
            lambda elements=elements: suite.blind_evaluate(key, elements),
            lambda elements=elements, blinds=blinds: suite.unblind(elements, blinds),
            lambda elements=elements, count=count, blinds=blinds: suite.finalize(
                [b""] * count, elements, blinds
            ),
            lambda elements=elements: suite.unblind_with_one(elements, suite.session_blind(os.urandom)),
        ):
            with pytest.raises(InvalidElementError):
                attempt()


def test_ristretto_random_bytes_attack_mostly_refused_never_crash():
    suite = get_suite("ristretto255-SHA512")
    refused = 0
    for _ in range(100):
        try:
            suite.check_elements(os.urandom(32))
        except InvalidElementError:
            refused += 1
    assert refused > 70
