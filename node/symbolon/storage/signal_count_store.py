"""The numbers of signals that other members were told, and when they were counted.

Handles: keeping one number for each member and purpose, with the entry of the audit log in the same
transaction. Refuses nothing: what is told again, and what is counted anew, is for `rpc.signal_counting`.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import insert, select, update

from symbolon.audit.entry import Entry
from symbolon.storage.audit_log import AuditLog
from symbolon.storage.database import Database
from symbolon.storage.signal_count_schema import signal_count as table


@dataclass(frozen=True, slots=True)
class Told:
    """A number that a member is told.

    Attributes:
        signals: the number; 0 stands for fewer than are told as a number.
        at_s: when it was counted, seconds since 1970-01-01 UTC.
    """

    signals: int
    at_s: int


class SignalCountStore:
    """Keeps what was told.

    Args:
        database: the node's.
        audit: its log.
    """

    def __init__(self, database: Database, audit: AuditLog) -> None:
        self._database = database
        self._audit = audit

    def told(self, peer: str) -> dict[str, Told]:
        """What a member is told, by purpose."""
        columns = table.c.purpose, table.c.signals, table.c.at_s
        with self._database.read("read what a member was told") as connection:
            rows = connection.execute(select(*columns).where(table.c.peer == peer)).all()
        return {row.purpose: Told(row.signals, row.at_s) for row in rows}

    def tell(self, peer: str, fresh: Mapping[str, Told], entry: Entry) -> None:
        """Notes that a member is about to be told a number.

        Args:
            peer: the member.
            fresh: what was counted anew, by purpose.
            entry: that says so.
        """
        with self._database.transaction("note what a member is told") as connection:
            for purpose, told in fresh.items():
                values = {"signals": told.signals, "at_s": told.at_s}
                here = table.c.peer == peer, table.c.purpose == purpose
                if not connection.execute(update(table).where(*here).values(**values)).rowcount:
                    connection.execute(insert(table).values(peer=peer, purpose=purpose, **values))
            self._audit.append_in(connection, entry)
