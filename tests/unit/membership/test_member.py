import pytest

from symbolon.errors import MembershipError
from symbolon.membership.member import (
    check_endpoint,
    check_jurisdiction,
    parse_coalition_id,
    parse_member_id,
    parse_purpose,
)


@pytest.mark.parametrize("text", ["abc", "a-b", "0x9", "a" * 32, "acme-2-eu"])
def test_parse_member_id_well_formed_returns_it(text: str) -> None:
    assert parse_member_id(text) == text


@pytest.mark.parametrize(
    "text",
    ["", "ab", "a" * 33, "-ab", "ab-", "Abc", "a_b", "a.b", "a/b", "abc\n", "äbc", "a b", "abc\0", "../abc"],
)
def test_parse_member_id_malformed_is_refused(text: str) -> None:
    for parse in (parse_member_id, parse_coalition_id):
        with pytest.raises(MembershipError) as caught:
            parse(text)
        assert caught.value.full_code == "membership.malformed"


@pytest.mark.parametrize(
    "endpoint",
    ["localhost:7443", "10.0.0.1:1", "[::1]:65535", "node-7.example.org:443", "a" * 253 + ":65535"],
)
def test_check_endpoint_host_and_port_is_accepted(endpoint: str) -> None:
    check_endpoint(endpoint)


@pytest.mark.parametrize(
    "endpoint",
    [
        "",
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
def test_check_endpoint_anything_else_is_refused(endpoint: str) -> None:
    with pytest.raises(MembershipError) as caught:
        check_endpoint(endpoint)
    assert caught.value.full_code == "membership.malformed"


@pytest.mark.parametrize("jurisdiction", ["", "d", "de", "DEU", "D1", "DE\n"])
def test_check_jurisdiction_not_alpha2_is_refused(jurisdiction: str) -> None:
    with pytest.raises(MembershipError) as caught:
        check_jurisdiction(jurisdiction)
    assert caught.value.full_code == "membership.malformed"


@pytest.mark.parametrize("purpose", ["", "due diligence", "-x", "x" * 65, "a/b", "é", "x\n"])
def test_parse_purpose_no_plain_word_is_refused(purpose: str) -> None:
    assert parse_purpose("due-diligence.2") == "due-diligence.2"
    with pytest.raises(MembershipError) as caught:
        parse_purpose(purpose)
    assert caught.value.full_code == "membership.malformed"
