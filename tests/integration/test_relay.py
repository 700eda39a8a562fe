"""Two nodes that only dial out, and a relay between them: three processes, or four, and the real protocol."""

import asyncio
import contextlib
import dataclasses
import signal
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from processes import DEADLINE_S, wait_until
from real_nodes import ALPHA, BETA, PURPOSES, SHARED, Nodes, asking, two_nodes
from relays import (
    RELAY,
    SPARE,
    RelayProcess,
    attached,
    relay_address,
    relay_here,
    relay_process,
    relayed_match,
    until,
)
from symbolon.cli.local_coalition import COALITION
from symbolon.errors import MembershipError, UnavailableError
from symbolon.membership.certificates import tls_target_name
from symbolon.membership.member import MemberId
from symbolon.membership.member_statement import Place
from symbolon.rpc import relay_service
from symbolon.rpc.diagnosis_calls import call_relayed_peer
from symbolon.rpc.dial import UNIX
from symbolon.rpc.figures import Figures
from symbolon.rpc.node import Node
from symbolon.rpc.peer import connect
from symbolon.rpc.receiver_role import Ask, Outcome
from symbolon.rpc.relay_dialler import dialled_through
from symbolon.rpc.relay_limits import RelayLimits
from symbolon.rpc.relay_server import RELAY_SERVICE
from symbolon.rpc.relay_service import RelayService

import grpc  # isort: skip - after symbolon.rpc, which sets the cipher list

_NOWHERE = "127.0.0.1:1"


@pytest.fixture(scope="module")
def nodes() -> Iterator[Nodes]:
    with two_nodes() as both:
        for member in (RELAY, SPARE):
            both.add(member)
        yield both


@pytest.fixture(scope="module")
def relay(nodes: Nodes) -> Iterator[RelayProcess]:
    with relay_process(nodes) as running:
        nodes.run_relay(RELAY, running.endpoint)
        yield running


def by_relays(*relays: str) -> Place:
    """The place of a member that only dials out."""
    return Place("", tuple(map(MemberId, relays)), "")


def start_directly(nodes: Nodes, member: str) -> None:
    """Starts a node that attaches to no relay any more."""
    nodes.stop(member)
    nodes.place(member, by_relays())
    nodes.start(member)


def wait_attached(nodes: Nodes, member: str, relay: str) -> None:
    wait_until(lambda: f"reachable through the relay of {relay}" in nodes.log(member), "to be attached")


def test_match_of_two_processes_through_a_relay_process_gives_what_the_direct_one_gives(
    nodes: Nodes, relay: RelayProcess
) -> None:
    direct = nodes.match(ALPHA, BETA, PURPOSES[1])
    nodes.stop(BETA)
    # From here on both only dial out: their records name a relay, and nowhere to dial them.
    for member in (ALPHA, BETA):
        nodes.place(member, by_relays(RELAY))
    told = len(relay.log)
    nodes.launch(BETA)
    try:
        wait_attached(nodes, BETA, RELAY)
        through = nodes.match(ALPHA, BETA, PURPOSES[2])
        assert nodes.endpoint(BETA) == ""
        assert "is attached" in relay.log[told:]
    finally:
        start_directly(nodes, BETA)
    assert through.ids() == SHARED
    assert [{**row, "match": ""} for row in through.rows] == [{**row, "match": ""} for row in direct.rows]
    assert through.figures["matched"] == direct.figures["matched"]
    assert through.figures["counts"]["elements"] == direct.figures["counts"]["elements"]


@pytest.mark.usefixtures("relay")
def test_match_without_its_first_relay_goes_through_the_second_and_without_any_ends_with_75(
    nodes: Nodes,
) -> None:
    with relay_process(nodes, SPARE) as spare:
        nodes.run_relay(SPARE, spare.endpoint)
        nodes.place(BETA, by_relays(SPARE, RELAY))
        nodes.launch(BETA)
        try:
            for each in (SPARE, RELAY):
                wait_attached(nodes, BETA, each)
            spare.process.kill()
            assert nodes.quick_match(ALPHA, BETA, PURPOSES[9]).ids() == SHARED
            nodes.stop(BETA)
            told = nodes.run(ALPHA, *asking(BETA, PURPOSES[9]), code=75).stderr
            assert f"{BETA} cannot be reached through" in told
        finally:
            start_directly(nodes, BETA)


