"""What a founder's node does for others: answers an invitation, renews a certificate, takes a statement.

Handles: the acts that members ask for themselves. Each is proposed like any other, so that the founders'
threshold holds for it too; the same request again gives the same answer, or a later one. Refuses: an
invitation that is not this founder's or was answered with another key, a request for another name or without
the proof of who holds the code, statements that do not hold. docs/adr/0013.
"""

from datetime import datetime

from cryptography.hazmat.primitives.asymmetric import ec

from symbolon.errors import MembershipError
from symbolon.membership.act_review import InvitationTerms
from symbolon.membership.acts import Admit, Amend, Renew
from symbolon.membership.certificates import certificate_fingerprint, load_certificate
from symbolon.membership.coalition_state import State
from symbolon.membership.due_diligence import DueDiligence
from symbolon.membership.enrolment import verify_csr
from symbolon.membership.invitation_identity import InvitedIdentity, verify_join_proof
from symbolon.membership.invitation_terms import decode_invitation_terms
from symbolon.membership.member import MemberId
from symbolon.membership.member_record import MemberRecord, Status
from symbolon.membership.member_statement import SignedStatement, public_key_sha256
from symbolon.membership.proposal import decode_proposal
from symbolon.membership.proposal_draft import SIGNING
from symbolon.rpc.founding import Founding
from symbolon.rpc.membership_codec import JoinRequest


