"""The tree of a log, against the published vectors and known roots."""

import base64
import json
import os
import tomllib
from pathlib import Path
from typing import Any

import pytest

from memory_log import MemoryNodes, leaves
from symbolon.audit.merkle import (
    EMPTY_ROOT,
    MAX_SIZE,
    Frontier,
    Node,
    consistency_nodes,
    inclusion_nodes,
    leaf_hash,
    node_hash,
    prove_consistency,
    prove_inclusion,
    root_at,
    root_nodes,
    verify_consistency,
    verify_inclusion,
)
from symbolon.errors import AuditError

FOLDER = Path(__file__).parents[2] / "vectors"
SHARED = (
    Path(os.environ.get("SYMBOLON_SHARED", Path(__file__).parents[4] / "shared"))
    / "vectors"
    / "rfc6962_merkle"
)


def vectors(kind: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = tomllib.loads(
        (FOLDER / f"rfc6962_merkle_{kind}.toml").read_text(encoding="utf-8")
    )["vector"]
    return found


INCLUSION, CONSISTENCY = vectors("inclusion"), vectors("consistency")


def hashes(vector: dict[str, Any], *names: str) -> list[bytes]:
    return [base64.b64decode(vector[name], validate=True) for name in names]


def proof_of(vector: dict[str, Any]) -> list[bytes]:
    return [base64.b64decode(each, validate=True) for each in vector["proof"]]


def verify_inclusion_vector(vector: dict[str, Any]) -> None:
    leaf, root = hashes(vector, "leaf", "root")
    verify_inclusion(leaf, int(vector["index"]), int(vector["size"]), proof_of(vector), root)


def verify_consistency_vector(vector: dict[str, Any]) -> None:
    old_root, new_root = hashes(vector, "old_root", "new_root")
    verify_consistency(int(vector["old_size"]), int(vector["new_size"]), old_root, new_root, proof_of(vector))


@pytest.mark.parametrize("found", [INCLUSION, CONSISTENCY], ids=["inclusion", "consistency"])
def test_vectors_are_98_each_of_its_own_name_and_6_hold(found):
    assert len({vector["name"] for vector in found}) == len(found) == 98
    assert sum(vector["holds"] for vector in found) == 6


@pytest.mark.parametrize("vector", INCLUSION, ids=lambda vector: vector["name"])
def test_verify_inclusion_of_a_published_vector_decides_as_published(vector):
    if vector["holds"]:
        verify_inclusion_vector(vector)
        return
    with pytest.raises(AuditError) as caught:
        verify_inclusion_vector(vector)
    assert caught.value.full_code == "audit.proof"


@pytest.mark.parametrize("vector", CONSISTENCY, ids=lambda vector: vector["name"])
def test_verify_consistency_of_a_published_vector_decides_as_published(vector):
    if vector["holds"]:
        verify_consistency_vector(vector)
        return
    with pytest.raises(AuditError) as caught:
        verify_consistency_vector(vector)
    assert caught.value.full_code == "audit.proof"


@pytest.mark.skipif(not SHARED.is_dir(), reason="needs the published vectors in ../shared/vectors")
@pytest.mark.parametrize(
    ("kind", "found", "names"),
    [
        (
            "inclusion",
            INCLUSION,
            {"index": "leafIdx", "size": "treeSize", "leaf": "leafHash", "root": "root"},
        ),
        (
            "consistency",
            CONSISTENCY,
            {"old_size": "size1", "new_size": "size2", "old_root": "root1", "new_root": "root2"},
        ),
    ],
    ids=["inclusion", "consistency"],
)
def test_vectors_say_what_the_published_files_say_and_none_is_missing(kind, found, names):
    published = {}
    for path in (SHARED / kind).rglob("*.json"):
        content = json.loads(path.read_text(encoding="utf-8"))
        name = path.relative_to(SHARED / kind).with_suffix("").as_posix()
        published[name] = {
            "name": name,
            "desc": content["desc"],
            **{ours: str(content[theirs]) for ours, theirs in names.items()},
            "proof": content["proof"] or [],
            "holds": not content["wantErr"],
        }
    assert {vector["name"]: vector for vector in found} == published


def test_hashes_of_the_empty_tree_and_of_an_empty_leaf_are_those_of_rfc6962():
    # RFC 6962 section 2.1: SHA-256 of nothing, and of a zero byte.
    assert EMPTY_ROOT.hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert leaf_hash(b"").hex() == "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
    assert Frontier().root() == EMPTY_ROOT
    assert Frontier().append(leaf_hash(b""))[0].root() == leaf_hash(b"")


def test_root_of_the_eight_leaves_of_the_published_vectors_is_theirs():
    entries = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", bytes(range(96, 112)).hex()]
    frontier, _ = Frontier().extend(leaf_hash(bytes.fromhex(each)) for each in entries)
    happy = next(vector for vector in INCLUSION if vector["name"] == "1/happy-path")
    assert frontier.root() == base64.b64decode(happy["root"])


def test_append_completes_the_nodes_above_it():
    a, b, c, d = leaves(4)
    frontier, nodes = Frontier().extend([a, b, c])
    assert nodes == [Node(1, 0, node_hash(a, b))]
    assert frontier == Frontier(3, (node_hash(a, b), c))
    frontier, nodes = frontier.append(d)
    whole = node_hash(node_hash(a, b), node_hash(c, d))
    assert nodes == [Node(1, 1, node_hash(c, d)), Node(2, 0, whole)]
    assert frontier == Frontier(4, (whole,))


def test_append_of_what_is_no_hash_is_refused():
    with pytest.raises(AuditError) as caught:
        Frontier().extend([*leaves(2), b"short"])
    assert caught.value.full_code == "audit.hash"


def test_append_to_the_largest_log_is_refused():
    largest = Frontier(MAX_SIZE, tuple(leaves(63)))
    assert Frontier(MAX_SIZE - 1, tuple(leaves(62))).append(leaf_hash(b""))[0].size == MAX_SIZE
    with pytest.raises(AuditError) as caught:
        largest.append(leaf_hash(b""))
    assert caught.value.full_code == "audit.range"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        bytes(7),
        bytes(9),
        bytes(7) + b"\x03" + bytes(32),
        bytes(7) + b"\x03" + bytes(65),
        b"\x80" + bytes(7) + bytes(32),
    ],
    ids=["empty", "short", "long", "hash missing", "byte more", "above the largest size"],
)
def test_frontier_from_other_bytes_is_refused(data):
    with pytest.raises(AuditError) as caught:
        Frontier.from_bytes(data)
    assert caught.value.full_code == "audit.frontier"


