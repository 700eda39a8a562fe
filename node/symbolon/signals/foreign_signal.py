"""What another system's event or report says, gathered until it is a draft.

Handles: the subject's texts, the words of tags, free texts as paragraphs of the narrative, what was dropped
and of which kind. Refuses by a fatal `RowProblem`, with what mends it: no subject or several, no indicator,
no kind of evidence or several, and all that a signal file refuses. Personal data is dropped and reported by
its kind alone. What cannot be mapped to a word of the vocabulary is reported, never guessed.
Specification: docs/signals-interchange.md, What others write.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from typing import Any, Final

from symbolon.signals.draft import MAX_REFERENCE_CHARS, Draft
from symbolon.signals.free_text import clean
from symbolon.signals.machine_tags import TagWords, only_one
from symbolon.signals.signal import MAX_NARRATIVE_CHARS, Period
from symbolon.signals.signal_file import read_signal_object
from symbolon.signals.vocabulary import Evidence, Indicator, SubjectKind, Tlp
from symbolon.suppliers.row_problem import RowProblem
from symbolon.suppliers.row_reading import MAX_CELL_CHARS

MAX_TEXT_CHARS: Final = 4 * MAX_NARRATIVE_CHARS
"""Free texts of one event before they are cleaned; what is longer can be no narrative, and is not cleaned."""

_CLEANED_TEXTS: Final = 64
"""Bound of a cache: many reports name one organisation."""

_INDICATOR_TAG: Final = f'symbolon:indicator="{Indicator.DEBT_BONDAGE}"'
_EVIDENCE_TAG: Final = f'symbolon:evidence="{Evidence.WORKER_INTERVIEW}"'


@dataclass(frozen=True, slots=True)
class Importing:
    """What an importer adds to every draft of a file.

    Attributes:
        today: by this node's clock; it decides which days are past.
        recipients: member ids that the drafts may go to; what is marked TLP:RED needs some.
    """

    today: date
    recipients: tuple[str, ...] = ()


@dataclass(slots=True)
class ForeignSignal:
    """One event or report while it is read.

    Attributes:
        row: its number in the file, from 1.
        reference: what the file calls it.
        where: where its tags are put, for remedies: "tag the event", "label the report".
        importing: what the importer adds.
        known: texts that are no news, since an export of ours wrote them.
    """

    row: int
    reference: str
    where: str
    importing: Importing
    words: TagWords = field(default_factory=TagWords)
    kind: SubjectKind | None = None
    confidence: int | None = None
    period: Period | None = None
    strictest: Tlp | None = None
    known: frozenset[str] = frozenset()
    problems: list[RowProblem] = field(default_factory=list)
    _subjects: list[dict[str, str]] = field(default_factory=list)
    _paragraphs: dict[str, None] = field(default_factory=dict)
    _chars: int = 0
    _personal: Counter[str] = field(default_factory=Counter)
    _left_out: Counter[str] = field(default_factory=Counter)

    def note(self, column: str | None, message: str, remedy: str, *, fatal: bool = False) -> None:
        """Adds a problem."""
        self.problems.append(RowProblem(self.row, column, message, remedy, fatal))

    def add_subject(self, texts: dict[str, str]) -> None:
        """Adds an organisation that it names, by the names of a subject's fields."""
        self._subjects.append(texts)

    @property
    def subjects(self) -> list[dict[str, str]]:
        """The organisations that it names."""
        return self._subjects

    @property
    def paragraphs(self) -> list[str]:
        """The free texts, cleaned, each once."""
        return list(self._paragraphs)

    @property
    def has_too_much_text(self) -> bool:
        """Whether texts were left out, since there are more than a narrative could hold."""
        return self._chars > MAX_TEXT_CHARS

    def place_subject(self, places: list[dict[str, str]]) -> None:
        """Gives the subject its place, where both are one; what it says of its own place goes first."""
        if len(places) == 1 and len(self._subjects) == 1:
            self._subjects[0] = {**places[0], **self._subjects[0]}
        elif places:
            self.note(
                "subject",
                f"it names {len(places)} places, and whose they are is not known; none was taken",
                "put the address into the organisation",
            )

    def add_text(self, text: str, name: str = "") -> None:
        """Adds a free text, with the name of the field where that says what it is."""
        if text in self.known:
            return
        self._chars += len(text)
        if self._chars > MAX_TEXT_CHARS:
            return
        text = clean(text)
        if text:
            label = " ".join(clean(name)[:64].split())
            self._paragraphs[f"{label}: {text}" if label else text] = None

    def drop_personal(self, kind: str) -> None:
        """Counts personal data that is not read; `kind` is a word of the format, never of the file."""
        self._personal[kind] += 1

    def leave_out(self, what: str, count: int = 1) -> None:
        """Counts what a signal has no place for; `what` is a word of the format, never of the file."""
        self._left_out[what] += count

    def finish(self) -> Iterator[Draft | RowProblem]:
        """Yields all problems and then, unless one is fatal, the draft."""
        content = self._content()
        for column, message, remedy in self.words.notes:
            self.note(column, message, remedy)
        self.tell_dropped()
        yield from self.problems
        if not any(each.fatal for each in self.problems):
            yield from read_signal(self.row, content, self.importing)

    def _content(self) -> dict[str, Any]:
        """In the form of a signal file; what is missing is noted."""
        words = self.words
        subject = self._subject()
        if not words.indicators:
            self.note(
                "indicators",
                "it names no indicator that is in the vocabulary",
                f"{self.where}, for example {_INDICATOR_TAG}; `symbolon signals words` lists all",
                fatal=True,
            )
        evidence = only_one(words.evidence, "evidence", self._note_fatal)
        if not words.evidence:
            self.note(
                "evidence",
                "it does not say what kind of evidence it rests on",
                f"{self.where}, for example {_EVIDENCE_TAG}, and import it again",
                fatal=True,
            )
        confidence = self.confidence
        if confidence is None:
            confidence = only_one(words.confidences, "confidence", self.note)
        reliability = only_one(words.reliabilities, "reliability", self.note)
        likelihood = only_one(words.likelihoods, "likelihood", self.note)
        levels = {
            name: only_one(found, f"severity.{name}", self.note) for name, found in words.severity.items()
        }
        period = self.period
        return {
            "subject": subject,
            "indicators": sorted(each.value for each in words.indicators),
            "evidence": evidence and evidence.value,
            "severity": {name: int(level) for name, level in levels.items() if level},
            "likelihood": int(likelihood or 0),
            "confidence": confidence,
            "reliability": reliability and reliability.value,
            "period": period and {"from": str(period.first), "to": str(period.last)},
            "narrative": "\n\n".join(self._paragraphs) or None,
            "tlp": self._tlp().value,
            "urgent": words.urgent,
            "reference": " ".join(clean(self.reference)[:MAX_REFERENCE_CHARS].split()),
        }

    def _subject(self) -> dict[str, str] | None:
        if len(self._subjects) != 1:
            message = (
                f"it names {len(self._subjects)} organisations, and a signal is about one"
                if self._subjects
                else "it names no organisation, site or vessel"
            )
            self.note("subject", message, "make one event or report for each subject", fatal=True)
            return None
        kind = only_one(self.words.kinds, "subject.kind", self._note_fatal) or self.kind
        if kind is None:
            if not self.words.kinds:
                message = (
                    "it does not say whether the subject is a site, an organisation, a recruiter or a vessel"
                )
                remedy = f'{self.where}, for example symbolon:subject="site", and import it again'
                self.note("subject.kind", message, remedy, fatal=True)
            return None
        return {"kind": kind.value, **self._subjects[0]}

    def _tlp(self) -> Tlp:
        """The strictest of all marks; where there is none, the strictest that needs no named recipient."""
        marks = [each for each in (self.words.tlp, self.strictest) if each is not None]
        if self.words.tlp is None:
            self.note(
                "tlp",
                "it has no TLP mark; amber+strict was taken",
                "ask its author how far it may be shared, and mark it",
            )
            marks.append(Tlp.AMBER_STRICT)
        return min(marks, key=lambda each: each.number)

    def _note_fatal(self, column: str, message: str, remedy: str) -> None:
        self.note(column, message, remedy, fatal=True)

    def tell_dropped(self) -> None:
        """Notes what was dropped and left out."""
        if self.has_too_much_text:
            self.note(
                "narrative",
                f"its texts have more than {MAX_TEXT_CHARS:,} characters together",
                f"shorten them; a narrative has {MAX_NARRATIVE_CHARS:,} at most",
                fatal=True,
            )
        for kind, count in sorted(self._personal.items()):
            self.note(
                kind,
                f"parts of this kind may point at a person; dropped, unread: {count:,}",
                "write roles in place of names; keep who told you in the source",
            )
        if self.words.unread:
            self.leave_out("tag", self.words.unread)
        if self._left_out:
            parts = ", ".join(_times(count, what) for what, count in sorted(self._left_out.items()))
            self.note(
                None,
                f"a signal has no place for some of it; left out: {parts}",
                "write what matters into a comment or a description",
            )


def read_signal(row: int, content: dict[str, Any], importing: Importing) -> Iterator[Draft | RowProblem]:
    """As `read_signal_object`, with what the importer adds."""
    added = {"recipients": list(importing.recipients)}
    return read_signal_object(row, {**content, **added}, importing.today)


def _times(count: int, what: str) -> str:
    return f"{count:,} {what}" if count == 1 else f"{count:,} {what}s"


def subject_texts(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """A subject's fields from pairs of name and text; the first text of a name stays."""
    found: dict[str, str] = {}
    for name, text in pairs:
        if cleaned := _cleaned(text):
            found.setdefault(name, cleaned)
    return found


@lru_cache(_CLEANED_TEXTS)
def _cleaned(text: str) -> str:
    """One line; of a text that is too long only so much as shows its reader that."""
    if len(text) > MAX_CELL_CHARS:
        return text[: MAX_CELL_CHARS + 1]
    return " ".join(clean(text).split())
