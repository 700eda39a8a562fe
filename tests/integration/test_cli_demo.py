"""`symbolon demo` as a newcomer runs it: what it tells, that it checks itself, and that it leaves nothing."""

import contextlib
import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

import forked
from processes import wait_until

DEADLINE_S = 240.0
DEMO = [sys.executable, "-m", "symbolon", "demo"]
SHORTENED = f"""
import subprocess, sys, types
from symbolon.cli import demo, demo_story, local_coalition, main
# The way to the first comparison, shortened: no match refused before it, and commands that are forked.
demo._Demo._deny = lambda self: None
sys.path.insert(0, {str(Path(forked.__file__).parent)!r})
import forked
demo_story.subprocess = types.SimpleNamespace(**{{**vars(subprocess), "Popen": forked.Popen}})
local_coalition.subprocess = demo_story.subprocess
"""
SABOTAGE = """
honest = demo.clear_join
demo.clear_join = lambda *arguments: honest(*arguments)[1:]
"""
RUN = 'sys.exit(main.run(["demo"]))'
SHORT_DEMO = [sys.executable, "-c", SHORTENED + RUN]
SABOTAGED_DEMO = [sys.executable, "-c", SHORTENED + SABOTAGE + RUN]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the demonstration makes its folder."""
    path = tmp_path / "temporary"
    path.mkdir()
    return path


def environment(folder: Path) -> dict[str, str]:
    return {**os.environ, "TMPDIR": str(folder), "HOME": str(folder.parent), "SYMBOLON_HOME": "/nowhere"}


def left_over(folder: Path) -> list[str]:
    """Files in the folder, and processes that name it or have a file of it open."""
    found = [path.name for path in folder.iterdir() if path.name.startswith("symbolon-")]
    for process in Path("/proc").glob("[0-9]*"):
        try:
            command = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            of_process = [command, *(str(each.readlink()) for each in (process / "fd").iterdir())]
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
    done = subprocess.run(
        DEMO,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
        check=False,
        env=environment(folder),
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""
    assert re.findall(r"^(\d+)\. ", done.stdout, re.MULTILINE) == [str(step) for step in range(1, 16)]
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
    assert "\x1b" not in done.stdout
    *_, closing, pointer = done.stdout.splitlines()
    assert closing.startswith("symbolon: the demo did what it should: two companies matched ")
    assert pointer.startswith("symbolon: next: `symbolon try match A.csv B.csv`")
    assert left_over(folder) == []


def test_demo_result_that_differs_from_the_clear_join_fails(folder: Path) -> None:
    done = subprocess.run(
        SABOTAGED_DEMO,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
        check=False,
        env=environment(folder),
    )
    assert done.returncode == 70, done.stdout + done.stderr
    assert "symbolon: error: the private result differs from the join in the clear" in done.stderr
    assert "did what it should" not in done.stdout
    assert left_over(folder) == []


@pytest.mark.parametrize(
    ("command", "number", "moment"),
    [
        pytest.param(DEMO, signal.SIGTERM, "2. ", id="killed while a member joins"),
        pytest.param(SHORT_DEMO, signal.SIGHUP, "3. ", id="terminal closed while lists are imported"),
        pytest.param(SHORT_DEMO, signal.SIGINT, "6. ", id="Ctrl-C while a session runs"),
    ],
)
def test_demo_stopped_half_way_leaves_nothing(
    folder: Path, command: list[str], number: signal.Signals, moment: str
) -> None:
    process = subprocess.Popen(
        command,
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
