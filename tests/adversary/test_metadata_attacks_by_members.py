"""Attacks on the metadata by a member that others ask for it: what it says was signed once, or half of it.

The attacker is a real member with a real certificate; what is attacked are a command and a served process.
"""

import asyncio
import uuid
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import cache
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from grpc_health.v1 import health_pb2, health_pb2_grpc

from lying_member import liar
from processes import wait_until
from raw_peer import channel_to
from real_nodes import ALPHA, BETA, MALLORY, Nodes, two_nodes
from symbolon.api.membership.v1 import membership_pb2 as pb
from symbolon.api.membership.v1 import membership_pb2_grpc as stubs
from symbolon.cli import main
from symbolon.cli.local_founder import FOUNDER
from symbolon.membership.acts import Vet
from symbolon.membership.coalition_parts import root_part, snapshot_part, targets_part
from symbolon.membership.coalition_roles import MAX_VERSION, make_root, signature_over, with_signatures
from symbolon.membership.due_diligence import Vetting
from symbolon.membership.founder_keys import ROOT_KEY_FILE, FounderKeys, create_founder_keys, load_root_key
from symbolon.membership.member import MemberId
from symbolon.membership.proposal_draft import dated
from symbolon.rpc.membership_client import sync
from symbolon.rpc.membership_codec import encode_parts
from symbolon.rpc.node import Node

import grpc  # isort: skip - after symbolon.rpc, which sets the cipher list

Parts = dict[str, bytes]


@pytest.fixture(scope="module")
def nodes() -> Iterator[Nodes]:
    with two_nodes() as both:
        yield both


def everything(nodes: Nodes) -> Parts:
    """The state that the founder holds, whole."""
    return nodes.founder.node.coalition.parts_newer_than(0, 0)


def vet_anew(nodes: Nodes) -> None:
    """The founder's next state, of which it tells nobody."""
    today = nodes.founder.node.now.date()
    vetting = Vetting(FOUNDER, f"Ben {uuid.uuid4()}", today, "criteria 3", today + timedelta(days=300))
    nodes.founder.node.founding.propose([Vet(MemberId(ALPHA), vetting)])


def held(nodes: Nodes, member: str) -> tuple[int, int, int]:
    """The versions that a node holds."""
    with Node(nodes.home(member)) as node:
        state = node.coalition.state()
        return state.root_version, state.targets_version, state.timestamp_version


def asked(nodes: Nodes, member: str) -> str:
    """The code of what comes of it when a node asks the attacker; '' when it takes what it says."""
    with Node(nodes.home(member)) as node:
        failure = asyncio.run(sync(node, (MALLORY,)))[MALLORY]
        return failure.full_code if failure else ""


def announce(nodes: Nodes) -> None:
    """The attacker tells `BETA`, which is served, that it holds something newer."""
    with channel_to(nodes, BETA) as channel:
        request = pb.AnnounceRequest(timestamp_version=MAX_VERSION)
        stubs.MembershipServiceStub(channel).Announce(request, timeout=20)


def called(nodes: Nodes, by: tuple[bytes, bytes]) -> str:
    """How `BETA` answers a caller with this certificate."""
    with channel_to(nodes, BETA, by) as channel:
        try:
            health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=20)
        except grpc.RpcError as error:
            return error.code().name
    return "OK"


def refused_everywhere(nodes: Nodes, make: Callable[[], Parts], code: str) -> None:
    """A command refuses these parts, and so does a served node that is told of them; nothing changes."""
    with liar(nodes, lambda _: encode_parts(make())):
        before = held(nodes, ALPHA), held(nodes, BETA)
        assert asked(nodes, ALPHA) == f"membership.metadata.{code}"
        seen = nodes.log(BETA).count(f"(membership.metadata.{code})")
        announce(nodes)
        wait_until(lambda: nodes.log(BETA).count(f"(membership.metadata.{code})") > seen, "the refusal")
        assert (held(nodes, ALPHA), held(nodes, BETA)) == before
    told = nodes.log(BETA).splitlines()
    assert any(f"not taken from {MALLORY}" in line and code in line for line in told)


def signed(document: bytes, key: Ed25519PrivateKey) -> bytes:
    """The document with this signature and no other."""
    return with_signatures(with_signatures(document, []), [signature_over(document, key)])


def test_metadata_rollback_by_a_member_brings_no_expelled_one_back(nodes: Nodes) -> None:
    outcast = "outcast-co"
    nodes.add(outcast)
    before = everything(nodes)
    nodes.coalition.publish()
    assert called(nodes, nodes.credentials(outcast)) == "OK"
    nodes.founder.expel(outcast)
    nodes.coalition.publish()
    assert called(nodes, nodes.credentials(outcast)) == "UNAUTHENTICATED"
    refused_everywhere(nodes, lambda: before, "rollback")
    assert called(nodes, nodes.credentials(outcast)) == "UNAUTHENTICATED"
    # The control: the same answers with the newest state are taken.
    with liar(nodes, lambda _: encode_parts(everything(nodes))):
        vet_anew(nodes)
        assert asked(nodes, ALPHA) == ""
        assert held(nodes, ALPHA)[1] == nodes.founder.members.version


