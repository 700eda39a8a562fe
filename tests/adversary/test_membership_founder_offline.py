"""Three founders, of whom two sign: one is off, one acts alone, one is expelled. Real nodes and commands."""

import asyncio
import contextlib
import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from grpc_health.v1 import health_pb2, health_pb2_grpc

from lying_member import answering
from processes import DEADLINE_S, wait_until
from raw_peer import RawAsk, elements, hello
from served_coalition import COALITION, FOUNDER, ServedCoalition, served_coalition
from symbolon.api.membership.v1 import membership_pb2 as pb
from symbolon.api.membership.v1 import membership_pb2_grpc as stubs
from symbolon.cli.local_coalition import PURPOSE
from symbolon.membership.acts import Act, Purposes, Suspend
from symbolon.membership.coalition_roles import signature_over
from symbolon.membership.coalition_store import CoalitionStore
from symbolon.membership.enrolment import leaf_key_pem, make_leaf_key
from symbolon.membership.member import MemberId
from symbolon.membership.members_document import members_sha256
from symbolon.membership.proposal import Proposal
from symbolon.membership.proposal_draft import dated, draft, next_version, published
from symbolon.rpc.membership_client import sync
from symbolon.rpc.membership_codec import encode_parts
from symbolon.rpc.node import COALITION_FOLDER, Node
from symbolon.rpc.status import CODE_KEY
from typed_member import Member

import grpc  # isort: skip - after symbolon.rpc, which sets the cipher list

BIRCH, CEDAR, MALLORY = "birch-ngo", "cedar-co", "mallory-co"


@pytest.fixture(scope="module")
def coalition(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedCoalition]:
    """Three founders, of whom two sign each change; `MALLORY` was sponsored by the first."""
    with served_coalition(tmp_path_factory.mktemp("coalition"), BIRCH, CEDAR, MALLORY) as made:
        answers(made, BIRCH, MALLORY)
        made.name_founders(BIRCH, CEDAR)
        yield made


def called(coalition: ServedCoalition, member: str, by: str) -> str:
    """The status of a call for metadata, and the code of the refusal."""
    with coalition[member].channel(coalition[by].credentials) as channel:
        try:
            list(stubs.MembershipServiceStub(channel).GetMetadata(pb.GetMetadataRequest(), timeout=30))
        except grpc.RpcError as error:
            return f"{error.code().name} {dict(error.trailing_metadata() or ()).get(CODE_KEY, '')}"
    return "OK"


def answers(coalition: ServedCoalition, member: str, peer: str) -> None:
    """A node has a list, and answers a peer's questions."""
    listed = coalition[member].home / "list.csv"
    listed.write_text("supplier_id,name,country\n1,Orlandia Yard,BD\n", encoding="utf-8")
    coalition[member].quick("suppliers", "import", str(listed))
    with (coalition[member].home / "symbolon.toml").open("a", encoding="utf-8") as configuration:
        configuration.write(
            f'\n[[allow]]\npeer = "{peer}"\npurposes = ["{PURPOSE}"]\n'
            'modes = ["intersection"]\ntiers = ["A"]\n'
        )


@contextlib.contextmanager
def live_stream(coalition: ServedCoalition, member: str, by: str) -> Iterator[RawAsk]:
    """A session that has come to where the asker sends its elements."""
    with (
        coalition[member].channel(coalition[by].credentials) as channel,
        RawAsk(channel, 2 * DEADLINE_S) as stream,
    ):
        stream.say(hello=hello(purpose=PURPOSE, coalition=COALITION))
        stream.hear_until("accept")
        yield stream


