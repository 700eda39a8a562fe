"""Evidence and matches of any hits are what a plain loop over the lists makes of them."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from symbolon.exchange.receiver_set import Hits
from symbolon.matching.evidence import Evidence, count_by_band, evidence, matches
from symbolon.suppliers.tier import Tier
from unit.exchange.harness import key_id, table_of

KEYS = [f"k{number}" for number in range(8)]
TIERS = "ABC"

Plain = dict[int, frozenset[str]]
plain_lists = st.dictionaries(st.integers(1, 9), st.frozensets(st.sampled_from(KEYS), max_size=4), max_size=9)
tier_hits = st.frozensets(st.tuples(st.sampled_from(KEYS), st.integers(0, 6)), max_size=12)


def evidence_of(plain: Plain, hits: frozenset[tuple[str, int]], tier: str) -> Evidence:
    held = {key for keys in plain.values() for key in keys}
    pairs = sorted((key_id(key, tier), handle) for key, handle in hits if key in held)
    found = Hits(
        np.array([key for key, _ in pairs], np.uint64),
        np.array([handle for _, handle in pairs], np.uint64),
        b"",
    )
    return evidence(found, table_of(plain, tier))


def rows_in_the_clear(plain: Plain, hits: frozenset[tuple[str, int]]) -> set[tuple[int, int, str]]:
    return {(own, handle, key) for key, handle in hits for own, keys in plain.items() if key in keys}


@given(plain=plain_lists, hits=tier_hits)
def test_evidence_of_any_hits_is_one_row_for_every_supplier_behind_the_key(
    plain: Plain, hits: frozenset[tuple[str, int]]
) -> None:
    found = evidence_of(plain, hits, "A")
    key_of = {key_id(key, "A"): key for key in KEYS}
    rows = [
        (own, handle, key_of[key])
        for own, handle, key in zip(
            found.suppliers.tolist(), found.handles.tolist(), found.key_ids.tolist(), strict=True
        )
    ]
    assert len(set(rows)) == len(rows) == len(found)
    assert set(rows) == rows_in_the_clear(plain, hits)
    assert {found.scheme_names[at] for at in found.schemes.tolist()} <= {"scheme-a"}


@given(lists=st.tuples(*[plain_lists] * 3), hits=st.tuples(*[tier_hits] * 3), order=st.permutations(range(3)))
def test_matches_of_several_tiers_take_the_strongest_band_and_keep_every_reason(
    lists: tuple[Plain, ...], hits: tuple[frozenset[tuple[str, int]], ...], order: list[int]
) -> None:
    found = [evidence_of(plain, each, tier) for plain, each, tier in zip(lists, hits, TIERS, strict=True)]
    in_the_clear = [rows_in_the_clear(plain, each) for plain, each in zip(lists, hits, strict=True)]
    result = matches([found[at] for at in order])
    pairs = {(match.supplier_no, match.handle): match for match in result}
    assert len(pairs) == len(result)
    assert pairs.keys() == {(own, handle) for rows in in_the_clear for own, handle, _ in rows}
    for (own, handle), match in pairs.items():
        tiers = [
            tier
            for tier, rows in zip(TIERS, in_the_clear, strict=True)
            for o, h, _ in rows
            if (o, h) == (own, handle)
        ]
        assert match.tier == min(tiers)
        assert match.reasons == tuple(f"scheme-{tier.lower()}" for tier in sorted(set(tiers)))
        assert list(match.key_ids) == sorted(match.key_ids)
        assert len(match.key_ids) == len(tiers)
    assert result == sorted(result, key=lambda match: (match.tier, match.supplier_no, match.handle))


@given(lists=st.tuples(*[plain_lists] * 3), hits=st.tuples(*[tier_hits] * 3), order=st.permutations(range(3)))
def test_count_by_band_counts_every_own_supplier_once_in_its_strongest_band(
    lists: tuple[Plain, ...], hits: tuple[frozenset[tuple[str, int]], ...], order: list[int]
) -> None:
    found = [evidence_of(plain, each, tier) for plain, each, tier in zip(lists, hits, TIERS, strict=True)]
    strongest: dict[int, str] = {}
    for tier, plain, each in zip(TIERS, lists, hits, strict=True):
        for own, _, _ in rows_in_the_clear(plain, each):
            strongest.setdefault(own, tier)
    counts = count_by_band([found[at] for at in order])
    assert counts == {Tier(tier).band: sum(value == tier for value in strongest.values()) for tier in TIERS}
