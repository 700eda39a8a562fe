"""The guided way of adding a signal: one question at a time, wrong answers asked again, nothing kept."""

import contextlib
import io
import sys
from collections.abc import Iterator
from datetime import date
from typing import Any

import click
import pytest

from contributing_ngo import Contributor, contributor
from symbolon.cli import signals_asking, signals_draft
from symbolon.cli.signals_draft import obtain_draft
from symbolon.cli.signals_guided import Guide
from symbolon.cli.signals_typed import try_typed
from symbolon.membership.member_record import Members
from symbolon.signals.draft import Draft
from symbolon.signals.signal import Month, Period
from symbolon.signals.vocabulary import Evidence, Indicator, Level, Reliability, SubjectKind, Tlp

TODAY = date(2026, 11, 22)
SUBJECT = [
    "1",
    "Blue River Garments Ltd",
    "BD",
    "Gazipur",
    "12 Canal Road",
    "1700",
    "CN2021250D1DTN7",
    "",
    "",
]
SEEN = ["9, 8", "2"]
GRAVITY = ["3", "2", "1", "4"]
CERTAINTY = ["70", "b"]
PERIOD = ["2026-01", "2026-03"]
NARRATIVE = ["800", "Workers repay", "", "their debts.", "."]
SHARING = ["3", ""]
DAYS = ["", "", ""]
SOURCE = ["y", "the night guard", "."]
EVERYTHING = [*SUBJECT, *SEEN, *GRAVITY, *CERTAINTY, *PERIOD, *NARRATIVE, *SHARING, *DAYS, *SOURCE]


@pytest.fixture(scope="module")
def ngo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Contributor]:
    with contributor(tmp_path_factory.mktemp("coalition")) as made:
        yield made


@pytest.fixture(scope="module")
def members(ngo: Contributor) -> Members:
    with ngo.node() as node:
        return node.directory.current()


def typing(monkeypatch: pytest.MonkeyPatch, answers: list[str]) -> io.StringIO:
    """Types answers, and hears what is said."""
    heard = io.StringIO()
    monkeypatch.setattr(sys, "stdin", io.StringIO("".join(f"{each}\n" for each in answers)))
    monkeypatch.setattr(sys, "stderr", heard)
    return heard


def asked(
    monkeypatch: pytest.MonkeyPatch, members: Members | None, answers: list[str]
) -> tuple[dict[str, Any], str]:
    heard = typing(monkeypatch, answers)
    made = Guide(TODAY, members, "watch").ask()
    assert sys.stdin.read() == ""
    return made, heard.getvalue()


def draft_of(made: dict[str, Any]) -> Draft:
    draft, problems = try_typed(made, TODAY)
    assert draft is not None, problems
    return draft


def test_guide_asks_for_everything_and_makes_a_draft_of_it(
    monkeypatch: pytest.MonkeyPatch, members: Members
) -> None:
    made, heard = asked(monkeypatch, members, EVERYTHING)
    draft = draft_of(made)
    record = draft.subject.record
    assert (draft.subject.kind, record.name, record.country) == (
        SubjectKind.SITE,
        "Blue River Garments Ltd",
        "BD",
    )
    assert (record.city, record.address, record.os_id) == ("Gazipur", "12 Canal Road", "CN2021250D1DTN7")
    assert draft.indicators == {Indicator.DEBT_BONDAGE, Indicator.WITHHOLDING_OF_WAGES}
    assert draft.evidence is Evidence.WORKER_INTERVIEW
    assert (draft.severity.scale, draft.severity.scope, draft.severity.irremediability) == (
        Level.HIGH,
        Level.MODERATE,
        Level.LOW,
    )
    assert (draft.likelihood, draft.confidence, draft.reliability) == (Level.EXTREME, 70, Reliability.B)
    assert draft.period == Period(Month(2026, 1), Month(2026, 3))
    assert draft.narrative == "Workers repay\n\ntheir debts."
    assert (draft.tlp, draft.purposes, draft.recipients) == (Tlp.AMBER, ("due-diligence",), ())
    assert (draft.source, draft.workers, draft.urgent) == ("the night guard", 800, False)
    assert draft.expires == date(2028, 11, 21)
    assert draft.review == date(2027, 5, 21)
    for each in Indicator:
        assert each.words in heard
    assert "work pays off a debt that the worker cannot see the end of" in heard
    assert "Ctrl-C leaves, and keeps nothing" in heard
    # Nothing that was right is complained about.
    assert "country is" not in heard


