"""Following signals: what is told at once arrives at once, a gap heals, and who is behind shows."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from processes import wait_until
from real_nodes import Nodes, leaf_files, real_nodes, renewed
from signal_nodes import contribute, held, look_up, recall, records, tombstones
from symbolon.cli.local_coalition import PURPOSE
from symbolon.cli.made_up_suppliers import MadeUpList
from symbolon.errors import SymbolonError
from symbolon.rpc import following
from symbolon.rpc.following import follow
from symbolon.rpc.node import Node
from symbolon.rpc.reach import reached
from symbolon.rpc.receiver_role import Outcome
from symbolon.rpc.signal_client import watch_news
from symbolon.signals.vocabulary import Indicator
from symbolon.storage.subscription_store import Subscription

import grpc  # isort: skip - after symbolon.rpc, which sets the cipher list

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


def feeds(nodes: Nodes) -> dict[str, dict[str, Any]]:
    done = nodes.run(WATCH, "signals", "feeds", "--json", quick=True)
    return {each["peer"]: each for each in json.loads(done.stdout)}


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
        assert news["news"]["recalled"] == [
            {"signal_id": first, "reason": "error", "suppliers": [some[0].supplier_id]}
        ]
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


def test_follower_keeps_its_channel_until_the_publisher_is_listed_otherwise(
    nodes: Nodes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The publisher's certificate is renewed twice: the one that the first channel trusts ends there."""
    purpose, dialled = "purpose-3", list[str]()

    @asynccontextmanager
    async def dial(node: Node, peer: str) -> AsyncIterator[grpc.aio.Channel]:
        dialled.append(peer)
        async with reached(node, peer) as channel:
            yield channel

    def tell_of_an_urgent_one(number: int) -> None:
        some = records(nodes, ALDER, 1, 8 + number)
        about = {"purposes": (purpose,), "indicators": frozenset({Indicator.CHILD_LABOUR}), "urgent": True}
        contribute(nodes, WATCH, some, **about)

    def renew_twice() -> None:
        for _ in range(2):
            leaf_files(nodes, WATCH).install(renewed(nodes, WATCH))

    async def run(node: Node) -> None:
        came: asyncio.Queue[Outcome | SymbolonError] = asyncio.Queue()

        async def added() -> int:
            outcome = await asyncio.wait_for(came.get(), 20)
            assert isinstance(outcome, Outcome), outcome
            return outcome.counts["added"]

        subscription = Subscription(WATCH, purpose, "A", 0, None, "")
        task = asyncio.create_task(
            follow(node, subscription, watch_news, lambda _, what: came.put_nowait(what))
        )
        assert await added() == 0
        await asyncio.to_thread(tell_of_an_urgent_one, 0)
        assert (await added(), dialled) == (1, [WATCH])
        await asyncio.to_thread(renew_twice)
        await asyncio.to_thread(tell_of_an_urgent_one, 1)
        assert (await added(), dialled) == (1, [WATCH, WATCH])
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    monkeypatch.setattr(following, "reached", dial)
    with Node(nodes.home(ALDER)) as node:
        node.subscriptions.begin(WATCH, purpose, "A")
        asyncio.run(run(node))
        node.subscriptions.end(WATCH, purpose)


def test_feeds_tell_who_has_not_heard_of_a_recall_whether_it_holds_anything_or_not(nodes: Nodes) -> None:
    (hex_id,) = contribute(nodes, WATCH, records(nodes, BIRCH, 1, 7), purposes=("purpose-2",))
    look_up(nodes, BIRCH, WATCH, "purpose-2")
    told = feeds(nodes)[BIRCH]
    assert told["acknowledged"] is not None
    assert told["purposes"] == [{"purpose": "purpose-2", "acknowledged": told["acknowledged"]}]
    assert (told["recalls_not_told"], told["recalled"]) == (0, None)
    recall(nodes, WATCH, hex_id)
    told = feeds(nodes)[BIRCH]
    assert (told["recalls_not_told"], told["recalled"] is None) == (1, False)
    look_up(nodes, BIRCH, WATCH, "purpose-2", tiers="A")
    assert feeds(nodes)[BIRCH]["recalls_not_told"] == 1
    look_up(nodes, BIRCH, WATCH, "purpose-2")
    assert feeds(nodes)[BIRCH]["recalls_not_told"] == 0


def test_watch_of_who_permits_nothing_says_so_and_keeps_trying(nodes: Nodes) -> None:
    with nodes.begin(BIRCH, "signals", "watch", ALDER, "--purpose", PURPOSE) as watching:
        assert watching.stderr is not None
        said = watching.stderr.readline()
    assert said.startswith("symbolon: warning: ")
    assert "Traceback" not in said
    nodes.run(BIRCH, "signals", "watch", ALDER, "--stop", quick=True)
