"""`symbolon signals revise` and `recall`: what changes, what is asked, what nobody can change."""

from collections.abc import Iterator
from typing import Any

import pytest

from contributing_ngo import Contributor, ahead, contributor


@pytest.fixture(scope="module")
def ngo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Contributor]:
    with contributor(tmp_path_factory.mktemp("coalition")) as made:
        yield made


def shown(ngo: Contributor, hex_id: str) -> dict[str, Any]:
    found: dict[str, Any] = ngo.run("show", hex_id, "--json").json
    return found


@pytest.mark.parametrize(
    ("options", "field", "value"),
    [
        (("--indicator=isolation", "--indicator=coercion"), "indicators", ["coercion", "isolation"]),
        (("--evidence=grievance",), "evidence", "grievance"),
        (("--scope=4",), "severity", {"scale": 3, "scope": 4, "irremediability": 0}),
        (("--likelihood=low",), "likelihood", 1),
        (("--confidence=0",), "confidence", 0),
        (("--reliability=F",), "reliability", "F"),
        (("--grade=Major",), "native", {"scheme": "SMETA", "grade": "Major"}),
        (("--from=2025-11", "--to=2026-02"), "period", {"from": "2025-11", "to": "2026-02"}),
        (("--from=2025-11",), "period", {"from": "2025-11", "to": "2025-11"}),
        (("--to=2026-04",), "period", {"from": "2026-01", "to": "2026-04"}),
        (("--tlp=red", "--recipient=birch"), "tlp", "red"),
        (("--recipient=birch",), "recipients", ["birch"]),
        ((f"--expires={ahead(4)}",), "expires", ahead(4)),
        ((f"--review={ahead(1)}",), "review", ahead(1)),
        (("--clear=narrative",), "narrative", ""),
        (("--clear=severity",), "severity", {"scale": 0, "scope": 0, "irremediability": 0}),
        (("--clear=period",), "period", None),
        (("--clear=native",), "native", None),
        (("--clear=confidence", "--clear=reliability"), "confidence", None),
    ],
)
def test_revise_changes_one_field_and_leaves_the_rest(
    ngo: Contributor, options: tuple[str, ...], field: str, value: Any
) -> None:
    narrative = ngo.file("n.txt", "Workers repay debts.")
    hex_id = ngo.add(
        *("--scale=3", "--likelihood=high", "--confidence=70", "--reliability=B", "--scheme=SMETA"),
        *("--grade=Critical", "--narrative-file", str(narrative), f"--expires={ahead(4, '12-31')}"),
        f"--review={ahead(4)}" if "--expires" not in options[0] else f"--review={ahead(1, '05-01')}",
    )
    before = shown(ngo, hex_id)
    document = ngo.run("revise", hex_id[:8], *options, "--json").json
    after = shown(ngo, hex_id)
    assert after[field] == value
    assert (document["revision"], after["revision"]) == (2, 2)
    touched = {"revision", "changed", *document["changed"]}
    if field == "native":
        # What the grade suggests follows from it.
        touched.add("native_suggests")
    assert {name: after[name] for name in after if name not in touched} == {
        name: before[name] for name in before if name not in touched
    }


def test_revise_ends_by_saying_who_will_see_what(ngo: Contributor) -> None:
    said = ngo.run("revise", ngo.add(), "--recipient=cedar")
    assert "is at revision 2" in said.talk
    assert "alder, birch, dogwood and the-founder: nothing, because it is none of the recipients" in said.talk


@pytest.mark.parametrize(
    ("before", "options", "said"),
    [
        ((), ("--tlp=green",), "TLP:AMBER to TLP:GREEN"),
        (("--recipient=birch",), ("--recipient=birch", "--recipient=cedar"), "to cedar as well"),
        (("--recipient=birch",), ("--clear=recipients",), "every member that policy permits"),
        ((f"--embargo={ahead(3)}", f"--expires={ahead(4)}"), ("--clear=embargo",), "ends now"),
        ((f"--embargo={ahead(3)}", f"--expires={ahead(4)}"), (f"--embargo={ahead(2)}",), ahead(2)),
        (("--indicator=child-labour", "--urgent"), ("--not-urgent",), "urgent mark is withdrawn"),
        (("--indicator=child-labour",), ("--urgent",), "told at once"),
    ],
)
def test_revise_that_lets_out_more_is_said_and_asked(
    ngo: Contributor, before: tuple[str, ...], options: tuple[str, ...], said: str
) -> None:
    hex_id = ngo.add(*before)
    asked = ngo.run("revise", hex_id, *options, code=2)
    assert "This lets out more than before:" in asked.talk
    assert said in asked.talk
    assert "no terminal to ask at" in asked.talk
    assert shown(ngo, hex_id)["revision"] == 1
    ngo.run("revise", hex_id, *options, "--yes")
    assert shown(ngo, hex_id)["revision"] == 2


def test_revise_that_loosens_says_who_was_given_it(ngo: Contributor) -> None:
    hex_id = ngo.add()
    ngo.given("birch", hex_id)
    assert "it was given to birch before" in ngo.run("revise", hex_id, "--tlp=green", code=2).talk


def test_revise_source_is_no_revision(ngo: Contributor) -> None:
    hex_id = ngo.add()
    source = ngo.file("s.txt", "somebody else said so")
    said = ngo.run("revise", hex_id, "--source-file", str(source))
    assert "was replaced" in said.talk
    assert "somebody else" not in said.talk
    document = ngo.run("show", hex_id, "--json", "--source").json
    assert (document["revision"], document["source"]) == (1, "somebody else said so")


