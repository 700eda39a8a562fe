"""Whoever holds a drop file, or the public key of a drop box, and means ill.

The public key is no secret: anybody can seal anything for a node. So what is opened is taken for what a
stranger says, until a person has looked at it.
"""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from contributing_ngo import SEEN, SITE, Contributor, contributor
from symbolon.errors import SignalError
from symbolon.rpc.drop_box import FILE_NAME, current_key
from symbolon.signals.drop_file import (
    MAX_FILE_BYTES,
    SIZES,
    DropKey,
    fingerprint_of,
    open_drop,
    seal_drop,
)

CONTENT: dict[str, Any] = {
    "subject": {"kind": "site", "name": "Blue River Garments Ltd", "city": "Gazipur", "country": "BD"},
    "indicators": ["debt-bondage"],
    "evidence": "worker-interview",
    "source": "CANARY-told-by-the-night-guard",
    "reference": "drop-1",
}
PRIVATE = X25519PrivateKey.from_private_bytes(bytes(range(32)))
KEY = DropKey("harbour", "watch", PRIVATE.public_key().public_bytes_raw())


@pytest.fixture(scope="module")
def ngo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Contributor]:
    with contributor(tmp_path_factory.mktemp("coalition")) as made:
        yield made


@pytest.fixture(scope="module")
def key(ngo: Contributor) -> DropKey:
    with ngo.node() as node:
        return current_key(node)


def dropped(ngo: Contributor, key: DropKey, content: Any, name: str = "a.symbolon-drop") -> Path:
    data = content if isinstance(content, bytes) else json.dumps(content).encode()
    return ngo.file(name, seal_drop(key, data))


def held(ngo: Contributor) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = ngo.run("list", "--all", "--limit", "0", "--json").json
    return found


# ---------------------------------------------------------------------------------------- of the bytes


@pytest.mark.parametrize(
    "spoil",
    [
        lambda data: data[:-1],
        lambda data: data[:200],
        lambda data: data[:49],
        lambda data: data[:10],
        lambda data: b"",
        lambda data: data + b"\0",
        lambda data: data + data,
        lambda data: data[:49] + bytes(len(data) - 49),
        lambda data: data[:49] + data[81:] + data[49:81],
        lambda data: data.replace(b"symbolon-drop-1", b"symbolon-drop-2", 1),
        lambda data: data.replace(b"\n", b"\r", 1),
        lambda data: data[:49] + bytes(32) + data[81:],
        lambda data: data[:49] + (1).to_bytes(32, "little") + data[81:],
        lambda data: data[:-1] + bytes([data[-1] ^ 1]),
    ],
)
def test_attack_spoilt_drop_file_is_refused_whole(spoil: Callable[[bytes], bytes]) -> None:
    spoilt = spoil(seal_drop(KEY, b"{}"))
    with pytest.raises(SignalError) as caught:
        open_drop(spoilt, PRIVATE, KEY)
    assert caught.value.full_code == "signal.drop"
    assert caught.value.hint


def test_attack_header_of_another_node_does_not_open_here() -> None:
    other = DropKey("harbour", "other", KEY.public)
    data = seal_drop(other, b"{}")
    with pytest.raises(SignalError, match="another key"):
        open_drop(data, PRIVATE, KEY)
    moved = data.replace(other.fingerprint.hex().encode(), KEY.fingerprint.hex().encode(), 1)
    with pytest.raises(SignalError, match="does not open"):
        open_drop(moved, PRIVATE, KEY)


def test_attack_length_beyond_the_padding_and_content_behind_it_are_refused() -> None:
    from symbolon.signals.drop_file import _SUITE

    header = f"symbolon-drop-1 {KEY.fingerprint.hex()}\n".encode()
    public = PRIVATE.public_key()
    for padded in (
        (SIZES[0]).to_bytes(4, "big") + bytes(SIZES[0] - 4),
        (2**32 - 1).to_bytes(4, "big") + bytes(SIZES[0] - 4),
        (0).to_bytes(4, "big") + b"hidden" + bytes(SIZES[0] - 10),
    ):
        with pytest.raises(SignalError, match="behind its content"):
            open_drop(header + _SUITE.encrypt(padded, public, info=header), PRIVATE, KEY)