def test_guide_takes_enter_for_all_that_may_be_left_out(
    monkeypatch: pytest.MonkeyPatch, members: Members
) -> None:
    answers = ["", "Mill", "MX", "León", "", "", "", "", "", "isolation", "media", *[""] * 4]
    answers += ["", "", "", "", "", "", "", "", "", "", "n"]
    made, _ = asked(monkeypatch, members, answers)
    draft = draft_of(made)
    assert (draft.severity.scale, draft.likelihood) == (Level.NOT_STATED, Level.NOT_STATED)
    assert (draft.confidence, draft.reliability, draft.period) == (None, None, None)
    assert (draft.narrative, draft.source, draft.workers) == ("", "", None)
    assert draft.tlp is Tlp.AMBER


@pytest.mark.parametrize(
    ("right", "wrong", "said"),
    [
        (
            ["1", "Blue River Garments Ltd"],
            ["planet", "1", "Blue River Garments Ltd"],
            "no word of the vocabulary",
        ),
        (["BD"], ["Banglad", "BD"], "the country is not known"),
        (["CN2021250D1DTN7"], ["123", "CN2021250D1DTN7"], "an OS ID is"),
        (["9, 8"], ["99", "9, 8"], "there is no 99"),
        (["9, 8"], ["", "9, 8"], "choose at least one"),
        (["9, 8"], ["debt bondge", "debt bondage, withholding of wages"], "Did you mean debt-bondage?"),
        (["9, 8", "2"], ["9, 8", "", "2"], ""),
        (["70"], ["700", "70"], "no word of the vocabulary"),
        (["b"], ["G", "B"], "no word of the vocabulary"),
        (["2026-01", "2026-03"], ["2026-01", "2025-12", "2026-01", "2026-03"], "ends before it begins"),
        (["2026-01"], ["03/04/2026", "2026-01"], "is no month"),
        (["2026-01", "2026-03"], ["2027-01", "2027-03", "2026-01", "2026-03"], "lies in the future"),
    ],
)
def test_guide_asks_a_wrong_answer_again_and_says_what_is_wrong(
    monkeypatch: pytest.MonkeyPatch, members: Members, right: list[str], wrong: list[str], said: str
) -> None:
    at = next(i for i in range(len(EVERYTHING)) if EVERYTHING[i : i + len(right)] == right)
    answers = [*EVERYTHING[:at], *wrong, *EVERYTHING[at + len(right) :]]
    made, heard = asked(monkeypatch, members, answers)
    expected, _ = asked(monkeypatch, members, EVERYTHING)
    assert said in heard
    assert made == expected


def test_guide_keeps_what_is_typed_the_same_twice(monkeypatch: pytest.MonkeyPatch, members: Members) -> None:
    answers = [*SUBJECT[:6], "123", "123", *SUBJECT[7:], *EVERYTHING[len(SUBJECT) :]]
    made, _ = asked(monkeypatch, members, answers)
    assert made["subject"]["os_id"] == "123"


def test_guide_of_a_subject_without_name_or_identifier_asks_again(
    monkeypatch: pytest.MonkeyPatch, members: Members
) -> None:
    nameless = ["1", "", "BD", "Gazipur", "", "", "", "", ""]
    again = ["Blue River Garments Ltd", "", "", "12 Canal Road", "1700", "CN2021250D1DTN7", "", ""]
    made, heard = asked(monkeypatch, members, [*nameless, *again, *EVERYTHING[len(SUBJECT) :]])
    assert "A name, or an identifier that holds, is needed." in heard
    assert made["subject"]["city"] == "Gazipur"


def test_guide_about_a_vessel_asks_for_its_imo_number(
    monkeypatch: pytest.MonkeyPatch, members: Members
) -> None:
    vessel = ["vessel", "Ocean Star 7", "9074729", "PA", "", "River Group"]
    made, heard = asked(monkeypatch, members, [*vessel, *EVERYTHING[len(SUBJECT) :]])
    assert made["subject"]["imo"] == "9074729"
    assert "Open Supply Hub" not in heard


def test_guide_of_an_audit_asks_for_the_grade_and_says_what_it_suggests(
    monkeypatch: pytest.MonkeyPatch, members: Members
) -> None:
    answers = [*SUBJECT, "9, 8", "audit finding", "SMETA 7.0", "Critical", *EVERYTHING[len(SUBJECT) + 2 :]]
    made, heard = asked(monkeypatch, members, answers)
    assert made["native"] == {"scheme": "SMETA 7.0", "grade": "Critical"}
    assert "suggests a scale that is high" in heard


