"""The published schema of a record: its file, and that it says what each field is."""

import json
from importlib.resources import files
from typing import Any

from symbolon.signals.record_schema import record_schema
from symbolon.signals.signal_file import json_schema

SCHEMA = record_schema()


def _objects(schema: Any) -> list[dict[str, Any]]:
    found = []
    if isinstance(schema, dict):
        if schema.get("type") == "object":
            found.append(schema)
        found += [each for value in schema.values() for each in _objects(value)]
    elif isinstance(schema, list):
        found += [each for value in schema for each in _objects(value)]
    return found


def test_record_schema_committed_file_is_what_the_code_makes() -> None:
    committed = files("symbolon.signals").joinpath("signal_record.schema.json").read_text(encoding="utf-8")
    assert committed == json.dumps(SCHEMA, indent=2) + "\n", "write record_schema() to the file"


def test_record_schema_and_that_of_a_file_are_told_apart() -> None:
    of_file = json_schema()
    assert SCHEMA["$schema"] == of_file["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert (SCHEMA["$id"], of_file["$id"]) == ("urn:symbolon:signal-record:1", "urn:symbolon:signal-file:1")
    assert SCHEMA["title"] != of_file["title"]


def test_record_schema_names_every_field_and_lets_no_other_in() -> None:
    objects = _objects(SCHEMA)
    assert [each["title"] for each in objects] == [
        "Symbolon signal record",
        "Subject",
        "Severity",
        "Native grade",
        "Period",
        "Dispute",
        "Reply",
    ]
    for each in objects:
        assert each["additionalProperties"] is False
        assert all(field["title"] for field in each["properties"].values())
    assert not {"source", "reference", "workers", "price"} & SCHEMA["properties"].keys()
