"""A signal in the form in which it leaves for one member, and how obligations give it that form.

Handles: what is left of a revision once fields are withheld and its period is widened; the terms that bind
its receiver. The subject, the purposes, the recipients and the embargo are the contributor's own affair and
never part of it; the narrative is only said to exist. Dispute and reply are never withheld: who sees a signal
sees the supplier's side. What would tell of a field that is withheld goes with it: the urgent mark with the
indicators; and where the period is widened, the days of the record are too, since a signal is written soon
after something was seen. Refuses, at construction: what `release` makes of no signal, such as a withheld
field that is there, a recalled signal with content, one that stands without evidence.
Specification: docs/signals.md, What leaves.
"""

from dataclasses import dataclass
from datetime import date
from typing import Final

from symbolon.errors import SignalError
from symbolon.policy.enforcement import PERIOD_FIELD, widened
from symbolon.policy.obligations import Obligations
from symbolon.policy.obligations import Period as Step
from symbolon.signals.signal import (
    FIRST_DAY,
    ID_BYTES,
    LAST_DAY,
    MAX_REVISION,
    NO_DISPUTE,
    NOT_RATED,
    Dispute,
    Month,
    Native,
    Period,
    Reply,
    Severity,
    Signal,
)
from symbolon.signals.vocabulary import (
    URGENT_KINDS,
    Evidence,
    Indicator,
    Level,
    RecallReason,
    Reliability,
    ShownAs,
    State,
    SubjectKind,
    Tlp,
)

WITHHOLDABLE: Final = (
    "subject_kind",
    "indicators",
    "severity",
    "likelihood",
    "confidence",
    "reliability",
    "evidence",
    "native",
    PERIOD_FIELD,
    "narrative",
)
"""Fields that `redact` can name; the position is the bit in a label."""

MAX_CONTRIBUTORS_SHOWN: Final = 255
"""One byte in a label; more voices than that are shown as so many."""

MAX_RETAIN_DAYS: Final = 65_535
"""Two bytes in a label; no obligation asks for more than ten years."""


@dataclass(frozen=True, slots=True)
class ReleasedSignal:
    """What one member is shown of a signal; fields as in `Signal`.

    Attributes:
        issued, expires, review: the first days of their months, quarters or years where the period is widened
            to those.
        urgent: told only along with the indicators.
        withheld: names from `WITHHOLDABLE` of fields that policy keeps back; they are empty here.
        has_narrative: whether there is one to ask for.
        no_onward: the receiver may not pass it on, whatever its TLP mark.
        retain_days: the receiver erases it after so many days, or None.
        contributors: independent members that said the same, the contributor included.
        shown_as: the publisher itself, or another member by its kind.
    """

    signal_id: bytes
    revision: int
    state: State
    issued: date
    expires: date
    review: date
    tlp: Tlp
    subject_kind: SubjectKind | None = None
    indicators: frozenset[Indicator] = frozenset()
    severity: Severity = NOT_RATED
    likelihood: Level = Level.NOT_STATED
    confidence: int | None = None
    reliability: Reliability | None = None
    evidence: Evidence | None = None
    native: Native | None = None
    period: Period | None = None
    has_narrative: bool = False
    urgent: bool = False
    dispute: Dispute = NO_DISPUTE
    reply: Reply | None = None
    recall_reason: RecallReason | None = None
    withheld: frozenset[str] = frozenset()
    no_onward: bool = False
    retain_days: int | None = None
    contributors: int = 1
    shown_as: ShownAs = ShownAs.PUBLISHER

    def __post_init__(self) -> None:
        if len(self.signal_id) != ID_BYTES or not 1 <= self.revision <= MAX_REVISION:
            raise _refuse("its id or its revision is out of range")
        if min(self.issued, self.review) < FIRST_DAY or self.expires > LAST_DAY:
            raise _refuse(f"a day of it is outside {FIRST_DAY} to {LAST_DAY}")
        if not self.issued < self.expires or self.review > self.expires:
            raise _refuse("its days are in the wrong order")
        if not 1 <= self.contributors <= MAX_CONTRIBUTORS_SHOWN:
            raise _refuse("it has too few contributors, or too many")
        if self.retain_days is not None and not 1 <= self.retain_days <= MAX_RETAIN_DAYS:
            raise _refuse("the days to retain it are out of range")
        if self.confidence is not None and not 0 <= self.confidence <= 100:
            raise _refuse("its confidence is out of range")
        self._check_withheld()
        if self.urgent and not self.indicators & URGENT_KINDS:
            raise _refuse("it is urgent and shows no urgent kind")
        if self.state is State.RECALLED:
            self._check_recalled()
        elif self.recall_reason is not None:
            raise _refuse("it stands and has a reason for a recall")

    def _check_withheld(self) -> None:
        if not self.withheld <= set(WITHHOLDABLE):
            raise _refuse("it withholds a field that cannot be")
        there = {name for name, value in self._content().items() if value}
        if self.subject_kind is not None:
            there.add("subject_kind")
        if there & self.withheld:
            raise _refuse("a field is withheld and there")
        must = (
            {"subject_kind"} if self.state is State.RECALLED else {"subject_kind", "indicators", "evidence"}
        )
        if must - there - self.withheld:
            raise _refuse("a field is neither withheld nor there")

    def _check_recalled(self) -> None:
        if self.recall_reason is None:
            raise _refuse("it is recalled without a reason")
        if any(self._content().values()) or self.urgent or self.reply or self.dispute != NO_DISPUTE:
            raise _refuse("it is recalled and still has content")

    def _content(self) -> dict[str, object]:
        return {
            "indicators": self.indicators,
            "severity": self.severity != NOT_RATED,
            "likelihood": self.likelihood,
            "confidence": self.confidence is not None,
            "reliability": self.reliability,
            "evidence": self.evidence,
            "native": self.native,
            PERIOD_FIELD: self.period,
            "narrative": self.has_narrative,
        }

    @property
    def hex_id(self) -> str:
        """Its id as people and programs name it."""
        return self.signal_id.hex()


