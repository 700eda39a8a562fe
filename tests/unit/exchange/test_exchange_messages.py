from collections.abc import Callable
from typing import Any

import pytest

from symbolon.errors import RemoteProtocolError, StaleEpochError
from symbolon.exchange.limits import MAX_CHUNK_BYTES, MAX_DELTAS, MAX_ELEMENTS, MAX_ENTRIES
from symbolon.exchange.messages import (
    MAX_EPOCH,
    Accept,
    DeltaHeader,
    Elements,
    Entries,
    Failure,
    Hello,
    Invitation,
    TierAsk,
    TierOffer,
    Withdrawn,
    Working,
)

ASK = TierAsk("A", 64)
FIELDS: dict[str, Any] = {
    "session_id": bytes(16),
    "suite": "X25519-ELL2-SHA512",
    "coalition": "grove",
    "area": "match",
    "mode": "intersection",
    "purpose": "due-diligence",
    "epoch": 0,
    "tiers": (ASK,),
}
SIZE = {**FIELDS, "mode": "size", "group_size": 4}


def refused(make: Callable[[], object]) -> None:
    with pytest.raises(RemoteProtocolError) as caught:
        make()
    assert caught.value.full_code == "protocol.malformed"


def test_hello_of_each_mode_is_taken() -> None:
    assert Hello(**FIELDS).group_size == 0
    assert Hello(**SIZE).group_size == 4
    assert Hello(**SIZE, key_rules=bytes(8)).key_rules == bytes(8)
    assert Hello(**{**SIZE, "tiers": (TierAsk("AB", 64),), "group_size": 8}).group_size == 8


@pytest.mark.parametrize(
    "change",
    [
        {"session_id": b""},
        {"session_id": bytes(15)},
        {"session_id": bytes(17)},
        {"suite": ""},
        {"suite": "x" * 65},
        {"coalition": "a b"},
        {"coalition": "-a"},
        {"area": "match\n"},
        {"purpose": "ﬀ"},
        {"purpose": "../../etc"},
        {"mode": "union"},
        {"mode": "Size"},
        {"tiers": ()},
        {"tiers": (ASK, ASK)},
        {"tiers": (TierAsk("AB", 64),)},
        {"tiers": (TierAsk("D", 64),)},
        {"tiers": (TierAsk("", 64),)},
        {"epoch": -1},
        {"epoch": MAX_EPOCH + 1},
        {"tiers": (TierAsk("A", 64, have_delta=1),)},
        {"group_size": 4},
        {"key_rules": b"7 bytes"},
        {"key_rules": b"and nine."},
    ],
    ids=repr,
)
def test_hello_with_a_malformed_field_is_refused(change: dict[str, Any]) -> None:
    refused(lambda: Hello(**{**FIELDS, **change}))


@pytest.mark.parametrize(
    "change",
    [
        {"group_size": 0},
        {"group_size": 1},
        {"group_size": 8},
        {"epoch": 1},
        {"tiers": (TierAsk("A", 66),)},
        {"tiers": (ASK, TierAsk("B", 64))},
        {"tiers": (TierAsk("C", 64),)},
        {"tiers": (TierAsk("AB", 64),)},
        {"key_rules": b"7 bytes"},
    ],
    ids=repr,
)
def test_hello_of_size_mode_out_of_shape_is_refused(change: dict[str, Any]) -> None:
    refused(lambda: Hello(**{**SIZE, **change}))


@pytest.mark.parametrize(
    ("elements", "have"), [(63, 0), (0, 0), (-1, 0), (MAX_ELEMENTS + 1, 0), (64, -1), (64, MAX_DELTAS + 1)]
)
def test_tier_ask_out_of_range_is_refused(elements: int, have: int) -> None:
    refused(lambda: TierAsk("A", elements, have))


@pytest.mark.parametrize("kind", [Elements, Withdrawn, lambda *a: Entries(*a, delta=1)])
def test_chunk_out_of_bounds_is_refused(kind: Callable[..., object]) -> None:
    kind("A", 0, bytes(MAX_CHUNK_BYTES))
    refused(lambda: kind("A", 0, b""))
    refused(lambda: kind("A", 0, bytes(MAX_CHUNK_BYTES + 1)))
    refused(lambda: kind("A", -1, b"x"))
    refused(lambda: kind("A", MAX_ELEMENTS, b"x"))


