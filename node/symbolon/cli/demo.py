"""`symbolon demo`: a whole coalition on loopback, told step by step, and checked at the end.

Real processes, the real commands and protocol, real mutual TLS; only lists and signals are made up. Because
those of all members are at hand here, as they never are in life, every result is held against one that is
computed in the clear; the command fails where they differ. Everything stands in one temporary folder, which
is removed also after an error or Ctrl-C.
"""

import json
import signal
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import typer

from symbolon.cli.demo_check import ClearMatch, clear_join, require_equal
from symbolon.cli.demo_lists import demo_lists, write_list
from symbolon.cli.demo_signals import SignalSteps
from symbolon.cli.demo_stage import ANSWERER, ASKER, FOLLOW_S, FOUNDER, NGO, Stage, free_ports
from symbolon.cli.demo_story import Story
from symbolon.cli.local_coalition import PURPOSE, local_processes
from symbolon.errors import MembershipError, PermissionDeniedError, SymbolonError
from symbolon.rpc.node import Node

app = typer.Typer(rich_markup_mode=None, add_completion=False)

TIERS: Final = "ABC"

_MEANING: Final = {
    "certain": "a valid identifier is the same",
    "probable": "the same name and place, in another spelling",
    "candidate": "a similar name at the same address: a person decides",
}
_SHOWN_PER_BAND: Final = 4
_ALLOW: Final = """[[allow]]
peer = "{peer}"
purposes = ["{purpose}"]
modes = ["intersection"]
tiers = ["A", "B", "C"]
{other_way} = false
"""
_PAUSE: Final = "[exchange]\n"
_NO_PAUSE: Final = "[exchange]\nadditions_interval_s = 0\n"
"""What is replaced in a configuration: in life a day passes between two additions to what a peer sees."""


@app.command(epilog="Exit codes: 0 all as it should be; 70 a result differs from the clear.")
def demo() -> None:
    """Show a whole coalition on loopback, step by step, in a minute.

    A coordinator founds a coalition; two companies and an NGO with made-up supplier lists join it and find
    the suppliers they share without showing the lists, as their policies allow. The NGO tells one company
    what it knows of that company's suppliers, and takes some of it back. Nothing leaves this machine, and
    nothing is left on it.
    """
    start = time.monotonic()
    hang_up = signal.signal(signal.SIGHUP, _interrupt)
    try:
        with local_processes() as processes:
            folder = processes.folder
            story = Story(folder)
            first, second = _Demo(Stage(processes, story, demo_lists())).tell()
    finally:
        signal.signal(signal.SIGHUP, hang_up)
    story.step("Everything is removed")
    if folder.exists():
        raise SymbolonError(f"{folder} could not be removed", code="demo.left_over")
    story.say("All nodes are stopped; their folder with lists, signals, keys and results is deleted.")
    seconds = time.monotonic() - start
    print(
        f"\nsymbolon: the demo did what it should: two companies matched {first.suppliers} suppliers, and "
        f"{second.suppliers} after a change, both times equal to the join in the clear; an NGO's signals "
        f"reached the one that may see them, and its recall left nothing, in {seconds:.0f} s."
    )
    print(
        "symbolon: next: `symbolon try match A.csv B.csv` does it with two files of your own; see README.md."
    )


def _interrupt(_number: int, _frame: object) -> None:
    raise KeyboardInterrupt


@dataclass(frozen=True, slots=True)
class _Result:
    """One session: the matches as written to the file, the figures, and the join in the clear."""

    rows: list[Mapping[str, str]]
    figures: Mapping[str, Any]
    expected: list[ClearMatch]

    @property
    def suppliers(self) -> int:
        """Own suppliers matched, whatever the band."""
        return len({row["supplier_id"] for row in self.rows})

    @property
    def wire_bytes(self) -> int:
        """Bytes of both directions."""
        return int(self.figures["bytes_sent"]) + int(self.figures["bytes_received"])


