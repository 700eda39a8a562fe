"""Blinding scalars of the default suite: pairs (r, r′), prepared ahead, a batch at a time.

r is a uniform clamped scalar: a multiple of 8 in [2^254, 2^255). r′ is the clamped representative of r⁻¹ or
of −r⁻¹ mod ℓ; since u-coordinates do not see the sign, X25519(r′, X25519(r, H)) is H's part in the group of
order ℓ. With R = r⁻¹ mod ℓ and ℓ ≡ 5 mod 8, t = R + ((3R) mod 8)·ℓ is the one representative of R in [0, 8ℓ)
that is a multiple of 8; where it is below 2^254, 8ℓ − t represents −R and is above. What falls outside
[2^254, 2^255) all the same (2^-124) is drawn again.

Every r hides its element unconditionally and is used for one blinding. The inversion goes through gmpy2,
which is not constant time and does not wipe its memory: it runs on this node alone, before the session, on
values that no peer can choose or time.

Source: RFC 7748 section 5 (clamping); DESIGN "The private exchange", point 2.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from symbolon.oprf.curve25519 import ELEMENT_BYTES, GROUP_ORDER
from symbolon.oprf.integers import integers_from_rows, inverses, rows_from_integers

Rng = Callable[[int], bytes]
"""Gives that many fresh random bytes; `os.urandom` outside tests."""

Rows = npt.NDArray[np.uint8]

_BATCH = 4096
"""Pairs inverted together: the one inversion is nil beside them, and the tree of products stays in cache."""

_ORDER_MULTIPLES = np.frombuffer(
    b"".join(int(j * GROUP_ORDER).to_bytes(32, "little") for j in range(9)), "<u8"
).reshape(9, 4)
_LOWEST_TOP_LIMB = np.uint64(2**62)
_HIGHEST_TOP_LIMB = np.uint64(2**63 - 1)


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Blinds:
    """Blinding pairs for a row of elements; opaque outside this package.

    A slice shares memory with the whole, so a session may stream `blinds[a:b]` and still redraw a pair.

    Attributes:
        scalars: uint8 `[n, 32]`, r of each element.
        inverses: uint8 `[n, 32]`, r′ of each element.
        rng: source of a redraw.
    """

    scalars: Rows = field(repr=False)
    inverses: Rows = field(repr=False)
    rng: Rng = field(repr=False)

    @classmethod
    def for_unblinding(cls, inverses: bytes) -> "Blinds":
        """Makes blinds that can unblind only, from the r′ that were kept.

        Args:
            inverses: `n × 32` bytes.

        Returns:
            `n` blinds without r.

        Raises:
            ValueError: the length is not a multiple of 32.
        """
        rows = np.frombuffer(inverses, np.uint8).reshape(-1, ELEMENT_BYTES)
        return cls(rows[:0], rows, _no_redraw)

    def __len__(self) -> int:
        return len(self.inverses)

    def __getitem__(self, rows: slice) -> "Blinds":
        return Blinds(self.scalars[rows], self.inverses[rows], self.rng)

    def __repr__(self) -> str:
        return f"Blinds({len(self)} pairs, redacted)"


def _no_redraw(length_bytes: int) -> bytes:
    raise ValueError("these blinds can unblind only")


def clamp(scalars: bytes) -> Rows:
    """Clears bits 0 to 2 and 255 and sets bit 254 of each scalar.

    Args:
        scalars: `n × 32` bytes.

    Returns:
        uint8 `[n, 32]`, a copy that may be written.

    Source: RFC 7748 section 5, decodeScalar25519.
    """
    rows = np.frombuffer(scalars, np.uint8).reshape(-1, ELEMENT_BYTES).copy()
    rows[:, 0] &= 248
    rows[:, 31] &= 127
    rows[:, 31] |= 64
    return rows


def prepare(count: int, rng: Rng) -> Blinds:
    """Draws blinding pairs.

    Args:
        count: number of pairs, 0 or more.
        rng: gives random bytes; called about once for 4,096 pairs.

    Returns:
        `count` fresh pairs.
    """
    blinds = Blinds(
        np.empty((count, ELEMENT_BYTES), np.uint8), np.empty((count, ELEMENT_BYTES), np.uint8), rng
    )
    for start in range(0, count, _BATCH):
        redraw(blinds, np.arange(start, min(start + _BATCH, count)))
    return blinds


def redraw(blinds: Blinds, positions: npt.NDArray[np.intp]) -> None:
    """Replaces pairs by fresh ones, in place.

    Args:
        blinds: the pairs.
        positions: intp `[m]`, which to replace.
    """
    while positions.size:
        scalars = clamp(blinds.rng(ELEMENT_BYTES * positions.size))
        inverted, good = clamped_inverses(scalars)
        blinds.scalars[positions] = scalars
        blinds.inverses[positions] = inverted
        positions = positions[~good]


def clamped_inverses(scalars: Rows) -> tuple[Rows, npt.NDArray[np.bool_]]:
    """Computes r′ for clamped r.

    Args:
        scalars: uint8 `[n, 32]`, clamped; no clamped scalar is divisible by ℓ.

    Returns:
        uint8 `[n, 32]` with r′ of each, and bool `[n]`: False where no clamped representative exists (2^-124)
        and the row is meaningless.
    """
    values = integers_from_rows(scalars.tobytes(), ELEMENT_BYTES)
    rows = rows_from_integers(inverses(values, GROUP_ORDER), ELEMENT_BYTES)
    reduced = np.frombuffer(rows, "<u8").reshape(-1, 4)
    lifted = _add(reduced, _ORDER_MULTIPLES[(reduced[:, 0] * np.uint64(3)) & np.uint64(7)])
    low = np.flatnonzero(lifted[:, 3] < _LOWEST_TOP_LIMB)
    lifted[low] = _subtract(_ORDER_MULTIPLES[8], lifted[low])
    good = (lifted[:, 3] >= _LOWEST_TOP_LIMB) & (lifted[:, 3] <= _HIGHEST_TOP_LIMB)
    return lifted.view(np.uint8), good


def _add(left: npt.NDArray[np.uint64], right: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """Adds rows of four 64-bit limbs; sums stay below 2^256."""
    total = left + right
    carry = total[:, 0] < left[:, 0]
    for limb in (1, 2):
        total[:, limb] += carry
        # A carry into a limb that wrapped to nothing overflows it a second way; both never happen at once.
        carry = (total[:, limb] < left[:, limb]) | (carry & (total[:, limb] == left[:, limb]))
    total[:, 3] += carry
    return total


def _subtract(left: npt.NDArray[np.uint64], right: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """Subtracts rows of four 64-bit limbs from one row; differences are not negative."""
    difference = left - right
    borrow = left[0] < right[:, 0]
    for limb in (1, 2):
        difference[:, limb] -= borrow
        borrow = (left[limb] < right[:, limb]) | (borrow & (left[limb] == right[:, limb]))
    difference[:, 3] -= borrow
    return difference
