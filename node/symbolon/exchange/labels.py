"""What hangs on a key in a sender's set, and how it is hidden from who does not hold the key.

Handles: the two kinds of label. A record handle of 6 bytes is masked by a pad of its own. A chunk of a
signal, 128 bytes, is sealed by AES-256-GCM under a key of its own, with 12 random bytes as its nonce; sealed
with it are the context of the set's key, the tag, the slot and the number of the delta, so that an entry
opens in its place alone. Pads and keys come out of the OPRF output and the slot, and a slot is used once in
an epoch. Refuses nothing: what does not open is no label. docs/PROTOCOL.md, Entries and Signals.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Protocol

import numpy as np
import numpy.typing as npt
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from symbolon.exchange.limits import CHUNK_LABEL_BYTES, HANDLE_BYTES, SIGNAL_SLOTS, SLOTS

Rows = npt.NDArray[np.uint8]

NONCE_BYTES: Final = 12
_GCM_TAG_BYTES: Final = 16
_KEY_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class Places:
    """Where entries stand; everything but the context has one row for each.

    Attributes:
        context: of the key of their set, see `KeyContext.encode`.
        tags: uint8 `[n, tag bytes]`.
        slots: uint8 `[n]`.
        deltas: uint32 `[n]`.
    """

    context: bytes
    tags: Rows
    slots: npt.NDArray[np.uint8]
    deltas: npt.NDArray[np.uint32]

    def bindings(self) -> list[bytes]:
        """What each entry is bound to: context, tag, slot (1 byte), number of the delta (4, big-endian)."""
        width = self.tags.shape[1]
        tags, slots = self.tags.tobytes(), self.slots.tobytes()
        deltas = self.deltas.astype(">u4").tobytes()
        return [
            self.context
            + tags[at * width : (at + 1) * width]
            + slots[at : at + 1]
            + deltas[4 * at : 4 * at + 4]
            for at in range(len(slots))
        ]


class LabelKind(Protocol):
    """One kind of label.

    Attributes:
        use: the word that its secrets are derived for.
        slots: most labels under one key.
        crowded_above: a key with more than so many labels is left out; None where none is.
        secret_bytes: of the pad or key of a slot.
        hidden_bytes: of a label in an entry.
    """

    use: bytes
    slots: int
    crowded_above: int | None
    secret_bytes: int
    hidden_bytes: int

    def entry_bytes(self, tag_bytes: int) -> int:
        """Length of an entry: the tag and the hidden label."""
        ...

    def none(self) -> npt.NDArray[Any]:
        """No label at all, in the form that `reveal` gives."""
        ...

    def hide(self, secrets: Rows, labels: Rows, places: Places, rng: Callable[[int], bytes]) -> Rows:
        """Hides labels.

        Args:
            secrets: uint8 `[n, secret_bytes]`.
            labels: uint8 `[n, bytes of a label]`.
            places: of the entries.
            rng: random bytes.

        Returns:
            uint8 `[n, hidden_bytes]`.
        """
        ...

    def reveal(
        self, secrets: Rows, hidden: Rows, places: Places
    ) -> tuple[npt.NDArray[np.bool_], npt.NDArray[Any]]:
        """Opens labels.

        Returns:
            Which of them opened, and those that did: `[opened]` rows in the kind's own form.
        """
        ...


class _Handles:
    """Record handles: uint64 once revealed, from 6 bytes big-endian."""

    use = b"entry"
    slots = SLOTS
    crowded_above: int | None = SLOTS
    secret_bytes = HANDLE_BYTES
    hidden_bytes = HANDLE_BYTES

    def entry_bytes(self, tag_bytes: int) -> int:
        return tag_bytes + self.hidden_bytes

    def none(self) -> npt.NDArray[Any]:
        return np.empty(0, np.uint64)

    def hide(self, secrets: Rows, labels: Rows, places: Places, rng: Callable[[int], bytes]) -> Rows:
        return secrets ^ labels

    def reveal(
        self, secrets: Rows, hidden: Rows, places: Places
    ) -> tuple[npt.NDArray[np.bool_], npt.NDArray[Any]]:
        padded = np.zeros((len(hidden), 8), np.uint8)
        padded[:, 8 - HANDLE_BYTES :] = hidden ^ secrets
        return np.ones(len(hidden), np.bool_), padded.view(">u8")[:, 0].astype(np.uint64)


class _SignalChunks:
    """Chunks of signals: uint8 `[n, 128]` once revealed."""

    use = b"signal"
    slots = SIGNAL_SLOTS
    crowded_above: int | None = None
    secret_bytes = _KEY_BYTES
    hidden_bytes = NONCE_BYTES + CHUNK_LABEL_BYTES + _GCM_TAG_BYTES

    def entry_bytes(self, tag_bytes: int) -> int:
        return tag_bytes + self.hidden_bytes

    def none(self) -> npt.NDArray[Any]:
        return np.empty((0, CHUNK_LABEL_BYTES), np.uint8)

    def hide(self, secrets: Rows, labels: Rows, places: Places, rng: Callable[[int], bytes]) -> Rows:
        count = len(labels)
        keys, texts, nonces = secrets.tobytes(), labels.tobytes(), rng(NONCE_BYTES * count)
        sealed = []
        for at, binding in enumerate(places.bindings()):
            nonce = nonces[NONCE_BYTES * at : NONCE_BYTES * (at + 1)]
            cipher = AESGCM(keys[_KEY_BYTES * at : _KEY_BYTES * (at + 1)])
            text = texts[CHUNK_LABEL_BYTES * at : CHUNK_LABEL_BYTES * (at + 1)]
            sealed += [nonce, cipher.encrypt(nonce, text, binding)]
        return np.frombuffer(b"".join(sealed), np.uint8).reshape(count, self.hidden_bytes)

    def reveal(
        self, secrets: Rows, hidden: Rows, places: Places
    ) -> tuple[npt.NDArray[np.bool_], npt.NDArray[Any]]:
        opened = np.zeros(len(hidden), np.bool_)
        found = []
        keys, width = secrets.tobytes(), self.hidden_bytes
        sealed = hidden.tobytes()
        for at, binding in enumerate(places.bindings()):
            one = sealed[width * at : width * (at + 1)]
            cipher = AESGCM(keys[_KEY_BYTES * at : _KEY_BYTES * (at + 1)])
            try:
                found.append(cipher.decrypt(one[:NONCE_BYTES], one[NONCE_BYTES:], binding))
            except InvalidTag:
                continue
            opened[at] = True
        return opened, np.frombuffer(b"".join(found), np.uint8).reshape(-1, CHUNK_LABEL_BYTES)


HANDLES: Final[LabelKind] = _Handles()
SIGNAL_CHUNKS: Final[LabelKind] = _SignalChunks()
LABEL_KINDS: Final[dict[str, LabelKind]] = {"match": HANDLES, "signal": SIGNAL_CHUNKS}
"""By area."""