class _Demo:
    """The steps, in order."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._story = stage.story
        self._signals = SignalSteps(stage)
        self._root = ""

    def tell(self) -> tuple[_Result, _Result]:
        """Tells all but the end.

        Returns:
            The first and the second session.

        Raises:
            SymbolonError: a step did not come out as it should.
        """
        self._story.title(
            "Companies and an NGO find the suppliers they share, without showing their lists, and what the "
            "NGO knows of these suppliers reaches those whom it chose."
        )
        self._found()
        self._join()
        self._import("Each member imports its own list into its own node", first=True)
        self._allow()
        self._deny()
        self._agree()
        first = self._match()
        self._compare(first)
        self._ask_as_ngo()
        second = self._change(first)
        self._signals.tell()
        self._witness()
        self._audit()
        self._suspend()
        return first, second

    def _found(self) -> None:
        self._story.step("A coalition is founded")
        self._story.say(
            """Cedar coordinates a coalition against forced labour. It founds it on its own node, which keeps
            the members' records and signs each change of them, and runs a relay beside it, for members that
            cannot be dialled. It sees none of the lists, and nothing of what others find."""
        )
        node, relay = (f"127.0.0.1:{port}" for port in free_ports(2))
        self._root = self._story.run(
            *("--home", FOUNDER, "coalition", "create", "harbour", "--member", FOUNDER, "--person", "Cleo"),
            *("--jurisdiction", "BE", "--listen", node, "--endpoint", node, "--relay-endpoint", relay),
        ).strip()
        self._story.show(self._root)
        self._stage.begin(FOUNDER, "serve")
        self._stage.begin(FOUNDER, "relay", "--listen", relay)
        for what in ("serve", "relay"):
            self._stage.processes.opened(f"{FOUNDER}-{what}")

    def _join(self) -> None:
        self._story.step("Two companies and an NGO are invited, and join")
        self._story.say(
            """Cedar has looked at Birch, a department store, Alder, a clothing brand, and Dune, which stands
            up for the people who sew for them, and sends each a code, as one sends a password. The code is
            all that they need: it says where Cedar is, and what the coalition's records are signed with.
            Their nodes make their own private keys, which never
            leave them. They open no port: whoever wants to reach them goes through Cedar's relay."""
        )
        vetted = ("--jurisdiction", "PT", "--vetted-by", "Cleo", "--criteria", "charter, section 3")
        joining = ((ANSWERER, "Bela", "company"), (ASKER, "Ada", "company"), (NGO, "Dina", "ngo"))
        for member, person, kind in joining:
            invite = ("--home", FOUNDER, "coalition", "invite", member, *vetted, "--kind", kind)
            code = self._story.run(*invite).strip()
            join = ("--home", member, "coalition", "join", code, "--person", person, "--accept-terms", "1")
            self._story.run(*join)
            self._stage.configure(member, _NO_PAUSE, _PAUSE)
        told = json.loads(self._story.run("--home", NGO, "coalition", "members", "--json"))["members"]
        columns = ("member", "kind", "roles", "reached", "standing")
        self._story.table(columns, [[each[column] for column in columns] for each in told])

    def _import(self, title: str, *, first: bool) -> None:
        self._story.step(title)
        lists = self._stage.lists
        importing = {ASKER: lists.ours, ANSWERER: lists.theirs}
        if first:
            importing[NGO] = lists.watched
            self._story.say(
                f"""The companies' lists have {len(lists.ours):,} suppliers each, made up for this
                demonstration. {len(lists.truth)} are on both, and hardly one is written the same way twice.
                Dune's list has the {len(lists.watched)} places that it looks after."""
            )
            rows = [(each.ours.name, each.theirs.name, each.shows) for each in lists.featured]
            self._story.table(("Alder writes", "Birch writes", "what differs"), rows)
        for member, suppliers in importing.items():
            write_list(self._stage.list_file(member), suppliers)
        self._story.run_together(
            *(("--home", each, "suppliers", "import", self._stage.list_file(each).name) for each in importing)
        )

    def _allow(self) -> None:
        self._story.step("Birch's operator allows two members to ask")
        self._story.say(
            """A node answers nobody until its operator says whom, what and for which purpose. Birch's
            operator writes this into birch/symbolon.toml, and the same for Dune; then the node starts.
            Tables at Alder and Dune let their own nodes ask."""
        )
        for peer in (ASKER, NGO):
            allow = _ALLOW.format(peer=peer, purpose=PURPOSE, other_way="ask")
            own = _ALLOW.format(peer=ANSWERER, purpose=PURPOSE, other_way="answer")
            for member, table in ((ANSWERER, allow), (peer, own)):
                self._stage.configure(member, table)
        self._story.show(_ALLOW.format(peer=ASKER, purpose=PURPOSE, other_way="ask"))
        self._stage.begin(ANSWERER, "serve")
        self._stage.reachable(ANSWERER)

    def _deny(self) -> None:
        self._story.step("Alder asks, and is refused")
        self._story.say(
            """The table allows it, and a policy that comes with every node forbids it: which suppliers two
            companies share is a secret of both, until they have agreed on it in writing."""
        )
        self._story.run(*self._match_command("matches.json"), code=PermissionDeniedError.exit_code)
        tried = ("--purpose", PURPOSE, "--mode", "intersection")
        told = self._story.run("--home", ANSWERER, "policy", "explain", ASKER, *tried, code=1)
        self._story.show(told)

    def _agree(self) -> None:
        self._story.step("The two companies agree")
        self._story.say("Each signs with its own key, for one purpose and one year; each can end it at once.")
        purpose = ("--purpose", PURPOSE, "--yes")
        self._story.run("--home", ASKER, "policy", "agree", ANSWERER, *purpose)
        self._story.run("--home", ANSWERER, "policy", "agree", ASKER, *purpose)

    def _match(self) -> _Result:
        self._story.step("Alder asks again: which of my suppliers do you have too?")
        self._story.say(
            """Every name, address and number becomes match keys, every key a point of an elliptic curve.
            Alder blinds its points with random numbers; Birch multiplies them with a secret of its own,
            without seeing what they are; unblinded again, they open those entries of Birch's answer
            that belong to suppliers on both lists, and no other."""
        )
        result = self._session("matches.json")
        names = {each.supplier_id: each.name for each in self._stage.lists.ours}
        for band, meaning in _MEANING.items():
            found = _suppliers_of(result.rows, band)
            if not found:
                raise SymbolonError(f"no supplier is matched as {band}", code="demo.band")
            self._story.say(f"{band}: {len(found)} suppliers ({meaning})")
            rows = [(own, names[own], found[own]) for own in sorted(found)[:_SHOWN_PER_BAND]]
            more = len(found) - len(rows)
            rows += [("…", f"and {more} more", "")] if more > 0 else []
            self._story.table(("Alder's id", "Alder's name", "why"), rows)
        return result

    def _compare(self, result: _Result) -> None:
        self._story.step("What did each side reveal, and what did it learn?")
        self._story.say(f"Alder's node says: {result.figures['sentence']}")
        self._story.say(f"Birch's node says: {self._sentence_of_answerer()}")
        met = {(each.ours, each.theirs): each.band for each in result.expected}
        truth = self._stage.lists.truth
        false = {pair: band for pair, band in met.items() if pair not in truth}
        if set(false.values()) - {"candidate"}:
            raise SymbolonError("a certain or probable match is false", code="demo.false")
        self._story.say(
            f"""Only here, with both files at hand, can the answer be checked: it is exactly that of a join
            in the clear. Only here is the truth known, too: of {len(truth)} shared suppliers
            {len(truth & met.keys())} were met and {len(truth - met.keys())} missed (renamed, moved, or
            too far misspelt), and {len(false)} matches are not the same supplier after all. Those are
            candidates, every one: that is why a person decides about candidates, with `symbolon match
            review`."""
        )

    def _ask_as_ngo(self) -> None:
        self._story.step("Dune asks, too: an NGO needs no agreement")
        result = self._session("matches-ngo.json", NGO)
        self._story.say(
            f"""Of its {len(self._stage.lists.watched)} places Birch has {result.suppliers}. Dune now knows
            who buys there; Birch knows how many names were asked, and not which."""
        )

    def _change(self, first: _Result) -> _Result:
        self._stage.lists = self._stage.lists.changed()
        self._import("Some weeks later both lists have changed a little", first=False)
        self._story.step("Alder asks once more, and only the difference travels")
        second = self._session("matches-later.json")
        self._story.say(
            f"""The first session took {first.wire_bytes:,} bytes, this one {second.wire_bytes:,}: padded,
            so that the size does not tell how much changed. Outside of a demonstration, new entries
            also go out once a day at most, so that the dates of changes do not show either."""
        )
        if second.wire_bytes >= first.wire_bytes:
            raise SymbolonError("the second session sent no less than the first", code="demo.delta")
        return second

    def _witness(self) -> None:
        self._story.step("The others witness Birch's audit log")
        self._story.say(
            """Every node wrote down what it asked and answered before it did so, in a log that can only
            grow. The others now sign how far Birch's log is and a hash of it: from here on Birch cannot take
            an entry back, or show another log to somebody else."""
        )
        self._stage.begin(ASKER, "serve")
        self._stage.reachable(ASKER)
        self._story.show(self._story.run("--home", ANSWERER, "audit", "witness"))

    def _audit(self) -> None:
        self._story.step("An auditor checks from files alone")
        self._story.say(
            """Elm is an auditor outside of the coalition, without a node. Each member writes its log to a
            file; Cedar has told Elm the fingerprint of the coalition on the phone. One command checks every
            signature and hash, takes every decision again from the policies that were in force, and holds
            the logs of both ends of each exchange against each other. No supplier is in these files."""
        )
        audited = (ASKER, ANSWERER, NGO)
        self._story.run_together(
            *(("--home", each, "audit", "export", "--out", f"{each}.jsonl") for each in audited)
        )
        told = self._story.run(
            "audit", "verify", *(f"{each}.jsonl" for each in audited), "--root", self._root
        )
        whose, disclosed, verdict = told.split("\n\n", 2)
        self._story.show(whose)
        self._story.show_rows(disclosed)
        self._story.show(verdict)
        self._signals.require_audited(disclosed)

    def _suspend(self) -> None:
        self._story.step("The coordinator suspends a member")
        self._story.say(
            "From now on every node and relay refuses Alder, until Cedar reinstates it. It asks once more:"
        )
        reason = ("--reason", "vetting is under review")
        self._story.run("--home", FOUNDER, "coalition", "suspend", ASKER, *reason)
        self._story.run(*self._match_command("matches-refused.json"), code=MembershipError.exit_code)

    def _session(self, out: str, asker: str = ASKER) -> _Result:
        """Runs a match and holds it against the join in the clear."""
        figures = json.loads(self._story.run(*self._match_command(out, asker)))
        rows = json.loads((self._stage.folder / out).read_text(encoding="utf-8"))
        expected = clear_join(self._stage.list_file(asker), self._stage.list_file(ANSWERER), TIERS)
        require_equal(expected, rows)
        return _Result(rows, figures, expected)

    def _match_command(self, out: str, asker: str = ASKER) -> tuple[str, ...]:
        asked = ("--purpose", PURPOSE, "--mode", "intersection", "--tiers", TIERS)
        return ("--home", asker, "match", ANSWERER, *asked, "--json", "--out", out)

    def _sentence_of_answerer(self) -> str:
        """Its newest session; it may still be writing it down when the asking side is done."""
        end = time.monotonic() + FOLLOW_S
        with Node(self._stage.folder / ANSWERER) as node:
            while True:
                newest = node.sessions.newest(1)
                if newest and newest[0].state == "done":
                    return newest[0].sentence
                if time.monotonic() > end:
                    raise SymbolonError(f"{ANSWERER} noted no end of the session", code="demo.session")
                time.sleep(0.1)


def _suppliers_of(rows: Sequence[Mapping[str, str]], band: str) -> dict[str, str]:
    """Own supplier ids whose strongest match stands in a band, with the reason in words."""
    strongest: dict[str, Mapping[str, str]] = {}
    order = list(_MEANING)
    for row in rows:
        held = strongest.get(row["supplier_id"])
        if held is None or order.index(row["band"]) < order.index(held["band"]):
            strongest[row["supplier_id"]] = row
    return {own: row["reason"] for own, row in strongest.items() if row["band"] == band}
