"""Match keys of a supplier, in three tiers (docs/matching.md, Match keys; docs/PROTOCOL.md, Match keys).

Handles: every way in which two lists can name one supplier. Tier A: valid identifiers with a check digit.
Tier B: name with place, name with postal code, identifiers without a check digit. Tier C: a band of the name
crossed with an anchor of the address.
Refuses: names of words without weight only, names without a place, addresses without an anchor, and
everything but identifiers when the country is unknown; `explain_keys` says which and why. No key holds a
phonetic or n-gram band alone.
"""

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import jellyfish

from symbolon.suppliers.folding import WORD_CACHE
from symbolon.suppliers.identifiers import (
    Identifier,
    Rejection,
    absent,
    check_duns,
    check_gln,
    check_imo,
    check_lei,
    check_os_id,
    check_registration,
    check_vat,
)
from symbolon.suppliers.key_schemes import scheme
from symbolon.suppliers.record import Supplier
from symbolon.suppliers.supplier_addresses import AddressReading, read_address
from symbolon.suppliers.supplier_names import NameReading, read_names
from symbolon.suppliers.tier import Tier

MAX_KEYS: Final[dict[Tier, int]] = {Tier.A: 8, Tier.B: 8, Tier.C: 8}
"""Keys a supplier may have in each tier; the weaker ones behind are left out. Every key costs both peers
time, bytes and budget, and a supplier with more keys than others would stand out."""

MAX_SOUNDS: Final = 2
"""Sounds of a name that enter a pair: those of its longest core words."""

_BAND_LETTERS: Final = 4

MAX_VALUE_BYTES: Final = 512
"""One value; the exchange takes inputs up to 65,535 bytes, and no honest key comes near this."""

UNIT_SEPARATOR: Final = b"\x1f"


@dataclass(frozen=True, slots=True)
class MatchKey:
    """One key under which a supplier can be met.

    Attributes:
        tier: what a hit on it says.
        scheme: what kind of key it is, with the version of its rules.
        value: the normalised value.
        source: the columns that gave it, in words.
    """

    tier: Tier
    scheme: str
    value: str
    source: str

    @property
    def encoded(self) -> bytes:
        """The bytes that are hashed: scheme, U+001F, value, in UTF-8."""
        return self.scheme.encode() + UNIT_SEPARATOR + self.value.encode()


@dataclass(frozen=True, slots=True)
class KeyExplanation:
    """What a column, or several together, did for a supplier's keys.

    Attributes:
        source: the columns.
        key: the key they gave, or None.
        reason: why they gave none, or how the key came about.
    """

    source: str
    key: MatchKey | None
    reason: str


def match_keys(supplier: Supplier) -> tuple[MatchKey, ...]:
    """All match keys of a supplier: distinct, in the order of tier and strength, the same at every call."""
    distinct: dict[tuple[str, str], MatchKey] = {}
    counts = dict.fromkeys(Tier, 0)
    for explanation in _explain(supplier):
        key = explanation.key
        if key is None or (key.scheme, key.value) in distinct or counts[key.tier] >= MAX_KEYS[key.tier]:
            continue
        distinct[key.scheme, key.value] = key
        counts[key.tier] += 1
    return tuple(distinct.values())


def explain_keys(supplier: Supplier) -> list[KeyExplanation]:
    """The keys of a supplier with how each came about, and why other columns gave none."""
    kept = set(match_keys(supplier))
    explained: list[KeyExplanation] = []
    for explanation in _explain(supplier):
        if explanation.key is not None and explanation.key not in kept:
            limit = MAX_KEYS[explanation.key.tier]
            explained.append(
                KeyExplanation(
                    explanation.source, None, f"the same as a key above, or beyond {limit} keys of its tier"
                )
            )
            continue
        explained.append(explanation)
    return explained


def _explain(supplier: Supplier) -> Iterator[KeyExplanation]:
    unchecked: list[KeyExplanation] = []
    for column, kind, verdict in _identifiers(supplier):
        if isinstance(verdict, Rejection):
            yield KeyExplanation(column, None, verdict.reason)
        elif verdict.checked:
            key = _key(Tier.A, kind, verdict.value, column)
            yield KeyExplanation(column, key, "valid, check digit verified")
        else:
            key = _key(Tier.B, f"{kind}-unchecked", verdict.value, column)
            unchecked.append(
                KeyExplanation(column, key, "well-formed; this number has no check digit to verify")
            )
    yield from unchecked
    if not supplier.country:
        yield KeyExplanation("country", None, "the country is not known, so name and address make no key")
        return
    names = read_names(supplier.name, supplier.country)
    if not names:
        yield KeyExplanation("name", None, "the name has no letters or digits")
        return
    address = read_address(supplier.address, supplier.city, supplier.postal_code, supplier.country)
    yield from _name_keys(supplier, names, address)
    yield from _pair_keys(supplier, names, address)


