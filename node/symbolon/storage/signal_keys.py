"""Match keys of signals: made once for each, since whom a signal is about never changes.

Keys of up to some thousand signals, a span, stand in one segment a tier, empty where there are none. A span
joins the one before it while that is no longer than itself, so that signals added one by one end up in few
segments, and each key is written anew about as often as the count of signals doubles. Links of signals that
are gone count for nothing, and are swept once they are the larger part of a span. `rekey` makes the keys anew
where they were made by other rules than this software's, a span at a time; it may be killed anywhere.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

import numpy as np
from sqlalchemy import Connection, delete, insert, select

from symbolon.exchange.id_sets import among, distinct
from symbolon.exchange.key_table import KeyTable
from symbolon.exchange.rules_agreement import fingerprint
from symbolon.storage.database import Database
from symbolon.storage.key_columns import KeyLinks, join, key_table
from symbolon.storage.seal import Sealer
from symbolon.storage.signal_columns import newest_documents
from symbolon.storage.signal_counter import note_rekeyed, rekeyed_at_s, take_numbers
from symbolon.storage.signal_facts import Numbers, read_facts, read_facts_of
from symbolon.storage.signal_schema import signal_key_segment as segment
from symbolon.storage.supplier_keys import KeyBatch, KeyJob, KeyMaker, KeyPipeline, default_workers
from symbolon.storage.supplier_store import ListKeys
from symbolon.suppliers.key_schemes import key_rules
from symbolon.suppliers.tier import Tier

SPAN_SIGNALS: Final = 4096
"""Most signals of one span: some 2 MB of keys, sealed and written at once."""

REKEY_LOCK: Final = "signal-keys"
"""Name of the lock that who makes keys anew holds against all others."""

Progress = Callable[[int, int], None]
"""Told how many signals have their keys, and how many there are."""


@dataclass(frozen=True, slots=True)
class Span:
    """Signals whose keys stand together.

    Attributes:
        ids: of its segments.
        first: lowest number that it covers.
        last: highest.
        count: signals whose keys were put into it.
        rules: that they were made by.
    """

    ids: tuple[int, ...]
    first: int
    last: int
    count: int
    rules: str


@dataclass(frozen=True, slots=True)
class MadeKeys:
    """Keys of signals that have no number yet.

    Attributes:
        count: of the signals.
        links: by tier, with places from 0 in the stead of numbers.
    """

    count: int
    links: dict[Tier, KeyLinks]

    def numbered(self, first: int) -> dict[Tier, KeyLinks]:
        """The links once the first of the signals has a number."""
        return {tier: _moved(links, first) for tier, links in self.links.items()}


def make_new(
    records: Sequence[bytes], key_maker: KeyMaker, workers: int | None, progress: Progress | None
) -> list[MadeKeys]:
    """Makes the keys of new signals, in worker processes where there are many.

    Args:
        records: subjects as JSON of `Supplier`.
        key_maker: makes match keys and points.
        workers: most worker processes; None to fit the machine.
        progress: told how far it has come.
    """
    made: list[MadeKeys] = []

    def take(count: int, batch: KeyBatch) -> None:
        made.append(MadeKeys(count, _decoded(batch)))
        if progress is not None:
            progress(sum(each.count for each in made), len(records))

    with KeyPipeline[int](key_maker, default_workers() if workers is None else workers) as pipeline:
        for start in range(0, len(records), SPAN_SIGNALS):
            some = records[start : start + SPAN_SIGNALS]
            jobs = [KeyJob(place, place, record) for place, record in enumerate(some)]
            for count, batch in pipeline.push(len(some), jobs):
                take(count, batch)
        for count, batch in pipeline.drain():
            take(count, batch)
    return made


def store_new(connection: Connection, sealer: Sealer, first: int, made: Iterable[MadeKeys]) -> None:
    """Stores keys of new signals.

    Args:
        connection: of the caller's transaction.
        sealer: of the database.
        first: number of the first signal, above all that there are.
        made: of all of them, in order.
    """
    for each in made:
        span = Span((), first, first + each.count - 1, each.count, key_rules())
        links = each.numbered(first)
        first += each.count
        while (before := _joinable(connection, span)) is not None:
            held = _read_links(connection, sealer, before)
            links = {tier: join([held[tier], links[tier]]) for tier in Tier}
            _delete(connection, before)
            span = Span((), before.first, span.last, before.count + span.count, span.rules)
        _insert(connection, sealer, span, links)


def load_keys(
    connection: Connection,
    sealer: Sealer,
    tiers: Iterable[Tier],
    live: Numbers,
) -> ListKeys:
    """Keys of live signals in the shape of a supplier list's.

    Args:
        connection: of one snapshot.
        sealer: of the database.
        tiers: that are wanted.
        live: uint64 `[signals]`, numbers of those that count, ascending.
    """
    tables: dict[str, KeyTable] = {}
    for tier in tiers:
        query = select(segment.c.id, segment.c.payload).where(segment.c.tier == tier.value)
        rows = connection.execute(query.order_by(segment.c.first_number))
        parts = [_open(sealer, row.id, row.payload) for row in rows]
        named = distinct(np.concatenate([np.empty(0, np.uint64), *(part.supplier_pk for part in parts)]))
        tables[tier.value] = key_table(tier, parts, named[~among(named, live, is_sorted=True)])
    rules = connection.execute(select(segment.c.key_rules).distinct()).scalars().all()
    told = key_rules() if not rules else rules[0] if len(rules) == 1 else None
    return ListKeys(tables, fingerprint(told), rekeyed_at_s(connection))


def numbers_with(
    connection: Connection, sealer: Sealer, wanted: Mapping[Tier, Collection[bytes]]
) -> set[int]:
    """Numbers of the signals that have any of some keys, those included that are gone by now.

    Args:
        connection: of one snapshot.
        sealer: of the database.
        wanted: keys as `MatchKey.encoded`, by tier.
    """
    query = select(segment.c.id, segment.c.tier, segment.c.payload)
    query = query.where(segment.c.tier.in_([tier.value for tier, keys in wanted.items() if keys]))
    found = set[int]()
    for row in connection.execution_options(yield_per=8).execute(query):
        found |= _open(sealer, row.id, row.payload).having(wanted[Tier(row.tier)])
    return found


def sweep(database: Database, sealer: Sealer) -> None:
    """Deletes the keys of spans whose signals are all gone, and those of gone signals where they are most.

    Raises:
        StorageError: the database failed; calling it again goes on.
    """
    with database.read("look for keys of signals that are gone") as connection:
        live, _ = read_facts(connection, sealer)
        spans = [each for each in _spans(connection) if 2 * _count_in(live, each) < each.count]
    for span in spans:
        with database.transaction("sweep keys of signals") as connection:
            _sweep_span(connection, sealer, span)


def _sweep_span(connection: Connection, sealer: Sealer, span: Span) -> None:
    if span not in _spans(connection, span.first):
        return
    live = _live_in(connection, sealer, span)
    count = len(live)
    links = _read_links(connection, sealer, span) if count else {}
    _delete(connection, span)
    if not count:
        return
    kept = {}
    for tier, each in links.items():
        named = distinct(each.supplier_pk)
        kept[tier] = each.without(named[~among(named, live, is_sorted=True)])
    _insert(connection, sealer, Span((), span.first, span.last, count, span.rules), kept)


def is_outdated(connection: Connection) -> bool:
    """Whether keys were made by other rules than this software's; keys of the two never meet."""
    others = select(segment.c.id).where(segment.c.key_rules != key_rules()).limit(1)
    return connection.execute(others).first() is not None


