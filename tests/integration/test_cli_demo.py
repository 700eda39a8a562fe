"""`symbolon demo` as a newcomer runs it: what it tells, that it checks itself, and that it leaves nothing."""

import contextlib
import os
import re
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import forked
from processes import wait_until

DEADLINE_S = 360.0
DEMO = [sys.executable, "-m", "symbolon", "demo"]
FORKED = """
import subprocess, sys, types
import forked
forked.begin()
from symbolon.cli import demo, demo_story, local_coalition, main
demo_story.subprocess = types.SimpleNamespace(**{**vars(subprocess), "Popen": forked.Popen})
local_coalition.subprocess = demo_story.subprocess
"""
"""The demonstration, and each of its commands, in processes that are forked: see `forked`."""
SHORTENED = """
# The way to the first comparison, shortened: no match refused before it.
demo._Demo._deny = lambda self: None
"""
SHORT_LISTS = """
# Suppliers that only one member has are there for size alone.
from symbolon.cli import demo_lists
demo_lists.LIST_SIZE = 100
"""
SABOTAGE = """
honest = demo.clear_join
demo.clear_join = lambda *arguments: honest(*arguments)[1:]
"""
STRAIGHT_TO_SIGNALS = """
# No matches: the lists are imported, the nodes that answer serve.
for step in ("_agree", "_match", "_compare", "_ask_as_ngo", "_change"):
    setattr(demo._Demo, step, lambda self, *arguments: None)
"""
SIGNAL_LEFT_OUT = """
from symbolon.cli import demo_signals
honest = demo_signals.received_json
demo_signals.received_json = lambda *arguments: {"signals": honest(*arguments)["signals"][:1]}
"""
POLICY_LEFT_OUT = """
from symbolon.cli import demo_signals
demo_signals._POLICY = demo_signals._POLICY.replace("redact(evidence, period); ", "")
"""
RECALL_SPARES_CONTENT = """
import dataclasses
from symbolon.cli import demo_signals
held_of = demo_signals.held_of
def with_what_stays(home, peer, signal_id):
    held = held_of(home, peer, signal_id)
    stays = held_of(home, peer, steps[0]._ids[demo_signals.INTERVIEW])
    return dataclasses.replace(held, chunks=held.chunks | stays.chunks)
steps = []
tell = demo_signals.SignalSteps.tell
demo_signals.SignalSteps.tell = lambda self: (steps.append(self), tell(self))
demo_signals.held_of = with_what_stays
"""
RUN = 'sys.exit(main.run(["demo"]))'


@pytest.fixture
def folder() -> Iterator[Path]:
    """Where the demonstration makes its folder; of a short name, since it holds sockets."""
    with tempfile.TemporaryDirectory() as above:
        path = Path(above, "temporary")
        path.mkdir()
        yield path


def environment(folder: Path) -> dict[str, str]:
    return {**os.environ, "TMPDIR": str(folder), "HOME": str(folder.parent), "SYMBOLON_HOME": "/nowhere"}


def demo_with(folder: Path, *changes: str) -> list[str]:
    """The command line of a demonstration that is forked, after some changes of it."""
    script = folder.parent / "demo.py"
    script.write_text("".join((FORKED, *changes, RUN)))
    return [sys.executable, str(script)]


def run(folder: Path, *changes: str) -> "subprocess.CompletedProcess[str]":
    return forked.run(demo_with(folder, *changes), env=environment(folder), timeout_s=DEADLINE_S)


def left_over(folder: Path) -> list[str]:
    """Files in the folder, and processes that name it, work in it or have a file of it open."""
    found = [path.name for path in folder.iterdir() if path.name.startswith("symbolon-")]
    for process in Path("/proc").glob("[0-9]*"):
        try:
            command = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            used = (process / "cwd", *(process / "fd").iterdir())
            of_process = [command, *(str(each.readlink()) for each in used)]
        except OSError:
            continue
        found += [f"{command}: {each}" for each in of_process if str(folder) in each]
    return found


def session_runs(folder: Path) -> bool:
    """Whether the node that answers is in the middle of a session."""
    (path,) = folder.glob("symbolon-*/birch/node.db")
    with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
        return database.execute("SELECT 1 FROM exchange_session WHERE state = 'open'").fetchone() is not None


