"""A signal on its way into another format: what may be written of it, from when, and in which words.

Handles: the signal in the form in which it was released, with its subject and narrative beside it; what
remains of a signal that was recalled or has expired (its id); the version that another system sees; the
title, summary and description that a person reads there. Refuses, with `SignalError`: what may not be passed
on (`signal.onward`), one signal twice (`signal.doubled`), too many (`signal.too_many`), and a narrative or a
name that is no plain text (`signal.value`). Sources are in none of the types.
Specification: docs/signals-interchange.md.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, time, timedelta
from typing import Final
from uuid import UUID, uuid5

from symbolon.errors import SignalError
from symbolon.signals.free_text import clean, is_plain
from symbolon.signals.record_codec import SUBJECT_FIELDS
from symbolon.signals.released import ReleasedSignal
from symbolon.signals.signal import FIRST_DAY, MAX_NARRATIVE_CHARS, Subject
from symbolon.signals.vocabulary import DisputeState, Indicator, ShownAs, State, Tlp

NAMESPACE: Final = UUID("78522121-a81d-497a-ac5d-c98600b5acef")
"""Of every UUID that is made from a signal's id; another namespace would double what was exported before."""

MAX_SIGNALS: Final = 100_000
"""In one file, written or read: ten times what the largest contributor of the design's benchmarks holds."""

MAX_ORGANISATION_CHARS: Final = 200
"""Name of whoever exports; legal names are shorter."""

_SHOWN_IDS: Final = 20
_TITLE_INDICATORS: Final = 4
_DAY_S: Final = 86_400
_DISPUTED: Final = {
    DisputeState.OPEN: "The subject contests it since {since}.",
    DisputeState.MAINTAINED: "The subject contests it since {since}; the contributor maintains it.",
    DisputeState.CORRECTED: "The subject contested it on {since}; it was corrected since.",
    DisputeState.REMEDIED: "The subject contested it on {since}; the matter was remedied since.",
}


@dataclass(frozen=True, slots=True)
class Exported:
    """One signal for a writer.

    Attributes:
        released: as it was released to whoever exports it, or to all, where the contributor exports.
        subject: whom it is about, as the exporter knows it; None where the exporter leaves that out.
        narrative: the free text, '' where there is none or it was never asked for.
        publisher: id of the member that published it to whoever exports; '' for an own signal, and where its
            contributor is shown by kind alone.

    Raises:
        SignalError: `signal.value`, at construction.
    """

    released: ReleasedSignal
    subject: Subject | None = None
    narrative: str = field(default="", repr=False)
    publisher: str = ""

    def __post_init__(self) -> None:
        if len(self.narrative) > MAX_NARRATIVE_CHARS or not is_plain(self.narrative):
            raise SignalError(
                f"the narrative of signal {self.released.hex_id} is no plain text of at most "
                f"{MAX_NARRATIVE_CHARS:,} characters",
                hint="Export the signal without it.",
                code="signal.value",
            )


def is_over(exported: Exported, now: datetime) -> bool:
    """Whether nothing but the id is left: it was recalled, or its time has passed."""
    released = exported.released
    return released.state is State.RECALLED or released.expires <= now.astimezone(UTC).date()


def ready_for_export(
    exported: Iterable[Exported], *, organisation: str, now: datetime, onward_allowed: Collection[bytes]
) -> list[Exported]:
    """What a writer writes: checked, without what was withheld, in the order of the ids.

    Args:
        exported: in any order.
        organisation: name of whoever exports.
        now: by this node's clock, with its zone.
        onward_allowed: ids of signals whose contributor agreed that they are passed on all the same.

    Raises:
        SignalError: see the module. A signal that is over is always written, since nothing but its id is
            left, and whoever has an earlier export has to learn of the end.
    """
    if (
        not organisation.strip()
        or len(organisation) > MAX_ORGANISATION_CHARS
        or not organisation.isprintable()
    ):
        raise SignalError(
            f"the exporter's name is one line of at most {MAX_ORGANISATION_CHARS} characters",
            code="signal.value",
        )
    ready: dict[bytes, Exported] = {}
    kept_back: list[bytes] = []
    for each in exported:
        signal_id = each.released.signal_id
        if signal_id in ready:
            raise SignalError(
                f"signal {signal_id.hex()} stands in the export twice",
                hint="Give its newest revision only.",
                code="signal.doubled",
            )
        if len(ready) == MAX_SIGNALS:
            raise SignalError(
                f"an export holds at most {MAX_SIGNALS:,} signals",
                hint="Export them in parts.",
                code="signal.too_many",
            )
        bound = each.released.no_onward or each.released.tlp is Tlp.RED
        if bound and signal_id not in onward_allowed and not is_over(each, now):
            kept_back.append(signal_id)
        ready[signal_id] = replace(each, narrative="") if "narrative" in each.released.withheld else each
    if kept_back:
        raise _not_onward(kept_back)
    return [ready[signal_id] for signal_id in sorted(ready)]


