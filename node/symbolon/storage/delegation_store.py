"""Own signals that another member publishes: what it has of each, and what it said.

Handles: adding such signals, which get no facts and no match keys, so that no lookup at this node finds them;
how far each was delivered, or why not; a delegate's answers; taking in what a supplier said at the delegate.
Refuses what `signal_intake` and `signal_change` refuse. A signal is delegated when it is added or never: one
that was published here would link the two. Specification: docs/signals.md, Delegated publishing.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import Connection, Select, insert, null, select, update

from symbolon.policy.operator_roles import LOCAL
from symbolon.signals.signal import Signal
from symbolon.storage import signal_intake as taking_in
from symbolon.storage.audit_log import AuditLog
from symbolon.storage.database import Database
from symbolon.storage.delegation_columns import Delegation, open_delegation, seal_delegation
from symbolon.storage.delegation_schema import signal_delegation
from symbolon.storage.seal import Sealer
from symbolon.storage.seal_check import bind_key
from symbolon.storage.signal_change import Change, Revision, add_revision
from symbolon.storage.signal_columns import StoredSignal, not_expired
from symbolon.storage.signal_intake import NewSignal
from symbolon.storage.signal_lookup import read_signal
from symbolon.storage.signal_schema import signal as signal_table
from symbolon.storage.signal_writer import Writer


@dataclass(frozen=True, slots=True)
class StoredDelegation:
    """How it stands with one own signal that another member publishes.

    Attributes:
        number: of the signal.
        revision: its newest.
        delivered: the newest that the delegate has; 0 for none.
        problem: code of why it has not the newest; '' where it has, or nobody tried.
        kept: everything else.
    """

    number: int
    revision: int
    delivered: int
    problem: str
    kept: Delegation

    @property
    def is_pending(self) -> bool:
        """Whether a revision waits for the delegate."""
        return self.delivered < self.revision


class DelegationStore:
    """Keeps what a contributor has other members publish.

    Args:
        database: the node's.
        sealer: of its sealed columns.
        clock: seconds since 1970-01-01 UTC.
        operator: pseudonym of whom every change made here is due to.
    """

    def __init__(
        self, database: Database, sealer: Sealer, clock: Callable[[], float], operator: str = LOCAL
    ) -> None:
        self._database = database
        self._sealer = sealer
        self._clock = clock
        self._writer = Writer(sealer, AuditLog(database, sealer, clock, operator), clock, operator)

    def add_many(self, new: Sequence[tuple[NewSignal, Delegation]]) -> Sequence[int]:
        """Adds signals that another member is to publish: all of them, or none.

        Returns:
            Their numbers, in the same order.

        Raises:
            SignalError, StorageError: as `SignalStore.add_many`.
        """
        if not new:
            return []
        bind_key(self._database, self._sealer)
        prepared = taking_in.prepare(self._sealer, [each for each, _ in new], self._today())
        with self._database.transaction("add delegated signals") as connection:
            first = taking_in.store(connection, self._writer, prepared, published=False)
            rows = [
                {
                    "number": number,
                    "delivered": 0,
                    "problem": "",
                    "payload": seal_delegation(self._sealer, number, kept),
                }
                for number, (_, kept) in enumerate(new, first)
            ]
            connection.execute(insert(signal_delegation), rows)
        return range(first, first + len(new))

    def find(self, number: int) -> StoredDelegation | None:
        """How it stands with a signal; None where this member publishes it itself."""
        with self._database.read("look who publishes a signal") as connection:
            row = connection.execute(_rows().where(signal_delegation.c.number == number)).first()
        return None if row is None else self._opened(row)

    def all(self) -> Sequence[StoredDelegation]:
        """All whose signals are not erased, the oldest first."""
        query = _rows().order_by(signal_delegation.c.number)
        with self._database.read("list delegated signals") as connection:
            return [self._opened(row) for row in connection.execute(query)]

    def numbers(self) -> frozenset[int]:
        """Numbers of all own signals that others publish, erased ones too."""
        with self._database.read("look which signals are delegated") as connection:
            return frozenset(connection.execute(select(signal_delegation.c.number)).scalars())

    def pending(self) -> Sequence[int]:
        """Numbers of the signals of which a revision waits, the oldest first."""
        behind = signal_delegation.c.delivered < signal_table.c.revision
        query = _rows().where(behind, not_expired(self._today())).order_by(signal_delegation.c.number)
        with self._database.read("look what waits for a delegate") as connection:
            return [row.number for row in connection.execute(query)]

    def own_of(self, delegate: str, their_id: bytes) -> int | None:
        """The number of the own signal that a delegate publishes under an id of its own, if it does."""
        for each in self.all():
            if (each.kept.delegate, each.kept.their_id) == (delegate, their_id):
                return each.number
        return None

    def note_delivered(self, number: int, revision: int, **said: Any) -> None:
        """Notes that the delegate has a revision; `said` are fields of `Delegation`."""

        def change(row: Any) -> dict[str, Any]:
            return {"delivered": max(row.delivered, revision), "problem": ""}

        self._change("note what a delegate has", number, change, said)

    def note_problem(self, number: int, code: str) -> None:
        """Notes why the delegate has not the newest revision."""
        self._change("note why a delegate was not told", number, lambda _: {"problem": code[:64]}, {})

    def note_said(self, number: int, **said: Any) -> None:
        """Notes what is known of a signal at its delegate; `said` are fields of `Delegation`."""
        self._change("note what a delegate says", number, lambda _: {}, said)

    def take_in(self, new: Signal, signature: bytes, change: Change) -> StoredSignal:
        """Makes a revision that holds what came in at the delegate the newest one.

        Raises:
            SignalError: as `SignalStore.add_revision`.
        """
        with self._database.transaction("take in what a delegate says") as connection:
            revision = Revision(new, signature, change)
            number = add_revision(connection, self._writer, revision, self._today())
            return read_signal(connection, self._sealer, number)

    def forget_expired(self) -> int:
        """Erases who published the signals that are erased; returns of how many."""
        gone = select(signal_table.c.number).where(signal_table.c.state == "expired")
        table = signal_delegation
        here = table.c.number.in_(gone), table.c.payload.is_not(None)
        with self._database.read("look for delegated signals that are erased") as connection:
            if connection.execute(select(table.c.number).where(*here).limit(1)).first() is None:
                return 0
        with self._database.transaction("erase who published signals") as connection:
            return connection.execute(update(table).where(*here).values(payload=null())).rowcount

    def _change(
        self, what: str, number: int, values: Callable[[Any], dict[str, Any]], said: dict[str, Any]
    ) -> None:
        table = signal_delegation
        with self._database.transaction(what) as connection:
            row = connection.execute(
                select(table).where(table.c.number == number, table.c.payload.is_not(None))
            ).first()
            # It may have expired while the delegate was asked.
            if row is None:
                return
            changed = values(row)
            if said:
                kept = replace(open_delegation(self._sealer, number, row.payload), **said)
                changed["payload"] = seal_delegation(self._sealer, number, kept)
            if changed:
                self._write(connection, number, changed)

    def _write(self, connection: Connection, number: int, values: dict[str, Any]) -> None:
        here = signal_delegation.c.number == number
        connection.execute(update(signal_delegation).where(here).values(**values))

    def _opened(self, row: Any) -> StoredDelegation:
        kept = open_delegation(self._sealer, row.number, row.payload)
        return StoredDelegation(row.number, row.revision, row.delivered, row.problem, kept)

    def _today(self) -> date:
        return datetime.fromtimestamp(self._clock(), UTC).date()


def _rows() -> Select[Any]:
    """Rows of what is not erased."""
    table = signal_delegation
    return (
        select(table, signal_table.c.revision)
        .join(signal_table, signal_table.c.number == table.c.number)
        .where(table.c.payload.is_not(None), signal_table.c.state != "expired")
    )
