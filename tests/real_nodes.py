"""Real nodes for tests: `symbolon` in processes of its own, mTLS on loopback, a database for each node.

A `Nodes` holds a coalition in a temporary folder. Everything it starts is stopped and removed at the end.
"""

import asyncio
import contextlib
import io
import json
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from sqlalchemy import text

import forked
from processes import DEADLINE_S, first_line
from symbolon import config
from symbolon.cli import main
from symbolon.cli.local_coalition import (
    COALITION,
    PURPOSE,
    LocalCoalition,
    local_coalition,
    own_environment,
    symbolon,
)
from symbolon.cli.made_up_suppliers import MadeUpList
from symbolon.cli.match_table import match_rows
from symbolon.errors import SymbolonError
from symbolon.matching.evidence import matches
from symbolon.membership.acts import Appoint
from symbolon.membership.atomic_file import write_atomically
from symbolon.membership.member import MemberId
from symbolon.membership.member_record import Role
from symbolon.membership.member_statement import Place
from symbolon.rpc.figures import Figures
from symbolon.rpc.node import LEAF_FILE, LEAF_KEY_FILE, NEXT_LEAF_KEY_FILE, Node
from symbolon.rpc.peer import connect
from symbolon.rpc.receiver_role import Ask, Outcome
from symbolon.rpc.tls_material import LeafFiles
from symbolon.storage.database import Database
from symbolon.storage.supplier_import import import_list

ALPHA, BETA, MALLORY = "alpha-co", "beta-co", "mallory-co"
PURPOSES = (PURPOSE, *(f"purpose-{number}" for number in range(60)))
"""Sets are made for one purpose: a test that names one of its own has a first session before it."""

_FAULTY = Path(__file__).with_name("faulty_command.py")


class Result(NamedTuple):
    """What `symbolon match --json --out` gave: the document, the rows, what was said to the operator."""

    figures: dict[str, Any]
    rows: list[dict[str, str]]
    talk: str

    def ids(self, band: str = "certain") -> set[str]:
        """Own supplier ids of a band."""
        return {row["supplier_id"] for row in self.rows if row["band"] == band}


