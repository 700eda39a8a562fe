import json
from dataclasses import replace
from datetime import date, timedelta
from importlib.resources import files
from typing import Any

import pytest

from json_schema_validator import accepts
from signal_makers import TODAY, make_draft
from symbolon.signals.draft import Draft
from symbolon.signals.field_faults import MAX_FAULTS
from symbolon.signals.record_codec import SUBJECT_FIELDS
from symbolon.signals.signal import NO_DISPUTE, Month, Native, Period, Severity
from symbolon.signals.signal_file import SubjectFile, draft_object, json_schema, read_signal_object
from symbolon.signals.vocabulary import Evidence, Indicator, Level, Reliability, SubjectKind, Tlp
from symbolon.suppliers.row_problem import RowProblem

SCHEMA = json_schema()
LEAST: dict[str, Any] = {
    "subject": {"kind": "site", "name": "Blue River", "country": "BD"},
    "indicators": ["debt-bondage"],
    "evidence": "media",
}


def _read(value: object) -> tuple[list[Draft], list[RowProblem]]:
    items = list(read_signal_object(7, value, TODAY))
    drafts = [item for item in items if isinstance(item, Draft)]
    return drafts, [item for item in items if isinstance(item, RowProblem)]


def _fatal(value: object) -> list[RowProblem]:
    drafts, problems = _read(value)
    assert drafts == []
    fatal = [problem for problem in problems if problem.fatal]
    assert fatal
    assert all(problem.row == 7 and problem.message and problem.remedy for problem in fatal)
    return fatal


def test_signal_file_subject_has_every_field_that_a_subject_may_have() -> None:
    assert tuple(SubjectFile.model_fields) == ("kind", *SUBJECT_FIELDS)


def test_signal_file_least_object_is_a_draft_with_all_defaults() -> None:
    (draft,), problems = _read(LEAST)
    assert problems == []
    assert draft == Draft(
        subject=draft.subject,
        indicators=frozenset({Indicator.DEBT_BONDAGE}),
        evidence=Evidence.MEDIA,
    )
    assert draft.subject.kind is SubjectKind.SITE
    assert (draft.subject.record.name, draft.subject.record.country) == ("Blue River", "BD")


def test_signal_file_full_object_fills_every_field() -> None:
    (draft,), problems = _read(
        {
            **LEAST,
            "severity": {"scale": "high", "scope": 2.0, "irremediability": 1},
            "likelihood": "extreme",
            "confidence": 0,
            "reliability": "B",
            "native": {"scheme": "SMETA  7.0", "grade": "Critical"},
            "period": {"from": "2026-02", "to": "2026-05"},
            "narrative": " One.\r\nTwo. ",
            "tlp": "red",
            "purposes": ["due-diligence", "audit", "audit"],
            "recipients": ["birch", "acme"],
            "embargo": "2026-08-01",
            "expires": "2027-01-01",
            "review": "2026-12-01",
            "source": "a hotline",
            "reference": "row 9",
            "workers": 12,
        }
    )
    assert problems == []
    assert draft == Draft(
        subject=draft.subject,
        indicators=frozenset({Indicator.DEBT_BONDAGE}),
        evidence=Evidence.MEDIA,
        severity=Severity(Level.HIGH, Level.MODERATE, Level.LOW),
        likelihood=Level.EXTREME,
        confidence=0,
        reliability=Reliability.B,
        native=Native("SMETA 7.0", "Critical"),
        period=Period(Month(2026, 2), Month(2026, 5)),
        narrative="One.\nTwo.",
        tlp=Tlp.RED,
        purposes=("audit", "due-diligence"),
        recipients=("acme", "birch"),
        embargo=date(2026, 8, 1),
        expires=date(2027, 1, 1),
        review=date(2026, 12, 1),
        source="a hotline",
        reference="row 9",
        workers=12,
    )


def test_signal_file_null_is_as_good_as_missing() -> None:
    optional = {name: None for name in SCHEMA["properties"] if name not in SCHEMA["required"]}
    assert _read({**LEAST, **optional}) == _read(LEAST)


