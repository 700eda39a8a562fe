"""What a multiplication backend does: X25519 on batches.

A backend handles whole buffers that its caller has checked (`symbolon.oprf.element`); it checks lengths and
its own errors, nothing else. All backends give the same bytes.

Source: RFC 7748 section 5.
"""

from typing import Protocol


class Backend(Protocol):
    """X25519 on batches of elements, n × 32 bytes in one buffer."""

    @property
    def name(self) -> str:
        """The name that `doctor` shows and the configuration takes."""

    def multiply(self, scalar: bytes, elements: bytes) -> bytes:
        """Multiplies every element by one scalar.

        Args:
            scalar: 32 bytes; clamped as X25519 does.
            elements: `n × 32` bytes.

        Returns:
            `n × 32` bytes, in the same order.

        Raises:
            ValueError: a length is wrong.
            InvalidElementError: a product is all-zero, and the backend refuses it by itself.
            BackendError: the backend reports a failed lane.
        """

    def multiply_each(self, scalars: bytes, elements: bytes) -> bytes:
        """Multiplies every element by a scalar of its own.

        Args:
            scalars: `n × 32` bytes; each clamped as X25519 does.
            elements: `n × 32` bytes.

        Returns:
            `n × 32` bytes, in the same order.

        Raises:
            ValueError: a length is wrong.
            InvalidElementError: a product is all-zero, and the backend refuses it by itself.
            BackendError: the backend reports a failed lane.
        """

    def multiply_base(self, scalars: bytes) -> bytes:
        """Multiplies the base point u = 9 by each scalar.

        Args:
            scalars: `n × 32` bytes; each clamped as X25519 does.

        Returns:
            `n × 32` bytes, in the same order.

        Raises:
            ValueError: the length is wrong.
            BackendError: the backend reports a failed lane.
        """


def check_lengths(scalars: bytes, elements: bytes, *, one_scalar: bool) -> None:
    """Refuses buffers that do not go together, before memory is handed to native code.

    Args:
        scalars: 32 bytes if `one_scalar`, else as long as `elements`.
        elements: `n × 32` bytes.
        one_scalar: whether one scalar serves all elements.

    Raises:
        ValueError: a length is wrong. The message names lengths only.
    """
    wanted = 32 if one_scalar else len(elements)
    if len(elements) % 32 or len(scalars) != wanted:
        raise ValueError(f"{len(scalars)} bytes of scalars do not go with {len(elements)} bytes of elements")