def rekey(
    database: Database,
    sealer: Sealer,
    *,
    now_s: int,
    key_maker: KeyMaker,
    workers: int | None,
    progress: Progress | None,
) -> int:
    """Makes the keys anew that were made by other rules.

    Args:
        database: the node's.
        sealer: of its sealed columns.
        now_s: seconds since 1970-01-01 UTC.
        key_maker: makes match keys and points.
        workers: most worker processes; None to fit the machine.
        progress: told how far it has come.

    Returns:
        How many signals have new keys.

    Raises:
        StorageBusyError: another process is at it.
        StorageError: the database failed; calling it again goes on.
    """
    done = 0
    with database.exclusive(REKEY_LOCK, "renewal of the match keys of signals"):
        while True:
            with database.read("look for keys of other rules") as connection:
                spans = [each for each in _spans(connection) if each.rules != key_rules()]
            if not spans:
                return done
            total = done + sum(each.count for each in spans)
            with KeyPipeline[Span](key_maker, default_workers() if workers is None else workers) as pipeline:
                for span in spans:
                    for made in pipeline.push(span, _jobs(database, sealer, span)):
                        done += _replace(database, sealer, *made, now_s)
                        if progress is not None:
                            progress(done, total)
                for made in pipeline.drain():
                    done += _replace(database, sealer, *made, now_s)
                    if progress is not None:
                        progress(done, total)


