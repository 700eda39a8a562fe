"""An audit log computed again from the ground: what tests believe instead of the node's word for it.

And what they write into logs and do to databases for that.
"""

import hashlib
from collections.abc import Sequence
from pathlib import Path

from sqlalchemy import text

from memory_log import COALITION, NOW_S, private_key
from symbolon.audit.checkpoint import Checkpoint, log_origin, verify_checkpoint
from symbolon.audit.entry import Entry, commitments, leaf_bytes
from symbolon.audit.merkle import prove_inclusion, verify_inclusion
from symbolon.audit.signed_note import decode_note
from symbolon.errors import AuditError
from symbolon.membership.member import MemberId
from symbolon.storage.audit_checkpoints import Checkpoints
from symbolon.storage.audit_log import AuditLog, StoredEntry
from symbolon.storage.database import Database


def answered(number: int, **more: str) -> Entry:
    """An entry that can be told from others by its number."""
    session = f"{number:032x}"
    return Entry("answered", "farm", session, "size", "due-diligence", {"elements_A": number}, **more)


def checkpoints_of(database: Database, log: AuditLog, file: Path, member: str = "mill") -> Checkpoints:
    """The checkpoints of a member, signed by the key of `memory_log`."""
    origin = log_origin(COALITION, MemberId(member))
    return Checkpoints(database, log, origin, lambda: private_key(member), file, lambda: NOW_S)


def alter(database: Database, *statements: str, **values: object) -> None:
    """Does what the node never does."""
    with database.transaction("attack") as connection:
        for each in statements:
            connection.execute(text(each), values)


def tree_hashes(leaves: Sequence[bytes]) -> dict[tuple[int, int], bytes]:
    """Every perfect sub-tree of two leaves or more, by level and position."""
    hashes, level, row = {}, 0, list(leaves)
    while len(row) > 1:
        level += 1
        row = [
            hashlib.sha256(b"\x01" + row[at] + row[at + 1]).digest()
            for at in range(0, len(row) - 1 if len(row) % 2 else len(row), 2)
        ]
        hashes.update({(level, position): each for position, each in enumerate(row)})
    return hashes


def tree_root(leaves: Sequence[bytes]) -> bytes:
    """RFC 6962 section 2.1, word for word."""
    if len(leaves) < 2:
        return leaves[0] if leaves else hashlib.sha256(b"").digest()
    half = 1 << (len(leaves) - 1).bit_length() - 1
    return hashlib.sha256(b"\x01" + tree_root(leaves[:half]) + tree_root(leaves[half:])).digest()


def leaf_of(entry: StoredEntry) -> bytes:
    """The hash of what an entry says under its salts."""
    assert entry.salts is not None
    return hashlib.sha256(b"\x00" + leaf_bytes(commitments(entry.values, entry.salts))).digest()


def assert_log_whole(database: Database, log: AuditLog) -> list[StoredEntry]:
    """Every leaf is what its entry says, and the tree as stored is the one over the leaves, no node more.

    Returns:
        The entries, in order.
    """
    entries = list(log.entries())
    assert [each.number for each in entries] == list(range(len(entries)))
    for each in entries:
        assert each.salts is None or leaf_of(each) == each.leaf, each.number
    leaves = [each.leaf for each in entries]
    frontier = log.frontier()
    assert (frontier.size, frontier.root()) == (len(leaves), tree_root(leaves))
    with database.read("look at the tree") as connection:
        rows = connection.execute(text("SELECT level, position, hash FROM audit_node")).all()
        head = connection.execute(text("SELECT size FROM audit_head")).scalars().all()
    assert {(row.level, row.position): bytes(row.hash) for row in rows} == tree_hashes(leaves)
    assert head == [len(leaves)]
    return entries


def assert_checkpoints_fit(
    checkpoints: Checkpoints, file: Path, entries: Sequence[StoredEntry]
) -> list[Checkpoint]:
    """Every checkpoint, and the one in the file, is signed and is of the log's past; the log is begun so.

    Returns:
        The checkpoints, oldest first.
    """
    leaves = [each.leaf for each in entries]
    notes = checkpoints.all()
    if file.exists():
        notes.append(decode_note(file.read_bytes()))
    shown = [verify_checkpoint(each, checkpoints.public) for each in notes]
    for each in shown:
        assert each.size <= len(leaves)
        assert each.root == tree_root(leaves[: each.size])
    checkpoints.require_whole()
    return shown


def unproven(log: AuditLog, checkpoint: Checkpoint) -> set[int]:
    """Entries that a checkpoint covers, and that somebody outside who has its root does not believe."""
    entries = {each.number: each for each in log.entries(0, checkpoint.size)}
    found = set()
    for number in range(checkpoint.size):
        try:
            entry = entries[number]
            leaf = entry.leaf if entry.salts is None else leaf_of(entry)
            proof = prove_inclusion(number, checkpoint.size, log.nodes)
            verify_inclusion(leaf, number, checkpoint.size, proof, checkpoint.root)
        except (KeyError, AuditError):
            found.add(number)
    return found
