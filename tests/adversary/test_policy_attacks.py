"""Attacks on the decision: by what is missing, by what fails, by texts that pretend to be Cedar, by size."""

import dataclasses
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from policy_material import (
    ALLOW_ALL,
    PURPOSE,
    SCHEMA,
    bundle,
    context,
    decider,
    facts,
    member,
    request,
)
from symbolon.errors import PolicyError
from symbolon.policy.allow_tables import AllowTable, table_policies
from symbolon.policy.bundle import (
    BundledPolicy,
    PolicyBundle,
    PolicySource,
    build_bundle,
    decode_bundle,
)
from symbolon.policy.decision import Decider, decode_decision
from symbolon.policy.facts import CoalitionFacts
from symbolon.policy.request import decode_request, match_request
from symbolon.policy.shipped_policies import shipped_policies

MATCH = 'action in Symbolon::Action::"match"'
ODD_NAMES = [
    'mill"',
    'mill\\"',
    "mill\n",
    "mill\x00",
    "mill\u202e",
    "mіll",  # a Cyrillic letter
    "ｍill",  # full width
    "Mill",
    " mill",
    "mill*",
    'Symbolon::Member::"mill"',
    '"); permit(principal, action, resource); //',
    '" || true || "',
    "?principal",
    "x" * 10_000,
]


class GivenEntities:
    """Facts from a hand that does not keep to our classes."""

    def __init__(self, entities: Sequence[Mapping[str, Any]]) -> None:
        self._entities = entities

    def entities(self) -> Sequence[Mapping[str, Any]]:
        return self._entities


# What is missing.


@pytest.mark.parametrize("name", sorted(context().values()))
def test_request_without_an_attribute_of_the_context_is_denied(name: str) -> None:
    whole = request()
    assert decider(ALLOW_ALL).decide(whole).allowed
    less = {key: value for key, value in whole.context.items() if key != name}
    decision = decider(ALLOW_ALL).decide(dataclasses.replace(whole, context=less))
    assert not decision.allowed
    assert decision.errors


@pytest.mark.parametrize(
    "name",
    [
        "attested_days",
        "coalition",
        "founder",
        "jurisdiction",
        "kind",
        "roles",
        "vetting_days",
        "owner",
        "purposes",
    ],
)
def test_facts_without_an_attribute_decide_nothing(name: str) -> None:
    whole = [dict(each) for each in facts().entities()]
    assert Decider(bundle(ALLOW_ALL), GivenEntities(whole)).decide(request()).allowed
    for index, each in enumerate(whole):
        if name in each["attrs"]:
            less = {key: value for key, value in each["attrs"].items() if key != name}
            changed = [*whole[:index], {**each, "attrs": less}, *whole[index + 1 :]]
            with pytest.raises(PolicyError):
                Decider(bundle(ALLOW_ALL), GivenEntities(changed))


def test_facts_without_the_coalition_deny_whatever_names_a_purpose() -> None:
    shipped = build_bundle(SCHEMA, shipped_policies(), [PolicySource("own.cedar", ALLOW_ALL)])
    asked = request()
    assert Decider(shipped, facts()).decide(asked).allowed
    without = [each for each in facts().entities() if each["uid"]["type"] != "Symbolon::Coalition"]
    decision = Decider(shipped, GivenEntities(without)).decide(asked)
    assert not decision.allowed
    assert decision.errors


@pytest.mark.parametrize(
    "entities",
    [
        [{}],
        [{"uid": "x", "attrs": {}, "parents": []}],
        [{"uid": {"type": "Symbolon::Member"}, "attrs": {}, "parents": []}],
        [{"uid": {"type": "Symbolon::Stranger", "id": "x"}, "attrs": {}, "parents": []}],
        [{"uid": {"type": "Symbolon::Action", "id": "match_size"}, "attrs": {}, "parents": []}],
    ],
    ids=str,
)
def test_facts_of_another_form_decide_nothing(entities: list[dict[str, Any]]) -> None:
    with pytest.raises(PolicyError):
        Decider(bundle(ALLOW_ALL), GivenEntities(entities))


