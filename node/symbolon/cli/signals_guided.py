"""A signal, asked for at a terminal in plain words, one thing at a time.

Each answer is held against the rules at once, so that nothing has to be typed again at the end. Ctrl-C leaves
at any question without a trace.
"""

from collections.abc import Collection, Sequence
from datetime import date, timedelta
from functools import partial
from typing import Any, Final

from symbolon.cli.signals_asking import (
    Choice,
    ask,
    ask_hidden_lines,
    ask_lines,
    ask_one,
    ask_several,
    ask_until,
    ask_yes,
    complain,
    say,
)
from symbolon.cli.signals_typed import choose_word, try_typed, typed_day, typed_indicators, typed_month
from symbolon.errors import UsageError
from symbolon.membership.member_record import Members
from symbolon.signals import author_words, word_meanings
from symbolon.signals.draft import REVIEW_DAYS, STANDS_DAYS
from symbolon.signals.signal import Native
from symbolon.signals.vocabulary import (
    URGENT_KINDS,
    Evidence,
    Indicator,
    Level,
    Reliability,
    SubjectKind,
    Tlp,
)
from symbolon.suppliers.row_problem import RowProblem

_PLACEHOLDER: Final[dict[str, Any]] = {
    "subject": {"kind": "site", "name": "x"},
    "indicators": ["isolation"],
    "evidence": "media",
}
"""Stands for what has not been asked yet while an answer is tried."""

_PLACE: Final = (
    ("name", "Name"),
    ("country", "Country (code or name)"),
    ("city", "City or place"),
    ("address", "Street and number"),
    ("postal_code", "Postal code"),
    ("os_id", "Open Supply Hub id"),
    ("lei", "LEI"),
    ("registration_number", "Registration number"),
)
_VESSEL: Final = (
    ("name", "Name"),
    ("imo", "IMO number"),
    ("country", "Flag (code or name of the country)"),
    ("registration_number", "Registration number"),
    ("parent_name", "Owner, if it is an organisation"),
)
_SKIP: Final = "Enter to leave it out"


