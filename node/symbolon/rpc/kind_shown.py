"""Whether a signal may name its contributor by kind alone, published by another member.

Where few members are of a kind, the kind all but names the member. So a kind is shown where three or more of
it are members that are not suspended, whoever publishes the signal not counted: everybody knows that it is
another one. Specification: docs/signals.md, Delegated publishing.
"""

from symbolon.membership.member import MemberKind
from symbolon.membership.member_record import Members, Status
from symbolon.signals.entrusting import LEAST_OF_KIND
from symbolon.signals.vocabulary import ShownAs


def may_show_kind(members: Members, kind: MemberKind | ShownAs, delegate: str) -> bool:
    """Whether a contributor may be named by its kind.

    Args:
        members: as they are now.
        kind: of the contributor.
        delegate: who publishes the signal.
    """
    alike = (
        each
        for each in members.members
        if each.kind.value == kind.value and each.status is Status.ACTIVE and each.member_id != delegate
    )
    return sum(1 for _ in alike) >= LEAST_OF_KIND
