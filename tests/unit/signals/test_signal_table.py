from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest

from signal_makers import TODAY
from symbolon.errors import InputError
from symbolon.signals import signal_table
from symbolon.signals.draft import Draft
from symbolon.signals.record_codec import SUBJECT_FIELDS
from symbolon.signals.signal import Month, Native, Period, Severity
from symbolon.signals.signal_columns import FIELDS, ScreenColumn, recognise
from symbolon.signals.signal_table import SignalTable, open_signal_table
from symbolon.signals.vocabulary import Evidence, Indicator, Level, Reliability, SubjectKind, Tlp
from symbolon.suppliers.row_problem import RowProblem

LEAST = "subject_kind,name,country,indicators,evidence"


@dataclass(frozen=True)
class Found:
    suspicion: str
    remedy: str


def _open(
    tmp_path: Path,
    text: str,
    header_map: Mapping[str, str] | None = None,
    screen_column: ScreenColumn | None = None,
) -> SignalTable:
    path = tmp_path / "signals.csv"
    path.write_text(text, encoding="utf-8")
    return open_signal_table(path, today=TODAY, header_map=header_map or {}, screen_column=screen_column)


def _read(
    tmp_path: Path, text: str, header_map: Mapping[str, str] | None = None
) -> tuple[list[Draft], list[RowProblem]]:
    items = list(_open(tmp_path, text, header_map))
    drafts = [item for item in items if isinstance(item, Draft)]
    return drafts, [item for item in items if isinstance(item, RowProblem)]


def test_signal_table_every_column_fills_its_field(tmp_path: Path) -> None:
    cells = {
        "subject_kind": "Recruitment agency",
        "name": "Sunrise Manpower",
        "address": "1 New Road",
        "city": "Kathmandu",
        "region": "Bagmati",
        "postal_code": "44600",
        "country": "Nepal",
        "os_id": "CN2021250D1DTN7",
        "lei": "213800KUD8LAJWSQ9D15",
        "gln": "4006381333931",
        "duns": "150483782",
        "vat": "DE136695976",
        "registration_number": "SC 123455",
        "imo": "IMO 9074729",
        "parent_name": "Sunrise Group",
        "latitude": "27.7",
        "longitude": "85.3",
        "indicators": "recruitment fees; Deception",
        "scale": "very high",
        "scope": "2",
        "irremediability": "low",
        "likelihood": "Moderate",
        "confidence": "high",
        "reliability": "b",
        "evidence": "Grievance mechanism",
        "scheme": "SMETA",
        "grade": "Major",
        "period_from": "02/2026",
        "period_to": "May 2026",
        "narrative": "Fees of, they say, a year.",
        "tlp": "TLP:AMBER+STRICT",
        "purposes": "Due_Diligence remediation",
        "recipients": "birch-ngo, acme",
        "embargo": "2026-08-01",
        "expires": "2027-01-01",
        "review": "2026-12-01 00:00:00",
        "urgent": "no",
        "source": "a hotline",
        "reference": "17",
        "workers": "1,200",
    }
    assert tuple(cells) == FIELDS
    row = ";".join(f'"{cell}"' for cell in cells.values())
    (draft,), problems = _read(tmp_path, ";".join(FIELDS) + "\n" + row + "\n")
    assert [each.column for each in problems if each.fatal] == []
    record = draft.subject.record
    assert draft.subject.kind is SubjectKind.RECRUITER
    assert {name: getattr(record, name) for name in SUBJECT_FIELDS} == {
        **{name: cells[name] for name in SUBJECT_FIELDS},
        "country": "NP",
    }
    assert draft == Draft(
        subject=draft.subject,
        indicators=frozenset({Indicator.RECRUITMENT_FEES, Indicator.DECEPTION}),
        evidence=Evidence.GRIEVANCE,
        severity=Severity(Level.EXTREME, Level.MODERATE, Level.LOW),
        likelihood=Level.MODERATE,
        confidence=85,
        reliability=Reliability.B,
        native=Native("SMETA", "Major"),
        period=Period(Month(2026, 2), Month(2026, 5)),
        narrative="Fees of, they say, a year.",
        tlp=Tlp.AMBER_STRICT,
        purposes=("due-diligence", "remediation"),
        recipients=("acme", "birch-ngo"),
        embargo=date(2026, 8, 1),
        expires=date(2027, 1, 1),
        review=date(2026, 12, 1),
        source="a hotline",
        reference="17",
        workers=1200,
    )


def test_signal_table_headers_in_any_spelling_are_read(tmp_path: Path) -> None:
    (draft,), _ = _read(
        tmp_path,
        "SUBJECT KIND,Name,country,Indicators,Evidence,Period-From\nsite,A,CN,isolation,media,2026-03\n",
    )
    assert draft.period == Period(Month(2026, 3), Month(2026, 3))


