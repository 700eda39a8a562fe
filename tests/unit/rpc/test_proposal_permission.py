"""A founder's proposal reaches the people of another founder's node only where its policies permit it."""

from datetime import UTC, datetime
from typing import Any
from unittest.mock import MagicMock

import pytest

from coalition_members import ACME, BIRCH, COALITION, DELTA, TODAY, admission, coalition, member
from symbolon.errors import PermissionDeniedError
from symbolon.membership.acts import Expel, Refresh, Suspend
from symbolon.membership.member import MemberId
from symbolon.membership.policy_facts import coalition_facts
from symbolon.membership.proposal import Proposal, encode_proposal
from symbolon.policy.bundle import PolicySource, build_bundle
from symbolon.policy.decision import Decider
from symbolon.policy.shipped_policies import shipped_policies, shipped_schema
from symbolon.rpc.proposal_permission import require_permitted

NOW = datetime(TODAY.year, TODAY.month, TODAY.day, 12, tzinfo=UTC)
NO_EXPULSIONS = """@id("nobody-is-expelled") @refusal("attestation")
forbid(principal, action == Symbolon::Action::"expel", resource);"""


def node(*own: str) -> Any:
    """A node that decides by the shipped policies and some of its own."""
    sources = [PolicySource(f"{number}.cedar", text) for number, text in enumerate(own)]
    decider = Decider(
        build_bundle(shipped_schema(), shipped_policies(), sources), coalition_facts(coalition(), TODAY)
    )
    made = MagicMock(now=NOW)
    made.config.node.coalition = COALITION
    made.policy.decide.side_effect = lambda request: (decider.decide(request), "the record")
    return made


def proposal(*acts: Any) -> bytes:
    return encode_proposal(Proposal(COALITION, bytes(32), 8, NOW, NOW, tuple(acts)))


@pytest.mark.parametrize(
    "act",
    [
        Expel(DELTA, TODAY, "sold data"),
        admission(member(MemberId("ebony"))),
        Suspend(DELTA, "late"),
        Refresh(),
    ],
    ids=lambda act: type(act).__name__,
)
def test_proposal_of_a_founder_is_permitted_by_what_every_node_has(act: Any) -> None:
    asked = node()
    require_permitted(asked, proposal(act), ACME)
    asked.audit.append.assert_not_called()


@pytest.mark.parametrize("proposer", [DELTA, "nobody"])
def test_proposal_to_expel_by_who_is_no_founder_is_denied_and_written_down(proposer: str) -> None:
    asked = node()
    with pytest.raises(PermissionDeniedError) as caught:
        require_permitted(asked, proposal(Expel(BIRCH, TODAY, "spite")), proposer)
    assert caught.value.full_code == "permission.denied"
    (entry,) = asked.audit.append.call_args.args
    assert (entry.event, entry.peer, entry.purpose, entry.decision) == (
        "denied",
        proposer,
        "expel",
        "the record",
    )


def test_proposal_that_an_own_policy_forbids_is_denied_with_its_code() -> None:
    with pytest.raises(PermissionDeniedError) as caught:
        require_permitted(node(NO_EXPULSIONS), proposal(Expel(DELTA, TODAY, "sold data")), ACME)
    assert caught.value.full_code == "permission.attestation"
    assert "nobody-is-expelled" in caught.value.detail


def test_proposal_of_several_acts_is_denied_where_one_of_them_is() -> None:
    several = proposal(Suspend(BIRCH, "late"), Expel(DELTA, TODAY, "sold data"))
    with pytest.raises(PermissionDeniedError):
        require_permitted(node(NO_EXPULSIONS), several, ACME)