def test_relay_serves_health_to_members_and_stops_on_sigterm(nodes: Nodes) -> None:
    with relay_process(nodes, SPARE) as relay:
        options = (("grpc.ssl_target_name_override", tls_target_name(SPARE, COALITION)),)
        key, certificate = nodes.credentials(ALPHA)
        tls = grpc.ssl_channel_credentials(nodes.authorities, key, certificate)
        with grpc.secure_channel(relay.endpoint, tls, options) as channel:
            asked = health_pb2.HealthCheckRequest(service=RELAY_SERVICE)
            answer = health_pb2_grpc.HealthStub(channel).Check(asked, timeout=20)
        assert answer.status == health_pb2.HealthCheckResponse.SERVING
        relay.process.send_signal(signal.SIGTERM)
        assert relay.process.wait(DEADLINE_S) == 0
    assert "stopping: 0 members are attached" in relay.log
    assert "Traceback" not in relay.log


def test_relay_command_without_a_listening_address_is_wrong_usage(nodes: Nodes) -> None:
    assert "--listen" in nodes.run(RELAY, "relay", code=2).stderr
    assert "not host:port" in nodes.run(RELAY, "relay", "--listen", "nowhere", code=2).stderr


def test_relay_writes_down_neither_pairs_nor_sizes(nodes: Nodes, relay: RelayProcess) -> None:
    async def work() -> None:
        async with attached(nodes, BETA, [(RELAY, relay.endpoint)], nodes.endpoint(BETA)):
            await relayed_match(nodes, ALPHA, BETA, [(RELAY, relay.endpoint)], PURPOSES[3])

    asyncio.run(work())
    wait_until(lambda: f"{BETA} is not attached any more" in relay.log, "the relay to notice")
    assert ALPHA not in relay.log


def test_dialler_takes_the_next_relay_when_one_is_gone_or_does_not_have_the_member(
    nodes: Nodes, relay: RelayProcess
) -> None:
    async def work() -> None:
        async with relay_here(nodes, member=SPARE) as (_, spare):
            here = (RELAY, relay.endpoint)
            async with attached(nodes, BETA, [here], nodes.endpoint(BETA)):
                for first in ((SPARE, spare), (SPARE, _NOWHERE)):
                    rows = await relayed_match(nodes, ALPHA, BETA, [first, here], PURPOSES[4])
                    assert {row["supplier_id"] for row in rows if row["band"] == "certain"} == SHARED

    asyncio.run(work())


def test_dialler_whose_relay_dies_between_two_connections_goes_on_through_the_other(nodes: Nodes) -> None:
    async def work() -> None:
        with (
            relay_process(nodes, RELAY) as one,
            relay_process(nodes, SPARE) as other,
            Node(nodes.home(ALPHA)) as node,
        ):
            both = [(RELAY, one.endpoint), (SPARE, other.endpoint)]
            async with attached(nodes, BETA, both, nodes.endpoint(BETA)) as listener:
                relays = [relay_address(node, where, who) for who, where in both]
                async with dialled_through(node, relays, MemberId(BETA)) as target:
                    one.process.kill()
                    await until(lambda: listener.attached == {SPARE}, "the listener to lose it")
                    for purpose in PURPOSES[6:8]:
                        assert (await ask(node, target, purpose)).counts == {"certain": len(SHARED)}

    asyncio.run(work())


async def ask(node: Node, target: str, purpose: str) -> Outcome:
    async with connect(node, BETA, through=target) as peer:
        return await peer.ask(Ask(BETA, "intersection", purpose, ("A",)), Figures())


def test_dialler_says_at_once_that_no_relay_reaches_the_member(nodes: Nodes, relay: RelayProcess) -> None:
    async def work() -> None:
        with Node(nodes.home(ALPHA)) as node:
            for relays in ([(RELAY, relay.endpoint)], [(RELAY, relay.endpoint), (SPARE, _NOWHERE)], []):
                addresses = [relay_address(node, where, who) for who, where in relays]
                with pytest.raises(UnavailableError, match=f"{BETA} cannot be reached through") as caught:
                    async with dialled_through(node, addresses, MemberId(BETA)):
                        raise AssertionError("a way to a member that is not attached")
                assert caught.value.exit_code == 75
                assert caught.value.hint

    asyncio.run(work())


def test_dialler_leaves_no_socket_behind_and_its_folder_is_private(nodes: Nodes, relay: RelayProcess) -> None:
    async def work() -> Path:
        with Node(nodes.home(ALPHA)) as node:
            async with attached(nodes, BETA, [(RELAY, relay.endpoint)], nodes.endpoint(BETA)):
                relays = [relay_address(node, relay.endpoint)]
                async with dialled_through(node, relays, MemberId(BETA)) as target:
                    folder = Path(target.removeprefix(UNIX)).parent
                    assert folder.stat().st_mode & 0o777 == 0o700
                    return folder

    assert not asyncio.run(work()).exists()


