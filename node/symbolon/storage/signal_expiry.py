"""Signals whose time is over: what they said is erased, and what was made of it.

Of an expired signal its row stays, with its number, its random id, its days and the keyed digest by which an
import would know it again. Erased are its revisions, the note on its source, what suppliers and other members
said about it, its facts, its labels and, once they are the larger part of a span, its match keys. A thousand
at a time, each thousand in one transaction with its entries of the log: killed anywhere, it goes on when it
is called again. Refuses to erase what somebody has to keep by law, for as long as that hold runs.
Specification: docs/signals.md, Expiry.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

import numpy as np
from sqlalchemy import Connection, and_, delete, insert, null, select, update

from symbolon.audit.entry import Entry
from symbolon.errors import SignalError
from symbolon.signals.facts import day_number, numbered_day
from symbolon.signals.signal import FIRST_DAY, LAST_DAY
from symbolon.storage.audit_log import AuditLog
from symbolon.storage.database import Database
from symbolon.storage.seal import Sealer
from symbolon.storage.signal_facts import drop_audiences, drop_facts, unused_audiences
from symbolon.storage.signal_forms import forget_forms
from symbolon.storage.signal_keys import sweep
from symbolon.storage.signal_response_columns import forget_responses
from symbolon.storage.signal_schema import signal, signal_hold, signal_revision, signal_source

EXPIRED_AT_ONCE: Final = 1000
"""Signals erased in one transaction: some 0.2 s in which no other can be written."""

MAX_HOLDER_CHARS: Final = 200
"""A court or an authority, and its file number."""


@dataclass(frozen=True, slots=True)
class Hold:
    """A duty to keep a signal.

    Attributes:
        number: of the signal.
        holder: who has to keep it, and why.
        until: the day on which the duty is over.
        noted_at_s: seconds since 1970-01-01 UTC.
    """

    number: int
    holder: str
    until: date
    noted_at_s: int


def expire(database: Database, sealer: Sealer, audit: AuditLog, today: date, now_s: int) -> int:
    """Erases signals whose time is over.

    Returns:
        How many.

    Raises:
        StorageError: the database failed; calling it again goes on.
    """
    query = select(signal.c.number).where(_due(today)).order_by(signal.c.number)
    with database.read("look for expired signals") as connection:
        over = connection.execute(query).scalars().all()
    erased = 0
    for at in range(0, len(over), EXPIRED_AT_ONCE):
        with database.transaction("erase expired signals") as connection:
            erased += _erase(connection, sealer, audit, over[at : at + EXPIRED_AT_ONCE], today, now_s)
    # Also where nothing is due: an earlier call may have been killed before this.
    with database.read("look for what expired signals left") as connection:
        held = connection.execute(select(signal_hold.c.number).where(_over(today)).limit(1)).first()
        unused = unused_audiences(connection, sealer)
    if held is not None or unused:
        with database.transaction("erase what expired signals left") as connection:
            connection.execute(delete(signal_hold).where(_over(today)))
            drop_audiences(connection, unused_audiences(connection, sealer))
    sweep(database, sealer)
    return erased


def any_due(database: Database, today: date) -> bool:
    """Whether a signal's time is over and its content still here, or a hold has ended: a look at two indexes.

    Raises:
        StorageError: the database failed.
    """
    with database.read("look whether signals are to be erased") as connection:
        over = select(signal_hold.c.number).where(_over(today)).limit(1)
        if connection.execute(over).first() is not None:
            return True
        return connection.execute(select(signal.c.number).where(_due(today)).limit(1)).first() is not None


def _over(today: date) -> Any:
    """True for holds whose time is over."""
    return signal_hold.c.until_day <= day_number(today)


def _due(today: date) -> Any:
    running = select(signal_hold.c.number).where(signal_hold.c.until_day > day_number(today))
    return and_(
        signal.c.expires_day <= day_number(today),
        signal.c.state != "expired",
        signal.c.number.not_in(running),
    )


def _erase(
    connection: Connection,
    sealer: Sealer,
    audit: AuditLog,
    candidates: Sequence[int],
    today: date,
    now_s: int,
) -> int:
    # One may have been revised or put on hold since it was looked for.
    columns = signal.c.number, signal.c.signal_id, signal.c.revision
    query = select(*columns).where(_due(today), signal.c.number.in_(candidates)).order_by(signal.c.number)
    rows = connection.execute(query).all()
    if not rows:
        return 0
    numbers = [row.number for row in rows]
    drop_facts(connection, sealer, np.array(numbers, np.uint64))
    forget_forms(connection, numbers)
    of_them = signal_revision.c.number.in_(numbers)
    connection.execute(update(signal_revision).where(of_them).values(document=null()))
    connection.execute(delete(signal_source).where(signal_source.c.number.in_(numbers)))
    connection.execute(delete(signal_hold).where(signal_hold.c.number.in_(numbers)))
    forget_responses(connection, numbers)
    gone = {"state": "expired", "content_digest": null(), "changed_at_s": now_s}
    connection.execute(update(signal).where(signal.c.number.in_(numbers)).values(gone))
    entries = [
        Entry("contributed", "", row.signal_id, counts={"revision": row.revision}, note="expired")
        for row in rows
    ]
    audit.append_in(connection, *entries)
    return len(rows)


def check_hold(holder: str, until: date, today: date) -> None:
    """Refuses a hold without a holder or an end, whoever published what is held.

    Raises:
        SignalError: `signal.value`.
    """
    if not holder.strip() or not holder.isprintable() or len(holder) > MAX_HOLDER_CHARS:
        raise SignalError(
            f"a hold names who has to keep the signal in one line of at most {MAX_HOLDER_CHARS} characters",
            hint="For example: Labour Court of Gazipur, file 17/26.",
            code="signal.value",
        )
    if not max(today, FIRST_DAY) < until <= LAST_DAY:
        raise SignalError(
            f"a hold ends after today, and by {LAST_DAY}",
            hint="Name the day on which it ends, like 2027-06-30.",
            code="signal.value",
        )


def note_hold(
    connection: Connection, sealer: Sealer, number: int, holder: str, until: date, today: date, now_s: int
) -> None:
    """Puts a signal on hold, in the place of a hold that it has.

    Raises:
        SignalError: `signal.value`, or `signal.expired`.
    """
    check_hold(holder, until, today)
    state = connection.execute(select(signal.c.state).where(signal.c.number == number)).scalar()
    if state in (None, "expired"):
        raise SignalError(
            "nothing of the signal is left to be kept" if state else "there is no such signal",
            code="signal.expired" if state else "signal.unknown",
        )
    connection.execute(delete(signal_hold).where(signal_hold.c.number == number))
    sealed = sealer.seal("signal_hold", "holder", number, holder.encode())
    connection.execute(
        insert(signal_hold).values(
            number=number, holder=sealed, until_day=day_number(until), noted_at_s=now_s
        )
    )


def drop_hold(connection: Connection, number: int) -> None:
    """Ends a hold before its day; nothing where there is none."""
    connection.execute(delete(signal_hold).where(signal_hold.c.number == number))


def read_holds(connection: Connection, sealer: Sealer, today: date) -> list[Hold]:
    """Holds that run, by the number of their signals."""
    query = select(signal_hold).where(signal_hold.c.until_day > day_number(today))
    return [
        Hold(
            row.number,
            sealer.open("signal_hold", "holder", row.number, row.holder).decode(),
            numbered_day(row.until_day),
            row.noted_at_s,
        )
        for row in connection.execute(query.order_by(signal_hold.c.number))
    ]


def is_held(connection: Connection, number: int, today: date) -> bool:
    """Whether nothing of a signal may be erased now."""
    here = signal_hold.c.number == number, signal_hold.c.until_day > day_number(today)
    return connection.execute(select(signal_hold.c.number).where(*here)).first() is not None
