"""What a lookup brought, judged against what is held of the same peer: what to believe, what to forget.

Handles: everything that own keys opened in one session, of one peer and purpose. Of each signal the newest
revision that its publisher signed is believed, under whichever keys it stood; what is not found any more is
forgotten. A recall stands above every revision and for good: whatever came after it was signed by somebody
who had taken it back. So it makes no difference in which order entries, or sessions, come. Ids are the peer's
own: what another peer says of the same id is another signal, since either could be the one that copied it.

Refuses, and counts without a word of the content: what is not signed by the peer or not as an encoder writes
it, a revision lower than one that was seen, another content under the same number, a revision that leaves out
what the supplier said, whatever comes after a recall, what has expired, what would stand for longer than
five years, what was kept as long as its terms allow. Nothing that a peer sends raises an error.
Specification: docs/signals.md, Taking in.
"""

import contextlib
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum
from itertools import chain
from typing import Final

from symbolon.errors import SignalError
from symbolon.signals.bundle import is_whole, label_id, read_bundle, signed_part
from symbolon.signals.one_statement import one_statement, strictness
from symbolon.signals.released import ReleasedSignal
from symbolon.signals.signal import LONGEST_DAYS, NO_DISPUTE
from symbolon.signals.signature_checks import Verify, which_hold
from symbolon.signals.supplier_link import Hit, SupplierLink, supplier_links
from symbolon.signals.vocabulary import RecallReason, State
from symbolon.suppliers.tier import Tier

MAX_JUDGED: Final = 100_000
"""Labels of one session whose signature is looked at, 0.2 ms each: what is known already is not among them.
The next session goes on with the rest."""

MAX_HELD: Final = 250_000
"""Signals of one peer that are remembered at a time, those included of which nothing is left: a quarter of
the largest set of the design's benchmarks, should all of it be about own suppliers. Beyond it what is held
changes and goes as ever, and nothing new comes in."""

_DAY_S: Final = 86400


@dataclass(frozen=True, slots=True)
class Found:
    """A label that an own key led to.

    Attributes:
        chunks: from `bundle.group_chunks`.
        suppliers: own suppliers that have the key.
        tier: of the key.
        scheme: of the key.
        key_id: see `KeyTable.key_ids`.
    """

    chunks: tuple[bytes, ...] = field(repr=False)
    suppliers: Collection[int]
    tier: str
    scheme: str
    key_id: int


class HeldState(StrEnum):
    """How a signal that was ever taken in stands here."""

    ACTIVE = "active"
    RECALLED = "recalled"
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class HeldSignal:
    """What is held of a signal of this peer.

    Attributes:
        revision: the highest one taken in; of a recalled one that of its recall.
        state: gone: nothing is left but this.
        expires: the latest day that any of its revisions named.
        age_s: seconds since its first receipt.
        shown: whether a label of it is held for the purpose of the session.
        here: keys of a tier that is asked now led to it before.
        chunks: that label; may be left out of a signal of which nothing was found.
        others: its labels as held for other purposes; may be left out where nothing else was found than
            what is held.
    """

    revision: int
    state: HeldState
    expires: date
    age_s: int
    shown: bool = False
    here: bool = False
    chunks: tuple[bytes, ...] = field(default=(), repr=False)
    others: tuple[tuple[bytes, ...], ...] = field(default=(), repr=False)


class Refusal(StrEnum):
    """Why a label is not believed."""

    MALFORMED = "malformed"
    FORGED = "forged"
    LOWER = "lower-revision"
    CONTRADICTORY = "contradictory"
    SUPPLIER_SIDE = "supplier-side-left-out"
    RECALL_UNDONE = "recall-undone"
    EXPIRED = "expired"
    RETENTION_OVER = "retention-over"
    TOO_LONG = "too-long"
    TOO_MANY = "too-many"

    @property
    def words(self) -> str:
        """As a person reads it."""
        return _REFUSED[self]


_REFUSED: Final = {
    Refusal.MALFORMED: "cannot be read",
    Refusal.FORGED: "not signed by the publisher",
    Refusal.LOWER: "older than what was seen before",
    Refusal.CONTRADICTORY: "tells different things under one number",
    Refusal.SUPPLIER_SIDE: "leaves out what the supplier said",
    Refusal.RECALL_UNDONE: "recalled before",
    Refusal.EXPIRED: "expired",
    Refusal.RETENTION_OVER: "kept as long as its terms allow",
    Refusal.TOO_LONG: "would stand for more than five years",
    Refusal.TOO_MANY: "more than are taken in at a time",
}


class Change(StrEnum):
    """What happened to a signal that is taken in."""

    ADDED = "added"
    REVISED = "revised"
    RETURNED = "returned"
    """It stood before, was gone for a while, and is what it was."""
    RESHAPED = "reshaped"
    """The same revision under other terms, or with more or less of it withheld."""


