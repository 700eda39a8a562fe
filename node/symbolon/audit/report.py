"""A transparency report: what a member, or a coalition, can publish of its audit logs.

Handles: making it from entries and from who the members are, under the rule of `small_counts`. Refuses: a
coalition too small to publish anything, and a period of which nothing was read in full. What stands in a
report is made from classes of cells alone; entries of months that were not read in full are left out, and the
report says which. Specification: docs/transparency.md.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Final

from symbolon.audit.demand import NOTHING_SAID, DemandRow, Demands, demands_part
from symbolon.audit.report_period import Period, month_text
from symbolon.audit.report_scope import (
    DIRECTIONS,
    MODES,
    REASONS,
    RECORDS,
    Direction,
    Record,
    ReportScope,
)
from symbolon.audit.report_tally import (
    FAILED,
    NOTICES,
    SESSIONS,
    UNSIGNED,
    Cell,
    ReportRow,
    Tally,
    tally,
)
from symbolon.audit.small_counts import FEWEST_MEMBERS, MemberGroups, Shown, class_of, magnitude, show
from symbolon.errors import AuditError

QUARTERS: Final = 4


@dataclass(frozen=True, slots=True)
class ActivityRow:
    """Sessions for one purpose, in one mode, with members of one group, in one direction.

    Attributes:
        direction: of the member whose log it is: it was asking, or answering.
        sessions: begun; those that ended early included.
        unsigned: answered, without the asker's signature under the result.
        failed: ended early, or were not begun, without a denial.
        denied: by public code; those codes that reach the threshold.
        keys: asked, dummies included, of the cells of sessions that reach it; lower end of the class.
        entries: the same of entries that left.
    """

    direction: Direction
    purpose: str
    mode: str
    group: str
    sessions: Shown
    unsigned: Shown
    failed: Shown
    denied: Mapping[str, Shown]
    keys: int
    entries: int


@dataclass(frozen=True, slots=True)
class Total:
    """Sum over all rows in one direction, those that are not listed included: lower ends of classes."""

    direction: Direction
    sessions: int
    unsigned: int
    failed: int
    denied: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class BudgetUse:
    """What all members together used of what they are granted in a calendar year, in one tier.

    Attributes:
        quarters: full quarters that the cells which reach the threshold used up; at most `QUARTERS`.
    """

    year: int
    tier: str
    quarters: int


@dataclass(frozen=True, slots=True)
class StandingRow:
    """Members of one group of which one record lapsed in the period; terms: not accepted by now."""

    group: str
    record: Record
    members: Shown


@dataclass(frozen=True, slots=True)
class TransparencyReport:
    """What is published.

    Attributes:
        coalition: its id.
        made_on: YYYY-MM-DD.
        period: whole months.
        threshold: counts below it show as one class.
        joint: the logs were counted as one.
        logs: how many logs it is made from, by group of members.
        names: whose they are, where that is to be told.
        left_out: months of which not every log was read in full, YYYY-MM; those logs are left out for them.
        purposes: that are told apart.
        groups: of members, each with the kinds in it.
        cells: parts of which each count is the sum: one for each log, or all jointly, and month.
        rows: those in which anything reaches the threshold; in all others every count is below it.
        totals: one for each direction.
        notices: counts of other events.
        budget: empty where it is not known.
        standing: of members.
        demands: of authorities.
    """

    coalition: str
    made_on: str
    period: Period
    threshold: int
    joint: bool
    logs: Mapping[str, int]
    names: tuple[str, ...]
    left_out: tuple[str, ...]
    purposes: tuple[str, ...]
    groups: Mapping[str, tuple[str, ...]]
    cells: int
    rows: tuple[ActivityRow, ...]
    totals: tuple[Total, ...]
    notices: Mapping[str, Shown]
    budget: tuple[BudgetUse, ...]
    standing: tuple[StandingRow, ...]
    demands: Demands

    @property
    def combinations(self) -> int:
        """Rows that there could be."""
        return len(DIRECTIONS) * len(self.purposes) * len(MODES) * len(self.groups)


def make_report(rows: Iterable[ReportRow], scope: ReportScope) -> TransparencyReport:
    """Makes a report.

    Args:
        rows: entries of the logs, those of one log in its order.
        scope: what it is about.

    Raises:
        AuditError: `audit.report.few_members`, `audit.report.nothing`, and what `tally` says.
    """
    groups = scope.groups()
    if not groups.names:
        raise AuditError(
            f"with fewer than {FEWEST_MEMBERS} other members every count would be about one of them",
            hint="A coalition this small cannot publish a report that discloses nothing.",
            code="audit.report.few_members",
        )
    return _Maker(scope, groups, tally(rows, scope, groups)).report()


class _Maker:
    def __init__(self, scope: ReportScope, groups: MemberGroups, counted: Tally) -> None:
        self._scope = scope
        self._groups = groups
        self._counted = counted
        every = set(product(scope.units(), scope.period.months()))
        self._whole = every - counted.incomplete
        if not self._whole:
            raise AuditError(
                "no month of the period was read in full: entries expired, are closed, or came later",
                hint="Take later months, or exports that open every entry.",
                code="audit.report.nothing",
            )
        self._cells: dict[tuple[str, ...], list[int]] = {}
        for cell, count in counted.cells.items():
            if (cell.unit, cell.month) in self._whole:
                self._cells.setdefault(cell[2:], []).append(count)

    def report(self) -> TransparencyReport:
        scope = self._scope
        left_out = sorted({month for _, month in self._counted.incomplete})
        kinds = {
            name: tuple(sorted(kind for kind, group in self._groups.by_kind.items() if group == name))
            for name in self._groups.names
        }
        return TransparencyReport(
            coalition=scope.members.coalition,
            made_on=scope.made_on.isoformat(),
            period=scope.period,
            threshold=scope.threshold,
            joint=scope.joint,
            logs=scope.covered(self._groups),
            names=tuple(sorted(scope.logs)) if scope.named else (),
            left_out=tuple(map(month_text, left_out)),
            purposes=scope.purposes(),
            groups=kinds,
            cells=len(self._whole),
            rows=self._rows(),
            totals=tuple(map(self._total, DIRECTIONS)),
            notices=self._notices(),
            budget=self._budget(),
            standing=self._standing(),
            demands=self._demands(),
        )

    def _show(self, counts: Iterable[int]) -> Shown:
        return show(counts, len(self._whole), self._scope.threshold)

    def _rows(self) -> tuple[ActivityRow, ...]:
        found = []
        amounts = self._amounts()
        combinations = product(DIRECTIONS, self._scope.purposes(), MODES, self._groups.names)
        for direction, purpose, mode, group in combinations:
            place = (direction, purpose, mode, group)
            shown = {
                outcome: self._show(self._cells.get((*place, outcome), ()))
                for outcome in (SESSIONS, UNSIGNED, FAILED, *map(_denied, REASONS))
            }
            if not any(each.at_least for each in shown.values()):
                continue
            denied = {reason: shown[_denied(reason)] for reason in REASONS}
            row = ActivityRow(
                *(direction, purpose, mode, group),
                shown[SESSIONS],
                shown[UNSIGNED],
                shown[FAILED],
                {reason: each for reason, each in denied.items() if each.at_least},
                magnitude(amounts.get(place, Counter())["keys"]),
                magnitude(amounts.get(place, Counter())["entries"]),
            )
            found.append(row)
        return tuple(found)

    def _reaching(self) -> Iterable[tuple[Cell, Counter[str]]]:
        """Amounts of the cells whose sessions reach the threshold: those of others would speak of few."""
        for cell, amounts in self._counted.amounts.items():
            reaches = self._counted.cells[cell] >= self._scope.threshold
            if reaches and (cell.unit, cell.month) in self._whole:
                yield cell, amounts

    def _amounts(self) -> dict[tuple[str, ...], Counter[str]]:
        found: dict[tuple[str, ...], Counter[str]] = {}
        for cell, amounts in self._reaching():
            place = (cell.direction, cell.purpose, cell.mode, cell.group)
            found.setdefault(place, Counter()).update(amounts)
        return found

    def _total(self, direction: Direction) -> Total:
        sums: Counter[str] = Counter()
        for place, counts in self._cells.items():
            if place[0] == direction:
                sums[place[-1]] += sum(class_of(each, self._scope.threshold) for each in counts)
        denied = {reason: sums[_denied(reason)] for reason in REASONS if sums[_denied(reason)]}
        return Total(direction, sums[SESSIONS], sums[UNSIGNED], sums[FAILED], denied)

    def _notices(self) -> dict[str, Shown]:
        counts: dict[str, list[int]] = {event: [] for event in NOTICES}
        for (unit, month, event), count in self._counted.notices.items():
            if (unit, month) in self._whole:
                counts[event].append(count)
        return {NOTICES[event]: self._show(each) for event, each in counts.items()}

    def _budget(self) -> tuple[BudgetUse, ...]:
        budget = self._scope.budget
        if budget is None or budget.evaluations < 1:
            return ()
        used: Counter[tuple[int, str]] = Counter()
        for cell, amounts in self._reaching():
            if cell.direction == "answering":
                for tier in "ABC":
                    used[cell.month // 12, tier] += amounts[f"tier {tier}"]
        years = range(self._scope.period.first // 12, self._scope.period.last // 12 + 1)
        return tuple(
            BudgetUse(year, tier, min(QUARTERS, QUARTERS * used[year, tier] // budget.evaluations))
            for year, tier in product(years, "ABC")
        )

    def _standing(self) -> tuple[StandingRow, ...]:
        scope = self._scope
        counts = Counter(
            (each.group, each.record, each.month)
            for each in scope.lapses(self._groups)
            if each.month is None or each.month in scope.period
        )
        found = []
        for group, record in product(self._groups.names, RECORDS):
            months = [None] if record == "terms" else list(scope.period.months())
            each_month = [counts[group, record, month] for month in months]
            found.append(StandingRow(group, record, show(each_month, len(months), scope.threshold)))
        return tuple(found)

    def _demands(self) -> Demands:
        scope = self._scope
        if not scope.demands:
            return NOTHING_SAID
        counts: dict[tuple[str, str], list[int]] = {}
        for (unit, month, country, kind), count in self._counted.demands.items():
            if (unit, month) in self._whole:
                counts.setdefault((country, kind), []).append(count)
        rows = tuple(DemandRow(*place, self._show(each)) for place, each in sorted(counts.items()))
        return demands_part(
            rows,
            complete=not self._counted.incomplete and not self._counted.untold,
            made_on=scope.made_on.isoformat(),
            first=scope.period.first_day.isoformat(),
            last=scope.period.last_day.isoformat(),
            logs=len(scope.logs),
        )


def _denied(reason: str) -> str:
    return f"denied {reason}"
