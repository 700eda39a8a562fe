"""Who will be able to see what of one signal, by the policies, members and agreements that are in force now.

Handles: for every other member of the coalition and every purpose of the signal, whether it may look signals
up by a key that finds this one, whether this one is released to it, in which form, and from which day; or why
not. Nothing is decided here: the question of the lookup is put to the node's policies, and `signal_choice`,
which makes the sets, chooses on the day that is asked about. Nothing is sent, and no entry is written. What
is said of a later day holds as long as nothing changes. Specification: docs/contributing-signals.md, Who sees
what.
"""

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from itertools import product
from typing import Final

import numpy as np

from symbolon.audit.decision_record import parse_record
from symbolon.membership.member_record import Members
from symbolon.oprf.suite import DEFAULT_SUITE, SUITE_NAMES
from symbolon.policy.decision import Decision
from symbolon.policy.obligations import Notified, Obligations, strictest
from symbolon.policy.request import MatchContext, PolicyRequest, match_request
from symbolon.rpc.node import Node
from symbolon.rpc.signal_choice import Choice, choose_signals
from symbolon.signals.facts import Audience, facts_row, facts_table, numbered_day
from symbolon.signals.signal import Signal
from symbolon.signals.vocabulary import State
from symbolon.storage.signal_columns import StoredSignal
from symbolon.storage.signal_facts import Numbers, SignalTable
from symbolon.suppliers.match_keys import match_keys
from symbolon.suppliers.tier import Tier

_UNSTORED: Final = 0
"""Stands for the number of a signal that has none yet; no signal has it."""


class Barrier(StrEnum):
    """Why a member is not shown a signal; the word of a barrier is stable, its sentence is the caller's."""

    STANDING = "standing"
    NO_KEY = "no-key"
    RECIPIENTS = "recipients"
    NO_PERMIT = "no-permit"
    FORBIDDEN = "forbidden"
    UNDECIDED = "undecided"
    NEVER_GIVEN = "never-given"
    COUNT_ONLY = "count-only"
    HUMAN_REVIEW = "human-review"
    CORROBORATION = "corroboration"
    NOTICE = "notice"
    TOO_LATE = "too-late"
    UNMET = "unmet"


