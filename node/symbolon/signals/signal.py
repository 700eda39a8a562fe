"""A risk signal: what a contributor says about a site, an organisation, a recruiter or a vessel.

Handles: the record with its parts as frozen values. Refuses, at construction: numbers and texts out of range,
a period or dates in the wrong order, an urgent mark on what is no urgent kind, a mark TLP:RED that names
nobody, a recalled signal that still has content. There is no field for a price, a volume, a cost or the end
of a contract, and none for a person's name: `screening` looks for both in what is written freely. Who or
what the contributor learnt it from is no part of the record; it stays in the contributor's own database.
Specification: docs/signals.md.
"""

import re
import unicodedata
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Final, Self

from symbolon.errors import SignalError
from symbolon.signals.free_text import is_plain
from symbolon.signals.vocabulary import (
    URGENT_KINDS,
    DisputeState,
    Evidence,
    Indicator,
    Level,
    RecallReason,
    Reliability,
    State,
    SubjectKind,
    Tlp,
)
from symbolon.suppliers.record import Supplier

ID_BYTES: Final = 16
"""A signal's id: random, so that it tells nothing of its contributor or of others."""

MAX_REVISION: Final = 65_535
"""Two bytes in a label; one a day for 179 years."""

MAX_NARRATIVE_CHARS: Final = 20_000
"""Ten pages: what an audit finding has; longer texts hide what they say."""

MAX_REPLY_BYTES: Final = 3_000
"""A supplier's reply travels wherever its signal does: a page in Latin letters, half of one in Bengali,
twenty-four entries under each match key."""

MAX_STATEMENT_BYTES: Final = 600
"""What a supplier contests, in a few sentences; it travels as the reply does."""

MAX_NATIVE_CHARS: Final = 80
"""A scheme's name, and a grade as its report has it."""

MAX_SUBJECT_CHARS: Final = 4_000
"""All fields of a subject together: a name, an address and every identifier there is take a quarter of it."""

MAX_WORDS: Final = 64
"""Purposes and recipients of one signal, each."""

FIRST_DAY: Final = date(2020, 1, 1)
LAST_DAY: Final = date(2199, 6, 6)
"""What two bytes hold, in days; also a bound on clocks that are wrong."""

LONGEST_DAYS: Final = 1_826
"""Five years from the day of a revision: what still holds then is said again, by a revision."""

_FIRST_YEAR, _LAST_YEAR = 1900, 2240
_MONTH: Final = re.compile(r"([0-9]{4})-(0[1-9]|1[0-2])")
_WORD: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]{0,63}")
_NOT_IN_LINES: Final = frozenset({"Cc", "Cs", "Zl", "Zp"})


def _refuse(what: str, hint: str | None = None) -> SignalError:
    return SignalError(what, hint=hint, code="signal.value")


def _check_day(what: str, day: date) -> None:
    if not FIRST_DAY <= day <= LAST_DAY:
        raise _refuse(f"{what} is outside {FIRST_DAY} to {LAST_DAY}")


def _check_line(what: str, text: str, limit_chars: int) -> None:
    if not text.strip() or len(text) > limit_chars or "\n" in text or "\t" in text or not is_plain(text):
        raise _refuse(f"{what} is one line of at most {limit_chars} plain characters")


def _check_text(
    what: str, text: str, *, limit_chars: int | None = None, limit_bytes: int | None = None
) -> None:
    try:
        size = len(text.encode())
    except UnicodeEncodeError:
        raise _refuse(f"{what} is not Unicode") from None
    if limit_chars is not None and len(text) > limit_chars:
        raise _refuse(f"{what} has {len(text)} characters, more than {limit_chars}", "Shorten it.")
    if limit_bytes is not None and size > limit_bytes:
        raise _refuse(f"{what} has {size} bytes, more than {limit_bytes}", "Shorten it.")
    if not is_plain(text):
        raise _refuse(
            f"{what} holds control, direction or invisible characters, which could make it look other than"
            " it is",
            "Write it again as plain text.",
        )


