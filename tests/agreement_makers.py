"""Agreements of the coalition in `coalition_members`, signed by whom a test says; stores that keep them."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from coalition_members import ACME, BIRCH, COALITION, TODAY, coalition, signing_key
from symbolon.membership.agreement import Agreement, SignedAgreement, encode_agreement, sign_agreement
from symbolon.membership.member import MemberId
from symbolon.membership.member_record import Members
from symbolon.storage.agreement_store import AgreementStore
from symbolon.storage.database import Database

NOW_S = datetime(TODAY.year, TODAY.month, TODAY.day, 12, tzinfo=UTC).timestamp()


def agreement(number: int = 0, **changes: Any) -> Agreement:
    """Of acme and birch, for a year, on due diligence; another one for each number."""
    made = Agreement(
        coalition=COALITION,
        members=(ACME, BIRCH),
        purposes=("due-diligence",),
        first_day=TODAY,
        last_day=TODAY + timedelta(days=365),
        nonce=number.to_bytes(16),
    )
    return replace(made, **changes)


def by(member_id: str, what: Agreement, *, key_of: str = "") -> tuple[bytes, bytes]:
    """The document and a member's signature; `key_of` names whose key is used instead of its own."""
    return encode_agreement(what), sign_agreement(what, signing_key(key_of or member_id))


class Log(list[tuple[str, str, str]]):
    """Entries that a store wrote: event, peer, words; and who had signed by then."""

    def __init__(self) -> None:
        super().__init__()
        self.signers: list[list[MemberId]] = []

    def note(self, _connection: object, event: str, peer: str, words: str, signed: SignedAgreement) -> None:
        self.append((event, peer, words))
        self.signers.append(sorted(signed.signatures))


@contextmanager
def acmes_store(
    folder: Path, members: Callable[[], Members] = coalition, own: MemberId = ACME
) -> Iterator[tuple[AgreementStore, Log]]:
    """The agreements of one member, in a new database of its own, and its log."""
    log = Log()
    with Database.open(f"sqlite:///{folder}/{own}.db", create=True) as database:
        yield AgreementStore(database, own, lambda: NOW_S, members, log.note), log
