import numpy as np

from symbolon.exchange.key_table import KeyTable
from symbolon.exchange.receiver_set import NO_HITS, Hits
from symbolon.matching.evidence import Evidence, Match, count_by_band, evidence, matches
from symbolon.suppliers.tier import Tier
from unit.exchange.harness import packed_inputs


def table() -> KeyTable:
    """Two schemes; the second key belongs to two suppliers."""
    return KeyTable(
        Tier.A,
        packed_inputs([b"lei.1\x1fL1", b"gln.1\x1fG1", b"lei.1\x1fL2"]),
        np.zeros((3, 32), np.uint8),
        np.arange(3),
        np.array([10, 20, 30], np.uint64),
        np.array([0, 1, 1, 2], np.int64),
        np.array([1, 1, 2, 3], np.uint64),
    )


def hits(*pairs: tuple[int, int]) -> Hits:
    keys, handles = ([pair[at] for pair in pairs] for at in (0, 1))
    return Hits(np.array(keys, np.uint64), np.array(handles, np.uint64), bytes(10 * len(pairs)))


def test_evidence_of_no_hits_is_empty() -> None:
    found = evidence(NO_HITS, table())
    assert (len(found), found.scheme_names) == (0, ())


def test_evidence_names_the_scheme_of_every_key() -> None:
    found = evidence(hits((30, 7), (20, 8)), table())
    rows = zip(found.suppliers.tolist(), found.handles.tolist(), found.schemes.tolist(), strict=True)
    assert {(own, handle, found.scheme_names[scheme]) for own, handle, scheme in rows} == {
        (3, 7, "lei.1"),
        (1, 8, "gln.1"),
        (2, 8, "gln.1"),
    }


def test_matches_join_the_keys_of_one_pair_into_one() -> None:
    found = evidence(hits((10, 7), (20, 7)), table())
    assert matches([found]) == [
        Match(1, 7, Tier.A, ("lei.1", "gln.1"), (10, 20)),
        Match(2, 7, Tier.A, ("gln.1",), (20,)),
    ]


def test_matches_of_nothing_are_none() -> None:
    assert matches([]) == []
    assert count_by_band([]) == {}


def test_matches_keep_two_records_of_the_peer_behind_one_key_apart() -> None:
    """Two plots at one address are two suppliers."""
    found = evidence(hits((10, 7), (10, 8)), table())
    assert [(match.supplier_no, match.handle) for match in matches([found])] == [(1, 7), (1, 8)]


def test_count_by_band_counts_suppliers_and_not_records_of_the_peer() -> None:
    found = evidence(hits((10, 7), (10, 8), (20, 8)), table())
    assert count_by_band([found]) == {"certain": 2}


def test_count_by_band_names_a_band_that_found_nothing() -> None:
    none = np.empty(0, np.uint64)
    empty = Evidence(Tier.C, none, none, none, np.empty(0, np.uint8), ())
    assert count_by_band([empty, evidence(hits((10, 7)), table())]) == {"certain": 1, "candidate": 0}
