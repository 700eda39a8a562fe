"""A node that was off for longer than its copy of the metadata holds comes back by itself."""

import asyncio
import time
from collections.abc import Iterator

import pytest

from real_nodes import ALPHA, BETA, Nodes, real_nodes
from symbolon.errors import MembershipError
from symbolon.membership.member_statement import Place
from symbolon.rpc.membership_client import sync, sync_with
from symbolon.rpc.node import Node
from symbolon.rpc.peer import connect
from symbolon.rpc.server import serve
from typed_member import free_port

AWAY_S = 9 * 86400.0
"""Timestamps hold for seven days."""


def later() -> float:
    return time.time() + AWAY_S


@pytest.fixture
def nodes() -> Iterator[Nodes]:
    """`ALPHA` knows the coalition as it was; nine days later `BETA` and the founder have followed it."""
    with real_nodes() as both:
        address = f"127.0.0.1:{free_port()}"
        both.add(ALPHA)
        both.add(BETA, node={"listen": address})
        both.place(BETA, Place(address, (), ""))
        both.founder.node.clock = later
        assert both.founder.node.founding.redate() is not None
        both.founder.tell(both.home(BETA))
        yield both


def test_node_whose_metadata_ended_while_it_was_off_fetches_it_and_dials_again(nodes: Nodes) -> None:
    async def work(alpha: Node, beta: Node) -> None:
        opened, stop = asyncio.Event(), asyncio.Event()
        serving = asyncio.create_task(serve(beta, lambda _: opened.set(), grace_s=0.1, stop=stop))
        await opened.wait()
        try:
            # Until it has, nobody is a member for it: neither whom it dials nor who calls.
            with pytest.raises(MembershipError) as caught:
                async with connect(alpha, BETA):
                    raise AssertionError("dialled on metadata that does not hold")
            assert caught.value.full_code == "membership.expired"
            state = await sync_with(alpha, BETA)
            state.require_fresh(alpha.now)
            async with connect(alpha, BETA):
                pass
        finally:
            stop.set()
            await serving

    with Node(nodes.home(ALPHA), clock=later) as alpha, Node(nodes.home(BETA), clock=later) as beta:
        asyncio.run(work(alpha, beta))


def test_sync_with_metadata_that_ended_and_nobody_there_says_whom_it_asked(nodes: Nodes) -> None:
    with Node(nodes.home(ALPHA), clock=later) as alpha:
        failures = asyncio.run(sync(alpha))
    assert failures[BETA] is not None
    assert failures[BETA].full_code == "unavailable"
