"""What a contributor does about signals that others publish: handed over, asked about, taken in again."""

import asyncio
import logging
from collections.abc import Iterator
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from contributing_ngo import NGO, PURPOSE, Contributor, contributor
from signal_callers import Asker, Refusal
from signal_makers import make_draft
from signal_nodes import signature
from symbolon.errors import MembershipError, SignalError, SymbolonError, UnavailableError
from symbolon.policy.obligations import Notified
from symbolon.rpc import contributing, entrusting
from symbolon.rpc.contributing import Screened, contribute
from symbolon.rpc.entrusting import (
    ASK_S,
    ASKED_AT_ONCE,
    REFUSED_S,
    Delegates,
    ask,
    hand_over,
    require_delegate,
    shown_as_wanted,
)
from symbolon.rpc.node import Node
from symbolon.rpc.signal_client import corroborate
from symbolon.rpc.status import from_failure
from symbolon.signals.vocabulary import DisputeState, RecallReason, ShownAs, State
from symbolon.storage.delegation_store import StoredDelegation

BIRCH, ALDER = "birch", "alder"
"""The contributor, and a member that is off."""


class Line:
    """What stands for the network: calls reach the delegate in this process.

    Attributes:
        calls: methods that were called.
        is_off: nobody can be reached.
    """

    def __init__(self, asker: Asker) -> None:
        self.asker = asker
        self.calls: list[str] = []
        self.is_off = False

    async def call(self, node: Node, delegate: str, method: str, request: Any) -> Any:
        self.calls.append(method)
        if self.is_off or delegate != NGO:
            raise UnavailableError(f"{delegate} cannot be reached")
        answer = await asyncio.to_thread(self.asker.call, node.member_id, method, request)
        if isinstance(answer, Refusal):
            raise entrusting._explained(node, delegate, from_failure(delegate, answer.code))
        return answer


@pytest.fixture(scope="module")
def ngo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Contributor]:
    with contributor(tmp_path_factory.mktemp("coalition")) as made:
        made.founder.tell(made.folder / BIRCH)
        made.allow({"peer": ALDER}, more=f'[signals]\npublishes_for = ["{BIRCH}"]')
        yield made


@pytest.fixture
def delegate(ngo: Contributor) -> Iterator[Node]:
    with ngo.node() as node:
        yield node


@pytest.fixture
def node(ngo: Contributor) -> Iterator[Node]:
    with Node(ngo.folder / BIRCH) as node:
        yield node
        # The next test begins with nothing that waits.
        with node.database.transaction("forget") as connection:
            connection.exec_driver_sql("DELETE FROM signal_delegation")


@pytest.fixture
def line(delegate: Node, monkeypatch: pytest.MonkeyPatch) -> Line:
    made = Line(Asker(delegate))
    monkeypatch.setattr(entrusting, "_call", made.call)
    return made


def add(node: Node, to: str = NGO, *, as_kind: bool = False, **changes: Any) -> int:
    kept = require_delegate(node, to, as_kind=as_kind)
    draft = make_draft(
        **{"purposes": (PURPOSE,), "narrative": "", "native": None, "reference": "", **changes}
    )
    ((number, _),) = contribute(node, [Screened(draft)], reviewed=True, delegation=kept)
    return number


def stands(node: Node, number: int) -> StoredDelegation:
    found = node.delegations.find(number)
    assert found is not None
    return found


def there(node: Node, delegate: Node, number: int) -> Any:
    """The newest revision at the delegate."""
    return delegate.signals.get(stands(node, number).kept.their_id.hex()).signal


def newest(node: Node, number: int) -> Any:
    ((_, signal),) = node.signals.newest([number])
    return signal


def refused(work: Any) -> str:
    with pytest.raises(SymbolonError) as caught:
        asyncio.run(work)
    return caught.value.full_code


# -------------------------------------------------------------------------------------------- who may


def test_delegate_is_another_member_in_good_standing(node: Node) -> None:
    assert require_delegate(node, NGO, as_kind=True).as_kind
    with pytest.raises(SignalError) as caught:
        require_delegate(node, BIRCH, as_kind=False)
    assert caught.value.full_code == "signal.delegate"
    with pytest.raises(MembershipError):
        require_delegate(node, "nobody-co", as_kind=False)


