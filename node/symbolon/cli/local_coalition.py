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
from pathlib import Path
from typing import IO, Any, Final

from symbolon import config
from symbolon.cli.init import create_node, has_node
from symbolon.cli.local_founder import LocalFounder
from symbolon.errors import UnavailableError
from symbolon.membership.atomic_file import write_atomically
from symbolon.membership.member_statement import Place

COALITION: Final = "loopback"
PURPOSE: Final = "due-diligence"
START_S: Final = 60.0
STOP_S: Final = 15.0


@dataclass(slots=True)
class LocalProcesses:
    """Commands of `symbolon` that run on, each under a name, with their logs in one folder.

    Attributes:
        folder: of the logs.
        running: by name.
    """

    folder: Path
    running: dict[str, subprocess.Popen[str]] = field(default_factory=dict)

    def log(self, name: str) -> Path:
        """What a process wrote to stderr."""
        return self.folder / f"{name}.log"

    def told(self, name: str) -> Path:
        """What a process that `run_on` started wrote to stdout."""
        return self.folder / f"{name}.out"

    def run_on(self, name: str, *arguments: str) -> None:
        """Starts a command that goes on till Ctrl-C."""
        with self.told(name).open("wb") as told:
            self._start(name, symbolon(*arguments), told)

    def begin(self, name: str, *arguments: str) -> None:
        """Starts a command that serves."""
        self._start(name, symbolon(*arguments, "--grace", "2"), subprocess.PIPE)

    def _start(self, name: str, command: list[str], stdout: IO[bytes] | int) -> None:
        with self.log(name).open("ab") as log:
            self.running[name] = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=stdout,
                stderr=log,
                text=True,
                start_new_session=True,
            )

    def opened(self, name: str) -> str:
        """Waits until a process serves.

        Returns:
            The address that it prints then: host:port.

        Raises:
            UnavailableError: it did not come up; the message ends with its log.
        """
        address = _first_line(self.running[name], START_S)
        if not address:
            self.stop(name)
            raise UnavailableError(
                f"{name} did not start: {self.log(name).read_text()[-2000:]}",
                hint="Run `symbolon doctor`.",
            )
        return address

    def stop(self, name: str, *, number: int = signal.SIGTERM) -> int | None:
        """Ends a process.

        Returns:
            Its exit code; None when it was not running.
        """
        process = self.running.pop(name, None)
        return None if process is None else _end(process, number)


@dataclass(slots=True)
class LocalCoalition:
    """A founder and the nodes of its coalition under one folder.

    Attributes:
        served: the processes, named after their members.
        settings: lines of TOML by section, the same for every node; see `add`.
    """

    served: LocalProcesses
    founder: LocalFounder
    settings: dict[str, dict[str, object]] = field(default_factory=dict)

    @property
    def folder(self) -> Path:
        """Removed at the end."""
        return self.served.folder

    @property
    def processes(self) -> dict[str, subprocess.Popen[str]]:
        """What runs, by member."""
        return self.served.running

    def home(self, member: str) -> Path:
        """The folder of a node."""
        return self.folder / member

    def log(self, member: str) -> Path:
        """What `serve` of a node wrote to stderr."""
        return self.served.log(member)

    def add(
        self, member: str, *, kind: str = "ngo", peers: tuple[str, ...] = (), invited: bool = True
    ) -> Path:
        """Makes and enrols a node that allows its peers every mode, tier and signal for `PURPOSE`.

        Returns:
            Its folder.
        """
        home = self.home(member)
        create_node(home, member=member, coalition=COALITION, listen="127.0.0.1:0")
        self.founder.admit(home, kind=kind)
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
                "signals = true",
            ]
        write_atomically(home / config.FILE_NAME, "\n".join(lines).encode() + b"\n")
        self.publish()
        return home

    def publish(self) -> None:
        """Gives every node the newest metadata."""
        for home in self.folder.iterdir():
            if has_node(home) and home != self.founder.node.home:
                self.founder.tell(home)

    def move(self, member: str, address: str) -> None:
        """Writes down where a member is, and tells everybody."""
        self.founder.move(self.home(member), Place(address, (), ""))
        self.publish()

    def start(self, member: str) -> str:
        """Starts `symbolon serve` for a node and publishes its address.

        Returns:
            host:port.

        Raises:
            UnavailableError: it did not come up; the message ends with its log.
        """
        self.served.begin(member, "--home", str(self.home(member)), "serve")
        address = self.served.opened(member)
        self.move(member, address)
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
        return self.served.stop(member, number=number)


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
def local_processes() -> Iterator[LocalProcesses]:
    """A temporary folder; it and every process in it are ended and removed at the end."""
    folder = Path(tempfile.mkdtemp(prefix="symbolon-"))
    processes = LocalProcesses(folder)
    # A plain kill of this process must not leave nodes behind either.
    old = signal.signal(signal.SIGTERM, _interrupt)
    try:
        yield processes
    finally:
        for process in processes.running.values():
            process.terminate()
        for process in processes.running.values():
            _end(process, signal.SIGTERM)
        shutil.rmtree(folder, ignore_errors=True)
        signal.signal(signal.SIGTERM, old)


@contextlib.contextmanager
def local_coalition(
    settings: dict[str, dict[str, object]] | None = None, purposes: tuple[str, ...] = (PURPOSE,)
) -> Iterator[LocalCoalition]:
    """Founds a coalition in a temporary folder; stops and removes everything at the end.

    Args:
        settings: sections of every node's configuration, beside [node].
        purposes: all that its members may exchange for.
    """
    with local_processes() as processes:
        founder = LocalFounder.create(processes.folder / "founder", COALITION, purposes)
        try:
            yield LocalCoalition(processes, founder, settings or {})
        finally:
            founder.close()


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
