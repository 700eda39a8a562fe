"""Many signatures of labels looked at together, on all cores: the library lets other threads work meanwhile.

Handles: telling which of them hold. Refuses nothing.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from cryptography.exceptions import InvalidSignature

from symbolon.cores import usable_cores
from symbolon.errors import SymbolonError

Verify = Callable[[bytes, bytes], None]
"""Told header and signature; raises where the publisher did not sign it."""

_ALONE: Final = 64
"""So few are looked at before threads have begun, 0.1 ms each."""


def which_hold(signed: Sequence[tuple[bytes, bytes]], verify: Verify) -> list[bool]:
    """Whether each signature holds.

    Args:
        signed: header and signature of each.
        verify: of the publisher.
    """
    threads = usable_cores()
    if len(signed) <= _ALONE or threads == 1:
        return _hold(signed, verify)
    holds = [False] * len(signed)
    with ThreadPoolExecutor(threads, "signatures") as pool:
        parts = [signed[start::threads] for start in range(threads)]
        for start, found in enumerate(pool.map(_hold, parts, [verify] * threads)):
            holds[start::threads] = found
    return holds


def _hold(signed: Sequence[tuple[bytes, bytes]], verify: Verify) -> list[bool]:
    return [_holds(header, signature, verify) for header, signature in signed]


def _holds(header: bytes, signature: bytes, verify: Verify) -> bool:
    try:
        verify(header, signature)
    except (SymbolonError, InvalidSignature):
        return False
    return True
