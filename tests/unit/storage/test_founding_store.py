"""A founder's votes, proposals, signatures and invitations, on SQLite and on PostgreSQL."""

import hashlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import pytest

from coalition_members import COALITION, admission, member
from symbolon.errors import MembershipError
from symbolon.membership.acts import Refresh
from symbolon.membership.proposal import Proposal, encode_proposal
from symbolon.storage import founding_store
from symbolon.storage.database import Database
from symbolon.storage.founding_store import (
    FORGET_AFTER,
    MAX_PROPOSALS,
    FoundingStore,
    StoredInvitation,
)

START_S = 1_800_000_000
WEEK_S = 7 * 86_400


def h(name: str) -> bytes:
    return hashlib.sha256(name.encode()).digest()


@dataclass
class Kept:
    """A store and its clock."""

    database: Database
    now_s: float = START_S
    store: FoundingStore = field(init=False)

    def __post_init__(self) -> None:
        self.store = FoundingStore(self.database, lambda: self.now_s)

    def vote(self, version: int, proposal: str, base: str = "base", binds_s: int = WEEK_S) -> None:
        self.store.vote(version, h(base), h(proposal), int(self.now_s) + binds_s)

    def propose(self, name: str, **changes: Any) -> bytes:
        document = name.encode()
        fields: dict[str, Any] = {
            "version": 2,
            "base": h("base"),
            "makes": h(f"made by {name}"),
            "matter": h(f"matter of {name}"),
            "routine": True,
            "document": document,
            "proposer": "acme",
        }
        self.store.keep_proposal(h(name), **(fields | changes))
        return h(name)


@pytest.fixture
def kept(database_url: str) -> Iterator[Kept]:
    with Database.open(database_url, create=True) as database:
        yield Kept(database)


def refused(call: Any, *args: Any, **options: Any) -> str:
    with pytest.raises(MembershipError) as caught:
        call(*args, **options)
    return caught.value.full_code


def test_vote_for_the_same_proposal_again_holds(kept: Kept) -> None:
    kept.vote(2, "first")
    kept.vote(2, "first")
    assert refused(kept.vote, 2, "second") == "membership.proposal.voted"


def test_vote_for_another_proposal_of_the_version_is_refused_for_good(kept: Kept) -> None:
    kept.vote(2, "first")
    assert refused(kept.vote, 2, "second") == "membership.proposal.voted"
    kept.now_s += 10 * WEEK_S
    assert refused(kept.vote, 2, "second", base="other") == "membership.proposal.voted"


def test_vote_on_the_same_base_is_refused_while_the_first_binds(kept: Kept) -> None:
    kept.vote(2, "first")
    assert refused(kept.vote, 3, "second") == "membership.proposal.voted"
    kept.now_s += WEEK_S - 1
    assert refused(kept.vote, 3, "second") == "membership.proposal.voted"
    kept.now_s += 1
    kept.vote(3, "second")
    assert refused(kept.vote, 4, "first") == "membership.proposal.voted"


def test_vote_on_another_base_is_free(kept: Kept) -> None:
    kept.vote(2, "first")
    kept.vote(3, "second", base="after first")


def test_vote_refused_leaves_nothing_behind(kept: Kept) -> None:
    kept.vote(2, "first")
    refused(kept.vote, 3, "second")
    kept.vote(3, "third", base="other")


