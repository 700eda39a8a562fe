"""Requests and results: one form each, one signature for each use."""

import json
from dataclasses import replace
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from symbolon.audit.receipt import (
    Result,
    decode_result,
    document_sha256,
    request_document,
    sign_request,
    sign_result,
    verify_request,
    verify_result,
)
from symbolon.errors import AuditError
from symbolon.exchange.limits import MAX_CHECKPOINT_CHARS, MAX_RESULT_BYTES
from symbolon.exchange.messages import Hello, SignedRequest, TierAsk
from symbolon.membership.canonical_json import encode_canonical

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PUBLIC = KEY.public_key().public_bytes_raw()
HELLO = Hello(
    session_id=bytes(range(16)),
    suite="X25519-ELL2-SHA512",
    coalition="harbour",
    area="match",
    mode="intersection",
    purpose="due-diligence",
    epoch=3,
    tiers=(TierAsk("A", 64, 2), TierAsk("C", 128)),
    key_rules=bytes(8),
    request=SignedRequest(500_000, "a checkpoint\n", bytes(64)),
)
RESULT = Result(
    request="0" * 64,
    asked={"A": 64, "C": 128},
    sent={"A": 72},
    policy="f" * 64,
    terms="no_onward; retain(30)",
    hour=500_000,
    checkpoint="symbolon/harbour/mill\n0\n…\n",
)


def content(**changes: Any) -> bytes:
    return encode_canonical({**json.loads(RESULT.encode()), **changes})


def refused(document: bytes) -> str:
    with pytest.raises(AuditError) as caught:
        decode_result(document)
    return caught.value.full_code


def test_result_is_read_as_it_was_written() -> None:
    assert decode_result(RESULT.encode()) == RESULT
    assert document_sha256(RESULT.encode()) != document_sha256(replace(RESULT, terms="").encode())


@pytest.mark.parametrize(
    "document",
    [
        b"",
        b"{}",
        b"[]",
        b"null",
        b"\xff",
        b"[" * 100_000,
        RESULT.encode().replace(b":", b": ", 1),
        RESULT.encode().rstrip(b"\n"),
        RESULT.encode() + b"\n",
        RESULT.encode().replace(b'"hour":500000', b'"hour":500000.0'),
        RESULT.encode().replace(b'"hour":500000', b'"hour":500000,"hour":500000'),
        RESULT.encode().replace(b'"hour":500000', b'"hour":1e5'),
        RESULT.encode().replace(b'"hour":500000', b'"hour":NaN'),
        content(hits=3),
        content(hour=-1),
        content(hour=True),
        content(hour="500000"),
        content(hour=2**48 + 1),
        content(asked={"D": 1}),
        content(asked={"A": -1}),
        content(asked=[64]),
        content(asked={"A": False}),
        content(sent=None),
        content(request="0" * 63),
        content(request="F" * 64),
        content(policy=""),
        content(policy=0),
        content(terms="r" * 201),
        content(terms=None),
        content(terms="\ud800"),
        content(checkpoint="\udfff"),
        content(checkpoint="x" * (MAX_CHECKPOINT_CHARS + 1)),
        b" " * (MAX_RESULT_BYTES + 1),
    ],
)
def test_result_of_another_form_is_refused(document: bytes) -> None:
    assert refused(document) == "audit.result"


def test_result_without_one_field_is_refused() -> None:
    fields = json.loads(RESULT.encode())
    for name in fields:
        assert refused(encode_canonical({k: v for k, v in fields.items() if k != name})) == "audit.result"


def test_request_document_without_a_request_cannot_be_made() -> None:
    with pytest.raises(AuditError) as caught:
        request_document(replace(HELLO, request=None), "mill", "brand")
    assert caught.value.full_code == "audit.request"


def test_request_document_says_all_that_the_hello_says_but_its_signature() -> None:
    document = request_document(HELLO, "mill", "brand")
    assert json.loads(document) == {
        "area": "match",
        "checkpoint": "a checkpoint\n",
        "coalition": "harbour",
        "epoch": 3,
        "group_size": 0,
        "hour": 500_000,
        "key_rules": "00" * 8,
        "mode": "intersection",
        "purpose": "due-diligence",
        "receiver": "brand",
        "sender": "mill",
        "session": bytes(range(16)).hex(),
        "suite": "X25519-ELL2-SHA512",
        "tiers": [
            {"elements": 64, "have_delta": 2, "tier": "A"},
            {"elements": 128, "have_delta": 0, "tier": "C"},
        ],
    }
    other = replace(HELLO, request=SignedRequest(500_000, "a checkpoint\n", bytes([1]) * 64))
    assert request_document(other, "mill", "brand") == document
    assert request_document(HELLO, "brand", "mill") != document


def test_signature_of_a_request_holds_for_it_and_for_nothing_else() -> None:
    document = request_document(HELLO, "mill", "brand")
    signature = sign_request(document, KEY)
    verify_request(document, signature, PUBLIC)
    other = Ed25519PrivateKey.from_private_bytes(bytes(32)).public_key().public_bytes_raw()
    for tried in (
        (document + b" ", signature, PUBLIC),
        (document, signature[:-1], PUBLIC),
        (document, bytes(64), PUBLIC),
        (document, b"", PUBLIC),
        (document, signature, other),
        (document, signature, b"short"),
        (document, sign_result(document, KEY), PUBLIC),
        (document, KEY.sign(document), PUBLIC),
    ):
        with pytest.raises(AuditError) as caught:
            verify_request(*tried)
        assert caught.value.full_code == "audit.signature"


def test_signature_of_a_result_is_none_of_a_request() -> None:
    document = RESULT.encode()
    verify_result(document, sign_result(document, KEY), PUBLIC)
    with pytest.raises(AuditError):
        verify_result(document, sign_request(document, KEY), PUBLIC)
