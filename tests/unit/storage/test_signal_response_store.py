"""What suppliers and other members say about own signals: kept, decided, counted; each with its entry."""

from datetime import date
from typing import Any

import pytest

from signal_makers import TODAY
from stored_signals import SEALER, Clock, new_signal, signal_store, signed
from symbolon.audit.entry import Entry
from symbolon.errors import PermissionDeniedError, SignalError, UnavailableError
from symbolon.signals import revisions
from symbolon.signals.signal import MAX_STATEMENT_BYTES, Signal
from symbolon.signals.vocabulary import DisputeState, Indicator, RecallReason
from symbolon.storage.audit_log import AuditLog
from symbolon.storage.database import Database
from symbolon.storage.signal_response_columns import Relayed, ResponseKind, ResponseState
from symbolon.storage.signal_response_store import (
    MAX_CORROBORATIONS,
    MAX_TEXTS,
    MAX_WAITING,
    Answer,
    SignalResponseStore,
    Standing,
)
from symbolon.storage.signal_store import SignalStore

PURPOSE = "due-diligence"
WAITING = Standing(ResponseState.WAITING)


class Desk:
    """The stores of one publisher."""

    def __init__(self, database: Database) -> None:
        self.clock = Clock()
        self.signals: SignalStore = signal_store(database, self.clock)
        self.responses = SignalResponseStore(database, SEALER, self.clock, "op-1")
        self.log = AuditLog(database, SEALER, self.clock)

    def add(self, count: int = 1, **changes: Any) -> list[int]:
        """Adds signals; their numbers."""
        first = self.signals.count(include_expired=True)
        return list(self.signals.add_many([new_signal(first + each, **changes) for each in range(count)]))

    def newest(self, number: int) -> Signal:
        ((_, signal),) = self.signals.newest([number])
        return signal

    def recall(self, number: int) -> None:
        tombstone = revisions.recall(self.newest(number), self.clock.today, RecallReason.ERROR)
        self.signals.recall(tombstone, signed(tombstone))

    def take(self, number: int, text: str, peer: str = "alder", kind: str = "contest") -> Standing:
        return self.responses.take(peer, number, said(text, kind), signed)

    def events(self) -> list[tuple[str, str, str, str]]:
        """Event, peer, mode and note of every entry."""
        return [
            (each.event, each.peer, each.mode, each.note)
            for each in (stored.entry for stored in self.log.entries())
        ]


def said(text: str, kind: str = "contest") -> Relayed:
    return Relayed(ResponseKind(kind), text, date(2026, 6, 20), PURPOSE)


@pytest.fixture
def desk(database: Database) -> Desk:
    return Desk(database)


# ------------------------------------------------------------------------------------- contests, replies


def test_take_contest_opens_the_dispute_without_its_words_and_keeps_them_for_a_person(desk: Desk) -> None:
    (number,) = desk.add()
    assert desk.take(number, "We paid on the tenth.") == WAITING
    signal = desk.newest(number)
    assert (signal.revision, signal.dispute.state, signal.dispute.statement) == (2, DisputeState.OPEN, "")
    assert signal.dispute.since == TODAY
    (waiting,) = desk.responses.waiting()
    assert (waiting.number, waiting.peer, waiting.relayed) == (number, "alder", said("We paid on the tenth."))
    assert desk.events()[1:] == [
        ("contested", "alder", "contest", "taken"),
        ("contributed", "", "", "disputed"),
    ]


def test_take_reply_changes_nothing_until_a_person_has_read_it(desk: Desk) -> None:
    (number,) = desk.add()
    assert desk.take(number, "We hired an auditor.", kind="reply") == WAITING
    assert desk.newest(number).revision == 1
    assert [each.relayed.kind for each in desk.responses.waiting()] == [ResponseKind.REPLY]


def test_take_same_text_again_changes_nothing_and_tells_how_it_stands(desk: Desk) -> None:
    (number,) = desk.add()
    desk.take(number, "Not us.")
    before = desk.events()
    assert desk.take(number, "Not us.") == WAITING
    (waiting,) = desk.responses.waiting()
    desk.responses.decline(waiting.response_id, "It was you.", signed)
    after = desk.events()
    assert desk.take(number, "Not us.") == Standing(ResponseState.DECLINED, "It was you.")
    assert (len(desk.responses.waiting()), before) == (0, before)
    assert desk.events() == after
    assert desk.newest(number).dispute.state is DisputeState.MAINTAINED


