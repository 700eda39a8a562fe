"""What the screening of a signal suspects, and how it is said (docs/screening.md).

Handles: the suspicions in their two groups, findings, and the one line in which an author is shown what was
found. Refuses: nothing. A finding never holds the text that it stands for: it may be printed or logged.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from symbolon.signals.free_text import shown

MAX_FIELD_CHARS: Final = 64
"""Of the name of a field or column in a finding: headers come from files, and name themselves in fewer."""

MAX_EXCERPT_CHARS: Final = 120
"""Of the found text in an excerpt: one line of a terminal, and a bit."""

_AROUND: Final = 32
"""Characters shown on either side of what was found."""


class Suspicion(StrEnum):
    """What a text or a column seems to hold."""

    PRICE = "price"
    VOLUME = "volume"
    COST = "cost"
    CONTRACT_END = "contract-end"
    PERSON_NAME = "person-name"
    PHONE = "phone"
    EMAIL = "email"
    IDENTITY_NUMBER = "identity-number"
    BIRTH_DATE = "birth-date"
    ONLINE_ACCOUNT = "online-account"
    SMALL_WORKFORCE = "small-workforce"

    @property
    def remedy(self) -> str:
        """What to write instead, one sentence."""
        return _REMEDIES[self]


COMPETITION: Final = frozenset({Suspicion.PRICE, Suspicion.VOLUME, Suspicion.COST, Suspicion.CONTRACT_END})
"""What competitors may not tell each other; see docs/screening.md."""

PERSONAL: Final = frozenset(Suspicion) - COMPETITION
"""What could point at a person."""

_REMEDIES: Final[dict[Suspicion, str]] = {
    Suspicion.PRICE: "Leave the price out: say what happened to workers, not what anyone paid for goods.",
    Suspicion.VOLUME: "Leave out what was ordered, made or bought, and what share of it is whose.",
    Suspicion.COST: "Leave out costs and margins: members may not compare them.",
    Suspicion.CONTRACT_END: "Leave the advice out: each member decides for itself whether it goes on buying.",
    Suspicion.PERSON_NAME: "Write the role in place of the name: a worker, a supervisor, a recruiter.",
    Suspicion.PHONE: "Leave the telephone number out: members reach the contributor, never the source.",
    Suspicion.EMAIL: "Leave the address out: members reach the contributor, never the source.",
    Suspicion.IDENTITY_NUMBER: "Leave the number out: say that a document was taken, not which.",
    Suspicion.BIRTH_DATE: "Write an age band in place of the date: under 15, 15 to 17, adult.",
    Suspicion.ONLINE_ACCOUNT: "Leave the account and the link out: both lead to a person.",
    Suspicion.SMALL_WORKFORCE: "Name no group of ten or fewer: write some workers, or leave the detail out.",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """Something in a signal that its author should look at before it leaves.

    Attributes:
        suspicion: what it seems to be.
        field: the field or column it stands in, fit to be printed.
        begin: the first character of it in the field, from 0; 0 for a column or a number.
        end: the character behind its last; 0 for a column or a number.
    """

    suspicion: Suspicion
    field: str
    begin: int = 0
    end: int = 0

    @property
    def remedy(self) -> str:
        """What to write instead, one sentence."""
        return self.suspicion.remedy


def finding(suspicion: Suspicion, field: str, begin: int = 0, end: int = 0) -> Finding:
    """A finding whose field can be printed wherever it came from."""
    return Finding(suspicion, shown(field[:MAX_FIELD_CHARS], one_line=True), begin, end)


def excerpt(text: str, found: Finding) -> str:
    """One line for the author's own terminal: what was found, in brackets, between what stands around it.

    It holds personal data where the finding is about personal data, so it belongs in no log and no file.

    Args:
        text: the field that was screened.
        found: a finding in it; for a column there is nothing to show.

    Returns:
        Text without control characters or overrides of direction; empty for a column.
    """
    if found.end <= found.begin:
        return ""
    middle = text[found.begin : found.end]
    if len(middle) > MAX_EXCERPT_CHARS:
        half = MAX_EXCERPT_CHARS // 2
        middle = f"{middle[:half]} … {middle[-half:]}"
    before = text[max(0, found.begin - _AROUND) : found.begin]
    after = text[found.end : found.end + _AROUND]
    left = "…" if found.begin > _AROUND else ""
    right = "…" if found.end + _AROUND < len(text) else ""
    # Blanks at the seams are kept: shown() trims each part.
    before = shown(before, one_line=True) + (" " if before[-1:].isspace() else "")
    after = (" " if after[:1].isspace() else "") + shown(after, one_line=True)
    return f"{left}{before}[{shown(middle, one_line=True)}]{after}{right}"
