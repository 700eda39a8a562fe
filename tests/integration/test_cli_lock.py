"""`lock`, `unlock` and `wipe` with the real command line and real processes.

A passphrase costs what it costs where one is chosen at a terminal; elsewhere it is cheap.
"""

import contextlib
import json
import os
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, inspect

import forked
from locked_home import OTHER, WORDS, cheap, lies_anywhere, memory, secrets_of
from node_people import NodePeople
from processes import DEADLINE_S, wait_until
from real_nodes import ALPHA, BETA, PURPOSES, Nodes, two_nodes
from symbolon.cli.init import create_node
from symbolon.cli.local_coalition import symbolon
from symbolon.membership.key_file import PRIVATE_KEY_FILES, is_locked_file, lock_state
from symbolon.policy.operator_roles import Role
from symbolon.rpc.node import SEAL_KEY_FILE, SIGNING_KEY_FILE, Node
from symbolon.storage.database import Database
from symbolon.storage.seal import Sealer
from symbolon.storage.seal_lock import lock_folder
from typed_terminal import Terminal

__all__ = ["memory"]
Run = subprocess.CompletedProcess[str]
FAULTY = Path(__file__).resolve().parents[1] / "faulty_command.py"


@pytest.fixture
def home(tmp_path: Path, memory: Path) -> Path:
    folder = tmp_path / "node"
    create_node(folder, member="mill", coalition="grove", listen="127.0.0.1:0")
    return folder


def cheaply(home: Path, *arguments: str) -> list[str]:
    """The command line of a command that chooses a passphrase; see `faulty_command`."""
    return [sys.executable, str(FAULTY), "cheap=", "--", "--home", str(home), *arguments]


def run(line: list[str], typed: str = "") -> Run:
    return forked.run(line, typed=typed, start_new_session=True)


def command(home: Path, *arguments: str, typed: str = "") -> Run:
    return run(symbolon("--home", str(home), *arguments), typed)


def lock(home: Path, words: str = WORDS) -> Run:
    return run(cheaply(home, "lock", "--passphrase-file", "-"), f"{words}\n")


def unlock(home: Path, *options: str, words: str = WORDS) -> Run:
    return command(home, "unlock", *options, "--passphrase-file", "-", typed=f"{words}\n")


def passphrase_file(folder: Path, words: str) -> str:
    path = folder / f"{len(words)}.txt"
    path.touch(mode=0o600)
    path.write_text(f"{words}\n")
    return str(path)


def test_lock_unlock_and_lock_again_at_a_terminal_never_show_the_passphrase(home: Path, memory: Path) -> None:
    first = Terminal(home, "lock").expect("New passphrase").type(WORDS).expect("The same again").type(OTHER)
    assert first.end() == 2
    assert "differ; nothing was changed" in first.shown
    assert not lock_state(home).locked
    first = Terminal(home, "lock").expect("New passphrase").type(WORDS).expect("The same again").type(WORDS)
    assert first.end() == 0
    assert "still empty: its keys were made anew" in first.shown
    assert WORDS not in first.shown
    assert b":argon2id,m=524288,t=3,p=4:" in (home / SEAL_KEY_FILE).read_bytes()
    second = Terminal(home, "unlock").expect("Passphrase:").type(WORDS)
    assert second.end() == 0
    assert "Unlocked until" in second.shown
    assert WORDS not in second.shown
    assert command(home, "status").returncode == 0
    assert command(home, "lock").returncode == 0, "asks nothing, at no terminal"
    assert list(memory.iterdir()) == []
    wiping = Terminal(home, "wipe").expect("Type mill to destroy it").type("mil")
    assert wiping.end() == 2
    assert home.exists()
    wiping = Terminal(home, "wipe").expect("Type mill to destroy it").type("mill")
    assert wiping.end() == 0
    assert not home.exists()


@pytest.fixture
def locked(home: Path) -> Path:
    lock_folder(home, cheap())
    return home


def test_unlock_at_a_terminal_by_another_passphrase_is_refused(locked: Path) -> None:
    unlocking = Terminal(locked, "unlock").expect("Passphrase:").type(OTHER)
    assert unlocking.end() == 77
    assert "does not open the keys" in unlocking.shown
    assert OTHER not in unlocking.shown
    assert lock_state(locked).locked


@pytest.mark.parametrize(
    "words", ["status", "serve", "sign-in", "suppliers list", "audit log", "coalition members", "match birch"]
)
def test_locked_node_every_command_says_what_to_do_and_ends_with_78(locked: Path, words: str) -> None:
    done = command(locked, *words.split(), *(["--purpose", "due-diligence"] if "match" in words else []))
    assert done.returncode == 78, done.stderr
    assert done.stderr == (
        f"symbolon: error: the keys of the node in {locked} are locked\n"
        "symbolon: hint: Run `symbolon unlock`.\n"
    )