class Nodes:
    """A coalition, its nodes and the processes that serve them."""

    def __init__(self, coalition: LocalCoalition) -> None:
        self.coalition = coalition
        self.founder = coalition.founder
        self.processes = coalition.processes
        self._logs: dict[str, list[str]] = {}
        self._readers: dict[str, threading.Thread] = {}

    def home(self, member: str) -> Path:
        return self.coalition.home(member)

    def endpoint(self, member: str) -> str:
        """Where the members' list says that a member is reached."""
        found = self.founder.members.find(member)
        assert found is not None
        return found.endpoint

    @property
    def authorities(self) -> bytes:
        """The certificates that every member trusts, PEM."""
        return self.founder.node.coalition.state().authorities_pem

    def add(
        self,
        member: str,
        suppliers: MadeUpList | None = None,
        *,
        allow: tuple[dict[str, object], ...] = (),
        **sections: dict[str, object],
    ) -> None:
        """Makes and enrols a node; `allow` tables only have to say what differs from everything."""
        self.coalition.add(member)
        self.configure(member, allow=allow, **sections)
        if suppliers is not None:
            self.take_in(member, suppliers)

    def configure(
        self, member: str, *, allow: tuple[dict[str, object], ...] = (), **sections: dict[str, object]
    ) -> None:
        """Writes symbolon.toml anew; a running node takes the [[allow]] tables in, and nothing else."""
        node = {"member": member, "coalition": COALITION, "listen": "127.0.0.1:0", **sections.pop("node", {})}
        everything = {
            "purposes": PURPOSES,
            "modes": ("size", "intersection"),
            "tiers": ("A", "B", "C"),
            "invited": True,
        }
        tables = [("[node]", node), *((f"[{name}]", values) for name, values in sections.items())]
        tables += [("[[allow]]", {**everything, **table}) for table in allow]
        lines = []
        for heading, values in tables:
            lines.append(heading)
            lines += [f"{key} = {config.toml_value(value)}" for key, value in values.items()]
        write_atomically(self.home(member) / config.FILE_NAME, ("\n".join(lines) + "\n").encode())

    def take_in(self, member: str, suppliers: MadeUpList) -> None:
        """Makes a made-up list the node's list."""
        with Node(self.home(member)) as node:
            import_list(node.database, node.sealer, suppliers, clock=node.clock, workers=0, allow_shrink=True)

    def credentials(self, member: str) -> tuple[bytes, bytes]:
        """Private key and certificate of a member, PEM."""
        home = self.home(member)
        return (home / LEAF_KEY_FILE).read_bytes(), (home / LEAF_FILE).read_bytes()

    def command(self, member: str, *arguments: str, faulty: str = "") -> list[str]:
        """The command line of one `symbolon` command of a node; see `faulty_command`."""
        line = symbolon("--home", str(self.home(member)), *arguments)
        return [sys.executable, str(_FAULTY), faulty, "--", *line[3:]] if faulty else line

    def order(self, member: str, action: str, point: str) -> str:
        """Leaves an order for a faulty command of a member.

        Returns:
            The `faulty` argument of the command that is to obey it.
        """
        write_atomically(self._orders(member), f"{action} {point}".encode())
        return self.orders(member)

    def orders(self, member: str) -> str:
        """The `faulty` argument of a command that obeys what a test will order."""
        return f"orders={self._orders(member)}"

    def _orders(self, member: str) -> Path:
        return self.coalition.folder / f"{member}.orders"

    def obeyed(self, member: str) -> bool:
        """Whether the last order was carried out."""
        return not self._orders(member).exists()

    def start(self, member: str, *, faulty: str = "", grace: float = 2) -> str:
        """Starts `symbolon serve` and publishes its address; stops the one that ran before."""
        address = self.launch(member, faulty=faulty, grace=grace)
        self.move(member, address)
        return address

    def launch(self, member: str, *, faulty: str = "", grace: float = 2) -> str:
        """Starts `symbolon serve` and tells nobody where; stops the one that ran before."""
        self.stop(member)
        process = forked.Popen(
            self.command(member, "serve", "--grace", f"{grace:g}", faulty=faulty),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            env=own_environment(),
        )
        self.processes[member] = process
        lines = self._logs.setdefault(member, [])
        reader = threading.Thread(target=lambda: lines.extend(process.stderr or ()), daemon=True)
        reader.start()
        self._readers[member] = reader
        address = first_line(process)
        assert address, self.log(member)
        return address

    def move(self, member: str, address: str) -> None:
        """Tells everybody where a member is."""
        self.coalition.move(member, address)

    def run_relay(self, member: str, endpoint: str) -> None:
        """Tells everybody that a member runs a relay, and where."""
        record = self.founder.members.find(member)
        if record is not None and Role.RELAY not in record.roles:
            self.founder.node.founding.propose([Appoint(MemberId(member), (Role.RELAY,))])
        self.place(member, Place("", (), endpoint))

    def place(self, member: str, place: Place) -> None:
        """Tells everybody how a member is reached; by relays too, unlike `move`."""
        self.founder.move(self.home(member), place)
        self.coalition.publish()

    def stop(self, member: str, number: int = signal.SIGTERM) -> int | None:
        """Ends a node's process; its exit code."""
        code = self.coalition.stop(member, number=number)
        if member in self._readers:
            self._readers.pop(member).join(DEADLINE_S)
        return code

    def log(self, member: str) -> str:
        """What `serve` wrote to stderr so far, over all its starts."""
        return "".join(self._logs.get(member, ()))

    def run(
        self, member: str, *arguments: str, code: int = 0, faulty: str = "", quick: bool = False
    ) -> subprocess.CompletedProcess[str]:
        """Runs one command to its end; it must end with `code`, and never with a traceback.

        Args:
            quick: within this process: where a test is about something else than this process.
        """
        if quick:
            out, talk = io.StringIO(), io.StringIO()
            with contextlib.redirect_stdout(out), contextlib.redirect_stderr(talk):
                ended = main.run(["--home", str(self.home(member)), *arguments])
            done = subprocess.CompletedProcess(arguments, ended, out.getvalue(), talk.getvalue())
        else:
            command = self.command(member, *arguments, faulty=faulty)
            done = forked.run(command, env=own_environment(), timeout_s=DEADLINE_S)
        assert done.returncode == code, f"{done.returncode}: {done.stderr}\n{self.log(BETA)[-2000:]}"
        assert "Traceback" not in done.stderr
        if code > 0:
            assert done.stderr.startswith("symbolon: error: ") or "\nsymbolon: error: " in done.stderr
        return done

    @contextlib.contextmanager
    def begin(self, member: str, *arguments: str, faulty: str = "") -> Iterator["subprocess.Popen[str]"]:
        """A command that is still running; killed at the end of the block, if it is by then."""
        with forked.Popen(
            self.command(member, *arguments, faulty=faulty),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=own_environment(),
        ) as process:
            try:
                yield process
            finally:
                process.kill()

    def match(
        self, member: str, peer: str, purpose: str = PURPOSE, *more: str, tiers: str = "AB", **run: Any
    ) -> Result:
        """Runs `symbolon match` in intersection mode."""
        out = self.home(member) / "matches.json"
        out.unlink(missing_ok=True)
        done = self.run(member, *asking(peer, purpose, tiers), "--json", "--out", str(out), *more, **run)
        if not done.stdout:
            return Result({}, [], done.stderr)
        return Result(json.loads(done.stdout), json.loads(out.read_text()), done.stderr)

    def quick_match(self, member: str, peer: str, purpose: str = PURPOSE, tiers: str = "AB") -> Result:
        """The same session from within this process: what a test only needs to see succeed."""

        async def ask(node: Node) -> Outcome:
            async with connect(node, peer) as channel:
                return await channel.ask(Ask(peer, "intersection", purpose, tuple(tiers)), Figures())

        with Node(self.home(member)) as node:
            outcome = asyncio.run(ask(node))
            rows = match_rows(node, peer, matches(outcome.evidence))
        return Result({}, [row.as_json() for row in rows], outcome.sentence)

    def quick_error(self, member: str, peer: str, purpose: str) -> tuple[int, str]:
        """Like `quick_match`, of a session that must fail: the exit code and the message."""
        with pytest.raises(SymbolonError) as caught:
            self.quick_match(member, peer, purpose)
        return caught.value.exit_code, f"{caught.value.detail} {caught.value.hint}"

    def query(self, member: str, sql: str, **values: object) -> list[Any]:
        """Rows of a node's database."""
        url = config.load(self.home(member)).database_url
        with Database.open(url) as database, database.read("look") as connection:
            return list(connection.execute(text(sql), values))

    def spent(self, member: str, peer: str, tier: str = "A") -> int:
        """Evaluations debited to a peer in the current window."""
        sql = (
            "SELECT sum(spent) AS n FROM budget_spent WHERE peer = :peer AND tier = :tier AND period LIKE :w"
        )
        return int(self.query(member, sql, peer=peer, tier=tier, w="window:%")[0].n or 0)

    def events(self, member: str, purpose: str) -> list[str]:
        """The events of the audit log for a purpose, oldest first."""
        sql = "SELECT event FROM audit_entry WHERE purpose = :purpose ORDER BY number"
        return [row.event for row in self.query(member, sql, purpose=purpose)]

    def states(self, member: str, purpose: str) -> list[str]:
        """The states of all sessions for a purpose, in no order."""
        sql = "SELECT state FROM exchange_session WHERE purpose = :purpose ORDER BY state"
        return [row.state for row in self.query(member, sql, purpose=purpose)]


