"""Machine tags: the words that MISP events and STIX objects carry as tags and labels, both ways.

Handles: tags of the released form of a signal; what the tags of an event or the labels of an object say in
the words of the vocabulary: `symbolon:…`, `tlp:…`, `admiralty-scale:…`, `estimative-language:…`,
`misp:confidence-level=…`, and a bare name of an indicator. Refuses to guess: a word that is not in the
vocabulary, and two words where only one can hold, are noted and not used. A note never quotes a tag.

Sources: MISP taxonomies tlp, admiralty-scale, estimative-language (ICD 203) and misp; STIX 2.1, Appendix A,
for the credibility of an information as a number. Specification: docs/signals-interchange.md, Tags.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, TypeVar

from symbolon.signals import author_words
from symbolon.signals.released import ReleasedSignal
from symbolon.signals.vocabulary import (
    DisputeState,
    Evidence,
    Indicator,
    Level,
    Reliability,
    SubjectKind,
    Tlp,
)

MAX_TAGS: Final = 500
"""Of one event or object; an export has thirty."""

MAX_TAG_CHARS: Final = 255
"""What MISP keeps of a tag."""

OVER_TAGS: Final = {"recalled": 'symbolon:state="recalled"', "expired": 'symbolon:state="expired"'}
"""Of a signal that no longer stands."""

_MACHINE_TAG: Final = re.compile(r'([a-z0-9_-]{1,64}):([a-z0-9_-]{1,64})(?:="([^"]{0,190})")?', re.IGNORECASE)
_PLAIN_TLP: Final = re.compile(r"tlp:([a-z+:]{1,12})", re.IGNORECASE)
_LIKELIHOODS: Final[Mapping[str, Level]] = {
    "almost-no-chance": Level.LOW,
    "very-unlikely": Level.LOW,
    "unlikely": Level.LOW,
    "roughly-even-chance": Level.MODERATE,
    "likely": Level.HIGH,
    "very-likely": Level.EXTREME,
    "almost-certain": Level.EXTREME,
}
_ESTIMATES: Final[Mapping[Level, str]] = {
    Level.LOW: "unlikely",
    Level.MODERATE: "roughly-even-chance",
    Level.HIGH: "likely",
    Level.EXTREME: "very-likely",
}
_CREDIBILITIES: Final[Mapping[str, int | None]] = {"1": 90, "2": 70, "3": 50, "4": 30, "5": 10, "6": None}
_CONFIDENCES: Final[Mapping[str, int | None]] = {
    "completely-confident": 100,
    "usually-confident": 75,
    "fairly-confident": 50,
    "rarely-confident": 25,
    "unconfident": 0,
    "confidence-cannot-be-evalued": None,
}
_SEVERITIES: Final = ("scale", "scope", "irremediability")
_T = TypeVar("_T")


@dataclass(slots=True)
class TagWords:
    """What tags say.

    Attributes:
        tlps: all marks; the strictest binds.
        over: the signal no longer stands.
        notes: field, what is wrong, what mends it.
        unread: how many tags say nothing that a signal has a place for.
    """

    indicators: set[Indicator] = field(default_factory=set)
    evidence: set[Evidence] = field(default_factory=set)
    kinds: set[SubjectKind] = field(default_factory=set)
    tlps: set[Tlp] = field(default_factory=set)
    reliabilities: set[Reliability] = field(default_factory=set)
    likelihoods: set[Level] = field(default_factory=set)
    confidences: set[int] = field(default_factory=set)
    severity: dict[str, set[Level]] = field(default_factory=dict)
    urgent: bool = False
    over: bool = False
    notes: list[tuple[str, str, str]] = field(default_factory=list)
    unread: int = 0

    @property
    def tlp(self) -> Tlp | None:
        """The strictest mark."""
        return min(self.tlps, key=lambda each: each.number, default=None)


def export_tags(released: ReleasedSignal) -> list[str]:
    """The tags of a signal that stands, its TLP mark among them, in a fixed order."""
    tags = [f"tlp:{released.tlp.value}"]
    tags += [_own("indicator", each.value) for each in Indicator if each in released.indicators]
    if released.evidence is not None:
        tags.append(_own("evidence", released.evidence.value))
    if released.subject_kind is not None:
        tags.append(_own("subject", released.subject_kind.value))
    for name in _SEVERITIES:
        level: Level = getattr(released.severity, name)
        if level:
            tags.append(_own(f"severity-{name}", level.words))
    if released.likelihood:
        tags.append(f'estimative-language:likelihood-probability="{_ESTIMATES[released.likelihood]}"')
    if released.reliability is not None:
        tags.append(f'admiralty-scale:source-reliability="{released.reliability.value.lower()}"')
    if released.dispute.state is not DisputeState.NONE:
        tags.append(_own("dispute", released.dispute.state.value))
    if released.urgent:
        tags.append(_own("urgent", "yes"))
    if released.no_onward:
        tags.append(_own("no-onward", "yes"))
    return tags


def all_export_tags() -> tuple[str, ...]:
    """Every tag that `export_tags` can give."""
    return _ALL_TAGS


def _own(predicate: str, word: str) -> str:
    return f'symbolon:{predicate}="{word}"'


def _every_tag() -> Iterator[str]:
    yield from (f"tlp:{each.value}" for each in Tlp)
    yield from (_own("indicator", each.value) for each in Indicator)
    yield from (_own("evidence", each.value) for each in Evidence)
    yield from (_own("subject", each.value) for each in SubjectKind)
    for name in _SEVERITIES:
        yield from (_own(f"severity-{name}", each.words) for each in Level if each)
    yield from (f'estimative-language:likelihood-probability="{each}"' for each in _ESTIMATES.values())
    yield from (f'admiralty-scale:source-reliability="{each.value.lower()}"' for each in Reliability)
    yield from (_own("dispute", each.value) for each in DisputeState if each is not DisputeState.NONE)
    yield _own("urgent", "yes")
    yield _own("no-onward", "yes")


_ALL_TAGS: Final = tuple(_every_tag())


def read_tags(tags: Iterable[str]) -> TagWords:
    """Reads the tags of an event or the labels of an object.

    Args:
        tags: from anywhere.
    """
    found = TagWords()
    for number, tag in enumerate(tags):
        if number == MAX_TAGS:
            found.notes.append(
                ("tags", f"it has more than {MAX_TAGS} tags; the rest was not read", "remove some")
            )
            break
        if len(tag) > MAX_TAG_CHARS or not _read_tag(found, tag.strip()):
            found.unread += 1
    return found


def _read_tag(found: TagWords, tag: str) -> bool:
    plain = _PLAIN_TLP.fullmatch(tag)
    if plain is not None:
        return _put(found, "tlp", found.tlps, author_words.tlp(plain[1]))
    parts = _MACHINE_TAG.fullmatch(tag)
    if parts is None:
        word = author_words.indicator(tag)
        if word is not None:
            found.indicators.add(word)
        return word is not None
    name, value = f"{parts[1]}:{parts[2]}".lower(), (parts[3] or "").strip()
    if name == "admiralty-scale:source-reliability":
        return _put(found, "reliability", found.reliabilities, author_words.reliability(value))
    if name == "admiralty-scale:information-credibility":
        return _put_number(found, _CREDIBILITIES, value)
    if name == "misp:confidence-level":
        return _put_number(found, _CONFIDENCES, value.lower())
    if name == "estimative-language:likelihood-probability":
        return _put(found, "likelihood", found.likelihoods, _LIKELIHOODS.get(value.lower()))
    return name.startswith("symbolon:") and _read_own(found, parts[2].lower(), value)


def _read_own(found: TagWords, predicate: str, value: str) -> bool:
    if predicate == "indicator":
        return _put(found, "indicators", found.indicators, author_words.indicator(value))
    if predicate == "evidence":
        return _put(found, "evidence", found.evidence, author_words.evidence(value))
    if predicate == "subject":
        return _put(found, "subject.kind", found.kinds, author_words.subject_kind(value))
    if predicate == "likelihood":
        return _put(found, "likelihood", found.likelihoods, author_words.level(value))
    if predicate == "reliability":
        return _put(found, "reliability", found.reliabilities, author_words.reliability(value))
    if predicate == "confidence":
        return _put(found, "confidence", found.confidences, author_words.confidence(value))
    if predicate.startswith("severity-") and predicate.removeprefix("severity-") in _SEVERITIES:
        name = predicate.removeprefix("severity-")
        return _put(
            found, f"severity.{name}", found.severity.setdefault(name, set()), author_words.level(value)
        )
    if predicate == "state":
        found.over = value.lower() != "active"
        return True
    if predicate == "urgent":
        found.urgent = author_words.truth(value) is True
        return True
    return predicate in ("dispute", "no-onward")


def _put(found: TagWords, name: str, words: set[_T], word: _T | None) -> bool:
    if word is None:
        note = (
            name,
            f"a tag for {name} has a word that is not in the vocabulary",
            "`symbolon signals words` lists them",
        )
        found.notes.append(note)
        return True
    words.add(word)
    return True


def _put_number(found: TagWords, numbers: Mapping[str, int | None], value: str) -> bool:
    if value not in numbers:
        return _put(found, "confidence", found.confidences, None)
    number = numbers[value]
    if number is not None:
        found.confidences.add(number)
    return True


def only_one(words: set[_T], name: str, note: Callable[[str, str, str], None]) -> _T | None:
    """The one word of a field; of two, none is taken.

    Args:
        words: that tags gave.
        name: of the field.
        note: is told of two.
    """
    if len(words) > 1:
        note(name, f"its tags give {len(words)} words for {name}, and one can hold", "leave one tag")
        return None
    return next(iter(words), None)
