"""Attacks by a log that shows two histories, by whoever replays or forges checkpoints, and by floods."""

import time
from dataclasses import replace

import pytest

from memory_log import NOW_S, MemoryLog, MemoryWitness
from symbolon.audit.checkpoint import Checkpoint, parse_checkpoint, sign_checkpoint, verify_checkpoint
from symbolon.audit.cosignature import Cosignature, WitnessKey, cosign, verify_cosigned
from symbolon.audit.signed_note import (
    MAX_SIGNATURES,
    NoteKey,
    NoteSignature,
    SignedNote,
    add_signatures,
    decode_note,
    encode_note,
    sign_note,
    verify_note,
)
from symbolon.audit.witness import (
    AddCheckpoint,
    Contradiction,
    Decision,
    add_checkpoint_body,
    parse_add_checkpoint,
    read_answer,
)
from symbolon.errors import AuditError

HONEST = MemoryLog("mill", 12)
"""The history that the first witness sees."""

FORKED = MemoryLog("mill", 12, branch="other", common=4)
"""The history that the second witness sees: the same up to the fourth entry, signed by the same key."""


@pytest.fixture
def farm() -> MemoryWitness:
    return MemoryWitness("farm", HONEST.public)


@pytest.fixture
def port() -> MemoryWitness:
    return MemoryWitness("port", HONEST.public)


def assert_convicts(found: Contradiction | None) -> None:
    """Anybody can see from the two notes alone that the log signed both, of one size, with two roots."""
    assert found is not None
    assert found.conclusive
    held, shown = (verify_checkpoint(decode_note(note), HONEST.public) for note in (found.held, found.shown))
    assert held.size == shown.size
    assert held.root != shown.root


def test_split_view_shown_to_two_witnesses_is_evidence_when_either_sees_the_others_checkpoint(farm, port):
    assert farm.takes(HONEST.asks(0, 8)).status == 200
    assert port.takes(FORKED.asks(0, 8)).status == 200
    for witness, other in ((farm, port), (port, farm)):
        before = witness.state
        decision = witness.takes(AddCheckpoint(8, (), other.held))
        assert (decision.status, decision.body) == (409, b"")
        assert_convicts(decision.contradiction)
        assert witness.state == before


def test_split_view_is_evidence_whatever_old_size_it_is_shown_with(farm, port):
    farm.takes(HONEST.asks(0, 8))
    port.takes(FORKED.asks(0, 8))
    for old, status in ((0, 409), (5, 409), (9, 400)):
        decision = farm.decide(AddCheckpoint(old, (), port.held))
        assert decision.status == status
        assert_convicts(decision.contradiction)


def test_split_view_that_has_grown_is_refused_and_both_notes_kept(farm, port):
    farm.takes(HONEST.asks(0, 8))
    assert port.takes(FORKED.asks(0, 12)).status == 200
    before = farm.state
    decision = farm.takes(replace(FORKED.asks(8, 12), note=port.held))
    assert decision.status == 422
    held, shown = (
        verify_checkpoint(decode_note(note), HONEST.public)
        for note in (decision.contradiction.held, decision.contradiction.shown)
    )
    assert (held, shown) == (HONEST.checkpoint(8), FORKED.checkpoint(12))
    assert farm.state == before


def test_fork_before_what_was_cosigned_has_no_proof_that_holds(farm):
    farm.takes(HONEST.asks(0, 8))
    for proof in (FORKED.asks(8).proof, HONEST.asks(8).proof, FORKED.asks(4).proof, ()):
        assert farm.decide(AddCheckpoint(8, proof, FORKED.note())).status == 422


def test_honest_log_is_not_convicted_by_a_proof_that_somebody_spoilt(farm):
    farm.takes(HONEST.asks(0, 8))
    decision = farm.takes(replace(HONEST.asks(8), proof=(bytes(32),) * 3))
    assert decision.status == 422
    assert not decision.contradiction.conclusive
    assert farm.takes(HONEST.asks(8)).status == 200


def test_rollback_to_a_smaller_size_is_never_cosigned(farm):
    farm.takes(HONEST.asks(0, 12))
    before = farm.state
    for old in range(13):
        for size in range(12):
            assert farm.takes(HONEST.asks(old, size)).status in (400, 409)
    assert farm.state == before


def test_rollback_to_the_empty_log_is_never_cosigned(farm):
    farm.takes(HONEST.asks(0, 12))
    assert farm.decide(HONEST.asks(0, 0)) == Decision(409, b"12\n")


