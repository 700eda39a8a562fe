"""The oblivious pseudorandom function: what a receiver and a sender compute on match keys.

The functions here work on the default suite, X25519-ELL2-SHA512, with the backend chosen at start. All take
and give batches: `n` rows in one buffer. `symbolon.oprf.suite` has the same behind an interface, for both
suites and with blinding prepared ahead; the exchange uses that.

Refused, before anything is multiplied: elements that are not canonical, near p or of low order
(`InvalidElementError`).

Source: RFC 9497, RFC 9380, RFC 7748; DESIGN "The private exchange", points 1 to 4.
"""

from collections.abc import Sequence

from symbolon.oprf import hashing
from symbolon.oprf.blinding import Blinds, Rng
from symbolon.oprf.curve25519 import ELEMENT_BYTES
from symbolon.oprf.suite import DEFAULT_SUITE, get_suite

__all__ = ["blind", "blind_evaluate", "evaluate", "finalize", "hash_to_curve"]


def hash_to_curve(inputs: Sequence[bytes], dst: bytes) -> bytes:
    """Maps inputs to elements.

    Args:
        inputs: `n` inputs of at most 65,535 bytes.
        dst: domain separation tag, 1 to 255 bytes; `get_suite(...).dst` is the one of the protocol.

    Returns:
        `n × 32` bytes: for each input the u-coordinate, little-endian, of the point Q that
        curve25519_XMD:SHA-512_ELL2_NU_ reaches before it clears the cofactor.

    Raises:
        ValueError: an input or the tag is too long, or the tag is empty.

    Source: RFC 9380 section 8.5.
    """
    return hashing.hash_to_curve(inputs, dst)


def blind(elements: bytes, rng: Rng) -> tuple[bytes, bytes]:
    """Blinds elements, each with a scalar of its own that is used once.

    Args:
        elements: `n × 32` bytes, from `hash_to_curve`.
        rng: gives that many fresh random bytes; `os.urandom` outside tests.

    Returns:
        The blinded elements to send, `n × 32` bytes, and the blinds to keep for `finalize`, `n × 32` bytes:
        the scalar r′ of each that undoes its blinding. They are secret.

    Raises:
        InvalidElementError: an element may not be multiplied.
        BackendError: the backend failed.

    Source: RFC 9497 section 3.3.1 (Blind); DESIGN "The private exchange", point 2.
    """
    suite = get_suite(DEFAULT_SUITE)
    suite.check_elements(elements)
    blinds = suite.prepare_blinds(len(elements) // ELEMENT_BYTES, rng)
    blinded = suite.blind(elements, blinds)
    return blinded, blinds.inverses.tobytes()


def blind_evaluate(secret_key: bytes, elements: bytes) -> bytes:
    """Multiplies a peer's blinded elements by the key.

    Args:
        secret_key: 32 bytes; clamped as X25519 does.
        elements: `n × 32` bytes.

    Returns:
        `n × 32` bytes, in the same order.

    Raises:
        ValueError: the key's length is wrong.
        InvalidElementError: an element may not be multiplied, or a product is zero.
        BackendError: the backend failed.

    Source: RFC 9497 section 3.3.1 (BlindEvaluate); RFC 7748 section 5.
    """
    return get_suite(DEFAULT_SUITE).blind_evaluate(secret_key, elements)


def finalize(inputs: Sequence[bytes], evaluated: bytes, blinds: bytes) -> bytes:
    """Unblinds what the sender evaluated and hashes it to the function's values.

    Args:
        inputs: `n` inputs of at most 65,535 bytes.
        evaluated: `n × 32` bytes, from `blind_evaluate`.
        blinds: `n × 32` bytes, from `blind`.

    Returns:
        `n × 64` bytes, equal to `evaluate` of the same inputs.

    Raises:
        ValueError: the counts differ or an input is too long.
        InvalidElementError: an evaluated element may not be multiplied, or a product is zero.
        BackendError: the backend failed.

    Source: RFC 9497 section 3.3.1 (Finalize).
    """
    if len(blinds) != ELEMENT_BYTES * len(inputs):
        raise ValueError(f"{len(inputs)} inputs do not go with {len(blinds)} bytes of blinds")
    return get_suite(DEFAULT_SUITE).finalize(inputs, evaluated, Blinds.for_unblinding(blinds))


def evaluate(secret_key: bytes, inputs: Sequence[bytes], dst: bytes) -> bytes:
    """Computes the function's values directly, as the holder of the key can.

    Args:
        secret_key: 32 bytes; clamped as X25519 does.
        inputs: `n` inputs of at most 65,535 bytes.
        dst: domain separation tag, 1 to 255 bytes.

    Returns:
        `n × 64` bytes.

    Raises:
        ValueError: a length is wrong.
        BackendError: the backend failed.

    Source: RFC 9497 section 3.3.1 (Evaluate).
    """
    return get_suite(DEFAULT_SUITE).evaluate(secret_key, inputs, hash_to_curve(inputs, dst))
