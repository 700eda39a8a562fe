"""Attacks on agreements: what a peer answers to an offer, over gRPC and with its real certificate."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from agreement_attackers import ALPHA, BETA, MALLORY, PURPOSES, AttackedNode
from symbolon.api.policy.v1 import policy_pb2 as pb
from symbolon.errors import MembershipError, RemoteProtocolError, SymbolonError, UnavailableError
from symbolon.membership.agreement import decode_agreement
from symbolon.rpc.agreeing import sign, tell, tell_all
from symbolon.rpc.status import CODE_KEY

import grpc  # isort: skip - after symbolon.rpc, which sets the cipher list


@pytest.fixture(scope="module")
def coalition(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AttackedNode]:
    made = AttackedNode(tmp_path_factory.mktemp("agreements"))
    yield made
    made.close()


@pytest.fixture
def world(coalition: AttackedNode) -> AttackedNode:
    """Without what the test before left open."""
    coalition.forget()
    return coalition


def test_peer_that_answers_with_a_signature_under_another_document_is_caught(world: AttackedNode) -> None:
    what = world.agreement(ALPHA, MALLORY)
    wider = replace(what, purposes=PURPOSES)
    lies = {
        "another document": world.signature(MALLORY, wider),
        "alpha's own back": world.signature(ALPHA, what),
        "another member's": world.signature(BETA, what),
        "noise": bytes(64),
    }
    for name, lie in lies.items():
        held = sign(world.node, world.store, what)
        answer = pb.AgreeResponse(signature=lie, state="in_force")
        with (
            world.mallory_answers(lambda *_, answer=answer: answer),
            pytest.raises(RemoteProtocolError) as caught,
        ):
            asyncio.run(tell(world.node, world.store, held))
        assert caught.value.full_code == "protocol.agreement", name
        assert not world.in_force(MALLORY)
    # The control.
    right = world.signature(MALLORY, what)
    with world.mallory_answers(lambda *_: pb.AgreeResponse(signature=right, state="in_force")) as came:
        asyncio.run(tell(world.node, world.store, held))
    assert world.in_force(MALLORY)
    assert decode_agreement(came[0].document) == what


def test_peer_that_says_in_force_without_a_signature_is_not_believed(world: AttackedNode) -> None:
    held = sign(world.node, world.store, world.agreement(ALPHA, MALLORY))
    with world.mallory_answers(lambda *_: pb.AgreeResponse(state="in_force")):
        asyncio.run(tell(world.node, world.store, held))
    assert not world.in_force(MALLORY)
    (after,) = (each for each in world.store.with_peer(MALLORY) if each.sha256 == held.sha256)
    assert (after.state, after.told) == ("offered", True)


def test_peer_that_answers_with_a_long_signature_is_refused(world: AttackedNode) -> None:
    held = sign(world.node, world.store, world.agreement(ALPHA, MALLORY))
    answer = pb.AgreeResponse(signature=bytes(1 << 20), state="in_force")
    with world.mallory_answers(lambda *_: answer), pytest.raises(SymbolonError) as caught:
        asyncio.run(tell(world.node, world.store, held))
    assert caught.value.full_code == "protocol.malformed"


def test_peer_that_refuses_for_good_is_not_asked_again_by_itself(world: AttackedNode) -> None:
    held = sign(world.node, world.store, world.agreement(ALPHA, MALLORY))

    def refuse(_: Any, context: Any) -> None:
        context.set_trailing_metadata(((CODE_KEY, "membership.agreement.purpose"),))
        context.abort(grpc.StatusCode.FAILED_PRECONDITION, "x")

    with world.mallory_answers(refuse) as came:
        with pytest.raises(MembershipError) as caught:
            asyncio.run(tell(world.node, world.store, held))
        assert "sync" in str(caught.value.hint)
        asyncio.run(tell_all(world.node))
    assert len(came) == 1


def test_peer_that_says_it_withdrew_ends_the_agreement_here_too(world: AttackedNode) -> None:
    held = sign(world.node, world.store, world.agreement(ALPHA, MALLORY))

    def refuse(_: Any, context: Any) -> None:
        context.set_trailing_metadata(((CODE_KEY, "membership.agreement.withdrawn"),))
        context.abort(grpc.StatusCode.FAILED_PRECONDITION, "x")

    with world.mallory_answers(refuse), pytest.raises(MembershipError):
        asyncio.run(tell(world.node, world.store, held))
    after = world.store.find(held.sha256)
    assert after is not None
    assert after.state == "withdrawn_by_peer"


def test_peer_of_an_earlier_version_is_named_as_such_and_told_later(world: AttackedNode) -> None:
    held = sign(world.node, world.store, world.agreement(ALPHA, MALLORY))

    def unknown(_: Any, context: Any) -> None:
        context.abort(grpc.StatusCode.UNIMPLEMENTED, "no such method")

    with world.mallory_answers(unknown), pytest.raises(UnavailableError) as caught:
        asyncio.run(tell(world.node, world.store, held))
    assert "version" in caught.value.detail
    assert held.sha256 in [each.sha256 for each in world.store.untold()]
