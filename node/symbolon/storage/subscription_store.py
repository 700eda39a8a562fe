"""The members whose signals this node follows, and when it last looked."""

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import delete, insert, select, update

from symbolon.storage.database import Database
from symbolon.storage.subscription_schema import signal_subscription as table


@dataclass(frozen=True, slots=True)
class Subscription:
    """One member that is followed for one purpose.

    Attributes:
        tiers: letters of the keys that are asked.
        since_s: when it began, seconds since 1970-01-01 UTC.
        looked_s: the last lookup that was held, or None.
        problem: code of why the last one was not; '' where it was.
    """

    peer: str
    purpose: str
    tiers: str
    since_s: int
    looked_s: int | None
    problem: str


class SubscriptionStore:
    """Keeps subscriptions.

    Args:
        database: the node's.
        clock: seconds since 1970-01-01 UTC.
    """

    def __init__(self, database: Database, clock: Callable[[], float]) -> None:
        self._database = database
        self._clock = clock

    def begin(self, peer: str, purpose: str, tiers: str) -> None:
        """Follows a member from now on; one that is followed already goes on with these tiers."""
        here = table.c.peer == peer, table.c.purpose == purpose
        with self._database.transaction("follow a member") as connection:
            if not connection.execute(update(table).where(*here).values(tiers=tiers)).rowcount:
                values = {"peer": peer, "purpose": purpose, "tiers": tiers, "since_s": int(self._clock())}
                connection.execute(insert(table).values(**values, problem=""))

    def end(self, peer: str, purpose: str | None = None) -> int:
        """Follows a member no longer; returns how many subscriptions ended."""
        here = [table.c.peer == peer]
        if purpose is not None:
            here.append(table.c.purpose == purpose)
        with self._database.transaction("follow a member no longer") as connection:
            return connection.execute(delete(table).where(*here)).rowcount

    def all(self) -> list[Subscription]:
        """All of them, by peer and purpose."""
        with self._database.read("list who is followed") as connection:
            rows = connection.execute(select(table).order_by(table.c.peer, table.c.purpose)).all()
        return [Subscription(*row) for row in rows]

    def note(self, peer: str, purpose: str, problem: str = "") -> None:
        """Notes a lookup: that it was held, or the code of why it was not."""
        values: dict[str, object] = {"problem": problem[:64]}
        if not problem:
            values["looked_s"] = int(self._clock())
        here = table.c.peer == peer, table.c.purpose == purpose
        with self._database.transaction("note a lookup") as connection:
            connection.execute(update(table).where(*here).values(**values))
