"""Figures of private matching, with OpenMined PSI beside them in the same run. Prints JSON.

Each row runs `symbolon bench match`: two real nodes, mTLS, on this machine; the clock runs from the opened
channel to the stored result. OpenMined PSI runs in one process without a network and without storing
anything, on the same number of identifiers, half of them shared. Usage: bench_match.py [--quick].
"""

import argparse
import json
import subprocess
import sys
import time
from typing import Any


def symbolon(*arguments: str) -> dict[str, Any]:
    """Runs `symbolon bench match` and returns what it printed."""
    command = [sys.executable, "-m", "symbolon", "bench", "match", *arguments]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    if run.returncode:
        raise SystemExit(f"bench match failed: {run.stderr[-2000:]}")
    document: dict[str, Any] = json.loads(run.stdout)
    return document


def row(name: str, document: dict[str, Any]) -> dict[str, Any]:
    """The figures of one row: the median of its first sessions, and of those after a change."""
    middle = median(document["first"])
    elements, entries = middle["elements"], middle["entries"]
    entry_bytes = middle["bytes_received"] - 32 * elements
    figures: dict[str, Any] = {
        "row": name,
        "size": document["size"],
        "backend": middle["asker"]["backend"],
        "first_s": middle["total_s"],
        "first_s_all": [session["total_s"] for session in document["first"]],
        "asker_phases_s": middle["asker"]["phases_s"],
        "answerer_phases_s": middle["answerer"]["phases_s"],
        "asker_peak_mib": middle["asker"]["peak_memory_mib"],
        "answerer_peak_mib": middle["answerer"]["peak_memory_mib"],
        "matched": middle["asker"]["matched"] or middle["asker"]["shared"],
    }
    if document["keys"] == "strong" and entries:
        figures["bytes_per_receiver_key"] = round(
            (middle["bytes_sent"] + 32 * elements) / document["size"], 2
        )
        figures["bytes_per_sender_key"] = round(entry_bytes / document["size"], 2)
    if document["after_change"]:
        figures["after_change_s"] = median(document["after_change"])["total_s"]
        figures["after_change_s_all"] = [session["total_s"] for session in document["after_change"]]
    return figures


def median(sessions: list[dict[str, Any]]) -> dict[str, Any]:
    """The session in the middle, by its seconds."""
    return sorted(sessions, key=lambda session: session["total_s"])[len(sessions) // 2]


def openmined(size: int) -> dict[str, Any] | None:
    """Seconds that OpenMined PSI takes for the same, or None where it is not installed."""
    try:
        import private_set_intersection.python as psi
    except ImportError:
        return None
    mine = [f"lei.1 9999{number:014d}" for number in range(size)]
    theirs = [f"lei.1 9999{number:014d}" for number in range(size // 2, size + size // 2)]
    start = time.perf_counter()
    server = psi.server.CreateWithNewKey(True)
    client = psi.client.CreateWithNewKey(True)
    setup = server.CreateSetupMessage(1e-12, len(mine), theirs, psi.DataStructure.RAW)
    response = server.ProcessRequest(client.CreateRequest(mine))
    shared = len(client.GetIntersection(setup, response))
    return {
        "row": "OpenMined PSI",
        "size": size,
        "first_s": round(time.perf_counter() - start, 3),
        "matched": shared,
    }


def main() -> None:
    """Runs the rows and prints them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a tenth of the sizes, and no million")
    options = parser.parse_args()
    size = 10_000 if options.quick else 100_000
    rows = [
        row("one strong key each", symbolon("--size", str(size), "--repeat", "5")),
        row("openssl backend", symbolon("--size", str(size), "--backend", "openssl", "--changed", "0")),
        row(
            "ristretto255", symbolon("--size", str(size), "--suite", "ristretto255-SHA512", "--changed", "0")
        ),
        row(
            "all keys of realistic records", symbolon("--size", str(size), "--keys", "all", "--changed", "0")
        ),
        row("size mode", symbolon("--size", str(size), "--mode", "size", "--changed", "0")),
    ]
    if not options.quick:
        rows.append(row("a million", symbolon("--size", "1000000", "--changed", "0")))
    document: dict[str, Any] = {"rows": rows}
    peer = openmined(size)
    if peer is not None:
        rows.append(peer)
        document["ratio_openmined_to_symbolon"] = round(peer["first_s"] / rows[0]["first_s"], 1)
    else:
        document["openmined"] = "not installed on this platform (it has wheels for Linux x86_64, Python 3.11)"
    print(json.dumps(document, indent=2))


if __name__ == "__main__":
    main()
