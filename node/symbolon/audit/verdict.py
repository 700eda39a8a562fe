"""What checking exported audit logs came to: findings in plain words, and what was disclosed to whom.

Specification: docs/audit.md.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, Literal, get_args

Severity = Literal["broken", "missing", "note"]
"""`broken`: something was altered or contradicts something. `missing`: what should be there is not, so that
nothing can be said. `note`: worth knowing; it takes nothing from what was proven."""

Receipts = Literal["both", "one", "none"]
Outcome = Literal["complete", "ended early", "refused"]

SEVERITIES: Final = get_args(Severity)

MAX_SAME: Final = 50
"""Findings of one code that are kept of one file: a file that is wrong throughout fills no memory."""

MAX_SENTENCE_CHARS: Final = 1_000
"""Ten lines of a terminal."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was found.

    Attributes:
        severity: see `Severity`.
        code: stable, for programs.
        file: name of the file, or ''.
        entry: number of the entry in that file, or None.
        sentence: what it means, for somebody who is not a programmer.
    """

    severity: Severity
    code: str
    file: str
    entry: int | None
    sentence: str


@dataclass(frozen=True, slots=True)
class Disclosure:
    """One session: what one member let another learn.

    Attributes:
        session: its id, hexadecimal.
        asker: member id of who learned.
        owner: member id of who answered from its list.
        hour: whole hours since 1970, UTC, of its first entry.
        purpose: what for.
        mode: `size`, `intersection` or `lookup`.
        asked: keys asked by tier, dummies included.
        sent: entries that left in it, dummies included.
        policies: that permitted it, or forbade it.
        terms: what the asker has to keep, as in an obligation; '' for nothing.
        receipts: whose signatures stand under the result.
        outcome: how it ended.
        told_by: the files that tell of it.
    """

    session: str
    asker: str
    owner: str
    hour: int
    purpose: str
    mode: str
    asked: Mapping[str, int]
    sent: int
    policies: tuple[str, ...]
    terms: str
    receipts: Receipts
    outcome: Outcome
    told_by: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class NamedPolicy:
    """A policy that permitted or forbade a session in the table.

    Attributes:
        member: whose it is.
        policy_id: its `@id`.
        source: file that it stood in.
        text: in Cedar, with the comments above it.
        sessions: how many it decided.
    """

    member: str
    policy_id: str
    source: str
    text: str
    sessions: int


@dataclass(frozen=True, slots=True)
class FileSummary:
    """One file.

    Attributes:
        file: its name.
        proof: whether it shows one entry alone.
        coalition: as its header says.
        member: whose log it is.
        hour: when it was written, whole hours since 1970, UTC, as the writer says.
        recipient: whom it was written for, or ''.
        entries: how many it accounts for.
        opened: how many of them can be read.
        checkpoints: how many stand in it.
        cosigned_by: members that cosigned the newest checkpoint that anybody cosigned.
        cosigned_entries: how many entries that one covers; 0 where there is none.
        cosigned_at_s: when the latest of them did, seconds since 1970-01-01 UTC; 0 where none did.
        witnesses: how many other members there were that could have.
    """

    file: str
    proof: bool
    coalition: str
    member: str
    hour: int
    recipient: str
    entries: int
    opened: int
    checkpoints: int
    cosigned_by: tuple[str, ...]
    cosigned_entries: int
    cosigned_at_s: int
    witnesses: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """The whole.

    Attributes:
        root: fingerprint of the coalition's root that all rests on, hexadecimal.
        trusted: whether it was given. Else it was taken from the files themselves.
        files: in the order given.
        findings: in the order found.
        disclosures: by hour.
        policies: that decided these, by member and id; one that was changed stands there in each wording.
    """

    root: str
    trusted: bool
    files: tuple[FileSummary, ...]
    findings: tuple[Finding, ...]
    disclosures: tuple[Disclosure, ...]
    policies: tuple[NamedPolicy, ...] = ()

    @property
    def holds(self) -> bool:
        """Whether nothing is broken and nothing is missing."""
        return all(each.severity == "note" for each in self.findings)


class Findings:
    """Collects what is found in one file.

    Args:
        file: its name; '' for what concerns several.
    """

    def __init__(self, file: str) -> None:
        self._file = file
        self._found: list[Finding] = []
        self._counts: dict[str, int] = {}

    def add(self, severity: Severity, code: str, sentence: str, entry: int | None = None) -> None:
        """Adds a finding; the arguments as in `Finding`."""
        count = self._counts[code] = self._counts.get(code, 0) + 1
        if count <= MAX_SAME:
            # What a file says may stand in it, and is shown on a terminal.
            shown = "".join(each if each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in sentence)
            self._found.append(Finding(severity, code, self._file, entry, shown[:MAX_SENTENCE_CHARS]))

    def all(self) -> tuple[Finding, ...]:
        """What was found, and of what was found too often, how often."""
        more = tuple(
            Finding(
                "note", "more", self._file, None, f"{count - MAX_SAME} more findings are like these: {code}."
            )
            for code, count in self._counts.items()
            if count > MAX_SAME
        )
        return (*self._found, *more)


def hour_words(hour: int) -> str:
    """An hour as people read it.

    Args:
        hour: whole hours since 1970, UTC.
    """
    try:
        moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(hours=hour)
    except OverflowError:
        return f"hour {hour}"
    return f"{moment:%Y-%m-%d %H:00} UTC"
