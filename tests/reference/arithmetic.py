"""The suite X25519-ELL2-SHA512 and what hangs on it, written from docs/PROTOCOL.md alone.

Plain Python integers, hashlib and hmac; slow, not constant time, for tests only. Nothing of symbolon is
imported: a disagreement with the node is a defect of the node, of this file, or of the document.
"""

import hashlib
import hmac
from collections.abc import Iterable

P = 2**255 - 19
ELL = 2**252 + 27742317777372353535851937790883648493
A = 486662
DST = b"symbolon-v1-X25519-ELL2-SHA512"
BASE = (9).to_bytes(32, "little")
LOW_ORDER = (
    0,
    1,
    325606250916557431795983626356110631294008115727848805560023387167927233504,
    39382357235489614581723060781553021112529911719440698176882885853963445705823,
)


class RefusedError(Exception):
    """The peer said something that the document forbids."""


def clamp(scalar: bytes) -> bytes:
    number = int.from_bytes(scalar, "little")
    return (number & (2**255 - 8) | 2**254).to_bytes(32, "little")


def x25519(scalar: bytes, u: bytes) -> bytes:
    """RFC 7748 section 5, the Montgomery ladder."""
    k = int.from_bytes(clamp(scalar), "little")
    x1 = int.from_bytes(u, "little") & (2**255 - 1)
    x2, z2, x3, z3, swap = 1, 0, x1, 1, 0
    for bit in reversed(range(255)):
        now = k >> bit & 1
        if swap ^ now:
            x2, x3, z2, z3 = x3, x2, z3, z2
        swap = now
        a, b, c, d = (x2 + z2) % P, (x2 - z2) % P, (x3 + z3) % P, (x3 - z3) % P
        aa, bb = a * a % P, b * b % P
        e = (aa - bb) % P
        da, cb = d * a % P, c * b % P
        x3, z3 = pow(da + cb, 2, P), x1 * pow(da - cb, 2, P) % P
        x2, z2 = aa * bb % P, e * (aa + 121665 * e) % P
    if swap:
        x2, z2 = x3, z3
    return (x2 * pow(z2, P - 2, P) % P).to_bytes(32, "little")


def check_element(element: bytes) -> None:
    if len(element) != 32 or int.from_bytes(element[24:], "little") >= 2**63 - 1:
        raise RefusedError("element not canonical or near p")
    if int.from_bytes(element, "little") in LOW_ORDER:
        raise RefusedError("element of low order")


def multiply(scalar: bytes, element: bytes) -> bytes:
    check_element(element)
    product = x25519(scalar, element)
    if product == bytes(32):
        raise RefusedError("product is zero")
    return product


def hash_to_field(data: bytes, dst: bytes) -> int:
    """RFC 9380 sections 5.2 and 5.3.1 for one field element of 48 bytes."""
    dst_prime = dst + bytes([len(dst)])
    first = hashlib.sha512(bytes(128) + data + b"\x00\x30" + b"\x00" + dst_prime).digest()
    uniform = hashlib.sha512(first + b"\x01" + dst_prime).digest()[:48]
    return int.from_bytes(uniform, "big") % P


def hash_to_curve(data: bytes, dst: bytes = DST) -> bytes:
    """RFC 9380 section 6.7.1, the x-coordinate before the cofactor is cleared."""
    tv1 = 2 * hash_to_field(data, dst) ** 2 % P
    if tv1 == P - 1:
        tv1 = 0
    x1 = -A * pow(1 + tv1, P - 2, P) % P
    gx1 = (x1**3 + A * x1**2 + x1) % P
    square = pow(gx1, (P - 1) // 2, P) in (0, 1)
    return (x1 if square else (-x1 - A) % P).to_bytes(32, "little")


def unblinding_scalar(r: bytes) -> bytes:
    """The clamped representative of 1/r or of -1/r."""
    inverse = pow(int.from_bytes(r, "little"), -1, ELL)
    for start in (inverse, ELL - inverse):
        for candidate in range(start, 2**255, ELL):
            if candidate >= 2**254 and candidate % 8 == 0:
                return candidate.to_bytes(32, "little")
    raise ValueError("no clamped representative; draw another r")


def output(data: bytes, n: bytes) -> bytes:
    length = len(data).to_bytes(2, "big")
    return hashlib.sha512(length + data + b"\x00\x20" + n + b"Finalize").digest()


def hkdf_expand(prk: bytes, info: bytes, length: int) -> bytes:
    """RFC 5869 section 2.3 with SHA-512."""
    stream, block, counter = b"", b"", 1
    while len(stream) < length:
        block = hmac.digest(prk, block + info + bytes([counter]), "sha512")
        stream, counter = stream + block, counter + 1
    return stream[:length]


def context(*texts: str, epoch: int) -> bytes:
    """suite, coalition, sender, receiver, area, mode, tier, purpose, then the epoch."""
    fields = [text.encode() for text in texts] + [epoch.to_bytes(8, "big")]
    return b"".join(len(each).to_bytes(2, "big") + each for each in fields)


def derive_key(seed: bytes, encoded_context: bytes) -> bytes:
    return clamp(hkdf_expand(seed, encoded_context, 32))


def entry_stream(value: bytes, slot: int) -> bytes:
    """SP 800-56C, one step, SHA-512."""
    return hashlib.sha512(b"\0\0\0\x01" + value + b"symbolon-v1\x00entry" + bytes([slot])).digest()[:38]


def tag(value: bytes, slot: int, tag_bytes: int) -> bytes:
    return entry_stream(value, slot)[:tag_bytes]


def xor(left: bytes, right: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(left, right, strict=True))


def size_token(n: bytes) -> bytes:
    return hashlib.sha512(b"Size" + n).digest()[:16]


def key_rules(schemes: Iterable[str]) -> bytes:
    """Fingerprint of the rules of a list, by all schemes that its software knew."""
    return hashlib.sha256(" ".join(sorted(schemes)).encode("ascii")).digest()[:8]


def padded(count: int) -> int:
    """Padmé, at least 64."""
    if count <= 64:
        return 64
    e = count.bit_length() - 1
    s = e.bit_length()
    step = 1 << (e - s)
    return -(-count // step) * step


def tag_length(elements: int, entries: int) -> int:
    """The least whole number of bytes with log2(elements × entries) + 40 bits, at least 10."""
    bytes_ = 10
    while elements * entries << 40 > 1 << 8 * bytes_:
        bytes_ += 1
    return bytes_
