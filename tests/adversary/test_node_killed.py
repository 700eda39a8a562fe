"""kill -9 of either side at every phase: nothing is refunded, nothing is half-written, the other side ends."""

import itertools
import signal
from collections.abc import Iterator

import pytest

from real_nodes import ALPHA, BETA, PURPOSES, SHARED, Nodes, asking, two_nodes, wait_until

_FRESH = itertools.count(1)

_SENDER_POINTS = (
    "received Hello",
    "committing open a session",
    "committed open a session",
    "sending Accept",
    "received Elements",
    "sending Evaluated",
    "committing record a delta",
    "sending Entries",
    "sending Finish",
)
_RECEIVER_POINTS = (
    "committing begin a session",
    "sending Hello",
    "received Accept",
    "sending Elements",
    "received Evaluated",
    "received Entries",
    "received Finish",
    "committing store what a session brought",
    "committed store what a session brought",
)


@pytest.fixture(scope="module")
def nodes() -> Iterator[Nodes]:
    with two_nodes() as both:
        yield both


@pytest.mark.parametrize("point", _SENDER_POINTS)
def test_node_killed_while_answering_refunds_nothing_and_the_asker_ends_with_75(
    nodes: Nodes, point: str
) -> None:
    purpose = PURPOSES[next(_FRESH)]
    before = nodes.spent(BETA, ALPHA)
    nodes.start(BETA, fault=("kill", point))
    asked = nodes.run(ALPHA, *asking(BETA, purpose), code=75)
    assert "nothing was lost" in asked.stderr
    assert nodes.processes[BETA].wait(10) == -signal.SIGKILL
    debited = nodes.spent(BETA, ALPHA) - before
    opened = "answered" in nodes.events(BETA, purpose)
    assert opened == (point not in _SENDER_POINTS[:2])
    assert (debited > 0) == opened
    nodes.start(BETA)
    assert nodes.spent(BETA, ALPHA) - before == debited
    assert nodes.states(BETA, purpose) == ["failed"] * opened
    # The asker kept nothing of it, and the next session gives the whole answer, for its own budget.
    assert nodes.states(ALPHA, purpose) == ["failed"]
    held = "SELECT purpose FROM received_set WHERE purpose = :purpose UNION ALL SELECT purpose FROM match_result WHERE purpose = :purpose"
    assert nodes.query(ALPHA, held, purpose=purpose) == []
    result = nodes.match(ALPHA, BETA, purpose)
    assert result.ids() == SHARED
    asked_now = nodes.spent(BETA, ALPHA) - before - debited
    assert asked_now == debited or not opened


@pytest.mark.parametrize("point", _RECEIVER_POINTS)
def test_node_killed_while_asking_keeps_old_or_new_and_the_answerer_goes_on(nodes: Nodes, point: str) -> None:
    purpose = PURPOSES[next(_FRESH)]
    before = nodes.spent(BETA, ALPHA)
    nodes.run(ALPHA, *asking(BETA, purpose), fault=("kill", point), code=-signal.SIGKILL)
    # The other side ends by itself: no session of this purpose stays open, nobody waits for the dead.
    reached = point not in _RECEIVER_POINTS[:2]
    wait_until(lambda: "open" not in nodes.states(BETA, purpose), "the answerer to end the session")
    wait_until(lambda: len(nodes.states(BETA, purpose)) == reached or not reached, "the session")
    debited = nodes.spent(BETA, ALPHA) - before
    assert (debited > 0) == reached
    new = point.startswith("committed store")
    tables = ("received_set", "match_result")
    sizes = {
        table: nodes.query(ALPHA, f"SELECT 1 FROM {table} WHERE purpose = :p", p=purpose) for table in tables
    }
    assert {len(rows) for rows in sizes.values()} == ({2} if new else {0})
    # The next session gives the true result; what was stored is not paid for again.
    result = nodes.match(ALPHA, BETA, purpose)
    assert result.ids() == SHARED
    again = nodes.spent(BETA, ALPHA) - before - debited
    assert again == (64 if new else 120)
    assert nodes.states(BETA, purpose)[0] == ("done" if new else "done")
