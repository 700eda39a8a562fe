"""Inputs to group elements and outputs: the hashing ends of the OPRF.

Handles `expand_message_xmd` with SHA-512, the map Elligator 2 onto Curve25519 for a batch, and the output
hash. Refuses inputs above 65,535 bytes, since their length is written in two bytes, and domain separation
tags that RFC 9380 does not allow.

Neither the square test nor the inversion is constant time (gmpy2). Both see inputs of this node's own list
only, once, when they are imported; a peer cannot time them.

Source: RFC 9380 sections 5.2, 5.3.1, 6.7.1, 8.5 and appendix G.2.1 (curve25519_XMD:SHA-512_ELL2_NU_);
RFC 9497 section 3.3.1 (Finalize).
"""

from collections.abc import Sequence
from itertools import repeat

import gmpy2  # type: ignore[import-untyped, unused-ignore]
import numpy as np

from symbolon.oprf.curve25519 import ELEMENT_BYTES, FIELD_PRIME, MONTGOMERY_A
from symbolon.oprf.integers import integers_from_rows, inverses, products, rows_from_integers
from symbolon.oprf.sha512 import BLOCK_BYTES, DIGEST_BYTES, sha512

OUTPUT_BYTES = DIGEST_BYTES
MAX_INPUT_BYTES = 65_535
"""An input's length is written in two bytes (RFC 9497 section 3.3.1)."""

MAX_DST_BYTES = 255
"""A longer tag would have to be hashed first (RFC 9380 section 5.3.3); the project has none."""

FIELD_ELEMENT_BYTES = 48
"""L of the suite: 255 bits of field and 128 bits of margin against bias (RFC 9380 section 5.1)."""

_BATCH = 4096
"""Inputs handled at once: bounds memory, keeps the numbers in cache, and makes the inversion's share nil."""

_TAIL = b"Finalize"


