from datetime import date, timedelta

import pytest

from symbolon.errors import MembershipError
from symbolon.membership.due_diligence import (
    ATTESTATION_VALIDITY,
    MAX_TEXT_CHARS,
    MAX_VETTING,
    Acceptance,
    DueDiligence,
    Vetting,
    require_standing,
)
from symbolon.membership.member import MemberId

DAY = date(2026, 3, 1)
FOUNDER = MemberId("founder-one")


def record(*, lapses: date = date(2027, 3, 1), attested: date = DAY, terms: str = "2026-01") -> DueDiligence:
    return DueDiligence(
        Acceptance(terms, DAY, "Ada Okafor"),
        Vetting(FOUNDER, "Ben Ruiz", DAY, "coalition criteria 3", lapses),
        attested,
    )


def test_require_standing_all_records_hold_passes() -> None:
    require_standing(record(), "2026-01", DAY)


@pytest.mark.parametrize("days_after", [0, 1, 400])
def test_require_standing_vetting_lapsed_is_refused_from_its_day_on(days_after: int) -> None:
    lapses = DAY + timedelta(days=30)
    require_standing(record(lapses=lapses), "2026-01", lapses - timedelta(days=1))
    with pytest.raises(MembershipError) as caught:
        require_standing(record(lapses=lapses), "2026-01", lapses + timedelta(days=days_after))
    assert caught.value.full_code == "membership.lapsed.vetting"


def test_require_standing_attestation_older_than_a_year_is_refused() -> None:
    lapses = DAY + MAX_VETTING
    require_standing(record(lapses=lapses), "2026-01", DAY + ATTESTATION_VALIDITY)
    with pytest.raises(MembershipError) as caught:
        require_standing(record(lapses=lapses), "2026-01", DAY + ATTESTATION_VALIDITY + timedelta(days=1))
    assert caught.value.full_code == "membership.lapsed.attestation"
    assert "attest" in str(caught.value.hint)


def test_require_standing_terms_changed_since_is_refused() -> None:
    with pytest.raises(MembershipError) as caught:
        require_standing(record(terms="2025-06"), "2026-01", DAY)
    assert caught.value.full_code == "membership.lapsed.terms"


@pytest.mark.parametrize("lapses", [DAY, DAY - timedelta(days=1), DAY + MAX_VETTING + timedelta(days=1)])
def test_vetting_that_lapses_at_once_or_never_is_refused(lapses: date) -> None:
    with pytest.raises(MembershipError) as caught:
        record(lapses=lapses)
    assert caught.value.full_code == "membership.malformed"


def test_require_standing_on_the_last_day_of_the_calendar_is_judged() -> None:
    last = Vetting(FOUNDER, "Ben Ruiz", date.max - timedelta(days=1), "criteria 3", date.max)
    attested = DueDiligence(Acceptance("2026-01", DAY, "Ada Okafor"), last, date.max)
    require_standing(attested, "2026-01", date.max - timedelta(days=1))
    with pytest.raises(MembershipError) as caught:
        require_standing(attested, "2026-01", date.max)
    assert caught.value.full_code == "membership.lapsed.vetting"


def test_vetting_of_the_last_day_of_the_calendar_is_refused() -> None:
    with pytest.raises(MembershipError) as caught:
        Vetting(FOUNDER, "Ben Ruiz", date.max, "criteria 3", date.max)
    assert caught.value.full_code == "membership.malformed"


@pytest.mark.parametrize(
    "text", ["", " Ada", "Ada ", "Ada\nOkafor", "\x1b[31mAda", "a" * (MAX_TEXT_CHARS + 1)]
)
def test_acceptance_by_nobody_that_can_be_named_is_refused(text: str) -> None:
    with pytest.raises(MembershipError) as caught:
        Acceptance("2026-01", DAY, text)
    assert caught.value.full_code == "membership.malformed"
