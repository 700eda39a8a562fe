"""kill -9 of either side at every phase, a side that stops half-way, a disk that fills up during a session.

Nothing is refunded, nothing is half-written, the other side ends with a message and exit code 75 within its
deadline, and the next session gives the whole answer.
"""

import itertools
import resource
import signal
import time
from collections.abc import Iterator

import pytest

from processes import wait_until
from real_nodes import ALPHA, BETA, PURPOSES, SHARED, Nodes, asking, two_nodes

_IDLE_S = 3
_FRESH = itertools.count(1)
_KEYS = 120
"""Elements of a first session and tier: as many keys as suppliers, which is a padding class."""

_BEFORE_DEBIT = ("received Hello", "committing open a session")
_ANSWERING = (
    *_BEFORE_DEBIT,
    "committed open a session",
    "sending Accept",
    "received Elements",
    "sending Evaluated",
    "committing record a delta",
    "sending Entries",
    "sending Finish",
)
_BEFORE_HELLO = ("committing begin a session", "sending Hello")
_STORED = "committed store what a session brought"
_ASKING = (
    *_BEFORE_HELLO,
    "received Accept",
    "sending Elements",
    "received Evaluated",
    "received Entries",
    "received Finish",
    "committing store what a session brought",
    _STORED,
)


@pytest.fixture(scope="module")
def nodes() -> Iterator[Nodes]:
    with two_nodes(faulty=True, exchange={"idle_timeout_s": _IDLE_S}) as both:
        yield both


@pytest.fixture(autouse=True)
def _served(nodes: Nodes) -> None:
    """A test that failed half-way leaves the next one a node that works."""
    if nodes.processes[BETA].poll() is not None:
        nodes.start(BETA, faulty=nodes.orders(BETA))


def held_for(nodes: Nodes, purpose: str) -> int:
    """Rows that `ALPHA` holds of what sessions for this purpose brought."""
    tables = ("received_set", "match_result")
    counts = [f"SELECT count(*) AS n FROM {table} WHERE purpose = :purpose" for table in tables]
    return sum(row.n for row in nodes.query(ALPHA, " UNION ALL ".join(counts), purpose=purpose))


def assert_next_session_is_whole(nodes: Nodes, purpose: str) -> None:
    assert nodes.quick_match(ALPHA, BETA, purpose).ids() == SHARED
    wait_until(lambda: "open" not in nodes.states(BETA, purpose), "the answerer to close every session")
    assert nodes.states(BETA, purpose)[0] == "done"


@pytest.mark.parametrize("point", _ANSWERING)
def test_node_killed_while_answering_refunds_nothing_and_the_asker_ends_with_75(
    nodes: Nodes, point: str
) -> None:
    purpose = PURPOSES[next(_FRESH)]
    before = nodes.spent(BETA, ALPHA)
    nodes.order(BETA, "kill", point)
    asked = nodes.run(ALPHA, *asking(BETA, purpose), code=75, quick=True)
    assert "nothing was lost" in asked.stderr
    assert nodes.processes[BETA].wait(10) == -signal.SIGKILL
    debited = nodes.spent(BETA, ALPHA) - before
    assert debited == (0 if point in _BEFORE_DEBIT else _KEYS)
    assert ("answered" in nodes.events(BETA, purpose)) == bool(debited)
    assert nodes.states(ALPHA, purpose) == ["failed"]
    assert held_for(nodes, purpose) == 0
    nodes.start(BETA, faulty=nodes.orders(BETA))
    assert nodes.spent(BETA, ALPHA) - before == debited
    assert nodes.states(BETA, purpose) == ["failed"] * bool(debited)
    assert_next_session_is_whole(nodes, purpose)
    assert nodes.spent(BETA, ALPHA) - before == debited + _KEYS