@pytest.mark.parametrize("delta", [0, -1, MAX_DELTAS + 1])
def test_delta_number_out_of_range_is_refused(delta: int) -> None:
    refused(lambda: Entries("A", 0, b"x", delta))
    refused(lambda: DeltaHeader(delta, 64))


@pytest.mark.parametrize("entries", [0, MAX_ENTRIES + 1])
def test_delta_size_out_of_range_is_refused(entries: int) -> None:
    refused(lambda: DeltaHeader(1, entries))


def test_offer_of_a_wrong_shape_is_refused() -> None:
    one, two = DeltaHeader(1, 64), DeltaHeader(2, 64)
    TierOffer("A", 10, (one, two), 0)
    for tag_bytes in (0, 9, 33):
        refused(lambda tag_bytes=tag_bytes: TierOffer("A", tag_bytes, ()))
    refused(lambda: TierOffer("A", 10, (two, one)))
    refused(lambda: TierOffer("A", 10, (one, one)))
    refused(lambda: TierOffer("A", 10, (DeltaHeader(1, MAX_ENTRIES), DeltaHeader(2, 1))))
    refused(lambda: TierOffer("A", 10, (), MAX_ENTRIES + 1))
    refused(lambda: TierOffer("A", 10, (), -1))


def test_accept_of_a_wrong_shape_is_refused() -> None:
    offer = TierOffer("A", 10, ())
    refused(lambda: Accept(1, ()))
    refused(lambda: Accept(1, (offer, offer)))
    refused(lambda: Accept(-1, (offer,)))
    refused(lambda: Accept(MAX_EPOCH + 1, (offer,)))
    assert Accept(1, (offer,), bytes(8)).key_rules == bytes(8)
    for length in (1, 7, 9, 32):
        refused(lambda length=length: Accept(1, (offer,), bytes(length)))


@pytest.mark.parametrize(
    ("done", "total"), [(-1, 64), (65, 64), (1, 0), (0, MAX_ENTRIES + 1), (2**64 - 1, 2**64 - 1)]
)
def test_working_with_more_done_than_there_is_or_more_than_a_receiver_holds_is_refused(
    done: int, total: int
) -> None:
    assert Working("A", 0, 0) != Working("A", MAX_ENTRIES, MAX_ENTRIES)
    refused(lambda: Working("A", done, total))


def test_invitation_of_a_wrong_shape_is_refused() -> None:
    refused(lambda: Invitation("size", "x y", ("A",)))
    refused(lambda: Invitation("size", "x", ("A", "B")))
    refused(lambda: Invitation("intersection", "x", ()))
    refused(lambda: Invitation("", "x", ("A",)))


def test_chunk_repr_shows_no_bytes() -> None:
    assert "deadbeef" not in repr(Elements("A", 0, b"deadbeef"))


def test_failure_of_a_stale_epoch_means_a_stale_epoch_at_the_other_end() -> None:
    """A receiver that was invited learns it this way only; it must forget what it holds."""
    error = Failure("protocol.stale_epoch", "key epoch is stale").error("sender")
    assert isinstance(error, StaleEpochError)
    assert error.full_code == "protocol.stale_epoch"


def test_failure_of_another_kind_is_the_peers_and_not_this_nodes() -> None:
    error = Failure("budget.exhausted", "query budget exhausted").error("sender")
    assert type(error) is RemoteProtocolError
    assert error.full_code == "peer.budget.exhausted"
    assert "sender" in error.detail


def test_chunk_offset_reaches_as_far_as_elements_may_be_declared() -> None:
    """Eight elements a record: more than a million records make more elements than a set may have entries."""
    last = MAX_ELEMENTS - 1
    assert Elements("AB", last, bytes(32)).offset == last
    refused(lambda: Elements("AB", MAX_ELEMENTS, bytes(32)))
