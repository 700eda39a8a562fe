"""What a member offers when it is to become a founder: the public halves of its keys, under its signature.

Handles: one line of text that people pass on as they like; it holds nothing secret. Refuses: an offer that is
not signed by the key in the member's entry, of another coalition, or of somebody who is no member. Whoever
names founders still compares the fingerprint by another way than the one the line came by, since the founders
are all that the coalition rests on. Specification: docs/PROTOCOL.md, membership; docs/adr/0013.
"""

import base64
import hashlib
from dataclasses import dataclass
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from symbolon.errors import MembershipError
from symbolon.membership.authorities import Authorities
from symbolon.membership.canonical_json import (
    decode_json,
    encode_canonical,
    read_bytes,
    read_object,
    read_text,
)
from symbolon.membership.certificates import MAX_CERTIFICATE_BYTES
from symbolon.membership.coalition_roles import Founder
from symbolon.membership.member import CoalitionId, MemberId, parse_coalition_id
from symbolon.membership.member_record import Members
from symbolon.membership.member_statement import SIGNATURE_BYTES, require_present

PREFIX: Final = "symbolon-founder1-"
MAX_OFFER_CHARS: Final = 4 * MAX_CERTIFICATE_BYTES
_CONTEXT: Final = b"symbolon-founder-offer-v1\0"
_FIELDS: Final = frozenset("authority coalition member_id metadata_key root_key".split())


@dataclass(frozen=True, slots=True)
class FounderOffer:
    """The public halves of a founder's keys.

    Attributes:
        coalition: where they are to hold.
        founder: whose they are.
        authority_pem: the certificate of its authority.
    """

    coalition: CoalitionId
    founder: Founder
    authority_pem: bytes

    def __post_init__(self) -> None:
        parse_coalition_id(self.coalition)
        Authorities.of([self.authority_pem])

    @property
    def fingerprint(self) -> str:
        """Sixteen hexadecimal digits for two people to compare by telephone."""
        return hashlib.sha256(_content(self)).hexdigest()[:16]


def sign_offer(offer: FounderOffer, signing_key: Ed25519PrivateKey) -> str:
    """Writes an offer as one line.

    Args:
        offer: the keys.
        signing_key: the private half of the key in the member's entry.
    """
    content = _content(offer)
    signed = signing_key.sign(_CONTEXT + content) + content
    return PREFIX + base64.b32encode(signed).decode("ascii").rstrip("=").lower()


def read_offer(line: str, members: Members) -> FounderOffer:
    """Reads an offer and verifies whose it is.

    Args:
        line: as it was passed on; spaces and line breaks do not count.
        members: the present state.

    Raises:
        MembershipError: `membership.offer` when it is no offer, `.signature` or `.coalition` below it, or
            `membership.unknown`.
    """
    word = "".join(line.split()).lower()
    if len(word) > MAX_OFFER_CHARS or not word.startswith(PREFIX):
        raise _refused("", f"this is not a founder's offer, which begins with {PREFIX}")
    body = word.removeprefix(PREFIX).upper()
    try:
        signed = base64.b32decode(body + "=" * (-len(body) % 8))
    except ValueError as error:
        raise _refused("", "the founder's offer was not copied whole") from error
    signature, content = signed[:SIGNATURE_BYTES], signed[SIGNATURE_BYTES:]
    try:
        fields = read_object(decode_json(content, MAX_OFFER_CHARS), _FIELDS)
    except MembershipError as error:
        raise _refused("", "the founder's offer was not copied whole") from error
    founder = Founder(
        MemberId(read_text(fields["member_id"])),
        read_bytes(fields["root_key"]),
        read_bytes(fields["metadata_key"]),
    )
    authority = read_text(fields["authority"]).encode("ascii", "replace")
    offer = FounderOffer(CoalitionId(read_text(fields["coalition"])), founder, authority)
    if _content(offer) != content:
        raise _refused("", "the founder's offer is not in its one form")
    if offer.coalition != members.coalition:
        raise _refused(".coalition", f"the offer is for {offer.coalition}, not for {members.coalition}")
    record = require_present(members, founder.member_id)
    try:
        Ed25519PublicKey.from_public_bytes(record.signing_key).verify(signature, _CONTEXT + content)
    except InvalidSignature as error:
        raise _refused(".signature", f"the offer is not signed by {founder.member_id}") from error
    return offer


def _content(offer: FounderOffer) -> bytes:
    return encode_canonical(
        {
            "authority": offer.authority_pem.decode("ascii"),
            "coalition": offer.coalition,
            "member_id": offer.founder.member_id,
            "metadata_key": offer.founder.metadata_key.hex(),
            "root_key": offer.founder.root_key.hex(),
        }
    )


def _refused(kind: str, detail: str) -> MembershipError:
    return MembershipError(
        detail,
        hint="Ask the member to run `symbolon coalition offer` again, and to send its whole line.",
        code=f"membership.offer{kind}",
    )