@pytest.mark.parametrize("header", ["Debt bondage", "indicators_debt_bondage", "indicator/debt-bondage"])
def test_signal_table_column_for_an_indicator_says_yes_or_no(tmp_path: Path, header: str) -> None:
    drafts, problems = _read(
        tmp_path,
        f"subject_kind,name,country,evidence,{header},Child labor\n"
        "site,A,CN,media,x,\nsite,B,CN,media,0,TRUE\nsite,C,CN,media,maybe,yes\nsite,D,CN,media,no,no\n",
    )
    assert [draft.indicators for draft in drafts] == [
        frozenset({Indicator.DEBT_BONDAGE}),
        frozenset({Indicator.CHILD_LABOUR}),
    ]
    assert [(each.row, each.column) for each in problems] == [(4, "debt-bondage"), (5, "indicators")]


def test_signal_table_both_ways_of_indicators_are_joined(tmp_path: Path) -> None:
    (draft,), _ = _read(tmp_path, f"{LEAST},isolation\nsite,A,CN,deception,media,1\n")
    assert draft.indicators == {Indicator.DECEPTION, Indicator.ISOLATION}


def test_signal_table_day_in_a_period_is_cut_and_noted(tmp_path: Path) -> None:
    (draft,), (note,) = _read(tmp_path, f"{LEAST},period_from\nsite,A,CN,isolation,media,2026-03-15\n")
    assert draft.period == Period(Month(2026, 3), Month(2026, 3))
    assert (note.row, note.column, note.fatal) == (2, "period_from", False)


def test_signal_table_bad_cells_are_named_and_the_good_rows_stay(tmp_path: Path) -> None:
    header = f"{LEAST},scale,confidence,tlp,period_from,urgent,expires,workers"
    text = (
        f"{header}\nsite,A,CN,isolation,media,,,,,,,\n"
        "castle,B,CN,sorcery,hearsay,9,900,pink,03/04/2026,perhaps,1.1.2027,some\n"
        "site,,,isolation,media,,,,,,,\n"
        "site,D,CN,isolation,media,,,RED,2027-01,yes,2026-01-01,\n"
        "site,E,CN,isolation,media,,,,,,,\n"
    )
    drafts, problems = _read(tmp_path, text)
    assert [draft.subject.record.name for draft in drafts] == ["A", "E"]
    fatal = [(each.row, each.column) for each in problems if each.fatal]
    assert [column for row, column in fatal if row == 3] == [
        "subject_kind", "indicators", "evidence", "scale", "confidence", "tlp", "period_from", "urgent",
        "expires", "workers",
    ]  # fmt: skip
    assert [column for row, column in fatal if row == 4] == ["name"]
    assert sorted(str(column) for row, column in fatal if row == 5) == [
        "expires",
        "period_from",
        "tlp",
        "urgent",
    ]
    assert all(each.remedy for each in problems)


def test_signal_table_rows_that_a_stray_quote_joined_are_no_signal(tmp_path: Path) -> None:
    drafts, problems = _read(
        tmp_path,
        f'{LEAST},address\nsite,"A,CN,isolation,media,\nsite,"B,CN,isolation,media,x\n'
        'site,C,CN,isolation,media,"1 Road\nBlock 2"\n',
    )
    assert [draft.subject.record.address for draft in drafts] == ["1 Road Block 2"]
    assert [(each.row, each.column, each.fatal) for each in problems] == [(2, "name", True)]


def test_signal_table_problems_never_quote_a_cell(tmp_path: Path) -> None:
    for place, field in enumerate(FIELDS):
        cells = ["site", "A", *[""] * (len(FIELDS) - 2)]
        cells[FIELDS.index("indicators")], cells[FIELDS.index("evidence")] = "isolation", "media"
        cells[place] = "canary-4711"
        for problem in _read(tmp_path, ",".join(FIELDS) + "\n" + ",".join(cells) + "\n")[1]:
            assert "canary" not in f"{problem.column} {problem.message} {problem.remedy}", field


def test_signal_table_na_and_blank_cells_say_nothing(tmp_path: Path) -> None:
    drafts, problems = _read(
        tmp_path, f"{LEAST},scale,tlp,period_from,isolation\nsite,A,CN,deception,media,n/a,N/A, ,n/a\n"
    )
    assert len(drafts) == 1
    assert problems == []


