"""What can change in a coalition: the acts, each in the shape in which founders send and read it.

Handles: the closed list of acts and the shape of each, so that one from anywhere can be shown to a person
before it is judged. Refuses: shapes that make no sense. What an act does, and when it is refused, is in
`act_application`; whether a person must look is in `act_review`.

An act is as small as its effect. What a member asks for its own entry, move and attestation alike, is
`Amend`, since the signed statement already says which it is; `Renew` stands beside it because it carries a
certificate that somebody else made. Only the member's own statement takes a certificate away, or an admission
that replaces its keys as a whole: no founder can shut a member out alone, while it renews.
Specification: docs/PROTOCOL.md, membership; docs/adr/0013.
"""

from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from typing import Final

from symbolon.errors import MembershipError
from symbolon.membership.certificates import MAX_CERTIFICATE_BYTES
from symbolon.membership.due_diligence import Acceptance, Vetting, require_text
from symbolon.membership.invitation_identity import MAX_PROOF_BYTES
from symbolon.membership.member import FINGERPRINT_BYTES, MemberId, parse_member_id, parse_purpose
from symbolon.membership.member_record import MAX_PURPOSES, MemberRecord, Role
from symbolon.membership.member_statement import Place, Renewal, Revocation, SignedStatement
from symbolon.membership.readmission import check_replaced

MAX_ACTS: Final = 100
"""More than a coalition changes in a day; a person has to read them."""


@dataclass(frozen=True, slots=True)
class Admit:
    """A new member, or one whose keys are lost, as it answered an invitation.

    Attributes:
        record: its entry.
        invitation_sha256: 32 bytes, names the invitation that it answers.
        certificate_pem: its leaf; the entry names the SHA-256 of its DER.
        proof: by who holds the invitation's code, for the keys of leaf and entry, see `join_proof`.
        replaces: empty for a new member; for one that is admitted again the signing key in its present entry,
            so that this act, sent once more after later keys came in, brings none of these back.
    """

    record: MemberRecord
    invitation_sha256: bytes
    certificate_pem: bytes
    proof: bytes
    replaces: bytes = b""

    def __post_init__(self) -> None:
        check_replaced(self.replaces)
        _require_sha256(self.invitation_sha256, "an invitation")
        _require_pem(self.certificate_pem)
        if self.record.changed:
            raise _malformed("in which version an admission comes into force is not for it to say")
        if not 0 < len(self.proof) <= MAX_PROOF_BYTES:
            raise _malformed("the proof of an admission is missing or too large")

    @property
    def member_id(self) -> MemberId:
        """Who is admitted."""
        return self.record.member_id


@dataclass(frozen=True, slots=True)
class Renew:
    """A further certificate of a member, for the key that the member stated.

    It stands beside the one in use, so that renewal needs no pause; a third one goes.

    Attributes:
        certificate_pem: the new leaf.
        signed: asks for a `Renewal`.
    """

    certificate_pem: bytes
    signed: SignedStatement

    def __post_init__(self) -> None:
        _require_pem(self.certificate_pem)
        if not isinstance(self.signed.statement.asks, Renewal):
            raise _malformed("a certificate comes with a statement that asks for a renewal")

    @property
    def asks(self) -> Renewal:
        """What the member states."""
        asks = self.signed.statement.asks
        assert isinstance(asks, Renewal)
        return asks

    @property
    def member_id(self) -> MemberId:
        """Whose certificate it is."""
        return self.signed.statement.member_id


@dataclass(frozen=True, slots=True)
class Amend:
    """What a member states about its own entry: its place, a stolen certificate, or its yearly attestation.

    Attributes:
        signed: asks for anything but a `Renewal`.
    """

    signed: SignedStatement

    def __post_init__(self) -> None:
        if not isinstance(self.signed.statement.asks, Revocation | Place | Acceptance):
            raise _malformed("a renewal comes with a certificate")

    @property
    def asks(self) -> Revocation | Place | Acceptance:
        """What the member states."""
        asks = self.signed.statement.asks
        assert not isinstance(asks, Renewal)
        return asks

    @property
    def member_id(self) -> MemberId:
        """Whose entry it is."""
        return self.signed.statement.member_id


@dataclass(frozen=True, slots=True)
class Vet:
    """A founder vetted a member anew."""

    member_id: MemberId
    vetting: Vetting

    def __post_init__(self) -> None:
        parse_member_id(self.member_id)


@dataclass(frozen=True, slots=True)
class Suspend:
    """A member is refused everywhere until it is reinstated."""

    member_id: MemberId
    reason: str

    def __post_init__(self) -> None:
        parse_member_id(self.member_id)
        require_text(self.reason, "the reason")


@dataclass(frozen=True, slots=True)
class Reinstate:
    """A suspension ends."""

    member_id: MemberId

    def __post_init__(self) -> None:
        parse_member_id(self.member_id)


@dataclass(frozen=True, slots=True)
class Expel:
    """A member is refused for good; its id is never given again."""

    member_id: MemberId
    on: date
    reason: str

    def __post_init__(self) -> None:
        parse_member_id(self.member_id)
        require_text(self.reason, "the reason")


@dataclass(frozen=True, slots=True)
class Appoint:
    """What a member does for the others from now on.

    Attributes:
        roles: all of them, strictly ascending; a founder's keys are in the root, which this does not change.
    """

    member_id: MemberId
    roles: tuple[Role, ...]

    def __post_init__(self) -> None:
        parse_member_id(self.member_id)
        _require_ascending(self.roles, "roles")


@dataclass(frozen=True, slots=True)
class NewTerms:
    """Other terms of use are in force; no member is in good standing until it has accepted them.

    Attributes:
        version: as the coalition names them.
        sha256: 32 bytes, of the text, which travels as the target `terms.txt`.
    """

    version: str
    sha256: bytes

    def __post_init__(self) -> None:
        require_text(self.version, "the version of the terms")
        _require_sha256(self.sha256, "the terms")


@dataclass(frozen=True, slots=True)
class Purposes:
    """All that anybody may exchange for from now on.

    Attributes:
        purposes: strictly ascending.
    """

    purposes: tuple[str, ...]

    def __post_init__(self) -> None:
        for purpose in self.purposes:
            parse_purpose(purpose)
        _require_ascending(self.purposes, "purposes")
        if len(self.purposes) > MAX_PURPOSES:
            raise _malformed(f"a coalition has at most {MAX_PURPOSES} purposes")


@dataclass(frozen=True, slots=True)
class Refresh:
    """Nothing changes; the metadata is signed anew before its time is out."""


MemberAct = Admit | Renew | Amend | Vet | Suspend | Reinstate | Expel | Appoint
"""The acts on one member, which `member_id` names."""

Act = MemberAct | NewTerms | Purposes | Refresh


def _require_sha256(digest: bytes, what: str) -> None:
    if len(digest) != FINGERPRINT_BYTES:
        raise _malformed(f"the hash of {what} has 32 bytes")


def _require_pem(certificate: bytes) -> None:
    if len(certificate) > MAX_CERTIFICATE_BYTES or not certificate.isascii():
        raise _malformed("a certificate is too large or not in PEM")


def _require_ascending(names: tuple[str, ...], what: str) -> None:
    if any(left >= right for left, right in pairwise(names)):
        raise _malformed(f"{what} are not strictly ascending")


def _malformed(detail: str) -> MembershipError:
    return MembershipError(detail, code="membership.malformed")
