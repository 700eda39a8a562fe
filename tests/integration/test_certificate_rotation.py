"""A certificate is renewed, with a new key, under a node that is at work; nothing is started again.

The member list of today names one certificate for each member. Callers that look at it before they dial
(`rpc.peer`) refuse the member in between, whichever of list and certificate is replaced first; what is shown
here of the gap is what a list with two certificates, the present and the next one, closes.
"""

import asyncio
import contextlib
import socket
import ssl
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from processes import wait_until
from raw_peer import RawAsk, channel_to, elements, hello
from real_nodes import ALPHA, BETA, MALLORY, PURPOSES, SHARED, Nodes, two_nodes
from symbolon.cli.local_coalition import COALITION
from symbolon.membership.certificates import load_certificate, tls_target_name
from symbolon.membership.enrolment import make_leaf_key_and_csr
from symbolon.rpc.figures import Figures
from symbolon.rpc.node import LEAF_FILE, LEAF_KEY_FILE, NEXT_LEAF_KEY_FILE, Node
from symbolon.rpc.peer import connect
from symbolon.rpc.receiver_role import Ask
from symbolon.rpc.tls_material import LeafFiles

import grpc  # isort: skip - after symbolon.rpc, which sets the cipher list


@pytest.fixture(scope="module")
def nodes() -> Iterator[Nodes]:
    with two_nodes() as both:
        yield both


def leaf_files(nodes: Nodes, member: str) -> LeafFiles:
    home = nodes.home(member)
    return LeafFiles(home / LEAF_FILE, home / LEAF_KEY_FILE, home / NEXT_LEAF_KEY_FILE)


def renewed(nodes: Nodes, member: str) -> bytes:
    """A new certificate over a new key; the member's node has the key, nobody has the list yet."""
    request = make_leaf_key_and_csr(member, COALITION)
    leaf_files(nodes, member).prepare(request.key_pem)
    return nodes.authority.renew(member, request.csr_pem)


def shown(nodes: Nodes, member: str) -> bytes:
    """The certificate that a served node shows in a handshake, DER."""
    found = nodes.authority.members().find(member)
    assert found is not None
    host, _, port = found.endpoint.rpartition(":")
    context = ssl.create_default_context(cadata=nodes.authority.anchor.root_pem.decode())
    context.set_alpn_protocols(["h2"])
    with (
        socket.create_connection((host, int(port)), timeout=20) as plain,
        context.wrap_socket(plain, server_hostname=tls_target_name(member, COALITION)) as secure,
    ):
        return secure.getpeercert(binary_form=True) or b""


def der(certificate: bytes) -> bytes:
    return ssl.PEM_cert_to_DER_cert(certificate.decode())


class ShortCalls:
    """Calls one after the other, each over a connection of its own, until the end of the block."""

    def __init__(self) -> None:
        self.answered = 0
        self.failed: list[str] = []


@contextlib.contextmanager
def short_calls(nodes: Nodes, member: str, caller: str) -> Iterator[ShortCalls]:
    calls, done = ShortCalls(), threading.Event()
    credentials = nodes.credentials(caller)

    def call_on() -> None:
        while not done.is_set():
            with channel_to(nodes, member, credentials) as channel:
                try:
                    health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=20)
                    calls.answered += 1
                except grpc.RpcError as error:
                    calls.failed.append(f"{error.code().name} {error.details()}")

    with ThreadPoolExecutor(1) as runner:
        running = runner.submit(call_on)
        try:
            yield calls
        finally:
            done.set()
            running.result()


