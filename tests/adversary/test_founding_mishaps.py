"""Mishaps among founders: kill -9, two processes at once, wrong clocks, lost answers, clashing timestamps."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from founder_nodes import NAMES, PLAIN, FounderNode, Founders
from founding_attackers import code, forged, moved, offered, refused
from symbolon.membership.acts import Refresh, Suspend
from symbolon.membership.coalition_directory import CoalitionDirectory
from symbolon.membership.coalition_store import CoalitionStore
from symbolon.membership.member import MemberId
from symbolon.membership.proposal import decode_proposal, proposal_sha256
from symbolon.membership.proposal_draft import BINDING, missing

ACME, BIRCH, CEDAR = NAMES[:3]
SUSPEND = Suspend(PLAIN, "late audits")


@pytest.fixture
def founders(tmp_path: Path) -> Iterator[Founders]:
    """Acme, birch and cedar, two of whom sign."""
    made = Founders.of(3, tmp_path / "founders")
    yield made
    made.stop()


# Founders' nodes in processes of their own. Arguments: folder, name, the file of a proposal, and what to do.
_PROCESS = """
import os, signal, sys
from pathlib import Path
from founder_nodes import Clock, FounderNode
from symbolon.errors import MembershipError
from symbolon.membership.member import MemberId
from symbolon.storage.founding_store import FoundingStore

folder, name, document, how = Path(sys.argv[1]), MemberId(sys.argv[2]), Path(sys.argv[3]), sys.argv[4]
node = FounderNode(folder, name, Clock())
if how == "die before the vote":
    FoundingStore.vote = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
if how == "die after the vote":
    FoundingStore.keep_signature = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
print("ready", flush=True)
if how == "when told":
    sys.stdin.readline()
try:
    signatures, pending = node.founding.take(document.read_bytes(), "acme", sign=True)
    print(len(signatures), pending)
except MembershipError as error:
    print(error.full_code)
