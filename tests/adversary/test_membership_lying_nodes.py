"""Nodes that lie about the coalition's metadata: rubbish, too much, nothing at all, and false announcements.

The liar is a real member with a real certificate; its server says what a test tells it.
"""

import asyncio
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from lying_member import Metadata, liar, part
from processes import wait_until
from raw_peer import channel_to
from real_nodes import ALPHA, BETA, MALLORY, Nodes, two_nodes
from symbolon.api.membership.v1 import membership_pb2 as pb
from symbolon.api.membership.v1 import membership_pb2_grpc as stubs
from symbolon.cli.local_coalition import COALITION, PURPOSE
from symbolon.cli.local_founder import FOUNDER, LocalFounder
from symbolon.errors import RemoteProtocolError, SymbolonError
from symbolon.membership.acts import Vet
from symbolon.membership.coalition_parts import part_limit_bytes
from symbolon.membership.due_diligence import Vetting
from symbolon.membership.member import MemberId
from symbolon.rpc.membership_client import MAX_ROOT_PAGES, sync
from symbolon.rpc.membership_codec import encode_parts
from symbolon.rpc.node import Node
from symbolon.rpc.status import CODE_KEY

import grpc  # isort: skip - after symbolon.rpc, which sets the cipher list

SERVICE = pb.DESCRIPTOR.services_by_name["MembershipService"].full_name
MIB = b"x" * (1 << 20)


@pytest.fixture(scope="module")
def nodes() -> Iterator[Nodes]:
    with two_nodes() as both:
        yield both


def held(nodes: Nodes, member: str) -> tuple[int, int, list[str]]:
    """What a node holds: versions, and the folders it keeps."""
    folder = nodes.home(member) / "coalition"
    with Node(nodes.home(member)) as node:
        state = node.coalition.state()
    return state.targets_version, state.timestamp_version, sorted(each.name for each in folder.iterdir())


def asked(nodes: Nodes) -> SymbolonError | None:
    """What comes of it when `ALPHA` asks the liar for metadata."""
    with Node(nodes.home(ALPHA)) as node:
        return asyncio.run(sync(node, (MALLORY,)))[MALLORY]


def for_ever(make: Callable[[int], pb.GetMetadataResponse]) -> Iterator[pb.GetMetadataResponse]:
    number = 1
    while True:
        yield make(number)
        number += 1


def too_large(name: str) -> list[pb.GetMetadataResponse]:
    """A part that has one byte more than it may have, in pieces."""
    content = b"[" * (part_limit_bytes(name) + 1)
    return list(encode_parts({name: content}))


_MALFORMED = ("INVALID_ARGUMENT", "protocol.malformed")

LIES: dict[str, tuple[Metadata, str]] = {
    "an oversized timestamp": (lambda _: iter(too_large("timestamp.json")), "protocol.malformed"),
    "an oversized members.json": (
        lambda _: iter(too_large(f"{'0' * 64}.members.json")),
        "protocol.malformed",
    ),
    "an unnamed part": (lambda _: iter([part("", b"{}")]), "membership.metadata.malformed"),
    "a part named like a path": (
        lambda _: iter([part("../../node-key.pem", b"{}")]),
        "membership.metadata.malformed",
    ),
    "a part named like a path behind a name": (
        lambda _: iter([part("1.root.json/../../x", b"{}")]),
        "membership.metadata.malformed",
    ),
    "a name with a line break": (
        lambda _: iter([part("timestamp.json\n", b"{}")]),
        "membership.metadata.malformed",
    ),
    "an empty part": (lambda _: iter([part("timestamp.json", b"")]), "protocol.malformed"),
    "endless empty parts": (lambda _: for_ever(lambda _: part("timestamp.json", b"")), "protocol.malformed"),
    "endless bytes": (lambda _: for_ever(lambda _: part("timestamp.json", b"x" * 512)), "protocol.malformed"),
    "endless parts": (lambda _: for_ever(lambda n: part(f"{n}.root.json", b"x")), "protocol.malformed"),
    "endless large parts": (
        lambda _: for_ever(lambda n: part(f"{n}.root.json", b"x" * part_limit_bytes("1.root.json"))),
        "protocol.malformed",
    ),
    "a message above 4 MiB": (lambda _: iter([part("timestamp.json", MIB * 5)]), "unavailable"),
    "no message at all": (lambda _: iter([b"\xff\xff\xff"]), "protocol.malformed"),
    "rubbish in place of a timestamp": (
        lambda _: iter([part("timestamp.json", b"{}")]),
        "membership.metadata.malformed",
    ),
    "a root of rubbish": (
        lambda request: iter([part(f"{request.root_version + 1}.root.json", b"[" * 9000)]),
        "membership.metadata.root",
    ),
}


