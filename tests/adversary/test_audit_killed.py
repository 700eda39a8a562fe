"""kill -9 at every point of a session, on either side, in either mode: never a disclosure without its entry.

A point is a message about to leave or just come, a transaction before and after its commit, the file of the
checkpoint before and after it is written. Which there are, one undisturbed session tells; the lists here must
be those. After each kill the log is computed again from the ground, held against every message that the
killed process handed to gRPC and against the budget, and the next session has to give the whole answer.
"""

import asyncio
import contextlib
import itertools
import json
import signal
import socket
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from forked_commands import ForkedCommand
from logged_disclosures import assert_all_logged, assert_node_whole
from processes import wait_until
from real_nodes import ALPHA, BETA, Nodes, asking, real_nodes
from symbolon.cli.local_coalition import PURPOSE
from symbolon.cli.made_up_suppliers import MadeUpList, made_up_supplier
from symbolon.errors import UnavailableError
from symbolon.membership.member_statement import Place
from symbolon.rpc import receiver_size, sender_role
from symbolon.rpc.audit_own import check_own
from symbolon.rpc.figures import Figures
from symbolon.rpc.node import Node
from symbolon.rpc.peer import connect
from symbolon.rpc.receiver_role import Ask, Outcome
from symbolon.suppliers.record import Supplier

_SHARED = 50
_MOVING = 8
"""Suppliers of `BETA` alone, of which one goes and one comes with every change."""

_RECORDS = 40
"""Enough for size mode here: that thousands are counted is not what is killed."""

_KEEP = "keep a document of the audit log"
_TAKE = "keep a checkpoint of another member"
_WRITE = "write the audit log"


def _commit(*names: str) -> tuple[str, ...]:
    """Both points of each transaction."""
    return tuple(f"{when} {name}" for name in names for when in ("committing", "committed"))


_SIGNED = ("writing audit.checkpoint", "written audit.checkpoint", *_commit("sign a checkpoint"))
_OPENED = ("received Hello", *_commit(_TAKE, _KEEP, "look up the key epoch", "open a session"))
_ENDED = ("sending Finish", "received Receipt", *_commit("end a session"), *_SIGNED)

SENDER = {
    "intersection": (
        *_OPENED,
        *_commit("load a released set"),
        "sending Accept",
        "received Elements",
        "sending Evaluated",
        *_commit("record a delta"),
        "sending Entries",
        *_commit(_WRITE),
        "sending Withdrawn",
        *_ENDED,
    ),
    "size": (
        *_OPENED,
        "sending Accept",
        "received Elements",
        "sending Evaluated",
        *_commit(_WRITE),
        "sending Entries",
        *_ENDED,
    ),
}
_ASKED = (
    *_commit(_WRITE, _KEEP, "begin a session"),
    "sending Hello",
    "received Accept",
    "sending Elements",
    "received Evaluated",
    "received Entries",
)
RECEIVER = {
    "intersection": (
        *_ASKED,
        "received Withdrawn",
        "received Finish",
        *_commit(_TAKE),
        "sending Receipt",
        *_commit("store what a session brought"),
        *_SIGNED,
    ),
    "size": (
        *_ASKED,
        "received Finish",
        *_commit(_TAKE),
        "sending Receipt",
        *_commit("end a session"),
        *_SIGNED,
    ),
}

_SAID = {
    "sender": {
        "intersection": {"accept", "evaluated", "entries", "withdrawn", "finish"},
        "size": {"accept", "evaluated", "entries", "finish"},
    },
    "receiver": {mode: {"hello", "elements", "receipt"} for mode in SENDER},
}


class _Moving(MadeUpList):
    """The suppliers that both share, and some that only `BETA` has."""

    def __init__(self, change: int) -> None:
        super().__init__(_SHARED + _MOVING, 0, 0, BETA)
        self._numbers = (*range(_SHARED), *range(1000 + change, 1000 + change + _MOVING))

    def __iter__(self) -> Iterator[Supplier]:
        for number in self._numbers:
            yield made_up_supplier(number, f"S-{number:07d}")


