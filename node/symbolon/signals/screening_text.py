"""A text as the screening searches it: folded, with the way back to what the author wrote.

Handles: compatibility forms (full width, ligatures), case, accents, digits of any script, letters of Cyrillic
and Greek that look Latin, punctuation of other scripts, and what cannot be seen: zero-width characters,
overrides of direction, variation selectors and control characters are left out, so that they hide nothing.
The folding is that of NFKC with case folding, taken one character at a time, which keeps the offsets and
bounds the time. Refuses nothing.
"""

import re
import unicodedata
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from symbolon.signals.screening_finding import Suspicion

Span = tuple[int, int]
"""The offset of a first character, and of the one behind the last."""

_MOST_CHARS_OF_ONE: Final = 8
"""Of what one character folds to: a few Arabic ligatures stand for a whole sentence, and are kept whole."""

_CHARACTER_CACHE: Final = 1 << 13
"""Bound of the cache of folded characters: no narrative has as many distinct ones."""

_LOOKALIKES: Final = dict(
    zip(
        "абвекмнорстухіјѕԁһԛԝӏɑɡαβεικνορτυχ",
        "abbekmhopctyxijsdhqwlagabeikvoptux",
        strict=True,
    )
)
_FOLDED: Final = _LOOKALIKES | {
    "đ": "d",
    "ð": "d",
    "ø": "o",
    "ł": "l",
    "ı": "i",
    "æ": "ae",
    "œ": "oe",
    "þ": "th",
    "ى": "ي",
    "ی": "ي",
    "ة": "ه",
    "ک": "ك",
    "۔": ".",
    "।": ". ",
    "॥": ". ",
    "။": ". ",
    "።": ". ",
    "。": ". ",
    "؟": "?",
    "؛": ";",
    "،": ",",
    "、": ",",
    "٪": "%",
    "٫": ".",
    "٬": ",",
    "−": "-",
    "‘": "'",
    "’": "'",
    "ʼ": "'",
    "`": "'",
    "“": '"',
    "”": '"',
    "«": '"',
    "»": '"',
    "•": "\n",
    "‣": "\n",
    "▪": "\n",
}
_INVISIBLE: Final = frozenset("\u0640\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0\u2800") | {
    chr(each)
    for first, last in (
        (0xFE00, 0xFE10),
        (0x180B, 0x1810),
        (0x2065, 0x2066),
        (0xFFF0, 0xFFF9),
        (0xE0000, 0xE1000),
    )
    for each in range(first, last)
}
"""Shown as nothing, though they are no format characters: fillers, variation selectors, the empty Braille."""

_LINE_BREAKS: Final = frozenset("\n\r\v\f\x1c\x1d\x1e\x85\u2028\u2029")
_BULLETS: Final = frozenset("-*>")


_ESCAPE: Final = re.compile(r"\x1b\[[0-9;?]{0,24}[ -/]{0,4}[@-~]")
"""A command to a terminal, which shows nothing of it. Source: ECMA-48, 5.4."""

LETTER: Final = (
    r"[A-Za-z\u00aa\u00b5\u00ba\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u09f1\u09f4-\u0dff\u0f00-\u0fff"
    r"\u10a0-\u177f\u1800-\u1fff\u2c00-\u2dff\ua4d0-\uabff\ufb00-\ufdff\ufe70-\ufeff]"
)
"""Of a folded text in a script that sets blanks between words, vowel signs included."""

UNSPACED: Final = (
    r"[\u0e01-\u0e3a\u0e40-\u0e4e\u0e81-\u0edf\u1000-\u109f\u1780-\u17d3\u2e80-\u2fdf\u3040-\u9fff"
    r"\uac00-\ud7af\uf900-\ufaff]"
)
"""Of a folded text in a script in which words stand without blanks: Thai, Burmese, Khmer, Chinese."""

_BREAK: Final = re.compile(r"[!?;\n]|\.(?= |\Z)")
_ABBREVIATION: Final = re.compile(
    r"(?:^|[ (,:])(?:[A-Za-z]|e\.g|i\.e|z\.b|d\.h|p\.ex|u\.a|mr|mrs|ms|dr|md|mst|sr|sra|srta|sig|jr|rs|tk|no"
    r"|nos|nr|num|art|sec|para|approx|ca|bzw|tel|ph|mob|fig|st|cf|vs|incl|inkl|rd|ref|min|max|mme|mlle|dott|av|ext)\Z"
    r"|(?:^|[^\d.,])\d{1,2}\Z",
    re.IGNORECASE,
)
"""What a full stop stands behind without ending a sentence; so does a day, as in `12. April`."""

_LONGEST_ABBREVIATION: Final = 8


@dataclass(frozen=True, slots=True)
class SearchText:
    """A folded text, and what it was folded from. Three sequences have one length.

    Attributes:
        written: as the author wrote it.
        folded: in lower case, without accents.
        cased: the same with its capitals.
        origins: for each character the offset of the one that it came from.
    """

    written: str
    folded: str
    cased: str
    origins: tuple[int, ...]

    def span(self, begin: int, end: int) -> Span:
        """Where a part of the folded text stands in what the author wrote."""
        return self.origins[begin], self.origins[end - 1] + 1

    def find(self, pattern: re.Pattern[str]) -> "Marks":
        """Where a pattern stands in the folded text."""
        return Marks(each.span() for each in pattern.finditer(self.folded))

    def sentences(self) -> "Sentences":
        """Where its sentences begin; an abbreviation or a decimal point ends none."""
        begins = [0]
        for match in _BREAK.finditer(self.folded):
            before = self.folded[max(0, match.start() - _LONGEST_ABBREVIATION) : match.start()]
            if match[0] != "." or not _ABBREVIATION.search(before):
                begins.append(match.end())
        return Sentences(begins, len(self.folded))


