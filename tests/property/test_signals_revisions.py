"""Laws of revisions: whatever people do in whatever order, and whatever their clocks say."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from signal_makers import make_signal
from symbolon.errors import SignalError
from symbolon.policy.obligations import NOTHING
from symbolon.signals.bundle import SIGNATURE_BYTES, decode_bundle, encode_bundle
from symbolon.signals.record_codec import decode_signal, encode_signal
from symbolon.signals.released import release
from symbolon.signals.revisions import check_follows, dispute, recall, reply, revise, settle
from symbolon.signals.signal import MAX_REVISION, NO_DISPUTE, Signal
from symbolon.signals.vocabulary import (
    URGENT_KINDS,
    DisputeState,
    Evidence,
    Indicator,
    Level,
    RecallReason,
    State,
    Tlp,
)

DAY = timedelta(days=1)
T = TypeVar("T")


def attempt(call: Callable[[], T], codes: set[str]) -> T | None:
    """What a call gives, or None where it refuses by one of some codes; every other error is a failure."""
    try:
        return call()
    except SignalError as error:
        if error.full_code not in codes:
            raise
        return None


CHANGES = st.fixed_dictionaries(
    {},
    optional={
        "confidence": st.none() | st.integers(-1, 101),
        "likelihood": st.sampled_from(Level),
        "tlp": st.sampled_from(Tlp),
        "recipients": st.sampled_from([(), ("mill",), ("mill", "weaver")]),
        "purposes": st.sampled_from([(), ("due-diligence",), ("due-diligence", "remedy")]),
        "indicators": st.frozensets(st.sampled_from(Indicator), max_size=3),
        "evidence": st.none() | st.sampled_from(Evidence),
        "urgent": st.booleans(),
        "narrative": st.sampled_from(["", "words", "\u202e"]),
        "embargo": st.none() | st.integers(-5, 400),
        "expires": st.integers(-5, 900),
        "review": st.integers(-5, 900),
        "dispute": st.just(NO_DISPUTE),
        "reply": st.none(),
        "state": st.sampled_from(State),
        "revision": st.integers(0, 9),
    },
)


class Revisions(RuleBasedStateMachine):
    """Whatever people do in whatever order, a signal keeps its laws."""

    @initialize(embargo=st.none() | st.integers(1, 300))
    def add(self, embargo: int | None) -> None:
        self.today = date(2026, 7, 1)
        self.signal = make_signal(embargo=None if embargo is None else self.today + embargo * DAY)
        self.first = self.signal
        self.count = 1

    def follow(self, new: Signal) -> None:
        held = self.signal
        check_follows(held, new)
        with pytest.raises(SignalError):
            check_follows(new, held)
        with pytest.raises(SignalError):
            check_follows(new, new)
        assert new.revision == self.count + 1
        if new.state is State.ACTIVE:
            assert (new.reply is None) <= (held.reply is None)
            assert (new.dispute == NO_DISPUTE) <= (held.dispute == NO_DISPUTE)
            if held.embargo is None or held.embargo <= self.today:
                assert new.embargo is None or new.embargo <= max(self.today, held.embargo or self.today)
        self.signal, self.count = new, self.count + 1

    @rule(days=st.integers(-3, 60))
    def time_passes(self, days: int) -> None:
        self.today = max(self.today + days * DAY, self.first.issued)

    @rule(changes=CHANGES)
    def revise_anything(self, changes: dict[str, Any]) -> None:
        for name in ("embargo", "expires", "review"):
            if isinstance(changes.get(name), int):
                changes[name] = self.today + changes[name] * DAY
        codes = {"signal.recalled", "signal.unchanged", "signal.value", "signal.clock"}
        new = attempt(lambda: revise(self.signal, self.today, **changes), codes)
        if new is not None:
            assert not changes.keys() & {"dispute", "reply", "state", "revision"}
            self.follow(new)

    @rule(words=st.sampled_from(["", "We pay.", "We pay all."]))
    def contest(self, words: str) -> None:
        new = attempt(lambda: dispute(self.signal, self.today, words), self.expected({"signal.unchanged"}))
        if new is not None:
            assert new.dispute.state is DisputeState.OPEN
            self.follow(new)

    @rule(state=st.sampled_from(DisputeState))
    def answer_the_contest(self, state: DisputeState) -> None:
        words = self.signal.dispute.statement
        codes = self.expected({"signal.unchanged", "signal.dispute"})
        new = attempt(lambda: settle(self.signal, self.today, state), codes)
        if new is not None:
            assert new.dispute.statement == words
            self.follow(new)

    @rule(words=st.sampled_from(["", "See.", "See this."]))
    def let_the_supplier_answer(self, words: str) -> None:
        codes = self.expected({"signal.unchanged"} | ({"signal.value"} if not words else set()))
        new = attempt(lambda: reply(self.signal, self.today, words), codes)
        if new is not None:
            self.follow(new)

    @precondition(lambda self: self.signal.state is State.ACTIVE)
    @rule(reason=st.sampled_from(RecallReason))
    def recall_it(self, reason: RecallReason) -> None:
        if max(self.today, self.signal.issued) >= self.signal.expires:
            with pytest.raises(SignalError):
                recall(self.signal, self.today, reason)
            return
        self.follow(recall(self.signal, self.today, reason))

    def expected(self, codes: set[str]) -> set[str]:
        if self.signal.state is State.RECALLED:
            return {"signal.recalled", "signal.value"} & (codes | {"signal.recalled"})
        if self.today < self.signal.issued:
            codes = codes | {"signal.clock"}
        if self.today >= self.signal.expires:
            codes = codes | {"signal.value"}
        return codes

    @invariant()
    def laws_hold(self) -> None:
        signal = self.signal
        assert signal.signal_id == self.first.signal_id
        assert signal.subject == self.first.subject
        assert signal.revision == self.count <= MAX_REVISION
        assert signal.tlp is not Tlp.RED or signal.recipients
        assert not signal.urgent or signal.indicators & URGENT_KINDS
        assert decode_signal(encode_signal(signal)) == signal
        chunks = encode_bundle(release(signal, NOTHING), lambda header: bytes(SIGNATURE_BYTES))
        released = decode_bundle(chunks, lambda header, signature: None)
        assert released.revision == self.count
        if signal.state is State.RECALLED:
            assert released.indicators == frozenset()
            assert released.reply is None
            assert not released.has_narrative


TestRevisions = Revisions.TestCase
TestRevisions.settings = settings(
    max_examples=60, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
)
