"""Every journal line carries the pseudonym of the operator it is due to."""

from symbolon.audit.journal import JournalLine
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
