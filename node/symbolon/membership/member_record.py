"""A member of the coalition as `members.json` names it, and the whole of that document as a value.

Handles: the shape of every field, and the one question asked before each RPC: is this certificate that of a
member in good standing today? Refuses: whatever does not have exactly that shape, so that what a document
carries can go into a file name, a certificate name or a dial target without further thought.
Specification: docs/PROTOCOL.md, membership; docs/adr/0013.
"""

import hmac
from bisect import bisect_left
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from itertools import pairwise
from typing import Final

from symbolon.errors import MembershipError
from symbolon.membership.due_diligence import DueDiligence, require_standing, require_text
from symbolon.membership.member import (
    FINGERPRINT_BYTES,
    CoalitionId,
    MemberId,
    MemberKind,
    check_endpoint,
    check_jurisdiction,
    parse_coalition_id,
    parse_member_id,
    parse_purpose,
)

MAX_MEMBERS: Final = 2_000
"""With at most 1 KiB for each, the document stays below `MAX_MEMBERS_BYTES`."""

MAX_EXPELLED: Final = 10_000
MAX_RELAYS: Final = 4
MAX_PURPOSES: Final = 64
SIGNING_KEY_BYTES: Final = 32

_FIELD: Final = 2**255 - 19
_ORDER_8: Final = int("05fc536d880238b13933c6d305acdfd5f098eff289f4c345b027b2c28f95e826", 16)
_SMALL_ORDER: Final = frozenset({0, 1, _FIELD - 1, _ORDER_8, _FIELD - _ORDER_8})
"""The y-coordinates of Ed25519's eight points of small order. Under such a key anybody can make a signature
that holds, so a member that had one could deny every statement of its own. Source: RFC 8032 section 5.1."""


class Role(StrEnum):
    """What a member does for the others."""

    FOUNDER = "founder"
    RELAY = "relay"


class Status(StrEnum):
    """What the founders decided about a member; whether its records hold is asked beside it."""

    ACTIVE = "active"
    SUSPENDED = "suspended"


@dataclass(frozen=True, slots=True)
class MemberRecord:
    """One current member.

    Attributes:
        member_id: the name by which peers, policies and the audit log know the member.
        kind: what the member is.
        roles: strictly ascending.
        jurisdiction: ISO 3166-1 alpha-2 code.
        endpoint: `host:port` at which peers dial it, or '' when it is reached through relays only.
        relays: members through whose relays it is reached, the preferred one first.
        relay_endpoint: `host:port` of the relay it runs, or ''.
        signing_key: 32 bytes, its Ed25519 public key.
        certificates: SHA-256 of the DER of its leaf, and of the next one while it is being renewed.
        status: see `Status`.
        reason: why it is suspended, or ''.
        due_diligence: terms, vetting, attestation.
        changed: version of the `members.json` in which the entry became what it is; 0 in the first one. So an
            entry is never the same as an earlier one, and a statement on that one never holds again.

    Raises:
        MembershipError: `membership.malformed`, at construction, when a field has another shape.
    """

    member_id: MemberId
    kind: MemberKind
    roles: tuple[Role, ...]
    jurisdiction: str
    endpoint: str
    relays: tuple[MemberId, ...]
    relay_endpoint: str
    signing_key: bytes
    certificates: tuple[bytes, ...]
    status: Status
    reason: str
    due_diligence: DueDiligence
    changed: int = 0

    def __post_init__(self) -> None:
        parse_member_id(self.member_id)
        _ascending(self.roles, "roles")
        check_jurisdiction(self.jurisdiction)
        for endpoint in filter(None, (self.endpoint, self.relay_endpoint)):
            check_endpoint(endpoint)
        for relay in self.relays:
            parse_member_id(relay)
        if len(set(self.relays)) != len(self.relays) or len(self.relays) > MAX_RELAYS:
            raise _malformed(f"a member names each of at most {MAX_RELAYS} relays once")
        if len(self.signing_key) != SIGNING_KEY_BYTES:
            raise _malformed(f"a signing key has {len(self.signing_key)} bytes instead of 32")
        _require_strong(self.signing_key)
        if not 1 <= len(self.certificates) <= 2 or len(set(self.certificates)) != len(self.certificates):
            raise _malformed("a member has one certificate, or two while it is renewed")
        if any(len(each) != FINGERPRINT_BYTES for each in self.certificates):
            raise _malformed("a certificate's fingerprint has 32 bytes")
        if (self.status is Status.SUSPENDED) != bool(self.reason):
            raise _malformed("a suspended member, and no other, has a reason")
        if self.reason:
            require_text(self.reason, "the reason")
        if self.changed < 0:
            raise _malformed("an entry changed in a version below 0")

    def owns(self, fingerprint: bytes) -> bool:
        """Whether a certificate is this member's, by the SHA-256 of its DER."""
        return any(hmac.compare_digest(each, fingerprint) for each in self.certificates)


@dataclass(frozen=True, slots=True)
class Expelled:
    """A former member; its id is never given again.

    Attributes:
        reason: one line.
    """

    member_id: MemberId
    on: date
    reason: str

    def __post_init__(self) -> None:
        parse_member_id(self.member_id)
        require_text(self.reason, "the reason")


