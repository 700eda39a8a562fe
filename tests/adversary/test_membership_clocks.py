"""Time at members: records that lapse by each node's own clock, and clocks that are an hour wrong.

Nodes are served in this process, so that each has the clock that a test gives it; what OpenSSL judges goes by
the machine's clock all the same.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from real_nodes import ALPHA, BETA, MALLORY, Nodes, real_nodes
from served_coalition import FOUNDER, ServedCoalition, served_coalition
from symbolon.api.membership.v1 import membership_pb2 as pb
from symbolon.api.membership.v1 import membership_pb2_grpc as stubs
from symbolon.cli.init import create_node
from symbolon.cli.local_coalition import COALITION
from symbolon.errors import MembershipError
from symbolon.membership.certificates import tls_target_name
from symbolon.membership.coalition_state import State
from symbolon.membership.due_diligence import Acceptance
from symbolon.membership.invitation_code import InvitationCode
from symbolon.membership.member_statement import Place
from symbolon.rpc.join_node import join_with
from symbolon.rpc.node import Node
from symbolon.rpc.server import serve
from symbolon.rpc.status import CODE_KEY

from grpc_health.v1 import health_pb2, health_pb2_grpc  # isort: skip
import grpc  # isort: skip - after symbolon.rpc, which sets the cipher list

HOUR_S = 3600.0
REFUSED = ("UNAUTHENTICATED", "membership")
ANSWERED = ("OK", "")


class Clock:
    """A node's clock: the machine's, and how far it is ahead."""

    def __init__(self, ahead_s: float = 0.0) -> None:
        self.ahead_s = ahead_s

    def __call__(self) -> float:
        return time.time() + self.ahead_s


class Served:
    """A served node and how it is called."""

    def __init__(self, nodes: Nodes, member: str, address: str) -> None:
        self._nodes, self._member, self._address = nodes, member, address

    async def called(self, by: str, method: str = "Check") -> tuple[str, str]:
        """What a call of a member's ends with."""
        options = (
            ("grpc.ssl_target_name_override", tls_target_name(self._member, COALITION)),
            ("grpc.use_local_subchannel_pool", 1),
        )
        tls = grpc.ssl_channel_credentials(self._nodes.authorities, *self._nodes.credentials(by))
        async with grpc.aio.secure_channel(self._address, tls, options) as channel:
            try:
                if method == "Check":
                    stub = health_pb2_grpc.HealthStub(channel)
                    await stub.Check(health_pb2.HealthCheckRequest(), timeout=30)
                else:
                    metadata = stubs.MembershipServiceStub(channel).GetMetadata
                    async for _ in metadata(pb.GetMetadataRequest(), timeout=30):
                        pass
            except grpc.aio.AioRpcError as error:
                found: Any = error.trailing_metadata()
                return error.code().name, str(found.get(CODE_KEY, "") if found is not None else "")
        return ANSWERED


@asynccontextmanager
async def serving(nodes: Nodes, member: str, clock: Clock) -> AsyncIterator[Served]:
    """Serves a node by a clock of its own."""
    opened: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    stop = asyncio.Event()
    with Node(nodes.home(member), clock=clock) as node:
        running = asyncio.create_task(serve(node, opened.set_result, grace_s=0.5, stop=stop))
        try:
            await asyncio.wait({running, opened}, return_when=asyncio.FIRST_COMPLETED)
            if running.done():
                await running
            yield Served(nodes, member, opened.result())
        finally:
            stop.set()
            await running


@pytest.fixture(scope="module")
def nodes() -> Iterator[Nodes]:
    with real_nodes() as made:
        for member in (ALPHA, BETA, MALLORY):
            made.add(member)
        yield made


def vet(nodes: Nodes, member: str, lapses: date) -> None:
    """The founder's own command; everybody hears of it."""
    vetting = ("--person", "Ada", "--criteria", "charter 3", "--lapses", lapses.isoformat())
    nodes.run("founder", "coalition", "vet", member, *vetting)
    nodes.coalition.publish()


def test_lapsed_vetting_suspends_at_each_node_by_its_own_clock_and_is_mended_by_vet(nodes: Nodes) -> None:
    today = nodes.founder.node.now.date()
    vet(nodes, MALLORY, today + timedelta(days=1))

    async def story() -> None:
        ahead, right = Clock(), Clock()
        async with serving(nodes, BETA, ahead) as beta, serving(nodes, ALPHA, right) as alpha:
            for each in (alpha, beta):
                assert await each.called(MALLORY) == ANSWERED
            # Two days later at one of them; nobody signed anything, nobody told it anything.
            ahead.ahead_s = 2 * 24 * HOUR_S
            assert await beta.called(MALLORY) == REFUSED
            assert await alpha.called(MALLORY) == ANSWERED
            # Others are not touched by it, and it may still hear what there is.
            assert await beta.called(ALPHA) == ANSWERED
            assert await beta.called(MALLORY, "GetMetadata") == ANSWERED
            right.ahead_s = 2 * 24 * HOUR_S
            assert await alpha.called(MALLORY) == REFUSED
            await asyncio.to_thread(vet, nodes, MALLORY, today + timedelta(days=300))
            for each in (alpha, beta):
                assert await each.called(MALLORY) == ANSWERED

    asyncio.run(story())


