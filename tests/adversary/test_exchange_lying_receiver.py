"""A receiver that breaks the protocol: the sender refuses, stays failed, and raises nothing else."""

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from symbolon.api.exchange.v1 import exchange_pb2 as pb
from symbolon.errors import RemoteProtocolError
from symbolon.exchange.limits import MAX_CHUNK_BYTES, MAX_ENTRIES
from symbolon.exchange.messages import Elements, Failure, ReceiverMessage, TierAsk
from symbolon.exchange.sender import Sender, State
from symbolon.rpc import codec
from unit.exchange.harness import (
    ReceiverEnd,
    SenderEnd,
    converse,
    hello_of,
    rng_of,
    size_answer,
    table_of,
)

THEIRS = {7: {"b"}, 8: {"d", "e"}}
NINE = (9).to_bytes(32, "little")
P = 2**255 - 19


def opened(*, size: bool = False) -> Sender:
    mode = "size" if size else "intersection"
    hello = hello_of((TierAsk("A", 64),), rng_of("hello"), mode=mode)
    if size:
        sender = size_answer(hello, [table_of(THEIRS)], rng_of("sender")).sender
    else:
        sender = SenderEnd(rng_of("sender")).answer(hello, {"A": table_of(THEIRS)}).sender
    sender.accept()
    return sender


def elements(at: int = 0, count: int = 1, tier: str = "A") -> Elements:
    return Elements(tier, at, NINE * count)


