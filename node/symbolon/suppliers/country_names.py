"""Names and codes of countries, from ISO 3166 and a table of what people type beside it (docs/matching.md).

Handles: alpha-2 and alpha-3 codes, short, common and official names, names and alpha-3 codes that ISO 3166-3
has withdrawn where one country follows, everyday names, and names in the languages of LANGUAGES.
Refuses: to guess. A name that stands for two countries ("Virgin Islands") stands for none; withdrawn alpha-2
codes are not known, since many mean something else by now ("MI", "NH"). Nothing is loaded before
the first question, and translations only when no other name fits.

Source: pycountry, which packages iso-codes (ISO 3166-1 and 3166-3) with its translations.
"""

import gettext
from collections.abc import Iterable, Iterator
from functools import cache
from typing import Final

from symbolon.suppliers.folding import fold, tokens, word_set

LANGUAGES: Final = ("de", "fr", "es", "pt", "pt_BR", "tr", "zh_CN", "zh_TW", "vi", "it", "nl", "id")
"""Translations that are asked, by the names of their folders in pycountry."""

MIN_TRANSLATED_LETTERS: Final = 4
"""Shorter translated names look like codes once their accents are gone: Vietnamese `Áo` is Austria."""

_CODES: Final = {"UK": "GB", "EL": "GR", "XK": "XK", "XKX": "XK", "RKS": "XK", "ROM": "RO", "PRC": "CN"}
"""Codes in use that are not in ISO 3166-1."""

PARTS: Final = {"GB": "England|Scotland|Wales|Northern Ireland|North Ireland"}
"""Parts of a country that people type in its place."""

_ALIASES: Final = {
    "AE": "UAE|Emirates",
    "BA": "Bosnia|Bosnia Hercegovina|Bosnia-H",
    "BN": "Brunei",
    "BO": "Bolivia",
    "CD": "DR Congo|DRC|Congo DR|Congo Kinshasa|Democratic Republic Congo|Zaire",
    "CG": "Congo Brazzaville|Congo Republic",
    "CI": "Ivory Coast|Cote Ivoire",
    "CN": "P.R. China|P.R.C.|China PR|China P.R.C.|China Mainland|Mainland China|Zhongguo",
    "CV": "Cape Verde",
    "CZ": "Czech|Czech Rep.",
    "DE": "Germany Federal Republic|East Germany|West Germany|GDR|BRD",
    "DO": "Dominican Rep.|Republica Dominicana",
    "EG": "Egypt Arab Republic",
    "FM": "Micronesia",
    "GB": "Great Britain|U.K.|Britain|United Kingdom Great Britain",
    "GM": "Gambia",
    "HK": "Hongkong|Hong Kong SAR|Hong Kong China|Hong Kong SAR China|China Hong Kong|HKSAR|Xianggang",
    "IR": "Iran|Persia",
    "KG": "Kyrgyz Republic|Kirghizia",
    "KP": "North Korea|DPRK|DPR Korea|Korea DPR|Korea North",
    "KR": "South Korea|Korea|Korea South|R.O. Korea|ROK|Korea Republic|S. Korea",
    "LA": "Laos|Lao|Lao PDR|Laos PDR|Lao P.D.R.",
    "LY": "Libyan Arab Jamahiriya",
    "MD": "Moldova|Moldavia",
    "MK": "Macedonia|FYROM|FYR Macedonia|Macedonia FYR|Former Yugoslav Republic Macedonia",
    "MM": "Burma|Birma|Birmania",
    "MO": "Macau|Macao SAR|Macau SAR|Macau China|Macao China|Macao SAR China|Macau SAR China",
    "NL": "Holland",
    "PS": "Palestine|Palestinian Territory|Palestinian Territories|West Bank Gaza",
    "RS": "Republic Serbia|Srbija",
    "RU": "Russia|Russian Fed.",
    "SK": "Slovak Republic",
    "SY": "Syria",
    "SZ": "Swaziland",
    "TL": "East Timor|Timor Leste",
    "TR": "Turkey|Republic Turkey|Turkiye Cumhuriyeti",
    "TW": "Taiwan|Taiwan ROC|Taiwan Republic China|Taiwan China|Chinese Taipei|Taiwan Province China",
    "TZ": "Tanzania|Tanzania United Republic",
    "US": "U.S.|U.S.A.|United States America|America|USA United States",
    "VA": "Vatican|Vatican City|Vatican City State",
    "VE": "Venezuela|Venezuela RB",
    "VG": "BVI|British Virgin Islands|Virgin Islands UK",
    "VI": "USVI|US Virgin Islands|United States Virgin Islands|Virgin Islands US",
    "VN": "Vietnam|Viet-Nam|VNM|SR Vietnam|Socialist Republic Vietnam",
    "XK": "Kosovo|Republic Kosovo",
    "YE": "Yemen Republic",
    # Names that the translations in LANGUAGES lack.
    "BD": "Bangladesch|孟加拉国",
    "GR": "Hellas",
    "IN": "Bharat|Hindustan",
    "JP": "Nippon|Nihon",
    "KH": "Kampuchea|Kambodscha",
    "LK": "Ceylon|Srilanka",
    "MX": "México|Méjico|Mexiko",
    "MA": "Maroc|Marruecos",
    "TH": "Siam",
}
"""Everyday names; small words and abbreviations are treated as in every name."""

