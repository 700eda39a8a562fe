"""The founder's side of a node: what it proposes, what it signs, what it puts in force.

Handles: proposals made here or by other founders, what a person approved, signatures as they come in,
publishing once there are enough, signing snapshot and timestamp again in time. Refuses: to sign without a
person what needs one, and whatever `founding_signing` and `proposal_draft` refuse. No network:
`symbolon.rpc.gathering` carries what is made here to the other founders, in four steps.

1. `propose` or `approve` here; nothing is signed yet, unless this founder alone is enough.
2. Every founder is asked (`take`) whether it would sign. Who needs a person says so, and who is bound to
   another proposal. Who is suspended, or has lapsed, is not asked; see `whom_to_ask`.
3. Once enough would (`signers`), they are asked to sign one after the other, in the order of their ids
   (`take` with `sign`, here `sign`). A signature binds its founder to this proposal until it lapses, since
   others may already have put it in force; so two proposals at once must not bind half of the founders each.
   The order sees to that: the one that comes second is refused by the first founder asked.
4. `publish_if_complete`.

What a person approved stays approved when routine changes come into force in between: `approve` and
`unfinished` pose it again on the state that is then in force. docs/adr/0013.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from symbolon.errors import MembershipError
from symbolon.membership.acts import Act, Refresh
from symbolon.membership.coalition_roles import Missing
from symbolon.membership.coalition_state import State
from symbolon.membership.coalition_store import CoalitionStore
from symbolon.membership.founder_keys import FounderKeys
from symbolon.membership.invitation_terms import decode_invitation_terms
from symbolon.membership.member import MemberId
from symbolon.membership.members_document import members_sha256
from symbolon.membership.proposal import (
    NewFounders,
    Proposal,
    SignedRole,
    decode_proposal,
    encode_proposal,
    matter_sha256,
    proposal_sha256,
)
from symbolon.membership.proposal_draft import (
    MAX_AGE,
    OVERTAKEN,
    SIGNING,
    Draft,
    draft,
    holding,
    missing,
    next_version,
    published,
)
from symbolon.rpc.founding_dates import FoundingDates
from symbolon.rpc.founding_signing import FoundingSigning
from symbolon.rpc.founding_waiting import Waiting, in_words
from symbolon.storage.founding_store import FoundingStore, StoredProposal


class Founding:
    """One founder at work. Every method may be called from several processes at once.

    Args:
        keys: this founder's.
        store: votes, proposals and invitations.
        coalition: this node's verified copy.
        now: the current time, aware.
    """

    def __init__(
        self, keys: FounderKeys, store: FoundingStore, coalition: CoalitionStore, now: Callable[[], datetime]
    ) -> None:
        self.keys = keys
        self.store = store
        self._coalition = coalition
        self._now = now
        self._dates = FoundingDates(keys, coalition, now)
        self._signing = FoundingSigning(keys, store, now)

    def state(self) -> State:
        """The state of the coalition that this founder holds."""
        return self._coalition.state()

    def document(self, sha256: bytes) -> bytes:
        """A proposal as it travels.

        Raises:
            MembershipError: `membership.proposal.unknown`.
        """
        return self._stored(sha256).document

    def is_open(self, sha256: bytes) -> bool:
        """Whether a proposal can still come into force on the present state."""
        stored, state = self._stored(sha256), self._coalition.state()
        return stored.base == members_sha256(state.members) and stored.version > state.targets_version

    def is_past(self, sha256: bytes) -> bool:
        """Whether its version, or a later one, is in force here."""
        return self._stored(sha256).version <= self._coalition.state().targets_version

    def is_free(self, sha256: bytes) -> bool:
        """Whether no other proposal binds this founder."""
        stored = self._stored(sha256)
        try:
            self.store.require_free(stored.version, stored.base, sha256)
        except MembershipError:
            return False
        return True

    def names(self, document: bytes, member_id: str) -> bool:
        """Whether a proposal would make a member a founder, who may then ask for signatures as well.

        Raises:
            MembershipError: as `decode_proposal`.
        """
        founding = decode_proposal(document).founding
        return founding is not None and member_id in {each.member_id for each in founding.founders}

    def propose(
        self,
        acts: Iterable[Act],
        *,
        terms: bytes = b"",
        founding: NewFounders | None = None,
        root_key: Ed25519PrivateKey | None = None,
    ) -> bytes:
        """Proposes acts on the present state, which this founder thereby approves.

        Where this founder alone is enough, they are in force when this returns.

        Args:
            acts: what to change.
            terms: the text of new terms, with the act that names them.
            founding: who signs from now on, when that changes.
            root_key: this founder's; needed with `founding`.

        Returns:
            The SHA-256 that names the proposal.

        Raises:
            MembershipError: what an act, the vote or a key refuses; nothing was signed.
        """
        with self.store.turn():
            self._finish_signed()
            state, now = self._coalition.state(), self._second()
            proposal = Proposal(
                coalition=state.members.coalition,
                base=members_sha256(state.members),
                version=next_version(state, now),
                made=now,
                posed=now,
                acts=tuple(acts),
                terms=terms,
                founding=founding,
            )
            return self._approved(proposal, state, root_key)

    def take(
        self, document: bytes, proposer: str, *, sign: bool
    ) -> tuple[dict[tuple[SignedRole, str], bytes], bool]:
        """Takes a proposal of another founder, and tells whether this one would sign it, or signs it.

        Args:
            document: as it came.
            proposer: who sent it, as TLS says.
            sign: whether the proposer knows that enough founders would.

        Returns:
            All signatures known here, and whether a person has yet to decide.

        Raises:
            MembershipError: it does not hold on the state that this founder has; what a vote refuses; the
                proposer is suspended, or has lapsed.
        """
        proposal, state = decode_proposal(document), self._coalition.state()
        self._signing.require_standing(proposal, proposer, state)
        made = draft(proposal, state, self._now())
        sha256 = self._keep(proposal, document, made, proposer)
        willing = self._signing.would_sign(proposal, made, state)
        # Told before anybody signs, so that no other founder is bound to it for nothing.
        self.store.require_free(proposal.version, proposal.base, sha256)
        if willing and sign:
            self._signing.sign(sha256, proposal, made)
        return self.store.signatures(sha256), not willing

    def approve(self, sha256: bytes, *, root_key: Ed25519PrivateKey | None = None) -> bytes:
        """Writes down that a person here approves a proposal, and poses it again if it was overtaken.

        Where the other signatures are known already, it is in force when this returns.

        Args:
            sha256: names the proposal.
            root_key: this founder's, when the proposal changes who signs.

        Returns:
            The SHA-256 of the proposal that is now to be sent to the other founders.

        Raises:
            MembershipError: as `take`; or `membership.root_key` when it makes a new root and the key is
                missing or another's.
        """
        self._finish_signed()
        proposal, state = decode_proposal(self._stored(sha256).document), self._coalition.state()
        if not self._in_time(proposal, state):
            proposal = self._again(proposal, state)
        return self._approved(proposal, state, root_key)

    def unfinished(self) -> list[bytes]:
        """What this founder approved, or signed, and what is not in force yet, posed again where overtaken.

        Returns:
            The proposals that are to be sent to the other founders, those signed first.
        """
        state, stored = self._coalition.state(), self._recent()
        own = {each.matter for each in stored if each.approved_at_s is not None or self._signing.signed(each)}
        found: list[tuple[bool, bytes]] = []
        for each in {each.matter: each for each in stored if each.matter in own}.values():
            # What cannot be posed is in force by now, or what it would change has changed otherwise.
            with suppress(MembershipError):
                found.append((not self._signing.signed(each), self._posed(each, state)))
        return [sha256 for _, sha256 in sorted(found)]

    def whom_to_ask(self, sha256: bytes) -> tuple[MemberId, ...]:
        """The other founders, in force or proposed, whose signature is wanted, in the order of their ids.

        A founder that is suspended is not asked, nor one whose records have lapsed, unless the proposal mends
        such records: their keys stay in the root until it names others, so nobody but the founders' nodes can
        see to it that they do not count.
        """
        proposal, state = decode_proposal(self._stored(sha256).document), self._coalition.state()
        new = proposal.founding.founders if proposal.founding else ()
        names = {each.member_id for each in (*state.founders, *new)} - {self.keys.founder.member_id}
        found = []
        for name in sorted(names):
            with suppress(MembershipError):
                self._signing.require_standing(proposal, name, state)
                found.append(name)
        return tuple(found)

    def signers(self, sha256: bytes, willing: Collection[str]) -> tuple[MemberId, ...]:
        """Whom to ask for signatures, one after the other in this order.

        Args:
            sha256: names the proposal.
            willing: founders who said that they would sign.

        Returns:
            Those of them whose signatures it lacks; nobody when all of them would not be enough.

        Raises:
            MembershipError: as `take`.
        """
        stored, state = self._stored(sha256), self._coalition.state()
        made = draft(decode_proposal(stored.document), state, self._now())
        asked: set[MemberId] = set()
        for lack in (each for role in missing(made, state, stored.signatures).values() for each in role):
            able = set(lack.founders) & set(willing)
            if len(able) < lack.count:
                return ()
            asked |= able
        return tuple(sorted(asked))

    def sign(self, sha256: bytes) -> None:
        """Signs a proposal that carries its own proof or that a person here approved.

        Raises:
            MembershipError: as `take`; `membership.proposal.unapproved` when a person has yet to decide.
        """
        proposal, state = decode_proposal(self._stored(sha256).document), self._coalition.state()
        made = draft(proposal, state, self._now())
        if not self._signing.would_sign(proposal, made, state):
            raise MembershipError(
                "this proposal needs a person's approval",
                hint="Run `symbolon coalition proposals`, then `symbolon coalition approve`.",
                code="membership.proposal.unapproved",
            )
        self._signing.sign(sha256, proposal, made)

    def add_signatures(self, sha256: bytes, signatures: Mapping[tuple[SignedRole, str], bytes]) -> None:
        """Keeps signatures of other founders; those that do not hold are left out."""
        proposal, state = decode_proposal(self._stored(sha256).document), self._coalition.state()
        made = draft(proposal, state, self._now())
        for (role, signer), signature in holding(proposal, made, state, signatures).items():
            self.store.keep_signature(sha256, role, signer, signature)

    def publish_if_complete(self, sha256: bytes) -> State | None:
        """Puts a proposal in force here, once it has the signatures it needs.

        Returns:
            The new state; None while signatures are missing, when it is in force already, and when this
            founder is none of those who sign from then on: one of them publishes it.

        Raises:
            MembershipError: it does not hold on the present state any more.
        """
        stored, state, now = self._stored(sha256), self._coalition.state(), self._now()
        if stored.version <= state.targets_version:
            return None
        proposal = decode_proposal(stored.document)
        made = draft(proposal, state, now)
        signing = proposal.founding.founders if proposal.founding else state.founders
        if missing(made, state, stored.signatures) or self.keys.founder not in signing:
            return None
        after = self._coalition.absorb(published(made, state, stored.signatures, self.keys.metadata_key, now))
        self._close_invitations(after)
        return after

    def redate(self) -> State | None:
        """Signs snapshot and timestamp again when they are a day old, the first of the founders first.

        Returns:
            The new state; None when it is not time yet, or when this node signs no more.
        """
        return self._dates.redate()

    def adopt(self, parts: Mapping[str, bytes]) -> State:
        """Takes in what another node holds, and mends what two founders who dated at once left behind.

        Args:
            parts: as another node gave them.

        Returns:
            The state in force now.

        Raises:
            MembershipError: as `CoalitionStore.absorb`.
        """
        after = self._dates.adopt(parts)
        self._close_invitations(after)
        return after

    def waiting(self) -> list[Waiting]:
        """The proposals that can yet come into force, each in words; of one posed several times, the last."""
        state = self._coalition.state()
        newest = {stored.matter: stored for stored in self._recent()}
        shown = (self._waiting(stored, state) for stored in newest.values())
        return [each for each in shown if each is not None]

    def _approved(self, proposal: Proposal, state: State, root_key: Ed25519PrivateKey | None) -> bytes:
        self._signing.require_founder(proposal, state)
        self._signing.require_standing(proposal, self.keys.founder.member_id, state)
        self.store.require_not_withdrawn(proposal.invitations)
        made = draft(proposal, state, self._now())
        if made.root is not None:
            self._signing.hold_back(made.root, root_key)
        sha256 = self._keep(proposal, encode_proposal(proposal), made, self.keys.founder.member_id)
        self.store.approve(sha256)
        try:
            if self.signers(sha256, {self.keys.founder.member_id}):
                self.sign(sha256)
            self.publish_if_complete(sha256)
        except MembershipError as error:
            if error.full_code != OVERTAKEN:
                raise
            # Another process of this node, as `symbolon serve`, has taken in what another founder made.
            return self._posed(self._stored(sha256), self._coalition.state())
        return sha256

    def _keep(self, proposal: Proposal, document: bytes, made: Draft, proposer: str) -> bytes:
        sha256 = proposal_sha256(document)
        self.store.keep_proposal(
            sha256,
            version=proposal.version,
            base=proposal.base,
            makes=members_sha256(made.members),
            matter=matter_sha256(proposal),
            routine=proposal.routine,
            document=document,
            proposer=proposer,
        )
        return sha256

    def _in_time(self, proposal: Proposal, state: State) -> bool:
        """Whether it can be signed as it stands, by founders whom nothing binds."""
        now = self._second()
        return (
            proposal.base == members_sha256(state.members)
            and proposal.version == next_version(state, now)
            and now < proposal.posed + SIGNING
        )

    def _again(self, proposal: Proposal, state: State) -> Proposal:
        """The same matter on the state that is in force now."""
        now = self._second()
        return replace(
            proposal, base=members_sha256(state.members), version=next_version(state, now), posed=now
        )

    def _second(self) -> datetime:
        return self._now().astimezone(UTC).replace(microsecond=0)

    def _finish_signed(self) -> None:
        """Puts in force what a process signed that died before it could: it binds this founder."""
        for stored in self.store.proposals_above(self._coalition.state().targets_version):
            if self._signing.signed(stored):
                with suppress(MembershipError):
                    self.publish_if_complete(stored.sha256)

    def _posed(self, stored: StoredProposal, state: State) -> bytes:
        """Names the proposal by which a matter can come into force on the present state.

        Raises:
            MembershipError: there is none.
        """
        proposal = decode_proposal(stored.document)
        in_time = self._in_time(proposal, state)
        if not in_time:
            proposal = self._again(proposal, state)
        if not self._signing.would_sign(proposal, draft(proposal, state, self._now()), state):
            raise MembershipError(
                "what it was approved on has changed",
                hint="Look at `symbolon coalition members` and `proposals`, then do it again.",
                code=OVERTAKEN,
            )
        if in_time:
            return stored.sha256
        if proposal.founding is None and proposal.acts == (Refresh(),):
            raise MembershipError("the state is newer than that", code=OVERTAKEN)
        return self._approved(proposal, state, None)

    def _recent(self) -> list[StoredProposal]:
        """All proposals that can yet come into force, and others; older versions first."""
        return self.store.proposals_since(int((self._now() - MAX_AGE).timestamp()))

    def _waiting(self, stored: StoredProposal, state: State) -> Waiting | None:
        """A proposal in words, or None when it is in force, or can never be."""
        proposal, refused, approved = decode_proposal(stored.document), "", False
        signatures, lacks = stored.signatures, dict[SignedRole, tuple[Missing, ...]]()
        if not self._in_time(proposal, state):
            steps = self.store.steps_since(stored.base, members_sha256(state.members))
            if proposal.routine or steps is None or any(stored.matter in each.matters for each in steps):
                return None
            proposal, signatures = self._again(proposal, state), {}
        try:
            made = draft(proposal, state, self._now())
            lacks = missing(made, state, signatures)
            approved = self._signing.would_sign(proposal, made, state)
        except MembershipError as error:
            if stored.base != proposal.base:
                return None
            refused = error.detail
        return Waiting(
            stored.sha256,
            stored.version,
            stored.proposer,
            in_words(proposal, state),
            lacks,
            self._signing.signed(stored),
            refused,
            approved,
            proposal.terms.decode(errors="replace"),
        )

    def _stored(self, sha256: bytes) -> StoredProposal:
        stored = self.store.proposal(sha256)
        if stored is None:
            raise MembershipError(
                f"no proposal {sha256.hex()[:12]} is known here",
                hint="Run `symbolon coalition proposals`.",
                code="membership.proposal.unknown",
            )
        return stored

    def _close_invitations(self, state: State) -> None:
        over = [
            each.sha256
            for each in self.store.invitations("offered", "approved")
            if decode_invitation_terms(each.terms).is_over(state.members)
        ]
        if over:
            self.store.use_invitations(over)
