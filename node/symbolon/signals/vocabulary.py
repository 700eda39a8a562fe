"""The words of a risk signal, each list closed, with the number that each word has in a label.

Handles: the eleven ILO indicators of forced labour, the two axes of the ILO's definition, and three kinds
beside them; levels of severity and likelihood; grades of a source; kinds of evidence; TLP marks; states of a
signal and of a dispute; reasons of a recall. A number, once given, is never given to another word.

Sources: ILO, Indicators of Forced Labour (2012; its edition of 2025 has the same eleven); ILO Convention 29
(1930), article 2, and ILO, Hard to see, harder to count (2012), the axes; ILO Conventions 138 (1973) and 182
(1999), article 3(d), and ILO, Definition of recruitment fees and related costs (2019), the kinds beside; UN
Guiding Principles on Business and Human Rights, principle 14, and their interpretive guide, severity; the
Admiralty (NATO) system as in the MISP taxonomy `admiralty-scale`, the letters for a source: STIX 2.1,
Appendix A, has its digits for content alone; FIRST, Traffic Light Protocol 2.0 (2022).
"""

from enum import IntEnum, StrEnum
from typing import Final


class Indicator(StrEnum):
    """What the signal says was seen; the position in this list is the bit in a label."""

    ABUSE_OF_VULNERABILITY = "abuse-of-vulnerability"
    DECEPTION = "deception"
    RESTRICTION_OF_MOVEMENT = "restriction-of-movement"
    ISOLATION = "isolation"
    PHYSICAL_AND_SEXUAL_VIOLENCE = "physical-and-sexual-violence"
    INTIMIDATION_AND_THREATS = "intimidation-and-threats"
    RETENTION_OF_IDENTITY_DOCUMENTS = "retention-of-identity-documents"
    WITHHOLDING_OF_WAGES = "withholding-of-wages"
    DEBT_BONDAGE = "debt-bondage"
    ABUSIVE_WORKING_AND_LIVING_CONDITIONS = "abusive-working-and-living-conditions"
    EXCESSIVE_OVERTIME = "excessive-overtime"
    INVOLUNTARINESS = "involuntariness"
    COERCION = "coercion"
    RECRUITMENT_FEES = "recruitment-fees"
    CHILD_LABOUR = "child-labour"
    HAZARDOUS_WORK = "hazardous-work"

    @property
    def bit(self) -> int:
        """Its bit in a label, 0 to 15."""
        return _BITS[self]

    @property
    def words(self) -> str:
        """As a person reads it."""
        return self.value.replace("-", " ")


_BITS: Final = {each: bit for bit, each in enumerate(Indicator)}

ILO_ELEVEN: Final = tuple(Indicator)[:11]
"""The ILO's indicators of forced labour."""

ILO_AXES: Final = (Indicator.INVOLUNTARINESS, Indicator.COERCION)
"""Work that is not voluntary, and the menace of a penalty: together they are forced labour."""

URGENT_KINDS: Final = frozenset({Indicator.CHILD_LABOUR, Indicator.HAZARDOUS_WORK})
"""What may be told at once, where the contributor chooses so; everything else waits for the daily batch."""


class Level(IntEnum):
    """A step of severity or likelihood; 0 where nothing is said of it.

    Scale is how grave the harm is, scope how many it reaches, irremediability how far it can be made good.
    Likelihood says how likely it is that it goes on, and is no part of severity.
    """

    NOT_STATED = 0
    LOW = 1
    MODERATE = 2
    HIGH = 3
    EXTREME = 4

    @property
    def words(self) -> str:
        """As a person reads it."""
        return self.name.lower().replace("_", " ")


class Reliability(StrEnum):
    """How reliable the source has been, apart from what it says now (Admiralty code)."""

    A = "A"
    B = "B"
    C = "C"
    D = "D"
    E = "E"
    F = "F"

    @property
    def number(self) -> int:
        """In a label, 1 to 6."""
        return _NUMBERS[Reliability][self.value]

    @property
    def words(self) -> str:
        """As a person reads it."""
        return {
            "A": "completely reliable",
            "B": "usually reliable",
            "C": "fairly reliable",
            "D": "not usually reliable",
            "E": "unreliable",
            "F": "reliability cannot be judged",
        }[self.value]


