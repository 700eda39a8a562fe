"""Every RPC, called as everybody, and with the id of somebody else: who may not is refused, nothing moves.

The methods are those of the generated descriptors, so that none can be forgotten; what must come of a call
stands in `rpc_matrix` and `rpc_probes`. One founder and one relay are served for all, as processes.
"""

import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from real_nodes import ALPHA, BETA
from rpc_matrix import (
    CELLS,
    HANDLED,
    IDS,
    MALFORMED,
    NODE,
    PACKAGE,
    PLAIN,
    REACHED,
    RELAY,
    ROLES,
    SPEAKS_FIRST,
    UNKNOWN_METHOD,
    UNKNOWN_SERVICE,
    UNSERVED,
    cells,
    fields,
    methods,
)
from rpc_probes import PROBES, Probe, own_statement
from rpc_scene import AUDITOR, NGO, NODE_FOLDER, REFUSALS, WAIT_S, Method, Scene, called, every_caller
from symbolon.api.membership.v1 import membership_pb2
from symbolon.api.relay.v1 import relay_pb2 as pb
from symbolon.api.relay.v1 import relay_pb2_grpc as stubs
from symbolon.audit.checkpoint import log_origin
from symbolon.cli.local_coalition import COALITION
from symbolon.membership.member import CoalitionId, MemberId

TABLES = {"node": cells(NODE), "relay": cells(RELAY)}
METHODS = methods()
OWN = {name for name in METHODS if not name.startswith("grpc.")}
"""Methods of this project's services, and not of gRPC's own."""

_SET_OF = "JOIN key_epoch ON key_epoch.id = epoch_id"

LEFT = {
    "audit_entry": (f"WHERE event NOT IN {REFUSALS}", {"", BETA}),
    "budget_spent": ("", {BETA, "*"}),
    "exchange_session": ("", {BETA}),
    "key_epoch": ("", {ALPHA, BETA}),
    "record_handle": (_SET_OF, {BETA}),
    "released_set": (_SET_OF, {BETA}),
    "released_delta": (f"JOIN released_set ON released_set.id = set_id {_SET_OF}", {BETA}),
}
"""The node's tables that `PROBES` change, and whose the rows are: one session of `BETA` is permitted, so that
its id is used, and a hello of `ALPHA` is, but for its session id."""

NO_MESSAGE = b"\xff\xff"
"""Bytes that are no message of any kind."""


@pytest.fixture(scope="module")
def scene() -> Iterator[Scene]:
    with every_caller() as made:
        yield made


# The tables are whole


def test_every_method_of_every_descriptor_has_a_row_and_every_row_a_method() -> None:
    rows = {name for table in TABLES.values() for name in table}
    assert rows - {UNSERVED} == set(METHODS)
    assert all(UNSERVED in table for table in TABLES.values())
    assert set(HANDLED) == set(METHODS)
    assert len(OWN) >= 13


def test_every_role_has_a_column_and_every_cell_a_meaning(scene: Scene) -> None:
    assert list(scene.callers) == list(ROLES)
    for table in TABLES.values():
        for name, row in table.items():
            assert list(row) == list(ROLES), name
            assert set(row.values()) <= {*CELLS, REACHED}, name


def test_every_field_of_a_request_is_an_id_that_is_tried_or_known_to_be_none() -> None:
    tried = {(probe.method, path) for probe in PROBES for path in probe.ids}
    assert tried == {(name, path) for name, paths in IDS.items() for path in paths}
    for name in OWN:
        known = [*IDS.get(name, ()), *PLAIN.get(name, ())]
        assert sorted(known) == sorted(fields(METHODS[name][1].input_type)), name
    assert set(IDS) | set(PLAIN) <= OWN


