"""Keys and certificates that no member was given: by strangers, or signed by a founder's own authority."""

from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID

from real_nodes import ALPHA, BETA, Nodes
from symbolon.cli.local_coalition import COALITION
from symbolon.membership.certificates import issue_leaf, make_root, spiffe_uri, tls_target_name
from symbolon.membership.enrolment import make_leaf_key_and_csr, verify_csr

_USAGES = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]

WRONG = {
    "two URIs": "membership.certificate.uri",
    "no URI": "membership.certificate.uri",
    "third name": "membership.certificate.names",
    "a member's id": "membership.fingerprint",
    "unknown member": "membership.unknown",
}
"""Certificates that a founder's own authority signed and that are nobody's, and the code of their refusal."""


def wrong_leaf(nodes: Nodes, trick: str) -> tuple[bytes, bytes]:
    """One of `WRONG`, good for a day: nothing else is wrong with it."""
    names = {
        "two URIs": names_of(ALPHA, x509.UniformResourceIdentifier(spiffe_uri(BETA, COALITION))),
        "no URI": names_of(ALPHA)[1:],
        "third name": names_of(ALPHA, x509.DNSName("localhost")),
        "a member's id": names_of(ALPHA),
        "unknown member": names_of("nobody-co"),
    }[trick]
    return leaf(nodes, names)


def leaf(nodes: Nodes, names: list[x509.GeneralName], *, days: int = 1) -> tuple[bytes, bytes]:
    """A key and a certificate that the founder's own authority signed, with any names."""
    key = ec.generate_private_key(ec.SECP256R1())
    founder = nodes.founder.node.founding.keys
    root = x509.load_pem_x509_certificate(founder.authority_pem)
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
        .add_extension(x509.ExtendedKeyUsage(_USAGES), critical=False)
        .sign(founder.authority_key, hashes.SHA256())
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


def of_another_authority(member: str = ALPHA) -> tuple[bytes, bytes]:
    """A key and a leaf in a member's name, by an authority that is no founder's."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    root = make_root(COALITION, key, now)
    made = make_leaf_key_and_csr(member, COALITION)
    public_key = verify_csr(made.csr_pem, member, COALITION)
    return made.key_pem, issue_leaf(member, COALITION, public_key, root_key=key, root_pem=root, now=now)
