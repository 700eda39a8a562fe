"""A supplier's address to its place, postal code, plots and anchors (docs/matching.md, Addresses).

Handles: separate columns, or one line that holds everything, with or without commas; house numbers before or
after the street; post boxes; plots, lots and units.
Refuses: to guess a street or a place out of words that most addresses share (road, industrial zone,
district).
"""

import re
import zlib
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from symbolon.suppliers.country import country_words, is_country_name
from symbolon.suppliers.folding import WORD_CACHE, fold, tokens, word_set

MAX_LOCALITIES: Final = 2
"""Places guessed from one line of address; a city column gives exactly one."""

MAX_ANCHORS: Final = 2
"""Number-and-street anchors of one address."""

_POSTAL_DIGITS: Final[dict[str, int]] = {
    "US": 5, "DE": 5, "FR": 5, "IT": 5, "ES": 5, "MX": 5, "TR": 5, "TH": 5, "PK": 5, "LK": 5, "MY": 5,
    "KR": 5, "MA": 5, "HR": 5, "RS": 5, "UA": 5, "CN": 6, "IN": 6, "VN": 6, "RO": 6, "RU": 6, "SG": 6,
}  # fmt: skip
"""Digits of a postal code, where spreadsheets drop its leading zeros."""

_STREET_WORDS: Final = word_set(
    """
    a ab al and apartado apt area at ave avenida avenue avda av bis bl blk block blvd boulevard bldg box
    bridge building bulvari bulvar by c calle camino carr carretera cad cadde caddesi cd center centre
    circle city co cr commune complex compound corner county court cross ct d da de del dela dist
    district dr drive e east edificio el end epz epza estate exit export expressway ext extension ez
    farm fl flat floor fm for freeway free from gat ground gut hamlet highway house hwy in ind
    industrial industry industriel industrielle industriale investment island j jl jalan jud kat kav
    kavling kec kel kecamatan kelurahan khan khum kilometer km la lane las le lot lote los lu mah
    mahalle mahallesi main mandal manzana mevkii mh moo mill modulo mouza mun municipality mz n nagar
    nave near ne neighborhood new no north northeast northwest np nr ns nw number o oblast of off office
    old on opp opposite osb p parcel park parque parish pc phase phum physical mailing address piso pkwy
    place plant plaza plot plots po pob poligono polig post praca processing prov province pt quan
    quarter r ranch rd region residencial rn ro road rodovia room rr rt rte rua rue rural route s
    sangkat sit siteler san sanayi sbd sec section sector shed sitesi sk so sok sokak soi south
    southeast southwest special sq square sr srok st sta state station ste str strada strasse street sub
    suite survey sw t tambol taluk taluka tehsil the thana to town township trail tower twp tx u ul
    ulica unit upazila us via viale vill village vila w ward way west with ws yol yolu zi zona zone
    zonal x y z zem
    """
)
"""Words that most addresses share."""

_PLACE_WORDS: Final = word_set(
    """
    city town township village vill district dist province prov county municipality region state
    prefecture governorate division commune borough western eastern northern southern central greater
    metro metropolitan capital area zone industrial park north south east west road street rd st ave
    cedex sub
    """
)
_PLACE_ALIASES: Final = {
    "saint": "st", "sainte": "ste", "mount": "mt", "fort": "ft", "north": "n", "south": "s", "east": "e",
    "west": "w", "springs": "spgs", "heights": "hts", "junction": "jct", "center": "ctr", "centre": "ctr",
}  # fmt: skip
_QUALIFIERS: Final = word_set(
    """
    sector section sec zone zona phase floor fl flat kat km kilometer moo block blk blok bolge kisim
    room ward district unit hwy highway route rt
    """
)
"""Words before a number that is no house number."""

_NUMBER_MARKS: Final = _QUALIFIERS | word_set(
    """
    no nr number plot lot km box road rd
    """
)
"""Words before a number that is no postal code either."""

