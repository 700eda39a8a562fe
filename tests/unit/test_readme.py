"""README.md and docs/joining.md say what is true: help texts, commands, flags, links, configuration.

`SYMBOLON_UPDATE_README=1 pytest tests/unit/test_readme.py` writes the help texts anew.
"""

import os
import re
import shlex
from pathlib import Path

import click
import pytest
import typer.main

from symbolon import config
from symbolon.cli import main
from symbolon.cli.main import app

ROOT = Path(__file__).resolve().parents[2]
README = ROOT / "README.md"
TEXT = README.read_text(encoding="utf-8")
JOINING = (ROOT / "docs" / "joining.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
HELP = re.compile(r"^```console\n\$ symbolon ((?:[^\n]* )?--help)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(language: str, text: str = TEXT) -> list[str]:
    return [body for kind, body in BLOCK.findall(text) if kind == language]


def command_lines(text: str = TEXT) -> list[str]:
    """Every `symbolon …` of a shell block, without here-documents, redirections and a final &."""
    lines = []
    for body in blocks("sh", text):
        script = re.sub(r"<<'END'\n.*?^END$", "", body, flags=re.MULTILINE | re.DOTALL)
        typed = [line for line in script.splitlines() if line.startswith("symbolon ")]
        lines += [re.sub(r"\s+(?:<\s*\S+|2?>>?\s*\S+|&)(?=\s|$)", "", line) for line in typed]
    return lines


def parse(arguments: list[str]) -> None:
    """Parses a command line down to the last command; nothing is run."""
    command: click.Command = typer.main.get_command(app)
    context = command.make_context("symbolon", list(arguments))
    while isinstance(command, click.Group):
        rest = [*context._protected_args, *context.args]
        name, found, rest = command.resolve_command(context, rest)
        assert found is not None, arguments
        command = found
        context = command.make_context(name, rest, parent=context)


def help_of(arguments: str, capsys: pytest.CaptureFixture[str]) -> str:
    assert main.run(shlex.split(arguments)) == 0
    return capsys.readouterr().out


@pytest.fixture(autouse=True)
def eighty_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    """Help is the same in every terminal."""
    for name in ("COLUMNS", "TERMINAL_WIDTH"):
        monkeypatch.setenv(name, "80")


def test_readme_help_blocks_are_what_the_commands_print(capsys: pytest.CaptureFixture[str]) -> None:
    found = HELP.findall(TEXT)
    if os.environ.get("SYMBOLON_UPDATE_README"):
        renewed = HELP.sub(
            lambda each: f"```console\n$ symbolon {each[1]}\n{help_of(each[1], capsys)}```", TEXT
        )
        README.write_text(renewed, encoding="utf-8")
        found = HELP.findall(renewed)
    assert {arguments for arguments, _ in found} >= {"--help", "doctor --help", "status --help"}
    for arguments, shown in found:
        assert shown == help_of(arguments, capsys), f"symbolon {arguments} prints something else by now"


def test_readme_console_blocks_are_help_blocks() -> None:
    assert len(blocks("console")) == len(HELP.findall(TEXT))


@pytest.mark.parametrize("line", [*command_lines(), *command_lines(JOINING)])
def test_readme_command_line_parses(line: str) -> None:
    parse(shlex.split(line)[1:])


def test_readme_command_lines_are_found_and_a_wrong_flag_is_noticed() -> None:
    assert len(command_lines()) >= 10
    assert any("try match" in line for line in command_lines())
    with pytest.raises(click.UsageError):
        parse(["--home", "x", "match", "birch", "--porpoise", "due-diligence"])
    with pytest.raises(click.UsageError):
        parse(["suppliers", "imprt", "x.csv"])


@pytest.mark.parametrize("text", [TEXT, JOINING], ids=["README", "joining"])
def test_readme_commands_in_the_text_exist(text: str) -> None:
    prose = BLOCK.sub("", text)
    named = [words.split() for words in re.findall(r"`symbolon ([a-z][^`]*)`", prose)]
    assert named
    context = click.Context(click.Command("x"))
    for words in named:
        command = typer.main.get_command(app).get_command(context, words[0])  # type: ignore[attr-defined]
        assert command, words
        if words[0] == "coalition" and len(words) > 1:
            assert command.get_command(context, words[1]), words


def test_readme_make_targets_exist() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    shown = [line for body in blocks("sh") for line in body.splitlines() if line.startswith("make ")]
    named = {line.split()[1] for line in shown} | set(re.findall(r"`make ([a-z-]+)`", TEXT))
    assert {"demo", "test", "bench"} <= named
    assert named <= targets


@pytest.mark.parametrize("path", [README, ROOT / "docs" / "joining.md"], ids=["README", "joining"])
def test_readme_linked_files_exist(path: Path) -> None:
    found = re.findall(r"\]\(([^)#]+)\)", path.read_text(encoding="utf-8"))
    linked = [link for link in found if "://" not in link]
    assert linked
    assert [link for link in linked if not (path.parent / link).exists()] == []


def test_joining_allow_table_is_valid(tmp_path: Path) -> None:
    (table,) = blocks("toml", JOINING)
    (allow,) = config.parse(table, tmp_path).allow
    assert (allow.peer, allow.ask, allow.answer) == ("founder-co", True, True)


def test_joining_messages_are_those_of_the_code() -> None:
    shown = re.findall(r'^\| "([^"]+)" \|', JOINING, re.MULTILINE)
    sources = [path.read_text(encoding="utf-8") for path in (ROOT / "node" / "symbolon").rglob("*.py")]
    assert len(shown) > 10
    assert [words for words in shown if not any(words in source for source in sources)] == []


def test_readme_allow_table_is_valid_and_complete(tmp_path: Path) -> None:
    (table,) = blocks("toml")
    (allow,) = config.parse(table, tmp_path).allow
    assert allow.peer == "birch"
    for key in config.AllowConfig.__dataclass_fields__:
        assert re.search(rf"^{key} = ", table, re.MULTILINE), f"{key} is not shown"


def test_readme_exit_codes_are_those_of_the_command_line() -> None:
    shown = set(re.findall(r"^\| (\d+) \|", TEXT, re.MULTILINE))
    told = set(re.findall(r"\b(\d+) [a-z]", main.EXIT_CODES))
    assert told <= shown
    assert shown - told <= {"1"}
