"""How often a member may call where every call costs a write: more than any honest member needs.

Counted by each process for itself, for members only, so what is kept is bounded by the coalition.
"""

from collections.abc import Callable
from typing import Final

from symbolon.errors import UnavailableError

BURST: Final = 120
"""Calls in a row: a member that shows its own log and carries those of others, each twice."""

A_SECOND: Final = 1.0
"""Calls afterwards. Each takes two signatures and a write to the disk, some 10 ms."""


class CallRate:
    """What every member has left, in calls.

    Args:
        clock: seconds that never go back.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._left: dict[str, tuple[float, float]] = {}

    def take(self, member: str) -> None:
        """Counts a call.

        Raises:
            UnavailableError: `unavailable.busy`, the member has called too often.
        """
        now_s = self._clock()
        left, at_s = self._left.get(member, (float(BURST), now_s))
        left = min(float(BURST), left + (now_s - at_s) * A_SECOND)
        if left < 1:
            raise UnavailableError(
                f"{member} calls more than {A_SECOND:g} times a second", code="unavailable.busy"
            )
        self._left[member] = (left - 1, now_s)
