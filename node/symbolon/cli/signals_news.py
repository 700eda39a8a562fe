"""What a lookup brought, as `symbolon signals lookup` and `watch` say it: in words, and for programs.

Handles: how many signals went which way; each recall by its id, with its reason and, where the tombstone
says it, the own suppliers that it was about, since whoever acted on the signal has to look at them. Refuses
nothing. Specification: docs/signals.md, Recall, dispute and reply.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from symbolon.cli.recall_shown import listed_ids, recall_words
from symbolon.cli.signals_shown import ID_CHARS
from symbolon.rpc.node import Node
from symbolon.signals.intake import Change, Intake
from symbolon.storage.received_signal_view import Tombstone
from symbolon.suppliers.record import Supplier


def news_lines(node: Node, peer: str, intake: Intake) -> Iterator[str]:
    """Yields what is new since the lookup before.

    Args:
        node: this node; what the lookup brought is stored.
        peer: that was asked.
        intake: what the lookup came to.
    """
    yield from _counted(len(intake.disputed), "signal is disputed now", "signals are disputed now")
    yield from _counted(
        len(intake.replied), "signal has a reply of its supplier", "signals have a reply of their supplier"
    )
    yield from _counted(len(intake.recalls), "signal was recalled", "signals were recalled")
    stones, suppliers = _recalled(node, peer, intake)
    for stone in stones:
        yield f"  {stone.hex_id[:ID_CHARS]}: {recall_words(stone, suppliers)}"
    yield from _counted(len(intake.vanished), "signal is shown no longer", "signals are shown no longer")
    for reason, count in intake.refused.items():
        if count:
            yield f"{count} not taken in: {reason.words}."


def news_json(node: Node, peer: str, intake: Intake) -> dict[str, Any]:
    """The same for programs, by signal id; arguments as for `news_lines`."""
    stones, suppliers = _recalled(node, peer, intake)
    return {
        **{str(each): _hex(intake.ids(each)) for each in Change},
        "disputed": _hex(intake.disputed),
        "replied": _hex(intake.replied),
        "recalled": [
            {
                "signal_id": stone.hex_id,
                "reason": stone.reason.value,
                "suppliers": listed_ids(stone, suppliers),
            }
            for stone in stones
        ],
        "vanished": _hex(intake.vanished),
    }


def _recalled(node: Node, peer: str, intake: Intake) -> tuple[list[Tombstone], dict[int, Supplier]]:
    if not intake.recalls:
        return [], {}
    stones = [each for each in node.received.tombstones(peer) if each.signal_id in intake.recalls]
    return stones, node.suppliers.get_many({number for each in stones for number in each.suppliers})


def _counted(count: int, one: str, many: str) -> Iterator[str]:
    if count:
        yield f"{count} {one if count == 1 else many}."


def _hex(ids: Iterable[bytes]) -> list[str]:
    return sorted(each.hex() for each in ids)