def test_founder_that_is_off_does_not_keep_the_others_from_expelling(coalition: ServedCoalition) -> None:
    assert called(coalition, BIRCH, MALLORY) == called(coalition, CEDAR, MALLORY) == "OK"
    coalition[FOUNDER].stop()
    # One of three is not enough, whatever its own node says.
    told = coalition[BIRCH].run("coalition", "expel", MALLORY, "--reason", "sold data", code=75).stderr
    assert "approve" in told
    assert called(coalition, BIRCH, MALLORY) == "OK"
    assert coalition[BIRCH].members().find(MALLORY) is not None
    (waiting,) = coalition[CEDAR].waiting()
    with live_stream(coalition, BIRCH, MALLORY) as stream:
        words = coalition[CEDAR].run("coalition", "approve", waiting).stderr
        assert "sold data" in words
        # Two are: each node that has the news refuses it, on whatever connection,
        for member in (BIRCH, CEDAR):
            wait_until(lambda member=member: coalition[member].members().is_expelled(MALLORY), member)
        # and at the next message of what it had begun, of which it hears no answer.
        stream.say(elements=elements())
        assert stream.refusal() == ("UNAUTHENTICATED", "membership.expelled")
    for member in (BIRCH, CEDAR):
        assert called(coalition, member, MALLORY) == "UNAUTHENTICATED membership.expelled"
    # The one that was off hears of it when it is back, from either.
    coalition[FOUNDER].serve()
    wait_until(lambda: coalition[FOUNDER].members().is_expelled(MALLORY), "the news")
    assert called(coalition, FOUNDER, MALLORY) == "UNAUTHENTICATED membership.expelled"
    assert called(coalition, FOUNDER, BIRCH) == "OK"
    # And who was expelled does not come back by a code of its former sponsor.
    coalition[FOUNDER].run(
        "coalition", "invite", MALLORY, "--jurisdiction", "KE", "--vetted-by", "Ben", "--criteria", "x",
        code=77,
    )  # fmt: skip


# One founder alone


SUSPEND = Suspend(MemberId(FOUNDER), "in the way")
SPY = Purposes(("spying",))


@dataclass
class Forged:
    """What one founder can make with its own metadata key: the next state, and all that is below it."""

    parts: dict[str, bytes]
    version: int


def forged_by(coalition: ServedCoalition, founder: str, act: Act, *keys: Ed25519PrivateKey) -> Forged:
    """A change on what this founder holds, with whatever signatures these keys make."""
    with Node(coalition[founder].home) as node:
        state, now = node.coalition.state(), node.now.replace(microsecond=0)
        proposal = Proposal(
            coalition=state.members.coalition,
            base=members_sha256(state.members),
            version=next_version(state, now),
            made=now,
            posed=now,
            acts=(act,),
        )
        made = draft(proposal, state, now)
        signatures = {
            ("targets", name): each for name, each in (signature_over(made.targets, key) for key in keys)
        }
        parts = published(made, state, signatures, keys[0], now)  # type: ignore[arg-type]
        return Forged({**node.coalition.parts_newer_than(0, 0), **parts}, proposal.version)


def metadata_key(coalition: ServedCoalition, founder: str) -> Ed25519PrivateKey:
    with Node(coalition[founder].home) as node:
        return node.founding.keys.metadata_key


def refusal(coalition: ServedCoalition, forged: Forged, by: str, *, at: str) -> str:
    """The code with which a node refuses what a member gives it, whose own node is off."""
    with (
        Node(coalition[at].home) as node,
        answering(
            coalition[by].credentials,
            lambda _: encode_parts(forged.parts),
            authorities=node.coalition.state().authorities_pem,
            listen=coalition[by].listen,
        ) as liar,
    ):
        failure = asyncio.run(sync(node, (by,)))[by]
        assert liar.asked
        return failure.full_code if failure else ""


@contextlib.contextmanager
def off(member: Member) -> Iterator[None]:
    """A node that is not served for a while."""
    member.stop()
    try:
        yield
    finally:
        member.serve()


def test_one_of_two_signatures_puts_nothing_in_force_at_a_node_that_is_given_it(
    coalition: ServedCoalition, tmp_path: Path
) -> None:
    before = coalition[CEDAR].members()
    alone = forged_by(coalition, BIRCH, SUSPEND, metadata_key(coalition, BIRCH))
    # Nor does the same signature twice, under another name.
    with off(coalition[BIRCH]):
        for each in (alone, twice(alone)):
            assert refusal(coalition, each, BIRCH, at=CEDAR) == "membership.metadata.signatures"
            assert coalition[CEDAR].members() == before
    assert called(coalition, CEDAR, FOUNDER) == "OK"
    # The control, in a copy: nothing but the second founder's signature was missing.
    keys = (metadata_key(coalition, BIRCH), metadata_key(coalition, CEDAR))
    enough = forged_by(coalition, BIRCH, SUSPEND, *keys)
    shutil.copytree(coalition[CEDAR].home / COALITION_FOLDER, tmp_path / "copy", symlinks=True)
    copy = CoalitionStore(tmp_path / "copy", lambda: datetime.now(UTC))
    assert [each.reason for each in copy.absorb(enough.parts).members.members if each.reason] == [
        "in the way"
    ]


