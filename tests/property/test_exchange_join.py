"""After any history of two lists, the private result is the join of the lists in the clear."""

import random
from unittest.mock import patch

from hypothesis import given, settings
from hypothesis import strategies as st

from symbolon.exchange.messages import Evaluated
from symbolon.exchange.padding import padded_count
from symbolon.exchange.sender_set import live_keys
from unit.exchange.harness import (
    SUITE,
    TAG_BYTES,
    Answering,
    ReceiverEnd,
    SenderEnd,
    converse,
    key_id,
    rng_of,
    script_of,
    table_of,
)

KEYS = [f"k{number}" for number in range(9)]
TIERS = ("A", "C")
MOST_UNDER_ONE_KEY = 4
WIDTH = TAG_BYTES + 6

Plain = dict[int, frozenset[str]]
supplier_lists = st.dictionaries(
    st.integers(1, 12), st.frozensets(st.sampled_from(KEYS), max_size=4), max_size=12
)
crowds = st.builds(lambda n: {100 + at: frozenset({KEYS[0]}) for at in range(n)}, st.integers(0, 6))
plain_lists = st.builds(lambda some, crowd: {**some, **crowd}, supplier_lists, crowds)


@st.composite
def sessions(draw: st.DrawFn) -> list[tuple[dict[str, Plain], dict[str, Plain], bool, bool]]:
    """Steps: sender's and receiver's lists by tier, whether additions are due, whether an epoch begins."""
    steps = []
    for number in range(draw(st.integers(1, 4))):
        sender, receiver = ({tier: draw(plain_lists) for tier in TIERS} for _ in range(2))
        steps.append((sender, receiver, number == 0 or draw(st.booleans()), draw(st.integers(0, 4)) == 4))
    return steps


def holders(plain: Plain) -> dict[str, list[int]]:
    return {key: sorted(no for no, keys in plain.items() if key in keys) for key in KEYS}


class Clear:
    """The rules of release in the clear: which (key, supplier) pairs the sender's set holds."""

    def __init__(self) -> None:
        self.placed: dict[str, list[int]] = {key: [] for key in KEYS}

    def release(self, sender: Plain) -> int:
        """Gives every new pair a place under its key; tells how many find none."""
        postponed = 0
        for key, owners in holders(sender).items():
            if len(owners) > MOST_UNDER_ONE_KEY:
                continue
            for owner in owners:
                if owner in self.placed[key]:
                    continue
                if len(self.placed[key]) < MOST_UNDER_ONE_KEY:
                    self.placed[key].append(owner)
                else:
                    postponed += 1
        return postponed

    def join(self, sender: Plain, receiver: Plain) -> set[tuple[int, int, str]]:
        """Own supplier, the sender's supplier and the key, wherever both hold it."""
        theirs, ours = holders(sender), holders(receiver)
        return {
            (own, other, key)
            for key in KEYS
            if len(theirs[key]) <= MOST_UNDER_ONE_KEY and len(ours[key]) <= MOST_UNDER_ONE_KEY
            for own in ours[key]
            for other in theirs[key]
            if other in self.placed[key]
        }


def check_set(end: SenderEnd, answering: Answering, tier: str) -> None:
    """What holds of every set: no slot twice, entries sorted and equally long, dummies to the class."""
    released = end.released.get(tier)
    if released is not None:
        slots = list(zip(released.key_ids.tolist(), released.slots.tolist(), strict=True))
        assert len(set(slots)) == len(slots)
        assert all(slot < MOST_UNDER_ONE_KEY for _, slot in slots)
        assert len(set(zip(released.key_ids.tolist(), released.suppliers.tolist(), strict=True))) == len(
            slots
        )
    for data in answering.deltas[tier].values():
        assert len(data) % WIDTH == 0
        rows = [data[at : at + WIDTH] for at in range(0, len(data), WIDTH)]
        assert [row[:TAG_BYTES] for row in rows] == sorted(row[:TAG_BYTES] for row in rows)
        assert len(rows) >= 64
        assert padded_count(len(rows)) == len(rows)
    plan = answering.plans[tier]
    assert plan.entries in (0, padded_count(len(plan.key_index)))


