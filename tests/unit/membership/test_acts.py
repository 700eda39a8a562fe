from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date, timedelta

import pytest

from coalition_members import (
    ACME,
    BIRCH,
    CEDAR,
    DELTA,
    TERMS,
    TODAY,
    admission,
    coalition,
    leaf,
    member,
    new_keys,
    renewal,
    signing_key,
    vetting,
)
from symbolon.errors import MembershipError
from symbolon.membership.act_application import apply_acts
from symbolon.membership.acts import (
    MAX_ACTS,
    Act,
    Admit,
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
from symbolon.membership.canonical_json import MAX_INTEGER
from symbolon.membership.certificates import certificate_fingerprint
from symbolon.membership.due_diligence import Acceptance
from symbolon.membership.member import MemberId, MemberKind
from symbolon.membership.member_record import (
    MAX_EXPELLED,
    MAX_MEMBERS,
    Expelled,
    MemberRecord,
    Members,
    Role,
    Status,
)
from symbolon.membership.member_statement import Place, Revocation, sign_statement
from symbolon.membership.members_document import (
    MAX_MEMBERS_BYTES,
    decode_members,
    encode_members,
    entry_sha256,
    members_sha256,
)

MEMBERS = coalition()
EBONY = MemberId("ebony")
FORMER = Expelled(EBONY, date(2026, 1, 5), "resold what it was told")
TOMORROW = TODAY + timedelta(days=1)
LATER = TODAY + timedelta(days=2)


def renew(members: Members, member_id: MemberId, number: int = 1, beside: int = 0) -> Renew:
    asks = renewal(member_id, number, beside)
    return Renew(leaf(member_id, number), sign_statement(members, member_id, asks, signing_key(member_id)))


def amend(
    asks: Revocation | Place | Acceptance, member_id: MemberId = DELTA, members: Members = MEMBERS
) -> Amend:
    return Amend(sign_statement(members, member_id, asks, signing_key(member_id)))


def attested(day: date, terms: str = TERMS) -> Acceptance:
    return Acceptance(terms, day, "C. Silva")


def applied(*acts: Act, members: Members = MEMBERS) -> Members:
    return apply_acts(members, acts, today=TODAY)


def refused(*acts: Act, members: Members = MEMBERS) -> str:
    with pytest.raises(MembershipError) as caught:
        applied(*acts, members=members)
    return caught.value.full_code


def only_change(before: Members, after: Members, member_id: MemberId) -> MemberRecord:
    """The member's new entry but for `changed`, after checking that, and that no other entry changed."""
    others = [record for record in before.members if record.member_id != member_id]
    assert [record for record in after.members if record.member_id != member_id] == others
    changed = after.find(member_id)
    assert changed is not None
    assert changed.changed == after.version
    return replace(changed, changed=0)


def test_apply_refresh_changes_version_and_base_only() -> None:
    after = applied(Refresh())
    assert after == replace(MEMBERS, version=8, previous=members_sha256(MEMBERS))
    assert decode_members(encode_members(after)) == after


def test_apply_higher_version_skips_to_it() -> None:
    assert apply_acts(MEMBERS, [Refresh()], today=TODAY, version=12).version == 12


@pytest.mark.parametrize("version", [MEMBERS.version, MEMBERS.version - 1, 0, MAX_INTEGER + 1])
def test_apply_version_that_cannot_follow_is_refused(version: int) -> None:
    with pytest.raises(MembershipError) as caught:
        apply_acts(MEMBERS, [Refresh()], today=TODAY, version=version)
    assert caught.value.full_code == "membership.act.version"


def test_apply_admission_lists_the_record_as_it_is() -> None:
    joining = member(EBONY, (Role.RELAY,), relays=(CEDAR,))
    after = applied(admission(joining))
    assert only_change(MEMBERS, after, EBONY) == joining
    assert [record.member_id for record in after.members] == [ACME, BIRCH, CEDAR, DELTA, EBONY]


@pytest.mark.parametrize(
    ("joining", "code"),
    [
        (member(DELTA), "membership.duplicate"),
        (
            member(EBONY, signing_key=signing_key(DELTA).public_key().public_bytes_raw()),
            "membership.duplicate",
        ),
        (member(EBONY, certificates=(bytes(32),)), "membership.act.certificate"),
        (
            member(EBONY, certificates=(certificate_fingerprint(leaf(EBONY)), bytes(32))),
            "membership.act.certificate",
        ),
        (member(EBONY, status=Status.SUSPENDED, reason="late"), "membership.act.suspended"),
        (member(EBONY, relays=(ACME,)), "membership.act.relay"),
        (member(EBONY, relays=(MemberId("nobody"),)), "membership.act.relay"),
        (member(EBONY, (Role.RELAY,), relays=(EBONY,)), "membership.act.relay"),
    ],
)
def test_apply_admission_of_a_record_that_does_not_hold_is_refused(joining: MemberRecord, code: str) -> None:
    assert refused(admission(joining)) == code


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"vetting": vetting(by=CEDAR)}, "membership.act.vetting"),
        ({"vetting": vetting(by=EBONY)}, "membership.act.vetting"),
        ({"vetting": vetting(by=MemberId("nobody"))}, "membership.act.vetting"),
        ({"vetting": vetting(lapses=TODAY)}, "membership.act.vetting"),
        ({"vetting": vetting(on=LATER)}, "membership.act.date"),
        ({"attested": LATER}, "membership.act.date"),
        ({"attested": date(2025, 1, 1)}, "membership.lapsed.attestation"),
        ({"acceptance": attested(LATER)}, "membership.act.date"),
        ({"acceptance": attested(TODAY, "2025-2")}, "membership.lapsed.terms"),
    ],
)
def test_apply_admission_without_due_diligence_is_refused(changes: dict[str, object], code: str) -> None:
    joining = member(EBONY)
    due_diligence = replace(joining.due_diligence, **changes)
    assert refused(admission(replace(joining, due_diligence=due_diligence))) == code


