"""Founders who are suspended, or whose records lapsed: their keys are in the root, they are not heard."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from coalition_members import TERMS, signing_key
from founder_nodes import NAMES, PLAIN, FounderNode, Founders
from founding_attackers import code, forged, posed, refused
from symbolon.membership.acts import Amend, Appoint, Expel, Purposes, Refresh, Reinstate, Suspend, Vet
from symbolon.membership.due_diligence import Acceptance, Vetting
from symbolon.membership.member import MemberId
from symbolon.membership.member_statement import sign_statement
from symbolon.membership.proposal import encode_proposal
from symbolon.membership.proposal_draft import missing

ACME, BIRCH, CEDAR = NAMES[:3]
OTHER_PURPOSES = Purposes(("due-diligence",))


@pytest.fixture
def founders(tmp_path: Path) -> Iterator[Founders]:
    """Acme, birch and cedar, two of whom sign."""
    made = Founders.of(3, tmp_path / "founders")
    yield made
    made.stop()


def suspend_cedar(founders: Founders) -> None:
    acme, birch, _ = founders
    sha256 = acme.founding.propose([Suspend(CEDAR, "a laptop is lost")])
    birch.founding.take(acme.founding.document(sha256), ACME, sign=False)
    birch.founding.approve(sha256)
    founders.settle(sha256, birch)


def attestation(node: FounderNode) -> Amend:
    asks = Acceptance(TERMS, node.now().date(), "A. Rao")
    return Amend(sign_statement(node.state.members, node.name, asks, signing_key(node.name)))


def test_attack_a_suspended_founder_proposes_and_no_founder_signs(founders: Founders) -> None:
    acme, birch, cedar = founders
    suspend_cedar(founders)
    for act in (Refresh(), Reinstate(CEDAR), attestation(cedar), OTHER_PURPOSES):
        assert code(lambda act=act: cedar.founding.propose([act])) == "membership.suspended"  # type: ignore[misc]
        document = encode_proposal(posed(acme.state, act))
        for node in (acme, birch):
            for sign in (False, True):
                assert code(lambda n=node, d=document, s=sign: n.founding.take(d, CEDAR, sign=s)) == (  # type: ignore[misc]
                    "membership.suspended"
                )
    assert acme.founding.waiting() == []


def test_attack_a_suspended_founder_is_not_asked_for_its_signature(founders: Founders) -> None:
    acme, birch, cedar = founders
    suspend_cedar(founders)
    sha256 = acme.founding.propose([Reinstate(CEDAR)])
    asked: list[MemberId] = []
    assert founders.carry(sha256, acme, asked=lambda _, to: not asked.append(to)) is None  # type: ignore[func-returns-value]
    assert asked == [BIRCH]
    birch.founding.approve(sha256)
    founders.settle(sha256, birch)
    assert cedar.founding.whom_to_ask(cedar.founding.propose([Refresh()])) == (ACME, BIRCH)


def test_attack_keys_of_a_suspended_founder_count_until_the_root_names_others(founders: Founders) -> None:
    acme, birch, cedar = founders
    suspend_cedar(founders)
    thief = cedar.keys.metadata_key
    # What `suspend` and `proposals` say in words: with a second key, cedar's is still enough.
    proposal = posed(acme.state, Refresh())
    made, signatures = forged(acme.state, proposal, acme.keys.metadata_key, thief)
    assert missing(made, acme.state, signatures) == {}
    # The command they name makes a root without it; two of the two that are left then sign.
    new = founders.names_all(2, 2)
    sha256 = acme.founding.propose([Appoint(CEDAR, ())], founding=new, root_key=acme.root_key)
    birch.founding.take(acme.founding.document(sha256), ACME, sign=False)
    birch.founding.approve(sha256, root_key=birch.root_key)
    founders.settle(sha256, birch)
    proposal = posed(acme.state, Refresh())
    made, signatures = forged(acme.state, proposal, acme.keys.metadata_key, thief)
    ((lack,),) = missing(made, acme.state, signatures).values()
    assert (lack.count, lack.founders) == (1, (BIRCH,))


def test_suspending_a_founder_says_in_words_that_its_keys_stay_and_how_to_end_that(
    founders: Founders,
) -> None:
    acme, birch, _ = founders
    sha256 = acme.founding.propose([Suspend(CEDAR, "late"), Suspend(PLAIN, "late")])
    birch.founding.take(acme.founding.document(sha256), ACME, sign=False)
    (waiting,) = birch.founding.waiting()
    told = [words for words in waiting.words if "stays a founder" in words]
    assert len(told) == 1
    assert f"`symbolon coalition founders --drop {CEDAR} --threshold 2`" in told[0]


@pytest.mark.parametrize(("count", "suspended"), [(1, 1), (2, 1), (3, 2)])
def test_attack_suspending_so_many_founders_that_the_rest_cannot_sign_is_refused(
    tmp_path: Path, count: int, suspended: int
) -> None:
    made = Founders.of(count, tmp_path / "founders")
    first = made[ACME]
    acts = [Suspend(name, "late") for name in NAMES[count - suspended : count]]
    error = refused(lambda: first.founding.propose(acts))
    assert error.full_code == "membership.proposal.founders"
    assert "symbolon coalition founders" in (error.hint or "")
    document = encode_proposal(posed(first.state, *acts))
    for node in list(made)[1:]:
        assert code(lambda node=node: node.founding.take(document, ACME, sign=True)) == (  # type: ignore[misc]
            "membership.proposal.founders"
        )
    made.stop()


def lapse(founders: Founders) -> None:
    """A year on: nobody attested, so that all founders lapse on one day."""
    founders.clock.later(days=340)
    founders[ACME].founding.redate()
    founders.sync()


def test_founders_who_all_lapsed_on_one_day_come_back_by_themselves(founders: Founders) -> None:
    lapse(founders)
    for node in founders:
        founders.settle(node.founding.propose([attestation(node)]), node)
    today = founders.clock.now.date()
    assert {each.due_diligence.attested for each in founders[ACME].state.members.founders} == {today}


def test_founders_whose_vettings_all_lapsed_vet_each_other(founders: Founders) -> None:
    acme, birch, _ = founders
    lapse(founders)
    today = founders.clock.now.date()
    vetting = Vetting(ACME, "A. Rao", today, "charter", today + timedelta(days=365))
    sha256 = acme.founding.propose([Vet(BIRCH, vetting)])
    birch.founding.take(acme.founding.document(sha256), ACME, sign=False)
    birch.founding.approve(sha256)
    founders.settle(sha256, birch)


def test_attack_a_lapsed_founder_proposes_anything_but_what_mends_it_and_no_founder_signs(
    founders: Founders,
) -> None:
    acme, birch, cedar = founders
    lapse(founders)
    for node in (acme, birch):
        founders.settle(node.founding.propose([attestation(node)]), node)
    expel = Expel(PLAIN, founders.clock.now.date(), "gone")
    for acts in ((OTHER_PURPOSES,), (attestation(cedar), OTHER_PURPOSES), (expel,)):
        assert code(lambda acts=acts: cedar.founding.propose(acts)) == "membership.lapsed.attestation"  # type: ignore[misc]
        document = encode_proposal(
            posed(acme.state, *acts, made=founders.clock.now, posed=founders.clock.now)
        )
        assert code(lambda document=document: birch.founding.take(document, CEDAR, sign=True)) == (  # type: ignore[misc]
            "membership.lapsed.attestation"
        )
    # Nor is it asked, but for what mends records.
    assert acme.founding.whom_to_ask(acme.founding.propose([OTHER_PURPOSES])) == (BIRCH,)
    assert acme.founding.whom_to_ask(acme.founding.propose([Refresh()])) == (BIRCH, CEDAR)
