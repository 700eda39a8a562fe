"""Membership between nodes, the calling side: fetching metadata, telling of it, gathering signatures.

Handles: asking members for newer metadata and taking in what holds; announcing a new state; sending a
proposal to the other founders until it has the signatures it needs. Nobody's word is believed: metadata for
its signatures alone, signatures for the bytes computed here. A member that cannot be reached is left out and
asked again next time. docs/adr/0013.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Final

import grpc

from symbolon.api.membership.v1 import membership_pb2 as pb
from symbolon.api.membership.v1 import membership_pb2_grpc as stubs
from symbolon.errors import MembershipError, RemoteProtocolError, SymbolonError
from symbolon.membership.coalition_parts import TIMESTAMP_PART
from symbolon.membership.coalition_state import State
from symbolon.membership.member import MemberId
from symbolon.rpc.concurrent import few_at_once
from symbolon.rpc.founding import Founding
from symbolon.rpc.gathering import gather
from symbolon.rpc.membership_codec import check_proposal, decode_parts, decode_signatures, understood
from symbolon.rpc.node import Node
from symbolon.rpc.reach import reached
from symbolon.rpc.status import from_status

log = logging.getLogger(__name__)

CALL_S: Final = 20.0
"""How long one call may take; each is a few messages."""

MAX_ROOT_PAGES: Final = 8
"""Answers in a row that bring roots alone; see `CoalitionStore.parts_newer_than`."""

_NO_FORGERY: Final = (
    "membership.metadata.expired",
    "membership.metadata.rollback",
    "membership.metadata.fork",
)
"""An honest member can send these, or its founders made it; each has a hint of its own."""

Call = Callable[[Any], Awaitable[object]]


async def fetch(stub: Any, peer: str, root_version: int, timestamp_version: int) -> dict[str, bytes]:
    """Asks one node for the metadata that is newer than what is held.

    Args:
        stub: of its `MembershipService`.
        peer: whose, for messages.
        root_version: of the root that is held.
        timestamp_version: of the timestamp that is held, 0 for none.

    Raises:
        SymbolonError: it does not answer, or not in the form that metadata has.
    """
    parts: dict[str, bytes] = {}
    for _ in range(MAX_ROOT_PAGES):
        request = pb.GetMetadataRequest(root_version=root_version, timestamp_version=timestamp_version)
        try:
            answer = await decode_parts(stub.GetMetadata(request, timeout=CALL_S))
        except grpc.aio.AioRpcError as error:
            raise from_status(peer, error) from error
        except (MembershipError, RemoteProtocolError) as error:
            raise _does_not_hold(peer, error) from error
        parts |= answer
        roots = [int(name.partition(".")[0]) for name in answer if name.endswith(".root.json")]
        if TIMESTAMP_PART in answer or not roots:
            break
        root_version = max(roots)
    return parts


async def sync_with(node: Node, member_id: str) -> State:
    """Takes in what one member holds and this node does not.

    Returns:
        The state in force now.

    Raises:
        SymbolonError: the member cannot be reached, or what it sent does not hold.
    """
    state = await asyncio.to_thread(node.coalition.state)
    async with reached(node, member_id, for_metadata=True) as channel:
        stub = stubs.MembershipServiceStub(channel)
        parts = await fetch(stub, member_id, state.root_version, state.timestamp_version)
    if not parts:
        return state
    take_in = node.founding.adopt if node.is_founder else node.coalition.absorb
    try:
        return await asyncio.to_thread(take_in, parts)
    except MembershipError as error:
        if error.full_code in _NO_FORGERY:
            raise
        raise _does_not_hold(member_id, error) from error


def _does_not_hold(peer: str, error: SymbolonError) -> SymbolonError:
    return type(error)(
        f"{peer} sent metadata that does not hold: {error.detail}",
        hint=f"Nothing of it was taken. Tell a founder what {peer} sends, and ask another member.",
        code=error.full_code,
    )


async def sync(node: Node, members: Iterable[str] = ()) -> dict[str, SymbolonError | None]:
    """Asks several members, the founders first.

    Args:
        node: this node.
        members: whom; all that can be reached when none is named.

    Returns:
        For each member that was asked, why nothing came of it, or None.
    """
    named = tuple(members) or others(await asyncio.to_thread(node.coalition.state), node.member_id)
    failures: dict[str, SymbolonError | None] = {}

    async def one(member_id: str) -> None:
        failures[member_id] = None
        try:
            await sync_with(node, member_id)
        except SymbolonError as error:
            failures[member_id] = error
            log.info("no metadata from %s: %s (%s)", member_id, error.detail, error.full_code)

    await few_at_once(one(each) for each in named)
    return failures


async def announce(node: Node) -> None:
    """Tells all members that can be reached which timestamp this node holds.

    Those too whose records have lapsed: new terms have all of them lapse, and each has to hear of it.
    """
    state = await asyncio.to_thread(node.coalition.state)
    request = pb.AnnounceRequest(timestamp_version=state.timestamp_version)

    async def one(member_id: str) -> None:
        try:
            await call_member(
                node, member_id, lambda stub: stub.Announce(request, timeout=CALL_S), though_lapsed=True
            )
        except SymbolonError as error:
            log.info("%s was not told of the new state: %s", member_id, error.full_code)

    await few_at_once(one(each) for each in others(state, node.member_id))


async def spread(node: Node, founding: Founding, sha256: bytes) -> dict[str, SymbolonError]:
    """Sends a proposal to the other founders, gathers signatures, and publishes it if they are enough.

    Args:
        node: this node.
        founding: its founder's side.
        sha256: names the proposal.

    Returns:
        The founders that could not be asked, or refused, and why; this one, when the proposal does not hold
        any more.
    """
    document = check_proposal(await asyncio.to_thread(founding.document, sha256))
    if await asyncio.to_thread(founding.is_past, sha256):
        await announce(node)
        return {}

    async def ask(member_id: MemberId, sign: bool) -> bool:
        asked = pb.ProposeRequest(proposal=document, sign=sign)
        response = await call_member(
            node, member_id, lambda stub: stub.Propose(asked, timeout=CALL_S), though_lapsed=True
        )
        await asyncio.to_thread(founding.add_signatures, sha256, decode_signatures(response))
        return not response.pending

    state, failures = await gather(founding, sha256, ask)
    if state is not None:
        await announce(node)
    return failures


async def call_member(node: Node, member_id: str, call: Call, *, though_lapsed: bool = False) -> Any:
    """Makes one unary call to a member's `MembershipService`.

    Args:
        node: this node.
        member_id: whom to call.
        call: given the stub.
        though_lapsed: also when its records have lapsed, as `reached` says.

    Raises:
        SymbolonError: it cannot be reached, or it refused.
    """
    async with reached(node, member_id, though_lapsed=though_lapsed) as channel:
        try:
            return understood(await call(stubs.MembershipServiceStub(channel)))
        except grpc.aio.AioRpcError as error:
            raise from_status(member_id, error) from error


def others(state: State, own: str) -> tuple[MemberId, ...]:
    """All members but one that can be reached, the founders first."""
    founders = {each.member_id for each in state.founders}
    reachable = [
        each for each in state.members.members if each.member_id != own and (each.endpoint or each.relays)
    ]
    return tuple(
        each.member_id for each in sorted(reachable, key=lambda each: each.member_id not in founders)
    )
