"""Counts what entries of audit logs say, in cells that have none in common.

Handles: entries in the order of each log, of several logs in any order; entries that are closed or expired,
which make the months they may belong to incomplete; sessions of two members whose logs are both there, which
are counted once, where they were answered. Refuses: an entry that is open only in part.
Specification: docs/transparency.md.
"""

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from symbolon.audit.demand import read_demand
from symbolon.audit.report_period import Month, month_of_hour
from symbolon.audit.report_scope import MODES, OTHER_PURPOSES, OTHER_REASON, REASONS, Direction, ReportScope
from symbolon.audit.small_counts import MemberGroups
from symbolon.errors import AuditError

SESSIONS: Final = "sessions"
FAILED: Final = "failed"
UNSIGNED: Final = "unsigned"
"""Answered, without the asker's signature under the result."""

NOTICES: Final[Mapping[str, str]] = {
    "offered": "agreements offered",
    "agreed": "agreements that came into force",
    "disagreed": "agreements withdrawn",
    "policy": "changes of the policies in force",
    "contradicted": "logs of other members that contradicted themselves",
    "added": "signals added",
    "recalled": "signals recalled",
    "narrated": "narratives of signals given",
    "contested": "contests and replies of suppliers that other members passed on",
    "corroborated": "corroborations by other members",
    "counted": "answers to how many signals there are",
}
"""Events that are counted without regard to purpose, mode or kind; those about signals at their publisher."""

_OF_SIGNALS: Final[Mapping[str, Mapping[str, str]]] = {
    "contributed": {"added": "added", "recalled": "recalled"},
    "contested": {"taken": "contested"},
    "corroborated": {"given": "corroborated"},
    "counted": {"counted now": "counted", "as told before": "counted"},
}
"""By event and note: what such an entry is counted as. The other end has the same events with other notes."""

_NEEDED: Final = frozenset({"counts", "event", "hour", "mode", "note", "peer", "purpose", "session"})
_OPENS: Final[Mapping[str, Direction]] = {"asked": "asking", "answered": "answering"}
_AGREEMENTS: Final = frozenset({"offered", "agreed", "disagreed"})
_CLOSES: Final = frozenset({"learned", "ended", "failed", "denied"})


class ReportRow(NamedTuple):
    """One entry of a log.

    Attributes:
        member: whose log it is.
        hour: whole hours since 1970, UTC; None where that is closed too.
        values: its fields by name; None of an entry that expired or is closed.
    """

    member: str
    hour: int | None
    values: Mapping[str, str] | None


class Cell(NamedTuple):
    """Where an event is counted: each in exactly one."""

    unit: str
    month: Month
    direction: Direction
    purpose: str
    mode: str
    group: str
    outcome: str


@dataclass(slots=True)
class Tally:
    """What was counted.

    Attributes:
        cells: events by cell.
        amounts: keys by tier (`A`, …) and `entries`, by the cell of the sessions that they belong to.
        notices: by unit, month and name in `NOTICES`.
        demands: by unit, month, country and kind.
        untold: whether there is a demand that may not be told of.
        incomplete: unit and month of what was not read in full.
    """

    cells: Counter[Cell] = field(default_factory=Counter)
    amounts: dict[Cell, Counter[str]] = field(default_factory=dict)
    notices: Counter[tuple[str, Month, str]] = field(default_factory=Counter)
    demands: Counter[tuple[str, Month, str, str]] = field(default_factory=Counter)
    untold: bool = False
    incomplete: set[tuple[str, Month]] = field(default_factory=set)


@dataclass(slots=True)
class _Log:
    """How far a log was read."""

    month: Month | None = None
    gap: bool = False
    open: dict[str, Direction] = field(default_factory=dict)


def tally(rows: Iterable[ReportRow], scope: ReportScope, groups: MemberGroups) -> Tally:
    """Counts.

    Args:
        rows: entries, those of one log in its order.
        scope: what the report is about.
        groups: of its members, at least one.

    Raises:
        AuditError: `audit.report.closed`, an entry is open only in part; `audit.demand`.
    """
    counter = _Counter(scope, groups)
    for row in rows:
        counter.take(row)
    return counter.finish()


