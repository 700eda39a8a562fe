"""Which of this member's signals may leave for one member and purpose, and in which form.

Handles: the contributor's own wishes (recipients, purposes, embargo), then policy, decided once for all
signals that are alike to it, then the obligations of the permits. A recalled signal leaves as the news that
it was recalled, under the permit of the lookup alone, to everybody who was given it before and to nobody
else, who would learn by it that there was something. Refuses nothing; what may not leave is absent.
docs/signals.md, Who sees what.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from hashlib import sha256
from typing import Final

import numpy as np
import numpy.typing as npt

from symbolon.exchange.id_sets import among
from symbolon.membership.agreement import SignedAgreement
from symbolon.policy.enforcement import Item, prepare_set
from symbolon.policy.obligations import Notified, Obligations, Redact, strictest
from symbolon.policy.request import ReleaseContext, release_request
from symbolon.rpc.node import Node
from symbolon.signals.facts import Facts, day_number
from symbolon.signals.vocabulary import DisputeState, State
from symbolon.storage.signal_clearance_store import Clearance
from symbolon.storage.signal_facts import SignalTable

Numbers = npt.NDArray[np.uint64]

FORM_BYTES: Final = 16

_DECIDED_BY: Final = (
    "tlp",
    "subject_kind",
    "indicators",
    "evidence",
    "urgent",
    "dispute",
    "contributors",
    "audience",
)
"""What of the facts a policy can ask for; signals that are alike in it are decided together."""

_OBLIGED_BY: Final = ("first_issued", "contributors")
"""What of the facts obligations ask for."""

_RECALLED: Final = Obligations(redact=Redact(frozenset({"subject_kind"})))
"""What a recalled signal says no more: the permit that might have hidden it is not asked about the recall."""

_NOBODY: Final[Mapping[Notified, date]] = {}


@dataclass(frozen=True, slots=True)
class Choice:
    """The signals that leave, by ascending number.

    Attributes:
        numbers: uint64 `[n]`.
        rows: `[n]` of `facts.ROW`.
        form: int64 `[n]`: index into `shapes`.
        shapes: obligations that give a signal its form, distinct.
        at_once: bool `[n]`: told without waiting for the daily batch.
        permit: int64 `[n]`: index into `permits`; -1 of a recalled one.
        permits: the decisions that let them leave; each gives its record for the audit log.
        standing: uint64: all that stand now, whoever may have them: not recalled, no embargo.
    """

    numbers: Numbers
    rows: npt.NDArray[np.void]
    form: npt.NDArray[np.int64]
    shapes: tuple[Obligations, ...]
    at_once: npt.NDArray[np.bool_]
    permit: npt.NDArray[np.int64]
    permits: tuple[Callable[[], str], ...]
    standing: Numbers


def form_digest(shape: Obligations) -> bytes:
    """What names a form: 16 bytes of the SHA-256 of the obligations that make it."""
    return sha256(b"symbolon-signal-form-1\0" + shape.text().encode()).digest()[:FORM_BYTES]


def choose_signals(
    node: Node,
    peer: str,
    purpose: str,
    obligations: Obligations,
    table: SignalTable,
    disclosed: Numbers,
    *,
    counted: bool = False,
) -> Choice:
    """Decides about every signal.

    Args:
        node: this node.
        peer: who would get them.
        purpose: of the lookup.
        obligations: of the permit of the lookup itself; they bind beside those of each release.
        table: the facts of all signals.
        disclosed: numbers of those that the peer was given before, ascending.
        counted: choose those as well that a permit lets the peer count and not see.
    """
    today = node.now.date()
    rows, numbers = table.rows, table.numbers
    recalled = rows["state"] == State.RECALLED.number
    open_now = rows["embargo"] <= day_number(today)
    admitted = _admitted(table, peer, purpose)
    told = among(numbers, disclosed, is_sorted=True)
    here = np.flatnonzero(np.where(recalled, told, open_now & admitted))
    agreement = node.agreements.in_force(peer, purpose, today)
    decided = _decide(node, peer, purpose, obligations, table, here, agreement, counted)
    leaves = decided.shape >= 0
    here = here[leaves]
    return Choice(
        numbers[here],
        rows[here],
        decided.shape[leaves],
        decided.shapes,
        (rows["urgent"][here] != 0) | recalled[here],
        decided.permit[leaves],
        decided.permits,
        numbers[open_now & ~recalled],
    )


@dataclass(frozen=True, slots=True)
class _Decided:
    """What was decided of the signals that are looked at; a shape of -1 keeps one back."""

    shape: npt.NDArray[np.int64]
    shapes: tuple[Obligations, ...]
    permit: npt.NDArray[np.int64]
    permits: tuple[Callable[[], str], ...]


def _admitted(table: SignalTable, peer: str, purpose: str) -> npt.NDArray[np.bool_]:
    """Whether the contributor lets each signal go to the peer for the purpose."""
    admits = [number for number, each in table.audiences.items() if each.admits(peer, purpose)]
    return np.isin(table.rows["audience"], np.array(admits, table.rows["audience"].dtype))


def _decide(
    node: Node,
    peer: str,
    purpose: str,
    obligations: Obligations,
    table: SignalTable,
    here: npt.NDArray[np.intp],
    agreement: SignedAgreement | None,
    counted: bool,
) -> _Decided:
    rows = table.rows[here]
    recalled = np.flatnonzero(rows["state"] == State.RECALLED.number)
    standing = np.flatnonzero(rows["state"] != State.RECALLED.number)
    alike, which = _groups(rows[standing], _DECIDED_BY)
    agreed = agreement is not None
    facts = [Facts.of(rows[standing[each]]) for each in alike]
    now = node.now
    contexts = [_context(each, table, peer, purpose, agreed, now) for each in facts]
    # Two groups may be one to a policy: their audiences differ, and both name the peer, or neither.
    numbered = {context: number for number, context in enumerate(dict.fromkeys(contexts))}
    requests = [release_request(peer, node.member_id, each) for each in numbered]
    answers = node.policy.decide_many(requests, agreement)
    shape, permit = np.full(len(here), -1, np.int64), np.full(len(here), -1, np.int64)
    shapes: dict[Obligations, int] = {}
    if len(recalled):
        shape[recalled] = shapes.setdefault(_shape(strictest(obligations, _RECALLED)), 0)
    # Few decisions differ in what they oblige to: what is bound alike is judged together.
    bounds: dict[Obligations, int] = {}
    permit_of = np.array([numbered[each] for each in contexts], np.int64)
    bound_of_permit = np.full(len(answers), -1, np.int64)
    for number, (decision, _) in enumerate(answers):
        if decision.allowed:
            bind = strictest(obligations, decision.obligations)
            bound_of_permit[number] = bounds.setdefault(bind, len(bounds))
    bound_of = bound_of_permit[permit_of]
    clearance: Clearance | None = None
    for bound, number in bounds.items():
        members = np.flatnonzero(bound_of[which] == number)
        if clearance is None and (bound.human_review or bound.notify):
            clearance = node.clearances.clearance(peer)
        at = standing[members]
        kept = _kept(rows[at], table.numbers[here[at]], bound, peer, node.now.date(), clearance, counted)
        shape[at[kept]] = shapes.setdefault(_shape(bound), len(shapes))
        permit[at[kept]] = permit_of[which[members[kept]]]
    return _Decided(shape, tuple(shapes), permit, tuple(record for _, record in answers))


def _groups(
    rows: npt.NDArray[np.void], names: Iterable[str], *more: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """The first of each group of rows that are alike in some fields and columns, and each row's group."""
    # Fields side by side in words of 64 bits: sorting costs by the word.
    words, free = list(more), 0
    for name in names:
        bits = 8 * rows.dtype[name].itemsize
        if free < bits:
            words.append(np.zeros(len(rows), np.int64))
            free = 64
        words[-1] = words[-1] << bits | rows[name].astype(np.int64)
        free -= bits
    # Stable, so that the first of a group is the first of all that are alike.
    order = np.lexsort(words)
    begins = np.ones(len(order), np.bool_)
    begins[1:] = np.logical_or.reduce([each[order[1:]] != each[order[:-1]] for each in words])
    which = np.empty(len(order), np.intp)
    which[order] = np.cumsum(begins) - 1
    return order[begins], which


