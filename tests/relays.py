"""Relays for tests: in processes of their own, or in this process, where a test may teach one to lie.

A relayed match asks through `dialled_through` and is answered through `RelayListener`, both in this process,
by a node that serves in its own.
"""

import asyncio
import contextlib
import subprocess
import threading
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import forked
from processes import first_line
from real_nodes import Nodes
from symbolon.api.relay.v1 import relay_pb2_grpc as stubs
from symbolon.cli.local_coalition import PURPOSE, LocalCoalition, own_environment, symbolon
from symbolon.cli.match_table import match_rows
from symbolon.matching.evidence import matches
from symbolon.membership.member import MemberId
from symbolon.rpc.channel import listed_certificate
from symbolon.rpc.figures import Figures
from symbolon.rpc.identity import MemberInterceptor
from symbolon.rpc.node import Node
from symbolon.rpc.peer import connect
from symbolon.rpc.receiver_role import Ask
from symbolon.rpc.relay_address import RelayAddress
from symbolon.rpc.relay_dialler import dialled_through
from symbolon.rpc.relay_limits import RelayLimits
from symbolon.rpc.relay_listener import RelayListener
from symbolon.rpc.relay_server import RELAY_OPTIONS, RELAY_SERVICE
from symbolon.rpc.relay_service import RelayService

import grpc  # isort: skip - after symbolon.rpc, which sets the cipher list

RELAY, SPARE = "relay-co", "spare-co"
WAIT_S = 60.0


@contextlib.contextmanager
def relay_process(
    nodes: Nodes | LocalCoalition, member: str = RELAY, listen: str = "127.0.0.1:0"
) -> Iterator["RelayProcess"]:
    """Runs `symbolon relay` with a member's identity."""
    relay = RelayProcess(nodes.home(member), listen)
    try:
        yield relay
    finally:
        relay.process.kill()
        relay.process.wait()
        relay.reader.join(WAIT_S)


class RelayProcess:
    """A running `symbolon relay`."""

    def __init__(self, home: Path, listen: str) -> None:
        self.lines: list[str] = []
        self.process = forked.Popen(
            symbolon("--home", str(home), "relay", "--listen", listen, "--grace", "2"),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            env=own_environment(),
        )
        self.reader = threading.Thread(
            target=lambda: self.lines.extend(self.process.stderr or ()), daemon=True
        )
        self.reader.start()
        self.endpoint = first_line(self.process)
        assert self.endpoint, self.log

    @property
    def log(self) -> str:
        return "".join(self.lines)


@asynccontextmanager
async def relay_here(
    nodes: Nodes, service: RelayService | None = None, member: str = RELAY, limits: RelayLimits | None = None
) -> AsyncIterator[tuple[RelayService, str]]:
    """Serves a relay in this process: its service and its address."""
    with Node(nodes.home(member)) as node:
        callers = node.callers
        service = service or RelayService(lambda auth: callers.identify(dict(auth), RELAY_SERVICE), limits)
        guard = MemberInterceptor(node.callers, lambda _: None)
        server = grpc.aio.server(interceptors=(guard,), options=(("grpc.so_reuseport", 0), *RELAY_OPTIONS))
        stubs.add_RelayServiceServicer_to_server(service, server)
        tls = grpc.ssl_server_credentials([nodes.credentials(member)], nodes.authorities, True)
        port = server.add_secure_port("127.0.0.1:0", tls)
        await server.start()
        sweeping = asyncio.create_task(service.sweep())
        try:
            yield service, f"127.0.0.1:{port}"
        finally:
            sweeping.cancel()
            await server.stop(0)


def relay_address(node: Node, endpoint: str, member: str = RELAY) -> RelayAddress:
    """A relay as a node sees it."""
    return RelayAddress(MemberId(member), endpoint, listed_certificate(node))


@asynccontextmanager
async def attached(
    nodes: Nodes, member: str, relays: Sequence[tuple[str, str]], server: str
) -> AsyncIterator[RelayListener]:
    """A member that is reachable through relays, given as (member, endpoint)."""
    with Node(nodes.home(member)) as node:
        addresses = [relay_address(node, endpoint, relay) for relay, endpoint in relays]
        listener = RelayListener(node, addresses, server)
        running = asyncio.create_task(listener.run())
        try:
            await until(lambda: len(listener.attached) == len(addresses), "all relays")
            yield listener
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)


async def until(holds: Any, what: str) -> None:
    """Waits for something to hold."""
    async with asyncio.timeout(WAIT_S):
        while not holds():  # noqa: ASYNC110 - what is waited for has no event
            await asyncio.sleep(0.02)
    assert holds(), what


async def relayed_match(
    nodes: Nodes,
    member: str,
    peer: str,
    relays: Sequence[tuple[str, str]],
    purpose: str = PURPOSE,
    tiers: str = "AB",
) -> list[dict[str, str]]:
    """Rows of a match that was held through relays."""
    async with AsyncExitStack() as stack:
        node = stack.enter_context(Node(nodes.home(member)))
        addresses = [relay_address(node, endpoint, relay) for relay, endpoint in relays]
        target = await stack.enter_async_context(dialled_through(node, addresses, MemberId(peer)))
        channel = await stack.enter_async_context(connect(node, peer, through=target))
        outcome = await channel.ask(Ask(peer, "intersection", purpose, tuple(tiers)), Figures())
        return [row.as_json() for row in match_rows(node, peer, matches(outcome.evidence))]
