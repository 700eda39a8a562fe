"""Schemes of match keys: each kind with the version of its rules (docs/matching.md, Match keys).

A scheme is hashed with the value, so keys made by two versions of the rules never meet.
"""

from typing import Final

VERSIONS: Final = {
    "os-id": 1,
    "lei": 1,
    "gln": 1,
    "imo": 1,
    "registration": 1,
    "vat": 1,
    "registration-unchecked": 1,
    "vat-unchecked": 1,
    "duns-unchecked": 1,
    "name-locality": 1,
    "name-postal": 1,
    "band-address": 1,
}
"""Kind of key to the version of its rules; what changes a value raises it, be it a word list or a library."""


def scheme(kind: str) -> str:
    """The scheme of a kind of key: `lei.1`."""
    return f"{kind}.{VERSIONS[kind]}"


def key_rules() -> str:
    """All schemes of this software in one line: lists keyed under another line may miss each other."""
    return " ".join(sorted(map(scheme, VERSIONS)))