def test_listener_finds_a_relay_again_that_was_restarted(nodes: Nodes) -> None:
    async def work() -> None:
        with contextlib.ExitStack() as stack:
            first = stack.enter_context(relay_process(nodes, SPARE))
            async with attached(nodes, BETA, [(SPARE, first.endpoint)], nodes.endpoint(BETA)) as listener:
                first.process.terminate()
                await until(lambda: not listener.attached, "the listener to notice")
                await asyncio.to_thread(first.process.wait, DEADLINE_S)
                again = stack.enter_context(relay_process(nodes, SPARE, first.endpoint))
                await until(lambda: listener.attached, "the listener to come back")
                rows = await relayed_match(nodes, ALPHA, BETA, [(SPARE, again.endpoint)], PURPOSES[5])
                assert {row["supplier_id"] for row in rows if row["band"] == "certain"} == SHARED

    asyncio.run(work())


def test_relay_that_is_stopped_lets_a_running_session_finish(nodes: Nodes) -> None:
    async def work() -> None:
        with relay_process(nodes, SPARE) as relay:
            here = [(SPARE, relay.endpoint)]
            async with attached(nodes, BETA, here, nodes.endpoint(BETA)) as listener:
                with Node(nodes.home(ALPHA)) as node:
                    relays = [relay_address(node, relay.endpoint, SPARE)]
                    async with (
                        dialled_through(node, relays, MemberId(BETA)) as target,
                        connect(node, BETA, through=target) as peer,
                    ):
                        relay.process.terminate()
                        await until(lambda: not listener.attached, "attached members to be sent away")
                        # The connection of before still carries a whole session.
                        wanted = Ask(BETA, "intersection", PURPOSES[8], ("A",))
                        outcome = await peer.ask(wanted, Figures())
                assert outcome.counts == {"certain": len(SHARED)}
                assert await asyncio.to_thread(relay.process.wait, DEADLINE_S) == 0

    asyncio.run(work())


def test_relay_that_is_full_is_told_apart_from_one_that_does_not_hold_the_member(nodes: Nodes) -> None:
    async def work() -> None:
        address = nodes.endpoint(BETA)
        async with relay_here(nodes, member=SPARE, limits=RelayLimits(connections=0)) as (_, relay):
            nodes.run_relay(SPARE, relay)
            nodes.place(BETA, by_relays(SPARE))
            try:
                with Node(nodes.home(ALPHA)) as node:
                    (absent,) = await call_relayed_peer(node, MemberId(BETA))
                    async with attached(nodes, BETA, [(SPARE, relay)], address):
                        (full,) = await call_relayed_peer(node, MemberId(BETA))
            finally:
                nodes.place(BETA, Place(address, (), ""))
        assert (absent.code, full.code) == ("peer.relay.unreached", "peer.relay.busy")
        assert f"does not reach {BETA} now" in absent.said
        assert "start `symbolon serve`" in absent.hint
        assert "carries as much as it may now" in full.said
        assert "[relay]" in full.hint

    asyncio.run(work())


def test_relay_whose_certificate_is_not_the_listed_one_is_not_used(nodes: Nodes, relay: RelayProcess) -> None:
    # The address is that of another member's relay.
    async def work() -> None:
        with Node(nodes.home(ALPHA)) as node:
            wrong = relay_address(node, relay.endpoint, SPARE)
            with pytest.raises(UnavailableError, match="wrong certificate"):
                async with dialled_through(node, [wrong], MemberId(BETA)):
                    raise AssertionError("a relay that is another member")

            def refuse(_: object) -> None:
                raise MembershipError("not in good standing")

            judged = dataclasses.replace(relay_address(node, relay.endpoint), judge=refuse)
            with pytest.raises(UnavailableError, match="not in good standing"):
                async with dialled_through(node, [judged], MemberId(BETA)):
                    raise AssertionError("a relay that was judged unfit")

    asyncio.run(work())


def test_listener_leaves_a_relay_whose_member_is_expelled(
    nodes: Nodes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relay_service, "HEARTBEAT_S", 0.2)
    gone = "gone-co"
    nodes.add(gone)
    # It goes on as if nothing had been decided.
    service = RelayService(lambda _: None)

    async def work() -> None:
        async with AsyncExitStack() as stack:
            _, address = await stack.enter_async_context(relay_here(nodes, service, gone))
            here = [(gone, address)]
            listener = await stack.enter_async_context(attached(nodes, BETA, here, nodes.endpoint(BETA)))
            nodes.founder.expel(gone)
            nodes.coalition.publish()
            await until(lambda: not listener.attached, "the listener to leave")
            await asyncio.sleep(2)
            assert not listener.attached

    asyncio.run(work())
