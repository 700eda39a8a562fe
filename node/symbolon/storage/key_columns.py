"""Links of keys to suppliers in columns: the payload of a key segment, and the merge of segments to a table.

Payload, little-endian: link count n u32 ‖ supplier_no u64[n] ‖ supplier_pk u64[n] ‖ offsets u32[n + 1] ‖
points 32·n ‖ inputs. Link i says that supplier `supplier_no[i]`, in its version `supplier_pk[i]`, yields the
key `inputs[offsets[i]:offsets[i + 1]]`, whose curve point is `points[i]`.

Refuses a payload whose columns do not add up.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Self

import numpy as np
import numpy.typing as npt

from symbolon.errors import StorageError
from symbolon.exchange.key_table import KeyTable, PackedInputs
from symbolon.suppliers.tier import Tier

POINT_BYTES: Final = 32
"""Length of a curve point."""


@dataclass(frozen=True, slots=True, eq=False)
class KeyLinks:
    """Links of one tier in columns.

    Attributes:
        supplier_no: uint64 `[links]`, the supplier's stable number.
        supplier_pk: uint64 `[links]`, the version of the supplier that yields the key.
        offsets: uint32 `[links + 1]`, where each input starts and ends; the first is 0.
        points: uint8 `[links, 32]`.
        inputs: all inputs, one after the other.
    """

    supplier_no: npt.NDArray[np.uint64]
    supplier_pk: npt.NDArray[np.uint64]
    offsets: npt.NDArray[np.uint32]
    points: npt.NDArray[np.uint8]
    inputs: bytes

    def __len__(self) -> int:
        return len(self.supplier_no)

    @classmethod
    def of(
        cls, supplier_no: Sequence[int], supplier_pk: Sequence[int], inputs: Sequence[bytes], points: bytes
    ) -> Self:
        """Puts links into columns.

        Args:
            supplier_no: `[links]`.
            supplier_pk: `[links]`.
            inputs: `[links]` key bytes.
            points: `links × 32` bytes.
        """
        offsets = np.zeros(len(inputs) + 1, dtype=np.uint32)
        np.cumsum([len(item) for item in inputs], out=offsets[1:])
        return cls(
            supplier_no=np.array(supplier_no, dtype=np.uint64),
            supplier_pk=np.array(supplier_pk, dtype=np.uint64),
            offsets=offsets,
            points=np.frombuffer(points, dtype=np.uint8).reshape(len(inputs), POINT_BYTES),
            inputs=b"".join(inputs),
        )

    def encode(self) -> bytes:
        """The payload described in the module docstring."""
        return b"".join(
            (
                len(self).to_bytes(4, "little"),
                self.supplier_no.astype("<u8", copy=False).tobytes(),
                self.supplier_pk.astype("<u8", copy=False).tobytes(),
                self.offsets.astype("<u4", copy=False).tobytes(),
                self.points.tobytes(),
                self.inputs,
            )
        )

    @classmethod
    def decode(cls, payload: bytes) -> Self:
        """Reads a payload without copying its columns.

        Raises:
            StorageError: `storage.segment`, the columns do not add up.
        """
        count = int.from_bytes(payload[:4], "little")
        number_at = 4
        pk_at = number_at + 8 * count
        offset_at = pk_at + 8 * count
        point_at = offset_at + 4 * (count + 1)
        input_at = point_at + POINT_BYTES * count
        if len(payload) < input_at:
            raise _does_not_add_up()
        offsets = np.frombuffer(payload, "<u4", count + 1, offset_at)
        if offsets[0] != 0 or offsets[-1] != len(payload) - input_at or np.any(offsets[1:] < offsets[:-1]):
            raise _does_not_add_up()
        return cls(
            supplier_no=np.frombuffer(payload, "<u8", count, number_at),
            supplier_pk=np.frombuffer(payload, "<u8", count, pk_at),
            offsets=offsets,
            points=np.frombuffer(payload, np.uint8, POINT_BYTES * count, point_at).reshape(
                count, POINT_BYTES
            ),
            inputs=payload[input_at:],
        )

    def having(self, inputs: Iterable[bytes]) -> set[int]:
        """Numbers of the suppliers that yield any of some keys, none of which is empty."""
        found = set[int]()
        for wanted in inputs:
            at = self.inputs.find(wanted)
            while at >= 0:
                link = int(np.searchsorted(self.offsets, at, side="right")) - 1
                if self.offsets[link] == at and self.offsets[link + 1] == at + len(wanted):
                    found.add(int(self.supplier_no[link]))
                at = self.inputs.find(wanted, at + 1)
        return found

    def without(self, dead_pks: npt.NDArray[np.uint64]) -> Self:
        """The links left when those of some supplier versions are taken out.

        Args:
            dead_pks: uint64, any order.
        """
        if len(dead_pks) == 0:
            return self
        kept = ~np.isin(self.supplier_pk, dead_pks)
        if bool(kept.all()):
            return self
        bounds = self.offsets.tolist()
        inputs = [self.inputs[bounds[i] : bounds[i + 1]] for i in np.flatnonzero(kept).tolist()]
        return type(self).of(
            self.supplier_no[kept].tolist(),
            self.supplier_pk[kept].tolist(),
            inputs,
            self.points[kept].tobytes(),
        )


def join(parts: Sequence[KeyLinks]) -> KeyLinks:
    """One `KeyLinks` with the links of all parts, in their order."""
    lengths = np.concatenate(
        [np.zeros(1, np.int64), *(np.diff(part.offsets.astype(np.int64)) for part in parts)]
    )
    return KeyLinks(
        supplier_no=np.concatenate([np.empty(0, np.uint64), *(part.supplier_no for part in parts)]),
        supplier_pk=np.concatenate([np.empty(0, np.uint64), *(part.supplier_pk for part in parts)]),
        offsets=np.cumsum(lengths).astype(np.uint32),
        points=np.concatenate([np.empty((0, POINT_BYTES), np.uint8), *(part.points for part in parts)]),
        inputs=b"".join(part.inputs for part in parts),
    )


_NONE_DEAD: Final[npt.NDArray[np.uint64]] = np.empty(0, np.uint64)


def key_table(
    tier: Tier, parts: Sequence[KeyLinks], dead_pks: npt.NDArray[np.uint64] = _NONE_DEAD
) -> KeyTable:
    """Merges links into the distinct keys of a tier.

    A key's id is the first 8 bytes of its point, little-endian. Should two different points share them (odds
    below 10^-6 for a list of five million keys), the key with the smaller point, compared as 32 bytes, stays
    and the other is left out: the answer depends on the list alone, not on the order of imports.

    Args:
        tier: the tier of all links.
        parts: links; among live suppliers one pair of key and supplier occurs once.
        dead_pks: uint64, versions of suppliers whose links do not count.
    """
    numbers = np.concatenate([np.empty(0, np.uint64), *(part.supplier_no for part in parts)])
    points = np.concatenate([np.empty((0, POINT_BYTES), np.uint8), *(part.points for part in parts)])
    ids = np.ascontiguousarray(points[:, :8]).view("<u8").ravel()
    if len(dead_pks):
        versions = np.concatenate([_NONE_DEAD, *(part.supplier_pk for part in parts)])
        live = np.flatnonzero(~np.isin(versions, dead_pks))
    else:
        live = np.arange(len(ids))
    order = live[np.argsort(ids[live])]
    sorted_ids = ids[order]
    repeated = sorted_ids[1:] == sorted_ids[:-1]
    if bool(repeated.any()):
        order = live[np.lexsort((numbers[live], ids[live]))]
        order = _without_collisions(order, ids, points)
        sorted_ids = ids[order]
        repeated = sorted_ids[1:] == sorted_ids[:-1]
    starts_key = np.ones(len(order), dtype=np.bool_)
    starts_key[1:] = ~repeated
    keys = order[starts_key]
    return KeyTable(
        tier=tier,
        inputs=_pack_inputs(parts, keys),
        points=points,
        point_row=keys,
        key_ids=sorted_ids[starts_key].astype(np.uint64, copy=False),
        link_key=np.cumsum(starts_key, dtype=np.int64) - 1,
        link_supplier=numbers[order],
    )


def _pack_inputs(parts: Sequence[KeyLinks], links: npt.NDArray[np.intp]) -> PackedInputs:
    """The inputs of some links, numbered through all parts, in the order asked for."""
    blob = b"".join(part.inputs for part in parts)
    begins: list[npt.NDArray[np.int64]] = [np.empty(0, np.int64)]
    ends: list[npt.NDArray[np.int64]] = [np.empty(0, np.int64)]
    base = 0
    for part in parts:
        bounds = part.offsets.astype(np.int64) + base
        begins.append(bounds[:-1])
        ends.append(bounds[1:])
        base += len(part.inputs)
    return PackedInputs(blob, np.concatenate(begins)[links], np.concatenate(ends)[links])


def _without_collisions(
    order: npt.NDArray[np.intp], ids: npt.NDArray[np.uint64], points: npt.NDArray[np.uint8]
) -> npt.NDArray[np.intp]:
    """Leaves out the links of every key but the smallest where different points share an id."""
    repeated = np.flatnonzero(ids[order[1:]] == ids[order[:-1]])
    differs = np.any(points[order[repeated]] != points[order[repeated + 1]], axis=1)
    if not bool(differs.any()):
        return order
    kept = np.ones(len(order), dtype=np.bool_)
    for shared in np.unique(ids[order[repeated[differs]]]):
        run = np.flatnonzero(ids[order] == shared)
        run_points = [points[order[place]].tobytes() for place in run]
        smallest = min(run_points)
        for place, point in zip(run, run_points, strict=True):
            kept[place] = point == smallest
    return order[kept]


def _does_not_add_up() -> StorageError:
    return StorageError(
        "a key segment's columns do not add up",
        hint="Import the supplier list again.",
        code="storage.segment",
    )
