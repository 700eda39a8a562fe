"""What people do before a signal leaves: approvals for a member, notices to the supplier."""

from datetime import timedelta

import pytest

from signal_makers import TODAY
from stored_signals import SEALER, Clock, new_signal, signal_store, signed
from symbolon.errors import SignalError
from symbolon.policy.obligations import Notified
from symbolon.signals import revisions
from symbolon.signals.vocabulary import Indicator, RecallReason
from symbolon.storage.audit_log import AuditLog
from symbolon.storage.database import Database
from symbolon.storage.signal_clearance_store import SignalClearanceStore

URGENT = {"urgent": True, "indicators": frozenset({Indicator.CHILD_LABOUR})}


@pytest.fixture
def clearances(database: Database) -> SignalClearanceStore:
    """Of a node with three signals, the last of them urgent."""
    clock = Clock()
    new = [new_signal(0), new_signal(1), new_signal(2, **URGENT)]
    signal_store(database, clock).add_many(new)
    return SignalClearanceStore(database, SEALER, clock, "op-1")


def notes(database: Database) -> list[tuple[str, str, str]]:
    """Peer, note and operator of the entries after the first three."""
    log = AuditLog(database, SEALER, Clock())
    return [
        (each.values["peer"], each.values["note"], each.values["operator"])
        for each in list(log.entries())[3:]
    ]


def test_approve_holds_for_one_signal_and_one_member(
    clearances: SignalClearanceStore, database: Database
) -> None:
    assert clearances.approve(2, "alder")
    assert not clearances.approve(2, "alder")
    assert clearances.approve(1, "alder")
    assert clearances.clearance("alder").reviewed.tolist() == [1, 2]
    assert clearances.clearance("birch").reviewed.tolist() == []
    assert clearances.approved_for(2) == ("alder",)
    assert notes(database) == [("alder", "approved", "op-1")] * 2


def test_withdraw_ends_an_approval(clearances: SignalClearanceStore, database: Database) -> None:
    clearances.approve(1, "alder")
    clearances.approve(1, "birch")
    assert clearances.withdraw(1, "alder")
    assert not clearances.withdraw(1, "alder")
    assert clearances.approved_for(1) == ("birch",)
    assert notes(database)[-1][1] == "approval withdrawn"


def test_approval_holds_for_later_revisions(clearances: SignalClearanceStore, database: Database) -> None:
    store = signal_store(database, Clock())
    clearances.approve(1, "alder")
    newer = revisions.dispute(store.list(2, 1)[0].signal, TODAY, "Not us.")
    store.add_revision(newer, signed(newer), "disputed")
    assert clearances.clearance("alder").reviewed.tolist() == [1]


def test_notice_has_the_day_noted_last(clearances: SignalClearanceStore, database: Database) -> None:
    clearances.note_notice(1, Notified.SUPPLIER, TODAY - timedelta(days=9))
    clearances.note_notice(1, Notified.SUPPLIER, TODAY)
    clearances.note_notice(1, Notified.SITE, TODAY)
    assert clearances.notices(1) == {Notified.SITE: TODAY, Notified.SUPPLIER: TODAY}
    assert clearances.clearance("anybody").notices == {1: clearances.notices(1)}
    assert clearances.withdraw_notice(1, Notified.SITE)
    assert not clearances.withdraw_notice(1, Notified.SITE)
    assert clearances.notices(1) == {Notified.SUPPLIER: TODAY}
    assert [note for _, note, _ in notes(database)] == [
        f"supplier told on {TODAY - timedelta(days=9)}",
        f"supplier told on {TODAY}",
        f"site told on {TODAY}",
        "site not told",
    ]


@pytest.mark.parametrize("days", [1, 400, -3000])
def test_notice_of_a_day_to_come_or_long_ago_is_refused(clearances: SignalClearanceStore, days: int) -> None:
    with pytest.raises(SignalError):
        clearances.note_notice(1, Notified.SUPPLIER, TODAY + timedelta(days=days))
    assert clearances.notices(1) == {}


def test_clearance_of_what_does_not_stand_is_refused(
    clearances: SignalClearanceStore, database: Database
) -> None:
    store = signal_store(database, Clock())
    tombstone = revisions.recall(store.list(2, 1)[0].signal, TODAY, RecallReason.ERROR)
    store.recall(tombstone, signed(tombstone))
    for number in (1, 99):
        for act in (
            lambda number=number: clearances.approve(number, "alder"),
            lambda number=number: clearances.withdraw(number, "alder"),
            lambda number=number: clearances.note_notice(number, Notified.SITE, TODAY),
            lambda number=number: clearances.withdraw_notice(number, Notified.SITE),
        ):
            with pytest.raises(SignalError):
                act()


def test_clearance_of_an_urgent_signal_is_news(clearances: SignalClearanceStore, database: Database) -> None:
    store = signal_store(database, Clock())
    before = store.news()
    clearances.approve(1, "alder")
    clearances.note_notice(1, Notified.SITE, TODAY)
    assert store.news() == before
    clearances.approve(3, "alder")
    clearances.note_notice(3, Notified.SITE, TODAY)
    assert store.news() == before + 2
