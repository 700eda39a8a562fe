"""An agreement: two members sign, each by its own key, that they may match for these purposes until a day.

Handles: making one, its canonical form, each member's signature, and its verification against a state of the
coalition. Refuses: another form than the canonical one, an agreement of a member with itself, of another
coalition, of whoever is no member now, without purposes or for longer than two years, and signatures by
anybody but its two members, with the keys in their entries. A member that came again with other keys has to
agree again.

A signature is Ed25519 over `symbolon-agreement-v1`, a zero byte and the canonical JSON, so no other signed
document of the project can stand in for one. An agreement permits nothing by itself: the policy asks whether
there is one. Specification: docs/adr/0014.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from symbolon.errors import MembershipError
from symbolon.membership.canonical_json import (
    date_text,
    decode_json,
    encode_canonical,
    read_array,
    read_bytes,
    read_date,
    read_object,
    read_text,
)
from symbolon.membership.member import (
    CoalitionId,
    MemberId,
    parse_coalition_id,
    parse_member_id,
    parse_purpose,
)
from symbolon.membership.member_record import MAX_PURPOSES, Members
from symbolon.membership.member_statement import require_present

MAX_AGREEMENT_BYTES: Final = 8 * 1024
"""The longest texts stay below 5 KiB; the bound stops a peer from making us parse more."""

NONCE_BYTES: Final = 16
"""Enough that an agreement made again is another one, so that one that was withdrawn never comes back."""

DEFAULT_VALIDITY: Final = timedelta(days=365)
MAX_VALIDITY: Final = timedelta(days=731)
"""Two years, with a leap day: whoever signed may be gone by then, so somebody looks again."""

CLOCK_DAYS: Final = timedelta(days=1)
"""Where two clocks stand on either side of midnight, one of them signs for tomorrow."""

_CONTEXT: Final = b"symbolon-agreement-v1\0"
_FIELDS: Final = frozenset({"coalition", "first_day", "last_day", "members", "nonce", "purposes"})


@dataclass(frozen=True, slots=True)
class Agreement:
    """What both members sign.

    Attributes:
        coalition: where it holds.
        members: both, in ascending order: neither is the first.
        purposes: at least one, strictly ascending.
        first_day: on which it holds, UTC.
        last_day: on which it holds, UTC.
        nonce: 16 random bytes.

    Raises:
        MembershipError: `membership.agreement.members`, `.purposes`, `.dates` or `.malformed`, at
            construction.
    """

    coalition: CoalitionId
    members: tuple[MemberId, MemberId]
    purposes: tuple[str, ...]
    first_day: date
    last_day: date
    nonce: bytes

    def __post_init__(self) -> None:
        try:
            parse_coalition_id(self.coalition)
            for member_id in self.members:
                parse_member_id(member_id)
            for purpose in self.purposes:
                parse_purpose(purpose)
            for day in (self.first_day, self.last_day):
                date_text(day)
        except MembershipError as error:
            raise _refused("malformed", error.detail) from error
        if self.members[0] >= self.members[1]:
            raise _refused("members", "an agreement is between two members, named in ascending order")
        if not 1 <= len(self.purposes) <= MAX_PURPOSES or any(a >= b for a, b in pairwise(self.purposes)):
            raise _refused("purposes", f"1 to {MAX_PURPOSES} purposes, strictly ascending, are agreed on")
        if not timedelta(0) <= self.last_day - self.first_day <= MAX_VALIDITY:
            raise _refused("dates", f"an agreement cannot hold from {self.first_day} to {self.last_day}")
        if len(self.nonce) != NONCE_BYTES:
            raise _refused("malformed", "a nonce has 16 bytes")

    def other(self, member_id: str) -> MemberId:
        """Who agrees with this member.

        Raises:
            MembershipError: `membership.agreement.foreign`, it is neither of the two.
        """
        if member_id not in self.members:
            raise _refused("foreign", f"an agreement of {' and '.join(self.members)}, not of {member_id}")
        return self.members[1] if member_id == self.members[0] else self.members[0]

    def covers(self, purpose: str, day: date) -> bool:
        """Whether it speaks of this purpose and this day, if it is signed and was not withdrawn."""
        return purpose in self.purposes and self.first_day <= day <= self.last_day


@dataclass(frozen=True, slots=True)
class SignedAgreement:
    """An agreement with signatures that `verify_agreement` has yet to verify.

    Attributes:
        document: canonical JSON.
        signatures: 64 bytes each, by member.
    """

    document: bytes
    signatures: Mapping[MemberId, bytes]


def make_agreement(
    members: Members,
    parties: tuple[str, str],
    purposes: tuple[str, ...],
    first_day: date,
    last_day: date,
    nonce: bytes,
) -> Agreement:
    """Makes an agreement that both members may sign now.

    Args:
        members: the present state of the coalition.
        parties: the two members, in any order.
        purposes: in any order; one that is named twice counts once.
        first_day: today, UTC.
        last_day: on which it holds, UTC.
        nonce: 16 random bytes.

    Raises:
        MembershipError: what `Agreement` and `require_signable` raise.
    """
    low, high = sorted(MemberId(each) for each in parties)
    agreement = Agreement(
        members.coalition, (low, high), tuple(sorted(set(purposes))), first_day, last_day, nonce
    )
    require_signable(members, agreement, first_day)
    return agreement


def require_signable(members: Members, agreement: Agreement, today: date) -> None:
    """Checks that there is a point in signing an agreement today.

    Args:
        members: the present state of the coalition.
        agreement: from anywhere.
        today: UTC.

    Raises:
        MembershipError: `membership.agreement.coalition`, `.purpose`, `.dates` or `.ended`;
            `membership.unknown` or `.expelled`.
    """
    _require_parties(members, agreement)
    unknown = [each for each in agreement.purposes if each not in members.purposes]
    if unknown:
        raise _refused(
            "purpose",
            f"{', '.join(unknown)}: no purpose of this coalition",
            hint=f"Its purposes are {', '.join(members.purposes)}.",
        )
    if agreement.first_day > today + CLOCK_DAYS:
        raise _refused("dates", f"an agreement that begins on {agreement.first_day} is not signed on {today}")
    if agreement.last_day < today:
        raise _refused("ended", f"the agreement ended on {agreement.last_day}")


def sign_agreement(agreement: Agreement, signing_key: Ed25519PrivateKey) -> bytes:
    """Returns a member's signature, 64 bytes; the key is the private half of the one in its entry."""
    return signing_key.sign(_CONTEXT + encode_agreement(agreement))


