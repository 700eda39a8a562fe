"""`symbolon signals` with real processes: at a terminal, in scripts, killed, at once, and as documented."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import forked
from contributing_ngo import NGO, SEEN, SITE, Contributor, ahead, contributor
from node_people import NodePeople
from processes import wait_until
from symbolon.cli.local_coalition import own_environment, symbolon
from symbolon.policy.operator_roles import Role
from typed_terminal import Terminal
from whole_day import within_one_day

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "contributing-signals.md").read_text(encoding="utf-8")
FAULTY = ROOT / "tests" / "faulty_command.py"
CANARY = "CANARY-night-guard"


@pytest.fixture(scope="module")
def ngo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Contributor]:
    with contributor(tmp_path_factory.mktemp("coalition")) as made:
        yield made


def run(
    ngo: Contributor, *arguments: str, typed: str = "", faulty: str = ""
) -> subprocess.CompletedProcess[str]:
    line = symbolon("--home", str(ngo.home), "signals", *arguments)
    if faulty:
        line = [sys.executable, str(FAULTY), faulty, "--", *line[3:]]
    done = forked.run(line, typed=typed, env=own_environment(), start_new_session=True)
    assert "Traceback" not in done.stderr
    return done


def ids(ngo: Contributor) -> list[str]:
    return [each["signal_id"] for each in ngo.run("list", "--all", "--limit", "0", "--json").json]


# ----------------------------------------------------------------------------------------- at a terminal

QUESTIONS = (
    ("Kind [site]:", ""),
    ("Name:", "Guided Mill"),
    ("Country", "Mexico"),
    ("City", "León"),
    ("Street", "Blvd. Morelos 418"),
    ("Postal", "37150"),
    ("Open Supply Hub", ""),
    ("LEI:", ""),
    ("Registration", ""),
    ("Indicators:", "child labour, 9"),
    ("Evidence:", "site visit"),
    ("How grave", "3"),
    ("How many", ""),
    ("How far", ""),
    ("How likely", "4"),
    ("Confidence", "80"),
    ("Reliability", "A"),
    ("First month", "2026-02"),
    ("Last month [2026-02]:", ""),
    ("How many people", "120"),
    ("  > ", "Children sort leather after school."),
    ("  > ", "."),
    ("Mark [amber]:", "2"),
    ("Recipients:", "birch"),
    ("Tell it at once", "y"),
    ("until a day", ""),
    ("Expires [", ""),
    ("Review [", ""),
    ("Note the source?", "y"),
    ("  > ", CANARY),
    ("  > ", "."),
)


def test_add_at_a_terminal_asks_stores_and_says_who_will_see_what(ngo: Contributor) -> None:
    terminal = Terminal(ngo.home, "signals", "add")
    terminal.answer(*QUESTIONS)
    terminal.expect("If you store it, this is who will be able to see what:")
    terminal.answer(("Store it? [y/N]:", "y"))
    assert terminal.end() == 0, terminal.shown
    end = terminal.shown[terminal.shown.index("Stored as ") :]
    assert "birch: everything (the narrative when it asks for that), from now on" in end
    assert "alder, cedar, dogwood and the-founder: nothing, because it is none of the recipients" in end
    assert "at its next lookup, at once: it is urgent" in end
    assert "your notes stay sealed at this node" in end
    (held,) = ngo.run("list", "--search", "Guided Mill", "--json").json
    assert held["signal_id"] == end.split()[-1]
    assert (held["indicators"], held["urgent"], held["recipients"]) == (
        ["child-labour", "debt-bondage"],
        True,
        ["birch"],
    )
    # What was typed of the source was on the other screen alone.
    shown = re.sub(r"\x1b\[\?1049h.*?\x1b\[\?1049l", "", terminal.shown, flags=re.DOTALL)
    assert CANARY in terminal.shown
    assert CANARY not in shown
    source = ngo.run("show", held["signal_id"], "--json", "--source").json["source"]
    assert source == CANARY


@pytest.mark.parametrize("answered", [1, 10, 21, len(QUESTIONS)])
def test_add_at_a_terminal_left_by_ctrl_c_leaves_no_trace(ngo: Contributor, answered: int) -> None:
    before = {path: path.read_bytes() for path in _files(ngo.home)}
    terminal = Terminal(ngo.home, "signals", "add")
    terminal.answer(*QUESTIONS[:answered])
    terminal.expect(QUESTIONS[answered][0] if answered < len(QUESTIONS) else "Store it?")
    terminal.interrupt()
    assert terminal.end() == 130, terminal.shown
    assert "interrupted; nothing is half-written" in terminal.shown
    after = {path: path.read_bytes() for path in _files(ngo.home)}
    assert set(after) == set(before)
    assert CANARY.encode() not in b"".join(after.values())


def _files(home: Path) -> list[Path]:
    return [path for path in home.rglob("*") if path.is_file() and not path.is_symlink()]


def test_add_at_a_terminal_answered_no_stores_nothing(ngo: Contributor) -> None:
    before = ids(ngo)
    terminal = Terminal(ngo.home, "signals", "add", *SITE, *SEEN)
    terminal.answer(("Store it? [y/N]:", "n"))
    assert terminal.end() == 130
    assert "Nothing was stored." in terminal.shown
    assert ids(ngo) == before


def test_add_at_a_terminal_shows_excerpts_of_what_was_found(ngo: Contributor) -> None:
    narrative = ngo.file("n.txt", "Call +49 170 1234567 at night.")
    terminal = Terminal(ngo.home, "signals", "add", *SITE, *SEEN, "--narrative-file", str(narrative))
    assert terminal.end() == 65
    assert "[+49 170 1234567]" in terminal.shown
    assert "Leave the telephone number out" in terminal.shown


def test_show_source_at_a_terminal_warns(ngo: Contributor) -> None:
    hex_id = ngo.add("--source-file", str(ngo.file("s.txt", CANARY)))
    terminal = Terminal(ngo.home, "signals", "show", hex_id, "--source")
    assert terminal.end() == 0
    assert f"| {CANARY}" in terminal.shown
    assert "is on your screen now" in terminal.shown


def test_review_at_a_terminal_keeps_recalls_and_leaves(ngo: Contributor) -> None:
    within_one_day()
    with ngo.node() as node:
        today = node.now.date().isoformat()
    keep, recall, skip = (ngo.add("--review", today) for _ in range(3))
    terminal = Terminal(ngo.home, "signals", "review")
    terminal.answer(
        ("What about it [skip]:", "keep"),
        ("Next review [", ahead(1)),
        ("What about it [skip]:", "3"),
        ("Reason:", "remedied"),
        ("for good?", "y"),
        ("What about it [skip]:", "q"),
    )
    assert terminal.end() == 0, terminal.shown
    shown = {each: ngo.run("show", each, "--json").json for each in (keep, recall, skip)}
    assert (shown[keep]["review"], shown[keep]["state"]) == (ahead(1), "active")
    assert (shown[recall]["state"], shown[recall]["recall_reason"]) == ("recalled", "remedied")
    assert (shown[skip]["revision"], shown[skip]["review_due"]) == (1, True)
    ngo.run("recall", skip, "--reason=error", "--yes")


def test_offline_at_a_terminal_asks_for_the_fingerprint_first(ngo: Contributor) -> None:
    key = ngo.folder / "terminal-key.txt"
    ngo.run("dropbox", "--out", str(key))
    target = ngo.folder / "drops"
    target.mkdir()
    words = ("signals", "add", "--offline", str(target), "--for", str(key), *SITE, *SEEN)
    for answer, written in (("n", 0), ("y", 1)):
        terminal = Terminal(ngo.folder / "no-node", *words)
        terminal.answer(("told you by another way? [y/N]:", answer))
        if answer == "y":
            terminal.answer((f"Write it for {NGO}? [y/N]:", "y"))
        assert terminal.end() == (0 if answer == "y" else 130), terminal.shown
        assert len(list(target.iterdir())) == written


# ------------------------------------------------------------------------------------- killed, and at once


@pytest.mark.parametrize("point", ["committing add signals", "committed add signals"])
def test_add_killed_at_its_transaction_has_stored_all_or_nothing(ngo: Contributor, point: str) -> None:
    before = ids(ngo)
    orders = ngo.folder / "orders"
    orders.write_text(f"kill {point}")
    done = run(ngo, "add", *SITE, *SEEN, "--yes", faulty=f"orders={orders}")
    assert done.returncode == -signal.SIGKILL
    new = [each for each in ids(ngo) if each not in before]
    assert len(new) == (0 if point.startswith("committing") else 1)
    for each in new:
        assert ngo.run("show", each, "--json").json["revision"] == 1
        assert "birch: everything" in ngo.run("who", each).out


def _csv(count: int, narrative: str = "") -> str:
    rows = [
        f"factory,Killed Mill {number},León,MX,isolation,media,{narrative},{CANARY},killed {number}"
        for number in range(count)
    ]
    header = "subject_kind,name,city,country,indicators,evidence,narrative,source,reference"
    return "\n".join((header, *rows)) + "\n"


def test_import_killed_anywhere_goes_on_when_it_is_run_again(tmp_path: Path) -> None:
    with contributor(tmp_path) as ngo:
        path = ngo.file("k.csv", _csv(12))
        orders = ngo.folder / "orders"
        for point, held in (("committing add signals", 0), ("committed add signals", 12)):
            orders.write_text(f"kill {point}")
            assert run(ngo, "import", str(path), faulty=f"orders={orders}").returncode == -signal.SIGKILL
            assert len(ids(ngo)) == held
        path.write_text(_csv(12, "Changed."))
        orders.write_text("kill committed revise a signal #5")
        assert run(ngo, "import", str(path), faulty=f"orders={orders}").returncode == -signal.SIGKILL
        revisions = [each["revision"] for each in ngo.run("list", "--limit=0", "--json").json]
        assert sorted(revisions) == [1] * 7 + [2] * 5
        said = ngo.run("import", str(path), "--json").json
        assert (len(said["changed"]), said["unchanged"], said["new"]) == (7, 5, [])
        assert len(ids(ngo)) == 12


def test_import_interrupted_by_ctrl_c_says_so_and_leaves_all_or_nothing(tmp_path: Path) -> None:
    with contributor(tmp_path) as ngo:
        path = ngo.file("k.csv", _csv(3_000))
        terminal = Terminal(ngo.home, "signals", "import", str(path))
        terminal.expect("Reading k.csv")
        terminal.interrupt()
        assert terminal.end() == 130, terminal.shown
        assert len(ids(ngo)) in (0, 3_000)


def test_two_who_change_a_signal_at_once_lose_no_change_in_silence(ngo: Contributor) -> None:
    hex_id = ngo.add()
    started = [
        forked.Popen(
            symbolon("--home", str(ngo.home), "signals", "revise", hex_id, f"--confidence={value}"),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=own_environment(),
        )
        for value in (11, 22, 33)
    ]
    ended = [(each.communicate()[1], each.returncode) for each in started]
    done = sum(code == 0 for _, code in ended)
    assert done >= 1
    for talk, code in ended:
        assert code in (0, 65, 75), talk
        if code == 65:
            assert "Somebody may have changed it meanwhile" in talk
    assert ngo.run("show", hex_id, "--json").json["revision"] == 1 + done


def test_recall_while_another_revises_stands(ngo: Contributor) -> None:
    hex_id = ngo.add()
    orders = ngo.folder / "slow-orders"
    orders.write_text("slow committing revise a signal")
    line = symbolon("--home", str(ngo.home), "signals", "revise", hex_id, "--confidence=5")
    slow = forked.Popen(
        [sys.executable, str(FAULTY), f"orders={orders}", "--", *line[3:]],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=own_environment(),
    )
    wait_until(lambda: not orders.exists(), "the revision to begin")
    done = run(ngo, "recall", hex_id, "--reason=error", "--yes")
    slow.communicate()
    document = ngo.run("show", hex_id, "--json").json
    if done.returncode == 0:
        assert document["state"] == "recalled"
    else:
        assert done.returncode in (65, 75), done.stderr
        run(ngo, "recall", hex_id, "--reason=error", "--yes")
        assert ngo.run("show", hex_id, "--json").json["state"] == "recalled"


# ------------------------------------------------------------------------------------------ who may what


def test_source_is_for_contributors_and_signals_for_viewers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    people = NodePeople(tmp_path, monkeypatch)
    for name, role in (("Ada", Role.ADMINISTRATOR), ("Carla", Role.CONTRIBUTOR), ("Vera", Role.VIEWER)):
        people.add(name, role)
    said = people.run_as("Vera", "signals", "show", "00000000", "--source", "--json")
    assert said.code == 77
    assert "needs the role contributor" in said.talk
    assert people.run_as("Vera", "signals", "list").code == 0
    assert people.run_as("Vera", "signals", "add", *SITE, *SEEN, "--yes").code == 77
    assert people.run_as("Carla", "signals", "show", "00000000", "--source", "--json").code == 65
    assert people.run_as("Carla", "signals", "export", "--format=misp").code == 77
    assert people.run_as("Ada", "signals", "export", "--format=misp").code == 0


def test_commands_are_there_for_a_script_from_a_shell(ngo: Contributor) -> None:
    environment = {**own_environment(), "SYMBOLON_HOME": str(ngo.home)}
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "symbolon", "signals", "words"],
        capture_output=True,
        text=True,
        env=environment,
        check=True,
    )
    assert "debt-bondage" in done.stdout
    assert time.monotonic() - began < 30


# ------------------------------------------------------------------------------------- as it is documented


def test_contributing_page_commands_work_as_written(tmp_path: Path) -> None:
    # What follows takes a second member: tests/integration/test_signal_delegation.py types it.
    script, delegating = re.findall(r"^```sh\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    shown, _ = re.findall(r"^```text\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    assert "--delegate" in delegating
    with contributor(tmp_path) as ngo:
        work = tmp_path / "work"
        work.mkdir()
        (work / "narrative.txt").write_text("Workers repay recruitment debts from their wages.\n")
        (work / "source.txt").write_text(CANARY)
        environment: dict[str, Any] = {
            **own_environment(),
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "SYMBOLON_HOME": str(ngo.home),
        }
        done = subprocess.run(
            ["bash", "-e", "-c", script],
            cwd=work,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        said = done.stdout + done.stderr
        named = shown.replace("alder and cedar:", "alder, cedar, dogwood and the-founder:")
        for line in named.splitlines():
            assert line in said, line
        assert CANARY not in said
        (held,) = ngo.run("list", "--all", "--json").json
        assert (held["state"], held["recall_reason"], held["revision"]) == ("recalled", "remedied", 5)
        assert held["has_source"] is False


def test_contributing_page_names_commands_options_and_figures_that_exist() -> None:
    import click
    import typer.main

    from symbolon.cli import main
    from symbolon.rpc.drop_box import KEPT_DAYS

    root = typer.main.get_command(main.app)
    context = click.Context(root)
    group = root.get_command(context, "signals")  # type: ignore[attr-defined]
    named = set(re.findall(r"`symbolon signals ([a-z-]+)", PAGE))
    assert named >= {"add", "words", "show", "reply-form", "reply", "import", "export", "dropbox"}
    assert named <= set(group.list_commands(context))
    options = {
        opt
        for name in group.list_commands(context)
        for parameter in group.get_command(context, name).params
        for opt in parameter.opts
    }
    assert set(re.findall(r"--[a-z]+(?:-[a-z]+)*", PAGE)) <= options
    assert f"{KEPT_DAYS} more days" in PAGE
    for link in re.findall(r"\]\(([^)#]+)", PAGE):
        assert (ROOT / "docs" / link).exists(), link
