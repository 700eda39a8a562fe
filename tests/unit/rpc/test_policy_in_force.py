"""Decisions of a node: what they say, what they leave in the log, and that anybody can take them again."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest

from coalition_members import ACME, BIRCH, CEDAR, DELTA, member
from policy_home import PURPOSE, PolicyHome, asks, policy_home, require_again, table
from symbolon.errors import PermissionDeniedError
from symbolon.membership.member import MemberKind
from symbolon.oprf.suite import RISTRETTO255_SHA512
from symbolon.policy.permission import ExchangeRequest, Usage
from symbolon.policy.request import PlainContext, PolicyRequest
from symbolon.storage.database_errors import StorageBusyError

WHICH = {"mode": "intersection"}


@pytest.fixture
def node(tmp_path: Path) -> Iterator[PolicyHome]:
    with policy_home(tmp_path) as made:
        yield made


def denied(node: PolicyHome, request: ExchangeRequest) -> PermissionDeniedError:
    with pytest.raises(PermissionDeniedError) as caught:
        node.policy.require(request)
    record = require_again(node, caught.value.decision)
    assert not record.decision.allowed
    return caught.value


def as_ngos(node: PolicyHome, *chosen: str) -> None:
    """Makes members organisations that are not companies."""
    members = tuple(
        replace(each, kind=MemberKind.NGO) if each.member_id in chosen else each
        for each in node.repository.members.members
    )
    node.publish(members=members)


def test_require_what_a_table_allows_names_the_table(node: PolicyHome) -> None:
    grant = node.policy.require(asks())
    assert grant.basis == "allow-table-1"
    assert grant.scope == (f"{PURPOSE}:size:A", f"{PURPOSE}:size:A:{RISTRETTO255_SHA512}")
    record = require_again(node, grant.decision)
    assert record.decision.policies == ("allow-table-1",)
    assert grant.policy == record.decision.bundle_sha256.hex() == node.policy.bundle().sha256().hex()


@pytest.mark.parametrize(
    "changes",
    [
        {"peer": DELTA},
        {"mode": "intersection", "direction": "ask"},
        {"purpose": "remediation"},
        {"tiers": ("A", "B")},
        {"tiers": ("B",)},
        {"direction": "invited"},
    ],
)
def test_require_what_nothing_permits_tells_how_a_table_would(
    node: PolicyHome, changes: dict[str, Any]
) -> None:
    error = denied(node, asks(**changes))
    assert error.full_code == "permission.denied"
    assert "[[allow]]" in error.detail
    assert error.hint == "To allow it, add it to an [[allow]] table of symbolon.toml."
    assert PURPOSE not in error.public


@pytest.mark.parametrize(
    ("one", "other", "asked"),
    [
        ({"tiers": ["A"]}, {"tiers": ["B"]}, {"tiers": ("A", "B")}),
        ({"purposes": ["remediation"]}, {"tiers": ["B"]}, {"purpose": "remediation", "tiers": ("B",)}),
        ({"answer": False}, {"purposes": ["remediation"]}, {}),
    ],
)
def test_require_does_not_put_two_tables_together(
    node: PolicyHome, one: dict[str, Any], other: dict[str, Any], asked: dict[str, Any]
) -> None:
    node.allow(table(**one), table(**other))
    assert denied(node, asks(**asked)).full_code == "permission.denied"


def test_require_of_an_unknown_peer_is_denied_whatever_permits(node: PolicyHome) -> None:
    node.write("all.cedar", '@id("all") permit (principal, action, resource);')
    error = denied(node, asks("mallory"))
    assert error.full_code == "permission.denied"
    assert node.policy.scope("mallory") == ()


def test_require_that_a_policy_cannot_decide_is_denied_and_says_where_to_look(node: PolicyHome) -> None:
    overflow = '@id("sum") forbid (principal, action, resource is Symbolon::SupplierList) when {'
    overflow += " context has keys && context.keys * 9000000000000000000 > 1 };"
    node.write("sum.cedar", overflow)
    error = denied(node, asks())
    assert (error.full_code, error.hint) == ("permission.denied", "Run `symbolon policy check`.")
    assert "sum" in error.detail


def test_require_between_two_companies_takes_an_agreement(node: PolicyHome) -> None:
    node.allow(table(modes=["size", "intersection"]))
    error = denied(node, asks(**WHICH))
    assert error.full_code == "permission.agreement"
    assert "symbolon policy agree" in (error.hint or "")
    node.policy.require(asks())


def test_require_with_an_agreement_names_it_and_keeps_it_with_both_signatures(node: PolicyHome) -> None:
    node.allow(table(modes=["size", "intersection"]))
    stored = node.agree()
    record = require_again(node, node.policy.require(asks(**WHICH)).decision)
    assert record.agreement == stored.sha256.hex()
    assert record.request.context["agreed"] is True
    kept = node.audit.document(record.agreement)
    assert kept is not None
    assert (kept.kind, kept.content) == ("agreement", stored.document)
    assert sorted(kept.signatures) == [ACME, BIRCH]


def test_require_after_an_agreement_was_withdrawn_or_ended_is_denied(node: PolicyHome) -> None:
    node.allow(table(modes=["size", "intersection"]))
    stored = node.agree(last_day=node.now.date() + timedelta(days=3))
    node.policy.require(asks(**WHICH))
    node.now += timedelta(days=4)
    assert denied(node, asks(**WHICH)).full_code == "permission.agreement"
    node.now -= timedelta(days=4)
    node.agreements.withdraw(stored.sha256)
    assert denied(node, asks(**WHICH)).full_code == "permission.agreement"


def test_require_agreement_on_another_purpose_or_with_another_member_does_not_help(node: PolicyHome) -> None:
    node.allow(table(modes=["intersection"]), table(DELTA, modes=["intersection"]))
    node.agree(purposes=("remediation",))
    node.agree(CEDAR)
    for peer in (BIRCH, DELTA):
        assert denied(node, asks(peer, **WHICH)).full_code == "permission.agreement"


def test_require_of_an_organisation_takes_no_agreement(node: PolicyHome) -> None:
    node.allow(table(modes=["intersection"]))
    as_ngos(node, BIRCH)
    record = require_again(node, node.policy.require(asks(**WHICH)).decision)
    assert record.agreement == ""


def test_require_invited_takes_an_agreement_where_it_would_show_which(node: PolicyHome) -> None:
    node.allow(table(modes=["size", "intersection"], invited=True))
    assert denied(node, asks(direction="invited", **WHICH)).full_code == "permission.agreement"
    assert node.policy.require(asks(direction="invited")).scope == ()


def test_require_purpose_outside_the_coalition_is_denied_and_lists_those_agreed_on(node: PolicyHome) -> None:
    node.allow(table(purposes=[PURPOSE, "marketing"]))
    error = denied(node, asks(purpose="marketing"))
    assert error.full_code == "permission.purpose"
    assert error.hint == "Its members agreed on: due-diligence, remediation."
    assert not any("marketing" in word for word in node.policy.scope(BIRCH))


def test_require_far_more_than_the_list_is_denied_as_enumeration(node: PolicyHome) -> None:
    usage = Usage(keys=400_000, list_size=100_000, keys_epoch=300_000, keys_year=300_000)
    assert denied(node, asks(usage=usage)).full_code == "permission.enumeration"
    asked = require_again(node, node.policy.require(asks(usage=replace(usage, keys=100_000))).decision)
    names = ("keys", "list_size", "keys_epoch", "keys_year", "churn")
    assert [asked.request.context[each] for each in names] == [100_000, 100_000, 300_000, 300_000, 3_000]


def test_require_counts_attestation_to_the_day_of_its_own_record(node: PolicyHome) -> None:
    """A month after its last attestation: the day is that of the request, also where the clock goes on."""
    node.write(
        "old.cedar",
        '@id("attested") forbid (principal, action, resource) when { principal.attested_days > 28 };',
    )
    assert require_again(node, node.policy.require(asks()).decision).decision.allowed
    node.now += timedelta(days=1)
    assert "attested" in denied(node, asks()).detail
    about = PlainContext("audit", node.now - timedelta(days=1)).values()
    request = PolicyRequest(BIRCH, "read_audit", "AuditLog", ACME, about)
    assert "attested" not in node.policy.try_out([request])[0].policies
    assert node.policy.decide(request)[0] == node.policy.try_out([request])[0]


def test_try_out_of_nothing_is_nothing(node: PolicyHome) -> None:
    assert node.policy.try_out([]) == ()


def test_require_writes_nothing_but_documents_each_once(node: PolicyHome) -> None:
    for _ in range(3):
        node.policy.require(asks())
    assert [each.values["event"] for each in node.audit.entries()] == ["policy"]
    assert node.entries() == [node.policy.bundle().sha256().hex()]


def test_scope_is_the_same_whatever_the_order_of_the_tables(node: PolicyHome) -> None:
    tables = (
        table(tiers=["A", "B"]),
        table(purposes=["remediation"]),
        table(modes=["intersection"], tiers=["C"]),
        table(DELTA),
    )
    node.agree()
    seen = set()
    for order in permutations(tables):
        node.allow(*order)
        seen.add(node.policy.scope(BIRCH))
    (only,) = seen
    assert [each for each in only if RISTRETTO255_SHA512 not in each] == [
        f"{PURPOSE}:intersection:C",
        f"{PURPOSE}:size:A",
        f"{PURPOSE}:size:B",
        "remediation:size:A",
    ]


def test_scope_narrows_where_a_table_or_an_agreement_ends(node: PolicyHome) -> None:
    node.allow(table(modes=["size", "intersection"]))
    size = set(node.policy.scope(BIRCH))
    stored = node.agree()
    both = set(node.policy.scope(BIRCH))
    assert size < both
    node.agreements.withdraw(stored.sha256)
    assert set(node.policy.scope(BIRCH)) == size
    node.allow(table(modes=["intersection"]))
    assert node.policy.scope(BIRCH) == ()


def test_scope_narrows_where_the_coalition_gives_a_purpose_up(node: PolicyHome) -> None:
    node.allow(table(purposes=[PURPOSE, "remediation"]))
    before = set(node.policy.scope(BIRCH))
    node.publish(purposes=("due-diligence",))
    assert set(node.policy.scope(BIRCH)) < before


def test_scope_carries_obligations_so_another_one_is_another_scope(node: PolicyHome) -> None:
    node.allow()
    permit = (
        '@id("own") @obligation("{}") permit (principal, action == Symbolon::Action::"match_size", resource)'
    )
    permit += ' when {{ context.tiers == ["A"] && context.purpose == "due-diligence" }};'
    seen = []
    for obligation in ("delay(3)", "delay(4)", "delay(3); count_only"):
        node.write("own.cedar", permit.format(obligation))
        seen.append(frozenset(node.policy.scope(BIRCH)))
        assert f"{PURPOSE}:size:A:{obligation}" in seen[-1] or "count_only" in obligation
    assert not any(one & other for one, other in permutations(seen, 2))
    node.write("own.cedar", permit.replace('@obligation("{}")', "").replace("{{", "{").replace("}}", "}"))
    assert f"{PURPOSE}:size:A" in node.policy.scope(BIRCH)


def test_scope_under_a_policy_that_requires_one_suite_tells_of_that_suite(node: PolicyHome) -> None:
    """A scope that is always empty would never narrow."""
    node.write(
        "suite.cedar",
        f'@id("suite") forbid (principal, action in Symbolon::Action::"match", resource) '
        f'unless {{ context.suite == "{RISTRETTO255_SHA512}" }};',
    )
    assert node.policy.scope(BIRCH) == (f"{PURPOSE}:size:A:{RISTRETTO255_SHA512}",)


def test_require_that_cannot_keep_its_document_raises_and_the_policies_come_in_later(
    node: PolicyHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A database that is busy for a moment must not leave a narrower policy out of force for good."""
    node.policy.require(asks())
    node.allow()
    with monkeypatch.context() as patch:

        def busy(*_: object, **__: object) -> None:
            raise StorageBusyError("append: another thread is writing to the database")

        patch.setattr(node.audit, "append", busy)
        with pytest.raises(StorageBusyError):
            node.policy.require(asks())
    denied(node, asks())
    assert len(node.entries()) == 2


def test_require_of_a_member_that_was_expelled_is_denied(node: PolicyHome) -> None:
    node.publish(members=tuple(each for each in node.repository.members.members if each.member_id != BIRCH))
    denied(node, asks())
    assert node.policy.scope(BIRCH) == ()
    node.allow(table("elm"))
    node.publish(members=(*node.repository.members.members, member("elm")))
    node.policy.require(asks("elm"))
