"""Whatever a contributor, its delegate and their people do, in any order: both come to say the same.

No recall is lost, nor anything that a supplier said last; an earlier revision that comes again is refused.
"""

import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from datetime import timedelta

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from entrusting_pair import CLEAR, Pair, Side, offered, refused
from signal_makers import TODAY
from stored_signals import Clock, signed
from symbolon.signals import revisions
from symbolon.signals.entrusting import CONTENT
from symbolon.signals.signal import Signal
from symbolon.signals.vocabulary import DisputeState, RecallReason, State

TEXTS = st.sampled_from(["Not us.", "That was a neighbour.", "We repaid it."])
ANSWERS = st.sampled_from([DisputeState.MAINTAINED, DisputeState.CORRECTED, DisputeState.REMEDIED])
_REFUSED = ("", "signal.unchanged", "signal.recalled", "signal.dispute", "signal.order")


class Entrusting(RuleBasedStateMachine):
    """Two real stores; each rule is one thing that happens at one of them or between them."""

    def __init__(self) -> None:
        super().__init__()
        self.stack = ExitStack()
        folder = self.stack.enter_context(tempfile.TemporaryDirectory())
        self.clock = Clock()
        sides = [Side(f"sqlite:///{folder}/{key}.db", key, self.clock, self.stack) for key in (1, 2)]
        self.pair = Pair(*sides)
        self.sent: list[Signal] = []
        self.came: dict[str, int] = {}
        self.recalled_there = False

    def teardown(self) -> None:
        try:
            if self.pair.number:
                self._require_the_same()
        finally:
            self.stack.close()

    @initialize()
    def begin(self) -> None:
        self.pair.begin(expires=TODAY + timedelta(days=300), embargo=None)

    # At the contributor.

    @rule(confidence=st.integers(0, 100))
    def revise(self, confidence: int) -> None:
        self._do(self.pair.clear, lambda own: revisions.revise(own, self.clock.today, confidence=confidence))

    @rule(days=st.integers(-3, 5))
    def embargo(self, days: int) -> None:
        day = self.clock.today + timedelta(days=days)
        pair = self.pair

        def revise() -> None:
            pair.clear.change(
                pair.number, revisions.revise(pair.own, self.clock.today, embargo=day), "revised"
            )

        assert refused(revise) in (*_REFUSED, "signal.value")

    @rule(text=TEXTS)
    def contest(self, text: str) -> None:
        self._do(self.pair.clear, lambda own: revisions.dispute(own, self.clock.today, text))

    @rule(answer=ANSWERS)
    def settle(self, answer: DisputeState) -> None:
        self._do(self.pair.clear, lambda own: revisions.settle(own, self.clock.today, answer))

    @rule(text=TEXTS)
    def reply(self, text: str) -> None:
        self._do(self.pair.clear, lambda own: revisions.reply(own, self.clock.today, text))

    @rule()
    def recall(self) -> None:
        self._do(
            self.pair.clear,
            lambda own: revisions.recall(own, self.clock.today, RecallReason.ERROR),
        )

    # At the delegate.

    @rule(text=TEXTS)
    def contest_there(self, text: str) -> None:
        self._do(self.pair.delta, lambda own: revisions.dispute(own, self.clock.today, text))

    @rule(text=TEXTS)
    def reply_there(self, text: str) -> None:
        self._do(self.pair.delta, lambda own: revisions.reply(own, self.clock.today, text))

    @rule(chance=st.integers(0, 9))
    def recall_there(self, chance: int) -> None:
        if chance:
            return
        self._do(self.pair.delta, lambda own: revisions.recall(own, self.clock.today, RecallReason.WITHDRAWN))
        there = self.pair.there
        self.recalled_there |= there is not None and there.state is State.RECALLED

    # Between the two.

    @rule(answered=st.booleans())
    def hand_over(self, answered: bool) -> None:
        if code := refused(lambda: self.pair.hand_over(answered=answered)):
            assert (code, self.recalled_there) == ("signal.recalled", True)
        else:
            self.sent.append(self.pair.own)

    @rule(data=st.data())
    def replay(self, data: st.DataObject) -> None:
        """An earlier revision comes again, or one that was still on its way."""
        if not self.sent:
            return
        before, theirs = self.pair.there, data.draw(st.sampled_from(self.sent))
        if theirs != self.sent[-1]:
            code = refused(lambda: self.pair.delta.entrusted.take(offered(theirs), signed))
            assert code in ("signal.order", "signal.recalled")
        assert self.pair.there == before

    @rule()
    def ask(self) -> None:
        before, told = self.pair.own, self.pair.told
        self.pair.ask()
        if told is not None:
            # What the delegate has not heard yet is not undone by what it says.
            assert before.dispute == told.dispute or self.pair.own.dispute == before.dispute
            assert before.reply == told.reply or self.pair.own.reply == before.reply

    @rule(text=TEXTS, other=TEXTS, first=st.booleans())
    def both_speak(self, text: str, other: str, first: bool) -> None:
        """At the same time, before either has heard of the other."""
        self.reply(text)
        self.contest(other)
        self.reply_there(other)
        if first:
            self.ask()
        else:
            self.hand_over(answered=True)

    @rule(text=TEXTS, answer=ANSWERS)
    def answer_what_is_open_there(self, text: str, answer: DisputeState) -> None:
        self.contest_there(text)
        self.ask()
        self.settle(answer)

    @rule()
    def night(self) -> None:
        self.clock.pass_days(1)

    def _do(self, side: Side, make: Callable[[Signal], Signal]) -> None:
        number = self.pair.number
        if side is self.pair.delta:
            found = side.entrusted.find(CLEAR, self.pair.own.signal_id)
            if found is None or found[0] is None:
                return
            number = found[0]
        code = refused(lambda: side.change(number, make(side.newest(number)), "revised"))
        assert code in _REFUSED

    # What has to hold.

    @invariant()
    def one_signal_at_the_delegate_and_none_to_be_given_at_the_contributor(self) -> None:
        if not self.pair.number:
            return
        assert self.pair.delta.signals.count(include_expired=True) <= 1
        assert len(self.pair.clear.signals.facts(self.clock.today)) == 0

    @invariant()
    def what_was_recalled_does_not_come_back(self) -> None:
        there = self.pair.there if self.pair.number else None
        if there is not None and any(each.state is State.RECALLED for each in self.sent):
            assert there.state is State.RECALLED

    def _require_the_same(self) -> None:
        """Once both have heard of everything."""
        own_before, there_before, told = self.pair.own, self.pair.there, self.pair.told
        self.pair.settle_down()
        own, there = self.pair.own, self.pair.there
        if own.state is State.RECALLED:
            assert there is None or there.state is State.RECALLED
            return
        assert there is not None
        if self.recalled_there:
            assert there.state is State.RECALLED
            return
        for name in CONTENT:
            if name != "embargo":
                assert getattr(own, name) == getattr(there, name), name
        assert (own.dispute, own.reply) == (there.dispute, there.reply)
        # What was said last at either end stands.
        if there_before is not None:
            assert own.dispute in (own_before.dispute, there_before.dispute)
            assert own.reply in (own_before.reply, there_before.reply)
            if there_before.reply is not None:
                assert own.reply is not None
            # An answer to the very contest that is open there is not lost.
            contests = {(each.dispute.since, each.dispute.statement) for each in (own_before, there_before)}
            if told is not None and own_before.dispute != told.dispute and len(contests) == 1:
                assert own.dispute == own_before.dispute
        assert self.pair.own.revision == own.revision


TestEntrusting = Entrusting.TestCase
TestEntrusting.settings = settings(max_examples=30, stateful_step_count=25, deadline=None)
