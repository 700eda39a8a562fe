"""A founder at work: what it proposes, signs and puts in force, and when it waits for a person."""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from coalition_members import (
    COALITION,
    NOW,
    admission,
    invitation_code,
    leaf,
    member,
    new_keys,
    signing_key,
    vetting,
)
from founder_nodes import NAMES, PLAIN, FounderNode, Founders
from symbolon.errors import MembershipError
from symbolon.membership.act_review import InvitationTerms
from symbolon.membership.acts import Amend, Appoint, NewTerms, Purposes, Refresh, Reinstate, Suspend
from symbolon.membership.certificates import certificate_fingerprint
from symbolon.membership.due_diligence import Acceptance
from symbolon.membership.enrolment import make_leaf_key_and_csr, verify_csr
from symbolon.membership.invitation_identity import invitation_key
from symbolon.membership.invitation_terms import encode_invitation_terms
from symbolon.membership.member import MemberId, MemberKind
from symbolon.membership.member_record import Role
from symbolon.membership.member_statement import Place, Renewal, public_key_sha256, sign_statement
from symbolon.membership.members_document import members_sha256
from symbolon.membership.proposal import decode_proposal, encode_proposal, proposal_sha256
from symbolon.membership.proposal_draft import BINDING, MAX_AGE, OVERTAKEN, SIGNING
from symbolon.rpc.admission import Admission
from symbolon.storage.founding_store import InvitationState, StoredInvitation

ACME, BIRCH, CEDAR = NAMES[:3]
EBONY = MemberId("ebony")
SUSPEND = Suspend(PLAIN, "late audits")
RENAMED = Purposes(("due-diligence",))


@pytest.fixture
def founders(tmp_path: Path) -> Iterator[Founders]:
    made = Founders.of(3, tmp_path / "founders")
    yield made
    made.stop()


@pytest.fixture
def alone(tmp_path: Path) -> Iterator[FounderNode]:
    made = Founders.of(1, tmp_path / "founders")
    yield made[ACME]
    made.stop()


def refused(call: Callable[[], object]) -> MembershipError:
    with pytest.raises(MembershipError) as caught:
        call()
    return caught.value


def invite(node: FounderNode, state: str = "approved") -> None:
    """Writes down that this founder knows, or approved, acme's invitation of ebony."""
    code = invitation_code(EBONY)
    terms = InvitationTerms(
        coalition=COALITION,
        member_id=EBONY,
        kind=MemberKind.COMPANY,
        roles=(),
        jurisdiction="DE",
        vetting=vetting(),
        expires=code.expires,
        invitation_key=invitation_key(code),
    )
    keep_invitation(node, terms, code.stored_hash, state)


def keep_invitation(node: FounderNode, terms: InvitationTerms, sha256: bytes, state: str) -> None:
    node.founding.store.keep_invitation(
        StoredInvitation(
            sha256=sha256,
            member=terms.member_id,
            sponsor=ACME,
            terms=encode_invitation_terms(terms),
            authority=leaf(terms.member_id),
            expires_at_s=int(terms.expires.timestamp()),
            state=state,  # type: ignore[arg-type]
        )
    )


def moved(node: FounderNode, endpoint: str = "elsewhere.example:7443") -> Amend:
    """What the plain member asks for itself."""
    place = Place(endpoint, (), "")
    return Amend(sign_statement(node.state.members, PLAIN, place, signing_key(PLAIN)))


def signed_by(node: FounderNode, sha256: bytes) -> bool:
    stored = node.founding.store.proposal(sha256)
    assert stored is not None
    return any(waiting.signed for waiting in node.founding.waiting() if waiting.sha256 == sha256)


def test_waiting_for_another_threshold_does_not_say_that_nothing_changes(founders: Founders) -> None:
    acme = founders[ACME]
    acme.founding.propose([Refresh()], founding=founders.names_all(3, 3), root_key=acme.root_key)
    (waiting,) = acme.founding.waiting()
    (said,) = waiting.words
    assert said.startswith("From now on 3 of 3 founders sign together: acme, birch, cedar; until now 2 of 3")


