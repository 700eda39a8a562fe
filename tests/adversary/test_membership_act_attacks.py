"""Attacks on the coalition's changes: what a member, a founder's node or a thief of one key can try alone."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

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
    leaf_key,
    member,
    new_keys,
    renewal,
    signing_key,
    vetting,
)
from symbolon.errors import MembershipError
from symbolon.membership.act_application import apply_acts
from symbolon.membership.act_review import InvitationTerms, needs_person
from symbolon.membership.acts import Act, Admit, Amend, Appoint, Expel, NewTerms, Refresh, Renew, Vet
from symbolon.membership.certificates import (
    certificate_fingerprint,
    issue_leaf,
    load_certificate,
    make_root,
)
from symbolon.membership.due_diligence import Acceptance
from symbolon.membership.invitation_identity import invitation_key, join_proof
from symbolon.membership.member import CoalitionId, MemberId, MemberKind
from symbolon.membership.member_record import Expelled, MemberRecord, Members, Role
from symbolon.membership.member_statement import (
    Place,
    Renewal,
    Revocation,
    SignedStatement,
    decode_statement,
    encode_statement,
    public_key_sha256,
    sign_statement,
    verify_statement,
)
from symbolon.membership.proposal import Proposal, decode_proposal, encode_proposal

MEMBERS = coalition()
MALLORY = MemberId("mallory")
AWAY = Place("evil.example:1", (), "")
EBONY = MemberId("ebony")


def refused(*acts: Act, members: Members = MEMBERS) -> str:
    with pytest.raises(MembershipError) as caught:
        apply_acts(members, acts, today=TODAY)
    return caught.value.full_code


def renewal_of(member_id: MemberId, number: int) -> SignedStatement:
    asks = renewal(member_id, number)
    return sign_statement(MEMBERS, member_id, asks, signing_key(member_id))


def approved(member_id: MemberId, **changes: Any) -> InvitationTerms:
    terms = InvitationTerms(
        coalition=COALITION,
        member_id=member_id,
        kind=MemberKind.COMPANY,
        roles=(),
        jurisdiction="DE",
        vetting=vetting(),
        expires=NOW.replace(hour=13),
        invitation_key=invitation_key(invitation_code(member_id)),
    )
    return replace(terms, **changes)


def test_statement_replayed_after_a_change_and_back_is_refused() -> None:
    """The member moves away and back: an old move must not send it away a second time."""
    home = Place("delta.example:7443", (), "")
    move = Amend(sign_statement(MEMBERS, DELTA, Place("new.example:1", (), ""), signing_key(DELTA)))
    moved = apply_acts(MEMBERS, [move], today=TODAY)
    assert refused(move, members=moved) == "membership.statement.stale"
    attested = Amend(
        sign_statement(moved, DELTA, Acceptance("2026-1", TODAY, "C. Silva"), signing_key(DELTA))
    )
    attested_members = apply_acts(moved, [attested], today=TODAY)
    back = Amend(sign_statement(attested_members, DELTA, home, signing_key(DELTA)))
    returned = apply_acts(attested_members, [back], today=TODAY)
    assert refused(move, members=returned) == "membership.statement.stale"


def test_statement_replayed_once_the_entry_reads_as_it_did_before_is_refused() -> None:
    """A relay closes and opens again: the news that it closed, sent once more, must not close it for good."""
    there, away = Place("delta.example:7443", (), ""), Place("new.example:1", (), "")
    states, moves = [MEMBERS], []
    for place in (away, there, away, there):
        moves.append(Amend(sign_statement(states[-1], DELTA, place, signing_key(DELTA))))
        states.append(apply_acts(states[-1], [moves[-1]], today=TODAY))
    now, before = states[-1].find(DELTA), MEMBERS.find(DELTA)
    assert now is not None
    assert before is not None
    assert replace(now, changed=before.changed) == before
    assert {refused(move, members=states[-1]) for move in moves} == {"membership.statement.stale"}


def test_admission_that_says_in_which_version_it_changed_is_refused() -> None:
    """A founder that chose it could make an entry which an old statement fits."""
    with pytest.raises(MembershipError) as caught:
        replace(new_keys(DELTA), record=replace(new_keys(DELTA).record, changed=1))
    assert caught.value.full_code == "membership.malformed"


def test_renewal_replayed_to_list_an_old_certificate_again_is_refused() -> None:
    renew = Renew(leaf(DELTA, 1), renewal_of(DELTA, 1))
    once = apply_acts(MEMBERS, [renew], today=TODAY)
    assert refused(renew, members=once) == "membership.statement.stale"


def test_statement_of_another_member_is_refused() -> None:
    """Mallory's own key under delta's name, and delta's name on what acme signed."""
    by_thief = sign_statement(MEMBERS, DELTA, AWAY, signing_key(MALLORY))
    assert refused(Amend(by_thief)) == "membership.statement.signature"
    of_acme = sign_statement(MEMBERS, ACME, AWAY, signing_key(ACME))
    renamed = replace(
        of_acme, statement=replace(by_thief.statement, entry_sha256=of_acme.statement.entry_sha256)
    )
    assert refused(Amend(renamed)) == "membership.statement.signature"


