"""`symbolon signals import`: good rows in, bad rows named, nothing twice, nothing let out by mistake."""

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from contributing_ngo import Contributor, ahead, contributor

HEADER = "subject_kind,name,city,country,indicators,evidence,period_from,narrative,source,reference,tlp"
PHONE = "Call +49 170 1234567."
CANARY = "CANARY-night-guard"


def table(*rows: str, header: str = HEADER) -> str:
    return "\n".join((header, *rows)) + "\n"


def row(number: int, narrative: str = "", tlp: str = "", reference: str | None = None) -> str:
    name = reference if reference is not None else f"case {number}"
    return (
        f"factory,Quimbara {number} Works,Gazipur,Bangladesh,debt bondage,grievance,2026-02,{narrative},"
        f"{CANARY} {number},{name},{tlp}"
    )


@pytest.fixture
def ngo(tmp_path: Path) -> Iterator[Contributor]:
    with contributor(tmp_path) as made:
        yield made


def listed(ngo: Contributor) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = ngo.run("list", "--limit", "0", "--json").json
    return found


def test_import_adds_the_good_rows_and_names_the_bad_ones(ngo: Contributor) -> None:
    bad = "factory,,,Bangladesh,banana,hearsay,03/04/2026,,,case 9,purple"
    path = ngo.file("visits.csv", table(row(1), bad, row(2)))
    problems = ngo.folder / "problems.csv"
    said = ngo.run("import", str(path), "--problems", str(problems), "--json")
    assert len(said.json["new"]) == 2
    assert [each["row"] for each in said.json["new"]] == [2, 4]
    assert {each["row"] for each in said.json["problems"] if each["left_out"]} == {3}
    assert {each["column"] for each in said.json["problems"] if each["left_out"]} >= {
        "indicators",
        "evidence",
        "tlp",
    }
    assert "Left out row 3, indicators: " in said.talk
    assert "Imported visits.csv: 2 new, 0 changed, 0 unchanged, 1 left out." in said.talk
    assert "birch: all" in said.talk
    assert problems.stat().st_mode & 0o077 == 0
    rows = list(csv.DictReader(problems.open(encoding="utf-8")))
    assert {each["row"] for each in rows} == {"3"}
    assert all(each["remedy"] for each in rows)


def test_import_never_repeats_a_cell_or_a_source(ngo: Contributor) -> None:
    bad = f"factory,Secret Mill,,Bangladesh,banana {CANARY},grievance,2026-02,,{CANARY},case 9,"
    path = ngo.file("visits.csv", table(row(1), bad))
    problems = ngo.folder / "problems.csv"
    said = ngo.run("import", str(path), "--problems", str(problems), "--json")
    everything = said.out + said.talk + problems.read_text()
    assert CANARY not in everything
    assert "Secret Mill" not in everything
    (only,) = listed(ngo)
    document = ngo.run("show", only["signal_id"], "--json", "--source").json
    assert document["source"] == f"{CANARY} 1"


def test_import_again_changes_nothing(ngo: Contributor) -> None:
    path = ngo.file("visits.csv", table(row(1), row(2)))
    ngo.run("import", str(path))
    before = listed(ngo)
    said = ngo.run("import", str(path), "--json")
    assert (said.json["new"], said.json["changed"], said.json["unchanged"]) == ([], [], 2)
    assert listed(ngo) == before


def test_import_of_a_changed_row_revises_its_signal(ngo: Contributor) -> None:
    path = ngo.file("visits.csv", table(row(1), row(2)))
    ngo.run("import", str(path))
    path.write_text(table(row(1, "Workers repay debts."), row(2)))
    (changed,) = ngo.run("import", str(path), "--json").json["changed"]
    assert (changed["revision"], changed["fields"], changed["row"]) == (2, ["narrative"], 2)
    assert ngo.run("show", changed["signal"], "--json").json["narrative"] == "Workers repay debts."
    assert ngo.run("import", str(path), "--json").json["unchanged"] == 2
    assert len(listed(ngo)) == 2


def test_import_of_a_row_that_lets_out_more_needs_yes(ngo: Contributor) -> None:
    path = ngo.file("visits.csv", table(row(1, tlp="red").replace(",red", ",amber strict"), row(2)))
    ngo.run("import", str(path))
    path.write_text(table(row(1, tlp="green"), row(2)))
    said = ngo.run("import", str(path), "--json")
    assert said.json["changed"] == []
    assert "would let out more" in said.talk
    assert "TLP:AMBER+STRICT to TLP:GREEN" in said.talk
    (changed,) = ngo.run("import", str(path), "--yes", "--json").json["changed"]
    assert changed["fields"] == ["tlp"]


def test_import_of_another_subject_under_a_reference_is_left_out(ngo: Contributor) -> None:
    path = ngo.file("visits.csv", table(row(1), row(2)))
    ngo.run("import", str(path))
    path.write_text(table(row(3, reference="case 1"), row(2)))
    said = ngo.run("import", str(path), "--json")
    assert "another subject than before" in said.talk
    assert said.json["changed"] == said.json["new"] == []


