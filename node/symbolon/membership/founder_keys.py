"""The three private keys of a founder, in one folder of its node.

Handles: the root key, used only when founders change, which may be encrypted with a passphrase and moved
away; the metadata key, with which the node signs targets, snapshots and timestamps; the authority, which
signs leaves. Each is drawn from the operating system and written with mode 0600. Refuses: to overwrite keys
that exist, and keys that are missing, encrypted or of another kind, each with what to do.
Specification: docs/PROTOCOL.md, membership; docs/adr/0013.
"""

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import SSHPrivateKeyTypes

from symbolon.errors import MembershipError, StorageError, SymbolonError
from symbolon.membership.atomic_file import locked, make_private_folder, read_bounded, write_atomically
from symbolon.membership.authorities import Authorities
from symbolon.membership.certificates import issue_leaf, make_root
from symbolon.membership.coalition_roles import Founder
from symbolon.membership.key_file import LockedError, read_key_file, write_key_file
from symbolon.membership.member import MemberId

ROOT_KEY_FILE: Final = "root-key.pem"
METADATA_KEY_FILE: Final = "metadata-key.pem"
AUTHORITY_KEY_FILE: Final = "authority-key.pem"
AUTHORITY_FILE: Final = "authority.pem"
ROOT_PUBLIC_FILE: Final = "root-key.pub"

PASSPHRASE_ROUNDS: Final = 100
"""Of bcrypt, for a root key's passphrase: about a second for each guess."""

_LOCK: Final = ".lock"
_OPENSSH: Final = b"-----BEGIN OPENSSH PRIVATE KEY-----"
_MAX_KEY_BYTES: Final = 16 * 1024
"""A key in PEM has below 1 KiB."""

_UNREADABLE: Final = (ValueError, TypeError, UnsupportedAlgorithm)
"""What a file that holds no key, or an encrypted one, raises."""


@dataclass(frozen=True, slots=True)
class FounderKeys:
    """What a founder's node signs with; the root key is read by `load_root_key` when it is needed.

    Attributes:
        founder: the public halves, as a root names them.
        metadata_key: Ed25519.
        authority_key: P-256.
        authority_pem: the authority's certificate.
    """

    founder: Founder
    metadata_key: Ed25519PrivateKey = field(repr=False)
    authority_key: ec.EllipticCurvePrivateKey = field(repr=False)
    authority_pem: bytes = field(repr=False)

    def issue(
        self, member_id: str, coalition: str, public_key: ec.EllipticCurvePublicKey, now: datetime
    ) -> bytes:
        """Signs a leaf for a member's key, in PEM; arguments and errors as for `issue_leaf`."""
        return issue_leaf(
            member_id,
            coalition,
            public_key,
            root_key=self.authority_key,
            root_pem=self.authority_pem,
            now=now,
        )


def create_founder_keys(
    folder: Path, coalition: str, member_id: MemberId, now: datetime, *, passphrase: bytes | None = None
) -> FounderKeys:
    """Makes the keys of a founder.

    Args:
        folder: made when absent, for its owner only.
        coalition: the coalition's id.
        member_id: the founder.
        now: the current time, aware.
        passphrase: encrypts the root key; without one it is as safe as the folder is.

    Raises:
        MembershipError: `membership.exists` when there are keys already, `membership.root_key` when the
            passphrase is empty.
        StorageError: the folder cannot be written.
    """
    if passphrase == b"":
        raise _no_root_key("the passphrase is empty", "Give one, or none at all.")
    make_private_folder(folder)
    with locked(folder / _LOCK):
        if (folder / AUTHORITY_FILE).exists():
            raise MembershipError(
                f"{folder} holds the keys of a founder already",
                hint="Keys in use are never overwritten; move the folder away if it is of no use any more.",
                code="membership.exists",
            )
        root_key, metadata_key = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
        authority_key = ec.generate_private_key(ec.SECP256R1())
        authority_pem = make_root(coalition, authority_key, now, founder=member_id)
        encoded = _pem(root_key) if passphrase is None else _encrypted(root_key, passphrase)
        write_key_file(folder / ROOT_KEY_FILE, encoded)
        write_atomically(folder / ROOT_PUBLIC_FILE, root_key.public_key().public_bytes_raw().hex().encode())
        write_key_file(folder / METADATA_KEY_FILE, _pem(metadata_key))
        write_key_file(folder / AUTHORITY_KEY_FILE, _pem(authority_key))
        # Last: it marks a folder that is whole.
        write_atomically(folder / AUTHORITY_FILE, authority_pem)
    return load_founder_keys(folder, member_id)


