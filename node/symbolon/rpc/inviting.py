"""Invitations: the code for the one who joins, what founders keep of it, and its approval by others."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from symbolon.errors import MembershipError, SymbolonError
from symbolon.membership.act_review import InvitationTerms
from symbolon.membership.certificates import CLOCK_SKEW, MAX_AUTHORITIES
from symbolon.membership.due_diligence import Vetting
from symbolon.membership.invitation_code import SECRET_BYTES, InvitationCode
from symbolon.membership.invitation_identity import (
    MAX_INVITATION_VALIDITY,
    invitation_authority,
    invitation_key,
)
from symbolon.membership.invitation_terms import decode_invitation_terms, encode_invitation_terms
from symbolon.membership.member import FINGERPRINT_BYTES, CoalitionId, MemberId, MemberKind
from symbolon.membership.member_record import Role
from symbolon.membership.readmission import require_new, require_replaceable, require_same
from symbolon.rpc.founding import Founding
from symbolon.rpc.node import Node
from symbolon.rpc.open_invitations import tell_founders
from symbolon.storage.founding_store import StoredInvitation

MAX_OFFERED: Final = 64
"""Open invitations of one other founder that are kept: as many as its own server lets in."""


@dataclass(frozen=True, slots=True)
class Invited:
    """Who is invited, and what the founder knows of it.

    Attributes:
        relay: whether it will run a relay.
        person: who vetted it.
        vetted: the day.
        lapses: the first day on which the vetting no longer holds.
        open_for: how long the code is good.
        replaces: empty for a new member; for one whose keys are lost the signing key that it has now.
    """

    member_id: MemberId
    kind: MemberKind
    jurisdiction: str
    relay: bool
    person: str
    criteria: str
    vetted: date
    lapses: date
    open_for: timedelta
    replaces: bytes = b""

    @property
    def roles(self) -> tuple[Role, ...]:
        """What it will do for the others."""
        return (Role.RELAY,) if self.relay else ()


def write_invitation(node: Node, wanted: Invited) -> InvitationCode:
    """Makes a code, keeps its hash and its public half, and lets its holder in from the next handshake on.

    Args:
        node: a founder's.
        wanted: who is invited.

    Returns:
        The code; it cannot be had again.

    Raises:
        MembershipError: this node is no founder, cannot be reached, or the id cannot be invited, see
            `readmission`; or `membership.invitation.many` when as many are open as its server can let in.
    """
    founding = node.founding
    state = founding.state()
    state.require_fresh(node.now)
    own = state.members.require(node.member_id, node.now.date())
    if wanted.replaces:
        present = require_replaceable(state.members, wanted.member_id)
        require_same(present, wanted.replaces, wanted.kind, wanted.jurisdiction, wanted.roles)
    else:
        require_new(state.members, wanted.member_id)
    if not own.endpoint:
        raise MembershipError(
            "who joins has to dial this node, and it names no endpoint",
            hint="Who invites has to be dialled directly while others join, and not through a relay: run "
            "`symbolon coalition move --endpoint host:port`, or let another founder invite.",
            code="membership.no_endpoint",
        )
    open_now = founding.store.invitations("approved")
    if sum(each.sponsor == node.member_id for each in open_now) >= MAX_AUTHORITIES:
        raise MembershipError(
            f"{MAX_AUTHORITIES} invitations of this founder are open already",
            hint="Take some back: `symbolon coalition invitations`, then `symbolon coalition withdraw ID`.",
            code="membership.invitation.many",
        )
    code = InvitationCode(
        coalition=CoalitionId(state.members.coalition),
        member_id=wanted.member_id,
        sponsor=node.member_id,
        endpoints=(own.endpoint,),
        root_version=state.root_version,
        root_sha256=state.root_sha256(),
        expires=node.now.replace(microsecond=0) + wanted.open_for,
        secret=node.rng(SECRET_BYTES),
    )
    terms = InvitationTerms(
        coalition=code.coalition,
        member_id=wanted.member_id,
        kind=wanted.kind,
        roles=wanted.roles,
        jurisdiction=wanted.jurisdiction,
        vetting=Vetting(node.member_id, wanted.person, wanted.vetted, wanted.criteria, wanted.lapses),
        expires=code.expires,
        invitation_key=invitation_key(code),
        replaces=wanted.replaces,
    )
    founding.store.keep_invitation(
        StoredInvitation(
            sha256=code.stored_hash,
            member=wanted.member_id,
            sponsor=node.member_id,
            terms=encode_invitation_terms(terms),
            authority=invitation_authority(code, node.now),
            expires_at_s=int(code.expires.timestamp()),
            state="approved",
        )
    )
    node.write_open_invitations()
    return code


async def ask_approval(node: Node, code: InvitationCode) -> dict[str, SymbolonError]:
    """Tells the other founders of an invitation, so that people there can approve it before anybody joins.

    Returns:
        The founders that could not be told, and why.
    """
    kept = next(
        each for each in node.founding.store.invitations("approved") if each.sha256 == code.stored_hash
    )
    return (await tell_founders(node, kept)).failures


def take_invitation(
    founding: Founding, sponsor: MemberId, sha256: bytes, terms: bytes, now: datetime
) -> bool:
    """Keeps an invitation of another founder; what is known of it stays as it is.

    Args:
        founding: this founder at work.
        sponsor: who wrote it, as TLS says.
        sha256: 32 bytes, hash of its code.
        terms: what it admits, canonical JSON.
        now: the current time, aware.

    Returns:
        Whether a person here approved it.

    Raises:
        MembershipError: it is another founder's, of another coalition, not of these weeks, known with other
            terms, or one too many.
    """
    wanted = decode_invitation_terms(terms)
    if len(sha256) != FINGERPRINT_BYTES or wanted.coalition != founding.state().members.coalition:
        raise _refused("the invitation is of another coalition, or names no code")
    if wanted.vetting.by != sponsor:
        raise _refused(f"{sponsor} invites in the name of {wanted.vetting.by}")
    if not now < wanted.expires <= now + MAX_INVITATION_VALIDITY + CLOCK_SKEW:
        raise _refused(f"the invitation would be open until {wanted.expires:%Y-%m-%d %H:%M} UTC")
    known = {
        each.sha256: each for each in founding.store.invitations("offered", "approved", "used", "withdrawn")
    }
    if sha256 in known:
        if known[sha256].terms != terms:
            raise _refused("the invitation is known with other terms")
        return known[sha256].state != "offered"
    waiting = [each for each in known.values() if each.sponsor == sponsor and each.state != "used"]
    if len(waiting) >= MAX_OFFERED:
        raise _refused(f"{MAX_OFFERED} invitations of {sponsor} are open already")
    founding.store.keep_invitation(
        StoredInvitation(
            sha256, wanted.member_id, sponsor, terms, b"", int(wanted.expires.timestamp()), "offered"
        )
    )
    return False


def _refused(detail: str) -> MembershipError:
    return MembershipError(detail, code="membership.invitation.terms")
