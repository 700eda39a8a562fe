"""Checks this node's own audit log in full: what an export would show, and what stands beside it.

Handles: every leaf computed again from its salts; every stored node of the tree; the stored head; every
checkpoint, and the file that holds the newest one; and, as a reader of an export would, signatures,
documents, decisions and sessions. What does not hold is a finding; nothing is changed, but that a checkpoint
is signed where entries came since the last. Specification: docs/adr/0015.
"""

import dataclasses
from typing import TYPE_CHECKING, Final

from symbolon.audit.checkpoint import log_origin, verify_checkpoint
from symbolon.audit.entry import commitments, leaf_bytes
from symbolon.audit.export_check import check_lines
from symbolon.audit.merkle import Frontier, leaf_hash
from symbolon.audit.signed_note import NoteKey, decode_note
from symbolon.audit.verdict import Findings, Verdict
from symbolon.errors import AuditError
from symbolon.membership.atomic_file import read_bounded
from symbolon.membership.coalition_roles import root_fingerprint
from symbolon.membership.member import CoalitionId, MemberId
from symbolon.rpc.audit_export import Progress, Selection, export_lines, own_header
from symbolon.storage.audit_checkpoints import CHECKPOINT_FILE

if TYPE_CHECKING:
    from symbolon.rpc.node import Node

OWN: Final = "audit log"
"""What the findings name in the place of a file."""

_MAX_FILE_BYTES: Final = 256 * 1024
_AT_ONCE: Final = 1_000


def check_own(node: "Node", progress: Progress = lambda *_: None) -> Verdict:
    """Checks the log of a node.

    Args:
        node: it.
        progress: told how far it has come.

    Returns:
        The verdict; the root that this node follows is the one that is trusted.
    """
    findings = Findings(OWN)
    _check_stored(node, findings, progress)
    oldest = root_fingerprint(node.coalition.roots()[0])
    try:
        _check_file(node, findings)
        lines = export_lines(node, own_header(node), Selection())
        read = check_lines([(OWN, lines)], oldest, lambda _, done, total: progress("checking", done, total))
    except AuditError as error:
        # It is not the log that was signed, or cannot even be written down: nothing is signed over it.
        findings.add("broken", "own.log", f"The log is not what was signed: {error.detail}.")
        return Verdict(oldest.hex(), True, (), findings.all(), ())
    return dataclasses.replace(read, findings=(*findings.all(), *read.findings))


def _check_stored(node: "Node", findings: Findings, progress: Progress) -> None:
    """The leaves as stored, from what they were made of, and the tree as stored, from the leaves."""
    frontier, stored = Frontier(), node.audit.frontier()
    leaves: list[bytes] = []

    def grow() -> None:
        nonlocal frontier
        frontier, nodes = frontier.extend(leaves)
        held = node.audit.nodes([(each.level, each.position) for each in nodes])
        for each in nodes:
            if held.get((each.level, each.position)) != each.hash:
                findings.add(
                    "broken",
                    "own.node",
                    f"The tree as stored is not the one over the entries, at level {each.level}, position "
                    f"{each.position}.",
                )
        leaves.clear()

    for entry in node.audit.entries(0, stored.size):
        if entry.number != frontier.size + len(leaves):
            findings.add("broken", "own.gap", f"Entry {frontier.size + len(leaves)} is not there.")
            return
        if entry.salts is not None:
            leaf = leaf_hash(leaf_bytes(commitments(entry.values, entry.salts)))
            if leaf != entry.leaf:
                findings.add(
                    "broken",
                    "own.leaf",
                    f"Entry {entry.number} does not say what it said when it was written.",
                    entry.number,
                )
        leaves.append(entry.leaf)
        if len(leaves) == _AT_ONCE:
            grow()
            progress("computing again", entry.number, stored.size)
    grow()
    if frontier != stored:
        findings.add(
            "broken",
            "own.head",
            f"The log has {frontier.size} entries; its head, over {stored.size}, does not fit them.",
        )


def _check_file(node: "Node", findings: Findings) -> None:
    """The newest checkpoint, which also lies beside the database.

    Raises:
        AuditError: it is not of this log.
    """
    held = node.checkpoints.all()
    path = node.home / CHECKPOINT_FILE
    if not path.exists():
        if held:
            findings.add("missing", "own.file", f"{CHECKPOINT_FILE} does not lie beside the database.")
        return
    note = decode_note(read_bounded(path, _MAX_FILE_BYTES))
    own = node.config.node
    origin = log_origin(CoalitionId(own.coalition), MemberId(own.member))
    verify_checkpoint(note, NoteKey(origin, node.signing_key.public_key().public_bytes_raw()))
