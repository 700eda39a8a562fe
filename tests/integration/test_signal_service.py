"""Narratives, contests, replies and corroboration between served nodes, by the commands that people type."""

import asyncio
import contextlib
import io
import json
import sys
import time
from collections.abc import AsyncGenerator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from real_nodes import Nodes, real_nodes
from signal_nodes import contribute, held, look_up, recall, records
from symbolon.audit.decision_record import parse_record
from symbolon.cli import main, signals_corroborate
from symbolon.cli.made_up_suppliers import MadeUpList
from symbolon.errors import MembershipError, PermissionDeniedError, SymbolonError
from symbolon.membership.acts import Reinstate, Suspend
from symbolon.membership.member import MemberId
from symbolon.policy.own_policies import OWN_FOLDER
from symbolon.rpc import signal_client
from symbolon.rpc.node import Node
from symbolon.rpc.reach import reached
from symbolon.rpc.receiver_lookup import Publishers
from symbolon.signals.vocabulary import DisputeState

WATCH, ALDER, BIRCH = "watch-ngo", "alder-co", "birch-co"
LIST = 60
TEXT = "They repay what they were made to borrow.\nFor years."
PERMIT = """
@id("own.{purpose}") @obligation("{obligation}")
permit (principal == Symbolon::Member::"birch-co", action == Symbolon::Action::"release", resource)
when {{ context.purpose == "{purpose}" }};
"""


@pytest.fixture(scope="module")
def nodes() -> Iterator[Nodes]:
    """An organisation serves; two companies have the same list."""
    with real_nodes() as nodes:
        for member, kind in ((WATCH, "ngo"), (ALDER, "company"), (BIRCH, "company")):
            nodes.coalition.add(member, kind=kind)
        both = tuple({"peer": each, "signals": True} for each in (ALDER, BIRCH))
        nodes.configure(WATCH, allow=both, exchange={"additions_interval_s": 0})
        for member in (ALDER, BIRCH):
            nodes.configure(member, allow=({"peer": WATCH, "signals": True},))
            nodes.take_in(member, MadeUpList(LIST, 0, 0, member))
        nodes.start(WATCH)
        yield nodes


class Typed(io.StringIO):
    """What a person types."""

    def isatty(self) -> bool:
        return True


def say(nodes: Nodes, member: str, *arguments: str, code: int = 0) -> tuple[str, str]:
    """Runs one `symbolon signals` command; what it printed and what it said."""
    done = nodes.run(member, "signals", *arguments, code=code, quick=True)
    return done.stdout, done.stderr


def entries(nodes: Nodes, member: str, event: str, hex_id: str) -> list[dict[str, str]]:
    """Of the audit log, about one signal."""
    with Node(nodes.home(member)) as node:
        all_of_them = [dict(each.values) for each in node.audit.entries()]
    return [each for each in all_of_them if (each["event"], each["session"]) == (event, hex_id)]


def file(nodes: Nodes, name: str, text: str) -> str:
    path: Path = nodes.coalition.folder / name
    path.write_text(text)
    return str(path)


def signal(nodes: Nodes, purpose: str, offset: int, *members: str, of: str = ALDER, **changes: Any) -> str:
    """A signal that members have looked up; its id."""
    about = {"purposes": (purpose,), "narrative": TEXT, **changes}
    (hex_id,) = contribute(nodes, WATCH, records(nodes, of, 1, offset), **about)
    for member in members:
        look_up(nodes, member, WATCH, purpose)
    return hex_id


# ------------------------------------------------------------------------------------------- narratives


