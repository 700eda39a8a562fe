"""Sets of ids by sorting are the sets of plain Python."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from symbolon.exchange.id_sets import among, distinct

ids = st.lists(st.one_of(st.integers(0, 9), st.sampled_from([2**63, 2**64 - 1])), max_size=12)


@given(values=ids, pool=ids)
def test_among_is_membership_whatever_the_order(values: list[int], pool: list[int]) -> None:
    expected = [value in pool for value in values]
    asked = np.array(values, np.uint64)
    assert among(asked, np.array(pool, np.uint64)).tolist() == expected
    assert among(asked, np.array(sorted(pool), np.uint64), is_sorted=True).tolist() == expected


@given(values=ids)
def test_distinct_is_each_once_in_order(values: list[int]) -> None:
    assert distinct(np.array(values, np.uint64)).tolist() == sorted(set(values))


@given(values=ids, pool=ids)
def test_among_changes_neither_of_its_arguments(values: list[int], pool: list[int]) -> None:
    one, other = np.array(values, np.uint64), np.array(pool, np.uint64)
    among(one, other)
    assert (one.tolist(), other.tolist()) == (values, pool)
