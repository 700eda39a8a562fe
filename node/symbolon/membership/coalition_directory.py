"""Who is a member now, by the coalition's metadata: the question that every RPC asks first.

Handles: freshness and standing, asked anew each time against the state that the store holds then, so that an
expelled member is refused at its next RPC without a restart. Refuses: everybody while no state holds.
Specification: docs/PROTOCOL.md, membership; docs/adr/0013.
"""

from collections.abc import Callable
from datetime import UTC, datetime

from symbolon.membership.coalition_state import State
from symbolon.membership.coalition_store import CoalitionStore
from symbolon.membership.member_record import MemberRecord, Members


class CoalitionDirectory:
    """The coalition's membership as one node sees it. Safe to use from several threads.

    Args:
        store: the node's verified copy of the metadata.
        clock: the current time, aware.
    """

    def __init__(self, store: CoalitionStore, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._clock = clock

    def state(self) -> State:
        """Return the state that holds now.

        Raises:
            MembershipError: none does; the code says why.
        """
        state = self._store.state()
        state.require_fresh(self._clock())
        return state

    def current(self) -> Members:
        """Return the members as of now.

        Raises:
            MembershipError: as `state`.
        """
        return self.state().members

    def require(self, member_id: str, fingerprint: bytes, now: datetime) -> MemberRecord:
        """Return the member, if it is in good standing now and this is its certificate.

        Args:
            member_id: as `peer_identity` read it from the peer's leaf.
            fingerprint: 32 bytes, SHA-256 of that leaf.
            now: the current time, aware.

        Raises:
            MembershipError: as `Members.require_certificate`, or the reason why no state holds.
        """
        state = self._store.state()
        state.require_fresh(now)
        return state.members.require_certificate(member_id, fingerprint, now.astimezone(UTC).date())

    def require_listed(self, member_id: str, fingerprint: bytes, now: datetime) -> MemberRecord:
        """Return the member though its records may have lapsed: it may mend them, and nothing else.

        Args:
            member_id: as for `require`.
            fingerprint: likewise.
            now: the current time, aware.

        Raises:
            MembershipError: as `require`, but for `membership.lapsed.…`.
        """
        state = self._store.state()
        state.require_fresh(now)
        return state.members.require_listed(member_id, fingerprint)

    def authorities(self) -> bytes:
        """Return the certificates of the founders' authorities, PEM.

        Raises:
            MembershipError: there is no state.
        """
        return self._store.state().authorities_pem