def test_narrative_is_asked_for_once_told_in_words_and_kept(nodes: Nodes) -> None:
    hex_id = signal(nodes, "purpose-1", 0, ALDER)
    _, refused = say(nodes, ALDER, "narrative", hex_id, code=2)
    assert (
        "tells watch-ngo one thing that it does not know yet: that this member has this supplier" in refused
    )
    assert not entries(nodes, WATCH, "narrated", hex_id)
    out, _ = say(nodes, ALDER, "narrative", hex_id, "--yes")
    assert [each.strip("| ") for each in out.split("\n") if each] == TEXT.split("\n")
    (given,) = entries(nodes, WATCH, "narrated", hex_id)
    assert (given["peer"], given["purpose"]) == (ALDER, "purpose-1")
    assert parse_record(given["decision"]).request.principal == ALDER
    (asked,) = entries(nodes, ALDER, "interested", hex_id)
    assert parse_record(asked["decision"]).request.action == "ask"
    # Afterwards nobody is asked, nor told.
    out, said = say(nodes, ALDER, "narrative", hex_id, "--json")
    assert json.loads(out)["narrative"] == TEXT
    assert "tells" not in said
    assert (
        len(entries(nodes, WATCH, "narrated", hex_id))
        == len(entries(nodes, ALDER, "interested", hex_id))
        == 1
    )
    assert held(nodes, ALDER)[hex_id].has_text


def test_narrative_that_policy_withholds_is_not_asked_for(nodes: Nodes) -> None:
    own_policy(nodes, "purpose-2", "redact(narrative)")
    hex_id = signal(nodes, "purpose-2", 1, BIRCH)
    _, said = say(nodes, BIRCH, "narrative", hex_id, "--yes", code=65)
    assert "does not show whether there is a narrative" in said
    assert not entries(nodes, BIRCH, "interested", hex_id)


def own_policy(nodes: Nodes, purpose: str, obligation: str) -> None:
    folder = nodes.home(WATCH) / OWN_FOLDER
    folder.mkdir(exist_ok=True)
    text = PERMIT.format(purpose=purpose, obligation=obligation)
    (folder / f"{purpose}.cedar").write_text(text)


def test_narrative_that_was_withdrawn_meanwhile_is_refused_without_a_reason(nodes: Nodes) -> None:
    hex_id = signal(nodes, "purpose-3", 2, ALDER)
    less = file(nodes, "less.txt", "They are in debt.")
    say(nodes, WATCH, "revise", hex_id, "--narrative-file", less, "--yes", "--reviewed")
    _, said = say(nodes, ALDER, "narrative", hex_id, "--yes", code=77)
    assert "watch-ngo does not permit this" in said
    assert "revised, recalled or withheld" in said
    assert not held(nodes, ALDER)[hex_id].has_text
    look_up(nodes, ALDER, WATCH, "purpose-3")
    assert say(nodes, ALDER, "narrative", hex_id, "--yes")[0].strip("| \n") == "They are in debt."


def test_narrative_is_not_asked_for_where_this_nodes_own_policies_forbid_it(nodes: Nodes) -> None:
    hex_id = signal(nodes, "purpose-4", 3, ALDER)
    nodes.configure(ALDER, allow=({"peer": WATCH},))
    _, said = say(nodes, ALDER, "narrative", hex_id, "--yes", code=77)
    assert "[[allow]]" in said
    nodes.configure(ALDER, allow=({"peer": WATCH, "signals": True},))
    assert not entries(nodes, ALDER, "interested", hex_id)
    assert not entries(nodes, WATCH, "narrated", hex_id)


def test_audit_export_of_both_ends_holds_with_narratives_in_it(nodes: Nodes) -> None:
    hex_id = signal(nodes, "purpose-5", 4, ALDER)
    say(nodes, ALDER, "narrative", hex_id, "--yes")
    paths = [str(nodes.coalition.folder / f"{each}.jsonl") for each in (WATCH, ALDER)]
    for member, path in zip((WATCH, ALDER), paths, strict=True):
        nodes.run(member, "audit", "export", "--out", path, quick=True)
    done = nodes.run(ALDER, "audit", "verify", *paths, "--json", quick=True)
    verdict = json.loads(done.stdout)
    broken = [each for each in verdict["findings"] if each["severity"] == "broken"]
    assert broken == []


# -------------------------------------------------------------------------------------- contest and reply


