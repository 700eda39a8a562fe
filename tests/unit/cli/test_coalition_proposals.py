"""Which proposal or invitation somebody means who types a few digits, and what is shown of new terms."""

from dataclasses import replace

import pytest

from symbolon.cli.coalition_changes import lacking
from symbolon.cli.coalition_proposals import chosen
from symbolon.cli.coalition_terms import shown_terms
from symbolon.errors import UsageError
from symbolon.membership.coalition_roles import Missing
from symbolon.membership.member import MemberId
from symbolon.membership.proposal import SignedRole
from symbolon.rpc.founding_waiting import Waiting
from symbolon.storage.founding_store import StoredInvitation

ALDER, BIRCH, HUB = map(MemberId, ("alder", "birch", "hub"))
PROPOSAL = Waiting(b"\xab\xcd\xef" + bytes(29), 2, "alder", (), {}, False)
INVITATION = StoredInvitation(b"\xab\xff" + bytes(30), "new-co", "birch", b"", b"", 0, "offered")


@pytest.mark.parametrize(
    ("digits", "meant"), [("abcd", PROPOSAL), ("ABCDEF", PROPOSAL), ("abff", INVITATION)]
)
def test_digits_that_name_one_thing_mean_it(digits: str, meant: object) -> None:
    assert chosen([PROPOSAL], [INVITATION], digits) is meant


@pytest.mark.parametrize("digits", ["", "ab", "0", "abcd-"])
def test_digits_that_name_none_or_several_are_refused(digits: str) -> None:
    with pytest.raises(UsageError) as caught:
        chosen([PROPOSAL], [INVITATION], digits)
    assert ("2 proposals" in caught.value.detail) == (digits == "ab")


def test_attack_invitation_under_the_digits_of_anothers_proposal_is_not_approved_in_its_place() -> None:
    """A founder chooses the hash that it tells others of its invitation."""
    forged = StoredInvitation(PROPOSAL.sha256[:6] + b"x" * 26, "mallory", "birch", b"", b"", 0, "offered")
    with pytest.raises(UsageError) as caught:
        chosen([PROPOSAL], [forged], PROPOSAL.sha256.hex()[:12])
    assert caught.value.detail.startswith("2 proposals and invitations")
    assert chosen([PROPOSAL], [forged], PROPOSAL.sha256.hex()[:16]) is PROPOSAL


LACKS = {
    "root": (Missing(1, (HUB,)), Missing(2, (ALDER, BIRCH, HUB))),
    "targets": (Missing(1, (HUB,)), Missing(2, (ALDER, BIRCH, HUB))),
}


@pytest.mark.parametrize(
    ("approved", "lacks", "told"),
    [
        (True, {"targets": (Missing(2, (ALDER, BIRCH, HUB)),)}, "1 of alder, birch"),
        (True, {"targets": (Missing(1, (ALDER, BIRCH)),)}, "1 of alder, birch"),
        (True, LACKS, "1 of alder, birch"),
        (True, {"root": (Missing(1, (ALDER, BIRCH)), Missing(2, (ALDER, BIRCH)))}, "2 of alder, birch"),
        (False, LACKS, "1 of hub and 2 of alder, birch, hub"),
        (True, {"targets": (Missing(1, (HUB,)),)}, "the founders' nodes"),
    ],
    ids=[
        "of three",
        "signed here",
        "founders change",
        "a higher threshold",
        "not approved here",
        "only here",
    ],
)
def test_who_has_yet_to_sign_names_this_founder_only_where_a_person_has_to(
    approved: bool, lacks: dict[SignedRole, tuple[Missing, ...]], told: str
) -> None:
    assert lacking(replace(PROPOSAL, approved=approved, lacks=lacks), HUB) == told


def test_terms_that_would_move_the_cursor_are_shown_as_what_they_are() -> None:
    assert shown_terms("Only audits.\n\x1b[2K\x1b[1AAnything\r\n") == ["| Only audits.", "| ?[2K?[1AAnything"]
    assert shown_terms("") == []
