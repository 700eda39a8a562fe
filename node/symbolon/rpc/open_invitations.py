"""Invitations that are open: who has approved them, and taking them back.

Handles: telling the other founders of an invitation, which also tells who has approved it; withdrawing one,
so that its code is dead at its sponsor from the next handshake on, whatever else runs there, and its answer
is signed neither there nor at any founder that was told; taking in that another founder withdrew its own.
Refuses: to withdraw what a member has joined with. docs/adr/0013.

A sponsor that withdraws is enough on its own: who answers dials it, and it no longer lets the code in. The
others are told because a founder that had approved the invitation would sign an answer by itself, and could
so be used by the holder of the code together with another founder than the sponsor.
"""

import asyncio
from dataclasses import dataclass, field

from symbolon.api.membership.v1 import membership_pb2 as pb
from symbolon.errors import MembershipError, SymbolonError
from symbolon.membership.member import MemberId
from symbolon.rpc.founding import Founding
from symbolon.rpc.membership_client import CALL_S, call_member
from symbolon.rpc.node import Node
from symbolon.storage.founding_store import StoredInvitation


@dataclass(frozen=True, slots=True)
class Told:
    """What the other founders said of an invitation.

    Attributes:
        approved: where a person approved it.
        waiting: where a person has yet to look at it.
        failures: who could not be told, and why.
    """

    approved: tuple[MemberId, ...] = ()
    waiting: tuple[MemberId, ...] = ()
    failures: dict[str, SymbolonError] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """What came of withdrawing an invitation.

    Attributes:
        told: what the other founders said; nothing when it is another founder's.
        answered: it was answered before, and this founder signed the answer: its holder may be admitted yet.
    """

    told: Told
    answered: bool


async def tell_founders(node: Node, invitation: StoredInvitation, *, withdrawn: bool = False) -> Told:
    """Tells the other founders of an invitation of this one; told again, they say what became of it.

    Args:
        node: its sponsor's.
        invitation: as it is kept.
        withdrawn: it is not open any more.
    """
    request = pb.InviteRequest(
        invitation_sha256=invitation.sha256, terms=invitation.terms, withdrawn=withdrawn
    )
    approved: list[MemberId] = []
    waiting: list[MemberId] = []
    failures: dict[str, SymbolonError] = {}

    async def tell(member_id: MemberId) -> None:
        try:
            answer = await call_member(node, member_id, lambda stub: stub.Invite(request, timeout=CALL_S))
            (approved if answer.approved else waiting).append(member_id)
        except SymbolonError as error:
            failures[member_id] = error

    founders = (await asyncio.to_thread(node.founding.state)).founders
    await asyncio.gather(*(tell(each.member_id) for each in founders if each.member_id != node.member_id))
    return Told(tuple(sorted(approved)), tuple(sorted(waiting)), failures)


async def withdraw(node: Node, invitation: StoredInvitation) -> Withdrawn:
    """Withdraws an invitation for good; done again, it tells the founders that could not be told before.

    Args:
        node: a founder's. Where it is not the sponsor's, it takes back its own approval, and no more.
        invitation: as it is kept.

    Raises:
        MembershipError: `membership.invitation.state` when its member has joined.
    """
    founding = node.founding
    voted = await asyncio.to_thread(founding.store.withdraw_invitation, invitation.sha256)
    await asyncio.to_thread(node.write_open_invitations)
    answered = [each for each in voted if await asyncio.to_thread(founding.is_open, each.sha256)]
    own = invitation.sponsor == node.member_id
    told = await tell_founders(node, invitation, withdrawn=True) if own else Told()
    return Withdrawn(told, bool(answered))


def take_withdrawal(founding: Founding, sponsor: MemberId, sha256: bytes) -> None:
    """Takes in that a founder withdrew an invitation; one that is not open here stays as it is.

    Args:
        founding: this founder at work.
        sponsor: who says so, as TLS says.
        sha256: 32 bytes, hash of its code.

    Raises:
        MembershipError: `membership.invitation.terms` when it is another founder's.
    """
    for each in founding.store.invitations("offered", "approved"):
        if each.sha256 == sha256:
            if each.sponsor != sponsor:
                raise MembershipError(
                    f"{sponsor} withdraws an invitation of {each.sponsor}",
                    code="membership.invitation.terms",
                )
            founding.store.withdraw_invitation(sha256)