def test_contest_shows_at_once_without_words_and_with_them_once_a_person_took_them(nodes: Nodes) -> None:
    hex_id = signal(nodes, "purpose-6", 5, ALDER, BIRCH)
    text = file(nodes, "contest.txt", "The plot is our neighbour's. We have shown the land register.")
    _, said = say(nodes, ALDER, "dispute", hex_id, "--statement-file", text, code=2)
    assert "tells watch-ngo that this member has this supplier and is in touch with it" in said
    out, said = say(nodes, ALDER, "dispute", hex_id, "--statement-file", text, "--yes", "--json")
    assert json.loads(out)["state"] == "waiting"
    assert "waits for its people" in said
    look_up(nodes, BIRCH, WATCH, "purpose-6")
    signal_there = held(nodes, BIRCH)[hex_id].signal
    assert (signal_there.dispute.state, signal_there.dispute.statement) == (DisputeState.OPEN, "")
    (waiting,) = [
        each for each in json.loads(say(nodes, WATCH, "pending", "--json")[0]) if each["signal"] == hex_id
    ]
    assert (waiting["peer"], waiting["kind"]) == (ALDER, "contest")
    assert "land register" in say(nodes, WATCH, "pending", str(waiting["number"]))[0]
    shorter = file(nodes, "shorter.txt", "The plot is a neighbour's.")
    say(nodes, WATCH, "pending", str(waiting["number"]), "--accept", "--text-file", shorter, "--yes")
    look_up(nodes, BIRCH, WATCH, "purpose-6")
    assert held(nodes, BIRCH)[hex_id].signal.dispute.statement == "The plot is a neighbour's."
    # The same again says what became of it, and makes nothing new.
    _, said = say(nodes, ALDER, "dispute", hex_id, "--statement-file", text, "--yes")
    assert "watch-ngo has accepted it" in said
    assert not [
        each for each in json.loads(say(nodes, WATCH, "pending", "--json")[0]) if each["signal"] == hex_id
    ]
    assert [each["note"] for each in entries(nodes, WATCH, "contested", hex_id)] == ["taken", "accepted"]
    assert {each["note"] for each in entries(nodes, ALDER, "contested", hex_id)} == {"relayed"}


def test_reply_reaches_everybody_once_it_is_accepted_and_not_before(nodes: Nodes) -> None:
    hex_id = signal(nodes, "purpose-7", 6, ALDER, BIRCH)
    text = file(nodes, "reply.txt", "আমরা সব ফি ফেরত দিয়েছি।")
    say(nodes, ALDER, "reply", hex_id, "--file", text, "--on", "2026-10-30", "--yes")
    look_up(nodes, BIRCH, WATCH, "purpose-7")
    assert held(nodes, BIRCH)[hex_id].signal.reply is None
    (waiting,) = [
        each for each in json.loads(say(nodes, WATCH, "pending", "--json")[0]) if each["signal"] == hex_id
    ]
    assert waiting["said_on"] == "2026-10-30"
    say(nodes, WATCH, "pending", str(waiting["number"]), "--accept", "--yes")
    look_up(nodes, BIRCH, WATCH, "purpose-7")
    reply = held(nodes, BIRCH)[hex_id].signal.reply
    assert reply is not None
    assert reply.text == "আমরা সব ফি ফেরত দিয়েছি।"


def test_contest_that_is_declined_ends_as_maintained_and_says_why(nodes: Nodes) -> None:
    hex_id = signal(nodes, "purpose-8", 7, ALDER)
    text = file(nodes, "contest.txt", "We never saw them.")
    say(nodes, ALDER, "dispute", hex_id, "--statement-file", text, "--yes")
    (waiting,) = [
        each for each in json.loads(say(nodes, WATCH, "pending", "--json")[0]) if each["signal"] == hex_id
    ]
    say(nodes, WATCH, "pending", str(waiting["number"]), "--decline", "They are on your payroll.", "--yes")
    _, said = say(nodes, ALDER, "dispute", hex_id, "--statement-file", text, "--yes")
    assert "They are on your payroll." in said
    look_up(nodes, ALDER, WATCH, "purpose-8")
    assert held(nodes, ALDER)[hex_id].signal.dispute.state is DisputeState.MAINTAINED


