"""A node that was off asks who is a member now before it takes its first call: real processes."""

import contextlib
import re
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from processes import wait_until
from symbolon.rpc.catching_up import ENOUGH_S, MOST_S
from symbolon.rpc.status import CODE_KEY
from typed_member import Member

from grpc_health.v1 import health_pb2, health_pb2_grpc  # isort: skip
import grpc  # isort: skip - after symbolon.rpc, which sets the cipher list

COALITION = "spring"
FOUNDER = "founder-co"
SLACK_S = 8.0
"""What the start of a process may take beside, on a machine that is shared."""


@pytest.fixture
def founder(tmp_path: Path) -> Iterator[Member]:
    """A founder that is served."""
    founder = served_founder(tmp_path)
    yield founder
    assert founder.stop() == 0


def served_founder(folder: Path) -> Member:
    founder = Member(FOUNDER, folder)
    founder.found(COALITION)
    founder.serve()
    return founder


def joined(founder: Member, name: str) -> Member:
    member = Member(name, founder.home.parent)
    founder.admit(member)
    return member


def expel(founder: Member, member: Member) -> None:
    founder.quick("coalition", "expel", member.name, "--reason", "resold data")


def first_call(opened: grpc.Channel) -> Any:
    """A call that is made before the node is there, and waits for it."""
    check = health_pb2_grpc.HealthStub(opened).Check
    return check.future(health_pb2.HealthCheckRequest(), timeout=60, wait_for_ready=True)


def outcome(call: Any) -> tuple[str, str]:
    code = call.code()
    return code.name, str(dict(call.trailing_metadata()).get(CODE_KEY, ""))


def listens(member: Member) -> bool:
    host, _, port = member.listen.rpartition(":")
    with contextlib.suppress(OSError), socket.create_connection((host, int(port)), 1):
        return True
    return False


def test_node_that_was_off_refuses_who_was_expelled_and_serves_who_joined_at_their_first_call(
    founder: Member,
) -> None:
    member, leaves = joined(founder, "was-off"), joined(founder, "leaves")
    # It knows both; then it is off.
    member.quick("coalition", "sync")
    expel(founder, leaves)
    comes = joined(founder, "comes")
    assert member.members().find(leaves.name) is not None
    assert member.members().find(comes.name) is None
    with member.channel(leaves.credentials) as gone, member.channel(comes.credentials) as new:
        calls = [first_call(gone), first_call(new)]
        member.serve()
        try:
            assert outcome(calls[0]) == ("UNAUTHENTICATED", "membership.expelled")
            assert outcome(calls[1]) == ("OK", "")
        finally:
            assert member.stop() == 0
    assert "asks others" not in member.log.read_text()


def test_node_whose_founder_answers_late_waits_for_it_before_it_takes_a_call(founder: Member) -> None:
    member, leaves = joined(founder, "waits"), joined(founder, "leaves")
    member.quick("coalition", "sync")
    expel(founder, leaves)
    with member.channel(leaves.credentials) as gone:
        with founder.stands_still():
            call = first_call(gone)
            starting = member.begin_serving()
            wait_until(lambda: listens(member), "the port")
            wait_until(lambda: "asks others who is a member now" in member.log.read_text(), "the line")
            assert not call.done()
        member.served(starting)
        try:
            assert outcome(call) == ("UNAUTHENTICATED", "membership.expelled")
        finally:
            assert member.stop() == 0


def test_node_starts_in_time_whoever_is_silent_and_says_what_it_knew(founder: Member) -> None:
    member, other = joined(founder, "starts"), joined(founder, "other")
    member.quick("coalition", "sync")
    other.serve()
    with founder.stands_still(), other.stands_still():
        begin = time.monotonic()
        member.serve()
        assert time.monotonic() - begin < MOST_S + SLACK_S
    assert re.search(
        r"WARNING nobody could be asked .*; starts with what it knew at [-0-9]{10} [0-9:]{5} UTC",
        member.log.read_text(),
    )
    # It goes on asking by itself.
    assert member.stop() == 0
    # One silent member holds nothing up where the founder answers.
    with other.stands_still():
        begin = time.monotonic()
        member.serve()
        assert time.monotonic() - begin < ENOUGH_S + SLACK_S
    assert member.stop() == 0
    assert member.log.read_text().count("starts with what it knew") == 1
    assert other.stop() == 0


def test_node_that_is_alone_starts_at_once_and_says_so(tmp_path: Path) -> None:
    founder = served_founder(tmp_path)
    try:
        member = joined(founder, "alone")
    finally:
        assert founder.stop() == 0
    member.serve()
    assert member.stop() == 0
    told = member.log.read_text()
    assert "nobody could be asked who is a member now; starts with what it knew at" in told
    assert "asks others" not in told


def test_expelled_node_is_told_so_when_it_starts(founder: Member) -> None:
    member = joined(founder, "former")
    expel(founder, member)
    member.serve()
    assert member.stop() == 0
    told = member.log.read_text()
    assert f"{FOUNDER} does not take this node for a current member: it was expelled" in told


def test_node_is_served_once_at_a_time_and_again_after_it_was_killed(founder: Member) -> None:
    told = founder.run("serve", code=75).stderr
    assert "another `symbolon serve` of this node is running" in told
    assert founder.process is not None
    founder.process.kill()
    founder.process.wait(30)
    assert founder.process.stdout is not None
    founder.process.stdout.close()
    founder.serve()
