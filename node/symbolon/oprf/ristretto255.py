"""The suite ristretto255-SHA512 of RFC 9497 in mode OPRF, through libsodium (`rbcl`).

For policies that require a suite that is standard to the letter; about eight times slower than the default.
Elements are encodings of ristretto255. Refused are the identity, encodings that are not canonical (libsodium
decodes before it multiplies) and zero scalars. The group has prime order, so there is nothing to clamp.

Multiplications are constant time in libsodium. The inversion of blinding scalars is not (gmpy2): it runs
ahead of a session, on values that no peer chooses or times.

Source: RFC 9497 sections 3.1, 3.3.1 and 4.1; RFC 9496 section 4.
"""

from collections.abc import Callable, Sequence

import numpy as np
import rbcl  # type: ignore[import-untyped, unused-ignore]

from symbolon.errors import BackendError, InvalidElementError
from symbolon.oprf import hashing
from symbolon.oprf.blinding import Blinds, Rng
from symbolon.oprf.curve25519 import ELEMENT_BYTES, GROUP_ORDER
from symbolon.oprf.integers import integers_from_rows, inverses, rows_from_integers
from symbolon.oprf.key_schedule import expand_seed
from symbolon.oprf.suite import RISTRETTO255_SHA512

CONTEXT_STRING = b"OPRFV1-\x00-" + RISTRETTO255_SHA512.encode()
DST = b"HashToGroup-" + CONTEXT_STRING
KEY_BYTES = 32

_WIDE_BYTES = 64
"""Uniform bytes for a scalar or an element: twice the order, so that the bias is nil."""

_IDENTITY = bytes(ELEMENT_BYTES)
_BATCH = 4096


class Ristretto255:
    """RFC 9497's ristretto255-SHA512; see `symbolon.oprf.suite.Suite` for the methods."""

    name = RISTRETTO255_SHA512
    dst = DST
    element_bytes = ELEMENT_BYTES
    backend_name = "libsodium"

    def hash_to_curve(self, inputs: Sequence[bytes]) -> bytes:
        """See `Suite.hash_to_curve`; HashToGroup of RFC 9497 section 4.1."""
        hashing.check_inputs(inputs)
        to_group = rbcl.crypto_core_ristretto255_from_hash
        return b"".join(
            [to_group(hashing.expand_message_xmd(data, self.dst, _WIDE_BYTES)) for data in inputs],
        )

    def prepare_blinds(self, n: int, rng: Rng) -> Blinds:
        """See `Suite.prepare_blinds`."""
        blinds = Blinds(np.empty((n, KEY_BYTES), np.uint8), np.empty((n, KEY_BYTES), np.uint8), rng)
        for start in range(0, n, _BATCH):
            part = blinds[start : start + _BATCH]
            scalars = _random_scalars(len(part), rng)
            values = integers_from_rows(scalars, KEY_BYTES)
            part.scalars[:] = _rows(scalars)
            part.inverses[:] = _rows(rows_from_integers(inverses(values, GROUP_ORDER), KEY_BYTES))
        return blinds

    def blind(self, elements: bytes, blinds: Blinds) -> bytes:
        """See `Suite.blind`."""
        return _multiply_each(blinds.scalars.tobytes(), elements)

    def padding(self, n: int, rng: Rng) -> bytes:
        """See `Suite.padding`."""
        scalars = _random_scalars(n, rng)
        multiply_base = rbcl.crypto_scalarmult_ristretto255_base
        return b"".join(
            [multiply_base(scalars[at : at + KEY_BYTES]) for at in range(0, len(scalars), KEY_BYTES)]
        )

    def check_elements(self, elements: bytes) -> None:
        """See `Suite.check_elements`."""
        _check_length(elements)
        is_valid = rbcl.crypto_core_ristretto255_is_valid_point
        for at in range(0, len(elements), ELEMENT_BYTES):
            element = elements[at : at + ELEMENT_BYTES]
            if element == _IDENTITY or not is_valid(element):
                raise InvalidElementError(f"element {at // ELEMENT_BYTES} is the identity or not canonical")

    def blind_evaluate(self, key: bytes, elements: bytes) -> bytes:
        """See `Suite.blind_evaluate`."""
        return _multiply(key, elements)

    def unblind(self, evaluated: bytes, blinds: Blinds) -> bytes:
        """See `Suite.unblind`."""
        return _multiply_each(blinds.inverses.tobytes(), evaluated)

    def outputs(self, inputs: Sequence[bytes], unblinded: bytes) -> bytes:
        """See `Suite.outputs`."""
        return hashing.outputs(inputs, unblinded)

    def finalize(self, inputs: Sequence[bytes], evaluated: bytes, blinds: Blinds) -> bytes:
        """See `Suite.finalize`."""
        return hashing.outputs(inputs, self.unblind(evaluated, blinds))

    def evaluate(self, key: bytes, inputs: Sequence[bytes], points: bytes) -> bytes:
        """See `Suite.evaluate`."""
        return hashing.outputs(inputs, _multiply(key, points))

    def derive_key(self, seed: bytes, context: bytes) -> bytes:
        """See `Suite.derive_key`; 64 bytes reduced modulo the order, never zero."""
        key = _reduce(expand_seed(seed, context, _WIDE_BYTES))
        if key == bytes(KEY_BYTES):  # 2^-252
            raise BackendError("the derived key is zero; draw another seed")
        return key

    def session_blind(self, rng: Rng) -> Blinds:
        """See `Suite.session_blind`."""
        return self.prepare_blinds(1, rng)

    def blind_with_one(self, elements: bytes, pair: Blinds) -> bytes:
        """See `Suite.blind_with_one`."""
        return _multiply(pair.scalars.tobytes(), elements)

    def unblind_with_one(self, evaluated: bytes, pair: Blinds) -> bytes:
        """See `Suite.unblind_with_one`."""
        return _multiply(pair.inverses.tobytes(), evaluated)

    def multiply(self, key: bytes, points: bytes) -> bytes:
        """See `Suite.multiply`."""
        return _multiply(key, points)


