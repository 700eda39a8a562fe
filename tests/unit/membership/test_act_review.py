from dataclasses import replace
from datetime import date, timedelta, timezone

import pytest

from coalition_members import (
    ACME,
    BIRCH,
    CEDAR,
    COALITION,
    DELTA,
    NOW,
    TODAY,
    admission,
    coalition,
    invitation_code,
    leaf,
    member,
    new_keys,
    renewal,
    signing_key,
    vetting,
)
from symbolon.errors import MembershipError
from symbolon.membership.act_review import InvitationTerms, describe, describe_invitation, needs_person
from symbolon.membership.acts import (
    Act,
    Amend,
    Appoint,
    Expel,
    NewTerms,
    Purposes,
    Refresh,
    Reinstate,
    Renew,
    Suspend,
    Vet,
)
from symbolon.membership.due_diligence import Acceptance
from symbolon.membership.invitation_identity import invitation_key
from symbolon.membership.member import CoalitionId, MemberId, MemberKind
from symbolon.membership.member_record import Role
from symbolon.membership.member_statement import Place, Revocation, sign_statement

MEMBERS = coalition()
EBONY = MemberId("ebony")
JOIN = admission(member(EBONY, (Role.RELAY,)))
INVITATION = JOIN.invitation_sha256
TERMS = InvitationTerms(
    coalition=COALITION,
    member_id=EBONY,
    kind=MemberKind.COMPANY,
    roles=(Role.RELAY,),
    jurisdiction="DE",
    vetting=vetting(),
    expires=NOW + timedelta(hours=1),
    invitation_key=invitation_key(invitation_code(EBONY)),
)
RENEWAL = sign_statement(MEMBERS, DELTA, renewal(DELTA), signing_key(DELTA))
MOVE = sign_statement(MEMBERS, DELTA, Place("d.example:1", (CEDAR,), ""), signing_key(DELTA))
REVOCATION = sign_statement(MEMBERS, DELTA, Revocation(member(DELTA).certificates[0]), signing_key(DELTA))
ATTESTATION = sign_statement(MEMBERS, DELTA, Acceptance("2026-1", TODAY, "C. Silva"), signing_key(DELTA))


def test_needs_person_join_as_approved_carries_its_proof() -> None:
    assert needs_person(JOIN, MEMBERS, {INVITATION: TERMS}, now=NOW) is None


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"coalition": CoalitionId("other-hands")}, "coalition"),
        ({"member_id": MemberId("elder")}, "member id"),
        ({"kind": MemberKind.AUDITOR}, "kind"),
        ({"roles": ()}, "roles"),
        ({"jurisdiction": "IN"}, "country"),
        ({"vetting": vetting(by=BIRCH)}, "vetting"),
        ({"expires": NOW}, "expired"),
        ({"expires": (NOW - timedelta(days=1)).astimezone(timezone(timedelta(hours=9)))}, "expired"),
    ],
)
def test_needs_person_join_other_than_approved_says_in_what(changes: dict[str, object], named: str) -> None:
    why = needs_person(JOIN, MEMBERS, {INVITATION: replace(TERMS, **changes)}, now=NOW)
    assert why is not None
    assert named in why


def test_needs_person_join_of_another_invitation_is_for_a_person() -> None:
    why = needs_person(JOIN, MEMBERS, {bytes(32): TERMS}, now=NOW)
    assert why == "Nobody here has approved the invitation that ebony answers."


@pytest.mark.parametrize("act", [Renew(leaf(DELTA, 1), RENEWAL), Amend(MOVE), Amend(ATTESTATION), Refresh()])
def test_needs_person_member_about_itself_carries_its_proof(act: Act) -> None:
    assert needs_person(act, MEMBERS, {}, now=NOW) is None


@pytest.mark.parametrize("act", [Renew(leaf(DELTA, 1), RENEWAL), Amend(MOVE), Amend(ATTESTATION)])
def test_needs_person_statement_that_does_not_hold_is_refused(act: Renew | Amend) -> None:
    forged = replace(act, signed=replace(act.signed, signature=bytes(64)))
    with pytest.raises(MembershipError) as caught:
        needs_person(forged, MEMBERS, {}, now=NOW)
    assert caught.value.full_code == "membership.statement.signature"


@pytest.mark.parametrize(
    "act",
    [
        Vet(DELTA, vetting()),
        Suspend(DELTA, "late"),
        Reinstate(DELTA),
        Expel(DELTA, TODAY, "left"),
        Appoint(DELTA, (Role.FOUNDER,)),
        NewTerms("2026-2", bytes(32)),
        Purposes(("audit",)),
    ],
)
def test_needs_person_founders_decision_is_for_a_person(act: Act) -> None:
    why = needs_person(act, MEMBERS, {INVITATION: TERMS}, now=NOW)
    assert why is not None
    assert why.startswith("A person says ")
    assert why.endswith(".")


