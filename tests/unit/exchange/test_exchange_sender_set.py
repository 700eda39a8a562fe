import numpy as np
import pytest

from symbolon.exchange.key_table import KeyTable
from symbolon.exchange.labels import HANDLES
from symbolon.exchange.limits import MAX_TAG_BYTES, MIN_TAG_BYTES
from symbolon.exchange.sender_set import (
    Delta,
    DeltaPlan,
    Released,
    build_delta,
    live_keys,
    plan_delta,
    shuffled,
    tag_bytes_for,
)
from unit.exchange.harness import SUITE, TAG_BYTES, rng_of, table_of

RNG = rng_of("sender set")
KEY = SUITE.derive_key(bytes(range(64)), b"context")


def plan(table: KeyTable, released: Released | None = None, *, additions: bool = True) -> DeltaPlan:
    return plan_delta(
        table, live_keys(table), released or Released.nothing(TAG_BYTES), additions=additions, rng=RNG
    )


def build(table: KeyTable, planned: DeltaPlan, number: int = 1, key: bytes = KEY) -> Delta:
    handles = np.zeros((len(planned.suppliers), 6), np.uint8)
    handles[:, 5] = planned.suppliers
    return build_delta(
        SUITE, key, table, planned, number=number, tag_bytes=TAG_BYTES, labels=handles, rng=RNG
    )


def entries(delta: Delta) -> list[bytes]:
    width = HANDLES.entry_bytes(TAG_BYTES)
    return [delta.entries[at : at + width] for at in range(0, len(delta.entries), width)]


@pytest.mark.parametrize(
    ("elements", "released", "expected"),
    [
        (0, 0, 10),
        (64, 64, 10),
        (2**20, 2**20, 10),
        (2**20, 2**20 + 1, 11),
        (2**24, 2**24, 11),
        (2**24, 2**25, 12),
    ],
)
def test_tag_bytes_leave_forty_bits_above_the_product(elements: int, released: int, expected: int) -> None:
    assert tag_bytes_for(elements, released) == expected
    assert MIN_TAG_BYTES <= expected <= MAX_TAG_BYTES


@pytest.mark.parametrize("sharing", [1, 4, 5, 6])
def test_live_keys_end_at_four_records(sharing: int) -> None:
    live = live_keys(table_of({**{no: {"shared"} for no in range(1, sharing + 1)}, 99: {"own"}}))
    kept = sharing if sharing <= 4 else 0
    assert (len(live.keys), int(live.links.sum())) == (1 + bool(kept), 1 + kept)
    assert live.crowded == (sharing > 4)


def test_live_keys_of_an_empty_table_are_none() -> None:
    live = live_keys(table_of({}))
    assert (len(live.keys), len(live.links), live.crowded) == (0, 0, 0)


def test_plan_of_an_empty_list_is_a_batch_of_dummies() -> None:
    planned = plan(table_of({}))
    assert (planned.entries, planned.dummies, len(planned.key_index)) == (64, 64, 0)
    assert len(entries(build(table_of({}), planned))) == 64


@pytest.mark.parametrize("keys", [0, 1, 64])
def test_build_tells_its_progress_in_padded_entries_whatever_the_number_of_keys(keys: int) -> None:
    table = table_of({no: {f"k{no}"} for no in range(keys)})
    planned, told = plan(table), list[int]()
    build_delta(
        SUITE,
        KEY,
        table,
        planned,
        number=1,
        tag_bytes=TAG_BYTES,
        labels=np.zeros((keys, 6), np.uint8),
        rng=RNG,
        made=told.append,
    )
    assert told == [64]


def test_plan_when_no_delta_is_due_withdraws_all_the_same() -> None:
    table = table_of({1: {"a"}, 2: {"b"}})
    released = build(table, plan(table)).added
    planned = plan(table_of({1: {"a"}, 3: {"c"}}), released, additions=False)
    assert planned.entries == 0
    assert len(planned.withdrawn) == TAG_BYTES


def test_plan_gives_suppliers_of_one_key_ascending_slots() -> None:
    planned = plan(table_of({no: {"a"} for no in (3, 1, 2)}))
    assert list(zip(planned.suppliers.tolist(), planned.slots.tolist(), strict=True)) == [
        (1, 0),
        (2, 1),
        (3, 2),
    ]


def test_plan_never_gives_a_withdrawn_slot_to_another() -> None:
    table = table_of({1: {"a"}, 2: {"a"}})
    released = build(table, plan(table)).added
    planned = plan(table_of({3: {"a"}, 4: {"a"}, 5: {"a"}}), released)
    assert planned.suppliers.tolist() == [3, 4]
    assert planned.slots.tolist() == [2, 3]
    assert planned.postponed == 1
    assert len(planned.withdrawn) == 2 * TAG_BYTES


def test_plan_of_a_supplier_that_came_back_withdraws_and_adds_nothing() -> None:
    table = table_of({1: {"a"}})
    released = build(table, plan(table)).added
    assert len(plan(table_of({}), released).withdrawn) == TAG_BYTES
    again = plan(table, released)
    assert (again.withdrawn, len(again.key_index)) == (b"", 0)


def test_plan_of_a_key_that_became_crowded_withdraws_all_of_it() -> None:
    table = table_of({no: {"a"} for no in range(1, 5)})
    released = build(table, plan(table)).added
    planned = plan(table_of({no: {"a"} for no in range(1, 6)}), released)
    assert len(planned.withdrawn) == 4 * TAG_BYTES
    assert (planned.crowded, len(planned.key_index)) == (1, 0)


def test_delta_entries_are_sorted_equally_long_and_in_their_class() -> None:
    table = table_of({no: {f"k{no % 40}", f"m{no}"} for no in range(1, 90)})
    delta = build(table, plan(table))
    rows = entries(delta)
    assert [row[:TAG_BYTES] for row in rows] == sorted(row[:TAG_BYTES] for row in rows)
    assert {len(row) for row in rows} == {TAG_BYTES + 6}
    assert len(rows) == delta.added.entries
    assert len(set(rows)) == len(rows)


def test_delta_with_another_key_shares_no_tag() -> None:
    table = table_of({no: {f"k{no}"} for no in range(30)})
    one = build(table, plan(table))
    other = build(table, plan(table), key=SUITE.derive_key(bytes(64), b"context"))
    assert not {row[:TAG_BYTES] for row in entries(one)} & {row[:TAG_BYTES] for row in entries(other)}


def test_delta_hides_the_handle_of_each_entry_behind_a_pad_of_its_own() -> None:
    """Two records with one handle under two keys do not look alike."""
    table = table_of({1: {f"k{no}" for no in range(20)}})
    delta = build(table, plan(table))
    assert len({row[TAG_BYTES:] for row in entries(delta)}) == 64


def test_delta_added_columns_name_true_entries_only() -> None:
    table = table_of({1: {"a"}, 2: {"a", "b"}})
    delta = build(table, plan(table))
    assert len(delta.added.key_ids) == len(delta.added.suppliers) == len(delta.added.slots) == 3
    assert len(delta.added.tags) == 3 * TAG_BYTES
    assert delta.added.entries == 64


def test_shuffled_is_a_permutation_and_not_the_same_twice() -> None:
    one, other = shuffled(500, RNG), shuffled(500, RNG)
    assert sorted(one.tolist()) == sorted(other.tolist()) == list(range(500))
    assert one.tolist() != other.tolist()
