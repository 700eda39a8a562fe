"""The multiplication loops of the `openssl` backend, and a process that runs them for a node.

The node imports the loops. Run as a script, this file is a worker: it answers batches that come by its
standard input, one after another, until that input ends. A node that dies in any way closes it, so no worker
outlives its node. Ctrl-C at a terminal, and a service manager's SIGTERM, reach both; the worker leaves them
to the node, which has batches to finish.

A request is `REQUEST`, then the two arguments of a loop; an answer is `ANSWER`, then products. Nothing secret
comes or goes by another way. A request cut short ends the worker; lengths are the node's to check.

It imports nothing but the standard library and pyca/cryptography, so that it starts in some 30 ms.

Source: RFC 7748 section 5; pyca/cryptography, "X25519 key exchange".
"""

import contextlib
import signal
import struct
import sys
from collections.abc import Callable
from typing import IO

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

REQUEST = struct.Struct(">BQQ")
"""Place in `LOOPS`, bytes of each argument."""

ANSWER = struct.Struct(">Q")
"""Bytes of products; 0 if one of them is all-zero."""

Loop = Callable[[bytes, bytes], bytes]
"""As many products as its second argument has rows of 32 bytes. `ValueError`: one is all-zero."""


def multiply(scalar: bytes, elements: bytes) -> bytes:
    """Multiplies every element by one scalar.

    Args:
        scalar: 32 bytes.
        elements: `n × 32` bytes.

    Returns:
        `n × 32` bytes.

    Raises:
        ValueError: a product is all-zero.
    """
    exchange = X25519PrivateKey.from_private_bytes(scalar).exchange
    load = X25519PublicKey.from_public_bytes
    return b"".join([exchange(load(elements[at : at + 32])) for at in range(0, len(elements), 32)])


def multiply_each(scalars: bytes, elements: bytes) -> bytes:
    """Multiplies every element by a scalar of its own.

    Args:
        scalars: `n × 32` bytes.
        elements: `n × 32` bytes.

    Returns:
        `n × 32` bytes.

    Raises:
        ValueError: a product is all-zero.
    """
    load_scalar = X25519PrivateKey.from_private_bytes
    load = X25519PublicKey.from_public_bytes
    return b"".join(
        [
            load_scalar(scalars[at : at + 32]).exchange(load(elements[at : at + 32]))
            for at in range(0, len(elements), 32)
        ]
    )


def multiply_base(_elements: bytes, scalars: bytes) -> bytes:
    """Multiplies the base point by each scalar.

    Args:
        _elements: none; the base point is known.
        scalars: `n × 32` bytes.

    Returns:
        `n × 32` bytes.
    """
    load_scalar = X25519PrivateKey.from_private_bytes
    return b"".join(
        [
            load_scalar(scalars[at : at + 32]).public_key().public_bytes_raw()
            for at in range(0, len(scalars), 32)
        ]
    )


LOOPS: tuple[Loop, ...] = (multiply, multiply_each, multiply_base)


def read_exactly(stream: IO[bytes], length_bytes: int) -> bytes:
    """Reads so many bytes.

    Args:
        stream: a buffered pipe.
        length_bytes: how many.

    Returns:
        That many bytes.

    Raises:
        EOFError: the other end closed the pipe before.
    """
    data = stream.read(length_bytes)
    if len(data) != length_bytes:
        raise EOFError
    return data


def _answer_one(requests: IO[bytes], answers: IO[bytes]) -> None:
    """Answers one request; keeps no reference to it."""
    loop, *lengths = REQUEST.unpack(read_exactly(requests, REQUEST.size))
    arguments = [read_exactly(requests, length) for length in lengths]
    try:
        products = LOOPS[loop](*arguments)
    except ValueError:
        products = b""
    answers.write(ANSWER.pack(len(products)))
    answers.write(products)
    answers.flush()


if __name__ == "__main__":
    for told_to_all in (signal.SIGINT, signal.SIGTERM):
        signal.signal(told_to_all, signal.SIG_IGN)
    with contextlib.suppress(EOFError, BrokenPipeError):
        while True:
            _answer_one(sys.stdin.buffer, sys.stdout.buffer)