def release(
    signal: Signal,
    obligations: Obligations,
    *,
    contributors: int = 1,
    shown_as: ShownAs = ShownAs.PUBLISHER,
) -> ReleasedSignal:
    """Gives a signal the form in which it leaves.

    Whether it may leave at all is decided before: see `policy.enforcement.prepare_set`. A recalled one shows
    of its days when it was recalled, and the year in which it would have expired.

    Args:
        signal: the newest revision.
        obligations: of the permits, merged.
        contributors: see `ReleasedSignal`.
        shown_as: see `ReleasedSignal`.
    """
    hidden = obligations.redact.fields if obligations.redact else frozenset()
    gone = frozenset(each for each in WITHHOLDABLE if each in hidden)

    def shows(name: str) -> bool:
        return name not in gone

    period, issued, expires, review = signal.period, signal.issued, signal.expires, signal.review
    if obligations.coarsen is not None:
        step = obligations.coarsen.period
        period = None if period is None else _wide(period, step)
        issued, review = _first_day(issued, step), _first_day(review, step)
        expires = _sooner(expires, step, after=signal.issued)
    if signal.state is State.RECALLED:
        # The permit that may have widened its days is not asked about the recall.
        expires = review = _sooner(signal.expires, Step.YEAR, after=signal.issued)
    retain = obligations.retain
    return ReleasedSignal(
        signal_id=signal.signal_id,
        revision=signal.revision,
        state=signal.state,
        issued=issued,
        expires=expires,
        review=review,
        tlp=signal.tlp,
        subject_kind=signal.subject.kind if shows("subject_kind") else None,
        indicators=signal.indicators if shows("indicators") else frozenset(),
        severity=signal.severity if shows("severity") else NOT_RATED,
        likelihood=signal.likelihood if shows("likelihood") else Level.NOT_STATED,
        confidence=signal.confidence if shows("confidence") else None,
        reliability=signal.reliability if shows("reliability") else None,
        evidence=signal.evidence if shows("evidence") else None,
        native=signal.native if shows("native") else None,
        period=period if shows(PERIOD_FIELD) else None,
        has_narrative=bool(signal.narrative) and shows("narrative"),
        urgent=signal.urgent and shows("indicators"),
        dispute=signal.dispute,
        reply=signal.reply,
        recall_reason=signal.recall_reason,
        withheld=gone,
        no_onward=obligations.no_onward,
        retain_days=None if retain is None else retain.days,
        contributors=min(contributors, MAX_CONTRIBUTORS_SHOWN),
        shown_as=shown_as,
    )


def _wide(period: Period, step: Step) -> Period:
    first, last = widened(
        (date(period.first.year, period.first.month, 1), date(period.last.year, period.last.month, 1)), step
    )
    return Period(Month.of(first), Month.of(last))


def _first_day(day: date, step: Step) -> date:
    return widened((day, day), step)[0]


def _sooner(expires: date, step: Step, *, after: date) -> date:
    """The first day of the widest step, up to the one asked for, that leaves a signal some time to stand.

    It is never later than the day that the contributor named.
    """
    steps = list(Step)
    for each in reversed(steps[: steps.index(step) + 1]):
        day = _first_day(expires, each)
        if day > after:
            return day
    return expires


def _refuse(what: str) -> SignalError:
    return SignalError(f"what is shown of a signal does not hold: {what}", code="signal.value")
