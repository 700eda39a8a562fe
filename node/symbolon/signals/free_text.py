"""Free text in signals: what a person may write, and how another's text is shown so that it can do nothing.

Handles: cleaning what an author types or imports; telling plain text from text that could deceive; showing
text from anywhere on a terminal. Plain text has printable characters, line breaks and tabs, and the two
joiners behind a letter of a script that needs them, Bengali, Hindi or Persian. What can move the cursor, turn
the direction of reading, hide, strike out or spill into other lines is not plain: control characters,
overrides and isolates of direction, invisible characters of every category, halves of UTF-16 pairs, strokes
over letters, marks that stand on nothing or pile up. Letters that look like others are plain: no rule tells a
Cyrillic name from a disguise. It is no escaping for HTML or for a renderer's markup; whoever makes such
escapes once more. Refuses nothing. Specification: docs/signals.md, The record.
"""

import re
import unicodedata
from typing import Final

MAX_MARKS: Final = 6
"""Marks on one letter: Hebrew with vowels and accents, and Tibetan, have five; more cover other lines."""

_JOINERS: Final = frozenset("\u200c\u200d")
_BREAKS: Final = frozenset("\n\t")
_BLANKS: Final = _BREAKS | {"", " "}
_MARK: Final = "\N{REPLACEMENT CHARACTER}"
_LINE_ENDS: Final = re.compile("\r\n|[\r\v\f\x1c-\x1e\x85\u2028\u2029]")

_JOINING_SCRIPTS: Final = frozenset(
    (
        "ARABIC BENGALI CHAKMA DEVANAGARI GUJARATI GURMUKHI HANIFI KANNADA KHMER MALAYALAM MANDAIC MEETEI"
        " MONGOLIAN MYANMAR NKO ORIYA SINHALA SYRIAC TAMIL TELUGU TIBETAN"
    ).split()
)
"""First words of the names of the characters behind which a joiner changes what a reader sees."""

_INVISIBLE: Final = frozenset(
    chr(each)
    for first, last in (
        (0x034F, 0x034F),  # combining grapheme joiner
        (0x115F, 0x1160),  # fillers of Hangul
        (0x17B4, 0x17B5),  # inherent vowels of Khmer
        (0x180B, 0x180F),  # selectors of Mongolian
        (0x2800, 0x2800),  # empty Braille
        (0x3164, 0x3164),
        (0xFE00, 0xFE0F),  # variation selectors: any byte can hide in a row of them
        (0xFFA0, 0xFFA0),
        (0xFFFC, 0xFFFC),  # stands for an object that is not there
        (0x16FE4, 0x16FE4),
        (0x1BC9D, 0x1BC9D),
        (0x1D159, 0x1D159),  # note without a head
        (0xE0100, 0xE01EF),
    )
    for each in range(first, last + 1)
)
"""Shown as nothing, though their category says letter, mark or symbol."""

_STRIKING: Final = frozenset("\u0335\u0336\u0337\u0338\u20d2\u20d3\u20e0\u20e5\u20e6\u20eb")
"""Marks that strike a letter out: what somebody said would look taken back."""

_HIDDEN: Final = _INVISIBLE | _STRIKING


def is_plain(text: str) -> bool:
    """Whether a text holds nothing but plain characters."""
    if text.isascii() and text.isprintable():
        return True
    return _without_hidden(text, "") == text


def clean(text: str) -> str:
    """An author's own text with its invisible parts mended: one kind of space and of line break, NFC.

    What is not plain is left out; the author is the one who sees the result.
    """
    text = unicodedata.normalize("NFC", _LINE_ENDS.sub("\n", text))
    text = "".join(" " if unicodedata.category(each) == "Zs" or each == "\u2800" else each for each in text)
    # What stood apart may come to stand together, so the form is made once more.
    return unicodedata.normalize("NFC", _without_hidden(text, "")).strip()


def shown(text: str, *, one_line: bool = False) -> str:
    """Another's text as it may be printed: everything that is not plain becomes a visible mark.

    Args:
        text: from anywhere.
        one_line: line breaks and tabs become spaces. Whoever prints several lines indents them, since a line
            of its own could imitate one of the program's.
    """
    marked = _without_hidden(text, _MARK)
    return " ".join(marked.split()) if one_line else marked


def _without_hidden(text: str, instead: str) -> str:
    """A text with something else in the place of each character that is not plain where it stands."""
    kept: list[str] = []
    before = ""
    marks = 0
    for each in text:
        category = unicodedata.category(each)
        if category in ("Mn", "Me"):
            marks += 1
            plain = marks <= MAX_MARKS and before not in _BLANKS and each not in _HIDDEN
        elif each in _JOINERS:
            plain = _joins(before)
        else:
            plain = each in _BREAKS or (_is_visible(each, category) and each not in _HIDDEN)
            marks = 0 if plain else marks
        kept.append(each if plain else instead)
        before = kept[-1] or before
    return "".join(kept)


def _joins(before: str) -> bool:
    return (
        before != ""
        and unicodedata.category(before)[0] in "LM"
        and unicodedata.name(before, "").partition(" ")[0] in _JOINING_SCRIPTS
    )


def _is_visible(character: str, category: str) -> bool:
    """Whether a character that is no mark is shown, by this version of Unicode or a later one.

    What is not assigned yet is shown as a box. If it were refused here, a reply with a letter of next year
    could not be read by a node whose Python is a year older.
    """
    if category != "Cn":
        return character.isprintable()
    number = ord(character)
    never_assigned = number & 0xFFFE == 0xFFFE or 0xFDD0 <= number <= 0xFDEF
    kept_for_invisible = 0x2060 <= number <= 0x206F or 0xFFF0 <= number <= 0xFFFF or number >= 0xE0000
    return not (never_assigned or kept_for_invisible)
