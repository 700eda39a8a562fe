"""Three machines, two of which nobody can dial: they join by invitation and match through a relay.

`hub` founds the coalition and runs its node and a relay. `left` and `right` are linked to `hub` alone, which
forwards nothing, and open no port but on their own loopback. Real commands, real sockets, in namespaces.
"""

import contextlib
import json
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import pytest

from namespaces import HUB, Machine, leaf_address, star
from processes import DEADLINE_S, first_line, wait_until
from symbolon import config
from symbolon.cli.demo_check import ClearMatch, clear_join, require_equal
from symbolon.cli.demo_lists import demo_lists, write_list
from symbolon.cli.local_coalition import own_environment, symbolon
from symbolon.suppliers.record import Supplier
from typed_member import Member

LEFT, RIGHT = "left", "right"
PURPOSE: Final = "due-diligence"
TIERS: Final = "ABC"
NODE_PORT, RELAY_PORT, CONTROL_PORT = 7443, 7444, 7999
LISTED: Final = 200
"""Suppliers on each list; all shared ones come first."""

_ACCEPT_ONE = """
import socket, sys
with socket.create_server((sys.argv[1], int(sys.argv[2]))) as server:
    print("listens", flush=True)
    server.accept()
"""


@dataclass
class Coalition:
    """The machines, each with a node in a folder of its name, and what runs on them."""

    folder: Path
    machines: dict[str, Machine]
    processes: list["subprocess.Popen[str]"] = field(default_factory=list)
    logs: dict[str, list[str]] = field(default_factory=dict)
    addresses: dict[str, str] = field(default_factory=dict)

    def home(self, member: str) -> Path:
        return self.folder / member

    def command(self, member: str, *arguments: str) -> list[str]:
        return self.machines[member].command(*symbolon("--home", str(self.home(member)), *arguments))

    def run(self, member: str, *arguments: str, code: int = 0) -> str:
        """Runs a command of a member on its machine; what it wrote to stdout."""
        done = subprocess.run(
            self.command(member, *arguments),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=2 * DEADLINE_S,
            env=own_environment(),
        )
        logs = "".join(line for name in self.logs for line in self.logs[name][-30:])
        assert done.returncode == code, f"{arguments}: {done.returncode}\n{done.stdout}{done.stderr}\n{logs}"
        assert "Traceback" not in done.stderr
        return done.stdout

    def quick(self, member: str, *arguments: str) -> str:
        """The same within this process, which is on none of the machines: for what dials nobody."""
        return Member(member, self.folder).quick(*arguments)[0]

    def start(self, member: str, *arguments: str) -> None:
        """Starts what serves, and waits until it does."""
        process = subprocess.Popen(
            self.command(member, *arguments, "--grace", "2"),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=own_environment(),
        )
        self.processes.append(process)
        name = f"{member} {arguments[0]}"
        lines = self.logs.setdefault(name, [])
        threading.Thread(target=lambda: lines.extend(process.stderr or ()), daemon=True).start()
        self.addresses[name] = first_line(process)
        assert self.addresses[name], "".join(lines)

    def match(self, *more: str) -> tuple[dict[str, Any], list[dict[str, str]]]:
        """`LEFT` asks `RIGHT`: the figures, and the rows."""
        out = self.folder / "matches.json"
        out.unlink(missing_ok=True)
        asked = ("--purpose", PURPOSE, "--mode", "intersection", "--tiers", TIERS, *more)
        figures: dict[str, Any] = json.loads(
            self.run(LEFT, "match", RIGHT, *asked, "--json", "--out", str(out))
        )
        return figures, json.loads(out.read_text(encoding="utf-8"))

    def clear(self, member: str, peer: str) -> list[ClearMatch]:
        """What a match of two members has to give."""
        return clear_join(self.folder / f"{member}.csv", self.folder / f"{peer}.csv", TIERS)


@pytest.fixture(scope="module")
def coalition(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Coalition]:
    """Founded, joined and served, with a list at `LEFT` and one at `RIGHT`, which allow each other."""
    with contextlib.ExitStack() as stack:
        hub, leaves = stack.enter_context(star("hub", (LEFT, RIGHT)))
        machines = dict(zip(("hub", LEFT, RIGHT), (hub, *leaves), strict=True))
        made = Coalition(tmp_path_factory.mktemp("machines"), machines)
        stack.callback(_stop, made.processes)
        _found(made)
        lists = demo_lists()
        for member, peer, suppliers in ((LEFT, RIGHT, lists.ours), (RIGHT, LEFT, lists.theirs)):
            _join(made, member)
            _prepare(made, member, peer, suppliers[:LISTED])
        for member in (LEFT, RIGHT):
            made.start(member, "serve")
        yield made


def _found(made: Coalition) -> None:
    node, relay = f"{HUB}:{NODE_PORT}", f"{HUB}:{RELAY_PORT}"
    made.quick(
        "hub",
        *("coalition", "create", "three-machines", "--member", "hub", "--person", "Ada"),
        *("--jurisdiction", "BE", "--listen", node, "--endpoint", node, "--relay-endpoint", relay),
    )
    made.start("hub", "serve")
    made.start("hub", "relay", "--listen", relay)


