"""Agreements on the wire, both ways; everything that comes in is bounded before it is believed.

Handles: form alone. Whether a signature holds is for the caller to verify. Specification: docs/adr/0014.
"""

from typing import Final

from symbolon.api.policy.v1 import policy_pb2 as pb
from symbolon.errors import RemoteProtocolError
from symbolon.membership.agreement import MAX_AGREEMENT_BYTES, Agreement, decode_agreement
from symbolon.membership.member_statement import SIGNATURE_BYTES

SHA256_BYTES: Final = 32


def encode_agree(document: bytes, signature: bytes) -> pb.AgreeRequest:
    """A document with the signature of who sends it, as a message."""
    return pb.AgreeRequest(document=document, signature=signature)


def decode_agree(message: pb.AgreeRequest) -> tuple[Agreement, bytes]:
    """What a caller says it signed, and its signature, 64 bytes.

    Raises:
        RemoteProtocolError: either has another shape.
        MembershipError: `membership.agreement.…`, it is no agreement that two members could sign.
    """
    if len(message.document) > MAX_AGREEMENT_BYTES or len(message.signature) != SIGNATURE_BYTES:
        raise _malformed("an agreement or its signature has another shape")
    return decode_agreement(message.document), message.signature


def encode_agreed(signature: bytes | None, state: str) -> pb.AgreeResponse:
    """This member's signature, if a person signed, and how the agreement stands here, as a message."""
    return pb.AgreeResponse(signature=signature or b"", state=state)


def decode_agreed(message: pb.AgreeResponse) -> tuple[bytes | None, bool]:
    """What the called member answers.

    Returns:
        Its signature, 64 bytes, or None while nobody there has signed; and whether it says that the agreement
        is in force there.

    Raises:
        RemoteProtocolError: either has another shape.
    """
    if len(message.signature) not in (0, SIGNATURE_BYTES) or message.state not in ("waiting", "in_force"):
        raise _malformed("the answer to an agreement has another shape")
    return message.signature or None, message.state == "in_force"


def encode_withdraw(sha256: bytes) -> pb.WithdrawRequest:
    """The name of an agreement that ends, as a message."""
    return pb.WithdrawRequest(agreement_sha256=sha256)


def decode_withdraw(message: pb.WithdrawRequest) -> bytes:
    """The name of an agreement that a caller has ended, 32 bytes.

    Raises:
        RemoteProtocolError: it has another shape.
    """
    if len(message.agreement_sha256) != SHA256_BYTES:
        raise _malformed("the name of an agreement has another shape")
    return message.agreement_sha256


def _malformed(detail: str) -> RemoteProtocolError:
    return RemoteProtocolError(detail, code="protocol.malformed")
