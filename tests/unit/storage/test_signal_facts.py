"""Facts stay in step with the newest revisions, in as many segments as it takes."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from sqlalchemy import func, select, update

from signal_makers import TODAY
from stored_signals import SEALER, Clock, new_signal, signal_store, signed, some_signal
from symbolon.errors import SealError, StorageError
from symbolon.signals.facts import ROW, Audience, facts_row, facts_table
from symbolon.signals.revisions import revise
from symbolon.signals.vocabulary import ShownAs, Tlp
from symbolon.storage import signal_facts
from symbolon.storage.database import Database
from symbolon.storage.signal_schema import signal_audience
from symbolon.storage.signal_schema import signal_facts as table
from symbolon.storage.signal_store import SignalStore


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(autouse=True)
def _small_segments(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signal_facts, "SEGMENT_SIGNALS", 4)


@pytest.fixture
def store(database: Database, clock: Clock) -> SignalStore:
    return signal_store(database, clock)


def test_facts_are_those_of_each_signal_ascending(store: SignalStore) -> None:
    store.add_many([new_signal(n, confidence=n) for n in range(3)])
    store.add_many([new_signal(n, tlp=Tlp.RED, recipients=("acme",)) for n in range(3, 11)])
    found = store.facts(TODAY)
    assert len(found) == 11
    assert found.numbers.tolist() == list(range(1, 12))
    assert found.numbers.dtype == np.uint64
    (open_id,) = {int(each) for each in found.rows["audience"][:3]}
    (closed_id,) = {int(each) for each in found.rows["audience"][3:]}
    assert found.audiences == {
        open_id: Audience(("due-diligence",), ()),
        closed_id: Audience(("due-diligence",), ("acme",)),
    }
    expected = [
        facts_row(some_signal(n), first_issued=TODAY, audience=open_id)
        if n < 3
        else facts_row(
            some_signal(n, tlp=Tlp.RED, recipients=("acme",)), first_issued=TODAY, audience=closed_id
        )
        for n in range(11)
    ]
    assert found.rows.tobytes() == b"".join(expected)


def test_facts_of_no_signals_are_an_empty_table(store: SignalStore) -> None:
    found = store.facts(TODAY)
    assert (len(found), found.rows.dtype, found.audiences) == (0, ROW, {})


def test_facts_remember_the_first_day_and_how_it_is_shown(store: SignalStore, clock: Clock) -> None:
    store.add_many([replace(new_signal(0), shown_as=ShownAs.NGO), new_signal(1)])
    second = revise(some_signal(0), clock.pass_days(40), confidence=1)
    store.add_revision(second, signed(second), "revised")
    expected = facts_row(second, first_issued=TODAY, audience=1, shown_as=ShownAs.NGO.number)
    found = store.facts(clock.today)
    assert found.rows[:1].tobytes() == expected
    assert found.numbers.tolist() == [1, 2]


def test_facts_leave_out_what_is_over_before_it_is_erased(store: SignalStore) -> None:
    store.add_many([new_signal(n, expires=TODAY + timedelta(days=1 + n), review=TODAY) for n in range(6)])
    assert store.facts(TODAY + timedelta(days=4)).numbers.tolist() == [5, 6]


def test_audience_is_one_for_all_that_share_it_and_erased_when_nobody_does(
    store: SignalStore, database: Database
) -> None:
    def audiences() -> int:
        with database.read("count") as connection:
            return connection.execute(select(func.count()).select_from(signal_audience)).scalar_one()

    soon = {"expires": TODAY + timedelta(days=2), "review": TODAY}
    store.add_many([new_signal(n, purposes=("a",), **soon) for n in range(9)])
    store.add_many([new_signal(n, purposes=("b",)) for n in range(9, 12)])
    assert audiences() == 2
    store.expire(TODAY + timedelta(days=2))
    assert audiences() == 1
    store.add_many([new_signal(12, purposes=("a",))])
    assert sorted(store.facts(TODAY).audiences) == [2, 3]


def test_facts_moved_to_another_segment_do_not_open(store: SignalStore, database: Database) -> None:
    store.add_many([new_signal(n) for n in range(8)])
    with database.transaction("tamper") as connection:
        payload = connection.execute(select(table.c.payload).where(table.c.segment == 1)).scalar_one()
        connection.execute(update(table).where(table.c.segment == 0).values(payload=payload))
    with pytest.raises(SealError):
        store.facts(TODAY)


@pytest.mark.parametrize("payload", [b"", b"\0" * 8, b"\0" * 60])
def test_facts_that_do_not_add_up_are_refused(store: SignalStore, database: Database, payload: bytes) -> None:
    store.add_many([new_signal(0)])
    sealed = SEALER.seal("signal_facts", "payload", 0, payload)
    with database.transaction("tamper") as connection:
        connection.execute(update(table).values(payload=sealed))
    with pytest.raises(StorageError) as caught:
        store.facts(TODAY)
    assert caught.value.full_code == "storage.signal.facts"


def test_facts_of_other_columns_are_refused_even_where_they_would_fit(
    store: SignalStore, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.add_many([new_signal(0)])
    monkeypatch.setattr(signal_facts, "_MARK", b"anothers")
    with pytest.raises(StorageError):
        store.facts(TODAY)


def test_put_facts_replaces_and_adds_in_order(store: SignalStore, database: Database) -> None:
    store.add_many([new_signal(n) for n in range(2)])
    rows = facts_table(b"".join(facts_row(some_signal(7), first_issued=TODAY, audience=n) for n in (7, 9)))
    numbers = np.array([2, 9], np.uint64)
    with database.transaction("put") as connection:
        signal_facts.put_facts(connection, SEALER, numbers, rows)
        held, found = signal_facts.read_facts(connection, SEALER)
        assert held.tolist() == [1, 2, 9]
        assert found["audience"].tolist() == [1, 7, 9]
        signal_facts.drop_facts(connection, SEALER, numbers)
        assert signal_facts.read_facts(connection, SEALER)[0].tolist() == [1]
        with pytest.raises(StorageError):
            signal_facts.facts_of(connection, SEALER, 2)
