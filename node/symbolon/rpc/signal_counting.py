"""How many of this member's signals another one may count, and asking another member the same.

Handles: the number of signals that policy releases to a member for a purpose, together with those that it
lets the member count and not see, whoever they are about. What is told is no window on single signals: fewer
than `LEAST_COUNT` are one answer; a number stays what it was until so many have come or gone; and it is
counted at most once in the interval in which additions go out, for all purposes at once, whatever the member
asks meanwhile. So one signal that comes and goes is not seen by asking often, for this purpose or that.
Refuses: a member that may not look up. Specification: docs/PROTOCOL.md, Signal service; docs/signals.md, How
many there are.
"""

import logging
import threading
from collections.abc import Mapping

import numpy as np

from symbolon.audit.entry import Entry
from symbolon.errors import PermissionDeniedError
from symbolon.policy.obligations import Obligations
from symbolon.rpc.lookup_ways import require_lookup
from symbolon.rpc.node import Node
from symbolon.rpc.signal_choice import Choice, choose_signals
from symbolon.rpc.signal_codec import LEAST_COUNT
from symbolon.storage.signal_count_store import SignalCountStore, Told
from symbolon.storage.signal_facts import SignalTable

log = logging.getLogger(__name__)


class SignalCounting:
    """Tells members how many signals they may count.

    Args:
        node: this node.
    """

    def __init__(self, node: Node) -> None:
        self._node = node
        self._told = SignalCountStore(node.database, node.audit)
        # Of two questions at once the second is told what the first was.
        self._turn = threading.Lock()

    def tell(self, peer: str, purpose: str) -> int:
        """The number that a member is told now; it is written down by then.

        Args:
            peer: who asks, proven by its certificate.
            purpose: what for.

        Returns:
            0 stands for fewer than `LEAST_COUNT`.

        Raises:
            PermissionDeniedError: the member may not look signals up for this purpose.
        """
        node = self._node
        require_lookup(node, peer, purpose)
        with self._turn:
            before, now_s = self._told.told(peer), int(node.clock())
            told, fresh, decision = before.get(purpose), dict[str, Told](), ""
            if told is None or self._is_over(told, now_s):
                choices = self._choices(peer, before, now_s)
                fresh = {
                    each: Told(steady(before.get(each), len(choice.numbers)), now_s)
                    for each, choice in choices.items()
                }
                told, chosen = fresh[purpose], choices[purpose]
                # One of the decisions: that something may be counted. The others differ in what it is about.
                decision = chosen.permits[int(chosen.permit[0])]() if len(chosen.numbers) else ""
            note = "counted now" if fresh else "as told before"
            counts = {"signals": told.signals}
            entry = Entry("counted", peer, purpose=purpose, counts=counts, note=note, decision=decision)
            self._told.tell(peer, fresh, entry)
        log.info("%s was told how many signals it may count", peer)
        return told.signals

    def _is_over(self, told: Told, now_s: int) -> bool:
        """Whether a number is counted again; one of a time to come was counted while the clock was wrong."""
        return not 0 <= now_s - told.at_s < self._node.config.exchange.additions_interval_s

    def _choices(self, peer: str, before: Mapping[str, Told], now_s: int) -> dict[str, Choice]:
        """What a member may count, for each purpose that it may ask for and is not told again."""
        node = self._node
        table = node.signals.facts(node.now.date())
        found = {}
        for purpose in node.directory.current().purposes:
            told = before.get(purpose)
            if told is not None and not self._is_over(told, now_s):
                continue
            try:
                obligations = require_lookup(node, peer, purpose)
            except PermissionDeniedError:
                continue
            found[purpose] = countable(node, peer, purpose, obligations, table)
        return found


def countable(node: Node, peer: str, purpose: str, obligations: Obligations, table: SignalTable) -> Choice:
    """The signals that a member may count: none that was recalled.

    Args:
        node: this node.
        peer: the member.
        purpose: what for.
        obligations: of the permit to look up.
        table: the facts of all signals.
    """
    nothing = np.empty(0, np.uint64)
    return choose_signals(node, peer, purpose, obligations, table, nothing, counted=True)


def steady(before: Told | None, count: int) -> int:
    """The number to tell: the one before unless it is off by `LEAST_COUNT` or more.

    Args:
        before: what was told last.
        count: how many there are.
    """
    if before is not None and abs(count - before.signals) < LEAST_COUNT:
        return before.signals
    return count if count >= LEAST_COUNT else 0
