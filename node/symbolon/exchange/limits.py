"""Named limits of the exchange; each says why it exists. What is inbound is refused beyond them."""

from typing import Final

CHUNK_ELEMENTS: Final = 4096
"""Elements, evaluations and entries per outgoing message: 128 KiB, small enough to interleave work."""

MAX_CHUNK_BYTES: Final = 1 << 20
"""Largest data field accepted in one message; well below gRPC's 4 MiB."""

MAX_ELEMENTS: Final = 1 << 24
"""Elements of one tier and session: 512 MiB of points, far above a list of 500,000 suppliers."""

MAX_ENTRIES: Final = 1 << 23
"""Entries of one tier and epoch that a receiver is willing to hold: 150 MiB, three times what a list of
500,000 suppliers makes with its keys."""

MAX_DELTAS: Final = 1024
"""Deltas of one set and epoch: one a day for the longest epoch, with room."""

MIN_PADDED: Final = 64
"""Smallest batch of elements or entries, dummies included, so that a small change does not show."""

SLOTS: Final = 4
"""Records under one key; a key with more says too little and is dropped."""

HANDLE_BYTES: Final = 6
"""A record handle: random per peer and epoch."""

CHUNK_LABEL_BYTES: Final = 128
"""A chunk of a signal: its fixed header fits into one."""

SIGNAL_SLOTS: Final = 255
"""Chunks of signals under one key and epoch: a slot is one byte, and its last value says that all
are used."""

OUTPUT_BYTES: Final = 64
"""An OPRF output: SHA-512."""

MIN_TAG_BYTES: Final = 10
MAX_TAG_BYTES: Final = 32

SIZE_GROUP: Final = {"A": 4, "B": 4, "AB": 8}
"""Size mode: elements per record by tiers asked together. Further keys of a record are left out."""

SIZE_MIN_RECORDS: Final = 1000
"""Size mode: fewer records on either side would make a count speak of single suppliers."""

SIZE_SESSIONS_PER_EPOCH: Final = 2
"""Size mode: every further session with a changed list would show single changes as differences."""

SIZE_STEP: Final = 10
"""Size mode: counts are shown rounded down to a multiple of this."""

SIZE_TOKEN_BYTES: Final = 16
"""Size mode: bytes kept of a token; 2^23 × 2^24 pairs leave 2^-81 for a chance hit."""

KEY_RULES_BYTES: Final = 8
"""Fingerprint of the rules that a list was keyed by: releases are few, and nobody gains by a collision."""

WORKING_EVERY_S: Final = 0.25
"""Silence after which a sender at work says so: well below the shortest idle timeout of a receiver, 1 s, so
that a busy machine or a slow network does not end the session."""

MAX_WORKING: Final = 1 << 20
"""Such messages taken in one tier and session: three days of them at that pace, and no session lasts longer
than a day. A flood ends here, or with the session's time."""

SIGNATURE_BYTES: Final = 64
"""Of Ed25519."""

MAX_CHECKPOINT_CHARS: Final = 16 * 1024
"""A checkpoint in a message: the cosignatures of some 80 members are shown with it."""

MAX_RESULT_BYTES: Final = 20 * 1024
"""What both ends sign at the end: a checkpoint and little else."""

MAX_NAME_BYTES: Final = 64
"""Longest suite, coalition, area, mode or purpose accepted in a hello."""
