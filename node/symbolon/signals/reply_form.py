"""The form by which a supplier answers a signal without a node: a plain text with a case code.

Handles: writing the form, and reading what came back, also where a mail program has quoted it or somebody
has translated it: the code and two marks in double brackets are all that the reader looks for. A case code is
sixteen letters and digits that are hard to mistake for each other (Crockford's base 32), so that it can be
copied by hand; it is not the signal's id. Refuses, with `SignalError` (`signal.form`): a form without a code
or with two, without its marks, and an empty answer. Whether the answer may be attached is decided elsewhere.
Specification: docs/contributing-signals.md, Right of reply.
"""

import re
from dataclasses import dataclass
from datetime import date
from typing import Final

from symbolon.errors import SignalError
from symbolon.signals.free_text import clean, shown
from symbolon.signals.signal import MAX_REPLY_BYTES, Period
from symbolon.signals.vocabulary import Indicator

CODE_BYTES: Final = 10
"""Eighty bits: nobody guesses the code of another case."""

MAX_FORM_BYTES: Final = 64 * 1024
"""A filled form with a mail around it; the answer itself is bounded by `MAX_REPLY_BYTES`."""

MAX_TOLD_CHARS: Final = 2_000
"""What the supplier is told, in the contributor's own words: half a page."""

_LETTERS: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_GROUP: Final = 4
_CHARS: Final = CODE_BYTES * 8 // 5
_PREFIX: Final = "RR"
_CODE: Final = re.compile(r"(?<![0-9A-Za-z-])RR(?:-[0-9A-Za-z]{4}){4}(?![0-9A-Za-z-])", re.IGNORECASE)
_MISREAD: Final = str.maketrans("OIL", "011")
_BEGIN, _END = "[[ANSWER]]", "[[END]]"
_QUOTES: Final = re.compile(r"^(?:> ?)+")


@dataclass(frozen=True, slots=True)
class ReplyForm:
    """What is written into a form.

    Attributes:
        code: from `case_code`.
        about: whom it is about, in the contributor's own words; one line.
        told: what the supplier is told of the signal; a line for each thing.
        sender: who sends it; one line.
        return_to: where the answer goes; one line.
        day: on which it is written.
    """

    code: str
    about: str
    told: tuple[str, ...]
    sender: str
    return_to: str
    day: date


def case_code(secret: bytes) -> str:
    """The code of a case, as people read and type it.

    Args:
        secret: `CODE_BYTES` bytes or more that nobody else can make; the first ones are used.
    """
    number = int.from_bytes(secret[:CODE_BYTES])
    digits = "".join(_LETTERS[number >> shift & 31] for shift in range(CODE_BYTES * 8 - 5, -1, -5))
    return _grouped(digits)


def same_code(typed: str) -> str:
    """A typed code as `case_code` writes it, whatever its case and dashes, with O for 0 and I or L for 1."""
    bare = "".join(each for each in typed.upper() if each.isalnum()).translate(_MISREAD)
    return _grouped(bare.removeprefix(_PREFIX) if len(bare) > _CHARS else bare)


def _grouped(digits: str) -> str:
    return "-".join((_PREFIX, *(digits[at : at + _GROUP] for at in range(0, len(digits), _GROUP))))


def told_by_default(indicators: frozenset[Indicator], period: Period | None) -> tuple[str, ...]:
    """What a supplier is told unless the contributor says otherwise: what was seen, and in which months."""
    seen = ", ".join(each.words for each in Indicator if each in indicators)
    lines = [f"What was reported: {seen}."]
    if period is not None:
        when = f"{period.first}" if period.first == period.last else f"{period.first} to {period.last}"
        lines.append(f"When: {when}.")
    return tuple(lines)


def write_form(form: ReplyForm) -> str:
    """The text of a form."""
    told = "\n".join(f"    {line}" for each in form.told for line in shown(each).split("\n"))
    return f"""RIGHT OF REPLY

Case code: {form.code}
(Please leave this line as it is: it says which case your answer belongs to.)

To:   {shown(form.about, one_line=True)}
From: {shown(form.sender, one_line=True)}
Date: {form.day}

Organisations that work together against forced labour may read a report about you.
It is a report, and no finding of fact:

{told}

You may answer it. Your answer is shown wherever the report is shown, in your words.
Please write no names of workers, no prices and no quantities: an answer that holds any
cannot be passed on as it is.
There is room for {MAX_REPLY_BYTES:,} Latin letters, or a third as many of most other scripts.

----- {_BEGIN} Please write below this line -----



----- {_END} Please write above this line -----

How to send it back: {shown(form.return_to, one_line=True)}
"""


def read_form(text: str) -> tuple[str, str]:
    """Reads a form that came back.

    Args:
        text: the form, perhaps inside a mail; at most `MAX_FORM_BYTES`.

    Returns:
        The case code and the answer, cleaned.

    Raises:
        SignalError: `signal.form`.
    """
    lines = text.splitlines()
    begins = [at for at, line in enumerate(lines) if _BEGIN in line]
    ends = [at for at, line in enumerate(lines) if _END in line]
    if len(begins) != 1 or len(ends) != 1 or begins[0] > ends[0]:
        raise _refuse(
            f"the form has not exactly one {_BEGIN} line with one {_END} line behind it",
            "Put the two lines back around the answer; it must be one form, and one answer.",
        )
    outside = "\n".join((*lines[: begins[0]], *lines[ends[0] :]))
    # A code within the answer is the supplier's own text.
    codes = {same_code(each) for each in _CODE.findall(outside)}
    if len(codes) != 1:
        what = "no case code" if not codes else "several case codes"
        raise _refuse(f"the form has {what}", "It has the form RR-ABCD-1234-ABCD-1234; put it back.")
    quoted = _QUOTES.match(lines[begins[0]])
    kept = lines[begins[0] + 1 : ends[0]]
    if quoted is not None:
        depth = quoted[0].count(">")
        kept = [re.sub(rf"^(?:> ?){{0,{depth}}}", "", line) for line in kept]
    answer = clean("\n".join(kept))
    if not answer:
        raise _refuse("the form holds no answer", f"It stands between {_BEGIN} and {_END}.")
    return codes.pop(), answer


def _refuse(what: str, hint: str) -> SignalError:
    return SignalError(what, hint=hint, code="signal.form")
