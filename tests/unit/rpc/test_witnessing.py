"""When a log is witnessed, who counts, and what ends a start; over the wire: tests/integration."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from coalition_members import ACME, BIRCH, DELTA, coalition, member, signing_key
from coalition_members import COALITION as CLEAN
from memory_log import NOW_S, MemoryLog
from symbolon.audit.checkpoint import log_origin, parse_checkpoint
from symbolon.audit.cosignature import cosign
from symbolon.audit.entry import Entry
from symbolon.audit.signed_note import add_signatures
from symbolon.cli.init import create_node
from symbolon.cli.local_coalition import COALITION
from symbolon.cli.local_founder import LocalFounder
from symbolon.errors import AuditError, StorageError
from symbolon.membership.member import MemberId
from symbolon.membership.member_record import Status
from symbolon.rpc import upkeep, witnessing
from symbolon.rpc.node import Node
from symbolon.rpc.witnessing import DAY_S, HOUR_S, Collected, Outcome, Rounds, collect, majority


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A member whose coalition is one founder, that nobody serves."""
    founder = LocalFounder.create(tmp_path / "founder", COALITION, ("audit",))
    made = tmp_path / "member-co"
    create_node(made, member=made.name, coalition=COALITION, listen="127.0.0.1:0")
    founder.admit(made, kind="company")
    founder.close()
    return made


def write(node: Node) -> None:
    node.audit.append(Entry("failed", "nobody-co"))


@pytest.mark.parametrize(("count", "needed"), [(0, 0), (1, 1), (2, 2), (3, 2), (4, 3), (5, 3)])
def test_majority_is_more_than_half(count: int, needed: int) -> None:
    assert majority(count) == needed


