"""`symbolon suppliers show` and what a lookup tells: a supplier with all that can be known of it."""

import contextlib
import io
import json
import os
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from sqlalchemy import text

from received_labels import PURPOSE, Contributor, found, judged, some_signal
from signal_makers import make_draft
from signal_nodes import signature
from stored_signals import LEIS
from symbolon.cli import main, signals_watch
from symbolon.cli.init import create_node
from symbolon.cli.signals_news import news_json, news_lines
from symbolon.errors import UnavailableError
from symbolon.rpc.node import Node
from symbolon.rpc.receiver_role import Outcome
from symbolon.signals import revisions
from symbolon.signals.intake import Intake
from symbolon.signals.signal import Subject
from symbolon.signals.vocabulary import RecallReason, SubjectKind
from symbolon.storage.received_signal_writer import FeedPosition
from symbolon.storage.signal_store import NewSignal
from symbolon.storage.subscription_store import Subscription

HEADER = "supplier_id,name,address,city,region,postal_code,country,sector,lei\n"
NGO = Contributor()
NOW = datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=0) - timedelta(days=1)
ANSWER = "Every loan was written off in March."
STANDS, WRONG, WITHDRAWN, ELSEWHERE = range(1, 5)


def day(ago: int) -> date:
    return (NOW - timedelta(days=ago)).date()


def at(ago: int) -> float:
    return (NOW - timedelta(days=ago)).timestamp()


def issued(number: int) -> Any:
    dates = {"issued": day(9), "expires": day(-300), "review": day(-100), "period": None}
    return some_signal(number, **dates)


class Scene(NamedTuple):
    """A node, the ids of two own signals about S1, and what its last lookup came to."""

    home: Path
    own: list[str]
    intake: Intake

    def run(self, *arguments: str) -> str:
        out, talk = io.TextIOWrapper(io.BytesIO(), "utf-8"), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(talk):
            assert main.run(["--home", str(self.home), *arguments]) == 0, talk.getvalue()
        out.flush()
        return out.buffer.getvalue().decode()  # type: ignore[attr-defined]

    def page(self, supplier: str) -> dict[str, Any]:
        read: dict[str, Any] = json.loads(self.run("suppliers", "show", supplier, "--json"))
        return read


def looks_up(node: Node, *labels: Any, purpose: str = PURPOSE) -> Intake:
    intake = judged(node.received, labels, node.now.date(), who=NGO, purpose=purpose)
    with node.database.transaction("a lookup") as connection:
        node.received.save(
            connection,
            NGO.name,
            purpose,
            intake,
            key_id=NGO.key_id,
            positions=[FeedPosition(each, 1, 1) for each in "ABC"],
        )
    return intake


def imports(home: Path, sector: str, ago: int) -> None:
    """A list of which one row has changed; the import is dated back."""
    rows = [f"S1,Mill,1 Road,Gazipur,,,BD,{sector},{LEIS[0]}\n"]
    rows += [f"S{number},Works {number},{number} Road,Gazipur,,,BD,,\n" for number in range(2, 40)]
    (home.parent / "list.csv").write_text(HEADER + "".join(rows), encoding="utf-8")
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        assert main.run(["--home", str(home), "suppliers", "import", str(home.parent / "list.csv")]) == 0
    with Node(home) as node, node.database.transaction("date an import back") as connection:
        newest = "(SELECT max(id) FROM supplier_import)"
        connection.execute(
            text(f"UPDATE supplier_import SET started_at_s = :at_s WHERE id = {newest}"),
            {"at_s": int(at(ago))},
        )


def remembers_the_first_row(home: Path, supplier_no: int) -> None:
    """A version that was replaced, as a list of many suppliers keeps it until its segment is written anew."""
    with Node(home) as node, node.database.transaction("keep a replaced version") as connection:
        connection.execute(
            text("INSERT INTO supplier (pk, supplier_no, import_id, retired_by) VALUES (1000, :no, 1, 2)"),
            {"no": supplier_no},
        )