def test_nodes_of_a_proof_are_perfect_sub_trees():
    # The tree of seven in RFC 6962 section 2.1.3: a to g are nodes of level 0, h to k of level 1 and 2.
    assert root_nodes(7) == ((2, 0), (1, 2), (0, 6))
    assert inclusion_nodes(0, 7) == ((0, 1), (1, 1), (1, 2), (0, 6))
    assert inclusion_nodes(3, 7) == ((0, 2), (1, 0), (1, 2), (0, 6))
    assert inclusion_nodes(4, 7) == ((0, 5), (0, 6), (2, 0))
    assert inclusion_nodes(6, 7) == ((1, 2), (2, 0))
    assert consistency_nodes(3, 7) == ((0, 2), (0, 3), (1, 0), (1, 2), (0, 6))
    assert consistency_nodes(4, 7) == ((1, 2), (0, 6))
    assert consistency_nodes(6, 7) == ((1, 2), (0, 6), (2, 0))
    assert consistency_nodes(0, 7) == consistency_nodes(7, 7) == root_nodes(0) == ()


@pytest.mark.parametrize("size", [2**20 + 12345, 2**32 - 1, MAX_SIZE])
def test_nodes_of_a_large_log_are_few_and_asked_for_at_once(size):
    bound = 2 * size.bit_length()
    for at in (0, 1, size // 3, size // 2, size - 1):
        assert len(inclusion_nodes(at, size)) <= bound
        assert len(consistency_nodes(at + 1, size)) <= bound


def test_proof_is_made_with_one_query():
    nodes = MemoryNodes(leaves(100))
    prove_inclusion(17, 99, nodes.lookup)
    prove_consistency(17, 99, nodes.lookup)
    root_at(99, nodes.lookup)
    assert nodes.queries == [inclusion_nodes(17, 99), consistency_nodes(17, 99), root_nodes(99)]


def test_proof_where_a_node_is_missing_is_refused():
    nodes = MemoryNodes(leaves(8))
    del nodes.hashes[1, 1]
    with pytest.raises(AuditError) as caught:
        prove_inclusion(0, 8, nodes.lookup)
    assert caught.value.full_code == "audit.nodes"
    assert "level 1, position 1" in caught.value.detail


@pytest.mark.parametrize(
    "ask",
    [
        lambda: root_nodes(-1),
        lambda: root_nodes(MAX_SIZE + 1),
        lambda: inclusion_nodes(7, 7),
        lambda: inclusion_nodes(-1, 7),
        lambda: inclusion_nodes(0, 0),
        lambda: consistency_nodes(8, 7),
        lambda: consistency_nodes(-1, 7),
    ],
)
def test_nodes_of_what_no_log_can_have_are_refused(ask):
    with pytest.raises(AuditError) as caught:
        ask()
    assert caught.value.full_code == "audit.range"


def test_verify_consistency_from_the_empty_tree_is_refused():
    with pytest.raises(AuditError):
        verify_consistency(0, 0, EMPTY_ROOT, EMPTY_ROOT, ())


def test_verify_inclusion_where_leaf_and_sibling_are_divided_elsewhere_is_refused():
    a, b = leaves(2)
    root = node_hash(a, b)
    verify_inclusion(a, 0, 2, [b], root)
    with pytest.raises(AuditError):
        verify_inclusion(a + b[:1], 0, 2, [b[1:]], root)


def test_verify_consistency_where_root_and_hash_are_divided_elsewhere_is_refused():
    a, b = leaves(2)
    root = node_hash(a, b)
    verify_consistency(1, 2, a, root, [b])
    with pytest.raises(AuditError):
        verify_consistency(1, 2, a + b[:1], root, [b[1:]])


def test_verify_consistency_from_a_root_that_is_no_hash_is_refused():
    a, b = leaves(2)
    with pytest.raises(AuditError):
        verify_consistency(1, 2, a[:31], node_hash(a[:31], b), [b])


def test_verify_of_a_proof_that_goes_on_above_the_root_is_refused():
    nodes = MemoryNodes(leaves(4))
    above = leaf_hash(b"above")
    old_root, root = (node_hash(above, root_at(size, nodes.lookup)) for size in (3, 4))
    with pytest.raises(AuditError):
        verify_inclusion(leaves(1)[0], 0, 4, [*prove_inclusion(0, 4, nodes.lookup), above], root)
    with pytest.raises(AuditError):
        verify_consistency(3, 4, old_root, root, [*prove_consistency(3, 4, nodes.lookup), above])


def test_verify_at_a_size_above_the_largest_is_refused():
    computed, proof = leaf_hash(b""), leaves(63)
    old_root = computed
    for sibling in proof:
        computed = node_hash(computed, sibling)
    with pytest.raises(AuditError):
        verify_inclusion(leaf_hash(b""), 0, MAX_SIZE + 1, proof, computed)
    with pytest.raises(AuditError):
        verify_consistency(1, MAX_SIZE + 1, old_root, computed, proof)


def test_error_of_a_proof_says_its_code_and_no_more_to_a_peer():
    with pytest.raises(AuditError) as caught:
        verify_inclusion(leaf_hash(b""), 0, 1, (), EMPTY_ROOT)
    assert (caught.value.public, caught.value.exit_code) == ("audit evidence does not hold", 65)
