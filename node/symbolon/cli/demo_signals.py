"""The part of the demonstration that is about signals: contributed, looked up, contested, answered, recalled.

An NGO tells one company what it knows of that company's suppliers, and another only how much it knows. All
that the first is shown is held against the clear, its own list and what the NGO typed; so is what is left of
a signal after its recall.
"""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from symbolon.cli.demo_contributed import (
    AUDIT,
    CONTEST,
    GRIEVANCE,
    INTERVIEW,
    NARRATIVE,
    REPLY,
    SOURCE,
    Contribution,
    as_options,
    contributions,
    write_table,
)
from symbolon.cli.demo_signals_check import (
    SILENT,
    SuppliersSide,
    Wanted,
    clear_signals,
    held_of,
    require_counted,
    require_erased,
    require_nowhere,
    require_released_after_recall,
    require_told,
)
from symbolon.cli.demo_stage import ANSWERER, ASKER, NGO, Stage
from symbolon.cli.local_coalition import PURPOSE
from symbolon.cli.received_list import Received, load_received, received_json
from symbolon.errors import SymbolonError
from symbolon.exchange.limits import SIZE_MIN_RECORDS
from symbolon.policy.own_policies import OWN_FOLDER
from symbolon.rpc.node import Node
from symbolon.rpc.signal_audience import Barrier, Seen, audience_of_stored
from symbolon.rpc.signal_codec import LEAST_COUNT
from symbolon.signals.vocabulary import RecallReason

TIERS: Final = "AB"
WITHHELD: Final = frozenset({"evidence", "period"})
"""What the NGO keeps back of a signal that rests on an interview; its policy below says so to the node."""

_ALLOW: Final = """[[allow]]
peer = "{peer}"
purposes = ["{purpose}"]
tiers = ["A", "B"]
signals = true
{other_way} = false
"""
_POLICY: Final = f"""// What could point at whoever spoke stays here.
@id("interviews-show-less")
@obligation("redact(evidence, period); no_onward")
permit (principal, action == Symbolon::Action::"release", resource)
when {{ context.purpose == "{PURPOSE}" && context.evidence == "worker-interview" &&
       principal == Symbolon::Member::"{ASKER}" }};
// Birch has yet to say what it does with what it learns.
@id("birch-may-count")
@obligation("count_only")
permit (principal, action == Symbolon::Action::"release", resource)
when {{ context.purpose == "{PURPOSE}" && principal == Symbolon::Member::"{ANSWERER}" }};
"""
_ID_CHARS: Final = 8
"""Digits of a signal's id that a person types."""

_WHO: Final = 2
_ENTRIES: Final = 7
"""Columns of the table of an auditor: who asked, and how many entries it was sent."""


