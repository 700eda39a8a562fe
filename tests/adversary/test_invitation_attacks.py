"""Attacks with invitations, over real mutual TLS: who holds no open code never reaches any code of ours."""

import contextlib
import socket
import ssl
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from symbolon.errors import MembershipError, SymbolonError
from symbolon.membership.authorities import Authorities
from symbolon.membership.certificates import (
    issue_leaf,
    leaf_names,
    load_certificate,
    make_root,
    peer_identity,
    spiffe_uri,
    tls_target_name,
)
from symbolon.membership.enrolment import make_leaf_key_and_csr, verify_csr
from symbolon.membership.invitation_code import InvitationCode
from symbolon.membership.invitation_identity import (
    InvitedIdentity,
    caller_identity,
    invitation_authority,
    invitation_identity,
    invitation_uri,
    invited_leaf,
)
from symbolon.rpc.tls_material import FreshCredentials, Leaf, TlsMaterial

import grpc  # isort: skip - after symbolon.rpc, which sets the cipher list

COALITION = "clean-hands"
SPONSOR, OTHER_FOUNDER, INVITED = "sponsor", "founder-b", "acme"
NAME = tls_target_name(SPONSOR, COALITION)
UNAVAILABLE = "UNAVAILABLE"
MAIL = x509.RFC822Name("a@b.example")


def now() -> datetime:
    return datetime.now(UTC)


def new_code(member_id: str = INVITED, secret: bytes = bytes(range(16)), **changes: object) -> InvitationCode:
    made = InvitationCode(
        coalition=COALITION,
        member_id=member_id,
        sponsor=SPONSOR,
        endpoints=("127.0.0.1:1",),
        root_version=1,
        root_sha256=bytes(32),
        expires=now().replace(microsecond=0) + timedelta(days=7),
        secret=secret,
    )
    return replace(made, **changes)


@dataclass
class Founder:
    """An authority of members, in the hands of a founder who may misuse it."""

    name: str
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))

    def __post_init__(self) -> None:
        self.pem = make_root(COALITION, self.key, now(), founder=self.name)

    def leaf(self, member_id: str) -> tuple[bytes, bytes]:
        request = make_leaf_key_and_csr(member_id, COALITION)
        key = verify_csr(request.csr_pem, member_id, COALITION)
        issued = issue_leaf(member_id, COALITION, key, root_key=self.key, root_pem=self.pem, now=now())
        return request.key_pem, issued


@dataclass
class Sponsor:
    """A server that trusts two founders and its open invitations, and answers with whom it lets in."""

    founders: tuple[Founder, Founder] = field(
        default_factory=lambda: (Founder(SPONSOR), Founder(OTHER_FOUNDER))
    )
    invitations: tuple[bytes, ...] = ()
    port: int = 0

    def __post_init__(self) -> None:
        self.authorities = Authorities.of(each.pem for each in self.founders)
        self.leaf = Leaf(*self.founders[0].leaf(SPONSOR))

    def material(self) -> TlsMaterial:
        return TlsMaterial(self.leaf, self.authorities.encode(), b"".join(self.invitations))

    def answer(self, _: bytes, context: grpc.ServicerContext) -> bytes:
        """What an interceptor does with every call."""
        (pem,) = context.auth_context()["x509_pem_cert"]
        invitations = [load_certificate(each) for each in self.invitations]
        try:
            who = caller_identity(pem, COALITION, self.authorities.certificates, invitations, now=now())
        except SymbolonError as error:
            return error.full_code.encode()
        return f"{'invited' if isinstance(who, InvitedIdentity) else 'member'} {who.member_id}".encode()


class _Handlers(grpc.GenericRpcHandler):
    def __init__(self, sponsor: Sponsor) -> None:
        self._sponsor = sponsor

    def service(self, _: object) -> object:
        return grpc.unary_unary_rpc_method_handler(self._sponsor.answer)


