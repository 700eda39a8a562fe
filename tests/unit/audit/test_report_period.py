"""Months of a report."""

from datetime import date

import pytest

from symbolon.audit.report_period import (
    MAX_MONTHS,
    Month,
    Period,
    month_of,
    month_of_hour,
    month_text,
    whole_months,
)
from symbolon.errors import UsageError

TODAY = date(2026, 3, 1)


def test_days_within_a_month_are_rounded_outwards() -> None:
    period = whole_months(date(2025, 12, 31), date(2026, 2, 1), TODAY)
    assert (period.first_day, period.last_day) == (date(2025, 12, 1), date(2026, 2, 28))
    assert [month_text(each) for each in period.months()] == ["2025-12", "2026-01", "2026-02"]


def test_no_days_are_the_month_that_ended_last() -> None:
    period = whole_months(None, None, TODAY)
    assert (period.first_day, period.last_day) == (date(2026, 2, 1), date(2026, 2, 28))


@pytest.mark.parametrize("until", [TODAY, date(2026, 3, 31), date(2027, 1, 1)])
def test_month_that_is_not_over_is_refused(until: date) -> None:
    with pytest.raises(UsageError, match="is not over"):
        whole_months(None, until, TODAY)
    with pytest.raises(UsageError, match="is not over"):
        whole_months(until, None, TODAY)


def test_period_that_ends_before_it_begins_is_refused() -> None:
    with pytest.raises(UsageError, match="ends before"):
        whole_months(date(2026, 2, 1), date(2026, 1, 31), TODAY)


def test_period_of_more_than_ten_years_is_refused() -> None:
    first = month_of(TODAY)
    assert len(list(Period(first, Month(first + MAX_MONTHS - 1)).months())) == MAX_MONTHS
    with pytest.raises(UsageError, match="more than 120 months"):
        Period(first, Month(first + MAX_MONTHS))


def test_hours_belong_to_their_month_in_utc() -> None:
    assert month_text(month_of_hour(0)) == "1970-01"
    assert month_text(month_of_hour(31 * 24 - 1)) == "1970-01"
    assert month_text(month_of_hour(31 * 24)) == "1970-02"
    assert month_text(month_of_hour(1 << 32)) == "9999-12"
