"""What changes a signal that is held: a further revision, the note on its source, who says the same.

A revision, the facts that follow from it, the end of the labels made before it, the news that it is told at
once, and its entry of the log are one transaction; a signal that another member publishes has none of these
but its revision and its entry. Refuses: a revision that is not the next one of what is
held, so that of two who change a signal at once the second is told; to erase what has to be kept by law.
"""

from dataclasses import dataclass, field
from datetime import date
from typing import Literal

import numpy as np
from sqlalchemy import Connection, delete, insert, select, update

from symbolon.audit.entry import Entry
from symbolon.errors import SignalError
from symbolon.exchange.messages import SIGNAL
from symbolon.signals.draft import MAX_SOURCE_CHARS
from symbolon.signals.facts import Audience, facts_row, facts_table, numbered_day
from symbolon.signals.record_codec import encode_signal
from symbolon.signals.released import MAX_CONTRIBUTORS_SHOWN
from symbolon.signals.revisions import check_follows
from symbolon.signals.signal import Signal
from symbolon.signals.vocabulary import RecallReason, ShownAs, State
from symbolon.storage.delegation_columns import is_delegated
from symbolon.storage.disclosure_store import peers_given
from symbolon.storage.key_epochs import erase_epochs_of
from symbolon.storage.seal import Sealer
from symbolon.storage.signal_columns import revision_values, seal_source, state_values
from symbolon.storage.signal_expiry import is_held
from symbolon.storage.signal_facts import Rows, facts_of, number_audiences, put_facts
from symbolon.storage.signal_forms import drop_forms
from symbolon.storage.signal_intake import require_signature
from symbolon.storage.signal_lookup import number_of, read_signal, require_number
from symbolon.storage.signal_news import is_told_at_once, note_news
from symbolon.storage.signal_schema import signal as signal_table
from symbolon.storage.signal_schema import signal_revision, signal_source
from symbolon.storage.signal_writer import Writer

Change = Literal["revised", "recalled", "disputed", "settled", "replied"]
"""What happened to a signal, as the log has it."""


@dataclass(frozen=True, slots=True)
class Revision:
    """A further revision of a signal.

    Attributes:
        signal: what it says now.
        signature: this member's, 64 bytes; see `NewSignal`.
        change: what happened.
        content: digest of what an import says, from `SignalStore.content_of`; None where none brought it.
        forget_source: whether the note on its source is erased.
    """

    signal: Signal
    signature: bytes = field(repr=False)
    change: Change
    content: bytes | None = field(default=None, repr=False)
    forget_source: bool = False


def add_revision(connection: Connection, writer: Writer, revision: Revision, today: date) -> int:
    """Makes a revision the newest one.

    Returns:
        The number of the signal.

    Raises:
        SignalError: `signal.unknown`, `signal.expired`, `signal.held`, `signal.value`; `signal.order`,
            `signal.recalled`, `signal.subject` as `check_follows` has them.
    """
    new = revision.signal
    require_signature(revision.signature)
    if (revision.change == "recalled") != (new.state is State.RECALLED):
        raise SignalError("a tombstone is noted as recalled, and nothing else is", code="signal.value")
    number = number_of(connection, new.hex_id)
    held = read_signal(connection, writer.sealer, number).signal
    _require_next(held, new, today)
    now_s = int(writer.clock())
    signed = revision.signature + encode_signal(new)
    row = revision_values(writer, number, new.revision, signed, now_s)
    connection.execute(insert(signal_revision).values(row))
    values = {**state_values(new), "changed_at_s": now_s}
    if revision.content is not None:
        values["content_digest"] = revision.content
    connection.execute(update(signal_table).where(signal_table.c.number == number).values(values))
    if not is_delegated(connection, number):
        _spread(connection, writer.sealer, number, new, today)
    if revision.forget_source:
        set_source(connection, writer.sealer, number, "", today)
    counts = {"revision": new.revision}
    writer.audit.append_in(
        connection, Entry("contributed", "", new.hex_id, counts=counts, note=revision.change)
    )
    return number