def test_every_method_of_membership_is_named_in_the_document_and_no_other() -> None:
    text = (Path(__file__).parents[2] / "docs" / "PROTOCOL.md").read_text(encoding="utf-8")
    section = text.partition("### Who may call what\n")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| (`.*?) \|(.*)\|$", section, re.MULTILINE)
    said = {
        method: [each.strip() for each in columns.split("|")]
        for names, columns in rows
        for method in re.findall(r"`(\w+)`", names)
    }
    service = membership_pb2.DESCRIPTOR.services_by_name["MembershipService"]
    assert set(said) == {method.name for method in service.methods}
    # Its four columns, and what the tables here say of the same callers.
    for server, name in ((server, name) for server, table in TABLES.items() for name in table):
        if name.startswith(("membership.", "exchange.", "policy.", "audit.", "signal.", "relay.", "grpc.")):
            alike = name.rpartition("/")[2] if name.startswith("membership.") else "CheckBack"
            for role, column in zip(("guest", "firm", "lapse", "found"), said[alike], strict=True):
                assert (TABLES[server][name][role] == REACHED) == (column != "no"), (name, role)


# Every method as everybody


def every_call(server: str) -> Iterator[tuple[str, Method, str]]:
    """Name, method and row in the table, of all there is and of what there is not."""
    for name, (method, _) in METHODS.items():
        yield name, method, name if name in TABLES[server] else UNSERVED
    for name in (UNKNOWN_METHOD, UNKNOWN_SERVICE):
        for kind in ("unary_unary", "stream_stream"):
            yield f"{name} {kind}", Method(f"/{PACKAGE}{name}", kind), UNSERVED


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("server", TABLES)
def test_attack_every_method_called_by_a_role_ends_as_the_table_says(
    scene: Scene, server: str, role: str
) -> None:
    before, found, wanted = scene.held(), {}, {}
    for name, method, row in every_call(server):
        cell = TABLES[server][row][role]
        found[name] = called(scene.channel(server, role), method)
        wanted[name] = HANDLED[name] if cell == REACHED else CELLS[cell]
    assert found == wanted
    assert scene.changed(before) == set()


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("server", TABLES)
def test_attack_bytes_that_are_no_message_are_told_to_who_may_call_and_to_nobody_else(
    scene: Scene, server: str, role: str
) -> None:
    """Who may not is refused as before: nothing of what it said was looked at."""
    before, found, wanted = scene.held(), {}, {}
    for name, method, row in every_call(server):
        cell = TABLES[server][row][role]
        read = cell in (REACHED, "fndr")
        said = {"message": b"", "then": NO_MESSAGE} if name in SPEAKS_FIRST else {"message": NO_MESSAGE}
        found[name] = called(scene.channel(server, role), method, **said)
        wanted[name] = MALFORMED if read else CELLS[cell]
    assert found == wanted
    assert scene.changed(before) == set()


# Ids of others


@pytest.mark.parametrize("probe", PROBES, ids=str)
def test_attack_id_of_another_is_refused_and_changes_nothing(scene: Scene, probe: Probe) -> None:
    method, descriptor = METHODS[probe.method]
    server = "node" if probe.method in TABLES["node"] else "relay"
    message = probe.make(scene)
    assert message.DESCRIPTOR.full_name == descriptor.input_type.full_name
    before = scene.held()
    found = called(scene.channel(server, probe.role), method, message.SerializeToString())
    assert found == probe.ends
    assert scene.changed(before) <= probe.leaves


@pytest.mark.parametrize("thief", ["ngo", "coord", "audit", "found"])
def test_attack_connection_that_was_announced_to_another_is_not_taken_up(scene: Scene, thief: str) -> None:
    target, caller = (stubs.RelayServiceStub(scene.channel("relay", each)) for each in (BETA, "firm"))
    accept, over = METHODS["relay.v1.RelayService/Accept"][0], threading.Event()

    def said(message: Any) -> Iterator[Any]:
        yield message
        over.wait(WAIT_S)

    try:
        attached = target.Attach(said(pb.AttachRequest(heartbeat=pb.Heartbeat())), timeout=WAIT_S)
        assert next(attached).WhichOneof("body") == "heartbeat"
        asking = caller.Connect(said(pb.ConnectRequest(target=pb.Target(member=BETA))), timeout=WAIT_S)
        incoming = next(each for each in attached if each.WhichOneof("body") == "incoming").incoming
        assert incoming.from_member == ALPHA
        ticket = pb.AcceptRequest(ticket=pb.Ticket(connection_id=incoming.connection_id))
        stolen = called(scene.channel("relay", thief), accept, ticket.SerializeToString())
        assert stolen == ("INVALID_ARGUMENT", "protocol.connection")
        # It is still there for whom it was meant.
        accepting = target.Accept(said(ticket), timeout=WAIT_S)
        assert next(asking).WhichOneof("body") == "connected"
        for call in (accepting, asking, attached):
            call.cancel()
    finally:
        over.set()


# The measure itself


def test_all_that_moved_so_far_is_what_one_permitted_session_left(scene: Scene) -> None:
    """Nor did anything come late, after a call had ended."""
    # What callers signed, and how far their own logs are: see `rpc_probes`.
    tables = {f"node: table {name}" for name in (*LEFT, "audit_document", "audit_shown")}
    assert scene.changed(scene.at_first) <= tables
    for name, (narrowed, peers) in LEFT.items():
        rows = scene.nodes.query(NODE_FOLDER, f"SELECT DISTINCT peer FROM {name} {narrowed}")
        assert {row.peer for row in rows} <= peers, name
    shown = scene.nodes.query(NODE_FOLDER, "SELECT origin FROM audit_shown")
    callers = {ALPHA, BETA, NGO, AUDITOR}
    assert {row.origin for row in shown} == {
        log_origin(CoalitionId(COALITION), MemberId(each)) for each in callers
    }


def test_own_statement_of_a_member_is_taken_and_shows_in_what_is_held(scene: Scene) -> None:
    """The control: with a right id the same message is answered, and what is held is not as before."""
    submit = METHODS["membership.v1.MembershipService/Submit"][0]
    before = scene.held()
    message = own_statement(scene).SerializeToString()
    assert called(scene.channel("node", "ngo"), submit, message) == ("OK", "")
    assert "node: table founding_proposal" in scene.changed(before)
