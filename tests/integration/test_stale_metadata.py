"""A node that was off for longer than its metadata lasts: nobody is a member to it, and it finds back."""

import asyncio
import time

import pytest

from real_nodes import ALPHA, BETA, two_nodes
from symbolon.api.membership.v1 import membership_pb2_grpc as stubs
from symbolon.errors import MembershipError
from symbolon.rpc.membership_client import fetch
from symbolon.rpc.node import Node
from symbolon.rpc.reach import reached

EIGHT_DAYS_S = 8 * 86400


def test_node_whose_metadata_ran_out_reaches_others_for_metadata_and_for_nothing_else() -> None:
    async def ask(node: Node, *, for_metadata: bool) -> dict[str, bytes]:
        async with reached(node, BETA, for_metadata=for_metadata) as channel:
            return await fetch(stubs.MembershipServiceStub(channel), BETA, 1, 0)

    with two_nodes() as nodes, Node(nodes.home(ALPHA), clock=lambda: time.time() + EIGHT_DAYS_S) as late:
        with pytest.raises(MembershipError) as caught:
            asyncio.run(ask(late, for_metadata=False))
        assert caught.value.full_code == "membership.expired"
        assert "timestamp.json" in asyncio.run(ask(late, for_metadata=True))
