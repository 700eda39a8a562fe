"""Attacks on a node's membership service: callers that ask for what is not theirs, codes used wrongly.

Every node is a process; the attackers hold real certificates, or a real code.
"""

import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from served_coalition import COALITION, FOUNDER, ServedCoalition, served_coalition
from symbolon.api.exchange.v1 import exchange_pb2
from symbolon.api.membership.v1 import membership_pb2 as pb
from symbolon.api.membership.v1 import membership_pb2_grpc as stubs
from symbolon.membership.acts import Refresh
from symbolon.membership.certificates import (
    LEAF_VALIDITY,
    certificate_fingerprint,
    leaf_names,
    spiffe_uri,
    tls_target_name,
)
from symbolon.membership.enrolment import make_leaf_key_and_csr, verify_csr
from symbolon.membership.invitation_code import InvitationCode
from symbolon.membership.invitation_identity import invited_leaf, join_proof
from symbolon.membership.member import MemberId
from symbolon.membership.member_statement import (
    Place,
    Renewal,
    Revocation,
    SignedStatement,
    encode_statement,
    public_key_sha256,
    sign_statement,
)
from symbolon.membership.members_document import members_sha256
from symbolon.membership.proposal import Proposal, encode_proposal
from symbolon.rpc.inviting import write_invitation
from symbolon.rpc.membership_codec import encode_submit
from symbolon.rpc.node import Node
from symbolon.rpc.status import CODE_KEY
from typed_member import invited

import grpc  # isort: skip - after symbolon.rpc, which sets the cipher list

BIRCH, CEDAR = MemberId("birch-ngo"), MemberId("cedar-co")
REFUSED = ("UNAUTHENTICATED", "membership")


@pytest.fixture(scope="module")
def coalition(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedCoalition]:
    with served_coalition(tmp_path_factory.mktemp("coalition"), BIRCH, CEDAR) as made:
        yield made


def outcome(call: Any) -> tuple[str, str]:
    """The status and the stable code with which a call ends."""
    try:
        answer = call()
        if hasattr(answer, "__next__"):
            for _ in answer:
                pass
    except grpc.RpcError as error:
        return error.code().name, str(dict(error.trailing_metadata() or ()).get(CODE_KEY, ""))
    return "OK", ""


def everything(channel: grpc.Channel) -> dict[str, tuple[str, str]]:
    """What one empty message to each method of the exchange and of membership ends with."""
    found = {}
    for file in (exchange_pb2, pb):
        for service in file.DESCRIPTOR.services_by_name.values():
            for method in service.methods:
                kind = "stream_stream" if method.client_streaming else "unary_unary"
                kind = "unary_stream" if method.server_streaming and not method.client_streaming else kind
                make = getattr(channel, kind)(f"/{service.full_name}/{method.name}")
                said = iter([b""]) if method.client_streaming else b""
                found[method.name] = outcome(lambda make=make, said=said: make(said, timeout=30))
    return found


def renewal_of(coalition: ServedCoalition, member: MemberId, key: ec.EllipticCurvePublicKey) -> Renewal:
    """As a member asks for a certificate beside the one that it uses."""
    return Renewal(public_key_sha256(key), certificate_fingerprint(coalition[member].credentials[1]))


def own_statement(coalition: ServedCoalition, member: MemberId, asks: Place | Renewal) -> SignedStatement:
    """A statement that a member makes about itself, on what it holds."""
    with Node(coalition[member].home) as node:
        return sign_statement(node.coalition.state().members, member, asks, node.signing_key)


# Who may call what


def test_invited_caller_that_calls_what_members_call_is_refused(coalition: ServedCoalition) -> None:
    code = InvitationCode.decode(coalition[FOUNDER].invite("guest-co"))
    with coalition[FOUNDER].channel(invited_leaf(code, datetime.now(UTC))) as channel:
        found = everything(channel)
    assert len(found) >= 10
    # The two that are its own: answered, and refused for what it did not say.
    assert found.pop("GetMetadata") == ("OK", "")
    assert found.pop("Join") == ("INVALID_ARGUMENT", "protocol.malformed")
    assert {"Ask", "Offer", "Propose", "Renew", "Submit", "Announce", "CheckBack"} <= set(found)
    assert set(found.values()) == {REFUSED}
    assert coalition[FOUNDER].members().find("guest-co") is None


