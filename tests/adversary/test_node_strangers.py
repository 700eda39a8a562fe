"""Callers that are no members: every RPC of every service is refused, on an open connection too."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from grpc_health.v1 import health_pb2
from grpc_reflection.v1alpha import reflection_pb2

from raw_peer import channel_to, fair_answer, rogue_server
from real_nodes import ALPHA, BETA, MALLORY, PURPOSES, SHARED, Nodes, asking, two_nodes
from symbolon.api.exchange.v1 import exchange_pb2
from symbolon.cli.local_coalition import COALITION
from symbolon.membership.atomic_file import write_atomically
from symbolon.membership.authority import Authority
from symbolon.membership.certificates import spiffe_uri, tls_target_name
from symbolon.membership.enrolment import make_leaf_key_and_csr
from symbolon.membership.member import MemberKind
from symbolon.rpc.node import MEMBERS_FILE
from symbolon.rpc.status import CODE_KEY

import grpc  # isort: skip - after symbolon.rpc, which sets the cipher list

_RPCS = [
    (service.full_name, method.name, method.client_streaming, method.server_streaming)
    for file in (exchange_pb2, health_pb2, reflection_pb2)
    for service in file.DESCRIPTOR.services_by_name.values()
    for method in service.methods
]


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


def leaf(nodes: Nodes, names: list[x509.GeneralName], *, days: int = 1) -> tuple[bytes, bytes]:
    """A key and a certificate that the coalition's own root signed, with any names."""
    key = ec.generate_private_key(ec.SECP256R1())
    root = x509.load_pem_x509_certificate(nodes.authority.anchor.root_pem)
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([]))
        .issuer_name(root.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=2))
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .sign(nodes.authority._root_key, hashes.SHA256())
    )
    return pem(key), made.public_bytes(serialization.Encoding.PEM)


def pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    plain = serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)


def names_of(member: str, *more: x509.GeneralName) -> list[x509.GeneralName]:
    uri = x509.UniformResourceIdentifier(spiffe_uri(member, COALITION))
    return [uri, x509.DNSName(tls_target_name(member, COALITION)), *more]


def self_signed() -> tuple[bytes, bytes]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, ALPHA)])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(datetime.now(UTC) - timedelta(days=1))
        .not_valid_after(datetime.now(UTC) + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(names_of(ALPHA)), critical=False)
        .sign(key, hashes.SHA256())
    )
    return pem(key), made.public_bytes(serialization.Encoding.PEM)


def of_another_authority(folder: Path) -> tuple[bytes, bytes]:
    authority = Authority.create(folder, COALITION, lambda: datetime.now(UTC))
    key, csr = make_leaf_key_and_csr(ALPHA, COALITION)
    return key, authority.enrol(ALPHA, MemberKind.COMPANY, "", csr)


def test_node_member_is_answered_on_every_service(nodes: Nodes) -> None:
    # The control of all tests below: what they see refused does exist and is answered.
    with channel_to(nodes, BETA) as channel:
        answers = {rpc[:2]: call(channel, rpc) for rpc in _RPCS}
    assert len(answers) >= 5
    assert {name.rpartition(".")[2] for name, _ in answers} == {
        "ExchangeService",
        "Health",
        "ServerReflection",
    }
    for (service, _), (status, code) in answers.items():
        expected = ("INVALID_ARGUMENT", "protocol.malformed") if "exchange" in service else ("OK", "")
        assert (status, code) == expected or status == "CANCELLED"