def test_two_requests_racing_from_one_size_are_cosigned_once(farm):
    farm.takes(HONEST.asks(0, 4))
    honest, forked = HONEST.asks(4, 8), FORKED.asks(4, 12)
    assert farm.decide(honest).status == farm.decide(forked).status == 200
    assert farm.takes(honest).status == 200
    assert farm.takes(forked) == Decision(409, b"8\n")
    assert farm.takes(honest) == Decision(409, b"8\n")


def test_race_that_would_take_the_log_back_ends_at_the_larger_size(farm):
    farm.takes(HONEST.asks(0, 4))
    assert farm.takes(HONEST.asks(4, 12)).status == 200
    assert farm.takes(HONEST.asks(4, 8)) == Decision(409, b"12\n")


@pytest.mark.parametrize(
    "other",
    [
        MemoryLog("port", 8).checkpoint(),
        HONEST.checkpoint(9),
        FORKED.checkpoint(8),
        replace(HONEST.checkpoint(8), origin="symbolon/wool/mill"),
    ],
    ids=["another log", "another size", "another root", "another coalition"],
)
def test_replayed_cosignature_of_another_checkpoint_rejects_the_note(farm, other):
    replayed = cosign(other, farm.name, farm.key, now_s=NOW_S)
    with pytest.raises(AuditError) as caught:
        verify_cosigned(add_signatures(HONEST.note(8), [replayed]), HONEST.public, [farm.public])
    assert caught.value.full_code == "audit.note.signature"
    with pytest.raises(AuditError):
        read_answer(200, replayed.line().encode(), HONEST.note(8), farm.public)


def test_replayed_cosignature_with_a_later_time_rejects_the_note(farm):
    old = cosign(HONEST.checkpoint(8), farm.name, farm.key, now_s=NOW_S)
    later = replace(old, signature=(NOW_S + 86400).to_bytes(8, "big") + old.signature[8:])
    with pytest.raises(AuditError):
        verify_cosigned(add_signatures(HONEST.note(8), [later]), HONEST.public, [farm.public])


def test_cosignature_copied_under_another_name_of_the_same_key_counts_once(farm):
    signature = cosign(HONEST.checkpoint(), farm.name, farm.key, now_s=NOW_S)
    twin = WitnessKey("symbolon/cotton/twin", farm.public.public_key)
    copied = NoteSignature(twin.name, twin.key_id, signature.signature)
    note = add_signatures(HONEST.note(), [signature, copied])
    assert verify_cosigned(note, HONEST.public, [twin, farm.public]).cosignatures == (
        Cosignature(farm.name, NOW_S),
    )


def test_log_that_cosigns_itself_is_not_a_witness():
    own = MemoryWitness("mill", HONEST.public)
    note = add_signatures(HONEST.note(), [cosign(HONEST.checkpoint(), own.name, own.key, now_s=NOW_S)])
    assert verify_cosigned(note, HONEST.public, [own.public]).cosignatures == ()


def test_log_that_cosigns_itself_under_the_name_of_a_witness_is_not_that_witness(farm):
    forged = cosign(HONEST.checkpoint(), farm.name, HONEST.key, now_s=NOW_S)
    note = add_signatures(HONEST.note(), [forged])
    assert verify_cosigned(note, HONEST.public, [farm.public]).cosignatures == ()


def test_witness_key_used_as_log_key_signs_no_log(farm):
    note = sign_note(HONEST.checkpoint(8).text(), HONEST.origin, farm.key)
    assert farm.decide(AddCheckpoint(0, (), note)) == Decision(403)
    own_log = sign_note(HONEST.checkpoint(8).text(), farm.name, farm.key)
    assert farm.decide(AddCheckpoint(0, (), own_log)) == Decision(403)


def test_cosignature_passed_off_as_the_signature_of_a_log_of_the_same_key_rejects_the_note(farm):
    checkpoint = Checkpoint(farm.name, 8, HONEST.checkpoint(8).root)
    log = NoteKey(farm.name, farm.public.public_key)
    cosignature = cosign(checkpoint, farm.name, farm.key, now_s=NOW_S)
    for signature in (cosignature.signature, cosignature.signature[8:]):
        note = SignedNote(checkpoint.text(), (NoteSignature(log.name, log.key_id, signature),))
        with pytest.raises(AuditError) as caught:
            verify_checkpoint(note, log)
        assert caught.value.full_code == "audit.note.signature"


def test_log_signature_passed_off_as_a_cosignature_of_the_same_key_rejects_the_note(port):
    own = WitnessKey(HONEST.origin, HONEST.public.public_key)
    signed = HONEST.note(8).signatures[0].signature
    for signature in (bytes(8) + signed, NOW_S.to_bytes(8, "big") + signed):
        note = SignedNote(HONEST.note(8).text, (NoteSignature(own.name, own.key_id, signature),))
        with pytest.raises(AuditError):
            verify_note(note, [own])


