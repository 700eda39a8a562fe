"""How often something was told at once: one number, by which whoever watches learns that it should look.

Handles: which revisions count, adding to the number in the transaction that changes the signal, reading it.
What is still under embargo, and what waits for the daily batch, does not count: whoever watches would learn
that there is something. Refuses to go on where the row that counts is missing.
"""

from datetime import date

import numpy as np
from sqlalchemy import Connection, select, update

from symbolon.errors import StorageError
from symbolon.signals.facts import day_number
from symbolon.signals.signal import Signal
from symbolon.signals.vocabulary import State
from symbolon.storage.seal import Sealer
from symbolon.storage.signal_facts import facts_of, read_facts
from symbolon.storage.signal_schema import signal_counter


def is_told_at_once(signal: Signal, today: date) -> bool:
    """Whether a revision leaves without waiting for the daily batch: a recall, or an urgent signal."""
    is_open = signal.embargo is None or signal.embargo <= today
    return is_open and (signal.urgent or signal.state is State.RECALLED)


def note_news(connection: Connection) -> None:
    """Counts that something is told at once, in the caller's transaction."""
    connection.execute(update(signal_counter).values(news=signal_counter.c.news + 1))


def note_if_urgent(connection: Connection, sealer: Sealer, number: int, today: date) -> None:
    """The same where an urgent signal that stands may now go where it did not go before."""
    row = facts_of(connection, sealer, number)
    if row["urgent"] and row["embargo"] <= day_number(today) and row["state"] == State.ACTIVE.number:
        note_news(connection)


def has_embargo_ending(connection: Connection, sealer: Sealer, today: date) -> bool:
    """Whether the embargo of an urgent signal that stands is over since a day."""
    _, rows = read_facts(connection, sealer)
    ending = (rows["embargo"] == day_number(today)) & (rows["embargo"] != 0)
    return bool(np.any(ending & (rows["urgent"] != 0) & (rows["state"] == State.ACTIVE.number)))


def read_news(connection: Connection) -> int:
    """How often something was told at once since the database was made.

    Raises:
        StorageError: `storage.signal.counter`.
    """
    found = connection.execute(select(signal_counter.c.news)).scalar()
    if found is None:
        raise StorageError(
            "the database does not say how often something was told at once",
            hint="Stop the node, keep a copy of the database, and restore it from a backup.",
            code="storage.signal.counter",
        )
    return int(found)
