"""What an attacker on the founders' side makes with its own hands: proposals, signatures, parts."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from coalition_members import COALITION, NOW, signing_key
from founder_nodes import PLAIN, FounderNode
from symbolon.errors import MembershipError
from symbolon.membership.acts import Act, Amend
from symbolon.membership.coalition_roles import signature_over
from symbolon.membership.coalition_state import State
from symbolon.membership.member_statement import Place, sign_statement
from symbolon.membership.members_document import members_sha256
from symbolon.membership.proposal import Proposal, Signatures
from symbolon.membership.proposal_draft import draft, next_version, published

TARGETS_YEAR = timedelta(days=365)


def refused(call: Callable[[], object]) -> MembershipError:
    with pytest.raises(MembershipError) as caught:
        call()
    return caught.value


def code(call: Callable[[], object]) -> str:
    return refused(call).full_code


def moved(node: FounderNode, endpoint: str) -> Amend:
    place = Place(endpoint, (), "")
    return Amend(sign_statement(node.state.members, PLAIN, place, signing_key(PLAIN)))


def posed(state: State, *acts: Act, **changes: Any) -> Proposal:
    """A proposal that an attacker makes with its own hands."""
    made = Proposal(
        coalition=COALITION,
        base=members_sha256(state.members),
        version=next_version(state, NOW),
        made=NOW,
        posed=NOW,
        acts=acts,
    )
    return replace(made, **changes)


def forged(state: State, proposal: Proposal, *keys: Ed25519PrivateKey) -> tuple[Any, dict[Any, bytes]]:
    """The draft of a proposal, and signatures under its targets by whatever keys the attacker has."""
    made = draft(proposal, state, NOW)
    return made, {
        ("targets", name): each for name, each in (signature_over(made.targets, key) for key in keys)
    }


def offered(made: Any, state: State, signatures: Signatures, by: FounderNode) -> dict[str, bytes]:
    """The parts of a draft, whatever it lacks."""
    return published(made, state, signatures, by.keys.metadata_key, NOW)
