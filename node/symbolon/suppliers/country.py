"""A country as people type it, to ISO 3166 alpha-2 (docs/matching.md, Countries).

Handles: alpha-2 and alpha-3 codes in any case, names in many languages and spellings ("Viet Nam", "Türkiye",
"P.R. China"), and parts of a country that have a code of their own below it ("England" is GB).
Refuses: unknown names and codes that stand for no territory (EU, UN, ZZ): the answer is empty text, never a
guess, since a wrong country would spoil every key that holds it.
"""

from functools import lru_cache
from typing import Final

from rigour.territories import get_territory, lookup_territory

_NO_TERRITORY: Final = frozenset({"EU", "UN", "ZZ"})
_DISTINCT_COUNTRIES: Final = 4096
"""Cache bound: a list repeats a few hundred spellings at most."""


@lru_cache(maxsize=_DISTINCT_COUNTRIES)
def normalise_country(text: str) -> str:
    """Alpha-2 code in upper case for a country code or name, or '' when it is not known."""
    stripped = text.strip().strip(".;,")
    if not stripped or len(stripped) > 100:
        return ""
    code = stripped.lower()
    # The index of codes is small; the index of names takes a second to load, so it is asked last.
    territory = get_territory(code) if len(code) == 2 else None
    if territory is None:
        territory = lookup_territory(stripped)
    while territory is not None and len(territory.code) != 2:
        territory = territory.parent
    if territory is None or (found := territory.code.upper()) in _NO_TERRITORY:
        return ""
    return found


@lru_cache(maxsize=1 << 16)
def is_country_name(word: str, code: str) -> bool:
    """Is this word a name of that country itself, not of a region or a city in it?"""
    territory = lookup_territory(word)
    if territory is None or not territory.is_country or territory.code.upper() != code:
        return False
    return word.lower() not in {place.lower() for place in territory.places}


def country_words(code: str) -> frozenset[str]:
    """Lower-case ASCII words of the country's usual names, for leaving them out of supplier names."""
    return _country_words(code)


@lru_cache(maxsize=512)
def _country_words(code: str) -> frozenset[str]:
    territory = get_territory(code.lower()) if code else None
    if territory is None:
        return frozenset()
    words: set[str] = set()
    for name in (territory.name, territory.full_name):
        words.update(word for word in (name or "").lower().replace(".", "").split() if len(word) > 3)
    return frozenset(word for word in words if word.isascii() and word.isalpha()) - _CONSTITUTION_WORDS


_CONSTITUTION_WORDS: Final = frozenset(
    {"republic", "kingdom", "people's", "democratic", "federal", "islamic", "socialist", "state", "states"}
    | {"united", "union", "special", "administrative", "region", "south", "north", "great", "northern"}
)
