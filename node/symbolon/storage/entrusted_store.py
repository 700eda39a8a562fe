"""Signals that this member publishes for others: own signals with ids of their own, and for whom they are.

Handles: a contributor's first revision, which becomes an own signal; its later ones, which become the next of
it; recalls, also of what never came; the same revision again, which changes nothing and has the same answer;
showing a signal as this member's own once too few of a contributor's kind are left. Each is a transaction.
Refuses, by `signals.revisions`: a revision that is not higher than the newest one, another content under its
number, anything after a recall; and an id that somebody else has used. Whether the contributor may have its
signals published here, and whether it signed them, is for the caller to know.
Specification: docs/signals.md, Delegated publishing.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from typing import Any, Final

from sqlalchemy import Connection, Row, func, insert, null, select, update

from symbolon.errors import PermissionDeniedError, SignalError
from symbolon.policy.operator_roles import LOCAL
from symbolon.signals.entrusting import first_revision, next_revision, same_again
from symbolon.signals.record_codec import decode_stored_signal
from symbolon.signals.revisions import check_follows
from symbolon.signals.signal import Signal
from symbolon.signals.vocabulary import ShownAs, State
from symbolon.storage import signal_intake as taking_in
from symbolon.storage import signal_keys as keying
from symbolon.storage.audit_log import AuditLog
from symbolon.storage.database import Database
from symbolon.storage.delegation_columns import (
    EntrustedSignal,
    entrusted_digest,
    entrusted_id_digest,
    open_entrusted,
    seal_entrusted,
)
from symbolon.storage.delegation_schema import signal_entrusted
from symbolon.storage.seal import Sealer
from symbolon.storage.signal_change import Change, Revision, add_revision, set_shown_as
from symbolon.storage.signal_intake import NewSignal
from symbolon.storage.signal_lookup import read_signal, require_number
from symbolon.storage.signal_schema import signal as signal_table
from symbolon.storage.signal_writer import Writer
from symbolon.storage.supplier_keys import KeyMaker, make_keys

MAX_OF_ONE: Final = 10_000
"""Signals of one member that are published here and not erased: more than any organisation has written."""

Sign = Callable[[Signal], bytes]
"""Makes this member's signature over a record."""


@dataclass(frozen=True, slots=True)
class Offered:
    """A contributor's revision as it came.

    Attributes:
        contributor: who signed it.
        theirs: the revision.
        document: as `record_codec` has it.
        shown_as: by what it may be shown now: the contributor's kind, or the publisher.
        signal_id: 16 fresh random bytes, for an own signal if it comes to one.
    """

    contributor: str = field(repr=False)
    theirs: Signal = field(repr=False)
    document: bytes = field(repr=False)
    shown_as: ShownAs
    signal_id: bytes


@dataclass(frozen=True, slots=True)
class Taken:
    """What a contributor's revision came to.

    Attributes:
        signal_id: of the own signal; empty where there is none: it was recalled before it came.
        revision: own one that it came to; 0 where there is none.
        shown_as: by what the signal names its contributor now.
    """

    signal_id: bytes = b""
    revision: int = 0
    shown_as: ShownAs = ShownAs.PUBLISHER