def test_propose_of_a_founder_who_is_enough_is_in_force_at_once(alone: FounderNode) -> None:
    before = alone.state
    sha256 = alone.founding.propose([SUSPEND])
    after = alone.state
    assert after.targets_version == before.targets_version + 1
    assert after.members.previous == members_sha256(before.members)
    record = after.members.find(PLAIN)
    assert record is not None
    assert record.reason == SUSPEND.reason
    assert not alone.founding.is_open(sha256)
    assert alone.founding.waiting() == []
    assert alone.founding.unfinished() == []


def test_propose_among_several_signs_nothing_before_others_are_willing(founders: Founders) -> None:
    acme = founders[ACME]
    sha256 = acme.founding.propose([SUSPEND])
    assert acme.founding.store.signatures(sha256) == {}
    assert acme.founding.is_open(sha256)
    (waiting,) = acme.founding.waiting()
    assert (waiting.approved, waiting.signed, waiting.refused) == (True, False, "")


def test_propose_what_an_act_refuses_keeps_nothing(founders: Founders) -> None:
    acme = founders[ACME]
    error = refused(lambda: acme.founding.propose([Reinstate(PLAIN)]))
    assert error.full_code == "membership.act.idle"
    assert acme.founding.store.proposals_above(0)[-1].version <= acme.state.targets_version


def test_take_of_what_carries_its_own_proof_is_willing_and_signs_when_asked(founders: Founders) -> None:
    acme, birch = founders[ACME], founders[BIRCH]
    document = acme.founding.document(acme.founding.propose([moved(acme)]))
    assert birch.founding.take(document, ACME, sign=False) == ({}, False)
    signatures, pending = birch.founding.take(document, ACME, sign=True)
    assert not pending
    assert len(signatures) == 1
    assert birch.founding.take(document, ACME, sign=True) == (signatures, False)


def test_take_of_what_needs_a_person_waits_and_is_never_signed(founders: Founders) -> None:
    acme, birch = founders[ACME], founders[BIRCH]
    sha256 = acme.founding.propose([SUSPEND])
    for sign in (False, True, True):
        taken = birch.founding.take(acme.founding.document(sha256), ACME, sign=sign)
        assert taken == ({}, True)
    error = refused(lambda: birch.founding.sign(sha256))
    assert error.full_code == "membership.proposal.unapproved"
    assert error.hint
    (waiting,) = birch.founding.waiting()
    assert waiting.sha256 == sha256
    assert waiting.proposer == ACME
    assert waiting.words == (f"{PLAIN} is suspended, and refused by all until that is lifted: late audits",)
    assert (waiting.approved, waiting.signed) == (False, False)
    assert [(each.count, each.founders) for each in waiting.lacks["targets"]] == [(2, (ACME, BIRCH, CEDAR))]


def test_approve_makes_a_founder_willing_and_the_proposal_comes_into_force(founders: Founders) -> None:
    acme, birch = founders[ACME], founders[BIRCH]
    sha256 = acme.founding.propose([SUSPEND])
    assert founders.carry(sha256, acme) is None
    assert birch.founding.approve(sha256) == sha256
    state = founders.settle(sha256, birch)
    assert all(node.state.members == state.members for node in founders)
    assert state.members.find(PLAIN).reason == "late audits"  # type: ignore[union-attr]
    assert all(node.founding.waiting() == [] for node in founders)


def test_approve_of_an_unknown_proposal_is_refused_with_a_hint(founders: Founders) -> None:
    error = refused(lambda: founders[ACME].founding.approve(bytes(32)))
    assert error.full_code == "membership.proposal.unknown"
    assert error.hint


def test_approve_after_the_other_signatures_came_puts_it_in_force_at_once(tmp_path: Path) -> None:
    pair = Founders.of(2, tmp_path / "pair")
    acme, birch = pair
    sha256 = acme.founding.propose([SUSPEND])
    document = acme.founding.document(sha256)
    birch.founding.take(document, ACME, sign=False)
    acme.founding.sign(sha256)
    birch.founding.add_signatures(sha256, acme.founding.store.signatures(sha256))
    before = birch.state.targets_version
    birch.founding.approve(sha256)
    assert birch.state.targets_version == before + 1
    pair.stop()


def test_an_admission_by_an_approved_invitation_needs_no_person(founders: Founders) -> None:
    for node in founders:
        invite(node)
    acme = founders[ACME]
    sha256 = acme.founding.propose([admission(member(EBONY))])
    after = founders.settle(sha256, acme).members
    assert after.find(EBONY) == replace(member(EBONY), changed=after.version)


