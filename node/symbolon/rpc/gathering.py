"""How a founder's node gathers signatures under a proposal, steps 2 to 4 of `symbolon.rpc.founding`.

Handles: asking all founders at once whether they would sign; once enough would, one after the other for its
signature, in the order of their ids; putting the proposal in force with the last signature that it needs. A
founder that cannot be reached is passed over while the others are enough. Every signature is kept as it
comes, so whatever is cut off goes on from there. Refuses to go on, so that nobody is bound for nothing, when
a founder holds a later state already, or refuses to sign after it said that it would: then another proposal
was first. How a founder is reached is the caller's. docs/adr/0013.
"""

import asyncio
from collections.abc import Awaitable, Callable

from symbolon.errors import MembershipError, SymbolonError, UnavailableError
from symbolon.membership.coalition_state import State
from symbolon.membership.member import MemberId
from symbolon.membership.proposal_draft import OVERTAKEN
from symbolon.rpc.concurrent import few_at_once
from symbolon.rpc.founding import Founding

Ask = Callable[[MemberId, bool], Awaitable[bool]]
"""Asks one founder whether it would sign, or to sign; keeps the signatures that it knows, and tells whether
no person has to decide there any more. Raises `SymbolonError`."""


async def gather(
    founding: Founding, sha256: bytes, ask: Ask
) -> tuple[State | None, dict[str, SymbolonError]]:
    """Takes a proposal to the other founders, and puts it in force if their signatures are enough.

    Args:
        founding: the founder's side that proposed or approved it.
        sha256: names the proposal.
        ask: how one of the others is asked.

    Returns:
        The new state, or None while it is not in force; and who could not be asked, or refused, and why.
    """
    own = founding.keys.founder.member_id
    failures: dict[str, SymbolonError] = {}
    willing = {own} if await asyncio.to_thread(founding.is_free, sha256) else set[MemberId]()

    async def asked(member_id: MemberId) -> None:
        try:
            if await ask(member_id, False):
                willing.add(member_id)
        except SymbolonError as error:
            failures[member_id] = error

    try:
        await few_at_once(asked(each) for each in await asyncio.to_thread(founding.whom_to_ask, sha256))
        state = await asyncio.to_thread(founding.publish_if_complete, sha256)
        if any(error.full_code == OVERTAKEN for error in failures.values()):
            return state, failures
        while state is None and (order := await asyncio.to_thread(founding.signers, sha256, willing)):
            # Asked once: what it gave is kept by now, and counts if it holds.
            willing.discard(order[0])
            try:
                if order[0] == own:
                    await asyncio.to_thread(founding.sign, sha256)
                else:
                    await ask(order[0], True)
            except UnavailableError as error:
                failures[order[0]] = error
            except SymbolonError as error:
                failures[order[0]] = error
                break
            state = await asyncio.to_thread(founding.publish_if_complete, sha256)
    except MembershipError as error:
        # Another state came into force meanwhile, or its time is over.
        failures[own] = error
        return None, failures
    return state, failures
