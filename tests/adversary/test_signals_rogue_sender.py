"""A publisher that plants or spoils entries under a key that it guesses, and watches who asks.

Whatever it lays there, the requester says the same: in that call, to its last byte, and in the next. It
opens, judges and stores when the call is over, counts at home what does not hold, and does not fail. And
nothing that a publisher sends brings back what it took back, or an older revision in place of a newer.
"""

import os
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import date, timedelta
from typing import Any

import pytest

from raw_peer import rogue_server
from real_nodes import ALPHA, BETA, MALLORY, PURPOSES, Nodes, real_nodes
from rogue_publisher import TAG_BYTES, Chunks, RoguePublisher, rogue_publishing
from signal_makers import make_signal
from signal_nodes import held, look_up, tombstones
from symbolon.cli.local_coalition import COALITION
from symbolon.cli.made_up_suppliers import MadeUpList
from symbolon.errors import SymbolonError
from symbolon.exchange.messages import SIGNAL
from symbolon.membership.signing_key import load_signing_key
from symbolon.policy.obligations import NOTHING
from symbolon.rpc.node import SIGNING_KEY_FILE, Node
from symbolon.rpc.receiver_role import Asking, Outcome
from symbolon.signals.bundle import HEADER_BYTES, encode_bundle, signed_message
from symbolon.signals.intake import Refusal
from symbolon.signals.released import release
from symbolon.signals.revisions import recall, reply, revise
from symbolon.signals.signal import Reply, Signal
from symbolon.signals.vocabulary import RecallReason

LIST = 60
_DAY_S = 86400
_FRESH = iter(PURPOSES)

Plant = Callable[[RoguePublisher, bytes], None]
"""Publishes the first delta of a set, told a key that the requester has."""


@pytest.fixture(scope="module")
def nodes() -> Iterator[Nodes]:
    with real_nodes() as made:
        for member in (ALPHA, BETA, MALLORY):
            made.add(member)
        made.configure(ALPHA, allow=({"peer": MALLORY, "signals": True}, {"peer": BETA, "signals": True}))
        made.take_in(ALPHA, MadeUpList(LIST, 0, 0, ALPHA))
        yield made


@pytest.fixture(scope="module")
def publishers(nodes: Nodes) -> Iterator[list[RoguePublisher]]:
    with rogue_publishing(nodes, MALLORY) as answering:
        yield answering


@pytest.fixture
def rogue(nodes: Nodes, publishers: list[RoguePublisher]) -> RoguePublisher:
    """The publisher, with a set that nobody has asked for yet."""
    publishers.append(RoguePublisher(nodes, MALLORY, ALPHA, next(_FRESH)))
    return publishers[-1]


def ask(nodes: Nodes, rogue: RoguePublisher) -> Outcome:
    return look_up(nodes, ALPHA, MALLORY, rogue.purpose, tiers="A")


def today(nodes: Nodes) -> date:
    return nodes.founder.node.now.date()


def some_signal(nodes: Nodes, **changes: Any) -> Signal:
    """One with an id of its own, of today."""
    day = today(nodes)
    fields = {
        "signal_id": os.urandom(16),
        "issued": day,
        "period": None,
        "expires": day + timedelta(days=700),
        "review": day + timedelta(days=100),
    }
    return make_signal(**{**fields, **changes})


def signed_by(nodes: Nodes, member: str, signal: Signal, name: str = "") -> Chunks:
    """A label signed with a member's key, in its own name or another's."""
    key = load_signing_key(nodes.home(member) / SIGNING_KEY_FILE)
    sign = lambda header: key.sign(signed_message(COALITION, name or member, header))  # noqa: E731
    return encode_bundle(release(signal, NOTHING), sign)


# -------------------------------------------------------------------------- does it learn of a hit?


def nothing(rogue: RoguePublisher, key: bytes, signal: Signal) -> None:
    rogue.publish()


def good(rogue: RoguePublisher, key: bytes, signal: Signal) -> None:
    rogue.publish(*rogue.entries(key, rogue.label(signal)))


def under_a_key_that_nobody_has(rogue: RoguePublisher, key: bytes, signal: Signal) -> None:
    rogue.publish(*rogue.entries(b"lei.1\x1f9999000000000000", rogue.label(signal)))


def flipped(rogue: RoguePublisher, key: bytes, signal: Signal) -> None:
    (entry,) = rogue.entries(key, rogue.label(signal))
    rogue.publish(entry[:-1] + bytes([entry[-1] ^ 1]))


