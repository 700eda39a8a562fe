"""Demands of authorities for the data of a node, as the audit log keeps them and a report tells of them.

Handles: the entry of a demand, which holds a country and a kind and never a word of the demand; the sentence
of a report that says there was none. Refuses: other kinds and countries. A demand that may not be told of is
kept too, so that no later sentence is a lie: it is counted nowhere, and takes the sentence away.
Specification: docs/transparency.md.
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Literal

from symbolon.audit.entry import Entry
from symbolon.audit.small_counts import Shown
from symbolon.errors import AuditError
from symbolon.membership.member import check_jurisdiction

Statement = Literal["none", "all", "some", ""]
"""What a report says of demands: that there was none; that those it counts are all; that it counts those that
it may; or nothing at all, which says nothing."""

_NOTE: Final = re.compile(r"(warrant|order|request) of an authority in ([A-Z]{2})(, untold)?")


class DemandKind(StrEnum):
    """How binding a demand is."""

    WARRANT = "warrant"
    ORDER = "order"
    REQUEST = "request"


@dataclass(frozen=True, slots=True)
class Demand:
    """One demand.

    Attributes:
        kind: how binding it is: a judge's warrant, another binding order, or a request.
        country: ISO 3166-1 alpha-2 code of the authority's country.
        told: whether it may be told of.

    Raises:
        MembershipError: `membership.malformed`, at construction.
    """

    kind: DemandKind
    country: str
    told: bool = True

    def __post_init__(self) -> None:
        check_jurisdiction(self.country)

    def entry(self) -> Entry:
        """The entry for the log."""
        # All of it in the note: an export of public fields opens none.
        untold = "" if self.told else ", untold"
        return Entry("demanded", "", note=f"{self.kind} of an authority in {self.country}{untold}")


def read_demand(note: str) -> Demand:
    """Reads the note of an entry.

    Raises:
        AuditError: `audit.demand`.
    """
    found = _NOTE.fullmatch(note)
    if found is None:
        raise AuditError("an entry tells of a demand in a form that is not known", code="audit.demand")
    return Demand(DemandKind(found[1]), found[2], found[3] is None)


@dataclass(frozen=True, slots=True)
class DemandRow:
    """Demands of one kind from one country, of which there was at least one."""

    country: str
    kind: str
    demands: Shown


@dataclass(frozen=True, slots=True)
class Demands:
    """The part of a report about demands.

    Attributes:
        statement: see `Statement`.
        sentence: the same in words, with its date and what it covers.
        rows: by country and kind.
    """

    statement: Statement
    sentence: str
    rows: tuple[DemandRow, ...] = ()


NOTHING_SAID: Final = Demands("", "This report makes no statement about demands of authorities.")
"""The same words whatever the reason: a member that never makes the statement looks like one that cannot."""


def demands_part(
    rows: tuple[DemandRow, ...], *, complete: bool, made_on: str, first: str, last: str, logs: int
) -> Demands:
    """The part of a report, where it may have one.

    Args:
        rows: of demands that may be told of.
        complete: no entry of the period is closed, and there is no demand that may not be told of.
        made_on: day of the report, YYYY-MM-DD.
        first: the first day of the period.
        last: the last one.
        logs: how many logs are covered.
    """
    whose = "the member whose log" if logs == 1 else f"each of the {logs} members whose logs"
    covers = (
        f"It covers what {whose} this report is made from recorded there from {first} to {last}; it says "
        "nothing of other members, of other days, or of demands that were made elsewhere."
    )
    if rows and complete:
        return Demands(
            "all", f"As of {made_on}, the demands of authorities counted here are all. {covers}", rows
        )
    if rows:
        return Demands("some", f"Demands of authorities, as far as this report counts them. {covers}", rows)
    if not complete:
        return NOTHING_SAID
    return Demands("none", f"As of {made_on}, no demand of an authority for data is recorded. {covers}")
