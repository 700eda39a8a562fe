"""The Merkle tree of a log: its hashes, what an append stores, and proofs.

Handles: leaf and node hashes; the frontier, which is all that an append needs; which perfect sub-trees a
proof or a root is made of, so that a store reads them in one query; proofs of inclusion and of consistency,
made and verified. Refuses: a size above `MAX_SIZE`, a hash that has not 32 bytes, a proof with a hash more or
less than the sizes ask for, and any consistency proof from the empty tree, since every tree extends that one.

A node is named by its level, 0 for leaves, and its position within the level: it is the root of the leaves
from position · 2^level up to (position + 1) · 2^level. Only these perfect sub-trees are stored; they never
change. Specification: RFC 6962 section 2; the verification is that of RFC 9162, sections 2.1.3.2 and 2.1.4.2.
"""

import hashlib
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Final, NamedTuple

from symbolon.errors import AuditError

HASH_BYTES: Final = 32

MAX_SIZE: Final = 2**63 - 1
"""Leaves of one log: the largest number that every database and every C2SP reader holds exactly."""

EMPTY_ROOT: Final = hashlib.sha256(b"").digest()
"""Root of the tree without leaves."""

_SIZE_BYTES: Final = 8

NodeKey = tuple[int, int]
"""Level and position of a perfect sub-tree."""

Lookup = Callable[[Collection[NodeKey]], Mapping[NodeKey, bytes]]
"""Reads the hashes of perfect sub-trees, all that one proof needs at once; level 0 are the leaf hashes."""


class Node(NamedTuple):
    """A perfect sub-tree of two leaves or more, completed by an append.

    Attributes:
        level: at least 1; it has 2^level leaves.
        position: among those of its level, from 0.
        hash: 32 bytes.
    """

    level: int
    position: int
    hash: bytes


