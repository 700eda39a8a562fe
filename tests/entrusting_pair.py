"""A contributor and its delegate as tests need them: two stores, a clock for both, no keys and no network.

What goes between them is handed over by function call: the documents that a message would hold.
"""

import os
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from stored_signals import Clock, new_signal, quick_keys, signed
from symbolon.errors import SignalError
from symbolon.signals import revisions
from symbolon.signals.entrusting import with_supplier_side
from symbolon.signals.record_codec import decode_signal, decode_stored_signal, encode_signal
from symbolon.signals.signal import Signal
from symbolon.signals.vocabulary import RecallReason, ShownAs, State
from symbolon.storage.database import Database
from symbolon.storage.delegation_columns import Delegation
from symbolon.storage.delegation_store import DelegationStore
from symbolon.storage.entrusted_store import EntrustedStore, Offered, Taken
from symbolon.storage.seal import Sealer
from symbolon.storage.signal_change import Change
from symbolon.storage.signal_store import SignalStore

CLEAR, DELTA = "clear-ngo", "delta-ngo"


class Side:
    """The stores of one of the two.

    Args:
        url: of its database, which is made where it is not there.
        key: of its seal.
        clock: of both.
        stack: closes the database.
    """

    def __init__(self, url: str, key: int, clock: Clock, stack: ExitStack) -> None:
        self.clock = clock
        self.sealer = Sealer(bytes([key]) * 32)
        self.database = stack.enter_context(Database.open(url, create=True))
        self.signals = SignalStore(self.database, self.sealer, clock, key_maker=quick_keys)
        self.delegations = DelegationStore(self.database, self.sealer, clock)
        self.entrusted = EntrustedStore(self.database, self.sealer, clock, key_maker=quick_keys)

    def newest(self, number: int) -> Signal:
        ((_, signal),) = self.signals.newest([number])
        return signal

    def change(self, number: int, new: Signal, change: Change) -> None:
        """Stores a revision that its own people made."""
        if new.state is State.RECALLED:
            self.signals.recall(new, signed(new))
        else:
            self.signals.add_revision(new, signed(new), change)

    def recall(self, number: int, reason: RecallReason = RecallReason.ERROR) -> None:
        self.change(number, revisions.recall(self.newest(number), self.clock.today, reason), "recalled")


def refused(work: Callable[[], object]) -> str:
    """The code by which something was refused; '' where it was not."""
    try:
        work()
    except SignalError as error:
        return error.full_code
    return ""


def offered(theirs: Signal, shown_as: ShownAs = ShownAs.PUBLISHER, contributor: str = CLEAR) -> Offered:
    """A revision as it comes to the delegate."""
    return Offered(
        contributor, decode_signal(encode_signal(theirs)), encode_signal(theirs), shown_as, os.urandom(16)
    )


@dataclass
class Pair:
    """A contributor with one delegated signal, and the delegate.

    Attributes:
        number: of the signal at the contributor.
    """

    clear: Side
    delta: Side
    number: int = 0

    def begin(self, **changes: Any) -> None:
        """The contributor adds the signal; nothing is handed over."""
        (self.number,) = self.clear.delegations.add_many(
            [(new_signal(0, **changes), Delegation(DELTA, as_kind=False, reviewed=False))]
        )

    @property
    def own(self) -> Signal:
        """The contributor's newest revision."""
        return self.clear.newest(self.number)

    @property
    def there(self) -> Signal | None:
        """The delegate's newest revision; None where there is none."""
        found = self.delta.entrusted.find(CLEAR, self.own.signal_id)
        return None if found is None or found[0] is None else self.delta.newest(found[0])

    @property
    def told(self) -> Signal | None:
        """The contributor's newest revision that the delegate has; None where it has none."""
        found = self.delta.entrusted.find(CLEAR, self.own.signal_id)
        return None if found is None else decode_stored_signal(found[1].document)

    def hand_over(self, *, answered: bool = True) -> Taken:
        """The contributor hands its newest revision over, and hears nothing where the answer is lost."""
        theirs = self.own
        taken = self.delta.entrusted.take(offered(theirs), signed)
        if answered:
            self.clear.delegations.note_delivered(
                self.number, theirs.revision, their_id=taken.signal_id, their_revision=taken.revision
            )
        return taken

    def ask(self) -> None:
        """The contributor takes in what the supplier said at the delegate."""
        found, there = self.delta.entrusted.find(CLEAR, self.own.signal_id), self.there
        if found is None or there is None or there.state is State.RECALLED:
            return
        base = decode_stored_signal(found[1].document)
        new = with_supplier_side(self.own, base, there.dispute, there.reply, self.clear.clock.today)
        if new is not None:
            self.clear.delegations.take_in(new, signed(new), "replied")

    def settle_down(self) -> None:
        """Both tell each other what they have; nothing changes any more afterwards."""
        for _ in range(3):
            assert refused(self.hand_over) in ("", "signal.recalled")
            self.ask()
