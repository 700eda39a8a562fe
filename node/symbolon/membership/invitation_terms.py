"""What an invitation admits, as founders keep and compare it: the two-way codec of `InvitationTerms`.

Handles: the canonical form. Refuses: any other. docs/adr/0013.
"""

from datetime import UTC, datetime
from typing import Final

from symbolon.membership.act_review import InvitationTerms
from symbolon.membership.canonical_json import (
    decode_json,
    encode_canonical,
    malformed,
    read_bytes,
    read_integer,
    read_object,
    read_text,
)
from symbolon.membership.member import CoalitionId, MemberId, MemberKind
from symbolon.membership.members_document import read_name, read_roles, read_vetting, vetting_content

MAX_TERMS_BYTES: Final = 16 * 1024
"""Two texts of 200 characters, escaped, a key, and names."""

_MAX_EXPIRY_S: Final = 2**35
_FIELDS: Final = frozenset(
    "coalition expires invitation_key jurisdiction kind member_id replaces roles vetting".split()
)


def encode_invitation_terms(terms: InvitationTerms) -> bytes:
    """Encodes the terms; the expiry to the second."""
    content = {
        "coalition": terms.coalition,
        "expires": int(terms.expires.timestamp()),
        "invitation_key": terms.invitation_key.hex(),
        "jurisdiction": terms.jurisdiction,
        "kind": terms.kind,
        "member_id": terms.member_id,
        "replaces": terms.replaces.hex(),
        "roles": terms.roles,
        "vetting": vetting_content(terms.vetting),
    }
    return encode_canonical(content)


def decode_invitation_terms(document: bytes) -> InvitationTerms:
    """Decodes the terms.

    Raises:
        MembershipError: `membership.too_large` or `membership.malformed`.
    """
    fields = read_object(decode_json(document, MAX_TERMS_BYTES), _FIELDS)
    expires_s = read_integer(fields["expires"])
    if expires_s > _MAX_EXPIRY_S:
        raise malformed("the expiry of an invitation is out of range")
    terms = InvitationTerms(
        coalition=CoalitionId(read_text(fields["coalition"])),
        member_id=MemberId(read_text(fields["member_id"])),
        kind=read_name(fields["kind"], MemberKind),
        roles=read_roles(fields["roles"]),
        jurisdiction=read_text(fields["jurisdiction"]),
        vetting=read_vetting(fields["vetting"]),
        expires=datetime.fromtimestamp(expires_s, UTC),
        invitation_key=read_bytes(fields["invitation_key"]),
        replaces=read_bytes(fields["replaces"]),
    )
    if encode_invitation_terms(terms) != document:
        raise malformed("the terms of an invitation are not in canonical form")
    return terms