def test_an_admission_by_an_invitation_nobody_here_approved_waits(founders: Founders) -> None:
    invite(founders[BIRCH], "offered")
    document = founders[ACME].founding.document(founders[ACME].founding.propose([admission(member(EBONY))]))
    assert founders[BIRCH].founding.take(document, ACME, sign=True) == ({}, True)
    assert founders[CEDAR].founding.take(document, ACME, sign=True) == ({}, True)


def test_invitations_are_used_once_their_member_joined_at_every_founder_however_it_learns(
    founders: Founders,
) -> None:
    for node in founders:
        invite(node, "offered" if node.name == CEDAR else "approved")
    acme = founders[ACME]
    founders.settle(acme.founding.propose([admission(member(EBONY))]), acme)
    for node in founders:
        assert node.founding.store.invitations("offered", "approved") == []
        assert [each.member for each in node.founding.store.invitations("used")] == [EBONY]


def test_signers_are_nobody_while_too_few_are_willing_and_then_in_order(founders: Founders) -> None:
    cedar = founders[CEDAR]
    sha256 = cedar.founding.propose([moved(cedar)])
    assert cedar.founding.signers(sha256, {CEDAR}) == ()
    assert cedar.founding.signers(sha256, {CEDAR, PLAIN}) == ()
    assert cedar.founding.signers(sha256, {CEDAR, ACME}) == (ACME, CEDAR)
    assert cedar.founding.signers(sha256, {CEDAR, BIRCH, ACME}) == (ACME, BIRCH, CEDAR)
    cedar.founding.sign(sha256)
    assert cedar.founding.signers(sha256, {BIRCH, CEDAR}) == (BIRCH,)


def test_add_signatures_keeps_those_that_hold_alone(founders: Founders) -> None:
    acme, birch = founders[ACME], founders[BIRCH]
    sha256 = acme.founding.propose([moved(acme)])
    (found,) = birch.founding.take(acme.founding.document(sha256), ACME, sign=True)[0].items()
    (role, key), signature = found
    acme.founding.add_signatures(sha256, {(role, key): bytes(64), ("root", key): signature})
    assert acme.founding.store.signatures(sha256) == {}
    acme.founding.add_signatures(sha256, {(role, key): signature})
    acme.founding.add_signatures(sha256, {(role, key): bytes(64)})
    assert acme.founding.store.signatures(sha256) == {(role, key): signature}


def test_publish_without_enough_signatures_does_nothing(founders: Founders) -> None:
    acme = founders[ACME]
    sha256 = acme.founding.propose([moved(acme)])
    acme.founding.sign(sha256)
    assert acme.founding.publish_if_complete(sha256) is None
    assert acme.founding.is_open(sha256)


def test_a_founder_bound_to_one_proposal_signs_no_other_on_that_state(founders: Founders) -> None:
    acme, birch = founders[ACME], founders[BIRCH]
    first = acme.founding.document(acme.founding.propose([moved(acme)]))
    second = birch.founding.document(birch.founding.propose([Refresh()]))
    cedar = founders[CEDAR].founding
    cedar.take(first, ACME, sign=True)
    error = refused(lambda: cedar.take(second, BIRCH, sign=True))
    assert error.full_code == "membership.proposal.voted"
    assert error.hint
    # Said before it is asked to sign, so that nobody else is bound to what it cannot sign.
    assert refused(lambda: cedar.take(second, BIRCH, sign=False)).full_code == "membership.proposal.voted"
    assert founders.carry(proposal_sha256(second), birch, to=[CEDAR]) is None
    assert [node.founding.is_free(proposal_sha256(second)) for node in (birch, founders[CEDAR])] == [
        True,
        False,
    ]


