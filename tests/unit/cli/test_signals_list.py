"""`symbolon signals list`, `show` and `who`: what is shown, never a bare score, never a source."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from contributing_ngo import PURPOSE, Contributor, ahead, contributor
from symbolon.cli.received_list import known_publishers, load_received
from symbolon.errors import MembershipError
from symbolon.rpc.node import Node

CANARY = "CANARY-night-guard"


@pytest.fixture(scope="module")
def ngo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Contributor]:
    with contributor(tmp_path_factory.mktemp("coalition")) as made:
        yield made


@pytest.fixture(scope="module")
def signals(ngo: Contributor) -> dict[str, str]:
    """Ids of a whole signal, a bare one, a disputed one, a recalled one, one kept back."""
    source = ngo.file("s.txt", CANARY)
    narrative = ngo.file("n.txt", "Workers repay\n\nrecruitment debts.")
    whole = ngo.add(
        *("--scale=high", "--scope=moderate", "--irremediability=low", "--likelihood=high"),
        *("--confidence=70", "--reliability=B", "--scheme=SMETA 7.0", "--grade=Critical"),
        *("--narrative-file", str(narrative), "--source-file", str(source)),
    )
    bare = ngo.run(
        *("add", "--kind=vessel", "--name=Ocean Star 7", "--imo=9074729", "--indicator=isolation"),
        *("--evidence=media", "--yes"),
    ).out.strip()
    disputed = ngo.add()
    statement = ngo.file("d.txt", "We pay every month.")
    ngo.run("dispute", disputed, "--statement-file", str(statement), "--yes")
    answer = ngo.file("a.txt", "Our records show it.")
    ngo.run("reply", disputed, "--file", str(answer), "--yes")
    recalled = ngo.add()
    ngo.run("recall", recalled, "--reason", "remedied", "--yes")
    kept_back = ngo.add(
        f"--embargo={ahead(4)}", f"--expires={ahead(4, '02-01')}", "--tlp=red", "--recipient=birch"
    )
    return {
        "whole": whole,
        "bare": bare,
        "disputed": disputed,
        "recalled": recalled,
        "kept back": kept_back,
    }


def block(text: str, hex_id: str) -> str:
    (found,) = [each for each in text.split("\n\n") if each.startswith(hex_id[:8])]
    return found


def test_list_shows_what_a_signal_rests_on_and_both_confidences(
    ngo: Contributor, signals: dict[str, str]
) -> None:
    shown = block(ngo.run("list").out, signals["whole"])
    for words in (
        "Blue River Garments Ltd, Gazipur, BD (site); active, revision 1",
        "debt bondage; worker interview, seen 2026-01 to 2026-03",
        "severity: scale high, scope moderate, irremediability low; likelihood high",
        "confidence in the content 70 of 100; source B, usually reliable",
        "graded Critical in SMETA 7.0 (suggests high)",
        "not disputed; no reply",
        "TLP:AMBER; for due-diligence; to whoever policy permits",
        "(today); review by",
    ):
        assert words in shown
    assert "score" not in shown


def test_list_says_what_is_not_stated(ngo: Contributor, signals: dict[str, str]) -> None:
    shown = block(ngo.run("list").out, signals["bare"])
    for words in (
        "when is not stated",
        "severity not stated; likelihood not stated",
        "confidence not stated; reliability of the source not stated",
    ):
        assert words in shown


def test_list_shows_contest_and_reply_beside_each_other(ngo: Contributor, signals: dict[str, str]) -> None:
    shown = block(ngo.run("list").out, signals["disputed"])
    (line,) = [each for each in shown.splitlines() if "disputed" in each]
    assert "disputed since" in line
    assert "the supplier replied on" in line
    assert "revision 3" in shown


def test_list_shows_contest_and_reply_in_their_words(ngo: Contributor, signals: dict[str, str]) -> None:
    shown = block(ngo.run("list").out, signals["disputed"])
    contest, reply = (
        "the supplier contests | We pay every month.",
        "the supplier replies | Our records show it.",
    )
    assert f"  {contest}\n  {reply}" in shown


def test_list_cuts_a_long_reply_and_names_what_shows_all_of_it(tmp_path: Any) -> None:
    with contributor(tmp_path) as fresh:
        answer = "Our records show it. " * 60
        hex_id = fresh.add()
        fresh.run("reply", hex_id, "--file", str(fresh.file("a.txt", answer)), "--yes")
        shown = fresh.run("list").out
        assert "Our records show it. Our recor…\n" in shown
        assert answer.strip() not in shown
        assert f"cut here: `symbolon signals show {hex_id[:8]}` shows it whole" in shown
        assert answer.strip() in fresh.run("show", hex_id[:8]).out


def test_list_and_show_say_what_a_native_grade_suggests(ngo: Contributor, signals: dict[str, str]) -> None:
    assert "graded Critical in SMETA 7.0 (suggests high)" in ngo.run("show", signals["whole"]).out
    for words in (("show", signals["whole"], "--json"), ("show", signals["bare"], "--json")):
        suggests = ngo.run(*words).json["native_suggests"]
        assert suggests == (3 if words[1] == signals["whole"] else None)
    (listed,) = ngo.run("list", "--search", signals["whole"], "--json").json
    assert listed["native_suggests"] == 3


def test_list_and_show_say_how_many_others_say_the_same(tmp_path: Any) -> None:
    with contributor(tmp_path) as fresh:
        hex_id = fresh.add()
        assert "the same" not in fresh.run("list").out
        assert fresh.run("show", hex_id, "--json").json["contributors"] == 1
        for count, (peer, said) in enumerate((("alder", "1 other says"), ("birch", "2 others say")), 2):
            with fresh.node() as node:
                node.responses.corroborate(peer, node.signals.get(hex_id).number, PURPOSE)
            for words in (("list",), ("show", hex_id)):
                assert f"{said} the same\n" in fresh.run(*words).out
            (listed,) = fresh.run("list", "--json").json
            document = fresh.run("show", hex_id, "--history", "--json").json
            assert (listed["contributors"], document["contributors"]) == (count, count)
            assert "contributors" not in document["history"][0]


def test_list_has_the_newest_first_and_recalled_ones_on_demand(
    ngo: Contributor, signals: dict[str, str]
) -> None:
    listed = [each["signal_id"] for each in ngo.run("list", "--json").json]
    assert listed == [signals[each] for each in ("kept back", "disputed", "bare", "whole")]
    every = ngo.run("list", "--all", "--json").json
    assert [each["signal_id"] for each in every][:2] == [signals["kept back"], signals["recalled"]]
    shown = block(ngo.run("list", "--all").out, signals["recalled"])
    assert "recalled on" in shown
    assert "what it told of has been remedied" in shown
    assert "debt bondage" not in shown


def test_list_shows_an_embargo_and_named_recipients(ngo: Contributor, signals: dict[str, str]) -> None:
    shown = block(ngo.run("list").out, signals["kept back"])
    assert f"kept back until {ahead(4)}" in shown
    assert "TLP:RED; for due-diligence; to birch" in shown


@pytest.mark.parametrize(
    ("search", "found"),
    [
        ("ocean star", ["bare"]),
        ("9074729", ["bare"]),
        ("isolation", ["bare"]),
        ("VESSEL", ["bare"]),
        ("worker interview", ["kept back", "disputed", "whole"]),
        ("gazipur", ["kept back", "disputed", "whole"]),
        ("nothing like it", []),
        (CANARY, []),
    ],
)
def test_list_search_finds_by_what_is_shown(
    ngo: Contributor, signals: dict[str, str], search: str, found: list[str]
) -> None:
    listed = [each["signal_id"] for each in ngo.run("list", "--search", search, "--json").json]
    assert listed == [signals[each] for each in found]


def test_list_search_by_id_and_pages(ngo: Contributor, signals: dict[str, str]) -> None:
    (one,) = ngo.run("list", "--search", signals["bare"][:10], "--json").json
    assert one["signal_id"] == signals["bare"]
    first = ngo.run("list", "--limit", "1", "--offset", "1", "--json")
    assert [each["signal_id"] for each in first.json] == [signals["disputed"]]
    assert "1 of 4 signals shown. --limit 0 shows all." in first.talk
    assert len(ngo.run("list", "--limit", "0", "--json").json) == 4


def test_list_of_nothing_says_how_to_begin(tmp_path: Any) -> None:
    with contributor(tmp_path) as fresh:
        said = fresh.run("list")
        assert said.out == ""
        assert "symbolon signals add" in said.talk
        assert fresh.run("list", "--json").json == []


def test_list_json_has_age_review_and_no_source(ngo: Contributor, signals: dict[str, str]) -> None:
    document = ngo.run("list", "--search", signals["whole"], "--json").json[0]
    assert (document["age_days"], document["review_due"], document["expired"]) == (0, False, False)
    assert document["has_source"] is True
    assert "source" not in document
    assert document["subject"]["name"] == "Blue River Garments Ltd"


# ------------------------------------------------------------------------------------------------- show


def test_show_has_everything_but_the_source(ngo: Contributor, signals: dict[str, str]) -> None:
    shown = ngo.run("show", signals["whole"][:6]).out
    assert signals["whole"] in shown
    assert "os id: CN2021250D1DTN7" in shown
    assert "narrative:\n  | Workers repay\n  |\n  | recruitment debts.\n" in shown
    assert "source: noted; --source shows it" in shown
    assert CANARY not in shown


def test_show_has_contest_and_reply_in_their_words(ngo: Contributor, signals: dict[str, str]) -> None:
    shown = ngo.run("show", signals["disputed"]).out
    assert "what the supplier contests:\n  | We pay every month.\n" in shown
    assert "the supplier's reply:\n  | Our records show it.\n" in shown


def test_show_history_has_every_revision(ngo: Contributor, signals: dict[str, str]) -> None:
    shown = ngo.run("show", signals["disputed"], "--history").out
    assert shown.index("revision 3") < shown.index("revision 2, of") < shown.index("revision 1, of")
    document = ngo.run("show", signals["disputed"], "--history", "--json").json
    assert [each["revision"] for each in document["history"]] == [1, 2, 3]
    assert document["history"][0]["dispute"]["state"] == "none"
    recalled = ngo.run("show", signals["recalled"], "--history").out
    assert "debt bondage" in recalled[recalled.index("revision 1, of") :]


def test_show_source_needs_a_terminal_or_json(ngo: Contributor, signals: dict[str, str]) -> None:
    said = ngo.run("show", signals["whole"], "--source", code=2)
    assert CANARY not in said.out + said.talk
    said = ngo.run("show", signals["whole"], "--source", "--json")
    assert said.json["source"] == CANARY
    assert "on your screen" in said.talk
    assert CANARY not in said.talk
    assert ngo.run("show", signals["bare"], "--source", "--json").json["source"] == ""


@pytest.mark.parametrize("command", ["show", "who", "revise", "recall", "settle"])
@pytest.mark.parametrize(
    ("signal_id", "said"),
    [
        ("0000000000000000", "there is no signal"),
        ("abc", "first 4 or more"),
        ("not hexadecimal", "hexadecimal digits"),
        ("\x1b[2J", "hexadecimal digits"),
    ],
)
def test_every_command_refuses_an_id_that_is_none(
    ngo: Contributor, command: str, signal_id: str, said: str
) -> None:
    more = {
        "revise": ("--confidence=1",),
        "recall": ("--reason=error", "--yes"),
        "settle": ("--as=remedied",),
    }.get(command, ())
    talk = ngo.run(command, signal_id, *more, code=65).talk
    assert said in talk
    assert "`symbolon signals list` shows the ids." in talk
    assert "\x1b" not in talk


# -------------------------------------------------------------------------------------------------- who


def test_who_says_the_same_words_later_and_who_was_given_it(
    ngo: Contributor, signals: dict[str, str]
) -> None:
    said = ngo.run("who", signals["bare"]).out
    assert "birch: everything, from now on, for due-diligence" in said
    assert "Given to so far: nobody." in said
    ngo.given("birch", signals["bare"])
    ngo.given("alder", signals["bare"], signals["whole"])
    assert "Given to so far: alder, birch." in ngo.run("who", signals["bare"]).out
    document = ngo.run("who", signals["whole"], "--json").json
    assert document["given"] == ["alder"]
    birch = next(each for each in document["audience"] if each["member"] == "birch")
    assert birch["views"][0]["purposes"] == ["due-diligence"]


def test_who_names_three_of_a_large_group_and_all_on_demand(tmp_path: Any) -> None:
    with contributor(tmp_path) as ngo:
        more = ("elm", "fir", "gum")
        for each in more:
            ngo.join(each, "company")
        ngo.allow(*({"peer": each} for each in ("alder", "birch", "cedar", "dogwood", *more)))
        hex_id = ngo.add()
        line = "alder, birch, cedar and 4 more companies: everything, from now on"
        assert line in ngo.run("who", hex_id).out
        whole = ngo.run("who", hex_id, "--all").out
        assert "alder, birch, cedar, dogwood, elm, fir and gum: everything" in whole


def test_list_and_show_work_on_a_day_on_which_things_are_due(
    ngo: Contributor, signals: dict[str, str]
) -> None:
    with ngo.node() as node:
        review = (node.now.date() + timedelta(days=1)).isoformat()
    due = ngo.add("--review", review)
    assert "review by" in block(ngo.run("list").out, due)
    ngo.run("recall", due, "--reason", "error", "--yes")


def test_members_of_a_list_that_ran_out_still_tell_whose_signature_holds(ngo: Contributor) -> None:
    with ngo.node() as node:
        later_s = node.clock() + 3_000 * 86_400
        key = node.directory.current().find("birch")
    with Node(ngo.home, clock=lambda: later_s) as node:
        with pytest.raises(MembershipError):
            node.directory.current()
        publisher = known_publishers(node)("birch")
        assert publisher is not None
        assert key is not None
        assert publisher.key_id == key.signing_key
        assert load_received(node).views == ()
