import base64
import json
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from symbolon.errors import MembershipError
from symbolon.membership import (
    CoalitionId,
    Member,
    MemberKind,
    MemberList,
    peer_identity,
    sign_member_list,
    verify_member_list,
)
from symbolon.membership.enrolment import verify_csr
from symbolon.membership.member_list import open_member_list

LIST_KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))

slugs = st.from_regex(r"[a-z0-9][a-z0-9-]{1,30}[a-z0-9]", fullmatch=True)
hosts = st.from_regex(r"[a-z0-9]{1,20}(\.[a-z0-9]{1,20}){0,3}", fullmatch=True)
endpoints = st.just("") | st.builds(lambda host, port: f"{host}:{port}", hosts, st.integers(1, 65_535))
moments = st.datetimes(datetime(1, 1, 2), datetime(9998, 1, 1)).map(  # noqa: DTZ001
    lambda moment: moment.replace(microsecond=0, tzinfo=UTC)
)


@st.composite
def member_lists(draw: st.DrawFn) -> MemberList:
    ids = sorted(draw(st.sets(slugs, max_size=12)))
    expelled = {member_id for member_id in ids if draw(st.booleans())}
    issued = draw(moments)
    return MemberList(
        coalition=CoalitionId(draw(slugs)),
        version=draw(st.integers(1, 2**53 - 1)),
        issued=issued,
        expires=issued + timedelta(seconds=draw(st.integers(1, 10**7))),
        members=tuple(
            Member(
                member_id,
                draw(st.sampled_from(MemberKind)),
                draw(endpoints),
                draw(st.binary(min_size=32, max_size=32)),
                draw(st.just("") | st.from_regex("[A-Z]{2}", fullmatch=True)),
            )
            for member_id in ids
            if member_id not in expelled
        ),
        expelled=tuple(sorted(expelled)),
    )


@given(member_lists())
def test_member_list_signed_and_verified_is_the_same(member_list: MemberList) -> None:
    document = sign_member_list(member_list, LIST_KEY)
    verified = verify_member_list(
        document,
        LIST_KEY.public_key(),
        now=member_list.issued,
        coalition=member_list.coalition,
        min_version=member_list.version,
    )
    assert verified == member_list
    assert sign_member_list(verified, LIST_KEY) == document


@given(member_lists())
def test_member_list_find_agrees_with_the_members(member_list: MemberList) -> None:
    assert all(member_list.find(member.member_id) is member for member in member_list.members)
    assert not any(member_list.find(member_id) for member_id in member_list.expelled)
    assert all(member_list.is_expelled(member_id) for member_id in member_list.expelled)
    assert not any(member_list.is_expelled(member.member_id) for member in member_list.members)


@given(member_lists(), st.data())
def test_member_list_any_byte_altered_is_refused(member_list: MemberList, data: st.DataObject) -> None:
    document = bytearray(sign_member_list(member_list, LIST_KEY))
    position = data.draw(st.integers(0, len(document) - 1))
    document[position] ^= data.draw(st.integers(1, 255))
    with pytest.raises(MembershipError):
        open_member_list(bytes(document), LIST_KEY.public_key())


@given(
    st.binary(max_size=300) | st.binary(max_size=300).map(lambda tail: b"symbolon-member-list-v1\n" + tail)
)
def test_member_list_arbitrary_bytes_are_refused(document: bytes) -> None:
    with pytest.raises(MembershipError):
        open_member_list(document, LIST_KEY.public_key())


@given(st.binary(max_size=200))
def test_member_list_signed_garbage_is_refused(body: bytes) -> None:
    """Even the authority's own key cannot make a node accept what is not a list."""
    with pytest.raises(MembershipError):
        open_member_list(_signed(body), LIST_KEY.public_key())


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
        max_leaves=12,
    ),
    st.sampled_from(["coalition", "expelled", "expires", "issued", "members", "version"]),
)
def test_member_list_signed_json_with_one_field_replaced_never_crashes(value: object, field: str) -> None:
    content = {
        "coalition": "clean-hands",
        "expelled": [],
        "expires": "2026-03-02T00:00:00Z",
        "issued": "2026-03-01T00:00:00Z",
        "members": [],
        "version": 1,
    } | {field: value}
    body = json.dumps(content, sort_keys=True, separators=(",", ":")).encode() + b"\n"
    try:
        opened = open_member_list(_signed(body), LIST_KEY.public_key())
    except MembershipError:
        return
    assert sign_member_list(opened, LIST_KEY) == _signed(body)


@given(
    st.binary(max_size=400)
    | st.binary(max_size=400).map(lambda tail: b"-----BEGIN CERTIFICATE-----\n" + tail)
)
def test_peer_identity_arbitrary_bytes_are_refused(certificate: bytes) -> None:
    with pytest.raises(MembershipError):
        peer_identity(certificate, "clean-hands")


@given(st.binary(max_size=400))
def test_verify_csr_arbitrary_bytes_are_refused(request: bytes) -> None:
    with pytest.raises(MembershipError):
        verify_csr(request, "acme", "clean-hands")


def _signed(body: bytes) -> bytes:
    head = b"symbolon-member-list-v1\n"
    return head + base64.b64encode(LIST_KEY.sign(head + body)) + b"\n" + body