class Scene:
    """`ALPHA` asks and `BETA` serves; before each session something has changed that it has to tell."""

    def __init__(self, nodes: Nodes, folder: Path) -> None:
        self.nodes = nodes
        self.folder = folder
        self._count = itertools.count()
        with socket.create_server(("127.0.0.1", 0)) as free:
            self._port = free.getsockname()[1]
        self._changes = 0
        self._host = ""
        for member, peer in ((ALPHA, BETA), (BETA, ALPHA)):
            self._configure(member, peer)
        nodes.take_in(ALPHA, MadeUpList(_SHARED, 0, 0, ALPHA))
        self.served: ForkedCommand | None = None
        self.records: dict[str, Path] = {}

    def _configure(self, member: str, peer: str) -> None:
        """With a policy that never was in force before."""
        if not self.nodes.home(member).exists():
            self.nodes.coalition.add(member)
        self.nodes.configure(
            member,
            allow=({"peer": peer}, {"peer": f"nobody-{self._changes}"}),
            node={"listen": f"127.0.0.1:{self._port}"},
            exchange={"additions_interval_s": 0, "idle_timeout_s": 5},
        )

    def orders(self, member: str) -> Path:
        return self.folder / f"{member}.orders"

    def points(self, member: str) -> Path:
        return self.folder / f"{member}.points"

    def run(self, member: str, *arguments: str) -> ForkedCommand:
        """Begins a command that is recorded, obeys orders and notes its points."""
        record = self.records[member] = self.folder / f"{next(self._count)}.record"
        options = (
            f"record={record}",
            f"points={self.points(member)}",
            f"orders={self.orders(member)}",
            f"records={_RECORDS}",
        )
        return ForkedCommand(["--home", str(self.nodes.home(member)), *arguments], options, self.folder)

    def serve(self) -> None:
        """Starts `BETA` unless it runs."""
        if self.served is None or self.served.process.poll() is not None:
            self.served = self.run(BETA, "serve", "--grace", "1")
            self.served.address()

    def change(self, mode: str, point: str = _KEEP) -> None:
        """What the next session has to tell and to keep is new: additions, withdrawals, coalition, policy.

        Args:
            mode: of that session.
            point: that it is for; what has nothing to do with that is left as it is.
        """
        self._changes += 1
        if mode == "intersection":
            self.nodes.take_in(BETA, _Moving(self._changes))
        if point.endswith((_KEEP, _WRITE)):
            self._host = "localhost" if self._host != "localhost" else "127.0.0.1"
            self.nodes.place(BETA, Place(f"{self._host}:{self._port}", (), ""))
            self._configure(ALPHA, BETA)
        if mode == "size":
            # As if the next key epoch had come.
            with Node(self.nodes.home(BETA)) as node, node.database.transaction("test") as connection:
                connection.exec_driver_sql("UPDATE key_epoch SET size_sessions = 0")

    def ask(self, mode: str) -> Outcome:
        """A session from within this process."""

        async def hold(node: Node) -> Outcome:
            async with connect(node, BETA) as channel:
                return await channel.ask(Ask(BETA, mode, PURPOSE, ("A",)), Figures())

        with Node(self.nodes.home(ALPHA)) as node:
            return asyncio.run(hold(node))

    def assert_next_session_is_whole(self, mode: str, member: str, point: str = "") -> None:
        """And the log of a member goes on by it.

        Not again for a kill just before a commit: it leaves on the disk what the point before it left.
        """
        if point.startswith("committing"):
            return
        self.serve()
        outcome = self.ask(mode)
        if mode == "intersection":
            assert outcome.counts["certain"] == _SHARED
        else:
            assert outcome.shared == f"at least {_SHARED}"
        event = "ended" if member == BETA else "learned"
        wait_until(lambda: self._last(member) == event, f"the log of {member} to go on", 0.01)

    def _last(self, member: str) -> str:
        sql = "SELECT event FROM audit_entry ORDER BY number DESC LIMIT 1"
        return str(self.nodes.query(member, sql)[0].event)

    def assert_no_finding(self, member: str) -> None:
        """As `symbolon audit verify` of the node's own log says."""
        with Node(self.nodes.home(member)) as node:
            assert [each for each in check_own(node).findings if each.severity == "broken"] == []


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    with pytest.MonkeyPatch.context() as patch, real_nodes() as nodes:
        for module in (receiver_size, sender_role):
            patch.setattr(module, "SIZE_MIN_RECORDS", _RECORDS)
        made = Scene(nodes, tmp_path_factory.mktemp("killed"))
        made.serve()
        # What is there once and for all: the first epoch, the first set, the first checkpoint.
        made.change("intersection")
        made.ask("intersection")
        try:
            yield made
        finally:
            if made.served is not None:
                made.served.process.kill()


