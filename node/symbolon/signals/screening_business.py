"""What competitors may not tell each other, looked for in a narrative (docs/screening.md).

Handles: prices and costs of goods, quantities and shares of trade, advice to end a contract or a supply. A
sum of money beside words of wages, fees, debt, fines, documents or food is none of them: it is what forced
labour is told by. Refuses nothing; says what is suspected and where.

Rules are of one shape: a number of one kind, a word of another within reach in the same sentence, and no word
nearer that makes it something else. Each word and number is looked up by bisection, so that a text takes time
in proportion to its length, but for a logarithm.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from symbolon.signals import screening_business_words as words
from symbolon.signals import screening_contract_words as contract
from symbolon.signals.screening_amounts import NUMBER, amounts, fractions, quantities, rates, shares
from symbolon.signals.screening_finding import Suspicion
from symbolon.signals.screening_text import LETTER, Marks, SearchText, Sentences, Span, Suspect, distance

REACH: Final = 90
"""Characters on either side of a number in which a word is said of it: about fifteen words."""

_NEAR: Final = 45
"""Characters between a verb and what it ends: some seven words."""

_BEHIND: Final = 35
"""The same where the verb stands last."""

_AT_ONCE_BEHIND: Final = 22
"""The same for a participle: what is farther in front is what does the ending."""

_RATE_REACH: Final = 40
"""Characters between a sum and what it is the price of one of."""

_BESIDE: Final = 45
"""Characters in which wages are said of a sum that is one for a piece: what is farther is said of another."""

_AT_ONCE: Final = 6
"""Characters between a sum and a rate that is said of it alone."""

_NO_REACH: Final = 28
"""Characters in front of a verb in which a word of no is said of it."""

_ADVICE_REACH: Final = 160
"""Characters on either side of a verb in which a word of advice is said of it."""


def screen_business(text: SearchText, sentences: Sentences) -> Iterator[Suspect]:
    """What of a narrative should not pass between competitors."""
    yield from _bare_prices(text, sentences)
    yield from _prices_and_costs(text, sentences)
    yield from _volumes(text, sentences)
    yield from _contract_ends(text, sentences)


@dataclass(frozen=True, slots=True)
class _PriceWords:
    """Where the words stand by which a sum is a price, a cost, or neither."""

    strong: tuple[tuple[Suspicion, Marks], ...]
    price: Marks
    cost: Marks
    trade: Marks
    traded: Marks
    sale: Marks
    rate: Marks
    pay: Marks
    of_people: tuple[Marks, ...]


def _prices_and_costs(text: SearchText, sentences: Sentences) -> Iterator[Suspect]:
    money, percent = amounts(text), shares(text)
    if not money and not percent:
        return
    pay = text.find(words.PAY)
    found = _PriceWords(
        strong=(
            (Suspicion.PRICE, text.find(words.STRONG_PRICE)),
            (Suspicion.COST, text.find(words.STRONG_COST)),
        ),
        price=text.find(words.PRICE),
        cost=text.find(words.COST),
        trade=text.find(words.TRADE),
        traded=text.find(words.TRADED),
        sale=text.find(words.SALE),
        rate=rates(text),
        pay=pay,
        of_people=(pay, text.find(words.PEOPLE), text.find(words.PAY_PERIOD)),
    )
    for begin, end in (*money, *percent):
        low, high = sentences.around(begin, REACH)
        strong = _said_strongly(found, begin, end, low, high)
        if strong:
            yield strong
    for begin, end in money:
        low, high = sentences.around(begin, REACH)
        if not _said_strongly(found, begin, end, low, high):
            yield from _said_of_sum(found, begin, end, low, high)
    for begin, end in percent:
        low, high = sentences.around(begin, REACH)
        word = found.price.nearest(begin, end, low, high)
        if word and not any(kind.within(low, high) for kind in found.of_people):
            yield _hull(Suspicion.PRICE, (begin, end), word)


def _said_strongly(found: _PriceWords, begin: int, end: int, low: int, high: int) -> Suspect | None:
    """Whether a word beside a number is said of goods only, and none of pay stands nearer."""
    pay = found.pay.nearest(begin, end, low, high)
    for suspicion, strong in found.strong:
        word = strong.nearest(begin, end, low, high)
        if word and (pay is None or distance(word, begin, end) <= distance(pay, begin, end)):
            return _hull(suspicion, (begin, end), word)
    return None


def _said_of_sum(found: _PriceWords, begin: int, end: int, low: int, high: int) -> Iterator[Suspect]:
    """What a sum is where words beside it are also said of workers."""
    rate = found.rate.nearest(begin, end, max(low, begin - _RATE_REACH), min(high, end + _RATE_REACH))
    if rate and found.sale.within(low, high):
        yield _hull(Suspicion.PRICE, (begin, end), rate)
        return
    reach = _BESIDE if rate and distance(rate, begin, end) <= _AT_ONCE else REACH
    if any(kind.within(max(low, begin - reach), min(high, end + reach)) for kind in found.of_people):
        return
    cost = found.cost.nearest(begin, end, low, high)
    if cost and (rate or found.trade.within(low, high)):
        yield _hull(Suspicion.COST, (begin, end), cost)
        return
    price = found.price.nearest(begin, end, low, high) or found.traded.nearest(begin, end, low, high) or rate
    if price:
        yield _hull(Suspicion.PRICE, (begin, end), price)


def _bare_prices(text: SearchText, sentences: Sentences) -> Iterator[Suspect]:
    """Numbers without a currency at once behind a word that is said of prices of goods only."""
    for begin, end in text.find(words.STRONG_PRICE):
        _, high = sentences.around(begin, end - begin + _BARE_REACH)
        number = _BARE_NUMBER.search(text.folded, end, max(end, high))
        if number:
            yield Suspect(Suspicion.PRICE, begin, number.end())


_BARE_REACH: Final = 24
"""Characters from a price word to the end of a number that has no currency."""

_BARE_NUMBER: Final = re.compile(rf"(?!(?:19|20)\d\d(?!\d)){NUMBER}(?! ?(?:%|per cent|percent|{LETTER}))")


def _volumes(text: SearchText, sentences: Sentences) -> Iterator[Suspect]:
    people, task = text.find(words.PEOPLE), text.find(words.TASK)
    order, produce = text.find(words.ORDER), text.find(words.PRODUCE)
    for begin, end in quantities(text):
        low, high = sentences.around(begin, REACH)
        word = order.nearest(begin, end, low, high)
        if word is None and _THOUSANDS.search(text.folded, begin, end) and not people.within(low, high):
            word = produce.nearest(begin, end, low, high)
        if word and not task.within(low, high):
            yield _hull(Suspicion.VOLUME, (begin, end), word)
    for begin, end in text.find(words.STRONG_VOLUME):
        low, high = sentences.around(begin, _NEAR)
        if _DIGITS.search(text.folded, low, high) and not task.within(low, high):
            yield Suspect(Suspicion.VOLUME, begin, end)
    yield from _shares_of_output(text, sentences, people)
    pay = text.find(words.PAY)
    value = text.find(words.VALUE)
    if value:
        for begin, end in amounts(text):
            low, high = sentences.around(begin, REACH)
            word = value.nearest(begin, end, low, high)
            if word and not pay.within(low, high) and not people.within(low, high):
                yield _hull(Suspicion.VOLUME, (begin, end), word)


_THOUSANDS: Final = re.compile(
    r"\d[.,' ]?\d{3}|[千万亿]|\d ?(?:k|thousand|mil|mille|bin|ribu|nghin|lakh|हजार|হাজার)"
)
_DIGITS: Final = re.compile(
    r"\d{2}|\d ?(?:%|k\b|m\b|mil|mio|lakh|lac|crore|juta|ribu|trieu|nghin|bin|thousand|tausend|[千万])"
    "|[一二两三四五六七八九十百千万]{2}"
)


def _shares_of_output(text: SearchText, sentences: Sentences, people: Marks) -> Iterator[Suspect]:
    capacity = text.find(words.CAPACITY)
    if not capacity:
        return
    other = text.find(words.NOT_OF_ONE_MAKER)
    for begin, end in (*shares(text), *fractions(text)):
        low, high = sentences.around(begin, _NEAR)
        word = capacity.nearest(begin, end, low, high)
        if word and not people.within(low, high) and not other.within(low, high):
            yield _hull(Suspicion.VOLUME, (begin, end), word)


def _contract_ends(text: SearchText, sentences: Sentences) -> Iterator[Suspect]:
    advice = text.find(contract.ADVICE)
    no = text.find(contract.NOT)
    for begin, end in sorted({*text.find(contract.STOP_BUYING), *text.find(contract.STOP_BUYING_HAN)}):
        if _is_advised(text, sentences, advice, no, begin):
            yield Suspect(Suspicion.CONTRACT_END, begin, end)
    for begin, end in text.find(contract.NOBODY_BUYS):
        if advice.within(begin, end):
            yield Suspect(Suspicion.CONTRACT_END, begin, end)
    deal, bare, plant = text.find(contract.DEAL), text.find(contract.CONTRACT), text.find(contract.PLANT)
    employment = text.find(contract.EMPLOYMENT)
    shun = frozenset(begin for begin, _ in text.find(contract.SHUN))
    leave = frozenset(begin for begin, _ in text.find(contract.LEAVE))
    passive = frozenset(begin for begin, _ in text.find(contract.PASSIVE))
    pay = text.find(words.PAY)
    last = frozenset(begin for begin, _ in text.find(contract.VERB_LAST))
    for begin, end in text.find(contract.END):
        if _DROP_OFF.match(text.folded, begin):
            continue
        low, high = sentences.around(begin, REACH)
        before = _BEHIND if begin in last else _AT_ONCE_BEHIND if begin in passive else 0
        low = max(low, begin - before)
        high = min(high, end + _NEAR)
        word = deal.nearest(begin, end, low, high)
        if word is None and begin in shun:
            word = plant.nearest(begin, end, low, high)
        if word is None:
            word = bare.nearest(begin, end, low, high)
            if word and _is_employment(sentences, employment, word):
                word = None
        if word and begin in leave and _is_employment(sentences, employment, word):
            word = None
        if word and word[1] < begin and pay.within(word[1], begin):
            word = None
        if word and _is_advised(text, sentences, advice, no, begin):
            yield _hull(Suspicion.CONTRACT_END, (begin, end), word)


_DROP_OFF: Final = re.compile("drop(?:s|ping|ped)? off")
"""What one does with workers and goods."""


def _is_employment(sentences: Sentences, employment: Marks, word: Span) -> bool:
    low, high = sentences.around(word[0], REACH)
    return employment.within(low, high)


def _is_advised(text: SearchText, sentences: Sentences, advice: Marks, no: Marks, begin: int) -> bool:
    """Whether a verb is asked for: by a word of advice, or by standing first; and is not advised against."""
    low, high = sentences.around(begin, _ADVICE_REACH)
    if no.within(max(low, begin - _NO_REACH), begin):
        return False
    first = _NOTHING_BEFORE.fullmatch(text.folded, low, begin) is not None
    return first or _ends_label(text, begin) or advice.within(low, high)


_NOTHING_BEFORE: Final = re.compile(
    r"[^a-z0-9\u00c0-\U0010ffff]{0,8}"
    "(?:(?:do|please|pls|kindly|bitte|favor de|por favor|merci de|priere de) )?"
)


def _ends_label(text: SearchText, begin: int) -> bool:
    """Whether a colon stands before it, as in a list of measures."""
    return text.folded[max(0, begin - 2) : begin].rstrip().endswith(":")


def _hull(suspicion: Suspicion, one: Span, other: Span) -> Suspect:
    return Suspect(suspicion, min(one[0], other[0]), max(one[1], other[1]))
