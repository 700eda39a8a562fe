"""Notes, checkpoints, cosignatures, add-checkpoint bodies: each value has one text, each text one value."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memory_log import MemoryLog, private_key
from symbolon.audit.checkpoint import Checkpoint, parse_checkpoint, sign_checkpoint
from symbolon.audit.cosignature import (
    MAX_TIMESTAMP_S,
    Cosignature,
    WitnessKey,
    cosign,
    verify_cosigned,
)
from symbolon.audit.merkle import MAX_SIZE
from symbolon.audit.signed_note import (
    NoteKey,
    NoteSignature,
    SignedNote,
    add_signatures,
    decode_note,
    encode_note,
)
from symbolon.audit.witness import (
    MAX_PROOF_HASHES,
    AddCheckpoint,
    add_checkpoint_body,
    parse_add_checkpoint,
)
from symbolon.errors import AuditError

LOG_KEY, WITNESS = private_key("mill"), private_key("farm")
HASHES = st.binary(min_size=32, max_size=32)
SIZES = st.integers(0, MAX_SIZE)
NAMES = st.text(
    st.characters(exclude_categories=("Cs", "Cc", "Zs", "Zl", "Zp"), exclude_characters="+"),
    min_size=1,
    max_size=80,
)
TEXTS = st.text(st.characters(exclude_categories=("Cs",), min_codepoint=32) | st.just("\n"), max_size=300)
SIGNATURES = st.builds(
    NoteSignature, NAMES, st.binary(min_size=4, max_size=4), st.binary(min_size=1, max_size=100)
)
NOTES = st.builds(
    SignedNote,
    TEXTS.map(lambda text: f"{text}\n"),
    st.lists(SIGNATURES, min_size=1, max_size=64).map(tuple),
)
CHECKPOINTS = st.builds(Checkpoint, NAMES, SIZES, HASHES)
REQUESTS = st.builds(
    AddCheckpoint,
    SIZES,
    st.lists(HASHES, max_size=MAX_PROOF_HASHES).map(tuple),
    st.builds(sign_checkpoint, CHECKPOINTS, st.just(LOG_KEY)),
)
REQUEST = MemoryLog("mill", 20).asks(7)
BODY = add_checkpoint_body(REQUEST.old, REQUEST.proof, REQUEST.note)


def spoilt(data: bytes, draw: st.DataObject) -> bytes:
    """The bytes with some replaced, put in or taken out."""
    start = draw.draw(st.integers(0, len(data)))
    end = draw.draw(st.integers(start, min(start + 3, len(data))))
    chosen = draw.draw(
        st.binary(max_size=3) | st.sampled_from([b"\n", b"\n\n", b" ", b"=", b"0", b"+", b"A"])
    )
    return data[:start] + chosen + data[end:]


@given(NOTES)
def test_note_is_read_as_it_was_written(note):
    assert decode_note(encode_note(note)) == note


@given(NOTES, st.data())
def test_note_that_is_read_is_written_as_it_was(note, data):
    changed = spoilt(encode_note(note), data)
    try:
        found = decode_note(changed)
    except AuditError:
        return
    assert encode_note(found) == changed


@given(st.binary(max_size=200))
def test_note_of_any_bytes_is_refused_or_written_as_it_was(data):
    try:
        found = decode_note(data)
    except AuditError:
        return
    assert encode_note(found) == data


@given(CHECKPOINTS)
def test_checkpoint_is_read_as_it_was_written(checkpoint):
    assert parse_checkpoint(checkpoint.text()) == checkpoint


@given(CHECKPOINTS, st.data())
def test_checkpoint_that_is_read_is_written_as_it_was(checkpoint, data):
    changed = spoilt(checkpoint.text().encode(), data).decode(errors="replace")
    try:
        found = parse_checkpoint(changed)
    except AuditError:
        return
    assert found.text() == changed


@given(CHECKPOINTS, NAMES, st.integers(0, MAX_TIMESTAMP_S))
def test_cosignature_is_read_as_it_was_written(checkpoint, name, now_s):
    signature = cosign(checkpoint, name, WITNESS, now_s=now_s)
    note = decode_note(encode_note(add_signatures(sign_checkpoint(checkpoint, LOG_KEY), [signature])))
    log = NoteKey(checkpoint.origin, LOG_KEY.public_key().public_bytes_raw())
    witness = WitnessKey(name, WITNESS.public_key().public_bytes_raw())
    found = verify_cosigned(note, log, [witness])
    assert (found.checkpoint, found.cosignatures) == (checkpoint, (Cosignature(name, now_s),))


@given(CHECKPOINTS, st.integers(0, MAX_TIMESTAMP_S), st.integers(0, 8 * 72 - 1))
def test_cosignature_with_any_bit_changed_does_not_hold(checkpoint, now_s, bit):
    signature = cosign(checkpoint, "farm", WITNESS, now_s=now_s)
    changed = bytearray(signature.signature)
    changed[bit // 8] ^= 1 << bit % 8
    with pytest.raises(AuditError) as caught:
        WitnessKey("farm", WITNESS.public_key().public_bytes_raw()).verify(checkpoint.text(), bytes(changed))
    assert caught.value.full_code == "audit.note.signature"


@given(REQUESTS)
def test_request_is_read_as_it_was_written(request):
    assert parse_add_checkpoint(add_checkpoint_body(request.old, request.proof, request.note)) == request


@given(st.data())
def test_request_that_is_read_is_written_as_it_was(data):
    changed = spoilt(BODY, data)
    try:
        found = parse_add_checkpoint(changed)
    except AuditError:
        return
    assert add_checkpoint_body(found.old, found.proof, found.note) == changed
