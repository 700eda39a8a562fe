"""Messages that name what is somebody else's, or what does not exist: one for each id in a request.

Each is well-formed and, but for the id, what its caller may send. What it must end with stands beside it.
"""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from processes import wait_until
from raw_peer import hello
from raw_receipts import Signer
from real_nodes import ALPHA, BETA
from rpc_scene import (
    AUDITOR,
    EXPELLED,
    NGO,
    NODE_FOLDER,
    OTHER_INVITED,
    SECOND,
    UNAGREED,
    Method,
    Outcome,
    Scene,
    called,
)
from signal_makers import make_signal
from signal_nodes import RECORD_CONTEXT
from symbolon.api.audit.v1 import audit_pb2 as audit
from symbolon.api.exchange.v1 import exchange_pb2 as exchange
from symbolon.api.membership.v1 import membership_pb2 as membership
from symbolon.api.policy.v1 import policy_pb2 as policy
from symbolon.api.relay.v1 import relay_pb2 as relay
from symbolon.api.signal.v1 import signal_pb2 as signal
from symbolon.audit.checkpoint import Checkpoint, log_origin, sign_checkpoint
from symbolon.audit.merkle import EMPTY_ROOT
from symbolon.audit.witness import add_checkpoint_body
from symbolon.cli.local_coalition import COALITION, PURPOSE
from symbolon.cli.local_founder import FOUNDER
from symbolon.membership.act_review import InvitationTerms
from symbolon.membership.acts import Act, Amend, Refresh, Suspend
from symbolon.membership.agreement import Agreement, encode_agreement, sign_agreement
from symbolon.membership.certificates import certificate_fingerprint
from symbolon.membership.due_diligence import Vetting
from symbolon.membership.enrolment import make_leaf_key_and_csr, verify_csr
from symbolon.membership.invitation_code import InvitationCode
from symbolon.membership.invitation_identity import invitation_key, join_proof
from symbolon.membership.invitation_terms import encode_invitation_terms
from symbolon.membership.member import CoalitionId, MemberId, MemberKind
from symbolon.membership.member_record import Members
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
from symbolon.rpc.membership_codec import encode_submit
from symbolon.signals.record_codec import encode_signal

NOWHERE: Final = "nobody-co"
"""A member id that was never given."""

_OTHERS: Final = Place("127.0.0.1:9", (), "")


@dataclass(frozen=True, slots=True)
class Probe:
    """One message with an id that is not its caller's.

    Attributes:
        method: as in `rpc_matrix`.
        role: who sends it.
        what: the attack, for people.
        ids: the fields that hold the id, paths within the request.
        make: makes the message; what it prepares is no part of the attack.
        ends: what the call must end with. `OK` is for what is documented to be harmless.
        leaves: what may be other than before all the same, named as in `Scene.held`.
    """

    method: str
    role: str
    what: str
    ids: tuple[str, ...]
    make: Callable[[Scene], Any]
    ends: Outcome
    leaves: frozenset[str] = frozenset()

    def __str__(self) -> str:
        return f"{self.method.rpartition('/')[2]}-{self.what.replace(' ', '-')}"


# exchange


class _WithAnothersLog(Signer):
    """Signs for its member, and shows the log of `BETA` as its own."""

    def _checkpoint(self) -> str:
        return Signer(self._file.parent.parent / BETA, COALITION, BETA, FOUNDER)._checkpoint()


def _session_of_another(scene: Scene) -> Any:
    """A hello with the session id that another member used, in a session that is over."""
    used = os.urandom(16)
    said = _ask(scene, by=BETA, session_id=used)
    method = Method("/symbolon.api.exchange.v1.ExchangeService/Ask", "stream_stream")
    assert called(scene.channel("node", BETA), method, said.SerializeToString()) == ("OK", "")
    sql = "SELECT count(*) AS n FROM exchange_session WHERE state = 'open'"
    wait_until(lambda: scene.nodes.query(NODE_FOLDER, sql)[0].n == 0, "the end of the session")
    return _ask(scene, session_id=used)


