"""Attacks on a locked folder: a thief who has it, another user of the machine, kill -9, doctored files."""

import os
import resource
import shutil
import ssl
import subprocess
import sys
import time
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from locked_home import (
    OTHER,
    WORDS,
    cheap,
    contents,
    lies_anywhere,
    make_home,
    memory,
    node_home,
    on_disk,
    secrets_of,
)
from symbolon.cli import main
from symbolon.cli.init import create_node
from symbolon.errors import PermissionDeniedError, SealError
from symbolon.membership import unlocked_key
from symbolon.membership.key_file import PRIVATE_KEY_FILES, LockedError, lock_state
from symbolon.membership.sealing_key import LockedKey, parse_key_file
from symbolon.membership.unlocked_key import Moment, keep_key, kept_key, require_memory
from symbolon.rpc.node import SEAL_KEY_FILE, Node
from symbolon.storage.database import Database
from symbolon.storage.seal import Sealer
from symbolon.storage.seal_lock import change_passphrase, lock_folder, relock_folder, unlock_folder
from symbolon.storage.wipe import NOT_OURS, Wipe

__all__ = ["memory", "node_home", "on_disk"]
NAME = "ab" * 16
KEY = bytes(range(32))
NOW = Moment(1_800_000_000.0, 1000.0)
CANARY = b"what the woman at the dormitory said"

# Forks one child for every file system call of an action; the child kills itself just before it. What holds
# at every point is checked by the parent. Prints how many points there were.
_DRIVER = """
import os, shutil, signal, sys
from pathlib import Path
sys.path.insert(0, sys.argv[3])
from locked_home import OTHER, WORDS, cheap, contents, lies_anywhere, secrets_of
from symbolon.errors import PermissionDeniedError
from symbolon.membership import sealing_key
from symbolon.membership.key_file import lock_state
from symbolon.membership.founder_keys import load_founder_keys
from symbolon.membership.signing_key import load_signing_key
from symbolon.storage.seal import Sealer
from symbolon.storage.seal_lock import *

action, base = sys.argv[1], Path(sys.argv[2])
clear = contents(base / "clear")
digest = Sealer.load(base / "clear" / "seal.key").keyed_digest("x", b"")

def act(home):
    if action == "lock":
        lock_folder(home, cheap())
    elif action == "change":
        change_passphrase(home, WORDS, cheap(OTHER))
    elif action == "unlock":
        unlock_folder(home, WORDS, 3600)
    else:
        unlock_for_good(home, lambda: WORDS)

def killed_at(home, point):
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
    seen = 0
    def hook(event, args):
        nonlocal seen
        if event.split(".")[0] in ("open", "os", "fcntl") and event != "os.kill":
            if seen == point:
                os.kill(os.getpid(), signal.SIGKILL)
            seen += 1
    sys.addaudithook(hook)
    act(home)
    os._exit(0)

def opens(home):
    '''Uses every key, however the folder is; says which passphrase opened it.'''
    used = ""
    if lock_state(home).locked:
        for words in (WORDS, OTHER):
            try:
                unlock_folder(home, words, 3600)
            except PermissionDeniedError:
                continue
            used = words
            break
        else:
            raise AssertionError("neither in clear nor locked by a known passphrase")
    assert Sealer.load(home / "seal.key").keyed_digest("x", b"") == digest
    load_signing_key(home / "signing-key.pem")
    load_founder_keys(home / "founder", "mill")
    return used

points = 0
for point in range(3000):
    home = base / f"copy{point}"
    shutil.copytree(base / ("clear" if action == "lock" else "locked"), home)
    killed = killed_at(home, point)
    if lock_state(home).locked:
        assert find_keys(home).in_clear == (), "seal.key is the last to be locked, and the first to be opened"
    opens(home)
    # Whatever was left, a second run ends it.
    if action == "lock":
        if lock_state(home).locked:
            assert lies_anywhere(home, secrets_of(clear)) == []
            relock_folder(home)
        else:
            act(home)
        assert lies_anywhere(home, secrets_of(clear)) == []
    elif action == "forgood":
        act(home)
        assert contents(home) == clear
    else:
        assert lies_anywhere(home, secrets_of(clear)) == []
    left = [each.name for each in home.rglob(".*") if each.name != ".lock"]
    assert left == [], (point, left)
    shutil.rmtree(home)
    if not killed:
        break
    points += 1
print(points)
"""


