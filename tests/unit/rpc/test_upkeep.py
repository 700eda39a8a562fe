"""What a served node does by itself, seen from its jobs; among others: tests/integration/test_joining.py."""

import asyncio
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest.mock import AsyncMock

import numpy as np
import pytest

from signal_makers import make_draft
from symbolon.cli.init import create_node
from symbolon.cli.local_coalition import COALITION
from symbolon.cli.local_founder import LocalFounder
from symbolon.errors import MembershipError, StorageError
from symbolon.membership.member import MemberId
from symbolon.membership.member_statement import Place
from symbolon.rpc import upkeep
from symbolon.rpc.node import Node
from symbolon.rpc.relay_listener import RelayListener
from symbolon.signals.revisions import recall
from symbolon.signals.vocabulary import RecallReason
from symbolon.storage.signal_intake import NewSignal

RELAY = MemberId("relay-co")
NOBODY = "127.0.0.1:9"
"""Where nobody listens."""


class Coalition:
    """A founder, a member that runs a relay, and a member; none of them served."""

    def __init__(self, folder: Path) -> None:
        self.founder = LocalFounder.create(folder / "founder", COALITION, ("audit",))
        self.home = folder / "member-co"
        for home in (folder / RELAY, self.home):
            create_node(home, member=home.name, coalition=COALITION, listen="127.0.0.1:0")
        self.founder.admit(folder / RELAY, kind="company", place=Place("", (), NOBODY))
        self.founder.admit(self.home, kind="company", place=Place("", (RELAY,), ""))

    def move(self, place: Place) -> None:
        self.founder.move(self.home, place)
        self.founder.tell(self.home)


@pytest.fixture
def coalition(tmp_path: Path) -> Iterator[Coalition]:
    made = Coalition(tmp_path)
    try:
        yield made
    finally:
        made.founder.close()


async def until(holds: Callable[[], bool]) -> None:
    while not holds():  # noqa: ASYNC110 - what is waited for has no event
        await asyncio.sleep(0.02)


async def serving(node: Node, scene: Callable[[], Any]) -> None:
    jobs = upkeep.Upkeep(node)
    jobs.start(NOBODY)
    try:
        async with asyncio.timeout(20):
            await scene()
    finally:
        await jobs.finish()


def test_upkeep_of_a_node_that_left_its_relays_for_a_while_attaches_again(
    coalition: Coalition, monkeypatch: pytest.MonkeyPatch
) -> None:
    running: list[RelayListener] = []

    class Listening(RelayListener):
        async def run(self) -> None:
            running.append(self)
            try:
                await super().run()
            finally:
                running.remove(self)

    monkeypatch.setattr(upkeep, "RelayListener", Listening)
    monkeypatch.setattr(upkeep, "TURN_S", 0.05)

    async def scene() -> None:
        await until(lambda: len(running) == 1)
        await asyncio.to_thread(coalition.move, Place("127.0.0.1:7443", (), ""))
        await until(lambda: not running)
        await asyncio.sleep(0.2)
        await asyncio.to_thread(coalition.move, Place("", (RELAY,), ""))
        await until(lambda: len(running) == 1)

    with Node(coalition.home) as node:
        asyncio.run(serving(node, scene))


def test_upkeep_of_a_founder_dates_the_coalition_though_other_jobs_fail(
    coalition: Coalition, monkeypatch: pytest.MonkeyPatch
) -> None:
    node, done = coalition.founder.node, set[str]()

    def fail(what: str, error: Exception) -> Callable[..., None]:
        def failing(*_: object, **__: object) -> None:
            done.add(what)
            raise error

        return failing

    def redate() -> None:
        done.add("dated")

    async def spread(_: Node, __: object, sha256: bytes) -> None:
        fail(sha256.decode(), MembershipError("overtaken"))()

    monkeypatch.setattr(upkeep, "TURN_S", 0.05)
    monkeypatch.setattr(upkeep, "spread", spread)
    monkeypatch.setattr(node, "write_open_invitations", fail("invitations", StorageError("disk full")))
    monkeypatch.setattr(node.founding, "redate", redate)
    monkeypatch.setattr(node.founding, "unfinished", lambda: [b"one", b"another"])

    async def scene() -> None:
        await until(lambda: done == {"invitations", "dated", "one", "another"})

    asyncio.run(serving(node, scene))