class Guide:
    """Asks for one signal.

    Args:
        today: by this machine's clock.
        members: of the coalition; None on a machine without a node.
        own: this member's id.
        ask_source: False where the note on the source is there already.
    """

    def __init__(self, today: date, members: Members | None, own: str, *, ask_source: bool = True) -> None:
        self._today, self._members, self._own = today, members, own
        self._wants_source = ask_source
        self._made: dict[str, Any] = {}

    def ask(self) -> dict[str, Any]:
        """All questions; the object of a signal file."""
        say("One question at a time. Enter takes what stands in brackets; Ctrl-C leaves, and keeps nothing.")
        self._ask_subject()
        self._ask_seen()
        self._ask_gravity()
        self._ask_certainty()
        self._ask_period()
        self._ask_narrative()
        self._ask_sharing()
        self._ask_days()
        if self._wants_source:
            self._ask_source()
        return self._made

    def ask_again(self, fields: Collection[str]) -> dict[str, Any]:
        """The questions about some fields once more: `narrative`, `workers`, `scheme`, `grade`."""
        for name in ("narrative", "workers"):
            if name in fields:
                self._made.pop(name, None)
        if {"scheme", "grade"} & set(fields):
            self._made.pop("native", None)
            self._ask_native()
        if {"narrative", "workers"} & set(fields):
            self._ask_narrative()
        return self._made

    # ------------------------------------------------------------------------------------------ whom

    def _ask_subject(self) -> None:
        say("\nWhom is it about?")
        kind = ask_one(
            "Kind",
            [Choice(each.value, each.value, word_meanings.SUBJECT_KINDS[each]) for each in SubjectKind],
            lambda typed: str(
                choose_word("kind", typed, author_words.subject_kind, list(map(str, SubjectKind)))
            ),
            default=SubjectKind.SITE.value,
        )
        subject: dict[str, str] = {"kind": kind}
        say("The more of this you know, the more surely those who buy there find it. Never a person's name.")
        while True:
            for name, question in _VESSEL if kind == SubjectKind.VESSEL.value else _PLACE:
                self._ask_subject_text(subject, name, question)
            if self._holds({"subject": subject}):
                break
            say("  A name, or an identifier that holds, is needed.")
        self._made["subject"] = subject

    def _ask_subject_text(self, subject: dict[str, str], name: str, question: str) -> None:
        before = subject.get(name, "")
        while True:
            typed = ask(question, before)
            if not typed:
                return
            draft, problems = try_typed(
                {**_PLACEHOLDER, "subject": {"name": "x", **subject, name: typed}}, self._today
            )
            about = [each for each in problems if each.column == f"subject.{name}"]
            if draft is not None and (not about or typed == before):
                subject[name] = typed
                return
            for each in about:
                complain(_as_error(each))
            # Whoever types the same again means it.
            before = typed

    # ------------------------------------------------------------------------------------------ what

    def _ask_seen(self) -> None:
        say("\nWhat was seen? Several numbers with commas between them.")
        labels = [Choice(each.value, each.words, word_meanings.INDICATORS[each]) for each in Indicator]
        seen = ask_several("Indicators", labels, lambda typed: typed_indicators("indicators", [typed]))
        self._made["indicators"] = list(seen)
        say("\nWhat does it rest on?")
        self._made["evidence"] = ask_one(
            "Evidence",
            [Choice(each.value, each.words, word_meanings.EVIDENCE[each]) for each in Evidence],
            lambda typed: str(
                choose_word("evidence", typed, author_words.evidence, list(map(str, Evidence)))
            ),
        )
        while not self._made["evidence"]:
            self._made["evidence"] = ask_until("Evidence", _required_evidence)
        self._ask_native()

    def _ask_native(self) -> None:
        if self._made["evidence"] != Evidence.AUDIT_FINDING.value:
            return
        while True:
            scheme = ask(f"Scheme of the audit, for example SMETA 7.0 ({_SKIP})")
            if not scheme:
                return
            native = {"scheme": scheme, "grade": ask("Its grade, as the report has it")}
            if self._holds({"native": native}):
                self._made["native"] = native
                _tell_suggestion(native)
                return

    def _ask_gravity(self) -> None:
        say(f"\nHow bad is it? Three measures, each from 1 to 4 ({_SKIP}).")
        severity = {
            name: level
            for name, question, meanings in (
                ("scale", "How grave is the harm", word_meanings.SCALE),
                ("scope", "How many does it reach", word_meanings.SCOPE),
                ("irremediability", "How far is it beyond being made good", word_meanings.IRREMEDIABILITY),
            )
            if (level := _ask_level(question, meanings))
        }
        if severity:
            self._made["severity"] = severity
        if level := _ask_level("How likely is it that it goes on", word_meanings.LIKELIHOOD):
            self._made["likelihood"] = level

    def _ask_certainty(self) -> None:
        say("\nHow sure are you? One figure for what is said, one letter for who said it.")

        def confidence(typed: str) -> int | None:
            if not typed:
                return None
            found: int = choose_word("confidence", typed, author_words.confidence, ("0 to 100",))
            return found

        stated = ask_until(f"Confidence in the content, 0 to 100 ({_SKIP})", confidence)
        if stated is not None:
            self._made["confidence"] = stated
        for each in Reliability:
            say(f"   {each.value}  {each.words}")

        def reliability(typed: str) -> str:
            names = list(map(str, Reliability))
            return str(choose_word("reliability", typed, author_words.reliability, names)) if typed else ""

        if grade := ask_until(f"Reliability of the source, A to F ({_SKIP})", reliability):
            self._made["reliability"] = grade

    def _ask_period(self) -> None:
        say("\nWhen was it seen? Months alone: a day could point at a person.")
        while True:
            first = ask_until(f"First month, for example 2026-03 ({_SKIP})", _month_or_nothing)
            if not first:
                return
            last = ask_until("Last month", _month_or_nothing, default=first)
            period = {"from": first, "to": last}
            if self._holds({"period": period}):
                self._made["period"] = period
                return

    def _ask_narrative(self) -> None:
        def workers(typed: str) -> int | None:
            if not typed:
                return None
            number = author_words.whole_number(typed)
            if number is None:
                raise UsageError("that is no whole number")
            return number

        if "workers" not in self._made:
            known = ask_until(f"\nHow many people work there, about ({_SKIP}; it is not kept)", workers)
            if known:
                self._made["workers"] = known
        if "narrative" in self._made:
            return
        say("\nThe narrative: what a reader has to know. It leaves only when somebody asks for it.")
        say("No names, no numbers of telephones or papers, no prices, no quantities.")
        while True:
            text = ask_lines("Narrative (Enter for none)")
            if not text:
                return
            if self._holds({"narrative": text}):
                self._made["narrative"] = text
                return

    # -------------------------------------------------------------------------------------- who may have it

    def _ask_sharing(self) -> None:
        say("\nHow far may those who get it share it (Traffic Light Protocol)?")
        self._made["tlp"] = ask_one(
            "Mark",
            [Choice(each.value, f"TLP:{each.value.upper()}", each.words) for each in Tlp],
            lambda typed: str(choose_word("mark", typed, author_words.tlp, list(map(str, Tlp)))),
            default=Tlp.AMBER.value,
        )
        self._ask_purposes()
        self._ask_recipients()
        if any(each.value in self._made["indicators"] for each in URGENT_KINDS):
            self._made["urgent"] = ask_yes("Tell it at once, without waiting for the daily batch?")

    def _ask_purposes(self) -> None:
        known = () if self._members is None else self._members.purposes
        if len(known) == 1:
            self._made["purposes"] = list(known)
            say(f"It may be used for {known[0]}, the one purpose of this coalition.")
        elif known:
            say("\nWhat may it be used for? Several numbers with commas between them.")
            choices = [Choice(each, each) for each in known]
            self._made["purposes"] = list(
                ask_several("Purposes", choices, lambda typed: [_known(typed, known)])
            )
        else:
            typed = ask("\nWhat may it be used for, for example due-diligence (Enter: the node asks)")
            self._made["purposes"] = author_words.separate_words(typed)

    def _ask_recipients(self) -> None:
        must = self._made["tlp"] == Tlp.RED.value
        say(
            "\nTLP:RED is for members that you name."
            if must
            else "\nWho may have it? Enter for whoever policy permits, or ids of members, and no other."
        )
        others = (
            []
            if self._members is None
            else [str(each.member_id) for each in self._members.members if each.member_id != self._own]
        )

        def check(typed: str) -> list[str]:
            words = author_words.separate_words(typed)
            if must and not words:
                raise UsageError("name at least one")
            return [_known(each, others) for each in words] if others else words

        if others:
            say(f"  Members: {', '.join(others)}")
        self._made["recipients"] = ask_until("Recipients", check)

    def _ask_days(self) -> None:
        def embargo(typed: str) -> str:
            if not typed:
                return ""
            day = typed_day("embargo", typed)
            if day <= self._today.isoformat():
                raise UsageError("that day has come already", hint="Name a later one, or none.")
            return day

        found = ask_until(f"\nKeep it back from everybody until a day, as 2026-12-31 ({_SKIP})", embargo)
        if found:
            self._made["embargo"] = found
        say("It is erased everywhere on the day it expires; you look at it again by the day of review.")
        for name, days in (("expires", STANDS_DAYS), ("review", REVIEW_DAYS)):
            usual = (self._today + timedelta(days=days)).isoformat()
            if name == "review":
                usual = min(usual, self._made["expires"])
            while True:
                day = ask_until(name.capitalize(), partial(typed_day, name), default=usual)
                if self._holds({**self._days(), name: day}):
                    self._made[name] = day
                    break

    def _days(self) -> dict[str, Any]:
        return {name: self._made[name] for name in ("embargo", "expires") if name in self._made}

    def _ask_source(self) -> None:
        say("\nWho or what you learnt it from: for you alone, sealed, and in nobody's history.")
        if ask_yes("Note the source?"):
            source = ask_hidden_lines("Source")
            if source:
                self._made["source"] = source

    def _holds(self, part: dict[str, Any]) -> bool:
        """Whether some answers hold, with stand-ins for what was not asked yet; says what does not."""
        draft, problems = try_typed({**_PLACEHOLDER, **part}, self._today)
        for each in problems:
            if (each.column or "").partition(".")[0] in part:
                complain(_as_error(each))
        return draft is not None


