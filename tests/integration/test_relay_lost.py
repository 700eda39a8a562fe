"""Relays that go: killed between matches and in one, stopped, started again; in processes of their own.

Two nodes that only dial out. Each relay is run by a further member, beside its `symbolon serve`.
"""

import contextlib
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import forked
from processes import wait_until
from real_nodes import ALPHA, BETA, PURPOSES, SHARED, Nodes, Result, asking, two_nodes
from relays import RELAY, SPARE, RelayProcess, relay_process
from symbolon.cli.local_coalition import own_environment, symbolon
from symbolon.membership.member import MemberId
from symbolon.membership.member_statement import Place

SECONDS = 15.0
"""How long a whole match may take, process included, when its first relay is gone: it waits for nothing."""


@pytest.fixture(scope="module")
def nodes() -> Iterator[Nodes]:
    with two_nodes() as both:
        both.stop(BETA)
        for member in (RELAY, SPARE):
            both.add(member)
            both.start(member)
        yield both


@pytest.fixture
def relays(nodes: Nodes) -> Iterator[dict[str, RelayProcess]]:
    """Both relays run; `SPARE` is the preferred one, and `BETA` is attached to both."""
    with relay_process(nodes, SPARE) as first, relay_process(nodes, RELAY) as second:
        for member, each in ((SPARE, first), (RELAY, second)):
            # A relay says where it is, and stays where its node is.
            nodes.run_relay(member, each.endpoint)
        for member in (ALPHA, BETA) if nodes.endpoint(BETA) else ():
            nodes.place(member, Place("", (MemberId(SPARE), MemberId(RELAY)), ""))
        seen = {relay: reached(nodes, relay) for relay in (SPARE, RELAY)}
        nodes.launch(BETA)
        for relay, before in seen.items():
            wait_reached(nodes, relay, before)
        yield {SPARE: first, RELAY: second}
        nodes.stop(BETA)


def reached(nodes: Nodes, relay: str) -> int:
    """How often `BETA` became reachable through a relay so far."""
    return nodes.log(BETA).count(f"reachable through the relay of {relay}")


def wait_reached(nodes: Nodes, relay: str, before: int) -> None:
    wait_until(lambda: reached(nodes, relay) > before, f"{BETA} to be attached to {relay}")


def matches_within_seconds(match: Callable[..., Result], purpose: str) -> None:
    begin = time.monotonic()
    assert match(ALPHA, BETA, purpose).ids() == SHARED
    assert time.monotonic() - begin < SECONDS


def test_match_after_its_first_relay_was_killed_takes_seconds(
    nodes: Nodes, relays: dict[str, RelayProcess]
) -> None:
    matches_within_seconds(nodes.quick_match, PURPOSES[1])
    assert "is attached" in relays[SPARE].log
    relays[SPARE].process.kill()
    matches_within_seconds(nodes.match, PURPOSES[2])


def test_match_whose_relay_is_killed_half_way_ends_with_try_again_and_the_next_one_takes_seconds(
    nodes: Nodes, relays: dict[str, RelayProcess]
) -> None:
    order = nodes.order(ALPHA, "stop", "sending Elements")
    with nodes.begin(ALPHA, *asking(BETA, PURPOSES[3]), faulty=order) as match:
        wait_until(lambda: nodes.obeyed(ALPHA), "the middle of the match")
        wait_until(lambda: nodes.states(BETA, PURPOSES[3]) == ["open"], "the session")
        relays[SPARE].process.kill()
        wait_until(lambda: nodes.states(BETA, PURPOSES[3]) == ["failed"], "the end of the session")
        os.kill(match.pid, signal.SIGCONT)
        _, told = match.communicate(timeout=60)
    assert match.returncode == 75, told
    assert "symbolon: hint: Try again" in told
    matches_within_seconds(nodes.match, PURPOSES[3])


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL], ids=lambda each: each.name)
def test_node_comes_back_by_itself_to_a_relay_that_was_ended_and_started_again(
    nodes: Nodes, relays: dict[str, RelayProcess], end: signal.Signals
) -> None:
    first, before = relays[SPARE], reached(nodes, SPARE)
    first.process.send_signal(end)
    assert first.process.wait(30) == (-end if end == signal.SIGKILL else 0)
    # Without it everything goes through the other one meanwhile.
    matches_within_seconds(nodes.quick_match, PURPOSES[10 + end])
    with relay_process(nodes, SPARE, first.endpoint):
        # Tried again after 1 s, 2 s, 4 s …: what was down for some seconds is found in as many.
        begin = time.monotonic()
        wait_reached(nodes, SPARE, before)
        assert time.monotonic() - begin < 30
        relays[RELAY].process.kill()
        matches_within_seconds(nodes.quick_match, PURPOSES[30 + end])


def test_node_whose_folder_is_served_elsewhere_too_says_so(
    nodes: Nodes, relays: dict[str, RelayProcess], tmp_path: Path
) -> None:
    told = len(nodes.log(BETA))
    copy = tmp_path / "copy"
    shutil.copytree(nodes.home(BETA), copy, symlinks=True)
    with (tmp_path / "log").open("w") as log:
        other = forked.Popen(
            symbolon("--home", str(copy), "serve", "--grace", "1"),
            stdout=subprocess.DEVNULL,
            stderr=log,
            env=own_environment(),
        )
        try:
            wait_until(
                lambda: "a second node with this one's certificate took its place" in nodes.log(BETA)[told:],
                f"{BETA} to be told of its copy",
            )
        finally:
            other.terminate()
            ended = other.wait(30)
    assert ended == 0, (tmp_path / "log").read_text()


def test_node_whose_relays_are_all_gone_tries_for_ever_and_no_faster_than_it_should(
    nodes: Nodes, relays: dict[str, RelayProcess]
) -> None:
    told = len(nodes.log(BETA))
    for each in relays.values():
        each.process.kill()
    said = nodes.run(ALPHA, *asking(BETA, PURPOSES[4]), code=75).stderr
    assert f"{BETA} cannot be reached through a relay" in said
    time.sleep(10)
    tries = nodes.log(BETA)[told:].count(f"WARNING relay {SPARE}:")
    # At least half of 1 s, 2 s, 4 s and 8 s lies between two.
    assert 2 <= tries <= 6
    with contextlib.ExitStack() as stack:
        before = {relay: reached(nodes, relay) for relay in relays}
        for relay, each in relays.items():
            stack.enter_context(relay_process(nodes, relay, each.endpoint))
        for relay in relays:
            wait_reached(nodes, relay, before[relay])
        matches_within_seconds(nodes.quick_match, PURPOSES[5])