@pytest.fixture
def sponsor() -> Iterator[Sponsor]:
    made = Sponsor()
    refusals: list[SymbolonError] = []
    credentials = FreshCredentials(made.material, lambda _: None, refusals.append)
    server = grpc.server(ThreadPoolExecutor(2))
    server.add_generic_rpc_handlers((_Handlers(made),))
    made.port = server.add_secure_port("127.0.0.1:0", credentials.grpc)
    server.start()
    yield made
    server.stop(None).wait()
    assert not refusals


@contextlib.contextmanager
def channel(sponsor: Sponsor, identity: tuple[bytes, bytes]) -> Iterator[grpc.Channel]:
    options = [
        ("grpc.ssl_target_name_override", NAME),
        ("grpc.enable_http_proxy", 0),
        ("grpc.use_local_subchannel_pool", 1),
    ]
    tls = grpc.ssl_channel_credentials(sponsor.authorities.encode(), *identity)
    with grpc.secure_channel(f"127.0.0.1:{sponsor.port}", tls, options) as made:
        yield made


def call(made: grpc.Channel) -> str:
    """Whom the server takes the caller for, or why it refuses it; `UNAVAILABLE` after a failed handshake."""
    try:
        return made.unary_unary("/test/Who")(b"", timeout=10).decode()
    except grpc.RpcError as error:
        return error.code().name


def outcome(sponsor: Sponsor, identity: tuple[bytes, bytes]) -> str:
    with channel(sponsor, identity) as made:
        return call(made)


def forged_leaf(
    key: ec.EllipticCurvePrivateKey,
    issuer: bytes,
    names: list[x509.GeneralName],
    *,
    usages: tuple[x509.ObjectIdentifier, ...] = (ExtendedKeyUsageOID.CLIENT_AUTH,),
    ca: bool = False,
    leaf_key: ec.EllipticCurvePrivateKey | None = None,
) -> tuple[bytes, bytes]:
    """A leaf signed with a key that the attacker holds, saying whatever it likes; good for an hour."""
    authority = load_certificate(issuer)
    leaf_key = leaf_key or ec.generate_private_key(ec.SECP256R1())
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "no host")]))
        .issuer_name(authority.subject)
        .public_key(leaf_key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now() - timedelta(minutes=5))
        .not_valid_after(now() + timedelta(hours=1))
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage(usages), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.public_key()), critical=False
        )
    )
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    return private_pem(leaf_key), builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def private_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def uri(text: str) -> x509.GeneralName:
    return x509.UniformResourceIdentifier(text)


@pytest.fixture
def authority_key(monkeypatch: pytest.MonkeyPatch) -> ec.EllipticCurvePrivateKey:
    """The key behind `new_code()`, which its holder can derive, caught while a leaf is made with it."""
    caught: list[ec.EllipticCurvePrivateKey] = []
    derive = ec.derive_private_key

    def catch(value: int, curve: ec.EllipticCurve) -> ec.EllipticCurvePrivateKey:
        caught.append(derive(value, curve))
        return caught[-1]

    with monkeypatch.context() as patched:
        patched.setattr(ec, "derive_private_key", catch)
        invited_leaf(new_code(), now())
    return caught[0]


def test_holder_of_the_right_code_is_let_in_as_invited(sponsor: Sponsor) -> None:
    code = new_code()
    sponsor.invitations = (invitation_authority(code, now()),)
    arrived = InvitationCode.decode(code.encode())
    assert outcome(sponsor, invited_leaf(arrived, now())) == "invited acme"


def test_members_of_every_founder_are_let_in_beside_open_invitations(sponsor: Sponsor) -> None:
    codes = [new_code(f"member-{number}", bytes([number] * 16)) for number in range(30)]
    sponsor.invitations = tuple(invitation_authority(code, now()) for code in codes)
    for founder in sponsor.founders:
        assert outcome(sponsor, founder.leaf("bolt")) == "member bolt"
    assert outcome(sponsor, invited_leaf(codes[17], now())) == "invited member-17"


