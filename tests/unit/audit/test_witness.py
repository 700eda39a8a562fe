"""The witness: each status, what it holds afterwards, and how its answer is read."""

from dataclasses import replace

import pytest

from memory_log import NOW_S, MemoryLog, MemoryWitness
from symbolon.audit.checkpoint import Checkpoint, sign_checkpoint, verify_checkpoint
from symbolon.audit.cosignature import verify_cosigned
from symbolon.audit.merkle import EMPTY_ROOT
from symbolon.audit.signed_note import SignedNote, add_signatures, encode_note
from symbolon.audit.witness import (
    MAX_ANSWER_BYTES,
    MAX_PROOF_HASHES,
    MAX_REQUEST_BYTES,
    SIZE_CONTENT_TYPE,
    AddCheckpoint,
    Cosigned,
    Decision,
    HoldsOtherSize,
    Refused,
    add_checkpoint_body,
    parse_add_checkpoint,
    read_answer,
)
from symbolon.errors import AuditError

LOG = MemoryLog("mill", 20)
ROOT = "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I="


@pytest.fixture
def witness() -> MemoryWitness:
    return MemoryWitness("farm", LOG.public)


@pytest.fixture
def at_7(witness: MemoryWitness) -> MemoryWitness:
    assert witness.takes(LOG.asks(0, 7)).status == 200
    return witness


def answer(decision: Decision, witness: MemoryWitness, size: int) -> Cosigned | HoldsOtherSize | Refused:
    return read_answer(decision.status, decision.body, LOG.note(size), witness.public)


def test_decide_of_a_first_checkpoint_cosigns_it(witness):
    decision = witness.takes(LOG.asks(0, 7))
    assert (decision.status, decision.contradiction) == (200, None)
    assert (witness.state.size, witness.state.root) == (7, LOG.checkpoint(7).root)
    found = verify_cosigned(witness.held, LOG.public, [witness.public])
    assert found.checkpoint == LOG.checkpoint(7)
    assert [(each.witness, each.timestamp_s) for each in found.cosignatures] == [(witness.name, NOW_S)]
    cosigned = answer(decision, witness, 7)
    assert isinstance(cosigned, Cosigned)
    assert cosigned.timestamp_s == NOW_S
    assert add_signatures(LOG.note(7), [cosigned.signature]) == witness.held


def test_decide_of_a_checkpoint_that_continues_cosigns_it(at_7):
    assert at_7.takes(LOG.asks(7, 20)).status == 200
    assert (at_7.state.size, at_7.state.root) == (20, LOG.checkpoint().root)


def test_decide_of_the_checkpoint_that_is_held_cosigns_it_again(at_7):
    assert at_7.takes(LOG.asks(7, 7), now_s=NOW_S + 60).status == 200
    assert verify_cosigned(at_7.held, LOG.public, [at_7.public]).cosignatures[0].timestamp_s == NOW_S + 60


def test_decide_of_the_empty_log_cosigns_it_and_what_follows(witness):
    assert witness.takes(LOG.asks(0, 0)).status == 200
    assert witness.state.size == 0
    assert witness.takes(LOG.asks(0, 0)).status == 200
    assert witness.takes(LOG.asks(0, 7)).status == 200


def test_decide_of_an_unknown_log_is_404():
    nobody = MemoryWitness("farm", None)
    assert nobody.decide(LOG.asks(0, 7)) == Decision(404)


def test_decide_with_the_key_of_another_log_is_404():
    other = MemoryWitness("farm", MemoryLog("port", 0).public)
    assert other.decide(LOG.asks(0, 7)) == Decision(404)


def test_decide_without_a_signature_of_the_log_is_403(witness):
    forged = sign_checkpoint(LOG.checkpoint(7), witness.key)
    assert witness.decide(AddCheckpoint(0, (), forged)) == Decision(403)


def test_decide_of_an_old_size_above_the_new_one_is_400(at_7):
    assert at_7.decide(LOG.asks(7, 6)) == Decision(400)


@pytest.mark.parametrize(("old", "size"), [(0, 7), (0, 20), (6, 7), (6, 20), (8, 20), (3, 5)])
def test_decide_from_another_size_than_is_held_is_409_and_says_it(at_7, old, size):
    decision = at_7.decide(LOG.asks(old, size))
    assert decision == Decision(409, b"7\n")
    assert decision.content_type == SIZE_CONTENT_TYPE
    assert answer(decision, at_7, size) == HoldsOtherSize(7)


