"""How one revision of a signal follows another.

Handles: revising, recalling, disputing, answering, by the contributor's own hand; and whether a revision that
came in may follow the one that is held. Refuses: another subject under the same id (that is a recall and a
new signal), any change of a recalled signal, a number that is not higher, a day before the last one, an
embargo on what may have gone out, and to leave out a contest or a reply. A recall is held up by nothing but
the signal's own end: not by a clock that went wrong, and not by the count of revisions.
Specification: docs/signals.md, Revisions.
"""

import dataclasses
from datetime import date
from typing import Any, Final

from symbolon.errors import SignalError
from symbolon.signals.signal import MAX_REVISION, NO_DISPUTE, NOT_RATED, Dispute, Reply, Signal
from symbolon.signals.vocabulary import DisputeState, Level, RecallReason, State

_FIXED: Final = frozenset({"signal_id", "revision", "issued", "subject", "state", "recall_reason"})
_OF_SUPPLIER: Final = frozenset({"dispute", "reply"})


def revise(signal: Signal, today: date, **changes: Any) -> Signal:
    """The next revision with some fields changed.

    Args:
        signal: the newest revision.
        today: by this node's clock.
        changes: fields of `Signal`, but for `dispute` and `reply`: those are the supplier's side, and have
            functions of their own.

    Raises:
        SignalError: `signal.recalled`, `signal.unchanged`, `signal.value`, `signal.clock`, `signal.order`
            (it has had all its revisions).
    """
    _require_active(signal)
    wrong = changes.keys() & _FIXED
    if wrong:
        raise SignalError(
            f"{', '.join(sorted(wrong))} cannot be revised",
            hint="Recall the signal as wrong-subject and add a new one.",
            code="signal.value",
        )
    if changes.keys() & _OF_SUPPLIER:
        raise SignalError(
            "the supplier's side is not the contributor's to revise",
            hint="Use dispute, settle and reply.",
            code="signal.value",
        )
    _check_embargo(signal, today, changes.get("embargo"))
    return _changed(signal, today, **changes)


def _changed(signal: Signal, today: date, **changes: Any) -> Signal:
    if all(getattr(signal, name) == value for name, value in changes.items()):
        raise SignalError("nothing would change", hint="Name what is to change.", code="signal.unchanged")
    return _next(signal, today, **changes)


def recall(signal: Signal, today: date, reason: RecallReason) -> Signal:
    """The tombstone of a signal: its id, its revision and the reason.

    Raises:
        SignalError: `signal.recalled`, it is recalled already; `signal.expired`, there is nothing left.
    """
    _require_active(signal)
    issued = max(today, signal.issued)
    if issued >= signal.expires:
        raise SignalError(
            f"the signal expired on {signal.expires}: it is gone wherever it was",
            hint="See that the clock of this machine is right.",
            code="signal.expired",
        )
    return dataclasses.replace(
        signal,
        revision=signal.revision + 1,
        issued=issued,
        state=State.RECALLED,
        recall_reason=reason,
        indicators=frozenset(),
        severity=NOT_RATED,
        likelihood=Level.NOT_STATED,
        confidence=None,
        reliability=None,
        evidence=None,
        native=None,
        period=None,
        narrative="",
        urgent=False,
        dispute=NO_DISPUTE,
        reply=None,
    )


def dispute(signal: Signal, today: date, statement: str) -> Signal:
    """Notes that the supplier contests a signal; a contest that is open already gets the new words.

    Raises:
        SignalError: as `revise`.
    """
    _require_active(signal)
    since = signal.dispute.since if signal.dispute.state is DisputeState.OPEN else today
    return _changed(signal, today, dispute=Dispute(DisputeState.OPEN, since, statement))


def settle(signal: Signal, today: date, state: DisputeState) -> Signal:
    """Notes how the contributor answered a contest; a later answer takes the place of an earlier one.

    Raises:
        SignalError: as `revise`, and `signal.dispute`: there is no contest, or this is no answer to one.
    """
    _require_active(signal)
    if signal.dispute.state is DisputeState.NONE:
        raise SignalError("the signal is not disputed", code="signal.dispute")
    if state in (DisputeState.NONE, DisputeState.OPEN):
        raise SignalError(
            "a dispute ends as maintained, corrected or remedied",
            hint="If the contest was right, recall the signal as dispute-upheld.",
            code="signal.dispute",
        )
    return _changed(signal, today, dispute=dataclasses.replace(signal.dispute, state=state))


def reply(signal: Signal, today: date, text: str) -> Signal:
    """Attaches the supplier's answer; a later one takes the place of an earlier one.

    Raises:
        SignalError: as `revise`.
    """
    _require_active(signal)
    return _changed(signal, today, reply=Reply(text, today))


def check_follows(held: Signal | None, new: Signal) -> None:
    """Checks that a revision may take the place of the one that is held.

    Args:
        held: the newest one known, or None.
        new: of the same contributor.

    Raises:
        SignalError: `signal.order`, it is older than what is held, or another one under the same number;
            `signal.recalled`, it would bring back what was recalled; `signal.subject`, it is about another;
            `signal.supplier_side`, a contest or a reply is left out of it.
    """
    if held is None:
        return
    if new.signal_id != held.signal_id:
        raise SignalError("a revision of another signal", code="signal.order")
    if new.revision <= held.revision:
        raise SignalError(
            f"revision {new.revision} does not follow revision {held.revision}", code="signal.order"
        )
    if held.state is State.RECALLED:
        raise SignalError("a recalled signal has no further revision", code="signal.recalled")
    if new.subject != held.subject:
        raise SignalError("a revision is about another subject", code="signal.subject")
    if new.state is State.ACTIVE and (
        (held.reply is not None and new.reply is None)
        or (held.dispute.state is not DisputeState.NONE and new.dispute.state is DisputeState.NONE)
    ):
        raise SignalError(
            "a revision leaves out what the supplier said",
            hint="Its contributor can recall the signal, or settle the contest.",
            code="signal.supplier_side",
        )


def _check_embargo(signal: Signal, today: date, embargo: date | None) -> None:
    """An embargo on what may have gone out would hold up its contest, its reply and its recall alone."""
    if embargo is None or embargo <= today or embargo == signal.embargo:
        return
    if signal.embargo is None or signal.embargo <= today:
        raise SignalError(
            "the signal may have gone out already, so an embargo cannot hold it back any more",
            hint="Recall it, and add it again with the embargo.",
            code="signal.value",
        )


def _require_active(signal: Signal) -> None:
    if signal.state is State.RECALLED:
        raise SignalError(
            "the signal was recalled; nothing of it can change any more",
            hint="Add a new signal if there is something to say.",
            code="signal.recalled",
        )


def _next(signal: Signal, today: date, **changes: Any) -> Signal:
    if today < signal.issued:
        raise SignalError(
            f"its last revision is of {signal.issued}, after this node's day {today}",
            hint="Set the clock of this machine right.",
            code="signal.clock",
        )
    if signal.revision >= MAX_REVISION - 1:
        raise SignalError(
            "a signal cannot have more revisions; the last number is kept for a recall",
            hint="Recall it as a duplicate and add a new one.",
            code="signal.order",
        )
    return dataclasses.replace(signal, revision=signal.revision + 1, issued=today, **changes)
