"""Lines of a form in a narrative: a label, a colon, a number (docs/screening.md).

Handles: `Unit price: 4.20` and the like, as filled forms and other programs' attributes become text. A label
is judged as the header of a column is. Refuses nothing. Labels of persons are left to the modules that look
for names and numbers in any text: `Interviewee: worker A` names nobody.
"""

import re
from bisect import bisect_left
from collections.abc import Iterator
from typing import Final

from symbolon.signals.screening_business_words import PAY, PEOPLE
from symbolon.signals.screening_columns import suspicion_of_column
from symbolon.signals.screening_finding import COMPETITION
from symbolon.signals.screening_text import SearchText, Suspect, fold

MOST_LABELS: Final = 400
"""Looked at in one text: a filled form has fewer, and each takes as long as a header."""

_LINE: Final = re.compile(r"(?m)^[ \t>*•\-]{0,6}([^:：=\n]{1,48})[:：=]([^\n]{1,40})")


def screen_labels(text: SearchText) -> Iterator[Suspect]:
    """Labelled numbers of trade."""
    for index, line in enumerate(_LINE.finditer(text.written)):
        if index >= MOST_LABELS:
            return
        if not any(each.isdecimal() for each in line[2]):
            continue
        suspicion = suspicion_of_column(line[1])
        if suspicion not in COMPETITION or suspicion is None:
            continue
        value = fold(line[2]).folded
        if PAY.search(value) or PEOPLE.search(value):
            continue
        begin = bisect_left(text.origins, line.start(1))
        end = bisect_left(text.origins, line.end())
        if begin < end:
            yield Suspect(suspicion, begin, end)