def test_invited_caller_at_another_node_than_its_sponsors_fails_in_the_handshake(
    coalition: ServedCoalition,
) -> None:
    code = InvitationCode.decode(coalition[FOUNDER].invite("stray-co"))
    coalition[BIRCH].quick("coalition", "sync")
    coalition[BIRCH].serve()
    try:
        with coalition[BIRCH].channel(invited_leaf(code, datetime.now(UTC))) as channel:
            assert set(everything(channel).values()) == {("UNAVAILABLE", "")}
        with coalition[BIRCH].channel(coalition[CEDAR].credentials) as channel:
            assert everything(channel)["GetMetadata"] == ("OK", "")
    finally:
        coalition[BIRCH].stop()


def test_member_that_calls_join_or_what_founders_call_is_refused(coalition: ServedCoalition) -> None:
    with coalition[FOUNDER].channel(coalition[BIRCH].credentials) as channel:
        found = everything(channel)
    assert found["Join"] == REFUSED
    assert found["Propose"] == ("FAILED_PRECONDITION", "membership.malformed")
    assert found["Invite"] == ("FAILED_PRECONDITION", "membership.founder")
    # Its own: answered, or refused for what it did not say.
    assert found["GetMetadata"] == found["Announce"] == found["CheckBack"] == ("OK", "")
    assert found["Renew"] == found["Submit"] == ("INVALID_ARGUMENT", "protocol.malformed")
    assert "a caller was refused: membership.duplicate" in coalition[FOUNDER].log.read_text()


def test_member_that_proposes_to_a_founder_is_refused(coalition: ServedCoalition) -> None:
    with Node(coalition[FOUNDER].home) as node:
        members, now = node.coalition.state().members, node.now.replace(microsecond=0)
    proposal = Proposal(
        coalition=members.coalition,
        base=members_sha256(members),
        version=members.version + 1,
        made=now,
        posed=now,
        # What a founder's node would sign for another founder without asking anybody.
        acts=(Refresh(),),
    )
    request = pb.ProposeRequest(proposal=encode_proposal(proposal), sign=True)
    with coalition[FOUNDER].channel(coalition[BIRCH].credentials) as channel:
        refused = outcome(lambda: stubs.MembershipServiceStub(channel).Propose(request, timeout=30))
    assert refused == ("FAILED_PRECONDITION", "membership.founder")
    with Node(coalition[FOUNDER].home) as node:
        assert node.founding.waiting() == []
    assert coalition[FOUNDER].members() == members


def test_member_that_makes_itself_a_new_invitation_answer_is_refused(coalition: ServedCoalition) -> None:
    """A member's certificate says who it is; `Join` is for who has a code, whatever the request proves."""
    code = InvitationCode.decode(coalition[FOUNDER].invite("double-co"))
    made = make_leaf_key_and_csr("double-co", code.coalition)
    public_key = verify_csr(made.csr_pem, "double-co", code.coalition)
    signing_key = Ed25519PrivateKey.generate().public_key().public_bytes_raw()
    request = pb.JoinRequest(
        csr_pem=made.csr_pem,
        signing_key=signing_key,
        endpoint="127.0.0.1:1",
        acceptance=pb.Acceptance(terms_version="1", on="2026-01-01", person="x"),
        attested_on="2026-01-01",
        proof=join_proof(code, public_key_sha256(public_key), signing_key),
    )
    with coalition[FOUNDER].channel(coalition[BIRCH].credentials) as channel:
        assert outcome(lambda: stubs.MembershipServiceStub(channel).Join(request, timeout=30)) == REFUSED
    assert coalition[FOUNDER].members().find("double-co") is None


# Statements


def test_statement_of_another_member_handed_in_is_refused(coalition: ServedCoalition) -> None:
    version = coalition[FOUNDER].members().version
    made = make_leaf_key_and_csr(CEDAR, coalition[FOUNDER].members().coalition)
    public_key = verify_csr(made.csr_pem, CEDAR, coalition[FOUNDER].members().coalition)
    move = own_statement(coalition, CEDAR, Place("127.0.0.1:9", (), ""))
    renewal = own_statement(coalition, CEDAR, renewal_of(coalition, CEDAR, public_key))
    asked = pb.RenewRequest(
        csr_pem=made.csr_pem, statement=encode_statement(renewal.statement), signature=renewal.signature
    )
    with coalition[FOUNDER].channel(coalition[BIRCH].credentials) as channel:
        stub = stubs.MembershipServiceStub(channel)
        for call in (
            lambda: stub.Submit(encode_submit(move), timeout=30),
            lambda: stub.Renew(asked, timeout=30),
        ):
            assert outcome(call) == ("FAILED_PRECONDITION", "membership.statement.member")
    assert coalition[FOUNDER].members().version == version
    # The control: the same statement, handed in by whose it is.
    with coalition[FOUNDER].channel(coalition[CEDAR].credentials) as channel:
        stub = stubs.MembershipServiceStub(channel)
        assert not stub.Submit(encode_submit(move), timeout=30).pending
        # Twice is once too often: the entry it was made on is gone.
        again = outcome(lambda: stub.Submit(encode_submit(move), timeout=30))
        assert again == ("FAILED_PRECONDITION", "membership.statement.stale")
    moved = coalition[FOUNDER].members().find(CEDAR)
    assert moved is not None
    assert moved.endpoint == "127.0.0.1:9"
    assert coalition[FOUNDER].members().version == version + 1


