"""Size classes: how many dummies make a batch's true size hard to see.

Source: Nikitin, Barman, Lueks, Underwood, Hubaux, Ford, "Reducing Metadata Leakage from Encrypted Files and
Communication with PURBs", PoPETs 2019, section 4 (Padmé).
"""

from collections.abc import Iterator

from symbolon.exchange.limits import CHUNK_ELEMENTS, MIN_PADDED


def padme(count: int) -> int:
    """Rounds a count up to its Padmé class; at most 12 % more, below 1 % for large counts.

    Args:
        count: non-negative.
    """
    if count < 2:
        return count
    exponent = count.bit_length() - 1
    kept = exponent.bit_length()
    mask = (1 << (exponent - kept)) - 1 if exponent > kept else 0
    return (count + mask) & ~mask


def padded_count(count: int) -> int:
    """The size of a batch that holds `count` true items: its Padmé class, at least 64."""
    return max(MIN_PADDED, padme(count))


def padded_parts(count: int, padded: int) -> Iterator[tuple[int, int, int]]:
    """Cuts the work on a batch's true items into parts whose number depends on its padded size alone.

    So does what may be told of the progress: a peer cannot work out from it how many items are true ones.

    Args:
        count: true items, at most `padded`.
        padded: size of the batch, dummies included.

    Yields:
        The first item of a part, the end of the part, at most `CHUNK_ELEMENTS` later, and what may be told
        once the part is done: how many of the `padded` items are.
    """
    parts = -(-padded // CHUNK_ELEMENTS)
    for part in range(parts):
        done = min((part + 1) * CHUNK_ELEMENTS, padded)
        yield count * part // parts, count * (part + 1) // parts, done
