from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from signal_makers import TODAY
from symbolon.errors import InputError
from symbolon.signals.draft import Draft
from symbolon.signals.kobo import PERSONAL, KoboTable, is_kobo_export, open_kobo, recognise_question
from symbolon.signals.signal import Month, Period
from symbolon.signals.signal_columns import ScreenColumn
from symbolon.signals.vocabulary import Evidence, Indicator, SubjectKind
from symbolon.suppliers.row_problem import RowProblem

# The columns of the submission, as KoboToolbox writes them behind the questions.
BEHIND = {
    "_id": "504238666",
    "_uuid": "fe833c3c-6324-4f6b-870b-841eba799f11",
    "_submission_time": "2026-06-02T03:20:01",
    "_validation_status": "",
    "_notes": "",
    "_status": "submitted_via_web",
    "_submitted_by": "canary-enumerator",
    "__version__": "vN3x",
    "_tags": "",
    "_index": "1",
}
QUESTIONS = {
    "start": "2026-06-02T09:12:44.000+07:00",
    "username": "canary-enumerator",
    "deviceid": "canary-device",
    "subject/subject_kind": "site",
    "subject/name": "Blue River",
    "subject/country": "Bangladesh",
    "seen/indicators": "debt_bondage child_labour",
    "seen/evidence": "worker_interview",
}


def _write(tmp_path: Path, *rows: Mapping[str, str], separator: str = ";") -> Path:
    lines = [list(rows[0]), *(list(row.values()) for row in rows)]
    path = tmp_path / "export.csv"
    text = "\r\n".join(separator.join('"' + cell.replace('"', '""') + '"' for cell in line) for line in lines)
    path.write_text(text + "\r\n", encoding="utf-8", newline="")
    return path


def _open(
    tmp_path: Path,
    *rows: Mapping[str, str],
    header_map: Mapping[str, str] | None = None,
    screen_column: ScreenColumn | None = None,
) -> KoboTable:
    return open_kobo(
        _write(tmp_path, *rows), today=TODAY, header_map=header_map or {}, screen_column=screen_column
    )


def _read(
    tmp_path: Path, *rows: Mapping[str, str], header_map: Mapping[str, str] | None = None
) -> tuple[list[Draft], list[RowProblem]]:
    items = list(_open(tmp_path, *rows, header_map=header_map))
    drafts = [item for item in items if isinstance(item, Draft)]
    return drafts, [item for item in items if isinstance(item, RowProblem)]


def test_kobo_export_is_read_without_a_map(tmp_path: Path) -> None:
    (draft,), problems = _read(tmp_path, {**QUESTIONS, **BEHIND})
    assert problems == []
    assert draft.subject.kind is SubjectKind.SITE
    assert (draft.subject.record.name, draft.subject.record.country) == ("Blue River", "BD")
    assert draft.indicators == {Indicator.DEBT_BONDAGE, Indicator.CHILD_LABOUR}
    assert draft.evidence is Evidence.WORKER_INTERVIEW
    assert draft.reference == BEHIND["_uuid"]
    assert draft.period is None


def test_kobo_who_filled_in_the_form_is_nowhere_in_a_draft(tmp_path: Path) -> None:
    (draft,), _ = _read(tmp_path, {**QUESTIONS, **BEHIND})
    assert "canary" not in repr(draft) + draft.source + draft.narrative + draft.reference


@pytest.mark.parametrize("header", sorted(PERSONAL))
def test_kobo_map_cannot_name_who_filled_in_the_form(tmp_path: Path, header: str) -> None:
    for spelling in (header, header.upper(), f"meta/{header}"):
        with pytest.raises(InputError) as caught:
            _open(tmp_path, {**QUESTIONS, spelling: "jane", **BEHIND}, header_map={"source": spelling})
        assert caught.value.full_code == "input.map"