@dataclass(frozen=True, slots=True)
class Taken:
    """A label to believe from now on.

    Attributes:
        signal: what it says.
        chunks: the label.
        change: since what was held.
        disputed: the supplier's contest is new, or stands otherwise than before.
        replied: the supplier's answer is new, or another one.
    """

    signal: ReleasedSignal
    chunks: tuple[bytes, ...] = field(repr=False)
    change: Change
    disputed: bool = False
    replied: bool = False


@dataclass(frozen=True, slots=True)
class Recall:
    """A signal that was taken back; nothing else may be kept of it.

    Attributes:
        revision: that took it back.
        reason: why.
        issued: day of the recall.
        until: the day until which it is remembered, the latest that any revision named.
    """

    revision: int
    reason: RecallReason
    issued: date
    until: date


@dataclass(frozen=True, slots=True)
class Intake:
    """What a session comes to; by signal id.

    Attributes:
        taken: labels to believe from now on.
        recalls: signals that were recalled and were not known to be.
        stands: the own keys that led to each signal of which something stands, taken now or held before.
        labels: what is held from now on of each of them.
        kept: signals of which what is held stays, links included: because nothing about them has changed, or
            though other labels were found.
        vanished: held for this purpose, and found no more.
        over: signals that were recalled, or whose time is over: nothing that came of them may be kept.
        refused: labels not believed, by reason; one that stood under several keys counts once.
    """

    taken: Mapping[bytes, Taken]
    recalls: Mapping[bytes, Recall]
    stands: Mapping[bytes, frozenset[Hit]]
    labels: Mapping[bytes, tuple[bytes, ...]] = field(repr=False)
    kept: frozenset[bytes]
    vanished: frozenset[bytes]
    over: frozenset[bytes]
    refused: Mapping[Refusal, int]

    def ids(self, change: Change) -> frozenset[bytes]:
        """Signals that a change happened to."""
        return frozenset(each for each, taken in self.taken.items() if taken.change is change)

    @property
    def disputed(self) -> frozenset[bytes]:
        """Signals that are contested since, or whose contest stands otherwise."""
        return frozenset(each for each, taken in self.taken.items() if taken.disputed)

    @property
    def replied(self) -> frozenset[bytes]:
        """Signals that their supplier has answered since."""
        return frozenset(each for each, taken in self.taken.items() if taken.replied)

    @property
    def unchanged(self) -> frozenset[bytes]:
        """Signals that stand as they did."""
        return frozenset(self.stands.keys() - self.taken.keys()) | self.kept

    def links(self, signal_id: bytes) -> tuple[SupplierLink, ...]:
        """The own suppliers that a signal is about, by the keys of this session."""
        return supplier_links(self.stands.get(signal_id, ()))

    def counts(self) -> dict[str, int]:
        """How many signals went which way; `disputed` and `replied` are among the others."""
        return {
            **{str(each): len(self.ids(each)) for each in Change},
            "disputed": len(self.disputed),
            "replied": len(self.replied),
            "recalled": len(self.recalls),
            "vanished": len(self.vanished),
            "unchanged": len(self.unchanged),
            "refused": sum(self.refused.values()),
        }


def take_in(
    found: Iterable[Found],
    held: Mapping[bytes, HeldSignal],
    *,
    verify: Verify,
    today: date,
    same: frozenset[bytes] = frozenset(),
    remembered: int | None = None,
) -> Intake:
    """Judges what a session brought.

    Args:
        found: every label that stands now under own keys, in any order and as often as it was found; those
            of signals that are the `same` may be left out.
        held: by signal id, what is held of the same peer, but for those; what nothing was found of now or
            before may be left out.
        verify: of the peer's signatures.
        today: by this node's clock.
        same: signals held of which nothing has changed: what own keys lead to is the label that is held,
            under the same keys of the same suppliers, and its time is not over.
        remembered: how many signals of the peer are, in all; by default those that are given.
    """
    hits: dict[tuple[bytes, ...], set[Hit]] = {}
    tiers = {each.value: each for each in Tier}
    for each in found:
        if each.suppliers:
            under, tier = hits.setdefault(each.chunks, set()), tiers[each.tier]
            for number in each.suppliers:
                under.add(Hit(number, tier, each.scheme, each.key_id))
    remembered = len(held) + len(same) if remembered is None else remembered
    judge = _Judge(held, same, MAX_HELD - remembered, verify, today)
    judge.sort_out(hits)
    judge.read()
    return judge.conclude(hits)


@dataclass(frozen=True, slots=True)
class _Label:
    """A label whose signature holds, now or when it was taken in."""

    signal: ReleasedSignal
    chunks: tuple[bytes, ...]


