"""One signal as a person reads it, and as a program does: never a score, always with what it rests on.

Confidence in the content and reliability of the source stand beside each other, and so do the contest and
the reply. All text goes through `free_text.shown`; the source is not part of it.
"""

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from typing import Any, Final

from symbolon.signals.free_text import shown
from symbolon.signals.native_grades import mapped
from symbolon.signals.record_codec import SUBJECT_FIELDS, encode_signal
from symbolon.signals.released import ReleasedSignal
from symbolon.signals.signal import NOT_RATED, Native, Signal
from symbolon.signals.vocabulary import DisputeState, Indicator, Level, State
from symbolon.storage.signal_columns import StoredSignal

ID_CHARS: Final = 8
"""Digits of an id that are shown in lists; commands take any beginning of four or more."""

SIDE_CHARS: Final = 240
"""Characters of a statement or a reply that a list shows; it says what shows the rest."""

Said = Signal | ReleasedSignal
"""What a contributor keeps, or what is left of it for a receiver."""

_MONTH_DAYS: Final = 30.44
_PLACE: Final = ("city", "region", "country")
_INDENT: Final = "  "


def short_id(signal: Signal) -> str:
    """The id as lists show it."""
    return signal.hex_id[:ID_CHARS]


def subject_line(signal: Signal) -> str:
    """Whom it is about, in one line."""
    record = signal.subject.record
    name = record.name or next(
        (getattr(record, each) for each in ("os_id", "lei", "gln", "duns", "vat", "registration_number")), ""
    )
    place = ", ".join(filter(None, (getattr(record, each) for each in _PLACE)))
    return shown(f"{name}, {place}" if place else name, one_line=True)


def summary_lines(signal: Signal, today: date, contributors: int | None = None) -> Iterator[str]:
    """Yields the lines of a signal in a list; the first one has its id, subject, state and revision.

    Args:
        signal: the newest revision.
        today: by this node's clock.
        contributors: how many members say so, the own one included; None where that is not known here.
    """
    state = state_words(signal, today)
    yield (
        f"{short_id(signal)}  {subject_line(signal)} ({signal.subject.kind.value});"
        f" {state}, revision {signal.revision}"
    )
    if signal.state is State.RECALLED:
        return
    for line in (
        *content_lines(signal, today),
        *others_lines(contributors),
        *side_lines(signal, f"symbolon signals show {short_id(signal)}"),
    ):
        yield _INDENT + line


def content_lines(signal: Signal, today: date, *, purposes: str = "") -> Iterator[str]:
    """Yields what an active signal tells, but for the narrative.

    Args:
        signal: that stands.
        today: by this node's clock.
        purposes: what to say of its purposes, where they are not known yet.
    """
    evidence = signal.evidence.words if signal.evidence else "evidence not stated"
    yield f"{indicator_words(signal)}; {evidence}, {period_words(signal)}"
    yield f"{severity_words(signal)}; likelihood {signal.likelihood.words}"
    yield f"{confidence_words(signal)}; {reliability_words(signal)}"
    if signal.native is not None:
        native = signal.native
        grade = f"{shown(native.grade, one_line=True)} in {shown(native.scheme, one_line=True)}"
        yield f"graded {grade}{suggestion_words(native)}"
    yield f"{dispute_words(signal)}; {reply_words(signal)}"
    urgent = ", urgent" if signal.urgent else ""
    said = purposes or ", ".join(signal.purposes)
    to = ", ".join(signal.recipients) or "whoever policy permits"
    yield f"TLP:{signal.tlp.value.upper()}{urgent}; for {said}; to {to}"
    yield f"issued {signal.issued} ({age_words(signal.issued, today)}); {dates_words(signal, today)}"


def state_words(signal: Signal, today: date) -> str:
    """Whether it stands."""
    if signal.is_expired(today):
        return f"expired on {signal.expires}"
    if signal.state is State.RECALLED and signal.recall_reason is not None:
        return f"recalled on {signal.issued}: {signal.recall_reason.words}"
    if signal.embargo is not None and signal.embargo > today:
        return f"active, kept back until {signal.embargo}"
    return "active"


def indicator_words(signal: Said) -> str:
    """What was seen."""
    return ", ".join(each.words for each in Indicator if each in signal.indicators)


def period_words(signal: Said) -> str:
    """When it was seen."""
    if signal.period is None:
        return "when is not stated"
    first, last = signal.period.first, signal.period.last
    return f"seen {first}" if first == last else f"seen {first} to {last}"


def severity_words(signal: Said) -> str:
    """How bad it is, in three measures."""
    rated = signal.severity
    if rated == NOT_RATED:
        return "severity not stated"
    return (
        f"severity: scale {rated.scale.words}, scope {rated.scope.words},"
        f" irremediability {rated.irremediability.words}"
    )


def confidence_words(signal: Said) -> str:
    """How sure the contributor is of the content."""
    return (
        "confidence not stated"
        if signal.confidence is None
        else f"confidence in the content {signal.confidence} of 100"
    )


