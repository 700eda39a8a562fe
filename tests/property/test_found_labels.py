"""Chunks under many own keys are put together at once as they would be key by key."""

from collections.abc import Sequence

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from received_labels import in_columns
from symbolon.signals.bundle import CHUNK_BYTES, group_chunks
from symbolon.signals.found_labels import whole_labels
from symbolon.signals.intake import Found
from symbolon.suppliers.tier import Tier


def whole(fill: int, further: int) -> list[tuple[int, int, int]]:
    """A label as a publisher makes it."""
    return [(1, 1 + further, fill), *((2, number, fill) for number in range(1, further + 1))]


labels = st.builds(whole, st.integers(0, 255), st.integers(0, 3))
anything = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 4), st.integers(0, 9)), max_size=4)
under_key = st.lists(st.one_of(labels, labels, labels, anything), max_size=4).map(
    lambda some: [chunk for each in some for chunk in each]
)


def chunk(start: tuple[int, int, int]) -> bytes:
    return bytes(start[:2]) + bytes([start[2]]) * (CHUNK_BYTES - 2)


def grouped(keys: Sequence[Sequence[tuple[int, int, int]]]) -> list[tuple[int, bytes]]:
    return [
        (key, b"".join(group)) for key, some in enumerate(keys) for group in group_chunks(map(chunk, some))
    ]


@given(st.lists(under_key, max_size=8))
def test_chunks_of_many_keys_are_grouped_as_those_of_one_are(keys: list[list[tuple[int, int, int]]]) -> None:
    key_ids = np.repeat(np.arange(len(keys), dtype=np.uint64), [len(some) for some in keys])
    joined = b"".join(chunk(each) for some in keys for each in some)
    rows = np.frombuffer(joined, np.uint8).reshape(-1, CHUNK_BYTES)
    found, at = whole_labels(key_ids, rows)
    assert sorted(zip(key_ids[at].tolist(), found, strict=True)) == sorted(grouped(keys))


founds = st.builds(
    Found,
    st.lists(st.binary(min_size=CHUNK_BYTES, max_size=CHUNK_BYTES), min_size=1, max_size=3).map(tuple),
    st.lists(st.integers(0, 2**40), max_size=3, unique=True),
    st.just("B"),
    st.sampled_from(("lei.1", "name-postal.1", "phone.1")),
    st.integers(0, 2**64 - 1),
)


@given(st.lists(founds, max_size=6))
def test_labels_in_columns_are_what_was_put_there(some: list[Found]) -> None:
    columns = in_columns(Tier.B, some)
    kept = [each for each in some if each.suppliers]
    assert list(columns.found()) == kept
    assert len(columns) == len(kept)
    of_label, suppliers = columns.links()
    pairs = [(at, number) for at, each in enumerate(kept) for number in each.suppliers]
    assert list(zip(of_label.tolist(), suppliers.tolist(), strict=True)) == pairs
    without = frozenset(columns.ids[:1])
    left = [each for each, name in zip(kept, columns.ids, strict=True) if name not in without]
    assert list(columns.found(without)) == left
