"""Of a lookup: the signals that a peer released about own suppliers, taken in and stored.

Handles: putting the chunks that own keys opened together, checking each signal under the key that the
coalition lists for the peer, and storing what stands. Refuses nothing: what does not hold is counted and left
out, and nothing of that shows to the peer, whose call has ended by then. docs/PROTOCOL.md, Signals.
"""

from collections.abc import Mapping

import numpy as np
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from symbolon.errors import MembershipError
from symbolon.membership.member_record import Members
from symbolon.policy.enforcement import Terms
from symbolon.rpc.node import Node
from symbolon.rpc.receiver_conclusion import Conclusion, TierHits
from symbolon.rpc.receiver_session import Ask
from symbolon.signals.bundle import label_id, signed_message
from symbolon.signals.found_labels import FoundLabels, whole_labels
from symbolon.signals.intake import take_in
from symbolon.storage.database import Transaction
from symbolon.storage.received_signal_view import Publisher
from symbolon.storage.received_signal_writer import FeedPosition
from symbolon.suppliers.tier import Tier


def conclude_lookup(node: Node, ask: Ask, epoch: int, standing: Mapping[str, TierHits]) -> Conclusion:
    """Of `lookup` mode: which signals the peer released about own suppliers.

    Args:
        node: this node.
        ask: what was asked.
        epoch: the peer's.
        standing: by tier.

    Raises:
        MembershipError: the peer is no member any more.
    """
    publisher = Publishers(node)(ask.peer)
    if publisher is None:
        raise MembershipError(f"{ask.peer} is not a member", code="membership.unknown")
    labels = [_found(tier, hits) for tier, hits in standing.items()]
    # Most stand as they did, and what nothing has happened to is not judged again.
    same = node.received.same(ask.peer, ask.purpose, labels)
    found = [each for some in labels for each in some.found(without=same)]
    held = node.received.held(ask.peer, ask.purpose, standing, found, same)
    intake = take_in(
        found,
        held,
        verify=publisher.verify,
        today=node.now.date(),
        same=same,
        remembered=node.received.remembered(ask.peer),
    )
    counts = intake.counts()
    words = ", ".join(f"{count} {what}" for what, count in counts.items() if count) or "none"
    positions = [FeedPosition(tier, epoch, each.last_delta) for tier, each in standing.items()]

    def store(connection: Transaction, terms: Terms) -> None:
        node.received.save(
            connection, ask.peer, ask.purpose, intake, key_id=publisher.key_id, positions=positions
        )

    return Conclusion(
        counts, f"the signals that it released about own suppliers ({words})", [], intake, store
    )


class Publishers:
    """How labels of members are checked, by the keys that the coalition lists now.

    Args:
        node: this node.
        members: a list to go by instead of the one in force.

    Raises:
        MembershipError: none is in force.
    """

    def __init__(self, node: Node, members: Members | None = None) -> None:
        self._members = node.directory.current() if members is None else members
        self._coalition = node.config.node.coalition

    def __call__(self, member: str) -> Publisher | None:
        """See `received_signal_view.Publishers`."""
        found = self._members.find(member)
        if found is None:
            return None
        key = Ed25519PublicKey.from_public_bytes(found.signing_key)

        def verify(header: bytes, signature: bytes) -> None:
            key.verify(signature, signed_message(self._coalition, member, header))

        return Publisher(found.signing_key, verify)


def _found(tier: str, standing: TierHits) -> FoundLabels:
    """The signals under own keys, and the own suppliers behind each."""
    table, hits = standing.table, standing.hits
    # Those of one key stay in the order of their slots.
    order = np.argsort(hits.key_ids, kind="stable")
    key_ids = hits.key_ids[order]
    labels, rows = whole_labels(key_ids, hits.labels[order])
    places = np.searchsorted(table.key_ids, key_ids[rows])
    schemes, names = table.inputs.schemes(places)
    return FoundLabels(
        Tier(tier),
        labels,
        [label_id(each) for each in labels],
        key_ids[rows],
        schemes,
        names,
        np.searchsorted(table.link_key, places),
        np.searchsorted(table.link_key, places, "right"),
        table.link_supplier,
    )