def _rows(scalars: bytes) -> "np.ndarray[tuple[int, int], np.dtype[np.uint8]]":
    return np.frombuffer(scalars, np.uint8).reshape(-1, KEY_BYTES)


def _reduce(wide: bytes) -> bytes:
    """Reduces rows of 64 little-endian bytes modulo the order."""
    return rows_from_integers(
        [value % GROUP_ORDER for value in integers_from_rows(wide, _WIDE_BYTES)], KEY_BYTES
    )


def _random_scalars(count: int, rng: Rng) -> bytes:
    """Uniform scalars, none zero."""
    while True:
        scalars = _reduce(rng(_WIDE_BYTES * count))
        if _rows(scalars).any(axis=1).all():
            return scalars


def _check_length(elements: bytes) -> None:
    if len(elements) % ELEMENT_BYTES:
        raise InvalidElementError(
            f"a buffer of {len(elements)} bytes is not whole {ELEMENT_BYTES}-byte elements"
        )


def _multiply(scalar: bytes, elements: bytes) -> bytes:
    if len(scalar) != KEY_BYTES:
        raise ValueError(f"a scalar has {KEY_BYTES} bytes, not {len(scalar)}")
    _check_length(elements)
    multiply: Callable[[bytes, bytes], bytes] = rbcl.crypto_scalarmult_ristretto255
    try:
        return b"".join(
            [
                multiply(scalar, elements[at : at + ELEMENT_BYTES])
                for at in range(0, len(elements), ELEMENT_BYTES)
            ]
        )
    except RuntimeError:
        raise InvalidElementError("an element is the identity or not canonical") from None


def _multiply_each(scalars: bytes, elements: bytes) -> bytes:
    _check_length(elements)
    if len(scalars) != len(elements):
        raise ValueError(
            f"{len(elements)} bytes of elements do not go with {len(scalars) // KEY_BYTES} scalars"
        )
    multiply: Callable[[bytes, bytes], bytes] = rbcl.crypto_scalarmult_ristretto255
    try:
        return b"".join(
            [
                multiply(scalars[at : at + KEY_BYTES], elements[at : at + KEY_BYTES])
                for at in range(0, len(elements), KEY_BYTES)
            ]
        )
    except RuntimeError:
        raise InvalidElementError("an element is the identity or not canonical") from None
