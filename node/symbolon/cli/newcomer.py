"""A peer that this node does not know yet: who is new is asked once, before the command goes on."""

import sys

from symbolon.rpc.newcomers import ask_who_is_new, knows
from symbolon.rpc.node import Node


async def meet(node: Node, peer: str) -> None:
    """Asks other members who is new, if `peer` is none that this node knows.

    Raises:
        MembershipError: this node has not joined, or its metadata does not hold.
    """
    if not await knows(node, peer):
        print(f"symbolon: {peer} is not known here yet; asking other members who is new.", file=sys.stderr)
        await ask_who_is_new(node)