@pytest.mark.parametrize(
    "columns",
    [
        {"seen/indicators": "debt_bondage child_labour"},
        {
            "seen/indicators": "debt_bondage child_labour",
            "seen/indicators/isolation": "0",
            "seen/indicators/debt_bondage": "1",
            "seen/indicators/child_labour": "1",
        },
        {
            "seen/indicators/isolation": "0",
            "seen/indicators/debt_bondage": "1",
            "seen/indicators/child_labour": "1",
        },
        {"indicators/isolation": "", "indicators/debt_bondage": "1", "indicators/child_labour": "1"},
    ],
)
def test_kobo_question_of_many_answers_is_read_in_each_export(
    tmp_path: Path, columns: dict[str, str]
) -> None:
    questions = {name: cell for name, cell in QUESTIONS.items() if name != "seen/indicators"}
    (draft,), problems = _read(tmp_path, {**questions, **columns, **BEHIND})
    assert problems == []
    assert draft.indicators == {Indicator.DEBT_BONDAGE, Indicator.CHILD_LABOUR}


def test_kobo_purposes_and_recipients_by_choice_are_read(tmp_path: Path) -> None:
    (draft,), _ = _read(
        tmp_path,
        {
            **QUESTIONS,
            "sharing/purposes/due_diligence": "1",
            "sharing/purposes/remediation": "0",
            "recipients/birch_ngo": "1",
            **BEHIND,
        },
    )
    assert (draft.purposes, draft.recipients) == (("due-diligence",), ("birch-ngo",))


def test_kobo_export_without_groups_in_headers_is_read(tmp_path: Path) -> None:
    bare = {name.split("/")[-1]: cell for name, cell in QUESTIONS.items()}
    assert len(_read(tmp_path, {**bare, **BEHIND})[0]) == 1


def test_kobo_name_in_another_group_is_not_the_subjects(tmp_path: Path) -> None:
    questions = {name: cell for name, cell in QUESTIONS.items() if name != "subject/name"}
    with pytest.raises(InputError) as caught:
        _open(tmp_path, {**questions, "worker/name": "Maria", **BEHIND})
    assert "name" in caught.value.detail
    (draft,), _ = _read(tmp_path, {**QUESTIONS, "worker/name": "Maria", "worker/city": "Dhaka", **BEHIND})
    assert (draft.subject.record.name, draft.subject.record.city) == ("Blue River", "")
    (draft,), _ = _read(tmp_path, {**questions, "x/subject_name": "Red River", **BEHIND})
    assert draft.subject.record.name == "Red River"


def test_kobo_point_where_the_form_was_filled_in_is_read_only_on_request(tmp_path: Path) -> None:
    point = {"gps": "23.99 90.42 8 4", "_gps_latitude": "23.99", "_gps_longitude": "90.42"}
    row = {**QUESTIONS, **point, **BEHIND}
    (draft,), _ = _read(tmp_path, row)
    assert (draft.subject.record.latitude, draft.subject.record.longitude) == ("", "")
    asked = {"latitude": "_gps_latitude", "longitude": "_gps_longitude"}
    (draft,), _ = _read(tmp_path, row, header_map=asked)
    assert (draft.subject.record.latitude, draft.subject.record.longitude) == ("23.99", "90.42")


@pytest.mark.parametrize("prefix", ["", "uuid:"])
def test_kobo_reference_is_the_id_that_stays_when_a_submission_is_edited(tmp_path: Path, prefix: str) -> None:
    (draft,), _ = _read(tmp_path, {**QUESTIONS, **BEHIND, "meta/rootUuid": f"{prefix}first"})
    assert draft.reference == "first"
    (draft,), _ = _read(tmp_path, {**QUESTIONS, **BEHIND, "meta/rootUuid": ""})
    assert draft.reference == BEHIND["_uuid"]


