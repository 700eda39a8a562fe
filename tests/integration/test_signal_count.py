"""Counting signals between served nodes: what is printed, what both logs say, who is refused how."""

import json
import shutil
from collections.abc import Iterator

import pytest

from real_nodes import Nodes, real_nodes
from signal_nodes import contribute, look_up, records
from symbolon.audit.decision_record import parse_record
from symbolon.cli.local_coalition import PURPOSE
from symbolon.cli.made_up_suppliers import MadeUpList
from symbolon.membership.coalition_roles import root_fingerprint
from symbolon.policy.own_policies import OWN_FOLDER
from symbolon.rpc.node import COALITION_FOLDER, Node

WATCH, ALDER, BIRCH, CEDAR = "watch-ngo", "alder-co", "birch-co", "cedar-co"
LIST = 8
COUNT_ONLY = f"""
@id("own.lookup")
permit (principal == Symbolon::Member::"{BIRCH}", action == Symbolon::Action::"lookup", resource);
@id("own.count") @obligation("count_only")
permit (principal == Symbolon::Member::"{BIRCH}", action == Symbolon::Action::"release", resource);
"""


@pytest.fixture(scope="module")
def nodes() -> Iterator[Nodes]:
    """An organisation serves: alder may see its signals, birch may count them, cedar has no permit.

    Birch has none of the suppliers, alder has no list at all.
    """
    with real_nodes() as nodes:
        nodes.coalition.add(WATCH, kind="ngo")
        for member in (ALDER, BIRCH, CEDAR):
            nodes.coalition.add(member, kind="company")
            nodes.configure(member, allow=({"peer": WATCH, "signals": True},))
        nodes.configure(WATCH, allow=({"peer": ALDER, "signals": True},))
        folder = nodes.home(WATCH) / OWN_FOLDER
        folder.mkdir()
        (folder / "count.cedar").write_text(COUNT_ONLY)
        nodes.take_in(CEDAR, MadeUpList(LIST, 0, 0, CEDAR))
        nodes.take_in(BIRCH, MadeUpList(LIST, 0, 0, BIRCH))
        contribute(nodes, WATCH, records(nodes, CEDAR, 5))
        nodes.start(WATCH)
        yield nodes


def counted(nodes: Nodes, member: str) -> list[dict[str, str]]:
    """Entries of the audit log about counting."""
    with Node(nodes.home(member)) as node:
        all_of_them = [dict(each.values) for each in node.audit.entries()]
    return [each for each in all_of_them if each["event"] == "counted"]


def test_count_is_told_to_who_sees_them_and_to_who_only_counts_and_both_logs_say_so(nodes: Nodes) -> None:
    for member in (ALDER, BIRCH):
        done = nodes.run(member, "signals", "count", WATCH, "--purpose", PURPOSE, quick=True)
        assert done.stdout == "5\n"
        assert "whether this member buys there or not" in done.stderr
        asked, told = counted(nodes, member)
        assert [asked["note"], told["note"]] == ["asked", "told"]
        assert {each["peer"] for each in (asked, told)} == {WATCH}
        assert json.loads(told["counts"]) == {"signals": 5}
        (own,) = [each for each in counted(nodes, WATCH) if each["peer"] == member]
        assert (own["purpose"], json.loads(own["counts"])) == (PURPOSE, {"signals": 5})
        assert parse_record(own["decision"]).request.principal == member
    assert look_up(nodes, BIRCH, WATCH).counts == dict.fromkeys(look_up(nodes, BIRCH, WATCH).counts, 0)


def test_count_stays_what_it_was_on_the_same_day(nodes: Nodes) -> None:
    contribute(nodes, WATCH, records(nodes, CEDAR, 3, 5))
    document = json.loads(
        nodes.run(ALDER, "signals", "count", WATCH, "--purpose", PURPOSE, "--json", quick=True).stdout
    )
    assert document == {"peer": WATCH, "purpose": PURPOSE, "signals": 5, "words": "5"}
    notes = [each["note"] for each in counted(nodes, WATCH) if each["peer"] == ALDER]
    assert notes[-1] == "as told before"