def test_facts_in_which_an_action_joins_a_family_decide_nothing() -> None:
    """Or `expel` could become one of the actions that a permit of `match` allows."""
    joined = {
        "uid": {"type": "Symbolon::Action", "id": "lookup"},
        "attrs": {},
        "parents": [{"type": "Symbolon::Action", "id": "match"}],
    }
    with pytest.raises(PolicyError):
        Decider(bundle(ALLOW_ALL), GivenEntities([*facts().entities(), joined]))


# What fails.


@pytest.mark.parametrize(
    "condition",
    [
        "context.keys_year * 9223372036854775807 > 1",
        "9223372036854775807 + context.keys > 1",
        "-9223372036854775807 - context.keys - 1 < 1",
    ],
)
def test_forbid_that_fails_beside_a_permit_denies(condition: str) -> None:
    forbid = f'@id("no") forbid(principal, {MATCH}, resource) when {{ {condition} }};'
    decision = decider(ALLOW_ALL, forbid).decide(request(keys_year=10))
    assert not decision.allowed
    assert decision.policies == ("all",)
    assert decision.errors


def test_permit_that_fails_beside_a_permit_denies() -> None:
    failing = (
        f'@id("odd") permit(principal, {MATCH}, resource) when {{ context.keys * 9223372036854775807 > 1 }};'
    )
    assert not decider(ALLOW_ALL, failing).decide(request()).allowed


def test_numbers_beyond_what_cedar_counts_with_deny() -> None:
    shipped = build_bundle(SCHEMA, shipped_policies(), [PolicySource("own.cedar", ALLOW_ALL)])
    for number in (2**62, 2**63 - 1, 2**63, 10**30, -(2**63) - 1):
        asked = match_request("answer", "mill", "brand", context(mode="size", churn=number, list_size=number))
        assert not Decider(shipped, facts()).decide(asked).allowed


@pytest.mark.parametrize("word", ["forget", "no_onward; forget", "delay(0)", "", "NO_ONWARD", "no_onward\n"])
def test_unknown_obligation_that_came_past_the_check_denies(word: str) -> None:
    text = f'@id("all") @obligation({json.dumps(word)}) permit(principal, action, resource);'
    with pytest.raises(PolicyError):
        bundle(text)
    unchecked = PolicyBundle(SCHEMA, (BundledPolicy("all", "own", "own.cedar", text),))
    with pytest.raises(PolicyError):
        decode_bundle(unchecked.document())
    assert not Decider(unchecked, facts()).decide(request()).allowed


def test_unchecked_bundle_that_lists_fewer_policies_than_its_text_holds_decides_nothing() -> None:
    hidden = BundledPolicy(
        "no", "own", "own.cedar", f'@id("no") forbid(principal, action, resource);{ALLOW_ALL}'
    )
    with pytest.raises(PolicyError):
        Decider(PolicyBundle(SCHEMA, (hidden,)), facts())


@pytest.mark.parametrize(
    "value",
    ["A", 1, 1.5, None, True, [], {"__extn": {"fn": "datetime", "arg": "2026-11-22"}}, {"a": 1}],
    ids=repr,
)
@pytest.mark.parametrize("name", sorted(context().values()))
def test_context_with_a_value_of_another_type_is_denied(name: str, value: object) -> None:
    whole = request()
    same = isinstance(value, type(whole.context[name])) or (name == "tiers" and value == [])
    if same or (name == "now" and isinstance(value, dict) and "__extn" in value):
        return
    wrong = {**whole.context, name: value}
    assert not decider(ALLOW_ALL).decide(dataclasses.replace(whole, context=wrong)).allowed  # type: ignore[arg-type]


def test_context_that_names_an_entity_or_an_extension_is_not_read_as_one() -> None:
    each = decider(f'@id("p") permit(principal, {MATCH}, resource) when {{ context.purpose == "x" }};')
    for value in ({"__extn": {"fn": "ip", "arg": "1.1.1.1"}}, {"__entity": {"type": "T", "id": "i"}}):
        wrong = {**request().context, "purpose": value}
        assert not each.decide(dataclasses.replace(request(), context=wrong)).allowed  # type: ignore[arg-type]
        with pytest.raises(PolicyError):
            decode_request(dataclasses.replace(request(), context=wrong).document())  # type: ignore[arg-type]


