"""docs/transparency.md says what the report does: every field, every number of the rule."""

import re
from collections.abc import Iterator
from pathlib import Path

import typer.main

from audit_report_command import APP
from report_logs import made, row, sessions
from symbolon.audit.demand import NOTHING_SAID, Demand, DemandKind
from symbolon.audit.report_json import FORMAT, report_content
from symbolon.audit.report_scope import RECORDS, Budget
from symbolon.audit.small_counts import FEWEST_MEMBERS, THRESHOLD

TEXT = (Path(__file__).resolve().parents[2] / "docs" / "transparency.md").read_text(encoding="utf-8")
FIELDS = TEXT.partition("## The JSON")[2]
BY_NAME = {"by_group", "groups", "notices", "denied", "denied_at_least"}
"""Objects whose names are not fields."""


def fields(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield name
            if name not in BY_NAME:
                yield from fields(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from fields(inner)


def test_document_names_every_field_of_the_json() -> None:
    report = made([*sessions(9), row(Demand(DemandKind.ORDER, "DE").entry())], budget=Budget(1))
    named = set(re.findall(r"`([a-z_]+)`", FIELDS)) | set(re.findall(r'"([a-z_]+)"', FIELDS))
    found = set(fields(report_content(report)))
    assert found - named == set()
    assert FORMAT in FIELDS
    assert all(f"`{record}`" in FIELDS for record in RECORDS)


def test_document_has_the_numbers_of_the_rule() -> None:
    assert f"0 to {THRESHOLD - 1}, {THRESHOLD} to {2 * THRESHOLD - 1}" in TEXT
    assert f"fewer than {FEWEST_MEMBERS} members" in TEXT
    assert NOTHING_SAID.sentence in TEXT
    assert "|".join(DemandKind) in TEXT


def test_document_uses_options_that_are_there() -> None:
    group = typer.main.get_command(APP)
    known = {option for command in group.commands.values() for each in command.params for option in each.opts}
    known |= {
        each for command in group.commands.values() for p in command.params for each in p.secondary_opts
    }
    used = set(re.findall(r"--[a-z][a-z-]+", TEXT))
    # Of `symbolon audit export`.
    assert used - known == {"--fields"}
