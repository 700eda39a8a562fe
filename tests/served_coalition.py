"""A coalition as people make one: every node with its own commands, founders served, members that joined.

Everything goes over gRPC and is done by `symbolon` in processes of its own. Everything started is stopped at
the end.
"""

import contextlib
import signal
import socket
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

from processes import DEADLINE_S, first_line, wait_until
from symbolon.cli.local_coalition import own_environment, symbolon
from symbolon.membership.certificates import tls_target_name
from symbolon.membership.coalition_store import CoalitionStore
from symbolon.membership.member_record import Members
from symbolon.rpc.node import COALITION_FOLDER, LEAF_FILE, LEAF_KEY_FILE, Node

import grpc  # isort: skip - after symbolon.rpc, which sets the cipher list

COALITION = "fair-work"
FOUNDER = "alder-hub"


class ServedCoalition:
    """Nodes by the ids of their members, each in a folder of its own.

    Args:
        folder: where they are made.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._ports: dict[str, int] = {}
        self._processes: dict[str, subprocess.Popen[str]] = {}
        self._logs: dict[str, list[str]] = {}

    def home(self, member: str) -> Path:
        return self.folder / member

    def address(self, member: str) -> str:
        """Where a member listens; the same for as long as the test runs."""
        if member not in self._ports:
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", 0))
                self._ports[member] = probe.getsockname()[1]
        return f"127.0.0.1:{self._ports[member]}"

    def place(self, member: str) -> tuple[str, ...]:
        return "--listen", self.address(member), "--endpoint", self.address(member)

    def run(
        self, member: str, *arguments: str, code: int | tuple[int, ...] = 0
    ) -> subprocess.CompletedProcess[str]:
        """Runs one command of a node to its end, which must be one of `code`, and never a traceback."""
        done = subprocess.run(
            symbolon("--home", str(self.home(member)), *arguments),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=2 * DEADLINE_S,
            env=own_environment(),
        )
        expected = code if isinstance(code, tuple) else (code,)
        assert done.returncode in expected, f"{done.returncode}: {done.stderr}"
        assert "Traceback" not in done.stderr
        return done

    def create(self, member: str = FOUNDER) -> None:
        """Founds the coalition."""
        records = ("--member", member, "--person", "Ada", "--jurisdiction", "BE")
        self.run(member, "coalition", "create", COALITION, *records, *self.place(member))

    def invite(self, member: str, by: str = FOUNDER, *more: str) -> str:
        """An invitation code."""
        vetting = ("--jurisdiction", "KE", "--vetted-by", "Ben", "--criteria", "charter 3")
        return self.run(by, "coalition", "invite", member, *vetting, *more).stdout.strip()

    def join(
        self, member: str, invitation: str, code: int | tuple[int, ...] = 0, home: str = ""
    ) -> subprocess.CompletedProcess[str]:
        """Joins with a code, in the member's own folder or in another one."""
        accepted = ("--person", "Carol", "--accept-terms", "1")
        return self.run(
            home or member, "coalition", "join", invitation, *accepted, *self.place(member), code=code
        )

    def add(self, member: str, by: str = FOUNDER) -> None:
        """Invites a member, which joins."""
        self.join(member, self.invite(member, by))

    def name_founders(self, *members: str) -> None:
        """Makes members founders beside `FOUNDER`, a majority of whom signs; all of them are then served."""
        for member in members:
            self.run(member, "coalition", "sync")
            self.start(member)
        offers = [self.run(member, "coalition", "offer").stdout.strip() for member in members]
        # Keys that a node made while it ran are used after its next start.
        for member in members:
            self.stop(member)
            self.start(member)
        count = len(members) + 1
        adding = [word for offer in offers for word in ("--add", offer)]
        self.run(FOUNDER, "coalition", "founders", "--threshold", f"{count // 2 + 1}", *adding, code=(0, 75))
        for member in members:
            if len(self.members(FOUNDER).founders) == count:
                break
            (waiting,) = self.waiting(member)
            self.run(member, "coalition", "approve", waiting, code=(0, 75))
        for member in (FOUNDER, *members):
            wait_until(lambda member=member: len(self.members(member).founders) == count, member)

    def waiting(self, member: str) -> list[str]:
        """The first digits of what waits for a founder."""
        lines = self.run(member, "coalition", "proposals").stdout.splitlines()
        return [line.split()[0] for line in lines if line and not line.startswith(" ")]

    def start(self, member: str) -> None:
        """Serves a node."""
        process = subprocess.Popen(
            symbolon("--home", str(self.home(member)), "serve", "--grace", "1"),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            env=own_environment(),
        )
        self._processes[member] = process
        lines = self._logs.setdefault(member, [])
        threading.Thread(target=lambda: lines.extend(process.stderr or ()), daemon=True).start()
        assert first_line(process), self.log(member)

    def stop(self, member: str) -> int:
        """Ends a node's process; its exit code."""
        process = self._processes.pop(member)
        process.send_signal(signal.SIGTERM)
        try:
            return process.wait(DEADLINE_S)
        finally:
            process.kill()

    @contextlib.contextmanager
    def stands_still(self, member: str) -> Iterator[None]:
        """A node that answers nothing for a while, and whose port is open."""
        process = self._processes[member]
        process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            process.send_signal(signal.SIGCONT)

    def stop_all(self) -> None:
        for member in list(self._processes):
            self.stop(member)

    def log(self, member: str) -> str:
        """What `serve` of a node wrote to stderr so far, over all its starts."""
        return "".join(self._logs.get(member, ()))

    def members(self, member: str = FOUNDER) -> Members:
        """The members, as a node holds them."""
        with Node(self.home(member)) as node:
            return node.coalition.state().members

    def versions(self, member: str) -> tuple[int, int, int]:
        """Of root, targets and timestamp at a node."""
        with Node(self.home(member)) as node:
            state = node.coalition.state()
            return state.root_version, state.targets_version, state.timestamp_version

    def store(self, member: str) -> CoalitionStore:
        """A node's copy of the metadata, by the machine's clock."""
        with Node(self.home(member)) as node:
            return CoalitionStore(self.home(member) / COALITION_FOLDER, lambda: node.now)

    def credentials(self, member: str) -> tuple[bytes, bytes]:
        """Private key and certificate of a member, PEM."""
        home = self.home(member)
        return (home / LEAF_KEY_FILE).read_bytes(), (home / LEAF_FILE).read_bytes()

    @contextlib.contextmanager
    def channel(self, member: str, credentials: tuple[bytes, bytes]) -> Iterator[grpc.Channel]:
        """A channel to a served member, with any certificate."""
        with Node(self.home(FOUNDER)) as node:
            authorities = node.coalition.state().authorities_pem
        options = (
            ("grpc.ssl_target_name_override", tls_target_name(member, COALITION)),
            ("grpc.use_local_subchannel_pool", 1),
            ("grpc.enable_retries", 0),
        )
        tls = grpc.ssl_channel_credentials(authorities, *credentials)
        with grpc.secure_channel(self.address(member), tls, options) as channel:
            yield channel


@contextlib.contextmanager
def served_coalition(folder: Path, *members: str) -> Iterator[ServedCoalition]:
    """`FOUNDER`, served, and members that joined by invitation; all processes end with it."""
    coalition = ServedCoalition(folder)
    try:
        coalition.create()
        coalition.start(FOUNDER)
        for member in members:
            coalition.add(member)
        yield coalition
    finally:
        coalition.stop_all()
