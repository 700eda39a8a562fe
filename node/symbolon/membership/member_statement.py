"""What a member asks for its own entry, signed by its own key: certificates, its place, a further year.

Handles: making such a statement, its canonical form, and its verification against the present `members.json`.
Refuses: a statement for another coalition, of somebody who is no member, signed by another key, or made on
another entry than the present one. The last is what makes a statement good for once only: each change of an
entry changes the SHA-256 that the next statement has to name.

The signature is Ed25519 over `symbolon-member-statement-v1`, a zero byte and the canonical JSON, so no other
signed document of the project can stand in for a statement. Specification: docs/PROTOCOL.md, membership;
docs/adr/0013.
"""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes

from symbolon.errors import MembershipError
from symbolon.membership.canonical_json import (
    decode_json,
    encode_canonical,
    malformed,
    read_bytes,
    read_object,
    read_text,
)
from symbolon.membership.due_diligence import Acceptance
from symbolon.membership.member import (
    FINGERPRINT_BYTES,
    CoalitionId,
    MemberId,
    check_endpoint,
    parse_coalition_id,
    parse_member_id,
)
from symbolon.membership.member_record import MAX_RELAYS, MemberRecord, Members
from symbolon.membership.members_document import (
    acceptance_content,
    entry_sha256,
    read_acceptance,
    read_relays,
)

MAX_STATEMENT_BYTES: Final = 16 * 1024
"""The longest texts, escaped, stay below 6 KiB; the bound stops a peer from making us parse more."""

SIGNATURE_BYTES: Final = 64

_CONTEXT: Final = b"symbolon-member-statement-v1\0"
_FIELDS: Final = frozenset({"asks", "coalition", "entry_sha256", "member_id"})
_RENEWAL_FIELDS: Final = frozenset({"beside", "key_sha256"})
_REVOCATION_FIELDS: Final = frozenset({"kept"})
_PLACE_FIELDS: Final = frozenset({"endpoint", "relay_endpoint", "relays"})


@dataclass(frozen=True, slots=True)
class Renewal:
    """A further certificate, for this key.

    The key, and not the certificate, is what the member states: so it asks a sponsor once, before there is a
    certificate, and nobody can list one for a key that the member does not hold.

    Attributes:
        key_sha256: 32 bytes, see `public_key_sha256`.
        beside: 32 bytes, SHA-256 of the DER of the certificate in use, which stays. Any other goes, so that a
            node to which an answer was lost can ask again, as often as it takes, and is never shut out.
    """

    key_sha256: bytes
    beside: bytes

    def __post_init__(self) -> None:
        if len(self.key_sha256) != FINGERPRINT_BYTES or len(self.beside) != FINGERPRINT_BYTES:
            raise malformed("the hash of a key, or of a certificate, has 32 bytes")


@dataclass(frozen=True, slots=True)
class Revocation:
    """Every certificate of the member is refused from now on but this one, since a key was stolen.

    It is asked for under the certificate that stays, so that the answer arrives, or the next one does.

    Attributes:
        kept: 32 bytes, SHA-256 of its DER.
    """

    kept: bytes

    def __post_init__(self) -> None:
        if len(self.kept) != FINGERPRINT_BYTES:
            raise malformed("the hash of a certificate has 32 bytes")


@dataclass(frozen=True, slots=True)
class Place:
    """Where the member is reached from now on; the three fields are those of `MemberRecord`."""

    endpoint: str
    relays: tuple[MemberId, ...]
    relay_endpoint: str

    def __post_init__(self) -> None:
        for endpoint in filter(None, (self.endpoint, self.relay_endpoint)):
            check_endpoint(endpoint)
        for relay in self.relays:
            parse_member_id(relay)
        if len(set(self.relays)) != len(self.relays) or len(self.relays) > MAX_RELAYS:
            raise malformed(f"a member names each of at most {MAX_RELAYS} relays once")


Asked = Renewal | Revocation | Place | Acceptance
"""What a member can state; an `Acceptance` is the yearly attestation."""


@dataclass(frozen=True, slots=True)
class Statement:
    """What is signed.

    Attributes:
        coalition: where it holds.
        member_id: who states it.
        entry_sha256: 32 bytes, SHA-256 of the member's entry as it stands when this is made.
        asks: what it asks for; an attestation names the terms in force, the day, and the person who made it.

    Raises:
        MembershipError: `membership.malformed`, at construction.
    """

    coalition: CoalitionId
    member_id: MemberId
    entry_sha256: bytes
    asks: Asked

    def __post_init__(self) -> None:
        parse_coalition_id(self.coalition)
        parse_member_id(self.member_id)
        if len(self.entry_sha256) != FINGERPRINT_BYTES:
            raise malformed("the hash of an entry has 32 bytes")


@dataclass(frozen=True, slots=True)
class SignedStatement:
    """A statement with a signature that `verify_statement` has yet to verify.

    Attributes:
        signature: 64 bytes.
    """

    statement: Statement
    signature: bytes

    def __post_init__(self) -> None:
        if len(self.signature) != SIGNATURE_BYTES:
            raise malformed("a signature has 64 bytes")


def sign_statement(
    members: Members,
    member_id: MemberId,
    asks: Asked,
    signing_key: Ed25519PrivateKey,
) -> SignedStatement:
    """Makes a statement on the present entry of a member.

    Args:
        members: the present state of the coalition.
        member_id: who states it.
        asks: what it asks for.
        signing_key: the private half of the key in the member's entry.

    Returns:
        The statement, good until the entry changes.

    Raises:
        MembershipError: `membership.unknown` or `membership.expelled`.
    """
    statement = Statement(
        members.coalition, member_id, entry_sha256(require_present(members, member_id)), asks
    )
    return SignedStatement(statement, signing_key.sign(_CONTEXT + encode_statement(statement)))


