"""How much a member may ask of the founders in a day."""

import pytest

from symbolon.errors import MembershipError
from symbolon.rpc.request_limit import MAX_A_DAY, RequestLimit


class Clock:
    now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def refused(limit: RequestLimit, member: str) -> bool:
    try:
        limit.require_room(member)
    except MembershipError as error:
        return error.full_code == "membership.proposal.many"
    return False


def test_requests_beyond_the_limit_are_refused_for_a_day_and_to_that_member_alone() -> None:
    clock = Clock()
    limit = RequestLimit(clock)
    for number in range(MAX_A_DAY):
        assert not refused(limit, "delta")
        limit.note("delta", number.to_bytes(32))
    assert refused(limit, "delta")
    assert not refused(limit, "cedar")
    clock.now_s = 86_399
    assert refused(limit, "delta")
    clock.now_s = 86_401
    assert not refused(limit, "delta")


@pytest.mark.parametrize("times", [1, 5_000])
def test_the_same_request_again_counts_once(times: int) -> None:
    limit = RequestLimit(Clock())
    for _ in range(times):
        assert not refused(limit, "delta")
        limit.note("delta", b"s" * 32)
