"""Attacks with certificates: what a member, a stranger or a second authority can present."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import grpc
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from symbolon.errors import MembershipError
from symbolon.membership.certificates import (
    certificate_fingerprint,
    issue_leaf,
    make_root,
    peer_identity,
    tls_target_name,
    verify_leaf,
)
from symbolon.membership.enrolment import make_leaf_key_and_csr, verify_csr

COALITION = "clean-hands"
NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
GOOD_URI = "spiffe://clean-hands/member/acme"
GOOD_DNS = "acme.clean-hands.symbolon"

ROOT_KEY = ec.generate_private_key(ec.SECP256R1())
ROOT_PEM = make_root(COALITION, ROOT_KEY, NOW)


def leaf_with(
    names: Sequence[x509.GeneralName] | None,
    *,
    public_key: object = None,
    ca: bool = False,
    usages: Sequence[x509.ObjectIdentifier] = (
        ExtendedKeyUsageOID.SERVER_AUTH,
        ExtendedKeyUsageOID.CLIENT_AUTH,
    ),
) -> bytes:
    """A leaf signed by the true root, with whatever the attacker talked it into."""
    root = x509.load_pem_x509_certificate(ROOT_PEM)
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "acme")]))
        .issuer_name(root.subject)
        .public_key(public_key or ec.generate_private_key(ec.SECP256R1()).public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW - timedelta(minutes=5))
        .not_valid_after(NOW + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
    )
    if usages:
        builder = builder.add_extension(x509.ExtendedKeyUsage(usages), critical=False)
    if names is not None:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    return builder.sign(ROOT_KEY, hashes.SHA256()).public_bytes(serialization.Encoding.DER)


def uri(text: str) -> x509.GeneralName:
    return x509.UniformResourceIdentifier(text)


def dns(text: str) -> x509.GeneralName:
    return x509.DNSName(text)


def refused(certificate: bytes, coalition: str = COALITION, now: datetime | None = None) -> str:
    with pytest.raises(MembershipError) as caught:
        peer_identity(certificate, coalition, now=now)
    return caught.value.full_code.removeprefix("membership.certificate.")


def test_honest_leaf_is_accepted() -> None:
    assert peer_identity(leaf_with([uri(GOOD_URI), dns(GOOD_DNS)]), COALITION, now=NOW).member_id == "acme"


def test_two_uri_sans_are_refused() -> None:
    second = uri("spiffe://clean-hands/member/bolt")
    assert refused(leaf_with([uri(GOOD_URI), second, dns(GOOD_DNS)])) == "uri"
    assert refused(leaf_with([uri(GOOD_URI), uri(GOOD_URI), dns(GOOD_DNS)])) == "uri"
    assert refused(leaf_with([uri(GOOD_URI), uri("https://example.org/"), dns(GOOD_DNS)])) == "uri"


def test_no_uri_san_is_refused() -> None:
    assert refused(leaf_with([dns(GOOD_DNS)])) == "uri"
    assert refused(leaf_with(None)) == "malformed"


@pytest.mark.parametrize(
    "text",
    [
        "spiffe://other-hands/member/acme",
        "spiffe://clean-hands.evil/member/acme",
        "spiffe://CLEAN-HANDS/member/acme",
        "spiffe://user@clean-hands/member/acme",
        "spiffe://clean-hands:443/member/acme",
        "spiffe:///member/acme",
    ],
)
def test_foreign_trust_domain_is_refused(text: str) -> None:
    assert refused(leaf_with([uri(text), dns(GOOD_DNS)])) == "trust_domain"


@pytest.mark.parametrize(
    "path",
    [
        "/acme",
        "/member/",
        "/member/acme/",
        "/member/acme/admin",
        "/member//acme",
        "//member/acme",
        "/member/../acme",
        "/member/%61cme",
        "/member/ACME",
        "/member/acme?x=1",
        "/member/acme#x",
        "/operator/acme",
        "",
    ],
)
def test_wrong_spiffe_path_is_refused(path: str) -> None:
    assert refused(leaf_with([uri("spiffe://clean-hands" + path), dns(GOOD_DNS)])) == "path"


@pytest.mark.parametrize(
    "text", ["https://clean-hands/member/acme", "SPIFFE://clean-hands/member/acme", "acme"]
)
def test_uri_of_another_scheme_is_refused(text: str) -> None:
    assert refused(leaf_with([uri(text), dns(GOOD_DNS)])) == "uri"


@pytest.mark.parametrize(
    "names",
    [
        [],
        [dns("bolt.clean-hands.symbolon")],
        [dns(GOOD_DNS), dns("bolt.clean-hands.symbolon")],
        [dns("*.clean-hands.symbolon")],
        [dns(GOOD_DNS), x509.RFC822Name("a@example.org")],
        [dns(GOOD_DNS), dns(GOOD_DNS)],
    ],
)
def test_server_name_of_another_member_is_refused(names: list[x509.GeneralName]) -> None:
    assert refused(leaf_with([uri(GOOD_URI), *names])) == "names"


def test_authority_certificate_as_a_leaf_is_refused() -> None:
    assert refused(leaf_with([uri(GOOD_URI), dns(GOOD_DNS)], ca=True)) == "authority"
    assert refused(ROOT_PEM) == "malformed"


@pytest.mark.parametrize(
    "key",
    [
        ed25519.Ed25519PrivateKey.generate(),
        ec.generate_private_key(ec.SECP384R1()),
        rsa.generate_private_key(65_537, 2_048),
    ],
    ids=["ed25519", "p384", "rsa"],
)
def test_leaf_key_other_than_p256_is_refused(key) -> None:
    assert refused(leaf_with([uri(GOOD_URI), dns(GOOD_DNS)], public_key=key.public_key())) == "key"


def test_two_certificates_in_one_pem_are_refused() -> None:
    leaf = x509.load_der_x509_certificate(leaf_with([uri(GOOD_URI), dns(GOOD_DNS)]))
    pem = leaf.public_bytes(serialization.Encoding.PEM)
    assert refused(pem + pem) == "malformed"


def test_oversized_certificate_is_refused_unparsed() -> None:
    names = [uri(GOOD_URI), *(dns(f"n{index}.clean-hands.symbolon") for index in range(2_000))]
    assert refused(leaf_with(names)) == "malformed"


def test_expired_leaf_on_an_open_connection_is_refused() -> None:
    leaf = leaf_with([uri(GOOD_URI), dns(GOOD_DNS)])
    assert refused(leaf, now=NOW + timedelta(days=2)) == "expired"
    assert refused(leaf, now=NOW - timedelta(hours=1)) == "not_yet_valid"


def test_leaf_of_a_wrong_authority_with_the_same_name_is_refused() -> None:
    false_key = ec.generate_private_key(ec.SECP256R1())
    false_root = make_root(COALITION, false_key, NOW)
    leaf = issue_leaf(
        "acme",
        COALITION,
        ec.generate_private_key(ec.SECP256R1()).public_key(),
        root_key=false_key,
        root_pem=false_root,
        now=NOW,
    )
    assert verify_leaf(leaf, false_root, COALITION, now=NOW).member_id == "acme"
    with pytest.raises(MembershipError) as caught:
        verify_leaf(leaf, ROOT_PEM, COALITION, now=NOW)
    assert caught.value.full_code == "membership.certificate.issuer"


@pytest.mark.parametrize(
    "usages", [(), (ExtendedKeyUsageOID.CLIENT_AUTH,), (ExtendedKeyUsageOID.SERVER_AUTH,)]
)
def test_leaf_for_one_end_only_is_refused(usages) -> None:
    leaf = leaf_with([uri(GOOD_URI), dns(GOOD_DNS)], usages=usages)
    with pytest.raises(MembershipError) as caught:
        verify_leaf(leaf, ROOT_PEM, COALITION, now=NOW)
    assert caught.value.full_code == "membership.certificate.usage"


def test_leaf_under_an_expired_root_is_refused() -> None:
    long_after = NOW + timedelta(days=3_651)
    leaf = issue_leaf(
        "acme",
        COALITION,
        ec.generate_private_key(ec.SECP256R1()).public_key(),
        root_key=ROOT_KEY,
        root_pem=ROOT_PEM,
        now=long_after,
    )
    with pytest.raises(MembershipError) as caught:
        verify_leaf(leaf, ROOT_PEM, COALITION, now=long_after)
    assert caught.value.full_code == "membership.certificate.expired"


def test_request_for_the_name_of_another_member_is_refused() -> None:
    request = make_leaf_key_and_csr("mallory", COALITION)
    with pytest.raises(MembershipError) as caught:
        verify_csr(request.csr_pem, "acme", COALITION)
    assert caught.value.full_code == "membership.request.names"


def test_request_for_a_further_name_is_refused() -> None:
    csr = (
        x509.CertificateSigningRequestBuilder()
        .subject_name(x509.Name([]))
        .add_extension(
            x509.SubjectAlternativeName([uri(GOOD_URI), dns(GOOD_DNS), dns("bolt")]), critical=False
        )
        .sign(ec.generate_private_key(ec.SECP256R1()), hashes.SHA256())
    )
    with pytest.raises(MembershipError) as caught:
        verify_csr(csr.public_bytes(serialization.Encoding.PEM), "acme", COALITION)
    assert caught.value.full_code == "membership.request.names"


def test_request_with_a_key_its_maker_does_not_hold_is_refused() -> None:
    request = x509.load_pem_x509_csr(make_leaf_key_and_csr("acme", COALITION).csr_pem)
    der = bytearray(request.public_bytes(serialization.Encoding.DER))
    der[-1] ^= 1
    altered = x509.load_der_x509_csr(bytes(der)).public_bytes(serialization.Encoding.PEM)
    with pytest.raises(MembershipError) as caught:
        verify_csr(altered, "acme", COALITION)
    assert caught.value.full_code == "membership.request.signature"


class _Echo(grpc.GenericRpcHandler):
    """Answers with whom it takes the caller for."""

    def service(self, details):
        return grpc.unary_unary_rpc_method_handler(self._answer)

    def _answer(self, request: bytes, context) -> bytes:
        (pem,) = context.auth_context()["x509_pem_cert"]
        identity = peer_identity(pem, COALITION)
        return identity.member_id.encode() + b" " + identity.fingerprint


class _Coalition:
    """An authority whose members talk over real mutual TLS."""

    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self.root_pem = make_root(COALITION, self._key, datetime.now(UTC))

    def member(self, member_id: str) -> tuple[bytes, bytes]:
        request = make_leaf_key_and_csr(member_id, COALITION)
        leaf = issue_leaf(
            member_id,
            COALITION,
            verify_csr(request.csr_pem, member_id, COALITION),
            root_key=self._key,
            root_pem=self.root_pem,
            now=datetime.now(UTC),
        )
        return request.key_pem, leaf


@pytest.fixture
def coalition() -> _Coalition:
    return _Coalition()


@pytest.fixture
def port(coalition: _Coalition):
    server = grpc.server(ThreadPoolExecutor(2))
    server.add_generic_rpc_handlers((_Echo(),))
    credentials = grpc.ssl_server_credentials(
        [coalition.member("answering")], coalition.root_pem, require_client_auth=True
    )
    port = server.add_secure_port("127.0.0.1:0", credentials)
    server.start()
    yield port
    server.stop(None).wait()


def call(
    port: int, root_pem: bytes, identity: tuple[bytes, bytes] | None, expected: str = "answering"
) -> bytes:
    key, leaf = identity or (None, None)
    options = [
        ("grpc.ssl_target_name_override", tls_target_name(expected, COALITION)),
        ("grpc.enable_http_proxy", 0),
    ]
    credentials = grpc.ssl_channel_credentials(root_pem, key, leaf)
    with grpc.secure_channel(f"127.0.0.1:{port}", credentials, options) as channel:
        return channel.unary_unary("/test/Who")(b"", timeout=10)


def test_true_member_over_mutual_tls_is_known_by_name(coalition: _Coalition, port: int) -> None:
    identity = coalition.member("asking")
    answer = call(port, coalition.root_pem, identity)
    assert answer == b"asking " + certificate_fingerprint(identity[1])


def test_member_of_a_wrong_authority_over_mutual_tls_is_refused(coalition: _Coalition, port: int) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        call(port, coalition.root_pem, _Coalition().member("asking"))
    assert caught.value.code() is grpc.StatusCode.UNAVAILABLE


def test_absent_certificate_over_mutual_tls_is_refused(coalition: _Coalition, port: int) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        call(port, coalition.root_pem, None)
    assert caught.value.code() is grpc.StatusCode.UNAVAILABLE


def test_member_that_answers_in_anothers_place_is_refused(coalition: _Coalition, port: int) -> None:
    identity = coalition.member("asking")
    with pytest.raises(grpc.RpcError) as caught:
        call(port, coalition.root_pem, identity, expected="wanted")
    assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
