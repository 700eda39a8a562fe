"""Cosignatures: which witnesses cosigned a checkpoint, and when."""

import tomllib
from dataclasses import replace
from pathlib import Path

import pytest

from memory_log import NOW_S, MemoryLog, MemoryWitness, private_key
from symbolon.audit.cosignature import (
    MAX_TIMESTAMP_S,
    Cosignature,
    WitnessKey,
    cosign,
    cosigned_at_s,
    verify_cosigned,
)
from symbolon.audit.signed_note import NoteSignature, SignedNote, add_signatures, decode_note, verify_note
from symbolon.errors import AuditError

PUBLISHED = tomllib.loads(
    (Path(__file__).parents[2] / "vectors" / "c2sp_signed_notes.toml").read_text(encoding="utf-8")
)["cosigned"]
LOG = MemoryLog("mill", 5)
FARM, PORT = MemoryWitness("farm", LOG.public), MemoryWitness("port", LOG.public)


def cosigned_by(*witnesses: MemoryWitness, now_s: int = NOW_S) -> SignedNote:
    signatures = [cosign(LOG.checkpoint(), each.name, each.key, now_s=now_s) for each in witnesses]
    return add_signatures(LOG.note(), signatures)


def test_verify_note_of_a_published_checkpoint_finds_its_witnesses_and_their_time():
    keys = [WitnessKey(each["name"], bytes.fromhex(each["public_key"])) for each in PUBLISHED["witness"]]
    found = verify_note(decode_note(PUBLISHED["note"].encode()), keys)
    assert [key for key, _ in found] == keys
    assert {cosigned_at_s(signature.signature) for _, signature in found} == {PUBLISHED["timestamp_s"]}


def test_verify_cosigned_names_the_known_witnesses_and_their_times():
    note = add_signatures(cosigned_by(PORT), cosigned_by(FARM, now_s=7).signatures)
    found = verify_cosigned(note, LOG.public, [FARM.public, PORT.public])
    assert found.checkpoint == LOG.checkpoint()
    assert found.cosignatures == (Cosignature(FARM.name, 7), Cosignature(PORT.name, NOW_S))


def test_verify_cosigned_without_witnesses_is_the_checkpoint_alone():
    assert verify_cosigned(LOG.note(), LOG.public, [FARM.public]).cosignatures == ()


def test_verify_cosigned_ignores_unknown_witnesses():
    found = verify_cosigned(cosigned_by(FARM, PORT), LOG.public, [PORT.public])
    assert [each.witness for each in found.cosignatures] == [PORT.name]


def test_verify_cosigned_counts_a_witness_that_signed_twice_once_with_the_later_time():
    for times in ((3, 9), (9, 3)):
        note = LOG.note()
        for now_s in times:
            note = add_signatures(note, [cosign(LOG.checkpoint(), FARM.name, FARM.key, now_s=now_s)])
        found = verify_cosigned(note, LOG.public, [FARM.public])
        assert found.cosignatures == (Cosignature(FARM.name, 9),)


def test_verify_cosigned_counts_a_witness_with_two_keys_once():
    newer = WitnessKey(FARM.name, PORT.public.public_key)
    note = add_signatures(cosigned_by(FARM), [cosign(LOG.checkpoint(), FARM.name, PORT.key, now_s=NOW_S + 1)])
    found = verify_cosigned(note, LOG.public, [FARM.public, newer])
    assert found.cosignatures == (Cosignature(FARM.name, NOW_S + 1),)


def test_verify_cosigned_without_the_signature_of_the_log_is_refused():
    note = SignedNote(LOG.checkpoint().text(), cosigned_by(FARM).signatures[1:])
    with pytest.raises(AuditError) as caught:
        verify_cosigned(note, LOG.public, [FARM.public])
    assert caught.value.full_code == "audit.note.unsigned"


def test_verify_cosigned_with_a_failing_cosignature_rejects_the_whole_note():
    log_line, cosignature = cosigned_by(FARM).signatures
    later = (NOW_S + 1).to_bytes(8, "big") + cosignature.signature[8:]
    note = SignedNote(LOG.checkpoint().text(), (log_line, replace(cosignature, signature=later)))
    with pytest.raises(AuditError) as caught:
        verify_cosigned(note, LOG.public, [FARM.public])
    assert caught.value.full_code == "audit.note.signature"


@pytest.mark.parametrize("now_s", [0, 1, MAX_TIMESTAMP_S])
def test_cosign_at_any_time_is_read_again(now_s):
    found = verify_cosigned(cosigned_by(FARM, now_s=now_s), LOG.public, [FARM.public])
    assert found.cosignatures == (Cosignature(FARM.name, now_s),)


@pytest.mark.parametrize("now_s", [-1, MAX_TIMESTAMP_S + 1])
def test_cosign_at_a_time_out_of_range_is_refused(now_s):
    with pytest.raises(AuditError) as caught:
        cosigned_by(FARM, now_s=now_s)
    assert caught.value.full_code == "audit.cosignature"


@pytest.mark.parametrize(
    "signature", [bytes(71), bytes(73), b"\x80" + bytes(71)], ids=["short", "long", "time above 2^63 - 1"]
)
def test_verify_cosigned_with_a_cosignature_of_another_form_is_refused(signature):
    line = NoteSignature(FARM.name, FARM.public.key_id, signature)
    with pytest.raises(AuditError) as caught:
        verify_cosigned(add_signatures(LOG.note(), [line]), LOG.public, [FARM.public])
    assert caught.value.full_code == "audit.note.signature"


def test_verify_cosigned_with_a_time_above_the_largest_is_refused_though_it_was_signed():
    now_s = MAX_TIMESTAMP_S + 1
    signature = FARM.key.sign(f"cosignature/v1\ntime {now_s}\n{LOG.checkpoint().text()}".encode())
    line = NoteSignature(FARM.name, FARM.public.key_id, now_s.to_bytes(8, "big") + signature)
    with pytest.raises(AuditError) as caught:
        verify_cosigned(add_signatures(LOG.note(), [line]), LOG.public, [FARM.public])
    assert caught.value.full_code == "audit.note.signature"


def test_cosign_with_a_name_that_is_none_is_refused():
    with pytest.raises(AuditError):
        cosign(LOG.checkpoint(), "fa rm", private_key("farm"), now_s=NOW_S)
