"""How much a member may ask of the founders in a day: each request that holds changes the coalition.

Handles: counting the proposals that came of a member's requests; the same request again counts once. Refuses:
more than `MAX_A_DAY`. Without that one member could make a new state several times a second, which every
other member fetches, and fill what its founder's node keeps of proposals. Counted by each founder's process
for itself. docs/adr/0013.
"""

from collections.abc import Callable
from typing import Final

from symbolon.errors import MembershipError

MAX_A_DAY: Final = 32
"""A member moves, attests or renews a few times a month; one that tries things out, a few times an hour."""

_DAY_S: Final = 86_400.0


class RequestLimit:
    """What came of members' requests in the last 24 hours.

    Args:
        clock: seconds that never go back.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        # Of those that asked: no more than the coalition has members.
        self._made: dict[str, dict[bytes, float]] = {}

    def require_room(self, member_id: str) -> None:
        """Checks that a member has not asked for too much.

        Raises:
            MembershipError: `membership.proposal.many`.
        """
        since_s = self._clock() - _DAY_S
        made = self._made.get(member_id, {})
        recent = {sha256: at_s for sha256, at_s in made.items() if at_s > since_s}
        self._made[member_id] = recent
        if len(recent) >= MAX_A_DAY:
            raise MembershipError(
                f"{member_id} has asked for {MAX_A_DAY} changes within a day",
                hint="Try again tomorrow.",
                code="membership.proposal.many",
            )

    def note(self, member_id: str, sha256: bytes) -> None:
        """Counts a proposal that came of a member's request, the first time."""
        self._made.setdefault(member_id, {}).setdefault(sha256, self._clock())
