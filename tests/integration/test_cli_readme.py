"""The block "Two nodes by hand" of README.md, run exactly as it is written."""

import fcntl
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

README = Path(__file__).resolve().parents[2] / "README.md"
SECTION = re.compile(
    r"^## Two nodes by hand\n.*?^```sh\n(.*?)^```$.*?^```text\n(.*?)^```$", re.MULTILINE | re.DOTALL
)


@pytest.fixture
def own_ports() -> Iterator[None]:
    """The block names two ports: one run at a time on one machine."""
    with (Path(tempfile.gettempdir()) / "symbolon-readme-ports.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@pytest.mark.usefixtures("own_ports")
def test_readme_two_nodes_by_hand_work_as_written(tmp_path: Path) -> None:
    found = SECTION.search(README.read_text(encoding="utf-8"))
    assert found is not None
    script, shown = found.groups()
    binaries = Path(sys.executable).parent
    environment = {**os.environ, "PATH": f"{binaries}:{os.environ['PATH']}", "HOME": str(tmp_path)}
    environment.pop("SYMBOLON_HOME", None)
    done = subprocess.run(
        ["bash", "-e", "-c", script],
        cwd=tmp_path,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    printed = "\n".join(line.rstrip() for line in done.stdout.splitlines())
    assert shown.strip() in printed, printed
    assert " fail " not in printed, "the doctor is content"
    assert "answered alder: intersection for due-diligence, done" in printed
    log = (tmp_path / "two-nodes" / "birch.log").read_text(encoding="utf-8")
    assert re.findall(r"^[\d-]+ [\d:,]+ ERROR", log, re.MULTILINE) == []
