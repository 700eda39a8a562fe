import pytest

from symbolon.errors import MembershipError
from symbolon.membership import Member, MemberId, MemberKind, parse_member_id

FINGERPRINT = bytes(32)


@pytest.mark.parametrize("text", ["abc", "a-b", "0x9", "a" * 32, "acme-2-eu"])
def test_parse_member_id_well_formed_returns_it(text: str) -> None:
    assert parse_member_id(text) == text


@pytest.mark.parametrize(
    "text",
    ["", "ab", "a" * 33, "-ab", "ab-", "Abc", "a_b", "a.b", "a/b", "abc\n", "äbc", "a b", "abc\0", "../abc"],
)
def test_parse_member_id_malformed_is_refused(text: str) -> None:
    with pytest.raises(MembershipError) as caught:
        parse_member_id(text)
    assert caught.value.full_code == "membership.malformed"


@pytest.mark.parametrize(
    "endpoint",
    ["", "localhost:7443", "10.0.0.1:1", "[::1]:65535", "node-7.example.org:443", "a" * 253 + ":65535"],
)
def test_member_endpoint_host_and_port_is_accepted(endpoint: str) -> None:
    assert Member(MemberId("abc"), MemberKind.NGO, endpoint, FINGERPRINT).endpoint == endpoint


@pytest.mark.parametrize(
    "endpoint",
    [
        "localhost",
        "localhost:0",
        "localhost:65536",
        "localhost:07443",
        ":7443",
        "unix:/run/socket",
        "dns:///example.org:443",
        "a b:1",
        "host:1\n",
        "::1:7443",
        "a" * 254 + ":1",
    ],
)
def test_member_endpoint_anything_else_is_refused(endpoint: str) -> None:
    with pytest.raises(MembershipError) as caught:
        Member(MemberId("abc"), MemberKind.NGO, endpoint, FINGERPRINT)
    assert caught.value.full_code == "membership.malformed"


@pytest.mark.parametrize("length", [0, 31, 33])
def test_member_fingerprint_of_wrong_length_is_refused(length: int) -> None:
    with pytest.raises(MembershipError):
        Member(MemberId("abc"), MemberKind.NGO, "", bytes(length))


@pytest.mark.parametrize("jurisdiction", ["d", "de", "DEU", "D1", "DE\n"])
def test_member_jurisdiction_not_alpha2_is_refused(jurisdiction: str) -> None:
    with pytest.raises(MembershipError):
        Member(MemberId("abc"), MemberKind.NGO, "", FINGERPRINT, jurisdiction)
