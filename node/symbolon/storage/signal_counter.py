"""Numbers that are never given twice, also when what had them is gone: something may still name it.

Refuses to go on where the row that counts them is missing.
"""

from typing import Literal, NamedTuple

from sqlalchemy import Connection, select, update

from symbolon.errors import StorageError
from symbolon.storage.signal_schema import signal_counter

Counter = Literal["last_audience", "last_segment", "last_form"]


def take_numbers(connection: Connection, name: Counter, count: int) -> int:
    """Takes numbers in a row.

    Args:
        connection: of the caller's transaction.
        name: what they number.
        count: how many.

    Returns:
        The first of them.

    Raises:
        StorageError: `storage.signal.counter`.
    """
    column = signal_counter.c[name]
    taking = update(signal_counter).values({name: column + count}).returning(column)
    last = connection.execute(taking).scalar()
    if last is None:
        raise _missing()
    return int(last) - count + 1


class Standing(NamedTuple):
    """What changes whenever labels do.

    Attributes:
        last: highest number of a label.
        erased: how often labels were erased.
    """

    last: int
    erased: int


def forms_standing(connection: Connection) -> Standing:
    """How it stands with the labels of signals.

    Raises:
        StorageError: `storage.signal.counter`.
    """
    row = connection.execute(select(signal_counter.c.last_form, signal_counter.c.forms_erased)).first()
    if row is None:
        raise _missing()
    return Standing(*row)


def note_forms_erased(connection: Connection) -> None:
    """Writes down that labels were erased."""
    column = signal_counter.c.forms_erased
    connection.execute(update(signal_counter).values(forms_erased=column + 1))


def rekeyed_at_s(connection: Connection) -> int:
    """When keys were last made anew by other rules, seconds since 1970-01-01 UTC; 0: never.

    Raises:
        StorageError: `storage.signal.counter`.
    """
    found = connection.execute(select(signal_counter.c.rekeyed_at_s)).scalar()
    if found is None:
        raise _missing()
    return int(found)


def note_rekeyed(connection: Connection, now_s: int) -> None:
    """Writes down that keys were made anew by other rules."""
    connection.execute(update(signal_counter).values(rekeyed_at_s=now_s))


def _missing() -> StorageError:
    return StorageError(
        "the database does not say which numbers of signals were given out",
        hint="Stop the node, keep a copy of the database, and restore it from a backup.",
        code="storage.signal.counter",
    )
