"""What a node asks before it takes its first call: who is a member now.

A node that was off would serve a member that was expelled meanwhile, and refuse one that joined. So it asks
the founders and a few others, all at once, before it opens. Nobody's silence keeps it closed: after `MOST_S`
it opens with what it knew, says so, and `rpc.upkeep` goes on asking. docs/adr/0013.
"""

import asyncio
import logging
import random
from collections.abc import Callable
from typing import Final

from symbolon.errors import MembershipError, SymbolonError
from symbolon.membership.coalition_roles import VALIDITY
from symbolon.membership.coalition_state import State
from symbolon.membership.member import MemberId
from symbolon.rpc.membership_client import others, sync_with
from symbolon.rpc.node import Node

log = logging.getLogger(__name__)

MOST_S: Final = 5.0
"""How long a start may take longer for this: a handshake through a relay takes one or two seconds."""

ENOUGH_S: Final = 1.0
"""What the others have left once a founder has answered: one that is off must not hold up every start."""

QUIET_S: Final = 1.0
"""A start that waits longer says what it waits for."""

BESIDE_FOUNDERS: Final = 8
"""Further members that are asked, in case no founder answers; `rpc.upkeep` asks all of them soon after."""


async def catch_up(
    node: Node, *, sample: Callable[[list[MemberId], int], list[MemberId]] = random.sample
) -> None:
    """Takes in what others know and this node does not; returns in any case, after `MOST_S` at the latest.

    Args:
        node: this node.
        sample: picks so many of several members.
    """
    state = await asyncio.to_thread(node.coalition.state)
    founders = {each.member_id for each in state.founders}
    reachable = others(state, node.member_id)
    plain = [each for each in reachable if each not in founders]
    asked = [each for each in reachable if each in founders]
    asked += sample(plain, min(len(plain), BESIDE_FOUNDERS))
    calls = {asyncio.create_task(sync_with(node, each)): each for each in asked}
    try:
        await _wait(calls, founders)
    finally:
        for each in calls:
            each.cancel()
        ended = await asyncio.gather(*calls, return_exceptions=True)
    if asked and not any(isinstance(each, State) for each in ended):
        _tell(state, [each for each in ended if isinstance(each, SymbolonError)])
    await asyncio.to_thread(_look_at_own, node)


async def _wait(calls: dict["asyncio.Task[State]", MemberId], founders: set[MemberId]) -> None:
    """Waits until all have ended, or a founder has answered and `ENOUGH_S` have passed since."""
    loop = asyncio.get_running_loop()
    talk_s = loop.time() + QUIET_S
    end_s = loop.time() + MOST_S
    pending, told = set(calls), False
    while pending and loop.time() < end_s:
        until_s = end_s if told else min(end_s, talk_s)
        done, pending = await asyncio.wait(
            pending, timeout=max(0.0, until_s - loop.time()), return_when=asyncio.FIRST_COMPLETED
        )
        if any(calls[each] in founders and each.exception() is None for each in done):
            end_s = min(end_s, loop.time() + ENOUGH_S)
        if pending and not told and loop.time() >= talk_s:
            told = True
            log.info("asks others who is a member now, for at most %g s", MOST_S)


def _tell(state: State, failures: list[SymbolonError]) -> None:
    """Says that nobody answered, and by what this node judges until somebody does."""
    # A refusal says most: whoever refuses was reached, and this node may be no member any more.
    refusals = [each for each in failures if isinstance(each, MembershipError)]
    known = state.expiries["timestamp"] - VALIDITY["timestamp"]
    said = refusals[0].detail if refusals else "nobody could be asked who is a member now"
    log.warning("%s; starts with what it knew at %s UTC", said, f"{known:%Y-%m-%d %H:%M}")
    if refusals and refusals[0].hint:
        log.warning("hint: %s", refusals[0].hint)


def _look_at_own(node: Node) -> None:
    """Says it where this node is no member in good standing: it runs, but all others refuse it."""
    try:
        node.directory.current().require(node.member_id, node.now.date())
    except MembershipError as error:
        log.warning("all refuse this node: %s", error.detail)
        log.warning("hint: %s", error.hint or "Ask a founder.")
