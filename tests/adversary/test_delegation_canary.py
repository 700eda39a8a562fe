"""Who said a signal first, looked for in everything that anybody but the two of them holds or is shown.

The contributor and a bystander are organisations of the same kind, and every member's list names both. So in
whatever third members hold or are shown, in what the delegate writes to its log, its audit export and files
for other systems, and in what anybody sees on the wire, the one is found as often as the other. The
contributor's id of the signal and its source are found nowhere at all.
"""

import base64
from collections.abc import Iterator
from pathlib import Path

import pytest

from clocked_signals import few_purposes
from delegating_nodes import ALDER, CLEAR, DELTA, SOURCE, add_command, by_others, file, make_members, say
from real_nodes import Nodes
from signal_nodes import held
from symbolon.cli.local_coalition import PURPOSE
from symbolon.rpc.node import Node
from tcp_forwarder import forwarder

BYSTANDER, OTHER = "quiet-ngo", "third-ngo"
STATEMENT = "Trimbelan pays on the tenth."


class Traces:
    """What was left behind, by place.

    Attributes:
        public: what others than the two may come to see, and what the delegate writes down for anybody.
        contributors: what the contributor writes down for anybody.
        hex_id: the contributor's id of the signal.
        there: the delegate's.
    """

    def __init__(self) -> None:
        self.public: dict[str, bytes] = {}
        self.contributors: dict[str, bytes] = {}
        self.hex_id = self.there = ""


def run(nodes: Nodes, kept: dict[str, bytes], member: str, *command: str, **more: object) -> None:
    """One command; what it printed and said is kept."""
    done = nodes.run(member, *command, quick=True, **more)  # type: ignore[arg-type]
    place = f"{member}: {' '.join(command[:3])} {len(kept)}"
    kept[f"{place} stdout"], kept[f"{place} stderr"] = done.stdout.encode(), done.stderr.encode()


def files(nodes: Nodes, kept: dict[str, bytes], member: str) -> None:
    """A member's database, with what waits in its log."""
    for path in sorted(nodes.home(member).glob("node.db*")):
        if path.stat().st_size:
            kept[f"{member} {path.name}"] = path.read_bytes()


def exports(nodes: Nodes, kept: dict[str, bytes], member: str, folder: Path) -> None:
    """Whatever a member writes for others."""
    out = folder / f"{member}.audit"
    run(nodes, kept, member, "audit", "export", "--out", str(out))
    kept[f"{member} audit export"] = out.read_bytes()
    run(nodes, kept, member, "audit", "log", "--json")
    run(nodes, kept, member, "status", "--json")
    for form in ("jsonl", "misp", "stix"):
        path = folder / f"{member}.{form}"
        run(nodes, kept, member, "signals", "export", "--format", form, "--out", str(path))
        kept[f"{member} {form} export"] = path.read_bytes()


@pytest.fixture(scope="module")
def traces(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Traces]:
    found, folder = Traces(), tmp_path_factory.mktemp("traces")
    with few_purposes(1) as nodes:
        make_members(nodes, BYSTANDER, OTHER, node={"log_level": "debug"})
        # The bystander is consented to as well, so that the configuration makes no difference.
        nodes.configure(
            DELTA,
            allow=({"peer": ALDER, "signals": True, "purposes": (PURPOSE,)},),
            signals={"publishes_for": (CLEAR, BYSTANDER)},
            exchange={"additions_interval_s": 0},
            node={"log_level": "debug"},
        )
        address = nodes.start(DELTA, faulty=f"record={folder / 'delegate'}")
        with forwarder(address) as wire:
            nodes.move(DELTA, wire.address)
            _play(nodes, found, folder)
            streams = (("to the delegate", wire.to_server), ("from the delegate", wire.to_client))
            for place, stream in streams:
                found.public[f"wire {place}"] = b"".join(stream)
        found.public["log of the delegate"] = nodes.log(DELTA).encode()
        for name in ("delegate", "requester"):
            found.public[f"messages of the {name}"] = (folder / name).read_bytes()
        exports(nodes, found.public, DELTA, folder)
        exports(nodes, found.contributors, CLEAR, folder)
        run(nodes, found.public, ALDER, "signals", "received", "--json")
        run(nodes, found.public, ALDER, "audit", "log", "--json")
        for member, kept in ((ALDER, found.public), (DELTA, found.public), (CLEAR, found.contributors)):
            files(nodes, kept, member)
        yield found