class _Judge:
    """Collects what is signed, then decides signal by signal."""

    def __init__(
        self,
        held: Mapping[bytes, HeldSignal],
        same: frozenset[bytes],
        room: int,
        verify: Verify,
        today: date,
    ) -> None:
        self._held = held
        self._same = same
        self._room = room
        self._verify = verify
        self._today = today
        # Nobody's day is more than one ahead of this node's.
        self._latest = today + timedelta(days=LONGEST_DAYS + 1)
        self._labels: dict[bytes, list[_Label]] = {}
        self._known: dict[bytes, tuple[bytes, ...]] = {}
        self._to_read: list[tuple[bytes, ...]] = []
        self._new = 0
        self._unjudged: set[bytes] = set()
        self._refused: Counter[Refusal] = Counter()
        self._taken: dict[bytes, Taken] = {}
        self._recalls: dict[bytes, Recall] = {}
        self._stands: dict[bytes, list[tuple[bytes, ...]]] = {}
        self._kept: set[bytes] = set()
        self._over: set[bytes] = set()

    def sort_out(self, labels: Iterable[tuple[bytes, ...]]) -> None:
        """Looks which of some distinct labels are known, and which of the others are to be read."""
        others = []
        for chunks in labels:
            claimed = claimed_id(chunks)
            if chunks and chunks == self._shown(claimed):
                self._known[claimed] = chunks
            else:
                others.append((claimed not in self._held, chunks))
        # What is held comes first: a flood of labels must not hide that one of them was recalled.
        others.sort()
        self._to_read = [chunks for _, chunks in others[:MAX_JUDGED]]
        left = others[MAX_JUDGED:]
        self._refused[Refusal.TOO_MANY] += len(left)
        self._unjudged.update(claimed_id(chunks) for _, chunks in left)

    def read(self) -> None:
        """Reads those that are not, where they are signed."""
        whole = [each for each in self._to_read if is_whole(each)]
        self._refused[Refusal.MALFORMED] += len(self._to_read) - len(whole)
        signed = which_hold([signed_part(each) for each in whole], self._verify)
        for chunks, holds in zip(whole, signed, strict=True):
            if not holds:
                self._refused[Refusal.FORGED] += 1
                continue
            try:
                signal = read_bundle(chunks)
            except SignalError:
                self._refused[Refusal.MALFORMED] += 1
            else:
                self._labels.setdefault(signal.signal_id, []).append(_Label(signal, chunks))

    def conclude(self, hits: Mapping[tuple[bytes, ...], set[Hit]]) -> Intake:
        """Decides about every signal."""
        decide = set(self._labels)
        for signal_id, chunks in self._known.items():
            if signal_id not in decide and self._today < self._held[signal_id].expires:
                self._stands[signal_id] = [chunks]
            else:
                decide.add(signal_id)
        for signal_id in sorted(decide):
            known, labels = self._known.get(signal_id), self._labels.get(signal_id, [])
            old = None if known is None else _read_held(known)
            if known is not None and old is not None:
                labels = [*labels, _Label(old, known)]
            if labels:
                self._decide(signal_id, labels)
        for each in self._unjudged:
            held = self._held.get(each)
            if held is not None and held.shown and each not in self._stands and each not in self._recalls:
                self._kept.add(each)
        stays = self._stands.keys() | self._kept | self._recalls.keys()
        vanished = (
            each
            for each, held in self._held.items()
            if held.shown and each not in stays and (held.here or each in self._over)
        )
        taken = self._taken
        return Intake(
            taken,
            self._recalls,
            {
                each: frozenset(chain.from_iterable(map(hits.__getitem__, some)))
                for each, some in self._stands.items()
            },
            {each: taken[each].chunks if each in taken else self._shown(each) for each in self._stands},
            self._same | self._kept,
            frozenset(vanished),
            frozenset(self._over | self._recalls.keys()),
            {reason: count for reason, count in self._refused.items() if count},
        )

    def _shown(self, signal_id: bytes) -> tuple[bytes, ...]:
        """The label that is held for the purpose; empty where none is."""
        held = self._held.get(signal_id)
        return held.chunks if held is not None and held.shown else ()

    def _decide(self, signal_id: bytes, labels: list[_Label]) -> None:
        """Decides about one signal, of which there is at least one label."""
        held = self._held.get(signal_id)
        recalls = [each for each in labels if each.signal.state is State.RECALLED]
        if held is None and self._new >= self._room:
            self._refused[Refusal.TOO_MANY] += len(labels)
        elif held is not None and held.state is HeldState.RECALLED:
            self._refused[Refusal.RECALL_UNDONE] += len(labels) - len(recalls)
            self._over.add(signal_id)
        elif recalls:
            self._recall(signal_id, recalls, labels)
        else:
            self._revise(signal_id, labels)

    def _recall(self, signal_id: bytes, recalls: list[_Label], labels: list[_Label]) -> None:
        held = self._held.get(signal_id)
        last = min(recalls, key=lambda each: (-each.signal.revision, each.chunks)).signal
        # Entries of before may still stand under other keys; those of after undo the recall.
        self._refused[Refusal.RECALL_UNDONE] += sum(
            each.signal.state is State.ACTIVE and each.signal.revision >= last.revision for each in labels
        )
        # A recall is believed whatever day it names; what is left of the signal does not stand for ever.
        until = min(max(each.signal.expires for each in labels), self._latest)
        if held is not None:
            until = max(until, held.expires)
        if self._today >= until:
            self._refused[Refusal.EXPIRED] += len(recalls)
            self._over.add(signal_id)
            return
        reason = last.recall_reason or RecallReason.WITHDRAWN
        self._recalls[signal_id] = Recall(last.revision, reason, last.issued, until)
        self._new += held is None

    def _revise(self, signal_id: bytes, labels: list[_Label]) -> None:
        held, shown = self._held.get(signal_id), self._shown(signal_id)
        newest = max(each.signal.revision for each in labels)
        everything = [each.chunks for each in labels]
        if held is not None and newest < held.revision:
            self._refused[Refusal.LOWER] += sum(each != shown for each in everything)
            if shown:
                self._stands[signal_id] = everything
            return
        top = [each for each in labels if each.signal.revision == newest]
        best = min(top, key=lambda each: (strictness(each.signal), each.chunks))
        old = _read_held(shown)
        others = () if held is None else map(_read_held, held.others)
        refusal = self._refusal(best.signal, [each.signal for each in top], [old, *others], held)
        if refusal is None:
            self._stands[signal_id] = everything
            if best.chunks != shown:
                self._taken[signal_id] = _taken(best, old, held)
                self._new += held is None
            return
        self._refused[refusal] += sum(each.chunks != shown for each in top)
        if refusal in (Refusal.EXPIRED, Refusal.RETENTION_OVER):
            self._over.add(signal_id)
        elif shown:
            self._kept.add(signal_id)

    def _refusal(
        self,
        new: ReleasedSignal,
        top: Sequence[ReleasedSignal],
        before: Iterable[ReleasedSignal | None],
        held: HeldSignal | None,
    ) -> Refusal | None:
        """Why labels of the highest revision, `new` the strictest, are not to be believed."""
        known = [each for each in before if each is not None]
        if not one_statement([*top, *(each for each in known if each.revision == new.revision)]):
            return Refusal.CONTRADICTORY
        if self._today >= new.expires:
            return Refusal.EXPIRED
        if new.expires > self._latest:
            return Refusal.TOO_LONG
        if any(each.revision < new.revision and _leaves_out(each, new) for each in known):
            return Refusal.SUPPLIER_SIDE
        age_s = 0 if held is None else held.age_s
        if new.retain_days is not None and age_s >= new.retain_days * _DAY_S:
            return Refusal.RETENTION_OVER
        return None


