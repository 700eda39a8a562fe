"""A founder's hand: what it would sign, and how it signs, so that it never signs twice.

Handles: whether all that this founder has to say to a proposal has been said, by a person or by the acts'
own proof; its signature under a new root, which a person gives ahead and which is held back until the vote;
the vote, durable before the signature. Refuses: two proposals of one version, or two on one base while the
first may yet come into force; the answer to an invitation that was withdrawn; whoever proposes and is
suspended, or whose records have lapsed, unless the proposal mends such records; a founder whose keys are in
no root. docs/adr/0013.
"""

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from symbolon.errors import MembershipError
from symbolon.membership.act_review import InvitationTerms, needs_person
from symbolon.membership.coalition_roles import key_id, signature_over
from symbolon.membership.coalition_state import State
from symbolon.membership.founder_keys import FounderKeys
from symbolon.membership.invitation_terms import decode_invitation_terms
from symbolon.membership.members_document import members_sha256
from symbolon.membership.proposal import Proposal, matter_sha256
from symbolon.membership.proposal_draft import BINDING, Draft
from symbolon.storage.founding_store import FoundingStore, StoredProposal


class FoundingSigning:
    """A founder and its signatures.

    Args:
        keys: the founder's.
        store: votes, proposals and invitations.
        now: the current time, aware.
    """

    def __init__(self, keys: FounderKeys, store: FoundingStore, now: Callable[[], datetime]) -> None:
        self._keys = keys
        self._store = store
        self._now = now

    def approved_invitations(self) -> dict[bytes, InvitationTerms]:
        """The invitations that this founder approved, by hash."""
        return {
            each.sha256: decode_invitation_terms(each.terms)
            for each in self._store.invitations("approved", "used")
        }

    def would_sign(self, proposal: Proposal, made: Draft, state: State) -> bool:
        """Whether all that this founder has to say to a proposal has been said.

        Raises:
            MembershipError: `membership.founder`, `membership.invitation.withdrawn`, or what `needs_person`
                says of an act that does not hold.
        """
        self.require_founder(proposal, state)
        self._store.require_not_withdrawn(proposal.invitations)
        if made.root is not None and self._held_back(made.root) is None:
            return False
        present = members_sha256(state.members)
        for base in self._store.approved_bases(matter_sha256(proposal)):
            steps = self._store.steps_since(base, present)
            if steps is not None and all(each.routine for each in steps):
                return True
        approved = self.approved_invitations()
        return proposal.routine and all(
            needs_person(act, state.members, approved, now=self._now()) is None for act in proposal.acts
        )

    def hold_back(self, root: bytes, root_key: Ed25519PrivateKey | None) -> None:
        """Signs a new root, and keeps the signature until this founder votes for the proposal.

        Args:
            root: unsigned; nothing is done when its signature is held back already.
            root_key: this founder's.

        Raises:
            MembershipError: `membership.root_key` when the key is missing or another's.
        """
        if self._held_back(root) is not None:
            return
        if root_key is None or root_key.public_key().public_bytes_raw() != self._keys.founder.root_key:
            raise MembershipError(
                "this proposal changes who signs; it needs this founder's root key",
                hint="Name it with --root-key.",
                code="membership.root_key",
            )
        self._store.keep_signature(hashlib.sha256(root).digest(), "root", *signature_over(root, root_key))

    def sign(self, sha256: bytes, proposal: Proposal, made: Draft) -> None:
        """Votes, then signs. The caller has asked `would_sign`.

        Raises:
            MembershipError: `membership.proposal.voted` or `membership.invitation.withdrawn`; nothing was
                signed.
        """
        binds_until = proposal.posed + BINDING
        self._store.vote(
            proposal.version, proposal.base, sha256, int(binds_until.timestamp()), proposal.invitations
        )
        if made.root is not None and (held_back := self._held_back(made.root)) is not None:
            self._store.keep_signature(sha256, "root", *held_back)
        self._store.keep_signature(sha256, "targets", *signature_over(made.targets, self._keys.metadata_key))

    def signed(self, stored: StoredProposal) -> bool:
        """Whether this founder signed a proposal."""
        return ("targets", key_id(self._keys.founder.metadata_key)) in stored.signatures

    def require_founder(self, proposal: Proposal, state: State) -> None:
        """Checks that this founder signs on a state, or would after a proposal.

        Raises:
            MembershipError: `membership.founder`.
        """
        new = proposal.founding.founders if proposal.founding else ()
        if self._keys.founder not in (*state.founders, *new):
            raise MembershipError(
                "the keys of this node are not among the founders' keys in root",
                hint="Another founder names them with `symbolon coalition founders`.",
                code="membership.founder",
            )

    def require_standing(self, proposal: Proposal, proposer: str, state: State) -> None:
        """Checks that whoever proposes may: what is made by a member that all refuse, no founder signs.

        Raises:
            MembershipError: `membership.unknown`, `.expelled` or `.suspended`; `membership.lapsed.…` unless
                the proposal mends such records.
        """
        if proposal.mends:
            state.members.require_active(proposer)
        else:
            state.members.require(proposer, self._now().astimezone(UTC).date())

    def _held_back(self, root: bytes) -> tuple[str, bytes] | None:
        own = key_id(self._keys.founder.root_key)
        signature = self._store.signatures(hashlib.sha256(root).digest()).get(("root", own))
        return None if signature is None else (own, signature)
