"""`symbolon policy check` and `test`, by what they print and by their exit codes."""

import json
from pathlib import Path

import pytest

from policy_material import POLICIES
from symbolon.cli import main

OPEN = '@id("open")\npermit(principal, action in Symbolon::Action::"match", resource);\n'
TABLE = '[[allow]]\npeer = "mill"\npurposes = ["due-diligence"]\n'


@pytest.fixture
def home(tmp_path: Path) -> Path:
    made = tmp_path / "node"
    assert main.run(["--home", str(made), "init", "--member", "alder-co", "--coalition", "harbour"]) == 0
    (made / "policies").mkdir()
    return made


def run(home: Path, *arguments: str) -> int:
    return main.run(["--home", str(home), "policy", *arguments])


def append(home: Path, text: str) -> None:
    with (home / "symbolon.toml").open("a", encoding="utf-8") as file:
        file.write("\n" + text)


def test_policy_check_of_a_fresh_node_lists_the_shipped_policies(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    assert run(home, "check") == 0
    told = capsys.readouterr()
    assert "companies-need-an-agreement" in told.out
    assert "no problem" in told.err


def test_policy_check_shows_own_policies_and_tables(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (home / "policies" / "own.cedar").write_text(OPEN.replace("open", "auditors-read-audit"))
    append(home, TABLE)
    capsys.readouterr()
    assert run(home, "check", "--json") == 0
    told = capsys.readouterr()
    document = json.loads(told.out)
    assert document["replaced"] == ["auditors-read-audit"]
    assert document["warnings"] == ["auditors-read-audit"]
    assert {"id": "allow-table-1", "kind": "generated", "source": "[[allow]] table 1"} in document["policies"]
    assert "takes the place of the shipped policy" in told.err
    assert "permits every member" in told.err


def test_policy_check_tells_every_problem_with_its_file(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (home / "policies" / "a.cedar").write_text("permit(principal, action, resource);")
    (home / "policies" / "b.cedar").write_text(OPEN + OPEN)
    capsys.readouterr()
    assert run(home, "check") == 78
    told = capsys.readouterr()
    assert told.out == ""
    assert "error: a.cedar, line 1: it has no @id" in told.err
    assert "error: b.cedar, line 3, policy open: another policy has the same @id" in told.err
    assert told.err.count("symbolon: hint:") == 2
    assert run(home, "check", "--json") == 78
    document = json.loads(capsys.readouterr().out)
    assert not document["valid"]
    assert [each["source"] for each in document["problems"]] == ["a.cedar", "b.cedar"]


def test_policy_check_of_files_needs_no_node(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.cedar").write_text(OPEN)
    assert run(tmp_path / "none", "check", str(tmp_path / "a.cedar")) == 0
    assert "open " in capsys.readouterr().out
    assert run(tmp_path / "none", "check") == 78


@pytest.mark.parametrize(
    ("content", "detail"),
    [
        (None, "no such file"),
        (b"\xff\xfe", "not text in UTF-8"),
        (b"/" * (1024 * 1024 + 1), "more than"),
        ("// \u202e\n".encode() + OPEN.encode(), "U+202E"),
    ],
)
def test_policy_check_of_a_file_that_is_no_policy_says_so(
    content: bytes | None, detail: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "a.cedar"
    if content is not None:
        path.write_bytes(content)
    assert run(tmp_path, "check", str(path)) == 78
    assert detail in capsys.readouterr().err


def test_policy_test_of_the_shipped_cases_passes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(tmp_path, "test") == 0
    told = capsys.readouterr()
    assert told.out == ""
    assert "cases passed" in told.err


def test_policy_test_of_a_folder_runs_against_what_the_node_decides_by(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cases = tmp_path / "cases"
    cases.mkdir()
    (cases / "entities.json").write_text((POLICIES / "cases" / "entities.json").read_text())
    rows = json.loads((POLICIES / "cases" / "companies-need-an-agreement.json").read_text())
    (cases / "mine.json").write_text(json.dumps([{**rows[2], "reason": []}]))
    capsys.readouterr()
    assert run(home, "test", str(cases)) == 1
    told = capsys.readouterr()
    assert told.out == f"mine.json: {rows[2]['name']}\n  expected allow, it was deny\n"
    append(home, TABLE)
    assert run(home, "test", str(cases), "--json") == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["passed"], document["failed"]) == (1, 0)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{}", "is a list"),
        ("[", "not JSON"),
        ("[1]", "exactly the fields"),
        ('[{"name": "x"}]', "exactly the fields"),
        (
            '[{"name":"x","request":{},"entities":"../x.json","decision":"deny","reason":[],"num_errors":0}]',
            "in this folder",
        ),
        (
            '[{"name":"x","request":{},"entities":[],"decision":"deny","reason":[],"num_errors":0}]',
            "a request has",
        ),
        ("[]", "no cases"),
    ],
)
def test_policy_test_of_a_file_that_is_no_case_says_what_is_wrong(
    text: str, told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.json").write_text(text)
    assert run(tmp_path / "none", "test", str(tmp_path)) == (65 if text == "[]" else 78)
    assert told in capsys.readouterr().err


def test_policy_test_of_no_folder_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(tmp_path, "test", str(tmp_path / "none")) == 65
    assert "is not a folder" in capsys.readouterr().err


def test_policy_check_of_a_folder_says_that_it_is_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(tmp_path, "check", str(tmp_path)) == 78
    assert "it is a folder" in capsys.readouterr().err


def test_policy_check_of_a_broken_node_tells_what_a_served_one_does(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (home / "policies" / "a.cedar").write_text("permit")
    assert run(home, "check") == 78
    assert (
        "A node that is served keeps those before; it does not start with these." in capsys.readouterr().err
    )
