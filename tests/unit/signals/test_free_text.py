"""What is plain, what is cleaned away, and what another's text can do to a terminal: nothing."""

import pytest

from symbolon.signals.free_text import MAX_MARKS, clean, is_plain, shown

LIVING_TEXTS = [
    "Workers' passports are kept; wages are late by 2½ months – see §4.",
    "শ্রমিকদের স্বাস্থ্য ও র‍্যাব",  # Bengali, a joiner before the virama
    "श्रमिकों का वेतन, क्‍ष",  # Hindi, a joiner behind it
    "کارگران نمی‌توانند بروند",  # Persian, a non-joiner between letters
    "ئه‌م کارگه‌یه‌",  # Kurdish, at the end of words
    "ശമ്പളം കിട്ടിയില്ല",  # Malayalam
    "ක්‍රම",  # Sinhala
    "ค่าจ้างถูกหัก น้ำ",  # Thai
    "ប្រាក់ឈ្នួល",  # Khmer
    "အလုပ်သမားများ",  # Burmese
    "ལས་མི་བསྒྲུབས",  # Tibetan
    "שָׁלוֹם",  # Hebrew with vowels
    "لا تُدفَعُ الأجور",  # Arabic with vowels
    "Người lao động bị giữ hộ chiếu",  # Vietnamese
    "工人的护照被扣押",
    "賃金が支払われない",
    "임금 체불",
    "Рабочим не платят",
    "line one\nline two\tcolumn",
    "thumbs 👍🏽 up",
    "new in Unicode 15: 🫨",
]

DECEIVING = {
    "escape": "\x1b[31mred",
    "title of a window": "\x1b]0;root\x07",
    "C1 control": "\x9b2J",
    "null": "a\x00b",
    "backspace": "guilty\b\b\b\b\b\bfine",
    "carriage return": "paid on time\rnot",
    "delete": "a\x7fb",
    "next line": "a\x85b",
    "override of direction": "\u202egnp.exe",
    "isolate of direction": "\u2066a\u2069",
    "mark of direction": "a\u200eb",
    "Arabic letter mark": "a\u061cb",
    "mark of direction behind a joining letter": "می\u200eخ",
    "line separator": "a\u2028b",
    "no-break space": "a\u00a0b",
    "ideographic space": "a\u3000b",
    "zero width space": "a\u200bb",
    "word joiner": "a\u2060b",
    "byte order mark": "\ufeffa",
    "soft hyphen": "pri\u00adce",
    "joiner in a Latin word": "pri\u200dce",
    "non-joiner between digits": "017\u200c0 123",
    "two joiners": "می\u200c\u200cخ",
    "joiner behind an Arabic comma": "\u060c\u200c",
    "variation selector": "a\ufe0f",
    "bytes in variation selectors": "a\U000e0158\U000e0162",
    "tag characters": "a\U000e0041\U000e0042\U000e007f",
    "Hangul filler": "\u3164",
    "Hangul half-width filler": "\uffa0",
    "Hangul leading filler": "\u115f\u1160",
    "empty Braille": "\u2800",
    "grapheme joiner": "a\u034fb",
    "inherent vowel": "\u1780\u17b4",
    "Mongolian selector": "\u1820\u180b",
    "object replacement": "\ufffc",
    "musical null notehead": "\U0001d159",
    "private use": "\ue000",
    "noncharacter": "\uffff",
    "noncharacter of another plane": "\U0001fffe",
    "noncharacter inside": "\ufdd0",
    "kept for the invisible": "\U000e0800",
    "lone surrogate": "\ud800",
    "flood of marks": "Z" + "\u0302" * (MAX_MARKS + 1),
    "flood of marks with joiners": "\u0995" + "\u0981\u200d" * (MAX_MARKS + 1),
    "mark on nothing": "\u0301",
    "mark on a line's begin": "a\n\u0336",
    "mark on a blank": "a \u20d2",
    "letters struck out": "p\u0336a\u0336i\u0336d\u0336",
    "not equal, decomposed": "=\u0338",
}


@pytest.mark.parametrize("text", LIVING_TEXTS)
def test_is_plain_of_a_living_language_is_true(text: str) -> None:
    assert is_plain(text)
    assert clean(text) == text
    assert shown(text) == text


@pytest.mark.parametrize("text", DECEIVING.values(), ids=DECEIVING.keys())
def test_is_plain_of_what_can_deceive_is_false(text: str) -> None:
    assert not is_plain(text)


@pytest.mark.parametrize("text", DECEIVING.values(), ids=DECEIVING.keys())
def test_shown_puts_a_visible_mark_for_what_can_deceive(text: str) -> None:
    for one_line in (False, True):
        printed = shown(text, one_line=one_line)
        assert is_plain(printed)
        assert "\N{REPLACEMENT CHARACTER}" in printed


@pytest.mark.parametrize("text", DECEIVING.values(), ids=DECEIVING.keys())
def test_clean_leaves_nothing_that_can_deceive(text: str) -> None:
    assert is_plain(clean(text))


@pytest.mark.parametrize(
    "script", ["<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "[bold]x[/]"]
)
def test_shown_keeps_markup_as_the_letters_it_is(script: str) -> None:
    assert shown(script) == script


@pytest.mark.parametrize("ascii_code", [*range(32), 127])
def test_shown_lets_no_control_character_through_but_line_break_and_tab(ascii_code: int) -> None:
    printed = shown(f"a{chr(ascii_code)}b")
    assert (chr(ascii_code) in printed) is (chr(ascii_code) in "\n\t")


def test_shown_in_one_line_has_no_line_break() -> None:
    assert shown(" wages\n\tsymbolon: error: spoofed\r\n", one_line=True) == (
        "wages symbolon: error: spoofed\N{REPLACEMENT CHARACTER}"
    )


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("  a \n", "a"),
        ("a\r\nb\rc", "a\nb\nc"),
        ("a\x0bb\x0cc\x85d\u2028e\u2029f", "a\nb\nc\nd\ne\nf"),
        ("a\u00a0b\u3000c\u2800d\u2009e", "a b c d e"),
        ("e\u0301", "é"),
        ("e\u200b\u0301", "é"),
        ("=\u0338", "\u2260"),
        ("pri\u200dce", "price"),
        ("❤\ufe0f", "❤"),
        ("Z" + "\u0302" * 40, "Ẑ" + "\u0302" * MAX_MARKS),
        ("\ufeffa", "a"),
        ("\u3164", ""),
    ],
)
def test_clean_mends_an_authors_text(typed: str, kept: str) -> None:
    assert clean(typed) == kept


def test_is_plain_admits_as_many_marks_as_a_living_script_has() -> None:
    assert is_plain("\u05e9" + "\u05c1\u05bc\u05b8\u05bd\u0591" + "\u05af")
    assert is_plain("Z" + "\u0302" * MAX_MARKS)


def test_is_plain_counts_marks_anew_for_each_letter() -> None:
    assert is_plain(("Z" + "\u0302" * MAX_MARKS) * 3)


def test_is_plain_admits_letters_that_look_like_others() -> None:
    # Known and accepted: no rule tells a Cyrillic name from a disguise.
    assert is_plain("Аудит")
    assert is_plain("𝐩𝐫𝐢𝐜𝐞")
