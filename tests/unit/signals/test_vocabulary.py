"""The words and their numbers. A number that changed would make old labels say something else."""

from enum import StrEnum

import pytest

from symbolon.signals.vocabulary import (
    ILO_AXES,
    ILO_ELEVEN,
    URGENT_KINDS,
    DisputeState,
    Evidence,
    Indicator,
    Level,
    RecallReason,
    Reliability,
    ShownAs,
    State,
    SubjectKind,
    Tlp,
)


def test_ilo_eleven_are_those_of_the_booklet_in_its_order() -> None:
    # ILO, Indicators of Forced Labour, 2012, page 3.
    assert [each.words.capitalize() for each in ILO_ELEVEN] == [
        "Abuse of vulnerability",
        "Deception",
        "Restriction of movement",
        "Isolation",
        "Physical and sexual violence",
        "Intimidation and threats",
        "Retention of identity documents",
        "Withholding of wages",
        "Debt bondage",
        "Abusive working and living conditions",
        "Excessive overtime",
    ]


def test_indicator_beside_the_eleven_are_two_axes_fees_and_the_two_urgent_kinds() -> None:
    assert ILO_AXES == (Indicator.INVOLUNTARINESS, Indicator.COERCION)
    rest = set(Indicator) - set(ILO_ELEVEN) - set(ILO_AXES)
    assert rest == {Indicator.RECRUITMENT_FEES} | URGENT_KINDS
    assert {Indicator.CHILD_LABOUR, Indicator.HAZARDOUS_WORK} == URGENT_KINDS


def test_indicator_bit_is_fixed_for_each_word() -> None:
    assert [each.bit for each in Indicator] == list(range(16))
    assert Indicator.ABUSE_OF_VULNERABILITY.bit == 0
    assert Indicator.DEBT_BONDAGE.bit == 8
    assert Indicator.HAZARDOUS_WORK.bit == 15


@pytest.mark.parametrize(
    ("words", "first", "expected"),
    [
        (Reliability, 1, "A B C D E F"),
        (
            Evidence,
            1,
            "audit-finding worker-interview grievance site-visit public-list media satellite purchase-record",
        ),
        (SubjectKind, 1, "site organisation recruiter vessel"),
        (Tlp, 1, "red amber+strict amber green clear"),
        (State, 1, "active recalled"),
        (RecallReason, 1, "error wrong-subject dispute-upheld remedied duplicate withdrawn legal"),
        (DisputeState, 0, "none open maintained corrected remedied"),
        (ShownAs, 0, "publisher company ngo coordinator auditor"),
    ],
)
def test_words_have_their_numbers_in_order(words: type[StrEnum], first: int, expected: str) -> None:
    assert [each.value for each in words] == expected.split()
    assert [each.number for each in words] == list(range(first, first + len(words)))  # type: ignore[attr-defined]


def test_level_steps_ascend_from_not_stated() -> None:
    assert [(int(each), each.words) for each in Level] == [
        (0, "not stated"),
        (1, "low"),
        (2, "moderate"),
        (3, "high"),
        (4, "extreme"),
    ]


def test_reliability_words_are_those_of_the_admiralty_system() -> None:
    assert [each.words for each in Reliability] == [
        "completely reliable",
        "usually reliable",
        "fairly reliable",
        "not usually reliable",
        "unreliable",
        "reliability cannot be judged",
    ]


def test_tlp_words_widen_from_recipients_to_everybody() -> None:
    assert Tlp.RED.words == "for the named recipients alone"
    assert "clients" not in Tlp.AMBER_STRICT.words
    assert "clients" in Tlp.AMBER.words
    assert "community" in Tlp.GREEN.words
    assert Tlp.CLEAR.words == "without a limit"


@pytest.mark.parametrize("words", [Indicator, Evidence, Reliability, Tlp, RecallReason, DisputeState])
def test_words_for_people_are_one_to_one(words: type[StrEnum]) -> None:
    said = [each.words for each in words]  # type: ignore[attr-defined]
    assert len(set(said)) == len(said)
    assert all(each and each.isprintable() for each in said)


def test_recall_reason_withdrawn_tells_nothing_of_a_source() -> None:
    assert not any(word in RecallReason.WITHDRAWN.words for word in ("source", "risk", "danger", "safety"))
    assert not any("source" in each.value for each in RecallReason)
