"""Tags and pads from OPRF outputs: HKDF-Expand with SHA-512, one block, over whole batches.

Source: RFC 5869, section 2.3 (Expand) and RFC 2104 (HMAC). The loop is written out because a session makes
several hundred thousand of these and a call of a general HMAC costs more than its hashing.
"""

from typing import Final

import numpy as np
import numpy.typing as npt

from symbolon.exchange.limits import HANDLE_BYTES, MAX_TAG_BYTES, OUTPUT_BYTES
from symbolon.oprf.sha512 import sha512

_BLOCK: Final = 128
_BATCH: Final = 4096
_PAD_AT: Final = MAX_TAG_BYTES
_STREAM_BYTES: Final = MAX_TAG_BYTES + HANDLE_BYTES


def entry_info(slot: int) -> bytes:
    """The HKDF info of the entry in a slot: version, 0, use, slot in one byte.

    The key epoch, the peers, the purpose and the tier stand in the key behind the output (`KeyContext`).
    """
    return b"symbolon-v1\x00entry" + slot.to_bytes(1)


def entry_masks(outputs: bytes, slot: int, tag_bytes: int) -> npt.NDArray[np.uint8]:
    """What an entry is made of, before its label is masked.

    Args:
        outputs: n × 64 bytes.
        slot: 0 to 255, counts the entries under one key and is never used twice in an epoch.
        tag_bytes: at most 32.

    Returns:
        uint8 `[n, tag_bytes + 6]`: the tag (first bytes of the expansion), then the pad (its bytes 32 to 37).
    """
    stream = expand_each(outputs, entry_info(slot), _STREAM_BYTES)
    rows = np.frombuffer(stream, np.uint8).reshape(-1, _STREAM_BYTES)
    return np.hstack([rows[:, :tag_bytes], rows[:, _PAD_AT:]])


def expand_each(outputs: bytes, info: bytes, length: int) -> bytes:
    """HKDF-Expand(PRK = output, info, length) for every output.

    Args:
        outputs: n × 64 bytes, each a pseudorandom key.
        info: the same for all.
        length: bytes each, 1 to 64 (one HMAC block).

    Returns:
        n × length bytes, in order.
    """
    if not 1 <= length <= OUTPUT_BYTES or len(outputs) % OUTPUT_BYTES:
        raise ValueError("expand_each takes whole outputs and one block at most")
    prks = np.frombuffer(outputs, np.uint8).reshape(-1, OUTPUT_BYTES)
    return b"".join(_expand_batch(prks[at : at + _BATCH], info, length) for at in range(0, len(prks), _BATCH))


def _expand_batch(prks: np.ndarray, info: bytes, length: int) -> bytes:
    message = np.frombuffer(info + b"\x01", np.uint8)
    inner = np.full((len(prks), _BLOCK + len(message)), 0x36, np.uint8)
    inner[:, :OUTPUT_BYTES] = prks ^ 0x36
    inner[:, _BLOCK:] = message
    outer = np.full((len(prks), _BLOCK + OUTPUT_BYTES), 0x5C, np.uint8)
    outer[:, :OUTPUT_BYTES] = prks ^ 0x5C
    outer[:, _BLOCK:] = np.frombuffer(_hash_rows(inner), np.uint8).reshape(-1, OUTPUT_BYTES)
    digests = np.frombuffer(_hash_rows(outer), np.uint8).reshape(-1, OUTPUT_BYTES)
    return digests[:, :length].tobytes()


def _hash_rows(rows: np.ndarray) -> bytes:
    width = rows.shape[1]
    data = rows.tobytes()
    return b"".join([sha512(data[at : at + width]).digest() for at in range(0, len(data), width)])