def test_a_founder_is_free_again_once_the_proposal_that_bound_it_has_lapsed(founders: Founders) -> None:
    acme, birch, cedar = founders
    first = acme.founding.propose([Refresh()])
    cedar.founding.take(acme.founding.document(first), ACME, sign=True)
    founders.clock.later(seconds=SIGNING.total_seconds())
    error = refused(lambda: cedar.founding.publish_if_complete(first))
    assert error.full_code == "membership.proposal.time"
    second = birch.founding.propose([moved(birch)])
    error = refused(lambda: cedar.founding.take(birch.founding.document(second), BIRCH, sign=True))
    assert error.full_code == "membership.proposal.voted"
    founders.clock.later(seconds=(BINDING - SIGNING).total_seconds())
    # Of another version: cedar never signs a second proposal of the first one's.
    third = cedar.founding.propose([moved(cedar)])
    assert decode_proposal(cedar.founding.document(third)).version == cedar.state.targets_version + 2
    founders.settle(third, cedar)


def test_two_proposals_at_once_bind_nobody_crosswise(founders: Founders) -> None:
    acme, birch = founders[ACME], founders[BIRCH]
    first, second = acme.founding.propose([moved(acme)]), birch.founding.propose([Refresh()])
    first_document, second_document = acme.founding.document(first), birch.founding.document(second)
    # Both are willing to sign both; both then ask acme first, whichever of the two comes first wins.
    for document in (first_document, second_document):
        for node in (acme, birch):
            assert node.founding.take(document, ACME, sign=False) == ({}, False)
    assert acme.founding.signers(first, {ACME, BIRCH})[0] == ACME
    assert birch.founding.signers(second, {ACME, BIRCH})[0] == ACME
    acme.founding.take(second_document, BIRCH, sign=True)
    assert refused(lambda: acme.founding.sign(first)).full_code == "membership.proposal.voted"
    birch.founding.add_signatures(second, acme.founding.store.signatures(second))
    birch.founding.sign(second)
    assert birch.founding.publish_if_complete(second)


def test_what_a_person_approved_survives_routine_changes_in_between(founders: Founders) -> None:
    acme, birch, cedar = founders
    decision = acme.founding.propose([SUSPEND])
    birch.founding.take(acme.founding.document(decision), ACME, sign=False)
    for number in range(3):
        founders.settle(cedar.founding.propose([moved(cedar, f"place-{number}.example:1")]), cedar)
        founders.clock.later(hours=20)
    assert not birch.founding.is_open(decision)
    (waiting,) = birch.founding.waiting()
    assert waiting.sha256 == decision
    again = birch.founding.approve(decision)
    assert again != decision
    # Acme's person approved it days ago and is not asked again.
    founders.settle(again, birch)
    assert acme.state.members.find(PLAIN).reason == "late audits"  # type: ignore[union-attr]


def test_what_a_person_approved_lapses_when_another_decision_came_into_force(founders: Founders) -> None:
    acme, birch, cedar = founders
    first, second = acme.founding.propose([SUSPEND]), birch.founding.propose([RENAMED])
    for document, proposer in (
        (acme.founding.document(first), ACME),
        (birch.founding.document(second), BIRCH),
    ):
        for node in founders:
            node.founding.take(document, proposer, sign=False)
    cedar.founding.approve(second)
    founders.settle(second, cedar)
    again = cedar.founding.approve(first)
    assert acme.founding.take(cedar.founding.document(again), CEDAR, sign=True) == ({}, True)
    assert acme.founding.unfinished() == []
    assert [each.approved for each in acme.founding.waiting()] == [False]
    assert acme.founding.approve(again) == again
    founders.settle(again, acme)


def test_what_a_person_approved_lapses_where_a_step_in_between_is_not_known(founders: Founders) -> None:
    acme, birch, cedar = founders
    decision = acme.founding.propose([SUSPEND])
    cedar.founding.take(acme.founding.document(decision), ACME, sign=False)
    step = birch.founding.propose([moved(birch)])
    founders.carry(step, birch, to=[CEDAR])
    for node in (acme, cedar):
        node.learn_from(birch)
    again = cedar.founding.approve(decision)
    assert acme.founding.take(cedar.founding.document(again), CEDAR, sign=False) == ({}, True)


def test_unfinished_poses_again_what_was_overtaken_and_nothing_that_is_in_force(founders: Founders) -> None:
    acme, birch, _ = founders
    mine = acme.founding.propose([moved(acme)])
    other = birch.founding.propose([Refresh()])
    founders.settle(other, birch)
    assert not acme.founding.is_open(mine)
    (again,) = acme.founding.unfinished()
    assert acme.founding.unfinished() == [again]
    founders.settle(again, acme)
    assert all(node.founding.unfinished() == [] for node in founders)
    assert acme.state.members.find(PLAIN).endpoint == "elsewhere.example:7443"  # type: ignore[union-attr]


