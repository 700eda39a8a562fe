"""What is typed is wrong usage where it is malformed; a malformed id in a code is a membership error."""

import base64
import hashlib
import json
from datetime import date
from pathlib import Path

import pytest

from coalition_members import invitation_code
from symbolon.cli import main
from symbolon.cli.typed_ids import typed_date, typed_jurisdiction, typed_kind, typed_listen
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


@pytest.mark.parametrize(("text", "hint"), [("XX", "ISO 3166-1"), ("EU", "ISO 3166-1"), ("UK", "GB")])
def test_typed_jurisdiction_that_is_not_assigned_is_wrong_usage_and_makes_nothing(
    text: str, hint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    create = ["--home", "node", "coalition", "create", "harbour", "--member", "alder", "--person", "Ada"]
    assert main.run([*create, "--jurisdiction", text]) == 2
    told = capsys.readouterr().err
    assert f"{text} is the code of no country" in told
    assert hint in told
    assert list(tmp_path.iterdir()) == []
    assert typed_jurisdiction("GB") == "GB"


@pytest.mark.parametrize("command", [("status",), ("coalition", "members"), ("serve",)], ids=" ".join)
def test_command_in_a_folder_without_a_node_says_how_to_make_one(
    command: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main.run(["--home", str(tmp_path), *command]) == 78
    told = capsys.readouterr().err
    assert "`symbolon coalition join CODE`" in told
    assert "`symbolon init`" in told


def test_typed_kind_and_date_that_are_none_are_wrong_usage() -> None:
    days = (
        "tomorrow",
        "2027-02-30",
        "20270630",
        "2027-W26-3",
        "2027-06-30T00:00",
        " 2027-06-30",
        "2027-6-30",
        "",
    )
    for call, text in ((typed_kind, "bank"), *((typed_date, day) for day in days)):
        with pytest.raises(UsageError) as caught:
            call(text)
        assert caught.value.hint
    assert typed_date("2027-06-30") == date(2027, 6, 30)


NO_ADDRESSES = (
    "nonsense",
    ":7443",
    "host:",
    "host:0x1",
    "host:70000",
    "a b:7443",
    "http://host:7443",
    "::1:7443",
)


@pytest.mark.parametrize("address", NO_ADDRESSES)
@pytest.mark.parametrize(
    "arguments",
    [
        ("init", "--member", "alder", "--coalition", "harbour", "--listen"),
        ("relay", "--listen"),
        ("coalition", "create", "harbour", "--member", "alder", *CREATE, "--listen"),
        ("coalition", "join", "CODE", "--person", "Ada", "--listen"),
        ("coalition", "create", "harbour", "--member", "alder", *CREATE, "--endpoint"),
        ("coalition", "join", "CODE", "--person", "Ada", "--endpoint"),
        ("coalition", "join", "CODE", "--person", "Ada", "--relay-endpoint"),
        ("coalition", "move", "--endpoint"),
        ("coalition", "move", "--relay", "carrier", "--relay-endpoint"),
    ],
    ids=" ".join,
)
def test_typed_address_that_is_none_is_wrong_usage_and_makes_nothing(
    arguments: tuple[str, ...],
    address: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    typed = [invitation_code("alder").encode() if each == "CODE" else each for each in arguments]
    assert main.run(["--home", "node", *typed, address]) == 2
    told = capsys.readouterr().err
    assert told.startswith("symbolon: error: ")
    assert "symbolon: hint: " in told
    assert "host:port" in told
    assert list(tmp_path.iterdir()) == []


def test_create_that_would_listen_on_another_port_at_each_start_says_what_to_type(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    create = ["--home", "node", "coalition", "create", "harbour", "--member", "alder", *CREATE]
    assert main.run([*create, "--listen", "127.0.0.1:0"]) == 2
    told = capsys.readouterr().err
    assert "it is another port at each start" in told
    assert "a port that stays (--listen host:port" in told
    assert "--endpoint host:port" in told
    assert list(tmp_path.iterdir()) == []
    # One that was made ahead says in its configuration where it listens.
    assert (
        main.run(
            ["--home", "node", "init", "--member", "alder", "--coalition", "harbour", "--listen", "[::1]:9"]
        )
        == 0
    )
    assert main.run(create) == 0
    assert main.run(["--home", "node", "coalition", "members", "--json"]) == 0
    assert json.loads(capsys.readouterr().out.split("\n", 2)[2])["members"][0]["reached"] == "[::1]:9"


@pytest.mark.parametrize("address", ["0.0.0.0:7443", "[::]:7443", "host.example:0"])
def test_typed_endpoint_that_nobody_can_dial_is_wrong_usage(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    create = ["--home", "node", "coalition", "create", "harbour", "--member", "alder", *CREATE]
    # Without an endpoint the address to listen on is the one that others are told.
    for option in ("--endpoint", "--listen"):
        assert main.run([*create, option, address]) == 2
        assert "nowhere that other members could dial" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
    assert main.run([*create, "--listen", address, "--endpoint", "alder.example:7443"]) == 0


@pytest.mark.parametrize(
    "address", ["127.0.0.1:7443", "0.0.0.0:7443", "[::1]:0", "localhost:0", "a.example:65535"]
)
def test_typed_listen_that_is_an_address_stays_as_it_is(address: str) -> None:
    assert typed_listen(address) == address
