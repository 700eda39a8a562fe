"""A question about permission is told from every exchange that a node opens."""

import pytest

from symbolon.exchange.limits import MIN_PADDED, SIZE_GROUP, SIZE_MIN_RECORDS
from symbolon.exchange.messages import MATCH, Hello, TierAsk
from symbolon.exchange.size_mode import declared_elements
from symbolon.rpc.permission_question import is_question, is_yes, make_question


@pytest.mark.parametrize(
    ("mode", "tiers"), [("size", "A"), ("size", "AB"), ("intersection", "A"), ("intersection", "ABC")]
)
def test_question_is_recognised(mode: str, tiers: str) -> None:
    assert is_question(make_question("suite", "harbour", mode, "due-diligence", tuple(tiers)))


def hello(mode: str, epoch: int, asks: tuple[TierAsk, ...], group_size: int = 0) -> Hello:
    return Hello(bytes(16), "suite", "harbour", MATCH, mode, "due-diligence", epoch, asks, group_size)


@pytest.mark.parametrize("epoch", [0, 1, 90])
def test_intersection_of_the_shortest_list_is_no_question(epoch: int) -> None:
    assert not is_question(hello("intersection", epoch, (TierAsk("A", MIN_PADDED),)))


@pytest.mark.parametrize("tiers", ["A", "AB"])
def test_size_of_the_shortest_list_is_no_question(tiers: str) -> None:
    group = SIZE_GROUP[tiers]
    elements = declared_elements(SIZE_MIN_RECORDS, group)
    assert not is_question(hello("size", 0, (TierAsk(tiers, elements),), group))


@pytest.mark.parametrize(
    ("code", "yes"),
    [
        ("protocol.receipt", True),
        ("protocol.stale_epoch", True),
        ("permission.small", True),
        ("permission.denied", False),
        ("", False),
    ],
)
def test_answer_is_read_from_the_refusal(code: str, yes: bool) -> None:
    assert is_yes(code) is yes
