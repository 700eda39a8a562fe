"""A recalled signal as a person reads it, and as a program does: why, and whom here it was about.

Handles: what a tombstone says. Nothing is left of what the signal said; the own suppliers that it was about
are named where the tombstone notes them, since whoever acted on the signal has to look at them. Refuses
nothing. Specification: docs/signals.md, Recall, dispute and reply.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from symbolon.cli.signals_shown import ID_CHARS
from symbolon.signals.free_text import shown
from symbolon.signals.vocabulary import RecallReason
from symbolon.storage.received_signal_view import Tombstone
from symbolon.suppliers.record import Supplier

UNDO: Final = "undo what rested on it"
"""What a recall as `wrong-subject` asks of whoever acted on the signal."""


def tombstone_line(stone: Tombstone, suppliers: Mapping[int, Supplier]) -> str:
    """A recalled signal in a list; arguments as for `recall_words`."""
    arrived = datetime.fromtimestamp(stone.recalled_at_s, UTC).date()
    return (
        f"{stone.hex_id[:ID_CHARS]}  recalled by {stone.peer} on {stone.issued}, arrived {arrived}:"
        f" {recall_words(stone, suppliers)}"
    )


def recall_words(stone: Tombstone, suppliers: Mapping[int, Supplier]) -> str:
    """Why a signal was recalled and whom of the own suppliers it was about, as far as that is known.

    Args:
        stone: what is left of it.
        suppliers: those of the list that it was about, by number.
    """
    words = stone.reason.words
    listed = [_named(suppliers[each]) for each in stone.suppliers if each in suppliers]
    if listed:
        words += f"; it stood here under {', '.join(listed)}"
    elif stone.suppliers:
        words += "; it stood here under a supplier that is no longer in the list"
    return f"{words}; {UNDO}" if stone.reason is RecallReason.WRONG_SUBJECT else words


def tombstone_json(stone: Tombstone, suppliers: Mapping[int, Supplier]) -> dict[str, Any]:
    """A recalled signal for programs; arguments as for `recall_words`."""
    return {
        "signal_id": stone.hex_id,
        "publisher": stone.peer,
        "revision": stone.revision,
        "reason": stone.reason.value,
        "recalled": stone.issued.isoformat(),
        "arrived": datetime.fromtimestamp(stone.recalled_at_s, UTC).isoformat(),
        "suppliers": listed_ids(stone, suppliers),
    }


def listed_ids(stone: Tombstone, suppliers: Mapping[int, Supplier]) -> list[str]:
    """Ids of the own suppliers that a signal was about, of those that are in the list."""
    return [suppliers[each].supplier_id for each in stone.suppliers if each in suppliers]


def _named(record: Supplier) -> str:
    return f"{shown(record.supplier_id, one_line=True)} {shown(record.name, one_line=True)}"
