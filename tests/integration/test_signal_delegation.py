"""Delegated publishing between served nodes, by the commands that people type.

An organisation has another one publish its signals; a company that buys there looks them up.
"""

import json
from collections.abc import Iterator

import pytest

from delegating_nodes import (
    ALDER,
    CLEAR,
    DELTA,
    LIST,
    NARRATIVE,
    add,
    added,
    by_others,
    file,
    make_members,
    say,
)
from processes import wait_until
from real_nodes import Nodes, real_nodes
from signal_nodes import held, look_up, records, tombstones
from symbolon.cli.local_coalition import PURPOSE
from symbolon.cli.made_up_suppliers import MadeUpList
from symbolon.rpc.node import Node
from symbolon.signals.vocabulary import DisputeState, ShownAs

OTHERS = ("birch-ngo", "cedar-ngo")


@pytest.fixture(scope="module")
def nodes() -> Iterator[Nodes]:
    """Four organisations; the delegate serves, and lets the company see its signals."""
    with real_nodes() as nodes:
        make_members(nodes, *OTHERS)
        nodes.start(DELTA)
        yield nodes


def test_contributor_is_told_that_the_delegate_reads_everything_before_anything_is_stored(
    nodes: Nodes,
) -> None:
    _, said = add(nodes, 0, yes=False, code=2)
    for words in (
        f"The people of {DELTA}, and its node, read everything of it: whom it is about, the narrative",
        f"{DELTA} does not get them either",
        f"Others see it as a signal of {DELTA}",
        "This node gives it to nobody",
    ):
        assert words in said
    assert json.loads(say(nodes, CLEAR, "list", "--json")[0]) == []
    _, said = add(nodes, 0, "--as-kind", yes=False, code=2)
    assert f"Others see it as from an NGO, published by {DELTA}" in said


@pytest.mark.parametrize(
    ("more", "shown_as"), [((), ShownAs.PUBLISHER), (("--as-kind",), ShownAs.NGO)], ids=["own", "kind"]
)
def test_delegates_signal_is_seen_revised_answered_and_recalled_as_any_other(
    nodes: Nodes, more: tuple[str, ...], shown_as: ShownAs
) -> None:
    number = 1 + len(more)
    out, said = add(nodes, number, *more)
    hex_id = out.strip()
    assert f"{DELTA} has it." in said
    stood = by_others(nodes, hex_id)
    there = stood["published_as"]
    assert (stood["state"], stood["delegate"], stood["shown_as"]) == ("delivered", DELTA, shown_as)
    assert there not in ("", hex_id)
    # The company sees a signal of the delegate, and nothing else.
    look_up(nodes, ALDER, DELTA)
    view = held(nodes, ALDER, DELTA)[there]
    assert (view.peer, view.signal.shown_as) == (DELTA, shown_as)
    assert hex_id not in held(nodes, ALDER)
    narrative, _ = say(nodes, ALDER, "narrative", there, "--yes")
    assert narrative.strip("| \n") == NARRATIVE
    # A revision.
    _, said = say(nodes, CLEAR, "revise", hex_id, "--confidence", "35", "--yes")
    assert f"{DELTA} has it." in said
    look_up(nodes, ALDER, DELTA)
    assert held(nodes, ALDER, DELTA)[there].signal.confidence == 35
    # What the supplier says at the delegate reaches the contributor, whose settlement goes back.
    contest = file(nodes, "contest.txt", "The plot is our neighbour's.")
    say(nodes, ALDER, "dispute", there, "--statement-file", contest, "--yes")
    (waiting,) = [
        each for each in json.loads(say(nodes, DELTA, "pending", "--json")[0]) if each["signal"] == there
    ]
    say(nodes, DELTA, "pending", str(waiting["number"]), "--accept", "--yes")
    assert by_others(nodes, hex_id, "--send")["disclosed"] == 1
    shown = json.loads(say(nodes, CLEAR, "show", hex_id, "--json")[0])
    assert (shown["dispute"]["state"], shown["dispute"]["statement"]) == (
        "open",
        "The plot is our neighbour's.",
    )
    say(nodes, CLEAR, "settle", hex_id, "--as", "maintained")
    look_up(nodes, ALDER, DELTA)
    assert held(nodes, ALDER, DELTA)[there].signal.dispute.state is DisputeState.MAINTAINED
    # A recall.
    _, said = say(nodes, CLEAR, "recall", hex_id, "--reason", "error", "--yes")
    assert f"{DELTA} takes it back" in said
    look_up(nodes, ALDER, DELTA)
    assert there in tombstones(nodes, ALDER)
    assert there not in held(nodes, ALDER, DELTA)


def test_delegated_signal_is_told_as_such_and_in_no_set_of_the_contributor(nodes: Nodes) -> None:
    hex_id = added(nodes, 5)
    assert f"published by {DELTA}" in say(nodes, CLEAR, "list")[0]
    assert f"published by {DELTA}" in say(nodes, CLEAR, "show", hex_id)[0]
    who, _ = say(nodes, CLEAR, "who", hex_id)
    assert "read everything of it" in who
    assert "given to so far" not in who.lower()
    with Node(nodes.home(CLEAR)) as node:
        assert len(node.signals.facts(node.now.date())) == 0
    with Node(nodes.home(DELTA)) as node:
        assert len(node.signals.facts(node.now.date())) >= 1
    out, said = say(nodes, DELTA, "delegated")
    assert f"for {CLEAR}, shown as the publisher's own" in out
    assert "publishes_for names nobody-co, which is no member" in said
    # A file of the contributor's own would tell whose it is.
    out, said = say(nodes, CLEAR, "export", "--format", "jsonl")
    assert out == ""
    assert "left out that another member publishes" in said


