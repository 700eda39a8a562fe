"""What authors type in a cell, to the words of the vocabulary (docs/signals-import.md, Words).

Handles: any case, blanks, hyphens and underscores, the usual English synonyms, levels as numbers, months and
days in the forms that people and spreadsheets use. Refuses by None what is no word of the list, and never
guesses: 03/04/2026 is a day in March or in April, so it is no month.

Sources: STIX 2.1, Appendix A (confidence in words: low 15, med 50, high 85); FIRST, Traffic Light Protocol
2.0 (WHITE of version 1 is CLEAR); ILO, Indicators of Forced Labour (2012), names of the indicators.
"""

import re
from collections.abc import Mapping
from datetime import date
from enum import Enum
from typing import Final, TypeVar

from symbolon.errors import SignalError
from symbolon.signals.signal import Month
from symbolon.signals.vocabulary import Evidence, Indicator, Level, Reliability, SubjectKind, Tlp

_E = TypeVar("_E", bound=Enum)

_GAPS: Final = re.compile(r"[\W_]+")
_LISTED: Final = re.compile(r"[;,|\n\t]+")
_THOUSANDS: Final = re.compile(r"[0-9]{1,3}(?:[ ,'\u00a0\u202f][0-9]{3})+")
_WHOLE: Final = re.compile(r"([0-9]{1,12})(?:\.0{1,6})?")
_PERCENT: Final = re.compile(r"([0-9]{1,3})(?:\.0{1,6})? ?%?")
_ISO_MONTH: Final = re.compile(r"([0-9]{4})[-/.]([0-9]{1,2})")
_MONTH_YEAR: Final = re.compile(r"([0-9]{1,2})[-/.]([0-9]{4})")
_NAMED_MONTH: Final = re.compile(r"([a-z]{3,9})\.?[ -]?([0-9]{4})")
_CLOCK: Final = r"(?:[T ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,9})?)?(?:Z|[+-][0-9]{2}:?[0-9]{2})?)?"
_ISO_DAY: Final = re.compile(rf"([0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}){_CLOCK}")
_MONTH_NAMES: Final = (
    "january february march april may june july august september october november december"
).split()

