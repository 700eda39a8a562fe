from dataclasses import replace

import numpy as np
from sqlalchemy import func, insert, select

from symbolon.matching.evidence import Evidence, Match, matches
from symbolon.storage.exchange_schema import received_part, received_set
from symbolon.storage.match_store import Decided
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


def save(  # type: ignore[no-untyped-def]
    stores, peer: str, purpose: str, *evidence: Evidence, retain_days: int | None = None
) -> None:
    with stores.database.transaction("save") as connection:
        stores.matches.save(connection, peer, purpose, list(evidence), retain_days=retain_days)


def receive(stores, peer: str, purpose: str, tier: str) -> None:  # type: ignore[no-untyped-def]
    """A set that results came from, with one part."""
    with stores.database.transaction("receive") as connection:
        row = {"peer": peer, "area": "match", "purpose": purpose, "tier": tier, "suite": "s"}
        row |= {"epoch": 1, "tag_bytes": 10, "last_delta": 1}
        number = connection.execute(insert(received_set).values(**row).returning(received_set.c.id))
        part = {"set_id": number.scalar_one(), "kind": "entries", "number": 1, "payload": b"sealed"}
        connection.execute(insert(received_part).values(**part))


def held(stores) -> list[tuple[str, str, str]]:  # type: ignore[no-untyped-def]
    """The received sets, each of which has its part."""
    joined = select(received_set.c.peer, received_set.c.purpose, received_set.c.tier).join(received_part)
    with stores.database.read("held") as connection:
        found = sorted(tuple(row) for row in connection.execute(joined))
        for table in (received_set, received_part):
            assert connection.execute(select(func.count()).select_from(table)).scalar_one() == len(found)
    return found


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


def test_results_are_shown_to_the_last_second_of_their_time_and_no_longer(stores) -> None:
    save(stores, "farm", "p", found(), retain_days=2)
    stores.now_s += 2 * 86400 - 1
    assert len(stores.matches.load("farm")) == 1
    assert stores.matches.expire() == 0
    stores.now_s += 1
    assert stores.matches.load("farm") == []
    assert stores.matches.expire() == 1
    assert stores.matches.expire() == 0


def test_results_without_a_term_are_kept(stores) -> None:
    save(stores, "farm", "p", found())
    stores.pass_days(10_000)
    assert stores.matches.expire() == 0
    assert len(stores.matches.load("farm")) == 1


def test_results_that_expire_take_the_sets_they_came_from_along_and_no_other(stores) -> None:
    for peer, purpose, tier in (
        ("farm", "p", "A"),
        ("farm", "p", "B"),
        ("farm", "q", "A"),
        ("mill", "p", "A"),
    ):
        receive(stores, peer, purpose, tier)
    save(stores, "farm", "p", found(Tier.A), retain_days=1)
    save(stores, "farm", "p", found(Tier.B), retain_days=3)
    save(stores, "farm", "q", found(Tier.A))
    stores.pass_days(1)
    assert stores.matches.expire() == 1
    assert held(stores) == [("farm", "p", "B"), ("farm", "q", "A"), ("mill", "p", "A")]
    stores.pass_days(2)
    assert stores.matches.expire() == 1
    assert held(stores) == [("farm", "q", "A"), ("mill", "p", "A")]


def test_results_of_a_later_session_are_kept_by_its_terms(stores) -> None:
    save(stores, "farm", "p", found(handle=1), retain_days=1)
    save(stores, "farm", "p", found(handle=2), retain_days=30)
    stores.pass_days(2)
    assert stores.matches.expire() == 0
    assert [each.handles[0] for _, each in stores.matches.load("farm")] == [2]
    save(stores, "farm", "p", found(handle=3))
    stores.pass_days(300)
    assert len(stores.matches.load("farm")) == 1


def test_results_that_found_nothing_expire_with_their_set_all_the_same(stores) -> None:
    none = np.empty(0, np.uint64)
    receive(stores, "farm", "p", "C")
    nothing = Evidence(Tier.C, none, none, none, np.empty(0, np.uint8), ())
    save(stores, "farm", "p", nothing, retain_days=1)
    stores.pass_days(1)
    assert stores.matches.expire() == 1
    assert held(stores) == []


def test_decided_lists_what_was_decided_about_one_supplier_the_oldest_first(stores) -> None:
    match, began_s = match_of(found()), int(stores.now_s)
    stores.matches.decide("mill", match, "rejected")
    stores.pass_days(1)
    stores.matches.decide("farm", match, "accepted")
    stores.matches.decide("farm", replace(match, supplier_no=2), "rejected")
    assert stores.matches.decided(match.supplier_no) == [
        Decided("mill", "rejected", began_s),
        Decided("farm", "accepted", began_s + 86400),
    ]
    stores.pass_days(1)
    stores.matches.decide("mill", match, "accepted")
    assert [(each.peer, each.decision) for each in stores.matches.decided(match.supplier_no)] == [
        ("farm", "accepted"),
        ("mill", "accepted"),
    ]
    assert stores.matches.decided(3) == []


def test_decision_outlives_the_results_it_was_about(stores) -> None:
    save(stores, "farm", "p", found(), retain_days=1)
    match = match_of(found())
    stores.matches.decide("farm", match, "rejected")
    stores.pass_days(1)
    stores.matches.expire()
    assert list(stores.matches.decisions("farm").values()) == ["rejected"]
