"""The comparison that a backend passes before it is used: right on known answers, equal to the reference.

Runs the single multiplications and the 1,000 iterations of RFC 7748, then batches of several lengths (so
that every lane and every tail is used) with pseudorandom values, about half of them on the twist, and with
the edges of what `symbolon.oprf.element` lets through; each product is compared with the reference backend.
The values are fixed, so that a failure can be repeated. About a tenth of a second.

Refuses by `BackendError`, whose detail says what differed and never shows a scalar.

Source: RFC 7748 section 5.2.
"""

import hashlib
from itertools import cycle, islice

from symbolon.errors import BackendError, SymbolonError
from symbolon.oprf.backend.protocol import Backend

BASE_POINT = (9).to_bytes(32, "little")

KNOWN_PRODUCTS = (
    (
        "a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4",
        "e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c",
        "c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552",
    ),
    (
        "4b66e9d4d1b4673c5ad22691957d6af5c11b6421e0ea01d42ca4169e7918ba0d",
        "e5210f12786811d3f4b7959d0538ae2c31dbe7106fc03c3efc4cd549c715a413",
        "95cbde9476e8907d7aade45cb4b873f88b595a68799fa152e6f8f7647aac7957",
    ),
)
"""Scalar, element, product. The second element stands in the RFC with its unused top bit set."""

ITERATED_ONCE = "422c8e7a6227d7bca1350b3e2bb7279f7897b87bb6854b783c60e80311ae3079"
ITERATED_1000_TIMES = "684cf59ba83309552800ef566f2f4d3c1c3887c49360e3875f2eb94d99532c51"
"""k and u start as 9; then k, u = X25519(k, u), k."""

_EDGES = (
    2,
    3,
    9,
    2**192 - 1,
    2**254,
    2**254 - 1,
    (2**63 - 1) * 2**192 - 1,  # the last value below the refused band
    (2**63 - 2) * 2**192,
    2**255 - 2**194,
    2**254 - 12,  # closely below p/2
    2**254 - 1402,
    2**254 - 2**130,
    0x381CBA36AA6565B5D9872FCCC55BD5291A1AADA8413A4550AA86D89D8618E538,  # a root of u² + u + 1
    2**255 - 19 - 2**192 - 7,
    2**255 - 19 - 2,  # closely below p
    2**255 - 19 - 9,
    2**255 - 19 - 1 - 2**130,
)
_LENGTHS = (1, 7, 8, 9, 31, 64)


def compare(backend: Backend, reference: Backend) -> None:
    """Runs the self-test.

    Args:
        backend: to be trusted afterwards.
        reference: trusted already.

    Raises:
        BackendError: a product is wrong, or the backend failed.
    """
    try:
        _check_known(backend)
        _check_iterated(backend)
        _check_against(backend, reference)
    except BackendError:
        raise
    except SymbolonError as error:
        raise BackendError(f"self-test of {backend.name} failed: {error.detail}") from None


def _check_known(backend: Backend) -> None:
    scalars, elements, products = (
        b"".join(map(bytes.fromhex, column)) for column in zip(*KNOWN_PRODUCTS, strict=True)
    )
    _equal(backend, "a known product", backend.multiply_each(scalars, elements), products)
    for at in range(0, len(scalars), 32):
        product = backend.multiply(scalars[at : at + 32], elements[at : at + 32])
        _equal(backend, "a known product", product, products[at : at + 32])
    _equal(
        backend,
        "a multiple of the base point",
        backend.multiply_base(BASE_POINT),
        bytes.fromhex(ITERATED_ONCE),
    )


def _check_iterated(backend: Backend) -> None:
    """The RFC's chain in eight lanes at once."""
    scalars = elements = BASE_POINT * 8
    for _ in range(1000):
        scalars, elements = backend.multiply_each(scalars, elements), scalars
    _equal(backend, "the iterated product", scalars, bytes.fromhex(ITERATED_1000_TIMES) * 8)


def _check_against(backend: Backend, reference: Backend) -> None:
    edges = b"".join(islice(cycle(u.to_bytes(32, "little") for u in _EDGES), max(_LENGTHS)))
    for length in _LENGTHS:
        scalars = _values(f"scalars {length}", length)
        elements = _values(f"elements {length}", length)
        batch = f"a batch of {length}"
        _equal(backend, batch, backend.multiply_base(scalars), reference.multiply_base(scalars))
        _equal(
            backend,
            batch,
            backend.multiply_each(scalars, elements),
            reference.multiply_each(scalars, elements),
        )
        key = scalars[:32]
        for factors in (elements, edges[: len(elements)]):
            _equal(backend, batch, backend.multiply(key, factors), reference.multiply(key, factors))


def _values(label: str, count: int) -> bytes:
    """Pseudorandom 255-bit rows."""
    rows = bytearray(hashlib.shake_256(f"symbolon self-test {label}".encode()).digest(32 * count))
    for last in range(31, len(rows), 32):
        rows[last] &= 0x7F
    return bytes(rows)


def _equal(backend: Backend, what: str, got: bytes, wanted: bytes) -> None:
    if got != wanted:
        raise BackendError(f"self-test of {backend.name} failed: {what} is wrong")