@dataclass(frozen=True, slots=True)
class Sentences:
    """Where the sentences of a text begin, and where the last one ends."""

    begins: list[int]
    length: int

    def around(self, offset: int, reach: int) -> Span:
        """The part of the sentence at an offset that lies within a reach of it."""
        index = bisect_right(self.begins, offset)
        end = self.begins[index] if index < len(self.begins) else self.length
        return max(self.begins[index - 1], offset - reach), min(end, offset + reach)


@dataclass(frozen=True, slots=True)
class Suspect:
    """A part of a folded text, and what it seems to be."""

    suspicion: Suspicion
    begin: int
    end: int


class Marks:
    """Where what is of one kind stands in a text, none over another."""

    __slots__ = ("_begins", "_ends")

    def __init__(self, spans: Iterable[Span]) -> None:
        """Takes spans in their order."""
        self._begins: list[int] = []
        self._ends: list[int] = []
        for begin, end in spans:
            self._begins.append(begin)
            self._ends.append(end)

    def __iter__(self) -> Iterator[Span]:
        return zip(self._begins, self._ends, strict=True)

    def __bool__(self) -> bool:
        return bool(self._begins)

    def within(self, low: int, high: int) -> bool:
        """Whether one begins in a part of the text."""
        return bisect_left(self._begins, low) < bisect_left(self._begins, high)

    def touches(self, begin: int, end: int) -> bool:
        """Whether one overlaps a span."""
        index = bisect_right(self._ends, begin)
        return index < len(self._begins) and self._begins[index] < end

    def nearest(self, begin: int, end: int, low: int, high: int) -> Span | None:
        """The one closest to a span, of those that lie between two offsets."""
        index = bisect_left(self._begins, begin)
        best: Span | None = None
        for each in (index - 1, index, index + 1):
            if 0 <= each < len(self._begins) and low <= self._begins[each] and self._ends[each] <= high:
                span = (self._begins[each], self._ends[each])
                if best is None or distance(span, begin, end) < distance(best, begin, end):
                    best = span
        return best


def distance(span: Span, begin: int, end: int) -> int:
    """Characters between two spans; 0 where they touch or overlap."""
    return max(0, begin - span[1], span[0] - end)


def fold(text: str) -> SearchText:
    """Folds a text. The time is linear in its length."""
    folded: list[str] = []
    cased: list[str] = []
    origins: list[int] = []
    blank_at = -1
    breaks = 0
    hidden = frozenset(each for match in _ESCAPE.finditer(text) for each in range(*match.span()))
    for offset, character in enumerate(text):
        if offset in hidden:
            continue
        lower, upper = _fold_character(character)
        if character in _LINE_BREAKS or lower.isspace():
            blank_at = offset if blank_at < 0 else blank_at
            breaks += character in _LINE_BREAKS and not (
                character == "\n" and text[offset - 1 : offset] == "\r"
            )
            continue
        if not lower:
            continue
        if blank_at >= 0:
            # One line break is a narrow window of the author's; an empty line or a bullet is a new sentence.
            blank = "\n" if breaks > 1 or (breaks and character in _BULLETS) else " "
            if blank != " " or not folded or folded[-1][-1] != " ":
                folded.append(blank)
                cased.append(blank)
                origins.append(blank_at)
            blank_at, breaks = -1, 0
        folded.append(lower)
        cased.append(upper)
        origins.extend([offset] * len(lower))
    return SearchText(text, "".join(folded), "".join(cased), tuple(origins))


@lru_cache(maxsize=_CHARACTER_CACHE)
def _fold_character(character: str) -> tuple[str, str]:
    """What one character folds to, in lower case and in its own, equally long. A blank is a blank."""
    if character.isspace():
        return " ", " "
    if _is_invisible(character):
        return "", ""
    digit = unicodedata.decimal(character, None)
    if digit is not None:
        return str(digit), str(digit)
    if unicodedata.category(character) == "Pd":
        return "-", "-"
    parts = _FOLDED.get(character) or unicodedata.normalize("NFKD", character)
    if len(parts) > _MOST_CHARS_OF_ONE:
        parts = character
    folded: list[str] = []
    cased: list[str] = []
    for part in parts:
        if _is_invisible(part) or _is_accent(part):
            continue
        for lower in part.casefold():
            if _is_accent(lower):
                continue
            for each in _FOLDED.get(lower, lower):
                upper = each.upper() if part.isupper() else each
                folded.append(each)
                cased.append(upper if len(upper) == 1 else each)
    return "".join(folded), "".join(cased)


def _is_invisible(character: str) -> bool:
    category = unicodedata.category(character)
    return category == "Cf" or (category == "Cc" and not character.isspace()) or character in _INVISIBLE


def _is_accent(character: str) -> bool:
    """Accents, nuktas and Arabic or Hebrew vowel points; vowel signs and tones that make a word stay."""
    order = unicodedata.combining(character)
    return order in (1, 7, 8) or 10 <= order <= 35 or 200 <= order <= 240