_DIRECTIONS: Final = frozenset(
    {"north", "south", "east", "west", "northeast", "northwest", "southeast", "southwest"}
)
_GRAM: Final = 8
_STREET_LETTERS: Final = 5
_LETTERS_FOR_GRAMS: Final = 10
_PLOT: Final = re.compile(
    r"\b(?:plots?|lots?|unit|shed|survey|khasra|kavling|kav|parcel|suite|ste|apt|lote)\b[\s.:#-]*(?:nos?\b|number\b)?[\s.:#-]*"
    r"([a-z]{0,2}[\s-]?\d+(?:[a-z]\b)?)"
)
_POST_BOX: Final = re.compile(r"\b(?:p\.?\s*o\.?\s*)?box\s*(?:no\.?|#)?\s*(\d+)\b|\bpob\s*(\d+)\b")
_NOTE: Final = re.compile(r"\b(?:physical|mailing|street|site|legal)\s+address\b:?|\(?\bphysical\b\)?:?")


@dataclass(frozen=True, slots=True)
class AddressReading:
    """One address.

    Attributes:
        localities: squashed names of places, the surest first.
        postal: squashed postal code or ''.
        plots: numbers of plots, lots and units, sorted, or ''.
        anchors: number and street core, or what stands for it.
    """

    localities: tuple[str, ...]
    postal: str
    plots: str
    anchors: tuple[str, ...]


def read_address(address: str, city: str, postal_code: str, country: str) -> AddressReading:
    """Read the address columns of one supplier."""
    folded = _NOTE.sub(" ", fold(address)) if address else ""
    plots = " ".join(sorted({"".join(tokens(found)) for found in _PLOT.findall(folded)}))
    words = tokens(folded)
    if not city:
        while len(words) > 1 and is_country_name(words[-1], country):
            words.pop()
    postal = postal_key(postal_code, country) or _postal_in_line(words, country)
    if city:
        place = place_key(city)
        localities: tuple[str, ...] = (place,) if place else ()
    else:
        localities = _localities_in_line(folded, country)
    return AddressReading(
        localities, postal, plots, _anchors(folded, words, city, localities, postal, plots, country)
    )


@lru_cache(maxsize=WORD_CACHE)
def place_key(text: str) -> str:
    """A place's name without blanks, in one spelling: `Saint Paul` and `St. Paul` are `stpaul`."""
    words = [_PLACE_ALIASES.get(word, word) for word in tokens(fold(text)) if word.isalpha()]
    kept = [word for word in words if word not in {"city", "town", "township", "village", "municipality"}]
    return "".join(kept or words)


@lru_cache(maxsize=WORD_CACHE)
def postal_key(text: str, country: str) -> str:
    """A postal code in one spelling: letters and digits, leading zeros restored, US codes without +4."""
    squashed = re.sub(r"[^0-9a-z]", "", fold(text))
    if not squashed or not any(symbol.isdigit() for symbol in squashed) or not squashed.strip("0"):
        return ""
    if squashed.isdigit() and (digits := _POSTAL_DIGITS.get(country)):
        if country == "US" and len(squashed) > 5:
            squashed = squashed.zfill(9)[:5]
        squashed = squashed.zfill(digits)
    return squashed


def _postal_in_line(words: list[str], country: str) -> str:
    for place in range(len(words) - 1, 0, -1):
        word = words[place]
        if word.isdigit() and 5 <= len(word) <= 7 and words[place - 1] not in _NUMBER_MARKS:
            return postal_key(word, country)
    return ""


def _localities_in_line(folded: str, country: str) -> tuple[str, ...]:
    found: dict[str, None] = {}
    segments = [segment for segment in re.split(r"[,;\n]|\s-\s", folded) if segment.strip()]
    own = country_words(country)
    if len(segments) >= 3:
        for segment in reversed(segments[1:]):
            words = [
                word
                for word in tokens(segment)
                if word.isalpha() and word not in _PLACE_WORDS and word not in own
            ]
            place = "".join(words)
            if 3 <= len(place) <= 30 and not is_country_name(" ".join(words), country):
                found[place] = None
            if len(found) >= MAX_LOCALITIES:
                break
        return tuple(found)
    for word in reversed([word for word in tokens(folded) if word.isalpha()]):
        if len(word) > 3 and word not in _STREET_WORDS and word not in own and word not in _PLACE_WORDS:
            if is_country_name(word, country):
                continue
            found[word] = None
        if len(found) >= MAX_LOCALITIES:
            break
    return tuple(found)