def test_take_second_text_while_one_waits_is_refused_and_leaves_no_trace(desk: Desk) -> None:
    (number,) = desk.add()
    desk.take(number, "Not us.")
    before = desk.events()
    with pytest.raises(PermissionDeniedError) as caught:
        desk.take(number, "And more.")
    assert caught.value.full_code == "permission.waiting"
    assert desk.events() == before
    # Neither a reply nor what another member relays is a second one.
    assert desk.take(number, "And more.", kind="reply") == WAITING
    assert desk.take(number, "And more.", peer="birch") == WAITING
    # The dispute was open already.
    assert desk.newest(number).revision == 2


def test_take_contest_after_one_was_accepted_waits_for_that_to_be_settled(desk: Desk) -> None:
    (number,) = desk.add()
    desk.take(number, "Not us.")
    accept(desk, "Not us.")
    with pytest.raises(PermissionDeniedError):
        desk.take(number, "And more.")
    settled = revisions.settle(desk.newest(number), TODAY, DisputeState.MAINTAINED)
    desk.signals.add_revision(settled, signed(settled), "settled")
    assert desk.take(number, "And more.") == WAITING
    assert desk.newest(number).dispute.state is DisputeState.OPEN


def accept(desk: Desk, text: str) -> Signal:
    (waiting,) = desk.responses.waiting()
    change = "disputed" if waiting.relayed.kind is ResponseKind.CONTEST else "replied"
    make = revisions.dispute if change == "disputed" else revisions.reply
    new = make(desk.newest(waiting.number), desk.clock.today, text)
    desk.responses.accept(waiting.response_id, Answer(new, signed(new), change))  # type: ignore[arg-type]
    return new


def test_accept_publishes_the_words_and_the_text_waits_no_longer(desk: Desk) -> None:
    (number,) = desk.add()
    desk.take(number, "Not us.")
    accept(desk, "It was another factory.")
    assert desk.newest(number).dispute.statement == "It was another factory."
    assert desk.responses.waiting() == []
    found = desk.responses.get(1)
    assert (found.standing.state, found.relayed.text) == (ResponseState.ACCEPTED, "Not us.")
    assert desk.events()[-2:] == [
        ("contributed", "", "", "disputed"),
        ("contested", "alder", "contest", "accepted"),
    ]
    for again in (
        lambda: desk.responses.accept(1, None),
        lambda: desk.responses.decline(1, "No.", signed),
    ):
        with pytest.raises(SignalError) as caught:
            again()
        assert caught.value.full_code == "signal.response"


def test_accept_of_a_signal_that_changed_meanwhile_is_refused_whole(desk: Desk) -> None:
    (number,) = desk.add()
    desk.take(number, "We hired an auditor.", kind="reply")
    stale = revisions.reply(desk.newest(number), TODAY, "We hired an auditor.")
    newer = revisions.revise(desk.newest(number), TODAY, confidence=3)
    desk.signals.add_revision(newer, signed(newer), "revised")
    with pytest.raises(SignalError) as caught:
        desk.responses.accept(1, Answer(stale, signed(stale), "replied"))
    assert caught.value.full_code == "signal.order"
    assert len(desk.responses.waiting()) == 1
    assert desk.newest(number).reply is None


def test_decline_of_one_contest_leaves_the_dispute_open_for_another(desk: Desk) -> None:
    (number,) = desk.add()
    desk.take(number, "Not us.")
    desk.take(number, "Not them.", peer="birch")
    first, second = desk.responses.waiting()
    assert not desk.responses.decline(first.response_id, "It was.", signed)
    assert desk.newest(number).dispute.state is DisputeState.OPEN
    assert desk.responses.decline(second.response_id, "It was.", signed)
    assert desk.newest(number).dispute.state is DisputeState.MAINTAINED


def test_decline_leaves_open_what_has_words_already(desk: Desk) -> None:
    (number,) = desk.add()
    own = revisions.dispute(desk.newest(number), TODAY, "They say it was a neighbour.")
    desk.signals.add_revision(own, signed(own), "disputed")
    desk.take(number, "Not us.")
    assert not desk.responses.decline(1, "That was said already.", signed)
    assert desk.newest(number) == own


def test_decline_of_a_reply_never_settles_a_contest(desk: Desk) -> None:
    (number,) = desk.add()
    desk.take(number, "Not us.")
    desk.take(number, "We hired an auditor.", kind="reply")
    reply = next(each for each in desk.responses.waiting() if each.relayed.kind is ResponseKind.REPLY)
    assert not desk.responses.decline(reply.response_id, "Advertising.", signed)
    assert desk.newest(number).dispute.state is DisputeState.OPEN


@pytest.mark.parametrize("reason", ["", "  ", "two\nlines", "x" * 601])
def test_decline_without_a_reason_of_one_line_is_refused(desk: Desk, reason: str) -> None:
    (number,) = desk.add()
    desk.take(number, "Not us.")
    with pytest.raises(SignalError):
        desk.responses.decline(1, reason, signed)
    assert len(desk.responses.waiting()) == 1