def test_import_does_not_bring_back_what_was_recalled(ngo: Contributor) -> None:
    path = ngo.file("visits.csv", table(row(1), row(2)))
    new = ngo.run("import", str(path), "--json").json["new"]
    ngo.run("recall", new[0]["signal"], "--reason=error", "--yes")
    said = ngo.run("import", str(path), "--json")
    assert "was recalled" in said.talk
    assert (said.json["new"], said.json["unchanged"]) == ([], 1)
    assert len(listed(ngo)) == 1


def test_import_of_one_reference_twice_takes_the_first(ngo: Contributor) -> None:
    path = ngo.file("visits.csv", table(row(1), row(2, reference="case 1")))
    said = ngo.run("import", str(path), "--json")
    assert len(said.json["new"]) == 1
    assert "the file has it twice" in said.talk


def test_import_without_references_says_what_that_means(ngo: Contributor) -> None:
    path = ngo.file("visits.csv", table(row(1, reference=""), row(2, reference="")))
    assert "without a reference" in ngo.run("import", str(path)).talk
    assert ngo.run("import", str(path), "--json").json["unchanged"] == 2
    path.write_text(table(row(1, "New words.", reference=""), row(2, reference="")))
    assert len(ngo.run("import", str(path), "--json").json["new"]) == 1


def test_import_leaves_out_what_the_screening_suspects_until_reviewed(ngo: Contributor) -> None:
    path = ngo.file("visits.csv", table(row(1), row(2, PHONE)))
    said = ngo.run("import", str(path), "--json")
    assert said.json["unreviewed"] == [{"row": 3, "found": ["phone"], "fields": ["narrative"]}]
    assert len(said.json["new"]) == 1
    assert "1 row waits for a person" in said.talk
    assert "1234567" not in said.talk + said.out
    said = ngo.run("import", str(path), "--reviewed", "--json")
    assert (len(said.json["new"]), said.json["unchanged"]) == (1, 1)


def test_import_of_nothing_but_suspects_is_refused_as_unreviewed(ngo: Contributor) -> None:
    path = ngo.file("visits.csv", table(row(2, PHONE)))
    said = ngo.run("import", str(path), code=65)
    assert "the screening found something to look at: phone" in said.talk
    assert listed(ngo) == []


@pytest.mark.parametrize(
    "column", ["unit price", "order volume", "Preis je Stück", "terminate contract", "worker name"]
)
def test_import_of_a_file_with_a_forbidden_column_is_refused_whole(ngo: Contributor, column: str) -> None:
    path = ngo.file("visits.csv", table(f"{row(1)},5", header=f"{HEADER},{column}"))
    said = ngo.run("import", str(path), code=65)
    assert "which no signal may hold" in said.talk
    assert listed(ngo) == []


def test_import_dry_run_stores_nothing_and_says_what_would_happen(ngo: Contributor) -> None:
    path = ngo.file("visits.csv", table(row(1), row(2, PHONE)))
    said = ngo.run("import", str(path), "--dry-run", "--json")
    assert (said.json["new"], said.json["changed"], said.json["dry_run"]) == (1, 0, True)
    assert "Would import visits.csv: 1 new" in said.talk
    assert listed(ngo) == []


def test_import_fills_columns_that_a_table_lacks_and_leaves_the_others(ngo: Contributor) -> None:
    text = "name,city,country,indicators,tlp\nQuimbara 1 Works,Gazipur,BD,isolation,green\n"
    path = ngo.file("bare.csv", text)
    assert "no column for subject_kind, evidence" in ngo.run("import", str(path), code=65).talk
    words = (
        *("--kind=factory", "--evidence=site visit", "--tlp=red", "--reliability=C", "--confidence=40"),
        *(
            "--recipient=birch",
            f"--embargo={ahead(3)}",
            f"--expires={ahead(4)}",
            f"--review={ahead(3, '06-01')}",
        ),
    )
    (new,) = ngo.run("import", str(path), *words, "--json").json["new"]
    document = ngo.run("show", new["signal"], "--json").json
    assert (document["subject"]["kind"], document["evidence"]) == ("site", "site-visit")
    assert (document["reliability"], document["confidence"]) == ("C", 40)
    # The table has a column for it.
    assert document["tlp"] == "green"
    assert (document["recipients"], document["embargo"]) == (["birch"], ahead(3))
    assert (document["expires"], document["review"]) == (ahead(4), ahead(3, "06-01"))
    # Filled otherwise, the file is the same.
    assert ngo.run("import", str(path), *words[:5], "--json").json["unchanged"] == 1


def test_import_maps_headers(ngo: Contributor) -> None:
    text = "Plant,Typ,Land,Was,Woher\nQuimbara 1 Works,factory,BD,isolation,media\n"
    path = ngo.file("own.csv", text)
    maps = ("name=Plant", "subject_kind=Typ", "country=Land", "indicators=Was", "evidence=Woher")
    words = [word for each in maps for word in ("--map", each)]
    assert len(ngo.run("import", str(path), *words, "--json").json["new"]) == 1
    assert "did you mean" in ngo.run("import", str(path), "--map", "nmae=Plant", code=65).talk.lower()


