"""The text form of an invitation code, both ways, for every code and for every slip in copying one."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from symbolon.errors import MembershipError
from symbolon.membership.invitation_code import CODE_PREFIX, MAX_CODE_CHARS, InvitationCode

SLUGS = st.from_regex(r"[a-z0-9][a-z0-9-]{1,30}[a-z0-9]", fullmatch=True)
HOSTS = st.one_of(
    st.from_regex(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?", fullmatch=True),
    st.ip_addresses(v=6).map(lambda address: f"[{address}]"),
)
ENDPOINTS = st.builds("{}:{}".format, HOSTS, st.integers(1, 65_535))
LAST_SECOND_S = 253_402_300_799
"""Of the year 9999."""


@st.composite
def codes(draw: st.DrawFn) -> InvitationCode:
    endpoints = draw(st.lists(ENDPOINTS, min_size=1, max_size=4))
    return InvitationCode(
        coalition=draw(SLUGS),
        member_id=draw(SLUGS),
        sponsor=draw(SLUGS),
        endpoints=tuple(endpoints),
        root_version=draw(st.integers(1, 2**32 - 1)),
        root_sha256=draw(st.binary(min_size=32, max_size=32)),
        expires=datetime.fromtimestamp(draw(st.integers(0, LAST_SECOND_S)), UTC),
        secret=draw(st.binary(min_size=16, max_size=16)),
    )


@given(codes())
def test_code_encoded_decodes_to_itself_within_the_bound(code: InvitationCode) -> None:
    text = code.encode()
    assert InvitationCode.decode(text) == code
    assert len(text) <= MAX_CODE_CHARS
    assert text.isascii()
    assert text == text.lower()


@given(codes(), st.integers(1, 80), st.sampled_from(["\n", "\r\n  ", " ", "\u00a0", "\u200b", "\u00ad\n"]))
def test_code_broken_into_lines_decodes_to_itself(code: InvitationCode, width: int, between: str) -> None:
    text = code.encode().upper()
    lines = [text[at : at + width] for at in range(0, len(text), width)]
    assert InvitationCode.decode(between + between.join(lines) + between) == code


@given(codes(), st.data())
def test_code_with_a_changed_character_says_that_it_was_miscopied(
    code: InvitationCode, data: st.DataObject
) -> None:
    text = code.encode()
    at = data.draw(st.integers(len(CODE_PREFIX), len(text) - 1))
    other = data.draw(
        st.sampled_from("abcdefghijklmnopqrstuvwxyz0123456789-").filter(lambda c: c != text[at])
    )
    assert refused(text[:at] + other + text[at + 1 :]) == "checksum"


@given(codes(), st.data())
def test_code_cut_off_or_with_characters_swapped_says_that_it_was_miscopied(
    code: InvitationCode, data: st.DataObject
) -> None:
    text = code.encode()
    at = data.draw(st.integers(len(CODE_PREFIX), len(text) - 1))
    assert refused(text[:at]) == "checksum"
    assert refused(text[:at] + text[at + 1 :]) == "checksum"
    assert refused(text[:at] + text[at] + text[at:]) == "checksum"
    if at + 1 < len(text) and text[at] != text[at + 1]:
        assert refused(text[:at] + text[at + 1] + text[at] + text[at + 2 :]) == "checksum"


@given(st.text(max_size=300), st.booleans())
def test_any_text_is_a_code_or_is_refused_by_name(text: str, begins: bool) -> None:
    assert refused(CODE_PREFIX * begins + text) in {"malformed", "checksum"}


def refused(text: str) -> str:
    with pytest.raises(MembershipError) as caught:
        InvitationCode.decode(text)
    assert caught.value.hint
    return caught.value.full_code.removeprefix("membership.invitation.")