def _ask(
    scene: Scene,
    *,
    own: str = "",
    by: str = ALPHA,
    signer: Callable[[Path, str, str, str], Signer] = Signer,
    **fields: Any,
) -> Any:
    """A hello, signed by a member with its own key, or in the name of another one."""
    said = signer(scene.nodes.home(by), COALITION, own or by, FOUNDER).hello(hello(**fields))
    return exchange.AskRequest(message=exchange.ReceiverMessage(hello=said))


def _offer(purpose: str) -> Any:
    wanted = exchange.Invitation(mode="intersection", purpose=purpose, tiers=["A"])
    return exchange.OfferRequest(invitation=wanted)


# membership


def _signed(
    scene: Scene,
    asks: Any = _OTHERS,
    *,
    member: str = ALPHA,
    by: str = ALPHA,
    members: Members | None = None,
) -> SignedStatement:
    return sign_statement(members or scene.members, MemberId(member), asks, scene.signing_key(by))


def own_statement(scene: Scene) -> Any:
    """What a member may submit: that it moves."""
    return encode_submit(_signed(scene, member=NGO, by=NGO))


def _earlier(members: Members) -> Members:
    """The members with another entry of `ALPHA`, as it may have been."""
    records = (
        replace(each, changed=each.changed + 1) if each.member_id == ALPHA else each
        for each in members.members
    )
    return replace(members, members=tuple(records))


def _elsewhere(members: Members) -> Members:
    return replace(members, coalition=CoalitionId("other-coalition"))


def _listed(scene: Scene, member: str) -> bytes:
    return certificate_fingerprint(scene.nodes.credentials(member)[1])


def _renew(
    scene: Scene,
    *,
    named: str = ALPHA,
    beside: str = ALPHA,
    of: Callable[[Members], Members] = lambda members: members,
    **signed: Any,
) -> Any:
    made = make_leaf_key_and_csr(named, COALITION)
    key = verify_csr(made.csr_pem, MemberId(named), COALITION)
    asks = Renewal(public_key_sha256(key), _listed(scene, beside))
    statement = _signed(scene, asks, members=of(scene.members), **signed)
    return membership.RenewRequest(
        csr_pem=made.csr_pem, statement=encode_statement(statement.statement), signature=statement.signature
    )


def _join(
    scene: Scene,
    *,
    named: str = "",
    proves: Callable[[Scene], InvitationCode] = lambda scene: scene.code,
    signing_key: Callable[[Scene], bytes] = lambda _: (
        Ed25519PrivateKey.generate().public_key().public_bytes_raw()
    ),
    relays: tuple[str, ...] = (),
    terms: str = "1",
) -> Any:
    code, today = proves(scene), datetime.now(UTC).date().isoformat()
    named = named or scene.code.member_id
    made = make_leaf_key_and_csr(named, COALITION)
    key: ec.EllipticCurvePublicKey = verify_csr(made.csr_pem, MemberId(named), COALITION)
    own = signing_key(scene)
    return membership.JoinRequest(
        csr_pem=made.csr_pem,
        signing_key=own,
        endpoint="" if relays else "127.0.0.1:1",
        relays=relays,
        acceptance=membership.Acceptance(terms_version=terms, on=today, person="Carol"),
        attested_on=today,
        proof=join_proof(code, public_key_sha256(key), own),
    )


def _propose(scene: Scene, *acts: Act, **changes: Any) -> Any:
    members, now = scene.members, scene.node.now.replace(microsecond=0)
    proposal = Proposal(
        coalition=members.coalition,
        base=members_sha256(members),
        version=members.version + 1,
        made=now,
        posed=now,
        acts=acts or (Refresh(),),
    )
    return membership.ProposeRequest(proposal=encode_proposal(replace(proposal, **changes)), sign=True)