def test_apply_admission_of_tomorrow_by_another_clock_is_allowed() -> None:
    joining = member(EBONY)
    due_diligence = replace(
        joining.due_diligence,
        acceptance=attested(TOMORROW),
        attested=TOMORROW,
        vetting=vetting(on=TOMORROW, lapses=LATER),
    )
    assert applied(admission(replace(joining, due_diligence=due_diligence))).find(EBONY) is not None


def test_apply_admission_of_a_present_member_without_again_names_the_way() -> None:
    with pytest.raises(MembershipError) as caught:
        applied(replace(new_keys(DELTA), replaces=b""))
    assert caught.value.full_code == "membership.duplicate"
    assert "symbolon coalition invite delta --again" in (caught.value.hint or "")


def test_apply_admission_again_replaces_the_entry_as_a_whole() -> None:
    admitted = new_keys(DELTA, endpoint="", relays=(CEDAR,))
    after = applied(admitted)
    assert only_change(MEMBERS, after, DELTA) == admitted.record
    with pytest.raises(MembershipError) as caught:
        after.require_certificate(DELTA, prints(0)[0], TODAY)
    assert caught.value.full_code == "membership.fingerprint"


def test_apply_admission_again_of_a_relay_leaves_it_one() -> None:
    behind = replace(
        MEMBERS,
        members=tuple(
            replace(each, relays=(CEDAR,)) if each.member_id == DELTA else each for each in MEMBERS.members
        ),
    )
    after = applied(new_keys(CEDAR, (Role.RELAY,)), members=behind)
    assert after.find(DELTA) == behind.find(DELTA)


def test_apply_admission_again_of_a_member_that_lapsed_is_allowed() -> None:
    lapsed = replace(member(DELTA).due_diligence, vetting=vetting(lapses=TODAY))
    members = replace(
        MEMBERS,
        members=tuple(
            replace(each, due_diligence=lapsed) if each.member_id == DELTA else each
            for each in MEMBERS.members
        ),
    )
    assert applied(new_keys(DELTA), members=members).require(DELTA, TODAY).member_id == DELTA


def test_apply_admission_again_in_a_full_coalition_is_allowed() -> None:
    one = member(DELTA)
    crowd = [
        replace(
            one, member_id=MemberId(f"member-{number:04}"), signing_key=(number + 2).to_bytes(32, "little")
        )
        for number in range(MAX_MEMBERS - 2)
    ]
    full = coalition(member(ACME, (Role.FOUNDER,)), one, *crowd)
    assert len(applied(new_keys(DELTA), members=full).members) == MAX_MEMBERS