def contributes(node: Node, **about: str) -> str:
    """An own signal about S1, or another one."""
    record = node.suppliers.by_supplier_id("S1")
    assert record is not None
    subject = Subject(SubjectKind.SITE, replace(record.record, supplier_id="", sector="", **about))
    draft = make_draft(subject=subject, purposes=(PURPOSE,), period=None, expires=None, review=None)
    signal = draft.first_revision(os.urandom(16), node.now.date())
    node.signals.add_many([NewSignal(signal, signature(node, signal), "a guard", "")], workers=0)
    return signal.hex_id


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Scene:
    home = tmp_path_factory.mktemp("page") / "node"
    create_node(home, member="mill", coalition="grove", listen="127.0.0.1:0")
    imports(home, "yarn", 20)
    imports(home, "cloth", 15)
    with Node(home, clock=lambda: at(8)) as node:
        numbers = {each.record.supplier_id: each.supplier_no for each in node.suppliers.list()}
        one, two = numbers["S1"], numbers["S2"]
        remembers_the_first_row(home, one)
        labels = [found(NGO.label(issued(number)), one) for number in (STANDS, WRONG, WITHDRAWN)]
        labels.append(found(NGO.label(issued(ELSEWHERE)), two))
        looks_up(node, *labels)
        looks_up(node, labels[0], purpose="training")
    with Node(home, clock=lambda: at(7)) as node:
        (view, _) = node.received.views(lambda _: None, purpose=None)[:2]
        (link,) = view.links
        node.matches.decide(NGO.name, link.match, "accepted")
        own = [contributes(node), contributes(node)]
        contributes(node, name="Weir Dyers", address="9 Quay", lei="")
    with Node(home, clock=lambda: at(5)) as node:
        new = revisions.recall(node.signals.get(own[1]).signal, node.now.date(), RecallReason.DUPLICATE)
        node.signals.recall(new, signature(node, new))
    with Node(home, clock=lambda: at(4)) as node:
        answered = revisions.reply(issued(STANDS), day(4), ANSWER)
        gone = [
            revisions.recall(issued(number), day(5), reason)
            for number, reason in (
                (WRONG, RecallReason.WRONG_SUBJECT),
                (WITHDRAWN, RecallReason.WITHDRAWN),
            )
        ]
        intake = looks_up(node, *(found(NGO.label(each), one) for each in (answered, *gone)))
    return Scene(home, own, intake)


@pytest.fixture
def node(scene: Scene) -> Iterator[Node]:
    with Node(scene.home) as node:
        yield node


def hex_id(number: int) -> str:
    return issued(number).hex_id


def sections(page: str) -> dict[str, list[str]]:
    """Lines of a page by the heading above them."""
    blocks = [block.splitlines() for block in page.split("\n\n")]
    return {block[0]: block[1:] for block in blocks}


def test_page_has_keys_signals_with_their_reply_and_own_signals(scene: Scene) -> None:
    page = scene.run("suppliers", "show", "S1")
    assert page.startswith("S1  Mill\n")
    parts = sections(page)
    assert any(LEIS[0].lower() in line.lower() for line in _of(parts, "match keys"))
    assert _of(parts, "members that have it too") == ["  none known"]
    told = "\n".join(_of(parts, "signals of other members"))
    assert hex_id(STANDS)[:8] in told
    assert ANSWER in told
    assert hex_id(WRONG)[:8] not in told
    own = [line for line in _of(parts, "own signals about it") if re.match(r"  \S", line)]
    assert [line.split()[0] for line in own] == [each[:8] for each in reversed(scene.own)]
    assert "recalled" in own[0]
    assert "a guard" not in page


def _of(parts: dict[str, list[str]], heading: str) -> list[str]:
    (lines,) = [lines for name, lines in parts.items() if name.startswith(heading)]
    return lines


def test_page_tells_the_history_in_the_order_of_time(scene: Scene) -> None:
    first, second = (each[:8] for each in scene.own)
    stands, wrong = hex_id(STANDS)[:8], hex_id(WRONG)[:8]
    assert _of(sections(scene.run("suppliers", "show", "S1")), "history") == [
        f"  {day(20)}  in the list, as far back as this node knows",
        f"  {day(15)}  its row in the list changed, or its keys",
        f"  {day(8)}  signal {stands} of ngo came",
        f"  {day(7)}  its match with ngo was accepted by a person",
        *(f"  {day(7)}  own signal {each} was added" for each in (second, first)),
        f"  {day(5)}  own signal {second} was recalled: another signal says the same",
        f"  {day(4)}  signal {stands} of ngo came as it stands now, revision 2",
        f"  {day(4)}  signal {wrong} of ngo: its recall of {day(5)} came, it was about somebody else;"
        " undo what rested on it",
    ]


def test_page_for_programs_has_the_same(scene: Scene) -> None:
    page = scene.page("S1")
    assert page["known_since"] == day(20).isoformat()
    assert {each["signal_id"] for each in page["signals"]} == {hex_id(STANDS)}
    replies = {each["purpose"]: each["reply"] for each in page["signals"]}
    assert replies == {
        PURPOSE: {"received": day(4).isoformat(), "text": ANSWER},
        "training": None,
    }
    assert [each["signal_id"] for each in page["own_signals"]] == scene.own[::-1]
    history = [(each["what"], each["day"]) for each in page["history"]]
    assert history == [
        ("listed", str(day(20))),
        ("changed", str(day(15))),
        ("received", str(day(8))),
        ("decided", str(day(7))),
        ("own-added", str(day(7))),
        ("own-added", str(day(7))),
        ("own-recalled", str(day(5))),
        ("revised", str(day(4))),
        ("recalled", str(day(4))),
    ]
    assert page["history"][-1] == {
        "day": str(day(4)),
        "what": "recalled",
        "signal_id": hex_id(WRONG),
        "publisher": "ngo",
        "recalled": str(day(5)),
        "reason": "wrong-subject",
        "undo": True,
    }