def test_signal_table_row_is_that_of_the_last_item(tmp_path: Path) -> None:
    table = _open(tmp_path, f"{LEAST}\nsite,A,CN,isolation,media\n\nsite,B\nsite,C,CN,isolation,media\n")
    assert [(table.row, type(item)) for item in table] == [(2, Draft), (4, RowProblem), (5, Draft)]
    assert table.bytes_read == table.total_bytes


def test_signal_table_behind_the_last_row_nothing_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(signal_table, "MAX_ROWS", 2)
    drafts, problems = _read(tmp_path, LEAST + "\n" + "site,A,CN,isolation,media\n" * 4)
    assert len(drafts) == 2
    assert [(each.row, each.fatal) for each in problems] == [(4, True)]


# ------------------------------------------------------------------------------------------- header


def test_signal_table_map_names_columns_with_other_names(tmp_path: Path) -> None:
    header = "Type,Factory,name,Where,What was seen,Bonded?,How known\n"
    (draft,), problems = _read(
        tmp_path,
        header + "site,Blue River,Maria,CN,isolation,yes,media\n",
        {
            "subject_kind": "Type",
            "name": "factory",
            "country": "Where",
            "indicators": "What was seen",
            "debt-bondage": "Bonded?",
            "evidence": "How known",
        },
    )
    assert problems == []
    assert draft.subject.record.name == "Blue River"
    assert draft.indicators == {Indicator.ISOLATION, Indicator.DEBT_BONDAGE}
    assert "Maria" not in repr(draft)


def test_signal_table_tells_where_fields_stand_and_what_is_ignored(tmp_path: Path) -> None:
    table = _open(tmp_path, f"{LEAST},Weather,,isolation\n")
    assert table.columns.ignored == ("Weather",)
    assert table.columns.places["name"] == 1
    assert table.columns.headers["evidence"] == "evidence"
    assert table.columns.choices == {7: ("indicators", "isolation")}
    assert (table.encoding, table.encoding_detected, table.delimiter) == ("UTF-8", True, ",")
    table.close()


@pytest.mark.parametrize(
    ("header", "header_map", "code", "words"),
    [
        ("name,indicators,evidence", {}, "input.header.missing", "subject_kind"),
        ("subject_kind,name,indicators", {}, "input.header.missing", "evidence"),
        ("subject_kind,name,evidence", {}, "input.header.missing", "indicators"),
        ("subject_kind,city,indicators,evidence", {}, "input.header.missing", "name"),
        (f"{LEAST},Name", {}, "input.header.doubled", "columns 2 and 6"),
        (LEAST, {"nmae": "name"}, "input.map", "nmae"),
        (LEAST, {"tlp": "Mark"}, "input.map", "Mark"),
        (LEAST, {"tlp": "name", "grade": "name"}, "input.map", "two fields"),
        (f"{LEAST},Mark,Mark", {"tlp": "Mark"}, "input.header.doubled", "columns 6 and 7"),
    ],
)
def test_signal_table_header_that_does_not_fit_is_refused(
    tmp_path: Path, header: str, header_map: dict[str, str], code: str, words: str
) -> None:
    with pytest.raises(InputError) as caught:
        _open(tmp_path, header + "\n", header_map)
    assert caught.value.full_code == code
    assert words in caught.value.detail
    assert caught.value.hint


def _no_prices(name: str) -> Found | None:
    return Found("contract-end", "Leave it out.") if "price" in name.lower() else None


@pytest.mark.parametrize("header_map", [{}, {"scale": "Unit price"}])
def test_signal_table_column_that_screening_refuses_refuses_the_file(
    tmp_path: Path, header_map: dict[str, str]
) -> None:
    with pytest.raises(InputError) as caught:
        _open(tmp_path, f"{LEAST},Unit price\n", header_map, _no_prices)
    assert caught.value.full_code == "input.signal.column"
    assert "'Unit price' looks like contract end" in caught.value.detail
    assert (caught.value.hint or "").startswith("Leave it out.")


def test_signal_table_screening_is_not_asked_of_fields_by_their_own_names(tmp_path: Path) -> None:
    asked: list[str] = []

    def note(name: str) -> None:
        asked.append(name)

    header = [*FIELDS, *(each.value for each in Indicator), "Weather"]
    _open(tmp_path, ",".join(header) + "\n", None, note).close()
    assert asked == ["Weather"]


def test_recognise_knows_each_field_and_each_indicator() -> None:
    for field in FIELDS:
        meaning = recognise(field.upper().replace("_", " "))
        assert meaning is not None
        assert (meaning.field, meaning.word) == (field, "")
    for indicator in Indicator:
        meaning = recognise(indicator.words)
        assert meaning is not None
        assert (meaning.field, meaning.word) == ("indicators", indicator.value)
    assert recognise("") is None
    assert recognise("indicator") is None