@pytest.mark.parametrize("known", [True, False], ids=["a step that it knows", "a step that it does not"])
def test_propose_on_a_state_that_moves_on_meanwhile_is_posed_again_or_left_to_a_person(
    founders: Founders, monkeypatch: pytest.MonkeyPatch, known: bool
) -> None:
    """As when `serve` of the same folder learns of it while a command is at work."""
    acme, birch, _ = founders
    approve = acme.founding.store.approve
    step = birch.founding.propose([Refresh()])
    if known:
        acme.founding.take(birch.founding.document(step), BIRCH, sign=False)

    def approve_and_learn(sha256: bytes) -> None:
        approve(sha256)
        if acme.state.targets_version < birch.state.targets_version:
            acme.learn_from(birch)

    founders.carry(step, birch, to=[CEDAR])
    monkeypatch.setattr(acme.founding.store, "approve", approve_and_learn)
    if known:
        sha256 = acme.founding.propose([SUSPEND])
        assert decode_proposal(acme.founding.document(sha256)).base == members_sha256(birch.state.members)
        assert [each.sha256 for each in acme.founding.waiting()] == [sha256]
    else:
        assert refused(lambda: acme.founding.propose([SUSPEND])).full_code == OVERTAKEN
        assert [each.approved for each in acme.founding.waiting()] == []


def test_approve_on_a_state_that_moves_on_meanwhile_is_posed_again(
    founders: Founders, monkeypatch: pytest.MonkeyPatch
) -> None:
    acme, birch, cedar = founders
    approve = birch.founding.store.approve
    decision, step = acme.founding.propose([SUSPEND]), cedar.founding.propose([Refresh()])
    for node, sha256 in ((acme, decision), (cedar, step)):
        birch.founding.take(node.founding.document(sha256), node.name, sign=False)
    founders.carry(step, cedar, to=[ACME])

    def approve_and_learn(sha256: bytes) -> None:
        approve(sha256)
        birch.learn_from(cedar)

    monkeypatch.setattr(birch.founding.store, "approve", approve_and_learn)
    again = birch.founding.approve(decision)
    assert decode_proposal(birch.founding.document(again)).base == members_sha256(cedar.state.members)


def test_unfinished_begins_with_what_binds_this_founder(founders: Founders) -> None:
    acme, birch, cedar = founders
    own = cedar.founding.propose([moved(cedar)])
    bound = birch.founding.propose([Refresh()])
    cedar.founding.take(birch.founding.document(bound), BIRCH, sign=True)
    assert cedar.founding.unfinished() == [bound, own]
    # Birch is gone; cedar brings to an end what it signed.
    assert founders.carry(bound, cedar, to=[ACME]) is not None
    assert acme.state.targets_version < cedar.state.targets_version


def test_a_refresh_that_was_overtaken_is_not_posed_again(founders: Founders) -> None:
    acme, birch, _ = founders
    acme.founding.propose([Refresh()])
    founders.settle(birch.founding.propose([moved(birch)]), birch)
    assert acme.founding.unfinished() == []
    assert acme.founding.waiting() == []


def test_a_decision_left_for_two_weeks_is_gone(founders: Founders) -> None:
    acme, birch, _ = founders
    sha256 = acme.founding.propose([SUSPEND])
    birch.founding.take(acme.founding.document(sha256), ACME, sign=False)
    for _ in range(13):
        founders.clock.later(days=1)
        acme.founding.redate()
        founders.sync()
    assert [each.refused for each in birch.founding.waiting()] == [""]
    founders.clock.later(seconds=MAX_AGE.total_seconds() - 13 * 86_400)
    assert refused(lambda: birch.founding.approve(sha256)).full_code == "membership.proposal.time"
    founders.clock.later(seconds=1)
    assert birch.founding.waiting() == []


def test_new_terms_are_shown_with_their_text(founders: Founders) -> None:
    acme, birch, _ = founders
    text = b"Seid freundlich.\n"
    act = NewTerms("2026-2", hashlib.sha256(text).digest())
    sha256 = acme.founding.propose([act], terms=text)
    birch.founding.take(acme.founding.document(sha256), ACME, sign=False)
    (waiting,) = birch.founding.waiting()
    assert waiting.terms == "Seid freundlich.\n"
    birch.founding.approve(sha256)
    assert founders.settle(sha256, birch).terms == text


