"""Whether a founder may pose what it poses: the policies of the founder's node that is asked to sign.

Handles: proposals that admit or expel; other acts are for the people of a node, and for the rules of the
coalition. Refuses what no policy permits, before anything of it is kept, and writes the refusal down. What is
permitted still waits for a person where it always did. docs/adr/0014.
"""

from typing import Final

from symbolon.audit.entry import Entry
from symbolon.errors import PermissionDeniedError
from symbolon.membership.acts import Act, Admit, Expel
from symbolon.membership.proposal import decode_proposal
from symbolon.policy.request import PlainContext, PolicyRequest
from symbolon.rpc.node import Node

PURPOSE: Final = "membership"

_ACTIONS: Final[tuple[tuple[type[Act], str], ...]] = ((Admit, "admit"), (Expel, "expel"))


def require_permitted(node: Node, document: bytes, proposer: str) -> None:
    """Checks that the policies let a proposal reach this node's people.

    Args:
        node: this node, a founder's.
        document: the proposal.
        proposer: member id of who poses it.

    Raises:
        PermissionDeniedError: a policy forbids it, or none permits it.
        MembershipError: the proposal cannot be read.
    """
    acts = decode_proposal(document).acts
    for kind, action in _ACTIONS:
        if not any(isinstance(each, kind) for each in acts):
            continue
        context = PlainContext(PURPOSE, node.now).values()
        request = PolicyRequest(proposer, action, "Coalition", node.config.node.coalition, context)
        decision, record = node.policy.decide(request)
        if decision.allowed:
            continue
        code = f"permission.{decision.refusal or 'denied'}"
        node.audit.append(Entry("denied", proposer, purpose=action, note=code, decision=record))
        by = f"forbidden by {', '.join(decision.policies)}" if decision.policies else "nothing permits it"
        raise PermissionDeniedError(
            f"{proposer} poses to {action} a member: {by}",
            hint="`symbolon policy check` lists the policies of this node.",
            code=code,
        )
