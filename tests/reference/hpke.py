"""HPKE in the one suite that drop files use, written from RFC 9180 alone: opening a single message.

hashlib and hmac for the key schedule; slow, for tests only. Nothing of symbolon is imported.
"""

import hmac

from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from reference.arithmetic import x25519

_KEM = (0x0020).to_bytes(2, "big")
_SUITE = b"HPKE" + _KEM + (0x0001).to_bytes(2, "big") + (0x0003).to_bytes(2, "big")
_KEM_SUITE = b"KEM" + _KEM
_BASE_MODE = b"\0"


def _extract(salt: bytes, material: bytes) -> bytes:
    return hmac.digest(salt or bytes(32), material, "sha256")


def _expand(secret: bytes, info: bytes, length: int) -> bytes:
    block, out, number = b"", b"", 1
    while len(out) < length:
        block = hmac.digest(secret, block + info + bytes([number]), "sha256")
        out, number = out + block, number + 1
    return out[:length]


def _labeled_extract(suite: bytes, salt: bytes, label: bytes, material: bytes) -> bytes:
    return _extract(salt, b"HPKE-v1" + suite + label + material)


def _labeled_expand(suite: bytes, secret: bytes, label: bytes, info: bytes, length: int) -> bytes:
    return _expand(secret, length.to_bytes(2, "big") + b"HPKE-v1" + suite + label + info, length)


def open_base(
    private: bytes, public: bytes, enc: bytes, ciphertext: bytes, info: bytes, aad: bytes = b""
) -> bytes:
    """The first message of a context in base mode (sections 4.1, 5.1 and 5.2)."""
    shared = x25519(private, enc)
    prk = _labeled_extract(_KEM_SUITE, b"", b"eae_prk", shared)
    secret = _labeled_expand(_KEM_SUITE, prk, b"shared_secret", enc + public, 32)
    context = (
        _BASE_MODE
        + _labeled_extract(_SUITE, b"", b"psk_id_hash", b"")
        + _labeled_extract(_SUITE, b"", b"info_hash", info)
    )
    schedule = _labeled_extract(_SUITE, secret, b"secret", b"")
    key = _labeled_expand(_SUITE, schedule, b"key", context, 32)
    nonce = _labeled_expand(_SUITE, schedule, b"base_nonce", context, 12)
    return ChaCha20Poly1305(key).decrypt(nonce, ciphertext, aad)
