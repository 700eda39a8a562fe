"""The keys of one tier of one supplier list, in columns, as the exchange consumes them.

A key is distinct; links say which suppliers yield it. Columns instead of objects because a list has up to
millions of keys and a session must start within milliseconds.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import overload

import numpy as np
import numpy.typing as npt

from symbolon.oprf.suite import DEFAULT_SUITE, Suite
from symbolon.suppliers.tier import Tier

_SEPARATOR = b"\x1f"


class PackedInputs(Sequence[bytes]):
    """Inputs cut from one buffer when they are asked for: most of a long list is not, in most sessions.

    Args:
        blob: all inputs in any order.
        begin: int64 `[n]`, where each input begins.
        end: int64 `[n]`, where it ends.
    """

    __slots__ = ("_begin", "_blob", "_end")

    def __init__(self, blob: bytes, begin: npt.NDArray[np.int64], end: npt.NDArray[np.int64]) -> None:
        self._blob = blob
        self._begin = begin
        self._end = end

    def __len__(self) -> int:
        return len(self._begin)

    @overload
    def __getitem__(self, index: int) -> bytes: ...

    @overload
    def __getitem__(self, index: slice) -> list[bytes]: ...

    def __getitem__(self, index: int | slice) -> bytes | list[bytes]:
        if isinstance(index, slice):
            return self.take(np.arange(len(self))[index])
        return self._blob[self._begin[index] : self._end[index]]

    def take(self, index: npt.NDArray[np.int64]) -> list[bytes]:
        """The inputs at some places, in the order asked for."""
        blob = self._blob
        pairs = zip(self._begin[index].tolist(), self._end[index].tolist(), strict=True)
        return [blob[begin:end] for begin, end in pairs]

    def schemes(self, index: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.uint8], tuple[str, ...]]:
        """What stands before the first separator of some inputs, each of which has one.

        Returns:
            uint8 `[index]`, into the names; and the names, at most 255, in the order they first occur.
        """
        text = np.frombuffer(self._blob, np.uint8)
        begins = self._begin[index]
        numbers = np.zeros(len(index), np.uint8)
        names: list[str] = []
        left = np.arange(len(index))
        # One pass for each name: there are few, and the keys are many.
        while len(left):
            name = self[int(index[left[0]])].partition(_SEPARATOR)[0]
            letters = np.frombuffer(name + _SEPARATOR, np.uint8)
            places = np.minimum(begins[left, None] + np.arange(len(letters)), len(text) - 1)
            same = (text[places] == letters).all(axis=1)
            numbers[left[same]] = len(names)
            names.append(name.decode())
            left = left[~same]
        return numbers, tuple(names)


@dataclass(frozen=True, slots=True)
class KeyTable:
    """Distinct match keys of one tier and the suppliers behind them.

    Attributes:
        tier: the tier all keys belong to.
        inputs: `[keys]` key bytes: scheme, U+001F, value in UTF-8.
        points: uint8 `[rows, 32]`, the default suite's `hash_to_curve` of every input, in any order.
        point_row: int64 `[keys]`: the row of `points` of each key. Few sessions need all of them.
        key_ids: uint64 `[keys]`, strictly ascending: the first 8 bytes of each point, little-endian.
            Local shorthand for a key; two keys of one list never share it (the store sees to that).
        link_key: int64 `[links]`, ascending: index into `inputs` of the key of each link.
        link_supplier: uint64 `[links]`: the supplier's stable local number; ascending within a key.
    """

    tier: Tier
    inputs: PackedInputs
    points: npt.NDArray[np.uint8]
    point_row: npt.NDArray[np.int64]
    key_ids: npt.NDArray[np.uint64]
    link_key: npt.NDArray[np.int64]
    link_supplier: npt.NDArray[np.uint64]

    def __len__(self) -> int:
        return len(self.inputs)

    def points_for(self, suite: Suite, index: npt.NDArray[np.int64]) -> bytes:
        """Elements of some keys in a suite, `index` × 32 bytes; only the default suite's are kept ready."""
        if suite.name == DEFAULT_SUITE:
            return self.points[self.point_row[index]].tobytes()
        return suite.hash_to_curve(self.inputs.take(index))
