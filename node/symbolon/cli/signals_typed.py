"""The fields of a signal as they are typed on the command line, to the object that a signal file has.

Handles: the words that imports understand (docs/signals-import.md, Words), several in one option, and what is
nearest to a word that is none. Refuses with `UsageError` a word that is none, and a signal that does not
hold, field by field with what mends it. Whoever may receive it, and what for, is held against the coalition's
members and purposes.
"""

import difflib
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from typing import Any, Final

from symbolon.errors import UsageError
from symbolon.membership.member_record import Members
from symbolon.signals import author_words
from symbolon.signals.draft import Draft
from symbolon.signals.free_text import shown
from symbolon.signals.record_codec import SUBJECT_FIELDS
from symbolon.signals.signal import Signal
from symbolon.signals.signal_file import draft_object, read_signal_object
from symbolon.signals.vocabulary import Evidence, Indicator, Level, Reliability, SubjectKind, Tlp
from symbolon.suppliers.row_problem import RowProblem

Fields = Mapping[str, Any]
"""What was typed, by the names of the options' parameters; None, '' and empty lists say nothing."""

_LEVELS: Final = tuple(each.words for each in Level)
_IN_SUBJECT: Final = SUBJECT_FIELDS
_OPTIONS: Final[Mapping[str, str]] = {
    "subject": "--name",
    "subject.kind": "--kind",
    "indicators": "--indicator",
    "period": "--from",
    "period.from": "--from",
    "period.to": "--to",
    "native": "--scheme and --grade",
    "native.scheme": "--scheme",
    "native.grade": "--grade",
    "narrative": "--narrative-file",
    "source": "--source-file",
    "purposes": "--purpose",
    "recipients": "--recipient",
}
"""Options of fields whose names differ."""

_CLEARED: Final[Mapping[str, tuple[str, ...]]] = {
    "severity": ("severity",),
    "likelihood": ("likelihood",),
    "confidence": ("confidence",),
    "reliability": ("reliability",),
    "native": ("native",),
    "period": ("period",),
    "narrative": ("narrative",),
    "recipients": ("recipients",),
    "embargo": ("embargo",),
}
CLEARABLE: Final = tuple(_CLEARED)
"""What `--clear` can name."""


def is_empty(fields: Fields) -> bool:
    """Whether no field was typed."""
    return not any(_says(each) for each in fields.values())


def _says(value: Any) -> bool:
    return value is not None and value not in ("", [], ())