def test_take_about_what_does_not_stand_is_refused(desk: Desk) -> None:
    recalled, over = desk.add(2)
    desk.recall(recalled)
    with pytest.raises(SignalError) as caught:
        desk.take(recalled, "Not us.")
    assert caught.value.full_code == "signal.recalled"
    desk.clock.pass_days(730)
    for erase in (lambda: None, lambda: desk.signals.expire(desk.clock.today)):
        erase()
        with pytest.raises(SignalError) as caught:
            desk.take(over, "Not us.")
        assert caught.value.full_code == "signal.expired"
    with pytest.raises(SignalError):
        desk.take(99, "Not us.")
    assert desk.responses.waiting() == []


def test_take_more_than_a_person_can_read_is_refused_until_some_are_decided(desk: Desk) -> None:
    numbers = desk.add(MAX_WAITING + 1)
    for number in numbers[:-1]:
        desk.take(number, "Not us.")
    with pytest.raises(PermissionDeniedError):
        desk.take(numbers[-1], "Not us.")
    assert desk.newest(numbers[-1]).revision == 1
    assert desk.take(numbers[-1], "Not us.", peer="birch") == WAITING
    desk.responses.decline(1, "It was.", signed)
    assert desk.take(numbers[-1], "Not us.") == WAITING


def test_take_more_texts_about_one_signal_than_anybody_has_is_refused_for_good(desk: Desk) -> None:
    (number,) = desk.add()
    for each in range(MAX_TEXTS):
        desk.take(number, f"Not us, {each}.")
        desk.responses.decline(desk.responses.waiting()[0].response_id, "It was.", signed)
    with pytest.raises(PermissionDeniedError):
        desk.take(number, "Not us, really.")
    assert desk.take(number, "Not us, 3.").state is ResponseState.DECLINED


def test_take_whose_signature_fails_keeps_nothing(desk: Desk) -> None:
    (number,) = desk.add()

    def fails(_: Signal) -> bytes:
        raise ZeroDivisionError

    before = desk.events()
    with pytest.raises(ZeroDivisionError):
        desk.responses.take("alder", number, said("Not us."), fails)
    assert (desk.responses.waiting(), desk.events()) == ([], before)


def test_texts_are_sealed_and_gone_when_the_signal_expires(desk: Desk, database: Database) -> None:
    (number,) = desk.add()
    desk.take(number, "Quimbara is not ours.")
    desk.responses.corroborate("birch", number, PURPOSE)
    with database.read("look") as connection:
        rows = connection.exec_driver_sql("SELECT payload, digest FROM signal_response").all()
    assert b"Quimbara" not in b"".join(bytes(each) for row in rows for each in row)
    desk.clock.pass_days(730)
    assert desk.signals.expire(desk.clock.today) == 1
    with database.read("look") as connection:
        for table in ("signal_corroboration", "signal_review", "signal_notice"):
            assert connection.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar() == 0
        payloads = connection.exec_driver_sql("SELECT payload FROM signal_response").scalars().all()
    assert payloads == [None]
    assert desk.responses.waiting() == []
    with pytest.raises(SignalError):
        desk.responses.get(1)


def test_texts_of_a_recalled_signal_wait_for_nobody(desk: Desk) -> None:
    (number,) = desk.add()
    desk.take(number, "Not us.")
    desk.recall(number)
    assert desk.responses.waiting() == []
    assert not desk.responses.decline(1, "It was recalled.", signed)


def test_same_text_about_two_signals_has_digests_that_differ(desk: Desk, database: Database) -> None:
    for number in desk.add(2):
        for peer in ("alder", "birch"):
            desk.take(number, "Not us.", peer=peer)
    with database.read("look") as connection:
        digests = connection.exec_driver_sql("SELECT digest FROM signal_response").scalars().all()
    assert len({bytes(each) for each in digests}) == 4


def test_longest_text_is_kept_whole(desk: Desk) -> None:
    (number,) = desk.add()
    desk.take(number, "ü" * 750)
    assert desk.responses.get(1).relayed.text == "ü" * 750
    with pytest.raises(SignalError):
        accept(desk, "ü" * MAX_STATEMENT_BYTES)


# -------------------------------------------------------------------------------------------- narratives


def test_note_narrative_writes_its_entry_only_while_the_signal_is_as_it_was(desk: Desk) -> None:
    (number,) = desk.add()
    held = desk.responses.find(desk.newest(number).signal_id)
    entry = Entry("narrated", "alder", held.signal.hex_id, purpose=PURPOSE, counts={"revision": 1})
    desk.responses.note_narrative(held, entry)
    assert desk.events()[-1] == ("narrated", "alder", "", "")
    newer = revisions.revise(held.signal, TODAY, narrative="Less than before.")
    desk.signals.add_revision(newer, signed(newer), "revised")
    before = desk.events()
    with pytest.raises(SignalError):
        desk.responses.note_narrative(held, entry)
    held = desk.responses.find(newer.signal_id)
    desk.recall(number)
    with pytest.raises(SignalError):
        desk.responses.note_narrative(held, entry)
    assert desk.events() == [*before, ("contributed", "", "", "recalled")]


