"""Attacks on exported logs: a narrative or a number of signals that left without a permit for it."""

from datetime import UTC, datetime
from typing import Any

import pytest

from coalition_members import ACME, BIRCH, DELTA
from exported_logs import PURPOSE, MadeUpLog, agreement, bundle, coalition, codes, repository, verdict_on
from symbolon.audit.decision_record import DecisionRecord
from symbolon.audit.document import Document
from symbolon.audit.entry import Entry, Event
from symbolon.membership.policy_facts import coalition_facts
from symbolon.policy.decision import Decider
from symbolon.policy.request import (
    MatchContext,
    PolicyRequest,
    ReleaseContext,
    match_request,
    release_request,
)

SIGNAL = "00112233445566778899aabbccddeeff"
PERMIT = '@id("open")\npermit (principal, action == Symbolon::Action::"{action}", resource);'


class Publisher(MadeUpLog):
    """The log of a company that has an agreement with `ACME`, by which narratives leave and are asked for."""

    def __init__(self, action: str = "release") -> None:
        super().__init__(DELTA)
        self.bundle = bundle(PERMIT.format(action=action))

    def record(self, request: PolicyRequest) -> str:
        moment = datetime.fromtimestamp(self.hour * 3600, UTC)
        decider = Decider(self.bundle, coalition_facts(repository().members, moment.date()))
        self.keep(Document("policy", self.bundle.document()))
        name = self.keep(agreement(ACME, DELTA)) if request.context["agreed"] else ""
        return DecisionRecord(request, decider.decide(request), coalition().sha256, name).text()

    def released(self, to: str = ACME, **changes: Any) -> str:
        """The decision to release a signal to a member."""
        fields: dict[str, Any] = {
            "purpose": PURPOSE,
            "agreed": True,
            "tlp": "amber",
            "named": False,
            "subject_kind": "site",
            "indicators": frozenset({"debt-bondage"}),
            "evidence": "worker-interview",
            "urgent": False,
            "disputed": False,
            "contributors": 1,
            "now": datetime.fromtimestamp(self.hour * 3600, UTC),
        }
        return self.record(release_request(to, self.member, ReleaseContext(**{**fields, **changes})))

    def asked(self, of: str = ACME, purpose: str = PURPOSE) -> str:
        """The decision to ask a member."""
        now = datetime.fromtimestamp(self.hour * 3600, UTC)
        context = MatchContext(
            purpose, "lookup", frozenset("A"), "X25519-ELL2-SHA512", 0, 0, 0, 0, 0, False, now
        )
        return self.record(match_request("ask", of, self.member, context))

    def found(self, event: Event, decision: str, mode: str = "") -> dict[str, set[str]]:
        """What is found in the log with one more entry, by how bad it is."""
        entry = Entry(event, ACME, SIGNAL, mode, PURPOSE, {"revision": 1}, decision=decision)
        self.tell(entry)
        verdict = verdict_on(self.export())
        return {severity: codes(verdict, severity) for severity in ("broken", "missing")}


NOTHING_FOUND: dict[str, set[str]] = {"broken": set(), "missing": set()}


def test_narrative_that_was_permitted_and_asked_for_by_own_policy_holds() -> None:
    publisher, asker = Publisher(), Publisher("ask")
    assert publisher.found("narrated", publisher.released()) == NOTHING_FOUND
    assert asker.found("interested", asker.asked(), "lookup") == NOTHING_FOUND


@pytest.mark.parametrize("event", ["narrated", "interested"])
def test_attack_narrative_without_a_decision_is_found(event: Event) -> None:
    assert "decision" in Publisher().found(event, "")["missing"]


def test_attack_narrative_against_its_own_decision_is_found() -> None:
    publisher = Publisher("ask")
    assert "decision.outcome" in publisher.found("narrated", publisher.released())["broken"]


@pytest.mark.parametrize("changes", [{"to": BIRCH}, {"purpose": "remediation"}])
def test_attack_narrative_under_a_decision_about_another_release_is_found(changes: dict[str, Any]) -> None:
    publisher = Publisher()
    assert publisher.found("narrated", publisher.released(**changes))["broken"]


def test_attack_narrative_under_the_decision_of_another_kind_is_found() -> None:
    """That this member may ask says nothing about what it may give."""
    publisher = Publisher("ask")
    assert "decision.request" in publisher.found("narrated", publisher.asked())["broken"]


def test_number_of_signals_with_its_decision_and_told_again_without_holds() -> None:
    publisher = Publisher()
    assert publisher.found("counted", publisher.released()) == NOTHING_FOUND
    assert publisher.found("counted", "") == NOTHING_FOUND


def test_attack_number_of_signals_against_its_own_decision_is_found() -> None:
    publisher = Publisher("ask")
    assert "decision.outcome" in publisher.found("counted", publisher.released())["broken"]


@pytest.mark.parametrize("changes", [{"to": BIRCH}, {"purpose": "remediation"}])
def test_attack_number_of_signals_under_a_decision_about_another_is_found(changes: dict[str, Any]) -> None:
    publisher = Publisher()
    assert publisher.found("counted", publisher.released(**changes))["broken"]


@pytest.mark.parametrize("event", ["contributed", "contested", "corroborated"])
def test_what_is_said_of_a_signal_needs_no_decision(event: Event) -> None:
    assert Publisher().found(event, "") == NOTHING_FOUND