def _invite(scene: Scene, *, sha256: bytes = bytes(32), by: str = SECOND, coalition: str = COALITION) -> Any:
    now = scene.node.now.replace(microsecond=0)
    today = now.date()
    terms = InvitationTerms(
        coalition=CoalitionId(coalition),
        member_id=MemberId("mallory-co"),
        kind=MemberKind.COMPANY,
        roles=(),
        jurisdiction="DE",
        vetting=Vetting(MemberId(by), "Mallory", today, "none", today + timedelta(days=300)),
        expires=now + timedelta(days=1),
        invitation_key=invitation_key(scene.other_code),
    )
    return membership.InviteRequest(invitation_sha256=sha256, terms=encode_invitation_terms(terms))


def _withdraw(sha256: bytes) -> Any:
    return membership.InviteRequest(invitation_sha256=sha256, withdrawn=True)


# relay


def _agree(scene: Scene, one: MemberId, other: MemberId, *, by: str = ALPHA) -> Any:
    """An agreement of two members for a month from today, with the signature of one member's key."""
    today = datetime.now(UTC).date()
    made = Agreement(
        CoalitionId(COALITION),
        (min(one, other), max(one, other)),
        (PURPOSE,),
        today,
        today + timedelta(days=30),
        os.urandom(16),
    )
    signature = sign_agreement(made, scene.signing_key(by))
    return policy.AgreeRequest(document=encode_agreement(made), signature=signature)


def _connect(member: str) -> Any:
    return relay.ConnectRequest(target=relay.Target(member=member))


def _accept(connection_id: bytes) -> Any:
    return relay.AcceptRequest(ticket=relay.Ticket(connection_id=connection_id))


# signals


def _narrative(signal_id: bytes, purpose: str = PURPOSE) -> Any:
    return signal.GetNarrativeRequest(signal_id=signal_id, purpose=purpose, revision=1)


def _contest(signal_id: bytes, purpose: str = PURPOSE) -> Any:
    said = {"kind": "contest", "text": "That was somebody else.", "relayed_on": "2026-11-02"}
    return signal.ContestRequest(signal_id=signal_id, purpose=purpose, **said)


def _corroborate(signal_id: bytes, purpose: str = PURPOSE) -> Any:
    return signal.CorroborateRequest(signal_id=signal_id, purpose=purpose)


def _uncorroborate(signal_id: bytes, purpose: str = PURPOSE) -> Any:
    return signal.WithdrawRequest(signal_id=signal_id, purpose=purpose)


def _entrust(scene: Scene, *, by: str, shown_as: str = "publisher") -> Any:
    """A revision, in the name of whoever calls, signed by the key of one."""
    document = encode_signal(make_signal())
    signature = scene.signing_key(by).sign(RECORD_CONTEXT + document)
    return signal.EntrustRequest(document=document, signature=signature, shown_as=shown_as)


def _about_signals() -> Iterator[Probe]:
    """For each question about a signal: one of nobody, one that another was given, a purpose of nobody."""
    questions: tuple[tuple[str, Callable[..., Any]], ...] = (
        ("GetNarrative", _narrative),
        ("Contest", _contest),
        ("Corroborate", _corroborate),
        ("Withdraw", _uncorroborate),
    )
    for name, make in questions:
        messages: tuple[tuple[str, str, str, Callable[[Scene], Any]], ...] = (
            ("firm", "signal of nobody", "signal_id", lambda _, make=make: make(bytes(16))),
            ("firm", "signal of another", "signal_id", lambda s, make=make: make(s.given_to_another)),
            (BETA, "purpose of nobody", "purpose", lambda s, make=make: make(s.given_to_another, UNAGREED)),
        )
        for role, what, path, message in messages:
            yield Probe(_OF_SIGNALS + name, role, what, (path,), message, _denied())