class Scene:
    """Rounds of a node under a clock that a test moves, and how often others were asked."""

    def __init__(self, node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
        self.node = node
        self.now_s = 5.0
        self.asked = 0
        self.enough = True
        self.rounds = Rounds(node, lambda: self.now_s)
        monkeypatch.setattr(witnessing, "collect", self._collect)

    async def _collect(self, node: Node) -> Collected:
        self.asked += 1
        by = {MemberId("farm"): NOW_S} if self.enough else {}
        return Collected(node.checkpoints.sign(), (Outcome(MemberId("farm"), "cosigned"),), by)

    def after(self, seconds: float) -> int:
        """How often others have been asked once so much time has passed."""
        self.now_s += seconds
        asyncio.run(self.rounds.collect_if_due())
        return self.asked


def test_log_without_entries_is_shown_to_nobody(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Node(home) as node:
        scene = Scene(node, monkeypatch)
        assert scene.after(0) == scene.after(2 * DAY_S) == 0
        write(node)
        assert scene.after(1) == 1


def test_log_is_witnessed_at_the_start_and_every_day(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Node(home) as node:
        write(node)
        scene = Scene(node, monkeypatch)
        assert [scene.after(each) for each in (0, HOUR_S, DAY_S - HOUR_S - 1, 1)] == [1, 1, 1, 2]


def test_new_entries_are_witnessed_an_hour_after_the_last_time(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Node(home) as node:
        write(node)
        scene = Scene(node, monkeypatch)
        assert scene.after(0) == 1
        write(node)
        assert [scene.after(each) for each in (30, HOUR_S - 31, 1, HOUR_S)] == [1, 1, 2, 2]


def test_log_that_no_majority_cosigned_is_shown_again_after_an_hour(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Node(home) as node:
        write(node)
        scene = Scene(node, monkeypatch)
        scene.enough = False
        assert [scene.after(each) for each in (0, 60, HOUR_S)] == [1, 1, 2]


def test_collecting_keeps_what_a_member_cosigned_before_that_is_off_now(home: Path) -> None:
    with Node(home) as node:
        write(node)
        first = asyncio.run(collect(node))
        (outcome,) = first.outcomes
        assert (outcome.kind, first.cosigned, first.is_enough) == ("unreachable", {}, False)
        founder = outcome.member
        with Node(home.with_name("founder")) as other:
            checkpoint = parse_checkpoint(first.note.text)
            name = log_origin(node.directory.current().coalition, founder)
            line = cosign(checkpoint, name, other.signing_key, now_s=NOW_S)
        node.checkpoints.add_cosigned(add_signatures(first.note, [line]))
        second = asyncio.run(collect(node))
    assert second.outcomes[0].kind == "unreachable"
    assert (second.cosigned, second.is_enough) == ({founder: NOW_S}, True)


def test_start_that_a_majority_answered_waits_a_second_longer_at_the_most(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(witnessing, "ENOUGH_S", 0.05)

    async def scene() -> set["asyncio.Task[None]"]:
        calls = {asyncio.create_task(asyncio.sleep(pause)) for pause in (0, 0, 30)}
        async with asyncio.timeout(4):
            await witnessing._wait(calls, majority(len(calls)))
        still = {each for each in calls if not each.done()}
        for each in still:
            each.cancel()
        return still

    assert len(asyncio.run(scene())) == 1


def test_start_that_one_member_answered_waits_for_others_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(witnessing, "SOME_S", 0.3)
    late: list[str] = []

    async def answers() -> None:
        await asyncio.sleep(0.1)
        late.append("answered")

    async def scene() -> None:
        calls = {asyncio.create_task(each) for each in (asyncio.sleep(0), answers(), asyncio.sleep(30))}
        async with asyncio.timeout(4):
            await witnessing._wait(calls, 3)
        for each in calls:
            each.cancel()

    asyncio.run(scene())
    assert late == ["answered"]


def test_start_waits_on_while_only_refusals_came(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(witnessing, "ENOUGH_S", 0.0)
    monkeypatch.setattr(witnessing, "MOST_S", 5.0)
    done: list[str] = []

    async def refused() -> None:
        raise StorageError("off")

    async def answers() -> None:
        await asyncio.sleep(0.2)
        done.append("answered")

    async def scene() -> None:
        calls = {asyncio.create_task(each) for each in (refused(), refused(), answers())}
        await witnessing._wait(calls, 1)

    asyncio.run(scene())
    assert done == ["answered"]


def test_upkeep_halts_the_node_by_a_log_that_is_not_whole_and_by_nothing_else(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    halted: list[Any] = []
    errors = [
        StorageError("busy"),
        AuditError("odd", code="audit.note"),
        AuditError("gone", code="audit.truncated"),
    ]
    left = list(errors)

    async def collect_if_due(_: Rounds) -> None:
        if left:
            raise left.pop(0)

    monkeypatch.setattr(Rounds, "collect_if_due", collect_if_due)
    monkeypatch.setattr(upkeep, "TURN_S", 0.01)

    async def scene() -> None:
        jobs = upkeep.Upkeep(node, halted.append)
        jobs.start("127.0.0.1:9")
        async with asyncio.timeout(20):
            while not halted:  # noqa: ASYNC110 - what is waited for has no event
                await asyncio.sleep(0.02)
        await jobs.finish()

    with Node(home) as node:
        asyncio.run(scene())
    assert halted == errors[2:]


def test_suspended_members_and_the_own_one_are_no_witnesses() -> None:
    suspended = member(DELTA, status=Status.SUSPENDED, reason="asked to")
    current = coalition(member(ACME), member(BIRCH), suspended)
    assert [each.member_id for each in witnessing.witnesses(current, ACME)] == [BIRCH]


def test_cosignature_under_a_members_name_by_another_key_counts_for_nobody() -> None:
    log, name = MemoryLog("mill", 4), log_origin(CLEAN, BIRCH)
    counted = []
    for key in (log.key, signing_key(BIRCH)):
        note = add_signatures(log.note(), [cosign(log.checkpoint(), name, key, now_s=NOW_S)])
        counted.append(witnessing.cosigners(note, log.public, coalition(), ACME))
    assert counted == [{}, {BIRCH: NOW_S}]
