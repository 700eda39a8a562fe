"""`symbolon signals hold`: noting, seeing and ending holds, and opening what they keep."""

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest

from contributing_ngo import NGO, PURPOSE, Contributor, ahead, contributor
from received_labels import Contributor as Publisher
from received_labels import found, judged, some_signal
from symbolon.errors import SignalError
from symbolon.rpc import legal_holds
from symbolon.rpc.node import Node
from symbolon.signals.revisions import recall
from symbolon.signals.signal import Signal
from symbolon.signals.vocabulary import RecallReason
from symbolon.storage import received_signal_hold as holding
from symbolon.storage.received_signal_hold import Piece
from symbolon.storage.received_signal_writer import FeedPosition
from whole_day import within_one_day

COURT = "Labour Court of Gazipur, file 17/26"
NARRATIVE = "Workers repay\nCANARY debts."
HOLD = ("--holder", COURT, "--until", ahead(4))


@pytest.fixture(scope="module")
def ngo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Contributor]:
    with contributor(tmp_path_factory.mktemp("coalition")) as made:
        yield made


@pytest.fixture(autouse=True)
def one_day() -> None:
    within_one_day()


def today() -> date:
    return datetime.now(UTC).date()


def signal_of(number: int, **changes: Any) -> Signal:
    """A signal of another member that stands today."""
    return some_signal(
        number,
        issued=today(),
        expires=today() + timedelta(days=400),
        review=today() + timedelta(days=100),
        purposes=(PURPOSE,),
        period=None,
        **changes,
    )


def takes(node: Node, who: Publisher, *signals: Signal) -> None:
    """A lookup that brings labels."""
    labels = [found(who.label(each)) for each in signals]
    intake = judged(node.received, labels, node.now.date(), who=who)
    with node.database.transaction("a lookup") as connection:
        positions = [FeedPosition(tier, 1, 2) for tier in "ABC"]
        node.received.save(connection, who.name, PURPOSE, intake, key_id=who.key_id, positions=positions)


def tells(node: Node, who: Publisher, signal: Signal, text: str = NARRATIVE) -> None:
    """Its narrative comes."""
    with node.database.transaction("a narrative") as connection:
        about = who.name, PURPOSE, signal.signal_id, signal.revision
        node.received.save_narrative(connection, *about, text)


def recalled_on_hold(ngo: Contributor, number: int, peer: str = "alder") -> Signal:
    """A received signal with a narrative that was put on hold and then recalled."""
    who, signal = Publisher(peer), signal_of(number)
    with ngo.node() as node:
        takes(node, who, signal)
        tells(node, who, signal)
    ngo.run("hold", signal.hex_id, *HOLD)
    with ngo.node() as node:
        takes(node, who, recall(signal, today(), RecallReason.ERROR))
    return signal


def entries(ngo: Contributor, hex_id: str) -> list[tuple[str, str, str]]:
    """What the log says of holds on a signal: event, peer, note."""
    with ngo.node() as node:
        said = [each.entry for each in node.audit.entries() if each.entry is not None]
    return [
        (each.event, each.peer, each.note) for each in said if each.session == hex_id and each.event == "held"
    ]


# ------------------------------------------------------------------------------------------ own signals


def test_hold_on_an_own_signal_names_its_holder_and_its_end(ngo: Contributor) -> None:
    hex_id = ngo.add()
    said = ngo.run("hold", hex_id[:8], *HOLD, "--json")
    assert said.json["signal_id"] == hex_id
    assert (said.json["own"], said.json["holder"], said.json["until"]) == (True, COURT, ahead(4))
    assert f"on hold until {ahead(4)}" in said.talk
    listed = ngo.run("hold").out
    assert f"{hex_id[:8]}  of this member" in listed
    assert f"held for {COURT}" in listed
    assert f"ends on {ahead(4)}" in listed
    (found_,) = [each for each in ngo.run("hold", "--json").json if each["signal_id"] == hex_id]
    assert (found_["publisher"], found_["pieces"]) == (NGO, 0)
    later = ngo.run("hold", hex_id, "--holder", "another court", "--until", ahead(3), "--json").json
    assert (later["holder"], later["until"]) == ("another court", ahead(3))
    ngo.run("hold", hex_id, "--release", "--yes")
    assert hex_id not in json.dumps(ngo.run("hold", "--json").json)
    assert entries(ngo, hex_id) == [
        ("held", "", f"until {ahead(4)}"),
        ("held", "", f"until {ahead(3)}"),
        ("held", "", "ended"),
    ]
    assert ngo.run("show", hex_id, "--json").json["state"] == "active"


