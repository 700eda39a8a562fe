"""Results of matching and what people decided about them.

A decision belongs to the own supplier and to the keys that hit (as a keyed digest), not to the peer's
handle: handles change with every key epoch, the evidence does not, so a decision holds until the evidence
changes.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from sqlalchemy import Connection, delete, insert, or_, select

from symbolon.exchange.messages import MATCH
from symbolon.matching.evidence import Evidence, Match
from symbolon.storage.database import Database
from symbolon.storage.exchange_columns import pack, unpack
from symbolon.storage.exchange_schema import match_decision, match_result, received_part, received_set
from symbolon.storage.seal import Sealer
from symbolon.suppliers.tier import Tier

Decision = Literal["accepted", "rejected"]


_DAY_S: Final = 86400


@dataclass(frozen=True, slots=True)
class Decided:
    """What a person decided about a supplier, whether the evidence still stands or not.

    Attributes:
        peer: whose record, or signal, it was about.
        decision: accepted or rejected.
        decided_at_s: seconds since 1970-01-01 UTC.
    """

    peer: str
    decision: Decision
    decided_at_s: int


class MatchStore:
    """Keeps results and decisions; arguments as for `SenderStore`."""

    def __init__(self, database: Database, sealer: Sealer, clock: Callable[[], float]) -> None:
        self._database = database
        self._sealer = sealer
        self._clock = clock

    def save(
        self,
        connection: Connection,
        peer: str,
        purpose: str,
        found: list[Evidence],
        *,
        retain_days: int | None = None,
    ) -> None:
        """Replaces the results of the tiers given, inside the caller's transaction.

        Args:
            connection: of the transaction.
            peer: the member matched with.
            purpose: of the match.
            found: by tier.
            retain_days: after which they are erased, by the peer's terms; None for no such term.
        """
        ends = None if retain_days is None else int(self._clock()) + retain_days * _DAY_S
        for each in found:
            here = (
                match_result.c.peer == peer,
                match_result.c.purpose == purpose,
                match_result.c.tier == each.tier.value,
            )
            connection.execute(delete(match_result).where(*here))
            payload = pack(
                each.suppliers.tobytes(),
                each.handles.tobytes(),
                each.key_ids.tobytes(),
                each.schemes.tobytes(),
                "\n".join(each.scheme_names).encode(),
            )
            place = f"{peer}/{purpose}/{each.tier.value}"
            connection.execute(
                insert(match_result).values(
                    peer=peer,
                    purpose=purpose,
                    tier=each.tier.value,
                    found_at_s=int(self._clock()),
                    expires_at_s=ends,
                    payload=self._sealer.seal("match_result", "payload", place, payload),
                )
            )

    def load(self, peer: str, purpose: str | None = None) -> list[tuple[str, Evidence]]:
        """Results with a peer that may still be kept: pairs of purpose and evidence."""
        ends = match_result.c.expires_at_s
        kept = or_(ends.is_(None), ends > int(self._clock()))
        query = select(match_result).where(match_result.c.peer == peer, kept).order_by(match_result.c.tier)
        if purpose is not None:
            query = query.where(match_result.c.purpose == purpose)
        with self._database.read("load matches") as connection:
            rows = connection.execute(query).all()
        return [(row.purpose, self._evidence(row.peer, row.purpose, row.tier, row.payload)) for row in rows]

    def expire(self) -> int:
        """Erases results whose time is over by the peer's terms, and the sets that they came from.

        Returns:
            How many results were erased.
        """
        over = match_result.c.expires_at_s <= int(self._clock())
        with self._database.read("look for expired matches") as connection:
            if connection.execute(select(match_result.c.id).where(over).limit(1)).first() is None:
                return 0
        with self._database.transaction("erase expired matches") as connection:
            rows = connection.execute(select(match_result).where(over)).all()
            for row in rows:
                here = (
                    received_set.c.area == MATCH,
                    received_set.c.peer == row.peer,
                    received_set.c.purpose == row.purpose,
                    received_set.c.tier == row.tier,
                )
                sets = select(received_set.c.id).where(*here)
                connection.execute(delete(received_part).where(received_part.c.set_id.in_(sets)))
                connection.execute(delete(received_set).where(*here))
                connection.execute(delete(match_result).where(match_result.c.id == row.id))
        return len(rows)

    def _evidence(self, peer: str, purpose: str, tier: str, payload: bytes) -> Evidence:
        opened = self._sealer.open("match_result", "payload", f"{peer}/{purpose}/{tier}", payload)
        suppliers, handles, key_ids, schemes, names = unpack(opened, 5)
        return Evidence(
            Tier(tier),
            np.frombuffer(suppliers, np.uint64),
            np.frombuffer(handles, np.uint64),
            np.frombuffer(key_ids, np.uint64),
            np.frombuffer(schemes, np.uint8),
            tuple(names.decode().split("\n")) if names else (),
        )

    def evidence_digest(self, match: Match) -> bytes:
        """16 bytes that name the keys behind a match, the same in every epoch."""
        return self._sealer.keyed_digest("match-evidence", np.array(match.key_ids, "<u8").tobytes())

    def decide(self, peer: str, match: Match, decision: Decision) -> None:
        """Remembers what a person decided; a later decision replaces an earlier one."""
        evidence = self.evidence_digest(match)
        here = (
            match_decision.c.peer == peer,
            match_decision.c.supplier_no == match.supplier_no,
            match_decision.c.evidence == evidence,
        )
        with self._database.transaction("remember a decision") as connection:
            connection.execute(delete(match_decision).where(*here))
            connection.execute(
                insert(match_decision).values(
                    peer=peer,
                    supplier_no=match.supplier_no,
                    evidence=evidence,
                    decision=decision,
                    decided_at_s=int(self._clock()),
                )
            )

    def decisions(self, peer: str) -> dict[tuple[int, bytes], Decision]:
        """All decisions about a peer, by supplier and evidence digest."""
        query = select(match_decision).where(match_decision.c.peer == peer)
        with self._database.read("load decisions") as connection:
            rows = connection.execute(query).all()
        return {(row.supplier_no, row.evidence): row.decision for row in rows}

    def decided(self, supplier_no: int) -> list[Decided]:
        """All decisions about an own supplier, the oldest first; of one that was replaced the later alone."""
        columns = match_decision.c.peer, match_decision.c.decision, match_decision.c.decided_at_s
        query = select(*columns).where(match_decision.c.supplier_no == supplier_no)
        with self._database.read("load what was decided about a supplier") as connection:
            rows = connection.execute(query.order_by(match_decision.c.decided_at_s, *columns)).all()
        return [Decided(*row) for row in rows]