def test_decide_from_a_size_where_nothing_is_held_is_409_and_says_0(witness):
    assert witness.decide(LOG.asks(5, 7)) == Decision(409, b"0\n")


def test_decide_of_the_size_that_is_held_with_another_root_is_409_and_convicts(at_7):
    other = MemoryLog("mill", 7, branch="other", common=3)
    decision = at_7.decide(other.asks(7))
    assert (decision.status, decision.body, decision.state) == (409, b"", None)
    assert decision.content_type != SIZE_CONTENT_TYPE
    assert decision.contradiction.conclusive
    assert decision.contradiction.held == encode_note(at_7.held)
    assert decision.contradiction.shown == encode_note(other.note())
    assert answer(decision, at_7, 7) == Refused(409)


def test_decide_of_another_history_is_422_and_convicts_nobody_yet(at_7):
    other = MemoryLog("mill", 20, branch="other", common=3)
    decision = at_7.decide(other.asks(7))
    assert (decision.status, decision.body, decision.state) == (422, b"", None)
    assert not decision.contradiction.conclusive
    assert decision.contradiction.shown == encode_note(other.note())


def test_decide_of_a_proof_where_none_belongs_is_422(witness):
    assert witness.decide(replace(LOG.asks(0, 7), proof=(bytes(32),))) == Decision(422)
    witness.takes(LOG.asks(0, 7))
    assert witness.decide(replace(LOG.asks(7, 7), proof=(bytes(32),))) == Decision(422)


@pytest.mark.parametrize(
    "change", [lambda proof: proof[1:], lambda proof: (*proof, bytes(32)), lambda proof: ()]
)
def test_decide_of_a_spoilt_proof_is_422(at_7, change):
    request = LOG.asks(7, 20)
    decision = at_7.decide(replace(request, proof=change(request.proof)))
    assert (decision.status, decision.state) == (422, None)
    assert at_7.decide(request).status == 200


def test_decide_of_an_empty_log_with_another_root_is_refused_and_convicts(witness):
    note = sign_checkpoint(Checkpoint(LOG.origin, 0, bytes(32)), LOG.key)
    decision = witness.decide(AddCheckpoint(0, (), note))
    assert (decision.status, decision.contradiction.conclusive) == (422, True)
    assert decision.contradiction.held == b""
    witness.takes(LOG.asks(0, 0))
    decision = witness.decide(AddCheckpoint(0, (), note))
    assert (decision.status, decision.contradiction.conclusive) == (409, True)
    assert verify_checkpoint(witness.held, LOG.public).root == EMPTY_ROOT


def test_decide_keeps_one_signature_of_the_log_and_its_own(witness):
    other = MemoryWitness("port", LOG.public)
    assert other.takes(LOG.asks(0, 7)).status == 200
    witness.takes(replace(LOG.asks(0, 7), note=other.held))
    assert [each.name for each in witness.held.signatures] == [LOG.origin, witness.name]


def test_add_checkpoint_body_has_the_published_form():
    request = LOG.asks(7, 20)
    lines = add_checkpoint_body(request.old, request.proof, request.note).decode().split("\n")
    at = 1 + len(request.proof)
    assert lines[0] == "old 7"
    assert all(len(each) == 44 for each in lines[1:at])
    assert lines[at : at + 3] == ["", LOG.origin, "20"]


def test_parse_add_checkpoint_of_the_published_example_gives_its_parts():
    body = (
        f"old 20852014\n{ROOT}\n{ROOT}\n\nexample.com/behind-the-sofa\n20852163\n{ROOT}\n\n"
        "\N{EM DASH} example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5"
        "/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n"
    )
    request = parse_add_checkpoint(body.encode())
    assert (request.old, len(request.proof)) == (20852014, 2)
    assert request.checkpoint.origin == "example.com/behind-the-sofa"


