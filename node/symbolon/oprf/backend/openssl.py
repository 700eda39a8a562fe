"""The backend that runs everywhere: X25519 of pyca/cryptography, one element a call.

With one scalar for a batch a multiplication costs one X25519. With a scalar for each element it costs about
twice that: pyca/cryptography derives the public key whenever it loads a private one, and offers no way to
multiply without loading. The calls hold the interpreter's lock, so threads do not speed this class up;
`symbolon.oprf.backend.openssl_workers` gives each thread a process of its own.

Refuses all-zero products, as OpenSSL does. Zero is the only error that OpenSSL reports.

Source: RFC 7748 section 5; pyca/cryptography, "X25519 key exchange".
"""

from symbolon.errors import InvalidElementError
from symbolon.oprf.backend import openssl_worker
from symbolon.oprf.backend.openssl_worker import Loop
from symbolon.oprf.backend.protocol import check_lengths


class OpensslBackend:
    """X25519 through pyca/cryptography; see `symbolon.oprf.backend.protocol.Backend` for the methods."""

    name = "openssl"

    def multiply(self, scalar: bytes, elements: bytes) -> bytes:
        """Multiplies every element by one scalar; see `Backend.multiply`."""
        check_lengths(scalar, elements, one_scalar=True)
        return self._run(openssl_worker.multiply, scalar, elements)

    def multiply_each(self, scalars: bytes, elements: bytes) -> bytes:
        """Multiplies every element by a scalar of its own; see `Backend.multiply_each`."""
        check_lengths(scalars, elements, one_scalar=False)
        return self._run(openssl_worker.multiply_each, scalars, elements)

    def multiply_base(self, scalars: bytes) -> bytes:
        """Multiplies the base point by each scalar; see `Backend.multiply_base`."""
        check_lengths(scalars, scalars, one_scalar=False)
        return self._run(openssl_worker.multiply_base, b"", scalars)

    def _run(self, loop: Loop, factors: bytes, rows: bytes) -> bytes:
        """Runs a loop over a batch whose lengths are checked."""
        try:
            return loop(factors, rows)
        except ValueError:
            raise all_zero() from None


def all_zero() -> InvalidElementError:
    """What is raised when a product of a batch is all-zero."""
    return InvalidElementError("a multiplication came out all-zero")
