"""A founder's answers to members who ask at the same moment."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from coalition_members import COALITION, NOW, TERMS, TODAY, invitation_code, signing_key, vetting
from founder_nodes import NAMES, FounderNode, Founders
from symbolon.errors import MembershipError
from symbolon.membership.act_review import InvitationTerms
from symbolon.membership.acts import Admit, Renew
from symbolon.membership.certificates import certificate_fingerprint, issue_leaf
from symbolon.membership.due_diligence import Acceptance
from symbolon.membership.enrolment import make_csr, make_leaf_key
from symbolon.membership.invitation_identity import (
    InvitedIdentity,
    invitation_authority,
    invitation_key,
    join_proof,
)
from symbolon.membership.invitation_terms import encode_invitation_terms
from symbolon.membership.member import MemberId, MemberKind
from symbolon.membership.member_statement import Place, Renewal, public_key_sha256, sign_statement
from symbolon.membership.proposal import decode_proposal
from symbolon.rpc.admission import Admission
from symbolon.rpc.membership_codec import JoinRequest
from symbolon.storage.founding_store import StoredInvitation

NEW = MemberId("gingko")
CODE = invitation_code(NEW)
APART_S = 2.0
"""How long one answer waits for another to come as far; it takes a fraction of that."""


@pytest.fixture
def founders(tmp_path: Path) -> Iterator[Founders]:
    """Three, two of whom sign; nothing that one proposes is in force by itself."""
    made = Founders.of(3, tmp_path / "founders")
    yield made
    made.stop()


@pytest.fixture
def side_by_side(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two answers that both issue a certificate do so at the same moment."""
    meeting = threading.Barrier(2)

    def issuing(*args: Any, **more: Any) -> bytes:
        with suppress(threading.BrokenBarrierError):
            meeting.wait(APART_S)
        return issue_leaf(*args, **more)

    monkeypatch.setattr("symbolon.membership.founder_keys.issue_leaf", issuing)


def proposed(founder: FounderNode, kind: type[Admit | Renew]) -> list[Admit | Renew]:
    """The acts of a kind that a founder proposed and that are not in force."""
    stored = founder.founding.store.proposals_above(founder.state.targets_version)
    acts = (act for each in stored for act in decode_proposal(each.document).acts)
    return [act for act in acts if isinstance(act, kind)]


@pytest.mark.usefixtures("side_by_side")
def test_join_of_two_at_once_with_one_code_and_different_keys_proposes_one_of_them(
    founders: Founders,
) -> None:
    here = founders[NAMES[0]]
    authority = invitation_authority(CODE, NOW)
    terms = InvitationTerms(
        COALITION, NEW, MemberKind.NGO, (), "KE", vetting(), CODE.expires, invitation_key(CODE)
    )
    here.founding.store.keep_invitation(
        StoredInvitation(
            CODE.stored_hash,
            NEW,
            here.name,
            encode_invitation_terms(terms),
            authority,
            int(CODE.expires.timestamp()),
            "approved",
        )
    )
    who = InvitedIdentity(NEW, certificate_fingerprint(authority))

    def request(signing_key: bytes) -> JoinRequest:
        key = make_leaf_key()
        proof = join_proof(CODE, public_key_sha256(key.public_key()), signing_key)
        place = Place("gingko.example:7443", (), "")
        accepted = Acceptance(TERMS, TODAY, "Carol")
        return JoinRequest(make_csr(key, NEW, COALITION), signing_key, place, accepted, TODAY, proof)

    def answer(founder: FounderNode, signing_key: bytes) -> str:
        try:
            Admission(founder.founding).join(who, request(signing_key), NOW)
        except MembershipError as error:
            return error.full_code
        return ""

    # The same founder, in another process: locks are held by what was opened, not by whose it is.
    other = FounderNode(here.folder, here.name, here.clock)
    with ThreadPoolExecutor(2) as pool:
        answers = [pool.submit(answer, each, key * 32) for each, key in ((here, b"a"), (other, b"b"))]
        said = sorted(each.result() for each in answers)
    other.stop()
    assert said == ["", "membership.invitation.used"]
    assert len(proposed(here, Admit)) == 1


@pytest.mark.usefixtures("side_by_side")
def test_renew_asked_twice_at_once_gets_one_certificate(founders: Founders) -> None:
    here = founders[NAMES[0]]
    member = NAMES[1]
    key = make_leaf_key()
    record = here.state.members.find(member)
    assert record is not None
    asks = Renewal(public_key_sha256(key.public_key()), record.certificates[-1])
    signed = sign_statement(here.state.members, member, asks, signing_key(member))
    csr_pem = make_csr(key, member, COALITION)

    def answer(_: int) -> bytes:
        return Admission(here.founding).renew(member, csr_pem, signed, NOW)[0]

    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(answer, range(2))
    assert first == second
    assert len(proposed(here, Renew)) == 1
