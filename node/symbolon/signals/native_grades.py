"""What the grades of audit schemes say about severity: a suggestion beside the grade, never in its place.

Handles: SMETA, amfori BSCI, SLCP and SA8000 by their usual names and versions, their grades in any case. A
grade that orders findings by gravity suggests a `Level` for scale; one that says something else (how long a
correction takes, whether an answer was accurate) suggests none, and the words say why. The steps of a scheme
and of `Level` are both an order and nothing more: the suggestion keeps the order. Refuses nothing: schemes
and grades that are not in the table give None, and the grade stays as it was given.
Specification: docs/signals-import.md, Native grades.

Source: Sedex, SMETA Non-Compliance Guidance, version 2.1 (2019), and SMETA Auditor Manual, version 1.0 for
SMETA 7.0 (2024): non-compliances from minor to business critical, observations until 6.1, Collaborative
Action Required since 7.0.
Source: amfori, BSCI System Manual, part II (2018), chapter 5, and guide 5 of its guides (2023): ratings A to
E, computed over thirteen areas; zero tolerance beside them.
Source: SLCP, Converged Assessment Framework: verified data without value judgment or score.
Source: SAAS, Corrective Action Requests; SAAS Procedure 200, version 4.1 (2019); SA8000 Interpretive
Supplement 1 (2019), time-bound non-conformities.
"""

import re
from dataclasses import dataclass
from typing import Final

from symbolon.signals.author_words import fold_words
from symbolon.signals.signal import Native
from symbolon.signals.vocabulary import Level


@dataclass(frozen=True, slots=True)
class MappedGrade:
    """What a native grade suggests.

    Attributes:
        scheme: its usual name.
        level: for the scale of severity; None where the grade says nothing of gravity.
        words: what the grade means, for a person.
        source: the document that says so.
    """

    scheme: str
    level: Level | None
    words: str
    source: str


_SMETA_GRADES: Final = "Sedex, SMETA Non-Compliance Guidance 2.1 (2019)"
_SMETA_7: Final = "Sedex, SMETA Auditor Manual 1.0 for SMETA 7.0 (2024)"
_AMFORI: Final = "amfori BSCI System Manual, part II (2018), chapter 5"
_AMFORI_ZERO: Final = "amfori BSCI System Manual Guides (2023), guide 5"
_SLCP: Final = "SLCP, Converged Assessment Framework"
_SAAS: Final = "SAAS, Corrective Action Requests"
_SAAS_200: Final = "SAAS Procedure 200, version 4.1 (2019)"
_SAI_HOURS: Final = "SA8000 Interpretive Supplement 1 (2019)"

_SITE: Final = "it rates how far the whole site meets the code, not one harm: read the findings"
_VERIFIED: Final = "it says whether the facility's answer was right, not how grave anything is"

_GRADES: Final[dict[str, dict[str, tuple[Level | None, str, str]]]] = {
    "SMETA": {
        "business critical": (
            Level.EXTREME,
            "the gravest of four grades of a non-compliance",
            _SMETA_7,
        ),
        "critical": (Level.HIGH, "the third of four grades of a non-compliance", _SMETA_GRADES),
        "major": (Level.MODERATE, "the second of four grades of a non-compliance", _SMETA_GRADES),
        "minor": (Level.LOW, "the mildest of four grades of a non-compliance", _SMETA_GRADES),
        "collaborative action required": (
            None,
            "a matter that the site cannot settle alone; it has no grade, and may be grave",
            _SMETA_7,
        ),
        "observation": (None, "a weakness that could become a non-compliance; no grade", _SMETA_GRADES),
        "good example": (None, "the site does more than is asked of it", _SMETA_GRADES),
    },
    "amfori BSCI": {
        "a": (None, f"the best of five ratings; {_SITE}", _AMFORI),
        "b": (None, f"the second of five ratings; {_SITE}", _AMFORI),
        "c": (Level.LOW, f"the third of five ratings; {_SITE}", _AMFORI),
        "d": (Level.MODERATE, f"the fourth of five ratings; {_SITE}", _AMFORI),
        "e": (Level.HIGH, f"the worst of five ratings; {_SITE}", _AMFORI),
        "zero tolerance": (
            Level.EXTREME,
            "child or bonded labour, danger to life or health, or bribery: the report says which",
            _AMFORI_ZERO,
        ),
    },
    "SLCP": {
        "accurate": (None, _VERIFIED, _SLCP),
        "inaccurate": (None, _VERIFIED, _SLCP),
        "non compliance": (None, "a breach of law or standard; SLCP grades none of them", _SLCP),
        "legal non compliance": (None, "a breach of law; SLCP grades none of them", _SLCP),
    },
    "SA8000": {
        "critical": (
            Level.EXTREME,
            "the gravest of its grades: rights or lives are at stake",
            _SAAS_200,
        ),
        "major": (
            Level.HIGH,
            "a system that is absent or has broken down, or a threat to safety at once",
            _SAAS,
        ),
        "minor": (Level.LOW, "a single lapse that does not put workers' rights in doubt", _SAAS),
        "time bound": (None, "it says how long a correction may take, not how grave it is", _SAI_HOURS),
        "observation": (None, "no breach of the standard", _SAAS_200),
        "opportunity for improvement": (None, "no breach of the standard", _SAAS_200),
    },
}

_SCHEMES: Final = {
    "smeta": "SMETA",
    "sedex": "SMETA",
    "sedex smeta": "SMETA",
    "sedex members ethical trade": "SMETA",
    "amfori": "amfori BSCI",
    "bsci": "amfori BSCI",
    "amfori bsci": "amfori BSCI",
    "business social compliance initiative": "amfori BSCI",
    "slcp": "SLCP",
    "slcp caf": "SLCP",
    "social labor convergence program": "SLCP",
    "social and labor convergence program": "SLCP",
    "sa8000": "SA8000",
    "sai sa8000": "SA8000",
}
_SHORT: Final = {
    ("SMETA", "car"): "collaborative action required",
    ("SMETA", "bc"): "business critical",
    ("amfori BSCI", "zt"): "zero tolerance",
    ("amfori BSCI", "zero tolerance alert"): "zero tolerance",
    ("SA8000", "ofi"): "opportunity for improvement",
    ("SA8000", "timebound"): "time bound",
}
_VERSION: Final = re.compile(r"v?[0-9][0-9]*|version|v|audit|pillar")
_AROUND_GRADE: Final = re.compile(
    r"\b(?:non ?compliances?|non ?conformit(?:y|ies)|ncs?|findings?|overall|rating|rated|result|grade)\b"
)


def mapped(native: Native) -> MappedGrade | None:
    """What a finding in its own scheme suggests, or None where scheme or grade are not in the table."""
    folded = fold_words(native.scheme).replace("sa 8000", "sa8000")
    scheme = _SCHEMES.get(" ".join(word for word in folded.split() if not _VERSION.fullmatch(word)))
    if scheme is None:
        return None
    whole = fold_words(native.grade)
    bare = " ".join(_AROUND_GRADE.sub(" ", whole).split())
    for grade in (whole, bare, _SHORT.get((scheme, whole), ""), _SHORT.get((scheme, bare), "")):
        if grade in _GRADES[scheme]:
            level, words, source = _GRADES[scheme][grade]
            return MappedGrade(scheme, level, words, source)
    return None


def table() -> tuple[tuple[str, str, MappedGrade], ...]:
    """The whole table, for a page or a command that lists it: scheme, grade, what it suggests."""
    return tuple(
        (scheme, grade, MappedGrade(scheme, *meaning))
        for scheme, grades in _GRADES.items()
        for grade, meaning in grades.items()
    )