"""


def process(node: FounderNode, document: bytes, how: str) -> "subprocess.Popen[str]":
    path = node.folder / proposal_sha256(document).hex()
    path.write_bytes(document)
    return subprocess.Popen(
        [sys.executable, "-c", _PROCESS, str(node.folder), node.name, str(path), how],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )


def two_proposals(founders: Founders) -> tuple[bytes, bytes]:
    acme, birch, _ = founders
    first = acme.founding.document(acme.founding.propose([moved(acme, "a.example:1")]))
    return first, birch.founding.document(birch.founding.propose([Refresh()]))


def test_attack_kill_9_between_vote_and_signature_leaves_the_one_vote_standing(founders: Founders) -> None:
    first, second = two_proposals(founders)
    cedar = founders[CEDAR]
    with process(cedar, first, "die after the vote") as dying:
        assert dying.wait(60) == -signal.SIGKILL
    assert cedar.founding.store.signatures(proposal_sha256(first)) == {}
    assert code(lambda: cedar.founding.take(second, BIRCH, sign=True)) == "membership.proposal.voted"
    signatures, pending = cedar.founding.take(first, ACME, sign=True)
    assert (len(signatures), pending) == (1, False)


def test_attack_kill_9_before_the_vote_leaves_the_founder_free(founders: Founders) -> None:
    first, second = two_proposals(founders)
    cedar = founders[CEDAR]
    with process(cedar, first, "die before the vote") as dying:
        assert dying.wait(60) == -signal.SIGKILL
    signatures, _ = cedar.founding.take(second, BIRCH, sign=True)
    assert len(signatures) == 1


def test_attack_kill_9_between_signature_and_publishing_is_made_good_by_the_next_command(
    tmp_path: Path,
) -> None:
    alone = Founders.of(1, tmp_path / "alone")
    acme = alone[ACME]
    before = acme.state.targets_version
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(acme.founding), "publish_if_complete", lambda *_: None)
        acme.founding.propose([SUSPEND])
    acme.stop()
    acme.start()
    assert acme.state.targets_version == before
    acme.founding.propose([Refresh()])
    assert acme.state.targets_version == before + 2
    assert acme.state.members.find(PLAIN).reason == SUSPEND.reason  # type: ignore[union-attr]
    alone.stop()


def test_attack_two_processes_of_one_founder_at_once_sign_one_proposal(founders: Founders) -> None:
    documents = two_proposals(founders)
    cedar = founders[CEDAR]
    started = [process(cedar, documents[number % 2], "when told") for number in range(4)]
    for each in started:
        assert each.stdout is not None
        assert each.stdout.readline() == "ready\n"
    for each in started:
        assert each.stdin is not None
        each.stdin.write("go\n")
        each.stdin.flush()
    said = [each.communicate(timeout=60)[0].strip() for each in started]
    assert sorted(said) == ["1 False"] * 2 + ["membership.proposal.voted"] * 2
    signed = [
        document for document in documents if cedar.founding.store.signatures(proposal_sha256(document))
    ]
    assert len(signed) == 1


@pytest.mark.parametrize("hours", [-1, 1])
def test_attack_a_clock_an_hour_wrong_at_one_founder_changes_nothing(founders: Founders, hours: int) -> None:
    acme, birch, _ = founders
    birch.off_by = timedelta(hours=hours)
    founders.settle(acme.founding.propose([moved(acme, "a.example:1")]), acme)
    sha256 = birch.founding.propose([Refresh()])
    assert founders.settle(sha256, birch).members == acme.state.members


def test_attack_a_clock_a_day_behind_refuses_with_a_hint(founders: Founders) -> None:
    acme, birch, cedar = founders
    birch.off_by = timedelta(days=-1)
    sha256 = acme.founding.propose([moved(acme, "a.example:1")])
    error = refused(lambda: birch.founding.take(acme.founding.document(sha256), ACME, sign=True))
    assert error.full_code == "membership.proposal.time"
    assert "clock" in (error.hint or "")
    # The two whose clocks are right are enough.
    assert founders.carry(sha256, acme) is not None
    assert cedar.founding.store.signatures(sha256)


def test_attack_a_clock_a_day_ahead_is_not_followed(founders: Founders) -> None:
    acme, birch, _ = founders
    acme.off_by = timedelta(days=1)
    sha256 = acme.founding.propose([moved(acme, "a.example:1")])
    error = refused(lambda: birch.founding.take(acme.founding.document(sha256), ACME, sign=True))
    assert error.full_code == "membership.proposal.time"
    assert "clock" in (error.hint or "")
    acme.off_by = timedelta(days=1, minutes=1)
    assert acme.founding.redate()
    # A timestamp that lasts a day longer than it may is taken up to there, and no further.
    assert code(lambda: birch.founding.adopt(acme.coalition.parts_newer_than(2, 1))) == (
        "membership.metadata.validity"
    )


def test_attack_a_proposal_left_unfinished_cannot_come_back_after_a_later_one(founders: Founders) -> None:
    acme, birch, cedar = founders
    state = acme.state
    left = acme.founding.propose([moved(acme, "a.example:1")])
    acme.founding.sign(left)
    document = acme.founding.document(left)
    later = birch.founding.propose([Refresh()])
    assert founders.carry(later, birch, to=[CEDAR]) is not None
    founders.sync()
    for call in (
        lambda: birch.founding.take(document, ACME, sign=True),
        lambda: cedar.founding.take(document, ACME, sign=False),
        lambda: acme.founding.sign(left),
        lambda: acme.founding.signers(left, NAMES[:3]),
    ):
        assert code(call) == "membership.proposal.overtaken"
    assert acme.founding.publish_if_complete(left) is None
    # Not even if birch's keys are stolen afterwards, and what was left gets its second signature.
    made, signatures = forged(
        state, decode_proposal(document), acme.keys.metadata_key, birch.keys.metadata_key
    )
    assert missing(made, state, signatures) == {}
    assert code(lambda: cedar.founding.adopt(offered(made, state, signatures, acme))) == (
        "membership.metadata.fork"
    )
    assert cedar.state.members == birch.state.members


def test_attack_a_member_that_moves_away_and_back_is_not_moved_away_again(founders: Founders) -> None:
    """Each founder poses anew what it signed and what is not so: both moves, by turns, for ever."""
    acme = founders[ACME]
    home = acme.state.members.find(PLAIN)
    assert home is not None
    for endpoint in ("a.example:1", home.endpoint):
        founders.settle(acme.founding.propose([moved(acme, endpoint)]), acme)
    back = acme.state.members.find(PLAIN)
    assert back is not None
    assert back.endpoint == home.endpoint
    assert [node.founding.unfinished() for node in founders] == [[], [], []]


def test_attack_signatures_found_late_do_not_make_a_second_successor(founders: Founders) -> None:
    """Enough founders signed, but the answers were lost; a week that ends meanwhile changes the version."""
    acme, birch, cedar = founders
    founders.clock.later(seconds=(BINDING - timedelta(minutes=30)).total_seconds())
    acme.founding.redate()
    founders.sync()
    first = acme.founding.propose([moved(acme, "a.example:1")])
    acme.founding.sign(first)
    by_birch, _ = birch.founding.take(acme.founding.document(first), ACME, sign=True)
    founders.clock.later(hours=1)
    second = cedar.founding.propose([Refresh()])
    versions = [
        decode_proposal(node.founding.document(each)).version
        for node, each in ((acme, first), (cedar, second))
    ]
    assert versions == [4, 5]
    # Acme and birch are bound to the first one, which may be in force by now for all that cedar knows.
    for node in (acme, birch):
        document = cedar.founding.document(second)
        assert code(lambda node=node, document=document: node.founding.take(document, CEDAR, sign=True)) == (  # type: ignore[misc]
            "membership.proposal.voted"
        )
    acme.founding.add_signatures(first, by_birch)
    assert acme.founding.publish_if_complete(first)
    founders.sync()
    assert {node.state.targets_version for node in founders} == {4}
    (again,) = acme.founding.unfinished() or (cedar.founding.propose([Refresh()]),)
    founders.settle(again, cedar)


def test_attack_a_clock_almost_a_day_behind_puts_nothing_in_force_that_others_gave_up(
    founders: Founders,
) -> None:
    """Who is bound stays so a day longer than a proposal can be put in force: so much may clocks differ."""
    acme, birch, cedar = founders
    birch.off_by = timedelta(hours=-23)
    first = acme.founding.propose([moved(acme, "a.example:1")])
    acme.founding.sign(first)
    founders.clock.later(hours=22)
    birch.founding.take(acme.founding.document(first), ACME, sign=True)
    birch.founding.add_signatures(first, acme.founding.store.signatures(first))
    founders.clock.later(days=6, minutes=30)
    # By the clocks of acme and cedar its time is over; by birch's it is not.
    assert code(lambda: acme.founding.publish_if_complete(first)) == "membership.proposal.time"
    second = cedar.founding.propose([Refresh()])
    assert founders.carry(second, cedar) is None
    assert founders.failures[ACME].full_code == "membership.proposal.voted"
    assert birch.founding.publish_if_complete(first)
    birch.off_by = timedelta(0)
    founders.sync()
    assert {node.state.targets_bytes for node in founders} == {birch.state.targets_bytes}
    founders.settle(cedar.founding.propose([Refresh()]), cedar)


def test_attack_a_founder_off_for_weeks_signs_nothing_old_when_it_is_back(founders: Founders) -> None:
    acme, birch, cedar = founders
    left = cedar.founding.propose([Refresh()])
    cedar.founding.sign(left)
    for number in range(4):
        founders.clock.later(days=6)
        for node in (acme, birch):
            node.founding.redate()
        sha256 = acme.founding.propose([moved(acme, f"place-{number}.example:1")])
        assert founders.carry(sha256, acme, to=[BIRCH]) is not None
        birch.learn_from(acme)
    document = cedar.founding.document(left)
    assert code(lambda: birch.founding.take(document, CEDAR, sign=True)) == "membership.proposal.overtaken"
    founders.sync()
    assert cedar.founding.unfinished() == []
    founders.settle(cedar.founding.propose([Refresh()]), cedar)


# Timestamps.


@pytest.mark.parametrize(("behind", "ahead"), [(BIRCH, ACME), (ACME, BIRCH)])
def test_attack_two_timestamps_of_one_version_heal_within_a_day(
    founders: Founders, behind: MemberId, ahead: MemberId
) -> None:
    acme, birch, cedar = founders
    first = ACME
    founders.clock.later(days=1, hours=2)
    old, new = founders[behind], founders[ahead]
    old.founding.redate()
    founders.carry(new.founding.propose([moved(new, "a.example:1")]), new, to=[CEDAR])
    assert old.state.timestamp_version == new.state.timestamp_version
    assert old.state.targets_version + 1 == new.state.targets_version
    # Neither has anything newer for the other, as far as the timestamp says.
    for one, other in ((old, new), (new, old)):
        one.learn_from(other)
    assert old.state.targets_version + 1 == new.state.targets_version
    cedar.learn_from(old)
    founders.clock.later(days=1)
    dated_again = {node.name for node in (birch, acme, cedar) if node.founding.redate()}
    assert dated_again == {first}
    founders.sync()
    assert {node.state.targets_version for node in founders} == {4}
    assert len({node.state.timestamp_bytes for node in founders}) == 1


def test_attack_a_founder_cut_off_that_dated_old_targets_is_brought_back(founders: Founders) -> None:
    acme, birch, cedar = founders
    member = CoalitionStore(acme.folder / "member", lambda: founders.clock.now)
    member.bootstrap(acme.state.root_bytes, acme.state.root_sha256(), acme.parts())
    founders.carry(acme.founding.propose([moved(acme, "a.example:1")]), acme, to=[CEDAR])
    for _ in range(5):
        founders.clock.later(days=1, hours=1)
        birch.founding.redate()
    member.absorb(birch.coalition.parts_newer_than(2, 1))
    assert birch.state.timestamp_version > acme.state.timestamp_version + 2
    # The member, which heard of birch only, would not take what acme holds; acme hears of it, and mends it.
    stuck = acme.coalition.parts_newer_than(2, 0)
    assert code(lambda: member.absorb(stuck)) == "membership.metadata.rollback"
    acme.learn_from(birch)
    assert acme.state.timestamp_version == birch.state.timestamp_version + 1
    for node in (birch, cedar):
        node.learn_from(acme)
        assert node.state.members == acme.state.members
    state = member.state()
    member.absorb(acme.coalition.parts_newer_than(state.root_version, state.timestamp_version))
    assert member.state().members == acme.state.members


def test_attack_newer_targets_under_an_older_timestamp_are_dated_anew_by_who_sees_them(
    founders: Founders,
) -> None:
    acme, birch, _ = founders
    founders.carry(acme.founding.propose([moved(acme, "a.example:1")]), acme, to=[CEDAR])
    for _ in range(3):
        founders.clock.later(days=1, hours=1)
        birch.founding.redate()
    seen = birch.state.timestamp_version
    birch.founding.adopt(acme.coalition.parts_newer_than(2, 0))
    assert birch.state.members == acme.state.members
    assert birch.state.timestamp_version == seen + 1


def test_attack_a_coalition_lives_while_one_founder_dates_it_and_freezes_a_week_after_the_last(
    founders: Founders,
) -> None:
    acme, birch, _ = founders
    member = CoalitionStore(acme.folder / "member", lambda: founders.clock.now)
    member.bootstrap(acme.state.root_bytes, acme.state.root_sha256(), acme.parts())
    directory = CoalitionDirectory(member, lambda: founders.clock.now)
    for day in range(30):
        founders.clock.later(days=1, hours=1 if day % 6 == 0 else 0)
        on = (acme, birch)[day // 6 % 2]
        on.founding.redate()
        state = member.state()
        member.absorb(on.coalition.parts_newer_than(state.root_version, state.timestamp_version))
        assert directory.current().find(PLAIN)
        for other in (acme, birch):
            other.learn_from(on)
    assert member.state().targets_version == 3
    # Whoever keeps all founders' nodes away from a member freezes it for so long, and no longer.
    founders.clock.later(days=7, seconds=-1)
    assert directory.current()
    founders.clock.later(seconds=1)
    assert code(directory.current) == "membership.expired"
    # A founder that comes back after weeks takes it up again.
    founders.clock.later(days=20)
    assert code(directory.current) == "membership.expired"
    assert acme.founding.redate()
    state = member.state()
    member.absorb(acme.coalition.parts_newer_than(state.root_version, state.timestamp_version))
    assert directory.current().find(PLAIN)
