"""A journal line carries the pseudonym of whom it is due to; a journal that takes none is known at once."""

import pytest
from sqlalchemy import event, text

from symbolon.audit.journal import JournalLine
from symbolon.errors import StorageError
from symbolon.storage.database import Database
from symbolon.storage.exchange_session_store import SessionStore
from symbolon.storage.journal_store import JournalStore

LINE = JournalLine("denied", "farm", "", "size", "due-diligence", {})


def test_journal_line_of_a_node_without_operators_is_due_to_local(stores) -> None:
    stores.journal.write(LINE)
    assert [line.operator for _, line in stores.journal.newest(1)] == ["local"]


def test_journal_line_carries_whom_the_journal_was_opened_for_whatever_it_says_itself(stores) -> None:
    clock = lambda: stores.now_s  # noqa: E731
    JournalStore(stores.database, clock, "op-0011aabb").write(LINE)
    SessionStore(stores.database, clock, "op-22ccddee").end("sender", LINE, done=True, sentence="")
    assert [line.operator for _, line in stores.journal.newest(2)] == ["op-0011aabb", "op-22ccddee"]


def test_journal_that_can_be_written_is_left_as_it_was(stores) -> None:
    stores.journal.write(LINE)
    stores.journal.require_writable()
    assert len(stores.journal.newest(9)) == 1


def test_journal_that_cannot_be_written_is_refused_before_there_is_a_line(stores) -> None:
    forbid_writing(stores.database)
    with pytest.raises(StorageError) as caught:
        stores.journal.require_writable()
    assert caught.value.full_code == "storage.readonly"
    assert caught.value.hint


def forbid_writing(database: Database) -> None:
    """Has the database itself refuse every line from now on."""
    engine = database._engine
    if engine.dialect.name == "postgresql":
        with database.transaction("revoke") as connection:
            connection.execute(text("REVOKE INSERT ON journal_line FROM CURRENT_USER"))
        return
    event.listen(engine, "connect", lambda connection, _: connection.execute("PRAGMA query_only = 1"))
    engine.dispose()
