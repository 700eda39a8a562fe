"""A contributor is named by its kind only where three others could be meant."""

from types import SimpleNamespace
from typing import Any

import pytest

from symbolon.membership.member import MemberKind
from symbolon.membership.member_record import Status
from symbolon.rpc.kind_shown import may_show_kind
from symbolon.signals.vocabulary import ShownAs

DELEGATE = "delta"


def members(*kinds: MemberKind, suspended: int = 0, delegate: MemberKind = MemberKind.COMPANY) -> Any:
    """Members of these kinds, the first ones suspended, and the delegate."""
    made = [
        SimpleNamespace(
            member_id=f"m{number}",
            kind=kind,
            status=Status.SUSPENDED if number < suspended else Status.ACTIVE,
        )
        for number, kind in enumerate(kinds)
    ]
    own = SimpleNamespace(member_id=DELEGATE, kind=delegate, status=Status.ACTIVE)
    return SimpleNamespace(members=(*made, own))


@pytest.mark.parametrize("kind", [MemberKind.NGO, ShownAs.NGO])
def test_three_active_members_of_the_kind_are_enough_and_two_are_not(kind: MemberKind | ShownAs) -> None:
    ngo = MemberKind.NGO
    assert may_show_kind(members(ngo, ngo, ngo), kind, DELEGATE)
    assert not may_show_kind(members(ngo, ngo, MemberKind.COMPANY), kind, DELEGATE)
    assert not may_show_kind(members(), kind, DELEGATE)


def test_delegate_and_suspended_members_do_not_count() -> None:
    ngo = MemberKind.NGO
    assert not may_show_kind(members(ngo, ngo, delegate=ngo), ngo, DELEGATE)
    assert may_show_kind(members(ngo, ngo, ngo, delegate=ngo), ngo, DELEGATE)
    assert not may_show_kind(members(ngo, ngo, ngo, suspended=1), ngo, DELEGATE)
    assert may_show_kind(members(ngo, ngo, ngo, ngo, suspended=1), ngo, DELEGATE)