def reached(scene: Scene, member: str) -> list[str]:
    """The points of an undisturbed session; those that only tell how long something takes left out."""
    found = scene.points(member).read_text().splitlines()
    scene.points(member).unlink()
    return [each for each in found if each != "making a set" and not each.endswith(" Working")]


@pytest.mark.parametrize("mode", SENDER)
def test_points_of_an_answering_node_are_those_of_an_undisturbed_session(scene: Scene, mode: str) -> None:
    scene.serve()
    scene.change(mode)
    scene.points(BETA).touch()
    scene.assert_next_session_is_whole(mode, BETA)
    wait_until(lambda: _SIGNED[-1] in scene.points(BETA).read_text(), "the checkpoint", 0.01)
    assert Counter(reached(scene, BETA)) == Counter(SENDER[mode])
    entries = assert_node_whole(scene.nodes.home(BETA), ALPHA, [(scene.records[BETA], "sender")])
    with Node(scene.nodes.home(BETA)) as node:
        assert assert_all_logged(node, ALPHA, scene.records[BETA], "sender", entries) >= _SAID["sender"][mode]


@pytest.mark.parametrize("mode", RECEIVER)
def test_points_of_an_asking_node_are_those_of_an_undisturbed_session(scene: Scene, mode: str) -> None:
    scene.serve()
    scene.change(mode)
    scene.points(ALPHA).touch()
    asked = scene.run(ALPHA, *asking(BETA, PURPOSE, "A", mode), "--json")
    assert asked.ended() == 0, asked.talk
    assert Counter(reached(scene, ALPHA)) == Counter(RECEIVER[mode])
    assert json.loads(asked.said)["mode"] == mode
    entries = assert_node_whole(scene.nodes.home(ALPHA), BETA, [(scene.records[ALPHA], "receiver")])
    with Node(scene.nodes.home(ALPHA)) as node:
        assert (
            assert_all_logged(node, BETA, scene.records[ALPHA], "receiver", entries)
            == _SAID["receiver"][mode]
        )


@pytest.mark.parametrize(
    ("mode", "point"), [(mode, each) for mode, points in SENDER.items() for each in points]
)
def test_answering_node_killed_at_a_point_has_disclosed_nothing_that_its_log_lacks(
    scene: Scene, mode: str, point: str
) -> None:
    scene.serve()
    scene.change(mode, point)
    scene.orders(BETA).write_text(f"kill {point}")
    # Where its last message had left by then, the asker has its answer.
    with contextlib.suppress(UnavailableError):
        scene.ask(mode)
    assert scene.served is not None
    assert scene.served.ended() == -signal.SIGKILL
    assert_node_whole(scene.nodes.home(BETA), ALPHA, [(scene.records[BETA], "sender")])
    scene.assert_next_session_is_whole(mode, BETA, point)


@pytest.mark.parametrize(
    ("mode", "point"), [(mode, each) for mode, points in RECEIVER.items() for each in points]
)
def test_asking_node_killed_at_a_point_has_disclosed_nothing_that_its_log_lacks(
    scene: Scene, mode: str, point: str
) -> None:
    scene.serve()
    scene.change(mode, point)
    scene.orders(ALPHA).write_text(f"kill {point}")
    asked = scene.run(ALPHA, *asking(BETA, PURPOSE, "A", mode), "--json")
    assert asked.ended() == -signal.SIGKILL, asked.talk
    assert_node_whole(scene.nodes.home(ALPHA), BETA, [(scene.records[ALPHA], "receiver")])
    scene.assert_next_session_is_whole(mode, ALPHA, point)


@pytest.mark.parametrize(("member", "peer"), [(ALPHA, BETA), (BETA, ALPHA)])
def test_log_after_all_these_kills_has_nothing_that_its_own_check_finds(
    scene: Scene, member: str, peer: str
) -> None:
    assert_node_whole(scene.nodes.home(member), peer)
    scene.assert_no_finding(member)
