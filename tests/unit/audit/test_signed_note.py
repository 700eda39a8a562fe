"""Signed notes: what is read, what is refused, and whose signature counts."""

import tomllib
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from memory_log import private_key
from symbolon.audit.signed_note import (
    MAX_NOTE_BYTES,
    MAX_SIGNATURES,
    NoteKey,
    NoteSignature,
    SignedNote,
    add_signatures,
    decode_base64,
    decode_note,
    encode_base64,
    encode_note,
    sign_note,
    verify_note,
)
from symbolon.errors import AuditError

PUBLISHED = tomllib.loads(
    (Path(__file__).parents[2] / "vectors" / "c2sp_signed_notes.toml").read_text(encoding="utf-8")
)["ed25519"]
KEY = private_key("mill")
TEXT = "a text\n"
NOTE = sign_note(TEXT, "mill", KEY)
LINE = NOTE.signatures[0].line()


def public(name: str, key: Ed25519PrivateKey) -> NoteKey:
    return NoteKey(name, key.public_key().public_bytes_raw())


def unknown(number: int) -> NoteSignature:
    return NoteSignature(f"unknown{number}", number.to_bytes(4, "big"), bytes(64))


def published_bytes() -> bytes:
    return f"{PUBLISHED['text']}\n{PUBLISHED['signature_line']}\n".encode()


def test_sign_note_with_the_published_key_gives_the_published_note():
    key = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(PUBLISHED["private_key"]))
    assert encode_note(sign_note(PUBLISHED["text"], PUBLISHED["name"], key)) == published_bytes()


def test_verify_note_of_the_published_note_names_its_key():
    key = NoteKey(PUBLISHED["name"], bytes.fromhex(PUBLISHED["public_key"]))
    note = decode_note(published_bytes())
    assert note.text == PUBLISHED["text"]
    assert verify_note(note, [key]) == ((key, note.signatures[0]),)


def test_verify_note_ignores_signatures_of_unknown_keys():
    signed = NOTE.signatures[0]
    same_name = replace(signed, key_id=bytes(4), signature=bytes(64))
    same_id = replace(signed, name="farm", signature=bytes(64))
    note = SignedNote(TEXT, (unknown(1), same_name, same_id, signed, unknown(2)))
    key = public("mill", KEY)
    assert verify_note(note, [public("farm", KEY), key]) == ((key, signed),)


@pytest.mark.parametrize("keys", [[], [public("farm", KEY)], [public("mill", private_key("farm"))]])
def test_verify_note_without_a_known_key_is_refused(keys):
    with pytest.raises(AuditError) as caught:
        verify_note(NOTE, keys)
    assert caught.value.full_code == "audit.note.unsigned"


@pytest.mark.parametrize("at", [0, 1])
def test_verify_note_with_one_failing_signature_of_a_known_key_rejects_the_whole_note(at):
    good = NOTE.signatures[0]
    signatures = [good]
    signatures.insert(at, replace(good, signature=bytes(64)))
    with pytest.raises(AuditError) as caught:
        verify_note(SignedNote(TEXT, tuple(signatures)), [public("mill", KEY)])
    assert caught.value.full_code == "audit.note.signature"


@pytest.mark.parametrize("signature", [b"\0", bytes(63), bytes(65), NOTE.signatures[0].signature + b"\0"])
def test_verify_note_with_a_signature_of_another_length_is_refused(signature):
    note = SignedNote(TEXT, (replace(NOTE.signatures[0], signature=signature),))
    with pytest.raises(AuditError) as caught:
        verify_note(note, [public("mill", KEY)])
    assert caught.value.full_code == "audit.note.signature"


def test_verify_note_with_another_text_is_refused():
    with pytest.raises(AuditError):
        verify_note(SignedNote("another text\n", NOTE.signatures), [public("mill", KEY)])


def test_verify_note_with_two_known_keys_of_one_id_is_refused():
    class Twin:
        name, key_id = "mill", public("mill", KEY).key_id

        def verify(self, text: str, signature: bytes) -> None:
            pass

    with pytest.raises(AuditError) as caught:
        verify_note(NOTE, [public("mill", KEY), Twin()])
    assert caught.value.full_code == "audit.note.keys"
    assert len(verify_note(NOTE, [public("mill", KEY)] * 2)) == 1


def test_decode_note_divides_at_the_last_empty_line():
    text = "\nfirst\n\n\nlast\n\n"
    note = sign_note(text, "mill", KEY)
    assert decode_note(encode_note(note)) == note


@pytest.mark.parametrize("count", [1, 16, MAX_SIGNATURES])
def test_decode_note_with_so_many_signatures_is_read(count):
    note = SignedNote(TEXT, tuple(unknown(each) for each in range(count)))
    assert decode_note(encode_note(note)) == note


def test_decode_note_with_sixteen_signatures_of_the_largest_kind_is_read():
    large = tuple(replace(unknown(each), signature=bytes(4999)) for each in range(16))
    assert decode_note(encode_note(SignedNote(TEXT, large))).signatures == large


def test_decode_note_with_more_signatures_is_refused():
    lines = "".join(unknown(each).line() for each in range(MAX_SIGNATURES + 1))
    with pytest.raises(AuditError) as caught:
        decode_note(f"{TEXT}\n{lines}".encode())
    assert caught.value.full_code == "audit.note"
    with pytest.raises(AuditError):
        SignedNote(TEXT, tuple(unknown(each) for each in range(MAX_SIGNATURES + 1)))


