"""Names of persons, looked for in a narrative (docs/screening.md).

Handles: a name behind a form of address (`Mrs.`, `Pak`), behind or before a role (`the supervisor Abdul
Karim`; `Tran Thi Hoa, a worker`), beside an age or what only a person undergoes, behind words such as
`named`, or behind the label of a form; and the few shapes that only names have. Scripts without capitals:
`screening_uncased_names`. Refuses nothing. A name that stands alone is not seen: without a model of language
it cannot be told from a place or a firm.

A word is found in the folded text, and what stands beside it in the text with its capitals; both have the
same offsets.
"""

import re
import unicodedata
from collections.abc import Iterator
from typing import Final

from symbolon.signals import screening_name_words as words
from symbolon.signals.screening_business_words import PEOPLE
from symbolon.signals.screening_finding import Suspicion
from symbolon.signals.screening_group_words import LANGUAGES
from symbolon.signals.screening_text import LETTER, Marks, SearchText, Sentences, Span, Suspect, fold

_CAP: Final = rf"(?:[A-Z\u0391-\u03a9\u0410-\u042f](?:{LETTER}|'){{1,24}})"
_PARTICLE: Final = (
    r"(?:bin|binti|bte|ben|ibn|van|von|de|da|do|dos|das|del|de la|de los|di|al|el|ul|ur|uz|der|den|y|e)"
)
_RUN_OF_NAMES: Final = rf"{_CAP}(?:[ \-](?:{_PARTICLE}[ \-])?{_CAP}|[ \-][A-Z]\.(?= [A-Z])){{0,5}}"
_EDGE: Final = rf"(?<!{LETTER})"
_RUN: Final = re.compile(_EDGE + _RUN_OF_NAMES)
_ELIDED: Final = re.compile("[A-Z]'[a-z]")
"""An article before a noun, as in `L'usine`; O'Brien and D'Souza go on with a capital."""

_WORD: Final = re.compile(rf"(?:{LETTER}|')+")

_ADDRESSED: Final = re.compile(rf"{_EDGE}(?:{words.ADDRESS}\.?|M\.) ?(?P<name>{_RUN_OF_NAMES})")
_ADDRESSED_BEHIND: Final = re.compile(
    rf"{_EDGE}(?P<name>{_CAP}(?: {_CAP})?) {words.ADDRESS_BEHIND}(?!{LETTER})"
)
_VIETNAMESE: Final = re.compile(rf"{_EDGE}(?P<address>[A-Za-z]{{2,4}}) (?P<name>{_RUN_OF_NAMES})")
_SHAPE: Final = re.compile(
    rf"{_EDGE}(?:(?:Nguyen|Tran|Pham|Hoang|Huynh|Phan|Vo|Dang|Bui|Duong|Truong|Dinh|Trinh|Doan|NGUYEN|TRAN)"
    rf" (?:Thi|Van|Huu|Duc|Thanh|Ngoc|Minh|Thu|Xuan|Quoc|Cong|THI|VAN) {_CAP}"
    rf"|{_CAP} (?:bin|binti|bte|a/l|a/p|s/o|d/o) {_CAP})(?!{LETTER})"
)
_STREET_BEHIND: Final = re.compile(words.STREET_BEHIND)
_STREET_BEFORE: Final = re.compile(
    r"(?:\d[a-z]?|street|road|duong|pho|jalan|jl\.?|calle|rue|via|rua|ward)[ ,]{1,2}\Z"
)

_ROLE: Final = re.compile(words.ROLE)
_BEHIND_ROLE: Final = re.compile(
    rf"(?: (?:de|du|of|del|della|do|da|di) {LETTER}{{2,14}}| d'{LETTER}{{2,14}})?"
    rf"(?P<named>,? (?:{words.NAMED}|is|was|es|est|ist))?(?P<mark>: ?|, | ?\(| )"
)
_NAMED: Final = re.compile(words.NAMED)
_COMMON_NAMED: Final = frozenset(("called", "ten", "nam", "naam"))
"""Words that also mean something else: they count beside a role only."""

_OWN_NAME: Final = re.compile(words.OWN_NAME + r" ?:? ")
_LABEL: Final = re.compile(words.LABEL + r" ?[:=] ?")
_EXPLAINED: Final = re.compile(
    rf"(?:, (?:who is )?{words.BETWEEN} |(?P<bracket> ?\()(?:{words.BETWEEN} )?)"
    rf"(?:{LETTER}{{1,14}}[ \-]){{0,3}}?{words.ROLE}(?P<closed>[),])?"
)
_EXPLAINING: Final = re.compile(rf"(?<=[a-z]), (?P<name>{_RUN_OF_NAMES}),")
_IS: Final = re.compile(
    rf" (?:is|was|works as|es|era|est|etait|ist|war|e) {words.BETWEEN}"
    rf" (?:{LETTER}{{1,14}}[ \-]){{0,3}}?{words.ROLE}"
)
_AGED: Final = re.compile(
    r"(?:, (?:aged |age |de |et de )?|,? (?:aged|age|de) | ?\()[1-7]\d"
    r"(?:\)|,| years| yrs|-year| anos| ans|j\b| jahre| anni| yas| tuoi| tahun)"
)
_WHO: Final = re.compile(r", (?:an? )?(?:1?\d|[2-7]\d)[ -]years?[ -]old|, (?:who|whose|quien|cuyo|cuya) ")
_UNDERGOES: Final = re.compile(f" {words.UNDERGOES}")
_KINDS_OF_PEOPLE: Final = frozenset(
    fold(term.strip()).folded
    for language in LANGUAGES
    for each in (language.people, language.person, language.numbers)
    for term in each.replace("\n", ",").split(",")
)
"""Nouns begin with a capital in German, and in every language at the beginning of a sentence."""

