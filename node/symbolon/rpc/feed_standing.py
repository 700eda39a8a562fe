"""How far each requester has come with this member's signals: given, acknowledged, not heard yet.

Handles: reading it together from what was disclosed, what was recalled, and the lookups that were held to
their end, at which the requester signs what it got. Refuses nothing.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol

import numpy as np

from symbolon.signals.vocabulary import State
from symbolon.storage.disclosure_store import DisclosureStore
from symbolon.storage.exchange_session_store import SessionStore
from symbolon.storage.signal_store import SignalStore

SILENT_DAYS: Final = 7
"""Requesters look up once a day; one that has not for a week has stopped, or cannot."""

_DAY_S: Final = 86_400


@dataclass(frozen=True, slots=True)
class FeedStanding:
    """One requester and purpose.

    Attributes:
        given: signals that it was ever given, for whichever purpose, and that have not expired.
        acknowledged_s: when it last held a lookup to its end, seconds since 1970-01-01 UTC; None: never.
        recalls_not_told: recalled signals that it was given and has not looked up since.
        silent_days: since then, where that is longer than `SILENT_DAYS`; else None.
    """

    peer: str
    purpose: str
    given: int
    acknowledged_s: int | None
    recalls_not_told: int
    silent_days: int | None


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
    """Everybody who was given something, by member and purpose."""
    table = node.signals.facts(node.now.date())
    recalled_s = {each.number: each.changed_at_s for each in node.signals.list(0, None, State.RECALLED)}
    found = []
    for peer, purpose, last_s in node.sessions.last_lookups():
        given = node.disclosures.numbers(peer)
        if not len(given):
            continue
        not_told = [
            number
            for number in given.tolist()
            if number in recalled_s and (last_s is None or recalled_s[number] > last_s)
        ]
        days = None if last_s is None else int((node.clock() - last_s) // _DAY_S)
        found.append(
            FeedStanding(
                peer,
                purpose,
                int(np.isin(given, table.numbers).sum()),
                last_s,
                len(not_told),
                days if days is not None and days >= SILENT_DAYS else None,
            )
        )
    return found
