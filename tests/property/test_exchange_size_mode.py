"""Size mode counts what the lists share, and shows nothing else of them."""

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from symbolon.api.exchange.v1 import exchange_pb2 as pb
from symbolon.exchange.padding import padded_count
from symbolon.exchange.size_mode import shown
from unit.exchange.harness import converse, rng_of, size_answer, size_receiver, table_of

KEYS = [f"k{number}" for number in range(12)]

Plain = dict[int, frozenset[str]]
plain_lists = st.dictionaries(
    st.integers(1, 14), st.frozensets(st.sampled_from(KEYS), min_size=1, max_size=4), min_size=1, max_size=14
)


def holders(plain: Plain) -> dict[str, list[int]]:
    return {key: sorted(no for no, keys in plain.items() if key in keys) for key in KEYS}


def clear_count(ours: list[Plain], theirs: list[Plain]) -> int:
    """Records with a shared key; a key of several records counts for the first; crowded keys for none."""
    counted = set()
    for own, other in zip(ours, theirs, strict=True):
        own_holders, their_holders = holders(own), holders(other)
        counted |= {
            own_holders[key][0]
            for key in KEYS
            if 1 <= len(own_holders[key]) <= 4 and 1 <= len(their_holders[key]) <= 4
        }
    return len(counted)


@settings(max_examples=20)
@given(
    ours=st.tuples(plain_lists, plain_lists),
    theirs=st.tuples(plain_lists, plain_lists),
    both=st.booleans(),
    seed=st.integers(0, 2**32),
)
def test_size_count_equals_the_count_in_the_clear(
    ours: tuple[Plain, Plain], theirs: tuple[Plain, Plain], both: bool, seed: int
) -> None:
    tiers = "AB" if both else "A"
    own = [table_of(plain, tier) for plain, tier in zip(ours, tiers, strict=False)]
    other = [table_of(plain, tier) for plain, tier in zip(theirs, tiers, strict=False)]
    receiver = size_receiver(own, rng_of((seed, "receiver")))
    transcript = converse(
        receiver,
        lambda hello: size_answer(hello, other, rng_of((seed, "sender"))),
        schedule=random.Random(seed),
    )
    count = len(tiers)
    assert receiver.count() == clear_count(list(ours[:count]), list(theirs[:count]))

    said = [pb.ReceiverMessage.FromString(data) for data in transcript.said]
    elements = b"".join(message.elements.data for message in said[1:])
    rows = [elements[at : at + 32] for at in range(0, len(elements), 32)]
    assert len(set(rows)) == len(rows), "an element that is sent twice shows that two records share a key"
    records = len({no for plain in ours[:count] for no in plain})
    assert len(rows) == padded_count(records) * (8 if both else 4)

    heard = [pb.SenderMessage.FromString(data) for data in transcript.heard]
    tokens = b"".join(message.entries.data for message in heard if message.WhichOneof("body") == "entries")
    live = sum(1 <= len(each) <= 4 for plain in theirs[:count] for each in holders(plain).values())
    assert len(tokens) == 16 * padded_count(live)
    cut = [tokens[at : at + 16] for at in range(0, len(tokens), 16)]
    assert cut == sorted(set(cut))


@given(count=st.integers(0, 10**7))
def test_size_shown_is_in_tens_and_never_more_than_the_count(count: int) -> None:
    words = shown(count)
    if count < 10:
        assert words == "fewer than 10"
    else:
        number = int(words.removeprefix("at least "))
        assert number % 10 == 0
        assert number <= count < number + 10
