"""A member whose every step is a command as a person types it, on this machine and loopback."""

import contextlib
import io
import json
import signal
import socket
import subprocess
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import forked
from processes import first_line
from raw_receipts import Signer, give_signer, member_of
from symbolon.cli import main
from symbolon.cli.local_coalition import own_environment, symbolon
from symbolon.membership.certificates import tls_target_name
from symbolon.membership.coalition_state import State
from symbolon.membership.coalition_store import CoalitionStore
from symbolon.membership.member import MemberId, MemberKind
from symbolon.membership.member_record import Members
from symbolon.rpc.inviting import Invited
from symbolon.rpc.node import COALITION_FOLDER, LEAF_FILE, LEAF_KEY_FILE

import grpc  # isort: skip - after symbolon.rpc, which sets the cipher list

TIERS: Final = "ABC"
PURPOSE: Final = "due-diligence"

Codes = int | tuple[int, ...]
"""One exit code, or any of several."""


class Member:
    """One member and its node's folder."""

    def __init__(self, name: str, folder: Path) -> None:
        self.name = name
        self.home = folder / name
        self.process: subprocess.Popen[str] | None = None
        self.log = folder / f"{name}.log"
        self.listen = f"127.0.0.1:{free_port()}"

    @property
    def dialled(self) -> tuple[str, ...]:
        """The options of a node that others dial, whether the coalition has relays or not."""
        return ("--listen", self.listen, "--endpoint", self.listen)

    def command(self, *arguments: str) -> list[str]:
        """The command line of one command at this member's node."""
        return symbolon("--home", str(self.home), *arguments)

    def run(self, *arguments: str, code: Codes = 0, typed: str = "") -> subprocess.CompletedProcess[str]:
        """Runs one command to its end; it must end with `code`, and never with a traceback."""
        done = forked.run(self.command(*arguments), typed=typed, env=own_environment())
        assert done.returncode in _any(code), f"{done.returncode}: {done.stderr}"
        assert "Traceback" not in done.stderr
        if done.returncode not in (0, 130):
            assert "symbolon: error: " in done.stderr
            assert "symbolon: hint: " in done.stderr
        return done

    def quick(self, *arguments: str, code: Codes = 0) -> tuple[str, str]:
        """The same command within this process: for what a test only needs done; stdout and stderr."""
        out, talk = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(talk):
            ended = main.run(["--home", str(self.home), *arguments])
        assert ended in _any(code), f"{ended}: {talk.getvalue()}"
        return out.getvalue(), talk.getvalue()

    def found(self, coalition: str) -> str:
        """Founds a coalition; the fingerprint of its root."""
        about = ("--person", "Ada", "--jurisdiction", "DE", "--listen", self.listen)
        return self.quick("coalition", "create", coalition, "--member", self.name, *about)[0].strip()

    def invite(self, name: str, *more: str) -> str:
        """Invites a member, an NGO unless told otherwise: two companies have to agree first; the code."""
        if not {"--kind", "--again"} & set(more):
            more = ("--kind", "ngo", *more)
        vetted = ("--jurisdiction", "KE", "--vetted-by", "Ben", "--criteria", "charter 3")
        return self.quick("coalition", "invite", name, *vetted, *more)[0].strip()

    def joining(self, invitation: str, *more: str) -> tuple[str, ...]:
        """The arguments of the command with which this member joins."""
        person = ("--person", "Carol", "--accept-terms", "1")
        return ("coalition", "join", invitation, *person, *self.dialled, *more)

    def join(self, invitation: str, *more: str, code: Codes = 0) -> str:
        """Joins, or is told why not; what was told."""
        return self.run(*self.joining(invitation, *more), code=code).stderr

    def quick_join(self, invitation: str, *more: str) -> str:
        """Joins, within this process; what was told."""
        return self.quick(*self.joining(invitation, *more))[1]

    def admit(self, other: "Member") -> None:
        """Invites a member, which joins: both within this process."""
        other.quick_join(self.invite(other.name))

    def waiting(self) -> list[str]:
        """The first digits of what waits for this founder."""
        lines = self.quick("coalition", "proposals")[0].splitlines()
        return [line.split()[0] for line in lines if line and not line.startswith(" ")]

    def coalition(self) -> dict[str, Any]:
        """What `coalition members` knows."""
        shown: dict[str, Any] = json.loads(self.quick("coalition", "members", "--json")[0])
        return shown

    def state(self) -> State:
        """The state of the coalition, read from this member's copy: for waiting, which asks often."""
        return CoalitionStore(self.home / COALITION_FOLDER, lambda: datetime.now(UTC)).state()

    def members(self) -> Members:
        """The members of that state."""
        return self.state().members

    def standing(self) -> dict[str, str]:
        """Of each member that this one knows."""
        return {each["member"]: each["standing"] for each in self.coalition()["members"]}

    def match(self, peer: "Member", *more: str) -> tuple[dict[str, Any], list[dict[str, str]]]:
        """Matches with a peer; the figures and the rows."""
        out = self.home / "found.json"
        shape = ("--mode", "intersection", "--tiers", TIERS, "--json", "--out", str(out))
        done = self.run("match", peer.name, "--purpose", PURPOSE, *shape, *more)
        return json.loads(done.stdout), json.loads(out.read_text(encoding="utf-8"))

    def allow(self, peer: str) -> None:
        """What an operator writes into symbolon.toml."""
        path = self.home / "symbolon.toml"
        content = path.read_text(encoding="utf-8").replace(
            "# additions_interval_s = 86400", "additions_interval_s = 0"
        )
        content += f'\n[[allow]]\npeer = "{peer}"\npurposes = ["{PURPOSE}"]\n'
        content += 'modes = ["size", "intersection"]\ntiers = ["A", "B", "C"]\ninvited = true\n'
        path.write_text(content, encoding="utf-8")

    def serve(self) -> None:
        """Starts `symbolon serve` at `listen`."""
        self.served(self.begin_serving())

    def begin_serving(self) -> "subprocess.Popen[str]":
        """Starts it, and does not wait until it is there."""
        with self.log.open("a") as log:
            self.process = forked.Popen(
                self.command("serve", "--grace", "2"),
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                env=own_environment(),
            )
        return self.process

    def served(self, starting: "subprocess.Popen[str]") -> None:
        """Waits until it takes calls."""
        assert first_line(starting) == self.listen, self.log.read_text()

    def stop(self) -> int:
        """Ends `symbolon serve`; its exit code."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(30)
        finally:
            self.process.kill()
            assert self.process.stdout is not None
            self.process.stdout.close()

    @contextlib.contextmanager
    def stands_still(self) -> Iterator[None]:
        """A node that answers nothing for a while, and whose port is open."""
        assert self.process is not None
        self.process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self.process.send_signal(signal.SIGCONT)

    @property
    def credentials(self) -> tuple[bytes, bytes]:
        """Private key and certificate, PEM."""
        return (self.home / LEAF_KEY_FILE).read_bytes(), (self.home / LEAF_FILE).read_bytes()

    @contextlib.contextmanager
    def channel(self, credentials: tuple[bytes, bytes]) -> Iterator[grpc.Channel]:
        """A connection to this member, which is served, with anybody's certificate; nothing above TLS."""
        state = self.state()
        options = (
            ("grpc.ssl_target_name_override", tls_target_name(self.name, state.members.coalition)),
            ("grpc.use_local_subchannel_pool", 1),
            ("grpc.enable_retries", 0),
        )
        tls = grpc.ssl_channel_credentials(state.authorities_pem, *credentials)
        with grpc.secure_channel(self.listen, tls, options) as channel:
            coalition = state.members.coalition
            own = member_of(credentials[1], coalition)
            if own:
                give_signer(channel, Signer(self.home.parent / own, coalition, own, self.name))
            yield channel


def invited(member: str, today: date, open_for: timedelta = timedelta(days=7)) -> Invited:
    """An NGO that was vetted today."""
    return Invited(
        member_id=MemberId(member),
        kind=MemberKind.NGO,
        jurisdiction="KE",
        relay=False,
        person="Ben",
        criteria="charter 3",
        vetted=today,
        lapses=today + timedelta(days=300),
        open_for=open_for,
    )


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def _any(code: Codes) -> tuple[int, ...]:
    return code if isinstance(code, tuple) else (code,)
