"""Following signals: what is told at once arrives at once, a gap heals, and who is behind shows."""

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

from processes import wait_until
from real_nodes import Nodes, real_nodes
from signal_nodes import contribute, held, look_up, recall, records, tombstones
from symbolon.cli.local_coalition import PURPOSE
from symbolon.cli.made_up_suppliers import MadeUpList
from symbolon.signals.vocabulary import Indicator

WATCH, ALDER, BIRCH = "watch-ngo", "alder-co", "birch-co"


@pytest.fixture(scope="module")
def nodes() -> Iterator[Nodes]:
    """An organisation serves; alder's node is served too, birch only has a list."""
    with real_nodes() as nodes:
        nodes.coalition.add(WATCH, kind="ngo")
        for member in (ALDER, BIRCH):
            nodes.coalition.add(member, kind="company")
        nodes.configure(WATCH, allow=tuple({"peer": each, "signals": True} for each in (ALDER, BIRCH)))
        for member in (ALDER, BIRCH):
            nodes.configure(member, allow=({"peer": WATCH, "signals": True},))
            nodes.take_in(member, MadeUpList(20, 0, 0, member))
        nodes.start(WATCH)
        yield nodes


def feeds(nodes: Nodes) -> dict[tuple[str, str], dict[str, Any]]:
    done = nodes.run(WATCH, "signals", "feeds", "--json", quick=True)
    return {(each["peer"], each["purpose"]): each for each in json.loads(done.stdout)}


def test_watch_brings_a_recall_and_an_urgent_signal_at_once_and_nothing_else(nodes: Nodes) -> None:
    some = records(nodes, ALDER, 4)
    first, second = contribute(nodes, WATCH, some[:2])
    with nodes.begin(ALDER, "signals", "watch", WATCH, "--purpose", PURPOSE, "--json") as watching:
        assert watching.stdout is not None
        assert json.loads(watching.stdout.readline())["added"] == 2
        contribute(nodes, WATCH, some[2:3])
        recall(nodes, WATCH, first)
        began = time.monotonic()
        news = json.loads(watching.stdout.readline())
        assert time.monotonic() - began < 20
        assert (news["recalled"], news.get("added", 0)) == (1, 0)
        (urgent,) = contribute(
            nodes, WATCH, some[3:], indicators=frozenset({Indicator.CHILD_LABOUR}), urgent=True
        )
        assert json.loads(watching.stdout.readline())["added"] == 1
    assert held(nodes, ALDER).keys() == {second, urgent}
    assert first in tombstones(nodes, ALDER)


def test_served_node_goes_on_following_until_it_is_told_to_stop(nodes: Nodes) -> None:
    listed = json.loads(nodes.run(ALDER, "signals", "watch", "--json", quick=True).stdout)
    assert [(each["peer"], each["purpose"]) for each in listed] == [(WATCH, PURPOSE)]
    (hex_id,) = contribute(
        nodes, WATCH, records(nodes, ALDER, 1, 5), indicators=frozenset({Indicator.CHILD_LABOUR}), urgent=True
    )
    nodes.start(ALDER)
    wait_until(lambda: hex_id in held(nodes, ALDER), "the served node to follow")
    recall(nodes, WATCH, hex_id)
    wait_until(lambda: hex_id in tombstones(nodes, ALDER), "the recall to arrive")
    nodes.run(ALDER, "signals", "watch", WATCH, "--stop", quick=True)
    assert json.loads(nodes.run(ALDER, "signals", "watch", "--json", quick=True).stdout) == []
    nodes.stop(ALDER)


def test_watch_goes_on_when_the_publisher_was_away(nodes: Nodes) -> None:
    with nodes.begin(ALDER, "signals", "watch", WATCH, "--purpose", "purpose-1", "--json") as watching:
        assert watching.stdout is not None
        watching.stdout.readline()
        nodes.stop(WATCH)
        (hex_id,) = contribute(
            nodes,
            WATCH,
            records(nodes, ALDER, 1, 6),
            purposes=("purpose-1",),
            indicators=frozenset({Indicator.HAZARDOUS_WORK}),
            urgent=True,
        )
        nodes.start(WATCH)
        wait_until(lambda: hex_id in held(nodes, ALDER), "the signal that came meanwhile")
    nodes.run(ALDER, "signals", "watch", WATCH, "--stop", quick=True)


def test_feeds_tell_who_has_not_heard_of_a_recall_whether_it_holds_anything_or_not(nodes: Nodes) -> None:
    (hex_id,) = contribute(nodes, WATCH, records(nodes, BIRCH, 1, 7), purposes=("purpose-2",))
    look_up(nodes, BIRCH, WATCH, "purpose-2")
    told = feeds(nodes)[BIRCH, "purpose-2"]
    assert told["acknowledged"] is not None
    assert told["recalls_not_told"] == 0
    time.sleep(1.1)
    recall(nodes, WATCH, hex_id)
    assert feeds(nodes)[BIRCH, "purpose-2"]["recalls_not_told"] == 1
    time.sleep(1.1)
    look_up(nodes, BIRCH, WATCH, "purpose-2")
    assert feeds(nodes)[BIRCH, "purpose-2"]["recalls_not_told"] == 0


def test_watch_of_who_permits_nothing_says_so_and_keeps_trying(nodes: Nodes) -> None:
    with nodes.begin(BIRCH, "signals", "watch", ALDER, "--purpose", PURPOSE) as watching:
        assert watching.stderr is not None
        said = watching.stderr.readline()
    assert said.startswith("symbolon: warning: ")
    assert "Traceback" not in said
    nodes.run(BIRCH, "signals", "watch", ALDER, "--stop", quick=True)
