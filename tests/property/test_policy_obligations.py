"""Obligations: one text for one set, and a merge that neither order nor repetition changes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from symbolon.errors import PolicyError
from symbolon.policy.obligations import (
    MAX_CONTRIBUTORS,
    MAX_DAYS,
    MAX_MERGED_CHARS,
    NOTHING,
    Coarsen,
    CountOnly,
    Delay,
    HumanReview,
    MinCorroboration,
    NoOnward,
    Notified,
    NotifySupplier,
    Obligations,
    Period,
    Redact,
    Retain,
    obligations_of,
    parse_obligations,
    strictest,
)

DAYS = st.integers(1, MAX_DAYS)
OBLIGATION = st.one_of(
    st.frozensets(st.from_regex(r"[a-z][a-z0-9_]{0,31}", fullmatch=True), min_size=1, max_size=8).map(Redact),
    st.sampled_from(Period).map(Coarsen),
    DAYS.map(Delay),
    st.just(NoOnward()),
    DAYS.map(Retain),
    st.just(HumanReview()),
    st.just(CountOnly()),
    st.integers(2, MAX_CONTRIBUTORS).map(MinCorroboration),
    st.builds(NotifySupplier, st.sampled_from(Notified), st.integers(0, MAX_DAYS)),
)
SETS = st.lists(OBLIGATION, max_size=12).map(obligations_of)


@given(SETS)
def test_obligations_text_is_read_back_the_same(each: Obligations) -> None:
    if each == NOTHING:
        assert each.text() == ""
        return
    read = parse_obligations(each.text(), limit_chars=MAX_MERGED_CHARS)
    assert read == each
    assert read.text() == each.text()


@given(SETS, SETS)
def test_strictest_does_not_depend_on_order(one: Obligations, other: Obligations) -> None:
    assert strictest(one, other) == strictest(other, one)


@given(SETS, SETS, SETS)
def test_strictest_does_not_depend_on_grouping(a: Obligations, b: Obligations, c: Obligations) -> None:
    assert strictest(strictest(a, b), c) == strictest(a, strictest(b, c)) == strictest(a, b, c)


@given(SETS)
def test_strictest_of_the_same_twice_is_the_same(each: Obligations) -> None:
    assert strictest(each, each) == each == strictest(each) == strictest(NOTHING, each)


@given(st.text(max_size=200))
def test_parse_obligations_of_any_text_is_read_to_the_letter_or_refused(text: str) -> None:
    try:
        read = parse_obligations(text)
    except PolicyError:
        return
    assert parse_obligations(read.text()) == read


@given(SETS.filter(lambda each: 0 < len(each.text()) <= 900), st.data())
def test_parse_obligations_with_one_character_changed_is_refused_or_says_something_else(
    each: Obligations, data: st.DataObject
) -> None:
    text = each.text()
    at = data.draw(st.integers(0, len(text) - 1))
    changed = text[:at] + data.draw(st.sampled_from("(),;x0-. \n\x00é")) + text[at + 1 :]
    try:
        read = parse_obligations(changed)
    except PolicyError:
        return
    assert read != each or changed.replace(" ", "") == text.replace(" ", "")


@pytest.mark.parametrize("repeated", ["no_onward; no_onward", "delay(1); delay(2)"])
def test_parse_obligations_with_a_kind_twice_is_refused(repeated: str) -> None:
    with pytest.raises(PolicyError):
        parse_obligations(repeated)
