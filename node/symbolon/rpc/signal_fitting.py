"""Which labels of signals go under their match keys now: whole ones, and the most pressing first.

A key has a fixed number of slots in a key epoch, one for each chunk, and none is used twice. Handles: which
labels the room under their keys suffices for; which older labels stand until their successors have gone; when
a new epoch, in which all slots are free, would bring what presses and has no room. New signals leave a part
of the slots to recalls, to what is urgent and to revisions of what was given. Refuses nothing.
docs/PROTOCOL.md, Signals.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from symbolon.exchange.id_sets import positions
from symbolon.exchange.limits import SIGNAL_SLOTS

Numbers = npt.NDArray[np.uint64]
Indices = npt.NDArray[np.intp]
Bools = npt.NDArray[np.bool_]

NEW_SIGNAL_SLOTS: Final = 192
"""Slots under a key that signals which are new to the receiver may fill: the rest is for what is said later
of those that it was given. About a hundred signals of one publisher about one supplier."""

_RECALL, _URGENT, _SUCCESSOR, _NEW = range(4)
"""What presses most comes first."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Labels that should stand under keys: parallel columns, each pair of key and signal once.

    Attributes:
        key: index of the key in its table.
        signal: index of the signal.
        chunks: how many slots its label takes.
        form_no: uint64, the label; later ones have higher numbers.
        recalled: whether it is the news of a recall.
        at_once: whether it is told without waiting for the daily batch; all recalls are.
    """

    key: Indices
    signal: Indices
    chunks: npt.NDArray[np.int64]
    form_no: Numbers
    recalled: Bools
    at_once: Bools


@dataclass(frozen=True, slots=True)
class Given:
    """Entries that were released in this epoch, withdrawn ones included: parallel columns.

    Attributes:
        key: index of the key in its table; -1 where it stands there no longer.
        signal: index of the signal; -1 where it does not leave any longer.
        form_no: uint64, the label.
    """

    key: Indices
    signal: Indices
    form_no: Numbers


@dataclass(frozen=True, slots=True)
class Fitting:
    """What becomes of the wanted labels.

    Attributes:
        stands: bool `[wanted]`: released already, or going now.
        goes: bool `[wanted]`: going now.
        kept: bool `[given]`: entries of older labels whose successors have not gone.
        full: labels that wait since the slots under their keys are used up.
        needs_epoch: some of them press, and would have room in a new epoch.
    """

    stands: Bools
    goes: Bools
    kept: Bools
    full: int
    needs_epoch: bool


def fit_labels(wanted: Wanted, given: Given, *, due: bool) -> Fitting:
    """Decides about every wanted label.

    Args:
        wanted: the labels in their newest form.
        given: what was released before.
        due: whether the daily batch is; without it only what is told at once goes.
    """
    width = np.int64(1 + max(int(wanted.signal.max(initial=0)), int(given.signal.max(initial=0))))
    pairs = (wanted.key * width + wanted.signal).astype(np.uint64)
    told = np.where((given.key < 0) | (given.signal < 0), -1, given.key * width + given.signal)
    # A label is given with all its chunks or not at all, so its number under a key says enough.
    newest = _newest_of(told, given.form_no)
    place = positions(pairs, newest.pairs)
    before = place >= 0
    stands = before.copy()
    stands[before] = newest.form_no[place[before]] == wanted.form_no[before]
    order = np.where(before, _SUCCESSOR, _NEW)
    order[wanted.at_once] = _URGENT
    order[wanted.recalled] = _RECALL
    asks = ~stands & (wanted.at_once | due)
    goes = np.zeros(len(pairs), np.bool_)
    if asks.any():
        used = np.bincount(given.key[given.key >= 0], minlength=int(wanted.key.max()) + 1)
        goes[asks] = _fits(wanted, order, asks, used)
    left = asks & ~goes
    presses = left & (order != _NEW)
    needs_epoch = False
    if presses.any():
        afresh = np.where(order == _SUCCESSOR, _NEW, order)
        all_of_it = np.ones(len(pairs), np.bool_)
        free = np.zeros(int(wanted.key.max()) + 1, np.int64)
        needs_epoch = bool((_fits(wanted, afresh, all_of_it, free) & presses).any())
    waits = np.zeros(len(newest.pairs), np.bool_)
    waits[place[before & ~stands & ~goes & ~wanted.recalled]] = True
    at = positions(told.astype(np.uint64), newest.pairs)
    kept = at >= 0
    kept[kept] = waits[at[kept]] & (newest.form_no[at[kept]] == given.form_no[kept])
    return Fitting(stands | goes, goes, kept, int(left.sum()), needs_epoch)


@dataclass(frozen=True, slots=True)
class _Newest:
    """The newest label that was released under each pair; pairs ascending."""

    pairs: Numbers
    form_no: Numbers


def _newest_of(told: Indices, form_no: Numbers) -> _Newest:
    here = np.flatnonzero(told >= 0)
    here = here[np.lexsort((form_no[here], told[here]))]
    last = np.ones(len(here), np.bool_)
    last[:-1] = told[here[1:]] != told[here[:-1]]
    return _Newest(told[here[last]].astype(np.uint64), form_no[here[last]])


def _fits(wanted: Wanted, order: Indices, asks: Bools, used: npt.NDArray[np.int64]) -> Bools:
    """Which of the labels that ask have room, taken in their order and the newest first: bool `[asking]`."""
    key, chunks, rank = wanted.key[asks], wanted.chunks[asks], order[asks]
    # Of one rank the label with the highest number comes first.
    line = np.lexsort((~wanted.form_no[asks], rank, key))
    in_line, ends = key[line], np.cumsum(chunks[line])
    first = np.ones(len(line), np.bool_)
    first[1:] = in_line[1:] != in_line[:-1]
    start = np.where(first, ends - chunks[line], 0)
    ends = ends - np.maximum.accumulate(start) + used[in_line]
    fits = np.zeros(len(line), np.bool_)
    fits[line] = ends <= np.where(rank[line] == _NEW, NEW_SIGNAL_SLOTS, SIGNAL_SLOTS)
    return fits
