"""Size mode: how many records are shared, and nothing about which.

One fresh key and one fresh blind a session, never a delta. A record sends exactly `group` elements; a key
that several records share is asked for the first of them only, so that elements stay distinct. The sender
shuffles; the receiver counts groups with a hit. A malicious receiver can undo the shuffle, so this mode is
permitted and debited like `intersection` (docs/THREAT_MODEL.md). docs/PROTOCOL.md, Size mode.
"""

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import numpy.typing as npt

from symbolon.errors import LocalProtocolError, RemoteProtocolError
from symbolon.exchange.chunks import Inbound, Preparation
from symbolon.exchange.key_table import KeyTable
from symbolon.exchange.limits import CHUNK_ELEMENTS, SIZE_STEP, SIZE_TOKEN_BYTES
from symbolon.exchange.messages import (
    Accept,
    Elements,
    Entries,
    Evaluated,
    Failure,
    Finish,
    Hello,
    SenderMessage,
    Working,
)
from symbolon.exchange.padding import padded_count, padded_parts
from symbolon.exchange.receiver import State
from symbolon.exchange.receiver_set import find_tags
from symbolon.exchange.rules_agreement import Agreement, compare
from symbolon.exchange.sender_set import live_keys, shuffled, tag_prefixes
from symbolon.oprf.sha512 import sha512
from symbolon.oprf.suite import Suite


def distinct_points(
    tables: Sequence[KeyTable], suite: Suite, permitted: npt.NDArray[np.uint64] | None = None
) -> npt.NDArray[np.uint8]:
    """uint8 `[keys, 32]`: the points of all keys that at most `SLOTS` records share.

    Args:
        tables: the tiers asked together.
        suite: of the session.
        permitted: numbers of the records that a peer may count; None for all.
    """
    live = [live_keys(table) for table in tables]
    if permitted is not None:
        live = [each.only(table, permitted) for each, table in zip(live, tables, strict=True)]
    parts = [table.points_for(suite, each.keys) for table, each in zip(tables, live, strict=True)]
    return np.frombuffer(b"".join(parts), np.uint8).reshape(-1, suite.element_bytes)


def record_groups(tables: Sequence[KeyTable], group: int) -> npt.NDArray[np.int64]:
    """Assigns keys to records, at most `group` each, every key once.

    Args:
        tables: the tiers asked together, strongest first.
        group: elements of a record; its further keys are left out.

    Returns:
        int64 `[records, group]`: index into `distinct_points(tables)`, -1 where a dummy goes.
    """
    suppliers, index, base = [], [], 0
    for table in tables:
        live = live_keys(table).links
        keys, first = np.unique(table.link_key[live], return_index=True)
        suppliers.append(table.link_supplier[live][first])
        index.append(base + np.arange(len(keys)))
        base += len(keys)
    owners, keys = np.concatenate(suppliers), np.concatenate(index)
    everyone = np.unique(np.concatenate([table.link_supplier for table in tables]))
    order = np.argsort(owners, kind="stable")
    owners, keys = owners[order], keys[order]
    row = np.searchsorted(everyone, owners)
    first = np.flatnonzero(np.diff(row, prepend=-1))
    column = np.arange(len(row)) - np.repeat(first, np.diff(first, append=len(row)))
    fits = column < group
    groups = np.full((len(everyone), group), -1, np.int64)
    groups[row[fits], column[fits]] = keys[fits]
    return groups


def tokens(unblinded: bytes, element_bytes: int) -> npt.NDArray[np.uint8]:
    """uint8 `[n, 16]`: the first bytes of SHA-512("Size" ‖ N) of every N."""
    cut = range(0, len(unblinded), element_bytes)
    digests = [sha512(b"Size" + unblinded[at : at + element_bytes]).digest()[:SIZE_TOKEN_BYTES] for at in cut]
    return np.frombuffer(b"".join(digests), np.uint8).reshape(-1, SIZE_TOKEN_BYTES)


def sender_tokens(
    suite: Suite,
    secret_key: bytes,
    points: npt.NDArray[np.uint8],
    declared: int,
    rng: Callable[[int], bytes],
    made: Callable[[int], None] = lambda _: None,
) -> bytes:
    """The sender's set: its tokens and random ones up to `declared`, sorted.

    Args:
        suite: the session's suite.
        secret_key: k of this session.
        points: uint8 `[keys, 32]`, from `distinct_points`.
        declared: tokens of the set.
        rng: random bytes, for the random tokens.
        made: told how many of the tokens are done, as the receiver may know it.
    """
    parts = []
    for start, end, done in padded_parts(len(points), declared):
        unblinded = suite.multiply(secret_key, points[start:end].tobytes())
        parts.append(tokens(unblinded, suite.element_bytes))
        made(done)
    dummies = rng((declared - len(points)) * SIZE_TOKEN_BYTES)
    parts.append(np.frombuffer(dummies, np.uint8).reshape(-1, SIZE_TOKEN_BYTES))
    rows = np.concatenate(parts)
    return rows[np.lexsort(rows.T[::-1])].tobytes()


def shown(count: int) -> str:
    """A count as people see it: rounded down to tens, so that one record more or less rarely shows."""
    return f"at least {count - count % SIZE_STEP}" if count >= SIZE_STEP else f"fewer than {SIZE_STEP}"


def declared_elements(records: int, group: int) -> int:
    """Elements of a size session: whole groups, the number of records padded to its class."""
    return padded_count(records) * group