def test_revise_narrative_is_screened(ngo: Contributor) -> None:
    hex_id = ngo.add()
    narrative = ngo.file("n.txt", "Call +49 170 1234567.")
    said = ngo.run("revise", hex_id, "--narrative-file", str(narrative), code=65)
    assert "narrative: phone" in said.talk
    assert shown(ngo, hex_id)["revision"] == 1
    ngo.run("revise", hex_id, "--narrative-file", str(narrative), "--reviewed")
    assert shown(ngo, hex_id)["narrative"] == "Call +49 170 1234567."


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        ((), 2, "nothing says what is to change"),
        (("--evidence=worker-interview",), 65, "nothing would change"),
        (("--clear=subject",), 2, "--clear cannot take subject"),
        (("--clear=purposes",), 2, "It takes one of:"),
        (("--tlp=red",), 2, "TLP:RED is for named members alone"),
        (("--recipient=nobody",), 2, "nobody is no member"),
        (("--purpose=resale",), 2, "resale is no purpose"),
        (("--expires=2020-06-01",), 2, "--expires"),
        ((f"--expires={ahead(6)}",), 2, "more than five years"),
        ((f"--embargo={ahead(3)}", f"--expires={ahead(4)}"), 65, "may have gone out already"),
        (("--indicator=banana",), 2, "--indicator"),
    ],
)
def test_revise_that_cannot_be_changes_nothing(
    ngo: Contributor, options: tuple[str, ...], code: int, said: str
) -> None:
    hex_id = ngo.add()
    talk = ngo.run("revise", hex_id, *options, "--yes", code=code).talk
    assert said in talk
    assert "symbolon: hint: " in talk
    assert shown(ngo, hex_id)["revision"] == 1


def test_revise_has_no_option_for_the_subject(ngo: Contributor) -> None:
    talk = ngo.run("revise", ngo.add(), "--name=Other", code=2).talk
    assert "No such option" in talk


# ----------------------------------------------------------------------------------------------- recall


def test_recall_says_who_learns_of_it_and_when(ngo: Contributor) -> None:
    hex_id = ngo.add()
    ngo.given("birch", hex_id)
    ngo.given("cedar", hex_id)
    said = ngo.run("recall", hex_id[:8], "--reason=dispute upheld", "--yes", "--json")
    assert "given to birch, cedar: each learns of the recall at its next contact" in said.talk
    assert said.json["given"] == ["birch", "cedar"]
    assert (shown(ngo, hex_id)["state"], shown(ngo, hex_id)["recall_reason"]) == (
        "recalled",
        "dispute-upheld",
    )


def test_recall_of_what_nobody_was_given_says_so(ngo: Contributor) -> None:
    assert "nobody learns that there was one" in ngo.run("recall", ngo.add(), "--reason=error", "--yes").talk


def test_recall_asks_first(ngo: Contributor) -> None:
    hex_id = ngo.add()
    assert "no terminal" in ngo.run("recall", hex_id, "--reason=error", code=2).talk
    assert shown(ngo, hex_id)["state"] == "active"


@pytest.mark.parametrize("forget", [True, False])
def test_recall_forgets_the_source_only_where_told_to(ngo: Contributor, forget: bool) -> None:
    hex_id = ngo.add("--source-file", str(ngo.file("s.txt", "the night guard")))
    more = ("--forget-source",) if forget else ()
    said = ngo.run("recall", hex_id, "--reason=withdrawn", "--yes", *more)
    assert ("is erased with it" if forget else "stays sealed here") in said.talk
    kept = ngo.run("show", hex_id, "--json", "--source").json["source"]
    assert kept == ("" if forget else "the night guard")


def test_recall_of_what_is_held_by_law_keeps_the_source_and_the_signal(ngo: Contributor) -> None:
    hex_id = ngo.add("--source-file", str(ngo.file("s.txt", "the night guard")))
    with ngo.node() as node:
        from datetime import timedelta

        number = node.signals.get(hex_id).number
        node.signals.hold(number, "a court", node.now.date() + timedelta(days=9))
    said = ngo.run("recall", hex_id, "--reason=error", "--forget-source", "--yes", code=65)
    assert "on hold" in said.talk
    assert shown(ngo, hex_id)["state"] == "active"


def test_recalled_signal_changes_no_more(ngo: Contributor) -> None:
    hex_id = ngo.add()
    ngo.run("recall", hex_id, "--reason=error", "--yes")
    text = str(ngo.file("t.txt", "No."))
    for words in (
        ("revise", hex_id, "--confidence=1"),
        ("recall", hex_id, "--reason=error", "--yes"),
        ("dispute", hex_id, "--statement-file", text, "--yes"),
        ("reply", hex_id, "--file", text, "--yes"),
        ("settle", hex_id, "--as=remedied"),
        ("reply-form", hex_id, "--out", str(ngo.folder / "form.txt"), "--yes"),
    ):
        assert "recalled" in ngo.run(*words, code=65).talk


def test_recall_reason_that_is_none_suggests_the_nearest(ngo: Contributor) -> None:
    talk = ngo.run("recall", ngo.add(), "--reason=remedy", "--yes", code=2).talk
    assert "Did you mean remedied?" in talk
