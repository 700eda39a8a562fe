import numpy as np
import pytest

from symbolon.exchange.receiver_set import NO_HITS, NO_OUTPUTS, Hits, OwnOutputs, find_tags, join
from symbolon.exchange.sender_set import tag_prefixes
from unit.exchange.harness import rng_of

WIDTH = 10


def rows(*tags: bytes) -> "np.ndarray[tuple[int, int], np.dtype[np.uint8]]":
    return np.frombuffer(b"".join(tags), np.uint8).reshape(-1, WIDTH)


def found(tags: list[bytes], among: list[bytes]) -> list[tuple[int, int]]:
    ordered = rows(*sorted(among, key=lambda tag: tag[:8]))
    hits, at = find_tags(rows(*tags), ordered, tag_prefixes(ordered))
    return list(zip(hits.tolist(), at.tolist(), strict=True))


def test_find_tags_tells_where_each_stands() -> None:
    tags = [bytes([at]) * WIDTH for at in (9, 3, 250)]
    assert found(tags, [bytes([at]) * WIDTH for at in range(0, 251, 3)]) == [(0, 3), (1, 1)]


@pytest.mark.parametrize(("tags", "among"), [([], []), ([b"x" * 10], []), ([], [b"x" * 10])])
def test_find_tags_of_or_among_nothing_is_nothing(tags: list[bytes], among: list[bytes]) -> None:
    assert found(tags, among) == []


def test_find_tags_with_one_prefix_compares_the_rest() -> None:
    among = [b"12345678" + tail for tail in (b"aa", b"ab", b"ba")]
    assert found([among[2], b"12345678zz", among[0]], among) == [(0, 2), (2, 0)]


def test_find_tags_among_a_set_that_repeats_one_prefix_gives_up_early() -> None:
    """The search costs what the lookup costs, not what a lying sender's set costs."""
    among = [b"12345678" + at.to_bytes(2) for at in range(5000)]
    assert found([among[0]], among) == [(0, 0)]
    assert found([among[4999]], among) == []


def test_join_of_nothing_with_nothing_is_nothing() -> None:
    old, new, hits = join(NO_OUTPUTS, NO_OUTPUTS, {}, {}, tag_bytes=WIDTH)
    assert (len(old.key_ids), len(new.key_ids), len(hits)) == (0, 0, 0)


def test_join_of_random_entries_finds_nothing() -> None:
    rng = rng_of("join")
    own = OwnOutputs.of(np.arange(50, dtype=np.uint64), rng(50 * 64), WIDTH)
    _, moved, hits = join(NO_OUTPUTS, own, {}, {1: rng(64 * 16), 2: rng(64 * 16)}, tag_bytes=WIDTH)
    assert len(hits) == 0
    assert moved.probes == own.probes
    assert moved.slots.tolist() == [0] * 50


def test_hits_standing_leaves_out_withdrawn_tags_and_keys_that_left() -> None:
    tags = [bytes([at]) * WIDTH for at in range(4)]
    hits = Hits(np.array([10, 10, 20, 30], np.uint64), np.arange(4, dtype=np.uint64), b"".join(tags))
    standing = hits.standing(np.array([10, 20], np.uint64), tags[2] + b"\xff" * WIDTH + tags[0], WIDTH)
    assert standing.key_ids.tolist() == [10]
    assert standing.labels.tolist() == [1]
    assert standing.tags == tags[1]


def test_hits_standing_of_nothing_is_nothing() -> None:
    assert len(NO_HITS.standing(np.array([1], np.uint64), b"x" * WIDTH, WIDTH)) == 0
