"""The default suite, X25519-ELL2-SHA512.

Elements are u-coordinates on Curve25519, hashed to with Elligator 2, multiplied with X25519 and checked
before every multiplication (`symbolon.oprf.element`); points on the twist pass. Keys and blinding scalars
are clamped, so that the cofactor cancels. Refuses what `Suite` says.

Multiplications are constant time in both backends. Inversion of blinding scalars and hashing to the curve
are not (gmpy2): they run ahead of a session, on values that no peer chooses or times.

Source: RFC 7748 section 5, RFC 9380 section 8.5, RFC 9497 section 3.3.1; DESIGN "The private exchange",
points 1 to 4 and 9.
"""

from collections.abc import Sequence

from symbolon.errors import BackendError
from symbolon.oprf import blinding, hashing
from symbolon.oprf.backend import Backend
from symbolon.oprf.blinding import Blinds, Rng, clamp
from symbolon.oprf.curve25519 import ELEMENT_BYTES
from symbolon.oprf.element import check_elements, in_band, refuse_zero
from symbolon.oprf.key_schedule import expand_seed
from symbolon.oprf.suite import X25519_ELL2_SHA512

DST = b"symbolon-v1-" + X25519_ELL2_SHA512.encode()
KEY_BYTES = ELEMENT_BYTES


class X25519Ell2:
    """The default suite on a backend; see `symbolon.oprf.suite.Suite` for the methods.

    Args:
        backend: what multiplies.
    """

    name = X25519_ELL2_SHA512
    dst = DST
    element_bytes = ELEMENT_BYTES

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    @property
    def backend_name(self) -> str:
        """Name of the backend."""
        return self._backend.name

    def hash_to_curve(self, inputs: Sequence[bytes]) -> bytes:
        """See `Suite.hash_to_curve`."""
        return hashing.hash_to_curve(inputs, self.dst)

    def prepare_blinds(self, n: int, rng: Rng) -> Blinds:
        """See `Suite.prepare_blinds`."""
        return blinding.prepare(n, rng)

    def blind(self, elements: bytes, blinds: Blinds) -> bytes:
        """See `Suite.blind`."""
        _check_count(elements, blinds)
        check_elements(elements)
        blinded = self._backend.multiply_each(blinds.scalars.tobytes(), elements)
        while (refused := in_band(blinded)).size:
            blinding.redraw(blinds, refused)
            blinded = self._backend.multiply_each(blinds.scalars.tobytes(), elements)
        refuse_zero(blinded)
        return blinded

    def padding(self, n: int, rng: Rng) -> bytes:
        """See `Suite.padding`."""
        scalars = clamp(rng(ELEMENT_BYTES * n))
        dummies = self._backend.multiply_base(scalars.tobytes())
        while (refused := in_band(dummies)).size:
            scalars[refused] = clamp(rng(ELEMENT_BYTES * refused.size))
            dummies = self._backend.multiply_base(scalars.tobytes())
        return dummies

    def check_elements(self, elements: bytes) -> None:
        """See `Suite.check_elements`."""
        check_elements(elements)

    def blind_evaluate(self, key: bytes, elements: bytes) -> bytes:
        """See `Suite.blind_evaluate`."""
        return self._multiply_checked(key, elements)

    def unblind(self, evaluated: bytes, blinds: Blinds) -> bytes:
        """See `Suite.unblind`."""
        check_elements(evaluated)
        _check_count(evaluated, blinds)
        unblinded = self._backend.multiply_each(blinds.inverses.tobytes(), evaluated)
        refuse_zero(unblinded)
        return unblinded

    def outputs(self, inputs: Sequence[bytes], unblinded: bytes) -> bytes:
        """See `Suite.outputs`."""
        return hashing.outputs(inputs, unblinded)

    def finalize(self, inputs: Sequence[bytes], evaluated: bytes, blinds: Blinds) -> bytes:
        """See `Suite.finalize`."""
        return hashing.outputs(inputs, self.unblind(evaluated, blinds))

    def evaluate(self, key: bytes, inputs: Sequence[bytes], points: bytes) -> bytes:
        """See `Suite.evaluate`."""
        return hashing.outputs(inputs, self._multiply_checked(key, points))

    def derive_key(self, seed: bytes, context: bytes) -> bytes:
        """See `Suite.derive_key`."""
        return clamp(expand_seed(seed, context, KEY_BYTES)).tobytes()

    def session_blind(self, rng: Rng) -> Blinds:
        """See `Suite.session_blind`."""
        return blinding.prepare(1, rng)

    def blind_with_one(self, elements: bytes, pair: Blinds) -> bytes:
        """See `Suite.blind_with_one`."""
        _check_one(pair)
        blinded = self._multiply_checked(pair.scalars.tobytes(), elements)
        if in_band(blinded).size:
            raise BackendError("a blinded element came out too near p; begin again with another pair")
        return blinded

    def unblind_with_one(self, evaluated: bytes, pair: Blinds) -> bytes:
        """See `Suite.unblind_with_one`."""
        _check_one(pair)
        return self._multiply_checked(pair.inverses.tobytes(), evaluated)

    def multiply(self, key: bytes, points: bytes) -> bytes:
        """See `Suite.multiply`."""
        return self._multiply_checked(key, points)

    def _multiply_checked(self, scalar: bytes, elements: bytes) -> bytes:
        if len(scalar) != KEY_BYTES:
            raise ValueError(f"a key has {KEY_BYTES} bytes, not {len(scalar)}")
        check_elements(elements)
        products = self._backend.multiply(scalar, elements)
        refuse_zero(products)
        return products


def _check_count(elements: bytes, blinds: Blinds) -> None:
    if len(elements) != ELEMENT_BYTES * len(blinds):
        raise ValueError(f"{len(elements)} bytes of elements do not go with {len(blinds)} blinding pairs")


def _check_one(pair: Blinds) -> None:
    if len(pair) != 1:
        raise ValueError(f"one blinding pair is wanted, not {len(pair)}")
