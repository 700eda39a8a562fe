"""A member that answers with lies: the asker ends with a message and keeps what it had."""

import itertools
import os
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from raw_peer import fair_answer, rogue_server
from real_nodes import ALPHA, MALLORY, PURPOSES, Nodes, asking, real_nodes
from symbolon.api.exchange.v1 import exchange_pb2 as pb
from symbolon.cli.made_up_suppliers import MadeUpList

_IDLE_S, _SESSION_S = 3, 10
_FRESH = itertools.count(1)

Messages = Iterator[pb.SenderMessage]
Lie = Callable[[Iterator[Any]], Iterator[pb.SenderMessage | bytes]]


@pytest.fixture(scope="module")
def nodes() -> Iterator[Nodes]:
    with real_nodes() as alone:
        alone.add(ALPHA, MadeUpList(120, 0, 0, ALPHA))
        alone.add(MALLORY)
        configure(alone)
        yield alone


def configure(nodes: Nodes, **more: object) -> None:
    nodes.configure(ALPHA, allow=({"peer": MALLORY},), exchange={"idle_timeout_s": _IDLE_S, **more})


@pytest.fixture(scope="module")
def answers(nodes: Nodes) -> Iterator[list[Lie]]:
    """`MALLORY` answers by the last of these; in one place for all tests, since moving takes longest."""
    told: list[Lie] = []
    with rogue_server(nodes, MALLORY, lambda requests: told[-1](requests)):
        yield told


def changing(kind: str, change: Callable[[Any], object]) -> Lie:
    """A fair answer, but the first message of a kind is changed in place."""

    def answer(requests: Iterator[Any]) -> Messages:
        changed = False
        for message in fair_answer(requests):
            if not changed and message.WhichOneof("body") == kind:
                change(getattr(message, kind))
                changed = True
            yield message

    return answer


def without(kind: str) -> Lie:
    return lambda requests: (each for each in fair_answer(requests) if each.WhichOneof("body") != kind)


def twice(kind: str) -> Lie:
    def answer(requests: Iterator[Any]) -> Messages:
        for message in fair_answer(requests):
            yield message
            if message.WhichOneof("body") == kind:
                yield message

    return answer


def until(kind: str, then: Callable[[], None]) -> Lie:
    """A fair answer up to the first message of a kind, which does not come."""

    def answer(requests: Iterator[Any]) -> Messages:
        for message in fair_answer(requests):
            if message.WhichOneof("body") == kind:
                then()
                return
            yield message

    return answer


def offer(**fields: Any) -> Lie:
    def change(accept: pb.Accept) -> None:
        for name, value in fields.items():
            setattr(accept.tiers[0], name, value)

    return changing("accept", change)


def header(**fields: Any) -> Lie:
    return changing("accept", lambda accept: accept.tiers[0].deltas[0].MergeFrom(pb.DeltaHeader(**fields)))


def data(kind: str, change: Callable[[bytes], bytes]) -> Lie:
    return changing(kind, lambda message: setattr(message, "data", change(message.data)))


def raw(content: bytes) -> Lie:
    def answer(requests: Iterator[Any]) -> Iterator[bytes]:
        next(requests)
        yield content

    return answer


def working(*tell: tuple[str, int, int], before: str = "entries") -> Lie:
    """A fair answer with word of the work on (tier, done, total) before the first message of a kind."""

    def answer(requests: Iterator[Any]) -> Messages:
        left = list(tell)
        for message in fair_answer(requests):
            while left and message.WhichOneof("body") == before:
                tier, done, total = left.pop(0)
                yield pb.SenderMessage(working=pb.Working(tier=tier, done=done, total=total))
            yield message

    return answer


