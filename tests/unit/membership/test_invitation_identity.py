"""What both ends derive from an invitation, and what is made with it. Attacks: tests/adversary."""

import hashlib
import hmac
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID

from symbolon.errors import MembershipError
from symbolon.membership.certificates import load_certificate, make_root, peer_identity, verify_leaf
from symbolon.membership.invitation_code import InvitationCode
from symbolon.membership.invitation_identity import (
    INVITED_LEAF_VALIDITY,
    MAX_INVITATION_VALIDITY,
    MAX_PROOF_BYTES,
    InvitedIdentity,
    InvitedLeaf,
    caller_identity,
    invitation_authority,
    invitation_identity,
    invitation_key,
    invited_leaf,
    join_proof,
    parse_invitation_key,
    verify_join_proof,
)

COALITION = "clean-hands"
NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
CODE = InvitationCode(
    coalition=COALITION,
    member_id="acme",
    sponsor="bolt",
    endpoints=("bolt.example.org:7443",),
    root_version=3,
    root_sha256=bytes(32),
    expires=NOW + timedelta(days=7),
    secret=bytes(range(16)),
)
AUTHORITY = load_certificate(invitation_authority(CODE, NOW))
ORDER = 2**256 - 2**224 + 2**192 - 0x4319055258E8617B0C46353D039CDAAF
"""Of P-256, as SEC 2 writes it out: a second source beside the module's."""

EXPECTED_POINT = "66694c1110aa4171dff92a592e4b863d14dcc9481cc01e58272de01c1628f5d0"
"""SHA-256 of the public key of `CODE`."""


def refused(call) -> str:
    with pytest.raises(MembershipError) as caught:
        call()
    return caught.value.full_code


def point(certificate: x509.Certificate) -> bytes:
    return certificate.public_key().public_bytes(
        serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
    )


def hkdf_by_hand(secret: bytes, info: bytes) -> bytes:
    """RFC 5869 with SHA-256 and no salt, 48 bytes."""
    prk = hmac.digest(bytes(32), secret, "sha256")
    first = hmac.digest(prk, info + b"\1", "sha256")
    return (first + hmac.digest(prk, first + info + b"\2", "sha256"))[:48]


def test_invitation_key_is_what_the_specification_derives() -> None:
    seed = hkdf_by_hand(CODE.secret, b"symbolon-invitation-key-v1\0clean-hands\0acme")
    key = ec.derive_private_key(int.from_bytes(seed) % (ORDER - 1) + 1, ec.SECP256R1())
    assert key.public_key() == AUTHORITY.public_key()
    # Both ends may run different releases: the key of a code never changes.
    assert hashlib.sha256(point(AUTHORITY)).hexdigest() == EXPECTED_POINT


@pytest.mark.parametrize(
    "change",
    [{"secret": bytes(16)}, {"member_id": "acme2"}, {"coalition": "clean-hand"}],
    ids=["secret", "member", "coalition"],
)
def test_invitation_key_is_another_for_each_secret_member_and_coalition(change: dict[str, object]) -> None:
    other = load_certificate(invitation_authority(replace(CODE, **change), NOW))
    assert point(other) != point(AUTHORITY)
    assert other.subject != AUTHORITY.subject


def test_invitation_authority_holds_until_the_code_expires_and_may_do_nothing_else() -> None:
    assert AUTHORITY.not_valid_after_utc == CODE.expires
    values = {type(each.value): each for each in AUTHORITY.extensions}
    assert values[x509.BasicConstraints].value == x509.BasicConstraints(ca=True, path_length=0)
    constraints = values[x509.NameConstraints]
    assert constraints.critical
    assert constraints.value.permitted_subtrees == [x509.UniformResourceIdentifier(COALITION)]
    assert constraints.value.excluded_subtrees == [x509.DNSName("")]
    assert list(values[x509.ExtendedKeyUsage].value) == [ExtendedKeyUsageOID.CLIENT_AUTH]
    assert not values[x509.KeyUsage].value.digital_signature


