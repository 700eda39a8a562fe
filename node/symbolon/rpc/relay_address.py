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
from symbolon.rpc.node import Node
from symbolon.rpc.peer import pinned_channel
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


@asynccontextmanager
async def open_relay(node: Node, relay: RelayAddress) -> AsyncIterator[Any]:
    """Opens a channel to a relay.

    Returns:
        The stub of its service.

    Raises:
        MembershipError: what answers there is not the member, or not any more.
        UnavailableError: nothing answers there in time.
    """
    async with pinned_channel(node, relay.member_id, relay.endpoint, relay.judge) as channel:
        yield stubs.RelayServiceStub(channel)


async def why_ended(relay: MemberId, call: Any) -> SymbolonError:
    """The error for a relay's call that ended before its time."""
    status: grpc.StatusCode = await call.code()
    if status is grpc.StatusCode.OK:
        return UnavailableError(f"{relay} ended the call")
    error = grpc.aio.AioRpcError(
        status, await call.initial_metadata(), await call.trailing_metadata(), await call.details()
    )
    return from_status(relay, error)
