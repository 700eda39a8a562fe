"""Size classes keep what Padmé promises."""

from hypothesis import given
from hypothesis import strategies as st

from symbolon.exchange.limits import CHUNK_ELEMENTS, MAX_ELEMENTS, MIN_PADDED
from symbolon.exchange.padding import padded_count, padded_parts, padme

counts = st.one_of(st.integers(0, 5000), st.integers(0, 2**40))


@given(count=counts)
def test_padme_overhead_never_passes_twelve_in_a_hundred(count: int) -> None:
    assert count <= padme(count) <= count * 1.12


@given(count=st.integers(2**20, 2**40))
def test_padme_overhead_of_a_large_count_stays_below_four_in_a_hundred(count: int) -> None:
    assert padme(count) <= count * 1.04


@given(one=counts, other=counts)
def test_padme_is_monotone(one: int, other: int) -> None:
    low, high = sorted((one, other))
    assert padme(low) <= padme(high)


@given(count=counts)
def test_padme_of_a_class_is_the_class(count: int) -> None:
    assert padme(padme(count)) == padme(count)


@given(count=st.integers(2, 2**40))
def test_padme_leaks_only_the_exponent_and_as_many_bits_as_the_exponent_has(count: int) -> None:
    """The defining property: log log many bits of the mantissa stay, so classes are log log many."""
    padded = padme(count)
    exponent = padded.bit_length() - 1
    assert padded % (1 << max(0, exponent - exponent.bit_length())) == 0


def test_padme_of_small_counts_follows_the_published_formula() -> None:
    assert [padme(count) for count in range(20)] == [
        0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 10, 12, 12, 14, 14, 16, 16, 18, 18, 20,
    ]  # fmt: skip


@given(count=counts)
def test_padded_count_is_the_class_and_never_below_the_smallest_batch(count: int) -> None:
    assert padded_count(count) == max(MIN_PADDED, padme(count))
    assert padded_count(padded_count(count)) == padded_count(count)


def test_padded_count_of_the_largest_list_is_still_accepted() -> None:
    assert padded_count(MAX_ELEMENTS) == MAX_ELEMENTS


@given(count=st.integers(0, 2**20), more=st.integers(0, 2**20))
def test_padded_parts_cover_every_item_once_and_none_is_larger_than_a_chunk(count: int, more: int) -> None:
    parts = list(padded_parts(count, padded_count(count) + more))
    assert [start for start, _, _ in parts] == [0, *(end for _, end, _ in parts[:-1])]
    assert parts[-1][1] == count
    assert all(0 <= end - start <= CHUNK_ELEMENTS for start, end, _ in parts)


@given(data=st.data(), count=st.integers(0, 2**20))
def test_padded_parts_tell_the_same_of_all_counts_of_a_class(data: st.DataObject, count: int) -> None:
    padded = padded_count(count)
    other = data.draw(st.integers(0, padded))
    told = [done for _, _, done in padded_parts(count, padded)]
    assert told == [done for _, _, done in padded_parts(other, padded)]
    assert told == sorted(set(told))
    assert told[-1] == padded