def test_statement_for_another_coalition_of_the_same_member_is_refused() -> None:
    """A member of two coalitions with one key: each statement holds in one of them."""
    other = replace(MEMBERS, coalition=CoalitionId("other-hands"))
    elsewhere = sign_statement(other, DELTA, AWAY, signing_key(DELTA))
    assert verify_statement(other, elsewhere) == other.find(DELTA)
    assert refused(Amend(elsewhere)) == "membership.statement.coalition"
    relabelled = replace(elsewhere, statement=replace(elsewhere.statement, coalition=COALITION))
    assert refused(Amend(relabelled)) == "membership.statement.signature"


def test_statement_altered_in_any_field_is_refused() -> None:
    signed = sign_statement(MEMBERS, DELTA, Place("d.example:1", (CEDAR,), ""), signing_key(DELTA))
    altered = [
        replace(signed.statement, asks=AWAY),
        replace(signed.statement, asks=Place("d.example:1", (), "")),
        replace(signed.statement, asks=Acceptance("2026-1", TODAY, "C. Silva")),
        replace(signed.statement, member_id=BIRCH),
        replace(signed.statement, entry_sha256=bytes(32)),
    ]
    for statement in altered:
        forged = Amend(replace(signed, statement=statement))
        assert refused(forged) == "membership.statement.signature"


def test_statement_signed_without_its_context_is_refused() -> None:
    """A signature that the same key made over the bare JSON, for some other purpose, is none here."""
    signed = sign_statement(MEMBERS, DELTA, AWAY, signing_key(DELTA))
    bare = replace(signed, signature=signing_key(DELTA).sign(encode_statement(signed.statement)))
    assert refused(Amend(bare)) == "membership.statement.signature"


def test_statement_of_a_stranger_or_an_expelled_member_is_refused() -> None:
    signed = sign_statement(MEMBERS, DELTA, AWAY, signing_key(DELTA))
    expelled = apply_acts(MEMBERS, [Expel(DELTA, TODAY, "sold data")], today=TODAY)
    assert refused(Amend(signed), members=expelled) == "membership.expelled"
    without = replace(MEMBERS, members=MEMBERS.members[:-1])
    assert refused(Amend(signed), members=without) == "membership.unknown"


def test_renewal_with_a_certificate_for_the_founders_own_key_is_refused() -> None:
    """A sponsor that has delta's request lists a leaf of delta whose key it holds itself."""
    assert refused(Renew(leaf(DELTA, 666), renewal_of(DELTA, 1))) == "membership.act.certificate"


def test_renewal_with_the_certificate_of_another_member_is_refused() -> None:
    asks = Renewal(public_key_sha256(leaf_key(BIRCH)), member(DELTA).certificates[0])
    signed = sign_statement(MEMBERS, DELTA, asks, signing_key(DELTA))
    assert refused(Renew(leaf(BIRCH), signed)) == "membership.act.certificate"


def test_revocation_replayed_to_shut_out_the_certificate_of_today_is_refused() -> None:
    """A statement of the day of a theft, kept by a founder until the member has renewed twice."""
    revoke = Amend(
        sign_statement(MEMBERS, DELTA, Revocation(member(DELTA).certificates[0]), signing_key(DELTA))
    )
    renewed = apply_acts(MEMBERS, [Renew(leaf(DELTA, 1), renewal_of(DELTA, 1))], today=TODAY)
    assert refused(revoke, members=renewed) == "membership.statement.stale"


def test_revocation_by_a_thief_of_another_key_than_the_signing_key_is_refused() -> None:
    """Who holds the leaf's key alone would shut the member out and stay in."""
    forged = sign_statement(MEMBERS, DELTA, Revocation(member(DELTA).certificates[0]), signing_key(MALLORY))
    assert refused(Amend(forged)) == "membership.statement.signature"


