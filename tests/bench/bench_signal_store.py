"""The contributor's store of signals: what adding, reading in bulk and keeping labels takes, as JSON.

Run: python tests/bench/bench_signal_store.py [--size 100000] [--workers N] [--database URL]

The signals are made up: each is about another organisation with a valid LEI, one strong match key, a
narrative of 400 characters and a note on its source. Targets stand beside the figures; nothing is asserted.
Figures are the best of some rounds, apart from those of what can be done once only. Signing is not measured.
"""

import argparse
import json
import os
import random
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from bench_import import _lei

from signal_makers import make_draft, make_signal
from symbolon.signals.revisions import revise
from symbolon.signals.signal import Signal, Subject
from symbolon.signals.vocabulary import SubjectKind
from symbolon.storage.database import Database
from symbolon.storage.seal import Sealer
from symbolon.storage.signal_intake import NewSignal
from symbolon.storage.signal_store import SignalStore
from symbolon.suppliers.record import Supplier
from symbolon.suppliers.tier import Tier

NARRATIVE = "Workers repay what they were charged for their jobs from their wages, over many months. " * 5
NEWEST, SMALL = 10_000, 10_000
FORM = bytes(16)
ROUNDS = 5


def signals(size: int, today: date) -> list[Signal]:
    source = random.Random(5)
    template = make_signal(
        issued=today,
        expires=today + timedelta(days=730),
        review=today + timedelta(days=180),
        period=None,
        narrative=NARRATIVE[:400],
    )
    subjects = (
        Subject(SubjectKind.ORGANISATION, Supplier("", f"Quimbara {number}", lei=_lei(source)))
        for number in range(size)
    )
    return [replace(template, signal_id=source.randbytes(16), subject=each) for each in subjects]


def best(run: Callable[[], Any], rounds: int = ROUNDS) -> float:
    times = []
    for _ in range(rounds):
        began = time.perf_counter()
        run()
        times.append(time.perf_counter() - began)
    return min(times)


def figure(value: float, target: float | None = None) -> dict[str, Any]:
    """Seconds beside what is wanted of them at most."""
    if target is None:
        return {"s": round(value, 4)}
    return {"s": round(value, 4), "target": target, "met": value <= target}


def reading(store: SignalStore, made: list[Signal], today: date) -> dict[str, Any]:
    table = store.facts(today)
    few = table.numbers[:NEWEST].tolist()
    newest = best(lambda: list(store.newest(few)))
    facts = "facts_10k" if len(table) == SMALL else "facts"
    return {
        "signals": len(table),
        facts: figure(best(lambda: store.facts(today)), 6e-6 * len(table)),
        "keys": figure(best(lambda: store.keys([Tier.A]))),
        "newest_10k": figure(newest, 0.4),
        "newest_us_each": round(1e6 * newest / max(1, len(few)), 1),
        "list_page_of_50": figure(best(lambda: store.list(0, 50))),
        "get": figure(best(lambda: store.get(made[0].hex_id))),
    }


def labels(store: SignalStore, count: int) -> dict[str, Any]:
    made = [(number, 1, os.urandom(128)) for number in range(1, count + 1)]
    began = time.perf_counter()
    numbers = store.save_forms(FORM, made)
    saved = time.perf_counter() - began
    forms = np.array(sorted(numbers.values()), np.uint64)
    wanted = range(1, count + 1)
    return {
        "save": figure(saved),
        "load": figure(best(lambda: store.forms(FORM, wanted), 3)),
        "owners": figure(best(lambda: store.form_owners(forms), 3)),
    }


def changing(store: SignalStore, made: list[Signal], today: date) -> dict[str, Any]:
    chosen = made[:: max(1, len(made) // 100)]
    began = time.perf_counter()
    for each in chosen:
        store.add_revision(revise(each, today, confidence=10), bytes(64), "revised")
    revised = (time.perf_counter() - began) / len(chosen)
    drafts = [make_draft(reference=f"case {number}") for number in range(len(made))]
    compared = best(lambda: store.compare(drafts), 1)
    began = time.perf_counter()
    erased = store.expire(today + timedelta(days=800))
    expired = time.perf_counter() - began
    return {
        "revise_each": figure(revised),
        "compare_all_with_an_import": figure(compared),
        "expire_all": figure(expired),
        "expired": erased,
    }


@contextmanager
def opened(url: str | None) -> Iterator[SignalStore]:
    with (
        tempfile.TemporaryDirectory(prefix="symbolon-bench-") as folder,
        Database.open(url or f"sqlite:///{folder}/node.db", create=True) as database,
    ):
        yield SignalStore(database, Sealer(bytes(32)), time.time)


def run(size: int, workers: int | None, url: str | None) -> dict[str, Any]:
    today = datetime.now(UTC).date()
    made = signals(size, today)
    new = [
        NewSignal(each, bytes(64), source=f"interview {number}", reference=f"case {number}")
        for number, each in enumerate(made)
    ]
    few = min(SMALL, size)
    with opened(url) as store:
        began = time.perf_counter()
        store.add_many(new[:few], workers=workers)
        add_few = time.perf_counter() - began
        small = reading(store, made, today)
        began = time.perf_counter()
        keyed = [began]

        def note(_done: int, _all: int) -> None:
            keyed[0] = time.perf_counter()

        store.add_many(new[few:], workers=workers, progress=note)
        stored = time.perf_counter()
        return {
            "size": size,
            "add_10k": figure(add_few),
            "add_rest": {
                **figure(stored - began, 60),
                "signals": size - few,
                "prepare_and_keys_s": round(keyed[0] - began, 2),
                "store_s": round(stored - keyed[0], 2),
            },
            "small": small,
            "all": reading(store, made, today),
            "labels": labels(store, size),
            "change": changing(store, made, today),
            "peak_rss_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=100_000, help="signals")
    parser.add_argument(
        "--workers", type=int, default=None, help="worker processes; default fits the machine"
    )
    parser.add_argument("--database", help="URL of an empty database; default: an SQLite file")
    options = parser.parse_args()
    print(json.dumps(run(options.size, options.workers, options.database), indent=2))


if __name__ == "__main__":
    main()
