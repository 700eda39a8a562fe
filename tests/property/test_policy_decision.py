"""A decision asks fewer policies than there are, and comes out as all of them would have it."""

import json

import cedarpy
from hypothesis import given, settings
from hypothesis import strategies as st

from policy_material import SCHEMA, bundle, context, facts, member
from symbolon.policy.bundle import joined
from symbolon.policy.decision import Decider
from symbolon.policy.request import PolicyRequest, match_request

NAMES = ("mill", "brand", 'o"dd', "owner")
HEADS = (
    "principal",
    "principal is Symbolon::Member",
    *(f"principal == Symbolon::Member::{json.dumps(name)}" for name in (*NAMES, "nobody")),
    'principal is Symbolon::Member in Symbolon::Member::"mill"',
    'principal in Symbolon::Member::"mill"',
)
CONDITIONS = (
    "",
    ' when { context.mode == "size" }',
    ' unless { principal.kind == "company" }',
    " when { context.keys * 9223372036854775807 > 0 }",
)
POLICIES = st.lists(
    st.tuples(
        st.sampled_from(("permit", "permit", "forbid")), st.sampled_from(HEADS), st.sampled_from(CONDITIONS)
    ),
    min_size=1,
    max_size=12,
)
REQUESTS = st.lists(
    st.builds(
        match_request,
        st.just("answer"),
        st.sampled_from(NAMES),
        st.just("owner"),
        st.builds(context, mode=st.sampled_from(("size", "intersection")), keys=st.sampled_from((1, 2))),
    ),
    min_size=1,
    max_size=8,
)


@settings(max_examples=100, deadline=None)
@given(POLICIES, REQUESTS)
def test_decision_is_that_of_all_policies_one_by_one_and_together(
    made: list[tuple[str, str, str]], requests: list[PolicyRequest]
) -> None:
    texts = [
        f'@id("p{number}")\n{effect}({head}, action in Symbolon::Action::"match", resource){condition};'
        for number, (effect, head, condition) in enumerate(made)
    ]
    policies = bundle(*texts)
    known = facts(*map(member, NAMES))
    entities = json.dumps(known.entities(), default=list)
    names = [each.policy_id for each in policies.policies]
    decider = Decider(policies, known)
    together = decider.decide_many(requests)
    for request, batched in zip(requests, together, strict=True):
        found = cedarpy.is_authorized(
            {
                "principal": {"type": "Symbolon::Member", "id": request.principal},
                "action": {"type": "Symbolon::Action", "id": request.action},
                "resource": {"type": f"Symbolon::{request.resource}", "id": request.owner},
                "context": json.dumps(request.context, default=list),
            },
            joined(policies.policies),
            entities,
            SCHEMA,
        )
        reasons = tuple(names[each] for each in sorted(int(each[6:]) for each in found.diagnostics.reasons))
        errors = bool(found.diagnostics.errors)
        decided = decider.decide(request)
        assert decided == batched
        assert decided.policies == reasons
        assert decided.allowed == (found.decision is cedarpy.Decision.Allow and not errors)
        assert bool(decided.errors) == errors