# Who pretends to be somebody.


@pytest.mark.parametrize("name", ODD_NAMES, ids=lambda name: ascii(name)[:30])
def test_principal_with_an_odd_name_is_nobody_else(name: str) -> None:
    permit = '@id("mill") permit(principal == Symbolon::Member::"mill", action, resource);'
    decision = decider(permit).decide(request(principal=name))
    assert not decision.allowed
    known = decider(permit, given=facts(member("mill"), member("brand"), member(name)))
    assert known.decide(request(principal="mill")).allowed
    assert not known.decide(request(principal=name)).allowed


@pytest.mark.parametrize("name", ODD_NAMES, ids=lambda name: ascii(name)[:30])
def test_table_with_an_odd_peer_or_purpose_allows_that_one_and_no_other(name: str) -> None:
    def table(peer: str, purpose: str) -> Decider:
        made = table_policies(
            [AllowTable(peer, (purpose,), ("size",), ("A",), answer=True, ask=False, invited=False)]
        )
        known = facts(*map(member, {"mill", "brand", name}))
        return Decider(build_bundle(SCHEMA, (), (), made), known)

    by_peer, by_purpose = table(name, PURPOSE), table("mill", name)
    assert by_peer.decide(request(principal=name)).allowed
    assert not by_peer.decide(request(principal="mill")).allowed
    assert by_purpose.decide(request(purpose=name)).allowed
    assert not by_purpose.decide(request()).allowed


def test_table_with_half_a_character_is_refused() -> None:
    broken = AllowTable("mill\ud800", (PURPOSE,), ("size",), ("A",), answer=True, ask=False, invited=False)
    with pytest.raises(PolicyError):
        table_policies([broken])


@pytest.mark.parametrize("name", ["mill\ud800", "\udfff"])
def test_request_with_half_a_character_is_denied(name: str) -> None:
    assert not decider(ALLOW_ALL).decide(request(principal=name)).allowed
    assert not decider(ALLOW_ALL).decide(request(purpose=name)).allowed
    assert not decider(ALLOW_ALL).decide(request(name)).allowed
    assert not decider(ALLOW_ALL).decide(request(owner=name)).allowed
    (one,) = decider(ALLOW_ALL).decide_many([request(purpose=name)])
    assert not one.allowed


def test_one_bad_request_of_a_batch_spoils_no_other() -> None:
    asked = [
        request(),
        request("match_size\x00"),
        request("match_size\n"),
        request(purpose="\ud800"),
        request(keys=2**70),
        request(principal="\x00"),
        request(),
    ]
    decided = [each.allowed for each in decider(ALLOW_ALL).decide_many(asked)]
    assert decided == [True, *[False] * 5, True]


def test_member_that_stands_twice_with_other_rights_is_refused() -> None:
    with pytest.raises(PolicyError):
        CoalitionFacts("c", frozenset(), (member("mill"), member("mill", founder=True)))
    twice = [*facts(member("mill")).entities(), *facts(member("mill", founder=True)).entities()]
    with pytest.raises(PolicyError):
        Decider(bundle(ALLOW_ALL), GivenEntities(twice))


# Ids.


def test_two_policies_with_one_id_are_refused_in_any_two_files() -> None:
    with pytest.raises(PolicyError):
        bundle(ALLOW_ALL, ALLOW_ALL.replace("permit", "forbid"))
    with pytest.raises(PolicyError):
        bundle(shipped=ALLOW_ALL + ALLOW_ALL)


def test_own_policy_that_takes_the_place_of_a_shipped_one_is_shown() -> None:
    shipped = shipped_policies()
    own = PolicySource("own.cedar", '@id("companies-need-an-agreement") permit(principal, action, resource);')
    made = build_bundle(SCHEMA, shipped, [own])
    assert made.replaced == ("companies-need-an-agreement",)
    assert b'"replaced":["companies-need-an-agreement"]' in made.document()
    assert made.sha256() != build_bundle(SCHEMA, shipped).sha256()
    assert [each.policy_id for each in made.open_permits()] == ["companies-need-an-agreement"]


