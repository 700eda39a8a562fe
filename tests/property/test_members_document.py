import json
from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coalition_members import coalition, member
from symbolon.errors import MembershipError
from symbolon.membership.due_diligence import MAX_VETTING, Acceptance, DueDiligence, Vetting
from symbolon.membership.member import CoalitionId, MemberId, MemberKind
from symbolon.membership.member_record import MAX_RELAYS, Expelled, MemberRecord, Members, Role, Status
from symbolon.membership.members_document import decode_members, encode_members, entry_sha256

slugs = st.from_regex(r"[a-z0-9][a-z0-9-]{1,30}[a-z0-9]", fullmatch=True)
hosts = st.from_regex(r"[a-z0-9]{1,20}(\.[a-z0-9]{1,20}){0,3}", fullmatch=True)
endpoints = st.just("") | st.builds(lambda host, port: f"{host}:{port}", hosts, st.integers(1, 65_535))
lines = st.text(st.characters(exclude_categories=["C", "Z"]) | st.just(" "), min_size=1, max_size=12).filter(
    lambda text: text == text.strip()
)
days = st.dates(date(2000, 1, 1), date(2990, 12, 31))
keys = st.binary(min_size=32, max_size=32).filter(lambda key: 2 < int.from_bytes(key, "little") < 2**254)
roles = st.sets(st.sampled_from(Role)).map(lambda chosen: tuple(sorted(chosen)))
relays = st.lists(slugs.map(MemberId), max_size=MAX_RELAYS, unique=True).map(tuple)


@st.composite
def vettings(draw: st.DrawFn) -> Vetting:
    on = draw(days)
    lapses = on + timedelta(days=draw(st.integers(1, MAX_VETTING.days)))
    return Vetting(MemberId(draw(slugs)), draw(lines), on, draw(lines), lapses)


@st.composite
def records(draw: st.DrawFn, member_id: str) -> MemberRecord:
    reason = draw(st.just("") | lines)
    return MemberRecord(
        member_id=MemberId(member_id),
        kind=draw(st.sampled_from(MemberKind)),
        roles=draw(roles),
        jurisdiction=draw(st.from_regex("[A-Z]{2}", fullmatch=True)),
        endpoint=draw(endpoints),
        relays=draw(relays),
        relay_endpoint=draw(endpoints),
        signing_key=draw(keys),
        certificates=tuple(draw(st.lists(keys, min_size=1, max_size=2, unique=True))),
        status=Status.SUSPENDED if reason else Status.ACTIVE,
        reason=reason,
        due_diligence=DueDiligence(
            Acceptance(draw(lines), draw(days), draw(lines)), draw(vettings()), draw(days)
        ),
        changed=draw(st.integers(0, 1)),
    )


@st.composite
def coalitions(draw: st.DrawFn) -> Members:
    ids = sorted(draw(st.sets(slugs, max_size=6)))
    expelled = {member_id for member_id in ids if draw(st.booleans())}
    return Members(
        coalition=CoalitionId(draw(slugs)),
        version=draw(st.integers(1, 2**53 - 1)),
        previous=draw(keys),
        terms_version=draw(lines),
        purposes=tuple(sorted(draw(st.sets(st.from_regex("[a-z][a-z0-9.-]{0,20}", fullmatch=True))))),
        members=tuple(draw(records(member_id)) for member_id in ids if member_id not in expelled),
        expelled=tuple(Expelled(MemberId(each), draw(days), draw(lines)) for each in ids if each in expelled),
    )


@settings(max_examples=40)
@given(coalitions())
def test_members_document_encoded_and_decoded_is_the_same(members: Members) -> None:
    document = encode_members(members)
    assert decode_members(document) == members
    assert encode_members(decode_members(document)) == document


@settings(max_examples=40)
@given(coalitions())
def test_members_find_agrees_with_who_is_listed(members: Members) -> None:
    for record in members.members:
        assert members.find(record.member_id) is record
        assert not members.is_expelled(record.member_id)
    for former in members.expelled:
        assert members.find(former.member_id) is None
        assert members.is_expelled(former.member_id)
    listed = {each.member_id for each in (*members.members, *members.expelled)}
    for stranger in {"", "~", "000"} - listed:
        assert members.find(stranger) is None
        assert not members.is_expelled(stranger)


@settings(max_examples=40)
@given(coalitions(), st.data())
def test_members_document_any_byte_altered_is_refused_or_other_members(
    members: Members, data: st.DataObject
) -> None:
    document = bytearray(encode_members(members))
    position = data.draw(st.integers(0, len(document) - 1))
    document[position] ^= data.draw(st.integers(1, 255))
    try:
        decoded = decode_members(bytes(document))
    except MembershipError:
        return
    assert decoded != members
    assert encode_members(decoded) == document


@settings(max_examples=50)
@given(records("acme"), records("acme"))
def test_entry_sha256_two_entries_agree_only_when_they_are_equal(
    left: MemberRecord, right: MemberRecord
) -> None:
    assert (entry_sha256(left) == entry_sha256(right)) == (left == right)


@given(st.binary(max_size=300))
def test_members_document_arbitrary_bytes_are_refused(document: bytes) -> None:
    with pytest.raises(MembershipError):
        decode_members(document)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


@given(st.data(), json_values)
def test_members_document_one_value_replaced_anywhere_never_crashes(
    data: st.DataObject, value: object
) -> None:
    content = json.loads(encode_members(coalition(replace(member("delta"), roles=(Role.FOUNDER,)))))
    place = content
    while True:
        key = data.draw(st.sampled_from(sorted(place) if isinstance(place, dict) else range(len(place))))
        if not (isinstance(place[key], dict | list) and place[key] and data.draw(st.booleans())):
            break
        place = place[key]
    place[key] = value
    document = json.dumps(content, sort_keys=True, separators=(",", ":")).encode("ascii") + b"\n"
    try:
        decoded = decode_members(document)
    except MembershipError:
        return
    assert encode_members(decoded) == document