def _identifiers(supplier: Supplier) -> Iterator[tuple[str, str, Identifier | Rejection]]:
    if supplier.os_id and not absent(supplier.os_id):
        yield "os_id", "os-id", check_os_id(supplier.os_id)
    if supplier.lei and not absent(supplier.lei):
        yield "lei", "lei", check_lei(supplier.lei)
    if supplier.gln and not absent(supplier.gln):
        yield "gln", "gln", check_gln(supplier.gln)
    if supplier.imo and not absent(supplier.imo):
        yield "imo", "imo", check_imo(supplier.imo)
    if supplier.registration_number and not absent(supplier.registration_number):
        yield (
            "registration_number",
            "registration",
            check_registration(supplier.registration_number, supplier.country),
        )
    if supplier.vat and not absent(supplier.vat):
        yield "vat", "vat", check_vat(supplier.vat, supplier.country)
    if supplier.duns and not absent(supplier.duns):
        yield "duns", "duns", check_duns(supplier.duns)


def _name_keys(
    supplier: Supplier, names: tuple[NameReading, ...], address: AddressReading
) -> Iterator[KeyExplanation]:
    """Tier B: identity of the name with the place, then with the postal code."""
    where = "city" if supplier.city else "address"
    if not address.localities and not address.postal:
        yield KeyExplanation("name", None, "neither a place nor a postal code stands beside the name")
    for reading in names:
        if reading.anonymous:
            yield KeyExplanation("name", None, "the name has only words that most names of its sector share")
            continue
        plots = f"|{address.plots}" if address.plots else ""
        shown = " ".join((*reading.core, *reading.numbers))
        for locality in address.localities:
            identity = reading.identity(frozenset({locality}))
            value = f"{supplier.country}|{identity}|{locality}{plots}"
            source = f"name + {where}"
            yield KeyExplanation(
                source, _key(Tier.B, "name-locality", value, source), f"{shown} in {locality}"
            )
        if address.postal:
            value = f"{supplier.country}|{reading.identity()}|{address.postal}{plots}"
            source = "name + postal code"
            yield KeyExplanation(
                source, _key(Tier.B, "name-postal", value, source), f"{shown} at {address.postal}"
            )


def _pair_keys(
    supplier: Supplier, names: tuple[NameReading, ...], address: AddressReading
) -> Iterator[KeyExplanation]:
    """Tier C: a band of the name with an anchor of the address, both in one key."""
    if not address.anchors:
        yield KeyExplanation(
            "address", None, "the address has no number with a street, and no two telling words"
        )
        return
    bands = _bands(names, address.localities)
    if not bands:
        yield KeyExplanation("name", None, "the name has only words that most names of its sector share")
    for band, shown in bands:
        for anchor in address.anchors:
            value = f"{supplier.country}|{band}|{anchor}"
            source = "name sound + address" if band.startswith("p:") else "name letters + address"
            yield KeyExplanation(source, _key(Tier.C, "band-address", value, source), f"{shown} at {anchor}")


def _bands(names: tuple[NameReading, ...], places: tuple[str, ...]) -> list[tuple[str, str]]:
    """Up to four bands: sounds of the longest core words, then two grams of the core; else the whole name."""
    telling = {word for reading in names for word in reading.core if len(word) > 2}
    words = sorted(telling.difference(places) or telling, key=lambda w: (-len(w), w))
    bands: dict[str, str] = {}
    for word in words[:MAX_SOUNDS]:
        if sound := metaphone(word):
            bands.setdefault(f"p:{sound}", word)
    letters = "".join(word for word in names[0].core if word not in places)
    if len(letters) >= 5:
        grams = {letters[at : at + _BAND_LETTERS] for at in range(len(letters) - _BAND_LETTERS + 1)}
        for gram in (min(grams, key=_gram_rank), max(grams, key=_gram_rank)):
            bands.setdefault(f"n:{gram}", gram)
    if not bands and len(names[0].whole) >= 3:
        bands[f"w:{names[0].whole}"] = names[0].whole
    return list(bands.items())


@lru_cache(maxsize=WORD_CACHE)
def metaphone(word: str) -> str:
    """The sound of a word, '' for fewer than two consonants.

    Source: L. Philips, "Hanging on the Metaphone", Computer Language 7(12), 1990, as jellyfish has it.
    """
    sound = jellyfish.metaphone(word).replace(" ", "")
    return sound if len(sound) >= 2 else ""


@lru_cache(maxsize=WORD_CACHE)
def _gram_rank(gram: str) -> tuple[int, str]:
    return zlib.crc32(gram.encode()), gram


def _key(tier: Tier, kind: str, value: str, source: str) -> MatchKey:
    return MatchKey(tier, scheme(kind), value.encode()[:MAX_VALUE_BYTES].decode("utf-8", "ignore"), source)
