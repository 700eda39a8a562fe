"""The set a sender releases to one peer in one epoch: what is new, what is withdrawn, and the entries.

Handles labelled sets of both areas; what is called a supplier here is what a label is about, in the area
`signal` one chunk of a signal in the form in which it leaves. Slots under a key are never used twice in an
epoch, so no pad and no key repeats. Refuses nothing by itself: its input is this node's own data.
docs/PROTOCOL.md, Entries.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from symbolon.exchange.derive import entry_masks
from symbolon.exchange.id_sets import among
from symbolon.exchange.key_table import KeyTable
from symbolon.exchange.labels import HANDLES, LabelKind, Places
from symbolon.exchange.limits import MIN_TAG_BYTES, OUTPUT_BYTES, SLOTS
from symbolon.exchange.padding import padded_count, padded_parts
from symbolon.oprf.suite import Suite

UInt64 = npt.NDArray[np.uint64]

_SUPPLIER_FACTOR = np.uint64(0x9E3779B1)


def tag_bytes_for(elements: int, entries: int) -> int:
    """Tag length that leaves a chance hit of 2^-40 over a whole epoch.

    Args:
        elements: receiver elements expected in the epoch.
        entries: sender entries expected in the epoch.
    """
    bits = (max(1, elements) * max(1, entries) - 1).bit_length() + 40
    return max(MIN_TAG_BYTES, -(-bits // 8))


@dataclass(frozen=True, slots=True)
class Released:
    """True entries released so far in one set: parallel columns, dummies left out.

    Attributes:
        key_ids: uint64 `[n]`, see `KeyTable.key_ids`.
        suppliers: uint64 `[n]`.
        slots: uint8 `[n]`.
        tags: n × `tag_bytes` bytes.
        entries: all entries of the set so far, dummies included.
    """

    tag_bytes: int
    key_ids: UInt64
    suppliers: UInt64
    slots: npt.NDArray[np.uint8]
    tags: bytes
    entries: int = 0

    @classmethod
    def nothing(cls, tag_bytes: int) -> "Released":
        """The state before the first delta of an epoch."""
        none = np.empty(0, np.uint64)
        return cls(tag_bytes, none, none, np.empty(0, np.uint8), b"")


@dataclass(frozen=True, slots=True)
class DeltaPlan:
    """What the next delta holds, before any of it is computed.

    Attributes:
        key_index: int64 `[n]`, ascending: index into the key table of each new entry.
        suppliers: uint64 `[n]`.
        slots: uint8 `[n]`.
        dummies: how many entries pad it.
        withdrawn: tags of released entries that no longer count, shuffled.
        crowded: keys left out since too many records share them.
        postponed: pairs left out until the next epoch since their key's slots are used up.
        waiting: pairs that the next delta will bring, where none is due yet.
    """

    key_index: npt.NDArray[np.int64]
    suppliers: UInt64
    slots: npt.NDArray[np.uint8]
    dummies: int
    withdrawn: bytes
    crowded: int
    postponed: int
    waiting: int = 0

    @property
    def entries(self) -> int:
        """Entries of the delta, dummies included; 0 when no delta is due."""
        return len(self.key_index) + self.dummies


def _pair_ids(keys: UInt64, suppliers: UInt64) -> UInt64:
    """One 64-bit id for a (key, supplier) pair; keys are uniform, so n pairs collide with n² / 2^65.

    In the order of keys the ids come nearly in order too, and finding them in a sorted pool is then quick.
    """
    return keys + suppliers * _SUPPLIER_FACTOR


@dataclass(frozen=True, slots=True)
class LiveKeys:
    """The keys of a table that take part: those that not too many records share.

    Attributes:
        keys: int64, ascending: their indices in the table.
        links: bool `[links]`: whether each link of the table stands under one of them.
        crowded: how many keys are left out.
        whole: how many links the whole list has here, whatever is withheld from one peer.
    """

    keys: npt.NDArray[np.int64]
    links: npt.NDArray[np.bool_]
    crowded: int
    whole: int

    def only(self, table: KeyTable, permitted: npt.NDArray[np.uint64]) -> "LiveKeys":
        """What is left of them for a peer that may have some records only.

        Whether a key is shared by too many is asked of the whole list all the same: the answer must not tell
        of what is withheld.

        Args:
            table: the same.
            permitted: uint64, numbers of the records.
        """
        links = self.links & among(table.link_supplier, permitted)
        keys = np.unique(table.link_key[links])
        return LiveKeys(keys, links, self.crowded, self.whole)


def live_keys(table: KeyTable, crowded_above: int | None = SLOTS) -> LiveKeys:
    """Leaves out the keys that too many records share: they say too little.

    Args:
        table: the list's keys of a tier.
        crowded_above: how many may share a key; None for any number.
    """
    per_key = np.bincount(table.link_key, minlength=len(table))
    crowded = per_key > (len(table.link_key) if crowded_above is None else crowded_above)
    links = ~crowded[table.link_key]
    keys = np.flatnonzero((per_key > 0) & ~crowded)
    return LiveKeys(keys, links, int(crowded.sum()), int(links.sum()))


def plan_delta(
    table: KeyTable,
    live: LiveKeys,
    released: Released,
    *,
    additions: bool,
    rng: Callable[[int], bytes],
    slots_per_key: int = SLOTS,
) -> DeltaPlan:
    """Compares the list with what was released and plans the next delta.

    Args:
        table: the list's keys of this tier as they are now.
        live: `live_keys(table)`, or what of it the peer may have.
        released: the state of the set.
        additions: False when no delta is due yet; withdrawals are planned all the same.
        rng: random bytes, for the order of the withdrawn tags.
        slots_per_key: how many entries one key may have in an epoch.
    """
    key_index, suppliers = table.link_key[live.links], table.link_supplier[live.links]
    pairs = _pair_ids(table.key_ids[key_index], suppliers)
    before = _pair_ids(released.key_ids, released.suppliers)
    withdrawn = _pick(released.tags, np.flatnonzero(~among(before, pairs)), released.tag_bytes, rng)
    new = ~among(pairs, before)
    if not additions:
        none, numbers = np.empty(0, np.int64), np.empty(0, np.uint64)
        waiting = int(new.sum())
        return DeltaPlan(none, numbers, none.astype(np.uint8), 0, withdrawn, live.crowded, 0, waiting)
    key_index, suppliers = key_index[new], suppliers[new]
    keys, used = table.key_ids[key_index], np.sort(released.key_ids)
    slots = np.searchsorted(used, keys, side="right") - np.searchsorted(used, keys)
    if len(key_index):
        first = np.flatnonzero(np.diff(key_index, prepend=-1))
        slots += np.arange(len(keys)) - np.repeat(first, np.diff(first, append=len(keys)))
    fits = slots < slots_per_key
    count = int(fits.sum())
    # The first delta is as long as that of the whole list: how much of it is withheld must not show. What
    # follows one of dummies alone is no longer than what follows any other.
    least = count if released.entries else max(count, live.whole)
    return DeltaPlan(
        key_index[fits],
        suppliers[fits],
        slots[fits].astype(np.uint8),
        padded_count(least) - count,
        withdrawn,
        live.crowded,
        int(len(fits) - count),
    )


def _pick(rows: bytes, index: npt.NDArray[np.int64], width: int, rng: Callable[[int], bytes]) -> bytes:
    if not len(index):
        return b""
    order = shuffled(len(index), rng)
    return np.frombuffer(rows, np.uint8).reshape(-1, width)[index[order]].tobytes()


def shuffled(count: int, rng: Callable[[int], bytes]) -> npt.NDArray[np.int64]:
    """A uniform permutation of `count` indices: random 128-bit sort keys from `rng`."""
    keys = np.frombuffer(rng(16 * count), np.uint64).reshape(-1, 2)
    return np.lexsort((keys[:, 0], keys[:, 1]))


@dataclass(frozen=True, slots=True)
class Delta:
    """A computed delta, ready to be recorded and then sent.

    Attributes:
        number: d, unique in the epoch's set.
        entries: all entries sorted by tag, dummies included.
        added: the state's new columns, true entries only.
    """

    number: int
    entries: bytes
    added: Released


def build_delta(
    suite: Suite,
    secret_key: bytes,
    table: KeyTable,
    plan: DeltaPlan,
    *,
    number: int,
    tag_bytes: int,
    labels: npt.NDArray[np.uint8],
    rng: Callable[[int], bytes],
    kind: LabelKind = HANDLES,
    context: bytes = b"",
    made: Callable[[int], None] = lambda _: None,
) -> Delta:
    """Computes the entries of a planned delta.

    Args:
        suite: the session's suite.
        secret_key: k of this tier.
        table: as planned.
        plan: at least one entry.
        number: d.
        tag_bytes: fixed for the epoch.
        labels: uint8 `[n, bytes of a label]`: that of each planned entry.
        rng: random bytes, for the dummies and what hides the labels.
        kind: of the labels.
        context: of the key, where the kind binds labels to it.
        made: told how many of the entries are done, as the receiver may know it.
    """
    keys, back = np.unique(plan.key_index, return_inverse=True)
    parts = []
    for start, end, done in padded_parts(len(keys), plan.entries):
        some = keys[start:end]
        inputs = table.inputs.take(some)
        parts.append(suite.evaluate(secret_key, inputs, table.points_for(suite, some)))
        made(done)
    per_key = np.frombuffer(b"".join(parts), np.uint8).reshape(-1, OUTPUT_BYTES)
    width = kind.entry_bytes(tag_bytes)
    rows = np.empty((plan.entries, width), np.uint8)
    count = len(plan.key_index)
    for slot in np.unique(plan.slots).tolist():
        here = np.flatnonzero(plan.slots == slot)
        outputs = per_key[back[here]].tobytes()
        masks = entry_masks(outputs, slot, tag_bytes, kind.secret_bytes, kind.use)
        tags, secrets = masks[:, :tag_bytes], masks[:, tag_bytes:]
        numbers = np.full(len(here), number, np.uint32)
        places = Places(context, tags, plan.slots[here], numbers)
        rows[here, :tag_bytes] = tags
        rows[here, tag_bytes:] = kind.hide(secrets, labels[here], places, rng)
    rows[count:] = np.frombuffer(rng(plan.dummies * width), np.uint8).reshape(-1, width)
    added = Released(
        tag_bytes,
        table.key_ids[plan.key_index],
        plan.suppliers,
        plan.slots,
        rows[:count, :tag_bytes].tobytes(),
        plan.entries,
    )
    return Delta(number, rows[np.argsort(tag_prefixes(rows))].tobytes(), added)


def tag_prefixes(rows: npt.NDArray[np.uint8]) -> UInt64:
    """The first 8 bytes of each row as a big-endian number: ordering by it is ordering by tag."""
    return np.ascontiguousarray(rows[:, :8]).view(">u8")[:, 0].astype(np.uint64)