def verify_statement(members: Members, signed: SignedStatement) -> MemberRecord:
    """Verifies that a member states this about its present entry.

    Args:
        members: the present state of the coalition.
        signed: from anywhere.

    Returns:
        The member's present entry.

    Raises:
        MembershipError: `membership.unknown`, `membership.expelled`, `membership.statement.coalition`,
            `membership.statement.signature` or `membership.statement.stale`.
    """
    statement = signed.statement
    # Step 1: it is for this coalition.
    if statement.coalition != members.coalition:
        raise MembershipError(
            f"a statement for coalition {statement.coalition} holds nothing in {members.coalition}",
            code="membership.statement.coalition",
        )
    # Step 2: who states it is a member.
    record = require_present(members, statement.member_id)
    # Step 3: the member's own key signed it.
    try:
        Ed25519PublicKey.from_public_bytes(record.signing_key).verify(
            signed.signature, _CONTEXT + encode_statement(statement)
        )
    except InvalidSignature as error:
        raise MembershipError(
            f"the statement of {statement.member_id} is not signed by the key in its entry",
            code="membership.statement.signature",
        ) from error
    # Step 4: it was made on the entry as it stands.
    if not hmac.compare_digest(statement.entry_sha256, entry_sha256(record)):
        raise MembershipError(
            f"the entry of {statement.member_id} changed after the statement was made",
            hint="The member asks again, on the present state of the coalition.",
            code="membership.statement.stale",
        )
    return record


def require_present(members: Members, member_id: MemberId) -> MemberRecord:
    """Returns the entry of a current member, whatever its standing: a lapsed one mends itself by a statement.

    Raises:
        MembershipError: `membership.unknown` or `membership.expelled`.
    """
    record = members.find(member_id)
    if record is not None:
        return record
    if members.is_expelled(member_id):
        raise MembershipError(
            f"{member_id} was expelled",
            hint="It is no member any more; `symbolon coalition members` shows who is.",
            code="membership.expelled",
        )
    raise MembershipError(
        f"{member_id[:64]!r} is not a member",
        hint="`symbolon coalition members` shows who is.",
        code="membership.unknown",
    )


def public_key_sha256(public_key: PublicKeyTypes) -> bytes:
    """Returns the SHA-256 of a key's SubjectPublicKeyInfo in DER, 32 bytes."""
    digest = hashes.Hash(hashes.SHA256())
    digest.update(
        public_key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    )
    return digest.finalize()


def encode_statement(statement: Statement) -> bytes:
    """Returns the canonical JSON that is signed, and that travels beside the signature."""
    return encode_canonical(statement_content(statement))


def decode_statement(document: bytes) -> Statement:
    """Decodes what travels beside a signature.

    Raises:
        MembershipError: `membership.too_large` or `membership.malformed`.
    """
    statement = read_statement(decode_json(document, MAX_STATEMENT_BYTES))
    if encode_statement(statement) != document:
        raise malformed("the statement is not in canonical form")
    return statement


def statement_content(statement: Statement) -> Mapping[str, object]:
    """Returns a statement as the tree that is encoded."""
    return {
        "asks": _asks_content(statement.asks),
        "coalition": statement.coalition,
        "entry_sha256": statement.entry_sha256.hex(),
        "member_id": statement.member_id,
    }


def read_statement(value: object) -> Statement:
    """Returns a statement.

    Raises:
        MembershipError: `membership.malformed`.
    """
    fields = read_object(value, _FIELDS)
    return Statement(
        coalition=CoalitionId(read_text(fields["coalition"])),
        member_id=MemberId(read_text(fields["member_id"])),
        entry_sha256=read_bytes(fields["entry_sha256"]),
        asks=_read_asks(fields["asks"]),
    )


def _asks_content(asks: Asked) -> Mapping[str, object]:
    match asks:
        case Renewal():
            return {"renewal": {"beside": asks.beside.hex(), "key_sha256": asks.key_sha256.hex()}}
        case Revocation():
            return {"revocation": {"kept": asks.kept.hex()}}
        case Place():
            place = {"endpoint": asks.endpoint, "relay_endpoint": asks.relay_endpoint, "relays": asks.relays}
            return {"place": place}
        case Acceptance():
            return {"attestation": acceptance_content(asks)}


def _read_asks(value: object) -> Asked:
    match value:
        case {"renewal": renewal, **rest} if not rest:
            fields = read_object(renewal, _RENEWAL_FIELDS)
            return Renewal(read_bytes(fields["key_sha256"]), read_bytes(fields["beside"]))
        case {"revocation": revocation, **rest} if not rest:
            return Revocation(read_bytes(read_object(revocation, _REVOCATION_FIELDS)["kept"]))
        case {"place": place, **rest} if not rest:
            fields = read_object(place, _PLACE_FIELDS)
            return Place(
                endpoint=read_text(fields["endpoint"]),
                relays=read_relays(fields["relays"]),
                relay_endpoint=read_text(fields["relay_endpoint"]),
            )
        case {"attestation": attestation, **rest} if not rest:
            return read_acceptance(attestation)
        case _:
            raise malformed("a statement asks for one renewal, revocation, place or attestation")
