"""`symbolon signals add` by options: what is stored, shown, asked and refused."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from contributing_ngo import COMPANIES, SEEN, SITE, Contributor, ahead, contributor
from symbolon.cli import signals_add
from symbolon.signals.record_codec import SUBJECT_FIELDS


@pytest.fixture(scope="module")
def ngo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Contributor]:
    with contributor(tmp_path_factory.mktemp("coalition")) as made:
        yield made


def shown(ngo: Contributor, hex_id: str) -> dict[str, Any]:
    found: dict[str, Any] = ngo.run("show", hex_id, "--json").json
    return found


def count(ngo: Contributor) -> int:
    with ngo.node() as node:
        return node.signals.count()


def test_add_stores_every_field_that_was_typed(ngo: Contributor) -> None:
    narrative = ngo.file("n.txt", "Workers repay debts from their wages.\n")
    hex_id = ngo.add(
        *("--region=Dhaka", "--lei=213800KUD8LAJWSQ9D15", "--parent-name=River Group"),
        *("--indicator=isolation, deception", "--scale=3", "--scope=moderate", "--irremediability=low"),
        *("--likelihood=very high", "--confidence=70", "--reliability=b", "--scheme=SMETA 7.0"),
        *("--grade=Critical", "--workers=800", "--narrative-file", str(narrative), "--tlp=amber strict"),
        *(
            "--recipient=birch",
            "--recipient=cedar",
            f"--embargo={ahead(4)}",
            f"--expires={ahead(4, '12-01')}",
        ),
        f"--review={ahead(3)}",
    )
    document = shown(ngo, hex_id)
    assert document["subject"] == {
        "kind": "site",
        "name": "Blue River Garments Ltd",
        "address": "12 Canal Road",
        "city": "Gazipur",
        "region": "Dhaka",
        "postal_code": "1700",
        "country": "BD",
        "os_id": "CN2021250D1DTN7",
        "lei": "213800KUD8LAJWSQ9D15",
        "parent_name": "River Group",
    }
    assert document["indicators"] == ["debt-bondage", "deception", "isolation"]
    assert document["severity"] == {"scale": 3, "scope": 2, "irremediability": 1}
    assert (document["likelihood"], document["confidence"], document["reliability"]) == (4, 70, "B")
    assert document["native"] == {"scheme": "SMETA 7.0", "grade": "Critical"}
    assert document["period"] == {"from": "2026-01", "to": "2026-03"}
    assert document["narrative"] == "Workers repay debts from their wages."
    assert (document["tlp"], document["recipients"]) == ("amber+strict", ["birch", "cedar"])
    assert document["purposes"] == ["due-diligence"]
    assert (document["embargo"], document["expires"], document["review"]) == (
        ahead(4),
        ahead(4, "12-01"),
        ahead(3),
    )
    assert document["evidence"] == "worker-interview"
    assert (document["revision"], document["state"], document["has_source"]) == (1, "active", False)


def test_add_has_an_option_for_every_field_of_a_subject() -> None:
    parameters = set(signals_add.add.__annotations__)
    assert set(SUBJECT_FIELDS) <= parameters
    assert "source" not in parameters


def test_add_ends_by_saying_who_will_see_what_and_that_nobody_sees_the_source(ngo: Contributor) -> None:
    source = ngo.file("s.txt", "told by the night guard")
    said = ngo.run("add", *SITE, *SEEN, "--yes", "--source-file", str(source))
    end = said.talk[said.talk.index("Who will be able to see what:") :]
    assert "birch: everything, from now on, for due-diligence" in end
    assert "alder, cedar, dogwood and the-founder: nothing, because no [[allow]] table" in end
    assert "Nobody sees the source: your notes stay sealed at this node." in end
    assert "still holds the source in clear" in end
    assert "night guard" not in said.talk + said.out
    assert shown(ngo, said.out.strip())["has_source"]


def test_add_prints_the_id_alone_or_a_document(ngo: Contributor) -> None:
    said = ngo.run("add", *SITE, *SEEN, "--yes", "--json")
    document = said.json
    assert len(document["signal"]) == 32
    assert {each["member"] for each in document["audience"]} == {*COMPANIES, "the-founder"}
    assert len(ngo.run("add", *SITE, *SEEN, "--yes").out) == 33


def test_add_source_from_standard_input_is_kept_and_not_shown(ngo: Contributor) -> None:
    said = ngo.run("add", *SITE, *SEEN, "--yes", "--source-file", "-", typed="the night guard\nof the gate\n")
    hex_id = said.out.strip()
    source = ngo.run("show", hex_id, "--json", "--source").json["source"]
    assert source == "the night guard\nof the gate"
    assert "source" not in shown(ngo, hex_id)


def test_add_asks_before_it_stores(ngo: Contributor) -> None:
    before = count(ngo)
    said = ngo.run("add", *SITE, *SEEN, code=2)
    assert "no terminal to ask at" in said.talk
    assert "If you store it, this is who will be able to see what:" in said.talk
    assert count(ngo) == before


@pytest.mark.parametrize(
    ("options", "error", "hint"),
    [
        (("--indicator=debt-bondge",), "--indicator", "Did you mean debt-bondage?"),
        (("--evidence=wrker interview",), "--evidence", "Did you mean worker-interview?"),
        (("--kind=planet",), "--kind", "site, organisation, recruiter, vessel"),
        (("--scale=5",), "--scale", "not stated, low, moderate, high, extreme"),
        (("--confidence=101",), "--confidence", "0 to 100"),
        (("--reliability=G",), "--reliability", "A, B, C, D, E, F"),
        (("--tlp=purple",), "--tlp", "red, amber+strict, amber, green, clear"),
        (("--tlp=red",), "--tlp", "Name them as recipients"),
        (("--from=03/04/2026",), "--from", "2026-03"),
        (("--from=2026-05", "--to=2026-02"), "--from", "Swap the two months."),
        (("--from=2090-05",), "--from", ""),
        (("--embargo=soon",), "--embargo", "2026-12-31"),
        (("--expires=2020-01-01",), "--expires", ""),
        ((f"--expires={ahead(6)}",), "--expires", "revise it before"),
        (("--urgent",), "--urgent", "Leave the urgent mark out."),
        (("--scheme=SMETA",), "--grade", "Add it."),
        (("--purpose=due-dilligence",), "due-dilligence is no purpose", "Did you mean due-diligence?"),
        (("--recipient=brich",), "brich is no member", "Did you mean birch?"),
        (("--recipient=watch",), "own member", "Name others."),
        (("--workers=many",), "--workers", "Write digits."),
        (("--name=" + "x" * 9_000,), "--name", ""),
    ],
)
def test_add_word_that_does_not_hold_names_the_option_and_what_mends_it(
    ngo: Contributor, options: tuple[str, ...], error: str, hint: str
) -> None:
    before = count(ngo)
    said = ngo.run("add", *SITE, *SEEN, "--yes", *options, code=2)
    assert f"symbolon: error: {error}" in said.talk or (
        "symbolon: error: " in said.talk and error in said.talk
    )
    assert f"symbolon: hint: {hint}" in said.talk or hint in said.talk
    assert "symbolon: hint: " in said.talk
    assert count(ngo) == before


@pytest.mark.parametrize(
    ("options", "missing"),
    [
        (("--name=x", "--indicator=isolation", "--evidence=media"), "--kind"),
        (("--kind=site", "--indicator=isolation", "--evidence=media"), "--name"),
        (("--kind=site", "--name=x", "--evidence=media"), "--indicator"),
        (("--kind=site", "--name=x", "--indicator=isolation"), "--evidence"),
    ],
)
def test_add_without_what_is_needed_names_it(
    ngo: Contributor, options: tuple[str, ...], missing: str
) -> None:
    assert f"symbolon: error: {missing}: " in ngo.run("add", *options, "--yes", code=2).talk


def test_add_without_anything_and_without_a_terminal_says_how(ngo: Contributor) -> None:
    said = ngo.run("add", "--yes", code=2)
    assert "at a terminal: it asks" in said.talk


def test_add_shows_what_the_screening_found_and_refuses_until_reviewed(ngo: Contributor) -> None:
    narrative = ngo.file("n.txt", "They are paid 5 USD a piece. Call +49 170 1234567.")
    words = ("add", *SITE, *SEEN, "--yes", "--narrative-file", str(narrative))
    before = count(ngo)
    said = ngo.run(*words, code=65)
    assert "narrative: price" in said.talk
    assert "narrative: phone" in said.talk
    assert "competition law" in said.talk
    assert "can lead to a person" in said.talk
    assert "--reviewed" in said.talk
    # Not at a terminal, so what was found may end up in a log.
    assert "1234567" not in said.talk
    assert count(ngo) == before
    assert ngo.run(*words, "--reviewed").code == 0


def test_add_about_a_few_workers_warns(ngo: Contributor) -> None:
    assert "small workforce" in ngo.run("add", *SITE, *SEEN, "--workers=6", "--yes", code=65).talk


@pytest.mark.parametrize("what", ["folder", "missing", "binary", "huge", "empty", "zip"])
@pytest.mark.parametrize("option", ["--narrative-file", "--source-file"])
def test_add_text_that_is_no_text_is_refused(ngo: Contributor, option: str, what: str) -> None:
    path = ngo.folder / "text"
    contents = {
        "binary": b"a\0b",
        "huge": b"x" * 80_005,
        "empty": b" \n",
        "zip": b"PK\x03\x04rest",
    }
    if what == "folder":
        path = ngo.folder
    elif what == "missing":
        path = ngo.folder / "no such file"
    else:
        path = ngo.file("text", contents[what])
    said = ngo.run("add", *SITE, *SEEN, "--yes", option, str(path), code=65)
    assert "symbolon: hint: " in said.talk


def test_add_two_texts_from_one_standard_input_are_refused(ngo: Contributor) -> None:
    words = ("--narrative-file", "-", "--source-file", "-", "--yes")
    assert "one text" in ngo.run("add", *SITE, *SEEN, *words, code=2, typed="x").talk


def test_add_of_what_nobody_can_find_says_so(ngo: Contributor) -> None:
    said = ngo.run("add", "--kind=site", "--name=Textile Co", *SEEN, "--yes")
    assert "cannot be found by anybody" in said.talk
    assert "nobody, as things stand:" in said.talk


def test_add_day_in_a_month_is_cut_with_a_note(ngo: Contributor) -> None:
    words = ("--indicator=isolation", "--evidence=media", "--from=2026-03-15")
    said = ngo.run("add", *SITE, *words, "--yes")
    assert "the day was left out" in said.talk
    assert shown(ngo, said.out.strip())["period"] == {"from": "2026-03", "to": "2026-03"}


def test_add_where_the_coalition_has_several_purposes_asks_for_one(tmp_path: Any) -> None:
    with contributor(tmp_path, ("due-diligence", "remediation")) as ngo:
        said = ngo.run("add", *SITE, *SEEN, "--yes", code=2)
        assert "--purpose" in said.talk
        assert "due-diligence, remediation" in said.talk
        hex_id = ngo.add("--purpose", "remediation")
        assert shown(ngo, hex_id)["purposes"] == ["remediation"]


def test_add_with_policies_that_cannot_be_read_stores_nothing(tmp_path: Any) -> None:
    with contributor(tmp_path) as ngo:
        ngo.policy("permit(principal, action, resource);")
        said = ngo.run("add", *SITE, *SEEN, "--yes", code=78)
        assert "no @id" in said.talk
        assert count(ngo) == 0


def test_add_at_a_node_without_a_coalition_says_to_join(tmp_path: Any) -> None:
    from symbolon.cli.init import create_node

    ngo = Contributor(tmp_path, None)  # type: ignore[arg-type]
    create_node(ngo.home, member="watch", coalition="harbour", listen="127.0.0.1:0")
    said = ngo.run("add", *SITE, *SEEN, "--yes", code=77)
    assert "join" in said.talk


def test_add_output_is_json_with_letters_as_they_are(ngo: Contributor) -> None:
    hex_id = ngo.run(
        *("add", "--kind=recruiter", "--name=Ağaç Göçmen Bürosu", "--city=İzmir", "--country=TR"),
        *(*SEEN, "--yes"),
    ).out.strip()
    assert "Ağaç Göçmen Bürosu" in ngo.run("show", hex_id, "--json").out
    assert json.loads(ngo.run("list", "--json").out)[0]["signal_id"] == hex_id