@dataclass(frozen=True, slots=True, order=True)
class Month:
    """A month; nothing in a signal says when to the day something was seen."""

    year: int
    month: int

    def __post_init__(self) -> None:
        if not (_FIRST_YEAR <= self.year <= _LAST_YEAR and 1 <= self.month <= 12):
            raise _refuse(f"a month is from {_FIRST_YEAR}-01 to {_LAST_YEAR}-12")

    def __str__(self) -> str:
        return f"{self.year:04}-{self.month:02}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Reads `2026-03`.

        Raises:
            SignalError: `signal.value`.
        """
        found = _MONTH.fullmatch(text)
        if found is None:
            raise _refuse("a month is written as 2026-03", "Leave the day out: no finer time is kept.")
        return cls(int(found[1]), int(found[2]))

    @classmethod
    def of(cls, day: date) -> Self:
        """The month of a day."""
        return cls(day.year, day.month)

    @property
    def number(self) -> int:
        """Months since January 1900."""
        return (self.year - _FIRST_YEAR) * 12 + self.month - 1

    @classmethod
    def numbered(cls, number: int) -> Self:
        """What `number` numbers.

        Raises:
            SignalError: `signal.value`.
        """
        return cls(_FIRST_YEAR + number // 12, number % 12 + 1)


@dataclass(frozen=True, slots=True)
class Period:
    """When it was seen: first and last month."""

    first: Month
    last: Month

    def __post_init__(self) -> None:
        if self.last < self.first:
            raise _refuse("the period ends before it begins")


@dataclass(frozen=True, slots=True)
class Subject:
    """Whom the signal is about. It never travels: match keys are made from it.

    Attributes:
        kind: site, organisation, recruiter or vessel.
        record: as in a supplier list, each field of one line; its `supplier_id` and `sector` are empty.
    """

    kind: SubjectKind
    record: Supplier = field(repr=False)

    def __post_init__(self) -> None:
        if not (self.record.name or _identifiers(self.record)):
            raise _refuse("the subject has neither a name nor an identifier", "Name the site or give an id.")
        if self.record.supplier_id or self.record.sector:
            raise _refuse("a subject has no supplier_id and no sector: those are the member's own words")
        text = "".join(getattr(self.record, each) for each in Supplier.__slots__)
        if len(text) > MAX_SUBJECT_CHARS:
            raise _refuse(f"the subject has more than {MAX_SUBJECT_CHARS} characters", "Shorten its address.")
        if not text.isprintable() and any(unicodedata.category(each) in _NOT_IN_LINES for each in text):
            raise _refuse("a field of the subject is not one line of Unicode")


@dataclass(frozen=True, slots=True)
class Severity:
    """How bad it is, in the three measures of UN Guiding Principle 14; each may be left unsaid."""

    scale: Level = Level.NOT_STATED
    scope: Level = Level.NOT_STATED
    irremediability: Level = Level.NOT_STATED


NOT_RATED: Final = Severity()


@dataclass(frozen=True, slots=True)
class Native:
    """A finding as its own scheme grades it, kept as given; `native_grades` has the documented mapping."""

    scheme: str
    grade: str

    def __post_init__(self) -> None:
        for what, text in (("scheme", self.scheme), ("grade", self.grade)):
            _check_line(f"the native {what}", text, MAX_NATIVE_CHARS)


@dataclass(frozen=True, slots=True)
class Dispute:
    """A supplier's contest, as a member relayed it.

    Attributes:
        since: the day it came in; None where there is no dispute.
        statement: what is contested, in the supplier's words or a summary of them.
    """

    state: DisputeState = DisputeState.NONE
    since: date | None = None
    statement: str = field(default="", repr=False)

    def __post_init__(self) -> None:
        if (self.state is DisputeState.NONE) != (self.since is None):
            raise _refuse("a dispute has a day, and no dispute has none")
        if self.since is not None:
            _check_day("the day of the dispute", self.since)
        if self.state is DisputeState.NONE and self.statement:
            raise _refuse("a statement without a dispute")
        _check_text("the statement of a dispute", self.statement, limit_bytes=MAX_STATEMENT_BYTES)


NO_DISPUTE: Final = Dispute()


@dataclass(frozen=True, slots=True)
class Reply:
    """The supplier's answer, shown wherever the signal is shown."""

    text: str = field(repr=False)
    received: date

    def __post_init__(self) -> None:
        if not self.text.strip():
            raise _refuse("the reply is empty")
        _check_text("the reply", self.text, limit_bytes=MAX_REPLY_BYTES)
        _check_day("the day of the reply", self.received)


