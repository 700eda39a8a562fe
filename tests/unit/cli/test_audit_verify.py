"""`symbolon audit verify`: whose business the files are, and whose the own log is; how a verdict reads."""

import io
from dataclasses import replace
from pathlib import Path

import pytest

from exported_logs import MadeUpLog, bundle, fingerprint, hold, two_logs
from node_people import NodePeople
from symbolon.cli import main
from symbolon.policy.operator_roles import Role


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "delta.jsonl"
    path.write_bytes(two_logs(1)[1].export())
    return path


def test_audit_verify_of_files_asks_for_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    people = NodePeople(tmp_path, monkeypatch)
    people.add("Ada", Role.ADMINISTRATOR)
    assert main.run(["--home", str(people.home), "audit", "verify", str(file)]) == 0
    assert "All of it holds" in capsys.readouterr().out
    assert main.run(["--home", str(people.home), "audit", "verify"]) == 77
    assert "not signed in" in capsys.readouterr().err


def test_audit_verify_reads_as_a_table_and_sentences(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["audit", "verify", str(file), "--root", fingerprint().hex()]
    assert main.run(arguments) == 0
    shown = capsys.readouterr().out
    assert "delta.jsonl: log of delta in clean-hands, 3 entries, 3 of them open" in shown
    assert f"Root of the coalition: {fingerprint().hex()}, the one that is trusted." in shown
    (row,) = (line for line in shown.splitlines() if "intersection" in line)
    assert row.split() == [
        *("2026-03-01", "12:00", "acme", "delta", "due-diligence", "intersection", "128", "256"),
        *("both", "complete", "no_onward;", "retain(90)", "our-permit"),
    ]
    assert "NOTE     delta.jsonl: 0 of 3 other members cosigned" in shown
    assert main.run([*arguments[:-1], "ab" * 32]) == 1
    shown = capsys.readouterr().out
    assert "BROKEN   The founders' keys cannot be established" in shown
    assert "It does not hold: 1 broken, 0 missing." in shown


def test_audit_verify_prints_the_policies_that_decided(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main.run(["audit", "verify", str(file)]) == 0
    assert "permit (principal" not in capsys.readouterr().out
    assert main.run(["audit", "verify", str(file), "--policies"]) == 0
    shown = capsys.readouterr().out
    assert "our-permit of delta, from own-0.cedar; it decided 1 sessions:" in shown
    assert "    permit (principal, action, resource);" in shown


def test_audit_verify_of_a_policy_whose_file_name_would_write_to_the_terminal_shows_it_harmless(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asker, owner = MadeUpLog("acme"), MadeUpLog("delta")
    policies = tuple(replace(each, source="\x1b[2J\x1b]0;x\x07") for each in bundle().policies)
    owner.bundle = replace(bundle(), policies=policies)
    hold(asker, owner)
    path = tmp_path / "delta.jsonl"
    path.write_bytes(owner.export())
    main.run(["audit", "verify", str(path), "--policies"])
    shown = capsys.readouterr().out
    assert "our-permit of delta" in shown
    assert not {"\x1b", "\x07"} & set(shown)


def test_audit_verify_of_what_is_no_export_is_unusable_input(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "letter.txt"
    for content in (b"", b"Dear auditor,\n", bytes(100), io.BytesIO(b"\x89PNG\r\n").getvalue()):
        path.write_bytes(content)
        assert main.run(["audit", "verify", str(path)]) == 65
        assert "letter.txt" in capsys.readouterr().err
