"""A relay as those who use it know it, and a channel to it that trusts its one certificate."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import grpc

from symbolon.api.relay.v1 import relay_pb2_grpc as stubs
from symbolon.errors import SymbolonError, UnavailableError
from symbolon.membership.certificates import PeerIdentity
from symbolon.membership.member import MemberId
from symbolon.rpc.channel import pinned_channel
from symbolon.rpc.node import Node
from symbolon.rpc.status import from_status


@dataclass(frozen=True, slots=True)
class RelayAddress:
    """Where a relay is and who it has to be.

    Attributes:
        member_id: the member that runs it.
        endpoint: `host:port`.
        judge: decides whether a certificate is that member's now; raises `MembershipError`.
    """

    member_id: MemberId
    endpoint: str
    judge: Callable[[PeerIdentity], object]


@dataclass(frozen=True, slots=True)
class OpenRelay:
    """A relay that was reached.

    Attributes:
        stub: calls its service.
        judge: raises `MembershipError` when the certificate it showed is not its member's any more.
    """

    stub: Any
    judge: Callable[[], object]


@asynccontextmanager
async def open_relay(node: Node, relay: RelayAddress) -> AsyncIterator[OpenRelay]:
    """Opens a channel to a relay.

    Raises:
        MembershipError: what answers there is not the member, or not any more.
        UnavailableError: nothing answers there in time.
    """
    shown: list[PeerIdentity] = []

    def judge(identity: PeerIdentity) -> None:
        relay.judge(identity)
        shown.append(identity)

    async with pinned_channel(node, relay.member_id, relay.endpoint, judge) as channel:
        yield OpenRelay(stubs.RelayServiceStub(channel), lambda: relay.judge(shown[-1]))


async def why_ended(relay: MemberId, call: Any) -> SymbolonError:
    """The error for a relay's call that ended before its time."""
    status: grpc.StatusCode = await call.code()
    if status is grpc.StatusCode.OK:
        return UnavailableError(f"{relay} ended the call")
    error = grpc.aio.AioRpcError(
        status, await call.initial_metadata(), await call.trailing_metadata(), await call.details()
    )
    return from_status(relay, error)