def test_kind_is_shown_only_where_three_are_left_beside_the_delegate(node: Node, delegate: Node) -> None:
    # Four companies: one of them as the delegate leaves three.
    assert shown_as_wanted(node, require_delegate(node, ALDER, as_kind=True)) is ShownAs.COMPANY
    assert shown_as_wanted(node, require_delegate(node, ALDER, as_kind=False)) is ShownAs.PUBLISHER
    with pytest.raises(SignalError) as caught:
        require_delegate(delegate, BIRCH, as_kind=True)
    assert caught.value.full_code == "signal.kind"
    assert "fewer than 3 members are of the kind ngo" in caught.value.detail


# ---------------------------------------------------------------------------------------- handing over


def test_what_waits_is_handed_over_once_and_nothing_else(node: Node, delegate: Node, line: Line) -> None:
    number = add(node, as_kind=True)
    for _ in range(2):
        asyncio.run(hand_over(node, number))
    assert line.calls == ["Entrust"]
    stood = stands(node, number)
    assert (stood.delivered, stood.problem, stood.kept.shown_as) == (1, "", ShownAs.COMPANY)
    assert there(node, delegate, number).revision == 1


def test_delegate_that_is_off_is_noted_and_told_later(node: Node, delegate: Node, line: Line) -> None:
    number, line.is_off = add(node), True
    assert refused(hand_over(node, number)) == "unavailable"
    assert (stands(node, number).problem, stands(node, number).delivered) == ("unavailable", 0)
    line.is_off = False
    asyncio.run(Delegates(node).look())
    assert (stands(node, number).problem, stands(node, number).delivered) == ("", 1)


def test_text_that_a_person_looked_at_goes_with_that_word_and_later_ones_too(
    node: Node, delegate: Node, line: Line
) -> None:
    number = add(node, narrative="Call Maria Fernandez at +880 1712 345678.")
    assert stands(node, number).kept.reviewed
    asyncio.run(hand_over(node, number))
    plain = add(node)
    assert not stands(node, plain).kept.reviewed
    held = node.signals.get(newest(node, plain).hex_id)
    contributing.reply(node, held, "Ask Maria Fernandez, +880 1712 345678.", reviewed=True)
    assert stands(node, plain).kept.reviewed
    asyncio.run(hand_over(node, plain))
    assert there(node, delegate, plain).reply.text.startswith("Ask Maria")


def test_refusal_is_kept_with_its_reason_and_told_in_words(node: Node, delegate: Node, line: Line) -> None:
    number = add(node)
    asyncio.run(hand_over(node, number))
    held = delegate.signals.get(stands(node, number).kept.their_id.hex())
    contributing.recall(delegate, held, RecallReason.ERROR)
    contributing.revise(node, node.signals.get(newest(node, number).hex_id), reviewed=True, confidence=3)
    with pytest.raises(SymbolonError) as caught:
        asyncio.run(hand_over(node, number))
    assert caught.value.full_code == "permission.recalled"
    assert "Its people took the signal back" in str(caught.value.hint)
    assert stands(node, number).problem == "permission.recalled"
    # The recall that follows from it is nothing new there.
    contributing.recall(node, node.signals.get(newest(node, number).hex_id), RecallReason.ERROR)
    asyncio.run(hand_over(node, number))
    assert not stands(node, number).is_pending


# ------------------------------------------------------------------------------------------ taking in


def test_contest_and_reply_at_the_delegate_become_a_revision_of_the_contributors(
    node: Node, delegate: Node, line: Line
) -> None:
    number = add(node)
    asyncio.run(hand_over(node, number))
    held = delegate.signals.get(stands(node, number).kept.their_id.hex())
    held = contributing.dispute(delegate, held, "Not us.", reviewed=True)
    contributing.reply(delegate, held, "We repaid it.", reviewed=True)
    asyncio.run(ask(node, number))
    own = newest(node, number)
    assert (own.dispute.state, own.dispute.statement, own.reply.text) == (
        DisputeState.OPEN,
        "Not us.",
        "We repaid it.",
    )
    assert (own.revision, stands(node, number).is_pending) == (2, True)
    asyncio.run(hand_over(node, number))
    # The delegate says all of it already, and nothing goes in circles.
    assert there(node, delegate, number).revision == 3
    asyncio.run(ask(node, number))
    assert newest(node, number).revision == 2
    assert stands(node, number).kept.disclosed == 0


