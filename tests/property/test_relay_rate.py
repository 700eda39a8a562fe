"""However members that wait as told send, no more passes in any time than the burst and the rate allow."""

from hypothesis import given
from hypothesis import strategies as st

from symbolon.rpc.relay_rate import TokenBucket

_RATE, _BURST = 1000, 2000
_SENDS = st.lists(
    st.tuples(st.floats(0, 5), st.integers(1, 3000), st.integers(0, 3)), min_size=1, max_size=60
)


@given(_SENDS)
def test_bucket_passes_no_more_than_burst_and_rate_in_any_time(sends: list[tuple[float, int, int]]) -> None:
    bucket = TokenBucket(_RATE, _BURST, 0.0)
    ready_s = [0.0] * 4
    now_s, passed = 0.0, []
    for pause_s, amount, who in sends:
        now_s = max(now_s + pause_s, ready_s[who])
        ready_s[who] = now_s + bucket.take(amount, now_s)
        passed.append((ready_s[who], amount))
    passed.sort()
    for first in range(len(passed)):
        total = 0
        for last in range(first, len(passed)):
            total += passed[last][1]
            # What passes first may have been waited for before: it is not counted.
            span_s = passed[last][0] - passed[first][0]
            assert total - passed[first][1] <= _BURST + _RATE * span_s + 1e-3


@given(st.floats(0, 1e6), st.integers(1, _BURST))
def test_bucket_that_rested_takes_its_burst_at_once_and_the_next_waits_for_all_of_it(
    at_s: float, amount: int
) -> None:
    bucket = TokenBucket(_RATE, _BURST, at_s)
    assert bucket.take(_BURST, at_s + 10) == 0
    assert bucket.take(amount, at_s + 10) == amount / _RATE


@given(st.lists(st.integers(1, 3000), min_size=1, max_size=30))
def test_bucket_in_debt_serves_in_the_order_of_coming(amounts: list[int]) -> None:
    bucket = TokenBucket(_RATE, _BURST, 0.0)
    waits = [bucket.take(amount, 0.0) for amount in amounts]
    assert waits == sorted(waits)
    assert waits[-1] == max(0.0, (sum(amounts) - _BURST) / _RATE)
