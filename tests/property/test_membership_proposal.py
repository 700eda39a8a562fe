"""Proposals there and back; and founders who propose, sign and publish while messages and processes get lost.

The machine lets every founder's node be driven in any order, also in ones that an honest node would not
choose: it asks for signatures before enough founders are willing, and publishes whenever it can. What has to
hold then is that there is one history, that nobody signs twice, and that nothing is signed that needs a
person and had none. In the end, when messages arrive again, the founders have to be able to go on.
"""

import itertools
import shutil
import tempfile
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from coalition_members import COALITION, NOW, leaf, member, signing_key
from founder_nodes import NAMES, PLAIN, FounderNode, Founders
from symbolon.errors import MembershipError
from symbolon.membership.acts import (
    Act,
    Admit,
    Amend,
    Appoint,
    Expel,
    NewTerms,
    Purposes,
    Refresh,
    Reinstate,
    Suspend,
)
from symbolon.membership.coalition_roles import Founder, key_id
from symbolon.membership.member import MemberId
from symbolon.membership.member_record import Role, Status
from symbolon.membership.member_statement import Place, sign_statement
from symbolon.membership.members_document import members_sha256
from symbolon.membership.proposal import (
    MAX_PROPOSAL_BYTES,
    NewFounders,
    Proposal,
    decode_proposal,
    encode_proposal,
    matter_sha256,
)

digests = st.binary(min_size=32, max_size=32)
times = st.integers(0, 2**35).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))
anybody = st.sampled_from([*NAMES, PLAIN])
texts = st.sampled_from(["late", "Prüfung läuft", '"quoted" \\ and 樹'])
acts = st.one_of(
    st.builds(Suspend, anybody, texts),
    st.builds(Reinstate, anybody),
    st.builds(Expel, anybody, st.just(NOW.date()), texts),
    st.builds(Appoint, anybody, st.sampled_from([(), (Role.FOUNDER,), (Role.FOUNDER, Role.RELAY)])),
    st.builds(NewTerms, texts, digests),
    st.builds(Purposes, st.sampled_from([(), ("audit",), ("audit", "remediation")])),
    st.builds(
        Admit, st.just(member("ebony")), digests, st.just(leaf("ebony")), st.binary(min_size=1, max_size=9)
    ),
    st.just(Refresh()),
)
foundings = st.builds(
    NewFounders,
    st.lists(st.builds(Founder, anybody, digests, digests), max_size=3).map(tuple),
    st.integers(0, 40),
    st.binary(max_size=40),
)
proposals = st.builds(
    Proposal,
    coalition=st.just(COALITION),
    base=digests,
    version=st.integers(0, 2**53 - 1),
    made=times,
    posed=times,
    acts=st.lists(acts, max_size=3).map(tuple),
    terms=st.binary(max_size=40),
    founding=st.none() | foundings,
)


@given(proposals)
def test_proposals_encoded_and_decoded_are_the_same(proposal: Proposal) -> None:
    document = encode_proposal(proposal)
    assert len(document) <= MAX_PROPOSAL_BYTES
    assert decode_proposal(document) == proposal


@given(proposals, st.data())
def test_proposals_any_byte_altered_are_refused_or_other_proposals(
    proposal: Proposal, data: st.DataObject
) -> None:
    document = bytearray(encode_proposal(proposal))
    document[data.draw(st.integers(0, len(document) - 1))] ^= data.draw(st.integers(1, 255))
    try:
        decoded = decode_proposal(bytes(document))
    except MembershipError:
        return
    assert decoded != proposal
    assert encode_proposal(decoded) == document


@given(proposals, digests, st.integers(0, 2**53 - 1), times)
def test_matter_depends_on_nothing_that_posing_again_changes(
    proposal: Proposal, base: bytes, version: int, posed: datetime
) -> None:
    again = Proposal(
        proposal.coalition,
        base,
        version,
        proposal.made,
        posed,
        proposal.acts,
        proposal.terms,
        proposal.founding,
    )
    assert matter_sha256(again) == matter_sha256(proposal)


