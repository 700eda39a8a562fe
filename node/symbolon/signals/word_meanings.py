"""What the words of a signal mean, in half a sentence each, for a person who chooses among them.

Handles: an explanation of every word of the vocabulary that an author can choose. They explain; the sources
that `vocabulary` names define. Refuses nothing.
"""

from enum import Enum
from typing import Final

from symbolon.signals.vocabulary import (
    ILO_AXES,
    ILO_ELEVEN,
    URGENT_KINDS,
    Evidence,
    Indicator,
    Level,
    RecallReason,
    SubjectKind,
    Tlp,
)

INDICATORS: Final[dict[Indicator, str]] = {
    Indicator.ABUSE_OF_VULNERABILITY: "a weak position is used: no papers, no language, one employer",
    Indicator.DECEPTION: "the work, the pay or the place is not what was promised",
    Indicator.RESTRICTION_OF_MOVEMENT: "workers are locked in, watched, or may not leave when they want",
    Indicator.ISOLATION: "far from others, without a telephone or a way to ask for help",
    Indicator.PHYSICAL_AND_SEXUAL_VIOLENCE: "workers or those close to them are beaten or abused",
    Indicator.INTIMIDATION_AND_THREATS: "threats of dismissal, of the police, of harm to a family",
    Indicator.RETENTION_OF_IDENTITY_DOCUMENTS: "passports or papers are kept and not given back",
    Indicator.WITHHOLDING_OF_WAGES: "pay is held back so that workers stay",
    Indicator.DEBT_BONDAGE: "work pays off a debt that the worker cannot see the end of",
    Indicator.ABUSIVE_WORKING_AND_LIVING_CONDITIONS: "filth, hunger or danger that nobody accepts freely",
    Indicator.EXCESSIVE_OVERTIME: "hours beyond the law, under threat or to reach the minimum pay",
    Indicator.INVOLUNTARINESS: "the work was not freely and knowingly chosen, or cannot be left",
    Indicator.COERCION: "a penalty, or its threat, makes people work",
    Indicator.RECRUITMENT_FEES: "workers paid for their job, before or after it began",
    Indicator.CHILD_LABOUR: "children work who are too young for it, or for this work",
    Indicator.HAZARDOUS_WORK: "the work is likely to harm the health or safety of a young person",
}

SUBJECT_KINDS: Final[dict[SubjectKind, str]] = {
    SubjectKind.SITE: "a factory, farm, mine or other place of work",
    SubjectKind.ORGANISATION: "a company as a whole, wherever it works",
    SubjectKind.RECRUITER: "an agency or a broker that finds workers",
    SubjectKind.VESSEL: "a ship or fishing boat",
}

EVIDENCE: Final[dict[Evidence, str]] = {
    Evidence.AUDIT_FINDING: "an auditor wrote it down",
    Evidence.WORKER_INTERVIEW: "workers said so",
    Evidence.GRIEVANCE: "it came in as a complaint, by a hotline or a letter box",
    Evidence.SITE_VISIT: "somebody of yours saw it",
    Evidence.PUBLIC_LIST: "an authority or a register lists it",
    Evidence.MEDIA: "the press or a film reported it",
    Evidence.SATELLITE: "it shows from above",
    Evidence.PURCHASE_RECORD: "papers of purchases show it",
}

SCALE: Final[dict[Level, str]] = {
    Level.LOW: "a breach without lasting harm to anybody",
    Level.MODERATE: "harm that people feel for a while",
    Level.HIGH: "grave harm to health, freedom or a family's living",
    Level.EXTREME: "life or freedom is at stake",
}

SCOPE: Final[dict[Level, str]] = {
    Level.LOW: "a few people",
    Level.MODERATE: "a group or a department",
    Level.HIGH: "most of the workforce",
    Level.EXTREME: "everybody, or families and neighbours as well",
}

IRREMEDIABILITY: Final[dict[Level, str]] = {
    Level.LOW: "it can be made good soon",
    Level.MODERATE: "it can be made good with effort",
    Level.HIGH: "much of it cannot be made good",
    Level.EXTREME: "it cannot be made good: death, a lost childhood",
}

LIKELIHOOD: Final[dict[Level, str]] = {
    Level.LOW: "it seems to be over",
    Level.MODERATE: "it may go on",
    Level.HIGH: "it most likely goes on",
    Level.EXTREME: "it goes on now",
}

RECALL_REASONS: Final[dict[RecallReason, str]] = {
    RecallReason.ERROR: "it was wrong",
    RecallReason.WRONG_SUBJECT: "it was about somebody else",
    RecallReason.DISPUTE_UPHELD: "the supplier's contest was right",
    RecallReason.REMEDIED: "what it told of has been remedied",
    RecallReason.DUPLICATE: "another signal says the same",
    RecallReason.WITHDRAWN: "no reason is given; choose this where a source may be in danger",
    RecallReason.LEGAL: "a legal duty",
}

TLP: Final[dict[Tlp, str]] = {each: f"receivers may share it {each.words}" for each in Tlp}


def group_of(indicator: Indicator) -> str:
    """Where an indicator comes from, for a list."""
    if indicator in ILO_ELEVEN:
        return "ILO indicator of forced labour"
    if indicator in ILO_AXES:
        return "axis of the ILO's definition"
    return "urgent kind" if indicator in URGENT_KINDS else "kind beside them"


def meaning(word: Enum) -> str:
    """What a word means; '' for one that says it itself."""
    match word:
        case Indicator():
            return INDICATORS[word]
        case SubjectKind():
            return SUBJECT_KINDS[word]
        case Evidence():
            return EVIDENCE[word]
        case RecallReason():
            return RECALL_REASONS[word]
        case Tlp():
            return TLP[word]
        case _:
            return str(getattr(word, "words", ""))