def test_invitation_authority_for_a_code_open_too_long_or_ended_is_refused() -> None:
    last = replace(CODE, expires=NOW + MAX_INVITATION_VALIDITY)
    assert invitation_authority(last, NOW)
    longer = replace(CODE, expires=last.expires + timedelta(seconds=1))
    assert refused(lambda: invitation_authority(longer, NOW)) == "membership.invitation.validity"
    assert refused(lambda: invitation_authority(CODE, CODE.expires)) == "membership.invitation.expired"


def test_invited_leaf_speaks_for_the_invited_member_and_names_its_invitation() -> None:
    leaf = invited_leaf(CODE, NOW)
    identity = invitation_identity(leaf.certificate_pem, COALITION, [AUTHORITY], now=NOW)
    assert identity == InvitedIdentity("acme", AUTHORITY.fingerprint(hashes.SHA256()))
    key = serialization.load_pem_private_key(leaf.key_pem, None)
    assert key.public_key() == load_certificate(leaf.certificate_pem).public_key()
    assert key.public_key() != AUTHORITY.public_key()


def test_invited_leaf_has_a_fresh_key_each_time_and_hides_it() -> None:
    first, second = invited_leaf(CODE, NOW), invited_leaf(CODE, NOW)
    assert first.key_pem != second.key_pem
    assert "PRIVATE" not in f"{first!r} {first}"
    assert isinstance(first, InvitedLeaf)


def test_invited_leaf_ends_within_hours_and_with_the_code() -> None:
    leaf = load_certificate(invited_leaf(CODE, NOW).certificate_pem)
    assert leaf.not_valid_after_utc == NOW + INVITED_LEAF_VALIDITY
    late = CODE.expires - timedelta(minutes=1)
    assert load_certificate(invited_leaf(CODE, late).certificate_pem).not_valid_after_utc == CODE.expires
    assert refused(lambda: invited_leaf(CODE, CODE.expires)) == "membership.invitation.expired"


def test_invitation_identity_of_an_open_connection_ends_with_its_leaf_and_its_invitation() -> None:
    leaf = invited_leaf(CODE, NOW).certificate_pem

    def ask(now: datetime, *open_now: x509.Certificate) -> InvitedIdentity:
        return invitation_identity(leaf, COALITION, open_now, now=now)

    long = INVITED_LEAF_VALIDITY + timedelta(seconds=1)
    assert refused(lambda: ask(NOW + long, AUTHORITY)) == "membership.certificate.expired"
    assert refused(lambda: ask(NOW - long, AUTHORITY)) == "membership.certificate.not_yet_valid"
    assert refused(lambda: ask(NOW)) == "membership.certificate.issuer"
    ended = replace(CODE, expires=NOW + timedelta(minutes=5))
    short = load_certificate(invitation_authority(ended, NOW))
    assert ask(NOW + timedelta(minutes=5), short).member_id == "acme"
    assert refused(lambda: ask(NOW + timedelta(minutes=6), short)) == "membership.certificate.expired"


def test_invitation_identity_in_another_coalition_is_refused() -> None:
    leaf = invited_leaf(CODE, NOW).certificate_pem
    assert (
        refused(lambda: invitation_identity(leaf, "other-hands", [AUTHORITY], now=NOW))
        == "membership.certificate.trust_domain"
    )


def test_peer_identity_of_an_invited_leaf_is_refused() -> None:
    leaf = invited_leaf(CODE, NOW).certificate_pem
    assert refused(lambda: peer_identity(leaf, COALITION)) == "membership.certificate.path"
    # Even where its authority is taken for one of members.
    assert (
        refused(lambda: verify_leaf(leaf, [AUTHORITY], COALITION, now=NOW)) == "membership.certificate.path"
    )


def test_caller_identity_of_an_invited_leaf_needs_its_invitation_to_be_open() -> None:
    leaf = invited_leaf(CODE, NOW).certificate_pem
    founders = [load_certificate(make_root(COALITION, ec.generate_private_key(ec.SECP256R1()), NOW))]
    who = caller_identity(leaf, COALITION, founders, [AUTHORITY], now=NOW)
    assert who == InvitedIdentity("acme", AUTHORITY.fingerprint(hashes.SHA256()))
    assert (
        refused(lambda: caller_identity(leaf, COALITION, founders, [], now=NOW))
        == "membership.certificate.issuer"
    )
    assert (
        refused(lambda: caller_identity(b"x", COALITION, founders, [], now=NOW))
        == "membership.certificate.malformed"
    )


