"""Nodes that are served in this process, each by a clock of its own, which a test may move.

What OpenSSL judges goes by the machine's clock all the same.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

from real_nodes import Nodes
from symbolon.api.membership.v1 import membership_pb2 as pb
from symbolon.api.membership.v1 import membership_pb2_grpc as stubs
from symbolon.cli.local_coalition import COALITION
from symbolon.membership.certificates import tls_target_name
from symbolon.rpc.node import Node
from symbolon.rpc.server import serve
from symbolon.rpc.status import CODE_KEY

from grpc_health.v1 import health_pb2, health_pb2_grpc  # isort: skip
import grpc  # isort: skip - after symbolon.rpc, which sets the cipher list

HOUR_S: Final = 3600.0
DAY_S: Final = 24 * HOUR_S
ANSWERED: Final = ("OK", "")


class Clock:
    """A node's clock: the machine's, and how far it is ahead."""

    def __init__(self, ahead_s: float = 0.0) -> None:
        self.ahead_s = ahead_s

    def __call__(self) -> float:
        return time.time() + self.ahead_s


class Served:
    """A served node, where it listens, and how it is called."""

    def __init__(self, nodes: Nodes, node: Node, address: str) -> None:
        self._nodes, self.node, self.address = nodes, node, address

    @asynccontextmanager
    async def channel(self, credentials: tuple[bytes, bytes]) -> AsyncIterator[grpc.aio.Channel]:
        """A connection with any key and certificate."""
        options = (
            ("grpc.ssl_target_name_override", tls_target_name(self.node.member_id, COALITION)),
            ("grpc.use_local_subchannel_pool", 1),
        )
        tls = grpc.ssl_channel_credentials(self._nodes.authorities, *credentials)
        async with grpc.aio.secure_channel(self.address, tls, options) as channel:
            yield channel

    async def called(self, by: str, method: str = "Check") -> tuple[str, str]:
        """What a call of a member's ends with, over a connection of its own."""
        async with self.channel(self._nodes.credentials(by)) as channel:
            return await outcome(channel, method)

    async def called_with(self, credentials: tuple[bytes, bytes]) -> tuple[str, str]:
        """Likewise, with any key and certificate."""
        async with self.channel(credentials) as channel:
            return await outcome(channel)


async def outcome(channel: grpc.aio.Channel, method: str = "Check") -> tuple[str, str]:
    """What a call ends with: the status, and the code of the refusal."""
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
async def serving(nodes: Nodes, home: Path, clock: Clock) -> AsyncIterator[Served]:
    """Serves the node of a folder by a clock of its own."""
    opened: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    stop = asyncio.Event()
    with Node(home, clock=clock) as node:
        running = asyncio.create_task(serve(node, opened.set_result, grace_s=0.5, stop=stop))
        try:
            await asyncio.wait({running, opened}, return_when=asyncio.FIRST_COMPLETED)
            if running.done():
                await running
            yield Served(nodes, node, opened.result())
        finally:
            stop.set()
            await running
