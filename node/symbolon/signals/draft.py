"""A signal before it has an id: what an author types, or a file brings.

Handles: defaults of what nobody wants to decide each time (how long it stands, when it is looked at again),
and making the first revision of it. Refuses what `Signal` refuses. The source stands beside the record and
never in it. Specification: docs/signals.md, Contributing.
"""

from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Final

from symbolon.errors import SignalError
from symbolon.signals.signal import NOT_RATED, Native, Period, Severity, Signal, Subject
from symbolon.signals.vocabulary import Evidence, Indicator, Level, Reliability, Tlp

STANDS_DAYS: Final = 730
"""A signal that nobody renews is two years old at most: a supplier is not condemned by what was long ago."""

REVIEW_DAYS: Final = 180
"""Its contributor looks at it again twice a year."""

MAX_SOURCE_CHARS: Final = 20_000
"""Notes on a source, for the contributor alone."""

MAX_REFERENCE_CHARS: Final = 200
"""What a file calls one of its rows."""


@dataclass(frozen=True, slots=True)
class Draft:
    """Fields as in `Signal`, and three beside them.

    Attributes:
        expires: None for `STANDS_DAYS` from the day it is issued.
        review: None for `REVIEW_DAYS` from then, or the day it expires if that comes first.
        source: who or what it was learnt from; '' for nothing noted.
        reference: what the file it comes from calls it, so that a second import knows it again; '' for none.
        workers: how many people work there, if the author said so, for the screening; it is not kept.
    """

    subject: Subject
    indicators: frozenset[Indicator]
    evidence: Evidence
    severity: Severity = NOT_RATED
    likelihood: Level = Level.NOT_STATED
    confidence: int | None = None
    reliability: Reliability | None = None
    native: Native | None = None
    period: Period | None = None
    narrative: str = field(default="", repr=False)
    tlp: Tlp = Tlp.AMBER
    purposes: tuple[str, ...] = ()
    recipients: tuple[str, ...] = ()
    embargo: date | None = None
    expires: date | None = None
    review: date | None = None
    urgent: bool = False
    source: str = field(default="", repr=False)
    reference: str = field(default="", repr=False)
    workers: int | None = None

    def __post_init__(self) -> None:
        if len(self.source) > MAX_SOURCE_CHARS or len(self.reference) > MAX_REFERENCE_CHARS:
            raise SignalError(
                "the notes on the source, or the reference, are too long",
                hint=f"{MAX_SOURCE_CHARS} and {MAX_REFERENCE_CHARS} characters are the most.",
                code="signal.value",
            )
        try:
            (self.source + self.reference).encode()
        except UnicodeEncodeError:
            raise SignalError(
                "the notes on the source, or the reference, are not Unicode",
                hint="Type them again in a terminal that is set to UTF-8.",
                code="signal.value",
            ) from None
        if self.workers is not None and self.workers < 0:
            raise SignalError("fewer than no people work there", code="signal.value")

    def first_revision(self, signal_id: bytes, today: date) -> Signal:
        """The signal that it becomes.

        Args:
            signal_id: 16 random bytes.
            today: by this node's clock.

        Raises:
            SignalError: `signal.value`.
        """
        expires = self.expires or today + timedelta(days=STANDS_DAYS)
        return Signal(
            signal_id=signal_id,
            revision=1,
            issued=today,
            subject=self.subject,
            expires=expires,
            review=self.review or min(today + timedelta(days=REVIEW_DAYS), expires),
            tlp=self.tlp,
            purposes=self.purposes,
            indicators=self.indicators,
            severity=self.severity,
            likelihood=self.likelihood,
            confidence=self.confidence,
            reliability=self.reliability,
            evidence=self.evidence,
            native=self.native,
            period=self.period,
            narrative=self.narrative,
            recipients=self.recipients,
            embargo=self.embargo,
            urgent=self.urgent,
        )