def _checkpoint(scene: Scene, of: str, *, by: str, coalition: str = COALITION) -> Any:
    """A checkpoint of a member's log, signed by the key of one."""
    origin = log_origin(CoalitionId(coalition), MemberId(of))
    note = sign_checkpoint(Checkpoint(origin, 0, EMPTY_ROOT), scene.signing_key(by))
    return audit.AddCheckpointRequest(body=add_checkpoint_body(0, (), note))


_WITNESS, _HOLDS = "audit.v1.WitnessService/AddCheckpoint", "audit.v1.WitnessService/GetCheckpoint"
_ASK, _OFFER = "exchange.v1.ExchangeService/Ask", "exchange.v1.ExchangeService/Offer"
_OF_MEMBERS = "membership.v1.MembershipService/"
_METADATA, _JOIN, _RENEW = _OF_MEMBERS + "GetMetadata", _OF_MEMBERS + "Join", _OF_MEMBERS + "Renew"
_SUBMIT, _ANNOUNCE = _OF_MEMBERS + "Submit", _OF_MEMBERS + "Announce"
_PROPOSE, _INVITE = _OF_MEMBERS + "Propose", _OF_MEMBERS + "Invite"
_OF_SIGNALS = "signal.v1.SignalService/"
_AGREE, _END = "policy.v1.PolicyService/Agree", "policy.v1.PolicyService/Withdraw"
_CONNECT, _ACCEPT = "relay.v1.RelayService/Connect", "relay.v1.RelayService/Accept"

_OK: Final = ("OK", "")


def _breaks(code: str) -> Outcome:
    """A known caller's request that breaks a rule of membership."""
    return "FAILED_PRECONDITION", f"membership.{code}"


def _says(code: str) -> Outcome:
    return "INVALID_ARGUMENT", f"protocol.{code}"


def _denied(code: str = "denied") -> Outcome:
    return "PERMISSION_DENIED", f"permission.{code}"


_HELLO = "message.hello."
_SHOWN: Final = frozenset({"node: table audit_document", "node: table audit_shown"})
"""What the caller signed, which the log of refusals refers to, and how far the caller's own log is."""

_STATED = ("statement",)
_SIGNED = ("statement", "signature")

