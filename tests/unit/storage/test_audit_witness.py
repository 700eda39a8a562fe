"""What a node keeps of others' logs, and of its own: one database each, no network."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from memory_log import NOW_S, MemoryLog
from stored_witness import StoredMember
from symbolon.audit.checkpoint import Checkpoint, parse_checkpoint, sign_checkpoint
from symbolon.audit.cosignature import Cosignature, cosign, verify_cosigned
from symbolon.audit.signed_note import MAX_SIGNATURES, NoteSignature, add_signatures
from symbolon.audit.witness import OK, AddCheckpoint
from symbolon.errors import AuditError
from symbolon.storage.audit_checkpoints import MAX_EVIDENCE, is_conclusive

FORKED = MemoryLog("mill", 9, branch="other")
"""Another log under the key of `mill`."""


@pytest.fixture
def mill(tmp_path: Path) -> Iterator[StoredMember]:
    made = StoredMember(tmp_path / "mill", "mill")
    yield made
    made.database.close()


@pytest.fixture
def farm(tmp_path: Path) -> Iterator[StoredMember]:
    made = StoredMember(tmp_path / "farm", "farm")
    yield made
    made.database.close()


def size_of(note: object) -> int:
    assert note is not None
    return parse_checkpoint(note.text).size


# What is witnessed


def test_witness_that_cosigned_holds_the_checkpoint_with_both_signatures(farm, mill):
    mill.write(5)
    decision = farm.witnesses(mill, mill.asks(0))
    assert decision.status == OK
    farm.restart()
    held = farm.witness.latest(mill.public)
    found = verify_cosigned(held, mill.public, [farm.as_witness])
    assert found.checkpoint.size == 5
    assert found.cosignatures == (Cosignature(farm.origin, NOW_S),)


def test_witness_follows_a_log_from_what_it_cosigned_last(farm, mill):
    sizes = []
    for old in (0, 3, 6):
        mill.write(3)
        assert farm.witnesses(mill, mill.asks(old)).status == OK
        sizes.append(size_of(farm.witness.latest(mill.public)))
    assert sizes == [3, 6, 9]
    assert farm.witnesses(mill, mill.asks(3)).body == b"9\n"


def test_witness_writes_no_entry_about_what_it_cosigns(farm, mill):
    mill.write()
    farm.witnesses(mill, mill.asks(0))
    # Else every cosignature would call for others, for ever.
    assert farm.events() == []


def test_latest_of_what_was_cosigned_and_seen_is_the_larger(farm, mill):
    mill.write(2)
    early = mill.checkpoints.sign()
    assert farm.witness.latest(mill.public) is None
    farm.checkpoints.take(early, mill.public, "mill")
    assert size_of(farm.witness.latest(mill.public)) == 2
    mill.write(2)
    farm.witnesses(mill, mill.asks(0))
    assert size_of(farm.witness.latest(mill.public)) == 4
    mill.write(2)
    farm.checkpoints.take(mill.checkpoints.sign(), mill.public, "mill")
    assert size_of(farm.witness.latest(mill.public)) == 6


def test_log_under_a_new_key_is_another_log(farm, mill, tmp_path):
    mill.write(9)
    farm.witnesses(mill, mill.asks(0))
    farm.checkpoints.take(mill.checkpoints.latest(), mill.public, "mill")
    again = StoredMember(tmp_path / "again", "mill", key="another")
    again.write(9)
    assert farm.witness.latest(again.public) is None
    farm.checkpoints.take(again.checkpoints.sign(), again.public, "mill")
    assert farm.witnesses(again, again.asks(0)).status == OK
    assert size_of(farm.witness.latest(again.public)) == 9
    assert farm.checkpoints.evidence() == []
    again.database.close()


# Contradictions


def test_two_roots_of_one_size_are_kept_whoever_brings_the_second(farm, mill):
    mill.write(9)
    farm.witnesses(mill, mill.asks(0))
    held = farm.witness.latest(mill.public)
    assert farm.witnesses(mill, FORKED.asks(9), own=False).status == 409
    ((origin, earlier, later),) = farm.checkpoints.evidence()
    assert (origin, earlier, later) == (mill.origin, held, FORKED.note())
    assert is_conclusive(earlier, later)
    assert farm.events() == [("contradicted", "mill", "")]


def test_proof_that_fails_is_kept_only_where_the_log_itself_brought_it(farm, mill):
    mill.write(5)
    farm.witnesses(mill, mill.asks(0))
    mill.write(4)
    spoilt = AddCheckpoint(5, (bytes(32),) * 4, mill.checkpoints.sign())
    assert farm.witnesses(mill, spoilt, own=False).status == 422
    assert (farm.checkpoints.evidence(), farm.events()) == ([], [])
    assert farm.witnesses(mill, spoilt, own=True).status == 422
    ((_, earlier, later),) = farm.checkpoints.evidence()
    assert not is_conclusive(earlier, later)
    assert farm.events() == [("contradicted", "mill", "unproven")]
    assert farm.witnesses(mill, mill.asks(5)).status == OK


def test_empty_log_with_entries_in_its_root_convicts_itself(farm, mill):
    lie = sign_checkpoint(Checkpoint(mill.origin, 0, bytes(32)), mill.key)
    assert farm.witnesses(mill, AddCheckpoint(0, (), lie)).status == 422
    assert farm.checkpoints.evidence() == [(mill.origin, lie, lie)]
    assert is_conclusive(lie, lie)
    honest = mill.checkpoints.sign()
    assert not is_conclusive(honest, honest)


def test_evidence_of_one_pair_is_kept_once_however_it_was_cosigned(farm, mill):
    mill.write(9)
    farm.witnesses(mill, mill.asks(0))
    for now_s in range(3):
        cosigned = cosign(FORKED.checkpoint(), farm.origin, farm.key, now_s=now_s)
        note = add_signatures(FORKED.note(), [cosigned])
        farm.witnesses(mill, AddCheckpoint(9, (), note))
        farm.checkpoints.take(mill.checkpoints.latest(), mill.public, "mill")
        with pytest.raises(AuditError, match="signed two different logs"):
            farm.checkpoints.take(note, mill.public, "mill")
    assert len(farm.checkpoints.evidence()) == 1
    assert len(farm.events()) == 1


def test_evidence_of_one_log_stops_at_its_limit(farm, mill):
    mill.write(9)
    farm.witnesses(mill, mill.asks(0))
    for number in range(MAX_EVIDENCE + 5):
        note = sign_checkpoint(Checkpoint(mill.origin, 9, bytes([number]) * 32), mill.key)
        assert farm.witnesses(mill, AddCheckpoint(9, (), note)).status == 409
    assert len(farm.checkpoints.evidence()) == MAX_EVIDENCE
    assert len(farm.events()) == MAX_EVIDENCE


# The own log


def cosigned_by(member: str, checkpoint: Checkpoint, now_s: int = NOW_S) -> NoteSignature:
    log = MemoryLog(member, 0)
    return cosign(checkpoint, log.origin, log.key, now_s=now_s)


def test_cosignatures_from_two_rounds_are_kept_together_the_latest_of_each(mill):
    mill.write(2)
    note = mill.checkpoints.sign()
    checkpoint = parse_checkpoint(note.text)
    # Two processes of one node, each of which began from the bare note.
    mill.checkpoints.add_cosigned(add_signatures(note, [cosigned_by("farm", checkpoint)]))
    mill.checkpoints.add_cosigned(add_signatures(note, [cosigned_by("port", checkpoint)]))
    mill.checkpoints.add_cosigned(add_signatures(note, [cosigned_by("farm", checkpoint, NOW_S + 60)]))
    kept = mill.checkpoints.latest()
    assert [each.name.rpartition("/")[2] for each in kept.signatures] == ["mill", "farm", "port"]
    assert kept.signatures[1] == cosigned_by("farm", checkpoint, NOW_S + 60)


def test_cosignatures_beyond_what_a_note_holds_are_left_out(mill):
    mill.write()
    note = mill.checkpoints.sign()
    checkpoint = parse_checkpoint(note.text)
    for number in range(MAX_SIGNATURES + 3):
        one = cosigned_by(f"member-{number}", checkpoint)
        mill.checkpoints.add_cosigned(add_signatures(note, [one]))
    kept = mill.checkpoints.latest()
    assert len(kept.signatures) == MAX_SIGNATURES
    assert kept.signatures[0] == note.signatures[0]


def test_cosignatures_of_what_was_never_signed_are_not_kept(mill):
    mill.write(9)
    mill.checkpoints.sign()
    mill.checkpoints.add_cosigned(FORKED.note())
    assert FORKED.note() not in mill.checkpoints.all()


def test_newest_checkpoints_come_newest_first(mill):
    for _ in range(4):
        mill.write()
        mill.checkpoints.sign()
    assert [size_of(note) for note in mill.checkpoints.newest(3)] == [4, 3, 2]


def test_log_that_is_shorter_than_its_checkpoint_says_how_many_entries_are_missing(mill, tmp_path):
    mill.write(9)
    note = mill.checkpoints.sign()
    short = StoredMember(tmp_path / "short", "mill")
    short.write(4)
    with pytest.raises(AuditError) as caught:
        short.checkpoints.require_covers(note)
    short.database.close()
    assert caught.value.full_code == "audit.truncated"
    assert "it has 4 entries and had 9: at least 5 are missing" in caught.value.detail
    assert "symbolon coalition invite mill --again" in (caught.value.hint or "")


def test_log_that_another_process_signs_meanwhile_is_whole(mill, monkeypatch):
    mill.write(3)
    mill.checkpoints.sign()
    serving = StoredMember(mill.folder, "mill")
    read = mill.checkpoints._filed

    def filed() -> object:
        serving.write(2)
        serving.checkpoints.sign()
        return read()

    monkeypatch.setattr(mill.checkpoints, "_filed", filed)
    mill.checkpoints.require_whole()
    serving.database.close()


def test_log_that_went_on_otherwise_does_not_cover_its_checkpoint(mill):
    mill.write(12)
    with pytest.raises(AuditError, match="its first 9 entries are not what they were"):
        mill.checkpoints.require_covers(FORKED.note())


def test_node_that_was_admitted_again_is_not_held_to_what_its_former_key_signed(mill):
    mill.write(9)
    lost = mill.checkpoints.sign()
    mill.database.close()
    (mill.folder / "node.db").unlink()
    mill.open()
    mill.write(2)
    with pytest.raises(AuditError):
        mill.checkpoints.require_whole()
    mill.key = StoredMember(mill.folder.parent / "other", "other").key
    mill.checkpoints.require_whole()
    assert size_of(mill.checkpoints.sign()) == 2
    with pytest.raises(AuditError) as caught:
        mill.checkpoints.require_covers(lost)
    assert caught.value.full_code == "audit.note.unsigned"


def test_node_that_was_admitted_again_signs_its_old_entries_anew(mill):
    mill.write(3)
    before = mill.checkpoints.sign()
    mill.key = StoredMember(mill.folder.parent / "other", "other").key
    after = mill.checkpoints.sign()
    assert (after.text, after.signatures != before.signatures) == (before.text, True)
    assert mill.checkpoints.latest() == after
    assert mill.checkpoints.newest(5) == [after]
