"""Received signals by own supplier, in the order in which a person should look at them.

Child labour comes first, then hazardous work; then how bad it is, how sure it is about the supplier, and how
fresh it is. The order says what to look at, it is no judgement: nothing is left out, no number is made of it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from symbolon.cli.recall_shown import tombstone_json, tombstone_line
from symbolon.cli.received_shown import about_line, view_json, view_lines
from symbolon.errors import MembershipError
from symbolon.membership.member_record import Members
from symbolon.rpc.node import Node
from symbolon.rpc.receiver_lookup import Publishers
from symbolon.signals.vocabulary import DisputeState, Indicator
from symbolon.storage.received_signal_view import Publishers as PublishersOfView
from symbolon.storage.received_signal_view import ReceivedLink, ReceivedView, Tombstone
from symbolon.suppliers.record import Supplier


@dataclass(frozen=True, slots=True)
class Received:
    """What is held of other members' signals.

    Attributes:
        views: those that stand.
        tombstones: those that were recalled.
        suppliers: own suppliers that they are or were about, by number.
    """

    views: tuple[ReceivedView, ...]
    tombstones: tuple[Tombstone, ...]
    suppliers: dict[int, Supplier]


def known_members(node: Node) -> Members | None:
    """The newest list of members that this node holds, also one that ran out; None before it has joined.

    Enough to show what is here. Whoever is asked or told anything is a member by the list in force.

    Raises:
        MembershipError: there is a list, and it does not hold.
    """
    try:
        return node.coalition.state().members
    except MembershipError as error:
        if error.full_code != "membership.metadata.missing":
            raise
        return None


def known_publishers(node: Node) -> PublishersOfView:
    """How labels are checked to be shown; where no list of members is held, none is shown as verified.

    Raises:
        MembershipError: as `known_members`.
    """
    members = known_members(node)
    return (lambda _: None) if members is None else Publishers(node, members)


def load_received(node: Node, *, peer: str | None = None, purpose: str | None = None) -> Received:
    """Reads what is held, of one publisher and for one purpose alone where they are named."""
    views = node.received.views(known_publishers(node), peer=peer, purpose=purpose)
    stones = node.received.tombstones(peer)
    numbers = {each.link.supplier_no for view in views for each in view.links}
    numbers.update(number for stone in stones for number in stone.suppliers)
    return Received(tuple(views), tuple(stones), node.suppliers.get_many(sorted(numbers)))


def by_supplier(received: Received) -> list[tuple[ReceivedLink, list[ReceivedView]]]:
    """Signals under each own supplier; suppliers and signals in the order in which to look at them.

    One that a person has rejected comes last, and is not left out: a slip must not hide a child.
    """
    groups: dict[int, list[tuple[ReceivedLink, ReceivedView]]] = {}
    for view in received.views:
        for link in view.links:
            groups.setdefault(link.link.supplier_no, []).append((link, view))
    ordered = []
    for pairs in groups.values():
        pairs.sort(key=lambda pair: urgency(pair[1], pair[0]))
        best = min((link for link, _ in pairs), key=lambda link: link.link.tier)
        ordered.append((urgency(pairs[0][1], pairs[0][0]), best, [view for _, view in pairs]))
    ordered.sort(key=lambda each: (each[0], each[1].link.supplier_no))
    return [(link, views) for _, link, views in ordered]


def urgency(view: ReceivedView, link: ReceivedLink) -> tuple[Any, ...]:
    """A sort key: what a person should look at first comes first.

    A contest that is open puts a signal behind its like, never behind another kind: it is looked at too.
    """
    signal = view.signal
    severity = signal.severity
    return (
        link.decision == "rejected",
        Indicator.CHILD_LABOUR not in signal.indicators,
        Indicator.HAZARDOUS_WORK not in signal.indicators,
        -max(severity.scale, severity.scope, severity.irremediability),
        -signal.likelihood,
        link.link.tier,
        signal.dispute.state is not DisputeState.NONE,
        -signal.contributors,
        -signal.issued.toordinal(),
        signal.hex_id,
    )


def received_lines(received: Received, today: date, limit: int | None = None) -> Iterator[str]:
    """Yields the signals under each own supplier, then what was recalled."""
    groups = by_supplier(received)
    for link, views in groups[:limit]:
        yield about_line(link, received.suppliers)
        for view in views:
            yield from ("  " + line for line in view_lines(view, today))
        yield ""
    if limit is not None and len(groups) > limit:
        yield f"{len(groups) - limit} further suppliers have signals; --all shows them."
    if received.tombstones:
        yield "recalled: nothing is left of what these said"
        for stone in received.tombstones:
            yield "  " + tombstone_line(stone, received.suppliers)


def received_json(received: Received, today: date) -> dict[str, Any]:
    """The same for programs."""
    return {
        "signals": [view_json(each, received.suppliers, today) for each in _ordered(received.views)],
        "recalled": [tombstone_json(each, received.suppliers) for each in received.tombstones],
    }


def _ordered(views: Sequence[ReceivedView]) -> list[ReceivedView]:
    linked = [view for view in views if view.links]
    linked.sort(key=lambda view: urgency(view, min(view.links, key=lambda each: each.link.tier)))
    return linked + [view for view in views if not view.links]
