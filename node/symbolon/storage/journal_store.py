"""The journal in the node's database: `audit.journal.Journal` over one table."""

import json
from collections.abc import Callable

from sqlalchemy import Connection, false, func, insert, select

from symbolon.audit.journal import Event, Journal, JournalLine
from symbolon.exchange.messages import Hello
from symbolon.policy.operator_roles import LOCAL
from symbolon.storage.database import Database
from symbolon.storage.exchange_schema import journal_line


def session_line(event: Event, peer: str, hello: Hello, counts: dict[str, int], note: str) -> JournalLine:
    """A line about the session that a hello opens; the arguments as in `JournalLine`."""
    return JournalLine(event, peer, hello.session_id.hex(), hello.mode, hello.purpose, counts, note)


class JournalStore(Journal):
    """Writes and reads lines.

    Args:
        database: the node's.
        clock: seconds since 1970-01-01 UTC.
        operator: pseudonym that every line written here carries.
    """

    def __init__(self, database: Database, clock: Callable[[], float], operator: str = LOCAL) -> None:
        self._database = database
        self._clock = clock
        self._operator = operator

    def write(self, line: JournalLine) -> None:
        """See `Journal.write`."""
        with self._database.transaction("write the journal") as connection:
            self.write_in(connection, line)

    def write_in(self, connection: Connection, line: JournalLine) -> None:
        """Writes a line as part of the transaction that holds the state it speaks of."""
        connection.execute(
            insert(journal_line).values(
                at_s=int(self._clock()),
                event=line.event,
                peer=line.peer,
                session_id=line.session_id,
                mode=line.mode,
                purpose=line.purpose,
                counts=json.dumps(line.counts, sort_keys=True),
                note=line.note,
                operator=self._operator,
            )
        )

    def require_writable(self) -> None:
        """Does all that writing a line takes, and writes none.

        Raises:
            StorageError: no line could be written now, so that nothing may leave.
        """
        nothing = select(*journal_line.c).where(false())
        with self._database.transaction("test writing") as connection:
            # An empty transaction begins where nothing may be written, too.
            connection.execute(insert(journal_line).from_select(list(journal_line.c), nothing))

    def last_written_at_s(self) -> int | None:
        """The latest time that a line bears, seconds since 1970-01-01 UTC, or None without a line."""
        with self._database.read("find the newest journal line") as connection:
            return connection.execute(select(func.max(journal_line.c.at_s))).scalar()

    def newest(self, limit: int) -> list[tuple[int, JournalLine]]:
        """The newest lines, oldest of them first, with their time in seconds since 1970-01-01 UTC."""
        query = select(journal_line).order_by(journal_line.c.id.desc()).limit(limit)
        with self._database.read("read the journal") as connection:
            rows = connection.execute(query).all()
        return [
            (
                row.at_s,
                JournalLine(
                    row.event,
                    row.peer,
                    row.session_id,
                    row.mode,
                    row.purpose,
                    json.loads(row.counts),
                    row.note,
                    row.operator,
                ),
            )
            for row in reversed(rows)
        ]
