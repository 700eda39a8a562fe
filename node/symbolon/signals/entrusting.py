"""How a delegate's own revision follows from that of the contributor for whom it publishes.

Handles: the delegate's first revision, with an id and a day of its own; the next one, in which the content is
the contributor's, and of the supplier's side whatever either of the two changed last; a recall; the same
again for a signal that is shown otherwise; and the contributor's own record of what came in at the delegate.
A contest that is open at the delegate is not ended by an answer that its contributor gave to an earlier one;
an embargo that came too late there is left out, and the rest of the revision is not.
Refuses what `revisions` refuses, and a revision of a day that has not come here.
Specification: docs/signals.md, Delegated publishing.
"""

import dataclasses
from datetime import date
from typing import Any, Final

from symbolon.errors import SignalError
from symbolon.signals import revisions
from symbolon.signals.signal import MAX_REVISION, Dispute, Reply, Signal
from symbolon.signals.vocabulary import DisputeState, RecallReason, State

_OF_THE_REVISION: Final = frozenset(
    {"signal_id", "revision", "issued", "subject", "state", "recall_reason", "dispute", "reply"}
)
CONTENT: Final = tuple(each.name for each in dataclasses.fields(Signal) if each.name not in _OF_THE_REVISION)
"""Fields that are the contributor's at the delegate too."""

LEAST_OF_KIND: Final = 3
"""Members of a kind, the delegate not counted: where there are fewer, the kind all but names the member."""


def first_revision(theirs: Signal, signal_id: bytes, today: date) -> Signal:
    """The delegate's first revision.

    Args:
        theirs: the contributor's newest one, which stands.
        signal_id: 16 fresh random bytes of the delegate.
        today: by the delegate's clock.

    Raises:
        SignalError: `signal.clock`, it is of a day that has not come here; `signal.expired`.
    """
    _require_day(theirs, today)
    if theirs.is_expired(today):
        raise SignalError("the signal's time is over", code="signal.expired")
    return dataclasses.replace(theirs, signal_id=signal_id, revision=1, issued=today)


def next_revision(own: Signal, before: Signal, theirs: Signal, today: date) -> Signal | None:
    """The delegate's next revision.

    Args:
        own: the delegate's newest one.
        before: the contributor's that it had before.
        theirs: the contributor's newest one, which follows `before`.
        today: by the delegate's clock.

    Returns:
        None where the delegate says all of it already.

    Raises:
        SignalError: as `revisions.revise` and `revisions.recall`; `signal.recalled`, the delegate took its
            own back, and this is no recall.
    """
    if theirs.state is State.RECALLED:
        if own.state is State.RECALLED or own.is_expired(today):
            return None
        return revisions.recall(own, today, theirs.recall_reason or RecallReason.WITHDRAWN)
    if own.state is State.RECALLED:
        raise SignalError("who publishes the signal has recalled it", code="signal.recalled")
    _require_day(theirs, today)
    side: dict[str, Any] = {
        "dispute": _merged(own.dispute, before.dispute, theirs.dispute),
        "reply": own.reply if theirs.reply == before.reply else theirs.reply,
    }
    changes = {name: getattr(theirs, name) for name in CONTENT}
    if _is_too_late(own, theirs.embargo, today):
        changes["embargo"] = own.embargo
    if all(getattr(own, name) == value for name, value in {**changes, **side}.items()):
        return None
    try:
        new = revisions.revise(own, today, **changes)
    except SignalError as error:
        if error.full_code != "signal.unchanged":
            raise
        new = _next(own, today)
    return dataclasses.replace(new, **side)


def same_again(own: Signal, today: date) -> Signal:
    """The next revision of a signal in which nothing changes but how its publisher shows it.

    Raises:
        SignalError: `signal.clock`, `signal.order`, `signal.recalled`.
    """
    if own.state is State.RECALLED:
        raise SignalError("the signal was recalled", code="signal.recalled")
    return _next(own, today)


def with_supplier_side(
    own: Signal, before: Signal, dispute: Dispute, reply: Reply | None, today: date
) -> Signal | None:
    """The contributor's next revision, with what the supplier said at the delegate.

    What the contributor has changed since it told the delegate holds: the delegate has yet to hear of it.

    Args:
        own: its newest one.
        before: the newest of its own that the delegate has.
        dispute: as it stands at the delegate.
        reply: likewise.
        today: by its clock.

    Returns:
        None where it says that already, or takes no more in: it was recalled. An answer is never left out.

    Raises:
        SignalError: `signal.clock`, `signal.order`.
    """
    if own.state is State.RECALLED:
        return None
    changes: dict[str, Any] = {}
    if own.dispute == before.dispute != dispute and dispute.state is not DisputeState.NONE:
        changes["dispute"] = dispute
    if own.reply == before.reply != reply and reply is not None:
        changes["reply"] = reply
    return dataclasses.replace(_next(own, today), **changes) if changes else None


def _is_too_late(own: Signal, embargo: date | None, today: date) -> bool:
    """Whether an embargo came when the signal may have gone out, which it would hold back no more."""
    if embargo is None or embargo <= today or embargo == own.embargo:
        return False
    return own.embargo is None or own.embargo <= today


def _merged(own: Dispute, before: Dispute, theirs: Dispute) -> Dispute:
    if theirs == before:
        return own
    answers = theirs.state is not DisputeState.OPEN
    another = (own.since, own.statement) != (theirs.since, theirs.statement)
    if own.state is DisputeState.OPEN and answers and another:
        return own
    return theirs


def _require_day(theirs: Signal, today: date) -> None:
    if theirs.issued > today:
        raise SignalError(
            f"the revision is of {theirs.issued}, and here it is {today}",
            hint="The clock of one of the two machines is wrong; both go by UTC.",
            code="signal.clock",
        )


def _next(own: Signal, today: date) -> Signal:
    if today < own.issued:
        raise SignalError(f"its last revision is of {own.issued}, after {today}", code="signal.clock")
    if own.revision >= MAX_REVISION - 1:
        raise SignalError("a signal cannot have more revisions", code="signal.order")
    return dataclasses.replace(own, revision=own.revision + 1, issued=today)