def _as_error(problem: RowProblem) -> UsageError:
    return UsageError(problem.message, hint=f"{problem.remedy[:1].upper()}{problem.remedy[1:]}.")


def _ask_level(question: str, meanings: dict[Level, str]) -> int:
    choices = [Choice(str(int(level)), level.words, meaning) for level, meaning in meanings.items()]

    def read(typed: str) -> str:
        return str(int(choose_word("level", typed, author_words.level, [each.words for each in Level])))

    return int(ask_one(question, choices, read) or 0)


def _required_evidence(typed: str) -> str:
    names = list(map(str, Evidence))
    if typed.isascii() and typed.isdigit() and 1 <= int(typed) <= len(names):
        return names[int(typed) - 1]
    return str(choose_word("evidence", typed, author_words.evidence, names))


def _month_or_nothing(typed: str) -> str:
    return typed_month("month", typed) if typed else ""


def _known(typed: str, known: Sequence[str]) -> str:
    if typed not in known:
        raise UsageError(f"{typed[:64]} is none of them", hint=f"They are: {', '.join(known)}.")
    return typed


def _tell_suggestion(native: dict[str, str]) -> None:
    from symbolon.signals.native_grades import mapped

    suggested = mapped(Native(native["scheme"], native["grade"]))
    if suggested is not None:
        level = f" It suggests a scale that is {suggested.level.words}." if suggested.level else ""
        say(f"  {suggested.words} ({suggested.source}).{level}")
