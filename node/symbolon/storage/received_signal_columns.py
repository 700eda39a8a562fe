"""What the sealed columns of received signals hold.

Handles: a label with the key that it was verified by; reason and day of a recall, with the own suppliers that
the signal was about, padded so that the length does not tell how many; the links between signals and own
suppliers, all of one peer, purpose and tier in one value. They are sealed together since a row for each would
show how many own suppliers are concerned and, by their numbers, which; and every lookup writes those of its
tiers anew. Refuses bytes that do not open in their place, and columns that do not add up. Specification:
docs/signals.md, Taking in; Recall, dispute and reply.
"""

import contextlib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from hashlib import sha256
from itertools import compress
from typing import Final, Self

import numpy as np
import numpy.typing as npt

from symbolon.errors import StorageError
from symbolon.signals.bundle import split_chunks
from symbolon.signals.facts import day_number, numbered_day
from symbolon.signals.found_labels import FoundLabels
from symbolon.signals.signal import ID_BYTES
from symbolon.signals.supplier_link import Hit
from symbolon.signals.vocabulary import RecallReason
from symbolon.storage.exchange_columns import pack, unpack
from symbolon.storage.seal import Sealer
from symbolon.suppliers.tier import Tier

Chunks = tuple[bytes, ...]

_DAY_BYTES: Final = 2
_COUNT_BYTES: Final = 4
_NUMBER_BYTES: Final = 8
_PRINT_BYTES: Final = 16

RECALL_SUPPLIERS: Final = 8
"""Numbers of suppliers that a recall has room for, and by which the room grows: few signals fit more."""

NO_PRINT: Final = bytes(_PRINT_BYTES)
"""Of no label."""


@dataclass(frozen=True, slots=True)
class Label:
    """A label as it came.

    Attributes:
        key_id: names the publisher's key that it was verified by on arrival.
        chunks: see `signals.bundle`.
    """

    key_id: bytes
    chunks: Chunks = field(repr=False)


def seal_label(sealer: Sealer, peer: str, purpose: str, signal_id: bytes, label: Label) -> bytes:
    """What `received_form.content` holds."""
    content = pack(label.key_id, b"".join(label.chunks))
    return sealer.seal("received_form", "content", _form(peer, purpose, signal_id), content)


def open_label(sealer: Sealer, peer: str, purpose: str, signal_id: bytes, sealed: bytes) -> Label:
    """A label from `received_form.content`."""
    opened = sealer.open("received_form", "content", _form(peer, purpose, signal_id), sealed)
    key_id, joined = unpack(opened, 2)
    return Label(key_id, split_chunks(joined))


def label_digest(sealer: Sealer, label: bytes) -> bytes:
    """What `received_form.digest` holds of a label, given in one piece: it need not be opened to compare."""
    return sealer.keyed_digest("received_form.digest", label)


def seal_narrative(sealer: Sealer, peer: str, purpose: str, signal_id: bytes, text: str) -> bytes:
    """What `received_narrative.text` holds."""
    return sealer.seal("received_narrative", "text", _form(peer, purpose, signal_id), text.encode())


def open_narrative(sealer: Sealer, peer: str, purpose: str, signal_id: bytes, sealed: bytes) -> str:
    """The narrative from `received_narrative.text`."""
    return sealer.open("received_narrative", "text", _form(peer, purpose, signal_id), sealed).decode()


@dataclass(frozen=True, slots=True)
class KeptRecall:
    """What is kept of a recall.

    Attributes:
        reason: why.
        issued: day of the recall.
        suppliers: own suppliers that the signal was about, by number, ascending; empty where none are noted.
    """

    reason: RecallReason
    issued: date
    suppliers: tuple[int, ...] = ()


