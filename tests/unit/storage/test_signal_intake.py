"""An import repeated does nothing, and does not bring back what was recalled or has expired."""

from dataclasses import fields, replace
from datetime import timedelta

import pytest
from sqlalchemy import select

from signal_makers import TODAY, make_draft, make_subject
from stored_signals import SEALER, Clock, signal_store, signed
from symbolon.signals.draft import Draft
from symbolon.signals.revisions import recall, revise
from symbolon.signals.signal import Month, Native, Period, Severity
from symbolon.signals.vocabulary import (
    Evidence,
    Indicator,
    Level,
    RecallReason,
    Reliability,
    SubjectKind,
    Tlp,
)
from symbolon.storage.database import Database
from symbolon.storage.signal_intake import CONTENT_FIELDS, Known, NewSignal
from symbolon.storage.signal_schema import signal
from symbolon.storage.signal_store import SignalStore


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(database: Database, clock: Clock) -> SignalStore:
    return signal_store(database, clock)


def take_in(store: SignalStore, clock: Clock, *drafts: Draft) -> list[int]:
    """Adds drafts as an import does."""
    new = []
    for each in drafts:
        made = each.first_revision(bytes([len(new)]) * 16, clock.today)
        new.append(NewSignal(made, signed(made), each.source, each.reference, store.content_of(each)))
    return list(store.add_many(new))


def standings(store: SignalStore, *drafts: Draft) -> list[str]:
    return [each.standing for each in store.compare(drafts)]


def test_compare_tells_new_unchanged_and_changed_apart(store: SignalStore, clock: Clock) -> None:
    held = [make_draft(reference=f"case {n}") for n in range(3)]
    assert store.compare(held) == [Known("new", None)] * 3
    take_in(store, clock, *held)
    changed = replace(held[1], confidence=71)
    assert store.compare([changed, held[2], make_draft(reference="case 9"), held[0]]) == [
        Known("changed", 2),
        Known("unchanged", 3),
        Known("new", None),
        Known("unchanged", 1),
    ]
    assert store.compare([]) == []


def test_compare_on_another_day_is_unchanged_though_its_end_would_be_later(
    store: SignalStore, clock: Clock
) -> None:
    draft = make_draft(expires=None, review=None)
    take_in(store, clock, draft)
    clock.pass_days(100)
    assert standings(store, draft) == ["unchanged"]


def test_compare_without_a_reference_goes_by_what_is_said(store: SignalStore, clock: Clock) -> None:
    draft = make_draft(reference="")
    take_in(store, clock, draft)
    assert standings(store, draft, replace(draft, confidence=1)) == ["unchanged", "new"]


def test_compare_names_what_an_import_says_twice(store: SignalStore) -> None:
    draft = make_draft(reference="case 1")
    assert standings(store, draft, replace(draft, confidence=1)) == ["new", "repeated"]
    nameless = replace(draft, reference="")
    assert standings(store, nameless, nameless) == ["new", "repeated"]


def test_compare_does_not_bring_back_what_was_recalled_or_expired(
    store: SignalStore, clock: Clock, database: Database
) -> None:
    drafts = [make_draft(reference="case 1"), make_draft(reference="")]
    take_in(store, clock, *drafts)
    for each in store.list():
        gone = recall(each.signal, TODAY, RecallReason.ERROR)
        store.recall(gone, signed(gone))
    assert standings(store, *drafts) == ["recalled", "recalled"]
    assert {each.number for each in store.compare(drafts)} == {1, 2}
    day = clock.pass_days(730)
    assert standings(store, *drafts) == ["expired", "expired"]
    store.expire(day)
    assert standings(store, *drafts) == ["expired", "expired"]
    assert store.by_reference(["case 1"]) == {}
    with database.read("look for what should be gone") as connection:
        assert connection.execute(select(signal.c.content_digest)).scalars().all() == [None, None]


def test_compare_after_a_revision_by_hand_still_knows_the_file(store: SignalStore, clock: Clock) -> None:
    draft = make_draft(reference="case 1")
    take_in(store, clock, draft)
    second = revise(store.list()[0].signal, TODAY, confidence=3)
    store.add_revision(second, signed(second), "revised")
    assert standings(store, draft) == ["unchanged"]


def test_revision_that_an_import_brings_is_unchanged_from_then_on(store: SignalStore, clock: Clock) -> None:
    draft = make_draft(reference="case 1")
    take_in(store, clock, draft)
    later = replace(draft, confidence=3)
    second = revise(store.list()[0].signal, TODAY, confidence=3)
    store.add_revision(second, signed(second), "revised", content=store.content_of(later))
    assert standings(store, later) == ["unchanged"]
    assert standings(store, draft) == ["changed"]


def test_by_reference_finds_the_newest_which_alone_can_be_active(store: SignalStore, clock: Clock) -> None:
    draft = make_draft(reference="case 1")
    take_in(store, clock, draft)
    found = store.by_reference(["case 1", "case 2", ""])
    assert [(name, each.number) for name, each in found.items()] == [("case 1", 1)]
    gone = recall(found["case 1"].signal, TODAY, RecallReason.WRONG_SUBJECT)
    store.recall(gone, signed(gone))
    assert store.by_reference(["case 1"])["case 1"].signal == gone
    other = draft.first_revision(b"o" * 16, TODAY)
    store.add_many([NewSignal(other, signed(other), reference="case 1")])
    assert store.by_reference(["case 1"])["case 1"].number == 2
    assert standings(store, draft) == ["changed"]


def test_content_changes_with_every_field_but_source_reference_and_workers(store: SignalStore) -> None:
    draft = make_draft()
    others = {
        "subject": make_subject(name="Another"),
        "indicators": frozenset({Indicator.DECEPTION}),
        "evidence": Evidence.MEDIA,
        "severity": Severity(Level.LOW),
        "likelihood": Level.LOW,
        "confidence": None,
        "reliability": Reliability.F,
        "native": Native("SMETA", "major"),
        "period": Period(Month(2026, 1), Month(2026, 5)),
        "narrative": "Another.",
        "tlp": Tlp.GREEN,
        "purposes": ("remediation",),
        "recipients": ("acme",),
        "embargo": TODAY + timedelta(days=1),
        "expires": TODAY + timedelta(days=2),
        "review": TODAY + timedelta(days=1),
        "urgent": True,
    }
    apart = {"source", "reference", "workers"}
    assert set(others) == set(CONTENT_FIELDS) == {each.name for each in fields(Draft)} - apart
    said = {store.content_of(replace(draft, **{name: value})) for name, value in others.items()}
    assert len(said | {store.content_of(draft)}) == len(others) + 1
    kind = replace(draft, subject=make_subject(SubjectKind.VESSEL))
    assert store.content_of(kind) != store.content_of(draft)
    same = replace(draft, source="", reference="another", workers=None)
    assert store.content_of(same) == store.content_of(draft)


def test_content_is_keyed(database: Database, clock: Clock, store: SignalStore) -> None:
    other = SignalStore(database, type(SEALER)(bytes(32)), clock)
    assert other.content_of(make_draft()) != store.content_of(make_draft())
