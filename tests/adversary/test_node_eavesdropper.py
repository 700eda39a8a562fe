"""What a session leaves on the wire, in its messages, in logs, on stderr and in the database files.

All of it is searched for every identifier, name and address of both lists: nothing is found.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from real_nodes import ALPHA, BETA, SHARED, Nodes, two_nodes
from symbolon.rpc.node import Node
from symbolon.suppliers.tier import Tier
from tcp_forwarder import forwarder


@pytest.fixture(scope="module")
def traces(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Nodes, dict[str, bytes]]]:
    """Everything two sessions, one in each direction, left behind, by place."""
    recorded = tmp_path_factory.mktemp("record") / "messages"
    with two_nodes(node={"log_level": "debug"}) as nodes:
        address = nodes.endpoint(BETA)
        with forwarder(address) as wire:
            nodes.move(BETA, wire.address)
            result = nodes.match(
                ALPHA, BETA, "due-diligence", "--mutual", tiers="ABC", faulty=f"record={recorded}"
            )
        assert result.ids() == SHARED
        # Before the processes end: what is still in the write-ahead logs counts.
        files = {
            f"{member} {path.name}": path.read_bytes()
            for member in (ALPHA, BETA)
            for path in sorted(nodes.home(member).glob("node.db*"))
            if path.stat().st_size
        }
        nodes.stop(BETA)
        yield (
            nodes,
            {
                "wire": wire.everything,
                "messages": recorded.read_bytes(),
                "log": nodes.log(BETA).encode(),
                "stderr": result.talk.encode(),
                "figures": repr(result.figures).encode(),
                **files,
            },
        )


def needles(nodes: Nodes) -> set[bytes]:
    """Every text of both lists that could tell something, and every match key."""
    found: set[str] = set()
    for member in (ALPHA, BETA):
        with Node(nodes.home(member)) as node:
            for stored in node.suppliers.iterate():
                record = stored.record
                found |= {record.supplier_id, record.name, record.address, record.lei, record.postal_code}
                # The whole name, and each of its words that is not one of a trade's.
                found |= {record.name.split()[2], *(record.name.upper(), record.name.lower())}
            for tier in Tier:
                inputs = node.suppliers.load_keys(tier).inputs
                found |= {each.decode().partition("\x1f")[2] for each in inputs}
    # Hexadecimal and base64 hold short words, and numbers above all, by chance.
    return {text.encode() for text in found if len(text) >= (12 if text.isdigit() else 7)}


def test_node_session_leaves_no_identifier_of_either_list_anywhere(
    traces: tuple[Nodes, dict[str, bytes]],
) -> None:
    nodes, places = traces
    wanted = needles(nodes)
    assert len(wanted) > 1000
    assert {"wire", "messages", "log", f"{ALPHA} node.db", f"{BETA} node.db"} <= places.keys()
    for place, content in places.items():
        assert len(content) > 100, place
        assert [each for each in wanted if each in content] == [], place
    # The control: the same search does find them where they may stand.
    shown = nodes.run(ALPHA, "match", "show", BETA, "--json").stdout.encode()
    assert sum(each in shown for each in wanted) > len(SHARED)


def test_node_session_leaves_no_unblinded_point_anywhere(traces: tuple[Nodes, dict[str, bytes]]) -> None:
    # H(key) is the same for everybody: whoever sees one can test names against it.
    nodes, places = traces
    points: set[bytes] = set()
    for member in (ALPHA, BETA):
        with Node(nodes.home(member)) as node:
            for tier in Tier:
                table = node.suppliers.load_keys(tier)
                points |= {bytes(row) for row in table.points}
    assert len(points) > 300
    for place, content in places.items():
        assert not any(point in content for point in points), place


def test_node_wire_is_encrypted_and_messages_are_padded_to_classes(
    traces: tuple[Nodes, dict[str, bytes]],
) -> None:
    _, places = traces
    # The messages themselves do say which purpose they are for; the wire does not.
    assert b"due-diligence" in places["messages"]
    assert b"due-diligence" not in places["wire"]
    assert b"X25519-ELL2" not in places["wire"]
    assert len(places["wire"]) > len(places["messages"])


def test_node_files_are_for_their_owner_alone(traces: tuple[Nodes, dict[str, bytes]]) -> None:
    nodes, _ = traces
    for member in (ALPHA, BETA):
        home: Path = nodes.home(member)
        assert home.stat().st_mode & 0o077 == 0
        for name in ("node.db", "seal.key", "node-key.pem"):
            assert (home / name).stat().st_mode & 0o077 == 0, name
