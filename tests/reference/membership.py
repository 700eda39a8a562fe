"""Membership by docs/PROTOCOL.md alone: codes, keys, statements and documents, with no import of the node."""

import base64
import hashlib
import hmac
import json

P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
P256_P = 2**256 - 2**224 + 2**192 + 2**96 - 1
P256_BASE = (
    0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296,
    0x4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5,
)
PREFIX = "symbolon1-"


def canonical(content):
    """Canonical JSON, with its 0x0A."""
    return json.dumps(content, sort_keys=True, separators=(",", ":")).encode("ascii") + b"\n"


def sha256(data):
    return hashlib.sha256(data).digest()


def entry_sha256(members_json, member_id):
    """Of a member's entry in canonical form."""
    (entry,) = [each for each in json.loads(members_json)["members"] if each["member_id"] == member_id]
    return sha256(canonical(entry))


def statement(coalition, member_id, entry, asks):
    """What travels, and what is signed."""
    content = {"asks": asks, "coalition": coalition, "entry_sha256": entry.hex(), "member_id": member_id}
    document = canonical(content)
    return document, b"symbolon-member-statement-v1\0" + document


class _Take:
    def __init__(self, data):
        self.data, self.at = data, 0

    def __call__(self, count):
        self.at += count
        assert self.at <= len(self.data)
        return self.data[self.at - count : self.at]

    def number(self, width):
        return int.from_bytes(self(width), "big")

    def text(self):
        return self(self.number(2)).decode("ascii")


def read_code(text):
    """The fields of an invitation code."""
    assert text.startswith(PREFIX)
    body = text[len(PREFIX) :].upper()
    data = base64.b32decode(body + "=" * (-len(body) % 8))
    payload, check = data[:-4], data[-4:]
    assert check == sha256(PREFIX.encode() + payload)[:4]
    take = _Take(payload)
    code = {name: take.text() for name in ("coalition", "member_id", "sponsor")}
    code["endpoints"] = [take.text() for _ in range(take.number(1))]
    code["root_version"] = take.number(4)
    code["root_fingerprint"] = take(32)
    code["expires"] = take.number(8)
    code["secret"] = take(16)
    assert take.at == len(payload)
    return code


def stored_hash(code):
    return sha256(b"symbolon-invitation-stored-v1\0" + code["secret"])


def invitation_scalar(code):
    """The private key that both ends derive, by HKDF as in RFC 5869."""
    names = (b"symbolon-invitation-key-v1", code["coalition"].encode(), code["member_id"].encode())
    pseudorandom = hmac.digest(bytes(32), code["secret"], "sha256")
    block, output = b"", b""
    for number in (1, 2):
        block = hmac.digest(pseudorandom, block + b"\0".join(names) + bytes([number]), "sha256")
        output += block
    return int.from_bytes(output[:48], "big") % (P256_ORDER - 1) + 1


def invitation_key(code):
    """Its public half, an uncompressed point."""
    x, y = p256_multiply(invitation_scalar(code), P256_BASE)
    return b"\x04" + x.to_bytes(32, "big") + y.to_bytes(32, "big")


def proved(code, key_sha256, signing_key):
    """What the proof of a joining node is made over."""
    content = {
        "coalition": code["coalition"],
        "key_sha256": key_sha256.hex(),
        "member_id": code["member_id"],
        "signing_key": signing_key.hex(),
    }
    return b"symbolon-join-proof-v1\0" + canonical(content)


def verify_ecdsa(public, signature, message):
    """Raises unless a DER signature holds. Source: FIPS 186-5, 6.4.2."""
    assert signature[0] == 0x30
    assert signature[1] == len(signature) - 2
    r_end = 4 + signature[3]
    r, s = int.from_bytes(signature[4:r_end], "big"), int.from_bytes(signature[r_end + 2 :], "big")
    point = (int.from_bytes(public[1:33], "big"), int.from_bytes(public[33:], "big"))
    inverse = pow(s, -1, P256_ORDER)
    digest = int.from_bytes(sha256(message), "big")
    left = p256_multiply(digest * inverse % P256_ORDER, P256_BASE)
    x, _ = _add(left, p256_multiply(r * inverse % P256_ORDER, point))
    assert x % P256_ORDER == r


def p256_multiply(scalar, point):
    """Double and add; None is the point at infinity."""
    result = None
    for bit in bin(scalar)[2:]:
        result = _add(result, result)
        if bit == "1":
            result = _add(result, point)
    return result


def _add(left, right):
    if left is None or right is None:
        return right if left is None else left
    (x1, y1), (x2, y2) = left, right
    if x1 == x2 and (y1 + y2) % P256_P == 0:
        return None
    if left == right:
        slope = (3 * x1 * x1 - 3) * pow(2 * y1, -1, P256_P)
    else:
        slope = (y2 - y1) * pow(x2 - x1, -1, P256_P)
    x3 = (slope * slope - x1 - x2) % P256_P
    return x3, (slope * (x1 - x3) - y1) % P256_P


def key_id(public):
    """TUF's id of an Ed25519 key: its key object in canonical form, without the 0x0A."""
    content = {"keytype": "ed25519", "keyval": {"public": public.hex()}, "scheme": "ed25519"}
    return sha256(canonical(content)[:-1]).hex()
