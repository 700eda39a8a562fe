"""What a receiver holds of one sender's set in one epoch, and the join that finds the hits.

Own keys are evaluated once an epoch. Each keeps one probe: the tag it would have in the next slot it has not
opened yet. A session looks up the probes of old keys among new entries and those of new keys among all
entries; a probe that finds its entry opens it and moves to the next slot. So a session costs what changed.
docs/PROTOCOL.md, Entries and The join.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from symbolon.exchange.derive import expand_each, info
from symbolon.exchange.limits import HANDLE_BYTES, OUTPUT_BYTES, SLOTS
from symbolon.exchange.sender_set import entry_bytes, tag_prefixes

UInt64 = npt.NDArray[np.uint64]
Rows = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class OwnOutputs:
    """Outputs of own keys and their probes, `[n]` each.

    Attributes:
        key_ids: uint64.
        outputs: n × 64 bytes.
        slots: uint8, the slot that the probe is for; `SLOTS` when all are opened.
        probes: n × tag bytes.
    """

    key_ids: UInt64
    outputs: bytes
    slots: npt.NDArray[np.uint8]
    probes: bytes

    @classmethod
    def of(cls, key_ids: UInt64, outputs: bytes, context: bytes, tag_bytes: int) -> "OwnOutputs":
        """Freshly finalized outputs; their probes are the tags of slot 0."""
        probes = expand_each(outputs, info("tag", context, 0, 0), tag_bytes)
        return cls(key_ids, outputs, np.zeros(len(key_ids), np.uint8), probes)

    def plus(self, other: "OwnOutputs") -> "OwnOutputs":
        """Both, one after the other."""
        return OwnOutputs(
            np.concatenate([self.key_ids, other.key_ids]),
            self.outputs + other.outputs,
            np.concatenate([self.slots, other.slots]),
            self.probes + other.probes,
        )


@dataclass(frozen=True, slots=True)
class Hits:
    """Entries opened, `[n]` each: own key ids, the sender's record handles, and n × tag bytes."""

    key_ids: UInt64
    handles: UInt64
    tags: bytes

    def __len__(self) -> int:
        return len(self.key_ids)

    def plus(self, other: "Hits") -> "Hits":
        """Both, one after the other."""
        key_ids = np.concatenate([self.key_ids, other.key_ids])
        return Hits(key_ids, np.concatenate([self.handles, other.handles]), self.tags + other.tags)

    def standing(self, current: UInt64, withdrawn: bytes, tag_bytes: int) -> "Hits":
        """Those whose key is still in the list and whose entry has not been withdrawn."""
        tags = np.frombuffer(self.tags, np.uint8).reshape(-1, tag_bytes)
        keep = np.isin(self.key_ids, current)
        if withdrawn:
            gone = np.frombuffer(withdrawn, np.uint8).reshape(-1, tag_bytes)
            gone = gone[np.argsort(tag_prefixes(gone))]
            found, _ = find_tags(tags, gone, tag_prefixes(gone))
            keep[found] = False
        return Hits(self.key_ids[keep], self.handles[keep], tags[keep].tobytes())


NO_OUTPUTS = OwnOutputs(np.empty(0, np.uint64), b"", np.empty(0, np.uint8), b"")
NO_HITS = Hits(np.empty(0, np.uint64), np.empty(0, np.uint64), b"")


def join(
    old: OwnOutputs,
    new: OwnOutputs,
    held: dict[int, bytes],
    received: dict[int, bytes],
    *,
    context: bytes,
    tag_bytes: int,
) -> tuple[OwnOutputs, Hits]:
    """Opens every entry that an own key opens and that was not opened before.

    Args:
        old: own keys that have been looked up among `held` already.
        new: own keys of this session.
        held: number to entries, deltas of earlier sessions.
        received: number to entries, deltas of this session.
        context: encoded `KeyContext` of this tier.
        tag_bytes: of the epoch.

    Returns:
        All own keys, old then new, with their probes moved on, and the new hits.
    """
    own = old.plus(new)
    probes = np.frombuffer(own.probes, np.uint8).reshape(-1, tag_bytes).copy()
    slots = own.slots.copy()
    outputs = np.frombuffer(own.outputs, np.uint8).reshape(-1, OUTPUT_BYTES)
    hits = NO_HITS
    split = len(old.key_ids)
    for index, deltas in (
        (np.arange(split), received),
        (np.arange(split, len(own.key_ids)), {**held, **received}),
    ):
        rows, numbers, prefixes = _sorted_entries(deltas, tag_bytes)
        index = index[slots[index] < SLOTS]
        while len(index) and len(rows):
            found, at = find_tags(probes[index], rows[:, :tag_bytes], prefixes)
            index = index[found]
            if not len(index):
                break
            handles = _open(outputs[index], rows[at, tag_bytes:], numbers[at], slots[index], context)
            hits = hits.plus(Hits(own.key_ids[index], handles, rows[at, :tag_bytes].tobytes()))
            slots[index] += 1
            index = index[slots[index] < SLOTS]
            _set_probes(probes, index, outputs, slots, context, tag_bytes)
    return OwnOutputs(own.key_ids, own.outputs, slots, probes.tobytes()), hits


def _sorted_entries(deltas: dict[int, bytes], tag_bytes: int) -> tuple[Rows, npt.NDArray[np.uint32], UInt64]:
    """Entries of several deltas in the order of their tags, with their delta numbers and tag prefixes."""
    width = entry_bytes(tag_bytes)
    parts = [np.frombuffer(data, np.uint8).reshape(-1, width) for data in deltas.values()]
    rows = np.concatenate([np.empty((0, width), np.uint8), *parts])
    lengths = [len(part) for part in parts]
    numbers = np.repeat(np.array(list(deltas), np.uint32), lengths)
    prefixes = tag_prefixes(rows)
    if (prefixes[1:] < prefixes[:-1]).any():
        order = np.argsort(prefixes)
        rows, numbers, prefixes = rows[order], numbers[order], prefixes[order]
    return rows, numbers, prefixes


def find_tags(
    tags: Rows, entry_tags: Rows, prefixes: UInt64
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


def _set_probes(
    probes: Rows,
    index: npt.NDArray[np.int64],
    outputs: Rows,
    slots: npt.NDArray[np.uint8],
    context: bytes,
    tag_bytes: int,
) -> None:
    for slot in np.unique(slots[index]):
        here = index[slots[index] == slot]
        tags = expand_each(outputs[here].tobytes(), info("tag", context, int(slot), 0), tag_bytes)
        probes[here] = np.frombuffer(tags, np.uint8).reshape(-1, tag_bytes)


def _open(
    outputs: Rows,
    masked: Rows,
    numbers: npt.NDArray[np.uint32],
    slots: npt.NDArray[np.uint8],
    context: bytes,
) -> UInt64:
    """The record handles behind masked ones: uint64 `[n]`, from 6 bytes big-endian."""
    handles = np.zeros((len(masked), 8), np.uint8)
    kinds = numbers.astype(np.uint64) << np.uint64(8) | slots
    for kind in np.unique(kinds):
        here = np.flatnonzero(kinds == kind)
        about = info("pad", context, int(kind) & 0xFF, int(kind) >> 8)
        pad = expand_each(outputs[here].tobytes(), about, HANDLE_BYTES)
        handles[here, 2:] = masked[here] ^ np.frombuffer(pad, np.uint8).reshape(-1, HANDLE_BYTES)
    return handles.view(">u8")[:, 0].astype(np.uint64)