def test_rotation_under_a_running_session_and_many_short_ones_fails_no_call(nodes: Nodes) -> None:
    with (
        short_calls(nodes, BETA, ALPHA) as short,
        channel_to(nodes, BETA) as channel,
        RawAsk(channel) as ask,
    ):
        ask.say(hello=hello(purpose=PURPOSES[1]))
        ask.hear_until("accept")
        for _ in range(3):
            before, at = shown(nodes, BETA), short.answered
            certificate = renewed(nodes, BETA)
            # The new key alone changes nothing.
            assert shown(nodes, BETA) == before
            leaf_files(nodes, BETA).install(certificate)
            assert shown(nodes, BETA) == der(certificate) != before
            nodes.coalition.publish()
            wait_until(lambda at=at: short.answered > at + 3, "short calls after the renewal")
        # The session that began under a certificate three older goes on, over the connection it has.
        ask.say(elements=elements())
        ask.hear_until("finish")
        assert ask.refusal() == ("OK", "")
    assert short.failed == []
    assert nodes.quick_match(ALPHA, BETA, PURPOSES[2]).ids() == SHARED
    assert not leaf_files(nodes, BETA).next_key.exists()


def test_rotation_of_a_caller_holds_at_its_next_connection_without_opening_the_node_again(
    nodes: Nodes,
) -> None:
    async def ask(node: Node, purpose: str) -> None:
        async with connect(node, BETA) as channel:
            await channel.ask(Ask(BETA, "intersection", purpose, ("A",)), Figures())

    with Node(nodes.home(ALPHA)) as node:
        asyncio.run(ask(node, PURPOSES[3]))
        old = node.credentials
        leaf_files(nodes, ALPHA).install(renewed(nodes, ALPHA))
        nodes.coalition.publish()
        asyncio.run(ask(node, PURPOSES[4]))
        assert node.credentials.certificate != old.certificate
        assert node.credentials.private_key != old.private_key
    # The certificate that was renewed away is of no use any more, though it is still in its time.
    with channel_to(nodes, BETA, (old.private_key, old.certificate)) as channel:
        stub = health_pb2_grpc.HealthStub(channel)
        with pytest.raises(grpc.RpcError) as caught:
            stub.Check(health_pb2.HealthCheckRequest(), timeout=20)
    assert caught.value.code() is grpc.StatusCode.UNAUTHENTICATED


@pytest.mark.parametrize(("first", "purpose"), [("certificate", PURPOSES[5]), ("list", PURPOSES[6])])
def test_rotation_with_one_certificate_in_the_list_shuts_out_dialling_peers_until_both_are_new(
    nodes: Nodes, first: str, purpose: str
) -> None:
    certificate = renewed(nodes, BETA)

    def install() -> None:
        leaf_files(nodes, BETA).install(certificate)

    steps = [install, nodes.coalition.publish]
    if first == "list":
        steps.reverse()
    steps[0]()
    code, said = nodes.quick_error(ALPHA, BETA, purpose)
    assert (code, "not the one in the member list" in said) == (77, True)
    steps[1]()
    assert nodes.quick_match(ALPHA, BETA, purpose).ids() == SHARED


def test_broken_certificate_under_a_running_node_leaves_the_old_one_in_force_and_is_told_once(
    nodes: Nodes,
) -> None:
    files = leaf_files(nodes, BETA)
    good, before, told = files.certificate.read_bytes(), shown(nodes, BETA), nodes.log(BETA)
    try:
        for broken in (b"", b"scrambled", nodes.credentials(MALLORY)[1]):
            files.certificate.write_bytes(broken)
            for _ in range(3):
                assert shown(nodes, BETA) == before
        assert nodes.quick_match(ALPHA, BETA, PURPOSES[7]).ids() == SHARED
    finally:
        files.certificate.write_bytes(good)
    wait_until(lambda: nodes.log(BETA).count("goes on with the certificate it has") >= 2, "the warnings")
    new = nodes.log(BETA).removeprefix(told)
    # Two kinds of broken: no certificate, and one that is another member's.
    assert new.count("goes on with the certificate it has") == 2
    assert ("membership.certificate.malformed" in new, "membership.key" in new) == (True, True)
    assert load_certificate(good).serial_number == load_certificate(files.read().certificate).serial_number
