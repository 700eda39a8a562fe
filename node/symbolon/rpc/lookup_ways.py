"""Whether a member may look signals up for a purpose now, and what binds it then.

Handles: the question of a lookup that nobody made, by every tier of keys and every suite, put to the policies
in force; nothing of it is written down. Refuses nothing: who may not has no way.
"""

from itertools import product

from symbolon.errors import PermissionDeniedError
from symbolon.oprf.suite import SUITE_NAMES
from symbolon.policy.obligations import Obligations, strictest
from symbolon.policy.request import MatchContext, match_request
from symbolon.rpc.node import Node
from symbolon.suppliers.tier import Tier


def require_lookup(node: Node, peer: str, purpose: str) -> Obligations:
    """What binds a member that may look up this node's signals for a purpose.

    By which key it found a signal is its own secret, so the strictest of all ways that are open to it binds.

    Raises:
        PermissionDeniedError: `permission.denied`, no way is open to it.
        MembershipError, PolicyError: nobody is permitted anything now.
    """
    ways: tuple[Obligations, ...] = ()
    if purpose in node.directory.current().purposes:
        now = node.now
        agreed = node.agreements.in_force(peer, purpose, now.date()) is not None
        asked = [
            match_request(
                "answer",
                peer,
                node.member_id,
                MatchContext(purpose, "lookup", frozenset(tier.value), suite, 0, 0, 0, 0, 0, agreed, now),
            )
            for tier, suite in product(Tier, SUITE_NAMES)
        ]
        ways = tuple(each.obligations for each in node.policy.try_out(asked) if each.allowed)
    if not ways:
        raise PermissionDeniedError(f"{peer} may not look signals up for {purpose}")
    return strictest(*ways)
