"""A sender that breaks size mode: the receiver refuses, stays failed, and raises nothing else."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from adversary.spoilt_script import OURS, THEIRS, Script, changed, first, play, with_data, with_offer
from symbolon.errors import RemoteProtocolError, SymbolonError
from symbolon.exchange.messages import (
    Accept,
    DeltaHeader,
    Entries,
    Evaluated,
    Failure,
    Finish,
    TierOffer,
    Withdrawn,
    Working,
)
from symbolon.exchange.receiver import State
from unit.exchange.harness import SIGNED, rng_of, script_of, size_answer, size_receiver, table_of

ATTACKS: dict[str, tuple[Callable[[Script], Script], str]] = {
    "an_epoch": (lambda s: changed(s, Accept, lambda m: replace(m, epoch=1)), "protocol.tier"),
    "another_tag_length": (lambda s: with_offer(s, tag_bytes=15), "protocol.tier"),
    "two_sets": (
        lambda s: with_offer(s, deltas=(DeltaHeader(1, 64), DeltaHeader(2, 64))),
        "protocol.tier",
    ),
    "no_set": (lambda s: with_offer(s, deltas=()), "protocol.tier"),
    "a_delta_numbered_two": (lambda s: with_offer(s, deltas=(DeltaHeader(2, 64),)), "protocol.tier"),
    "withdrawn_tags": (lambda s: with_offer(s, withdrawn=1), "protocol.tier"),
    "two_offers": (
        lambda s: changed(s, Accept, lambda m: replace(m, tiers=(*m.tiers, TierOffer("B", 16, ())))),
        "protocol.tier",
    ),
    "tokens_of_another_delta": (
        lambda s: changed(s, Entries, lambda m: replace(m, delta=2)),
        "protocol.state",
    ),
    "torn_tokens": (lambda s: with_data(s, Entries, lambda data: data[:-1]), "protocol.width"),
    "too_many_tokens": (lambda s: with_data(s, Entries, lambda data: data * 2), "protocol.excess"),
    "too_many_evaluations": (lambda s: with_data(s, Evaluated, lambda d: d * 2), "protocol.excess"),
    "an_all_zero_evaluation": (
        lambda s: with_data(s, Evaluated, lambda data: data[:-32] + bytes(32)),
        "protocol.element",
    ),
    "an_early_finish": (lambda s: [s[0], s[1], Finish(*SIGNED)], "protocol.short"),
    "withdrawn_tags_unasked": (lambda s: [s[0], Withdrawn("A", 0, b"x" * 16)], "protocol.state"),
    "work_before_the_answer": (lambda s: [Working("A", 0, 64), *s], "protocol.state"),
    "work_on_another_tier": (lambda s: [s[0], Working("B", 0, 64)], "protocol.state"),
    "work_on_other_entries_than_offered": (lambda s: [s[0], Working("A", 0, 65)], "protocol.excess"),
    "work_undone": (lambda s: [s[0], Working("A", 9, 64), Working("A", 8, 64)], "protocol.order"),
    "work_when_all_has_come": (lambda s: [*s[:-1], Working("A", 64, 64)], "protocol.state"),
    "a_failure": (lambda s: [Failure("permission.small", "not permitted")], "peer.permission.small"),
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_sender_attack_on_size_mode_ends_in_a_refusal_and_a_failed_session(attack: str) -> None:
    spoil, code = ATTACKS[attack]
    session = size_receiver([table_of(OURS)], rng_of(1))
    script = script_of(session, lambda hello: size_answer(hello, [table_of(THEIRS)], rng_of(2)))
    with pytest.raises(RemoteProtocolError) as caught:
        play(session, spoil(script))
    assert caught.value.full_code == code
    assert session.state is State.FAILED
    with pytest.raises(SymbolonError):
        session.count()
    assert list(session.elements()) == []


def test_sender_answers_size_mode_before_the_last_element_and_is_refused() -> None:
    """Whoever has not seen all elements cannot have shuffled them."""
    session = size_receiver([table_of(OURS)], rng_of(1))
    script = script_of(session, lambda hello: size_answer(hello, [table_of(THEIRS)], rng_of(2)))
    fresh = size_receiver([table_of(OURS)], rng_of(1))
    fresh.start()
    fresh.receive(script[0])
    with pytest.raises(RemoteProtocolError) as caught:
        fresh.receive(script[first(script, Evaluated)])
    assert caught.value.full_code == "protocol.order"
    assert list(fresh.elements()) == []
