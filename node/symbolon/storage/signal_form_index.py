"""Which labels there are of each form, kept in memory between the sessions of a process.

Every lookup asks for it, and of a million labels it takes seconds to read. Handles: reading what came since
the last time, or all of it once labels were erased, which the database counts. Refuses nothing.
"""

from itertools import chain
from typing import Final, NamedTuple

import numpy as np
from sqlalchemy import Connection, func, select

from symbolon.signals.bundle import CHUNK_BYTES
from symbolon.storage.seal import OVERHEAD_BYTES
from symbolon.storage.signal_counter import Standing, forms_standing
from symbolon.storage.signal_forms import FormIndex, Numbers
from symbolon.storage.signal_schema import signal_form

MAX_LABELS: Final = 4_000_000
"""Kept in memory, 24 bytes each; beyond it the forms asked for longest ago are read anew."""


class _Held(NamedTuple):
    standing: Standing
    labels: FormIndex


class FormIndexes:
    """The indices of one database. Safe to ask from several threads."""

    def __init__(self) -> None:
        self._held: dict[bytes, _Held] = {}

    def read(self, connection: Connection, form: bytes) -> FormIndex:
        """The labels in one form.

        Args:
            connection: of one snapshot.
            form: names it.
        """
        now = forms_standing(connection)
        held = self._held.pop(form, None)
        # What another thread read of a later snapshot is of no use in this one.
        if held is None or held.standing.erased != now.erased or held.standing.last > now.last:
            index = read_index(connection, form)
        elif held.standing.last == now.last:
            index = held.labels
        else:
            index = _joined(held.labels, read_index(connection, form, after=held.standing.last))
        self._held[form] = _Held(now, index)
        self._make_room()
        return index

    def _make_room(self) -> None:
        held = list(self._held.items())
        labels = sum(len(each.labels.numbers) for _, each in held)
        for form, each in held[:-1]:
            if labels <= MAX_LABELS:
                return
            labels -= len(each.labels.numbers)
            self._held.pop(form, None)


def read_index(connection: Connection, form: bytes, *, after: int = 0) -> FormIndex:
    """Which labels there are in one form, and how long they are; nothing is opened.

    Args:
        connection: of one snapshot.
        form: names it.
        after: a number of a label; only those with higher ones are read.
    """
    columns = signal_form.c.number, signal_form.c.form_no, func.length(signal_form.c.chunks)
    query = select(*columns).where(signal_form.c.form == form, signal_form.c.chunks.is_not(None))
    if after:
        query = query.where(signal_form.c.form_no > after)
    rows = connection.execute(query)
    # In one go: numpy takes ten times as long to read row by row.
    table = np.fromiter(chain.from_iterable(rows), np.int64).reshape(-1, 3)
    table = table[np.argsort(table[:, 0], kind="stable")]
    sizes = (table[:, 2] - OVERHEAD_BYTES) // CHUNK_BYTES
    return FormIndex(table[:, 0].astype(np.uint64), table[:, 1].astype(np.uint64), sizes)


def _joined(held: FormIndex, new: FormIndex) -> FormIndex:
    if not len(new.numbers):
        return held
    numbers: Numbers = np.concatenate([held.numbers, new.numbers])
    order = np.argsort(numbers, kind="stable")
    form_no = np.concatenate([held.form_no, new.form_no])[order]
    return FormIndex(numbers[order], form_no, np.concatenate([held.chunks, new.chunks])[order])
