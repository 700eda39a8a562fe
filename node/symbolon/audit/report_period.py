"""Whole calendar months, UTC: the only periods of a transparency report.

Handles: days that were typed, rounded outwards to whole months; the month of an hour. Refuses: a period that
is not over, since the same month reported twice would tell what happened in between; one that ends before it
begins. Two periods of whole months have in common whole months or nothing.
Specification: docs/transparency.md.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final, NewType

from symbolon.errors import UsageError

Month = NewType("Month", int)
"""Months since the year 0: year × 12 + month − 1."""

MAX_MONTHS: Final = 120
"""Of one report: ten years, which is what a log of ten years has."""

_LAST_MONTH: Final = 9999 * 12 + 11
_HOURS_OF_DATES: Final = 69_000_000
"""Hours since 1970 up to beyond the year 9800: later ones, which only a file can say, are in no period."""


def month_of(day: date) -> Month:
    """The month of a day."""
    return Month(day.year * 12 + day.month - 1)


def month_of_hour(hour: int) -> Month:
    """The month of an hour.

    Args:
        hour: whole hours since 1970, UTC.
    """
    if hour > _HOURS_OF_DATES:
        return Month(_LAST_MONTH)
    return month_of(datetime.fromtimestamp(hour * 3600, UTC).date())


def month_text(month: Month) -> str:
    """YYYY-MM."""
    return f"{month // 12:04d}-{month % 12 + 1:02d}"


def first_day(month: Month) -> date:
    """The first day of a month."""
    return date(month // 12, month % 12 + 1, 1)


@dataclass(frozen=True, slots=True)
class Period:
    """Months, the first and the last included.

    Raises:
        UsageError: at construction, it ends before it begins or is longer than `MAX_MONTHS`.
    """

    first: Month
    last: Month

    def __post_init__(self) -> None:
        if self.last < self.first:
            raise UsageError("the period ends before it begins", hint="Look at --since and --until.")
        if self.last - self.first >= MAX_MONTHS:
            raise UsageError(f"the period has more than {MAX_MONTHS} months", hint="Make several reports.")

    def months(self) -> Iterator[Month]:
        """All of them, ascending."""
        return map(Month, range(self.first, self.last + 1))

    def __contains__(self, month: object) -> bool:
        return isinstance(month, int) and self.first <= month <= self.last

    @property
    def first_day(self) -> date:
        """Included."""
        return first_day(self.first)

    @property
    def last_day(self) -> date:
        """Included."""
        return first_day(Month(self.last + 1)) - timedelta(days=1)


def whole_months(since: date | None, until: date | None, today: date) -> Period:
    """The months that hold some days.

    Args:
        since: the first day; None for the month of the last one.
        until: the last day; None for the end of the month before this one.
        today: UTC.

    Raises:
        UsageError: it has no end yet, or ends before it begins.
    """
    over = Month(month_of(today) - 1)
    last = over if until is None else month_of(until)
    first = last if since is None else month_of(since)
    for month in (last, first):
        if month > over:
            raise UsageError(
                f"{month_text(month)} is not over, and a month is reported once, whole",
                hint=f"The newest month to report is {month_text(over)}.",
            )
    return Period(first, last)
