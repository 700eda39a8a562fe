"""Where an unlocked key is kept: in memory only, for this user only, until its time is over."""

import os
import shutil
import stat
import tempfile
from pathlib import Path

import pytest

from locked_home import memory, on_disk
from symbolon.errors import SealError
from symbolon.membership import unlocked_key
from symbolon.membership.unlocked_key import Moment, forget_key, keep_key, kept_key, require_memory

__all__ = ["memory", "on_disk"]
NAME, OTHER = "0" * 32, "f" * 32
KEY = bytes(range(32))
NOW = Moment(1_800_000_000.7, 5000.2)
LIFE_S = 3600


def later(day_s: float = 0.0, up_s: float = 0.0) -> Moment:
    return Moment(NOW.day_s + day_s, NOW.up_s + up_s)


def test_keep_key_gives_it_back_until_its_time_is_over(memory: Path) -> None:
    until = keep_key(NAME, KEY, LIFE_S, NOW)
    assert until == 1_800_000_000 + LIFE_S
    kept = kept_key(NAME, later(LIFE_S - 1, LIFE_S - 1))
    assert kept is not None
    assert (kept.key, kept.until_s) == (KEY, until)
    assert kept_key(OTHER, NOW) is None
    assert kept_key(NAME, later(LIFE_S, 10)) is None
    assert list(memory.iterdir()) == [], "removed by whoever looks after its time"


def test_keep_key_lies_in_private_folder_and_file(memory: Path) -> None:
    keep_key(NAME, KEY, LIFE_S, NOW)
    (folder,) = memory.iterdir()
    (file,) = folder.iterdir()
    assert folder.name == f"symbolon-{NAME}"
    assert stat.S_IMODE(folder.lstat().st_mode) == 0o700
    assert stat.S_IMODE(file.lstat().st_mode) == 0o600


@pytest.mark.parametrize(
    "moment",
    [later(-400, 10), later(10, LIFE_S), later(10, -1000)],
    ids=["the clock of the day was put back", "the machine was up for longer", "the machine started anew"],
)
def test_kept_key_either_clock_ends_it(memory: Path, moment: Moment) -> None:
    keep_key(NAME, KEY, LIFE_S, NOW)
    assert kept_key(NAME, moment) is None
    assert kept_key(NAME, NOW) is None, "and it does not come back"


def test_kept_key_small_step_of_the_clock_does_not_end_it(memory: Path) -> None:
    keep_key(NAME, KEY, LIFE_S, NOW)
    assert kept_key(NAME, later(-200, 1)) is not None


def test_kept_key_removes_those_of_other_locks_whose_time_is_over(memory: Path) -> None:
    keep_key(NAME, KEY, 10, NOW)
    keep_key(OTHER, KEY, LIFE_S, NOW)
    assert kept_key(OTHER, later(60, 60)) is not None
    assert [each.name for each in memory.iterdir()] == [f"symbolon-{OTHER}"]


def test_keep_key_again_takes_the_place_of_the_first(memory: Path) -> None:
    keep_key(NAME, KEY, 10, NOW)
    keep_key(NAME, KEY[::-1], LIFE_S, NOW)
    kept = kept_key(NAME, later(60, 60))
    assert kept is not None
    assert kept.key == KEY[::-1]
    assert len(list(memory.iterdir())) == 1


def test_forget_key_takes_it_away_and_what_a_killed_process_left(memory: Path) -> None:
    keep_key(NAME, KEY, LIFE_S, NOW)
    draft = memory / f"symbolon-draft-{OTHER}"
    draft.mkdir(mode=0o700)
    (draft / "key").write_bytes(b"half of it")
    assert forget_key(NAME)
    assert not forget_key(NAME)
    assert list(memory.iterdir()) == []


def test_kept_key_removes_a_draft_that_is_old_and_leaves_one_that_is_being_made(memory: Path) -> None:
    draft = memory / f"symbolon-draft-{OTHER}"
    draft.mkdir(mode=0o700)
    os.utime(draft, (NOW.day_s - 30, NOW.day_s - 30))
    kept_key(NAME, NOW)
    assert draft.exists()
    kept_key(NAME, later(60, 60))
    assert not draft.exists()


