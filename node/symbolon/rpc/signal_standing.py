"""How it stands with signals at a node: own ones, what waits for a person, who is behind, who is followed.

Handles: reading it together for `status` and `doctor`, as counts and names of members; nothing of what a
signal says, and of no supplier. Refuses nothing. A feed of another member is late where its last lookup
failed or is longer ago than `LATE_S`; that heals by the next lookup, which brings all since the last one that
was held. Specification: docs/signals.md, At a glance.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Protocol, cast

import numpy as np

from symbolon.errors import PermissionDeniedError
from symbolon.rpc.feed_standing import FeedStanding, Publishing, feed_standings
from symbolon.rpc.lookup_ways import require_lookup
from symbolon.rpc.node import Node
from symbolon.rpc.signal_choice import choose_signals
from symbolon.signals.facts import day_number
from symbolon.signals.vocabulary import State
from symbolon.storage.database import Database
from symbolon.storage.disclosure_store import DisclosureStore
from symbolon.storage.exchange_session_store import SessionStore
from symbolon.storage.received_signal_store import ReceivedSignalStore
from symbolon.storage.seal import Sealer
from symbolon.storage.signal_clearance_store import Clearance
from symbolon.storage.signal_response_store import SignalResponseStore
from symbolon.storage.signal_store import SignalStore
from symbolon.storage.subscription_store import Subscription, SubscriptionStore

SOON_DAYS: Final = 30
"""A signal that expires within so many days is told of: its contributor may want to say it again."""

LATE_S: Final = 2 * 86_400
"""A member that is followed is looked up once a day."""


class SignalBooks(Publishing, Protocol):
    """What of a node tells how it stands with signals; a node is one."""

    @property
    def responses(self) -> SignalResponseStore:
        """What suppliers say."""

    @property
    def received(self) -> ReceivedSignalStore:
        """What other members released."""

    @property
    def subscriptions(self) -> SubscriptionStore:
        """Who is followed."""


class StoredBooks:
    """The same of a database alone.

    Args:
        database: of a node, of the newest version.
        sealer: of its sealed columns.
        clock: seconds since 1970-01-01 UTC.
    """

    def __init__(self, database: Database, sealer: Sealer, clock: Callable[[], float]) -> None:
        self.clock = clock
        self.signals = SignalStore(database, sealer, clock)
        self.sessions = SessionStore(database, sealer, clock)
        self.disclosures = DisclosureStore(database, sealer)
        self.responses = SignalResponseStore(database, sealer, clock)
        self.received = ReceivedSignalStore(database, sealer, clock)
        self.subscriptions = SubscriptionStore(database, clock)

    @property
    def now(self) -> datetime:
        """The same as `clock`, aware."""
        return datetime.fromtimestamp(self.clock(), UTC)


@dataclass(frozen=True, slots=True)
class SignalStanding:
    """How it stands.

    Attributes:
        stand: own signals that stand.
        expire_soon: those of them that expire within `SOON_DAYS`.
        due: those that are due for review.
        texts_waiting: what suppliers say and nobody here has looked at.
        received: signals of other members that stand here.
        received_recalled: those of which there is only that they were recalled.
        given: everybody who was given own signals, as `feed_standings`.
        followed: members that are followed.
        late: those of them whose feed is late.
    """

    stand: int
    expire_soon: int
    due: int
    texts_waiting: int
    received: int
    received_recalled: int
    given: tuple[FeedStanding, ...]
    followed: tuple[Subscription, ...]
    late: tuple[Subscription, ...]

    @property
    def behind(self) -> tuple[FeedStanding, ...]:
        """Those who have not acknowledged a recall yet, or have fallen silent."""
        return tuple(each for each in self.given if each.is_behind)


def signal_standing(node: SignalBooks) -> SignalStanding:
    """Reads how it stands now."""
    today, now_s = node.now.date(), node.clock()
    rows = node.signals.facts(today).rows
    stands = rows["state"] != State.RECALLED.number
    soon = stands & (rows["expires"] <= day_number(today) + SOON_DAYS)
    received = node.received.counts().values()
    followed = tuple(node.subscriptions.all())
    return SignalStanding(
        stand=int(np.count_nonzero(stands)),
        expire_soon=int(np.count_nonzero(soon)),
        due=node.signals.counts(today).due,
        texts_waiting=len(node.responses.waiting()),
        received=sum(each.active for each in received),
        received_recalled=sum(each.recalled for each in received),
        given=tuple(feed_standings(node)),
        followed=followed,
        late=tuple(each for each in followed if each.problem or _is_late(each, now_s)),
    )


def _is_late(each: Subscription, now_s: float) -> bool:
    since_s = each.since_s if each.looked_s is None else each.looked_s
    return now_s - since_s > LATE_S


def waiting_for_approval(node: Node) -> int:
    """How many own signals some member could be shown today, were they approved for it.

    Where no policy in force asks for an approval, nothing is decided for it.

    Raises:
        MembershipError, PolicyError: nobody is permitted anything now.
    """
    if not any("human_review" in each.text for each in node.policy.bundle().policies):
        return 0
    members, today = node.directory.current(), node.now.date()
    table = node.signals.facts(today)
    approved = cast(Node, _AllApproved(node, table.numbers))
    waiting: set[int] = set()
    for member in members.members:
        if member.member_id == node.member_id or members.standing(member.member_id, today) != "good":
            continue
        disclosed = node.disclosures.numbers(member.member_id)
        for purpose in members.purposes:
            try:
                obligations = require_lookup(node, member.member_id, purpose)
            except PermissionDeniedError:
                continue
            asked = member.member_id, purpose, obligations, table, disclosed
            now, then = (choose_signals(each, *asked).numbers for each in (node, approved))
            waiting.update(np.setdiff1d(then, now).tolist())
    return len(waiting)


class _AllApproved:
    """A node as it would be, had a person approved every signal for everybody.

    Args:
        node: the node.
        numbers: of its signals, ascending.
    """

    def __init__(self, node: Node, numbers: np.ndarray[Any, np.dtype[np.uint64]]) -> None:
        self._node = node
        self._numbers = numbers
        self.clearances = self

    def clearance(self, peer: str) -> Clearance:
        """What counts for one member; see `SignalClearanceStore`."""
        return Clearance(self._numbers, self._node.clearances.clearance(peer).notices)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._node, name)
