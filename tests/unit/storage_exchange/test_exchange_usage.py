"""What a peer has asked, as policies judge it: the first session of each tier is its list, the rest churn."""

import pytest

from symbolon.audit.document import Document
from symbolon.errors import BudgetError
from symbolon.exchange.messages import Hello, TierAsk
from symbolon.policy.permission import Grant, Usage
from symbolon.storage.exchange_budget import BudgetLimits
from unit.exchange.harness import hello_of, rng_of

GRANT = Grant("allow table 1", ("p:intersection:A",))
LIMITS = BudgetLimits(90, 10_000, 20_000, 40_000)
REQUEST = Document("request", b"{}\n", {"mill": bytes(64)})
RNG = rng_of("usage")


def hello(mode: str = "intersection", **tiers: int) -> Hello:
    return hello_of(tuple(TierAsk(tier, elements) for tier, elements in tiers.items()), RNG, mode=mode)


def usage(stores, asked: Hello, peer: str = "mill") -> Usage:  # type: ignore[no-untyped-def]
    return stores.sending.usage(peer, "match", asked, LIMITS)


def ask(stores, asked: Hello, peer: str = "mill") -> Usage:  # type: ignore[no-untyped-def]
    """Holds a session; what its permit was asked with."""
    found = usage(stores, asked, peer)
    epoch = stores.sending.current_epoch(peer, "match", GRANT, epoch_days=90)
    stores.sending.open_session(asked, peer, GRANT, epoch, LIMITS, REQUEST)
    return found


def test_usage_of_the_first_session_is_its_list_and_no_churn(stores) -> None:
    first = usage(stores, hello(A=100, B=200))
    assert first == Usage(keys=300, list_size=300, keys_epoch=0, keys_year=0)
    assert first.churn == 0


def test_usage_of_tiers_asked_one_after_another_is_no_churn(stores) -> None:
    """Tier A alone to begin with, the others a week later: ten times as many keys, none asked twice."""
    ask(stores, hello(A=100))
    stores.pass_days(7)
    later = ask(stores, hello(B=600, C=400))
    assert (later.list_size, later.keys_epoch, later.churn) == (1100, 100, 0)
    assert usage(stores, hello(A=64)).churn == 1000 * 64 // 1100


def test_usage_of_a_tier_asked_again_beside_a_new_one_counts_the_old_one_only(stores) -> None:
    ask(stores, hello(A=100))
    again = ask(stores, hello(A=100, B=300))
    assert (again.keys, again.list_size, again.churn) == (400, 400, 250)


def test_usage_of_a_tiers_first_session_stays_the_first_whatever_comes_later(stores) -> None:
    for elements in (100, 900, 64):
        ask(stores, hello(A=elements))
    now = usage(stores, hello(A=100))
    assert (now.list_size, now.keys_epoch, now.churn) == (100, 1064, 10_640)


def test_usage_of_size_mode_counts_each_tier_that_it_asks_together(stores) -> None:
    first = ask(stores, hello(mode="size", AB=800))
    assert (first.keys, first.list_size, first.churn) == (1600, 1600, 0)
    assert usage(stores, hello(mode="size", AB=800)).churn == 1000


def test_usage_of_another_peer_is_its_own(stores) -> None:
    ask(stores, hello(A=100))
    assert usage(stores, hello(A=100), "farm") == Usage(keys=100, list_size=100)


def test_usage_in_the_next_epoch_begins_anew_but_the_year_goes_on(stores) -> None:
    ask(stores, hello(A=100))
    stores.pass_days(90)
    assert usage(stores, hello(A=200)) == Usage(keys=200, list_size=200, keys_epoch=0, keys_year=100)


def test_usage_that_was_refused_is_not_counted(stores) -> None:
    ask(stores, hello(A=100))
    with pytest.raises(BudgetError):
        ask(stores, hello(A=64, B=10_001))
    assert usage(stores, hello(B=300)) == Usage(keys=300, list_size=400, keys_epoch=100, keys_year=100)


def test_usage_of_nothing_is_no_churn() -> None:
    assert (Usage().list_size, Usage().churn) == (0, 0)
