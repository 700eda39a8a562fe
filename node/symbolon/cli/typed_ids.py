"""Ids typed on the command line: a malformed one is a wrong use, not a member that is refused."""

from symbolon.errors import MembershipError, UsageError
from symbolon.membership.member import CoalitionId, MemberId, parse_coalition_id, parse_member_id


def typed_member_id(text: str) -> MemberId:
    """Checks the value of an option that names a member.

    Raises:
        UsageError: it is not a member id.
    """
    try:
        return parse_member_id(text)
    except MembershipError as error:
        raise _wrong_use(error) from None


def typed_coalition_id(text: str) -> CoalitionId:
    """Checks the value of an option that names a coalition.

    Raises:
        UsageError: it is not a coalition id.
    """
    try:
        return parse_coalition_id(text)
    except MembershipError as error:
        raise _wrong_use(error) from None


def _wrong_use(error: MembershipError) -> UsageError:
    return UsageError(error.detail, hint=error.hint)