def _not_onward(signal_ids: list[bytes]) -> SignalError:
    shown = ", ".join(each.hex() for each in sorted(signal_ids)[:_SHOWN_IDS])
    more = f" and {len(signal_ids) - _SHOWN_IDS} more" if len(signal_ids) > _SHOWN_IDS else ""
    return SignalError(
        f"may not be passed on (TLP:RED, or released with no_onward): {shown}{more}",
        hint="Leave these signals out; or ask their contributor, and name each one that it lets you pass on.",
        code="signal.onward",
    )


def subject_fields(exported: Exported) -> dict[str, str]:
    """The texts of the subject by the names of its fields, cleaned as a reader cleans them."""
    if exported.subject is None:
        return {}
    record = exported.subject.record
    return {name: text for name in SUBJECT_FIELDS if (text := clean(getattr(record, name)))}


def export_id(signal_id: bytes, what: str) -> str:
    """The UUID of one part of an export, the same in every export of the signal.

    Args:
        signal_id: 16 bytes.
        what: which part of which format, for example `misp/event`.
    """
    return str(uuid5(NAMESPACE, f"{signal_id.hex()}/{what}"))


def version_time(exported: Exported, now: datetime) -> datetime:
    """What stands for the time of this version in another system, where the later of two versions holds.

    It counts and is no clock: a day for each revision, and in it a second for each day of export, since what
    policy releases of one revision may change; the end of a signal that has expired comes last in its day.
    Days of issue would not do: a policy may widen them, so that a recall would seem older than what it
    recalls. Nor would the time of the export: a member that is behind would bring a recalled signal back.
    """
    released = exported.released
    over = is_over(exported, now)
    second = _DAY_S - 1 if over else min((now.astimezone(UTC).date() - FIRST_DAY).days, _DAY_S - 2)
    start = datetime.combine(FIRST_DAY, time(0), UTC)
    return start + timedelta(days=released.revision, seconds=max(second, 0))


def title(released: ReleasedSignal) -> str:
    """One line for lists of events or reports; it names no supplier, since lists travel in notifications."""
    indicators = [each.words for each in Indicator if each in released.indicators]
    if not indicators:
        return "Risk signal"
    more = len(indicators) - _TITLE_INDICATORS
    return f"Risk signal: {', '.join(indicators[:_TITLE_INDICATORS])}" + (
        f" and {more} more" if more > 0 else ""
    )


OVER_TITLE: Final = "Risk signal that no longer stands"


def summary(released: ReleasedSignal, publisher: str = "") -> str:
    """What a person reads of a signal, a line for each thing that is said; without the narrative.

    Args:
        released: the signal.
        publisher: as in `Exported`.
    """
    severity = released.severity
    lines = ["What a contributor has reported; a report is no finding of fact."]
    if released.indicators:
        named = ", ".join(each.words for each in Indicator if each in released.indicators)
        lines.append(f"Indicators: {named}.")
    if released.evidence is not None:
        lines.append(f"Evidence: {released.evidence.words}.")
    rated = [
        f"{name} {level.words}"
        for name, level in (
            ("scale", severity.scale),
            ("scope", severity.scope),
            ("irremediability", severity.irremediability),
        )
        if level
    ]
    if rated:
        lines.append(f"Severity: {', '.join(rated)}.")
    if released.likelihood:
        lines.append(f"Likelihood that it goes on: {released.likelihood.words}.")
    if released.confidence is not None:
        lines.append(f"Confidence in the content: {released.confidence} of 100.")
    if released.reliability is not None:
        lines.append(f"Source: {released.reliability}, {released.reliability.words}.")
    if released.native is not None:
        lines.append(f"Grade in its own scheme: {released.native.scheme}, {released.native.grade}.")
    if released.period is not None:
        lines.append(f"Seen: {released.period.first} to {released.period.last}.")
    if released.contributors > 1:
        lines.append(f"Independent contributors that say so: {released.contributors}.")
    if publisher:
        lines.append(f"Published by the member {publisher}.")
    if released.shown_as is not ShownAs.PUBLISHER:
        lines.append(f"Contributor: a member of the kind {released.shown_as.value}.")
    lines.append(
        f"Issued {released.issued}; looked at again by {released.review}; expires {released.expires}."
    )
    if released.no_onward:
        lines.append("It may not be passed on.")
    if released.retain_days is not None:
        lines.append(f"To be erased {released.retain_days} days after its receipt.")
    return "\n".join((*lines, *other_side(released)))


def description(released: ReleasedSignal, narrative: str, publisher: str = "") -> str:
    """The summary and the narrative behind it."""
    return "\n\n".join(each for each in (summary(released, publisher), narrative) if each)


def other_side(released: ReleasedSignal) -> list[str]:
    """The contest and the answer of the subject, a line each."""
    lines = []
    dispute = released.dispute
    if dispute.state in _DISPUTED:
        contest = _DISPUTED[dispute.state].format(since=dispute.since)
        lines.append(f"{contest} {dispute.statement}".strip())
    if released.reply is not None:
        lines.append(f"The subject's answer of {released.reply.received}: {released.reply.text}")
    return lines