def test_upkeep_says_once_a_day_what_people_have_to_renew(
    coalition: Coalition, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    days = 341.0
    node = coalition.founder.node
    monkeypatch.setattr(upkeep, "TURN_S", 0.02)
    monkeypatch.setattr(upkeep, "renew_if_due", AsyncMock())
    node.clock = lambda: time.time() + days * 86400
    turns = 0

    def redate() -> None:
        nonlocal turns
        turns += 1

    monkeypatch.setattr(node.founding, "redate", redate)

    def said() -> list[str]:
        return [each.getMessage() for each in caplog.records if "targets has" in each.getMessage()]

    async def scene() -> None:
        nonlocal days
        await until(lambda: turns > 5)
        assert [each[:23] for each in said()] == ["targets has 23 days lef"]
        assert "The founders have to sign anew" in said()[0]
        lapsing = [each for each in caplog.messages if each.startswith("the vetting lapses on")]
        assert [each.endswith("`symbolon coalition vet`.") for each in lapsing] == [True]
        days += 1
        await until(lambda: len(said()) == 2)

    asyncio.run(serving(node, scene))


def test_upkeep_says_once_a_day_who_has_not_heard_of_a_recall(
    coalition: Coalition, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    days, turns = 0.0, 0
    monkeypatch.setattr(upkeep, "TURN_S", 0.02)
    monkeypatch.setattr(upkeep, "renew_if_due", AsyncMock())
    began_s = time.time()

    def warned() -> list[str]:
        return [each.getMessage() for each in caplog.records if "is behind" in each.getMessage()]

    with Node(coalition.home, clock=lambda: began_s + days * 86400) as node:
        signal = make_draft(expires=None, review=None, period=None).first_revision(b"s" * 16, node.now.date())
        (number,) = node.signals.add_many([NewSignal(signal, bytes(64), "", "")], workers=0)
        with node.database.transaction("give") as connection:
            given = np.array([number], np.uint64)
            node.disclosures.add(connection, RELAY, given)
            node.disclosures.note_given(connection, RELAY, "A", given, node.clock())
        node.signals.recall(recall(signal, node.now.date(), RecallReason.ERROR), bytes(64))

        def expire() -> None:
            nonlocal turns
            turns += 1

        monkeypatch.setattr(node.matches, "expire", expire)

        async def some_turns() -> None:
            nonlocal turns
            turns = 0
            await until(lambda: turns > 3)

        async def scene() -> None:
            nonlocal days
            await some_turns()
            assert warned() == []
            for day in (2, 3):
                days = day
                await some_turns()
                assert len(warned()) == day - 1

        asyncio.run(serving(node, scene))
    assert set(warned()) == {
        f"{RELAY} is behind with the signals of this member: 1 recall not acknowledged."
        " Ask its operator; `symbolon signals feeds` shows how far it has come."
    }
    assert {each.levelname for each in caplog.records if "is behind" in each.getMessage()} == {"WARNING"}


def test_upkeep_does_its_jobs_while_a_question_to_the_others_hangs(
    coalition: Coalition, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, renewed = asyncio.Event(), asyncio.Event()

    async def sync(_: Node) -> None:
        asked.set()
        await asyncio.Event().wait()

    async def renew_if_due(_: Node) -> None:
        renewed.set()

    monkeypatch.setattr(upkeep, "sync", sync)
    monkeypatch.setattr(upkeep, "renew_if_due", renew_if_due)
    monkeypatch.setattr(upkeep, "TURN_S", 0.05)

    async def scene() -> None:
        await asked.wait()
        renewed.clear()
        await renewed.wait()

    with Node(coalition.home) as node:
        asyncio.run(serving(node, scene))


def test_upkeep_tells_of_agreements_at_each_turn_though_one_failed(
    coalition: Coalition, monkeypatch: pytest.MonkeyPatch
) -> None:
    turns, done = 0, asyncio.Event()

    async def tell_all(_: Node) -> None:
        nonlocal turns
        turns += 1
        if turns == 1:
            raise StorageError("disk full")
        done.set()

    monkeypatch.setattr(upkeep, "tell_all", tell_all)
    monkeypatch.setattr(upkeep, "TELL_S", 0.02)

    with Node(coalition.home) as node:
        asyncio.run(serving(node, done.wait))
    assert turns >= 2
