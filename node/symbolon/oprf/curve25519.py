"""Numbers of Curve25519 that several modules of this package share.

Handles nothing by itself; gives the field, the group order and the width of an element as gmpy2 integers.

Source: RFC 7748 section 4.1.
"""

from gmpy2 import mpz  # type: ignore[import-untyped, unused-ignore]

ELEMENT_BYTES = 32
"""An element is the u-coordinate of a point, 32 little-endian bytes; a scalar is as long."""

FIELD_PRIME = mpz(2) ** 255 - 19
"""p: coordinates are integers below it."""

GROUP_ORDER = mpz(2) ** 252 + 27742317777372353535851937790883648493
"""ℓ: the prime order of the subgroup that the base point u = 9 generates. ℓ mod 8 = 5; the cofactor is 8."""

MONTGOMERY_A = 486662
"""A (RFC 9380 writes J) in v² = u³ + A·u² + u."""
