"""Receiver and sender driven by hand: what each says when, and what it refuses to be made to do."""

import pytest

from symbolon.errors import LocalProtocolError, RemoteProtocolError, StaleEpochError
from symbolon.exchange import receiver as receiving
from symbolon.exchange import sender as sending
from symbolon.exchange.messages import Elements, Evaluated, Failure, TierAsk, TierOffer, Working
from symbolon.exchange.receiver import Receiver
from symbolon.exchange.sender import Sender, shuffle_groups
from symbolon.exchange.sender_set import live_keys
from symbolon.exchange.size_mode import SizeReceiver, distinct_points, record_groups
from unit.exchange.harness import (
    SIGNED,
    SUITE,
    ReceiverEnd,
    SenderEnd,
    converse,
    hello_of,
    rng_of,
    script_of,
    size_answer,
    size_receiver,
    table_of,
)

OURS = {1: {"a", "b"}, 2: {"b", "c"}, 3: {"d"}}
THEIRS = {7: {"b"}, 8: {"d", "e"}}


def ends() -> tuple[ReceiverEnd, SenderEnd]:
    return ReceiverEnd(rng_of("receiver")), SenderEnd(rng_of("sender"))


def pairs(end: SenderEnd, found) -> set[tuple[int, int]]:  # type: ignore[no-untyped-def]
    supplier_of = {handle: no for no, handle in end.handles.items()}
    return {
        (own, supplier_of[handle])
        for each in found.values()
        for own, handle in zip(each.suppliers.tolist(), each.handles.tolist(), strict=True)
    }


def test_session_finds_the_shared_suppliers() -> None:
    receiver, sender = ends()
    tables = {"A": table_of(OURS)}
    session = receiver.ask(tables)
    converse(session, lambda hello: sender.answer(hello, {"A": table_of(THEIRS)}))
    assert session.state is receiving.State.DONE
    assert pairs(sender, receiver.conclude(session, tables)) == {(1, 7), (2, 7), (3, 8)}


def test_session_of_two_empty_lists_runs_to_its_end() -> None:
    receiver, sender = ends()
    tables = {"A": table_of({})}
    session = receiver.ask(tables)
    converse(session, lambda hello: sender.answer(hello, tables))
    assert pairs(sender, receiver.conclude(session, tables)) == set()


def test_second_session_asks_and_sends_the_difference_only() -> None:
    receiver, sender = ends()
    many = {no: {f"k{no}"} for no in range(1, 201)}
    first = receiver.ask({"A": table_of(many)})
    converse(first, lambda hello: sender.answer(hello, {"A": table_of(many)}))
    receiver.conclude(first, {"A": table_of(many)})
    assert first.hello.tiers[0].elements == 208

    grown = {**many, 201: {"new"}}
    second = receiver.ask({"A": table_of(grown)})
    assert second.hello.epoch == 1
    assert second.hello.tiers == (TierAsk("A", 64, have_delta=1),)
    transcript = converse(second, lambda hello: sender.answer(hello, {"A": table_of(grown)}))
    assert pairs(sender, receiver.conclude(second, {"A": table_of(grown)})) == {(no, no) for no in grown}
    assert sum(map(len, transcript.said)) < 64 * 32 + 200
    assert sum(map(len, transcript.heard)) < 64 * 32 + 64 * 16 + 200


def test_session_in_an_epoch_that_is_over_is_refused_as_stale() -> None:
    receiver, sender = ends()
    tables = {"A": table_of(OURS)}
    first = receiver.ask(tables)
    converse(first, lambda hello: sender.answer(hello, tables))
    receiver.conclude(first, tables)
    sender.new_epoch()
    with pytest.raises(StaleEpochError):
        converse(receiver.ask(tables), lambda hello: sender.answer(hello, tables))


def test_every_element_of_a_session_is_new_in_the_next() -> None:
    """Fresh blinds and a fresh order: equal elements would link two sessions' keys."""
    tables = {"A": table_of(OURS)}
    sent: list[set[bytes]] = []
    receiver = ReceiverEnd(rng_of("receiver"))
    for _ in range(2):
        session = receiver.ask(tables)
        session.start()
        data = b"".join(message.data for message in session.elements())
        sent.append({data[at : at + 32] for at in range(0, len(data), 32)})
    assert len(sent[0]) == len(sent[1]) == 64
    assert not sent[0] & sent[1]


