"""Processes that tests start: what they say first, whether they still run, waiting for what they do."""

import select
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

DEADLINE_S = 60.0
"""Longest wait for anything: processes share the machine with others."""


def first_line(process: "subprocess.Popen[str]") -> str:
    """What a process prints first; '' when it ends or stays silent."""
    assert process.stdout is not None
    ready, _, _ = select.select([process.stdout], [], [], DEADLINE_S)
    return process.stdout.readline().strip() if ready else ""


def is_running(pid: int) -> bool:
    """Whether a process has not ended, whoever started it. Looks in /proc."""
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    except OSError:
        return False


def wait_until(holds: Callable[[], object], what: str, pause_s: float = 0.05) -> None:
    """Asks again and again, until the deadline at the latest."""
    end = time.monotonic() + DEADLINE_S
    while not holds():
        assert time.monotonic() < end, f"waited in vain for {what}"
        time.sleep(pause_s)
