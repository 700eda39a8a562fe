"""Size classes: how many dummies make a batch's true size hard to see.

Source: Nikitin, Barman, Lueks, Underwood, Hubaux, Ford, "Reducing Metadata Leakage from Encrypted Files and
Communication with PURBs", PoPETs 2019, section 4 (Padmé).
"""

from symbolon.exchange.limits import MIN_PADDED


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
