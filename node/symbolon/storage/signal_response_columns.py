"""What the sealed column of relayed texts holds, and the end of all that others said about a signal.

Handles: what a supplier said with its day, the purpose it was relayed for and the reason why it was declined,
sealed together; the keyed digest by which the same text is known again. Refuses bytes that do not open in
their place.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from sqlalchemy import Connection, delete, null, update

from symbolon.storage.seal import Sealer
from symbolon.storage.signal_response_schema import (
    signal_corroboration,
    signal_notice,
    signal_response,
    signal_review,
)


class ResponseKind(StrEnum):
    """What a supplier said."""

    CONTEST = "contest"
    REPLY = "reply"


class ResponseState(StrEnum):
    """How it stands with a text that was relayed."""

    WAITING = "waiting"
    ACCEPTED = "accepted"
    DECLINED = "declined"


@dataclass(frozen=True, slots=True)
class Relayed:
    """What a member passes on.

    Attributes:
        kind: whether the supplier contests the signal, or answers it.
        text: plain, in the supplier's words.
        on: the day on which it was said.
        purpose: of the lookup that brought the signal to who relays.
    """

    kind: ResponseKind
    text: str = field(repr=False)
    on: date
    purpose: str


def text_digest(sealer: Sealer, number: int, peer: str, relayed: Relayed) -> bytes:
    """What `signal_response.digest` holds: equal texts about two signals do not show."""
    said = json.dumps([number, peer, relayed.kind, relayed.text], separators=(",", ":"))
    return sealer.keyed_digest("signal.response", said.encode())


def seal_relayed(sealer: Sealer, response_id: int, relayed: Relayed, reason: str = "") -> bytes:
    """What `signal_response.payload` holds."""
    said = [relayed.text, relayed.on.isoformat(), relayed.purpose, reason]
    payload = json.dumps(said, separators=(",", ":"))
    return sealer.seal("signal_response", "payload", response_id, payload.encode())


def open_relayed(sealer: Sealer, response_id: int, kind: str, sealed: bytes) -> tuple[Relayed, str]:
    """What was relayed, and the reason why it was declined, from `signal_response.payload`."""
    text, on, purpose, reason = json.loads(sealer.open("signal_response", "payload", response_id, sealed))
    return Relayed(ResponseKind(kind), text, date.fromisoformat(on), purpose), reason


def forget_responses(connection: Connection, numbers: Sequence[int]) -> None:
    """Erases what others said about some signals, and what people did before they left."""
    texts = signal_response.c.number.in_(numbers)
    connection.execute(update(signal_response).where(texts).values(payload=null()))
    for table in (signal_corroboration, signal_review, signal_notice):
        connection.execute(delete(table).where(table.c.number.in_(numbers)))