def _context(
    facts: Facts, table: SignalTable, peer: str, purpose: str, agreed: bool, now: datetime
) -> ReleaseContext:
    return ReleaseContext(
        purpose=purpose,
        agreed=agreed,
        tlp=facts.tlp.value,
        named=peer in table.audiences[facts.audience].recipients,
        subject_kind=facts.subject_kind.value,
        indicators=frozenset(each.value for each in facts.indicators),
        evidence="" if facts.evidence is None else facts.evidence.value,
        urgent=facts.urgent,
        disputed=facts.dispute is DisputeState.OPEN,
        contributors=facts.contributors,
        now=now,
    )


def _kept(
    rows: npt.NDArray[np.void],
    numbers: Numbers,
    obligations: Obligations,
    peer: str,
    today: date,
    clearance: Clearance | None,
    counted: bool,
) -> npt.NDArray[np.bool_]:
    """Which of some signals the obligations let leave; those that are alike to them are judged together.

    Args:
        rows: `[n]` of `facts.ROW`.
        numbers: uint64 `[n]`, ascending.
        obligations: of their permit.
        peer: who would get them.
        today: by this node's clock.
        clearance: what people did beforehand; None where no obligation asks for it.
        counted: keep those too that only count.
    """
    approved = np.zeros(len(rows), np.bool_)
    told, notices = np.zeros(len(rows), np.int64), [_NOBODY]
    if clearance is not None:
        approved = among(numbers, clearance.reviewed, is_sorted=True)
        told, notices = _told(numbers, clearance)
    first, which = _groups(rows, _OBLIGED_BY, approved.astype(np.int64), told)
    items = []
    for number, each in enumerate(first.tolist()):
        facts = Facts.of(rows[each])
        reviewed_for = frozenset({peer}) if approved[each] else frozenset[str]()
        about = facts.contributors, reviewed_for, notices[told[each]]
        items.append(Item(str(number), facts.first_issued, None, {}, *about))
    prepared = prepare_set(items, obligations, receiver=peer, today=today)
    leaves = np.zeros(len(items), np.bool_)
    leaves[[int(each.item_id) for each in prepared.released]] = True
    if counted:
        leaves[[int(each) for each in prepared.counted]] = True
    kept: npt.NDArray[np.bool_] = leaves[which]
    return kept


def _told(
    numbers: Numbers, clearance: Clearance
) -> tuple[npt.NDArray[np.int64], list[Mapping[Notified, date]]]:
    """Who was told of each signal, as an index into what was told of any of them; the first: nobody."""
    told = np.zeros(len(numbers), np.int64)
    distinct: dict[tuple[tuple[Notified, date], ...], int] = {(): 0}
    for number, notices in clearance.notices.items():
        place = int(np.searchsorted(numbers, np.uint64(number)))
        if place < len(numbers) and numbers[place] == number:
            told[place] = distinct.setdefault(tuple(sorted(notices.items())), len(distinct))
    return told, [dict(each) for each in distinct]


def _shape(obligations: Obligations) -> Obligations:
    """What of the obligations shows in the form of a signal."""
    return Obligations(
        redact=obligations.redact,
        coarsen=obligations.coarsen,
        no_onward=obligations.no_onward,
        retain=obligations.retain,
    )