def test_new_founders_need_the_root_key_of_each_who_approves(founders: Founders) -> None:
    acme, birch, _ = founders
    new = founders.names_all(2, 2)
    acts = [Appoint(CEDAR, ())]
    for wrong in (None, birch.root_key, acme.keys.metadata_key):
        error = refused(
            lambda wrong=wrong: acme.founding.propose(acts, founding=new, root_key=wrong)  # type: ignore[misc]
        )
        assert error.full_code == "membership.root_key"
        assert error.hint
    sha256 = acme.founding.propose(acts, founding=new, root_key=acme.root_key)
    assert birch.founding.take(acme.founding.document(sha256), ACME, sign=True) == ({}, True)
    assert refused(lambda: birch.founding.approve(sha256)).full_code == "membership.root_key"
    birch.founding.approve(sha256, root_key=birch.root_key)
    state = founders.settle(sha256, birch)
    assert [each.member_id for each in state.founders] == [ACME, BIRCH]
    assert state.root_version == 3
    assert founders[CEDAR].state.root_version == 3


def test_a_root_signature_is_given_away_with_the_vote_and_not_before(founders: Founders) -> None:
    acme = founders[ACME]
    sha256 = acme.founding.propose(
        [Appoint(CEDAR, ())], founding=founders.names_all(2, 2), root_key=acme.root_key
    )
    assert acme.founding.take(acme.founding.document(sha256), BIRCH, sign=False) == ({}, False)
    signatures, _ = acme.founding.take(acme.founding.document(sha256), BIRCH, sign=True)
    assert sorted(role for role, _ in signatures) == ["root", "targets"]


def test_new_founders_approved_survive_routine_changes_without_the_root_key_again(founders: Founders) -> None:
    acme, birch, cedar = founders
    sha256 = acme.founding.propose(
        [Appoint(CEDAR, ())], founding=founders.names_all(2, 2), root_key=acme.root_key
    )
    birch.founding.take(acme.founding.document(sha256), ACME, sign=False)
    founders.settle(cedar.founding.propose([moved(cedar)]), cedar)
    again = birch.founding.approve(sha256, root_key=birch.root_key)
    assert again != sha256
    founders.settle(again, birch)
    assert len(acme.state.founders) == 2


def test_a_founder_that_leaves_signs_but_does_not_publish(founders: Founders) -> None:
    acme, birch, cedar = founders
    sha256 = cedar.founding.propose(
        [Appoint(CEDAR, ())], founding=founders.names_all(2, 2), root_key=cedar.root_key
    )
    for node in (acme, birch):
        node.founding.take(cedar.founding.document(sha256), CEDAR, sign=False)
        node.founding.approve(sha256, root_key=node.root_key)
    assert founders.carry(sha256, cedar) is None
    assert cedar.founding.signers(sha256, NAMES[:3]) == ()
    acme.founding.add_signatures(sha256, cedar.founding.store.signatures(sha256))
    assert acme.founding.publish_if_complete(sha256)


def test_a_node_whose_keys_are_in_no_root_neither_proposes_nor_signs(
    founders: Founders, tmp_path: Path
) -> None:
    acme, birch, cedar = founders
    sha256 = acme.founding.propose(
        [Appoint(CEDAR, ())], founding=founders.names_all(2, 2), root_key=acme.root_key
    )
    birch.founding.take(acme.founding.document(sha256), ACME, sign=False)
    birch.founding.approve(sha256, root_key=birch.root_key)
    founders.settle(sha256, birch)
    document = acme.founding.document(acme.founding.propose([moved(acme)]))
    for call in (
        lambda: cedar.founding.propose([Refresh()]),
        lambda: cedar.founding.take(document, ACME, sign=True),
    ):
        assert refused(call).full_code == "membership.founder"
    founders.clock.later(days=2)
    assert cedar.founding.redate() is None
    assert acme.founding.redate() is not None