NOTE = encode_note(LOG.note()).decode()
BROKEN = {
    "nothing": "",
    "the note alone": NOTE,
    "no old line": f"\n{NOTE}",
    "no empty line": f"old 0\n{NOTE}",
    "no space": f"old0\n\n{NOTE}",
    "two spaces": f"old  0\n\n{NOTE}",
    "space at the end": f"old 0 \n\n{NOTE}",
    "leading zero": f"old 00\n\n{NOTE}",
    "below zero": f"old -1\n\n{NOTE}",
    "above the largest size": f"old {2**63}\n\n{NOTE}",
    "carriage return": f"old 0\r\n\n{NOTE}",
    "capital": f"Old 0\n\n{NOTE}",
    "Arabic digit": f"old \N{ARABIC-INDIC DIGIT ZERO}\n\n{NOTE}",
    "short hash": f"old 0\nAAAA\n\n{NOTE}",
    "hash with unused bits set": f"old 0\n{ROOT[:-2]}J=\n\n{NOTE}",
    "hash of no base64": f"old 0\n{'!' * 44}\n\n{NOTE}",
    "space before a hash": f"old 0\n {ROOT}\n\n{NOTE}",
    "no note": "old 0\n\n",
    "two empty lines": f"old 0\n\n\n{NOTE}",
    "note is no checkpoint": f"old 0\n\ntext\n\n{LOG.note().signatures[0].line()}",
    "last newline missing": f"old 0\n\n{NOTE[:-1]}",
}


@pytest.mark.parametrize("body", BROKEN.values(), ids=BROKEN)
def test_parse_add_checkpoint_in_another_form_is_refused(body):
    with pytest.raises(AuditError):
        parse_add_checkpoint(body.encode())


def test_parse_add_checkpoint_of_63_hashes_is_read_and_of_64_refused():
    note = LOG.note()
    body = add_checkpoint_body(1, (bytes(32),) * MAX_PROOF_HASHES, note)
    assert len(parse_add_checkpoint(body).proof) == MAX_PROOF_HASHES
    with pytest.raises(AuditError) as caught:
        parse_add_checkpoint(body.replace(b"\n\n", b"\n" + b"A" * 43 + b"=\n\n", 1))
    assert caught.value.full_code == "audit.request"
    with pytest.raises(AuditError):
        add_checkpoint_body(1, (bytes(32),) * (MAX_PROOF_HASHES + 1), note)


def test_parse_add_checkpoint_that_is_too_large_is_refused_before_it_is_read():
    with pytest.raises(AuditError) as caught:
        parse_add_checkpoint(b"\xff" * (MAX_REQUEST_BYTES + 1))
    assert caught.value.full_code == "audit.request"
    assert f"more than {MAX_REQUEST_BYTES}" in caught.value.detail


@pytest.mark.parametrize("status", [400, 403, 404, 409, 422, 429, 500, 0])
def test_read_answer_of_another_status_is_a_refusal(witness, status):
    assert read_answer(status, b"", LOG.note(), witness.public) == Refused(status)


@pytest.mark.parametrize("body", [b"7", b"07\n", b"7\n\n", b"seven\n", b"\xff\n", b"9223372036854775808\n"])
def test_read_answer_with_a_size_in_another_form_is_refused(witness, body):
    with pytest.raises(AuditError):
        read_answer(409, body, LOG.note(), witness.public)


def test_read_answer_of_several_witnesses_takes_the_known_one_with_the_latest_time(witness):
    other = MemoryWitness("port", LOG.public)
    early, late = (witness.decide(LOG.asks(0), now_s).body for now_s in (5, 6))
    body = late + other.decide(LOG.asks(0)).body + early
    cosigned = read_answer(200, body, LOG.note(), witness.public)
    assert isinstance(cosigned, Cosigned)
    assert cosigned.timestamp_s == 6
    assert cosigned.signature.line().encode() == late


def test_read_answer_without_a_cosignature_of_the_witness_is_refused(witness):
    body = MemoryWitness("port", LOG.public).decide(LOG.asks(0)).body
    with pytest.raises(AuditError) as caught:
        read_answer(200, body, LOG.note(), witness.public)
    assert caught.value.full_code == "audit.note.unsigned"


@pytest.mark.parametrize("body", [b"", b"7\n", b"\xff", b"\n"])
def test_read_answer_without_signature_lines_is_refused(witness, body):
    with pytest.raises(AuditError):
        read_answer(200, body, LOG.note(), witness.public)


def test_read_answer_that_is_too_large_is_refused(witness):
    with pytest.raises(AuditError) as caught:
        read_answer(200, b"x" * (MAX_ANSWER_BYTES + 1), LOG.note(), witness.public)
    assert caught.value.full_code == "audit.answer"


def test_read_answer_to_a_note_with_many_signatures_is_read(witness):
    note = LOG.note()
    many = SignedNote(note.text, note.signatures * 64)
    body = witness.decide(LOG.asks(0)).body
    assert isinstance(read_answer(200, body, many, witness.public), Cosigned)
