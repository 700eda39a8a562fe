import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from symbolon.exchange.key_table import PackedInputs
from symbolon.oprf.suite import RISTRETTO255_SHA512, get_suite
from unit.exchange.harness import SUITE, key_bytes, key_id, packed_inputs, table_of


def packed() -> PackedInputs:
    return PackedInputs(b"onetwothree", np.array([3, 0, 6, 6]), np.array([6, 3, 11, 6]))


def test_packed_inputs_read_like_a_list() -> None:
    plain = [b"two", b"one", b"three", b""]
    inputs = packed()
    assert list(inputs) == plain
    assert len(inputs) == 4
    for cut in (slice(None), slice(1, 3), slice(None, None, -1), slice(9, 12)):
        assert inputs[cut] == plain[cut]
    assert inputs[-1] == b""
    assert inputs.take(np.array([2, 0, 2])) == [b"three", b"two", b"three"]


def test_packed_inputs_beyond_the_end_raise_like_a_list() -> None:
    with pytest.raises(IndexError):
        packed()[4]


def test_packed_inputs_are_the_same_however_their_buffer_is_arranged() -> None:
    table = table_of({1: {"a", "b"}, 2: {"c"}})
    lengths = np.array([len(each) for each in table.inputs])
    begins = np.cumsum(lengths[::-1])[::-1] - lengths
    other = PackedInputs(b"".join(reversed(table.inputs)), begins, begins + lengths)
    index = np.array([2, 0])
    assert list(other) == list(table.inputs)
    assert other.take(index) == table.inputs.take(index) == [table.inputs[2], table.inputs[0]]


def test_key_table_points_are_those_of_the_suite_asked_for() -> None:
    table = table_of({1: {"a", "b"}})
    index = np.array([1])
    assert table.points_for(SUITE, index) == SUITE.hash_to_curve([table.inputs[1]])
    other = get_suite(RISTRETTO255_SHA512)
    assert table.points_for(other, index) == other.hash_to_curve([table.inputs[1]])


def test_key_table_of_the_harness_keeps_its_promises() -> None:
    table = table_of({2: {"a"}, 1: {"a", "b"}, 3: set()})
    assert (np.diff(table.key_ids.astype(object)) > 0).all()
    assert set(table.key_ids.tolist()) == {key_id("a"), key_id("b")}
    at = table.inputs.index(key_bytes("a"))
    assert table.link_supplier[table.link_key == at].tolist() == [1, 2]


SCHEMES = st.sampled_from(["lei.1", "lei", "le", "name-place.1", "x"])
VALUES = st.binary(max_size=6)


@given(st.lists(st.tuples(SCHEMES, VALUES), min_size=1, max_size=30), st.data())
def test_schemes_of_packed_inputs_are_what_stands_before_the_separator(
    keys: list[tuple[str, bytes]], data: st.DataObject
) -> None:
    packed = packed_inputs([scheme.encode() + b"\x1f" + value for scheme, value in keys])
    index = data.draw(st.lists(st.integers(0, len(keys) - 1), max_size=40))
    numbers, names = packed.schemes(np.array(index, np.int64))
    assert [names[number] for number in numbers] == [keys[at][0] for at in index]
    assert len(set(names)) == len(names)


@given(st.lists(VALUES, max_size=20))
def test_packing_keeps_inputs_and_their_order(inputs: list[bytes]) -> None:
    packed = packed_inputs(inputs)
    assert (len(packed), packed[:]) == (len(inputs), inputs)
