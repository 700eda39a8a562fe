"""Invitations: the code for the one who joins, what founders keep of it, and its approval by others."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from symbolon.api.membership.v1 import membership_pb2 as pb
from symbolon.errors import MembershipError, SymbolonError
from symbolon.membership.act_review import InvitationTerms
from symbolon.membership.due_diligence import Vetting
from symbolon.membership.invitation_code import SECRET_BYTES, InvitationCode
from symbolon.membership.invitation_identity import invitation_authority, invitation_key
from symbolon.membership.invitation_terms import decode_invitation_terms, encode_invitation_terms
from symbolon.membership.member import FINGERPRINT_BYTES, CoalitionId, MemberId, MemberKind
from symbolon.membership.member_record import Role
from symbolon.rpc.founding import Founding
from symbolon.rpc.membership_client import CALL_S, call_member
from symbolon.rpc.node import Node
from symbolon.storage.founding_store import StoredInvitation

MAX_KNOWN: Final = 256
"""Open invitations that a founder keeps; each is let go when it ends, within a month."""


@dataclass(frozen=True, slots=True)
class Invited:
    """Who is invited, and what the founder knows of it.

    Attributes:
        relay: whether it will run a relay.
        person: who vetted it.
        vetted: the day.
        lapses: the first day on which the vetting no longer holds.
        open_for: how long the code is good.
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


def write_invitation(node: Node, wanted: Invited) -> InvitationCode:
    """Makes a code, keeps its hash and its public half, and lets its holder in from the next handshake on.

    Args:
        node: a founder's.
        wanted: who is invited.

    Returns:
        The code; it cannot be had again.

    Raises:
        MembershipError: this node is no founder, cannot be reached, or the id is taken.
    """
    founding = node.founding
    state = founding.state()
    state.require_fresh(node.now)
    own = state.members.require(node.member_id, node.now.date())
    if state.members.find(wanted.member_id) or state.members.is_expelled(wanted.member_id):
        raise MembershipError(
            f"the id {wanted.member_id} is taken, or was, by a member that was expelled",
            hint="Choose another id; none is given twice.",
            code="membership.duplicate",
        )
    if not own.endpoint:
        raise MembershipError(
            "who joins has to dial this node, and it names no endpoint",
            hint="Let a founder invite whose node can be dialled, or set one with `symbolon coalition move`.",
            code="membership.no_endpoint",
        )
    relays = tuple(
        (each.member_id, each.relay_endpoint) for each in state.members.members if each.relay_endpoint
    )[:4]
    code = InvitationCode(
        coalition=CoalitionId(state.members.coalition),
        member_id=wanted.member_id,
        sponsor=node.member_id,
        endpoints=(own.endpoint,),
        relays=relays,
        root_version=state.root_version,
        root_sha256=state.root_sha256(),
        expires=node.now.replace(microsecond=0) + wanted.open_for,
        secret=node.rng(SECRET_BYTES),
    )
    terms = InvitationTerms(
        coalition=code.coalition,
        member_id=wanted.member_id,
        kind=wanted.kind,
        roles=(Role.RELAY,) if wanted.relay else (),
        jurisdiction=wanted.jurisdiction,
        vetting=Vetting(node.member_id, wanted.person, wanted.vetted, wanted.criteria, wanted.lapses),
        expires=code.expires,
        invitation_key=invitation_key(code),
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
    founding = node.founding
    kept = next(each for each in founding.store.invitations("approved") if each.sha256 == code.stored_hash)
    request = pb.InviteRequest(invitation_sha256=kept.sha256, terms=kept.terms)
    failures: dict[str, SymbolonError] = {}
    for founder in founding.state().founders:
        if founder.member_id != node.member_id:
            try:
                await call_member(node, founder.member_id, lambda stub: stub.Invite(request, timeout=CALL_S))
            except SymbolonError as error:
                failures[founder.member_id] = error
    return failures


def take_invitation(founding: Founding, sponsor: MemberId, sha256: bytes, terms: bytes) -> bool:
    """Keeps an invitation of another founder; what is known of it stays as it is.

    Args:
        founding: this founder at work.
        sponsor: who wrote it, as TLS says.
        sha256: 32 bytes, hash of its code.
        terms: what it admits, canonical JSON.

    Returns:
        Whether a person here approved it.

    Raises:
        MembershipError: it is another founder's, of another coalition, or known with other terms.
    """
    wanted = decode_invitation_terms(terms)
    if len(sha256) != FINGERPRINT_BYTES or wanted.coalition != founding.state().members.coalition:
        raise _refused("the invitation is of another coalition, or names no code")
    if wanted.vetting.by != sponsor:
        raise _refused(f"{sponsor} invites in the name of {wanted.vetting.by}")
    known = {
        each.sha256: each for each in founding.store.invitations("offered", "approved", "used", "withdrawn")
    }
    if sha256 in known:
        if known[sha256].terms != terms:
            raise _refused("the invitation is known with other terms")
        return known[sha256].state != "offered"
    if len(known) >= MAX_KNOWN:
        raise _refused(f"{MAX_KNOWN} invitations are open already")
    founding.store.keep_invitation(
        StoredInvitation(
            sha256, wanted.member_id, sponsor, terms, b"", int(wanted.expires.timestamp()), "offered"
        )
    )
    return False


def _refused(detail: str) -> MembershipError:
    return MembershipError(detail, code="membership.invitation.terms")
