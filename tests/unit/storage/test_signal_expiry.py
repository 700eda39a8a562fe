"""Expired signals go by themselves and leave nothing but a number, unless the law wants them kept."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Table, func, select

from signal_makers import TODAY
from stored_signals import SEALER, Clock, key_pairs, new_signal, signal_store, signed, some_signal
from symbolon.errors import SignalError
from symbolon.signals.revisions import recall, revise
from symbolon.signals.signal import LAST_DAY
from symbolon.signals.vocabulary import RecallReason
from symbolon.storage import signal_expiry, signal_schema
from symbolon.storage.audit_log import AuditLog
from symbolon.storage.database import Database
from symbolon.storage.signal_schema import (
    signal,
    signal_audience,
    signal_facts,
    signal_form,
    signal_hold,
    signal_key_segment,
    signal_revision,
    signal_source,
)
from symbolon.storage.signal_store import SignalStore
from symbolon.suppliers.tier import Tier

DAY = timedelta(days=1)
OF_CONTENT = (
    signal_source,
    signal_audience,
    signal_facts,
    signal_key_segment,
    signal_form,
    signal_hold,
)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(database: Database, clock: Clock) -> SignalStore:
    return signal_store(database, clock)


def add(store: SignalStore, *numbers: int, days: int = 10, **changes: Any) -> None:
    ends = {"expires": TODAY + days * DAY, "review": TODAY}
    store.add_many([new_signal(n, source=f"source {n}", **ends, **changes) for n in numbers])


def rows(database: Database, table: Any) -> int:
    with database.read("count") as connection:
        return connection.execute(select(func.count()).select_from(table)).scalar_one()


def expired_entries(database: Database) -> list[tuple[str, int]]:
    found = [each.entry for each in AuditLog(database, SEALER, lambda: 0.0).entries()]
    return [(each.session, each.counts["revision"]) for each in found if each.note == "expired"]


def test_expire_erases_all_but_the_row(store: SignalStore, database: Database, clock: Clock) -> None:
    add(store, 0, 1)
    second = revise(store.list()[1].signal, TODAY, confidence=1)
    store.add_revision(second, signed(second), "revised")
    store.save_forms(b"f" * 16, [(1, 2, b"label"), (2, 1, b"label")])
    assert store.expire(clock.pass_days(9)) == 0
    assert store.expire(clock.pass_days(1)) == 2
    assert [rows(database, each) for each in OF_CONTENT] == [0] * len(OF_CONTENT)
    with database.read("look") as connection:
        documents = connection.execute(select(signal_revision.c.document)).scalars().all()
        assert documents == [None, None, None]
        columns = signal.c.number, signal.c.state, signal.c.revision, signal.c.content_digest
        assert connection.execute(select(*columns).order_by(signal.c.number)).all() == [
            (1, "expired", 2, None),
            (2, "expired", 1, None),
        ]
    assert expired_entries(database) == [(some_signal(0).hex_id, 2), (some_signal(1).hex_id, 1)]
    assert store.expire(clock.today) == 0
    assert len(expired_entries(database)) == 2


def test_expire_leaves_the_others_alone(store: SignalStore, clock: Clock) -> None:
    add(store, 0)
    add(store, 1, days=11)
    assert store.expire(clock.pass_days(10)) == 1
    assert [each.number for each in store.list()] == [2]
    assert store.source(2) == "source 1"
    assert {number for _, number in key_pairs(store, Tier.B)} == {2}
    assert store.facts(clock.today).numbers.tolist() == [2]


def test_expired_signal_is_told_of_as_expired_everywhere(store: SignalStore, clock: Clock) -> None:
    add(store, 0)
    made = store.list()[0].signal
    second = revise(made, TODAY, confidence=1)
    store.expire(clock.pass_days(10))
    calls = [
        lambda: store.get(made.hex_id),
        lambda: store.get(made.hex_id[:8]),
        lambda: store.history(1),
        lambda: store.source(1),
        lambda: store.set_source(1, "who"),
        lambda: store.set_contributors(1, 2),
        lambda: store.add_revision(second, signed(second), "revised"),
        lambda: store.hold(1, "Court of Gazipur", clock.today + DAY),
    ]
    for call in calls:
        with pytest.raises(SignalError) as caught:
            call()
        assert caught.value.full_code == "signal.expired"
    assert list(store.newest([1])) == []
    assert store.list(include_expired=True) == []
    assert store.contributors([1]) == {}


def test_number_of_an_expired_signal_is_not_given_again(store: SignalStore, clock: Clock) -> None:
    add(store, 0, 1)
    store.expire(clock.pass_days(10))
    assert list(store.add_many([new_signal(2, expires=clock.today + DAY, review=TODAY)])) == [3]
    with pytest.raises(SignalError) as caught:
        store.add_many([new_signal(0, expires=clock.today + DAY, review=TODAY)])
    assert caught.value.full_code == "signal.exists"


def test_expire_many_goes_by_parts(
    store: SignalStore, database: Database, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(signal_expiry, "EXPIRED_AT_ONCE", 2)
    add(store, *range(7))
    assert store.expire(clock.pass_days(10)) == 7
    assert len(expired_entries(database)) == 7


def test_expire_cut_short_goes_on_when_called_again(
    store: SignalStore, database: Database, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(store, 0, 1, 2)
    with monkeypatch.context() as patch:
        patch.setattr(signal_expiry, "sweep", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            store.expire(clock.pass_days(10))
    assert rows(database, signal_key_segment) == 3
    assert key_pairs(store, Tier.B) == set()
    assert store.expire(clock.today) == 0
    assert rows(database, signal_key_segment) == 0


def test_expire_of_a_recalled_signal_erases_what_was_known(store: SignalStore, clock: Clock) -> None:
    add(store, 0)
    gone = recall(store.list()[0].signal, TODAY, RecallReason.ERROR)
    store.recall(gone, signed(gone))
    assert store.expire(clock.pass_days(10)) == 1
    assert store.counts(clock.today) == (0, 0, 1, 0, 0)


# ------------------------------------------------------------------------------------------------ holds


def test_hold_keeps_what_is_over_until_its_day(store: SignalStore, clock: Clock) -> None:
    add(store, 0, 1)
    made = store.get(some_signal(0).hex_id).signal
    store.hold(1, "Court of Gazipur, 12/26", TODAY + 20 * DAY)
    assert store.expire(clock.pass_days(10)) == 1
    assert store.history(1) == [made]
    assert store.source(1) == "source 0"
    assert [each.number for each in store.list(include_expired=True)] == [1]
    # What is kept for a court leaves for nobody else.
    assert store.list() == []
    assert len(store.facts(clock.today)) == 0
    assert key_pairs(store, Tier.B) == set()
    assert store.expire(clock.pass_days(9)) == 0
    assert store.expire(clock.pass_days(1)) == 1
    assert store.holds() == []


def test_release_hold_lets_it_go(store: SignalStore, clock: Clock) -> None:
    add(store, 0)
    store.hold(1, "Court of Gazipur, 12/26", TODAY + 20 * DAY)
    clock.pass_days(10)
    store.release_hold(1)
    store.release_hold(1)
    assert store.expire(clock.today) == 1


def test_holds_name_their_holder_and_their_end(store: SignalStore, database: Database, clock: Clock) -> None:
    add(store, 0, 1)
    store.hold(2, "Court of Gazipur, 12/26", TODAY + 20 * DAY)
    store.hold(1, "Ministry of Labour", TODAY + 5 * DAY)
    store.hold(2, "Court of Dhaka, 7/26", TODAY + 9 * DAY)
    assert [(each.number, each.holder, each.until, each.noted_at_s) for each in store.holds()] == [
        (1, "Ministry of Labour", TODAY + 5 * DAY, int(clock())),
        (2, "Court of Dhaka, 7/26", TODAY + 9 * DAY, int(clock())),
    ]
    clock.pass_days(5)
    assert [each.number for each in store.holds()] == [2]
    store.expire(clock.today)
    assert rows(database, signal_hold) == 1


@pytest.mark.parametrize(
    ("number", "holder", "days", "code"),
    [
        (1, "", 5, "signal.value"),
        (1, "two\nlines", 5, "signal.value"),
        (1, "x" * 201, 5, "signal.value"),
        (1, "Court", 0, "signal.value"),
        (1, "Court", (LAST_DAY - TODAY).days + 1, "signal.value"),
        (9, "Court", 5, "signal.unknown"),
    ],
)
def test_hold_that_cannot_be_is_refused(
    store: SignalStore, number: int, holder: str, days: int, code: str
) -> None:
    add(store, 0)
    with pytest.raises(SignalError) as caught:
        store.hold(number, holder, TODAY + days * DAY)
    assert caught.value.full_code == code
    assert store.holds() == []


def test_every_table_of_signals_is_looked_at_here() -> None:
    """A new table with content has to be erased too."""
    known = {each.name for each in (*OF_CONTENT, signal, signal_revision)}
    ours = {each.name for each in vars(signal_schema).values() if isinstance(each, Table)}
    assert ours - {"signal_counter"} == known
