"""A node that decides by a plain function, and tables of facts to decide about: what a choice rests on."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from typing import Any

import numpy as np

from signal_makers import TODAY
from symbolon.policy.obligations import NOTHING, Notified, Obligations
from symbolon.policy.request import PolicyRequest
from symbolon.rpc.signal_choice import Choice, choose_signals
from symbolon.signals.facts import ROW, Audience, facts_row, facts_table
from symbolon.signals.signal import Signal
from symbolon.storage.signal_clearance_store import Clearance
from symbolon.storage.signal_facts import SignalTable

PEER, OWNER, PURPOSE = "alder-co", "watch-ngo", "due-diligence"

Policy = Callable[[PolicyRequest], Obligations | None]
"""What a permit asks for, or None for a denial."""


def permit_all(_: PolicyRequest) -> Obligations:
    """Everything may leave, as it is."""
    return NOTHING


@dataclass(frozen=True)
class Answer:
    """What of a decision is looked at."""

    allowed: bool
    obligations: Obligations


@dataclass
class Deciding:
    """A node as far as it chooses; what it was asked is taken down."""

    policy_rule: Policy = permit_all
    today: date = TODAY
    agreed: bool = False
    reviewed: tuple[int, ...] = ()
    notices: dict[int, dict[Notified, date]] = field(default_factory=dict)
    asked: list[PolicyRequest] = field(default_factory=list)
    member_id: str = OWNER

    @property
    def now(self) -> datetime:
        return datetime.combine(self.today, time(12), UTC)

    @property
    def policy(self) -> "Deciding":
        return self

    @property
    def agreements(self) -> "Deciding":
        return self

    @property
    def clearances(self) -> "Deciding":
        return self

    def in_force(self, peer: str, purpose: str, day: date) -> object | None:
        """An agreement that both signed."""
        return object() if self.agreed else None

    def clearance(self, peer: str) -> Clearance:
        """What people did beforehand."""
        return Clearance(np.array(sorted(self.reviewed), np.uint64), self.notices)

    def decide_many(self, requests: Sequence[PolicyRequest], _: object) -> tuple[Any, ...]:
        """Answers, each with what gives its record."""
        self.asked += requests
        return tuple(self._answer(each) for each in requests)

    def _answer(self, request: PolicyRequest) -> tuple[Answer, Callable[[], str]]:
        obligations = self.policy_rule(request)
        answer = Answer(obligations is not None, obligations or NOTHING)
        return answer, lambda: f"record of {request.context['tlp']} {request.context['evidence']}"


def table_of(
    signals: Iterable[Signal], *, contributors: int = 1, first_issued: date | None = None
) -> SignalTable:
    """The facts of signals, numbered from 1 in their order."""
    audiences: dict[Audience, int] = {}
    rows = []
    for each in signals:
        audience = Audience(each.purposes, each.recipients)
        number = audiences.setdefault(audience, len(audiences) + 1)
        known = first_issued or each.issued
        rows.append(facts_row(each, first_issued=known, audience=number, contributors=contributors))
    return SignalTable(
        np.arange(1, len(rows) + 1, dtype=np.uint64),
        facts_table(b"".join(rows)) if rows else np.empty(0, ROW),
        {number: audience for audience, number in audiences.items()},
    )


def chosen(
    node: Deciding,
    table: SignalTable,
    *,
    bound: Obligations = NOTHING,
    told: Iterable[int] = (),
    peer: str = PEER,
    purpose: str = PURPOSE,
) -> Choice:
    """What a node chooses for a member that was given some of the signals before."""
    disclosed = np.array(sorted(told), np.uint64)
    return choose_signals(node, peer, purpose, bound, table, disclosed)  # type: ignore[arg-type]


def shapes(choice: Choice) -> dict[int, str]:
    """What leaves, by number, and what is done to each."""
    pairs = zip(choice.numbers.tolist(), choice.form.tolist(), strict=True)
    return {number: choice.shapes[form].text() for number, form in pairs}
