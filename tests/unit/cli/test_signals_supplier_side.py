"""`symbolon signals dispute`, `settle`, `reply`, `reply-form`: the supplier's side, without a node."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from contributing_ngo import Contributor, contributor
from symbolon.signals.signal import MAX_REPLY_BYTES, MAX_STATEMENT_BYTES


@pytest.fixture(scope="module")
def ngo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Contributor]:
    with contributor(tmp_path_factory.mktemp("coalition")) as made:
        yield made


def shown(ngo: Contributor, hex_id: str) -> dict[str, Any]:
    found: dict[str, Any] = ngo.run("show", hex_id, "--json").json
    return found


def form_of(ngo: Contributor, hex_id: str, *more: str) -> Path:
    path = ngo.folder / "form.txt"
    ngo.run("reply-form", hex_id, "--out", str(path), "--yes", *more)
    return path


def fill(path: Path, answer: str, encoding: str = "utf-8") -> Path:
    text = path.read_text(encoding="utf-8").replace("\n\n\n\n-----", f"\n{answer}\n-----")
    path.write_bytes(text.encode(encoding))
    return path


def test_dispute_settle_and_dispute_again_are_noted(ngo: Contributor) -> None:
    hex_id = ngo.add()
    ngo.given("birch", hex_id)
    statement = ngo.file("d.txt", "We pay  every month.\r\n")
    said = ngo.run("dispute", hex_id, "--statement-file", str(statement), "--yes", "--json")
    assert "birch will see that at the next contact" in said.talk
    assert said.json["dispute"] == "open"
    assert shown(ngo, hex_id)["dispute"]["statement"] == "We pay  every month."
    for answer, state in (("maintained", "maintained"), ("Remedied", "remedied")):
        assert ngo.run("settle", hex_id, "--as", answer, "--json").json["dispute"] == state
    ngo.run("dispute", hex_id, "--statement-file", "-", "--yes", typed="Still wrong.")
    assert shown(ngo, hex_id)["dispute"]["state"] == "open"


def test_dispute_of_nothing_and_settling_nothing_are_refused(ngo: Contributor) -> None:
    hex_id = ngo.add()
    assert "not disputed" in ngo.run("settle", hex_id, "--as=maintained", code=65).talk
    assert "Did you mean corrected?" in ngo.run("settle", hex_id, "--as=correct", code=2).talk
    empty = ngo.file("d.txt", " \n")
    assert "is empty" in ngo.run("dispute", hex_id, "--statement-file", str(empty), "--yes", code=65).talk
    assert shown(ngo, hex_id)["revision"] == 1


@pytest.mark.parametrize("command", ["dispute", "reply"])
def test_supplier_side_is_asked_screened_and_bounded(ngo: Contributor, command: str) -> None:
    hex_id = ngo.add()
    option, limit = (
        ("--statement-file", MAX_STATEMENT_BYTES) if command == "dispute" else ("--file", MAX_REPLY_BYTES)
    )
    fine = ngo.file("t.txt", "We pay every month.")
    assert "no terminal" in ngo.run(command, hex_id, option, str(fine), code=2).talk
    suspect = ngo.file("t.txt", "Call +49 170 1234567.")
    assert "phone" in ngo.run(command, hex_id, option, str(suspect), "--yes", code=65).talk
    long = ngo.file("t.txt", "é" * (limit // 2 + 1))
    assert "more than" in ngo.run(command, hex_id, option, str(long), "--yes", code=65).talk
    assert shown(ngo, hex_id)["revision"] == 1
    ngo.run(command, hex_id, option, str(ngo.file("t.txt", "é" * (limit // 2))), "--yes")
    assert shown(ngo, hex_id)["revision"] == 2


def test_reply_replaces_an_earlier_one_and_says_so(ngo: Contributor) -> None:
    hex_id = ngo.add()
    ngo.run("reply", hex_id, "--file", "-", "--yes", typed="First.")
    said = ngo.run("reply", hex_id, "--file", "-", "--yes", typed="Second.")
    assert "takes the place of the answer of" in said.talk
    assert shown(ngo, hex_id)["reply"]["text"] == "Second."


@pytest.mark.parametrize(
    "words",
    [(), ("--file", "x"), ("0" * 8,), ("0" * 8, "--file", "x", "--form", "y")],
)
def test_reply_of_neither_or_both_is_refused(ngo: Contributor, words: tuple[str, ...]) -> None:
    assert "reply --form FILE" in ngo.run("reply", *words, code=2).talk


# ----------------------------------------------------------------------------------------------- forms


def test_form_comes_back_to_its_signal_by_the_case_code_alone(ngo: Contributor) -> None:
    hex_id, other = ngo.add(), ngo.add()
    path = fill(form_of(ngo, hex_id), "We have changed this.\n\nAll debts were paid back.")
    said = ngo.run("reply", "--form", str(path), "--yes", "--json")
    assert said.json["signal"] == hex_id
    assert "| We have changed this." in said.talk
    assert shown(ngo, hex_id)["reply"]["text"] == "We have changed this.\n\nAll debts were paid back."
    assert shown(ngo, other)["reply"] is None


def test_form_tells_the_supplier_indicators_and_months_and_nothing_that_points_at_a_source(
    ngo: Contributor,
) -> None:
    hex_id = ngo.add(
        *("--confidence=70", "--reliability=B", "--tlp=green"),
        *("--narrative-file", str(ngo.file("n.txt", "The night shift said so."))),
        *("--source-file", str(ngo.file("s.txt", "CANARY"))),
    )
    path = ngo.folder / "form.txt"
    said = ngo.run("reply-form", hex_id, "--out", str(path), "--yes")
    text = path.read_text()
    assert "What was reported: debt bondage." in text
    assert "When: 2026-01 to 2026-03." in text
    for secret in ("interview", "70", "night shift", "CANARY", "watch", hex_id[:8], "green", "usually"):
        assert secret not in text
    assert "Think of who could have told you this" in said.talk
    assert "| What was reported: debt bondage." in said.talk
    assert path.stat().st_mode & 0o077 == 0


def test_form_can_leave_out_or_say_it_otherwise(ngo: Contributor) -> None:
    hex_id = ngo.add()
    assert "When:" not in form_of(ngo, hex_id, "--leave-out=period").read_text()
    assert "debt bondage" not in form_of(ngo, hex_id, "--leave-out=indicators").read_text()
    own = ngo.file("w.txt", "Conditions in your dormitory.")
    text = form_of(
        ngo,
        hex_id,
        *("--words-file", str(own), "--about=The factory at the canal", "--from=Harbour Watch"),
        "--return-to=PO Box 5, Hamburg",
    ).read_text()
    assert "Conditions in your dormitory." in text
    assert "debt bondage" not in text
    assert "Blue River" not in text
    assert "From: Harbour Watch" in text
    assert "How to send it back: PO Box 5, Hamburg" in text


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("--leave-out=period", "--leave-out=indicators"), 2, "--words-file FILE"),
        (("--leave-out=name",), 2, "indicators or period"),
        (("--about=" + "x" * 300,), 2, "one line"),
        (("--from=a\nb",), 2, "one line"),
    ],
)
def test_form_that_cannot_be_written_says_why(
    ngo: Contributor, words: tuple[str, ...], code: int, said: str
) -> None:
    path = ngo.folder / "none.txt"
    talk = ngo.run("reply-form", ngo.add(), "--out", str(path), "--yes", *words, code=code).talk
    assert said in talk
    assert not path.exists()


def test_form_with_words_that_the_screening_suspects_is_refused(ngo: Contributor) -> None:
    own = ngo.file("w.txt", "Call +49 170 1234567.")
    path = ngo.folder / "none.txt"
    words = ("reply-form", ngo.add(), "--out", str(path), "--words-file", str(own), "--yes")
    assert "phone" in ngo.run(*words, code=65).talk
    assert not path.exists()
    assert ngo.run(*words, "--reviewed").code == 0


def test_form_asks_before_it_is_written_and_needs_a_file_it_can_write(ngo: Contributor) -> None:
    hex_id = ngo.add()
    path = ngo.folder / "none.txt"
    path.unlink(missing_ok=True)
    assert "no terminal" in ngo.run("reply-form", hex_id, "--out", str(path), code=2).talk
    assert not path.exists()
    for target in (ngo.folder, ngo.folder / "no" / "such"):
        ngo.run("reply-form", hex_id, "--out", str(target), "--yes", code=65)


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda text: text, "no answer"),
        (lambda text: text.replace("RR-", "XX-"), "no case code"),
        (lambda text: text.replace("[[END]]", ""), "not exactly one"),
        (lambda text: "", "is empty"),
    ],
)
def test_form_that_came_back_broken_says_what_mends_it(ngo: Contributor, spoil: Any, said: str) -> None:
    path = form_of(ngo, ngo.add())
    path.write_text(spoil(path.read_text()))
    talk = ngo.run("reply", "--form", str(path), "--yes", code=65).talk
    assert said in talk
    assert "symbolon: hint: " in talk


def test_form_of_another_case_is_not_attached_to_the_signal_that_was_named(ngo: Contributor) -> None:
    hex_id, other = ngo.add(), ngo.add()
    path = fill(form_of(ngo, hex_id), "No.")
    talk = ngo.run("reply", other, "--form", str(path), "--yes", code=65).talk
    assert f"the form is about {hex_id[:8]}" in talk
    assert shown(ngo, other)["reply"] is None
    ngo.run("reply", hex_id[:8], "--form", str(path), "--yes")


def test_form_of_no_case_here_says_so(ngo: Contributor) -> None:
    path = fill(form_of(ngo, ngo.add()), "No.")
    text = path.read_text()
    at = text.index("RR-")
    path.write_text(text.replace(text[at : at + 22], "RR-0000-0000-0000-0000"))
    assert "no signal of this node has the case code" in ngo.run("reply", "--form", str(path), code=65).talk


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_form_saved_by_whatever_editor_is_read(ngo: Contributor, encoding: str) -> None:
    hex_id = ngo.add()
    path = fill(form_of(ngo, hex_id), "Le café où l'on paye.", encoding)
    ngo.run("reply", "--form", str(path), "--yes")
    assert shown(ngo, hex_id)["reply"]["text"] == "Le café où l'on paye."


def test_reply_that_could_deceive_a_terminal_is_shown_and_kept_as_plain_text(ngo: Contributor) -> None:
    hex_id = ngo.add()
    path = fill(form_of(ngo, hex_id), "ok\x1b[2J\x07 \u202eevil")
    said = ngo.run("reply", "--form", str(path), "--yes")
    everything = said.talk + ngo.run("show", hex_id).out
    assert not set(everything) & {"\x1b", "\x07", "\u202e"}
    assert shown(ngo, hex_id)["reply"]["text"] == "ok[2J evil"