def test_names_says_whom_a_proposal_would_make_a_founder(founders: Founders) -> None:
    acme = founders[ACME]
    sha256 = acme.founding.propose(
        [Appoint(CEDAR, ())], founding=founders.names_all(2, 2), root_key=acme.root_key
    )
    document = acme.founding.document(sha256)
    assert acme.founding.names(document, BIRCH)
    assert not acme.founding.names(document, CEDAR)
    other = acme.founding.document(acme.founding.propose([Refresh()]))
    assert not acme.founding.names(other, ACME)


def test_redate_is_done_once_a_day(founders: Founders) -> None:
    acme = founders[ACME]
    before = acme.state
    assert acme.founding.redate() is None
    founders.clock.later(hours=23, minutes=59)
    assert acme.founding.redate() is None
    founders.clock.later(minutes=1)
    after = acme.founding.redate()
    assert after is not None
    assert after.timestamp_version == before.timestamp_version + 1
    assert after.expires == founders.clock.now + timedelta(days=7)
    assert after.targets_bytes == before.targets_bytes
    assert acme.founding.redate() is None


def test_redate_is_left_to_the_first_founder_that_runs(founders: Founders) -> None:
    acme, birch, cedar = founders
    founders.clock.later(days=1)
    assert birch.founding.redate() is None
    founders.clock.later(hours=1)
    assert cedar.founding.redate() is None
    assert birch.founding.redate() is not None
    founders.sync()
    assert (acme.founding.redate(), cedar.founding.redate()) == (None, None)


def test_take_of_a_proposal_on_a_later_state_is_refused_until_this_founder_knows_it(
    founders: Founders,
) -> None:
    acme, birch, cedar = founders
    founders.carry(acme.founding.propose([moved(acme)]), acme, to=[BIRCH])
    document = acme.founding.document(acme.founding.propose([Refresh()]))
    assert (
        refused(lambda: cedar.founding.take(document, ACME, sign=True)).full_code
        == "membership.proposal.base"
    )
    cedar.learn_from(acme)
    assert cedar.founding.take(document, ACME, sign=False) == ({}, False)
    assert birch.state.targets_version < cedar.state.targets_version


def test_take_of_a_document_in_another_form_is_refused(founders: Founders) -> None:
    acme, birch = founders[ACME], founders[BIRCH]
    document = acme.founding.document(acme.founding.propose([Refresh()]))
    for spoilt in (b"", document[:-1], document + b" ", document.replace(b"{", b"{ ", 1)):
        error = refused(lambda spoilt=spoilt: birch.founding.take(spoilt, ACME, sign=True))  # type: ignore[misc]
        assert error.full_code == "membership.malformed"


def test_waiting_shows_of_one_matter_posed_twice_the_last(founders: Founders) -> None:
    acme, birch, _ = founders
    sha256 = acme.founding.propose([SUSPEND])
    proposal = decode_proposal(acme.founding.document(sha256))
    again = encode_proposal(replace(proposal, posed=proposal.posed + timedelta(seconds=1)))
    founders.clock.later(seconds=1)
    for document in (acme.founding.document(sha256), again):
        birch.founding.take(document, ACME, sign=False)
    assert [each.sha256 for each in birch.founding.waiting()] == [proposal_sha256(again)]


def test_waiting_says_why_a_proposal_cannot_be_signed(founders: Founders) -> None:
    acme, birch, _ = founders
    invite(acme)
    invite(birch)
    sha256 = acme.founding.propose([admission(member(EBONY))])
    birch.founding.take(acme.founding.document(sha256), ACME, sign=False)
    founders.clock.later(days=3)
    birch.off_by = timedelta(days=-4)
    (waiting,) = birch.founding.waiting()
    assert waiting.sha256 == sha256
    assert "posed" in waiting.refused


def test_a_restart_forgets_nothing(founders: Founders) -> None:
    acme, birch, _ = founders
    sha256 = acme.founding.propose([SUSPEND])
    birch.founding.take(acme.founding.document(sha256), ACME, sign=False)
    birch.founding.approve(sha256)
    birch.founding.sign(sha256)
    for node in founders:
        node.stop()
        node.start()
    other = acme.founding.document(acme.founding.propose([moved(acme)]))
    error = refused(lambda: birch.founding.take(other, ACME, sign=True))
    assert error.full_code == "membership.proposal.voted"
    assert acme.founding.unfinished()
    founders.settle(sha256, acme)


