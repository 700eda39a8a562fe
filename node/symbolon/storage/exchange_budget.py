"""The query budget: evaluations debited before they are made, in the caller's transaction.

Three sums grow together for every tier: the member's in the current window, the member's in the year, and
all members' in the year. Windows are cut from the epoch of Unix time, so neither a new
key epoch, nor a restart, nor a session that failed gives anything back.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from sqlalchemy import Connection, insert, select, update

from symbolon.errors import BudgetError
from symbolon.storage.exchange_schema import budget_spent

_DAY_S = 86400

EVERYBODY: Final = "*"
"""Owner of the sums over all members."""


@dataclass(frozen=True, slots=True)
class BudgetLimits:
    """Evaluations granted, dummies included; see the [budget] section of the configuration."""

    window_days: int
    per_window: int
    per_member_year: int
    all_members_year: int


@dataclass(frozen=True, slots=True)
class Spent:
    """Evaluations debited to one peer (or to all, `EVERYBODY`) in one tier, in the periods that run now."""

    peer: str
    tier: str
    in_window: int
    in_year: int


def debit(
    connection: Connection, limits: BudgetLimits, *, peer: str, area: str, tier: str, count: int, now_s: float
) -> int:
    """Takes `count` evaluations from every sum they belong to, or from none.

    Returns:
        What is left to the peer in the current window.

    Raises:
        BudgetError: a sum would pass its limit; the transaction must be undone.
    """
    window, year = _periods(limits, now_s)
    sums = (
        (peer, window, limits.per_window, f"in this window of {limits.window_days} days"),
        (peer, year, limits.per_member_year, "in this year"),
        (EVERYBODY, year, limits.all_members_year, "for all members in this year"),
    )
    left = 0
    for owner, period, limit, words in sums:
        spent = spent_in(connection, owner, area, tier, period)
        if spent + count > limit:
            raise BudgetError(
                f"{peer} asks for {count} evaluations of tier {tier}; "
                f"{max(0, limit - spent)} are left {words}",
                hint="The operator of the answering node can raise [budget] in symbolon.toml.",
            )
        _set(connection, owner, area, tier, period, spent + count)
        if owner == peer and period == window:
            left = limit - spent - count
    return left


def _periods(limits: BudgetLimits, now_s: float) -> tuple[str, str]:
    """The window and the year that run now."""
    window = f"window:{limits.window_days}d:{int(now_s // (limits.window_days * _DAY_S))}"
    return window, f"year:{datetime.fromtimestamp(now_s, UTC).year}"


def _set(connection: Connection, peer: str, area: str, tier: str, period: str, spent: int) -> None:
    values = {"peer": peer, "area": area, "tier": tier, "period": period}
    matches = [budget_spent.c[name] == value for name, value in values.items()]
    if not connection.execute(update(budget_spent).where(*matches).values(spent=spent)).rowcount:
        connection.execute(insert(budget_spent).values(**values, spent=spent))


def spent_in(connection: Connection, peer: str, area: str, tier: str, period: str) -> int:
    """Evaluations debited so far in one sum."""
    query = select(budget_spent.c.spent).where(
        budget_spent.c.peer == peer,
        budget_spent.c.area == area,
        budget_spent.c.tier == tier,
        budget_spent.c.period == period,
    )
    return connection.execute(query).scalar() or 0


def read_spent(connection: Connection, limits: BudgetLimits, *, area: str, now_s: float) -> list[Spent]:
    """What is debited in the window and the year that run now; who has asked nothing in them is absent."""
    window, year = _periods(limits, now_s)
    query = select(budget_spent).where(budget_spent.c.area == area, budget_spent.c.period.in_((window, year)))
    sums = {(row.peer, row.tier, row.period): row.spent for row in connection.execute(query)}
    return [
        Spent(peer, tier, sums.get((peer, tier, window), 0), sums.get((peer, tier, year), 0))
        for peer, tier in sorted({(peer, tier) for peer, tier, _ in sums})
    ]
