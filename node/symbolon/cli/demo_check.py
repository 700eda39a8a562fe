"""What a match must give, computed in the clear from both lists: the yardstick that no member has.

Plain dictionaries over the match keys of both files, written without the exchange, so that it can tell when
the exchange is wrong. A key under which more than `SLOTS` suppliers of one list stand says too little and is
left out on both sides (docs/PROTOCOL.md, Entries).
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from symbolon.errors import SymbolonError
from symbolon.exchange.limits import SLOTS
from symbolon.suppliers.match_keys import match_keys
from symbolon.suppliers.reader import open_list
from symbolon.suppliers.record import Supplier
from symbolon.suppliers.tier import Tier

Meeting = tuple[str, str, frozenset[str]]
"""Own supplier id, band, kinds of key that hit."""


@dataclass(frozen=True, slots=True)
class ClearMatch:
    """One own supplier and one of the peer that share a key."""

    ours: str
    theirs: str
    band: str
    schemes: frozenset[str]


def clear_join(ours: Path, theirs: Path, tiers: Sequence[str]) -> list[ClearMatch]:
    """Joins two files in the clear.

    Args:
        ours: file of the member that asks.
        theirs: file of the member that answers.
        tiers: letters of the tiers to ask.
    """
    wanted = [Tier(letter) for letter in tiers]
    left, right = keys_of(ours, wanted), keys_of(theirs, wanted)
    tier_of: dict[tuple[str, str], Tier] = {}
    schemes: dict[tuple[str, str], set[str]] = defaultdict(set)
    for tier, scheme, value in left.keys() & right.keys():
        for mine in left[tier, scheme, value]:
            for other in right[tier, scheme, value]:
                tier_of[mine, other] = min(tier, tier_of.get((mine, other), tier))
                schemes[mine, other].add(scheme)
    return [
        ClearMatch(mine, other, tier.band, frozenset(schemes[mine, other]))
        for (mine, other), tier in tier_of.items()
    ]


def keys_of(path: Path, tiers: Iterable[Tier]) -> dict[tuple[Tier, str, str], set[str]]:
    """The supplier ids of a file by tier, scheme and value of a key; those that say too little left out."""
    held: dict[tuple[Tier, str, str], set[str]] = defaultdict(set)
    with open_list(path) as reader:
        for item in reader:
            if isinstance(item, Supplier):
                for key in match_keys(item):
                    if key.tier in tiers:
                        held[key.tier, key.scheme, key.value].add(item.supplier_id)
    return {key: ids for key, ids in held.items() if len(ids) <= SLOTS}


def require_equal(expected: Sequence[ClearMatch], rows: Sequence[Mapping[str, str]]) -> None:
    """Holds the rows of a private match against the join in the clear.

    The asking member knows the peer's records by random handles only, so what is compared is which own
    suppliers, in which band and by which kinds of key, meet in one record of the peer.

    Args:
        expected: from `clear_join`.
        rows: as `symbolon match --out FILE.json` writes them.

    Raises:
        SymbolonError: they differ.
    """
    clear: dict[str, set[Meeting]] = defaultdict(set)
    for each in expected:
        clear[each.theirs].add((each.ours, each.band, each.schemes))
    private: dict[str, set[Meeting]] = defaultdict(set)
    for row in rows:
        private[row["peer_record"]].add((row["supplier_id"], row["band"], frozenset(row["keys"].split())))
    left, right = (Counter(map(frozenset, held.values())) for held in (clear, private))
    if left != right:
        lost, added = sum((left - right).values()), sum((right - left).values())
        raise SymbolonError(
            f"the private result differs from the join in the clear: {lost} records missing, {added} extra",
            hint="This is a defect: please report it with the output of `symbolon doctor`.",
            code="demo.differs",
        )