def _taken(label: _Label, old: ReleasedSignal | None, held: HeldSignal | None) -> Taken:
    """What is new about a label since what was held for the same purpose."""
    new = label.signal
    if old is not None:
        change = Change.REVISED if new.revision > old.revision else Change.RESHAPED
        disputed = new.dispute not in (old.dispute, NO_DISPUTE)
        replied = new.reply is not None and new.reply != old.reply
        return Taken(new, label.chunks, change, disputed, replied)
    if held is None or held.state is HeldState.ACTIVE:
        return Taken(new, label.chunks, Change.ADDED)
    change = Change.REVISED if new.revision > held.revision else Change.RETURNED
    return Taken(new, label.chunks, change)


def _leaves_out(old: ReleasedSignal, new: ReleasedSignal) -> bool:
    """Whether a revision leaves out a contest or an answer; see `revisions.check_follows`."""
    return (old.reply is not None and new.reply is None) or (
        old.dispute != NO_DISPUTE and new.dispute == NO_DISPUTE
    )


def claimed_id(chunks: tuple[bytes, ...]) -> bytes:
    """The id that a label names, whether that is true or not; torn where the label is."""
    return label_id(chunks[0]) if chunks else b""


def _read_held(chunks: tuple[bytes, ...]) -> ReleasedSignal | None:
    """A label whose signature held when it was taken in.

    None for no label, and for one that another release wrote and this one does not read.
    """
    if not chunks:
        return None
    with contextlib.suppress(SignalError):
        return read_bundle(chunks)
    return None