def test_statement_signed_by_another_key_than_the_members_is_refused(coalition: ServedCoalition) -> None:
    """Who stole a certificate's key alone cannot speak for the member."""
    members = coalition[FOUNDER].members()
    forged = sign_statement(members, BIRCH, Place("127.0.0.1:9", (), ""), Ed25519PrivateKey.generate())
    with coalition[FOUNDER].channel(coalition[BIRCH].credentials) as channel:
        stub = stubs.MembershipServiceStub(channel)
        refused = outcome(lambda: stub.Submit(encode_submit(forged), timeout=30))
    assert refused == ("FAILED_PRECONDITION", "membership.statement.signature")
    assert coalition[FOUNDER].members() == members


def test_thief_of_a_leaf_key_without_the_signing_key_cannot_have_the_members_own_certificate_refused(
    coalition: ServedCoalition,
) -> None:
    """It would renew for a key of its own, then leave only that certificate."""
    members = coalition[FOUNDER].members()
    stolen = certificate_fingerprint(coalition[BIRCH].credentials[1])
    made = make_leaf_key_and_csr(BIRCH, members.coalition)
    asks = renewal_of(coalition, BIRCH, verify_csr(made.csr_pem, BIRCH, members.coalition))
    own = Ed25519PrivateKey.generate()
    renew = sign_statement(members, BIRCH, asks, own)
    revoke = sign_statement(members, BIRCH, Revocation(stolen), own)
    asked = pb.RenewRequest(
        csr_pem=made.csr_pem, statement=encode_statement(renew.statement), signature=renew.signature
    )
    with coalition[FOUNDER].channel(coalition[BIRCH].credentials) as channel:
        stub = stubs.MembershipServiceStub(channel)
        for call in (
            lambda: stub.Renew(asked, timeout=30),
            lambda: stub.Submit(encode_submit(revoke), timeout=30),
        ):
            assert outcome(call) == ("FAILED_PRECONDITION", "membership.statement.signature")
    assert coalition[FOUNDER].members() == members


def test_renewal_request_for_the_name_of_another_member_is_refused(coalition: ServedCoalition) -> None:
    made = make_leaf_key_and_csr(CEDAR, coalition[FOUNDER].members().coalition)
    public_key = verify_csr(made.csr_pem, CEDAR, coalition[FOUNDER].members().coalition)
    own = own_statement(coalition, BIRCH, renewal_of(coalition, BIRCH, public_key))
    asked = pb.RenewRequest(
        csr_pem=made.csr_pem, statement=encode_statement(own.statement), signature=own.signature
    )
    with coalition[FOUNDER].channel(coalition[BIRCH].credentials) as channel:
        refused = outcome(lambda: stubs.MembershipServiceStub(channel).Renew(asked, timeout=30))
    assert refused == ("FAILED_PRECONDITION", "membership.request.names")


# Requests for certificates


def request_for(
    member: str, *more: tuple[x509.ExtensionType, bool]
) -> tuple[bytes, ec.EllipticCurvePublicKey]:
    """A signing request for a new key, for the names of a member and whatever else."""
    key = ec.generate_private_key(ec.SECP256R1())
    builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([]))
    builder = builder.add_extension(leaf_names(member, COALITION), critical=False)
    for extension, critical in more:
        builder = builder.add_extension(extension, critical)
    csr = builder.sign(key, hashes.SHA256())
    return csr.public_bytes(serialization.Encoding.PEM), key.public_key()