@pytest.mark.parametrize("action", ["lock", "change", "unlock", "forgood"])
def test_attack_killed_at_any_file_system_call_leaves_keys_that_open(
    tmp_path: Path, memory: Path, action: str
) -> None:
    make_home(tmp_path / "clear")
    shutil.copytree(tmp_path / "clear", tmp_path / "locked")
    lock_folder(tmp_path / "locked", cheap())
    run = subprocess.run(
        [sys.executable, "-c", _DRIVER, action, str(tmp_path), str(Path(__file__).parents[1])],
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    assert int(run.stdout) > 25


def test_attack_thief_with_the_folder_finds_no_key_and_speaks_for_nobody(
    node_home: Path, memory: Path
) -> None:
    secrets = secrets_of(contents(node_home))
    lock_folder(node_home, cheap())
    unlock_folder(node_home, WORDS, 3600)
    relock_folder(node_home)
    stolen = shutil.copytree(node_home, node_home.parent / "stolen")
    assert lies_anywhere(stolen, secrets) == []
    for name in PRIVATE_KEY_FILES:
        with pytest.raises(ValueError, match="PEM"):
            load_pem_private_key((stolen / name).read_bytes(), None)
        with pytest.raises((ssl.SSLError, OSError)):
            ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_cert_chain(
                stolen / "founder" / "authority.pem", stolen / name
            )
    with pytest.raises(LockedError):
        Sealer.load(stolen / SEAL_KEY_FILE)


def test_attack_thief_with_the_folder_and_database_reads_no_sealed_column(
    tmp_path: Path, memory: Path
) -> None:
    home = tmp_path / "node"
    create_node(home, member="mill", coalition="grove", listen="127.0.0.1:0")
    with Node(home) as node:
        kept = node.sealer.seal("supplier", "record", 1, CANARY)
    lock_folder(home, cheap())
    assert lies_anywhere(home, [CANARY]) == []
    unlock_folder(home, WORDS, 3600)
    assert Sealer.load(home / SEAL_KEY_FILE).open("supplier", "record", 1, kept) == CANARY
    relock_folder(home)
    with pytest.raises(LockedError):
        Node(home)


@pytest.mark.parametrize(
    "cost",
    [
        "m=104857600,t=3,p=4",
        "m=4194304,t=1,p=4",
        "m=524288,t=100000,p=4",
        "m=524288,t=3,p=100000",
        "m=2097152,t=5,p=4",
        "m=1,t=1,p=1",
    ],
)
def test_attack_doctored_cost_is_refused_at_once_and_without_memory(node_home: Path, cost: str) -> None:
    lock_folder(node_home, cheap())
    path = node_home / SEAL_KEY_FILE
    path.write_bytes(path.read_bytes().replace(b"m=8,t=1,p=1", cost.encode()))
    before_kib, start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.monotonic()
    for refused in (lambda: unlock_folder(node_home, WORDS, 60), lambda: lock_state(node_home)):
        with pytest.raises(SealError) as caught:
            refused()
        assert caught.value.full_code == "storage.seal.cost"
    assert time.monotonic() - start < 5
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before_kib < 64 * 1024


def test_attack_weaker_cost_or_other_salt_written_in_does_not_open(node_home: Path, memory: Path) -> None:
    lock_folder(node_home, cheap())
    path = node_home / SEAL_KEY_FILE
    good = path.read_bytes()
    found = parse_key_file(good)
    assert isinstance(found, LockedKey)
    salt = found.head.split(":")[2].encode()
    for old, new in ((b"m=8,", b"m=9,"), (b"t=1", b"t=2"), (b"m=8,", b"m=08,"), (salt, b"0" * 32)):
        path.write_bytes(good.replace(old, new))
        with pytest.raises(PermissionDeniedError):
            unlock_folder(node_home, WORDS, 60)
    assert list(memory.iterdir()) == []
    path.write_bytes(good)
    unlock_folder(node_home, WORDS, 60)


def test_attack_old_key_file_put_back_opens_with_the_old_passphrase_only_for_who_knows_it(
    node_home: Path, memory: Path
) -> None:
    lock_folder(node_home, cheap())
    old = (node_home / SEAL_KEY_FILE).read_bytes()
    change_passphrase(node_home, WORDS, cheap(OTHER))
    unlock_folder(node_home, OTHER, 3600)
    (node_home / SEAL_KEY_FILE).write_bytes(old)
    with pytest.raises(LockedError):
        Sealer.load(node_home / SEAL_KEY_FILE)


def test_attack_link_in_the_place_of_the_unlocked_key_is_not_followed(memory: Path, tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.mkdir(mode=0o700)
    (target / "key").write_bytes(b"not ours")
    (memory / f"symbolon-{NAME}").symlink_to(target)
    assert kept_key(NAME, NOW) is None
    (memory / f"symbolon-{NAME}").symlink_to(target)
    keep_key(NAME, KEY, 60, NOW)
    assert (target / "key").read_bytes() == b"not ours"
    # A whole one, but not where it was kept.
    (memory / f"symbolon-{NAME}").rename(memory / "moved")
    (memory / f"symbolon-{NAME}").symlink_to(memory / "moved")
    assert kept_key(NAME, NOW) is None, "the folder is a link"
    assert (memory / "moved" / "key").read_bytes().startswith(b"symbolon-unlocked-key-1:")
    keep_key(NAME, KEY, 60, NOW)
    file = memory / f"symbolon-{NAME}" / "key"
    file.rename(memory / "elsewhere")
    file.symlink_to(memory / "elsewhere")
    assert kept_key(NAME, NOW) is None, "the file is a link"
    assert (memory / "elsewhere").read_bytes().startswith(b"symbolon-unlocked-key-1:")


def test_attack_second_name_of_the_unlocked_key_ends_it(memory: Path) -> None:
    keep_key(NAME, KEY, 60, NOW)
    (memory / "kept-by-somebody").hardlink_to(memory / f"symbolon-{NAME}" / "key")
    assert kept_key(NAME, NOW) is None
    assert KEY not in (memory / "kept-by-somebody").read_bytes()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file to another user")
def test_attack_another_user_who_takes_the_name_first_is_not_trusted(memory: Path) -> None:
    keep_key(NAME, KEY, 60, NOW)
    folder = memory / f"symbolon-{NAME}"
    os.chown(folder / "key", 12345, 12345)
    assert kept_key(NAME, NOW) is None
    folder.mkdir(mode=0o700)
    (folder / "key").write_bytes(b"theirs")
    os.chown(folder, 12345, 12345)
    assert kept_key(NAME, NOW) is None
    assert folder.exists(), "another user's is left alone"
    with pytest.raises(SealError):
        keep_key(NAME, KEY, 60, NOW)
    os.chown(memory, 12345, 12345)
    assert require_memory() != memory


def test_attack_folder_of_the_unlocked_key_opened_to_others_ends_it(memory: Path) -> None:
    for path in ("", "key"):
        keep_key(NAME, KEY, 60, NOW)
        (memory / f"symbolon-{NAME}" / path).chmod(0o755)
        assert kept_key(NAME, NOW) is None


def test_attack_clock_put_back_does_not_keep_a_key_alive(memory: Path) -> None:
    keep_key(NAME, KEY, 3600, NOW)
    assert kept_key(NAME, Moment(NOW.day_s + 10, NOW.up_s + 3600)) is None


def test_attack_runtime_folder_named_on_a_disk_gets_no_key(
    on_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = on_disk / "runtime"
    disk.mkdir(mode=0o700)
    monkeypatch.setattr(unlocked_key, "_places", lambda: [disk])
    with pytest.raises(SealError):
        keep_key(NAME, KEY, 60, NOW)
    assert lies_anywhere(disk, [KEY]) == []


def test_attack_passphrase_on_the_command_line_is_no_option(
    node_home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for command in ("lock", "unlock"):
        for wrong in (["--passphrase", WORDS], [WORDS]):
            assert main.run(["--home", str(node_home), command, *wrong]) == 2
    assert not lock_state(node_home).locked
    capsys.readouterr()


@pytest.mark.parametrize("command", [["lock"], ["unlock"], ["unlock", "--for-good"], ["lock", "--change"]])
def test_attack_passphrase_file_open_to_others_is_refused(
    node_home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], command: list[str]
) -> None:
    (node_home / "symbolon.toml").write_text('[node]\nmember = "mill"\ncoalition = "grove"\n')
    Database.open(f"sqlite:///{node_home}/node.db", create=True).close()
    if command != ["lock"]:
        lock_folder(node_home, cheap())
    file = tmp_path / "passphrase"
    file.write_text(WORDS)
    file.chmod(0o644)
    before = (node_home / SEAL_KEY_FILE).read_bytes()
    assert main.run(["--home", str(node_home), *command, "--passphrase-file", str(file)]) == 65
    said = capsys.readouterr().err
    assert "chmod 600" in said
    assert WORDS not in said
    assert (node_home / SEAL_KEY_FILE).read_bytes() == before


def outside(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def test_attack_links_in_the_folder_lead_wipe_nowhere(node_home: Path, tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.mkdir()
    for name in ("a", "b", "current", "key.pem"):
        (target / name).write_bytes(b"not ours " + name.encode())
    before = outside(target)
    shutil.rmtree(node_home / "founder")
    (node_home / "founder").symlink_to(target)
    (node_home / "coalition").mkdir()
    (node_home / "coalition" / "states").symlink_to(target)
    (node_home / "coalition" / "part").symlink_to("../../target/a")
    (node_home / "coalition" / "own").symlink_to("../symbolon.toml")
    (node_home / "policies").symlink_to(target)
    (node_home / "node.db").symlink_to(target / "b")
    (node_home / "audit.checkpoint").symlink_to("/etc/passwd")
    (node_home / "node-key.pem").unlink()
    (node_home / "node-key.pem").symlink_to(target / "key.pem")
    (node_home / "symbolon.toml").write_text("[node]\nmember = 'mill'\n")
    with Wipe(node_home) as wiping:
        wiping.erase_keys()
        wiping.erase_rest(node_home / "node.db")
        wiping.erase_last("symbolon.toml")
    assert outside(target) == before
    assert Path("/etc/passwd").stat().st_size
    assert not node_home.exists()
    told = {each.name: each.why for each in wiping.left}
    assert set(told) == {
        "founder",
        "coalition/states",
        "coalition/part",
        "policies",
        "node.db",
        "audit.checkpoint",
        "node-key.pem",
    }
    assert all("not followed" in why for why in told.values())


def test_attack_folder_that_is_no_nodes_is_not_wiped(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("coalition", "founder", "policies"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "kept").write_text("not ours")
    for name in ("node.db", "seal.key", "request.pem", "symbolon.toml"):
        (tmp_path / name).write_text("not ours")
    assert main.run(["--home", str(tmp_path), "wipe", "--yes-destroy", tmp_path.name]) == 2
    assert main.run(["--home", str(tmp_path / "none"), "wipe", "--yes-destroy", "none"]) == 2
    assert "Nothing was destroyed" in capsys.readouterr().err
    assert len([path for path in tmp_path.rglob("*") if path.is_file()]) == 7


# As above, for a wipe; the child does the whole of it, in the order of the command.
_WIPE_DRIVER = """
import os, shutil, signal, sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from locked_home import contents, lies_anywhere, secrets_of
from symbolon.storage.wipe import Wipe

base = Path(sys.argv[1])
secrets = secrets_of(contents(base / "clear"))
canary = b"what the woman at the dormitory said"

def wipe(home):
    with Wipe(home) as wiping:
        assert wiping.erase_keys(), wiping.left
        wiping.erase_rest(home / "node.db")
        wiping.erase_last("symbolon.toml")

def killed_at(home, point):
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
    seen = 0
    def hook(event, args):
        nonlocal seen
        if event.split(".")[0] in ("open", "os") and event != "os.kill":
            if seen == point:
                os.kill(os.getpid(), signal.SIGKILL)
            seen += 1
    sys.addaudithook(hook)
    wipe(home)
    os._exit(0)

points, gone_at = 0, None
for point in range(5000):
    home = base / f"copy{point}"
    shutil.copytree(base / "clear", home)
    killed = killed_at(home, point)
    keys = lies_anywhere(home, secrets) if home.exists() else []
    data = lies_anywhere(home, [canary]) if home.exists() else []
    assert not keys or data == ["coalition/part", "node.db", "symbolon.toml"], (point, keys, data)
    if not keys and gone_at is None:
        gone_at = point
    if home.exists():
        assert (home / "symbolon.toml").exists() or not list(home.iterdir()), "by which it is known again"
        wipe(home)
    assert not home.exists(), list(home.iterdir())
    if not killed:
        break
    points += 1
print(points, gone_at)
"""


def test_attack_wipe_killed_at_any_point_took_the_keys_first_and_is_ended_by_a_second(
    node_home: Path, tmp_path: Path
) -> None:
    clear = node_home.rename(tmp_path / "clear")
    (clear / "coalition").mkdir()
    for name in ("coalition/part", "node.db", "symbolon.toml"):
        (clear / name).write_bytes(CANARY * 10)
    run = subprocess.run(
        [sys.executable, "-c", _WIPE_DRIVER, str(tmp_path), str(Path(__file__).parents[1])],
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    points, gone_at = map(int, run.stdout.split())
    assert 0 < gone_at < points


def test_attack_wipe_leaves_strange_files_and_says_so(node_home: Path) -> None:
    (node_home / "notes.txt").write_text("not made by a node")
    (node_home / "own").mkdir()
    with Wipe(node_home) as wiping:
        wiping.erase_keys()
        wiping.erase_rest(None)
        wiping.erase_last("symbolon.toml")
    assert [(each.name, each.why) for each in wiping.left] == [("notes.txt", NOT_OURS), ("own", NOT_OURS)]
    assert sorted(each.name for each in node_home.iterdir()) == ["notes.txt", "own"]


def test_attack_wipe_takes_what_a_killed_lock_left_and_the_unlocked_key(
    node_home: Path, memory: Path
) -> None:
    secrets = secrets_of(contents(node_home))
    for name in (f".seal.key.{'0' * 16}.old", f".seal.key.{'1' * 16}.tmp", f".node-key.pem.{'2' * 16}.tmp"):
        (node_home / name).write_bytes(b"\n".join(secrets))
    lock_folder(node_home, cheap())
    unlock_folder(node_home, WORDS, 3600)
    (node_home / f".seal.key.{'0' * 16}.old").write_bytes(b"\n".join(secrets))
    with Wipe(node_home) as wiping:
        assert wiping.erase_keys()
        assert lies_anywhere(node_home, secrets) == []
        assert list(memory.iterdir()) == []
        assert wiping.erased[0] == "the unlocked key"
        assert wiping.erased[1] == SEAL_KEY_FILE
