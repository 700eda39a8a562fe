"""A coalition on this machine, for `try`, `demo` and `bench`: real nodes, real processes, real mTLS.

Everything stands in one temporary folder, listens on loopback on free ports, and is removed at the end,
also after an error or Ctrl-C.
"""

import contextlib
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from symbolon import config
from symbolon.cli.enrolment_file import Request
from symbolon.cli.init import REQUEST_FILE, create_node
from symbolon.errors import UnavailableError
from symbolon.membership.atomic_file import write_atomically
from symbolon.membership.authority import Authority
from symbolon.rpc.node import ANCHOR_FILE, LEAF_FILE, MEMBERS_FILE

COALITION: Final = "loopback"
PURPOSE: Final = "due-diligence"
START_S: Final = 60.0
STOP_S: Final = 15.0


@dataclass(slots=True)
class LocalCoalition:
    """An authority and its nodes under one folder.

    Attributes:
        folder: removed at the end.
        settings: lines of TOML by section, the same for every node; see `add`.
    """

    folder: Path
    authority: Authority
    settings: dict[str, dict[str, object]] = field(default_factory=dict)
    processes: dict[str, subprocess.Popen[str]] = field(default_factory=dict)

    def home(self, member: str) -> Path:
        """The folder of a node."""
        return self.folder / member

    def log(self, member: str) -> Path:
        """What `serve` of a node wrote to stderr."""
        return self.folder / f"{member}.log"

    def add(
        self, member: str, *, kind: str = "company", peers: tuple[str, ...] = (), invited: bool = True
    ) -> Path:
        """Makes and enrols a node that allows its peers every mode and tier for `PURPOSE`.

        Returns:
            Its folder.
        """
        home = self.home(member)
        create_node(
            home, member=member, coalition=COALITION, kind=kind, listen="127.0.0.1:0", endpoint="127.0.0.1:1"
        )
        request = Request.read(home / REQUEST_FILE)
        certificate = self.authority.enrol(member, request.kind, "", request.csr_pem)
        write_atomically(home / ANCHOR_FILE, self.authority.anchor.to_bytes())
        write_atomically(home / LEAF_FILE, certificate)
        lines = [f'[node]\nmember = "{member}"\ncoalition = "{COALITION}"\nlisten = "127.0.0.1:0"']
        for section, values in self.settings.items():
            lines.append(f"[{section}]")
            lines += [f"{key} = {config.toml_value(value)}" for key, value in values.items()]
        for peer in peers:
            lines += [
                "[[allow]]",
                f'peer = "{peer}"',
                f'purposes = ["{PURPOSE}"]',
                'modes = ["size", "intersection"]',
                'tiers = ["A", "B", "C"]',
                f"invited = {str(invited).lower()}",
            ]
        write_atomically(home / config.FILE_NAME, "\n".join(lines).encode() + b"\n")
        self.publish()
        return home

    def publish(self) -> None:
        """Gives every node the current member list."""
        for home in self.folder.iterdir():
            if (home / config.FILE_NAME).exists():
                write_atomically(home / MEMBERS_FILE, self.authority.current_list())

    def start(self, member: str) -> str:
        """Starts `symbolon serve` for a node and publishes its address.

        Returns:
            host:port.

        Raises:
            UnavailableError: it did not come up; the message ends with its log.
        """
        log = self.log(member).open("ab")
        with log:
            process = subprocess.Popen(
                symbolon("--home", str(self.home(member)), "serve", "--grace", "2"),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                start_new_session=True,
            )
        self.processes[member] = process
        address = _first_line(process, START_S)
        if not address:
            self.stop(member)
            raise UnavailableError(
                f"the node of {member} did not start: {self.log(member).read_text()[-2000:]}",
                hint="Run `symbolon doctor`.",
            )
        self.authority.move(member, address)
        self.publish()
        return address

    def last_figures(self, member: str) -> dict[str, Any]:
        """The figures of the last session a node served, from its log; empty when there was none."""
        marker = " figures "
        # The peer may hold its result a moment before this node has written its line.
        for _ in range(50):
            lines = [line for line in self.log(member).read_text().splitlines() if marker in line]
            if lines:
                figures: dict[str, Any] = json.loads(lines[-1].partition(marker)[2])
                return figures
            time.sleep(0.02)
        return {}

    def stop(self, member: str, *, number: int = signal.SIGTERM) -> int | None:
        """Ends a node's process.

        Returns:
            Its exit code; None when it was not running.
        """
        process = self.processes.pop(member, None)
        if process is None:
            return None
        return _end(process, number)


def _end(process: "subprocess.Popen[str]", number: int) -> int:
    process.send_signal(number)
    try:
        return process.wait(STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()
    finally:
        if process.stdout is not None:
            process.stdout.close()


def symbolon(*arguments: str) -> list[str]:
    """The command line that runs this very installation."""
    return [sys.executable, "-m", "symbolon", *arguments]


def _first_line(process: "subprocess.Popen[str]", timeout_s: float) -> str:
    """The first line a process prints, or '' when it ends or stays silent."""
    if process.stdout is None:
        return ""
    end = time.monotonic() + timeout_s
    while time.monotonic() < end:
        ready, _, _ = select.select([process.stdout], [], [], 0.2)
        if ready:
            return process.stdout.readline().strip()
        if process.poll() is not None:
            return ""
    return ""


@contextlib.contextmanager
def local_coalition(settings: dict[str, dict[str, object]] | None = None) -> Iterator[LocalCoalition]:
    """Founds a coalition in a temporary folder; stops and removes everything at the end.

    Args:
        settings: sections of every node's configuration, beside [node].
    """
    folder = Path(tempfile.mkdtemp(prefix="symbolon-"))
    processes: dict[str, subprocess.Popen[str]] = {}
    # A plain kill of this process must not leave nodes behind either.
    old = signal.signal(signal.SIGTERM, _interrupt)
    try:
        authority = Authority.create(folder / "authority", COALITION, lambda: datetime.now(UTC))
        yield LocalCoalition(folder, authority, settings or {}, processes)
    finally:
        for process in processes.values():
            _end(process, signal.SIGTERM)
        shutil.rmtree(folder, ignore_errors=True)
        signal.signal(signal.SIGTERM, old)


def _interrupt(_number: int, _frame: object) -> None:
    raise KeyboardInterrupt


def peak_memory_mib(process_id: int) -> int:
    """Peak resident memory of a running process, MiB; 0 where the system does not tell."""
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{process_id}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) // 1024
    return 0


def own_environment() -> dict[str, str]:
    """The environment for child commands: this process's, without a home that a user may have set."""
    return {key: value for key, value in os.environ.items() if key != "SYMBOLON_HOME"}