def test_locked_node_doctor_says_so_and_looks_at_the_rest(locked: Path) -> None:
    done = command(locked, "doctor", "--json")
    assert done.returncode == 1
    checks = {each["check"]: each for each in json.loads(done.stdout)["checks"]}
    assert (checks["keys on disk"]["state"], checks["keys on disk"]["code"]) == (
        "fail",
        "storage.seal.locked",
    )
    assert checks["keys on disk"]["hint"] == "Run `symbolon unlock`."
    assert checks["database"]["state"] == "unknown"
    assert checks["configuration"]["state"] == checks["free disk"]["state"] == "ok"
    assert unlock(locked).returncode == 0
    checks = {
        each["check"]: each for each in json.loads(command(locked, "doctor", "--json").stdout)["checks"]
    }
    assert "locked by a passphrase, unlocked until 20" in checks["keys on disk"]["said"]
    assert checks["database"]["state"] == "ok"
    shown = json.loads(command(locked, "status", "--json").stdout)
    assert shown["keys"].startswith("locked by a passphrase, unlocked until 20")


def test_unlock_for_a_short_while_ends_by_itself(locked: Path, memory: Path) -> None:
    assert unlock(locked, "--for", "0.0012").returncode == 0
    begun = time.monotonic()
    # As the first thing, since the machine is shared with others.
    if lock_state(locked).unlocked_until_s is not None:
        assert len(list(memory.iterdir())) == 1
    wait_until(lambda: command(locked, "status").returncode == 78, "the time to be over")
    assert time.monotonic() - begun > 2
    assert list(memory.iterdir()) == [], "removed by the command that looked"


@pytest.mark.parametrize("hours", ["0", "-1", "169", "nan", "inf"])
def test_unlock_for_no_time_or_too_long_is_refused_before_anything_is_asked(locked: Path, hours: str) -> None:
    done = command(locked, "unlock", "--for", hours)
    assert done.returncode == 2
    assert "168 hours" in done.stderr


def test_lock_change_and_unlock_for_good_by_files(locked: Path, tmp_path: Path, memory: Path) -> None:
    old, new = passphrase_file(tmp_path, WORDS), passphrase_file(tmp_path, OTHER)
    change = ("lock", "--change", "--passphrase-file")
    assert command(locked, *change, new, "--new-passphrase-file", old).returncode == 77
    assert command(locked, *change, "-", "--new-passphrase-file", "-").returncode == 2
    done = run(cheaply(locked, *change, old, "--new-passphrase-file", new))
    assert done.returncode == 0, done.stderr
    assert "made before still open by the old one" in done.stderr
    assert unlock(locked).returncode == 77
    assert command(locked, "unlock", "--for-good", "--passphrase-file", new).returncode == 0
    assert not lock_state(locked).locked
    assert (locked / SIGNING_KEY_FILE).read_bytes().startswith(b"-----BEGIN PRIVATE KEY-----")
    assert command(locked, "status").returncode == 0
    assert "nothing to unlock" in unlock(locked).stderr
    assert command(locked, *change, old, "--new-passphrase-file", new).returncode == 2


def test_lock_weak_passphrase_is_refused_and_none_at_no_terminal_too(home: Path) -> None:
    done = lock(home, "too short")
    assert done.returncode == 2
    assert "16 to 1024 characters" in done.stderr
    done = command(home, "lock")
    assert done.returncode == 2
    assert "--passphrase-file" in done.stderr
    assert lock(home, "").returncode == 65
    assert not lock_state(home).locked


@pytest.mark.parametrize("words", ["lock", "unlock", "wipe"])
def test_folder_without_a_node_is_refused(tmp_path: Path, words: str) -> None:
    done = command(tmp_path / "none", words)
    assert done.returncode == (2 if words == "wipe" else 78)
    assert "--home" in done.stderr


def test_lock_killed_at_any_moment_leaves_a_node_that_opens(home: Path, tmp_path: Path, memory: Path) -> None:
    with Node(home) as node:
        node.audit.require_writable()
    (home / "request.pem").touch()  # a node that others may know: its keys stay what they are
    clear = {name: (home / name).read_bytes() for name in (SEAL_KEY_FILE, SIGNING_KEY_FILE)}
    digest = Sealer.load(home / SEAL_KEY_FILE).keyed_digest("x", b"")
    words = passphrase_file(tmp_path, WORDS)
    begun = time.monotonic()
    whole = shutil.copytree(home, tmp_path / "whole")
    assert lock(whole).returncode == 0
    takes_s = time.monotonic() - begun
    found = set()
    # At every file system call: see test_seal_lock_attacks.
    for at in (0.05, 0.5, 0.8, 0.95, random.uniform(0.3, 1.1)):
        copy = shutil.copytree(home, tmp_path / "copy")
        with forked.Popen(
            cheaply(copy, "lock", "--passphrase-file", words),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        ) as process:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(at * takes_s)
            process.kill()
        found.add(lock_state(copy).locked)
        if lock_state(copy).locked:
            assert unlock(copy).returncode == 0
            assert lies_anywhere(copy, secrets_of(clear)) == []
        assert Sealer.load(copy / SEAL_KEY_FILE).keyed_digest("x", b"") == digest
        assert command(copy, "status").returncode == 0
        shutil.rmtree(copy)
    assert False in found