@pytest.mark.parametrize("lie", LIES)
def test_metadata_that_a_member_lies_with_is_refused_and_changes_nothing(nodes: Nodes, lie: str) -> None:
    metadata, code = LIES[lie]
    with liar(nodes, metadata) as told:
        before = held(nodes, ALPHA)
        begun = time.monotonic()
        failure = asked(nodes)
        assert failure is not None
        assert failure.full_code == code, failure.detail
        assert "\n" not in failure.detail
        assert time.monotonic() - begun < 15
        assert 1 <= told.asked <= MAX_ROOT_PAGES
        assert held(nodes, ALPHA) == before


def test_metadata_that_never_comes_is_given_up_and_changes_nothing(
    nodes: Nodes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("symbolon.rpc.membership_client.CALL_S", 2.0)
    told_nothing = threading.Event()

    def silent(_: pb.GetMetadataRequest) -> Iterator[pb.GetMetadataResponse]:
        told_nothing.wait(30)
        yield part("timestamp.json", b"{}")

    def trickle(_: pb.GetMetadataRequest) -> Iterator[pb.GetMetadataResponse]:
        for _number in range(300):
            yield part("timestamp.json", b"{")
            if told_nothing.wait(0.1):
                return

    for metadata in (silent, trickle):
        told_nothing.clear()
        with liar(nodes, metadata):
            before, begun = held(nodes, ALPHA), time.monotonic()
            failure = asked(nodes)
            told_nothing.set()
            assert failure is not None
            assert failure.full_code == "unavailable"
            assert 1.5 < time.monotonic() - begun < 15
            assert held(nodes, ALPHA) == before


def test_roots_that_come_page_after_page_for_ever_are_given_up(nodes: Nodes) -> None:
    """A page without a timestamp asks for the next one: it must not go on for ever."""

    def pages(request: pb.GetMetadataRequest) -> Iterator[pb.GetMetadataResponse]:
        yield part(f"{request.root_version + 1}.root.json", b"{}")

    with liar(nodes, pages) as told:
        before = held(nodes, ALPHA)
        failure = asked(nodes)
        assert failure is not None
        assert told.asked == MAX_ROOT_PAGES
        assert held(nodes, ALPHA) == before
    with liar(nodes, lambda _: iter([part("9.root.json", b"x")])) as told:
        before = held(nodes, ALPHA)
        # The same root again and again, which follows none that is held, has no effect.
        assert asked(nodes) is None
        assert told.asked == MAX_ROOT_PAGES
        assert held(nodes, ALPHA) == before


def test_metadata_of_another_coalition_of_the_same_name_is_refused(nodes: Nodes, tmp_path: Path) -> None:
    other = LocalFounder.create(tmp_path / "false-founder", COALITION, (PURPOSE,))
    try:
        parts = other.node.coalition.parts_newer_than(0, 0)
    finally:
        other.close()
    assert "1.root.json" in parts
    with liar(nodes, lambda _: encode_parts(parts)):
        before = held(nodes, ALPHA)
        failure = asked(nodes)
        assert failure is not None
        assert failure.full_code == "membership.metadata.signatures"
        assert held(nodes, ALPHA) == before


def test_command_that_asks_a_liar_ends_with_a_reason_and_no_traceback(nodes: Nodes) -> None:
    with liar(nodes, LIES["endless large parts"][0]):
        told = nodes.run(ALPHA, "coalition", "sync", MALLORY, code=76).stderr
    assert f"{MALLORY} sent metadata that does not hold" in told
    assert "hint: " in told


# Announcements


def announce(nodes: Nodes, timestamp_version: int) -> None:
    """`MALLORY` tells `BETA` that it holds this timestamp."""
    with channel_to(nodes, BETA) as channel:
        request = pb.AnnounceRequest(timestamp_version=timestamp_version)
        stubs.MembershipServiceStub(channel).Announce(request, timeout=20)


def cpu_s(nodes: Nodes, member: str) -> float:
    """Processor time of a served node so far."""
    fields = Path(f"/proc/{nodes.processes[member].pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100


def vet_anew(nodes: Nodes, member: str) -> None:
    """The founder's next state, of which it tells nobody."""
    today = nodes.founder.node.now.date()
    vetting = Vetting(FOUNDER, f"Ben {uuid.uuid4()}", today, "criteria 3", today + timedelta(days=300))
    nodes.founder.node.founding.propose([Vet(MemberId(member), vetting)])


def test_announced_state_that_holds_is_fetched(nodes: Nodes) -> None:
    # The control of what follows.
    def honest(request: pb.GetMetadataRequest) -> Iterator[pb.GetMetadataResponse]:
        store = nodes.founder.node.coalition
        return encode_parts(store.parts_newer_than(request.root_version, request.timestamp_version))

    with liar(nodes, honest) as told:
        version = nodes.founder.members.version
        assert held(nodes, BETA)[0] == version
        vet_anew(nodes, MALLORY)
        announce(nodes, nodes.founder.node.coalition.state().timestamp_version)
        wait_until(lambda: held(nodes, BETA)[0] == version + 1, "the announced state")
        assert told.asked == 1
        # What is held already is not asked for again, nor is what is older.
        for known in (0, 1, held(nodes, BETA)[1]):
            announce(nodes, known)
        time.sleep(1)
        assert told.asked == 1


def refusals(nodes: Nodes) -> int:
    """How often `BETA` did not believe the liar."""
    return nodes.log(BETA).count(f"not taken from {MALLORY}")


@pytest.mark.parametrize("lie", ["rubbish in place of a timestamp", "endless parts", "no message at all"])
def test_announced_state_that_is_rubbish_is_asked_for_once_an_announcement(nodes: Nodes, lie: str) -> None:
    with liar(nodes, LIES[lie][0]) as told:
        before = held(nodes, BETA)
        for number in (2**64 - 1, 10**9, 10**6):
            told_before = refusals(nodes)
            announce(nodes, number)
            wait_until(lambda seen=told_before: refusals(nodes) > seen, "the refusal")
        asked_for = told.asked
        assert 1 <= asked_for <= 3 * MAX_ROOT_PAGES
        used = cpu_s(nodes, BETA)
        time.sleep(3)
        # No busy loop: nothing is asked again until somebody announces again.
        assert told.asked == asked_for
        assert cpu_s(nodes, BETA) - used < 1
        assert held(nodes, BETA) == before
    assert "unexpected" not in nodes.log(BETA)
    assert nodes.processes[BETA].poll() is None
    with channel_to(nodes, BETA, nodes.credentials(ALPHA)) as channel:
        answer = stubs.MembershipServiceStub(channel).GetMetadata(pb.GetMetadataRequest(), timeout=20)
        assert {each.name for each in answer} >= {"1.root.json", "timestamp.json"}


def test_announced_state_that_never_comes_holds_one_question_and_nobody_else(nodes: Nodes) -> None:
    hanging = threading.Event()

    def silent(_: pb.GetMetadataRequest) -> Iterator[pb.GetMetadataResponse]:
        hanging.wait(60)
        yield part("timestamp.json", b"{}")

    with liar(nodes, silent) as told:
        try:
            for number in range(10**6, 10**6 + 40):
                announce(nodes, number)
            wait_until(lambda: told.asked, "the question")
            time.sleep(1)
            # One question at a time, however often it is told to ask.
            assert told.asked == 1
            # Meanwhile others are answered, and what they tell of is taken in.
            version = nodes.founder.members.version
            vet_anew(nodes, ALPHA)
            nodes.coalition.publish()
            assert held(nodes, BETA)[0] == version + 1
            with channel_to(nodes, BETA, nodes.credentials(ALPHA)) as channel:
                answer = stubs.MembershipServiceStub(channel).GetMetadata(pb.GetMetadataRequest(), timeout=20)
                assert f"{version + 1}.targets.json" in {each.name for each in answer}
        finally:
            hanging.set()
    assert nodes.stop(BETA) == 0
    for word in ("unexpected", "never retrieved"):
        assert word not in nodes.log(BETA)
    nodes.start(BETA)


# Requests that are none


def test_request_that_is_no_message_is_refused_and_breaks_nothing(nodes: Nodes) -> None:
    before = nodes.log(BETA).count("unexpected"), nodes.log(BETA).count("Traceback")
    with channel_to(nodes, BETA) as channel:
        for method in pb.DESCRIPTOR.services_by_name["MembershipService"].methods:
            kind = "unary_stream" if method.server_streaming else "unary_unary"
            call = getattr(channel, kind)(f"/{SERVICE}/{method.name}")
            with pytest.raises(grpc.RpcError) as caught:
                list(call(b"\xff\xff\xff", timeout=20))
            code = dict(caught.value.trailing_metadata() or ()).get(CODE_KEY)
            expected = ("UNAUTHENTICATED", "membership") if method.name == "Join" else _MALFORMED
            assert (caught.value.code().name, code) == expected, method.name
            assert caught.value.details() in ("not a current member", RemoteProtocolError.public)
    assert (nodes.log(BETA).count("unexpected"), nodes.log(BETA).count("Traceback")) == before