def test_guide_asks_about_urgency_for_urgent_kinds_alone(
    monkeypatch: pytest.MonkeyPatch, members: Members
) -> None:
    rest = EVERYTHING[len(SUBJECT) + 2 : -len(DAYS) - len(SOURCE)]
    made, heard = asked(monkeypatch, members, [*SUBJECT, "child labour", "2", *rest, "y", *DAYS, *SOURCE])
    assert made["urgent"] is True
    assert "Tell it at once" in heard
    assert "Tell it at once" not in asked(monkeypatch, members, EVERYTHING)[1]


def test_guide_under_tlp_red_asks_until_a_member_is_named(
    monkeypatch: pytest.MonkeyPatch, members: Members
) -> None:
    before = EVERYTHING[: -len(SHARING) - len(DAYS) - len(SOURCE)]
    answers = [*before, "red", "", "brich", "birch, cedar", *DAYS, *SOURCE]
    made, heard = asked(monkeypatch, members, answers)
    assert made["recipients"] == ["birch", "cedar"]
    assert "name at least one" in heard
    assert "brich is none of them" in heard


def test_guide_refuses_days_in_the_wrong_order(monkeypatch: pytest.MonkeyPatch, members: Members) -> None:
    before = EVERYTHING[: -len(DAYS) - len(SOURCE)]
    days = ["2020-01-01", "2027-06-01", "2027-01-01", "2028-01-01", "2029-01-01", "2027-12-01"]
    made, heard = asked(monkeypatch, members, [*before, *days, *SOURCE])
    assert (made["embargo"], made["expires"], made["review"]) == ("2027-06-01", "2028-01-01", "2027-12-01")
    assert "has come already" in heard


def test_guide_without_a_node_takes_words_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    before = EVERYTHING[: -len(SHARING) - len(DAYS) - len(SOURCE)]
    made, _ = asked(monkeypatch, None, [*before, "amber", "due-diligence", "birch", *DAYS, *SOURCE])
    assert (made["purposes"], made["recipients"]) == (["due-diligence"], ["birch"])


@pytest.mark.parametrize("answered", range(0, len(EVERYTHING), 3))
def test_guide_left_at_any_question_ends_without_a_word_kept(
    monkeypatch: pytest.MonkeyPatch, members: Members, answered: int
) -> None:
    typing(monkeypatch, EVERYTHING[:answered])
    with pytest.raises(click.Abort):
        Guide(TODAY, members, "watch").ask()


def test_source_is_typed_on_a_screen_that_is_left_again(
    monkeypatch: pytest.MonkeyPatch, members: Members
) -> None:
    monkeypatch.setenv("TERM", "xterm")
    _, heard = asked(monkeypatch, members, EVERYTHING)
    assert heard.count("\x1b[?1049h") == heard.count("\x1b[?1049l") == 1
    typing(monkeypatch, EVERYTHING[:-2])
    heard_then = io.StringIO()
    monkeypatch.setattr(sys, "stderr", heard_then)
    with contextlib.suppress(click.Abort):
        Guide(TODAY, members, "watch").ask()
    assert heard_then.getvalue().endswith("\x1b[?1049l")


# ------------------------------------------------------------------------------------ what is found


def guided(monkeypatch: pytest.MonkeyPatch, members: Members, answers: list[str]) -> tuple[Draft, str]:
    monkeypatch.setattr(signals_draft, "is_interactive", lambda: True)
    heard = typing(monkeypatch, answers)
    screened = obtain_draft(
        {},
        narrative_file=None,
        source_file=None,
        today=TODAY,
        members=members,
        own="watch",
        reviewed=False,
    )
    return screened.draft, heard.getvalue()


def test_guided_narrative_that_the_screening_suspects_can_be_written_again(
    monkeypatch: pytest.MonkeyPatch, members: Members
) -> None:
    at = EVERYTHING.index("Workers repay")
    answers = [*EVERYTHING[:at], "Call +49 170 1234567.", ".", *EVERYTHING[at + 4 :]]
    draft, heard = guided(monkeypatch, members, [*answers, "1", "Workers repay debts.", "."])
    assert "The screening found 1 thing to look at:" in heard
    assert draft.narrative == "Workers repay debts."
    assert draft.workers == 800


def test_guided_finding_is_kept_only_by_the_whole_word(
    monkeypatch: pytest.MonkeyPatch, members: Members
) -> None:
    at = EVERYTHING.index("800")
    answers = [*EVERYTHING[:at], "7", *EVERYTHING[at + 1 :]]
    draft, heard = guided(monkeypatch, members, [*answers, "y", "yes", "reviewed"])
    assert draft.workers == 7
    assert heard.count("small workforce") == 3


def test_asking_lines_that_end_without_the_point_leave_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    typing(monkeypatch, ["one", "two"])
    with pytest.raises(click.Abort):
        signals_asking.ask_lines("Text")
