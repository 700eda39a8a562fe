"""The received signal that a command is about, by its id: one view of it, and whom it is about.

Refuses an id that no signal that stands here has, one that is a signal of this member's own, and, where a
signal was received for several purposes, to take one of them.
"""

from dataclasses import dataclass
from typing import Annotated

import typer

from symbolon.cli.received_list import known_publishers
from symbolon.cli.received_shown import about_line, view_lines
from symbolon.errors import SignalError, UsageError
from symbolon.rpc.node import Node
from symbolon.storage.received_signal_view import ReceivedView, Tombstone
from symbolon.suppliers.record import Supplier

OfPeer = Annotated[str, typer.Option("--peer", help="Its publisher, where two have signals of this id.")]
ForPurpose = Annotated[
    str, typer.Option("--purpose", help="Purpose it was received for, where there are several.")
]


def is_own(node: Node, signal_id: str) -> bool:
    """Whether an id, or its beginning, is that of a signal of this member.

    Raises:
        SignalError: `signal.ambiguous`, an own signal and a received one have it; as `SignalStore.get`.
    """
    try:
        node.signals.get(signal_id)
    except SignalError as error:
        if error.full_code != "signal.unknown":
            raise
        return False
    try:
        node.received.get(signal_id, known_publishers(node))
    except SignalError as error:
        if error.full_code == "signal.unknown":
            return True
    raise SignalError(
        f"an own signal and a received one have an id that begins with {signal_id[:32]}",
        hint="Give more of it.",
        code="signal.ambiguous",
    )


@dataclass(frozen=True, slots=True)
class Place:
    """By what a received signal is named.

    Attributes:
        signal_id: its id, or a beginning of it.
        peer: its publisher; '' for any.
        purpose: that it was received for; '' where there is but one.
    """

    signal_id: str
    peer: str = ""
    purpose: str = ""


def chosen_view(node: Node, place: Place) -> ReceivedView:
    """One received signal that stands.

    Raises:
        SignalError: `signal.unknown`, `signal.ambiguous`, `signal.recalled`.
        UsageError: it was received for several purposes.
    """
    found = node.received.get(place.signal_id, known_publishers(node), peer=place.peer or None)
    views = [each for each in found if isinstance(each, ReceivedView) and place.purpose in ("", each.purpose)]
    if any(isinstance(each, Tombstone) for each in found):
        raise SignalError(
            "the signal was recalled: nothing is left of what it said",
            hint="`symbolon signals received` shows when and why.",
            code="signal.recalled",
        )
    if not views:
        raise SignalError(
            f"the signal was not received for {place.purpose}",
            hint="Leave --purpose out: there is another one.",
            code="signal.unknown",
        )
    if len(views) > 1:
        raise UsageError(
            f"the signal was received for {', '.join(each.purpose for each in views)}",
            hint="Name one of them: --purpose.",
        )
    return views[0]


def suppliers_of(node: Node, view: ReceivedView) -> dict[int, Supplier]:
    """The own suppliers that a received signal is about, but for those that a person rejected."""
    numbers = {each.link.supplier_no for each in view.links if each.decision != "rejected"}
    return node.suppliers.get_many(sorted(numbers))


def country_of(node: Node, view: ReceivedView) -> str:
    """The country of whom a received signal is about; '' where it is not one."""
    countries = {each.country for each in suppliers_of(node, view).values()}
    return countries.pop() if len(countries) == 1 else ""


def received_lines_of(node: Node, view: ReceivedView) -> list[str]:
    """What a received signal says, under the own suppliers that it is about."""
    suppliers = suppliers_of(node, view)
    about = [about_line(each, suppliers) for each in view.links if each.decision != "rejected"]
    return [*about, *(f"  {line}" for line in view_lines(view, node.now.date()))]
