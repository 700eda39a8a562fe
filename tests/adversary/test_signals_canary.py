"""Strings that nobody else may ever see, looked for in everything that a lookup leaves behind.

A source and a reference stand sealed in the contributor's own database, and nowhere else: in no log, no
error, no figure, no export, no file of any member, no message, no byte on the wire. The narrative and the
name by which the contributor knows the supplier leave it as little, unless a person asks for them.
"""

import base64
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from clocked_signals import few_purposes
from real_nodes import Nodes
from signal_makers import make_draft
from signal_nodes import change, recall, records, signature
from symbolon.cli.local_coalition import PURPOSE
from symbolon.cli.made_up_suppliers import MadeUpList
from symbolon.rpc.node import Node
from symbolon.signals.revisions import dispute, reply, revise
from symbolon.signals.signal import Subject
from symbolon.signals.vocabulary import SubjectKind
from symbolon.storage.signal_store import NewSignal
from tcp_forwarder import forwarder

WATCH, ALDER, BIRCH = "watch-ngo", "alder-co", "birch-co"
SOURCE, REFERENCE = "Zorvanpur line leader 4417", "Fendrick casefile 88-2"
NARRATIVE, NAME = "Velloquin dormitory behind hall four", "Quimbara as the workers call it"
STATEMENT = "Trimbelan pays on the tenth"
"""What the supplier says leaves with the signal: the control, found in messages once they are opened."""


class Traces:
    """Everything that was left behind, by place.

    Attributes:
        own: what the contributor's own commands show its own people.
        public: all else.
    """

    def __init__(self) -> None:
        self.own: dict[str, bytes] = {}
        self.public: dict[str, bytes] = {}


def forms(text: str) -> set[bytes]:
    """A text as it might have been written down: plain, wide, in either case, as hexadecimal or base64."""
    plain = {text, text.lower(), text.upper(), *text.split()[:1]}
    found = {each.encode(code) for each in plain for code in ("utf-8", "utf-16-le")}
    found |= {each.encode().hex().encode() for each in plain}
    for shift in range(3):
        # What is the same wherever the text begins among three bytes.
        found.add(base64.b64encode(b"\0" * shift + text.encode())[4:-4])
    return found


def contribute(nodes: Nodes) -> list[str]:
    """Signals about two suppliers of the company, under a name that only their workers use."""
    with Node(nodes.home(WATCH)) as node:
        new = []
        for number, record in enumerate(records(nodes, ALDER, 2)):
            known = replace(record, supplier_id="", sector="", name=NAME)
            draft = make_draft(
                subject=Subject(SubjectKind.SITE, known),
                narrative=NARRATIVE,
                purposes=(PURPOSE,),
                period=None,
                expires=None,
                review=None,
            )
            made = draft.first_revision(os.urandom(16), node.now.date())
            new.append(NewSignal(made, signature(node, made), SOURCE, f"{REFERENCE}-{number}"))
        node.signals.add_many(new, workers=0)
        return [each.signal.hex_id for each in new]


def run(nodes: Nodes, traces: Traces, member: str, *command: str, own: bool = False, **more: object) -> None:
    """One command in a process of its own; what it printed and said goes with the traces."""
    done = nodes.run(member, *command, **more)  # type: ignore[arg-type]
    place = f"{member}: {' '.join(command[:3])} {len(traces.own) + len(traces.public)}"
    (traces.own if own else traces.public)[f"{place} stdout"] = done.stdout.encode()
    traces.public[f"{place} stderr"] = done.stderr.encode()


