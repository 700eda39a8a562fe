"""The signals that other members released to this one: taking in, showing, forgetting.

Handles: what is held of a peer, for the rules to judge by; storing what a session came to, in its own
transaction; views with the signature checked once more; narratives, asked for one by one; expiry and the
terms of peers; legal holds. What one purpose brought is shown for that purpose alone; that a signal was
recalled, and the highest revision seen, hold for all. Refuses: content that is older than what is held or was
recalled meanwhile, a narrative of another revision, an id that nothing or more than one has.
Specification: docs/signals.md, Taking in.
"""

import contextlib
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

import numpy as np
from sqlalchemy import Connection, and_, delete, func, insert, select

from symbolon.errors import SignalError
from symbolon.signals.facts import day_number, numbered_day
from symbolon.signals.found_labels import FoundLabels
from symbolon.signals.free_text import is_plain
from symbolon.signals.intake import Found, HeldSignal, HeldState, Intake, claimed_id
from symbolon.signals.signal import MAX_NARRATIVE_CHARS
from symbolon.storage import received_signal_erasure as erasing
from symbolon.storage import received_signal_hold as holding
from symbolon.storage.database import Database
from symbolon.storage.database_errors import StorageBusyError
from symbolon.storage.exchange_receiver_store import ReceiverStore
from symbolon.storage.match_store import MatchStore
from symbolon.storage.received_signal_columns import NO_LINKS, Chunks, label_digest, seal_narrative
from symbolon.storage.received_signal_reader import Reader, only, row_of
from symbolon.storage.received_signal_schema import (
    received_feed,
    received_form,
    received_narrative,
    received_signal,
)
from symbolon.storage.received_signal_view import (
    Feed,
    KeptContent,
    Publishers,
    ReceivedCounts,
    ReceivedHold,
    ReceivedView,
    Tombstone,
    read_label,
)
from symbolon.storage.received_signal_writer import FeedPosition, Writer
from symbolon.storage.seal import Sealer
from symbolon.storage.signal_columns import pieces

ERASED_AT_ONCE: Final = 1000
"""Signals erased in one transaction, so that no other writer waits for long."""

Alone = Callable[[str], AbstractContextManager[None]]
"""See `Database.exclusive`: raises `StorageBusyError` where another exchange asks the peer."""

_STATES: Final = {each.value: each for each in HeldState}
_HELD_COLUMNS: Final = ("signal_id", "revision", "state", "first_received_at_s", "expires_day")


@dataclass(frozen=True, slots=True)
class Erased:
    """What `erase_due` erased: labels with what belongs to them, rows that only remembered, and holds."""

    forms: int = 0
    rows: int = 0
    holds: int = 0


