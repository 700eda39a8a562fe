"""What a transparency report gives away of a small count: nothing, whatever is computed from it."""

from collections.abc import Callable, Iterable, Sequence
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from report_logs import FEBRUARY, JANUARY, OWN, PURPOSES, made, refused, sessions
from symbolon.audit.report import TransparencyReport
from symbolon.audit.report_html import report_html
from symbolon.audit.report_json import report_json
from symbolon.audit.report_scope import Budget
from symbolon.audit.report_tally import ReportRow

THRESHOLD = 5

PEERS = ("birch", "elder", "hazel")
"""One of each group."""

Place = tuple[str, int, str, str, str]
"""Kind of event, month, purpose, mode, peer."""

places = st.tuples(
    st.sampled_from(["asked", "answered", "unsigned", "failed", "denied"]),
    st.sampled_from([JANUARY, FEBRUARY]),
    st.sampled_from(PURPOSES),
    st.sampled_from(["size", "intersection"]),
    st.sampled_from(PEERS),
)
tables = st.dictionaries(places, st.integers(0, 13), max_size=12)


def rows_of(table: dict[Place, int], keys: int = 1_000) -> list[ReportRow]:
    """A log in which each place has so many events; a session that ends badly was begun as well."""
    rows: list[ReportRow] = []
    for (event, month, purpose, mode, peer), number in table.items():
        about = {"month": month, "purpose": purpose, "mode": mode, "peer": peer, "keys": keys}
        if event == "denied":
            rows += refused(number=number, month=month, peer=peer)
        elif event == "failed":
            rows += sessions(number, event="asked", ends=[("failed", "unavailable")], **about)
        elif event == "unsigned":
            rows += sessions(number, event="answered", ends=[("ended", "no receipt")], **about)
        else:
            rows += sessions(number, event=event, **about)
    return rows


def cell(place: Place) -> tuple[object, ...]:
    """Where the events of a place are counted; sessions that end badly are begun in the same cell."""
    event, month, *about, peer = place
    if event == "denied":
        return event, month, peer
    return event in ("asked", "failed"), month, *about, peer


def published(rows: Sequence[ReportRow], first: int = JANUARY, last: int = FEBRUARY) -> tuple[bytes, str]:
    report = made(rows, first, last, budget=Budget(9_000))
    return report_json(report), report_html(report)


@given(places, st.integers(0, 4), st.integers(0, 4), tables, st.integers(1, 10**6))
@settings(max_examples=40)
def test_report_with_another_count_below_the_threshold_is_the_same_report(
    place: Place, one: int, other: int, rest: dict[Place, int], keys: int
) -> None:
    around = rows_of({each: number for each, number in rest.items() if cell(each) != cell(place)})
    few, more = (rows_of({place: number}, keys) for number in (one, other))
    for first, last in ((JANUARY, FEBRUARY), (JANUARY, JANUARY), (FEBRUARY, FEBRUARY)):
        assert published([*around, *few], first, last) == published([*around, *more], first, last)


@given(tables)
def test_report_holds_each_sum_between_its_ends(table: dict[Place, int]) -> None:
    report = made(rows_of(table), JANUARY, FEBRUARY)
    for row in report.rows:
        peer = {"company": "birch", "ngo": "elder", "other members": "hazel"}[row.group]
        opened = ("asked", "failed") if row.direction == "asking" else ("answered", "unsigned")
        true = sum(
            number
            for (event, _, purpose, mode, other), number in table.items()
            if event in opened and (purpose, mode, other) == (row.purpose, row.mode, peer)
        )
        assert row.sessions.at_least <= true <= row.sessions.at_most
        assert row.sessions.at_least % THRESHOLD == 0
    for total in report.totals:
        opened = ("asked", "failed") if total.direction == "asking" else ("answered", "unsigned")
        assert total.sessions <= sum(number for place, number in table.items() if place[0] in opened)
        assert total.sessions % THRESHOLD == 0


def numbers(report: TransparencyReport) -> object:
    """All that is published, as one value."""
    return report_json(report)


def exposed(
    publish: Callable[[tuple[int, ...]], object], tables: Iterable[tuple[int, ...]]
) -> list[tuple[tuple[int, ...], int]]:
    """By trying every table: those of which what is published rules out a small count of some cell.

    Whatever can be computed from what is published, a linear combination or anything else, is a function of
    it; so it can tell no more than which tables are left.
    """
    left: dict[object, list[tuple[int, ...]]] = {}
    for table in tables:
        left.setdefault(publish(table), []).append(table)
    found = []
    for same in left.values():
        for cell in range(len(same[0])):
            values = {table[cell] for table in same}
            if min(values) < THRESHOLD and not values >= set(range(THRESHOLD)):
                found.append((same[0], cell))
    return found


def by_group(table: tuple[int, ...]) -> object:
    """One month, one cell for each group."""
    rows = [each for peer, number in zip(PEERS, table, strict=True) for each in sessions(number, peer=peer)]
    return numbers(made(rows))


def by_month(table: tuple[int, ...]) -> object:
    """Two reports of which one continues the other, and a third of the second month alone."""
    first, second, other = table
    rows = [*sessions(first), *sessions(second, month=FEBRUARY), *sessions(other, peer="elder")]
    periods = ((JANUARY, FEBRUARY), (JANUARY, JANUARY), (FEBRUARY, FEBRUARY))
    return tuple(numbers(made(rows, *period)) for period in periods)


def by_log(table: tuple[int, ...]) -> object:
    """A report of one member, of another, and of both."""
    first, second, other = table
    own = [*sessions(first, peer="elder"), *sessions(other, peer="hazel")]
    others = sessions(second, peer="elder", member_id="cedar")
    reports = [made(own), made(others, logs=("cedar",)), made([*own, *others], logs=(OWN, "cedar"))]
    return tuple(map(numbers, reports))


def by_threshold(table: tuple[int, ...]) -> object:
    """The same report with three thresholds."""
    first, second = table
    rows = [*sessions(first), *sessions(second, peer="elder")]
    return tuple(numbers(made(rows, threshold=threshold)) for threshold in (5, 10, 15))


def by_outcome(table: tuple[int, ...]) -> object:
    """Begun, of these without counter-signature, and denied: of one purpose, mode and kind."""
    begun, unsigned, denied = table
    rows = [*sessions(begun - unsigned), *refused(number=denied)]
    return numbers(made([*rows, *sessions(unsigned, ends=[("ended", "no receipt")])]))


THREE = tuple(product(range(6), repeat=3))
TWO = tuple(product(range(12), repeat=2))
NESTED = tuple(table for table in product(range(10), range(10), range(6)) if table[1] <= table[0])


@pytest.mark.parametrize(
    ("publish", "tables"),
    [(by_group, THREE), (by_month, THREE), (by_log, THREE), (by_threshold, TWO), (by_outcome, NESTED)],
    ids=["groups", "months", "logs", "thresholds", "outcomes"],
)
def test_published_numbers_leave_every_small_count_open(
    publish: Callable[[tuple[int, ...]], object], tables: Iterable[tuple[int, ...]]
) -> None:
    assert exposed(publish, tables) == []


def test_totals_over_true_counts_would_be_caught() -> None:
    """The same search finds the leak of the usual way: classes, and a rounded total of the true counts."""

    def usual(table: tuple[int, ...]) -> object:
        return tuple(each - each % THRESHOLD for each in (*table, sum(table)))

    assert exposed(usual, THREE)