def test_admission_in_the_place_of_a_present_member_without_again_is_refused() -> None:
    """Mallory's invitation is good for its own id; it answers in the name of delta."""
    assert refused(replace(new_keys(DELTA), replaces=b"")) == "membership.duplicate"


def test_admission_again_of_an_expelled_id_is_refused() -> None:
    expelled = apply_acts(MEMBERS, [Expel(DELTA, TODAY, "sold data")], today=TODAY)
    assert refused(new_keys(DELTA), members=expelled) == "membership.expelled"


def test_admission_again_that_only_an_ordinary_invitation_was_approved_for_is_for_a_person() -> None:
    act = new_keys(DELTA)
    terms = approved(DELTA, replaces=act.replaces)
    assert needs_person(act, MEMBERS, {act.invitation_sha256: terms}, now=NOW) is None
    for other in (b"", signing_key(MALLORY).public_key().public_bytes_raw()):
        doubt = needs_person(act, MEMBERS, {act.invitation_sha256: replace(terms, replaces=other)}, now=NOW)
        assert doubt is not None
        assert "keys that it replaces" in doubt


def test_admission_again_replayed_after_a_second_one_brings_no_stolen_keys_back() -> None:
    """Stolen twice in a week: the first invitation is open still, and a founder sends its answer."""
    first = new_keys(DELTA)
    once = apply_acts(MEMBERS, [first], today=TODAY)
    assert refused(first, members=once) == "membership.act.again"
    later = replace(new_keys(DELTA, number=2), replaces=first.record.signing_key)
    twice = apply_acts(once, [later], today=TODAY)
    assert twice.find(DELTA) == replace(later.record, changed=twice.version)
    assert refused(first, members=twice) == "membership.act.again"


def test_thief_with_the_old_keys_after_an_admission_again_can_state_nothing() -> None:
    again = apply_acts(MEMBERS, [new_keys(DELTA)], today=TODAY)
    for asks in (AWAY, renewal(DELTA, 2), Revocation(member(DELTA).certificates[0])):
        stolen = sign_statement(again, DELTA, asks, signing_key(DELTA))
        act = Renew(leaf(DELTA, 2), stolen) if isinstance(asks, Renewal) else Amend(stolen)
        assert refused(act, members=again) == "membership.statement.signature"


def test_admission_under_a_certificate_of_another_coalition_is_refused() -> None:
    foreign = leaf(MALLORY, 0, "other-hands")
    record = member(MALLORY, certificates=(certificate_fingerprint(foreign),))
    assert refused(admission(record, foreign)) == "membership.certificate.trust_domain"


def test_admission_under_the_certificate_of_another_member_is_refused() -> None:
    """A newcomer whose entry names acme's leaf could have acme's sessions counted as its own."""
    record = member(MALLORY, certificates=(certificate_fingerprint(leaf(ACME)),))
    assert refused(admission(record, leaf(ACME))) == "membership.act.certificate"


@pytest.mark.parametrize("pem", [b"", b"not a certificate", leaf(ACME) + leaf(MALLORY), leaf(MALLORY)[:-40]])
def test_admission_with_an_unreadable_certificate_is_refused(pem: bytes) -> None:
    unreadable = replace(admission(member(MALLORY)), certificate_pem=pem)
    assert refused(unreadable) == "membership.certificate.malformed"


def test_admission_of_an_expelled_id_is_refused() -> None:
    members = replace(MEMBERS, expelled=(Expelled(MALLORY, date(2026, 1, 5), "sold data"),))
    assert refused(admission(member(MALLORY)), members=members) == "membership.expelled"


def test_admission_in_the_place_of_a_member_expelled_beside_it_is_refused() -> None:
    acts = [Expel(DELTA, TODAY, "gone"), admission(member(DELTA))]
    assert refused(*acts) == refused(*reversed(acts)) == "membership.act.twice"


def test_admission_vetted_by_an_accomplice_admitted_beside_it_is_for_a_person() -> None:
    """A list in which the newcomer is a founder, who vets the next one: neither was approved."""
    accomplice = member(MALLORY, (Role.FOUNDER,))
    second = member("mallet")
    second = replace(second, due_diligence=replace(second.due_diligence, vetting=vetting(by=MALLORY)))
    acts = [admission(accomplice), admission(second)]
    assert all(needs_person(act, MEMBERS, {}, now=NOW) for act in acts)
    assert refused(*reversed(acts)) == "membership.act.vetting"