def test_attack_key_of_small_order_that_opens_to_everybody_is_refused() -> None:
    for point in (bytes(32), (1).to_bytes(32, "little"), (2**255 - 20).to_bytes(32, "little")):
        with pytest.raises(SignalError, match="nothing can be sealed"):
            seal_drop(DropKey("harbour", "watch", point), b"a source")


def test_attack_huge_file_is_refused_without_being_read(ngo: Contributor, key: DropKey) -> None:
    path = ngo.file("huge.symbolon-drop", seal_drop(key, b"{}"))
    with path.open("r+b") as file:
        file.truncate(4 * 1024**3)
    said = ngo.run("import", str(path), "--yes", code=65)
    assert "cut off, or something was added" in said.talk
    assert MAX_FILE_BYTES < 2**20
    path.unlink()


# --------------------------------------------------------------------------------------- of the content


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"not json",
        b"[]",
        b'"text"',
        b"\xff\xfe",
        b"[" * 10_000,
        b'{"subject":' * 5_000,
        b'{"a":1,"a":2}',
        json.dumps({**CONTENT, "price": 5}).encode(),
        json.dumps({**CONTENT, "indicators": ["banana"]}).encode(),
        json.dumps({**CONTENT, "reference": ""}).encode(),
        json.dumps({**CONTENT, "expires": "1999-01-01"}).encode(),
        json.dumps({**CONTENT, "confidence": 10**30}).encode(),
        json.dumps({**CONTENT, "recipients": ["nobody-knows"]}).encode(),
        json.dumps({**CONTENT, "purposes": ["resale"]}).encode(),
    ],
)
def test_attack_sealed_rubbish_is_refused_and_nothing_is_stored(
    ngo: Contributor, key: DropKey, content: bytes
) -> None:
    before = held(ngo)
    said = ngo.run("import", str(dropped(ngo, key, content)), "--yes", code=65)
    assert "Traceback" not in said.talk
    assert "symbolon: error: " in said.talk
    assert "CANARY" not in said.talk + said.out
    assert held(ngo) == before


def test_attack_forged_reference_does_not_change_a_signal_that_is_held(
    ngo: Contributor, key: DropKey
) -> None:
    first = dropped(ngo, key, {**CONTENT, "reference": "drop-victim"})
    ngo.run("import", str(first), "--yes")
    before = held(ngo)
    forged = {**CONTENT, "reference": "drop-victim", "tlp": "clear", "narrative": "All is well there."}
    said = ngo.run("import", str(dropped(ngo, key, forged)), "--yes", "--reviewed", code=65)
    assert "hint" in said.talk
    assert held(ngo) == before


def test_attack_own_id_as_reference_does_not_pass_for_a_new_signal(ngo: Contributor, key: DropKey) -> None:
    own = ngo.add()
    before = held(ngo)
    ngo.run("import", str(dropped(ngo, key, {**CONTENT, "reference": own})), "--yes", code=65)
    assert held(ngo) == before


def test_attack_replayed_file_adds_nothing_also_after_a_recall(ngo: Contributor, key: DropKey) -> None:
    path = dropped(ngo, key, {**CONTENT, "reference": "drop-replayed"}, "r.symbolon-drop")
    (new,) = ngo.run("import", str(path), "--yes", "--json").json["new"]
    before = held(ngo)
    assert "imported before" in ngo.run("import", str(path), "--yes").talk
    assert held(ngo) == before
    ngo.run("recall", new["signal"], "--reason", "withdrawn", "--forget-source", "--yes")
    before = held(ngo)
    ngo.run("import", str(path), "--yes", code=65)
    assert held(ngo) == before


def test_attack_dropped_signal_is_not_stored_before_a_person_has_said_yes(
    ngo: Contributor, key: DropKey
) -> None:
    before = held(ngo)
    path = dropped(ngo, key, {**CONTENT, "reference": "drop-unasked"})
    said = ngo.run("import", str(path), code=2)
    assert "no terminal to ask at" in said.talk
    assert held(ngo) == before


def test_attack_dropped_price_and_name_are_screened_again_at_the_node(ngo: Contributor, key: DropKey) -> None:
    before = held(ngo)
    text = "They paid 5 USD a piece; call +49 170 1234567."
    path = dropped(ngo, key, {**CONTENT, "reference": "drop-price", "narrative": text})
    said = ngo.run("import", str(path), "--yes", code=65)
    assert "phone" in said.talk
    assert "1234567" not in said.talk
    assert held(ngo) == before


