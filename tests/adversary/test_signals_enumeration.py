"""A requester that walks through a public register: it stops at its budget, whatever it does to get more.

Every name that it asks about costs an evaluation, dummies too, debited before anything is evaluated. Nothing
gives one back: not a session that breaks off, kill -9 of the node that answers, another connection, a new key
epoch, another purpose or suite. docs/THREAT_MODEL.md, A malicious receiver.
"""

import signal
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from clocked_signals import SignalScene, few_purposes, signal_scene
from node_clocks import DAY_S
from raw_peer import RawAsk, channel_to, elements, hello
from real_nodes import Nodes
from signal_nodes import contribute, held, look_up
from symbolon.cli.local_coalition import PURPOSE
from symbolon.cli.made_up_suppliers import MadeUpList
from symbolon.errors import BudgetError, SymbolonError
from symbolon.exchange.limits import MIN_PADDED
from symbolon.exchange.messages import Accept
from symbolon.oprf.suite import SUITE_NAMES
from symbolon.rpc.node import Node

WATCH, ALDER = "watch-ngo", "alder-co"
RAVEN, CROW, MAGPIE, JACKDAW = (f"{bird}-co" for bird in ("raven", "crow", "magpie", "jackdaw"))
BIRDS = (RAVEN, CROW, MAGPIE, JACKDAW)
"""Members without a process: tests speak for them, each with a budget of its own."""

STEP = MIN_PADDED
"""Names asked at a time, which is a batch without dummies."""

WINDOW, YEAR, EVERYBODY = 4 * STEP, 9 * STEP, 1000 * STEP
_BUDGET = {"window_days": 90, "per_window": WINDOW, "per_member_year": YEAR, "all_members_year": EVERYBODY}


def configure(nodes: Nodes, **budget: int) -> None:
    everything = {"modes": ("intersection",), "signals": True}
    nodes.configure(
        WATCH,
        allow=tuple({"peer": each, **everything} for each in (ALDER, *BIRDS)),
        budget={**_BUDGET, **budget},
        exchange={"additions_interval_s": 0, "signal_epoch_days": 1, "idle_timeout_s": 5},
    )


@pytest.fixture(scope="module")
def nodes() -> Iterator[Nodes]:
    """An organisation that has something to say about everybody in a register of more than the budget."""
    with few_purposes(4) as made:
        made.coalition.add(WATCH, kind="ngo")
        for member in (ALDER, *BIRDS):
            made.coalition.add(member)
        configure(made)
        made.configure(ALDER, allow=({"peer": WATCH, "signals": True},))
        contribute(made, WATCH, MadeUpList(6 * STEP, 0, 0, WATCH), purposes=(PURPOSE, "purpose-0"))
        yield made


@pytest.fixture(scope="module")
def served(nodes: Nodes) -> Nodes:
    """The same, and its process obeys orders."""
    nodes.start(WATCH, faulty=nodes.orders(WATCH))
    return nodes


def spent(nodes: Nodes, peer: str, area: str = "signal", tier: str = "A") -> tuple[int, int]:
    """Evaluations debited to a member in an area, in the windows and in the years that there were."""
    sql = """SELECT coalesce(sum(spent), 0) AS n FROM budget_spent
             WHERE peer = :peer AND area = :area AND tier = :tier AND period LIKE :period"""
    about = {"peer": peer, "area": area, "tier": tier}
    window, year = (nodes.query(WATCH, sql, period=f"{each}%", **about)[0].n for each in ("window", "year"))
    return int(window), int(year)


def evaluations(nodes: Nodes, peer: str, **asked: Any) -> tuple[int, str]:
    """Asks for one batch over a connection of its own: how many were evaluated, and the code of a refusal."""
    mode = asked.pop("mode", "lookup")
    area = "signal" if mode == "lookup" else "match"
    count = 0
    with channel_to(nodes, WATCH, nodes.credentials(peer)) as channel, RawAsk(channel) as call:
        call.say(hello=hello(STEP, mode=mode, area=area, **asked))
        call.say(elements=elements(STEP))
        try:
            while count < STEP:
                count += len(call.hear_until("evaluated").data) // 32
        except Exception:  # noqa: BLE001 - whatever gRPC calls the end of a call
            return count, call.refusal()[1]
        call.done_speaking()
        call.refusal()
    return count, ""


def test_requester_that_asks_for_a_register_stops_at_its_budget_and_learns_no_more(served: Nodes) -> None:
    nodes, learned = served, set[str]()
    for step in range(6):
        nodes.take_in(ALDER, MadeUpList(STEP, step * STEP, 0, ALDER))
        if step < WINDOW // STEP:
            look_up(nodes, ALDER, WATCH, tiers="A")
            learned |= held(nodes, ALDER).keys()
            continue
        with pytest.raises(SymbolonError) as refused:
            look_up(nodes, ALDER, WATCH, tiers="A")
        assert refused.value.exit_code == BudgetError.exit_code
        # Not under another purpose either, nor by the slow suite.
        with pytest.raises(SymbolonError):
            look_up(nodes, ALDER, WATCH, "purpose-0", tiers="A")
    assert len(learned) == WINDOW
    assert spent(nodes, ALDER) == (WINDOW, WINDOW)