def load_founder_keys(folder: Path, member_id: MemberId) -> FounderKeys:
    """Reads the keys that a founder's node needs every day.

    Raises:
        MembershipError: `membership.founder` when this node holds none, or they do not fit one another.
    """
    try:
        metadata_key = _load(folder / METADATA_KEY_FILE)
        authority_key = _load(folder / AUTHORITY_KEY_FILE)
        authority_pem = read_bounded(folder / AUTHORITY_FILE, _MAX_KEY_BYTES)
        root_public = bytes.fromhex(read_bounded(folder / ROOT_PUBLIC_FILE, _MAX_KEY_BYTES).decode("ascii"))
        (authority,) = Authorities.parse(authority_pem).certificates
        if not isinstance(metadata_key, Ed25519PrivateKey):
            raise ValueError("the metadata key is not an Ed25519 key")
        if (
            not isinstance(authority_key, ec.EllipticCurvePrivateKey)
            or authority_key.public_key() != authority.public_key()
        ):
            raise ValueError("the authority's key is not that of its certificate")
        founder = Founder(member_id, root_public, metadata_key.public_key().public_bytes_raw())
    except LockedError:
        raise
    except (SymbolonError, *_UNREADABLE) as error:
        raise MembershipError(
            f"{folder} does not hold the keys of a founder: {_reason(error)}",
            hint="Only a founder can do this; run it on a founder's node, or restore the folder from a copy.",
            code="membership.founder",
        ) from error
    return FounderKeys(founder, metadata_key, authority_key, authority_pem)


def load_root_key(path: Path, founder: Founder, passphrase: bytes | None = None) -> Ed25519PrivateKey:
    """Reads a founder's root key, wherever it is kept.

    Args:
        path: the file, in the founder's folder or on a medium of its own.
        founder: whose it must be.
        passphrase: if it is encrypted.

    Raises:
        MembershipError: `membership.root_key` when it is missing, encrypted, or another's.
    """
    try:
        key = _load(path, passphrase)
    except LockedError:
        raise
    except StorageError as error:
        raise _no_root_key(
            error.detail, "Bring the medium on which it is kept, and name the file there with --root-key."
        ) from error
    except TypeError as error:
        if passphrase is None:
            detail, hint = (
                f"the root key in {path} is encrypted",
                "Name the file that holds its passphrase with --passphrase-file.",
            )
        else:
            detail, hint = f"the root key in {path} is not encrypted", "Leave out --passphrase-file."
        raise _no_root_key(detail, hint) from error
    except (ValueError, UnsupportedAlgorithm) as error:
        raise _no_root_key(
            f"the root key in {path} does not open",
            "Is it this founder's file (--root-key), and its passphrase (--passphrase-file)?",
        ) from error
    if not isinstance(key, Ed25519PrivateKey) or key.public_key().public_bytes_raw() != founder.root_key:
        raise _no_root_key(
            f"{path} is not the root key of {founder.member_id}",
            "Name the right file with --root-key.",
        )
    return key


def _pem(key: Ed25519PrivateKey | ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _encrypted(key: Ed25519PrivateKey, passphrase: bytes) -> bytes:
    """In OpenSSH's form: the library lets nobody choose the rounds of PKCS #8, and takes 2,048 of PBKDF2."""
    form = serialization.PrivateFormat.OpenSSH
    encryption = form.encryption_builder().kdf_rounds(PASSPHRASE_ROUNDS).build(passphrase)
    return key.private_bytes(serialization.Encoding.PEM, form, encryption)


def _load(path: Path, passphrase: bytes | None = None) -> SSHPrivateKeyTypes | PrivateKeyTypes:
    content = read_key_file(path, _MAX_KEY_BYTES)
    if content.lstrip().startswith(_OPENSSH):
        return serialization.load_ssh_private_key(content, passphrase)
    return serialization.load_pem_private_key(content, passphrase)


def _reason(error: Exception) -> str:
    return error.detail if isinstance(error, SymbolonError) else str(error)


def _no_root_key(detail: str, hint: str) -> MembershipError:
    return MembershipError(detail, hint=hint, code="membership.root_key")
