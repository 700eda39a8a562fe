"""What holds for every tree: each proof that is made is accepted, and no other.

The yardstick is the definition of RFC 6962 section 2.1, written out below as the RFC words it.
"""

import hashlib
from functools import cache
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memory_log import MemoryNodes, leaves
from symbolon.audit.merkle import (
    MAX_SIZE,
    Frontier,
    NodeKey,
    consistency_nodes,
    inclusion_nodes,
    prove_consistency,
    prove_inclusion,
    root_at,
    root_nodes,
    verify_consistency,
    verify_inclusion,
)
from symbolon.errors import AuditError

LARGEST = 300
LEAVES = leaves(LARGEST)
NODES = MemoryNodes(LEAVES)


def divided(size: int) -> int:
    k = 1
    while k * 2 < size:
        k *= 2
    return k


@cache
def mth(start: int, end: int) -> bytes:
    """MTH(D[start:end])."""
    if start == end:
        return hashlib.sha256(b"").digest()
    if end - start == 1:
        return LEAVES[start]
    k = divided(end - start)
    return hashlib.sha256(b"\x01" + mth(start, start + k) + mth(start + k, end)).digest()


def path(m: int, start: int, end: int) -> list[bytes]:
    """PATH(m, D[start:end])."""
    if end - start == 1:
        return []
    k = divided(end - start)
    if m < k:
        return [*path(m, start, start + k), mth(start + k, end)]
    return [*path(m - k, start + k, end), mth(start, start + k)]


def subproof(m: int, start: int, end: int, *, known: bool) -> list[bytes]:
    """SUBPROOF(m, D[start:end], known)."""
    if m == end - start:
        return [] if known else [mth(start, end)]
    k = divided(end - start)
    if m <= k:
        return [*subproof(m, start, start + k, known=known), mth(start + k, end)]
    return [*subproof(m - k, start + k, end, known=False), mth(start, start + k)]