def test_hold_keeps_an_own_signal_past_its_expiry_and_out_of_what_leaves(ngo: Contributor) -> None:
    hex_id = ngo.add("--source-file", str(ngo.file("s.txt", "CANARY guard")))
    ngo.run("hold", hex_id, *HOLD)
    with Node(ngo.home, clock=lambda: _at(today() + timedelta(days=800))) as node:
        node.signals.expire(node.now.date())
        number = node.signals.get(hex_id).number
        assert hex_id not in [each.signal.hex_id for each in node.signals.list()]
        assert number not in node.signals.facts(node.now.date()).numbers
        assert node.signals.source(number) == "CANARY guard"
        legal_holds.release(node, legal_holds.find(node, hex_id))
        node.signals.expire(node.now.date())
        with pytest.raises(SignalError) as refused:
            legal_holds.find(node, hex_id)
        assert refused.value.full_code == "signal.expired"


def test_show_of_an_own_signal_names_the_command_that_shows_it(ngo: Contributor) -> None:
    hex_id = ngo.add()
    ngo.run("hold", hex_id, *HOLD)
    assert f"signals show {hex_id[:8]} --history" in ngo.run("hold", hex_id, "--show", code=2).talk


# ------------------------------------------------------------------------------------- received signals


def test_recalled_signal_on_hold_is_nowhere_but_in_what_its_hold_shows(ngo: Contributor) -> None:
    signal = recalled_on_hold(ngo, 1)
    for words in (
        ("list", "--all", "--json"),
        ("received", "--json"),
        ("received",),
        ("export", "--format", "jsonl", "--with-red"),
        ("export", "--format", "misp", "--with-recalled"),
        ("export", "--format", "stix", "--with-recalled"),
        ("export", "--format", "stix", "--received"),
        ("hold",),
    ):
        assert "CANARY" not in ngo.run(*words).out
    assert signal.hex_id not in [each["signal_id"] for each in ngo.run("received", "--json").json["signals"]]
    assert signal.hex_id in [each["signal_id"] for each in ngo.run("received", "--json").json["recalled"]]
    with ngo.node() as node:
        assert not node.received.export(lambda _: None, peer="alder")
    assert "was recalled" in ngo.run("narrative", signal.hex_id, "--yes", code=65).talk
    assert f"{signal.hex_id[:8]}  from alder; keeps 2 pieces" in ngo.run("hold").out
    said = ngo.run("hold", signal.hex_id[:8], "--show")
    for words_ in ("revision 1, for due-diligence", "rests on: worker interview", "| CANARY debts."):
        assert words_ in said.out
    assert "alder recalled the signal" in said.talk
    assert f"kept until {ahead(4)} for {COURT}" in said.talk
    assert "for that holder alone" in said.talk
    # Of a recalled one nobody can be asked for anything.
    assert "can be asked for" not in said.out
    assert "signals narrative" not in said.out


def test_show_for_programs_has_labels_and_narratives(ngo: Contributor) -> None:
    signal = recalled_on_hold(ngo, 2)
    document = ngo.run("hold", signal.hex_id, "--show", "--json").json
    assert (document["publisher"], document["own"], document["holder"]) == ("alder", False, COURT)
    label, narrative = document["kept"]
    assert label["said"]["signal_id"] == signal.hex_id
    assert (label["narrative"], label["verified"]) == (None, False)  # the test's key is not the member's
    assert "suppliers" not in label["said"]
    assert (narrative["narrative"], narrative["said"]) == (NARRATIVE, None)