class SizeReceiver:
    """One size session as receiver; used like `receiver.Receiver`.

    Args:
        hello: mode `size`, one ask for `declared_elements` elements.
        points: uint8 `[keys, 32]`, from `distinct_points`.
        groups: int64 `[records, group]`, from `record_groups`.
        suite: the suite named in the hello.
        rng: uniformly random bytes.
    """

    def __init__(
        self,
        hello: Hello,
        points: npt.NDArray[np.uint8],
        groups: npt.NDArray[np.int64],
        suite: Suite,
        rng: Callable[[int], bytes],
    ) -> None:
        ask = hello.tiers[0]
        if ask.elements != declared_elements(len(groups), hello.group_size):
            raise LocalProtocolError("hello and groups differ")
        self.hello = hello
        self.state = State.START
        self.epoch = 0
        self.key_rules: Agreement = "unknown"
        self.finish: Finish | None = None
        self._tier = ask.tier
        self._points = points
        self._suite = suite
        self._rng = rng
        padded = np.full((ask.elements // hello.group_size, hello.group_size), -1, np.int64)
        padded[: len(groups)] = groups
        within = np.frombuffer(rng(8 * padded.size), np.uint64).reshape(padded.shape)
        padded = np.take_along_axis(padded, np.argsort(within, axis=1), axis=1)
        self._order = padded[shuffled(len(padded), rng)].reshape(-1)
        self._pair = suite.session_blind(rng)
        self._said = 0
        self._evaluated = (Inbound(ask.elements, suite.element_bytes), list[bytes]())
        self._entries = (Inbound(0, SIZE_TOKEN_BYTES), list[bytes]())
        self._preparation = Preparation(0)

    def start(self) -> Hello:
        """The first message."""
        if self.state is not State.START:
            raise LocalProtocolError("started twice")
        self.state = State.WAITING
        return self.hello

    def elements(self) -> Iterator[Elements]:
        """All elements; each step does the work of one chunk. Ends early once the session has failed."""
        for at in range(0, len(self._order), CHUNK_ELEMENTS):
            if self.state is State.FAILED:
                return
            if self.state not in (State.WAITING, State.OPEN):
                raise LocalProtocolError(f"elements asked for while {self.state.value}")
            index = self._order[at : at + CHUNK_ELEMENTS]
            true = index >= 0
            rows = np.empty((len(index), self._suite.element_bytes), np.uint8)
            if true.any():
                blinded = self._suite.blind_with_one(self._points[index[true]].tobytes(), self._pair)
                rows[true] = np.frombuffer(blinded, np.uint8).reshape(-1, self._suite.element_bytes)
            if not true.all():
                padding = self._suite.padding(int((~true).sum()), self._rng)
                rows[~true] = np.frombuffer(padding, np.uint8).reshape(-1, self._suite.element_bytes)
            self._said = at + len(index)
            yield Elements(self._tier, at, rows.tobytes())

    def receive(self, message: SenderMessage) -> None:
        """Takes one message of the sender; raises `RemoteProtocolError` when it does not fit."""
        try:
            self._receive(message)
        except RemoteProtocolError:
            self.state = State.FAILED
            raise

    def _receive(self, message: SenderMessage) -> None:
        match message:
            case Failure():
                raise message.error("sender")
            case Accept() if self.state is State.WAITING:
                self._accept(message)
            case Evaluated() if self.state is State.OPEN and message.tier == self._tier:
                if self._said < len(self._order):
                    raise RemoteProtocolError("evaluations before the last element", code="protocol.order")
                self._evaluated[0].take(message)
                self._suite.check_elements(message.data)
                self._evaluated[1].append(message.data)
            case Entries() if self.state is State.OPEN and (message.tier, message.delta) == (self._tier, 1):
                self._entries[0].take(message)
                self._entries[1].append(message.data)
            case Working() if self.state is State.OPEN and message.tier == self._tier and not self._complete:
                self._preparation.take(message)
            case Finish() if self.state is State.OPEN:
                if not self._complete:
                    raise RemoteProtocolError("the sender finished early", code="protocol.short")
                self.finish = message
                self.state = State.DONE
            case _:
                raise RemoteProtocolError(
                    f"{type(message).__name__} while {self.state.value}", code="protocol.state"
                )

    def _accept(self, message: Accept) -> None:
        offer = message.tiers[0]
        fits = (message.epoch, len(message.tiers), offer.tier, offer.tag_bytes, offer.withdrawn)
        if fits != (0, 1, self._tier, SIZE_TOKEN_BYTES, 0) or [h.number for h in offer.deltas] != [1]:
            raise RemoteProtocolError("an offer that does not fit size mode", code="protocol.tier")
        self._entries = (Inbound(offer.deltas[0].entries, SIZE_TOKEN_BYTES), [])
        self._preparation = Preparation(offer.deltas[0].entries)
        self.key_rules = compare(self.hello.key_rules, message.key_rules)
        self.state = State.OPEN

    @property
    def _complete(self) -> bool:
        return self._evaluated[0].complete and self._entries[0].complete

    @property
    def sent(self) -> dict[str, int]:
        """Tokens that the sender sent, dummies included, by tiers asked."""
        return {self._tier: self._entries[0].declared}

    def count(self) -> int:
        """Records with at least one hit; only once the session is DONE. Show it through `shown`."""
        if self.state is not State.DONE:
            raise LocalProtocolError(f"counted while {self.state.value}")
        mine = []
        for data in self._evaluated[1]:
            unblinded = self._suite.unblind_with_one(data, self._pair)
            mine.append(tokens(unblinded, self._suite.element_bytes))
        theirs = np.frombuffer(b"".join(self._entries[1]), np.uint8).reshape(-1, SIZE_TOKEN_BYTES)
        theirs = theirs[np.argsort(tag_prefixes(theirs))]
        all_mine = np.concatenate(mine)
        hits, _ = find_tags(all_mine, theirs, tag_prefixes(theirs))
        hit = np.zeros(len(all_mine), bool)
        hit[hits] = True
        return int(hit.reshape(-1, self.hello.group_size).any(axis=1).sum())
