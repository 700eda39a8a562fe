"""Which invitations somebody means who types a member's id, or a few digits."""

import pytest

from symbolon.cli.coalition_invitations import chosen
from symbolon.errors import UsageError
from symbolon.storage.founding_store import InvitationState, StoredInvitation


def an_invitation(start: bytes, member: str, state: InvitationState = "approved") -> StoredInvitation:
    return StoredInvitation(start + bytes(32 - len(start)), member, "birch", b"", b"", 0, state)


FIRST, AGAIN = an_invitation(b"\xab\xcd", "ngo-w"), an_invitation(b"\xab\xff", "ngo-w", "withdrawn")
OTHER, JOINED = an_invitation(b"\x12", "other-co"), an_invitation(b"\x34", "joined-co", "used")
KNOWN = [FIRST, AGAIN, OTHER, JOINED]


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("ngo-w", [FIRST, AGAIN]),
        ("abcd", [FIRST]),
        ("ABFF", [AGAIN]),
        ("other-co", [OTHER]),
        ("12", [OTHER]),
        ("joined-co", [JOINED]),
    ],
)
def test_withdraw_by_member_or_digits_means_its_codes(typed: str, meant: list[StoredInvitation]) -> None:
    assert chosen(KNOWN, typed) == meant


def test_withdraw_by_member_leaves_out_what_it_joined_with_before() -> None:
    again = an_invitation(b"\x56", "joined-co")
    assert chosen([*KNOWN, again], "joined-co") == [again]


@pytest.mark.parametrize("typed", ["", " ", "ab", "ngo", "nobody", "99"])
def test_withdraw_by_what_names_none_or_several_is_refused(typed: str) -> None:
    with pytest.raises(UsageError, match="can be meant by"):
        chosen(KNOWN, typed)


def test_attack_invitation_for_an_id_of_anothers_digits_takes_back_nothing_in_its_place() -> None:
    """A founder chooses the id that it invites: digits that are an id too are refused."""
    with pytest.raises(UsageError, match="2 invitations"):
        chosen([*KNOWN, an_invitation(b"\x78", "abcd")], "abcd")