@pytest.mark.parametrize(
    ("admitted", "code"),
    [
        (new_keys(EBONY), "membership.unknown"),
        (new_keys(ACME, (Role.FOUNDER,)), "membership.act.founder"),
        (new_keys(DELTA, kind=MemberKind.NGO), "membership.act.again"),
        (new_keys(DELTA, jurisdiction="KE"), "membership.act.again"),
        (new_keys(DELTA, (Role.RELAY,)), "membership.act.again"),
        (new_keys(CEDAR), "membership.act.again"),
        (replace(new_keys(DELTA), replaces=bytes(32)), "membership.act.again"),
        (new_keys(DELTA, signing_key=member(DELTA).signing_key), "membership.duplicate"),
        (new_keys(DELTA, number=0), "membership.act.certificate"),
        (new_keys(DELTA, status=Status.SUSPENDED, reason="late"), "membership.act.suspended"),
    ],
    ids=["absent", "founder", "kind", "country", "more roles", "fewer roles", "other keys", "its own key",
         "its own leaf", "suspended"],
)  # fmt: skip
def test_apply_admission_again_that_does_not_fit_is_refused(admitted: Admit, code: str) -> None:
    assert refused(admitted) == code


def test_apply_admission_again_of_a_suspended_member_asks_to_reinstate_it_first() -> None:
    suspended = applied(Suspend(DELTA, "under review"))
    with pytest.raises(MembershipError) as caught:
        applied(new_keys(DELTA), members=suspended)
    assert caught.value.full_code == "membership.act.suspended"
    assert "symbolon coalition reinstate delta" in (caught.value.hint or "")


def test_apply_admission_vetted_by_a_suspended_founder_is_refused() -> None:
    suspended = applied(Suspend(ACME, "silent for months"))
    assert refused(admission(member(EBONY)), members=suspended) == "membership.act.vetting"


def test_apply_admission_beyond_the_members_a_coalition_has_is_refused() -> None:
    one = member(DELTA)
    crowd = [
        replace(
            one, member_id=MemberId(f"member-{number:04}"), signing_key=(number + 2).to_bytes(32, "little")
        )
        for number in range(MAX_MEMBERS - 1)
    ]
    full = coalition(member(ACME, (Role.FOUNDER,)), *crowd)
    assert refused(admission(member(EBONY)), members=full) == "membership.full"
    with_room = applied(Expel(MemberId("member-0007"), TODAY, "left"), admission(member(EBONY)), members=full)
    assert len(with_room.members) == MAX_MEMBERS


def test_apply_renewal_lists_the_new_certificate_beside_the_present_one() -> None:
    after = applied(renew(MEMBERS, DELTA))
    expected = (certificate_fingerprint(leaf(DELTA)), certificate_fingerprint(leaf(DELTA, 1)))
    assert only_change(MEMBERS, after, DELTA) == replace(member(DELTA), certificates=expected)


def prints(*numbers: int) -> tuple[bytes, ...]:
    return tuple(certificate_fingerprint(leaf(DELTA, number)) for number in numbers)


def listed(members: Members) -> tuple[bytes, ...]:
    record = members.find(DELTA)
    assert record is not None
    return record.certificates


@pytest.mark.parametrize("in_use", [0, 1])
def test_apply_second_renewal_keeps_the_certificate_in_use_and_the_new_one(in_use: int) -> None:
    """0: the answer to the first renewal was lost, so that its certificate is nowhere."""
    once = applied(renew(MEMBERS, DELTA, 1))
    twice = applied(renew(once, DELTA, 2, in_use), members=once)
    assert listed(twice) == prints(in_use, 2)


def test_apply_renewal_beside_a_certificate_that_is_not_listed_is_refused() -> None:
    assert refused(renew(MEMBERS, DELTA, 1, beside=2)) == "membership.act.certificate"


