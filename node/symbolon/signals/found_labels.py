"""The labels that own keys led to in one tier, in columns: most stand as they did and are never taken apart.

Handles: putting the chunks under each key together again, many keys at a time; the own suppliers behind each
label. Refuses nothing: what is not whole is left out, as `bundle.group_chunks` does, one by one, for keys
under which anything stands that an honest peer would not put there. Specification: docs/PROTOCOL.md, Signals.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from symbolon.exchange.id_sets import spans
from symbolon.signals.bundle import CHUNK_BYTES, FURTHER_FORMAT, HEADER_FORMAT, group_chunks, split_chunks
from symbolon.signals.intake import Found
from symbolon.suppliers.tier import Tier

Index = npt.NDArray[np.int64]
Rows = npt.NDArray[np.uint8]
UInt64 = npt.NDArray[np.uint64]


@dataclass(frozen=True, slots=True, eq=False)
class FoundLabels:
    """Whole labels of one tier, `[labels]` each; one that stands under several keys is there for each.

    Attributes:
        tier: of the keys.
        labels: the chunks of each in one piece.
        ids: the signal ids that they name, whether that is true or not.
        key_ids: uint64, the own key of each; see `KeyTable.key_ids`.
        schemes: uint8, into `names`: the scheme of that key.
        names: of schemes.
        first: int64, where the suppliers of each begin.
        last: int64, where they end; there is one at least.
        suppliers: uint64 `[links]`, own suppliers.
    """

    tier: Tier
    labels: Sequence[bytes]
    ids: Sequence[bytes]
    key_ids: UInt64
    schemes: npt.NDArray[np.uint8]
    names: Sequence[str]
    first: Index
    last: Index
    suppliers: UInt64

    def __len__(self) -> int:
        return len(self.labels)

    def links(self) -> tuple[Index, UInt64]:
        """Every label with every supplier behind it: indices of labels, ascending, and the suppliers."""
        counts = self.last - self.first
        return np.repeat(np.arange(len(self)), counts), self.suppliers[spans(self.first, counts)]

    def found(self, without: frozenset[bytes] = frozenset()) -> Iterator[Found]:
        """The labels one by one, but for those that name some signals."""
        for at, each in enumerate(self.ids):
            if each not in without:
                behind = self.suppliers[self.first[at] : self.last[at]].tolist()
                name, key_id = self.names[self.schemes[at]], int(self.key_ids[at])
                yield Found(split_chunks(self.labels[at]), behind, self.tier.value, name, key_id)


def whole_labels(key_ids: UInt64, chunks: Rows) -> tuple[list[bytes], Index]:
    """Puts chunks found under own keys together again.

    Args:
        key_ids: `[n]`, ascending, those of one key in the order of their slots.
        chunks: `[n, 128]`.

    Returns:
        The labels that are whole, each in one piece, and the row of the first chunk of each.
    """
    if not len(key_ids):
        return [], np.empty(0, np.int64)
    row = np.arange(len(key_ids))
    begins_key = np.append(True, key_ids[1:] != key_ids[:-1])
    headers = chunks[:, 0] == HEADER_FORMAT
    header_of = np.maximum.accumulate(np.where(headers | begins_key, row, 0))
    place = row - header_of
    # The next chunk of a signal that is not whole yet; a key that begins otherwise has no header there.
    follows = (chunks[:, 0] == FURTHER_FORMAT) & (chunks[:, 1] == place) & (place < chunks[header_of, 1])
    regular = headers | (follows & headers[header_of])
    first = np.flatnonzero(headers | begins_key)
    length = np.diff(first, append=len(row))
    regular[first] &= length == chunks[first, 1]
    of_key = np.cumsum(begins_key) - 1
    spoilt = np.zeros(of_key[-1] + 1, np.bool_)
    spoilt[of_key[~regular]] = True
    good = ~spoilt[of_key[first]]
    first, length = first[good], length[good]
    joined = chunks.tobytes()
    begin, end = first * CHUNK_BYTES, (first + length) * CHUNK_BYTES
    labels = [joined[one:other] for one, other in zip(begin.tolist(), end.tolist(), strict=True)]
    starts = np.flatnonzero(begins_key)
    odd: list[Any] = []
    for key in np.flatnonzero(spoilt).tolist():
        stop = starts[key + 1] if key + 1 < len(starts) else len(row)
        groups = group_chunks(chunks[at].tobytes() for at in range(starts[key], stop))
        labels += (b"".join(each) for each in groups)
        odd += [starts[key]] * len(groups)
    return labels, np.append(first, np.array(odd, np.int64))
