"""A node that is never served: commands about signals erase in passing what has expired."""

import os
import sqlite3
import time
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from received_labels import PURPOSE, Contributor, found, judged, some_signal
from signal_makers import make_draft
from signal_nodes import signature
from symbolon.cli import main, node_home, signed_in
from symbolon.cli.init import create_node
from symbolon.errors import StorageError
from symbolon.exchange.messages import SIGNAL
from symbolon.rpc import signal_erasing
from symbolon.rpc.node import Node
from symbolon.storage.database import Database
from symbolon.storage.received_signal_writer import FeedPosition
from symbolon.storage.signal_intake import NewSignal

SOURCE = "CANARY night guard"
LONG_AGO_S = 800 * 86400.0
"""Longer than a signal lasts unless its author says otherwise, and no longer than the node can look back."""

COMMANDS = ("signals list", "signals received", "signals hold", "triage", "suppliers show S1")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """The folder of a node that has not joined anybody yet: what is over goes there as well."""
    create_node(tmp_path / "node", member="mill", coalition="grove", listen="127.0.0.1:0")
    return tmp_path / "node"


def long_ago(home: Path) -> Node:
    """The node, by the clock of a day when what expired by now still stood."""
    return Node(home, clock=lambda: time.time() - LONG_AGO_S)


def add(node: Node) -> str:
    """Adds a signal with a source, by the clock of the node; its id."""
    draft = make_draft(purposes=(PURPOSE,), period=None, expires=None, review=None)
    signal = draft.first_revision(os.urandom(16), node.now.date())
    node.signals.add_many([NewSignal(signal, signature(node, signal), SOURCE, "")], workers=0)
    return signal.hex_id


def expired(home: Path) -> str:
    """An own signal with a source that has expired, and was added when it had not; its id."""
    with long_ago(home) as node:
        return add(node)


def received(home: Path, who: Contributor, number: int) -> None:
    """A received signal with a narrative that has expired."""
    with long_ago(home) as node:
        today = node.now.date()
        days = {"issued": today, "review": today + timedelta(days=9), "expires": today + timedelta(days=90)}
        signal = some_signal(number, period=None, purposes=(PURPOSE,), **days)
        intake = judged(node.received, [found(who.label(signal))], today, who=who)
        with node.database.transaction("a lookup") as connection:
            positions = [FeedPosition(tier, 1, 2) for tier in "ABC"]
            node.received.save(connection, who.name, PURPOSE, intake, key_id=who.key_id, positions=positions)
            node.received.save_narrative(connection, who.name, PURPOSE, signal.signal_id, 1, "words")


def rows(home: Path) -> dict[str, int]:
    """How many rows hold what signals said and who they were learnt from."""
    counted = {
        "signal_source": "",
        "signal_revision": "WHERE document IS NOT NULL",
        "received_form": "",
        "received_narrative": "",
    }
    with closing(sqlite3.connect(home / "node.db")) as database:
        return {
            table: database.execute(f"SELECT count(*) FROM {table} {where}").fetchone()[0]
            for table, where in counted.items()
        }


def run(home: Path, words: str) -> int:
    return main.run(["--home", str(home), *words.split()])


HERE = {"signal_source": 1, "signal_revision": 1, "received_form": 1, "received_narrative": 1}
GONE = dict.fromkeys(HERE, 0)


@pytest.mark.parametrize("words", COMMANDS)
def test_command_on_a_node_that_never_serves_erases_what_has_expired(home: Path, words: str) -> None:
    hex_id = expired(home)
    received(home, Contributor("alder"), 1)
    if words == "suppliers show S1":
        listed = home.parent / "list.csv"
        listed.write_text("supplier_id,name,country\nS1,Mill,BD\n", encoding="utf-8")
        assert run(home, f"suppliers import {listed}") == 0
    assert rows(home) == HERE
    assert run(home, words) == 0
    assert rows(home) == GONE
    with Node(home) as node:
        notes = [
            each.entry.note for each in node.audit.entries() if each.entry and each.entry.session == hex_id
        ]
        assert notes == ["added", "expired"]
        assert not node.signals.is_due(node.now.date())
        assert not node.received.is_due(node.clock())


@pytest.mark.parametrize(
    "words", ["signals list --help", "signals words", "signals --help", "triage --help", "doctor", "status"]
)
def test_help_and_commands_about_something_else_erase_nothing(home: Path, words: str) -> None:
    expired(home)
    received(home, Contributor("alder"), 1)
    assert run(home, words) in (0, 1)
    assert rows(home) == HERE


def test_busy_database_is_left_for_the_next_command_without_a_wait(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    expired(home)
    with closing(sqlite3.connect(home / "node.db", isolation_level=None)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        began_s = time.monotonic()
        assert run(home, "signals list") == 0
        assert time.monotonic() - began_s < 15, "a command waits for a writer that it does not need"
        assert "expired" not in capsys.readouterr().err
        writer.execute("ROLLBACK")
    assert rows(home) == {**HERE, "received_form": 0, "received_narrative": 0}
    assert run(home, "signals list") == 0
    assert rows(home) == GONE


def test_peer_that_is_being_asked_is_left_for_the_next_command(home: Path) -> None:
    received(home, Contributor("alder"), 1)
    received(home, Contributor("birch", 2), 2)
    with Node(home) as node, node.asking_lock("alder", SIGNAL):
        assert run(home, "signals list") == 0
        assert rows(home)["received_form"] == 1
    assert run(home, "signals list") == 0
    assert rows(home) == GONE


@pytest.mark.parametrize("error", [StorageError("the disk is full", code="storage.full"), ValueError("odd")])
def test_failure_to_erase_is_told_and_the_command_goes_on(
    home: Path, error: Exception, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    expired(home)

    def fail(node: Node) -> None:
        raise error

    monkeypatch.setattr(signal_erasing, "erase_expired", fail)
    assert run(home, "signals list") == 0
    assert "what has expired was not erased" in caplog.text
    assert rows(home)["signal_source"] == 1


def test_where_nothing_is_due_a_command_only_looks(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Node(home) as node:
        add(node)

    def never(*_: Any) -> Any:
        pytest.fail("nothing is due")

    monkeypatch.setattr(signal_erasing, "erase_expired", never)
    monkeypatch.setattr(Database, "is_writing", never)
    assert run(home, "signals list") == 0


def test_own_signal_on_hold_is_due_only_when_the_hold_has_ended(home: Path) -> None:
    hex_id = expired(home)
    with long_ago(home) as node:
        today = node.now.date()
        number = node.signals.get(hex_id).number
        node.signals.hold(number, "a court", today + timedelta(days=1000))
        assert not node.signals.is_due(today + timedelta(days=999))
        assert node.signals.is_due(today + timedelta(days=1000))
    assert run(home, "signals list") == 0
    assert rows(home)["signal_source"] == 1


def test_writer_is_seen_and_nobody_is_kept_from_writing_by_the_look(home: Path) -> None:
    with Node(home) as node:
        assert not node.database.is_writing()
        with closing(sqlite3.connect(home / "node.db", isolation_level=None)) as writer:
            writer.execute("BEGIN IMMEDIATE")
            assert node.database.is_writing()
            writer.execute("ROLLBACK")
        assert not node.database.is_writing()
        with node.database.transaction("a write") as connection:
            assert connection.exec_driver_sql("PRAGMA busy_timeout").scalar_one() == 30_000


def test_node_opened_outside_of_a_command_erases_nothing(home: Path) -> None:
    expired(home)
    node_home.chosen.set(home)
    signed_in.running.set("")
    with node_home.open_node():
        pass
    assert rows(home)["signal_source"] == 1
