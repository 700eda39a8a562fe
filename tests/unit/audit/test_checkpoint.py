"""Checkpoints: their one text, and the log that signed them."""

import pytest

from memory_log import COALITION, MemoryLog, private_key
from symbolon.audit.checkpoint import (
    Checkpoint,
    log_origin,
    parse_checkpoint,
    sign_checkpoint,
    verify_checkpoint,
)
from symbolon.audit.merkle import MAX_SIZE
from symbolon.audit.signed_note import NoteKey, decode_note, encode_note, sign_note
from symbolon.errors import AuditError, MembershipError
from symbolon.membership.member import CoalitionId, MemberId

LOG = MemoryLog("mill", 5)
ROOT = "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I="
PUBLISHED = f"example.com/behind-the-sofa\n20852163\n{ROOT}\n"


def test_parse_checkpoint_of_the_published_example_gives_its_parts():
    checkpoint = parse_checkpoint(PUBLISHED)
    assert (checkpoint.origin, checkpoint.size) == ("example.com/behind-the-sofa", 20852163)
    assert checkpoint.root.hex() == "0ac5186a91863e8e1d90c808014aa89bf5da8e3ee1d9f07630f0378f68f1ab62"
    assert checkpoint.text() == PUBLISHED


BROKEN = {
    "nothing": "",
    "two lines": "mill\n5\n",
    "no last newline": f"mill\n5\n{ROOT}",
    "extension line": f"mill\n5\n{ROOT}\nmore\n",
    "empty extension line": f"mill\n5\n{ROOT}\n\n",
    "leading zero": f"mill\n05\n{ROOT}\n",
    "two zeroes": f"mill\n00\n{ROOT}\n",
    "no size": f"mill\n\n{ROOT}\n",
    "sign": f"mill\n+5\n{ROOT}\n",
    "below zero": f"mill\n-5\n{ROOT}\n",
    "space before the size": f"mill\n 5\n{ROOT}\n",
    "hexadecimal": f"mill\n0x5\n{ROOT}\n",
    "underscore": f"mill\n1_0\n{ROOT}\n",
    "Arabic digit": f"mill\n\N{ARABIC-INDIC DIGIT FIVE}\n{ROOT}\n",
    "one too large": f"mill\n{MAX_SIZE + 1}\n{ROOT}\n",
    "a thousand digits": f"mill\n{'9' * 1000}\n{ROOT}\n",
    "root of 31 bytes": f"mill\n5\n{ROOT[:-4]}Yg==\n",
    "root of 33 bytes": f"mill\n5\n{ROOT[:-1]}AA\n",
    "root with unused bits set": f"mill\n5\n{ROOT[:-2]}J=\n",
    "root without padding": f"mill\n5\n{ROOT[:-1]}\n",
    "root in the URL alphabet": f"mill\n5\n{ROOT.replace('/', '_')}\n",
    "no root": "mill\n5\n\n",
    "no origin": f"\n5\n{ROOT}\n",
    "space in the origin": f"mi ll\n5\n{ROOT}\n",
    "plus in the origin": f"mi+ll\n5\n{ROOT}\n",
}


@pytest.mark.parametrize("text", BROKEN.values(), ids=BROKEN)
def test_parse_checkpoint_in_another_form_is_refused(text):
    with pytest.raises(AuditError) as caught:
        parse_checkpoint(text)
    assert caught.value.full_code in ("audit.checkpoint", "audit.note")


@pytest.mark.parametrize("size", [0, 1, 9, 10, MAX_SIZE])
def test_checkpoint_of_any_size_is_read_again(size):
    checkpoint = Checkpoint("mill", size, bytes(32))
    assert parse_checkpoint(checkpoint.text()) == checkpoint


@pytest.mark.parametrize("size", [-1, MAX_SIZE + 1])
def test_checkpoint_of_a_size_that_no_log_has_is_refused(size):
    with pytest.raises(AuditError) as caught:
        Checkpoint("mill", size, bytes(32))
    assert caught.value.full_code == "audit.checkpoint"


def test_log_origin_names_coalition_and_member():
    assert log_origin(COALITION, MemberId("mill")) == "symbolon/cotton/mill"


@pytest.mark.parametrize(
    ("coalition", "member"), [("cotton/mill", "mill"), ("cotton", "mi+ll"), ("cotton", "")]
)
def test_log_origin_of_what_is_no_id_is_refused(coalition, member):
    with pytest.raises(MembershipError):
        log_origin(CoalitionId(coalition), MemberId(member))


def test_verify_checkpoint_that_the_log_signed_gives_it():
    note = decode_note(encode_note(LOG.note()))
    assert verify_checkpoint(note, LOG.public) == LOG.checkpoint()


def test_verify_checkpoint_of_another_log_of_the_same_key_is_refused():
    other = Checkpoint("symbolon/wool/mill", 5, LOG.checkpoint().root)
    with pytest.raises(AuditError) as caught:
        verify_checkpoint(sign_checkpoint(other, LOG.key), LOG.public)
    assert caught.value.full_code == "audit.checkpoint.origin"


def test_verify_checkpoint_that_names_the_log_and_is_signed_as_another_is_refused():
    note = sign_note(LOG.checkpoint().text(), "symbolon/cotton/farm", LOG.key)
    with pytest.raises(AuditError) as caught:
        verify_checkpoint(note, LOG.public)
    assert caught.value.full_code == "audit.note.unsigned"


def test_verify_checkpoint_with_another_key_is_refused():
    key = NoteKey(LOG.origin, private_key("farm").public_key().public_bytes_raw())
    with pytest.raises(AuditError) as caught:
        verify_checkpoint(LOG.note(), key)
    assert caught.value.full_code == "audit.note.unsigned"


def test_verify_checkpoint_of_a_signed_text_that_is_none_is_refused():
    note = sign_note(f"{LOG.checkpoint().text()}extension\n", LOG.origin, LOG.key)
    with pytest.raises(AuditError) as caught:
        verify_checkpoint(note, LOG.public)
    assert caught.value.full_code == "audit.checkpoint"
