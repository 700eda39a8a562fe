from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from symbolon.errors import MembershipError
from symbolon.membership.due_diligence import Acceptance, DueDiligence, Vetting
from symbolon.membership.member import CoalitionId, MemberId, MemberKind
from symbolon.membership.member_record import Expelled, MemberRecord, Members, Role, Status

DAY = date(2026, 3, 1)
OLD, NEW, OTHER = bytes([1]) * 32, bytes([2]) * 32, bytes([3]) * 32


def member(name: str, **changes: Any) -> MemberRecord:
    made = MemberRecord(
        member_id=MemberId(name),
        kind=MemberKind.COMPANY,
        roles=(),
        jurisdiction="DE",
        endpoint="node.example:7443",
        relays=(),
        relay_endpoint="",
        signing_key=bytes([2] * 32),
        certificates=(OLD,),
        status=Status.ACTIVE,
        reason="",
        due_diligence=DueDiligence(
            Acceptance("2026-01", DAY, "Ada Okafor"),
            Vetting(MemberId("founder-one"), "Ben Ruiz", DAY, "criteria 3", date(2027, 3, 1)),
            DAY,
        ),
    )
    return replace(made, **changes)


def members(*records: MemberRecord, **changes: Any) -> Members:
    made = Members(CoalitionId("fair-work"), 1, bytes(32), "2026-01", ("due-diligence",), records)
    return replace(made, **changes)


def code_of(call: Callable[[], object]) -> str:
    with pytest.raises(MembershipError) as caught:
        call()
    return caught.value.full_code


@pytest.mark.parametrize(
    "changes",
    [
        {"member_id": "Not-an-id"},
        {"roles": (Role.RELAY, Role.FOUNDER)},
        {"roles": (Role.RELAY, Role.RELAY)},
        {"jurisdiction": ""},
        {"jurisdiction": "deu"},
        {"endpoint": "unix:/run/socket"},
        {"relay_endpoint": "no-port"},
        {"relays": ("relay-one", "relay-one")},
        {"relays": ("r/../x",)},
        {"relays": tuple(f"relay-{number}" for number in range(5))},
        {"signing_key": bytes(31)},
        {"certificates": ()},
        {"certificates": (OLD, OLD)},
        {"certificates": (OLD, NEW, OTHER)},
        {"certificates": (bytes(20),)},
        {"status": Status.SUSPENDED},
        {"reason": "active members have none"},
        {"status": Status.SUSPENDED, "reason": "two\nlines"},
        {"changed": -1},
    ],
)
def test_member_record_of_another_shape_is_refused(changes: dict[str, Any]) -> None:
    assert code_of(lambda: member("alder-co", **changes)) == "membership.malformed"


SMALL_ORDER = (
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0000000000000000000000000000000000000000000000000000000000000080",
    "0100000000000000000000000000000000000000000000000000000000000000",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    # The same points, and others, beside the one form of an encoding.
    "0100000000000000000000000000000000000000000000000000000000000080",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
)


@pytest.mark.parametrize("key", SMALL_ORDER)
def test_member_record_whose_signing_key_would_take_any_signature_is_refused(key: str) -> None:
    assert code_of(lambda: member("alder-co", signing_key=bytes.fromhex(key))) == "membership.malformed"


@pytest.mark.parametrize(
    "changes",
    [
        {"version": 0},
        {"previous": bytes(31)},
        {"purposes": ("b", "a")},
        {"purposes": ("not a word",)},
        {"purposes": tuple(f"purpose-{number:03}" for number in range(65))},
        {"terms_version": ""},
        {"expelled": (Expelled(MemberId("alder-co"), DAY, "sold data"),)},
        {"members": (member("birch-co"), member("alder-co"))},
        {"members": (member("alder-co", changed=10**6),)},
        {"members": (member("alder-co"), member("alder-co"))},
    ],
)
def test_members_document_that_breaks_a_rule_is_refused(changes: dict[str, Any]) -> None:
    assert code_of(lambda: members(member("alder-co"), **changes)) == "membership.malformed"


def test_require_certificate_each_of_two_is_the_members_and_no_other() -> None:
    both = members(member("alder-co", certificates=(OLD, NEW)), member("birch-co", certificates=(OTHER,)))
    for fingerprint in (OLD, NEW):
        assert both.require_certificate("alder-co", fingerprint, DAY).member_id == "alder-co"
    assert code_of(lambda: both.require_certificate("alder-co", OTHER, DAY)) == "membership.fingerprint"


@pytest.mark.parametrize("fingerprint", [b"", bytes(31), bytes(33), bytes(32)])
def test_require_certificate_empty_or_short_or_unknown_fingerprint_is_refused(fingerprint: bytes) -> None:
    current = members(member("alder-co"))
    code = code_of(lambda: current.require_certificate("alder-co", fingerprint, DAY))
    assert code == "membership.fingerprint"
    assert code_of(lambda: current.require_listed("alder-co", fingerprint)) == "membership.fingerprint"


def test_require_every_refusal_shows_a_peer_one_fixed_sentence() -> None:
    current = members(member("birch-co", status=Status.SUSPENDED, reason="vetting is disputed"))
    for stranger in ("birch-co", "mallory"):
        with pytest.raises(MembershipError) as caught:
            current.require(stranger, DAY)
        assert caught.value.public == "not a current member"


def test_require_each_way_of_not_being_a_member_has_its_own_code() -> None:
    current = members(
        member("alder-co"),
        member("birch-co", status=Status.SUSPENDED, reason="vetting is disputed"),
        expelled=(Expelled(MemberId("cedar-co"), DAY, "sold data"),),
    )
    assert current.require("alder-co", DAY) is current.find("alder-co")
    assert code_of(lambda: current.require("birch-co", DAY)) == "membership.suspended"
    assert code_of(lambda: current.require("cedar-co", DAY)) == "membership.expelled"
    assert code_of(lambda: current.require("dogwood-co", DAY)) == "membership.unknown"


def test_require_member_whose_vetting_lapsed_names_member_and_remedy() -> None:
    with pytest.raises(MembershipError) as caught:
        members(member("alder-co")).require("alder-co", date(2027, 3, 1))
    assert caught.value.full_code == "membership.lapsed.vetting"
    assert "alder-co" in caught.value.detail
    assert caught.value.hint


def test_founders_are_the_members_of_that_role() -> None:
    founder = member("birch-co", roles=(Role.FOUNDER, Role.RELAY))
    assert members(member("alder-co"), founder).founders == (founder,)
