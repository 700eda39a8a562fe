"""A supplier's name to what identifies it, the same for its usual spellings (docs/matching.md, Names).

Handles: legal forms, words without weight, the supplier's own country in its name, names typed with blanks
between the letters, several names in one cell (`Ryan Farms/Ryan Johnson`, `A dba B`), initials, unit numbers.
Refuses: to find an identity in a name of words without weight only; such a reading is `anonymous` and makes
no key of its own.
"""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from symbolon.suppliers.country import country_words
from symbolon.suppliers.folding import fold, tokens
from symbolon.suppliers.legal_forms import (
    LEGAL_WORDS,
    LEGAL_WORDS_BY_COUNTRY,
    closing_form_words,
    is_legal_form,
    leading_form_words,
)
from symbolon.suppliers.sector_words import ARTICLES, FACILITY_WORDS, SMALL_WORDS, sector_class

MAX_ALTERNATIVES: Final = 3
"""Names taken from one cell; a fourth is rarely a name of the same supplier."""

STRONG_LETTERS: Final = 10
"""Letters that a core needs to stand without the words of its sector: `johnson` does not, `ryanjohnson`
does."""

_REFERENCE: Final = re.compile(r"\b\d{4,}\b")
"""A number this long in a name is a reference of the list it comes from, not the number of a plant."""

_ALTERNATIVE: Final = re.compile(
    r"(?:\bd\s?/\s?b\s?/\s?a\b|\bd\s?b\s?a\b|\bdoing business as\b|\bt/a\b|\btrading as\b|\ba/?k/?a\b"
    r"|\bf/?k/?a\b|\bformerly\b|\bex\.|\bc/o\b|;|/)"
)
_CLOSED_SLASH: Final = re.compile(r"\b([a-z])/([a-z])\b(?!/)")
_SPLIT_SHORT_WORDS: Final = 5
_SPLIT_SHARE: Final = 0.55
_SPLIT_TAILS: Final = (
    "privatelimited", "privateltd", "pvtlimited", "pvtltd", "companylimited", "companyltd", "colimited",
    "coltd", "saniveticas", "sanveticltdsti", "sanvetic", "ltdsti", "sadecv", "limited", "company", "sarl",
    "gmbh", "corp", "srl", "ltd", "llc", "inc", "ood", "doo", "plc", "spa", "lda", "sa", "as", "co",
)  # fmt: skip


_SPLIT_SECTOR_WORDS: Final = (
    "manufacturing", "konfeksiyon", "international", "garments", "garment", "apparels", "apparel", "textile",
    "tekstil", "fashion", "clothing", "knitting", "lingerie",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class NameReading:
    """One name of a supplier.

    Attributes:
        core: words that carry weight, in their order, without legal form.
        sector: classes of its words without weight, sorted, each once.
        numbers: its numbers, sorted.
        whole: all its words without legal form, in their order without blanks.
    """

    core: tuple[str, ...]
    sector: tuple[str, ...]
    numbers: tuple[str, ...]
    whole: str

    @property
    def anonymous(self) -> bool:
        """True when nothing but words without weight is left."""
        return sum(map(len, self.core)) + (len(self.numbers) if self.core else 0) < 2

    @property
    def letters(self) -> str:
        """The core in its order without blanks."""
        return "".join(self.core)

    def identity(self, without: frozenset[str] = frozenset()) -> str:
        """What two spellings of the name share: the letters of the core in alphabetical order, then numbers.

        A core of fewer than STRONG_LETTERS letters is joined by the classes of its sector words.

        Args:
            without: words to leave out, such as the place the key names already, if enough is left.
        """
        core = self.core
        if without:
            shorter = tuple(word for word in core if word not in without)
            if sum(map(len, shorter)) >= 4:
                core = shorter
        letters = "".join(sorted("".join(core)))
        parts = [letters]
        if len(letters) < STRONG_LETTERS:
            parts += self.sector
        parts += self.numbers
        return " ".join(parts)


@lru_cache(maxsize=4096)
def read_names(name: str, country: str) -> tuple[NameReading, ...]:
    """The names in a cell.

    Args:
        name: the cell.
        country: ISO alpha-2 of the supplier, or ''.

    Returns:
        At most MAX_ALTERNATIVES distinct readings; none for a cell without letters or digits.
    """
    folded = _CLOSED_SLASH.sub(r"\1\2", fold(name)) if "/" in name else fold(name)
    parts = _ALTERNATIVE.split(folded)
    readings: dict[NameReading, None] = {}
    for part in parts:
        words = tokens(_REFERENCE.sub(" ", part)) or tokens(part)
        if words:
            readings[_read(words, country)] = None
    named = [reading for reading in readings if not reading.anonymous]
    return tuple((named or list(readings))[:MAX_ALTERNATIVES])


def _read(words: list[str], country: str) -> NameReading:
    form = closing_form_words(words, country)
    spelt = words[:-form] if form > 1 else words  # `s de rl de cv` is no name with blanks between its letters
    short = sum(1 for word in spelt if len(word) <= 2 and word.isalpha())
    if short >= _SPLIT_SHORT_WORDS and short >= _SPLIT_SHARE * len(spelt):
        return _read_split(words, country)
    words = _without_legal_form(words, country)
    country_names = country_words(country)
    core: list[str] = []
    sector: set[str] = set()
    numbers: list[str] = []
    own_country: list[str] = []
    for word in words:
        if word.isdigit():
            numbers.append(word)
        elif (word in SMALL_WORDS and len(word) > 1) or word in FACILITY_WORDS:
            continue
        elif found := sector_class(word):
            sector.add(found)
        elif word in country_names:
            own_country.append(word)
        else:
            core.append(word)
    long_words = sum(1 for word in core if len(word) >= 3)
    if long_words >= 2:
        core = [word for word in core if len(word) > 1 and word != "jr"]
    if sum(map(len, core)) < 2:
        core += own_country + [word for word in words if word in ARTICLES]
    return NameReading(tuple(core), tuple(sorted(sector)), tuple(sorted(numbers)), "".join(words))


def _without_legal_form(words: list[str], country: str) -> list[str]:
    here = LEGAL_WORDS_BY_COUNTRY.get(country, frozenset())
    kept = list(words)
    while count := leading_form_words(kept) or (1 if len(kept) > 1 and kept[0] in here else 0):
        del kept[:count]
    while count := closing_form_words(kept, country):
        del kept[-count:]
    inner = [
        word
        for word in kept
        if word not in LEGAL_WORDS
        and word not in here
        and not (len(word) > 3 and is_legal_form(word, country))
    ]
    return inner or kept


def _read_split(words: list[str], country: str) -> NameReading:
    """A name with blanks between its letters: read as one word, minus what can be told from its end."""
    joined = "".join(word for word in words if word.isalpha())
    numbers = tuple(sorted(word for word in words if word.isdigit()))
    shortened = True
    while shortened:
        shortened = False
        for tail in _SPLIT_TAILS:
            if joined.endswith(tail) and len(joined) - len(tail) >= 5:
                joined = joined.removesuffix(tail)
                shortened = True
                break
    sector: set[str] = set()
    for word in (*_SPLIT_SECTOR_WORDS, *sorted(country_words(country))):
        if word in joined and len(joined) - len(word) >= 5:
            joined = joined.replace(word, "", 1)
            if found := sector_class(word):
                sector.add(found)
    return NameReading((joined,), tuple(sorted(sector)), numbers, joined)
