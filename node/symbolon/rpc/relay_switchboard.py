"""Who is attached to a relay, who waits for whom, and how many places are taken. No I/O.

A connection is asked for, announced to its target under a random id, claimed by this target once, and closed.
Refuses: a target that is not attached, more than the limits grant, and an id that was never given, was used,
is over, or was given to another member: all four in the same words, so that guessing tells nothing.
Specification: docs/PROTOCOL.md, relay.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from symbolon.errors import RemoteProtocolError, UnavailableError
from symbolon.membership.member import MemberId
from symbolon.rpc.relay_limits import CONNECTION_ID_BYTES, RelayLimits

BUSY: Final = "unavailable.busy"
"""All that a relay grants is taken; told to whoever asks."""

REPLACED: Final = "unavailable.replaced"
"""The member has attached anew; told to whoever was attached as it."""

Line = TypeVar("Line")
"""What stands for an attached member's open call."""


@dataclass(frozen=True, slots=True, eq=False)
class Connection:
    """One connection that was asked for.

    Attributes:
        connection_id: 16 random bytes.
        dialler: who asked.
        target: whom it asked for.
    """

    connection_id: bytes
    dialler: MemberId
    target: MemberId


class Switchboard(Generic[Line]):
    """The state of one relay.

    Args:
        limits: what it grants.
        rng: random bytes.
    """

    def __init__(self, limits: RelayLimits, rng: Callable[[int], bytes]) -> None:
        self._limits = limits
        self._rng = rng
        self._attached: dict[MemberId, Line] = {}
        self._opening: Counter[MemberId] = Counter()
        self._waiting: dict[bytes, Connection] = {}
        self._open: set[Connection] = set()

    @property
    def attached(self) -> int:
        """How many members are attached."""
        return len(self._attached)

    @property
    def lines(self) -> tuple[Line, ...]:
        """The lines of all attached members."""
        return tuple(self._attached.values())

    @property
    def connections(self) -> int:
        """How many connections are open or waited for."""
        return len(self._open)

    def enter(self, member: MemberId) -> None:
        """Counts a call that was granted nothing yet; `granted` ends that, whatever came of it.

        Raises:
            UnavailableError: `unavailable.busy`.
        """
        if self._opening[member] >= self._limits.opening_of_one:
            raise _busy("too many of its calls wait to be granted anything")
        self._opening[member] += 1

    def granted(self, member: MemberId) -> None:
        """Counts off a call that `enter` counted."""
        self._opening[member] -= 1
        if not self._opening[member]:
            del self._opening[member]

    def attach(self, member: MemberId, line: Line) -> Line | None:
        """Attaches a member. The newest call wins: the one before may hang in a network that is gone.

        Returns:
            The line that was replaced, if there was one.

        Raises:
            UnavailableError: `unavailable.busy`.
        """
        if member not in self._attached and len(self._attached) >= self._limits.attached:
            raise _busy("as many members are attached as may be")
        before = self._attached.get(member)
        self._attached[member] = line
        return before

    def detach(self, member: MemberId, line: Line) -> None:
        """Detaches a member, unless another line has replaced this one."""
        if self._attached.get(member) is line:
            del self._attached[member]

    def ask(self, dialler: MemberId, target: MemberId) -> tuple[Connection, Line]:
        """Asks for a connection; `close` gives its place back.

        Returns:
            The connection, and the line on which to announce it.

        Raises:
            UnavailableError: `unavailable.absent` or `unavailable.busy`.
        """
        line = self._attached.get(target)
        if line is None:
            raise UnavailableError("the member it asks for is not attached", code="unavailable.absent")
        if len(self._open) >= self._limits.connections:
            raise _busy("all connections are in use")
        if sum(each.dialler == dialler for each in self._open) >= self._limits.connections_of_one:
            raise _busy("it has as many connections as one member may have")
        if sum(each.target == target for each in self._waiting.values()) >= self._limits.pending_for_one:
            raise _busy("as many connections wait for that member as may")
        connection = Connection(self._rng(CONNECTION_ID_BYTES), dialler, target)
        self._open.add(connection)
        self._waiting[connection.connection_id] = connection
        return connection, line

    def claim(self, member: MemberId, connection_id: bytes) -> Connection:
        """Takes up a connection, once, for the member it was announced to.

        Raises:
            RemoteProtocolError: `protocol.connection`.
        """
        connection = self._waiting.get(connection_id)
        if connection is None or connection.target != member:
            raise RemoteProtocolError(
                "a connection id that is not good, or not any more, for this member",
                code="protocol.connection",
            )
        del self._waiting[connection_id]
        return connection

    def close(self, connection: Connection) -> None:
        """Gives the place of a connection back, and makes its id worthless."""
        self._waiting.pop(connection.connection_id, None)
        self._open.discard(connection)


def _busy(why: str) -> UnavailableError:
    return UnavailableError(why, code=BUSY)
