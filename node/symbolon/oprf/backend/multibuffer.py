"""The fast backend: eight X25519 at once through libcrypto_mb on CPUs with AVX-512 IFMA.

Buffers are handed over as tables of lane pointers that numpy computes for a whole batch at once, and one
C-level loop walks them: little happens under the interpreter's lock, and each call releases it, so that two
threads work nearly twice as fast as one. A tail of fewer than eight elements is filled up with the base
point. The status of every lane is read: each has 4 of the 32 bits, and any bit that is set refuses the batch.

libcrypto_mb 2026.2.0 multiplies some elements wrongly, without saying so, and for some of them the error
depends on leading bits of the scalar: its subtraction fails where two small field elements (below 2^220)
meet of which the second is written with p added. In the first step of the ladder that takes an element within
2^218 of a multiple of p/4. Those, with a margin (2^223), and the known cases of the second step, the roots of
u² + u + 1 and u² − u + 1, never reach the library; OpenSSL multiplies them. An honest element is one of them
with a probability of 2^-29. See docs/adr/0001.

Source: RFC 7748 section 5; crypto_mb/x25519.h and crypto_mb/status.h of Intel Cryptography Primitives
Library.
"""

from collections.abc import Iterable
from itertools import repeat

import numpy as np
import numpy.typing as npt

from symbolon.errors import BackendError, InvalidElementError
from symbolon.oprf.backend.libcrypto_mb import MultibufferLibrary, load_library
from symbolon.oprf.backend.openssl import OpensslBackend
from symbolon.oprf.backend.protocol import check_lengths

_LANES = 8
_ROW_BYTES = 32
_STATUS_BITS = 4
_STATUS_LOW_ORDER = 4
_QUARTER = np.uint64(2**61)
_MARGIN = np.uint64(2**31)
"""In the last 8 bytes of an element, as a little-endian integer, 2^61 is p/4 and 2^31 a distance of 2^223."""

_ROOTS_OF_UNITY = (np.uint64(0x47E345C9559A9A4A), np.uint64(0x381CBA36AA6565B5))
"""The same bytes of the roots of u² + u + 1 and u² − u + 1; two and two share them."""

_BASE_POINT = (9).to_bytes(_ROW_BYTES, "little")

Rows = npt.NDArray[np.uint8]
Pointers = npt.NDArray[np.uint64]


class MultibufferBackend:
    """X25519 through libcrypto_mb; see `symbolon.oprf.backend.protocol.Backend` for the methods.

    Args:
        library: what to call; loaded from the installed distributions if not given.

    Raises:
        BackendError: this machine cannot run the library; the detail says why.
    """

    name = "multibuffer"

    def __init__(self, library: MultibufferLibrary | None = None) -> None:
        self._library = library or load_library()
        self._careful = OpensslBackend()

    @property
    def version(self) -> str:
        """Version of the distribution that brought the library."""
        return self._library.version

    def multiply(self, scalar: bytes, elements: bytes) -> bytes:
        """Multiplies every element by one scalar; see `Backend.multiply`."""
        check_lengths(scalar, elements, one_scalar=True)
        fragile = _fragile(elements)
        factors = _whole_groups(_without(elements, fragile))
        result = np.empty_like(factors)
        key = np.frombuffer(scalar, np.uint8)
        key_lanes = np.full(_LANES, key.ctypes.data, np.uint64)
        out_lanes, factor_lanes = _lanes(result), _lanes(factors)
        _refuse_status(
            map(
                self._library.multiply,
                _groups(out_lanes),
                repeat(key_lanes.ctypes.data),
                _groups(factor_lanes),
            )
        )
        for at in fragile:
            product = self._careful.multiply(scalar, elements[_ROW_BYTES * at : _ROW_BYTES * (at + 1)])
            result[at] = np.frombuffer(product, np.uint8)
        return result.tobytes()[: len(elements)]

    def multiply_each(self, scalars: bytes, elements: bytes) -> bytes:
        """Multiplies every element by a scalar of its own; see `Backend.multiply_each`."""
        check_lengths(scalars, elements, one_scalar=False)
        fragile = _fragile(elements)
        keys, factors = _whole_groups(scalars), _whole_groups(_without(elements, fragile))
        result = np.empty_like(factors)
        key_lanes, out_lanes, factor_lanes = _lanes(keys), _lanes(result), _lanes(factors)
        _refuse_status(
            map(self._library.multiply, _groups(out_lanes), _groups(key_lanes), _groups(factor_lanes))
        )
        for at in fragile:
            row = slice(_ROW_BYTES * at, _ROW_BYTES * (at + 1))
            result[at] = np.frombuffer(self._careful.multiply(scalars[row], elements[row]), np.uint8)
        return result.tobytes()[: len(elements)]

    def multiply_base(self, scalars: bytes) -> bytes:
        """Multiplies the base point by each scalar; see `Backend.multiply_base`."""
        check_lengths(scalars, scalars, one_scalar=False)
        keys = _whole_groups(scalars)
        result = np.empty_like(keys)
        key_lanes, out_lanes = _lanes(keys), _lanes(result)
        _refuse_status(map(self._library.multiply_base, _groups(out_lanes), _groups(key_lanes)))
        return result.tobytes()[: len(scalars)]


def _fragile(elements: bytes) -> list[int]:
    """Positions of the elements that the library may multiply wrongly; mostly none."""
    last = np.frombuffer(elements, "<u8")[3::4]
    weak = ((last + _MARGIN) & (_QUARTER - np.uint64(1))) < np.uint64(2) * _MARGIN
    for root in _ROOTS_OF_UNITY:
        weak |= last == root
    return np.flatnonzero(weak).tolist()


def _without(elements: bytes, positions: list[int]) -> bytes:
    """The elements with the base point at these positions."""
    if not positions:
        return elements
    rows = np.frombuffer(elements, np.uint8).reshape(-1, _ROW_BYTES).copy()
    rows[positions] = np.frombuffer(_BASE_POINT, np.uint8)
    return rows.tobytes()


def _whole_groups(rows: bytes) -> Rows:
    """Views rows as an array whose length is a multiple of eight, filled up with the base point.

    The base point is a harmless element and, clamped by the library, a harmless scalar.
    """
    missing = -(len(rows) // _ROW_BYTES) % _LANES
    whole = rows + _BASE_POINT * missing if missing else rows
    return np.frombuffer(whole, np.uint8).reshape(-1, _ROW_BYTES)


def _lanes(rows: Rows) -> Pointers:
    """The address of every row; eight in a row are one call's table."""
    start = rows.ctypes.data
    return np.arange(start, start + rows.size, _ROW_BYTES, dtype=np.uint64)


def _groups(pointers: Pointers) -> range:
    """The address of every eighth pointer: what one call takes."""
    start = pointers.ctypes.data
    return range(start, start + pointers.nbytes, _LANES * pointers.itemsize)


def _refuse_status(statuses: Iterable[int]) -> None:
    """Runs the calls and reads every lane's status.

    Raises:
        InvalidElementError: a lane says that its product is all-zero.
        BackendError: a lane says anything else.
    """
    for status in filter(None, statuses):
        lanes = [status >> (_STATUS_BITS * lane) & 0xF for lane in range(_LANES)]
        if all(lane in (0, _STATUS_LOW_ORDER) for lane in lanes):
            raise InvalidElementError("a multiplication came out all-zero")
        raise BackendError(f"libcrypto_mb reports lane statuses {lanes}")
