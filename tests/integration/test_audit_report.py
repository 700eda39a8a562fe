"""A transparency report on the log of a real node, and on the exports of two."""

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from audit_report_command import run
from node_clocks import DAY_S, Clock
from real_nodes import ALPHA, BETA, PURPOSE, Nodes, two_nodes
from symbolon.cli import audit_report, node_home
from symbolon.errors import AuditError
from symbolon.rpc.audit_export import Selection, write_export
from symbolon.rpc.node import Node

SESSIONS = 5
AHEAD_DAYS = 32
"""To a day of the next month, from any day of this one."""


@pytest.fixture(scope="module")
def nodes() -> Iterator[Nodes]:
    """`ALPHA` asked `BETA` often enough to show."""
    with two_nodes() as made:
        for _ in range(SESSIONS):
            made.quick_match(ALPHA, BETA)
        yield made


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> date:
    """The commands run a month later."""
    clock = Clock(AHEAD_DAYS * DAY_S)
    monkeypatch.setattr(node_home, "open_node", lambda: Node(node_home.home(), clock=clock))
    day = datetime.now(UTC) + timedelta(days=AHEAD_DAYS)
    monkeypatch.setattr(audit_report, "today", lambda: day.date())
    return day.date()


def this_month() -> str:
    return f"{datetime.now(UTC):%Y-%m}"


def test_report_of_a_month_that_is_not_over_is_refused(nodes: Nodes) -> None:
    done = nodes.run(ALPHA, "audit", "report", "--json", "--until", f"{this_month()}-01", code=2, quick=True)
    assert done.stdout == ""
    assert "is not over" in done.stderr


def test_report_of_a_real_log_counts_its_sessions(nodes: Nodes, later: date, tmp_path: Path) -> None:
    out = tmp_path / "report.html"
    month = f"{this_month()}-01"
    done = run(nodes.home(BETA), "report", "--json", "--out", str(out), "--since", month, "--until", month)
    assert done.exit_code == 0, (done.exception, done.stderr)
    document = json.loads(done.stdout)
    (row,) = document["activity"]["rows"]
    assert (row["direction"], row["purpose"], row["mode"]) == ("answering", PURPOSE, "intersection")
    assert row["sessions"] == {"at_least": 5, "at_most": 9}
    assert row["keys_at_least"] >= 500
    assert document["demands"]["statement"] == "none"
    assert document["made_on"] == later.isoformat()
    assert document["logs"]["members"] == []
    text = done.stdout + out.read_text(encoding="utf-8")
    assert not any(member in text for member in (ALPHA, BETA))
    assert "rows are held back" in done.stderr


def test_report_from_exports_needs_no_node_and_counts_a_session_once(
    nodes: Nodes, later: date, tmp_path: Path
) -> None:
    files = []
    for member in (ALPHA, BETA):
        files.append(tmp_path / f"{member}.jsonl")
        with Node(nodes.home(member), clock=Clock(AHEAD_DAYS * DAY_S)) as node:
            write_export(node, files[-1], Selection())
    sources = [word for file in files for word in ("--from", str(file))]
    month = ["--since", f"{this_month()}-01", "--until", f"{this_month()}-01"]
    done = run(tmp_path / "no-node", "report", "--json", *month, *sources, "--names")
    assert done.exit_code == 0, (done.exception, done.stderr)
    document = json.loads(done.stdout)
    assert document["logs"]["members"] == [ALPHA, BETA]
    assert [each["direction"] for each in document["activity"]["rows"]] == ["answering"]
    assert document["budget"] == []
    assert "compare the root" in done.stderr
    # The own log comes to the same as its export.
    own = json.loads(run(nodes.home(BETA), "report", "--json", *month).stdout)
    alone = json.loads(run(tmp_path, "report", "--json", *month, "--from", str(files[1])).stdout)
    assert {**own, "budget": []} == alone
    # Twice the same log would count twice; an altered one is no evidence.
    found = run(tmp_path, "report", "--json", *month, *sources, *sources[:2]).exception
    assert isinstance(found, AuditError)
    assert found.full_code in ("audit.report.files", "audit.report.broken")
    files[0].write_bytes(files[0].read_bytes().replace(b'"event":"asked"', b'"event":"ended"', 1))
    assert isinstance(run(tmp_path, "report", "--json", *month, *sources).exception, AuditError)


def test_report_from_an_export_written_before_the_month_was_over_is_refused(
    nodes: Nodes, later: date, tmp_path: Path
) -> None:
    file = tmp_path / "early.jsonl"
    with Node(nodes.home(ALPHA)) as node:
        write_export(node, file, Selection())
    month = ["--since", f"{this_month()}-01", "--until", f"{this_month()}-01"]
    found = run(tmp_path, "report", "--json", *month, "--from", str(file)).exception
    assert isinstance(found, AuditError)
    assert found.full_code == "audit.report.nothing"
