"""Reaching a member: at its endpoint, or through the relays that it names, the preferred one first."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager

import grpc

from symbolon.errors import MembershipError
from symbolon.membership.certificates import PeerIdentity
from symbolon.membership.member import MemberId
from symbolon.membership.member_record import MemberRecord, Members
from symbolon.membership.member_statement import require_present
from symbolon.rpc.channel import listed_certificate, pinned_channel
from symbolon.rpc.node import Node
from symbolon.rpc.relay_address import RelayAddress
from symbolon.rpc.relay_dialler import dialled_through


@asynccontextmanager
async def reached(
    node: Node, member_id: str, *, for_metadata: bool = False, though_lapsed: bool = False
) -> AsyncIterator[grpc.aio.Channel]:
    """Opens a channel to a current member that trusts its listed certificate and no other.

    Args:
        node: this node.
        member_id: whom to reach.
        for_metadata: only metadata will be asked for, which is believed for its signatures. Then a state that
            ran out says well enough where the member was, and any certificate that an authority gave it does:
            a node that was off for longer than a state lasts finds back.
        though_lapsed: also when its records have lapsed. Founders ask each other so, since all of them can
            lapse on one day, and nobody else can mend that.

    Raises:
        MembershipError: it is not a member in good standing, names neither endpoint nor relay, or shows
            another certificate than the one listed.
        UnavailableError: it cannot be reached now.
    """
    judge: Callable[[PeerIdentity], object]
    if for_metadata:
        members, judge = node.coalition.state().members, _any
        member = require_present(members, MemberId(member_id))
    else:
        members = node.directory.current()
        if though_lapsed:
            member = members.require_active(member_id)
            judge = lambda shown: node.directory.require_listed(shown.member_id, shown.fingerprint, node.now)  # noqa: E731
        else:
            member = members.require(member_id, node.now.date())
            judge = listed_certificate(node)
    async with AsyncExitStack() as way:
        target = member.endpoint
        if not target:
            relays = relay_addresses(members, member, judge)
            if not relays:
                raise MembershipError(
                    f"{member_id} names neither an endpoint nor a relay",
                    hint=f"Its operator sets one with `symbolon coalition move`; ask {member_id}.",
                    code="membership.no_endpoint",
                )
            target = await way.enter_async_context(dialled_through(node, relays, member.member_id))
        yield await way.enter_async_context(pinned_channel(node, member_id, target, judge))


def relay_addresses(
    members: Members, member: MemberRecord, judge: Callable[[PeerIdentity], object]
) -> list[RelayAddress]:
    """The relays that a member names and that can be dialled now.

    Args:
        members: the present state.
        member: whose relays.
        judge: decides whether a certificate is a relay's own, as `pinned_channel` takes it.
    """
    found = (members.find(each) for each in member.relays)
    return [
        RelayAddress(MemberId(relay.member_id), relay.relay_endpoint, judge)
        for relay in found
        if relay is not None and relay.relay_endpoint
    ]


def _any(_: PeerIdentity) -> None:
    """Takes every certificate that TLS found to be of the coalition and in the member's name."""
