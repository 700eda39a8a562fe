"""Runs a `symbolon` command that reaches peers, and is reached, through relays and in no other way.

    python relayed_command.py MEMBER=HOST:PORT[,MEMBER=HOST:PORT…] -- symbolon arguments …

`match` dials its peer through these relays, whatever endpoint the member list names; `serve` is attached to
them and prints its address once it is, at all of them.
"""

import asyncio
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from symbolon.cli import match, serve
from symbolon.cli.main import main
from symbolon.membership.member import MemberId
from symbolon.rpc.node import Node
from symbolon.rpc.peer import Peer, connect, listed_certificate
from symbolon.rpc.relay_address import RelayAddress
from symbolon.rpc.relay_dialler import dialled_through
from symbolon.rpc.relay_listener import RelayListener


def _relays(text: str) -> list[tuple[MemberId, str]]:
    found = (each.partition("=") for each in text.split(","))
    return [(MemberId(member), endpoint) for member, _, endpoint in found]


def _install(relays: list[tuple[MemberId, str]]) -> None:
    serve_as_usual = serve.serve

    def addresses(node: Node) -> list[RelayAddress]:
        return [RelayAddress(member, endpoint, listed_certificate(node)) for member, endpoint in relays]

    @asynccontextmanager
    async def connect_through(node: Node, member_id: str) -> AsyncIterator[Peer]:
        async with (
            dialled_through(node, addresses(node), MemberId(member_id)) as target,
            connect(node, member_id, through=target) as peer,
        ):
            yield peer

    async def serve_attached(node: Node, listening: Callable[[str], None], **others: Any) -> None:
        tasks = []

        async def attach(address: str) -> None:
            listener = RelayListener(node, addresses(node), address)
            tasks.append(asyncio.create_task(listener.run()))
            while len(listener.attached) < len(relays):  # noqa: ASYNC110 - there is no event for it
                await asyncio.sleep(0.02)
            listening(address)

        try:
            await serve_as_usual(
                node, lambda address: tasks.append(asyncio.create_task(attach(address))), **others
            )
        finally:
            for task in tasks:
                task.cancel()

    match.connect = connect_through  # type: ignore[assignment]
    serve.serve = serve_attached


if __name__ == "__main__":
    _install(_relays(sys.argv[1]))
    sys.argv[1:] = sys.argv[3:]
    main()
