"""The backend that runs everywhere: X25519 of pyca/cryptography, one element a call.

With one scalar for a batch a multiplication costs one X25519. With a scalar for each element it costs about
twice that: pyca/cryptography derives the public key whenever it loads a private one, and offers no way to
multiply without loading. The calls hold the interpreter's lock, so threads do not speed this backend up;
processes do.

Refuses all-zero products, as OpenSSL does. Zero is the only error that OpenSSL reports.

Source: RFC 7748 section 5; pyca/cryptography, "X25519 key exchange".
"""

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

from symbolon.errors import InvalidElementError
from symbolon.oprf.backend.protocol import check_lengths


class OpensslBackend:
    """X25519 through pyca/cryptography; see `symbolon.oprf.backend.protocol.Backend` for the methods."""

    name = "openssl"

    def multiply(self, scalar: bytes, elements: bytes) -> bytes:
        """Multiplies every element by one scalar; see `Backend.multiply`."""
        check_lengths(scalar, elements, one_scalar=True)
        exchange = X25519PrivateKey.from_private_bytes(scalar).exchange
        load = X25519PublicKey.from_public_bytes
        try:
            return b"".join(
                [exchange(load(elements[at : at + 32])) for at in range(0, len(elements), 32)],
            )
        except ValueError:
            raise InvalidElementError("a multiplication came out all-zero") from None

    def multiply_each(self, scalars: bytes, elements: bytes) -> bytes:
        """Multiplies every element by a scalar of its own; see `Backend.multiply_each`."""
        check_lengths(scalars, elements, one_scalar=False)
        load_scalar = X25519PrivateKey.from_private_bytes
        load = X25519PublicKey.from_public_bytes
        try:
            return b"".join(
                [
                    load_scalar(scalars[at : at + 32]).exchange(load(elements[at : at + 32]))
                    for at in range(0, len(elements), 32)
                ]
            )
        except ValueError:
            raise InvalidElementError("a multiplication came out all-zero") from None

    def multiply_base(self, scalars: bytes) -> bytes:
        """Multiplies the base point by each scalar; see `Backend.multiply_base`."""
        check_lengths(scalars, scalars, one_scalar=False)
        load_scalar = X25519PrivateKey.from_private_bytes
        return b"".join(
            [
                load_scalar(scalars[at : at + 32]).public_key().public_bytes_raw()
                for at in range(0, len(scalars), 32)
            ]
        )