@pytest.mark.parametrize("kept", [0, 1])
def test_apply_revocation_leaves_the_certificate_that_the_member_names(kept: int) -> None:
    two = applied(renew(MEMBERS, DELTA, 1))
    one = applied(amend(Revocation(prints(kept)[0]), members=two), members=two)
    assert only_change(two, one, DELTA) == replace(member(DELTA), certificates=prints(kept))


@pytest.mark.parametrize(
    ("kept", "code"), [(0, "membership.act.idle"), (1, "membership.act.certificate")], ids=["one", "another"]
)
def test_apply_revocation_that_does_not_fit_is_refused(kept: int, code: str) -> None:
    assert refused(amend(Revocation(prints(kept)[0]))) == code


def test_apply_renewal_with_a_listed_certificate_is_refused() -> None:
    assert refused(renew(MEMBERS, DELTA, 0)) == "membership.act.idle"


def test_apply_move_changes_the_place_only() -> None:
    after = applied(amend(Place("", (CEDAR,), "r.delta.example:1")))
    expected = replace(member(DELTA), endpoint="", relays=(CEDAR,), relay_endpoint="r.delta.example:1")
    assert only_change(MEMBERS, after, DELTA) == expected


@pytest.mark.parametrize("relay", [ACME, DELTA, MemberId("nobody")])
def test_apply_move_behind_what_is_no_relay_is_refused(relay: MemberId) -> None:
    assert refused(amend(Place("", (relay,), ""))) == "membership.act.relay"


def test_apply_move_of_a_relay_behind_itself_is_refused() -> None:
    assert refused(amend(Place("", (CEDAR,), "r.cedar.example:1"), CEDAR)) == "membership.act.relay"


def test_apply_move_behind_a_relay_without_an_address_is_refused() -> None:
    silent = coalition(
        member(ACME, (Role.FOUNDER,)), member(CEDAR, (Role.RELAY,), relay_endpoint=""), member(DELTA)
    )
    move = amend(Place("", (CEDAR,), ""), members=silent)
    assert refused(move, members=silent) == "membership.act.relay"


@pytest.mark.parametrize(
    "end",
    [
        Expel(CEDAR, TODAY, "left"),
        Appoint(CEDAR, ()),
        amend(Place("cedar.example:7443", (), ""), CEDAR),
    ],
)
def test_apply_end_of_a_relay_takes_its_name_from_those_behind_it(end: Act) -> None:
    behind = replace(
        MEMBERS,
        members=tuple(
            replace(record, relays=(CEDAR,)) if record.member_id in (ACME, DELTA) else record
            for record in MEMBERS.members
        ),
    )
    if isinstance(end, Amend):
        end = amend(end.asks, CEDAR, behind)
    after = applied(end, members=behind)
    assert [record.relays for record in after.members if record.member_id in (ACME, DELTA)] == [(), ()]


def test_apply_attestation_renews_acceptance_and_day() -> None:
    after = applied(amend(attested(TODAY)))
    due_diligence = replace(member(DELTA).due_diligence, acceptance=attested(TODAY), attested=TODAY)
    assert only_change(MEMBERS, after, DELTA) == replace(member(DELTA), due_diligence=due_diligence)


@pytest.mark.parametrize(
    ("asks", "code"),
    [
        (attested(LATER), "membership.act.date"),
        (attested(date(2026, 1, 31)), "membership.act.date"),
        (attested(TODAY, "2025-2"), "membership.act.terms"),
        (member(DELTA).due_diligence.acceptance, "membership.act.idle"),
        (Place("delta.example:7443", (), ""), "membership.act.idle"),
    ],
)
def test_apply_amendment_that_does_not_fit_is_refused(asks: Place | Acceptance, code: str) -> None:
    assert refused(amend(asks)) == code


def test_apply_amendment_of_a_suspended_member_leaves_it_suspended() -> None:
    suspended = applied(Suspend(DELTA, "under review"))
    after = applied(amend(attested(TODAY), members=suspended), members=suspended)
    record = after.find(DELTA)
    assert record is not None
    assert (record.status, record.due_diligence.attested) == (Status.SUSPENDED, TODAY)


