"""An audit entry carries the pseudonym of whom it is due to; a log that takes none is known at once."""

import pytest
from sqlalchemy import event, text

from symbolon.audit.entry import Entry
from symbolon.errors import StorageError
from symbolon.storage.audit_log import AuditLog
from symbolon.storage.database import Database
from symbolon.storage.exchange_session_store import SessionStore
from symbolon.storage.seal import Sealer

SEALER = Sealer(bytes(range(32)))
ENTRY = Entry("denied", "farm", "", "size", "due-diligence", {})


def test_audit_entry_of_a_node_without_operators_is_due_to_local(stores) -> None:
    stores.audit.append(ENTRY)
    assert [each.values["operator"] for each in stores.audit.newest(1)] == ["local"]


def test_audit_entry_carries_whom_the_log_was_opened_for_whatever_it_says_itself(stores) -> None:
    clock = lambda: stores.now_s  # noqa: E731
    AuditLog(stores.database, SEALER, clock, "op-0011aabb").append(ENTRY)
    SessionStore(stores.database, SEALER, clock, "op-22ccddee").end("sender", ENTRY, done=True, sentence="")
    assert [each.values["operator"] for each in stores.audit.newest(2)] == ["op-0011aabb", "op-22ccddee"]


def test_audit_log_that_can_be_written_is_left_as_it_was(stores) -> None:
    stores.audit.append(ENTRY)
    stores.audit.require_writable()
    assert len(stores.entries(9)) == 1


def test_audit_log_that_cannot_be_written_is_refused_before_there_is_an_entry(stores) -> None:
    forbid_writing(stores.database)
    with pytest.raises(StorageError) as caught:
        stores.audit.require_writable()
    assert caught.value.full_code == "storage.readonly"
    assert caught.value.hint


def forbid_writing(database: Database) -> None:
    """Has the database itself refuse every entry from now on."""
    engine = database._engine
    if engine.dialect.name == "postgresql":
        with database.transaction("revoke") as connection:
            connection.execute(text("REVOKE INSERT ON audit_entry FROM CURRENT_USER"))
        return
    event.listen(engine, "connect", lambda connection, _: connection.execute("PRAGMA query_only = 1"))
    engine.dispose()