_QUICK = Path("/dev/shm")

who = st.integers(0, len(NAMES) - 1)
arrives = st.sampled_from([True, True, True, False])


class FoundersMachine(RuleBasedStateMachine):
    """A few founders, a clock, and every proposal that was ever made."""

    @initialize(count=st.integers(1, 5), quiet_hours=st.sampled_from([0, 7 * 24 - 1]))
    def begin(self, count: int, quiet_hours: int) -> None:
        # Every step is written through to the disk; this one is quick, where there is one.
        self.folder = Path(tempfile.mkdtemp(dir=_QUICK if _QUICK.is_dir() else None))
        self.founders = Founders.of(count, self.folder / "founders")
        self.names = NAMES[:count]
        self.places = itertools.count()
        self.known: list[bytes] = []
        self.documents: dict[bytes, bytes] = {}
        self.approved: set[tuple[MemberId, bytes]] = set()
        # Nothing happened for a while: perhaps almost a week, after which versions count on.
        self.founders.clock.later(hours=quiet_hours)
        self.node(0).founding.redate()
        first = self.node(0).state.members
        self.versions = dict.fromkeys(self.names, (first.version, 0))
        self.published = {first.version: members_sha256(first)}
        self.successors: dict[bytes, bytes] = {}

    def node(self, number: int) -> FounderNode:
        return self.founders[self.names[number % len(self.names)]]

    def chosen(self, number: int) -> bytes | None:
        return self.known[number % len(self.known)] if self.known else None

    def note(self, node: FounderNode, sha256: bytes) -> None:
        if sha256 not in self.documents:
            self.known.append(sha256)
            self.documents[sha256] = node.founding.document(sha256)

    def tried(self, work: Callable[[], object]) -> None:
        """What a founder's node refuses, it refuses by a stable code; nothing else may come out."""
        with suppress(MembershipError):
            work()

    @rule(number=who, routine=st.booleans())
    def propose(self, number: int, routine: bool) -> None:
        node = self.node(number)
        record = node.state.members.find(PLAIN)
        assert record is not None
        act: Act
        if routine:
            place = Place(f"place-{next(self.places)}.example:1", (), "")
            act = Amend(sign_statement(node.state.members, PLAIN, place, signing_key(PLAIN)))
        elif record.status is Status.ACTIVE:
            act = Suspend(PLAIN, f"reason {next(self.places)}")
        else:
            act = Reinstate(PLAIN)

        def work() -> None:
            sha256 = node.founding.propose([act])
            self.note(node, sha256)
            self.approved.add((node.name, matter_sha256(decode_proposal(self.documents[sha256]))))

        self.tried(work)

    @rule(number=who)
    def refresh(self, number: int) -> None:
        node = self.node(number)
        self.tried(lambda: self.note(node, node.founding.propose([Refresh()])))

    @rule(number=who, which=st.integers(0, 1000))
    def approve(self, number: int, which: int) -> None:
        node, sha256 = self.node(number), self.chosen(which)
        if sha256 is None:
            return
        matter = matter_sha256(decode_proposal(self.documents[sha256]))

        def work() -> None:
            # Written down before: approving may sign at once.
            self.approved.add((node.name, matter))
            self.note(node, node.founding.approve(sha256))

        self.tried(work)

    @rule(by=who, to=who, which=st.integers(0, 1000), sign=st.booleans(), answered=arrives)
    def ask(self, by: int, to: int, which: int, sign: bool, answered: bool) -> None:
        asking, asked, sha256 = self.node(by), self.node(to), self.chosen(which)
        if sha256 is None:
            return

        def work() -> None:
            signatures, _ = asked.founding.take(self.documents[sha256], asking.name, sign=sign)
            if answered:
                asking.founding.add_signatures(sha256, signatures)

        self.tried(work)

    @rule(number=who, which=st.integers(0, 1000))
    def sign(self, number: int, which: int) -> None:
        sha256 = self.chosen(which)
        if sha256 is not None:
            self.tried(lambda: self.node(number).founding.sign(sha256))

    @rule(number=who, which=st.integers(0, 1000))
    def publish(self, number: int, which: int) -> None:
        sha256 = self.chosen(which)
        if sha256 is not None:
            self.tried(lambda: self.node(number).founding.publish_if_complete(sha256))

    @rule(number=who, which=st.integers(0, 1000), lost=st.lists(st.booleans(), max_size=12))
    def carry(self, number: int, which: int, lost: list[bool]) -> None:
        node, sha256 = self.node(number), self.chosen(which)
        if sha256 is None:
            return
        fates = iter(lost)

        def carried(_: MemberId, __: MemberId) -> bool:
            return not next(fates, False)

        self.tried(lambda: self.founders.carry(sha256, node, asked=carried, answered=carried))

    @rule(number=who)
    def go_on(self, number: int) -> None:
        node = self.node(number)
        for sha256 in node.founding.unfinished():
            self.note(node, sha256)

    @rule(number=who, other=who)
    def learn(self, number: int, other: int) -> None:
        self.node(number).learn_from(self.node(other))

    @rule(number=who)
    def redate(self, number: int) -> None:
        self.tried(self.node(number).founding.redate)

    @rule(number=who)
    def restart(self, number: int) -> None:
        self.node(number).stop()
        self.node(number).start()

    @rule(minutes=st.integers(1, 90))
    def wait(self, minutes: int) -> None:
        self.founders.clock.later(minutes=minutes)

    @rule(days=st.integers(1, 4))
    def wait_for_days_in_touch(self, days: int) -> None:
        self.founders.sync()
        self.founders.clock.later(days=days)
        for node in self.founders:
            if node.founding.redate():
                self.founders.sync()

    @invariant()
    def there_is_one_history_and_it_goes_forward(self) -> None:
        for node in self.founders:
            state = node.state
            sha256 = members_sha256(state.members)
            # At most one state of a version, at most one successor of a state.
            assert self.published.setdefault(state.targets_version, sha256) == sha256
            if state.targets_version > min(self.published):
                assert self.successors.setdefault(state.members.previous, sha256) == sha256
                assert state.members.previous in self.published.values()
            # No node goes back.
            now = (state.targets_version, state.timestamp_version)
            before = self.versions[node.name]
            assert now[0] >= before[0]
            assert now[1] >= before[1]
            self.versions[node.name] = now

    @invariant()
    def nobody_signs_twice_or_without_a_person(self) -> None:
        signed: dict[tuple[MemberId, int], bytes] = {}
        holders = {key_id(node.keys.founder.metadata_key): node.name for node in self.founders}
        for sha256, document in self.documents.items():
            proposal = decode_proposal(document)
            signers = {
                holders[signer]
                for node in self.founders
                for (role, signer), _ in node.founding.store.signatures(sha256).items()
            }
            for name in signers:
                assert signed.setdefault((name, proposal.version), sha256) == sha256
                assert proposal.routine or (name, matter_sha256(proposal)) in self.approved

    def teardown(self) -> None:
        if not hasattr(self, "founders"):
            return
        try:
            # Whatever was signed crosswise lapses within a week; then the founders go on.
            for _ in range(2):
                self.wait_for_days_in_touch(days=4)
                self.there_is_one_history_and_it_goes_forward()
            self.founders.sync()
            assert len({node.state.members for node in self.founders}) == 1
            node = self.node(0)
            self.founders.settle(node.founding.propose([Refresh()]), node)
            assert len({node.state.members for node in self.founders}) == 1
        finally:
            self.founders.stop()
            shutil.rmtree(self.folder)


FoundersMachine.TestCase.settings = settings(max_examples=10, stateful_step_count=25)
TestFounders = FoundersMachine.TestCase