def reliability_words(signal: Said) -> str:
    """How reliable the source has been."""
    return (
        "reliability of the source not stated"
        if signal.reliability is None
        else f"source {signal.reliability.value}, {signal.reliability.words}"
    )


def dispute_words(signal: Said) -> str:
    """How the supplier's contest stands."""
    since = f" since {signal.dispute.since}" if signal.dispute.state is DisputeState.OPEN else ""
    return f"{signal.dispute.state.words}{since}"


def reply_words(signal: Said) -> str:
    """Whether the supplier has answered."""
    return "no reply" if signal.reply is None else f"the supplier replied on {signal.reply.received}"


def suggestion(native: Native | None) -> int | None:
    """What a native grade suggests for the scale of severity, by the documented mapping, or None."""
    meaning = None if native is None else mapped(native)
    return None if meaning is None or meaning.level is None else int(meaning.level)


def suggestion_words(native: Native) -> str:
    """The same behind a grade, '' where it suggests nothing."""
    level = suggestion(native)
    return "" if level is None else f" (suggests {Level(level).words})"


def others_lines(contributors: int | None) -> Iterator[str]:
    """Yields how many other members say the same, if any do.

    Args:
        contributors: as in `summary_lines`.
    """
    others = (contributors or 1) - 1
    if others:
        yield f"{others} other{' says' if others == 1 else 's say'} the same"


def side_lines(signal: Said, whole: str) -> Iterator[str]:
    """Yields what the supplier contests and replies, a line each, cut where it is long.

    Args:
        signal: own or received.
        whole: the command that shows all of it.
    """
    for title, text in (
        ("the supplier contests", signal.dispute.statement),
        ("the supplier replies", signal.reply.text if signal.reply else ""),
    ):
        line = shown(text, one_line=True)
        if line:
            yield f"{title} | {line[:SIDE_CHARS].rstrip()}{'…' if len(line) > SIDE_CHARS else ''}"
        if len(line) > SIDE_CHARS:
            yield f"{_INDENT}cut here: `{whole}` shows it whole"


def dates_words(signal: Said, today: date) -> str:
    """When it is looked at again, and when it goes."""
    due = "review is due" if signal.review <= today else "review by"
    return f"{due} {signal.review}; expires {signal.expires}"


def age_words(since: date, today: date) -> str:
    """How long ago a day is."""
    days = (today - since).days
    if days <= 0:
        return "today"
    if days < 60:
        return f"{days} day{'' if days == 1 else 's'} old"
    return f"{round(days / _MONTH_DAYS)} months old"


def whole_lines(signal: Signal, today: date, contributors: int | None = None) -> Iterator[str]:
    """Yields everything that a signal says, narrative, contest and reply with their words.

    Args:
        signal: the newest revision.
        today: by this node's clock.
        contributors: as in `summary_lines`.
    """
    record = signal.subject.record
    yield f"{signal.hex_id}, revision {signal.revision}, {state_words(signal, today)}"
    yield f"about: {signal.subject.kind.value}"
    for name in SUBJECT_FIELDS:
        if text := getattr(record, name):
            yield f"{_INDENT}{name.replace('_', ' ')}: {shown(text, one_line=True)}"
    if signal.state is State.RECALLED:
        return
    yield from content_lines(signal, today)
    yield from others_lines(contributors)
    yield from _texts(signal)


def earlier_lines(revisions: Sequence[Signal], today: date) -> Iterator[str]:
    """Yields what earlier revisions said; whom they are about never changes.

    Args:
        revisions: all of them, the oldest first.
        today: by this node's clock.
    """
    for before in reversed(revisions[:-1]):
        yield f"revision {before.revision}, of {before.issued}:"
        for line in (*content_lines(before, today), *_texts(before)):
            yield _INDENT + line


def _texts(signal: Signal) -> Iterator[str]:
    for title, text in (
        ("what the supplier contests", signal.dispute.statement),
        ("the supplier's reply", signal.reply.text if signal.reply else ""),
        ("narrative", signal.narrative),
    ):
        if text:
            yield f"{title}:"
            yield from indented(text)


def indented(text: str) -> Iterator[str]:
    """Yields the lines of a text, set in: they cannot be taken for lines of this program."""
    for line in shown(text).split("\n"):
        yield f"{_INDENT}| {line}".rstrip()


def signal_json(held: StoredSignal, today: date, contributors: int | None) -> dict[str, Any]:
    """A stored signal for programs; the source is not in it.

    Args:
        held: the newest revision, or an earlier one.
        today: by this node's clock.
        contributors: as in `summary_lines`.
    """
    signal = held.signal
    document: dict[str, Any] = json.loads(encode_signal(signal))
    del document["format"]
    return {
        **document,
        "native_suggests": suggestion(signal.native),
        "contributors": contributors,
        "age_days": max(0, (today - signal.issued).days),
        "review_due": signal.state is State.ACTIVE and signal.review <= today,
        "expired": signal.is_expired(today),
        "has_source": held.has_source,
        "created": _moment(held.created_at_s),
        "changed": _moment(held.changed_at_s),
    }


def _moment(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat()