def test_operators_first_lock_takes_an_administrator_and_all_else_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, memory: Path
) -> None:
    people = NodePeople(tmp_path, monkeypatch)
    people.add("Amina", Role.ADMINISTRATOR)
    people.add("Bruno", Role.APPROVER)
    refused = lock(people.home)
    assert refused.returncode == 77
    assert "symbolon sign-in" in refused.stderr
    people.signed_in("Bruno")
    refused = lock(people.home)
    assert refused.returncode == 77
    assert "needs the role administrator, you are approver" in refused.stderr
    people.signed_in("Amina")
    assert lock(people.home).returncode == 0
    assert command(people.home, "sign-in", "Bruno").returncode == 78
    assert command(people.home, "sign-out").returncode == 0
    assert unlock(people.home).returncode == 0
    assert "sign-in" in command(people.home, "status").stderr
    assert command(people.home, "lock").returncode == 0
    assert command(people.home, "wipe", "--yes-destroy", "mill").returncode == 0


@pytest.fixture(scope="module")
def nodes() -> Iterator[Nodes]:
    with two_nodes() as both:
        yield both


def test_node_that_serves_stops_when_it_is_locked_and_serves_again_unlocked(
    nodes: Nodes, memory: Path
) -> None:
    home = nodes.home(BETA)
    clear = {
        name: (home / name).read_bytes()
        for name in (SEAL_KEY_FILE, *PRIVATE_KEY_FILES)
        if (home / name).exists()
    }
    assert nodes.match(ALPHA, BETA, PURPOSES[1]).ids()
    serving = nodes.processes[BETA]
    done = lock(home)
    assert done.returncode == 0, done.stderr
    assert "in clear since 20" in done.stderr
    assert serving.wait(DEADLINE_S) == 0
    assert "keys are locked: stopping" in nodes.log(BETA)
    assert lies_anywhere(home, secrets_of(clear)) == []
    assert command(home, "serve").returncode == 78
    assert unlock(home).returncode == 0
    nodes.start(BETA)
    assert nodes.match(ALPHA, BETA, PURPOSES[2]).ids()
    # Asking takes the leaf's key by way of Python's own TLS, answering by gRPC's.
    nodes.start(ALPHA)
    assert nodes.match(BETA, ALPHA, PURPOSES[2]).ids()
    assert is_locked_file((home / "node-key.pem").read_bytes())
    serving = nodes.processes[BETA]
    done = command(home, "lock")
    assert done.returncode == 0, done.stderr
    assert serving.wait(DEADLINE_S) == 0
    assert unlock(home, "--for", "0.002").returncode == 0
    nodes.launch(BETA)
    assert nodes.processes[BETA].wait(DEADLINE_S) == 0, "its time is over"
    assert unlock(home, "--for-good").returncode == 0
    nodes.start(BETA)
    assert nodes.match(ALPHA, BETA, PURPOSES[3]).ids()


def test_wipe_takes_all_that_a_node_at_work_made_while_it_serves(memory: Path) -> None:
    with two_nodes() as nodes:
        home = nodes.home(BETA)
        nodes.match(ALPHA, BETA, PURPOSES[1])
        (home / "policies").mkdir(exist_ok=True)
        (home / "policies" / "own.cedar").write_text("// nothing")
        (home / f"signed-in-{os.geteuid()}.token").write_bytes(b"x")
        nodes.stop(BETA)
        lock_folder(home, cheap())
        assert unlock(home).returncode == 0
        nodes.start(BETA)
        serving = nodes.processes[BETA]
        done = command(home, "wipe", "--yes-destroy", BETA, "--json")
        assert done.returncode == 0, done.stdout + done.stderr
        assert not home.exists()
        assert list(memory.iterdir()) == []
        assert serving.wait(DEADLINE_S) != 0, "as by kill -9"
        said: dict[str, Any] = json.loads(done.stdout)
        assert said["left"] == []
        assert said["destroyed"][:2] == ["the unlocked key", SEAL_KEY_FILE]
        assert said["destroyed"][-1] == "symbolon.toml"
        assert f"symbolon coalition suspend {BETA} --reason" in " ".join(said["next"])
        founder = nodes.founder.node.home
        done = command(founder, "wipe", "--yes-destroy", nodes.founder.node.member_id, "--json")
        assert done.returncode == 0, done.stdout + done.stderr
        assert not founder.exists()
        assert "--drop" in " ".join(json.loads(done.stdout)["next"])


