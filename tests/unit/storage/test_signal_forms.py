"""Labels of signals are kept for the newest revision alone; their numbers are never given twice."""

from datetime import timedelta

import numpy as np
import pytest
from sqlalchemy import select

from signal_makers import TODAY
from stored_signals import Clock, new_signal, signal_store, signed, some_signal
from symbolon.signals.bundle import CHUNK_BYTES
from symbolon.signals.revisions import revise
from symbolon.storage import signal_form_index, signal_forms
from symbolon.storage.database import Database
from symbolon.storage.signal_forms import Form, NewForm
from symbolon.storage.signal_schema import signal_form
from symbolon.storage.signal_store import SignalStore

WIDE, NARROW = b"w" * 16, b"n" * 15 + b"\0"


@pytest.fixture
def store(database: Database) -> SignalStore:
    store = signal_store(database, Clock())
    store.add_many([new_signal(n) for n in range(4)])
    return store


def label(number: int, revision: int = 1) -> bytes:
    return b"%d/%d" % (number, revision) * 30


def revised(store: SignalStore, number: int) -> None:
    second = revise(some_signal(number - 1), TODAY, confidence=1)
    store.add_revision(second, signed(second), "revised")


def test_forms_gives_what_was_saved_of_one_form(store: SignalStore) -> None:
    saved = store.save_forms(WIDE, [(n, 1, label(n)) for n in (3, 1)])
    other = store.save_forms(NARROW, [NewForm(1, 1, b"less")])
    assert len({*saved.values(), *other.values()}) == 3
    assert store.forms(WIDE, [1, 2, 3]) == {
        1: Form(saved[1], 1, label(1)),
        3: Form(saved[3], 1, label(3)),
    }
    assert store.forms(WIDE, np.array([3], np.uint64)) == {3: Form(saved[3], 1, label(3))}
    assert store.forms(NARROW, range(9)) == {1: Form(other[1], 1, b"less")}
    assert store.forms(b"x" * 16, [1]) == store.forms(WIDE, []) == {}