def test_dispute_and_reply_of_own_signals_are_still_this_members_own(nodes: Nodes) -> None:
    hex_id = signal(nodes, "purpose-9", 8)
    text = file(nodes, "own.txt", "They say it was a neighbour.")
    say(nodes, WATCH, "dispute", hex_id, "--statement-file", text, "--yes")
    out, _ = say(nodes, WATCH, "reply", hex_id, "--file", text, "--yes", "--json")
    assert json.loads(out)["revision"] == 3


def test_text_that_the_screening_finds_something_in_is_passed_on_only_after_a_look(nodes: Nodes) -> None:
    hex_id = signal(nodes, "purpose-10", 9, ALDER)
    text = file(nodes, "phone.txt", "Call our manager Karim Uddin, +880 1712 345678.")
    _, said = say(nodes, ALDER, "reply", hex_id, "--file", text, "--yes", code=65)
    assert "phone" in said
    assert not entries(nodes, ALDER, "contested", hex_id)
    say(nodes, ALDER, "reply", hex_id, "--file", text, "--yes", "--reviewed")
    (waiting,) = [
        each for each in json.loads(say(nodes, WATCH, "pending", "--json")[0]) if each["signal"] == hex_id
    ]
    say(nodes, WATCH, "pending", str(waiting["number"]), "--accept", "--yes", code=65)
    assert entries(nodes, WATCH, "contested", hex_id)[-1]["note"] == "taken"


# ----------------------------------------------------------------------------------------- corroboration


Type = Callable[..., tuple[int, str]]


@pytest.fixture
def typed(nodes: Nodes, monkeypatch: pytest.MonkeyPatch) -> Type:
    """Runs a command of `ALDER` for a person who types one word; its exit code and what it said."""

    def run(word: str, *arguments: str) -> tuple[int, str]:
        talk = io.StringIO()
        with monkeypatch.context() as patch, contextlib.redirect_stderr(talk):
            patch.setattr(signals_corroborate, "is_interactive", lambda: True)
            patch.setattr(sys, "stdin", Typed(f"{word}\n"))
            code = main.run(["--home", str(nodes.home(ALDER)), "signals", *arguments])
        return code, talk.getvalue()

    return run


def test_corroboration_takes_an_own_signal_and_a_persons_word_and_counts_once(
    nodes: Nodes, typed: Type
) -> None:
    own_policy(nodes, "purpose-11", "min_corroboration(2)")
    hex_id = signal(nodes, "purpose-11", 10, ALDER, BIRCH)
    assert held(nodes, ALDER)[hex_id].signal.contributors == 1
    assert hex_id not in held(nodes, BIRCH)
    (own,) = contribute(nodes, ALDER, records(nodes, ALDER, 1, 10))
    (other,) = contribute(nodes, ALDER, records(nodes, ALDER, 1, 40))
    say(nodes, ALDER, "corroborate", hex_id, code=2)
    _, said = say(nodes, ALDER, "corroborate", hex_id, "--own", other, code=65)
    assert "another supplier" in said
    _, said = say(nodes, ALDER, "corroborate", hex_id, "--own", own, "--yes", code=2)
    assert "there is no terminal" in said
    code, said = typed("yes", "corroborate", hex_id, "--own", own)
    assert code == 2
    assert "nothing was told to watch-ngo" in said
    assert not entries(nodes, ALDER, "corroborated", hex_id)
    for _ in range(2):
        code, said = typed("independent", "corroborate", hex_id, "--own", own)
        assert code == 0
        assert "second voice and no echo" in said
    look_up(nodes, BIRCH, WATCH, "purpose-11")
    assert held(nodes, BIRCH)[hex_id].signal.contributors == 2
    say(nodes, ALDER, "corroborate", hex_id, "--withdraw", "--yes")
    look_up(nodes, ALDER, WATCH, "purpose-11")
    assert held(nodes, ALDER)[hex_id].signal.contributors == 1
    assert [each["note"] for each in entries(nodes, WATCH, "corroborated", hex_id)] == ["given", "withdrawn"]


