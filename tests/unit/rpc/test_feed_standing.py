"""Who has heard of a recall and who is silent, by what each requester was given and has signed for.

The stores are real and the keys are not; see `offered_signals`. The clock stands still unless a test moves
it, so that whatever happens on one day happens within one second.
"""

import dataclasses
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import insert

from chosen_signals import PEER, PURPOSE
from offered_signals import Contributor, OneSet, planned, session
from signal_makers import TODAY
from stored_signals import SEALER
from symbolon.audit.entry import Entry
from symbolon.rpc import sender_signals
from symbolon.rpc.feed_standing import SILENT_DAYS, FeedStanding, feed_standings, overdue
from symbolon.rpc.sender_signals import SignalSource
from symbolon.storage.database import Database
from symbolon.storage.exchange_schema import exchange_session
from symbolon.storage.exchange_session_store import UNSIGNED, SessionStore

OTHER = "remediation"


@dataclasses.dataclass
class Publisher(Contributor):
    """A contributor that keeps a book of its sessions."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.sessions = SessionStore(self.database, SEALER, self.clock)
        self.begun = 0

    def begin(self, purpose: str = PURPOSE, tiers: str = "AB", peer: str = PEER) -> tuple[str, SignalSource]:
        """Opens a session as far as what will be offered; its id."""
        self.begun += 1
        session_id = f"{self.begun:032x}"
        about = {"mode": "lookup", "purpose": purpose, "state": "open", "sentence": ""}
        row = {"session_id": session_id, "role": "sender", "peer": peer, **about}
        with self.database.transaction("open") as connection:
            connection.execute(insert(exchange_session).values(started_at_s=int(self.clock()), **row))
        return session_id, session(self, tiers, peer, purpose)

    def offer(self, source: SignalSource, tiers: str = "AB") -> None:
        """Records what a session offers of each tier, in a key epoch of its own."""
        for tier in tiers:
            _, plan = planned(self, OneSet(), source, tier)
            with self.database.transaction("record") as connection:
                source.labels(tier, plan).record(connection)

    def end(self, session_id: str, source: SignalSource, *, signed: bool = True) -> None:
        """Ends a session in which everything was sent."""
        peer = source._session.peer
        sentence = "Revealed something." if signed else f"Revealed something. {peer} {UNSIGNED}"
        entry = Entry("ended", peer, session_id, "lookup", source._session.hello.purpose)
        beside = source.acknowledged if signed else None
        self.sessions.end("sender", entry, done=True, sentence=sentence, beside=beside)

    def look_up(self, purpose: str = PURPOSE, tiers: str = "AB", *, signed: bool = True) -> None:
        """A whole lookup."""
        session_id, source = self.begin(purpose, tiers)
        self.offer(source, tiers)
        self.end(session_id, source, signed=signed)

    @property
    def standing(self) -> FeedStanding:
        """Of the one member that was given something."""
        (found,) = feed_standings(self)
        return found

    @property
    def not_told(self) -> int:
        return self.standing.recalls_not_told


@pytest.fixture
def owner(tmp_path: Path) -> Iterator[Publisher]:
    with Database.open(f"sqlite:///{tmp_path}/node.db", create=True) as database:
        yield Publisher(database=database)


def test_nobody_stands_there_who_was_given_nothing(owner: Publisher) -> None:
    owner.look_up()
    assert feed_standings(owner) == []


def test_recall_in_the_second_of_a_lookup_is_heard_of_only_in_the_next_one(owner: Publisher) -> None:
    owner.add(2)
    owner.look_up()
    assert owner.standing == FeedStanding(
        PEER, ((PURPOSE, int(owner.clock())),), 2, int(owner.clock()), 0, None, None
    )
    owner.recall(1)
    assert (owner.not_told, owner.standing.recalled_s) == (1, int(owner.clock()))
    owner.look_up()
    assert (owner.not_told, owner.standing.recalled_s) == (0, None)


def test_recall_committed_while_a_lookup_runs_is_not_heard_of_by_it(owner: Publisher) -> None:
    owner.add(2)
    owner.look_up()
    session_id, source = owner.begin()
    owner.offer(source)
    owner.recall(1)
    owner.clock.pass_days(1)
    owner.end(session_id, source)
    assert owner.not_told == 1


def test_lookup_by_certain_keys_does_not_hear_for_the_probable_ones(owner: Publisher) -> None:
    owner.add()
    owner.look_up()
    owner.recall(1)
    owner.look_up(tiers="A")
    assert owner.not_told == 1
    owner.look_up(tiers="B")
    assert owner.not_told == 0


def test_who_was_given_it_by_certain_keys_alone_has_heard_by_them(owner: Publisher) -> None:
    owner.add()
    owner.look_up()
    owner.add()
    owner.look_up(tiers="A")
    owner.recall(2)
    owner.look_up(tiers="A")
    assert owner.not_told == 0


def test_recall_under_further_keys_is_nothing_given(owner: Publisher) -> None:
    """Whoever asks by more tiers than before is offered the recall there too, and need not have signed."""
    owner.add()
    owner.look_up(tiers="A")
    owner.recall(1)
    owner.look_up(tiers="A")
    owner.look_up(tiers="AB", signed=False)
    assert owner.not_told == 0


def test_member_that_moved_to_another_purpose_is_neither_behind_nor_silent(owner: Publisher) -> None:
    owner.add(2, purposes=(PURPOSE, OTHER))
    owner.look_up()
    moved_s = int(owner.clock())
    owner.clock.pass_days(SILENT_DAYS)
    owner.recall(1)
    owner.look_up(OTHER)
    found = owner.standing
    assert found.purposes == ((PURPOSE, moved_s), (OTHER, int(owner.clock())))
    assert (found.given, found.acknowledged_s, found.is_behind) == (2, int(owner.clock()), False)
    owner.clock.pass_days(SILENT_DAYS)
    assert owner.standing.silent_days == SILENT_DAYS


def test_session_that_is_not_signed_for_tells_nothing(owner: Publisher) -> None:
    owner.add()
    owner.look_up()
    owner.recall(1)
    owner.look_up(signed=False)
    assert owner.not_told == 1


def test_member_that_never_signed_is_silent_from_when_it_was_given_something(owner: Publisher) -> None:
    owner.look_up(signed=False)
    owner.clock.pass_days(100)
    owner.add()
    owner.look_up(signed=False)
    owner.clock.pass_days(SILENT_DAYS - 1)
    assert (owner.standing.acknowledged_s, owner.standing.silent_days) == (None, None)
    owner.clock.pass_days(1)
    owner.look_up(signed=False)
    assert (owner.standing.silent_days, owner.standing.is_behind) == (SILENT_DAYS, True)
    owner.look_up()
    assert not owner.standing.is_behind


def test_what_was_signed_for_before_anything_was_given_makes_nobody_silent(owner: Publisher) -> None:
    owner.look_up()
    owner.clock.pass_days(100)
    owner.add()
    owner.look_up(signed=False)
    assert owner.standing.silent_days is None


@pytest.mark.parametrize("recalled", [True, False])
def test_member_to_which_nothing_is_left_is_not_silent(owner: Publisher, recalled: bool) -> None:
    owner.add(expires=TODAY + timedelta(days=30), review=TODAY)
    owner.look_up()
    if recalled:
        owner.recall(1)
        owner.look_up()
    owner.clock.pass_days(20)
    assert (owner.standing.silent_days is None) is recalled
    owner.clock.pass_days(20)
    assert (owner.standing.given, owner.standing.is_behind) == (0, False)


def test_recall_that_finds_no_room_is_not_heard_of(owner: Publisher, monkeypatch: pytest.MonkeyPatch) -> None:
    owner.add()
    owner.look_up()
    owner.recall(1)
    fit = sender_signals.fit_labels

    def full(*given: Any, due: bool) -> Any:
        fitting = fit(*given, due=due)
        return dataclasses.replace(fitting, stands=fitting.stands & False, goes=fitting.goes & False)

    with monkeypatch.context() as patch:
        patch.setattr(sender_signals, "fit_labels", full)
        owner.look_up()
    assert owner.not_told == 1
    owner.look_up()
    assert owner.not_told == 0


def test_what_was_given_before_tiers_were_noted_counts_for_all_that_are_asked(owner: Publisher) -> None:
    owner.add()
    with owner.database.transaction("give") as connection:
        owner.disclosures.add(connection, PEER, np.array([1], np.uint64))
    owner.begin()
    assert (owner.standing.given, owner.standing.silent_days) == (1, None)
    owner.clock.pass_days(SILENT_DAYS)
    assert owner.standing.silent_days == SILENT_DAYS
    owner.recall(1)
    assert owner.not_told == 1
    owner.look_up()
    assert not owner.standing.is_behind


def test_overdue_names_members_and_counts_once_a_recall_is_a_day_old(owner: Publisher) -> None:
    owner.add(3)
    owner.look_up()
    owner.recall(1)
    owner.recall(2)
    owner.clock.pass_days(1)
    assert overdue(owner) == []
    owner.clock.pass_days(1)
    about = f"{PEER} is behind with the signals of this member"
    assert overdue(owner) == [f"{about}: 2 recalls not acknowledged"]
    owner.clock.pass_days(SILENT_DAYS)
    assert overdue(owner) == [f"{about}: 2 recalls not acknowledged, silent for {SILENT_DAYS + 2} days"]
    owner.look_up()
    assert overdue(owner) == []