def test_guessed_secret_fails_in_the_handshake(sponsor: Sponsor) -> None:
    code = new_code()
    sponsor.invitations = (invitation_authority(code, now()),)
    guess = replace(code, secret=bytes(15) + b"\1")
    assert outcome(sponsor, invited_leaf(guess, now())) == UNAVAILABLE
    assert outcome(sponsor, invited_leaf(code, now())) == "invited acme"


def test_guessed_secret_under_the_right_issuers_name_fails_in_the_handshake(sponsor: Sponsor) -> None:
    authority = invitation_authority(new_code(), now())
    sponsor.invitations = (authority,)
    stranger = ec.generate_private_key(ec.SECP256R1())
    leaf = forged_leaf(stranger, authority, [uri(invitation_uri(INVITED, COALITION))])
    assert outcome(sponsor, leaf) == UNAVAILABLE


def test_code_used_for_another_member_fails_in_the_handshake(sponsor: Sponsor) -> None:
    sponsor.invitations = (invitation_authority(new_code(), now()),)
    assert outcome(sponsor, invited_leaf(new_code("bolt"), now())) == UNAVAILABLE


def test_code_used_in_another_coalition_fails_in_the_handshake(sponsor: Sponsor) -> None:
    elsewhere = new_code(coalition="other-hands")
    sponsor.invitations = (invitation_authority(new_code(), now()),)
    assert outcome(sponsor, invited_leaf(elsewhere, now())) == UNAVAILABLE


def test_holder_of_a_code_that_names_another_member_in_its_leaf_is_refused(
    sponsor: Sponsor, authority_key: ec.EllipticCurvePrivateKey
) -> None:
    authority = invitation_authority(new_code(), now())
    second = invitation_authority(new_code("bolt", bytes(16)), now())
    sponsor.invitations = (authority, second)
    # TLS cannot see the path of a URI; the signature decides.
    leaf = forged_leaf(authority_key, authority, [uri(invitation_uri("bolt", COALITION))])
    assert outcome(sponsor, leaf) == "membership.certificate.issuer"


def test_expired_code_fails_in_the_handshake(
    sponsor: Sponsor, authority_key: ec.EllipticCurvePrivateKey
) -> None:
    past = now() - timedelta(days=2)
    ended = now().replace(microsecond=0) - timedelta(seconds=1)
    authority = invitation_authority(new_code(expires=ended), past)
    sponsor.invitations = (authority,)
    # Its holder ignores the end of the code; the leaf itself is in its time.
    leaf = forged_leaf(authority_key, authority, [uri(invitation_uri(INVITED, COALITION))])
    assert outcome(sponsor, leaf) == UNAVAILABLE
    sponsor.invitations = (invitation_authority(new_code(), now()),)
    assert outcome(sponsor, leaf) == "invited acme"


def test_withdrawn_code_fails_in_the_next_handshake_and_on_an_open_connection(sponsor: Sponsor) -> None:
    code, kept = new_code(), new_code("bolt", bytes(16))
    sponsor.invitations = tuple(invitation_authority(each, now()) for each in (code, kept))
    with channel(sponsor, invited_leaf(code, now())) as connected:
        assert call(connected) == "invited acme"
        sponsor.invitations = sponsor.invitations[1:]
        assert outcome(sponsor, invited_leaf(code, now())) == UNAVAILABLE
        assert call(connected) == "membership.certificate.issuer"
    assert outcome(sponsor, invited_leaf(kept, now())) == "invited bolt"


def test_code_replaced_for_the_same_member_ends_the_old_one(sponsor: Sponsor) -> None:
    old, new = new_code(), new_code(secret=bytes(16))
    sponsor.invitations = (invitation_authority(old, now()),)
    assert outcome(sponsor, invited_leaf(old, now())) == "invited acme"
    sponsor.invitations = (invitation_authority(new, now()),)
    assert outcome(sponsor, invited_leaf(old, now())) == UNAVAILABLE
    assert outcome(sponsor, invited_leaf(new, now())) == "invited acme"


