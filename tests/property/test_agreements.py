"""Agreements: the document is one for one value, and the store does what a few lines say that it does."""

import tempfile
from contextlib import ExitStack
from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from agreement_makers import acmes_store, agreement, by
from coalition_members import ACME, BIRCH, CEDAR, TODAY, coalition
from symbolon.errors import MembershipError
from symbolon.membership.agreement import (
    Agreement,
    agreement_sha256,
    decode_agreement,
    encode_agreement,
    verify_agreement,
)
from symbolon.membership.member import CoalitionId, MemberId
from symbolon.storage.agreement_store import MAX_OPEN_OFFERS

slugs = st.from_regex(r"[a-z0-9][a-z0-9-]{1,30}[a-z0-9]", fullmatch=True)
words = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9.-]{0,63}", fullmatch=True)


@st.composite
def agreements(draw: st.DrawFn) -> Agreement:
    low, high = sorted(draw(st.sets(slugs, min_size=2, max_size=2)))
    first = draw(st.dates(date(2000, 1, 1), date(2990, 1, 1)))
    return Agreement(
        coalition=CoalitionId(draw(slugs)),
        members=(MemberId(low), MemberId(high)),
        purposes=tuple(sorted(draw(st.sets(words, min_size=1, max_size=64)))),
        first_day=first,
        last_day=first + timedelta(days=draw(st.integers(0, 731))),
        nonce=draw(st.binary(min_size=16, max_size=16)),
    )


@given(agreements())
def test_agreement_read_from_its_document_is_the_same(what: Agreement) -> None:
    document = encode_agreement(what)
    assert decode_agreement(document) == what
    assert encode_agreement(decode_agreement(document)) == document


@given(agreements(), st.data())
def test_document_changed_in_one_byte_is_refused_or_another_agreement(
    what: Agreement, data: st.DataObject
) -> None:
    document = bytearray(encode_agreement(what))
    at = data.draw(st.integers(0, len(document) - 1))
    document[at] ^= data.draw(st.integers(1, 255))
    read = outcome(bytes(document))
    if isinstance(read, str):
        assert read.startswith("membership.agreement.")
    else:
        assert read != what
        assert encode_agreement(read) == document


@given(st.binary(max_size=400))
def test_bytes_from_anywhere_are_refused_by_their_code_alone(document: bytes) -> None:
    assert str(outcome(document)).startswith("membership.agreement.")


def outcome(document: bytes) -> Agreement | str:
    """What is read, or the code of why not."""
    try:
        return decode_agreement(document)
    except MembershipError as error:
        return error.full_code


PEERS = (BIRCH, CEDAR)
MANY = MAX_OPEN_OFFERS + 3
numbers = st.integers(0, MANY - 1)
peers = st.sampled_from(PEERS)


class Keeping(RuleBasedStateMachine):
    """Acme's store against a model: one state and two signatures for each document."""

    def __init__(self) -> None:
        super().__init__()
        self.stack = ExitStack()
        folder = Path(self.stack.enter_context(tempfile.TemporaryDirectory()))
        self.store, self.log = self.stack.enter_context(acmes_store(folder))
        self.states: dict[tuple[str, int], str] = {}
        self.told: dict[tuple[str, int], bool] = {}
        self.lines = 0

    def what(self, peer: MemberId, number: int) -> Agreement:
        purposes = ("due-diligence", "remediation") if number % 2 else ("due-diligence",)
        return agreement(number, members=(ACME, peer), purposes=purposes)

    def name(self, peer: MemberId, number: int) -> bytes:
        return agreement_sha256(encode_agreement(self.what(peer, number)))

    def signed(self, who: str, peer: MemberId, number: int, first: str, waited_for: str, told: bool) -> None:
        """A signature comes of one of the two."""
        key = (peer, number)
        before = self.states.get(key)
        step = self.store.sign if who == ACME else self.store.take
        arguments = by(who, self.what(peer, number))
        if before is not None and before.startswith("withdrawn"):
            with pytest.raises(MembershipError):
                step(*arguments)
            return
        if before in (None, waited_for):
            # A document that is new goes to the end, one that is answered keeps its place.
            self.states[key] = first if before is None else "in_force"
            self.told[key] = told
            self.lines += 1
        assert step(*arguments).state == self.states[key]

    @rule(peer=peers, number=numbers)
    def sign(self, peer: MemberId, number: int) -> None:
        self.signed(ACME, peer, number, "offered", "waiting", told=False)

    @rule(peer=peers, number=numbers)
    def take(self, peer: MemberId, number: int) -> None:
        self.signed(peer, peer, number, "waiting", "offered", told=True)
        waiting = [key for key, state in self.states.items() if key[0] == peer and state == "waiting"]
        for key in waiting[:-MAX_OPEN_OFFERS]:
            del self.states[key], self.told[key]

    @rule(peer=peers)
    def take_many(self, peer: MemberId) -> None:
        for number in range(MANY):
            self.take(peer, number)

    @rule(peer=peers, number=numbers)
    def withdraw(self, peer: MemberId, number: int) -> None:
        self.store.withdraw(self.name(peer, number))
        if self.states.get((peer, number)) in ("offered", "waiting", "in_force"):
            self.states[peer, number], self.told[peer, number] = "withdrawn", False
            self.lines += 1

    @rule(peer=peers, number=numbers)
    def withdraw_by_peer(self, peer: MemberId, number: int) -> None:
        self.store.withdraw_by_peer(peer, self.name(peer, number))
        before = self.states.get((peer, number))
        if before == "waiting":
            del self.states[peer, number], self.told[peer, number]
            self.lines += 1
        elif before in ("offered", "in_force"):
            self.states[peer, number], self.told[peer, number] = "withdrawn_by_peer", True
            self.lines += 1

    @rule(peer=peers, number=numbers)
    def withdraw_what_is_anothers(self, peer: MemberId, number: int) -> None:
        other = next(each for each in PEERS if each != peer)
        if (peer, number) in self.states:
            with pytest.raises(MembershipError):
                self.store.withdraw_by_peer(other, self.name(peer, number))

    @rule()
    def tell_all(self) -> None:
        for each in self.store.untold():
            self.store.told(each)
        self.told = dict.fromkeys(self.told, True)

    @invariant()
    def the_store_holds_what_the_model_holds(self) -> None:
        names = {self.name(MemberId(peer), number): (peer, number) for peer, number in self.states}
        held = {names.get(each.sha256): each for each in self.store.all()}
        assert {key: each.state for key, each in held.items()} == self.states
        assert {key: each.told for key, each in held.items()} == self.told
        assert len(self.log) == self.lines

    @invariant()
    def in_force_is_what_both_signed_and_nobody_withdrew(self) -> None:
        for peer in PEERS:
            for purpose, fits in (("due-diligence", (0, 1)), ("remediation", (1,))):
                found = self.store.in_force(peer, purpose, TODAY)
                expected = [
                    number
                    for (whose, number), state in self.states.items()
                    if whose == peer and state == "in_force" and number % 2 in fits
                ]
                assert (found is not None) == bool(expected)
                if found is not None:
                    what = verify_agreement(coalition(), found)
                    assert int.from_bytes(what.nonce) in expected

    def teardown(self) -> None:
        self.stack.close()


TestKeeping = Keeping.TestCase
TestKeeping.settings = settings(max_examples=15, stateful_step_count=20, deadline=None)
