"""A real database with the stores of people on it, a clock that only the test moves, cheap passwords."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from symbolon.policy.operator_roles import LOCAL, Role
from symbolon.storage.approval_store import ApprovalStore
from symbolon.storage.audit_log import AuditLog, StoredEntry
from symbolon.storage.database import Database
from symbolon.storage.operator_password import ScryptCost
from symbolon.storage.operator_record import Operator
from symbolon.storage.operator_store import OperatorStore
from symbolon.storage.seal import Sealer
from unit.exchange.harness import rng_of

CHEAP = ScryptCost(n=2, r=1, p=1)


@dataclass
class People:
    """The people of one node on one database."""

    database: Database
    now_s: float = 1_800_000_000.0

    def __post_init__(self) -> None:
        sealer, rng = Sealer(bytes(range(32))), rng_of("people")
        clock = lambda: self.now_s  # noqa: E731
        self.operators = OperatorStore(self.database, sealer, clock, rng, CHEAP)
        self.approvals = ApprovalStore(self.database, sealer, clock, rng, self.operators)
        self.audit = AuditLog(self.database, sealer, clock)

    def add(self, name: str, role: Role, by: str | None = None) -> Operator:
        """Adds somebody who then chooses a password of its own; the first one by itself."""
        known = self.operators.all()
        administrator = by or (known[0].pseudonym if known else LOCAL)
        added = self.operators.add(administrator, name, role, password="given by another")
        return self.operators.set_password(added.pseudonym, added.pseudonym, password_of(name))

    def entries(self) -> list[StoredEntry]:
        return self.audit.newest(100)


def password_of(name: str) -> str:
    return f"the password of {name}"


@pytest.fixture
def people(database_url: str) -> Iterator[People]:
    with Database.open(database_url, create=True) as database:
        yield People(database)