def test_checkpoint_that_reads_as_the_message_of_a_cosignature_cannot_be_made():
    # Else the key of a log would sign it, and be a witness of another log.
    message = f"cosignature/v1\ntime {NOW_S}\n{MemoryLog('port', 8).checkpoint().text()}"
    with pytest.raises(AuditError):
        parse_checkpoint(message)
    with pytest.raises(AuditError):
        Checkpoint(f"cosignature/v1\ntime {NOW_S}\nsymbolon/cotton/port", 8, bytes(32))
    assert not message.startswith(Checkpoint("cosignature/v1", 8, bytes(32)).text()[:16])


def test_forged_first_signature_before_a_valid_second_rejects_the_note(farm):
    valid = HONEST.note(8).signatures[0]
    forged = replace(valid, signature=bytes(64))
    for signatures in ((forged, valid), (valid, forged)):
        note = SignedNote(HONEST.note(8).text, signatures)
        with pytest.raises(AuditError) as caught:
            verify_checkpoint(note, HONEST.public)
        assert caught.value.full_code == "audit.note.signature"
        assert farm.decide(AddCheckpoint(0, (), note)) == Decision(403)


@pytest.mark.parametrize(
    "name",
    [
        "symbolon/cotton/m\N{CYRILLIC SMALL LETTER BYELORUSSIAN-UKRAINIAN I}ll",
        "symbolon/cotton/mi\N{ZERO WIDTH JOINER}ll",
        "symbolon/cotton/mill\N{COMBINING DOT BELOW}",
        "symbolon/cotton/mill\N{HANGUL FILLER}",
        "symbolon/cotton/\N{FULLWIDTH LATIN SMALL LETTER M}ill",
        "symbolon\N{DIVISION SLASH}cotton/mill",
        "Symbolon/cotton/mill",
    ],
    ids=ascii,
)
def test_name_that_looks_like_that_of_a_log_is_another_one(farm, name):
    assert name != HONEST.origin
    lookalike = sign_checkpoint(replace(HONEST.checkpoint(8), origin=name), HONEST.key)
    assert farm.decide(AddCheckpoint(0, (), lookalike)) == Decision(404)
    under_its_name = sign_note(HONEST.checkpoint(8).text(), name, HONEST.key)
    assert farm.decide(AddCheckpoint(0, (), under_its_name)) == Decision(403)


def test_name_with_a_space_that_cannot_be_seen_is_refused():
    text = HONEST.checkpoint(8).text().replace(HONEST.origin, f"{HONEST.origin}\N{NO-BREAK SPACE}")
    with pytest.raises(AuditError):
        AddCheckpoint(0, (), sign_note(text, HONEST.origin, HONEST.key))
    with pytest.raises(AuditError):
        sign_note(text, f"{HONEST.origin}\N{NO-BREAK SPACE}", HONEST.key)


def test_second_checkpoint_hidden_beneath_the_first_is_refused():
    first, second = HONEST.note(8), FORKED.note(8)
    for text in (f"{first.text}{second.text}", f"{first.text}\n{second.text}"):
        with pytest.raises(AuditError):
            verify_checkpoint(sign_note(text, HONEST.origin, HONEST.key), HONEST.public)
    both = decode_note(encode_note(first) + b"\n" + encode_note(second))
    with pytest.raises(AuditError):
        verify_checkpoint(both, HONEST.public)


def test_flood_of_signatures_of_the_log_itself_leaves_a_small_state(farm):
    valid = HONEST.note(8).signatures[0]
    note = SignedNote(HONEST.note(8).text, (valid,) * MAX_SIGNATURES)
    assert farm.takes(AddCheckpoint(0, (), note)).status == 200
    assert len(farm.held.signatures) == 2


@pytest.mark.parametrize("filler", [b"x", b"\n", b"\xff"])
def test_note_of_10_mb_is_refused_before_it_is_read(farm, filler):
    flood = filler * 10_000_000 + encode_note(HONEST.note())

    def read_flood(body: bytes) -> object:
        return read_answer(200, body, HONEST.note(), farm.public)

    for read in (decode_note, parse_add_checkpoint, read_flood):
        began = time.process_time()
        with pytest.raises(AuditError):
            read(flood)
        assert time.process_time() - began < 0.05


def test_request_of_64_proof_lines_is_refused(farm):
    request = replace(HONEST.asks(8), proof=(bytes(32),) * 63)
    body = add_checkpoint_body(request.old, request.proof, request.note)
    assert farm.decide(parse_add_checkpoint(body)).status == 409
    line = b"A" * 43 + b"=\n"
    with pytest.raises(AuditError) as caught:
        parse_add_checkpoint(body.replace(line, line * 2, 1))
    assert caught.value.full_code == "audit.request"
