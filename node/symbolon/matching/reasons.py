"""Why two records match, in words: one phrase for each kind of key.

A scheme without a phrase here is shown by its name, so that a newer normaliser never hides a reason.
"""

from collections.abc import Iterable
from typing import Final

_SIMILAR: Final = "similar name, same street address"

_UNCHECKED: Final = "-unchecked"
"""Ends the scheme of an identifier that has no check digit to verify."""

_PHRASES: Final = {
    "lei": "same LEI",
    "os-id": "same OS ID",
    "gln": "same GLN",
    "imo": "same IMO number",
    "duns": "same DUNS",
    "vat": "same VAT number",
    "registration": "same registration number",
    "name-locality": "same name and place",
    "name-postal": "same name and postal code",
    "band-address": _SIMILAR,
}


def in_words(schemes: Iterable[str]) -> str:
    """The reasons of a match as one phrase.

    Args:
        schemes: the schemes that hit, strongest first, with or without their version.
    """
    phrases = dict.fromkeys(map(_phrase, schemes))
    if len(phrases) > 1 and _SIMILAR in phrases:
        del phrases[_SIMILAR]
        phrases["same street address"] = None
    if {"same name and place", "same name and postal code"} <= phrases.keys():
        del phrases["same name and postal code"]
        phrases = {
            "same name, place and postal code" if phrase == "same name and place" else phrase: None
            for phrase in phrases
        }
    return "; ".join(phrases)


def _phrase(scheme: str) -> str:
    name = scheme.partition(".")[0]
    checked = name.removesuffix(_UNCHECKED)
    if checked not in _PHRASES:
        return scheme
    return _PHRASES[checked] + (" (no check digit)" if name != checked else "")