def test_note_of_the_largest_size_is_read_and_of_one_byte_more_refused():
    room = MAX_NOTE_BYTES - len(encode_note(NOTE))
    note = sign_note(f"{'x' * room}{TEXT}", "mill", KEY)
    assert decode_note(encode_note(note)) == note
    with pytest.raises(AuditError) as caught:
        decode_note(b"x" + encode_note(note))
    assert caught.value.full_code == "audit.note.size"
    with pytest.raises(AuditError) as caught:
        sign_note(f"{'x' * room}x{TEXT}", "mill", KEY)
    assert caught.value.full_code == "audit.note.size"


BROKEN = {
    "nothing": "",
    "text alone": TEXT,
    "no signature": f"{TEXT}\n",
    "no text": LINE,
    "no empty line": f"{TEXT}{LINE}",
    "last newline missing": f"{TEXT}\n{LINE[:-1]}",
    "line beneath": f"{TEXT}\n{LINE}more\n",
    "empty line at the end": f"{TEXT}\n{LINE}\n",
    "carriage return": f"{TEXT}\n{LINE[:-1]}\r\n",
    "tab in the text": f"a\ttext\n\n{LINE}",
    "zero byte in the text": f"a\0text\n\n{LINE}",
    "unit separator in the text": f"a\x1ftext\n\n{LINE}",
    "hyphen instead of a dash": f"{TEXT}\n{LINE.replace(chr(0x2014), '-')}",
    "en dash": f"{TEXT}\n{LINE.replace(chr(0x2014), chr(0x2013))}",
    "no space after the dash": f"{TEXT}\n{LINE.replace(' ', '', 1)}",
    "two spaces": f"{TEXT}\n{LINE.replace('mill ', 'mill  ')}",
    "space at the end": f"{TEXT}\n{LINE[:-1]} \n",
    "no name": f"{TEXT}\n{LINE.replace('mill', '')}",
    "no signature after the name": f"{TEXT}\n\N{EM DASH} mill\n",
    "empty signature": f"{TEXT}\n\N{EM DASH} mill \n",
    "key id alone": f"{TEXT}\n\N{EM DASH} mill AAAAAA==\n",
    "short key id": f"{TEXT}\n\N{EM DASH} mill AAAA\n",
    "plus in the name": f"{TEXT}\n{LINE.replace('mill', 'mi+ll')}",
    "tab in the name": f"{TEXT}\n{LINE.replace('mill', 'mi' + chr(9) + 'll')}",
    "control character in the name": f"{TEXT}\n{LINE.replace('mill', 'mi' + chr(1) + 'll')}",
    "no-break space in the name": f"{TEXT}\n{LINE.replace('mill', 'mi' + chr(0xA0) + 'll')}",
    "line separator in the name": f"{TEXT}\n{LINE.replace('mill', 'mi' + chr(0x2028) + 'll')}",
    "next line in the name": f"{TEXT}\n{LINE.replace('mill', 'mi' + chr(0x85) + 'll')}",
    "ideographic space in the name": f"{TEXT}\n{LINE.replace('mill', 'mi' + chr(0x3000) + 'll')}",
    "padding missing": f"{TEXT}\n\N{EM DASH} mill AAAAAAA\n",
    "unused bits set": f"{TEXT}\n\N{EM DASH} mill AAAAAAB=\n",
    "URL alphabet": f"{TEXT}\n\N{EM DASH} mill AAAAAA-_\n",
    "base64 of two parts": f"{TEXT}\n\N{EM DASH} mill AAAAAA==AAAA\n",
    "no base64": f"{TEXT}\n\N{EM DASH} mill AA!AAAAA\n",
    "base64 not ASCII": f"{TEXT}\n\N{EM DASH} mill AAAAAAAé\n",
}


@pytest.mark.parametrize("note", BROKEN.values(), ids=BROKEN)
def test_decode_note_in_another_form_is_refused(note):
    with pytest.raises(AuditError) as caught:
        decode_note(note.encode())
    assert caught.value.full_code == "audit.note"


@pytest.mark.parametrize(
    "spoilt", [b"\xff", b"\xed\xa0\x80", b"\xc0\x80"], ids=["FF", "surrogate", "overlong"]
)
def test_decode_note_that_is_not_utf8_is_refused(spoilt):
    with pytest.raises(AuditError) as caught:
        decode_note(spoilt + encode_note(NOTE))
    assert caught.value.full_code == "audit.note"


@pytest.mark.parametrize(
    "make",
    [
        lambda: SignedNote("no newline", NOTE.signatures),
        lambda: SignedNote("", NOTE.signatures),
        lambda: SignedNote("\ud800\n", NOTE.signatures),
        lambda: SignedNote(TEXT, ()),
        lambda: NoteSignature("mi\ud800ll", bytes(4), bytes(64)),
        lambda: NoteSignature("mill", bytes(5), bytes(64)),
        lambda: NoteKey("mill", bytes(31)),
        lambda: NoteKey("mi ll", bytes(32)),
        lambda: sign_note(TEXT, "mi\nll", KEY),
    ],
)
def test_note_that_could_not_be_read_again_is_not_made(make):
    with pytest.raises(AuditError) as caught:
        make()
    assert caught.value.full_code == "audit.note"


def test_add_signatures_keeps_order_and_adds_none_twice():
    first, second = unknown(1), unknown(2)
    note = add_signatures(NOTE, [first, NOTE.signatures[0], second, first])
    assert note == SignedNote(TEXT, (NOTE.signatures[0], first, second))


def test_base64_of_any_length_is_read_again():
    for length in range(8):
        assert decode_base64(encode_base64(bytes(range(length)))) == bytes(range(length))
