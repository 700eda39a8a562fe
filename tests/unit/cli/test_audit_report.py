"""`symbolon audit report` and `demanded`: what they refuse before they read, and what they record."""

from pathlib import Path

import pytest

from audit_report_command import run
from report_logs import made, sessions
from symbolon.audit.demand import Demand, DemandKind, read_demand
from symbolon.cli import main
from symbolon.cli.audit_report import held_back
from symbolon.errors import InputError, UsageError
from symbolon.rpc.node import Node


@pytest.fixture
def home(tmp_path: Path) -> Path:
    made_node = tmp_path / "node"
    assert main.run(["--home", str(made_node), "init", "--member", "alder-co", "--coalition", "harbour"]) == 0
    return made_node


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "nothing to make"),
        (["--json", "--threshold", "4"], "no multiple of 5"),
        (["--json", "--threshold", "12"], "no multiple of 5"),
        (["--json", "--since", "2026-W03"], "is not a day"),
        (["--json", "--joint"], "for exports"),
        (["--json", "--root", "00"], "for exports"),
        (["--json", "--from", "log.jsonl", "--root", "00"], "no fingerprint"),
        (["--out", "missing/report.html"], "there is no folder"),
    ],
)
def test_report_asked_for_wrongly_is_refused(tmp_path: Path, arguments: list[str], said: str) -> None:
    found = run(tmp_path / "no-node", "report", *arguments).exception
    assert isinstance(found, UsageError)
    assert said in found.detail


def test_report_writes_over_nothing(tmp_path: Path) -> None:
    out = tmp_path / "report.html"
    out.write_text("mine")
    found = run(tmp_path / "no-node", "report", "--out", str(out)).exception
    assert isinstance(found, UsageError)
    assert out.read_text() == "mine"
    out.unlink()
    out.symlink_to(tmp_path / "elsewhere")
    assert isinstance(run(tmp_path / "no-node", "report", "--out", str(out)).exception, UsageError)
    assert not (tmp_path / "elsewhere").exists()


def test_report_from_a_file_that_is_not_there_names_it(tmp_path: Path) -> None:
    found = run(tmp_path, "report", "--json", "--from", str(tmp_path / "gone.jsonl")).exception
    assert isinstance(found, InputError)
    assert "gone.jsonl" in found.detail


def test_demanded_records_country_and_kind_and_nothing_else(home: Path) -> None:
    assert run(home, "demanded", "--country", "DE", "--kind", "warrant").exit_code == 0
    done = run(home, "demanded", "--country", "KE", "--kind", "request", "--untold")
    assert done.exit_code == 0
    assert "No report counts it" in done.stderr
    with Node(home) as node:
        entries = [each.values for each in node.audit.newest(2)]
    assert [read_demand(each["note"]) for each in entries] == [
        Demand(DemandKind.WARRANT, "DE"),
        Demand(DemandKind.REQUEST, "KE", told=False),
    ]
    assert {each["operator"] for each in entries} == {"local"}
    assert {(each["peer"], each["purpose"], each["counts"]) for each in entries} == {("", "", "{}")}


@pytest.mark.parametrize(
    ("country", "kind"), [("DE", "letter"), ("UK", "order"), ("Kenya", "order"), ("DE", "")]
)
def test_demanded_in_another_form_is_refused_and_not_recorded(home: Path, country: str, kind: str) -> None:
    found = run(home, "demanded", "--country", country, "--kind", kind).exception
    assert isinstance(found, UsageError)
    with Node(home) as node:
        assert node.audit.newest_of("demanded") is None


def test_held_back_says_what_and_why() -> None:
    said = "\n".join(held_back(made(sessions(7), demands=False)))
    assert "2026-01-01 to 2026-01-31" in said
    assert "71 of 72 rows are held back" in said
    assert "too few of a kind: auditor, coordinator" in said
    assert "no statement about demands" in said
