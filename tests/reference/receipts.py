"""Receipts of docs/PROTOCOL.md: both documents and what is signed of them, from the messages of `wire`."""

import hashlib
import json
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from reference.wire import Message


def canonical(content: dict[str, Any]) -> bytes:
    """ASCII, keys sorted, no white space, one newline at the end."""
    return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode() + b"\n"


def request(hello: Message, sender: str, receiver: str) -> bytes:
    """What the receiver signs before the hello leaves."""
    named = ("area", "coalition", "epoch", "group_size", "mode", "purpose", "suite")
    signed = hello["request"]
    return canonical(
        {name: hello[name] for name in named}
        | {name: signed[name] for name in ("checkpoint", "hour")}
        | {"key_rules": hello["key_rules"].hex(), "session": hello["session_id"].hex()}
        | {"receiver": receiver, "sender": sender}
        | {
            "tiers": [
                {name: each[name] for name in ("elements", "have_delta", "tier")} for each in hello["tiers"]
            ]
        }
    )


def result(
    asked_for: bytes,
    asked: dict[str, int],
    sent: dict[str, int],
    policy: str,
    terms: str,
    hour: int,
    checkpoint: str,
) -> bytes:
    """What both sign at the end."""
    return canonical(
        {
            "asked": asked,
            "checkpoint": checkpoint,
            "hour": hour,
            "policy": policy,
            "request": hashlib.sha256(asked_for).hexdigest(),
            "sent": sent,
            "terms": terms,
        }
    )


def sign(context: str, document: bytes, key: Ed25519PrivateKey) -> bytes:
    return key.sign(context.encode() + b"\0" + document)


def verify(context: str, document: bytes, signature: bytes, key: Ed25519PublicKey) -> None:
    key.verify(signature, context.encode() + b"\0" + document)