def test_receiver_driven_out_of_order_raises_a_local_error() -> None:
    receiver, _ = ends()
    session = receiver.ask({"A": table_of(OURS)})
    with pytest.raises(LocalProtocolError):
        session.results()
    with pytest.raises(LocalProtocolError):
        next(session.elements())
    session.start()
    with pytest.raises(LocalProtocolError):
        session.start()
    with pytest.raises(LocalProtocolError):
        session.results()


def test_receiver_whose_hello_does_not_fit_its_keys_is_not_made() -> None:
    asked = {"A": receiving.AskedKeys(table_of(OURS), table_of(OURS).link_key[:1])}
    with pytest.raises(LocalProtocolError):
        Receiver(hello_of((TierAsk("A", 80),), rng_of(1)), asked, SUITE, rng_of(1))


def test_receiver_that_failed_asks_no_further() -> None:
    """The side that speaks ends quietly, so that the reason the other side met is what is told."""
    receiver, _ = ends()
    session = receiver.ask({"A": table_of(OURS)})
    session.start()
    with pytest.raises(RemoteProtocolError):
        session.receive(Failure("internal", "internal error"))
    assert session.state is receiving.State.FAILED
    assert list(session.elements()) == []


def test_sender_driven_out_of_order_raises_a_local_error() -> None:
    _, sender = ends()
    hello = hello_of((TierAsk("A", 64),), rng_of(2))
    answering = sender.answer(hello, {"A": table_of(THEIRS)})
    session = answering.sender
    with pytest.raises(LocalProtocolError):
        session.finish(*SIGNED)
    session.accept()
    with pytest.raises(LocalProtocolError):
        session.accept()
    with pytest.raises(LocalProtocolError):
        session.finish(*SIGNED)
    with pytest.raises(LocalProtocolError):
        next(session.entries("A", 2, b"x" * 64 * 16))
    with pytest.raises(LocalProtocolError):
        next(session.entries("A", 1, b"x" * 63 * 16))
    with pytest.raises(LocalProtocolError):
        next(session.withdrawn("A", b"x" * 10))
    with pytest.raises(LocalProtocolError):
        Sender(hello, 1, (TierOffer("B", 10, ()),), {}, SUITE, rng_of(3))


def test_sender_never_sends_a_delta_twice_in_a_session() -> None:
    _, sender = ends()
    answering = sender.answer(hello_of((TierAsk("A", 64),), rng_of(2)), {"A": table_of(THEIRS)})
    answering.sender.accept()
    data = answering.deltas["A"][1]
    list(answering.sender.entries("A", 1, data))
    with pytest.raises(LocalProtocolError):
        next(answering.sender.entries("A", 1, data))


def test_sender_says_how_far_its_set_is_only_while_open() -> None:
    _, sender = ends()
    session = sender.answer(hello_of((TierAsk("A", 64),), rng_of(2)), {"A": table_of(THEIRS)}).sender
    with pytest.raises(LocalProtocolError):
        session.working("A")
    session.accept()
    assert session.working("A") == Working("A", 0, 64)
    session.made("A", 60)
    assert session.working("A") == Working("A", 60, 64)
    with pytest.raises(RemoteProtocolError):
        session.receive(Failure("internal", "internal error"))
    with pytest.raises(LocalProtocolError):
        session.working("A")


def test_receiver_told_of_the_work_of_a_sender_finds_the_same() -> None:
    receiver, sender = ends()
    tables = {"A": table_of(OURS)}
    session = receiver.ask(tables)
    accept, *others = script_of(session, lambda hello: sender.answer(hello, {"A": table_of(THEIRS)}))
    session.receive(accept)
    for done, message in enumerate(others[:-1]):
        session.receive(Working("A", done, 64))
        session.receive(message)
    session.receive(others[-1])
    assert session.state is receiving.State.DONE
    assert pairs(sender, receiver.conclude(session, tables)) == {(1, 7), (2, 7), (3, 8)}


def test_size_receiver_told_of_the_work_of_a_sender_counts_the_same() -> None:
    """Also after the last token: a sender keeps its evaluations until it has them all."""
    session = size_receiver([table_of(OURS)], rng_of(8))
    script = script_of(session, lambda hello: size_answer(hello, [table_of(THEIRS)], rng_of(9)))
    for message in sorted(script[:-1], key=lambda each: isinstance(each, Evaluated)):
        session.receive(message)
        if not isinstance(message, Evaluated):
            session.receive(Working("A", 64, 64))
    session.receive(script[-1])
    assert session.count() == 2