def test_apply_vetting_replaces_the_vetting_only() -> None:
    anew = vetting(by=BIRCH, on=TODAY, lapses=date(2029, 2, 1))
    after = applied(Vet(DELTA, anew))
    due_diligence = replace(member(DELTA).due_diligence, vetting=anew)
    assert only_change(MEMBERS, after, DELTA) == replace(member(DELTA), due_diligence=due_diligence)


def test_apply_vetting_by_oneself_as_the_only_founder_is_allowed() -> None:
    alone = coalition(member(ACME, (Role.FOUNDER,)), member(DELTA))
    anew = vetting(on=TODAY, lapses=date(2029, 2, 1))
    record = applied(Vet(ACME, anew), members=alone).find(ACME)
    assert record is not None
    assert record.due_diligence.vetting == anew
    assert refused(Vet(DELTA, vetting(by=DELTA)), members=alone) == "membership.act.vetting"


@pytest.mark.parametrize("status", [{}, {"status": Status.SUSPENDED, "reason": "silent for months"}])
def test_apply_vetting_by_oneself_beside_another_founder_is_refused(status: dict[str, object]) -> None:
    two = coalition(member(ACME, (Role.FOUNDER,)), member(BIRCH, (Role.FOUNDER,), **status))
    assert refused(Vet(ACME, vetting(on=TODAY)), members=two) == "membership.act.vetting"


def test_apply_vetting_by_oneself_while_suspended_is_refused() -> None:
    alone = coalition(member(ACME, (Role.FOUNDER,), status=Status.SUSPENDED, reason="silent"))
    assert refused(Vet(ACME, vetting(on=TODAY)), members=alone) == "membership.act.vetting"


@pytest.mark.parametrize("acts", [[Refresh()], [Suspend(DELTA, "late")], [Expel(DELTA, TODAY, "left")]])
def test_apply_on_the_last_day_of_the_calendar_stays_in_it(acts: list[Act]) -> None:
    assert apply_acts(MEMBERS, acts, today=date.max).version == MEMBERS.version + 1


@pytest.mark.parametrize(
    ("by", "changes", "code"),
    [
        (CEDAR, {}, "membership.act.vetting"),
        (DELTA, {}, "membership.act.vetting"),
        (BIRCH, {"lapses": TODAY}, "membership.act.vetting"),
        (BIRCH, {"on": LATER}, "membership.act.date"),
    ],
)
def test_apply_vetting_that_does_not_hold_is_refused(by: MemberId, changes: dict, code: str) -> None:
    assert refused(Vet(DELTA, vetting(by=by, **changes))) == code


def test_apply_suspension_and_reinstatement_come_back_to_the_same_entry_of_another_version() -> None:
    suspended = applied(Suspend(DELTA, "under review"))
    record = only_change(MEMBERS, suspended, DELTA)
    assert record == replace(member(DELTA), status=Status.SUSPENDED, reason="under review")
    back = applied(Reinstate(DELTA), members=suspended)
    assert only_change(suspended, back, DELTA) == member(DELTA)
    assert entry_sha256(back.members[3]) != entry_sha256(MEMBERS.members[3])
    assert refused(Suspend(DELTA, "under review"), members=suspended) == "membership.act.idle"
    assert refused(Reinstate(DELTA)) == "membership.act.idle"


def test_apply_expulsion_remembers_who_left_and_why() -> None:
    members = replace(MEMBERS, expelled=(FORMER,))
    after = applied(Expel(BIRCH, TODAY, "sold data"), members=members)
    assert [record.member_id for record in after.members] == [ACME, CEDAR, DELTA]
    assert after.expelled == (Expelled(BIRCH, TODAY, "sold data"), FORMER)


def test_apply_expulsion_of_tomorrow_is_refused() -> None:
    assert refused(Expel(DELTA, LATER, "left")) == "membership.act.date"


def test_apply_expulsion_beyond_what_is_remembered_is_refused() -> None:
    crowd = tuple(Expelled(MemberId(f"former-{number:05}"), TODAY, "left") for number in range(MAX_EXPELLED))
    members = replace(MEMBERS, expelled=crowd)
    assert refused(Expel(DELTA, TODAY, "left"), members=members) == "membership.full"


def test_apply_expulsion_of_every_founder_is_for_the_root_to_judge() -> None:
    after = applied(Expel(ACME, TODAY, "left"), Expel(BIRCH, TODAY, "left"))
    assert after.founders == ()


