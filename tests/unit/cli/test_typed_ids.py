"""A malformed id is wrong usage where it was typed, and a membership error where a file brought it."""

from pathlib import Path

import pytest

from symbolon.cli import main
from symbolon.cli.enrolment_file import Request
from symbolon.membership.member import MemberKind


@pytest.mark.parametrize("wrong", ["m1", "Alder", "alder-", "alder.harbour", ""])
@pytest.mark.parametrize(
    ("command", "what"),
    [
        (("init", "--coalition", "harbour", "--member"), "member id"),
        (("init", "--member", "alder", "--coalition"), "coalition id"),
        (("coalition", "create", "authority", "--name"), "coalition id"),
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


def test_malformed_id_in_a_request_is_a_membership_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main.run(["coalition", "create", str(tmp_path / "authority"), "--name", "harbour"]) == 0
    request = tmp_path / "request.json"
    Request("harbour", "m1", MemberKind.COMPANY, "127.0.0.1:7443", b"").write(request)
    assert main.run(["coalition", "enrol", str(tmp_path / "authority"), str(request)]) == 77
    assert "member id 'm1' is not a valid name" in capsys.readouterr().err
