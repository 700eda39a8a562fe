"""What entries of a log come to in a transparency report."""

from dataclasses import replace
from datetime import date

import pytest

from coalition_members import vetting
from report_logs import (
    COORDINATOR,
    FEBRUARY,
    JANUARY,
    LATER,
    MARCH,
    OTHERS,
    OWN,
    PURPOSES,
    hour_of,
    made,
    members,
    record,
    refused,
    row,
    scope,
    session,
    sessions,
)
from symbolon.audit.demand import NOTHING_SAID, Demand, DemandKind
from symbolon.audit.entry import Entry
from symbolon.audit.report import ActivityRow, BudgetUse, StandingRow, TransparencyReport
from symbolon.audit.report_scope import OTHER_PURPOSES, Budget
from symbolon.audit.report_tally import ReportRow
from symbolon.audit.small_counts import Shown
from symbolon.errors import AuditError

SMALL = Shown(0, 4)


def only(report: TransparencyReport) -> ActivityRow:
    (found,) = report.rows
    return found


def test_sessions_that_reach_the_threshold_stand_in_one_row() -> None:
    found = only(made(sessions(7, peer="birch")))
    assert found == ActivityRow(
        *("answering", "due-diligence", "intersection", "company"),
        *(Shown(5, 9), SMALL, SMALL),
        {},
        keys=5_000,
        entries=500,
    )


def test_asked_sessions_are_the_other_direction() -> None:
    report = made(sessions(5, event="asked", ends=[("learned", "")]))
    assert (only(report).direction, only(report).entries) == ("asking", 0)
    assert [(each.direction, each.sessions) for each in report.totals] == [("asking", 5), ("answering", 0)]


def test_kinds_are_those_of_the_other_member() -> None:
    report = made(
        [*sessions(5), *sessions(5, peer="elder"), *sessions(3, peer=COORDINATOR), *sessions(2, peer="iris")]
    )
    assert {each.group for each in report.rows} == {"company", "ngo", OTHERS}
    assert report.groups == {"company": ("company",), "ngo": ("ngo",), OTHERS: ("auditor", "coordinator")}


def test_failure_of_a_session_that_was_asked_counts_as_asking() -> None:
    report = made(sessions(5, event="asked", ends=[("failed", "unavailable")]))
    assert (only(report).direction, only(report).failed) == ("asking", Shown(5, 9))


def test_failure_before_anything_was_asked_counts_as_answering() -> None:
    entry = Entry("failed", "birch", "00" * 16, "intersection", PURPOSES[0], note="protocol.order")
    assert only(made([row(entry)] * 5)).direction == "answering"


def test_denial_heard_from_a_peer_is_a_denial_by_its_public_code() -> None:
    report = made(sessions(5, event="asked", ends=[("failed", "peer.permission.agreement")]))
    assert only(report).denied == {"permission.agreement": Shown(5, 9)}
    assert only(report).failed == SMALL
    assert dict(report.totals[0].denied) == {"permission.agreement": 5}


def test_denials_of_this_node_are_counted_by_code() -> None:
    report = made([*refused("budget.exhausted", number=5), *refused("permission.denied", number=10)])
    found = only(report)
    assert (found.direction, found.sessions) == ("answering", SMALL)
    assert found.denied == {"permission.denied": Shown(10, 14), "budget.exhausted": Shown(5, 9)}


def test_denied_invitation_to_ask_counts_as_asking() -> None:
    entry = Entry("denied", "birch", "", "size", PURPOSES[0], note="permission.denied")
    assert only(made([row(entry)] * 5)).direction == "asking"


def test_denied_reader_of_the_log_counts_as_answering() -> None:
    entry = Entry("denied", "birch", purpose=PURPOSES[0], note="read_audit")
    found = only(made([row(entry)] * 5))
    assert (found.direction, found.mode, dict(found.denied)) == ("answering", "other", {"other": Shown(5, 9)})


def test_results_without_counter_signature_are_counted() -> None:
    rows = [*sessions(5, ends=[("ended", "no receipt")]), *sessions(5, ends=[("ended", "")])]
    assert only(made(rows)).unsigned == Shown(5, 9)


def test_months_are_classed_apart_and_then_added() -> None:
    rows = [*sessions(9), *sessions(4, month=FEBRUARY), *sessions(6, month=MARCH)]
    found = only(made(rows, JANUARY, MARCH))
    assert found.sessions == Shown(10, 22)


