"""Tags, pads and keys from OPRF outputs, over whole batches.

One block of the one-step key derivation with SHA-512: SHA-512(counter 1 ‖ output ‖ info). An output is 64
uniform bytes. For a record handle the block is cut to 38; for a signal tag and key take at most 64 of its 64
bytes, and the key is never shown.

Source: NIST SP 800-56C Rev. 2, section 4.1, option 1. docs/adr/0011 says why this and not HKDF.
"""

from typing import Final

import numpy as np
import numpy.typing as npt

from symbolon.exchange.limits import HANDLE_BYTES, MAX_TAG_BYTES, OUTPUT_BYTES
from symbolon.oprf.sha512 import sha512

_COUNTER: Final = b"\x00\x00\x00\x01"
_PAD_AT: Final = MAX_TAG_BYTES


def entry_info(slot: int, use: bytes = b"entry") -> bytes:
    """What the entry in a slot is derived for: version, 0, use, slot in one byte.

    The key epoch, the peers, the purpose and the tier stand in the key behind the output (`KeyContext`).
    """
    return b"symbolon-v1\x00" + use + slot.to_bytes(1)


def entry_masks(
    outputs: bytes, slot: int, tag_bytes: int, secret_bytes: int = HANDLE_BYTES, use: bytes = b"entry"
) -> npt.NDArray[np.uint8]:
    """What an entry is made of, before its label is masked.

    Args:
        outputs: n × 64 bytes.
        slot: 0 to 255, counts the entries under one key and is never used twice in an epoch.
        tag_bytes: at most 32.
        secret_bytes: of what hides the label, at most 32.
        use: `entry` or `signal`, see `labels`.

    Returns:
        uint8 `[n, tag_bytes + secret_bytes]`: the tag (first bytes of the block), then the pad or key (its
        bytes from 32 on).

    Raises:
        ValueError: the outputs are torn.
    """
    if len(outputs) % OUTPUT_BYTES:
        raise ValueError("outputs are 64 bytes each")
    info = entry_info(slot, use)
    blocks = [
        sha512(_COUNTER + outputs[at : at + OUTPUT_BYTES] + info).digest()
        for at in range(0, len(outputs), OUTPUT_BYTES)
    ]
    rows = np.frombuffer(b"".join(blocks), np.uint8).reshape(-1, OUTPUT_BYTES)
    return np.hstack([rows[:, :tag_bytes], rows[:, _PAD_AT : _PAD_AT + secret_bytes]])
