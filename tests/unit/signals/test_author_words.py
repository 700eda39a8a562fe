from datetime import date

import pytest

from symbolon.signals import author_words as words
from symbolon.signals.signal import Month
from symbolon.signals.vocabulary import Evidence, Indicator, Level, Reliability, SubjectKind, Tlp


def _spellings(value: str) -> list[str]:
    plain = value.replace("-", " ")
    return [value, plain, plain.upper(), plain.title(), plain.replace(" ", "_"), f"  {plain}  "]


@pytest.mark.parametrize("indicator", Indicator)
def test_indicators_every_word_in_every_spelling_is_read(indicator: Indicator) -> None:
    for spelling in _spellings(indicator.value):
        assert words.indicator(spelling) is indicator
        assert words.indicators(spelling) == {indicator}


@pytest.mark.parametrize(
    "cell",
    [
        "debt bondage; isolation; child labour",
        "debt-bondage,isolation,child-labour",
        "debt_bondage isolation child_labour",
        "Debt bondage Isolation Child labor",
        "bonded labour\nisolation\nunderage workers",
        "debt bondage | isolation and child labour",
        "isolation, isolation; debt bondage child_labour",
    ],
)
def test_indicators_of_one_cell_are_read_with_any_separator(cell: str) -> None:
    assert words.indicators(cell) == {
        Indicator.DEBT_BONDAGE,
        Indicator.ISOLATION,
        Indicator.CHILD_LABOUR,
    }


def test_indicators_the_longest_name_is_taken() -> None:
    assert words.indicators("physical and sexual violence") == {Indicator.PHYSICAL_AND_SEXUAL_VIOLENCE}
    assert words.indicators("abusive working and living conditions") == {
        Indicator.ABUSIVE_WORKING_AND_LIVING_CONDITIONS
    }


@pytest.mark.parametrize("cell", ["forced labour", "debt", "isolation; 7", "overtime", "isolation other"])
def test_indicators_cell_with_anything_else_is_none(cell: str) -> None:
    assert words.indicators(cell) is None


@pytest.mark.parametrize("evidence", Evidence)
def test_evidence_every_word_in_every_spelling_is_read(evidence: Evidence) -> None:
    assert [words.evidence(each) for each in _spellings(evidence.value)] == [evidence] * 6


@pytest.mark.parametrize("kind", SubjectKind)
def test_subject_kind_every_word_in_every_spelling_is_read(kind: SubjectKind) -> None:
    assert [words.subject_kind(each) for each in _spellings(kind.value)] == [kind] * 6


@pytest.mark.parametrize(
    ("cell", "mark"),
    [
        ("TLP:AMBER+STRICT", Tlp.AMBER_STRICT),
        ("amber strict", Tlp.AMBER_STRICT),
        ("Amber_Strict", Tlp.AMBER_STRICT),
        ("tlp amber", Tlp.AMBER),
        ("TLP:RED", Tlp.RED),
        ("white", Tlp.CLEAR),
        ("TLP:CLEAR", Tlp.CLEAR),
        ("pink", None),
        ("tlp", None),
        ("amber+", Tlp.AMBER),
    ],
)
def test_tlp_is_read_with_and_without_its_name(cell: str, mark: Tlp | None) -> None:
    assert words.tlp(cell) is mark


@pytest.mark.parametrize(
    ("cell", "level"),
    [
        ("0", Level.NOT_STATED),
        ("4", Level.EXTREME),
        ("3.0", Level.HIGH),
        ("not stated", Level.NOT_STATED),
        ("NOT_STATED", Level.NOT_STATED),
        ("Low", Level.LOW),
        ("medium", Level.MODERATE),
        ("very high", Level.EXTREME),
        ("5", None),
        ("-1", None),
        ("2.5", None),
        ("9" * 5_000, None),
        ("severe", None),
    ],
)
def test_level_is_read_as_number_or_word(cell: str, level: Level | None) -> None:
    assert words.level(cell) == level
    assert (words.level(cell) is None) is (level is None)


@pytest.mark.parametrize(
    ("cell", "number"),
    [
        ("0", 0),
        ("100", 100),
        ("70 %", 70),
        ("70.0", 70),
        ("high", 85),
        ("low", 15),
        ("101", None),
        ("", None),
    ],
)
def test_confidence_is_read_as_number_or_word(cell: str, number: int | None) -> None:
    assert words.confidence(cell) == number


@pytest.mark.parametrize(
    ("cell", "grade"),
    [
        ("B", Reliability.B),
        ("b", Reliability.B),
        ("usually reliable", Reliability.B),
        ("B - usually reliable", Reliability.B),
        ("F (reliability cannot be judged)", Reliability.F),
        ("B2", None),
        ("G", None),
        ("A usually reliable", None),
    ],
)
def test_reliability_is_read_as_letter_and_words(cell: str, grade: Reliability | None) -> None:
    assert words.reliability(cell) is grade


@pytest.mark.parametrize("cell", ["yes", "Y", "1", "TRUE", "x", "X", " ok ", "✓", "✔"])
def test_truth_yes(cell: str) -> None:
    assert words.truth(cell) is True


@pytest.mark.parametrize("cell", ["no", "N", "0", "False", "", "  ", "-", "n/a"])
def test_truth_no(cell: str) -> None:
    assert words.truth(cell) is False


@pytest.mark.parametrize("cell", ["maybe", "?", "2", "yes and no", "✗"])
def test_truth_neither(cell: str) -> None:
    assert words.truth(cell) is None


@pytest.mark.parametrize(
    "cell",
    ["2026-03", "2026/03", "2026-3", "03/2026", "3.2026", "March 2026", "Mar 2026", "mar. 2026", "mar-2026"],
)
def test_month_in_every_clear_form_is_read(cell: str) -> None:
    assert words.month(cell) == (Month(2026, 3), False)


@pytest.mark.parametrize(
    "cell", ["2026-03-15", "2026-03-15 00:00:00", "2026-03-15T09:12:44.000+07:00", "2026-03-15T09:12Z"]
)
def test_month_of_a_day_says_that_a_day_was_cut(cell: str) -> None:
    assert words.month(cell) == (Month(2026, 3), True)


@pytest.mark.parametrize(
    "cell",
    ["03/04/2026", "15.03.2026", "Mar-26", "ma 2026", "2026", "2026-13", "2026-02-30", "45000", "03/1899"],
)
def test_month_that_could_be_another_is_none(cell: str) -> None:
    assert words.month(cell) is None


def test_iso_day_is_read_without_its_time() -> None:
    assert words.iso_day("2026-03-31T23:59:59") == date(2026, 3, 31)
    assert words.iso_day("31.03.2026") is None


@pytest.mark.parametrize(
    ("cell", "number"),
    [
        ("800", 800),
        ("1,200", 1200),
        ("1 200", 1200),
        ("800.0", 800),
        ("1.5", None),
        ("1,20", None),
        ("-3", None),
    ],
)
def test_whole_number_with_marks_between_thousands_is_read(cell: str, number: int | None) -> None:
    assert words.whole_number(cell) == number


def test_whole_number_of_any_length_is_no_work() -> None:
    assert words.whole_number("9" * 100_000) is None
    assert words.whole_number("1" + ",000" * 20_000) is None
