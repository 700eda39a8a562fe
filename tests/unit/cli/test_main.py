"""The command line as a whole: what the system refuses is told as an error, not as a defect."""

import errno
import os
from pathlib import Path

import pytest

from symbolon.cli import main, node_home

INIT = ("init", "--member", "alder-co", "--coalition", "harbour")


@pytest.mark.parametrize("below", ["", "node"])
def test_node_where_a_file_is_in_the_way_is_refused_with_what_to_do(
    below: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "taken").write_bytes(b"")
    home = tmp_path / "taken" / below
    assert main.run(["--home", str(home), *INIT]) == 74
    told = capsys.readouterr().err
    assert f"cannot make {home}" in told
    assert "Name another folder" in told


def test_file_that_the_system_refuses_is_named_with_what_to_do(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse() -> Path:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), "/srv/node")

    monkeypatch.setattr(node_home, "home", refuse)
    assert main.run(["status"]) == 74
    told = capsys.readouterr().err
    assert "error: cannot use /srv/node: Permission denied" in told
    assert "hint: Look whose file or folder it is" in told


def test_error_of_the_system_that_names_no_file_stays_a_defect(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> Path:
        raise OSError(errno.EBADF, os.strerror(errno.EBADF))

    monkeypatch.setattr(node_home, "home", fail)
    with pytest.raises(OSError, match="Bad file"):
        main.run(["status"])
