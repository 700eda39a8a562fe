"""A country as people type it, to ISO 3166 alpha-2 (docs/matching.md, Countries).

Handles: alpha-2 and alpha-3 codes in any case, names in many languages and spellings ("Viet Nam", "Türkiye",
"P.R. China"), and England, Scotland, Wales and Northern Ireland, which are GB.
Refuses: unknown names, cities and provinces, and codes that stand for no territory (EU, UN, ZZ): the answer
is empty text, never a guess, since a wrong country would spoil every key that holds it.
"""

from functools import lru_cache
from typing import Final

from symbolon.suppliers.country_names import find_code, find_name, is_part, name_key, usual_words

MAX_COUNTRY_CHARS: Final = 100
"""The longest official name has 57."""

_DISTINCT_COUNTRIES: Final = 4096
"""Cache bound: a list repeats a few hundred spellings at most."""


@lru_cache(maxsize=_DISTINCT_COUNTRIES)
def normalise_country(text: str) -> str:
    """Alpha-2 code in upper case for a country code or name, or '' when it is not known."""
    stripped = text.strip().strip(".;,")
    if not stripped or len(stripped) > MAX_COUNTRY_CHARS:
        return ""
    return find_code(stripped) or find_name(stripped)


@lru_cache(maxsize=1 << 16)
def is_country_name(word: str, code: str) -> bool:
    """Is this word a name or a code of that country itself, not of a region or a city in it?"""
    return bool(code) and (find_code(word) or find_name(word)) == code and not is_part(name_key(word))


def country_words(code: str) -> frozenset[str]:
    """Lower-case ASCII words of the country's usual names, for leaving them out of supplier names."""
    return usual_words(code)
