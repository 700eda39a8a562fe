"""The history of one own supplier, in time order, from what this node holds: days, and no hours.

Handles: when it came into the list and when its row changed, as far as the store still knows; signals of
other members, when they first came and when what they say now did; recalls of them, with the reason, as far
as the tombstone says whom the signal was about; what a person decided about matches; own signals about it.
Refuses nothing. Specification: docs/signals.md, Recall, dispute and reply.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from symbolon.cli.recall_shown import UNDO
from symbolon.cli.signals_shown import ID_CHARS
from symbolon.rpc.node import Node
from symbolon.signals.vocabulary import RecallReason, State
from symbolon.storage.received_signal_view import ReceivedView, Tombstone
from symbolon.storage.signal_columns import StoredSignal


@dataclass(frozen=True, slots=True)
class Happened:
    """One thing that happened.

    Attributes:
        at_s: seconds since 1970-01-01 UTC, to order by; only the day is shown.
        what: a word for programs.
        words: for people.
        details: for programs, beside day and word.
    """

    at_s: int
    what: str
    words: str
    details: dict[str, Any] = field(default_factory=dict)

    @property
    def day(self) -> str:
        """The day, UTC, as ISO 8601 writes it."""
        return datetime.fromtimestamp(self.at_s, UTC).date().isoformat()

    def as_json(self) -> dict[str, Any]:
        """For programs."""
        return {"day": self.day, "what": self.what, **self.details}


def history_of(
    node: Node, number: int, views: Iterable[ReceivedView], own: Iterable[StoredSignal]
) -> list[Happened]:
    """What happened to a supplier, the oldest first.

    Args:
        node: this node.
        number: the supplier's.
        views: other members' signals about it that stand, for all purposes.
        own: this member's signals about it, recalled ones too.
    """
    stones = [each for each in node.received.tombstones() if number in each.suppliers]
    found = [*_in_the_list(node.suppliers.changed(number)), *_received(views), *map(_recalled, stones)]
    found += [
        Happened(
            each.decided_at_s,
            "decided",
            f"its match with {each.peer} was {each.decision} by a person",
            {"member": each.peer, "decision": each.decision},
        )
        for each in node.matches.decided(number)
    ]
    found += [happened for each in own for happened in _own(each)]
    return sorted(found, key=lambda each: each.at_s)


def _in_the_list(moments: Sequence[int]) -> Iterator[Happened]:
    """Versions of its row: of a list that is small or changes much the newest one alone is known."""
    for place, at_s in enumerate(moments):
        if place:
            yield Happened(at_s, "changed", "its row in the list changed, or its keys")
        elif len(moments) > 1:
            yield Happened(at_s, "listed", "in the list, as far back as this node knows")
        else:
            yield Happened(at_s, "listed", "it came into the list, or its row or its keys changed last")


def _received(views: Iterable[ReceivedView]) -> Iterator[Happened]:
    """Signals that stand; one that was released for several purposes is one."""
    forms: dict[tuple[str, bytes], list[ReceivedView]] = {}
    for view in views:
        forms.setdefault((view.peer, view.signal.signal_id), []).append(view)
    for (peer, signal_id), some in forms.items():
        about = {"signal_id": signal_id.hex(), "publisher": peer}
        named = f"signal {signal_id.hex()[:ID_CHARS]} of {peer}"
        first_s = min(each.first_received_at_s for each in some)
        yield Happened(first_s, "received", f"{named} came", about)
        newest = max(each.signal.revision for each in some)
        since_s = min(each.received_at_s for each in some if each.signal.revision == newest)
        if since_s > first_s:
            words = f"{named} came as it stands now, revision {newest}"
            yield Happened(since_s, "revised", words, {**about, "revision": newest})


def _recalled(stone: Tombstone) -> Happened:
    undo = stone.reason is RecallReason.WRONG_SUBJECT
    words = (
        f"signal {stone.hex_id[:ID_CHARS]} of {stone.peer}: its recall of {stone.issued} came,"
        f" {stone.reason.words}"
    )
    details = {
        "signal_id": stone.hex_id,
        "publisher": stone.peer,
        "recalled": stone.issued.isoformat(),
        "reason": stone.reason.value,
        "undo": undo,
    }
    return Happened(stone.recalled_at_s, "recalled", f"{words}; {UNDO}" if undo else words, details)


def _own(held: StoredSignal) -> Iterator[Happened]:
    signal = held.signal
    about = {"signal_id": signal.hex_id}
    named = f"own signal {signal.hex_id[:ID_CHARS]}"
    yield Happened(held.created_at_s, "own-added", f"{named} was added", about)
    if signal.state is State.RECALLED and signal.recall_reason is not None:
        reason = signal.recall_reason
        words = f"{named} was recalled: {reason.words}"
        yield Happened(held.changed_at_s, "own-recalled", words, {**about, "reason": reason.value})
    elif signal.revision > 1:
        words = f"{named} was changed last, revision {signal.revision}"
        yield Happened(held.changed_at_s, "own-revised", words, {**about, "revision": signal.revision})
