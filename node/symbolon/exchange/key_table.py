"""The keys of one tier of one supplier list, in columns, as the exchange consumes them.

A key is distinct; links say which suppliers yield it. Columns instead of objects because a list has up to
millions of keys and a session must start within milliseconds.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from symbolon.oprf.suite import DEFAULT_SUITE, Suite
from symbolon.suppliers.tier import Tier


@dataclass(frozen=True, slots=True)
class KeyTable:
    """Distinct match keys of one tier and the suppliers behind them.

    Attributes:
        tier: the tier all keys belong to.
        inputs: `[keys]` key bytes: scheme, U+001F, value in UTF-8.
        points: `keys × 32` bytes, the default suite's `hash_to_curve` of each input, in the same order.
        key_ids: uint64 `[keys]`, strictly ascending: the first 8 bytes of each point, little-endian.
            Local shorthand for a key; two keys of one list never share it (the store sees to that).
        link_key: int64 `[links]`, ascending: index into `inputs` of the key of each link.
        link_supplier: uint64 `[links]`: the supplier's stable local number; ascending within a key.
    """

    tier: Tier
    inputs: list[bytes]
    points: bytes
    key_ids: npt.NDArray[np.uint64]
    link_key: npt.NDArray[np.int64]
    link_supplier: npt.NDArray[np.uint64]

    def __len__(self) -> int:
        return len(self.inputs)

    def points_for(self, suite: Suite, index: npt.NDArray[np.int64]) -> bytes:
        """Elements of some keys in a suite, `index` × 32 bytes; only the default suite's are kept ready."""
        if suite.name == DEFAULT_SUITE:
            return np.frombuffer(self.points, np.uint8).reshape(-1, suite.element_bytes)[index].tobytes()
        return suite.hash_to_curve([self.inputs[at] for at in index])
