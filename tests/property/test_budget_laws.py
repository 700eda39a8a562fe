"""The query budget: no sequence of requests takes more than any limit, and a refusal takes nothing."""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import count

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from symbolon.errors import BudgetError
from symbolon.storage.database import Database
from symbolon.storage.exchange_budget import BudgetLimits, debit, spent_in

DAY_S = 86400
START_S = datetime(2026, 11, 1, tzinfo=UTC).timestamp()

_areas = count()


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    with Database.open(database_url, create=True) as opened:
        yield opened


limits = st.builds(
    BudgetLimits,
    st.sampled_from([1, 30, 90, 366]),
    st.integers(0, 300),
    st.integers(0, 500),
    st.integers(0, 800),
)
requests = st.lists(
    st.tuples(
        st.sampled_from(["mill", "farm", "ngo"]),
        st.lists(st.tuples(st.sampled_from("ABC"), st.integers(1, 200)), min_size=1, max_size=3),
        st.integers(0, 120),
    ),
    max_size=14,
)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(granted=limits, asked=requests)
def test_budget_of_any_sequence_stays_within_every_limit_and_refusals_take_nothing(
    database: Database, granted: BudgetLimits, asked: list[tuple[str, list[tuple[str, int]], int]]
) -> None:
    """A plain count of what was granted, by window and by year, kept beside the table."""
    area = f"a{next(_areas)}"
    by_window: Counter[tuple[str, str, int]] = Counter()
    by_year: Counter[tuple[str, str, int]] = Counter()
    of_all: Counter[tuple[str, int]] = Counter()
    now_s = START_S
    for peer, parts, days in asked:
        now_s += days * DAY_S
        window, year = int(now_s // (granted.window_days * DAY_S)), datetime.fromtimestamp(now_s, UTC).year
        wanted: Counter[str] = Counter()
        for tier, number in parts:
            wanted[tier] += number
        fits = all(
            by_window[peer, tier, window] + number <= granted.per_window
            and by_year[peer, tier, year] + number <= granted.per_member_year
            and of_all[tier, year] + number <= granted.all_members_year
            for tier, number in wanted.items()
        )
        try:
            with database.transaction("ask") as connection:
                for tier, number in parts:
                    left = debit(
                        connection, granted, peer=peer, area=area, tier=tier, count=number, now_s=now_s
                    )
                    assert 0 <= left <= granted.per_window
        except BudgetError:
            assert not fits
        else:
            assert fits
            for tier, number in wanted.items():
                by_window[peer, tier, window] += number
                by_year[peer, tier, year] += number
                of_all[tier, year] += number
        with database.read("compare") as connection:
            for tier in "ABC":
                periods = {
                    (peer, f"window:{granted.window_days}d:{window}"): by_window[peer, tier, window],
                    (peer, f"year:{year}"): by_year[peer, tier, year],
                    ("*", f"year:{year}"): of_all[tier, year],
                }
                for (owner, period), expected in periods.items():
                    assert spent_in(connection, owner, area, tier, period) == expected


def ask(database: Database, granted: BudgetLimits, area: str, peer: str, number: int, now_s: float) -> int:
    with database.transaction("ask") as connection:
        return debit(connection, granted, peer=peer, area=area, tier="A", count=number, now_s=now_s)


def test_budget_tells_what_is_left_in_the_window(database: Database) -> None:
    granted = BudgetLimits(90, 100, 1000, 1000)
    assert ask(database, granted, "left", "mill", 64, START_S) == 36
    assert ask(database, granted, "left", "mill", 36, START_S) == 0
    with pytest.raises(BudgetError, match="0 are left in this window of 90 days"):
        ask(database, granted, "left", "mill", 1, START_S)


def test_budget_of_the_next_window_is_whole_but_the_years_is_not(database: Database) -> None:
    granted = BudgetLimits(10, 100, 150, 1000)
    begin = datetime(2027, 2, 1, tzinfo=UTC).timestamp()
    ask(database, granted, "next", "mill", 100, begin)
    ask(database, granted, "next", "mill", 50, begin + 10 * DAY_S)
    with pytest.raises(BudgetError, match="in this year"):
        ask(database, granted, "next", "mill", 1, begin + 20 * DAY_S)


def test_budget_of_a_new_year_begins_at_its_first_second(database: Database) -> None:
    granted = BudgetLimits(1, 1000, 100, 1000)
    midnight = datetime(2028, 1, 1, tzinfo=UTC).timestamp()
    ask(database, granted, "newyear", "mill", 100, midnight - 1)
    with pytest.raises(BudgetError):
        ask(database, granted, "newyear", "mill", 1, midnight - 0.001)
    ask(database, granted, "newyear", "mill", 100, midnight)


def test_budget_of_all_members_together_ends_for_one_who_asked_nothing(database: Database) -> None:
    granted = BudgetLimits(90, 100, 100, 150)
    ask(database, granted, "all", "mill", 100, START_S)
    with pytest.raises(BudgetError, match="50 are left for all members"):
        ask(database, granted, "all", "farm", 64, START_S)
    ask(database, granted, "all", "farm", 50, START_S)


def test_budget_survives_the_end_of_the_process(database_url: str) -> None:
    granted = BudgetLimits(90, 100, 1000, 1000)
    with Database.open(database_url, create=True) as first:
        ask(first, granted, "match", "mill", 100, START_S)
    with Database.open(database_url) as second, pytest.raises(BudgetError):
        ask(second, granted, "match", "mill", 1, START_S)


def test_budget_refusal_names_no_other_members_spending(database: Database) -> None:
    """What is left for all together would tell one member what the others did: a peer sees neither."""
    granted = BudgetLimits(90, 100, 100, 150)
    ask(database, granted, "public", "mill", 100, START_S)
    with pytest.raises(BudgetError) as caught:
        ask(database, granted, "public", "farm", 64, START_S)
    assert caught.value.public == "query budget exhausted"
