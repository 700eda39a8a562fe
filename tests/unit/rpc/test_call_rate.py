"""How often one member may call."""

import pytest

from symbolon.errors import UnavailableError
from symbolon.rpc.call_rate import A_SECOND, BURST, CallRate


def test_call_rate_lets_a_burst_through_and_then_one_call_at_a_time():
    now_s = 100.0
    rate = CallRate(lambda: now_s)
    for _ in range(BURST):
        rate.take("mill")
    with pytest.raises(UnavailableError) as caught:
        rate.take("mill")
    assert caught.value.full_code == "unavailable.busy"
    now_s += 1 / A_SECOND
    rate.take("mill")
    with pytest.raises(UnavailableError):
        rate.take("mill")


def test_call_rate_of_one_member_takes_nothing_from_another():
    rate = CallRate(lambda: 0.0)
    for _ in range(BURST):
        rate.take("mill")
    rate.take("farm")


def test_call_rate_that_rested_for_long_keeps_no_more_than_a_burst():
    now_s = 0.0
    rate = CallRate(lambda: now_s)
    rate.take("mill")
    now_s += 10**6
    for _ in range(BURST):
        rate.take("mill")
    with pytest.raises(UnavailableError):
        rate.take("mill")


def test_call_that_was_refused_is_not_counted():
    now_s = 0.0
    rate = CallRate(lambda: now_s)
    for _ in range(BURST):
        rate.take("mill")
    for _ in range(50):
        with pytest.raises(UnavailableError):
            rate.take("mill")
    now_s += 1 / A_SECOND
    rate.take("mill")