def test_page_says_nothing_of_what_was_withdrawn_or_is_about_another_supplier(scene: Scene) -> None:
    page = json.dumps(scene.page("S1")) + scene.run("suppliers", "show", "S1")
    assert hex_id(WITHDRAWN)[:8] not in page
    assert hex_id(ELSEWHERE)[:8] not in page
    other = scene.page("S3")
    assert (other["signals"], other["own_signals"]) == ([], [])
    assert [each["what"] for each in other["history"]] == ["listed"]
    assert "  it came into the list, or its row" in scene.run("suppliers", "show", "S3")


def test_list_of_received_signals_names_the_supplier_of_a_recall(scene: Scene) -> None:
    stones = [line for line in scene.run("signals", "received").splitlines() if "recalled by" in line]
    assert sorted(stones) == [
        f"  {hex_id(WRONG)[:8]}  recalled by ngo on {day(5)}, arrived {day(4)}: it was about somebody else;"
        " it stood here under S1 Mill; undo what rested on it",
        f"  {hex_id(WITHDRAWN)[:8]}  recalled by ngo on {day(5)}, arrived {day(4)}:"
        " the contributor withdrew it",
    ]
    recalled = json.loads(scene.run("signals", "received", "--json"))["recalled"]
    assert {each["reason"]: each["suppliers"] for each in recalled} == {
        "wrong-subject": ["S1"],
        "withdrawn": [],
    }


def test_triage_has_what_stands_and_nothing_recalled(scene: Scene) -> None:
    rows = json.loads(scene.run("triage", "--json"))
    assert [(each["supplier_id"], each["decision"]) for each in rows] == [("S1", "accepted")]
    assert {each["signal_id"] for each in rows[0]["signals"]} == {hex_id(STANDS)}
    words = scene.run("triage")
    assert words.startswith("1. S1  Mill (certain: ")
    assert hex_id(STANDS)[:8] in words
    assert hex_id(WRONG)[:8] not in words


def test_news_name_each_recall_with_reason_and_supplier(scene: Scene, node: Node) -> None:
    assert list(news_lines(node, NGO.name, scene.intake)) == [
        "1 signal has a reply of its supplier.",
        "2 signals were recalled.",
        f"  {hex_id(WRONG)[:8]}: it was about somebody else; it stood here under S1 Mill;"
        " undo what rested on it",
        f"  {hex_id(WITHDRAWN)[:8]}: the contributor withdrew it",
        "1 signal is shown no longer.",
    ]


def test_news_for_programs_list_ids(scene: Scene, node: Node) -> None:
    assert news_json(node, NGO.name, scene.intake) == {
        "added": [],
        "revised": [hex_id(STANDS)],
        "returned": [],
        "reshaped": [],
        "disputed": [],
        "replied": [hex_id(STANDS)],
        "recalled": [
            {"signal_id": hex_id(WRONG), "reason": "wrong-subject", "suppliers": ["S1"]},
            {"signal_id": hex_id(WITHDRAWN), "reason": "withdrawn", "suppliers": []},
        ],
        "vanished": [hex_id(ELSEWHERE)],
    }


def told(
    node: Node, came: Outcome | UnavailableError, capsys: pytest.CaptureFixture[str], *, as_json: bool
) -> tuple[str, str]:
    followed = Subscription(NGO.name, PURPOSE, "AB", 0, None, "")
    signals_watch._tell(node, followed, came, as_json=as_json)
    said = capsys.readouterr()
    return said.out, said.err


def test_watch_tells_what_came(scene: Scene, node: Node, capsys: pytest.CaptureFixture[str]) -> None:
    outcome = Outcome(scene.intake.counts(), [], "", "", "same", scene.intake)
    words, _ = told(node, outcome, capsys, as_json=False)
    first, *others = words.splitlines()
    assert first.split("  ", 1)[1] == "ngo: 1 revised, 1 replied, 2 recalled, 1 vanished"
    expected = [f"          {line}" for line in news_lines(node, NGO.name, scene.intake)]
    assert others[: len(expected)] == expected
    assert any(hex_id(STANDS)[:8] in line for line in others[len(expected) :])
    document, _ = told(node, outcome, capsys, as_json=True)
    assert json.loads(document) == {
        "peer": "ngo",
        "purpose": PURPOSE,
        "revised": 1,
        "replied": 1,
        "recalled": 2,
        "vanished": 1,
        "news": news_json(node, NGO.name, scene.intake),
    }


def test_watch_warns_of_a_peer_that_is_away(node: Node, capsys: pytest.CaptureFixture[str]) -> None:
    out, talk = told(node, UnavailableError("ngo is away"), capsys, as_json=True)
    assert out == ""
    assert talk.startswith("symbolon: warning: ngo is away (")