def test_corroboration_of_a_recalled_signal_can_still_be_named_and_is_refused(nodes: Nodes) -> None:
    hex_id = signal(nodes, "purpose-12", 11, ALDER)
    recall(nodes, WATCH, hex_id)
    look_up(nodes, ALDER, WATCH, "purpose-12")
    _, said = say(nodes, ALDER, "corroborate", hex_id, "--withdraw", "--yes", code=65)
    assert "give the whole id, --peer and --purpose" in said
    where = ("--peer", WATCH, "--purpose", "purpose-12")
    say(nodes, ALDER, "corroborate", hex_id, "--withdraw", "--yes", *where, code=77)


# -------------------------------------------------------------------------------- approvals and notices


def test_signal_that_waits_for_people_goes_out_once_they_have_acted(nodes: Nodes) -> None:
    own_policy(nodes, "purpose-13", "human_review; notify_supplier(supplier, 0)")
    hex_id = signal(nodes, "purpose-13", 12, BIRCH)
    # The [[allow]] table permits it beside the policy, so the stricter of the two binds.
    assert hex_id not in held(nodes, BIRCH)
    out, said = say(nodes, WATCH, "approve", hex_id, BIRCH, "--yes", "--json")
    assert json.loads(out)["approved_for"] == [BIRCH]
    assert "notice" in said
    look_up(nodes, BIRCH, WATCH, "purpose-13")
    assert hex_id not in held(nodes, BIRCH)
    with Node(nodes.home(WATCH)) as node:
        today = node.now.date().isoformat()
    out, _ = say(nodes, WATCH, "notified", hex_id, "--who", "supplier", "--on", today, "--json")
    assert json.loads(out)["notices"] == {"supplier": today}
    look_up(nodes, BIRCH, WATCH, "purpose-13")
    assert hex_id in held(nodes, BIRCH)
    # Taken back: what was shown is asked back with the key that it was shown by.
    say(nodes, WATCH, "approve", hex_id, BIRCH, "--withdraw", "--yes")
    look_up(nodes, BIRCH, WATCH, "purpose-13")
    assert hex_id not in held(nodes, BIRCH)


# -------------------------------------------------------------------------------------------------- watch


async def watch_news(node: Node, purpose: str) -> AsyncGenerator[int, None]:
    async with reached(node, WATCH) as channel:
        async for number in signal_client.watch_news(channel, WATCH, purpose):
            yield number


def test_watch_of_twenty_hears_of_a_recall_within_a_second_the_same_number_all(nodes: Nodes) -> None:
    hex_id = signal(nodes, "purpose-14", 13, ALDER)

    async def hear(node: Node, purpose: str, ready: asyncio.Event) -> tuple[int, int, float]:
        numbers = []
        async for number in watch_news(node, purpose):
            numbers.append(number)
            ready.set()
            if number != numbers[0]:
                break
        return numbers[0], numbers[-1], time.monotonic()

    async def watch(alder: Node, birch: Node) -> None:
        watchers = []
        for at in range(8):
            for node in (alder, birch):
                ready = asyncio.Event()
                # Whether it may see the signal or not, and for whichever purpose.
                purpose = "purpose-14" if at % 2 else "purpose-15"
                watchers.append(asyncio.create_task(hear(node, purpose, ready)))
                await asyncio.wait_for(ready.wait(), 10)
        await asyncio.to_thread(recall, nodes, WATCH, hex_id)
        recalled_s = time.monotonic()
        heard = await asyncio.wait_for(asyncio.gather(*watchers), 10)
        assert len({(first, last) for first, last, _ in heard}) == 1
        assert max(at_s for _, _, at_s in heard) - recalled_s < 1.0

    with Node(nodes.home(ALDER)) as alder, Node(nodes.home(BIRCH)) as birch:
        asyncio.run(watch(alder, birch))


