"""`symbolon signals export`: own signals for other systems, and what happens when they come back."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from contributing_ngo import Contributor, contributor
from json_schema_validator import accepts
from symbolon.signals.signal_file import json_schema

CANARY = "CANARY-night-guard"


@pytest.fixture(scope="module")
def ngo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Contributor]:
    with contributor(tmp_path_factory.mktemp("coalition")) as made:
        narrative = str(made.file("n.txt", "Workers repay recruitment debts."))
        source = str(made.file("s.txt", CANARY))
        made.add("--narrative-file", narrative, "--source-file", source, "--confidence=70")
        made.add("--tlp=red", "--recipient=birch", "--indicator=isolation")
        recalled = made.add("--indicator=coercion")
        made.run("recall", recalled, "--reason=error", "--yes")
        yield made


@pytest.mark.parametrize("form", ["misp", "stix", "jsonl"])
def test_export_has_what_stands_and_never_a_source(ngo: Contributor, form: str) -> None:
    said = ngo.run("export", "--format", form)
    assert "Workers repay recruitment debts." in said.out
    assert "Blue River Garments Ltd" in said.out
    assert CANARY not in said.out + said.talk
    assert "Wrote 1 signals. 1 marked TLP:RED left out" in said.talk
    assert "coercion" not in said.out or form != "jsonl"


@pytest.mark.parametrize("form", ["misp", "stix", "jsonl"])
def test_export_to_a_file_is_private_and_whole(ngo: Contributor, form: str) -> None:
    path = ngo.folder / "out.json"
    said = ngo.run("export", "--format", form, "--out", str(path), "--with-red")
    assert said.out == ""
    assert path.stat().st_mode & 0o077 == 0
    assert "Wrote 2 signals" in said.talk
    text = path.read_text()
    assert "isolation" in text
    if form != "jsonl":
        json.loads(text)


@pytest.mark.parametrize("form", ["misp", "stix", "jsonl"])
def test_export_that_comes_back_adds_nothing(ngo: Contributor, form: str) -> None:
    path = ngo.folder / ("back.jsonl" if form == "jsonl" else "back.json")
    ngo.run("export", "--format", form, "--out", str(path), "--with-red")
    before = ngo.run("list", "--all", "--json").json
    for words in ((), ("--format", form), ("--reviewed", "--yes")):
        said = ngo.run("import", str(path), *words, code=65)
        assert "of this member, which came back" in said.talk
    assert ngo.run("list", "--all", "--json").json == before


def test_export_of_named_signals_and_without_narratives(ngo: Contributor) -> None:
    ids = [each["signal_id"] for each in ngo.run("list", "--json").json]
    said = ngo.run("export", ids[-1][:8], "--format=jsonl", "--without-narratives")
    (line,) = said.out.splitlines()
    assert json.loads(line)["reference"] == ids[-1]
    assert "narrative" not in json.loads(line)


@pytest.mark.parametrize("form", ["misp", "stix", "jsonl"])
def test_export_has_the_suppliers_side_and_no_import_takes_it(tmp_path: Path, form: str) -> None:
    with contributor(tmp_path) as ngo:
        hex_id = ngo.add()
        ngo.run("dispute", hex_id, "--statement-file", str(ngo.file("d.txt", "We pay it.")), "--yes")
        ngo.run("reply", hex_id, "--file", str(ngo.file("a.txt", "See the slips.")), "--yes")
        text = ngo.run("export", "--format", form).out
        for words in ("We pay it.", "See the slips.", "open"):
            assert words in text
        if form == "jsonl":
            line = json.loads(text)
            assert (line["dispute"]["state"], line["reply"]["text"]) == ("open", "See the slips.")
            assert accepts(json_schema(), line)
        # As another member's file would be: another name for it, and none of this node's.
        data = text.replace(hex_id, os.urandom(16).hex())
        path = ngo.file("other.jsonl" if form == "jsonl" else "other.json", data)
        more = ("--format", form, "--purpose=due-diligence", "--reviewed", "--yes")
        said = ngo.run("import", str(path), *more)
        assert "the subject contests this signal; a draft has no place for that" in said.talk
        assert "the subject has answered; a draft has no place for that" in said.talk
        (made,) = [each for each in ngo.run("list", "--json").json if each["signal_id"] != hex_id]
        assert (made["dispute"]["state"], made["reply"]) == ("none", None)


@pytest.mark.parametrize("form", ["misp", "stix"])
def test_export_with_recalled_tells_that_and_nothing_else_of_them(ngo: Contributor, form: str) -> None:
    plain, whole = (ngo.run("export", "--format", form, *more).out for more in ((), ("--with-recalled",)))
    assert len(whole) > len(plain)
    assert "coercion" not in plain


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("--format=xml",), 2),
        (("--format=jsonl", "--with-recalled"), 2),
        (("--format=misp", "--out=/"), 65),
        (("--format=misp", "--out=/no/such/folder/x"), 65),
        (("--format=misp", "00000000"), 65),
    ],
)
def test_export_that_cannot_be_says_so(ngo: Contributor, words: tuple[str, ...], code: int) -> None:
    talk = ngo.run("export", *words, code=code).talk
    assert "symbolon: error: " in talk
    assert "symbolon: hint: " in talk
