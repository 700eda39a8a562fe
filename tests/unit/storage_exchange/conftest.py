"""A real database, a clock that only the test moves, and the stores of the exchange on both."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest

from symbolon.audit.entry import Entry
from symbolon.storage.audit_log import AuditLog
from symbolon.storage.database import Database
from symbolon.storage.exchange_receiver_store import ReceiverStore
from symbolon.storage.exchange_sender_store import SenderStore
from symbolon.storage.exchange_session_store import SessionStore
from symbolon.storage.match_store import MatchStore
from symbolon.storage.seal import Sealer
from unit.exchange.harness import rng_of


@dataclass
class Stores:
    """The stores of one node on one database."""

    database: Database
    now_s: float = 1_800_000_000.0
    rng: Callable[[int], bytes] = field(default_factory=lambda: rng_of("store"))

    def __post_init__(self) -> None:
        sealer = Sealer(bytes(range(32)))
        self.sending = SenderStore(self.database, sealer, lambda: self.now_s, lambda n: self.rng(n))
        self.receiving = ReceiverStore(self.database, sealer, lambda: self.now_s)
        self.sessions = SessionStore(self.database, sealer, lambda: self.now_s)
        self.audit = AuditLog(self.database, sealer, lambda: self.now_s)
        self.matches = MatchStore(self.database, sealer, lambda: self.now_s)

    def entries(self, newest: int = 99) -> list[Entry]:
        """What the newest entries of the audit log say, oldest first."""
        return [each.entry for each in self.audit.newest(newest)]

    def pass_days(self, days: float) -> None:
        self.now_s += days * 86400


@pytest.fixture
def stores(database_url: str) -> Iterator[Stores]:
    with Database.open(database_url, create=True) as database:
        yield Stores(database)