class SignalSteps:
    """The steps, in order.

    Args:
        stage: where they play; the nodes of both companies have their lists, and no served node of the NGO
            or of the company that asks runs yet.
    """

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._story = stage.story
        self._typed: dict[str, Contribution] = {}
        self._ids: dict[str, str] = {}

    def tell(self) -> None:
        """Tells them.

        Raises:
            SymbolonError: a step did not come out as it should.
        """
        self._permit()
        self._contribute()
        self._look_up()
        self._count()
        self._contest()
        self._recall()

    def _permit(self) -> None:
        self._story.step("Dune's operator says who may see what it knows")
        self._story.say(
            """Dune has heard things about three suppliers. Before it writes them down, its operator lets
            Alder and Birch look up, with tables as before, and says in a policy of Dune's own what each may
            see: Alder everything, but of what was told in an interview neither that it was one nor when;
            Birch how many signals there are, and none of them."""
        )
        for peer in (ASKER, ANSWERER):
            tables = ((NGO, peer, "ask"), (peer, NGO, "answer"))
            for member, other, other_way in tables:
                table = _ALLOW.format(peer=other, purpose=PURPOSE, other_way=other_way)
                self._stage.configure(member, table)
        folder = self._stage.home(NGO) / OWN_FOLDER
        folder.mkdir(exist_ok=True)
        (folder / "signals.cedar").write_text(_POLICY, encoding="utf-8")
        self._story.show(_POLICY)
        self._story.run("--home", NGO, "policy", "check")

    def _contribute(self) -> None:
        self._story.step("Dune adds three signals")
        self._story.say(
            """A signal says what was seen, how bad it is, how sure that is and what it rests on. One is
            typed, with a text and a note on its source that are read from files; two come from a
            spreadsheet. Dune writes the suppliers in its own way."""
        )
        with Node(self._stage.home(NGO)) as node:
            self._typed = contributions(self._stage.lists, node.now.date())
        narrative, source = (self._file(f"dune-{name}.txt") for name in ("narrative", "source"))
        narrative.write_text(NARRATIVE, encoding="utf-8")
        source.touch(mode=0o600)
        source.write_text(SOURCE, encoding="utf-8")
        texts = ("--narrative-file", narrative.name, "--source-file", source.name)
        options = as_options(self._typed[INTERVIEW])
        add = ("signals", "add", *options, *texts, "--purpose", PURPOSE, "--yes")
        self._ids[INTERVIEW] = self._story.run("--home", NGO, *add).strip()
        source.unlink()
        self._story.typed(f"rm {source.name}")
        write_table(self._file("dune-signals.csv"), (self._typed[AUDIT], self._typed[GRIEVANCE]))
        importing = ("signals", "import", "dune-signals.csv", "--purpose", PURPOSE, "--json")
        document = json.loads(self._story.run("--home", NGO, *importing))
        self._ids |= zip((AUDIT, GRIEVANCE), (each["signal"] for each in document["new"]), strict=True)

    def _look_up(self) -> None:
        self._story.step("Alder looks up: what do you know of my suppliers?")
        self._stage.begin(NGO, "serve")
        self._stage.reachable(NGO)
        self._story.say("Alder joined before Dune did, so its node first asks who is new.")
        self._story.show(self._look_up_as(ASKER))
        self._compare(ASKER, self._ids, (INTERVIEW, AUDIT))
        self._story.say(
            """Two of the three, one of them without what could point at whoever spoke; the third is about
            a supplier that Alder does not have, and stays closed to it. Dune learnt how many keys were asked,
            and not which. With everybody's files at hand it can be checked here: these are the signals about
            Alder's suppliers, all of them and in the form that Dune wanted."""
        )

    def _count(self) -> None:
        self._story.step("Birch looks up, and is told a number")
        self._story.show(self._look_up_as(ANSWERER))
        self._compare(ANSWERER, (), ())
        clear = clear_signals(self._stage.list_file(ANSWERER), self._wanted(self._ids), TIERS)
        if clear.keys() != set(self._ids.values()):
            raise SymbolonError("Birch does not have the three suppliers", code="demo.signals")
        with Node(self._stage.home(NGO)) as node:
            told = {
                self._short(name): _share(audience_of_stored(node, node.signals.get(signal_id)))
                for name, signal_id in self._ids.items()
            }
        self._story.say("Of each of its signals, `symbolon signals who` says to Dune what Birch may have:")
        self._story.table(("signal", "for Birch"), list(told.items()))
        counted = sum(each == Barrier.COUNT_ONLY for each in told.values())
        if counted != len(self._ids):
            raise SymbolonError(f"{counted} signals are to be counted only", code="demo.signals")
        self._story.say(
            """Birch has all three suppliers, and is shown nothing: there is no entry for it that could be
            opened. What it may know is a number, and it asks for that:"""
        )
        number = self._story.run("--home", ANSWERER, "signals", "count", NGO, "--purpose", PURPOSE)
        self._story.show(number)
        if number.strip() != f"{counted:,}":
            raise SymbolonError(f"Birch was told {number.strip()} signals", code="demo.signals")
        self._story.say(
            f"""So many signals of Dune's Birch may count, whether it buys there or not. Fewer than
            {LEAST_COUNT} would be told as just that, and the number is told again for a day, whatever comes
            or goes meanwhile. How many are about suppliers of Birch nobody computes: with fewer than
            {SIZE_MIN_RECORDS:,} records on either side, that would point at single ones."""
        )

    def _contest(self) -> None:
        self._story.step("A supplier contests its signal, and answers")
        self._story.say(
            """Aurora do Minho, which has no node, has told Dune that its signal is wrong. Dune notes that,
            and sends it a form for its answer, which comes back filled in."""
        )
        signal_id = self._short(AUDIT)
        self._file("contest.txt").write_text(CONTEST, encoding="utf-8")
        contest = ("signals", "dispute", signal_id, "--statement-file", "contest.txt", "--yes")
        self._story.run("--home", NGO, *contest)
        self._story.run("--home", NGO, "signals", "reply-form", signal_id, "--out", "form.txt", "--yes")
        form = self._file("form.txt").read_text(encoding="utf-8")
        before, line, after = form.partition("Please write below this line -----\n")
        self._file("form.txt").write_text(f"{before}{line}{REPLY}\n{after}", encoding="utf-8")
        self._story.run("--home", NGO, "signals", "reply", "--form", "form.txt", "--yes")
        self._story.say("Alder looks up once more, and sees both beside the signal:")
        self._story.show_part(self._look_up_as(ASKER), signal_id)
        self._compare(ASKER, self._ids, (INTERVIEW, AUDIT), SuppliersSide(CONTEST, REPLY))

    def _recall(self) -> None:
        self._story.step("Dune takes the signal back, and the recall arrives")
        home, signal_id = self._stage.home(ASKER), self._ids[AUDIT]
        before = held_of(home, NGO, signal_id)
        self._story.say(
            """Alder has stopped asking: it follows Dune, as its served node would. It looks up once when it
            begins, and then whenever Dune has something that does not wait for the next day."""
        )
        self._stage.follow(ASKER, "signals", "watch", NGO, "--purpose", PURPOSE)
        first = self._stage.heard(ASKER, f"{NGO}: ")
        self._story.show(first)
        reason = RecallReason.DISPUTE_UPHELD
        recall = ("signals", "recall", self._short(AUDIT), "--reason", reason.value, "--yes")
        self._story.run("--home", NGO, *recall)
        self._story.show(self._stage.heard(ASKER, "recalled").removeprefix(first))
        self._stage.unfollow(ASKER)
        self._story.run("--home", ASKER, "signals", "watch", NGO, "--stop")
        self._story.say("Dune sees that Alder has it:")
        self._story.show(self._story.run("--home", NGO, "signals", "feeds"))
        received = self._compare(ASKER, (INTERVIEW, GRIEVANCE), (INTERVIEW,))
        if [(each.hex_id, each.reason) for each in received.tombstones] != [(signal_id, reason)]:
            raise SymbolonError("the recall did not arrive", code="demo.signals")
        require_erased(home, NGO, signal_id, before)
        self._story.say(
            """Alder keeps that there was a signal, and why it is gone. Of what it said nothing is left: what
            stood sealed in Alder's database is in no page of it, and no entry that Alder holds opens to
            it."""
        )

    def require_audited(self, disclosed: str) -> None:
        """Makes sure that an auditor finds all lookups and what was counted, and that no note is anywhere.

        Args:
            disclosed: the table of `symbolon audit verify`.

        Raises:
            SymbolonError: a lookup is not there, or is not signed by both; a number was told that one of the
                two logs does not know; or a file holds the note.
        """
        rows = [line.split() for line in disclosed.splitlines() if " lookup " in line]
        signed = [row for row in rows if "both" in row and "complete" in row]
        askers = sorted(row[_WHO] for row in signed)
        if askers != [ASKER] * 4 + [ANSWERER]:
            raise SymbolonError(f"the lookups in the audit logs are those of {askers}", code="demo.signals")
        first, *_ = (row[_ENTRIES] for row in signed if row[_WHO] == ASKER)
        if [first] != [row[_ENTRIES] for row in signed if row[_WHO] == ANSWERER]:
            raise SymbolonError("the sizes tell that Birch was shown nothing", code="demo.signals")
        require_released_after_recall(self._stage.home(NGO), ASKER)
        require_counted(self._stage.home(NGO), self._stage.home(ANSWERER), len(self._ids))
        with Node(self._stage.home(NGO)) as node:
            note = node.signals.source(node.signals.get(self._ids[INTERVIEW]).number)
        if note != SOURCE.strip():
            raise SymbolonError("the note on the source is not what was written", code="demo.signals")
        files = require_nowhere(self._stage.folder, SOURCE)
        self._story.say(
            f"""The lookups are among them, each signed by both; the last of Alder's is the one that brought
            the recall. What Birch signed for is as long as what
            Alder did: dummies stand for what it was not shown. The number that Birch was told stands in both
            their logs. The note on Dune's source is in clear in none of the {files} files that are here: not
            in these logs, and not in Dune's own database, where it is sealed and Dune alone reads it."""
        )

    def _look_up_as(self, member: str) -> str:
        """Runs a lookup; what it prints of what is held then."""
        return self._story.run("--home", member, "signals", "lookup", NGO, "--purpose", PURPOSE)

    def _compare(
        self, member: str, may_see: Iterable[str], sees: Iterable[str], of_audit: SuppliersSide = SILENT
    ) -> Received:
        """Holds what a company is shown now against the clear.

        Args:
            member: the company.
            may_see: signals that the NGO lets it have.
            sees: those of them that are about its suppliers, as the story has it.
            of_audit: what the supplier said to the one that rests on an audit.
        """
        with Node(self._stage.home(member)) as node:
            received = load_received(node, peer=NGO, purpose=PURPOSE)
            told = received_json(received, node.now.date())["signals"]
        expected = clear_signals(self._stage.list_file(member), self._wanted(may_see, of_audit), TIERS)
        require_told(expected, told)
        if expected.keys() != {self._ids[name] for name in sees}:
            raise SymbolonError(f"{member} has other suppliers than it should", code="demo.signals")
        return received

    def _wanted(self, names: Iterable[str], of_audit: SuppliersSide = SILENT) -> dict[str, Wanted]:
        return {
            self._ids[name]: Wanted(
                self._typed[name],
                WITHHELD if name == INTERVIEW else frozenset(),
                of_audit if name == AUDIT else SILENT,
            )
            for name in names
        }

    def _short(self, name: str) -> str:
        return self._ids[name][:_ID_CHARS]

    def _file(self, name: str) -> Path:
        return self._stage.folder / name


def _share(audience: Iterable[Seen]) -> str:
    """What the second company gets of a signal, or why it gets nothing."""
    (seen,) = (each for each in audience if each.member == ANSWERER)
    return "shown" if seen.views else ", ".join(each.barrier for each in seen.reasons)
