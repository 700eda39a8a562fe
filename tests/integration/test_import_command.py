"""`symbolon suppliers` as a person types it: what it prints and how it ends."""

import csv
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from symbolon.cli import main

Run = Callable[..., "Ended"]


class Ended(NamedTuple):
    """What a command left behind."""

    stdout: str
    stderr: str


_LIST = (
    "supplier_id,name,address,city,region,postal_code,country,sector,lei\n"
    "S-1,Quimbara Works Ltd,17 Quellbrook Road,Zorvanpur,,10001,BD,Apparel,\n"
    "S-2,Orlandia Yard,4 Mill Lane,Zorvanpur,,10002,BD,Apparel,5299000J2N45DDNE4Y28\n"
    "S-3,Tessaby Dairy,9 Farm Road,Modena,,10003,US,Food,NOT-AN-LEI\n"
)


@pytest.fixture
def symbolon(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    def run(*arguments: str, code: int = 0) -> Ended:
        capsys.readouterr()
        assert main.run(["--home", str(tmp_path / "node"), *arguments]) == code, capsys.readouterr().err
        return Ended(*capsys.readouterr())

    run("init", "--member", "acme-textiles", "--coalition", "test-coalition")
    return run


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "vendors.csv"
    path.write_text(_LIST, encoding="utf-8")
    return path


def test_import_list_and_keys_show_what_was_imported(symbolon: Run, file: Path) -> None:
    done = symbolon("suppliers", "import", str(file))
    assert done.stdout == ""
    assert "Imported 3 suppliers from vendors.csv" in done.stderr
    assert "3 new, 0 changed, 0 unchanged, 0 gone, 0 rows left out." in done.stderr
    listed = symbolon("suppliers", "list")
    assert [line.split()[1] for line in listed.stdout.splitlines()[1:]] == ["S-1", "S-2", "S-3"]
    assert "3 of 3 suppliers shown." in listed.stderr
    rows = json.loads(symbolon("suppliers", "list", "--json", "--search", "orlandia").stdout)
    assert [(row["supplier_id"], row["country"]) for row in rows] == [("S-2", "BD")]
    shown = symbolon("suppliers", "keys", "S-2")
    assert "A certain" in shown.stdout
    keys = json.loads(symbolon("suppliers", "keys", "S-2", "--json").stdout)
    assert {"tier": "A", "scheme": "lei.1", "value": "5299000J2N45DDNE4Y28"}.items() <= keys[0].items()
    elsewhere = json.loads(symbolon("suppliers", "keys", "S-2", "--json", "--file", str(file)).stdout)
    assert elsewhere == keys


def test_import_json_gives_figures_and_phases(symbolon: Run, file: Path) -> None:
    report = json.loads(symbolon("suppliers", "import", str(file), "--json").stdout)
    assert (report["new"], report["suppliers"], report["left_out"]) == (3, 3, 0)
    assert set(report["phases"]) == {"read", "keys", "hash_to_curve", "store", "total"}
    assert report["problems"][0]["column"] == "lei"


def test_import_bad_rows_are_named_and_written_to_a_private_file(
    symbolon: Run, file: Path, tmp_path: Path
) -> None:
    with file.open("a", encoding="utf-8") as lines:
        lines.write("S-1,Twice,,,,,BD,,\nS-4,short row\n,No Id,,,,,BD,,\n")
    problems = tmp_path / "problems.csv"
    done = symbolon("suppliers", "import", str(file), "--problems", str(problems))
    assert "3 new" in done.stderr
    assert "3 rows left out." in done.stderr
    for row in (5, 6, 7):
        assert f"Left out row {row}" in done.stderr
    assert problems.stat().st_mode & 0o777 == 0o600
    with problems.open(encoding="utf-8", newline="") as written:
        found = list(csv.DictReader(written))
    assert [(row["row"], row["left_out"]) for row in found] == [
        ("4", "no"),
        ("5", "yes"),
        ("6", "yes"),
        ("7", "yes"),
    ]


def test_import_other_headers_are_mapped(symbolon: Run, file: Path) -> None:
    file.write_text("Vendor No;Vendor Name;Land\n7;Quimbara Works;DE\n", encoding="cp1252")
    columns = ("--map", "supplier_id=Vendor No", "--map", "name=Vendor Name", "--map", "country=Land")
    symbolon("suppliers", "import", str(file), *columns)
    assert json.loads(symbolon("suppliers", "list", "--json").stdout) == [
        {"supplier_no": 1, "supplier_id": "7", "name": "Quimbara Works", "country": "DE"}
    ]


def test_import_file_cut_short_is_refused_with_the_way_out(symbolon: Run, file: Path) -> None:
    symbolon("suppliers", "import", str(file))
    file.write_text("".join(_LIST.splitlines(keepends=True)[:2]), encoding="utf-8")
    done = symbolon("suppliers", "import", str(file), code=65)
    assert "symbolon: error: the list holds 3 suppliers and this file only 1" in done.stderr
    assert "--yes-shrink" in done.stderr
    assert "3 of 3" in symbolon("suppliers", "list").stderr
    assert "2 gone" in symbolon("suppliers", "import", str(file), "--yes-shrink").stderr


@pytest.mark.parametrize(
    ("content", "arguments"),
    [
        (b"", ()),
        (bytes(range(256)) * 50, ()),
        (b"colour,size\nred,1\n", ()),
        (b"supplier_id,name,name\n1,a,b\n", ()),
        (b"supplier_id,name\n,\n", ()),
        (_LIST.encode(), ("--encoding", "klingon")),
    ],
)
def test_import_unusable_file_is_refused_and_the_list_stays(
    symbolon: Run, file: Path, content: bytes, arguments: tuple[str, ...]
) -> None:
    symbolon("suppliers", "import", str(file))
    file.write_bytes(content)
    done = symbolon("suppliers", "import", str(file), *arguments, code=65)
    assert "symbolon: error: " in done.stderr
    assert "symbolon: hint: " in done.stderr
    assert "3 of 3" in symbolon("suppliers", "list").stderr


@pytest.mark.parametrize("bad", ["name", "=Header", "name="])
def test_import_malformed_map_is_a_usage_error(symbolon: Run, file: Path, bad: str) -> None:
    assert "--map" in symbolon("suppliers", "import", str(file), "--map", bad, code=2).stderr


def test_keys_of_an_unknown_supplier_say_so(symbolon: Run) -> None:
    assert "hint" in symbolon("suppliers", "keys", "S-99", code=65).stderr
    assert "suppliers import" in symbolon("suppliers", "list").stderr


def test_list_name_with_control_sequences_stays_harmless(symbolon: Run, file: Path) -> None:
    file.write_text("supplier_id,name,country\nS-1,[red]Quimbara[/red] \x1b[2J,BD\n", encoding="utf-8")
    symbolon("suppliers", "import", str(file))
    shown = symbolon("suppliers", "list").stdout
    assert "\x1b" not in shown
    assert "[red]Quimbara[/red]" in shown


def test_import_in_a_process_of_its_own_ends_with_the_code_and_no_trace(
    symbolon: Run, file: Path, tmp_path: Path
) -> None:
    program = [sys.executable, "-c", "from symbolon.cli.main import main; main()"]
    for arguments, code, words in (
        (["suppliers", "import", str(file)], 0, "Imported 3 suppliers"),
        (["suppliers", "import", str(tmp_path / "none.csv")], 65, "symbolon: error: "),
    ):
        done = subprocess.run(
            [*program, "--home", str(tmp_path / "node"), *arguments],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == code, done.stderr
        assert words in done.stderr
        assert "Traceback" not in done.stderr
        assert done.stdout == ""
