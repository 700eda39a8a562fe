"""A sender whose set takes longer than the receiver would wait in silence, and one that stands still."""

import signal
import time
from collections.abc import Iterator

import pytest

from faulty_command import SLOW_S
from processes import wait_until
from real_nodes import ALPHA, BETA, PURPOSES, SHARED, Nodes, asking, real_nodes, two_nodes
from symbolon.cli.made_up_suppliers import MadeUpList

_IDLE_S = 1
"""The shortest that the configuration allows."""


@pytest.fixture(scope="module")
def nodes() -> Iterator[Nodes]:
    with two_nodes(faulty=True, exchange={"idle_timeout_s": _IDLE_S}) as both:
        yield both


def test_match_sender_that_needs_longer_for_its_set_is_waited_for_in_the_first_session(nodes: Nodes) -> None:
    purpose = PURPOSES[1]
    nodes.order(BETA, "slow", "making a set")
    result = nodes.match(ALPHA, BETA, purpose, quick=True)
    assert nodes.obeyed(BETA)
    assert result.ids() == SHARED
    assert result.figures["total_s"] > SLOW_S > 2 * _IDLE_S
    assert nodes.states(ALPHA, purpose) == nodes.states(BETA, purpose) == ["done"]


def test_match_caller_that_needs_longer_for_its_set_is_waited_for_when_it_offers_in_turn(
    nodes: Nodes,
) -> None:
    purpose = PURPOSES[2]
    order = nodes.order(ALPHA, "slow", "making a set")
    nodes.match(ALPHA, BETA, purpose, "--mutual", faulty=order)
    assert nodes.obeyed(ALPHA)
    wait_until(lambda: nodes.states(BETA, purpose) == ["done", "done"], "the invited end to store")


def test_match_sender_that_stands_still_while_it_makes_its_set_ends_the_session_with_75(nodes: Nodes) -> None:
    purpose = PURPOSES[3]
    nodes.order(BETA, "stop", "making a set")
    start = time.monotonic()
    try:
        asked = nodes.run(ALPHA, *asking(BETA, purpose), code=75)
    finally:
        nodes.processes[BETA].send_signal(signal.SIGCONT)
    assert f"sent nothing for {_IDLE_S} s" in asked.stderr
    assert time.monotonic() - start >= _IDLE_S
    assert nodes.states(ALPHA, purpose) == ["failed"]
    wait_until(lambda: "open" not in nodes.states(BETA, purpose), "the answerer to end the session")
    assert nodes.quick_match(ALPHA, BETA, purpose).ids() == SHARED


def test_match_asker_killed_while_the_set_is_made_asks_again_and_is_answered_at_once(nodes: Nodes) -> None:
    purpose = PURPOSES[4]
    nodes.order(BETA, "slow", "making a set")
    with nodes.begin(ALPHA, *asking(BETA, purpose)) as first:
        wait_until(lambda: nodes.obeyed(BETA), "the answerer to begin its set")
        first.kill()
    wait_until(lambda: "open" not in nodes.states(BETA, purpose), "the answerer to end the session")
    # The thread that makes the first session's set is still at it.
    assert nodes.quick_match(ALPHA, BETA, purpose).ids() == SHARED
    time.sleep(SLOW_S)
    assert nodes.quick_match(ALPHA, BETA, purpose).ids() == SHARED
    assert "defect" not in nodes.log(BETA)


def test_match_size_sender_that_needs_longer_for_its_tokens_is_waited_for() -> None:
    sections: dict[str, dict[str, object]] = {"exchange": {"idle_timeout_s": _IDLE_S}}
    with real_nodes() as large:
        large.add(ALPHA, MadeUpList(1000, 0, 0, ALPHA), allow=({"peer": BETA},), **sections)
        large.add(BETA, MadeUpList(1000, 500, 0, BETA), allow=({"peer": ALPHA},), **sections)
        large.start(BETA, faulty=large.order(BETA, "slow", "making a set"))
        told = large.run(ALPHA, "match", BETA, "--purpose", PURPOSES[0], "--tiers", "A", quick=True)
        assert large.obeyed(BETA)
        assert told.stdout == "Shared suppliers: at least 500.\n"
