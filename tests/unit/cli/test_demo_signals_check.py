"""The demonstration's yardsticks for signals notice every way in which a lookup or a recall can be wrong."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from symbolon.cli.demo_contributed import AUDIT, CONTEST, GRIEVANCE, INTERVIEW, REPLY, contributions
from symbolon.cli.demo_lists import demo_lists, write_list
from symbolon.cli.demo_signals_check import (
    SuppliersSide,
    Wanted,
    clear_signals,
    require_nowhere,
    require_told,
)
from symbolon.errors import SymbolonError

TODAY = date(2026, 11, 22)
IDS = {INTERVIEW: "1" * 32, AUDIT: "2" * 32, GRIEVANCE: "3" * 32}
WITHHELD = frozenset({"evidence", "period"})


def wanted() -> dict[str, Wanted]:
    """What a company may have: one with fields withheld, one with the supplier's side, one whole."""
    typed = contributions(demo_lists(), TODAY)
    return {
        IDS[INTERVIEW]: Wanted(typed[INTERVIEW], WITHHELD),
        IDS[AUDIT]: Wanted(typed[AUDIT], side=SuppliersSide(CONTEST, REPLY)),
        IDS[GRIEVANCE]: Wanted(typed[GRIEVANCE]),
    }


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The lists of both companies, as they are when signals are looked up."""
    folder = tmp_path_factory.mktemp("lists")
    lists = demo_lists().changed()
    made = {name: folder / f"{name}.csv" for name in ("ours", "theirs")}
    write_list(made["ours"], lists.ours)
    write_list(made["theirs"], lists.theirs)
    return made


def shown(**changed: Any) -> list[dict[str, Any]]:
    """What the first company is shown; `changed` are fields of the second signal."""
    both: dict[str, Any] = {"likelihood": 3, "confidence": 75, "reliability": "B", "native": None}
    interview = {
        "signal_id": IDS[INTERVIEW],
        "suppliers": [{"supplier_id": "A-0002", "band": "certain", "reasons": ["os-id.1"]}],
        "indicators": ["debt-bondage", "recruitment-fees"],
        "evidence": None,
        "severity": {"scale": 3, "scope": 2, "irremediability": 2},
        "period": None,
        "has_narrative": True,
        "withheld": ["evidence", "period"],
        "dispute": {"state": "none", "statement": ""},
        "reply": None,
        **both,
    }
    audit = {
        "signal_id": IDS[AUDIT],
        "suppliers": [{"supplier_id": "A-0004", "band": "probable", "reasons": ["name-locality.1"]}],
        "indicators": ["withholding-of-wages"],
        "evidence": "audit-finding",
        "severity": {"scale": 2, "scope": 3, "irremediability": 1},
        "likelihood": 2,
        "confidence": 60,
        "reliability": "A",
        "native": {"scheme": "SMETA", "grade": "Critical"},
        "period": {"from": "2026-04", "to": "2026-05"},
        "has_narrative": False,
        "withheld": [],
        "dispute": {"state": "open", "statement": CONTEST.strip()},
        "reply": {"received": "2026-11-22", "text": REPLY},
        **changed,
    }
    return [interview, audit]


def test_clear_signals_first_company_has_two_of_the_suppliers_and_the_second_all_three(
    files: dict[str, Path],
) -> None:
    ours = clear_signals(files["ours"], wanted(), "AB")
    assert ours.keys() == {IDS[INTERVIEW], IDS[AUDIT]}
    assert {band for each in ours.values() for _, band, _ in each.links} == {"certain", "probable"}
    assert clear_signals(files["theirs"], wanted(), "AB").keys() == set(IDS.values())


def test_clear_signals_by_the_first_tier_alone_has_what_an_identifier_finds(files: dict[str, Path]) -> None:
    assert clear_signals(files["ours"], wanted(), "A").keys() == {IDS[INTERVIEW]}


def test_require_told_right_result_passes(files: dict[str, Path]) -> None:
    require_told(clear_signals(files["ours"], wanted(), "AB"), shown())


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param(shown()[:1], id="a signal missing"),
        pytest.param([*shown(), {**shown()[0], "signal_id": IDS[GRIEVANCE]}], id="a signal too many"),
        pytest.param(shown(suppliers=[]), id="about nobody"),
        pytest.param(shown(suppliers=shown()[0]["suppliers"]), id="about another supplier"),
        pytest.param(shown(evidence=None), id="a field less"),
        pytest.param(shown(withheld=["evidence"]), id="said to be withheld"),
        pytest.param(shown(severity={"scale": 1, "scope": 3, "irremediability": 1}), id="less bad"),
        pytest.param(shown(dispute={"state": "none", "statement": ""}), id="the contest is gone"),
        pytest.param(shown(reply=None), id="the reply is gone"),
        pytest.param(
            [{**shown()[0], "period": {"from": "2026-06", "to": "2026-09"}}, shown()[1]], id="redacted"
        ),
        pytest.param([], id="nothing"),
    ],
)
def test_require_told_wrong_result_is_refused(files: dict[str, Path], wrong: list[dict[str, Any]]) -> None:
    expected = clear_signals(files["ours"], wanted(), "AB")
    with pytest.raises(SymbolonError, match="differ from those in the clear"):
        require_told(expected, wrong)


def test_require_nowhere_text_in_any_file_is_found(tmp_path: Path) -> None:
    note = "Two of the night shift, met at the tea stall: call the sister of the elder.\n"
    (tmp_path / "node").mkdir()
    database = tmp_path / "node" / "node.db"
    database.write_bytes(b"\0\1 met at the gate \2")
    assert require_nowhere(tmp_path, note) == 1
    database.write_bytes(b"\0\1 call the sister of the elder \2")
    with pytest.raises(SymbolonError, match=r"node\.db holds a note on a source"):
        require_nowhere(tmp_path, note)