def test_signal_file_period_without_end_is_one_month() -> None:
    (draft,), _ = _read({**LEAST, "period": {"from": "2026-03"}})
    assert draft.period == Period(Month(2026, 3), Month(2026, 3))


def test_signal_file_object_of_a_draft_reads_back() -> None:
    draft = make_draft(native=Native("SA8000", "major"), confidence=0)
    assert _read(json.loads(json.dumps(draft_object(draft)))) == ([draft], [])


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"subject": None}, "subject"),
        ({"subject": {"kind": "ship", "name": "A"}}, "subject.kind"),
        ({"subject": {"name": "A"}}, "subject.kind"),
        ({"subject": {"kind": "site"}}, "subject.name"),
        ({"subject": {"kind": "site", "name": "x" * 4_001}}, "subject.name"),
        ({"subject": {"kind": "site", "name": "x" * 3_000, "city": "x" * 3_000, "country": "CN"}}, "subject"),
        ({"subject": {"kind": "site", "name": "\u202e\u2066", "country": "CN"}}, "subject"),
        ({"subject": {"kind": "site", "name": "A", "supplier_id": "1"}}, "subject.supplier_id"),
        ({"indicators": []}, "indicators"),
        ({"indicators": "debt-bondage"}, "indicators"),
        ({"indicators": ["deception", "Debt bondage"]}, "indicators[1]"),
        ({"evidence": "hearsay"}, "evidence"),
        ({"severity": {"scale": 5}}, "severity.scale"),
        ({"severity": {"scale": True}}, "severity.scale"),
        ({"likelihood": "certain"}, "likelihood"),
        ({"confidence": 101}, "confidence"),
        ({"confidence": -1}, "confidence"),
        ({"confidence": 0.5}, "confidence"),
        ({"confidence": "70"}, "confidence"),
        ({"reliability": "G"}, "reliability"),
        ({"native": {"scheme": "SMETA"}}, "native.grade"),
        ({"native": {"scheme": " ", "grade": "x"}}, "native"),
        ({"period": {"from": "2026-13"}}, "period.from"),
        ({"period": {"from": "2026-03-15"}}, "period.from"),
        ({"period": {"from": "2026-05", "to": "2026-03"}}, "period"),
        ({"period": {"from": "2026-08"}}, "period"),
        ({"narrative": "x" * 20_001}, "narrative"),
        ({"tlp": "pink"}, "tlp"),
        ({"tlp": "red"}, "tlp"),
        ({"purposes": ["due diligence"]}, "purposes[0]"),
        ({"recipients": [f"m{number}" for number in range(65)]}, "recipients"),
        ({"embargo": "01.08.2026"}, "embargo"),
        ({"embargo": "2026-02-30"}, "embargo"),
        ({"embargo": "2028-08-01"}, "embargo"),
        ({"expires": "2026-07-01"}, "expires"),
        ({"expires": "2027-07-01", "review": "2027-08-01"}, "review"),
        ({"urgent": "yes"}, "urgent"),
        ({"urgent": True}, "urgent"),
        ({"source": "x" * 20_001}, "source"),
        ({"reference": "x" * 201}, "reference"),
        ({"workers": 0}, "workers"),
        ({"workers": 1.5}, "workers"),
        ({"signal_id": "00" * 16}, "signal_id"),
        ({"revision": 1}, "revision"),
        ({"issued": "2026-01-01"}, "issued"),
        ({"price": 3}, "price"),
        ({"narrative": "\ud800"}, "narrative"),
    ],
)
def test_signal_file_value_that_does_not_hold_names_its_path(change: dict[str, Any], path: str) -> None:
    assert [problem.column for problem in _fatal({**LEAST, **change})] == [path]


@pytest.mark.parametrize("value", [None, 3, "text", [LEAST]])
def test_signal_file_something_else_than_an_object_is_refused(value: object) -> None:
    assert [problem.column for problem in _fatal(value)] == [None]