@pytest.mark.parametrize("point", _ASKING)
def test_node_killed_while_asking_keeps_old_or_new_and_the_answerer_goes_on(nodes: Nodes, point: str) -> None:
    purpose = PURPOSES[next(_FRESH)]
    before = nodes.spent(BETA, ALPHA)
    order = nodes.order(ALPHA, "kill", point)
    nodes.run(ALPHA, *asking(BETA, purpose), faulty=order, code=-signal.SIGKILL)
    reached = point not in _BEFORE_HELLO
    wait_until(
        lambda: nodes.states(BETA, purpose) in (["done"], ["failed"]) if reached else True,
        "the answerer to end the session by itself",
    )
    debited = nodes.spent(BETA, ALPHA) - before
    assert debited == _KEYS * reached
    # One row for each of two tiers, in each of two tables, or none at all.
    assert held_for(nodes, purpose) == (4 if point == _STORED else 0)
    assert_next_session_is_whole(nodes, purpose)
    again = nodes.spent(BETA, ALPHA) - before - debited
    assert again == (64 if point == _STORED else _KEYS)


@pytest.mark.parametrize("point", ["received Hello", "sending Evaluated", "sending Finish"])
def test_node_stopped_while_answering_the_asker_ends_with_75_within_its_deadline(
    nodes: Nodes, point: str
) -> None:
    purpose = PURPOSES[next(_FRESH)]
    nodes.order(BETA, "stop", point)
    start = time.monotonic()
    asked = nodes.run(ALPHA, *asking(BETA, purpose), code=75, quick=True)
    assert f"sent nothing for {_IDLE_S} s" in asked.stderr
    assert time.monotonic() - start >= _IDLE_S
    spent = nodes.spent(BETA, ALPHA)
    nodes.processes[BETA].send_signal(signal.SIGCONT)
    assert nodes.spent(BETA, ALPHA) >= spent
    assert_next_session_is_whole(nodes, purpose)


def test_node_stopped_while_asking_the_answerer_ends_and_the_debit_stays(nodes: Nodes) -> None:
    purpose = PURPOSES[next(_FRESH)]
    before = nodes.spent(BETA, ALPHA)
    order = nodes.order(ALPHA, "stop", "sending Elements")
    with nodes.begin(ALPHA, *asking(BETA, purpose), faulty=order) as process:
        wait_until(lambda: nodes.states(BETA, purpose) in (["done"], ["failed"]), "the answerer to give up")
        assert nodes.states(BETA, purpose) == ["failed"]
        assert f"sent nothing for {_IDLE_S} s" in nodes.log(BETA)
        assert nodes.spent(BETA, ALPHA) - before == _KEYS
        process.send_signal(signal.SIGCONT)
        _, talk = process.communicate(timeout=30)
        assert (process.returncode, "Traceback" in talk) == (75, False), talk
    assert_next_session_is_whole(nodes, purpose)


@pytest.mark.parametrize("point", ["received Hello", "committed open a session"])
def test_node_disk_full_while_answering_asker_ends_with_75_and_service_goes_on(
    nodes: Nodes, point: str
) -> None:
    purpose = PURPOSES[next(_FRESH)]
    before = nodes.spent(BETA, ALPHA)
    nodes.order(BETA, "full", point)
    asked = nodes.run(ALPHA, *asking(BETA, purpose), code=75)
    assert f"{BETA} cannot answer now" in asked.stderr
    assert "storage." in nodes.log(BETA)
    assert nodes.spent(BETA, ALPHA) - before == (0 if point == "received Hello" else _KEYS)
    assert "released" not in nodes.events(BETA, purpose)
    lift_limit(nodes)
    assert nodes.quick_match(ALPHA, BETA, purpose).ids() == SHARED


def lift_limit(nodes: Nodes) -> None:
    process = nodes.processes[BETA].pid
    _, hard = resource.prlimit(process, resource.RLIMIT_FSIZE)
    resource.prlimit(process, resource.RLIMIT_FSIZE, (hard, hard))


@pytest.mark.parametrize("point", ["sending Hello", "received Finish"])
def test_node_disk_full_while_asking_ends_with_74_and_the_old_result_stays(nodes: Nodes, point: str) -> None:
    purpose = PURPOSES[next(_FRESH)]
    order = nodes.order(ALPHA, "full", point)
    asked = nodes.run(ALPHA, *asking(BETA, purpose), faulty=order, code=74)
    assert "nothing was changed" in asked.stderr
    assert held_for(nodes, purpose) == 0
    assert_next_session_is_whole(nodes, purpose)
