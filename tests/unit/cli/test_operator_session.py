"""A session belongs to the user of the computer who signed in, as far as the kernel knows it."""

import os
from pathlib import Path

import pytest

from symbolon.cli import operator_session
from symbolon.cli.operator_session import OperatorSession, end_session, keep_session, kept_session, os_user
from symbolon.storage.seal import Sealer

SEALER = Sealer(bytes(range(32)))
SESSION = OperatorSession("op-01234567", "ab", 1_800_000_000)


def login(monkeypatch: pytest.MonkeyPatch, folder: Path, text: str | None) -> None:
    path = folder / "loginuid"
    if text is not None:
        path.write_text(text)
    monkeypatch.setattr(operator_session, "_LOGIN_UID", path)


@pytest.mark.parametrize(("text", "tail"), [("1000\n", "-1000"), ("4294967295", ""), (None, "")])
def test_os_user_is_the_effective_one_and_who_logged_in(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, text: str | None, tail: str
) -> None:
    login(monkeypatch, tmp_path, text)
    assert os_user() == f"{os.geteuid()}{tail}"


def test_session_of_one_who_came_by_sudo_is_not_that_of_another(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    login(monkeypatch, tmp_path, "1000")
    keep_session(tmp_path, SEALER, SESSION)
    login(monkeypatch, tmp_path, "1001")
    assert kept_session(tmp_path, SEALER, now_s=1_800_000_001) is None
    assert not end_session(tmp_path)
    login(monkeypatch, tmp_path, "1000")
    assert kept_session(tmp_path, SEALER, now_s=1_800_000_001) == SESSION
    assert end_session(tmp_path)
    assert kept_session(tmp_path, SEALER, now_s=1_800_000_001) is None


def test_session_survives_a_clock_set_back_a_little(tmp_path: Path) -> None:
    keep_session(tmp_path, SEALER, SESSION)
    assert kept_session(tmp_path, SEALER, now_s=1_800_000_000 - operator_session.CLOCK_STEP_S) == SESSION
    assert kept_session(tmp_path, SEALER, now_s=1_800_000_000 - operator_session.CLOCK_STEP_S - 1) is None
    last = 1_800_000_000 + operator_session.SESSION_LIFE_S
    assert kept_session(tmp_path, SEALER, now_s=last - 1) == SESSION
    assert kept_session(tmp_path, SEALER, now_s=last) is None
