"""Attacks on a transparency report: on what it publishes, through what it counts, and on who publishes it."""

from dataclasses import replace

import pytest

from report_logs import (
    COMPANIES,
    FEBRUARY,
    JANUARY,
    MARCH,
    NGOS,
    OTHERS,
    OWN,
    PURPOSES,
    made,
    members,
    refused,
    row,
    sessions,
)
from symbolon.audit.demand import Demand, DemandKind
from symbolon.audit.entry import Entry
from symbolon.audit.report_html import report_html
from symbolon.audit.report_json import report_json
from symbolon.audit.report_scope import OTHER_PURPOSES, Budget
from symbolon.audit.small_counts import Shown
from symbolon.errors import AuditError

SMALL = range(5)


def test_differencing_rows_against_totals_tells_nothing_of_the_row_that_is_missing() -> None:
    around = [*sessions(9, peer="elder"), *sessions(9, peer="hazel"), *sessions(9, mode="size")]
    reports = [made([*around, *sessions(number)]) for number in SMALL]
    assert len({report_json(each) for each in reports}) == 1
    answering = reports[0].totals[1]
    assert answering.sessions - sum(each.sessions.at_least for each in reports[0].rows) == 0


def test_differencing_this_month_against_last_month_tells_nothing_of_the_month_between() -> None:
    pairs = set()
    for number in SMALL:
        rows = [*sessions(9), *sessions(number, month=FEBRUARY), *sessions(9, month=MARCH)]
        periods = ((JANUARY, MARCH), (JANUARY, FEBRUARY), (FEBRUARY, MARCH), (JANUARY, JANUARY))
        pairs.add(tuple(report_json(made(rows, *period)) for period in periods))
    assert len(pairs) == 1


def test_differencing_two_sets_of_members_tells_nothing_of_the_one_that_came() -> None:
    pairs = set()
    for number in SMALL:
        rows = sessions(9, peer="elder")
        more = [*rows, *sessions(number, peer="elder", member_id="cedar")]
        pairs.add((report_json(made(rows)), report_json(made(more, logs=(OWN, "cedar")))))
    # That another log is covered shows; what is in it does not.
    assert len(pairs) == 1


def test_differencing_the_two_ends_of_a_session_tells_nothing() -> None:
    """In a report over both logs the asker's column would say what the answerers' small ones add up to."""
    rows = []
    for peer in ("birch", "cedar", "delta"):
        rows += sessions(4, event="asked", peer=peer, purpose=PURPOSES[1])
        rows += sessions(4, peer=OWN, member_id=peer, purpose=PURPOSES[1])
    of = members(companies=(*COMPANIES, "kauri", "larch"))
    both = made(rows, of=of, logs=(OWN, "birch", "cedar", "delta"))
    assert both.rows == ()
    assert [each.sessions for each in both.totals] == [0, 0]


def test_single_member_of_a_kind_is_counted_with_others() -> None:
    of = members(ngos=NGOS[:1], coordinators=(), auditors=())
    report = made(sessions(9, peer=NGOS[0]), of=of)
    assert report.groups == {OTHERS: ("company", "ngo")}
    assert {each.group for each in report.rows} == {OTHERS}
    assert report_json(report) == report_json(made(sessions(9, peer="birch"), of=of))


def test_only_other_member_of_the_own_kind_is_counted_with_others() -> None:
    of = members(companies=COMPANIES[:2])
    report = made(sessions(9, peer="birch"), of=of)
    assert report.groups[OTHERS] == ("auditor", "company", "coordinator")


def test_expelled_members_do_not_pad_a_group() -> None:
    of = members(ngos=NGOS[:1], coordinators=(), auditors=(), expelled=("kauri", "larch", "maple"))
    assert made([], of=of).groups == {OTHERS: ("company", "former members", "ngo")}


def test_coalition_of_three_publishes_nothing() -> None:
    of = members(companies=COMPANIES[:2], ngos=NGOS[:1], coordinators=(), auditors=())
    with pytest.raises(AuditError) as caught:
        made(sessions(50), of=of)
    assert caught.value.full_code == "audit.report.few_members"