def test_entries_outside_the_period_are_not_counted() -> None:
    assert not made([*sessions(9), *sessions(9, month=MARCH)], FEBRUARY).rows


def test_session_across_the_end_of_a_month_keeps_its_direction() -> None:
    rows: list[ReportRow] = []
    for _ in range(5):
        rows += session("asked")
        closing = dict(rows[-1].values or {}) | {"event": "failed", "note": "unavailable"}
        rows.append(ReportRow(OWN, None, closing | {"hour": str(hour_of(FEBRUARY, 0))}))
    assert only(made(rows, FEBRUARY)).direction == "asking"


def test_notices_are_counted() -> None:
    rows = [row(Entry("policy", ""))] * 6 + [row(Entry("agreed", "birch"))] * 4
    notices = made(rows).notices
    assert notices["changes of the policies in force"] == Shown(5, 9)
    assert notices["agreements that came into force"] == SMALL


@pytest.mark.parametrize(
    ("notice", "entries"),
    [
        ("signals added", [Entry("contributed", "", "5a", note="added")]),
        ("signals recalled", [Entry("contributed", "", "5a", note="recalled")]),
        ("narratives of signals given", [Entry("narrated", "birch", "5a")]),
        (
            "contests and replies of suppliers that other members passed on",
            [Entry("contested", "birch", "5a", "contest", note="taken")],
        ),
        ("corroborations by other members", [Entry("corroborated", "birch", "5a", note="given")]),
        (
            "answers to how many signals there are",
            [Entry("counted", "birch", note="counted now"), Entry("counted", "birch", note="as told before")],
        ),
    ],
)
def test_events_of_signals_are_counted_where_the_signal_is(notice: str, entries: list[Entry]) -> None:
    notices = made([row(each) for each in entries] * 6).notices
    assert {name for name, each in notices.items() if each != SMALL} == {notice}


@pytest.mark.parametrize(
    "entry",
    [
        Entry("counted", "birch", note="asked"),
        Entry("counted", "birch", note="told"),
        Entry("contested", "birch", "5a", "contest", note="relayed"),
        Entry("corroborated", "birch", "5a", note="told"),
        Entry("interested", "birch", "5a", "lookup", PURPOSES[0]),
        Entry("contributed", "", "5a", note="expired"),
        Entry("permitted", "birch", "5a", "lookup", PURPOSES[0], {"signals": 9}),
    ],
)
def test_events_of_signals_at_the_other_end_are_not_counted(entry: Entry) -> None:
    assert made([row(entry)] * 9) == made([])


def test_lookups_stand_apart_from_matches() -> None:
    report = made([*sessions(7, mode="lookup"), *sessions(6)])
    assert [each.mode for each in report.rows] == ["intersection", "lookup"]
    assert report.combinations == 2 * len(report.purposes) * 4 * len(report.groups)


def test_budget_use_is_told_in_quarters_that_are_full() -> None:
    report = made(sessions(6, keys=1_000), budget=Budget(12_000))
    assert report.budget == (BudgetUse(2026, "A", 2), BudgetUse(2026, "B", 0), BudgetUse(2026, "C", 0))


def test_size_mode_uses_the_budget_of_each_of_its_tiers() -> None:
    entry = Entry("answered", "birch", "ab" * 16, "size", PURPOSES[0], {"elements_AB": 1_000})
    report = made([row(entry)] * 5, budget=Budget(5_000))
    assert [each.quarters for each in report.budget] == [4, 4, 0]


def test_standing_counts_records_that_lapsed_in_the_period() -> None:
    lapsed = vetting(lapses=date(2026, 2, 15), on=date(2026, 2, 1))
    names = [f"member-{number}" for number in range(9)]
    records = [record(each) for each in names]
    records = [
        replace(each, due_diligence=replace(each.due_diligence, vetting=lapsed)) for each in records[:6]
    ] + records[6:]
    of = replace(members(), members=tuple(records))
    report = made([], FEBRUARY, of=of, logs=(names[0],))
    assert report.standing[0] == StandingRow("company", "vetting", Shown(5, 9))
    assert [each.members for each in report.standing[1:]] == [SMALL, SMALL]
    assert made([], JANUARY, of=of, logs=(names[0],)).standing[0].members == SMALL


