"""What a lookup comes to: chunks put together key by key, judged by the publisher's key, and stored."""

import os
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from received_labels import COALITION, PURPOSE, Chunks, Contributor, some_signal
from signal_makers import TODAY
from stored_signals import SEALER, Clock
from symbolon.errors import MembershipError
from symbolon.exchange.receiver_set import Hits
from symbolon.policy.enforcement import Terms
from symbolon.rpc.receiver_conclusion import Conclusion, TierHits
from symbolon.rpc.receiver_lookup import Publishers, conclude_lookup
from symbolon.rpc.receiver_session import Ask
from symbolon.signals.bundle import CHUNK_BYTES, HEADER_BYTES
from symbolon.signals.intake import Refusal
from symbolon.signals.revisions import dispute, recall, reply, revise
from symbolon.signals.vocabulary import RecallReason
from symbolon.storage.database import Database
from symbolon.storage.received_signal_store import ReceivedSignalStore
from symbolon.storage.received_signal_view import ReceivedView
from unit.exchange.harness import key_id, table_of

NGO, OTHER = Contributor(), Contributor("other", 2)
ASK = Ask(NGO.name, "lookup", PURPOSE, ("A", "B"))
OWN = {1: {"mill", "shared"}, 2: {"shared"}, 3: {"farm"}}
TAG_BYTES = 10


class Requester:
    """A node as far as it concludes; `members` are those of its coalition."""

    def __init__(self, database: Database) -> None:
        self.clock = Clock()
        self.received = ReceivedSignalStore(database, SEALER, self.clock)
        self.database = database
        self.config = SimpleNamespace(node=SimpleNamespace(coalition=COALITION))
        self.members = {each.name: each.key_id for each in (NGO, OTHER)}

    @property
    def directory(self) -> "Requester":
        return self

    @property
    def now(self) -> datetime:
        return datetime.fromtimestamp(self.clock(), UTC)

    def current(self) -> "Requester":
        return self

    def find(self, member: str) -> Any:
        key = self.members.get(member)
        return None if key is None else SimpleNamespace(signing_key=key)

    def conclude(self, *opened: "tuple[str, Sequence[bytes]]", tier_b: Mapping[str, Any] = {}) -> Conclusion:
        """Concludes a lookup in which own keys of tier A opened chunks; `tier_b` likewise."""
        standing = {"A": tier("A", opened), "B": tier("B", tuple(tier_b.items()))}
        return conclude_lookup(self, ASK, 7, standing)  # type: ignore[arg-type]

    def store(self, conclusion: Conclusion) -> None:
        with self.database.transaction("store") as connection:
            conclusion.store(connection, Terms(no_onward=False, retain_days=None))

    def views(self) -> dict[bytes, ReceivedView]:
        """What stands then."""
        views = self.received.views(Publishers(self))  # type: ignore[arg-type]
        return {each.signal.signal_id: each for each in views}


def tier(letter: str, opened: "Sequence[tuple[str, Sequence[bytes]]]") -> TierHits:
    """Own keys of a tier, and the chunks that each opened, in the order of their slots."""
    pairs = [(key_id(name, letter), chunk) for name, chunks in opened for chunk in chunks]
    labels = np.frombuffer(b"".join(chunk for _, chunk in pairs), np.uint8).reshape(-1, CHUNK_BYTES)
    keys = np.array([each for each, _ in pairs], np.uint64)
    return TierHits(table_of(OWN, letter), Hits(keys, labels, os.urandom(TAG_BYTES * len(pairs))), 3)


@pytest.fixture
def requester(tmp_path: Path) -> Iterator[Requester]:
    with Database.open(f"sqlite:///{tmp_path}/node.db", create=True) as database:
        yield Requester(database)


def suppliers(view: ReceivedView) -> set[int]:
    return {each.link.supplier_no for each in view.links}


# ------------------------------------------------------------------------------------------------ finding


def test_lookup_that_opened_nothing_comes_to_nothing_and_notes_how_far_it_went(requester: Requester) -> None:
    conclusion = requester.conclude()
    assert set(conclusion.counts.values()) == {0}
    assert (conclusion.learned, conclusion.evidence) == (
        "the signals that it released about own suppliers (none)",
        [],
    )
    requester.store(conclusion)
    assert requester.views() == {}
    feeds = requester.received.feeds()
    assert {(each.tier, each.epoch, each.last_delta) for each in feeds} == {("A", 7, 3), ("B", 7, 3)}


def test_signal_is_about_all_own_suppliers_that_have_a_key_that_opened_it(requester: Requester) -> None:
    label = NGO.label(some_signal(1))
    conclusion = requester.conclude(("mill", label), ("shared", label), tier_b={"farm": label})
    assert conclusion.counts["added"] == 1
    requester.store(conclusion)
    (view,) = requester.views().values()
    assert suppliers(view) == {1, 2, 3}
    assert {(each.link.supplier_no, each.link.tier.value) for each in view.links} == {
        (1, "A"),
        (2, "A"),
        (3, "B"),
    }
    assert view.verified


def test_chunks_of_several_signals_under_several_keys_go_together_key_by_key(requester: Requester) -> None:
    long = [NGO.label(reply(some_signal(n), TODAY, f"answer {n} " * 40)) for n in (1, 2)]
    short = NGO.label(some_signal(3))
    first, second = tier("A", [("mill", [*long[0], *short])]).hits, tier("A", [("farm", long[1])]).hits
    # As the join opens them: slot by slot, of all keys together.
    assert min(map(len, long)) >= 4
    order = np.argsort(np.concatenate([np.arange(len(first)), np.arange(len(second))]), kind="stable")
    both = first.plus(second)
    mixed = Hits(both.key_ids[order], both.labels[order], both.tags)
    standing = {"A": TierHits(table_of(OWN), mixed, 1)}
    conclusion = conclude_lookup(requester, ASK, 1, standing)  # type: ignore[arg-type]
    assert conclusion.counts["added"] == 3
    requester.store(conclusion)
    found = requester.views()
    assert {each.signal_id: suppliers(found[each.signal_id]) for each in map(some_signal, (1, 2, 3))} == {
        some_signal(1).signal_id: {1},
        some_signal(2).signal_id: {3},
        some_signal(3).signal_id: {1},
    }