@dataclass(frozen=True, slots=True)
class View:
    """What a member is shown.

    Attributes:
        purposes: for which it may look the signal up; ascending.
        tiers: of the match keys by which it can find it.
        shape: what is left out or widened, and what binds the receiver.
        since: the first day on which it leaves; today where it may leave now.
    """

    purposes: tuple[str, ...]
    tiers: tuple[str, ...]
    shape: Obligations
    since: date


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a member is not shown a signal for some purposes.

    Attributes:
        barrier: what stands in the way.
        purposes: ascending; empty where it is so for all.
        words: policies that forbid it, their advice, a standing, a number; '' where the barrier says all.
    """

    barrier: Barrier
    purposes: tuple[str, ...] = ()
    words: str = ""


@dataclass(frozen=True, slots=True)
class Seen:
    """One other member.

    Attributes:
        member: its id.
        kind: `company`, `ngo`, `coordinator` or `auditor`.
        views: empty where it is shown nothing.
        reasons: why not, for those purposes for which it is not shown.
    """

    member: str
    kind: str
    views: tuple[View, ...]
    reasons: tuple[Reason, ...]


def audience_of(node: Node, signal: Signal) -> tuple[Seen, ...]:
    """Who would see what of a signal that is not stored yet, by their ids.

    Raises:
        MembershipError: this node belongs to no coalition, or its copy of the members has run out.
        PolicyError: no policies are in force.
    """
    row = facts_table(facts_row(signal, first_issued=signal.issued, audience=1))
    audience = Audience(signal.purposes, signal.recipients)
    table = SignalTable(np.array([_UNSTORED], np.uint64), row, {1: audience})
    return _Asking(node, signal, table, lambda _: np.empty(0, np.uint64)).all()


def audience_of_stored(node: Node, held: StoredSignal) -> tuple[Seen, ...]:
    """The same of a signal that is stored; errors as there."""
    table = facts_of(node, [held.number])
    return _Asking(node, held.signal, table, node.disclosures.numbers).all()


def facts_of(node: Node, numbers: Sequence[int]) -> SignalTable:
    """What decides about some signals, out of what decides about all."""
    table = node.signals.facts(node.now.date())
    here = np.isin(table.numbers, np.array(numbers, np.uint64))
    return SignalTable(table.numbers[here], table.rows[here], table.audiences)


def released_now(node: Node, numbers: Sequence[int]) -> dict[str, int]:
    """How many of some signals each other member in good standing could be given today, by its id.

    Raises:
        MembershipError, PolicyError: as `audience_of`.
    """
    table, members, now = facts_of(node, numbers), node.directory.current(), node.now
    purposes = sorted({each for audience in table.audiences.values() for each in audience.purposes})
    others = [
        each.member_id
        for each in members.members
        if each.member_id != node.member_id and members.standing(each.member_id, now.date()) == "good"
    ]
    lookups = _Lookups(node, others, purposes, tuple(Tier), now)
    counts: dict[str, int] = {}
    for member in others:
        leaves: set[int] = set()
        for purpose in purposes:
            for obligations in lookups.permitted(member, purpose):
                disclosed = node.disclosures.numbers(member)
                chosen = choose_signals(node, member, purpose, obligations, table, disclosed)
                leaves.update(chosen.numbers.tolist())
        counts[member] = len(leaves)
    return counts


class _Lookups:
    """What the policies say to lookups that nobody made, all at one hour."""

    def __init__(
        self,
        node: Node,
        members: Sequence[str],
        purposes: Sequence[str],
        tiers: Sequence[Tier],
        now: datetime,
    ) -> None:
        day = now.astimezone(UTC).date()
        self._keys = list(product(members, purposes, tiers, SUITE_NAMES))
        agreed = {
            (member, purpose): node.agreements.in_force(member, purpose, day) is not None
            for member, purpose in product(members, purposes)
        }
        asked = [
            _lookup(node.member_id, member, purpose, tier, suite, agreed[member, purpose], now)
            for member, purpose, tier, suite in self._keys
        ]
        self._decisions: dict[tuple[str, str], list[tuple[Tier, str, Decision]]] = {}
        for (member, purpose, tier, suite), decision in zip(
            self._keys, node.policy.try_out(asked), strict=True
        ):
            self._decisions.setdefault((member, purpose), []).append((tier, suite, decision))

    def permitted(self, member: str, purpose: str) -> Mapping[Obligations, tuple[str, ...]]:
        """The obligations under which it may look up, each with the tiers for which they hold."""
        found: dict[Obligations, list[str]] = {}
        for tier, _, decision in self._decisions.get((member, purpose), ()):
            if decision.allowed:
                tiers = found.setdefault(decision.obligations, [])
                if tier.value not in tiers:
                    tiers.append(tier.value)
        return {obligations: tuple(tiers) for obligations, tiers in found.items()}

    def refusal(self, member: str, purpose: str) -> Decision:
        """The decision about the default suite and the strongest tier, where none is permitted."""
        decisions = self._decisions[member, purpose]
        usual = [decision for _, suite, decision in decisions if suite == DEFAULT_SUITE]
        # One that was forbidden says more than one that nothing permits.
        return next((each for each in usual if each.policies or each.errors), usual[0])


def _lookup(
    owner: str, member: str, purpose: str, tier: Tier, suite: str, agreed: bool, now: datetime
) -> PolicyRequest:
    context = MatchContext(purpose, "lookup", frozenset(tier.value), suite, 0, 0, 0, 0, 0, agreed, now)
    return match_request("answer", member, owner, context)


@dataclass(frozen=True, slots=True)
class _Way:
    """One way in which a member may look a signal up."""

    member: str
    purpose: str
    obligations: Obligations
    tiers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Waits:
    """What obligations wait for.

    Attributes:
        until: day on which all have passed that only time has to meet.
        barriers: what people have to do, or what no day meets.
    """

    until: date
    barriers: tuple[tuple[Barrier, str], ...]


class _Asking:
    """Asks about one signal, day by day: deciders are made for one day at a time."""

    def __init__(
        self, node: Node, signal: Signal, table: SignalTable, disclosed: Callable[[str], Numbers]
    ) -> None:
        self._node, self._signal, self._table, self._disclosed = node, signal, table, disclosed
        self._today = node.now.date()
        self._recalled = signal.state is State.RECALLED
        self._purposes = signal.purposes
        self._views: dict[str, dict[tuple[Obligations, date], dict[str, set[str]]]] = {}
        self._reasons: dict[str, dict[tuple[Barrier, str], set[str]]] = {}

    def all(self) -> tuple[Seen, ...]:
        """Every other member."""
        members = self._node.directory.current()
        if self._recalled:
            # Whoever was given it learns of the recall, whatever it may ask for now.
            self._purposes = members.purposes
        others = [each for each in members.members if each.member_id != self._node.member_id]
        good = [each.member_id for each in others if self._stands(members, each.member_id)]
        if self._signal.is_expired(self._today):
            for member in good:
                self._bar(member, Barrier.TOO_LATE, "")
        else:
            self._ask(good)
        return tuple(
            Seen(each.member_id, each.kind.value, self._views_of(each.member_id), self._why(each.member_id))
            for each in others
        )

    def _stands(self, members: Members, member: str) -> bool:
        standing = members.standing(member, self._today)
        if standing != "good":
            self._bar(member, Barrier.STANDING, "", standing)
        return standing == "good"

    def _ask(self, members: Sequence[str]) -> None:
        signal = self._signal
        tiers = sorted({each.tier for each in match_keys(signal.subject.record)})
        named = [each for each in members if self._is_named(each)]
        for member in set(members) - set(named):
            self._bar(member, Barrier.NEVER_GIVEN if self._recalled else Barrier.RECIPIENTS, "")
        if not tiers:
            for member in named:
                self._bar(member, Barrier.NO_KEY, "")
            return
        first = self._today if self._recalled else max(self._today, signal.embargo or self._today)
        if first >= signal.expires:
            for member in named:
                self._bar(member, Barrier.TOO_LATE, "")
            return
        node = self._on(first)
        lookups = _Lookups(node, named, self._purposes, tiers, node.now)
        later: dict[date, list[_Way]] = {}
        for member, purpose in product(named, self._purposes):
            permitted = lookups.permitted(member, purpose)
            if not permitted:
                self._refused(member, purpose, lookups.refusal(member, purpose))
            for obligations, by_tiers in permitted.items():
                way = _Way(member, purpose, obligations, by_tiers)
                waits = self._choose(node, way, first)
                if waits is not None:
                    later.setdefault(waits, []).append(way)
        for day in sorted(later):
            node = self._on(day)
            for way in later[day]:
                self._choose(node, way, day, again=True)

    def _is_named(self, member: str) -> bool:
        """Whether the contributor lets it go to a member: of a recall, whether it was given the signal."""
        if self._recalled:
            return bool(np.isin(self._table.numbers, self._disclosed(member)).any())
        return not self._signal.recipients or member in self._signal.recipients

    def _choose(self, node: Node, way: _Way, day: date, *, again: bool = False) -> date | None:
        """Lets the choice be made on a day; the day on which it has to be made once more, if any."""
        disclosed = self._disclosed(way.member)
        choice = choose_signals(node, way.member, way.purpose, way.obligations, self._table, disclosed)
        if len(choice.numbers):
            shape = choice.shapes[int(choice.form[0])]
            found = self._views.setdefault(way.member, {}).setdefault((shape, day), {})
            found.setdefault(way.purpose, set()).update(way.tiers)
            return None
        decision = _decision(choice)
        if decision is None:
            self._bar(way.member, Barrier.RECIPIENTS, way.purpose)
            return None
        if not decision.allowed:
            self._refused(way.member, way.purpose, decision)
            return None
        bound = strictest(way.obligations, decision.obligations)
        waits = self._waits(way.member, bound)
        if not waits.barriers and waits.until > day and not again:
            if waits.until < self._signal.expires:
                return waits.until
            self._bar(way.member, Barrier.TOO_LATE, way.purpose)
            return None
        for barrier, words in waits.barriers or ((Barrier.UNMET, ""),):
            self._bar(way.member, barrier, way.purpose, words)
        return None

    def _waits(self, member: str, bound: Obligations) -> _Waits:
        """What the obligations wait for: acts of people, or days alone."""
        until = self._today
        if bound.delay is not None:
            first_issued = numbered_day(self._table.rows["first_issued"][0])
            until = max(until, first_issued + timedelta(days=bound.delay.days))
        barriers = []
        if bound.count_only:
            barriers.append((Barrier.COUNT_ONLY, ""))
        reviewed, notices = self._clearance(member) if bound.human_review or bound.notify else (False, {})
        if bound.human_review and not reviewed:
            barriers.append((Barrier.HUMAN_REVIEW, ""))
        corroboration, voices = bound.min_corroboration, int(self._table.rows["contributors"][0])
        if corroboration is not None and voices < corroboration.contributors:
            barriers.append((Barrier.CORROBORATION, str(corroboration.contributors)))
        untold = [each.who.value for each in bound.notify if each.who not in notices]
        if untold:
            barriers.append((Barrier.NOTICE, ", ".join(untold)))
        for each in bound.notify:
            if each.who in notices:
                until = max(until, notices[each.who] + timedelta(days=each.days))
        return _Waits(until, tuple(barriers))

    def _clearance(self, member: str) -> tuple[bool, Mapping[Notified, date]]:
        """Whether a person approved the signal for a member, and who was told of it on which day."""
        clearance = self._node.clearances.clearance(member)
        number = int(self._table.numbers[0])
        return number in clearance.reviewed.tolist(), clearance.notices.get(number, {})

    def _on(self, day: date) -> Node:
        """This node as if it were that day; of today, itself."""
        if day == self._today:
            return self._node
        moment = datetime.combine(day, time(12), UTC).timestamp()
        then = copy.copy(self._node)
        then.clock = lambda: moment
        return then

    def _refused(self, member: str, purpose: str, decision: Decision) -> None:
        if decision.errors:
            self._bar(member, Barrier.UNDECIDED, purpose, "; ".join(decision.errors))
        elif decision.policies:
            words = ", ".join(decision.policies)
            self._bar(
                member,
                Barrier.FORBIDDEN,
                purpose,
                f"{words}: {decision.advice}" if decision.advice else words,
            )
        else:
            self._bar(member, Barrier.NO_PERMIT, purpose)

    def _bar(self, member: str, barrier: Barrier, purpose: str, words: str = "") -> None:
        self._reasons.setdefault(member, {}).setdefault((barrier, words), set()).add(purpose)

    def _views_of(self, member: str) -> tuple[View, ...]:
        merged: dict[tuple[Obligations, date, tuple[str, ...]], list[str]] = {}
        for (shape, since), by_purpose in self._views.get(member, {}).items():
            for purpose, tiers in by_purpose.items():
                merged.setdefault((shape, since, tuple(sorted(tiers))), []).append(purpose)
        views = [
            View(tuple(sorted(purposes)), tiers, shape, since)
            for (shape, since, tiers), purposes in merged.items()
        ]
        return tuple(sorted(views, key=lambda each: (each.since, each.purposes, each.shape.text())))

    def _why(self, member: str) -> tuple[Reason, ...]:
        seen = {purpose for each in self._views_of(member) for purpose in each.purposes}
        reasons = []
        for (barrier, words), purposes in self._reasons.get(member, {}).items():
            # A purpose that one way is barred for may be open by another.
            if left := purposes - seen:
                about = tuple(sorted(left - {""}))
                every = set(about) == set(self._purposes)
                reasons.append(Reason(barrier, () if every else about, words))
        order = list(Barrier)
        return tuple(sorted(reasons, key=lambda each: (order.index(each.barrier), each.words)))


def _decision(choice: Choice) -> Decision | None:
    """What policy said to the one signal of a choice; None where it was not asked."""
    return parse_record(choice.permits[0]()).decision if choice.permits else None
