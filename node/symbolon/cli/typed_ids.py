"""Ids, kinds and days typed on the command line: a malformed one is a wrong use, not a member refused."""

from datetime import date

from symbolon.errors import MembershipError, UsageError
from symbolon.membership.member import (
    CoalitionId,
    MemberId,
    MemberKind,
    check_jurisdiction,
    parse_coalition_id,
    parse_member_id,
)


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


def typed_kind(text: str) -> MemberKind:
    """Checks the value of an option that says what a member is.

    Raises:
        UsageError: it is none of the kinds.
    """
    try:
        return MemberKind(text)
    except ValueError:
        raise UsageError(f"unknown kind {text}", hint=f"Known: {', '.join(MemberKind)}.") from None


def typed_jurisdiction(text: str) -> str:
    """Checks the value of an option that names a country.

    Raises:
        UsageError: it is no ISO 3166-1 alpha-2 code.
    """
    try:
        check_jurisdiction(text)
    except MembershipError as error:
        raise UsageError(error.detail, hint="Two capital letters, like DE or KE.") from None
    return text


def typed_date(text: str) -> date:
    """Checks the value of an option that names a day.

    Raises:
        UsageError: it is not YYYY-MM-DD.
    """
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{text} is not a day", hint="Write it like 2027-06-30.") from None