_INDICATOR_SYNONYMS: Final[Mapping[str, Indicator]] = {
    "exploitation of vulnerability": Indicator.ABUSE_OF_VULNERABILITY,
    "deceptive recruitment": Indicator.DECEPTION,
    "contract substitution": Indicator.DECEPTION,
    "false promises": Indicator.DECEPTION,
    "restricted movement": Indicator.RESTRICTION_OF_MOVEMENT,
    "movement restriction": Indicator.RESTRICTION_OF_MOVEMENT,
    "movement restrictions": Indicator.RESTRICTION_OF_MOVEMENT,
    "confinement": Indicator.RESTRICTION_OF_MOVEMENT,
    "violence": Indicator.PHYSICAL_AND_SEXUAL_VIOLENCE,
    "physical violence": Indicator.PHYSICAL_AND_SEXUAL_VIOLENCE,
    "sexual violence": Indicator.PHYSICAL_AND_SEXUAL_VIOLENCE,
    "physical or sexual violence": Indicator.PHYSICAL_AND_SEXUAL_VIOLENCE,
    "intimidation": Indicator.INTIMIDATION_AND_THREATS,
    "threats": Indicator.INTIMIDATION_AND_THREATS,
    "document retention": Indicator.RETENTION_OF_IDENTITY_DOCUMENTS,
    "retention of documents": Indicator.RETENTION_OF_IDENTITY_DOCUMENTS,
    "passport retention": Indicator.RETENTION_OF_IDENTITY_DOCUMENTS,
    "retention of passports": Indicator.RETENTION_OF_IDENTITY_DOCUMENTS,
    "passport confiscation": Indicator.RETENTION_OF_IDENTITY_DOCUMENTS,
    "withheld wages": Indicator.WITHHOLDING_OF_WAGES,
    "wage withholding": Indicator.WITHHOLDING_OF_WAGES,
    "unpaid wages": Indicator.WITHHOLDING_OF_WAGES,
    "non payment of wages": Indicator.WITHHOLDING_OF_WAGES,
    "bonded labour": Indicator.DEBT_BONDAGE,
    "bonded labor": Indicator.DEBT_BONDAGE,
    "abusive conditions": Indicator.ABUSIVE_WORKING_AND_LIVING_CONDITIONS,
    "abusive working conditions": Indicator.ABUSIVE_WORKING_AND_LIVING_CONDITIONS,
    "abusive living conditions": Indicator.ABUSIVE_WORKING_AND_LIVING_CONDITIONS,
    "forced overtime": Indicator.EXCESSIVE_OVERTIME,
    "excessive hours": Indicator.EXCESSIVE_OVERTIME,
    "excessive working hours": Indicator.EXCESSIVE_OVERTIME,
    "involuntary work": Indicator.INVOLUNTARINESS,
    "involuntary labour": Indicator.INVOLUNTARINESS,
    "involuntary labor": Indicator.INVOLUNTARINESS,
    "menace of a penalty": Indicator.COERCION,
    "menace of penalty": Indicator.COERCION,
    "recruitment fee": Indicator.RECRUITMENT_FEES,
    "fees for recruitment": Indicator.RECRUITMENT_FEES,
    "child labor": Indicator.CHILD_LABOUR,
    "underage work": Indicator.CHILD_LABOUR,
    "underage workers": Indicator.CHILD_LABOUR,
    "hazardous labour": Indicator.HAZARDOUS_WORK,
    "hazardous labor": Indicator.HAZARDOUS_WORK,
    "dangerous work": Indicator.HAZARDOUS_WORK,
}
_EVIDENCE_SYNONYMS: Final[Mapping[str, Evidence]] = {
    "audit": Evidence.AUDIT_FINDING,
    "audit report": Evidence.AUDIT_FINDING,
    "interview": Evidence.WORKER_INTERVIEW,
    "interviews": Evidence.WORKER_INTERVIEW,
    "worker interviews": Evidence.WORKER_INTERVIEW,
    "complaint": Evidence.GRIEVANCE,
    "grievance mechanism": Evidence.GRIEVANCE,
    "hotline": Evidence.GRIEVANCE,
    "visit": Evidence.SITE_VISIT,
    "public register": Evidence.PUBLIC_LIST,
    "news": Evidence.MEDIA,
    "press": Evidence.MEDIA,
    "media report": Evidence.MEDIA,
    "satellite image": Evidence.SATELLITE,
    "satellite imagery": Evidence.SATELLITE,
    "remote sensing": Evidence.SATELLITE,
    "purchase records": Evidence.PURCHASE_RECORD,
    "purchasing record": Evidence.PURCHASE_RECORD,
}
_KIND_SYNONYMS: Final[Mapping[str, SubjectKind]] = {
    "facility": SubjectKind.SITE,
    "factory": SubjectKind.SITE,
    "farm": SubjectKind.SITE,
    "mill": SubjectKind.SITE,
    "mine": SubjectKind.SITE,
    "plant": SubjectKind.SITE,
    "workplace": SubjectKind.SITE,
    "organization": SubjectKind.ORGANISATION,
    "company": SubjectKind.ORGANISATION,
    "employer": SubjectKind.ORGANISATION,
    "labour broker": SubjectKind.RECRUITER,
    "labor broker": SubjectKind.RECRUITER,
    "recruitment agency": SubjectKind.RECRUITER,
    "recruiting agency": SubjectKind.RECRUITER,
    "ship": SubjectKind.VESSEL,
    "boat": SubjectKind.VESSEL,
    "fishing vessel": SubjectKind.VESSEL,
}
_LEVEL_SYNONYMS: Final[Mapping[str, Level]] = {
    "medium": Level.MODERATE,
    "very high": Level.EXTREME,
    "unknown": Level.NOT_STATED,
    "n a": Level.NOT_STATED,
}
_CONFIDENCE_WORDS: Final[Mapping[str, int]] = {
    "low": 15,
    "med": 50,
    "medium": 50,
    "moderate": 50,
    "high": 85,
}
_TRUE: Final = frozenset({"yes", "y", "1", "true", "t", "x", "ok", "on"})
_FALSE: Final = frozenset({"no", "n", "0", "false", "f", "off", "n a"})
_TICKS: Final = frozenset("✓✔☑")


def fold_words(text: str) -> str:
    """Lower case, with one blank for every run of what is neither letter nor digit."""
    return _GAPS.sub(" ", text.casefold()).strip()


def _words_of(words: type[_E], synonyms: Mapping[str, _E]) -> dict[str, _E]:
    found = {fold_words(str(each.value)): each for each in words}
    doubled = found.keys() & synonyms.keys()
    assert not doubled, doubled
    return {**found, **synonyms}


_INDICATORS: Final = _words_of(Indicator, _INDICATOR_SYNONYMS)
_MAX_WORDS: Final = max(len(each.split()) for each in _INDICATORS)
_EVIDENCE: Final = _words_of(Evidence, _EVIDENCE_SYNONYMS)
_KINDS: Final = _words_of(SubjectKind, _KIND_SYNONYMS)
_LEVELS: Final = {**{each.words: each for each in Level}, **_LEVEL_SYNONYMS}
_TLP: Final = _words_of(Tlp, {"white": Tlp.CLEAR})
_RELIABILITY: Final = {
    form: each
    for each in Reliability
    for form in (each.value.lower(), each.words, f"{each.value.lower()} {each.words}")
}