def test_answer_given_here_meanwhile_is_not_undone_by_what_the_delegate_has_not_heard(
    node: Node, delegate: Node, line: Line
) -> None:
    number = add(node)
    held = contributing.dispute(node, node.signals.get(newest(node, number).hex_id), "Not us.", reviewed=True)
    asyncio.run(hand_over(node, number))
    contributing.settle(node, held, DisputeState.REMEDIED)
    asyncio.run(ask(node, number))
    assert newest(node, number).dispute.state is DisputeState.REMEDIED
    asyncio.run(hand_over(node, number))
    assert there(node, delegate, number).dispute.state is DisputeState.REMEDIED


def test_signal_that_the_delegates_people_took_back_shows_as_such(
    node: Node, delegate: Node, line: Line
) -> None:
    number = add(node)
    asyncio.run(hand_over(node, number))
    held = delegate.signals.get(stands(node, number).kept.their_id.hex())
    contributing.recall(delegate, held, RecallReason.ERROR)
    asyncio.run(ask(node, number))
    assert stands(node, number).problem == "permission.recalled"
    assert newest(node, number).state is State.ACTIVE


def test_delegate_that_forgot_the_signal_is_told_it_again_with_the_next_revision(
    node: Node, delegate: Node, line: Line
) -> None:
    number = add(node)
    asyncio.run(hand_over(node, number))
    first = stands(node, number).kept.their_id
    with delegate.database.transaction("forget") as connection:
        connection.exec_driver_sql("UPDATE signal_entrusted SET payload = NULL, digest = randomblob(16)")
        connection.exec_driver_sql("UPDATE signal_entrusted SET id_digest = randomblob(16)")
    assert refused(ask(node, number)) == "permission.denied"
    assert stands(node, number).problem == "permission.denied"
    assert "an older database may have been put back" in entrusting.advice(node, "permission.denied")
    contributing.revise(node, node.signals.get(newest(node, number).hex_id), reviewed=True, confidence=3)
    asyncio.run(hand_over(node, number))
    assert (stands(node, number).problem, stands(node, number).delivered) == ("", 2)
    assert stands(node, number).kept.their_id != first
    asyncio.run(ask(node, number))
    assert stands(node, number).problem == ""


def test_delegates_people_revise_nothing_of_it_but_their_own_day_of_review(
    node: Node, delegate: Node, line: Line
) -> None:
    number = add(node)
    asyncio.run(hand_over(node, number))
    held = delegate.signals.get(stands(node, number).kept.their_id.hex())
    with pytest.raises(SignalError) as caught:
        contributing.revise(delegate, held, reviewed=True, confidence=3)
    assert caught.value.full_code == "signal.entrusted"
    day = held.signal.review - timedelta(days=1)
    assert contributing.revise(delegate, held, reviewed=True, review=day).signal.review == day


def test_nothing_is_asked_about_what_was_never_handed_over(node: Node, line: Line) -> None:
    number = add(node)
    asyncio.run(ask(node, number))
    (own,) = contribute(node, [Screened(make_draft(purposes=(PURPOSE,), reference=""))], reviewed=True)
    asyncio.run(hand_over(node, own[0]))
    assert line.calls == []


# ------------------------------------------------------------------------------------------- by itself


def test_turn_hands_recalls_over_first_and_names_nobody_in_the_log(
    node: Node, delegate: Node, line: Line, caplog: pytest.LogCaptureFixture
) -> None:
    first, second = add(node), add(node)
    for number in (first, second):
        asyncio.run(hand_over(node, number))
    contributing.revise(node, node.signals.get(newest(node, first).hex_id), reviewed=True, confidence=3)
    contributing.recall(node, node.signals.get(newest(node, second).hex_id), RecallReason.WITHDRAWN)
    order: list[int] = []
    real = node.delegations.note_delivered
    node.delegations.note_delivered = lambda number, *more, **said: (
        order.append(number),
        real(number, *more, **said),
    )[1]  # type: ignore[method-assign]
    with caplog.at_level(logging.DEBUG):
        asyncio.run(Delegates(node).look())
        line.is_off = True
        add(node)
        asyncio.run(Delegates(node).look())
    assert order == [second, first]
    assert "a signal waits for its delegate: unavailable" in caplog.text
    for word in (NGO, BIRCH, newest(node, first).hex_id):
        assert word not in caplog.text


