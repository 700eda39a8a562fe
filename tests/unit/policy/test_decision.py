import dataclasses
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone

import pytest

from policy_material import (
    ALLOW_ALL,
    NOON,
    SCHEMA,
    bundle,
    context,
    decider,
    facts,
    member,
    release_context,
    request,
)
from symbolon.errors import PolicyError
from symbolon.policy.bundle import BundledPolicy, PolicyBundle, decode_bundle
from symbolon.policy.decision import Decider, decode_decision
from symbolon.policy.facts import CoalitionFacts
from symbolon.policy.request import (
    ContextValue,
    PlainContext,
    PolicyRequest,
    TrainContext,
    decode_request,
)

FEW = (
    '@id("few") permit(principal, action == Symbolon::Action::"match_size", resource)'
    " when { context.keys < 5 };"
)
FORBID = '@id("no") @refusal("agreement") @advice("Ask for one.") forbid(principal, action, resource)'


def test_decision_without_any_policy_denies_and_says_nothing() -> None:
    decision = decider().decide(request())
    assert not decision.allowed
    assert (decision.policies, decision.refusal, decision.advice, decision.errors) == ((), "", "", ())


def test_decision_by_a_permit_names_it_and_the_bundle() -> None:
    decision = decider(ALLOW_ALL).decide(request())
    assert decision.allowed
    assert decision.policies == ("all",)
    assert decision.bundle_sha256 == bundle(ALLOW_ALL).sha256()


def test_decision_merges_the_obligations_of_all_permits_that_determine_it() -> None:
    decision = decider(
        '@id("a") @obligation("delay(3); retain(90)") permit(principal, action, resource);',
        '@id("b") @obligation("delay(7); no_onward") permit(principal, action, resource);',
        '@id("c") @obligation("human_review") permit(principal, action, resource)'
        " when { context has agreed && context.agreed };",
    ).decide(request())
    assert decision.obligations.text() == "delay(7); no_onward; retain(90)"
    assert decision.policies == ("a", "b")


def test_decision_by_a_forbid_gives_its_refusal_and_advice_and_no_obligations() -> None:
    decision = decider(
        '@id("a") @obligation("no_onward") permit(principal, action, resource);', FORBID + ";"
    ).decide(request())
    assert not decision.allowed
    assert (decision.policies, decision.refusal, decision.advice) == (("no",), "agreement", "Ask for one.")
    assert decision.obligations.text() == ""


def test_decision_by_several_forbids_speaks_with_the_first_that_says_something() -> None:
    decision = decider(
        '@id("z") forbid(principal, action, resource);',
        '@id("y") @advice("First.") forbid(principal, action, resource);',
        '@id("a") @refusal("suite") @advice("Second.") forbid(principal, action, resource);',
    ).decide(request())
    assert decision.policies == ("z", "y", "a")
    assert (decision.refusal, decision.advice) == ("", "First.")


def test_decision_with_a_failing_policy_denies_though_cedar_allows() -> None:
    overflow = "context.keys_year * 9223372036854775807 > context.keys"
    decision = decider(ALLOW_ALL, f"{FORBID} when {{ context has keys_year && {overflow} }};").decide(
        request(keys_year=2)
    )
    assert not decision.allowed
    assert decision.policies == ("all",)
    (error,) = decision.errors
    assert "`no`" in error
    assert "overflow" in error


def test_decision_by_an_obligation_that_is_not_understood_denies() -> None:
    text = '@id("all") @obligation("forget") permit(principal, action, resource);'
    unchecked = PolicyBundle(SCHEMA, (BundledPolicy("all", "own", "own.cedar", text),))
    decision = Decider(unchecked, facts()).decide(request())
    assert not decision.allowed
    assert decision.errors == ("an obligation is not understood",)


def test_decision_with_an_obligation_that_is_not_understood_denies_beside_an_open_permit() -> None:
    text = '@id("odd") @obligation("forget") permit(principal, action, resource);'
    unchecked = PolicyBundle(
        SCHEMA,
        (BundledPolicy("odd", "own", "own.cedar", text), BundledPolicy("all", "own", "own.cedar", ALLOW_ALL)),
    )
    assert not Decider(unchecked, facts()).decide(request()).allowed


@pytest.mark.parametrize(
    "change",
    [
        {"principal": "stranger"},
        {"principal": ""},
        {"principal": "Mill"},
        {"owner": "stranger"},
        {"action": "match"},
        {"action": "match_everything"},
        {"action": "lookup"},
        {"resource": "Coalition"},
        {"resource": "Member"},
        {"resource": "AuditLog"},
    ],
    ids=repr,
)
def test_decision_about_what_is_not_known_denies(change: dict[str, str]) -> None:
    open_decider = decider(ALLOW_ALL)
    assert open_decider.decide(request()).allowed
    decision = open_decider.decide(dataclasses.replace(request(), **change))
    assert not decision.allowed
    assert decision.errors