@dataclass(frozen=True, slots=True)
class Signal:
    """One revision of a signal, as its contributor keeps it.

    Attributes:
        signal_id: 16 random bytes, the same in all revisions.
        revision: 1, 2, …
        state: recalled ones keep id, revision, subject, reason, days, marks and whom they may go to, and
            nothing of what they told.
        issued: day of this revision.
        subject: whom it is about.
        indicators: what was seen; at least one while it is active.
        severity, likelihood: see `Severity` and `Level`.
        confidence: 0 to 100, in the content; None where it is not stated.
        reliability: of the source; None where it is not stated.
        evidence: what it rests on; None once recalled.
        native: the finding in its own scheme, or None.
        period: when it was seen; None where that is not known, or once recalled.
        narrative: free text, '' for none; it never travels with the label, only on request.
        tlp: how far receivers may share it.
        purposes: what it may be used for, ascending; at least one.
        recipients: member ids it may go to, ascending; empty: to whoever policy permits.
        embargo: it goes to nobody before this day; None for no embargo.
        expires: it is erased everywhere on this day; at most `LONGEST_DAYS` after `issued`.
        review: the contributor looks at it again by this day.
        urgent: it is told at once instead of with the daily batch.
        dispute, reply: the supplier's side.
        recall_reason: of a recalled one.

    Raises:
        SignalError: `signal.value`, at construction.
    """

    signal_id: bytes
    revision: int
    issued: date
    subject: Subject
    expires: date
    review: date
    tlp: Tlp
    purposes: tuple[str, ...]
    state: State = State.ACTIVE
    indicators: frozenset[Indicator] = frozenset()
    severity: Severity = NOT_RATED
    likelihood: Level = Level.NOT_STATED
    confidence: int | None = None
    reliability: Reliability | None = None
    evidence: Evidence | None = None
    native: Native | None = None
    period: Period | None = None
    narrative: str = field(default="", repr=False)
    recipients: tuple[str, ...] = ()
    embargo: date | None = None
    urgent: bool = False
    dispute: Dispute = NO_DISPUTE
    reply: Reply | None = None
    recall_reason: RecallReason | None = None

    def __post_init__(self) -> None:
        if len(self.signal_id) != ID_BYTES:
            raise _refuse(f"a signal's id is {ID_BYTES} bytes")
        if not 1 <= self.revision <= MAX_REVISION:
            raise _refuse(f"a revision is from 1 to {MAX_REVISION}")
        self._check_days()
        for what, words in (("purposes", self.purposes), ("recipients", self.recipients)):
            if list(words) != sorted(set(words)) or len(words) > MAX_WORDS:
                raise _refuse(f"{what} are distinct, in order, and at most {MAX_WORDS}")
            if not all(_WORD.fullmatch(word) for word in words):
                raise _refuse(f"{what} are plain words, for example due-diligence")
        if not self.purposes:
            raise _refuse("a signal allows no purpose", "Name one, for example due-diligence.")
        if self.tlp is Tlp.RED and not self.recipients:
            raise _refuse(
                "TLP:RED is for named members alone, and none is named",
                "Name them as recipients, or choose amber+strict.",
            )
        if self.confidence is not None and not 0 <= self.confidence <= 100:
            raise _refuse("confidence is from 0 to 100")
        _check_text("the narrative", self.narrative, limit_chars=MAX_NARRATIVE_CHARS)
        if self.state is State.ACTIVE:
            self._check_active()
        else:
            self._check_recalled()

    def _check_days(self) -> None:
        days = {"issued": self.issued, "expires": self.expires, "review": self.review}
        if self.embargo is not None:
            days["embargo"] = self.embargo
        for what, day in days.items():
            _check_day(what, day)
        if not self.issued < self.expires:
            raise _refuse("it expires before it is issued")
        if (self.expires - self.issued).days > LONGEST_DAYS:
            last = self.issued + timedelta(days=LONGEST_DAYS)
            raise _refuse(
                f"it expires more than five years ({LONGEST_DAYS:,} days) after it is issued",
                f"Name {last} at the latest; if it holds then, revise it before.",
            )
        if self.review > self.expires:
            raise _refuse("its review comes after it has expired")
        if self.embargo is not None and self.embargo >= self.expires:
            raise _refuse("its embargo ends after it has expired")

    def _check_active(self) -> None:
        if not self.indicators:
            raise _refuse("a signal names no indicator", "Name at least one; `signals words` lists them.")
        if self.evidence is None:
            raise _refuse("a signal names no kind of evidence", "`signals words` lists them.")
        if self.recall_reason is not None:
            raise _refuse("a signal that stands has no reason for a recall")
        if self.urgent and not self.indicators & URGENT_KINDS:
            kinds = " and ".join(sorted(each.words for each in URGENT_KINDS))
            raise _refuse(f"only {kinds} are urgent kinds", "Leave the urgent mark out.")
        if self.period is not None and self.period.last > Month.of(self.issued):
            raise _refuse("the period lies in the future")

    def _check_recalled(self) -> None:
        if self.recall_reason is None:
            raise _refuse("a recalled signal has no reason")
        content = (
            self.indicators,
            self.severity != NOT_RATED,
            self.likelihood,
            self.confidence is not None,
            self.reliability,
            self.evidence,
            self.native,
            self.period,
            self.narrative,
            self.reply,
            self.dispute != NO_DISPUTE,
        )
        if any(content):
            raise _refuse("a recalled signal still has content")

    def is_expired(self, today: date) -> bool:
        """Whether its time is over."""
        return today >= self.expires

    @property
    def hex_id(self) -> str:
        """Its id as people and programs name it: 32 hexadecimal digits."""
        return self.signal_id.hex()


def _identifiers(record: Supplier) -> bool:
    return any(
        (
            record.os_id,
            record.lei,
            record.gln,
            record.duns,
            record.vat,
            record.registration_number,
            record.imo,
        )
    )
