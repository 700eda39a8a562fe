"""Signals and drafts for tests: one with sensible values, changed as a test says, or any at all."""

import string
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from functools import cache
from typing import Any, TypeVar

from hypothesis import strategies as st

from symbolon.signals.draft import MAX_REFERENCE_CHARS, Draft
from symbolon.signals.free_text import clean
from symbolon.signals.signal import (
    FIRST_DAY,
    LAST_DAY,
    LONGEST_DAYS,
    MAX_NATIVE_CHARS,
    MAX_REPLY_BYTES,
    MAX_REVISION,
    MAX_STATEMENT_BYTES,
    NO_DISPUTE,
    NOT_RATED,
    Dispute,
    Month,
    Native,
    Period,
    Reply,
    Severity,
    Signal,
    Subject,
)
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

TODAY = date(2026, 7, 1)
SIGNAL_ID = bytes(range(16))

_T = TypeVar("_T")

# ---------------------------------------------------------------------------------------------- one


def make_subject(kind: SubjectKind = SubjectKind.SITE, **changes: Any) -> Subject:
    """A factory with an address and an OS ID that holds; `changes` are fields of its record."""
    record = Supplier(
        "",
        "Blue River Garments Ltd",
        address="12 Canal Road",
        city="Gazipur",
        postal_code="1700",
        country="BD",
        os_id="CN2021250D1DTN7",
    )
    return Subject(kind, replace(record, **changes))


def make_signal(**changes: Any) -> Signal:
    """A signal that stands, first revision, issued on `TODAY`; `changes` are fields of `Signal`."""
    fields: dict[str, Any] = {
        "signal_id": SIGNAL_ID,
        "revision": 1,
        "issued": TODAY,
        "subject": make_subject(),
        "expires": TODAY + timedelta(days=730),
        "review": TODAY + timedelta(days=180),
        "tlp": Tlp.AMBER,
        "purposes": ("due-diligence",),
        "indicators": frozenset({Indicator.DEBT_BONDAGE, Indicator.WITHHOLDING_OF_WAGES}),
        "severity": Severity(Level.HIGH, Level.MODERATE, Level.LOW),
        "likelihood": Level.HIGH,
        "confidence": 70,
        "reliability": Reliability.B,
        "evidence": Evidence.WORKER_INTERVIEW,
        "period": Period(Month(2026, 2), Month(2026, 5)),
        "narrative": "Workers repay recruitment debts from their wages.",
    }
    return Signal(**{**fields, **changes})


def make_draft(**changes: Any) -> Draft:
    """What `make_signal` says, without an id, with notes on a source; `changes` are fields of `Draft`."""
    signal = make_signal()
    fields: dict[str, Any] = {
        "subject": signal.subject,
        "indicators": signal.indicators,
        "evidence": signal.evidence,
        "severity": signal.severity,
        "likelihood": signal.likelihood,
        "confidence": signal.confidence,
        "reliability": signal.reliability,
        "period": signal.period,
        "narrative": signal.narrative,
        "purposes": signal.purposes,
        "source": "two interviews outside the gate",
        "reference": "case 17",
        "workers": 800,
    }
    return Draft(**{**fields, **changes})


# ---------------------------------------------------------------------------------------------- any

_PLAIN = st.characters(exclude_categories=("C", "Z"), include_characters=" ")
_PROSE = st.characters(exclude_categories=("C", "Z"), include_characters=" \n\t\u200c\u200d")
_LETTERS = string.ascii_letters + string.digits
_WORDS = st.builds("".join, st.tuples(st.sampled_from(_LETTERS), st.text(_LETTERS + ".-", max_size=63)))
# Made once: to make a strategy takes hypothesis as long as to draw from it.
_NUMBERS = st.integers(-1, 2**20)
_FLAGS = st.booleans()
_TLPS, _EVIDENCE = st.sampled_from(Tlp), st.sampled_from(Evidence)
_STATES, _RECALL_REASONS = st.sampled_from(State), st.sampled_from(RecallReason)
_IDS, _REVISIONS = st.binary(min_size=16, max_size=16), st.integers(1, MAX_REVISION)
_INDICATORS = st.frozensets(st.sampled_from(Indicator), min_size=1)


