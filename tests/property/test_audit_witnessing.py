"""A witness with a database, in any order of requests, restarts and crashes, decides as the pure one does."""

import tempfile
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from memory_log import NOW_S, MemoryLog, MemoryWitness
from stored_witness import StoredMember
from symbolon.audit.checkpoint import Checkpoint, parse_checkpoint
from symbolon.audit.signed_note import encode_note
from symbolon.audit.witness import OK, AddCheckpoint, Decision
from symbolon.storage.audit_checkpoints import MAX_EVIDENCE, is_conclusive

COMMON, SIZE = 3, 12
BRANCHES = {"": MemoryLog("mill", SIZE), "fork": MemoryLog("mill", SIZE, branch="fork", common=COMMON)}
SIZES = st.integers(0, SIZE)


class CrashedError(Exception):
    """The process ended here."""


class StoredWitness(RuleBasedStateMachine):
    """One log with two histories under one key, and the witness that must cosign at most one of them."""

    def __init__(self) -> None:
        super().__init__()
        self._folder = tempfile.TemporaryDirectory()
        self._until_crash = 0
        self.mill = BRANCHES[""]
        self.farm = StoredMember(Path(self._folder.name) / "farm", "farm", clock=self._clock)
        self.model = MemoryWitness("farm", self.mill.public)
        self.answered: list[Checkpoint] = []

    def teardown(self) -> None:
        self.farm.database.close()
        self._folder.cleanup()

    def _clock(self) -> float:
        self._until_crash -= 1
        if self._until_crash == 0:
            raise CrashedError
        return NOW_S

    def _asked(self, branch: str, old: int, size: int, *, spoilt: bool) -> AddCheckpoint:
        asked = BRANCHES[branch].asks(old, size)
        return AddCheckpoint(old, (bytes(32), *asked.proof), asked.note) if spoilt else asked

    def _take(self, asked: AddCheckpoint, *, own: bool) -> Decision:
        expected, before = self.model.takes(asked), len(self.farm.checkpoints.evidence())
        decided = self.farm.witness.decide(asked, self.mill.public, "mill", own=own)
        assert decided == expected
        found = decided.contradiction
        if found is None or not (found.conclusive or own):
            assert len(self.farm.checkpoints.evidence()) == before
        if found is not None and (found.conclusive or own):
            shown = {(earlier.text, later.text) for _, earlier, later in self.farm.checkpoints.evidence()}
            assert (parse_held(found.held), parse_held(found.shown)) in shown or len(shown) == MAX_EVIDENCE
        return decided

    @rule(
        branch=st.sampled_from(sorted(BRANCHES)),
        old=SIZES,
        size=SIZES,
        spoilt=st.booleans(),
        own=st.booleans(),
        restarts=st.booleans(),
    )
    def ask(self, branch: str, old: int, size: int, spoilt: bool, own: bool, restarts: bool) -> None:
        asked = self._asked(branch, old, size, spoilt=spoilt)
        decided = self._take(asked, own=own)
        if restarts:
            # Between decision and answer: what is answered is on the disk by then.
            self.farm.restart()
        if decided.status == OK:
            self.answered.append(asked.checkpoint)

    @rule(branch=st.sampled_from(sorted(BRANCHES)), size=SIZES)
    def ask_from_what_is_held(self, branch: str, size: int) -> None:
        held = self.model.state.size if self.model.state else 0
        asked = self._asked(branch, held, size, spoilt=False)
        if self._take(asked, own=True).status == OK:
            self.answered.append(asked.checkpoint)

    @rule(branch=st.sampled_from(sorted(BRANCHES)), size=SIZES, at=st.integers(1, 2))
    def crash_before_the_commit(self, branch: str, size: int, at: int) -> None:
        held = self.model.state.size if self.model.state else 0
        asked = self._asked(branch, held, size, spoilt=False)
        expected = self.model.decide(asked)
        self._until_crash = at
        # The second look at the clock is for what is written: only a checkpoint that is cosigned gets there.
        if at == 2 and expected.state is None:
            self._until_crash = 1
        with pytest.raises(CrashedError):
            self.farm.witness.decide(asked, self.mill.public, "mill", own=False)
        self._until_crash = 0
        self.farm.restart()

    @rule()
    def restart(self) -> None:
        self.farm.restart()

    @precondition(lambda self: self.answered)
    @rule()
    def see_in_a_session_what_was_cosigned(self) -> None:
        """A receipt shows less than what was cosigned, and takes nothing of it."""
        self.farm.checkpoints.take(self.mill.note(0), self.mill.public, "mill")

    @invariant()
    def holds_the_last_that_was_cosigned(self) -> None:
        held = self.farm.witness.latest(self.mill.public)
        if self.model.state is not None:
            assert held is not None
            assert encode_note(held) == self.model.state.note

    @invariant()
    def cosigned_one_history_forwards(self) -> None:
        sizes = [each.size for each in self.answered]
        assert sizes == sorted(sizes)
        assert any(
            all(each == branch.checkpoint(each.size) for each in self.answered)
            for branch in BRANCHES.values()
        )

    @invariant()
    def wrote_an_entry_for_each_contradiction_and_for_nothing_else(self) -> None:
        evidence = self.farm.checkpoints.evidence()
        notes = ["" if is_conclusive(earlier, later) else "unproven" for _, earlier, later in evidence]
        assert self.farm.events() == [("contradicted", "mill", note) for note in notes]


def parse_held(note: bytes) -> str:
    """The text of a note."""
    text = note.decode().rpartition("\n\n")[0] + "\n"
    assert parse_checkpoint(text)
    return text


TestStoredWitness = StoredWitness.TestCase
TestStoredWitness.settings = settings(max_examples=15, stateful_step_count=25)