def test_votes_at_once_from_many_threads_let_one_proposal_through(database_url: str) -> None:
    names = [f"proposal {number}" for number in range(8)]
    codes: list[str] = []
    with Database.open(database_url, create=True) as first, Database.open(database_url) as second:
        stores = [Kept(first), Kept(second)]

        def one(number: int) -> None:
            try:
                stores[number % 2].vote(2 + number % 3, names[number])
            except MembershipError as error:
                codes.append(error.full_code)
            else:
                codes.append("voted")

        threads = [threading.Thread(target=one, args=(number,)) for number in range(len(names))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert sorted(codes) == ["membership.proposal.voted"] * 7 + ["voted"]


def test_proposal_kept_is_read_back_and_stays_as_it_came_first(kept: Kept) -> None:
    sha256 = kept.propose("first", routine=False)
    kept.now_s += 5
    kept.propose("first", proposer="birch", document=b"other")
    stored = kept.store.proposal(sha256)
    assert stored is not None
    assert (stored.document, stored.proposer, stored.routine) == (b"first", "acme", False)
    assert (stored.base, stored.makes, stored.matter) == (h("base"), h("made by first"), h("matter of first"))
    assert (stored.received_at_s, stored.approved_at_s, stored.signatures) == (START_S, None, {})
    assert kept.store.proposal(h("unknown")) is None


def test_proposals_come_oldest_version_first(kept: Kept) -> None:
    for version, name in ((3, "late"), (2, "early"), (3, "later")):
        kept.propose(name, version=version)
        kept.now_s += 1
    assert [each.document for each in kept.store.proposals_above(1)] == [b"early", b"late", b"later"]
    assert [each.document for each in kept.store.proposals_above(2)] == [b"late", b"later"]
    assert [each.document for each in kept.store.proposals_since(START_S + 1)] == [b"early", b"later"]


def test_proposals_of_one_founder_on_one_base_are_limited(kept: Kept) -> None:
    for number in range(MAX_PROPOSALS):
        kept.propose(f"proposal {number}")
    assert refused(kept.propose, "one more") == "membership.proposal.many"
    assert kept.store.proposal(h("one more")) is None
    kept.propose("proposal 0")
    kept.propose("of another", proposer="birch")
    kept.propose("on another base", base=h("other"))


def test_proposals_that_carry_their_own_proof_take_no_room_of_others(
    kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(founding_store, "MAX_PROPOSER_BYTES", 1000)
    for number in range(MAX_PROPOSALS):
        kept.propose(f"asked {number}", document=b"x" * 15, routine=True)
    assert refused(kept.propose, "asked again", routine=True) == "membership.proposal.many"
    kept.propose("decided", document=b"x" * 900, routine=False)


def test_proposals_of_one_founder_are_limited_in_bytes(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(founding_store, "MAX_PROPOSER_BYTES", 1000)
    kept.propose("large", document=b"x" * 600)
    assert refused(kept.propose, "larger", document=b"x" * 401, base=h("o")) == "membership.proposal.many"
    kept.propose("just", document=b"x" * 400)
    kept.propose("of another", document=b"x" * 600, proposer="birch")


def test_proposals_are_forgotten_after_a_month_but_votes_are_not(kept: Kept) -> None:
    old = kept.propose("old")
    kept.store.keep_signature(old, "targets", "a" * 64, b"old" * 16)
    kept.vote(2, "old")
    kept.now_s += FORGET_AFTER.total_seconds()
    kept.propose("young")
    assert kept.store.proposal(old) is not None
    kept.now_s += 1
    kept.propose("younger")
    assert kept.store.proposal(old) is None
    assert kept.store.signatures(old) == {}
    assert refused(kept.vote, 2, "younger") == "membership.proposal.voted"


def test_signatures_are_kept_by_role_and_key_and_the_later_one_stays(kept: Kept) -> None:
    sha256, other = kept.propose("first"), kept.propose("second")
    kept.store.keep_signature(sha256, "targets", "a" * 64, b"1" * 64)
    kept.store.keep_signature(sha256, "root", "a" * 64, b"2" * 64)
    kept.store.keep_signature(sha256, "targets", "b" * 64, b"3" * 64)
    kept.store.keep_signature(sha256, "targets", "a" * 64, b"4" * 64)
    expected = {
        ("targets", "a" * 64): b"4" * 64,
        ("root", "a" * 64): b"2" * 64,
        ("targets", "b" * 64): b"3" * 64,
    }
    assert kept.store.signatures(sha256) == expected
    stored = kept.store.proposal(sha256)
    assert stored is not None
    assert stored.signatures == expected
    assert kept.store.signatures(other) == {}


def test_approvals_are_known_by_matter_and_base(kept: Kept) -> None:
    first = kept.propose("first", matter=h("matter"))
    again = kept.propose("again", matter=h("matter"), base=h("later"))
    kept.propose("other", matter=h("matter"), base=h("latest"))
    kept.store.approve(first)
    kept.now_s += 9
    kept.store.approve(first)
    kept.store.approve(again)
    assert kept.store.approved_bases(h("matter")) == {h("base"), h("later")}
    assert kept.store.approved_bases(h("other matter")) == set()
    stored = kept.store.proposal(first)
    assert stored is not None
    assert stored.approved_at_s == START_S


def test_steps_since_a_state_are_those_that_led_from_it(kept: Kept) -> None:
    kept.propose("one", base=h("1"), makes=h("2"), matter=h("m1"))
    kept.propose("two", base=h("2"), makes=h("3"), matter=h("m2"), routine=False)
    kept.propose("not taken", base=h("2"), makes=h("3'"), matter=h("m3"))
    steps = kept.store.steps_since(h("1"), h("3"))
    assert steps is not None
    assert [(each.base, each.matters, each.routine) for each in steps] == [
        (h("2"), {h("m2")}, False),
        (h("1"), {h("m1")}, True),
    ]
    assert kept.store.steps_since(h("3"), h("3")) == ()
    assert kept.store.steps_since(h("0"), h("3")) is None
    assert kept.store.steps_since(h("3"), h("1")) is None


def test_steps_made_by_one_of_two_proposals_are_routine_only_if_both_are(kept: Kept) -> None:
    kept.propose("plain", base=h("1"), makes=h("2"), matter=h("m1"))
    kept.propose("not", base=h("1"), makes=h("2"), matter=h("m2"), routine=False)
    steps = kept.store.steps_since(h("1"), h("2"))
    assert steps is not None
    assert [(each.matters, each.routine) for each in steps] == [({h("m1"), h("m2")}, False)]


def test_steps_are_followed_to_a_limit(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(founding_store, "MAX_STEPS", 3)
    for number in range(5):
        kept.propose(f"{number}", base=h(f"{number}"), makes=h(f"{number + 1}"))
    assert len(kept.store.steps_since(h("2"), h("5")) or ()) == 3
    assert kept.store.steps_since(h("1"), h("5")) is None


def invitation(name: str, **changes: Any) -> StoredInvitation:
    fields: dict[str, Any] = {
        "sha256": h(name),
        "member": name,
        "sponsor": "acme",
        "terms": b"{}\n",
        "authority": b"PEM",
        "expires_at_s": START_S + 3600,
        "state": "approved",
    }
    return StoredInvitation(**(fields | changes))


def test_invitation_kept_twice_is_refused(kept: Kept) -> None:
    kept.store.keep_invitation(invitation("ebony"))
    assert refused(kept.store.keep_invitation, invitation("ebony")) == "membership.invitation.known"
    assert kept.store.invitations("approved") == [invitation("ebony")]


def test_invitations_are_listed_by_state_until_they_expire(kept: Kept) -> None:
    late = invitation("late", expires_at_s=START_S + 7200)
    offered = invitation("offered", state="offered")
    for each in (late, invitation("soon"), offered):
        kept.store.keep_invitation(each)
    assert kept.store.invitations("approved") == [invitation("soon"), late]
    assert set(kept.store.invitations("approved", "offered")) == {invitation("soon"), late, offered}
    kept.now_s += 3600
    assert kept.store.invitations("approved", "offered") == [late]


def test_invitation_moves_from_one_state_to_the_next_once(kept: Kept) -> None:
    kept.store.keep_invitation(invitation("ebony", state="offered"))
    kept.store.move_invitation(h("ebony"), "offered", "approved")
    move = kept.store.move_invitation
    assert refused(move, h("ebony"), "offered", "approved") == "membership.invitation.state"
    assert refused(move, h("unknown"), "offered", "approved") == "membership.invitation.state"
    kept.now_s += 3600
    assert refused(move, h("ebony"), "approved", "used") == "membership.invitation.state"


def test_invitations_used_stay_used_and_withdrawn_ones_withdrawn(kept: Kept) -> None:
    for state in ("offered", "approved", "used", "withdrawn"):
        kept.store.keep_invitation(invitation(state, state=state))
    kept.store.keep_invitation(invitation("left alone"))
    names = ("offered", "approved", "used", "withdrawn")
    for _ in range(2):
        kept.store.use_invitations(map(h, names))
    assert {each.member for each in kept.store.invitations("used")} == {"offered", "approved", "used"}
    assert [each.member for each in kept.store.invitations("withdrawn")] == ["withdrawn"]
    assert [each.member for each in kept.store.invitations("approved")] == ["left alone"]


def answer(name: str, version: int = 2) -> bytes:
    """A proposal that answers the invitation of ebony."""
    at = datetime.fromtimestamp(START_S, UTC)
    act = replace(admission(member("ebony")), invitation_sha256=h("ebony"))
    proposal = Proposal(COALITION, h(name), version, at, at, (act,))
    return encode_proposal(proposal)


def test_vote_for_the_answer_to_a_withdrawn_invitation_is_refused(kept: Kept) -> None:
    kept.store.keep_invitation(invitation("ebony"))
    kept.store.keep_invitation(invitation("open"))
    assert kept.store.withdraw_invitation(h("ebony")) == []
    vote = kept.store.vote
    until_s = START_S + WEEK_S
    for _ in range(2):
        error = refused(vote, 2, h("base"), h("first"), until_s, (h("open"), h("ebony")))
        assert error == "membership.invitation.withdrawn"
        # For good, also when it would have ended by itself.
        kept.now_s += 7200
    kept.store.require_not_withdrawn([h("open"), h("unknown")])
    vote(2, h("base"), h("first"), until_s, (h("open"), h("unknown")))


def test_withdraw_tells_which_answers_were_voted_for_before(kept: Kept) -> None:
    kept.store.keep_invitation(invitation("ebony"))
    voted = kept.propose("answer", document=answer("base"))
    kept.propose("not voted for", document=answer("base", 3))
    other = Proposal(COALITION, h("base"), 4, *[datetime.fromtimestamp(START_S, UTC)] * 2, (Refresh(),))
    kept.propose("another", document=encode_proposal(other))
    kept.vote(2, "answer")
    kept.vote(4, "another", base="later")
    for _ in range(2):
        assert [each.sha256 for each in kept.store.withdraw_invitation(h("ebony"))] == [voted]


def test_withdraw_of_what_is_used_or_unknown_is_refused(kept: Kept) -> None:
    kept.store.keep_invitation(invitation("ebony", state="used"))
    for name in ("ebony", "unknown"):
        assert refused(kept.store.withdraw_invitation, h(name)) == "membership.invitation.state"
    assert [each.member for each in kept.store.invitations("used")] == ["ebony"]


def test_vote_and_withdrawal_at_once_do_not_miss_each_other(database_url: str) -> None:
    with Database.open(database_url, create=True) as database:
        kept = Kept(database)
        for number in range(8):
            name = f"ebony {number}"
            kept.store.keep_invitation(invitation(name))
            act = replace(admission(member("ebony")), invitation_sha256=h(name))
            at = datetime.fromtimestamp(START_S, UTC)
            document = encode_proposal(Proposal(COALITION, h(name), number + 2, at, at, (act,)))
            kept.propose(name, version=number + 2, document=document)
            found: list[object] = []

            def vote(name: str = name, number: int = number, found: list[object] = found) -> None:
                try:
                    kept.store.vote(number + 2, h(name), h(name), START_S + WEEK_S, [h(name)])
                    found.append("voted")
                except MembershipError as error:
                    found.append(error.full_code)

            voting = threading.Thread(target=vote)
            voting.start()
            seen = kept.store.withdraw_invitation(h(name))
            voting.join(60)
            assert found == (["voted"] if seen else ["membership.invitation.withdrawn"])


def test_founding_store_survives_a_restart(database_url: str) -> None:
    with Database.open(database_url, create=True) as database:
        before = Kept(database)
        sha256 = before.propose("first")
        before.store.approve(sha256)
        before.store.keep_signature(sha256, "targets", "a" * 64, b"1" * 64)
        before.vote(2, "first")
    with Database.open(database_url) as database:
        after = Kept(database)
        stored = after.store.proposal(sha256)
        assert stored is not None
        assert stored.approved_at_s == START_S
        assert stored.signatures == {("targets", "a" * 64): b"1" * 64}
        assert refused(after.vote, 2, "second") == "membership.proposal.voted"
