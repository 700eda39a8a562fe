"""Rows of little-endian bytes to gmpy2 integers and back, and the inverses of a whole batch.

One conversion handles a whole buffer, so that a number costs tens of nanoseconds and not a Python call.
Rows must be whole; values must fit their row. gmpy2 is not constant time and does not wipe its memory: an
observer who times this process precisely may learn something of the numbers; the network does not see it.

Source: P. L. Montgomery, "Speeding the Pollard and elliptic curve methods of factorization" (1987), section
10.3.1, for one inversion in a batch.
"""

from itertools import repeat
from operator import mod, mul
from typing import Any

import gmpy2  # type: ignore[import-untyped, unused-ignore]

# gmpy2 carries no type hints. Its integers behave as int does.
Integer = Any

_POSITIVE_HEADER = b"\x01\x01"
"""What gmpy2.to_binary writes before the little-endian bytes of a positive integer."""


def integers_from_rows(rows: bytes, row_bytes: int) -> list[Integer]:
    """Reads a buffer of little-endian rows as integers.

    Args:
        rows: `n × row_bytes` bytes.
        row_bytes: width of a row.

    Returns:
        `n` integers, in the order of the rows.
    """
    count = len(rows) // row_bytes
    # A one above all rows keeps the leading zeros of the last ones, and a number where there are none.
    whole = gmpy2.from_binary(_POSITIVE_HEADER + rows + b"\x01")
    return list(gmpy2.unpack(whole, 8 * row_bytes)[:count])


def rows_from_integers(values: list[Integer], row_bytes: int) -> bytes:
    """Writes integers as a buffer of little-endian rows; the reverse of `integers_from_rows`.

    Args:
        values: `n` integers, each from 0 to 2^(8·row_bytes) − 1.
        row_bytes: width of a row.

    Returns:
        `n × row_bytes` bytes.
    """
    whole = gmpy2.pack([*values, gmpy2.mpz(1)], 8 * row_bytes)
    return bytes(gmpy2.to_binary(whole)[len(_POSITIVE_HEADER) :][: row_bytes * len(values)])


def products(left: list[Integer], right: list[Integer], modulus: Integer) -> list[Integer]:
    """Multiplies two lists of equal length element by element.

    Args:
        left: `n` integers.
        right: `n` integers.
        modulus: positive.

    Returns:
        `n` products modulo `modulus`.
    """
    return list(map(mod, map(mul, left, right), repeat(modulus)))


def inverses(values: list[Integer], modulus: Integer) -> list[Integer]:
    """Inverts a batch with one inversion and three multiplications a value, in a tree of products.

    Args:
        values: `n` integers, none divisible by the modulus.
        modulus: a prime.

    Returns:
        `n` inverses modulo `modulus`, each from 1 to modulus − 1.

    Raises:
        ZeroDivisionError: a value is divisible by the modulus.
    """
    if not values:
        return []
    levels: list[list[Integer]] = []
    level = values
    while len(level) > 1:
        if len(level) % 2:
            level = [*level, gmpy2.mpz(1)]
        levels.append(level)
        level = products(level[0::2], level[1::2], modulus)
    inverted = [gmpy2.invert(level[0], modulus)]
    for level in reversed(levels):
        children = [modulus] * len(level)
        children[0::2] = products(inverted, level[1::2], modulus)
        children[1::2] = products(inverted, level[0::2], modulus)
        inverted = children
    return inverted[: len(values)]