@settings(max_examples=25)
@given(steps=sessions(), seed=st.integers(0, 2**32))
def test_join_after_any_history_equals_the_join_in_the_clear(
    steps: list[tuple[dict[str, Plain], dict[str, Plain], bool, bool]], seed: int
) -> None:
    sender, receiver = SenderEnd(rng_of((seed, "sender"))), ReceiverEnd(rng_of((seed, "receiver")))
    clear = {tier: Clear() for tier in TIERS}
    schedule = random.Random(seed)
    for theirs, ours, due, new_epoch in steps:
        if new_epoch:
            sender.new_epoch()
            receiver.forget()
            clear = {tier: Clear() for tier in TIERS}
        before = {tier: dict(sender.deltas.get(tier, {})) for tier in TIERS}
        asked_before = {t: set(held.own.key_ids.tolist()) for t, held in receiver.held.items()}
        their_tables = {tier: table_of(theirs[tier], tier) for tier in TIERS}
        own_tables = {tier: table_of(ours[tier], tier) for tier in TIERS}
        session = receiver.ask(own_tables)
        made: list[Answering] = []

        def answer(hello, tables=their_tables, due=due, made=made):  # type: ignore[no-untyped-def]
            made.append(sender.answer(hello, tables, due=due))
            return made[-1]

        converse(session, answer, schedule=schedule)
        found = receiver.conclude(session, own_tables)
        supplier_of = {handle: no for no, handle in sender.handles.items()}
        for ask in session.hello.tiers:
            tier = ask.tier
            postponed = clear[tier].release(theirs[tier]) if due else 0
            assert made[0].plans[tier].postponed == postponed
            key_of = {key_id(key, tier): key for key in KEYS}
            each = found[tier]
            rows = [
                (own, supplier_of[handle], key_of[key])
                for own, handle, key in zip(
                    each.suppliers.tolist(), each.handles.tolist(), each.key_ids.tolist(), strict=True
                )
            ]
            assert len(set(rows)) == len(rows)
            assert set(rows) == clear[tier].join(theirs[tier], ours[tier])
            check_set(sender, made[0], tier)
            # Only the difference travels, and what was released before is not made anew.
            assert not before[tier].keys() & made[0].deltas[tier].keys()
            assert before[tier].items() <= sender.deltas[tier].items()
            own = {key_id(key, tier) for key, owners in holders(ours[tier]).items() if 1 <= len(owners) <= 4}
            assert ask.elements == padded_count(len(own - asked_before.get(tier, set())))


@settings(max_examples=10)
@given(history=st.lists(plain_lists, min_size=1, max_size=3), ours=plain_lists, seed=st.integers(0, 2**32))
def test_join_of_a_late_receiver_equals_that_of_one_who_was_there_all_along(
    history: list[Plain], ours: Plain, seed: int
) -> None:
    sender = SenderEnd(rng_of((seed, "sender")))
    steady, late = (ReceiverEnd(rng_of((seed, name))) for name in ("steady", "late"))
    own = {"A": table_of(ours)}
    for theirs in history:
        session = steady.ask(own)
        converse(session, lambda hello, theirs=theirs: sender.answer(hello, {"A": table_of(theirs)}))
        last = steady.conclude(session, own)["A"]
    session = late.ask(own)
    converse(session, lambda hello: sender.answer(hello, {"A": table_of(history[-1])}, due=False))
    first = late.conclude(session, own)["A"]
    # Dummies and entries stay as they were made: the late one holds the same bytes.
    assert late.held["A"].deltas == steady.held["A"].deltas
    for one, other in ((last, first),):
        rows = [
            sorted(zip(each.suppliers.tolist(), each.handles.tolist(), each.key_ids.tolist(), strict=True))
            for each in (one, other)
        ]
        assert rows[0] == rows[1]


@settings(max_examples=8)
@given(
    ours=plain_lists,
    theirs=plain_lists,
    cut=st.integers(1, 40),
    step=st.integers(1, 40),
    seed=st.integers(0, 99),
)
def test_receiver_evaluations_cut_anywhere_give_the_same_outputs(
    ours: Plain, theirs: Plain, cut: int, step: int, seed: int
) -> None:
    """The chunks of the two ends need not agree."""
    table = table_of(ours)
    sender = SenderEnd(rng_of(seed))
    with patch("symbolon.exchange.receiver.CHUNK_ELEMENTS", step):
        session = ReceiverEnd(rng_of((seed, 1))).ask({"A": table})
        script = script_of(session, lambda hello: sender.answer(hello, {"A": table_of(theirs)}))
        whole = b"".join(message.data for message in script if isinstance(message, Evaluated))
        session.receive(script[0])
        for at in range(0, len(whole), 32 * cut):
            session.receive(Evaluated("A", at // 32, whole[at : at + 32 * cut]))
        for message in script[1:]:
            if not isinstance(message, Evaluated):
                session.receive(message)
    keys = live_keys(table).keys
    inputs = [table.inputs[at] for at in keys]
    direct = SUITE.evaluate(sender.key("A"), inputs, table.points_for(SUITE, keys))
    assert session.results()["A"].own.outputs == direct