def test_zero_cells_look_like_four() -> None:
    for peer in ("birch", "elder", "hazel"):
        for event in ("asked", "answered"):
            assert report_html(made(sessions(4, event=event, peer=peer))) == report_html(made([]))


def test_keys_entries_and_budget_of_few_sessions_do_not_show() -> None:
    few = made(sessions(4, keys=10**9), budget=Budget(1_000))
    assert report_json(few) == report_json(made([], budget=Budget(1_000)))


def test_failures_and_denials_of_few_do_not_show_beside_many_sessions() -> None:
    many = sessions(20, event="asked")
    alone = made([*many, *sessions(4, event="asked")])
    failed = made([*many, *sessions(4, event="asked", ends=[("failed", "unavailable")])])
    denied = made([*many, *sessions(4, event="asked", ends=[("failed", "peer.permission.denied")])])
    assert report_json(alone) == report_json(failed) == report_json(denied)


def test_notices_of_few_do_not_show() -> None:
    few = [Entry(event, "birch") for event in ("offered", "agreed", "disagreed", "contradicted", "narrated")]
    few += [Entry("counted", "birch", note="counted now"), Entry("contributed", "", "5a", note="added")]
    for entry in few:
        assert report_json(made([row(entry)] * 4)) == report_json(made([]))


def test_agreement_of_two_logs_is_counted_once() -> None:
    rows = [row(Entry("agreed", "cedar"))] * 5 + [row(Entry("agreed", OWN), member_id="cedar")] * 5
    report = made(rows, logs=(OWN, "cedar"))
    assert report.notices["agreements that came into force"] == Shown(5, 13)


def test_lower_threshold_beside_a_higher_one_tells_no_more() -> None:
    with pytest.raises(Exception, match="multiple of 5"):
        made([], threshold=7)
    for lower in SMALL:
        rows = [*sessions(9), *sessions(lower, peer="elder")]
        assert report_json(made(rows, threshold=10)) == report_json(made([], threshold=10))


def test_peer_that_asks_for_made_up_purposes_and_modes_names_nothing_in_the_report() -> None:
    bait = [*sessions(9, purpose="call-me-now"), *sessions(9, mode="covert")]
    report = made([*bait, *refused("permission.you-are-next", number=9)])
    text = report_html(report) + report_json(report).decode()
    assert not any(word in text for word in ("call-me-now", "covert", "you-are-next"))
    assert {each.purpose for each in report.rows} == {PURPOSES[0], OTHER_PURPOSES}


def test_peer_cannot_make_a_row_by_its_name() -> None:
    report = made(sessions(9, peer="nobody-we-know"))
    assert {each.group for each in report.rows} == {OTHERS}
    assert "nobody-we-know" not in report_html(report)


def test_untold_demand_looks_like_a_member_that_never_makes_the_statement() -> None:
    for kind in DemandKind:
        untold = made([row(Demand(kind, "DE", told=False).entry())])
        assert report_json(untold) == report_json(made([], demands=False))
        assert report_html(untold) == report_html(made([], demands=False))


def test_untold_demand_is_in_no_number() -> None:
    told = Demand(DemandKind.ORDER, "DE")
    one = made([row(told.entry())] * 4)
    more = made([*[row(told.entry())] * 4, *[row(replace(told, told=False).entry())] * 40])
    assert more.demands.rows == one.demands.rows


def test_demand_note_that_carries_its_text_is_refused() -> None:
    smuggled = Entry("demanded", "", note="order of an authority in DE: all about birch")
    with pytest.raises(AuditError) as caught:
        made([row(smuggled)])
    assert caught.value.full_code == "audit.demand"


def test_month_that_lost_entries_is_left_out_and_not_reported_lower() -> None:
    """A second report on a month, after some of it expired, would tell what the lost days held."""
    rows = [*sessions(9), *sessions(9, month=FEBRUARY)]
    expired = [rows[0]._replace(hour=int((rows[0].values or {})["hour"]), values=None), *rows[1:]]
    report = made(expired, JANUARY, FEBRUARY)
    assert report.left_out == ("2026-01",)
    assert [each.sessions for each in report.totals] == [0, 5]