def test_withdrawn_code_cannot_resume_an_earlier_tls_session(sponsor: Sponsor, tmp_path: Path) -> None:
    code = new_code()
    sponsor.invitations = (invitation_authority(code, now()),)
    context = client_context(sponsor, invited_leaf(code, now()), tmp_path)
    ticket, reused = handshake(sponsor, context)
    assert not reused
    # Open as it is, the server takes its own ticket again.
    ticket, reused = handshake(sponsor, context, ticket)
    assert reused
    sponsor.invitations = ()
    with pytest.raises((ssl.SSLError, ConnectionError)):
        handshake(sponsor, context, ticket)


def client_context(sponsor: Sponsor, identity: tuple[bytes, bytes], folder: Path) -> ssl.SSLContext:
    (folder / "identity.pem").write_bytes(b"".join(identity))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(cadata=sponsor.authorities.encode().decode())
    context.load_cert_chain(folder / "identity.pem")
    context.set_alpn_protocols(["h2"])
    return context


def handshake(
    sponsor: Sponsor, context: ssl.SSLContext, ticket: ssl.SSLSession | None = None
) -> tuple[ssl.SSLSession | None, bool]:
    """A handshake up to the server's first words: the ticket it gave, and whether it took the one shown."""
    with (
        socket.create_connection(("127.0.0.1", sponsor.port), timeout=10) as plain,
        context.wrap_socket(plain, server_hostname=NAME, session=ticket) as secure,
    ):
        if not secure.recv(1):
            raise ConnectionResetError("the server closed without a word")
        return secure.session, bool(secure.session_reused)


@pytest.mark.parametrize("kind", ["member", "invitation"])
def test_founder_that_signs_an_invited_callers_leaf_gains_no_invitation(sponsor: Sponsor, kind: str) -> None:
    open_now = invitation_authority(new_code(), now())
    sponsor.invitations = (open_now,)
    founder = sponsor.founders[1]
    leaf = forged_leaf(founder.key, founder.pem, [uri(f"spiffe://{COALITION}/{kind}/{INVITED}")])
    # The handshake ends well: founders are trusted. What they sign never speaks for an invitation.
    assert outcome(sponsor, leaf) == f"membership.certificate.{'path' if kind == 'invitation' else 'names'}"
    with pytest.raises(MembershipError) as caught:
        invitation_identity(leaf[1], COALITION, [load_certificate(open_now)], now=now())
    assert caught.value.full_code in {"membership.certificate.issuer", "membership.certificate.path"}


def test_founder_that_names_its_authority_like_an_invitations_gains_no_invitation(sponsor: Sponsor) -> None:
    open_now = invitation_authority(new_code(), now())
    sponsor.invitations = (open_now,)
    founder = sponsor.founders[1]
    # Issued in the invitation's name with the founder's key.
    leaf = forged_leaf(founder.key, open_now, [uri(invitation_uri(INVITED, COALITION))])
    assert outcome(sponsor, leaf) == UNAVAILABLE


@pytest.mark.parametrize("usages", ["caller", "both"])
def test_holder_of_a_code_that_signs_itself_a_members_leaf_fails_in_the_handshake(
    sponsor: Sponsor, authority_key: ec.EllipticCurvePrivateKey, usages: str
) -> None:
    authority = invitation_authority(new_code(), now())
    sponsor.invitations = (authority,)
    both = (ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH)
    names = list(leaf_names("bolt", COALITION))
    leaf = forged_leaf(authority_key, authority, names, usages=both if usages == "both" else both[:1])
    # In every other respect it is a member's leaf.
    assert peer_identity(leaf[1], COALITION).member_id == "bolt"
    assert outcome(sponsor, leaf) == UNAVAILABLE


