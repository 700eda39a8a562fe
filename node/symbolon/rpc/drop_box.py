"""The keys of this node's drop box: for files that a laptop without a node seals for it.

Handles: the key that is handed out, made when it is first asked for; replacing it, with the one before kept
for a while so that files on their way still open; opening a file. The private keys stand in one small file,
sealed with the node's key. Refuses, with `SignalError` (`signal.drop`), a file for another key. A key that is
replaced and erased opens nothing any more, also for whoever takes the node away later. Specification:
docs/contributing-signals.md, Without a node.
"""

import json
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from symbolon.errors import SealError, SignalError
from symbolon.membership.atomic_file import locked, read_bounded, write_atomically
from symbolon.rpc.node import Node
from symbolon.signals.drop_file import DropKey, fingerprint_of, open_drop

FILE_NAME: Final = "drop-box.keys"
LOCK_NAME: Final = "drop-box.lock"

KEPT_DAYS: Final = 30
"""How long a replaced key still opens files: as long as a memory stick is on its way."""

MAX_KEYS: Final = 32
"""One for each time that it was replaced within `KEPT_DAYS`."""

MAX_FILE_BYTES: Final = 16 * 1024
"""`MAX_KEYS` keys of some 150 bytes each, sealed."""


@dataclass(frozen=True, slots=True)
class _Key:
    """One key; `until` is the day on which it is erased, None for the one that is handed out."""

    private: X25519PrivateKey
    until: date | None


def current_key(node: Node) -> DropKey:
    """The public key that this node hands out; made now if there is none.

    Raises:
        SealError, StorageError: the file cannot be read or written.
    """
    with locked(node.home / LOCK_NAME):
        keys = _read(node)
        if not keys:
            keys = [_Key(_new(node), None)]
            _write(node, keys)
        return _public(node, keys[-1].private)


def renew_key(node: Node, *, forget: bool = False) -> DropKey:
    """Makes another key the one that is handed out.

    Args:
        node: this node.
        forget: erase the keys before it now, not in `KEPT_DAYS`: files for them open no more.

    Raises:
        SignalError: `signal.drop`, it was replaced too often lately.
        SealError, StorageError: the file cannot be read or written.
    """
    with locked(node.home / LOCK_NAME):
        until = node.now.date() + timedelta(days=KEPT_DAYS)
        before = [] if forget else [replace(each, until=each.until or until) for each in _read(node)]
        if len(before) >= MAX_KEYS:
            raise SignalError(
                f"the key of the drop box was replaced {MAX_KEYS} times within {KEPT_DAYS} days",
                hint="Erase the old ones with --forget-old.",
                code="signal.drop",
            )
        keys = [*before, _Key(_new(node), None)]
        _write(node, keys)
        return _public(node, keys[-1].private)


def open_for(node: Node, data: bytes) -> bytes:
    """The content of a drop file that was sealed for this node.

    Args:
        node: this node.
        data: all of the file.

    Raises:
        SignalError: `signal.drop`.
        SealError, StorageError: the keys cannot be read.
    """
    wanted = fingerprint_of(data)
    with locked(node.home / LOCK_NAME):
        keys = _read(node)
    for each in keys:
        key = _public(node, each.private)
        if key.fingerprint == wanted:
            return open_drop(data, each.private, key)
    raise SignalError(
        "the drop file is for another key than this node has",
        hint="It was sealed for another node, or for a key that was replaced: ask for a new file, and compare"
        " the fingerprint with `symbolon signals dropbox` first.",
        code="signal.drop",
    )


def _new(node: Node) -> X25519PrivateKey:
    return X25519PrivateKey.from_private_bytes(node.rng(32))


def _public(node: Node, private: X25519PrivateKey) -> DropKey:
    own = node.config.node
    return DropKey(own.coalition, own.member, private.public_key().public_bytes_raw())


def _path(node: Node) -> Path:
    return node.home / FILE_NAME


def _read(node: Node) -> list[_Key]:
    """The keys, the one that is handed out last; those whose day has come are erased from the file."""
    if not _path(node).exists():
        return []
    sealed = read_bounded(_path(node), MAX_FILE_BYTES)
    said = json.loads(node.sealer.open("drop_box", "keys", node.member_id, sealed))
    try:
        keys = [
            _Key(
                X25519PrivateKey.from_private_bytes(bytes.fromhex(private)),
                None if until is None else date.fromisoformat(until),
            )
            for private, until in said
        ]
    except (TypeError, ValueError) as error:
        raise SealError("the keys of the drop box are of another release") from error
    today = node.now.date()
    kept = [each for each in keys if each.until is None or each.until > today]
    if len(kept) != len(keys):
        _write(node, kept)
    return kept


def _write(node: Node, keys: list[_Key]) -> None:
    said = [(each.private.private_bytes_raw().hex(), each.until and each.until.isoformat()) for each in keys]
    sealed = node.sealer.seal("drop_box", "keys", node.member_id, json.dumps(said).encode())
    write_atomically(_path(node), sealed)
