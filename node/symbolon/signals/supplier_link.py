"""Which own supplier a signal is about, and how that was found.

Handles: single hits, one for each own key that led to a signal, and what they come to for one supplier: the
tier of the strongest key and the kinds of all, as in a match. Refuses nothing.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from symbolon.suppliers.tier import Tier


class Hit(NamedTuple):
    """One own key that led to a signal, for one of the suppliers behind it.

    Attributes:
        supplier_no: own supplier.
        tier: of the key.
        scheme: of the key.
        key_id: see `KeyTable.key_ids`.
    """

    supplier_no: int
    tier: Tier
    scheme: str
    key_id: int


@dataclass(frozen=True, slots=True)
class SupplierLink:
    """One own supplier that a signal is about.

    Attributes:
        supplier_no: own supplier.
        tier: strongest tier that hit; its `band` is what people see.
        reasons: schemes of the keys that hit, strongest tier first.
        key_ids: the keys that hit, ascending.
    """

    supplier_no: int
    tier: Tier
    reasons: tuple[str, ...]
    key_ids: tuple[int, ...]


def supplier_links(hits: Iterable[Hit]) -> tuple[SupplierLink, ...]:
    """What hits of one signal come to, strongest first, then by supplier; their order does not matter."""
    by_supplier: dict[int, list[Hit]] = {}
    for each in hits:
        by_supplier.setdefault(each.supplier_no, []).append(each)
    links = []
    for number, some in by_supplier.items():
        kinds = sorted({(each.tier, each.scheme) for each in some})
        keys = sorted({each.key_id for each in some})
        reasons = tuple(dict.fromkeys(scheme for _, scheme in kinds))
        links.append(SupplierLink(number, kinds[0][0], reasons, tuple(keys)))
    return tuple(sorted(links, key=lambda each: (each.tier, each.supplier_no)))
