"""How a founder's node keeps the coalition's state in its time: snapshot and timestamp, signed each day.

Handles: signing them again, and what comes of two founders who sign one version of the timestamp, or of one
who signs it for older targets than another holds: whoever sees the other's puts the newer targets under a
later timestamp of its own. Refuses: to go by a timestamp that no founder signed, which anybody could push up.
Specification: docs/PROTOCOL.md, membership; docs/adr/0013.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Final

from tuf.api.metadata import Root, Timestamp  # type: ignore[attr-defined] # as in coalition_roles

from symbolon.errors import MembershipError
from symbolon.membership.coalition_parts import TIMESTAMP_PART, require_parts, snapshot_part
from symbolon.membership.coalition_roles import TIMESTAMP_VALIDITY, parse_metadata
from symbolon.membership.coalition_state import State, require_signatures
from symbolon.membership.coalition_store import CoalitionStore
from symbolon.membership.founder_keys import FounderKeys
from symbolon.membership.proposal_draft import dated

REDATE_AFTER: Final = timedelta(days=1)
"""How old a timestamp may be before the first of the founders signs it again."""

REDATE_STEP: Final = timedelta(hours=1)
"""How much longer the next of them waits, in the order of their ids. Two that always dated at the same moment
would never see that one of them holds newer targets than the other."""


class FoundingDates:
    """A founder's node and the time.

    Args:
        keys: the founder's.
        coalition: this node's verified copy.
        now: the current time, aware.
    """

    def __init__(self, keys: FounderKeys, coalition: CoalitionStore, now: Callable[[], datetime]) -> None:
        self._keys = keys
        self._coalition = coalition
        self._now = now

    def redate(self) -> State | None:
        """Signs snapshot and timestamp again when they are a day old; see `REDATE_STEP`.

        Returns:
            The new state; None when it is not time yet, or when this node signs no more.
        """
        state, own = self._coalition.state(), self._keys.founder
        if own not in state.founders:
            return None
        waits = REDATE_AFTER + REDATE_STEP * state.founders.index(own)
        if state.expiries[Timestamp.type] > self._now() + TIMESTAMP_VALIDITY - waits:
            return None
        return self._dated(state, {}, state.targets_version, state.timestamp_version)

    def adopt(self, parts: Mapping[str, bytes]) -> State:
        """Takes in what another node holds, like `CoalitionStore.absorb`, and mends a clash of timestamps.

        Raises:
            MembershipError: as `absorb`.
        """
        require_parts(parts)
        try:
            after = self._coalition.absorb(parts)
        except MembershipError:
            state = self._coalition.state()
            if not self._clashes(state, parts):
                raise
            return self._mended(state, parts)
        return self._mended(after, parts) if self._clashes(after, parts) else after

    def _clashes(self, state: State, parts: Mapping[str, bytes]) -> bool:
        """Whether the newer targets of two states are under the timestamp that is not the newer one."""
        if self._keys.founder not in state.founders:
            return False
        if max(_targets_versions(parts), default=0) > state.targets_version:
            return True
        seen = _timestamp(state, parts)
        return (
            seen is not None
            and seen.version >= state.timestamp_version
            and seen.snapshot_meta.version < state.targets_version
        )

    def _mended(self, state: State, parts: Mapping[str, bytes]) -> State:
        seen = _timestamp(state, parts)
        highest = max(state.timestamp_version, seen.version if seen else 0)
        version = max(state.targets_version, *_targets_versions(parts), 0)
        newer = parts if version > state.targets_version else {}
        return self._dated(state, newer, version, highest)

    def _dated(
        self, state: State, parts: Mapping[str, bytes], targets_version: int, timestamp_version: int
    ) -> State:
        kept = {name: content for name, content in parts.items() if name != snapshot_part(targets_version)}
        fresh = dated(targets_version, timestamp_version + 1, self._keys.metadata_key, self._now())
        return self._coalition.absorb({**kept, **fresh})


def _timestamp(state: State, parts: Mapping[str, bytes]) -> Timestamp | None:
    """The timestamp among parts, if a founder signed it."""
    found = parts.get(TIMESTAMP_PART)
    if found is None:
        return None
    try:
        timestamp = parse_metadata(Timestamp, found)
        require_signatures(parse_metadata(Root, state.root_bytes).signed, timestamp)
    except MembershipError:
        return None
    return timestamp.signed


def _targets_versions(parts: Mapping[str, bytes]) -> Iterator[int]:
    for name in parts:
        number, _, kind = name.partition(".")
        if kind == "targets.json":
            yield int(number)
