"""Two nodes that only dial out, and a relay between them: three processes, or four, and the real protocol."""

import asyncio
import contextlib
import dataclasses
import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from processes import DEADLINE_S, first_line, wait_until
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
from symbolon.cli.local_coalition import COALITION, own_environment
from symbolon.errors import MembershipError, UnavailableError
from symbolon.membership.certificates import tls_target_name
from symbolon.membership.member import MemberId
from symbolon.rpc import relay_service
from symbolon.rpc.figures import Figures
from symbolon.rpc.node import Node
from symbolon.rpc.peer import UNIX, connect
from symbolon.rpc.receiver_role import Ask, Outcome
from symbolon.rpc.relay_dialler import dialled_through
from symbolon.rpc.relay_server import RELAY_SERVICE
from symbolon.rpc.relay_service import RelayService

import grpc  # isort: skip - after symbolon.rpc, which sets the cipher list

_RELAYED = Path(__file__).resolve().parent.parent / "relayed_command.py"
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
        yield running


def endpoint(nodes: Nodes, member: str) -> str:
    found = nodes.authority.members().find(member)
    assert found is not None
    return found.endpoint


def relayed(nodes: Nodes, member: str, relays: str, *arguments: str) -> list[str]:
    line = nodes.command(member, *arguments)
    return [sys.executable, str(_RELAYED), relays, "--", *line[3:]]


@contextlib.contextmanager
def serving(nodes: Nodes, member: str, relays: str) -> Iterator["subprocess.Popen[str]"]:
    command = relayed(nodes, member, relays, "serve", "--grace", "2")
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=own_environment()
    ) as process:
        try:
            assert first_line(process)
            yield process
        finally:
            process.kill()


def match(nodes: Nodes, relays: str, purpose: str) -> tuple[dict[str, Any], list[dict[str, str]]]:
    out = nodes.home(ALPHA) / "relayed.json"
    command = relayed(nodes, ALPHA, relays, *asking(BETA, purpose), "--json", "--out", str(out))
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=DEADLINE_S, env=own_environment()
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout), json.loads(out.read_text())


def test_match_of_two_processes_through_a_relay_process_gives_what_the_direct_one_gives(
    nodes: Nodes, relay: RelayProcess
) -> None:
    direct = nodes.match(ALPHA, BETA, PURPOSES[1])
    address = endpoint(nodes, BETA)
    relays = f"{RELAY}={relay.endpoint}"
    nodes.stop(BETA)
    # From here on nobody can dial the answering node, and nothing else listens at its address.
    nodes.move(BETA, _NOWHERE)
    try:
        with serving(nodes, BETA, relays):
            figures, rows = match(nodes, relays, PURPOSES[2])
    finally:
        nodes.start(BETA)
    assert {row["supplier_id"] for row in rows if row["band"] == "certain"} == SHARED
    assert [{**row, "match": ""} for row in rows] == [{**row, "match": ""} for row in direct.rows]
    assert figures["matched"] == direct.figures["matched"]
    assert figures["counts"]["elements"] == direct.figures["counts"]["elements"]
    assert address != _NOWHERE


def test_relay_serves_health_to_members_and_stops_on_sigterm(nodes: Nodes) -> None:
    with relay_process(nodes, SPARE) as relay:
        options = (("grpc.ssl_target_name_override", tls_target_name(SPARE, COALITION)),)
        key, certificate = nodes.credentials(ALPHA)
        tls = grpc.ssl_channel_credentials(nodes.authority.anchor.root_pem, key, certificate)
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
        async with attached(nodes, BETA, [(RELAY, relay.endpoint)], endpoint(nodes, BETA)):
            await relayed_match(nodes, ALPHA, BETA, [(RELAY, relay.endpoint)], PURPOSES[3])

    asyncio.run(work())
    wait_until(lambda: f"{BETA} is not attached any more" in relay.log, "the relay to notice")
    assert ALPHA not in relay.log


def test_dialler_takes_the_next_relay_when_one_is_gone_or_does_not_have_the_member(
    nodes: Nodes, relay: RelayProcess
) -> None:
    async def work() -> None:
        with relay_process(nodes, SPARE) as spare:
            here = (RELAY, relay.endpoint)
            async with attached(nodes, BETA, [here], endpoint(nodes, BETA)):
                for first in ((SPARE, spare.endpoint), (SPARE, _NOWHERE)):
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
            async with attached(nodes, BETA, both, endpoint(nodes, BETA)) as listener:
                relays = [relay_address(node, where, who) for who, where in both]
                async with dialled_through(node, relays, MemberId(BETA)) as target:
                    one.process.kill()
                    await until(lambda: listener.attached == {SPARE}, "the listener to lose it")
                    for purpose in PURPOSES[6:8]:
                        assert (await ask(node, target, purpose)).by_band == {"certain": len(SHARED)}

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
            async with attached(nodes, BETA, [(RELAY, relay.endpoint)], endpoint(nodes, BETA)):
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
            async with attached(nodes, BETA, [(SPARE, first.endpoint)], endpoint(nodes, BETA)) as listener:
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
            async with attached(nodes, BETA, here, endpoint(nodes, BETA)) as listener:
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
                assert outcome.by_band == {"certain": len(SHARED)}
                assert await asyncio.to_thread(relay.process.wait, DEADLINE_S) == 0

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
            listener = await stack.enter_async_context(attached(nodes, BETA, here, endpoint(nodes, BETA)))
            nodes.authority.expel(gone)
            nodes.coalition.publish()
            await until(lambda: not listener.attached, "the listener to leave")
            await asyncio.sleep(2)
            assert not listener.attached

    asyncio.run(work())