def test_log_tells_who_held_opened_and_released_what_and_nothing_of_what_it_said(ngo: Contributor) -> None:
    signal = recalled_on_hold(ngo, 3)
    ngo.run("hold", signal.hex_id, "--show")
    ngo.run("hold", signal.hex_id, "--release", "--yes")
    assert [each[2] for each in entries(ngo, signal.hex_id)] == [f"until {ahead(4)}", "opened", "ended"]
    assert {each[1] for each in entries(ngo, signal.hex_id)} == {"alder"}
    with ngo.node() as node:
        said = repr([each.entry for each in node.audit.entries()])
    for secret in ("CANARY", "Gazipur", COURT, "Blue River"):
        assert secret not in said


def test_release_erases_what_was_kept_once_a_person_has_said_so(ngo: Contributor) -> None:
    signal = recalled_on_hold(ngo, 4)
    refused = ngo.run("hold", signal.hex_id, "--release", code=2)
    assert "Add --yes" in refused.talk
    assert "erased for good" in refused.talk
    ngo.run("hold", signal.hex_id, "--release", "--yes")
    said = ngo.run("hold", signal.hex_id, "--show", code=65)
    assert "is not on hold" in said.talk
    assert "lists the holds that run" in said.talk
    with ngo.node() as node:
        assert not [each for each in node.received.holds() if each.signal_id == signal.signal_id]


def test_hold_on_what_stands_keeps_nothing_yet_and_outlives_the_expiry(ngo: Contributor) -> None:
    who, signal = Publisher("cedar"), signal_of(5)
    with ngo.node() as node:
        takes(node, who, signal)
    ngo.run("hold", signal.hex_id, *HOLD)
    said = ngo.run("hold", signal.hex_id, "--show")
    assert (said.out, "keeps nothing yet" in said.talk) == ("", True)
    assert "signals received cedar" in said.talk
    ends = date.fromisoformat(ahead(4))
    with Node(ngo.home, clock=lambda: _at(signal.expires)) as node:
        node.received.erase_due(node.clock(), lambda peer: node.asking_lock(peer, "signal"))
        found_ = legal_holds.find(node, signal.hex_id[:8])
        assert [each.revision for each in legal_holds.open_kept(node, found_)] == [1]
    with Node(ngo.home, clock=lambda: _at(ends)) as node:
        assert signal.signal_id not in [each.signal_id for each in legal_holds.running(node)]
        with pytest.raises(SignalError):
            legal_holds.find(node, signal.hex_id[:8])


def _at(day: date) -> float:
    return datetime.combine(day, time(1), UTC).timestamp()


def test_control_characters_in_what_is_kept_do_nothing_to_a_terminal(ngo: Contributor) -> None:
    signal = recalled_on_hold(ngo, 6)
    evil = "\x1b[2J\u202egnp.exe\u2066\x07\x9b31m\nsymbolon: all is well"
    with ngo.node() as node, node.database.transaction("test") as connection:
        about = "alder", signal.hex_id, [Piece(PURPOSE, 1, evil)]
        holding.keep(connection, node.sealer, *about, int(node.clock()))
    for more in ((), ("--json",)):
        said = ngo.run("hold", signal.hex_id, "--show", *more)
        for sign in "\x1b\u202e\u2066\x07\x9b":
            assert sign not in said.out + said.talk
        assert "\nsymbolon: all is well" not in said.out
    assert ngo.run("hold", signal.hex_id, "--show", "--json").json["kept"][-1]["narrative"] == evil


# -------------------------------------------------------------------------------------------- refusals


