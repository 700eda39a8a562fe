"""An invitation code: what it may hold, what it shows, when it ends."""

import base64
import hashlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest

from symbolon.errors import MembershipError
from symbolon.membership.invitation_code import CODE_PREFIX, MAX_TYPED_CHARS, InvitationCode

CODE = InvitationCode(
    coalition="clean-hands",
    member_id="acme",
    sponsor="bolt",
    endpoints=("bolt.example.org:7443",),
    root_version=3,
    root_sha256=bytes(range(32)),
    expires=datetime(2026, 3, 8, 12, 0, tzinfo=UTC),
    secret=bytes(range(100, 116)),
)

TEXT = (
    "symbolon1-aafwg3dfmfxc22dbnzshgaaemfrw2ziaarrg63duaeabkytpnr2c4zlymfwxa3dffzxxezz2g42dimyaaaaagaa"
    "baibqibiga4eascqlbqgq4dyqcejbgfavcylrqgi2dmob2hq7aaaaaadjvvsmazdfmztwq2lknnwg23tpobyxe47wj2oxy"
)


def refused(text: str) -> MembershipError:
    with pytest.raises(MembershipError) as caught:
        InvitationCode.decode(text)
    return caught.value


def test_invitation_code_of_a_usual_invitation_has_this_text() -> None:
    # Codes outlive releases: another text for the same fields is another version.
    assert CODE.encode() == TEXT
    assert InvitationCode.decode(TEXT) == CODE


def test_invitation_code_shown_hides_its_secret() -> None:
    shown = f"{CODE!r} {CODE} {[CODE]}"
    assert "acme" in shown
    assert repr(CODE.secret)[2:-1] not in shown
    assert CODE.secret.hex() not in shown
    assert CODE.encode() not in shown


def test_invitation_code_stored_hash_depends_on_the_secret_alone_and_is_not_its_bare_hash() -> None:
    assert CODE.stored_hash == replace(CODE, member_id="other", root_version=9).stored_hash
    assert CODE.stored_hash != replace(CODE, secret=bytes(16)).stored_hash
    assert CODE.stored_hash != hashlib.sha256(CODE.secret).digest()
    assert len(CODE.stored_hash) == 32


def test_invitation_code_at_its_expiry_is_refused_and_says_whom_to_ask() -> None:
    CODE.require_unexpired(CODE.expires - timedelta(seconds=1))
    with pytest.raises(MembershipError) as caught:
        CODE.require_unexpired(CODE.expires)
    assert caught.value.full_code == "membership.invitation.expired"
    assert "bolt" in str(caught.value.hint)


@pytest.mark.parametrize("text", ["", "symbolon2-" + CODE.encode()[10:], "symbolon", "https://x", " "])
def test_invitation_code_of_another_beginning_is_malformed(text: str) -> None:
    error = refused(text)
    assert error.full_code == "membership.invitation.malformed"
    assert CODE_PREFIX in str(error.hint)


def test_invitation_code_of_excessive_length_is_refused_unread() -> None:
    assert refused(CODE.encode() + " " * MAX_TYPED_CHARS).full_code == "membership.invitation.malformed"


def test_invitation_code_with_nothing_behind_its_beginning_was_not_copied_whole() -> None:
    assert refused(CODE_PREFIX).full_code == "membership.invitation.checksum"


def test_invitation_code_in_a_second_spelling_of_the_same_bytes_is_refused() -> None:
    # This many bytes leave spare bits in the last character of base32.
    text = replace(CODE, member_id="acme-22").encode()
    body = text.removeprefix(CODE_PREFIX)
    spare = (-len(decoded(text)) * 8) % 5
    assert spare
    last = "abcdefghijklmnopqrstuvwxyz234567".index(body[-1])
    other = text[:-1] + "abcdefghijklmnopqrstuvwxyz234567"[last + 1]
    assert decoded(other) == decoded(text)
    assert refused(other).full_code == "membership.invitation.checksum"


@pytest.mark.parametrize(
    "change",
    [
        lambda good: b"",
        lambda good: good[:-1],
        lambda good: good + b"\0",
        lambda good: b"\xff\xff" + good[2:],
        lambda good: good.replace(b"acme", b"ACME"),
        lambda good: good.replace(b"acme", b"\xff\xff\xff\xff"),
        lambda good: good.replace(b"7443", b"x443"),
        lambda good: good.replace(b"clean", b"-lean"),
        lambda good: good.replace(bytes([0, 0, 0, 3]) + bytes(range(32)), bytes(4) + bytes(range(32))),
        lambda good: good[:-24] + b"\xff" * 8 + good[-16:],
    ],
    ids=[
        "empty", "short", "long", "length", "name", "bytes", "endpoint", "coalition", "root version", "expiry"
    ],
)  # fmt: skip
def test_invitation_code_made_up_with_a_good_checksum_is_malformed(change) -> None:
    payload = change(decoded(CODE.encode())[:-4])
    checked = payload + hashlib.sha256(CODE_PREFIX.encode() + payload).digest()[:4]
    text = CODE_PREFIX + base64.b32encode(checked).decode().rstrip("=").lower()
    assert refused(text).full_code == "membership.invitation.malformed"


@pytest.mark.parametrize(
    "fields",
    [
        {"coalition": "Clean"},
        {"member_id": "a"},
        {"sponsor": "bolt-"},
        {"endpoints": ("bolt",)},
        {"endpoints": ("bolt:1",) * 5},
        {"endpoints": ()},
        {"root_version": 0},
        {"root_version": 2**32},
        {"root_sha256": bytes(31)},
        {"expires": CODE.expires.replace(tzinfo=None)},
        {"expires": datetime(2026, 3, 8, tzinfo=timezone(timedelta(hours=1)))},
        {"expires": datetime(2026, 3, 8, 0, 0, 0, 1, tzinfo=UTC)},
        {"expires": datetime(1969, 3, 8, tzinfo=UTC)},
        {"secret": bytes(15)},
    ],
)
def test_invitation_code_with_a_field_of_another_shape_cannot_be_made(fields: dict[str, object]) -> None:
    with pytest.raises(MembershipError) as caught:
        replace(CODE, **fields)
    assert caught.value.full_code in {"membership.malformed", "membership.invitation.malformed"}


def decoded(text: str) -> bytes:
    body = text.removeprefix(CODE_PREFIX).upper()
    return base64.b32decode(body + "=" * (-len(body) % 8))
