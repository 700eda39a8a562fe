"""What a member must hold of its coalition before it can trust anything: one small public file.

Handles: the coalition's id, its root certificate and its list-signing public key, as one document that a
person carries from the coordinator to the member. Refuses: a document of another shape. It is public but
must arrive unaltered: compare `fingerprint` by another way than the one the file came by.
Specification: docs/PROTOCOL.md, membership.
"""

import hashlib
import json
from dataclasses import dataclass
from typing import Final

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from symbolon.errors import MembershipError
from symbolon.membership.certificates import load_certificate
from symbolon.membership.member import CoalitionId, parse_coalition_id

MAX_ANCHOR_BYTES: Final = 32 * 1024
"""One certificate of at most 16 KiB and two short fields."""

_FIELDS: Final = {"coalition", "list_key", "root_certificate"}


@dataclass(frozen=True, slots=True)
class TrustAnchor:
    """The public half of a coalition's authority.

    Attributes:
        coalition: the coalition's id and SPIFFE trust domain.
        root_pem: its root certificate, PEM.
        list_key_bytes: 32 bytes, the Ed25519 public key that signs member lists.
    """

    coalition: CoalitionId
    root_pem: bytes
    list_key_bytes: bytes

    @property
    def list_key(self) -> Ed25519PublicKey:
        """The key that `verify_member_list` takes."""
        return Ed25519PublicKey.from_public_bytes(self.list_key_bytes)

    @property
    def fingerprint(self) -> str:
        """SHA-256 over coalition, root certificate and list key, 64 hex digits, for a person to compare."""
        root = load_certificate(self.root_pem).fingerprint(hashes.SHA256())
        parts = b"symbolon-trust-anchor-v1\0" + self.coalition.encode() + b"\0" + root + self.list_key_bytes
        return hashlib.sha256(parts).hexdigest()

    def to_bytes(self) -> bytes:
        """Encode as JSON, ASCII, ended by a newline."""
        content = {
            "coalition": self.coalition,
            "list_key": self.list_key_bytes.hex(),
            "root_certificate": self.root_pem.decode("ascii"),
        }
        return json.dumps(content, sort_keys=True, indent=1).encode("ascii") + b"\n"

    @classmethod
    def from_bytes(cls, document: bytes) -> "TrustAnchor":
        """Decode a document.

        Raises:
            MembershipError: `membership.anchor`.
        """
        if len(document) > MAX_ANCHOR_BYTES:
            raise _malformed(f"the trust anchor has {len(document)} bytes")
        try:
            fields = json.loads(document)
            if not isinstance(fields, dict) or set(fields) != _FIELDS:
                raise _malformed("the trust anchor does not have exactly the fields it must have")
            anchor = cls(
                coalition=parse_coalition_id(fields["coalition"]),
                root_pem=fields["root_certificate"].encode("ascii"),
                list_key_bytes=bytes.fromhex(fields["list_key"]),
            )
            _ = anchor.list_key
            load_certificate(anchor.root_pem)
        except (ValueError, TypeError, AttributeError, RecursionError) as error:
            raise _malformed("the trust anchor cannot be read") from error
        except MembershipError as error:
            raise _malformed(error.detail) from error
        return anchor


def _malformed(detail: str) -> MembershipError:
    return MembershipError(
        detail,
        code="membership.anchor",
        hint="Fetch the coalition's trust anchor from the coordinator again.",
    )
