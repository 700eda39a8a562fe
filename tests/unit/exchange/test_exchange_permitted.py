"""A peer that may have some records only: what is withheld shows in no count, in either mode."""

from dataclasses import replace

import numpy as np
import pytest

from symbolon.exchange.key_table import KeyTable
from symbolon.exchange.padding import padded_count
from symbolon.exchange.sender_set import (
    Delta,
    DeltaPlan,
    Released,
    build_delta,
    live_keys,
    plan_delta,
)
from symbolon.exchange.size_mode import distinct_points, sender_tokens
from unit.exchange.harness import SUITE, TAG_BYTES, key_id, rng_of, table_of

RNG = rng_of("permitted")
KEY = SUITE.derive_key(bytes(range(64)), b"context")
WHOLE = {no: {f"k{no}", f"n{no}"} for no in range(1, 101)}
NOTHING = Released.nothing(TAG_BYTES)


def numbers(*suppliers: int) -> np.ndarray:
    return np.array(sorted(suppliers), np.uint64)


def plan(
    table: KeyTable, permitted: np.ndarray | None, released: Released = NOTHING, *, additions: bool = True
) -> DeltaPlan:
    live = live_keys(table)
    live = live if permitted is None else live.only(table, permitted)
    return plan_delta(table, live, released, additions=additions, rng=RNG)


def build(table: KeyTable, planned: DeltaPlan, number: int = 1) -> Delta:
    handles = np.zeros((len(planned.suppliers), 6), np.uint8)
    return build_delta(
        SUITE, KEY, table, planned, number=number, tag_bytes=TAG_BYTES, labels=handles, rng=RNG
    )


@pytest.mark.parametrize(
    ("suppliers", "permitted", "left"),
    [
        ({1: {"a"}, 2: {"b"}}, (1,), {("a", 1)}),
        ({1: {"a"}, 2: {"a"}}, (2,), {("a", 2)}),
        ({1: {"a", "b"}, 2: {"b"}}, (), set()),
        ({1: {"a"}, 2: {"b"}}, (1, 2), {("a", 1), ("b", 2)}),
        ({1: {"a"}}, (7,), set()),
        ({}, (1,), set()),
    ],
)
def test_only_leaves_the_links_of_permitted_records_and_keys_that_have_any(
    suppliers: dict[int, set[str]], permitted: tuple[int, ...], left: set[tuple[str, int]]
) -> None:
    table = table_of(suppliers)
    live = live_keys(table)
    only = live.only(table, numbers(*permitted))
    found = zip(
        table.key_ids[table.link_key[only.links]].tolist(),
        table.link_supplier[only.links].tolist(),
        strict=True,
    )
    assert set(found) == {(key_id(name), supplier) for name, supplier in left}
    assert set(table.key_ids[only.keys].tolist()) == {key_id(name) for name, _ in left}
    assert (only.whole, only.crowded) == (live.whole, live.crowded)


@pytest.mark.parametrize("sharing", [4, 5])
def test_only_judges_crowded_keys_by_the_whole_list(sharing: int) -> None:
    """Four of five are withheld: the key that five share stays left out, as it is without obligations."""
    table = table_of({no: {"shared", f"own{no}"} for no in range(1, sharing + 1)})
    planned = plan(table, numbers(1))
    names = {"own1"} | ({"shared"} if sharing == 4 else set())
    assert set(table.key_ids[planned.key_index].tolist()) == {key_id(name) for name in names}
    assert planned.crowded == plan(table, None).crowded == (sharing == 5)


@pytest.mark.parametrize("permitted", [(), (1,), tuple(range(1, 51)), tuple(range(1, 101))])
def test_plan_of_a_first_delta_is_as_long_as_that_of_the_whole_list(permitted: tuple[int, ...]) -> None:
    table = table_of(WHOLE)
    planned = plan(table, numbers(*permitted))
    assert planned.entries == plan(table, None).entries == padded_count(200)
    assert len(planned.key_index) == 2 * len(permitted)
    made = build(table, planned)
    assert len(made.entries) == len(build(table, plan(table, None)).entries)
    assert made.added.entries == padded_count(200)


@pytest.mark.parametrize("permitted", [(), (1,), tuple(range(1, 101))])
def test_plan_of_the_next_delta_is_as_long_whatever_the_first_one_held(permitted: tuple[int, ...]) -> None:
    """Where all was withheld the first delta is dummies alone: a second one of that length would tell."""
    table = table_of(WHOLE)
    first = build(table, plan(table, numbers(*permitted))).added
    assert plan(table, numbers(*permitted), first).entries == 64
    assert plan(table, None, build(table, plan(table, None)).added).entries == 64


def test_plan_after_a_delay_ended_brings_what_was_withheld_and_nothing_twice() -> None:
    table = table_of(WHOLE)
    first = build(table, plan(table, numbers(*range(1, 91)))).added
    later = plan(table, numbers(*range(1, 101)), first)
    assert set(later.suppliers.tolist()) == set(range(91, 101))
    assert (later.entries, later.withdrawn) == (64, b"")
    assert plan(table, numbers(*range(1, 101)), first, additions=False).waiting == 20


def test_plan_withdraws_what_is_withheld_from_now_on() -> None:
    table = table_of(WHOLE)
    first = build(table, plan(table, None)).added
    assert len(plan(table, numbers(*range(3, 101)), first).withdrawn) == 4 * TAG_BYTES


@pytest.mark.parametrize("permitted", [(), (1,), tuple(range(1, 51)), tuple(range(1, 101))])
def test_size_tokens_are_as_many_as_the_whole_list_has(permitted: tuple[int, ...]) -> None:
    tables = [table_of(WHOLE), table_of(WHOLE, "B")]
    points = distinct_points(tables, SUITE, numbers(*permitted))
    assert len(points) == 4 * len(permitted)
    declared = padded_count(sum(len(live_keys(table).keys) for table in tables))
    assert declared == padded_count(len(distinct_points(tables, SUITE)))
    assert len(sender_tokens(SUITE, KEY, points, declared, RNG)) == 16 * declared


def test_size_points_of_a_key_that_two_share_are_there_as_long_as_one_is_permitted() -> None:
    tables = [table_of({1: {"a"}, 2: {"a", "b"}})]
    assert len(distinct_points(tables, SUITE, numbers(1))) == 1
    assert len(distinct_points(tables, SUITE, numbers(2))) == 2
    crowded = [table_of({no: {"a"} for no in range(1, 6)})]
    assert len(distinct_points(crowded, SUITE, numbers(1))) == 0


def test_released_state_counts_dummies_as_part_of_the_set() -> None:
    table = table_of(WHOLE)
    dummies = build(table, plan(table, numbers())).added
    assert (len(dummies.key_ids), dummies.entries) == (0, padded_count(200))
    # A new epoch begins with nothing, and then with the whole length again.
    assert plan(table, numbers(), replace(dummies, entries=0)).entries == padded_count(200)
