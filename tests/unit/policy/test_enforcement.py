from datetime import date, timedelta

import pytest

from symbolon.policy.enforcement import (
    Item,
    PreparedSet,
    ReleasedItem,
    Terms,
    Withheld,
    prepare_set,
    widened,
)
from symbolon.policy.obligations import NOTHING, Notified, Period, parse_obligations

TODAY = date(2026, 11, 22)
PERIOD = (date(2026, 2, 10), date(2026, 2, 20))
FIELDS = {"city": "Salem", "kind": "withheld wages"}


def item(**changes: object) -> Item:
    given = {"item_id": "s-1", "first_known": TODAY - timedelta(days=30), "period": PERIOD, "fields": FIELDS}
    return Item(**{**given, **changes})  # type: ignore[arg-type]


def prepare(text: str, *items: Item, receiver: str = "mill") -> PreparedSet:
    return prepare_set(items, parse_obligations(text) if text else NOTHING, receiver=receiver, today=TODAY)


def days_ago(days: int) -> date:
    return TODAY - timedelta(days=days)


def test_prepare_set_without_obligations_releases_everything_as_it_is() -> None:
    assert prepare("", item()) == PreparedSet(
        (ReleasedItem("s-1", PERIOD, FIELDS),), (), {}, Terms(no_onward=False, retain_days=None)
    )


def test_redact_removes_the_fields_it_names_and_no_other() -> None:
    (released,) = prepare("redact(city, sector)", item()).released
    assert released.fields == {"kind": "withheld wages"}
    assert released.period == PERIOD


def test_redact_of_the_period_removes_it() -> None:
    (released,) = prepare("redact(period); coarsen(year)", item()).released
    assert released.period is None


@pytest.mark.parametrize(
    ("to", "period", "wide"),
    [
        (Period.MONTH, ("2026-02-10", "2026-02-20"), ("2026-02-01", "2026-02-28")),
        (Period.MONTH, ("2024-02-29", "2024-02-29"), ("2024-02-01", "2024-02-29")),
        (Period.MONTH, ("2026-01-31", "2026-02-01"), ("2026-01-01", "2026-02-28")),
        (Period.MONTH, ("2026-12-31", "2026-12-31"), ("2026-12-01", "2026-12-31")),
        (Period.QUARTER, ("2026-02-10", "2026-02-20"), ("2026-01-01", "2026-03-31")),
        (Period.QUARTER, ("2026-03-31", "2026-04-01"), ("2026-01-01", "2026-06-30")),
        (Period.QUARTER, ("2026-11-01", "2026-11-30"), ("2026-10-01", "2026-12-31")),
        (Period.YEAR, ("2026-02-10", "2026-02-20"), ("2026-01-01", "2026-12-31")),
        (Period.YEAR, ("2025-12-31", "2026-01-01"), ("2025-01-01", "2026-12-31")),
    ],
)
def test_coarsen_widens_the_period_to_whole_ones(
    to: Period, period: tuple[str, str], wide: tuple[str, str]
) -> None:
    first, last = map(date.fromisoformat, period)
    assert widened((first, last), to) == tuple(map(date.fromisoformat, wide))
    (released,) = prepare(f"coarsen({to})", item(period=(first, last))).released
    assert released.period == tuple(map(date.fromisoformat, wide))


def test_coarsen_of_what_names_no_time_has_nothing_to_widen() -> None:
    (released,) = prepare("coarsen(year)", item(period=None)).released
    assert released.period is None


@pytest.mark.parametrize(("age", "leaves"), [(8, True), (7, True), (6, False), (0, False), (-1, False)])
def test_delay_withholds_what_is_younger(age: int, leaves: bool) -> None:
    prepared = prepare("delay(7)", item(first_known=days_ago(age)))
    assert bool(prepared.released) == leaves
    assert prepared.withheld == ({} if leaves else {"s-1": (Withheld.YOUNG,)})


def test_delay_withholds_what_has_no_day() -> None:
    assert prepare("delay(1)", item(first_known=None)).withheld == {"s-1": (Withheld.UNDATED,)}


def test_no_onward_and_retain_travel_with_the_set() -> None:
    assert prepare("no_onward", item()).terms == Terms(no_onward=True, retain_days=None)
    assert prepare("retain(90)", item()).terms == Terms(no_onward=False, retain_days=90)
    assert prepare("retain(90)").terms.retain_days == 90


@pytest.mark.parametrize("reviewed", [(), ("brand",), ("Mill",)])
def test_human_review_withholds_what_nobody_approved_for_this_member(reviewed: tuple[str, ...]) -> None:
    prepared = prepare("human_review", item(reviewed_for=frozenset(reviewed)))
    assert prepared.withheld == {"s-1": (Withheld.NOT_REVIEWED,)}


def test_human_review_releases_what_was_approved_for_this_member() -> None:
    assert prepare("human_review", item(reviewed_for=frozenset({"mill", "brand"}))).released


def test_count_only_leaves_labelled_sets_and_is_counted() -> None:
    prepared = prepare("count_only", item(), item(item_id="s-2"))
    assert (prepared.released, prepared.counted) == ((), ("s-1", "s-2"))


def test_count_only_counts_nothing_that_is_withheld() -> None:
    prepared = prepare("count_only; delay(7)", item(first_known=TODAY))
    assert (prepared.counted, prepared.withheld) == ((), {"s-1": (Withheld.YOUNG,)})


@pytest.mark.parametrize(("contributors", "leaves"), [(0, False), (1, False), (2, False), (3, True)])
def test_min_corroboration_withholds_what_too_few_say(contributors: int, leaves: bool) -> None:
    prepared = prepare("min_corroboration(3)", item(contributors=contributors))
    assert bool(prepared.released) == leaves
    assert bool(prepared.withheld) != leaves


@pytest.mark.parametrize(
    ("notices", "leaves"),
    [
        ({}, False),
        ({Notified.SITE: days_ago(99)}, False),
        ({Notified.SUPPLIER: days_ago(29)}, False),
        ({Notified.SUPPLIER: days_ago(-1)}, False),
        ({Notified.SUPPLIER: days_ago(30)}, False),
        ({Notified.SUPPLIER: days_ago(30), Notified.SITE: TODAY}, True),
    ],
)
def test_notify_supplier_withholds_until_everybody_was_told_long_enough(
    notices: dict[Notified, date], leaves: bool
) -> None:
    prepared = prepare("notify_supplier(supplier, 30); notify_supplier(site, 0)", item(notices=notices))
    assert bool(prepared.released) == leaves
    assert prepared.withheld == ({} if leaves else {"s-1": (Withheld.NOT_NOTIFIED,)})


def test_prepare_set_gives_every_reason() -> None:
    text = "delay(60); human_review; min_corroboration(2); notify_supplier(site, 1)"
    assert len(prepare(text, item()).withheld["s-1"]) == 4


def test_released_items_hold_nothing_of_what_the_owner_knows_beside_them() -> None:
    given = item(reviewed_for=frozenset({"mill", "secret-member"}), contributors=7)
    assert "secret-member" not in repr(prepare("human_review", given).released)