def join_request(
    code: InvitationCode, csr_pem: bytes, public_key: ec.EllipticCurvePublicKey, **proved: str
) -> pb.JoinRequest:
    """What who holds a code asks; the proof may be for another member."""
    signing_key = Ed25519PrivateKey.generate().public_key().public_bytes_raw()
    today = datetime.now(UTC).date().isoformat()
    return pb.JoinRequest(
        csr_pem=csr_pem,
        signing_key=signing_key,
        endpoint="127.0.0.1:1",
        acceptance=pb.Acceptance(terms_version="1", on=today, person="Carol"),
        attested_on=today,
        proof=join_proof(replace(code, **proved), public_key_sha256(public_key), signing_key),  # type: ignore[arg-type]
    )


AUTHORITY = (
    (x509.BasicConstraints(ca=True, path_length=None), True),
    (
        x509.KeyUsage(
            digital_signature=True, key_cert_sign=True, crl_sign=True, content_commitment=False,
            key_encipherment=False, data_encipherment=False, key_agreement=False, encipher_only=False,
            decipher_only=False,
        ),
        True,
    ),
    (x509.NameConstraints([x509.DNSName("symbolon")], None), False),
)  # fmt: skip
"""What a request would say to become an authority."""


def test_code_of_one_member_used_with_a_request_for_another_is_refused(coalition: ServedCoalition) -> None:
    code = InvitationCode.decode(coalition[FOUNDER].invite("one-co"))
    other = InvitationCode.decode(coalition[FOUNDER].invite("other-co"))
    with coalition[FOUNDER].channel(invited_leaf(code, datetime.now(UTC))) as channel:
        stub = stubs.MembershipServiceStub(channel)

        def joined(request: pb.JoinRequest) -> tuple[str, str]:
            return outcome(lambda: stub.Join(request, timeout=30))

        for wanted in ("other-co", FOUNDER, BIRCH):
            csr, key = request_for(wanted)
            for request in (join_request(code, csr, key), join_request(code, csr, key, member_id=wanted)):
                assert joined(request) == ("FAILED_PRECONDITION", "membership.request.names")
        # Its own names, and the proof of the other's code, or of the same code for the other.
        csr, key = request_for("one-co")
        wrong = (join_request(other, csr, key), join_request(code, csr, key, member_id="other-co"))
        for request in wrong:
            assert joined(request) == ("FAILED_PRECONDITION", "membership.invitation.proof")
        # A proof for one key, and a request for another.
        right, (elsewhere, _) = join_request(code, csr, key), request_for("one-co")
        right.csr_pem = elsewhere
        assert joined(right) == ("FAILED_PRECONDITION", "membership.invitation.proof")
        assert not {"one-co", "other-co"} & {each.member_id for each in coalition[FOUNDER].members().members}
        assert joined(join_request(code, csr, key)) == ("OK", "")
    assert coalition[FOUNDER].members().find("one-co") is not None


@pytest.mark.parametrize("more", ["a second URI", "another member's DNS name", "an address"])
def test_request_for_further_names_is_refused(coalition: ServedCoalition, more: str) -> None:
    code = InvitationCode.decode(coalition[FOUNDER].invite(f"named-{len(more)}"))
    extra: x509.GeneralName = {
        "a second URI": x509.UniformResourceIdentifier(spiffe_uri(FOUNDER, COALITION)),
        "another member's DNS name": x509.DNSName(tls_target_name(FOUNDER, COALITION)),
        "an address": x509.IPAddress(ip_address("127.0.0.1")),
    }[more]
    key = ec.generate_private_key(ec.SECP256R1())
    names = x509.SubjectAlternativeName([*leaf_names(code.member_id, COALITION), extra])
    builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([]))
    csr = builder.add_extension(names, critical=False).sign(key, hashes.SHA256())
    request = join_request(code, csr.public_bytes(serialization.Encoding.PEM), key.public_key())
    with coalition[FOUNDER].channel(invited_leaf(code, datetime.now(UTC))) as channel:
        refused = outcome(lambda: stubs.MembershipServiceStub(channel).Join(request, timeout=30))
    assert refused == ("FAILED_PRECONDITION", "membership.request.names")
    assert coalition[FOUNDER].members().find(code.member_id) is None


