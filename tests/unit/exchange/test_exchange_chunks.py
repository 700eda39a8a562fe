import pytest

from symbolon.errors import RemoteProtocolError
from symbolon.exchange.chunks import Inbound, Preparation, outbound
from symbolon.exchange.limits import CHUNK_ELEMENTS, MAX_CHUNK_BYTES
from symbolon.exchange.messages import Elements, Working


def chunk(offset: int, count: int, width: int = 32) -> Elements:
    return Elements("A", offset, bytes([7]) * (count * width))


def test_inbound_of_chunks_in_order_is_complete_at_the_declared_count() -> None:
    run = Inbound(5, 32)
    assert run.take(chunk(0, 2)) == 2
    assert not run.complete
    assert run.take(chunk(2, 3)) == 3
    assert run.complete


def test_inbound_of_nothing_declared_is_complete_at_once() -> None:
    assert Inbound(0, 32).complete


@pytest.mark.parametrize(
    ("message", "code"),
    [
        (Elements("A", 2, b"x" * 33), "protocol.width"),
        (chunk(1, 1), "protocol.order"),
        (chunk(3, 1), "protocol.order"),
        (chunk(2, 4), "protocol.excess"),
    ],
)
def test_inbound_that_does_not_fit_is_refused_and_counts_nothing(message: Elements, code: str) -> None:
    run = Inbound(5, 32)
    run.take(chunk(0, 2))
    with pytest.raises(RemoteProtocolError) as caught:
        run.take(message)
    assert caught.value.full_code == code
    assert run.taken == 2


@pytest.mark.parametrize("count", [0, 1, CHUNK_ELEMENTS, CHUNK_ELEMENTS + 1, 2 * CHUNK_ELEMENTS])
def test_outbound_cuts_whole_items_in_order(count: int) -> None:
    data = bytes(at % 251 for at in range(count * 16))
    pieces = list(outbound(data, 16))
    assert b"".join(piece for _, piece in pieces) == data
    assert [at for at, _ in pieces] == list(range(0, count, CHUNK_ELEMENTS))
    assert all(0 < len(piece) <= MAX_CHUNK_BYTES for _, piece in pieces)


def test_preparation_takes_the_same_count_again_and_a_higher_one() -> None:
    preparation = Preparation(64)
    for done in (0, 0, 3, 3, 64, 64):
        preparation.take(Working("A", done, 64))
    assert (preparation.done, preparation.told) == (64, 6)


@pytest.mark.parametrize(
    ("message", "code"),
    [
        (Working("A", 4, 64), "protocol.order"),
        (Working("A", 5, 63), "protocol.excess"),
        (Working("A", 5, 65), "protocol.excess"),
    ],
)
def test_preparation_that_does_not_fit_is_refused_and_counts_nothing(message: Working, code: str) -> None:
    preparation = Preparation(64)
    preparation.take(Working("A", 5, 64))
    with pytest.raises(RemoteProtocolError) as caught:
        preparation.take(message)
    assert caught.value.full_code == code
    assert (preparation.done, preparation.told) == (5, 1)