PROBES: Final = (
    Probe(_ASK, "ngo", "of whom nothing is permitted", (), lambda s: _ask(s, by=NGO), _denied(), _SHOWN),
    Probe(_ASK, "audit", "as auditor", (), lambda s: _ask(s, by=AUDITOR), _denied(), _SHOWN),
    # A permitted hello begins the caller's own key epoch, whatever becomes of the session.
    Probe(_ASK, "firm", "session of another", (_HELLO + "session_id",), _session_of_another, _says("session"),
          _SHOWN | {"node: table key_epoch"}),
    Probe(_ASK, "firm", "another coalition", (_HELLO + "coalition",),
          lambda s: _ask(s, coalition="other-coalition"), _says("context"), _SHOWN),
    Probe(_ASK, "firm", "an epoch of nobody", (_HELLO + "epoch",),
          lambda s: _ask(s, epoch=7), ("FAILED_PRECONDITION", "protocol.stale_epoch"), _SHOWN),
    Probe(_ASK, "firm", "a purpose of nobody", (_HELLO + "purpose",),
          lambda s: _ask(s, purpose=UNAGREED), _denied("purpose"), _SHOWN),
    Probe(_ASK, "firm", "request of another", (_HELLO + "request.signature",),
          lambda s: _ask(s, by=BETA), _says("receipt")),
    Probe(_ASK, "firm", "key of another", (_HELLO + "request.signature",),
          lambda s: _ask(s, own=ALPHA, by=BETA), _says("receipt")),
    Probe(_ASK, "firm", "log of another", (_HELLO + "request.checkpoint",),
          lambda s: _ask(s, signer=_WithAnothersLog), _says("receipt")),
    Probe(_OFFER, "ngo", "of whom nothing is permitted", (), lambda _: _offer(PURPOSE), _denied()),
    Probe(_OFFER, "firm", "a purpose of nobody", ("invitation.purpose",),
          lambda _: _offer(UNAGREED), _denied("purpose")),
    # Nothing comes where nothing is newer.
    Probe(_METADATA, "firm", "versions to come", ("root_version", "timestamp_version"),
          lambda _: membership.GetMetadataRequest(root_version=2**40, timestamp_version=2**40), _OK),
    Probe(_JOIN, "guest", "id of a member", ("csr_pem",),
          lambda s: _join(s, named=ALPHA), _breaks("request.names")),
    Probe(_JOIN, "guest", "id of another guest", ("csr_pem",),
          lambda s: _join(s, named=OTHER_INVITED), _breaks("request.names")),
    Probe(_JOIN, "guest", "id and proof of another guest", ("csr_pem", "proof"),
          lambda s: _join(s, named=OTHER_INVITED, proves=lambda s: s.other_code), _breaks("request.names")),
    Probe(_JOIN, "guest", "proof of another guest", ("proof",),
          lambda s: _join(s, proves=lambda s: s.other_code), _breaks("invitation.proof")),
    Probe(_JOIN, "guest", "signing key of a member", ("signing_key",),
          lambda s: _join(s, signing_key=lambda s: s.signing_key(ALPHA).public_key().public_bytes_raw()),
          _breaks("duplicate")),
    Probe(_JOIN, "guest", "relay that is none", ("relays",),
          lambda s: _join(s, relays=(ALPHA,)), _breaks("act.relay")),
    Probe(_JOIN, "guest", "relay of nobody", ("relays",),
          lambda s: _join(s, relays=(NOWHERE,)), _breaks("act.relay")),
    Probe(_JOIN, "guest", "terms of nobody", ("acceptance.terms_version",),
          lambda s: _join(s, terms="9"), _breaks("lapsed.terms")),
    Probe(_RENEW, "firm", "all of another", ("csr_pem", *_SIGNED),
          lambda s: _renew(s, named=BETA, beside=BETA, member=BETA, by=BETA), _breaks("statement.member")),
    Probe(_RENEW, "lapse", "all of another by a lapsed member", ("csr_pem", *_SIGNED),
          lambda s: _renew(s, named=BETA, beside=BETA, member=BETA, by=BETA), _breaks("statement.member")),
    Probe(_RENEW, "firm", "name of another", ("csr_pem",),
          lambda s: _renew(s, named=BETA), _breaks("request.names")),
    Probe(_RENEW, "firm", "key of another", ("signature",),
          lambda s: _renew(s, by=BETA), _breaks("statement.signature")),
    Probe(_RENEW, "firm", "another coalition", _STATED,
          lambda s: _renew(s, of=_elsewhere), _breaks("statement.coalition")),
    Probe(_RENEW, "firm", "another entry", _STATED,
          lambda s: _renew(s, of=_earlier), _breaks("statement.stale")),
    Probe(_RENEW, "firm", "beside another's", _STATED,
          lambda s: _renew(s, beside=BETA), _breaks("act.certificate")),
    Probe(_SUBMIT, "firm", "statement of another", _SIGNED,
          lambda s: encode_submit(_signed(s, member=BETA, by=BETA)), _breaks("statement.member")),
    Probe(_SUBMIT, "found", "statement of another by a founder", _SIGNED,
          lambda s: encode_submit(_signed(s, member=BETA, by=BETA)), _breaks("statement.member")),
    Probe(_SUBMIT, "firm", "id of another", _STATED,
          lambda s: encode_submit(_signed(s, member=BETA)), _breaks("statement.member")),
    Probe(_SUBMIT, "firm", "key of another", ("signature",),
          lambda s: encode_submit(_signed(s, by=BETA)), _breaks("statement.signature")),
    Probe(_SUBMIT, "firm", "another coalition", _STATED,
          lambda s: encode_submit(_signed(s, members=_elsewhere(s.members))), _breaks("statement.coalition")),
    Probe(_SUBMIT, "firm", "another entry", _STATED,
          lambda s: encode_submit(_signed(s, members=_earlier(s.members))), _breaks("statement.stale")),
    Probe(_SUBMIT, "firm", "certificate of another", _STATED,
          lambda s: encode_submit(_signed(s, Revocation(_listed(s, BETA)))), _breaks("act.certificate")),
    Probe(_SUBMIT, "firm", "relay of nobody", _STATED,
          lambda s: encode_submit(_signed(s, Place("", (MemberId(NOWHERE),), ""))), _breaks("act.relay")),
    # The called node asks the caller, who has nothing newer, and believes nobody.
    Probe(_ANNOUNCE, "firm", "a version to come", ("timestamp_version",),
          lambda _: membership.AnnounceRequest(timestamp_version=2**40), _OK),
    Probe(_PROPOSE, "firm", "as no founder", ("proposal",), lambda s: _propose(s), _breaks("founder")),
    Probe(_PROPOSE, "coord", "as coordinator", ("proposal",), lambda s: _propose(s), _breaks("founder")),
    Probe(_PROPOSE, "firm", "as no founder against another", ("proposal",),
          lambda s: _propose(s, Suspend(MemberId(BETA), "spite")), _breaks("founder")),
    Probe(_PROPOSE, "found", "another coalition", ("proposal",),
          lambda s: _propose(s, coalition=CoalitionId("other-coalition")), _breaks("proposal.coalition")),
    Probe(_PROPOSE, "found", "another state", ("proposal",),
          lambda s: _propose(s, base=bytes(32)), _breaks("proposal.base")),
    Probe(_PROPOSE, "found", "against nobody", ("proposal",),
          lambda s: _propose(s, Suspend(MemberId(NOWHERE), "spite")), _breaks("unknown")),
    Probe(_PROPOSE, "found", "against who was expelled", ("proposal",),
          lambda s: _propose(s, Suspend(MemberId(EXPELLED), "spite")), _breaks("expelled")),
    Probe(_PROPOSE, "found", "statement that another did not make", ("proposal",),
          lambda s: _propose(s, Amend(_signed(s, member=BETA, by=SECOND))), _breaks("statement.signature")),
    Probe(_INVITE, "firm", "withdrawn by no founder", ("invitation_sha256",),
          lambda s: _withdraw(s.other_code.stored_hash), _breaks("founder")),
    Probe(_INVITE, "found", "withdrawn by another founder", ("invitation_sha256",),
          lambda s: _withdraw(s.other_code.stored_hash), _breaks("invitation.terms")),
    # One that is not open here stays as it is.
    Probe(_INVITE, "found", "withdrawn and of nobody", ("invitation_sha256",),
          lambda _: _withdraw(bytes(32)), _OK),
    Probe(_INVITE, "found", "code of another founder", ("invitation_sha256", "terms"),
          lambda s: _invite(s, sha256=s.other_code.stored_hash), _breaks("invitation.terms")),
    Probe(_INVITE, "found", "in the name of another founder", ("terms",),
          lambda s: _invite(s, by=FOUNDER), _breaks("invitation.terms")),
    Probe(_INVITE, "found", "another coalition", ("terms",),
          lambda s: _invite(s, coalition="other-coalition"), _breaks("invitation.terms")),
    Probe(_AGREE, "firm", "agreement of two others", ("document",),
          lambda s: _agree(s, MemberId(BETA), MemberId(NGO)), _breaks("agreement.foreign")),
    Probe(_AGREE, "firm", "agreement of another with the called one", ("document", "signature"),
          lambda s: _agree(s, MemberId(BETA), MemberId(FOUNDER), by=BETA), _breaks("agreement.foreign")),
    Probe(_AGREE, "firm", "key of another", ("signature",),
          lambda s: _agree(s, MemberId(ALPHA), MemberId(FOUNDER), by=BETA), _breaks("agreement.signature")),
    # Each is answered by a status of its own, and held nowhere: 403, 404.
    Probe(_WITNESS, "firm", "log of another under the own key", ("body",),
          lambda s: _checkpoint(s, BETA, by=ALPHA), _OK),
    Probe(_WITNESS, "firm", "log of the called one under its own key", ("body",),
          lambda s: _checkpoint(s, FOUNDER, by=NODE_FOLDER), _OK),
    Probe(_WITNESS, "firm", "log of an expelled member", ("body",),
          lambda s: _checkpoint(s, EXPELLED, by=ALPHA), _OK),
    Probe(_WITNESS, "firm", "another coalition", ("body",),
          lambda s: _checkpoint(s, ALPHA, by=ALPHA, coalition="other-coalition"), _OK),
    # Any member may ask about any log; what nobody has is empty.
    Probe(_HOLDS, "firm", "log of another", ("origin",),
          lambda _: audit.GetCheckpointRequest(origin=f"symbolon/{COALITION}/{BETA}"), _OK),
    Probe(_HOLDS, "firm", "log of nobody", ("origin",),
          lambda _: audit.GetCheckpointRequest(origin=f"symbolon/{COALITION}/{NOWHERE}"), _OK),
    Probe(_OF_SIGNALS + "Watch", "firm", "a purpose of nobody", ("purpose",),
          lambda _: signal.WatchRequest(purpose=UNAGREED), _denied()),
    Probe(_OF_SIGNALS + "Watch", "ngo", "of whom nothing is permitted", (),
          lambda _: signal.WatchRequest(purpose=PURPOSE), _denied()),
    Probe(_OF_SIGNALS + "Count", "firm", "a purpose of nobody", ("purpose",),
          lambda _: signal.CountRequest(purpose=UNAGREED), _denied()),
    Probe(_OF_SIGNALS + "Count", "ngo", "of whom nothing is permitted", (),
          lambda _: signal.CountRequest(purpose=PURPOSE), _denied()),
    *_about_signals(),
    # Here a member is called that publishes for one organisation.
    Probe(_OF_SIGNALS + "Entrust", "firm", "a signal that nobody here publishes", ("document",),
          lambda s: _entrust(s, by=ALPHA), _denied("delegate")),
    Probe(_OF_SIGNALS + "Entrust", "ngo", "a signal of another", ("signature",),
          lambda s: _entrust(s, by=ALPHA), _says("signature")),
    Probe(_OF_SIGNALS + "Entrust", "ngo", "as from another kind", ("shown_as",),
          lambda s: _entrust(s, by=NGO, shown_as="auditor"), _says("malformed")),
    Probe(_OF_SIGNALS + "Entrusted", "firm", "signal of nobody", ("signal_id",),
          lambda _: signal.EntrustedRequest(signal_id=bytes(16)), _denied()),
    Probe(_OF_SIGNALS + "Entrusted", "ngo", "signal of another", ("signal_id",),
          lambda s: signal.EntrustedRequest(signal_id=s.given_to_another), _denied()),
    # What the called node does not know stays unknown.
    Probe(_END, "firm", "agreement of nobody", ("agreement_sha256",),
          lambda _: policy.WithdrawRequest(agreement_sha256=bytes(32)), _OK),
    Probe(_CONNECT, "firm", "member that is not there", ("target.member",),
          lambda _: _connect(BETA), ("UNAVAILABLE", "unavailable")),
    Probe(_CONNECT, "firm", "member that is none", ("target.member",),
          lambda _: _connect(NOWHERE), ("UNAVAILABLE", "unavailable")),
    Probe(_CONNECT, "firm", "member that was expelled", ("target.member",),
          lambda _: _connect(EXPELLED), ("UNAVAILABLE", "unavailable")),
    Probe(_CONNECT, "firm", "no id at all", ("target.member",),
          lambda _: _connect("../beta"), _says("malformed")),
    Probe(_ACCEPT, "firm", "connection of nobody", ("ticket.connection_id",),
          lambda _: _accept(bytes(16)), _says("connection")),
)  # fmt: skip