def expand_message_xmd(message: bytes, dst: bytes, length_bytes: int) -> bytes:
    """Stretches a message to uniform bytes.

    Args:
        message: any bytes.
        dst: domain separation tag, 1 to 255 bytes.
        length_bytes: wanted length, 1 to 255 × 64.

    Returns:
        `length_bytes` uniform bytes.

    Raises:
        ValueError: the tag or the length is out of range.

    Source: RFC 9380 section 5.3.1, with H = SHA-512.
    """
    blocks = -(-length_bytes // DIGEST_BYTES)
    if not 1 <= blocks <= 255:
        raise ValueError("expand_message_xmd gives 1 to 16,320 bytes")
    dst_prime = _dst_prime(dst)
    first = sha512(
        bytes(BLOCK_BYTES) + message + length_bytes.to_bytes(2, "big") + b"\0" + dst_prime
    ).digest()
    block = sha512(first + b"\x01" + dst_prime).digest()
    uniform = block
    for number in range(2, blocks + 1):
        mixed = bytes(a ^ b for a, b in zip(first, block, strict=True))
        block = sha512(mixed + bytes([number]) + dst_prime).digest()
        uniform += block
    return uniform[:length_bytes]


def hash_to_curve(inputs: Sequence[bytes], dst: bytes) -> bytes:
    """Maps inputs to points of Curve25519 and gives their u-coordinates.

    The point is Q of the RFC's suite curve25519_XMD:SHA-512_ELL2_NU_, before the cofactor is cleared:
    clamped scalars are multiples of 8 and clear it.

    Args:
        inputs: `n` inputs of at most 65,535 bytes.
        dst: domain separation tag, 1 to 255 bytes.

    Returns:
        `n × 32` bytes: Q.x of each input, little-endian, canonical.

    Raises:
        ValueError: an input or the tag is too long, or the tag is empty.

    Source: RFC 9380 sections 5.2 (hash_to_field), 6.7.1 (Elligator 2) and 8.5.
    """
    check_inputs(inputs)
    dst_prime = _dst_prime(dst)
    return b"".join(
        _map_to_curve(_uniform_bytes(inputs[start : start + _BATCH], dst_prime))
        for start in range(0, len(inputs), _BATCH)
    )


def outputs(inputs: Sequence[bytes], unblinded: bytes) -> bytes:
    """Hashes inputs with their unblinded elements to the values of the pseudorandom function.

    Args:
        inputs: `n` inputs of at most 65,535 bytes.
        unblinded: `n × 32` bytes, N of each input.

    Returns:
        `n × 64` bytes: SHA-512(len16(input) ‖ input ‖ len16(N) ‖ N ‖ "Finalize"), len16 = 2 bytes big-endian.

    Raises:
        ValueError: the counts differ, or an input is too long.

    Source: RFC 9497 section 3.3.1.
    """
    count = len(inputs)
    if len(unblinded) != count * ELEMENT_BYTES:
        raise ValueError(f"{count} inputs do not go with {len(unblinded)} bytes of elements")
    check_inputs(inputs)
    width = 2 + ELEMENT_BYTES + len(_TAIL)
    table = np.empty((count, width), np.uint8)
    table[:, :2] = np.frombuffer(ELEMENT_BYTES.to_bytes(2, "big"), np.uint8)
    table[:, 2:-8] = np.frombuffer(unblinded, np.uint8).reshape(-1, ELEMENT_BYTES)
    table[:, -8:] = np.frombuffer(_TAIL, np.uint8)
    tails = table.tobytes()
    return b"".join(
        [
            sha512(len(data).to_bytes(2, "big") + data + tails[at : at + width]).digest()
            for data, at in zip(inputs, range(0, count * width, width), strict=True)
        ]
    )


def _dst_prime(dst: bytes) -> bytes:
    if not 1 <= len(dst) <= MAX_DST_BYTES:
        raise ValueError(f"a domain separation tag has 1 to {MAX_DST_BYTES} bytes, not {len(dst)}")
    return dst + bytes([len(dst)])


def check_inputs(inputs: Sequence[bytes]) -> None:
    """Refuses inputs whose length cannot be written in two bytes.

    Args:
        inputs: any number of inputs.

    Raises:
        ValueError: an input is longer than 65,535 bytes.
    """
    if inputs and max(map(len, inputs)) > MAX_INPUT_BYTES:
        raise ValueError(f"an input is longer than {MAX_INPUT_BYTES} bytes")


def _uniform_bytes(inputs: Sequence[bytes], dst_prime: bytes) -> bytes:
    """The 48 uniform bytes of each input, as `expand_message_xmd` gives them, in one buffer.

    One block of SHA-512 is enough for them, and the state after Z_pad is the same for all inputs.
    """
    padded = sha512(bytes(BLOCK_BYTES))
    suffix = FIELD_ELEMENT_BYTES.to_bytes(2, "big") + b"\0" + dst_prime
    last = b"\x01" + dst_prime
    uniform = []
    for data in inputs:
        state = padded.copy()
        state.update(data + suffix)
        uniform.append(sha512(state.digest() + last).digest()[:FIELD_ELEMENT_BYTES])
    return b"".join(uniform)


def _map_to_curve(uniform: bytes) -> bytes:
    """Elligator 2 on a batch of 48-byte big-endian field draws; gives little-endian x-coordinates.

    With d = 1 + Z·u² the RFC's x1 is −J/d. Its g(x1) = x1³ + J·x1² + x1 has the quadratic character of
    g(x1)·d⁴ = −J·d·(J² − J²·d + d²), so the square test needs no inversion. The exceptional case d = 0 needs
    −1/Z to be a square; with Z = 2 and p ≡ 5 mod 8 it never is, so that `inverses` has no zero to meet.
    """
    rows = np.frombuffer(uniform, np.uint8).reshape(-1, FIELD_ELEMENT_BYTES)[:, ::-1]
    p, j = FIELD_PRIME, gmpy2.mpz(MONTGOMERY_A)
    j_squared = j * j
    draws = integers_from_rows(rows.tobytes(), FIELD_ELEMENT_BYTES)
    denominators = [2 * (u * u) % p + 1 for u in (draw % p for draw in draws)]
    tests = [d * (j_squared + d * (d - j_squared)) % p for d in denominators]
    # Since −1 is a square mod p, the character of −J is that of J.
    wanted = gmpy2.jacobi(j, p)
    first = products(inverses(denominators, p), list(repeat(p - j, len(draws))), p)
    chosen = [
        x if gmpy2.jacobi(test, p) != -wanted else (-x - j) % p for x, test in zip(first, tests, strict=True)
    ]
    return rows_from_integers(chosen, ELEMENT_BYTES)
