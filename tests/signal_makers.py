"""Signals and drafts for tests: one with sensible values, changed as a test says, or any at all."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
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

_LAST_MONTH = Month(2240, 12)
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
_WORDS = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9.-]{0,63}", fullmatch=True)


def _settled(text: str) -> str:
    """A text that `clean` leaves as it is."""
    while (again := clean(text)) != text:
        text = again
    return text


def _one_line(limit_chars: int) -> st.SearchStrategy[str]:
    """Texts as the readers leave them: one line, single blanks, may be empty."""

    def line(text: str) -> str:
        # NFC may lengthen a text; a part of a text in NFC is in NFC.
        return " ".join(_settled(text).replace("\ufffd", "?").split())[:limit_chars].strip()

    return st.text(_PLAIN, max_size=limit_chars).map(line)


def _within(limit_bytes: int) -> Callable[[str], str]:
    return lambda text: _settled(text.encode()[:limit_bytes].decode(errors="ignore"))


def prose(limit_chars: int = 300) -> st.SearchStrategy[str]:
    """Plain text of several lines, cleaned; may be empty."""
    return st.text(_PROSE, max_size=limit_chars).map(_settled)


def days(first: date = FIRST_DAY, last: date = LAST_DAY) -> st.SearchStrategy[date]:
    """Days that a signal may have."""
    return st.dates(first, last)


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


def subjects() -> st.SearchStrategy[Subject]:
    """Whom signals are about."""
    return st.builds(Subject, st.sampled_from(SubjectKind), suppliers())


def levels() -> st.SearchStrategy[Level]:
    """Steps of severity or likelihood."""
    return st.sampled_from(Level)


def periods(last: Month = _LAST_MONTH) -> st.SearchStrategy[Period]:
    """Periods that end at `last` or before."""
    months = st.integers(0, last.number).map(Month.numbered)
    return st.tuples(months, months).map(lambda both: Period(min(both), max(both)))


def natives() -> st.SearchStrategy[Native]:
    """Schemes and grades as reports have them."""
    line = _one_line(MAX_NATIVE_CHARS).filter(bool)
    return st.builds(Native, line, line)


def _maybe(strategy: st.SearchStrategy[_T]) -> st.SearchStrategy[_T | None]:
    return st.one_of(st.none(), strategy)


def _distinct_words(min_size: int) -> st.SearchStrategy[tuple[str, ...]]:
    return st.sets(_WORDS, min_size=min_size, max_size=5).map(lambda words: tuple(sorted(words)))


@st.composite
def _ruled(draw: st.DrawFn, issued: date) -> dict[str, Any]:
    """The fields that rule who gets it and how long it stands, in an order that `Signal` takes."""
    last = min(LAST_DAY, issued + timedelta(days=LONGEST_DAYS))
    expires = draw(days(issued + timedelta(days=1), last))
    tlp = draw(st.sampled_from(Tlp))
    return {
        "expires": expires,
        "review": draw(days(last=expires)),
        "embargo": draw(_maybe(days(last=expires - timedelta(days=1)))),
        "tlp": tlp,
        "purposes": draw(_distinct_words(1)),
        "recipients": draw(_distinct_words(1 if tlp is Tlp.RED else 0)),
    }


@st.composite
def _content(draw: st.DrawFn, issued: date) -> dict[str, Any]:
    """The fields that a signal has as long as it stands."""
    indicators = draw(st.frozensets(st.sampled_from(Indicator), min_size=1))
    return {
        "indicators": indicators,
        "severity": draw(st.one_of(st.just(NOT_RATED), st.builds(Severity, levels(), levels(), levels()))),
        "likelihood": draw(levels()),
        "confidence": draw(_maybe(st.integers(0, 100))),
        "reliability": draw(_maybe(st.sampled_from(Reliability))),
        "evidence": draw(st.sampled_from(Evidence)),
        "native": draw(_maybe(natives())),
        "period": draw(_maybe(periods(Month.of(issued)))),
        "narrative": draw(prose()),
        "urgent": draw(st.booleans()) and bool(indicators & URGENT_KINDS),
    }


def disputes() -> st.SearchStrategy[Dispute]:
    """Contests, and none."""
    contested = st.builds(
        Dispute,
        st.sampled_from([each for each in DisputeState if each is not DisputeState.NONE]),
        days(),
        prose(MAX_STATEMENT_BYTES).map(_within(MAX_STATEMENT_BYTES)),
    )
    return st.one_of(st.just(NO_DISPUTE), contested)


def replies() -> st.SearchStrategy[Reply]:
    """Answers of suppliers."""
    return st.builds(Reply, prose(MAX_REPLY_BYTES).map(_within(MAX_REPLY_BYTES)).filter(bool), days())


@st.composite
def signals(draw: st.DrawFn, state: State | None = None) -> Signal:
    """Any valid signal: standing, disputed, answered or recalled; `state` holds it to one of the two."""
    issued = draw(days(last=LAST_DAY - timedelta(days=1)))
    fields = {
        "signal_id": draw(st.binary(min_size=16, max_size=16)),
        "revision": draw(st.integers(1, MAX_REVISION)),
        "issued": issued,
        "subject": draw(subjects()),
        **draw(_ruled(issued)),
    }
    if (state or draw(st.sampled_from(State))) is State.RECALLED:
        reason = draw(st.sampled_from(RecallReason))
        return Signal(**fields, state=State.RECALLED, recall_reason=reason)
    return Signal(**fields, **draw(_content(issued)), dispute=draw(disputes()), reply=draw(_maybe(replies())))


@st.composite
def drafts(draw: st.DrawFn, today: date = TODAY) -> Draft:
    """Any draft of which `first_revision(…, today)` makes a signal."""
    ruled = draw(_ruled(today))
    for left_out in ("expires", "review"):
        if draw(st.booleans()):
            ruled[left_out] = None
    if ruled["expires"] is None:
        # What stands for the default: its end lies two years from today.
        ruled["embargo"] = draw(_maybe(days(last=today + timedelta(days=729))))
        if ruled["review"] is not None:
            ruled["review"] = draw(days(last=today + timedelta(days=730)))
    return Draft(
        subject=draw(subjects()),
        **ruled,
        **draw(_content(today)),
        source=draw(prose()),
        reference=draw(_one_line(MAX_REFERENCE_CHARS)),
        workers=draw(_maybe(st.integers(1, 1_000_000))),
    )
