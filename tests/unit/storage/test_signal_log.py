"""What the store writes into the audit log can be exported, checked and reported on as all else."""

import pytest

from coalition_members import ACME
from exported_logs import MadeUpLog, codes, two_logs, verdict_on
from report_logs import made, row, sessions
from signal_makers import TODAY
from stored_signals import SEALER, Clock, new_signal, signal_store, signed, some_signal
from symbolon.audit.entry import FIELDS, Entry
from symbolon.audit.export_entry import PRIVATE_FIELDS
from symbolon.signals.revisions import dispute, recall, reply, revise, settle
from symbolon.signals.vocabulary import DisputeState, RecallReason
from symbolon.storage.audit_log import AuditLog
from symbolon.storage.database import Database

PHRASES = ["added", "revised", "disputed", "settled", "replied", "recalled", "expired"]


@pytest.fixture
def entries(database: Database) -> list[Entry]:
    """All that the store says of one signal in its whole life."""
    clock = Clock()
    store = signal_store(database, clock)
    store.add_many([new_signal(0)])
    second = revise(some_signal(0), TODAY, confidence=1)
    third = dispute(second, TODAY, "It closed in March.")
    fourth = settle(third, TODAY, DisputeState.MAINTAINED)
    fifth = reply(fourth, TODAY, "We have repaid all fees.")
    store.add_revision(second, signed(second), "revised")
    store.add_revision(third, signed(third), "disputed")
    store.add_revision(fourth, signed(fourth), "settled")
    store.add_revision(fifth, signed(fifth), "replied")
    gone = recall(fifth, TODAY, RecallReason.REMEDIED)
    store.recall(gone, signed(gone))
    store.expire(clock.pass_days(730))
    return [each.entry for each in AuditLog(database, SEALER, clock).entries()]


def test_entries_say_which_signal_what_happened_and_nothing_else(entries: list[Entry]) -> None:
    assert [each.note for each in entries] == PHRASES
    revisions = [1, 2, 3, 4, 5, 6, 6]
    assert entries == [
        Entry("contributed", "", some_signal(0).hex_id, counts={"revision": revision}, note=phrase)
        for phrase, revision in zip(PHRASES, revisions, strict=True)
    ]


@pytest.mark.parametrize("fields", [FIELDS, sorted(set(FIELDS) - PRIVATE_FIELDS)])
def test_export_with_them_holds(entries: list[Entry], fields: list[str]) -> None:
    asker, owner = two_logs()
    for log in (asker, owner):
        for each in entries:
            log.tell(each)
    verdict = verdict_on(asker.export(fields=fields), owner.export(fields=fields))
    without = verdict_on(*(each.export(fields=fields) for each in two_logs()))
    assert codes(verdict) == codes(without) == set()
    assert codes(verdict, "missing") == codes(without, "missing")
    assert len(verdict.disclosures) == len(without.disclosures)


def test_export_of_a_log_of_contributions_alone_holds(entries: list[Entry]) -> None:
    log = MadeUpLog(ACME)
    for each in entries:
        log.tell(each, "op-7")
        log.hour += 1
    assert codes(verdict_on(log.export())) == set()


def test_report_counts_the_same_with_them(entries: list[Entry]) -> None:
    held = sessions(30)
    between = [row(each) for each in entries]
    assert made([*held[:10], *between, *held[10:]]) == made(held)