def with_flipped(values: list[bytes], at: int, bit: int) -> list[bytes]:
    changed = bytearray(values[at])
    changed[bit // 8] ^= 1 << bit % 8
    return [*values[:at], bytes(changed), *values[at + 1 :]]


def test_root_of_every_size_is_that_of_the_definition():
    frontier = Frontier()
    for size in range(LARGEST + 1):
        assert frontier.root() == mth(0, size) == root_at(size, NODES.lookup)
        if size < LARGEST:
            frontier, _ = frontier.append(LEAVES[size])


def test_inclusion_of_every_entry_at_every_size_is_that_of_the_definition_and_holds():
    for size in range(1, LARGEST + 1):
        for index in range(size):
            proof = prove_inclusion(index, size, NODES.lookup)
            assert list(proof) == path(index, 0, size)
            verify_inclusion(LEAVES[index], index, size, proof, mth(0, size))


def test_consistency_of_every_two_sizes_is_that_of_the_definition_and_holds():
    for size in range(1, LARGEST + 1):
        assert prove_consistency(0, size, NODES.lookup) == ()
        for old in range(1, size + 1):
            proof = prove_consistency(old, size, NODES.lookup)
            assert list(proof) == subproof(old, 0, size, known=True)
            verify_consistency(old, size, mth(0, old), mth(0, size), proof)


@settings(max_examples=30)
@given(st.data())
def test_inclusion_with_any_bit_changed_does_not_hold(data):
    size = data.draw(st.integers(2, LARGEST))
    index = data.draw(st.integers(0, size - 1))
    proof = prove_inclusion(index, size, NODES.lookup)
    values = [LEAVES[index], mth(0, size), *proof]
    for bit in range(256):
        for at in range(len(values)):
            leaf, root, *changed = with_flipped(values, at, bit)
            with pytest.raises(AuditError):
                verify_inclusion(leaf, index, size, changed, root)


@settings(max_examples=30)
@given(st.data())
def test_consistency_with_any_bit_changed_does_not_hold(data):
    size = data.draw(st.integers(2, LARGEST))
    old = data.draw(st.integers(1, size - 1))
    proof = prove_consistency(old, size, NODES.lookup)
    values = [mth(0, old), mth(0, size), *proof]
    for bit in range(256):
        for at in range(len(values)):
            first, root, *changed = with_flipped(values, at, bit)
            with pytest.raises(AuditError):
                verify_consistency(old, size, first, root, changed)


@given(st.data())
def test_proof_with_a_hash_more_or_less_or_two_swapped_does_not_hold(data):
    size = data.draw(st.integers(2, LARGEST))
    index = data.draw(st.integers(0, size - 1))
    old = data.draw(st.integers(1, size - 1))

    def others(proof: tuple[bytes, ...]) -> list[tuple[bytes, ...]]:
        at = data.draw(st.integers(0, len(proof) - 1))
        swapped = [*proof[:at], *proof[at : at + 2][::-1], *proof[at + 2 :]]
        more = data.draw(st.binary(min_size=32, max_size=32))
        found = [proof[:at] + proof[at + 1 :], (*proof[:at], more, *proof[at:]), (*proof, proof[at])]
        return [*found, tuple(swapped)] if at + 1 < len(proof) else found

    for each in others(prove_inclusion(index, size, NODES.lookup)):
        with pytest.raises(AuditError):
            verify_inclusion(LEAVES[index], index, size, each, mth(0, size))
    for each in others(prove_consistency(old, size, NODES.lookup)):
        with pytest.raises(AuditError):
            verify_consistency(old, size, mth(0, old), mth(0, size), each)


@given(st.integers(1, LARGEST), st.data())
def test_inclusion_at_another_place_or_size_does_not_hold(size, data):
    index = data.draw(st.integers(0, size - 1))
    other = data.draw(st.integers(0, LARGEST - 1).filter(lambda each: each != index))
    proof = prove_inclusion(index, size, NODES.lookup)
    with pytest.raises(AuditError):
        verify_inclusion(LEAVES[index], other, size, proof, mth(0, size))
    with pytest.raises(AuditError):
        verify_inclusion(LEAVES[other], index, size, proof, mth(0, size))


@given(st.lists(st.integers(0, 70), max_size=6))
def test_frontier_extended_in_any_batches_is_that_of_one(batches):
    frontier, found, at = Frontier(), {}, 0
    for count in batches:
        frontier, nodes = Frontier.from_bytes(frontier.to_bytes()).extend(LEAVES[at : at + count])
        found.update({(node.level, node.position): node.hash for node in nodes})
        at = min(at + count, LARGEST)
    assert frontier.root() == mth(0, at)
    assert found == {
        key: each for key, each in NODES.hashes.items() if key[0] and (key[1] + 1) << key[0] <= at
    }


@given(st.integers(0, MAX_SIZE), st.randoms())
def test_frontier_of_any_size_is_read_again(size, random):
    frontier = Frontier(size, tuple(random.randbytes(32) for _ in range(size.bit_count())))
    assert Frontier.from_bytes(frontier.to_bytes()) == frontier


def covered(keys: tuple[NodeKey, ...]) -> list[tuple[int, int]]:
    return sorted((position << level, (position + 1) << level) for level, position in keys)


def assert_partition(spans: list[tuple[int, int]], size: int) -> None:
    assert spans[0][0] == 0
    assert spans[-1][1] == size
    assert all(left[1] == right[0] for left, right in pairwise(spans))


@given(st.integers(1, MAX_SIZE), st.data())
def test_nodes_of_any_size_cover_each_leaf_once(size, data):
    index = data.draw(st.integers(0, size - 1))
    assert_partition(covered(root_nodes(size)), size)
    assert_partition(covered((*inclusion_nodes(index, size), (0, index))), size)
    if index:
        # Where the old tree is a sub-tree of the new one, the verifier has its root already.
        keys = consistency_nodes(index, size)
        whole = not index & (index - 1)
        assert_partition(covered((*keys, (index.bit_length() - 1, 0)) if whole else keys), size)


def root_over(hashes: dict[NodeKey, bytes], start: int, end: int) -> bytes:
    """MTH(D[start:end]) of a tree of which these sub-trees are known."""
    level = (end - start).bit_length() - 1
    if end - start == 1 << level and (level, start >> level) in hashes:
        return hashes[level, start >> level]
    middle = start + divided(end - start)
    return hashlib.sha256(
        b"\x01" + root_over(hashes, start, middle) + root_over(hashes, middle, end)
    ).digest()


@given(st.integers(2, MAX_SIZE), st.data())
def test_proof_at_any_size_holds_for_the_tree_that_its_nodes_make(size, data):
    """No tree of that size can be built, but any hashes of sub-trees that cover the leaves make one."""
    index = data.draw(st.integers(0, size - 1))
    old = data.draw(st.integers(1, size - 1))

    def known(*keys: NodeKey) -> MemoryNodes:
        nodes = MemoryNodes([])
        nodes.hashes = {key: hashlib.sha256(repr(key).encode()).digest() for key in keys}
        return nodes

    nodes = known(*inclusion_nodes(index, size), (0, index))
    proof = prove_inclusion(index, size, nodes.lookup)
    root = root_over(nodes.hashes, 0, size)
    verify_inclusion(nodes.hashes[0, index], index, size, proof, root)
    with pytest.raises(AuditError):
        verify_inclusion(nodes.hashes[0, index], index, size, proof[:-1], root)

    whole = [] if old & (old - 1) else [(old.bit_length() - 1, 0)]
    nodes = known(*consistency_nodes(old, size), *whole)
    proof = prove_consistency(old, size, nodes.lookup)
    roots = root_over(nodes.hashes, 0, old), root_over(nodes.hashes, 0, size)
    verify_consistency(old, size, *roots, proof)
    with pytest.raises(AuditError):
        verify_consistency(old, size, *roots, proof[:-1])
