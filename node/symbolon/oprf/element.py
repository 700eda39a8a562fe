"""What an element of the default suite must look like before any multiplication sees it.

Handles buffers of 32-byte little-endian u-coordinates. Refuses, before any backend runs: a buffer that is
not whole elements; the band, that is an element whose last 8 bytes read as a little-endian integer are
2^63 − 1 or more (all non-canonical encodings, and the neighbourhood of p where libcrypto_mb 2026.2.0 returns
wrong products without an error status, for p − 2 depending on a bit of the key; its other weak places are
kept from it by `symbolon.oprf.backend.multibuffer`); the points of low order,
whose product with every clamped scalar is zero. Points on the twist pass: X25519 is defined for them and
their order is as safe. `refuse_zero` guards what comes back from a backend.

An honest element lies in the band with a probability of 2^-63.

Source: RFC 7748 sections 5 and 6.1; DESIGN "The private exchange", point 3.
"""

import numpy as np
import numpy.typing as npt

from symbolon.errors import InvalidElementError
from symbolon.oprf.curve25519 import ELEMENT_BYTES

BAND_START = np.uint64(2**63 - 1)
"""First value of the last 8 bytes, as a little-endian integer, that is refused."""

LOW_ORDER = (
    0,  # order 2, on the curve and on the twist
    1,  # order 4, on the curve; p − 1, of order 4 on the twist, lies in the band
    325606250916557431795983626356110631294008115727848805560023387167927233504,  # order 8
    39382357235489614581723060781553021112529911719440698176882885853963445705823,  # order 8
)
"""The u-coordinates of low order below the band. Source: RFC 7748 section 6.1 asks for the all-zero check;
the values are the roots of the 8-division polynomial."""

_LOW_ORDER_LIMBS = np.frombuffer(b"".join(u.to_bytes(32, "little") for u in LOW_ORDER), "<u8").reshape(-1, 4)

Limbs = npt.NDArray[np.uint64]


def limbs(elements: bytes) -> Limbs:
    """Views a buffer of elements as 64-bit limbs.

    Args:
        elements: `n × 32` bytes.

    Returns:
        uint64 `[n, 4]`, least limb first; read-only, shares the buffer's memory.

    Raises:
        InvalidElementError: the length is not a multiple of 32.
    """
    if len(elements) % ELEMENT_BYTES:
        raise InvalidElementError(
            f"a buffer of {len(elements)} bytes is not whole {ELEMENT_BYTES}-byte elements"
        )
    return np.frombuffer(elements, "<u8").reshape(-1, 4)


def in_band(elements: bytes) -> npt.NDArray[np.intp]:
    """Finds elements in the refused band.

    Args:
        elements: `n × 32` bytes.

    Returns:
        Ascending indices of the elements whose last 8 bytes are 2^63 − 1 or more; mostly empty.

    Raises:
        InvalidElementError: the length is not a multiple of 32.
    """
    return np.flatnonzero(limbs(elements)[:, 3] >= BAND_START)


def check_elements(elements: bytes) -> None:
    """Refuses a batch in which any element may not be multiplied.

    Args:
        elements: `n × 32` bytes; `n` may be 0.

    Raises:
        InvalidElementError: the length is not a multiple of 32, or an element lies in the band or is of low
            order. The message names positions and kinds, never bytes.
    """
    rows = limbs(elements)
    band = rows[:, 3] >= BAND_START
    if band.any():
        raise InvalidElementError(f"element {int(band.argmax())} is not canonical or too near p")
    for row in _LOW_ORDER_LIMBS:
        suspects = np.flatnonzero(rows[:, 0] == row[0])
        if suspects.size and (low := suspects[(rows[suspects] == row).all(axis=1)]).size:
            raise InvalidElementError(f"element {int(low[0])} is of low order")


def refuse_zero(elements: bytes) -> None:
    """Refuses a batch of products in which any is all-zero.

    Args:
        elements: `n × 32` bytes out of a backend.

    Raises:
        InvalidElementError: a product is zero: its factor was of low order.
    """
    if not limbs(elements).any(axis=1).all():
        raise InvalidElementError("a multiplication came out all-zero")
