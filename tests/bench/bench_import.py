"""Import of a large supplier list: rows a second, phases, peak memory, and the time to load its keys.

Prints one JSON object. Run: python tests/bench/bench_import.py --size 500000 [--workers N]

The rows are synthetic and made like real ones: names of two to four words with a legal form, numbered
streets, places with postal codes in five countries; every second row has an LEI with a valid check number.
The second import has one row in a hundred changed, one new and one gone.
"""

import argparse
import csv
import json
import random
import resource
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from symbolon.storage.database import Database
from symbolon.storage.import_report import ImportReport
from symbolon.storage.seal import Sealer
from symbolon.storage.supplier_import import import_list
from symbolon.storage.supplier_store import SupplierStore
from symbolon.suppliers.reader import open_list
from symbolon.suppliers.tier import Tier

HEADER = ("supplier_id", "name", "address", "city", "region", "postal_code", "country", "sector", "lei")

# fmt: off
_SYLLABLES = (
    "ba", "be", "da", "do", "fa", "ga", "ha", "ka", "ko", "la", "le", "li", "lo", "ma", "mi", "na",
    "no", "pa", "ra", "ri", "ro", "sa", "se", "shi", "ta", "te", "to", "va", "wa", "ya", "zu",
)
_TRADES = (
    "Textile", "Garments", "Knitwear", "Farms", "Fishery", "Metals", "Timber", "Plastics",
    "Footwear", "Packaging", "Dairy", "Mining",
)
# fmt: on
_FORMS = {
    "BD": ("Ltd.", "Limited", "(Pvt) Ltd"),
    "US": ("LLC", "Inc.", "Corp."),
    "DE": ("GmbH", "GmbH & Co. KG", "AG"),
    "IN": ("Pvt. Ltd.", "Private Limited", "Ltd"),
    "TR": ("A.S.", "Ltd. Sti.", "San. ve Tic. A.S."),
}
_STREETS = ("Road", "Street", "Avenue", "Industrial Area", "Lane")


def _word(source: random.Random) -> str:
    return "".join(source.choice(_SYLLABLES) for _ in range(source.randint(2, 4))).capitalize()


def _lei(source: random.Random) -> str:
    stem = "".join(source.choice("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ") for _ in range(18))
    digits = "".join(str(int(letter, 36)) for letter in stem)
    return f"{stem}{98 - int(digits + '00') % 97:02d}"


def rows(size: int, seed: int) -> Iterator[list[str]]:
    """Makes `size` rows, the same for the same seed."""
    source = random.Random(seed)
    for number in range(size):
        country = source.choice(tuple(_FORMS))
        words = [_word(source) for _ in range(source.randint(1, 3))]
        name = " ".join((*words, source.choice(_TRADES), source.choice(_FORMS[country])))
        address = f"{source.randint(1, 9999)} {_word(source)} {_word(source)} {source.choice(_STREETS)}"
        city = f"{_word(source)}{source.choice(('', 'pur', 'ville', 'abad'))}"
        postal = f"{source.randint(10_000, 99_999)}"
        lei = _lei(source) if number % 2 else ""
        yield [f"S-{number:07d}", name, address, city, "", postal, country, source.choice(_TRADES), lei]


def write_list(path: Path, size: int, *, second: bool) -> None:
    """Writes the first list, or the second one with its differences."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(HEADER)
        for number, row in enumerate(rows(size, 1)):
            if second and number % 100 == 1:
                row[2] = f"Plot {number}, {row[2]}"
            elif second and number % 100 == 2:
                row[0] = f"N-{number:07d}"
            writer.writerow(row)


def _figures(report: ImportReport) -> dict[str, Any]:
    phases = report.to_json()["phases"]
    return {
        "rows": report.rows_read,
        "new": report.new,
        "changed": report.changed,
        "unchanged": report.unchanged,
        "gone": report.gone,
        "keys": report.keys,
        "rows_per_s": round(report.rows_read / report.phases.total),
        "phases_s": {name: round(seconds, 2) for name, seconds in phases.items()},
    }


def _loading(store: SupplierStore, rounds: int = 5) -> dict[str, Any]:
    figures = {}
    for tier in Tier:
        times = []
        for _ in range(rounds):
            began = time.perf_counter()
            table = store.load_keys(tier)
            times.append(time.perf_counter() - began)
        figures[tier.value] = {
            "keys": len(table),
            "best_ms": round(1e3 * min(times), 1),
            "best_ms_per_100k": round(1e8 * min(times) / max(1, len(table)), 1),
        }
    return figures


def run(size: int, workers: int | None) -> dict[str, Any]:
    """Imports two lists of `size` rows into a fresh database and measures."""
    with tempfile.TemporaryDirectory(prefix="symbolon-bench-") as folder:
        home = Path(folder)
        sealer = Sealer.load_or_create(home / "seal.key")
        reports = []
        with Database.open(f"sqlite:///{home}/node.db", create=True) as database:
            for second in (False, True):
                path = home / "list.csv"
                write_list(path, size, second=second)
                reports.append(
                    import_list(database, sealer, open_list(path), clock=time.time, workers=workers)
                )
            import_rss_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            return {
                "size": size,
                "import": _figures(reports[0]),
                "reimport_1_percent": _figures(reports[1]),
                "peak_rss_mib": {
                    "importer": import_rss_kib // 1024,
                    "largest_worker": resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024,
                },
                "database_mib": (home / "node.db").stat().st_size >> 20,
                "load_keys": _loading(SupplierStore(database, sealer)),
            }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=500_000, help="rows in each list")
    parser.add_argument(
        "--workers", type=int, default=None, help="worker processes; default fits the machine"
    )
    options = parser.parse_args()
    print(json.dumps(run(options.size, options.workers), indent=2))


if __name__ == "__main__":
    main()
