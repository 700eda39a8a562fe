"""Who an invited caller is before it is a member: a certificate that only the holder of the code can make.

Handles: the P-256 key that both ends derive from the code's secret; at the sponsor, the certificate of an
authority with this key, made once, while the secret is at hand, and the only thing that is kept; at the
joining node, a short-lived leaf under that authority; reading who a caller is from its leaf; and the proof by
which the joining node tells every founder with which keys it joins.

A server that trusts the sponsor's open invitations beside the founders' authorities refuses in the TLS
handshake whoever does not hold a code that is open now. The handshake does not tell who signed a leaf, and
gRPC shows the leaf alone, so `caller_identity` looks for the signature itself: what a founder's authority
signed speaks for a member and never for an invitation, what an invitation's authority signed speaks for the
one invited id and never for a member.

The proof is ECDSA with SHA-256 over `symbolon-join-proof-v1`, a zero byte and the canonical JSON of
coalition, member id and both keys. What else this key signs are certificates, whose DER begins otherwise.

Refuses: a leaf of an invitation that is not open, of another member's, or with any further name; a proof by
another key, or for another coalition, member or keys. The
authority's certificate says the same to TLS as far as X.509 can: no further authority, no server, no DNS
name, no URI of another coalition. TLS lets a server name the authorities that it trusts to every stranger
(gRPC does not), so an invitation's has a name that tells nothing.

Specification: docs/PROTOCOL.md, membership; docs/adr/0013.
"""

import hashlib
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.x509.oid import ExtendedKeyUsageOID

from symbolon.errors import MembershipError
from symbolon.membership.canonical_json import encode_canonical
from symbolon.membership.certificates import (
    CLOCK_SKEW,
    PeerIdentity,
    add_authority_extensions,
    add_leaf_extensions,
    certificate_builder,
    check_validity,
    common_name,
    issuer_of,
    load_certificate,
    read_leaf_name,
    verify_leaf,
)
from symbolon.membership.invitation_code import InvitationCode
from symbolon.membership.member import MemberId

MAX_INVITATION_VALIDITY: Final = timedelta(days=30)
"""An open invitation lets somebody into the handshake; it ends by itself when it is forgotten."""

INVITED_LEAF_VALIDITY: Final = CLOCK_SKEW + timedelta(hours=1)
"""Long enough to ask, also with a clock that is behind; who waits for admission makes a new one each time."""

MAX_PROOF_BYTES: Final = 72
"""An ECDSA signature over P-256 in DER: two integers of at most 33 bytes and three headers of two."""

_POINT_BYTES: Final = 65
_PROOF_CONTEXT: Final = b"symbolon-join-proof-v1\0"

_P256_ORDER: Final = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
"""Source: SP 800-186, section 3.2.1.3."""

_SEED_BYTES: Final = 48
"""128 bits more than the order has, so that the remainder is uniform but for 2^-128."""

_USAGES: Final = [ExtendedKeyUsageOID.CLIENT_AUTH]


class InvitedIdentity(NamedTuple):
    """Whom an invited caller's leaf speaks for.

    Attributes:
        member_id: the id it was invited to join as.
        invitation: 32 bytes, SHA-256 of the DER of the invitation's authority: which invitation it is.
    """

    member_id: MemberId
    invitation: bytes


class InvitedLeaf(NamedTuple):
    """What a joining node presents in TLS; unpacks as `key_pem, certificate_pem`.

    Attributes:
        key_pem: a fresh private key, PKCS #8 in PEM, not encrypted. Secret.
        certificate_pem: its leaf under the invitation's authority.
    """

    key_pem: bytes
    certificate_pem: bytes

    def __repr__(self) -> str:
        return "InvitedLeaf(key_pem=<secret>, certificate_pem=...)"


def invitation_uri(member_id: str, coalition: str) -> str:
    """Return `spiffe://<coalition>/invitation/<member_id>`."""
    return f"spiffe://{coalition}/invitation/{member_id}"