KEY_SHA256 = hashlib.sha256(b"certificate key").digest()
SIGNING_KEY = hashlib.sha256(b"signing key").digest()
PROVED = {
    "coalition": COALITION,
    "member_id": "acme",
    "key_sha256": KEY_SHA256,
    "signing_key": SIGNING_KEY,
}


def test_invitation_key_is_the_public_half_that_the_authority_holds() -> None:
    assert invitation_key(CODE) == point(AUTHORITY)
    assert parse_invitation_key(invitation_key(CODE)) == AUTHORITY.public_key()


@pytest.mark.parametrize(
    "spoil",
    [
        lambda key: b"",
        lambda key: key[:-1],
        lambda key: key + b"\0",
        lambda key: bytes([2 + key[-1] % 2]) + key[1:33],
        lambda key: key[:-1] + bytes([key[-1] ^ 1]),
        lambda key: bytes([6 + key[-1] % 2]) + key[1:],
        lambda key: b"\0" * 65,
        lambda key: b"\x04" + b"\xff" * 64,
    ],
    ids=["empty", "short", "long", "compressed", "off the curve", "hybrid", "zeros", "beyond the field"],
)
def test_invitation_key_that_is_no_uncompressed_point_is_refused(spoil) -> None:
    spoilt = spoil(invitation_key(CODE))
    assert refused(lambda: parse_invitation_key(spoilt)) == "membership.malformed"
    proof = join_proof(CODE, KEY_SHA256, SIGNING_KEY)
    assert refused(lambda: verify_join_proof(spoilt, proof, **PROVED)) == "membership.malformed"


def test_join_proof_holds_under_the_invitation_key_and_signs_what_the_specification_says() -> None:
    proof = join_proof(CODE, KEY_SHA256, SIGNING_KEY)
    assert len(proof) <= MAX_PROOF_BYTES
    verify_join_proof(invitation_key(CODE), proof, **PROVED)
    document = (
        b'symbolon-join-proof-v1\0{"coalition":"clean-hands","key_sha256":"%s","member_id":"acme",'
        b'"signing_key":"%s"}\n' % (KEY_SHA256.hex().encode(), SIGNING_KEY.hex().encode())
    )
    AUTHORITY.public_key().verify(proof, document, ec.ECDSA(hashes.SHA256()))


@pytest.mark.parametrize(
    "change",
    [
        {"coalition": "clean-hand"},
        {"member_id": "acme2"},
        {"key_sha256": SIGNING_KEY},
        {"signing_key": KEY_SHA256},
        {"key_sha256": SIGNING_KEY, "signing_key": KEY_SHA256},
    ],
    ids=["coalition", "member", "certificate key", "signing key", "keys exchanged"],
)
def test_join_proof_for_anything_else_is_refused(change: dict[str, object]) -> None:
    proof = join_proof(CODE, KEY_SHA256, SIGNING_KEY)
    asked = {**PROVED, **change}
    code = refused(lambda: verify_join_proof(invitation_key(CODE), proof, **asked))
    assert code == "membership.invitation.proof"


def test_join_proof_by_the_key_of_another_code_is_refused() -> None:
    proof = join_proof(replace(CODE, secret=bytes(16)), KEY_SHA256, SIGNING_KEY)
    code = refused(lambda: verify_join_proof(invitation_key(CODE), proof, **PROVED))
    assert code == "membership.invitation.proof"


@pytest.mark.parametrize(
    "spoil",
    [
        lambda proof: b"",
        lambda proof: proof[:-1],
        lambda proof: proof + b"\0",
        lambda proof: proof[:-1] + bytes([proof[-1] ^ 1]),
        lambda proof: b"0" * 10_000,
        lambda proof: b"\x30\x06\x02\x01\x00\x02\x01\x00",
    ],
    ids=["empty", "cut", "longer", "flipped", "huge", "zeros"],
)
def test_join_proof_that_is_spoilt_is_refused(spoil) -> None:
    spoilt = spoil(join_proof(CODE, KEY_SHA256, SIGNING_KEY))
    code = refused(lambda: verify_join_proof(invitation_key(CODE), spoilt, **PROVED))
    assert code == "membership.invitation.proof"
