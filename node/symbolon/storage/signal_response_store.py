"""What others say about this member's signals: contests and replies that were relayed, and corroboration.

Handles: taking in a text, which waits for a person here; a contest opens the signal's dispute at once; what
that person decides; who else says the same, which the label shows as a number; and the entry that comes
before a narrative leaves. Each step is one transaction with its entry of the log; the same step again changes
nothing. Refuses: whatever is about a signal that does not stand, a second text of a member while one of its
kind waits, more texts than a person here could look at. Whether a member was given the signal is for the
caller to know. Specification: docs/PROTOCOL.md, Signal service.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any, Final

from sqlalchemy import Connection, Row, delete, func, insert, select, update

from symbolon.audit.entry import Entry
from symbolon.errors import PermissionDeniedError, SignalError, UnavailableError
from symbolon.policy.operator_roles import LOCAL
from symbolon.signals import revisions
from symbolon.signals.signal import ID_BYTES, Signal
from symbolon.signals.vocabulary import DisputeState, State
from symbolon.storage.audit_log import AuditLog
from symbolon.storage.database import Database
from symbolon.storage.seal import Sealer
from symbolon.storage.signal_change import Change, Revision, add_revision, set_contributors
from symbolon.storage.signal_columns import StoredSignal
from symbolon.storage.signal_lookup import number_of, read_signal
from symbolon.storage.signal_news import note_if_urgent
from symbolon.storage.signal_response_columns import (
    Relayed,
    ResponseKind,
    ResponseState,
    open_relayed,
    seal_relayed,
    text_digest,
)
from symbolon.storage.signal_response_schema import signal_corroboration, signal_response
from symbolon.storage.signal_schema import signal as signal_table
from symbolon.storage.signal_writer import Writer

MAX_WAITING: Final = 32
"""Texts of one member that wait: as many as somebody here reads in an afternoon. A contest of every signal at
once is an attack."""

MAX_TEXTS: Final = 16
"""Of one member and kind about one signal, over its life: a supplier has a few things to say."""

MAX_CORROBORATIONS: Final = 32
"""Of one member in a day: each is a person's own doing, and makes a new label for everybody."""

MAX_REASON_BYTES: Final = 600
"""Why a text was declined: two sentences in any script."""

_DAY_S: Final = 86_400

Sign = Callable[[Signal], bytes]
"""Makes this member's signature over a record."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How it stands with a text.

    Attributes:
        reason: why it was declined; else empty.
    """

    state: ResponseState
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Response:
    """A text that was relayed.

    Attributes:
        response_id: by which people name it.
        number: of the signal.
        peer: member that relayed it.
        received_at_s: seconds since 1970-01-01 UTC.
    """

    response_id: int
    number: int
    peer: str
    relayed: Relayed
    standing: Standing
    received_at_s: int


@dataclass(frozen=True, slots=True)
class Answer:
    """The revision by which a text is published.

    Attributes:
        signal: the next revision.
        signature: this member's, 64 bytes.
        change: as the log has it.
    """

    signal: Signal
    signature: bytes = field(repr=False)
    change: Change


