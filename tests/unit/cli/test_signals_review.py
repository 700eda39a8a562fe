"""`symbolon signals review`: what is due, kept, listed; and `words`, `schema`."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from contributing_ngo import Contributor, ahead, contributor
from symbolon.signals.draft import REVIEW_DAYS
from symbolon.signals.signal_file import json_schema
from symbolon.signals.vocabulary import Evidence, Indicator, RecallReason, Tlp
from whole_day import within_one_day


@pytest.fixture(autouse=True)
def one_day() -> None:
    within_one_day()


@pytest.fixture(scope="module")
def ngo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Contributor]:
    with contributor(tmp_path_factory.mktemp("coalition")) as made:
        yield made


def due_signal(ngo: Contributor) -> str:
    """A signal whose day of review is today: there is no other day to be had without another clock."""
    with ngo.node() as node:
        today = node.now.date()
    return ngo.add("--review", today.isoformat())


def test_review_lists_what_is_due_and_says_what_to_do(ngo: Contributor) -> None:
    due, later = due_signal(ngo), ngo.add()
    said = ngo.run("review")
    assert due[:8] in said.out
    assert later[:8] not in said.out
    assert "review is due" in said.out
    assert "--keep SIGNAL" in said.talk
    assert due in [each["signal_id"] for each in ngo.run("review", "--json").json]
    assert "due for review" in ngo.run("list").talk


def test_review_keep_sets_the_next_day_and_no_more(ngo: Contributor) -> None:
    one, two = due_signal(ngo), due_signal(ngo)
    ngo.run("review", "--keep", one[:8], "--keep", two)
    with ngo.node() as node:
        today = node.now.date()
    for each in (one, two):
        document = ngo.run("show", each, "--json").json
        assert document["review"] == (today + timedelta(days=REVIEW_DAYS)).isoformat()
        assert (document["revision"], document["review_due"]) == (2, False)
    ngo.run("review", "--keep", one, "--until", ahead(1))
    assert ngo.run("show", one, "--json").json["review"] == ahead(1)


def test_review_keep_never_goes_past_the_end_of_a_signal(ngo: Contributor) -> None:
    with ngo.node() as node:
        today = node.now.date()
    ends = (today + timedelta(days=20)).isoformat()
    hex_id = ngo.add("--expires", ends, "--review", today.isoformat())
    ngo.run("review", "--keep", hex_id)
    assert ngo.run("show", hex_id, "--json").json["review"] == ends


@pytest.mark.parametrize(
    ("words", "code"),
    [((f"--until={ahead(1)}",), 2), (("--keep=00000000",), 65), (("--keep=x", "--until=soon"), 65)],
)
def test_review_that_cannot_be_says_so(ngo: Contributor, words: tuple[str, ...], code: int) -> None:
    assert "symbolon: error: " in ngo.run("review", *words, code=code).talk


def test_review_keep_until_a_day_that_has_come_is_refused(ngo: Contributor) -> None:
    hex_id = due_signal(ngo)
    assert "has come already" in ngo.run("review", "--keep", hex_id, "--until", "2026-01-01", code=2).talk
    assert ngo.run("show", hex_id, "--json").json["revision"] == 1


# ----------------------------------------------------------------------------------------------- words


def test_words_has_every_word_with_what_it_means(ngo: Contributor) -> None:
    text = ngo.run("words").out
    for kind in (Indicator, Evidence, Tlp, RecallReason):
        assert all(f"  {each.value} " in text for each in kind)
    document = ngo.run("words", "--json").json
    assert [each["word"] for each in document["indicators"]] == [each.value for each in Indicator]
    assert all(each["meaning"] for each in document["indicators"])
    assert [each["level"] for each in document["scale"]] == [1, 2, 3, 4]
    assert {each["scheme"] for each in document["native_grades"]} >= {"SMETA", "SA8000"}


def test_words_and_schema_need_no_node(ngo: Contributor) -> None:
    home, ngo.home = ngo.home, ngo.folder / "none"
    try:
        assert ngo.run("schema").json == json_schema()
        assert ngo.run("words").out
    finally:
        ngo.home = home
