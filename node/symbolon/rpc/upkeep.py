"""What a served node does by itself: it follows the coalition, stays reachable, and renews what ends.

Handles: asking others for newer metadata at the start and every few minutes; attaching to the relays that
this member's record names; a new certificate when a third of the old one's life is left; at a founder, new
timestamps, proposals that wait for others, and the list of open invitations. Each job is tried again at its
next turn when it fails, and none of them stops the node. docs/adr/0013.
"""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from typing import Final

from symbolon.errors import SymbolonError
from symbolon.membership.member import MemberId
from symbolon.rpc.channel import listed_certificate
from symbolon.rpc.membership_client import announce, spread, sync
from symbolon.rpc.node import Node
from symbolon.rpc.reach import relay_addresses
from symbolon.rpc.relay_listener import RelayListener
from symbolon.rpc.renewal import renew_if_due

log = logging.getLogger(__name__)

TURN_S: Final = 30.0
"""Between two turns; what a turn finds done costs a look at a file."""

SYNC_EVERY: Final = 10
"""Turns between two rounds of questions to other members: five minutes."""


class Upkeep:
    """The jobs of one served node, from `start` to `finish`.

    Args:
        node: this node.
    """

    def __init__(self, node: Node) -> None:
        self._node = node
        self._jobs: list[asyncio.Task[None]] = []
        self._relays: tuple[tuple[MemberId, str], ...] = ()
        self._listening: asyncio.Task[None] | None = None

    def start(self, address: str) -> None:
        """Begins.

        Args:
            address: `host:port` where this node's own server listens.
        """
        self._jobs.append(asyncio.create_task(self._run(address)))

    async def finish(self) -> None:
        """Ends every job."""
        for each in (*self._jobs, self._listening):
            if each is not None:
                each.cancel()
        tasks = [each for each in (*self._jobs, self._listening) if each is not None]
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _run(self, address: str) -> None:
        turn = 0
        while True:
            await _tried("relays", lambda: self._follow_relays(address))
            if turn % SYNC_EVERY == 0:
                await _tried("metadata", lambda: sync(self._node))
            await _tried("certificate", lambda: renew_if_due(self._node))
            if self._node.is_founder:
                await _tried("founder", self._found)
            turn += 1
            await asyncio.sleep(TURN_S)

    async def _follow_relays(self, address: str) -> None:
        """Attaches to the relays that this member's record names now, where theirs say that they are."""
        members = self._node.directory.current()
        own = members.require(self._node.member_id, self._node.now.date())
        addresses = relay_addresses(members, own, listed_certificate(self._node))
        relays = tuple((each.member_id, each.endpoint) for each in addresses)
        if relays == self._relays:
            return
        if self._listening is not None:
            self._listening.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._listening
        self._relays = relays
        self._listening = asyncio.create_task(RelayListener(self._node, addresses, address).run())

    async def _found(self) -> None:
        node, founding = self._node, self._node.founding
        await asyncio.to_thread(node.write_open_invitations)
        if await asyncio.to_thread(founding.redate) is not None:
            await announce(node)
        for sha256 in await asyncio.to_thread(founding.unfinished):
            await spread(node, founding, sha256)


async def follow(node: Node) -> None:
    """Asks others for newer metadata every few minutes, until cancelled: all that a relay does by itself.

    Args:
        node: whose copy of the metadata it is; its `symbolon serve` may follow beside this.
    """
    while True:
        await _tried("metadata", lambda: sync(node))
        await asyncio.sleep(SYNC_EVERY * TURN_S)


async def _tried(what: str, job: Callable[[], Awaitable[object]]) -> None:
    try:
        await job()
    except SymbolonError as error:
        log.warning("%s: %s (%s)", what, error.detail, error.full_code)
    except Exception as error:
        log.error("%s: unexpected %s", what, type(error).__name__, exc_info=error)
