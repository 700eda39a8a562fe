import asyncio
import contextlib
import threading
from typing import Any
from unittest.mock import MagicMock

import pytest

from symbolon.audit.document import Document
from symbolon.errors import BudgetError, RemoteProtocolError, UnavailableError
from symbolon.exchange.messages import Elements, Evaluated, Failure, SenderMessage, TierAsk, Working
from symbolon.policy.permission import Usage
from symbolon.rpc import sender_labels, sender_role, sender_session, set_making
from symbolon.rpc.concurrent import to_the_end
from symbolon.rpc.figures import Figures
from symbolon.rpc.sender_session import Ending
from symbolon.storage.supplier_store import ListKeys
from unit.exchange.harness import SenderEnd, hello_of, rng_of, size_answer, size_receiver, table_of

_WAIT_S = 30


class Heard:
    """Takes what a sender says; from the n-th message on the peer is gone."""

    def __init__(self, gone_at: int = 1000) -> None:
        self.messages: list[SenderMessage] = []
        self.enough = threading.Event()
        self._gone_at = gone_at

    async def send(self, message: SenderMessage) -> None:
        if len(self.messages) == self._gone_at:
            raise UnavailableError("the peer took nothing")
        self.messages.append(message)
        if len(self.messages) == 3:
            self.enough.set()


def make_a_set(wire: Any, *, slow: bool, failing: bool = False) -> bytes:
    """What the set is, once its making was waited for."""
    sender = SenderEnd(rng_of(1)).answer(hello_of((TierAsk("A", 64),), rng_of(2)), {"A": table_of({})}).sender
    sender.accept()

    def make() -> bytes:
        sender.made("A", 32)
        if failing:
            with pytest.raises(RemoteProtocolError):
                sender.receive(Failure("internal", "internal error"))
        if slow:
            assert wire.enough.wait(_WAIT_S)
        return b"the set"

    return asyncio.run(set_making.while_working(sender, wire, "A", asyncio.to_thread(make)))


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(set_making, "WORKING_EVERY_S", 0.05)


def test_sender_says_that_it_works_for_as_long_as_the_set_takes() -> None:
    wire = Heard()
    assert make_a_set(wire, slow=True) == b"the set"
    assert wire.messages[:3] == [Working("A", 32, 64)] * 3


def test_sender_whose_set_is_soon_made_says_nothing_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(set_making, "WORKING_EVERY_S", _WAIT_S)
    wire = Heard()
    assert make_a_set(wire, slow=False) == b"the set"
    assert wire.messages == []


def test_sender_whose_peer_is_gone_while_it_works_ends_with_that_error() -> None:
    wire = Heard(gone_at=1)
    threading.Timer(0.5, wire.enough.set).start()
    with pytest.raises(UnavailableError):
        make_a_set(wire, slow=True)


def test_sender_whose_session_fails_while_it_works_leaves_the_reason_to_whoever_met_it() -> None:
    wire = Heard()
    threading.Timer(0.5, wire.enough.set).start()
    assert make_a_set(wire, slow=True, failing=True) == b"the set"
    assert wire.messages == []


def test_sender_whose_session_ends_while_it_works_stops_making_the_set() -> None:
    told: list[int] = []
    first, session_over = threading.Event(), threading.Event()
    stopped_at: list[int] = []

    def make(made: set_making.Made) -> None:
        for part in range(3):
            try:
                made(part)
            except BaseException:
                stopped_at.append(part)
                raise
            first.set()
            assert session_over.wait(_WAIT_S)

    async def run() -> None:
        making = asyncio.ensure_future(set_making.in_parts(make, told.append))
        await asyncio.to_thread(first.wait, _WAIT_S)
        making.cancel()
        with pytest.raises(asyncio.CancelledError):
            await making
        session_over.set()

    asyncio.run(run())
    assert (told, stopped_at) == ([0], [1])


def test_sender_says_that_it_works_until_the_set_is_recorded() -> None:
    """The record may wait for another writer, half a minute at most."""
    sender = SenderEnd(rng_of(1)).answer(hello_of((TierAsk("A", 64),), rng_of(2)), {"A": table_of({})}).sender
    sender.accept()
    recorded: list[bool] = []
    wire: Any = Heard(gone_at=1)

    def record() -> None:
        threading.Event().wait(0.3)
        recorded.append(True)

    with pytest.raises(UnavailableError):
        asyncio.run(set_making.while_working(sender, wire, "A", to_the_end(record)))
    assert recorded


def answering(node: Any) -> tuple[Any, list[str]]:
    """A sender for `run_sender`, and in which order its node does what matters here."""
    order: list[str] = []

    def noting(what: str) -> Any:
        return lambda *_, **__: order.append(what)

    node.answering_lock.return_value.__exit__.side_effect = noting("unlocked")
    node.audit.append.side_effect = noting("refusal noted")
    node.sessions.end.side_effect = lambda *_, done, **__: order.append("done" if done else "failed")
    hello = hello_of((TierAsk("A", 64),), rng_of(2))
    node.config.node.coalition = hello.coalition
    wire: Any = Heard()
    return sender_role.run_sender(node, "peer", "answer", hello, wire, Figures()), order


