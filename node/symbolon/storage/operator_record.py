"""One operator of a node, and the sealed record that is kept of it.

Handles: names as people type them, the accounts of an OIDC issuer, the JSON of the record. Refuses names that
are empty, too long, not one plain line, or look like a pseudonym.
"""

import json
import re
import unicodedata
from dataclasses import asdict, dataclass
from typing import Final

from symbolon.errors import StorageError, UsageError
from symbolon.policy.approval import SecondPerson
from symbolon.policy.operator_roles import Role

MAX_NAME_CHARS: Final = 64
"""A person's name or function."""
MAX_SUBJECT_CHARS: Final = 255
"""OpenID Connect Core 1.0 section 2: a subject must not exceed 255 characters."""

PSEUDONYM: Final = re.compile(r"op-[0-9a-f]{8}")


@dataclass(frozen=True, slots=True)
class OidcAccount:
    """An account at an issuer: who an operator without a password is."""

    issuer: str
    subject: str


@dataclass(frozen=True, slots=True)
class Operator:
    """One operator.

    Attributes:
        pseudonym: random, stable, what audit logs hold.
        name: what colleagues call the person, and what it signs in with.
        credential_id: changes whenever it gets another way to sign in, which ends its sessions.
        credential_by: pseudonym of who chose its password; its own where it did so itself.
        account: where it signs in instead of here, or None.
    """

    pseudonym: str
    name: str
    role: Role
    added_at_s: int
    added_by: str
    credential_id: str
    credential_by: str
    account: OidcAccount | None = None

    @property
    def as_second_person(self) -> SecondPerson:
        """What the rules of four eyes look at."""
        own = self.account is not None or self.credential_by == self.pseudonym
        return SecondPerson(self.pseudonym, self.role, own)

    def to_bytes(self) -> bytes:
        """The record to be sealed; the pseudonym is the row it is sealed to."""
        fields = asdict(self)
        del fields["pseudonym"]
        return json.dumps(fields, sort_keys=True).encode()

    @classmethod
    def from_bytes(cls, pseudonym: str, record: bytes) -> "Operator":
        """Reads what `to_bytes` wrote.

        Raises:
            StorageError: it did not.
        """
        try:
            fields = json.loads(record)
            account = fields.pop("account")
            role = Role(fields.pop("role"))
            where = None if account is None else OidcAccount(**account)
            return cls(pseudonym=pseudonym, role=role, account=where, **fields)
        except (ValueError, TypeError, KeyError):
            raise StorageError("the record of an operator cannot be read", code="storage.operator") from None


def typed_name(name: str) -> str:
    """A new operator's name, as it is kept.

    Raises:
        UsageError: `usage.operator.name`.
    """
    plain = unicodedata.normalize("NFKC", name).strip()
    if not 0 < len(plain) <= MAX_NAME_CHARS or not plain.isprintable() or PSEUDONYM.fullmatch(plain):
        raise UsageError(
            f"an operator's name is one plain line of at most {MAX_NAME_CHARS} characters, and no pseudonym",
            code="usage.operator.name",
        )
    return plain


def name_key(name: str) -> bytes:
    """What two spellings of one name have in common: case, form of characters and space around it aside."""
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).strip().casefold())
    return folded.encode("utf-8", "surrogatepass")


def account_key(account: OidcAccount) -> bytes:
    """Bytes that are equal for equal accounts only."""
    issuer = account.issuer.encode()
    return len(issuer).to_bytes(4, "big") + issuer + account.subject.encode("utf-8", "surrogatepass")
