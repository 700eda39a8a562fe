"""Match keys of signals: the right signals under each, in few segments, by one set of rules."""

from collections.abc import Sequence
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from signal_makers import TODAY, make_subject
from stored_signals import LEIS, SEALER, Clock, key_pairs, new_signal, quick_keys, signal_store, some_signal
from symbolon.errors import StorageError
from symbolon.exchange.rules_agreement import fingerprint
from symbolon.storage import signal_keys
from symbolon.storage.database import Database
from symbolon.storage.database_errors import StorageBusyError
from symbolon.storage.signal_schema import signal_key_segment
from symbolon.storage.signal_store import SignalStore
from symbolon.storage.supplier_keys import KeyBatch, KeyJob
from symbolon.storage.supplier_store import SupplierStore
from symbolon.suppliers.key_schemes import key_rules
from symbolon.suppliers.match_keys import match_keys
from symbolon.suppliers.tier import Tier


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(database: Database, clock: Clock) -> SignalStore:
    return signal_store(database, clock)


def spans(database: Database) -> list[tuple[int, int, int]]:
    """First and last signal of each span, and how many it counts; every one has a segment a tier."""
    columns = signal_key_segment.c
    query = (
        select(columns.first_number, columns.last_number, columns.signal_count, func.count())
        .group_by(columns.first_number, columns.last_number, columns.signal_count)
        .order_by(columns.first_number)
    )
    with database.read("look") as connection:
        rows = connection.execute(query).all()
    assert all(row[3] == len(Tier) for row in rows)
    return [tuple(row[:3]) for row in rows]


def named(numbers: Sequence[int]) -> set[tuple[bytes, int]]:
    """Keys of tier B of the signals with these numbers, as the tests add them."""
    return {(b"Quimbara %d Works" % (each - 1), each) for each in numbers}


def test_keys_are_those_of_match_keys_with_the_points_of_a_supplier_list(
    database: Database, clock: Clock
) -> None:
    store = SignalStore(database, SEALER, clock)
    records = [make_subject().record, make_subject(name="Second Mill", os_id="", lei=LEIS[0]).record]
    store.add_many(
        [
            new_signal(n, subject=make_subject(name=each.name, os_id=each.os_id, lei=each.lei))
            for n, each in enumerate(records)
        ],
        workers=0,
    )
    found = store.keys(Tier)
    empty = SupplierStore(database, SEALER).load_list(Tier)
    assert type(found) is type(empty)
    assert (found.rules, found.rules_since_s) == (empty.rules, 0) == (fingerprint(key_rules()), 0)
    for tier in Tier:
        expected = {
            (key.encoded, number)
            for number, record in enumerate(records, 1)
            for key in match_keys(record)
            if key.tier == tier
        }
        assert expected
        assert key_pairs(store, tier) == expected


def test_about_finds_the_signals_that_share_a_key_the_newest_first(database: Database, clock: Clock) -> None:
    store = SignalStore(database, SEALER, clock)
    mill, weir = make_subject(), make_subject(name="Weir Dyers", address="9 Quay", city="Dhaka", os_id="")
    short = {"expires": TODAY + timedelta(days=10), "review": TODAY + timedelta(days=5)}
    some = [(1, {"subject": mill}), (2, {"subject": weir}), (3, {"subject": mill}), (4, {"subject": mill})]
    store.add_many([new_signal(number, **about) for number, about in some], workers=0)
    over = store.add_many([new_signal(5, subject=mill, **short)], workers=0)
    keys = [each for each in match_keys(mill.record) if each.tier is not Tier.C]
    assert [each.number for each in store.about(keys)] == [*over, 4, 3, 1]
    clock.pass_days(10)
    assert [each.number for each in store.about(keys)] == [4, 3, 1]
    assert store.about([]) == []


def test_keys_leave_out_what_is_over(store: SignalStore, clock: Clock) -> None:
    store.add_many([new_signal(n, expires=TODAY + timedelta(days=1 + n), review=TODAY) for n in range(3)])
    assert key_pairs(store, Tier.B) == named([1, 2, 3])
    clock.pass_days(2)
    assert key_pairs(store, Tier.B) == named([3])
    assert store.keys([]).tables == {}


