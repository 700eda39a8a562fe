"""The demonstration's yardstick notices every way in which a result can be wrong."""

from pathlib import Path

import pytest

from symbolon.cli.demo_check import ClearMatch, clear_join, require_equal
from symbolon.cli.demo_lists import demo_lists, write_list
from symbolon.errors import SymbolonError
from symbolon.exchange.limits import SLOTS

CLEAR = [
    ClearMatch("A-1", "B-1", "certain", frozenset({"lei.1"})),
    ClearMatch("A-2", "B-1", "probable", frozenset({"name-locality.1"})),
    ClearMatch("A-3", "B-2", "candidate", frozenset({"band-address.1"})),
]


def rows(*, leave_out: int | None = None, **changed: str) -> list[dict[str, str]]:
    """The rows that fit `CLEAR`, with the last one changed."""
    handles = {"B-1": "0000000000aa", "B-2": "0000000000bb"}
    made = [
        {
            "supplier_id": each.ours,
            "band": each.band,
            "keys": " ".join(each.schemes),
            "peer_record": handles[each.theirs],
        }
        for each in CLEAR
    ]
    made[-1].update(changed)
    return [row for number, row in enumerate(made) if number != leave_out]


def test_require_equal_right_result_passes() -> None:
    require_equal(CLEAR, rows())


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param(rows(leave_out=0), id="a match missing"),
        pytest.param(rows(supplier_id="A-4"), id="another supplier"),
        pytest.param(rows(band="probable"), id="another band"),
        pytest.param(rows(keys="lei.1"), id="another reason"),
        pytest.param(rows(peer_record="0000000000aa"), id="another record of the peer"),
        pytest.param([*rows(), *rows(supplier_id="A-9", peer_record="0000000000cc")], id="a match too many"),
        pytest.param([], id="nothing"),
    ],
)
def test_require_equal_wrong_result_is_refused(wrong: list[dict[str, str]]) -> None:
    with pytest.raises(SymbolonError, match="differs from the join in the clear"):
        require_equal(CLEAR, wrong)


def write(path: Path, *rows: str) -> Path:
    path.write_text("supplier_id,name,address,city,country,lei\n" + "\n".join(rows) + "\n", encoding="utf-8")
    return path


def test_clear_join_strongest_tier_gives_the_band(tmp_path: Path) -> None:
    row = "Quimbara Works Ltd,17 Quellbrook Road,Zorvanpur,BD,5299000J2N45DDNE4Y28"
    ours, theirs = write(tmp_path / "a.csv", f"A-1,{row}"), write(tmp_path / "b.csv", f"B-1,{row}")
    (found,) = clear_join(ours, theirs, "ABC")
    assert (found.ours, found.theirs, found.band) == ("A-1", "B-1", "certain")
    assert "lei.1" in found.schemes
    assert [each.band for each in clear_join(ours, theirs, "C")] == ["candidate"]


def test_clear_join_crowded_key_says_nothing(tmp_path: Path) -> None:
    row = "Quimbara Works Ltd,,Zorvanpur,BD,"
    ours = write(tmp_path / "a.csv", f"A-1,{row}")
    just = write(tmp_path / "b.csv", *(f"B-{n},{row}" for n in range(SLOTS)))
    crowded = write(tmp_path / "c.csv", *(f"B-{n},{row}" for n in range(SLOTS + 1)))
    assert len(clear_join(ours, just, "B")) == SLOTS
    assert clear_join(ours, crowded, "B") == []


def test_clear_join_of_the_demonstration_has_every_band_and_false_candidates_only(tmp_path: Path) -> None:
    lists = demo_lists()
    write_list(tmp_path / "a.csv", lists.ours)
    write_list(tmp_path / "b.csv", lists.theirs)
    met = {
        (each.ours, each.theirs): each.band
        for each in clear_join(tmp_path / "a.csv", tmp_path / "b.csv", "ABC")
    }
    assert set(met.values()) == {"certain", "probable", "candidate"}
    assert {band for pair, band in met.items() if pair not in lists.truth} <= {"candidate"}
    assert 0.7 < len(lists.truth & met.keys()) / len(lists.truth) < 1
