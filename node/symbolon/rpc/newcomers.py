"""Asking who is new, once, before a member that this node does not know is refused.

Handles: a node that was off, or is not served, while somebody joined: it asks the founders and a few others,
and takes in what holds. Refuses nothing and says nothing itself: whoever is still unknown then is refused
where it is asked for, with the words for that. An id that is none, and a member that was expelled, are no
reason to ask. docs/PROTOCOL.md, membership.
"""

import asyncio
import contextlib
from typing import Final

from symbolon.errors import MembershipError
from symbolon.membership.member import parse_member_id
from symbolon.rpc.membership_client import others, sync
from symbolon.rpc.node import Node

MOST_S: Final = 5.0
"""How long a command may take longer for this: a handshake through a relay takes one or two seconds."""

ASKED: Final = 8
"""Members that are asked, the founders first."""


async def knows(node: Node, member_id: str) -> bool:
    """Whether a member is known, or there is no sense in asking who it is.

    Args:
        node: this node.
        member_id: as it was typed.

    Raises:
        MembershipError: the node has not joined, or its metadata does not hold.
    """
    members = (await asyncio.to_thread(node.coalition.state)).members
    if members.find(member_id) is not None or members.is_expelled(member_id):
        return True
    try:
        parse_member_id(member_id)
    except MembershipError:
        return True
    return False


async def ask_who_is_new(node: Node) -> None:
    """Takes in what founders, or others, hold and this node does not; after `MOST_S` at the latest."""
    state = await asyncio.to_thread(node.coalition.state)
    asked = others(state, node.member_id)[:ASKED]
    if asked:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(MOST_S):
                await sync(node, asked)