@pytest.mark.parametrize(
    ("cell", "said"),
    [("nobody-knows", "nobody-knows is no other member"), ("watch", "watch is no other member")],
)
def test_import_of_unknown_recipients_is_named(ngo: Contributor, cell: str, said: str) -> None:
    header = f"{HEADER},recipients"
    path = ngo.file("visits.csv", table(f"{row(1)},{cell}", f"{row(2)},birch", header=header))
    talk = ngo.run("import", str(path)).talk
    assert said in talk
    assert len(listed(ngo)) == 1


def test_import_purposes_are_those_of_the_coalition(tmp_path: Path) -> None:
    with contributor(tmp_path, ("due-diligence", "remediation")) as ngo:
        header = f"{HEADER},purposes"
        path = ngo.file(
            "visits.csv", table(f"{row(1)},", f"{row(2)},resale", f"{row(3)},remediation", header=header)
        )
        said = ngo.run("import", str(path), "--json")
        assert "nothing says what it may be used for" in said.talk
        assert "resale is no purpose" in said.talk
        assert [each["row"] for each in said.json["new"]] == [4]
        assert len(ngo.run("import", str(path), "--purpose=due-diligence", "--json").json["new"]) == 1


def test_import_json_lines_and_refuses_options_for_tables(ngo: Contributor) -> None:
    lines = [
        {
            "subject": {"kind": "site", "name": "Mill", "city": "León", "country": "MX"},
            "indicators": ["isolation"],
        },
        {
            "subject": {"kind": "vessel", "name": "Ocean Star 7", "imo": "9074729"},
            "indicators": ["isolation"],
            "evidence": "media",
            "reference": "v1",
        },
    ]
    path = ngo.file("signals.jsonl", "\n".join(map(json.dumps, lines)))
    said = ngo.run("import", str(path), "--json")
    assert said.json["format"] == "jsonl"
    assert [each["row"] for each in said.json["new"]] == [2]
    assert "row 1, evidence: it is missing" in said.talk
    assert "are for tables" in ngo.run("import", str(path), "--tlp=green", code=2).talk


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("x.csv", b"", "is empty"),
        ("x.csv", b"PK\x03\x04" + bytes(100), "Excel workbook"),
        ("x.json", b"{", "nobody can tell"),
        ("x.json", b'{"hello": 1}', "nobody can tell"),
        ("x.jsonl", b'[{"a": 1}]', "no JSON object"),
        ("x.json", b'{"type": "bundle", "objects": ' + b"[" * 5_000, "more than"),
        ("x.json", b'{"Event": 5}', "no MISP event"),
        ("x.csv", b"name\n" + b"x" * 300_000, "no column"),
        ("x", b"\x00\x01\x02\x03" * 100, ""),
    ],
)
def test_import_of_a_file_that_is_none_is_refused(
    ngo: Contributor, name: str, content: bytes, said: str
) -> None:
    talk = ngo.run("import", str(ngo.file(name, content)), code=65).talk
    assert said in talk
    assert "symbolon: error: " in talk
    assert "Traceback" not in talk
    assert listed(ngo) == []


def test_import_of_folders_missing_files_and_unknown_formats(ngo: Contributor) -> None:
    for words, code in (
        ((str(ngo.folder),), 65),
        ((str(ngo.folder), "--format=misp"), 65),
        ((str(ngo.folder / "none.csv"),), 65),
        ((str(ngo.file("x.csv", table(row(1)))), "--format=xlsx"), 2),
        ((str(ngo.file("x.csv", table(row(1)))), "--embargo=soon"), 2),
        ((str(ngo.file("x.csv", table(row(1)))), "--problems=/no/such/folder/p.csv"), 65),
    ):
        assert "symbolon: error: " in ngo.run("import", *words, code=code).talk
    assert listed(ngo) == []


def test_import_kobo_export_is_known_by_its_columns(ngo: Contributor) -> None:
    names = "subject/subject_kind subject/name subject/country seen/indicators _id _uuid _submission_time"
    header = ";".join(f'"{each}"' for each in names.split())
    cells = '"site";"Blue River";"BD";"child_labour";"5";"fe83";"2026-06-02T03:20:01"'
    path = ngo.file("kobo.csv", f"{header}\n{cells}\n")
    said = ngo.run("import", str(path), "--evidence=site visit", "--json")
    assert (said.json["format"], len(said.json["new"])) == ("kobo", 1)
    assert ngo.run("import", str(path), "--evidence=site visit", "--json").json["unchanged"] == 1


def test_import_shows_no_control_characters_of_a_file(ngo: Contributor) -> None:
    text = table(row(1), "\x1b[2Jplanet,\x1b]0;x\x07,,,,,,,,\u202e,")
    path = ngo.file("nasty.csv", text)
    said = ngo.run("import", str(path), "--json", code=None)
    assert not set(said.talk + said.out) & {"\x1b", "\x07", "\u202e"}
