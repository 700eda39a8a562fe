"""A malformed id is wrong usage where it was typed, and a membership error where a code brought it."""

import base64
import hashlib
from pathlib import Path

import pytest

from coalition_members import invitation_code
from symbolon.cli import main
from symbolon.cli.typed_ids import typed_date, typed_jurisdiction, typed_kind
from symbolon.errors import UsageError
from symbolon.membership.invitation_code import CODE_PREFIX

CREATE = ("--person", "Ada", "--jurisdiction", "DE")


@pytest.mark.parametrize("wrong", ["m1", "Alder", "alder-", "alder.harbour", ""])
@pytest.mark.parametrize(
    ("command", "what"),
    [
        (("init", "--coalition", "harbour", "--member"), "member id"),
        (("init", "--member", "alder", "--coalition"), "coalition id"),
        (("coalition", "create", *CREATE, "harbour", "--member"), "member id"),
        (("coalition", "create", *CREATE, "--member", "alder"), "coalition id"),
    ],
)
def test_malformed_id_on_the_command_line_is_wrong_usage_and_makes_nothing(
    command: tuple[str, ...],
    what: str,
    wrong: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main.run(["--home", "node", *command, wrong]) == 2
    told = capsys.readouterr().err
    assert f"{what} {wrong!r} is not a valid name" in told
    assert "hint: Use 3 to 32 lower-case letters" in told
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "wrong",
    [
        ("--jurisdiction", "Germany"),
        ("--kind", "bank"),
        ("--endpoint", "nowhere"),
        ("--relay", "Alder"),
    ],
)
def test_create_with_a_malformed_option_is_wrong_usage_and_makes_nothing(
    wrong: tuple[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    typed = ["coalition", "create", "harbour", "--member", "alder", *CREATE, *wrong]
    assert main.run(["--home", "node", *typed]) == 2
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("wrong", [("--purpose", "two words"), ("--person", ""), ("--terms-version", "")])
def test_create_that_was_refused_half_way_is_repeated_with_the_same_keys(
    wrong: tuple[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    typed = ["--home", "node", "coalition", "create", "harbour", "--member", "alder", *CREATE]
    assert main.run([*typed, *wrong]) not in (0, 70)
    before = {path.name: path.read_bytes() for path in tmp_path.glob("node/founder/*.pem")}
    assert main.run(typed) == 0
    after = {path.name: path.read_bytes() for path in tmp_path.glob("node/founder/*.pem")}
    assert after == before or not before
    # Once the coalition is there, nothing founds it again.
    assert main.run(typed) not in (0, 70)
    assert {path.name: path.read_bytes() for path in tmp_path.glob("node/founder/*.pem")} == after


def test_malformed_id_in_a_code_is_a_membership_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    code = invitation_code("alder").encode()
    body = code.removeprefix(CODE_PREFIX).upper()
    payload = base64.b32decode(body + "=" * (-len(body) % 8))[:-4]
    assert written(payload) == code
    for wrong in (written(payload.replace(b"alder", b"Alder")), code[:-1], code + "x", CODE_PREFIX):
        assert wrong != code
        assert main.run(["--home", "node", "coalition", "join", wrong, "--person", "Ada"]) == 77
        told = capsys.readouterr().err
        assert told.startswith("symbolon: error: ")
        assert "hint: " in told
    assert list(tmp_path.iterdir()) == []


def written(payload: bytes) -> str:
    """A code of these bytes, whatever they say, with the checksum that is right for them."""
    checksum = hashlib.sha256(CODE_PREFIX.encode() + payload).digest()[:4]
    return CODE_PREFIX + base64.b32encode(payload + checksum).decode().rstrip("=").lower()


@pytest.mark.parametrize("text", ["", "de", "DEU", "Germany", "D1"])
def test_typed_jurisdiction_that_is_none_is_wrong_usage(text: str) -> None:
    assert typed_jurisdiction("DE") == "DE"
    with pytest.raises(UsageError) as caught:
        typed_jurisdiction(text)
    assert caught.value.hint


def test_typed_kind_and_date_that_are_none_are_wrong_usage() -> None:
    for call, text in ((typed_kind, "bank"), (typed_date, "tomorrow"), (typed_date, "2027-02-30")):
        with pytest.raises(UsageError) as caught:
            call(text)
        assert caught.value.hint