def test_sender_repr_shows_no_key() -> None:
    _, sender = ends()
    answering = sender.answer(hello_of((TierAsk("A", 64),), rng_of(2)), {"A": table_of(THEIRS)})
    assert sender.key("A").hex() not in repr(answering.sender)
    assert repr(sender.key("A")) not in repr(vars(answering.sender).get("hello"))


def test_size_sender_answers_only_once_all_elements_have_come() -> None:
    table = table_of(OURS)
    session = size_receiver([table], rng_of(4))
    sender = size_answer(session.start(), [table], rng_of(5)).sender
    sender.accept()
    (whole,) = list(session.elements())
    half = len(whole.data) // 2
    assert sender.receive(Elements("A", 0, whole.data[:half])) == []
    answers = sender.receive(Elements("A", half // 32, whole.data[half:]))
    assert sum(len(answer.data) for answer in answers) == len(whole.data)
    assert sender.state is sending.State.OPEN


def test_size_sender_returns_the_evaluations_in_another_order_than_they_were_asked() -> None:
    """The receiver must not learn by position which of its records hit."""
    table = table_of({no: {f"k{no}"} for no in range(60)})
    session = size_receiver([table], rng_of(4))
    sender = size_answer(session.start(), [table], rng_of(5)).sender
    sender.accept()
    (whole,) = list(session.elements())
    data = b"".join(answer.data for answer in sender.receive(whole))
    in_order = SUITE.blind_evaluate(sender._keys["A"], whole.data)
    answered, plain = (
        [buffer[at : at + 32] for at in range(0, len(buffer), 32)] for buffer in (data, in_order)
    )
    assert sorted(answered) == sorted(plain)
    assert sum(one == other for one, other in zip(answered, plain, strict=True)) < 16


def test_size_sender_moves_records_and_elements_within_them() -> None:
    """Same elements, same key, other randomness: another order every time, records still whole."""
    rng = rng_of(6)
    data = b"".join(bytes([record, item]) * 16 for record in range(50) for item in range(4))
    orders = set()
    for _ in range(5):
        mixed = shuffle_groups(data, 4, SUITE, rng)
        orders.add(mixed)
        groups = [mixed[at : at + 128] for at in range(0, len(mixed), 128)]
        cut = [[group[at : at + 32] for at in range(0, 128, 32)] for group in groups]
        assert all(len({item[0] for item in group}) == 1 for group in cut), "records stay whole"
        assert sorted(item for group in cut for item in group) == sorted(
            data[at : at + 32] for at in range(0, len(data), 32)
        )
        assert [group[0][0] for group in cut] != list(range(50))
        assert any([item[1] for item in group] != [0, 1, 2, 3] for group in cut)
    assert len(orders) == 5


def test_size_receiver_asks_exactly_a_group_for_every_record_and_dummy_record() -> None:
    table = table_of({no: {f"k{no}-{at}" for at in range(6)} for no in range(1, 71)})
    session = size_receiver([table], rng_of(7))
    session.start()
    data = b"".join(message.data for message in session.elements())
    assert len(data) == 72 * 4 * 32
    assert len({data[at : at + 32] for at in range(0, len(data), 32)}) == 72 * 4


def test_size_receiver_counts_a_key_of_several_records_once() -> None:
    shared = {1: {"a"}, 2: {"a"}, 3: {"b"}}
    session = size_receiver([table_of(shared)], rng_of(8))
    converse(session, lambda hello: size_answer(hello, [table_of({9: {"a", "b"}})], rng_of(9)))
    assert session.count() == 2


def test_size_receiver_driven_out_of_order_raises_a_local_error() -> None:
    session = size_receiver([table_of(OURS)], rng_of(10))
    with pytest.raises(LocalProtocolError):
        next(session.elements())
    with pytest.raises(LocalProtocolError):
        session.count()
    session.start()
    with pytest.raises(LocalProtocolError):
        session.start()
    with pytest.raises(LocalProtocolError):
        SizeReceiver(
            hello_of((TierAsk("A", 512),), rng_of(1), mode="size"),
            session._points,
            record_groups([table_of(OURS)], 4),
            SUITE,
            rng_of(1),
        )


def test_size_sessions_share_no_element_and_no_token() -> None:
    """A fresh key and a fresh blind every time, so two counts cannot be laid over one another."""
    seen: list[tuple[set[bytes], set[bytes]]] = []
    sender_rng = rng_of("keys")
    for number in range(2):
        session = size_receiver([table_of(OURS)], rng_of((11, number)))
        script = script_of(session, lambda hello: size_answer(hello, [table_of(THEIRS)], sender_rng))
        evaluated = b"".join(message.data for message in script if isinstance(message, Evaluated))
        tokens = b"".join(message.data for message in script if type(message).__name__ == "Entries")
        seen.append(
            (
                {evaluated[at : at + 32] for at in range(0, len(evaluated), 32)},
                {tokens[at : at + 16] for at in range(0, len(tokens), 16)},
            )
        )
    assert not seen[0][0] & seen[1][0]
    assert not seen[0][1] & seen[1][1]


def test_size_groups_keep_the_strongest_keys_of_a_record_with_too_many() -> None:
    tables = [
        table_of({1: {f"a{at}" for at in range(6)}}, "A"),
        table_of({1: {f"b{at}" for at in range(6)}}, "B"),
    ]
    (group,) = record_groups(tables, 8)
    assert sorted(group.tolist()) == [0, 1, 2, 3, 4, 5, 6, 7]


class WatchedSuite:
    """The suite, with a note of which points were blinded in which order."""

    def __init__(self) -> None:
        self.blinded: list[bytes] = []

    def __getattr__(self, name: str):  # type: ignore[no-untyped-def]
        return getattr(SUITE, name)

    def _note(self, elements: bytes) -> None:
        self.blinded += [elements[at : at + 32] for at in range(0, len(elements), 32)]

    def blind(self, elements: bytes, blinds):  # type: ignore[no-untyped-def]
        self._note(elements)
        return SUITE.blind(elements, blinds)

    def blind_with_one(self, elements: bytes, pair):  # type: ignore[no-untyped-def]
        self._note(elements)
        return SUITE.blind_with_one(elements, pair)


def test_receiver_asks_its_keys_in_an_order_of_chance() -> None:
    """The table's order follows the keys: sent in that order, positions would name them."""
    table = table_of({no: {f"k{no}"} for no in range(200)})
    orders = []
    for number in range(2):
        suite = WatchedSuite()
        asked = {"A": receiving.AskedKeys(table, live_keys(table).keys)}
        hello = hello_of((TierAsk("A", 208),), rng_of(number))
        session = Receiver(hello, asked, suite, rng_of(number))  # type: ignore[arg-type]
        session.start()
        list(session.elements())
        points = [row.tobytes() for row in table.points]
        assert sorted(suite.blinded) == sorted(points)
        orders.append([points.index(each) for each in suite.blinded])
    assert orders[0] != orders[1]
    assert all(order != sorted(order) for order in orders)


def test_receiver_spreads_its_dummies_among_its_elements() -> None:
    """The sender sees 64 elements; where the two true ones stand differs from session to session."""
    table = table_of({1: {"a", "b"}})
    places = set()
    for number in range(6):
        session = Receiver(
            hello_of((TierAsk("A", 64),), rng_of(number)),
            {"A": receiving.AskedKeys(table, live_keys(table).keys)},
            SUITE,
            rng_of(number),
        )
        places.add(tuple(sorted(int(at) for at in (session._tiers["A"].order < 2).nonzero()[0])))
    assert len(places) == 6


def test_size_receiver_asks_records_and_their_keys_in_an_order_of_chance() -> None:
    table = table_of({no: {f"k{no}", f"m{no}"} for no in range(1, 101)})
    suite = WatchedSuite()
    groups = record_groups([table], 4)
    hello = hello_of((TierAsk("A", 104 * 4),), rng_of(1), mode="size")
    session = SizeReceiver(hello, distinct_points([table], SUITE), groups, suite, rng_of(2))  # type: ignore[arg-type]
    session.start()
    list(session.elements())
    points = [row.tobytes() for row in table.points]
    order = [points.index(each) for each in suite.blinded]
    assert sorted(order) == list(range(200))
    in_groups = [at for group in groups.tolist() for at in group if at >= 0]
    assert order != in_groups
    owners = [row for row, group in enumerate(groups.tolist()) for at in group if at in order]
    assert [owners[in_groups.index(at)] for at in order] != sorted(owners)
    # Records stay together whatever their order: that is what lets the sender shuffle them.
    owner = {at: row for row, group in enumerate(groups.tolist()) for at in group if at >= 0}
    assert all(owner[order[at]] == owner[order[at + 1]] for at in range(0, 200, 2))
