"""The one way by which a signal of this member comes into the store: screened, signed, kept.

Handles: new signals, those that another member is to publish too; revisions, recalls, contests, settlements
and replies. Whatever somebody may read later, free text and native grades, is screened before anything is
stored; what was found is refused until a person says that it was looked at, so that no command can forget it.
The record is signed with this member's key.
Refuses: `signal.review` where something was found and nobody looked at it; what `signals.revisions` and the
store refuse. Notes on a source are not screened: they go nowhere. docs/screening.md; docs/signals.md,
Contributing.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from symbolon.errors import SignalError
from symbolon.rpc.node import Node
from symbolon.signals import revisions
from symbolon.signals.draft import Draft
from symbolon.signals.record_codec import encode_signal
from symbolon.signals.screening_finding import COMPETITION, PERSONAL, Finding, excerpt
from symbolon.signals.signal import ID_BYTES, Native, Signal
from symbolon.signals.vocabulary import DisputeState, RecallReason
from symbolon.storage.delegation_columns import Delegation
from symbolon.storage.signal_columns import StoredSignal
from symbolon.storage.signal_intake import NewSignal

SIGNATURE_CONTEXT: Final = b"symbolon-signal-record-1"
"""What a record is signed under; a zero byte and the document follow."""

_OF_THE_DELEGATE: Final = frozenset({"review"})
"""Fields that a member may revise of what it publishes for another one: when it looks at it again."""

Progress = Callable[[int, int], None]
"""Told how many are done, and how many there are."""


@dataclass(frozen=True, slots=True)
class Found:
    """A finding of the screening with the text that it is in.

    Attributes:
        text: as it would be stored; for the author's own terminal alone.
    """

    finding: Finding
    text: str = field(default="", repr=False)

    @property
    def excerpt(self) -> str:
        """One line that shows what was found; see `screening.excerpt`."""
        return excerpt(self.text, self.finding)


class ReviewNeededError(SignalError):
    """The screening found something, and nobody has said that it was looked at.

    Args:
        found: what.
    """

    def __init__(self, found: Sequence[Found]) -> None:
        kinds = sorted({each.finding.suspicion.value.replace("-", " ") for each in found})
        super().__init__(
            f"the screening found something to look at: {', '.join(kinds)}",
            hint="Change the text, or add --reviewed once a person has looked at it. Nothing was stored.",
            code="signal.review",
        )
        self.found = tuple(found)

    @property
    def about_competition(self) -> bool:
        """Whether any of it is what competitors may not tell each other."""
        return any(each.finding.suspicion in COMPETITION for each in self.found)

    @property
    def about_people(self) -> bool:
        """Whether any of it could point at a person."""
        return any(each.finding.suspicion in PERSONAL for each in self.found)


# ------------------------------------------------------------------------------------------- screening


def screen(text: str, name: str, country: str = "") -> tuple[Found, ...]:
    """What of a text that others may read has to be looked at.

    Args:
        text: as it would be stored.
        name: of its field.
        country: ISO 3166 alpha-2 of the subject; empty if not known.
    """
    if not text:
        return ()
    # What it searches for takes half a second to prepare, and most commands screen nothing.
    from symbolon.signals.screening import screen_text

    return tuple(Found(each, text) for each in screen_text(text, field=name, country=country))


@dataclass(frozen=True, slots=True)
class Screened:
    """A draft, and what the screening finds in it.

    Attributes:
        found: what has to be looked at before it becomes a signal; found when this is made.
    """

    draft: Draft
    found: tuple[Found, ...] = field(init=False)

    def __post_init__(self) -> None:
        from symbolon.signals.screening import screen_workforce

        draft, country = self.draft, self.draft.subject.record.country
        workforce = screen_workforce(draft.workers)
        found = (
            *screen(draft.narrative, "narrative", country),
            *_screen_native(draft.native, country),
            *(() if workforce is None else (Found(workforce),)),
        )
        object.__setattr__(self, "found", found)


def screen_signal(signal: Signal) -> tuple[Found, ...]:
    """What of a whole signal has to be looked at before others read it."""
    country = signal.subject.record.country
    return (
        *screen(signal.narrative, "narrative", country),
        *_screen_native(signal.native, country),
        *screen(signal.dispute.statement, "statement", country),
        *screen("" if signal.reply is None else signal.reply.text, "reply", country),
    )


def _screen_native(native: Native | None, country: str) -> tuple[Found, ...]:
    if native is None:
        return ()
    return (*screen(native.scheme, "scheme", country), *screen(native.grade, "grade", country))


def require_reviewed(found: Sequence[Found], *, reviewed: bool) -> None:
    """Lets through what nothing was found in, or what a person has looked at.

    Raises:
        ReviewNeededError: something was found, and `reviewed` is not set.
    """
    if found and not reviewed:
        raise ReviewNeededError(found)


# ---------------------------------------------------------------------------------------- contributing


def sign_record(node: Node, signal: Signal) -> bytes:
    """This member's signature over a record, 64 bytes.

    Raises:
        MembershipError: `membership.signing_key`.
    """
    return node.signing_key.sign(SIGNATURE_CONTEXT + b"\0" + encode_signal(signal))


def contribute(
    node: Node,
    drafts: Sequence[Screened],
    *,
    reviewed: bool,
    contents: Sequence[bytes] | None = None,
    delegation: Delegation | None = None,
    progress: Progress | None = None,
) -> Sequence[tuple[int, Signal]]:
    """Adds signals: all of them, or none.

    Args:
        node: this node.
        drafts: with their purposes.
        reviewed: a person has looked at what the screening finds in them.
        contents: of an import, `SignalStore.content_of` of each; None where none brought them.
        delegation: by whom they are published, and how; None for this member itself.
        progress: of making their match keys; those of delegated ones are made by the delegate.

    Returns:
        Their numbers and first revisions, in the same order.

    Raises:
        ReviewNeededError: see the module.
        SignalError: as `Draft.first_revision` and `SignalStore.add_many`.
        MembershipError: this node has no key to sign with.
    """
    require_reviewed([each for screened in drafts for each in screened.found], reviewed=reviewed)
    today = node.now.date()
    new = []
    for at, draft in enumerate(each.draft for each in drafts):
        signal = draft.first_revision(node.rng(ID_BYTES), today)
        content = None if contents is None else contents[at]
        signature = sign_record(node, signal)
        new.append(NewSignal(signal, signature, draft.source, draft.reference, content))
    if delegation is None:
        numbers = node.signals.add_many(new, progress=progress)
    else:
        kept = [replace(delegation, reviewed=bool(each.found)) for each in drafts]
        numbers = node.delegations.add_many(list(zip(new, kept, strict=True)))
    return [(number, each.signal) for number, each in zip(numbers, new, strict=True)]


def revise(
    node: Node, held: StoredSignal, *, reviewed: bool, content: bytes | None = None, **changes: Any
) -> StoredSignal:
    """Makes the next revision of a signal, with some fields changed.

    Args:
        node: this node.
        held: its newest revision.
        reviewed: a person has looked at what the screening finds in the changed texts.
        content: see `SignalStore.add_revision`.
        changes: fields of `Signal`.

    Raises:
        ReviewNeededError: see the module.
        SignalError: as `revisions.revise` and `SignalStore.add_revision`; `signal.entrusted`, this member
            publishes it for another one, whose it is to revise.
    """
    if changes.keys() - _OF_THE_DELEGATE and node.entrusted.contributor(held.number):
        raise SignalError(
            "this member publishes the signal for another one, which alone revises it",
            hint="Tell its people: `symbolon signals delegated` says who they are. You can recall it.",
            code="signal.entrusted",
        )
    new = revisions.revise(held.signal, node.now.date(), **changes)
    country = new.subject.record.country
    found: list[Found] = []
    if new.narrative != held.signal.narrative:
        found += screen(new.narrative, "narrative", country)
    if new.native != held.signal.native:
        found += _screen_native(new.native, country)
    _require_reviewed(node, held, found, reviewed=reviewed)
    return node.signals.add_revision(new, sign_record(node, new), "revised", content=content)


def recall(
    node: Node, held: StoredSignal, reason: RecallReason, *, forget_source: bool = False
) -> StoredSignal:
    """Takes a signal back.

    Args:
        node: this node.
        held: its newest revision.
        reason: it travels.
        forget_source: erase the note on the source with it.

    Raises:
        SignalError: as `revisions.recall` and `SignalStore.recall`.
    """
    new = revisions.recall(held.signal, node.now.date(), reason)
    return node.signals.recall(new, sign_record(node, new), forget_source=forget_source)


def dispute(node: Node, held: StoredSignal, statement: str, *, reviewed: bool) -> StoredSignal:
    """Notes that the supplier contests a signal; arguments and errors as for `revise`."""
    new = revisions.dispute(held.signal, node.now.date(), statement)
    _require_screened(node, held, statement, "statement", reviewed=reviewed)
    return node.signals.add_revision(new, sign_record(node, new), "disputed")


def settle(node: Node, held: StoredSignal, state: DisputeState) -> StoredSignal:
    """Notes how the contest was answered.

    Raises:
        SignalError: as `revisions.settle` and `SignalStore.add_revision`.
    """
    new = revisions.settle(held.signal, node.now.date(), state)
    return node.signals.add_revision(new, sign_record(node, new), "settled")


def reply(node: Node, held: StoredSignal, text: str, *, reviewed: bool) -> StoredSignal:
    """Attaches the supplier's answer; arguments and errors as for `revise`."""
    new = revisions.reply(held.signal, node.now.date(), text)
    _require_screened(node, held, text, "reply", reviewed=reviewed)
    return node.signals.add_revision(new, sign_record(node, new), "replied")


def _require_screened(node: Node, held: StoredSignal, text: str, name: str, *, reviewed: bool) -> None:
    found = screen(text, name, held.signal.subject.record.country)
    _require_reviewed(node, held, found, reviewed=reviewed)


def _require_reviewed(node: Node, held: StoredSignal, found: Sequence[Found], *, reviewed: bool) -> None:
    """As `require_reviewed`; the delegate of a signal is told with it that a person has looked."""
    require_reviewed(found, reviewed=reviewed)
    if found:
        node.delegations.note_said(held.number, reviewed=True)
