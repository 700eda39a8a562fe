"""What ends by itself, at a node whose clock goes on: metadata that is withheld, a root, a certificate.

The machine's clock stays where it is, so TLS still takes every certificate: what refuses here is the node.
"""

import asyncio
import contextlib
from collections.abc import Iterator

import pytest

from lying_member import liar
from node_clocks import ANSWERED, DAY_S, HOUR_S, Clock, outcome, serving
from real_nodes import ALPHA, BETA, MALLORY, Nodes, real_nodes
from symbolon.errors import MembershipError
from symbolon.membership.acts import Refresh
from symbolon.membership.certificates import LEAF_VALIDITY
from symbolon.membership.coalition_roles import VALIDITY
from symbolon.rpc.membership_client import sync_with
from symbolon.rpc.membership_codec import encode_parts
from symbolon.rpc.node import Node

ROOT_DAYS = VALIDITY["root"].days


@pytest.fixture
def nodes() -> Iterator[Nodes]:
    with real_nodes() as made:
        for member in (ALPHA, BETA, MALLORY):
            made.add(member)
        yield made


def dated_by_the_founder(nodes: Nodes, clock: Clock) -> dict[str, bytes]:
    """The newest state, with a timestamp of that time."""
    with Node(nodes.founder.node.home, clock=clock) as founder:
        assert founder.founding.redate() is not None
        return founder.coalition.parts_newer_than(0, 0)


@pytest.mark.parametrize("told", ["nothing", "the state before"])
def test_metadata_freeze_by_who_withholds_the_news_ends_in_a_node_that_admits_nobody(
    nodes: Nodes, told: str
) -> None:
    """Whom it asks says that there is nothing newer: an expulsion is kept from it for a week at most."""
    answer: dict[str, bytes] = {}

    async def story() -> None:
        clock = Clock()
        with liar(nodes, lambda _: encode_parts(answer)) as asked:
            if told == "the state before":
                answer.update(nodes.founder.node.coalition.parts_newer_than(0, 0))
            nodes.founder.expel(ALPHA)
            async with serving(nodes, nodes.home(BETA), clock) as beta:
                assert not (await sync_with(beta.node, MALLORY)).members.is_expelled(ALPHA)
                assert asked.asked >= 1
                for member in (ALPHA, MALLORY):
                    assert await beta.called(member) == ANSWERED
                clock.ahead_s = 8 * DAY_S
                with contextlib.suppress(MembershipError):
                    await sync_with(beta.node, MALLORY)
                for member in (ALPHA, MALLORY):
                    assert (await beta.called(member))[0] == "UNAUTHENTICATED"
                # The founder's word, as soon as it comes through, is taken.
                answer.update(dated_by_the_founder(nodes, clock))
                assert (await sync_with(beta.node, MALLORY)).members.is_expelled(ALPHA)
                assert await beta.called(MALLORY) == ANSWERED
                assert await beta.called(ALPHA) == ("UNAUTHENTICATED", "membership.expelled")

    asyncio.run(story())


def test_expired_root_under_metadata_in_its_time_holds_for_nobody(nodes: Nodes) -> None:
    """Everything below it is in its time; a root that nobody renews must not go on for ever."""
    clock = Clock((ROOT_DAYS - 10) * DAY_S)
    with (
        Node(nodes.founder.node.home, clock=clock) as founder,
        Node(nodes.home(BETA), clock=clock) as node,
    ):
        founder.founding.propose([Refresh()])
        clock.ahead_s = ROOT_DAYS * DAY_S - 2 * HOUR_S
        assert founder.founding.redate() is not None
        node.coalition.absorb(founder.coalition.parts_newer_than(1, 0))
        node.directory.current()
        clock.ahead_s = ROOT_DAYS * DAY_S + HOUR_S
        expiries = node.coalition.state().expiries
        assert [role for role, ends in expiries.items() if ends <= node.now] == ["root"]
        with pytest.raises(MembershipError) as caught:
            node.directory.current()
        assert (caught.value.full_code, "root metadata" in caught.value.detail) == (
            "membership.expired",
            True,
        )
        # A later timestamp under it is not taken either, nor could the founder make one.
        with pytest.raises(MembershipError) as caught:
            founder.founding.propose([Refresh()])
        assert caught.value.full_code == "membership.metadata.expired"


def test_expired_leaf_is_refused_at_its_next_call_on_a_connection_that_was_open_before(
    nodes: Nodes, caplog: pytest.LogCaptureFixture
) -> None:
    """It was in its time at the handshake; no other one follows while the connection lasts."""

    async def story() -> None:
        clock = Clock()
        async with (
            serving(nodes, nodes.home(BETA), clock) as beta,
            beta.channel(nodes.credentials(ALPHA)) as channel,
        ):
            assert await outcome(channel) == ANSWERED
            clock.ahead_s = LEAF_VALIDITY.total_seconds() + HOUR_S
            beta.node.coalition.absorb(dated_by_the_founder(nodes, clock))
            beta.node.directory.current()
            assert (await outcome(channel))[0] == "UNAUTHENTICATED"
            clock.ahead_s = LEAF_VALIDITY.total_seconds() - HOUR_S
            assert await outcome(channel) == ANSWERED

    asyncio.run(story())
    assert "a caller was refused: membership.certificate.expired" in caplog.text
