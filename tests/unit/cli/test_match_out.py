"""`symbolon match --out` is refused before anything is asked where nothing could be written."""

from pathlib import Path

import pytest

from symbolon.cli import main


@pytest.mark.parametrize(
    ("mode", "name", "code", "told"),
    [
        ("intersection", "nowhere/matches.csv", 65, "no folder"),
        ("intersection", ".", 65, "is a folder"),
        ("size", "matches.csv", 2, "nothing for --out"),
    ],
)
def test_match_out_that_cannot_be_written_is_told_before_the_node_is_opened(
    mode: str, name: str, code: int, told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """There is no node here: had it been opened first, that would be the error."""
    command = ["match", "birch", "--purpose", "due-diligence", "--mode", mode, "--out", str(tmp_path / name)]
    assert main.run(["--home", str(tmp_path / "none"), *command]) == code
    assert told in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("wrong", [("birch", "--purposes", "audit"), ("birch",)])
def test_match_wrong_usage_names_the_help_that_a_person_can_type(
    wrong: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main.run(["match", *wrong]) == 2
    assert "see `symbolon match --help`" in capsys.readouterr().err
