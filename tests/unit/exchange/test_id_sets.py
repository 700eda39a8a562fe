"""Sets of ids by sorting, and by a table where they were given out in a row: both say the same."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from symbolon.exchange import id_sets
from symbolon.exchange.id_sets import among, distinct, positions

IDS = st.one_of(st.integers(0, 40), st.integers(2**64 - 40, 2**64 - 1), st.integers(0, 2**64 - 1))


@given(values=st.lists(IDS, max_size=60), pool=st.lists(IDS, max_size=30), few=st.sampled_from([-1, 1024]))
def test_positions_and_among_say_what_a_dictionary_says(values: list[int], pool: list[int], few: int) -> None:
    asked = np.array(values, np.uint64)
    ordered = distinct(np.array(pool, np.uint64))
    assert ordered.tolist() == sorted(set(pool))
    at = {each: place for place, each in enumerate(sorted(set(pool)))}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(id_sets, "_FEW", few)
        assert positions(asked, ordered).tolist() == [at.get(each, -1) for each in values]
        assert among(asked, np.array(pool, np.uint64)).tolist() == [each in at for each in values]
        assert among(asked, ordered, is_sorted=True).tolist() == [each in at for each in values]


@pytest.mark.parametrize("first", [0, 7, 2**64 - 3000])
def test_positions_among_ids_in_a_row_are_found_by_a_table(first: int) -> None:
    ordered = np.arange(2000, dtype=np.uint64) + np.uint64(first)
    values = np.concatenate([ordered[::-1], ordered[:3] - np.uint64(1), ordered[-3:] + np.uint64(2)])
    found = positions(values, ordered)
    assert found[:2000].tolist() == list(range(1999, -1, -1))
    assert found[2000:].tolist() == [-1, 0, 1, 1999, -1, -1]
