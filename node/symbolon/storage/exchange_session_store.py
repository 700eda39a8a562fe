"""Sessions held: how each ended, in one sentence for the operator."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

from sqlalchemy import Connection, and_, case, func, select, update

from symbolon.audit.document import Document
from symbolon.audit.entry import Entry
from symbolon.policy.operator_roles import LOCAL
from symbolon.storage.audit_log import AuditLog
from symbolon.storage.database import Database
from symbolon.storage.exchange_schema import exchange_session
from symbolon.storage.seal import Sealer

Role = Literal["sender", "receiver"]

UNSIGNED: Final = "did not sign a receipt."
"""Ends the sentence of a session that the receiver has not acknowledged."""


@dataclass(frozen=True, slots=True)
class SessionRow:
    """A session as `symbolon status` shows it; times in seconds since 1970-01-01 UTC."""

    session_id: str
    role: str
    peer: str
    mode: str
    purpose: str
    started_at_s: int
    ended_at_s: int | None
    state: str
    sentence: str


class Looked(NamedTuple):
    """The lookups of one member for one purpose that were answered; times in seconds since 1970-01-01 UTC.

    Attributes:
        first_s: when the first began.
        acknowledged_s: when the last one began that the member acknowledged by signing what it came to; None:
            none was.
    """

    peer: str
    purpose: str
    first_s: int
    acknowledged_s: int | None


class SessionStore:
    """Ends and lists sessions; arguments as for `AuditLog`."""

    def __init__(
        self, database: Database, sealer: Sealer, clock: Callable[[], float], operator: str = LOCAL
    ) -> None:
        self._database = database
        self._clock = clock
        self._audit = AuditLog(database, sealer, clock, operator)

    def end(
        self,
        role: Role,
        entry: Entry,
        *,
        done: bool,
        sentence: str,
        documents: Iterable[Document] = (),
        beside: Callable[[Connection], None] | None = None,
    ) -> None:
        """Marks a session's end and writes its last audit entry; `beside` writes in the same transaction."""
        with self._database.transaction("end a session") as connection:
            self.end_in(connection, role, entry, done=done, sentence=sentence, documents=documents)
            if beside is not None:
                beside(connection)

    def end_in(
        self,
        connection: Connection,
        role: Role,
        entry: Entry,
        *,
        done: bool,
        sentence: str,
        documents: Iterable[Document] = (),
    ) -> None:
        """Like `end`, inside the transaction that holds what the session brought."""
        connection.execute(
            update(exchange_session)
            .where(exchange_session.c.session_id == entry.session, exchange_session.c.role == role)
            .values(ended_at_s=int(self._clock()), state="done" if done else "failed", sentence=sentence)
        )
        self._audit.append_in(connection, entry, documents=documents)

    def open_roles(self) -> list[tuple[Role, str, str]]:
        """Roles, peers and modes of the sessions that are open, or were left so."""
        table = exchange_session.c
        query = select(table.role, table.peer, table.mode).where(table.state == "open").distinct()
        with self._database.read("look for open sessions") as connection:
            return [(row.role, row.peer, row.mode) for row in connection.execute(query)]

    def fail_open(self, role: Role, peer: str, mode: str) -> int:
        """Marks sessions of a mode with a peer that a dead process left open as failed.

        Returns:
            How many there were.
        """
        with self._database.transaction("close left-over sessions") as connection:
            rows = connection.execute(
                select(exchange_session).where(
                    exchange_session.c.role == role,
                    exchange_session.c.peer == peer,
                    exchange_session.c.mode == mode,
                    exchange_session.c.state == "open",
                )
            ).all()
            for row in rows:
                note = "the node stopped during it"
                entry = Entry("failed", row.peer, row.session_id, row.mode, row.purpose, note=note)
                self.end_in(
                    connection, role, entry, done=False, sentence="The node stopped during the session."
                )
        return len(rows)

    def lookups(self) -> list[Looked]:
        """The lookups that were answered, by member and purpose, ascending."""
        table = exchange_session.c
        whole = and_(table.state == "done", table.sentence.not_like(f"%{UNSIGNED}%"))
        columns = func.min(table.started_at_s), func.max(case((whole, table.started_at_s)))
        query = (
            select(table.peer, table.purpose, *columns)
            .where(table.role == "sender", table.mode == "lookup")
            .group_by(table.peer, table.purpose)
            .order_by(table.peer, table.purpose)
        )
        with self._database.read("look who looked up signals") as connection:
            return [Looked(*row) for row in connection.execute(query)]

    def newest(self, limit: int) -> list[SessionRow]:
        """The newest sessions, newest first."""
        query = select(exchange_session).order_by(exchange_session.c.started_at_s.desc()).limit(limit)
        with self._database.read("list sessions") as connection:
            rows = connection.execute(query).all()
        return [SessionRow(**row._mapping) for row in rows]