class _Counter:
    def __init__(self, scope: ReportScope, groups: MemberGroups) -> None:
        self._scope = scope
        self._groups = groups
        self._purposes = frozenset(scope.members.purposes)
        self._logs = {member: _Log() for member in scope.logs}
        self._tally = Tally()

    def take(self, row: ReportRow) -> None:
        log = self._logs.get(row.member)
        if log is None:
            raise AuditError(f"the log of {row.member} is not one of the report's", code="audit.report")
        if row.values is None:
            if row.hour is None:
                log.gap = True
            else:
                self._miss(row.member, month_of_hour(row.hour), month_of_hour(row.hour))
            return
        if not row.values.keys() >= _NEEDED:
            raise AuditError(
                f"an entry of the log of {row.member} is open only in part",
                hint="A report is made from exports with --fields all.",
                code="audit.report.closed",
            )
        month = month_of_hour(int(row.values["hour"]))
        if log.gap:
            self._miss(row.member, log.month, month)
            log.gap = False
        log.month = month
        self._count(row.member, log, month, row.values)

    def finish(self) -> Tally:
        for member, log in self._logs.items():
            if log.gap:
                self._miss(member, log.month, None)
            # What came after the log was read is not in it.
            self._miss(member, month_of_hour(self._scope.logs[member]), None)
        return self._tally

    def _miss(self, member: str, first: Month | None, last: Month | None) -> None:
        """Marks months as not read in full; None is any before, or any after."""
        period = self._scope.period
        low = period.first if first is None else max(period.first, first)
        high = period.last if last is None else min(period.last, last)
        unit = self._scope.unit(member)
        self._tally.incomplete |= {(unit, Month(month)) for month in range(low, high + 1)}

    def _count(self, member: str, log: _Log, month: Month, said: Mapping[str, str]) -> None:
        event, session = said["event"], said["session"]
        direction = _OPENS.get(event) or log.open.get(session)
        if event in _OPENS and session:
            log.open[session] = _OPENS[event]
        elif event in _CLOSES:
            log.open.pop(session, None)
        if month not in self._scope.period:
            return
        unit = self._scope.unit(member)
        if event == "demanded":
            demand = read_demand(said["note"])
            if demand.told:
                self._tally.demands[unit, month, demand.country, demand.kind] += 1
            else:
                self._tally.untold = True
        elif event in _OF_SIGNALS:
            named = _OF_SIGNALS[event].get(said["note"])
            if named is not None:
                self._tally.notices[unit, month, named] += 1
        elif event in NOTICES:
            if event not in _AGREEMENTS or not self._told_by_other(member, said["peer"]):
                self._tally.notices[unit, month, event] += 1
        elif event in _OPENS or event in ("failed", "denied", "ended", "released"):
            self._count_session(member, month, direction or _refusing(said), said)

    def _told_by_other(self, member: str, peer: str) -> bool:
        """Whether an agreement is counted in the log of the other side, which is there too."""
        return peer in self._logs and peer < member

    def _count_session(
        self, member: str, month: Month, direction: Direction, said: Mapping[str, str]
    ) -> None:
        if direction == "asking" and said["peer"] in self._logs:
            return
        event = said["event"]
        purpose, mode = said["purpose"], said["mode"]
        sessions = Cell(
            self._scope.unit(member),
            month,
            direction,
            purpose if purpose in self._purposes else OTHER_PURPOSES,
            mode if mode in MODES else MODES[-1],
            self._scope.group_of(self._groups, said["peer"]),
            SESSIONS,
        )
        if event == "ended":
            if said["note"] == "no receipt":
                self._tally.cells[sessions._replace(outcome=UNSIGNED)] += 1
        elif event in ("failed", "denied"):
            self._tally.cells[sessions._replace(outcome=_outcome(event, said["note"]))] += 1
        else:
            if event in _OPENS:
                self._tally.cells[sessions] += 1
            amounts = self._tally.amounts.setdefault(sessions, Counter())
            for name, amount in json.loads(said["counts"]).items():
                if name.startswith("elements_"):
                    for tier in name.removeprefix("elements_"):
                        amounts[f"tier {tier}"] += amount
                    amounts["keys"] += amount
                elif name in ("entries", "tokens"):
                    amounts["entries"] += amount


def _refusing(said: Mapping[str, str]) -> Direction:
    """The direction of what failed or was denied before it was opened."""
    # What a peer says, an asker hears; one that refuses an invitation to ask has a mode, and no session yet.
    invited = said["event"] == "denied" and said["mode"] and not said["session"]
    if invited or said["note"].startswith("peer."):
        return "asking"
    return "answering"


def _outcome(event: str, note: str) -> str:
    code = note.removeprefix("peer.")
    if event == "failed" and not code.startswith(("permission.", "budget.")):
        return FAILED
    return f"denied {code if code in REASONS else OTHER_REASON}"
