"""How well match keys find true pairs in clear text: recall and precision of each band, as JSON on stdout.

Run `python tests/bench/bench_match_quality.py` from anywhere. It reads the public files in `../shared`
beside the repository and prints, for the labelled pairs, recall and precision of each band and of the bands
together; for the grower lists, the counts of a join by keys. A pair's band is the strongest tier in which
the two share a key; keys held by more than four suppliers of one list are dropped, as in an exchange.

`--show B 50` prints random pairs of one band for a person to judge, on stdout, instead of the figures.
"""

import argparse
import csv
import json
import random
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final

from symbolon.suppliers.match_keys import MatchKey, match_keys
from symbolon.suppliers.reader import open_list
from symbolon.suppliers.record import Supplier
from symbolon.suppliers.tier import Tier

SHARED: Final = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "suppliers"
MAX_HOLDERS: Final = 4
"""Suppliers of one list under one key; a key with more is dropped."""


def labelled_pairs(path: Path) -> list[tuple[Supplier, Supplier, bool]]:
    """The labelled facility pairs: two suppliers and whether people called them the same."""
    sides: dict[str, dict[str, dict[str, str]]] = defaultdict(dict)
    with path.open(encoding="utf-8", newline="") as stream:
        for row in csv.DictReader(stream):
            sides[row["pair"]][row["side"]] = row
    return [
        (_facility(pair["a"]), _facility(pair["b"]), pair["a"]["label"] == "1") for pair in sides.values()
    ]


def _facility(row: Mapping[str, str]) -> Supplier:
    return Supplier(
        supplier_id=row["pair"] + row["side"],
        name=row["name"],
        address=row["address"],
        country=row["country"],
    )


def band_of(left: Supplier, right: Supplier) -> Tier | None:
    """The strongest tier in which both have the same key."""
    shared = {key.encoded for key in match_keys(left)} & {key.encoded for key in match_keys(right)}
    return min((key.tier for key in match_keys(left) if key.encoded in shared), default=None)


def labelled_figures(pairs: Sequence[tuple[Supplier, Supplier, bool]]) -> dict[str, object]:
    """Recall and precision of each band alone and of the bands down to it."""
    found = Counter((band_of(left, right), same) for left, right, same in pairs)
    same_pairs = sum(1 for *_, same in pairs if same)
    figures: dict[str, object] = {"pairs": len(pairs), "same": same_pairs}
    for name, tiers in (("A", "A"), ("B", "B"), ("C", "C"), ("A+B", "AB"), ("A+B+C", "ABC")):
        right = sum(found[Tier(tier), True] for tier in tiers)
        wrong = sum(found[Tier(tier), False] for tier in tiers)
        figures[name] = {
            "right": right,
            "wrong": wrong,
            "precision": round(right / (right + wrong), 3) if right + wrong else None,
            "recall": round(right / same_pairs, 3),
        }
    exact = [(left.name == right.name, same) for left, right, same in pairs]
    figures["raw_name_equal"] = {
        "right": exact.count((True, True)),
        "wrong": exact.count((True, False)),
        "recall": round(exact.count((True, True)) / same_pairs, 3),
    }
    return figures


def join(left: Iterable[Supplier], right: Iterable[Supplier]) -> dict[tuple[str, str], list[MatchKey]]:
    """Clear-text join by keys: pair of supplier ids to the shared keys of its strongest tier."""
    right_holders = _holders(right)
    joined: dict[tuple[str, str], list[MatchKey]] = {}
    for encoded, (key, left_ids) in _holders(left).items():
        _, right_ids = right_holders.get(encoded, (key, []))
        if len(left_ids) > MAX_HOLDERS or len(right_ids) > MAX_HOLDERS:
            continue
        for pair in ((one, other) for one in left_ids for other in right_ids):
            held = joined.setdefault(pair, [])
            if not held or held[0].tier == key.tier:
                held.append(key)
            elif key.tier < held[0].tier:
                joined[pair] = [key]
    return joined


def _holders(suppliers: Iterable[Supplier]) -> dict[bytes, tuple[MatchKey, list[str]]]:
    holders: dict[bytes, tuple[MatchKey, list[str]]] = {}
    for supplier in suppliers:
        for key in match_keys(supplier):
            holders.setdefault(key.encoded, (key, []))[1].append(supplier.supplier_id)
    return holders


def load(path: Path) -> dict[str, Supplier]:
    """All suppliers of a list by id."""
    return {item.supplier_id: item for item in open_list(path) if isinstance(item, Supplier)}


def list_figures(left: Mapping[str, Supplier], right: Mapping[str, Supplier]) -> dict[str, object]:
    """Counts of the join of two lists, and what keys cost."""
    sample = list(left.values())
    for supplier in sample[:500]:
        match_keys(supplier)
    begun = time.perf_counter()
    keys = [match_keys(supplier) for supplier in sample]
    spent_s = time.perf_counter() - begun
    joined = join(left.values(), right.values())
    raw_names = {supplier.name for supplier in right.values()}
    return {
        "rows": [len(left), len(right)],
        "keys_per_row": round(sum(map(len, keys)) / len(keys), 2),
        "key_time_us_per_row": round(spent_s / len(keys) * 1e6, 1),
        "pairs_by_band": dict(sorted(Counter(held[0].tier.band for held in joined.values()).items())),
        "rows_matched": len({one for one, _ in joined}),
        "rows_with_equal_raw_name": sum(supplier.name in raw_names for supplier in left.values()),
    }


def show(
    band: Tier, count: int, seed: int, left: Mapping[str, Supplier], right: Mapping[str, Supplier]
) -> None:
    """Print random pairs of one band for a person to judge."""
    joined = join(left.values(), right.values())
    pairs = sorted(pair for pair, held in joined.items() if held[0].tier is band)
    for one, other in random.Random(seed).sample(pairs, min(count, len(pairs))):
        for supplier in (left[one], right[other]):
            place = f"{supplier.city} | {supplier.region} | {supplier.postal_code}"
            print(f"{supplier.name} | {supplier.address} | {place}")
        print(f"    {', '.join(sorted({key.source for key in joined[one, other]}))}\n")


def main() -> int:
    """Print the figures; 0 also when the public files are absent, and then says so."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--show", nargs=2, metavar=("TIER", "COUNT"), help="print random pairs of one band instead"
    )
    parser.add_argument("--seed", type=int, default=2014, help="of the random pairs")
    arguments = parser.parse_args()
    if not SHARED.is_dir():
        print(
            "symbolon: skipped: the public files in ../shared are not beside this repository", file=sys.stderr
        )
        print(json.dumps({"skipped": "no ../shared"}))
        return 0
    left, right = load(SHARED / "growers_2014.csv"), load(SHARED / "growers_2015.csv")
    if arguments.show:
        show(Tier(arguments.show[0]), int(arguments.show[1]), arguments.seed, left, right)
        return 0
    figures = {
        "labelled": labelled_figures(labelled_pairs(SHARED / "facility_pairs_labelled.csv")),
        "growers": list_figures(left, right),
    }
    print(json.dumps(figures, indent=2))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