def test_other_files_in_the_place_are_left_alone(memory: Path) -> None:
    for name in ("symbolon", "symbolon-notes", "bus", f"symbolon-{NAME}x"):
        (memory / name).mkdir()
    keep_key(NAME, KEY, 1, NOW)
    kept_key(NAME, later(60, 60))
    forget_key(NAME)
    assert len(list(memory.iterdir())) == 4


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"symbolon-unlocked-key-1:1:2:3:4:AAAA\n",
        b"symbolon-unlocked-key-2:0:9999999999:0:9999999:" + b"A" * 43 + b"=\n",
        b"x" * 100_000,
        b"symbolon-unlocked-key-1:0:9999999999:0:9999999:" + b"A" * 43 + b"=\n\n",
    ],
)
def test_kept_key_file_of_another_form_is_no_key_and_is_removed(memory: Path, content: bytes) -> None:
    folder = memory / f"symbolon-{NAME}"
    folder.mkdir(mode=0o700)
    (folder / "key").write_bytes(content)
    (folder / "key").chmod(0o600)
    assert kept_key(NAME, NOW) is None
    assert not folder.exists()


def test_require_memory_takes_the_users_folder_before_the_shared_one(memory: Path) -> None:
    assert require_memory() == memory


def test_require_memory_without_a_place_says_what_to_do(
    memory: Path, on_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = on_disk / "on-a-disk"
    disk.mkdir(mode=0o700)
    monkeypatch.setattr(unlocked_key, "_places", lambda: [disk, on_disk / "none"])
    for refused in (require_memory, lambda: keep_key(NAME, KEY, LIFE_S, NOW)):
        with pytest.raises(SealError) as caught:
            refused()
        assert caught.value.full_code == "storage.seal.memory_folder"
        assert "XDG_RUNTIME_DIR" in (caught.value.hint or "")
    assert list(disk.iterdir()) == []


def test_require_memory_named_folder_on_a_disk_is_passed_over(
    on_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = on_disk / "runtime"
    disk.mkdir(mode=0o700)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(disk))
    assert require_memory() != disk
    monkeypatch.setenv("XDG_RUNTIME_DIR", "not/absolute")
    assert require_memory().is_absolute()


def test_require_memory_folder_open_to_others_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    folder = Path(tempfile.mkdtemp(dir="/dev/shm"))
    try:
        monkeypatch.setenv("XDG_RUNTIME_DIR", str(folder))
        assert require_memory() == folder
        for mode in (0o750, 0o705, 0o777):
            folder.chmod(mode)
            assert require_memory() != folder
    finally:
        shutil.rmtree(folder)


def test_kept_key_is_found_where_it_was_kept_under_another_environment(
    memory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("XDG_RUNTIME_DIR")
    keep_key(NAME, KEY, LIFE_S, NOW)
    try:
        monkeypatch.setenv("XDG_RUNTIME_DIR", str(memory))
        assert kept_key(NAME, NOW) is not None
    finally:
        assert forget_key(NAME)


def test_in_memory_is_what_the_kernel_says_of_the_device(
    memory: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    device = memory.stat().st_dev
    number = f"{os.major(device)}:{os.minor(device)}"
    mounts = tmp_path / "mountinfo"
    monkeypatch.setattr(unlocked_key, "_MOUNTS", mounts)
    for kinds, wanted in (
        (["tmpfs"], True),
        (["ramfs", "tmpfs"], True),
        (["ext4"], False),
        (["tmpfs", "ext4"], False),
        ([], False),
    ):
        lines = [f"30 25 {number} / /x rw,relatime shared:1 - {kind} none rw" for kind in kinds]
        mounts.write_text("\n".join([f"1 1 254:9 / / rw - tmpfs {number} rw", *lines]))
        assert unlocked_key._is_in_memory(device) is wanted, kinds
    mounts.unlink()
    assert not unlocked_key._is_in_memory(device)
