"""Two members that set up their nodes as people do: every step is a command as a person types it."""

import csv
import json
import sqlite3
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import astuple, fields, replace
from pathlib import Path
from typing import Any

import pytest

from symbolon.cli.made_up_suppliers import made_up_supplier
from symbolon.suppliers.match_keys import match_keys
from symbolon.suppliers.reader import open_list
from symbolon.suppliers.record import Supplier
from typed_member import PURPOSE, TIERS, Member

_BANDS = {"A": "certain", "B": "probable", "C": "candidate"}


def suppliers(first: int, count: int, prefix: str) -> list[Supplier]:
    """Made-up suppliers; of every ten, some have no LEI, and some are written differently at each member."""
    found = []
    for number in range(first, first + count):
        record = made_up_supplier(number, f"{prefix}-{number}")
        if number % 10 < 4:
            record = replace(record, lei="")
        if number % 10 == 1 and prefix == "B":
            record = replace(record, name=record.name.upper())
        if number % 10 == 2 and prefix == "B":
            # Another postal code and a letter too few: no strong key, no name key, the pair still hits.
            record = replace(record, postal_code="", city="", name=record.name.replace(" ", "  "))
        found.append(record)
    return found


def write(path: Path, records: list[Supplier]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow([field.name for field in fields(Supplier)])
        writer.writerows(astuple(record) for record in records)
    return path


def clear_join(mine: Path, theirs: Path) -> dict[str, set[str]]:
    """Own supplier ids by the band of their strongest shared key, from the files alone.

    The rule of the protocol: a key that more than four records of one list share says too little.
    """
    keys: list[dict[tuple[str, bytes], set[str]]] = []
    for path in (mine, theirs):
        owners: dict[tuple[str, bytes], set[str]] = defaultdict(set)
        with open_list(path) as reader:
            for record in reader:
                assert isinstance(record, Supplier)
                for key in match_keys(record):
                    owners[key.tier.value, key.encoded].add(record.supplier_id)
        keys.append({key: ids for key, ids in owners.items() if len(ids) <= 4})
    found: dict[str, set[str]] = {}
    seen: set[str] = set()
    for tier in TIERS:
        shared = {key for key in keys[0].keys() & keys[1].keys() if key[0] == tier}
        ids = set().union(*(keys[0][key] for key in shared)) - seen
        found[_BANDS[tier]] = ids
        seen |= ids
    return found


Pair = tuple[Member, Member, Path]


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    """`south-co` founds a coalition and serves, `north-co` joins; both have their lists."""
    folder = tmp_path_factory.mktemp("two-nodes")
    north, south = Member("north-co", folder), Member("south-co", folder)
    root = south.found("spring")
    south.allow(north.name)
    south.quick("suppliers", "import", str(write(folder / "south.csv", suppliers(150, 300, "B"))))
    south.serve()
    _, joined = north.quick(*north.joining(south.invite(north.name)))
    assert f"This node reaches {south.name}." in joined
    assert f"{south.name} reaches this node." in joined
    for member in (north, south):
        known = member.coalition()
        assert (known["root_sha256"], known["founders"]) == (root, [south.name])
        assert member.standing() == {north.name: "good", south.name: "good"}
    north.allow(south.name)
    north.quick("suppliers", "import", str(write(folder / "north.csv", suppliers(0, 300, "N"))))
    yield north, south, folder
    assert south.stop() == 0


@pytest.fixture(scope="module")
def first(pair: Pair) -> tuple[dict[str, Any], list[dict[str, str]]]:
    """The first session of the two: its figures and its rows."""
    north, south, _ = pair
    return north.match(south, "--mutual")


@pytest.fixture
def matched(pair: Pair, first: object) -> Pair:
    """The two after their first session."""
    return pair


def ids_by_band(rows: list[dict[str, str]]) -> dict[str, set[str]]:
    """Own ids by their strongest band."""
    found: dict[str, set[str]] = {band: set() for band in _BANDS.values()}
    for row in rows:
        if not any(row["supplier_id"] in ids for ids in found.values()):
            found[row["band"]].add(row["supplier_id"])
    return found


def shown(member: Member, peer: Member) -> list[dict[str, str]]:
    """The matches with a peer that a member keeps."""
    rows: list[dict[str, str]] = json.loads(member.quick("match", "show", peer.name, "--json")[0])
    return rows


def spent(member: Member) -> int:
    with sqlite3.connect(f"file:{member.home / 'node.db'}?mode=ro", uri=True) as database:
        query = "SELECT sum(spent) FROM budget_spent WHERE period LIKE 'window:%' AND peer != '*'"
        return int(database.execute(query).fetchone()[0] or 0)


def test_match_first_session_equals_the_clear_join_of_both_files(
    pair: Pair, first: tuple[dict[str, Any], list[dict[str, str]]]
) -> None:
    (north, south, folder), (figures, rows) = pair, first
    expected = clear_join(folder / "north.csv", folder / "south.csv")
    # Nothing here is trivially true: every band holds something, and the LEIs alone say the same.
    assert all(expected.values())
    with (folder / "north.csv").open() as mine, (folder / "south.csv").open() as theirs:
        leis = {row["lei"] for row in csv.DictReader(theirs)} - {""}
        assert {row["supplier_id"] for row in csv.DictReader(mine) if row["lei"] in leis} == expected[
            "certain"
        ]
    assert ids_by_band(rows) == expected
    assert figures["matched"] == {band: len(ids) for band, ids in expected.items()}
    assert set(figures["phases_s"]) >= {"load", "blind", "finalize", "join"}
    assert (figures["suite"], figures["bytes_sent"] > 0, figures["bytes_received"] > 0) == (
        "X25519-ELL2-SHA512",
        True,
        True,
    )
    assert figures["mutual"]["counts"]["elements"] > 0
    # --mutual: the other side learned the same, seen from its own list.
    assert ids_by_band(shown(south, north)) == clear_join(folder / "south.csv", folder / "north.csv")
    for log in (south.log.read_text(), north.run("match", "show", south.name).stdout):
        assert "Traceback" not in log


def test_match_second_session_sends_only_the_difference(matched: Pair) -> None:
    north, south, folder = matched
    before = spent(south)
    # Ten of the south leave, ten new ones come; five of the north leave, five new ones come.
    south.quick("suppliers", "import", str(write(folder / "south.csv", suppliers(160, 300, "B"))))
    north.quick("suppliers", "import", str(write(folder / "north.csv", suppliers(5, 300, "N"))))
    figures, rows = north.match(south)
    expected = clear_join(folder / "north.csv", folder / "south.csv")
    assert ids_by_band(rows) == expected
    assert spent(south) - before == figures["counts"]["elements"] <= 3 * 128
    assert figures["bytes_sent"] < 3 * 128 * 40
    assert figures["bytes_received"] < 3 * (128 * 60 + 100 * 20)
    # Those that the peer withdrew are gone from the result, those it added are there.
    found = {row["supplier_id"] for row in rows}
    assert not found & {f"N-{number}" for number in range(150, 160)}
    assert {"N-304"} <= found
    # Nothing changed: a third session costs the least there is, and says the same.
    figures, rows = north.match(south)
    assert ids_by_band(rows) == expected
    assert figures["counts"]["elements"] == 3 * 64


def test_match_review_is_remembered_over_a_new_key_epoch(matched: Pair) -> None:
    north, south, _ = matched
    rows = shown(north, south)
    uncertain = sorted({row["supplier_id"] for row in rows if row["band"] != "certain"})
    yes, no, left = uncertain[:3]
    told = north.run("match", "review", south.name, "--accept", yes, "--reject", no)
    assert "Remembered: 1 accepted, 1 rejected." in told.stderr
    _, wrong = north.quick("match", "review", south.name, "--accept", "N-nobody", code=2)
    assert "no uncertain match of this supplier" in wrong
    assert "symbolon: hint: " in wrong
    assert "symbolon: hint: " in north.quick("match", "review", south.name, code=2)[1]
    # The operator of the south narrows what north may do: the key is changed, and all is asked anew.
    handles = {row["peer_record"] for row in rows}
    configuration = south.home / "symbolon.toml"
    content = configuration.read_text()
    assert south.stop() == 0
    configuration.write_text(content.replace('modes = ["size", "intersection"]', 'modes = ["intersection"]'))
    south.serve()
    figures, again = north.match(south)
    assert figures["counts"]["elements"] > 3 * 64
    assert not handles & {row["peer_record"] for row in again}
    decisions = {row["supplier_id"]: row["decision"] for row in again if row["band"] != "certain"}
    assert (decisions[yes], decisions[no], decisions[left]) == ("accepted", "rejected", "open")
    assert {row["decision"] for row in again if row["band"] == "certain"} == {"certain"}


def test_match_mutual_works_again_after_the_caller_changed_its_key(pair: Pair) -> None:
    north, south, folder = pair
    configuration = north.home / "symbolon.toml"
    configuration.write_text(
        configuration.read_text().replace('modes = ["size", "intersection"]', 'modes = ["intersection"]')
    )
    _, refused = north.quick("match", south.name, "--purpose", PURPOSE, code=77)
    assert refused.startswith("symbolon: error: ")
    assert "symbolon: hint: " in refused
    north.match(south, "--mutual")
    assert ids_by_band(shown(south, north)) == clear_join(folder / "south.csv", folder / "north.csv")


def test_match_out_writes_csv_whole_and_refuses_a_missing_folder(matched: Pair, tmp_path: Path) -> None:
    north, south, _ = matched
    target = tmp_path / "matches.csv"
    north.run("match", "show", south.name, "--out", str(target))
    with target.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert rows == shown(north, south)
    elsewhere = str(tmp_path / "no" / "x.csv")
    _, told = north.quick("match", "show", south.name, "--out", elsewhere, code=65)
    assert "no folder" in told
    assert "symbolon: hint: " in told


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["nobody-co", "--purpose", "due-diligence"], 77),
        (["south-co", "--purpose", "marketing", "--mode", "intersection"], 77),
        (["south-co", "--purpose", "due-diligence", "--mode", "guess"], 2),
        (["south-co", "--purpose", "due-diligence", "--tiers", "X"], 2),
        (["south-co"], 2),
    ],
    ids=["unknown peer", "purpose not allowed", "mode", "tiers", "no purpose"],
)
def test_match_refused_exits_with_its_code_and_says_why(pair: Pair, arguments: list[str], code: int) -> None:
    _, told = pair[0].quick("match", *arguments, code=code)
    assert "\nsymbolon: error: " in f"\n{told}"
    assert "symbolon: hint: " in told


def test_match_of_an_expelled_member_is_refused_and_service_goes_on(pair: Pair) -> None:
    # The last one: north is expelled for good.
    north, south, _ = pair
    _, told = south.quick("coalition", "expel", north.name, "--reason", "resold what it learned")
    assert "In force" in told
    refused = north.run("match", south.name, "--purpose", "due-diligence", "--mode", "intersection", code=77)
    assert "does not take this node for a current member" in refused.stderr
    assert "membership.expelled" in south.log.read_text()
    known = south.coalition()
    assert (known["expelled"], len(known["members"])) == ([north.name], 1)
    assert south.process is not None
    assert south.process.poll() is None
