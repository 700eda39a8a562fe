import pytest

from symbolon.signals.native_grades import mapped, table
from symbolon.signals.signal import Native
from symbolon.signals.vocabulary import Level


@pytest.mark.parametrize(
    ("scheme", "grade", "name", "level"),
    [
        ("SMETA", "Business Critical", "SMETA", Level.EXTREME),
        ("Sedex SMETA 4-Pillar v7.0", "Critical non-compliance", "SMETA", Level.HIGH),
        ("smeta 6.1", "MAJOR NC", "SMETA", Level.MODERATE),
        ("Sedex", "minor", "SMETA", Level.LOW),
        ("SMETA", "CAR", "SMETA", None),
        ("SMETA", "Observation", "SMETA", None),
        ("amfori BSCI 2.0", "Overall rating: D", "amfori BSCI", Level.MODERATE),
        ("BSCI", "e", "amfori BSCI", Level.HIGH),
        ("amfori", "A", "amfori BSCI", None),
        ("amfori BSCI", "Zero-Tolerance finding", "amfori BSCI", Level.EXTREME),
        ("SLCP CAF v1.6", "Inaccurate", "SLCP", None),
        ("SLCP", "legal non-compliance", "SLCP", None),
        ("SA8000:2014", "Major Non-Conformity", "SA8000", Level.HIGH),
        ("SA 8000", "minor nonconformity", "SA8000", Level.LOW),
        ("SA8000", "time-bound NC", "SA8000", None),
        ("SAI SA8000", "Critical", "SA8000", Level.EXTREME),
    ],
)
def test_mapped_grade_suggests_a_level_or_says_why_not(
    scheme: str, grade: str, name: str, level: Level | None
) -> None:
    found = mapped(Native(scheme, grade))
    assert found is not None
    assert (found.scheme, found.level) == (name, level)
    assert found.words
    assert found.source


@pytest.mark.parametrize(
    ("scheme", "grade"),
    [
        ("WRAP", "gold"),
        ("SMETA", "purple"),
        ("SMETA", "non-compliance"),
        ("SMETA", "not critical"),
        ("SA8000", "CAR"),
        ("amfori BSCI", "F"),
        ("SLCP", "critical"),
        ("7.0", "major"),
        ("our own SMETA", "critical"),
    ],
)
def test_mapped_unknown_scheme_or_grade_is_none(scheme: str, grade: str) -> None:
    assert mapped(Native(scheme, grade)) is None


def test_mapped_order_of_a_scheme_is_kept() -> None:
    for scheme, grades in {
        "SMETA": ["minor", "major", "critical", "business critical"],
        "SA8000": ["minor", "major", "critical"],
        "amfori BSCI": ["c", "d", "e", "zero tolerance"],
    }.items():
        levels = [found.level for grade in grades if (found := mapped(Native(scheme, grade)))]
        assert levels == sorted(set(levels)), scheme


def test_mapped_table_row_is_found_by_its_own_names() -> None:
    for scheme, grade, meaning in table():
        assert mapped(Native(scheme, grade)) == meaning