@pytest.mark.parametrize("caller", ["no certificate", "self-signed", "other authority", "expired"])
def test_node_caller_without_a_certificate_of_the_coalition_does_not_get_through_the_handshake(
    nodes: Nodes, caller: str, tmp_path: Path
) -> None:
    credentials: tuple[bytes | None, bytes | None] = {
        "no certificate": lambda: (None, None),
        "self-signed": self_signed,
        "other authority": lambda: of_another_authority(tmp_path / "other"),
        "expired": lambda: leaf(nodes, names_of(ALPHA), days=-1),
    }[caller]()
    with channel_to(nodes, BETA, credentials) as channel:
        assert {call(channel, rpc) for rpc in _RPCS} == {("UNAVAILABLE", "")}
    with channel_to(nodes, BETA, nodes.credentials(ALPHA)) as channel:
        assert call(channel, _RPCS[-1])[0] in ("OK", "CANCELLED")


@pytest.mark.parametrize("trick", ["two URIs", "a member's id", "unknown member", "no URI", "third name"])
def test_node_caller_with_a_signed_but_wrong_certificate_is_refused_every_rpc(
    nodes: Nodes, trick: str
) -> None:
    # Worse than theft: the authority's own root signed these.
    second = x509.UniformResourceIdentifier(spiffe_uri(BETA, COALITION))
    names = {
        "two URIs": names_of(ALPHA, second),
        "a member's id": names_of(ALPHA),
        "unknown member": names_of("nobody-co"),
        "no URI": names_of(ALPHA)[1:],
        "third name": names_of(ALPHA, x509.DNSName("localhost")),
    }[trick]
    with channel_to(nodes, BETA, leaf(nodes, names)) as channel:
        assert {call(channel, rpc) for rpc in _RPCS} == {("UNAUTHENTICATED", "membership")}
    assert "a caller was refused: membership." in nodes.log(BETA)


def test_node_serving_with_another_members_certificate_is_not_believed(nodes: Nodes) -> None:
    # `MALLORY` got hold of the address of `BETA`, and asks to be taken for it.
    address = nodes.authority.members().find(BETA).endpoint  # type: ignore[union-attr]
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
    _, csr = make_leaf_key_and_csr(MALLORY, COALITION)
    nodes.authority.renew(MALLORY, csr)
    with rogue_server(nodes, MALLORY, fair_answer, old):
        asked = nodes.run(ALPHA, *asking(MALLORY, PURPOSES[2]), code=77)
    assert "certificate" in asked.stderr
    assert nodes.states(ALPHA, PURPOSES[2]) == []
    with channel_to(nodes, BETA, old) as channel:
        assert {call(channel, rpc) for rpc in _RPCS} == {("UNAUTHENTICATED", "membership")}


def test_node_expelled_member_is_refused_at_its_next_rpc_and_a_rollback_does_not_readmit_it(
    nodes: Nodes,
) -> None:
    outcast = "outcast-co"
    nodes.add(outcast)
    before = nodes.authority.current_list()
    credentials = nodes.credentials(outcast)
    with channel_to(nodes, BETA, credentials) as channel:
        assert call(channel, _RPCS[-1])[0] in ("OK", "CANCELLED")
        members = nodes.authority.expel(outcast)
        nodes.coalition.publish()
        # The very same connection; no process was restarted; no grace.
        assert {call(channel, rpc) for rpc in _RPCS} == {("UNAUTHENTICATED", "membership")}
        # The list before the expulsion is put back: nobody is a member of a coalition that goes back.
        path = nodes.home(BETA) / MEMBERS_FILE
        write_atomically(path, before)
        assert {call(channel, rpc) for rpc in _RPCS} == {("UNAUTHENTICATED", "membership")}
        with channel_to(nodes, BETA, nodes.credentials(ALPHA)) as current:
            assert call(current, _RPCS[0]) == ("UNAUTHENTICATED", "membership")
        assert "membership.rollback" in nodes.log(BETA)
        write_atomically(path, members)
        assert {call(channel, rpc) for rpc in _RPCS} == {("UNAUTHENTICATED", "membership")}
    nodes.run(ALPHA, *asking(outcast, PURPOSES[3]), code=77)
    assert nodes.quick_match(ALPHA, BETA, PURPOSES[3]).ids() == SHARED