def _maybe(strategy: st.SearchStrategy[_T]) -> st.SearchStrategy[_T | None]:
    return st.one_of(st.none(), strategy)


_CONFIDENCES = _maybe(st.integers(0, 100))
_RELIABILITIES = _maybe(st.sampled_from(Reliability))
_WORKERS = _maybe(st.integers(1, 1_000_000))


def _number(draw: st.DrawFn, first: int, last: int) -> int:
    """One of a range; each end of it is as likely as the ends of strategies are."""
    return first + draw(_NUMBERS) % (last - first + 1)


def _day(draw: st.DrawFn, first: date, last: date) -> date:
    return date.fromordinal(_number(draw, first.toordinal(), last.toordinal()))


def _settled(text: str) -> str:
    """A text that `clean` leaves as it is."""
    while (again := clean(text)) != text:
        text = again
    return text


@cache
def _one_line(limit_chars: int) -> st.SearchStrategy[str]:
    """Texts as the readers leave them: one line, single blanks, may be empty."""

    def line(text: str) -> str:
        # NFC may lengthen a text; a part of a text in NFC is in NFC.
        return " ".join(_settled(text).replace("\ufffd", "?").split())[:limit_chars].strip()

    return st.text(_PLAIN, max_size=limit_chars).map(line)


def _within(limit_bytes: int) -> Callable[[str], str]:
    return lambda text: _settled(text.encode()[:limit_bytes].decode(errors="ignore"))


@cache
def prose(limit_chars: int = 300) -> st.SearchStrategy[str]:
    """Plain text of several lines, cleaned; may be empty."""
    return st.text(_PROSE, max_size=limit_chars).map(_settled)


@cache
def days(first: date = FIRST_DAY, last: date = LAST_DAY) -> st.SearchStrategy[date]:
    """Days that a signal may have."""
    return st.dates(first, last)


@cache
def suppliers() -> st.SearchStrategy[Supplier]:
    """Records as a list's reader leaves them, without `supplier_id` and `sector`; each has a name."""
    line = _one_line(40)
    return st.builds(
        Supplier,
        supplier_id=st.just(""),
        name=line.filter(bool),
        address=line,
        city=line,
        region=line,
        postal_code=line,
        country=st.sampled_from(("", "BD", "CN", "DE", "MY", "TR", "US", "VN")),
        os_id=st.sampled_from(("", "CN2021250D1DTN7")),
        lei=st.sampled_from(("", "213800KUD8LAJWSQ9D15")),
        gln=st.sampled_from(("", "4006381333931")),
        duns=st.sampled_from(("", "150483782")),
        vat=st.sampled_from(("", "DE136695976", "FR 61 954 506 077")),
        registration_number=st.sampled_from(("", "SC 123455", "0012-3499")),
        imo=st.sampled_from(("", "9074729")),
        parent_name=line,
        latitude=st.sampled_from(("", "23.99", "-4.5")),
        longitude=st.sampled_from(("", "90.42", "-120")),
    )


@cache
def subjects() -> st.SearchStrategy[Subject]:
    """Whom signals are about."""
    return st.builds(Subject, st.sampled_from(SubjectKind), suppliers())


@cache
def levels() -> st.SearchStrategy[Level]:
    """Steps of severity or likelihood."""
    return st.sampled_from(Level)


def _period(draw: st.DrawFn, last: Month) -> Period:
    """A period that ends at `last` or before."""
    first, end = sorted(_number(draw, 0, last.number) for _ in range(2))
    return Period(Month.numbered(first), Month.numbered(end))


@cache
def natives() -> st.SearchStrategy[Native]:
    """Schemes and grades as reports have them."""
    line = _one_line(MAX_NATIVE_CHARS).filter(bool)
    return st.builds(Native, line, line)


@cache
def _distinct_words(min_size: int) -> st.SearchStrategy[tuple[str, ...]]:
    return st.sets(_WORDS, min_size=min_size, max_size=5).map(lambda words: tuple(sorted(words)))