@pytest.mark.parametrize(
    ("names", "refusal"),
    [
        ([uri(spiffe_uri("bolt", COALITION))], "membership.certificate.path"),
        ([uri(f"spiffe://{COALITION}/invitation/bolt/x")], "membership.certificate.path"),
        ([uri(f"spiffe://{COALITION}/invitation/")], "membership.certificate.path"),
        ([uri(invitation_uri(INVITED, COALITION)), MAIL], "membership.certificate.names"),
        ([uri(invitation_uri(INVITED, COALITION))] * 2, "membership.certificate.uri"),
        ([MAIL], "membership.certificate.uri"),
        ([], "membership.certificate.malformed"),
        ([uri("spiffe://other-hands/invitation/acme")], UNAVAILABLE),
        ([uri(invitation_uri(INVITED, COALITION)), x509.DNSName(NAME)], UNAVAILABLE),
        ([x509.DNSName(NAME)], UNAVAILABLE),
    ],
)  # fmt: skip
def test_holder_of_a_code_that_signs_itself_other_names_is_refused(
    sponsor: Sponsor,
    authority_key: ec.EllipticCurvePrivateKey,
    names: list[x509.GeneralName],
    refusal: str,
) -> None:
    authority = invitation_authority(new_code(), now())
    sponsor.invitations = (authority,)
    assert outcome(sponsor, forged_leaf(authority_key, authority, names)) == refusal


def test_holder_of_a_code_that_signs_itself_a_servers_leaf_is_refused(
    sponsor: Sponsor, authority_key: ec.EllipticCurvePrivateKey
) -> None:
    authority = invitation_authority(new_code(), now())
    sponsor.invitations = (authority,)
    both = (ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH)
    leaf = forged_leaf(authority_key, authority, [uri(invitation_uri(INVITED, COALITION))], usages=both)
    assert outcome(sponsor, leaf) == "membership.certificate.usage"


def test_holder_of_a_code_that_makes_a_further_authority_fails_in_the_handshake(
    sponsor: Sponsor, authority_key: ec.EllipticCurvePrivateKey
) -> None:
    authority = invitation_authority(new_code(), now())
    sponsor.invitations = (authority,)
    names = [uri(invitation_uri(INVITED, COALITION))]
    middle_key = ec.generate_private_key(ec.SECP256R1())
    _, middle = forged_leaf(authority_key, authority, names, ca=True, leaf_key=middle_key)
    key, leaf = forged_leaf(middle_key, middle, names)
    assert outcome(sponsor, (key, leaf + middle)) == UNAVAILABLE


def test_authority_of_an_invitation_as_its_own_leaf_is_refused(
    sponsor: Sponsor, authority_key: ec.EllipticCurvePrivateKey
) -> None:
    authority = invitation_authority(new_code(), now())
    sponsor.invitations = (authority,)
    assert outcome(sponsor, (private_pem(authority_key), authority)) in (
        UNAVAILABLE,
        "membership.certificate.authority",
    )


def test_server_with_an_invited_callers_certificate_deceives_no_member(sponsor: Sponsor) -> None:
    code = new_code()
    sponsor.invitations = (invitation_authority(code, now()),)
    sponsor.leaf, honest = Leaf(*invited_leaf(code, now())), sponsor.leaf
    assert outcome(sponsor, sponsor.founders[1].leaf("bolt")) == UNAVAILABLE
    sponsor.leaf = honest
    assert outcome(sponsor, sponsor.founders[1].leaf("bolt")) == "member bolt"


def test_stranger_that_dials_does_not_learn_who_is_invited(sponsor: Sponsor) -> None:
    sponsor.invitations = (invitation_authority(new_code("quiet-ngo"), now()),)
    # TLS lets a server say whose signatures it would accept, to anybody who begins a handshake.
    command = ["openssl", "s_client", "-connect", f"127.0.0.1:{sponsor.port}", "-alpn", "h2", "-tls1_3"]
    try:
        done = subprocess.run(command, input="", capture_output=True, text=True, timeout=20, check=False)
    except FileNotFoundError:
        pytest.skip("needs the openssl command")
    assert "No client certificate CA names sent" in done.stdout
    assert "quiet-ngo" not in done.stdout
    assert "quiet-ngo" not in load_certificate(sponsor.invitations[0]).subject.rfc4514_string()