class EntrustedStore:
    """Keeps what this member publishes for others.

    Args:
        database: the node's.
        sealer: of its sealed columns.
        clock: seconds since 1970-01-01 UTC.
        operator: pseudonym of whom every change made here is due to.
        key_maker: makes match keys and curve points; a function of a module.
    """

    def __init__(
        self,
        database: Database,
        sealer: Sealer,
        clock: Callable[[], float],
        operator: str = LOCAL,
        *,
        key_maker: KeyMaker = make_keys,
    ) -> None:
        self._database = database
        self._sealer = sealer
        self._clock = clock
        self._key_maker = key_maker
        self._writer = Writer(sealer, AuditLog(database, sealer, clock, operator), clock, operator)

    # -------------------------------------------------------------------------------------------- taking in

    def take(self, offered: Offered, sign: Sign) -> Taken:
        """Takes a revision in.

        Args:
            offered: that its contributor signed.
            sign: of this member.

        Raises:
            SignalError: `signal.order`, `signal.subject`, `signal.supplier_side`, `signal.recalled`,
                `signal.expired`, `signal.clock`, `signal.value`; `signal.exists`, somebody else has the id.
            PermissionDeniedError: `permission.many`, it has too many signals here.
        """
        made = []
        if self.find(offered.contributor, offered.theirs.signal_id) is None:
            record = offered.theirs.subject.record.to_json()
            # Takes long, so it comes before the transaction; whom a signal is about never changes.
            made = keying.make_new([record], self._key_maker, 0, None)
        with self._database.transaction("take in what another member has published here") as connection:
            row = self._row(connection, offered)
            if row is None:
                return self._begin(connection, offered, sign, made)
            return self._go_on(connection, row, offered, sign)

    def _begin(
        self, connection: Connection, offered: Offered, sign: Sign, made: Sequence[keying.MadeKeys]
    ) -> Taken:
        self._require_new(connection, offered)
        theirs, number, taken = offered.theirs, None, Taken(shown_as=offered.shown_as)
        if theirs.state is not State.RECALLED:
            own = first_revision(theirs, offered.signal_id, self._today())
            new = NewSignal(own, sign(own), shown_as=offered.shown_as)
            prepared = taking_in.prepare(self._sealer, [new], self._today())
            number = taking_in.store(connection, self._writer, prepared)
            keying.store_new(connection, self._sealer, number, made)
            taken = Taken(own.signal_id, own.revision, offered.shown_as)
        # What was recalled before it came is kept too: an earlier revision may still be on its way.
        row = (connection.execute(select(func.max(signal_entrusted.c.id))).scalar() or 0) + 1
        kept = EntrustedSignal(
            offered.contributor, theirs.signal_id, offered.document, taken.revision, taken.shown_as
        )
        connection.execute(
            insert(signal_entrusted).values(
                id=row,
                digest=entrusted_digest(self._sealer, offered.contributor, theirs.signal_id),
                id_digest=entrusted_id_digest(self._sealer, theirs.signal_id),
                number=number,
                payload=seal_entrusted(self._sealer, row, kept),
            )
        )
        return taken

    def _require_new(self, connection: Connection, offered: Offered) -> None:
        theirs = offered.theirs
        id_digest = signal_entrusted.c.id_digest == entrusted_id_digest(self._sealer, theirs.signal_id)
        own = signal_table.c.signal_id == theirs.hex_id
        for query in (
            select(signal_entrusted.c.id).where(id_digest),
            select(signal_table.c.number).where(own),
        ):
            if connection.execute(query).first() is not None:
                raise SignalError("a signal has an id that somebody else uses", code="signal.exists")
        rows = connection.execute(select(signal_entrusted).where(signal_entrusted.c.payload.is_not(None)))
        mine = sum(self._opened(row).contributor == offered.contributor for row in rows)
        if mine >= MAX_OF_ONE and theirs.state is not State.RECALLED:
            raise PermissionDeniedError(
                f"a member has {MAX_OF_ONE:,} signals published here already", code="permission.many"
            )

    def _go_on(self, connection: Connection, row: Row[Any], offered: Offered, sign: Sign) -> Taken:
        if row.payload is None:
            raise SignalError("the signal's time is over, and nothing of it is left", code="signal.expired")
        kept, theirs, today = self._opened(row), offered.theirs, self._today()
        if offered.document == kept.document:
            return self._answer(connection, row, kept)
        before = decode_stored_signal(kept.document)
        check_follows(before, theirs)
        own = read_signal(connection, self._sealer, row.number).signal
        new = next_revision(own, before, theirs, today)
        shown_as = kept.shown_as
        if shown_as is not offered.shown_as and theirs.state is not State.RECALLED:
            # Too few of its kind are left. Once it was shown as this member's own, it stays so.
            shown_as = ShownAs.PUBLISHER
        if new is None and shown_as is not kept.shown_as:
            new = same_again(own, today)
        if new is not None:
            change: Change = "recalled" if new.state is State.RECALLED else "revised"
            add_revision(connection, self._writer, Revision(new, sign(new), change), today)
        if shown_as is not kept.shown_as:
            set_shown_as(connection, self._sealer, row.number, shown_as)
        made = own.revision if new is None else new.revision
        kept = replace(kept, document=offered.document, made=made, shown_as=shown_as)
        self._write(connection, row, kept)
        return self._answer(connection, row, kept)

    def _answer(self, connection: Connection, row: Row[Any], kept: EntrustedSignal) -> Taken:
        if row.number is None:
            return Taken(shown_as=kept.shown_as)
        held = require_number(connection, row.number)
        return Taken(bytes.fromhex(held.signal_id), kept.made, kept.shown_as)

    # ---------------------------------------------------------------------------------------------- reading

    def find(self, contributor: str, signal_id: bytes) -> tuple[int | None, EntrustedSignal] | None:
        """A contributor's signal by the id that it has there, with the number of the own one, if any.

        Returns:
            None where there is none, or nothing is left of it.
        """
        digest = entrusted_digest(self._sealer, contributor, signal_id)
        query = select(signal_entrusted).where(signal_entrusted.c.digest == digest)
        with self._database.read("look up what is published for another member") as connection:
            row = connection.execute(query).first()
        return None if row is None or row.payload is None else (row.number, self._opened(row))

    def contributors(self) -> dict[int, EntrustedSignal]:
        """For whom signals are published, by the number of each."""
        here = signal_entrusted.c.number.is_not(None), signal_entrusted.c.payload.is_not(None)
        query = select(signal_entrusted).where(*here).order_by(signal_entrusted.c.number)
        with self._database.read("list what is published for others") as connection:
            return {row.number: self._opened(row) for row in connection.execute(query)}

    def contributor(self, number: int) -> str:
        """For whom a signal is published; '' where it is this member's own."""
        here = signal_entrusted.c.number == number, signal_entrusted.c.payload.is_not(None)
        with self._database.read("look for whom a signal is published") as connection:
            row = connection.execute(select(signal_entrusted).where(*here)).first()
        return "" if row is None else self._opened(row).contributor

    # ------------------------------------------------------------------------------------------- by itself

    def show_as_publisher(self, number: int, sign: Sign) -> bool:
        """Shows a signal as this member's own from now on, by a revision of its own; whether it did not."""
        with self._database.transaction("show a signal as this member's own") as connection:
            row = connection.execute(
                select(signal_entrusted).where(signal_entrusted.c.number == number)
            ).first()
            if row is None or row.payload is None:
                return False
            kept, today = self._opened(row), self._today()
            own = read_signal(connection, self._sealer, number).signal
            if kept.shown_as is ShownAs.PUBLISHER or own.state is State.RECALLED or own.is_expired(today):
                return False
            new = same_again(own, today)
            add_revision(connection, self._writer, Revision(new, sign(new), "revised"), today)
            set_shown_as(connection, self._sealer, number, ShownAs.PUBLISHER)
            self._write(connection, row, replace(kept, shown_as=ShownAs.PUBLISHER))
        return True

    def forget_expired(self) -> int:
        """Erases for whom signals were published that are erased; returns of how many."""
        table = signal_entrusted
        gone = select(signal_table.c.number).where(signal_table.c.state == "expired")
        here = table.c.number.in_(gone), table.c.payload.is_not(None)
        with self._database.read("look for signals of others that are erased") as connection:
            over = self._unborn_over(connection)
            if not over and connection.execute(select(table.c.id).where(*here).limit(1)).first() is None:
                return 0
        with self._database.transaction("erase for whom signals were published") as connection:
            erased = connection.execute(update(table).where(*here).values(payload=null())).rowcount
            for row in over:
                connection.execute(update(table).where(table.c.id == row).values(payload=null()))
        return erased + len(over)

    def _unborn_over(self, connection: Connection) -> list[int]:
        """Rows of signals that were recalled before they came, and whose time is over."""
        here = signal_entrusted.c.number.is_(None), signal_entrusted.c.payload.is_not(None)
        rows = connection.execute(select(signal_entrusted).where(*here)).all()
        today = self._today()
        return [row.id for row in rows if decode_stored_signal(self._opened(row).document).is_expired(today)]

    def _row(self, connection: Connection, offered: Offered) -> Row[Any] | None:
        digest = entrusted_digest(self._sealer, offered.contributor, offered.theirs.signal_id)
        return connection.execute(select(signal_entrusted).where(signal_entrusted.c.digest == digest)).first()

    def _write(self, connection: Connection, row: Row[Any], kept: EntrustedSignal) -> None:
        sealed = seal_entrusted(self._sealer, row.id, kept)
        here = signal_entrusted.c.id == row.id
        connection.execute(update(signal_entrusted).where(here).values(payload=sealed))

    def _opened(self, row: Row[Any]) -> EntrustedSignal:
        return open_entrusted(self._sealer, row.id, row.payload)

    def _today(self) -> date:
        return datetime.fromtimestamp(self._clock(), UTC).date()
