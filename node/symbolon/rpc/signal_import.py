"""A file of drafts beside what the store holds: what is new, what has changed, what is left out and why.

Handles: what fills fields that a draft leaves open; telling drafts apart by their references, or by what they
say; own signals that come back in an export; the changes that a draft makes to a signal that is held, and
whether they let out more than before. Whatever is left out is a `RowProblem`, and never stops the others.
Storing is one step for all that is new, and one for each that has changed: interrupted anywhere, the same
import goes on. docs/contributing-signals.md, Many at once.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any, Final

from symbolon.errors import SignalError
from symbolon.rpc.contributing import Found, Progress, Screened, contribute, revise
from symbolon.rpc.node import Node
from symbolon.signals import revisions
from symbolon.signals.draft import Draft
from symbolon.signals.draft_problems import draft_problems
from symbolon.signals.loosening import loosened
from symbolon.signals.signal import ID_BYTES, Signal
from symbolon.storage.delegation_columns import Delegation
from symbolon.storage.signal_columns import StoredSignal
from symbolon.storage.signal_intake import CONTENT_FIELDS
from symbolon.suppliers.row_problem import RowProblem

CHANGED_BY_IMPORT: Final = tuple(each for each in CONTENT_FIELDS if each != "subject")
"""Fields of a signal that a changed draft can change."""

_HEX_ID: Final = re.compile(rf"[0-9a-f]{{{2 * ID_BYTES}}}")


@dataclass(frozen=True, slots=True)
class OpenFields:
    """What drafts get that leave these fields open.

    Attributes:
        purposes, recipients, embargo, expires, review: as in `Draft`; empty or None to leave them open.
    """

    purposes: tuple[str, ...] = ()
    recipients: tuple[str, ...] = ()
    embargo: date | None = None
    expires: date | None = None
    review: date | None = None

    def fill(self, draft: Draft) -> Draft:
        """The draft with its open fields filled."""
        return replace(
            draft,
            purposes=draft.purposes or self.purposes,
            recipients=draft.recipients or self.recipients,
            embargo=draft.embargo or self.embargo,
            expires=draft.expires or self.expires,
            review=draft.review or self.review,
        )


@dataclass(frozen=True, slots=True)
class Row:
    """A draft of a file.

    Attributes:
        number: of its row; 0 where the form has none.
        draft: as the file has it.
    """

    number: int
    draft: Draft

    @property
    def name(self) -> str:
        """What to call it for a person."""
        return f"row {self.number:,}" if self.number else f"the one called {self.draft.reference[:64]}"


@dataclass(frozen=True, slots=True)
class Addition:
    """A signal that would be added; `content` is what `SignalStore.content_of` gives for the row."""

    row: Row
    screened: Screened
    content: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Alteration:
    """A signal that would be revised.

    Attributes:
        held: as it stands.
        changes: fields of `Signal`.
        looser: what it would let out more than before, in words.
    """

    row: Row
    held: StoredSignal
    screened: Screened
    changes: Mapping[str, Any]
    looser: tuple[str, ...]
    content: bytes = field(repr=False)


@dataclass(slots=True)
class Plan:
    """What an import would do.

    Attributes:
        additions, alterations: that would be made.
        unchanged: rows that say what the last import said.
        problems: of rows that are left out, and notes about others.
        unreviewed: rows left out since nobody has looked at what the screening found.
        nameless: rows without a reference: a change makes them new ones.
    """

    additions: list[Addition] = field(default_factory=list)
    alterations: list[Alteration] = field(default_factory=list)
    unchanged: list[Row] = field(default_factory=list)
    problems: list[RowProblem] = field(default_factory=list)
    unreviewed: list[tuple[Row, tuple[Found, ...]]] = field(default_factory=list)
    nameless: int = 0

    def leave_out(self, row: Row, column: str | None, message: str, remedy: str) -> None:
        """Notes why a row is left out."""
        said = message if row.number else f"{row.name}: {message}"
        self.problems.append(RowProblem(row.number, column, said, remedy, fatal=True))


def plan_import(
    node: Node,
    rows: Sequence[Row],
    *,
    fill: OpenFields,
    purposes: Sequence[str],
    others: Iterable[str],
    reviewed: bool,
    loosen: bool,
) -> Plan:
    """Holds rows against what is held.

    Args:
        node: this node.
        rows: of one file, in its order.
        fill: for fields that a row leaves open.
        purposes: all of the coalition.
        others: ids of its other members.
        reviewed: a person has looked at what the screening finds in all of them.
        loosen: changes may let out more than before.
    """
    plan = Plan(nameless=sum(not row.draft.reference for row in rows))
    today = node.now.date()
    known = _Known(frozenset(purposes), frozenset(others), today)
    compared = node.signals.compare([each.draft for each in rows])
    changed = [
        row.draft.reference
        for row, found in zip(rows, compared, strict=True)
        if found.standing == "changed" and row.draft.reference
    ]
    held = node.signals.by_reference(changed)
    for row, found in zip(rows, compared, strict=True):
        if _own_signal(node, row.draft):
            plan.leave_out(
                row,
                "reference",
                f"it is signal {row.draft.reference[:8]} of this member, which came back",
                "change it with `symbolon signals revise`",
            )
            continue
        if found.standing in _LEFT_OUT:
            plan.leave_out(row, "reference", *_LEFT_OUT[found.standing])
            continue
        if found.standing == "unchanged":
            plan.unchanged.append(row)
            continue
        content = node.signals.content_of(row.draft)
        filled = fill.fill(row.draft)
        if found.standing == "changed":
            before = held.get(row.draft.reference)
            _alter(node, plan, row, before, filled, content, known, reviewed=reviewed, loosen=loosen)
            continue
        problems = [*known.problems(row, filled), *draft_problems(filled, row.number, today)]
        screened = Screened(filled)
        if problems:
            plan.problems += problems
        elif screened.found and not reviewed:
            plan.unreviewed.append((row, screened.found))
        else:
            plan.additions.append(Addition(row, screened, content))
    return plan


def add_planned(
    node: Node, plan: Plan, progress: Progress | None = None, delegation: Delegation | None = None
) -> Sequence[tuple[int, Signal]]:
    """Adds what is new: all of it, or nothing; arguments and errors as of `contribute`."""
    return contribute(
        node,
        [each.screened for each in plan.additions],
        reviewed=True,
        contents=[each.content for each in plan.additions],
        delegation=delegation,
        progress=progress,
    )


def alter_planned(node: Node, plan: Plan) -> Iterator[StoredSignal]:
    """Revises what has changed, one by one; errors as of `revise`."""
    for each in plan.alterations:
        held = revise(node, each.held, reviewed=True, content=each.content, **each.changes)
        source = each.screened.draft.source
        if source and source != node.signals.source(held.number):
            node.signals.set_source(held.number, source)
        yield held


_LEFT_OUT: Final[Mapping[str, tuple[str, str]]] = {
    "recalled": (
        "the signal that it was was recalled",
        "give it another reference if it is to be a new one",
    ),
    "expired": ("the signal that it was has expired", "give it another reference if it is to be a new one"),
    "repeated": ("the file has it twice", "keep the one that is right"),
}


def _own_signal(node: Node, draft: Draft) -> bool:
    """Whether a draft is one of our own signals, out of an export: its reference is the signal's id."""
    if not _HEX_ID.fullmatch(draft.reference):
        return False
    try:
        node.signals.get(draft.reference)
    except SignalError as error:
        return error.full_code == "signal.expired"
    return True