def test_find_takes_a_whole_id_and_nothing_else(desk: Desk) -> None:
    (number,) = desk.add()
    signal_id = desk.newest(number).signal_id
    assert desk.responses.find(signal_id).number == number
    # A beginning does for a person, and not for a peer.
    for wrong in (signal_id[:8], b"", bytes(16), bytes(15)):
        with pytest.raises(SignalError):
            desk.responses.find(wrong)


# ----------------------------------------------------------------------------------------- corroboration


def test_corroborate_counts_each_member_once_and_makes_another_label(desk: Desk) -> None:
    (number,) = desk.add()
    desk.signals.save_forms(bytes(16), [(number, 1, b"chunks")])
    assert desk.responses.corroborate("alder", number, PURPOSE)
    assert desk.signals.forms(bytes(16), [number]) == {}
    assert not desk.responses.corroborate("alder", number, PURPOSE)
    assert desk.responses.corroborate("birch", number, "another-purpose")
    assert desk.signals.contributors([number]) == {number: 3}
    assert desk.responses.corroborating(number) == ["alder", "birch"]
    assert [each[:2] for each in desk.events()[1:]] == [("corroborated", "alder"), ("corroborated", "birch")]


def test_withdraw_counts_a_member_no_longer_and_only_once(desk: Desk) -> None:
    (number,) = desk.add()
    assert not desk.responses.withdraw("alder", number, PURPOSE)
    desk.responses.corroborate("alder", number, PURPOSE)
    assert desk.responses.withdraw("alder", number, PURPOSE)
    assert not desk.responses.withdraw("alder", number, PURPOSE)
    assert desk.signals.contributors([number]) == {number: 1}
    assert [each[3] for each in desk.events()[1:]] == ["given", "withdrawn"]


def test_voices_of_former_members_count_no_longer(desk: Desk) -> None:
    first, second = desk.add(2)
    for peer, number in (("alder", first), ("birch", first), ("alder", second)):
        desk.responses.corroborate(peer, number, PURPOSE)
    desk.recall(second)
    assert desk.responses.keep_voices({"alder", "birch", "cedar"}) == 0
    before = len(desk.events())
    assert desk.responses.keep_voices({"birch", "cedar"}) == 2
    assert desk.signals.contributors([first, second]) == {first: 2, second: 1}
    assert desk.responses.corroborating(first) == ["birch"]
    assert [each[3] for each in desk.events()[before:]] == ["no member any more"] * 2
    assert desk.responses.keep_voices({"birch", "cedar"}) == 0


def test_corroborate_stays_when_the_signal_is_revised(desk: Desk) -> None:
    (number,) = desk.add()
    desk.responses.corroborate("alder", number, PURPOSE)
    newer = revisions.revise(desk.newest(number), TODAY, confidence=3)
    desk.signals.add_revision(newer, signed(newer), "revised")
    assert desk.signals.contributors([number]) == {number: 2}


def test_corroborate_of_what_does_not_stand_is_refused(desk: Desk) -> None:
    (number,) = desk.add()
    desk.responses.corroborate("alder", number, PURPOSE)
    desk.recall(number)
    for act in (desk.responses.corroborate, desk.responses.withdraw):
        with pytest.raises(SignalError):
            act("birch", number, PURPOSE)


def test_corroborate_by_one_member_is_bounded_in_a_day(desk: Desk) -> None:
    numbers = desk.add(MAX_CORROBORATIONS + 1)
    for number in numbers[:-1]:
        desk.responses.corroborate("alder", number, PURPOSE)
    with pytest.raises(UnavailableError):
        desk.responses.corroborate("alder", numbers[-1], PURPOSE)
    assert desk.responses.corroborate("birch", numbers[-1], PURPOSE)
    desk.clock.pass_days(1)
    assert desk.responses.corroborate("alder", numbers[-1], PURPOSE)


def test_corroborate_of_an_urgent_signal_is_news_and_of_another_is_not(desk: Desk) -> None:
    (quiet,) = desk.add()
    urgent = {"urgent": True, "indicators": frozenset({Indicator.CHILD_LABOUR})}
    (loud,) = desk.add(**urgent)
    before = desk.signals.news()
    desk.responses.corroborate("alder", quiet, PURPOSE)
    assert desk.signals.news() == before
    desk.responses.corroborate("alder", loud, PURPOSE)
    assert desk.signals.news() == before + 1
