"""Made-up audit logs for transparency reports: entries as nodes write them, and who the members are."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import count
from typing import Any

from coalition_members import coalition, member
from symbolon.audit.entry import Entry
from symbolon.audit.report import TransparencyReport, make_report
from symbolon.audit.report_period import Month, Period, first_day, month_of
from symbolon.audit.report_scope import ReportScope
from symbolon.audit.report_tally import ReportRow
from symbolon.membership.member import MemberId, MemberKind
from symbolon.membership.member_record import Expelled, MemberRecord, Members

OWN = "acme"
COMPANIES = (OWN, "birch", "cedar", "delta")
NGOS = ("elder", "fir", "gorse")
COORDINATOR = "hazel"
AUDITORS = ("iris", "jade")
JANUARY, FEBRUARY, MARCH = (month_of(date(2026, number, 1)) for number in (1, 2, 3))
MADE_ON = date(2026, 9, 1)
PURPOSES = ("due-diligence", "remediation")
OTHERS = "other members"

_sessions = count()


def record(member_id: str, kind: MemberKind = MemberKind.COMPANY, **changes: Any) -> MemberRecord:
    return replace(member(member_id), kind=kind, **changes)


def members(
    companies: Iterable[str] = COMPANIES,
    ngos: Iterable[str] = NGOS,
    coordinators: Iterable[str] = (COORDINATOR,),
    auditors: Iterable[str] = AUDITORS,
    expelled: Iterable[str] = (),
    **changes: Any,
) -> Members:
    """By default four companies, the own one among them, three NGOs, a coordinator, two auditors."""
    records = [record(each) for each in companies]
    records += [record(each, MemberKind.NGO) for each in ngos]
    records += [record(each, MemberKind.COORDINATOR) for each in coordinators]
    records += [record(each, MemberKind.AUDITOR) for each in auditors]
    gone = tuple(Expelled(MemberId(each), date(2026, 1, 1), "sold data") for each in sorted(expelled))
    return coalition(*records, expelled=gone, purposes=PURPOSES, **changes)


def hour_of(month: Month, hours: int = 24) -> int:
    """An hour of a month."""
    at = datetime.combine(first_day(month), datetime.min.time(), UTC) + timedelta(hours=hours)
    return int(at.timestamp()) // 3600


LATER = hour_of(month_of(MADE_ON))


def row(entry: Entry, month: Month = JANUARY, member_id: str = OWN, hours: int = 24) -> ReportRow:
    """An entry of a log, written in that month."""
    return ReportRow(member_id, None, entry.values(hour_of(month, hours) * 3600.0, "local"))


def session(
    event: Any = "answered",
    *,
    peer: str = "birch",
    purpose: str = PURPOSES[0],
    mode: str = "intersection",
    month: Month = JANUARY,
    member_id: str = OWN,
    keys: int = 1_000,
    ends: Iterable[tuple[Any, str]] = (),
) -> Iterator[ReportRow]:
    """A session in a log: its first entry, and how it ends, an event and its note each."""
    about = (peer, f"{next(_sessions):032x}", mode, purpose)
    yield row(Entry(event, *about, {"elements_A": keys, "elements_B": 64}), month, member_id)
    if event == "answered":
        yield row(Entry("released", *about, {"entries": 128, "delta": 0}), month, member_id)
    for ended, note in ends:
        yield row(Entry(ended, *about, {}, note), month, member_id)


def sessions(number: int, **about: Any) -> list[ReportRow]:
    """Several of them."""
    return [each for _ in range(number) for each in session(**about)]


def refused(code: str = "permission.denied", *, number: int = 1, **about: Any) -> list[ReportRow]:
    """Sessions that this node did not begin."""
    peer, month = about.get("peer", "birch"), about.get("month", JANUARY)
    return [
        row(
            Entry("denied", peer, f"{next(_sessions):032x}", "intersection", PURPOSES[0], note=code),
            month,
            about.get("member_id", OWN),
        )
        for _ in range(number)
    ]


def scope(
    first: Month = JANUARY,
    last: Month | None = None,
    *,
    of: Members | None = None,
    logs: Mapping[str, int] | Iterable[str] = (OWN,),
    **options: Any,
) -> ReportScope:
    """What a report made long after is about."""
    read = logs if isinstance(logs, Mapping) else dict.fromkeys(logs, LATER)
    period = Period(first, first if last is None else last)
    return ReportScope(of or members(), period, MADE_ON, read, **options)


def made(
    rows: Iterable[ReportRow], first: Month = JANUARY, last: Month | None = None, **about: Any
) -> TransparencyReport:
    """The report on some entries."""
    return make_report(rows, scope(first, last, **about))
