"""A member of the coalition, as the member list names it.

Handles: the shape of every field of one member. Refuses: whatever does not have exactly that shape, so that
what a list carries can go into a file name, a certificate name or a dial target without further thought.
Specification: docs/PROTOCOL.md, membership; DESIGN section "Membership and transport".
"""

import re
from enum import StrEnum
from typing import Final, NewType

from symbolon.errors import MembershipError

MemberId = NewType("MemberId", str)
CoalitionId = NewType("CoalitionId", str)

SLUG_PATTERN: Final = re.compile(r"[a-z0-9][a-z0-9-]{1,30}[a-z0-9]")
FINGERPRINT_BYTES: Final = 32

MAX_ENDPOINT_CHARS: Final = 253 + 1 + 5
"""The longest DNS name, a colon and a port."""

_HOST = r"[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?"
_ENDPOINT_PATTERN: Final = re.compile(rf"(?:{_HOST}|\[[0-9A-Fa-f:.]{{2,45}}\]):([1-9][0-9]{{0,4}})")
_PURPOSE_PATTERN: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]{0,63}")
_JURISDICTION_PATTERN: Final = re.compile(r"[A-Z]{2}")


class MemberKind(StrEnum):
    """What a member is; it decides nothing by itself, policies may ask for it."""

    COMPANY = "company"
    NGO = "ngo"
    COORDINATOR = "coordinator"
    AUDITOR = "auditor"


WITHOUT_LIST: Final = (MemberKind.COORDINATOR, MemberKind.AUDITOR)
"""Members of these kinds may have no suppliers of their own: nobody urges them to import a list."""


def parse_member_id(text: str) -> MemberId:
    """Check a member id.

    Args:
        text: 3 to 32 of a-z, 0-9 and hyphen, with no hyphen at either end.

    Returns:
        The same text.

    Raises:
        MembershipError: `membership.malformed`.
    """
    return MemberId(_slug(text, "member id"))


def parse_coalition_id(text: str) -> CoalitionId:
    """Check a coalition id: the shape of a member id; it becomes the SPIFFE trust domain.

    Raises:
        MembershipError: `membership.malformed`.
    """
    return CoalitionId(_slug(text, "coalition id"))


def parse_purpose(text: str) -> str:
    """Check a purpose: what a configuration, a hello and the coalition's closed list may name.

    Args:
        text: 1 to 64 letters, digits, dots and hyphens, the first a letter or digit.

    Returns:
        The same text.

    Raises:
        MembershipError: `membership.malformed`.
    """
    if not _PURPOSE_PATTERN.fullmatch(text):
        raise _malformed(f"purpose {text[:64]!r} is not a plain word")
    return text


def _slug(text: str, what: str) -> str:
    if not SLUG_PATTERN.fullmatch(text):
        raise MembershipError(
            f"{what} {text[:64]!r} is not a valid name",
            code="membership.malformed",
            hint="Use 3 to 32 lower-case letters, digits and hyphens, with no hyphen at either end.",
        )
    return text


def check_jurisdiction(jurisdiction: str) -> None:
    """Checks the form of an ISO 3166-1 alpha-2 code.

    Raises:
        MembershipError: `membership.malformed`.
    """
    if not _JURISDICTION_PATTERN.fullmatch(jurisdiction):
        raise _malformed(f"jurisdiction {jurisdiction[:64]!r} is not a two-letter country code")


def check_endpoint(endpoint: str) -> None:
    """Checks a `host:port`.

    Raises:
        MembershipError: `membership.malformed`.
    """
    match = _ENDPOINT_PATTERN.fullmatch(endpoint) if len(endpoint) <= MAX_ENDPOINT_CHARS else None
    if match is None or int(match[1]) > 65_535:
        raise _malformed(f"endpoint {endpoint[:64]!r} is not host:port")


def _malformed(detail: str) -> MembershipError:
    return MembershipError(detail, code="membership.malformed")