class Evidence(StrEnum):
    """What kind of evidence the signal rests on; the position in this list is its number in a label."""

    AUDIT_FINDING = "audit-finding"
    WORKER_INTERVIEW = "worker-interview"
    GRIEVANCE = "grievance"
    SITE_VISIT = "site-visit"
    PUBLIC_LIST = "public-list"
    MEDIA = "media"
    SATELLITE = "satellite"
    PURCHASE_RECORD = "purchase-record"

    @property
    def number(self) -> int:
        """In a label, 1 to 8."""
        return _NUMBERS[Evidence][self.value]

    @property
    def words(self) -> str:
        """As a person reads it."""
        return self.value.replace("-", " ")


class SubjectKind(StrEnum):
    """What the signal is about; the position in this list is its number in a label."""

    SITE = "site"
    ORGANISATION = "organisation"
    RECRUITER = "recruiter"
    VESSEL = "vessel"

    @property
    def number(self) -> int:
        """In a label, 1 to 4."""
        return _NUMBERS[SubjectKind][self.value]


class Tlp(StrEnum):
    """How far the receiver may share it, the strictest first (TLP 2.0)."""

    RED = "red"
    AMBER_STRICT = "amber+strict"
    AMBER = "amber"
    GREEN = "green"
    CLEAR = "clear"

    @property
    def number(self) -> int:
        """In a label, 1 to 5."""
        return _NUMBERS[Tlp][self.value]

    @property
    def words(self) -> str:
        """What it lets a receiver do."""
        return {
            "red": "for the named recipients alone",
            "amber+strict": "within the receiving organisation, where needed",
            "amber": "within the receiving organisation and its clients, where needed",
            "green": "within the community",
            "clear": "without a limit",
        }[self.value]


class State(StrEnum):
    """Whether a signal stands."""

    ACTIVE = "active"
    RECALLED = "recalled"

    @property
    def number(self) -> int:
        """In a label, 1 or 2."""
        return _NUMBERS[State][self.value]


class RecallReason(StrEnum):
    """Why a signal was taken back; the position in this list is its number in a label.

    `withdrawn` says no more on purpose: that a source is in danger must not travel.
    """

    ERROR = "error"
    WRONG_SUBJECT = "wrong-subject"
    DISPUTE_UPHELD = "dispute-upheld"
    REMEDIED = "remedied"
    DUPLICATE = "duplicate"
    WITHDRAWN = "withdrawn"
    LEGAL = "legal"

    @property
    def number(self) -> int:
        """In a label, 1 to 7."""
        return _NUMBERS[RecallReason][self.value]

    @property
    def words(self) -> str:
        """As a person reads it."""
        return {
            "error": "it was wrong",
            "wrong-subject": "it was about somebody else",
            "dispute-upheld": "the supplier's contest was right",
            "remedied": "what it told of has been remedied",
            "duplicate": "another signal says the same",
            "withdrawn": "the contributor withdrew it",
            "legal": "a legal duty",
        }[self.value]


class DisputeState(StrEnum):
    """How the supplier's contest of a signal stands; the position in this list is its number in a label."""

    NONE = "none"
    OPEN = "open"
    MAINTAINED = "maintained"
    CORRECTED = "corrected"
    REMEDIED = "remedied"

    @property
    def number(self) -> int:
        """In a label, 0 to 4."""
        return _NUMBERS[DisputeState][self.value]

    @property
    def words(self) -> str:
        """As a person reads it."""
        return {
            "none": "not disputed",
            "open": "disputed",
            "maintained": "disputed, and maintained by the contributor",
            "corrected": "disputed, and corrected since",
            "remedied": "disputed, and remedied since",
        }[self.value]


class ShownAs(StrEnum):
    """By what a signal names who contributed it; the position in this list is its number in a label."""

    PUBLISHER = "publisher"
    COMPANY = "company"
    NGO = "ngo"
    COORDINATOR = "coordinator"
    AUDITOR = "auditor"

    @property
    def number(self) -> int:
        """In a label, 0 to 4: the member that publishes it, or another one by its kind alone."""
        return _NUMBERS[ShownAs][self.value]


def _numbered(words: type[StrEnum], first: int) -> dict[str, int]:
    return {each.value: number for number, each in enumerate(words, first)}


_NUMBERS: Final = {
    Reliability: _numbered(Reliability, 1),
    Evidence: _numbered(Evidence, 1),
    SubjectKind: _numbered(SubjectKind, 1),
    Tlp: _numbered(Tlp, 1),
    State: _numbered(State, 1),
    RecallReason: _numbered(RecallReason, 1),
    DisputeState: _numbered(DisputeState, 0),
    ShownAs: _numbered(ShownAs, 0),
}
"""Looked up for every label; to search the words each time takes ten times as long."""