def _alter(
    node: Node,
    plan: Plan,
    row: Row,
    held: StoredSignal | None,
    filled: Draft,
    content: bytes,
    known: "_Known",
    *,
    reviewed: bool,
    loosen: bool,
) -> None:
    """Plans the revision of the signal that a changed row was, or notes why there is none."""
    if held is None or held.signal.subject != row.draft.subject:
        plan.leave_out(
            row,
            "subject",
            "it is about another subject than before",
            "recall the signal as wrong-subject, and give the row another reference",
        )
        return
    # What the row leaves open stays as it is; it is filled for new signals alone.
    changes = _changes(held.signal, row.draft)
    problems = list(known.problems(row, filled))
    if problems:
        plan.problems += problems
        return
    try:
        new = revisions.revise(held.signal, node.now.date(), **changes) if changes else held.signal
    except SignalError as error:
        plan.leave_out(row, None, error.detail, error.hint or "correct the row")
        return
    screened = Screened(row.draft)
    looser = loosened(held.signal, new)
    if screened.found and not reviewed:
        plan.unreviewed.append((row, screened.found))
    elif looser and not loosen:
        plan.leave_out(
            row,
            None,
            f"it would let out more of {held.signal.hex_id[:8]} than before: {'; '.join(looser)}",
            "add --yes if that is meant",
        )
    elif not changes:
        plan.unchanged.append(row)
    else:
        plan.alterations.append(Alteration(row, held, screened, changes, looser, content))


def _changes(signal: Signal, draft: Draft) -> dict[str, Any]:
    changes = {}
    for name in CHANGED_BY_IMPORT:
        value = getattr(draft, name)
        is_open = value in ((), None) and name in ("purposes", "recipients", "embargo", "expires", "review")
        if not is_open and value != getattr(signal, name):
            changes[name] = value
    return changes


@dataclass(frozen=True, slots=True)
class _Known:
    """What words the coalition knows."""

    purposes: frozenset[str]
    others: frozenset[str]
    today: date

    def problems(self, row: Row, draft: Draft) -> Iterator[RowProblem]:
        """Words that nobody knows: with them the signal would go to nobody, or nobody means it."""
        if not draft.purposes:
            known = ", ".join(sorted(self.purposes))
            yield self._problem(
                row, "purposes", "nothing says what it may be used for", f"name one of: {known}"
            )
        for each in sorted(set(draft.purposes) - self.purposes):
            known = ", ".join(sorted(self.purposes))
            yield self._problem(
                row, "purposes", f"{each} is no purpose of the coalition", f"use one of: {known}"
            )
        for each in sorted(set(draft.recipients) - self.others):
            yield self._problem(
                row,
                "recipients",
                f"{each} is no other member of the coalition",
                "`symbolon coalition members` lists them",
            )

    def _problem(self, row: Row, column: str, message: str, remedy: str) -> RowProblem:
        said = message if row.number else f"{row.name}: {message}"
        return RowProblem(row.number, column, said, remedy, fatal=True)