def tag_with_noise_behind(rogue: RoguePublisher, key: bytes, signal: Signal) -> None:
    (entry,) = rogue.entries(key, rogue.label(signal))
    rogue.publish(entry[:TAG_BYTES] + os.urandom(len(entry) - TAG_BYTES))


def sealed_garbage(rogue: RoguePublisher, key: bytes, signal: Signal) -> None:
    rogue.publish(*rogue.entries(key, [b"\x01\x01" + os.urandom(126)]))


def in_the_wrong_slot(rogue: RoguePublisher, key: bytes, signal: Signal) -> None:
    rogue.publish(*rogue.entries(key, rogue.label(signal), slot=7))


def of_another_delta(rogue: RoguePublisher, key: bytes, signal: Signal) -> None:
    rogue.publish(*rogue.entries(key, rogue.label(signal), delta=9))


def a_thousand_times_the_tag(rogue: RoguePublisher, key: bytes, signal: Signal) -> None:
    (entry,) = rogue.entries(key, rogue.label(signal))
    noise = (entry[:TAG_BYTES] + os.urandom(len(entry) - TAG_BYTES) for _ in range(1000))
    rogue.publish(*noise, entry, batch=1088)


def a_thousand_times_the_entry(rogue: RoguePublisher, key: bytes, signal: Signal) -> None:
    (entry,) = rogue.entries(key, rogue.label(signal))
    rogue.publish(*[entry] * 1000, batch=1088)


def head_of_one_and_body_of_another(rogue: RoguePublisher, key: bytes, signal: Signal) -> None:
    day = signal.issued
    one = rogue.label(reply(signal, day, "the one's answer " * 20))
    other = rogue.label(reply(signal, day, "another's answer " * 20))
    rogue.publish(*rogue.entries(key, [one[0], *other[1:]]))


def head_without_a_body(rogue: RoguePublisher, key: bytes, signal: Signal) -> None:
    rogue.publish(*rogue.entries(key, rogue.label(reply(signal, signal.issued, "x" * 900))[:3]))


def every_slot_full(rogue: RoguePublisher, key: bytes, signal: Signal) -> None:
    rogue.publish(*rogue.entries(key, [*rogue.label(signal), *[bytes(128)] * 254]), batch=256)


def signed_by_another_publisher(rogue: RoguePublisher, key: bytes, signal: Signal) -> None:
    rogue.publish(*rogue.entries(key, signed_by(rogue.nodes, BETA, signal)))


def signed_in_the_name_of_another(rogue: RoguePublisher, key: bytes, signal: Signal) -> None:
    rogue.publish(*rogue.entries(key, signed_by(rogue.nodes, MALLORY, signal, BETA)))


def expired(rogue: RoguePublisher, key: bytes, signal: Signal) -> None:
    over = make_signal(signal_id=signal.signal_id, expires=signal.issued, review=signal.issued)
    rogue.publish(*rogue.entries(key, rogue.label(over)))


def recall_of_what_nobody_knew(rogue: RoguePublisher, key: bytes, signal: Signal) -> None:
    rogue.publish(*rogue.entries(key, rogue.label(recall(signal, signal.issued, RecallReason.LEGAL))))


PLANTED: dict[Plant, dict[str, int]] = {
    good: {"added": 1},
    under_a_key_that_nobody_has: {},
    flipped: {},
    tag_with_noise_behind: {},
    sealed_garbage: {Refusal.FORGED: 1},
    in_the_wrong_slot: {},
    of_another_delta: {},
    a_thousand_times_the_tag: {},
    a_thousand_times_the_entry: {"added": 1},
    head_of_one_and_body_of_another: {Refusal.MALFORMED: 1},
    head_without_a_body: {},
    every_slot_full: {"added": 1},
    signed_by_another_publisher: {Refusal.FORGED: 1},
    signed_in_the_name_of_another: {Refusal.FORGED: 1},
    expired: {Refusal.EXPIRED: 1},
    recall_of_what_nobody_knew: {"recalled": 1},
}
"""What comes of each at home."""


def told_at_home(outcome: Outcome) -> dict[str, int]:
    assert outcome.intake is not None
    counts = {name: count for name, count in outcome.counts.items() if count and name != "refused"}
    return {**counts, **outcome.intake.refused}


