"""Figures of signal lookups. Prints JSON.

Each row runs `symbolon bench lookup`: real nodes, mTLS, on this machine; the clock runs in the asking node
from the opened channel to the stored result, signatures checked. The last row takes the time from a recall's
commit at the contributor to its being stored at twenty members that watch. Usage: bench_lookup.py [--quick].
"""

import argparse
import functools
import json
import subprocess
import sys
import time
from datetime import datetime
from pathlib import Path
from typing import Any

from symbolon.cli.bench_lookup import _made_up
from symbolon.cli.local_coalition import PURPOSE, local_coalition
from symbolon.cli.made_up_suppliers import MadeUpList
from symbolon.rpc.contributing import sign_record
from symbolon.rpc.node import Node
from symbolon.signals.revisions import recall
from symbolon.signals.vocabulary import RecallReason
from symbolon.storage.supplier_import import import_list
from symbolon.storage.supplier_keys import make_keys
from symbolon.suppliers.tier import Tier

CONTRIBUTOR = "watch-ngo"


def symbolon(*arguments: str) -> dict[str, Any]:
    """Runs `symbolon bench lookup` and returns what it printed."""
    command = [sys.executable, "-m", "symbolon", "bench", "lookup", *arguments]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    if run.returncode:
        raise SystemExit(f"bench lookup failed: {run.stderr[-2000:]}")
    document: dict[str, Any] = json.loads(run.stdout)
    return document


def row(name: str, document: dict[str, Any]) -> dict[str, Any]:
    """The figures of one row."""
    first, again = document["first"], document["again"]
    built_s = sum(
        each["answerer_phases_s"].get("load", 0) + each["answerer_phases_s"].get("set", 0) for each in first
    )
    entries = sum(each["entries"] for each in first)
    middle = sorted(first, key=lambda each: each["total_s"])[len(first) // 2]
    return {
        "row": name,
        "own": document["size"],
        "signals": document["signals"],
        "keys": document["keys"],
        "found": middle["signals"],
        "first_s": middle["total_s"],
        "first_s_all": [each["total_s"] for each in first],
        "again_s_all": [each["total_s"] for each in again],
        "moved_mb": round((middle["bytes_sent"] + middle["bytes_received"]) / 1e6, 1),
        "again_moved_kb": [round((each["bytes_sent"] + each["bytes_received"]) / 1e3, 1) for each in again],
        "asker_phases_s": middle["asker_phases_s"],
        "answerer_phases_s": middle["answerer_phases_s"],
        "sets_s": round(built_s, 2),
        "entries_a_second": round(entries / built_s) if built_s else None,
        "kept_mb": round(document["kept_bytes"] / 1e6, 1),
        "answerer_peak_mib": middle["answerer_peak_mib"],
    }


def recall_row(followers: int, signals: int) -> dict[str, Any]:
    """Seconds from a recall's commit until the last of the served members that follow has stored it."""
    maker = functools.partial(make_keys, tiers=(Tier.A,))
    with local_coalition({"exchange": {"additions_interval_s": 0}}) as coalition:
        names = [f"asker-{number}" for number in range(followers)]
        coalition.add(CONTRIBUTOR, peers=tuple(names))
        with Node(coalition.home(CONTRIBUTOR)) as node:
            node.signals.add_many(list(_made_up(node, range(signals))))
        for name in names:
            coalition.add(name, kind="company", peers=(CONTRIBUTOR,))
            with Node(coalition.home(name)) as node:
                made_up = MadeUpList(signals, 0, 0, name)
                import_list(node.database, node.sealer, made_up, clock=node.clock, key_maker=maker)
                node.subscriptions.begin(CONTRIBUTOR, PURPOSE, "A")
        coalition.start(CONTRIBUTOR)
        for name in names:
            coalition.served.begin(name, "--home", str(coalition.home(name)), "serve")
        logs = [coalition.log(name) for name in names]
        _told(logs, "added")
        with Node(coalition.home(CONTRIBUTOR)) as node:
            held = node.signals.list(0, 1)[0]
            new = recall(held.signal, node.now.date(), RecallReason.ERROR)
            node.signals.recall(new, sign_record(node, new))
        began_s = time.time()
        seconds = sorted(each - began_s for each in _told(logs, "recalled"))
    middle = seconds[len(seconds) // 2]
    return {
        "row": "recall",
        "followers": followers,
        "gone_at_half_s": round(middle, 2),
        "gone_everywhere_s": round(seconds[-1], 2),
    }


def _told(logs: list[Path], what: str) -> list[float]:
    """When each node wrote that a lookup brought it, seconds since 1970-01-01 UTC."""
    found: list[float] = []
    while len(found) < len(logs):
        time.sleep(1)
        lines = (log.read_text().splitlines() for log in logs)
        hits = [[line for line in some if " following " in line and f"'{what}'" in line] for some in lines]
        found = [datetime.fromisoformat(some[-1][:23].replace(",", ".")).timestamp() for some in hits if some]
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a tenth of everything")
    quick = parser.parse_args().quick
    small = 10 if quick else 1

    def run(name: str, *arguments: str) -> dict[str, Any]:
        print(f"{name} …", file=sys.stderr)
        return row(name, symbolon(*arguments))

    rows = [
        run(
            "one strong key each",
            *("--size", str(100_000 // small), "--signals", str(10_000 // small)),
            *("--repeat", "3", "--again", "3"),
        ),
        run(
            "all keys",
            *("--size", str(100_000 // small), "--signals", str(10_000 // small), "--keys", "all"),
        ),
        run(
            "twenty sets of 100,000",
            *("--size", "50", "--signals", str(100_000 // small), "--repeat", "20", "--again", "0"),
        ),
        run(
            "a million signals, the set prepared; the second lookup is one day's",
            *("--size", "1000", "--signals", str(1_000_000 // small), "--prepared"),
        ),
        recall_row(20, 1000 // small),
    ]
    print(json.dumps(rows, indent=2))


if __name__ == "__main__":
    main()
