"""Sets of 64-bit ids in arrays, by sorting: several times quicker on a session's sizes than by hashing."""

import numpy as np
import numpy.typing as npt

UInt64 = npt.NDArray[np.uint64]


def among(values: UInt64, pool: UInt64, *, is_sorted: bool = False) -> npt.NDArray[np.bool_]:
    """Which of the values stand in the pool.

    Args:
        values: uint64 `[n]`, in any order.
        pool: uint64 `[m]`.
        is_sorted: the pool is ascending already.

    Returns:
        bool `[n]`.
    """
    if not len(pool):
        return np.zeros(len(values), np.bool_)
    ordered = pool if is_sorted else np.sort(pool)
    at = np.searchsorted(ordered, values)
    at[at == len(ordered)] = 0
    return np.equal(ordered[at], values)


def distinct(values: UInt64) -> UInt64:
    """The values in ascending order, each once."""
    ordered = np.sort(values)
    keep = np.ones(len(ordered), np.bool_)
    keep[1:] = ordered[1:] != ordered[:-1]
    return ordered[keep]