def test_signal_file_all_faults_of_days_and_marks_are_named_at_once() -> None:
    problems = _fatal({**LEAST, "urgent": True, "tlp": "red", "expires": "2020-05-05"})
    assert {problem.column for problem in problems} == {"urgent", "tlp", "expires"}


def test_signal_file_misspelt_field_is_told_its_name() -> None:
    (problem,) = _fatal({**LEAST, "narative": "x"})
    assert problem.remedy == "did you mean narrative?"


def test_signal_file_unknown_name_that_could_be_a_secret_is_not_repeated() -> None:
    for name in ("Maria told us on 3 March", "\ud800", "x" * 5_000, "a\x1b[31mb"):
        (problem,) = _fatal({**LEAST, name: 1})
        assert name not in (problem.column or "")


def test_signal_file_problems_never_quote_a_value() -> None:
    secret = "canary-4711"
    for name in SCHEMA["properties"]:
        for wrong in (secret, [secret], {secret: secret}, {"kind": secret, "scale": secret, "from": secret}):
            for problem in _read({**LEAST, name: wrong})[1]:
                assert secret not in f"{problem.message} {problem.remedy}"


def test_signal_file_thousand_faults_are_a_bounded_report() -> None:
    assert len(_fatal({**LEAST, **{f"f{number}": 1 for number in range(1_000)}})) == MAX_FAULTS


@pytest.mark.parametrize("field", ["narrative", "source", "reference"])
def test_signal_file_hidden_characters_are_left_out_with_a_note(field: str) -> None:
    (draft,), (note,) = _read({**LEAST, field: "left\u202eright\x1b[31m"})
    assert getattr(draft, field) == "leftright[31m"
    assert (note.column, note.fatal) == (field, False)


@pytest.mark.parametrize(
    "text", ["l\u2019\u00e9t\u00e9\u00a0: \u00ab\u202foui\u202f\u00bb", "a\r\nb\rc", "আমরা"]
)
def test_signal_file_ordinary_writing_gives_no_note(text: str) -> None:
    assert _read({**LEAST, "narrative": text})[1] == []


def test_signal_file_notes_of_a_supplier_list_come_with_the_draft() -> None:
    drafts, notes = _read({**LEAST, "subject": {"kind": "site", "name": "A", "lei": "123", "country": "XX"}})
    assert len(drafts) == 1
    assert {(note.column, note.fatal) for note in notes} == {
        ("subject.lei", False),
        ("subject.country", False),
    }


def test_signal_file_draft_may_leave_its_purposes_to_the_importer() -> None:
    (draft,), problems = _read(LEAST)
    assert (draft.purposes, problems) == ((), [])


# ------------------------------------------------------------------------------------- JSON Schema


def test_schema_committed_file_is_what_the_code_makes() -> None:
    committed = files("symbolon.signals").joinpath("signal.schema.json").read_text(encoding="utf-8")
    assert committed == json.dumps(SCHEMA, indent=2) + "\n", "write json_schema() to signal.schema.json"


def test_signal_file_tells_of_contest_and_reply_and_takes_neither() -> None:
    dispute = {"state": "open", "since": "2026-07-02", "statement": "CANARY"}
    reply = {"received": "2026-07-09", "text": "CANARY"}
    (draft,), problems = _read({**LEAST, "dispute": dispute, "reply": reply})
    assert [(each.column, each.fatal) for each in problems] == [("dispute", False), ("reply", False)]
    assert "symbolon signals dispute" in problems[0].remedy
    assert "symbolon signals reply" in problems[1].remedy
    assert "CANARY" not in repr((draft, problems))
    signal = replace(draft, purposes=("due-diligence",)).first_revision(bytes(16), TODAY)
    assert (signal.dispute, signal.reply) == (NO_DISPUTE, None)
    none = {"state": "none", "since": "2026-07-02"}
    assert _read({**LEAST, "dispute": none})[1] == []


