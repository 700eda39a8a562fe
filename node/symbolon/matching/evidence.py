"""From key hits to matched records.

A hit says that one own key opens one record of the peer. Evidence is one row per own supplier, handle and
key; a match groups the rows of one (supplier, handle) pair, takes the band of its strongest key and keeps
the kind of every key that hit, as its reasons. The same functions serve the join in the clear that tests
hold the private result against.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from symbolon.exchange.id_sets import among, distinct, spans
from symbolon.exchange.key_table import KeyTable
from symbolon.exchange.receiver_set import Hits
from symbolon.suppliers.tier import Tier

UInt64 = npt.NDArray[np.uint64]


@dataclass(frozen=True, slots=True)
class Evidence:
    """Evidence of one tier in columns, each `[n]`: own supplier, the peer's handle, own key, its scheme.

    Attributes:
        schemes: uint8 index into `scheme_names`.
    """

    tier: Tier
    suppliers: UInt64
    handles: UInt64
    key_ids: UInt64
    schemes: npt.NDArray[np.uint8]
    scheme_names: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.suppliers)


@dataclass(frozen=True, slots=True)
class Match:
    """One own supplier that the peer has too.

    Attributes:
        supplier_no: own supplier.
        handle: the peer's record, random per peer and epoch.
        tier: strongest tier that hit; its `band` is what people see.
        reasons: schemes of the keys that hit, strongest tier first.
        key_ids: the keys that hit, ascending.
    """

    supplier_no: int
    handle: int
    tier: Tier
    reasons: tuple[str, ...]
    key_ids: tuple[int, ...]


def evidence(hits: Hits, table: KeyTable) -> Evidence:
    """Spreads hits over the own suppliers behind each key.

    Args:
        hits: of one tier, of record handles; every key id is in the table.
        table: the keys of the tier as they were asked.
    """
    at = np.searchsorted(table.key_ids, hits.key_ids)
    # Links are in the order of keys, and every key has one.
    bounds = np.append(np.flatnonzero(np.diff(table.link_key, prepend=-1)), len(table.link_key))
    first, counts = bounds[at], np.diff(bounds)[at]
    links = spans(first, counts)
    of_hit, names = table.inputs.schemes(at)
    return Evidence(
        table.tier,
        table.link_supplier[links],
        np.repeat(hits.labels, counts),
        np.repeat(hits.key_ids, counts),
        np.repeat(of_hit, counts),
        names,
    )


def matches(evidence_by_tier: list[Evidence]) -> list[Match]:
    """Groups evidence of several tiers into matches, strongest first, then by supplier and handle."""
    groups: dict[tuple[int, int], tuple[Tier, list[str], list[int]]] = {}
    for each in sorted(evidence_by_tier, key=lambda one: one.tier):
        rows = zip(
            each.suppliers.tolist(),
            each.handles.tolist(),
            each.key_ids.tolist(),
            each.schemes.tolist(),
            strict=True,
        )
        for supplier, handle, key_id, scheme in rows:
            _, reasons, key_ids = groups.setdefault((supplier, handle), (each.tier, [], []))
            name = each.scheme_names[scheme]
            if name not in reasons:
                reasons.append(name)
            key_ids.append(key_id)
    found = [
        Match(supplier, handle, tier, tuple(reasons), tuple(sorted(key_ids)))
        for (supplier, handle), (tier, reasons, key_ids) in groups.items()
    ]
    return sorted(found, key=lambda match: (match.tier, match.supplier_no, match.handle))


def count_by_band(evidence_by_tier: list[Evidence]) -> dict[str, int]:
    """Own suppliers matched, by the band of their strongest key."""
    seen = np.empty(0, np.uint64)
    counts = {}
    for each in sorted(evidence_by_tier, key=lambda one: one.tier):
        suppliers = distinct(each.suppliers)
        new = suppliers[~among(suppliers, seen)]
        counts[each.tier.band] = len(new)
        seen = np.concatenate([seen, new])
    return counts
