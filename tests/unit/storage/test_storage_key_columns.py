"""The columns of a key segment, and their merge to a table of distinct keys."""

import hashlib

import numpy as np
import pytest

from symbolon.errors import StorageError
from symbolon.storage.key_columns import KeyLinks, join, key_table
from symbolon.suppliers.tier import Tier


def _point(key: bytes) -> bytes:
    return hashlib.sha256(key).digest()


def _links(*links: tuple[bytes, int, int]) -> KeyLinks:
    inputs = [key for key, _, _ in links]
    return KeyLinks.of(
        [number for _, number, _ in links],
        [pk for _, _, pk in links],
        inputs,
        b"".join(_point(key) for key in inputs),
    )


def test_decode_encoded_gives_the_same_columns() -> None:
    links = _links((b"lei.1\x1f1", 1, 10), (b"", 2, 20), (b"name\x1fmill", 3, 30))
    read = KeyLinks.decode(links.encode())
    assert read.supplier_no.tolist() == [1, 2, 3]
    assert read.supplier_pk.tolist() == [10, 20, 30]
    assert read.encode() == links.encode()


def test_decode_columns_that_do_not_add_up_is_refused() -> None:
    payload = _links((b"lei.1\x1f1", 1, 10), (b"gln.1\x1f2", 2, 20)).encode()
    backward = bytearray(payload)
    backward[4 + 32 + 4 : 4 + 32 + 8] = (2**31).to_bytes(4, "little")
    for bad in (b"", payload[:10], payload[:-1], payload + b"x", bytes(backward), b"\xff" * len(payload)):
        with pytest.raises(StorageError) as caught:
            KeyLinks.decode(bad)
        assert caught.value.full_code == "storage.segment"


def test_without_dead_versions_keeps_the_others_in_order() -> None:
    links = _links((b"a", 1, 10), (b"b", 2, 20), (b"c", 1, 10), (b"d", 3, 30))
    left = links.without(np.array([10, 99], dtype=np.uint64))
    assert left.encode() == _links((b"b", 2, 20), (b"d", 3, 30)).encode()
    assert len(links.without(np.array([10, 20, 30], dtype=np.uint64))) == 0


def test_having_finds_whole_keys_alone() -> None:
    links = _links((b"ab", 1, 10), (b"", 2, 20), (b"abc", 3, 30), (b"cab", 4, 40), (b"ab", 5, 50))
    assert links.having([b"ab"]) == {1, 5}
    assert links.having([b"abc", b"cab", b"ab"]) == {1, 3, 4, 5}
    # Inside one, over the edge of two, and nowhere.
    assert links.having([b"b", b"aba", b"bab", b"x"]) == set()
    assert (links.having([]), _links().having([b"ab"])) == (set(), set())


def test_join_parts_equals_one_part() -> None:
    assert join([_links((b"a", 1, 10)), _links(), _links((b"bc", 2, 20), (b"d", 3, 30))]).encode() == (
        _links((b"a", 1, 10), (b"bc", 2, 20), (b"d", 3, 30)).encode()
    )
    assert len(join([])) == 0


def test_key_table_shared_key_has_one_entry_and_sorted_suppliers() -> None:
    table = key_table(Tier.B, [_links((b"shared", 9, 1), (b"own", 9, 1)), _links((b"shared", 2, 5))])
    assert len(table) == 2
    assert np.all(table.key_ids[1:] > table.key_ids[:-1])
    links = {
        (table.inputs[key], int(supplier))
        for key, supplier in zip(table.link_key, table.link_supplier, strict=True)
    }
    assert links == {(b"shared", 2), (b"shared", 9), (b"own", 9)}
    shared = table.inputs.index(b"shared")
    assert table.link_supplier[table.link_key == shared].tolist() == [2, 9]
    for place, key in enumerate(table.inputs):
        point = table.points[table.point_row[place]].tobytes()
        assert point == _point(key)
        assert int(table.key_ids[place]) == int.from_bytes(point[:8], "little")


def test_key_table_dead_versions_do_not_count() -> None:
    parts = [_links((b"shared", 9, 1), (b"old", 2, 2)), _links((b"shared", 2, 5), (b"new", 2, 5))]
    table = key_table(Tier.B, parts, np.array([2, 7], dtype=np.uint64))
    assert sorted(table.inputs) == [b"new", b"shared"]
    assert len(table.link_supplier) == 3
    assert len(key_table(Tier.B, parts, np.array([1, 2, 5], dtype=np.uint64))) == 0


def test_key_table_no_links_is_empty() -> None:
    for parts in ([], [_links()]):
        table = key_table(Tier.A, parts)
        assert len(table) == 0
        assert len(table.points) == len(table.point_row) == 0
        assert len(table.link_key) == len(table.link_supplier) == len(table.key_ids) == 0


def test_key_table_two_points_with_one_id_keeps_the_smaller_in_any_order() -> None:
    first, second = bytes(8) + b"\x01" * 24, bytes(8) + b"\x02" * 24
    links = [
        (b"second", 1, second),
        (b"first", 2, first),
        (b"second", 3, second),
        (b"other", 4, b"\x07" * 32),
    ]
    for arrangement in (links, links[::-1], links[1:] + links[:1]):
        columns = KeyLinks.of(
            [number for _, number, _ in arrangement],
            [number for _, number, _ in arrangement],
            [key for key, _, _ in arrangement],
            b"".join(point for _, _, point in arrangement),
        )
        table = key_table(Tier.A, [columns])
        assert list(table.inputs) == [b"first", b"other"]
        assert table.points[table.point_row].tobytes() == first + b"\x07" * 32
        assert table.link_supplier.tolist() == [2, 4]
        assert table.link_key.tolist() == [0, 1]
