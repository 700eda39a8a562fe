"""Membership messages on the wire, both ways; everything that comes in is bounded before it is believed."""

from collections.abc import AsyncIterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final, TypeVar

from symbolon.api.membership.v1 import membership_pb2 as pb
from symbolon.errors import MembershipError, RemoteProtocolError
from symbolon.membership.canonical_json import date_text, read_date
from symbolon.membership.coalition_parts import MAX_PARTS, part_limit_bytes
from symbolon.membership.coalition_roles import KEY_BYTES, SIGNATURE_BYTES
from symbolon.membership.due_diligence import Acceptance
from symbolon.membership.enrolment import MAX_REQUEST_BYTES
from symbolon.membership.invitation_identity import MAX_PROOF_BYTES
from symbolon.membership.member import MemberId
from symbolon.membership.member_record import MAX_RELAYS
from symbolon.membership.member_statement import Place, SignedStatement, decode_statement, encode_statement
from symbolon.membership.proposal import MAX_PROPOSAL_BYTES, SignedRole

PIECE_BYTES: Final = 1 << 20
"""The most of a file in one message."""

MAX_ANSWER_BYTES: Final = 4 << 20
"""The most that one GetMetadata may bring; `CoalitionStore.parts_newer_than` stays below it."""

MAX_SIGNATURES: Final = 128
"""Two of each of 32 founders, and as many of former ones."""

_KEY_ID_CHARS: Final = 64

Message = TypeVar("Message")


@dataclass(frozen=True, slots=True)
class JoinRequest:
    """What a joining node asks its sponsor.

    Attributes:
        csr_pem: for the key of its certificate.
        signing_key: 32 bytes, Ed25519, public.
        place: where it will be reached.
        acceptance: of the terms in force.
        attested: the day of its first attestation.
        proof: for the key of the request and the signing key, by who holds the code.
    """

    csr_pem: bytes
    signing_key: bytes
    place: Place
    acceptance: Acceptance
    attested: date
    proof: bytes


def encode_parts(parts: Mapping[str, bytes]) -> Iterator[pb.GetMetadataResponse]:
    """Cuts parts into messages."""
    for name, content in parts.items():
        for at in range(0, max(1, len(content)), PIECE_BYTES):
            yield pb.GetMetadataResponse(name=name, content=content[at : at + PIECE_BYTES])


async def decode_parts(messages: AsyncIterable[pb.GetMetadataResponse]) -> dict[str, bytes]:
    """Puts parts together again.

    Raises:
        RemoteProtocolError: more or larger parts than there can be.
        MembershipError: a name that no part has.
    """
    parts: dict[str, bytearray] = {}
    total = 0
    async for message in messages:
        limit = part_limit_bytes(understood(message).name)
        part = parts.setdefault(message.name, bytearray())
        part += message.content
        total += len(message.content)
        if len(part) > limit or total > MAX_ANSWER_BYTES or len(parts) > MAX_PARTS or not message.content:
            raise _malformed("more metadata than there can be")
    return {name: bytes(content) for name, content in parts.items()}


def understood(message: Message) -> Message:
    """A message that arrived: gRPC gives None for bytes that are none.

    Raises:
        RemoteProtocolError: they are none.
    """
    if message is None:
        raise _malformed("what came is no message")
    return message


def encode_join(request: JoinRequest) -> pb.JoinRequest:
    """A request to join, as a message."""
    acceptance = request.acceptance
    return pb.JoinRequest(
        csr_pem=request.csr_pem,
        signing_key=request.signing_key,
        endpoint=request.place.endpoint,
        relays=request.place.relays,
        relay_endpoint=request.place.relay_endpoint,
        acceptance=pb.Acceptance(
            terms_version=acceptance.terms_version, on=date_text(acceptance.on), person=acceptance.person
        ),
        attested_on=date_text(request.attested),
        proof=request.proof,
    )


def decode_join(message: pb.JoinRequest) -> JoinRequest:
    """A message, as a request to join.

    Raises:
        RemoteProtocolError: a field has another shape.
    """
    if len(message.csr_pem) > MAX_REQUEST_BYTES or len(message.signing_key) != KEY_BYTES:
        raise _malformed("a request to join has another shape")
    if not 0 < len(message.proof) <= MAX_PROOF_BYTES:
        raise _malformed("the proof of a request to join is missing or too large")
    if len(message.relays) > MAX_RELAYS:
        raise _malformed("a request to join names too many relays")
    try:
        return JoinRequest(
            message.csr_pem,
            message.signing_key,
            Place(message.endpoint, tuple(map(MemberId, message.relays)), message.relay_endpoint),
            Acceptance(
                message.acceptance.terms_version, read_date(message.acceptance.on), message.acceptance.person
            ),
            read_date(message.attested_on),
            message.proof,
        )
    except MembershipError as error:
        raise _malformed(error.detail) from error


def decode_signed(statement: bytes, signature: bytes) -> SignedStatement:
    """A member's statement with its signature, which is for the caller to verify.

    Raises:
        RemoteProtocolError: either has another shape.
    """
    try:
        return SignedStatement(decode_statement(statement), signature)
    except MembershipError as error:
        raise _malformed(error.detail) from error


def encode_submit(signed: SignedStatement) -> pb.SubmitRequest:
    """A member's statement, as a message."""
    return pb.SubmitRequest(statement=encode_statement(signed.statement), signature=signed.signature)


def encode_signatures(
    signatures: Mapping[tuple[SignedRole, str], bytes], *, pending: bool
) -> pb.ProposeResponse:
    """Signatures under a proposal, as a message."""
    return pb.ProposeResponse(
        signatures=[
            pb.Signature(role=role, key_id=key, signature=signature)
            for (role, key), signature in sorted(signatures.items())
        ],
        pending=pending,
    )


def decode_signatures(message: pb.ProposeResponse) -> dict[tuple[SignedRole, str], bytes]:
    """Signatures from a message; whether they hold is for the caller to see.

    Raises:
        RemoteProtocolError: one has another shape, or there are too many.
    """
    if len(message.signatures) > MAX_SIGNATURES:
        raise _malformed("more signatures than there can be founders")
    signatures: dict[tuple[SignedRole, str], bytes] = {}
    for each in message.signatures:
        role: SignedRole
        if each.role == "root":
            role = "root"
        elif each.role == "targets":
            role = "targets"
        else:
            raise _malformed("a signature of an unknown role")
        if len(each.key_id) != _KEY_ID_CHARS or len(each.signature) != SIGNATURE_BYTES:
            raise _malformed("a signature has another shape")
        signatures[role, each.key_id] = each.signature
    return signatures


def check_proposal(document: bytes) -> bytes:
    """A proposal's document, if it is not too large.

    Raises:
        RemoteProtocolError: it is.
    """
    if len(document) > MAX_PROPOSAL_BYTES:
        raise _malformed("a proposal is too large")
    return document


def _malformed(detail: str) -> RemoteProtocolError:
    return RemoteProtocolError(detail, code="protocol.malformed")