def _join(made: Coalition, member: str) -> None:
    vetted = ("--jurisdiction", "KE", "--vetted-by", "Ada", "--criteria", "charter, section 3")
    code = made.quick("hub", "coalition", "invite", member, *vetted, "--kind", "ngo").strip()
    made.run(member, "coalition", "join", code, "--person", "Ben", "--accept-terms", "1")


def _prepare(made: Coalition, member: str, peer: str, suppliers: Sequence[Supplier]) -> None:
    path = made.folder / f"{member}.csv"
    write_list(path, suppliers)
    made.quick(member, "suppliers", "import", str(path))
    with (made.home(member) / config.FILE_NAME).open("a", encoding="utf-8") as file:
        file.write(
            f'\n[[allow]]\npeer = "{peer}"\npurposes = ["{PURPOSE}"]\nmodes = ["intersection"]\n'
            'tiers = ["A", "B", "C"]\ninvited = true\n'
        )


def _stop(processes: list["subprocess.Popen[str]"]) -> None:
    for process in processes:
        process.terminate()
    for process in processes:
        try:
            process.wait(DEADLINE_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def test_members_who_joined_with_the_code_alone_are_reached_by_the_relay_it_names(
    coalition: Coalition,
) -> None:
    for member in coalition.machines:
        told = json.loads(coalition.quick(member, "coalition", "members", "--json"))["members"]
        assert {each["member"]: (each["reached"], each["standing"]) for each in told} == {
            "hub": (f"{HUB}:{NODE_PORT}", "good"),
            LEFT: ("relay hub", "good"),
            RIGHT: ("relay hub", "good"),
        }


def test_node_without_an_inbound_route_cannot_be_dialled_from_any_other_machine(
    coalition: Coalition,
) -> None:
    hub, left, right = (coalition.machines[name] for name in ("hub", LEFT, RIGHT))
    host, _, port = coalition.addresses[f"{LEFT} serve"].rpartition(":")
    assert host == "127.0.0.1"
    # It does listen, on the loopback of its own machine, where nobody else is.
    assert left.dials("127.0.0.1", int(port)) == ""
    for machine in (left, right):
        assert machine.listening() == {"127.0.0.1"}
    assert "refused" in hub.dials(leaf_address(0), int(port))
    assert "unreachable" in right.dials(leaf_address(0), int(port))
    assert "unreachable" in left.dials(leaf_address(1), int(port))


def test_namespaces_carry_what_listens_on_a_link_to_the_hub_and_to_no_other(coalition: Coalition) -> None:
    # Whoever would listen on the link could be dialled: the links work, and the nodes keep off them.
    hub, left, right = (coalition.machines[name] for name in ("hub", LEFT, RIGHT))
    command = left.command(sys.executable, "-c", _ACCEPT_ONE, leaf_address(0), str(CONTROL_PORT))
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert first_line(process) == "listens"
            assert "unreachable" in right.dials(leaf_address(0), CONTROL_PORT)
            assert hub.dials(leaf_address(0), CONTROL_PORT) == ""
        finally:
            process.kill()


def test_match_of_two_machines_without_an_inbound_route_equals_the_join_in_the_clear(
    coalition: Coalition,
) -> None:
    figures, rows = coalition.match()
    require_equal(coalition.clear(LEFT, RIGHT), rows)
    # Nothing here is trivially true: every band holds something.
    assert {row["band"] for row in rows} == {"certain", "probable", "candidate"}
    assert len(rows) > 50
    assert "mutual" not in figures


def test_peer_asks_in_turn_over_the_connection_that_the_relay_carries(coalition: Coalition) -> None:
    figures, rows = coalition.match("--mutual")
    require_equal(coalition.clear(LEFT, RIGHT), rows)
    assert figures["mutual"]["counts"]["elements"] > 0
    theirs = json.loads(coalition.quick(RIGHT, "match", "show", LEFT, "--json"))
    require_equal(coalition.clear(RIGHT, LEFT), theirs)


def test_doctor_looks_at_a_peer_through_the_relay(coalition: Coalition) -> None:
    checks = json.loads(coalition.run(LEFT, "doctor", RIGHT, "--json"))["checks"]
    found = {each["check"]: each for each in checks}
    assert {each["state"] for each in checks} == {"ok"}, checks
    assert found["own entry"]["said"] == "left is ngo in good standing, reached through hub"
    assert found["port"]["said"] == f"{HUB}:{RELAY_PORT} is open"
    assert found["way"]["said"].startswith("right is reached through its relays")
    assert found["health"]["said"] == "right knows this node and serves"


def test_relay_between_machines_writes_down_no_pair(coalition: Coalition) -> None:
    wait_until(lambda: coalition.logs["hub relay"], "the relay's log")
    assert not any(LEFT in line and RIGHT in line for line in coalition.logs["hub relay"])
