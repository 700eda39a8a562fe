"""Classes of counts and groups of members, in single cases."""

import pytest

from symbolon.audit.small_counts import (
    FORMER_MEMBERS,
    OTHER_MEMBERS,
    Shown,
    class_of,
    group_kinds,
    magnitude,
    require_threshold,
    show,
)
from symbolon.errors import UsageError


@pytest.mark.parametrize(("count", "shown"), [(0, 0), (4, 0), (5, 5), (9, 5), (10, 10)])
def test_class_of_count_is_its_lower_multiple(count: int, shown: int) -> None:
    assert class_of(count, 5) == shown


def test_show_adds_classes_not_counts() -> None:
    assert show([4, 4, 4], 3, 5) == Shown(0, 12)
    assert show([9, 4], 3, 5) == Shown(5, 17)


@pytest.mark.parametrize("threshold", [4, 0, -5, 7, 1_005])
def test_threshold_lower_or_odd_is_refused(threshold: int) -> None:
    with pytest.raises(UsageError):
        require_threshold(threshold)


def test_threshold_higher_multiple_is_taken() -> None:
    assert [require_threshold(each) for each in (5, 10, 1_000)] == [5, 10, 1_000]


@pytest.mark.parametrize(
    ("amount", "shown"), [(0, 0), (1, 1), (4, 2), (5, 5), (9_999, 5_000), (10_000, 10_000), (25_000, 20_000)]
)
def test_magnitude_is_a_lower_step(amount: int, shown: int) -> None:
    assert magnitude(amount) == shown


def test_kinds_with_enough_members_stand_alone() -> None:
    assert group_kinds({"company": 3, "ngo": 4}).names == ("company", "ngo")


def test_kinds_with_too_few_are_merged() -> None:
    groups = group_kinds({"company": 3, "ngo": 2, "coordinator": 1, "auditor": 0})
    assert groups.names == ("company", OTHER_MEMBERS)
    assert groups.of("ngo") == groups.of("coordinator") == OTHER_MEMBERS


def test_single_member_of_a_kind_takes_the_smallest_other_kind_with_it() -> None:
    groups = group_kinds({"company": 9, "ngo": 3, "coordinator": 1})
    assert groups.names == ("company", OTHER_MEMBERS)
    assert groups.of("ngo") == OTHER_MEMBERS


def test_former_members_hide_nobody() -> None:
    groups = group_kinds({"company": 9, "ngo": 2, FORMER_MEMBERS: 40})
    assert groups.names == (OTHER_MEMBERS,)


@pytest.mark.parametrize("sizes", [{}, {"company": 2}, {"company": 1, "ngo": 1, FORMER_MEMBERS: 9}])
def test_too_few_members_make_no_group(sizes: dict[str, int]) -> None:
    assert group_kinds(sizes).names == ()


def test_unknown_member_is_counted_with_the_smallest_group() -> None:
    assert group_kinds({"company": 9, "ngo": 3}).of(None) == "ngo"
    assert group_kinds({"company": 9, "ngo": 1}).of(None) == OTHER_MEMBERS
