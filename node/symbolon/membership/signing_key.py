"""The key with which a member signs statements about itself: made on its own machine, never sent."""

from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from symbolon.errors import MembershipError, StorageError
from symbolon.membership.key_file import LockedError, read_key_file, write_key_file

_MAX_KEY_BYTES: Final = 4 * 1024


def create_signing_key(path: Path) -> Ed25519PrivateKey:
    """Makes a key, or reads the one that is there: it is never overwritten.

    Args:
        path: the file, PKCS #8 in PEM, mode 0600.

    Raises:
        MembershipError: `membership.signing_key` when the file there holds none.
        StorageError: the file cannot be written.
    """
    if not path.exists():
        write_key_file(path, new_signing_key_pem())
    return load_signing_key(path)


def new_signing_key_pem() -> bytes:
    """A fresh key, PKCS #8 in PEM."""
    return Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def load_signing_key(path: Path) -> Ed25519PrivateKey:
    """Reads the key.

    Raises:
        MembershipError: `membership.signing_key`.
        LockedError: the node's keys are locked.
    """
    try:
        key = serialization.load_pem_private_key(read_key_file(path, _MAX_KEY_BYTES), None)
    except LockedError:
        raise
    except (StorageError, ValueError, TypeError) as error:
        raise _missing(path) from error
    if not isinstance(key, Ed25519PrivateKey):
        raise _missing(path)
    return key


def _missing(path: Path) -> MembershipError:
    return MembershipError(
        f"{path} holds no signing key of this member",
        hint="Restore the node's folder from a copy; without this key nobody can speak for the member.",
        code="membership.signing_key",
    )