class ReceivedSignalStore:
    """Keeps what other members released to this one.

    Args:
        database: the node's.
        sealer: of its sealed columns.
        clock: seconds since 1970-01-01 UTC.
    """

    def __init__(self, database: Database, sealer: Sealer, clock: Callable[[], float]) -> None:
        self._database = database
        self._sealer = sealer
        self._clock = clock
        self._receiving = ReceiverStore(database, sealer, clock)
        self._reader = Reader(sealer, clock, MatchStore(database, sealer, clock))

    # ----------------------------------------------------------------------------------------- taking in

    def same(self, peer: str, purpose: str, found: Iterable[FoundLabels]) -> frozenset[bytes]:
        """Signals that stand as they did: under the same keys of the same suppliers, with the label held.

        Args:
            peer: the publisher.
            purpose: of the session.
            found: what it found, for each tier that it asked.
        """
        form = received_form
        over = select(form.c.signal_id).where(
            *only(form, peer, purpose), form.c.erase_at_s <= int(self._clock())
        )
        with self._database.read("see what stands as it did") as connection:
            held = {place.tier: table for place, table in self._reader.link_tables(connection, peer, purpose)}
            others = {bytes.fromhex(each) for each in connection.execute(over).scalars()}
        # Where a session asked one tier alone, what another one notes may be of before.
        noted: dict[bytes, bytes] = {}
        for table in held.values():
            pairs = zip(table.ids, table.prints, strict=True)
            others.update(each for each, label in pairs if noted.setdefault(each, label) != label)
        same = set[bytes]()
        for labels in found:
            table = held.get(labels.tier.value, NO_LINKS)
            same.update(table.ids)
            others.update(table.differing(labels))
        return frozenset(same - others)

    def held(
        self,
        peer: str,
        purpose: str,
        tiers: Iterable[str],
        found: Iterable[Found],
        same: frozenset[bytes] = frozenset(),
    ) -> dict[bytes, HeldSignal]:
        """What is held of the signals that a session found, or that own keys led to before, for `take_in`.

        Only labels that differ from what was found are opened.

        Args:
            peer: the publisher.
            purpose: of the session.
            tiers: that it asked.
            found: what it found.
            same: signals of which nothing was found but what is held; they are left out.
        """
        now_s, asked = int(self._clock()), frozenset(tiers)
        claimed: dict[str, set[Chunks]] = {}
        for each in found:
            claimed.setdefault(claimed_id(each.chunks).hex(), set()).add(each.chunks)
        signal, form = received_signal, received_form
        joined = form.c.peer == signal.c.peer, form.c.signal_id == signal.c.signal_id
        query = (
            select(*(signal.c[each] for each in _HELD_COLUMNS), form.c.purpose, form.c.digest)
            .outerjoin(form, and_(*joined, form.c.erase_at_s > now_s))
            .where(signal.c.peer == peer)
        )
        with self._database.read("load what is held of a peer") as connection:
            here: set[bytes] = set()
            for place, table in self._reader.link_tables(connection, peer, purpose):
                if place.tier in asked:
                    here.update(table.ids)
            rows: list[Any] = []
            for some in pieces(sorted(claimed.keys() | {each.hex() for each in here - same})):
                rows += connection.execute(query.where(signal.c.signal_id.in_(some)))
            own = self._unopened(rows, purpose, claimed)
            opened = self._opened(
                connection, peer, claimed.keys() & {row.signal_id for row in rows} - own.keys()
            )
        held: dict[bytes, HeldSignal] = {}
        days: dict[int, date] = {}
        for hex_id, revision, state, first_s, expires, of_purpose, _ in rows:
            signal_id = bytes.fromhex(hex_id)
            if signal_id in held and of_purpose != purpose:
                continue
            labels = opened.get(hex_id, {})
            held[signal_id] = HeldSignal(
                revision,
                _STATES[state],
                days.get(expires) or days.setdefault(expires, numbered_day(expires)),
                max(0, now_s - first_s),
                of_purpose == purpose,
                signal_id in here,
                own.get(hex_id) or labels.get(purpose, ()),
                tuple(chunks for other, chunks in labels.items() if other != purpose),
            )
        return held

    def _unopened(
        self, rows: Iterable[Any], purpose: str, claimed: Mapping[str, set[Chunks]]
    ) -> dict[str, Chunks]:
        """Labels that stand alone under their id and are what is held: by their digest."""
        found = {}
        for signal_id, _, _, _, _, of_purpose, digest in rows:
            labels = claimed.get(signal_id)
            if of_purpose == purpose and labels is not None and len(labels) == 1:
                (chunks,) = labels
                if label_digest(self._sealer, b"".join(chunks)) == digest:
                    found[signal_id] = chunks
        return found

    def _opened(
        self, connection: Connection, peer: str, hex_ids: Iterable[str]
    ) -> dict[str, dict[str, Chunks]]:
        """Labels of some signals by purpose, those of which the time is over left out."""
        form, now_s = received_form, int(self._clock())
        found: dict[str, dict[str, Chunks]] = {}
        for some in pieces(sorted(hex_ids)):
            here = form.c.peer == peer, form.c.signal_id.in_(some), form.c.erase_at_s > now_s
            for row in connection.execute(select(form).where(*here).order_by(form.c.purpose)):
                found.setdefault(row.signal_id, {})[row.purpose] = self._reader.label(row).chunks
        return found

    def remembered(self, peer: str) -> int:
        """How many signals of a peer are, those included of which nothing is left."""
        query = select(func.count()).where(received_signal.c.peer == peer)
        with self._database.read("count what is held of a peer") as connection:
            return connection.execute(query).scalar_one()

    def save(
        self,
        connection: Connection,
        peer: str,
        purpose: str,
        intake: Intake,
        *,
        key_id: bytes,
        positions: Sequence[FeedPosition],
    ) -> None:
        """Stores what a session came to, inside the caller's transaction.

        Args:
            connection: of the transaction.
            peer: the publisher.
            purpose: of the session.
            intake: judged against `held` of the same peer, purpose and tiers.
            key_id: names the publisher's key that signatures were verified by.
            positions: one for each tier that was asked.

        Raises:
            StorageError: `storage.received`, a key id is too long, or a tier is missing.
        """
        now_s = int(self._clock())
        writer = Writer(connection, self._sealer, self._receiving, peer, purpose, now_s)
        writer.write(intake, key_id, positions)

    # ------------------------------------------------------------------------------------------- showing

    def views(
        self, publishers: Publishers, *, peer: str | None = None, purpose: str | None = None
    ) -> list[ReceivedView]:
        """Signals that stand, by publisher and purpose, the newest first.

        Args:
            publishers: of the coalition as it is now.
            peer: of one publisher alone.
            purpose: for one purpose alone.
        """
        with self._database.read("list received signals") as connection:
            return list(self._reader.views(connection, publishers, only(received_form, peer, purpose)))

    def by_supplier(
        self, numbers: Collection[int], publishers: Publishers, *, purpose: str | None = None
    ) -> dict[int, list[ReceivedView]]:
        """Signals that stand about some own suppliers; suppliers without any have an empty list."""
        wanted = np.array(sorted(set(numbers)), np.uint64)
        found: dict[int, list[ReceivedView]] = {int(each): [] for each in wanted}
        about: dict[tuple[str, str], set[str]] = {}
        with self._database.read("look up what suppliers have signals") as connection:
            for place, table in self._reader.link_tables(connection, None, purpose):
                here = about.setdefault((place.peer, place.purpose), set())
                here.update(each.hex() for each in table.about(wanted))
            for place_of, signal_ids in sorted(about.items()):
                for some in pieces(sorted(signal_ids)):
                    chosen = (*only(received_form, *place_of), received_form.c.signal_id.in_(some))
                    for view in self._reader.views(connection, publishers, chosen):
                        for each in view.links:
                            if each.link.supplier_no in found:
                                found[each.link.supplier_no].append(view)
        return found

    def get(
        self, hex_id: str, publishers: Publishers, *, peer: str | None = None
    ) -> list[ReceivedView | Tombstone]:
        """One signal by its id, or by a beginning that no other id has: a view for each purpose.

        Raises:
            SignalError: `signal.unknown`, nothing has it or nothing of it is left; `signal.ambiguous`.
        """
        with self._database.read("look up a received signal") as connection:
            row = row_of(connection, hex_id, peer)
            if row.state == HeldState.RECALLED:
                return [self._reader.tombstone(row)]
            here = (*only(received_form, row.peer, None), received_form.c.signal_id == row.signal_id)
            views: list[ReceivedView | Tombstone] = [*self._reader.views(connection, publishers, here)]
        if not views:
            raise SignalError(
                f"nothing is left of the signal {row.signal_id}: it was withdrawn, or its time is over",
                hint="Look it up again with its publisher.",
                code="signal.unknown",
            )
        return views

    def tombstones(self, peer: str | None = None) -> list[Tombstone]:
        """Signals that were recalled and would not have expired yet, the newest recall first."""
        table = received_signal
        query = select(table).where(
            table.c.state == HeldState.RECALLED.value, table.c.expires_day > self._today()
        )
        if peer is not None:
            query = query.where(table.c.peer == peer)
        order = table.c.changed_at_s.desc(), table.c.peer, table.c.signal_id
        with self._database.read("list recalled signals") as connection:
            return [self._reader.tombstone(row) for row in connection.execute(query.order_by(*order))]

    def export(
        self, publishers: Publishers, *, peer: str | None = None, purpose: str | None = None
    ) -> list[tuple[ReceivedView, str]]:
        """Signals that stand with their narratives, '' where none is held: what `signals.exported` takes.

        What was recalled, has expired or is under a hold alone is not among them.
        """
        with self._database.read("export received signals") as connection:
            chosen = only(received_form, peer, purpose)
            views = list(self._reader.views(connection, publishers, chosen))
            return [
                (each, self._reader.narrative(connection, each) if each.has_text else "") for each in views
            ]

    def counts(self) -> dict[str, ReceivedCounts]:
        """How many signals there are, by publisher."""
        columns = received_signal.c.peer, received_signal.c.state
        query = select(*columns, func.count()).where(received_signal.c.expires_day > self._today())
        found: dict[str, dict[str, int]] = {}
        with self._database.read("count received signals") as connection:
            for peer, state, count in connection.execute(query.group_by(*columns)):
                found.setdefault(peer, {})[state] = count
        return {peer: ReceivedCounts(**states) for peer, states in sorted(found.items())}

    def feeds(self) -> list[Feed]:
        """How far each peer was followed, by peer, purpose and tier."""
        table = received_feed
        with self._database.read("list what was followed") as connection:
            rows = connection.execute(select(table).order_by(table.c.peer, table.c.purpose, table.c.tier))
            return [Feed(*row) for row in rows]

    # ---------------------------------------------------------------------------------------- narratives

    def save_narrative(
        self, connection: Connection, peer: str, purpose: str, signal_id: bytes, revision: int, text: str
    ) -> None:
        """Keeps the narrative of a signal that stands, inside the caller's transaction.

        Raises:
            SignalError: `signal.unknown`, the signal does not stand for this purpose; `signal.order`, what
                stands is another revision; `signal.value`, it has no narrative to show, or this is none.
        """
        form = received_form
        here = (*only(form, peer, purpose), form.c.signal_id == signal_id.hex())
        row = connection.execute(select(form).where(*here, form.c.erase_at_s > int(self._clock()))).first()
        if row is None:
            raise SignalError("the signal does not stand any more", code="signal.unknown")
        if row.revision != revision:
            raise SignalError(
                f"the narrative is of revision {revision}, and revision {row.revision} is held",
                hint="Ask for it again.",
                code="signal.order",
            )
        if not read_label(self._reader.label(row), None).signal.has_narrative:
            raise SignalError("the signal has no narrative to show", code="signal.value")
        if not text.strip() or len(text) > MAX_NARRATIVE_CHARS or not is_plain(text):
            raise SignalError(
                f"a narrative is plain text of at most {MAX_NARRATIVE_CHARS} characters", code="signal.value"
            )
        table = received_narrative
        mine = (*only(table, peer, purpose), table.c.signal_id == signal_id.hex())
        connection.execute(delete(table).where(*mine))
        connection.execute(
            insert(table).values(
                peer=peer,
                signal_id=signal_id.hex(),
                purpose=purpose,
                revision=revision,
                received_at_s=int(self._clock()),
                text=seal_narrative(self._sealer, peer, purpose, signal_id, text),
            )
        )

    def narrative(self, view: ReceivedView) -> str | None:
        """The narrative of a signal that stands; None where it was not asked for, or is gone by now."""
        with self._database.read("read a narrative") as connection:
            return self._reader.narrative(connection, view) or None

    # ---------------------------------------------------------------------------------- expiry and holds

    def erase_due(self, now_s: float, alone: Alone) -> Erased:
        """Erases what has expired, what was kept as long as the peer's terms allow, and holds that ended.

        A thousand signals at a time: killed anywhere, it goes on when it is called again. What came of a
        peer that is being asked just now waits for the next call; nobody is shown it any more.

        Args:
            now_s: seconds since 1970-01-01 UTC.
            alone: told a peer, gives what the one exchange that asks it holds.
        """
        today = erasing.day_of(now_s)
        forms = rows = holds = 0
        for peer in self._peers_due(now_s):
            with contextlib.suppress(StorageBusyError), alone(peer):
                while some := self._overdue(peer, now_s):
                    self._erase(peer, some, int(now_s))
                    forms += sum(map(len, some.values()))
        with self._database.read("look for received signals to forget") as connection:
            query = select(received_signal.c.peer).where(_forgotten(today)).limit(1)
            left = connection.execute(query).first() is not None
            ended = holding.any_ended(connection, today)
        if left or ended:
            with self._database.transaction("forget received signals") as connection:
                holds = holding.drop_ended(connection, today)
                rows = connection.execute(delete(received_signal).where(_forgotten(today))).rowcount
        return Erased(forms, rows, holds)

    def is_due(self, now_s: float) -> bool:
        """Whether `erase_due` has something to erase, by a look that is cheap and waits for nobody."""
        today, form = erasing.day_of(now_s), received_form
        with self._database.read("look whether received signals are to be erased") as connection:
            over = select(form.c.peer).where(form.c.erase_at_s <= int(now_s)).limit(1)
            left = select(received_signal.c.peer).where(_forgotten(today)).limit(1)
            if any(connection.execute(each).first() is not None for each in (over, left)):
                return True
            return holding.any_ended(connection, today)

    def _peers_due(self, now_s: float) -> list[str]:
        table = received_form
        query = select(table.c.peer).where(table.c.erase_at_s <= int(now_s)).distinct()
        with self._database.read("look for received signals whose time is over") as connection:
            return sorted(connection.execute(query).scalars())

    def _overdue(self, peer: str, now_s: float) -> dict[str, list[bytes]]:
        """Some signals whose time is over, by purpose."""
        table = received_form
        here = table.c.peer == peer, table.c.erase_at_s <= int(now_s)
        query = select(table.c.purpose, table.c.signal_id).where(*here).order_by(table.c.erase_at_s)
        found: dict[str, list[bytes]] = {}
        with self._database.read("look for received signals whose time is over") as connection:
            for row in connection.execute(query.limit(ERASED_AT_ONCE)):
                found.setdefault(row.purpose, []).append(bytes.fromhex(row.signal_id))
        return found

    def _erase(self, peer: str, some: Mapping[str, list[bytes]], now_s: int) -> None:
        with self._database.transaction("erase received signals") as connection:
            for purpose, signal_ids in some.items():
                erasing.remove_forms(connection, self._sealer, peer, signal_ids, now_s, purpose)
                erasing.drop_links(connection, self._sealer, peer, signal_ids, purpose)
                erasing.forget_signals(connection, self._receiving, peer, signal_ids, purpose)

    def hold(self, peer: str, signal_id: bytes, holder: str, until: date) -> None:
        """Notes a duty to keep a signal: what it said outlives its recall, unseen, for as long.

        Raises:
            SignalError: `signal.value`; `signal.unknown`, nothing of the signal is left that could be kept.
        """
        now_s = int(self._clock())
        about = peer, signal_id, holder, until
        with self._database.transaction("hold a received signal") as connection:
            today = erasing.day_of(now_s)
            holding.note_hold(connection, self._sealer, *about, today=today, now_s=now_s)

    def release_hold(self, peer: str, signal_id: bytes) -> None:
        """Ends a hold before its day and erases what it kept; nothing where there is none."""
        with self._database.transaction("end a hold") as connection:
            holding.drop_hold(connection, peer, signal_id)

    def holds(self) -> list[ReceivedHold]:
        """Holds that run, by peer and id."""
        with self._database.read("list holds") as connection:
            return holding.read_holds(connection, self._sealer, erasing.day_of(self._clock()))

    def open_hold(self, peer: str, signal_id: bytes) -> Sequence[KeptContent]:
        """What a hold keeps, for its holder alone.

        Raises:
            SignalError: `signal.unknown`, the signal is not on hold.
        """
        with self._database.read("open what a hold keeps") as connection:
            today = erasing.day_of(self._clock())
            return holding.open_kept(connection, self._sealer, peer, signal_id, today)

    def _today(self) -> int:
        return day_number(erasing.day_of(self._clock()))


def _forgotten(today: date) -> Any:
    """True for rows of `received_signal` that there is nothing left to remember by."""
    standing = select(received_form.c.peer).where(
        received_form.c.peer == received_signal.c.peer,
        received_form.c.signal_id == received_signal.c.signal_id,
    )
    return and_(received_signal.c.expires_day <= day_number(today), ~standing.exists())
