"""Every word that an author can choose is explained, in half a sentence, and differently from all others."""

import pytest

from symbolon.signals import word_meanings
from symbolon.signals.vocabulary import (
    ILO_ELEVEN,
    DisputeState,
    Evidence,
    Indicator,
    Level,
    RecallReason,
    Reliability,
    SubjectKind,
    Tlp,
)

KINDS = [Indicator, SubjectKind, Evidence, Tlp, RecallReason, Reliability, DisputeState]


@pytest.mark.parametrize("kind", KINDS)
def test_meaning_of_every_word_is_short_and_its_own(kind: type[Indicator]) -> None:
    meanings = [word_meanings.meaning(each) for each in kind]
    assert all(0 < len(each) <= 90 for each in meanings)
    assert len(set(meanings)) == len(meanings)
    assert all(not each.endswith(".") for each in meanings)


@pytest.mark.parametrize(
    "levels",
    [
        word_meanings.SCALE,
        word_meanings.SCOPE,
        word_meanings.IRREMEDIABILITY,
        word_meanings.LIKELIHOOD,
    ],
)
def test_meaning_of_every_level_but_not_stated_is_given_in_order(levels: dict[Level, str]) -> None:
    assert list(levels) == [each for each in Level if each]


def test_group_of_has_the_eleven_of_the_ilo_together() -> None:
    groups = {each: word_meanings.group_of(each) for each in Indicator}
    assert {each for each in Indicator if "ILO indicator" in groups[each]} == set(ILO_ELEVEN)
    assert groups[Indicator.CHILD_LABOUR] == groups[Indicator.HAZARDOUS_WORK] == "urgent kind"
    assert groups[Indicator.RECRUITMENT_FEES] == "kind beside them"
