"""What a receiver holds of one sender's set in one epoch, and the join that finds the hits.

Own keys are evaluated once an epoch. Each keeps one probe: tag and pad of the next slot it has not
opened yet. A session looks up the probes of old keys among new entries and those of new keys among all
entries; a probe that finds its entry opens it and moves to the next slot. So a session costs what changed.
docs/PROTOCOL.md, Entries and The join.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from symbolon.exchange.derive import entry_masks
from symbolon.exchange.id_sets import among
from symbolon.exchange.labels import HANDLES, LabelKind, Places
from symbolon.exchange.limits import OUTPUT_BYTES
from symbolon.exchange.sender_set import tag_prefixes

UInt64 = npt.NDArray[np.uint64]
Rows = npt.NDArray[np.uint8]

_LONGEST_RUN = 16
"""Entries looked at that share the first 8 bytes of a tag. Two of 2^25 honest ones do with odds of 2^-15;
without the limit a sender who repeats one tag would keep the search busy for as long as its set is."""

_COARSE_BITS = 16
_COARSE_SHIFT = np.uint64(64 - _COARSE_BITS)


@dataclass(frozen=True, slots=True)
class OwnOutputs:
    """Outputs of own keys and their probes, `[n]` each.

    Attributes:
        key_ids: uint64.
        outputs: n × 64 bytes.
        slots: uint8, the slot that the probe is for; the kind's number of slots when all are opened.
        probes: n × (tag and secret bytes): tag, then pad or key, of that slot.
    """

    key_ids: UInt64
    outputs: bytes
    slots: npt.NDArray[np.uint8]
    probes: bytes

    @classmethod
    def of(cls, key_ids: UInt64, outputs: bytes, tag_bytes: int) -> "OwnOutputs":
        """Freshly finalized outputs; their probes are for slot 0."""
        probes = entry_masks(outputs, 0, tag_bytes).tobytes()
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
    """Entries opened.

    Attributes:
        key_ids: uint64 `[n]`, own keys.
        labels: `[n]`, as their kind reveals them: record handles, uint64, or chunks of signals, uint8
            `[n, 128]`; those under one key in the order of their slots.
        tags: n × tag bytes.
    """

    key_ids: UInt64
    labels: npt.NDArray[Any]
    tags: bytes

    def __len__(self) -> int:
        return len(self.key_ids)

    def plus(self, other: "Hits") -> "Hits":
        """Both, one after the other."""
        key_ids = np.concatenate([self.key_ids, other.key_ids])
        return Hits(key_ids, np.concatenate([self.labels, other.labels]), self.tags + other.tags)

    def standing(self, current: UInt64, withdrawn: bytes, tag_bytes: int) -> "Hits":
        """Those whose key is still in the list (`current`, ascending) and whose entry was not withdrawn."""
        tags = np.frombuffer(self.tags, np.uint8).reshape(-1, tag_bytes)
        keep = among(self.key_ids, current, is_sorted=True)
        if withdrawn:
            gone = np.frombuffer(withdrawn, np.uint8).reshape(-1, tag_bytes)
            gone = gone[np.argsort(tag_prefixes(gone))]
            found, _ = find_tags(tags, gone, tag_prefixes(gone))
            keep[found] = False
        return Hits(self.key_ids[keep], self.labels[keep], tags[keep].tobytes())


NO_OUTPUTS = OwnOutputs(np.empty(0, np.uint64), b"", np.empty(0, np.uint8), b"")
NO_HITS = Hits(np.empty(0, np.uint64), HANDLES.none(), b"")


def no_hits(kind: LabelKind) -> Hits:
    """Nothing opened, of a kind of label."""
    return Hits(np.empty(0, np.uint64), kind.none(), b"")


def join(
    old: OwnOutputs,
    new: OwnOutputs,
    held: dict[int, bytes],
    received: dict[int, bytes],
    *,
    tag_bytes: int,
    kind: LabelKind = HANDLES,
    context: bytes = b"",
) -> tuple[OwnOutputs, OwnOutputs, Hits]:
    """Opens every entry that an own key opens and that was not opened before.

    Args:
        old: own keys that have been looked up among `held` already.
        new: own keys of this session.
        held: number to entries, deltas of earlier sessions.
        received: number to entries, deltas of this session.
        tag_bytes: of the epoch.
        kind: of the labels.
        context: of the set's key, where the kind binds labels to it.

    Returns:
        The old and the new own keys, with their probes moved on, and the new hits.
    """
    moved_old, found_by_old = _open(old, received, tag_bytes, kind, context)
    moved_new, found_by_new = _open(new, {**held, **received}, tag_bytes, kind, context)
    return moved_old, moved_new, found_by_old.plus(found_by_new)


def _open(
    own: OwnOutputs, deltas: dict[int, bytes], tag_bytes: int, kind: LabelKind, context: bytes
) -> tuple[OwnOutputs, Hits]:
    """Looks up the probes of own keys, each until its next slot is not found.

    A tag that is found and whose label does not open is passed over as if it had: it was spoilt on purpose.
    """
    rows, prefixes, numbers = _sorted_entries(deltas, kind.entry_bytes(tag_bytes))
    if not len(rows) or not len(own.key_ids):
        return own, no_hits(kind)
    probes = np.frombuffer(own.probes, np.uint8).reshape(-1, tag_bytes + kind.secret_bytes).copy()
    slots = own.slots.copy()
    outputs = np.frombuffer(own.outputs, np.uint8).reshape(-1, OUTPUT_BYTES)
    hits = no_hits(kind)
    open_keys = np.flatnonzero(slots < kind.slots)
    while len(open_keys):
        found, at = find_tags(probes[open_keys, :tag_bytes], rows[:, :tag_bytes], prefixes)
        open_keys = open_keys[found]
        if not len(open_keys):
            break
        tags = rows[at, :tag_bytes]
        places = Places(context, tags, slots[open_keys], numbers[at])
        opened, labels = kind.reveal(probes[open_keys, tag_bytes:], rows[at, tag_bytes:], places)
        hits = hits.plus(Hits(own.key_ids[open_keys[opened]], labels, tags[opened].tobytes()))
        slots[open_keys] += 1
        open_keys = open_keys[slots[open_keys] < kind.slots]
        for slot in np.flatnonzero(np.bincount(slots[open_keys])).tolist():
            here = open_keys[slots[open_keys] == slot]
            masks = entry_masks(outputs[here].tobytes(), slot, tag_bytes, kind.secret_bytes, kind.use)
            probes[here] = masks
    return OwnOutputs(own.key_ids, own.outputs, slots, probes.tobytes()), hits


def _sorted_entries(deltas: dict[int, bytes], width: int) -> tuple[Rows, UInt64, npt.NDArray[np.uint32]]:
    """Entries of several deltas in the order of their tags, their tag prefixes, and the delta of each."""
    parts = [np.frombuffer(data, np.uint8).reshape(-1, width) for data in deltas.values()]
    rows = np.concatenate([np.empty((0, width), np.uint8), *parts])
    numbers = np.repeat(np.fromiter(deltas, np.uint32, len(deltas)), [len(each) for each in parts])
    prefixes = tag_prefixes(rows)
    if (prefixes[1:] < prefixes[:-1]).any():
        order = np.argsort(prefixes)
        rows, prefixes, numbers = rows[order], prefixes[order], numbers[order]
    return rows, prefixes, numbers


def find_tags(
    tags: Rows, entry_tags: Rows, prefixes: UInt64
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Finds tags among sorted ones; of many with one prefix the first `_LONGEST_RUN` count.

    Args:
        tags: uint8 `[n, width]`, in any order.
        entry_tags: uint8 `[m, width]`, sorted by their first 8 bytes.
        prefixes: uint64 `[m]`: `tag_prefixes(entry_tags)`.

    Returns:
        Ascending indices into `tags` of those found, and for each its index into `entry_tags`.
    """
    wanted = tag_prefixes(tags)
    found = np.zeros(len(wanted), bool)
    at, place = np.zeros(len(wanted), np.int64), np.zeros(len(wanted), np.int64)
    # A coarse look first: of many old keys next to none meets one of a few new entries.
    known = np.zeros(1 << _COARSE_BITS, bool)
    known[prefixes >> _COARSE_SHIFT] = True
    open_ = np.flatnonzero(known[wanted >> _COARSE_SHIFT])
    at[open_] = np.searchsorted(prefixes, wanted[open_])
    open_ = open_[at[open_] < len(prefixes)]
    for _ in range(_LONGEST_RUN):
        if not len(open_):
            break
        open_ = open_[prefixes[at[open_]] == wanted[open_]]
        same = (entry_tags[at[open_]] == tags[open_]).all(axis=1)
        found[open_[same]] = True
        place[open_[same]] = at[open_[same]]
        open_ = open_[~same]
        at[open_] += 1
        open_ = open_[at[open_] < len(prefixes)]
    hits = np.flatnonzero(found)
    return hits, place[hits]
