"""Groups so small that a detail points at one person (docs/screening.md).

Handles: in a narrative ten or fewer people (`the three migrants from Nepal`, `one of five workers`), the only
one of a kind (`the only woman in the dyeing unit`), a workforce of ten or fewer; and the number of workers
that a record gives. Refuses nothing. A number of each (`eight workers to a room`), a bound (`at least five`)
and a label (`unit 4 workers`) are none.

The limit is that of the cell size suppression policy of the US Centers for Medicare & Medicaid Services
(2024): no value from 1 to 10 is published, in tables or in text, nor one from which such a value follows.
Other rules of statistical disclosure control ask for less, 3 or 5; those who were counted there do not fear
for their lives.
"""

import re
from collections.abc import Iterator
from typing import Final

from symbolon.signals import screening_group_words as words
from symbolon.signals.screening_finding import Suspicion
from symbolon.signals.screening_terms import alternatives, search_for
from symbolon.signals.screening_text import SearchText, Sentences, Suspect

FEWEST_PEOPLE: Final = 11
"""A group of fewer is small. Source: CMS Cell Size Suppression Policy, 2024."""

_DIGITS: Final = r"(?<![\d.,/\-–:a-z$€£%])(?:10|[1-9])"
_ANY_PEOPLE: Final = alternatives(",".join(each.people for each in words.LANGUAGES))
_ANY_BETWEEN: Final = alternatives(",".join(each.between for each in words.LANGUAGES))
_ANY_NUMBER: Final = alternatives(",".join(each.numbers for each in words.LANGUAGES[:6]))


def _counted_in(language: words.Language) -> str:
    between, people = alternatives(language.between), alternatives(language.people)
    return f"{alternatives(language.numbers)}(?: {between}){{0,4}} {people}"


_COUNTED: Final = re.compile(
    "|".join(
        [
            f"{_DIGITS}(?: {_ANY_BETWEEN}){{0,4}} {_ANY_PEOPLE}",
            *(_counted_in(each) for each in words.LANGUAGES),
            f"{words.THOSE} (?:{_DIGITS}|{_ANY_NUMBER}) {words.WHO}",
            rf"{words.WORKFORCE_OF} (?:{_DIGITS}(?![\d.,%])|{_ANY_NUMBER})",
        ]
    )
)


def _only_in(language: words.Language) -> re.Pattern[str]:
    only, person = alternatives(language.only), alternatives(language.person)
    return re.compile(f"{only}(?: {alternatives(language.between)}){{0,3}} {person}|{person} {only}")


_ONLY: Final = tuple(_only_in(each) for each in words.LANGUAGES)
_DUAL: Final = search_for("عاملان, عاملتان, عاملتين, امراتان, طفلان, مهاجران")
"""Arabic has a form for two."""


_HAN: Final = "[\u3400-\u9fff]"
_THAI: Final = "[\u0e01-\u0e3a\u0e40-\u0e4e]"
_HAN_PEOPLE: Final = (
    "工人|女工|男工|员工|員工|童工|劳工|勞工|移工|移民|妇女|女性|女人|儿童|孩子|女孩|男孩|姑娘|少年"
    "|证人|受访者"
)
_UNSPACED: Final = re.compile(
    # Chinese: a number with its measure word, or with the people at once.
    r"(?<![一二三四五六七八九十百千万零两第\d.,])(?:[两二三四五六七八九十]|10|[1-9])(?![一二三四五六七八九十百千万\d])"
    rf"(?:(?:名|个|個|位) ?{_HAN}{{0,4}}(?:{_HAN_PEOPLE}|学生|學生|学徒|人)"
    rf"|{_HAN_PEOPLE}|人(?![民员數数权次力]))"
    rf"|唯一的?(?:一名|一个|一位)?{_HAN}{{0,4}}(?:{_HAN_PEOPLE})"
    # Thai: the people, what they are, the number and its classifier.
    + "|"
    + alternatives("คนงาน, แรงงาน, ลูกจ้าง, พนักงาน, ผู้หญิง, หญิง, เด็ก, ผู้ชาย, ชาย, ลูกเรือ")
    + f"{_THAI}{{0,16}} ?(?:(?<!\\d)(?:10|[1-9])|"
    + alternatives("สอง, สาม, สี่, ห้า, หก, เจ็ด, แปด, เก้า, สิบ")
    + ") ?"
    + alternatives("คน")
    + "|"
    + alternatives("หญิง, คนงาน, ชาย, เด็ก, ลูกจ้าง")
    + f"{_THAI}{{0,12}}"
    + alternatives("คนเดียว")
)
"""A number and the people in scripts without blanks."""

_EACH_UNSPACED: Final = search_for("每, 各, ต่อ, ละ, ห้องละ")
_REACH: Final = 18
"""Characters between a number and a word that makes it something else."""

_ROOM_REACH: Final = 80
"""Characters in which a word for a room is looked for."""

_ALL_THERE_ARE: Final = re.compile(r"(?:the|these|those|all|both|only|just) (?:the )?\Z|\Aboth")
_EACH: Final = re.compile(r"\W{1,2}each(?![a-z])")


def screen_groups(text: SearchText, sentences: Sentences) -> Iterator[Suspect]:
    """Small groups of people in a narrative."""
    for match in _UNSPACED.finditer(text.folded):
        low, _ = sentences.around(match.start(), _REACH // 2)
        if not _EACH_UNSPACED.search(text.folded, low, match.end()):
            yield Suspect(Suspicion.SMALL_WORKFORCE, *match.span())
    for pattern in (*_ONLY, _DUAL):
        for match in pattern.finditer(text.folded):
            yield Suspect(Suspicion.SMALL_WORKFORCE, *match.span())
    counted = list(_COUNTED.finditer(text.folded))
    if not counted:
        return
    each_before, each_behind = text.find(words.EACH_BEFORE), text.find(words.EACH_BEHIND)
    bound, labelled, room = text.find(words.BOUND), text.find(words.LABELLED), text.find(words.ROOM_EACH)
    for match in counted:
        begin, end = match.span()
        low, high = sentences.around(begin, _REACH)
        high = max(high, min(end + _REACH, sentences.around(begin, _ROOM_REACH + end - begin)[1]))
        before = bound.nearest(begin, begin, low, begin)
        if before and begin - before[1] <= 1:
            continue
        label = labelled.nearest(begin, begin, low, begin)
        if label and begin - label[1] <= 2:
            continue
        if not _ALL_THERE_ARE.search(text.folded[low:begin]) and not match[0].startswith("both"):
            wide_low, wide_high = sentences.around(begin, _ROOM_REACH)
            each = each_before.nearest(begin, begin, low, begin)
            if (each and begin - each[1] <= 2) or each_behind.within(end, high):
                continue
            if _EACH.match(text.folded, end) and room.within(wide_low, wide_high):
                continue
        yield Suspect(Suspicion.SMALL_WORKFORCE, begin, end)


def is_small(people: int | None) -> bool:
    """Whether a number of workers points at each of them; none, and no number, point at nobody."""
    return people is not None and 0 < people < FEWEST_PEOPLE
