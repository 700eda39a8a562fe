"""What a peer has asked since its key epoch began: what policies judge its use of this node by.

Handles: counting the keys of a session in the caller's transaction, and reading what was counted before. The
first session of each tier is the peer's list, what comes after that is counted beside it: a list that is
asked tier by tier comes to the same as one that is asked at once. docs/adr/0014.
"""

import json

from sqlalchemy import Connection, select, update

from symbolon.exchange.messages import Hello
from symbolon.policy.permission import Usage
from symbolon.storage.exchange_budget import BudgetLimits, read_spent
from symbolon.storage.exchange_schema import key_epoch


def keys_by_tier(hello: Hello) -> dict[str, int]:
    """Keys that a hello asks, dummies included; size mode asks tiers together, and counts in each of them."""
    return {tier: ask.elements for ask in hello.tiers for tier in ask.tier}


def count_keys(connection: Connection, epoch: int, asked: dict[str, int]) -> None:
    """Counts what a session asks.

    Args:
        connection: of the transaction that opens the session.
        epoch: row of the live key epoch.
        asked: from `keys_by_tier`.
    """
    here = key_epoch.c.id == epoch
    first = json.loads(connection.execute(select(key_epoch.c.first_keys).where(here)).scalar_one())
    first_keys = json.dumps(asked | first, sort_keys=True)
    keys_asked = key_epoch.c.keys_asked + sum(asked.values())
    connection.execute(update(key_epoch).where(here).values(first_keys=first_keys, keys_asked=keys_asked))


def read_usage(
    connection: Connection, limits: BudgetLimits, *, peer: str, area: str, asked: dict[str, int], now_s: float
) -> Usage:
    """What a peer asks now, and has asked before in its live epoch and in this year.

    Args:
        connection: to read by.
        limits: by which years are cut.
        peer: who asks.
        area: of the session.
        asked: from `keys_by_tier`.
        now_s: the clock.
    """
    live = select(key_epoch.c.first_keys, key_epoch.c.keys_asked).where(
        key_epoch.c.peer == peer,
        key_epoch.c.area == area,
        key_epoch.c.seed.is_not(None),
        key_epoch.c.expires_at_s > int(now_s),
    )
    epoch = connection.execute(live).first()
    first, before = (json.loads(epoch.first_keys), epoch.keys_asked) if epoch is not None else ({}, 0)
    spent = read_spent(connection, limits, area=area, now_s=now_s)
    return Usage(
        keys=sum(asked.values()),
        list_size=sum((asked | first).values()),
        keys_epoch=before,
        keys_year=sum(each.in_year for each in spent if each.peer == peer),
    )
