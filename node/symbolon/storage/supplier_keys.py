"""Makes the match keys and curve points of new suppliers, beside the reading and storing of the others.

A large list is shared out to worker processes, since normalising names holds the interpreter's lock; a small
one is done in place, where starting processes would take longer than the work. Workers are spawned (never
forked: the parent may hold gRPC threads), get records as bytes and no key of the node, and end with their
parent, also when it is killed.
"""

import contextlib
import multiprocessing
import multiprocessing.connection
import os
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from importlib import metadata
from types import TracebackType
from typing import Final, Generic, NamedTuple, Self, TypeVar

import symbolon
from symbolon.cores import usable_cores
from symbolon.errors import StorageError
from symbolon.oprf.suite import DEFAULT_SUITE, get_suite
from symbolon.storage.key_columns import KeyLinks
from symbolon.suppliers.key_schemes import key_rules
from symbolon.suppliers.match_keys import match_keys
from symbolon.suppliers.record import Supplier
from symbolon.suppliers.tier import Tier

SUITE: Final = DEFAULT_SUITE
"""The suite whose points are kept; any other suite hashes its inputs when a session needs them."""

_NORMALISERS: Final = ("anyascii", "cleanco", "jellyfish", "pycountry", "python-stdnum")
"""Libraries whose rules and tables go into match keys."""

POOL_FROM_BATCH: Final = 2
"""Batches that are done in place before workers are started."""

WORKERS_MAX: Final = 4
"""More workers than this wait for the one process that reads and stores."""


T = TypeVar("T")
"""What the caller wants back with each batch."""


class KeyJob(NamedTuple):
    """One supplier whose keys are wanted: its number, the number of its version, its record as JSON."""

    supplier_no: int
    supplier_pk: int
    record: bytes


@dataclass(frozen=True, slots=True)
class TierLinks:
    """Links of one tier, ready to be sealed: how many, and the payload (see key_columns)."""

    link_count: int
    payload: bytes


@dataclass(frozen=True, slots=True)
class KeyBatch:
    """Keys of a batch of suppliers.

    Attributes:
        links: links by tier; a tier without links is absent.
        keys_s: seconds spent on match keys.
        hash_s: seconds spent on curve points.
    """

    links: dict[Tier, TierLinks]
    keys_s: float
    hash_s: float


KeyMaker = Callable[[Sequence[KeyJob]], KeyBatch]
"""Makes the keys of a batch; a function of a module, so that a worker can find it."""


def make_keys(jobs: Sequence[KeyJob], tiers: Sequence[Tier] = tuple(Tier)) -> KeyBatch:
    """Makes match keys and curve points of a batch of suppliers, of some tiers or all."""
    began = time.perf_counter()
    keys_by_tier: dict[Tier, tuple[list[int], list[int], list[bytes]]] = {tier: ([], [], []) for tier in Tier}
    for job in jobs:
        made = {
            (key.tier, key.encoded) for key in match_keys(Supplier.from_json(job.record)) if key.tier in tiers
        }
        for tier, encoded in sorted(made):
            numbers, pks, inputs = keys_by_tier[tier]
            numbers.append(job.supplier_no)
            pks.append(job.supplier_pk)
            inputs.append(encoded)
    made_at = time.perf_counter()
    suite = get_suite(SUITE)
    links: dict[Tier, TierLinks] = {}
    for tier, (numbers, pks, inputs) in keys_by_tier.items():
        if inputs:
            columns = KeyLinks.of(numbers, pks, inputs, suite.hash_to_curve(inputs))
            links[tier] = TierLinks(len(inputs), columns.encode())
    return KeyBatch(links, keys_s=made_at - began, hash_s=time.perf_counter() - made_at)


def keys_version() -> str:
    """Names all that match keys depend on beside the record: other words here, and every key is made anew.

    Beside the versions of the rules stand the releases of this package and of the libraries that normalise,
    so that no rule can change, however small, and leave keys of the old rule in a list.
    """
    releases = (f"{library} {metadata.version(library)}" for library in _NORMALISERS)
    return "; ".join((f"symbolon {symbolon.__version__}", SUITE, key_rules(), *releases))


def default_workers() -> int:
    """One worker a core that this process may use; none on a single core."""
    cores = usable_cores()
    return 0 if cores < 2 else min(cores, WORKERS_MAX)


class KeyPipeline(Generic[T]):
    """Batches in, batches with their keys out, in the same order and with few in flight.

    Args:
        maker: makes the keys of a batch.
        workers: most worker processes; 0 does all in place.
    """

    def __init__(self, maker: KeyMaker, workers: int) -> None:
        self._maker = maker
        self._workers = workers
        self._batches = 0
        self._pool: ProcessPoolExecutor | None = None
        self._pending: deque[tuple[T, Future[KeyBatch]]] = deque()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)

    def push(self, batch: T, jobs: Sequence[KeyJob]) -> Iterator[tuple[T, KeyBatch]]:
        """Takes one batch in and gives out those that are due; blocks while too many are in flight."""
        self._batches += 1
        if self._workers == 0 or self._batches <= POOL_FROM_BATCH:
            yield batch, self._maker(jobs)
            return
        if self._pool is None:
            self._pool = ProcessPoolExecutor(
                self._workers, multiprocessing.get_context("spawn"), initializer=_prepare_worker
            )
        with _worker_death_told():
            self._pending.append((batch, self._pool.submit(self._maker, jobs)))
        while len(self._pending) > self._workers + 1:
            yield self._next()

    def drain(self) -> Iterator[tuple[T, KeyBatch]]:
        """Gives out all batches still in flight."""
        while self._pending:
            yield self._next()

    def _next(self) -> tuple[T, KeyBatch]:
        batch, future = self._pending.popleft()
        with _worker_death_told():
            return batch, future.result()


def _prepare_worker() -> None:
    # Ctrl-C reaches the whole process group; the parent decides what becomes of the batch.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        multiprocessing.connection.wait([parent.sentinel])
        os._exit(1)


@contextlib.contextmanager
def _worker_death_told() -> Iterator[None]:
    try:
        yield
    except BrokenProcessPool as error:
        raise StorageError(
            "a worker process of the import died; the list was left as it was",
            hint="Free some memory, or do without workers: --workers 0.",
            code="storage.import.worker",
        ) from error
