"""Figures of the audit log on this machine, as JSON. Usage: bench_audit.py [--entries N] [--folder PATH].

`append`: entries a second through `AuditLog`, each commit on the disk, one by one and a hundred at a time.
`verify`: entries a second that somebody hashes who checks a whole log: leaf hashes and the tree over them.
`proof`: medians of milliseconds for proofs from a log of N entries (a million by default) in the database,
for places and sizes all over it, with the database open already. Targets stand beside the figures. It takes
three minutes, most of them to make that log, and 800 MiB of disk. Nothing is asserted.
"""

import argparse
import json
import os
import random
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

from symbolon.audit.entry import FIELDS, SALTS_BYTES, Entry, commitments, leaf_bytes
from symbolon.audit.merkle import Frontier, leaf_hash, prove_consistency, prove_inclusion
from symbolon.storage.audit_log import AuditLog
from symbolon.storage.database import Database
from symbolon.storage.seal import Sealer

SINGLE, BATCH, BATCHES = 1_000, 100, 100
VERIFIED = 200_000
PROOFS = 200
BUILD_BATCH = 10_000

ENTRY = Entry(
    "answered",
    "birch-ngo",
    session="0123456789abcdef0123456789abcdef",
    mode="intersection",
    purpose="due-diligence",
    counts={"elements_A": 1234, "elements_B": 5678},
    request="a" * 64,
    receipt="b" * 64,
)


def figure(value: float, target: float, *, at_most: bool = False) -> dict[str, Any]:
    """A figure beside what is wanted of it."""
    met = value <= target if at_most else value >= target
    return {"figure": round(value, 3 if at_most else 0), "target": target, "met": met}


def append_figures(log: AuditLog) -> dict[str, Any]:
    start = time.perf_counter()
    for _ in range(SINGLE):
        log.append(ENTRY)
    single = SINGLE / (time.perf_counter() - start)
    start = time.perf_counter()
    for _ in range(BATCHES):
        log.append(*[ENTRY] * BATCH)
    batched = BATCHES * BATCH / (time.perf_counter() - start)
    return {"single_per_s": figure(single, 500), f"by_{BATCH}_per_s": figure(batched, 5_000)}


def sync_figures(folder: Path) -> dict[str, Any]:
    """What the disk alone allows: writes of a page that are on it before the next begins."""
    path, count = folder / "sync", 300
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        start = time.perf_counter()
        for _ in range(count):
            os.write(descriptor, bytes(16_384))
            os.fsync(descriptor)
        return {"fsync_per_s": round(count / (time.perf_counter() - start))}
    finally:
        os.close(descriptor)
        path.unlink()


def verify_figures() -> dict[str, Any]:
    """Entries as an export holds them: commitments of each; the values are of one kind."""
    at_s = time.time()
    values = ENTRY.values(at_s, "local")
    assert sorted(values) == sorted(FIELDS)
    committed = [commitments(values, os.urandom(SALTS_BYTES)) for _ in range(1_000)]
    start = time.perf_counter()
    leaves = [leaf_hash(leaf_bytes(committed[number % 1_000])) for number in range(VERIFIED)]
    after, _ = Frontier().extend(leaves)
    after.root()
    closed = VERIFIED / (time.perf_counter() - start)
    salts, opened = os.urandom(SALTS_BYTES), VERIFIED // 10
    start = time.perf_counter()
    Frontier().extend([leaf_hash(leaf_bytes(commitments(values, salts))) for _ in range(opened)])
    return {
        "entries_per_s": figure(closed, 50_000),
        "opened_in_full_per_s": {"figure": round(opened / (time.perf_counter() - start))},
    }


def proof_figures(log: AuditLog, entries: int) -> dict[str, Any]:
    start = time.perf_counter()
    while (size := log.size()) < entries:
        log.append(*[ENTRY] * min(BUILD_BATCH, entries - size))
    built = time.perf_counter() - start
    drawn = random.Random(7)
    inclusion, consistency = [], []
    for _ in range(PROOFS):
        start = time.perf_counter()
        prove_inclusion(drawn.randrange(entries), entries, log.nodes)
        inclusion.append(1000 * (time.perf_counter() - start))
        start = time.perf_counter()
        prove_consistency(drawn.randrange(1, entries), entries, log.nodes)
        consistency.append(1000 * (time.perf_counter() - start))
    return {
        "entries": entries,
        "built_s": round(built, 1),
        "inclusion_ms": figure(median(inclusion), 5, at_most=True),
        "inclusion_worst_ms": {"figure": round(max(inclusion), 3)},
        "consistency_ms": figure(median(consistency), 5, at_most=True),
        "consistency_worst_ms": {"figure": round(max(consistency), 3)},
    }


def main() -> int:
    """Run the command line; return the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--entries", type=int, default=1_000_000, help="of the log that proofs are made from")
    parser.add_argument("--folder", type=Path, default=None, help="where the database is made")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=chosen.folder) as name:
        folder = Path(name)
        sealer = Sealer(os.urandom(32))
        with Database.open(f"sqlite:///{folder}/node.db", create=True) as database:
            log = AuditLog(database, sealer, time.time)
            document = {
                "disk": sync_figures(folder),
                "append": append_figures(log),
                "verify": verify_figures(),
                "proof": proof_figures(log, chosen.entries),
            }
        document["proof"]["database_mib"] = round((folder / "node.db").stat().st_size / (1 << 20))
    print(json.dumps(document, indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
