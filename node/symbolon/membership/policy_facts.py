"""What policies may know of the members: members.json as the facts of a decision.

Handles: the one way from the members of a state and a day to the facts, so that a node and whoever checks its
log afterwards start from the same. Specification: docs/adr/0014.
"""

from datetime import date

from symbolon.membership.member_record import MemberRecord, Members, Role
from symbolon.policy.facts import CoalitionFacts, MemberFacts


def coalition_facts(members: Members, day: date) -> CoalitionFacts:
    """The facts.

    Args:
        members: of a state of the coalition.
        day: UTC, from which attestation and vetting are counted.
    """
    facts = tuple(_facts(each, day) for each in members.members)
    return CoalitionFacts(members.coalition, frozenset(members.purposes), facts)


def _facts(member: MemberRecord, day: date) -> MemberFacts:
    records = member.due_diligence
    return MemberFacts(
        member_id=member.member_id,
        kind=member.kind,
        jurisdiction=member.jurisdiction,
        roles=frozenset(map(str, member.roles)),
        founder=Role.FOUNDER in member.roles,
        attested_days=(day - records.attested).days,
        vetting_days=(records.vetting.lapses - day).days,
    )