def test_wipe_goes_on_where_only_a_part_is_left(home: Path) -> None:
    for gone in ("seal.key", "symbolon.toml", "signing-key.pem"):
        (home / gone).unlink()
    assert command(home, "wipe", "--yes-destroy", "mill").returncode == 2
    done = command(home, "wipe", "--yes-destroy", home.name)
    assert done.returncode == 0, done.stderr
    assert not home.exists()


def test_wipe_broken_configuration_does_not_hold_it_up(home: Path) -> None:
    (home / "symbolon.toml").write_text("[node]\nmember = mill, of course")
    assert command(home, "wipe", "--yes-destroy", home.name).returncode == 0
    assert not home.exists()


def test_wipe_what_cannot_be_destroyed_is_named_and_the_exit_code_says_so(home: Path) -> None:
    (home / "audit.checkpoint").mkdir()
    (home / "diary.txt").write_text("strange")
    done = command(home, "wipe", "--yes-destroy", "mill")
    assert done.returncode == 74
    assert "audit.checkpoint: is a folder" in done.stdout
    assert "diary.txt: not made by Symbolon" in done.stdout
    assert sorted(each.name for each in home.iterdir()) == ["audit.checkpoint", "diary.txt"]


def test_wipe_takes_the_database_where_it_lies_elsewhere_and_nothing_beside_it(
    tmp_path: Path, memory: Path
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "kept").write_text("strange")
    home = tmp_path / "node"
    create_node(
        home, member="mill", coalition="grove", listen="127.0.0.1:0", database=f"sqlite:///{other}/far.db"
    )
    assert command(home, "wipe", "--yes-destroy", "mill").returncode == 0
    assert [each.name for each in other.iterdir()] == ["kept"]
    assert not home.exists()


def test_wipe_is_quick_with_the_keys_however_large_the_database(home: Path) -> None:
    with (home / "node.db").open("ab") as file:
        file.truncate(2 << 30)
    process = forked.Popen(
        symbolon("--home", str(home), "wipe", "--yes-destroy", "mill"),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    with process:
        wait_until(lambda: not (home / SEAL_KEY_FILE).exists(), "the key to go", 0.005)
        process.kill()
    assert (home / "node.db").exists(), "what takes time comes later"
    assert not (home / SIGNING_KEY_FILE).exists() or process.returncode


@pytest.mark.usefixtures("memory")
def test_wipe_drops_the_tables_on_a_server_and_says_so_where_it_is_not_reached(
    tmp_path: Path, postgres: Any
) -> None:
    home = tmp_path / "node"
    with postgres.database() as url:
        create_node(home, member="mill", coalition="grove", listen="127.0.0.1:0", database=url)
        copy = shutil.copytree(home, tmp_path / "copy")
        done = command(home, "wipe", "--yes-destroy", "mill", "--json")
        assert done.returncode == 0, done.stdout + done.stderr
        assert any("tables on the database server" in each for each in json.loads(done.stdout)["destroyed"])
        engine = create_engine(url)
        assert inspect(engine).get_table_names() == []
        engine.dispose()
    text = (copy / "symbolon.toml").read_text()
    port = url.rpartition(":")[2].partition("/")[0]
    (copy / "symbolon.toml").write_text(text.replace(f":{port}/", ":1/"))
    done = command(copy, "wipe", "--yes-destroy", "mill", "--json")
    assert done.returncode == 74
    (left,) = json.loads(done.stdout)["left"]
    assert left["name"] == "the tables on the database server"
    assert "administrator drop the database" in left["why"]
    assert not copy.exists()


def test_lock_of_a_node_whose_database_cannot_be_opened_locks_the_keys_all_the_same(home: Path) -> None:
    (home / "node.db").write_bytes(b"no database " * 1000)
    done = lock(home)
    assert done.returncode == 0, done.stderr
    assert "locked all the same" in done.stderr
    assert lock_state(home).locked


def test_a_locked_folder_that_was_copied_opens_where_it_was_put_back(
    locked: Path, tmp_path: Path, memory: Path
) -> None:
    copy = shutil.copytree(locked, tmp_path / "backup")
    assert command(locked, "wipe", "--yes-destroy", "mill").returncode == 0
    assert unlock(copy).returncode == 0
    with Database.open(f"sqlite:///{copy}/node.db"):
        assert command(copy, "status").returncode == 0
