"""Following another member's signals: a lookup at once, one a day, one whenever something is told at once.

Handles: what `symbolon signals watch` begins and a served node keeps up. Every follower looks up after every
piece of news, whether it holds anything of it or not, so that its lookups tell nothing; each is signed by
both ends, and so is an acknowledgement of how far it has come. A gap heals by itself: a lookup brings
everything since the last one that was held. Refuses nothing; a peer that is away is tried again, ever more
seldom. docs/PROTOCOL.md, Signal service.
"""

import asyncio
import logging
import secrets
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, aclosing
from typing import Final

import grpc

from symbolon.errors import SymbolonError, UnavailableError
from symbolon.membership.member_record import MemberRecord
from symbolon.rpc.figures import Figures
from symbolon.rpc.node import Node
from symbolon.rpc.peer import Peer
from symbolon.rpc.reach import reached
from symbolon.rpc.receiver_role import Ask, Outcome
from symbolon.rpc.status import BUSY
from symbolon.storage.subscription_store import Subscription

log = logging.getLogger(__name__)

DAILY_S: Final = 86_400.0
"""Between two lookups without news: additions come in daily batches."""

FIRST_RETRY_S: Final = 1.0
LAST_RETRY_S: Final = 900.0
"""A peer that is away is tried again after a second, then twice as long each time, up to this."""

BUSY_S: Final = 30.0
BUSY_RETRY_MS: Final = 300
"""For how long a lookup is tried again while the peer has no place for it, and the longest pause between."""

LOOK_S: Final = 5.0
"""Between two looks at who is followed: who runs `signals watch` beside a served node waits no longer."""

Told = Callable[[Subscription, Outcome | SymbolonError], None]
News = Callable[[grpc.aio.Channel, str, str], AsyncIterator[int]]
"""Told an open channel, a peer and a purpose, yields the peer's number of news at the beginning, and then now
and then; another one is a piece of news."""


async def follow(
    node: Node, subscription: Subscription, news: News, told: Told, *, daily_s: float = DAILY_S
) -> None:
    """Follows one member until cancelled.

    Args:
        node: this node.
        subscription: whom, and what for.
        news: of a peer.
        told: told every outcome, and what kept a lookup from being held.
        daily_s: see `DAILY_S`.
    """
    wait_s = FIRST_RETRY_S
    while True:
        try:
            listed = _listed(node, subscription.peer)
            async with AsyncExitStack() as stack:
                channel = await stack.enter_async_context(reached(node, subscription.peer))
                heard = news(channel, subscription.peer, subscription.purpose)
                moments = await stack.enter_async_context(aclosing(_moments(heard, daily_s)))
                async for _ in moments:
                    if _listed(node, subscription.peer) != listed:
                        break
                    told(subscription, await look_up(node, subscription, channel))
                    wait_s = FIRST_RETRY_S
            # It is listed otherwise: another certificate or place, say, and dialled anew for that.
            continue
        except SymbolonError as error:
            await asyncio.to_thread(
                node.subscriptions.note, subscription.peer, subscription.purpose, error.full_code
            )
            told(subscription, error)
        await asyncio.sleep(wait_s)
        wait_s = min(2 * wait_s, LAST_RETRY_S)


def _listed(node: Node, peer: str) -> MemberRecord:
    """What the coalition lists of a member in good standing; a channel to it is good for as long."""
    return node.directory.current().require(peer, node.now.date())


async def look_up(node: Node, subscription: Subscription, channel: grpc.aio.Channel) -> Outcome:
    """One lookup of a subscription.

    Everybody who follows looks up at the same moment: while the peer has no place, it is tried again.

    Args:
        node: this node.
        subscription: whom, and what for.
        channel: to the member.

    Raises:
        SymbolonError: it could not be held.
    """
    ask = Ask(subscription.peer, "lookup", subscription.purpose, tuple(subscription.tiers))
    end_s = time.monotonic() + BUSY_S
    peer = Peer(node, subscription.peer, channel)
    outcome: Outcome | None = None
    while outcome is None:
        try:
            outcome = await peer.ask(ask, Figures())
        except UnavailableError as error:
            if error.full_code != BUSY or time.monotonic() > end_s:
                raise
            await asyncio.sleep(secrets.randbelow(BUSY_RETRY_MS) / 1000)
    await asyncio.to_thread(node.subscriptions.note, subscription.peer, subscription.purpose)
    return outcome


async def _moments(news: AsyncIterator[int], daily_s: float) -> AsyncGenerator[None, None]:
    """Yields at the beginning, at each piece of news, and after a day without any.

    Several pieces that came while one was looked at count as one.
    """
    told: asyncio.Queue[int | None] = asyncio.Queue()

    async def hear() -> None:
        try:
            async for number in news:
                told.put_nowait(number)
        finally:
            told.put_nowait(None)

    hearing, last = asyncio.create_task(hear()), -1
    try:
        while True:
            try:
                async with asyncio.timeout(daily_s):
                    while (number := await told.get()) == last:
                        pass
            except TimeoutError:
                yield None
                continue
            while not told.empty() and number is not None:
                number = told.get_nowait()
            if number is None:
                await hearing
                return
            last = number
            yield None
    finally:
        hearing.cancel()
        await asyncio.gather(hearing, return_exceptions=True)


class Followers:
    """What a served node does for its subscriptions.

    Args:
        node: this node.
        news: of a peer.
    """

    def __init__(self, node: Node, news: News) -> None:
        self._node = node
        self._news = news
        self._tasks: dict[tuple[str, str, str], asyncio.Task[None]] = {}

    async def run(self) -> None:
        """Follows whoever is to be followed, until cancelled."""
        try:
            while True:
                await self._look()
                await asyncio.sleep(LOOK_S)
        finally:
            for each in self._tasks.values():
                each.cancel()
            await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    async def _look(self) -> None:
        wanted = {
            (each.peer, each.purpose, each.tiers): each
            for each in await asyncio.to_thread(self._node.subscriptions.all)
        }
        for key in self._tasks.keys() - wanted.keys():
            self._tasks.pop(key).cancel()
        for key in wanted.keys() - self._tasks.keys():
            self._tasks[key] = asyncio.create_task(self._follow(wanted[key]))

    async def _follow(self, subscription: Subscription) -> None:
        await _unless_cancelled(lambda: follow(self._node, subscription, self._news, _note))


async def _unless_cancelled(work: Callable[[], Awaitable[None]]) -> None:
    try:
        await work()
    except Exception as error:
        log.error("following: unexpected %s", type(error).__name__, exc_info=error)


def _note(subscription: Subscription, came: Outcome | SymbolonError) -> None:
    """Counts only: whom signals are about never stands in a log."""
    if isinstance(came, SymbolonError):
        log.warning("following %s: %s (%s)", subscription.peer, came.detail, came.full_code)
        return
    counts = {what: count for what, count in came.counts.items() if count}
    log.info("following %s for %s: %s", subscription.peer, subscription.purpose, counts)