def watched(nodes: Nodes, rogue: RoguePublisher, plant: Plant) -> tuple[list[object], dict[str, int]]:
    """All that the publisher is told in the call that plants and in the next; what comes of it at home."""
    plant(rogue, rogue.keys_of(3), some_signal(nodes))
    first = ask(nodes, rogue)
    rogue.publish()
    ask(nodes, rogue)
    calls = rogue.calls
    assert len(calls) == 2
    return [calls[0].shape(), calls[1].shape(), calls[1].log_size - calls[0].log_size], told_at_home(first)


@pytest.fixture(scope="module")
def quiet(nodes: Nodes, publishers: list[RoguePublisher]) -> list[object]:
    """What the publisher is told where it planted nothing."""
    publishers.append(RoguePublisher(nodes, MALLORY, ALPHA, next(_FRESH)))
    told, at_home = watched(nodes, publishers[-1], nothing)
    assert at_home == {}
    return told


@pytest.mark.parametrize("plant", PLANTED)
def test_publisher_that_plants_an_entry_is_told_the_same_as_one_that_planted_nothing(
    nodes: Nodes, rogue: RoguePublisher, quiet: list[object], plant: Plant, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[float] = []
    conclude = Asking.conclude

    async def concluding(self: Asking) -> Outcome:
        begun.append(time.monotonic())
        return await conclude(self)

    monkeypatch.setattr(Asking, "conclude", concluding)
    told, at_home = watched(nodes, rogue, plant)
    assert told == quiet
    assert at_home == PLANTED[plant]
    # What takes longer where something opens is begun when nobody hears it any more.
    assert all(call.ended_s <= start for call, start in zip(rogue.calls, begun, strict=True))


def test_publisher_that_plants_hundreds_of_labels_is_told_the_same(
    nodes: Nodes, rogue: RoguePublisher, quiet: list[object]
) -> None:
    def flood(rogue: RoguePublisher, key: bytes, signal: Signal) -> None:
        labels = (rogue.label(some_signal(nodes))[0] for _ in range(250))
        rogue.publish(*rogue.entries(key, [*labels]), batch=256)

    told, at_home = watched(nodes, rogue, flood)
    assert (told, at_home) == (quiet, {"added": 250})


def test_publisher_that_withdraws_what_it_planted_is_told_the_same(
    nodes: Nodes, rogue: RoguePublisher, quiet: list[object]
) -> None:
    key = rogue.keys_of(3)
    good(rogue, key, some_signal(nodes))
    ask(nodes, rogue)
    rogue.publish()
    rogue.withdrawn = [row[:TAG_BYTES] for row in rogue.deltas[0]]
    outcome = ask(nodes, rogue)
    rogue.publish()
    ask(nodes, rogue)
    assert told_at_home(outcome) == {"vanished": 1}
    first, second, third = (call.shape() for call in rogue.calls)
    assert [first, second] == quiet[:2]
    # As the second, but for the number of the delta that is held by then.
    assert third[1] == second[1]
    assert len(str(third[0])) == len(str(second[0]))


def test_requester_that_erased_what_was_over_asks_the_next_time_as_if_nothing_had_been_found(
    nodes: Nodes, rogue: RoguePublisher, quiet: list[object]
) -> None:
    good(rogue, rogue.keys_of(3), some_signal(nodes))
    assert told_at_home(ask(nodes, rogue)) == {"added": 1}
    with Node(nodes.home(ALPHA)) as node:
        # As a served node does when the time of signals is over.
        assert node.received.erase_due(
            node.clock() + 4000 * _DAY_S, lambda peer: node.asking_lock(peer, SIGNAL)
        ).forms
    rogue.publish()
    ask(nodes, rogue)
    assert [call.shape() for call in rogue.calls] == quiet[:2]


# ------------------------------------------------------------------- does it bring back what was taken back?


def publish(rogue: RoguePublisher, labels: Sequence[Chunks], slot: int) -> list[bytes]:
    """Lays labels under the key of one supplier, from a slot on; their tags."""
    rows = rogue.entries(rogue.keys_of(3), [chunk for each in labels for chunk in each], slot)
    rogue.publish(*rows)
    return [row[:TAG_BYTES] for row in rows]


def test_lower_revision_and_other_content_under_the_same_number_are_not_believed(
    nodes: Nodes, rogue: RoguePublisher
) -> None:
    one = some_signal(nodes)
    two = revise(one, today(nodes), confidence=20)
    three = revise(two, today(nodes), confidence=30)
    other = revise(two, today(nodes), confidence=99)
    tags = publish(rogue, [rogue.label(three)], 0)
    ask(nodes, rogue)
    publish(rogue, [rogue.label(two)], 1)
    # Without the newest in the set, an older one does not take its place.
    rogue.withdrawn = tags
    assert told_at_home(ask(nodes, rogue)) == {"unchanged": 1, Refusal.LOWER: 1}
    assert held(nodes, ALPHA)[one.hex_id].signal.confidence == 30
    publish(rogue, [rogue.label(other)], 2)
    assert told_at_home(ask(nodes, rogue)) == {"unchanged": 1, Refusal.CONTRADICTORY: 1}
    assert held(nodes, ALPHA)[one.hex_id].signal.confidence == 30


def test_recall_is_not_undone_by_anything_that_its_publisher_signs(
    nodes: Nodes, rogue: RoguePublisher
) -> None:
    one = some_signal(nodes)
    stone = recall(one, today(nodes), RecallReason.ERROR)
    publish(rogue, [rogue.label(one)], 0)
    ask(nodes, rogue)
    tags = publish(rogue, [rogue.label(stone)], 1)
    assert told_at_home(ask(nodes, rogue)) == {"recalled": 1}
    (chunk,) = rogue.label(stone)
    # The state in the header: from recalled to standing, with the publisher's signature of before and of now.
    stands = chunk[:29] + bytes([chunk[29] ^ 0b11000]) + chunk[30:HEADER_BYTES]
    again = revise(revise(one, today(nodes), confidence=1), today(nodes), confidence=2)
    for slot, label, refusal in (
        (2, (stands + chunk[HEADER_BYTES:],), Refusal.FORGED),
        (3, (stands + rogue.sign(stands),), Refusal.MALFORMED),
        (4, rogue.label(again), Refusal.RECALL_UNDONE),
    ):
        publish(rogue, [label], slot)
        assert told_at_home(ask(nodes, rogue))[refusal] == 1
    # The stone itself taken out of the set, and the old signal left in it.
    rogue.withdrawn = tags
    rogue.publish()
    ask(nodes, rogue)
    assert one.hex_id in tombstones(nodes, ALPHA)
    assert one.hex_id not in held(nodes, ALPHA)


def test_revision_that_leaves_out_what_the_supplier_said_is_not_believed(
    nodes: Nodes, rogue: RoguePublisher
) -> None:
    one = some_signal(nodes)
    answered = reply(one, today(nodes), "We paid in May.")
    publish(rogue, [rogue.label(answered)], 0)
    ask(nodes, rogue)
    silent = make_signal(
        signal_id=one.signal_id, revision=3, expires=one.expires, review=one.review, period=None
    )
    publish(rogue, [rogue.label(silent)], 2)
    assert told_at_home(ask(nodes, rogue))[Refusal.SUPPLIER_SIDE] == 1
    reply_held = held(nodes, ALPHA)[one.hex_id].signal.reply
    assert isinstance(reply_held, Reply)


def test_id_of_another_publisher_is_another_signal_and_recalls_nothing_of_its(
    nodes: Nodes, publishers: list[RoguePublisher]
) -> None:
    theirs = some_signal(nodes)
    purpose = next(_FRESH)
    with rogue_publishing(nodes, BETA) as beta:
        beta.append(RoguePublisher(nodes, BETA, ALPHA, purpose))
        publish(beta[0], [beta[0].label(theirs)], 0)
        look_up(nodes, ALPHA, BETA, purpose, tiers="A")
    publishers.append(RoguePublisher(nodes, MALLORY, ALPHA, purpose))
    rogue = publishers[-1]
    stone = recall(theirs, today(nodes), RecallReason.ERROR)
    publish(rogue, [rogue.label(stone), signed_by(nodes, BETA, stone)], 0)
    assert told_at_home(ask(nodes, rogue)) == {"recalled": 1, Refusal.FORGED: 1}
    assert theirs.hex_id in held(nodes, ALPHA, BETA)
    assert tombstones(nodes, ALPHA)[theirs.hex_id].peer == MALLORY


def test_forged_contributor_with_the_certificate_of_another_member_is_not_asked(nodes: Nodes) -> None:
    purpose = next(_FRESH)
    asked: Counter[str] = Counter()

    def answer(requests: Iterator[Any]) -> Iterator[Any]:
        asked["calls"] += 1
        yield from ()

    with rogue_server(nodes, BETA, answer, credentials=nodes.credentials(MALLORY)):
        with pytest.raises(SymbolonError) as refused:
            look_up(nodes, ALPHA, BETA, purpose, tiers="A")
        assert refused.value.exit_code in (75, 77)
    assert not asked
    assert nodes.states(ALPHA, purpose) == []
