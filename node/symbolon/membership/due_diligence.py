"""What a coalition knows of each member's right to be in it: terms accepted, vetting, yearly attestation.

Handles: the three records and whether they hold on a day. A record that lapses suspends its member at every
node by that node's own clock; nobody has to sign anything. Refuses: records whose shape or dates make no
sense. Specification: docs/PROTOCOL.md, membership; docs/adr/0013.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from symbolon.errors import MembershipError
from symbolon.membership.member import MemberId, parse_member_id

ATTESTATION_VALIDITY: Final = timedelta(days=366)
"""An attestation is yearly; the day it was made may come again once."""

MAX_VETTING: Final = timedelta(days=3 * 366)
"""A vetting that lapses later than this says nothing about today."""

VETTING_VALIDITY: Final = timedelta(days=365)
"""Of a vetting for which nothing else was said."""

MAX_TEXT_CHARS: Final = 200

PROHIBITED_USES: Final = (
    "immigration-or-police-work",
    "action-against-organising-workers",
    "resale",
)
"""What nobody may use the coalition's data for, whatever its terms say beside it."""


@dataclass(frozen=True, slots=True)
class Acceptance:
    """Who accepted which terms of use for a member, and when.

    Attributes:
        terms_version: as the coalition names its terms.
        on: the day.
        person: name or function of who accepted.

    Raises:
        MembershipError: `membership.malformed`, at construction.
    """

    terms_version: str
    on: date
    person: str

    def __post_init__(self) -> None:
        require_text(self.terms_version, "the version of the terms")
        require_text(self.person, "the person who accepted the terms")


@dataclass(frozen=True, slots=True)
class Vetting:
    """Which founder looked at a member before it was let in.

    Attributes:
        by: the founder.
        person: name or function of who did it there.
        on: the day.
        criteria: against what, in a few words or by a document's name.
        lapses: the first day on which it no longer holds.

    Raises:
        MembershipError: `membership.malformed`, at construction.
    """

    by: MemberId
    person: str
    on: date
    criteria: str
    lapses: date

    def __post_init__(self) -> None:
        parse_member_id(self.by)
        require_text(self.person, "the person who vetted")
        require_text(self.criteria, "the criteria")
        if not timedelta(0) < self.lapses - self.on <= MAX_VETTING:
            raise MembershipError(
                f"a vetting of {self.on} cannot lapse on {self.lapses}",
                hint=f"It lapses after its own day and within {MAX_VETTING.days} days.",
                code="membership.malformed",
            )


@dataclass(frozen=True, slots=True)
class DueDiligence:
    """The three records of one member.

    Attributes:
        attested: the day on which the member last confirmed its purposes and the prohibited uses.
    """

    acceptance: Acceptance
    vetting: Vetting
    attested: date


def require_standing(record: DueDiligence, terms_version: str, today: date) -> None:
    """Checks that a member's records hold.

    Args:
        record: the member's.
        terms_version: the terms in force.
        today: UTC.

    Raises:
        MembershipError: `membership.lapsed.vetting`, `.attestation` or `.terms`; the hint says who mends it.
    """
    if today >= record.vetting.lapses:
        raise _lapsed(
            "vetting",
            f"the vetting lapsed on {record.vetting.lapses}",
            "A founder vets it anew with `symbolon coalition vet`.",
        )
    if today - record.attested > ATTESTATION_VALIDITY:
        raise _lapsed(
            "attestation",
            f"the yearly attestation of {record.attested} lapsed",
            "The member runs `symbolon coalition attest`.",
        )
    if record.acceptance.terms_version != terms_version:
        raise _lapsed(
            "terms",
            f"terms {record.acceptance.terms_version} were accepted, {terms_version} are in force",
            "The member runs `symbolon coalition attest`, which shows the new terms.",
        )


def require_text(text: str, what: str) -> None:
    """Checks one line that people read: 1 to 200 printable characters without space at its ends.

    Raises:
        MembershipError: `membership.malformed`.
    """
    if not 0 < len(text) <= MAX_TEXT_CHARS or not text.isprintable() or text != text.strip():
        raise MembershipError(
            f"{what} is empty, longer than {MAX_TEXT_CHARS} characters, or not one plain line",
            code="membership.malformed",
        )


def _lapsed(kind: str, detail: str, hint: str) -> MembershipError:
    return MembershipError(detail, hint=hint, code=f"membership.lapsed.{kind}")
