"""The interface of a suite, and the suites by name.

A suite is an oblivious pseudorandom function on batches: the receiver blinds its inputs, the sender
multiplies them by its key, the receiver unblinds and hashes. Everything is a buffer of n fixed-width rows.
Names that this node does not offer are refused with `UnknownSuiteError`.

Source: RFC 9497 section 3 (the roles); DESIGN "The private exchange".
"""

from collections.abc import Sequence
from functools import cache
from typing import Protocol

from symbolon.errors import UnknownSuiteError
from symbolon.oprf.blinding import Blinds, Rng

X25519_ELL2_SHA512 = "X25519-ELL2-SHA512"
RISTRETTO255_SHA512 = "ristretto255-SHA512"
DEFAULT_SUITE = X25519_ELL2_SHA512
SUITE_NAMES = (X25519_ELL2_SHA512, RISTRETTO255_SHA512)


class Suite(Protocol):
    """An oblivious pseudorandom function on batches.

    Inputs are at most 65,535 bytes each. Elements are rows of `element_bytes`, outputs rows of 64 bytes, in
    the order of the inputs. Wrong lengths of what this node itself holds (inputs, blinds, keys) raise
    `ValueError`; everything wrong with elements raises `InvalidElementError`, before any multiplication.
    """

    @property
    def name(self) -> str:
        """The suite's name, as it stands on the wire and in keys."""

    @property
    def dst(self) -> bytes:
        """The domain separation tag of `hash_to_curve`."""

    @property
    def element_bytes(self) -> int:
        """Width of an element, 32."""

    @property
    def backend_name(self) -> str:
        """What multiplies: `openssl`, `multibuffer` or `libsodium`."""

    def hash_to_curve(self, inputs: Sequence[bytes]) -> bytes:
        """Maps `n` inputs to elements, `n × 32` bytes.

        Raises:
            ValueError: an input is too long.
        """

    def prepare_blinds(self, n: int, rng: Rng) -> Blinds:
        """Draws `n` blinding pairs ahead of a session; each is for one blinding."""

    def blind(self, elements: bytes, blinds: Blinds) -> bytes:
        """Blinds `n × 32` bytes of this node's own elements with `n` pairs; gives `n × 32` bytes to send.

        Where a blinded element would be refused by the peer (2^-63), its pair is redrawn within `blinds`.

        Raises:
            ValueError: the counts differ.
            InvalidElementError: an element may not be multiplied.
            BackendError: the backend failed.
        """

    def padding(self, n: int, rng: Rng) -> bytes:
        """Draws `n` dummies, `n × 32` bytes that nobody can tell from blinded elements.

        Raises:
            BackendError: the backend failed.
        """

    def check_elements(self, elements: bytes) -> None:
        """Refuses a batch from a peer in which any element may not be multiplied.

        Raises:
            InvalidElementError: which one and why.
        """

    def blind_evaluate(self, key: bytes, elements: bytes) -> bytes:
        """Multiplies `n × 32` bytes of a peer's blinded elements by the key; gives `n × 32` bytes to return.

        Raises:
            ValueError: the key's length is wrong.
            InvalidElementError: an element may not be multiplied, or a product is zero.
            BackendError: the backend failed.
        """

    def unblind(self, evaluated: bytes, blinds: Blinds) -> bytes:
        """Takes the blinding from `n × 32` bytes of a peer's evaluated elements; gives N of each, `n × 32`.

        Raises:
            ValueError: the counts differ.
            InvalidElementError: an element may not be multiplied, or a product is zero.
            BackendError: the backend failed.
        """

    def outputs(self, inputs: Sequence[bytes], unblinded: bytes) -> bytes:
        """Hashes `n` inputs with their N, `n × 32` bytes, to the function's values, `n × 64` bytes.

        Raises:
            ValueError: the counts differ or an input is too long.
        """

    def finalize(self, inputs: Sequence[bytes], evaluated: bytes, blinds: Blinds) -> bytes:
        """`outputs` of `unblind`: `n × 64` bytes. Raises what they raise."""

    def evaluate(self, key: bytes, inputs: Sequence[bytes], points: bytes) -> bytes:
        """Computes the function's values of this node's own inputs, whose elements are known already.

        Args:
            key: 32 bytes.
            inputs: `n` inputs.
            points: `n × 32` bytes, `hash_to_curve` of the inputs.

        Returns:
            `n × 64` bytes, equal to what a receiver of these inputs finalizes.

        Raises:
            ValueError: a length is wrong.
            InvalidElementError: an element may not be multiplied.
            BackendError: the backend failed.
        """

    def derive_key(self, seed: bytes, context: bytes) -> bytes:
        """Derives the key, 32 bytes, from a seed of at least 32 bytes and `KeyContext.encode()`.

        Raises:
            ValueError: the seed is too short.
        """

    def session_blind(self, rng: Rng) -> Blinds:
        """Draws the one pair that blinds all elements of a session of mode `size`."""

    def blind_with_one(self, elements: bytes, pair: Blinds) -> bytes:
        """Blinds `n × 32` bytes of this node's own elements with one pair; mode `size` only.

        Raises:
            ValueError: `pair` is not one pair.
            InvalidElementError: an element may not be multiplied.
            BackendError: the backend failed, or a blinded element would be refused by the peer (n·2^-63):
                the session starts again with another pair.
        """

    def unblind_with_one(self, evaluated: bytes, pair: Blinds) -> bytes:
        """Takes one pair's blinding from `n × 32` bytes of evaluated elements; mode `size` only.

        Raises:
            ValueError: `pair` is not one pair.
            InvalidElementError: an element may not be multiplied, or a product is zero.
            BackendError: the backend failed.
        """

    def multiply(self, key: bytes, points: bytes) -> bytes:
        """N of this node's own elements: `n × 32` bytes times the key; mode `size` needs them unhashed.

        Raises:
            ValueError: the key's length is wrong.
            InvalidElementError: an element may not be multiplied.
            BackendError: the backend failed.
        """


@cache
def get_suite(name: str, backend: str = "auto") -> Suite:
    """Finds a suite.

    Args:
        name: one of `SUITE_NAMES`.
        backend: `auto`, `openssl` or `multibuffer`; ristretto255 has one backend and ignores it.

    Returns:
        The suite, ready to use.

    Raises:
        UnknownSuiteError: this node does not offer the suite.
        BackendError: the backend was asked for by name and cannot run here.
    """
    if name == X25519_ELL2_SHA512:
        from symbolon.oprf.backend import choose_backend
        from symbolon.oprf.x25519_ell2 import X25519Ell2

        return X25519Ell2(choose_backend(backend).backend)
    if name == RISTRETTO255_SHA512:
        # Importing rbcl unpacks libsodium to a temporary file: only where this suite is used.
        from symbolon.oprf.ristretto255 import Ristretto255

        return Ristretto255()
    raise UnknownSuiteError(f"suite {name[:64]!r} is not offered; known are {', '.join(SUITE_NAMES)}")
