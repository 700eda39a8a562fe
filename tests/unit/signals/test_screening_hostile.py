"""Attacks on the screening itself: texts made to hold it up, or to hide in."""

import time

import pytest

from symbolon.signals.screening import Suspicion, screen_column, screen_text

LARGEST_TEXT = 1 << 16
MOST_SECONDS = 6.0
"""Of the processor, for the largest text; about a second is what it takes."""

SHORTER_TEXT = 1 << 13
"""For most shapes: what takes time in proportion to the square of the length shows here too."""

SHAPES = """
a|A|1|1 |1-|1.|1,|+1 |+|(|@|a@|a.|a@a.|A |Ab |Ab-|Ab, the a a a |worker |worker Ab |Ab (worker |
usd 3 |$|$1|price 3 usd fee |order 300 pieces |stop |should stop supplier |supplier end |two |
two of the migrant |born |born 1|passport |passport 123456 |passport a |01711000234 |0171 1000 234, |
00|+880 |whatsapp |whatsapp a|facebook.com/|LINE |Mr|Mr. Abcd |Mrs. A-|Nguyen Van |5% |%5|5% output |
half of output |a (at) |a at a dot |5 kg |-|--|a'|hundred |per kg |1 thang|1 a|I. |. |; |preis|
xpreis |meli|name: |name: A|Abc Def-|said Abc, |met Abc Def |named Abc |Abc, 12, |Abc, who|工|
两名工人|十|百分之|每件1元|คนงาน|นาย|คน|ชื่อ: |क|मजदूर |नाम |শ্রমিক |মোঃ |سعر |ا|و|السيد |अ१|٤|４|🙂|
é1@A. |\u0301|\u200b|\ufdfa|\ud800|\u202e|\x00|\x1b[|\x1b[31m|\r|\t|\u2028|\u3000|ﬁ|ß|İ|the only |
each |every |unit |in |no |not stop |recommend |contract end|nobody buy|nobody |不要|不要再|合作|
公司|ab123456|12345678901234567x|aaaa111111haaaaa11|1-1111-11111-11-1|1 1 1 1 11|(a|[at]|<a
""".replace("\n", "").split("|")


@pytest.mark.parametrize("shape", [each for each in dict.fromkeys(SHAPES) if each])
def test_attack_by_a_text_that_repeats_itself_does_not_hold_up_the_screening(shape: str) -> None:
    text = (shape * SHORTER_TEXT)[:SHORTER_TEXT]
    started = time.process_time()
    screen_text(text, field="narrative", country="BD")
    screen_column(text)
    assert time.process_time() - started < MOST_SECONDS / 6


@pytest.mark.parametrize(
    "shape",
    ["%5", "1 ", "01711000234 ", "十", "Ab, the a a a ", "price 3 usd fee ", "人", "two of the migrant "],
)
def test_attack_by_the_largest_text_does_not_hold_up_the_screening(shape: str) -> None:
    text = (shape * LARGEST_TEXT)[:LARGEST_TEXT]
    started = time.process_time()
    screen_text(text, field="narrative", country="BD")
    assert time.process_time() - started < MOST_SECONDS


@pytest.mark.parametrize(
    ("head", "body", "tail"),
    [
        ("usd 1", "1", "x"),
        ("passport ", "a", ""),
        ("Mr. ", "Ab ", "."),
        ("a", "a", "@"),
        ("+", "1 ", "+"),
        ("the only ", "pregnant ", "man"),
        ("two ", "migrant ", "x"),
        ("no supplier ", "should ", "end"),
        ("born ", "1", " "),
        ("facebook.com/", "a", " "),
    ],
)
def test_attack_by_a_text_that_fails_at_its_end_does_not_hold_up_the_screening(
    head: str, body: str, tail: str
) -> None:
    length = 2 * SHORTER_TEXT
    text = head + (body * length)[: length - len(head) - len(tail)] + tail
    started = time.process_time()
    screen_text(text, field="narrative", country="VN")
    assert time.process_time() - started < MOST_SECONDS / 3


@pytest.mark.parametrize(
    "between", ["\u200b", "\u200d", "\u00ad", "\u202e", "\u2066", "\x00", "\x1b[0m", "\ufe0f", "\u034f"]
)
@pytest.mark.parametrize(
    ("text", "suspicion"),
    [
        ("unit price USD 4.20", Suspicion.PRICE),
        ("order quantity 40000", Suspicion.VOLUME),
        ("delist the supplier", Suspicion.CONTRACT_END),
        ("call 01711000234", Suspicion.PHONE),
        ("kamal@example.org", Suspicion.EMAIL),
        ("passport BX0234567", Suspicion.IDENTITY_NUMBER),
        ("Mr. Karim", Suspicion.PERSON_NAME),
        ("单价32元", Suspicion.PRICE),
        ("कीमत 120 रुपये", Suspicion.PRICE),
    ],
)
def test_attack_by_characters_that_show_nothing_hides_nothing(
    text: str, suspicion: Suspicion, between: str
) -> None:
    dressed = between.join(text)
    found = [each for each in screen_text(dressed, field="narrative") if each.suspicion is suspicion]
    assert found
    assert 0 <= found[0].begin < found[0].end <= len(dressed)


@pytest.mark.parametrize("zero", ["０", "٠", "۰", "०", "০", "๐", "𝟎", "𝟘"])
def test_attack_by_digits_of_another_script_hides_no_number(zero: str) -> None:
    def written(digits: str) -> str:
        return "".join(chr(ord(zero) + int(each)) if each.isdigit() else each for each in digits)

    assert screen_text(f"call {written('01711000234')}", field="x")[0].suspicion is Suspicion.PHONE
    assert screen_text(f"unit price USD {written('4')}", field="x")[0].suspicion is Suspicion.PRICE
