"""What a person reads whose node is refused, and what to do: the real commands against a real founder."""

import asyncio
import json
import shutil
import signal
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from processes import wait_until
from symbolon.cli.made_up_suppliers import MadeUpList
from symbolon.cli.status_report import read_report
from symbolon.membership.acts import Act, Expel, Suspend
from symbolon.membership.member import MemberId
from symbolon.rpc.node import Node
from symbolon.rpc.server import serve
from symbolon.storage.supplier_import import import_list
from typed_member import PURPOSE, Member

FOUNDER = "founder-co"
MATCH = ("match", FOUNDER, "--purpose", PURPOSE, "--mode", "intersection")


@pytest.fixture(scope="module")
def founder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Member]:
    founder = Member(FOUNDER, tmp_path_factory.mktemp("refused"))
    founder.found("spring")
    founder.serve()
    yield founder
    assert founder.stop() == 0


def joined(founder: Member, name: str) -> Member:
    """A member with a list, that may ask the founder."""
    member = Member(name, founder.home.parent)
    founder.admit(member)
    member.allow(FOUNDER)
    with Node(member.home) as node:
        import_list(node.database, node.sealer, MadeUpList(20, 0, 0, name), clock=node.clock, workers=0)
    return member


def decide(founder: Member, act: Act) -> None:
    """The founder's copy alone has it; whom it is about hears nothing."""
    with Node(founder.home) as node:
        node.founding.propose([act])


def refusals(member: Member) -> list[str]:
    """What `match`, `doctor` and `sync` say."""
    asked = member.run(*MATCH, code=(75, 77))
    if asked.returncode == 75:
        # gRPC loses a refusal, once in some hundreds, that comes while a message is written; who is told to
        # try again is told the reason then.
        assert "stopped half-way" in asked.stderr
        asked = member.run(*MATCH, code=77)
    told = [asked.stderr, member.run("coalition", "sync", FOUNDER, code=77).stderr]
    found = json.loads(member.quick("doctor", FOUNDER, "--json", code=1)[0])["checks"]
    (failed,) = (each for each in found if each["state"] == "fail")
    assert failed["code"] == "peer.not_member"
    return [*told, f"{failed['said']} {failed['hint']}"]


@pytest.mark.parametrize(
    ("decided", "why", "remedy"),
    [
        ("suspended", "it is suspended", "reinstate"),
        ("expelled", "it was expelled", "the way back is a new invitation"),
    ],
)
def test_member_that_was_decided_against_reads_what_and_whom_to_ask(
    founder: Member, decided: str, why: str, remedy: str
) -> None:
    member = joined(founder, f"was-{decided}")
    who = MemberId(member.name)
    with Node(founder.home) as node:
        today = node.now.date()
    decide(
        founder, Suspend(who, "under review") if decided == "suspended" else Expel(who, today, "sold data")
    )
    for told in refusals(member):
        assert f"{FOUNDER} does not take this node for a current member: {why}" in told
        assert "founder" in told.lower()
        assert remedy in told
    # And who dials it is told the same of it.
    told = founder.run("match", member.name, "--purpose", PURPOSE, "--mode", "intersection", code=77).stderr
    assert f"{member.name} {why.removeprefix('it ')}" in told
    assert "symbolon: hint: " in told
    member.serve()
    assert member.stop() == 0
    assert f"does not take this node for a current member: {why}" in member.log.read_text()
    assert remedy in member.log.read_text()


def test_member_whose_vetting_lapsed_reads_it_from_others_and_from_its_own_node(
    founder: Member, tmp_path: Path
) -> None:
    member = joined(founder, "was-vetted")
    tomorrow = (datetime.now(UTC).date() + timedelta(days=1)).isoformat()
    about = ("--person", "Ben", "--criteria", "charter 3", "--lapses", tomorrow)
    founder.quick("coalition", "vet", member.name, *about)
    member.quick("coalition", "sync")
    assert founder.stop() == 0
    # What a clock that is ahead signs is to reach nobody else.
    twin = tmp_path / "twin"
    shutil.copytree(founder.home, twin, symlinks=True)

    async def work() -> str:
        stop, opened = asyncio.Event(), asyncio.Event()
        with Node(twin, clock=in_two_days) as node:
            serving = asyncio.create_task(serve(node, lambda _: opened.set(), grace_s=0.5, stop=stop))
            await opened.wait()
            try:
                return (await asyncio.to_thread(member.run, *MATCH, code=77)).stderr
            finally:
                stop.set()
                await serving

    try:
        told = asyncio.run(work())
    finally:
        founder.serve()
    assert f"{FOUNDER} does not take this node for a current member: its vetting lapsed" in told
    assert "`symbolon coalition vet`" in told
    # Its own node computes the same, once its clock says so.
    with Node(member.home, clock=in_two_days) as node:
        said = read_report(node, 0).standing
        assert f"refused by all: was-vetted: the vetting lapsed on {tomorrow}" in said
        assert "A founder vets it anew with `symbolon coalition vet`." in said


def in_two_days() -> float:
    return time.time() + 2 * 86400


def test_member_that_a_peer_has_not_heard_of_reads_that_it_is_the_peer_that_lags(founder: Member) -> None:
    peer = joined(founder, "lags-behind")
    peer.serve()
    assert peer.process is not None
    # It is not there when the news goes round, and finds no founder when it is back.
    peer.process.send_signal(signal.SIGSTOP)
    member = joined(founder, "newly-here")
    member.allow(peer.name)
    assert founder.stop() == 0
    try:
        peer.process.send_signal(signal.SIGCONT)
        assert peer.members().find(member.name) is None
        told = member.run("match", peer.name, *MATCH[2:], code=77).stderr
        assert (
            f"{peer.name} does not take this node for a current member: {peer.name} has not heard of it"
            in told
        )
        assert "try again in five minutes" in told
    finally:
        founder.serve()
    wait_until(lambda: founder.members().find(member.name), "the founder")
    peer.quick("coalition", "sync")
    told = member.run("match", peer.name, *MATCH[2:], code=77).stderr
    # Now it is known, and only not allowed.
    assert f"{peer.name} does not permit this" in told
    assert peer.stop() == 0


def test_member_put_back_from_a_backup_with_a_replaced_certificate_reads_that_it_needs_a_new_code(
    founder: Member, tmp_path: Path
) -> None:
    member = joined(founder, "was-backed-up")
    backup = tmp_path / "backup"
    shutil.copytree(member.home, backup, symlinks=True)
    member.quick("coalition", "rotate", "certificate", "--stolen")
    shutil.rmtree(member.home)
    backup.rename(member.home)
    for told in refusals(member):
        assert "knows another certificate of it" in told
        assert "ask a founder for a new code, then run `symbolon coalition join` here" in told


def test_node_that_never_joined_reads_so_from_every_command(tmp_path: Path) -> None:
    nobody = Member("nobody-co", tmp_path)
    assert "coalition join" in nobody.run(*MATCH, code=78).stderr
    nobody.quick("init", "--member", nobody.name, "--coalition", "spring")
    commands = (
        MATCH,
        ("coalition", "sync"),
        ("serve",),
        ("relay", "--listen", "127.0.0.1:0"),
        ("coalition", "members"),
    )
    for command in commands:
        told = nobody.run(*command, code=77).stderr
        assert "this node has not joined a coalition yet" in told
        assert "`symbolon coalition join CODE`" in told
        assert "No such file" not in told
    shown = nobody.run("status").stdout
    assert "this node has not joined a coalition yet" in shown
    assert "No such file" not in shown
