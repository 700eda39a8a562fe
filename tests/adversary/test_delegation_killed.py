"""kill -9 of the contributor between entry and send, and of the delegate between entry and answer.

Afterwards there is exactly one signal at the delegate, the contributor knows it, and a recall has arrived.
"""

import signal
from collections.abc import Iterator

import pytest

from clocked_signals import few_purposes
from delegating_nodes import ALDER, CLEAR, DELTA, add, add_command, by_others, make_members, say
from processes import wait_until
from real_nodes import Nodes
from signal_nodes import held, look_up, tombstones
from symbolon.rpc.node import Node
from symbolon.signals.vocabulary import State

_STORED = "committed add delegated signals"
_NOTED = "committing note what a delegate has"
_TAKEN = "take in what another member has published here"


@pytest.fixture(scope="module")
def nodes() -> Iterator[Nodes]:
    with few_purposes(1) as made:
        make_members(made)
        serve(made)
        yield made


def serve(nodes: Nodes) -> None:
    """Serves the delegate, which obeys orders."""
    nodes.start(DELTA, faulty=nodes.orders(DELTA), grace=1)


def at_delegate(nodes: Nodes) -> int:
    """Signals that it has ever had."""
    with Node(nodes.home(DELTA)) as node:
        return node.signals.count(include_expired=True)


def newest(nodes: Nodes) -> str:
    """The contributor's id of the signal that it added last."""
    with Node(nodes.home(CLEAR)) as node:
        return node.signals.list(0, 1)[0].signal.hex_id


@pytest.mark.parametrize(("number", "point"), [(0, _STORED), (1, _NOTED)])
def test_contributor_killed_between_entry_and_answer_has_it_published_once(
    nodes: Nodes, number: int, point: str
) -> None:
    before = at_delegate(nodes)
    order = nodes.order(CLEAR, "kill", point)
    nodes.run(CLEAR, *add_command(nodes, number, "--yes"), faulty=order, code=-signal.SIGKILL)
    hex_id = newest(nodes)
    assert by_others(nodes, hex_id)["state"] == "waiting"
    assert at_delegate(nodes) - before == (point == _NOTED)
    stood = by_others(nodes, hex_id, "--send")
    assert (stood["state"], at_delegate(nodes) - before) == ("delivered", 1)
    look_up(nodes, ALDER, DELTA)
    assert stood["published_as"] in held(nodes, ALDER, DELTA)


@pytest.mark.parametrize(("number", "point"), [(2, f"committing {_TAKEN}"), (3, f"committed {_TAKEN}")])
def test_delegate_killed_between_entry_and_answer_publishes_it_once_and_takes_the_recall_in(
    nodes: Nodes, number: int, point: str
) -> None:
    before = at_delegate(nodes)
    nodes.order(DELTA, "kill", point)
    out, said = add(nodes, number)
    assert f"It waits here for {DELTA}" in said
    hex_id = out.strip()
    wait_until(lambda: nodes.processes[DELTA].poll() is not None, "the delegate to die")
    assert at_delegate(nodes) - before == point.startswith("committed")
    serve(nodes)
    stood = by_others(nodes, hex_id, "--send")
    assert (stood["state"], at_delegate(nodes) - before) == ("delivered", 1)
    there = stood["published_as"]
    look_up(nodes, ALDER, DELTA)
    assert there in held(nodes, ALDER, DELTA)
    # The recall is lost in the same way, and carried out once.
    nodes.order(DELTA, "kill", point)
    _, said = say(nodes, CLEAR, "recall", hex_id, "--reason", "error", "--yes")
    assert f"It waits here for {DELTA}" in said
    wait_until(lambda: nodes.processes[DELTA].poll() is not None, "the delegate to die")
    serve(nodes)
    assert by_others(nodes, hex_id, "--send")["state"] == "delivered"
    with Node(nodes.home(DELTA)) as node:
        tombstone = node.signals.get(there).signal
    assert (tombstone.state, tombstone.revision) == (State.RECALLED, 2)
    look_up(nodes, ALDER, DELTA)
    assert there in tombstones(nodes, ALDER)
