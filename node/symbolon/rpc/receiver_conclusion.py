"""What a session of labels comes to: suppliers that both hold, or signals about own suppliers."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from symbolon.exchange.key_table import KeyTable
from symbolon.exchange.receiver_set import Hits
from symbolon.matching.evidence import Evidence, count_by_band, evidence
from symbolon.policy.enforcement import Terms
from symbolon.rpc.node import Node
from symbolon.rpc.receiver_session import Ask
from symbolon.signals.intake import Intake
from symbolon.storage.database import Transaction


@dataclass(frozen=True, slots=True)
class TierHits:
    """The entries of one tier that own keys open now.

    Attributes:
        table: the keys.
        last_delta: the highest delta that is held by now.
    """

    table: KeyTable
    hits: Hits
    last_delta: int


@dataclass(frozen=True, slots=True)
class Conclusion:
    """What to store and to tell.

    Attributes:
        counts: numbers by name, for the figures.
        learned: what this node learned, in words.
        evidence: of a match, by tier.
        intake: of a lookup.
        store: writes it, inside the transaction of the session, under the peer's terms.
    """

    counts: Mapping[str, int]
    learned: str
    evidence: list[Evidence]
    intake: Intake | None
    store: Callable[[Transaction, Terms], None]


def conclude_match(node: Node, ask: Ask, epoch: int, standing: Mapping[str, TierHits]) -> Conclusion:
    """Of `intersection` mode: which own suppliers the peer has too.

    Args:
        node: this node.
        ask: what was asked.
        epoch: the peer's.
        standing: by tier.
    """
    found = [evidence(each.hits, each.table) for each in standing.values()]
    by_band = count_by_band(found)
    words = ", ".join(f"{count} {band}" for band, count in by_band.items())

    def store(connection: Transaction, terms: Terms) -> None:
        node.matches.save(connection, ask.peer, ask.purpose, found, retain_days=terms.retain_days)

    return Conclusion(by_band, f"which own suppliers it has too ({words})", found, None, store)
