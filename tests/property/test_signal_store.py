"""Any sequence of adding, revising, recalling, expiring, restarting gives what a plain dictionary gives."""

import shutil
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from postgres_server import PostgresServer
from signal_makers import TODAY, make_subject, prose, signals
from stored_signals import LEIS, SEALER, Clock, key_pairs, keys_of, signal_store, signed, some_signal
from symbolon.errors import SignalError
from symbolon.signals.facts import Audience, facts_row
from symbolon.signals.record_codec import decode_stored_signal, encode_signal
from symbolon.signals.revisions import dispute, recall, reply, revise
from symbolon.signals.signal import Signal
from symbolon.signals.vocabulary import RecallReason, State
from symbolon.storage import signal_expiry, signal_facts, signal_forms, signal_keys
from symbolon.storage.audit_log import AuditLog
from symbolon.storage.database import Database
from symbolon.storage.signal_forms import Form
from symbolon.storage.signal_intake import NewSignal
from symbolon.storage.signal_store import SignalStore
from symbolon.suppliers.tier import Tier

FORMS = (b"w" * 16, b"n" * 16)


@given(signals())
@settings(max_examples=40)
def test_stored_signal_read_again_is_the_same(signal: Signal) -> None:
    found = decode_stored_signal(encode_signal(signal))
    assert found == signal
    assert encode_signal(found) == encode_signal(signal)
    assert found.indicators == signal.indicators
    assert replace(found) == signal


@dataclass
class Held:
    """One signal in the model."""

    number: int
    revisions: list[Signal]
    source: str
    reference: str
    contributors: int = 1
    hold: date | None = None
    forms: dict[bytes, Form] = field(default_factory=dict)

    @property
    def newest(self) -> Signal:
        return self.revisions[-1]


@st.composite
def contents(draw: st.DrawFn) -> dict[str, Any]:
    return {
        "name": draw(st.sampled_from(["Mill", "Farm", "Dyer"])),
        "lei": draw(st.sampled_from(LEIS)),
        "days": draw(st.integers(1, 12)),
        "recipients": draw(st.sampled_from([(), ("acme",), ("acme", "birch")])),
        "source": draw(st.one_of(st.just(""), prose(20))),
        "reference": draw(st.sampled_from(["", "case 1", "case 2", "case 3"])),
    }