def test_keys_of_signals_added_one_by_one_stand_in_few_segments(
    store: SignalStore, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(signal_keys, "SPAN_SIGNALS", 8)
    for number in range(15):
        store.add_many([new_signal(number)])
    assert spans(database) == [(1, 8, 8), (9, 12, 4), (13, 14, 2), (15, 15, 1)]
    store.add_many([new_signal(number) for number in range(15, 35)])
    assert spans(database)[4:] == [(16, 23, 8), (24, 31, 8), (32, 35, 4)]
    assert key_pairs(store, Tier.B) == named(range(1, 36))
    with database.read("count links") as connection:
        columns = signal_key_segment.c
        query = select(columns.tier, func.sum(columns.link_count)).group_by(columns.tier)
        assert dict(map(tuple, connection.execute(query))) == {"A": 24, "B": 35, "C": 0}


def test_keys_of_many_signals_are_made_by_workers_and_numbered_in_order(
    database: Database, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(signal_keys, "SPAN_SIGNALS", 5)
    store = SignalStore(database, SEALER, clock)
    store.add_many([new_signal(0)], workers=0)
    store.add_many([new_signal(n, subject=some_signal(n).subject) for n in range(1, 30)], workers=2)
    expected = {
        (key.encoded, n + 1)
        for n in range(30)
        for key in match_keys(some_signal(n).subject.record)
        if key.tier is Tier.B
    }
    assert len(expected) >= 30
    assert key_pairs(store, Tier.B) == expected


def _worker_dies(jobs: Sequence[KeyJob]) -> KeyBatch:
    raise StorageError("no keys today")


def test_add_many_whose_keys_fail_adds_none(database: Database, clock: Clock) -> None:
    store = SignalStore(database, SEALER, clock, key_maker=_worker_dies)
    with pytest.raises(StorageError):
        store.add_many([new_signal(0)])
    assert store.count() == 0


def test_sweep_erases_keys_once_most_of_a_span_is_gone(
    store: SignalStore, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def expiring(numbers: range, days: int) -> None:
        ends = {"expires": TODAY + timedelta(days=days), "review": TODAY}
        store.add_many([new_signal(n, **ends) for n in numbers])

    monkeypatch.setattr(signal_keys, "SPAN_SIGNALS", 2)
    expiring(range(2), 1)
    expiring(range(2, 3), 2)
    expiring(range(3, 4), 9)
    expiring(range(4, 8), 2)
    assert spans(database) == [(1, 2, 2), (3, 4, 2), (5, 6, 2), (7, 8, 2)]
    store.expire(TODAY + timedelta(days=1))
    assert spans(database) == [(3, 4, 2), (5, 6, 2), (7, 8, 2)]
    # Half of a span is not most of it.
    store.expire(TODAY + timedelta(days=2))
    assert spans(database) == [(3, 4, 2)]
    assert key_pairs(store, Tier.B) == named([4])
    store.expire(TODAY + timedelta(days=9))
    assert spans(database) == []


def test_sweep_rewrites_a_span_without_the_keys_of_gone_signals(
    store: SignalStore, database: Database
) -> None:
    ends = {"expires": TODAY + timedelta(days=1), "review": TODAY}
    store.add_many([new_signal(n, **(ends if n != 2 else {})) for n in range(5)])
    store.expire(TODAY + timedelta(days=1))
    assert spans(database) == [(1, 5, 1)]
    assert key_pairs(store, Tier.B) == named([3])
    with database.read("count links") as connection:
        counts = select(func.sum(signal_key_segment.c.link_count))
        assert connection.execute(counts).scalar_one() == 1


# ----------------------------------------------------------------------------------------- other rules


def _shouting(jobs: Sequence[KeyJob]) -> KeyBatch:
    """Other rules: they make other keys."""
    return quick_keys([job._replace(record=job.record.replace(b"Quimbara", b"QUIMBARA")) for job in jobs])


def test_rekey_makes_keys_anew_where_the_rules_are_others(
    store: SignalStore, database: Database, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(signal_keys, "SPAN_SIGNALS", 4)
    soon = {"expires": TODAY + timedelta(days=1), "review": TODAY}
    store.add_many([new_signal(n, **(soon if n == 1 else {})) for n in range(5)])
    assert not store.is_outdated()
    assert store.rekey() == 0
    store.expire(clock.pass_days(1))
    monkeypatch.setattr(signal_keys, "key_rules", lambda: "others.2")
    assert store.is_outdated()
    assert store.keys([Tier.B]).rules == fingerprint(key_rules())
    newer = SignalStore(database, SEALER, clock, key_maker=_shouting)
    newer.add_many([new_signal(5)])
    # Keys of both rules: nobody can tell what they would miss.
    assert newer.keys([Tier.B]).rules == b""
    told: list[tuple[int, int]] = []
    assert newer.rekey(workers=0, progress=lambda done, total: told.append((done, total))) == 4
    assert told[-1][0] == 4
    found = newer.keys([Tier.B])
    assert (found.rules, found.rules_since_s) == (fingerprint("others.2"), int(clock()))
    assert not newer.is_outdated()
    live = [1, 3, 4, 5, 6]
    assert key_pairs(newer, Tier.B) == {
        (name.replace(b"Quimbara", b"QUIMBARA"), number) for name, number in named(live)
    }
    assert newer.rekey() == 0


def test_rekey_gives_keys_to_signals_that_the_old_rules_gave_none(
    database: Database, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    silent = SignalStore(database, SEALER, clock, key_maker=lambda _: KeyBatch({}, 0.0, 0.0))
    silent.add_many([new_signal(0)])
    assert key_pairs(silent, Tier.B) == set()
    monkeypatch.setattr(signal_keys, "key_rules", lambda: "others.2")
    store = signal_store(database, clock)
    assert store.rekey() == 1
    assert key_pairs(store, Tier.B) == named([1])


def test_rekey_while_another_is_at_it_is_refused(store: SignalStore, database: Database) -> None:
    with database.exclusive(signal_keys.REKEY_LOCK), pytest.raises(StorageBusyError):
        store.rekey()


def test_rekey_goes_on_where_spans_change_meanwhile(
    store: SignalStore, database: Database, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    ends = {"expires": TODAY + timedelta(days=1), "review": TODAY}
    store.add_many([new_signal(n, **(ends if n else {})) for n in range(3)])
    monkeypatch.setattr(signal_keys, "key_rules", lambda: "others.2")

    def expiring_meanwhile(jobs: Sequence[KeyJob]) -> KeyBatch:
        store.expire(clock.pass_days(1))
        return quick_keys(jobs)

    other = SignalStore(database, SEALER, clock, key_maker=expiring_meanwhile)
    assert other.rekey(workers=0) == 1
    assert key_pairs(store, Tier.B) == named([1])
    assert not store.is_outdated()
