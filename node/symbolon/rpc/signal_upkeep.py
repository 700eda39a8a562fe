"""What a served node does for signals by itself: what is over goes, what will be asked for is ready.

Handles: erasing own signals that have expired and received ones whose time is over, and who published them
or for whom; showing as this member's own what would name a contributor by too rare a kind; keys of older
rules; the labels of signals, made ahead for those who may look them up, so that no session waits for
signatures. Nothing leaves by it.
"""

import logging
from hashlib import sha256

import numpy as np

from symbolon.errors import PermissionDeniedError
from symbolon.exchange.messages import SIGNAL, area_of
from symbolon.membership.member_record import Status
from symbolon.oprf.suite import DEFAULT_SUITE
from symbolon.policy.permission import ExchangeRequest
from symbolon.rpc.entrusted_publishing import show_fewer_kinds
from symbolon.rpc.node import Node
from symbolon.rpc.signal_choice import choose_signals, form_digest
from symbolon.rpc.signal_erasing import erase_expired
from symbolon.rpc.signal_labels import labels_of

log = logging.getLogger(__name__)


def erase_due(node: Node) -> None:
    """Erases own signals that have expired, received ones whose time is over, voices of former members."""
    erase_expired(node)
    members = {each.member_id for each in node.directory.current().members}
    gone = node.responses.keep_voices(members)
    if gone:
        log.warning("%d signals are corroborated no longer by who is no member any more", gone)


def show_kinds(node: Node) -> None:
    """Shows as this member's own what it publishes for members of a kind that has become rare."""
    changed = show_fewer_kinds(node)
    if changed:
        log.warning("%d signals no longer show a kind of member: too few of it are left", changed)


def rekey(node: Node) -> None:
    """Makes match keys of signals anew that were made by the rules of an older release."""
    if node.signals.is_outdated():
        log.info("match keys of %d signals are made anew, by the rules of this release", node.signals.rekey())


class LabelsAhead:
    """Makes labels before anybody asks for them.

    Args:
        node: this node.
    """

    def __init__(self, node: Node) -> None:
        self._node = node
        self._mark = b""

    def look(self) -> None:
        """Makes the labels that are missing, if signals, members or policies changed since the last look."""
        node = self._node
        table = node.signals.facts(node.now.date())
        if not len(table):
            return
        state = node.directory.state()
        mark = sha256(
            b"".join(
                (
                    table.numbers.tobytes(),
                    table.rows.tobytes(),
                    node.policy.bundle().sha256(),
                    sha256(state.targets_bytes).digest(),
                    node.now.date().isoformat().encode(),
                )
            )
        ).digest()
        if mark == self._mark:
            return
        nobody = np.empty(0, np.uint64)
        for member in state.members.members:
            if member.member_id == node.member_id or member.status is not Status.ACTIVE:
                continue
            for purpose, tier in _may_look_up(node, member.member_id).items():
                asked = ExchangeRequest(
                    "answer", member.member_id, SIGNAL, "lookup", purpose, (tier,), DEFAULT_SUITE
                )
                try:
                    grant = node.permission.require(asked)
                except PermissionDeniedError:
                    continue
                choice = choose_signals(node, member.member_id, purpose, grant.obligations, table, nobody)
                for number, shape in enumerate(choice.shapes):
                    here = choice.form == number
                    voices = choice.rows["contributors"][here]
                    labels_of(node, form_digest(shape), shape, choice.numbers[here], voices)
        self._mark = mark


def _may_look_up(node: Node, peer: str) -> dict[str, str]:
    """The purposes for which a member may look up now, each with a tier of keys."""
    words = (word.split(":") for word in node.permission.scope(peer))
    return {word[0]: word[2] for word in words if area_of(word[1]) == SIGNAL}
