"""Attacks by asking: a founder that answers an invitation of another one, a member that asks without end."""

from pathlib import Path

import pytest

from coalition_members import (
    COALITION,
    NOW,
    TERMS,
    TODAY,
    admission,
    invitation_code,
    member,
    signing_key,
    vetting,
)
from founder_nodes import NAMES, PLAIN, Founders
from founding_attackers import posed
from symbolon.errors import MembershipError
from symbolon.membership.act_review import InvitationTerms
from symbolon.membership.acts import Admit, Expel
from symbolon.membership.certificates import certificate_fingerprint
from symbolon.membership.due_diligence import Acceptance
from symbolon.membership.enrolment import make_leaf_key_and_csr, verify_csr
from symbolon.membership.invitation_identity import (
    InvitedIdentity,
    invitation_authority,
    invitation_key,
    join_proof,
)
from symbolon.membership.invitation_terms import encode_invitation_terms
from symbolon.membership.member import MemberId, MemberKind
from symbolon.membership.member_statement import Place, public_key_sha256, sign_statement
from symbolon.membership.proposal import decode_proposal, encode_proposal
from symbolon.rpc.admission import Admission
from symbolon.rpc.membership_codec import JoinRequest
from symbolon.storage.founding_store import MAX_PROPOSALS, StoredInvitation

NEW = MemberId("gingko")


def test_attack_member_that_asks_without_end_leaves_room_to_expel_it(tmp_path: Path) -> None:
    """The other founders are off, so that nothing of what it asks comes into force."""
    founders = Founders.of(3, tmp_path / "founders")
    try:
        acme = founders[NAMES[0]]
        answers = Admission(acme.founding)

        def ask(number: int) -> bytes:
            place = Place(f"delta.example:{7000 + number}", (), "")
            return answers.submit(PLAIN, sign_statement(acme.state.members, PLAIN, place, signing_key(PLAIN)))

        for number in range(MAX_PROPOSALS):
            ask(number)
        with pytest.raises(MembershipError) as caught:
            ask(MAX_PROPOSALS)
        assert caught.value.full_code == "membership.proposal.many"
        acme.founding.propose([Expel(PLAIN, TODAY, "asks without end")])
    finally:
        founders.stop()


def test_attack_founder_that_answers_anothers_invitation_does_not_shut_its_holder_out(tmp_path: Path) -> None:
    """It knows the hash of the code, as founders do, and not the code."""
    founders = Founders.of(3, tmp_path / "founders")
    try:
        sponsor, mallory = founders[NAMES[0]], founders[NAMES[1]]
        code = invitation_code(NEW)
        authority = invitation_authority(code, NOW)
        terms = InvitationTerms(
            COALITION, NEW, MemberKind.NGO, (), "KE", vetting(), code.expires, invitation_key(code)
        )
        sponsor.founding.store.keep_invitation(
            StoredInvitation(
                code.stored_hash,
                NEW,
                sponsor.name,
                encode_invitation_terms(terms),
                authority,
                int(code.expires.timestamp()),
                "approved",
            )
        )
        # Mallory's keys under the invitation's name, with a proof for others.
        proved = admission(member(NEW))
        forged = Admit(
            member(NEW, signing_key=b"m" * 32), code.stored_hash, proved.certificate_pem, proved.proof
        )
        proposal = posed(mallory.state, forged)
        with pytest.raises(MembershipError) as caught:
            sponsor.founding.take(encode_proposal(proposal), mallory.name, sign=True)
        assert caught.value.full_code == "membership.invitation.proof"

        made = make_leaf_key_and_csr(NEW, COALITION)
        key = public_key_sha256(verify_csr(made.csr_pem, NEW, COALITION))
        asked = JoinRequest(
            made.csr_pem,
            b"n" * 32,
            Place("", (), ""),
            Acceptance(TERMS, TODAY, "Carol"),
            TODAY,
            join_proof(code, key, b"n" * 32),
        )
        caller = InvitedIdentity(NEW, certificate_fingerprint(authority))
        _, sha256 = Admission(sponsor.founding).join(caller, asked, NOW)
        (act,) = decode_proposal(sponsor.founding.document(sha256)).acts
        assert isinstance(act, Admit)
        assert act.record.signing_key == b"n" * 32
        # The same request again has the same answer.
        assert Admission(sponsor.founding).join(caller, asked, NOW)[1] == sha256
    finally:
        founders.stop()
