"""A small coalition as `members.json` names it: each member with its signing key and a leaf of its own."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import cache
from hashlib import sha256
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from symbolon.membership.acts import Admit
from symbolon.membership.certificates import (
    certificate_fingerprint,
    issue_leaf,
    load_certificate,
    make_root,
)
from symbolon.membership.due_diligence import Acceptance, DueDiligence, Vetting
from symbolon.membership.invitation_code import InvitationCode
from symbolon.membership.invitation_identity import join_proof
from symbolon.membership.member import CoalitionId, MemberId, MemberKind
from symbolon.membership.member_record import MemberRecord, Members, Role, Status
from symbolon.membership.member_statement import Renewal, public_key_sha256

COALITION = CoalitionId("clean-hands")
TERMS = "2026-1"
TODAY = date(2026, 3, 1)
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)

ACME = MemberId("acme")
BIRCH = MemberId("birch")
CEDAR = MemberId("cedar")
DELTA = MemberId("delta")


def signing_key(member_id: str) -> Ed25519PrivateKey:
    """The same at each call."""
    return Ed25519PrivateKey.from_private_bytes(sha256(member_id.encode()).digest())


def leaf(member_id: str, number: int = 0, coalition: str = COALITION) -> bytes:
    """A leaf of this member, in PEM: the same at each call, another one for each number."""
    return _leaf(member_id, number, coalition)


def leaf_key(member_id: str, number: int = 0) -> ec.EllipticCurvePublicKey:
    """The public key in that leaf."""
    secret = int.from_bytes(sha256(f"{member_id} {number}".encode()).digest()) >> 8
    return ec.derive_private_key(secret, ec.SECP256R1()).public_key()


def renewal(member_id: str, number: int = 1, beside: int = 0) -> Renewal:
    """As this member asks for the leaf of one number, while it uses that of another."""
    return Renewal(
        public_key_sha256(leaf_key(member_id, number)), certificate_fingerprint(leaf(member_id, beside))
    )


def invitation_code(member_id: str, coalition: str = COALITION) -> InvitationCode:
    """Acme's invitation of this member, open for an hour: the same at each call."""
    return InvitationCode(
        coalition=CoalitionId(coalition),
        member_id=MemberId(member_id),
        sponsor=ACME,
        endpoints=("acme.example:7443",),
        root_version=1,
        root_sha256=bytes(32),
        expires=NOW + timedelta(hours=1),
        secret=sha256(member_id.encode()).digest()[:16],
    )


def admission(record: MemberRecord, certificate_pem: bytes | None = None, replaces: bytes = b"") -> Admit:
    """As this member answers its invitation, with the keys in its entry and its leaf."""
    pem = certificate_pem or leaf(record.member_id)
    code = invitation_code(record.member_id)
    key_sha256 = public_key_sha256(load_certificate(pem).public_key())
    return Admit(record, code.stored_hash, pem, join_proof(code, key_sha256, record.signing_key), replaces)


def new_keys(member_id: str, roles: Sequence[Role] = (), number: int = 1, **changes: Any) -> Admit:
    """As a present member answers an invitation to come again: another signing key, the leaf of a number."""
    pem = leaf(member_id, number)
    keys = {
        "signing_key": signing_key(f"{member_id} {number}").public_key().public_bytes_raw(),
        "certificates": (certificate_fingerprint(pem),),
    }
    present = signing_key(member_id).public_key().public_bytes_raw()
    return admission(member(member_id, roles, **keys | changes), pem, replaces=present)


def vetting(**changes: Any) -> Vetting:
    """Done by acme a month ago, for two years."""
    made = Vetting(ACME, "A. Rao", date(2026, 2, 1), "charter, section 2", date(2028, 2, 1))
    return replace(made, **changes)


def member(member_id: str, roles: Sequence[Role] = (), **changes: Any) -> MemberRecord:
    """A company in good standing that runs a relay if it has the role."""
    made = MemberRecord(
        member_id=MemberId(member_id),
        kind=MemberKind.COMPANY,
        roles=tuple(roles),
        jurisdiction="DE",
        endpoint=f"{member_id}.example:7443",
        relays=(),
        relay_endpoint=f"relay.{member_id}.example:7444" if Role.RELAY in roles else "",
        signing_key=signing_key(member_id).public_key().public_bytes_raw(),
        certificates=(certificate_fingerprint(leaf(member_id)),),
        status=Status.ACTIVE,
        reason="",
        due_diligence=DueDiligence(
            acceptance=Acceptance(TERMS, date(2026, 2, 1), "B. Okoro"),
            vetting=vetting(),
            attested=date(2026, 2, 1),
        ),
    )
    return replace(made, **changes)


def coalition(*records: MemberRecord, **changes: Any) -> Members:
    """The members given, or else acme and birch, founders, cedar, which runs a relay, and delta."""
    founders = (Role.FOUNDER,)
    chosen = records or (
        member(ACME, founders),
        member(BIRCH, founders),
        member(CEDAR, (Role.RELAY,)),
        member(DELTA),
    )
    made = Members(
        coalition=COALITION,
        version=7,
        previous=bytes(32),
        terms_version=TERMS,
        purposes=("due-diligence", "remediation"),
        members=tuple(sorted(chosen, key=lambda record: record.member_id)),
    )
    return replace(made, **changes)


@cache
def _root(coalition: str) -> tuple[bytes, ec.EllipticCurvePrivateKey]:
    key = ec.generate_private_key(ec.SECP256R1())
    return make_root(coalition, key, NOW), key


@cache
def _leaf(member_id: str, number: int, coalition: str) -> bytes:
    root, root_key = _root(coalition)
    public_key = leaf_key(member_id, number)
    return issue_leaf(member_id, coalition, public_key, root_key=root_key, root_pem=root, now=NOW)
