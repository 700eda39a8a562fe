"""What counts as told at once, and what does not: who watches must not learn of anything that waits."""

from datetime import timedelta
from typing import Any

import pytest

from signal_makers import TODAY
from stored_signals import Clock, new_signal, signal_store, signed
from symbolon.errors import StorageError
from symbolon.signals import revisions
from symbolon.signals.vocabulary import DisputeState, Indicator, RecallReason
from symbolon.storage.database import Database
from symbolon.storage.signal_store import SignalStore

URGENT = {"urgent": True, "indicators": frozenset({Indicator.CHILD_LABOUR})}
LATER = TODAY + timedelta(days=30)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(database: Database, clock: Clock) -> SignalStore:
    return signal_store(database, clock)


def add(store: SignalStore, number: int = 0, **changes: Any) -> Any:
    (new,) = [new_signal(number, **changes)]
    store.add_many([new])
    return new.signal


@pytest.mark.parametrize(
    ("changes", "news"),
    [({}, 0), (URGENT, 1), ({**URGENT, "embargo": LATER}, 0), ({**URGENT, "embargo": TODAY}, 1)],
    ids=["usual", "urgent", "urgent under embargo", "urgent whose embargo is over"],
)
def test_news_of_an_added_signal_is_counted_where_it_goes_out_at_once(
    store: SignalStore, changes: dict[str, Any], news: int
) -> None:
    add(store, **changes)
    assert store.news() == news


def test_news_of_an_import_counts_once(store: SignalStore) -> None:
    store.add_many([new_signal(each, **(URGENT if each % 2 else {})) for each in range(6)])
    assert store.news() == 1


def test_news_of_revisions_counts_urgent_ones_and_every_recall(store: SignalStore) -> None:
    usual, urgent = add(store), add(store, 1, **URGENT)
    assert store.news() == 1
    for signal, more in ((usual, 0), (urgent, 1)):
        before = store.news()
        revised = revisions.revise(signal, TODAY, confidence=1)
        store.add_revision(revised, signed(revised), "revised")
        disputed = revisions.dispute(revised, TODAY, "")
        store.add_revision(disputed, signed(disputed), "disputed")
        settled = revisions.settle(disputed, TODAY, DisputeState.REMEDIED)
        store.add_revision(settled, signed(settled), "settled")
        assert store.news() == before + 3 * more
        tombstone = revisions.recall(settled, TODAY, RecallReason.REMEDIED)
        store.recall(tombstone, signed(tombstone))
        assert store.news() == before + 3 * more + 1


def test_news_of_what_nobody_was_given_yet_is_not_counted(store: SignalStore) -> None:
    hidden = add(store, **URGENT, embargo=LATER)
    tombstone = revisions.recall(hidden, TODAY, RecallReason.ERROR)
    store.recall(tombstone, signed(tombstone))
    assert store.news() == 0


def test_news_of_an_embargo_that_ends_is_counted_on_its_day_alone(store: SignalStore) -> None:
    add(store, **URGENT, embargo=LATER)
    add(store, 1, embargo=LATER + timedelta(days=1))
    for day, told in ((TODAY, False), (LATER, True), (LATER + timedelta(days=1), False)):
        before = store.news()
        assert store.tell_embargo_ended(day) is told
        assert store.news() == before + told


def test_news_of_a_refused_revision_is_not_counted(store: SignalStore) -> None:
    urgent = add(store, **URGENT)
    before = store.news()
    stale = revisions.revise(urgent, TODAY, confidence=1)
    store.add_revision(stale, signed(stale), "revised")
    with pytest.raises(Exception, match="revision"):
        store.add_revision(stale, signed(stale), "revised")
    assert store.news() == before + 1


def test_news_of_a_database_without_its_counter_is_an_error(store: SignalStore, database: Database) -> None:
    with database.transaction("break") as connection:
        connection.exec_driver_sql("DELETE FROM signal_counter")
    with pytest.raises(StorageError):
        store.news()