def test_signals_of_a_file_are_delegated_too(nodes: Nodes) -> None:
    lines = []
    for number, record in enumerate(records(nodes, ALDER, 2, 6)):
        about = {"kind": "site", "name": record.name, "lei": record.lei, "country": record.country}
        said = {"indicators": ["debt-bondage"], "evidence": "grievance", "reference": f"case {number}"}
        lines.append(json.dumps({"subject": about, **said}))
    path = file(nodes, "findings.jsonl", "\n".join(lines) + "\n")
    command = ("import", path, "--purpose", PURPOSE, "--delegate", DELTA, "--json")
    _, said = say(nodes, CLEAR, *command, code=2)
    assert "read everything of it" in said
    out, said = say(nodes, CLEAR, *command, "--yes")
    new = json.loads(out)["new"]
    assert len(new) == 2
    assert "2 handed over." in said
    for each in new:
        assert by_others(nodes, each["signal"])["state"] == "delivered"


def test_nothing_is_lost_while_the_delegate_is_off(nodes: Nodes) -> None:
    first = added(nodes, 8)
    look_up(nodes, ALDER, DELTA)
    there = by_others(nodes, first)["published_as"]
    nodes.stop(DELTA)
    second, said = add(nodes, 9)
    assert f"It waits here for {DELTA}" in said
    _, said = say(nodes, CLEAR, "recall", first, "--reason", "withdrawn", "--yes")
    assert f"It waits here for {DELTA}" in said
    assert [by_others(nodes, each)["state"] for each in (first, second.strip())] == ["waiting"] * 2
    waiting = by_others(nodes, second.strip())
    assert (waiting["problem"], waiting["delivered"]) == ("unavailable", 0)
    assert "it has not got it yet (unavailable)" in say(nodes, CLEAR, "list")[0]
    nodes.start(DELTA)
    # By the contributor's own node, without anybody doing anything.
    nodes.start(CLEAR)

    def delivered() -> bool:
        return all(by_others(nodes, each)["state"] == "delivered" for each in (first, second.strip()))

    wait_until(delivered, "the contributor's node to hand over what waits")
    nodes.stop(CLEAR)
    look_up(nodes, ALDER, DELTA)
    assert there in tombstones(nodes, ALDER)
    assert by_others(nodes, second.strip())["published_as"] in held(nodes, ALDER, DELTA)


def test_member_that_does_not_consent_is_told_what_it_would_have_to_do(nodes: Nodes) -> None:
    nodes.start("birch-ngo")
    (record,) = records(nodes, ALDER, 1, 10)
    command = ("add", "--kind", "factory", "--name", record.name, "--lei", record.lei)
    out, said = say(
        nodes,
        CLEAR,
        *command,
        "--indicator",
        "debt-bondage",
        "--evidence",
        "grievance",
        "--purpose",
        PURPOSE,
        "--delegate",
        "birch-ngo",
        "--yes",
    )
    nodes.stop("birch-ngo")
    assert "birch-ngo does not publish for this member (permission.delegate)" in said
    assert f'publishes_for = ["{CLEAR}"]' in said
    stood = by_others(nodes, out.strip())
    assert (stood["state"], stood["problem"]) == ("refused", "permission.delegate")
    assert f'publishes_for = ["{CLEAR}"]' in say(nodes, CLEAR, "delegated")[0]
    with Node(nodes.home("birch-ngo")) as node:
        assert node.signals.count(include_expired=True) == 0


def test_kind_of_which_there_are_too_few_is_refused(nodes: Nodes) -> None:
    command = ("add", "--delegate", DELTA, "--as-kind", "--kind", "factory", "--lei", "x")
    _, said = say(nodes, ALDER, *command, code=65)
    assert "fewer than 3 members are of the kind company" in said


def test_own_words_of_contributor_and_delegate_are_no_second_voice(nodes: Nodes) -> None:
    """The contributor has the supplier on its own list, and is shown the delegate's signal about it."""
    nodes.configure(CLEAR, allow=({"peer": DELTA, "signals": True},))
    both = ({"peer": ALDER, "signals": True}, {"peer": CLEAR, "signals": True})
    nodes.configure(
        DELTA, allow=both, exchange={"additions_interval_s": 0}, signals={"publishes_for": (CLEAR,)}
    )
    nodes.take_in(CLEAR, MadeUpList(LIST, 0, 0, CLEAR))
    hex_id = added(nodes, 11)
    look_up(nodes, CLEAR, DELTA)
    there = by_others(nodes, hex_id)["published_as"]
    assert there in held(nodes, CLEAR, DELTA)
    _, said = say(nodes, CLEAR, "corroborate", there, "--own", hex_id, code=65)
    assert "publishes that signal for this member" in said
