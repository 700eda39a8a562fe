"""Labels of signals as they leave, kept by the form they were given: made once for all who get the same.

A label is of the newest revision alone: `drop_forms` is called with whatever changes a signal. Sets that were
released refer to labels by their numbers, which are never given to others; so of a label that is erased it
stays known which signal it was of, and in what form, until the signal expires. Refuses to keep a label of an
older revision.
"""

from collections.abc import Collection, Sequence
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
from sqlalchemy import Connection, delete, insert, null, select, update

from symbolon.storage.seal import Sealer
from symbolon.storage.signal_columns import pieces
from symbolon.storage.signal_counter import note_forms_erased, take_numbers
from symbolon.storage.signal_schema import signal, signal_form
from symbolon.storage.supplier_store import QUERY_VALUES

Numbers = npt.NDArray[np.uint64]

FORM_BYTES: Final = 16
"""Length of what names a form."""


class Form(NamedTuple):
    """The label of one signal in one form.

    Attributes:
        form_no: its number, never given to another one.
        revision: of the signal.
        chunks: those of `signals.bundle`, one after the other.
    """

    form_no: int
    revision: int
    chunks: bytes


class FormIndex(NamedTuple):
    """The labels of signals in one form, without what they say; ascending by signal.

    Attributes:
        numbers: uint64 `[labels]`, of the signals.
        form_no: uint64 `[labels]`, of the labels.
        chunks: int64 `[labels]`, how many each has.
    """

    numbers: Numbers
    form_no: Numbers
    chunks: npt.NDArray[np.int64]


class FormOwners(NamedTuple):
    """Whose some labels are or were, in the order asked for.

    Attributes:
        numbers: uint64 `[labels]`, of the signals; 0, which is no signal's, where nothing is known any more.
        digests: `S16` `[labels]`, what names the form; empty where nothing is known.
    """

    numbers: Numbers
    digests: npt.NDArray[np.bytes_]


class NewForm(NamedTuple):
    """A label that was made; fields as in `Form`."""

    number: int
    revision: int
    chunks: bytes


def read_forms(
    connection: Connection, sealer: Sealer, form: bytes, numbers: Collection[int]
) -> dict[int, Form]:
    """The labels of some signals in one form, by number; those that are not kept are left out."""
    columns = signal_form.c.number, signal_form.c.form_no, signal_form.c.revision, signal_form.c.chunks
    query = select(*columns).where(signal_form.c.form == form, signal_form.c.chunks.is_not(None))
    wanted = numbers if isinstance(numbers, (set, frozenset)) else frozenset(numbers)
    if len(wanted) <= QUERY_VALUES:
        query = query.where(signal_form.c.number.in_(wanted))
    opened = sealer.open
    found = {}
    for number, form_no, revision, chunks in connection.execute(query):
        if number in wanted:
            found[number] = Form(form_no, revision, opened("signal_form", "chunks", form_no, chunks))
    return found


def read_labels(connection: Connection, sealer: Sealer, form_nos: Numbers) -> dict[int, bytes]:
    """Labels by their numbers; those that are erased are left out."""
    query = select(signal_form.c.form_no, signal_form.c.chunks).where(signal_form.c.chunks.is_not(None))
    found = {}
    for some in pieces(form_nos.tolist()):
        for form_no, chunks in connection.execute(query.where(signal_form.c.form_no.in_(some))):
            found[form_no] = sealer.open("signal_form", "chunks", form_no, chunks)
    return found


def write_forms(
    connection: Connection, sealer: Sealer, form: bytes, made: Sequence[NewForm]
) -> dict[int, int]:
    """Keeps labels of one form.

    Args:
        connection: of the caller's transaction.
        sealer: of the database.
        form: names it.
        made: each signal once.

    Returns:
        Number of the signal to number of the form. One that somebody else has kept meanwhile stays, and one
        whose signal has changed meanwhile is left out.
    """
    revisions: dict[int, int] = {}
    held: dict[int, int] = {}
    for some in pieces([each.number for each in made]):
        newest = select(signal.c.number, signal.c.revision)
        there = signal.c.number.in_(some), signal.c.state != "expired"
        revisions.update((row[0], row[1]) for row in connection.execute(newest.where(*there)))
        kept = select(signal_form.c.number, signal_form.c.form_no)
        same = signal_form.c.form == form, signal_form.c.number.in_(some), signal_form.c.chunks.is_not(None)
        held.update((row[0], row[1]) for row in connection.execute(kept.where(*same)))
    valid = [each for each in made if revisions.get(each.number) == each.revision]
    given = {each.number: held[each.number] for each in valid if each.number in held}
    fresh = [each for each in valid if each.number not in held]
    if fresh:
        values = []
        for form_no, each in enumerate(fresh, take_numbers(connection, "last_form", len(fresh))):
            given[each.number] = form_no
            values.append(
                {
                    "form_no": form_no,
                    "form": form,
                    "number": each.number,
                    "revision": each.revision,
                    "chunks": sealer.seal("signal_form", "chunks", form_no, each.chunks),
                }
            )
        connection.execute(insert(signal_form), values)
    return given


def read_owners(connection: Connection, forms: Numbers) -> FormOwners:
    """What labels were of which signals; see `FormOwners`.

    Args:
        connection: of one snapshot.
        forms: uint64 `[labels]`, ascending.
    """
    numbers, digests = np.zeros(len(forms), np.uint64), np.zeros(len(forms), f"S{FORM_BYTES}")
    if not len(forms):
        return FormOwners(numbers, digests)
    column = signal_form.c.form_no
    query = select(column, signal_form.c.number, signal_form.c.form).order_by(column)
    if len(forms) <= QUERY_VALUES:
        query = query.where(column.in_(forms.tolist()))
    else:
        query = query.where(column.between(int(forms[0]), int(forms[-1])))
    rows = connection.execute(query).all()
    held = np.fromiter((row[0] for row in rows), np.uint64, len(rows))
    wanted = np.isin(held, forms)
    places = np.searchsorted(forms, held[wanted])
    numbers[places] = np.fromiter((row[1] for row in rows), np.uint64, len(rows))[wanted]
    digests[places] = np.array([row[2] for row in rows], digests.dtype)[wanted]
    return FormOwners(numbers, digests)


def drop_forms(connection: Connection, numbers: Sequence[int]) -> None:
    """Erases the labels of some signals; whose they were is kept."""
    erased = 0
    for some in pieces(numbers):
        here = signal_form.c.number.in_(some), signal_form.c.chunks.is_not(None)
        erased += connection.execute(update(signal_form).where(*here).values(chunks=null())).rowcount
    if erased:
        note_forms_erased(connection)


def drop_other_forms(connection: Connection, keep: Collection[bytes]) -> int:
    """Erases the labels of all forms but some; returns how many."""
    here = signal_form.c.form.not_in(keep), signal_form.c.chunks.is_not(None)
    erased = connection.execute(update(signal_form).where(*here).values(chunks=null())).rowcount
    if erased:
        note_forms_erased(connection)
    return erased


def forget_forms(connection: Connection, numbers: Sequence[int]) -> None:
    """Erases all that is known of the labels of some signals."""
    for some in pieces(numbers):
        connection.execute(delete(signal_form).where(signal_form.c.number.in_(some)))
    note_forms_erased(connection)
