"""Signals as labels: what a peer may be told about its own suppliers.

Handles: the signals that leave for the peer, in the form that policy gives them, laid under their match keys
chunk by chunk; which of them go now and which wait for the daily batch; what the audit log says of it; which
recalls the peer has by them once it has signed for the session. Where
a signal that was released may no longer be shown, or less of it, the key epoch ends: under its key a receiver
could still open what it was sent. Refuses nothing by itself. docs/PROTOCOL.md, Signals.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final, NoReturn

import numpy as np
import numpy.typing as npt

from symbolon.audit.entry import Entry
from symbolon.errors import StaleEpochError, UnavailableError
from symbolon.exchange.id_sets import among, distinct, positions, spans
from symbolon.exchange.key_table import KeyTable
from symbolon.exchange.labels import SIGNAL_CHUNKS
from symbolon.exchange.sender_set import DeltaPlan, LiveKeys
from symbolon.rpc.sender_labels import Labels, Offered, additions_due
from symbolon.rpc.sender_session import SenderSession
from symbolon.rpc.signal_choice import Choice, choose_signals, form_digest
from symbolon.rpc.signal_fitting import Given, Wanted, fit_labels
from symbolon.rpc.signal_labels import labels_of
from symbolon.signals.bundle import CHUNK_BYTES
from symbolon.storage.database import Transaction
from symbolon.storage.exchange_sender_store import SetState
from symbolon.storage.signal_facts import SignalTable

log = logging.getLogger(__name__)

Numbers = npt.NDArray[np.uint64]

CHUNK_BITS: Final = 6
"""An entry is about one chunk of one label: its id is the number of the label, then that of the chunk."""

_CHUNK_MASK: Final = np.uint64((1 << CHUNK_BITS) - 1)


@dataclass(frozen=True, slots=True)
class _Items:
    """The labels of everything that leaves.

    Attributes:
        form_no: uint64 `[signals]`, as in the choice.
        chunks: int64 `[signals]`, how many each has.
        sorted_forms: uint64 `[signals]`, the numbers of labels ascending.
        signal: int64 `[signals]`: index into the choice of each of these.
    """

    form_no: Numbers
    chunks: npt.NDArray[np.int64]
    sorted_forms: Numbers
    signal: npt.NDArray[np.intp]


class SignalSource:
    """See `LabelSource`.

    Args:
        session: of `lookup` mode.
    """

    kind = SIGNAL_CHUNKS

    def __init__(self, session: SenderSession) -> None:
        self._session = session
        node, peer = session.node, session.peer
        self._table: SignalTable = node.signals.facts(node.now.date())
        disclosed = node.disclosures.numbers(peer)
        self._choice: Choice = choose_signals(
            node, peer, session.hello.purpose, session.grant.obligations, self._table, disclosed
        )
        self._digests = [form_digest(shape) for shape in self._choice.shapes]
        self._items = self._make_items()
        self._told: dict[str, Numbers] = {}
        chunks = np.maximum(self._table.rows["chunks"].astype(np.int64), 1)
        self._whole_chunks: Mapping[str, int] = {
            tier: int(chunks[_places(self._table.numbers, table.link_supplier)].sum())
            for tier, table in session.keys.tables.items()
        }

    def whole(self, tier: str) -> int:
        """See `LabelSource.whole`."""
        return self._whole_chunks[tier]

    def offered(self, tier: str, state: SetState) -> Offered:
        """See `LabelSource.offered`."""
        session, node = self._session, self._session.node
        table, choice, items = session.keys.tables[tier], self._choice, self._items
        interval_s = node.config.exchange.additions_interval_s
        due = additions_due(
            state.last_added_s, session.keys.rules_since_s, now_s=node.clock(), interval_s=interval_s
        )
        signals = positions(table.link_supplier, choice.numbers)
        here = np.flatnonzero(signals >= 0)
        signals = signals[here]
        wanted = Wanted(
            table.link_key[here],
            signals,
            items.chunks[signals],
            items.form_no[signals],
            choice.permit[signals] < 0,
            choice.at_once[signals],
        )
        given = self._given(table, state)
        fitting = fit_labels(wanted, given, due=due)
        if fitting.needs_epoch:
            self._end_epoch("what has to be told finds no room under a key any more")
        stands = fitting.stands
        # Whoever has all that is offered under the keys of this tier knows of these by then; of a recall that
        # has no key of the tier any more, every label is withdrawn.
        told = choice.permit < 0
        told[signals[~stands]] = False
        self._told[tier] = choice.numbers[told]
        keys = np.repeat(wanted.key[stands], wanted.chunks[stands])
        ids = _spread(wanted.form_no[stands], wanted.chunks[stands])
        keys = np.concatenate([keys, given.key[fitting.kept]])
        ids = np.concatenate([ids, state.released.suppliers[fitting.kept]])
        order = np.lexsort((ids, keys))
        offered = replace(table, link_key=keys[order], link_supplier=ids[order])
        every = np.ones(len(keys), np.bool_)
        live = LiveKeys(distinct(offered.link_key), every, 0, self.whole(tier))
        waiting = int((~stands).sum()) - fitting.full
        adds = due or bool(fitting.goes.any())
        return Offered(offered, live, adds, batch=due, full=fitting.full, waiting=waiting)

    def labels(self, tier: str, plan: DeltaPlan) -> Labels:
        """See `LabelSource.labels`."""
        session, items, choice = self._session, self._items, self._choice
        forms, chunks = plan.suppliers >> np.uint64(CHUNK_BITS), plan.suppliers & _CHUNK_MASK
        added = np.unique(items.signal[_places(items.sorted_forms, forms)])
        rows = _rows(session, forms, chunks)
        decided = choice.permit[added]
        by_permit = np.bincount(decided[decided >= 0], minlength=len(choice.permits))

        def record(connection: Transaction) -> None:
            node, hello, peer = session.node, session.hello, session.peer
            node.disclosures.add(connection, peer, choice.numbers[added])
            given = choice.numbers[added[decided >= 0]]
            node.disclosures.note_given(connection, peer, tier, given, node.clock())
            entries = [
                Entry(
                    "permitted",
                    peer,
                    hello.session_id.hex(),
                    hello.mode,
                    hello.purpose,
                    {"signals": int(by_permit[number])},
                    f"tier {tier}",
                    decision=choice.permits[number](),
                )
                for number in np.flatnonzero(by_permit).tolist()
            ]
            node.audit.append_in(connection, *entries)

        return Labels(rows, record)

    def acknowledged(self, connection: Transaction) -> None:
        """See `LabelSource.acknowledged`: the recalls that were offered, by tier."""
        session = self._session
        for tier, numbers in self._told.items():
            session.node.disclosures.note_told(connection, session.peer, tier, numbers)

    def _make_items(self) -> _Items:
        node, choice = self._session.node, self._choice
        count = len(choice.numbers)
        form_no, chunks = np.zeros(count, np.uint64), np.zeros(count, np.int64)
        for number, digest in enumerate(self._digests):
            places = np.flatnonzero(choice.form == number)
            voices = choice.rows["contributors"][places]
            index = labels_of(node, digest, choice.shapes[number], choice.numbers[places], voices)
            form_no[places], chunks[places] = index.form_no, index.chunks
        order = np.argsort(form_no)
        return _Items(form_no, chunks, form_no[order], order)

    def _given(self, table: KeyTable, state: SetState) -> Given:
        """What was released in this epoch.

        Raises:
            StaleEpochError: something of it may be shown no longer, or only less of it.
        """
        released, choice, items = state.released, self._choice, self._items
        forms = released.suppliers >> np.uint64(CHUNK_BITS)
        each = distinct(forms)
        signal = np.full(len(each), -1, np.int64)
        place = positions(each, items.sorted_forms)
        signal[place >= 0] = items.signal[place[place >= 0]]
        # Most are the labels of now; of those before them it has to be looked up what they were.
        older = np.flatnonzero(place < 0)
        owners = self._session.node.signals.form_owners(each[older])
        leaves = among(owners.numbers, choice.numbers, is_sorted=True)
        signal[older[leaves]] = _places(choice.numbers, owners.numbers[leaves])
        stands = among(owners.numbers, choice.standing, is_sorted=True)
        shown = np.array(self._digests, owners.digests.dtype)[choice.form[signal[older[stands & leaves]]]]
        if (stands & ~leaves).any() or (shown != owners.digests[stands & leaves]).any():
            self._end_epoch("the receiver may be shown less than before")
        return Given(positions(released.key_ids, table.key_ids), signal[positions(forms, each)], forms)

    def _end_epoch(self, why: str) -> NoReturn:
        self._session.node.sending.end_epoch(self._session.epoch)
        log.info("the key epoch of %s ends: %s", self._session.peer, why)
        raise StaleEpochError(f"{why}; the key epoch was erased")


def _rows(session: SenderSession, forms: Numbers, chunks: Numbers) -> npt.NDArray[np.uint8]:
    """Some chunks of some labels: uint8 `[n, 128]`."""
    labels = session.node.signals.labels(distinct(forms))
    try:
        parts = [
            labels[form][chunk * CHUNK_BYTES : (chunk + 1) * CHUNK_BYTES]
            for form, chunk in zip(forms.tolist(), chunks.tolist(), strict=True)
        ]
    except KeyError:
        raise UnavailableError("a signal changed while its label was read", hint="Try again.") from None
    return np.frombuffer(b"".join(parts), np.uint8).reshape(-1, CHUNK_BYTES)


def _places(sorted_values: Numbers, values: Numbers) -> npt.NDArray[np.intp]:
    """Where values stand among sorted ones that hold them all.

    Raises:
        UnavailableError: one is missing: signals were added while the session began.
    """
    places = positions(values, sorted_values)
    if (places < 0).any():
        raise UnavailableError("the signals changed while the session began", hint="Try again.")
    return places


def _spread(form_no: Numbers, chunks: npt.NDArray[np.int64]) -> Numbers:
    """The ids of all chunks of some forms, in their order."""
    within = spans(np.zeros_like(chunks), chunks)
    base = np.repeat(form_no << np.uint64(CHUNK_BITS), chunks)
    return base + within.astype(np.uint64)
