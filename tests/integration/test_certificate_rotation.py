"""A certificate is renewed, with a new key, under a node that is at work; nothing is started again.

The founder lists the next certificate beside the present one, everybody is told, and only then is it shown:
whoever looks at the list before it dials (`rpc.channel`) finds either of the two there. No call fails.
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
from real_nodes import ALPHA, BETA, MALLORY, PURPOSES, SHARED, Nodes, leaf_files, renewed, two_nodes
from symbolon.cli.local_coalition import COALITION
from symbolon.membership.certificates import load_certificate, tls_target_name
from symbolon.rpc.figures import Figures
from symbolon.rpc.node import Credentials, Node
from symbolon.rpc.peer import connect
from symbolon.rpc.receiver_role import Ask

import grpc  # isort: skip - after symbolon.rpc, which sets the cipher list


@pytest.fixture(scope="module")
def nodes() -> Iterator[Nodes]:
    with two_nodes() as both:
        yield both


def shown(nodes: Nodes, member: str) -> bytes:
    """The certificate that a served node shows in a handshake, DER."""
    host, _, port = nodes.endpoint(member).rpartition(":")
    context = ssl.create_default_context(cadata=nodes.authorities.decode())
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
            # The new key and the longer list change nothing yet.
            assert shown(nodes, BETA) == before
            leaf_files(nodes, BETA).install(certificate)
            assert shown(nodes, BETA) == der(certificate) != before
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
        asyncio.run(ask(node, PURPOSES[4]))
        assert node.credentials.certificate != old.certificate
        assert node.credentials.private_key != old.private_key
    # The one before is good until the renewal after this one, and then of no use, though still in its time.
    assert answers(nodes, old) is grpc.StatusCode.OK
    leaf_files(nodes, ALPHA).install(renewed(nodes, ALPHA))
    assert answers(nodes, old) is grpc.StatusCode.UNAUTHENTICATED


def answers(nodes: Nodes, shown_by_caller: Credentials) -> grpc.StatusCode:
    """How `BETA` answers a caller with this certificate."""
    with channel_to(nodes, BETA, (shown_by_caller.private_key, shown_by_caller.certificate)) as channel:
        call = health_pb2_grpc.HealthStub(channel).Check.future(health_pb2.HealthCheckRequest(), timeout=20)
        return call.code()


def test_rotation_of_both_ends_while_they_dial_each_other_fails_no_call_at_any_step(nodes: Nodes) -> None:
    purposes = iter(PURPOSES[8:])
    asked = 0
    with short_calls(nodes, BETA, ALPHA) as short:
        for member in (BETA, ALPHA, BETA):
            certificate = nodes.founder.renew(nodes.home(member))
            # Told one after the other: at each step somebody knows more than somebody else.
            steps = [
                lambda member=member: nodes.founder.tell(nodes.home(member)),
                nodes.coalition.publish,
                lambda member=member, leaf=certificate: leaf_files(nodes, member).install(leaf),
            ]
            for step in steps:
                step()
                before = short.answered
                # The list is looked at before it dials, and the certificate against it.
                assert nodes.quick_match(ALPHA, BETA, next(purposes)).ids() == SHARED
                asked += 1
                wait_until(lambda before=before: short.answered > before + 1, "short calls after the step")
    assert (short.failed, asked) == ([], 9)


def test_rotation_shown_before_it_is_listed_shuts_out_whoever_dials_until_the_list_names_it(
    nodes: Nodes,
) -> None:
    # What the order of the steps is for: the same ones in the wrong order.
    certificate = nodes.founder.renew(nodes.home(BETA))
    leaf_files(nodes, BETA).install(certificate)
    code, said = nodes.quick_error(ALPHA, BETA, PURPOSES[5])
    assert (code, "not the one in members.json" in said) == (77, True)
    nodes.coalition.publish()
    assert nodes.quick_match(ALPHA, BETA, PURPOSES[5]).ids() == SHARED


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
