from dataclasses import replace

import numpy as np

from symbolon.matching.evidence import Evidence, Match, matches
from symbolon.suppliers.tier import Tier


def found(tier: Tier = Tier.B, handle: int = 77) -> Evidence:
    return Evidence(
        tier,
        np.array([1, 1], np.uint64),
        np.array([handle, handle], np.uint64),
        np.array([500, 400], np.uint64),
        np.array([0, 1], np.uint8),
        ("name-locality.1", "name-postal.1"),
    )


def save(stores, peer: str, purpose: str, *evidence: Evidence) -> None:  # type: ignore[no-untyped-def]
    with stores.database.transaction("save") as connection:
        stores.matches.save(connection, peer, purpose, list(evidence))


def match_of(evidence: Evidence) -> Match:
    (match,) = matches([evidence])
    return match


def test_results_read_back_as_they_were(stores) -> None:
    save(stores, "farm", "p", found(), found(Tier.A))
    loaded = stores.matches.load("farm")
    assert [(purpose, each.tier) for purpose, each in loaded] == [("p", Tier.A), ("p", Tier.B)]
    for _, each in loaded:
        assert each.suppliers.tolist() == [1, 1]
        assert each.handles.tolist() == [77, 77]
        assert each.key_ids.tolist() == [500, 400]
        assert each.schemes.tolist() == [0, 1]
        assert each.scheme_names == ("name-locality.1", "name-postal.1")


def test_results_of_nothing_read_back_as_nothing(stores) -> None:
    none = np.empty(0, np.uint64)
    save(stores, "farm", "p", Evidence(Tier.C, none, none, none, np.empty(0, np.uint8), ()))
    ((_, each),) = stores.matches.load("farm")
    assert len(each) == 0
    assert each.scheme_names == ()


def test_results_are_replaced_tier_by_tier(stores) -> None:
    save(stores, "farm", "p", found(Tier.A, 1), found(Tier.B, 1))
    save(stores, "farm", "p", found(Tier.B, 2))
    assert [each.handles[0] for _, each in stores.matches.load("farm", "p")] == [1, 2]


def test_results_of_another_peer_or_purpose_stay(stores) -> None:
    save(stores, "farm", "p", found(handle=1))
    save(stores, "farm", "q", found(handle=2))
    save(stores, "mill", "p", found(handle=3))
    assert [each.handles[0] for _, each in stores.matches.load("farm", "p")] == [1]
    assert sorted(each.handles[0] for _, each in stores.matches.load("farm")) == [1, 2]


def test_decision_survives_an_epoch_change(stores) -> None:
    """The peer's handle is another one, the keys that hit are the same."""
    stores.matches.decide("farm", match_of(found(handle=77)), "accepted")
    later = match_of(found(handle=4242))
    decisions = stores.matches.decisions("farm")
    assert decisions[later.supplier_no, stores.matches.evidence_digest(later)] == "accepted"


def test_decision_does_not_hold_for_other_evidence(stores) -> None:
    match = match_of(found())
    stores.matches.decide("farm", match, "rejected")
    decisions = stores.matches.decisions("farm")
    for other in (replace(match, key_ids=(400,)), replace(match, key_ids=(400, 500, 600))):
        assert (other.supplier_no, stores.matches.evidence_digest(other)) not in decisions
    assert (2, stores.matches.evidence_digest(match)) not in decisions
    assert stores.matches.decisions("mill") == {}


def test_decision_taken_again_replaces_the_first(stores) -> None:
    match = match_of(found())
    stores.matches.decide("farm", match, "rejected")
    stores.matches.decide("farm", match, "accepted")
    assert list(stores.matches.decisions("farm").values()) == ["accepted"]


def test_evidence_digest_shows_no_key(stores) -> None:
    match = match_of(found())
    digest = stores.matches.evidence_digest(match)
    assert len(digest) == 16
    assert np.array(match.key_ids, "<u8").tobytes()[:8] not in digest