def test_watch_is_refused_for_a_purpose_that_is_not_permitted(nodes: Nodes) -> None:
    async def first(node: Node) -> int:
        return await anext(watch_news(node, "resale"))

    with Node(nodes.home(ALDER)) as node, pytest.raises(PermissionDeniedError):
        asyncio.run(first(node))


def test_watch_ends_within_seconds_for_who_may_look_up_no_longer(nodes: Nodes) -> None:
    async def until_end(node: Node, ready: asyncio.Event) -> SymbolonError:
        try:
            async for _ in watch_news(node, "purpose-16"):
                ready.set()
        except SymbolonError as error:
            return error
        raise AssertionError("the stream ended without a word")

    async def watch(node: Node, act: Any) -> SymbolonError:
        ready = asyncio.Event()
        watching = asyncio.create_task(until_end(node, ready))
        await asyncio.wait_for(ready.wait(), 10)
        await asyncio.to_thread(act)
        return await asyncio.wait_for(watching, 15)

    folder = nodes.home(WATCH) / OWN_FOLDER
    folder.mkdir(exist_ok=True)
    forbid = '@id("not-alder")\nforbid (principal == Symbolon::Member::"alder-co", action, resource);\n'
    with Node(nodes.home(ALDER)) as node:
        ended = asyncio.run(watch(node, lambda: (folder / "alder.cedar").write_text(forbid)))
    assert isinstance(ended, PermissionDeniedError)
    (folder / "alder.cedar").unlink()

    def suspend() -> None:
        nodes.founder.node.founding.propose([Suspend(MemberId(BIRCH), "under review")])
        nodes.founder.tell(nodes.home(WATCH))

    with Node(nodes.home(BIRCH)) as node:
        ended = asyncio.run(watch(node, suspend))
    assert isinstance(ended, MembershipError)
    nodes.founder.node.founding.propose([Reinstate(MemberId(BIRCH))])
    nodes.coalition.publish()


def test_member_that_was_expelled_corroborates_nothing_and_is_given_nothing(nodes: Nodes) -> None:
    """Near the end: it does not come back."""
    hex_id = signal(nodes, "purpose-18", 14, BIRCH)
    (own,) = contribute(nodes, BIRCH, records(nodes, BIRCH, 1, 14))
    with Node(nodes.home(BIRCH)) as node:
        view = held(nodes, BIRCH)[hex_id]
        nodes.founder.expel(BIRCH)
        nodes.founder.tell(nodes.home(WATCH))
        # Its own copy of the list is the old one: it is the publisher that refuses.
        with pytest.raises(MembershipError):
            asyncio.run(signal_client.corroborate(node, view, node.signals.get(own)))
        with pytest.raises(MembershipError):
            asyncio.run(signal_client.ask_narrative(node, view))
    with Node(nodes.home(WATCH)) as node:
        held_there = node.signals.get(hex_id)
        assert node.responses.corroborating(held_there.number) == []
    assert not entries(nodes, WATCH, "narrated", hex_id)


def test_node_that_stops_does_not_wait_for_who_watches(nodes: Nodes) -> None:
    """Last: the node is stopped."""

    async def watch(node: Node) -> None:
        async for _ in watch_news(node, "purpose-17"):
            began = time.monotonic()
            code = await asyncio.to_thread(nodes.stop, WATCH)
            assert (code, time.monotonic() - began < 1.9) == (0, True)

    with Node(nodes.home(ALDER)) as node, pytest.raises(SymbolonError):
        asyncio.run(watch(node))
    assert "Traceback" not in nodes.log(WATCH)


def test_views_of_the_publisher_are_checked_by_its_key_of_today(nodes: Nodes) -> None:
    """What commands choose from is what stands here, with the publisher's signature checked once more."""
    with Node(nodes.home(ALDER)) as node:
        views = node.received.views(Publishers(node))
        assert views
        assert all(each.verified for each in views)
