import unicodedata

import pytest

from symbolon.signals.screening import Suspicion, excerpt, screen_text
from symbolon.signals.screening_finding import Finding
from symbolon.signals.screening_text import fold


def found_text(text: str, **hints: str) -> list[tuple[Suspicion, str]]:
    return [
        (each.suspicion, text[each.begin : each.end])
        for each in screen_text(text, field="narrative", **hints)
    ]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("The unit price is USD 4.20 now.", "unit price is USD 4.20"),
        ("The unit pri\u200bce is USD\u00a04.20 now.", "unit pri\u200bce is USD\u00a04.20"),
        ("The unit \u202eprice\u202c is ＵＳＤ ４．２０ now.", "unit \u202eprice\u202c is ＵＳＤ ４．２０"),
        ("The unit p\u0301r\u0308ice is $\x004\x00.20 now.", "unit p\u0301r\u0308ice is $\x004\x00.20"),
        ("The unit рriсe is USD 4.20 now.", "unit рriсe is USD 4.20"),
        ("The unit\n   price\tis USD  4.20 now.", "unit\n   price\tis USD  4.20"),
        ("The unit pr\u00adice is USD ٤.٢٠ now.", "unit pr\u00adice is USD ٤.٢٠"),
        ("The unit pri\x1b[31mce is USD 4.20 now.", "unit pri\x1b[31mce is USD 4.20"),
        ("The unit price is ४.२० USD now.", "unit price is ४.२० USD"),
        ("\U0001f9f5\U0001f9f5 unit price is USD 4.20", "unit price is USD 4.20"),
    ],
)
def test_finding_in_dressed_up_text_has_the_offsets_of_what_was_written(text: str, found: str) -> None:
    assert found_text(text) == [(Suspicion.PRICE, found)]


def test_findings_stand_in_the_order_in_which_they_begin() -> None:
    text = "Mail a.b@example.org. Mr. Karim has passport BX0234567. The unit price is 3 USD."
    assert [each for each, _ in found_text(text)] == [
        Suspicion.EMAIL,
        Suspicion.PERSON_NAME,
        Suspicion.IDENTITY_NUMBER,
        Suspicion.PRICE,
    ]


def test_finding_never_holds_what_was_found() -> None:
    text = "Mr. Karim, passport BX0234567, mail a.b@example.org, unit price 3.99 USD."
    shown = repr(screen_text(text, field="narrative"))
    assert not any(each in shown for each in ("Karim", "BX0234567", "example.org", "3.99"))


def test_findings_of_one_kind_are_bounded_and_hide_no_other_kind() -> None:
    text = "a.b@example.org, " * 500 + "The unit price is 3 USD."
    found = [each for each, _ in found_text(text)]
    assert found.count(Suspicion.EMAIL) == 50
    assert found[-1] is Suspicion.PRICE


def test_finding_names_its_field_fit_for_printing() -> None:
    (found,) = screen_text("unit price 3 USD", field="narra\x1b[31mtive\n" + "x" * 900)
    assert found.field.isprintable()
    assert len(found.field) <= 64


def test_excerpt_shows_the_found_part_in_brackets() -> None:
    text = "Members heard that the unit price is USD 4.20 in this season, so they said."
    (found,) = screen_text(text, field="narrative")
    assert (
        excerpt(text, found)
        == "Members heard that the [unit price is USD 4.20] in this season, so they said."
    )


def test_excerpt_of_hostile_text_is_one_harmless_line() -> None:
    text = "\x1b[2J\u202e" * 9 + "unit pri\u200bce\r\n\x07is\x1b[31m USD 4.20 \u2066\ud800" + "z" * 99
    (found,) = screen_text(text, field="narrative")
    line = excerpt(text, found)
    assert line.isprintable()
    assert "[unit pri" in line


def test_excerpt_of_a_long_finding_is_short() -> None:
    text = "a" * 9_000
    assert len(excerpt(text, Finding(Suspicion.EMAIL, "narrative", 100, 8_000))) < 250


@pytest.mark.parametrize(
    "grade",
    [
        "SMETA 4-pillar",
        "amfori BSCI",
        "C",
        "B (2023)",
        "SA8000:2014",
        "SLCP CAF v1.6",
        "3 critical, 5 major",
        "71/100",
        "D-",
    ],
)
def test_screening_of_a_native_scheme_or_grade_finds_nothing(grade: str) -> None:
    assert screen_text(grade, field="grade", country="CN") == ()


def test_excerpt_of_a_column_is_empty() -> None:
    assert excerpt("", Finding(Suspicion.PRICE, "price")) == ""


@pytest.mark.parametrize("text", ["", " ", "\n\n", "\u200b", "\ud800", "\u0301", "\ufdfa"])
def test_screening_of_a_text_with_nothing_in_it_finds_nothing(text: str) -> None:
    assert screen_text(text, field="narrative", country="BD") == ()


@pytest.mark.parametrize("country", ["", "XX", "bd", "BD", "\u202e", "QQQ"])
def test_screening_takes_any_country_as_a_hint(country: str) -> None:
    assert found_text("unit price 3 USD", country=country)[0][0] is Suspicion.PRICE


def test_folding_of_a_ligature_that_is_a_sentence_stays_short() -> None:
    assert len(fold("\ufdfa" * 10).folded) == 10


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("Stückpreis", "stuckpreis"),
        ("ĐƠN GIÁ", "don gia"),
        ("İŞÇİ ve ısı", "isci ve isi"),
        ("straße", "strasse"),
        ("ﬁne", "fine"),
        ("१२٣৪", "1234"),
        ("क़ीमत", "कीमत"),
        ("سِعْر القطعة", "سعر القطعه"),
        ("한국", unicodedata.normalize("NFD", "한국")),
        ("a\n\nb\nc\n- d", "a\nb c\n- d"),
    ],
)
def test_folding_of_a_word_is_that_of_its_plain_spelling(text: str, folded: str) -> None:
    assert fold(text).folded == folded


def test_sentences_end_at_full_stops_but_not_at_abbreviations_or_decimals() -> None:
    text = fold("Mr. Karim paid Rs. 4.20 to the agent. Then e.g. No. 5 left! 完成。再见")
    begins = text.sentences().begins
    parts = [text.folded[begin:end].strip() for begin, end in zip(begins, [*begins[1:], None], strict=True)]
    assert parts == ["mr. karim paid rs. 4.20 to the agent.", "then e.g. no. 5 left!", "完成.", "再见"]