def invitation_authority(code: InvitationCode, now: datetime) -> bytes:
    """Make, at the sponsor, the certificate that its server trusts until the code is used or expires.

    Args:
        code: with its secret; neither the secret nor the key derived from it is needed again.
        now: the current time, aware.

    Returns:
        The certificate in PEM. It holds the public half of the key and nothing secret.

    Raises:
        MembershipError: `membership.invitation.expired`, or `membership.invitation.validity` for a code that
            would be open for longer than `MAX_INVITATION_VALIDITY`.
    """
    code.require_unexpired(now)
    if code.expires > now + MAX_INVITATION_VALIDITY:
        raise MembershipError(
            f"the invitation would be open until {code.expires:%Y-%m-%d}",
            hint=f"Let it end within {MAX_INVITATION_VALIDITY.days} days; a new one can follow.",
            code="membership.invitation.validity",
        )
    key = _key(code)
    name = _authority_name(key.public_key())
    builder = certificate_builder(name, name, key.public_key(), now, code.expires)
    # X.509 constrains the host of a URI, not its path: `invitation_identity` checks the path.
    constraints = x509.NameConstraints([x509.UniformResourceIdentifier(code.coalition)], [x509.DNSName("")])
    certificate = (
        add_authority_extensions(builder, key.public_key())
        .add_extension(x509.ExtendedKeyUsage(_USAGES), critical=False)
        .add_extension(constraints, critical=True)
        .add_extension(_names(code.member_id, code.coalition), critical=False)
        .sign(key, hashes.SHA256())
    )
    return certificate.public_bytes(serialization.Encoding.PEM)


def invited_leaf(code: InvitationCode, now: datetime) -> InvitedLeaf:
    """Make, at the joining node, a fresh key drawn from the operating system and its leaf.

    Args:
        code: the code, with its secret.
        now: the current time, aware; the leaf is valid from `CLOCK_SKEW` earlier, for
            `INVITED_LEAF_VALIDITY` at most.

    Raises:
        MembershipError: `membership.invitation.expired`.
    """
    code.require_unexpired(now)
    authority_key, leaf_key = _key(code), ec.generate_private_key(ec.SECP256R1())
    authority_public, public_key = authority_key.public_key(), leaf_key.public_key()
    subject, issuer = common_name(f"{code.member_id} invited"), _authority_name(authority_public)
    end = min(code.expires, now + INVITED_LEAF_VALIDITY)
    builder = certificate_builder(subject, issuer, public_key, now, end)
    names = _names(code.member_id, code.coalition)
    certificate = add_leaf_extensions(builder, public_key, authority_public, names, _USAGES).sign(
        authority_key, hashes.SHA256()
    )
    return InvitedLeaf(
        leaf_key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ),
        certificate.public_bytes(serialization.Encoding.PEM),
    )


def invitation_key(code: InvitationCode) -> bytes:
    """Return the public half of the invitation's key, 65 bytes: an uncompressed point."""
    return _point(_key(code).public_key())


def parse_invitation_key(invitation_key: bytes) -> ec.EllipticCurvePublicKey:
    """Read such a key.

    Raises:
        MembershipError: `membership.malformed` for what is no uncompressed point of P-256.
    """
    try:
        if len(invitation_key) != _POINT_BYTES:
            raise ValueError
        return ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), invitation_key)
    except ValueError as error:
        raise MembershipError(
            "the key of an invitation is no uncompressed point of P-256", code="membership.malformed"
        ) from error


def join_proof(code: InvitationCode, key_sha256: bytes, signing_key: bytes) -> bytes:
    """Prove, at the joining node, that who holds the code joins with these keys and no others.

    Args:
        code: with its secret; its coalition and member are part of what is proved.
        key_sha256: 32 bytes, `public_key_sha256` of the key of the certificate it asks for.
        signing_key: 32 bytes, the Ed25519 public key that will sign its statements.

    Returns:
        DER, at most `MAX_PROOF_BYTES`; another one each time, and each holds.
    """
    proved = _proved(code.coalition, code.member_id, key_sha256, signing_key)
    return _key(code).sign(proved, ec.ECDSA(hashes.SHA256()))


def verify_join_proof(
    invitation_key: bytes,
    proof: bytes,
    *,
    coalition: str,
    member_id: str,
    key_sha256: bytes,
    signing_key: bytes,
) -> None:
    """Verify that the holder of an invitation's code joins as this member, with these keys.

    Args:
        invitation_key: 65 bytes, as it was approved.
        proof: from anywhere.
        coalition: this node's.
        member_id: who would join.
        key_sha256: of the key in its certificate.
        signing_key: the one in its entry.

    Raises:
        MembershipError: `membership.invitation.proof`, or `membership.malformed` for a key that is none.
    """
    public_key = parse_invitation_key(invitation_key)
    try:
        if len(proof) > MAX_PROOF_BYTES:
            raise InvalidSignature
        proved = _proved(coalition, member_id, key_sha256, signing_key)
        public_key.verify(proof, proved, ec.ECDSA(hashes.SHA256()))
    except InvalidSignature as error:
        raise MembershipError(
            f"who holds the invitation of {member_id} did not choose the keys it would join with",
            hint="Do not admit it; ask the new member itself which keys are its own.",
            code="membership.invitation.proof",
        ) from error


