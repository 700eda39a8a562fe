"""A store of signals as tests need it: a clock that is set, keys that need no curve, signals that differ."""

import hashlib
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from signal_makers import TODAY, make_signal, make_subject
from symbolon.signals.record_codec import encode_signal
from symbolon.signals.signal import Signal
from symbolon.storage.database import Database
from symbolon.storage.key_columns import KeyLinks
from symbolon.storage.seal import Sealer
from symbolon.storage.signal_intake import NewSignal
from symbolon.storage.signal_store import SignalStore
from symbolon.storage.supplier_keys import KeyBatch, KeyJob, TierLinks
from symbolon.suppliers.record import Supplier
from symbolon.suppliers.tier import Tier

LEIS = ("213800KUD8LAJWSQ9D15", "529900T8BM49AURSDO55", "")
SEALER = Sealer(bytes(range(32)))


class Clock:
    """Noon of a day, until another one is set."""

    def __init__(self, today: date = TODAY) -> None:
        self.today = today

    def __call__(self) -> float:
        return datetime.combine(self.today, time(12), UTC).timestamp()

    def pass_days(self, days: int) -> date:
        self.today += timedelta(days=days)
        return self.today


def keys_of(record: Supplier) -> dict[Tier, set[bytes]]:
    """What `quick_keys` makes of a record."""
    return {
        Tier.A: {record.lei.encode()} if record.lei else set(),
        Tier.B: {record.name.encode()} if record.name else set(),
        Tier.C: set(),
    }


def quick_keys(jobs: Sequence[KeyJob]) -> KeyBatch:
    """Keys straight from the columns; SHA-256 stands for the curve."""
    links = {}
    for tier in Tier:
        rows = [
            (job.supplier_no, job.supplier_pk, key)
            for job in jobs
            for key in sorted(keys_of(Supplier.from_json(job.record))[tier])
        ]
        if rows:
            numbers, pks, inputs = zip(*rows, strict=True)
            points = b"".join(hashlib.sha256(key).digest() for key in inputs)
            links[tier] = TierLinks(len(rows), KeyLinks.of(numbers, pks, inputs, points).encode())
    return KeyBatch(links, keys_s=0.0, hash_s=0.0)


def signed(signal: Signal) -> bytes:
    """64 bytes that stand for a signature."""
    return hashlib.sha512(encode_signal(signal)).digest()


def some_signal(number: int, **changes: Any) -> Signal:
    """A signal with an id of its own, about a site of its own unless a subject is given."""
    subject = make_subject(name=f"Quimbara {number} Works", os_id="", lei=LEIS[number % len(LEIS)])
    signal_id = hashlib.sha256(b"signal %d" % number).digest()[:16]
    return make_signal(**{"signal_id": signal_id, "subject": subject, **changes})


def new_signal(number: int, source: str = "", reference: str = "", **changes: Any) -> NewSignal:
    """The same, ready to be added; `changes` are fields of `Signal`."""
    made = some_signal(number, **changes)
    return NewSignal(made, signed(made), source, reference)


def signal_store(database: Database, clock: Clock, operator: str = "local") -> SignalStore:
    """The store of a node that is set up for tests."""
    return SignalStore(database, SEALER, clock, operator, key_maker=quick_keys)


def key_pairs(store: SignalStore, tier: Tier) -> set[tuple[bytes, int]]:
    """Keys of a tier with the numbers of their signals."""
    table = store.keys([tier]).tables[tier.value]
    pairs = [
        (table.inputs[key], int(number))
        for key, number in zip(table.link_key.tolist(), table.link_supplier.tolist(), strict=True)
    ]
    assert len(pairs) == len(set(pairs))
    return set(pairs)
