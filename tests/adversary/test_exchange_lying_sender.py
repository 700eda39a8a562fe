"""A sender that breaks intersection mode: the receiver refuses, stays failed, and raises nothing else."""

import random
import tracemalloc
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adversary.spoilt_script import (
    OURS,
    THEIRS,
    Script,
    changed,
    first,
    play,
    repeated,
    swapped,
    with_data,
    with_offer,
    without,
)
from symbolon.errors import RemoteProtocolError, SymbolonError
from symbolon.exchange.limits import MAX_ENTRIES, MAX_WORKING
from symbolon.exchange.messages import (
    Accept,
    DeltaHeader,
    Elements,
    Entries,
    Evaluated,
    Failure,
    Finish,
    TierAsk,
    TierOffer,
    Withdrawn,
    Working,
)
from symbolon.exchange.receiver import AskedKeys, Receiver, State
from symbolon.matching.evidence import Evidence
from unit.exchange.harness import (
    SIGNED,
    SUITE,
    ReceiverEnd,
    SenderEnd,
    converse,
    hello_of,
    rng_of,
    script_of,
    table_of,
)

EARLIER = {**THEIRS, 10: {"c"}}
TRUE_PAIRS = {(1, 7), (1, 9), (2, 7), (2, 9), (3, 8)}


class Stage:
    """A receiver in its second session of an epoch, and what an honest sender would say to it.

    Of the first session the receiver holds nothing, so everything an exchange can carry is in the script:
    evaluations, two deltas and a withdrawn tag.
    """

    def __init__(self) -> None:
        self.sender = SenderEnd(rng_of("sender"))
        other = ReceiverEnd(rng_of("other")).ask({"A": table_of(OURS)})
        converse(other, lambda hello: self.sender.answer(hello, {"A": table_of(EARLIER)}))
        self.end = ReceiverEnd(rng_of("receiver"))
        self.tables = {"A": table_of(OURS)}
        self.session = self.end.ask(self.tables)
        self.script = _cut_small(script_of(self.session, self.answer))

    def answer(self, hello):  # type: ignore[no-untyped-def]
        return self.sender.answer(hello, {"A": table_of(THEIRS)})

    def pairs(self) -> set[tuple[int, int]]:
        found: Evidence = self.end.conclude(self.session, self.tables)["A"]
        supplier_of = {handle: no for no, handle in self.sender.handles.items()}
        handles = [supplier_of[handle] for handle in found.handles.tolist()]
        return set(zip(found.suppliers.tolist(), handles, strict=True))


