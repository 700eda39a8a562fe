"""Any sequence of contests, replies, decisions and voices leaves a signal as a plain model of it says."""

import tempfile
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from signal_makers import TODAY
from stored_signals import SEALER, Clock, new_signal, signal_store, signed
from symbolon.errors import PermissionDeniedError, SignalError
from symbolon.signals import revisions
from symbolon.signals.signal import Signal
from symbolon.signals.vocabulary import DisputeState, RecallReason, State
from symbolon.storage.database import Database
from symbolon.storage.signal_response_columns import Relayed, ResponseKind, ResponseState
from symbolon.storage.signal_response_store import Answer, Response, SignalResponseStore

PEERS = st.sampled_from(["alder", "birch", "cedar"])
KINDS = st.sampled_from(ResponseKind)
TEXTS = st.sampled_from(["Not us.", "That was a neighbour.", "We repaid it."])


@dataclass
class Model:
    """One signal and what others said about it."""

    dispute: DisputeState = DisputeState.NONE
    statement: str = ""
    reply: str | None = None
    recalled: bool = False
    revision: int = 1
    voices: set[str] = field(default_factory=set)
    texts: dict[tuple[str, ResponseKind, str], ResponseState] = field(default_factory=dict)

    def is_open_to(self, peer: str, kind: ResponseKind) -> bool:
        """Whether a new text of a member would be taken."""
        states = [state for (who, what, _), state in self.texts.items() if (who, what) == (peer, kind)]
        accepted = kind is ResponseKind.CONTEST and self.dispute is DisputeState.OPEN
        return ResponseState.WAITING not in states and not (accepted and ResponseState.ACCEPTED in states)


class Contesting(RuleBasedStateMachine):
    """The store against the model."""

    def __init__(self) -> None:
        super().__init__()
        self.stack = ExitStack()
        folder = self.stack.enter_context(tempfile.TemporaryDirectory())
        url = f"sqlite:///{Path(folder)}/node.db"
        self.database = self.stack.enter_context(Database.open(url, create=True))
        clock = Clock()
        self.signals = signal_store(self.database, clock)
        self.responses = SignalResponseStore(self.database, SEALER, clock)
        self.model = Model()

    def teardown(self) -> None:
        self.stack.close()

    @initialize()
    def begin(self) -> None:
        (self.number,) = self.signals.add_many([new_signal(0)])

    @property
    def newest(self) -> Signal:
        ((_, signal),) = self.signals.newest([self.number])
        return signal

    @property
    def waiting(self) -> list[Response]:
        return list(self.responses.waiting())

    @rule(peer=PEERS, kind=KINDS, text=TEXTS)
    def relay(self, peer: str, kind: ResponseKind, text: str) -> None:
        model, key = self.model, (peer, kind, text)
        try:
            found = self.responses.take(peer, self.number, Relayed(kind, text, TODAY, "audit"), signed).state
        except SignalError:
            assert model.recalled
            return
        except PermissionDeniedError:
            assert key not in model.texts
            assert not model.is_open_to(peer, kind)
            return
        assert not model.recalled
        if key in model.texts:
            assert found is model.texts[key]
            return
        assert model.is_open_to(peer, kind)
        model.texts[key] = ResponseState.WAITING
        if kind is ResponseKind.CONTEST and model.dispute is not DisputeState.OPEN:
            model.dispute, model.statement = DisputeState.OPEN, ""
            model.revision += 1

    @precondition(lambda self: self.waiting)
    @rule(data=st.data())
    def accept(self, data: st.DataObject) -> None:
        model, found = self.model, data.draw(st.sampled_from(self.waiting))
        kind, text = found.relayed.kind, found.relayed.text
        make = revisions.dispute if kind is ResponseKind.CONTEST else revisions.reply
        answer = None
        try:
            new = make(self.newest, TODAY, text)
            answer = Answer(new, signed(new), "disputed" if kind is ResponseKind.CONTEST else "replied")
            model.revision += 1
        except SignalError as error:
            if error.full_code != "signal.unchanged":
                raise
        self.responses.accept(found.response_id, answer)
        model.texts[found.peer, kind, text] = ResponseState.ACCEPTED
        if kind is ResponseKind.CONTEST:
            model.dispute, model.statement = DisputeState.OPEN, text
        else:
            model.reply = text

    @precondition(lambda self: self.waiting)
    @rule(data=st.data())
    def decline(self, data: st.DataObject) -> None:
        model, found = self.model, data.draw(st.sampled_from(self.waiting))
        key = (found.peer, found.relayed.kind, found.relayed.text)
        ended = self.responses.decline(found.response_id, "It was.", signed)
        model.texts[key] = ResponseState.DECLINED
        others = any(
            state is ResponseState.WAITING and kind is ResponseKind.CONTEST
            for (_, kind, _), state in model.texts.items()
        )
        is_last = key[1] is ResponseKind.CONTEST and not others and not model.statement
        assert ended == (is_last and model.dispute is DisputeState.OPEN)
        if ended:
            model.dispute = DisputeState.MAINTAINED
            model.revision += 1

    @precondition(lambda self: not self.model.recalled and self.model.dispute is DisputeState.OPEN)
    @rule(state=st.sampled_from([DisputeState.MAINTAINED, DisputeState.CORRECTED, DisputeState.REMEDIED]))
    def settle(self, state: DisputeState) -> None:
        new = revisions.settle(self.newest, TODAY, state)
        self.signals.add_revision(new, signed(new), "settled")
        self.model.dispute = state
        self.model.revision += 1

    @rule(peer=PEERS)
    def corroborate(self, peer: str) -> None:
        try:
            added = self.responses.corroborate(peer, self.number, "audit")
        except SignalError:
            assert self.model.recalled
            return
        assert added == (peer not in self.model.voices)
        self.model.voices.add(peer)

    @rule(peer=PEERS)
    def withdraw(self, peer: str) -> None:
        try:
            taken = self.responses.withdraw(peer, self.number, "audit")
        except SignalError:
            assert self.model.recalled
            return
        assert taken == (peer in self.model.voices)
        self.model.voices.discard(peer)

    @precondition(lambda self: not self.model.recalled)
    @rule(really=st.integers(0, 9))
    def recall(self, really: int) -> None:
        if really:
            return
        tombstone = revisions.recall(self.newest, TODAY, RecallReason.ERROR)
        self.signals.recall(tombstone, signed(tombstone))
        self.model.recalled = True
        self.model.revision += 1

    @invariant()
    def agrees(self) -> None:
        model, signal = self.model, self.newest
        assert signal.revision == model.revision
        assert self.signals.contributors([self.number]) == {self.number: 1 + len(model.voices)}
        assert list(self.responses.corroborating(self.number)) == sorted(model.voices)
        states = model.texts.values()
        if model.recalled:
            assert signal.state is State.RECALLED
            assert self.waiting == []
            return
        assert (signal.dispute.state, signal.dispute.statement) == (model.dispute, model.statement)
        assert (signal.reply and signal.reply.text) == model.reply
        assert len(self.waiting) == sum(state is ResponseState.WAITING for state in states)


TestContesting = Contesting.TestCase
TestContesting.settings = settings(max_examples=20, stateful_step_count=25)
