"""Received signals on their way to other systems: which of them may be handed on, and whom they are about.

Handles: of each signal that stands, its newest form, with the one own supplier that it is about as its
subject, and who published it as it was received: the publisher, or the kind of another member. Leaves out,
and counts by reason: what its marks forbid to hand on (TLP:RED, `no_onward`), and what would accuse somebody
by guesswork, since a label names nobody and a file names a supplier in clear. Recalled and expired ones are
never among what is given. Specification: docs/signals-interchange.md, What leaves.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from symbolon.cli.received_list import known_publishers
from symbolon.errors import SignalError
from symbolon.rpc.node import Node
from symbolon.signals.exported import Exported
from symbolon.signals.signal import Subject
from symbolon.signals.vocabulary import ShownAs, SubjectKind, Tlp
from symbolon.storage.received_signal_view import ReceivedView, Tombstone
from symbolon.suppliers.record import Supplier
from symbolon.suppliers.tier import Tier


class LeftOut(StrEnum):
    """Why a received signal is not handed on; the words follow how many there are."""

    RED = "marked TLP:RED, for this member alone"
    NO_ONWARD = "released on the term that they are not passed on"
    OWN = "this member's own, by way of a delegate: the file would tell whose they are"
    COPIED = "under an id that two members used, so that one is a copy: --peer names the one to take"
    OLD = "older than what was received for another purpose: look them up again"
    REJECTED = "about suppliers that a person said they are not about, or that are no longer in the list"
    CANDIDATE = "about a supplier by a candidate hit that no person has accepted"
    SEVERAL = "about one of several suppliers, and no person has said which"
    UNNAMED = "about a supplier whose record cannot be the subject of a signal"


@dataclass(frozen=True, slots=True)
class ReceivedExport:
    """What may be handed on.

    Attributes:
        exported: for a writer.
        left_out: how many were not taken, by reason.
    """

    exported: tuple[Exported, ...]
    left_out: Mapping[LeftOut, int]

    def lines(self) -> list[str]:
        """What to tell of those that were left out, a line for each reason."""
        return [f"{self.left_out[each]:,} left out: {each}." for each in LeftOut if self.left_out.get(each)]


def received_export(
    node: Node,
    *,
    peer: str = "",
    purpose: str = "",
    signal_ids: Sequence[str] = (),
    without_narratives: bool = False,
) -> ReceivedExport:
    """Gathers the received signals that may be handed on.

    Args:
        node: this node.
        peer: only what this member published; '' for all.
        purpose: only what was released for it; '' for all.
        signal_ids: only these, by their ids or beginnings; none for all.
        without_narratives: leave the narratives out.

    Raises:
        SignalError: one of the ids is unknown, ambiguous or of a recalled signal.
    """
    publishers = known_publishers(node)
    only = {_standing_id(node, each, peer) for each in signal_ids}
    forms: dict[bytes, list[tuple[ReceivedView, str]]] = {}
    for view, text in node.received.export(publishers, peer=peer or None, purpose=purpose or None):
        if not only or view.signal.signal_id in only:
            forms.setdefault(view.signal.signal_id, []).append((view, "" if without_narratives else text))
    numbers = {link.link.supplier_no for each in forms.values() for view, _ in each for link in view.links}
    suppliers = node.suppliers.get_many(sorted(numbers))
    exported: list[Exported] = []
    left_out: Counter[LeftOut] = Counter()
    for each in forms.values():
        one = _exported(each, suppliers)
        if isinstance(one, LeftOut):
            left_out[one] += 1
        else:
            exported.append(one)
    return ReceivedExport(tuple(exported), left_out)


def _standing_id(node: Node, hex_id: str, peer: str) -> bytes:
    found = node.received.get(hex_id, known_publishers(node), peer=peer or None)[0]
    if isinstance(found, Tombstone):
        raise SignalError(
            f"signal {found.hex_id} was recalled by {found.peer}",
            hint="Nothing is left of it; whoever has an earlier export of it has to be told.",
            code="signal.recalled",
        )
    return found.signal.signal_id


def _exported(
    forms: Sequence[tuple[ReceivedView, str]], suppliers: Mapping[int, Supplier]
) -> Exported | LeftOut:
    """One signal in its newest form, or why not; the strictest terms of all forms bind."""
    views = [view for view, _ in forms]
    view, text = max(forms, key=lambda form: form[0].signal.revision)
    reason = _forbidden(views) or _doubtful(view, views)
    if reason is not None:
        return reason
    record = _about(view, suppliers)
    if isinstance(record, LeftOut):
        return record
    signal = view.signal
    # Where policy withholds the kind, no writer writes it.
    kind = signal.subject_kind or SubjectKind.ORGANISATION
    try:
        subject = Subject(kind, replace(record, supplier_id="", sector=""))
    except SignalError:
        return LeftOut.UNNAMED
    publisher = view.peer if signal.shown_as is ShownAs.PUBLISHER else ""
    return Exported(signal, subject, text, publisher)


def _forbidden(views: Iterable[ReceivedView]) -> LeftOut | None:
    signals = [view.signal for view in views]
    if any(each.tlp is Tlp.RED for each in signals):
        return LeftOut.RED
    return LeftOut.NO_ONWARD if any(each.no_onward for each in signals) else None


def _doubtful(view: ReceivedView, views: Collection[ReceivedView]) -> LeftOut | None:
    if any(each.is_own for each in views):
        return LeftOut.OWN
    if len({each.peer for each in views}) > 1:
        return LeftOut.COPIED
    return LeftOut.OLD if view.newest_revision > view.signal.revision else None


def _about(view: ReceivedView, suppliers: Mapping[int, Supplier]) -> Supplier | LeftOut:
    """The one own supplier that it is about: what a person accepted, else the best hit if that is one."""
    links = [
        each for each in view.links if each.decision != "rejected" and each.link.supplier_no in suppliers
    ]
    if not links:
        return LeftOut.REJECTED
    chosen = [each for each in links if each.decision == "accepted"]
    if not chosen:
        best = min(each.link.tier for each in links)
        if best is Tier.C:
            return LeftOut.CANDIDATE
        chosen = [each for each in links if each.link.tier is best]
    return suppliers[chosen[0].link.supplier_no] if len(chosen) == 1 else LeftOut.SEVERAL