def test_schema_names_its_dialect_and_describes_every_field() -> None:
    assert SCHEMA["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert set(SCHEMA["required"]) == {"subject", "indicators", "evidence"}
    objects = [SCHEMA, *(each for each in SCHEMA["$defs"].values() if "properties" in each)]
    assert len(objects) == 7
    for each in objects:
        assert each["additionalProperties"] is False
        assert each["title"]
        for field in each["properties"].values():
            assert field.get("title") or SCHEMA["$defs"][field["$ref"].split("/")[-1]]["title"]


@pytest.mark.parametrize(
    "word",
    "price cost volume quantity amount contract terminat worker_name first_name person email phone".split(),
)
def test_schema_has_no_field_for_what_no_signal_may_hold(word: str) -> None:
    names = [name for each in (SCHEMA, *SCHEMA["$defs"].values()) for name in each.get("properties", ())]
    assert not [name for name in names if word in name]


# Value, and whether both the schema and the reader take it.
SAMPLES: list[tuple[dict[str, Any], bool]] = [
    ({}, True),
    ({"severity": {"scale": 4, "scope": "moderate"}}, True),
    ({"severity": {"scale": 1.0}}, True),
    ({"severity": {"scale": True}}, False),
    ({"severity": {"gravity": 1}}, False),
    ({"likelihood": 5}, False),
    ({"confidence": 100}, True),
    ({"confidence": 100.0}, True),
    ({"confidence": 100.5}, False),
    ({"confidence": True}, False),
    ({"confidence": None}, True),
    ({"reliability": "a"}, False),
    ({"native": {"scheme": "SMETA", "grade": "x" * 81}}, False),
    ({"native": {"scheme": "SMETA", "grade": ""}}, False),
    ({"period": {"from": "2026-03", "to": None}}, True),
    ({"period": {"to": "2026-03"}}, False),
    ({"period": {"from": "1899-12"}}, False),
    ({"period": {"from": "2026-03\n"}}, False),
    ({"period": {"from": "２０２６-03"}}, False),
    ({"tlp": "amber+strict"}, True),
    ({"tlp": "AMBER"}, False),
    ({"purposes": ["due-diligence", "due-diligence"]}, True),
    ({"purposes": ["a b"]}, False),
    ({"purposes": ["due-diligence\n"]}, False),
    ({"recipients": []}, True),
    ({"embargo": "2026-12-31"}, True),
    ({"embargo": "2026-12-32"}, False),
    ({"embargo": "20261231"}, False),
    ({"urgent": False}, True),
    ({"urgent": 1}, False),
    ({"narrative": "x" * 20_000}, True),
    ({"narrative": "x" * 20_001}, False),
    ({"workers": 10_000_000}, True),
    ({"workers": 10_000_001}, False),
    ({"price": 1}, False),
    ({"dispute": {"state": "open", "since": "2026-07-02", "statement": "We pay."}}, True),
    ({"dispute": {"state": "open"}}, False),
    ({"dispute": {"state": "denied", "since": "2026-07-02"}}, False),
    ({"dispute": {"state": "open", "since": "2026-07-02", "price": 1}}, False),
    ({"reply": {"received": "2026-07-02", "text": "We pay."}}, True),
    ({"reply": {"received": "2026-07-02", "text": ""}}, False),
    ({"reply": "We pay."}, False),
    ({"indicators": ["deception"] * 64}, True),
    ({"indicators": ["deception"] * 65}, False),
    ({"subject": {"kind": "vessel", "name": "A", "country": None}}, True),
    ({"subject": {"kind": "vessel", "name": 3}}, False),
    ({"subject": []}, False),
]


@pytest.mark.parametrize(("change", "good"), SAMPLES)
def test_schema_and_reader_judge_a_sample_alike(change: dict[str, Any], good: bool) -> None:
    value = {**LEAST, **change}
    assert accepts(SCHEMA, value) is good
    assert bool(_read(value)[0]) is good


def test_schema_takes_what_a_draft_is_written_as() -> None:
    assert accepts(SCHEMA, draft_object(make_draft(expires=TODAY + timedelta(days=9))))
