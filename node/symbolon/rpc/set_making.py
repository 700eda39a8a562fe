"""Making a set in a thread, while the session that it is for goes on.

Handles: telling the receiver that a set takes long; ending the thread once nobody waits for the set.
"""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from symbolon.exchange.limits import WORKING_EVERY_S
from symbolon.exchange.messages import ReceiverMessage, SenderMessage
from symbolon.exchange.sender import Sender, State
from symbolon.rpc.concurrent import ended
from symbolon.rpc.wire import Wire

Made = Callable[[int], None]
"""Told, from the thread that makes a set, how many of its entries are done."""

_T = TypeVar("_T")


async def while_working(
    sender: Sender, wire: Wire[SenderMessage, ReceiverMessage], tier: str, work: Coroutine[Any, Any, _T]
) -> _T:
    """Waits for the set of a tier, and tells the receiver of it where that takes long.

    Args:
        sender: of the session.
        wire: to its receiver.
        tier: whose set is made.
        work: makes it.

    Raises:
        UnavailableError: the receiver took nothing; what `work` raises. The work has ended by then.
    """
    making = asyncio.ensure_future(work)
    try:
        while not (await asyncio.wait((making,), timeout=WORKING_EVERY_S))[0]:
            # A session that has failed meanwhile is ended by whoever met the reason.
            if sender.state is State.OPEN:
                await wire.send(sender.working(tier))
        return await making
    finally:
        making.cancel()
        await ended(making)


class _NobodyWaitsError(Exception):
    """Ends the thread that makes a set for a session that is over; nobody sees it."""


async def in_parts(make: Callable[[Made], _T], made: Made) -> _T:
    """Makes a set in a thread, which ends after its present part once nobody waits for it any longer.

    A peer that asks and hangs up again and again would otherwise keep every thread at work for nothing.

    Args:
        make: runs in the thread, and tells what it is given after each part.
        made: is told the same, for as long as somebody waits.
    """
    waited_for = True

    def tell(entries: int) -> None:
        if not waited_for:
            raise _NobodyWaitsError
        made(entries)

    try:
        return await asyncio.to_thread(make, tell)
    finally:
        waited_for = False