@pytest.fixture(scope="module")
def traces(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Traces]:
    found, folder = Traces(), tmp_path_factory.mktemp("traces")
    with few_purposes(2) as nodes:
        for member, kind in ((WATCH, "ngo"), (ALDER, "company"), (BIRCH, "company")):
            nodes.coalition.add(member, kind=kind)
        about = {"node": {"log_level": "debug"}, "exchange": {"additions_interval_s": 0}}
        allowed = tuple({"peer": each, "signals": True, "purposes": (PURPOSE,)} for each in (ALDER, BIRCH))
        nodes.configure(WATCH, allow=allowed, **about)
        for member, offset in ((ALDER, 0), (BIRCH, 500)):
            nodes.configure(member, allow=({"peer": WATCH, "signals": True},), **about)
            nodes.take_in(member, MadeUpList(40, offset, 0, member))
        first, second = contribute(nodes)
        address = nodes.start(WATCH, faulty=f"record={folder / 'contributor'}")
        with forwarder(address) as wire:
            nodes.move(WATCH, wire.address)
            lookup = ("signals", "lookup", WATCH, "--purpose", PURPOSE, "--tiers", "A")
            run(nodes, found, ALDER, *lookup, "--json", faulty=f"record={folder / 'requester'}")
            run(nodes, found, BIRCH, *lookup, quick=True)
            change(nodes, WATCH, first, lambda one, today: revise(one, today, confidence=5))
            change(nodes, WATCH, first, lambda one, today: dispute(one, today, STATEMENT))
            change(nodes, WATCH, first, lambda one, today: reply(one, today, "The slips show it."))
            recall(nodes, WATCH, second)
            run(nodes, found, ALDER, *lookup, faulty=f"record={folder / 'requester'}")
            # Errors, at either end.
            run(nodes, found, ALDER, *lookup[:3], "--purpose", "purpose-0", code=77, quick=True)
            run(nodes, found, ALDER, *lookup[:3], "--purpose", "marketing", code=77, quick=True)
            for place, channel in (("to the server", wire.to_server), ("to the client", wire.to_client)):
                found.public[f"wire {place}"] = b"".join(channel)
        own = (("signals", "list", "--json"), ("signals", "list", "--all"), ("signals", "who", first))
        for command in own:
            run(nodes, found, WATCH, *command, own=True, quick=True)
        export = str(folder / "audit.jsonl")
        for command in (
            ("audit", "export", "--out", export),
            ("audit", "verify", export),
            ("audit", "log"),
            ("audit", "log", "--json"),
            ("status", "--json"),
            ("signals", "feeds", "--json"),
        ):
            run(nodes, found, WATCH, *command, quick=True)
        for format_name in ("jsonl", "misp", "stix"):
            out = folder / format_name
            command = ("signals", "export", "--format", format_name, "--with-recalled", "--out", str(out))
            command = tuple(each for each in command if format_name != "jsonl" or each != "--with-recalled")
            run(nodes, found, WATCH, *command, quick=True)
            found.own[f"{format_name} export"] = out.read_bytes()
        found.public["audit export"] = Path(export).read_bytes()
        found.public["log of the contributor"] = nodes.log(WATCH).encode()
        for name in ("contributor", "requester"):
            found.public[f"messages of the {name}"] = (folder / name).read_bytes()
        # Before anything is closed: what is still in write-ahead logs counts.
        for member in (WATCH, ALDER, BIRCH):
            for path in sorted(nodes.home(member).rglob("*")):
                if path.is_file() and path.stat().st_size:
                    found.public[f"{member} {path.name}"] = path.read_bytes()
        with Node(nodes.home(WATCH)) as node:
            number = node.signals.get(first).number
            assert node.signals.source(number) == SOURCE
            assert node.signals.by_reference([f"{REFERENCE}-0"])
        yield found


@pytest.mark.parametrize("secret", [SOURCE, REFERENCE])
def test_source_and_reference_are_found_nowhere_at_all(traces: Traces, secret: str) -> None:
    wanted = forms(secret)
    for place, content in {**traces.public, **traces.own}.items():
        assert [each for each in wanted if each in content] == [], place


@pytest.mark.parametrize("secret", [NARRATIVE, NAME])
def test_narrative_and_name_of_the_supplier_do_not_leave_the_contributors_own_people(
    traces: Traces, secret: str
) -> None:
    wanted = forms(secret)
    for place, content in traces.public.items():
        assert [each for each in wanted if each in content] == [], place


def test_search_has_looked_everywhere_and_finds_what_is_there(traces: Traces) -> None:
    names = {place.partition(" ")[0] for place in traces.public}
    assert {f"{WATCH}", f"{ALDER}", f"{BIRCH}", "wire", "messages", "log", "audit"} <= names
    assert {f"{WATCH} node.db", f"{WATCH} node.db-wal", f"{ALDER} node.db"} <= traces.public.keys()
    assert sum(map(len, traces.public.values())) > 1_000_000
    # What the contributor's own people may see, they do, by the same search.
    for secret in (NARRATIVE, NAME):
        assert any(each in content for content in traces.own.values() for each in forms(secret))
    # What was shown to the requester stands in what its command printed, and on no wire.
    shown = [place for place, content in traces.public.items() if STATEMENT.encode() in content]
    assert shown
    assert all(place.startswith(ALDER) and place.endswith("stdout") for place in shown)
    assert b"due-diligence" in traces.public["messages of the requester"]
    assert b"due-diligence" not in traces.public["wire to the server"]
