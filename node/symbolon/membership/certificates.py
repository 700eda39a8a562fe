"""Certificates of the coalition: the authorities' roots, the members' leaves, and who a leaf speaks for.

Handles: issuing a P-256 root and P-256 leaves, reading the identity out of a leaf that TLS has accepted,
and checking a leaf in full before a node installs it. A leaf names its member twice: one SPIFFE URI,
`spiffe://<coalition>/member/<member_id>`, by which peers know it, and one DNS name,
`<member_id>.<coalition>.symbolon`, which a client gives to TLS as the name it expects.

Refuses: two URIs or none, another trust domain, another path, a DNS name of another member, any further
name, an authority's certificate in a leaf's place, keys other than P-256 (Ed25519 leaves fail in gRPC).

`peer_identity` does not verify the chain: the TLS handshake did. Where no handshake has been, use
`verify_leaf`. Specification: docs/PROTOCOL.md, membership; SPIFFE X509-SVID.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from symbolon.errors import MembershipError
from symbolon.membership.member import MemberId, parse_coalition_id, parse_member_id

MAX_CERTIFICATE_BYTES: Final = 16 * 1024
"""A leaf of this coalition has below 1 KiB; the bound stops a peer from making us parse more."""

MAX_AUTHORITIES: Final = 64
"""One for each founder, and a second one while it replaces the first."""

CLOCK_SKEW: Final = timedelta(hours=2)
"""How far the clocks of two members may differ."""

ROOT_VALIDITY: Final = timedelta(days=3_650)
LEAF_VALIDITY: Final = timedelta(days=120)
"""Renewed monthly, so that a node which was off for 90 days comes back by itself. The end of a leaf revokes
nothing that matters: the fingerprints in members.json do, which are asked at every RPC and every message."""

_LEAF_USAGES: Final = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]


class PeerIdentity(NamedTuple):
    """Who a leaf certificate speaks for.

    Attributes:
        member_id: the member named by the SPIFFE URI.
        fingerprint: 32 bytes, SHA-256 of the certificate's DER.
    """

    member_id: MemberId
    fingerprint: bytes


def spiffe_uri(member_id: str, coalition: str) -> str:
    """Return `spiffe://<coalition>/member/<member_id>`."""
    return f"spiffe://{coalition}/member/{member_id}"


def tls_target_name(member_id: str, coalition: str) -> str:
    """Return the DNS name in the member's leaf, the name a client must demand of the TLS server."""
    return f"{member_id}.{coalition}.symbolon"


def leaf_names(member_id: str, coalition: str) -> x509.SubjectAlternativeName:
    """Return the two names of a member's leaf, the URI and the DNS name."""
    return x509.SubjectAlternativeName(
        [
            x509.UniformResourceIdentifier(spiffe_uri(member_id, coalition)),
            x509.DNSName(tls_target_name(member_id, coalition)),
        ]
    )


def make_root(
    coalition: str, root_key: ec.EllipticCurvePrivateKey, now: datetime, *, founder: str = ""
) -> bytes:
    """Make the self-signed certificate of an authority.

    Args:
        coalition: the coalition's id.
        root_key: a P-256 key.
        now: the current time, aware; the certificate is valid from `CLOCK_SKEW` earlier.
        founder: whose authority it is, where a coalition has several; it stands in the subject.

    Returns:
        The certificate in PEM.
    """
    name = common_name(f"{parse_coalition_id(coalition)} root", parse_member_id(founder) if founder else "")
    builder = certificate_builder(name, name, root_key.public_key(), now, now + ROOT_VALIDITY)
    certificate = add_authority_extensions(builder, root_key.public_key()).sign(root_key, hashes.SHA256())
    return certificate.public_bytes(serialization.Encoding.PEM)


