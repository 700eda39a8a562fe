"""kill -9 while a new state of the coalition is taken in: the old or the new one is whole."""

import pickle
import subprocess
import sys
from pathlib import Path

import pytest

from coalition_founders import Repository, Victim, store_of, versions


@pytest.fixture
def victim(tmp_path: Path) -> Victim:
    repository = Repository()
    folder = tmp_path / "coalition"
    return Victim(folder, repository, store_of(folder, repository))


# Forks one child for every file system call of taking in a state; the child kills itself just before it.
# Prints how many points were tried and after how many of them the new state was in force.
_DRIVER = """
import os, pickle, shutil, signal, sys
from pathlib import Path
from symbolon.membership.coalition_store import CoalitionStore

home = Path(sys.argv[1])
now, before, after, parts = pickle.loads((home / "case").read_bytes())

def store(name):
    return CoalitionStore(home / name, lambda: now)

def versions(name):
    state = store(name).state()
    return state.root_version, state.targets_version, state.timestamp_version

def killed_at(name, point):
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
    seen = 0
    mark = str(home / name)
    def hook(event, args):
        nonlocal seen
        if any(isinstance(each, (str, os.PathLike)) and os.fspath(each).startswith(mark) for each in args):
            if seen == point:
                os.kill(os.getpid(), signal.SIGKILL)
            seen += 1
    victim = store(name)
    sys.addaudithook(hook)
    victim.absorb(parts)
    os._exit(0)

points = flips = 0
for point in range(2000):
    name = f"copy{point}"
    shutil.copytree(home / "coalition", home / name, symlinks=True)
    killed = killed_at(name, point)
    found = versions(name)
    assert found in (before, after), (point, found)
    if not killed:
        assert found == after
        break
    points += 1
    flips += found == after
    store(name).absorb(parts)
    assert versions(name) == after
    left = [each.name for each in (home / name).iterdir()]
    assert len(left) <= 4, left
    shutil.rmtree(home / name)
print(points, flips)
"""


def test_killed_at_any_file_system_call_the_old_or_the_new_state_is_whole(
    victim: Victim, tmp_path: Path
) -> None:
    repository = victim.repository
    before = versions(victim.store)
    repository.rotate()
    parts = repository.publish(purposes=("remediation",)) | repository.root_parts()
    after = (2, 2, 3)
    (tmp_path / "case").write_bytes(pickle.dumps((repository.now, before, after, parts)))
    run = subprocess.run(
        [sys.executable, "-c", _DRIVER, str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
    points, flips = map(int, run.stdout.split())
    assert points > 40
    assert 0 < flips < points
