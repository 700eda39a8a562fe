"""What a founder must not forget: its votes, the proposals and signatures it knows, its invitations.

Handles: votes, durable before anything is signed, so that a crash or a second process cannot make two states
of one version or two successors of one state; proposals, approvals and signatures as they come, in any order;
invitations from offered or approved to used or withdrawn, each used once. Refuses: a second vote for another
proposal of the same version, or on the same base while the first one binds; more proposals than a founder
has a use for. Whether a proposal or signature holds is for the caller to verify. docs/adr/0013.
"""

import threading
import time
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Literal

from sqlalchemy import ColumnElement, Connection, Row, case, delete, func, insert, or_, select, update

from symbolon.errors import MembershipError
from symbolon.membership.proposal import SignedRole, decode_proposal
from symbolon.storage.database import Database
from symbolon.storage.database_errors import StorageBusyError
from symbolon.storage.founding_schema import (
    founding_invitation,
    founding_proposal,
    founding_signature,
    founding_vote,
)

InvitationState = Literal["offered", "approved", "used", "withdrawn"]

TURN_S: Final = 20.0
"""How long a proposal waits for another of this founder; making one takes a fraction of a second."""

TURN_LOOK_S: Final = 0.02

FORGET_AFTER: Final = timedelta(days=30)
"""Proposals live for two weeks, and a person may look back; invitations are open for a month at most."""

MAX_PROPOSALS: Final = 64
"""Of one founder on one base, and as many that carry their own proof: more than it can have a use for, since
only one of them comes into force."""

MAX_PROPOSER_BYTES: Final = 16 * 1024 * 1024
"""All that is kept of one founder's proposals, of either kind: some thousands, or thirty with long terms."""

MAX_STEPS: Final = 1_000
"""States of a coalition in two weeks, many times over."""


@dataclass(frozen=True, slots=True)
class StoredProposal:
    """A proposal as it came.

    Attributes:
        sha256: 32 bytes, of the document.
        version: that it would make.
        base: 32 bytes, SHA-256 of the members.json that it starts from.
        makes: 32 bytes, SHA-256 of the members.json that it would make.
        matter: 32 bytes, names what is proposed, on whatever base.
        routine: whether all of it can carry its own proof.
        document: canonical JSON.
        proposer: the founder it came from.
        received_at_s: seconds since 1970-01-01 UTC.
        approved_at_s: likewise, when this founder approved it, or None.
        signatures: role and key id to signature.
    """

    sha256: bytes
    version: int
    base: bytes
    makes: bytes
    matter: bytes
    routine: bool
    document: bytes
    proposer: str
    received_at_s: int
    approved_at_s: int | None
    signatures: dict[tuple[SignedRole, str], bytes]


@dataclass(frozen=True, slots=True)
class Step:
    """How one state of the coalition came of the one before.

    Attributes:
        base: 32 bytes, SHA-256 of the members.json before.
        matters: of the proposals that make this step; any of them may have been put in force.
        routine: whether none of them held more than acts that can carry their own proof.
    """

    base: bytes
    matters: frozenset[bytes]
    routine: bool


@dataclass(frozen=True, slots=True)
class StoredInvitation:
    """An invitation without its code.

    Attributes:
        sha256: 32 bytes, hash of the code.
        terms: what it admits, canonical JSON.
        authority: PEM certificate by which its holder is known in a TLS handshake.
        expires_at_s: seconds since 1970-01-01 UTC.
    """

    sha256: bytes
    member: str
    sponsor: str
    terms: bytes
    authority: bytes
    expires_at_s: int
    state: InvitationState


