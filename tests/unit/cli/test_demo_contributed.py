"""The signals of the demonstration are what its commands read: typed, or as rows of a table."""

from datetime import date
from pathlib import Path

from symbolon.cli.demo_contributed import (
    AUDIT,
    CONTEST,
    GRIEVANCE,
    INTERVIEW,
    NARRATIVE,
    REPLY,
    as_options,
    contributions,
    write_table,
)
from symbolon.cli.demo_lists import demo_lists
from symbolon.cli.signals_files import open_signals
from symbolon.rpc.contributing import Screened, screen
from symbolon.signals.draft import Draft

TODAY = date(2026, 2, 28)


def test_contributions_name_no_supplier_as_the_companies_do() -> None:
    lists = demo_lists()
    names = {each.name for each in (*lists.ours, *lists.theirs, *lists.watched)}
    assert not names & {each["name"] for each in contributions(lists, TODAY).values()}


def test_contributions_period_lies_before_today_over_the_turn_of_a_year() -> None:
    made = contributions(demo_lists(), TODAY)
    assert (made[INTERVIEW]["period_from"], made[INTERVIEW]["period_to"]) == ("2025-09", "2025-12")
    assert made[GRIEVANCE]["period_from"] == "2025-11"


def test_write_table_is_read_without_a_problem(tmp_path: Path) -> None:
    made = contributions(demo_lists(), TODAY)
    write_table(tmp_path / "signals.csv", made.values())
    with open_signals(
        tmp_path / "signals.csv", "csv", today=TODAY, header_map={}, encoding=None, filled={}
    ) as reader:
        drafts = list(reader)
    assert all(isinstance(each, Draft) for each in drafts)
    read = {each.evidence.value: each for each in drafts if isinstance(each, Draft) and each.evidence}
    assert read.keys() == {"worker-interview", "audit-finding", "grievance"}
    assert read["audit-finding"].native is not None
    assert [each.value for each in sorted(read["worker-interview"].indicators)] == [
        "debt-bondage",
        "recruitment-fees",
    ]
    assert not any(Screened(each).found for each in read.values())


def test_contributions_texts_of_the_supplier_and_of_the_ngo_are_not_stopped_by_the_screening() -> None:
    for text in (CONTEST, REPLY, NARRATIVE):
        assert screen(text, "narrative", "PT") == ()


def test_as_options_names_every_column_but_texts() -> None:
    made = contributions(demo_lists(), TODAY)[INTERVIEW]
    options = as_options(made)
    assert options.count("--indicator") == 2
    assert {"--kind", "--from", "--to", "--os-id"} <= set(options)
    assert "--narrative" not in options
    assert NARRATIVE not in options


def test_contributions_audit_has_a_grade_of_a_scheme() -> None:
    assert contributions(demo_lists(), TODAY)[AUDIT]["scheme"] == "SMETA"