@pytest.mark.parametrize("taken", ["allow-table-1", "allow-table-999", "allow-table-"])
def test_own_policy_that_pretends_to_be_a_table_is_refused(taken: str) -> None:
    with pytest.raises(PolicyError):
        bundle(f'@id("{taken}") permit(principal, action, resource);')


def test_own_policy_cannot_take_an_id_that_only_looks_the_same() -> None:
    for look_alike in ("compаnies-need-an-agreement", "companies-need-an-agreement ", "companies‑need"):
        with pytest.raises(PolicyError):
            bundle(f'@id("{look_alike}") permit(principal, action, resource);')


# Documents.


def test_bundle_document_with_one_byte_altered_is_refused_or_is_another_bundle() -> None:
    good = bundle('@id("a") @obligation("delay(3)") permit(principal, action, resource);')
    document = good.document()
    for at in range(0, len(document), 7):
        for change in (1, 32):
            altered = bytes([*document[:at], document[at] ^ change, *document[at + 1 :]])
            try:
                read = decode_bundle(altered)
            except PolicyError:
                continue
            assert read != good
            assert read.sha256() != good.sha256()
            assert read.document() == altered


@pytest.mark.parametrize(
    "read", [decode_bundle, decode_request, decode_decision], ids=lambda read: read.__name__
)
def test_document_with_a_key_twice_is_refused(read: Any) -> None:
    made = {
        "decode_bundle": bundle(ALLOW_ALL).document(),
        "decode_request": request().document(),
        "decode_decision": decider(ALLOW_ALL).decide(request()).document(),
    }[read.__name__]
    read(made)
    first = json.dumps(sorted(json.loads(made))[0]).encode()
    value = json.dumps(json.loads(made)[json.loads(first)], sort_keys=True, separators=(",", ":")).encode()
    twice = made.replace(b"{", b"{" + first + b":" + value + b",", 1)
    assert json.loads(twice) == json.loads(made)
    with pytest.raises(PolicyError):
        read(twice)


@pytest.mark.parametrize(
    "read", [decode_bundle, decode_request, decode_decision], ids=lambda read: read.__name__
)
@pytest.mark.parametrize(
    "document",
    [
        b"",
        b"null\n",
        b"[]\n",
        b"{}\n",
        b"[" * 5_000,
        b'{"a":' * 5_000,
        b"\xff",
        b"NaN\n",
        b"1e999\n",
        b'"\\ud800"\n',
    ],
    ids=lambda document: ascii(document[:12]),
)
def test_document_of_another_form_is_refused(read: Any, document: bytes) -> None:
    with pytest.raises(PolicyError):
        read(document)


def test_decision_document_that_claims_another_obligation_text_is_refused() -> None:
    made = decider('@id("a") @obligation("delay(3); no_onward") permit(principal, action, resource);').decide(
        request()
    )
    document = made.document()
    for wrong in (b"no_onward; delay(3)", b"delay(3);no_onward", b"delay(03); no_onward", b"forget"):
        with pytest.raises(PolicyError):
            decode_decision(document.replace(b"delay(3); no_onward", wrong))


def test_refusal_and_advice_hold_nothing_of_the_request() -> None:
    secret = "secret-purpose-4711"
    shipped = build_bundle(SCHEMA, shipped_policies(), [PolicySource("own.cedar", ALLOW_ALL)])
    decision = Decider(shipped, facts()).decide(request(purpose=secret))
    assert (decision.allowed, decision.refusal) == (False, "purpose")
    assert secret not in decision.advice + decision.refusal


def test_cases_cannot_read_files_beside_their_folder(tmp_path: Path) -> None:
    from symbolon.policy.cases import read_cases

    row = {
        "name": "x",
        "request": {"principal": "", "action": "", "resource": "", "context": {}},
        "decision": "deny",
        "reason": [],
        "num_errors": 0,
    }
    for name in ("../secret.json", "/etc/passwd", "a/b.json", "..json/../x", ".json", "x.json\x00"):
        with pytest.raises(PolicyError):
            read_cases("c.json", json.dumps([{**row, "entities": name}]), lambda name: pytest.fail(name))