def test_apply_appointment_changes_the_roles_only() -> None:
    after = applied(Appoint(DELTA, (Role.FOUNDER, Role.RELAY)))
    assert only_change(MEMBERS, after, DELTA) == replace(member(DELTA), roles=(Role.FOUNDER, Role.RELAY))


def test_apply_new_terms_lapse_all_until_they_attest() -> None:
    after = applied(NewTerms("2026-2", bytes(32)))
    assert after.terms_version == "2026-2"
    assert after.members == MEMBERS.members
    with pytest.raises(MembershipError) as caught:
        after.require(DELTA, TODAY)
    assert caught.value.full_code == "membership.lapsed.terms"
    attestation = amend(attested(TODAY, "2026-2"), members=after)
    assert applied(attestation, members=after).require(DELTA, TODAY).member_id == DELTA


def test_apply_purposes_replace_the_closed_list() -> None:
    assert applied(Purposes(("audit",))).purposes == ("audit",)


@pytest.mark.parametrize("act", [NewTerms(TERMS, bytes(32)), Purposes(MEMBERS.purposes)])
def test_apply_what_is_so_already_is_refused(act: Act) -> None:
    assert refused(act) == "membership.act.idle"


@pytest.mark.parametrize(
    "on",
    [
        lambda who: Vet(who, vetting()),
        lambda who: Suspend(who, "late"),
        lambda who: Reinstate(who),
        lambda who: Expel(who, TODAY, "left"),
        lambda who: Appoint(who, ()),
    ],
)
def test_apply_act_on_nobody_or_a_former_member_is_refused(on: Callable[[MemberId], Act]) -> None:
    members = replace(MEMBERS, expelled=(FORMER,))
    assert refused(on(EBONY), members=members) == "membership.expelled"
    assert refused(on(MemberId("nobody")), members=members) == "membership.unknown"


@pytest.mark.parametrize(
    ("acts", "code"),
    [
        ([], "membership.act.count"),
        ([Refresh()] * (MAX_ACTS + 1), "membership.act.count"),
        ([Refresh(), Refresh()], "membership.act.twice"),
        ([Refresh(), Suspend(DELTA, "late")], "membership.act.twice"),
        ([Suspend(DELTA, "late"), Expel(DELTA, TODAY, "late")], "membership.act.twice"),
        ([admission(member(EBONY)), Appoint(EBONY, (Role.FOUNDER,))], "membership.act.twice"),
        ([renew(MEMBERS, DELTA), amend(attested(TODAY))], "membership.act.twice"),
        ([NewTerms("2026-2", bytes(32)), NewTerms("2026-3", bytes(32))], "membership.act.twice"),
    ],
)
def test_apply_list_that_makes_no_sense_is_refused(acts: Sequence[Act], code: str) -> None:
    assert refused(*acts) == code


def test_apply_result_too_large_for_its_document_is_refused() -> None:
    one = replace(member(DELTA), certificates=(bytes(32),))
    due_diligence = replace(one.due_diligence, acceptance=Acceptance(TERMS, TODAY, "é" * 200))
    crowd = [
        replace(one, member_id=MemberId(f"member-{number}"), due_diligence=due_diligence)
        for number in range(1_000, 2_150)
    ]
    members = coalition(member(ACME, (Role.FOUNDER,)), *crowd)
    room = MAX_MEMBERS_BYTES - len(encode_members(members))
    assert 0 < room < MAX_ACTS * 200 * len("\\u00e9")
    acts = [Suspend(record.member_id, "é" * 200) for record in crowd[:MAX_ACTS]]
    assert refused(*acts, members=members) == "membership.too_large"


def test_apply_todays_date_never_shows_in_what_is_written() -> None:
    acts = [
        Expel(BIRCH, TODAY, "left"),
        amend(attested(TODAY)),
        Purposes(("audit",)),
        admission(member(EBONY)),
    ]
    documents = {
        encode_members(apply_acts(MEMBERS, acts, today=TODAY + timedelta(days=days)))
        for days in (-1, 0, 1, 200)
    }
    assert len(documents) == 1
