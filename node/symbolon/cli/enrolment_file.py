"""The two small files that a new member and its coordinator send each other; neither holds a secret.

`request.json`: who asks, and its certificate request. `MEMBER-enrolment.json`: the trust anchor, the
certificate made for the request, and the member list of that moment.
"""

import base64
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict, ValidationError

from symbolon.errors import InputError
from symbolon.membership.atomic_file import read_bounded, write_atomically
from symbolon.membership.member import MemberKind
from symbolon.membership.trust_anchor import TrustAnchor

MAX_FILE_BYTES: Final = 16 << 20
"""An enrolment holds a whole member list."""


class _Request(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    coalition: str
    member: str
    kind: MemberKind
    endpoint: str
    request: str


class _Enrolment(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    member: str
    anchor: str
    certificate: str
    members: str


@dataclass(frozen=True, slots=True)
class Request:
    """What a new member sends. `csr_pem` is PEM."""

    coalition: str
    member: str
    kind: MemberKind
    endpoint: str
    csr_pem: bytes

    def write(self, path: Path) -> None:
        """Writes the file."""
        document = {
            "coalition": self.coalition,
            "member": self.member,
            "kind": self.kind.value,
            "endpoint": self.endpoint,
            "request": self.csr_pem.decode("ascii"),
        }
        write_atomically(path, json.dumps(document, indent=1).encode() + b"\n", mode=0o644)

    @classmethod
    def read(cls, path: Path) -> "Request":
        """Reads the file.

        Raises:
            InputError: it is not a request.
            StorageError: it cannot be read.
        """
        try:
            each = _Request.model_validate_json(_bounded(path))
        except ValidationError:
            raise _not(path, "a request; `symbolon init` makes one") from None
        return cls(each.coalition, each.member, each.kind, each.endpoint, each.request.encode())


@dataclass(frozen=True, slots=True)
class Enrolment:
    """What the coordinator sends back. `certificate` is PEM, `members` the signed list."""

    member: str
    anchor: TrustAnchor
    certificate: bytes
    members: bytes

    def write(self, path: Path) -> None:
        """Writes the file."""
        document = {
            "member": self.member,
            "anchor": base64.b64encode(self.anchor.to_bytes()).decode(),
            "certificate": self.certificate.decode("ascii"),
            "members": base64.b64encode(self.members).decode(),
        }
        write_atomically(path, json.dumps(document, indent=1).encode() + b"\n", mode=0o644)

    @classmethod
    def read(cls, path: Path) -> "Enrolment":
        """Reads the file.

        Raises:
            InputError: it is not an enrolment.
            MembershipError: its trust anchor is malformed.
            StorageError: it cannot be read.
        """
        try:
            each = _Enrolment.model_validate_json(_bounded(path))
            anchor, members = (base64.b64decode(text, validate=True) for text in (each.anchor, each.members))
        except (ValidationError, ValueError):
            raise _not(path, "an enrolment; `symbolon coalition enrol` makes one") from None
        return cls(each.member, TrustAnchor.from_bytes(anchor), each.certificate.encode(), members)


def _bounded(path: Path) -> bytes:
    content = read_bounded(path, MAX_FILE_BYTES)
    if len(content) > MAX_FILE_BYTES:
        raise _not(path, "a file of this kind: it is too large")
    return content


def _not(path: Path, what: str) -> InputError:
    return InputError(f"{path} is not {what}", code="input.enrolment")