def test_requester_gets_nothing_back_by_killing_the_node_that_answers(served: Nodes) -> None:
    nodes, got = served, 0
    for number, point in enumerate(("committed open a session", "sending Evaluated", "sending Entries"), 1):
        nodes.order(WATCH, "kill", point)
        count, _ = evaluations(nodes, RAVEN)
        got += count
        assert nodes.processes[WATCH].wait(10) == -signal.SIGKILL
        assert spent(nodes, RAVEN) == (number * STEP, number * STEP)
        nodes.start(WATCH, faulty=nodes.orders(WATCH))
    got += evaluations(nodes, RAVEN)[0]
    assert evaluations(nodes, RAVEN) == (0, "budget.exhausted")
    assert got <= 2 * STEP
    assert spent(nodes, RAVEN) == (WINDOW, WINDOW)


def test_requester_gets_nothing_back_by_hanging_up_and_connecting_anew(served: Nodes) -> None:
    for number in range(1, WINDOW // STEP + 1):
        with (
            channel_to(served, WATCH, served.credentials(CROW)) as channel,
            RawAsk(channel) as call,
        ):
            call.say(hello=hello(STEP, mode="lookup", area="signal"))
            call.hear_until("accept")
        assert spent(served, CROW)[0] == number * STEP
    # It was evaluated nothing, and has nothing left.
    assert evaluations(served, CROW) == (0, "budget.exhausted")


def test_epochs_purposes_and_suites_share_one_budget_and_a_match_has_its_own(served: Nodes) -> None:
    nodes = served
    assert evaluations(nodes, MAGPIE) == (STEP, "")
    with Node(nodes.home(WATCH)) as node:
        node.sending.rotate(MAGPIE)
    assert evaluations(nodes, MAGPIE, purpose="purpose-0") == (STEP, "")
    for number, suite in enumerate(SUITE_NAMES):
        if number:
            # Elements of the one suite are none of the other: the session ends, and what it declared stays.
            assert evaluations(nodes, MAGPIE, suite=suite)[0] == 0
    assert evaluations(nodes, MAGPIE) == (STEP, "")
    assert spent(nodes, MAGPIE) == (WINDOW, WINDOW)
    for asked in ({}, {"purpose": "purpose-1"}, {"epoch": 2}):
        count, code = evaluations(nodes, MAGPIE, **asked)
        assert (count, code) in ((0, "budget.exhausted"), (0, "protocol.stale_epoch"))
    with Node(nodes.home(WATCH)) as node:
        node.sending.rotate(MAGPIE)
    assert evaluations(nodes, MAGPIE) == (0, "budget.exhausted")
    # The sums of the area `match` are others, and end by themselves.
    for number in range(1, WINDOW // STEP + 1):
        assert evaluations(nodes, MAGPIE, mode="intersection") == (STEP, "")
        assert spent(nodes, MAGPIE, "match")[0] == number * STEP
    assert evaluations(nodes, MAGPIE, mode="intersection") == (0, "budget.exhausted")
    assert spent(nodes, MAGPIE) == spent(nodes, MAGPIE, "match") == (WINDOW, WINDOW)


def test_budget_of_all_members_together_stops_one_that_has_asked_nothing_yet(served: Nodes) -> None:
    sql = "SELECT spent FROM budget_spent WHERE peer = '*' AND area = 'signal' AND tier = 'A'"
    (together,) = served.query(WATCH, sql)
    configure(served, all_members_year=together.spent + STEP)
    served.start(WATCH, faulty=served.orders(WATCH))
    assert evaluations(served, JACKDAW) == (STEP, "")
    assert evaluations(served, JACKDAW) == (0, "budget.exhausted")
    assert spent(served, JACKDAW) == (STEP, STEP)


def test_yearly_cap_holds_over_windows_epochs_and_purposes(served: Nodes) -> None:
    nodes = served
    nodes.stop(WATCH)
    # A window a day, so that there are several of them in this test; an epoch a day too.
    configure(nodes, window_days=1)
    before = spent(nodes, ALDER)[1]
    with signal_scene(nodes, WATCH) as scene:
        first_day = days_to_new_year()
        asked, refused, epochs, step = 0, "", set[int](), 100
        for day in (first_day, first_day + 1, first_day + 2):
            scene.clock.ahead_s = day * DAY_S
            for _ in range(WINDOW // STEP):
                nodes.take_in(ALDER, MadeUpList(STEP, step * STEP, 0, ALDER))
                step += 1
                try:
                    epochs.add(ask(scene, (PURPOSE, "purpose-0")[step % 2]))
                except BudgetError as error:
                    refused = error.detail
                except SymbolonError as error:
                    refused = error.full_code
                else:
                    asked += STEP
    assert refused
    assert before + asked == YEAR
    assert spent(nodes, ALDER)[1] == YEAR
    assert asked > WINDOW
    assert len(epochs) > 1


def ask(scene: SignalScene, purpose: str) -> int:
    """Looks up; the epoch that it was answered in."""
    offer = scene.look_up(ALDER, purpose, "A").each(Accept)[-1]
    return int(offer.epoch)


def days_to_new_year() -> int:
    """0, or in the last days of a year so many that the year does not end within a test."""
    now = datetime.now(UTC)
    later = datetime.fromtimestamp(now.timestamp() + 4 * DAY_S, UTC)
    return 0 if later.year == now.year else later.day
