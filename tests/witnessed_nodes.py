"""Real nodes whose audit logs are witnessed: entries without a session, copies of a folder, the command."""

import asyncio
import contextlib
import io
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from real_nodes import Nodes
from symbolon.api.audit.v1 import audit_pb2 as pb
from symbolon.api.audit.v1 import audit_pb2_grpc as stubs
from symbolon.audit.checkpoint import log_origin
from symbolon.audit.entry import Entry
from symbolon.audit.merkle import prove_consistency
from symbolon.audit.signed_note import SignedNote, decode_note
from symbolon.audit.witness import add_checkpoint_body
from symbolon.cli import main
from symbolon.cli.local_coalition import COALITION
from symbolon.membership.member import CoalitionId, MemberId
from symbolon.rpc.node import Node
from symbolon.rpc.witnessing import Collected, collect


def write_entries(home: Path, count: int, note: str = "a test") -> None:
    """Entries as sessions leave them, after the one about the policies, which is written once."""
    with Node(home) as node:
        node.policy.bundle()
        node.audit.append(*[Entry("failed", "nobody-co", note=note)] * count)


def collected(home: Path) -> Collected:
    """What a node gets when it asks all others now."""
    with Node(home) as node:
        return asyncio.run(collect(node))


def signed(home: Path) -> SignedNote:
    """The newest checkpoint of a node, signed now."""
    with Node(home) as node:
        return node.checkpoints.sign()


def evidence(nodes: Nodes, member: str) -> list[tuple[str, SignedNote, SignedNote]]:
    """The contradictions that a member holds."""
    with Node(nodes.home(member)) as node:
        return node.checkpoints.evidence()


def origin(member: str) -> str:
    return log_origin(CoalitionId(COALITION), MemberId(member))


def request_body(home: Path, old: int, note: SignedNote | None = None) -> bytes:
    """What the node in a folder would ask: its newest checkpoint, and the proof from a size."""
    with Node(home) as node:
        note = note or node.checkpoints.sign()
        size = int(note.text.split("\n")[1])
        return add_checkpoint_body(old, prove_consistency(old, size, node.audit.nodes), note)


def add_checkpoint(channel: Any, body: bytes) -> tuple[int, bytes]:
    """Status and body of an answer."""
    said = stubs.WitnessServiceStub(channel).AddCheckpoint(pb.AddCheckpointRequest(body=body), timeout=30)
    return said.status, said.body


def get_checkpoint(channel: Any, of: str) -> SignedNote | None:
    """What the called node holds of a member's log."""
    asked = pb.GetCheckpointRequest(origin=of)
    said = stubs.WitnessServiceStub(channel).GetCheckpoint(asked, timeout=30)
    return decode_note(said.note) if said.note else None


@contextlib.contextmanager
def copied(home: Path) -> Iterator[Path]:
    """A copy of a node's folder, elsewhere."""
    with tempfile.TemporaryDirectory() as folder:
        yield Path(shutil.copytree(home, Path(folder) / home.name, symlinks=True))


def put_back(copy: Path, home: Path) -> None:
    """Makes a folder what it was when it was copied."""
    shutil.rmtree(home)
    shutil.copytree(copy, home, symlinks=True)


@contextlib.contextmanager
def kept(home: Path) -> Iterator[None]:
    """The folder is what it is now again afterwards."""
    with copied(home) as whole:
        try:
            yield
        finally:
            put_back(whole, home)


def put_database_back(copy: Path, home: Path) -> None:
    """Makes the database what it was; all files beside it stay."""
    for name in ("node.db", "node.db-wal", "node.db-shm"):
        (home / name).unlink(missing_ok=True)
        if (copy / name).exists():
            shutil.copy2(copy / name, home / name)


def audit_witness_command(home: Path, *arguments: str) -> tuple[int, str, str]:
    """Runs `symbolon audit witness` within this process: exit code, stdout, stderr."""
    out, talk = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(talk):
        code = main.run(["--home", str(home), "audit", "witness", *arguments])
    return code, out.getvalue(), talk.getvalue()
