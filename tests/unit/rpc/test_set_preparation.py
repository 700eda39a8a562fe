"""The nine obligations where a match set is prepared: which of the own suppliers a peer may be given."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from symbolon.cli.made_up_suppliers import made_up_supplier
from symbolon.policy.obligations import parse_obligations
from symbolon.rpc.set_preparation import permitted_suppliers
from symbolon.storage.database import Database
from symbolon.storage.seal import Sealer
from symbolon.storage.supplier_import import import_list
from symbolon.storage.supplier_store import SupplierStore

START = datetime(2026, 11, 1, 10, tzinfo=UTC)
"""When the first list was imported."""


class Records(SimpleNamespace):
    """A list to import: the made-up suppliers of these numbers."""

    def __init__(self, *numbers: int, **changed: Any) -> None:
        super().__init__(encoding=None, total_bytes=1, bytes_read=1)
        self.numbers, self.changed = numbers, changed

    def __iter__(self) -> Iterator[Any]:
        for number in self.numbers:
            yield made_up_supplier(self.changed.get(f"s{number}", number), f"S-{number}")


@dataclass
class Owner:
    """What of a node the preparation looks at: its list and its clock."""

    database: Database
    now: datetime = START

    def __post_init__(self) -> None:
        self._sealer = Sealer(bytes(range(32)))
        self.suppliers = SupplierStore(self.database, self._sealer)

    def take_in(self, *numbers: int, **changed: Any) -> None:
        records = Records(*numbers, **changed)
        clock = self.now.timestamp
        import_list(self.database, self._sealer, records, clock=clock, workers=0, allow_shrink=True)

    def permitted(self, obligation: str, mode: str = "intersection") -> int | None:
        """How many suppliers birch may be given under an obligation; None: all, without a look at them."""
        found = permitted_suppliers(self, parse_obligations(obligation), "birch", mode)  # type: ignore[arg-type]
        if found is None:
            return None
        assert found.tolist() == sorted(set(found.tolist()))
        return len(found)


@pytest.fixture
def owner(tmp_path: Path) -> Iterator[Owner]:
    with Database.open(f"sqlite:///{tmp_path}/node.db", create=True) as database:
        made = Owner(database)
        made.take_in(1, 2, 3)
        made.now += timedelta(days=10)
        made.take_in(1, 2, 3, 4, 5)
        yield made


@pytest.mark.parametrize("mode", ["size", "intersection"])
@pytest.mark.parametrize(
    ("obligation", "permitted"),
    [
        # A match has no fields and no period, and terms bind the receiver.
        ("redact(city, sector)", None),
        ("coarsen(year)", None),
        ("no_onward", None),
        ("retain(30)", None),
        ("redact(city); coarsen(month); no_onward; retain(1)", None),
        # Three have been known for ten days, two since today.
        ("delay(1)", 3),
        ("delay(10)", 3),
        ("delay(11)", 0),
        # Nothing here can show that these are met.
        ("human_review", 0),
        ("min_corroboration(2)", 0),
        ("notify_supplier(supplier, 0)", 0),
        ("notify_supplier(site, 30)", 0),
        ("notify_supplier(contributor, 0)", 0),
        # Of several all have to be met.
        ("delay(1); retain(30); no_onward", 3),
        ("delay(1); human_review", 0),
    ],
)
def test_permitted_suppliers_under_an_obligation(
    owner: Owner, obligation: str, mode: str, permitted: int | None
) -> None:
    assert owner.permitted(obligation, mode) == permitted


@pytest.mark.parametrize(("obligation", "counted"), [("count_only", 5), ("count_only; delay(5)", 3)])
def test_permitted_suppliers_that_only_count_are_in_no_labelled_set(
    owner: Owner, obligation: str, counted: int
) -> None:
    assert owner.permitted(obligation) == 0
    assert owner.permitted(obligation, "size") == counted


def test_permitted_suppliers_that_only_count_and_wait_for_a_person_do_not_count(owner: Owner) -> None:
    assert owner.permitted("count_only; human_review", "size") == 0


def test_permitted_suppliers_become_more_on_the_day_their_delay_ends(owner: Owner) -> None:
    """Whole days by UTC: a list of 10 in the morning waits until the midnight that completes them."""
    days = {}
    for hours in (0, 13, 14, 24 * 4 + 13, 24 * 4 + 14):
        owner.now = START + timedelta(days=10, hours=hours)
        days[hours] = owner.permitted("delay(5)")
    assert days == {0: 3, 13: 3, 14: 3, 24 * 4 + 13: 3, 24 * 4 + 14: 5}


def test_permitted_supplier_whose_record_changed_waits_anew_and_never_leaves_earlier(owner: Owner) -> None:
    """The node keeps no older record to show since when it knew the supplier, so it withholds it."""
    owner.take_in(1, 2, 3, 4, 5, s1=901, s4=904)
    assert owner.permitted("delay(5)") == 2
    owner.now += timedelta(days=5)
    assert owner.permitted("delay(5)") == 5


def test_permitted_suppliers_of_a_clock_that_went_back_are_withheld(owner: Owner) -> None:
    owner.now = START - timedelta(days=400)
    assert owner.permitted("delay(1)") == 0


def test_permitted_suppliers_of_an_empty_list_are_none(tmp_path: Path) -> None:
    with Database.open(f"sqlite:///{tmp_path}/empty.db", create=True) as database:
        assert Owner(database).permitted("delay(1)") == 0