def test_forms_of_more_than_one_statement_takes_are_the_same(
    store: SignalStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    saved = store.save_forms(WIDE, [(n, 1, label(n)) for n in (1, 2, 3, 4)])
    asked = np.array([saved[3], 99, saved[1], saved[4]], np.uint64)
    asked.sort()
    few, owners = store.forms(WIDE, [1, 3, 4]), store.form_owners(asked)
    monkeypatch.setattr(signal_forms, "QUERY_VALUES", 2)
    assert store.forms(WIDE, [1, 3, 4]) == few
    again = store.form_owners(asked)
    assert again.numbers.tolist() == owners.numbers.tolist()
    assert again.digests.tolist() == owners.digests.tolist()


def test_save_forms_of_an_older_revision_or_no_signal_keeps_nothing(store: SignalStore) -> None:
    revised(store, 2)
    made = [(1, 1, label(1)), (2, 1, label(2)), (9, 1, label(9)), (3, 2, label(3))]
    assert list(store.save_forms(WIDE, made)) == [1]
    assert list(store.save_forms(WIDE, [(2, 2, label(2, 2))])) == [2]


def test_save_forms_leaves_what_somebody_else_has_kept_meanwhile(store: SignalStore) -> None:
    first = store.save_forms(WIDE, [(1, 1, b"one")])
    assert store.save_forms(WIDE, [(1, 1, b"two"), (2, 1, b"two")])[1] == first[1]
    assert store.forms(WIDE, [1])[1].chunks == b"one"


def test_revision_erases_labels_of_the_one_before_and_their_numbers_are_not_given_again(
    store: SignalStore, database: Database
) -> None:
    first = store.save_forms(WIDE, [(n, 1, label(n)) for n in (1, 2)])
    revised(store, 2)
    assert list(store.forms(WIDE, [1, 2])) == [1]
    second = store.save_forms(WIDE, [(2, 2, label(2, 2))])
    assert second[2] > max(first.values())
    with database.read("look") as connection:
        kept = select(signal_form.c.form_no).where(signal_form.c.chunks.is_not(None))
        assert set(connection.execute(kept).scalars()) == {first[1], second[2]}


def test_form_owners_knows_labels_that_are_erased_until_the_signal_is(store: SignalStore) -> None:
    first = store.save_forms(WIDE, [(n, 1, label(n)) for n in (1, 2)])
    other = store.save_forms(NARROW, [(2, 1, label(2))])
    revised(store, 2)
    asked = np.array([first[1], first[2], other[2], 77], np.uint64)
    owners = store.form_owners(asked)
    assert owners.numbers.tolist() == [1, 2, 2, 0]
    assert owners.digests.tolist() == [WIDE, WIDE, NARROW.rstrip(b"\0"), b""]
    assert (owners.digests == np.array([WIDE, WIDE, NARROW, b""])).all()
    store.expire(TODAY + timedelta(days=730))
    assert store.form_owners(asked).numbers.tolist() == [0, 0, 0, 0]
    assert len(store.form_owners(np.empty(0, np.uint64)).numbers) == 0


def test_forget_forms_erases_all_but_some(store: SignalStore) -> None:
    store.save_forms(WIDE, [(n, 1, label(n)) for n in (1, 2)])
    store.save_forms(NARROW, [(1, 1, label(1))])
    assert store.forget_forms([NARROW]) == 2
    assert store.forms(WIDE, [1, 2]) == {}
    assert list(store.forms(NARROW, [1, 2])) == [1]
    assert store.forget_forms([]) == 1
    assert store.forget_forms([]) == 0


def test_save_forms_of_an_erased_signal_keeps_nothing(store: SignalStore) -> None:
    store.expire(TODAY + timedelta(days=730))
    assert store.save_forms(WIDE, [(1, 1, label(1))]) == {}


def indexed(store: SignalStore) -> list[tuple[int, int, int]]:
    found = store.form_index(WIDE)
    return list(zip(found.numbers.tolist(), found.form_no.tolist(), found.chunks.tolist(), strict=True))


def test_index_of_labels_is_that_of_the_database_whatever_was_read_before(database: Database) -> None:
    store, other = signal_store(database, Clock()), signal_store(database, Clock())
    store.add_many([new_signal(n) for n in range(4)])

    def both() -> list[tuple[int, int, int]]:
        fresh = indexed(signal_store(database, Clock()))
        assert indexed(store) == indexed(other) == fresh
        return fresh

    assert both() == []
    saved = store.save_forms(WIDE, [(3, 1, b"c" * CHUNK_BYTES)])
    assert both() == [(3, saved[3], 1)]
    # What came since is joined with what is known, by whichever process.
    more = other.save_forms(WIDE, [(1, 1, b"a" * 2 * CHUNK_BYTES), (4, 1, b"d" * CHUNK_BYTES)])
    store.save_forms(NARROW, [(2, 1, b"n" * CHUNK_BYTES)])
    assert both() == [(1, more[1], 2), (3, saved[3], 1), (4, more[4], 1)]
    # What is erased is forgotten, and the next label of the signal has another number.
    revised(other, 3)
    assert both() == [(1, more[1], 2), (4, more[4], 1)]
    again = store.save_forms(WIDE, [(3, 2, b"C" * CHUNK_BYTES)])
    assert both() == [(1, more[1], 2), (3, again[3], 1), (4, more[4], 1)]
    store.forget_forms([NARROW])
    assert both() == []


def test_index_of_many_labels_is_not_kept_for_ever(
    store: SignalStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    for form in (WIDE, NARROW):
        store.save_forms(form, [(n, 1, b"x" * CHUNK_BYTES) for n in (1, 2, 3)])
    reads = []
    read = signal_form_index.read_index
    monkeypatch.setattr(
        signal_form_index, "read_index", lambda *args, **more: reads.append(args[1]) or read(*args, **more)
    )
    for form in (WIDE, WIDE, NARROW, WIDE):
        assert len(store.form_index(form).numbers) == 3
    assert reads == [WIDE, NARROW]
    monkeypatch.setattr(signal_form_index, "MAX_LABELS", 3)
    for form in (WIDE, NARROW, WIDE):
        assert len(store.form_index(form).numbers) == 3
    assert reads == [WIDE, NARROW, NARROW, WIDE]