def _spread(connection: Connection, sealer: Sealer, number: int, new: Signal, today: date) -> None:
    """What lets others have a revision: facts, no labels of the one before, and the news."""
    _put_facts(connection, sealer, number, new)
    drop_forms(connection, [number])
    if new.recall_reason is RecallReason.WITHDRAWN:
        # Somebody may be in danger: nobody shall open what was sent for a supplier that is asked about later.
        erase_epochs_of(connection, peers_given(connection, sealer, number), SIGNAL)
    if is_told_at_once(new, today):
        note_news(connection)


def _require_next(held: Signal, new: Signal, today: date) -> None:
    if held.is_expired(today) or new.is_expired(today):
        raise SignalError(
            "the signal's time is over; nothing of it can change any more",
            hint="Add a new signal if there is something to say.",
            code="signal.expired",
        )
    if held.state is State.ACTIVE and new.revision != held.revision + 1:
        raise SignalError(
            f"the signal is at revision {held.revision}, which revision {new.revision} does not follow",
            hint="Somebody may have changed it meanwhile: look at it, then do it again.",
            code="signal.order",
        )
    check_follows(held, new)


def _put_facts(connection: Connection, sealer: Sealer, number: int, new: Signal) -> None:
    before = facts_of(connection, sealer, number)
    audience = Audience(new.purposes, new.recipients)
    row = facts_row(
        new,
        first_issued=numbered_day(before["first_issued"]),
        audience=number_audiences(connection, sealer, [audience])[audience],
        contributors=int(before["contributors"]),
        shown_as=int(before["shown_as"]),
    )
    _put_row(connection, sealer, number, facts_table(row))


def _put_row(connection: Connection, sealer: Sealer, number: int, row: Rows) -> None:
    put_facts(connection, sealer, np.array([number], np.uint64), row)


def set_contributors(connection: Connection, sealer: Sealer, number: int, contributors: int) -> None:
    """Notes how many independent members say the same; labels that say otherwise are erased.

    Raises:
        SignalError: `signal.unknown`, `signal.expired`, `signal.value`.
    """
    if contributors < 1:
        raise SignalError("a signal has one contributor at least", code="signal.value")
    require_number(connection, number)
    row = facts_table(facts_of(connection, sealer, number).tobytes()).copy()
    row["contributors"] = min(contributors, MAX_CONTRIBUTORS_SHOWN)
    _put_row(connection, sealer, number, row)
    drop_forms(connection, [number])


def set_shown_as(connection: Connection, sealer: Sealer, number: int, shown_as: ShownAs) -> None:
    """Notes by what a signal names its contributor; labels that say otherwise are erased.

    What was told already goes by its revision: whoever calls this makes another one.

    Raises:
        SignalError: `signal.unknown`, `signal.expired`.
    """
    require_number(connection, number)
    row = facts_table(facts_of(connection, sealer, number).tobytes()).copy()
    row["shown_as"] = shown_as.number
    _put_row(connection, sealer, number, row)
    drop_forms(connection, [number])


def set_source(connection: Connection, sealer: Sealer, number: int, note: str, today: date) -> None:
    """Keeps a note on whom a signal was learnt from, in the place of the one that is there.

    Args:
        connection: of the caller's transaction.
        sealer: of the database.
        number: of the signal.
        note: '' for none.
        today: by this node's clock.

    Raises:
        SignalError: `signal.unknown`, `signal.expired`, `signal.value`; `signal.held`, the note that is there
            has to be kept.
    """
    if len(note) > MAX_SOURCE_CHARS:
        raise SignalError(
            f"the note on the source has more than {MAX_SOURCE_CHARS} characters",
            hint="Shorten it.",
            code="signal.value",
        )
    require_number(connection, number)
    here = signal_source.c.number == number
    if connection.execute(select(signal_source.c.number).where(here)).first() is not None:
        if is_held(connection, number, today):
            raise SignalError(
                "the note on the source has to be kept: the signal is on hold",
                hint="`symbolon signals list` shows who holds it, and until when.",
                code="signal.held",
            )
        connection.execute(delete(signal_source).where(here))
    if note:
        sealed = seal_source(sealer, number, note)
        connection.execute(insert(signal_source).values(number=number, note=sealed))
