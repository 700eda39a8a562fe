"""What of the own list a peer may be given: the obligations of the permit, where its set is prepared.

Handles: turning suppliers into the items that `policy.enforcement` judges, and its answer into numbers of
suppliers. Those first known on one day are judged together: nothing else tells suppliers apart here. No
contributor but this member vouches for its own list, nobody has been told of a release, and no person reviews
single suppliers, so whatever asks for these withholds all of it. docs/adr/0014.
"""

from datetime import UTC, datetime
from typing import Final

import numpy as np
import numpy.typing as npt

from symbolon.policy.enforcement import Item, prepare_set
from symbolon.policy.obligations import Obligations
from symbolon.rpc.node import Node

_DAY_S: Final = 86400


def permitted_suppliers(
    node: Node, obligations: Obligations, peer: str, mode: str
) -> npt.NDArray[np.uint64] | None:
    """Numbers of the suppliers that a peer may be given.

    Args:
        node: this node.
        obligations: of the permit.
        peer: who would get them.
        mode: in `size` those are counted too that stand in no labelled set.

    Returns:
        uint64, ascending; None for all.
    """
    if not _withholds(obligations):
        return None
    numbers, known_s = node.suppliers.first_known()
    days = known_s // _DAY_S
    items = [
        Item(str(day), datetime.fromtimestamp(day * _DAY_S, UTC).date(), None)
        for day in np.unique(days).tolist()
    ]
    prepared = prepare_set(items, obligations, receiver=peer, today=node.now.date())
    leaves = [int(each.item_id) for each in prepared.released]
    if mode == "size":
        leaves += map(int, prepared.counted)
    permitted: npt.NDArray[np.uint64] = np.sort(numbers[np.isin(days, np.array(leaves, np.int64))])
    return permitted


def _withholds(obligations: Obligations) -> bool:
    """Whether any of them can keep a supplier back; a match has no fields and no period to change."""
    return bool(
        obligations.delay
        or obligations.human_review
        or obligations.count_only
        or obligations.min_corroboration
        or obligations.notify
    )
