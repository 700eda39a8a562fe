"""Invitations: how many are open at a time, and what is taken from other founders."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from symbolon.cli.init import create_node
from symbolon.cli.local_coalition import COALITION
from symbolon.cli.local_founder import LocalFounder
from symbolon.errors import MembershipError
from symbolon.membership.act_review import InvitationTerms
from symbolon.membership.certificates import MAX_AUTHORITIES, load_authorities
from symbolon.membership.due_diligence import Vetting
from symbolon.membership.invitation_code import InvitationCode
from symbolon.membership.invitation_identity import MAX_INVITATION_VALIDITY, invitation_key
from symbolon.membership.invitation_terms import encode_invitation_terms
from symbolon.membership.member import MemberId, MemberKind
from symbolon.membership.member_statement import Place
from symbolon.rpc.inviting import MAX_OFFERED, Invited, take_invitation, write_invitation
from symbolon.rpc.node import Node

OTHER = MemberId("other-founder")


@pytest.fixture
def founder(tmp_path: Path) -> Iterator[Node]:
    """A founder's node; invitations ask nothing of it but that it can be dialled."""
    local = LocalFounder.create(tmp_path / "founder", COALITION, ("audit",))
    try:
        local.move(tmp_path / "founder", Place("127.0.0.1:7443", (), ""))
        yield local.node
    finally:
        local.close()


def invite(node: Node, number: int) -> InvitationCode:
    today = node.now.date()
    return write_invitation(
        node,
        Invited(
            MemberId(f"member-{number}"),
            MemberKind.NGO,
            "KE",
            False,
            "Ben",
            "charter 3",
            today,
            today + timedelta(days=365),
            timedelta(days=7),
        ),
    )


def offered(node: Node, founder: MemberId = OTHER, **changes: object) -> bytes:
    """The terms of an invitation by another founder."""
    today = node.now.date()
    terms = InvitationTerms(
        coalition=node.coalition.state().members.coalition,
        member_id=MemberId("new-co"),
        kind=MemberKind.NGO,
        roles=(),
        jurisdiction="KE",
        vetting=Vetting(founder, "Ben", today, "charter 3", today + timedelta(days=365)),
        expires=node.now.replace(microsecond=0) + timedelta(days=7),
        invitation_key=invitation_key(invite(node, 0)),
    )
    return encode_invitation_terms(replace(terms, **changes))  # type: ignore[arg-type]


def test_invite_by_a_founder_that_nobody_can_dial_is_refused_and_says_what_helps(founder: Node) -> None:
    LocalFounder(founder).move(founder.home, Place("", (), ""))
    with pytest.raises(MembershipError) as caught:
        invite(founder, 0)
    assert caught.value.full_code == "membership.no_endpoint"
    assert "not through a relay" in (caught.value.hint or "")
    assert "symbolon coalition move --endpoint host:port" in (caught.value.hint or "")
    assert "another founder invite" in (caught.value.hint or "")
    assert founder.founding_store.invitations("approved") == []


def test_invite_beyond_what_the_server_can_trust_is_refused_and_keeps_nothing(founder: Node) -> None:
    codes = [invite(founder, number) for number in range(MAX_AUTHORITIES)]
    with pytest.raises(MembershipError) as caught:
        invite(founder, MAX_AUTHORITIES)
    assert caught.value.full_code == "membership.invitation.many"
    kept = {each.sha256 for each in founder.founding_store.invitations("approved")}
    assert kept == {each.stored_hash for each in codes}
    founder.write_open_invitations()
    assert len(load_authorities(founder.open_invitations())) == MAX_AUTHORITIES


def test_invite_where_members_have_joined_takes_the_place_of_a_used_one(
    founder: Node, tmp_path: Path
) -> None:
    used = invite(founder, 0)
    create_node(tmp_path / "member-0", member="member-0", coalition=COALITION, listen="127.0.0.1:0")
    LocalFounder(founder).admit(tmp_path / "member-0", kind="ngo")
    founder.founding_store.use_invitations([used.stored_hash])
    authority = founder.founding_store.invitations("used")[0].authority
    for number in range(1, MAX_AUTHORITIES):
        invite(founder, number)
    assert authority in founder.open_invitations()
    invite(founder, MAX_AUTHORITIES)
    assert authority not in founder.open_invitations()
    assert len(load_authorities(founder.open_invitations())) == MAX_AUTHORITIES


@pytest.mark.parametrize("off", [timedelta(0), MAX_INVITATION_VALIDITY + timedelta(hours=3)])
def test_take_invitation_that_ended_or_never_ends_is_refused(founder: Node, off: timedelta) -> None:
    terms = offered(founder, expires=founder.now.replace(microsecond=0) + off)
    with pytest.raises(MembershipError) as caught:
        take_invitation(founder.founding, OTHER, b"n" * 32, terms, founder.now)
    assert caught.value.full_code == "membership.invitation.terms"
    assert founder.founding_store.invitations("offered") == []


def test_take_invitation_of_a_founder_that_floods_leaves_room_for_those_of_others(founder: Node) -> None:
    terms = offered(founder)
    for number in range(MAX_OFFERED):
        assert not take_invitation(founder.founding, OTHER, number.to_bytes(32), terms, founder.now)
    with pytest.raises(MembershipError) as caught:
        take_invitation(founder.founding, OTHER, b"n" * 32, terms, founder.now)
    assert caught.value.full_code == "membership.invitation.terms"
    honest = MemberId("honest-founder")
    assert not take_invitation(founder.founding, honest, b"h" * 32, offered(founder, honest), founder.now)


def test_invitations_that_ended_long_ago_are_forgotten(founder: Node) -> None:
    store = founder.founding_store
    old = store.invitations("approved", "used")
    invite(founder, 1)
    (kept,) = store.invitations("approved")
    store.keep_invitation(replace(kept, sha256=b"o" * 32, expires_at_s=int(founder.clock()) - 31 * 86_400))
    assert old == []
    invite(founder, 2)
    # It may be offered anew: nothing of it is left.
    store.keep_invitation(replace(kept, sha256=b"o" * 32))