def test_count_without_a_permit_is_refused_in_words_and_told_nowhere(nodes: Nodes) -> None:
    done = nodes.run(CEDAR, "signals", "count", WATCH, "--purpose", PURPOSE, code=77, quick=True)
    assert done.stdout == ""
    assert f"{WATCH} does not permit this member to look signals up for {PURPOSE}" in done.stderr
    assert "[[allow]]" in done.stderr
    assert [each["note"] for each in counted(nodes, CEDAR)] == ["asked"]
    assert not [each for each in counted(nodes, WATCH) if each["peer"] == CEDAR]


@pytest.mark.parametrize(
    ("peer", "purpose", "code", "words"),
    [
        ("no member!", PURPOSE, 2, "no member!"),
        (WATCH, "no purpose", 76, "symbolon: error"),
        ("nobody-co", PURPOSE, 77, "nobody-co"),
    ],
)
def test_count_of_nobody_or_for_nothing_is_refused(
    nodes: Nodes, peer: str, purpose: str, code: int, words: str
) -> None:
    done = nodes.run(ALDER, "signals", "count", peer, "--purpose", purpose, code=code, quick=True)
    assert done.stdout == ""
    assert words in done.stderr


@pytest.fixture
def unheard(nodes: Nodes) -> Iterator[str]:
    """A member that is served, and that alder has not heard of."""
    metadata, aside = nodes.home(ALDER) / COALITION_FOLDER, nodes.coalition.folder / "before"
    shutil.copytree(metadata, aside, symlinks=True)
    member = "elder-ngo"
    nodes.coalition.add(member, kind="ngo")
    nodes.configure(member, allow=({"peer": ALDER, "signals": True},))
    nodes.configure(ALDER, allow=tuple({"peer": each, "signals": True} for each in (WATCH, member)))
    nodes.start(member)
    shutil.rmtree(metadata)
    shutil.move(aside, metadata)
    with Node(nodes.home(ALDER)) as node:
        assert node.directory.current().find(member) is None
    yield member
    nodes.stop(member)


def test_count_of_a_member_that_joined_meanwhile_asks_who_is_new_by_itself(
    nodes: Nodes, unheard: str
) -> None:
    done = nodes.run(ALDER, "signals", "count", unheard, "--purpose", PURPOSE, quick=True)
    assert done.stdout == "fewer than 3\n"
    assert f"{unheard} is not known here yet; asking other members who is new" in done.stderr
    again = nodes.run(ALDER, "signals", "count", unheard, "--purpose", PURPOSE, quick=True)
    assert "not known here" not in again.stderr


def test_count_and_lookup_stand_in_what_an_auditor_is_given(nodes: Nodes) -> None:
    nodes.take_in(ALDER, MadeUpList(LIST, 0, 0, CEDAR))
    assert look_up(nodes, ALDER, WATCH).counts["added"] > 0
    files = []
    for member in (WATCH, ALDER, BIRCH):
        files.append(nodes.coalition.folder / f"{member}.jsonl")
        nodes.run(member, "audit", "export", "--out", str(files[-1]), quick=True)
    with Node(nodes.home(WATCH)) as node:
        root = root_fingerprint(node.coalition.roots()[0]).hex()
        events = {each.values["event"] for each in node.audit.entries()}
    assert {"contributed", "permitted", "counted", "ended"} <= events
    arguments = (*map(str, files), "--root", root, "--json")
    verdict = json.loads(nodes.run(WATCH, "audit", "verify", *arguments, quick=True).stdout)
    assert verdict["holds"], verdict["findings"]
    lookups = [each for each in verdict["disclosures"] if each["mode"] == "lookup"]
    told = {(each["asker"], each["owner"], each["receipts"], each["outcome"]) for each in lookups}
    assert (ALDER, WATCH, "both", "complete") in told
    whole = sum(len(each["told_by"]) == 2 for each in lookups)
    assert whole == len(lookups) > 0
