"""What a node said in its exchanges, against what its audit log says: nothing left without its entry.

What counts is what the node handed to gRPC, as `faulty_command` records it before it is written: more never
reaches the peer.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path

from faulty_command import read_record
from symbolon.api.exchange.v1 import exchange_pb2 as pb
from symbolon.audit.checkpoint import parse_checkpoint
from symbolon.audit.receipt import decode_result
from symbolon.audit.signed_note import decode_note
from symbolon.rpc.node import Node
from symbolon.storage.audit_checkpoints import CHECKPOINT_FILE
from symbolon.storage.audit_log import StoredEntry
from whole_log import assert_checkpoints_fit, assert_log_whole, tree_root


def said(record: Path, role: str) -> list[tuple[bool, pb.SenderMessage | pb.ReceiverMessage]]:
    """The messages of exchanges by Ask, in order: whether the recorded side said it, and the message.

    Args:
        record: of `faulty_command`.
        role: of the recorded side, `sender` or `receiver`.
    """
    own, other = (pb.AskResponse, pb.AskRequest) if role == "sender" else (pb.AskRequest, pb.AskResponse)
    return [
        (ours, (own if ours else other).FromString(content).message) for ours, content in read_record(record)
    ]


class _Logged:
    """The log of a node by session: what each event of it announced."""

    def __init__(self, entries: Sequence[StoredEntry]) -> None:
        self.leaves = [each.leaf for each in entries]
        self.events: dict[str, list[StoredEntry]] = defaultdict(list)
        self.released: set[tuple[str, str, str, int]] = set()
        for each in entries:
            values = each.values
            self.events[values["session"]].append(each)
            number = json.loads(values["counts"]).get("delta")
            if values["event"] == "released" and number is not None:
                self.released.add((values["peer"], values["purpose"], values["note"], number))

    def count(self, session: str, event: str, name: str, note: str = "") -> int:
        """What an event of a session announced by the name of a count; 0 where it is not there."""
        found = [
            json.loads(each.values["counts"]).get(name, 0)
            for each in self.events[session]
            if each.values["event"] == event and each.values["note"].startswith(note)
        ]
        return sum(found)


def assert_all_logged(
    node: Node, peer: str, record: Path, role: str, entries: Sequence[StoredEntry]
) -> set[str]:
    """Everything that a node said in a record was announced by an entry of its log.

    Returns:
        The kinds of messages that it said.
    """
    logged, kinds = _Logged(entries), set()
    session, purpose, mode = "", "", ""
    given: dict[tuple[str, str, str], int] = defaultdict(int)
    for ours, message in said(record, role):
        kind = message.WhichOneof("body")
        if kind == "hello":
            hello = message.hello
            session, purpose, mode = hello.session_id.hex(), hello.purpose, hello.mode
        if not ours:
            continue
        kinds.add(kind)
        body = getattr(message, kind)
        begun = "answered" if role == "sender" else "asked"
        assert kind == "failure" or any(each.values["event"] == begun for each in logged.events[session]), (
            kind
        )
        if kind == "hello":
            for ask in body.tiers:
                assert logged.count(session, "asked", f"elements_{ask.tier}") == ask.elements
            _assert_signed_request(node, logged, session)
        elif kind in ("elements", "evaluated"):
            given[session, kind, body.tier] += len(body.data) // 32
            assert given[session, kind, body.tier] <= logged.count(session, begun, f"elements_{body.tier}")
        elif kind == "entries" and mode == "intersection":
            # A delta that was recorded is sent again as it is, to who does not hold it yet.
            assert (peer, purpose, f"tier {body.tier}", body.delta) in logged.released
        elif kind == "entries":
            given[session, kind, body.tier] += len(body.data) // 16
            assert given[session, kind, body.tier] <= logged.count(session, "released", "tokens")
        elif kind == "withdrawn":
            # At least eight bytes a tag.
            given[session, kind, body.tier] += 1
            assert logged.count(session, "withdrawn", "tags", f"tier {body.tier}") > 0
        elif kind == "finish":
            shown = parse_checkpoint(decode_note(decode_result(body.result).checkpoint.encode()).text)
            assert shown.root == tree_root(logged.leaves[: shown.size])
    return kinds


def _assert_signed_request(node: Node, logged: _Logged, session: str) -> None:
    asked = next(each for each in logged.events[session] if each.values["event"] == "asked")
    request = node.audit.document(asked.values["request"])
    assert request is not None
    assert node.member_id in request.signatures


def assert_node_whole(home: Path, peer: str, records: Iterable[tuple[Path, str]] = ()) -> list[StoredEntry]:
    """The log of a node that may have been killed is whole, and everything else on its disk fits it.

    Args:
        home: of the node.
        peer: its only one.
        records: of its processes, and its role in them.

    Returns:
        The entries.
    """
    with Node(home) as node:
        entries = assert_log_whole(node.database, node.audit)
        file = home / CHECKPOINT_FILE
        shown = assert_checkpoints_fit(node.checkpoints, file, entries)
        if file.exists():
            # Written first: it never falls behind.
            assert shown[-1].size == max(each.size for each in shown)
        for record, role in records:
            assert_all_logged(node, peer, record, role, entries)
        debited: dict[str, int] = defaultdict(int)
        for each in entries:
            if each.values["event"] == "answered":
                for name, count in json.loads(each.values["counts"]).items():
                    for tier in name.removeprefix("elements_"):
                        debited[tier] += count
        spent = {
            each.tier: each.in_window
            for each in node.sending.spent("match", node.budget)
            if each.peer == peer
        }
        assert spent == debited
        named = {each.values[name] for each in entries for name in ("request", "receipt")} - {""}
        with node.database.read("look at the documents") as connection:
            held = set(connection.exec_driver_sql("SELECT sha256 FROM audit_document").scalars())
        assert named <= held
        sessions = {(each.session_id, each.role) for each in node.sessions.newest(10_000)}
        begun = {"answered": "sender", "asked": "receiver"}
        assert sessions == {
            (each.values["session"], begun[each.values["event"]])
            for each in entries
            if each.values["event"] in begun
        }
    return entries
