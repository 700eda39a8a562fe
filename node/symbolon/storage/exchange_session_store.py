"""Sessions held: how each ended, in one sentence for the operator."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final, Literal

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


class SessionStore:
    """Ends and lists sessions; arguments as for `AuditLog`."""

    def __init__(
        self, database: Database, sealer: Sealer, clock: Callable[[], float], operator: str = LOCAL
    ) -> None:
        self._database = database
        self._clock = clock
        self._audit = AuditLog(database, sealer, clock, operator)

    def end(
        self, role: Role, entry: Entry, *, done: bool, sentence: str, documents: Iterable[Document] = ()
    ) -> None:
        """Marks a session's end and writes its last audit entry."""
        with self._database.transaction("end a session") as connection:
            self.end_in(connection, role, entry, done=done, sentence=sentence, documents=documents)

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

    def last_lookups(self) -> list[tuple[str, str, int | None]]:
        """Peers and purposes of lookups that were answered, and when the last whole one of each began.

        Whole is one that the peer acknowledged by signing what it came to; None where none is. Times in
        seconds since 1970-01-01 UTC.
        """
        table = exchange_session.c
        whole = and_(table.state == "done", table.sentence.not_like(f"%{UNSIGNED}%"))
        query = (
            select(table.peer, table.purpose, func.max(case((whole, table.started_at_s))))
            .where(table.role == "sender", table.mode == "lookup")
            .group_by(table.peer, table.purpose)
            .order_by(table.peer, table.purpose)
        )
        with self._database.read("look who looked up signals") as connection:
            return [(row[0], row[1], row[2]) for row in connection.execute(query)]

    def newest(self, limit: int) -> list[SessionRow]:
        """The newest sessions, newest first."""
        query = select(exchange_session).order_by(exchange_session.c.started_at_s.desc()).limit(limit)
        with self._database.read("list sessions") as connection:
            rows = connection.execute(query).all()
        return [SessionRow(**row._mapping) for row in rows]
