"""What a founder must not forget: its votes, the proposals and signatures it knows, its invitations.

Handles: one vote for each version of the coalition's targets, durable before anything is signed, so that a
crash or a second process cannot make two states of one version; proposals and signatures as they come, in
any order; invitations from offered or approved to used or withdrawn, each used once. Refuses: a second vote
for another proposal of the same version. Whether a proposal or signature holds is for the caller to verify.
docs/adr/0013.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import Connection, insert, select, update

from symbolon.errors import MembershipError
from symbolon.storage.database import Database
from symbolon.storage.founding_schema import (
    founding_invitation,
    founding_proposal,
    founding_signature,
    founding_vote,
)

SignedRole = Literal["root", "targets"]
InvitationState = Literal["offered", "approved", "used", "withdrawn"]


@dataclass(frozen=True, slots=True)
class StoredProposal:
    """A proposal as it came.

    Attributes:
        sha256: 32 bytes, of the document.
        document: canonical JSON.
        proposer: the founder it came from.
        received_at_s: seconds since 1970-01-01 UTC.
        signatures: role and key id to signature.
    """

    sha256: bytes
    version: int
    document: bytes
    proposer: str
    received_at_s: int
    signatures: dict[tuple[SignedRole, str], bytes]


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

    def vote(self, version: int, sha256: bytes) -> None:
        """Writes down which proposal of a version this founder signs; the same one may be voted for again.

        Args:
            version: of the targets.
            sha256: 32 bytes, of the proposal.

        Raises:
            MembershipError: `membership.proposal.voted` when another one of this version was signed.
        """
        with self._database.transaction("vote on a proposal") as connection:
            voted = connection.execute(
                select(founding_vote.c.proposal).where(founding_vote.c.version == version)
            ).scalar_one_or_none()
            if voted is None:
                row = {"version": version, "proposal": sha256, "voted_at_s": int(self._clock())}
                connection.execute(insert(founding_vote).values(row))
            elif voted != sha256:
                raise MembershipError(
                    f"this founder signed another proposal of version {version}",
                    hint="Let that one be signed by the others, or propose again: the new one takes the next "
                    "version.",
                    code="membership.proposal.voted",
                )

    def highest_vote(self) -> int:
        """The highest version voted on, 0 before the first."""
        query = select(founding_vote.c.version).order_by(founding_vote.c.version.desc()).limit(1)
        with self._database.read("read the last vote") as connection:
            return connection.execute(query).scalar_one_or_none() or 0

    def keep_proposal(self, sha256: bytes, version: int, document: bytes, proposer: str) -> None:
        """Keeps a proposal; one that is held already stays as it is."""
        with self._database.transaction("keep a proposal") as connection:
            held = connection.execute(
                select(founding_proposal.c.sha256).where(founding_proposal.c.sha256 == sha256)
            ).one_or_none()
            if held is None:
                connection.execute(
                    insert(founding_proposal).values(
                        sha256=sha256,
                        version=version,
                        document=document,
                        proposer=proposer,
                        received_at_s=int(self._clock()),
                    )
                )

    def keep_signature(self, sha256: bytes, role: SignedRole, key_id: str, signature: bytes) -> None:
        """Keeps a signature that the caller has verified."""
        here = (
            founding_signature.c.proposal == sha256,
            founding_signature.c.role == role,
            founding_signature.c.key_id == key_id,
        )
        with self._database.transaction("keep a signature") as connection:
            if connection.execute(select(founding_signature.c.id).where(*here)).one_or_none() is None:
                connection.execute(
                    insert(founding_signature).values(
                        proposal=sha256, role=role, key_id=key_id, signature=signature
                    )
                )

    def proposal(self, sha256: bytes) -> StoredProposal | None:
        """A proposal with its signatures."""
        with self._database.read("read a proposal") as connection:
            row = connection.execute(
                select(founding_proposal).where(founding_proposal.c.sha256 == sha256)
            ).one_or_none()
            return None if row is None else _proposal(connection, row)

    def proposals_above(self, version: int) -> list[StoredProposal]:
        """Proposals of later versions than one, oldest version first."""
        query = (
            select(founding_proposal)
            .where(founding_proposal.c.version > version)
            .order_by(founding_proposal.c.version, founding_proposal.c.received_at_s)
        )
        with self._database.read("list proposals") as connection:
            return [_proposal(connection, row) for row in connection.execute(query).all()]

    def keep_invitation(self, invitation: StoredInvitation) -> None:
        """Keeps an invitation.

        Raises:
            MembershipError: `membership.invitation.known` when its hash is kept already.
        """
        with self._database.transaction("keep an invitation") as connection:
            here = founding_invitation.c.sha256 == invitation.sha256
            if connection.execute(select(founding_invitation.c.sha256).where(here)).one_or_none() is not None:
                raise MembershipError("this invitation is known already", code="membership.invitation.known")
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
                    hint="Ask the sponsor for a new invitation.",
                    code="membership.invitation.state",
                )


def _proposal(connection: Connection, row: object) -> StoredProposal:
    fields = row._mapping  # type: ignore[attr-defined]
    rows = connection.execute(
        select(founding_signature).where(founding_signature.c.proposal == fields["sha256"])
    ).all()
    signatures = {(each.role, each.key_id): each.signature for each in rows}
    return StoredProposal(**fields, signatures=signatures)