def leaf_files(nodes: Nodes, member: str) -> LeafFiles:
    home = nodes.home(member)
    return LeafFiles(home / LEAF_FILE, home / LEAF_KEY_FILE, home / NEXT_LEAF_KEY_FILE)


def renewed(nodes: Nodes, member: str) -> bytes:
    """A new certificate over a new key, listed beside the present one: known to all, shown by nobody yet."""
    certificate = nodes.founder.renew(nodes.home(member))
    nodes.coalition.publish()
    return certificate


def asking(peer: str, purpose: str, tiers: str = "AB", mode: str = "intersection") -> list[str]:
    """The arguments of a `symbolon match`."""
    return ["match", peer, "--purpose", purpose, "--mode", mode, "--tiers", tiers]


@contextlib.contextmanager
def real_nodes() -> Iterator[Nodes]:
    """An empty coalition; everything is stopped and removed at the end."""
    with local_coalition(purposes=PURPOSES) as coalition:
        nodes = Nodes(coalition)
        try:
            yield nodes
        finally:
            for member in list(nodes.processes):
                nodes.processes[member].send_signal(signal.SIGCONT)
                nodes.stop(member, signal.SIGKILL)


SHARED = {f"S-{number:07d}" for number in range(60, 120)}
"""Own ids at `ALPHA` of what it shares with `BETA` in `two_nodes`, by LEI."""


@contextlib.contextmanager
def two_nodes(
    faulty: bool = False, databases: tuple[str, str] = ("", ""), **sections: dict[str, object]
) -> Iterator[Nodes]:
    """`ALPHA` and `BETA` hold 120 suppliers each, 60 shared, and allow each other everything.

    `BETA` serves, and allows `MALLORY` too, a member without a process: tests speak for it.

    Args:
        faulty: `BETA` obeys orders.
        databases: URLs of node databases for the two, with their tables; empty for the usual files.
        sections: of both configurations.
    """
    with real_nodes() as nodes:
        for member, peer, offset, url in ((ALPHA, BETA, 0, databases[0]), (BETA, ALPHA, 60, databases[1])):
            nodes.add(
                member,
                MadeUpList(120, offset, 0, member),
                allow=({"peer": peer}, {"peer": MALLORY}),
                **sections,
                storage={"url": url},
            )
        nodes.add(MALLORY)
        nodes.start(BETA, faulty=nodes.orders(BETA) if faulty else "")
        yield nodes
