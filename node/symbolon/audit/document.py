"""What entries of the audit log refer to by its SHA-256, with the signatures over it.

Specification: docs/adr/0015.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, get_args

DocumentKind = Literal["request", "result", "policy", "coalition", "agreement"]

KINDS: Final = frozenset(get_args(DocumentKind))


@dataclass(frozen=True, slots=True)
class Document:
    """One document.

    Attributes:
        kind: what it is.
        content: its bytes, exactly as they were signed or decided by.
        signatures: by the member that signed; empty where the content carries its own, or needs none.
    """

    kind: DocumentKind
    content: bytes
    signatures: Mapping[str, bytes] = field(default_factory=dict)

    @property
    def sha256(self) -> str:
        """SHA-256 of the content, hexadecimal."""
        return hashlib.sha256(self.content).hexdigest()
