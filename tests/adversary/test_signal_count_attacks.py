"""Members that ask for a number of signals to see single ones, and publishers that tell what is no number."""

import asyncio
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from contributing_ngo import PURPOSE, Contributor, contributor
from signal_callers import Asker, Refusal
from signal_makers import make_draft
from signal_nodes import signature
from symbolon.api.signal.v1 import signal_pb2 as pb
from symbolon.errors import RemoteProtocolError
from symbolon.rpc import signal_client, signal_service
from symbolon.rpc.node import Node
from symbolon.rpc.signal_codec import LEAST_COUNT
from symbolon.signals import revisions
from symbolon.signals.vocabulary import RecallReason
from symbolon.storage.signal_store import NewSignal

REMEDIATION = "remediation"
DENIED = Refusal("PERMISSION_DENIED", "permission.denied", "not permitted")
FEWER = LEAST_COUNT - 1
DAY_S = 86_400


@pytest.fixture
def ngo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Contributor]:
    with contributor(tmp_path_factory.mktemp("coalition"), (PURPOSE, REMEDIATION)) as made:
        made.allow({"peer": "birch", "purposes": (PURPOSE, REMEDIATION)})
        yield made


class Publisher:
    """The NGO's node by a clock that is moved; a new process each time that it is asked."""

    def __init__(self, ngo: Contributor) -> None:
        self.home = ngo.home
        with ngo.node() as node:
            self.now_s = node.clock()

    def _with_node(self, work: Callable[[Node], Any]) -> Any:
        now_s = self.now_s
        with Node(self.home, clock=lambda: now_s) as node:
            return work(node)

    def add(self, *purposes: str) -> str:
        def work(node: Node) -> str:
            draft = make_draft(purposes=purposes or (PURPOSE, REMEDIATION), expires=None, review=None)
            signal = draft.first_revision(os.urandom(16), node.now.date())
            node.signals.add_many([NewSignal(signal, signature(node, signal), "", "")], workers=0)
            return signal.hex_id

        return str(self._with_node(work))

    def recall(self, hex_id: str) -> None:
        def work(node: Node) -> None:
            held = node.signals.get(hex_id).signal
            new = revisions.recall(held, node.now.date(), RecallReason.ERROR)
            node.signals.recall(new, signature(node, new))

        self._with_node(work)

    def count(self, member: str = "birch", purpose: str = PURPOSE) -> Any:
        request = pb.CountRequest(purpose=purpose)

        def work(node: Node) -> Any:
            answer = Asker(node).call(member, "Count", request)
            return answer if isinstance(answer, Refusal) else answer.signals

        return self._with_node(work)


def test_one_signal_that_comes_and_goes_is_not_seen_by_asking_daily_or_hourly(ngo: Contributor) -> None:
    publisher = Publisher(ngo)
    for _ in range(4):
        publisher.add()
    seen, last = set(), ""
    for _ in range(4):
        for purpose in (PURPOSE, REMEDIATION):
            seen.add(publisher.count(purpose=purpose))
            publisher.now_s += DAY_S / 4
        last = publisher.add()
        seen.add(publisher.count())
        publisher.now_s += DAY_S / 2
        seen.add(publisher.count())
        publisher.recall(last)
    assert seen == {4}


def test_signals_that_are_many_are_seen_a_day_later_and_not_before(ngo: Contributor) -> None:
    publisher = Publisher(ngo)
    assert publisher.count() == FEWER
    for _ in range(5):
        publisher.add()
    assert publisher.count() == FEWER
    publisher.now_s += DAY_S
    assert publisher.count() == 5


def test_none_one_and_two_signals_are_one_answer_day_after_day(ngo: Contributor) -> None:
    publisher = Publisher(ngo)
    answers = [publisher.count()]
    for _ in range(2):
        publisher.add()
        publisher.now_s += DAY_S
        answers.append(publisher.count())
    assert answers == [FEWER] * 3


def test_member_that_lost_its_permit_is_not_told_the_number_from_before(ngo: Contributor) -> None:
    publisher = Publisher(ngo)
    for _ in range(3):
        publisher.add()
    assert publisher.count() == 3
    ngo.allow({"peer": "birch", "signals": False})
    assert publisher.count() == DENIED


def test_member_without_a_permit_cannot_tell_a_purpose_with_signals_from_one_without(
    ngo: Contributor, monkeypatch: pytest.MonkeyPatch
) -> None:
    publisher = Publisher(ngo)
    for _ in range(3):
        publisher.add(PURPOSE)
    monkeypatch.setattr(signal_service, "STEP_S", 0.05)
    with ngo.node() as node:
        asker, took_s = Asker(node), []
        for purpose in (PURPOSE, REMEDIATION, "resale"):
            assert asker.call("cedar", "Count", pb.CountRequest(purpose=purpose)) == DENIED
            took_s.append(asker.took_s)
        assert min(took_s) >= 0.05
        with node.database.read("test") as connection:
            assert not connection.exec_driver_sql("SELECT * FROM signal_count").all()


def test_questions_at_once_while_signals_are_added_have_one_answer(ngo: Contributor) -> None:
    publisher = Publisher(ngo)
    for _ in range(3):
        publisher.add()
    with ngo.node() as node, ThreadPoolExecutor(8) as pool:
        service = signal_service.SignalService(node)
        tell = service._counting.tell
        asked = [pool.submit(tell, "birch", PURPOSE) for _ in range(12)]
        for _ in range(3):
            publisher.add()
        asked += [pool.submit(tell, "birch", REMEDIATION) for _ in range(12)]
        assert len({each.result() for each in asked[:12]}) == 1
        assert len({each.result() for each in asked}) == 1
        entries = [each.values for each in node.audit.entries() if each.values["event"] == "counted"]
    assert [each["note"] for each in entries].count("counted now") == 1
    assert len(entries) == 24


@pytest.mark.parametrize("signals", [0, 1])
def test_publisher_that_tells_a_number_below_three_is_refused_and_its_number_kept_nowhere(
    ngo: Contributor, monkeypatch: pytest.MonkeyPatch, signals: int
) -> None:
    async def lie(*_: object) -> pb.CountResponse:
        return pb.CountResponse(signals=signals)

    monkeypatch.setattr(signal_client, "_call", lie)
    with ngo.node() as node:
        with pytest.raises(RemoteProtocolError) as caught:
            asyncio.run(signal_client.ask_count(node, "birch", PURPOSE))
        assert caught.value.full_code == "protocol.malformed"
        (entry,) = [each.values for each in node.audit.entries() if each.values["event"] == "counted"]
    assert (entry["note"], entry["counts"]) == ("asked", "{}")
