"""Agreements of this node: what it offered, what it was offered, what both signed, what was withdrawn.

Handles: each step in one transaction with its entry of the log; the same step again changes nothing. A
signature is kept beside the document that it is for, and an agreement is in force here while both are held,
hold against the keys that both members have now, and neither side has withdrawn it. Refuses: whatever would
bring a withdrawn one back. Whether what comes from a peer holds is for the caller to verify before it is
taken. Specification: docs/adr/0014.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, Literal

from sqlalchemy import Connection, delete, insert, select, update

from symbolon.errors import MembershipError
from symbolon.membership.agreement import (
    Agreement,
    SignedAgreement,
    agreement_sha256,
    decode_agreement,
    verify_signature,
)
from symbolon.membership.canonical_json import date_text
from symbolon.membership.member import MemberId
from symbolon.membership.member_record import Members
from symbolon.storage.agreement_schema import agreement as table
from symbolon.storage.database import Database

MAX_OPEN_OFFERS: Final = 16
"""Of one peer, that nobody here has answered: more than two members have purposes to agree on; older ones
fall out, so that the newest, which somebody may be waiting for, is always there."""

State = Literal["offered", "waiting", "in_force", "withdrawn", "withdrawn_by_peer"]
"""Signed here only; signed by the peer only; signed by both; ended here; ended by the peer."""

Standing = State | Literal["ended", "void"]
"""`ended`: its last day is over. `void`: who signed is no member any more, or has other keys."""

AgreementEvent = Literal["offered", "agreed", "disagreed"]

Note = Callable[[Connection, AgreementEvent, str, str, SignedAgreement], None]
"""Writes an entry of the log within the transaction: the event, the peer, what happened in words, and what
was signed by whom at that time."""

_DID: Final[Mapping[AgreementEvent, str]] = {
    "offered": "offered",
    "agreed": "agreed",
    "disagreed": "withdrawn",
}

_OPEN: Final = ("offered", "waiting", "in_force")


@dataclass(frozen=True, slots=True)
class StoredAgreement:
    """An agreement and how it stands between this member and another.

    Attributes:
        sha256: 32 bytes, of the document.
        peer: the other member.
        document: canonical JSON.
        agreement: the same, decoded.
        own_signature: 64 bytes, or None where nobody here signed.
        peer_signature: 64 bytes, or None where it is not held.
        told: whether the peer knows of this state.
        changed_at_s: since when it is in this state, seconds since 1970-01-01 UTC.
    """

    sha256: bytes
    peer: str
    document: bytes
    agreement: Agreement
    own_signature: bytes | None
    peer_signature: bytes | None
    state: State
    told: bool
    changed_at_s: int


class AgreementStore:
    """Keeps agreements.

    Args:
        database: the node's.
        own: this member.
        clock: seconds since 1970-01-01 UTC.
        members: who is a member now, and by which keys.
        note: writes the log.
    """

    def __init__(
        self,
        database: Database,
        own: MemberId,
        clock: Callable[[], float],
        members: Callable[[], Members],
        note: Note,
    ) -> None:
        self._database = database
        self._own = own
        self._clock = clock
        self._members = members
        self._note = note

    def all(self) -> list[StoredAgreement]:
        """All of them, the oldest first."""
        with self._database.read("list agreements") as connection:
            return [_stored(row) for row in connection.execute(select(table).order_by(table.c.id))]

    def with_peer(self, peer: str) -> list[StoredAgreement]:
        """Those with one member, the newest first."""
        query = select(table).where(table.c.peer == peer).order_by(table.c.id.desc())
        with self._database.read("list agreements with a member") as connection:
            return [_stored(row) for row in connection.execute(query)]

    def find(self, sha256: bytes) -> StoredAgreement | None:
        """The one of this name."""
        with self._database.read("look up an agreement") as connection:
            return _find(connection, sha256)

    def in_force(self, peer: str, purpose: str, day: date) -> SignedAgreement | None:
        """The newest agreement that permits matching with a peer, verified against the keys of today.

        Args:
            peer: the other member.
            purpose: of the match.
            day: today, UTC.

        Raises:
            MembershipError: nothing is known of who is a member now.
        """
        for each in self._standing_in_force(peer, day):
            if each.agreement.covers(purpose, day):
                return SignedAgreement(each.document, self._signatures(each))
        return None

    def purposes(self, peer: str, day: date) -> frozenset[str]:
        """The purposes for which `in_force` gives an agreement with a peer; arguments as there."""
        found = self._standing_in_force(peer, day)
        return frozenset(purpose for each in found for purpose in each.agreement.purposes)

    def _standing_in_force(self, peer: str, day: date) -> Iterator[StoredAgreement]:
        """Those with a peer that are in force on a day, the newest first."""
        text = date_text(day)
        query = select(table).where(
            table.c.peer == peer,
            table.c.state == "in_force",
            table.c.first_day <= text,
            table.c.last_day >= text,
        )
        with self._database.read("look for an agreement in force") as connection:
            rows = connection.execute(query.order_by(table.c.id.desc())).all()
        return (each for each in map(_stored, rows) if self.standing(each, day) == "in_force")

    def standing(self, held: StoredAgreement, day: date) -> Standing:
        """How an agreement stands on a day.

        Args:
            held: as it was read.
            day: today, UTC.

        Raises:
            MembershipError: nothing is known of who is a member now.
        """
        if held.state not in _OPEN:
            return held.state
        if held.agreement.last_day < day:
            return "ended"
        members = self._members()
        try:
            for member_id, signature in self._signatures(held).items():
                verify_signature(members, held.agreement, member_id, signature)
        except MembershipError:
            return "void"
        return held.state

    def sign(self, document: bytes, signature: bytes) -> StoredAgreement:
        """Writes down that a person of this node signed.

        Args:
            document: canonical JSON, of this member and another.
            signature: this member's, 64 bytes.

        Returns:
            The agreement, in force where the peer had signed it.

        Raises:
            MembershipError: `membership.agreement.withdrawn`.
        """
        with self._database.transaction("sign an agreement") as connection:
            held = _find(connection, agreement_sha256(document))
            if held is None:
                return self._insert(connection, document, "offered", own_signature=signature, told=False)
            _require_not_withdrawn(held)
            if held.state != "waiting":
                return held
            return self._change(connection, held, "in_force", told=False, own_signature=signature)

    def take(self, document: bytes, signature: bytes) -> StoredAgreement:
        """Takes what the peer signed, and the caller verified; nothing is signed here.

        Args:
            document: canonical JSON, of this member and another.
            signature: the peer's, 64 bytes.

        Returns:
            The agreement, in force where a person of this node had signed it.

        Raises:
            MembershipError: `membership.agreement.withdrawn`.
        """
        with self._database.transaction("take an agreement of a peer") as connection:
            held = _find(connection, agreement_sha256(document))
            if held is None:
                made = self._insert(connection, document, "waiting", peer_signature=signature, told=True)
                _make_room(connection, made.peer)
                return made
            _require_not_withdrawn(held)
            if held.state != "offered":
                return held
            return self._change(connection, held, "in_force", told=True, peer_signature=signature)

    def withdraw(self, sha256: bytes) -> None:
        """Ends an agreement, an offer, or what waits for an answer, on this side; the peer is to be told."""
        with self._database.transaction("withdraw an agreement") as connection:
            held = _find(connection, sha256)
            if held is not None and held.state in _OPEN:
                self._change(connection, held, "withdrawn", told=False)

    def withdraw_by_peer(self, peer: str, sha256: bytes) -> bool:
        """Ends what the peer withdrew; an offer that nobody here signed is dropped.

        Returns:
            Whether it was in force.

        Raises:
            MembershipError: `membership.agreement.foreign`, it is between other members.
        """
        with self._database.transaction("take the withdrawal of a peer") as connection:
            held = _find(connection, sha256)
            if held is None:
                return False
            if held.peer != peer:
                raise MembershipError(
                    f"{peer} withdraws an agreement with {held.peer}", code="membership.agreement.foreign"
                )
            if held.state == "waiting":
                connection.execute(delete(table).where(table.c.sha256 == sha256))
                self._log(connection, "disagreed", held, peer)
            elif held.state in _OPEN:
                self._change(connection, held, "withdrawn_by_peer", told=True)
            return held.state == "in_force"

    def untold(self) -> list[StoredAgreement]:
        """Those of which the peer does not know the present state, the oldest first."""
        query = select(table).where(table.c.told.is_(False)).order_by(table.c.id)
        with self._database.read("list what peers have to hear of agreements") as connection:
            return [_stored(row) for row in connection.execute(query)]

    def told(self, held: StoredAgreement) -> None:
        """Writes down that the peer knows of the state that was read; one that changed since stays untold."""
        same = (table.c.sha256 == held.sha256) & (table.c.state == held.state)
        with self._database.transaction("note that a peer heard of an agreement") as connection:
            connection.execute(update(table).where(same).values(told=True))

    def _signatures(self, held: StoredAgreement) -> dict[MemberId, bytes]:
        pairs = ((self._own, held.own_signature), (MemberId(held.peer), held.peer_signature))
        return {who: each for who, each in pairs if each is not None}

    def _insert(
        self,
        connection: Connection,
        document: bytes,
        state: State,
        *,
        told: bool,
        own_signature: bytes | None = None,
        peer_signature: bytes | None = None,
    ) -> StoredAgreement:
        decoded = decode_agreement(document)
        made = StoredAgreement(
            sha256=agreement_sha256(document),
            peer=decoded.other(self._own),
            document=document,
            agreement=decoded,
            own_signature=own_signature,
            peer_signature=peer_signature,
            state=state,
            told=told,
            changed_at_s=int(self._clock()),
        )
        connection.execute(
            insert(table).values(
                sha256=made.sha256,
                peer=made.peer,
                document=document,
                own_signature=own_signature,
                peer_signature=peer_signature,
                first_day=date_text(decoded.first_day),
                last_day=date_text(decoded.last_day),
                state=state,
                told=told,
                changed_at_s=made.changed_at_s,
            )
        )
        self._log(connection, "offered", made, self._own if own_signature else made.peer)
        return made

    def _change(
        self,
        connection: Connection,
        held: StoredAgreement,
        state: State,
        *,
        told: bool,
        **signature: bytes,
    ) -> StoredAgreement:
        changed = {"state": state, "told": told, "changed_at_s": int(self._clock()), **signature}
        connection.execute(update(table).where(table.c.sha256 == held.sha256).values(changed))
        found = _find(connection, held.sha256)
        assert found is not None
        here = state == "withdrawn" or "own_signature" in signature
        event: AgreementEvent = "agreed" if state == "in_force" else "disagreed"
        self._log(connection, event, found, self._own if here else held.peer)
        return found

    def _log(self, connection: Connection, event: AgreementEvent, held: StoredAgreement, by: str) -> None:
        what = held.agreement
        words = (
            f"{_DID[event]} by {by}: agreement sha256 {held.sha256.hex()} for {', '.join(what.purposes)} "
            f"from {what.first_day} to {what.last_day}"
        )
        signed = SignedAgreement(held.document, self._signatures(held))
        self._note(connection, event, held.peer, words, signed)


def _find(connection: Connection, sha256: bytes) -> StoredAgreement | None:
    row = connection.execute(select(table).where(table.c.sha256 == sha256)).first()
    return None if row is None else _stored(row)


def _make_room(connection: Connection, peer: str) -> None:
    """Drops what the peer offered before its newest offers."""
    waiting = (table.c.peer == peer) & (table.c.state == "waiting")
    newest = select(table.c.id).where(waiting).order_by(table.c.id.desc())
    old = connection.execute(newest.offset(MAX_OPEN_OFFERS)).scalars().all()
    if old:
        connection.execute(delete(table).where(table.c.id.in_(old)))


def _require_not_withdrawn(held: StoredAgreement) -> None:
    if held.state not in _OPEN:
        raise MembershipError(
            f"the agreement with {held.peer} was withdrawn",
            hint="What was withdrawn stays so; `symbolon policy agree` offers another one.",
            code="membership.agreement.withdrawn",
        )


def _stored(row: Any) -> StoredAgreement:
    document = bytes(row.document)
    return StoredAgreement(
        sha256=bytes(row.sha256),
        peer=row.peer,
        document=document,
        agreement=decode_agreement(document),
        own_signature=_bytes(row.own_signature),
        peer_signature=_bytes(row.peer_signature),
        state=row.state,
        told=row.told,
        changed_at_s=row.changed_at_s,
    )


def _bytes(value: Any) -> bytes | None:
    return None if value is None else bytes(value)
