import json
from datetime import date, timedelta
from typing import Any

import pytest

from agreement_makers import agreement, by
from coalition_members import ACME, BIRCH, CEDAR, TODAY, coalition, signing_key
from symbolon.errors import MembershipError
from symbolon.membership.agreement import (
    MAX_AGREEMENT_BYTES,
    Agreement,
    SignedAgreement,
    agreement_sha256,
    decode_agreement,
    encode_agreement,
    make_agreement,
    require_signable,
    sign_agreement,
    verify_agreement,
)
from symbolon.membership.canonical_json import encode_canonical
from symbolon.membership.member_record import Expelled

DAY = timedelta(days=1)
NONCE = bytes(16)


def signed(what: Agreement) -> SignedAgreement:
    document, acmes = by(ACME, what)
    return SignedAgreement(document, {ACME: acmes, BIRCH: by(BIRCH, what)[1]})


def content(**changes: Any) -> dict[str, Any]:
    return {**json.loads(encode_agreement(agreement())), **changes}


def test_agreement_signed_by_both_is_verified_and_named_by_its_hash() -> None:
    what = agreement()
    assert verify_agreement(coalition(), signed(what)) == what
    assert len(agreement_sha256(encode_agreement(what))) == 32


def test_agreement_is_the_same_document_whoever_makes_it() -> None:
    purposes = ("remediation", "due-diligence", "remediation")
    one = make_agreement(coalition(), (ACME, BIRCH), purposes, TODAY, TODAY + DAY, NONCE)
    other = make_agreement(coalition(), (BIRCH, ACME), purposes[:2], TODAY, TODAY + DAY, NONCE)
    assert encode_agreement(one) == encode_agreement(other)
    assert one.purposes == ("due-diligence", "remediation")


def test_agreement_made_again_is_another_one() -> None:
    assert encode_agreement(agreement(1)) != encode_agreement(agreement(2))


@pytest.mark.parametrize(
    ("day", "covered"),
    [
        (TODAY - DAY, False),
        (TODAY, True),
        (TODAY + 365 * DAY, True),
        (TODAY + 366 * DAY, False),
    ],
)
def test_agreement_covers_its_first_and_last_day_and_those_between(day: date, covered: bool) -> None:
    assert agreement().covers("due-diligence", day) is covered
    assert not agreement().covers("remediation", day)
    assert not agreement().covers("due", day)


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"coalition": "Clean Hands"}, "malformed"),
        ({"members": (BIRCH, ACME)}, "members"),
        ({"members": (ACME, ACME)}, "members"),
        ({"members": ("../acme", BIRCH)}, "malformed"),
        ({"purposes": ()}, "purposes"),
        ({"purposes": ("remediation", "due-diligence")}, "purposes"),
        ({"purposes": ("due-diligence", "due-diligence")}, "purposes"),
        ({"purposes": tuple(f"p-{number:02}" for number in range(65))}, "purposes"),
        ({"purposes": ("two words",)}, "malformed"),
        ({"last_day": TODAY - DAY}, "dates"),
        ({"last_day": TODAY + timedelta(days=732)}, "dates"),
        ({"first_day": date(1999, 12, 31), "last_day": date(2000, 1, 1)}, "malformed"),
        ({"nonce": bytes(15)}, "malformed"),
        ({"nonce": bytes(17)}, "malformed"),
    ],
    ids=repr,
)
def test_agreement_of_another_shape_is_refused(changes: dict[str, Any], kind: str) -> None:
    with pytest.raises(MembershipError) as caught:
        agreement(**changes)
    assert caught.value.full_code == f"membership.agreement.{kind}"


@pytest.mark.parametrize(
    ("document", "kind"),
    [
        (b"", "malformed"),
        (b"[]\n", "malformed"),
        (b"[" * 5000, "malformed"),
        (b" " * (MAX_AGREEMENT_BYTES + 1), "malformed"),
        (encode_agreement(agreement())[:-1], "malformed"),
        (b" " + encode_agreement(agreement()), "malformed"),
        (encode_canonical(content(more=1)), "malformed"),
        (encode_canonical(content(nonce="00" * 15 + "0G")), "malformed"),
        (encode_canonical(content(nonce="AB" * 16)), "malformed"),
        (encode_canonical(content(first_day="20260301")), "malformed"),
        (encode_canonical(content(first_day="2026-W09-7")), "malformed"),
        (encode_canonical(content(members=[ACME])), "members"),
        (encode_canonical(content(members=[ACME, BIRCH, CEDAR])), "members"),
        (encode_canonical(content(members=f"{ACME}")), "malformed"),
        (encode_canonical(content(purposes=[1])), "malformed"),
        (encode_canonical(content(purposes=["\ud800"])), "malformed"),
    ],
    ids=lambda each: each[:40] if isinstance(each, bytes) else each,
)
def test_document_in_another_form_is_refused(document: bytes, kind: str) -> None:
    with pytest.raises(MembershipError) as caught:
        decode_agreement(document)
    assert caught.value.full_code == f"membership.agreement.{kind}"


def test_largest_agreement_stays_below_the_limit() -> None:
    long = tuple(f"{number:02}".ljust(64, "x") for number in range(64))
    members = ("a" * 32, "b" * 32)
    document = encode_agreement(agreement(coalition="c" * 32, members=members, purposes=long))
    assert len(document) < MAX_AGREEMENT_BYTES
    assert decode_agreement(document).purposes == long


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"coalition": "other-hands"}, "membership.agreement.coalition"),
        ({"members": (ACME, "stranger")}, "membership.unknown"),
        ({"purposes": ("due-diligence", "marketing")}, "membership.agreement.purpose"),
        ({"first_day": TODAY + 2 * DAY}, "membership.agreement.dates"),
        (
            {"first_day": TODAY - 9 * DAY, "last_day": TODAY - DAY},
            "membership.agreement.ended",
        ),
    ],
    ids=repr,
)
def test_agreement_that_nobody_could_sign_today_is_refused(changes: dict[str, Any], code: str) -> None:
    with pytest.raises(MembershipError) as caught:
        require_signable(coalition(), agreement(**changes), TODAY)
    assert caught.value.full_code == code


@pytest.mark.parametrize("first_day", [TODAY + DAY, TODAY - 300 * DAY])
def test_agreement_signed_by_a_clock_a_day_ahead_or_long_ago_can_be_signed(first_day: date) -> None:
    require_signable(coalition(), agreement(first_day=first_day, last_day=TODAY + DAY), TODAY)


def test_agreement_of_a_member_that_was_expelled_is_refused() -> None:
    present = tuple(each for each in coalition().members if each.member_id != BIRCH)
    members = coalition(*present, expelled=(Expelled(BIRCH, TODAY, "by order"),))
    for check in (
        lambda: verify_agreement(members, signed(agreement())),
        lambda: require_signable(members, agreement(), TODAY),
    ):
        with pytest.raises(MembershipError) as caught:
            check()
        assert caught.value.full_code == "membership.expelled"


def test_other_of_an_agreement_is_the_other_member_and_nobody_for_a_third() -> None:
    assert agreement().other(ACME) == BIRCH
    assert agreement().other(BIRCH) == ACME
    with pytest.raises(MembershipError) as caught:
        agreement().other(CEDAR)
    assert caught.value.full_code == "membership.agreement.foreign"


def test_signature_is_over_the_document_in_its_own_context() -> None:
    signature = sign_agreement(agreement(), signing_key(ACME))
    message = b"symbolon-agreement-v1\0" + encode_agreement(agreement())
    signing_key(ACME).public_key().verify(signature, message)