def issue_leaf(
    member_id: str,
    coalition: str,
    public_key: ec.EllipticCurvePublicKey,
    *,
    root_key: ec.EllipticCurvePrivateKey,
    root_pem: bytes,
    now: datetime,
    validity: timedelta = LEAF_VALIDITY,
) -> bytes:
    """Issue a leaf for a member's public key.

    Args:
        member_id: the member the leaf speaks for.
        coalition: the coalition's id.
        public_key: the member's P-256 key.
        root_key: the authority's key.
        root_pem: the authority's certificate.
        now: the current time, aware; the leaf is valid from `CLOCK_SKEW` earlier.
        validity: how long from `now` the leaf is valid.

    Returns:
        The leaf in PEM.

    Raises:
        MembershipError: `membership.malformed` or `membership.certificate.key`.
    """
    parse_member_id(member_id)
    require_p256(public_key)
    root = load_certificate(root_pem)
    builder = certificate_builder(common_name(member_id), root.subject, public_key, now, now + validity)
    names = leaf_names(member_id, coalition)
    certificate = add_leaf_extensions(builder, public_key, root_key.public_key(), names, _LEAF_USAGES).sign(
        root_key, hashes.SHA256()
    )
    return certificate.public_bytes(serialization.Encoding.PEM)


def peer_identity(certificate: bytes, coalition: str, *, now: datetime | None = None) -> PeerIdentity:
    """Read who a leaf speaks for, after TLS has accepted its chain.

    Args:
        certificate: one certificate, PEM or DER, at most `MAX_CERTIFICATE_BYTES`.
        coalition: this node's coalition, the only trust domain accepted.
        now: when given, the leaf's validity is checked too: a connection can outlive its leaf.

    Returns:
        The member's id and the certificate's fingerprint; iterable as a pair.

    Raises:
        MembershipError: `membership.certificate.malformed`, `.key`, `.authority`, `.uri`,
            `.trust_domain`, `.path`, `.names`, `.not_yet_valid` or `.expired`.
    """
    leaf = load_certificate(certificate)
    # Steps 1 to 4: a P-256 leaf with one URI, of this trust domain, that names a member.
    member_id, names = read_leaf_name(leaf, coalition, "member")
    # Step 5: the DNS name is the same member's, and there is no third name.
    if names.get_values_for_type(x509.DNSName) != [tls_target_name(member_id, coalition)] or len(names) != 2:
        raise _refused("names", f"the leaf of {member_id} carries other names than its own two")
    # Step 6: its time.
    if now is not None:
        check_validity(leaf, now)
    return PeerIdentity(member_id, leaf.fingerprint(hashes.SHA256()))


def read_leaf_name(
    leaf: x509.Certificate, coalition: str, kind: str
) -> tuple[MemberId, x509.SubjectAlternativeName]:
    """Read the one SPIFFE id of a leaf, `spiffe://<coalition>/<kind>/<member_id>`.

    Args:
        leaf: a certificate as a peer presented it.
        coalition: the only trust domain accepted.
        kind: the first part of the path, `member` or `invitation`.

    Returns:
        The member it names, and all names for the caller to check.

    Raises:
        MembershipError: `membership.certificate.malformed`, `.key`, `.authority`, `.uri`, `.trust_domain` or
            `.path`.
    """
    try:
        public_key = leaf.public_key()
        constraints = leaf.extensions.get_extension_for_class(x509.BasicConstraints).value
        names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound as error:
        raise _refused("malformed", "the certificate lacks its constraints or its names") from error
    except Exception as error:
        # The parser reports hostile bytes by a dozen unrelated exceptions; all mean the same here.
        raise _refused("malformed", "the certificate cannot be read") from error
    # Step 1: a P-256 leaf, not an authority.
    require_p256(public_key)
    if constraints.ca:
        raise _refused("authority", "the certificate is an authority's, not a member's")
    # Steps 2 to 4: one URI, of this trust domain, that names a member.
    return _member_of(names, coalition, kind), names


