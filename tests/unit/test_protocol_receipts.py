"""Receipts as docs/PROTOCOL.md has them are those of the node, byte for byte, in both directions."""

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from reference import receipts, wire
from symbolon.api.exchange.v1 import exchange_pb2 as pb
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
from symbolon.exchange.messages import Hello, SignedRequest, TierAsk
from symbolon.rpc import codec

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PUBLIC = KEY.public_key()
CHECKPOINT = "symbolon/harbour/alder\n7\nhash\n\n\N{EM DASH} symbolon/harbour/alder AAAA\n"
HELLOS = {
    "intersection": Hello(
        bytes(range(16)), "suite", "harbour", "match", "intersection", "due-diligence", 3,
        (TierAsk("A", 128, 2), TierAsk("C", 64)), 0, bytes(8), SignedRequest(498_709, CHECKPOINT, bytes(64)),
    ),
    "size": Hello(
        bytes(16), "suite", "harbour", "match", "size", "recall", 0,
        (TierAsk("AB", 8_000),), 8, b"", SignedRequest(0, "", bytes(64)),
    ),
}  # fmt: skip


@pytest.mark.parametrize("hello", HELLOS.values(), ids=HELLOS)
def test_request_of_the_document_is_the_node_s(hello: Hello) -> None:
    said = codec.encode_receiver(hello).SerializeToString()
    _, heard = wire.hear(wire.RECEIVER_SAYS, said)
    document = receipts.request(heard, "birch", "alder")
    assert document == request_document(hello, "birch", "alder")
    signature = sign_request(document, KEY)
    receipts.verify("symbolon-request-v1", document, signature, PUBLIC)
    verify_request(document, receipts.sign("symbolon-request-v1", document, KEY), PUBLIC.public_bytes_raw())


def test_result_of_the_document_is_the_node_s() -> None:
    asked_for = b'{"a":1}\n'
    numbers = ({"A": 128, "C": 64}, {"A": 4_096, "C": 0})
    rest = ("ab" * 32, "no_onward; retain(90)", 498_709, CHECKPOINT)
    document = receipts.result(asked_for, *numbers, *rest)
    policy, terms, hour, checkpoint = rest
    said = Result(document_sha256(asked_for), *numbers, policy, terms, hour, checkpoint)
    assert said.encode() == document
    assert decode_result(document) == said
    receipts.verify("symbolon-result-v1", document, sign_result(document, KEY), PUBLIC)
    verify_result(document, receipts.sign("symbolon-result-v1", document, KEY), PUBLIC.public_bytes_raw())


def test_signature_of_one_document_is_none_of_the_other() -> None:
    document = receipts.canonical({"a": 1})
    with pytest.raises(AuditError):
        verify_result(document, sign_request(document, KEY), PUBLIC.public_bytes_raw())
    with pytest.raises(InvalidSignature):
        receipts.verify("symbolon-request-v1", document, sign_result(document, KEY), PUBLIC)


def test_receipt_travels_as_the_document_says() -> None:
    said = wire.say(wire.RECEIVER_SAYS, "Receipt", {"signature": bytes(64)})
    assert pb.ReceiverMessage.FromString(said).receipt.signature == bytes(64)
