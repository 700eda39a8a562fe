"""What decides whether a signal may leave, in a fixed width: policies and sets look at this, never at texts.

Handles: cutting a revision down to its facts, and facts as rows of one numpy table, of which equal ones are
decided once. Refuses bytes that are not whole rows, and a number that stands for no word: a row of zeros must
not read as one that may go to everybody. Specification: docs/signals.md, Who sees what.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from typing import Final, TypeVar

import numpy as np
import numpy.typing as npt

from symbolon.errors import SignalError
from symbolon.policy.obligations import NOTHING
from symbolon.signals.bundle import chunks_needed
from symbolon.signals.released import release
from symbolon.signals.signal import FIRST_DAY, Signal
from symbolon.signals.vocabulary import DisputeState, Evidence, Indicator, State, SubjectKind, Tlp

_T = TypeVar("_T")

ROW: Final = np.dtype(
    [
        ("revision", "<u2"),
        ("first_issued", "<u2"),
        ("issued", "<u2"),
        ("expires", "<u2"),
        ("embargo", "<u2"),
        ("indicators", "<u2"),
        ("audience", "<u4"),
        ("tlp", "u1"),
        ("evidence", "u1"),
        ("state", "u1"),
        ("dispute", "u1"),
        ("subject_kind", "u1"),
        ("urgent", "u1"),
        ("contributors", "u1"),
        ("shown_as", "u1"),
        ("chunks", "u1"),
    ]
)
"""Days since 2020-01-01; embargo 0 for none, and for that first day, which holds nothing back either; words
by their numbers; `audience` numbers an `Audience`; contributors up to 255.

`chunks` is how many its label takes when nothing of it is withheld.
"""

ROW_BYTES: Final = ROW.itemsize


@dataclass(frozen=True, slots=True)
class Audience:
    """Whom the contributor lets a signal go to, and what for; many signals share one."""

    purposes: tuple[str, ...]
    recipients: tuple[str, ...]

    def admits(self, member: str, purpose: str) -> bool:
        """Whether it may go to a member for a purpose, as far as the contributor is asked."""
        return purpose in self.purposes and (not self.recipients or member in self.recipients)


def facts_row(
    signal: Signal, *, first_issued: date, audience: int, contributors: int = 1, shown_as: int = 0
) -> bytes:
    """The facts of a revision, `ROW_BYTES` bytes.

    Args:
        signal: the newest revision.
        first_issued: day of its first revision.
        audience: number of its `Audience`.
        contributors: independent members that said the same, it included; 255 at most.
        shown_as: number of `ShownAs`.
    """
    row = np.zeros(1, ROW)
    values = {
        "revision": signal.revision,
        "first_issued": day_number(first_issued),
        "issued": day_number(signal.issued),
        "expires": day_number(signal.expires),
        "embargo": 0 if signal.embargo is None else day_number(signal.embargo),
        "indicators": sum(1 << each.bit for each in signal.indicators),
        "audience": audience,
        "tlp": signal.tlp.number,
        "evidence": 0 if signal.evidence is None else signal.evidence.number,
        "state": signal.state.number,
        "dispute": signal.dispute.state.number,
        "subject_kind": signal.subject.kind.number,
        "urgent": int(signal.urgent),
        "contributors": min(contributors, 255),
        "shown_as": shown_as,
        "chunks": chunks_needed(release(signal, NOTHING)),
    }
    for name, value in values.items():
        row[name] = value
    return row.tobytes()


def facts_table(rows: bytes) -> npt.NDArray[np.void]:
    """Rows as a structured array `[signals]` of `ROW`.

    Raises:
        SignalError: `signal.facts`, the last row is torn.
    """
    if len(rows) % ROW_BYTES:
        raise SignalError("the facts of signals are torn", code="signal.facts")
    return np.frombuffer(rows, ROW)


def day_number(day: date) -> int:
    """Days since 2020-01-01."""
    return (day - FIRST_DAY).days


def numbered_day(number: int) -> date:
    """What `day_number` numbers."""
    return FIRST_DAY + timedelta(days=int(number))


@dataclass(frozen=True, slots=True)
class Facts:
    """One row in words, as policies ask for it."""

    tlp: Tlp
    state: State
    evidence: Evidence | None
    subject_kind: SubjectKind
    indicators: frozenset[Indicator]
    dispute: DisputeState
    urgent: bool
    first_issued: date
    issued: date
    expires: date
    embargo: date | None
    contributors: int
    audience: int

    @classmethod
    def of(cls, row: np.void) -> "Facts":
        """Reads one row of a facts table.

        Raises:
            SignalError: `signal.facts`, a number of it stands for no word.
        """
        # Many signals are alike in all of them, and every lookup asks for the same ones.
        return _facts(row.tobytes())


@lru_cache(8192)
def _facts(content: bytes) -> Facts:
    row = np.frombuffer(content, ROW)[0]
    evidence, embargo = int(row["evidence"]), int(row["embargo"])
    return Facts(
        tlp=_word(list(Tlp), int(row["tlp"]) - 1),
        state=_word(list(State), int(row["state"]) - 1),
        evidence=_word(list(Evidence), evidence - 1) if evidence else None,
        subject_kind=_word(list(SubjectKind), int(row["subject_kind"]) - 1),
        indicators=frozenset(each for each in Indicator if int(row["indicators"]) >> each.bit & 1),
        dispute=_word(list(DisputeState), int(row["dispute"])),
        urgent=bool(row["urgent"]),
        first_issued=numbered_day(row["first_issued"]),
        issued=numbered_day(row["issued"]),
        expires=numbered_day(row["expires"]),
        embargo=numbered_day(embargo) if embargo else None,
        contributors=int(row["contributors"]),
        audience=int(row["audience"]),
    )


def _word(words: list[_T], position: int) -> _T:
    if not 0 <= position < len(words):
        raise SignalError("the facts of a signal hold a number that stands for no word", code="signal.facts")
    return words[position]