@dataclass(frozen=True, slots=True)
class Members:
    """The content of `members.json`.

    Attributes:
        coalition: also the SPIFFE trust domain.
        version: that of the targets metadata which vouches for it.
        previous: SHA-256 of the `members.json` it was made from, 32 bytes; zeros in the first one.
        terms_version: the terms in force; their text is the target `terms.txt`.
        purposes: all that anybody may exchange for, strictly ascending.
        members: in strictly ascending order of their ids.
        expelled: likewise; no id is in both.

    Raises:
        MembershipError: `membership.malformed`, at construction, when a rule above is broken.
    """

    coalition: CoalitionId
    version: int
    previous: bytes
    terms_version: str
    purposes: tuple[str, ...]
    members: tuple[MemberRecord, ...]
    expelled: tuple[Expelled, ...] = ()

    def __post_init__(self) -> None:
        parse_coalition_id(self.coalition)
        require_text(self.terms_version, "the version of the terms")
        if self.version < 1 or len(self.previous) != FINGERPRINT_BYTES:
            raise _malformed("the version or the reference to the version before is out of range")
        if len(self.members) > MAX_MEMBERS or len(self.expelled) > MAX_EXPELLED:
            raise _malformed("the document names too many members")
        if any(member.changed > self.version for member in self.members):
            raise _malformed("an entry changed in a later version than this one")
        _ascending(self.purposes, "purposes")
        if len(self.purposes) > MAX_PURPOSES:
            raise _malformed(f"a coalition has at most {MAX_PURPOSES} purposes")
        for purpose in self.purposes:
            parse_purpose(purpose)
        current = [member.member_id for member in self.members]
        former = [each.member_id for each in self.expelled]
        _ascending(current, "members")
        _ascending(former, "expelled members")
        if not set(current).isdisjoint(former):
            raise _malformed("a member is listed as current and as expelled")

    def find(self, member_id: str) -> MemberRecord | None:
        """The current member of this id, whatever its standing."""
        at = bisect_left(self.members, member_id, key=lambda member: member.member_id)
        if at < len(self.members) and self.members[at].member_id == member_id:
            return self.members[at]
        return None

    def is_expelled(self, member_id: str) -> bool:
        """Whether the id belongs to a member that was expelled."""
        at = bisect_left(self.expelled, member_id, key=lambda each: each.member_id)
        return at < len(self.expelled) and self.expelled[at].member_id == member_id

    @property
    def founders(self) -> tuple[MemberRecord, ...]:
        """The members that sign the coalition's metadata."""
        return tuple(member for member in self.members if Role.FOUNDER in member.roles)

    def require(self, member_id: str, today: date) -> MemberRecord:
        """A member in good standing.

        Args:
            member_id: whose standing is asked.
            today: UTC.

        Raises:
            MembershipError: `membership.unknown`, `.expelled`, `.suspended` or `.lapsed.…`.
        """
        member = self.require_active(member_id)
        try:
            require_standing(member.due_diligence, self.terms_version, today)
        except MembershipError as error:
            raise MembershipError(
                f"{member_id}: {error.detail}", hint=error.hint, code=error.full_code
            ) from error
        return member

    def standing(self, member_id: str, today: date) -> str:
        """How a member stands, in one word.

        Args:
            member_id: whose standing is asked.
            today: UTC.

        Returns:
            `good`, or the code of what `require` raises without its area: `suspended`, `lapsed.vetting`, …
        """
        try:
            self.require(member_id, today)
        except MembershipError as error:
            return error.full_code.removeprefix("membership.")
        return "good"

    def require_certificate(self, member_id: str, fingerprint: bytes, today: date) -> MemberRecord:
        """A member in good standing whose certificate this is.

        Args:
            member_id: as the certificate names it.
            fingerprint: 32 bytes, SHA-256 of the leaf's DER.
            today: UTC.

        Raises:
            MembershipError: as `require`, and `membership.fingerprint`.
        """
        member = self.require(member_id, today)
        _require_owner(member, fingerprint)
        return member

    def require_listed(self, member_id: str, fingerprint: bytes) -> MemberRecord:
        """A member that is not suspended, whose records may have lapsed, and whose certificate this is.

        Args:
            member_id: as the certificate names it.
            fingerprint: 32 bytes, SHA-256 of the leaf's DER.

        Raises:
            MembershipError: `membership.unknown`, `.expelled`, `.suspended` or `.fingerprint`.
        """
        member = self.require_active(member_id)
        _require_owner(member, fingerprint)
        return member

    def require_active(self, member_id: str) -> MemberRecord:
        """A member that is not suspended, whose records may have lapsed.

        Raises:
            MembershipError: `membership.unknown`, `.expelled` or `.suspended`.
        """
        member = self.find(member_id)
        if member is None:
            if self.is_expelled(member_id):
                raise MembershipError(
                    f"{member_id} was expelled",
                    hint="No member exchanges with it any more; a founder can say why.",
                    code="membership.expelled",
                )
            raise MembershipError(
                f"{member_id[:64]!r} is not a member",
                hint="`symbolon coalition members` lists them; `symbolon coalition sync` asks who is new.",
                code="membership.unknown",
            )
        if member.status is Status.SUSPENDED:
            raise MembershipError(
                f"{member_id} is suspended: {member.reason}",
                hint="The founders lift it with `symbolon coalition reinstate`.",
                code="membership.suspended",
            )
        return member


def _require_strong(signing_key: bytes) -> None:
    """Refuses a key of small order, and an encoding that stands for a point beside the one it names."""
    y = int.from_bytes(signing_key, "little") & (2**255 - 1)
    if y >= _FIELD or y in _SMALL_ORDER:
        raise _malformed("a signing key is of small order, or not in its one form")


def _require_owner(member: MemberRecord, fingerprint: bytes) -> None:
    if not member.owns(fingerprint):
        raise MembershipError(
            f"the certificate presented for {member.member_id} is not the one in members.json",
            hint="One side holds an older state of the coalition or an older certificate than the other.",
            code="membership.fingerprint",
        )


def _ascending(names: tuple[str, ...] | list[MemberId], what: str) -> None:
    if any(left >= right for left, right in pairwise(names)):
        raise _malformed(f"{what} are not strictly ascending")


def _malformed(detail: str) -> MembershipError:
    return MembershipError(detail, code="membership.malformed")