def test_any_zone_of_the_clock_makes_the_same_proposals(alone: FounderNode) -> None:
    east = timezone(timedelta(hours=13))
    alone.founding._now = lambda: NOW.astimezone(east)
    alone.founding.propose([SUSPEND])
    assert alone.state.members.find(PLAIN).reason == "late audits"  # type: ignore[union-attr]


def test_an_attestation_carries_its_own_proof(founders: Founders) -> None:
    acme = founders[ACME]
    accepted = Acceptance("2026-1", NOW.date(), "B. Okoro")
    signed: Any = sign_statement(acme.state.members, PLAIN, accepted, signing_key(PLAIN))
    record = founders.settle(acme.founding.propose([Amend(signed)]), acme).members.find(PLAIN)
    assert record is not None
    assert record.due_diligence.attested == NOW.date()
    assert Role.FOUNDER not in record.roles


def asked_again(node: FounderNode) -> InvitationTerms:
    """Acme's invitation of the plain member, whose keys are lost."""
    code = invitation_code(PLAIN)
    present = node.state.members.find(PLAIN)
    assert present is not None
    return InvitationTerms(
        coalition=COALITION,
        member_id=PLAIN,
        kind=present.kind,
        roles=present.roles,
        jurisdiction=present.jurisdiction,
        vetting=vetting(),
        expires=code.expires,
        invitation_key=invitation_key(code),
        replaces=present.signing_key,
    )


def invitations(node: FounderNode, state: InvitationState) -> list[str]:
    return [each.member for each in node.founding.store.invitations(state)]


def test_invitation_of_a_present_member_again_stays_open_until_its_keys_are_replaced(
    founders: Founders,
) -> None:
    acme, birch, cedar = founders
    code = invitation_code(PLAIN)
    for node, state in ((acme, "approved"), (birch, "approved"), (cedar, "offered")):
        keep_invitation(node, asked_again(acme), code.stored_hash, state)
    founders.settle(acme.founding.propose([moved(acme)]), acme)
    assert invitations(acme, "approved") == invitations(cedar, "offered") == [PLAIN]
    # Whom nobody at cedar approved is for a person there; the other two are enough.
    act = new_keys(PLAIN)
    sha256 = acme.founding.propose([act])
    _, pending = cedar.founding.take(acme.founding.document(sha256), ACME, sign=True)
    assert pending
    after = founders.settle(sha256, acme)
    assert after.members.find(PLAIN) == replace(act.record, changed=after.members.version)
    assert invitations(acme, "used") == invitations(cedar, "used") == [PLAIN]
    # The same answer once more is one that no founder takes.
    assert refused(lambda: acme.founding.propose([act])).full_code == "membership.act.again"


def test_renewal_asked_again_with_the_same_statement_is_the_same_proposal(founders: Founders) -> None:
    acme, birch, _ = founders
    made = make_leaf_key_and_csr(PLAIN, COALITION)
    key = verify_csr(made.csr_pem, PLAIN, COALITION)
    asks = Renewal(public_key_sha256(key), member(PLAIN).certificates[0])
    signed = sign_statement(acme.state.members, PLAIN, asks, signing_key(PLAIN))
    leaf_pem, sha256 = Admission(acme.founding).renew(PLAIN, made.csr_pem, signed, acme.now())
    assert Admission(acme.founding).renew(PLAIN, made.csr_pem, signed, acme.now()) == (leaf_pem, sha256)
    # Another founder that was asked to sign it answers with it too.
    birch.founding.take(acme.founding.document(sha256), ACME, sign=False)
    assert Admission(birch.founding).renew(PLAIN, made.csr_pem, signed, birch.now()) == (leaf_pem, sha256)
    # Once nobody would sign it any more, there is another one.
    founders.clock.later(days=SIGNING.days)
    other, second = Admission(acme.founding).renew(PLAIN, made.csr_pem, signed, acme.now())
    assert (other == leaf_pem, second == sha256) == (False, False)
    listed = founders.settle(second, acme).members.find(PLAIN)
    assert listed is not None
    assert listed.certificates == (asks.beside, certificate_fingerprint(other))
    # In force, it answers nothing any more: the statement is stale.
    stale = refused(lambda: Admission(acme.founding).renew(PLAIN, made.csr_pem, signed, acme.now()))
    assert stale.full_code == "membership.statement.stale"