def test_attack_escapes_in_a_dropped_signal_reach_no_terminal(ngo: Contributor, key: DropKey) -> None:
    name = "Mill\x1b]0;pwned\x07\u202elmth.exe"
    nasty = {
        **CONTENT,
        "reference": "drop-nasty",
        "subject": {**CONTENT["subject"], "name": name},
        "narrative": "ok\x1b[2J\r\nStored as 00000000.\u2066",
    }
    said = ngo.run("import", str(dropped(ngo, key, nasty)), "--yes", "--reviewed", code=None)
    shown = said.talk + said.out + ngo.run("list").out
    assert not set(shown) & {"\x1b", "\x07", "\r", "\u202e", "\u2066"}


def test_attack_source_of_a_dropped_signal_is_shown_by_no_command_that_does_not_ask_for_it(
    ngo: Contributor, key: DropKey
) -> None:
    path = dropped(ngo, key, {**CONTENT, "reference": "drop-canary"})
    said = ngo.run("import", str(path), "--yes", "--json")
    new = said.json["new"][0]["signal"]
    asked = (
        ("list", "--json"),
        ("show", new, "--history"),
        ("show", new, "--json", "--history"),
        ("who", new, "--json"),
        ("export", "--format", "misp"),
        ("export", "--format", "stix"),
        ("export", "--format", "jsonl"),
        ("review", "--json"),
    )
    everything = [said, *(ngo.run(*words) for words in asked)]
    assert all("CANARY" not in each.out + each.talk for each in everything)
    assert b"CANARY" not in b"".join(
        each.read_bytes() for each in ngo.home.rglob("*") if each.is_file() and not each.is_symlink()
    )
    assert ngo.run("show", new, "--source", "--json").json["source"] == CONTENT["source"]


# --------------------------------------------------------------------------------------------- of keys


def test_attack_replaced_and_forgotten_key_opens_nothing_any_more(tmp_path: Path) -> None:
    with contributor(tmp_path) as ngo:
        with ngo.node() as node:
            old = current_key(node)
        before = dropped(ngo, old, CONTENT)
        kept = ngo.run("dropbox", "--new", "--json").json
        assert kept["fingerprint"] != old.fingerprint.hex()
        assert ngo.run("import", str(before), "--dry-run").code == 0
        ngo.run("dropbox", "--new", "--forget-old", "--yes")
        said = ngo.run("import", str(before), "--yes", code=65)
        assert "another key" in said.talk
        assert fingerprint_of(before.read_bytes()) == old.fingerprint


def test_attack_altered_or_foreign_key_file_of_the_node_is_refused(tmp_path: Path) -> None:
    with contributor(tmp_path) as ngo:
        ngo.run("dropbox")
        path = ngo.home / FILE_NAME
        sealed = path.read_bytes()
        assert path.stat().st_mode & 0o077 == 0
        path.write_bytes(sealed[:-1] + bytes([sealed[-1] ^ 1]))
        assert ngo.run("dropbox", code=74).talk.startswith("symbolon: error: ")
        path.write_bytes(sealed)
        assert ngo.run("dropbox").code == 0


def test_attack_private_key_of_the_drop_box_lies_nowhere_in_clear(ngo: Contributor, key: DropKey) -> None:
    from symbolon.rpc.drop_box import _read

    with ngo.node() as node:
        secrets = [each.private.private_bytes_raw() for each in _read(node)]
    assert secrets
    for path in ngo.home.rglob("*"):
        if path.is_file() and not path.is_symlink():
            data = path.read_bytes()
            assert not any(each in data or each.hex().encode() in data for each in secrets), path.name


def test_attack_name_of_the_file_does_not_tell_whom_it_is_about(ngo: Contributor, key: DropKey) -> None:
    written = ngo.file("key.txt", key.text())
    home, ngo.home = ngo.home, ngo.folder / "no-node"
    try:
        for name in ("blueriver.symbolon-drop", "gazipur-2026", "GARMENTS.bin"):
            target = ngo.folder / name
            words = ("add", "--offline", str(target), "--for", str(written), *SITE, *SEEN, "--yes")
            assert "tells whom it is about" in ngo.run(*words, code=2).talk
            assert not target.exists()
    finally:
        ngo.home = home
