"""docs/audit.md says what is true: every code of a finding is in it, and no other; the command is one."""

import re
from pathlib import Path
from typing import get_args

import typer.main

from symbolon.audit.document import KINDS
from symbolon.audit.verdict import Severity
from symbolon.cli.audit import app

ROOT = Path(__file__).resolve().parents[3]
TEXT = (ROOT / "docs" / "audit.md").read_text(encoding="utf-8")
SOURCES = [
    *(ROOT / "node" / "symbolon" / "audit").glob("export_*.py"),
    ROOT / "node" / "symbolon" / "audit" / "verdict.py",
    ROOT / "node" / "symbolon" / "rpc" / "audit_own.py",
]
NAMED = re.compile(
    r'(?:_broken|_missing)\(\s*said,\s*"([a-z.]+)"'
    r'|(?:\.add|Finding)\(\s*"(?:broken|missing|note)",\s*"([a-z.]+)"'
)


def test_audit_document_names_the_codes_of_all_findings() -> None:
    _, _, after = TEXT.partition("| code | about |")
    table, _, _ = after.partition("\n\n")
    told = set(re.findall(r"`([a-z.]+)`", table))
    found = {one or two for path in SOURCES for one, two in NAMED.findall(path.read_text(encoding="utf-8"))}
    found |= {f"document.{kind}" for kind in KINDS}
    assert len(found) > 50
    assert told == found


def test_audit_document_names_every_severity() -> None:
    assert re.findall(r"^\| `(broken|missing|note)` \|", TEXT, re.MULTILINE) == list(get_args(Severity))


def test_audit_document_types_commands_that_there_are() -> None:
    group = typer.main.get_command(app)
    typed = set(re.findall(r"symbolon audit ([a-z]+)", TEXT))
    assert typed == {"export", "verify", "prove", "witness"}
    assert typed <= set(group.list_commands(None))  # type: ignore[attr-defined,arg-type]
