from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coalition_members import COALITION, NOW, invitation_code, vetting
from symbolon.errors import MembershipError
from symbolon.membership.act_review import InvitationTerms
from symbolon.membership.invitation_identity import invitation_key
from symbolon.membership.invitation_terms import (
    MAX_TERMS_BYTES,
    decode_invitation_terms,
    encode_invitation_terms,
)
from symbolon.membership.member import MemberId, MemberKind
from symbolon.membership.member_record import Role

TERMS = InvitationTerms(
    coalition=COALITION,
    member_id=MemberId("ebony"),
    kind=MemberKind.COMPANY,
    roles=(Role.RELAY,),
    jurisdiction="DE",
    vetting=vetting(),
    expires=NOW + timedelta(hours=1),
    invitation_key=invitation_key(invitation_code("ebony")),
)
DOCUMENT = encode_invitation_terms(TERMS)

terms = st.builds(
    InvitationTerms,
    coalition=st.just(COALITION),
    member_id=st.sampled_from(["ebony", "fir"]),
    kind=st.sampled_from(MemberKind),
    roles=st.sets(st.sampled_from(Role)).map(lambda chosen: tuple(sorted(chosen))),
    jurisdiction=st.sampled_from(["DE", "IN"]),
    vetting=st.sampled_from([vetting(), vetting(person="Prüfer 樹")]),
    expires=st.integers(0, 2**35).map(lambda seconds: datetime.fromtimestamp(seconds, UTC)),
    invitation_key=st.sampled_from(["ebony", "fir"]).map(lambda each: invitation_key(invitation_code(each))),
    replaces=st.just(b"") | st.binary(min_size=32, max_size=32),
)


@given(terms)
def test_invitation_terms_encoded_and_decoded_are_the_same(chosen: InvitationTerms) -> None:
    document = encode_invitation_terms(chosen)
    assert len(document) <= MAX_TERMS_BYTES
    assert decode_invitation_terms(document) == chosen


@given(st.integers(0, len(DOCUMENT) - 1), st.integers(1, 255))
def test_invitation_terms_any_byte_altered_are_refused_or_other_terms(position: int, by: int) -> None:
    document = bytearray(DOCUMENT)
    document[position] ^= by
    try:
        decoded = decode_invitation_terms(bytes(document))
    except MembershipError:
        return
    assert decoded != TERMS
    assert encode_invitation_terms(decoded) == document


def test_invitation_terms_at_their_longest_stay_below_the_limit() -> None:
    longest = vetting(person="樹" * 200, criteria="樹" * 200)
    assert len(encode_invitation_terms(replace(TERMS, vetting=longest))) <= MAX_TERMS_BYTES


@pytest.mark.parametrize(
    ("before", "after", "code"),
    [
        (b'"invitation_key":"04', b'"invitation_key":"05', "membership.malformed"),
        (b'"invitation_key":"04', b'"invitation_key":"', "membership.malformed"),
        (b'"invitation_key":"', b'"invitation_kex":"', "membership.malformed"),
        (b'"jurisdiction":"DE",', b"", "membership.malformed"),
        (b'"replaces":""', b'"replaces":"00"', "membership.malformed"),
        (b'"expires":', b'"expires":9007', "membership.malformed"),
        (b'"expires":', b'"expires":-', "membership.malformed"),
        (b'"kind":"company"', b'"kind":"emperor"', "membership.malformed"),
        (b'{"coalition"', b'{ "coalition"', "membership.malformed"),
        (b"}\n", b"}\n" + b" " * MAX_TERMS_BYTES, "membership.too_large"),
    ],
)
def test_invitation_terms_of_another_form_are_refused(before: bytes, after: bytes, code: str) -> None:
    tampered = DOCUMENT.replace(before, after, 1)
    assert tampered != DOCUMENT
    with pytest.raises(MembershipError) as caught:
        decode_invitation_terms(tampered)
    assert caught.value.full_code == code