ATTACKS: dict[str, tuple[list[ReceiverMessage], str]] = {
    "more_elements_than_declared": ([elements(0, 65)], "protocol.excess"),
    "elements_after_the_last": ([elements(0, 64), elements(64)], "protocol.excess"),
    "the_same_elements_again": ([elements(0, 64), elements(0, 64)], "protocol.order"),
    "elements_out_of_order": ([elements(32, 32)], "protocol.order"),
    "a_repeated_chunk": ([elements(0, 8), elements(0, 8)], "protocol.order"),
    "a_gap": ([elements(0, 8), elements(9, 8)], "protocol.order"),
    "an_offset_far_away": ([elements(MAX_ENTRIES)], "protocol.order"),
    "a_torn_element": ([Elements("A", 0, NINE + b"x")], "protocol.width"),
    "an_undeclared_tier": ([elements(tier="B")], "protocol.tier"),
    "a_tier_without_a_name": ([elements(tier="")], "protocol.tier"),
    "a_tier_with_a_long_name": ([elements(tier="A" * 100_000)], "protocol.tier"),
    "a_second_hello": (
        [elements(0, 8), hello_of((TierAsk("A", 64),), rng_of(1))],
        "protocol.state",
    ),
    "a_failure": ([elements(0, 8), Failure("internal", "internal error")], "peer.internal"),
    "an_oversized_chunk": ([Elements("A", 0, NINE * (MAX_CHUNK_BYTES // 32))], "protocol.excess"),
    "an_all_zero_element": ([Elements("A", 0, NINE + bytes(32))], "protocol.element"),
    "an_element_of_low_order": ([Elements("A", 0, NINE + (1).to_bytes(32, "little"))], "protocol.element"),
    "an_element_p_minus_one": ([Elements("A", 0, (P - 1).to_bytes(32, "little"))], "protocol.element"),
    "an_element_p_minus_two": ([Elements("A", 0, (P - 2).to_bytes(32, "little"))], "protocol.element"),
    "an_element_p_minus_nine": ([Elements("A", 0, (P - 9).to_bytes(32, "little"))], "protocol.element"),
    "an_element_not_canonical": ([Elements("A", 0, (P + 9).to_bytes(32, "little"))], "protocol.element"),
    "an_element_with_the_top_bit": ([Elements("A", 0, b"\xff" * 32)], "protocol.element"),
}


@pytest.mark.parametrize("size", [False, True], ids=["intersection", "size"])
@pytest.mark.parametrize("attack", ATTACKS)
def test_receiver_attack_ends_in_a_refusal_and_a_failed_session(attack: str, size: bool) -> None:
    messages, code = ATTACKS[attack]
    sender = opened(size=size)
    for message in messages[:-1]:
        sender.receive(message)
    with pytest.raises(RemoteProtocolError) as caught:
        sender.receive(messages[-1])
    assert caught.value.full_code == code
    assert sender.state is State.FAILED
    for message in (*messages, elements()):
        with pytest.raises(RemoteProtocolError):
            sender.receive(message)
    assert sender.state is State.FAILED


def test_receiver_speaks_before_the_answer_and_is_refused() -> None:
    hello = hello_of((TierAsk("A", 64),), rng_of("hello"))
    sender = SenderEnd(rng_of("sender")).answer(hello, {"A": table_of(THEIRS)}).sender
    with pytest.raises(RemoteProtocolError) as caught:
        sender.receive(elements())
    assert caught.value.full_code == "protocol.state"
    assert sender.state is State.FAILED


def test_receiver_asks_with_the_base_point_and_learns_no_more_than_one_evaluation() -> None:
    """A known element is evaluated like any other: what bounds it is the budget, not its looks."""
    (answer,) = opened().receive(elements())
    assert len(answer.data) == 32


_HUGE = 2**64 - 1
HELLO_ATTACKS: dict[str, Callable[[pb.Hello], object]] = {
    "elements_beyond_the_limit": lambda h: setattr(h.tiers[0], "elements", 2**24 + 1),
    "a_huge_count_of_elements": lambda h: setattr(h.tiers[0], "elements", _HUGE),
    "fewer_elements_than_the_smallest_batch": lambda h: setattr(h.tiers[0], "elements", 63),
    "a_huge_have_delta": lambda h: setattr(h.tiers[0], "have_delta", 2**32 - 1),
    "have_delta_without_an_epoch": lambda h: setattr(h.tiers[0], "have_delta", 1),
    "a_huge_epoch": lambda h: setattr(h, "epoch", _HUGE),
    "a_tier_twice": lambda h: h.tiers.add(tier="A", elements=64),
    "ten_thousand_tiers": lambda h: [h.tiers.add(tier=f"T{n}", elements=64) for n in range(10_000)],
    "an_unknown_tier": lambda h: setattr(h.tiers[0], "tier", "Z"),
    "no_tier": lambda h: h.ClearField("tiers"),
    "a_group_size_in_intersection_mode": lambda h: setattr(h, "group_size", 4),
    "an_unknown_mode": lambda h: setattr(h, "mode", "union"),
    "a_long_suite": lambda h: setattr(h, "suite", "x" * 1_000_000),
    "a_purpose_that_is_a_path": lambda h: setattr(h, "purpose", "../../etc/passwd"),
    "a_purpose_with_a_line_break": lambda h: setattr(h, "purpose", "x\nforged audit entry"),
    "a_short_session_id": lambda h: setattr(h, "session_id", b"x"),
}


def _hello() -> pb.Hello:
    return codec.encode_receiver(hello_of((TierAsk("A", 64),), rng_of("hello"))).hello


@pytest.mark.parametrize("attack", HELLO_ATTACKS)
def test_receiver_attack_in_the_hello_is_refused_before_there_is_a_session(attack: str) -> None:
    hello = _hello()
    HELLO_ATTACKS[attack](hello)
    data = pb.ReceiverMessage(hello=hello).SerializeToString()
    with pytest.raises(RemoteProtocolError) as caught:
        codec.decode_receiver(pb.ReceiverMessage.FromString(data))
    assert caught.value.full_code == "protocol.malformed"


@pytest.mark.parametrize("group", [0, 1, 2, 3, 5, 8, 2**32 - 1])
def test_receiver_with_a_wrong_group_size_is_refused(group: int) -> None:
    """One element a record would make the shuffle worthless, and every hit a name."""
    hello = _hello()
    hello.mode = "size"
    hello.group_size = group
    with pytest.raises(RemoteProtocolError):
        codec.decode_receiver(pb.ReceiverMessage(hello=hello))


@pytest.mark.parametrize("data", [b"", bytes(MAX_CHUNK_BYTES + 1)], ids=["zero_length", "oversized"])
def test_receiver_with_a_chunk_out_of_bounds_is_refused(data: bytes) -> None:
    wire = pb.ReceiverMessage(elements=pb.Elements(tier="A", offset=0, data=data))
    with pytest.raises(RemoteProtocolError) as caught:
        codec.decode_receiver(wire)
    assert caught.value.full_code == "protocol.malformed"


@settings(max_examples=60)
@given(
    size=st.booleans(),
    messages=st.lists(
        st.one_of(
            st.builds(elements, st.sampled_from([0, 1, 8, 16]), st.integers(1, 70), st.sampled_from("AB")),
            st.builds(Elements, st.just("A"), st.integers(0, 4), st.binary(min_size=1, max_size=64)),
            st.builds(Failure, st.text(max_size=5), st.text(max_size=5)),
        ),
        max_size=6,
    ),
)
def test_receiver_says_anything_at_all_and_gets_evaluations_or_a_refusal(
    size: bool, messages: list[ReceiverMessage]
) -> None:
    sender = opened(size=size)
    asked = answered = 0
    for message in messages:
        try:
            answers = sender.receive(message)
        except RemoteProtocolError:
            assert sender.state is State.FAILED
            continue
        assert sender.state is State.OPEN
        asked += len(message.data)  # type: ignore[union-attr]
        answered += sum(len(answer.data) for answer in answers)
    assert answered <= asked <= 64 * 32


def test_sender_watching_the_receiver_sees_the_same_whether_nothing_or_everything_hits() -> None:
    """Same list, same randomness: what the receiver says is the same to the byte, over two sessions."""
    ours = {no: {f"k{no}", f"k{no % 7}x"} for no in range(1, 120)}
    grown = {**ours, 500: {"new"}, 501: {"newer"}}
    said: list[list[bytes]] = []
    hits: list[int] = []
    for theirs in ({no: {f"other{no}"} for no in ours}, ours):
        sender, receiver = SenderEnd(rng_of("sender")), ReceiverEnd(rng_of("receiver"))
        heard: list[bytes] = []
        for own in (ours, grown):
            tables = {"A": table_of(own)}
            session = receiver.ask(tables)
            transcript = converse(
                session, lambda hello, t=theirs, s=sender: s.answer(hello, {"A": table_of(t)})
            )
            heard += transcript.said
            found = receiver.conclude(session, tables)["A"]
        hits.append(len(found))
        said.append(heard)
    assert hits[0] == 0
    assert hits[1] >= len(ours)
    assert said[0] == said[1]