_BROKEN: dict[str, Lie] = {
    "an empty message": raw(b""),
    "entries without an offer": without("accept"),
    "two offers": twice("accept"),
    "offers of other tiers": offer(tier="C"),
    "key rules of 9 bytes": changing("accept", lambda accept: setattr(accept, "key_rules", bytes(9))),
    "endless key rules": changing("accept", lambda accept: setattr(accept, "key_rules", bytes(100_000))),
    "tags too short": offer(tag_bytes=10),
    "tags too long": offer(tag_bytes=33),
    "withdrawals that never come": offer(withdrawn=1000),
    "a billion entries": header(entries=2**30),
    "delta 0": changing("accept", lambda accept: accept.tiers[0].deltas[0].ClearField("number")),
    "more entries than offered": data("entries", lambda rows: rows + os.urandom(18)),
    "fewer entries than offered": data("entries", lambda rows: rows[:-18]),
    "torn entries": data("entries", lambda rows: rows[:-1]),
    "entries twice": twice("entries"),
    "no entries": without("entries"),
    "no evaluations": without("evaluated"),
    "evaluations twice": twice("evaluated"),
    "an all-zero evaluation": data("evaluated", lambda rows: bytes(32) + rows[32:]),
    "p - 1 as evaluation": data("evaluated", lambda rows: (2**255 - 20).to_bytes(32, "little") + rows[32:]),
    "fewer evaluations": data("evaluated", lambda rows: rows[:-32]),
    "evaluations of another tier": changing("evaluated", lambda it: setattr(it, "tier", "C")),
    "evaluations out of order": changing("evaluated", lambda it: setattr(it, "offset", 32)),
    "finish at once": without("evaluated"),
    "a failure in place of an answer": raw(
        pb.AskResponse(
            message=pb.SenderMessage(failure=pb.Failure(code="no", message="\x1b[2J"))
        ).SerializeToString()
    ),
}


_LIES_ABOUT_WORK: dict[str, Lie] = {
    "before the offer": working(("A", 0, 64), before="accept"),
    "on a tier that was not asked": working(("C", 0, 64)),
    "on a tier without a name": working(("", 0, 64)),
    "on more entries than offered": working(("A", 0, 65)),
    "on 2^64 - 1 entries": working(("A", 2**64 - 1, 2**64 - 1)),
    "more done than there is": working(("A", 65, 64)),
    "undone": working(("A", 5, 64), ("A", 4, 64)),
    "when all has come": working(("A", 64, 64), before="finish"),
}


def assert_nothing_kept(nodes: Nodes, purpose: str, sessions: int = 1) -> None:
    for table in ("received_set", "match_result"):
        sql = f"SELECT count(*) AS n FROM {table} WHERE purpose = :p"
        assert nodes.query(ALPHA, sql, p=purpose)[0].n == 0
    assert nodes.states(ALPHA, purpose) == ["failed"] * sessions


def test_node_fair_answer_is_taken(nodes: Nodes, answers: list[Lie]) -> None:
    # The control of all tests below: what they spoil does work.
    answers.append(fair_answer)
    figures = nodes.match(ALPHA, MALLORY, PURPOSES[next(_FRESH)], quick=True).figures
    assert figures["matched"] == {"certain": 0, "probable": 0}
    assert figures["key_rules"] == "unknown"


@pytest.mark.parametrize("name", _BROKEN)
def test_node_sender_that_breaks_the_protocol_ends_the_session(
    nodes: Nodes, answers: list[Lie], name: str
) -> None:
    purpose = PURPOSES[next(_FRESH)]
    answers.append(_BROKEN[name])
    code, talk = nodes.quick_error(ALPHA, MALLORY, purpose)
    assert code in (75, 76), talk
    assert "\x1b" not in talk
    assert_nothing_kept(nodes, purpose)


def test_node_sender_that_lies_about_its_work_ends_the_session(nodes: Nodes, answers: list[Lie]) -> None:
    purpose = PURPOSES[next(_FRESH)]
    for name, lie in _LIES_ABOUT_WORK.items():
        answers.append(lie)
        code, talk = nodes.quick_error(ALPHA, MALLORY, purpose)
        assert code in (75, 76), (name, talk)
    assert_nothing_kept(nodes, purpose, len(_LIES_ABOUT_WORK))
    # The control: what they spoil does work.
    answers.append(working(("A", 0, 64), ("B", 0, 64), ("A", 0, 64), ("A", 64, 64)))
    assert nodes.quick_match(ALPHA, MALLORY, purpose).rows == []


def test_node_sender_that_breaks_the_protocol_is_told_as_such_with_76(
    nodes: Nodes, answers: list[Lie]
) -> None:
    purpose = PURPOSES[next(_FRESH)]
    answers.append(_BROKEN["more entries than offered"])
    asked = nodes.run(ALPHA, *asking(MALLORY, purpose), code=76)
    assert "more than the 64 items declared" in asked.stderr