@pytest.mark.parametrize(
    ("words", "code", "hint"),
    [
        (("--until", "soon"), 2, "--holder"),
        (("--holder", COURT), 2, "--until"),
        (("--holder", "  ", "--until", ahead(1)), 2, "names its holder"),
        (("--holder", COURT, "--until", "31.12.2030"), 2, "Write it like"),
        (("--holder", COURT, "--until", "2026-01-01"), 65, "day on which it ends"),
        (("--holder", "a\x1b[2Jb", "--until", ahead(1)), 65, "For example"),
        (("--holder", "x" * 201, "--until", ahead(1)), 65, "For example"),
        (("--release", "--show"), 2, "one thing at a time"),
        (("--release", *HOLD), 2, "one thing at a time"),
        ((), 2, "`--release` ends it"),
        (("--release", "--yes"), 65, "lists the holds that run"),
        (("--peer", "Not a member", "--show"), 2, "hint"),
        (("--peer", "birch", *HOLD), 65, "symbolon signals hold"),
    ],
)
def test_what_cannot_be_is_refused_with_what_to_do(
    ngo: Contributor, words: tuple[str, ...], code: int, hint: str
) -> None:
    hex_id = ngo.add()
    said = ngo.run("hold", hex_id, *words, code=code)
    assert "symbolon: error: " in said.talk
    assert "symbolon: hint: " in said.talk
    assert hint in said.talk
    assert entries(ngo, hex_id) == []
    assert "\x1b" not in said.talk


@pytest.mark.parametrize("words", [("--show",), ("--release",), HOLD])
def test_deed_without_a_signal_is_refused(ngo: Contributor, words: tuple[str, ...]) -> None:
    assert "no signal is named" in ngo.run("hold", *words, code=2).talk


@pytest.mark.parametrize("hex_id", ["00000000", "xyz", "12"])
def test_id_that_is_none_is_refused(ngo: Contributor, hex_id: str) -> None:
    said = ngo.run("hold", hex_id, *HOLD, code=65)
    assert "symbolon: hint: " in said.talk


def test_recalled_signal_cannot_be_put_on_hold_any_more(ngo: Contributor) -> None:
    who, signal = Publisher("dogwood"), signal_of(7)
    with ngo.node() as node:
        takes(node, who, signal)
        takes(node, who, recall(signal, today(), RecallReason.ERROR))
    said = ngo.run("hold", signal.hex_id, *HOLD, code=65)
    assert "was recalled: nothing of it is left" in said.talk
    assert "while it stands" in said.talk
    assert entries(ngo, signal.hex_id) == []


def test_id_of_several_peers_and_of_this_member_asks_for_the_publisher(ngo: Contributor) -> None:
    hex_id = ngo.add()
    copied = signal_of(8)
    object.__setattr__(copied, "signal_id", bytes.fromhex(hex_id))
    with ngo.node() as node:
        takes(node, Publisher("alder"), copied)
        takes(node, Publisher("cedar", 2), copied)
    said = ngo.run("hold", hex_id, *HOLD, code=65)
    for peer in ("alder", "cedar", NGO):
        assert f"--peer {peer}" in said.talk
    for peer in ("cedar", NGO):
        assert ngo.run("hold", hex_id, "--peer", peer, *HOLD, "--json").json["publisher"] == peer
    listed = [each["publisher"] for each in ngo.run("hold", "--json").json if each["signal_id"] == hex_id]
    assert listed == [NGO, "cedar"]
    (only,) = [
        each for each in ngo.run("hold", "--peer", "cedar", "--json").json if each["signal_id"] == hex_id
    ]
    assert only["own"] is False


def test_node_without_a_hold_says_how_to_note_one(tmp_path_factory: pytest.TempPathFactory) -> None:
    with contributor(tmp_path_factory.mktemp("empty")) as made:
        said = made.run("hold")
        assert (said.out, "--holder TEXT --until DAY" in said.talk) == ("", True)
        assert made.run("hold", "--json").json == []