def seal_recall(sealer: Sealer, peer: str, signal_id: bytes, recall: KeptRecall) -> bytes:
    """What `received_signal.recall` holds.

    Reason u8 ‖ day u16 ‖ count n u32 ‖ numbers u64[n], ascending, big-endian, and zeros up to the next whole
    `RECALL_SUPPLIERS` numbers, one lot at least. Of a signal that was recalled as `withdrawn` no supplier is
    written, whatever is given: that reason says no more on purpose.
    """
    silent = recall.reason is RecallReason.WITHDRAWN
    numbers = () if silent else sorted(set(recall.suppliers))
    lots = max(1, -(-len(numbers) // RECALL_SUPPLIERS))
    said = recall.reason.number.to_bytes(1) + day_number(recall.issued).to_bytes(_DAY_BYTES)
    listed = b"".join(each.to_bytes(_NUMBER_BYTES) for each in numbers)
    listed = listed.ljust(lots * RECALL_SUPPLIERS * _NUMBER_BYTES, b"\0")
    value = said + len(numbers).to_bytes(_COUNT_BYTES) + listed
    return sealer.seal("received_signal", "recall", f"{peer}/{signal_id.hex()}", value)


def open_recall(sealer: Sealer, peer: str, signal_id: bytes, sealed: bytes) -> KeptRecall:
    """A recall from `received_signal.recall`; one that was written before suppliers were kept notes none.

    Raises:
        StorageError: `storage.columns`.
    """
    value = sealer.open("received_signal", "recall", f"{peer}/{signal_id.hex()}", sealed)
    reason, day = list(RecallReason)[value[0] - 1], value[1 : 1 + _DAY_BYTES]
    rest = value[1 + _DAY_BYTES :]
    count, listed = int.from_bytes(rest[:_COUNT_BYTES]), rest[_COUNT_BYTES:]
    if len(listed) < count * _NUMBER_BYTES:
        raise StorageError("the suppliers of a recalled signal do not add up", code="storage.columns")
    places = range(0, count * _NUMBER_BYTES, _NUMBER_BYTES)
    suppliers = tuple(int.from_bytes(listed[at : at + _NUMBER_BYTES]) for at in places)
    return KeptRecall(reason, numbered_day(int.from_bytes(day)), suppliers)


@dataclass(frozen=True, slots=True, eq=False)
class LinkTable:
    """Links of one peer, purpose and tier.

    Attributes:
        ids: of the signals, ascending.
        at: uint32 `[hits]`: index into `ids`.
        suppliers: uint64 `[hits]`, own suppliers.
        key_ids: uint64 `[hits]`, own keys.
        schemes: uint16 `[hits]`: index into `names`.
        names: schemes of keys.
        prints: of the label that is held of each signal, `NO_PRINT` where that is not noted.
    """

    ids: tuple[bytes, ...]
    at: npt.NDArray[np.uint32]
    suppliers: npt.NDArray[np.uint64]
    key_ids: npt.NDArray[np.uint64]
    schemes: npt.NDArray[np.uint16]
    names: tuple[str, ...]
    prints: tuple[bytes, ...]

    @classmethod
    def of(cls, hits: Mapping[bytes, Iterable[Hit]], labels: Mapping[bytes, Chunks] | None = None) -> Self:
        """A table of hits by signal id; those without any are left out.

        Args:
            hits: by signal id.
            labels: those that are held, as far as known.
        """
        held = {} if labels is None else labels
        ids = tuple(sorted(each for each, some in hits.items() if some))
        names = tuple(sorted({hit.scheme for some in hits.values() for hit in some}))
        numbered = {name: number for number, name in enumerate(names)}
        rows = sorted(
            (at, hit.supplier_no, hit.key_id, numbered[hit.scheme])
            for at, each in enumerate(ids)
            for hit in hits[each]
        )
        columns = list(zip(*rows, strict=True)) or [()] * 4
        return cls(
            ids,
            np.array(columns[0], np.uint32),
            np.array(columns[1], np.uint64),
            np.array(columns[2], np.uint64),
            np.array(columns[3], np.uint16),
            names,
            tuple(_print(b"".join(held[each])) if each in held else NO_PRINT for each in ids),
        )

    def encode(self) -> bytes:
        """The table in one value."""
        arrays = (self.at, self.suppliers, self.key_ids, self.schemes)
        columns = (each.astype(each.dtype.newbyteorder("<"), copy=False).tobytes() for each in arrays)
        names = "\n".join(self.names).encode()
        return pack(b"".join(self.ids), *columns, names, b"".join(self.prints))

    @classmethod
    def decode(cls, value: bytes) -> Self:
        """What `encode` wrote.

        Raises:
            StorageError: `storage.columns`.
        """
        joined, at, suppliers, key_ids, schemes, names, prints = _columns(value)
        table = cls(
            tuple(joined[start : start + ID_BYTES] for start in range(0, len(joined), ID_BYTES)),
            np.frombuffer(at, "<u4"),
            np.frombuffer(suppliers, "<u8"),
            np.frombuffer(key_ids, "<u8"),
            np.frombuffer(schemes, "<u2"),
            tuple(names.decode().split("\n")) if names else (),
            tuple(prints[start : start + _PRINT_BYTES] for start in range(0, len(prints), _PRINT_BYTES)),
        )
        columns = {len(each) for each in (table.at, table.suppliers, table.key_ids, table.schemes)}
        if len(columns) != 1 or len(table.ids) != len(table.prints):
            raise StorageError("links of received signals do not add up", code="storage.columns")
        return table

    def hits(self, tier: Tier, wanted: Collection[bytes] | None = None) -> dict[bytes, list[Hit]]:
        """Hits by signal id.

        Args:
            tier: of the table.
            wanted: ids of the signals; None for all.
        """
        found: dict[bytes, list[Hit]] = {}
        chosen = np.array([wanted is None or each in wanted for each in self.ids], np.bool_)
        rows = np.flatnonzero(chosen[self.at]) if len(self.at) else self.at
        for at, supplier, key_id, scheme in zip(
            self.at[rows].tolist(),
            self.suppliers[rows].tolist(),
            self.key_ids[rows].tolist(),
            self.schemes[rows].tolist(),
            strict=True,
        ):
            found.setdefault(self.ids[at], []).append(Hit(supplier, tier, self.names[scheme], key_id))
        return found

    def only(self, wanted: Collection[bytes]) -> Self:
        """The links of some signals alone."""
        chosen = np.array([each in wanted for each in self.ids], np.bool_)
        if chosen.all():
            return self
        rows = chosen[self.at]
        at = (np.cumsum(chosen) - 1)[self.at[rows]].astype(np.uint32)
        return replace(
            self,
            ids=tuple(compress(self.ids, chosen)),
            at=at,
            suppliers=self.suppliers[rows],
            key_ids=self.key_ids[rows],
            schemes=self.schemes[rows],
            prints=tuple(compress(self.prints, chosen)),
        )

    def plus(self, other: Self) -> Self:
        """These links, and those of other signals."""
        if not self.ids or not other.ids:
            return self if self.ids else other
        prints = dict(zip(self.ids + other.ids, self.prints + other.prints, strict=True))
        ids = tuple(sorted(prints))
        names = tuple(sorted({*self.names, *other.names}))
        numbered = {each: at for at, each in enumerate(ids)}
        at, suppliers, key_ids, schemes = (
            np.concatenate(columns)
            for columns in zip(
                *(
                    (
                        np.array([numbered[one] for one in each.ids], np.uint32)[each.at],
                        each.suppliers,
                        each.key_ids,
                        np.array([names.index(one) for one in each.names], np.uint16)[each.schemes],
                    )
                    for each in (self, other)
                ),
                strict=True,
            )
        )
        order = np.lexsort((schemes, key_ids, suppliers, at))
        return type(self)(
            ids,
            at[order],
            suppliers[order],
            key_ids[order],
            schemes[order],
            names,
            tuple(prints[each] for each in ids),
        )

    def differing(self, found: FoundLabels) -> frozenset[bytes]:
        """Signals here or found of which other links were found than these, or another label than is held."""
        if not self.ids or not len(found):
            return frozenset(self.ids).union(found.ids)
        numbered = {each: at for at, each in enumerate(self.ids)}
        known = np.array([numbered.get(each, -1) for each in found.ids], np.int64)
        of_label, suppliers = found.links()
        at, key_ids = known[of_label], found.key_ids[of_label]
        count = len(self.ids)
        same = np.bincount(at[at >= 0], minlength=count) == np.bincount(self.at, minlength=count)
        rows, here = np.flatnonzero((at >= 0) & same[at]), np.flatnonzero(same[self.at])
        rows = rows[np.lexsort((key_ids[rows], suppliers[rows], at[rows]))]
        differs = (self.suppliers[here] != suppliers[rows]) | (self.key_ids[here] != key_ids[rows])
        same[self.at[here[differs]]] = False
        others = set(compress(self.ids, ~same))
        noted = dict(zip(self.ids, self.prints, strict=True))
        others.update(
            each
            for each, label in zip(found.ids, found.labels, strict=True)
            if noted.get(each) != _print(label)
        )
        return frozenset(others)

    def suppliers_of(self, wanted: Collection[bytes]) -> dict[bytes, set[int]]:
        """Own suppliers that some signals are about; signals that no link names are left out."""
        chosen = np.array([each in wanted for each in self.ids], np.bool_)
        rows = np.flatnonzero(chosen[self.at]) if len(self.at) else self.at
        found: dict[bytes, set[int]] = {}
        for at, supplier in zip(self.at[rows].tolist(), self.suppliers[rows].tolist(), strict=True):
            found.setdefault(self.ids[at], set()).add(supplier)
        return found

    def about(self, suppliers: npt.NDArray[np.uint64]) -> set[bytes]:
        """Ids of the signals that are about any of some own suppliers."""
        rows = np.flatnonzero(np.isin(self.suppliers, suppliers))
        return {self.ids[at] for at in np.unique(self.at[rows]).tolist()}


NO_LINKS: Final = LinkTable.of({})


def _columns(value: bytes) -> list[bytes]:
    """The columns of a table; one that was written before prints were kept notes none."""
    with contextlib.suppress(StorageError):
        return unpack(value, 7)
    columns = unpack(value, 6)
    return [*columns, NO_PRINT * (len(columns[0]) // ID_BYTES)]


def _print(label: bytes) -> bytes:
    """Sealed with what it belongs to, so it needs no key of its own."""
    return sha256(label).digest()[:_PRINT_BYTES]


def seal_links(sealer: Sealer, peer: str, purpose: str, tier: str, table: LinkTable) -> bytes:
    """What `received_signal_link.payload` holds."""
    return sealer.seal("received_signal_link", "payload", f"{peer}/{purpose}/{tier}", table.encode())


def open_links(sealer: Sealer, peer: str, purpose: str, tier: str, sealed: bytes) -> LinkTable:
    """The links from `received_signal_link.payload`."""
    value = sealer.open("received_signal_link", "payload", f"{peer}/{purpose}/{tier}", sealed)
    return LinkTable.decode(value)


def _form(peer: str, purpose: str, signal_id: bytes) -> str:
    return f"{peer}/{purpose}/{signal_id.hex()}"
