"""Lists of terms made into one search (docs/screening.md).

Handles: terms of one kind in any language, written as text with commas between them. A star at the end of a
term stands for an ending, one at its start for the first part of a compound; a blank also matches a hyphen.
Terms are folded as texts are. A term in a script with blanks between words matches whole words only; one in
Arabic script may carry its article and the particles that are written with it.

The search holds no repetition but of bounded length, so that its time is linear in the text.
"""

import re
from collections.abc import Iterable
from typing import Final

from symbolon.signals.screening_text import UNSPACED, fold

_LONGEST_ENDING: Final = 24
"""Letters that a star stands for; the longest compounds of German have as many behind their first part."""

_ARABIC: Final = "[\u0600-\u06ff]"
_ARABIC_PREFIX: Final = "[وف]?(?:بال|كال|لل|ال|[بلك])?"
_SCRIPTS: Final = (_ARABIC, "[\u0900-\u0963\u0971-\u097f]", "[\u0980-\u09f1]", "[a-z]")
"""Letters by script, folded, vowel signs included. A word ends where its script does: `FOB单价` has two."""

_UNSPACED: Final = re.compile(UNSPACED)
_STAR: Final = "*"


class _Tree:
    """Terms by their characters, so that those with a common beginning are tried once."""

    __slots__ = ("branches", "is_term")

    def __init__(self) -> None:
        self.branches: dict[str, _Tree] = {}
        self.is_term = False

    def add(self, term: str) -> None:
        tree = self
        for each in term:
            tree = tree.branches.setdefault(each, _Tree())
        tree.is_term = True

    def pattern(self) -> str:
        parts = [_literal(each) + tree.pattern() for each, tree in sorted(self.branches.items())]
        if not parts:
            return ""
        if len(parts) == 1 and not self.is_term:
            return parts[0]
        return f"(?:{'|'.join(parts)}){'?' if self.is_term else ''}"


def search_for(text: str) -> re.Pattern[str]:
    """The search for the terms of a list.

    Args:
        text: terms with commas or line breaks between them.
    """
    return re.compile(alternatives(text))


def alternatives(text: str) -> str:
    """The terms of a list as a part of a larger pattern for folded text."""
    by_script: dict[str, list[str]] = {}
    for term in _terms(text):
        first = term.lstrip(_STAR)[0]
        script = next((each for each in _SCRIPTS if re.match(each, first)), _SCRIPTS[-1])
        by_script.setdefault("" if _UNSPACED.match(first) else script, []).append(term)
    parts = [_words(script, terms) if script else _tree(terms) for script, terms in by_script.items()]
    return f"(?:{'|'.join(parts)})"


def _terms(text: str) -> Iterable[str]:
    for line in text.splitlines():
        for written in line.split(","):
            term = written.strip()
            if term:
                star = _STAR if term.startswith(_STAR) else ""
                end = _STAR if term.endswith(_STAR) else ""
                yield star + fold(term.strip(_STAR)).folded.replace("-", " ") + end


def _words(letter: str, terms: list[str]) -> str:
    """Terms of one script, as whole words."""
    ending = f"{letter}{{0,{_LONGEST_ENDING}}}"
    parts = []
    for before, behind in (("", ending), ("", ""), (ending, ending), (ending, "")):
        kind = [
            each
            for each in terms
            if each.startswith(_STAR) == bool(before) and each.endswith(_STAR) == bool(behind)
        ]
        if kind:
            parts.append(f"{before}{_tree(kind)}{behind}")
    prefix = _ARABIC_PREFIX if letter == _ARABIC else ""
    return f"(?<!{letter}){prefix}(?:{'|'.join(parts)})(?!{letter})"


def _tree(terms: list[str]) -> str:
    tree = _Tree()
    for each in terms:
        tree.add(each.strip(_STAR))
    return tree.pattern()


def _literal(character: str) -> str:
    return "[ -]" if character == " " else re.escape(character)