_PERSONAL: Final = (_AGED, _WHO, _UNDERGOES)
"""What is said of a person only, behind the name."""

_MET: Final = re.compile(words.MET + " ")
_TELLS: Final = re.compile(words.TELLS + " ")
_NEXT_WORD: Final = re.compile(rf"[ &]{{1,3}}([A-Z]{LETTER}{{1,20}})")
_WORD_BEFORE: Final = re.compile(rf"({LETTER}{{1,12}}) \Z")
_NAME_BEFORE: Final = re.compile(rf"(?:[A-Z]{LETTER}{{0,12}}|\d),? \Z")
_BEFORE: Final = 14
"""Characters in front of a name in which the word before it is looked for."""

_PERSON_REACH: Final = 40
"""Characters between the word for a person, or for a firm, and a word such as `named`."""

_SHORTEST_RUN: Final = 2
"""Words of a name in places where a single capitalised word is mostly something else."""

_LONGEST_ACRONYM: Final = 5


def screen_names(text: SearchText, sentences: Sentences) -> Iterator[Suspect]:
    """Names in scripts with capitals."""
    for begin, end in _names(text, sentences):
        yield Suspect(Suspicion.PERSON_NAME, begin, end)


def _names(text: SearchText, sentences: Sentences) -> Iterator[Span]:
    yield from _addressed(text)
    if not _RUN.search(text.cased):
        return
    roles = text.find(_ROLE)
    firms = text.find(words.NOT_OF_A_PERSON)
    yield from _behind_roles(text, roles)
    yield from _before_roles(text, sentences)
    yield from _between_commas(text, sentences, roles)
    yield from _named(text, roles, firms)


def _addressed(text: SearchText) -> Iterator[Span]:
    for match in _ADDRESSED.finditer(text.cased):
        # "Fox Dr. Piqua" is a street, and the initial in "Roy M. Green" no form of address.
        behind_name = match[0].startswith(("M.", "Dr")) and _NAME_BEFORE.search(
            text.cased, max(0, match.start() - _BEFORE), match.start()
        )
        if not behind_name and _name_words(match["name"]) and not _is_place(text, match.start(), match.end()):
            yield match.span()
    for match in _ADDRESSED_BEHIND.finditer(text.cased):
        behind = _NEXT_WORD.match(text.cased, match.end())
        of_firm = behind is not None and behind[1].lower() in words.NOT_A_NAME
        if _is_name(match["name"]) and not of_firm and not _is_place(text, match.start(), match.end()):
            yield match.span()
    for match in _VIETNAMESE.finditer(text.cased):
        if _is_vietnamese_address(text, match.start("address"), match.end("address")) and _is_name(
            match["name"]
        ):
            yield match.span()
    for match in _SHAPE.finditer(text.cased):
        if not _is_place(text, match.start(), match.end()):
            yield match.span()


def _behind_roles(text: SearchText, roles: Marks) -> Iterator[Span]:
    for begin, end in roles:
        link = _BEHIND_ROLE.match(text.folded, end)
        run = _RUN.match(text.cased, link.end()) if link and link.end() > end else None
        if link is None or run is None or not _is_name(run[0]):
            continue
        several = len(_WORD.findall(run[0])) >= _SHORTEST_RUN
        behind = text.folded[run.end() : run.end() + 1]
        if link["mark"] == ", ":
            sure = several or behind == ","
        elif link["mark"].startswith(":") or link["named"]:
            sure = several or not link["named"] or link["named"].strip() not in _COPULAS
        else:
            # "the supervisor Rahman" and "Supervisor Rahman beats" name one; "Worker Testimony" does not.
            sure = (
                several or text.cased[begin].islower() or _GOES_ON.match(text.folded, run.end()) is not None
            )
        if sure and not _is_place(text, run.start(), run.end()):
            yield begin, run.end()


_GOES_ON: Final = re.compile(rf" (?!(?:and|for|from|the|with|who|that)(?!{LETTER})){LETTER}{{3}}")
_COPULAS: Final = frozenset(("is", "was", "es", "est", "ist"))