def test_node_sender_that_sends_garbage_bytes_ends_the_session(nodes: Nodes, answers: list[Lie]) -> None:
    purpose = PURPOSES[next(_FRESH)]
    answers.append(raw(b"\xff" * 1000))
    assert nodes.quick_error(ALPHA, MALLORY, purpose)[0] == 75
    assert_nothing_kept(nodes, purpose)


def test_node_sender_with_a_message_above_4_mib_ends_the_session(nodes: Nodes, answers: list[Lie]) -> None:
    purpose = PURPOSES[next(_FRESH)]
    answers.append(raw(bytes(5 << 20)))
    assert nodes.quick_error(ALPHA, MALLORY, purpose)[0] == 75
    assert_nothing_kept(nodes, purpose)


@pytest.mark.parametrize("kind", ["accept", "evaluated", "entries", "finish"])
def test_node_sender_that_hangs_up_half_way_ends_the_session_with_75(
    nodes: Nodes, answers: list[Lie], kind: str
) -> None:
    purpose = PURPOSES[next(_FRESH)]
    answers.append(until(kind, lambda: None))
    code, talk = nodes.quick_error(ALPHA, MALLORY, purpose)
    assert code == 75, talk
    assert_nothing_kept(nodes, purpose)


@pytest.mark.parametrize("kind", ["accept", "entries"])
def test_node_sender_that_falls_silent_ends_the_session_with_75_at_the_deadline(
    nodes: Nodes, answers: list[Lie], kind: str
) -> None:
    purpose = PURPOSES[next(_FRESH)]
    enough = threading.Event()
    answers.append(until(kind, lambda: enough.wait(60)))
    start = time.monotonic()
    code, talk = nodes.quick_error(ALPHA, MALLORY, purpose)
    assert (code, f"sent nothing for {_IDLE_S} s" in talk) == (75, True), talk
    assert _IDLE_S <= time.monotonic() - start < _IDLE_S + 20
    enough.set()
    assert_nothing_kept(nodes, purpose)


def test_node_sender_that_never_ends_the_call_does_not_hold_the_asker(
    nodes: Nodes, answers: list[Lie]
) -> None:
    purpose = PURPOSES[next(_FRESH)]
    enough = threading.Event()

    def answer(requests: Iterator[Any]) -> Messages:
        yield from fair_answer(requests)
        enough.wait(60)

    answers.append(answer)
    start = time.monotonic()
    # All of it came: there is nothing to wait for but good manners.
    result = nodes.quick_match(ALPHA, MALLORY, purpose)
    elapsed_s = time.monotonic() - start
    enough.set()
    assert result.rows == []
    assert elapsed_s < _IDLE_S + 20
    assert nodes.states(ALPHA, purpose) == ["done"]


def test_node_sender_that_says_stale_for_ever_is_asked_twice_and_no_more(
    nodes: Nodes, answers: list[Lie]
) -> None:
    purpose = PURPOSES[next(_FRESH)]
    calls = []

    def answer(requests: Iterator[Any]) -> Messages:
        calls.append(next(requests))
        yield pb.SenderMessage(failure=pb.Failure(code="protocol.stale_epoch", message="stale"))

    answers.append(answer)
    assert nodes.quick_error(ALPHA, MALLORY, purpose)[0] == 75
    assert len(calls) == 2


def test_node_sender_that_works_for_ever_holds_the_asker_no_longer_than_a_session(
    nodes: Nodes, answers: list[Lie]
) -> None:
    purpose = PURPOSES[next(_FRESH)]
    configure(nodes, session_timeout_s=_SESSION_S)

    def answer(requests: Iterator[Any]) -> Messages:
        for message in fair_answer(requests):
            if message.WhichOneof("body") == "entries":
                break
            yield message
        while True:
            # Most of the time it only keeps the asker from giving up; a flood is what the deadline meets.
            time.sleep(0.1 if time.monotonic() - start < _SESSION_S - 1 else 0)
            yield pb.SenderMessage(working=pb.Working(tier="A", done=1, total=64))

    answers.append(answer)
    start = time.monotonic()
    code, talk = nodes.quick_error(ALPHA, MALLORY, purpose)
    assert code == 75, talk
    assert _SESSION_S <= time.monotonic() - start < 30
    assert_nothing_kept(nodes, purpose)