def leaf_hash(data: bytes) -> bytes:
    """Returns the hash of a leaf, 32 bytes."""
    return hashlib.sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Returns the hash of a node over its two sub-trees.

    Args:
        left: 32 bytes.
        right: 32 bytes.

    Returns:
        32 bytes.
    """
    return hashlib.sha256(b"\x01" + left + right).digest()


@dataclass(frozen=True, slots=True)
class Frontier:
    """What of a tree an append needs: the perfect sub-trees that are its leaves from left to right.

    Attributes:
        size: leaves of the tree.
        hashes: their hashes, 32 bytes each, the largest sub-tree first: one for each bit set in the size.

    Raises:
        AuditError: `audit.frontier`, at construction.
    """

    size: int = 0
    hashes: tuple[bytes, ...] = ()

    def __post_init__(self) -> None:
        if not 0 <= self.size <= MAX_SIZE or len(self.hashes) != self.size.bit_count():
            raise AuditError("a frontier does not have the sub-trees of its size", code="audit.frontier")
        if any(len(each) != HASH_BYTES for each in self.hashes):
            raise AuditError("a frontier holds a hash that has not 32 bytes", code="audit.frontier")

    @classmethod
    def from_bytes(cls, data: bytes) -> "Frontier":
        """Decodes what `to_bytes` gave.

        Raises:
            AuditError: `audit.frontier`.
        """
        size, hashes = int.from_bytes(data[:_SIZE_BYTES], "big"), data[_SIZE_BYTES:]
        if len(data) != _SIZE_BYTES + HASH_BYTES * size.bit_count():
            raise AuditError(f"a frontier of {size} leaves has not {len(data)} bytes", code="audit.frontier")
        return cls(size, tuple(hashes[at : at + HASH_BYTES] for at in range(0, len(hashes), HASH_BYTES)))

    def to_bytes(self) -> bytes:
        """Returns the size, 8 bytes big-endian, and the hashes in order."""
        return self.size.to_bytes(_SIZE_BYTES, "big") + b"".join(self.hashes)

    def root(self) -> bytes:
        """Returns the root of the tree, 32 bytes."""
        return _joined(self.hashes)

    def append(self, leaf: bytes) -> tuple["Frontier", list[Node]]:
        """Appends one leaf, see `extend`."""
        return self.extend((leaf,))

    def extend(self, leaves: Iterable[bytes]) -> tuple["Frontier", list[Node]]:
        """Appends leaves.

        Args:
            leaves: their leaf hashes, 32 bytes each.

        Returns:
            The frontier afterwards, and every node that they completed, in the order of completion. The leaf
            hashes are not among them.

        Raises:
            AuditError: `audit.range` when the tree would grow beyond `MAX_SIZE`, `audit.hash` for a leaf hash
                that has not 32 bytes. Nothing was appended.
        """
        sha256, stack, size, nodes = hashlib.sha256, list(self.hashes), self.size, []
        for leaf in leaves:
            if len(leaf) != HASH_BYTES:
                raise AuditError(f"a leaf hash has {len(leaf)} bytes instead of 32", code="audit.hash")
            completed, level, position = leaf, 0, size
            while position & 1:
                completed = sha256(b"\x01" + stack.pop() + completed).digest()
                level += 1
                position >>= 1
                nodes.append(Node(level, position, completed))
            stack.append(completed)
            size += 1
        if size > MAX_SIZE:
            raise _out_of_range(f"a log has at most {MAX_SIZE} entries")
        return Frontier(size, tuple(stack)), nodes


def root_nodes(size: int) -> tuple[NodeKey, ...]:
    """Returns the sub-trees that the root of a tree of this size is made of, left to right.

    Raises:
        AuditError: `audit.range`.
    """
    _require_size(size)
    return _perfect(0, size)


def inclusion_nodes(index: int, size: int) -> tuple[NodeKey, ...]:
    """Returns the sub-trees that the proof of inclusion of a leaf is made of.

    Args:
        index: of the leaf, from 0.
        size: of the tree, an earlier size of the log included.

    Raises:
        AuditError: `audit.range`.
    """
    return tuple(chain.from_iterable(_inclusion_parts(index, size)))


def consistency_nodes(old: int, size: int) -> tuple[NodeKey, ...]:
    """Returns the sub-trees that the proof of consistency of two sizes is made of; none where old is 0.

    Args:
        old: at most `size`.
        size: an earlier size of the log or the present one.

    Raises:
        AuditError: `audit.range`.
    """
    return tuple(chain.from_iterable(_consistency_parts(old, size)))


def root_at(size: int, lookup: Lookup) -> bytes:
    """Returns the root that the log had at a size, 32 bytes.

    Args:
        size: at most that of the log.
        lookup: asked once.

    Raises:
        AuditError: `audit.range`, or `audit.nodes` when the lookup does not know a node.
    """
    return _made([root_nodes(size)], lookup)[0]


def prove_inclusion(index: int, size: int, lookup: Lookup) -> tuple[bytes, ...]:
    """Makes the proof that a leaf is in the tree.

    Args:
        index: of the leaf, from 0.
        size: of the tree, at most that of the log.
        lookup: asked once.

    Returns:
        Hashes of 32 bytes, from the leaf upwards.

    Raises:
        AuditError: `audit.range`, or `audit.nodes` when the lookup does not know a node.
    """
    return _made(_inclusion_parts(index, size), lookup)


def prove_consistency(old: int, size: int, lookup: Lookup) -> tuple[bytes, ...]:
    """Makes the proof that the tree of one size begins with that of another.

    Args:
        old: at most `size`.
        size: at most that of the log.
        lookup: asked once.

    Returns:
        Hashes of 32 bytes; none where the sizes are equal or the old one is 0.

    Raises:
        AuditError: `audit.range`, or `audit.nodes` when the lookup does not know a node.
    """
    return _made(_consistency_parts(old, size), lookup)


def verify_inclusion(leaf: bytes, index: int, size: int, proof: Collection[bytes], root: bytes) -> None:
    """Verifies that a leaf is in a tree at a place.

    Args:
        leaf: its leaf hash, 32 bytes.
        index: from 0.
        size: leaves of the tree.
        proof: from anywhere.
        root: of the tree, from a checkpoint that was verified.

    Raises:
        AuditError: `audit.proof`.
    """
    if not 0 <= index < size <= MAX_SIZE:
        raise _unproven(f"there is no entry {index} among {size}")
    _require_hash(leaf)
    at, last, computed = index, size - 1, leaf
    for sibling in proof:
        _require_hash(sibling)
        if last == 0:
            raise _unproven("the proof of inclusion is too long")
        if at & 1 or at == last:
            computed = node_hash(sibling, computed)
            at, last = _without_zeroes(at, last)
        else:
            computed = node_hash(computed, sibling)
        at, last = at >> 1, last >> 1
    if last != 0:
        raise _unproven("the proof of inclusion is too short")
    if computed != root:
        raise _unproven(f"entry {index} is not in the tree of {size}")


def verify_consistency(
    old_size: int, new_size: int, old_root: bytes, new_root: bytes, proof: Collection[bytes]
) -> None:
    """Verifies that a tree begins with an earlier one: nothing was changed, dropped or put in between.

    Args:
        old_size: at least 1. Of the empty tree there is nothing to prove, and whoever takes it for a witness
            is mistaken: it is refused.
        new_size: at least `old_size`.
        old_root: from a checkpoint that was verified.
        new_root: the same.
        proof: from anywhere; empty where the sizes are equal.

    Raises:
        AuditError: `audit.proof`.
    """
    if not 1 <= old_size <= new_size <= MAX_SIZE:
        raise _unproven(f"no tree of {new_size} is proven to begin with one of {old_size}")
    if old_size == new_size:
        if proof:
            raise _unproven("between equal sizes there is nothing to prove")
        if old_root != new_root:
            raise _unproven(f"two trees of {old_size} have different roots")
        return
    path = iter(proof if old_size & (old_size - 1) else (old_root, *proof))
    at, last = old_size - 1, new_size - 1
    while at & 1:
        at, last = at >> 1, last >> 1
    start = next(path, b"")
    _require_hash(start)
    old_computed = new_computed = start
    for sibling in path:
        _require_hash(sibling)
        if last == 0:
            raise _unproven("the proof of consistency is too long")
        if at & 1 or at == last:
            old_computed = node_hash(sibling, old_computed)
            new_computed = node_hash(sibling, new_computed)
            at, last = _without_zeroes(at, last)
        else:
            new_computed = node_hash(new_computed, sibling)
        at, last = at >> 1, last >> 1
    if last != 0:
        raise _unproven("the proof of consistency is too short")
    if old_computed != old_root or new_computed != new_root:
        raise _unproven(f"the tree of {new_size} does not begin with that of {old_size}")


def _perfect(start: int, end: int) -> tuple[NodeKey, ...]:
    """The perfect sub-trees that make up the leaves from start to end, left to right.

    The start is a multiple of the largest power of two that is not above their number.
    """
    keys = []
    while start < end:
        level = (end - start).bit_length() - 1
        keys.append((level, start >> level))
        start += 1 << level
    return tuple(keys)


def _inclusion_parts(index: int, size: int) -> list[tuple[NodeKey, ...]]:
    """The hashes of a proof from the leaf upwards, each as the sub-trees that it is made of."""
    _require_size(size)
    if not 0 <= index < size:
        raise _out_of_range(f"there is no entry {index} among {size}")
    parts, start, end = [], 0, size
    while end - start > 1:
        middle = _middle(start, end)
        if index < middle:
            parts.append(_perfect(middle, end))
            end = middle
        else:
            parts.append(_perfect(start, middle))
            start = middle
    return parts[::-1]


def _consistency_parts(old: int, size: int) -> list[tuple[NodeKey, ...]]:
    """The same of a proof of consistency."""
    _require_size(size)
    if not 0 <= old <= size:
        raise _out_of_range(f"a log of {size} entries never had {old}")
    if old in (0, size):
        return []
    parts, start, end = [], 0, size
    while end != old:
        middle = _middle(start, end)
        if old <= middle:
            parts.append(_perfect(middle, end))
            end = middle
        else:
            parts.append(_perfect(start, middle))
            start = middle
    # Where the old tree is itself one sub-tree of the new one, the verifier has its hash: the old root.
    if start > 0:
        parts.append(_perfect(start, end))
    return parts[::-1]


def _middle(start: int, end: int) -> int:
    """Where a tree of two leaves or more is divided: the largest power of two below their number."""
    return start + (1 << (end - start - 1).bit_length() - 1)


def _made(parts: list[tuple[NodeKey, ...]], lookup: Lookup) -> tuple[bytes, ...]:
    keys = tuple(chain.from_iterable(parts))
    found = lookup(keys) if keys else {}
    missing = [key for key in keys if key not in found]
    if missing:
        raise AuditError(
            f"the log lacks {len(missing)} of its nodes, the first at level {missing[0][0]}, "
            f"position {missing[0][1]}",
            hint="The database was altered, or is not whole; put back a backup.",
            code="audit.nodes",
        )
    return tuple(_joined([found[key] for key in part]) for part in parts)


def _joined(hashes: Collection[bytes]) -> bytes:
    """The root over perfect sub-trees, given left to right."""
    if not hashes:
        return EMPTY_ROOT
    *others, computed = hashes
    for left in reversed(others):
        computed = node_hash(left, computed)
    return computed


def _without_zeroes(at: int, last: int) -> tuple[int, int]:
    """Goes up to where the node is a right child, or the leftmost: between, its parents have no sibling."""
    while at and not at & 1:
        at, last = at >> 1, last >> 1
    return at, last


def _require_hash(value: bytes) -> None:
    if len(value) != HASH_BYTES:
        raise _unproven(f"a hash has {len(value)} bytes instead of 32, or is missing")


def _require_size(size: int) -> None:
    if not 0 <= size <= MAX_SIZE:
        raise _out_of_range(f"{size} is not the size of a log")


def _out_of_range(detail: str) -> AuditError:
    return AuditError(detail, code="audit.range")


def _unproven(detail: str) -> AuditError:
    return AuditError(detail, code="audit.proof")
