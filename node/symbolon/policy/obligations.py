"""What a permit asks for in return: nine obligations, their one grammar, and which of two is stricter.

Handles: an annotation such as `delay(7); redact(city, sector); no_onward`, its canonical text, and the merge
of what several permits ask for. Refuses a name that is not one of the nine, an argument that is missing, too
much, of another form or out of range, the same obligation twice (`notify_supplier` once for each whom), and a
text that is too long: what is not understood is never taken for nothing. Specification: docs/adr/0014.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, TypeVar

from symbolon.errors import PolicyError

MAX_TEXT_CHARS: Final = 1_000
"""One annotation: all nine with twenty redacted fields fit, and a person can still read it."""

MAX_MERGED_CHARS: Final = 64 * 1024
"""The union of what all permits of a decision redact; a bound for whoever reads a decision from a file."""

MAX_DAYS: Final = 3_650
"""Ten years: longer than any law known to us has such records kept."""

MAX_CONTRIBUTORS: Final = 1_000
"""More than any coalition has members."""

_FIELD: Final = re.compile(r"[a-z][a-z0-9_]{0,31}")
_PART: Final = re.compile(r"([a-z_]{1,32})(?:\(([^()]*)\))?")
_NUMBER: Final = re.compile(r"0|[1-9][0-9]{0,9}")


class Period(StrEnum):
    """What a day is widened to, the shorter first."""

    MONTH = "month"
    QUARTER = "quarter"
    YEAR = "year"


class Notified(StrEnum):
    """Who has to be told beforehand."""

    CONTRIBUTOR = "contributor"
    SITE = "site"
    SUPPLIER = "supplier"


@dataclass(frozen=True, slots=True)
class Redact:
    """These fields are absent.

    Attributes:
        fields: names, at least one.
    """

    fields: frozenset[str]

    def __post_init__(self) -> None:
        if not self.fields or not all(_FIELD.fullmatch(each) for each in self.fields):
            raise _not_understood("redact takes names of fields, for example redact(city, sector)")

    def __str__(self) -> str:
        return f"redact({', '.join(sorted(self.fields))})"


@dataclass(frozen=True, slots=True)
class Coarsen:
    """The period is widened."""

    period: Period

    def __str__(self) -> str:
        return f"coarsen({self.period})"


@dataclass(frozen=True, slots=True)
class Delay:
    """What is younger is withheld.

    Attributes:
        days: 1 to `MAX_DAYS`.
    """

    days: int

    def __post_init__(self) -> None:
        _require_range("delay", self.days, 1, MAX_DAYS)

    def __str__(self) -> str:
        return f"delay({self.days})"


@dataclass(frozen=True, slots=True)
class NoOnward:
    """The receiver may not pass it on; this travels with the set."""

    def __str__(self) -> str:
        return "no_onward"


@dataclass(frozen=True, slots=True)
class Retain:
    """The receiver erases it afterwards; this travels with the set.

    Attributes:
        days: 1 to `MAX_DAYS`.
    """

    days: int

    def __post_init__(self) -> None:
        _require_range("retain", self.days, 1, MAX_DAYS)

    def __str__(self) -> str:
        return f"retain({self.days})"


@dataclass(frozen=True, slots=True)
class HumanReview:
    """Withheld until a person has approved this item for this member."""

    def __str__(self) -> str:
        return "human_review"


@dataclass(frozen=True, slots=True)
class CountOnly:
    """Absent from labelled sets, counted in size mode."""

    def __str__(self) -> str:
        return "count_only"


@dataclass(frozen=True, slots=True)
class MinCorroboration:
    """Withheld as long as fewer independent contributors say it.

    Attributes:
        contributors: 2 to `MAX_CONTRIBUTORS`; one there always is.
    """

    contributors: int

    def __post_init__(self) -> None:
        _require_range("min_corroboration", self.contributors, 2, MAX_CONTRIBUTORS)

    def __str__(self) -> str:
        return f"min_corroboration({self.contributors})"


@dataclass(frozen=True, slots=True)
class NotifySupplier:
    """Withheld until somebody has been told, and some days have passed.

    Attributes:
        days: 0 to `MAX_DAYS` after the notice was recorded.
    """

    who: Notified
    days: int

    def __post_init__(self) -> None:
        _require_range("notify_supplier", self.days, 0, MAX_DAYS)

    def __str__(self) -> str:
        return f"notify_supplier({self.who}, {self.days})"


Obligation = (
    Redact | Coarsen | Delay | NoOnward | Retain | HumanReview | CountOnly | MinCorroboration | NotifySupplier
)


@dataclass(frozen=True, slots=True)
class Obligations:
    """Everything that is asked for, at most one of each; the empty set asks for nothing.

    Attributes:
        redact, coarsen, delay, no_onward, retain, human_review, count_only, min_corroboration: see the class
            of that name; None or False where it is not asked for.
        notify: one for each whom, in the order of `Notified`.
    """

    redact: Redact | None = None
    coarsen: Coarsen | None = None
    delay: Delay | None = None
    no_onward: bool = False
    retain: Retain | None = None
    human_review: bool = False
    count_only: bool = False
    min_corroboration: MinCorroboration | None = None
    notify: tuple[NotifySupplier, ...] = ()

    def each(self) -> tuple[Obligation, ...]:
        """The obligations, in the order in which they are written."""
        found: list[Obligation | None] = [
            self.redact,
            self.coarsen,
            self.delay,
            NoOnward() if self.no_onward else None,
            self.retain,
            HumanReview() if self.human_review else None,
            CountOnly() if self.count_only else None,
            self.min_corroboration,
            *self.notify,
        ]
        return tuple(each for each in found if each is not None)

    def text(self) -> str:
        """The canonical text, which `parse_obligations` reads; empty where nothing is asked for."""
        return "; ".join(str(each) for each in self.each())


NOTHING: Final = Obligations()


def strictest(*sets: Obligations) -> Obligations:
    """Merges what several permits ask for: all of it, and of two of one kind the stricter.

    Returns:
        `NOTHING` where there are no sets. Neither order nor repetition matters.
    """
    merged = NOTHING
    for each in sets:
        if merged is NOTHING:
            merged = each
        elif each is not NOTHING and each is not merged:
            merged = _stricter(merged, each)
    return merged


def parse_obligations(text: str, *, limit_chars: int = MAX_TEXT_CHARS) -> Obligations:
    """Reads an annotation.

    Args:
        text: obligations joined by `;`, with spaces where one likes.
        limit_chars: what it may have.

    Raises:
        PolicyError: `policy.obligation`, for anything that is not understood to the letter.
    """
    if len(text) > limit_chars:
        raise _not_understood(f"obligations have at most {limit_chars} characters, these have {len(text)}")
    merged = NOTHING
    seen: set[object] = set()
    for part in text.split(";"):
        obligation = _parse_one(part.strip(" "))
        kind = obligation.who if isinstance(obligation, NotifySupplier) else type(obligation)
        if kind in seen:
            raise _not_understood(f"{_name(obligation)} stands twice in one annotation")
        seen.add(kind)
        merged = _stricter(merged, _alone(obligation))
    return merged


def obligations_of(each: Iterable[Obligation]) -> Obligations:
    """Merges single obligations."""
    return strictest(*(_alone(one) for one in each))


def _parse_one(part: str) -> Obligation:
    found = _PART.fullmatch(part)
    if found is None:
        raise _not_understood(
            f"{part[:64]!r} is no obligation: write a name, or a name and its arguments in brackets"
        )
    name, inside = found.groups()
    make = _MAKERS.get(name)
    if make is None:
        raise _not_understood(f"there is no obligation {name!r}; there are {', '.join(_MAKERS)}")
    return make(name, None if inside is None else [each.strip(" ") for each in inside.split(",")])


Arguments = list[str] | None
_W = TypeVar("_W", bound=StrEnum)
_O = TypeVar("_O")


def _redact(name: str, arguments: Arguments) -> Obligation:
    fields = arguments or []
    if len(set(fields)) != len(fields):
        raise _not_understood(f"{name} names a field twice")
    return Redact(frozenset(fields))


def _coarsen(name: str, arguments: Arguments) -> Obligation:
    return Coarsen(_word(name, Period, _exactly(name, arguments, "a period")[0]))


def _notify(name: str, arguments: Arguments) -> Obligation:
    who, days = _exactly(name, arguments, "whom", "days")
    return NotifySupplier(_word(name, Notified, who), _number(name, days))


def _with_number(make: Callable[[int], Obligation]) -> Callable[[str, Arguments], Obligation]:
    return lambda name, arguments: make(_number(name, _exactly(name, arguments, "a number")[0]))


def _bare(obligation: Obligation) -> Callable[[str, Arguments], Obligation]:
    def make(name: str, arguments: Arguments) -> Obligation:
        if arguments is not None:
            raise _not_understood(f"{name} takes nothing in brackets")
        return obligation

    return make


_MAKERS: Final[Mapping[str, Callable[[str, Arguments], Obligation]]] = {
    "redact": _redact,
    "coarsen": _coarsen,
    "delay": _with_number(Delay),
    "no_onward": _bare(NoOnward()),
    "retain": _with_number(Retain),
    "human_review": _bare(HumanReview()),
    "count_only": _bare(CountOnly()),
    "min_corroboration": _with_number(MinCorroboration),
    "notify_supplier": _notify,
}


def _exactly(name: str, arguments: Arguments, *wanted: str) -> list[str]:
    if arguments is None or len(arguments) != len(wanted):
        raise _not_understood(f"{name} takes exactly {', '.join(wanted)} in brackets")
    return arguments


def _word(name: str, words: type[_W], text: str) -> _W:
    try:
        return words(text)
    except ValueError:
        raise _not_understood(f"{name} takes one of {', '.join(words)}, not {text[:32]!r}") from None


def _number(name: str, text: str) -> int:
    if not _NUMBER.fullmatch(text):
        raise _not_understood(f"{name} takes a whole number, not {text[:32]!r}")
    return int(text)


def _require_range(name: str, number: int, low: int, high: int) -> None:
    if not low <= number <= high:
        raise _not_understood(f"{name} takes {low} to {high}, not {number}")


def _name(obligation: Obligation) -> str:
    return str(obligation).partition("(")[0]


def _alone(obligation: Obligation) -> Obligations:
    match obligation:
        case Redact():
            return Obligations(redact=obligation)
        case Coarsen():
            return Obligations(coarsen=obligation)
        case Delay():
            return Obligations(delay=obligation)
        case NoOnward():
            return Obligations(no_onward=True)
        case Retain():
            return Obligations(retain=obligation)
        case HumanReview():
            return Obligations(human_review=True)
        case CountOnly():
            return Obligations(count_only=True)
        case MinCorroboration():
            return Obligations(min_corroboration=obligation)
        case NotifySupplier():
            return Obligations(notify=(obligation,))


def _stricter(one: Obligations, other: Obligations) -> Obligations:
    periods = list(Period)
    return Obligations(
        redact=_pick(one.redact, other.redact, lambda a, b: Redact(a.fields | b.fields)),
        coarsen=_pick(
            one.coarsen, other.coarsen, lambda a, b: max(a, b, key=lambda each: periods.index(each.period))
        ),
        delay=_pick(one.delay, other.delay, lambda a, b: max(a, b, key=lambda each: each.days)),
        no_onward=one.no_onward or other.no_onward,
        retain=_pick(one.retain, other.retain, lambda a, b: min(a, b, key=lambda each: each.days)),
        human_review=one.human_review or other.human_review,
        count_only=one.count_only or other.count_only,
        min_corroboration=_pick(
            one.min_corroboration,
            other.min_corroboration,
            lambda a, b: max(a, b, key=lambda each: each.contributors),
        ),
        notify=_stricter_notices(one.notify + other.notify),
    )


def _pick(one: _O | None, other: _O | None, stricter: Callable[[_O, _O], _O]) -> _O | None:
    if one is None or other is None:
        return one if other is None else other
    return stricter(one, other)


def _stricter_notices(notices: Iterable[NotifySupplier]) -> tuple[NotifySupplier, ...]:
    days: dict[Notified, int] = {}
    for each in notices:
        days[each.who] = max(each.days, days.get(each.who, 0))
    return tuple(NotifySupplier(who, days[who]) for who in Notified if who in days)


def _not_understood(detail: str) -> PolicyError:
    return PolicyError(detail, code="policy.obligation", hint="policies/README.md lists the nine.")