def issuer_of(leaf: x509.Certificate, authorities: Iterable[x509.Certificate]) -> x509.Certificate:
    """Find the authority that signed a leaf: its name and its signature must fit.

    Raises:
        MembershipError: `membership.certificate.issuer`.
    """
    for authority in authorities:
        try:
            leaf.verify_directly_issued_by(authority)
        except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
            continue
        return authority
    raise MembershipError(
        "the certificate was not issued by an authority of this coalition",
        code="membership.certificate.issuer",
        hint="Run `symbolon coalition sync`; if nothing changes, the certificate is of another coalition.",
    )


def verify_leaf(
    certificate: bytes, authorities: bytes | Iterable[x509.Certificate], coalition: str, *, now: datetime
) -> PeerIdentity:
    """Verify a leaf in full where no TLS handshake has: before installing it, or to explain a failure.

    Args:
        certificate: the leaf, PEM or DER.
        authorities: the certificates of the coalition's authorities; in PEM, one after the other.
        coalition: the coalition's id.
        now: the current time, aware.

    Returns:
        Whom the leaf speaks for.

    Raises:
        MembershipError: as `peer_identity`, and `membership.certificate.issuer` when none of the authorities
            issued it, `.expired` or `.not_yet_valid` for that authority too, `.usage` when it may not serve
            as both server and client.
    """
    leaf = load_certificate(certificate)
    if isinstance(authorities, bytes):
        authorities = load_authorities(authorities)
    # Step 1: one of the authorities signed it, and is in its time.
    check_validity(issuer_of(leaf, authorities), now)
    # Step 2: names, key and time of the leaf.
    identity = peer_identity(certificate, coalition, now=now)
    # Step 3: it may be used at both ends of a connection.
    try:
        usages = leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound as error:
        raise _refused("usage", "the certificate does not say what it may be used for") from error
    if not set(_LEAF_USAGES) <= set(usages):
        raise _refused("usage", "the certificate may not be used as both server and client")
    return identity


def certificate_fingerprint(certificate: bytes) -> bytes:
    """Return SHA-256 of a certificate's DER, 32 bytes; the certificate may be PEM or DER."""
    return load_certificate(certificate).fingerprint(hashes.SHA256())


def load_certificate(certificate: bytes) -> x509.Certificate:
    """Parse exactly one certificate, PEM or DER.

    Raises:
        MembershipError: `membership.certificate.malformed`.
    """
    if len(certificate) > MAX_CERTIFICATE_BYTES:
        raise _refused("malformed", f"the certificate has {len(certificate)} bytes")
    try:
        if b"-----BEGIN" not in certificate:
            return x509.load_der_x509_certificate(certificate)
        (only,) = x509.load_pem_x509_certificates(certificate)
    except ValueError as error:
        raise _refused("malformed", "there is not exactly one readable certificate") from error
    return only


def load_authorities(certificates: bytes) -> tuple[x509.Certificate, ...]:
    """Parse at most `MAX_AUTHORITIES` certificates in PEM, one after the other.

    Raises:
        MembershipError: `membership.certificate.malformed`.
    """
    if len(certificates) > MAX_AUTHORITIES * MAX_CERTIFICATE_BYTES:
        raise _refused("malformed", f"the certificates of authorities have {len(certificates)} bytes")
    try:
        loaded = x509.load_pem_x509_certificates(certificates)
    except ValueError as error:
        raise _refused("malformed", "the certificates of authorities cannot be read") from error
    if len(loaded) > MAX_AUTHORITIES:
        raise _refused("malformed", f"there are more than {MAX_AUTHORITIES} authorities")
    return tuple(loaded)


def require_p256(public_key: object) -> ec.EllipticCurvePublicKey:
    """Check that a key is a P-256 key.

    Raises:
        MembershipError: `membership.certificate.key`.
    """
    if isinstance(public_key, ec.EllipticCurvePublicKey) and isinstance(public_key.curve, ec.SECP256R1):
        return public_key
    raise _refused("key", "the key is not a P-256 key")