def typed_object(fields: Fields, base: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The object of a signal file that typed fields make, over another one.

    Args:
        fields: what was typed.
        base: what is so where nothing was typed.

    Raises:
        UsageError: a word is none; the hint has the nearest.
    """
    made: dict[str, Any] = {name: _copied(value) for name, value in (base or {}).items()}
    for name, value in fields.items():
        if _says(value):
            _READERS[name](made, name, value)
    return made


def read_typed(made: Mapping[str, Any], today: date, *, tell_subject: bool = True) -> Draft:
    """The draft of such an object.

    Args:
        made: from `typed_object`.
        today: by this machine's clock.
        tell_subject: say as well what could be better in whom it is about.

    Raises:
        UsageError: it does not hold; every problem is said.
    """
    draft, problems = try_typed(made, today)
    for each in problems:
        if not each.fatal and (tell_subject or not (each.column or "").startswith("subject")):
            print(f"symbolon: {_sentence(each)}", file=sys.stderr)
    fatal = [each for each in problems if each.fatal]
    if draft is None or fatal:
        for each in fatal[:-1]:
            print(f"symbolon: error: {_sentence(each)}", file=sys.stderr)
        last = fatal[-1]
        raise UsageError(
            f"{_option(last)}: {shown(last.message, one_line=True)}" if last.column else last.message,
            hint=_as_sentence(last.remedy),
            code="usage.signal",
        )
    return draft


def try_typed(made: Mapping[str, Any], today: date) -> tuple[Draft | None, list[RowProblem]]:
    """The draft of such an object, or None, and everything that is to be said about it."""
    draft: Draft | None = None
    problems = []
    for item in read_signal_object(0, made, today):
        if isinstance(item, RowProblem):
            problems.append(item)
        else:
            draft = item
    return draft, problems


def object_of(signal: Signal) -> dict[str, Any]:
    """The object that a signal as it stands would be typed as."""
    if signal.evidence is None:
        return {}
    return draft_object(
        Draft(
            subject=signal.subject,
            indicators=signal.indicators,
            evidence=signal.evidence,
            severity=signal.severity,
            likelihood=signal.likelihood,
            confidence=signal.confidence,
            reliability=signal.reliability,
            native=signal.native,
            period=signal.period,
            narrative=signal.narrative,
            tlp=signal.tlp,
            purposes=signal.purposes,
            recipients=signal.recipients,
            embargo=signal.embargo,
            expires=signal.expires,
            review=signal.review,
            urgent=signal.urgent,
        )
    )


def without(made: Mapping[str, Any], cleared: Iterable[str]) -> dict[str, Any]:
    """The object without what `--clear` names.

    Raises:
        UsageError: that cannot be cleared.
    """
    left = dict(made)
    for word in cleared:
        name = word.strip().lower().replace("-", "_")
        if name not in _CLEARED:
            raise UsageError(
                f"--clear cannot take {shown(word, one_line=True)[:40]}",
                hint=f"It takes one of: {', '.join(CLEARABLE)}.",
            )
        for each in _CLEARED[name]:
            left.pop(each, None)
    return left


# ------------------------------------------------------------------------------------ whom, and what for


def require_known(draft: Draft, members: Members | None, own: str) -> None:
    """Refuses purposes and recipients that the coalition does not know: nobody would ever see the signal.

    Args:
        draft: what was typed.
        members: of the coalition; None where there is no node to ask.
        own: this member's id.

    Raises:
        UsageError: with the nearest word in its hint.
    """
    if members is None:
        return
    for purpose in draft.purposes:
        if purpose not in members.purposes:
            raise UsageError(
                f"{purpose} is no purpose of this coalition",
                hint=_nearest(purpose, members.purposes, "Its members agreed on"),
                code="usage.signal",
            )
    others = [str(each.member_id) for each in members.members if each.member_id != own]
    for recipient in draft.recipients:
        if recipient == own:
            raise UsageError(f"{own} is this node's own member", hint="Name others.", code="usage.signal")
        if recipient not in others:
            raise UsageError(
                f"{recipient} is no member of this coalition",
                hint=_nearest(recipient, others, "Its other members are"),
                code="usage.signal",
            )


def _nearest(word: str, known: Sequence[str], all_of_them: str) -> str:
    close = difflib.get_close_matches(word, known, 1, 0.6)
    return f"Did you mean {close[0]}?" if close else f"{all_of_them}: {', '.join(known[:30])}."


# ------------------------------------------------------------------------------------------------ words


def choose_word(option: str, typed: str, read: Callable[[str], Any], words: Sequence[str]) -> Any:
    """A typed word, by the names and synonyms that imports understand.

    Args:
        option: for the message.
        typed: what was typed.
        read: from `author_words`; None where it is no word.
        words: the names.

    Raises:
        UsageError: it is none; the hint has the nearest, or all.
    """
    found = read(typed)
    if found is None:
        folded = author_words.fold_words(typed)
        close = difflib.get_close_matches(folded, [author_words.fold_words(each) for each in words], 1, 0.5)
        hint = f"Did you mean {close[0].replace(' ', '-')}?" if close else f"Use one of: {', '.join(words)}."
        raise UsageError(
            f"{option}: {shown(typed, one_line=True)[:60]!r} is no word of the vocabulary",
            hint=f"{hint} `symbolon signals words` explains them.",
            code="usage.signal",
        )
    return found


def typed_indicators(option: str, typed: Iterable[str]) -> list[str]:
    """Indicators, several in one text or one in each, without repetition.

    Raises:
        UsageError: one of them is none.
    """
    found: set[Indicator] = set()
    for text in typed:
        words = [each.value for each in Indicator]
        found |= choose_word(option, text, lambda each: author_words.indicators(each) or None, words)
    return [each.value for each in Indicator if each in found]


def typed_month(option: str, typed: str) -> str:
    """A month; a day is cut off with a note.

    Raises:
        UsageError: it is none.
    """
    found = author_words.month(typed)
    if found is None:
        raise UsageError(
            f"{option}: {shown(typed, one_line=True)[:30]!r} is no month",
            hint="Write it as 2026-03, 03/2026 or March 2026.",
            code="usage.signal",
        )
    month, cut = found
    if cut:
        print(
            f"symbolon: {option}: the day was left out; no finer time than a month is kept.", file=sys.stderr
        )
    return str(month)


def typed_day(option: str, typed: str) -> str:
    """A day.

    Raises:
        UsageError: it is none.
    """
    found = author_words.iso_day(typed)
    if found is None:
        raise UsageError(
            f"{option}: {shown(typed, one_line=True)[:30]!r} is no day",
            hint="Write it as 2026-12-31.",
            code="usage.signal",
        )
    return found.isoformat()


def _option(problem: RowProblem) -> str:
    path = problem.column or ""
    name = path.partition("[")[0]
    return _OPTIONS.get(name, "--" + name.rpartition(".")[2].replace("_", "-"))


def _sentence(problem: RowProblem) -> str:
    where = f"{_option(problem)}: " if problem.column else ""
    return f"{where}{shown(problem.message, one_line=True)}; {shown(problem.remedy, one_line=True)}"


def _as_sentence(remedy: str) -> str:
    text = shown(remedy, one_line=True).rstrip(".")
    return f"{text[:1].upper()}{text[1:]}."


def _copied(value: Any) -> Any:
    return dict(value) if isinstance(value, dict) else value


_Reader = Callable[[dict[str, Any], str, Any], None]


def _inside(made: dict[str, Any], outer: str) -> dict[str, Any]:
    inner: dict[str, Any] = made.setdefault(outer, {})
    return inner


def _subject_text(made: dict[str, Any], name: str, value: Any) -> None:
    _inside(made, "subject")[name] = str(value)


def _kind(made: dict[str, Any], _name: str, value: Any) -> None:
    words = [each.value for each in SubjectKind]
    _inside(made, "subject")["kind"] = choose_word("--kind", value, author_words.subject_kind, words).value


def _indicators(made: dict[str, Any], _name: str, value: Any) -> None:
    made["indicators"] = typed_indicators("--indicator", value)


def _evidence(made: dict[str, Any], _name: str, value: Any) -> None:
    words = [each.value for each in Evidence]
    made["evidence"] = choose_word("--evidence", value, author_words.evidence, words).value


def _level(option: str, value: Any) -> int:
    return int(choose_word(option, value, author_words.level, _LEVELS))


def _severity(made: dict[str, Any], name: str, value: Any) -> None:
    _inside(made, "severity")[name] = _level(f"--{name}", value)


def _likelihood(made: dict[str, Any], _name: str, value: Any) -> None:
    made["likelihood"] = _level("--likelihood", value)


def _confidence(made: dict[str, Any], _name: str, value: Any) -> None:
    made["confidence"] = choose_word(
        "--confidence", value, author_words.confidence, ("0 to 100", "low", "medium", "high")
    )


def _reliability(made: dict[str, Any], _name: str, value: Any) -> None:
    words = [each.value for each in Reliability]
    made["reliability"] = choose_word("--reliability", value, author_words.reliability, words).value


def _native(made: dict[str, Any], name: str, value: Any) -> None:
    _inside(made, "native")[name] = str(value)


def _first(made: dict[str, Any], _name: str, value: Any) -> None:
    period = _inside(made, "period")
    period["from"] = typed_month("--from", value)
    # The last month of before belonged to the first one of before.
    period.pop("to", None)


def _last(made: dict[str, Any], _name: str, value: Any) -> None:
    _inside(made, "period")["to"] = typed_month("--to", value)


def _text(made: dict[str, Any], name: str, value: Any) -> None:
    made[name] = str(value)


def _tlp(made: dict[str, Any], _name: str, value: Any) -> None:
    made["tlp"] = choose_word("--tlp", value, author_words.tlp, [each.value for each in Tlp]).value


def _words(made: dict[str, Any], name: str, value: Any) -> None:
    made[name] = [word for text in value for word in author_words.separate_words(text)]


def _day(made: dict[str, Any], name: str, value: Any) -> None:
    made[name] = typed_day(f"--{name}", value)


def _urgent(made: dict[str, Any], _name: str, value: Any) -> None:
    made["urgent"] = bool(value)


def _workers(made: dict[str, Any], _name: str, value: Any) -> None:
    number = author_words.whole_number(str(value))
    if number is None:
        raise UsageError("--workers is no whole number", hint="Write digits.", code="usage.signal")
    made["workers"] = number


_READERS: Final[Mapping[str, _Reader]] = {
    **dict.fromkeys(_IN_SUBJECT, _subject_text),
    "kind": _kind,
    "indicators": _indicators,
    "evidence": _evidence,
    **dict.fromkeys(("scale", "scope", "irremediability"), _severity),
    "likelihood": _likelihood,
    "confidence": _confidence,
    "reliability": _reliability,
    **dict.fromkeys(("scheme", "grade"), _native),
    "first": _first,
    "last": _last,
    **dict.fromkeys(("narrative", "source"), _text),
    "tlp": _tlp,
    **dict.fromkeys(("purposes", "recipients"), _words),
    **dict.fromkeys(("embargo", "expires", "review"), _day),
    "urgent": _urgent,
    "workers": _workers,
}
