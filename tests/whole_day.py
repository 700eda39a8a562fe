"""Days that do not end within a test: for tests that compare a day of before with one of after."""

import time
from collections.abc import Callable

DAY_S = 86_400
TEST_S = 20.0
"""As long as such a test takes on a busy machine."""


def within_one_day(
    clock: Callable[[], float] = time.time, sleep: Callable[[float], None] = time.sleep
) -> None:
    """Waits for the next day (UTC) where this one ends within `TEST_S`."""
    left_s = DAY_S - clock() % DAY_S
    if left_s < TEST_S:
        sleep(left_s)