def test_request_for_an_authority_gives_a_members_leaf_and_no_more(coalition: ServedCoalition) -> None:
    code = InvitationCode.decode(coalition[FOUNDER].invite("king-co"))
    csr, key = request_for("king-co", *AUTHORITY)
    with coalition[FOUNDER].channel(invited_leaf(code, datetime.now(UTC))) as channel:
        joined = stubs.MembershipServiceStub(channel).Join(join_request(code, csr, key), timeout=30)
    coalition[CEDAR].quick("coalition", "sync", FOUNDER)
    csr, key = request_for(CEDAR, *AUTHORITY)
    renewal = own_statement(coalition, CEDAR, renewal_of(coalition, CEDAR, key))
    asked = pb.RenewRequest(
        csr_pem=csr, statement=encode_statement(renewal.statement), signature=renewal.signature
    )
    with coalition[FOUNDER].channel(coalition[CEDAR].credentials) as channel:
        renewed = stubs.MembershipServiceStub(channel).Renew(asked, timeout=30)
    for member, answer in (("king-co", joined), (CEDAR, renewed)):
        leaf = x509.load_pem_x509_certificate(answer.certificate_pem)
        assert not leaf.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
        assert not leaf.extensions.get_extension_for_class(x509.KeyUsage).value.key_cert_sign
        names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        assert names == leaf_names(member, COALITION)
        assert leaf.not_valid_after_utc <= datetime.now(UTC) + LEAF_VALIDITY
        with pytest.raises(x509.ExtensionNotFound):
            leaf.extensions.get_extension_for_class(x509.NameConstraints)


# Codes


def test_code_that_is_guessed_ends_in_the_handshake(coalition: ServedCoalition) -> None:
    code = InvitationCode.decode(coalition[FOUNDER].invite("guessed-co"))
    guess = replace(code, secret=bytes(15) + b"\1")
    told = coalition["guessed-co"].join(guess.encode(), code=75)
    assert "handshake" in told
    assert "hint: " in told
    assert coalition[FOUNDER].members().find("guessed-co") is None
    # The code itself is still good.
    coalition["guessed-co"].quick_join(code.encode())
    assert coalition[FOUNDER].members().find("guessed-co") is not None


def test_code_that_came_too_late_ends_at_the_joiner_and_in_the_handshake(coalition: ServedCoalition) -> None:
    with Node(coalition[FOUNDER].home) as node:
        code = write_invitation(node, invited("late-co", node.now.date(), timedelta(seconds=5)))
    leaf = invited_leaf(code, datetime.now(UTC))
    with coalition[FOUNDER].channel(leaf) as channel:
        assert everything(channel)["GetMetadata"] == ("OK", "")
        time.sleep(max(0.0, (code.expires - datetime.now(UTC)).total_seconds()) + 1)
        # The connection was open in time; the code is not any more.
        assert set(everything(channel).values()) == {REFUSED}
    # Its holder ignores the end that the code names, and makes itself another leaf.
    forged = invited_leaf(replace(code, expires=code.expires + timedelta(hours=1)), datetime.now(UTC))
    with coalition[FOUNDER].channel(forged) as channel:
        assert set(everything(channel).values()) == {("UNAVAILABLE", "")}
    told = coalition["late-co"].join(code.encode(), code=77)
    assert "ended" in told
    assert "clock" in told
    assert coalition[FOUNDER].members().find("late-co") is None


def test_code_that_is_used_twice_admits_once_and_tells_both_ends(coalition: ServedCoalition) -> None:
    code, joiner = coalition[FOUNDER].invite("twice-co"), coalition["twice-co"]
    joiner.quick_join(code)
    before = coalition[FOUNDER].members().find("twice-co")
    told = coalition["thief"].join(code, code=77)
    assert "membership.invitation.used" in told
    assert "hint: " in told
    assert coalition[FOUNDER].members().find("twice-co") == before
    assert "membership.invitation.used" in coalition[FOUNDER].log.read_text()
    # Who joined first is not harmed, nor by its own second attempt.
    assert "has joined already" in joiner.join(code)
    assert coalition[FOUNDER].members().find("twice-co") == before
    joiner.quick("coalition", "sync", FOUNDER)
    with coalition[FOUNDER].channel(joiner.credentials) as channel:
        assert everything(channel)["GetMetadata"] == ("OK", "")


def test_code_of_an_expelled_member_admits_nobody(coalition: ServedCoalition) -> None:
    code = coalition[FOUNDER].invite("former-co")
    coalition["former-co"].quick_join(code)
    coalition[FOUNDER].quick("coalition", "expel", "former-co", "--reason", "sold data")
    told = coalition["returned"].join(code, code=(75, 77))
    assert "hint: " in told
    assert coalition[FOUNDER].members().find("former-co") is None
    assert coalition[FOUNDER].members().is_expelled("former-co")
    vetting = ("--jurisdiction", "KE", "--vetted-by", "Ben", "--criteria", "x")
    refused = coalition[FOUNDER].run("coalition", "invite", "former-co", *vetting, code=77)
    assert "hint: " in refused.stderr
