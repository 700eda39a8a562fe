"""Adding, revising, recalling and looking up; each is one step with its entry of the log."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select

from signal_makers import TODAY, make_subject
from stored_signals import SEALER, Clock, key_pairs, new_signal, quick_keys, signal_store, signed, some_signal
from symbolon.audit.entry import Entry
from symbolon.errors import SealError, SignalError
from symbolon.signals.revisions import dispute, recall, reply, revise
from symbolon.signals.signal import Signal
from symbolon.signals.vocabulary import RecallReason, State, Tlp
from symbolon.storage.audit_log import AuditLog
from symbolon.storage.database import Database
from symbolon.storage.seal import Sealer
from symbolon.storage.signal_intake import MAX_NEW, NewSignal
from symbolon.storage.signal_schema import signal_revision
from symbolon.storage.signal_store import SignalStore
from symbolon.suppliers.tier import Tier


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(database: Database, clock: Clock) -> SignalStore:
    return signal_store(database, clock)


@pytest.fixture
def log(database: Database) -> AuditLog:
    return AuditLog(database, SEALER, lambda: 0.0)


def entries(log: AuditLog) -> list[tuple[str, str, str, int]]:
    """Event, signal, phrase and revision of every entry."""
    said = [(each.entry, each.values["operator"]) for each in log.entries()]
    assert all(entry.peer == "" and entry.purpose == "" for entry, _ in said)
    return [(entry.event, entry.session, entry.note, entry.counts["revision"]) for entry, _ in said]


def refused(code: str) -> "pytest.RaisesExc[SignalError]":
    return pytest.raises(SignalError, check=lambda error: error.full_code == code)


# ------------------------------------------------------------------------------------------------ adding


def test_add_many_then_get_gives_what_was_added(store: SignalStore) -> None:
    new = [new_signal(number, source=f"source {number}" if number else "") for number in range(3)]
    assert list(store.add_many(new)) == [1, 2, 3]
    for number, each in enumerate(new, 1):
        found = store.get(each.signal.hex_id)
        assert (found.number, found.signal, found.signature) == (number, each.signal, each.signature)
        assert found.created_at_s == found.changed_at_s == Clock()()
        assert found.has_source == bool(each.source)
        assert store.source(number) == each.source
        assert store.history(number) == [each.signal]
        assert each.source not in repr(found) or not each.source


def test_add_many_writes_an_entry_for_each_with_its_operator(
    database: Database, clock: Clock, log: AuditLog
) -> None:
    store = signal_store(database, clock, "op-7")
    store.add_many([new_signal(0), new_signal(1)])
    ids = [some_signal(number).hex_id for number in range(2)]
    assert entries(log) == [("contributed", each, "added", 1) for each in ids]
    assert {each.values["operator"] for each in log.entries()} == {"op-7"}
    with database.read("look") as connection:
        assert connection.execute(select(signal_revision.c.operator)).scalars().all() == ["op-7"] * 2


def test_add_many_of_nothing_does_nothing(store: SignalStore, log: AuditLog) -> None:
    assert list(store.add_many([])) == []
    assert log.size() == 0


def test_add_many_again_goes_on_with_higher_numbers(store: SignalStore) -> None:
    assert list(store.add_many([new_signal(0)])) == [1]
    assert list(store.add_many([new_signal(1), new_signal(2)])) == [2, 3]


def test_add_many_of_an_id_that_is_held_adds_none(store: SignalStore, log: AuditLog) -> None:
    store.add_many([new_signal(0)])
    with refused("signal.exists"):
        store.add_many([new_signal(1), new_signal(0)])
    assert store.count() == log.size() == 1
    assert len(store.facts(TODAY)) == 1
    assert {number for _, number in key_pairs(store, Tier.B)} == {1}


def test_add_many_of_one_id_or_reference_twice_adds_none(store: SignalStore) -> None:
    with refused("signal.exists"):
        store.add_many([new_signal(0), new_signal(0)])
    with refused("signal.exists"):
        store.add_many([new_signal(0, reference="case 1"), new_signal(1, reference="case 1")])
    assert store.count() == 0


def test_add_many_of_a_reference_that_an_active_signal_has_is_refused(store: SignalStore) -> None:
    store.add_many([new_signal(0, reference="case 1")])
    with refused("signal.exists"):
        store.add_many([new_signal(1, reference="case 1")])
    gone = recall(some_signal(0), TODAY, RecallReason.WRONG_SUBJECT)
    store.recall(gone, signed(gone))
    assert list(store.add_many([new_signal(1, reference="case 1")])) == [2]
    assert store.by_reference(["case 1"])["case 1"].number == 2


def test_add_many_of_what_is_over_or_too_much_is_refused(store: SignalStore, clock: Clock) -> None:
    clock.pass_days(730)
    with refused("signal.expired"):
        store.add_many([new_signal(0)])
    with refused("signal.value"):
        store.add_many([new_signal(0)] * (MAX_NEW + 1))


def test_new_signal_refuses_what_is_no_first_revision() -> None:
    first = some_signal(0)
    second = revise(first, TODAY, confidence=1)
    gone = recall(first, TODAY, RecallReason.ERROR)
    for signal, signature in ((second, bytes(64)), (gone, bytes(64)), (first, bytes(63))):
        with refused("signal.value"):
            NewSignal(signal, signature)
    with refused("signal.value"):
        NewSignal(first, bytes(64), source="x" * 20_001)
    with refused("signal.value"):
        NewSignal(first, bytes(64), reference="x" * 201)
    with refused("signal.value"):
        NewSignal(first, bytes(64), content=b"short")
    told = repr(NewSignal(first, b"\x5a" * 64, source="the guard", reference="case 9"))
    assert "the guard" not in told
    assert "case 9" not in told


def test_add_many_with_another_sealing_key_is_refused(
    store: SignalStore, database: Database, clock: Clock
) -> None:
    store.add_many([new_signal(0)])
    other = SignalStore(database, Sealer(bytes(32)), clock, key_maker=quick_keys)
    with pytest.raises(SealError):
        other.add_many([new_signal(1)])
    with pytest.raises(SealError):
        other.list()


def test_add_many_tells_progress_to_the_end(store: SignalStore) -> None:
    told: list[tuple[int, int]] = []
    store.add_many([new_signal(n) for n in range(5)], progress=lambda done, total: told.append((done, total)))
    assert told[-1] == (5, 5)


def test_source_with_a_lone_surrogate_is_kept(store: SignalStore) -> None:
    store.add_many([new_signal(0, source="a\udcff", reference="b\udcff")])
    assert store.source(1) == "a\udcff"
    assert list(store.by_reference(["b\udcff"])) == ["b\udcff"]


# --------------------------------------------------------------------------------------------- revising


def added(store: SignalStore, number: int = 0, **changes: object) -> Signal:
    new = new_signal(number, source="the guard", **changes)
    store.add_many([new])
    return new.signal


def test_revision_becomes_the_newest_and_history_keeps_the_others(
    store: SignalStore, clock: Clock, log: AuditLog
) -> None:
    first = added(store)
    second = revise(first, clock.pass_days(3), confidence=10, expires=first.expires + timedelta(days=5))
    found = store.add_revision(second, signed(second), "revised")
    assert found == store.get(first.hex_id)
    assert (found.signal, found.signature, found.has_source) == (second, signed(second), True)
    assert found.changed_at_s - found.created_at_s == 3 * 86400
    third = dispute(second, clock.pass_days(1), "It closed in March.")
    store.add_revision(third, signed(third), "disputed")
    fourth = reply(third, clock.today, "We have repaid all fees.")
    store.add_revision(fourth, signed(fourth), "replied")
    assert store.history(1) == [first, second, third, fourth]
    assert [(note, number) for _, _, note, number in entries(log)] == [
        ("added", 1),
        ("revised", 2),
        ("disputed", 3),
        ("replied", 4),
    ]


def test_revision_of_two_at_once_is_told_to_the_second(
    database: Database, store: SignalStore, clock: Clock, log: AuditLog
) -> None:
    first = added(store)
    other = signal_store(database, clock)
    mine, theirs = revise(first, TODAY, confidence=1), revise(first, TODAY, confidence=2)
    other.add_revision(theirs, signed(theirs), "revised")
    with pytest.raises(SignalError) as caught:
        store.add_revision(mine, signed(mine), "revised")
    assert caught.value.full_code == "signal.order"
    assert "meanwhile" in str(caught.value.hint)
    assert store.get(first.hex_id).signal == theirs
    assert log.size() == 2


def test_revision_that_leaves_one_out_or_is_about_another_is_refused(store: SignalStore) -> None:
    first = added(store)
    second = revise(first, TODAY, confidence=1)
    cases = {
        "signal.order": replace(second, revision=3),
        "signal.subject": replace(second, subject=make_subject(name="Another")),
        "signal.unknown": replace(second, signal_id=bytes(16)),
    }
    for code, wrong in cases.items():
        with refused(code):
            store.add_revision(wrong, signed(wrong), "revised")
    with refused("signal.value"):
        store.add_revision(second, bytes(63), "revised")
    with refused("signal.value"):
        store.add_revision(second, signed(second), "recalled")
    assert store.history(1) == [first]


def test_revision_after_the_time_is_over_is_refused(store: SignalStore, clock: Clock) -> None:
    first = added(store, expires=TODAY + timedelta(days=9), review=TODAY)
    second = revise(first, TODAY, expires=first.expires + timedelta(days=90))
    clock.pass_days(9)
    with refused("signal.expired"):
        store.add_revision(second, signed(second), "revised")


def test_revision_changes_facts_in_step(store: SignalStore) -> None:
    first = added(store)
    store.set_contributors(1, 3)
    second = revise(first, TODAY, tlp=Tlp.RED, recipients=("acme",), purposes=("remediation",))
    store.add_revision(second, signed(second), "revised")
    table = store.facts(TODAY)
    (row,) = table.rows
    assert (row["revision"], row["tlp"], row["contributors"]) == (2, Tlp.RED.number, 3)
    audience = table.audiences[int(row["audience"])]
    assert (audience.purposes, audience.recipients) == (("remediation",), ("acme",))
    assert list(table.audiences.values()) == [audience]


# --------------------------------------------------------------------------------------------- recalling


def test_recall_leaves_a_tombstone_and_keeps_what_was_known(store: SignalStore, log: AuditLog) -> None:
    first = added(store)
    store.save_forms(b"f" * 16, [(1, 1, b"label")])
    gone = recall(first, TODAY, RecallReason.WITHDRAWN)
    found = store.recall(gone, signed(gone))
    assert (found.signal, found.has_source) == (gone, True)
    assert store.history(1) == [first, gone]
    assert store.source(1) == "the guard"
    assert store.forms(b"f" * 16, [1]) == {}
    assert store.facts(TODAY).rows["state"].tolist() == [State.RECALLED.number]
    assert key_pairs(store, Tier.B) == {(first.subject.record.name.encode(), 1)}
    assert entries(log)[-1][2:] == ("recalled", 2)
    again = replace(gone, revision=3)
    with refused("signal.recalled"):
        store.recall(again, signed(again))


def test_recall_that_forgets_the_source_erases_the_note_alone(store: SignalStore) -> None:
    first = added(store)
    gone = recall(first, TODAY, RecallReason.WITHDRAWN)
    assert not store.recall(gone, signed(gone), forget_source=True).has_source
    assert store.source(1) == ""
    assert store.history(1) == [first, gone]


def test_recall_that_forgets_the_source_of_a_held_signal_recalls_nothing(
    store: SignalStore, log: AuditLog
) -> None:
    first = added(store)
    store.hold(1, "Court of Gazipur, 12/26", TODAY + timedelta(days=30))
    gone = recall(first, TODAY, RecallReason.LEGAL)
    with refused("signal.held"):
        store.recall(gone, signed(gone), forget_source=True)
    assert store.get(first.hex_id).signal == first
    assert log.size() == 1
    store.recall(gone, signed(gone))
    assert store.source(1) == "the guard"


# ----------------------------------------------------------------------------------------------- source


def test_set_source_replaces_erases_and_adds(store: SignalStore) -> None:
    added(store)
    for text in ("two guards", "", "three guards"):
        store.set_source(1, text)
        assert store.source(1) == text
        assert store.list()[0].has_source == bool(text)
    with refused("signal.value"):
        store.set_source(1, "x" * 20_001)
    with refused("signal.unknown"):
        store.set_source(2, "who")
    with refused("signal.unknown"):
        store.source(2)


def test_set_source_on_hold_adds_and_does_not_replace(store: SignalStore) -> None:
    store.add_many([new_signal(0)])
    store.hold(1, "Court of Gazipur, 12/26", TODAY + timedelta(days=30))
    store.set_source(1, "the guard")
    with refused("signal.held"):
        store.set_source(1, "")
    store.release_hold(1)
    store.set_source(1, "")
    assert store.source(1) == ""


# -------------------------------------------------------------------------------------------- looking up


def test_get_by_a_beginning_that_one_alone_has(store: SignalStore) -> None:
    ids = [bytes.fromhex(each) + bytes(13) for each in ("abcd12", "abcd34", "ffff00", "000000")]
    store.add_many([new_signal(n, signal_id=each) for n, each in enumerate(ids)])
    for beginning, number in (("abcd1", 1), (" ABCD3 ", 2), ("ffff", 3), ("0000", 4), (ids[0].hex(), 1)):
        assert store.get(beginning).number == number
    with refused("signal.ambiguous"):
        store.get("abcd")
    for wrong in ("abce", "abcd2", "", "abc", "xyzw", "abcd%", "0" * 33, "9" * 32):
        with pytest.raises(SignalError) as caught:
            store.get(wrong)
        assert caught.value.full_code == "signal.unknown"
        assert caught.value.hint


def test_list_is_newest_first_in_pages_and_by_state(store: SignalStore) -> None:
    made = [added(store, number) for number in range(5)]
    gone = recall(made[3], TODAY, RecallReason.ERROR)
    store.recall(gone, signed(gone))
    assert [each.number for each in store.list()] == [5, 4, 3, 2, 1]
    assert [each.number for each in store.list(1, 2)] == [4, 3]
    assert [each.number for each in store.list(3)] == [2, 1]
    assert store.list(0, 0) == store.list(9) == []
    assert [each.number for each in store.list(state=State.RECALLED)] == [4]
    assert [each.number for each in store.list(1, 2, State.ACTIVE)] == [3, 2]
    assert (store.count(), store.count(State.ACTIVE), store.count(State.RECALLED)) == (5, 4, 1)


def test_list_leaves_out_what_is_over_unless_told(store: SignalStore, clock: Clock) -> None:
    added(store, 0, expires=TODAY + timedelta(days=3), review=TODAY)
    added(store, 1)
    clock.pass_days(2)
    assert store.count() == 2
    clock.pass_days(1)
    assert [each.number for each in store.list()] == [2]
    assert store.count() == 1
    assert [each.number for each in store.list(include_expired=True)] == [2, 1]
    assert store.count(include_expired=True) == 2


def test_newest_gives_what_was_asked_for_in_its_order(store: SignalStore) -> None:
    made = [added(store, number) for number in range(4)]
    second = revise(made[1], TODAY, confidence=1)
    store.add_revision(second, signed(second), "revised")
    assert list(store.newest([4, 2, 9, 1])) == [(4, made[3]), (2, second), (1, made[0])]
    assert list(store.newest([])) == []


def test_due_for_review_is_the_most_overdue_first(store: SignalStore, clock: Clock) -> None:
    days = (9, 5, 7, 5)
    made = [added(store, n, review=TODAY + timedelta(days=each)) for n, each in enumerate(days)]
    gone = recall(made[2], TODAY, RecallReason.ERROR)
    store.recall(gone, signed(gone))
    assert store.due_for_review(TODAY + timedelta(days=4)) == []
    assert [each.number for each in store.due_for_review(TODAY + timedelta(days=9))] == [2, 4, 1]
    assert store.due_for_review(made[0].expires) == []


def test_counts_say_how_it_stands(store: SignalStore, clock: Clock) -> None:
    made = [added(store, n, review=TODAY + timedelta(days=n)) for n in range(4)]
    gone = recall(made[3], TODAY, RecallReason.ERROR)
    store.recall(gone, signed(gone))
    store.hold(1, "Court of Gazipur, 12/26", TODAY + timedelta(days=30))
    counts = store.counts(TODAY + timedelta(days=1))
    assert counts == (3, 1, 0, 2, 1)
    assert (counts.active, counts.recalled, counts.expired, counts.due, counts.held) == counts
    assert store.counts(made[0].expires) == (0, 0, 4, 0, 0)


def test_set_contributors_counts_up_to_what_a_label_holds(store: SignalStore) -> None:
    added(store)
    added(store, 1)
    store.save_forms(b"f" * 16, [(1, 1, b"label"), (2, 1, b"label")])
    store.set_contributors(1, 300)
    assert store.contributors([1, 2, 3]) == {1: 255, 2: 1}
    assert list(store.forms(b"f" * 16, [1, 2])) == [2]
    with refused("signal.value"):
        store.set_contributors(1, 0)
    with refused("signal.unknown"):
        store.set_contributors(9, 2)


def test_entry_of_a_contribution_is_one_that_a_log_may_have() -> None:
    entry = Entry("contributed", "", some_signal(0).hex_id, counts={"revision": 1}, note="added")
    assert entry.values(0, "local")["event"] == "contributed"