def _anchors(
    folded: str,
    words: list[str],
    city: str,
    localities: tuple[str, ...],
    postal: str,
    plots: str,
    country: str,
) -> tuple[str, ...]:
    """Up to MAX_ANCHORS: post box, plot, number with street core; two grams for an address without number."""
    found: dict[str, None] = {}
    place = localities[0] if localities else postal
    if place and ("box" in folded or "pob" in folded):
        for first, second in _POST_BOX.findall(folded):
            found[f"box {first or second} {place}"] = None
        words = tokens(_POST_BOX.sub(" ", folded))
    content = [len(word) > 2 and word.isalpha() and word not in _STREET_WORDS for word in words]
    named = frozenset((place, *tokens(fold(city))))
    if any(good and word not in named for word, good in zip(words, content, strict=True)):
        content = [good and word not in named for word, good in zip(words, content, strict=True)]
    elif city:
        content = [False] * len(words)
    if plots:
        street = next((word for word, good in zip(words, content, strict=True) if good), place)
        if street:
            found[f"plot {plots} {street[:_STREET_LETTERS]}"] = None
    for index, word in enumerate(words):
        if len(found) >= MAX_ANCHORS:
            break
        if word.isdigit() and word != postal and not (plots and word in plots):
            found.update(dict.fromkeys(_numbered(words, content, index, place, postal)))
    if not found and not any(word.isdigit() and word != postal for word in words):
        found.update(dict.fromkeys(_grams(words, country)))
    return tuple(found)[:MAX_ANCHORS]


def _numbered(words: list[str], content: list[bool], index: int, place: str, postal: str) -> list[str]:
    """Anchors of one number: with its street cores, or a second number or plain word and the place."""
    if index and words[index - 1] in _QUALIFIERS:
        return []
    number = words[index]
    if streets := _nearest(words, content, index):
        return [f"{number} {street[:_STREET_LETTERS]}" for street in streets]
    if not place:
        return []
    if crossing := _next_number(words, index, postal):
        return [f"{number} {crossing} {place}"]
    if plain := _plain_street(words, index):
        return [f"{number} {plain[:_STREET_LETTERS]} {place}"]
    return []


def _grams(words: list[str], country: str) -> list[str]:
    """Two telling runs of letters of an address without numbers; the same when words are run together."""
    own = country_words(country)
    letters = "".join(
        word for word in words if word.isalpha() and word not in own and word not in _STREET_WORDS
    )
    if len(letters) < _LETTERS_FOR_GRAMS:
        return []
    grams = {letters[at : at + _GRAM] for at in range(len(letters) - _GRAM + 1)}
    return [f"~{min(grams, key=_gram_rank)}", f"~{max(grams, key=_gram_rank)}"]


def _next_number(words: list[str], index: int, postal: str) -> str:
    """The number of a grid street or a highway: `358 East 300 South`, `1704 State Highway 1947`."""
    following = words[index + 1 : index + 5]
    return next((word for word in following if word.isdigit() and word != postal), "")


def _plain_street(words: list[str], index: int) -> str:
    """A street named by a word that most addresses share (`100 Main Street`); it needs the place beside."""
    following = words[index + 1 : index + 4]
    return next(
        (word for word in following if len(word) > 3 and word.isalpha() and word not in _DIRECTIONS), ""
    )


def _nearest(words: list[str], content: list[bool], index: int) -> list[str]:
    """The content words next to a number, at most four words away: behind it, then before it."""
    ahead = next((words[at] for at in range(index + 1, min(index + 5, len(words))) if content[at]), "")
    back = next((words[at] for at in range(index - 1, max(index - 5, -1), -1) if content[at]), "")
    return [word for word in (ahead, back) if word]


@lru_cache(maxsize=WORD_CACHE)
def _gram_rank(gram: str) -> tuple[int, str]:
    return zlib.crc32(gram.encode()), gram