def test_metadata_rollback_under_a_timestamp_of_a_stolen_key_is_refused_and_mended_by_a_founder(
    nodes: Nodes,
) -> None:
    """One metadata key signs timestamps: its thief dates the members of before anew."""
    before, old_version = everything(nodes), nodes.founder.members.version
    vet_anew(nodes)
    nodes.coalition.publish()
    thief, now = nodes.founder.node.founding.keys.metadata_key, nodes.founder.node.now
    stolen = dated(old_version, held(nodes, BETA)[2] + 1000, thief, now)
    refused_everywhere(nodes, lambda: {**before, **stolen}, "rollback")
    # A founder that hears of it puts what is newer under a still later timestamp, which all others take.
    with liar(nodes, lambda _: encode_parts({**before, **stolen})):
        founder, version = nodes.founder.node, nodes.founder.members.version
        assert asyncio.run(sync(founder, (MALLORY,)))[MALLORY] is None
        state = founder.coalition.state()
    assert state.targets_version == version
    assert state.timestamp_version > held(nodes, BETA)[2] + 900
    nodes.coalition.publish()
    assert held(nodes, BETA) == held(nodes, ALPHA) == (1, version, state.timestamp_version)


@pytest.mark.parametrize(
    "mix", ["snapshot", "targets", "members.json", "renamed snapshot", "renamed targets"]
)
def test_metadata_mixed_and_matched_by_a_member_is_refused(nodes: Nodes, mix: str) -> None:
    def mixed() -> Parts:
        old, before = everything(nodes), nodes.founder.members.version
        vet_anew(nodes)
        new, version = everything(nodes), nodes.founder.members.version
        match mix:
            case "snapshot" | "targets":
                name = {"snapshot": snapshot_part, "targets": targets_part}[mix]
                del new[name(version)]
                return {**old, **new}
            case "members.json":
                (name,) = (each for each in new if each.endswith(".members.json"))
                (other,) = (each for each in old if each.endswith(".members.json"))
                return {**new, name: old[other]}
            case _:
                kind = {"renamed snapshot": snapshot_part, "renamed targets": targets_part}[mix]
                return {**new, kind(version): old[kind(before)]}

    refused_everywhere(nodes, cache(mixed), "mismatch")
    nodes.coalition.publish()


@pytest.fixture
def own_keys(nodes: Nodes, tmp_path: Path) -> FounderKeys:
    """Keys as founders have them, of which no root knows, and which the attacker made itself."""
    node = nodes.founder.node
    return create_founder_keys(tmp_path, nodes.founder.members.coalition, MemberId(MALLORY), node.now)


def test_root_that_a_member_made_itself_is_refused(
    nodes: Nodes, tmp_path: Path, own_keys: FounderKeys
) -> None:
    """It names itself as the only founder, signs the next root and everything below it."""
    now = nodes.founder.node.now
    root_key = load_root_key(tmp_path / ROOT_KEY_FILE, own_keys.founder)
    root = signed(make_root(2, [own_keys.founder], 1, now), root_key)

    def usurped() -> Parts:
        state = nodes.founder.node.coalition.state()
        version, key = state.targets_version, own_keys.metadata_key
        targets = {targets_part(version): signed(state.targets_bytes, key)}
        below = dated(version, state.timestamp_version + 9, key, now)
        return {**everything(nodes), root_part(2): root, **targets, **below}

    refused_everywhere(nodes, usurped, "signatures")


@pytest.mark.parametrize("attack", ["unsigned", "no message", "no part"])
def test_sync_from_a_member_that_forges_metadata_names_it_and_asks_for_a_founder(
    nodes: Nodes, capsys: pytest.CaptureFixture[str], attack: str
) -> None:
    """What it sent was not taken; that the network is down would be the wrong thing to look for."""
    state = nodes.founder.node.coalition.state()
    dated_anew = dated(
        state.targets_version,
        state.timestamp_version + 9,
        Ed25519PrivateKey.generate(),
        nodes.founder.node.now,
    )
    answers = {
        "unsigned": list(
            encode_parts({name: with_signatures(part, []) for name, part in dated_anew.items()})
        ),
        "no message": [b"\xff"],
        "no part": [pb.GetMetadataResponse(name="../seal.key", content=b"x")],
    }
    with liar(nodes, lambda _: iter(answers[attack])):
        ended = main.run(["--home", str(nodes.home(ALPHA)), "coalition", "sync", MALLORY])
    assert ended == (76 if attack == "no message" else 77)
    told = capsys.readouterr().err
    assert f"symbolon: error: {MALLORY} sent metadata that does not hold" in told
    assert f"Tell a founder what {MALLORY} sends" in told
    assert "connected" not in told


def test_timestamp_that_a_member_signed_with_its_own_key_is_refused(
    nodes: Nodes, own_keys: FounderKeys
) -> None:
    def dated_by_itself() -> Parts:
        version = nodes.founder.members.version
        return dated(version, MAX_VERSION, own_keys.metadata_key, nodes.founder.node.now)

    refused_everywhere(nodes, dated_by_itself, "signatures")
