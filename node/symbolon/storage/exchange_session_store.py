"""Sessions held: how each ended, in one sentence for the operator."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import Connection, select, update

from symbolon.audit.document import Document
from symbolon.audit.entry import Entry
from symbolon.policy.operator_roles import LOCAL
from symbolon.storage.audit_log import AuditLog
from symbolon.storage.database import Database
from symbolon.storage.exchange_schema import exchange_session
from symbolon.storage.seal import Sealer

Role = Literal["sender", "receiver"]


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

    def open_roles(self) -> list[tuple[Role, str]]:
        """Roles and peers of the sessions that are open, or were left so."""
        table = exchange_session.c
        query = select(table.role, table.peer).where(table.state == "open").distinct()
        with self._database.read("look for open sessions") as connection:
            return [(row.role, row.peer) for row in connection.execute(query)]

    def fail_open(self, role: Role, peer: str) -> int:
        """Marks sessions with a peer that a dead process left open as failed.

        Returns:
            How many there were.
        """
        with self._database.transaction("close left-over sessions") as connection:
            rows = connection.execute(
                select(exchange_session).where(
                    exchange_session.c.role == role,
                    exchange_session.c.peer == peer,
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

    def newest(self, limit: int) -> list[SessionRow]:
        """The newest sessions, newest first."""
        query = select(exchange_session).order_by(exchange_session.c.started_at_s.desc()).limit(limit)
        with self._database.read("list sessions") as connection:
            rows = connection.execute(query).all()
        return [SessionRow(**row._mapping) for row in rows]
