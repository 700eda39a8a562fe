"""A received signal as a person reads it, and as a program does: never a score.

What it rests on, how sure the contributor is of it, how reliable its source is, how old it is, and the
supplier's side stand beside each other; so does how surely it is about the own supplier.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from typing import Any, Final

from symbolon.cli.signals_shown import (
    ID_CHARS,
    age_words,
    confidence_words,
    dates_words,
    dispute_words,
    indented,
    indicator_words,
    period_words,
    reliability_words,
    reply_words,
    severity_words,
    suggestion,
    suggestion_words,
)
from symbolon.matching.reasons import in_words
from symbolon.signals.free_text import shown
from symbolon.signals.vocabulary import Indicator, ShownAs
from symbolon.storage.received_signal_view import ReceivedLink, ReceivedView
from symbolon.suppliers.record import Supplier

_INDENT: Final = "  "


def about_line(link: ReceivedLink, suppliers: Mapping[int, Supplier]) -> str:
    """An own supplier, and how surely a signal is about it."""
    record = suppliers.get(link.link.supplier_no)
    if record is None:
        return "a supplier that is no longer in the list"
    decided = f", {link.decision} by a person" if link.decision else ""
    how = f"{link.link.tier.band}: {in_words(link.link.reasons)}{decided}"
    return f"{shown(record.supplier_id, one_line=True)}  {shown(record.name, one_line=True)} ({how})"


def view_lines(view: ReceivedView, today: date) -> Iterator[str]:
    """Yields what a received signal says, without whom it is about."""
    signal = view.signal
    yield f"{signal.hex_id[:ID_CHARS]}  {unless_withheld(view, 'indicators', indicator_words(signal))}"
    evidence = signal.evidence.words if signal.evidence else "not stated"
    rests = unless_withheld(view, "evidence", f"rests on: {evidence}", "what it rests on")
    yield _INDENT + f"{rests}; {unless_withheld(view, 'period', period_words(signal), 'when it was seen')}"
    likelihood = unless_withheld(view, "likelihood", f"likelihood {signal.likelihood.words}")
    yield _INDENT + f"{unless_withheld(view, 'severity', severity_words(signal))}; {likelihood}"
    confidence = unless_withheld(view, "confidence", confidence_words(signal))
    yield _INDENT + f"{confidence}; {unless_withheld(view, 'reliability', reliability_words(signal))}"
    if signal.native is not None:
        grade = f"{shown(signal.native.scheme, one_line=True)}: {shown(signal.native.grade, one_line=True)}"
        yield _INDENT + f"graded by {grade}{suggestion_words(signal.native)}"
    yield _INDENT + f"{dispute_words(signal)}; {reply_words(signal)}"
    if signal.dispute.statement:
        yield from (_INDENT + line for line in indented(signal.dispute.statement))
    if signal.reply is not None:
        yield from (_INDENT + line for line in indented(signal.reply.text))
    voices = f"; {signal.contributors} independent contributors" if signal.contributors > 1 else ""
    yield _INDENT + (
        f"from {_contributor(view)}, revision {signal.revision}, {age_words(signal.issued, today)}{voices}"
    )
    terms = "; not to be passed on" if signal.no_onward else ""
    yield _INDENT + f"TLP:{signal.tlp.value.upper()}: {signal.tlp.words}{terms}; {dates_words(signal, today)}"
    yield from (_INDENT + each for each in _warnings(view))


def unless_withheld(view: ReceivedView, name: str, words: str, what: str = "") -> str:
    """The words for a field, or that policy keeps it back.

    Args:
        view: a received signal.
        name: of the field, from `WITHHOLDABLE`.
        words: what it says.
        what: it is, where its name is no plain word.
    """
    return f"{what or name}: withheld" if name in view.signal.withheld else words


def _contributor(view: ReceivedView) -> str:
    kind = view.signal.shown_as
    return view.peer if kind is ShownAs.PUBLISHER else f"another member ({kind.value}), by way of {view.peer}"


def _warnings(view: ReceivedView) -> Iterator[str]:
    if view.is_own:
        yield f"! this member's own, which {view.peer} publishes for it: no second voice"
    if not view.verified:
        yield "! its signature does not hold under the publisher's key of today; it held when it came"
    if view.newest_revision > view.signal.revision:
        yield "! a newer revision was received for another purpose: look it up again"
    if view.also_under:
        yield f"! {', '.join(view.also_under)} used the same id: one copied it, so they are not two voices"
    if view.has_text:
        yield f"its narrative is here: `symbolon signals narrative {view.signal.hex_id[:ID_CHARS]}`"
    elif view.signal.has_narrative:
        yield "it has a narrative, which can be asked for: the contributor learns then who holds the supplier"


def view_json(view: ReceivedView, suppliers: Mapping[int, Supplier], today: date) -> dict[str, Any]:
    """A received signal for programs."""
    signal = view.signal
    native = signal.native
    return {
        "signal_id": signal.hex_id,
        "publisher": view.peer,
        "contributor": signal.shown_as.value,
        "purpose": view.purpose,
        "revision": signal.revision,
        "suppliers": [_link_json(each, suppliers) for each in view.links],
        "indicators": [each.value for each in Indicator if each in signal.indicators],
        "evidence": signal.evidence and signal.evidence.value,
        "severity": {
            "scale": int(signal.severity.scale),
            "scope": int(signal.severity.scope),
            "irremediability": int(signal.severity.irremediability),
        },
        "likelihood": int(signal.likelihood),
        "confidence": signal.confidence,
        "reliability": signal.reliability and signal.reliability.value,
        "native": native and {"scheme": native.scheme, "grade": native.grade},
        "native_suggests": suggestion(native),
        "period": signal.period and {"from": str(signal.period.first), "to": str(signal.period.last)},
        "subject_kind": signal.subject_kind and signal.subject_kind.value,
        "dispute": {
            "state": signal.dispute.state.value,
            "since": signal.dispute.since and signal.dispute.since.isoformat(),
            "statement": signal.dispute.statement,
        },
        "reply": signal.reply and {"received": signal.reply.received.isoformat(), "text": signal.reply.text},
        "contributors": signal.contributors,
        "tlp": signal.tlp.value,
        "no_onward": signal.no_onward,
        "retain_days": signal.retain_days,
        "urgent": signal.urgent,
        "has_narrative": signal.has_narrative,
        "withheld": sorted(signal.withheld),
        "issued": signal.issued.isoformat(),
        "age_days": max(0, (today - signal.issued).days),
        "review": signal.review.isoformat(),
        "expires": signal.expires.isoformat(),
        "first_received": _moment(view.first_received_at_s),
        "received": _moment(view.received_at_s),
        "verified": view.verified,
        "newest_revision": view.newest_revision,
        "also_published_by": list(view.also_under),
        "own": view.is_own,
    }


def _link_json(link: ReceivedLink, suppliers: Mapping[int, Supplier]) -> dict[str, Any]:
    record = suppliers.get(link.link.supplier_no)
    return {
        "supplier_id": None if record is None else record.supplier_id,
        "name": None if record is None else record.name,
        "band": link.link.tier.band,
        "reasons": list(link.link.reasons),
        "decision": link.decision,
    }


def _moment(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat()


__all__ = [
    "about_line",
    "unless_withheld",
    "view_json",
    "view_lines",
]
