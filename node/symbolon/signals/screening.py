"""Screening of a risk signal before it leaves its author (docs/screening.md).

Handles: narratives and replies, headers of columns, and the number of workers of a subject. Suspects what
competitors may not tell each other (price, volume, cost, advice to end a contract) and what could point at a
person (name, telephone, e-mail, identity number, day of birth, online account, a group of ten or fewer).
Refuses nothing by itself: it says what is suspected and where, and whoever publishes decides by that. It is a
net with holes; docs/screening.md says which. Pure: it reads a text and nothing else.

The time is linear in the length of the text, but for a logarithm: no search repeats without a bound, and
words are looked up by bisection. Control characters, zero-width ones and overrides of direction hide nothing.
"""

from collections.abc import Iterable, Iterator
from typing import Final

from symbolon.signals.screening_business import screen_business
from symbolon.signals.screening_columns import suspicion_of_column
from symbolon.signals.screening_contacts import screen_contacts
from symbolon.signals.screening_finding import COMPETITION, PERSONAL, Finding, Suspicion, excerpt, finding
from symbolon.signals.screening_groups import FEWEST_PEOPLE, is_small, screen_groups
from symbolon.signals.screening_identity import screen_identity
from symbolon.signals.screening_labels import screen_labels
from symbolon.signals.screening_names import screen_names
from symbolon.signals.screening_text import Marks, SearchText, Suspect, fold
from symbolon.signals.screening_uncased_names import screen_uncased_names

__all__ = [
    "COMPETITION",
    "FEWEST_PEOPLE",
    "MOST_FINDINGS_OF_A_KIND",
    "PERSONAL",
    "Finding",
    "Suspicion",
    "excerpt",
    "screen_column",
    "screen_text",
    "screen_workforce",
]

MOST_FINDINGS_OF_A_KIND: Final = 50
"""Of each suspicion in one text: nobody mends more at once, and a text has 64 KiB. No kind hides another."""

_WORKERS_FIELD: Final = "workers"


def screen_column(name: str) -> Finding | None:
    """Whether a column looks as if it held what no signal may hold.

    Args:
        name: the header, in any language and spelling.
    """
    suspicion = suspicion_of_column(name)
    return None if suspicion is None else finding(suspicion, name)


def screen_text(text: str, *, field: str, country: str = "") -> tuple[Finding, ...]:
    """What of a narrative or a reply its author should look at before it leaves.

    Args:
        text: as the author wrote it.
        field: what the text is called in a finding.
        country: ISO 3166 alpha-2 of the subject, for telephone and identity numbers; empty if not known.

    Returns:
        Findings in the order in which they begin.
    """
    folded = fold(text)
    suspects = _merged(_suspects(folded, country))
    counts: dict[Suspicion, int] = {}
    findings: list[Finding] = []
    for suspect in suspects:
        counts[suspect.suspicion] = counts.get(suspect.suspicion, 0) + 1
        if counts[suspect.suspicion] <= MOST_FINDINGS_OF_A_KIND:
            findings.append(finding(suspect.suspicion, field, *folded.span(suspect.begin, suspect.end)))
    return tuple(findings)


def screen_workforce(workers: int | None) -> Finding | None:
    """Whether a subject has so few workers that anything said of them points at one.

    Args:
        workers: how many there are, or None where that is not known.
    """
    return finding(Suspicion.SMALL_WORKFORCE, _WORKERS_FIELD) if is_small(workers) else None


def _suspects(text: SearchText, country: str) -> Iterator[Suspect]:
    sentences = text.sentences()
    yield from screen_business(text, sentences)
    yield from screen_labels(text)
    yield from screen_contacts(text, sentences, country)
    yield from screen_identity(text, sentences, country)
    yield from screen_names(text, sentences)
    yield from screen_uncased_names(text)
    yield from screen_groups(text, sentences)


def _merged(suspects: Iterable[Suspect]) -> list[Suspect]:
    """Suspects in their order. Those of one kind that overlap are one; a document's number is no phone."""
    merged: list[Suspect] = []
    last: dict[Suspicion, int] = {}
    for each in sorted(suspects, key=lambda one: (one.begin, one.end, one.suspicion)):
        index = last.get(each.suspicion)
        if index is not None and each.begin < merged[index].end:
            before = merged[index]
            merged[index] = Suspect(each.suspicion, before.begin, max(before.end, each.end))
        else:
            last[each.suspicion] = len(merged)
            merged.append(each)
    numbers = Marks((each.begin, each.end) for each in merged if each.suspicion is Suspicion.IDENTITY_NUMBER)
    return [
        each
        for each in merged
        if each.suspicion is not Suspicion.PHONE or not numbers.touches(each.begin, each.end)
    ]
