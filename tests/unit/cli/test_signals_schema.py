"""`symbolon signals schema`: which of the two schemas is printed, and for what."""

import json

import pytest

from symbolon.cli import main
from symbolon.signals.record_schema import record_schema
from symbolon.signals.signal_file import json_schema


def test_schema_is_that_of_a_file_and_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert main.run(["signals", "schema"]) == 0
    said = capsys.readouterr()
    assert json.loads(said.out) == json_schema()
    assert "as its author writes it; --record prints" in said.err


def test_schema_record_is_that_of_what_is_signed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main.run(["signals", "schema", "--record"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document == record_schema()
    assert {"signal_id", "revision", "issued", "state", "dispute", "reply"} <= set(document["required"])