def _member_of(names: x509.SubjectAlternativeName, coalition: str, kind: str) -> MemberId:
    uris = names.get_values_for_type(x509.UniformResourceIdentifier)
    if len(uris) != 1:
        raise _refused("uri", f"the certificate carries {len(uris)} URIs instead of one")
    scheme, separator, rest = uris[0].partition("://")
    trust_domain, _, path = rest.partition("/")
    if scheme != "spiffe" or not separator:
        raise _refused("uri", "the certificate's URI is not a SPIFFE id")
    if trust_domain != coalition:
        raise _refused("trust_domain", f"the certificate is of trust domain {trust_domain[:64]!r}")
    prefix, _, member_id = path.partition("/")
    if prefix != kind:
        raise _refused("path", f"the certificate's SPIFFE id does not name a member by /{kind}/")
    try:
        return parse_member_id(member_id)
    except MembershipError as error:
        raise _refused("path", "the certificate's SPIFFE id does not name a member") from error


def check_validity(certificate: x509.Certificate, now: datetime) -> None:
    """Check that a certificate is in its time.

    Raises:
        MembershipError: `membership.certificate.not_yet_valid` or `.expired`.
    """
    if now < certificate.not_valid_before_utc:
        raise MembershipError(
            f"the certificate is valid only from {certificate.not_valid_before_utc:%Y-%m-%d %H:%M} UTC",
            code="membership.certificate.not_yet_valid",
            hint="Check this machine's clock.",
        )
    if now > certificate.not_valid_after_utc:
        raise MembershipError(
            f"the certificate expired at {certificate.not_valid_after_utc:%Y-%m-%d %H:%M} UTC",
            code="membership.certificate.expired",
            hint="If this machine's clock is right, whose certificate it is asks a founder for another one.",
        )


def certificate_builder(
    subject: x509.Name,
    issuer: x509.Name,
    public_key: ec.EllipticCurvePublicKey,
    now: datetime,
    not_after: datetime,
) -> x509.CertificateBuilder:
    """Begin a certificate, valid from `CLOCK_SKEW` before `now`, with a random serial number."""
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - CLOCK_SKEW)
        .not_valid_after(not_after)
    )


def add_authority_extensions(
    builder: x509.CertificateBuilder, public_key: ec.EllipticCurvePublicKey
) -> x509.CertificateBuilder:
    """Add what every authority's certificate says: it signs leaves, and no further authority."""
    key_id = x509.SubjectKeyIdentifier.from_public_key(public_key)
    return (
        builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_key_usage(ca=True), critical=True)
        .add_extension(key_id, critical=False)
    )


def add_leaf_extensions(
    builder: x509.CertificateBuilder,
    public_key: ec.EllipticCurvePublicKey,
    authority_key: ec.EllipticCurvePublicKey,
    names: x509.SubjectAlternativeName,
    usages: list[x509.ObjectIdentifier],
) -> x509.CertificateBuilder:
    """Add what every leaf says: its names, its usages, both keys' ids, and that it signs no other."""
    key_id = x509.SubjectKeyIdentifier.from_public_key(public_key)
    authority_key_id = x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key)
    return (
        builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(ca=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage(usages), critical=False)
        .add_extension(names, critical=False)
        .add_extension(key_id, critical=False)
        .add_extension(authority_key_id, critical=False)
    )


def _key_usage(*, ca: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not ca,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=ca,
        crl_sign=ca,
        encipher_only=False,
        decipher_only=False,
    )


def common_name(name: str, organisation: str = "") -> x509.Name:
    """Return a subject of one common name, below an organisation if one is given."""
    attributes = [x509.NameAttribute(NameOID.COMMON_NAME, name)]
    if organisation:
        attributes.insert(0, x509.NameAttribute(NameOID.ORGANIZATION_NAME, organisation))
    return x509.Name(attributes)


def _refused(kind: str, detail: str) -> MembershipError:
    return MembershipError(detail, code=f"membership.certificate.{kind}")