@pytest.mark.parametrize("left_out", [0, 1, -1])
def test_label_that_lacks_a_chunk_is_no_label_and_spoils_none_beside_it(
    requester: Requester, left_out: int
) -> None:
    torn = list(NGO.label(reply(some_signal(1), TODAY, "answer " * 60)))
    del torn[left_out]
    conclusion = requester.conclude(("mill", [*torn, *NGO.label(some_signal(2))]))
    assert (conclusion.counts["added"], conclusion.counts["refused"]) == (1, 0)


# ----------------------------------------------------------------------------------------------- believing


def test_publisher_that_is_no_member_any_more_is_not_believed_whatever_was_found(
    requester: Requester,
) -> None:
    del requester.members[NGO.name]
    for opened in ((), (("mill", NGO.label(some_signal(1))),)):
        with pytest.raises(MembershipError) as refused:
            requester.conclude(*opened)
        assert refused.value.full_code == "membership.unknown"


@pytest.mark.parametrize(
    "signer", [OTHER, Contributor("ngo", 2), Contributor("other", 1)], ids=["other", "key", "name"]
)
def test_label_of_another_signer_is_counted_and_left_out(requester: Requester, signer: Contributor) -> None:
    conclusion = requester.conclude(("mill", signer.label(some_signal(1))))
    assert conclusion.intake is not None
    assert conclusion.intake.refused == {Refusal.FORGED: 1}
    requester.store(conclusion)
    assert requester.views() == {}


def test_label_is_checked_by_the_key_that_the_coalition_lists_now(requester: Requester) -> None:
    label = NGO.label(some_signal(1))
    requester.store(requester.conclude(("mill", label)))
    requester.members[NGO.name] = OTHER.key_id
    assert [each.verified for each in requester.views().values()] == [False]
    fresh = requester.conclude(("mill", [*label, *NGO.label(some_signal(2))]))
    assert (fresh.counts["unchanged"], fresh.counts["refused"]) == (1, 1)
    assert Publishers(requester)("nobody") is None  # type: ignore[arg-type]


def test_lookups_in_turn_add_revise_contest_recall_and_forget(requester: Requester) -> None:
    one, two = some_signal(1), some_signal(2)
    revised = revise(one, TODAY, confidence=5)
    contested = NGO.label(dispute(revised, TODAY, "no"))
    steps: tuple[tuple[list[Chunks], dict[str, int]], ...] = (
        ([NGO.label(one), NGO.label(two)], {"added": 2}),
        ([NGO.label(one), NGO.label(two)], {"unchanged": 2}),
        ([NGO.label(revised), NGO.label(two)], {"revised": 1, "unchanged": 1}),
        ([contested, NGO.label(two)], {"revised": 1, "disputed": 1, "unchanged": 1}),
        ([contested], {"unchanged": 1, "vanished": 1}),
        ([NGO.label(recall(revised, TODAY, RecallReason.ERROR))], {"recalled": 1}),
        ([], {}),
    )
    for labels, expected in steps:
        conclusion = requester.conclude(("mill", [chunk for each in labels for chunk in each]))
        assert {name: count for name, count in conclusion.counts.items() if count} == expected
        told = ", ".join(f"{count} {name}" for name, count in conclusion.counts.items() if count) or "none"
        assert conclusion.learned == f"the signals that it released about own suppliers ({told})"
        requester.store(conclusion)
    assert requester.views() == {}
    assert [each.signal_id for each in requester.received.tombstones()] == [one.signal_id]


# ------------------------------------------------------------------------------------------------ enduring


def signed(header: bytes) -> bytes:
    return header + NGO.sign(header)


HEADERS = st.one_of(
    st.binary(min_size=HEADER_BYTES, max_size=HEADER_BYTES),
    # One that is almost good: a few bytes of it are other ones.
    st.lists(st.tuples(st.integers(2, HEADER_BYTES - 1), st.integers(0, 255)), min_size=1, max_size=4).map(
        lambda changes: _changed(NGO.label(some_signal(1))[0][:HEADER_BYTES], changes)
    ),
)
PIECES = st.lists(st.binary(max_size=126).map(lambda each: each.ljust(126, b"\0")), max_size=4)


def _changed(header: bytes, changes: list[tuple[int, int]]) -> bytes:
    new = bytearray(header)
    for at, value in changes:
        new[at] = value
    return bytes(new)


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(header=HEADERS, pieces=PIECES)
def test_whatever_the_publisher_signs_raises_nothing_and_stores(
    requester: Requester, header: bytes, pieces: list[bytes]
) -> None:
    """Were there one label at which a requester fails, its next hello would tell who has the supplier."""
    chunk = signed(bytes((1, 1 + len(pieces))) + header[2:])
    more = [bytes((2, number)) + piece for number, piece in enumerate(pieces, 1)]
    conclusion = requester.conclude(("mill", [chunk, *more]))
    requester.store(conclusion)
    requester.views()
    requester.received.tombstones()
    again = requester.conclude(("mill", [chunk, *more]))
    assert again.counts["added"] == 0
