"""How far each requester has come with this member's signals: given, acknowledged, not heard yet.

A lookup that a requester signs for is its acknowledgement: by then it was offered every recall that it had to
hear of, under the keys of the tiers that it asked. A requester takes a recall for every purpose, but finds it
by the keys of a tier alone; so it has heard of one when it has signed for it in each tier under whose keys it
was given the signal, whichever the purpose. Handles: reading that together, by member. Refuses nothing.
docs/signals.md, Who has heard.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol

import numpy as np
import numpy.typing as npt

from symbolon.exchange.id_sets import among
from symbolon.signals.vocabulary import State
from symbolon.storage.disclosure_store import DisclosureStore, Feed
from symbolon.storage.exchange_session_store import Looked, SessionStore
from symbolon.storage.signal_store import SignalStore

Numbers = npt.NDArray[np.uint64]

SILENT_DAYS: Final = 7
"""Requesters look up once a day; one that has not for a week has stopped, or cannot."""

DAY_S: Final = 86_400


@dataclass(frozen=True, slots=True)
class FeedStanding:
    """One requester.

    Attributes:
        peer: its member id.
        purposes: of its lookups, with when it last held one to its end for each, seconds since 1970-01-01
            UTC; None: never.
        given: signals that it was ever given, for whichever purpose, and that have not expired.
        acknowledged_s: when it last held a lookup to its end, for whichever purpose; None: never.
        recalls_not_told: recalls of them that it has not signed for in each tier that it was given them in.
        recalled_s: when the first of these was recalled, seconds since 1970-01-01 UTC; None: all are told.
        silent_days: days since it last held a lookup to its end or, where that was before it was given
            anything, since then; None below `SILENT_DAYS`, and where nothing that it was given is left to it.
    """

    peer: str
    purposes: tuple[tuple[str, int | None], ...]
    given: int
    acknowledged_s: int | None
    recalls_not_told: int
    recalled_s: int | None
    silent_days: int | None

    @property
    def is_behind(self) -> bool:
        """Whether it has not heard of a recall yet, or has fallen silent."""
        return self.recalls_not_told > 0 or self.silent_days is not None


class Publishing(Protocol):
    """What of a node tells how far its requesters have come; a node is one."""

    @property
    def signals(self) -> SignalStore:
        """Its own signals."""

    @property
    def sessions(self) -> SessionStore:
        """Its sessions."""

    @property
    def disclosures(self) -> DisclosureStore:
        """Who was given which signals."""

    @property
    def clock(self) -> Callable[[], float]:
        """Seconds since 1970-01-01 UTC."""

    @property
    def now(self) -> datetime:
        """The same, aware."""


def feed_standings(node: Publishing) -> list[FeedStanding]:
    """Everybody who was given something, by member id."""
    table = node.signals.facts(node.now.date())
    recalled = table.numbers[table.rows["state"] == State.RECALLED.number]
    looked: dict[str, list[Looked]] = {}
    for each in node.sessions.lookups():
        looked.setdefault(each.peer, []).append(each)
    feeds = node.disclosures.feeds()
    found = []
    for peer, numbers in node.disclosures.all().items():
        given = numbers[among(numbers, table.numbers)]
        found.append(_standing(node, peer, given, recalled, feeds.get(peer, []), looked.get(peer, [])))
    return found


def _standing(
    node: Publishing,
    peer: str,
    given: Numbers,
    recalled: Numbers,
    feeds: list[Feed],
    lookups: list[Looked],
) -> FeedStanding:
    over = given[among(given, recalled)]
    not_told = over[~_heard(over, feeds)]
    acknowledged_s = max(_known(each.acknowledged_s for each in lookups), default=None)
    # Of what was given before that was noted, the first lookup is the earliest that it can have been.
    given_s = _known(each.given_at_s for each in feeds) or [each.first_s for each in lookups]
    since_s = max(_known([acknowledged_s, min(given_s, default=None)]), default=None)
    silent_days = None
    if since_s is not None and len(given) > len(over) - len(not_told):
        days = int((node.clock() - since_s) // DAY_S)
        silent_days = days if days >= SILENT_DAYS else None
    return FeedStanding(
        peer,
        tuple((each.purpose, each.acknowledged_s) for each in lookups),
        len(given),
        acknowledged_s,
        len(not_told),
        node.signals.first_change_s(not_told.tolist()) if len(not_told) else None,
        silent_days,
    )


def _heard(recalls: Numbers, feeds: list[Feed]) -> npt.NDArray[np.bool_]:
    """Which recalls of signals that a member was given it has heard of, in whichever form it has them."""
    here = [among(recalls, each.given) for each in feeds]
    told = [among(recalls, each.told) for each in feeds]
    heard = np.full(len(recalls), bool(feeds), np.bool_)
    # What was given before tiers were noted may have been given in all that the member was told anything in.
    untold_tier = ~np.logical_or.reduce(here) if feeds else heard
    for given_here, told_here in zip(here, told, strict=True):
        heard &= told_here | ~(given_here | untold_tier)
    return heard


def _known(times: Iterable[int | None]) -> list[int]:
    return [each for each in times if each is not None]


def behind_words(recalls_not_told: int, silent_days: int | None) -> str:
    """What a requester is behind with; '' where it is not. Arguments as in `FeedStanding`."""
    parts = []
    if recalls_not_told:
        parts.append(f"{recalls_not_told} recall{'' if recalls_not_told == 1 else 's'} not acknowledged")
    if silent_days is not None:
        parts.append(f"silent for {silent_days} days")
    return ", ".join(parts)


def overdue(node: Publishing) -> list[str]:
    """One sentence about each requester that has not heard of a recall for a day, or is silent."""
    said = []
    for each in feed_standings(node):
        late = each.recalled_s is not None and node.clock() - each.recalled_s > DAY_S
        if late or each.silent_days is not None:
            words = behind_words(each.recalls_not_told if late else 0, each.silent_days)
            said.append(f"{each.peer} is behind with the signals of this member: {words}")
    return said
