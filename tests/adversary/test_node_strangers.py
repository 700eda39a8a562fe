"""Callers that are no members: every RPC of every service is refused, on an open connection too."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from grpc_health.v1 import health_pb2
from grpc_reflection.v1alpha import reflection_pb2

from forged_certificates import WRONG, leaf, names_of, of_another_authority, self_signed, wrong_leaf
from processes import wait_until
from raw_peer import RawAsk, channel_to, elements, fair_answer, hello, rogue_server
from real_nodes import ALPHA, BETA, MALLORY, PURPOSES, SHARED, Nodes, asking, two_nodes
from symbolon.api.audit.v1 import audit_pb2
from symbolon.api.exchange.v1 import exchange_pb2
from symbolon.api.membership.v1 import membership_pb2
from symbolon.errors import MembershipError
from symbolon.membership.coalition_store import CURRENT
from symbolon.rpc.node import COALITION_FOLDER, Node
from symbolon.rpc.status import CODE_KEY

import grpc  # isort: skip - after symbolon.rpc, which sets the cipher list

_RPCS = [
    (service.full_name, method.name, method.client_streaming, method.server_streaming)
    for file in (exchange_pb2, membership_pb2, audit_pb2, health_pb2, reflection_pb2)
    for service in file.DESCRIPTOR.services_by_name.values()
    for method in service.methods
]


_MEMBERSHIP = membership_pb2.DESCRIPTOR.services_by_name["MembershipService"].full_name


@pytest.fixture(scope="module")
def nodes() -> Iterator[Nodes]:
    with two_nodes() as both:
        yield both


def call(channel: grpc.Channel, rpc: tuple[str, str, bool, bool]) -> tuple[str, str]:
    """Calls any RPC with one empty message; its status and stable code."""
    service, method, client_streams, server_streams = rpc
    kind = f"{'stream' if client_streams else 'unary'}_{'stream' if server_streams else 'unary'}"
    make = getattr(channel, kind)(f"/{service}/{method}")
    try:
        if server_streams:
            answer = make(iter([b""]) if client_streams else b"", timeout=20)
            for _ in answer:
                answer.cancel()
        else:
            make(iter([b""]) if client_streams else b"", timeout=20)
    except grpc.RpcError as error:
        return error.code().name, str(dict(error.trailing_metadata() or ()).get(CODE_KEY, ""))
    return "OK", ""


def renewed(nodes: Nodes, member: str) -> tuple[bytes, bytes]:
    """Lists a further certificate of a member, which the member then shows; returns it with its key."""
    certificate = nodes.founder.renew(nodes.home(member))
    with Node(nodes.home(member)) as node:
        node.leaf_files.install(certificate)
    nodes.coalition.publish()
    return nodes.credentials(member)


def test_node_member_is_answered_on_every_service(nodes: Nodes) -> None:
    # The control of all tests below: what they see refused does exist and is answered.
    with channel_to(nodes, BETA) as channel:
        answers = {rpc[:2]: call(channel, rpc) for rpc in _RPCS}
    assert len(answers) >= 13
    # `BETA` is no founder, so what only a founder can answer is refused for that.
    refused = {
        "Ask": "protocol.malformed",
        "Offer": "protocol.malformed",
        "Renew": "membership.founder",
        "Submit": "membership.founder",
        "Propose": "membership.founder",
        "Invite": "membership.founder",
    }
    # The one that no member may call at all: refused like a stranger, by what the control of `Join` is, a
    # caller with an open invitation, in test_membership_service_attacks.py.
    assert answers.pop((_MEMBERSHIP, "Join")) == ("UNAUTHENTICATED", "membership")
    for (_, method), (status, code) in answers.items():
        assert code == refused.get(method, "")
        assert (status in ("OK", "CANCELLED")) == (method not in refused), method
    assert {method for _, method in answers} > set(refused) | {"GetMetadata", "Announce", "CheckBack"}


@pytest.mark.parametrize("caller", ["no certificate", "self-signed", "other authority", "expired"])
def test_node_caller_without_a_certificate_of_the_coalition_does_not_get_through_the_handshake(
    nodes: Nodes, caller: str
) -> None:
    credentials: tuple[bytes | None, bytes | None] = {
        "no certificate": lambda: (None, None),
        "self-signed": self_signed,
        "other authority": of_another_authority,
        "expired": lambda: leaf(nodes, names_of(ALPHA), days=-1),
    }[caller]()
    with channel_to(nodes, BETA, credentials) as channel:
        assert {call(channel, rpc) for rpc in _RPCS} == {("UNAVAILABLE", "")}
    with channel_to(nodes, BETA, nodes.credentials(ALPHA)) as channel:
        assert call(channel, _RPCS[-1])[0] in ("OK", "CANCELLED")


@pytest.mark.parametrize("trick", WRONG)
def test_node_caller_with_a_signed_but_wrong_certificate_is_refused_every_rpc(
    nodes: Nodes, trick: str
) -> None:
    # Worse than theft: the founder's own authority signed these.
    refusal = f"a caller was refused: {WRONG[trick]}\n"
    before = nodes.log(BETA).count(refusal)
    # Told to nobody but a member: the name in the certificate, and what is wrong with it.
    told = WRONG[trick] if "certificate" not in WRONG[trick] else "membership"
    with channel_to(nodes, BETA, wrong_leaf(nodes, trick)) as channel:
        assert {call(channel, rpc) for rpc in _RPCS} == {("UNAUTHENTICATED", told)}
    wait_until(lambda: nodes.log(BETA).count(refusal) == before + len(_RPCS), "every refusal in the log")


def test_node_serving_with_another_members_certificate_is_not_believed(nodes: Nodes) -> None:
    # `MALLORY` got hold of the address of `BETA`, and asks to be taken for it.
    address = nodes.endpoint(BETA)
    try:
        with rogue_server(nodes, BETA, fair_answer, nodes.credentials(MALLORY)):
            asked = nodes.run(ALPHA, *asking(BETA, PURPOSES[1]), code=75)
        assert "shows a wrong certificate" in asked.stderr
        assert nodes.states(ALPHA, PURPOSES[1]) == []
    finally:
        nodes.move(BETA, address)


def test_node_serving_with_a_certificate_that_was_renewed_away_is_not_believed(nodes: Nodes) -> None:
    # The old key of a member was stolen; the member renewed; the thief serves with the old certificate.
    old = nodes.credentials(MALLORY)
    new = renewed(nodes, MALLORY)
    with channel_to(nodes, BETA, old) as channel, channel_to(nodes, BETA, new) as other:
        # Renewal needs no pause: two certificates hold beside each other,
        assert {call(each, _RPCS[-1])[0] for each in (channel, other)} <= {"OK", "CANCELLED"}
        newest = renewed(nodes, MALLORY)
        # and of three the oldest goes, on the connection that was open too.
        assert {call(channel, rpc) for rpc in _RPCS} == {("UNAUTHENTICATED", "membership.fingerprint")}
        assert call(other, _RPCS[-1])[0] in ("OK", "CANCELLED")
    with channel_to(nodes, BETA, old) as channel:
        assert {call(channel, rpc) for rpc in _RPCS} == {("UNAUTHENTICATED", "membership.fingerprint")}
    with channel_to(nodes, BETA, newest) as channel:
        assert call(channel, _RPCS[-1])[0] in ("OK", "CANCELLED")
    with rogue_server(nodes, MALLORY, fair_answer, old):
        asked = nodes.run(ALPHA, *asking(MALLORY, PURPOSES[2]), code=77, quick=True)
    assert "certificate" in asked.stderr
    assert nodes.states(ALPHA, PURPOSES[2]) == []
    assert "a caller was refused: membership.fingerprint" in nodes.log(BETA)


def test_node_expelled_member_is_refused_at_its_next_rpc(nodes: Nodes) -> None:
    outcast = "outcast-co"
    nodes.add(outcast)
    with channel_to(nodes, BETA, nodes.credentials(outcast)) as channel:
        assert call(channel, _RPCS[-1])[0] in ("OK", "CANCELLED")
        nodes.founder.expel(outcast)
        nodes.coalition.publish()
        # The very same connection; no process was restarted; no grace.
        assert {call(channel, rpc) for rpc in _RPCS} == {("UNAUTHENTICATED", "membership.expelled")}
    assert "a caller was refused: membership.expelled" in nodes.log(BETA)
    nodes.run(ALPHA, *asking(outcast, PURPOSES[3]), code=77, quick=True)
    assert nodes.quick_match(ALPHA, BETA, PURPOSES[3]).ids() == SHARED
    # Its id is not given again, whatever key comes with it.
    with pytest.raises(MembershipError) as caught:
        nodes.founder.admit(nodes.home(outcast), kind="company")
    assert caught.value.full_code == "membership.expelled"


def test_node_member_expelled_while_it_only_reads_gets_no_further_message(nodes: Nodes) -> None:
    reader = "reader-co"
    nodes.add(reader)
    refusals = nodes.log(BETA).count("a caller was refused: membership.expelled")
    with channel_to(nodes, BETA, nodes.credentials(reader)) as channel:
        # `Watch` sends a status whenever it changes: a stream that its caller only reads from.
        watch = channel.unary_stream(
            "/grpc.health.v1.Health/Watch",
            request_serializer=health_pb2.HealthCheckRequest.SerializeToString,
            response_deserializer=health_pb2.HealthCheckResponse.FromString,
        )(health_pb2.HealthCheckRequest(), timeout=60)
        assert next(watch).status == health_pb2.HealthCheckResponse.SERVING
        nodes.founder.expel(reader)
        nodes.coalition.publish()
        # The next message is the last one of a node that stops: it does not reach who was expelled.
        nodes.stop(BETA)
        with pytest.raises(grpc.RpcError) as caught:
            next(watch)
        assert caught.value.code() is not grpc.StatusCode.OK
    nodes.start(BETA)
    assert nodes.log(BETA).count("a caller was refused: membership.expelled") == refusals + 1


def test_node_member_expelled_while_it_only_writes_is_heard_no_further(nodes: Nodes) -> None:
    writer = "writer-co"
    nodes.add(writer)
    allow = ({"peer": ALPHA}, {"peer": MALLORY}, {"peer": writer})
    nodes.configure(BETA, allow=allow)
    nodes.start(BETA)
    with channel_to(nodes, BETA, nodes.credentials(writer)) as channel, RawAsk(channel) as asked:
        asked.say(hello=hello(purpose=PURPOSES[4], elements=128))
        asked.hear_until("accept")
        asked.say(elements=elements(64))
        wait_until(lambda: nodes.states(BETA, PURPOSES[4]) == ["open"], "the session")
        nodes.founder.expel(writer)
        nodes.coalition.publish()
        asked.say(elements=elements(64, 64))
        assert asked.refusal() == ("UNAUTHENTICATED", "membership.expelled")
    wait_until(lambda: nodes.states(BETA, PURPOSES[4]) == ["failed"], "the end of the session")
    # No entry was sent: what the member had asked stays without its answers.
    assert nodes.quick_match(ALPHA, BETA, PURPOSES[4]).ids() == SHARED


def test_node_state_put_back_from_its_own_folder_holds_until_it_hears_a_newer_one(nodes: Nodes) -> None:
    # Who writes in a node's folder is the node: it could put keys and lists of its own there as well. A state
    # put back is one that the founders signed, it names its own end, and the next news goes on from it.
    former, folder = "former-co", nodes.home(BETA) / COALITION_FOLDER
    nodes.add(former)
    before = (folder / CURRENT).readlink()
    nodes.founder.expel(former)
    nodes.coalition.publish()
    after = (folder / CURRENT).readlink()
    assert before != after
    with channel_to(nodes, BETA, nodes.credentials(former)) as channel:
        assert call(channel, _RPCS[0]) == ("UNAUTHENTICATED", "membership.expelled")
        replace_link(folder / CURRENT, before)
        assert call(channel, _RPCS[0]) == ("INVALID_ARGUMENT", "protocol.malformed")
        # What came over the network cannot do the same: it is refused, and changes nothing.
        with Node(nodes.home(ALPHA)) as other:
            newer = other.coalition.parts_newer_than(0, 0)
        with Node(nodes.home(BETA)) as node:
            older = node.coalition.parts_newer_than(0, 0)
            node.coalition.absorb(newer)
            assert node.coalition.state().members.is_expelled(former)
            with pytest.raises(MembershipError) as caught:
                node.coalition.absorb(older)
            assert caught.value.full_code == "membership.metadata.rollback"
        assert {call(channel, rpc) for rpc in _RPCS} == {("UNAUTHENTICATED", "membership.expelled")}
    assert nodes.quick_match(ALPHA, BETA, PURPOSES[5]).ids() == SHARED


def test_node_link_to_a_state_of_no_founder_admits_nobody(nodes: Nodes) -> None:
    folder = nodes.home(BETA) / COALITION_FOLDER
    held = (folder / CURRENT).readlink()
    with channel_to(nodes, BETA, nodes.credentials(ALPHA)) as channel:
        assert call(channel, _RPCS[-1])[0] in ("OK", "CANCELLED")
        for elsewhere in ("/", "../../somewhere", "99999999-00000000", "."):
            replace_link(folder / CURRENT, Path(elsewhere))
            assert call(channel, _RPCS[0])[0] in ("UNAUTHENTICATED", "UNAVAILABLE")
        replace_link(folder / CURRENT, held)
        assert call(channel, _RPCS[-1])[0] in ("OK", "CANCELLED")


def replace_link(link: Path, target: Path) -> None:
    """Lets a link lead elsewhere, in one rename, as the store does."""
    new = link.with_name(".put-back")
    new.symlink_to(target)
    new.replace(link)
