"""The signals that this member contributed: every revision, who they were learnt from, what is made of them.

Handles: adding, revising and recalling, each in one transaction with its entry of the log and with the facts
that policies look at; reading one, a page, or all in bulk; match keys, labels, expiry, legal holds. Refuses:
a revision that does not follow the one that is held, so that of two who change a signal at once the second
is told; anything about a signal that is not there or whose time is over. Signatures are made by the caller
and kept as they are. The note on a source is read by `source` alone and goes nowhere else.
Specification: docs/signals.md, Contributing.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from datetime import UTC, date, datetime

import numpy as np
from sqlalchemy import func, select

from symbolon.policy.operator_roles import LOCAL
from symbolon.signals.draft import Draft
from symbolon.signals.facts import day_number
from symbolon.signals.signal import Signal
from symbolon.signals.vocabulary import ShownAs, State
from symbolon.storage import signal_change as changing
from symbolon.storage import signal_expiry as expiring
from symbolon.storage import signal_intake as taking_in
from symbolon.storage import signal_keys as keying
from symbolon.storage import signal_lookup as looking_up
from symbolon.storage.audit_log import AuditLog
from symbolon.storage.database import Database
from symbolon.storage.seal import Sealer
from symbolon.storage.seal_check import bind_key
from symbolon.storage.signal_change import Change, Revision
from symbolon.storage.signal_columns import (
    StoredSignal,
    integers,
    newest_documents,
    newest_rows,
    open_source,
    pieces,
    reference_digest,
    stored,
)
from symbolon.storage.signal_expiry import Hold
from symbolon.storage.signal_facts import Numbers, SignalTable, read_audiences, read_facts, read_facts_of
from symbolon.storage.signal_form_index import FormIndexes
from symbolon.storage.signal_forms import (
    Form,
    FormIndex,
    FormOwners,
    NewForm,
    drop_other_forms,
    read_forms,
    read_labels,
    read_owners,
    write_forms,
)
from symbolon.storage.signal_intake import Known, NewSignal
from symbolon.storage.signal_keys import Progress
from symbolon.storage.signal_lookup import SignalCounts
from symbolon.storage.signal_news import has_embargo_ending, note_news, read_news
from symbolon.storage.signal_schema import signal as signal_table
from symbolon.storage.signal_schema import signal_source
from symbolon.storage.signal_writer import Writer
from symbolon.storage.supplier_keys import KeyMaker, make_keys
from symbolon.storage.supplier_store import ListKeys
from symbolon.suppliers.match_keys import MatchKey
from symbolon.suppliers.tier import Tier


class SignalStore:
    """Keeps the signals of this member.

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
        self._audit = AuditLog(database, sealer, clock, operator)
        self._writer = Writer(sealer, self._audit, clock, operator)
        self._indexes = FormIndexes()

    # -------------------------------------------------------------------------------------- contributing

    def add_many(
        self, new: Sequence[NewSignal], *, progress: Progress | None = None, workers: int | None = None
    ) -> Sequence[int]:
        """Adds signals: all of them, or none.

        Args:
            new: first revisions; see `NewSignal`.
            progress: told how many of them have their match keys, which is most of the work.
            workers: most worker processes that make these; None to fit the machine.

        Returns:
            Their numbers, in the same order, above all that there were.

        Raises:
            SignalError: `signal.value`, `signal.expired`; `signal.exists`, one of them is held already, or is
                named twice.
            SealError: the database was written with another sealing key.
            StorageError: the database failed; nothing was added.
        """
        if not new:
            return []
        bind_key(self._database, self._sealer)
        prepared = taking_in.prepare(self._sealer, new, self._today())
        records = [each.signal.subject.record.to_json() for each in new]
        made = keying.make_new(records, self._key_maker, workers, progress)
        with self._database.transaction("add signals") as connection:
            first = taking_in.store(connection, self._writer, prepared)
            keying.store_new(connection, self._sealer, first, made)
        return range(first, first + len(new))

    def content_of(self, draft: Draft) -> bytes:
        """A keyed digest, 16 bytes, of what an import says of one signal; for `NewSignal` and `add_revision`.

        It is the same on every day. Neither the reference nor the note on the source is part of it.
        """
        return taking_in.content_digest(self._sealer, draft)

    def compare(self, drafts: Sequence[Draft]) -> Sequence[Known]:
        """What the store holds of the drafts of one import, in their order.

        A draft is known by its reference, or, where it has none, by what it says. What was recalled or has
        expired is told apart, so that importing a file again does not bring it back.
        """
        with self._database.read("compare an import with the signals held") as connection:
            return taking_in.compare(connection, self._sealer, drafts, self._today())

    def add_revision(
        self, new: Signal, signature: bytes, note: Change, *, content: bytes | None = None
    ) -> StoredSignal:
        """Makes a revision the newest one; labels of the one before are erased.

        Args:
            new: the next revision of a signal that is held.
            signature: this member's, 64 bytes; see `NewSignal`.
            note: what happened, as the log has it.
            content: digest of what an import says, from `content_of`; None where none brought it.

        Raises:
            SignalError: `signal.order`, it is not the next one: somebody else may have changed the signal
                meanwhile; `signal.recalled`, `signal.subject`, `signal.unknown`, `signal.expired`,
                `signal.value`.
        """
        return self._add_revision(Revision(new, signature, note, content))

    def recall(self, new: Signal, signature: bytes, *, forget_source: bool = False) -> StoredSignal:
        """Makes a tombstone the newest revision.

        Earlier revisions stay sealed until the signal expires: they are the contributor's own knowledge.

        Args:
            new: from `signals.revisions.recall`.
            signature: this member's, 64 bytes; see `NewSignal`.
            forget_source: erase the note on the source with it.

        Raises:
            SignalError: as `add_revision`; `signal.held`, the note has to be kept, and nothing was recalled.
        """
        return self._add_revision(Revision(new, signature, "recalled", forget_source=forget_source))

    def _add_revision(self, revision: Revision) -> StoredSignal:
        with self._database.transaction("revise a signal") as connection:
            number = changing.add_revision(connection, self._writer, revision, self._today())
            return looking_up.read_signal(connection, self._sealer, number)

    def set_source(self, number: int, text: str) -> None:
        """Keeps a note on whom a signal was learnt from, in the place of the one before; '' erases it.

        Raises:
            SignalError: `signal.unknown`, `signal.expired`, `signal.value`, `signal.held`.
        """
        with self._database.transaction("note the source of a signal") as connection:
            changing.set_source(connection, self._sealer, number, text, self._today())

    def set_contributors(self, number: int, contributors: int) -> None:
        """Notes how many independent members say the same, this one included.

        Raises:
            SignalError: `signal.unknown`, `signal.expired`, `signal.value`.
        """
        with self._database.transaction("note who says the same as a signal") as connection:
            changing.set_contributors(connection, self._sealer, number, contributors)

    # ------------------------------------------------------------------------------------------- reading

    def get(self, hex_id: str) -> StoredSignal:
        """A signal by its id, 32 hexadecimal digits, or by a beginning that no other id has.

        Raises:
            SignalError: `signal.unknown`, `signal.ambiguous`, `signal.expired`.
        """
        with self._database.read("look up a signal") as connection:
            number = looking_up.number_of(connection, hex_id)
            return looking_up.read_signal(connection, self._sealer, number)

    def by_reference(self, references: Iterable[str]) -> dict[str, StoredSignal]:
        """Signals by what an import calls them: the newest of each name, which alone can be active."""
        digests = {reference_digest(self._sealer, each): each for each in references if each}
        found: dict[str, StoredSignal] = {}
        with self._database.read("look up signals by their references") as connection:
            rows = taking_in.by_digest(connection, list(digests))
            names = {row.number: digests[digest] for digest, row in rows.items() if row.state != "expired"}
            for some in pieces(list(names)):
                newest = newest_rows().where(signal_table.c.number.in_(some))
                for row in connection.execute(newest):
                    found[names[row.number]] = stored(self._sealer, row)
        return found

    def history(self, number: int) -> Sequence[Signal]:
        """All revisions of a signal, the oldest first.

        Raises:
            SignalError: `signal.unknown`, `signal.expired`.
        """
        with self._database.read("read the revisions of a signal") as connection:
            return looking_up.read_history(connection, self._sealer, number)

    def source(self, number: int) -> str:
        """Who or what a signal was learnt from; '' where nothing is noted.

        Raises:
            SignalError: `signal.unknown`, `signal.expired`.
        """
        with self._database.read("read the source of a signal") as connection:
            looking_up.require_number(connection, number)
            query = select(signal_source.c.note).where(signal_source.c.number == number)
            note = connection.execute(query).scalar()
        return "" if note is None else open_source(self._sealer, number, note)

    def list(
        self,
        offset: int = 0,
        limit: int | None = None,
        state: State | None = None,
        *,
        include_expired: bool = False,
    ) -> Sequence[StoredSignal]:
        """Signals, the newest first.

        Args:
            offset: how many to pass over.
            limit: most signals to return; None for all.
            state: only those; None for all.
            include_expired: those as well whose time is over, as far as they are not erased yet.
        """
        conditions = looking_up.chosen(state, None if include_expired else self._today())
        with self._database.read("list signals") as connection:
            return looking_up.read_page(connection, self._sealer, conditions, offset, limit)

    def count(self, state: State | None = None, *, include_expired: bool = False) -> int:
        """How many `list` has; arguments as there."""
        conditions = looking_up.chosen(state, None if include_expired else self._today())
        with self._database.read("count signals") as connection:
            query = select(func.count()).select_from(signal_table).where(*conditions)
            return int(connection.execute(query).scalar_one())

    def counts(self, today: date) -> SignalCounts:
        """How many signals there are on a day, for those who look after them."""
        with self._database.read("count signals") as connection:
            return looking_up.read_counts(connection, today)

    def first_change_s(self, numbers: Iterable[int]) -> int | None:
        """When the first of some signals changed last, seconds since 1970-01-01 UTC; None of none."""
        with self._database.read("look when signals changed") as connection:
            return looking_up.read_first_change_s(connection, numbers)

    def due_for_review(self, today: date) -> Sequence[StoredSignal]:
        """Active signals that are to be looked at again, the most overdue first."""
        with self._database.read("look for signals to be reviewed") as connection:
            return looking_up.read_due(connection, self._sealer, today)

    # ------------------------------------------------------------------------------------------- in bulk

    def facts(self, today: date) -> SignalTable:
        """What decides whether signals may leave, of all that are not expired on a day.

        Tombstones are among them: they are to be told of until they expire.
        """
        with self._database.read("read the facts of signals") as connection:
            numbers, rows = read_facts(connection, self._sealer)
            live = rows["expires"] > day_number(today)
            if not live.all():
                numbers, rows = numbers[live], rows[live]
            used = np.unique(rows["audience"]).tolist()
            return SignalTable(numbers, rows, read_audiences(connection, self._sealer, used))

    def contributors(self, numbers: Collection[int] | Numbers) -> dict[int, int]:
        """How many independent members say the same as each of some signals; erased ones are left out."""
        wanted = np.array(integers(numbers), np.uint64)
        with self._database.read("read who says the same as signals") as connection:
            held, rows = read_facts_of(connection, self._sealer, wanted)
        return dict(zip(held.tolist(), rows["contributors"].tolist(), strict=True))

    def shown_as(self, numbers: Collection[int] | Numbers) -> dict[int, ShownAs]:
        """By what each of some signals names its contributor; erased ones are left out."""
        wanted = np.array(integers(numbers), np.uint64)
        with self._database.read("read by what signals name their contributors") as connection:
            held, rows = read_facts_of(connection, self._sealer, wanted)
        named = dict(enumerate(ShownAs))
        return {
            number: named[each] for number, each in zip(held.tolist(), rows["shown_as"].tolist(), strict=True)
        }

    def keys(self, tiers: Iterable[Tier]) -> ListKeys:
        """Match keys of all signals that are not expired, in the shape of a supplier list's.

        The numbers of signals stand for those of suppliers. The fingerprint of the rules is empty while some
        keys are made by other rules than the others; see `rekey`.
        """
        with self._database.read("load the match keys of signals") as connection:
            numbers, rows = read_facts(connection, self._sealer)
            live = numbers[rows["expires"] > day_number(self._today())]
            return keying.load_keys(connection, self._sealer, tiers, live)

    def about(self, keys: Iterable[MatchKey]) -> Sequence[StoredSignal]:
        """Signals about whom any of some match keys names, the newest first; expired ones are left out.

        Recalled ones are among them. It opens the keys of all signals and the documents of those found; keys
        made by other rules than this software's are met by none, see `rekey`.
        """
        wanted: dict[Tier, set[bytes]] = {}
        for each in keys:
            wanted.setdefault(each.tier, set()).add(each.encoded)
        conditions = looking_up.chosen(None, self._today())
        with self._database.read("look for signals about a supplier") as connection:
            numbers = sorted(keying.numbers_with(connection, self._sealer, wanted), reverse=True)
            found: list[StoredSignal] = []
            for some in pieces(numbers):
                here = (*conditions, signal_table.c.number.in_(some))
                found += looking_up.read_page(connection, self._sealer, here, 0, None)
        return found

    def is_outdated(self) -> bool:
        """Whether some keys were made by other rules than this software's; keys of the two never meet."""
        with self._database.read("read the rules of the match keys") as connection:
            return keying.is_outdated(connection)

    def rekey(self, *, progress: Progress | None = None, workers: int | None = None) -> int:
        """Makes the match keys anew that were made by other rules; arguments as for `add_many`.

        Returns:
            How many signals have new keys.

        Raises:
            StorageBusyError: another process is at it.
            StorageError: the database failed; calling it again goes on.
        """
        return keying.rekey(
            self._database,
            self._sealer,
            now_s=int(self._clock()),
            key_maker=self._key_maker,
            workers=workers,
            progress=progress,
        )

    def newest(self, numbers: Collection[int] | Numbers) -> Iterator[tuple[int, Signal]]:
        """Numbers and newest revisions of signals, in the order asked for; erased ones are left out."""
        with self._database.read("read signals") as connection:
            yield from newest_documents(connection, self._sealer, integers(numbers))

    # ---------------------------------------------------------------------------------------------- news

    def news(self) -> int:
        """How often something was told at once since the database was made."""
        with self._database.read("look whether something was told at once") as connection:
            return read_news(connection)

    def tell_embargo_ended(self, today: date) -> bool:
        """Counts as news that an embargo on an urgent signal is over since a day; whether there is one."""
        with self._database.read("look for embargoes that end") as connection:
            if not has_embargo_ending(connection, self._sealer, today):
                return False
        with self._database.transaction("tell that an embargo is over") as connection:
            note_news(connection)
        return True

    # -------------------------------------------------------------------------------------------- labels

    def forms(self, form: bytes, numbers: Collection[int] | Numbers) -> dict[int, Form]:
        """The labels of some signals in one form, by number; those that are not kept are left out.

        Args:
            form: 16 bytes, names what the labels were made by.
            numbers: of signals.
        """
        with self._database.read("read labels of signals") as connection:
            return read_forms(connection, self._sealer, form, frozenset(integers(numbers)))

    def form_index(self, form: bytes) -> FormIndex:
        """Which labels are kept in one form, and how long each is, without what they say."""
        with self._database.read("look which labels there are") as connection:
            return self._indexes.read(connection, form)

    def labels(self, form_nos: Numbers) -> dict[int, bytes]:
        """Labels by their numbers, chunks joined; those that were erased are left out."""
        with self._database.read("read labels of signals") as connection:
            return read_labels(connection, self._sealer, form_nos)

    def save_forms(self, form: bytes, made: Sequence[tuple[int, int, bytes]]) -> dict[int, int]:
        """Keeps labels of one form.

        Args:
            form: 16 bytes, names what they were made by.
            made: number and revision of a signal, each once, with the chunks of its label joined.

        Returns:
            Number of the signal to number of the label, which is never given to another one. A label that
            somebody else has kept meanwhile stays, and one whose signal has changed is left out.
        """
        with self._database.transaction("keep labels of signals") as connection:
            return write_forms(connection, self._sealer, form, [NewForm(*each) for each in made])

    def forget_forms(self, keep: Collection[bytes]) -> int:
        """Erases the labels of all forms but some, once policies make others.

        Returns:
            How many labels were erased.
        """
        with self._database.transaction("erase labels of signals") as connection:
            return drop_other_forms(connection, keep)

    def form_owners(self, forms: Numbers) -> FormOwners:
        """Which signals some labels are or were of, also erased ones; see `FormOwners`.

        Args:
            forms: uint64 `[labels]`, numbers of labels, ascending.
        """
        with self._database.read("look whose labels these are") as connection:
            return read_owners(connection, forms)

    # ------------------------------------------------------------------------------------ expiry and holds

    def expire(self, today: date) -> int:
        """Erases the signals whose day has come, but for those on hold.

        Returns:
            How many.

        Raises:
            StorageError: the database failed; calling it again goes on.
        """
        return expiring.expire(self._database, self._sealer, self._audit, today, int(self._clock()))

    def is_due(self, today: date) -> bool:
        """Whether `expire` has something to erase, by a look that is cheap and waits for nobody."""
        return expiring.any_due(self._database, today)

    def hold(self, number: int, holder: str, until: date) -> None:
        """Keeps a signal from being erased, in the place of a hold that it has.

        Args:
            number: of the signal.
            holder: who has to keep it, and why; one line.
            until: the day on which the hold is over.

        Raises:
            SignalError: `signal.unknown`, `signal.expired`, `signal.value`.
        """
        with self._database.transaction("put a signal on hold") as connection:
            expiring.note_hold(
                connection, self._sealer, number, holder, until, self._today(), int(self._clock())
            )

    def release_hold(self, number: int) -> None:
        """Ends a hold before its day; nothing where there is none."""
        with self._database.transaction("release a signal from its hold") as connection:
            expiring.drop_hold(connection, number)

    def holds(self) -> Sequence[Hold]:
        """Holds that run, by the number of their signals."""
        with self._database.read("list holds") as connection:
            return expiring.read_holds(connection, self._sealer, self._today())

    def _today(self) -> date:
        return datetime.fromtimestamp(self._clock(), UTC).date()