def twice(forged: Forged) -> Forged:
    name = f"{forged.version}.targets.json"
    document = json.loads(forged.parts[name])
    (once,) = document["signatures"]
    other = {"keyid": once["keyid"].upper(), "sig": once["sig"]}
    changed = json.dumps(document | {"signatures": [once, other]}).encode()
    return Forged({**forged.parts, name: changed}, forged.version)


def test_expelled_founder_whose_keys_still_sign_changes_nothing(coalition: ServedCoalition) -> None:
    """Its keys stay on its disk: it signs, calls, issues certificates, and a member passes it all on."""
    thief = metadata_key(coalition, CEDAR)
    with Node(coalition[CEDAR].home) as node:
        keys = node.founding.keys
    with live_stream_of_health(coalition, FOUNDER, CEDAR) as stream:
        assert next(stream).status == health_pb2.HealthCheckResponse.SERVING
        drop_and_expel(coalition, CEDAR)
        with off(coalition[FOUNDER]), pytest.raises(grpc.RpcError):
            next(stream)
    before = coalition[FOUNDER].members()
    assert before.is_expelled(CEDAR)
    assert [each.member_id for each in before.founders] == [FOUNDER, BIRCH]
    # It calls.
    for member in (FOUNDER, BIRCH):
        assert called(coalition, member, CEDAR) == "UNAUTHENTICATED membership.expelled"
    # It signs: a state alone, the same with one founder's help, and a timestamp over what is in force.
    alone = forged_by(coalition, BIRCH, SPY, thief)
    helped = forged_by(coalition, BIRCH, SPY, thief, metadata_key(coalition, BIRCH))
    with Node(coalition[BIRCH].home) as node:
        state, now = node.coalition.state(), node.now
    frozen = Forged(dated(state.targets_version, state.timestamp_version + 99, thief, now), 0)
    with off(coalition[BIRCH]):
        for each in (alone, helped, frozen):
            assert refusal(coalition, each, BIRCH, at=FOUNDER) == "membership.metadata.signatures"
            assert coalition[FOUNDER].members() == before
    # It issues a certificate in the name of another; an authority stays until what it signed has ended.
    key = make_leaf_key()
    leaf = keys.issue(BIRCH, COALITION, key.public_key(), datetime.now(UTC))
    with coalition[FOUNDER].channel((leaf_key_pem(key), leaf)) as channel:
        call = health_pb2_grpc.HealthStub(channel).Check.future(health_pb2.HealthCheckRequest(), timeout=30)
        assert call.code() in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.UNAUTHENTICATED)
    assert called(coalition, FOUNDER, BIRCH) == "OK"


@contextlib.contextmanager
def live_stream_of_health(coalition: ServedCoalition, member: str, by: str) -> Iterator[Any]:
    """A stream from which its caller only reads."""
    with coalition[member].channel(coalition[by].credentials) as channel:
        yield health_pb2_grpc.HealthStub(channel).Watch(
            health_pb2.HealthCheckRequest(), timeout=4 * DEADLINE_S
        )


def drop_and_expel(coalition: ServedCoalition, founder: str) -> None:
    """The other two name the founders anew without it, and expel it."""
    for command in (
        ("founders", "--threshold", "2", "--drop", founder),
        ("expel", founder, "--reason", "sold data"),
    ):
        coalition[FOUNDER].quick("coalition", *command, code=(0, 75))
        version = coalition[FOUNDER].members().version
        (waiting,) = coalition[BIRCH].waiting()
        coalition[BIRCH].quick("coalition", "approve", waiting, code=(0, 75))
        for member in (FOUNDER, BIRCH):
            wait_until(lambda member=member: coalition[member].members().version > version, member)  # noqa: B023
