"""Who will be able to see what, in words: groups, fields, days, reasons; and what is so for everybody."""

from datetime import date, timedelta
from typing import Any

import pytest

from signal_makers import TODAY, make_signal
from symbolon.cli.signals_audience import audience_json, audience_lines, day_words
from symbolon.policy.obligations import NOTHING, Obligations, parse_obligations
from symbolon.rpc.signal_audience import Barrier, Reason, Seen, View
from symbolon.signals.signal import Native, Signal

PURPOSE = ("due-diligence",)
SIGNAL = make_signal(native=Native("SMETA", "Critical"))
TIERS = ("A", "B", "C")


def view(
    obligations: str = "",
    since: date = TODAY,
    tiers: tuple[str, ...] = TIERS,
    purposes: tuple[str, ...] = PURPOSE,
) -> View:
    shape = parse_obligations(obligations) if obligations else NOTHING
    return View(purposes, tiers, shape, since)


def seen(member: str, *views: View, kind: str = "company", why: tuple[Reason, ...] = ()) -> Seen:
    return Seen(member, kind, views, why)


def lines(*found: Seen, signal: Signal = SIGNAL, **options: Any) -> list[str]:
    return list(audience_lines(found, signal, TODAY, **options))


def test_lines_say_everything_and_since_when_and_for_what() -> None:
    bare = make_signal(narrative="")
    assert lines(seen("birch", view()), signal=bare) == ["birch: everything, from now on, for due-diligence"]
    later = view(since=date(2026, 12, 6), purposes=("due-diligence", "remediation"))
    (line,) = lines(seen("birch", later), signal=bare)
    assert line == "birch: everything, from 6 December 2026, for due-diligence and remediation"


@pytest.mark.parametrize(
    ("obligations", "words"),
    [
        ("", "everything (the narrative when it asks for that)"),
        ("redact(narrative)", "everything but the narrative"),
        ("redact(evidence, indicators)", "but the indicators and the kind of evidence (the narrative"),
        ("redact(city)", "everything (the narrative when it asks for that)"),
        ("coarsen(quarter)", "all its times as whole quarters"),
        ("no_onward; retain(90)", "not to be passed on; to be erased after 90 days"),
        ("redact(native, period, severity)", "the severity, the grade of its own scheme and the period"),
    ],
)
def test_lines_say_what_is_left_out_and_what_binds(obligations: str, words: str) -> None:
    (line,) = lines(seen("birch", view(obligations)))
    assert words in line


def test_lines_of_a_field_that_the_signal_does_not_have_say_nothing_of_it() -> None:
    bare = make_signal(narrative="", confidence=None)
    (line,) = lines(seen("birch", view("redact(narrative, confidence)")), signal=bare)
    assert line.startswith("birch: everything, from now on")


def test_lines_say_by_which_tier_alone_it_may_be_found() -> None:
    (line,) = lines(seen("birch", view(tiers=("B",))))
    assert "if it asks by tier B" in line
    assert "by tier" not in lines(seen("birch", view()))[0]


def test_lines_group_members_that_see_the_same_and_name_three() -> None:
    same = [seen(each, view()) for each in ("alder", "birch", "cedar", "dogwood", "elm")]
    (line,) = lines(*same)
    assert line.startswith("alder, birch, cedar and 2 more companies: ")
    (line,) = lines(*same[:4])
    assert line.startswith("alder, birch, cedar and dogwood: ")
    mixed = [*same, seen("watch", view(), kind="ngo")]
    assert lines(*mixed)[0].startswith("alder, birch, cedar and 3 more members: ")
    assert "elm" in lines(*same, every_name=True)[0]


def test_lines_put_those_who_see_something_first() -> None:
    nothing = seen("alder", why=(Reason(Barrier.RECIPIENTS),))
    found = lines(nothing, seen("birch", view()))
    assert [each.partition(":")[0] for each in found] == ["birch", "alder"]


def test_lines_where_nobody_sees_anything_begin_by_saying_so() -> None:
    found = lines(seen("alder", why=(Reason(Barrier.NO_PERMIT),)))
    assert found[0] == "nobody, as things stand:"
    assert lines() == ["nobody: the coalition has no other member"]


@pytest.mark.parametrize("barrier", list(Barrier))
def test_lines_have_words_for_every_barrier(barrier: Barrier) -> None:
    (_, line) = lines(seen("alder", why=(Reason(barrier, PURPOSE, "x\x1b[2J"),)))
    assert line.startswith("alder: nothing, because ")
    assert line.endswith(", for due-diligence")
    assert "\x1b" not in line
    assert barrier.value not in line or " " in line


def test_lines_say_both_what_is_seen_and_what_is_not() -> None:
    both = seen("birch", view(), why=(Reason(Barrier.NO_PERMIT, ("remediation",)),))
    first, second = lines(both)
    assert first.startswith("birch: everything")
    assert second.startswith("birch: nothing else, because no [[allow]] table")
    assert second.endswith("for remediation")


def test_json_has_every_member_with_its_own() -> None:
    shape = "redact(narrative); coarsen(year); no_onward; retain(9)"
    document = audience_json([seen("birch", view(shape, TODAY + timedelta(days=1)))])
    assert document == [
        {
            "member": "birch",
            "kind": "company",
            "views": [
                {
                    "purposes": ["due-diligence"],
                    "tiers": ["A", "B", "C"],
                    "since": "2026-07-02",
                    "withheld": ["narrative"],
                    "coarsen": "year",
                    "no_onward": True,
                    "retain_days": 9,
                }
            ],
            "reasons": [],
        }
    ]
    (member,) = audience_json([seen("birch", View(PURPOSE, TIERS, Obligations(), TODAY))])
    assert member["views"][0]["coarsen"] is None


def test_day_words_are_those_of_a_letter() -> None:
    assert day_words(date(2026, 12, 6)) == "6 December 2026"
