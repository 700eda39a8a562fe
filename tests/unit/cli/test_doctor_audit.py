"""What `symbolon doctor` says of the audit log."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from coalition_members import ACME, BIRCH, CEDAR, coalition, member, signing_key
from memory_log import COALITION, NOW_S, MemoryLog
from stored_witness import StoredMember
from symbolon.audit.checkpoint import Checkpoint, log_origin, parse_checkpoint, sign_checkpoint
from symbolon.audit.cosignature import cosign
from symbolon.audit.signed_note import add_signatures
from symbolon.audit.witness import AddCheckpoint
from symbolon.cli.doctor_audit import YOUNG_S, look_at_audit
from symbolon.errors import AuditError
from symbolon.membership.member import MemberId
from symbolon.membership.member_record import Members
from symbolon.rpc.diagnosis_finding import Finding, State

THREE = coalition(member(ACME), member(BIRCH), member(CEDAR), coalition=COALITION)


@pytest.fixture
def acme(tmp_path: Path) -> Iterator[StoredMember]:
    made = StoredMember(tmp_path / "acme", ACME)
    yield made
    made.database.close()


def look(node: StoredMember, members: Members = THREE, later_s: float = YOUNG_S) -> Finding:
    (found,) = look_at_audit(node.log, node.checkpoints, members, node.member, NOW_S + later_s)
    return found


def have_cosigned(node: StoredMember, *by: MemberId) -> None:
    note = node.checkpoints.sign()
    for each in by:
        name = log_origin(COALITION, each)
        line = cosign(parse_checkpoint(note.text), name, signing_key(each), now_s=NOW_S)
        node.checkpoints.add_cosigned(add_signatures(note, [line]))


def test_doctor_of_a_log_that_was_never_shown_finds_nothing_wrong(acme):
    assert (look(acme).state, look(acme).said) == (State.OK, "0 entries, whole")
    acme.write(2)
    assert (look(acme).state, look(acme).said) == (State.OK, "2 entries, whole")


def test_doctor_of_a_log_that_a_majority_cosigned_of_late_counts_the_newest(acme):
    acme.write(1200)
    have_cosigned(acme, BIRCH, CEDAR)
    assert look(acme).said == (
        "1,200 entries, whole; the newest checkpoint, of 1,200, has been cosigned by 2 of 2 others"
    )
    # A session has just ended: nobody has been asked yet.
    acme.write()
    have_cosigned(acme)
    assert (look(acme).state, "cosigned by 0 of 2 others" in look(acme).said) == (State.OK, True)


def test_doctor_of_a_log_that_no_majority_cosigned_warns(acme):
    acme.write()
    have_cosigned(acme, BIRCH)
    found = look(acme)
    assert (found.state, found.code) == (State.WARN, "audit.alone")
    assert "`symbolon audit witness`" in found.hint
    assert look(acme, coalition(member(ACME), coalition=COALITION)).state == State.OK
    # Who has just joined is given time.
    assert look(acme, later_s=YOUNG_S - 1).state == State.OK


def test_doctor_that_holds_a_contradiction_names_the_member(acme):
    acme.write()
    have_cosigned(acme, BIRCH, CEDAR)
    mill = MemoryLog("mill", 4)
    lie = sign_checkpoint(Checkpoint(mill.origin, 0, bytes(32)), mill.key)
    acme.witness.decide(AddCheckpoint(0, (), lie), mill.public, "mill", own=True)
    found = look(acme)
    assert (found.state, found.code) == (State.WARN, "audit.contradiction")
    assert "the log of mill contradicts itself" in found.said


def test_doctor_of_a_log_that_was_put_back_fails(acme):
    acme.write(3)
    acme.checkpoints.sign()
    acme.database.close()
    (acme.folder / "node.db").unlink()
    acme.open()
    with pytest.raises(AuditError, match="at least 3 are missing"):
        look(acme)