class FoundingStore:
    """Keeps a founder's votes, proposals and invitations.

    Args:
        database: the node's.
        clock: seconds since 1970-01-01 UTC.
    """

    def __init__(self, database: Database, clock: Callable[[], float]) -> None:
        self._database = database
        self._clock = clock
        self._this_thread = threading.local()

    def vote(
        self,
        version: int,
        base: bytes,
        sha256: bytes,
        binds_until_s: int,
        invitations: Collection[bytes] = (),
    ) -> None:
        """Writes down which proposal this founder signs; the same one may be voted for again.

        Args:
            version: of the targets.
            base: 32 bytes, SHA-256 of the members.json that the proposal starts from.
            sha256: 32 bytes, of the proposal.
            binds_until_s: until then no other one on that base is signed; seconds since 1970-01-01 UTC.
            invitations: hashes of those that it answers.

        Raises:
            MembershipError: `membership.proposal.voted` when another one of this version was signed, or
                another one on this base that still binds; `membership.invitation.withdrawn`.
        """
        with self._database.transaction("vote on a proposal") as connection:
            # In one transaction: who withdraws an invitation finds the vote, or the vote finds it withdrawn.
            _require_not_withdrawn(connection, invitations)
            if not self._require_free(connection, version, base, sha256):
                row = {"version": version, "base": base, "proposal": sha256, "binds_until_s": binds_until_s}
                connection.execute(insert(founding_vote).values(row))

    def require_free(self, version: int, base: bytes, sha256: bytes) -> None:
        """Checks that nothing keeps this founder from signing a proposal; arguments as for `vote`.

        Raises:
            MembershipError: `membership.proposal.voted`.
        """
        with self._database.read("look for votes") as connection:
            self._require_free(connection, version, base, sha256)

    def _require_free(self, connection: Connection, version: int, base: bytes, sha256: bytes) -> bool:
        """As `require_free`; returns whether this very proposal was voted for."""
        binding = (founding_vote.c.base == base) & (founding_vote.c.binds_until_s > int(self._clock()))
        query = select(founding_vote.c.proposal).where(or_(founding_vote.c.version == version, binding))
        voted = set(connection.execute(query).scalars())
        if voted - {sha256}:
            raise MembershipError(
                f"this founder signed another proposal of version {version} or on the same state",
                hint="That one comes into force first, or lapses within a week; then propose again.",
                code="membership.proposal.voted",
            )
        return bool(voted)

    def keep_proposal(
        self,
        sha256: bytes,
        *,
        version: int,
        base: bytes,
        makes: bytes,
        matter: bytes,
        routine: bool,
        document: bytes,
        proposer: str,
    ) -> None:
        """Keeps a proposal, see `StoredProposal`; one that is held already stays as it is. Old ones go.

        Raises:
            MembershipError: `membership.proposal.many` when the proposer has `MAX_PROPOSALS` on this base, or
                would have more than `MAX_PROPOSER_BYTES` in all.
        """
        now_s = int(self._clock())
        here = founding_proposal.c.sha256 == sha256
        with self._database.transaction("keep a proposal") as connection:
            if connection.execute(select(founding_proposal.c.sha256).where(here)).one_or_none() is not None:
                return
            _forget(connection, now_s - int(FORGET_AFTER.total_seconds()))
            _require_room(connection, proposer, base, len(document), routine=routine)
            connection.execute(
                insert(founding_proposal).values(
                    sha256=sha256,
                    version=version,
                    base=base,
                    makes=makes,
                    matter=matter,
                    routine=routine,
                    document=document,
                    proposer=proposer,
                    received_at_s=now_s,
                    approved_at_s=None,
                )
            )

    def approve(self, sha256: bytes) -> None:
        """Writes down that this founder approves a proposal; the first time stays."""
        here = (founding_proposal.c.sha256 == sha256) & founding_proposal.c.approved_at_s.is_(None)
        with self._database.transaction("approve a proposal") as connection:
            connection.execute(update(founding_proposal).where(here).values(approved_at_s=int(self._clock())))

    def approved_bases(self, matter: bytes) -> set[bytes]:
        """The bases on which this founder approved a matter."""
        query = select(founding_proposal.c.base).where(
            founding_proposal.c.matter == matter, founding_proposal.c.approved_at_s.is_not(None)
        )
        with self._database.read("read approvals") as connection:
            return set(connection.execute(query).scalars())

    def steps_since(self, base: bytes, present: bytes) -> tuple[Step, ...] | None:
        """What led from one members.json to a later one.

        Args:
            base: 32 bytes, SHA-256 of the earlier one.
            present: 32 bytes, SHA-256 of the later one.

        Returns:
            The last step first; None when not all of it is known here.
        """
        steps: list[Step] = []
        proposal = founding_proposal.c
        with self._database.read("read what led here") as connection:
            while present != base:
                query = select(proposal.base, proposal.matter, proposal.routine).where(
                    proposal.makes == present
                )
                rows = connection.execute(query).all()
                if not rows or len(steps) == MAX_STEPS:
                    return None
                present = rows[0].base
                routine = all(each.routine for each in rows)
                steps.append(Step(present, frozenset(each.matter for each in rows), routine))
        return tuple(steps)

    def keep_signature(self, sha256: bytes, role: SignedRole, key_id: str, signature: bytes) -> None:
        """Keeps a signature that the caller has verified; of two by one key, the later one stays.

        Args:
            sha256: 32 bytes, of the proposal; or of the root itself, for a signature that is held back.
            role: what was signed.
            key_id: of the signer, as root names it.
            signature: 64 bytes.
        """
        here = (
            founding_signature.c.proposal == sha256,
            founding_signature.c.role == role,
            founding_signature.c.key_id == key_id,
        )
        with self._database.transaction("keep a signature") as connection:
            kept = connection.execute(update(founding_signature).where(*here).values(signature=signature))
            if kept.rowcount == 0:
                connection.execute(
                    insert(founding_signature).values(
                        proposal=sha256, role=role, key_id=key_id, signature=signature
                    )
                )

    def signatures(self, sha256: bytes) -> dict[tuple[SignedRole, str], bytes]:
        """The signatures under a proposal, or those held back under a root."""
        with self._database.read("read signatures") as connection:
            return _signatures(connection, sha256)

    def proposal(self, sha256: bytes) -> StoredProposal | None:
        """A proposal with its signatures."""
        with self._database.read("read a proposal") as connection:
            row = connection.execute(
                select(founding_proposal).where(founding_proposal.c.sha256 == sha256)
            ).one_or_none()
            return None if row is None else _proposal(connection, row)

    def proposals_above(self, version: int) -> list[StoredProposal]:
        """Proposals of later versions than one, oldest version first."""
        return self._proposals(founding_proposal.c.version > version)

    def proposals_since(self, received_at_s: int) -> list[StoredProposal]:
        """Proposals that came at a time or later, oldest version first."""
        return self._proposals(founding_proposal.c.received_at_s >= received_at_s)

    def _proposals(self, which: ColumnElement[bool]) -> list[StoredProposal]:
        query = (
            select(founding_proposal)
            .where(which)
            .order_by(founding_proposal.c.version, founding_proposal.c.received_at_s)
        )
        with self._database.read("list proposals") as connection:
            return [_proposal(connection, row) for row in connection.execute(query).all()]

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Has proposals of this founder made one after the other, in whichever process.

        Each starts from the state that the one before left; two at once would stand in each other's way. Who
        has the turn may take it again: what is looked up before a proposal is then still so when it is made.

        Raises:
            StorageBusyError: another one took longer than `TURN_S`.
        """
        if getattr(self._this_thread, "has_turn", False):
            yield
            return
        end_s = time.monotonic() + TURN_S
        with ExitStack() as held:
            while True:
                try:
                    held.enter_context(self._database.exclusive("founding", "change of the coalition"))
                    break
                except StorageBusyError:
                    if time.monotonic() >= end_s:
                        raise
                    time.sleep(TURN_LOOK_S)
            self._this_thread.has_turn = True
            try:
                yield
            finally:
                self._this_thread.has_turn = False

    def keep_invitation(self, invitation: StoredInvitation) -> None:
        """Keeps an invitation; those that ended long ago go.

        Raises:
            MembershipError: `membership.invitation.known` when its hash is kept already.
        """
        with self._database.transaction("keep an invitation") as connection:
            here = founding_invitation.c.sha256 == invitation.sha256
            if connection.execute(select(founding_invitation.c.sha256).where(here)).one_or_none() is not None:
                raise MembershipError("this invitation is known already", code="membership.invitation.known")
            old_s = int(self._clock()) - int(FORGET_AFTER.total_seconds())
            old = founding_invitation.c.expires_at_s < old_s
            connection.execute(delete(founding_invitation).where(old))
            connection.execute(
                insert(founding_invitation).values(
                    sha256=invitation.sha256,
                    member=invitation.member,
                    sponsor=invitation.sponsor,
                    terms=invitation.terms,
                    authority=invitation.authority,
                    expires_at_s=invitation.expires_at_s,
                    state=invitation.state,
                )
            )

    def invitations(self, *states: InvitationState) -> list[StoredInvitation]:
        """Invitations in some states that have not expired, the first to expire first."""
        query = (
            select(founding_invitation)
            .where(
                founding_invitation.c.state.in_(states),
                founding_invitation.c.expires_at_s > int(self._clock()),
            )
            .order_by(founding_invitation.c.expires_at_s, founding_invitation.c.sha256)
        )
        with self._database.read("list invitations") as connection:
            return [StoredInvitation(**row._mapping) for row in connection.execute(query)]

    def move_invitation(self, sha256: bytes, before: InvitationState, after: InvitationState) -> None:
        """Moves an invitation from one state to the next; of two callers at once one succeeds.

        Raises:
            MembershipError: `membership.invitation.state` when it is not in the state before, or expired.
        """
        with self._database.transaction("move an invitation") as connection:
            moved = connection.execute(
                update(founding_invitation)
                .where(
                    founding_invitation.c.sha256 == sha256,
                    founding_invitation.c.state == before,
                    founding_invitation.c.expires_at_s > int(self._clock()),
                )
                .values(state=after)
            )
            if moved.rowcount != 1:
                raise MembershipError(
                    f"the invitation is not {before} any more, or has expired",
                    hint="Ask the founder for a new invitation.",
                    code="membership.invitation.state",
                )

    def withdraw_invitation(self, sha256: bytes) -> list[StoredProposal]:
        """Withdraws an invitation for good; one that is withdrawn already stays so.

        Args:
            sha256: 32 bytes, hash of its code.

        Returns:
            The proposals that answer it and that this founder voted for before: each of them may be in force,
            or come into force still.

        Raises:
            MembershipError: `membership.invitation.state` when it is not known, or its member has joined.
        """
        here = founding_invitation.c.sha256 == sha256
        voted = select(founding_proposal).where(
            founding_proposal.c.sha256.in_(select(founding_vote.c.proposal))
        )
        with self._database.transaction("withdraw an invitation") as connection:
            open_still = founding_invitation.c.state.in_(["offered", "approved", "withdrawn"])
            moved = connection.execute(
                update(founding_invitation).where(here & open_still).values(state="withdrawn")
            )
            if moved.rowcount != 1:
                raise MembershipError(
                    "the invitation is not known here, or its member has joined",
                    hint="`symbolon coalition invitations` lists those that are open; a member is expelled.",
                    code="membership.invitation.state",
                )
            found = [_proposal(connection, row) for row in connection.execute(voted).all()]
        return [each for each in found if sha256 in decode_proposal(each.document).invitations]

    def require_not_withdrawn(self, invitations: Collection[bytes]) -> None:
        """Checks that none of some invitations was withdrawn, also of those that expired since.

        Args:
            invitations: hashes of their codes.

        Raises:
            MembershipError: `membership.invitation.withdrawn`.
        """
        if invitations:
            with self._database.read("look for withdrawn invitations") as connection:
                _require_not_withdrawn(connection, invitations)

    def use_invitations(self, sha256s: Iterable[bytes]) -> None:
        """Closes invitations whose members have joined; those that are used or withdrawn stay so."""
        here = founding_invitation.c.sha256.in_(list(sha256s)) & founding_invitation.c.state.in_(
            ["offered", "approved"]
        )
        with self._database.transaction("close invitations") as connection:
            connection.execute(update(founding_invitation).where(here).values(state="used"))


def _require_not_withdrawn(connection: Connection, invitations: Collection[bytes]) -> None:
    query = select(founding_invitation.c.member).where(
        founding_invitation.c.sha256.in_(list(invitations)), founding_invitation.c.state == "withdrawn"
    )
    withdrawn = connection.execute(query).scalars().first() if invitations else None
    if withdrawn is not None:
        raise MembershipError(
            f"the invitation of {withdrawn} was withdrawn",
            hint=f"If {withdrawn} is to join, a founder invites it anew.",
            code="membership.invitation.withdrawn",
        )


def _proposal(connection: Connection, row: Row[tuple[object, ...]]) -> StoredProposal:
    return StoredProposal(**row._mapping, signatures=_signatures(connection, row.sha256))


def _signatures(connection: Connection, sha256: bytes) -> dict[tuple[SignedRole, str], bytes]:
    query = select(founding_signature).where(founding_signature.c.proposal == sha256)
    return {(each.role, each.key_id): each.signature for each in connection.execute(query)}


def _forget(connection: Connection, before_s: int) -> None:
    old = select(founding_proposal.c.sha256).where(founding_proposal.c.received_at_s < before_s)
    for sha256 in connection.execute(old).scalars().all():
        connection.execute(delete(founding_signature).where(founding_signature.c.proposal == sha256))
        connection.execute(delete(founding_proposal).where(founding_proposal.c.sha256 == sha256))


def _require_room(
    connection: Connection, proposer: str, base: bytes, size_bytes: int, *, routine: bool
) -> None:
    """What members ask for and what founders decide have room apart: neither takes the other's."""
    proposal = founding_proposal.c
    on_base = func.sum(case((proposal.base == base, 1), else_=0))
    query = select(on_base, func.sum(func.length(proposal.document))).where(
        proposal.proposer == proposer, proposal.routine == routine
    )
    count, kept_bytes = connection.execute(query).one()
    if (count or 0) >= MAX_PROPOSALS or (kept_bytes or 0) + size_bytes > MAX_PROPOSER_BYTES:
        raise MembershipError(
            f"{proposer} has made more proposals than it can have a use for",
            hint="One of them comes into force first; old ones are forgotten after a month.",
            code="membership.proposal.many",
        )