def _ruled(draw: st.DrawFn, issued: date) -> dict[str, Any]:
    """The fields that rule who gets it and how long it stands, in an order that `Signal` takes."""
    last = min(LAST_DAY, issued + timedelta(days=LONGEST_DAYS))
    expires = _day(draw, issued + timedelta(days=1), last)
    tlp = draw(_TLPS)
    return {
        "expires": expires,
        "review": _day(draw, FIRST_DAY, expires),
        "embargo": _day(draw, FIRST_DAY, expires - timedelta(days=1)) if draw(_FLAGS) else None,
        "tlp": tlp,
        "purposes": draw(_distinct_words(1)),
        "recipients": draw(_distinct_words(1 if tlp is Tlp.RED else 0)),
    }


@cache
def _severities() -> st.SearchStrategy[Severity]:
    return st.one_of(st.just(NOT_RATED), st.builds(Severity, levels(), levels(), levels()))


def _content(draw: st.DrawFn, issued: date) -> dict[str, Any]:
    """The fields that a signal has as long as it stands."""
    indicators = draw(_INDICATORS)
    return {
        "indicators": indicators,
        "severity": draw(_severities()),
        "likelihood": draw(levels()),
        "confidence": draw(_CONFIDENCES),
        "reliability": draw(_RELIABILITIES),
        "evidence": draw(_EVIDENCE),
        "native": draw(natives()) if draw(_FLAGS) else None,
        "period": _period(draw, Month.of(issued)) if draw(_FLAGS) else None,
        "narrative": draw(prose()),
        "urgent": draw(_FLAGS) and bool(indicators & URGENT_KINDS),
    }


@cache
def disputes() -> st.SearchStrategy[Dispute]:
    """Contests, and none."""
    contested = st.builds(
        Dispute,
        st.sampled_from([each for each in DisputeState if each is not DisputeState.NONE]),
        days(),
        prose(MAX_STATEMENT_BYTES).map(_within(MAX_STATEMENT_BYTES)),
    )
    return st.one_of(st.just(NO_DISPUTE), contested)


@cache
def replies() -> st.SearchStrategy[Reply]:
    """Answers of suppliers."""
    return st.builds(Reply, prose(MAX_REPLY_BYTES).map(_within(MAX_REPLY_BYTES)).filter(bool), days())


@st.composite
def signals(draw: st.DrawFn, state: State | None = None) -> Signal:
    """Any valid signal: standing, disputed, answered or recalled; `state` holds it to one of the two."""
    issued = _day(draw, FIRST_DAY, LAST_DAY - timedelta(days=1))
    fields = {
        "signal_id": draw(_IDS),
        "revision": draw(_REVISIONS),
        "issued": issued,
        "subject": draw(subjects()),
        **_ruled(draw, issued),
    }
    if (state or draw(_STATES)) is State.RECALLED:
        reason = draw(_RECALL_REASONS)
        return Signal(**fields, state=State.RECALLED, recall_reason=reason)
    return Signal(
        **fields,
        **_content(draw, issued),
        dispute=draw(disputes()),
        reply=draw(replies()) if draw(_FLAGS) else None,
    )


@st.composite
def drafts(draw: st.DrawFn, today: date = TODAY) -> Draft:
    """Any draft of which `first_revision(…, today)` makes a signal."""
    ruled = _ruled(draw, today)
    for left_out in ("expires", "review"):
        if draw(_FLAGS):
            ruled[left_out] = None
    if ruled["expires"] is None:
        # What stands for the default: its end lies two years from today.
        ruled["embargo"] = _day(draw, FIRST_DAY, today + timedelta(days=729)) if draw(_FLAGS) else None
        if ruled["review"] is not None:
            ruled["review"] = _day(draw, FIRST_DAY, today + timedelta(days=730))
    return Draft(
        subject=draw(subjects()),
        **ruled,
        **_content(draw, today),
        source=draw(prose()),
        reference=draw(_one_line(MAX_REFERENCE_CHARS)),
        workers=draw(_WORKERS),
    )
