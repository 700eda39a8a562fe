"""What the command line says about delegated signals, and refuses, without anybody to reach."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from contributing_ngo import SEEN, SITE, Contributor, ahead, contributor

BIRCH = "birch"


@pytest.fixture(scope="module")
def ngo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Contributor]:
    with contributor(tmp_path_factory.mktemp("coalition")) as made:
        yield made


def test_options_that_do_not_go_together_are_refused(ngo: Contributor, tmp_path: Path) -> None:
    said = ngo.run("add", *SITE, *SEEN, "--as-kind", "--yes", code=2)
    assert "--as-kind goes with --delegate" in said.talk
    where = ("--offline", str(tmp_path), "--for", str(tmp_path / "key.txt"))
    said = ngo.run("add", *SITE, *SEEN, *where, "--delegate", BIRCH, "--yes", code=2)
    assert "signals import FILE --delegate MEMBER" in said.talk
    said = ngo.run("add", *SITE, *SEEN, "--delegate", "watch", "--yes", code=65)
    assert "no delegate of its own" in said.talk
    said = ngo.run("add", *SITE, *SEEN, "--delegate", "no member!", "--yes", code=2)
    said = ngo.run("add", *SITE, *SEEN, "--delegate", "nobody-co", "--yes", code=77)
    assert "is not a member" in said.talk
    said = ngo.run("add", *SITE, *SEEN, "--delegate", BIRCH, "--as-kind", "--yes", code=65)
    assert "Without --as-kind the signal shows birch, and nothing of this member." in said.talk
    assert json.loads(ngo.run("delegated", "--json").out) == {"by_others": [], "for_others": []}


def test_nothing_is_stored_where_nobody_confirms_it(ngo: Contributor) -> None:
    said = ngo.run("add", *SITE, *SEEN, "--delegate", BIRCH, code=2)
    assert "The people of birch, and its node, read everything of it" in said.talk
    assert "can prove to others that it comes from this member" in said.talk
    assert ngo.run("delegated").out.count("  nothing") == 2


def test_signal_whose_delegate_has_no_address_waits_and_every_command_says_so(ngo: Contributor) -> None:
    hex_id = ngo.add("--delegate", BIRCH)
    document = json.loads(ngo.run("delegated", "--json").out)["by_others"][0]
    assert (document["signal"], document["state"], document["delivered"]) == (hex_id, "waiting", 0)
    assert document["problem"] == "membership.no_endpoint"
    for command in (("list",), ("show", hex_id), ("who", hex_id)):
        assert "published by birch: it has not got it yet (membership.no_endpoint)" in ngo.run(*command).out
    for command in (("list", "--json"), ("show", hex_id, "--json"), ("who", hex_id, "--json")):
        found = json.loads(ngo.run(*command).out)
        found = found[0] if isinstance(found, list) else found
        assert found.get("delegated", found)["delegate"] == BIRCH
        # Who says the same tells the delegate, and not this member.
        assert found.get("contributors") is None
    assert "It waits here for birch" in ngo.run("revise", hex_id, "--confidence", "3", "--yes").talk
    # What policy decides about is the delegate's.
    said = ngo.run("approve", hex_id, "alder", "--yes", code=65)
    assert "another member publishes the signal, and decides who is given it" in said.talk
    text = ngo.file("contest.txt", "Not us.")
    assert (
        "It waits here for birch" in ngo.run("dispute", hex_id, "--statement-file", str(text), "--yes").talk
    )
    assert "It waits here for birch" in ngo.run("settle", hex_id, "--as", "maintained").talk
    assert "It waits here for birch" in ngo.run("review", "--keep", hex_id, "--until", ahead(1)).talk
    said = ngo.run("export", "--format", "jsonl")
    assert said.out == ""
    assert "left out that another member publishes" in said.talk
    said = ngo.run("recall", hex_id, "--reason", "error", "--yes", "--json")
    assert "birch takes it back" in said.talk
    assert json.loads(said.out)["state"] == "waiting"
    said = ngo.run("delegated", "--send")
    assert "0 handed over, 1 wait." in said.talk
    assert "revision 6" in ngo.run("list", "--all").out