def _cut_small(script: Script) -> Script:
    """The same session in chunks of 16 evaluations and 20 entries, so that there is an order to break."""
    small: Script = []
    for message in script:
        if isinstance(message, Evaluated):
            cuts = range(0, len(message.data), 16 * 32)
            small += [Evaluated("A", at // 32, message.data[at : at + 16 * 32]) for at in cuts]
        elif isinstance(message, Entries):
            cuts = range(0, len(message.data), 20 * 16)
            small += [Entries("A", at // 16, message.data[at : at + 320], message.delta) for at in cuts]
        else:
            small.append(message)
    return small


def element(number: int) -> bytes:
    return number.to_bytes(32, "little")


P = 2**255 - 19

ATTACKS: dict[str, tuple[Callable[[Script], Script], str]] = {
    "short_evaluations": (lambda s: with_data(s, Evaluated, lambda data: data[:-1]), "protocol.width"),
    "an_evaluation_too_few": (lambda s: with_data(s, Evaluated, lambda data: data[:-32]), "protocol.order"),
    "evaluations_left_out": (lambda s: without(s, Evaluated), "protocol.order"),
    "evaluations_swapped": (lambda s: swapped(s, Evaluated), "protocol.order"),
    "evaluations_repeated": (lambda s: repeated(s, Evaluated), "protocol.order"),
    "an_oversized_run_of_evaluations": (
        lambda s: with_data(s, Evaluated, lambda data: data * 5),
        "protocol.excess",
    ),
    "an_offset_far_away": (
        lambda s: changed(s, Evaluated, lambda m: replace(m, offset=MAX_ENTRIES)),
        "protocol.order",
    ),
    "evaluations_of_a_tier_not_asked": (
        lambda s: changed(s, Evaluated, lambda m: replace(m, tier="B")),
        "protocol.tier",
    ),
    "evaluations_after_the_last": (
        lambda s: [*s[:-1], Evaluated("A", 64, element(9)), s[-1]],
        "protocol.excess",
    ),
    "an_all_zero_evaluation": (
        lambda s: with_data(s, Evaluated, lambda data: data[:-32] + bytes(32)),
        "protocol.element",
    ),
    "all_evaluations_zero": (lambda s: with_data(s, Evaluated, lambda d: bytes(len(d))), "protocol.element"),
    "an_evaluation_of_low_order": (
        lambda s: with_data(s, Evaluated, lambda data: element(1) + data[32:]),
        "protocol.element",
    ),
    "an_evaluation_p_minus_one": (
        lambda s: with_data(s, Evaluated, lambda data: element(P - 1) + data[32:]),
        "protocol.element",
    ),
    "an_evaluation_p_minus_two": (
        lambda s: with_data(s, Evaluated, lambda data: element(P - 2) + data[32:]),
        "protocol.element",
    ),
    "an_evaluation_not_canonical": (
        lambda s: with_data(s, Evaluated, lambda data: element(P + 9) + data[32:]),
        "protocol.element",
    ),
    "an_evaluation_with_the_top_bit": (
        lambda s: with_data(s, Evaluated, lambda data: b"\xff" * 32 + data[32:]),
        "protocol.element",
    ),
    "torn_entries": (lambda s: with_data(s, Entries, lambda data: data[:-1]), "protocol.width"),
    "an_entry_too_few": (lambda s: with_data(s, Entries, lambda data: data[:-16]), "protocol.order"),
    "entries_left_out": (lambda s: without(s, Entries), "protocol.order"),
    "entries_swapped": (lambda s: swapped(s, Entries), "protocol.order"),
    "entries_repeated": (lambda s: repeated(s, Entries), "protocol.order"),
    "more_entries_than_offered": (lambda s: with_data(s, Entries, lambda d: d * 5), "protocol.excess"),
    "entries_of_a_delta_not_offered": (
        lambda s: changed(s, Entries, lambda m: replace(m, delta=9)),
        "protocol.delta",
    ),
    "entries_of_a_tier_not_asked": (
        lambda s: changed(s, Entries, lambda m: replace(m, tier="C")),
        "protocol.tier",
    ),
    "more_withdrawn_than_offered": (lambda s: with_data(s, Withdrawn, lambda d: d + d), "protocol.excess"),
    "torn_withdrawn_tags": (lambda s: with_data(s, Withdrawn, lambda data: data[:-1]), "protocol.width"),
    "withdrawn_tags_left_out": (lambda s: without(s, Withdrawn), "protocol.short"),
    "withdrawn_tags_of_a_tier_not_asked": (
        lambda s: changed(s, Withdrawn, lambda m: replace(m, tier="B")),
        "protocol.tier",
    ),
    "an_early_finish": (lambda s: [s[0], Finish(*SIGNED)], "protocol.short"),
    "a_finish_before_the_last_entries": (lambda s: [*s[:-3], Finish(*SIGNED)], "protocol.short"),
    "a_finish_before_anything": (lambda s: [Finish(*SIGNED)], "protocol.state"),
    "evaluations_before_the_answer": (lambda s: s[1:], "protocol.state"),
    "entries_before_the_answer": (lambda s: s[first(s, Entries) :], "protocol.state"),
    "a_second_answer": (lambda s: [s[0], *s], "protocol.state"),
    "an_epoch_changed_midway": (
        lambda s: [*s[:3], replace(s[0], epoch=2), *s[3:]],  # type: ignore[type-var]
        "protocol.state",
    ),
    "epoch_zero": (lambda s: changed(s, Accept, lambda m: replace(m, epoch=0)), "protocol.epoch"),
    "no_offer_for_a_tier": (
        lambda s: changed(s, Accept, lambda m: replace(m, tiers=(replace(m.tiers[0], tier="B"),))),
        "protocol.tier",
    ),
    "an_offer_for_a_tier_not_asked": (
        lambda s: changed(s, Accept, lambda m: replace(m, tiers=(*m.tiers, TierOffer("B", 10, ())))),
        "protocol.tier",
    ),
    "more_withdrawn_than_there_are_entries": (
        lambda s: with_offer(s, withdrawn=MAX_ENTRIES),
        "protocol.excess",
    ),
    "work_before_the_answer": (lambda s: [Working("A", 0, 128), *s], "protocol.state"),
    "work_on_a_tier_not_asked": (lambda s: [s[0], Working("B", 0, 128)], "protocol.tier"),
    "work_on_other_entries_than_offered": (lambda s: [s[0], Working("A", 0, 64)], "protocol.excess"),
    "work_on_more_entries_than_offered": (lambda s: [s[0], Working("A", 0, 129)], "protocol.excess"),
    "work_undone": (lambda s: [s[0], Working("A", 9, 128), Working("A", 8, 128)], "protocol.order"),
    "work_when_all_has_come": (lambda s: [*s[:-1], Working("A", 128, 128)], "protocol.state"),
    "work_after_the_end": (lambda s: [*s, Working("A", 128, 128)], "protocol.state"),
    "a_failure_midway": (lambda s: [*s[:4], Failure("internal", "internal error")], "peer.internal"),
    "a_message_of_the_other_end": (
        lambda s: [s[0], Elements("A", 0, element(9))],  # type: ignore[list-item]
        "protocol.state",
    ),
}


def test_stage_itself_is_honest_and_holds_every_kind_of_message() -> None:
    stage = Stage()
    assert {type(message) for message in stage.script} == {Accept, Evaluated, Entries, Withdrawn, Finish}
    play(stage.session, stage.script)
    assert stage.pairs() == TRUE_PAIRS


@pytest.mark.parametrize("attack", ATTACKS)
def test_sender_attack_ends_in_a_refusal_and_a_failed_session(attack: str) -> None:
    spoil, code = ATTACKS[attack]
    stage = Stage()
    with pytest.raises(RemoteProtocolError) as caught:
        play(stage.session, spoil(stage.script))
    assert caught.value.full_code == code
    assert stage.session.state is State.FAILED
    for message in stage.script:
        with pytest.raises(RemoteProtocolError):
            stage.session.receive(message)
    assert stage.session.state is State.FAILED
    with pytest.raises(SymbolonError):
        stage.session.results()
    assert list(stage.session.elements()) == []


def test_sender_floods_the_receiver_with_work_and_is_refused_with_nothing_gathered() -> None:
    stage = Stage()
    stage.session.receive(stage.script[0])
    message = Working("A", 1, 128)
    stage.session.receive(message)
    tracemalloc.start()
    try:
        for _ in range(10_000):
            stage.session.receive(message)
        gathered_bytes, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert gathered_bytes < 10_000
    for _ in range(MAX_WORKING - 10_001):
        stage.session.receive(message)
    with pytest.raises(RemoteProtocolError) as caught:
        stage.session.receive(message)
    assert caught.value.full_code == "protocol.excess"
    assert stage.session.state is State.FAILED


def test_sender_evaluates_an_element_not_yet_sent_and_is_refused() -> None:
    stage = Stage()
    session = stage.end.ask(stage.tables)
    session.start()
    session.receive(stage.script[0])
    with pytest.raises(RemoteProtocolError) as caught:
        session.receive(stage.script[first(stage.script, Evaluated)])
    assert caught.value.full_code == "protocol.order"
    assert session.state is State.FAILED


def test_sender_changes_the_epoch_that_was_asked_for_and_is_refused() -> None:
    stage = Stage()
    play(stage.session, stage.script)
    stage.pairs()
    session = stage.end.ask(stage.tables)
    session.start()
    with pytest.raises(RemoteProtocolError) as caught:
        session.receive(Accept(2, (TierOffer("A", 10, ()),)))
    assert caught.value.full_code == "protocol.epoch"


def test_sender_with_tags_too_short_for_the_sizes_is_refused() -> None:
    """Short tags would make chance hits likely: 2^18 keys among 2^23 entries want 81 bits."""
    table = table_of(OURS)
    asked = AskedKeys(table, np.zeros(2**18, np.int64))
    session = Receiver(hello_of((TierAsk("A", asked.declared),), rng_of(1)), {"A": asked}, SUITE, rng_of(1))
    session.start()
    with pytest.raises(RemoteProtocolError) as caught:
        session.receive(Accept(1, (TierOffer("A", 10, (DeltaHeader(1, MAX_ENTRIES),)),)))
    assert caught.value.full_code == "protocol.tag"
    assert session.state is State.FAILED


def test_sender_fills_the_receiver_delta_by_delta_and_is_refused() -> None:
    """The limit counts what is held from earlier sessions, not one offer."""
    table = table_of(OURS)
    for held, refused in ((0, False), (1, True)):
        asked = AskedKeys(table, np.zeros(0, np.int64), held)
        session = Receiver(hello_of((TierAsk("A", 64),), rng_of(1)), {"A": asked}, SUITE, rng_of(1))
        session.start()
        offer = Accept(1, (TierOffer("A", 10, (DeltaHeader(1, MAX_ENTRIES),)),))
        if not refused:
            session.receive(offer)
            continue
        with pytest.raises(RemoteProtocolError) as caught:
            session.receive(offer)
        assert caught.value.full_code == "protocol.excess"


def test_sender_offers_a_delta_that_is_held_already_and_is_refused() -> None:
    stage = Stage()
    play(stage.session, stage.script)
    stage.pairs()
    session = stage.end.ask(stage.tables)
    session.start()
    with pytest.raises(RemoteProtocolError) as caught:
        session.receive(Accept(1, (TierOffer("A", 10, (DeltaHeader(2, 64),)),)))
    assert caught.value.full_code == "protocol.delta"


def test_sender_stops_half_way_and_the_session_yields_nothing() -> None:
    stage = Stage()
    play(stage.session, stage.script[:-1])
    assert stage.session.state is State.OPEN
    with pytest.raises(SymbolonError):
        stage.session.results()


def _whole_sets(script: Script, change: Callable[[list[bytes]], list[bytes]]) -> Script:
    """The script with the entries of every delta changed as a whole."""
    rows: dict[int, list[bytes]] = {}
    for message in script:
        if isinstance(message, Entries):
            cut = [message.data[at : at + 16] for at in range(0, len(message.data), 16)]
            rows.setdefault(message.delta, []).extend(cut)
    sets = [Entries("A", 0, b"".join(change(each)), delta) for delta, each in rows.items()]
    rest = [message for message in script if not isinstance(message, Entries)]
    return [*rest[:-1], *sets, rest[-1]]


def test_sender_sends_entries_unsorted_and_the_answer_is_still_right() -> None:
    stage = Stage()
    mix = random.Random(1)
    play(stage.session, _whole_sets(stage.script, lambda rows: mix.sample(rows, len(rows))))
    assert stage.pairs() == TRUE_PAIRS


def test_sender_repeats_tags_and_the_receiver_opens_each_key_once() -> None:
    """Two entries with one tag: one of them counts, and no key opens more than its four slots."""
    stage = Stage()
    script = _whole_sets(stage.script, lambda rows: sorted(rows[:32] + rows[:32]))
    play(stage.session, script)
    found = stage.end.conclude(stage.session, stage.tables)["A"]
    assert len(found) <= 4 * len(stage.tables["A"].link_key)
    tags = stage.end.held["A"].hits.tags
    assert len({tags[at : at + 10] for at in range(0, len(tags), 10)}) == len(tags) // 10


def test_sender_fills_its_set_with_one_tag_and_the_join_still_ends() -> None:
    stage = Stage()
    play(stage.session, _whole_sets(stage.script, lambda rows: [rows[0]] * len(rows)))
    assert stage.end.conclude(stage.session, stage.tables).keys() == {"A"}


def test_sender_evaluates_with_another_key_and_only_its_own_answer_suffers() -> None:
    stage = Stage()
    wrong = ReceiverEnd(rng_of("x")).ask(stage.tables)
    script = _cut_small(script_of(wrong, lambda hello: SenderEnd(rng_of("y")).answer(hello, stage.tables)))
    other = [message for message in script if isinstance(message, Evaluated)]
    rest = [message for message in stage.script if not isinstance(message, Evaluated)]
    play(stage.session, [rest[0], *other, *rest[1:]])
    assert stage.pairs() == set()


mutations = st.tuples(
    st.sampled_from(["drop", "repeat", "swap", "cut", "flip", "grow", "offset", "tier"]),
    st.integers(0, 40),
    st.integers(0, 2**16),
)


def mutate(script: Script, what: str, at: int, how: int) -> Script:
    at %= len(script)
    message = script[at]
    data = getattr(message, "data", None)
    if what == "drop":
        return script[:at] + script[at + 1 :]
    if what == "repeat":
        return script[: at + 1] + script[at:]
    if what == "swap":
        mixed = list(script)
        other = how % len(script)
        mixed[at], mixed[other] = mixed[other], mixed[at]
        return mixed
    if data is None:
        return script
    if what == "cut":
        new = replace(message, data=data[: 1 + how % len(data)])  # type: ignore[type-var]
    elif what == "flip":
        spot = how % len(data)
        flipped = data[:spot] + bytes([data[spot] ^ (1 << how % 8)]) + data[spot + 1 :]
        new = replace(message, data=flipped)  # type: ignore[type-var]
    elif what == "grow":
        new = replace(message, data=data + bytes([how % 256]) * (1 + how % 64))  # type: ignore[type-var]
    elif what == "offset":
        new = replace(message, offset=how)  # type: ignore[call-arg, type-var]
    else:
        new = replace(message, tier="ABC"[how % 3])  # type: ignore[call-arg, type-var]
    return [*script[:at], new, *script[at + 1 :]]


@settings(max_examples=40)
@given(changes=st.lists(mutations, min_size=1, max_size=4))
def test_sender_mutates_its_messages_at_will_and_the_receiver_refuses_or_ends(
    changes: list[tuple[str, int, int]],
) -> None:
    stage = Stage()
    script = stage.script
    for change in changes:
        script = mutate(script, *change)
    try:
        play(stage.session, script)
    except RemoteProtocolError:
        assert stage.session.state is State.FAILED
        return
    if stage.session.state is State.DONE:
        found = stage.end.conclude(stage.session, stage.tables)["A"]
        assert set(found.suppliers.tolist()) <= OURS.keys()