def invitation_identity(
    certificate: bytes, coalition: str, invitations: Iterable[x509.Certificate], *, now: datetime
) -> InvitedIdentity:
    """Read whom an invited caller's leaf speaks for, and verify which invitation it is of.

    Args:
        certificate: the leaf, PEM or DER.
        coalition: this node's coalition.
        invitations: the authorities of the invitations that are open now.
        now: the current time, aware: a connection can outlive its leaf and its invitation.

    Raises:
        MembershipError: `membership.certificate.malformed`, `.key`, `.authority`, `.uri`, `.trust_domain`,
            `.path`, `.names`, `.not_yet_valid`, `.expired`, `.usage`, or `.issuer` when no open invitation
            of this very member signed it.
    """
    leaf = load_certificate(certificate)
    # Step 1: a P-256 leaf with one URI, of this trust domain, that names an invited member; no other name.
    member_id, names = read_leaf_name(leaf, coalition, "invitation")
    if names != _names(member_id, coalition):
        raise MembershipError(
            f"the leaf of invited {member_id} carries further names", code="membership.certificate.names"
        )
    # Step 2: an open invitation of this member signed it.
    authority = issuer_of(leaf, (each for each in invitations if _invites(each) == names))
    # Step 3: both are in their time.
    check_validity(authority, now)
    check_validity(leaf, now)
    # Step 4: it is for a caller.
    if _usages(leaf) != _USAGES:
        raise MembershipError(
            "the leaf of an invitation may be used by a caller only", code="membership.certificate.usage"
        )
    return InvitedIdentity(member_id, authority.fingerprint(hashes.SHA256()))


def caller_identity(
    certificate: bytes,
    coalition: str,
    authorities: Iterable[x509.Certificate],
    invitations: Iterable[x509.Certificate],
    *,
    now: datetime,
) -> PeerIdentity | InvitedIdentity:
    """Read who a caller is, by who signed its leaf.

    Args:
        certificate: the leaf, PEM or DER, as TLS accepted it.
        coalition: this node's coalition.
        authorities: those of the founders.
        invitations: those of the invitations that are open now.
        now: the current time, aware.

    Returns:
        A member, whose standing and fingerprint are still to be asked, or an invited caller.

    Raises:
        MembershipError: as `verify_leaf` and `invitation_identity`.
    """
    try:
        return verify_leaf(certificate, authorities, coalition, now=now)
    except MembershipError as error:
        if error.full_code != "membership.certificate.issuer":
            raise
    return invitation_identity(certificate, coalition, invitations, now=now)


def _key(code: InvitationCode) -> ec.EllipticCurvePrivateKey:
    """The key of the invitation's authority.

    Source: HKDF as in RFC 5869; from its output to the key by the modular method of FIPS 186-5, A.4.1.
    """
    info = b"\0".join((b"symbolon-invitation-key-v1", code.coalition.encode(), code.member_id.encode()))
    seed = HKDF(hashes.SHA256(), _SEED_BYTES, salt=None, info=info).derive(code.secret)
    return ec.derive_private_key(int.from_bytes(seed) % (_P256_ORDER - 1) + 1, ec.SECP256R1())


def _point(public_key: ec.EllipticCurvePublicKey) -> bytes:
    return public_key.public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)


def _proved(coalition: str, member_id: str, key_sha256: bytes, signing_key: bytes) -> bytes:
    content = {
        "coalition": coalition,
        "key_sha256": key_sha256.hex(),
        "member_id": member_id,
        "signing_key": signing_key.hex(),
    }
    return _PROOF_CONTEXT + encode_canonical(content)


def _authority_name(public_key: ec.EllipticCurvePublicKey) -> x509.Name:
    return common_name(f"invitation {hashlib.sha256(_point(public_key)).hexdigest()[:32]}")


def _names(member_id: str, coalition: str) -> x509.SubjectAlternativeName:
    return x509.SubjectAlternativeName([x509.UniformResourceIdentifier(invitation_uri(member_id, coalition))])


def _invites(authority: x509.Certificate) -> x509.SubjectAlternativeName | None:
    """The names that an invitation's authority may give; an authority of members has none itself."""
    try:
        return authority.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return None


def _usages(leaf: x509.Certificate) -> list[x509.ObjectIdentifier]:
    try:
        return list(leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value)
    except x509.ExtensionNotFound:
        return []