def test_expired_entries_leave_their_month_out() -> None:
    rows = [ReportRow(OWN, hour_of(JANUARY), None), *sessions(7), *sessions(8, month=FEBRUARY)]
    report = made(rows, JANUARY, FEBRUARY)
    assert report.left_out == ("2026-01",)
    assert only(report).sessions == Shown(5, 9)


def test_closed_entries_leave_out_every_month_they_may_be_of() -> None:
    closed = ReportRow(OWN, None, None)
    rows = [closed, *sessions(5), closed, *sessions(5, month=MARCH)]
    with pytest.raises(AuditError) as caught:
        made(rows, JANUARY, MARCH)
    assert caught.value.full_code == "audit.report.nothing"
    report = made([*sessions(5), *sessions(5, month=FEBRUARY), closed], JANUARY, MARCH)
    assert report.left_out == ("2026-02", "2026-03")


def test_closed_entries_leave_out_no_month_after_the_next_open_one() -> None:
    rows = [*sessions(5), ReportRow(OWN, None, None), *sessions(5, month=FEBRUARY), *sessions(5, month=MARCH)]
    report = made(rows, JANUARY, MARCH)
    assert report.left_out == ("2026-01", "2026-02")
    assert only(report).sessions == Shown(5, 9)


def test_nothing_of_a_month_that_is_left_out_is_counted() -> None:
    demand = Demand(DemandKind.ORDER, "DE").entry()
    said = [*sessions(9), *[row(Entry("policy", ""))] * 9, *[row(demand)] * 9]
    report = made([*said, ReportRow(OWN, hour_of(JANUARY), None)], JANUARY, FEBRUARY, budget=Budget(1))
    assert report.rows == ()
    assert {each.sessions for each in report.totals} == {0}
    assert set(report.notices.values()) == {SMALL}
    assert {each.quarters for each in report.budget} == {0}
    assert report.demands == NOTHING_SAID


def test_month_in_which_the_log_was_read_is_left_out() -> None:
    report = made(sessions(5), JANUARY, FEBRUARY, logs={OWN: hour_of(FEBRUARY, 600)})
    assert report.left_out == ("2026-02",)
    assert only(report).sessions == Shown(5, 9)


def test_entry_that_is_open_in_part_is_refused() -> None:
    (first, *_) = session()
    values = {name: value for name, value in (first.values or {}).items() if name != "note"}
    with pytest.raises(AuditError) as caught:
        made([ReportRow(OWN, None, values)])
    assert caught.value.full_code == "audit.report.closed"


def test_log_of_nobody_in_the_coalition_is_refused() -> None:
    with pytest.raises(AuditError, match="no member"):
        scope(logs=("stranger",))
    with pytest.raises(AuditError, match="at least one"):
        scope(logs=())
    with pytest.raises(AuditError, match="not one of the report's"):
        made(sessions(1, member_id="birch"))


def test_logs_of_several_members_are_classed_apart() -> None:
    rows = [*sessions(4, peer="fir"), *sessions(9, member_id="cedar", peer="gorse")]
    report = made(rows, logs=(OWN, "cedar"))
    assert (report.cells, only(report).sessions) == (2, Shown(5, 13))


def test_joint_logs_are_classed_together() -> None:
    rows = [*sessions(4, peer="fir"), *sessions(4, member_id="cedar", peer="gorse")]
    assert not made(rows, logs=(OWN, "cedar")).rows
    report = made(rows, logs=(OWN, "cedar"), joint=True)
    assert (report.cells, only(report).sessions) == (1, Shown(5, 9))


def test_joint_logs_are_whole_only_where_each_is() -> None:
    report = made(
        sessions(9, month=JANUARY, peer="fir"),
        JANUARY,
        FEBRUARY,
        logs={OWN: LATER, "cedar": hour_of(FEBRUARY)},
        joint=True,
    )
    assert (report.left_out, report.cells) == (("2026-02",), 1)


def test_members_are_named_only_where_that_is_chosen() -> None:
    assert made([]).names == ()
    assert made([], named=True).names == (OWN,)
    assert sum(made([]).logs.values()) == 1


def test_unknown_purpose_is_counted_with_other_purposes() -> None:
    assert only(made(sessions(5, purpose="made-up"))).purpose == OTHER_PURPOSES