def _play(nodes: Nodes, found: Traces, folder: Path) -> None:
    """A signal's whole life, with errors at either end."""
    recording = f"record={folder / 'requester'}"
    lookup = ("signals", "lookup", DELTA, "--purpose", PURPOSE, "--json")
    done = nodes.run(CLEAR, *add_command(nodes, 0, "--as-kind", "--yes", "--reviewed"), quick=True)
    found.hex_id = done.stdout.strip()
    found.there = by_others(nodes, found.hex_id)["published_as"]
    taken = nodes.run(ALDER, *lookup, faulty=recording)
    found.public["lookup"] = taken.stdout.encode() + taken.stderr.encode()
    run(nodes, found.public, ALDER, "signals", "narrative", found.there, "--yes")
    contest = file(nodes, "contest.txt", STATEMENT)
    run(nodes, found.public, ALDER, "signals", "dispute", found.there, "--statement-file", contest, "--yes")
    say(nodes, CLEAR, "revise", found.hex_id, "--confidence", "31", "--yes")
    # Not by its own served node: served nodes cosign each other's audit logs, whoever publishes for whom.
    assert by_others(nodes, found.hex_id, "--send")["disclosed"] == 1
    # Refused: a member that publishes for nobody, and what the delegate's people took back.
    nodes.start(OTHER)
    say(nodes, CLEAR, *add_command(nodes, 1, "--yes")[1:-2], OTHER, "--yes")
    nodes.stop(OTHER)
    second = nodes.run(CLEAR, *add_command(nodes, 2, "--yes"), quick=True).stdout.strip()
    say(nodes, DELTA, "recall", by_others(nodes, second)["published_as"], "--reason", "error", "--yes")
    say(nodes, CLEAR, "revise", second, "--confidence", "32", "--yes")
    taken = nodes.run(ALDER, *lookup, faulty=recording)
    found.public["second lookup"] = taken.stdout.encode() + taken.stderr.encode()
    assert held(nodes, ALDER, DELTA)[found.there].signal.confidence == 31
    with Node(nodes.home(CLEAR)) as node:
        assert node.signals.source(node.signals.get(found.hex_id).number) == SOURCE


def forms(text: str) -> set[bytes]:
    """A text as it might have been written down."""
    plain = {text.encode(), text.upper().encode(), text.encode("utf-16-le"), text.encode().hex().encode()}
    return plain | {base64.b64encode(b"\0" * shift + text.encode())[4:-4] for shift in range(3)}


def times(word: str, content: bytes) -> int:
    return sum(content.count(each) for each in forms(word))


def test_contributor_is_found_as_often_as_a_bystander_wherever_others_look(traces: Traces) -> None:
    for place, content in traces.public.items():
        assert times(CLEAR, content) == times(BYSTANDER, content), place


def test_delegate_is_found_as_often_as_a_bystander_in_what_the_contributor_writes_down(
    traces: Traces,
) -> None:
    for place, content in traces.contributors.items():
        assert times(DELTA, content) == times(OTHER, content), place


def test_contributors_id_and_source_are_found_nowhere_at_all(traces: Traces) -> None:
    hidden = forms(SOURCE) | forms(traces.hex_id) | {bytes.fromhex(traces.hex_id)}
    for place, content in traces.public.items():
        assert [each for each in hidden if each in content] == [], place
    # The contributor's own log names its signal, and never the delegate's.
    other_end = forms(traces.there) | {bytes.fromhex(traces.there)} | forms(SOURCE)
    for place, content in traces.contributors.items():
        assert [each for each in other_end if each in content] == [], place


def test_search_has_looked_everywhere_and_finds_what_is_there(traces: Traces) -> None:
    public, own = traces.public, traces.contributors
    for place in (
        "wire to the delegate",
        "log of the delegate",
        "messages of the delegate",
        "messages of the requester",
        f"{DELTA} audit export",
        f"{DELTA} misp export",
        f"{DELTA} stix export",
        f"{DELTA} jsonl export",
        f"{DELTA} node.db",
        f"{ALDER} node.db",
    ):
        assert public[place], place
    assert own[f"{CLEAR} node.db"]
    # Both stand on the list of members that an audit export carries, so the search would find them.
    assert times(CLEAR, public[f"{DELTA} audit export"]) > 0
    assert traces.there.encode() in public["lookup"]
    assert traces.there.encode() in public[f"{DELTA} misp export"].replace(b"-", b"")
    assert traces.hex_id.encode() in own[f"{CLEAR} node.db"]
    assert b"ngo" in public["lookup"]
    # The contributor's own export would tell by its content whose the signal is.
    assert public[f"{DELTA} jsonl export"].strip()
    assert not own[f"{CLEAR} jsonl export"].strip()
