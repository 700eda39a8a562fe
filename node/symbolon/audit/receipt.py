"""Receipts: the request that a receiver signs before anything is evaluated, the result that both ends sign.

Handles: both documents in their one form, signing them, and checking a signature under the key that the
coalition lists for the member. A receipt holds what both ends know: who, what for, how many keys were asked,
the size class of what was sent, the policy that decided, where each log stood. Refuses: a document in another
form, of other members, or whose signature does not hold. Never in a receipt: hits, what was withheld, which
policies allowed. Specification: docs/adr/0015; docs/PROTOCOL.md, receipts.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from symbolon.errors import AuditError
from symbolon.exchange.limits import MAX_CHECKPOINT_CHARS, MAX_RESULT_BYTES
from symbolon.exchange.messages import Hello
from symbolon.membership.canonical_json import encode_canonical

_REQUEST_CONTEXT: Final = b"symbolon-request-v1\0"
_RESULT_CONTEXT: Final = b"symbolon-result-v1\0"
_RESULT_FIELDS: Final = frozenset({"asked", "checkpoint", "hour", "policy", "request", "sent", "terms"})
_MAX_COUNT: Final = 1 << 48
_MAX_TERMS_CHARS: Final = 200
_SHA256_DIGITS: Final = 64


@dataclass(frozen=True, slots=True)
class Result:
    """What a session came to, as both ends sign it.

    Attributes:
        request: SHA-256 of the request, hexadecimal.
        asked: elements by tier, dummies included.
        sent: entries by tier that the sender sent in this session, dummies included.
        policy: SHA-256 of the policies that decided, hexadecimal.
        terms: what the receiver has to keep, as in an obligation; '' for nothing.
        hour: whole hours since 1970, UTC.
        checkpoint: of the sender's log, a signed note.
    """

    request: str
    asked: Mapping[str, int]
    sent: Mapping[str, int]
    policy: str
    terms: str
    hour: int
    checkpoint: str

    def encode(self) -> bytes:
        """The document that is signed."""
        content = {name: getattr(self, name) for name in _RESULT_FIELDS}
        return encode_canonical(content)


def request_document(hello: Hello, sender: str, receiver: str) -> bytes:
    """The document that the receiver signs, from the hello and what both ends know of each other.

    Args:
        hello: with its `request`.
        sender: member id.
        receiver: member id.

    Raises:
        AuditError: `audit.request`, the hello carries no request.
    """
    if hello.request is None:
        raise AuditError("the hello carries no signed request", code="audit.request")
    tiers = [
        {"elements": ask.elements, "have_delta": ask.have_delta, "tier": ask.tier} for ask in hello.tiers
    ]
    content = {
        "area": hello.area,
        "checkpoint": hello.request.checkpoint,
        "coalition": hello.coalition,
        "epoch": hello.epoch,
        "group_size": hello.group_size,
        "hour": hello.request.hour,
        "key_rules": hello.key_rules.hex(),
        "mode": hello.mode,
        "purpose": hello.purpose,
        "receiver": receiver,
        "sender": sender,
        "session": hello.session_id.hex(),
        "suite": hello.suite,
        "tiers": tiers,
    }
    return encode_canonical(content)


def sign_request(document: bytes, key: Ed25519PrivateKey) -> bytes:
    """The receiver's signature over a request, 64 bytes."""
    return key.sign(_REQUEST_CONTEXT + document)


def verify_request(document: bytes, signature: bytes, public_key: bytes) -> None:
    """Checks the receiver's signature over a request.

    Args:
        document: from `request_document`.
        signature: 64 bytes.
        public_key: 32 bytes, the receiver's as the coalition lists it.

    Raises:
        AuditError: `audit.signature`.
    """
    _verify(_REQUEST_CONTEXT + document, signature, public_key)


def sign_result(document: bytes, key: Ed25519PrivateKey) -> bytes:
    """A member's signature over a result, 64 bytes."""
    return key.sign(_RESULT_CONTEXT + document)


def verify_result(document: bytes, signature: bytes, public_key: bytes) -> None:
    """Checks a member's signature over a result; arguments as for `verify_request`.

    Raises:
        AuditError: `audit.signature`.
    """
    _verify(_RESULT_CONTEXT + document, signature, public_key)


def decode_result(document: bytes) -> Result:
    """Reads a result.

    Raises:
        AuditError: `audit.result`, not in its one form.
    """
    if len(document) > MAX_RESULT_BYTES:
        raise _malformed(f"it has more than {MAX_RESULT_BYTES} bytes")
    try:
        content: Any = json.loads(document)
    except (ValueError, RecursionError):
        raise _malformed("it is not JSON") from None
    if not isinstance(content, dict) or content.keys() != _RESULT_FIELDS:
        raise _malformed("it does not have exactly its fields")
    result = Result(
        request=_sha256(content["request"]),
        asked=_counts(content["asked"]),
        sent=_counts(content["sent"]),
        policy=_sha256(content["policy"]),
        terms=_text(content["terms"], _MAX_TERMS_CHARS),
        hour=_count(content["hour"]),
        checkpoint=_text(content["checkpoint"], MAX_CHECKPOINT_CHARS),
    )
    if result.encode() != document:
        raise _malformed("it is not in canonical form")
    return result


def document_sha256(document: bytes) -> str:
    """SHA-256 of a document, hexadecimal."""
    return hashlib.sha256(document).hexdigest()


def _verify(message: bytes, signature: bytes, public_key: bytes) -> None:
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, message)
    except (InvalidSignature, ValueError):
        raise AuditError("a signature of a receipt does not hold", code="audit.signature") from None


def _sha256(value: object) -> str:
    if not isinstance(value, str) or len(value) != _SHA256_DIGITS or set(value) - set("0123456789abcdef"):
        raise _malformed("a SHA-256 is missing")
    return value


def _text(value: object, limit_chars: int) -> str:
    if not isinstance(value, str) or len(value) > limit_chars:
        raise _malformed("a text is missing or too long")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise _malformed("a text has no form in Unicode") from None
    return value


def _count(value: object) -> int:
    if type(value) is not int or not 0 <= value <= _MAX_COUNT:
        raise _malformed("a number is missing or out of range")
    return value


def _counts(value: object) -> dict[str, int]:
    if not isinstance(value, dict) or not set(value) <= {"A", "B", "C", "AB"}:
        raise _malformed("counts by tier are missing")
    return {tier: _count(count) for tier, count in value.items()}


def _malformed(what: str) -> AuditError:
    return AuditError(f"a result cannot be read: {what}", code="audit.result")