def verify_signature(members: Members, agreement: Agreement, member_id: MemberId, signature: bytes) -> None:
    """Verifies that one member signed an agreement.

    Args:
        members: the present state of the coalition, or the one at the time that is asked about.
        agreement: what was signed.
        member_id: one of its two members.
        signature: 64 bytes, from anywhere.

    Raises:
        MembershipError: `membership.agreement.coalition`, `.foreign` or `.signature`; `membership.unknown` or
            `.expelled`.
    """
    # Step 1: it is of this coalition, and both its members are of it now.
    _require_parties(members, agreement)
    # Step 2: the signer is one of the two.
    agreement.other(member_id)
    # Step 3: its own key signed this very document.
    try:
        key = Ed25519PublicKey.from_public_bytes(require_present(members, member_id).signing_key)
        key.verify(signature, _CONTEXT + encode_agreement(agreement))
    except InvalidSignature as error:
        raise _refused(
            "signature",
            f"the agreement is not signed by the key in the entry of {member_id}",
            hint=f"If {member_id} got new keys, agree anew: `symbolon policy agree`.",
        ) from error


def verify_agreement(members: Members, signed: SignedAgreement) -> Agreement:
    """Verifies that both members signed an agreement. Says nothing of the day, nor of a withdrawal.

    Args:
        members: the present state of the coalition, or the one at the time that is asked about.
        signed: from anywhere.

    Returns:
        What they signed.

    Raises:
        MembershipError: `membership.agreement.…`; `membership.unknown` or `.expelled`.
    """
    agreement = decode_agreement(signed.document)
    if set(signed.signatures) != set(agreement.members):
        raise _refused("signature", "an agreement has the signatures of its two members, and no other")
    for member_id in agreement.members:
        verify_signature(members, agreement, member_id, signed.signatures[member_id])
    return agreement


def agreement_sha256(document: bytes) -> bytes:
    """Returns the SHA-256 of a document, 32 bytes: its name."""
    return hashlib.sha256(document).digest()


def encode_agreement(agreement: Agreement) -> bytes:
    """Returns the canonical JSON that is signed."""
    return encode_canonical(
        {
            "coalition": agreement.coalition,
            "first_day": date_text(agreement.first_day),
            "last_day": date_text(agreement.last_day),
            "members": agreement.members,
            "nonce": agreement.nonce.hex(),
            "purposes": agreement.purposes,
        }
    )


def decode_agreement(document: bytes) -> Agreement:
    """Decodes a document from anywhere.

    Raises:
        MembershipError: `membership.agreement.malformed`, or as `Agreement`.
    """
    if len(document) > MAX_AGREEMENT_BYTES:
        raise _refused("malformed", f"an agreement of {len(document)} bytes is too large")
    try:
        fields = read_object(decode_json(document, MAX_AGREEMENT_BYTES), _FIELDS)
        coalition = CoalitionId(read_text(fields["coalition"]))
        named = [MemberId(read_text(each)) for each in read_array(fields["members"])]
        purposes = tuple(read_text(each) for each in read_array(fields["purposes"]))
        first_day, last_day = read_date(fields["first_day"]), read_date(fields["last_day"])
        nonce = read_bytes(fields["nonce"])
    except MembershipError as error:
        raise _refused("malformed", error.detail) from error
    if len(named) != 2:
        raise _refused("members", "an agreement is between two members")
    agreement = Agreement(coalition, (named[0], named[1]), purposes, first_day, last_day, nonce)
    if encode_agreement(agreement) != document:
        raise _refused("malformed", "the agreement is not in canonical form")
    return agreement


def _require_parties(members: Members, agreement: Agreement) -> None:
    if agreement.coalition != members.coalition:
        raise _refused(
            "coalition",
            f"an agreement of coalition {agreement.coalition} holds nothing in {members.coalition}",
        )
    for member_id in agreement.members:
        require_present(members, member_id)


def _refused(kind: str, detail: str, hint: str | None = None) -> MembershipError:
    return MembershipError(detail, hint=hint, code=f"membership.agreement.{kind}")
