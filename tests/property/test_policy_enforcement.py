"""Obligations at set preparation: more of them never release more, and order never matters."""

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from symbolon.policy.enforcement import Item, PreparedSet, prepare_set
from symbolon.policy.obligations import (
    Coarsen,
    CountOnly,
    Delay,
    HumanReview,
    MinCorroboration,
    NoOnward,
    Notified,
    NotifySupplier,
    Obligations,
    Period,
    Redact,
    Retain,
    obligations_of,
    strictest,
)

TODAY = date(2026, 11, 22)
NAMES = ("city", "kind", "period", "sector")
DAY = st.integers(-5, 800).map(lambda days: TODAY - timedelta(days=days))
OBLIGATION = st.one_of(
    st.frozensets(st.sampled_from(NAMES), min_size=1).map(Redact),
    st.sampled_from(Period).map(Coarsen),
    st.integers(1, 40).map(Delay),
    st.just(NoOnward()),
    st.integers(1, 40).map(Retain),
    st.just(HumanReview()),
    st.just(CountOnly()),
    st.integers(2, 4).map(MinCorroboration),
    st.builds(NotifySupplier, st.sampled_from(Notified), st.integers(0, 40)),
)
OBLIGATIONS = st.lists(OBLIGATION, max_size=4).map(obligations_of)
ITEM = st.builds(
    Item,
    item_id=st.text("abc", min_size=1, max_size=3),
    first_known=st.none() | DAY,
    period=st.none() | st.tuples(DAY, DAY).map(lambda pair: (min(pair), max(pair))),
    fields=st.dictionaries(st.sampled_from(("city", "kind", "sector")), st.text(max_size=3)),
    contributors=st.integers(0, 5),
    reviewed_for=st.frozensets(st.sampled_from(("mill", "brand"))),
    notices=st.dictionaries(st.sampled_from(Notified), DAY),
)
ITEMS = st.lists(ITEM, max_size=6, unique_by=lambda item: item.item_id)


def prepare(items: list[Item], obligations: Obligations) -> PreparedSet:
    return prepare_set(items, obligations, receiver="mill", today=TODAY)


@given(ITEMS, OBLIGATIONS, OBLIGATIONS)
def test_more_obligations_never_release_more(items: list[Item], some: Obligations, more: Obligations) -> None:
    before = prepare(items, some)
    after = prepare(items, strictest(some, more))
    shown = {each.item_id: each for each in before.released}
    for each in after.released:
        earlier = shown[each.item_id]
        assert each.fields.items() <= earlier.fields.items()
        if each.period is not None:
            assert earlier.period is not None
            assert each.period[0] <= earlier.period[0] <= earlier.period[1] <= each.period[1]
    counted = {*shown, *before.counted}
    assert {*after.counted, *(each.item_id for each in after.released)} <= counted
    assert after.withheld.keys() >= before.withheld.keys()
    assert after.terms.no_onward >= before.terms.no_onward
    if before.terms.retain_days is not None:
        assert after.terms.retain_days is not None
        assert after.terms.retain_days <= before.terms.retain_days


@given(ITEMS, OBLIGATIONS, st.randoms(use_true_random=False))
def test_order_of_items_does_not_matter(items: list[Item], obligations: Obligations, random: object) -> None:
    shuffled = list(items)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert prepare(items, obligations) == prepare(shuffled, obligations)


@given(ITEMS, OBLIGATIONS)
def test_each_item_goes_exactly_one_way(items: list[Item], obligations: Obligations) -> None:
    prepared = prepare(items, obligations)
    ways = [*(each.item_id for each in prepared.released), *prepared.counted, *prepared.withheld]
    assert sorted(ways) == sorted(item.item_id for item in items)


@given(ITEMS, OBLIGATIONS, st.integers(0, 60))
def test_waiting_never_releases_less(items: list[Item], obligations: Obligations, days: int) -> None:
    later = prepare_set(items, obligations, receiver="mill", today=TODAY + timedelta(days=days))
    assert later.withheld.keys() <= prepare(items, obligations).withheld.keys()