_OTHER_WORDS: Final = {
    "CZ": "czech", "FK": "falkland", "GB": "britain ireland", "MM": "burma", "MO": "macau", "NL": "holland",
    "RU": "russia", "TR": "turkey", "US": "america", "XK": "kosovo",
}  # fmt: skip
"""Words for `usual_words` that the name in ISO 3166 lacks."""

_DROPPED: Final = frozenset({"the", "of", "and"})
_WRITTEN_OUT: Final = {
    "rep": "republic", "dem": "democratic", "st": "saint", "fed": "federated", "sts": "states",
    "is": "islands", "isl": "islands",
}  # fmt: skip
_STATE_WORDS: Final = word_set(
    """
    republic kingdom peoples democratic federal federated federation islamic socialist state states
    united union special administrative region south north great northern eastern western central arab
    island islands territory territories minor outlying city part british french dutch saint province
    """
)
"""Words in the names of many states."""


def name_key(text: str) -> str:
    """A country's name in one spelling: letters only, small words dropped, abbreviations written out."""
    return "".join(_WRITTEN_OUT.get(word, word) for word in tokens(fold(text)) if word not in _DROPPED)


def find_code(text: str) -> str:
    """The alpha-2 code of an alpha-2 or alpha-3 code in any case, with or without dots, or ''."""
    code = text.replace(".", "").replace(" ", "").upper()
    return _codes().get(code, "") if len(code) in {2, 3} and text.isascii() else ""


def find_name(text: str) -> str:
    """The alpha-2 code of a name, in its order or turned around a comma, or ''.

    Two names of one country, the second in parentheses or behind a comma, count as one.
    """
    keys = [key for name in _turned(text) if (key := name_key(name))]
    for index in (_names, _translated_names):
        if found := next((code for key in keys if (code := index().get(key))), ""):
            return found
    head, comma, tail = _parted(text)
    if comma and (first := find_code(head) or find_name(head)):
        return first if first == (find_code(tail) or find_name(tail)) else ""
    return ""


@cache
def is_part(key: str) -> bool:
    """Is this the key of a name in PARTS?"""
    return any(name_key(name) == key for names in PARTS.values() for name in names.split("|"))


@cache
def usual_words(code: str) -> frozenset[str]:
    """Words of four letters or more of the country's everyday name, without words of many states."""
    from pycountry import countries

    country = countries.get(alpha_2=code) if code else None
    name = getattr(country, "common_name", country.name) if country is not None else ""
    words = {word for word in tokens(fold(name)) if word.isalpha() and len(word) > 3}
    return frozenset(words | set(_OTHER_WORDS.get(code, "").split())) - _STATE_WORDS


def _turned(name: str) -> Iterator[str]:
    """A name as it is, then `A, B` and `A (B)` as `B A`."""
    yield name
    head, comma, tail = _parted(name)
    if comma:
        yield f"{tail} {head}"


def _parted(name: str) -> tuple[str, str, str]:
    return name.replace("(", ",").replace(")", "").partition(",")


@cache
def _codes() -> dict[str, str]:
    from pycountry import countries

    codes = dict(_CODES)
    for country in countries:
        codes[country.alpha_2] = codes[country.alpha_3] = country.alpha_2
    for alpha_3, _, successor in _withdrawn():
        codes.setdefault(alpha_3, successor)
    return codes


def _withdrawn() -> Iterator[tuple[str, str, str]]:
    """Alpha-3 code and name of every withdrawn entry that one country follows, and that country.

    Source: ISO 3166-3; the last two of the four letters are the alpha-2 code of the country that follows,
    or no code of a country.
    """
    from pycountry import countries, historic_countries

    for entry in historic_countries:
        successor = entry.alpha_4[2:]
        if countries.get(alpha_2=successor) is not None:
            yield entry.alpha_3, entry.name, successor


@cache
def _names() -> dict[str, str]:
    from pycountry import countries

    index: dict[str, str] = {}
    for code, names in (*_ALIASES.items(), *PARTS.items()):
        index.update(dict.fromkeys(map(name_key, names.split("|")), code))
    full: list[tuple[str, str]] = []
    heads: list[tuple[str, str]] = []
    for country in countries:
        for field in ("name", "common_name", "official_name"):
            name = getattr(country, field, "")
            full += [(name_key(spelling), country.alpha_2) for spelling in _turned(name)]
            heads.append((name_key(name.partition(",")[0].partition("(")[0]), country.alpha_2))
    full += [(name_key(spelling), code) for _, name, code in _withdrawn() for spelling in _turned(name)]
    for known in (full, heads):
        for key, code in _unanimous(known):
            index.setdefault(key, code)
    index.pop("", None)
    return index


@cache
def _translated_names() -> dict[str, str]:
    from pycountry import LOCALES_DIR, countries

    found: list[tuple[str, str]] = []
    for language in LANGUAGES:
        spoken = gettext.translation("iso3166-1", LOCALES_DIR, languages=[language]).gettext
        for country in countries:
            for field in ("name", "common_name", "official_name"):
                if name := getattr(country, field, ""):
                    found += [(name_key(spelling), country.alpha_2) for spelling in _turned(spoken(name))]
    return {key: code for key, code in _unanimous(found) if len(key) >= MIN_TRANSLATED_LETTERS}


def _unanimous(found: Iterable[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """The names that stand for one country only."""
    codes: dict[str, set[str]] = {}
    for key, code in found:
        codes.setdefault(key, set()).add(code)
    return ((key, *held) for key, held in codes.items() if len(held) == 1)  # type: ignore[misc]
