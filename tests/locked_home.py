"""A folder with private keys to lock, cheaply; places in memory and on a disk, of a test's own."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from symbolon.membership.enrolment import leaf_key_pem, make_leaf_key
from symbolon.membership.founder_keys import create_founder_keys
from symbolon.membership.key_file import (
    PRIVATE_KEY_FILES,
    SEAL_KEY_FILE,
    write_key_file,
    write_new_sealing_key,
)
from symbolon.membership.member import MemberId
from symbolon.membership.sealing_key import Stretching
from symbolon.membership.signing_key import create_signing_key
from symbolon.storage.seal_lock import Passphrase

CHEAP = Stretching(memory_kib=8, passes=1, lanes=1)
WORDS = "six words that nobody ever wrote"
OTHER = "quite another row of seven words, too"


def cheap(words: str = WORDS) -> Passphrase:
    return Passphrase(words, CHEAP)


def make_home(folder: Path) -> Path:
    """A node's folder with every private key that there can be."""
    folder.mkdir(mode=0o700)
    write_new_sealing_key(folder / SEAL_KEY_FILE)
    for name in ("signing-key.pem", "next-signing-key.pem"):
        create_signing_key(folder / name)
    for name in ("node-key.pem", "node-next-key.pem"):
        write_key_file(folder / name, leaf_key_pem(make_leaf_key()))
    create_founder_keys(folder / "founder", "grove", MemberId("mill"), datetime(2026, 1, 1, tzinfo=UTC))
    assert all((folder / name).exists() for name in PRIVATE_KEY_FILES)
    return folder


def contents(home: Path) -> dict[str, bytes]:
    """All private keys of a folder as they lie there, by their names."""
    return {name: (home / name).read_bytes() for name in (SEAL_KEY_FILE, *PRIVATE_KEY_FILES)}


def secrets_of(clear: dict[str, bytes]) -> list[bytes]:
    """What gives a key away wherever it stands: a line of its base64, and the sealing key's own bytes."""
    found = []
    for content in clear.values():
        lines = [line for line in content.split(b"\n") if line and b"-----" not in line]
        found.append(lines[0].removeprefix(b"symbolon-sealing-key-1:"))
    return found


def lies_anywhere(folder: Path, secrets: list[bytes]) -> list[str]:
    """Which files below a folder hold one of some secrets."""
    return [
        str(path.relative_to(folder))
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.is_symlink() and any(each in path.read_bytes() for each in secrets)
    ]


@pytest.fixture
def memory(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder in memory, for this test alone, where unlocked keys are kept."""
    if not os.path.ismount("/dev/shm"):
        pytest.skip("there is no /dev/shm in memory here")
    folder = Path(tempfile.mkdtemp(prefix="symbolon-test-", dir="/dev/shm"))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(folder))
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def on_disk() -> Iterator[Path]:
    """A private folder on a disk: tests may have all else in memory."""
    for place in (tempfile.gettempdir(), "/var/tmp", str(Path(__file__).parent)):
        kind = subprocess.run(["stat", "-f", "-c", "%T", place], capture_output=True, text=True, check=False)
        if kind.returncode == 0 and kind.stdout.strip() not in ("tmpfs", "ramfs"):
            break
    else:
        pytest.skip("everything here is in memory")
    with tempfile.TemporaryDirectory(prefix="symbolon-test-", dir=place) as folder:
        yield Path(folder)


@pytest.fixture
def node_home(tmp_path: Path) -> Path:
    return make_home(tmp_path / "node")
