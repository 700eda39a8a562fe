"""A recall that protects a source ends the key epochs of those who were given the signal."""

import os

import numpy as np
import pytest

from stored_signals import SEALER, Clock, new_signal, signal_store, signed
from symbolon.policy.permission import Grant
from symbolon.signals.revisions import recall
from symbolon.signals.vocabulary import RecallReason
from symbolon.storage.database import Database
from symbolon.storage.disclosure_store import DisclosureStore
from symbolon.storage.exchange_sender_store import SenderStore

GRANT = Grant("allow table 1", ("p:lookup:A",))
PEERS = {("told", "signal"), ("told", "match"), ("other", "signal"), ("told-else", "signal")}


@pytest.mark.parametrize(
    ("reason", "over"),
    [(RecallReason.WITHDRAWN, {("told", "signal"), ("told-else", "signal")}), (RecallReason.ERROR, set())],
)
def test_recall_of_what_endangers_somebody_erases_the_keys_of_who_was_given_it(
    database: Database, reason: RecallReason, over: set[tuple[str, str]]
) -> None:
    clock = Clock()
    signals, given = signal_store(database, clock), DisclosureStore(database, SEALER)
    sending = SenderStore(database, SEALER, clock, os.urandom)
    signals.add_many([new_signal(0), new_signal(1)])
    with database.transaction("give") as connection:
        for peer, number in (("told", 1), ("told-else", 1), ("told-else", 2), ("other", 2)):
            given.add(connection, peer, np.array([number], np.uint64))
    for peer, area in PEERS:
        sending.current_epoch(peer, area, GRANT, epoch_days=30)
    new = recall(next(iter(signals.newest([1])))[1], clock.today, reason)
    signals.recall(new, signed(new))
    held = {(each.peer, each.area) for each in sending.live_epochs()}
    assert held == PEERS - over