@pytest.mark.parametrize(
    "greedy",
    [
        member(MALLORY, (Role.FOUNDER, Role.RELAY)),
        member(MALLORY, (Role.RELAY,), kind=MemberKind.COORDINATOR),
        member(MALLORY, (Role.RELAY,), jurisdiction="FR"),
        replace(
            member(MALLORY, (Role.RELAY,)),
            due_diligence=replace(member(MALLORY).due_diligence, vetting=vetting(lapses=date(2029, 1, 31))),
        ),
    ],
)
def test_admission_with_more_than_was_approved_is_for_a_person(greedy: MemberRecord) -> None:
    honest = admission(member(MALLORY, (Role.RELAY,)))
    terms = {honest.invitation_sha256: approved(MALLORY, roles=(Role.RELAY,))}
    assert needs_person(honest, MEMBERS, terms, now=NOW) is None
    assert needs_person(replace(honest, record=greedy), MEMBERS, terms, now=NOW) is not None


@pytest.mark.parametrize("also", [{}, {"jurisdiction": "FR"}, {"kind": MemberKind.AUDITOR}])
def test_admission_whose_certificate_key_a_colluding_founder_put_in_is_refused(also: dict) -> None:
    """It signs a leaf of ebony for its own key; a further change does not bring that to a person."""
    honest = admission(member(EBONY))
    own = leaf(EBONY, 666)
    record = replace(honest.record, certificates=(certificate_fingerprint(own),), **also)
    forged = replace(honest, record=record, certificate_pem=own)
    assert refused_as_answer(forged) == "membership.invitation.proof"


def test_admission_whose_signing_key_a_colluding_founder_put_in_is_refused() -> None:
    honest = admission(member(EBONY))
    own = signing_key(MALLORY).public_key().public_bytes_raw()
    forged = replace(honest, record=replace(honest.record, signing_key=own))
    assert refused_as_answer(forged) == "membership.invitation.proof"


def test_admission_proved_by_a_code_that_a_colluding_founder_made_up_is_refused() -> None:
    """It knows the hash of the approved invitation and its terms, and not the code."""
    honest = admission(member(EBONY))
    own = replace(invitation_code(EBONY), secret=bytes(16))
    key_sha256 = public_key_sha256(load_certificate(honest.certificate_pem).public_key())
    forged = replace(honest, proof=join_proof(own, key_sha256, honest.record.signing_key))
    assert refused_as_answer(forged) == "membership.invitation.proof"


@pytest.mark.parametrize("invited", [EBONY, MALLORY])
def test_admission_proof_replayed_for_another_member_is_refused(invited: MemberId) -> None:
    """Mallory joins with ebony's proof and its very keys, by ebony's invitation or by its own."""
    proved = admission(member(EBONY))
    authority_key = ec.generate_private_key(ec.SECP256R1())
    authority = make_root(COALITION, authority_key, NOW)
    certified = issue_leaf(
        MALLORY, COALITION, leaf_key(EBONY), root_key=authority_key, root_pem=authority, now=NOW
    )
    record = member(
        MALLORY,
        signing_key=proved.record.signing_key,
        certificates=(certificate_fingerprint(certified),),
    )
    replayed = Admit(record, invitation_code(invited).stored_hash, certified, proved.proof)
    assert refused_as_answer(replayed) == "membership.invitation.proof"


def test_admission_proof_replayed_in_another_coalition_is_refused() -> None:
    """Even where both approved the same key, and the member has the same keys and the same id in both."""
    honest = admission(member(EBONY))
    elsewhere = invitation_code(EBONY, "other-hands")
    key_sha256 = public_key_sha256(load_certificate(honest.certificate_pem).public_key())
    replayed = replace(honest, proof=join_proof(elsewhere, key_sha256, honest.record.signing_key))
    terms = approved(EBONY, invitation_key=invitation_key(elsewhere))
    with pytest.raises(MembershipError) as caught:
        needs_person(replayed, MEMBERS, {honest.invitation_sha256: terms}, now=NOW)
    assert caught.value.full_code == "membership.invitation.proof"


def refused_as_answer(act: Admit) -> str:
    """How a founder that approved the invitations of ebony and mallory refuses an admission that applies."""
    apply_acts(MEMBERS, [act], today=TODAY)
    terms = {invitation_code(each).stored_hash: approved(each) for each in (EBONY, MALLORY)}
    with pytest.raises(MembershipError) as caught:
        needs_person(act, MEMBERS, terms, now=NOW)
    return caught.value.full_code