class SignalResponseStore:
    """Keeps what others say about this member's signals.

    Args:
        database: the node's.
        sealer: of its sealed columns.
        clock: seconds since 1970-01-01 UTC.
        operator: pseudonym of whom every change made here is due to.
    """

    def __init__(
        self, database: Database, sealer: Sealer, clock: Callable[[], float], operator: str = LOCAL
    ) -> None:
        self._database = database
        self._sealer = sealer
        self._clock = clock
        self._audit = AuditLog(database, sealer, clock, operator)
        self._writer = Writer(sealer, self._audit, clock, operator)

    def find(self, signal_id: bytes) -> StoredSignal:
        """A signal by its whole id.

        Raises:
            SignalError: `signal.unknown`, `signal.expired`.
        """
        if len(signal_id) != ID_BYTES:
            raise SignalError("the id of a signal has another length", code="signal.unknown")
        with self._database.read("look up a signal") as connection:
            return read_signal(connection, self._sealer, number_of(connection, signal_id.hex()))

    def note_narrative(self, held: StoredSignal, entry: Entry) -> None:
        """Writes down that a narrative leaves, if the signal is still what it was when that was decided.

        Raises:
            SignalError: `signal.order`, it was revised or recalled meanwhile.
        """
        with self._database.transaction("note that a narrative leaves") as connection:
            here = signal_table.c.number == held.number
            columns = signal_table.c.revision, signal_table.c.state
            row = connection.execute(select(*columns).where(here)).first()
            if row is None or (row.revision, row.state) != (held.signal.revision, "active"):
                raise SignalError("the signal changed meanwhile", code="signal.order")
            self._audit.append_in(connection, entry)

    # ------------------------------------------------------------------------------- contests and replies

    def take(self, peer: str, number: int, relayed: Relayed, sign: Sign) -> Standing:
        """Takes a text in; a contest opens the dispute of its signal, with the words still left out.

        Args:
            peer: who relays it.
            number: of the signal.
            relayed: within its limits, plain.
            sign: of this member.

        Returns:
            How it stands with the text, if it is here already how it stands by now.

        Raises:
            SignalError: the signal does not stand, or can have no further revision.
            PermissionDeniedError: `permission.waiting`.
        """
        digest = text_digest(self._sealer, number, peer, relayed)
        with self._database.transaction("take in what a supplier says") as connection:
            held = self._standing(connection, number)
            known = signal_response.c.digest == digest
            row = connection.execute(select(signal_response).where(known)).first()
            if row is not None:
                return self._response(row).standing
            self._require_room(connection, peer, held, relayed.kind)
            response_id = (connection.execute(select(func.max(signal_response.c.id))).scalar() or 0) + 1
            connection.execute(
                insert(signal_response).values(
                    id=response_id,
                    number=number,
                    peer=peer,
                    kind=relayed.kind.value,
                    digest=digest,
                    state=ResponseState.WAITING.value,
                    received_at_s=int(self._clock()),
                    payload=seal_relayed(self._sealer, response_id, relayed),
                )
            )
            entry = self._entry(held, peer, relayed, "taken")
            self._audit.append_in(connection, entry)
            if relayed.kind is ResponseKind.CONTEST and held.signal.dispute.state is not DisputeState.OPEN:
                disputed = revisions.dispute(held.signal, self._today(), "")
                self._revise(connection, Answer(disputed, sign(disputed), "disputed"))
        return Standing(ResponseState.WAITING)

    def waiting(self) -> Sequence[Response]:
        """Texts that wait for a person here, the oldest first; of signals that stand."""
        query = (
            select(signal_response)
            .join(signal_table, signal_table.c.number == signal_response.c.number)
            .where(*_WAITING)
            .order_by(signal_response.c.id)
        )
        with self._database.read("list what suppliers say") as connection:
            return [self._response(row) for row in connection.execute(query)]

    def get(self, response_id: int) -> Response:
        """A text, whether it waits or not.

        Raises:
            SignalError: `signal.response`, there is none of this number, or nothing is left of it.
        """
        with self._database.read("look up what a supplier says") as connection:
            return self._response(self._row(connection, response_id))

    def accept(self, response_id: int, answer: Answer | None) -> None:
        """Notes that a text was accepted, with the revision that publishes it.

        Args:
            response_id: of the text.
            answer: None where the signal says so already.

        Raises:
            SignalError: `signal.response`, it waits no longer; as `SignalStore.add_revision`.
        """
        with self._database.transaction("accept what a supplier says") as connection:
            found = self._waiting(connection, response_id)
            if answer is not None:
                self._revise(connection, answer)
            self._decide(connection, found, ResponseState.ACCEPTED)

    def decline(self, response_id: int, reason: str, sign: Sign) -> bool:
        """Notes that a text was declined; a contest that rested on it alone ends as maintained.

        Args:
            response_id: of the text.
            reason: told to who relayed it.
            sign: of this member.

        Returns:
            Whether the contest has ended by it.

        Raises:
            SignalError: `signal.response`, it waits no longer; `signal.value`, the reason is none.
        """
        if not reason.strip() or not reason.isprintable() or len(reason.encode()) > MAX_REASON_BYTES:
            raise SignalError(
                f"the reason is one line of at most {MAX_REASON_BYTES} bytes", code="signal.value"
            )
        with self._database.transaction("decline what a supplier says") as connection:
            found = self._waiting(connection, response_id)
            self._decide(connection, found, ResponseState.DECLINED, reason)
            held = read_signal(connection, self._sealer, found.number)
            if found.relayed.kind is not ResponseKind.CONTEST or self._is_contested(connection, held):
                return False
            settled = revisions.settle(held.signal, self._today(), DisputeState.MAINTAINED)
            self._revise(connection, Answer(settled, sign(settled), "settled"))
        return True

    def _is_contested(self, connection: Connection, held: StoredSignal) -> bool:
        """Whether something is left by which a contest goes on, or none is open."""
        signal = held.signal
        if signal.state is not State.ACTIVE or signal.dispute.state is not DisputeState.OPEN:
            return True
        left = select(signal_response.c.id).where(
            signal_response.c.number == held.number,
            signal_response.c.kind == ResponseKind.CONTEST.value,
            signal_response.c.state == ResponseState.WAITING.value,
        )
        return bool(signal.dispute.statement) or connection.execute(left).first() is not None

    def _require_room(
        self, connection: Connection, peer: str, held: StoredSignal, kind: ResponseKind
    ) -> None:
        mine = signal_response.c.peer == peer, signal_response.c.number == held.number
        query = select(signal_response.c.state).where(*mine, signal_response.c.kind == kind.value)
        states = connection.execute(query).scalars().all()
        is_open = held.signal.dispute.state is DisputeState.OPEN and kind is ResponseKind.CONTEST
        if ResponseState.WAITING in states or (is_open and ResponseState.ACCEPTED in states):
            raise _refuse(f"{peer} relays a second {kind} of a signal while one is open")
        if len(states) >= MAX_TEXTS:
            raise _refuse(f"{peer} relays more than {MAX_TEXTS} texts of one kind about one signal")
        joined = select(func.count()).select_from(
            signal_response.join(signal_table, signal_table.c.number == signal_response.c.number)
        )
        waiting = connection.execute(joined.where(*_WAITING, signal_response.c.peer == peer)).scalar_one()
        if waiting >= MAX_WAITING:
            raise _refuse(f"{waiting} texts that {peer} relayed wait already")

    def _decide(
        self, connection: Connection, found: Response, state: ResponseState, reason: str = ""
    ) -> None:
        values = {
            "state": state.value,
            "decided_at_s": int(self._clock()),
            "payload": seal_relayed(self._sealer, found.response_id, found.relayed, reason),
        }
        here = signal_response.c.id == found.response_id
        connection.execute(update(signal_response).where(here).values(values))
        held = read_signal(connection, self._sealer, found.number)
        self._audit.append_in(connection, self._entry(held, found.peer, found.relayed, state.value))

    def _waiting(self, connection: Connection, response_id: int) -> Response:
        found = self._response(self._row(connection, response_id))
        if found.standing.state is not ResponseState.WAITING:
            raise SignalError(
                f"number {response_id} was {found.standing.state} already",
                hint="`symbolon signals pending` shows what waits.",
                code="signal.response",
            )
        return found

    def _row(self, connection: Connection, response_id: int) -> Row[Any]:
        here = signal_response.c.id == response_id, signal_response.c.payload.is_not(None)
        row = connection.execute(select(signal_response).where(*here)).first()
        if row is None:
            raise SignalError(
                f"nothing that a supplier said has the number {response_id}",
                hint="`symbolon signals pending` shows what waits.",
                code="signal.response",
            )
        return row

    def _response(self, row: Row[Any]) -> Response:
        relayed, reason = open_relayed(self._sealer, row.id, row.kind, row.payload)
        standing = Standing(ResponseState(row.state), reason)
        return Response(row.id, row.number, row.peer, relayed, standing, row.received_at_s)

    def _entry(self, held: StoredSignal, peer: str, relayed: Relayed, note: str) -> Entry:
        return Entry("contested", peer, held.signal.hex_id, relayed.kind.value, relayed.purpose, note=note)

    # -------------------------------------------------------------------------------------- corroboration

    def corroborate(self, peer: str, number: int, purpose: str) -> bool:
        """Counts a member among those who say the same.

        Returns:
            Whether it was not among them before.

        Raises:
            SignalError: the signal does not stand.
            UnavailableError: `unavailable.busy`, the member has corroborated too much today.
        """
        table, now_s = signal_corroboration, int(self._clock())
        with self._database.transaction("corroborate a signal") as connection:
            held = self._standing(connection, number)
            here = table.c.number == number, table.c.peer == peer
            if connection.execute(select(table.c.peer).where(*here)).first() is not None:
                return False
            lately = table.c.peer == peer, table.c.at_s > now_s - _DAY_S
            count = connection.execute(select(func.count()).select_from(table).where(*lately)).scalar_one()
            if count >= MAX_CORROBORATIONS:
                raise UnavailableError(
                    f"{peer} corroborates more than {MAX_CORROBORATIONS} signals in a day",
                    code="unavailable.busy",
                )
            connection.execute(insert(table).values(number=number, peer=peer, at_s=now_s))
            self._count(connection, held, peer, purpose, "given")
            note_if_urgent(connection, self._sealer, number, self._today())
        return True

    def withdraw(self, peer: str, number: int, purpose: str) -> bool:
        """Counts a member no longer among those who say the same.

        Returns:
            Whether it was among them.

        Raises:
            SignalError: the signal does not stand.
        """
        table = signal_corroboration
        with self._database.transaction("withdraw a corroboration") as connection:
            held = self._standing(connection, number)
            here = table.c.number == number, table.c.peer == peer
            if not connection.execute(delete(table).where(*here)).rowcount:
                return False
            self._count(connection, held, peer, purpose, "withdrawn")
        return True

    def keep_voices(self, members: Collection[str]) -> int:
        """Counts those no longer who are members no more: for what they said nobody answers.

        Args:
            members: ids of all that there are, suspended ones too.

        Returns:
            How many voices went.
        """
        table = signal_corroboration
        with self._database.read("look whose voices count") as connection:
            peers = frozenset(connection.execute(select(table.c.peer).distinct()).scalars())
        gone = sorted(peers.difference(members))
        if not gone:
            return 0
        with self._database.transaction("drop voices of former members") as connection:
            rows = connection.execute(
                select(table).where(table.c.peer.in_(gone)).order_by(table.c.number)
            ).all()
            for row in rows:
                here = table.c.number == row.number, table.c.peer == row.peer
                connection.execute(delete(table).where(*here))
                held = read_signal(connection, self._sealer, row.number)
                self._count(connection, held, row.peer, "", "no member any more")
        return len(rows)

    def corroborating(self, number: int) -> Sequence[str]:
        """The other members that say the same as a signal, ascending."""
        table = signal_corroboration
        query = select(table.c.peer).where(table.c.number == number).order_by(table.c.peer)
        with self._database.read("read who says the same as a signal") as connection:
            return connection.execute(query).scalars().all()

    def _count(self, connection: Connection, held: StoredSignal, peer: str, purpose: str, note: str) -> None:
        table = signal_corroboration
        query = select(func.count()).select_from(table).where(table.c.number == held.number)
        others = connection.execute(query).scalar_one()
        set_contributors(connection, self._sealer, held.number, 1 + others)
        entry = Entry("corroborated", peer, held.signal.hex_id, purpose=purpose, note=note)
        self._audit.append_in(connection, entry)

    # ---------------------------------------------------------------------------------------------- both

    def _standing(self, connection: Connection, number: int) -> StoredSignal:
        """A signal that stands.

        Raises:
            SignalError: `signal.unknown`, `signal.expired`, `signal.recalled`.
        """
        held = read_signal(connection, self._sealer, number)
        if held.signal.is_expired(self._today()):
            raise SignalError("the signal's time is over", code="signal.expired")
        if held.signal.state is not State.ACTIVE:
            raise SignalError("the signal was recalled", code="signal.recalled")
        return held

    def _revise(self, connection: Connection, answer: Answer) -> None:
        revision = Revision(answer.signal, answer.signature, answer.change)
        add_revision(connection, self._writer, revision, self._today())

    def _today(self) -> date:
        return datetime.fromtimestamp(self._clock(), UTC).date()


_WAITING: Final = (
    signal_response.c.state == ResponseState.WAITING.value,
    signal_response.c.payload.is_not(None),
    signal_table.c.state == "active",
)
"""What waits for a person, of signals that stand."""


def _refuse(detail: str) -> PermissionDeniedError:
    return PermissionDeniedError(detail, code="permission.waiting")