def test_kobo_reference_of_a_map_wins(tmp_path: Path) -> None:
    (draft,), _ = _read(tmp_path, {**QUESTIONS, "case": "17", **BEHIND}, header_map={"reference": "case"})
    assert draft.reference == "17"


@pytest.mark.parametrize(
    ("status", "kept"),
    [
        ("", True),
        ("validation_status_approved", True),
        ("Approved", True),
        ("validation_status_not_approved", False),
        ("Not Approved", False),
        ("validation_status_on_hold", False),
        ("On Hold", False),
    ],
)
def test_kobo_submission_that_a_reviewer_withheld_is_left_out(
    tmp_path: Path, status: str, kept: bool
) -> None:
    drafts, problems = _read(tmp_path, {**QUESTIONS, **BEHIND, "_validation_status": status})
    assert bool(drafts) is kept
    assert [each.column for each in problems] == ([] if kept else ["_validation_status"])


def test_kobo_row_of_hxl_tags_below_the_header_is_no_submission(tmp_path: Path) -> None:
    row = {**QUESTIONS, **BEHIND}
    tags = {name: "#org +name" if name == "subject/name" else "" for name in row}
    drafts, problems = _read(tmp_path, tags, row)
    assert (len(drafts), problems) == (1, [])
    table = _open(tmp_path, tags, row)
    next(table)
    assert table.row == 3


def test_kobo_month_question_is_cut_to_its_month_with_a_note(tmp_path: Path) -> None:
    (draft,), (note,) = _read(tmp_path, {**QUESTIONS, "seen/period_from": "2026-05-01", **BEHIND})
    assert draft.period == Period(Month(2026, 5), Month(2026, 5))
    assert (note.column, note.fatal) == ("period_from", False)


def test_kobo_legacy_export_with_commas_and_na_is_read(tmp_path: Path) -> None:
    path = _write(
        tmp_path, {**QUESTIONS, "seen/scale": "n/a", "seen/isolation": "n/a", **BEHIND}, separator=","
    )
    assert [type(item) for item in open_kobo(path, today=TODAY)] == [Draft]


def test_kobo_other_names_are_mapped_by_their_path(tmp_path: Path) -> None:
    questions = {
        "intro/kind_of_place": "factory",
        "intro/factory": "Blue River",
        "q7": "isolation",
        "q8": "media",
    }
    (draft,), _ = _read(
        tmp_path,
        {**questions, **BEHIND},
        header_map={
            "subject_kind": "intro/kind_of_place",
            "name": "intro/factory",
            "indicators": "q7",
            "evidence": "q8",
        },
    )
    assert draft.subject.record.name == "Blue River"


@dataclass(frozen=True)
class Found:
    suspicion: str = "price"
    remedy: str = "Leave it out."


def test_kobo_screening_is_asked_of_questions_alone(tmp_path: Path) -> None:
    asked: list[str] = []

    def note(name: str) -> Found | None:
        asked.append(name)
        return Found() if "price" in name else None

    row = {**QUESTIONS, "_gps_latitude": "1", "phonenumber": "1", "weather": "", **BEHIND}
    _open(tmp_path, row, screen_column=note).close()
    assert asked == ["weather"]
    with pytest.raises(InputError) as caught:
        _open(tmp_path, {**row, "money/price": "1"}, screen_column=note)
    assert caught.value.full_code == "input.signal.column"


def test_recognise_question_takes_nothing_of_the_submission_for_a_field() -> None:
    for header in [
        *BEHIND,
        *PERSONAL,
        "start",
        "end",
        "today",
        "meta/instanceID",
        "reference",
        "_name",
        "name/",
    ]:
        assert recognise_question(header) is None, header


def test_is_kobo_export_tells_it_from_a_table(tmp_path: Path) -> None:
    assert is_kobo_export(_write(tmp_path, {**QUESTIONS, **BEHIND}))
    assert not is_kobo_export(_write(tmp_path, {"subject_kind": "site", "_id": "1", "_uuid": "2"}))
