"""What a served node does by itself: it follows the coalition, stays reachable, and renews what ends.

Handles: asking others for newer metadata at the start and every few minutes; attaching to the relays that
this member's record names; policies that were changed; results whose time is over; a new certificate once a
quarter of the old one's life is over; at a founder, new timestamps, proposals that wait for others, and the
list of open invitations; telling peers of agreements that were signed or withdrawn here while they were off;
cosignatures of others for the audit log; signals whose time is over, the labels of those that will be asked
for, members whose signals are followed, and those that publish signals of this one. What ends and takes
people to renew, and who has not heard of a recall or has fallen silent, it says once a day. Each job is tried
again at its next turn when it fails. One finding stops the node: an audit log that is not what it was.
docs/adr/0013, 0014, 0015.
"""

import asyncio
import functools
import logging
import time
from collections.abc import Awaitable, Callable
from datetime import date
from typing import Final

from symbolon.errors import SymbolonError
from symbolon.membership.ends_soon import ends_soon
from symbolon.membership.member import MemberId
from symbolon.rpc.agreeing import tell_all
from symbolon.rpc.channel import listed_certificate
from symbolon.rpc.entrusting import Delegates
from symbolon.rpc.feed_standing import overdue
from symbolon.rpc.following import Followers
from symbolon.rpc.membership_client import announce, spread, sync
from symbolon.rpc.node import Node
from symbolon.rpc.reach import relay_addresses
from symbolon.rpc.relay_listener import RelayListener
from symbolon.rpc.renewal import renew_if_due
from symbolon.rpc.signal_client import watch_news
from symbolon.rpc.signal_upkeep import LabelsAhead, erase_due, rekey, show_kinds
from symbolon.rpc.witnessing import TRUNCATED, Rounds

log = logging.getLogger(__name__)

_DAY_S: Final = 86400

TURN_S: Final = 30.0
"""Between two turns; what a turn finds done costs a look at a file."""

SYNC_S: Final = 300.0
"""Between two rounds of questions to other members."""

POLICY_S: Final = 2.0
"""Between two looks at the files of policies: who narrows one waits no longer for it to be so."""

TELL_S: Final = 300.0
"""Between two attempts to tell peers that were off of agreements; where all have heard, a look at a table."""


class Upkeep:
    """The jobs of one served node, from `start` to `finish`.

    Args:
        node: this node.
        halt: told the error by which the node may not go on.
    """

    def __init__(self, node: Node, halt: Callable[[SymbolonError], None] = lambda _: None) -> None:
        self._node = node
        self._halt = halt
        self._rounds = Rounds(node, time.monotonic)
        self._jobs: list[asyncio.Task[None]] = []
        self._relays: tuple[tuple[MemberId, str], ...] = ()
        self._listening: asyncio.Task[None] | None = None
        self._warned: date | None = None
        self._warned_of_feeds: date | None = None
        self._erased: date | None = None

    def start(self, address: str) -> None:
        """Begins.

        Args:
            address: `host:port` where this node's own server listens.
        """
        # Apart: calls to many members take long where they are off, and nothing waits for them.
        own = (self._run(address), watch_policies(self._node), self._have_witnessed())
        others = (follow(self._node), tell_of_agreements(self._node), Followers(self._node, watch_news).run())
        jobs = (*own, *others, self._make_labels(), tell_delegates(self._node))
        self._jobs += [asyncio.create_task(each) for each in jobs]

    async def finish(self) -> None:
        """Ends every job."""
        for each in (*self._jobs, self._listening):
            if each is not None:
                each.cancel()
        tasks = [each for each in (*self._jobs, self._listening) if each is not None]
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _run(self, address: str) -> None:
        while True:
            await _tried("relays", lambda: self._follow_relays(address))
            await _tried("certificate", lambda: renew_if_due(self._node))
            if self._node.is_founder:
                await _tried("founder", self._found)
            await _tried("what ends soon", self._warn)
            await _tried("who is behind", self._warn_of_feeds)
            await _tried("retention", lambda: asyncio.to_thread(self._node.matches.expire))
            await _tried("signals", lambda: asyncio.to_thread(erase_due, self._node))
            await _tried("kinds of members", lambda: asyncio.to_thread(show_kinds, self._node))
            await _tried("audit log", self._erase_expired)
            await asyncio.sleep(TURN_S)

    async def _make_labels(self) -> None:
        ahead = LabelsAhead(self._node)
        await _tried("keys of signals", lambda: asyncio.to_thread(rekey, self._node))
        while True:
            await _tried("labels of signals", lambda: asyncio.to_thread(ahead.look))
            await asyncio.sleep(TURN_S)

    async def _have_witnessed(self) -> None:
        while True:
            await _tried("witnesses", self._collect)
            await asyncio.sleep(TURN_S)

    async def _collect(self) -> None:
        try:
            await self._rounds.collect_if_due()
        except SymbolonError as error:
            if error.full_code == TRUNCATED:
                self._halt(error)
            raise

    async def _erase_expired(self) -> None:
        """Erases once a day what entries of the audit log say that are kept no longer."""
        node, today = self._node, self._node.now.date()
        if self._erased != today:
            before_s = int(node.clock()) - node.config.audit.keep_days * _DAY_S
            erased = await asyncio.to_thread(node.audit.erase_before, before_s)
            self._erased = today
            if erased:
                log.info("%d entries of the audit log expired and were erased", erased)

    async def _warn(self) -> None:
        """Says once a day what people have to renew: nobody may ask `doctor` for two years."""
        node, now = self._node, self._node.now
        if self._warned != now.date():
            self._warned = now.date()
            for each in ends_soon(await asyncio.to_thread(node.coalition.state), node.member_id, now):
                log.warning("%s. %s", each.said, each.hint)

    async def _warn_of_feeds(self) -> None:
        """Says once a day who has not heard of a recall for a day, or is silent; counts and ids alone."""
        today = self._node.now.date()
        if self._warned_of_feeds != today:
            for each in await asyncio.to_thread(overdue, self._node):
                log.warning("%s. Ask its operator; `symbolon signals feeds` shows how far it has come.", each)
            self._warned_of_feeds = today

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
            await asyncio.gather(self._listening, return_exceptions=True)
        self._relays, self._listening = relays, None
        if relays:
            self._listening = asyncio.create_task(RelayListener(self._node, addresses, address).run())

    async def _found(self) -> None:
        """Each on its own: what one cannot do must not keep the coalition from being dated."""
        node, founding = self._node, self._node.founding
        await _tried("dates", self._redate)
        await _tried("invitations", lambda: asyncio.to_thread(node.write_open_invitations))
        for sha256 in await asyncio.to_thread(founding.unfinished):
            await _tried("proposal", functools.partial(spread, node, founding, sha256))

    async def _redate(self) -> None:
        if await asyncio.to_thread(self._node.founding.redate) is not None:
            await announce(self._node)