def _jobs(database: Database, sealer: Sealer, span: Span) -> list[KeyJob]:
    with database.read("read whom signals are about") as connection:
        numbers = _live_in(connection, sealer, span).tolist()
        found = newest_documents(connection, sealer, numbers)
        return [KeyJob(number, number, signal.subject.record.to_json()) for number, signal in found]


def _replace(database: Database, sealer: Sealer, span: Span, batch: KeyBatch, now_s: int) -> int:
    links = _decoded(batch)
    with database.transaction("store new keys of signals") as connection:
        if span not in _spans(connection, span.first):
            return 0
        count = len(_live_in(connection, sealer, span))
        _delete(connection, span)
        if count:
            _insert(connection, sealer, Span((), span.first, span.last, count, key_rules()), links)
        note_rekeyed(connection, now_s)
    return count


def _spans(connection: Connection, first: int | None = None) -> list[Span]:
    """All spans, ascending, or the one that begins with a number."""
    columns = segment.c.first_number, segment.c.last_number, segment.c.signal_count, segment.c.key_rules
    query = select(*columns, segment.c.id).order_by(segment.c.first_number, segment.c.id)
    if first is not None:
        query = query.where(segment.c.first_number == first)
    rows = connection.execute(query).all()
    return [
        Span(tuple(row[4] for row in same), *key) for key, same in groupby(rows, lambda row: tuple(row[:4]))
    ]


def _joinable(connection: Connection, span: Span) -> Span | None:
    """The span before another one, where the two belong together."""
    last = select(segment.c.first_number).order_by(segment.c.first_number.desc()).limit(1)
    first = connection.execute(last).scalar()
    if first is None:
        return None
    (before,) = _spans(connection, first)
    fits = before.count <= span.count and before.count + span.count <= SPAN_SIGNALS
    return before if fits and before.rules == span.rules else None


def _insert(connection: Connection, sealer: Sealer, span: Span, links: dict[Tier, KeyLinks]) -> None:
    values = []
    for number, tier in enumerate(Tier, take_numbers(connection, "last_segment", len(Tier))):
        each = links.get(tier, _NONE)
        payload = sealer.seal("signal_key_segment", "payload", number, each.encode())
        values.append(
            {
                "id": number,
                "tier": tier.value,
                "first_number": span.first,
                "last_number": span.last,
                "signal_count": span.count,
                "link_count": len(each),
                "key_rules": span.rules,
                "payload": payload,
            }
        )
    connection.execute(insert(segment), values)


def _delete(connection: Connection, span: Span) -> None:
    connection.execute(delete(segment).where(segment.c.id.in_(span.ids)))


def _read_links(connection: Connection, sealer: Sealer, span: Span) -> dict[Tier, KeyLinks]:
    query = select(segment.c.id, segment.c.tier, segment.c.payload).where(segment.c.id.in_(span.ids))
    return {Tier(row.tier): _open(sealer, row.id, row.payload) for row in connection.execute(query)}


def _open(sealer: Sealer, segment_id: int, payload: bytes) -> KeyLinks:
    return KeyLinks.decode(sealer.open("signal_key_segment", "payload", segment_id, payload))


def _decoded(batch: KeyBatch) -> dict[Tier, KeyLinks]:
    made = {tier: KeyLinks.decode(each.payload) for tier, each in batch.links.items()}
    return {tier: made.get(tier, _NONE) for tier in Tier}


def _moved(links: KeyLinks, by: int) -> KeyLinks:
    numbers = links.supplier_no + np.uint64(by)
    return KeyLinks(numbers, numbers, links.offsets, links.points, links.inputs)


def _live_in(connection: Connection, sealer: Sealer, span: Span) -> Numbers:
    """Numbers of the signals of a span that are not erased."""
    return read_facts_of(connection, sealer, np.arange(span.first, span.last + 1, dtype=np.uint64))[0]


def _count_in(live: Numbers, span: Span) -> int:
    first, last = np.uint64(span.first), np.uint64(span.last)
    return int(np.searchsorted(live, last, side="right") - np.searchsorted(live, first))


_NONE: Final = join(())
"""No links."""
