"""A coalition with a clock that the test moves."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from symbolon.membership import Authority, MemberKind, make_leaf_key_and_csr

COALITION = "clean-hands"


@dataclass
class MovableClock:
    now: datetime = field(default_factory=lambda: datetime(2026, 3, 1, 12, 0, tzinfo=UTC))

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **amount: float) -> None:
        self.now += timedelta(**amount)


@pytest.fixture
def clock() -> MovableClock:
    return MovableClock()


@pytest.fixture
def authority(tmp_path: Path, clock: MovableClock) -> Authority:
    return Authority.create(tmp_path / "authority", COALITION, clock)


@pytest.fixture
def enrol(authority: Authority) -> Callable[[str], bytes]:
    def admit(member_id: str) -> bytes:
        request = make_leaf_key_and_csr(member_id, COALITION)
        return authority.enrol(member_id, MemberKind.COMPANY, "127.0.0.1:7443", request.csr_pem)

    return admit