async def follow(node: Node) -> None:
    """Asks others for newer metadata every few minutes, until cancelled: all that a relay does by itself.

    Args:
        node: whose copy of the metadata it is; its `symbolon serve` may follow beside this.
    """
    while True:
        await _tried("metadata", lambda: sync(node))
        await asyncio.sleep(SYNC_S)


async def watch_policies(node: Node) -> None:
    """Puts changed policies in force, and ends the key epochs of those permitted less, until cancelled.

    Whoever notices a change first, a decision or this: the key epochs end.
    """
    watch = PolicyWatch(node)
    while True:
        await _tried("policies", lambda: asyncio.to_thread(watch.look))
        await asyncio.sleep(POLICY_S)


class PolicyWatch:
    """Looks whether peers are permitted less than when their key epochs began.

    Other policies narrow, and so do other members or purposes of the coalition, a new day, and an agreement
    that ends. The first is seen at once; the rest, and a session that was permitted just before, within
    `TURN_S`.

    Args:
        node: this node.
    """

    def __init__(self, node: Node) -> None:
        self._node = node
        self._judged: bytes | None = None
        self._judged_s = 0.0

    def look(self) -> None:
        """Ends key epochs where something may have narrowed.

        Raises:
            SymbolonError: no policies are in force, or nothing can be written; the next look tries again.
        """
        policies, now_s = self._node.policy.bundle().sha256(), time.monotonic()
        if policies == self._judged and now_s - self._judged_s < TURN_S:
            return
        if self._judged not in (None, policies):
            log.info("other policies are in force: %s", policies.hex()[:16])
        erased = self._node.erase_narrowed()
        self._judged, self._judged_s = policies, now_s
        if erased:
            log.warning("%d key epochs were erased: their peers are permitted less than before", erased)


async def tell_of_agreements(node: Node) -> None:
    """Tells peers of agreements what they have not heard yet, every few minutes, until cancelled."""
    while True:
        await _tried("agreements", lambda: tell_all(node))
        await asyncio.sleep(TELL_S)


async def tell_delegates(node: Node) -> None:
    """Hands over what delegates have not yet, and asks them how it stands, until cancelled."""
    delegates = Delegates(node)
    while True:
        await _tried("delegated signals", delegates.look)
        await asyncio.sleep(TURN_S)


async def _tried(what: str, job: Callable[[], Awaitable[object]]) -> None:
    try:
        await job()
    except SymbolonError as error:
        log.warning("%s: %s (%s)", what, error.detail, error.full_code)
    except Exception as error:
        log.error("%s: unexpected %s", what, type(error).__name__, exc_info=error)