def indicator(text: str) -> Indicator | None:
    """One indicator by its name or a synonym."""
    return _INDICATORS.get(fold_words(text))


def indicators(text: str) -> frozenset[Indicator] | None:
    """All indicators of a cell, or None where some part of it is none.

    Args:
        text: names between semicolons, commas, bars or line breaks, or between blanks alone: the longest
            name that fits is taken each time, so `debt bondage isolation` are two.
    """
    found: set[Indicator] = set()
    for part in _LISTED.split(text):
        words = fold_words(part).split()
        place = 0
        while place < len(words):
            for length in range(min(_MAX_WORDS, len(words) - place), 0, -1):
                name = " ".join(words[place : place + length])
                if name in _INDICATORS:
                    found.add(_INDICATORS[name])
                    place += length
                    break
            else:
                if words[place] != "and":
                    return None
                place += 1
    return frozenset(found)


def level(text: str) -> Level | None:
    """A level by its number, 0 to 4, or its name."""
    whole = _WHOLE.fullmatch(text.strip())
    if whole is not None:
        return Level(int(whole[1])) if int(whole[1]) <= max(Level) else None
    return _LEVELS.get(fold_words(text))


def confidence(text: str) -> int | None:
    """0 to 100, with or without a percent sign, or low, medium, high as STIX turns them into numbers."""
    number = _PERCENT.fullmatch(text.strip())
    if number is not None:
        return int(number[1]) if int(number[1]) <= 100 else None
    return _CONFIDENCE_WORDS.get(fold_words(text))


def reliability(text: str) -> Reliability | None:
    """A letter, A to F, or what it stands for, or both."""
    return _RELIABILITY.get(fold_words(text))


def evidence(text: str) -> Evidence | None:
    """A kind of evidence by its name or a synonym."""
    return _EVIDENCE.get(fold_words(text))


def subject_kind(text: str) -> SubjectKind | None:
    """A kind of subject by its name or a synonym."""
    return _KINDS.get(fold_words(text))


def tlp(text: str) -> Tlp | None:
    """A mark with or without TLP before it."""
    return _TLP.get(fold_words(text).removeprefix("tlp").strip())


def truth(text: str) -> bool | None:
    """Yes or no; an empty cell is no."""
    folded = fold_words(text)
    if folded in _TRUE or text.strip() in _TICKS:
        return True
    return False if folded in _FALSE or not text.strip(" \t\n-–—") else None


def month(text: str) -> tuple[Month, bool] | None:
    """A month, and whether a day was cut off it.

    Args:
        text: 2026-03, 03/2026, March 2026, or a day as 2026-03-15, with or without a time of day.
    """
    text = text.strip()
    day = iso_day(text)
    if day is not None:
        return _month(day.year, day.month, cut=True)
    if (found := _ISO_MONTH.fullmatch(text)) is not None:
        return _month(int(found[1]), int(found[2]), cut=False)
    if (found := _MONTH_YEAR.fullmatch(text)) is not None:
        return _month(int(found[2]), int(found[1]), cut=False)
    if (found := _NAMED_MONTH.fullmatch(text.lower())) is not None:
        numbers = [number for number, name in enumerate(_MONTH_NAMES, 1) if name.startswith(found[1])]
        return _month(int(found[2]), numbers[0], cut=False) if len(numbers) == 1 else None
    return None


def _month(year: int, number: int, *, cut: bool) -> tuple[Month, bool] | None:
    try:
        return Month(year, number), cut
    except SignalError:
        return None


def iso_day(text: str) -> date | None:
    """A day as 2026-03-31, with or without a time of day, which is dropped."""
    found = _ISO_DAY.fullmatch(text.strip())
    if found is None:
        return None
    try:
        return date.fromisoformat(found[1])
    except ValueError:
        return None


def whole_number(text: str) -> int | None:
    """Digits, with or without marks between thousands or a spreadsheet's `.0`."""
    text = text.strip()
    if _THOUSANDS.fullmatch(text):
        return int(re.sub(r"[^0-9]", "", text)) if len(text) <= 15 else None
    found = _WHOLE.fullmatch(text)
    return int(found[1]) if found is not None else None


def separate_words(text: str) -> list[str]:
    """Words between semicolons, commas, bars or blanks."""
    return [word for part in _LISTED.split(text) for word in part.split()]