class Keeping(RuleBasedStateMachine):
    """The store against a dictionary of signals by their numbers."""

    new_url: Callable[[ExitStack], str]

    def __init__(self) -> None:
        super().__init__()
        self.stack = ExitStack()
        for module, name, value in (
            (signal_facts, "SEGMENT_SIGNALS", 3),
            (signal_keys, "SPAN_SIGNALS", 4),
            (signal_expiry, "EXPIRED_AT_ONCE", 2),
            (signal_forms, "QUERY_VALUES", 3),
        ):
            self.stack.enter_context(mock.patch.object(module, name, value))
        self.url = type(self).new_url(self.stack)
        self.clock = Clock()
        self.held: dict[int, Held] = {}
        self.erased: dict[int, Held] = {}
        self.log: list[tuple[str, str, int]] = []
        self.made = 0
        self.form_nos: set[int] = set()
        self.open()

    def open(self) -> None:
        self.database = Database.open(self.url)
        self.store: SignalStore = signal_store(self.database, self.clock)

    def teardown(self) -> None:
        self.database.close()
        self.stack.close()

    @initialize(first=st.lists(contents(), max_size=4))
    def begin(self, first: list[dict[str, Any]]) -> None:
        self.add(first)

    # ------------------------------------------------------------------------------------------- steps

    @rule(wanted=st.lists(contents(), min_size=1, max_size=5))
    def add(self, wanted: list[dict[str, Any]]) -> None:
        new = [self.made_new(each) for each in wanted]
        references = [each.reference for each in new if each.reference]
        taken = {each.reference for each in self.held.values() if each.newest.state is State.ACTIVE}
        if len(set(references)) < len(references) or taken & set(references):
            with pytest.raises(SignalError) as caught:
                self.store.add_many(new)
            assert caught.value.full_code == "signal.exists"
            return
        numbers = self.store.add_many(new)
        first = 1 + len(self.held) + len(self.erased)
        assert list(numbers) == list(range(first, first + len(new)))
        for number, each in zip(numbers, new, strict=True):
            self.held[number] = Held(number, [each.signal], each.source, each.reference)
            self.log.append((each.signal.hex_id, "added", 1))

    def made_new(self, said: dict[str, Any]) -> NewSignal:
        self.made += 1
        today = self.clock.today
        made = some_signal(
            self.made,
            subject=make_subject(name=said["name"], lei=said["lei"], os_id=""),
            issued=today,
            expires=today + timedelta(days=said["days"]),
            review=today + timedelta(days=said["days"] // 2),
            recipients=said["recipients"],
        )
        return NewSignal(made, signed(made), said["source"], said["reference"])

    def pick(self, at: int) -> Held | None:
        """One that is not erased."""
        numbers = sorted(self.held)
        return self.held[numbers[at % len(numbers)]] if numbers else None

    @rule(at=st.integers(0, 50), how=st.sampled_from(["revised", "disputed", "replied", "longer"]))
    def change(self, at: int, how: str) -> None:
        each = self.pick(at)
        if each is None or each.newest.state is State.RECALLED:
            return
        before, today = each.newest, self.clock.today
        if before.is_expired(today):
            later = replace(before, revision=before.revision + 1, confidence=1)
            with pytest.raises(SignalError) as caught:
                self.store.add_revision(later, signed(later), "revised")
            assert caught.value.full_code == "signal.expired"
            return
        words = f"{how} {before.revision}"
        after = {
            "revised": lambda: revise(before, today, narrative=words, recipients=("cedar",)),
            "disputed": lambda: dispute(before, today, words),
            "replied": lambda: reply(before, today, words),
            "longer": lambda: revise(before, today, expires=before.expires + timedelta(days=2)),
        }[how]()
        note: Any = "revised" if how == "longer" else how
        found = self.store.add_revision(after, signed(after), note)
        assert found.number == each.number
        self.changed(each, after, note)

    def changed(self, each: Held, after: Signal, note: str) -> None:
        each.revisions.append(after)
        each.forms.clear()
        self.log.append((after.hex_id, note, after.revision))

    @rule(at=st.integers(0, 50), step=st.sampled_from([-1, 0, 2]))
    def change_out_of_order(self, at: int, step: int) -> None:
        each = self.pick(at)
        if each is None or each.newest.is_expired(self.clock.today):
            return
        wrong = replace(each.newest, revision=max(1, each.newest.revision + step), tlp=each.newest.tlp)
        tombstone = wrong.state is State.RECALLED
        with pytest.raises(SignalError) as caught:
            self.store.add_revision(wrong, signed(wrong), "recalled" if tombstone else "revised")
        assert caught.value.full_code in ("signal.order", "signal.recalled")

    @rule(at=st.integers(0, 50), forget=st.booleans())
    def take_back(self, at: int, forget: bool) -> None:
        each = self.pick(at)
        today = self.clock.today
        if each is None or each.newest.state is State.RECALLED or each.newest.is_expired(today):
            return
        gone = recall(each.newest, today, RecallReason.WITHDRAWN)
        if forget and each.source and self.is_on_hold(each):
            with pytest.raises(SignalError) as caught:
                self.store.recall(gone, signed(gone), forget_source=True)
            assert caught.value.full_code == "signal.held"
            return
        self.store.recall(gone, signed(gone), forget_source=forget)
        self.changed(each, gone, "recalled")
        if forget:
            each.source = ""

    @rule(at=st.integers(0, 50), text=st.one_of(st.just(""), prose(20)))
    def note_source(self, at: int, text: str) -> None:
        each = self.pick(at)
        if each is None:
            return
        if each.source and self.is_on_hold(each):
            with pytest.raises(SignalError):
                self.store.set_source(each.number, text)
            return
        self.store.set_source(each.number, text)
        each.source = text

    @rule(at=st.integers(0, 50), contributors=st.integers(1, 300))
    def corroborate(self, at: int, contributors: int) -> None:
        each = self.pick(at)
        if each is not None:
            self.store.set_contributors(each.number, contributors)
            each.contributors = min(contributors, 255)
            each.forms.clear()

    @rule(at=st.integers(0, 50), days=st.integers(1, 8))
    def put_on_hold(self, at: int, days: int) -> None:
        each = self.pick(at)
        if each is not None:
            each.hold = self.clock.today + timedelta(days=days)
            self.store.hold(each.number, "Court of Gazipur", each.hold)

    @rule(at=st.integers(0, 50))
    def release_hold(self, at: int) -> None:
        each = self.pick(at)
        if each is not None:
            each.hold = None
            self.store.release_hold(each.number)

    @rule(form=st.sampled_from(FORMS), chosen=st.sets(st.integers(1, 12)), old=st.booleans())
    def keep_labels(self, form: bytes, chosen: set[int], old: bool) -> None:
        made = []
        for number in chosen:
            each = self.held.get(number)
            revision = 1 if each is None or old else each.newest.revision
            made.append((number, revision, b"%d/%d" % (number, revision)))
        given = self.store.save_forms(form, made)
        expected = {
            number
            for number, revision, _ in made
            if number in self.held and self.held[number].newest.revision == revision
        }
        assert given.keys() == expected
        for number, revision, chunks in made:
            if number in expected and form not in self.held[number].forms:
                assert given[number] not in self.form_nos
                self.form_nos.add(given[number])
                self.held[number].forms[form] = Form(given[number], revision, chunks)

    @rule(days=st.integers(0, 6))
    def pass_days(self, days: int) -> None:
        self.clock.pass_days(days)

    @rule(days=st.integers(0, 4))
    def expire(self, days: int) -> None:
        today = self.clock.pass_days(days)
        over = [
            each for each in self.held.values() if each.newest.is_expired(today) and not self.is_on_hold(each)
        ]
        assert self.store.expire(today) == len(over)
        for each in over:
            self.erased[each.number] = self.held.pop(each.number)
            self.log.append((each.newest.hex_id, "expired", each.newest.revision))

    @rule()
    def restart(self) -> None:
        self.database.close()
        self.open()

    def is_on_hold(self, each: Held) -> bool:
        return each.hold is not None and each.hold > self.clock.today

    # -------------------------------------------------------------------------------- what has to be so

    def live(self) -> list[Held]:
        today = self.clock.today
        return [self.held[each] for each in sorted(self.held) if not self.held[each].newest.is_expired(today)]

    @invariant()
    def lists_hold_what_the_model_holds(self) -> None:
        newest_first = [(each.number, each.newest, bool(each.source)) for each in self.live()[::-1]]
        found = self.store.list()
        assert [(each.number, each.signal, each.has_source) for each in found] == newest_first
        assert all(each.signature == signed(each.signal) for each in found)
        assert self.store.count() == len(newest_first)
        assert [each.number for each in self.store.list(include_expired=True)] == sorted(self.held)[::-1]
        for each in self.held.values():
            assert self.store.get(each.newest.hex_id).signal == each.newest
            assert self.store.history(each.number) == each.revisions
            assert self.store.source(each.number) == each.source
        for each in self.erased.values():
            with pytest.raises(SignalError) as caught:
                self.store.get(each.newest.hex_id)
            assert caught.value.full_code == "signal.expired"

    @invariant()
    def facts_are_those_of_the_newest_revisions(self) -> None:
        live, found = self.live(), self.store.facts(self.clock.today)
        assert found.numbers.tolist() == [each.number for each in live]
        for each, row in zip(live, found.rows, strict=True):
            audience = int(row["audience"])
            assert found.audiences[audience] == Audience(each.newest.purposes, each.newest.recipients)
            assert row.tobytes() == facts_row(
                each.newest,
                first_issued=each.revisions[0].issued,
                audience=audience,
                contributors=each.contributors,
            )
        assert len(set(found.audiences.values())) == len(found.audiences)

    @invariant()
    def keys_are_those_of_the_live_signals(self) -> None:
        for tier in Tier:
            expected = {
                (key, each.number)
                for each in self.live()
                for key in keys_of(each.newest.subject.record)[tier]
            }
            assert key_pairs(self.store, tier) == expected

    @invariant()
    def bulk_reading_finds_the_same(self) -> None:
        numbers = sorted({*self.held, *self.erased})
        assert dict(self.store.newest(numbers)) == {n: self.held[n].newest for n in sorted(self.held)}
        for form in FORMS:
            kept = {n: each.forms[form] for n, each in self.held.items() if form in each.forms}
            assert self.store.forms(form, numbers) == kept
            forms = sorted((label.form_no, n) for n, label in kept.items())
            owners = self.store.form_owners(np.array([each for each, _ in forms], np.uint64))
            assert owners.numbers.tolist() == [n for _, n in forms]

    @invariant()
    def lookups_and_counts_agree(self) -> None:
        today, live = self.clock.today, self.live()
        active = [each for each in live if each.newest.state is State.ACTIVE]
        due = [each for each in active if each.newest.review <= today]
        counts = self.store.counts(today)
        assert counts.active == len(active)
        assert counts.recalled == len(live) - len(active)
        assert counts.expired == len(self.held) + len(self.erased) - len(live)
        assert counts.held == sum(map(self.is_on_hold, self.held.values()))
        assert counts.due == len(due)
        due.sort(key=lambda each: (each.newest.review, each.number))
        assert [each.number for each in self.store.due_for_review(today)] == [each.number for each in due]
        for reference in ("case 1", "case 2", "case 3"):
            both = [*self.held.values(), *self.erased.values()]
            last = max((each.number for each in both if each.reference == reference), default=0)
            found = self.store.by_reference([reference])
            assert {name: each.number for name, each in found.items()} == (
                {reference: last} if last in self.held else {}
            )

    @invariant()
    def the_log_tells_each_step(self) -> None:
        entries = [each.entry for each in AuditLog(self.database, SEALER, self.clock).entries()]
        assert [(each.session, each.note, each.counts["revision"]) for each in entries] == self.log
        assert {each.event for each in entries} <= {"contributed"}


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A node's database with its tables: quicker to copy than to make."""
    path = tmp_path_factory.mktemp("empty") / "node.db"
    Database.open(f"sqlite:///{path}", create=True).close()
    return path


def test_store_equals_a_dictionary(empty: Path) -> None:
    def copied(stack: ExitStack) -> str:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        return f"sqlite:///{shutil.copy(empty, folder)}"

    machine = type("OnSqlite", (Keeping,), {"new_url": staticmethod(copied)})
    run_state_machine_as_test(machine, settings=settings(max_examples=12, stateful_step_count=25))


def test_store_on_postgresql_equals_a_dictionary(postgres: PostgresServer) -> None:
    def made(stack: ExitStack) -> str:
        return stack.enter_context(postgres.node_database())

    machine = type("OnPostgresql", (Keeping,), {"new_url": staticmethod(made)})
    run_state_machine_as_test(machine, settings=settings(max_examples=5, stateful_step_count=20))


def test_model_begins_today() -> None:
    assert Clock().today == TODAY
