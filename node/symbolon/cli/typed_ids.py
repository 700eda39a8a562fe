"""What is typed on the command line, by its form: malformed, it is a wrong use, not a member refused."""

import re
from datetime import date
from typing import Final

from symbolon.errors import MembershipError, UsageError
from symbolon.membership.member import (
    FINGERPRINT_BYTES,
    CoalitionId,
    MemberId,
    MemberKind,
    check_endpoint,
    check_jurisdiction,
    parse_coalition_id,
    parse_member_id,
)

_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
"""Python reads other forms of ISO 8601 as well, weeks among them; in records there is one."""


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
        UsageError: it is no ISO 3166-1 alpha-2 code, or one that is not assigned.
    """
    from pycountry import countries

    try:
        check_jurisdiction(text)
    except MembershipError as error:
        raise UsageError(error.detail, hint="Two capital letters, like DE or KE.") from None
    if countries.get(alpha_2=text) is None:
        hint = "The United Kingdom is GB." if text == "UK" else "Take one of ISO 3166-1, like DE or KE."
        raise UsageError(f"{text} is the code of no country", hint=hint)
    return text


def typed_date(text: str) -> date:
    """Checks the value of an option that names a day.

    Raises:
        UsageError: it is not YYYY-MM-DD.
    """
    wrong = UsageError(f"{text} is not a day", hint="Write it like 2027-06-30.")
    if not _DAY.fullmatch(text):
        raise wrong
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise wrong from None


def typed_listen(text: str) -> str:
    """Checks the value of an option that says where to listen; port 0 is good here.

    Raises:
        UsageError: it is not host:port.
    """
    host, _, port = text.rpartition(":")
    try:
        check_endpoint(f"{host}:{port if port != '0' else 1}")
    except MembershipError:
        raise UsageError(
            f"--listen {text[:64]} is not host:port",
            hint="For example --listen 127.0.0.1:7443, or 0.0.0.0:7443 for all addresses of this machine.",
        ) from None
    return text


def typed_root(text: str) -> bytes | None:
    """Checks the value of `--root`, the fingerprint of a coalition's first root; None when it is empty.

    Raises:
        UsageError: it is not 64 hexadecimal digits.
    """
    if not text:
        return None
    try:
        found = bytes.fromhex(text)
    except ValueError:
        found = b""
    if len(found) != FINGERPRINT_BYTES:
        raise UsageError(
            "--root is no fingerprint: it has 64 hexadecimal digits",
            hint="`symbolon audit verify` at any member's own node shows it, as `audit export` does.",
        )
    return found
