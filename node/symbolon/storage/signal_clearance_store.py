"""What people here did so that a signal may leave: approving it for a member, telling the supplier.

Handles: the two obligations that a machine cannot meet, `human_review` and `notify_supplier`, each act in one
transaction with its entry of the log; both for all signals at once, as the making of a set asks for them. An
approval holds for all revisions of a signal: a contest or a correction must not wait for another one. Refuses
whatever is about a signal that does not stand, and a notice of a day to come. Specification: docs/signals.md,
Who sees what.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime

import numpy as np
import numpy.typing as npt
from sqlalchemy import Connection, delete, insert, select

from symbolon.audit.entry import Entry
from symbolon.errors import SignalError
from symbolon.policy.obligations import Notified
from symbolon.policy.operator_roles import LOCAL
from symbolon.signals.facts import day_number, numbered_day
from symbolon.signals.signal import FIRST_DAY
from symbolon.storage.audit_log import AuditLog
from symbolon.storage.database import Database
from symbolon.storage.delegation_columns import is_delegated
from symbolon.storage.seal import Sealer
from symbolon.storage.signal_lookup import require_number
from symbolon.storage.signal_news import note_if_urgent
from symbolon.storage.signal_response_schema import signal_notice, signal_review

Numbers = npt.NDArray[np.uint64]


@dataclass(frozen=True, slots=True, eq=False)
class Clearance:
    """What people did, as far as it counts for one member.

    Attributes:
        reviewed: numbers of the signals that were approved for it; uint64, ascending.
        notices: by number of the signal: who was told, and on which day.
    """

    reviewed: Numbers
    notices: Mapping[int, Mapping[Notified, date]]


class SignalClearanceStore:
    """Keeps approvals and notices.

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
        self._operator = operator
        self._audit = AuditLog(database, sealer, clock, operator)

    def clearance(self, peer: str) -> Clearance:
        """What counts for one member, of all signals."""
        reviewed = select(signal_review.c.number).where(signal_review.c.peer == peer)
        notices: dict[int, dict[Notified, date]] = {}
        with self._database.read("read approvals and notices") as connection:
            numbers = connection.execute(reviewed.order_by(signal_review.c.number)).scalars().all()
            for row in connection.execute(select(signal_notice)):
                notices.setdefault(row.number, {})[Notified(row.who)] = numbered_day(row.day)
        return Clearance(np.array(numbers, np.uint64), notices)

    def approve(self, number: int, peer: str) -> bool:
        """Notes that a person has approved a signal for a member.

        Returns:
            Whether it was not approved before.

        Raises:
            SignalError: the signal does not stand.
        """
        with self._database.transaction("approve a signal for a member") as connection:
            hex_id = self._standing(connection, number)
            here = signal_review.c.number == number, signal_review.c.peer == peer
            if connection.execute(select(signal_review.c.peer).where(*here)).first() is not None:
                return False
            row = {"number": number, "peer": peer, "operator": self._operator, "at_s": int(self._clock())}
            connection.execute(insert(signal_review).values(row))
            self._audit.append_in(connection, Entry("contributed", peer, hex_id, note="approved"))
            note_if_urgent(connection, self._sealer, number, self._today())
        return True

    def withdraw(self, number: int, peer: str) -> bool:
        """Takes an approval back.

        Returns:
            Whether there was one.

        Raises:
            SignalError: the signal does not stand.
        """
        with self._database.transaction("withdraw an approval") as connection:
            hex_id = self._standing(connection, number)
            here = signal_review.c.number == number, signal_review.c.peer == peer
            if not connection.execute(delete(signal_review).where(*here)).rowcount:
                return False
            self._audit.append_in(connection, Entry("contributed", peer, hex_id, note="approval withdrawn"))
        return True

    def approved_for(self, number: int) -> tuple[str, ...]:
        """The members that a signal is approved for, ascending."""
        query = select(signal_review.c.peer).where(signal_review.c.number == number)
        with self._database.read("read approvals") as connection:
            return tuple(connection.execute(query.order_by(signal_review.c.peer)).scalars())

    def note_notice(self, number: int, who: Notified, day: date) -> None:
        """Notes that somebody was told of a signal, in the place of what was noted before.

        Raises:
            SignalError: the signal does not stand; `signal.value`, the day is to come or long ago.
        """
        if not FIRST_DAY <= day <= self._today():
            raise SignalError(
                f"nobody was told on {day}", hint="Name the day on which it was done.", code="signal.value"
            )
        with self._database.transaction("note who was told of a signal") as connection:
            hex_id = self._standing(connection, number)
            here = signal_notice.c.number == number, signal_notice.c.who == who.value
            connection.execute(delete(signal_notice).where(*here))
            connection.execute(
                insert(signal_notice).values(
                    number=number,
                    who=who.value,
                    day=day_number(day),
                    operator=self._operator,
                    noted_at_s=int(self._clock()),
                )
            )
            note = f"{who.value} told on {day}"
            self._audit.append_in(connection, Entry("contributed", "", hex_id, note=note))
            note_if_urgent(connection, self._sealer, number, self._today())

    def withdraw_notice(self, number: int, who: Notified) -> bool:
        """Takes back that somebody was told.

        Returns:
            Whether it was noted.

        Raises:
            SignalError: the signal does not stand.
        """
        with self._database.transaction("withdraw a notice") as connection:
            hex_id = self._standing(connection, number)
            here = signal_notice.c.number == number, signal_notice.c.who == who.value
            if not connection.execute(delete(signal_notice).where(*here)).rowcount:
                return False
            note = f"{who.value} not told"
            self._audit.append_in(connection, Entry("contributed", "", hex_id, note=note))
        return True

    def notices(self, number: int) -> dict[Notified, date]:
        """Who was told of a signal, and on which day."""
        query = select(signal_notice).where(signal_notice.c.number == number).order_by(signal_notice.c.who)
        with self._database.read("read notices") as connection:
            return {Notified(row.who): numbered_day(row.day) for row in connection.execute(query)}

    def _standing(self, connection: Connection, number: int) -> str:
        """The id of a signal that stands, hexadecimal."""
        row = require_number(connection, number)
        if row.state != "active":
            raise SignalError(
                "the signal was recalled", hint="Nothing of it leaves any more.", code="signal.recalled"
            )
        if is_delegated(connection, number):
            raise SignalError(
                "another member publishes the signal, and decides who is given it",
                hint="`symbolon signals delegated` shows which: tell its people.",
                code="signal.delegated",
            )
        return str(row.signal_id)

    def _today(self) -> date:
        return datetime.fromtimestamp(self._clock(), UTC).date()