@pytest.mark.parametrize("ahead_s", [HOUR_S, -HOUR_S], ids=["ahead", "behind"])
def test_clock_an_hour_wrong_at_a_member_changes_nothing(nodes: Nodes, ahead_s: float) -> None:
    newcomer = f"newcomer-{'a' if ahead_s > 0 else 'b'}"

    async def story() -> None:
        clock = Clock(ahead_s)
        async with serving(nodes, BETA, clock) as beta:
            assert await beta.called(ALPHA) == ANSWERED
            # A member of a minute ago, whose certificate is as old.
            await asyncio.to_thread(nodes.add, newcomer)
            assert await beta.called(newcomer) == ANSWERED
            await asyncio.to_thread(nodes.founder.expel, newcomer)
            await asyncio.to_thread(nodes.coalition.publish)
            assert await beta.called(newcomer) == REFUSED
        # It takes in what others sign by right clocks.
        today = nodes.founder.node.now.date()
        await asyncio.to_thread(vet, nodes, ALPHA, today + timedelta(days=200 + int(ahead_s > 0)))
        parts = nodes.founder.node.coalition.parts_newer_than(1, 0)
        with Node(nodes.home(BETA), clock=clock) as node:
            assert node.coalition.absorb(parts).targets_version == nodes.founder.members.version
            node.coalition.state().require_fresh(node.now)

    asyncio.run(story())


@pytest.mark.parametrize(("hours", "ahead_h"), [(26, -1), (52, 1)], ids=["behind", "ahead"])
def test_clock_an_hour_wrong_at_a_founder_changes_nothing(nodes: Nodes, hours: int, ahead_h: int) -> None:
    """Some hours from now its node signs a timestamp by its clock, which the others take by theirs."""
    with Node(nodes.founder.node.home, clock=Clock((hours + ahead_h) * HOUR_S)) as founder:
        signed = founder.founding.redate()
        assert signed is not None
        parts = founder.coalition.parts_newer_than(1, 0)
    with Node(nodes.home(BETA), clock=Clock(hours * HOUR_S)) as node:
        state = node.coalition.absorb(parts)
        state.require_fresh(node.now)
        assert state.timestamp_version == signed.timestamp_version


def test_clock_weeks_wrong_says_so_with_a_hint(nodes: Nodes) -> None:
    # A founder's clock above was days ahead: what it signed holds for a week from then.
    late = Clock(12 * 24 * HOUR_S)
    with Node(nodes.home(BETA), clock=late) as node, pytest.raises(MembershipError) as caught:
        node.directory.current()
    assert caught.value.full_code == "membership.expired"
    assert "clock" in str(caught.value.hint)


# A joining node


@pytest.fixture(scope="module")
def coalition(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedCoalition]:
    with served_coalition(tmp_path_factory.mktemp("coalition")) as made:
        yield made


def joined(home: Path, code: InvitationCode, address: str, clock: Clock) -> State:
    """Joins with a node that has its own idea of the time."""
    if not home.exists():
        create_node(home, member=code.member_id, coalition=code.coalition, listen=address)

    def accept(state: State) -> Acceptance:
        return Acceptance(state.members.terms_version, node.now.date(), "Carol")

    with Node(home, clock=clock) as node:
        return asyncio.run(join_with(node, code, Place(address, (), ""), accept))


@pytest.mark.parametrize("ahead_s", [HOUR_S, -HOUR_S], ids=["ahead", "behind"])
def test_clock_an_hour_wrong_at_a_joiner_changes_nothing(coalition: ServedCoalition, ahead_s: float) -> None:
    member = f"joiner-{'a' if ahead_s > 0 else 'b'}"
    code = InvitationCode.decode(coalition.invite(member))
    state = joined(coalition.home(member), code, coalition.address(member), Clock(ahead_s))
    assert state.members.find(member) is not None
    assert coalition.members().find(member) is not None
    coalition.run(member, "coalition", "sync", FOUNDER)


@pytest.mark.parametrize("days", [8, -8], ids=["ahead", "behind"])
def test_clock_days_wrong_at_a_joiner_says_so_and_the_code_stays_good(
    coalition: ServedCoalition, days: int
) -> None:
    member = f"lost-{'a' if days > 0 else 'b'}"
    code = InvitationCode.decode(coalition.invite(member, FOUNDER, "--days", "30"))
    with pytest.raises(Exception) as caught:  # noqa: PT011 - which one, the hint says
        joined(coalition.home(member), code, coalition.address(member), Clock(days * 24 * HOUR_S))
    assert "clock" in f"{caught.value} {getattr(caught.value, 'hint', '')}"
    assert coalition.members().find(member) is None
    state = joined(coalition.home(member), code, coalition.address(member), Clock())
    assert state.members.find(member) is not None
