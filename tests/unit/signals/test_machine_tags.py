"""Tags and labels in the words of the vocabulary."""

import pytest

from exported_signals import export_of
from signal_makers import make_signal
from symbolon.signals.machine_tags import (
    MAX_TAGS,
    TagWords,
    all_export_tags,
    export_tags,
    only_one,
    read_tags,
)
from symbolon.signals.signal import Severity
from symbolon.signals.vocabulary import Evidence, Indicator, Level, Reliability, SubjectKind, Tlp


def test_export_tags_are_those_of_the_published_taxonomies() -> None:
    assert export_tags(export_of(make_signal(tlp=Tlp.AMBER_STRICT)).released) == [
        "tlp:amber+strict",
        'symbolon:indicator="withholding-of-wages"',
        'symbolon:indicator="debt-bondage"',
        'symbolon:evidence="worker-interview"',
        'symbolon:subject="site"',
        'symbolon:severity-scale="high"',
        'symbolon:severity-scope="moderate"',
        'symbolon:severity-irremediability="low"',
        'estimative-language:likelihood-probability="likely"',
        'admiralty-scale:source-reliability="b"',
    ]


def test_all_export_tags_are_distinct_and_short_enough_for_misp() -> None:
    tags = all_export_tags()
    assert len(set(tags)) == len(tags) < MAX_TAGS
    assert max(map(len, tags)) <= 255


@pytest.mark.parametrize(
    ("tag", "field", "word"),
    [
        ("tlp:white", "tlps", Tlp.CLEAR),
        ("TLP:AMBER+STRICT", "tlps", Tlp.AMBER_STRICT),
        ('symbolon:indicator="Child Labor"', "indicators", Indicator.CHILD_LABOUR),
        ("debt bondage", "indicators", Indicator.DEBT_BONDAGE),
        ('symbolon:evidence="hotline"', "evidence", Evidence.GRIEVANCE),
        ('symbolon:subject="factory"', "kinds", SubjectKind.SITE),
        ('admiralty-scale:source-reliability="f"', "reliabilities", Reliability.F),
        ('admiralty-scale:information-credibility="2"', "confidences", 70),
        ('misp:confidence-level="usually-confident"', "confidences", 75),
        ('estimative-language:likelihood-probability="almost-certain"', "likelihoods", Level.EXTREME),
        ('estimative-language:likelihood-probability="very-unlikely"', "likelihoods", Level.LOW),
        ('symbolon:likelihood="high"', "likelihoods", Level.HIGH),
    ],
)
def test_tag_of_a_known_taxonomy_is_a_word(tag: str, field: str, word: object) -> None:
    words = read_tags([tag])
    assert getattr(words, field) == {word}
    assert not words.notes
    assert not words.unread


def test_tags_of_severity_are_levels_by_their_measure() -> None:
    tags = export_tags(export_of(make_signal(severity=Severity(scope=Level.EXTREME))).released)
    assert read_tags(tags).severity == {"scope": {Level.EXTREME}}


def test_tag_of_a_state_says_that_the_signal_is_over() -> None:
    assert read_tags(['symbolon:state="recalled"']).over
    assert read_tags(['symbolon:state="expired"']).over
    assert not read_tags(['symbolon:state="active"']).over


@pytest.mark.parametrize(
    "tag",
    ['admiralty-scale:information-credibility="6"', 'misp:confidence-level="confidence-cannot-be-evalued"'],
)
def test_tag_that_judges_nothing_gives_no_confidence(tag: str) -> None:
    words = read_tags([tag])
    assert not words.confidences
    assert not words.notes


@pytest.mark.parametrize(
    "tag",
    [
        'symbolon:indicator="Kamal 01711-000000"',
        "tlp:purple",
        'admiralty-scale:source-reliability="g"',
        'estimative-language:likelihood-probability="surely"',
        'misp:confidence-level="Kamal"',
        'symbolon:severity-scale="11"',
    ],
)
def test_tag_with_a_word_outside_the_vocabulary_is_noted_and_never_quoted(tag: str) -> None:
    words = read_tags([tag])
    ((_, message, remedy),) = words.notes
    assert "Kamal" not in message + remedy
    assert words == TagWords(notes=words.notes, severity=words.severity)
    assert not any(words.severity.values())


@pytest.mark.parametrize(
    "tag",
    ["", "media", 'misp-galaxy:target="x"', 'osint:source-type="blog"', "x" * 300, 'symbolon:price="5"'],
)
def test_tag_that_says_nothing_of_a_signal_is_counted(tag: str) -> None:
    words = read_tags([tag])
    assert words.unread == 1
    assert not words.evidence


def test_tags_beyond_the_limit_are_not_read() -> None:
    words = read_tags(["x"] * MAX_TAGS + ["tlp:red"])
    assert words.notes[0][0] == "tags"
    assert not words.tlps


def test_strictest_of_several_marks_holds() -> None:
    assert read_tags(["tlp:green", "tlp:red", "tlp:amber"]).tlp is Tlp.RED
    assert read_tags([]).tlp is None


def test_of_two_words_where_one_can_hold_none_is_taken() -> None:
    notes: list[str] = []
    assert only_one({Level.LOW}, "likelihood", lambda *_: notes.append("")) is Level.LOW
    assert only_one(set[Level](), "likelihood", lambda *_: notes.append("")) is None
    assert not notes
    assert only_one({Level.LOW, Level.HIGH}, "likelihood", lambda name, *_: notes.append(name)) is None
    assert notes == ["likelihood"]
