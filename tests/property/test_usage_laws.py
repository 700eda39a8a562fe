"""What a peer has asked: any sequence of sessions comes to what a plain count beside the database says."""

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import count

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from symbolon.audit.document import Document
from symbolon.exchange.messages import TierAsk
from symbolon.policy.permission import Grant
from symbolon.storage.database import Database
from symbolon.storage.exchange_budget import BudgetLimits
from symbolon.storage.exchange_sender_store import SenderStore
from symbolon.storage.seal import Sealer
from unit.exchange.harness import hello_of, rng_of

START_S = datetime(2026, 3, 1, tzinfo=UTC).timestamp()
AMPLE = BudgetLimits(90, 10**9, 10**9, 10**9)
GRANT = Grant("allow table 1", ("p:intersection:A",))
REQUEST = Document("request", b"{}\n", {"mill": bytes(64)})
RNG = rng_of("usage laws")

_peers = count()


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    with Database.open(database_url, create=True) as opened:
        yield opened


def sender(database: Database) -> SenderStore:
    return SenderStore(database, Sealer(bytes(range(32))), lambda: START_S, RNG)


elements = st.integers(64, 5_000)
sessions = st.dictionaries(st.sampled_from("ABC"), elements, min_size=1)
cut = st.lists(st.sets(st.sampled_from("ABC"), min_size=1), min_size=1, max_size=6)


def asks(store: SenderStore, peer: str, tiers: dict[str, int]) -> tuple[int, int, int, int]:
    """Holds a session; list size, keys before, churn and keys of the year that its permit was asked with."""
    hello = hello_of(tuple(TierAsk(tier, number) for tier, number in tiers.items()), RNG)
    usage = store.usage(peer, "match", hello, AMPLE)
    epoch = store.current_epoch(peer, "match", GRANT, epoch_days=90)
    store.open_session(hello, peer, GRANT, epoch, AMPLE, REQUEST)
    return usage.list_size, usage.keys_epoch, usage.churn, usage.keys_year


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(held=st.lists(sessions, min_size=1, max_size=6))
def test_usage_of_any_sequence_counts_each_tiers_first_session_as_the_list(
    database: Database, held: list[dict[str, int]]
) -> None:
    store, peer = sender(database), f"p{next(_peers)}"
    first: dict[str, int] = {}
    total = again = 0
    for tiers in held:
        for tier, number in tiers.items():
            if tier in first:
                again += number
            else:
                first[tier] = number
        size = sum(first.values())
        assert asks(store, peer, tiers) == (size, total, 1000 * again // size, total)
        total += sum(tiers.values())


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(whole=st.fixed_dictionaries(dict.fromkeys("ABC", elements)), parts=cut)
def test_usage_of_a_list_asked_tier_by_tier_is_never_churn(
    database: Database, whole: dict[str, int], parts: list[set[str]]
) -> None:
    store, peer = sender(database), f"p{next(_peers)}"
    asked: set[str] = set()
    for part in parts:
        if tiers := {tier: whole[tier] for tier in sorted(part - asked)}:
            assert asks(store, peer, tiers)[2] == 0
            asked |= part
    # Asked once more, all of it is churn, in whatever order its tiers came first.
    again = {tier: whole[tier] for tier in sorted(asked)}
    assert asks(store, peer, again)[2] == 1000