@pytest.mark.parametrize("member_id", [ACME, CEDAR])
def test_vetting_by_oneself_or_by_no_founder_is_refused(member_id: MemberId) -> None:
    """A founder's node prolongs its own vetting; a relay prolongs another's."""
    target = member_id if member_id == ACME else DELTA
    act = Vet(target, vetting(by=member_id, on=TODAY, lapses=date(2029, 1, 1)))
    assert refused(act) == "membership.act.vetting"


@pytest.mark.parametrize("end", [Expel(BIRCH, TODAY, "left"), Appoint(BIRCH, ())])
def test_vetting_by_oneself_behind_the_removal_of_the_other_founder_is_refused(end: Act) -> None:
    """One list that makes acme the only founder and has it vet itself."""
    assert refused(end, Vet(ACME, vetting(on=TODAY))) == "membership.act.vetting"


def test_attestation_of_the_future_that_would_never_lapse_is_refused() -> None:
    for day in (date(2026, 3, 3), date(2999, 12, 31)):
        signed = sign_statement(MEMBERS, DELTA, Acceptance("2026-1", day, "C. Silva"), signing_key(DELTA))
        assert refused(Amend(signed)) == "membership.act.date"


def test_attestation_of_terms_that_are_no_longer_in_force_is_refused_in_either_order() -> None:
    old = Amend(sign_statement(MEMBERS, DELTA, Acceptance("2026-1", TODAY, "C. Silva"), signing_key(DELTA)))
    terms = NewTerms("2026-2", bytes(32))
    assert refused(terms, old) == "membership.act.terms"
    after = apply_acts(MEMBERS, [old, terms], today=TODAY)
    with pytest.raises(MembershipError) as caught:
        after.require(DELTA, TODAY)
    assert caught.value.full_code == "membership.lapsed.terms"


def test_statement_smuggled_into_the_wrong_act_is_refused() -> None:
    move = sign_statement(MEMBERS, DELTA, AWAY, signing_key(DELTA))
    with pytest.raises(MembershipError):
        Renew(leaf(DELTA, 1), move)
    with pytest.raises(MembershipError):
        Amend(renewal_of(DELTA, 1))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b'[{"act"', b'[ {"act"'),
        (b"}\n", b"}"),
        (b'{"act":"refresh"}', b'{"act":"refresh","act":"refresh"}'),
        (b'{"act":"refresh"}', b'{"act":"refresh","member_id":"delta"}'),
        (b'{"act":"refresh"}', b'{"act":"resign"}'),
        (b'{"act":"refresh"}', b'{"act":null}'),
        (b'{"act":"refresh"}', b'{"act":["refresh"]}'),
        (b'{"act":"refresh"}', b"{}"),
        (b'{"act":"refresh"}', b'"refresh"'),
        (b'{"act":"amend",', b'{"act":"renew",'),
        (b'"place":{', b'"attestation":{'),
        (b'"asks":{', b'"asks":{"renewal":{},'),
        (b'"relays":[]', b'"relays":["cedar","cedar"]'),
        (b'"signature":"', b'"signature":"00'),
        (b"evil.example:1", b"evil.example:1\\u001b"),
        (b"evil.example:1", b"\\u0065vil.example:1"),
    ],
)
def test_acts_tampered_with_in_their_form_are_refused(before: bytes, after: bytes) -> None:
    acts = (Refresh(), Amend(sign_statement(MEMBERS, DELTA, AWAY, signing_key(DELTA))))
    document = encode_proposal(Proposal(COALITION, bytes(32), 8, NOW, NOW, acts))
    tampered = document.replace(before, after, 1)
    assert tampered != document
    with pytest.raises(MembershipError) as caught:
        decode_proposal(tampered)
    assert caught.value.full_code == "membership.malformed"


@pytest.mark.parametrize(
    "document", [b"{}\n", b'{"asks":{},"coalition":"c","entry_sha256":"","member_id":"d"}\n', b"[" * 15_000]
)
def test_statement_that_is_none_is_refused(document: bytes) -> None:
    with pytest.raises(MembershipError) as caught:
        decode_statement(document)
    assert caught.value.full_code == "membership.malformed"


def test_statement_padded_with_white_space_is_refused() -> None:
    document = encode_statement(renewal_of(DELTA, 1).statement)
    assert encode_statement(decode_statement(document)) == document
    with pytest.raises(MembershipError) as caught:
        decode_statement(document + b"\n")
    assert caught.value.full_code == "membership.malformed"