def test_demo_without_a_terminal_tells_all_and_leaves_nothing(folder: Path) -> None:
    done = run(folder)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""
    assert re.findall(r"^(\d+)\. ", done.stdout, re.MULTILINE) == [str(step) for step in range(1, 22)]
    told = " ".join(done.stdout.split())
    for words in (
        "Founded harbour: cedar is its only founder.",
        "birch is a member of harbour. This node reaches cedar. cedar reaches this node.",
        "alder is a member of harbour. This node reaches cedar. cedar reaches this node.",
        "alder company relay cedar good birch company relay cedar good cedar coordinator founder, relay",
        "dune ngo relay cedar good",
        "reachable through the relay of cedar",
        "symbolon: error: birch does not permit this",
        "[[allow]]",
        "`symbolon policy agree birch --purpose …`, at both nodes",
        "by: companies-need-an-agreement",
        "The agreement with alder is in force",
        "Of its 33 places Birch has ",
        '@obligation("count_only")',
        "birch: nothing, because policy has it counted only",
        "what it rests on: withheld; when it was seen: withheld",
        "graded by SMETA: Critical (suggests high)",
        "own suppliers (2 added)",
        "own suppliers (none)",
        "signals count dune --purpose due-diligence symbolon: so many signals of dune may be counted",
        " 3 So many signals of Dune's Birch may count, whether it buys there or not.",
        "The number that Birch was told stands in both their logs.",
        "1 signal is disputed now. symbolon: 1 signal has a reply of its supplier.",
        "| All wages were paid by the tenth of the following month.",
        "1 signal was recalled.",
        "the supplier's contest was right; it stood here under ",
        "alder for due-diligence: given 3; last acknowledged ",
        "The lookups are among them, each signed by both; the last of Alder's is the one that brought the",
        "3 of 3 other members",
        "All of it holds.",
        "certain: ",
        "probable: ",
        "candidate: ",
        "Revealed to birch: ",
        "Revealed to alder: ",
        "alder is suspended, and refused by all",
        "symbolon: error: cedar does not take this node for a current member",
    ):
        assert words in told
    # What joins is a secret until it is used: a log of the demonstration is no place to learn to show it.
    assert not re.search(r"symbolon1-\w{40}", "".join(told.split()))
    first, second = (
        int(count.replace(",", ""))
        for count in re.findall(r"first session took ([\d,]+) bytes, this one ([\d,]+)", told)[0]
    )
    assert second < first / 10
    looked_up = [line.split() for line in done.stdout.splitlines() if " lookup " in line and "both" in line]
    assert [row[2:4] for row in looked_up] == [["alder", "dune"]] * 4 + [["birch", "dune"]]
    assert "Two sewing operators" not in told
    assert "\x1b" not in done.stdout
    *_, closing, pointer = done.stdout.splitlines()
    assert closing.startswith("symbolon: the demo did what it should: two companies matched ")
    assert pointer.startswith("symbolon: next: `symbolon try match A.csv B.csv`")
    assert left_over(folder) == []


def test_demo_result_that_differs_from_the_clear_join_fails(folder: Path) -> None:
    done = run(folder, SHORTENED, SHORT_LISTS, SABOTAGE)
    assert done.returncode == 70, done.stdout + done.stderr
    assert "symbolon: error: the private result differs from the join in the clear" in done.stderr
    assert "did what it should" not in done.stdout
    assert left_over(folder) == []


@pytest.mark.parametrize(
    ("sabotage", "words"),
    [
        pytest.param(SIGNAL_LEFT_OUT, "the signals shown differ", id="one signal is not shown"),
        pytest.param(POLICY_LEFT_OUT, "the signals shown differ", id="the policy withholds too little"),
        pytest.param(
            RECALL_SPARES_CONTENT, "alder still holds what", id="something is left of a recalled one"
        ),
    ],
)
def test_demo_signal_that_differs_from_the_clear_fails(folder: Path, sabotage: str, words: str) -> None:
    done = run(folder, SHORTENED, SHORT_LISTS, STRAIGHT_TO_SIGNALS, sabotage)
    assert done.returncode == 70, done.stdout + done.stderr
    assert words in done.stderr
    assert "did what it should" not in done.stdout
    assert left_over(folder) == []


@pytest.mark.parametrize(
    ("full", "number", "moment"),
    [
        pytest.param(True, signal.SIGTERM, "2. ", id="killed while a member joins"),
        pytest.param(False, signal.SIGHUP, "3. ", id="terminal closed while lists are imported"),
        pytest.param(False, signal.SIGINT, "6. ", id="Ctrl-C while a session runs"),
    ],
)
def test_demo_stopped_half_way_leaves_nothing(
    folder: Path, full: bool, number: signal.Signals, moment: str
) -> None:
    process = (subprocess.Popen if full else forked.Popen)(
        DEMO if full else demo_with(folder, SHORTENED),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**environment(folder), "PYTHONUNBUFFERED": "1"},
        start_new_session=True,
    )
    assert process.stdout is not None
    try:
        for line in process.stdout:
            if line.startswith(moment):
                break
        else:
            raise AssertionError(f"it ended before: {process.communicate()[1]}")
        if number is signal.SIGINT:
            wait_until(lambda: session_runs(folder), "a session to begin", pause_s=0.01)
        else:
            time.sleep(0.5)
        os.killpg(process.pid, number)
        _, err = process.communicate(timeout=DEADLINE_S)
    finally:
        process.kill()
    assert process.returncode == 130
    assert err == "symbolon: interrupted; nothing is half-written.\n"
    assert left_over(folder) == []
