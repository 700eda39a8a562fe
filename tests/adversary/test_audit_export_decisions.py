"""Attacks on the decisions in exported logs: what a member decided otherwise than its policies did shows."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from coalition_members import ACME, BIRCH, COALITION, DELTA, TODAY
from exported_logs import (
    HOUR,
    PERMIT,
    PURPOSE,
    MadeUpLog,
    Session,
    agreement,
    bundle,
    coalition,
    codes,
    find,
    hold,
    rebuild,
    repository,
    signed_agreement,
    two_logs,
    verdict_on,
)
from symbolon.audit.decision_record import DecisionRecord, parse_record
from symbolon.audit.document import Document
from symbolon.audit.entry import Entry
from symbolon.membership.agreement import make_agreement
from symbolon.membership.policy_facts import coalition_facts
from symbolon.policy.decision import Decider, Decision
from symbolon.policy.obligations import NOTHING
from symbolon.policy.request import PlainContext, PolicyRequest


def with_decision(log: MadeUpLog, change: Callable[[DecisionRecord], DecisionRecord], event: str) -> bytes:
    """The log written anew, with the decision of the first entry of an event changed."""
    values = log.told[find(log, event)].values
    values["decision"] = change(parse_record(values["decision"])).text()
    rebuild(log)
    return log.export()


def decided(record: DecisionRecord, **changes: object) -> DecisionRecord:
    return replace(record, decision=replace(record.decision, **changes))


@pytest.mark.parametrize(
    "changes",
    [
        {"policies": ("our-permit", "allow-table-1")},
        {"obligations": NOTHING},
        {"refusal": "agreement"},
        {"errors": ("a policy failed",)},
    ],
    ids=lambda each: next(iter(each)),
)
def test_decision_that_its_policies_do_not_give_is_found(changes: dict[str, object]) -> None:
    _, owner = two_logs(1)
    file = with_decision(owner, lambda record: decided(record, **changes), "answered")
    assert "decision.again" in codes(verdict_on(file))


def test_permission_that_the_policies_refuse_is_found() -> None:
    asker, owner = MadeUpLog(ACME), MadeUpLog(DELTA)
    # Two companies without an agreement: the shipped policies forbid it.
    hold(asker, owner, Session(agreed=False))
    refused = parse_record(owner.told[0].values["decision"]).decision
    assert not refused.allowed
    assert "decision.outcome" in codes(verdict_on(owner.export()))

    def permitted(record: DecisionRecord) -> DecisionRecord:
        own: Decision = replace(refused, allowed=True, policies=("our-permit",), refusal="", advice="")
        return replace(record, decision=own)

    assert "decision.again" in codes(verdict_on(with_decision(owner, permitted, "answered")))


def with_context(record: DecisionRecord, **changes: object) -> DecisionRecord:
    context = {**record.request.context, **changes}
    return replace(record, request=replace(record.request, context=context))


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"purpose": "remediation"}, "decision.context"),
        ({"mode": "size"}, "decision.context"),
        ({"suite": "ristretto255-SHA512"}, "decision.context"),
        ({"tiers": ("A", "B")}, "decision.context"),
        ({"keys": 64}, "decision.context"),
        ({"agreed": False}, "decision.agreement"),
        ({"now": "2026-03-01T07:00:00Z"}, "decision.time"),
        ({"now": "2026-03-02T12:00:00Z"}, "decision.time"),
        ({"now": "noon"}, "decision.time"),
        ({"keys_year": 4096}, "decision.usage"),
        ({"keys_epoch": 100}, "decision.usage"),
        ({"list_size": 1_000_000}, "decision.usage"),
        ({"churn": 1}, "decision.usage"),
    ],
    ids=repr,
)
def test_decision_for_other_circumstances_is_found(changes: dict[str, object], code: str) -> None:
    _, owner = two_logs(1)
    file = with_decision(owner, lambda record: with_context(record, **changes), "answered")
    assert code in codes(verdict_on(file))


@pytest.mark.parametrize("wrong", [{"keys_year": 0}, {"keys_epoch": 0}, {"churn": 0}, {"list_size": 500}])
def test_decision_that_forgets_what_the_peer_asked_before_is_found(wrong: dict[str, int]) -> None:
    asker, owner = two_logs(2)
    assert verdict_on(owner.export()).holds
    hold(asker, owner, Session(3), **wrong)
    assert codes(verdict_on(owner.export())) == {"decision.usage"}


@pytest.mark.parametrize(
    "change",
    [
        lambda record: replace(record, request=replace(record.request, principal=BIRCH)),
        lambda record: replace(record, request=replace(record.request, owner=BIRCH)),
        lambda record: replace(record, request=replace(record.request, action="ask")),
        lambda record: replace(record, request=replace(record.request, action="match_size")),
        lambda record: replace(record, request=replace(record.request, resource="Signals")),
    ],
    ids=["principal", "owner", "action", "mode", "resource"],
)
def test_decision_about_something_else_is_found(change: Callable[[DecisionRecord], DecisionRecord]) -> None:
    _, owner = two_logs(1)
    assert "decision.request" in codes(verdict_on(with_decision(owner, change, "answered")))


def test_answer_without_a_decision_is_found() -> None:
    _, owner = two_logs(1)
    owner.told[0].values["decision"] = ""
    rebuild(owner)
    assert codes(verdict_on(owner.export()), "missing") == {"decision"}


def test_policies_other_than_those_in_the_receipt_are_found() -> None:
    asker, owner = MadeUpLog(ACME), MadeUpLog(DELTA)
    hold(asker, owner)
    shown = owner.told[find(owner, "ended")].values
    # It decides by others, and writes into its log what they say; the receipt is out already.
    owner.bundle = bundle(PERMIT, '@id("generous")\npermit (principal, action, resource);')
    record = owner.decide("answer", ACME, "intersection", {"A": 128}, agreement(ACME, DELTA), keys_year=0)
    owner.told[0].values["decision"] = with_context(record, keys_epoch=0, churn=0, list_size=128).text()
    rebuild(owner)
    assert shown["receipt"]
    assert "receipt.policy" in codes(verdict_on(owner.export()))


def test_policies_that_were_replaced_by_others_are_found() -> None:
    _, owner = two_logs(1)
    forged = Document("policy", bundle('@id("x")\npermit (principal, action, resource);').document())
    owner.documents = {sha256: each for sha256, each in owner.documents.items() if each.kind != "policy"} | {
        forged.sha256: forged
    }
    assert codes(verdict_on(owner.export()), "missing") == {"decision.document"}


def test_policies_that_cannot_be_in_force_are_found() -> None:
    _, owner = two_logs(1)
    broken = bundle().document().replace(b"resource);", b"resourse);")
    owner.keep(Document("policy", broken))
    assert "document.policy" in codes(verdict_on(owner.export()))


def test_agreement_that_lacks_a_signature_is_found() -> None:
    _, owner = two_logs(1)
    (held,) = (each for each in owner.documents.values() if each.kind == "agreement")
    owner.documents[held.sha256] = replace(held, signatures={DELTA: held.signatures[DELTA]})
    assert codes(verdict_on(owner.export())) == {"decision.agreement"}


def test_agreement_of_others_does_not_stand_in() -> None:
    _, owner = two_logs(1)
    other = owner.keep(agreement(ACME, BIRCH))
    file = with_decision(owner, lambda record: replace(record, agreement=other), "answered")
    assert "decision.agreement" in codes(verdict_on(file))


def test_agreement_that_had_ended_is_found() -> None:
    asker, owner = MadeUpLog(ACME), MadeUpLog(DELTA)
    made = make_agreement(
        repository().members, (ACME, DELTA), (PURPOSE,), TODAY, TODAY + timedelta(days=1), bytes(16)
    )
    ended = owner.keep(signed_agreement(made))
    asker.hour = owner.hour = HOUR + 72
    hold(asker, owner)
    file = with_decision(owner, lambda record: replace(record, agreement=ended), "answered")
    assert "decision.agreement" in codes(verdict_on(file))


def test_agreement_that_was_withdrawn_before_is_found() -> None:
    asker, owner = MadeUpLog(ACME), MadeUpLog(DELTA)
    named = agreement(ACME, DELTA).sha256
    owner.tell(Entry("disagreed", ACME, note=f"withdrawn by acme: agreement sha256 {named} for x"))
    asker.hour = owner.hour = HOUR + 3
    hold(asker, owner)
    assert codes(verdict_on(owner.export())) == {"decision.agreement"}


def test_decision_whose_errors_would_write_to_the_terminal_is_shown_harmless() -> None:
    _, owner = two_logs(1)
    file = with_decision(owner, lambda record: decided(record, policies=("\x1b[2J",)), "answered")
    told = verdict_on(file)
    assert not told.holds
    assert all(each.sentence.isprintable() for each in told.findings)


def posed(owner: MadeUpLog, action: str, resource: str, whose: str, **about: str) -> Entry:
    """An entry by which a founder's node refused what another member posed."""
    now = datetime.fromtimestamp(owner.hour * 3600, UTC)
    request = PolicyRequest(DELTA, action, resource, whose, PlainContext("membership", now).values())  # type: ignore[arg-type]
    decider = Decider(owner.bundle, coalition_facts(repository().members, now.date()))
    owner.keep(Document("policy", owner.bundle.document()))
    record = DecisionRecord(request, decider.decide(request), coalition().sha256)
    return Entry("denied", DELTA, purpose=action, decision=record.text(), **about)


def test_refusals_that_are_about_no_exchange_are_decided_again() -> None:
    founder = MadeUpLog(ACME)
    founder.bundle = bundle('@id("asking")\npermit (principal, action == Symbolon::Action::"ask", resource);')
    founder.tell(posed(founder, "admit", "Coalition", COALITION))
    founder.tell(posed(founder, "expel", "Coalition", COALITION))
    founder.tell(posed(founder, "read_audit", "AuditLog", ACME))
    assert verdict_on(founder.export()).holds


@pytest.mark.parametrize(
    ("action", "resource", "whose"),
    [("admit", "Coalition", ACME), ("admit", "AuditLog", COALITION), ("read_audit", "AuditLog", BIRCH)],
)
def test_refusal_that_is_about_something_else_is_found(action: str, resource: str, whose: str) -> None:
    founder = MadeUpLog(ACME)
    founder.tell(posed(founder, action, resource, whose))
    assert "decision.request" in codes(verdict_on(founder.export()))