@pytest.mark.parametrize(
    ("action", "resource", "owner", "values"),
    [
        ("match_size", "SupplierList", "brand", context().values()),
        ("match_intersection", "SupplierList", "brand", context().values()),
        ("match_mutual", "SupplierList", "brand", context().values()),
        ("ask", "SupplierList", "brand", context().values()),
        ("lookup", "Signals", "brand", context(mode="lookup").values()),
        ("release", "Signals", "brand", release_context().values()),
        ("train", "SupplierList", "brand", TrainContext("p", "ab" * 32, NOON).values()),
        ("read_audit", "AuditLog", "brand", PlainContext("p", NOON).values()),
        ("admit", "Coalition", "fair-cotton", PlainContext("p", NOON).values()),
        ("expel", "Coalition", "fair-cotton", PlainContext("p", NOON).values()),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_decision_each_action_takes_its_own_context_and_no_other(
    action: str, resource: str, owner: str, values: dict[str, object]
) -> None:
    open_decider = decider(ALLOW_ALL)
    asked = PolicyRequest("mill", action, resource, owner, values)  # type: ignore[arg-type]
    assert open_decider.decide(asked).allowed
    assert decode_request(asked.document()) == asked
    assert not open_decider.decide(dataclasses.replace(asked, context={**values, "more": 1})).allowed
    for name in values:
        less = {key: value for key, value in values.items() if key != name}
        assert not open_decider.decide(dataclasses.replace(asked, context=less)).allowed


def test_decide_many_answers_each_as_decide_does_and_in_order() -> None:
    each = decider(FEW)
    asked = [request(keys=n, principal="stranger" if n % 3 == 0 else "mill") for n in range(10)]
    assert each.decide_many(asked) == tuple(map(each.decide, asked))
    assert each.decide_many([]) == ()


def test_decider_answers_threads_at_the_same_time() -> None:
    each = decider(FEW)
    asked = [request(keys=n % 10) for n in range(400)]
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(each.decide, asked))
    assert [answer.allowed for answer in answers] == [n % 10 < 5 for n in range(400)]


def test_decision_is_taken_again_from_the_documents_alone() -> None:
    made = bundle('@id("a") @obligation("delay(3)") permit(principal, action, resource);')
    asked = request()
    answer = Decider(made, facts()).decide(asked)
    again = Decider(decode_bundle(made.document()), facts()).decide(decode_request(asked.document()))
    assert again == answer == decode_decision(answer.document())
    assert again.allowed


def test_decision_does_not_depend_on_the_order_of_the_facts() -> None:
    members = (member("mill"), member("brand"), member("spinner"))
    assert facts(*members).entities() == facts(*reversed(members)).entities()


def test_request_hour_is_whole_and_in_utc_whatever_the_zone() -> None:
    tokyo = NOON.astimezone(timezone(timedelta(hours=9)))
    assert request(now=tokyo) == request(now=NOON)
    assert request(now=NOON).context["now"] == "2026-11-22T12:00:00Z"


def test_request_with_a_time_without_zone_is_refused() -> None:
    with pytest.raises(PolicyError):
        request(now=datetime(2026, 11, 22, 12))  # noqa: DTZ001 - that is the case


def test_policy_can_ask_for_the_hour() -> None:
    each = decider(
        '@id("hours") permit(principal, action in Symbolon::Action::"match", resource)'
        ' when { context.now.toTime() < duration("13h") };'
    )
    assert each.decide(request()).allowed
    assert not each.decide(request(now=NOON + timedelta(hours=1))).allowed


def test_facts_with_a_member_twice_are_refused() -> None:
    with pytest.raises(PolicyError):
        CoalitionFacts("c", frozenset(), (member("mill"), member("mill", kind="ngo")))


@pytest.mark.parametrize(
    "document",
    [
        b"",
        b"[]\n",
        b"{}\n",
        b'{"action":"a","context":[],"owner":"o","principal":"p","resource":"r"}\n',
        b'{"action":"a","context":{"x":1.5},"owner":"o","principal":"p","resource":"r"}\n',
        b'{"action":"a","context":{"x":null},"owner":"o","principal":"p","resource":"r"}\n',
        b'{"action":"a","context":{"x":{"y":1}},"owner":"o","principal":"p","resource":"r"}\n',
        b'{"action":"a","context":{"x":["b","a"]},"owner":"o","principal":"p","resource":"r"}\n',
        b'{"action":"a","context":{"x":["a","a"]},"owner":"o","principal":"p","resource":"r"}\n',
        b'{"action":"a","context":{"x":9007199254740992},"owner":"o","principal":"p","resource":"r"}\n',
        b'{"action":"a","context":{},"owner":"o","principal":"p","resource":"r"}',
        b'{"action":"a", "context":{},"owner":"o","principal":"p","resource":"r"}\n',
        b'{"action":"a","context":{},"owner":"o","principal":"p","resource":1}\n',
        b'{"action":"a","context":{"x":"'
        + b"a" * 20_000
        + b'"},"owner":"o","principal":"p","resource":"r"}\n',
    ],
    ids=lambda value: value[:50].decode(),
)
def test_decode_request_of_another_form_is_refused(document: bytes) -> None:
    with pytest.raises(PolicyError):
        decode_request(document)


def test_identity_of_requests_is_that_of_their_documents() -> None:
    contexts: list[dict[str, ContextValue]] = [
        {"a": 1, "b": True},
        {"b": True, "a": 1},
        {"a": True, "b": 1},
        {"a": "1", "b": True},
        {"a": ("1",), "b": True},
        {"a": 1},
        {},
    ]
    requests = [PolicyRequest("m", "release", "Signals", "o", each) for each in contexts]
    requests.append(PolicyRequest("m", "release", "SupplierList", "o", {}))
    for one in requests:
        for other in requests:
            assert (one.identity() == other.identity()) == (one.document() == other.document())
