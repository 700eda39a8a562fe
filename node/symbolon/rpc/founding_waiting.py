"""A proposal that waits for its founders, as people are told of it."""

from collections.abc import Mapping
from dataclasses import dataclass

from symbolon.membership.act_review import describe
from symbolon.membership.acts import Refresh
from symbolon.membership.coalition_roles import Missing
from symbolon.membership.coalition_state import State
from symbolon.membership.founding_words import describe_founding, describe_keys_that_stay
from symbolon.membership.proposal import Proposal, SignedRole


@dataclass(frozen=True, slots=True)
class Waiting:
    """A proposal that is not in force yet, as its founders are told of it.

    Attributes:
        words: what it would do, one sentence for each act.
        lacks: whose signatures it lacks, by role.
        signed: whether this founder has signed it.
        refused: why it cannot be signed any more, or ''.
        approved: whether no person here has to look at it any more.
        terms: the text of new terms, or ''.
    """

    sha256: bytes
    version: int
    proposer: str
    words: tuple[str, ...]
    lacks: Mapping[SignedRole, tuple[Missing, ...]]
    signed: bool
    refused: str = ""
    approved: bool = False
    terms: str = ""

    @property
    def for_a_person(self) -> bool:
        """Whether a person at this founder has yet to decide."""
        return not self.approved and not self.refused


def in_words(proposal: Proposal, state: State) -> tuple[str, ...]:
    """What a proposal would do to a state, one sentence for each act."""
    # A change of founders that changes no member stands on a refresh, of which there is nothing to say.
    told = () if proposal.founding and proposal.acts == (Refresh(),) else proposal.acts
    words = tuple(describe(act) for act in told) + describe_keys_that_stay(proposal.acts, state)
    if proposal.founding is not None:
        words += describe_founding(proposal.founding, state)
    return words
