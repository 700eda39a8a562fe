"""Text to lower-case ASCII words, the same for every spelling of a letter (docs/matching.md, Folding).

Handles: any script (anyascii transliterates), case, apostrophes, dotted abbreviations, digits glued to
letters, and zeros typed for the letter o.
Refuses nothing: text without letters or digits folds to no words.
"""

import re
from functools import lru_cache
from typing import Final

from anyascii import anyascii

MAX_FOLDED_CHARS: Final = 1_000
"""Of one cell; what stands behind is left out. Names end long before, and so do addresses."""

WORD_CACHE: Final = 1 << 16
"""Bound of the word-level caches: the distinct words of 500,000 rows come mostly from this many."""

_APOSTROPHES: Final = re.compile(r"['`\u2018\u2019\u02bc\u00b4]")
_DOTTED: Final = re.compile(r"\b(?:(?:[a-z]\.\s?){2,}(?:[a-z]\b)?|(?:[a-z]\.\s?)[a-z]\b)")
_TOKEN: Final = re.compile(r"[a-z]+|[0-9]+")
_MIXED_ZERO: Final = re.compile(r"\b(?=[a-z0.]*[a-z])(?=[a-z0.]*0)[a-z0]+(?:\.[a-z0]+)*\b")


def fold(text: str) -> str:
    """Lower-case ASCII text with dotted abbreviations closed up.

    Args:
        text: a cell.

    Returns:
        Text in which words are still separated by whatever separated them.
    """
    text = text[:MAX_FOLDED_CHARS]
    folded = (text if text.isascii() else anyascii(text)).lower()
    folded = _APOSTROPHES.sub("", folded)
    if "0" in folded:
        folded = _MIXED_ZERO.sub(_letter_o, folded)
    if "." in folded:
        folded = _DOTTED.sub(_close_up, folded)
    return folded


def tokens(folded: str) -> list[str]:
    """Runs of letters and runs of digits, in their order; numbers without leading zeros."""
    return [token.lstrip("0") or "0" if token[0] <= "9" else token for token in _TOKEN.findall(folded)]


@lru_cache(maxsize=WORD_CACHE)
def squash(text: str) -> str:
    """All letters and digits of a cell in one string, for places and codes."""
    return "".join(tokens(fold(text)))


def _close_up(match: re.Match[str]) -> str:
    return match[0].replace(".", "").replace(" ", "") + " "


def _letter_o(match: re.Match[str]) -> str:
    # 'd.0.0.' and 'c0' are letters; 'a 100' and 'd197' are not, and hold another digit or stand alone.
    return match[0].replace("0", "o")


def word_set(text: str) -> frozenset[str]:
    """The words of a list that is written as text."""
    return frozenset(text.split())