class Admission:
    """A founder's answers.

    Args:
        founding: this founder at work.
    """

    def __init__(self, founding: Founding) -> None:
        self._founding = founding

    def join(self, invited: InvitedIdentity, request: JoinRequest, now: datetime) -> tuple[bytes, bytes]:
        """Proposes to admit who answers an invitation.

        Of several that answer it at once with different keys, the first one is proposed and no other.

        Args:
            invited: as its certificate says.
            request: what it asks.
            now: the current time, aware.

        Returns:
            Its certificate in PEM, and the SHA-256 of the proposal that admits it.

        Raises:
            MembershipError: `membership.invitation.…` when the invitation is not open here, was answered
                with another key, or the proof is not for these keys; or why the request is refused.
        """
        # One turn from the look for an earlier answer to the proposal: no other answer comes in between.
        with self._founding.store.turn():
            return self._join(invited, request, now)

    def _join(self, invited: InvitedIdentity, request: JoinRequest, now: datetime) -> tuple[bytes, bytes]:
        state = self._founding.state()
        invitation, terms = self._invitation(invited)
        public_key = verify_csr(request.csr_pem, invited.member_id, state.members.coalition)
        verify_join_proof(
            terms.invitation_key,
            request.proof,
            coalition=state.members.coalition,
            member_id=invited.member_id,
            key_sha256=public_key_sha256(public_key),
            signing_key=request.signing_key,
        )
        earlier = self._earlier_admission(invitation)
        if earlier is not None:
            sha256, act = earlier
            _require_same(act, public_key, request.signing_key)
            if has_joined(state, act.member_id, act.record.signing_key) or self._founding.is_open(sha256):
                return act.certificate_pem, sha256
            # Another proposal overtook it: the same act again, on the present state.
        else:
            act = self._admission(invitation, terms, request, public_key, now)
        return act.certificate_pem, self._founding.propose([act])

    def renew(
        self, member_id: MemberId, csr_pem: bytes, signed: SignedStatement, now: datetime
    ) -> tuple[bytes, bytes]:
        """Proposes a further certificate for a member.

        Returns:
            The certificate in PEM, and the SHA-256 of the proposal.

        Raises:
            MembershipError: the request or the statement is not the caller's own, or does not hold.
        """
        _require_own(member_id, signed)
        with self._founding.store.turn():
            state = self._founding.state()
            public_key = verify_csr(csr_pem, member_id, state.members.coalition)
            earlier = self._earlier_renewal(state, signed, now)
            if earlier is not None:
                return earlier
            leaf = self._founding.keys.issue(member_id, state.members.coalition, public_key, now)
            return leaf, self._founding.propose([Renew(leaf, signed)])

    def submit(self, member_id: MemberId, signed: SignedStatement) -> bytes:
        """Proposes what a member states about its own entry.

        Returns:
            The SHA-256 of the proposal.

        Raises:
            MembershipError: the statement is not the caller's own, or does not hold.
        """
        _require_own(member_id, signed)
        return self._founding.propose([Amend(signed)])

    def _invitation(self, invited: InvitedIdentity) -> tuple[bytes, InvitationTerms]:
        own = self._founding.keys.founder.member_id
        for each in self._founding.store.invitations("approved", "used"):
            if each.sponsor == own and certificate_fingerprint(each.authority) == invited.invitation:
                return each.sha256, decode_invitation_terms(each.terms)
        raise MembershipError(
            f"no invitation of {invited.member_id} is open here",
            hint="Ask the founder for a new invitation.",
            code="membership.invitation.unknown",
        )

    def _earlier_admission(self, invitation: bytes) -> tuple[bytes, Admit] | None:
        """The newest proposal by this founder that answers an invitation; anybody can name its hash."""
        own = self._founding.keys.founder.member_id
        stored_here = self._founding.store.proposals_above(0)
        for stored in (each for each in reversed(stored_here) if each.proposer == own):
            for act in decode_proposal(stored.document).acts:
                if isinstance(act, Admit) and act.invitation_sha256 == invitation:
                    return stored.sha256, act
        return None

    def _earlier_renewal(
        self, state: State, signed: SignedStatement, now: datetime
    ) -> tuple[bytes, bytes] | None:
        """Certificate and proposal that answer this very statement, and that founders may still sign."""
        for stored in reversed(self._founding.store.proposals_above(state.targets_version)):
            proposal = decode_proposal(stored.document)
            if now >= proposal.posed + SIGNING or not self._founding.is_open(stored.sha256):
                continue
            for act in proposal.acts:
                if isinstance(act, Renew) and act.signed == signed:
                    return act.certificate_pem, stored.sha256
        return None

    def _admission(
        self,
        invitation: bytes,
        terms: InvitationTerms,
        request: JoinRequest,
        public_key: ec.EllipticCurvePublicKey,
        now: datetime,
    ) -> Admit:
        leaf = self._founding.keys.issue(terms.member_id, terms.coalition, public_key, now)
        record = MemberRecord(
            member_id=terms.member_id,
            kind=terms.kind,
            roles=terms.roles,
            jurisdiction=terms.jurisdiction,
            endpoint=request.place.endpoint,
            relays=request.place.relays,
            relay_endpoint=request.place.relay_endpoint,
            signing_key=request.signing_key,
            certificates=(certificate_fingerprint(leaf),),
            status=Status.ACTIVE,
            reason="",
            due_diligence=DueDiligence(request.acceptance, terms.vetting, request.attested),
        )
        return Admit(record, invitation, leaf, request.proof, terms.replaces)


def has_joined(state: State, member_id: MemberId, signing_key: bytes) -> bool:
    """Whether a member is listed with the signing key that it joined with."""
    record = state.members.find(member_id)
    return record is not None and record.signing_key == signing_key


def _require_same(act: Admit, public_key: ec.EllipticCurvePublicKey, signing_key: bytes) -> None:
    certified = load_certificate(act.certificate_pem).public_key()
    if certified != public_key or act.record.signing_key != signing_key:
        raise MembershipError(
            f"the invitation of {act.member_id} was answered already, with other keys",
            hint="If that was not you, tell the founder at once: somebody else has the code.",
            code="membership.invitation.used",
        )


def _require_own(member_id: MemberId, signed: SignedStatement) -> None:
    if signed.statement.member_id != member_id:
        raise MembershipError(
            f"{member_id} handed in a statement of another member", code="membership.statement.member"
        )
