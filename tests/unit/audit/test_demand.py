"""Demands of authorities: the entry, and what a report says of them."""

import pytest

from report_logs import FEBRUARY, JANUARY, OWN, made, row
from symbolon.audit.demand import NOTHING_SAID, Demand, DemandKind, DemandRow, read_demand
from symbolon.audit.entry import Entry
from symbolon.audit.report_tally import ReportRow
from symbolon.audit.small_counts import Shown
from symbolon.errors import AuditError, MembershipError


def demand(kind: str = "warrant", country: str = "DE", *, told: bool = True) -> Entry:
    return Demand(DemandKind(kind), country, told).entry()


@pytest.mark.parametrize("kind", list(DemandKind))
@pytest.mark.parametrize("told", [True, False])
def test_demand_entry_is_read_as_it_was_written(kind: DemandKind, told: bool) -> None:
    made_up = Demand(kind, "KE", told)
    assert read_demand(made_up.entry().note) == made_up


def test_demand_of_no_country_is_refused() -> None:
    with pytest.raises(MembershipError):
        Demand(DemandKind.ORDER, "Kenya")


@pytest.mark.parametrize(
    "note",
    ["", "a letter", "warrant DE", "warrant of an authority in DE, told", "order of an authority in de"],
)
def test_demand_in_another_form_is_refused(note: str) -> None:
    with pytest.raises(AuditError) as caught:
        read_demand(note)
    assert caught.value.full_code == "audit.demand"


def test_report_without_demands_says_so_with_its_date() -> None:
    found = made([row(demand(), FEBRUARY)], JANUARY).demands
    assert found.statement == "none"
    assert found.sentence.startswith("As of 2026-09-01, no demand of an authority for data is recorded.")
    assert "the member whose log" in found.sentence
    assert "2026-01-01 to 2026-01-31" in found.sentence


def test_report_counts_demands_by_country_and_kind() -> None:
    rows = [row(demand())] * 5 + [row(demand("request"))] + [row(demand(country="KE"))]
    found = made(rows).demands
    assert found.statement == "all"
    assert found.rows == (
        DemandRow("DE", "request", Shown(0, 4)),
        DemandRow("DE", "warrant", Shown(5, 9)),
        DemandRow("KE", "warrant", Shown(0, 4)),
    )


def test_report_over_several_logs_says_how_many_it_covers() -> None:
    assert "each of the 2 members" in made([], logs=(OWN, "cedar")).demands.sentence


def test_untold_demand_beside_told_ones_takes_the_claim_that_they_are_all() -> None:
    found = made([row(demand()), row(demand(told=False))]).demands
    assert (found.statement, len(found.rows)) == ("some", 1)
    assert "are all" not in found.sentence


def test_untold_demand_takes_the_sentence_away() -> None:
    assert made([row(demand(told=False))]).demands == NOTHING_SAID


def test_untold_demand_of_another_month_takes_nothing_away() -> None:
    assert made([row(demand(told=False), FEBRUARY)]).demands.statement == "none"


def test_month_that_was_not_read_in_full_gets_no_sentence() -> None:
    expired = ReportRow(OWN, int((row(demand()).values or {})["hour"]), None)
    assert made([expired], JANUARY, FEBRUARY).demands == NOTHING_SAID
