import random

from symbolon.rpc.relay_backoff import FIRST_S, LONGEST_S, Backoff


def test_backoff_doubles_up_to_the_longest_wait() -> None:
    backoff = Backoff(lambda _, most: most)
    waits = [backoff.wait_s(0) for _ in range(9)]
    assert waits[:3] == [FIRST_S, 2 * FIRST_S, 4 * FIRST_S]
    assert waits[-1] == LONGEST_S
    assert waits == sorted(waits)


def test_backoff_after_what_held_long_begins_anew() -> None:
    backoff = Backoff(lambda _, most: most)
    for _ in range(9):
        backoff.wait_s(0)
    assert backoff.wait_s(LONGEST_S) == LONGEST_S, "that long is not long enough"
    assert backoff.wait_s(LONGEST_S + 1) == FIRST_S


def test_backoff_of_two_who_failed_at_once_differs_and_is_at_least_half() -> None:
    one, other = Backoff(random.Random(1).uniform), Backoff(random.Random(2).uniform)
    ones, others = [one.wait_s(0) for _ in range(8)], [other.wait_s(0) for _ in range(8)]
    assert ones != others
    full = Backoff(lambda _, most: most)
    for wait, most in zip(ones, [full.wait_s(0) for _ in range(8)], strict=True):
        assert most / 2 <= wait <= most