def test_sender_that_refuses_a_hello_waits_for_the_keys_it_began_to_load() -> None:
    """One peer, refused again and again at no cost, would have the list loaded by every thread at once."""
    node: Any = MagicMock()
    session, order = answering(node)

    def load(tiers: Any) -> None:
        threading.Event().wait(0.3)
        order.append("loaded")
        raise UnavailableError("an error that nobody hears of")

    node.suppliers.load_list.side_effect = load
    node.sending.open_session.side_effect = BudgetError("spent")
    with pytest.raises(BudgetError):
        asyncio.run(session)
    assert order == ["loaded", "refusal noted", "unlocked"]


@pytest.mark.parametrize(("error", "state"), [(None, "done"), (UnavailableError("gone"), "failed")])
def test_sender_writes_the_end_of_a_session_before_it_unlocks(
    monkeypatch: pytest.MonkeyPatch, error: Exception | None, state: str
) -> None:
    """Another process takes a session that is open and not locked for one whose process has died."""

    async def run(*_: object) -> Ending:
        if error is not None:
            raise error
        return Ending("what was revealed", Document("result", b"{}"))

    monkeypatch.setattr(sender_role, "run_labelled", run)
    node: Any = MagicMock()
    node.suppliers.load_list.return_value = ListKeys({"A": table_of({})}, b"", 0)
    session, order = answering(node)
    with contextlib.suppress(UnavailableError):
        asyncio.run(session)
    assert order == [state, "unlocked"]


@pytest.mark.parametrize("signs", [True, False])
def test_sender_takes_only_a_signed_session_for_acknowledged(
    monkeypatch: pytest.MonkeyPatch, signs: bool
) -> None:
    signatures = {"own": b"o", **({"peer": b"p"} if signs else {})}
    ending = Ending("what was revealed", Document("result", b"{}", signatures), MagicMock())

    async def run(*_: object) -> Ending:
        return ending

    monkeypatch.setattr(sender_role, "run_labelled", run)
    node: Any = MagicMock()
    node.suppliers.load_list.return_value = ListKeys({"A": table_of({})}, b"", 0)
    session, _ = answering(node)
    asyncio.run(session)
    (ended,) = node.sessions.end.call_args_list
    assert ended.kwargs["beside"] is (ending.acknowledged if signs else None)
    assert ended.kwargs["sentence"].endswith("did not sign a receipt.") is not signs


@pytest.mark.parametrize(
    ("added_s", "rules_since_s", "due"),
    [
        (None, 0, True),
        (1000, 0, False),
        (900, 0, True),
        (1000, 999, False),
        (1000, 1000, True),
        (1000, 1050, True),
        (1000, 5000, False),
        (5000, 0, True),
    ],
    ids=["first", "young", "old", "rules before", "rules then", "rules since", "rules ahead", "delta ahead"],
)
def test_additions_are_due_after_the_interval_or_other_rules_whatever_the_clock_once_said(
    added_s: int | None, rules_since_s: int, due: bool
) -> None:
    assert sender_labels.additions_due(added_s, rules_since_s, now_s=1060.5, interval_s=100) is due


def test_size_sender_that_keeps_evaluations_back_says_that_it_works(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sender_session, "WORKING_EVERY_S", 0.0)
    table = table_of({1: {"a"}})
    session = size_receiver([table], rng_of(1))
    sender = size_answer(session.start(), [table], rng_of(2)).sender
    sender.accept()
    (whole,) = session.elements()
    halves = [Elements("A", at, whole.data[at * 32 :][: 128 * 32]) for at in (0, 128)]

    class Asked(Heard):
        async def expect(self) -> Elements:
            return halves.pop(0)

    wire: Any = Asked()
    asyncio.run(sender_session.evaluate_all(sender, wire, Figures()))
    assert [type(message) for message in wire.messages] == [Working, Evaluated]


def test_sender_decides_again_where_the_peer_asked_something_meanwhile(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Two sessions of a peer can be decided at the same time, and are held one after the other."""

    async def run(*_: object) -> Ending:
        return Ending("what was revealed", Document("result", b"{}"))

    monkeypatch.setattr(sender_role, "run_labelled", run)
    node: Any = MagicMock()
    node.suppliers.load_list.return_value = ListKeys({"A": table_of({})}, b"", 0)
    before, after = Usage(keys=64), Usage(keys=64, keys_epoch=640, keys_year=640)
    node.sending.usage.side_effect = [before, after]
    session, _ = answering(node)
    asyncio.run(session)
    decided = [call.args[0].usage for call in node.permission.require.call_args_list]
    assert decided == [before, after]
    node.sending.usage.side_effect = [after, after]
    session, _ = answering(node)
    asyncio.run(session)
    assert node.permission.require.call_count == 3
