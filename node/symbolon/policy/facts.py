"""What is known of the members when a decision is taken, as Cedar entities.

Handles: members and their coalition as plain values, and the canonical list of entities made from them: the
coalition, each member, and of each member its supplier list, signals and audit log. Refuses: a member that is
named twice, and what is too much. Specification: docs/adr/0014.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from symbolon.errors import PolicyError

MAX_MEMBERS: Final = 10_000
"""Ten times the largest coalition; its entities take a tenth of a second to read."""

NAMESPACE: Final = "Symbolon"
OWNED: Final = ("SupplierList", "Signals", "AuditLog")


@dataclass(frozen=True, slots=True)
class MemberFacts:
    """One member.

    Attributes:
        member_id: its id.
        kind: `company`, `ngo`, `coordinator` or `auditor`.
        jurisdiction: two-letter code of its country.
        roles: what it does for the others.
        founder: whether it admits and expels.
        attested_days: days since its last attestation.
        vetting_days: days that its vetting still holds, below 0 when it has run out.
    """

    member_id: str
    kind: str
    jurisdiction: str
    roles: frozenset[str]
    founder: bool
    attested_days: int
    vetting_days: int


@dataclass(frozen=True, slots=True)
class CoalitionFacts:
    """The coalition and everybody in it.

    Attributes:
        coalition_id: its id.
        purposes: what its members agreed on.
        members: current ones, in any order.

    Raises:
        PolicyError: `policy.facts`, at construction.
    """

    coalition_id: str
    purposes: frozenset[str]
    members: tuple[MemberFacts, ...]

    def __post_init__(self) -> None:
        if len(self.members) > MAX_MEMBERS:
            raise PolicyError(f"there are more than {MAX_MEMBERS} members", code="policy.facts")
        if len({each.member_id for each in self.members}) != len(self.members):
            raise PolicyError("a member stands twice in the facts", code="policy.facts")

    def entities(self) -> list[Mapping[str, Any]]:
        """The entities, the same for the same facts in whatever order."""
        coalition = uid("Coalition", self.coalition_id)
        found: list[Mapping[str, Any]] = [
            {"uid": coalition, "attrs": {"purposes": sorted(self.purposes)}, "parents": []}
        ]
        for each in sorted(self.members, key=lambda member: member.member_id):
            attributes = {
                "attested_days": each.attested_days,
                "coalition": {"__entity": coalition},
                "founder": each.founder,
                "jurisdiction": each.jurisdiction,
                "kind": each.kind,
                "roles": sorted(each.roles),
                "vetting_days": each.vetting_days,
            }
            member = uid("Member", each.member_id)
            found.append({"uid": member, "attrs": attributes, "parents": [coalition]})
            found += [
                {"uid": uid(kind, each.member_id), "attrs": {"owner": {"__entity": member}}, "parents": []}
                for kind in OWNED
            ]
        return found


def uid(kind: str, name: str) -> dict[str, str]:
    """An entity's name as Cedar's JSON has it: two texts, so that nothing in an id is ever read as Cedar."""
    return {"type": f"{NAMESPACE}::{kind}", "id": name}
