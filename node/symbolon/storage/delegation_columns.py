"""What the sealed columns of delegated publishing hold, at the contributor and at the delegate.

Refuses bytes that do not open in their place.
"""

import json
from dataclasses import dataclass, field
from typing import Final

from sqlalchemy import Connection, select

from symbolon.signals.vocabulary import ShownAs
from symbolon.storage.delegation_schema import signal_delegation
from symbolon.storage.seal import Sealer

_LENGTH_BYTES: Final = 2
"""Before the text that stands in front of a document."""


@dataclass(frozen=True, slots=True)
class Delegation:
    """What a contributor keeps of a signal that another member publishes.

    Attributes:
        delegate: the member that publishes it.
        as_kind: whether it is to show the contributor's kind.
        reviewed: a person has looked at what the screening found in some revision.
        their_id: its id at the delegate; empty until that is known.
        their_revision: the delegate's newest that this member knows of.
        shown_as: by what the delegate names the contributor, as it says.
        disclosed: how many members were given it, as the delegate says; None until it was asked.
    """

    delegate: str
    as_kind: bool
    reviewed: bool
    their_id: bytes = b""
    their_revision: int = 0
    shown_as: ShownAs = ShownAs.PUBLISHER
    disclosed: int | None = None


@dataclass(frozen=True, slots=True)
class EntrustedSignal:
    """What a delegate keeps of whom it publishes a signal for.

    Attributes:
        contributor: the member.
        signal_id: the contributor's, 16 bytes.
        document: the contributor's newest revision, as `record_codec` has it.
        made: own revision that it came to; 0 for none.
        shown_as: by what the signal names its contributor.
    """

    contributor: str = field(repr=False)
    signal_id: bytes = field(repr=False)
    document: bytes = field(repr=False)
    made: int
    shown_as: ShownAs


def is_delegated(connection: Connection, number: int) -> bool:
    """Whether another member publishes an own signal: then it is in no set of this one."""
    table = signal_delegation
    return connection.execute(select(table.c.number).where(table.c.number == number)).first() is not None


def published_elsewhere(connection: Connection, sealer: Sealer) -> frozenset[tuple[str, bytes]]:
    """Own signals that other members publish: who, and under which id."""
    table = signal_delegation
    query = select(table.c.number, table.c.payload).where(table.c.payload.is_not(None))
    kept = (open_delegation(sealer, row.number, row.payload) for row in connection.execute(query))
    return frozenset((each.delegate, each.their_id) for each in kept if each.their_id)


def seal_delegation(sealer: Sealer, number: int, kept: Delegation) -> bytes:
    """What `signal_delegation.payload` holds."""
    said = {
        "as_kind": kept.as_kind,
        "delegate": kept.delegate,
        "disclosed": kept.disclosed,
        "reviewed": kept.reviewed,
        "shown_as": kept.shown_as.value,
        "their_id": kept.their_id.hex(),
        "their_revision": kept.their_revision,
    }
    return sealer.seal("signal_delegation", "payload", number, _text(said))


def open_delegation(sealer: Sealer, number: int, sealed: bytes) -> Delegation:
    """What `seal_delegation` sealed."""
    said = json.loads(sealer.open("signal_delegation", "payload", number, sealed))
    return Delegation(
        delegate=said["delegate"],
        as_kind=said["as_kind"],
        reviewed=said["reviewed"],
        their_id=bytes.fromhex(said["their_id"]),
        their_revision=said["their_revision"],
        shown_as=ShownAs(said["shown_as"]),
        disclosed=said["disclosed"],
    )


def seal_entrusted(sealer: Sealer, row: int, kept: EntrustedSignal) -> bytes:
    """What `signal_entrusted.payload` holds: a text behind its length, then the document."""
    said = _text(
        {
            "contributor": kept.contributor,
            "made": kept.made,
            "shown_as": kept.shown_as.value,
            "signal_id": kept.signal_id.hex(),
        }
    )
    payload = len(said).to_bytes(_LENGTH_BYTES) + said + kept.document
    return sealer.seal("signal_entrusted", "payload", row, payload)


def open_entrusted(sealer: Sealer, row: int, sealed: bytes) -> EntrustedSignal:
    """What `seal_entrusted` sealed."""
    payload = sealer.open("signal_entrusted", "payload", row, sealed)
    end = _LENGTH_BYTES + int.from_bytes(payload[:_LENGTH_BYTES])
    said = json.loads(payload[_LENGTH_BYTES:end])
    return EntrustedSignal(
        contributor=said["contributor"],
        signal_id=bytes.fromhex(said["signal_id"]),
        document=payload[end:],
        made=said["made"],
        shown_as=ShownAs(said["shown_as"]),
    )


def entrusted_digest(sealer: Sealer, contributor: str, signal_id: bytes) -> bytes:
    """What `signal_entrusted.digest` holds."""
    return sealer.keyed_digest("signal.entrusted", signal_id + contributor.encode())


def entrusted_id_digest(sealer: Sealer, signal_id: bytes) -> bytes:
    """What `signal_entrusted.id_digest` holds."""
    return sealer.keyed_digest("signal.entrusted.id", signal_id)


def _text(said: dict[str, object]) -> bytes:
    return json.dumps(said, sort_keys=True, separators=(",", ":")).encode()
