"""Looking signals up: by id or the beginning of one, by number, a page of them, those to be looked at again.

Refuses an id that is none, that nothing has, that several have, or whose signal is erased.
"""

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, Row, func, select

from symbolon.errors import SignalError
from symbolon.signals.facts import day_number, numbered_day
from symbolon.signals.signal import ID_BYTES, Signal
from symbolon.signals.vocabulary import State
from symbolon.storage.seal import Sealer
from symbolon.storage.signal_columns import (
    StoredSignal,
    integers,
    newest_rows,
    open_revision,
    pieces,
    stored,
)
from symbolon.storage.signal_schema import signal as signal_table
from symbolon.storage.signal_schema import signal_hold, signal_revision

MIN_PREFIX_CHARS: Final = 4
"""A shorter beginning of an id is a slip: it would name another signal once there are more."""

_ID_CHARS: Final = 2 * ID_BYTES
_HEX: Final = frozenset("0123456789abcdef")
LIST_HINT: Final = "`symbolon signals list` shows the ids."


class SignalCounts(NamedTuple):
    """How many signals there are.

    Attributes:
        active: that stand.
        recalled: taken back, and not expired yet.
        expired: whose time is over, whether they are erased yet or not.
        due: active ones that are to be looked at again.
        held: that may not be erased now.
    """

    active: int
    recalled: int
    expired: int
    due: int
    held: int


def require_number(connection: Connection, number: int) -> Row[Any]:
    """The row of `signal` with a number, of one that is not erased.

    Raises:
        SignalError: `signal.unknown`, or `signal.expired`.
    """
    row = connection.execute(select(signal_table).where(signal_table.c.number == number)).first()
    if row is None:
        raise SignalError(f"there is no signal of the number {number}", code="signal.unknown")
    if row.state == "expired":
        raise erased(row.expires_day)
    return row


def typed_id(hex_id: str) -> str:
    """The id of a signal, or a beginning of one, as it is looked for.

    Raises:
        SignalError: `signal.unknown`, it is neither.
    """
    wanted = hex_id.strip().lower()
    if not _HEX.issuperset(wanted) or not MIN_PREFIX_CHARS <= len(wanted) <= _ID_CHARS:
        raise SignalError(
            f"a signal's id is {_ID_CHARS} hexadecimal digits; its first {MIN_PREFIX_CHARS} or more will do",
            hint=LIST_HINT,
            code="signal.unknown",
        )
    return wanted


def number_of(connection: Connection, hex_id: str) -> int:
    """The number of a signal by its id, or by a beginning that no other id has.

    Raises:
        SignalError: `signal.unknown`, `signal.ambiguous`, or `signal.expired`.
    """
    wanted = typed_id(hex_id)
    column = signal_table.c.signal_id
    # A range of texts would use the index, but its end depends on the order that a server was set up with.
    here = column == wanted if len(wanted) == _ID_CHARS else func.substr(column, 1, len(wanted)) == wanted
    columns = signal_table.c.number, signal_table.c.state, signal_table.c.expires_day
    rows = connection.execute(select(*columns).where(here).limit(2)).all()
    if not rows:
        raise SignalError(f"there is no signal {wanted}", hint=LIST_HINT, code="signal.unknown")
    if len(rows) > 1:
        raise SignalError(
            f"several signals have an id that begins with {wanted}",
            hint="Give more of it.",
            code="signal.ambiguous",
        )
    if rows[0].state == "expired":
        raise erased(rows[0].expires_day)
    return int(rows[0].number)


def erased(expires_day: int) -> SignalError:
    """The error for what is asked about a signal of which nothing is left."""
    return SignalError(
        f"the signal expired on {numbered_day(expires_day)}, and nothing of it is left",
        hint="Add a new signal if there is something to say.",
        code="signal.expired",
    )


def read_signal(connection: Connection, sealer: Sealer, number: int) -> StoredSignal:
    """A signal by its number.

    Raises:
        SignalError: `signal.unknown`, or `signal.expired`.
    """
    row = connection.execute(newest_rows().where(signal_table.c.number == number)).first()
    if row is None:
        require_number(connection, number)
        raise SignalError("the newest revision of the signal is not there", code="signal.unknown")
    return stored(sealer, row)


def read_first_change_s(connection: Connection, numbers: Iterable[int]) -> int | None:
    """When the first of some signals changed last, seconds since 1970-01-01 UTC; None of none."""
    first = func.min(signal_table.c.changed_at_s)
    found = [
        connection.execute(select(first).where(signal_table.c.number.in_(some))).scalar()
        for some in pieces(integers(numbers))
    ]
    return min((int(each) for each in found if each is not None), default=None)


def read_history(connection: Connection, sealer: Sealer, number: int) -> list[Signal]:
    """All revisions of a signal, the oldest first.

    Raises:
        SignalError: `signal.unknown`, or `signal.expired`.
    """
    require_number(connection, number)
    query = select(signal_revision).where(
        signal_revision.c.number == number, signal_revision.c.document.is_not(None)
    )
    rows = connection.execute(query.order_by(signal_revision.c.revision))
    return [open_revision(sealer, number, row.revision, row.document)[0] for row in rows]


def chosen(state: State | None, today: date | None) -> list[Any]:
    """What rows of `signal` have to fulfil.

    Args:
        state: only those; None for all.
        today: those whose time is not over then; None for those as well that are not erased yet.
    """
    conditions: list[Any] = [signal_table.c.state != "expired"]
    if state is not None:
        conditions.append(signal_table.c.state == state.value)
    if today is not None:
        conditions.append(signal_table.c.expires_day > day_number(today))
    return conditions


def read_page(
    connection: Connection, sealer: Sealer, conditions: Sequence[Any], offset: int, limit: int | None
) -> list[StoredSignal]:
    """Signals that fulfil conditions, the newest first."""
    query = newest_rows().where(*conditions).order_by(signal_table.c.number.desc())
    if offset > 0 or limit is not None:
        # SQLite knows no offset without a limit; SQLAlchemy writes one.
        query = query.offset(max(offset, 0)).limit(limit)
    return [stored(sealer, row) for row in connection.execute(query)]


def read_due(connection: Connection, sealer: Sealer, today: date) -> list[StoredSignal]:
    """Active signals that are to be looked at again, the most overdue first."""
    query = newest_rows().where(*chosen(State.ACTIVE, today), signal_table.c.review_day <= day_number(today))
    order = signal_table.c.review_day, signal_table.c.number
    return [stored(sealer, row) for row in connection.execute(query.order_by(*order))]


def read_counts(connection: Connection, today: date) -> SignalCounts:
    """How many signals there are."""
    day = day_number(today)

    def count(*conditions: Any) -> int:
        query = select(func.count()).select_from(signal_table).where(*conditions)
        return int(connection.execute(query).scalar_one())

    running = select(func.count()).select_from(signal_hold).where(signal_hold.c.until_day > day)
    return SignalCounts(
        active=count(*chosen(State.ACTIVE, today)),
        recalled=count(*chosen(State.RECALLED, today)),
        expired=count(signal_table.c.expires_day <= day),
        due=count(*chosen(State.ACTIVE, today), signal_table.c.review_day <= day),
        held=int(connection.execute(running).scalar_one()),
    )
