"""What the tests of policies are made from: a schema, facts, requests."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from symbolon.policy.bundle import PolicyBundle, PolicySource, build_bundle
from symbolon.policy.decision import Decider
from symbolon.policy.facts import CoalitionFacts, MemberFacts
from symbolon.policy.request import MatchContext, PolicyRequest, ReleaseContext

POLICIES = Path(__file__).resolve().parents[1] / "policies"
SCHEMA = (POLICIES / "schema.cedarschema").read_text("utf-8")
NOON = datetime(2026, 11, 22, 12, 34, 56, tzinfo=UTC)
PURPOSE = "due-diligence"

ALLOW_ALL = '@id("all")\npermit(principal, action, resource);'


def member(member_id: str, **changes: Any) -> MemberFacts:
    fields = {
        "member_id": member_id,
        "kind": "company",
        "jurisdiction": "DE",
        "roles": frozenset(),
        "founder": False,
        "attested_days": 10,
        "vetting_days": 300,
    }
    return MemberFacts(**{**fields, **changes})


def facts(*members: MemberFacts, purposes: frozenset[str] = frozenset({PURPOSE})) -> CoalitionFacts:
    return CoalitionFacts("fair-cotton", purposes, members or (member("mill"), member("brand")))


def context(**changes: Any) -> MatchContext:
    fields = {
        "purpose": PURPOSE,
        "mode": "size",
        "tiers": frozenset({"A"}),
        "suite": "X25519-ELL2-SHA512",
        "keys": 1_000,
        "list_size": 1_000,
        "keys_epoch": 0,
        "keys_year": 0,
        "churn": 0,
        "agreed": False,
        "now": NOON,
    }
    return MatchContext(**{**fields, **changes})


def release_context(**changes: Any) -> ReleaseContext:
    fields = {
        "purpose": PURPOSE,
        "agreed": False,
        "tlp": "amber",
        "named": False,
        "subject_kind": "site",
        "indicators": frozenset({"debt-bondage"}),
        "evidence": "worker-interview",
        "urgent": False,
        "disputed": False,
        "contributors": 1,
        "now": NOON,
    }
    return ReleaseContext(**{**fields, **changes})


def request(
    action: str = "match_size", *, principal: str = "mill", owner: str = "brand", **changes: Any
) -> PolicyRequest:
    return PolicyRequest(principal, action, "SupplierList", owner, context(**changes).values())


def bundle(*own: str, shipped: str = "") -> PolicyBundle:
    return build_bundle(
        SCHEMA,
        [PolicySource("shipped.cedar", shipped)],
        [PolicySource(f"own-{number}.cedar", text) for number, text in enumerate(own, 1)],
    )


def decider(*own: str, given: CoalitionFacts | None = None) -> Decider:
    return Decider(bundle(*own), given or facts())