def _before_roles(text: SearchText, sentences: Sentences) -> Iterator[Span]:
    for run in _RUN.finditer(text.cased):
        if text.folded[run.end() : run.end() + 1] not in (",", " ", "("):
            continue
        several = len(_WORD.findall(run[0])) >= _SHORTEST_RUN
        about = next(filter(None, (each.match(text.folded, run.end()) for each in _PERSONAL)), None)
        if about and about[0].endswith("jahre") and not several:
            continue
        if about and _is_name(run[0]) and not _is_adverb(run[0]):
            if not _follows_preposition(text, sentences, run.start()):
                yield run.start(), about.end()
            continue
        role = _EXPLAINED.match(text.folded, run.end())
        if role and not several and role[0].lstrip(", (").split(" ", 1)[0] in words.GERMAN_ARTICLES:
            continue
        if role and role["bracket"] and not role["closed"]:
            role = None
        if role is None and several:
            role = _IS.match(text.folded, run.end())
        if role is None or not _is_name(run[0]) or _is_adverb(run[0]):
            continue
        if not _follows_preposition(text, sentences, run.start()):
            yield run.start(), role.end()


def _between_commas(text: SearchText, sentences: Sentences, roles: Marks) -> Iterator[Span]:
    """Names in the middle of a sentence that explain a role some words before them."""
    for match in _EXPLAINING.finditer(text.cased):
        run = match["name"]
        low = max(sentences.around(match.start(), _PERSON_REACH)[0], match.start() - _PERSON_REACH)
        if len(_WORD.findall(run)) >= _SHORTEST_RUN and _is_name(run) and roles.within(low, match.start()):
            yield match.span("name")


def _named(text: SearchText, roles: Marks, firms: Marks) -> Iterator[Span]:
    people = text.find(PEOPLE)
    for match in _NAMED.finditer(text.folded):
        if match[0] in _COMMON_NAMED:
            continue
        run = _RUN.match(text.cased, match.end() + 1)
        if run and _is_name(run[0]):
            low = max(0, match.start() - _PERSON_REACH)
            begin = match.start()
            person = roles.nearest(begin, begin, low, begin) or people.nearest(begin, begin, low, begin)
            firm = firms.nearest(begin, begin, low, begin)
            if person and (firm is None or firm[0] < person[0]):
                yield begin, run.end()
    for match in _TELLS.finditer(text.folded):
        run = _RUN.match(text.cased, match.end())
        if run and _is_name(run[0]) and text.folded[run.end() : run.end() + 1] in (",", ".", ""):
            yield match.start(), run.end()
    for match in _MET.finditer(text.folded):
        run = _RUN.match(text.cased, match.end())
        if run and _is_name(run[0]) and len(_WORD.findall(run[0])) >= _SHORTEST_RUN:
            yield run.span()
    for pattern in (_OWN_NAME, _LABEL):
        for match in pattern.finditer(text.folded):
            run = _RUN.match(text.cased, match.end())
            low = max(0, match.start() - _PERSON_REACH // 2)
            if run and _is_name(run[0]) and not firms.within(low, match.start()):
                yield match.start(), run.end()


def _follows_preposition(text: SearchText, sentences: Sentences, begin: int) -> bool:
    """Whether a word stands before that makes a place, a time or a thing of what follows."""
    before = _WORD_BEFORE.search(text.folded, max(0, begin - _BEFORE), begin)
    return (
        before is not None
        and sentences.around(begin, _BEFORE)[0] <= before.start()
        and words.PLACE_BEFORE.fullmatch(before[1]) is not None
    )


def _name_words(run: str) -> list[str]:
    """The words of a run up to the first that is no part of a name."""
    kept: list[str] = []
    for word in _WORD.findall(run):
        if word.lower() in words.NOT_A_NAME:
            break
        kept.append(word)
    if len(kept) == 1 and _is_acronym(kept[0]):
        return []
    return kept


def _is_name(run: str) -> bool:
    """Whether no word of a run shows it to be something else."""
    found = _WORD.findall(run)
    if any(each.lower() in words.NOT_A_NAME for each in found) or _ELIDED.match(run):
        return False
    if found[0].lower() in words.DETERMINERS and len(found) <= _SHORTEST_RUN:
        return False
    if len(found) == 1 and (run.lower() in _KINDS_OF_PEOPLE or _ROLE.fullmatch(run.lower())):
        return False
    capitals = [each for each in found if _is_acronym(each)]
    return not capitals or (len(capitals) == len(found) and len(found) >= _SHORTEST_RUN)


def _is_adverb(run: str) -> bool:
    return run.endswith("ly") and len(run) > _LONGEST_NAME_IN_LY


_LONGEST_NAME_IN_LY: Final = 5
"""Emily, Sally and Kelly are persons; `Mainly` and what is longer begins a sentence."""


def _is_acronym(word: str) -> bool:
    return word.isupper() and len(word) <= _LONGEST_ACRONYM


def _is_place(text: SearchText, begin: int, end: int) -> bool:
    """Whether a street or the like is named after a person."""
    return bool(
        _STREET_BEHIND.match(text.folded, end)
        or _STREET_BEFORE.search(text.folded, max(0, begin - _BEFORE), begin)
    )


def _is_vietnamese_address(text: SearchText, begin: int, end: int) -> bool:
    first, last = text.span(begin, end)
    written = unicodedata.normalize("NFC", text.written[first:last]).lower()
    return written in words.VIETNAMESE_ADDRESS