def test_needs_person_join_without_the_proof_of_its_invitation_is_refused() -> None:
    forged = replace(JOIN, proof=JOIN.proof[:-1] + bytes([JOIN.proof[-1] ^ 1]))
    with pytest.raises(MembershipError) as caught:
        needs_person(forged, MEMBERS, {INVITATION: TERMS}, now=NOW)
    assert caught.value.full_code == "membership.invitation.proof"


@pytest.mark.parametrize("key", [b"", bytes(65), TERMS.invitation_key[:-1], b"\x04" + bytes(64)])
def test_invitation_terms_key_that_is_no_point_is_refused(key: bytes) -> None:
    with pytest.raises(MembershipError) as caught:
        replace(TERMS, invitation_key=key)
    assert caught.value.full_code == "membership.malformed"


def test_invitation_terms_expiry_without_time_zone_is_refused() -> None:
    with pytest.raises(MembershipError) as caught:
        replace(TERMS, expires=NOW.replace(tzinfo=None))
    assert caught.value.full_code == "membership.malformed"


@pytest.mark.parametrize(
    ("act", "sentence"),
    [
        (
            JOIN,
            "ebony (company, DE) is admitted as relay, reached at ebony.example:7443, running a relay at "
            "relay.ebony.example:7444; A. Rao of acme vetted it on 2026-02-01 against charter, section 2, "
            "which holds until 2028-02-01; B. Okoro accepted terms 2026-1 for it on 2026-02-01.",
        ),
        (Renew(leaf(DELTA, 1), RENEWAL), "delta gets a further certificate, which it asked for itself."),
        (
            Amend(REVOCATION),
            "delta has every certificate of its own refused but the one that it uses now.",
        ),
        (
            new_keys(DELTA),
            "delta (company, DE) is admitted again, with new keys, and its present keys and certificates are "
            "refused from then on, as a member without further tasks, reached at delta.example:7443; A. Rao "
            "of acme vetted it on 2026-02-01 against charter, section 2, which holds until 2028-02-01; B. "
            "Okoro accepted terms 2026-1 for it on 2026-02-01.",
        ),
        (
            Amend(MOVE),
            "delta is from now on reached at d.example:1 and through the relays of cedar.",
        ),
        (
            Amend(ATTESTATION),
            "delta attests for a year its purposes and the prohibited uses; C. Silva accepted terms 2026-1 "
            "for it on 2026-03-01.",
        ),
        (
            Vet(DELTA, vetting()),
            "delta stays vetted: A. Rao of acme vetted it on 2026-02-01 against charter, section 2, which "
            "holds until 2028-02-01.",
        ),
        (
            Suspend(DELTA, "under review"),
            "delta is suspended, and refused by all until that is lifted: under review",
        ),
        (Reinstate(DELTA), "The suspension of delta is lifted."),
        (Expel(DELTA, date(2026, 3, 1), "sold data"), "delta is expelled for good on 2026-03-01: sold data"),
        (Appoint(ACME, (Role.FOUNDER, Role.RELAY)), "From now on acme is founder and relay."),
        (Appoint(ACME, ()), "From now on acme is a member without further tasks."),
        (
            NewTerms("2026-2", bytes(32)),
            f"Terms of use 2026-2 come into force (SHA-256 of the text: {'00' * 32}); each member is refused "
            "until it has accepted them.",
        ),
        (
            Purposes(("audit", "remediation")),
            "Members may from now on exchange for these purposes only: audit, remediation.",
        ),
        (Refresh(), "Nothing changes; the signatures are made anew before their time is out."),
    ],
)
def test_describe_act_says_it_in_a_plain_sentence(act: Act, sentence: str) -> None:
    assert describe(act) == sentence


def test_describe_member_nobody_dials_says_so() -> None:
    hidden = sign_statement(MEMBERS, DELTA, Place("", (), ""), signing_key(DELTA))
    assert describe(Amend(hidden)) == "delta is from now on reached by nobody (it only asks others)."


def test_describe_invitation_to_come_again_says_what_becomes_of_the_keys() -> None:
    said = "ebony (company, DE) is invited as relay, until 2026-03-01; "
    assert describe_invitation(TERMS).startswith(said)
    again = replace(TERMS, replaces=bytes(32))
    assert describe_invitation(again).startswith(
        "ebony (company, DE) is invited again, with new keys, and its present keys and certificates are "
        "refused from then on, as relay, until 2026-03-01; "
    )
