"""TLS as it really is between two nodes: 1.3 only, a hybrid key exchange, health and reflection."""

import socket
import ssl
from collections.abc import Iterator

import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from raw_peer import SERVICE, channel_to
from real_nodes import ALPHA, BETA, SHARED, Nodes, two_nodes
from symbolon.membership.certificates import tls_target_name
from symbolon.rpc.node import LEAF_FILE, LEAF_KEY_FILE
from tcp_forwarder import forwarder, server_hello

_SUPPORTED_VERSIONS, _KEY_SHARE = 43, 51
_TLS_1_3 = (0x0304).to_bytes(2)
_X25519MLKEM768 = (0x11EC).to_bytes(2)


@pytest.fixture(scope="module")
def nodes() -> Iterator[Nodes]:
    with two_nodes() as both:
        yield both


def handshake(nodes: Nodes, version: ssl.TLSVersion) -> str | None:
    """A handshake of Python's own TLS with a good certificate; the version it ended in."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = context.maximum_version = version
    # Whatever this library still has for TLS 1.2: a refusal must be the server's.
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.load_verify_locations(cadata=nodes.authorities.decode())
    context.load_cert_chain(nodes.home(ALPHA) / LEAF_FILE, nodes.home(ALPHA) / LEAF_KEY_FILE)
    context.set_alpn_protocols(["h2"])
    host, _, port = nodes.endpoint(BETA).rpartition(":")
    name = tls_target_name(BETA, "loopback")
    with (
        socket.create_connection((host, int(port)), timeout=20) as plain,
        context.wrap_socket(plain, server_hostname=name) as secure,
    ):
        return secure.version()


def test_node_client_of_tls_1_2_fails_in_the_handshake(nodes: Nodes) -> None:
    assert handshake(nodes, ssl.TLSVersion.TLSv1_3) == "TLSv1.3"
    with pytest.raises((ssl.SSLError, ConnectionError)) as caught:
        handshake(nodes, ssl.TLSVersion.TLSv1_2)
    assert "CERTIFICATE_VERIFY" not in str(caught.value)


def test_node_session_negotiates_tls_1_3_and_a_hybrid_key_exchange(nodes: Nodes) -> None:
    # The ServerHello of TLS 1.3 is not encrypted: what was agreed can be read off the wire.
    address = nodes.endpoint(BETA)
    try:
        with forwarder(address) as wire:
            nodes.move(BETA, wire.address)
            assert nodes.quick_match(ALPHA, BETA).ids() == SHARED
        hellos = [server_hello(bytes(stream)) for stream in wire.to_client]
    finally:
        nodes.move(BETA, address)
    assert {each[_SUPPORTED_VERSIONS] for each in hellos} == {_TLS_1_3}
    # The last connection carries the session; the one before only looks at the certificate.
    assert hellos[-1][_KEY_SHARE][:2] == _X25519MLKEM768


def test_node_health_and_reflection_answer_a_member(nodes: Nodes) -> None:
    with channel_to(nodes, BETA, nodes.credentials(ALPHA)) as channel:
        health = health_pb2_grpc.HealthStub(channel)
        for service in ("", SERVICE):
            answer = health.Check(health_pb2.HealthCheckRequest(service=service), timeout=20)
            assert answer.status == health_pb2.HealthCheckResponse.SERVING
        asked = reflection_pb2.ServerReflectionRequest(list_services="")
        stub = reflection_pb2_grpc.ServerReflectionStub(channel)
        (answer,) = stub.ServerReflectionInfo(iter([asked]), timeout=20)
        names = {each.name for each in answer.list_services_response.service}
        assert {SERVICE, "grpc.health.v1.Health", "grpc.reflection.v1alpha.ServerReflection"} <= names


def test_node_without_a_client_certificate_learns_nothing_but_the_servers(nodes: Nodes) -> None:
    with channel_to(nodes, BETA, (None, None)) as channel:
        stub = health_pb2_grpc.HealthStub(channel)
        answers = stub.Check.future(health_pb2.HealthCheckRequest(), timeout=20)
        assert answers.code().name == "UNAVAILABLE"


def test_node_tests_its_backend_before_it_listens(nodes: Nodes) -> None:
    log = nodes.log(BETA)
    assert "self-test passed" in log
    assert log.index("self-test passed") < log.index("listens on")