def test_refused_revision_waits_longer_and_a_new_one_does_not(node: Node, delegate: Node, line: Line) -> None:
    now = [0.0]
    delegates, number = Delegates(node, lambda: now[0]), add(node)
    asyncio.run(hand_over(node, number))
    contributing.recall(
        delegate, delegate.signals.get(stands(node, number).kept.their_id.hex()), RecallReason.ERROR
    )
    contributing.revise(node, node.signals.get(newest(node, number).hex_id), reviewed=True, confidence=3)
    tried = []
    for at in (0.0, REFUSED_S - 1, REFUSED_S + 1):
        now[0] = at
        line.calls.clear()
        asyncio.run(delegates.look())
        tried.append(line.calls.count("Entrust"))
    assert tried == [1, 0, 1]
    contributing.revise(node, node.signals.get(newest(node, number).hex_id), reviewed=True, confidence=4)
    line.calls.clear()
    asyncio.run(delegates.look())
    assert line.calls.count("Entrust") == 1


def test_delegate_is_asked_now_and_then_about_some_signals_in_turn(
    node: Node, line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    now, asked = [0.0], []

    async def note(_: Node, number: int) -> None:
        asked.append(number)

    monkeypatch.setattr(entrusting, "ASKED_AT_ONCE", 2)
    monkeypatch.setattr(entrusting, "ask", note)
    numbers = [add(node) for _ in range(3)]
    delegates = Delegates(node, lambda: now[0])
    # The first turn hands them over.
    for at in (0.0, 30.0, ASK_S, ASK_S + 31, 2 * ASK_S, 2 * ASK_S + 32):
        now[0] = at
        asyncio.run(delegates.look())
    a, b, c = numbers
    assert asked == [a, b, c, a, b, c]
    assert ASKED_AT_ONCE > 2


def test_delegate_that_is_off_does_not_hold_up_another(node: Node, delegate: Node, line: Line) -> None:
    off, on = add(node, ALDER), add(node)
    later = add(node, ALDER)
    asyncio.run(Delegates(node).look())
    # It is tried once a turn, however much waits for it.
    assert line.calls.count("Entrust") == 2
    assert stands(node, later).problem == ""
    assert (stands(node, off).problem, stands(node, on).problem) == ("unavailable", "")
    assert stands(node, on).delivered == 1


# -------------------------------------------------------------------------------------------- what not


def test_approval_and_notice_are_the_delegates_business(node: Node) -> None:
    number = add(node)
    for work in (
        lambda: node.clearances.approve(number, ALDER),
        lambda: node.clearances.note_notice(number, Notified.SUPPLIER, node.now.date()),
    ):
        with pytest.raises(SignalError) as caught:
            work()
        assert caught.value.full_code == "signal.delegated"


def test_answer_about_a_revision_that_was_never_made_is_refused(
    node: Node, delegate: Node, line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = add(node)
    asyncio.run(hand_over(node, number))
    real = line.call

    async def lying(*arguments: Any) -> Any:
        answer = await real(*arguments)
        answer.taken = 9
        answer.reply, answer.reply_received = "We never did.", node.now.date().isoformat()
        answer.padding = b""
        return answer

    monkeypatch.setattr(entrusting, "_call", lying)
    assert refused(ask(node, number)) == "protocol.malformed"
    assert newest(node, number).reply is None


def test_signature_is_made_with_the_keys_of_today(
    node: Node, line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    number, sent = add(node), []
    real = line.call

    async def keep(node: Node, delegate: str, method: str, request: Any) -> Any:
        sent.append(request)
        return await real(node, delegate, method, request)

    monkeypatch.setattr(entrusting, "_call", keep)
    asyncio.run(hand_over(node, number))
    (request,) = sent
    assert request.signature == signature(node, newest(node, number))


@pytest.mark.parametrize("which", ["published for this member", "delegated", "published for another"])
def test_echo_is_refused_before_anybody_is_told(node: Node, delegate: Node, line: Line, which: str) -> None:
    number = add(node)
    asyncio.run(hand_over(node, number))
    their_id = stands(node, number).kept.their_id
    asks, view, own = node, (NGO, their_id), newest(node, number).hex_id
    if which == "delegated":
        view = (ALDER, bytes(16))
    elif which == "published for another":
        asks, view, own = delegate, (ALDER, bytes(16)), their_id.hex()
    signal = SimpleNamespace(signal_id=view[1], hex_id=view[1].hex())
    received: Any = SimpleNamespace(peer=view[0], purpose=PURPOSE, signal=signal, also_under=(), links=())
    logged = len(list(asks.audit.entries()))
    with pytest.raises(SignalError) as caught:
        asyncio.run(corroborate(asks, received, asks.signals.get(own)))
    assert caught.value.full_code == "signal.echo"
    assert len(list(asks.audit.entries())) == logged
