"""What a transparency report is about: the coalition, the logs, the months, and how members are grouped.

Handles: everything that decides which cells a report has, all of it known without a look at what was logged,
so that the form of a report tells nothing. Refuses: no log, a log of no member. Specification:
docs/transparency.md.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final, Literal

from symbolon.audit.report_period import Month, Period, month_of
from symbolon.audit.small_counts import (
    FORMER_MEMBERS,
    THRESHOLD,
    MemberGroups,
    group_kinds,
    require_threshold,
)
from symbolon.errors import AuditError
from symbolon.membership.due_diligence import ATTESTATION_VALIDITY
from symbolon.membership.member_record import Members
from symbolon.policy.bundle import REFUSALS

Direction = Literal["asking", "answering"]
"""Of the member whose log it is."""

DIRECTIONS: Final[tuple[Direction, ...]] = ("asking", "answering")
MODES: Final = ("intersection", "size", "lookup", "other")
OTHER_PURPOSES: Final = "other purposes"
OTHER_REASON: Final = "other"
REASONS: Final = (
    "permission.denied",
    *(f"permission.{each}" for each in REFUSALS),
    "permission.small",
    "permission.size_sessions",
    "budget.exhausted",
    OTHER_REASON,
)
"""Public codes that a denial can have; a peer could make up others."""

Record = Literal["vetting", "attestation", "terms"]
RECORDS: Final[tuple[Record, ...]] = ("vetting", "attestation", "terms")


@dataclass(frozen=True, slots=True)
class Budget:
    """What one member grants all others together in a calendar year, in each tier."""

    evaluations: int


@dataclass(frozen=True, slots=True)
class Lapse:
    """A record of a member that does not hold any more.

    Attributes:
        group: of the member.
        record: which.
        month: of the first day on which it did not; None for terms, which lapse when others come into force.
    """

    group: str
    record: Record
    month: Month | None


@dataclass(frozen=True, slots=True)
class ReportScope:
    """What a report is about.

    Attributes:
        members: of the coalition, from the newest list at hand.
        period: whole months that are over.
        made_on: day on which it is made, UTC.
        logs: members whose logs it is made from, each with the hour, whole hours since 1970, up to which its
            log was read.
        threshold: see `require_threshold`.
        joint: the logs are counted as one; for members that publish no report of their own.
        named: the members whose logs these are stand in it by name.
        demands: it makes a statement about demands of authorities.
        budget: of the one member whose log it is; None leaves budget use out.

    Raises:
        AuditError: `audit.report`, at construction.
        UsageError: the threshold.
    """

    members: Members
    period: Period
    made_on: date
    logs: Mapping[str, int]
    threshold: int = THRESHOLD
    joint: bool = False
    named: bool = False
    demands: bool = True
    budget: Budget | None = None

    def __post_init__(self) -> None:
        require_threshold(self.threshold)
        if not self.logs:
            raise AuditError("a report is made from at least one log", code="audit.report")
        for member in self.logs:
            if self.members.find(member) is None and not self.members.is_expelled(member):
                raise AuditError(f"{member} is no member of the coalition", code="audit.report")

    def unit(self, member: str) -> str:
        """What the counts of a member's log are kept under: the member, or '' where logs are joint."""
        return "" if self.joint else member

    def units(self) -> tuple[str, ...]:
        """All of them."""
        return tuple(sorted({self.unit(member) for member in self.logs}))

    def purposes(self) -> tuple[str, ...]:
        """Those of the coalition, and one for all else that a peer may have asked for."""
        return (*self.members.purposes, OTHER_PURPOSES)

    def groups(self) -> MemberGroups:
        """How the other members are counted: as seen from the log that sees the fewest of a kind."""
        sizes = Counter(str(each.kind) for each in self.members.members)
        sizes[FORMER_MEMBERS] = len(self.members.expelled)
        covered = {self._kind(member) for member in self.logs}
        return group_kinds({kind: size - (kind in covered) for kind, size in sizes.items()})

    def group_of(self, groups: MemberGroups, member: str) -> str:
        """The group of another member."""
        return groups.of(self._kind(member))

    def covered(self, groups: MemberGroups) -> dict[str, int]:
        """How many logs of members of each group the report is made from."""
        if not groups.names:
            return {}
        return dict(sorted(Counter(self.group_of(groups, each) for each in self.logs).items()))

    def lapses(self, groups: MemberGroups) -> tuple[Lapse, ...]:
        """Records of members that do not hold, by the newest list; of another one nothing is known."""
        found = []
        for member in self.members.members:
            group, held = self.group_of(groups, member.member_id), member.due_diligence
            attested_until = held.attested + ATTESTATION_VALIDITY + timedelta(days=1)
            found.append(Lapse(group, "vetting", month_of(held.vetting.lapses)))
            found.append(Lapse(group, "attestation", month_of(attested_until)))
            if held.acceptance.terms_version != self.members.terms_version:
                found.append(Lapse(group, "terms", None))
        return tuple(found)

    def _kind(self, member: str) -> str | None:
        record = self.members.find(member)
        if record is not None:
            return str(record.kind)
        return FORMER_MEMBERS if self.members.is_expelled(member) else None
