"""How long to wait before the next try: longer each time, and never the same for two who failed at once."""

from collections.abc import Callable
from typing import Final

FIRST_S: Final = 1.0
LONGEST_S: Final = 60.0
"""A relay that comes back is found within a minute; 256 members that look for it are 4 calls a second."""


class Backoff:
    """Doubles from `FIRST_S` to `LONGEST_S`; each wait is a random part, at least half, of what it could be.

    Args:
        uniform: a random number between two.
    """

    def __init__(self, uniform: Callable[[float, float], float]) -> None:
        self._uniform = uniform
        self._next_s = FIRST_S

    def wait_s(self, lasted_s: float) -> float:
        """The wait after a try.

        Args:
            lasted_s: how long what was tried had held. What held longer than the longest wait was no failed
                try, and the waits begin anew.
        """
        if lasted_s > LONGEST_S:
            self._next_s = FIRST_S
        most_s = self._next_s
        self._next_s = min(LONGEST_S, 2 * most_s)
        return self._uniform(most_s / 2, most_s)
