"""`symbolon match`: --out that cannot be written is refused before anything is asked; open rows are told."""

import os
from pathlib import Path

import pytest

from symbolon.cli import main
from symbolon.cli.match import suggest_review
from symbolon.cli.match_table import MatchRow
from symbolon.matching.evidence import Match
from symbolon.suppliers.tier import Tier


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


def test_try_match_out_that_cannot_be_written_is_told_before_anything_is_made(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """There are no lists here: had they been looked for first, that would be the error."""
    lists = ("a.csv", "b.csv")
    assert main.run(["try", "match", *lists, "--out", str(tmp_path / "nowhere" / "matches.csv")]) == 65
    assert "no folder" in capsys.readouterr().err
    assert main.run(["try", "match", *lists, "--mode", "size", "--out", str(tmp_path / "matches.csv")]) == 2
    assert "nothing for --out" in capsys.readouterr().err
    # A user that may write everywhere runs these tests, perhaps.
    monkeypatch.setattr(os, "access", lambda *_: False)
    assert main.run(["try", "match", *lists, "--out", str(tmp_path / "matches.csv")]) == 65
    assert f"may not write in {tmp_path}" in capsys.readouterr().err


@pytest.mark.parametrize("wrong", [("birch", "--purposes", "audit"), ("birch",)])
def test_match_wrong_usage_names_the_help_that_a_person_can_type(
    wrong: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main.run(["match", *wrong]) == 2
    assert "see `symbolon match --help`" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("decisions", "told"),
    [
        (("open",), "1 match waits for a person: `symbolon match review birch`.\n"),
        (("open", "accepted", "open"), "2 matches wait for a person: `symbolon match review birch`.\n"),
        (("rejected",), ""),
    ],
)
def test_match_open_rows_are_counted_in_words(
    decisions: tuple[str, ...], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    match = Match(1, 2, Tier.B, (), ())
    suggest_review("birch", [MatchRow(match, "S-1", "Mill", "4 Mill Lane", "BD", each) for each in decisions])
    assert capsys.readouterr().err == told
