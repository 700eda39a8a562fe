"""Which form a file of signals has, by its content; and texts that come in files."""

import io
import json
import os
import sys
from pathlib import Path

import pytest

from symbolon.cli.signals_files import FORMS, find_form
from symbolon.cli.signals_texts import is_open_to_others, read_text, require_one_stdin
from symbolon.errors import InputError, UsageError

KOBO = '"name";"_id";"_uuid";"_submission_time"\n'
LINE = json.dumps(
    {"subject": {"kind": "site", "name": "Mill"}, "indicators": ["isolation"], "evidence": "media"}
)


@pytest.mark.parametrize(
    ("name", "content", "form"),
    [
        ("a.csv", "name,evidence\nx,media\n", "csv"),
        ("a", "name,evidence\nx,media\n", "csv"),
        ("a.txt", "\ufeffname;evidence\nx;media\n", "csv"),
        ("a.csv", KOBO, "kobo"),
        ("a.jsonl", LINE, "jsonl"),
        ("a.ndjson", LINE, "jsonl"),
        ("a.json", LINE + "\n" + LINE, "jsonl"),
        ("a", "\ufeff" + LINE, "jsonl"),
        ("a.json", '{"response": [{"Event": {"info": "x"}}]}', "misp"),
        ("a.json", '[{"Event": {"info": "x"}}]', "misp"),
        ("a.json", '{\n "Event": {\n  "info": "x"}}', "misp"),
        ("a.json", '{"type": "bundle", "id": "bundle--x", "objects": []}', "stix"),
        ("a.json", '[{"type": "report", "spec_version": "2.1"}]', "stix"),
        ("a.json", "symbolon-drop-1 " + "0" * 32 + "\n", "drop"),
        ("a.csv", "symbolon-drop-1 " + "0" * 32 + "\n", "drop"),
    ],
)
def test_find_form_goes_by_what_a_file_holds(tmp_path: Path, name: str, content: str, form: str) -> None:
    path = tmp_path / name
    path.write_text(content, encoding="utf-8")
    assert find_form(path) == form


@pytest.mark.parametrize("form", FORMS)
def test_find_form_takes_the_form_that_was_typed(tmp_path: Path, form: str) -> None:
    path = tmp_path / "a"
    path.write_text("anything")
    assert find_form(path, form.upper()) == form


@pytest.mark.parametrize("content", ["{", "[]", '{"a": 1}', "[" * 100_000, '{"a":' * 50_000])
def test_find_form_of_json_that_is_neither_asks_for_the_form(tmp_path: Path, content: str) -> None:
    path = tmp_path / "a.json"
    path.write_text(content)
    with pytest.raises(InputError) as caught:
        find_form(path)
    assert caught.value.full_code == "input.form"
    assert "--format" in str(caught.value.hint)


def test_find_form_of_what_is_no_file_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path, tmp_path / "none", tmp_path / "pipe", Path("/dev/null")):
        for form in ("", "misp"):
            with pytest.raises(InputError):
                find_form(path, form)
    with pytest.raises(UsageError, match="unknown format"):
        find_form(tmp_path, "xlsx")


# ------------------------------------------------------------------------------------------------- texts


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_read_text_in_the_usual_encodings(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes("Löhne – nicht gezahlt".encode(encoding))
    assert read_text(path, "the text", 100) == "Löhne – nicht gezahlt"


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "input.empty"),
        (b" \r\n\t", "input.empty"),
        (b"a\0b", "input.binary"),
        (b"%PDF-1.7", "input.binary"),
        (b"PK\x03\x04docx", "input.binary"),
        (b"\xff\xfea", "input.encoding"),
        (b"\x81\x8d\x8f", "input.encoding"),
        (b"x" * 101, "input.too_large"),
        (b"x" * 10_000, "input.too_large"),
        (("é" * 101).encode(), "input.too_large"),
    ],
)
def test_read_text_that_is_none_is_refused_with_a_hint(tmp_path: Path, content: bytes, code: str) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(content)
    with pytest.raises(InputError) as caught:
        read_text(path, "the text", 100)
    assert caught.value.full_code == code
    assert caught.value.hint


def test_read_text_of_exactly_as_much_as_there_may_be_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("𐍈" * 100, encoding="utf-8-sig")
    assert read_text(path, "the text", 100) == "𐍈" * 100


def test_read_text_does_not_wait_for_a_pipe_that_nobody_writes(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", tmp_path, tmp_path / "none"):
        with pytest.raises(InputError):
            read_text(path, "the text", 100)


def test_read_text_from_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO("Löhne".encode())))
    assert read_text(Path("-"), "the text", 100) == "Löhne"
    with pytest.raises(UsageError):
        require_one_stdin(Path("-"), None, Path("-"))
    require_one_stdin(Path("-"), None, Path("x"))


def test_is_open_to_others_looks_at_files_alone(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.touch(mode=0o600)
    assert not is_open_to_others(path)
    path.chmod(0o640)
    assert is_open_to_others(path)
    assert not is_open_to_others(Path("-"))
    assert not is_open_to_others(None)
