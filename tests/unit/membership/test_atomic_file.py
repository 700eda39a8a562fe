"""What a process that is killed while it writes a file leaves, and who erases it."""

import errno
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from symbolon.cli.init import create_node
from symbolon.errors import StorageError
from symbolon.membership.atomic_file import LEFT_OVER_S, erase_left_over, read_bounded, write_atomically
from symbolon.rpc.node import FOUNDER_FOLDER, Node

_KILLED = """
import os, pathlib, signal, sys
from symbolon.membership.atomic_file import write_atomically
os.fsync = lambda _: os.kill(os.getpid(), signal.SIGKILL)
write_atomically(pathlib.Path(sys.argv[1]), b"secret")
"""


def left_over(path: Path, age_s: float = LEFT_OVER_S + 60) -> Path:
    """What is left of a file whose writer was killed, some time ago."""
    subprocess.run([sys.executable, "-c", _KILLED, str(path)], check=False)
    (left,) = path.parent.glob(f".{path.name}.*.tmp")
    os.utime(left, (time.time() - age_s,) * 2)
    return left


@pytest.fixture
def home(tmp_path: Path) -> Path:
    create_node(tmp_path / "node", member="alder-co", coalition="harbour", listen="127.0.0.1:0")
    (tmp_path / "node" / FOUNDER_FOLDER).mkdir()
    return tmp_path / "node"


def test_node_opened_after_a_writer_was_killed_erases_what_it_left(home: Path) -> None:
    left = [left_over(home / "node-next-key.pem"), left_over(home / FOUNDER_FOLDER / "root-key.pem")]
    assert [each.read_bytes() for each in left] == [b"secret"] * 2
    with Node(home):
        assert not any(each.exists() for each in left)


def test_node_opened_while_another_process_writes_leaves_its_file(home: Path) -> None:
    writing = left_over(home / "node-next-key.pem", LEFT_OVER_S - 60)
    with Node(home, clock=lambda: time.time() + 10 * LEFT_OVER_S):
        assert writing.read_bytes() == b"secret"


@pytest.mark.parametrize(
    "name",
    [
        "node-key.pem",
        ".tmp",
        ".notes.tmp",
        "notes.0123456789abcdef.tmp",
        ".0123456789abcdef.tmp",
        ".notes.0123456789abcde.tmp",
        ".notes.0123456789ABCDEF.tmp",
        ".notes.0123456789abcdef.tmp.keep",
    ],
)
def test_erase_left_over_leaves_every_file_of_another_shape(name: str, tmp_path: Path) -> None:
    kept = tmp_path / name
    kept.write_bytes(b"mine")
    os.utime(kept, (0, 0))
    erase_left_over(tmp_path, time.time())
    assert kept.read_bytes() == b"mine"


def test_erase_left_over_follows_no_link_and_enters_no_folder(tmp_path: Path) -> None:
    name = ".notes.0123456789abcdef.tmp"
    for folder in ("home", "elsewhere"):
        (tmp_path / folder).mkdir()
    outside = tmp_path / "elsewhere" / name
    outside.write_bytes(b"mine")
    os.utime(outside, (0, 0))
    (tmp_path / "home" / name).symlink_to(outside)
    (tmp_path / "home" / "below").symlink_to(tmp_path / "elsewhere")
    erase_left_over(tmp_path / "home", time.time())
    assert outside.read_bytes() == b"mine"
    erase_left_over(tmp_path / "nowhere", time.time())


@pytest.mark.parametrize(
    ("number", "hint"),
    [(errno.ENOSPC, "Free some space"), (errno.EACCES, "whose file"), (errno.EROFS, "whose file")],
)
def test_write_that_the_system_refuses_says_what_to_do_and_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, hint: str
) -> None:
    path = tmp_path / "key.pem"
    path.write_bytes(b"old")

    def refuse(_: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(StorageError) as caught:
        write_atomically(path, b"new")
    assert hint in (caught.value.hint or "")
    assert [(each, each.read_bytes()) for each in tmp_path.iterdir()] == [(path, b"old")]


@pytest.mark.parametrize(("name", "hint"), [("away.txt", "the name is right"), ("", "not a folder")])
def test_read_of_what_is_no_file_says_what_to_do(tmp_path: Path, name: str, hint: str) -> None:
    with pytest.raises(StorageError) as caught:
        read_bounded(tmp_path / name, 16)
    assert hint in (caught.value.hint or "")
