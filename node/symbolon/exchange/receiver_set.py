"""What a receiver holds of one sender's set in one epoch, and the join that finds the hits.

Handles outputs of the receiver's own keys and entries received, both kept for the epoch so that a later
session exchanges the difference only. docs/PROTOCOL.md, Entries and The join.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from symbolon.exchange.derive import expand_each, info
from symbolon.exchange.limits import HANDLE_BYTES, OUTPUT_BYTES, SLOTS
from symbolon.exchange.sender_set import entry_bytes, tag_prefixes

UInt64 = npt.NDArray[np.uint64]


@dataclass(frozen=True, slots=True)
class OwnOutputs:
    """Outputs of own keys: uint64 `[n]` key ids, n × 64 bytes outputs, n × tag bytes (slot 0)."""

    key_ids: UInt64
    outputs: bytes
    tags: bytes

    @classmethod
    def of(cls, key_ids: UInt64, outputs: bytes, context: bytes, tag_bytes: int) -> "OwnOutputs":
        """Derives the tags of freshly finalized outputs."""
        return cls(key_ids, outputs, expand_each(outputs, info("tag", context, 0, 0), tag_bytes))

    def plus(self, other: "OwnOutputs") -> "OwnOutputs":
        """Both, one after the other."""
        key_ids = np.concatenate([self.key_ids, other.key_ids])
        return OwnOutputs(key_ids, self.outputs + other.outputs, self.tags + other.tags)

    def only(self, key_ids: UInt64, tag_bytes: int) -> "OwnOutputs":
        """Those whose key is among `key_ids`: keys that left the list no longer match."""
        keep = np.isin(self.key_ids, key_ids)
        if keep.all():
            return self
        outputs = np.frombuffer(self.outputs, np.uint8).reshape(-1, OUTPUT_BYTES)
        tags = np.frombuffer(self.tags, np.uint8).reshape(-1, tag_bytes)
        return OwnOutputs(self.key_ids[keep], outputs[keep].tobytes(), tags[keep].tobytes())


NO_OUTPUTS = OwnOutputs(np.empty(0, np.uint64), b"", b"")


@dataclass(frozen=True, slots=True)
class Hits:
    """Pairs found: uint64 `[n]` own key ids, uint64 `[n]` the sender's record handles (big-endian)."""

    key_ids: UInt64
    handles: UInt64

    def __len__(self) -> int:
        return len(self.key_ids)


def join(
    own: OwnOutputs, deltas: dict[int, bytes], withdrawn: bytes, *, context: bytes, tag_bytes: int
) -> Hits:
    """Finds every entry that one of the own keys opens.

    Args:
        own: outputs of the keys now in the list.
        deltas: number to entries, all deltas of the epoch.
        withdrawn: tags of entries that no longer count.
        context: encoded `KeyContext` of this tier.
        tag_bytes: of the epoch.

    Returns:
        One hit per own key and entry; withdrawn entries are passed over, later slots still found.
    """
    width = entry_bytes(tag_bytes)
    rows = np.concatenate(
        [np.frombuffer(data, np.uint8).reshape(-1, width) for data in deltas.values()]
        or [np.empty((0, width), np.uint8)]
    )
    numbers = np.concatenate(
        [np.full(len(data) // width, number, np.uint32) for number, data in deltas.items()]
        or [np.empty(0, np.uint32)]
    )
    prefixes = tag_prefixes(rows)
    if (prefixes[1:] < prefixes[:-1]).any():
        order = np.argsort(prefixes)
        rows, numbers, prefixes = rows[order], numbers[order], prefixes[order]
    counts = ~_among(rows[:, :tag_bytes], withdrawn, tag_bytes)
    mine = np.arange(len(own.key_ids))
    tags = np.frombuffer(own.tags, np.uint8).reshape(-1, tag_bytes)
    outputs = np.frombuffer(own.outputs, np.uint8).reshape(-1, OUTPUT_BYTES)
    keys: list[UInt64] = []
    handles: list[UInt64] = []
    for slot in range(SLOTS):
        if slot:
            fresh = expand_each(outputs[mine].tobytes(), info("tag", context, slot, 0), tag_bytes)
            tags = np.frombuffer(fresh, np.uint8).reshape(-1, tag_bytes)
        found, at = find_tags(tags, rows[:, :tag_bytes], prefixes)
        mine = mine[found]
        if not len(mine):
            break
        keep = counts[at]
        opened = _open(outputs[mine[keep]], rows[at[keep], tag_bytes:], numbers[at[keep]], context, slot)
        keys.append(own.key_ids[mine[keep]])
        handles.append(opened)
    if not keys:
        return Hits(np.empty(0, np.uint64), np.empty(0, np.uint64))
    return Hits(np.concatenate(keys), np.concatenate(handles))


def find_tags(
    tags: npt.NDArray[np.uint8], entry_tags: npt.NDArray[np.uint8], prefixes: UInt64
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Finds tags among sorted ones.

    Args:
        tags: uint8 `[n, width]`, in any order.
        entry_tags: uint8 `[m, width]`, sorted by their first 8 bytes.
        prefixes: uint64 `[m]`: `tag_prefixes(entry_tags)`.

    Returns:
        Ascending indices into `tags` of those found, and for each its index into `entry_tags`.
    """
    wanted = tag_prefixes(tags)
    at = np.searchsorted(prefixes, wanted)
    found = np.zeros(len(wanted), bool)
    place = np.zeros(len(wanted), np.int64)
    open_ = np.flatnonzero(at < len(prefixes))
    while len(open_):
        open_ = open_[prefixes[at[open_]] == wanted[open_]]
        same = (entry_tags[at[open_]] == tags[open_]).all(axis=1)
        found[open_[same]] = True
        place[open_[same]] = at[open_[same]]
        open_ = open_[~same]
        at[open_] += 1
        open_ = open_[at[open_] < len(prefixes)]
    hits = np.flatnonzero(found)
    return hits, place[hits]


def _among(entry_tags: npt.NDArray[np.uint8], withdrawn: bytes, tag_bytes: int) -> npt.NDArray[np.bool_]:
    if not withdrawn:
        return np.zeros(len(entry_tags), bool)
    gone = np.frombuffer(withdrawn, np.uint8).reshape(-1, tag_bytes)
    gone = gone[np.argsort(tag_prefixes(gone))]
    result = np.zeros(len(entry_tags), bool)
    hits, _ = find_tags(entry_tags, gone, tag_prefixes(gone))
    result[hits] = True
    return result


def _open(
    outputs: npt.NDArray[np.uint8],
    masked: npt.NDArray[np.uint8],
    numbers: npt.NDArray[np.uint32],
    context: bytes,
    slot: int,
) -> UInt64:
    handles = np.zeros((len(masked), 8), np.uint8)
    for number in np.unique(numbers):
        here = np.flatnonzero(numbers == number)
        pad = expand_each(outputs[here].tobytes(), info("pad", context, slot, int(number)), HANDLE_BYTES)
        handles[here, 2:] = masked[here] ^ np.frombuffer(pad, np.uint8).reshape(-1, HANDLE_BYTES)
    return handles.view(">u8")[:, 0].astype(np.uint64)
